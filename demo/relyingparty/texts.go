package relyingparty

import (
	"maps"

	"github.com/futakagi/futakagi/demo/page"
)

// textsOf is the catalogue of one site.
func textsOf(k Kind) page.Texts {
	all := maps.Clone(texts)
	all["site.name"] = texts["site."+string(k)]
	return all
}

var texts = page.Texts{
	"site.store":  {JA: "Aoba ストア", EN: "Aoba Store"},
	"site.mypage": {JA: "Aoba マイページ", EN: "Aoba My Page"},

	"nav.label":  {JA: "サイト", EN: "Sites"},
	"nav.store":  {JA: "ストア", EN: "Store"},
	"nav.mypage": {JA: "マイページ", EN: "My Page"},
	"nav.member": {JA: "会員情報", EN: "Member information"},
	"nav.inbox":  {JA: "受信箱", EN: "Inbox"},

	"act.login":   {JA: "ログイン", EN: "Sign in"},
	"act.logout":  {JA: "ログアウト", EN: "Sign out"},
	"act.refresh": {JA: "トークンを更新", EN: "Refresh tokens"},
	"act.stepup":  {JA: "二要素認証で確認する", EN: "Verify with a second factor"},
	"act.home":    {JA: "トップページへ", EN: "To the front page"},
	"act.again":   {JA: "もう一度ログインする", EN: "Sign in again"},

	"store.title":    {JA: "オフィスの定期便", EN: "Office supplies by subscription"},
	"store.lead":     {JA: "毎月使うものを、毎月届けます。ログインすると、ご契約の価格で注文できます。", EN: "What you use every month, delivered every month. Sign in to order at your contract prices."},
	"store.goods":    {JA: "商品", EN: "Products"},
	"store.hello":    {JA: "%sさん、こんにちは", EN: "Hello, %s"},
	"store.signedin": {JA: "ログイン中", EN: "Signed in"},
	"good.coffee":    {JA: "コーヒー豆 1kg", EN: "Coffee beans, 1 kg"},
	"good.coffee.d":  {JA: "深煎り。毎月第1営業日にお届けします。", EN: "Dark roast. Delivered on the first working day of each month."},
	"good.paper":     {JA: "コピー用紙 A4 2,500枚", EN: "A4 copy paper, 2,500 sheets"},
	"good.paper.d":   {JA: "在庫が減るころに自動でお届けします。", EN: "Delivered automatically before you run out."},
	"good.cloud":     {JA: "クラウドバックアップ 100GB", EN: "Cloud backup, 100 GB"},
	"good.cloud.d":   {JA: "1アカウントあたりの月額料金です。", EN: "Monthly price per account."},

	"mypage.title":      {JA: "マイページ", EN: "My Page"},
	"mypage.lead":       {JA: "ご契約と会員情報を確認できます。ログインしてください。", EN: "See your contracts and your details. Sign in to continue."},
	"mypage.menu":       {JA: "メニュー", EN: "Menu"},
	"member.title":      {JA: "会員情報", EN: "Member information"},
	"member.basic":      {JA: "基本情報", EN: "Your details"},
	"member.name":       {JA: "お名前", EN: "Name"},
	"member.login":      {JA: "ログインID", EN: "Login ID"},
	"member.email":      {JA: "登録メールアドレス", EN: "Registered email address"},
	"member.none":       {JA: "登録なし", EN: "None"},
	"member.security":   {JA: "ログインとセキュリティ", EN: "Sign-in and security"},
	"member.security.d": {JA: "認証コードの宛先の変更や、バックアップコードの再発行ができます。", EN: "Change where codes are sent, or issue new backup codes."},
	"member.twofactor":  {JA: "二要素認証の設定はこちら", EN: "Two-factor authentication settings"},

	"token.title":     {JA: "このログインの内容（IDトークン）", EN: "How this sign-in was proven (ID token)"},
	"token.name":      {JA: "お名前", EN: "Name"},
	"token.authtime":  {JA: "認証した時刻（日本時間）", EN: "Authenticated at (Japan time)"},
	"token.amr":       {JA: "認証の方法", EN: "Methods"},
	"token.acr":       {JA: "認証のレベル", EN: "Level"},
	"token.via":       {JA: "第二の要素", EN: "Second factor"},
	"token.sid":       {JA: "セッション", EN: "Session"},
	"token.sub":       {JA: "利用者の識別子", EN: "Subject"},
	"token.refreshed": {JA: "トークンを更新した時刻", EN: "Tokens refreshed at"},
	"token.updated":   {JA: "トークンを更新しました。", EN: "The tokens were refreshed."},
	"token.twofactor": {JA: "二要素認証済み", EN: "Two factors"},
	"token.onefactor": {JA: "パスワードのみ", EN: "Password only"},
	"signedout.title": {JA: "ログアウトしました", EN: "You are signed out"},
	"signedout.text":  {JA: "ご利用ありがとうございました。", EN: "Thank you for visiting."},
	"problem.code":    {JA: "認証サーバーからの応答", EN: "The sign-in server said"},
	"problem.away":    {JA: "認証サーバーに接続できません", EN: "The sign-in server cannot be reached"},
	"problem.refused": {JA: "ログインを続けられませんでした", EN: "The sign-in did not go through"},
	"problem.answer":  {JA: "ログインを確認できませんでした", EN: "The sign-in could not be verified"},
	"problem.state":   {JA: "ログインをやり直してください", EN: "Please start the sign-in again"},
	"problem.grant":   {JA: "もう一度ログインしてください", EN: "Sign in again"},
	"problem.missing": {JA: "ページが見つかりません", EN: "Page not found"},
	"problem.away.text": {
		JA: "しばらくしてから、もう一度お試しください。",
		EN: "Try again in a moment.",
	},
	"problem.refused.text": {
		JA: "認証サーバーがログインを完了できませんでした。",
		EN: "The sign-in server could not complete the sign-in.",
	},
	"problem.answer.text": {
		JA: "認証サーバーの応答を検証できませんでした。ログインは行われていません。",
		EN: "The sign-in server's answer did not pass verification. You are not signed in.",
	},
	"problem.state.text": {
		JA: "このブラウザーで始めたログインではないか、時間がたちすぎています。",
		EN: "This sign-in was not started in this browser, or it took too long.",
	},
	"problem.grant.text": {
		JA: "認証サーバーでログインが取り消されました。",
		EN: "The sign-in server has withdrawn this sign-in.",
	},
	"problem.missing.text": {
		JA: "アドレスを確認してください。",
		EN: "Check the address.",
	},
}
