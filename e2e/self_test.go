package e2e

import (
	"regexp"
	"testing"
	"time"

	"github.com/futakagi/futakagi/store"
)

// withApp gives a person an authenticator app behind the methods they have.
func (w *world) withApp(t testing.TB, p person) {
	t.Helper()
	ctx, db := t.Context(), w.Server.DB
	acc, err := db.Read().GetAccountByLogin(ctx, store.GetAccountByLoginParams{Kind: p.Kind, LoginKey: p.LoginID})
	if err != nil {
		t.Fatal(err)
	}
	err = db.InTx(ctx, func(tx *store.Tx) error {
		factors, err := tx.ListFactors(ctx, acc.ID)
		if err != nil {
			return err
		}
		_, err = tx.UpsertFactor(ctx, store.UpsertFactorParams{
			ID: store.NewID[store.FactorID](), AccountID: acc.ID, Kind: "totp", Main: len(factors) == 0, Position: int64(len(factors)),
			Now: w.clock.now().UTC(),
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// undoLink waits for the mail that can undo a change of address.
func (w *world) undoLink(t testing.TB, to string) string {
	t.Helper()
	return w.linkTo(t, to, "/account/undo")
}

// A person orders and removes their methods, is refused the last one, and takes a change of address back from the former mailbox.
// Everything works without JavaScript, on a phone.
func TestSelfService_OrderRemovalAndUndo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		w.withApp(t, p)
		b := w.browser(t)
		b.noScript()
		b.resize(390)
		b.signIn(w.Addresses.MyPage, p)
		b.answerChallenge(p.mailbox())
		b.signedIn(w.Addresses.MyPage, p)
		b.openSecurity()

		// The app becomes the main one.
		b.press("順序を変更")
		b.heading("認証方式の順序")
		b.press("上へ（認証アプリ）")
		b.see("順序はまだ保存されていません。")
		if got := b.text("ol.rows"); !regexp.MustCompile(`認証アプリ メイン .*メール バックアップ`).MatchString(got) {
			t.Errorf("the page proposes %q", got)
		}
		b.press("更新")
		b.on("/account/security")
		b.see("認証方式の順序を変更しました。")
		if got := b.text("section ul.rows"); !regexp.MustCompile(`^認証アプリ メイン`).MatchString(got) {
			t.Errorf("methods are %q", got)
		}
		w.notice(t, p.mailbox(), "順序が変更されました")
		w.notice(t, p.RegisteredEmail, "順序が変更されました")

		// It goes again, and the mailbox is the main one.
		b.press("削除（認証アプリ）")
		b.heading("認証アプリを削除しますか？")
		b.see("メールがメインになります。")
		b.press("戻る")
		b.see("認証アプリ")
		b.press("削除（認証アプリ）")
		b.press("削除する")
		b.on("/account/security")
		b.see("認証方式を削除しました。", "メール", "メイン")
		w.notice(t, p.mailbox(), "方式が削除されました")

		// The last one stays.
		b.press("削除（メール）")
		b.heading("メールは削除できません")
		b.see("二要素認証が必須のため、最後の認証方式は削除できません。先に別の方式を設定してください。")
		b.miss("削除する")
		b.press("戻る")

		// The address is changed; whoever reads the former mailbox takes that back.
		fresh := "new-" + p.mailbox()
		b.press("設定（メール）")
		b.verify(b.sendCode(fresh))
		b.see("メールアドレスを変更しました。")
		link := w.undoLink(t, p.mailbox())
		owner := w.browser(t)
		owner.noScript()
		owner.resize(390)
		owner.open(link)
		owner.heading("メールアドレスの変更を取り消しますか？")
		owner.miss(fresh, p.mailbox())
		owner.press("変更を取り消す")
		owner.on("/account/undo/done")
		owner.see("変更を取り消しました", "すぐにパスワードを変更してください。")
		w.notice(t, fresh, "変更が取り消されました")
		w.notice(t, p.RegisteredEmail, "変更が取り消されました")

		b.open(w.Addresses.Provider + "/account/security")
		b.on("/signin")
		owner.open(link)
		owner.heading("このリンクは使えません")
		if got := owner.status(); got != 404 {
			t.Errorf("a used link answers %d", got)
		}

		// The owner signs in with the code at the former address, and sees what happened.
		owner.press("マイページへ")
		owner.signIn(w.Addresses.MyPage, p)
		owner.answerChallenge(p.mailbox())
		owner.openSecurity()
		owner.see("メールアドレスの変更を取り消しました", "認証方式を削除しました", "認証方式の順序を変更しました")
	})
}

// Staff changes the registered address: the person reads that codes still go where they went, here and by mail.
func TestSelfService_Drift(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		w.clock.advance(time.Minute)
		desk := w.operator(t)
		desk.openAccount(p)
		moved := "moved-" + p.RegisteredEmail
		desk.fill("email", moved)
		desk.press("更新")
		desk.see("更新しました。")
		w.notice(t, moved, "登録メールアドレスが変更されました")
		w.notice(t, p.mailbox(), "登録メールアドレスが変更されました")

		b := w.browser(t)
		b.signIn(w.Addresses.MyPage, p)
		b.answerChallenge(p.mailbox())
		b.openSecurity()
		b.see("登録メールアドレスが変更されています")
		b.miss(moved)
		b.press("設定（メール）")
		b.verify(b.sendCode(moved))
		b.miss("登録メールアドレスが変更されています")

		// The operator finds the same page from the console.
		desk.hit("a.topbar__user")
		desk.on("/admin/security")
		desk.heading("セキュリティ設定")
	})
}
