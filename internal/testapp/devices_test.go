package testapp_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// deviceCookie is the name of what makes a browser a trusted device of a fixture's account.
func deviceCookie(t *testing.T, a *testapp.App, login string) string {
	t.Helper()
	return "__Host-futakagi-device-" + string(accountOf(t, a, login).ID)[24:]
}

// heldBy is what a browser holds as a trusted device of a fixture's account.
func heldBy(t *testing.T, a *testapp.App, b *testapp.Browser, login string) string {
	t.Helper()
	if c := cookie(b, deviceCookie(t, a, login)); c != nil {
		return c.Value
	}
	return ""
}

// trust signs in with a mailed code in a browser that is not to be asked again, signs out, and returns what the browser holds.
func trust(t *testing.T, a *testapp.App, b *testapp.Browser, login string) string {
	t.Helper()
	address := testapp.FactorAddress(login)
	sent := len(a.Mail.Mails(address))
	p := a.Password(t, b, a.RelyingParty(t, "store").AuthorizeURL(), login)
	if p.URL.Path != "/signin/challenge" {
		t.Fatalf("sign-in leads to %d %s", p.Status, p.URL)
	}
	p = b.Submit(p.URL.RequestURI(), value("do", "verify", "code", a.Code(t, address, sent), "trust_device", "yes"))
	if p.Location().Query().Get("code") == "" || heldBy(t, a, b, login) == "" {
		t.Fatalf("sign-in ends at %d %s with cookies %v", p.Status, p.URL, b.Cookies())
	}
	leave(t, b)
	a.Pass(t, 2*time.Minute)
	return heldBy(t, a, b, login)
}

func leave(t *testing.T, b *testapp.Browser) {
	t.Helper()
	if p := b.Submit("/logout/confirm", value("kind", "store")); p.Status != http.StatusOK {
		t.Fatalf("sign-out: %d", p.Status)
	}
}

// asks reports whether a sign-in with the right password asks for a code. One that does not is signed out again.
func asks(t *testing.T, a *testapp.App, b *testapp.Browser, login string) bool {
	t.Helper()
	p := a.Password(t, b, a.RelyingParty(t, "store").AuthorizeURL(), login)
	switch {
	case p.Location().Query().Get("code") != "":
		leave(t, b)
		return false
	case p.Status == http.StatusOK && p.URL.Path == "/signin/challenge":
		a.Pass(t, 2*time.Minute) // the pause between two codes
		return true
	}
	t.Fatalf("sign-in of %s leads to %d %s", login, p.Status, p.URL)
	return false
}

// alarms counts the mails that tell of a voided device, once the outbox is at rest.
func (a *watched) alarms(t *testing.T, to string) int {
	t.Helper()
	a.rows(t)
	n := 0
	for _, m := range a.Mail.Mails(to) {
		if strings.Contains(m.Subject, "認証コードを要求しない端末の登録を解除しました") {
			n++
		}
	}
	return n
}

func plant(b *testapp.Browser, name, value string) {
	b.SetCookie(&http.Cookie{Name: name, Value: value})
}

func TestI12_TrustedDevice(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *watched) {
		b := a.NewBrowser(t)
		// Consent without proof: at the password, with a wrong code, with a code for something else.
		rp := a.RelyingParty(t, "store")
		p := b.Open(rp.AuthorizeURL())
		p = b.Submit(p.URL.RequestURI(), value("username", "sato", "password", "futakagi-demo", "trust_device", "yes"))
		if !strings.Contains(p.Body, `name="trust_device"`) || strings.Contains(p.Body, `name="trust_device" value="yes" checked`) {
			t.Fatalf("the challenge does not offer it, or has it ticked:\n%s", p.Body)
		}
		code := a.Code(t, testapp.FactorAddress("sato"), 0)
		for _, form := range []url.Values{
			value("do", "verify", "code", wrongCode(code), "trust_device", "yes"), value("do", "resend", "trust_device", "yes"), value("trust_device", "yes"),
		} {
			b.Submit(p.URL.RequestURI(), form)
		}
		backup := "/signin/challenge/backup?flow=" + p.Flow()
		p = b.Submit(backup, value("code", a.BackupCodes["sato"][0], "trust_device", "yes"))
		if p.Location().Query().Get("code") == "" {
			t.Fatalf("backup code: %d %s", p.Status, p.URL)
		}
		leave(t, b)
		a.Pass(t, 2*time.Minute)
		if n := a.count(t, "SELECT count(*) FROM trusted_devices"); n != 0 || heldBy(t, a.App, b, "sato") != "" {
			t.Fatalf("%d devices without a proof on the challenge's page", n)
		}

		held := trust(t, a.App, b, "sato")
		for i := range 3 {
			before := heldBy(t, a.App, b, "sato")
			if asks(t, a.App, b, "sato") {
				t.Fatalf("use %d: a code is asked for", i)
			}
			if heldBy(t, a.App, b, "sato") == before {
				t.Errorf("use %d: the secret stays", i)
			}
		}
		if !asks(t, a.App, a.NewBrowser(t), "sato") {
			t.Error("another browser is not asked")
		}
		// Useless without the right password, and not used up by a wrong one.
		before := heldBy(t, a.App, b, "sato")
		p = b.Open(rp.AuthorizeURL())
		if p = b.Submit(p.URL.RequestURI(), value("username", "sato", "password", "wrong")); p.Status != http.StatusUnprocessableEntity {
			t.Errorf("wrong password: %d %s", p.Status, p.URL)
		}
		if heldBy(t, a.App, b, "sato") != before {
			t.Error("a wrong password changed the device")
		}
		if held[:36] != before[:36] || a.count(t, "SELECT count(*) FROM trusted_devices") != 1 {
			t.Error("a use made another device")
		}
		// It is over after 30 days, whatever the browser keeps.
		a.Pass(t, 30*24*time.Hour)
		plant(b, deviceCookie(t, a.App, "sato"), before)
		if !asks(t, a.App, b, "sato") || heldBy(t, a.App, b, "sato") != "" || a.alarms(t, "sato@example.jp") != 0 {
			t.Error("after 30 days it is not over, or raises an alarm")
		}
	})
}

func TestI12_CopiedToAnotherAccountsSignIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *watched) {
		b, other := a.NewBrowser(t), a.NewBrowser(t)
		held := trust(t, a.App, b, "sato")
		a.SignIn(t, other, a.RelyingParty(t, "store").AuthorizeURL(), "tanaka") // sets up mail
		leave(t, other)
		a.Pass(t, 2*time.Minute)
		plant(other, deviceCookie(t, a.App, "tanaka"), held)
		plant(other, deviceCookie(t, a.App, "sato"), held)
		if !asks(t, a.App, other, "tanaka") {
			t.Error("tanaka signs in with sato's device")
		}
		// Nothing of it touched sato's.
		if asks(t, a.App, b, "sato") || a.alarms(t, "sato@example.jp") != 0 {
			t.Error("sato's device is used up or void")
		}
		// Two people share a browser: each is known in it for themselves.
		plant(b, deviceCookie(t, a.App, "tanaka"), heldBy(t, a.App, b, "sato"))
		theirs := trust(t, a.App, b, "tanaka")
		if asks(t, a.App, b, "sato") || asks(t, a.App, b, "tanaka") || heldBy(t, a.App, b, "tanaka")[:36] != theirs[:36] {
			t.Error("a shared browser asks one of two who trust it")
		}
	})
}

func TestI12_EditedCookie(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *watched) {
		b := a.NewBrowser(t)
		name := deviceCookie(t, a.App, "sato")
		// What cannot be ours is nothing.
		held := trust(t, a.App, b, "sato")
		for _, bad := range []string{held[1:], held[:len(held)-1], held + "A", held[:36], strings.ToUpper(held[:36]) + held[36:], "x"} {
			plant(b, name, bad)
			if !asks(t, a.App, b, "sato") {
				t.Errorf("%q is accepted", bad)
			}
		}
		plant(b, name, held)
		if asks(t, a.App, b, "sato") {
			t.Error("nonsense voided the device")
		}
		// One character of the secret is another secret.
		held = heldBy(t, a.App, b, "sato")
		swap := map[bool]string{true: "B", false: "A"}[held[40] == 'A']
		plant(b, name, held[:40]+swap+held[41:])
		if !asks(t, a.App, b, "sato") {
			t.Error("an edited secret is accepted")
		}
		if heldBy(t, a.App, b, "sato") != "" || a.count(t, "SELECT count(*) FROM trusted_devices") != 0 {
			t.Error("the device is not void, or the browser keeps it")
		}
		for _, to := range []string{"sato@example.jp", testapp.FactorAddress("sato")} {
			if n := a.alarms(t, to); n != 1 {
				t.Errorf("%d alarms to %s, want 1", n, to)
			}
		}
	})
}

// Somebody copies the cookie. Whoever comes second with it voids the device, and the owner hears of it.
func TestI12_CopiedCookieIsFoundOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *watched) {
		for name, ownerFirst := range map[string]bool{"the owner uses it first": true, "the thief uses it first": false} {
			owner, thief := a.NewBrowser(t), a.NewBrowser(t)
			former := a.alarms(t, "sato@example.jp")
			plant(thief, deviceCookie(t, a.App, "sato"), trust(t, a.App, owner, "sato"))
			first, second := thief, owner
			if ownerFirst {
				first, second = owner, thief
			}
			if asks(t, a.App, first, "sato") {
				t.Fatalf("%s: the first is asked", name)
			}
			// At once it may be the other tab.
			if !asks(t, a.App, second, "sato") || a.alarms(t, "sato@example.jp") != former {
				t.Errorf("%s: the second is not asked, or raises an alarm at once", name)
			}
			if !asks(t, a.App, second, "sato") || a.alarms(t, "sato@example.jp") != former+1 {
				t.Errorf("%s: the second is not asked, or nobody hears of it", name)
			}
			if !asks(t, a.App, first, "sato") || a.alarms(t, "sato@example.jp") != former+1 {
				t.Errorf("%s: the first is still trusted, or raises an alarm", name)
			}
			if heldBy(t, a.App, first, "sato") != "" || heldBy(t, a.App, second, "sato") != "" {
				t.Errorf("%s: a browser keeps what is void", name)
			}
			a.Pass(t, 3*time.Hour) // the budget of mails
		}
	})
}

func TestI12_ReplayAfterItsRemoval(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *watched) {
		b, acting := a.NewBrowser(t), a.NewBrowser(t)
		held := trust(t, a.App, b, "sato")
		rp := a.RelyingParty(t, "store")
		rp.TokensOf(acting, "sato")
		path := "/account/security/devices/" + held[:36] + "/remove"
		// Somebody else's is as good as missing.
		stranger := a.NewBrowser(t)
		a.SignIn(t, stranger, rp.AuthorizeURL(), "tanaka")
		missing := "/account/security/devices/" + string(store.NewID[store.DeviceID]()) + "/remove"
		for method, form := range map[string]url.Values{http.MethodGet: nil, http.MethodPost: {}} {
			headers := map[string]string{"Origin": a.URL, "Sec-Fetch-Site": "same-origin"}
			got, want := stranger.Do(method, path, form, headers), stranger.Do(method, missing, form, headers)
			if got.Status != http.StatusNotFound || got.Status != want.Status {
				t.Errorf("%s of another's: %d, of a missing one: %d", method, got.Status, want.Status)
			}
		}
		if p := acting.Submit(path, nil); p.Status != http.StatusOK || p.URL.Path != "/account/security" || !strings.Contains(p.Body, "端末の登録を解除しました。") {
			t.Fatalf("remove: %d %s", p.Status, p.URL)
		}
		a.Pass(t, 2*time.Minute)
		if !asks(t, a.App, b, "sato") || heldBy(t, a.App, b, "sato") != "" {
			t.Error("a removed device is still trusted, or kept")
		}
		plant(b, deviceCookie(t, a.App, "sato"), held)
		if !asks(t, a.App, b, "sato") || a.alarms(t, "sato@example.jp") != 0 {
			t.Error("the replay of a removed device is accepted, or raises an alarm")
		}
		if p := acting.Get("/account/security"); p.Status != http.StatusOK {
			t.Errorf("the acting session ended: %d", p.Status)
		}
	})
}

// I11: what staff do to an account ends its devices, without an alarm at the next try.
func TestI11_StaffEndDevices(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(t *testing.T, a *testapp.App, id store.AccountID) error{
		"password": func(t *testing.T, a *testapp.App, id store.AccountID) error {
			for _, password := range []string{"another good passphrase", "futakagi-demo"} {
				if err := a.Admin.SetPassword(t.Context(), admin.System(), id, password); err != nil {
					return err
				}
			}
			return nil
		},
		"disabled and enabled": func(t *testing.T, a *testapp.App, id store.AccountID) error {
			for _, disabled := range []bool{true, false} {
				if _, err := a.Admin.SetDisabled(t.Context(), admin.System(), id, disabled); err != nil {
					return err
				}
			}
			return nil
		},
		"reset": func(t *testing.T, a *testapp.App, id store.AccountID) error {
			_, err := a.Admin.ResetFactors(t.Context(), admin.System(), id, admin.Reason{Text: "requested", IdentityChecked: true})
			return err
		},
		"switched off and on": func(t *testing.T, a *testapp.App, id store.AccountID) error {
			for _, to := range []string{store.TwoFactorDontUse, store.TwoFactorUse} {
				if _, err := a.Admin.SetTwoFactor(t.Context(), admin.System(), id, "", to); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, a *watched) {
				b := a.NewBrowser(t)
				trust(t, a.App, b, "sato")
				if err := act(t, a.App, accountOf(t, a.App, "sato").ID); err != nil {
					t.Fatal(err)
				}
				if n := a.count(t, "SELECT count(*) FROM trusted_devices"); n != 0 {
					t.Errorf("%d devices are left", n)
				}
				p := a.Password(t, b, a.RelyingParty(t, "store").AuthorizeURL(), "sato")
				if !slices.Contains([]string{"/signin/challenge", "/signin/two-factor"}, p.URL.Path) {
					t.Errorf("the next sign-in leads to %d %s", p.Status, p.URL)
				}
				if n := a.alarms(t, "sato@example.jp"); n != 0 {
					t.Errorf("%d alarms", n)
				}
			})
		})
	}
}
