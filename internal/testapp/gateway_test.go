package testapp_test

import (
	"context"
	"errors"
	"html"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

const saysSendFailed = "認証コードを送信できませんでした。宛先を確認するか、別の方法を使ってください。"

// gateways are what stands behind mail and SMS. Each can go down in one way or another.
type gateways struct {
	mu        sync.Mutex
	mail, sms error
}

// set brings the gateways of SMS and mail down, or up again with nil.
func (g *gateways) set(sms, mail error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sms, g.mail = sms, mail
}

func (g *gateways) option(c *server.Config) {
	c.SMS = &delivery.CaptureSMS{Refuse: func(delivery.Text) error { return g.read(&g.sms) }}
	c.Mailer = &delivery.Capture{Refuse: func(delivery.Mail) error { return g.read(&g.mail) }}
}

func (g *gateways) read(err *error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return *err
}

// attach makes what the gateways take the app's.
func (g *gateways) attach(a *testapp.App, c server.Config) {
	a.SMS, a.Mail = c.SMS.(*delivery.CaptureSMS), c.Mailer.(*delivery.Capture)
}

// eachWithGateways runs f once per engine with gateways that can go down.
func eachWithGateways(t *testing.T, f func(t *testing.T, a *watched, g *gateways)) {
	t.Helper()
	g := &gateways{}
	var config server.Config
	each(t, func(t *testing.T, a *watched) {
		g.set(nil, nil)
		g.attach(a.App, config)
		f(t, a, g)
	}, func(c *server.Config) {
		g.option(c)
		config = *c
	})
}

// outages are the ways in which a gateway does not take a message.
func outages() map[string]error {
	return map[string]error{
		"refuses for good":      &delivery.SendError{Permanent: true, Reply: "400 unroutable", Err: errors.New("refused")},
		"is not there":          &delivery.SendError{Reply: "no connection to the gateway", Err: errors.New("connection refused")},
		"does not answer":       context.DeadlineExceeded,
		"says nothing about it": errors.New("broken"),
	}
}

// until fetches a page until it says something, or does not say it any more. Time goes on meanwhile: what waits is tried again.
func until(t *testing.T, a *testapp.App, b *testapp.Browser, page, text string, said bool) testapp.Page {
	t.Helper()
	var p testapp.Page
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if p = b.Get(page); strings.Contains(html.UnescapeString(p.Body), text) == said {
			return p
		}
		if !said {
			a.Clock.Advance(time.Second)
			a.Outbox.Wake()
		}
	}
	t.Fatalf("%s, %q on it: %v\n%s", page, text, !said, p.Body)
	return p
}

// offersFirst checks that a page has links to the other methods before its form.
func offersFirst(t *testing.T, p testapp.Page, flow string, methods ...string) {
	t.Helper()
	form := strings.Index(p.Body, `name="code"`)
	if form < 0 {
		t.Errorf("%s has no form any more", p.URL.Path)
	}
	for _, m := range methods {
		if at := strings.Index(p.Body, `href="/signin/challenge/`+m+flow+`"`); at < 0 || at > form {
			t.Errorf("%s does not offer %s before the form (at %d, form at %d)", p.URL.Path, m, at, form)
		}
	}
}

// With one gateway down, a challenge says so and offers the other methods; the sign-in goes on by any of them, and by the first one
// when its gateway is back.
func TestGatewayDownOffersAnotherMethod(t *testing.T) {
	t.Parallel()
	eachWithGateways(t, func(t *testing.T, a *watched, g *gateways) {
		rp := a.RelyingParty(t, "store")
		number := 0
		for outage, cause := range outages() {
			number++
			g.set(nil, nil)
			p := everythingSetUp(t, a.App, account.KindStore, "kikuchi"+string(rune('a'+number)), number)
			phone := e164(p.phone)
			if got := p.b.Submit(p.home+"/order", value("order", "sms.email.totp.passkey")); got.URL.Path != p.home {
				t.Fatalf("order: %d %s", got.Status, got.URL)
			}
			texts := len(a.SMS.Texts(phone))
			g.set(cause, nil)

			b := a.NewBrowser(t)
			page := a.Password(t, b, rp.AuthorizeURL("state", outage), p.account.LoginID)
			here, flow := page.URL.RequestURI(), "?flow="+page.Flow()
			if page.Status != http.StatusOK || page.URL.Path != "/signin/challenge" {
				t.Fatalf("SMS %s: %d %s", outage, page.Status, page.URL)
			}
			page = until(t, a.App, b, here, saysSendFailed, true)
			offersFirst(t, page, flow, "email", "totp", "passkey")
			if strings.Contains(page.Body, p.phone) || strings.Contains(page.Body, p.address) || !strings.Contains(page.Body, "/signin/challenge/backup") {
				t.Errorf("SMS %s: the page shows an address whole, or no backup codes", outage)
			}
			// A wrong code is answered as ever, and the others stay in view.
			page = b.Post(here, value("do", "verify", "code", ""))
			if offersFirst(t, page, flow, "email", "totp"); page.Status != http.StatusUnprocessableEntity {
				t.Errorf("SMS %s: a blank code: %d", outage, page.Status)
			}
			// Sending again too soon, and in vain.
			stays(t, outage, b.Post(here, value("do", "resend")), "/signin/challenge", "秒ほど待ってから再送信してください。")
			a.Clock.Advance(61 * time.Second)
			if page = b.Submit(here, value("do", "resend")); page.Status != http.StatusOK {
				t.Errorf("SMS %s: resend: %d %s", outage, page.Status, page.URL)
			}
			until(t, a.App, b, here, saysSendFailed, true)

			// Another method finishes the sign-in.
			mails := len(a.Mail.Mails(p.address))
			email := b.Get("/signin/challenge/email" + flow)
			end := b.Submit(email.URL.RequestURI(), value("do", "verify", "code", a.Code(t, p.address, mails)))
			if q := end.Location().Query(); q.Get("code") == "" || q.Get("state") != outage {
				t.Errorf("SMS %s: mail ends at %d %s to %s", outage, end.Status, end.URL, end.Location())
			}
			if n := len(a.SMS.Texts(phone)); n != texts {
				t.Errorf("SMS %s: %d texts left", outage, n-texts)
			}

			// And the phone does, once the gateway is back: by the code that waits, or else by another. Those of the sign-in before
			// have expired, or they would be sent now too, before or after.
			a.Clock.Advance(11 * time.Minute)
			b = a.NewBrowser(t)
			page = a.Password(t, b, rp.AuthorizeURL(), p.account.LoginID)
			here = page.URL.RequestURI()
			until(t, a.App, b, here, saysSendFailed, true)
			g.set(nil, nil)
			if outage == "refuses for good" {
				a.Clock.Advance(61 * time.Second)
				b.Submit(here, value("do", "resend"))
			}
			page = until(t, a.App, b, here, saysSendFailed, false)
			code := a.TextCode(t, phone, texts)
			if end = b.Submit(here, value("do", "verify", "code", code)); end.Location().Query().Get("code") == "" {
				t.Errorf("SMS %s and back: %d %s\n%s", outage, end.Status, end.URL, page.Body)
			}
		}
		if strings.Contains(a.Log.String(), `"status":500`) {
			t.Error("the log has a 500")
		}
	})
}

// The same for mail, and for somebody who has nothing else: backup codes and whom to ask are what is left.
func TestMailDownOffersAnotherMethod(t *testing.T) {
	t.Parallel()
	eachWithGateways(t, func(t *testing.T, a *watched, g *gateways) {
		rp := a.RelyingParty(t, "store")
		p := everythingSetUp(t, a.App, account.KindStore, "kikuchi", 1)
		for outage, cause := range outages() {
			a.Clock.Advance(61 * time.Minute) // the budget of the address
			g.set(nil, cause)
			b := a.NewBrowser(t)
			page := a.Password(t, b, rp.AuthorizeURL(), p.account.LoginID)
			flow := "?flow=" + page.Flow()
			offersFirst(t, until(t, a.App, b, page.URL.RequestURI(), saysSendFailed, true), flow, "sms", "totp", "passkey")
			end := b.Submit("/signin/challenge/totp"+flow, value("do", "verify", "code", p.app.Fresh(a.Clock)))
			if end.Location().Query().Get("code") == "" {
				t.Errorf("mail %s: the app ends at %d %s", outage, end.Status, end.URL)
			}
		}
		b := a.NewBrowser(t)
		page := a.Password(t, b, rp.AuthorizeURL(), "sato")
		flow := "?flow=" + page.Flow()
		page = until(t, a.App, b, page.URL.RequestURI(), saysSendFailed, true)
		if strings.Contains(page.Body, `href="/signin/challenge/email`) || !strings.Contains(page.Body, `href="/signin/challenge/backup`+flow) {
			t.Errorf("the only method is offered instead of itself, or backup codes are not:\n%s", page.Body)
		}
		if page = b.Get("/signin/challenge/methods" + flow); !strings.Contains(page.Body, "ご契約の事業者にご連絡ください。") {
			t.Error("the page of all methods does not say whom to ask")
		}
		end := b.Submit("/signin/challenge/backup"+flow, value("code", a.BackupCodes["sato"][0]))
		if end.Location().Query().Get("code") == "" {
			t.Errorf("backup code: %d %s", end.Status, end.URL)
		}
	})
}

// Set-up by a gateway that is down ends in an error on the page and the choice of another method; with the gateway back it goes on
// where it stood.
func TestGatewayDownWhileSettingUp(t *testing.T) {
	t.Parallel()
	eachWithGateways(t, func(t *testing.T, a *watched, g *gateways) {
		rp := a.RelyingParty(t, "store")
		number := 0
		for outage, cause := range outages() {
			for _, back := range []bool{false, true} {
				number++
				login := "shinki" + string(rune('a'+number))
				acc := newcomer(t, a.App, account.KindStore, login)
				phone := "0901234700" + string(rune('0'+number))
				b := a.NewBrowser(t)
				flow := "?flow=" + a.Password(t, b, rp.AuthorizeURL("state", login), login).Flow()
				b.Submit("/signin/two-factor"+flow, value("method", "sms"))
				form := "/signin/two-factor/sms" + flow
				g.set(cause, nil)
				if p := b.Submit(form, value("do", "send", "country", "JP", "tel", phone)); p.Status != http.StatusOK || p.URL.Path != "/signin/two-factor/sms" {
					t.Errorf("SMS %s: send: %d %s", outage, p.Status, p.URL)
				}
				p := until(t, a.App, b, form, saysSendFailed, true)
				if !strings.Contains(p.Body, `href="/signin/two-factor`+flow+`"`) || strings.ReplaceAll(inputs(p.Body)["tel"], "-", "") != phone {
					t.Errorf("SMS %s: no way back to the choice, or the number is lost:\n%s", outage, p.Body)
				}
				if p = b.Get("/signin/two-factor" + flow); p.Status != http.StatusOK || !strings.Contains(p.Body, `value="email"`) {
					t.Errorf("SMS %s: the choice: %d", outage, p.Status)
				}
				if back {
					g.set(nil, nil)
					if outage == "refuses for good" {
						a.Clock.Advance(61 * time.Second)
						b.Submit(form, value("do", "send", "country", "JP", "tel", phone))
					}
					until(t, a.App, b, form, saysSendFailed, false)
					p = b.Submit(form, value("do", "verify", "country", "JP", "tel", phone, "code", a.TextCode(t, e164(phone), 0)))
				} else {
					address := testapp.FactorAddress(login)
					b.Submit("/signin/two-factor"+flow, value("method", "email"))
					b.Submit("/signin/two-factor/email"+flow, value("do", "send", "email", address))
					p = b.Submit("/signin/two-factor/email"+flow, value("do", "verify", "email", address, "code", a.Code(t, address, 0)))
				}
				if p.URL.Path != "/signin/backup-codes" {
					t.Fatalf("SMS %s, back %v: set-up ends at %d %s", outage, back, p.Status, p.URL)
				}
				p = b.Submit("/signin/backup-codes"+flow, value("saved", "yes"))
				if q := p.Location().Query(); q.Get("code") == "" || q.Get("state") != login {
					t.Errorf("SMS %s, back %v: the sign-in ends at %d %s", outage, back, p.Status, p.URL)
				}
				factors, err := a.DB.Read().ListFactors(t.Context(), acc.ID)
				if err != nil || len(factors) != 1 || (factors[0].Kind == "sms") != back {
					t.Errorf("SMS %s, back %v: factors %+v, %v", outage, back, factors, err)
				}
			}
		}
	})
}

// On the page of one's own settings a gateway that is down changes nothing: what is set up stays, another method can be added.
func TestGatewayDownInSelfService(t *testing.T) {
	t.Parallel()
	eachWithGateways(t, func(t *testing.T, a *watched, g *gateways) {
		b := a.NewBrowser(t)
		a.SignIn(t, b, "/account/security", "sato")
		before, err := a.DB.Read().ListFactors(t.Context(), accountOf(t, a.App, "sato").ID)
		if err != nil {
			t.Fatal(err)
		}
		down := outages()["is not there"]
		g.set(down, down)
		for page, form := range map[string][]string{
			"/account/security/sms":   {"country", "JP", "tel", "09012347000"},
			"/account/security/email": {"email", "sato-next@example.jp"},
		} {
			if p := b.Submit(page, value("do", "send", form...)); p.Status != http.StatusOK || p.URL.Path != page {
				t.Errorf("%s: %d %s", page, p.Status, p.URL)
			}
			p := until(t, a.App, b, page, saysSendFailed, true)
			if !strings.Contains(p.Body, `href="/account/security"`) {
				t.Errorf("%s: no way back", page)
			}
		}
		app := testapp.Scan(t, b.Get("/account/security/totp").Body)
		if p := b.Submit("/account/security/totp", value("do", "verify", "code", app.Fresh(a.Clock))); p.URL.Path != "/account/security" {
			t.Errorf("the app instead: %d %s", p.Status, p.URL)
		}
		after, err := a.DB.Read().ListFactors(t.Context(), accountOf(t, a.App, "sato").ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(after) != 2 || !slices.ContainsFunc(after, func(f store.Factor) bool { return f.ID == before[0].ID && f.Address == before[0].Address }) {
			t.Errorf("factors before %+v, after %+v", before, after)
		}
	})
}

// A prompt that was cancelled, or that the browser cannot show, sends no answer: every page of passkeys leads back to a choice.
func TestPasskeyPromptCancelled(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		p := everythingSetUp(t, a, account.KindStore, "kikuchi", 1)
		has := func(got testapp.Page, status int, texts ...string) {
			t.Helper()
			if got.Status != status {
				t.Errorf("%s: %d to %s", got.URL.Path, got.Status, got.Location())
			}
			for _, text := range texts {
				if !strings.Contains(html.UnescapeString(got.Body), text) {
					t.Errorf("%s lacks %q", got.URL.Path, text)
				}
			}
		}
		for _, asked := range []bool{true, false} {
			b := a.NewBrowser(t)
			flow := "?flow=" + b.Open(rp.AuthorizeURL()).Flow()
			ask := func(path string) {
				if asked {
					b.Post(path+"/options"+flow, nil)
				}
			}
			ask("/signin/passkey")
			has(b.Submit("/signin/passkey"+flow, value("credential", "")), http.StatusOK, saysPasskeyFailed, `name="password"`, "/signin/passkey/options"+flow)
			has(b.Get("/signin"+flow), http.StatusOK, `name="password"`)

			b.Submit("/signin"+flow, value("username", p.account.LoginID, "password", "futakagi-demo"))
			ask("/signin/challenge/passkey")
			has(b.Post("/signin/challenge/passkey"+flow, value("credential", "", "trust_device", "yes")), http.StatusUnprocessableEntity,
				saysPasskeyFailed, "/signin/challenge/methods"+flow, "/signin/challenge/backup"+flow, `name="trust_device" value="yes" checked`)
			end := b.Submit("/signin/challenge/totp"+flow, value("do", "verify", "code", p.app.Fresh(a.Clock)))
			if end.Location().Query().Get("code") == "" {
				t.Errorf("another method ends at %d %s", end.Status, end.URL)
			}

			b = a.NewBrowser(t)
			flow = "?flow=" + a.Password(t, b, rp.AuthorizeURL(), "tanaka").Flow()
			ask("/signin/two-factor/passkey")
			has(b.Post("/signin/two-factor/passkey"+flow, value("credential", "", "name", "会社のノートPC")), http.StatusUnprocessableEntity,
				saysPasskeyNotMade, `href="/signin/two-factor`+flow+`"`, `value="会社のノートPC"`)
			has(b.Get("/signin/two-factor"+flow), http.StatusOK, `value="email"`, `value="totp"`)
		}
		p.b.Post(p.home+"/passkey/options", nil)
		has(p.b.Post(p.home+"/passkey", value("credential", "", "name", "鍵")), http.StatusUnprocessableEntity, saysPasskeyNotMade, `href="/account/security"`)
	})
}
