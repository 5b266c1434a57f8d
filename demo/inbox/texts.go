package inbox

import "github.com/futakagi/futakagi/demo/page"

var texts = page.Texts{
	"site.name":   {JA: "受信箱", EN: "Inbox"},
	"inbox.title": {JA: "届いたメッセージ", EN: "Messages received"},
	"inbox.lead": {
		JA: "お試し用のメールサーバーに届いたメールと、お試し用のゲートウェイに届いたSMSが、宛先にかかわらずすべてここに並びます。",
		EN: "Every mail and text message that reaches the demo's own servers is listed here, whoever it is for.",
	},
	"inbox.to":     {JA: "宛先で絞り込む", EN: "Only messages to"},
	"inbox.filter": {JA: "絞り込む", EN: "Filter"},
	"inbox.all":    {JA: "すべて表示", EN: "Show all"},
	"inbox.reload": {JA: "更新", EN: "Refresh"},
	"inbox.clear":  {JA: "すべて削除", EN: "Delete all"},
	"inbox.count":  {JA: "%d件", EN: "Messages: %d"},
	"inbox.empty":  {JA: "メッセージはまだ届いていません。", EN: "No messages yet."},
	"inbox.list":   {JA: "メッセージ一覧", EN: "Message list"},
	"mail.email":   {JA: "メール", EN: "Email"},
	"mail.sms":     {JA: "SMS", EN: "SMS"},
	"mail.to":      {JA: "宛先：", EN: "To: "},
	"mail.code":    {JA: "認証コード", EN: "Code"},
	"mail.html":    {JA: "HTML形式で表示", EN: "Show as HTML"},
	"mail.blank":   {JA: "（件名なし）", EN: "(no subject)"},
}
