package testapp_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

var asked = admin.Reason{Text: "電話で本人確認（12345）", IdentityChecked: true}

func exempt(t *testing.T, a *testapp.App, login string, hours int) {
	t.Helper()
	if _, err := a.Admin.GrantExemption(t.Context(), admin.System(), a.Account(t, login).ID, hours, asked); err != nil {
		t.Fatal(err)
	}
}

func endExemption(t *testing.T, a *testapp.App, login string) {
	t.Helper()
	if ended, err := a.Admin.EndExemption(t.Context(), admin.System(), a.Account(t, login).ID, time.Time{}); err != nil || !ended {
		t.Fatalf("end exemption: %v, %v", ended, err)
	}
}

// saysOnlyPassword checks that an ID token claims no more than the password, and what let the sign-in through.
func saysOnlyPassword(t *testing.T, claims map[string]any, two map[string]any) {
	t.Helper()
	if diff := cmp.Diff([]any{"pwd"}, claims["amr"]); claims["acr"] != acrPassword || diff != "" {
		t.Errorf("acr %v, amr %s", claims["acr"], diff)
	}
	if diff := cmp.Diff(any(two), claims["urn:futakagi:2fa"]); diff != "" {
		t.Errorf("urn:futakagi:2fa: %s", diff)
	}
}

// TestI16_AnExemptionIsOfOneAccountAndOver holds product §4.3: while the surface stays enforced one account does without the second
// factor, every token says so, and at the end — its own, an early one, or a reset's — nothing that came of it opens anything.
func TestI16_AnExemptionIsOfOneAccountAndOver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, login string
		end         func(t *testing.T, a *testapp.App, login string)
	}{
		{"by itself, a factor that cannot be used", "sato", func(t *testing.T, a *testapp.App, _ string) { a.Pass(t, 30*time.Second) }},
		{"early, nothing set up", "tanaka", endExemption},
		{"by a reset", "sato", func(t *testing.T, a *testapp.App, login string) {
			if _, err := a.Admin.ResetFactors(t.Context(), admin.System(), a.Account(t, login).ID, asked); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			testapp.Each(t, func(t *testing.T, a *testapp.App) {
				rp := a.RelyingParty(t, "store")
				enforceStore(t, a, true)
				if p := a.SignInBy(t, a.NewBrowser(t), rp.AuthorizeURL(), c.login, testapp.ByPassword); p.Status != http.StatusOK {
					t.Fatalf("before: %d %s", p.Status, p.URL)
				}
				exempt(t, a, c.login, 2)
				until := a.Clock.Now().Add(2 * time.Hour)
				enter := func() (*testapp.Browser, string) {
					b := a.NewBrowser(t)
					return b, a.SignInBy(t, b, rp.AuthorizeURL(), c.login, testapp.ByPassword).Location().Query().Get("code")
				}
				_, code := enter()
				tokens := rp.Redeem(code)
				if tokens.Status != http.StatusOK {
					t.Fatalf("redeem: %d %s", tokens.Status, tokens.Body)
				}
				saysOnlyPassword(t, tokens.IDToken(t), map[string]any{"via": "exemption"})
				tokens = rp.Refresh(tokens.Str("refresh_token"))
				if tokens.Status != http.StatusOK {
					t.Fatalf("refresh: %d %s", tokens.Status, tokens.Body)
				}
				saysOnlyPassword(t, tokens.IDToken(t), map[string]any{"via": "exemption"})
				if p := a.SignInBy(t, a.NewBrowser(t), rp.AuthorizeURL(), "suzuki", testapp.ByPassword); p.Location().Query().Get("code") != "" {
					t.Error("another account is exempt too")
				}

				a.Pass(t, until.Add(-25*time.Second).Sub(a.Clock.Now()))
				b, waiting := enter()
				if p := b.Get("/account/security"); p.Status != http.StatusOK || waiting == "" {
					t.Fatalf("at the last moment: %d to %s, code %q", p.Status, p.Location(), waiting)
				}
				c.end(t, a, c.login)
				for range 2 {
					if r := rp.Refresh(tokens.Str("refresh_token")); r.Status != http.StatusBadRequest || r.Str("error") != "invalid_grant" {
						t.Errorf("refresh after the end: %d %s", r.Status, r.Body)
					}
				}
				if r := rp.Redeem(waiting); r.Status != http.StatusBadRequest {
					t.Errorf("the code from before the end: %d %s", r.Status, r.Body)
				}
				if p := b.Get("/account/security"); p.Status != http.StatusSeeOther {
					t.Errorf("the session from before the end opens the page: %d", p.Status)
				}
				if p := b.Open(rp.AuthorizeURL()); p.Location().Query().Get("code") != "" {
					t.Error("the session from before the end gives a code")
				}
				if _, code := enter(); code != "" {
					t.Error("a sign-in after the end gets a code")
				}
			})
		})
	}
}

// TestAnExemptionSparesNothingThatIsAskedFor holds that neither a level nor a change of settings is had by an exemption (I13).
func TestAnExemptionSparesNothingThatIsAskedFor(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	rp := a.RelyingParty(t, "store")
	exempt(t, a, "sato", 24)
	exempt(t, a, "tanaka", 24)
	b := a.NewBrowser(t)
	a.SignInBy(t, b, rp.AuthorizeURL(), "sato", testapp.ByPassword)
	for _, asks := range [][]string{{"acr_values", acrEmail}, {"claims", essential(acrFull)}} {
		if p := b.Open(rp.AuthorizeURL(asks...)); !strings.HasPrefix(p.URL.Path, "/signin/challenge") {
			t.Errorf("%v: %d %s to %s", asks, p.Status, p.URL, p.Location())
		}
		if p := b.Get(rp.AuthorizeURL(append(asks, "prompt", "none")...)); p.Location().Query().Get("error") != "interaction_required" {
			t.Errorf("%v without a page: %s", asks, p.Location())
		}
	}
	for _, page := range []string{"/email", "/totp", "/backup-codes", "/password", "/email/remove", "/order"} {
		if p := b.Open("/account/security" + page); !strings.HasPrefix(p.URL.Path, "/signin/challenge") {
			t.Errorf("%s: %d %s", page, p.Status, p.URL)
		}
	}
	// What was proved all the same is told as it is.
	a.Pass(t, 2*time.Minute) // the cool-down of codes
	claims := rp.Redeem(a.SignInBy(t, a.NewBrowser(t), rp.AuthorizeURL("acr_values", acrEmail), "sato", testapp.ByEmail).Location().Query().Get("code")).IDToken(t)
	if two, _ := claims["urn:futakagi:2fa"].(map[string]any); claims["acr"] != acrEmail || two["via"] != "code" {
		t.Errorf("with a factor: %v %v", claims["acr"], two)
	}
	// With nothing set up the change begins with the set-up that was spared.
	b = a.NewBrowser(t)
	a.SignInBy(t, b, "/account/security", "tanaka", testapp.ByPassword)
	if p := b.Open("/account/security/email"); p.URL.Path != "/signin/two-factor" {
		t.Errorf("a change with nothing set up: %d %s", p.Status, p.URL)
	}
}

// TestAnExemptOperatorChangesNothing holds that the console's forms ask an exempt operator for everything they have, or to set it up.
func TestAnExemptOperatorChangesNothing(t *testing.T) {
	t.Parallel()
	for _, set := range []bool{false, true} {
		a := testapp.New(t)
		a.AddAccount(t, account.KindOperator, "clerk", account.TwoFactorUse)
		want := "/signin/two-factor"
		if set {
			a.Equip(t, "clerk", testapp.ByApp)
			want = "/signin/challenge"
		}
		exempt(t, a, "clerk", 24)
		b := a.NewBrowser(t)
		if p := a.SignInBy(t, b, "/admin/customers", "clerk", testapp.ByPassword); p.Status != http.StatusOK || p.URL.Path != "/admin/customers" {
			t.Fatalf("factor %v: %d %s", set, p.Status, p.URL)
		}
		p := b.Follow(b.Post("/admin/customers/new", value("name", "x", "code", "C-9")))
		if !strings.HasPrefix(p.URL.Path, want) {
			t.Errorf("factor %v: a form leads to %d %s", set, p.Status, p.URL)
		}
		endExemption(t, a, "clerk")
		if p := b.Get("/admin/customers"); p.Status != http.StatusSeeOther {
			t.Errorf("factor %v: after the end the console shows %d", set, p.Status)
		}
	}
}

// TestI22_TheEndOfAnExemptionRacesRedemptions lets codes be redeemed and tokens be refreshed while the exemption ends: each comes
// before it or after it. Whatever came before goes no further, and nothing that begins after it gets anything.
func TestI22_TheEndOfAnExemptionRacesRedemptions(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := a.RelyingParty(t, "store")
		exempt(t, a, "sato", 1)
		b := a.NewBrowser(t)
		a.SignInBy(t, b, rp.AuthorizeURL(), "sato", testapp.ByPassword)
		code := func() string { return b.Get(rp.AuthorizeURL()).Location().Query().Get("code") }
		const n = 8
		var codes, refresh [n]string
		for i := range n {
			codes[i], refresh[i] = code(), rp.Redeem(code()).Str("refresh_token")
			if codes[i] == "" || refresh[i] == "" {
				t.Fatal("no code or no refresh token while exempt")
			}
		}
		late := code()
		answers := make(chan testapp.Reply, 2*n)
		var group sync.WaitGroup
		for i := range n {
			group.Go(func() { answers <- rp.Redeem(codes[i]) })
			group.Go(func() { answers <- rp.Refresh(refresh[i]) })
		}
		group.Go(func() { endExemption(t, a, "sato") })
		group.Wait()
		close(answers)
		won := 0
		for r := range answers {
			switch r.Status {
			case http.StatusOK:
				won++
				if r := rp.Refresh(r.Str("refresh_token")); r.Status != http.StatusBadRequest {
					t.Errorf("what was had before the end goes on: %d %s", r.Status, r.Body)
				}
			case http.StatusBadRequest:
			default:
				t.Errorf("answer %d %s", r.Status, r.Body)
			}
		}
		t.Logf("%d of %d came before the end", won, 2*n)
		if r := rp.Redeem(late); r.Status != http.StatusBadRequest {
			t.Errorf("a code after the end: %d", r.Status)
		}
	})
}

// TestOneExemptionAtATime lets two operators exempt an account at once: one does, and the other hears of it.
func TestOneExemptionAtATime(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		id := a.Account(t, "sato").ID
		errs := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := a.Admin.GrantExemption(t.Context(), admin.System(), id, 3, asked)
				errs <- err
			}()
		}
		if first, second := <-errs, <-errs; (first == nil) == (second == nil) {
			t.Errorf("%v and %v", first, second)
		}
		page, err := a.Admin.ListExemptions(t.Context(), admin.System(), admin.Place{})
		if err != nil || len(page.Rows) != 1 || page.Rows[0].Account.ID != id || page.Rows[0].Customer == nil || *page.Rows[0].Account.ExemptReason != asked.Text {
			t.Errorf("list: %+v, %v", page, err)
		}
		a.Pass(t, 3*time.Hour)
		if page, err := a.Admin.ListExemptions(t.Context(), admin.System(), admin.Place{}); err != nil || len(page.Rows) != 0 {
			t.Errorf("list after the end: %+v, %v", page, err)
		}
		exempt(t, a, "sato", 1)
	})
}

// TestTheCustomerHearsOfAnExemption looks for the notice at the registered address and at the second factor's.
func TestTheCustomerHearsOfAnExemption(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	exempt(t, a, "sato", 24)
	a.Pass(t, time.Minute)
	for _, to := range []string{a.Account(t, "sato").RegisteredEmail, testapp.FactorAddress("sato")} {
		mails := a.Mail.Mails(to)
		if len(mails) != 1 || !strings.Contains(mails[0].Subject, "免除") || !strings.Contains(mails[0].Text, "期限：") {
			t.Errorf("%s: %+v", to, mails)
		}
	}
	events, err := a.DB.Read().ListAccountEvents(t.Context(), store.ListAccountEventsParams{AccountID: new(a.Account(t, "sato").ID), PageSize: 10})
	if err != nil || len(events) == 0 || events[0].Type != "2fa.exempt" || events[0].Reason != asked.Text || events[0].Result != "success" {
		t.Errorf("events %+v, %v", events, err)
	}
}
