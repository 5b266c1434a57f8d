package password_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/password"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/web"
)

// site is the pages over a world, with a browser in front.
type site struct {
	*world
	handler http.Handler
	cookies map[string]string
	address string
	logged  *strings.Builder
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{world: newWorld(t, storetest.SQLite(t)), cookies: map[string]string{}, address: "192.0.2.7:4711", logged: &strings.Builder{}}
	kit, err := web.New(web.Config{
		Issuer: issuer, DB: s.db, Templates: s.set, Logger: slog.New(slog.NewTextHandler(s.logged, nil)), Now: s.clock.now,
		CustomerIdle: time.Hour, OperatorIdle: 15 * time.Minute,
		Sufficient: func(context.Context, web.Session) (bool, error) { return true, nil },
		Fresh:      func(context.Context, web.Session, time.Duration) (bool, error) { return false, nil },
	})
	must(t, err)
	h, err := password.NewHandler(password.HandlerConfig{Service: s.Service, Templates: s.set, Toolkit: kit})
	must(t, err)
	mux := kit.Mux()
	mux.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			host, _, _ := strings.Cut(r.RemoteAddr, ":")
			next.ServeHTTP(w, r.WithContext(from(r.Context(), host)))
		})
	})
	h.Mount(mux)
	s.handler = mux
	return s
}

// logIn puts the browser into a full session.
func (s *site) logIn(id store.AccountID, methods ...signin.Method) {
	s.t.Helper()
	_, token := s.session(id, methods...)
	rec := httptest.NewRecorder()
	web.SetSessionCookie(rec, web.Kind(s.row(id).Kind), token)
	s.keep(rec.Result())
}

func (s *site) keep(res *http.Response) {
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(s.cookies, c.Name)
		} else {
			s.cookies[c.Name] = c.Value
		}
	}
}

type page struct {
	status int
	to     string // Location
	body   string
	header http.Header
}

func (s *site) send(method, path, body string) page {
	s.t.Helper()
	r := httptest.NewRequest(method, issuer+path, strings.NewReader(body))
	r.RemoteAddr = s.address
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", issuer)
	}
	for name, value := range s.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, r)
	res := rec.Result()
	s.keep(res)
	text, _ := io.ReadAll(res.Body)
	return page{status: res.StatusCode, to: res.Header.Get("Location"), body: string(text), header: res.Header}
}

func (s *site) get(path string) page { return s.send(http.MethodGet, path, "") }

// post sends a form of name and value pairs.
func (s *site) post(path string, pairs ...string) page {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return s.send(http.MethodPost, path, form.Encode())
}

func (p page) want(t *testing.T, what string, status int, texts ...string) {
	t.Helper()
	if p.status != status {
		t.Errorf("%s: status %d (to %q), want %d", what, p.status, p.to, status)
	}
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			t.Errorf("%s: page lacks %q:\n%s", what, text, p.body)
		}
	}
}

func (p page) leads(t *testing.T, what, to string) {
	t.Helper()
	if p.status != http.StatusSeeOther || p.to != to {
		t.Errorf("%s: %d to %q, want 303 to %q", what, p.status, p.to, to)
	}
}

const flow = "0193536a-0000-7000-8000-000000000001"

func TestForgotPages(t *testing.T) {
	s := newSite(t)
	s.customer("tanaka")
	s.account(account.KindOperator, "root")
	s.get("/password/forgot").want(t, "customers' form", 200, "パスワードの再設定", "会員情報のメールアドレス", `autocomplete="username"`,
		`href="/signin/start?to=%2Faccount%2Fsecurity"`)
	s.get("/password/forgot?flow="+flow).want(t, "form inside a sign-in", 200, `action="/password/forgot?flow=`+flow, `href="/signin?flow=`+flow)
	for _, bad := range []string{"x", flow + "&flow=" + flow, `"><script>`, "https://evil.example"} {
		p := s.get("/password/forgot?flow=" + bad)
		p.want(t, "form with flow "+bad, 200, `action="/password/forgot"`)
		if strings.Contains(p.body, "href=\"/signin?") {
			t.Errorf("flow %q is taken for one", bad)
		}
	}
	s.get("/admin/password/forgot").want(t, "operators' form", 200, "管理者ID", "登録されているメールアドレス", `action="/admin/password/forgot"`)

	s.post("/password/forgot?flow="+flow, "username", "tanaka").leads(t, "existing", "/password/sent?flow="+flow)
	s.post("/password/forgot", "username", "nobody").leads(t, "unknown", "/password/sent")
	s.post("/admin/password/forgot", "username", "root").leads(t, "operator", "/admin/password/sent")
	s.get("/password/sent?flow="+flow).want(t, "sent", 200, "メールを確認してください", "入力したログインIDが登録されている場合は", "30分間有効", `href="/signin?flow=`+flow)
	s.get("/admin/password/sent").want(t, "sent to an operator", 200, "管理者IDが登録されている場合は", "ほかの管理者に依頼してください")
	must(t, s.AnswerRequests(t.Context()))
	if diff := cmp.Diff([]string{"password_reset_link root@example.jp", "password_reset_link tanaka@example.jp"}, s.told()); diff != "" {
		t.Errorf("mails (-want +got):\n%s", diff)
	}
}

func TestForgotPagesWithBadInput(t *testing.T) {
	s := newSite(t)
	for name, login := range map[string]string{"empty": "", "blank": " \t　", "nothing that shows": "\u202e"} {
		p := s.post("/password/forgot", "username", login)
		p.want(t, name, 422, "ログインIDを入力してください。", "<title>エラー：", `aria-invalid="true"`)
	}
	s.post("/password/forgot").want(t, "no field", 422, "ログインIDを入力してください。")
	s.send(http.MethodPost, "/password/forgot", "username=a&username=b").want(t, "array", 400)
	s.send(http.MethodPost, "/password/forgot", "username=%ff").want(t, "no text", 400)
	s.send(http.MethodPost, "/password/forgot", "username=%00").want(t, "NUL", 400)
	s.post("/password/forgot", "username", strings.Repeat("x", 70_000)).want(t, "too large", 413)
	// What nobody can be called gets the answer that everybody gets.
	for _, login := range []string{strings.Repeat("x", 60_000), "<script>alert(1)</script>", "a b", "' OR 1=1 --", "佐藤"} {
		s.post("/password/forgot", "username", login).leads(t, "odd", "/password/sent")
	}
	must(t, s.AnswerRequests(t.Context()))
	for _, e := range s.events("password.forgot") {
		if e.Target != "" || e.Reason != "unknown_account" {
			t.Errorf("the log keeps what was typed: %+v", e)
		}
	}
	if r := s.send(http.MethodPut, "/password/forgot", ""); r.status != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d", r.status)
	}
	for range 30 {
		s.post("/password/forgot", "username", "nobody")
	}
	p := s.post("/password/forgot", "username", "nobody")
	p.want(t, "too many", 429, "しばらく待ってから")
	if p.header.Get("Retry-After") != "3600" {
		t.Errorf("Retry-After: %s", p.header.Get("Retry-After"))
	}
	s.address = "192.0.2.8:4711"
	s.post("/password/forgot", "username", "nobody").leads(t, "another network", "/password/sent")
}

// I9: the answer is the same to the byte, whoever is asked for.
func TestI9_ForgotAnswersAreOne(t *testing.T) {
	s := newSite(t)
	ctx := t.Context()
	s.customer("tanaka")
	disabled, silent := s.customer("disabled"), s.customer("silent")
	s.tx(func(tx *store.Tx) error { _, err := s.accounts.SetDisabled(ctx, tx, disabled, true); return err })
	s.tx(func(tx *store.Tx) error {
		a := s.row(silent)
		_, err := tx.UpdateAccountProfile(ctx, store.UpdateAccountProfileParams{ID: silent, DisplayName: a.DisplayName, SearchKey: a.SearchKey, Role: a.Role, Now: s.clock.now()})
		return err
	})
	request := regexp.MustCompile(`E-[0-9A-Z]{4}-[0-9A-Z]{4}`)
	answers := func(login string) [2]page {
		var out [2]page
		for i, p := range []page{s.post("/password/forgot", "username", login), s.get("/password/sent")} {
			p.body = request.ReplaceAllString(p.body, "E")
			p.header.Del("X-Request-Id")
			out[i] = p
		}
		return out
	}
	for round := range 2 { // before the requests are answered, and after
		want := answers("nobody")
		for _, login := range []string{"tanaka", "disabled", "silent", "root", "no such person"} {
			if diff := cmp.Diff(want, answers(login), cmp.AllowUnexported(page{})); diff != "" {
				t.Errorf("round %d: %s is told from nobody:\n%s", round, login, diff)
			}
		}
		must(t, s.AnswerRequests(ctx))
	}
}

func TestResetPages(t *testing.T) {
	s := newSite(t)
	id := s.customer("tanaka")
	link := s.link("tanaka")
	at := "/password/reset?ticket=" + link
	for range 2 { // programs look at links before people do
		p := s.get(at)
		p.want(t, "form", 200, "新しいパスワードの設定", "ログインID：", ">tanaka<", `autocomplete="new-password"`, `autocomplete="username" tabindex="-1" value="tanaka"`,
			`name="ticket" value="`+link+`"`, `action="/password/reset"`, "8文字以上にしてください。")
		if h := p.header; h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" || len(h["Set-Cookie"]) != 0 {
			t.Errorf("headers %v", h)
		}
		if !strings.Contains(p.body, `href="/password/reset?lang=en&amp;ticket=`+link) {
			t.Error("the form cannot be had in the other language")
		}
	}
	p := s.post("/password/reset", "ticket", link, "password", "abc", "username", "suzuki")
	p.want(t, "short", 422, "パスワードは8文字以上にしてください。", `name="ticket" value="`+link+`"`, ">tanaka<", "ticket="+link)
	if strings.Contains(p.body, "abc") {
		t.Error("what was typed is filled in again")
	}
	s.post("/password/reset", "ticket", link).want(t, "blank", 422, "パスワードを入力してください。")
	s.post("/password/reset", "ticket", link, "password", strings.Repeat("long ", 60)).want(t, "long", 422, "256文字以内")
	s.post("/password/reset", "ticket", link, "password", "password1").want(t, "common", 422, "よく使われている")
	s.send(http.MethodPost, "/password/reset", "ticket="+link+"&password=a&password=b").want(t, "array", 400)
	s.send(http.MethodPost, "/password/reset", "ticket="+link+"&ticket="+link+"&password=a").want(t, "two tickets", 400)
	s.get("/password/reset?ticket="+link+"&ticket="+link).want(t, "two tickets", 400)
	s.post(at, "password", fresh).want(t, "ticket in the address alone", 410)
	if !s.knows(id, former) {
		t.Fatal("a refused form changed the password")
	}

	p = s.post("/password/reset", "ticket", link, "password", fresh, "username", "suzuki")
	p.leads(t, "good", "/password/done")
	if len(p.header["Set-Cookie"]) != 0 || len(s.cookies) != 0 {
		t.Error("the reset left a cookie: nobody is signed in by it")
	}
	s.get("/password/done").want(t, "done", 200, "パスワードを変更しました", "ログイン時に認証コードなどで確認します", `href="/signin/start?to=%2Faccount%2Fsecurity"`)
	s.get("/admin/password/done").want(t, "operators' done", 200, `href="/signin/start?to=%2Fadmin"`)
	if !s.knows(id, fresh) {
		t.Error("the new password does not count")
	}
	if strings.Contains(s.logged.String(), link) || strings.Contains(s.logged.String(), link[:20]) || strings.Contains(s.logged.String(), fresh) {
		t.Errorf("the request log holds a secret:\n%s", s.logged)
	}
}

// Whatever is wrong with a link, the answer is one page, which leads to where a new one is to be had.
func TestResetPagesWithoutAGoodLink(t *testing.T) {
	s := newSite(t)
	s.customer("tanaka")
	s.account(account.KindOperator, "root")
	used := s.link("tanaka")
	must(t, s.Reset(t.Context(), web.Customer, used, fresh, "ja"))
	operators := s.ask(web.Operator, "root")
	guessed, _ := web.NewToken()
	want := ""
	for _, c := range []struct{ name, ticket string }{
		{"used", used},
		{"operators'", operators},
		{"guessed", guessed},
		{"empty", ""},
		{"short", "x"},
		{"long", strings.Repeat("x", 5000)},
		{"hostile", `"><script>alert(1)</script>`},
	} {
		get := s.get("/password/reset?" + url.Values{"ticket": {c.ticket}}.Encode())
		post := s.post("/password/reset", "ticket", c.ticket, "password", another)
		get.want(t, c.name, 410, "このリンクは使えません", `href="/password/forgot"`)
		post.want(t, c.name+", posted", 410)
		if want == "" {
			want = post.body
		}
		if diff := cmp.Diff(want, post.body); diff != "" {
			t.Errorf("%s is told from others:\n%s", c.name, diff)
		}
		if strings.Contains(get.body, "<script>alert") {
			t.Errorf("%s: the page is not escaped", c.name)
		}
	}
	s.get("/password/reset").want(t, "no ticket", 410)
	s.get("/admin/password/reset?ticket="+operators).want(t, "operators' own page", 200, ">root<", `action="/admin/password/reset"`)
	s.get("/admin/password/reset?ticket="+used).want(t, "operators' page with a customer's", 410, `href="/admin/password/forgot"`)
}

func TestChangePages(t *testing.T) {
	s := newSite(t)
	id := s.customer("tanaka")
	s.get("/account/security/password").leads(t, "without a session", "/signin/start?to=%2Faccount%2Fsecurity%2Fpassword")
	s.post("/account/security/password", "current", former, "password", fresh).want(t, "posted without a session", 401)
	s.logIn(id, signin.Password)
	s.get("/account/security/password").want(t, "form", 200, "パスワードの変更", `id="current" name="current" type="password" autocomplete="current-password"`,
		`autocomplete="new-password"`, `autocomplete="username" tabindex="-1" value="tanaka"`, `data-reveal="current"`, `data-reveal="password"`,
		`href="/account/security"`)
	change := func(current, next string) page {
		return s.post("/account/security/password", "current", current, "password", next)
	}
	change("", "").want(t, "both blank", 422, "入力内容を確認してください", "現在のパスワードを入力してください。", "パスワードを入力してください。")
	change(former, former).want(t, "the same", 422, "現在と同じパスワードです。")
	change(former, "abc").want(t, "short", 422, "8文字以上")
	p := change("not the password", fresh)
	p.want(t, "wrong", 422, "現在のパスワードが正しくありません。")
	if strings.Contains(p.body, fresh) || strings.Contains(p.body, "not the password") {
		t.Error("what was typed is filled in again")
	}
	s.send(http.MethodPost, "/account/security/password", "current=a&current=b&password=c").want(t, "array", 400)
	s.send(http.MethodPost, "/account/security/password", "current=%ff&password=c").want(t, "no text", 400)
	s.post("/account/security/password", "current", strings.Repeat("x", 70_000)).want(t, "too large", 413)

	before := s.cookies["__Host-futakagi"]
	change(former, fresh).leads(t, "good", "/account/security")
	after := s.cookies["__Host-futakagi"]
	if after == before || s.alive(before) || !s.alive(after) {
		t.Error("the session did not go on under a new token alone")
	}
	if s.cookies["__Host-futakagi-flash"] != "flash.password_changed" {
		t.Errorf("banner %q", s.cookies["__Host-futakagi-flash"])
	}
	for range 5 {
		change("not the password", another)
	}
	change(fresh, another).want(t, "paused", 429, "パスワードの間違いが続いたため")
	s.clock.pass(6 * time.Minute)
	s.get("/account/security/password").leads(t, "old proof", "/signin/start?fresh=1&to=%2Faccount%2Fsecurity%2Fpassword")
	change(fresh, another).leads(t, "old proof, posted", "/signin/start?fresh=1&to=%2Faccount%2Fsecurity%2Fpassword")
	if !s.knows(id, fresh) {
		t.Error("the password is not the one that was set")
	}
	for _, secret := range []string{former, fresh, another, before, after} {
		if strings.Contains(s.logged.String(), secret) {
			t.Errorf("the request log holds a secret:\n%s", s.logged)
		}
	}
}

// Operators and customers change their own passwords, each on pages of their own.
func TestI14_ChangeIsOnesOwn(t *testing.T) {
	s := newSite(t)
	customer, operator := s.customer("tanaka"), s.account(account.KindOperator, "tanaka")
	s.logIn(customer, signin.Password)
	s.get("/admin/security/password").leads(t, "a customer at the operators' page", "/signin/start?to=%2Fadmin%2Fsecurity%2Fpassword")
	s.post("/admin/security/password", "current", former, "password", fresh).want(t, "posted", 401)
	s.logIn(operator, signin.Password)
	s.get("/admin/security/password").want(t, "operator", 200, `action="/admin/security/password"`, "15文字以上")
	s.post("/admin/security/password", "current", former, "password", fresh).leads(t, "good", "/admin/security")
	if !s.knows(operator, fresh) || !s.knows(customer, former) {
		t.Error("the wrong account's password changed")
	}
}
