package templates

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var galleryDir = flag.String("gallery", "", "write every page with fixture data as static HTML into this directory")

// fixture is one screen with one state.
type fixture struct {
	// name is the file's name in the gallery.
	name string
	// render fills a frame of the given language.
	render func(s *Set, f Frame) ([]byte, error)
}

func screen[T any](name string, page func(*Set) Page[T], v T, change ...func(*Frame)) fixture {
	return fixture{name: name, render: func(s *Set, f Frame) ([]byte, error) {
		for _, c := range change {
			c(&f)
		}
		return page(s).Bytes(f, v)
	}}
}

func admin(f *Frame) { f.Admin = true }

func console(active string) func(*Frame) {
	return func(f *Frame) {
		f.Operator = &OperatorFrame{Name: "operator", Role: "Administrator", Active: active, SecurityURL: "/admin/security", SignOutAction: "/admin/sign-out"}
	}
}

func flash(title, body string) func(*Frame) {
	return func(f *Frame) { f.Flash = &Flash{Title: title, Body: body} }
}

func testBrand() Brand {
	return Brand{
		HelpURL: "/help", ContactURL: "https://provider.example/contact", PrivacyURL: "/privacy",
		ForgotURL: "/forgot", MyPageURL: "http://localhost:8082/", MailFrom: "no-reply@auth.example.jp",
		Environment: EnvironmentDemo,
	}
}

// textIn gives fixtures their sentences in the language of the page.
func textIn(s *Set, lang Lang) func(key string, args ...any) string {
	return func(key string, args ...any) string { return s.T(lang, key, args...) }
}

// fixtures are all screens in all their states. The people are those of the demo.
func fixtures(text func(key string, args ...any) string) []fixture {
	errorsOf := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	login := func(s *Set) Page[LoginView] { return s.Login }
	twoFactor := func(s *Set) Page[TwoFactorView] { return s.TwoFactor }
	email := func(s *Set) Page[EmailSetupView] { return s.EmailSetup }
	phoneSetup := func(s *Set) Page[SMSSetupView] { return s.SMSSetup }
	countries := []Option{{Value: "JP", Label: "日本（+81）", Selected: true}, {Value: "US", Label: "アメリカ（+1）"}}
	passkey := func(s *Set) Page[PasskeyChallengeView] { return s.PasskeyChallenge }
	passkeyList := func(s *Set) Page[PasskeysView] { return s.Passkeys }
	app := func(s *Set) Page[AppSetupView] { return s.AppSetup }
	codes := func(s *Set) Page[BackupCodesView] { return s.BackupCodes }
	challenge := func(s *Set) Page[ChallengeView] { return s.Challenge }
	backup := func(s *Set) Page[ChallengeBackupView] { return s.ChallengeBackup }
	failure := func(s *Set) Page[ErrorView] { return s.Error }
	security := func(s *Set) Page[SecurityView] { return s.Security }
	removeDevices := func(s *Set) Page[DevicesRemoveView] { return s.DevicesRemove }
	order := func(s *Set) Page[FactorOrderView] { return s.FactorOrder }
	remove := func(s *Set) Page[FactorRemoveView] { return s.FactorRemove }
	undo := func(s *Set) Page[AddressUndoView] { return s.AddressUndo }
	undone := func(s *Set) Page[AddressUndoneView] { return s.AddressUndone }
	account := func(s *Set) Page[AccountFormView] { return s.AccountForm }
	account2fa := func(s *Set) Page[AccountTwoFactorView] { return s.AccountTwoFactor }
	reset := func(s *Set) Page[AccountResetView] { return s.AccountReset }
	customers := func(s *Set) Page[CustomersView] { return s.Customers }
	customer := func(s *Set) Page[CustomerView] { return s.Customer }

	wrong := text(MsgCodeWrong)
	methods := []MethodChoice{
		{Kind: KindTOTP, Reason: text(ReasonNotOffered)},
		{Kind: KindSMS, Reason: text(ReasonNotOffered)},
		{Kind: KindEmail, Available: true},
		{Kind: KindPasskey, Reason: text(ReasonNotOffered)},
	}
	tenCodes := []string{
		"7KQ4-M2XP-R9TD-5HWC", "R9TD-5HWC-3VNB-8YEF", "3VNB-8YEF-X6GJ-Q4ZM", "X6GJ-Q4ZM-P2HW-7CKR", "P2HW-7CKR-9DYT-N5VB",
		"9DYT-N5VB-E8FM-3XQJ", "E8FM-3XQJ-W4ZK-6RPD", "W4ZK-6RPD-H7CN-9TGY", "H7CN-9TGY-5BVX-M8EQ", "5BVX-M8EQ-7KQ4-M2XP",
	}
	who := AccountRef{
		Customer: "株式会社サンプル商事", CustomerURL: "/admin/customers/1/groups", Group: "本社",
		Name: "佐藤 陽子", LoginID: "sato", URL: "/admin/accounts/3",
	}
	place := who
	place.URL = ""
	operator := AccountRef{Operator: true, Name: "support", LoginID: "support", URL: "/admin/operators/2"}
	main := &FactorState{Kind: KindEmail, Address: "sato-2fa@example.jp", VerifiedAt: "2025-09-03 17:45:22", VerifiedISO: "2025-09-03T17:45:22+09:00"}
	sms := FactorState{Kind: KindSMS, Address: "09000000034", VerifiedAt: "2025-09-03 17:50:01", VerifiedISO: "2025-09-03T17:50:01+09:00", ResetURL: "/admin/accounts/3/two-factor/reset/sms"}
	totp := FactorState{Kind: KindTOTP, VerifiedAt: "2025-09-04 08:01:09", VerifiedISO: "2025-09-04T08:01:09+09:00", Disabled: true, ResetURL: "/admin/accounts/3/two-factor/reset/totp"}
	passkeys := FactorState{Kind: KindPasskey, VerifiedAt: "2025-09-05 12:30:00", VerifiedISO: "2025-09-05T12:30:00+09:00", ResetURL: "/admin/accounts/3/two-factor/reset/passkey", Passkeys: []PasskeyRow{
		{Name: "会社のノートPC", CreatedAt: "2025-09-05", UsedAt: "2026-11-22 09:14"},
		{Name: `<b>鍵</b>`, CreatedAt: "2025-10-01"},
	}}
	devices := []DeviceRow{
		{Name: "Chrome / Windows", CreatedAt: "2026-11-20 09:14", UsedAt: "2026-11-22 09:14", ExpiresAt: "2026-12-20 09:14", RemoveAction: "/admin/accounts/3/two-factor/devices/1"},
		{CreatedAt: "2026-11-21 09:14", UsedAt: "2026-11-21 09:14", ExpiresAt: "2026-12-21 09:14", RemoveAction: "/admin/accounts/3/two-factor/devices/2"},
	}
	adminMethods := SurfaceMethods{ID: "admin", Kinds: []string{KindTOTP, KindPasskey}, Level: LevelStandard, EditURL: "/admin/settings/methods/admin"}
	storeMethods := SurfaceMethods{ID: "store", Kinds: []string{KindTOTP, KindSMS, KindEmail, KindPasskey}, Level: LevelStandard, Days: 30, EditURL: "/admin/settings/methods/store"}
	methodsForm := func(s *Set) Page[MethodsFormView] { return s.MethodsForm }
	storeForm := MethodsFormView{
		Action: "/admin/settings/methods/store", BackURL: PathMethods, ID: "store", Level: LevelHigh, Levels: []string{LevelStandard, LevelHigh, LevelHighest},
		Options: []MethodOption{
			{Kind: KindTOTP, Field: "allow-totp", Checked: true},
			{Kind: KindSMS, Field: "allow-sms", Missing: true},
			{Kind: KindEmail, Field: "allow-email"},
			{Kind: KindPasskey, Field: "allow-passkey", Checked: true},
		},
		Days: []int{0, 1, 2, 30}, Day: 30, Version: "1",
	}
	rows := []CustomerRow{
		{URL: "/admin/customers/1/groups", Name: "株式会社サンプル商事", Code: "C-100248", Accounts: 3, WithTwoFactor: 1, LastSignIn: "2026-11-22 09:14", LastSignISO: "2026-11-22T09:14:00+09:00"},
		{URL: "/admin/customers/1/groups", Name: "株式会社サンプル商事", Code: "C-100249", Accounts: 3, WithTwoFactor: 3, LastSignIn: "2026-11-22 08:51", LastSignISO: "2026-11-22T08:51:00+09:00"},
		{URL: "/admin/customers/1/groups", Name: "株式会社サンプル商事", Code: "C-100250", Accounts: 1},
		{URL: "/admin/customers/1/groups", Name: "株式会社サンプル商事", Code: "C-100251"},
	}
	pager := NewPager(3, 22, func(n int) string { return fmt.Sprintf("/admin/customers?page=%d", n) })
	groups := []GroupCard{
		{Name: "本社", EditURL: "/g/1", NewAccountURL: "/g/1/new", Accounts: []AccountRow{
			{Name: "田中 一郎", LoginID: "tanaka", Role: text("role.admin"), EditURL: "/a/1", Use: true},
			{Name: "鈴木 花子", LoginID: "suzuki", Role: text("role.buyer"), EditURL: "/a/2", Disabled: true, LastSignIn: "2026-11-21 16:02", LastSignISO: "2026-11-21T16:02:00+09:00"},
			{Name: "佐藤 陽子", LoginID: "sato", Role: text("role.viewer"), EditURL: "/a/3", Use: true, Kind: KindEmail, LastSignIn: "2026-11-22 09:14", LastSignISO: "2026-11-22T09:14:00+09:00"},
		}},
		{Name: "本社（空）", EditURL: "/g/2", NewAccountURL: "/g/2/new"},
	}
	secured := SecurityView{
		BackURL: "http://localhost:8082/", Company: "株式会社サンプル商事", Name: "佐藤 陽子", LoginID: "sato", On: true,
		Methods: []SecurityMethod{
			{Kind: KindEmail, Set: true, Main: true, Address: "sa•••••@example.jp", VerifiedAt: "2025-09-03 17:45", VerifiedISO: "2025-09-03T17:45:22+09:00", URL: "/account/security/email", RemoveURL: "/account/security/email/remove"},
			{Kind: KindPasskey, Set: true, Passkeys: []PasskeyLine{{Name: "会社のノートPC", UsedAt: "2026-11-21"}, {Name: "iPhone"}}, URL: "/account/security/passkey", RemoveURL: "/account/security/passkey/remove"},
			{Kind: KindTOTP, Set: true, Disabled: true, RemoveURL: "/account/security/totp/remove"},
			{Kind: KindSMS, URL: "/account/security/sms"},
		},
		OrderURL: "/account/security/order", PasswordURL: "/account/security/password",
		BackupLeft: 3, BackupIssued: "2025-09-03", BackupURL: "/account/security/backup-codes",
		Devices: []SecurityDevice{
			{Name: "Chrome / Windows", Current: true, Until: "2026-12-20", UsedAt: "2026-11-22 09:14", UsedISO: "2026-11-22T09:14:00+09:00", RemoveAction: "/account/security/devices/1/remove"},
			{Name: "Safari / iPhone", Phone: true, Until: "2026-12-02", UsedAt: "2026-11-18 20:41", UsedISO: "2026-11-18T20:41:00+09:00", RemoveAction: "/account/security/devices/2/remove"},
			{Until: "2026-12-02", UsedAt: "2026-11-18 20:41", UsedISO: "2026-11-18T20:41:00+09:00", RemoveAction: "/account/security/devices/3/remove"},
		},
		RemoveDevicesURL: "/account/security/devices/remove-all",
		Sessions: []SecuritySession{
			{Browser: "Chrome / Windows", Current: true, Apps: []string{"ストア", "マイページ"}, SignedInAt: "2026-11-22 09:14", SignedISO: "2026-11-22T09:14:00+09:00", SeenAt: "2026-11-22 10:02", SeenISO: "2026-11-22T10:02:00+09:00", Address: "192.0.2.24"},
			{SignedInAt: "2026-11-18 20:41", SignedISO: "2026-11-18T20:41:00+09:00", Address: "198.51.100.7", EndAction: "/account/security/sessions/2/end"},
		},
		EndOthersAction: "/account/security/sessions/end-others",
		Activities: []Activity{
			{Event: "signin.complete", OK: true, At: "2026-11-22 09:14", ISO: "2026-11-22T09:14:00+09:00", Browser: "Chrome / Windows", FromAddress: "192.0.2.24"},
			{Event: "signin.factor", At: "2026-11-18 20:40", ISO: "2026-11-18T20:40:00+09:00", FromAddress: "198.51.100.7"},
			{Event: "account.update", OK: true, At: "2026-11-18 10:40", ISO: "2026-11-18T10:40:00+09:00", ByStaff: true},
		},
		SignOutAction: "/account/security/sign-out",
	}

	drifted := secured
	drifted.DriftTo = "sa•••••@example.jp"
	ordered := FactorOrderView{
		Action: "/account/security/order", BackURL: "/account/security", Order: "totp.email.passkey", Changed: true, Rows: []FactorOrderRow{
			{Kind: KindTOTP, DownURL: "/account/security/order?order=email.totp.passkey"},
			{Kind: KindEmail, Address: "sa•••••@example.jp", UpURL: "/account/security/order?order=email.totp.passkey", DownURL: "/account/security/order?order=totp.passkey.email"},
			{Kind: KindPasskey, UpURL: "/account/security/order?order=totp.passkey.email"},
		},
	}
	stale := ordered
	stale.Changed, stale.Errors = false, errorsOf(FormError, text(MsgOrderStale))

	return []fixture{
		screen("login", login, LoginView{Action: "/signin?flow=1", App: "ストア"}),
		screen("login-error", login, LoginView{Action: "/signin?flow=1", App: "ストア", Username: "tanaka", Errors: errorsOf(FormError, text(MsgLoginFailed))}),
		screen("login-blank", login, LoginView{Action: "/signin?flow=1", Notice: text(MsgReauthenticate), Errors: errorsOf("username", text(MsgLoginIDBlank), "password", text(MsgPasswordBlank))}),
		screen("admin-login", login, LoginView{Action: "/signin?flow=1"}, admin),
		screen("2fa-select", twoFactor, TwoFactorView{Action: "/signin/two-factor?flow=1", Progress: &Progress{N: 1, Of: 3}, Methods: methods, BackURL: "/signin/cancel?flow=1", BackPost: true}),
		screen("2fa-select-error", twoFactor, TwoFactorView{Action: "/signin/two-factor?flow=1", Progress: &Progress{N: 1, Of: 3}, Methods: methods, Selected: KindEmail, BackURL: "/signin", Errors: errorsOf("method", text(MsgMethodBlank))}, admin),
		screen("2fa-sms", phoneSetup, SMSSetupView{Action: "/signin/two-factor/sms?flow=1", Progress: &Progress{N: 2, Of: 3}, Countries: countries, BackURL: "/signin/two-factor?flow=1"}),
		screen("2fa-sms-sent", phoneSetup, SMSSetupView{Action: "/signin/two-factor/sms?flow=1", Progress: &Progress{N: 2, Of: 3}, Countries: countries[:1], Tel: "090-0000-0034", SentTo: "090-0000-0034", JustSent: true, WaitSeconds: 47, BackURL: "/signin/two-factor?flow=1"}),
		screen("2fa-sms-error", phoneSetup, SMSSetupView{Action: "/signin/two-factor/sms?flow=1", Progress: &Progress{N: 2, Of: 3}, Countries: countries, Tel: "03-0000-0000", BackURL: "/signin/two-factor?flow=1", Errors: errorsOf("tel", text(MsgPhoneNotMobile))}),
		screen("2fa-sms-change", phoneSetup, SMSSetupView{Action: "/account/security/sms", Change: true, Countries: countries, Tel: "090-0000-0034", SentTo: "090-0000-0034", BackURL: "/account/security", Errors: errorsOf("code", wrong)}),
		screen("2fa-passkey", func(s *Set) Page[PasskeySetupView] { return s.PasskeySetup }, PasskeySetupView{Action: "/signin/two-factor/passkey?flow=1", OptionsURL: "/signin/two-factor/passkey/options?flow=1", Progress: &Progress{N: 2, Of: 3}, Name: "Chrome / Windows", BackURL: "/signin/two-factor?flow=1"}),
		screen("2fa-passkey-error", func(s *Set) Page[PasskeySetupView] { return s.PasskeySetup }, PasskeySetupView{Action: "/signin/two-factor/passkey?flow=1", OptionsURL: "/signin/two-factor/passkey/options?flow=1", BackURL: "/signin/two-factor?flow=1", Errors: errorsOf("name", text(MsgPasskeyNameLong))}),
		screen("challenge-passkey", passkey, PasskeyChallengeView{TrustDays: 30, Action: "/signin/challenge/passkey?flow=1", OptionsURL: "/signin/challenge/passkey/options?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", MethodsURL: "/signin/challenge/methods?flow=1", BackupURL: "/signin/challenge/backup?flow=1"}),
		screen("challenge-passkey-error", passkey, PasskeyChallengeView{Action: "/signin/challenge/passkey?flow=1", OptionsURL: "/signin/challenge/passkey/options?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", MethodsURL: "/signin/challenge/methods?flow=1", Errors: errorsOf(FormError, text(MsgPasskeyFailed))}),
		screen("passkeys", passkeyList, PasskeysView{BackURL: "/account/security", Action: "/account/security/passkey", OptionsURL: "/account/security/passkey/options", Name: "Chrome / Windows", Passkeys: []PasskeyLine{{ID: "1", Name: "会社のノートPC", Synced: true, CreatedAt: "2026-10-02 11:05", CreatedISO: "2026-10-02T11:05:00+09:00", UsedAt: "2026-11-21 09:14", UsedISO: "2026-11-21T09:14:00+09:00", RenameAction: "/account/security/passkey/1/rename", RemoveURL: "/account/security/passkey/1/remove"}, {ID: "2", Name: "iPhone", CreatedAt: "2026-10-02 11:05", CreatedISO: "2026-10-02T11:05:00+09:00", RenameAction: "/account/security/passkey/2/rename", RemoveURL: "/account/security/passkey/2/remove"}}}),
		screen("passkeys-error", passkeyList, PasskeysView{BackURL: "/account/security", Action: "/account/security/passkey", OptionsURL: "/account/security/passkey/options", Errors: errorsOf(FormError, text(MsgPasskeyNotMade))}),
		screen("passkeys-rename-error", passkeyList, PasskeysView{BackURL: "/account/security", Passkeys: []PasskeyLine{{ID: "1", Name: "会社のノートPC", CreatedAt: "2026-10-02 11:05", CreatedISO: "2026-10-02T11:05:00+09:00", Typed: "会社のノートPC（東京本社・総務部・五階の窓側の席に置いてある黒い機体・二台目）", RenameAction: "/x", RemoveURL: "/y"}}, Errors: errorsOf("name-1", text(MsgPasskeyNameLong))}),
		screen("passkeys-enough", passkeyList, PasskeysView{BackURL: "/account/security", Passkeys: []PasskeyLine{{ID: "1", Name: "会社のノートPC", CreatedAt: "2026-10-02 11:05", CreatedISO: "2026-10-02T11:05:00+09:00", RenameAction: "/x", RemoveURL: "/y"}}}),
		screen("passkey-remove", func(s *Set) Page[PasskeyRemoveView] { return s.PasskeyRemove }, PasskeyRemoveView{Action: "/account/security/passkey/1/remove", BackURL: "/account/security/passkey", Name: "会社のノートPC"}),
		screen("2fa-totp", app, AppSetupView{Action: "/signin/two-factor/totp?flow=1", Progress: &Progress{N: 2, Of: 3}, Begun: true, Key: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", URI: "otpauth://totp/x", QR: QRCode{Size: 29, Path: "M4 4h7v7h-7z"}, LoginID: "tanaka", BackURL: "/signin/two-factor?flow=1"}),
		screen("2fa-totp-error", app, AppSetupView{Action: "/account/security/totp", Replaces: true, Begun: true, Key: "JBSW Y3DP", URI: "otpauth://totp/x", QR: QRCode{Size: 29, Path: "M4 4h7v7h-7z"}, LoginID: "tanaka", BackURL: "/account/security", Errors: errorsOf("code", wrong)}),
		screen("2fa-totp-begin", app, AppSetupView{Action: "/account/security/totp", BackURL: "/account/security", Errors: errorsOf(FormError, text(MsgAppExpired))}),
		screen("2fa-email", email, EmailSetupView{Action: "/signin/two-factor/email?flow=1", Progress: &Progress{N: 2, Of: 3}, BackURL: "/signin/two-factor?flow=1"}),
		screen("2fa-email-sent", email, EmailSetupView{Action: "/signin/two-factor/email?flow=1", Progress: &Progress{N: 2, Of: 3}, Email: "tanaka@example.jp", SentTo: "tanaka@example.jp", JustSent: true, WaitSeconds: 47, BackURL: "/signin/two-factor?flow=1"}),
		screen("2fa-email-error", email, EmailSetupView{Action: "/signin/two-factor/email?flow=1", Progress: &Progress{N: 2, Of: 3}, Email: "tanaka@example.jp", SentTo: "tanaka@example.jp", WaitSeconds: 47, BackURL: "/signin/two-factor?flow=1", Errors: errorsOf("code", wrong)}),
		screen("2fa-email-blank", email, EmailSetupView{Action: "/signin/two-factor/email?flow=1", Progress: &Progress{N: 2, Of: 3}, BackURL: "/signin/two-factor?flow=1", Errors: errorsOf("email", text(MsgEmailBlank))}),
		screen("2fa-email-both", email, EmailSetupView{Action: "/signin/two-factor/email?flow=1", Email: "tanaka", BackURL: "/signin/cancel", BackPost: true, Errors: errorsOf("email", text(MsgEmailForm), "code", wrong)}),
		screen("2fa-email-change", email, EmailSetupView{Action: "/account/security/email", Change: true, Email: "sato-2fa@example.jp", BackURL: "/account/security"}),
		screen("2fa-backup-codes", codes, BackupCodesView{Action: "/signin/backup-codes?flow=1", Progress: &Progress{N: 3, Of: 3}, Codes: tenCodes, SetUp: KindEmail, LoginID: "tanaka", Date: "2026-11-22", DownloadURL: "/signin/backup-codes.txt?flow=1"}),
		screen("2fa-backup-codes-error", codes, BackupCodesView{Action: "/account/security/backup-codes", Codes: tenCodes, LoginID: "tanaka", Date: "2026-11-22", DownloadURL: "/account/security/backup-codes.txt", Errors: errorsOf("saved", text(MsgSavedBlank))}),
		screen("2fa-backup-renew", func(s *Set) Page[BackupRenewView] { return s.BackupRenew }, BackupRenewView{Action: "/account/security/backup-codes", BackURL: "/account/security", Left: 7}),
		screen("challenge", challenge, ChallengeView{Action: "/signin/challenge?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", To: "sa•••••@example.jp", JustSent: true, WaitSeconds: 52, TrustDays: 30, MethodsURL: "/signin/challenge/methods?flow=1", BackupURL: "/signin/challenge/backup?flow=1"}),
		screen("challenge-error", challenge, ChallengeView{Action: "/signin/challenge?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", To: "sa•••••@example.jp", NearLimit: true, TrustDays: 1, Trust: true, MethodsURL: "/signin/challenge/methods?flow=1", BackupURL: "/signin/challenge/backup?flow=1", Errors: errorsOf("code", wrong)}),
		screen("challenge-form-error", challenge, ChallengeView{Action: "/signin/challenge?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", To: "sa•••••@example.jp", WaitSeconds: 12, Errors: errorsOf(FormError, text(MsgSendFailed))}),
		screen("challenge-send-failed", challenge, ChallengeView{Action: "/signin/challenge/sms?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", Kind: KindSMS, To: "•••-••••-••34", WaitSeconds: 12, Others: []MethodLink{{Kind: KindTOTP, URL: "/signin/challenge/totp?flow=1"}, {Kind: KindEmail, To: "sa•••••@example.jp", URL: "/signin/challenge/email?flow=1"}}, MethodsURL: "/signin/challenge/methods?flow=1", BackupURL: "/signin/challenge/backup?flow=1", Errors: errorsOf(FormError, text(MsgSendFailed))}),
		screen("challenge-unsent", challenge, ChallengeView{Action: "/signin/challenge?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", To: "sa•••••@example.jp", Unsent: true, MethodsURL: "/signin/challenge/methods?flow=1"}),
		screen("challenge-unsent-error", challenge, ChallengeView{Action: "/signin/challenge?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", To: "sa•••••@example.jp", Unsent: true, MethodsURL: "/signin/challenge/methods?flow=1", Errors: errorsOf(FormError, text(MsgSendLimit))}),
		screen("challenge-sms", challenge, ChallengeView{Action: "/signin/challenge/sms?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", Kind: KindSMS, To: "•••-••••-••34", JustSent: true, WaitSeconds: 47, MethodsURL: "/signin/challenge/methods?flow=1", BackupURL: "/signin/challenge/backup?flow=1"}),
		screen("challenge-totp", challenge, ChallengeView{Action: "/signin/challenge/totp?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", Kind: KindTOTP, MethodsURL: "/signin/challenge/methods?flow=1", BackupURL: "/signin/challenge/backup?flow=1"}),
		screen("challenge-methods", func(s *Set) Page[ChallengeMethodsView] { return s.ChallengeMethods }, ChallengeMethodsView{LoginID: "sato", CancelAction: "/signin/cancel?flow=1", Methods: []MethodLink{{Kind: KindEmail, To: "sa•••••@example.jp", URL: "/signin/challenge?flow=1"}}, BackupURL: "/signin/challenge/backup?flow=1", BackURL: "/signin/challenge?flow=1"}),
		screen("challenge-backup", backup, ChallengeBackupView{Action: "/signin/challenge/backup?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", BackURL: "/signin/challenge/methods?flow=1"}),
		screen("challenge-backup-error", backup, ChallengeBackupView{Action: "/signin/challenge/backup?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", BackURL: "/signin/challenge/methods?flow=1", NearLimit: true, Errors: errorsOf("code", text(MsgBackupWrong))}),
		screen("challenge-locked", func(s *Set) Page[LockedView] { return s.Locked }, LockedView{SignInURL: "/signin?flow=1", ForgotURL: PathForgot}),
		screen("logout", func(s *Set) Page[LogoutView] { return s.Logout }, LogoutView{Action: "/logout", Hidden: []Hidden{{Name: "state", Value: "s"}}, BackURL: "/account/security"}),
		screen("signed-out", func(s *Set) Page[SignedOutView] { return s.SignedOut }, SignedOutView{SignInURL: "/signin/start", ContinueURL: "http://localhost:8081/"}),
		screen("error", failure, ErrorView{Kind: ErrorProtocol, Ref: "E-7K2M-93QF", Code: "invalid_request", Description: "redirect_uri is not registered for this client", At: "2026-11-22 10:15:08", HomeURL: "http://localhost:8082/"}),
		screen("error-server", failure, ErrorView{Ref: "E-7K2M-93QF", RetryURL: "/"}),
		screen("error-not-found", failure, ErrorView{Kind: ErrorNotFound, HomeURL: "/admin/customers"}, admin),
		screen("error-unavailable", failure, ErrorView{Kind: ErrorUnavailable, Message: text("page_error.too_many.lead"), RetryURL: "/signin"}),
		screen("session-expired", func(s *Set) Page[SessionExpiredView] { return s.SessionExpired }, SessionExpiredView{SignInURL: "/signin/start"}),
		screen("flow-expired", func(s *Set) Page[SessionExpiredView] { return s.SessionExpired }, SessionExpiredView{Flow: true}),
		screen("form-post", func(s *Set) Page[FormPostView] { return s.FormPost }, FormPostView{Action: "http://localhost:8081/callback", Fields: []Hidden{{Name: "code", Value: "c"}, {Name: "state", Value: `"><script>`}}}),
		screen("security", security, secured, flash(text(FlashEmailChanged), text("flash.email_changed.more"))),
		screen("security-off", security, SecurityView{Name: "鈴木 花子", LoginID: "suzuki", OffersTrust: true, Methods: []SecurityMethod{{Kind: KindEmail, URL: "/account/security/email"}}}),
		screen("devices-remove", removeDevices, DevicesRemoveView{Action: "/account/security/devices/1/remove", BackURL: "/account/security", Devices: []string{"Chrome / Windows"}}),
		screen("devices-remove-all", removeDevices, DevicesRemoveView{Action: "/account/security/devices/remove-all", BackURL: "/account/security", All: true, Devices: []string{"Chrome / Windows", ""}}),
		screen("security-enforced", security, SecurityView{Name: "operator", LoginID: "operator", Enforced: true, Methods: []SecurityMethod{{Kind: KindEmail, URL: "/account/security/email"}}}, admin),
		screen("security-drift", security, drifted),
		screen("2fa-order", order, ordered),
		screen("2fa-order-error", order, stale, admin),
		screen("2fa-remove", remove, FactorRemoveView{Action: "/account/security/email/remove", BackURL: "/account/security", Kind: KindEmail, Address: "sa•••••@example.jp", NextMain: KindTOTP}),
		screen("2fa-remove-last", remove, FactorRemoveView{Action: "/account/security/totp/remove", BackURL: "/account/security", Kind: KindTOTP, Last: true}),
		screen("2fa-remove-refused", remove, FactorRemoveView{Action: "/account/security/email/remove", BackURL: "/account/security", Kind: KindEmail, Address: "sa•••••@example.jp", Last: true, Refused: true}),
		screen("2fa-remove-error", remove, FactorRemoveView{Action: "/admin/security/email/remove", BackURL: "/admin/security", Kind: KindEmail, Address: "sa•••••@example.jp", Last: true, Refused: true, Errors: errorsOf(FormError, text(MsgLastFactor))}, admin),
		screen("2fa-undo", undo, AddressUndoView{Action: "/account/undo", Hidden: []Hidden{{Name: "ticket", Value: "t"}}, LoginID: "sato", Former: "sa•••••@example.jp", Present: "ne•••••@example.jp"}),
		screen("2fa-undo-removed", undo, AddressUndoView{Action: "/account/undo", Hidden: []Hidden{{Name: "ticket", Value: "t"}}, LoginID: "sato", Former: "sa•••••@example.jp"}, admin),
		screen("2fa-undone", undone, AddressUndoneView{SignInURL: "/account/security"}),
		screen("2fa-undone-operator", undone, AddressUndoneView{SignInURL: "/admin/security"}, admin),
		screen("error-link-gone", failure, ErrorView{Kind: ErrorLinkGone, HomeURL: "http://localhost:8082/"}),

		screen("password-change", func(s *Set) Page[PasswordChangeView] { return s.PasswordChange }, PasswordChangeView{Action: "/account/security/password", BackURL: "/account/security", LoginID: "sato", Min: 8}),
		screen("password-change-error", func(s *Set) Page[PasswordChangeView] { return s.PasswordChange }, PasswordChangeView{Action: "/account/security/password", BackURL: "/account/security", LoginID: "sato", Min: 8, Errors: errorsOf("current", text(MsgCurrentBlank), "password", text(MsgPasswordShort, "min", 8))}),
		screen("password-change-operator", func(s *Set) Page[PasswordChangeView] { return s.PasswordChange }, PasswordChangeView{Action: "/admin/security/password", BackURL: "/admin/security", LoginID: "operator", Min: 15, Errors: errorsOf("current", text(MsgCurrentWrong))}, admin),
		screen("password-forgot", func(s *Set) Page[PasswordForgotView] { return s.PasswordForgot }, PasswordForgotView{Action: "/password/forgot?flow=1", BackURL: "/signin?flow=1"}),
		screen("password-forgot-error", func(s *Set) Page[PasswordForgotView] { return s.PasswordForgot }, PasswordForgotView{Action: "/admin/password/forgot", Errors: errorsOf("username", text(MsgLoginUsernameBlank))}, admin),
		screen("password-sent", func(s *Set) Page[PasswordSentView] { return s.PasswordSent }, PasswordSentView{BackURL: "/signin?flow=1", AgainURL: "/password/forgot?flow=1", Minutes: 30}),
		screen("password-sent-operator", func(s *Set) Page[PasswordSentView] { return s.PasswordSent }, PasswordSentView{AgainURL: PathOperatorForgot, Minutes: 30}, admin),
		screen("password-reset", func(s *Set) Page[PasswordResetView] { return s.PasswordReset }, PasswordResetView{Action: "/password/reset", Ticket: "t", LoginID: "sato", Min: 8}),
		screen("password-reset-error", func(s *Set) Page[PasswordResetView] { return s.PasswordReset }, PasswordResetView{Action: "/password/reset", Ticket: "t", LoginID: "sato", Min: 8, Errors: errorsOf("password", text(MsgPasswordCommon))}),
		screen("password-void", func(s *Set) Page[PasswordVoidView] { return s.PasswordVoid }, PasswordVoidView{AgainURL: PathForgot}),
		screen("password-done", func(s *Set) Page[PasswordDoneView] { return s.PasswordDone }, PasswordDoneView{SignInURL: "/signin/start?to=%2Faccount%2Fsecurity"}),

		screen("admin-customers", customers, CustomersView{Action: PathCustomers, Status: FilterPartly, Total: 128, From: 1, To: 4, Rows: rows, Pager: pager, NewURL: "/admin/customers/new"}, console(NavCustomers)),
		screen("admin-customers-empty", customers, CustomersView{Action: PathCustomers, Query: `サンプル"><b>`}, console(NavCustomers)),
		screen("admin-customer", customer, CustomerView{Tab: TabGroups, ProfileURL: "/admin/customers/1", GroupsURL: "/admin/customers/1/groups", Name: "株式会社サンプル商事", Code: "C-100248", EditURL: "/admin/customers/1/edit", Groups: groups, NewGroupURL: "/admin/customers/1/groups/new"}, console(NavCustomers)),
		screen("admin-customer-profile", customer, CustomerView{Tab: TabProfile, ProfileURL: "/admin/customers/1", GroupsURL: "/admin/customers/1/groups", Name: "株式会社サンプル商事", Code: "C-100248", EditURL: "/admin/customers/1/edit", Facts: []Fact{{Label: "登録日時", Value: "2026-11-22 10:15"}}}, console(NavCustomers)),
		screen("admin-customer-empty", customer, CustomerView{Tab: TabGroups, ProfileURL: "/admin/customers/1", GroupsURL: "/admin/customers/1/groups", Name: "株式会社サンプル商事", Code: "C-100248"}, console(NavCustomers)),
		screen("admin-customer-new", func(s *Set) Page[CustomerFormView] { return s.CustomerForm }, CustomerFormView{Action: PathCustomers, BackURL: PathCustomers, New: true, Errors: errorsOf("name", text(MsgCustomerName), "code", text(MsgCustomerCode))}, console(NavCustomers)),
		screen("admin-customer-edit", func(s *Set) Page[CustomerFormView] { return s.CustomerForm }, CustomerFormView{Action: "/admin/customers/1", BackURL: "/admin/customers/1", Name: "株式会社サンプル商事", Code: "C-100248", Version: "1"}, console(NavCustomers)),
		screen("admin-group-new", func(s *Set) Page[GroupFormView] { return s.GroupForm }, GroupFormView{Action: "/admin/customers/1/groups", BackURL: "/admin/customers/1/groups", New: true, Customer: "株式会社サンプル商事", CustomerURL: "/admin/customers/1", Errors: errorsOf("name", text(MsgGroupName))}, console(NavCustomers)),
		screen("admin-account", account, AccountFormView{Action: "/admin/accounts/3", BackURL: "/admin/customers/1/groups", Who: place, LoginID: "sato", Name: "佐藤 陽子", Email: "sato@example.jp", Version: "1", TwoFactorURL: "/admin/accounts/3/two-factor", Use: true, Main: main, BackupLeft: 10, Backups: []string{KindTOTP, KindSMS}, PasswordMin: 8, PasswordAction: "/admin/accounts/3/password", ResetMailAction: "/admin/accounts/3/reset-mail", StateAction: "/admin/accounts/3/state"}, console(NavCustomers), flash(text(FlashSaved), "")),
		screen("admin-account-new", account, AccountFormView{Action: "/admin/accounts", BackURL: "/admin/customers/1/groups", New: true, PasswordMin: 8, Who: place, Errors: errorsOf("login_id", text(MsgLoginIDBlank), "password", text(MsgPasswordShort, "min", 8))}, console(NavCustomers)),
		screen("admin-account-support", account, AccountFormView{Action: "/admin/accounts/3", BackURL: "/admin/customers/1/groups", Who: place, LoginID: "sato", Name: "佐藤 陽子", Email: "sato@example.jp", Version: "1", Use: true, ResetMailAction: "/admin/accounts/3/reset-mail", Errors: errorsOf(FormError, text(MsgResetMailLimit))}, console(NavCustomers)),
		screen("admin-operator", account, AccountFormView{Action: "/admin/operators/2", BackURL: PathOperators, Who: AccountRef{Operator: true, Name: "support", LoginID: "support"}, LoginID: "support", Name: "support", Email: "support@example.jp", Roles: []Option{{Value: "administrator", Label: text("role.administrator")}, {Value: "support", Label: text("role.support"), Selected: true}}, TwoFactorURL: "/admin/operators/2/two-factor", Disabled: true, PasswordAction: "/admin/operators/2/password", StateAction: "/admin/operators/2/state", Errors: errorsOf("password", text(MsgPasswordShort, "min", 8))}, console(NavOperators)),
		screen("admin-account-2fa", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Use: true, Main: main, BackupLeft: 10, ResetURL: "/admin/accounts/3/two-factor/reset", Version: "1"}, console(NavCustomers)),
		screen("admin-account-2fa-enforced", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Enforced: true, SettingsURL: PathSettings, Main: main, BackupLeft: 10, Backups: []FactorState{sms}, Devices: devices[:1], ResetURL: "/admin/accounts/3/two-factor/reset", Errors: errorsOf("use", text(MsgOffForbidden))}, console(NavCustomers)),
		screen("admin-account-2fa-all", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Use: true, Main: &passkeys, Backups: []FactorState{totp, sms, *main}, BackupLeft: 2, Devices: devices, DevicesURL: "/admin/accounts/3/two-factor/devices", ResetURL: "/admin/accounts/3/two-factor/reset", Version: "use"}, console(NavCustomers), flash(text(FlashAccountDeviceRemoved), "")),
		screen("admin-account-2fa-masked", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Use: true, Main: &FactorState{Kind: KindSMS, Address: "•••-••••-••34", VerifiedAt: "2025-09-03 17:50:01", VerifiedISO: "2025-09-03T17:50:01+09:00", Disabled: true}, Backups: []FactorState{{Kind: KindEmail, Address: "sa•••••@example.jp", VerifiedAt: "2025-09-03 17:45:22", VerifiedISO: "2025-09-03T17:45:22+09:00"}}, Devices: devices, ReadOnly: true}, console(NavCustomers)),
		screen("admin-account-2fa-devices", func(s *Set) Page[AccountDevicesView] { return s.AccountDevices }, AccountDevicesView{Action: "/admin/accounts/3/two-factor/devices", BackURL: "/admin/accounts/3/two-factor", Who: who, Devices: devices}, console(NavCustomers)),
		screen("admin-account-2fa-devices-none", func(s *Set) Page[AccountDevicesView] { return s.AccountDevices }, AccountDevicesView{Action: "/admin/accounts/3/two-factor/devices", BackURL: "/admin/accounts/3/two-factor", Who: who}, console(NavCustomers)),
		screen("admin-account-2fa-done", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Use: true, ResetURL: "/admin/accounts/3/two-factor/reset"}, console(NavCustomers), flash(text(FlashResetOperator), text("flash.turned_on.more"))),
		screen("admin-account-2fa-off", account2fa, AccountTwoFactorView{Action: "/admin/operators/2/two-factor", BackURL: "/admin/operators/2", Who: operator, ReadOnly: true}, console(NavOperators)),
		screen("admin-account-2fa-reset", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset", BackURL: "/admin/accounts/3/two-factor", Who: who, Main: main, BackupLeft: 10, Sessions: 2}, console(NavCustomers)),
		screen("admin-account-2fa-reset-error", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset", BackURL: "/admin/accounts/3/two-factor", Who: who, Errors: errorsOf("reason", text(MsgReasonBlank), "identity", text(MsgIdentityBlank))}, console(NavCustomers)),
		screen("admin-account-2fa-reset-all", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset", BackURL: "/admin/accounts/3/two-factor", Who: who, Main: &passkeys, Backups: []FactorState{totp, sms, *main}, BackupLeft: 2, Devices: 2, Sessions: 1}, console(NavCustomers)),
		screen("admin-account-2fa-reset-main", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset/passkey", BackURL: "/admin/accounts/3/two-factor", Who: who, Method: KindPasskey, Main: &passkeys, Backups: []FactorState{totp, sms, *main}, BackupLeft: 2, Devices: 2, Sessions: 1}, console(NavCustomers)),
		screen("admin-account-2fa-reset-backup", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset/totp", BackURL: "/admin/accounts/3/two-factor", Who: operator, Method: KindTOTP, Main: main, Backups: []FactorState{totp}, BackupLeft: 2, Errors: errorsOf("reason", text(MsgReasonLong, "max", 128))}, console(NavOperators)),
		screen("admin-account-2fa-reset-last", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset/email", BackURL: "/admin/accounts/3/two-factor", Who: who, Method: KindEmail, Main: main, BackupLeft: 2, Devices: 1}, console(NavCustomers)),
		screen("admin-account-2fa-reset-missing", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset/sms", BackURL: "/admin/accounts/3/two-factor", Who: who, Method: KindSMS, Main: main, BackupLeft: 2}, console(NavCustomers)),
		screen("admin-settings-methods", func(s *Set) Page[MethodsView] { return s.Methods }, MethodsView{Surfaces: []SurfaceMethods{adminMethods, storeMethods}}, console(NavMethods), flash(text(FlashSettingsSaved), "")),
		screen("admin-settings-methods-support", func(s *Set) Page[MethodsView] { return s.Methods }, MethodsView{Surfaces: []SurfaceMethods{{ID: "admin", Kinds: adminMethods.Kinds, Level: LevelHighest}, {ID: "x", Name: "予約サイト", Kinds: storeMethods.Kinds, Level: LevelStandard, Days: 1}}}, console(NavMethods)),
		screen("admin-settings-methods-edit", methodsForm, storeForm, console(NavMethods)),
		screen("admin-settings-methods-edit-admin", methodsForm, MethodsFormView{Action: "/admin/settings/methods/admin", BackURL: PathMethods, ID: "admin", Options: storeForm.Options, Levels: storeForm.Levels, Level: LevelStandard, Version: "1", Errors: errorsOf(FormError, text(MsgLockout))}, console(NavMethods)),
		screen("admin-settings-methods-edit-error", methodsForm, MethodsFormView{Action: "/admin/settings/methods/store", BackURL: PathMethods, ID: "store", Options: storeForm.Options, Levels: storeForm.Levels, Days: storeForm.Days, Version: "1", Errors: errorsOf("methods", text(MsgMethodsBlank), "level", text(MsgLevelBlank), "days", text(MsgDaysForm))}, console(NavMethods)),
		screen("admin-settings-methods-confirm", func(s *Set) Page[MethodsConfirmView] { return s.MethodsConfirm }, MethodsConfirmView{Action: "/admin/settings/methods/store/confirm", BackURL: "/admin/settings/methods/store", Before: storeMethods, After: SurfaceMethods{ID: "store", Kinds: []string{KindTOTP, KindPasskey}, Level: LevelHigh, Days: 30}, Stopped: 12, Hidden: []Hidden{{Name: "allow-totp", Value: "yes"}}}, console(NavMethods)),
		screen("admin-settings-methods-confirm-none", func(s *Set) Page[MethodsConfirmView] { return s.MethodsConfirm }, MethodsConfirmView{Action: "/admin/settings/methods/store/confirm", BackURL: "/admin/settings/methods/store", Before: storeMethods, After: SurfaceMethods{ID: "store", Kinds: storeMethods.Kinds, Level: LevelStandard}}, console(NavMethods)),
		screen("admin-settings-2fa", func(s *Set) Page[SettingsView] { return s.Settings }, SettingsView{Action: PathSettings, BackURL: PathCustomers, MethodsURL: PathMethods, Surfaces: []SurfaceSetting{{ID: "admin", Enforced: true}, {ID: "store", Unset: 338}}}, console(NavSettings)),
		screen("admin-settings-2fa-error", func(s *Set) Page[SettingsView] { return s.Settings }, SettingsView{Action: PathSettings, BackURL: PathCustomers, Surfaces: []SurfaceSetting{{ID: "admin"}, {ID: "store", Enforced: true}}, Errors: errorsOf("store", text(MsgSettingBlank))}, console(NavSettings)),
		screen("admin-settings-2fa-confirm", func(s *Set) Page[SettingsConfirmView] { return s.SettingsConfirm }, SettingsConfirmView{Action: PathSettings + "/confirm", BackURL: PathSettings, Changes: []SurfaceChange{{ID: "admin", Before: true}, {ID: "store", After: true, Affected: 338}}, Hidden: []Hidden{{Name: "store", Value: "on"}}}, console(NavSettings)),
		screen("admin-audit", func(s *Set) Page[AuditView] { return s.Audit }, AuditView{Action: PathAudit, From: "2026-11-16", To: "2026-11-22", Kinds: []Option{{Value: "2fa", Label: text("admin.two_factor"), Selected: true}}, Total: 412, Pager: Pager{Next: "/admin/audit?page=2"}, Rows: []AuditRow{
			{At: "2026-11-22 10:02:41", ISO: "2026-11-22T10:02:41+09:00", Event: "2fa.enrol", Actor: "tanaka", From: "192.0.2.24", Target: "tanaka", Result: ResultSuccess},
			{At: "2026-11-22 09:48:10", ISO: "2026-11-22T09:48:10+09:00", Event: "2fa.reset", Actor: "operator", From: "203.0.113.10", Target: "株式会社サンプル商事 / tanaka", Detail: "メールアドレス変更のため", Result: ResultRefused},
			{At: "2026-11-22 09:31:55", ISO: "2026-11-22T09:31:55+09:00", Event: "signin.factor", Actor: "suzuki", From: "198.51.100.7", Result: ResultFailure},
			{At: "2026-11-15 03:00:00", ISO: "2026-11-15T03:00:00+09:00", Event: "key.create", Target: "2026-11a", Result: ResultSuccess},
		}}, console(NavAudit)),
		screen("admin-audit-empty", func(s *Set) Page[AuditView] { return s.Audit }, AuditView{Action: PathAudit, Query: "ito"}, console(NavAudit)),
		screen("admin-deliveries", func(s *Set) Page[DeliveriesView] { return s.Deliveries }, DeliveriesView{Action: PathDeliveries, Total: 4, Rows: []DeliveryRow{
			{At: "2026-11-22 10:02:41", ISO: "2026-11-22T10:02:41+09:00", To: "tanaka@example.jp", LoginID: "tanaka", Kind: MessageCode, State: DeliveryQueued},
			{At: "2026-11-22 10:01:41", ISO: "2026-11-22T10:01:41+09:00", To: "sato-2fa@example.jp", LoginID: "sato", Kind: MessageReset, State: DeliveryAccepted, Tries: 1, Reply: "250 2.0.0 Ok: queued as 4Xk2", DoneAt: "2026-11-22 10:01:42"},
			{At: "2026-11-22 09:58:03", ISO: "2026-11-22T09:58:03+09:00", To: "sato-2fa@example.jp", Kind: MessageCode, State: DeliveryFailed, Tries: 4, Reply: "550 5.1.1 User unknown"},
			{At: "2026-11-22 09:40:03", ISO: "2026-11-22T09:40:03+09:00", To: "suzuki@example.jp", Kind: MessageCode, State: DeliveryExpired, Tries: 9},
			{At: "2026-11-22 09:39:03", ISO: "2026-11-22T09:39:03+09:00", To: "suzuki@example.jp", Kind: MessageCode, State: DeliveryCancelled},
		}, Pager: pager}, console(NavDeliveries)),
		screen("admin-deliveries-empty", func(s *Set) Page[DeliveriesView] { return s.Deliveries }, DeliveriesView{Action: PathDeliveries, State: DeliveryFailed}, console(NavDeliveries)),
		screen("api-reference", func(s *Set) Page[APIReferenceView] { return s.APIReference }, APIReferenceView{
			DocumentURL: "/api/v1/openapi.json", Scopes: []APIScope{{Name: "api:customers.read"}, {Name: "api:customers.write"}},
			Operations: []APIOperation{
				{ID: "listCustomers", Method: "GET", Path: "/api/v1/customers", Scope: "api:customers.read", Status: 200, Problems: []string{"invalid"}, Parameters: []APIField{{Name: "limit", Type: "integer", Optional: true}}, Answer: []APIField{{Name: "items/id", Type: "string"}}},
				{ID: "createCustomer", Method: "POST", Path: "/api/v1/customers", Scope: "api:customers.write", Status: 201, Body: []APIField{{Name: "code", Type: "string"}}, Answer: []APIField{{Name: "id", Type: "string"}}, Problems: []string{"invalid"}},
			},
			Problems: []APIProblem{{Code: "invalid", Status: 422}},
		}),
		screen("admin-operators", func(s *Set) Page[OperatorsView] { return s.Operators }, OperatorsView{Total: 2, NewURL: "/admin/operators/new", Rows: []OperatorRow{
			{Name: "operator", LoginID: "operator", Role: text("role.administrator"), EditURL: "/admin/operators/1", TwoFactorURL: "/admin/operators/1/two-factor", Use: true, Kind: KindEmail, LastSignIn: "2026-11-22 09:14", LastSignISO: "2026-11-22T09:14:00+09:00"},
			{Name: "support", LoginID: "support", Role: text("role.support"), EditURL: "/admin/operators/2", TwoFactorURL: "/admin/operators/2/two-factor", Disabled: true},
		}}, console(NavOperators)),
	}
}

// TestGallery writes the screens as static files when -gallery names a directory.
func TestGallery(t *testing.T) {
	if *galleryDir == "" {
		t.Skip("no -gallery directory")
	}
	set := newSet(t)
	var index strings.Builder
	index.WriteString("<!DOCTYPE html><meta charset=utf-8><title>Gallery</title><ul>")
	for _, name := range []string{"app.css", "app.js", "icon.svg"} {
		file := filepath.Join(*galleryDir, filepath.FromSlash(set.AssetPath(name)))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, set.assets[name].body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, lang := range Langs() {
		for _, f := range fixtures(textIn(set, lang)) {
			body, err := f.render(set, Frame{Lang: lang, Path: "/" + f.name})
			if err != nil {
				t.Fatalf("%s: %v", f.name, err)
			}
			page := strings.ReplaceAll(string(body), `"/assets/`, `"assets/`)
			file := f.name + "." + string(lang) + ".html"
			if err := os.WriteFile(filepath.Join(*galleryDir, file), []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&index, `<li><a href="%s">%s</a>`, file, file)
		}
	}
	for _, m := range mails() {
		for _, lang := range Langs() {
			msg, err := m.build(set, lang)
			if err != nil {
				t.Fatalf("%s: %v", m.name, err)
			}
			file := filepath.Join(*galleryDir, "mail-"+m.name+"."+string(lang))
			if err := os.WriteFile(file+".html", []byte(msg.HTML), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file+".txt", []byte(msg.Subject+"\n\n"+msg.Text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(*galleryDir, "index.html"), []byte(index.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
