package testapp_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/testapp"
)

var undoLink = regexp.MustCompile(`(?m)^ +(http\S+/account/undo\?ticket=([\w-]{43}))$`)

// mailOf waits for a mail to an address whose subject holds a text.
func mailOf(t *testing.T, a *testapp.App, to, subject string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for _, m := range a.Mail.Mails(to) {
			if strings.Contains(m.Subject, subject) {
				return m.Text
			}
		}
	}
	t.Fatalf("no mail about %q came to %s", subject, to)
	return ""
}

// changeAddress changes a fixture's 2FA address in a browser that is signed in, as whoever holds its session would.
func changeAddress(t *testing.T, a *testapp.App, b *testapp.Browser, to string) {
	t.Helper()
	const page = "/account/security/email"
	b.Submit(page, url.Values{"do": {"send"}, "email": {to}})
	p := b.Submit(page, url.Values{"do": {"verify"}, "email": {to}, "code": {a.Code(t, to, 0)}})
	if p.Status != http.StatusOK || p.URL.Path != "/account/security" {
		t.Fatalf("change of address: %d %s", p.Status, p.URL)
	}
}

// The whole story of a stolen session: the address is changed, the mail at the former one takes it back, the thief is out.
func TestI18_UndoByTheMailsLink(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		thief, owner := a.NewBrowser(t), a.NewBrowser(t)
		tokens := rp.TokensOf(thief, "sato")
		changeAddress(t, a, thief, "thief@example.com")
		if !rp.Active(tokens.Str("access_token")) || tokens.Str("refresh_token") == "" {
			t.Fatal("the acting session's tokens ended with the change")
		}

		const changed = "メールアドレスが変更されました"
		link := undoLink.FindStringSubmatch(mailOf(t, a, "sato-2fa@example.jp", changed))
		if link == nil || !strings.HasPrefix(link[1], a.URL+"/account/undo?") {
			t.Fatalf("no link of the issuer's in the mail: %q", link)
		}
		for _, other := range []string{"sato@example.jp", "thief@example.com"} {
			if text := mailOf(t, a, other, changed); strings.Contains(text, "ticket") || strings.Contains(text, "/account/undo") {
				t.Errorf("the mail to %s has a link:\n%s", other, text)
			}
		}

		p := owner.Get(link[1])
		if p.Status != http.StatusOK || !strings.Contains(p.Body, "th•••••@example.com") {
			t.Fatalf("page: %d\n%s", p.Status, p.Body)
		}
		if p := thief.Get("/account/security"); p.Status != http.StatusOK {
			t.Fatalf("opening the link ended a session: %d", p.Status)
		}
		// Another site's form does not press the button.
		if p := owner.PostWith("/account/undo", value("ticket", link[2]), map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}); p.Status != http.StatusForbidden {
			t.Errorf("from another site: %d", p.Status)
		}
		done := owner.Submit("/account/undo", value("ticket", link[2]))
		if done.Status != http.StatusOK || done.URL.RequestURI() != "/account/undo/done" || !strings.Contains(done.Body, "すぐにパスワードを変更してください。") {
			t.Fatalf("undo: %d %s", done.Status, done.URL)
		}
		for _, c := range owner.Cookies() {
			if strings.Contains(c.Name, "futakagi") && len(c.Value) > 20 {
				t.Errorf("the undo left a cookie that may open something: %s", c.Name)
			}
		}

		// The thief is out, everywhere, and the link is used up.
		if p := thief.Get("/account/security"); p.Status != http.StatusSeeOther {
			t.Errorf("the thief's session: %d", p.Status)
		}
		if rp.Active(tokens.Str("access_token")) || rp.Refresh(tokens.Str("refresh_token")).Status == http.StatusOK {
			t.Error("the thief's tokens work")
		}
		if p := thief.Get(link[1]); p.Status != http.StatusNotFound || strings.Contains(p.Body, "•••••") {
			t.Errorf("the link once used: %d", p.Status)
		}
		mailOf(t, a, "thief@example.com", "変更が取り消されました")
		mailOf(t, a, "sato@example.jp", "変更が取り消されました")

		// The owner signs in as before the change: it is the password and a code at the former address.
		if p := a.SignIn(t, a.NewBrowser(t), rp.AuthorizeURL(), "sato"); p.Location().Query().Get("code") == "" {
			t.Errorf("the owner cannot sign in: %d %s", p.Status, p.URL)
		}
		if log := a.Log.String(); strings.Contains(log, link[2]) || !strings.Contains(log, `"route":"/account/undo"`) {
			t.Error("the log holds the ticket, or nothing of the request")
		}
	})
}

func TestI17_ResetVoidsTheLink(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		b := a.NewBrowser(t)
		a.CodeOf(t, b, a.RelyingParty(t, "store").AuthorizeURL(), "sato")
		changeAddress(t, a, b, "moved@example.com")
		link := undoLink.FindStringSubmatch(mailOf(t, a, "sato-2fa@example.jp", "メールアドレスが変更されました"))
		if link == nil {
			t.Fatal("no link")
		}
		resetFactors(t, a, "sato")
		if p := b.Post("/account/undo", value("ticket", link[2])); p.Status != http.StatusNotFound {
			t.Errorf("after a reset: %d", p.Status)
		}
		status, err := a.MFA.Status(t.Context(), a.DB.Read(), accountOf(t, a, "sato").ID)
		if err != nil || status.SetUp() {
			t.Errorf("something is set up again: %+v, %v", status, err)
		}
	})
}

// Operators have the same page, in their own frame, and find it from the console.
func TestOperatorsOwnSecurityPage(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	b := a.NewBrowser(t)
	p := a.SignIn(t, b, "/admin", "operator")
	if p.Status != http.StatusOK || !strings.Contains(p.Body, `href="/admin/security"`) {
		t.Fatalf("the console has no link: %d %s", p.Status, p.URL)
	}
	p = b.Get("/admin/security")
	for _, want := range []string{"セキュリティ設定", "管理画面へ戻る", `class="topbar`, `href="/admin/security/password"`, "ほかの管理者に連絡してください。", "ログイン中の端末"} {
		if !strings.Contains(p.Body, want) {
			t.Errorf("%d: the page lacks %q", p.Status, want)
		}
	}
	if strings.Contains(p.Body, "/account/security") || strings.Contains(p.Body, "ご契約の事業者") {
		t.Error("the page speaks to customers")
	}
	// A customer's session is none there, and the reverse.
	customer := a.NewBrowser(t)
	a.CodeOf(t, customer, a.RelyingParty(t, "store").AuthorizeURL(), "sato")
	if p := customer.Get("/admin/security"); p.Status != http.StatusSeeOther {
		t.Errorf("a customer: %d", p.Status)
	}
	if p := b.Get("/account/security"); p.Status != http.StatusSeeOther {
		t.Errorf("an operator on the customers' page: %d", p.Status)
	}
	// Signing out from there ends the operator's session.
	action := regexp.MustCompile(`action="(/logout[^"]*)"`).FindStringSubmatch(p.Body)
	if action == nil {
		t.Fatal("no way to sign out")
	}
	b.Submit(strings.ReplaceAll(action[1], "&amp;", "&"), nil)
	if p := b.Get("/admin/security"); p.Status != http.StatusSeeOther {
		t.Errorf("after signing out: %d", p.Status)
	}
}
