package mfa_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

func TestPagesOfTheOrder(t *testing.T) {
	s := newSite(t)
	id, _ := s.enrolled("sato")
	s.logIn(id, signin.Password, signin.Email)
	const base, order = "/account/security", "/account/security/order"
	if p := s.get(base); strings.Contains(p.body, order) {
		t.Error("one method can be ordered")
	}
	s.with(id, signin.TOTP, "")
	s.with(id, signin.Passkey, "")
	s.get(base).want(t, "security", 200, "順序を変更", `href="`+order+`"`)

	p := s.get(order)
	p.want(t, "order", 200, "認証方式の順序", "いちばん上がメインです。", "sa•••••@example.jp", `value="email.totp.passkey"`,
		`href="`+order+`?order=totp.email.passkey"`, `href="`+order+`?order=email.passkey.totp"`)
	// A link proposes; nothing has changed.
	p = s.get(order + "?order=totp.email.passkey")
	p.want(t, "proposal", 200, `value="totp.email.passkey"`, "順序はまだ保存されていません。")
	if got := s.order(id); got != "email totp passkey" {
		t.Errorf("a link changed the order to %s", got)
	}
	for _, nonsense := range []string{"totp.email", "totp.totp.email", "totp.email.passkey.sms", "a.b.c", "totp..email", ".", "totp,email,passkey", "パスキー"} {
		s.get(order+"?order="+url.QueryEscape(nonsense)).want(t, "link "+nonsense, 200, `value="email.totp.passkey"`)
		p := s.post(order, url.Values{"order": {nonsense}})
		p.want(t, "form "+nonsense, 422, "エラー：", "設定済みの認証方式が変わりました。", `value="email.totp.passkey"`)
	}
	s.post(order, nil).want(t, "blank", 422)
	s.post(order, url.Values{"order": {"totp.email.passkey", "email.totp.passkey"}}).want(t, "twice", 400)

	token := s.cookies["__Host-futakagi"]
	s.post(order, url.Values{"order": {"totp.email.passkey"}}).leads(t, "update", base)
	if s.cookies["__Host-futakagi"] == token {
		t.Error("the session's token was not renewed")
	}
	s.get(base).want(t, "changed", 200, "認証方式の順序を変更しました。")
	s.post(order, url.Values{"order": {"totp.email.passkey"}}).leads(t, "the same again", base)
	if got := s.order(id); got != "totp email passkey" {
		t.Errorf("order is %s", got)
	}

	// An old proof is renewed first, and what was chosen waits behind it.
	s.clock.pass(6 * time.Minute)
	s.get(order).leads(t, "old proof", web.StartURL(order, true))
	s.post(order, url.Values{"order": {"email.totp.passkey"}}).
		leads(t, "post with an old proof", web.StartURL(order+"?order=email.totp.passkey", true))
	s.post(order, url.Values{"order": {`"><script>`}}).leads(t, "nonsense with an old proof", web.StartURL(order, true))

	bare := s.account("suzuki", "dont_use")
	s.logIn(bare, signin.Password)
	s.get(order).leads(t, "nothing to order", base)
}

func TestPagesOfTheRemoval(t *testing.T) {
	s := newSite(t)
	id, _ := s.enrolled("sato")
	s.with(id, signin.TOTP, "")
	s.logIn(id, signin.Password, signin.Email)
	const base, email, totp = "/account/security", "/account/security/email/remove", "/account/security/totp/remove"
	s.get(base).want(t, "security", 200, `href="`+email+`"`, `href="`+totp+`"`, "削除")

	s.get(email).want(t, "main", 200, "メールを削除しますか？", "sa•••••@example.jp", "認証アプリがメインになります。", "この端末以外からログアウトします。", "btn--danger", "削除する")
	p := s.get(totp)
	p.want(t, "backup", 200, "認証アプリを削除しますか？")
	if strings.Contains(p.body, "がメインになります。") || s.order(id) != "email totp" {
		t.Error("the page of the other method says or does too much")
	}
	for _, path := range []string{"sms", "backup", "password", "telepathy", "sessions"} {
		s.get(base+"/"+path+"/remove").want(t, path, 404)
	}
	s.post(base+"/telepathy/remove", nil).want(t, "unknown", 404)
	s.post(base+"/sms/remove", nil).leads(t, "not set up", base)

	token := s.cookies["__Host-futakagi"]
	s.post(totp, nil).leads(t, "remove", base)
	if s.cookies["__Host-futakagi"] == token {
		t.Error("the session's token was not renewed")
	}
	s.get(base).want(t, "removed", 200, "認証方式を削除しました。")
	s.post(totp, nil).leads(t, "pressed twice", base)

	const reason = "二要素認証が必須のため、最後の認証方式は削除できません。先に別の方式を設定してください。"
	p = s.get(email)
	p.want(t, "last", 200, "メールは削除できません", reason)
	if strings.Contains(p.body, "btn--danger") {
		t.Error("the page offers what it refuses")
	}
	s.post(email, nil).want(t, "last all the same", 422, "エラー：", reason)
	if got := s.order(id); got != "email" {
		t.Errorf("left are %q", got)
	}
	s.clock.pass(6 * time.Minute)
	s.get(email).leads(t, "old proof", web.StartURL(email, true))
	s.post(email, nil).leads(t, "post with an old proof", web.StartURL(email, true))

	free := s.account("suzuki", "dont_use")
	s.with(free, signin.TOTP, "")
	s.logIn(free, signin.Password, signin.TOTP)
	s.get(totp).want(t, "last of a person who may", 200, "パスワードだけでログインするようになります。", "削除する")
	s.post(totp, nil).leads(t, "remove it", base)
	s.get(base).want(t, "nothing left", 200, "二要素認証は設定されていません")
}

func TestPagesOfTheUndo(t *testing.T) {
	s := newSite(t)
	id, _ := s.enrolled("sato")
	session := s.logIn(id, signin.Password, signin.Email)
	ticket := s.change(session, "newmail@example.jp")
	s.cookies = map[string]string{} // it is somebody else's browser
	link := "/account/undo?ticket=" + ticket

	s.fetchSite = "cross-site" // from a mail program in the browser
	p := s.get(link)
	p.want(t, "page", 200, "メールアドレスの変更を取り消しますか？", "sato", "sa•••••@example.jp", "ne•••••@example.jp", "変更を取り消す",
		`name="ticket" value="`+ticket+`"`, `action="/account/undo"`)
	for _, whole := range []string{"sato-2fa@", "newmail@", "sato@example.jp"} {
		if strings.Contains(p.body, whole) {
			t.Errorf("the page shows %s", whole)
		}
	}
	if p.header.Get("Referrer-Policy") != "no-referrer" || p.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers = %v", p.header)
	}
	s.get(link+"&lang=en").want(t, "page in English", 200, "Undo the change of email address?")
	s.cookies = map[string]string{}
	if got := s.factor(id).Address; got != "newmail@example.jp" {
		t.Fatalf("looking at it made the address %s", got)
	}

	// Whatever is wrong with a link, there is one answer.
	s.fetchSite = "same-origin"
	other, _ := web.NewToken()
	reference := ""
	for name, p := range map[string]page{
		"unknown":   s.get("/account/undo?ticket=" + other),
		"blank":     s.get("/account/undo?ticket="),
		"none":      s.get("/account/undo"),
		"two":       s.get(link + "&ticket=" + other),
		"cut":       s.get("/account/undo?ticket=" + ticket[:20]),
		"post":      s.post("/account/undo", url.Values{"ticket": {other}}),
		"post cut":  s.post("/account/undo", url.Values{"ticket": {ticket[1:]}}),
		"post none": s.post(link, nil), // the form has it, not the address
	} {
		p.want(t, name, http.StatusNotFound, "このリンクは使えません", "有効期限が切れているか")
		body := plainError(p)
		if reference == "" {
			reference = body
		}
		if diff := cmp.Diff(reference, body); diff != "" {
			t.Errorf("%s differs:\n%s", name, diff)
		}
		if strings.Contains(p.body, "sato") || strings.Contains(p.body, "•••••") {
			t.Errorf("%s tells something", name)
		}
	}

	s.post("/account/undo", url.Values{"ticket": {ticket}}).leads(t, "undo", "/account/undo/done")
	s.post("/account/undo", url.Values{"ticket": {ticket}}).leads(t, "pressed twice", "/account/undo/done")
	s.get("/account/undo/done").want(t, "what to do next", 200, "変更を取り消しました", "すぐにパスワードを変更してください。", "ご契約の事業者に", `href="/account/security"`)
	if got := s.factor(id).Address; got != "sato-2fa@example.jp" || !s.dead(session) {
		t.Errorf("address is %s", got)
	}
	if diff := cmp.Diff(reference, plainError(s.get(link))); diff != "" {
		t.Errorf("a used link differs:\n%s", diff)
	}
	s.clock.pass(time.Minute)
	if diff := cmp.Diff(reference, plainError(s.post("/account/undo", url.Values{"ticket": {ticket}}))); diff != "" {
		t.Errorf("posting a used link differs:\n%s", diff)
	}
}

// plainError is an error page without what differs between any two requests.
func plainError(p page) string {
	body := p.body
	for _, mark := range []string{`id="ref">`, `href="`} {
		parts := strings.Split(body, mark)
		for i, part := range parts[1:] {
			_, rest, _ := strings.Cut(part, map[bool]string{true: "<", false: `"`}[mark == `id="ref">`])
			parts[i+1] = rest
		}
		body = strings.Join(parts, mark)
	}
	return body
}

func TestDriftOnTheSecurityPage(t *testing.T) {
	s := newSite(t)
	id, _ := s.enrolled("sato")
	s.logIn(id, signin.Password, signin.Email)
	if p := s.get("/account/security"); strings.Contains(p.body, "登録メールアドレスが変更されています") {
		t.Error("drift although nothing was changed")
	}
	s.clock.pass(time.Minute)
	s.tx(func(tx *store.Tx) error {
		_, err := tx.UpdateAccountProfile(t.Context(), store.UpdateAccountProfileParams{
			DisplayName: "sato", SearchKey: "sato", Role: "buyer", RegisteredEmail: "moved@example.com", Now: s.clock.now(), ID: id,
		})
		return err
	})
	p := s.get("/account/security")
	p.want(t, "drift", 200, "notice--warn", "登録メールアドレスが変更されています", "これまでどおり sa•••••@example.jp に届きます。")
	if strings.Contains(p.body, "moved@") || strings.Contains(p.body, "@example.com") {
		t.Error("one address tells the other")
	}
}

func TestActivitiesOnTheSecurityPage(t *testing.T) {
	s := newSite(t)
	id, _ := s.enrolled("sato")
	s.logIn(id, signin.Password, signin.Email)
	const windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	acc := s.row(id)
	for _, e := range []struct {
		origin audit.Origin
		event  audit.Event
	}{
		{audit.Origin{Address: "192.0.2.24", UserAgent: windows}, audit.Event{Type: audit.SignInComplete, Result: audit.Success, Actor: audit.OfAccount(acc), Account: id}},
		{audit.Origin{Address: "198.51.100.7"}, audit.Event{Type: audit.SignInFactor, Result: audit.Failure, Actor: audit.OfAccount(acc), Account: id}},
		{audit.Origin{Address: "203.0.113.10", UserAgent: "Mozilla/5.0 (Macintosh) Firefox/140.0"}, audit.Event{
			Type: audit.AccountUpdate, Result: audit.Success, Actor: audit.Actor{Kind: audit.ByOperator, ID: string(store.NewID[store.AccountID]()), Name: "support"}, Account: id,
		}},
	} {
		s.tx(func(tx *store.Tx) error {
			return audit.Write(audit.WithOrigin(t.Context(), e.origin), tx, s.clock.now(), e.event)
		})
	}
	p := s.get("/account/security")
	p.want(t, "activities", 200, "ログインしました", "/ Windows の Chrome / 192.0.2.24", "認証コードの入力に失敗しました", "198.51.100.7",
		"アカウント情報を更新しました", "事業者による操作")
	for _, staff := range []string{"203.0.113.10", "Firefox", "macOS", "support"} {
		if strings.Contains(p.body, staff) {
			t.Errorf("the page tells the customer about staff: %s", staff)
		}
	}
	s.get("/account/security?lang=en").want(t, "activities in English", 200, "Signed in", "/ Chrome on Windows / 192.0.2.24", "By your provider")
}

func TestMethodsOnTheSecurityPage(t *testing.T) {
	s := newSite(t)
	id, _ := s.enrolled("sato")
	s.close(s.with(id, signin.TOTP, ""))
	s.logIn(id, signin.Password, signin.Email)
	p := s.get("/account/security")
	p.want(t, "methods", 200, "利用停止中", `href="/account/security/password"`)
	if strings.Index(p.body, ">メール ") > strings.Index(p.body, ">認証アプリ ") {
		t.Error("the methods are not in the order they are offered in")
	}
	if !strings.Contains(p.body, `href="/account/security/totp/remove"`) {
		t.Error("the closed method cannot be removed")
	}
	if o, err := s.Overview(t.Context(), s.session(id, signin.Password)); err != nil || len(o.Methods) < 2 || o.Methods[0] != signin.Email || o.Methods[1] != signin.TOTP {
		t.Errorf("methods = %v, %v", o.Methods, err)
	}
}
