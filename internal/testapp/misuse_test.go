package testapp_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/testapp"
)

// stays checks that a form came back to its own page with its values, and that the sign-in did not move.
func stays(t *testing.T, name string, p testapp.Page, path string, texts ...string) {
	t.Helper()
	if p.Status != http.StatusUnprocessableEntity || p.URL.Path != path {
		t.Errorf("%s: %d %s to %s", name, p.Status, p.URL, p.Location())
	}
	for _, text := range texts {
		if !strings.Contains(p.Body, text) {
			t.Errorf("%s: page lacks %q", name, text)
		}
	}
}

const wrongText = "認証コードが正しくないか、有効期限が切れています。"

func TestM19_CodesOfSetUp(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		b := a.NewBrowser(t)
		const path = "/signin/two-factor/email"
		p := a.Password(t, b, rp.AuthorizeURL(), "tanaka")
		form := path + "?flow=" + p.Flow()
		verify := func(b *testapp.Browser, form, email, code string) testapp.Page {
			return b.Post(form, value("do", "verify", "email", email, "code", code))
		}
		stays(t, "before sending", verify(b, form, "t@example.jp", "123456"), path, "先に［送信］を選び")
		b.Submit(form, value("do", "send", "email", "t@example.jp"))
		first := a.Code(t, "t@example.jp", 0)
		stays(t, "wrong", verify(b, form, "t@example.jp", wrongCode(first)), path, wrongText, `value="t@example.jp"`)
		stays(t, "missing", verify(b, form, "t@example.jp", ""), path, "認証コードを入力してください。")
		stays(t, "five digits", verify(b, form, "t@example.jp", first[:5]), path, "認証コードは6桁の数字です。")
		stays(t, "seven digits", verify(b, form, "t@example.jp", first+"0"), path, "認証コードは6桁の数字です。")
		stays(t, "edited address", verify(b, form, "evil@example.com", first), path, "メールアドレスが変更されました。", `value="evil@example.com"`)
		stays(t, "no address", verify(b, form, "", first), path, "メールアドレスを入力してください。")

		// Another person's code for the same address, in another sign-in.
		other := a.NewBrowser(t)
		p = a.Password(t, other, rp.AuthorizeURL("acr_values", acrEmail), "suzuki")
		theirs := path + "?flow=" + p.Flow()
		other.Submit(theirs, value("do", "send", "email", "t@example.jp"))
		foreign := a.Code(t, "t@example.jp", 1)
		if foreign != first {
			stays(t, "foreign", verify(b, form, "t@example.jp", foreign), path, wrongText)
		}

		// Sending again voids the former code, and so does time.
		a.Pass(t, 61*time.Second)
		b.Submit(form, value("do", "send", "email", "t@example.jp"))
		second := a.Code(t, "t@example.jp", 2)
		if second != first {
			stays(t, "voided", verify(b, form, "t@example.jp", first), path, wrongText)
		}
		a.Pass(t, 10*time.Minute)
		stays(t, "old", verify(b, form, "t@example.jp", second), path, wrongText)
		b.Submit(form, value("do", "send", "email", "t@example.jp"))
		third := a.Code(t, "t@example.jp", 3)
		a.Pass(t, 9*time.Minute+59*time.Second)
		if p = b.Submit(form, value("do", "verify", "email", "t@example.jp", "code", third)); p.URL.Path != "/signin/backup-codes" {
			t.Fatalf("right: %d %s", p.Status, p.URL)
		}
		// Used up.
		if p := verify(b, form, "t@example.jp", third); p.Status != http.StatusSeeOther || p.Location().Path != "/signin/continue" {
			t.Errorf("reused: %d %s", p.Status, p.Location())
		}
		if p := other.Submit(theirs, value("do", "verify", "email", "t@example.jp", "code", third)); p.Status == http.StatusOK && p.URL.Path != path {
			t.Errorf("a used code in another sign-in: %d %s", p.Status, p.URL)
		}
	})
}

func TestI5_FiveTriesAndNoMore(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		b := a.NewBrowser(t)
		p := a.Password(t, b, rp.AuthorizeURL(), "sato")
		code := a.Code(t, testapp.FactorAddress("sato"), 0)
		here := p.URL.RequestURI()
		for i := range 5 {
			stays(t, fmt.Sprint("try ", i+1), b.Post(here, value("do", "verify", "code", wrongCode(code))), "/signin/challenge")
		}
		if p := b.Submit(here, value("do", "verify", "code", code)); p.Status != http.StatusTooManyRequests {
			t.Errorf("the right code after five wrong ones: %d %s %s", p.Status, p.URL, p.Location())
		}
		// Another sign-in with the right password meets the same pause.
		if p := a.Password(t, a.NewBrowser(t), rp.AuthorizeURL(), "sato"); p.Status != http.StatusTooManyRequests {
			t.Errorf("another sign-in: %d %s", p.Status, p.URL)
		}
		// The pause ends, the spent code does not come back.
		a.Pass(t, 2*time.Minute)
		stays(t, "spent", b.Post(here, value("do", "verify", "code", code)), "/signin/challenge")
		a.Pass(t, 2*time.Minute) // a sixth failure pauses again
		b.Submit(here, value("do", "resend"))
		next := a.Code(t, testapp.FactorAddress("sato"), 1)
		if p := b.Submit(here, value("do", "verify", "code", next)); p.Location().Query().Get("code") == "" {
			t.Errorf("the next code: %d %s", p.Status, p.URL)
		}
	})
}

func TestI5_OneCodeOneSignIn(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		tabs := make([]string, 2)
		codes := make([]string, 2)
		b := a.NewBrowser(t)
		for i := range tabs {
			p := a.Password(t, b, rp.AuthorizeURL("state", fmt.Sprint("tab-", i)), "sato")
			tabs[i], codes[i] = p.URL.RequestURI(), a.Code(t, testapp.FactorAddress("sato"), i)
			a.Pass(t, 61*time.Second) // the pause between two codes
		}
		// Two tabs of one browser: each takes its own code only, and both come to their end.
		if codes[0] != codes[1] {
			stays(t, "the other tab's code", b.Post(tabs[0], value("do", "verify", "code", codes[1])), "/signin/challenge", wrongText)
		}
		for i := range tabs {
			p := b.Submit(tabs[i], value("do", "verify", "code", codes[i]))
			if q := p.Location().Query(); q.Get("code") == "" || q.Get("state") != fmt.Sprint("tab-", i) {
				t.Errorf("tab %d: %d %s to %s", i, p.Status, p.URL, p.Location())
			}
		}
	})
}

// A double click sends a form twice at once. One of the two counts, and neither meets an error.
func TestDoubleClick(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *watched) {
		rp := a.RelyingParty(t, "store")
		b := a.NewBrowser(t)
		twice := func(path string, form url.Values) []testapp.Page {
			pages := make([]testapp.Page, 2)
			var group sync.WaitGroup
			for i := range pages {
				group.Go(func() { pages[i] = b.Post(path, form) })
			}
			group.Wait()
			for _, p := range pages {
				if p.Status != http.StatusSeeOther && p.Status != http.StatusUnprocessableEntity {
					t.Errorf("%s with %v: %d\n%s", path, form, p.Status, p.Body)
				}
			}
			return pages
		}
		p := b.Open(rp.AuthorizeURL())
		flow := "?flow=" + p.Flow()
		// Whichever answer the browser keeps, the sign-in goes on from the other's cookie or says that it is over; here the
		// first answer to come sets the cookie and the second leads to where the sign-in stands.
		pages := make([]testapp.Page, 2)
		var group sync.WaitGroup
		for i := range pages {
			group.Go(func() {
				pages[i] = b.Post("/signin"+flow, value("username", "tanaka", "password", "futakagi-demo"))
			})
		}
		group.Wait()
		good := 0
		for _, p := range pages {
			switch p.Status {
			case http.StatusSeeOther:
				good++
			case http.StatusGone:
			default:
				t.Errorf("password twice: %d", p.Status)
			}
		}
		if good == 0 {
			t.Error("password twice: none of them was accepted")
		}
		if p = b.Open("/signin/continue" + flow); p.URL.Path != "/signin/two-factor" {
			t.Fatalf("after the password: %d %s", p.Status, p.URL)
		}
		twice("/signin/two-factor"+flow, value("method", "email"))
		form := "/signin/two-factor/email" + flow
		twice(form, value("do", "send", "email", "t@example.jp"))
		code := a.Code(t, "t@example.jp", 0)
		if n := len(a.Mail.Mails("t@example.jp")); n != 1 {
			t.Errorf("%d mails", n)
		}
		twice(form, value("do", "verify", "email", "t@example.jp", "code", code))
		if n := a.count(t, "SELECT count(*) FROM factors WHERE address = 't@example.jp'"); n != 1 {
			t.Errorf("%d factors", n)
		}
		if p = b.Open("/signin/continue" + flow); p.URL.Path != "/signin/backup-codes" {
			t.Fatalf("after the code: %d %s", p.Status, p.URL)
		}
		twice("/signin/backup-codes"+flow, value("saved", "yes"))
		before := a.count(t, "SELECT count(*) FROM sessions")
		ends := make([]testapp.Page, 2)
		for i := range ends {
			group.Go(func() { ends[i] = b.Get("/signin/continue" + flow) })
		}
		group.Wait()
		codes := 0
		for _, p := range ends {
			if p.Location().Query().Get("code") != "" {
				codes++
			} else if p.Status >= 500 {
				t.Errorf("end twice: %d", p.Status)
			}
		}
		if n := a.count(t, "SELECT count(*) FROM sessions"); codes != 1 || n != before+1 {
			t.Errorf("%d codes and %d sessions came of one sign-in", codes, n-before)
		}
	})
}

func TestBackButtonAndReload(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	b := a.NewBrowser(t)
	p := b.Open(rp.AuthorizeURL())
	login := p.URL.RequestURI()
	flow := "?flow=" + p.Flow()
	b.Submit(login, value("username", "tanaka", "password", "futakagi-demo"))
	if p := b.Open(login); p.URL.Path != "/signin/two-factor" {
		t.Errorf("back to the password: %d %s", p.Status, p.URL)
	}
	// The form of the password, sent again from the page the browser still shows: the same person, no harm.
	if p := b.Submit(login, value("username", "tanaka", "password", "futakagi-demo")); p.URL.Path != "/signin/two-factor" {
		t.Errorf("password sent again: %d %s", p.Status, p.URL)
	}
	form := "/signin/two-factor/email" + flow
	b.Submit(form, value("do", "send", "email", "t@example.jp"))
	b.Submit(form, value("do", "verify", "email", "t@example.jp", "code", a.Code(t, "t@example.jp", 0)))
	for _, path := range []string{login, "/signin/two-factor" + flow, form, "/signin/challenge" + flow, "/signin/continue" + flow} {
		if p := b.Open(path); p.URL.Path != "/signin/backup-codes" || p.Status != http.StatusOK {
			t.Errorf("%s after the code: %d %s", path, p.Status, p.URL)
		}
	}
	p = b.Submit("/signin/backup-codes"+flow, value("saved", "yes"))
	if p.Location().Query().Get("code") == "" {
		t.Fatalf("%d %s", p.Status, p.URL)
	}
	for _, path := range []string{login, "/signin/two-factor" + flow, form, "/signin/backup-codes" + flow, "/signin/backup-codes.txt" + flow, "/signin/continue" + flow} {
		p := b.Open(path)
		if p.Status != http.StatusGone || !strings.Contains(p.Body, "<h1") || p.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s after the end: %d %s", path, p.Status, p.URL)
		}
	}
}

func TestExpiredSignIn(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		for _, step := range []string{"password", "challenge"} {
			b := a.NewBrowser(t)
			p := b.Open(rp.AuthorizeURL())
			form := value("username", "sato", "password", "futakagi-demo")
			if step == "challenge" {
				sent := len(a.Mail.Mails(testapp.FactorAddress("sato")))
				p = b.Submit(p.URL.RequestURI(), form)
				form = value("do", "verify", "code", a.Code(t, testapp.FactorAddress("sato"), sent))
			}
			a.Pass(t, 31*time.Minute)
			for name, got := range map[string]testapp.Page{
				"post": b.Submit(p.URL.RequestURI(), form), "get": b.Open(p.URL.RequestURI()), "continue": b.Open("/signin/continue?flow=" + p.Flow()),
				"cancel": b.Submit("/signin/cancel?flow="+p.Flow(), nil),
			} {
				if got.Status != http.StatusGone || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
					t.Errorf("%s, %s: %d %s", step, name, got.Status, got.URL)
				}
			}
			if p := a.SignIn(t, b, rp.AuthorizeURL(), "suzuki"); p.Location().Query().Get("code") == "" {
				t.Errorf("a new sign-in afterwards: %d %s", p.Status, p.URL)
			}
		}
	})
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "f%d=1&", i)
	}
	return b.String()
}

// A body that never ends is cut off, however it is announced.
func TestOversizedBodyWithoutLength(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	for _, path := range []string{"/signin", "/authorize", "/token", "/logout/confirm"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+path, io.MultiReader(strings.NewReader("x="), endless{}))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", a.URL)
		req.SetBasicAuth("store", testapp.ClientSecret)
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			continue // the server closed the connection while we were writing: as good
		}
		res.Body.Close()
		want := http.StatusRequestEntityTooLarge
		if path == "/signin" {
			want = http.StatusGone // it is nobody's form, so its body is not even read
		}
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestForeignFlow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *watched) {
		rp := a.RelyingParty(t, "store")
		owner, thief := a.NewBrowser(t), a.NewBrowser(t)
		p := a.Password(t, owner, rp.AuthorizeURL(), "sato")
		code := a.Code(t, testapp.FactorAddress("sato"), 0)
		a.Password(t, thief, rp.AuthorizeURL(), "tanaka") // with a pending sign-in of its own
		before := a.rows(t)
		flow := "?flow=" + p.Flow()
		for _, r := range routes(t, a.App) {
			if !strings.HasPrefix(r.path, "/signin") || r.path == "/signin/start" || r.method == http.MethodConnect || r.method == http.MethodTrace {
				continue
			}
			form := value("do", "verify", "code", code, "username", "tanaka", "password", "futakagi-demo", "method", "email", "saved", "yes", "email", "evil@example.com")
			got := thief.Do(r.method, r.path+flow, form, map[string]string{"Origin": a.URL, "Sec-Fetch-Site": "same-origin"})
			if got.Status == http.StatusSeeOther {
				got = thief.Follow(got)
			}
			if got.Status != http.StatusGone && got.Status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d %s", r.method, r.path, got.Status, got.URL)
			}
			// Nobody's and malformed ones get the same answer.
			for _, id := range []string{"x", "", "00000000-0000-7000-8000-000000000000", strings.Repeat("a", 500), p.Flow() + "&flow=" + p.Flow()} {
				if other := thief.Follow(thief.Do(r.method, r.path+"?flow="+id, form, map[string]string{"Origin": a.URL, "Sec-Fetch-Site": "same-origin"})); other.Status != got.Status {
					t.Errorf("%s %s with flow %q: %d, with another browser's %d", r.method, r.path, id, other.Status, got.Status)
				}
			}
		}
		if d := difference(before, a.rows(t)); len(d) != 0 {
			t.Errorf("rows changed:\n%s", strings.Join(d, "\n"))
		}
		if p := owner.Submit(p.URL.RequestURI(), value("do", "verify", "code", code)); p.Location().Query().Get("code") == "" {
			t.Errorf("the owner goes on: %d %s", p.Status, p.URL)
		}
	})
}

// The sign-in of the console and that of the shop do not open each other.
func TestKindsStayApart(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	b := a.NewBrowser(t)
	for client, login := range map[string]string{"store": "operator", "staff": "suzuki"} {
		page := b.Open(a.RelyingParty(t, client).AuthorizeURL()).URL.RequestURI()
		if p := b.Submit(page, value("username", login, "password", "futakagi-demo")); p.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s at client %s: %d %s", login, client, p.Status, p.URL)
		}
	}
	a.CodeOf(t, b, a.RelyingParty(t, "store").AuthorizeURL(), "suzuki")
	customer := cookie(b, "__Host-futakagi")
	b.SetCookie(&http.Cookie{Name: "__Host-futakagi-admin", Value: customer.Value})
	if p := b.Get(a.RelyingParty(t, "staff").AuthorizeURL("prompt", "none")); p.Location().Query().Get("error") != "login_required" {
		t.Errorf("a customer's session at a staff client: %s", p.Location())
	}
}

// Without cookies a browser is told so instead of going in circles.
func TestCookiesBlocked(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	p := a.NewBrowser(t).Get(a.RelyingParty(t, "store").AuthorizeURL())
	if got := a.NewBrowser(t).Open(p.Location().RequestURI()); got.Status != http.StatusBadRequest || !strings.Contains(got.Body, "Cookie") {
		t.Errorf("%d %s", got.Status, got.URL)
	}
}

// httptest's recorder shares no connection with a browser: the handler itself must hold without the server around it.
func TestHandlerAlone(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	rec := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, a.URL+"/.well-known/openid-configuration", nil)
	a.Handler.ServeHTTP(rec, req)
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"issuer":"`+a.URL+`"`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
