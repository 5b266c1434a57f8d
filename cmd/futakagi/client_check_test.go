package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/demo/relyingparty"
)

// issuerAddress is where a check may serve its issuer.
func issuerAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// TestClientCheckOfTheSampleStore: what we hand out as an example breaks no rule.
func TestClientCheckOfTheSampleStore(t *testing.T) {
	issuer := issuerAddress(t)
	var store http.Handler
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { store.ServeHTTP(w, r) }))
	defer site.Close()
	var err error
	if store, err = relyingparty.New(relyingparty.Config{
		Kind: relyingparty.Store, Issuer: issuer, ClientID: "futakagi-check", ClientSecret: "secret", BaseURL: site.URL, Logger: slog.New(slog.DiscardHandler),
	}); err != nil {
		t.Fatal(err)
	}
	got := execute(t, nil, "client", "check", site.URL+"/login", "--issuer", issuer, "-o", "json")
	var findings []finding
	if err := json.Unmarshal([]byte(got.out), &findings); err != nil {
		t.Fatalf("%+v: %v", got, err)
	}
	for _, f := range findings {
		if f.Outcome != "passed" {
			t.Errorf("%+v", f)
		}
	}
	if got.code != exitOK || len(findings) < 30 {
		t.Errorf("code %d, %d findings, %s", got.code, len(findings), got.err)
	}
}

// sloppy is a site as people write it in an afternoon: it believes whatever comes.
func sloppy(issuer string, own *string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/login":
			http.Redirect(w, r, issuer+"/authorize?"+url.Values{
				"client_id": {"futakagi-check"}, "redirect_uri": {*own + "/callback"}, "response_type": {"code"}, "scope": {"openid"}, "state": {"x"},
			}.Encode(), http.StatusFound)
		case "/callback":
			res, err := http.PostForm(issuer+"/token", url.Values{
				"grant_type": {"authorization_code"}, "code": {r.URL.Query().Get("code")}, "redirect_uri": {*own + "/callback"}, "client_id": {"futakagi-check"},
			})
			if err != nil {
				http.Error(w, "", http.StatusBadGateway)
				return
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			var tokens struct {
				ID string `json:"id_token"`
			}
			parts := []string{"", "", ""}
			if json.Unmarshal(body, &tokens) == nil && strings.Count(tokens.ID, ".") == 2 {
				parts = strings.Split(tokens.ID, ".")
			}
			claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
			http.SetCookie(w, &http.Cookie{Name: "who", Value: base64.RawURLEncoding.EncodeToString(claims), Path: "/"})
			http.Redirect(w, r, "/", http.StatusFound)
		default:
			who, _ := r.Cookie("who")
			if who == nil || who.Value == "" {
				http.Redirect(w, r, "/login", http.StatusFound)
				return
			}
			fmt.Fprint(w, "welcome")
		}
	}
}

func TestClientCheckOfASloppySite(t *testing.T) {
	issuer := issuerAddress(t)
	own := ""
	site := httptest.NewServer(sloppy(issuer, &own))
	defer site.Close()
	own = site.URL
	for lang, says := range map[string]string{
		"en": "It accepts an ID token without a signature (alg none).", "ja": "署名のない（alg=none）IDトークンを受け入れます。",
	} {
		got := execute(t, nil, "client", "check", site.URL+"/login", "--issuer", issuer, "--lang", lang)
		if got.code != exitFailure || !strings.Contains(got.out, says) {
			t.Errorf("%s: %+v", lang, got)
		}
		for _, rule := range []string{
			"request.state", "request.nonce", "request.pkce", "answer.state_wrong", "answer.other_browser", "answer.iss_wrong",
			"id_token.aud_wrong", "id_token.expired", "id_token.iss_wrong", "id_token.signature",
		} {
			found := false
			for line := range strings.Lines(got.out) {
				fields := strings.Fields(line)
				found = found || len(fields) > 1 && fields[1] == rule && (fields[0] == "FAULT" || fields[0] == "WARNING")
			}
			if !found {
				t.Errorf("%s was not found:\n%s", rule, got.out)
			}
		}
	}
}

func TestClientCheckRefusals(t *testing.T) {
	issuer := issuerAddress(t)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	defer site.Close()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, exitUsage, "accepts 1 arg"},
		{[]string{"localhost/login"}, exitUsage, "not an http or https address"},
		{[]string{site.URL, "--lang", "fr"}, exitUsage, "--lang"},
		{[]string{site.URL, "-o", "xml"}, exitUsage, "--output"},
		{[]string{site.URL, "--id-token-alg", "none"}, exitUsage, "RS256 or ES256"},
		{[]string{site.URL, "--issuer", issuer, "--wait", "0s"}, exitFailure, "does not lead to the test issuer's /authorize: it ends at " + site.URL},
	} {
		if got := execute(t, nil, append([]string{"client", "check"}, c.args...)...); got.code != c.code || !strings.Contains(got.err, c.says) {
			t.Errorf("%v: %+v", c.args, got)
		}
	}
}
