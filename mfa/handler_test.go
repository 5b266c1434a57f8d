package mfa_test

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

	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

const origin = "https://id.example.jp"

// site is the pages over a world, with a browser in front.
type site struct {
	*world
	handler http.Handler
	cookies map[string]string
	// fetchSite is the Sec-Fetch-Site of the next GET requests.
	fetchSite string
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{world: newWorld(t, storetest.SQLite(t), mfa.Limits{}), cookies: map[string]string{}, fetchSite: "same-origin"}
	kit, err := web.New(web.Config{
		Issuer: origin, DB: s.db, Templates: s.set, Logger: slog.New(slog.DiscardHandler), Now: s.clock.now,
		CustomerIdle: time.Hour, OperatorIdle: 15 * time.Minute,
		Sufficient: func(context.Context, web.Session) (bool, error) { return true, nil },
		Fresh:      func(context.Context, web.Session, time.Duration) (bool, error) { return false, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := mfa.NewHandler(mfa.HandlerConfig{
		Service: s.Service, Templates: s.set, Toolkit: kit,
		AllowReturn: func(r *http.Request, _ store.Flow) { web.AllowFormAction(r, "https://shop.example.jp/callback") },
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := kit.Mux()
	h.Mount(mux)
	s.handler = mux
	return s
}

// signIn puts the browser into a sign-in whose password was accepted.
func (s *site) signIn(id store.AccountID) store.Flow {
	s.t.Helper()
	secret, hash := web.NewToken()
	f := s.flow(id)
	s.tx(func(tx *store.Tx) error {
		epoch := s.row(id).CredentialEpoch
		_, err := tx.SetFlowEvidence(s.t.Context(), store.SetFlowEvidenceParams{
			Evidence: s.evidence(signin.Password).Encode(), NewSecretHash: hash, NewEpoch: &epoch, ID: f.ID, SecretHash: f.SecretHash,
			Now: s.clock.now(), AccountID: &id, CredentialEpoch: &epoch,
		})
		return err
	})
	s.keep(func(w http.ResponseWriter) {
		web.SetFlowCookie(w, httptest.NewRequest(http.MethodGet, origin, nil), f.ID, secret)
	})
	f.SecretHash = hash
	return s.reload(f)
}

// logIn puts the browser into a full session.
func (s *site) logIn(id store.AccountID, methods ...signin.Method) store.SessionID {
	s.t.Helper()
	token, hash := web.NewToken()
	session := s.session(id, methods...)
	s.tx(func(tx *store.Tx) error {
		_, err := tx.RaiseSession(s.t.Context(), store.RaiseSessionParams{
			CredentialEpoch: s.row(id).CredentialEpoch, TokenHash: hash, Evidence: s.evidence(methods...).Encode(), Now: s.clock.now(),
			ExpiresAt: s.clock.now().Add(24 * time.Hour), ID: session, AccountID: id,
		})
		return err
	})
	s.keep(func(w http.ResponseWriter) { web.SetSessionCookie(w, web.Customer, token) })
	return session
}

func (s *site) keep(set func(w http.ResponseWriter)) {
	rec := httptest.NewRecorder()
	set(rec)
	s.store(rec.Result())
}

func (s *site) store(res *http.Response) {
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

func (s *site) do(method, path string, form url.Values) page {
	s.t.Helper()
	r := httptest.NewRequest(method, origin+path, strings.NewReader(form.Encode()))
	r.Header.Set("Sec-Fetch-Site", s.fetchSite)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Origin", origin)
	}
	for name, value := range s.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, r)
	res := rec.Result()
	s.store(res)
	body, _ := io.ReadAll(res.Body)
	return page{status: res.StatusCode, to: res.Header.Get("Location"), body: string(body), header: res.Header}
}

func (s *site) get(path string) page                   { return s.do(http.MethodGet, path, nil) }
func (s *site) post(path string, form url.Values) page { return s.do(http.MethodPost, path, form) }

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

func TestPagesOfTheFirstSignIn(t *testing.T) {
	s := newSite(t)
	f := s.signIn(s.account("tanaka", "use"))
	at := func(path string) string { return path + "?flow=" + string(f.ID) }
	cont := at("/signin/continue")

	p := s.get(at("/signin/two-factor"))
	p.want(t, "choice", 200, "二要素認証の設定が必要です。次の認証方式から二要素認証の設定を行ってください。", "認証アプリ", "SMS", "メール", "パスキー")
	if !strings.Contains(p.header.Get("Content-Security-Policy"), "https://shop.example.jp") {
		t.Error("the page's forms may not lead to the application")
	}
	for _, method := range []string{"", "backup", "password", "telepathy"} {
		s.post(at("/signin/two-factor"), url.Values{"method": {method}}).
			want(t, "method "+method, 422, "認証方式を選択してください。")
	}
	for _, method := range []string{"totp", "sms", "email", "passkey"} {
		s.post(at("/signin/two-factor"), url.Values{"method": {method}}).leads(t, method, at("/signin/two-factor/"+method))
	}

	email := at("/signin/two-factor/email")
	s.get(email).want(t, "email", 200, "メールの設定", "メールアドレスを入力", "届いた認証コードを入力")
	s.post(email, url.Values{"do": {"verify"}, "email": {""}, "code": {"123456"}}).
		want(t, "verify before sending", 422, "先に［送信］を選び、認証コードを受け取ってください。")
	s.post(email, url.Values{"do": {"send"}, "email": {""}}).want(t, "blank", 422, "メールアドレスを入力してください。")
	s.post(email, url.Values{"do": {"send"}, "email": {"tanaka"}}).
		want(t, "bad form", 422, "メールアドレスの形式が正しくありません。", `value="tanaka"`)
	s.post(email, url.Values{"do": {"send"}, "email": {"tanaka-2fa@example.jp"}}).leads(t, "send", email)
	s.get(email).want(t, "sent", 200, "tanaka-2fa@example.jp に認証コードを送信しました。10分以内に入力してください。", `data-wait="60"`)
	code := s.code("tanaka-2fa@example.jp")
	s.post(email, url.Values{"do": {"send"}, "email": {"tanaka-2fa@example.jp"}}).want(t, "at once again", 422, "60秒ほど待ってから")
	p = s.post(email, url.Values{"do": {"verify"}, "email": {"tanaka-2fa@example.jp"}, "code": {wrong(code)}})
	p.want(t, "wrong code", 422, "認証コードが正しくないか、有効期限が切れています。", `value="tanaka-2fa@example.jp"`)
	if strings.Contains(p.body, wrong(code)) {
		t.Error("the wrong code is filled in again")
	}
	s.post(email, url.Values{"do": {"verify"}, "email": {"other@example.jp"}, "code": {code}}).
		want(t, "address edited", 422, "メールアドレスが変更されました。")

	before := s.cookies["__Host-futakagi-flow-"+string(f.ID)[28:]]
	s.post(email, url.Values{"do": {"verify"}, "email": {"tanaka-2fa@example.jp"}, "code": {code}}).leads(t, "right code", cont)
	after := s.cookies["__Host-futakagi-flow-"+string(f.ID)[28:]]
	if before == after || after == "" {
		t.Error("the flow's cookie was not renewed")
	}
	// Back button, second tab and double click lead on, never back and never to an error.
	s.get(email).leads(t, "back to the form", cont)
	s.get(at("/signin/two-factor")).leads(t, "back to the choice", cont)
	s.post(email, url.Values{"do": {"send"}, "email": {"evil@example.com"}}).leads(t, "another address", cont)
	s.cookies["__Host-futakagi-flow-"+string(f.ID)[28:]] = before
	s.post(email, url.Values{"do": {"verify"}, "email": {"tanaka-2fa@example.jp"}, "code": {code}}).leads(t, "double click", cont)
	s.get(email).want(t, "former secret", 410)
	s.cookies["__Host-futakagi-flow-"+string(f.ID)[28:]] = after

	codes := at("/signin/backup-codes")
	p = s.get(codes)
	p.want(t, "codes", 200, "メール認証の設定が完了しました。")
	shown := regexp.MustCompile(`<li>([2-9A-Z-]{19})</li>`).FindAllStringSubmatch(p.body, -1)
	if len(shown) != 10 {
		t.Fatalf("%d codes shown, want 10", len(shown))
	}
	file := s.get(at("/signin/backup-codes.txt"))
	file.want(t, "file", 200, shown[0][1], shown[9][1], "tanaka")
	if ct := file.header.Get("Content-Type"); ct != "text/plain; charset=utf-8" {
		t.Errorf("file is %s", ct)
	}
	s.post(codes, nil).want(t, "not ticked", 422, "コードを保存し、チェックを入れてください。", shown[0][1])
	s.post(codes, url.Values{"saved": {"yes"}}).leads(t, "saved", cont)
	s.get(codes).leads(t, "codes again", cont)
	s.get(at("/signin/backup-codes.txt")).leads(t, "file again", cont)
}

func TestPagesOfTheChallenge(t *testing.T) {
	s := newSite(t)
	id, codes := s.enrolled("sato")
	f := s.signIn(id)
	at := func(path string) string { return path + "?flow=" + string(f.ID) }
	challenge := at("/signin/challenge")

	// I25: another site's redirect sends nothing; the page has a button for it.
	s.fetchSite = "cross-site"
	p := s.get(challenge)
	p.want(t, "from another site", 200, "認証コードを送信")
	if mails := s.mails(); len(mails) != 0 {
		t.Errorf("mails = %+v", mails)
	}
	s.fetchSite = "same-origin"
	p = s.get(challenge)
	p.want(t, "challenge", 200, "sa•••••@example.jp に認証コードを送信しました。", "別の方法で認証する", "バックアップコードを使う", `data-wait="60"`)
	if strings.Contains(p.body, "sato-2fa@example.jp") {
		t.Error("the whole address is shown")
	}
	code := s.code("sato-2fa@example.jp")
	s.get(challenge).want(t, "opened again", 200)
	if mails := s.mails(); len(mails) != 0 {
		t.Errorf("opening the page again sent %+v", mails)
	}
	s.post(challenge, url.Values{"do": {"resend"}}).want(t, "resend at once", 422, "60秒ほど待ってから")
	s.post(challenge, url.Values{"do": {"verify"}, "code": {""}}).want(t, "blank", 422, "認証コードを入力してください。")
	s.post(challenge, url.Values{"do": {"verify"}, "code": {"12345"}}).want(t, "five digits", 422, "認証コードは6桁の数字です。")
	for range 2 {
		p = s.post(challenge, url.Values{"do": {"verify"}, "code": {wrong(code)}})
		p.want(t, "wrong", 422, "認証コードが正しくないか、有効期限が切れています。")
	}
	if strings.Contains(p.body, "続けて間違えると") {
		t.Error("the warning comes too early")
	}
	s.post(challenge, url.Values{"do": {"verify"}, "code": {wrong(code)}}).want(t, "third", 422, "続けて間違えると、しばらく認証できなくなります。")
	s.post(challenge, url.Values{"do": {"verify"}, "code": {wrong(code)}})
	s.post(challenge, url.Values{"do": {"verify"}, "code": {wrong(code)}}).want(t, "fifth", 422, "このコードは使えなくなりました。")
	s.post(challenge, url.Values{"do": {"verify"}, "code": {code}}).leads(t, "sixth", challenge)
	s.get(challenge).want(t, "pause", 429, "認証の失敗が続いたため")
	s.post(challenge, url.Values{"do": {"resend"}}).leads(t, "resend during the pause", challenge)

	s.get(at("/signin/challenge/methods")).want(t, "methods", 200, "sa•••••@example.jp", "バックアップコード")
	backup := at("/signin/challenge/backup")
	s.get(backup).want(t, "backup", 200, "バックアップコードの入力")
	s.post(backup, url.Values{"code": {""}}).want(t, "blank", 422, "バックアップコードを入力してください。")
	p = s.post(backup, url.Values{"code": {"ZZZZ-ZZZZ-ZZZZ-ZZZZ"}})
	p.want(t, "wrong backup code", 422, "バックアップコードが正しくないか、すでに使われています。")
	if strings.Contains(p.body, "ZZZZ") {
		t.Error("the wrong code is filled in again")
	}
	s.post(backup, url.Values{"code": {codes[0]}}).leads(t, "backup code", at("/signin/continue"))
	s.get(challenge).leads(t, "challenge when proved", at("/signin/continue"))
	s.get(at("/signin/two-factor")).leads(t, "set-up when proved", at("/signin/continue"))
}

func TestStepsNeedTheBrowsersOwnFlow(t *testing.T) {
	s := newSite(t)
	id, _ := s.enrolled("sato")
	theirs := s.flow(id) // another browser's
	for _, path := range []string{
		"/signin/two-factor", "/signin/two-factor/email", "/signin/challenge", "/signin/challenge/methods",
		"/signin/challenge/backup", "/signin/backup-codes", "/signin/backup-codes.txt",
	} {
		s.get(path).want(t, path+" without a flow", 410)
		s.get(path+"?flow=nonsense").want(t, path+" with nonsense", 410)
		s.get(path+"?flow="+string(theirs.ID)).want(t, path+" of another browser", 410)
	}
	s.post("/signin/challenge?flow="+string(theirs.ID), url.Values{"do": {"resend"}}).
		leads(t, "post", "/signin/continue?flow="+string(theirs.ID))
	if mails := s.mails(); len(mails) != 0 {
		t.Errorf("mails = %+v", mails)
	}
	f := s.signIn(id)
	s.clock.pass(2 * time.Hour)
	s.get("/signin/challenge?flow="+string(f.ID)).want(t, "expired", 410)
}

func TestSelfServicePages(t *testing.T) {
	s := newSite(t)
	s.get("/account/security").leads(t, "without a session", "/signin/start?to=%2Faccount%2Fsecurity")
	id, _ := s.enrolled("sato")
	session := s.logIn(id, signin.Password, signin.Email)
	other := s.session(id, signin.Password, signin.Email)

	p := s.get("/account/security")
	p.want(t, "page", 200, "二要素認証は有効です", "sa•••••@example.jp", "残り10個", "設定", "ほかをすべて終了")
	if strings.Contains(p.body, "sato-2fa@example.jp") {
		t.Error("the whole address is shown")
	}

	email := "/account/security/email"
	s.get(email).want(t, "email", 200, "メールの設定", `value="sato-2fa@example.jp"`)
	s.post(email, url.Values{"do": {"send"}, "email": {"newmail@example.jp"}}).leads(t, "send", email)
	s.get(email).want(t, "sent", 200, "newmail@example.jp に認証コードを送信しました。")
	code := s.code("newmail@example.jp")
	s.post(email, url.Values{"do": {"verify"}, "email": {"newmail@example.jp"}, "code": {wrong(code)}}).want(t, "wrong", 422)
	token := s.cookies["__Host-futakagi"]
	s.post(email, url.Values{"do": {"verify"}, "email": {"newmail@example.jp"}, "code": {code}}).leads(t, "right", "/account/security")
	if s.cookies["__Host-futakagi"] == token {
		t.Error("the session's token was not renewed")
	}
	s.get("/account/security").want(t, "changed", 200, "メールアドレスを変更しました。", "ne•••••@example.jp")
	if !s.dead(other) {
		t.Error("the other session goes on")
	}

	// Codes that nobody saved wait to be shown; then they can be replaced.
	codes := "/account/security/backup-codes"
	s.get(codes).want(t, "unsaved codes", 200, `<ol class="codes"`)
	s.post(codes, url.Values{"saved": {"yes"}}).leads(t, "saved", "/account/security")
	s.get(codes).want(t, "confirm", 200)
	s.post(codes, nil).leads(t, "replace", codes)
	s.get(codes).want(t, "new codes", 200, "バックアップコードを再発行しました。")
	s.get("/account/security/backup-codes.txt").want(t, "file", 200, "sato")
	s.post(codes, nil).want(t, "not ticked", 422, "コードを保存し、チェックを入れてください。")
	s.post(codes, url.Values{"saved": {"yes"}}).leads(t, "saved", "/account/security")
	s.get("/account/security/backup-codes.txt").want(t, "file once saved", 404)

	another := s.session(id, signin.Password)
	s.post("/account/security/sessions/nonsense/end", nil).want(t, "nonsense", 404)
	s.post("/account/security/sessions/"+string(store.NewID[store.SessionID]())+"/end", nil).want(t, "unknown", 404)
	s.post("/account/security/sessions/"+string(another)+"/end", nil).leads(t, "end", "/account/security")
	s.post("/account/security/sessions/end-others", nil).leads(t, "end others", "/account/security")
	if !s.dead(another) || s.dead(session) {
		t.Error("wrong session ended")
	}

	s.clock.pass(6 * time.Minute)
	for _, path := range []string{email, codes, "/account/security/backup-codes.txt"} {
		s.get(path).leads(t, path+" when the proof is old", web.StartURL(path, true))
	}
	s.post(email, url.Values{"do": {"send"}, "email": {"x@example.jp"}}).leads(t, "post", web.StartURL(email, true))
	s.get("/account/security").want(t, "page itself", 200)
}

func TestFirstMethodFromSelfService(t *testing.T) {
	s := newSite(t)
	id := s.account("suzuki", "dont_use")
	s.logIn(id, signin.Password)
	s.get("/account/security").want(t, "page", 200, "二要素認証は設定されていません")
	s.get("/account/security/backup-codes").leads(t, "codes of nothing", "/account/security")
	email := "/account/security/email"
	s.post(email, url.Values{"do": {"verify"}, "email": {"a@example.jp"}, "code": {"123456"}}).want(t, "before sending", 422, "先に［送信］を")
	s.post(email, url.Values{"do": {"send"}, "email": {"suzuki-2fa@example.jp"}}).leads(t, "send", email)
	s.post(email, url.Values{"do": {"verify"}, "email": {"suzuki-2fa@example.jp"}, "code": {s.code("suzuki-2fa@example.jp")}}).
		leads(t, "verify", "/account/security/backup-codes")
	s.get("/account/security/backup-codes").want(t, "codes", 200, "メール認証の設定が完了しました。", `<ol class="codes"`)
}

func TestEnglishPages(t *testing.T) {
	s := newSite(t)
	f := s.signIn(s.account("tanaka", "use"))
	s.get("/signin/two-factor?flow="+string(f.ID)+"&lang=en").want(t, "choice", 200, `lang="en"`)
	s.post("/signin/two-factor?flow="+string(f.ID), nil).want(t, "error", 422, s.set.T(templates.En, templates.MsgMethodBlank))
}
