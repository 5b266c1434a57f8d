package e2e

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/store"
)

// accountID is the id of a person's row.
func (w *world) accountID(t testing.TB, p person) store.AccountID {
	t.Helper()
	row, err := w.Server.DB.Read().GetAccountByLogin(t.Context(), store.GetAccountByLoginParams{Kind: p.Kind, LoginKey: p.LoginID})
	if err != nil {
		t.Fatal(err)
	}
	return row.ID
}

// seed adds factors behind those a person has, as if they had been set up; a factor of kind passkey stands for two keys. They are
// there to be looked at and taken away: nothing can be proved with them.
func (w *world) seed(t testing.TB, p person, kinds ...string) {
	t.Helper()
	ctx, id := t.Context(), w.accountID(t, p)
	err := w.Server.DB.InTx(ctx, func(tx *store.Tx) error {
		factors, err := tx.ListFactors(ctx, id)
		if err != nil {
			return err
		}
		now := w.clock.now().UTC()
		for i, kind := range kinds {
			f, err := tx.UpsertFactor(ctx, store.UpsertFactorParams{
				ID: store.NewID[store.FactorID](), AccountID: id, Kind: kind, Address: map[string]string{"sms": "+819012345634"}[kind],
				Main: len(factors)+i == 0, Position: int64(len(factors) + i), Now: now,
			})
			if err != nil {
				return err
			}
			for n, name := range []string{"会社のノートPC", "予備の鍵"} {
				key := store.NewID[store.PasskeyID]()
				row := store.InsertPasskeyParams{ID: key, AccountID: id, FactorID: f.ID, CredentialID: []byte(key), Record: []byte("x"), Name: name, Now: now}
				if n == 0 {
					row.LastUsedAt = &now
				}
				if kind != "passkey" {
					continue
				}
				if err := tx.InsertPasskey(ctx, row); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// trust adds browsers that a person is not asked for a code in.
func (w *world) trust(t testing.TB, p person, names ...string) {
	t.Helper()
	ctx, id := t.Context(), w.accountID(t, p)
	err := w.Server.DB.InTx(ctx, func(tx *store.Tx) (err error) {
		acc, err := tx.GetAccount(ctx, id)
		for _, name := range names {
			device, now := store.NewID[store.DeviceID](), w.clock.now().UTC()
			err = errors.Join(err, tx.InsertTrustedDevice(ctx, store.InsertTrustedDeviceParams{
				ID: device, AccountID: id, CredentialEpoch: acc.CredentialEpoch, Name: name, SecretHash: []byte(device), Method: "email", Now: now,
				ExpiresAt: now.Add(30 * 24 * time.Hour),
			}))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// accept makes a surface accept factors of some kinds for the rest of a test, without the console; none named: of all.
func (w *world) accept(t testing.TB, surface string, kinds ...string) {
	t.Helper()
	set := func(ctx context.Context, methods string, level, days int64) store.Surface {
		t.Helper()
		var former store.Surface
		err := w.Server.DB.InTx(ctx, func(tx *store.Tx) (err error) {
			if former, err = tx.HoldSurface(ctx, surface); err != nil {
				return err
			}
			_, err = tx.SetSurfaceMethods(ctx, store.SetSurfaceMethodsParams{
				ID: surface, Version: former.UpdatedAt, AllowedMethods: methods, SecondLevel: level, TrustDays: days, Now: w.clock.now().UTC(),
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return former
	}
	s, err := w.Server.DB.Read().GetSurface(t.Context(), surface)
	if err != nil {
		t.Fatal(err)
	}
	former := set(t.Context(), strings.Join(kinds, " "), s.SecondLevel, s.TrustDays)
	t.Cleanup(func() {
		set(context.WithoutCancel(t.Context()), former.AllowedMethods, former.SecondLevel, former.TrustDays)
	})
}

// resetOne presses the link of one method, answers the dialog, and goes back from the result to the account. It returns what the
// result said.
func (b *tab) resetOne(p person, method, reason string) string {
	b.t.Helper()
	b.press(method + "だけを初期化")
	b.heading(p.Name + "さんの" + method + "を初期化しますか？")
	b.fill("reason", reason)
	b.choose("identity", "yes")
	b.press("初期化する")
	return b.leaveResult()
}

// One factor is reset: the others stay, the next one becomes the main one, and the last one takes everything with it.
func TestM08_ResetOfOneFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		w.seed(t, p, "sms", "passkey")
		w.trust(t, p, "Chrome / Windows")
		session := w.browser(t)
		session.signIn(w.Addresses.Store, p)
		session.answerChallenge(p.mailbox())
		session.proof(p, byEmail)

		b := w.operator(t)
		b.openTwoFactor(p)
		b.press("パスキーだけを初期化")
		b.see("パスキーの設定が削除されます。", "登録済みのパスキー（2件）がすべて削除されます。", "認証コードを要求しない端末がすべて解除されます。")
		b.miss("次のメイン")
		if n := strings.Count(b.text("main"), p.mailbox()); n != 1 {
			t.Errorf("the mailbox is named %d times, want once: it gets a notice and stays", n)
		}
		b.press("初期化する")
		b.see("初期化の理由を入力してください。", "ご本人からの依頼であることを確認してください。")
		if b.status() != 422 {
			t.Errorf("an empty dialog answers %d", b.status())
		}
		b.press("戻る")
		if said := b.resetOne(p, "パスキー", "鍵を紛失"); !strings.Contains(said, "認証方式を初期化しました") || !strings.Contains(said, "ほかの認証方式は、そのまま使えます。") {
			t.Errorf("the result says %q", said)
		}
		if got, want := b.block("backup"), "バックアップコード認証（10個利用可能）SMS認証認証済み"; !strings.HasPrefix(got, want) {
			t.Errorf("バックアップ %q, want %q", got, want)
		}
		if got := b.block("devices"); got != "登録済みの端末はありません。" {
			t.Errorf("認証コードを要求しない端末 %q", got)
		}
		w.notice(t, p.mailbox(), "二要素認証の設定が初期化されました")
		if said := w.notice(t, p.RegisteredEmail, "二要素認証の設定が初期化されました").Text; !strings.Contains(said, "認証方式：パスキー") || !strings.Contains(said, "ほかの認証方式は、そのまま使えます。") {
			t.Errorf("the notice says %q", said)
		}
		// The session is over, and the mailbox still opens the next one.
		session.open(w.Addresses.Provider + "/account/security")
		session.on("/signin")
		c := w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.answerChallenge(p.mailbox())
		c.proof(p, byEmail)

		// The main one goes.
		b.press("メールだけを初期化")
		b.see("次のメインはSMSになります。", p.mailbox())
		b.press("戻る")
		b.resetOne(p, "メール", "アドレス変更")
		if got := b.block("main"); !strings.HasPrefix(got, "SMS認証済み") || !strings.HasSuffix(got, "（09012345634）") {
			t.Errorf("メイン %q", got)
		}
		b.miss(p.mailbox(), "だけを初期化")

		// The last one goes, and the codes with it.
		b.open(b.url() + "/reset/sms")
		b.see("最後の認証方式のため", "10個利用可能")
		b.fill("reason", "最後")
		b.choose("identity", "yes")
		b.press("初期化する")
		if said := b.leaveResult(); !strings.Contains(said, "次回ログイン時に、お客様が認証方式を設定します。") {
			t.Errorf("the result says %q", said)
		}
		c = w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.setUpEmail("new-" + p.mailbox())
		c.proof(p, byEmail)

		// One that is not there.
		b.open(b.url() + "/reset/totp")
		b.see("認証アプリは設定されていません", "初期化しても何も変わりません。")
		b.open(w.Addresses.Provider + "/admin/audit?q=" + p.LoginID)
		b.see("パスキー 鍵を紛失", "メール アドレス変更", "SMS 最後")
	})
}

// Staff take trust away from one browser, or from all of them after a question.
func TestM07_DevicesAreRemoved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		w.trust(t, p, "Chrome / Windows", "Safari / iPhone", "Firefox / Linux")
		b := w.operator(t)
		b.openTwoFactor(p)
		b.press("解除（iPhone の Safari）")
		b.see("端末を解除しました。次回のログインから認証コードを要求します。")
		if got := b.block("devices"); strings.Contains(got, "Safari") || !strings.Contains(got, "WindowsのChrome") || !strings.Contains(got, "LinuxのFirefox") {
			t.Errorf("認証コードを要求しない端末 %q", got)
		}
		b.press("すべて解除")
		b.heading(p.Name + "さんの端末をすべて解除しますか？")
		b.see("Windows の Chrome", "Linux の Firefox", "次回のログインから、これらの端末でも認証コードを要求します")
		b.press("戻る")
		b.press("すべて解除")
		b.press("解除する")
		b.see("端末をすべて解除しました。")
		if got := b.block("devices"); got != "登録済みの端末はありません。" {
			t.Errorf("認証コードを要求しない端末 %q", got)
		}
		b.see(p.mailbox(), "10個利用可能") // the rest stays
		b.open(w.Addresses.Provider + "/admin/audit?kind=device&q=" + p.LoginID)
		b.see("認証コードを要求しない端末を解除", "Safari / iPhone", "すべて")
	})
}

// システム設定 → 認証方式: what a surface accepts, with a confirmation that says who would be stopped.
func TestMethodsOfASurface(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.accept(t, "store") // puts back what this test leaves
		w.seed(t, w.person(t), "sms")
		enrolled := w.person(t, withEmail)
		b := w.operator(t)
		b.press("二要素認証設定")
		b.press("使える認証方式を設定")
		b.on("/admin/settings/methods")
		b.heading("認証方式")
		b.see("管理画面", "ストア画面", "認証アプリ、SMS、メール、パスキー", "標準", "30日間", "提供しない")
		b.press("変更（ストア画面）")
		b.heading("ストア画面の認証方式")
		for _, kind := range []string{"totp", "sms", "email", "passkey"} {
			if got := b.state("allow-"+kind, "yes"); got != "on" {
				t.Errorf("%s is %s", kind, got)
			}
			b.choose("allow-"+kind, "yes")
		}
		b.press("確認")
		b.see("使える認証方式を1つ以上選択してください。")
		if b.status() != 422 {
			t.Errorf("no method at all answers %d", b.status())
		}
		b.choose("allow-email", "yes")
		b.choose("level", "2fa")
		b.press("確認")
		b.see("選択した認証方式では、求める安全性に達しません。")
		b.choose("level", "2fa-email")
		js[any](b, `document.getElementById("days").value = "7"`)
		b.press("確認")
		b.heading("変更内容の確認")
		b.see("認証アプリ、SMS、メール、パスキー", "メール", "標準 （変更なし）", "30日間", "7日間", "件のアカウントで、使える認証方式がなくなります")
		// Nothing is saved before 更新.
		c := w.browser(t)
		c.signIn(w.Addresses.Store, w.person(t))
		c.on("/signin/two-factor")
		b.press("更新")
		b.on("/admin/settings/methods")
		b.see("システム設定を更新しました。", "7日間")

		// It holds for the next step: nothing but mail is offered, and whoever has it signs in.
		c = w.browser(t)
		newcomer := w.person(t)
		c.signIn(w.Addresses.Store, newcomer)
		c.on("/signin/two-factor")
		for _, kind := range []string{"totp", "sms", "passkey"} {
			if got := c.state("method", kind); got == "on" || got == "off" {
				t.Errorf("%s can still be chosen", kind)
			}
		}
		c.setUpEmail(newcomer.mailbox())
		c.proof(newcomer, byEmail)
		c = w.browser(t)
		c.signIn(w.Addresses.Store, enrolled)
		c.answerChallenge(enrolled.mailbox())
		c.proof(enrolled, byEmail)

		// A colleague's page that still shows how it was changes nothing.
		colleague := w.operator(t)
		colleague.open(w.Addresses.Provider + "/admin/settings/methods/store")
		b.press("変更（ストア画面）")
		js[any](b, `document.getElementById("days").value = "0"`)
		b.press("確認")
		b.press("更新")
		js[any](colleague, `document.getElementById("days").value = "14"`)
		colleague.press("確認")
		colleague.see("ほかの担当者が更新しました。最新の内容を確認してください。")
		if got := colleague.value("days"); colleague.status() != 422 || got != "14" {
			t.Errorf("a stale page answers %d and shows %s days", colleague.status(), got)
		}
		colleague.open(w.Addresses.Provider + "/admin/audit?kind=settings")
		colleague.see("認証方式の設定を変更", "認証アプリ、SMS、メール、パスキー → メール", "30 → 7日間", "7 → 0日間")

		// The console trusts no device, whatever is set.
		colleague.open(w.Addresses.Provider + "/admin/settings/methods/admin")
		colleague.see("管理画面では提供しません。")
		if got := colleague.value("days"); got != "(no such field)" {
			t.Errorf("the console's form has days: %s", got)
		}
	})
}
