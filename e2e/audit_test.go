package e2e

import (
	"bytes"
	"testing"
	"time"

	"github.com/futakagi/futakagi/store"
)

// From an account to what happened to it, from there to its rows in the log, from a row to all of its request, and the file.
func TestI27_LogAndActivity(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.person(t, withEmail)
		c := w.browser(t)
		c.signIn(w.Addresses.Store, p)
		c.answerChallenge(p.mailbox())
		c.proof(p, byEmail)

		b := w.operator(t)
		b.openTwoFactor(p)
		b.open(b.url()[:len(b.url())-len("/two-factor")])
		b.press("利用状況")
		b.heading("利用状況")
		b.see("ログインしました", "二要素認証を完了しました", "認証コードを送信（メール）", "がトークンを受け取りました", "受付済み")
		b.press("監査ログ")
		b.on("/admin/audit")
		b.see("1つのアカウントの記録だけを表示しています。", "認証コード", "signin.factor")
		b.open(b.url() + "&result=refused")
		b.see("該当する記録はありません")
		b.open(w.Addresses.Provider + "/admin/audit?kind=signin&result=success&q=" + p.LoginID)
		b.hit("a[href*='request=']")
		b.see("signin.")
		if b.value("request") == "" {
			t.Error("the filter does not say which request")
		}

		// The file comes beside the page, and is written down.
		b.tap("CSVで出力")
		var wrote []store.SearchAuditEventsRow
		b.until("export", func() bool {
			var err error
			wrote, err = w.Server.DB.Read().SearchAuditEvents(t.Context(), store.SearchAuditEventsParams{
				Since: time.Unix(0, 0), BeforeAt: time.Now().Add(1000 * time.Hour), BeforeID: store.MaxID, TypePattern: "audit.export", PageSize: 9,
			})
			return err == nil && len(wrote) == 1
		})
		if len(wrote) == 1 && !bytes.Contains(wrote[0].AuditEvent.Data, []byte(`"csv"`)) {
			t.Errorf("the export left %s", wrote[0].AuditEvent.Data)
		}
		b.open(w.Addresses.Provider + "/admin/audit?kind=audit")
		b.see("監査ログを出力")
	})
}
