package admin

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
)

// found lists what a search found, as kind and name.
func (w *world) found(as Actor, in SearchQuery) (names []string, last Found) {
	w.t.Helper()
	groups, err := w.Search(w.t.Context(), as, in)
	must(w.t, err)
	for _, g := range groups {
		for _, c := range g.Customers {
			names = append(names, g.Kind+" "+c.Name)
		}
		for _, a := range g.Accounts {
			names = append(names, strings.TrimSpace(g.Kind+" "+a.LoginID+" "+a.Address))
		}
		last = g
	}
	return names, last
}

func TestSearch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		c, err := w.CreateCustomer(ctx, System(), account.CustomerInput{Code: "D-7", Name: "二番目の会社"})
		must(t, err)
		g, err := w.CreateUserGroup(ctx, System(), c.ID, "支社")
		must(t, err)
		in := w.input("tanaka.second", account.RoleBuyer)
		in.DisplayName = "田中 二郎"
		second, err := w.CreateAccount(ctx, System(), g.ID, in)
		must(t, err)
		w.enrol(w.suzuki)
		root, desk := w.actor(w.root), w.actor(w.desk)
		for _, tt := range []struct {
			as   Actor
			text string
			want []string
		}{
			{desk, "tanaka", []string{"store tanaka", "store tanaka.second"}},
			{desk, "TANAKA@example", []string{"store tanaka"}},
			{desk, "tanaka 二番目", []string{"store tanaka.second"}},
			{desk, "田中 二郎", []string{"store tanaka.second"}},
			{desk, "サンプル", []string{"customer 株式会社サンプル商事"}},
			{desk, "D-7", []string{"customer 二番目の会社"}},
			{desk, "suzuki-2fa@", []string{"address suzuki suzuki-2fa@example.jp"}},
			{desk, "suzuki", []string{"store suzuki", "address suzuki suzuki-2fa@example.jp"}},
			{desk, string(second.ID), []string{"store tanaka.second"}},
			{desk, strings.ToUpper(string(c.ID)), []string{"customer 二番目の会社"}},
			{desk, string(w.root), nil},
			{root, string(w.root), []string{"operator root"}},
			{desk, "root", nil},
			{root, "root", []string{"operator root"}},
			{root, "nobody", nil},
			{root, "", nil},
			{root, "%", nil},
			{root, `' OR 1=1 --`, nil},
		} {
			if got, _ := w.found(tt.as, SearchQuery{Text: tt.text}); cmp.Diff(tt.want, got) != "" {
				t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
			}
		}
		if _, err := w.Search(ctx, Actor{Account: w.row(w.tanaka)}, SearchQuery{Text: "tanaka"}); err == nil {
			t.Error("a customer searches")
		}

		// What changes is found as it is now, and not as it was.
		_, err = w.UpdateAccount(ctx, root, second.ID, w.row(second.ID).UpdatedAt, account.Profile{DisplayName: "山本 花子", Role: second.Role, RegisteredEmail: "hanako@example.com"})
		must(t, err)
		if got, _ := w.found(desk, SearchQuery{Text: "二郎"}); got != nil {
			t.Errorf("the former name: %q", got)
		}
		if got, _ := w.found(desk, SearchQuery{Text: "花子 hanako"}); len(got) != 1 {
			t.Errorf("the new name: %q", got)
		}

		// Rows from before the index are found once they are indexed.
		w.tx(func(tx *store.Tx) error {
			return tx.InsertAccount(ctx, store.InsertAccountParams{
				ID: store.NewID[store.AccountID](), Kind: account.KindStore, LoginID: "Former", LoginKey: "former", DisplayName: "以前の人",
				Role: account.RoleBuyer, UserGroupID: &w.group, TwoFactor: "use", Now: w.clock.now(),
			})
		})
		more, err := w.accounts.IndexSome(ctx)
		must(t, err)
		if got, _ := w.found(desk, SearchQuery{Text: "以前"}); more || len(got) != 1 {
			t.Errorf("from before the index: %q, %v", got, more)
		}

		// Leafing through one kind: everybody once, in order, whatever is added meanwhile before the place.
		for i := range 2*pageSize + 7 {
			must(t, func() error {
				_, err := w.CreateAccount(ctx, System(), w.group, w.input(fmt.Sprintf("many%03d", i), account.RoleBuyer))
				return err
			}())
		}
		groups, err := w.Search(ctx, desk, SearchQuery{Text: "many"})
		must(t, err)
		if len(groups) != 1 || len(groups[0].Accounts) != firstFound || groups[0].Next == (SearchPlace{}) {
			t.Errorf("a few of every kind: %d groups", len(groups))
		}
		var all []string
		query := SearchQuery{Text: "many", Kind: FoundAccounts}
		for range 10 {
			names, last := w.found(desk, query)
			all = append(all, names...)
			if query.After = last.Next; last.Next == (SearchPlace{}) {
				break
			}
		}
		if len(all) != 2*pageSize+7 || !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
			t.Errorf("leafed through %d: %q", len(all), all)
		}
	})
}

// TestSearchByNameAndCompany holds that the accounts of a customer are found among any number of others with the same name, whole and in
// pages, by the customer's code as well, and by those too who see no addresses.
func TestSearchByNameAndCompany(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		c, err := w.CreateCustomer(ctx, System(), account.CustomerInput{Code: "Z-99", Name: "株式会社遠方"})
		must(t, err)
		g, err := w.CreateUserGroup(ctx, System(), c.ID, "本店")
		must(t, err)
		create := func(group store.UserGroupID, login, name string) {
			in := w.input(login, account.RoleBuyer)
			in.DisplayName = name
			_, err := w.CreateAccount(ctx, System(), group, in)
			must(t, err)
		}
		// Many bear the name, and those of the customer come last in every order.
		for i := range 30 {
			create(w.group, fmt.Sprintf("common%03d", i), fmt.Sprintf("高橋 %d郎", i))
		}
		var want []string
		for i := range firstFound + 3 {
			login := fmt.Sprintf("remote%03d", i)
			create(g.ID, login, "高橋 鷲郎")
			want = append(want, "store "+login)
		}
		create(g.ID, "unlike", "山本 鷲郎")
		desk, masked := w.actor(w.desk), w.actor(w.operator("masked", w.role("masked", "view")))
		for _, text := range []string{"高橋 遠方", "遠方 高橋", "高橋　株式会社遠", "Z-99 高橋", "高橋 z-99 遠方"} {
			for _, as := range []Actor{desk, masked} {
				got, last := w.found(as, SearchQuery{Text: text, Kind: FoundAccounts})
				if cmp.Diff(want, got) != "" || last.Cut || last.Next != (SearchPlace{}) {
					t.Errorf("%s: %q by %s: %q, %+v", text, got, as.Account.LoginID, got, last.Next)
				}
			}
		}
		groups, err := w.Search(ctx, desk, SearchQuery{Text: "高橋 遠方"})
		must(t, err)
		if len(groups) != 1 || len(groups[0].Accounts) != firstFound || groups[0].Cut {
			t.Fatalf("a few of every kind: %+v", groups)
		}
		rest, last := w.found(desk, SearchQuery{Text: "高橋 遠方", Kind: FoundAccounts, After: groups[0].Next})
		if cmp.Diff(want[firstFound:], rest) != "" || last.Next != (SearchPlace{}) {
			t.Errorf("the rest: %q, %+v", rest, last.Next)
		}
		for _, text := range []string{"遠方 Z-99", "佐々木 遠方", "高橋 遠方 山本"} {
			if got, _ := w.found(desk, SearchQuery{Text: text, Kind: FoundAccounts}); got != nil {
				t.Errorf("%s: %q", text, got)
			}
		}
		if got, _ := w.found(desk, SearchQuery{Text: "鷲郎 遠方 山本"}); cmp.Diff([]string{"store unlike"}, got) != "" {
			t.Errorf("three words: %q", got)
		}
		// Nobody is found by their customer alone, whatever it is called.
		both, err := w.CreateCustomer(ctx, System(), account.CustomerInput{Code: "Z-98", Name: "遠方高橋商店"})
		must(t, err)
		shop, err := w.CreateUserGroup(ctx, System(), both.ID, "本店")
		must(t, err)
		create(shop.ID, "clerk", "佐藤 花")
		for _, text := range []string{"高橋 遠方", "z- 高橋 遠方"} {
			if got, _ := w.found(desk, SearchQuery{Text: text, Kind: FoundAccounts}); cmp.Diff(want, got) != "" {
				t.Errorf("%s beside a customer of that name: %q", text, got)
			}
		}
	})
}

// TestSearchPage: one box, results by kind.
func TestSearchPage(t *testing.T) {
	c := newConsole(t, desk)
	c.wants(c.get("/admin/customers?q=tanaka"), "ストアアカウント", "tanaka", accountURL(c.tanaka), "株式会社サンプル商事")
	c.wants(c.get("/admin/customers?q=サンプル"), "販売先", customerGroupsURL(c.customer))
	c.wants(c.get("/admin/customers?q=zzz"), "見つかりませんでした")
	c.wants(c.get("/admin/customers?q=tanaka&kind=store&after="+SearchPlace{Term: "tanaka\U0010FFFF", ID: store.MaxID}.cursor()), "見つかりませんでした")
	c.wants(c.get("/admin/customers?q=tanaka&kind=store&after=x&back=y"), accountURL(c.tanaka))
}

// TestSearchCursorsHoldNoAddress holds that whoever may not see addresses reads none in where a list goes on, and goes on all the same.
func TestSearchCursorsHoldNoAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		reader := func(login string, rights ...string) Actor {
			actor, err := w.viewer(t.Context(), w.actor(w.operator(login, w.role(login, rights...))), mayView)
			must(t, err)
			return actor
		}
		masked, other, sees := reader("masked", "view"), reader("other", "view"), reader("sees", "view", "see_addresses")
		place := SearchPlace{Term: "tanaka@example.jp", ID: string(w.tanaka)}
		for _, actor := range []Actor{masked, sees} {
			text, err := w.searchCursor(actor, place)
			must(t, err)
			raw, err := base64.RawURLEncoding.DecodeString(text)
			must(t, err)
			if hidden := actor.is(masked.Account.ID); strings.Contains(string(raw), "tanaka") == hidden || w.readSearchCursor(actor, text) != place {
				t.Errorf("%s: %q, read as %+v", actor.Account.LoginID, raw, w.readSearchCursor(actor, text))
			}
			if got := w.readSearchCursor(other, text); got != (SearchPlace{}) {
				t.Errorf("somebody else's: %+v", got)
			}
		}
		if text, err := w.searchCursor(masked, SearchPlace{}); text != "" || err != nil {
			t.Errorf("%q, %v", text, err)
		}
	})
}
