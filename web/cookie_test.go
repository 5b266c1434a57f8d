package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/futakagi/futakagi/store"
)

// S-6: there is one way to write a cookie, and it writes only this shape.
func TestCookieShape(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	id := store.NewID[store.FlowID]()
	secret, _ := NewToken()
	SetSessionCookie(w, Customer, secret)
	SetSessionCookie(w, Operator, secret)
	SetFlowCookie(w, r, id, secret)
	SetDeviceCookie(w, r, store.NewID[store.AccountID](), string(store.NewID[store.DeviceID]())+"."+secret)
	setCookie(w, langCookie, "ja.1", langCookieAge)
	setCookie(w, flashCookie, "flash.saved", 0)
	lines := w.Header()["Set-Cookie"]
	if len(lines) != 6 {
		t.Fatalf("%d cookies, want 6", len(lines))
	}
	for _, line := range lines {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(c.Name, "__Host-futakagi") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode ||
			c.Path != "/" || c.Domain != "" || len(line) > 4096 {
			t.Errorf("cookie %q breaks the rules", line)
		}
	}
}

func TestCookieReplacesEarlierOne(t *testing.T) {
	w := httptest.NewRecorder()
	SetSessionCookie(w, Customer, "one")
	SetSessionCookie(w, Operator, "other")
	ClearSessionCookie(w, Customer)
	cs := w.Result().Cookies()
	if len(cs) != 2 || cs[0].Name != "__Host-futakagi-admin" || cs[1].Name != "__Host-futakagi" || cs[1].MaxAge != -1 {
		t.Errorf("cookies %v", cs)
	}
}

func TestSessionTokenIsPlausibleAndSingle(t *testing.T) {
	token, hash := NewToken()
	if string(HashToken(token)) != string(hash) || len(hash) != 32 || len(token) != 43 {
		t.Fatal("token and hash do not fit")
	}
	name := sessionCookie(Customer)
	for _, tt := range []struct{ cookies, want string }{
		{name + "=" + token, token},
		{name + "=" + token[1:], ""},
		{name + "=" + strings.Repeat("*", 43), ""},
		{name + "=" + token + "; " + name + "=" + token, ""},
		{name + "-admin=" + token, ""},
		{"", ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", tt.cookies)
		if got := SessionToken(r, Customer); got != tt.want {
			t.Errorf("SessionToken(%q) = %q, want %q", tt.cookies, got, tt.want)
		}
	}
}

// flowIDAt makes an id of a given age.
func flowIDAt(t *testing.T, at time.Time) store.FlowID {
	t.Helper()
	u := uuid.Must(uuid.NewV7())
	ms := at.UnixMilli()
	for i := range 6 {
		u[i] = byte(ms >> (8 * (5 - i)))
	}
	return store.FlowID(u.String())
}

func jarRequest(w *httptest.ResponseRecorder, r *http.Request) *http.Request {
	jar := map[string]string{}
	for _, c := range r.Cookies() {
		jar[c.Name] = c.Value
	}
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(jar, c.Name)
		} else {
			jar[c.Name] = c.Value
		}
	}
	out := httptest.NewRequest("GET", "/", nil)
	for n, v := range jar {
		out.AddCookie(&http.Cookie{Name: n, Value: v})
	}
	return out
}

func TestFlowCookies(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := httptest.NewRequest("GET", "/", nil)
	secrets := map[store.FlowID]string{}
	var ids []store.FlowID
	for i := range maxFlowCookies + 3 {
		// Two tabs within a second share the beginning of their ids.
		id := flowIDAt(t, start.Add(time.Duration(i)*time.Second))
		secret, _ := NewToken()
		w := httptest.NewRecorder()
		SetFlowCookie(w, r, id, secret)
		r = jarRequest(w, r)
		ids, secrets[id] = append(ids, id), secret
	}
	for i, id := range ids {
		want := secrets[id]
		if i < 3 {
			want = "" // the oldest were dropped
		}
		if got := FlowSecret(r, id); got != want {
			t.Errorf("flow %d: secret %q, want %q", i, got, want)
		}
	}

	// Rotation replaces; the number stays.
	last := ids[len(ids)-1]
	next, _ := NewToken()
	w := httptest.NewRecorder()
	SetFlowCookie(w, r, last, next)
	r = jarRequest(w, r)
	if got := FlowSecret(r, last); got != next {
		t.Errorf("after rotation %q, want %q", got, next)
	}
	if n := len(r.Cookies()); n != maxFlowCookies {
		t.Errorf("%d flow cookies, want %d", n, maxFlowCookies)
	}

	// Unreadable ones go first.
	r.AddCookie(&http.Cookie{Name: flowCookiePrefix + "zzzz", Value: "garbage"})
	w = httptest.NewRecorder()
	SetFlowCookie(w, r, store.NewID[store.FlowID](), next)
	if cs := w.Result().Cookies(); len(cs) != 3 || cs[0].Name != flowCookiePrefix+"zzzz" || cs[0].MaxAge >= 0 {
		t.Errorf("cookies %v", cs)
	}

	w = httptest.NewRecorder()
	ClearFlowCookie(w, last)
	if r = jarRequest(w, r); FlowSecret(r, last) != "" {
		t.Error("secret survives ClearFlowCookie")
	}
}

func TestFlowSecretRefusesOthers(t *testing.T) {
	id := store.NewID[store.FlowID]()
	other := store.FlowID("00000000-0000-7000-8000-0000" + string(id)[len(id)-8:]) // same cookie name
	secret, _ := NewToken()
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: flowCookieName(id), Value: fmt.Sprintf("%s.%s", id, secret)})
	if got := FlowSecret(r, id); got != secret {
		t.Fatalf("own secret = %q", got)
	}
	for _, bad := range []store.FlowID{other, "", "x", store.FlowID(strings.ToUpper(string(id)))} {
		if got := FlowSecret(r, bad); got != "" {
			t.Errorf("FlowSecret(%q) = %q", bad, got)
		}
	}
}

func TestI12_DeviceCookies(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := httptest.NewRequest("GET", "/", nil)
	held := map[store.AccountID]string{}
	var accounts []store.AccountID
	for i := range maxDeviceCookies + 2 {
		secret, _ := NewToken()
		id, value := store.NewID[store.AccountID](), string(flowIDAt(t, start.Add(time.Duration(i)*time.Hour)))+"."+secret
		w := httptest.NewRecorder()
		SetDeviceCookie(w, r, id, value)
		cs := w.Result().Cookies()
		c := cs[len(cs)-1]
		if c.Name != "__Host-futakagi-device-"+string(id)[24:] || c.MaxAge != 30*24*3600 || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %q", c)
		}
		r = jarRequest(w, r)
		accounts, held[id] = append(accounts, id), value
	}
	// Several people share a browser; each has a device of their own, and the oldest ones went.
	for i, id := range accounts {
		want := held[id]
		if i < 2 {
			want = ""
		}
		if got := DeviceCookie(r, id); got != want {
			t.Errorf("account %d: %q, want %q", i, got, want)
		}
	}
	// A new secret takes the place of the former, and nobody else's.
	last := accounts[len(accounts)-1]
	secret, _ := NewToken()
	next := held[last][:36] + "." + secret
	w := httptest.NewRecorder()
	SetDeviceCookie(w, r, last, next)
	if r = jarRequest(w, r); DeviceCookie(r, last) != next || len(r.Cookies()) != maxDeviceCookies {
		t.Errorf("after rotation %q among %d cookies", DeviceCookie(r, last), len(r.Cookies()))
	}
	w = httptest.NewRecorder()
	SetDeviceCookie(w, r, last, "")
	if r = jarRequest(w, r); DeviceCookie(r, last) != "" || DeviceCookie(r, accounts[5]) != held[accounts[5]] {
		t.Error("forgetting one device forgot another, or none")
	}
}

func TestI12_DeviceCookieRefusesWhatWasNeverGiven(t *testing.T) {
	id := store.NewID[store.AccountID]()
	device := string(store.NewID[store.DeviceID]())
	secret, _ := NewToken()
	name := deviceCookieName(id)
	for _, tt := range []struct {
		cookies string
		want    bool
	}{
		{name + "=" + device + "." + secret, true},
		{name + "=" + device + "." + secret[1:], false},
		{name + "=" + device + "." + secret + "x", false},
		{name + "=" + device + secret, false},
		{name + "=" + device, false},
		{name + "=" + strings.ToUpper(device) + "." + secret, false},
		{name + "=." + secret, false},
		{name + "=" + device + "." + secret + "; " + name + "=" + device + "." + secret, false},
		{deviceCookiePrefix + "0123456789ab=" + device + "." + secret, false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", tt.cookies)
		if got := DeviceCookie(r, id); (got != "") != tt.want {
			t.Errorf("DeviceCookie(%q) = %q", tt.cookies, got)
		}
	}
	w := httptest.NewRecorder()
	SetDeviceCookie(w, httptest.NewRequest("GET", "/", nil), "no id", device+"."+secret)
	if len(w.Result().Cookies()) != 0 || DeviceCookie(httptest.NewRequest("GET", "/", nil), "no id") != "" {
		t.Error("a cookie for what is no account")
	}
}

func TestDraftCookie(t *testing.T) {
	w := httptest.NewRecorder()
	SetFlowCookie(w, request("GET", "/"), store.NewID[store.FlowID](), "s")
	SetDraftCookie(w, "abc", 10*time.Minute)
	cs := w.Result().Cookies()
	if len(cs) != 2 || cs[1].Name != draftCookie || cs[1].Value != "abc" || cs[1].MaxAge != 600 || !cs[1].Secure || !cs[1].HttpOnly || cs[1].Path != "/" {
		t.Errorf("cookies %v", cs)
	}
	UnsetDraftCookie(w)
	if left := w.Header()["Set-Cookie"]; len(left) != 1 || strings.Contains(left[0], draftCookie) {
		t.Errorf("taken back, but left are %v", left)
	}
	w = httptest.NewRecorder()
	SetDraftCookie(w, "abc", time.Minute)
	SetDraftCookie(w, "", time.Minute)
	if cs := w.Result().Cookies(); len(cs) != 1 || cs[0].MaxAge >= 0 {
		t.Errorf("forgetting gives %v", cs)
	}
	r := request("GET", "/")
	if DraftCookie(r) != "" {
		t.Error("a draft out of nothing")
	}
	r.AddCookie(&http.Cookie{Name: draftCookie, Value: "abc"})
	if got := DraftCookie(r); got != "abc" {
		t.Errorf("draft = %q", got)
	}
}
