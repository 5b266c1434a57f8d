package e2e

import (
	"testing"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/demo"
)

// fixture is one of the demo's own accounts.
func fixture(t *testing.T, id string) person {
	t.Helper()
	for _, a := range demo.Accounts() {
		if a.LoginID == id {
			return person{Account: a}
		}
	}
	t.Fatalf("the demo has no account %s", id)
	return person{}
}

// The case the product was born from: the mailbox of a customer's second factor dies, staff press 認証設定初期化, the customer
// sets up a new one alone, and the next time changes it without anybody's help.
func TestStory_MailboxDies(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		tanaka := fixture(t, "tanaka")
		const first, second, third = "tanaka-old@example.jp", "tanaka-new@example.jp", "tanaka-newest@example.jp"

		customer := w.browser(t)
		customer.signIn(w.Addresses.Store, tanaka)
		customer.setUpEmail(first)
		customer.proof(tanaka, byEmail)

		// The next day the code goes where nobody reads it, and the backup codes are lost.
		customer = w.browser(t)
		customer.signIn(w.Addresses.Store, tanaka)
		customer.on("/signin/challenge")
		w.code(t, first)
		customer.press("別の方法で認証する")
		customer.tap("どの方法も使えない場合")
		customer.see("ご契約の事業者にご連絡ください。本人確認のうえ、認証設定を初期化します。")

		// The support desk may do it.
		desk := fixture(t, "support")
		if desk.Kind != account.KindOperator {
			t.Fatal("support is no operator")
		}
		staff := w.staff(t, desk)
		staff.openTwoFactor(tanaka)
		staff.see(first)
		staff.reset(tanaka, "メールアドレス変更のため（問い合わせ番号 12345）")
		w.notice(t, first, "二要素認証の設定が初期化されました")
		w.notice(t, tanaka.RegisteredEmail, "二要素認証の設定が初期化されました")

		// Thirty seconds for the customer.
		customer = w.browser(t)
		customer.signIn(w.Addresses.Store, tanaka)
		customer.setUpEmail(second)
		customer.proof(tanaka, byEmail)
		staff.openTwoFactor(tanaka)
		staff.see("認証済み", second, "バックアップコード認証（10個利用可能）")
		staff.miss(first)

		// And alone, in My Page.
		customer.follow(w.Addresses.MyPage, tanaka)
		customer.changeEmail(third)
		w.notice(t, second, "二要素認証のメールアドレスが変更されました")
		staff.reload()
		staff.see(third)
		customer = w.browser(t)
		customer.signIn(w.Addresses.Store, tanaka)
		customer.answerChallenge(third)
		customer.proof(tanaka, byEmail)

		// A provable event for everybody else.
		staff.open(w.Addresses.Provider + "/admin/audit?q=tanaka")
		staff.see("認証設定を初期化", "メールアドレス変更のため（問い合わせ番号 12345）", "二要素認証を設定", "認証方式を変更", desk.Name)
	})
}
