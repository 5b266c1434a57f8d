package relyingparty

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fixture is a site whose provider answers discovery and nothing else; the
// whole flow is tried against the real provider by the browser tests.
type fixture struct {
	*handler
	issuer string
	now    *time.Time
	down   *int // how many discovery requests still fail
	jar    map[string]*http.Cookie
}

func setUp(t *testing.T, k Kind) *fixture {
	t.Helper()
	f := &fixture{now: new(time.Time), down: new(int), jar: map[string]*http.Cookie{}}
	*f.now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	op := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if *f.down > 0 {
			*f.down--
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(map[string]any{
			"issuer": f.issuer, "authorization_endpoint": f.issuer + "/authorize", "token_endpoint": f.issuer + "/token",
			"jwks_uri": f.issuer + "/jwks", "userinfo_endpoint": f.issuer + "/userinfo", "end_session_endpoint": f.issuer + "/logout",
			"authorization_response_iss_parameter_supported": true,
			"id_token_signing_alg_values_supported":          []string{"ES256"},
		}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(op.Close)
	f.issuer = op.URL
	var err error
	f.handler, err = newHandler(Config{
		Kind: k, Issuer: f.issuer, ClientID: string(k), ClientSecret: "secret", BaseURL: "http://localhost:8081",
		StoreURL: "http://localhost:8081", MyPageURL: "http://localhost:8082", InboxURL: "http://localhost:8025",
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return *f.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// do sends a request as one browser would, with its cookies.
func (f *fixture) do(t *testing.T, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost:8081"+target, http.NoBody)
	for _, c := range f.jar {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	f.site.Guard(f.routes()).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		f.jar[c.Name] = c
	}
	return w
}

// signIn puts a person into the session without a provider.
func (f *fixture) signIn(t *testing.T, u *user) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	for _, c := range f.jar {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	f.sessions.signIn(w, r, u)
	for _, c := range w.Result().Cookies() {
		f.jar[c.Name] = c
	}
}

func hanako() *user {
	return &user{
		claims: claims{
			Subject: "s1", SID: "sid1", ACR: "urn:futakagi:acr:2fa-email", AMR: []string{"pwd", "mca", "mfa"}, AuthTime: 1767323045,
			TwoFA: &twoFactorClaims{Method: "email", Via: "code"},
		},
		profile: profile{Name: "鈴木 花子", LoginID: "suzuki", Email: "suzuki@example.jp"},
		idToken: "ID", refreshToken: "RT", refreshed: time.Unix(1767323045, 0),
	}
}

func location(t *testing.T, w *httptest.ResponseRecorder) *url.URL {
	t.Helper()
	if w.Code != http.StatusSeeOther {
		t.Fatalf("status = %d, want 303; body:\n%s", w.Code, w.Body)
	}
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestLoginRequest(t *testing.T) {
	f := setUp(t, Store)
	u := location(t, f.do(t, http.MethodGet, "/login?acr_values="+stepUpACR+"&prompt=login&client_id=other&lang=en"))
	if got := u.Scheme + "://" + u.Host + u.Path; got != f.issuer+"/authorize" {
		t.Errorf("sent to %s", got)
	}
	q := u.Query()
	state := q.Get("state")
	_, found := f.sessions.find(&http.Request{Header: http.Header{"Cookie": {f.jar["aoba_store"].String()}}})
	l := found.logins[state]
	sum := sha256.Sum256([]byte(l.verifier))
	want := url.Values{
		"response_type": {"code"}, "client_id": {"store"}, "redirect_uri": {"http://localhost:8081/callback"},
		"scope": {"openid profile email offline_access"}, "state": {state}, "nonce": {l.nonce},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
		"acr_values": {stepUpACR}, "prompt": {"login"}, "ui_locales": {"en"},
	}
	if diff := cmp.Diff(want, q); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if len(state) < 22 || len(l.nonce) < 22 || state == l.nonce {
		t.Errorf("state %q, nonce %q", state, l.nonce)
	}
}

func TestSessionCookie(t *testing.T) {
	for k, name := range map[Kind]string{Store: "aoba_store", MyPage: "aoba_mypage"} {
		f := setUp(t, k)
		f.do(t, http.MethodGet, "/login")
		c := f.jar[name]
		if c == nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || len(c.Value) < 22 {
			t.Errorf("%s: cookie = %v", k, c)
		}
	}
}

func TestCallbackNeedsItsOwnState(t *testing.T) {
	f := setUp(t, Store)
	state := location(t, f.do(t, http.MethodGet, "/login")).Query().Get("state")
	foreign := &fixture{handler: f.handler, jar: map[string]*http.Cookie{}}

	for name, w := range map[string]*httptest.ResponseRecorder{
		"no state":        f.do(t, http.MethodGet, "/callback?code=x"),
		"wrong state":     f.do(t, http.MethodGet, "/callback?code=x&state=y"),
		"another browser": foreign.do(t, http.MethodGet, "/callback?code=x&state="+state),
	} {
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "ログインをやり直してください") {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	// The person's own sign-in is still open after all that, and once only.
	denied := "/callback?error=access_denied&error_description=no&iss=" + url.QueryEscape(f.issuer) + "&state=" + state
	if w := f.do(t, http.MethodGet, denied); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `<code id="error">access_denied</code>`) {
		t.Errorf("error answer: %d\n%s", w.Code, w.Body)
	}
	if w := f.do(t, http.MethodGet, denied); !strings.Contains(w.Body.String(), "ログインをやり直してください") {
		t.Errorf("used state: %d", w.Code)
	}
}

func TestCallbackChecksIssuer(t *testing.T) {
	f := setUp(t, Store)
	for name, iss := range map[string]string{
		"missing": "", "foreign": "&iss=http%3A%2F%2Fattacker.example", "twice": "&iss=" + url.QueryEscape(f.issuer) + "&iss=x",
		"slash": "&iss=" + url.QueryEscape(f.issuer+"/"),
	} {
		state := location(t, f.do(t, http.MethodGet, "/login")).Query().Get("state")
		w := f.do(t, http.MethodGet, "/callback?error=access_denied&state="+state+iss)
		if w.Code != http.StatusBadGateway || strings.Contains(w.Body.String(), "access_denied") {
			t.Errorf("%s: %d\n%s", name, w.Code, w.Body)
		}
	}
}

func TestLoginsExpireAndAreBounded(t *testing.T) {
	f := setUp(t, Store)
	first := location(t, f.do(t, http.MethodGet, "/login")).Query().Get("state")
	*f.now = f.now.Add(loginAge + time.Second)
	if w := f.do(t, http.MethodGet, "/callback?error=x&state="+first); !strings.Contains(w.Body.String(), "ログインをやり直してください") {
		t.Errorf("old state accepted: %d", w.Code)
	}
	for range 2 * maxLogins {
		*f.now = f.now.Add(time.Second)
		first = location(t, f.do(t, http.MethodGet, "/login")).Query().Get("state")
	}
	if len(f.sessions.byID) != 1 {
		t.Fatalf("sessions = %d, want 1", len(f.sessions.byID))
	}
	for _, s := range f.sessions.byID {
		if _, ok := s.logins[first]; !ok || len(s.logins) != maxLogins {
			t.Errorf("logins = %d, newest kept: %v", len(s.logins), ok)
		}
	}
}

func TestSignInRotatesTheSession(t *testing.T) {
	f := setUp(t, Store)
	other := location(t, f.do(t, http.MethodGet, "/login")).Query().Get("state") // another tab
	before := *f.jar["aoba_store"]
	f.signIn(t, hanako())
	if f.jar["aoba_store"].Value == before.Value {
		t.Fatal("the session kept its name over the sign-in")
	}
	fixated := &fixture{handler: f.handler, jar: map[string]*http.Cookie{before.Name: &before}}
	if strings.Contains(fixated.do(t, http.MethodGet, "/").Body.String(), "鈴木") {
		t.Error("the old name still opens the session")
	}
	if w := f.do(t, http.MethodGet, "/callback?error=login_required&iss="+url.QueryEscape(f.issuer)+"&state="+other); !strings.Contains(w.Body.String(), "login_required") {
		t.Error("the other tab's sign-in was lost")
	}
	if u := location(t, f.do(t, http.MethodGet, "/callback?code=x&state="+other)); u.Path != "/" {
		t.Errorf("back button after a sign-in leads to %s", u)
	}
	*f.now = f.now.Add(sessionAge + time.Second)
	if strings.Contains(f.do(t, http.MethodGet, "/").Body.String(), "鈴木") {
		t.Error("the session outlived its age")
	}
}

func TestLogout(t *testing.T) {
	f := setUp(t, Store)
	f.signIn(t, hanako())
	u := location(t, f.do(t, http.MethodPost, "/logout"))
	state := u.Query().Get("state")
	want := url.Values{
		"id_token_hint": {"ID"}, "client_id": {"store"}, "state": {state},
		"post_logout_redirect_uri": {"http://localhost:8081/signed-out"},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" || !strings.HasPrefix(u.String(), f.issuer+"/logout?") {
		t.Errorf("sent to %s; query (-want +got):\n%s", u, diff)
	}
	if strings.Contains(f.do(t, http.MethodGet, "/").Body.String(), "鈴木") {
		t.Error("still signed in")
	}
	if u := location(t, f.do(t, http.MethodGet, "/signed-out?state=foreign")); u.Path != "/" {
		t.Errorf("foreign return leads to %s", u)
	}
	if w := f.do(t, http.MethodGet, "/signed-out?state="+state); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "ログアウトしました") {
		t.Errorf("return: %d", w.Code)
	}
	if u := location(t, f.do(t, http.MethodPost, "/logout")); u.Host != "" || u.Path != "/signed-out" {
		t.Errorf("logout of nobody leads to %s", u)
	}
}

func TestProviderStartsLater(t *testing.T) {
	f := setUp(t, Store)
	*f.down = 1
	if u := location(t, f.do(t, http.MethodGet, "/login")); u.Path != "/authorize" {
		t.Errorf("after one failure: %s", u)
	}
	f = setUp(t, Store)
	*f.down = len(discoveryWaits) + 1
	if w := f.do(t, http.MethodGet, "/login"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "認証サーバーに接続できません") {
		t.Errorf("provider down: %d", w.Code)
	}
	if u := location(t, f.do(t, http.MethodGet, "/login")); u.Path != "/authorize" {
		t.Errorf("once it is up: %s", u)
	}
}

func TestMemberPage(t *testing.T) {
	f := setUp(t, MyPage)
	if u := location(t, f.do(t, http.MethodGet, "/member")); u.String() != "/login?return=%2Fmember" {
		t.Errorf("signed out: %s", u)
	}
	f.signIn(t, hanako())
	if body := f.do(t, http.MethodGet, "/").Body.String(); !strings.Contains(body, `<a href="/member">会員情報</a>`) {
		t.Errorf("front page:\n%s", body)
	}
	if body := f.do(t, http.MethodGet, "/member").Body.String(); !strings.Contains(body, `href="`+f.issuer+`/account/security">二要素認証の設定はこちら</a>`) {
		t.Errorf("member page:\n%s", body)
	}
	for to, want := range map[string]string{"/member": "/member", "//evil.example": "/", "https://evil.example": "/", "": "/"} {
		if got := f.back(to); got != want {
			t.Errorf("back(%q) = %q, want %q", to, got, want)
		}
	}
}

func TestPagesShowTheTokenInBothLanguages(t *testing.T) {
	for _, k := range []Kind{Store, MyPage} {
		for _, lang := range []string{"ja", "en"} {
			f := setUp(t, k)
			for _, path := range []string{"/", "/missing", "/callback"} {
				if body := f.do(t, http.MethodGet, path+"?lang="+lang).Body.String(); !strings.Contains(body, `<html lang="`+lang+`">`) {
					t.Errorf("%s %s:\n%s", k, path, body)
				}
			}
			f.signIn(t, hanako())
			body := html.UnescapeString(f.do(t, http.MethodGet, "/?refreshed&lang="+lang).Body.String())
			for _, want := range []string{
				`id="claim-name">鈴木 花子<`, `id="claim-amr">pwd mca mfa<`, `id="claim-acr">urn:futakagi:acr:2fa-email<`,
				`id="claim-auth_time" datetime="2026-01-02T12:04:05+09:00">2026-01-02 12:04:05<`, `id="claim-sid">sid1<`,
				`action="/refresh"`, `action="/logout"`, `href="/login?acr_values=urn%3Afutakagi%3Aacr%3A2fa-email"`,
			} {
				if !strings.Contains(body, want) {
					t.Errorf("%s %s has no %q:\n%s", k, lang, want, body)
				}
			}
		}
	}
}

func TestTextsAreComplete(t *testing.T) {
	for key, text := range texts {
		if text.JA == "" || text.EN == "" {
			t.Errorf("%s: %+v", key, text)
		}
	}
}

func TestBackchannelLogoutEndsWhatItNames(t *testing.T) {
	for name, c := range map[string]struct {
		told loggedOut
		ends bool
	}{
		"this session":       {loggedOut{subject: "s1", sid: "sid1"}, true},
		"by the session":     {loggedOut{sid: "sid1"}, true},
		"all of the person":  {loggedOut{subject: "s1"}, true},
		"another session":    {loggedOut{subject: "s1", sid: "sid2"}, false},
		"another person":     {loggedOut{subject: "s2"}, false},
		"another's same sid": {loggedOut{subject: "s2", sid: "sid1"}, false},
	} {
		f := setUp(t, MyPage)
		f.signIn(t, hanako())
		f.sessions.end(c.told)
		if out := !strings.Contains(f.do(t, http.MethodGet, "/").Body.String(), "鈴木"); out != c.ends {
			t.Errorf("%s: signed out: %v", name, out)
		}
	}
}

func TestBackchannelLogoutRefusesWhatIsNoToken(t *testing.T) {
	f := setUp(t, MyPage)
	f.signIn(t, hanako())
	for _, form := range []string{"", "logout_token=", "logout_token=x", "logout_token=e30.e30.e30"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost:8081/backchannel-logout", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		f.site.Guard(f.routes()).ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Body.String(), "invalid_request") {
			t.Errorf("%q: %d %s", form, w.Code, w.Body)
		}
	}
	if !strings.Contains(f.do(t, http.MethodGet, "/").Body.String(), "鈴木") {
		t.Error("signed out")
	}
}
