package testapp_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

func basicPair(id, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id) + ":" + url.QueryEscape(secret)))
}

const grantDevice = "urn:ietf:params:oauth:grant-type:device_code"

// deviceClient registers a public client for devices.
func deviceClient(t *testing.T, a *testapp.App, id string) *testapp.RelyingParty {
	t.Helper()
	list := func(v ...string) json.RawMessage {
		raw, err := json.Marshal(append([]string{}, v...))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	a.AddClient(t, id, store.InsertClientParams{
		SurfaceID: "store", AuthMethod: "none", RedirectURIs: list(), PostLogoutRedirectURIs: list(), GrantTypes: list(grantDevice, "refresh_token"),
		Scopes: list("openid", "profile", "offline_access", "stock:read"), IDTokenAlg: "ES256", Now: a.Clock.Now(),
	})
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	rp := a.RelyingParty(t, id)
	rp.Secret = ""
	return rp
}

// began is what a device was told.
func began(t *testing.T, rp *testapp.RelyingParty) (device, user string) {
	t.Helper()
	r := rp.Post("/device_authorization", url.Values{"scope": {"openid profile offline_access stock:read admin"}})
	if r.Status != 200 || r.JSON["interval"] != 5.0 || r.JSON["expires_in"] != 600.0 || r.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("device authorization: %d %s", r.Status, r.Body)
	}
	if user = r.Str("user_code"); !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(user) ||
		!strings.HasSuffix(r.Str("verification_uri"), "/device") || r.Str("verification_uri_complete") != r.Str("verification_uri")+"?user_code="+user {
		t.Errorf("device authorization: %s", r.Body)
	}
	return r.Str("device_code"), user
}

// The way of RFC 8628 from its beginning to its end: the device waits, the person signs in as always and sees what they allow, and the
// device gets tokens that say of the sign-in what is true, once.
func TestDeviceIsLetIn(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := deviceClient(t, a, "till")
		device, user := began(t, rp)
		refused := func(r testapp.Reply, code string) {
			t.Helper()
			if r.Status != 400 || r.Str("error") != code {
				t.Errorf("%d %s, want %s", r.Status, r.Body, code)
			}
		}
		refused(rp.Poll(device), "authorization_pending")
		refused(rp.Poll(device), "slow_down")
		a.Pass(t, testapp.PollPause)
		refused(rp.Poll(device), "slow_down") // five seconds more by now, and five more again
		a.Pass(t, 3*testapp.PollPause)
		refused(rp.Poll(device), "authorization_pending")

		b := a.NewBrowser(t)
		if p := b.Open("/device?user_code=" + user); p.Status != 200 || !strings.Contains(p.Body, `value="`+user+`"`) || strings.Contains(p.Body, "till") {
			t.Errorf("a link with the code: %d %s", p.Status, p.Body)
		}
		p := b.Submit("/device", value("user_code", "ｂ"+strings.ToLower(user[1:4])+" "+user[5:]))
		if user[0] == 'B' != (p.URL.Path == "/signin") {
			t.Errorf("code %s with a wrong letter leads to %s", user, p.URL)
		}
		p = b.Submit("/device", value("user_code", strings.ToLower(user[:4])+" "+user[5:]))
		if p.URL.Path != "/signin" || !strings.Contains(p.Body, "機器の利用の許可") {
			t.Fatalf("the code leads to %d %s", p.Status, p.URL)
		}
		p = a.SignIn(t, b, p.URL.RequestURI(), "sato")
		if p.URL.Path != "/device/confirm" || !strings.Contains(p.Body, "till") || !strings.Contains(p.Body, user) || !strings.Contains(p.Body, "stock:read") || strings.Contains(p.Body, "admin") {
			t.Fatalf("after the sign-in: %d %s %s", p.Status, p.URL, p.Body)
		}
		sato := string(accountOf(t, a, "sato").ID)
		other := string(accountOf(t, a, "suzuki").ID)
		if p = b.Post("/device/confirm", value("user_code", user, "decision", "allow", "account", other)); p.Status != http.StatusSeeOther || p.Location().Path != "/device/confirm" {
			t.Fatalf("allowed on a page that somebody else was shown: %d %s", p.Status, p.Location())
		}
		if p = b.Submit("/device/confirm", value("user_code", user, "decision", "allow", "account", sato)); p.URL.Path != "/device/done" {
			t.Fatalf("allowed: %d %s", p.Status, p.URL)
		}
		if again := b.Submit("/device/confirm", value("user_code", user, "decision", "deny", "account", sato)); again.Status != http.StatusUnprocessableEntity {
			t.Errorf("decided twice: %d %s", again.Status, again.URL)
		}

		a.Pass(t, 4*testapp.PollPause)
		replies := make([]testapp.Reply, 16)
		var wg sync.WaitGroup
		for i := range replies {
			wg.Go(func() { replies[i] = rp.Poll(device) })
		}
		wg.Wait()
		var won []testapp.Reply
		for _, r := range replies {
			if r.Status == 200 {
				won = append(won, r)
				continue
			}
			refused(r, "slow_down")
		}
		if len(won) != 1 {
			t.Fatalf("%d polls were answered with tokens", len(won))
		}
		claims := won[0].IDToken(t)
		if claims["acr"] != acrEmail || claims["aud"] != "till" || claims["nonce"] != nil || won[0].Str("scope") != "openid profile offline_access stock:read" {
			t.Errorf("ID token %v, answer %s", claims, won[0].Body)
		}
		next := rp.Refresh(won[0].Str("refresh_token"))
		if next.Status != 200 {
			t.Errorf("refresh: %d %s", next.Status, next.Body)
		}
		// The second presentation of what counts once ends what the first one got (I20).
		a.Pass(t, 3*time.Minute) // the racers were impatient, and must wait the longer
		refused(rp.Poll(device), "invalid_grant")
		refused(rp.Refresh(next.Str("refresh_token")), "invalid_grant")
		if rows := deviceEvents(t, a, "sato"); len(rows) != 1 || rows[0] != "token.device success" {
			t.Errorf("audit rows %v", rows)
		}
	})
}

func deviceEvents(t *testing.T, a *testapp.App, login string) (out []string) {
	t.Helper()
	id := accountOf(t, a, login).ID
	rows, err := a.DB.Read().ListAccountEvents(t.Context(), store.ListAccountEventsParams{AccountID: &id, PageSize: 50})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range rows {
		if strings.HasPrefix(e.Type, "token.device") {
			out = append(out, e.Type+" "+e.Result)
		}
	}
	return out
}

// Whoever finds somebody else signed in signs in in their place, and what they allow is theirs.
func TestDeviceIsLetInBySomebodyElse(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	rp := deviceClient(t, a, "till")
	device, user := began(t, rp)
	b := a.NewBrowser(t)
	p := a.SignIn(t, b, b.Open("/device/confirm?user_code="+user).URL.RequestURI(), "sato")
	if p.URL.Path != "/device/confirm" || !strings.Contains(p.Body, "sato") {
		t.Fatalf("signed in: %d %s", p.Status, p.URL)
	}
	p = b.Submit("/device/confirm", value("user_code", user, "decision", "switch", "account", string(accountOf(t, a, "sato").ID)))
	if p.URL.Path != "/signin" || strings.Contains(p.Body, "sato") {
		t.Fatalf("somebody else: %d %s", p.Status, p.URL)
	}
	p = a.SignIn(t, b, p.URL.RequestURI(), "suzuki")
	suzuki := accountOf(t, a, "suzuki")
	if p.URL.Path != "/device/confirm" || !strings.Contains(p.Body, "suzuki") || strings.Contains(p.Body, "sato") {
		t.Fatalf("signed in as another: %d %s", p.Status, p.URL)
	}
	if p = b.Submit("/device/confirm", value("user_code", user, "decision", "allow", "account", string(suzuki.ID))); p.URL.Path != "/device/done" {
		t.Fatalf("allowed: %d %s", p.Status, p.URL)
	}
	if r := rp.Poll(device); r.Status != 200 || r.IDToken(t)["sub"] != string(suzuki.ID) {
		t.Errorf("tokens: %d %s", r.Status, r.Body)
	}
	if len(deviceEvents(t, a, "sato")) != 0 {
		t.Error("something of it is written down at the first person's account")
	}
}

// A device cannot say how its person must sign in; so all that its registration says of that holds.
func TestDeviceAsksForWhatItsRegistrationSays(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		a.Equip(t, "suzuki", testapp.ByApp)
		leaveToPassword(t, a, "suzuki")
		rp, suzuki := deviceClient(t, a, "till"), string(accountOf(t, a, "suzuki").ID)
		allow := func(b *testapp.Browser, user string) testapp.Page {
			return b.Submit("/device/confirm", value("user_code", user, "decision", "allow", "account", suzuki))
		}
		for _, c := range []struct {
			name     string
			settings client.Settings
			age      time.Duration // since the person signed in
			asked    string        // the step that the code leads to
			again    testapp.Way   // how they pass it
			acr      string
		}{
			{
				"all of it, met",
				client.Settings{DefaultMaxAge: new(int64(1800)), RequireAuthTime: true, DefaultACRValues: []string{acrFull, acrPassword}, MinACR: acrPassword},
				20 * time.Minute, "/device/confirm", "", acrPassword,
			},
			{"an older sign-in", client.Settings{DefaultMaxAge: new(int64(600))}, 20 * time.Minute, "/signin", testapp.ByPassword, acrPassword},
			{"a sign-in of its own", client.Settings{DefaultMaxAge: new(int64(0))}, time.Minute, "/signin", testapp.ByPassword, acrPassword},
			{"a lower level", client.Settings{DefaultACRValues: []string{acrFull}}, time.Minute, "/signin/challenge", testapp.ByApp, acrFull},
			{"less than the least level", client.Settings{MinACR: acrFull}, time.Minute, "/signin/challenge", testapp.ByApp, acrFull},
		} {
			settle(t, a, "till", c.settings)
			b := a.NewBrowser(t)
			a.SignInBy(t, b, "/signin/start?to=/account/security", "suzuki", testapp.ByPassword)
			proved := a.Clock.Now()
			a.Pass(t, c.age)
			device, user := began(t, rp)
			a.Pass(t, time.Minute) // people are slower than devices
			if p := b.Open("/device/confirm?user_code=" + user); p.URL.Path != c.asked {
				t.Errorf("%s: the code leads to %d %s, want %s", c.name, p.Status, p.URL, c.asked)
			}
			if c.again != "" {
				if p := allow(b, user); p.URL.Path != c.asked {
					t.Errorf("%s: allowed without more: %d %s", c.name, p.Status, p.URL)
				}
				if p := a.SignInBy(t, b, "/device/confirm?user_code="+user, "suzuki", c.again); p.URL.Path != "/device/confirm" {
					t.Errorf("%s: what was asked for leads to %d %s", c.name, p.Status, p.URL)
				}
				if c.asked == "/signin" {
					proved = a.Clock.Now()
				}
				a.Pass(t, 2*time.Minute) // people read before they allow
			}
			if p := allow(b, user); p.URL.Path != "/device/done" {
				t.Errorf("%s: allowed: %d %s", c.name, p.Status, p.URL)
			}
			claims := rp.Poll(device).IDToken(t)
			if claims["acr"] != c.acr || claims["auth_time"] != float64(proved.Unix()) {
				t.Errorf("%s: acr %v, auth_time %v after %d", c.name, claims["acr"], claims["auth_time"], proved.Unix())
			}
		}
	})
}

// What a device of somebody else's is allowed is a consent: it stands where people look for it, and ends with it.
func TestConsent_OfADevice(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp, b, suzuki := deviceClient(t, a, "tv"), a.NewBrowser(t), accountOf(t, a, "suzuki").ID
		settle(t, a, "tv", client.Settings{ThirdParty: true})
		const scope = "openid profile offline_access stock:read"
		answers := func(decision string) (device string) {
			device, user := began(t, rp)
			a.SignIn(t, b, "/device/confirm?user_code="+user, "suzuki")
			if p := b.Submit("/device/confirm", value("user_code", user, "decision", decision, "account", string(suzuki))); p.URL.Path != "/device/done" {
				t.Fatalf("%s: %d %s", decision, p.Status, p.URL)
			}
			return device
		}
		if rp.Poll(answers("deny")); allowed(t, a, suzuki, "tv") != "" {
			t.Error("denied, and allowed")
		}
		tokens := rp.Poll(answers("allow"))
		if got := allowed(t, a, suzuki, "tv"); tokens.Status != http.StatusOK || got != scope {
			t.Errorf("%d %s, allowed %q", tokens.Status, tokens.Body, got)
		}
		waiting := answers("allow")
		inTx(t, a, func(tx *store.Tx) error {
			_, err := tx.EndConsent(t.Context(), a.Clock.Now(), suzuki, "tv")
			return err
		})
		for name, r := range map[string]testapp.Reply{"refresh": rp.Refresh(tokens.Str("refresh_token")), "a device that waited": rp.Poll(waiting)} {
			if r.Status != http.StatusBadRequest || r.Str("error") != "invalid_grant" {
				t.Errorf("%s after it was taken back: %d %s", name, r.Status, r.Body)
			}
		}
	})
}

// What ends a sign-in ends what a device was allowed in it, and nobody gets in by what was denied, is over, or is another's.
func TestDevicesThatGetNothing(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp, other := deviceClient(t, a, "till"), deviceClient(t, a, "scales")
		b := a.NewBrowser(t)
		a.SignIn(t, b, "/signin/start?to=/account/security", "suzuki")
		suzuki := string(accountOf(t, a, "suzuki").ID)
		decide := func(user, decision string) testapp.Page {
			return b.Submit("/device/confirm", value("user_code", user, "decision", decision, "account", suzuki))
		}
		for _, c := range []struct {
			name string
			do   func(device, user string)
			code string
		}{
			{"denied", func(_, user string) { decide(user, "deny") }, "access_denied"},
			{"nothing decided", func(_, user string) {
				if p := decide(user, "perhaps"); p.Status != http.StatusBadRequest {
					t.Errorf("no decision: %d", p.Status)
				}
			}, "authorization_pending"},
			{"decided by another site", func(_, user string) {
				b.PostWith("/device/confirm", value("user_code", user, "decision", "allow", "account", suzuki), map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
			}, "authorization_pending"},
			{"decided by nobody", func(_, user string) {
				if p := a.NewBrowser(t).Submit("/device/confirm", value("user_code", user, "decision", "allow", "account", suzuki)); p.URL.Path != "/signin" {
					t.Errorf("without a session: %d %s", p.Status, p.URL)
				}
			}, "authorization_pending"},
			{"too late", func(_, user string) {
				a.Pass(t, 10*time.Minute)
				if p := decide(user, "allow"); p.Status != http.StatusUnprocessableEntity {
					t.Errorf("too late: %d %s", p.Status, p.URL)
				}
			}, "expired_token"},
			{"asked for by another", func(device, user string) {
				decide(user, "allow")
				if r := other.Poll(device); r.Status != 400 || r.Str("error") != "invalid_grant" {
					t.Errorf("another client: %d %s", r.Status, r.Body)
				}
			}, ""},
			{"policy raised", func(_, user string) {
				decide(user, "allow")
				a.Pass(t, time.Second)
				enforceStore(t, a, true)
			}, "invalid_grant"},
			{"policy lowered, signed out", func(_, user string) {
				enforceStore(t, a, false)
				a.Pass(t, time.Second)
				decide(user, "allow")
				b.Submit("/logout/confirm", value("kind", "store"))
			}, "invalid_grant"},
		} {
			device, user := began(t, rp)
			c.do(device, user)
			a.Pass(t, 10*time.Second)
			if r := rp.Poll(device); r.Status == 200 != (c.code == "") || r.Str("error") != c.code {
				t.Errorf("%s: %d %s", c.name, r.Status, r.Body)
			}
		}
		for _, wrong := range []url.Values{{}, {"scope": {"profile"}}, {"scope": {"nothing"}}} {
			if r := rp.Post("/device_authorization", wrong); r.Status != 400 || r.Str("error") != "invalid_scope" {
				t.Errorf("%v: %d %s", wrong, r.Status, r.Body)
			}
		}
		if r := a.RelyingParty(t, "store").Post("/device_authorization", url.Values{"scope": {"openid"}}); r.Str("error") != "unauthorized_client" {
			t.Errorf("a client without the grant: %d %s", r.Status, r.Body)
		}
		for _, code := range []string{"", "x", "dc_x", "dc_" + strings.Repeat("A", 43)} {
			if r := rp.Poll(code); r.Status != 400 {
				t.Errorf("device code %q: %d %s", code, r.Status, r.Body)
			}
		}
	})
}

// Codes that people type are short; so nobody may try many.
func TestUserCodesCannotBeGuessed(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	rp := deviceClient(t, a, "till")
	_, user := began(t, rp)
	b := a.NewBrowser(t)
	tried := 0
	for ; tried < 100; tried++ {
		p := b.Submit("/device", value("user_code", "BBBBBBBB"))
		if p.Status == http.StatusTooManyRequests {
			break
		}
		if p.Status != http.StatusUnprocessableEntity {
			t.Fatalf("a wrong code: %d %s", p.Status, p.URL)
		}
	}
	if tried != 60 {
		t.Errorf("%d codes could be tried", tried)
	}
	for _, path := range []string{"/device/confirm?user_code=" + user} {
		if p := b.Open(path); p.Status != http.StatusTooManyRequests {
			t.Errorf("%s after that: %d", path, p.Status)
		}
	}
	if p := b.Submit("/device", value("user_code", user)); p.Status != http.StatusTooManyRequests {
		t.Errorf("the right code after that: %d %s", p.Status, p.URL)
	}
	a.Pass(t, 10*time.Minute+time.Second)
	if p := b.Submit("/device", value("user_code", "BBBBBBBB")); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("when the window is over: %d", p.Status)
	}
}
