package testapp_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// level is a level of assurance with a way that reaches it.
type level struct {
	acr string
	way testapp.Way
}

// levels are those of a surface, in their order, each by a way that its people have.
func levels(surface string) []level {
	all := []level{
		{acrPassword, testapp.ByPassword}, {acrEmail, testapp.ByEmail}, {acrFull, testapp.ByApp}, {acrPasskey, testapp.ByPasskey},
	}
	if surface == admin.SurfaceAdmin {
		all[1].way = testapp.ByApp // the console takes no code by mail
	}
	return all
}

// essential is a claims parameter that demands a level.
func essential(acr string) string {
	return `{"id_token":{"acr":{"essential":true,"value":"` + acr + `"}}}`
}

// visitor is a signed-in browser with what its session told so far.
type visitor struct {
	t      *testing.T
	a      *testapp.App
	rp     *testapp.RelyingParty
	b      *testapp.Browser
	cookie string // the name of the session's
	claims map[string]any
}

// visit signs in on a client's surface at a level, asked for by acr_values.
func visit(t *testing.T, a *testapp.App, client, login string, l level) *visitor {
	t.Helper()
	s := &visitor{t: t, a: a, rp: a.RelyingParty(t, client), b: a.NewBrowser(t), cookie: "__Host-futakagi"}
	if client == "staff" {
		s.cookie += "-admin"
	}
	s.take(a.SignInBy(t, s.b, s.rp.AuthorizeURL("acr_values", l.acr), login, l.way))
	return s
}

// take redeems an answer's code and keeps what its ID token says.
func (s *visitor) take(p testapp.Page) map[string]any {
	s.t.Helper()
	code := p.Location().Query().Get("code")
	if code == "" {
		s.t.Fatalf("no code: %d %s to %s", p.Status, p.URL, p.Location())
	}
	s.claims = s.rp.Redeem(code).IDToken(s.t)
	return s.claims
}

func (s *visitor) token() string {
	s.t.Helper()
	for _, c := range s.b.Cookies() {
		if c.Name == s.cookie {
			return c.Value
		}
	}
	s.t.Fatalf("no session: %v", s.b.Cookies())
	return ""
}

// dead reports whether a former token of the session opens nothing.
func (s *visitor) dead(former string) bool {
	s.t.Helper()
	other := s.a.NewBrowser(s.t)
	other.SetCookie(&http.Cookie{Name: s.cookie, Value: former})
	return other.Get(s.rp.AuthorizeURL("prompt", "none")).Location().Query().Get("error") == "login_required"
}

// told checks that the relying party hears of an error, with words that help, and that the session goes on as it was.
func (s *visitor) told(p testapp.Page, want string) {
	s.t.Helper()
	q := p.Location().Query()
	if p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Location().String(), testapp.StoreCallback) || q.Get("error") != want ||
		q.Get("error_description") == "" || q.Get("state") != "state-1" || q.Get("iss") != s.a.URL {
		s.t.Errorf("answer %d %s to %s, want %s", p.Status, p.URL, p.Location(), want)
	}
}

// TestStepUpBetweenLevels walks every ordered pair of levels on both surfaces: what a session has is given at once and never less
// than that, what it lacks is asked for in the same session, and nothing is refused silently.
func TestStepUpBetweenLevels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ surface, client, kind string }{
		{admin.SurfaceStore, "store", account.KindStore}, {admin.SurfaceAdmin, "staff", account.KindOperator},
	} {
		a := testapp.New(t)
		ladder := levels(c.surface)
		for i, from := range ladder {
			if i == 1 && c.surface == admin.SurfaceAdmin {
				continue // nobody is at this level there
			}
			// Somebody of their own for each level: an account gets so many codes a day.
			login := "level" + string(rune('0'+i))
			a.AddAccount(t, c.kind, login, account.TwoFactorUse)
			if c.surface == admin.SurfaceAdmin {
				a.Equip(t, login, testapp.ByApp, testapp.ByPasskey)
			} else {
				a.Equip(t, login, testapp.ByApp, testapp.ByEmail, testapp.ByPasskey)
			}
			leaveToPassword(t, a, login)
			for j, to := range ladder {
				for form, asks := range map[string][]string{"acr_values": {"acr_values", to.acr}, "claims": {"claims", essential(to.acr)}} {
					t.Run(c.surface+" "+from.acr+" to "+to.acr+" by "+form, func(t *testing.T) {
						a.Pass(t, 20*time.Minute) // the budget of codes
						s := visit(t, a, c.client, login, from)
						if s.claims["acr"] != from.acr {
							t.Fatalf("signed in at %v", s.claims["acr"])
						}
						if i >= j {
							s.atOnce(asks)
							return
						}
						s.stepUp(login, to, asks)
					})
				}
			}
		}
	}
}

// leaveToPassword takes an account's own demand for a second factor away, and leaves it its factors.
func leaveToPassword(t *testing.T, a *testapp.App, login string) {
	t.Helper()
	inTx(t, a, func(tx *store.Tx) error {
		_, err := tx.SetTwoFactor(t.Context(), store.SetTwoFactorParams{
			ID: a.Account(t, login).ID, TwoFactor: store.TwoFactorDontUse, Former: store.TwoFactorUse, Now: a.Clock.Now(),
		})
		return err
	})
}

// voidCodes takes an account's backup codes away.
func voidCodes(t *testing.T, a *testapp.App, login string) {
	t.Helper()
	now := a.Clock.Now()
	inTx(t, a, func(tx *store.Tx) error {
		_, err := tx.VoidBackupBatches(t.Context(), store.VoidBackupBatchesParams{Now: &now, AccountID: a.Account(t, login).ID})
		return err
	})
}

// atOnce asks for what the session has.
func (s *visitor) atOnce(asks []string) {
	s.t.Helper()
	s.a.Pass(s.t, time.Minute)
	before, token := s.claims, s.token()
	for _, prompt := range []string{"", "none"} {
		after := s.take(s.b.Get(s.rp.AuthorizeURL(append(asks, "prompt", prompt)...)))
		for _, name := range []string{"acr", "sid", "auth_time"} {
			if after[name] != before[name] {
				s.t.Errorf("prompt %q: %s %v became %v", prompt, name, before[name], after[name])
			}
		}
		if diff := cmp.Diff(before["amr"], after["amr"]); diff != "" {
			s.t.Errorf("prompt %q: amr %s", prompt, diff)
		}
	}
	if s.token() != token {
		s.t.Error("the session's token was renewed, and nothing was proved")
	}
}

// stepUp asks for more than the session has.
func (s *visitor) stepUp(login string, to level, asks []string) {
	s.t.Helper()
	s.told(s.b.Get(s.rp.AuthorizeURL(append(asks, "prompt", "none")...)), "interaction_required")
	before, former := s.claims, s.token()
	p := s.b.Open(s.rp.AuthorizeURL(asks...))
	if p.Status != http.StatusOK || !strings.HasPrefix(p.URL.Path, "/signin/challenge") {
		s.t.Fatalf("asked for %d %s", p.Status, p.URL)
	}
	offered := s.b.Get("/signin/challenge/methods?flow=" + p.Flow()).Body
	for _, l := range levels("") {
		if l.way == testapp.ByPassword {
			continue
		}
		reaches := signin.ParseACR(l.acr) >= signin.ParseACR(to.acr)
		path := "/signin/challenge/" + string(l.way.Method()) + "?"
		if strings.Contains(offered, path) && !reaches {
			s.t.Errorf("%s is offered and does not reach %s", l.way, to.acr)
		}
		if l.way == to.way && !strings.Contains(offered, path) {
			s.t.Errorf("%s is not offered", l.way)
		}
	}
	if strings.Contains(p.Body, `name="trust_device"`) {
		s.t.Error("the challenge offers to trust the browser")
	}
	after := s.take(s.a.Walk(s.t, s.b, login, to.way).From(p))
	want := to.acr
	if to.way == testapp.ByApp {
		want = acrFull
	}
	if after["acr"] != want || after["sid"] != before["sid"] || after["auth_time"] != before["auth_time"] {
		s.t.Errorf("ID token %v, before %v", after, before)
	}
	if s.token() == former || !s.dead(former) {
		s.t.Error("the session's former token is good still")
	}
	// What the session has now it keeps, whatever is asked for next.
	s.a.Pass(s.t, time.Minute)
	if again := s.take(s.b.Get(s.rp.AuthorizeURL("acr_values", acrPassword))); again["acr"] != want || again["sid"] != before["sid"] {
		s.t.Errorf("asked for less: %v", again)
	}
}

// offered are the methods that a page of the set-up offers.
func offered(p testapp.Page) []signin.Method {
	var methods []signin.Method
	for _, m := range signin.FactorMethods() {
		_, rest, found := strings.Cut(p.Body, `name="method" value="`+string(m)+`"`)
		input, _, _ := strings.Cut(rest, ">")
		if found && !strings.Contains(input, " disabled") {
			methods = append(methods, m)
		}
	}
	return methods
}

// TestStepUpOutOfReach asks for levels that no factor of the account reaches: the relying party hears so, whatever else it asked for,
// and the session goes on as it was.
func TestStepUpOutOfReach(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	for _, c := range []struct {
		surface, login string
		ways           []testapp.Way
		codes          bool // whether backup codes are left
		reach, unmet   []string
	}{
		{"store", "mail", []testapp.Way{testapp.ByEmail}, false, []string{acrPassword, acrEmail}, []string{acrFull, acrPasskey}},
		{"store", "mail-codes", []testapp.Way{testapp.ByEmail}, true, []string{acrPassword, acrEmail, acrFull}, []string{acrPasskey}},
		{"store", "sms", []testapp.Way{testapp.BySMS}, false, []string{acrPassword, acrEmail, acrFull}, []string{acrPasskey}},
		{"store", "app", []testapp.Way{testapp.ByApp}, false, []string{acrPassword, acrEmail, acrFull}, []string{acrPasskey}},
		{"admin", "staff-app", []testapp.Way{testapp.ByApp}, false, []string{acrPassword, acrEmail, acrFull}, []string{acrPasskey}},
		{"store", "key", []testapp.Way{testapp.ByKey}, false, []string{acrPassword, acrEmail, acrFull, acrPasskey}, nil},
	} {
		t.Run(c.login, func(t *testing.T) {
			client, kind := "store", account.KindStore
			if c.surface == admin.SurfaceAdmin {
				client, kind = "staff", account.KindOperator
			}
			a.AddAccount(t, kind, c.login, account.TwoFactorUse)
			a.Equip(t, c.login, c.ways...)
			leaveToPassword(t, a, c.login)
			if !c.codes {
				voidCodes(t, a, c.login)
			}
			s := visit(t, a, client, c.login, level{acrPassword, testapp.ByPassword})
			token := s.token()
			for _, acr := range c.unmet {
				for _, asks := range [][]string{{"acr_values", acr}, {"claims", essential(acr)}, {"acr_values", acrPassword, "claims", essential(acr)}} {
					for _, prompt := range []string{"", "none"} {
						s.told(s.b.Get(s.rp.AuthorizeURL(append(asks, "prompt", prompt)...)), "unmet_authentication_requirements")
					}
					// To somebody who is not signed in it is said after the password, and before it nothing about the account.
					b := a.NewBrowser(t)
					s.told(b.Get(s.rp.AuthorizeURL(append(asks, "prompt", "none")...)), "login_required")
					s.told(a.SignInBy(t, b, s.rp.AuthorizeURL(asks...), c.login, testapp.ByPassword), "unmet_authentication_requirements")
					s.told(a.SignInBy(t, s.b, s.rp.AuthorizeURL(append(asks, "prompt", "login")...), c.login, testapp.ByPassword), "unmet_authentication_requirements")
				}
			}
			if s.token() != token || s.take(s.b.Get(s.rp.AuthorizeURL("prompt", "none")))["acr"] != acrPassword {
				t.Error("the session is not what it was")
			}
			for _, acr := range c.reach[1:] {
				s.told(s.b.Get(s.rp.AuthorizeURL("acr_values", acr, "prompt", "none")), "interaction_required")
			}
		})
	}
}

// TestStepUpSetsUpWhatReaches steps an account up that has no factor: what the set-up offers reaches the level, and what it does not
// offer cannot be forced.
func TestStepUpSetsUpWhatReaches(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	all := signin.FactorMethods()
	for _, c := range []struct {
		kind, client, acr string
		want              []signin.Method
		way               testapp.Way
		reached           string
	}{
		{account.KindStore, "store", acrEmail, all, testapp.ByEmail, acrEmail},
		{account.KindStore, "store", acrFull, []signin.Method{signin.TOTP, signin.SMS, signin.Passkey}, testapp.BySMS, acrFull},
		{account.KindStore, "store", acrPasskey, []signin.Method{signin.Passkey}, testapp.ByKey, acrPasskey},
		{account.KindOperator, "staff", acrEmail, []signin.Method{signin.TOTP, signin.Passkey}, testapp.ByApp, acrFull},
		{account.KindOperator, "staff", acrPasskey, []signin.Method{signin.Passkey}, testapp.ByPasskey, acrPasskey},
	} {
		t.Run(c.client+" "+c.acr, func(t *testing.T) {
			login := c.client + strings.ReplaceAll(c.acr, ":", "-")
			a.AddAccount(t, c.kind, login, account.TwoFactorDont)
			s := visit(t, a, c.client, login, level{acrPassword, testapp.ByPassword})
			before, former := s.claims, s.token()
			s.told(s.b.Get(s.rp.AuthorizeURL("acr_values", c.acr, "prompt", "none")), "interaction_required")
			p := s.b.Open(s.rp.AuthorizeURL("claims", essential(c.acr)))
			if diff := cmp.Diff(c.want, offered(p)); p.URL.Path != "/signin/two-factor" || diff != "" {
				t.Fatalf("%d %s offers (-want +got):\n%s", p.Status, p.URL, diff)
			}
			for _, m := range all {
				if slices.Contains(c.want, m) {
					continue
				}
				if got := s.b.Submit(p.URL.RequestURI(), value("method", string(m))); got.Status != http.StatusUnprocessableEntity {
					t.Errorf("%s chosen all the same: %d %s", m, got.Status, got.URL)
				}
				if got := s.b.Open("/signin/two-factor/" + string(m) + "?flow=" + p.Flow()); got.URL.Path != "/signin/two-factor" {
					t.Errorf("the page of %s: %d %s", m, got.Status, got.URL)
				}
			}
			after := s.take(a.Walk(t, s.b, login, c.way).From(p))
			if after["acr"] != c.reached || after["sid"] != before["sid"] || after["auth_time"] != before["auth_time"] {
				t.Errorf("ID token %v, before %v", after, before)
			}
			if s.token() == former || !s.dead(former) {
				t.Error("the session's former token is good still")
			}
		})
	}
}

// TestStepUpByAge asks for proofs that are young enough: by max_age and by prompt=login. The answer rests on those alone, and what the
// session had besides it keeps.
func TestStepUpByAge(t *testing.T) {
	t.Parallel()
	const login = "tanaka"
	a := testapp.New(t)
	a.Equip(t, login, testapp.ByApp, testapp.ByPasskey)
	leaveToPassword(t, a, login)
	unix := func(at time.Time) float64 { return float64(at.Unix()) }
	full := level{acrFull, testapp.ByApp}

	t.Run("max_age", func(t *testing.T) {
		s := visit(t, a, "store", login, full)
		before, former := s.claims, s.token()
		a.Pass(t, 10*time.Minute)
		if got := s.take(s.b.Get(s.rp.AuthorizeURL("max_age", "3600", "acr_values", acrFull))); got["auth_time"] != before["auth_time"] {
			t.Errorf("young enough: %v", got)
		}
		s.told(s.b.Get(s.rp.AuthorizeURL("max_age", "60", "prompt", "none")), "login_required")
		began := a.Clock.Now()
		after := s.take(a.SignInBy(t, s.b, s.rp.AuthorizeURL("max_age", "60", "acr_values", acrFull), login, testapp.ByApp))
		if after["acr"] != acrFull || after["sid"] != before["sid"] || after["auth_time"] != unix(began.Add(testapp.Pause)) {
			t.Errorf("ID token %v, before %v", after, before)
		}
		if s.token() == former || !s.dead(former) {
			t.Error("the session's former token is good still")
		}
	})
	t.Run("the level of old proofs does not count", func(t *testing.T) {
		s := visit(t, a, "store", login, full)
		before := s.claims
		a.Pass(t, 10*time.Minute)
		began := a.Clock.Now()
		after := s.take(a.SignInBy(t, s.b, s.rp.AuthorizeURL("prompt", "login"), login, testapp.ByPassword))
		if after["acr"] != acrPassword || after["urn:futakagi:2fa"] != nil || after["sid"] != before["sid"] || after["auth_time"] != unix(began.Add(testapp.Pause)) {
			t.Errorf("ID token %v, before %v", after, before)
		}
		// Without an age the older proof counts beside the new one, and is the oldest that does.
		verified := before["urn:futakagi:2fa"].(map[string]any)["verified_at"]
		if again := s.take(s.b.Get(s.rp.AuthorizeURL("prompt", "none"))); again["acr"] != acrFull || again["auth_time"] != verified {
			t.Errorf("the session was lowered: %v", again)
		}
		// The password is young enough and the second factor is not: that alone is asked for.
		a.Pass(t, time.Minute)
		young := []string{"max_age", "120", "acr_values", acrFull}
		s.told(s.b.Get(s.rp.AuthorizeURL(append(young, "prompt", "none")...)), "interaction_required")
		p := s.b.Open(s.rp.AuthorizeURL(young...))
		if p.URL.Path != "/signin/challenge" {
			t.Fatalf("asked for %d %s", p.Status, p.URL)
		}
		if got := s.take(a.Walk(t, s.b, login, testapp.ByApp).From(p)); got["acr"] != acrFull || got["auth_time"] != unix(began.Add(testapp.Pause)) {
			t.Errorf("ID token %v", got)
		}
	})
	t.Run("prompt=login with a level", func(t *testing.T) {
		s := visit(t, a, "store", login, full)
		before, former := s.claims, s.token()
		a.Pass(t, time.Second)
		p := s.b.Open(s.rp.AuthorizeURL("prompt", "login", "claims", essential(acrFull)))
		if p.URL.Path != "/signin" || !strings.Contains(p.Body, `value="`+login+`"`) {
			t.Fatalf("asked for %d %s", p.Status, p.URL)
		}
		began := a.Clock.Now()
		after := s.take(a.Walk(t, s.b, login, testapp.ByApp).From(p))
		if after["acr"] != acrFull || after["sid"] != before["sid"] || after["auth_time"] != unix(began.Add(testapp.Pause)) {
			t.Errorf("ID token %v, before %v", after, before)
		}
		if s.token() == former || !s.dead(former) {
			t.Error("the session's former token is good still")
		}
	})
	t.Run("a passkey in the place of the password", func(t *testing.T) {
		s := visit(t, a, "store", login, full)
		before, former := s.claims, s.token()
		a.Pass(t, 10*time.Minute)
		after := s.take(a.SignInBy(t, s.b, s.rp.AuthorizeURL("prompt", "login"), login, testapp.ByPasskey))
		if diff := cmp.Diff([]any{"pop", "user", "mfa"}, after["amr"]); diff != "" || after["acr"] != acrPasskey || after["sid"] != before["sid"] ||
			after["auth_time"] != unix(a.Clock.Now()) {
			t.Errorf("ID token %v, before %v", after, before)
		}
		if s.token() == former || !s.dead(former) {
			t.Error("the session's former token is good still")
		}
	})
	t.Run("nobody signed in", func(t *testing.T) {
		rp := a.RelyingParty(t, "store")
		for _, asks := range [][]string{{}, {"max_age", "0"}, {"acr_values", acrPasskey}, {"claims", essential(acrFull)}} {
			if got := a.NewBrowser(t).Get(rp.AuthorizeURL(append(asks, "prompt", "none")...)).Location().Query().Get("error"); got != "login_required" {
				t.Errorf("%v: %s", asks, got)
			}
		}
	})
}

// TestStepUpInTwoTabs steps one session up twice at once. What was proved in either tab the session has, whichever ends last.
func TestStepUpInTwoTabs(t *testing.T) {
	t.Parallel()
	const login = "tanaka"
	a := testapp.New(t)
	a.Equip(t, login, testapp.ByApp, testapp.ByKey)
	leaveToPassword(t, a, login)
	s := visit(t, a, "store", login, level{acrPassword, testapp.ByPassword})
	before := s.claims
	a.Pass(t, 2*time.Second)
	first, second := s.b.Open(s.rp.AuthorizeURL("acr_values", acrPasskey)), s.b.Open(s.rp.AuthorizeURL("acr_values", acrFull))
	renewal := s.b.Open(s.rp.AuthorizeURL("max_age", "1"))
	if got := s.take(a.Walk(t, s.b, login, testapp.ByKey).From(first)); got["acr"] != acrPasskey {
		t.Fatalf("the first tab: %v", got)
	}
	former := s.token()
	if got := s.take(a.Walk(t, s.b, login, testapp.ByApp).From(second)); got["acr"] != acrFull || got["sid"] != before["sid"] {
		t.Fatalf("the second tab: %v", got)
	}
	if s.token() == former || !s.dead(former) {
		t.Error("the session's former token is good still")
	}
	got := s.take(s.b.Get(s.rp.AuthorizeURL("prompt", "none", "acr_values", acrPasskey)))
	if got["acr"] != acrPasskey || got["sid"] != before["sid"] || got["auth_time"] != before["auth_time"] {
		t.Errorf("the session has %v", got)
	}
	// A third one, in which the password is typed again, takes nothing away either, and its password is the one that counts.
	began := a.Clock.Now()
	s.take(a.Walk(t, s.b, login, testapp.ByPassword).From(renewal))
	got = s.take(s.b.Get(s.rp.AuthorizeURL("prompt", "none", "acr_values", acrPasskey)))
	if verified := got["urn:futakagi:2fa"].(map[string]any)["verified_at"]; got["acr"] != acrPasskey || got["auth_time"] != verified || verified.(float64) > float64(began.Unix()) {
		t.Errorf("after the password anew the session has %v", got)
	}
}

// TestI1_MaxAgeHoldsToTheEnd takes long over a step-up: what was young enough when it began and is too old when it ends is asked for
// again, and what was proved in the sign-in itself is not.
func TestI1_MaxAgeHoldsToTheEnd(t *testing.T) {
	t.Parallel()
	const login = "tanaka"
	a := testapp.New(t)
	a.Equip(t, login, testapp.ByApp, testapp.ByKey)
	leaveToPassword(t, a, login)
	s := visit(t, a, "store", login, level{acrPassword, testapp.ByPassword})
	before := s.claims
	a.Pass(t, 9*time.Minute)
	p := s.b.Open(s.rp.AuthorizeURL("max_age", "600", "acr_values", acrFull))
	if !strings.HasPrefix(p.URL.Path, "/signin/challenge") {
		t.Fatalf("asked for %d %s", p.Status, p.URL)
	}
	a.Pass(t, 2*time.Minute)
	w := a.Walk(t, s.b, login, testapp.ByApp)
	if p = s.b.Submit(p.URL.RequestURI(), value("do", "verify", "code", a.Apps[login].Fresh(a.Clock))); p.URL.Path != "/signin" {
		t.Fatalf("after the code: %d %s to %s", p.Status, p.URL, p.Location())
	}
	p, _ = w.Step(p)
	proved := a.Clock.Now()
	a.Pass(t, 12*time.Minute)
	got := s.take(w.From(p))
	if got["acr"] != acrFull || got["auth_time"] != float64(proved.Unix()) || got["sid"] != before["sid"] {
		t.Errorf("ID token %v, password at %d", got, proved.Unix())
	}
}

// TestI12_NoDeviceForALevel signs in with a trusted browser: it spares the account's own demand and nothing else.
func TestI12_NoDeviceForALevel(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	b := a.NewBrowser(t)
	a.Equip(t, "sato", testapp.ByEmail, testapp.ByApp, testapp.ByKey)
	trust(t, a, b, "sato")
	s := &visitor{t: t, a: a, rp: a.RelyingParty(t, "store"), b: b, cookie: "__Host-futakagi"}
	before := s.take(a.SignInBy(t, b, s.rp.AuthorizeURL("acr_values", acrPassword), "sato", testapp.ByDevice))
	if before["acr"] != acrPassword {
		t.Fatalf("ID token %v", before)
	}
	a.Pass(t, time.Second)
	s.told(b.Get(s.rp.AuthorizeURL("max_age", "0", "prompt", "none")), "login_required")
	for _, l := range []level{{acrEmail, testapp.ByEmail}, {acrFull, testapp.ByApp}, {acrPasskey, testapp.ByKey}} {
		held, sent := heldBy(t, a, b, "sato"), len(a.Mail.Mails(testapp.FactorAddress("sato")))
		// In a sign-in of its own the device is not asked, nor used up.
		p := a.Password(t, a.NewBrowser(t), s.rp.AuthorizeURL("acr_values", l.acr), "sato")
		if p.Status != http.StatusOK || !strings.HasPrefix(p.URL.Path, "/signin/challenge") {
			t.Errorf("%s: %d %s", l.acr, p.Status, p.URL)
		}
		if l.way == testapp.ByEmail {
			a.Code(t, testapp.FactorAddress("sato"), sent) // not to be taken for the next one
		}
		s.told(b.Get(s.rp.AuthorizeURL("acr_values", l.acr, "prompt", "none")), "interaction_required")
		a.Pass(t, 2*time.Minute) // the pause between two codes
		w := a.Walk(t, b, "sato", l.way)
		w.Trust = true // in vain
		p = b.Open(s.rp.AuthorizeURL("acr_values", l.acr))
		if !strings.HasPrefix(p.URL.Path, "/signin/challenge") || strings.Contains(p.Body, `name="trust_device"`) {
			t.Fatalf("%s: %d %s", l.acr, p.Status, p.URL)
		}
		after := s.take(w.From(p))
		if after["acr"] != l.acr || after["sid"] != before["sid"] || heldBy(t, a, b, "sato") != held {
			t.Errorf("%s: ID token %v", l.acr, after)
		}
	}
	// A change of one's settings asks for the factor too.
	leave(t, b)
	a.Pass(t, time.Hour)
	p := a.SignInBy(t, b, "/account/security/email", "sato", testapp.ByDevice)
	if !strings.HasPrefix(p.URL.Path, "/signin/challenge") {
		t.Errorf("the way to one's settings ends at %d %s", p.Status, p.URL)
	}
}

// TestI12_NoDeviceOnAdmin asks for one on every page of an operator's sign-in, even where a row says that the surface trusts browsers.
func TestI12_NoDeviceOnAdmin(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	a.Equip(t, "operator", testapp.ByApp, testapp.ByKey)
	for _, days := range []int64{0, 30} {
		inTx(t, a, func(tx *store.Tx) error {
			surface, err := tx.GetSurface(t.Context(), admin.SurfaceAdmin)
			if err != nil {
				return err
			}
			_, err = tx.SetSurfaceMethods(t.Context(), store.SetSurfaceMethodsParams{
				ID: surface.ID, Version: surface.UpdatedAt, AllowedMethods: surface.AllowedMethods, SecondLevel: surface.SecondLevel, TrustDays: days, Now: a.Clock.Now(),
			})
			return err
		})
		for _, start := range []string{"/admin/customers", a.RelyingParty(t, "staff").AuthorizeURL()} {
			for _, way := range []testapp.Way{testapp.ByApp, testapp.ByKey, testapp.ByBackup} {
				b := a.NewBrowser(t)
				w := a.Walk(t, b, "operator", way)
				w.Trust = true
				p := b.Open(start)
				for ok := true; ok; p, ok = w.Step(p) {
					if strings.Contains(p.Body, `name="trust_device"`) {
						t.Errorf("%s offers it", p.URL)
					}
				}
				if heldBy(t, a, b, "operator") != "" || p.Location().Query().Get("code") == "" && p.URL.Path != "/admin/customers" {
					t.Errorf("%d days, by %s: %d %s with %v", days, way, p.Status, p.URL, b.Cookies())
				}
			}
		}
	}
}

// setMethods sets what a surface accepts.
func setMethods(t *testing.T, a *testapp.App, surface string, allowed []signin.Method, second signin.Level, days int) {
	t.Helper()
	policies, err := a.Admin.SurfacePolicies(t.Context(), admin.System())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range policies {
		if p.ID == surface {
			p.Allowed, p.Level, p.TrustDays = allowed, second, days
			a.Pass(t, time.Second)
			if _, err := a.Admin.SetSurfacePolicy(t.Context(), admin.System(), p); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestStepUpToTheSurfacesOwnDemands tightens what a surface accepts: sessions that had enough are asked for more in the same session,
// with the methods that do, and set-up inside a sign-in offers those alone.
func TestStepUpToTheSurfacesOwnDemands(t *testing.T) {
	t.Parallel()
	all := signin.FactorMethods()
	for _, c := range []struct {
		name    string
		from    level
		allowed []signin.Method
		second  signin.Level
		way     testapp.Way
		reached string
		setUp   []signin.Method
	}{
		{"only passkeys", level{acrEmail, testapp.ByEmail}, []signin.Method{signin.Passkey}, signin.Level2FAEmail, testapp.ByKey, acrPasskey, []signin.Method{signin.Passkey}},
		{"no mail", level{acrEmail, testapp.ByEmail}, []signin.Method{signin.TOTP, signin.SMS}, signin.Level2FAEmail, testapp.ByApp, acrFull, []signin.Method{signin.TOTP, signin.SMS}},
		{"2fa", level{acrEmail, testapp.ByEmail}, all, signin.Level2FA, testapp.ByApp, acrFull, []signin.Method{signin.TOTP, signin.SMS, signin.Passkey}},
		{"phr", level{acrFull, testapp.ByApp}, all, signin.LevelPHR, testapp.ByKey, acrPasskey, []signin.Method{signin.Passkey}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := testapp.New(t)
			a.Equip(t, "sato", testapp.ByEmail, testapp.ByApp, testapp.ByKey)
			a.AddAccount(t, account.KindStore, "mail", account.TwoFactorUse)
			a.Equip(t, "mail", testapp.ByEmail)
			voidCodes(t, a, "mail")
			s := visit(t, a, "store", "sato", c.from)
			before, former := s.claims, s.token()
			setMethods(t, a, admin.SurfaceStore, c.allowed, c.second, 30)

			s.told(s.b.Get(s.rp.AuthorizeURL("prompt", "none")), "interaction_required")
			s.told(s.b.Get(s.rp.AuthorizeURL("prompt", "none", "acr_values", before["acr"].(string))), "interaction_required")
			if p := s.b.Get("/account/security"); p.Status != http.StatusSeeOther || p.Location().Path != "/signin/start" {
				t.Errorf("the person's own page: %d to %s", p.Status, p.Location())
			}
			p := s.b.Open(s.rp.AuthorizeURL())
			if p.Status != http.StatusOK || !strings.HasPrefix(p.URL.Path, "/signin/challenge") {
				t.Fatalf("asked for %d %s", p.Status, p.URL)
			}
			if got := s.b.Open("/signin/challenge/email?flow=" + p.Flow()); got.URL.Path != "/signin/challenge/methods" || strings.Contains(got.Body, "/signin/challenge/email") {
				t.Errorf("mail is offered: %d %s", got.Status, got.URL)
			}
			after := s.take(a.Walk(t, s.b, "sato", c.way).From(p))
			if after["acr"] != c.reached || after["sid"] != before["sid"] || after["auth_time"] != before["auth_time"] {
				t.Errorf("ID token %v, before %v", after, before)
			}
			if s.token() == former || !s.dead(former) {
				t.Error("the session's former token is good still")
			}
			s.take(s.b.Get(s.rp.AuthorizeURL("prompt", "none")))

			// Somebody with nothing set up.
			p = a.Password(t, a.NewBrowser(t), s.rp.AuthorizeURL(), "tanaka")
			if diff := cmp.Diff(c.setUp, offered(p)); p.URL.Path != "/signin/two-factor" || diff != "" {
				t.Errorf("%d %s offers (-want +got):\n%s", p.Status, p.URL, diff)
			}
			// Somebody whose factor does no more is told so by a page of ours, since no relying party asked for anything.
			for _, acr := range []string{"", acrPassword} {
				p = a.Password(t, a.NewBrowser(t), s.rp.AuthorizeURL("acr_values", acr), "mail")
				if p.Status != http.StatusOK || p.URL.Path != "/signin/challenge/methods" {
					t.Errorf("with acr_values %q: %d %s to %s", acr, p.Status, p.URL, p.Location())
				}
			}
			p = a.Password(t, a.NewBrowser(t), s.rp.AuthorizeURL("acr_values", acrEmail), "mail")
			s.told(p, "unmet_authentication_requirements")
		})
	}
}

// TestStepUpWhereTheInstallationCannot asks for a passkey where there are none: the person is not led to a page without a choice.
func TestStepUpWhereTheInstallationCannot(t *testing.T) {
	t.Parallel()
	a := testapp.New(t, func(c *server.Config) { c.PasskeyRPID, c.PasskeyOrigins, c.SMS = "", nil, nil })
	s := visit(t, a, "store", "suzuki", level{acrPassword, testapp.ByPassword})
	for _, prompt := range []string{"", "none"} {
		s.told(s.b.Get(s.rp.AuthorizeURL("acr_values", acrPasskey, "prompt", prompt)), "unmet_authentication_requirements")
	}
	p := a.Password(t, a.NewBrowser(t), s.rp.AuthorizeURL("acr_values", acrPasskey), "suzuki")
	s.told(p, "unmet_authentication_requirements")
	p = s.b.Open(s.rp.AuthorizeURL("acr_values", acrFull))
	if diff := cmp.Diff([]signin.Method{signin.TOTP}, offered(p)); diff != "" {
		t.Errorf("%d %s offers (-want +got):\n%s", p.Status, p.URL, diff)
	}

	// Somebody has a passkey from before: it is not asked for, and what remains is.
	inTx(t, a, func(tx *store.Tx) error {
		_, err := tx.UpsertFactor(t.Context(), store.UpsertFactorParams{
			ID: store.NewID[store.FactorID](), AccountID: a.Account(t, "sato").ID, Kind: string(signin.Passkey), Position: 1, Now: a.Clock.Now(),
		})
		return err
	})
	b := a.NewBrowser(t)
	s.told(a.Password(t, b, s.rp.AuthorizeURL("acr_values", acrPasskey), "sato"), "unmet_authentication_requirements")
	p = a.Password(t, b, s.rp.AuthorizeURL(), "sato")
	flow := "?flow=" + p.Flow()
	if got := b.Open("/signin/challenge/methods" + flow); strings.Contains(got.Body, "/signin/challenge/passkey") {
		t.Error("the passkey is offered")
	}
	for _, path := range []string{"/signin/challenge/passkey/options", "/signin/challenge/passkey", "/signin/two-factor/passkey/options"} {
		if got := b.Post(path+flow, value("credential", "{}")); got.Status != http.StatusSeeOther {
			t.Errorf("%s: %d", path, got.Status)
		}
	}
}
