package testapp

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/demo"
)

// FactorAddress is where a fixture's account gets its codes, or would get them once it has set that up in SignIn.
func FactorAddress(login string) string { return login + "-2fa@example.jp" }

// Password opens the start of a sign-in and gives login ID and password. It returns the page of the step after that.
func (a *App) Password(t testing.TB, b *Browser, start, login string) Page {
	t.Helper()
	p := b.Open(start)
	if p.URL.Path != "/signin" {
		t.Fatalf("%s leads to %d %s, not to the sign-in page", start, p.Status, p.URL)
	}
	return b.Submit(p.URL.RequestURI(), url.Values{"username": {login}, "password": {demo.Password}})
}

// SignIn goes through a whole sign-in of a fixture's account, whatever it asks for, and returns the answer that ends it: the
// redirect to the relying party, its form, or a page that is none of a sign-in.
func (a *App) SignIn(t testing.TB, b *Browser, start, login string) Page {
	t.Helper()
	address := FactorAddress(login)
	former := len(a.Mail.Mails(address))
	p := b.Open(start)
	for range 20 {
		here := p.URL.RequestURI()
		if p.Status != 200 || !strings.HasPrefix(p.URL.Path, "/signin/") && p.URL.Path != "/signin" {
			return p
		}
		switch p.URL.Path {
		case "/signin":
			p = b.Submit(here, url.Values{"username": {login}, "password": {demo.Password}})
		case "/signin/two-factor":
			method := "email"
			if !offers(p, method) {
				method = "totp"
			}
			p = b.Submit(here, url.Values{"method": {method}})
		case "/signin/two-factor/totp":
			a.Apps[login] = Scan(t, p.Body)
			p = b.Submit(here, url.Values{"do": {"verify"}, "code": {a.Apps[login].Fresh(a.Clock)}})
		case "/signin/two-factor/email":
			former = len(a.Mail.Mails(address))
			b.Submit(here, url.Values{"do": {"send"}, "email": {address}})
			p = b.Submit(here, url.Values{"do": {"verify"}, "email": {address}, "code": {a.Code(t, address, former)}})
		case "/signin/challenge":
			code := ""
			if app := a.Apps[login]; app != nil {
				code = app.Fresh(a.Clock)
			} else {
				code = a.Code(t, address, former)
			}
			p = b.Submit(here, url.Values{"do": {"verify"}, "code": {code}})
		case "/signin/backup-codes":
			p = b.Submit(here, url.Values{"saved": {"yes"}})
		case "/signin/consent":
			p = b.Submit(here, Decision(p, "allow"))
		default:
			return p // the end of form_post is shown at /signin/continue
		}
	}
	t.Fatalf("sign-in goes in circles at %s", p.URL)
	return p
}

var consentAccount = regexp.MustCompile(`name="account" value="([^"]+)"`)

// Decision is the form of the page that asks what an application may learn, with a decision: allow or deny.
func Decision(p Page, decision string) url.Values {
	form := url.Values{"decision": {decision}}
	if m := consentAccount.FindStringSubmatch(p.Body); m != nil {
		form.Set("account", m[1])
	}
	return form
}

// offers reports whether the choice of methods has one that can be chosen.
func offers(p Page, method string) bool {
	_, rest, found := strings.Cut(p.Body, `value="`+method+`"`)
	input, _, _ := strings.Cut(rest, ">")
	return found && !strings.Contains(input, " disabled")
}

// CodeOf signs in and returns the authorization code.
func (a *App) CodeOf(t testing.TB, b *Browser, start, login string) string {
	t.Helper()
	p := a.SignIn(t, b, start, login)
	code := p.Location().Query().Get("code")
	if code == "" {
		t.Fatalf("no code in %d %s to %s", p.Status, p.URL, p.Location())
	}
	return code
}

// TokensOf signs in and redeems the code.
func (rp *RelyingParty) TokensOf(b *Browser, login string, changes ...string) Reply {
	rp.t.Helper()
	r := rp.Redeem(rp.app.CodeOf(rp.t, b, rp.AuthorizeURL(changes...), login))
	if r.Status != 200 {
		rp.t.Fatalf("redeem: %d %s", r.Status, r.Body)
	}
	return r
}

// RegisteredAddress is where a fixture's account is registered.
func RegisteredAddress(login string) string { return login + "@example.jp" }

var resetLink = regexp.MustCompile(`(?m)^\s*(http\S+/password/reset\?\S+)$`)

// Link waits for the newest link to a new password that was sent to an address after the first n mails to it, and returns it.
func (a *App) Link(t testing.TB, to string, n int) string {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		mails := a.Mail.Mails(to)
		for i := len(mails) - 1; i >= n; i-- {
			if m := resetLink.FindStringSubmatch(mails[i].Text); m != nil {
				return m[1]
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no link came to %s", to)
	return ""
}

// ResetPassword gives a fixture's account a new password the way of somebody who forgot the former one. It returns the page at the
// end of it.
func (a *App) ResetPassword(t testing.TB, b *Browser, login, password string) Page {
	t.Helper()
	former := len(a.Mail.Mails(RegisteredAddress(login)))
	if p := b.Submit("/password/forgot", url.Values{"username": {login}}); p.URL.Path != "/password/sent" || p.Status != 200 {
		t.Fatalf("ask for a link: %d %s", p.Status, p.URL)
	}
	link, err := url.Parse(a.Link(t, RegisteredAddress(login), former))
	if err != nil {
		t.Fatal(err)
	}
	if p := b.Open(link.String()); p.Status != 200 {
		t.Fatalf("open the link: %d %s", p.Status, p.URL)
	}
	return b.Submit("/password/reset", url.Values{"ticket": {link.Query().Get("ticket")}, "password": {password}})
}
