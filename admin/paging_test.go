package admin

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// TestPagerLeadsBack goes through a long list and back: each page again begins where it began, as far as the links remember.
func TestPagerLeadsBack(t *testing.T) {
	const pages = maxTrail + 5
	at := func(n int) string {
		if n == 0 || n == pages {
			return "" // the first has no place, and the last leads nowhere
		}
		return Place{time.Unix(int64(n), 0), store.MinID}.cursor()
	}
	open := func(link string) (after string, p templates.Pager) {
		r := httptest.NewRequest(http.MethodGet, link, nil)
		query, err := web.ParseQuery(r)
		must(t, err)
		after = query.Get("after")
		n := 0
		if place, ok := readPlace(after); ok {
			n = int(place.At.Unix())
		}
		if query.Get("q") != "a b" {
			t.Fatalf("the filter is gone: %s", link)
		}
		return after, pager("/list", url.Values{"q": {"a b"}}, query, at(n+1))
	}
	link := "/list?q=a+b"
	for n := range pages {
		after, p := open(link)
		if after != at(n) || (p.Next == "") != (n == pages-1) || (n > 0) != (p.Prev != "") || (n > 1) != (p.First != "") || len(link) > 2500 {
			t.Fatalf("page %d begins at %q: %+v", n, after, p)
		}
		if p.Next != "" {
			link = p.Next
		}
	}
	for n := pages - 1; n > 0; n-- {
		after, p := open(link)
		if after != at(n) {
			t.Fatalf("back on page %d, which begins at %q", n, after)
		}
		if p.Prev == "" {
			if n > pages-maxTrail+1 || p.First != "/list?q=a+b" {
				t.Errorf("the links forgot page %d: %+v", n, p)
			}
			return
		}
		link = p.Prev
	}
	t.Error("a long list is remembered to its beginning")
}

func TestPagerIgnoresWhatIsNoTrail(t *testing.T) {
	t.Parallel()
	for _, back := range []string{"~", "a.~", ".", "a..b", "<", "a b", strings.Repeat("a.", 50) + "a", "https://example.com"} {
		r := httptest.NewRequest(http.MethodGet, "/list?after=x&"+url.Values{"back": {back}}.Encode(), nil)
		query, err := web.ParseQuery(r)
		must(t, err)
		p := pager("/list", nil, query, "")
		if back == "~" && (p.First != "/list" || p.Prev != "") || back != "~" && (p.Prev != "/list" || p.First != "") {
			t.Errorf("%q: %+v", back, p)
		}
	}
}

// TestLookBackIsBounded reads a list in which one row in so many is wanted: whatever that is, every row comes once and in order, and no
// page reads more than it may.
func TestLookBackIsBounded(t *testing.T) {
	t.Parallel()
	const size, total = 50, 50_000
	for _, every := range []int{1, 7, 100, 3000, total + 1} {
		var got []int
		from := total // rows are numbered by their second
		for pages := 0; ; pages++ {
			read := 0
			last := func(look int32) (time.Time, int64, error) {
				n := min(from, int(look))
				if n == 0 {
					return time.Time{}, 0, store.ErrNotFound
				}
				return time.Unix(int64(from-n), 0), int64(n), nil
			}
			rows, end, err := lookBack(size, time.Unix(0, 0), last, func(since time.Time) ([]int, error) {
				var found []int
				for n := from - 1; n >= int(since.Unix()) && len(found) <= size; n-- {
					if read++; n%every == 0 {
						found = append(found, n)
					}
				}
				return found, nil
			})
			must(t, err)
			rows, next := cutPage(rows, size, end, func(n int) Place { return Place{time.Unix(int64(n), 0), store.MaxID} })
			got = append(got, rows...)
			if read > lookFirst+lookMost || pages > total/size {
				t.Fatalf("one in %d: page %d read %d rows", every, pages, read)
			}
			if next.IsZero() {
				break
			}
			from = int(next.At.Unix())
		}
		if want := (total-1)/every + 1; len(got) != want || !slices.IsSortedFunc(got, func(a, b int) int { return b - a }) {
			t.Errorf("one in %d: %d rows, want %d", every, len(got), want)
		}
	}
}

// TestListsLeadForwardAndBack follows the links of the console's lists.
func TestListsLeadForwardAndBack(t *testing.T) {
	c := newConsole(t, root)
	must(t, c.db.InTx(t.Context(), func(tx *store.Tx) error {
		for i := range 2*pageSize + 1 {
			now := c.clock.now()
			if err := tx.InsertCustomer(t.Context(), store.InsertCustomerParams{
				ID: store.NewID[store.CustomerID](), Code: fmt.Sprintf("D-%03d", i), Name: fmt.Sprintf("name-%03d.", i), Now: now,
			}); err != nil {
				return err
			}
			account := c.tanaka
			if err := tx.EnqueueMessage(t.Context(), store.EnqueueMessageParams{
				ID: store.NewID[store.MessageID](), Channel: "email", Kind: "code", AccountID: &account, Recipient: fmt.Sprintf("name-%03d.@example.jp", i),
				PayloadSealed: []byte{1}, Now: now, Deadline: now.Add(time.Hour),
			}); err != nil {
				return err
			}
			id, until := store.NewID[store.AccountID](), now.Add(time.Duration(i/2+1)*time.Minute)
			if err := tx.InsertAccount(t.Context(), store.InsertAccountParams{
				ID: id, Kind: "store", LoginID: fmt.Sprintf("name-%03d.", i), LoginKey: fmt.Sprintf("name-%03d.", i), Role: "buyer",
				UserGroupID: &c.group, TwoFactor: "use", Now: now,
			}); err != nil {
				return err
			}
			if _, err := tx.SetExemption(t.Context(), store.SetExemptionParams{ID: id, Until: until, Now: now, Reason: "r", GrantedBy: "root"}); err != nil {
				return err
			}
		}
		return nil
	}))
	for path, total := range map[string]string{
		"/admin/customers": "102件", "/admin/deliveries": "101件", "/admin/deliveries?state=queued": "101件", "/admin/exemptions": "101件",
		"/admin/settings/two-factor/rollout/store/accounts": "", "/admin/customers?status=none": "", "/admin/deliveries?account=" + string(c.tanaka): "101件",
	} {
		var bodies []string
		seen := map[string]bool{}
		link := path
		for link != "" && len(bodies) < 5 {
			body := c.get(link)
			for _, name := range shownNames(body) {
				if seen[name] {
					t.Errorf("%s: %s comes twice", path, name)
				}
				seen[name] = true
			}
			bodies = append(bodies, body)
			link = linkOf(body, "next")
		}
		if want := map[bool]int{true: 0, false: 2*pageSize + 1}[path == "/admin/customers?status=none"]; len(seen) != want || !strings.Contains(bodies[0], total) {
			t.Errorf("%s: %d rows on %d pages", path, len(seen), len(bodies))
		}
		for n := len(bodies) - 2; n >= 0; n-- {
			body := c.get(linkOf(bodies[n+1], "prev"))
			if !slices.Equal(shownNames(body), shownNames(bodies[n])) {
				t.Errorf("%s: page %d is another one on the way back", path, n)
			}
		}
	}
}

// shownNames are the rows of the test above that a page shows.
func shownNames(body string) (found []string) {
	for part := range strings.SplitSeq(body, "name-") {
		if len(part) > 3 && part[3] == '.' && !slices.Contains(found, part[:3]) {
			found = append(found, part[:3])
		}
	}
	return found
}

// linkOf is where a link of the pager leads.
func linkOf(body, rel string) string {
	before, _, ok := strings.Cut(body, `" rel="`+rel+`"`)
	if !ok {
		return ""
	}
	return strings.ReplaceAll(before[strings.LastIndex(before, `"`)+1:], "&amp;", "&")
}

// TestRolloutCountsUndeliverable: whoever has nothing but an address at which nothing arrives would be stopped, too.
func TestRolloutCountsUndeliverable(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root := t.Context(), w.actor(w.root)
		w.enrol(w.tanaka)
		w.enrol(w.suzuki)
		w.add(w.suzuki, signin.TOTP)
		for _, id := range []store.AccountID{w.tanaka, w.suzuki} {
			w.tx(func(tx *store.Tx) error {
				now := w.clock.now().Add(time.Minute)
				_, err := tx.MarkFactorBounced(ctx, store.MarkFactorBouncedParams{
					AccountID: id, Kind: "email", Address: w.row(id).LoginID + "-2fa@example.jp", Now: &now, WrittenAt: now,
				})
				return err
			})
		}
		ro, err := w.Rollout(ctx, root, SurfaceStore)
		must(t, err)
		if n := ro.Count; n.Unset != 0 || n.Unreachable != 1 || n.Unusable != 0 || n.Stopped() != 1 || n.Never != 1 {
			t.Errorf("%+v", n)
		}
		page, err := w.ListConcerned(ctx, root, SurfaceStore, "")
		must(t, err)
		if len(page.Rows) != 1 || page.Rows[0].LoginID != "tanaka" || !page.Rows[0].Undeliverable {
			t.Errorf("%+v", page.Rows)
		}
		rows, err := w.ExportConcerned(ctx, root, SurfaceStore)
		must(t, err)
		for row, err := range rows {
			if err != nil || !row.Undeliverable {
				t.Errorf("%+v, %v", row, err)
			}
		}
		told, err := w.db.Read().ListToAnnounce(ctx, store.ListToAnnounceParams{Kind: "store", AfterID: store.MinID, Useful: "email totp", PageSize: 9})
		if err != nil || len(told) != 1 || told[0].ID != w.tanaka {
			t.Errorf("told: %+v, %v", told, err)
		}
	})
}
