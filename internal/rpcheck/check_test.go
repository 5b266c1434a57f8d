package rpcheck_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/rpcheck"
)

// party is a relying party that does everything right but for its faults.
type party struct {
	issuer, own string
	// gated says that its page is for people who are signed in; else it greets them by name.
	gated bool
	// faults are the rules that it breaks.
	faults map[string]bool

	mu       sync.Mutex
	pending  map[string]pending // by cookie
	sessions map[string]string  // by cookie: what is known of the person
	said     map[string]string  // by state, for whom state is not bound to a browser
	done     map[string]string  // by code, for whom it may come twice
}

type pending struct{ state, nonce, verifier string }

func (p *party) wrong(rule string) bool { return p.faults[rule] }

func cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

func (p *party) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.URL.Path {
	case "/login":
		p.login(w, r)
	case "/callback":
		p.callback(w, r)
	default:
		who, ok := p.sessions[cookieOf(r, "session")]
		if !ok && p.gated {
			http.Redirect(w, r, p.own+"/login", http.StatusSeeOther)
			return
		}
		fmt.Fprintf(w, "<p>%s</p>", html.EscapeString(who))
	}
}

func (p *party) login(w http.ResponseWriter, r *http.Request) {
	l := pending{state: rand.Text(), nonce: rand.Text(), verifier: rand.Text() + rand.Text()}
	fixed := func(rule string, value *string, to string) {
		if p.wrong(rule) {
			*value = to
		}
	}
	fixed("request.state", &l.state, "")
	fixed("request.state_fresh", &l.state, "always-the-same-state-0")
	fixed("request.nonce", &l.nonce, "")
	fixed("request.nonce_fresh", &l.nonce, "always-the-same-nonce")
	fixed("request.pkce_fresh", &l.verifier, strings.Repeat("v", 43))
	sum := sha256.Sum256([]byte(l.verifier))
	q := url.Values{
		"client_id": {"check"}, "redirect_uri": {p.own + "/callback"}, "response_type": {"code"}, "scope": {"openid profile"},
		"state": {l.state}, "nonce": {l.nonce}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for rule, change := range map[string]func(){
		"request.duplicates":    func() { q.Add("scope", "email") },
		"request.client_id":     func() { q.Set("client_id", "another") },
		"request.response_type": func() { q.Set("response_type", "id_token") },
		"request.scope":         func() { q.Set("scope", "profile") },
		"request.redirect_uri":  func() { q.Set("redirect_uri", p.own+"/callback#here") },
		"request.pkce":          func() { q.Del("code_challenge"); q.Del("code_challenge_method") },
		"request.prompt":        func() { q.Set("prompt", "none login") },
	} {
		if p.wrong(rule) {
			change()
		}
	}
	for name, values := range q {
		if values[0] == "" {
			q.Del(name)
		}
	}
	id := rand.Text()
	p.pending[id] = l
	p.said[l.state] = id
	http.SetCookie(w, &http.Cookie{Name: "pending", Value: id, Path: "/", Secure: true, HttpOnly: true})
	if p.wrong("session.fixation") {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: id, Path: "/", Secure: true})
	}
	http.Redirect(w, r, p.issuer+"/authorize?"+q.Encode(), http.StatusSeeOther)
}

func (p *party) callback(w http.ResponseWriter, r *http.Request) {
	if err := p.finish(w, r); err != nil {
		status := http.StatusBadRequest
		if p.wrong("answer.error") && r.URL.Query().Has("error") {
			status = http.StatusInternalServerError
		}
		http.Error(w, err.Error(), status)
		return
	}
	http.Redirect(w, r, p.own+"/", http.StatusSeeOther)
}

func (p *party) finish(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	id := cookieOf(r, "pending")
	l, ok := p.pending[id]
	state := q.Get("state")
	if !ok && p.wrong("answer.other_browser") {
		id = p.said[state]
		l, ok = p.pending[id]
	}
	refused := func(rule string, yes bool) error {
		if yes && !p.wrong(rule) {
			return fmt.Errorf("refused: %s", rule)
		}
		return nil
	}
	for _, err := range []error{
		refused("answer.other_browser", !ok),
		refused("answer.state_missing", l.state != "" && state == ""),
		refused("answer.state_wrong", state != "" && state != l.state),
		refused("answer.iss_missing", !q.Has("iss")),
		refused("answer.iss_wrong", q.Has("iss") && q.Get("iss") != p.issuer),
		refused("answer.error_with_code", q.Has("error") && q.Has("code")),
		refused("", q.Has("error") && !q.Has("code")),
	} {
		if err != nil {
			return err
		}
	}
	if !p.wrong("answer.replayed") {
		delete(p.pending, id)
	}
	who, done := p.done[q.Get("code")]
	if !done {
		var err error
		if who, err = p.redeem(l, q.Get("code")); err != nil {
			return err
		}
	}
	if p.wrong("answer.replayed") {
		p.done[q.Get("code")] = who
	}
	session := rand.Text()
	if p.wrong("session.fixation") {
		session = id
	}
	p.sessions[session] = who
	http.SetCookie(w, &http.Cookie{Name: "session", Value: session, Path: "/", Secure: true, HttpOnly: true})
	return nil
}

func fetch(address, token string, form url.Values, into any) (int, error) {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if form != nil {
		req, err = http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	}
	if err != nil {
		return 0, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return res.StatusCode, json.NewDecoder(res.Body).Decode(into)
}

func (p *party) redeem(l pending, code string) (string, error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.own + "/callback"}, "code_verifier": {l.verifier},
		"client_id": {"check"}, "client_secret": {"any"},
	}
	for rule, change := range map[string]func(){
		"token.redirect_uri":   func() { form.Set("redirect_uri", p.own) },
		"token.verifier":       func() { form.Set("code_verifier", "wrong") },
		"token.client":         func() { form.Set("client_id", "another") },
		"request.redirect_uri": func() { form.Set("redirect_uri", p.own+"/callback#here") },
	} {
		if p.wrong(rule) {
			change()
		}
	}
	var answer struct {
		Access string `json:"access_token"`
		ID     string `json:"id_token"`
	}
	status, err := fetch(p.issuer+"/token", "", form, &answer)
	if err != nil {
		return "", err
	}
	if p.wrong("token.once") {
		var again any
		if _, err := fetch(p.issuer+"/token", "", form, &again); err != nil {
			return "", err
		}
	}
	if status != http.StatusOK {
		if p.wrong("token.refused") {
			return careless, nil
		}
		return "", fmt.Errorf("token endpoint: %d", status)
	}
	if answer.ID == "" {
		if p.wrong("id_token.absent") {
			return careless, nil
		}
		return "", errors.New("no ID token")
	}
	claims, err := p.verify(answer.ID, answer.Access, l.nonce)
	if err != nil {
		return "", err
	}
	var info map[string]any
	if status, err = fetch(p.issuer+"/userinfo", answer.Access, nil, &info); err != nil || status != http.StatusOK {
		return "", fmt.Errorf("userinfo: %d %w", status, err)
	}
	if claims["sub"] != nil && info["sub"] != claims["sub"] && !p.wrong("userinfo.other_subject") {
		return "", fmt.Errorf("userinfo is about %v", info["sub"])
	}
	return fmt.Sprint(info["name"]), nil
}

// careless is what a site says of somebody it knows nothing about.
const careless = "somebody"

// verify judges an ID token (OpenID Connect Core 3.1.3.7).
func (p *party) verify(raw, access, nonce string) (map[string]any, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil, errors.New("no JWT")
	}
	var header, claims map[string]any
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, into); err != nil {
			return nil, err
		}
	}
	if err := p.checkSignature(header, parts); err != nil {
		return nil, err
	}
	expiry, _ := claims["exp"].(float64)
	sum := sha256.Sum256([]byte(access))
	said, has := claims["nonce"]
	for rule, bad := range map[string]bool{
		"id_token.iss_wrong": claims["iss"] != p.issuer, "id_token.aud_wrong": claims["aud"] != "check",
		"id_token.expired": time.Now().Unix() > int64(expiry), "id_token.sub_missing": claims["sub"] == nil,
		"id_token.nonce_missing": nonce != "" && !has, "id_token.nonce_wrong": has && said != nonce,
		"id_token.at_hash": claims["at_hash"] != base64.RawURLEncoding.EncodeToString(sum[:16]),
	} {
		if bad && !p.wrong(rule) {
			return nil, fmt.Errorf("ID token: %s", rule)
		}
	}
	return claims, nil
}

func (p *party) checkSignature(header map[string]any, parts []string) error {
	rule := map[string]string{"none": "id_token.alg_none", "HS256": "id_token.alg_hmac"}[fmt.Sprint(header["alg"])]
	if rule == "" && header["kid"] != "check-1" {
		rule = "id_token.key_unknown"
	}
	if rule != "" {
		if p.wrong(rule) {
			return nil
		}
		return fmt.Errorf("ID token: %s", rule)
	}
	var set struct {
		Keys []struct{ N, X, Y string }
	}
	if _, err := fetch(p.issuer+"/jwks", "", nil, &set); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature, key := number(parts[2]), set.Keys[0]
	good := false
	if header["alg"] == "ES256" && len(signature) == 64 {
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, number(key.X), number(key.Y)))
		good = err == nil && ecdsa.Verify(public, sum[:], r, s)
	} else {
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(number(key.N)), E: 65537}
		good = rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature) == nil
	}
	if !good && !p.wrong("id_token.signature") {
		return errors.New("ID token: signature")
	}
	return nil
}

func number(text string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return raw
}

// check runs a check of a relying party with faults, and returns the rules that were broken.
func check(t *testing.T, alg string, gated bool, faults ...string) ([]string, error) {
	t.Helper()
	var issuer http.Handler
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { issuer.ServeHTTP(w, r) }))
	t.Cleanup(front.Close)
	p := &party{issuer: front.URL, gated: gated, faults: map[string]bool{}, pending: map[string]pending{}, sessions: map[string]string{}, said: map[string]string{}, done: map[string]string{}}
	for _, f := range faults {
		p.faults[f] = true
	}
	site := httptest.NewServer(p)
	t.Cleanup(site.Close)
	p.own = site.URL
	c, err := rpcheck.New(rpcheck.Config{Issuer: front.URL, ClientID: "check", Alg: alg})
	if err != nil {
		t.Fatal(err)
	}
	issuer = c.Handler()
	results, err := c.Run(t.Context(), site.URL+"/login", "")
	var broken []string
	for _, r := range results {
		if r.Outcome == rpcheck.Broken {
			broken = append(broken, r.ID)
		}
	}
	return broken, err
}

func TestAGoodRelyingPartyBreaksNoRule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		alg   string
		gated bool
	}{{"RS256", true}, {"ES256", false}} {
		if broken, err := check(t, c.alg, c.gated); err != nil || len(broken) > 0 {
			t.Errorf("%+v: broken: %v, %v", c, broken, err)
		}
	}
}

// TestEveryFaultIsFoundByName gives a relying party each fault in turn. What else breaks with it is named beside.
func TestEveryFaultIsFoundByName(t *testing.T) {
	t.Parallel()
	also := map[string][]string{
		"request.state": {"answer.state_missing"},
	}
	for _, r := range rpcheck.Rules() {
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			broken, err := check(t, "ES256", true, r.ID)
			if err != nil {
				t.Fatal(err)
			}
			want := append([]string{r.ID}, also[r.ID]...)
			slices.Sort(broken)
			slices.Sort(want)
			if !slices.Equal(broken, want) {
				t.Errorf("found %v, want %v", broken, want)
			}
		})
	}
}

// TestRulesAreWhole: each is told in both languages and says where it comes from.
func TestRulesAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range rpcheck.Rules() {
		if seen[r.ID] || r.Section == "" || r.Ja == "" || r.En == "" || r.Level != rpcheck.Fault && r.Level != rpcheck.Warning {
			t.Errorf("rule %+v", r)
		}
		seen[r.ID] = true
	}
}
