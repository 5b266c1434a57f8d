package templates

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

// messageScreen is the page of a message in one state.
func messageScreen(name string, v MessageView, steps ...MessageStep) fixture {
	v.BackURL, v.Kind, v.To = PathDeliveries, MessageCode, "sato-2fa@example.jp"
	switch v.Channel {
	case "sms":
		v.To = "+819012345678"
	case "push":
		v.To, v.Kind = "マイページ", MessageSignOut
	}
	v.Steps = append([]MessageStep{{Kind: StepCreated}}, steps...)
	for i := range v.Steps {
		if v.Steps[i].Kind != StepWaiting {
			v.Steps[i].At, v.Steps[i].ISO = fmt.Sprintf("2026-11-22 10:02:4%d", i), fmt.Sprintf("2026-11-22T10:02:4%d+09:00", i)
		}
	}
	return screen("admin-message-"+name, func(s *Set) Page[MessageView] { return s.Message }, v, console(NavDeliveries))
}

// dashboard is the console's first page on a Sunday.
func dashboard() DashboardView {
	v := DashboardView{
		At: "2026-11-22 10:15:02", ISO: "2026-11-22T10:15:02+09:00", Accounts: 2412, Enrolled: 2074, Failed: 3, Bounced: 1, Resets7: 4, Resets30: 19,
		CustomersURL: PathCustomers + "?status=none", FailedURL: PathDeliveries + "?state=failed", BouncedURL: PathDeliveries + "?state=bounced", ResetsURL: PathAudit + "?kind=2fa", SettingsURL: PathSettings,
		Clients:  &DashboardClients{Active: 4, Disabled: 1, Rotating: 1, URL: PathClients, DisabledURL: PathClients + "?state=disabled", RotatingURL: PathClients + "?state=rotating"},
		Methods:  []DashboardMethod{{Kind: KindPasskey, Accounts: 313}, {Kind: KindTOTP, Accounts: 579}, {Kind: KindSMS, Accounts: 121}, {Kind: KindEmail, Accounts: 1399, Bounced: 7}},
		Surfaces: []DashboardSurface{{ID: "admin", Enforced: true, Accounts: 12}, {ID: "store", Accounts: 2400, Unset: 338, Unreachable: 3, Stopped: 2}},
	}
	for i := range 30 {
		day := DashboardDay{SignIns: 1900 + int64(i*37%211), Failed: 30 + int64(i*13%29)}
		if i%7 == 1 || i%7 == 2 {
			day = DashboardDay{SignIns: 750 + int64(i), Failed: 14}
		}
		date := time.Date(2026, 10, 24+i, 0, 0, 0, 0, time.UTC)
		day.Date, day.Label = date.Format(time.DateOnly), date.Format("1/2")
		v.Days = append(v.Days, day)
	}
	return v
}

func keyConfirm(s *Set) Page[KeyConfirmView] { return s.KeyConfirm }

// keysFixture has a key in every state.
func keysFixture() KeysView {
	v := KeysView{
		JWKSURL: "https://id.example.jp/jwks", RotateURL: "/admin/keys/rotate", ResealURL: "/admin/keys/reseal", Days: 90,
		Reseal: &ResealStatus{State: "done", Part: 9, Parts: 9, Resealed: 41207, At: "2026-11-20 02:11:40", ISO: "2026-11-20T02:11:40+09:00"},
	}
	for _, k := range [][2]string{
		{"qH1kKjT8yoyS5Cxu3ZlXvO7wzTTdsmD3hQJmrlX_p0E", KeyWaiting},
		{"2GeiSw-8hCVbzCMbg2Q1YqJ9cCdvGjsPdg6yYcMiCWo", KeySigning},
		{"b8p1Tu3YAAGxJj2CSyB0FJgs4P3ZbrOa0Kk0C1uJx9I", KeyRetired},
		{"0x6vPdCLoPIVKzcOlhPmGsZQAs9bLVFmDzHRj6x5Qnw", KeyGone},
		{"Z3t9SgjmT7P2dOaw8nM2iSFsTnmUoLJk7WcO0RkgyEs", KeyRevoked},
	} {
		row := KeyRow{ID: k[0], Alg: "ES256", State: k[1], CreatedAt: "2026-08-15 03:00:00", CreatedISO: "2026-08-15T03:00:00+09:00"}
		if k[1] != KeyWaiting {
			row.SignsFrom, row.SignsISO = "2026-09-15 03:00:00", "2026-09-15T03:00:00+09:00"
		}
		if k[1] == KeyRetired || k[1] == KeyGone || k[1] == KeyRevoked {
			row.PublishedUntil, row.EndISO = "2026-11-29 03:00:00", "2026-11-29T03:00:00+09:00"
		}
		if k[1] != KeyGone && k[1] != KeyRevoked {
			row.RevokeURL = "/admin/keys/" + k[0] + "/revoke"
		}
		v.Keys = append(v.Keys, row)
	}
	return v
}

// rolesFixture is the table of rights with the roles there always are and one more.
func rolesFixture(text func(key string, args ...any) string) RolesView {
	v := RolesView{OperatorsURL: PathOperators, NewURL: PathRoles + "/new"}
	held := map[string]string{"administrator": "view see_addresses reset manage_roles", "support": "view see_addresses reset", "auditor": "view", "read_only": "view", "1": "view reset"}
	ids := []string{"administrator", "support", "auditor", "read_only", "1"}
	for i, id := range ids {
		c := RoleColumn{Name: text("role." + id), Holders: 4 - i, EditURL: "/admin/roles/" + id}
		if id == "1" {
			c.Name = "夜間担当"
		}
		v.Roles = append(v.Roles, c)
	}
	for _, right := range []string{"view", "see_addresses", "reset", "manage_roles"} {
		row := RightRow{Right: right}
		for i, id := range ids {
			row.Held = append(row.Held, RoleCell{Role: v.Roles[i].Name, Held: strings.Contains(held[id], right)})
		}
		v.Rights = append(v.Rights, row)
	}
	return v
}

// settingsFixture are settings of every part and every kind, some of them set.
func settingsFixture() []ClientPart {
	choice := func(chosen string, values ...string) (out []Option) {
		for _, v := range values {
			out = append(out, Option{Value: v, Label: v, Selected: v == chosen})
		}
		return out
	}
	return []ClientPart{
		{Name: "basic", Settings: []ClientSetting{
			{Name: "application_type", Kind: SettingChoice, Options: choice("web", "web", "native")},
			{Name: "profile", Kind: SettingChoice, Options: choice("fapi2", "", "fapi2")},
			{Name: "contacts", Kind: SettingLines},
		}},
		{Name: "return", Settings: []ClientSetting{{Name: "initiate_login_uri", Kind: SettingLine}}},
		{Name: "auth", Settings: []ClientSetting{
			{Name: "jwks", Kind: SettingLines, Value: "{\n  \"keys\": []\n}"},
			{Name: "jwks_uri", Kind: SettingLine},
			{Name: "token_endpoint_auth_signing_alg", Kind: SettingChoice, Options: choice("", "", "PS256", "ES256")},
		}},
		{Name: "request", Settings: []ClientSetting{
			{Name: "require_pushed_authorization_requests", Kind: SettingBox, Checked: true},
			{Name: "require_signed_request_object", Kind: SettingBox},
			{Name: "request_object_signing_alg", Kind: SettingChoice, Options: choice("", "", "PS256")},
			{Name: "min_acr", Kind: SettingChoice, Options: choice("phr", "", "phr")},
			{Name: "default_acr_values", Kind: SettingLines},
			{Name: "default_max_age", Kind: SettingNumber, Value: "3600"},
			{Name: "require_auth_time", Kind: SettingBox},
		}},
		{Name: "token", Settings: []ClientSetting{
			{Name: "access_token_format", Kind: SettingChoice, Options: choice("opaque", "opaque", "jwt")},
			{Name: "dpop_bound_access_tokens", Kind: SettingBox},
			{Name: "resources", Kind: SettingLines},
			{Name: "resource_servers", Kind: SettingLines},
			{Name: "access_token_lifetime", Kind: SettingNumber},
			{Name: "refresh_token_lifetime", Kind: SettingNumber},
			{Name: "id_token_lifetime", Kind: SettingNumber},
			{Name: "userinfo_signed_response_alg", Kind: SettingChoice, Options: choice("", "", "ES256")},
			{Name: "introspection_signed_response_alg", Kind: SettingChoice, Options: choice("", "", "ES256")},
			{Name: "subject_type", Kind: SettingChoice, Options: choice("public", "public", "pairwise")},
			{Name: "sector_identifier_uri", Kind: SettingLine},
		}},
		{Name: "logout", Settings: []ClientSetting{
			{Name: "backchannel_logout_session_required", Kind: SettingBox},
			{Name: "frontchannel_logout_uri", Kind: SettingLine},
			{Name: "frontchannel_logout_session_required", Kind: SettingBox},
		}},
		{Name: "consent", Settings: []ClientSetting{
			{Name: "third_party", Kind: SettingBox},
			{Name: "client_uri", Kind: SettingLine, Value: "https://store.example.jp/"},
			{Name: "policy_uri", Kind: SettingLine},
			{Name: "tos_uri", Kind: SettingLine},
		}},
	}
}

// clientFixture is the form of the demo's store, as an application.
func clientFixture(options func(chosen string, values ...string) []Option) ClientFields {
	return ClientFields{
		Action: "/admin/clients/store", BackURL: PathClients, Version: "1", ID: "store", Name: "ストア", People: true,
		Surfaces: []Option{{Value: "admin", Label: "管理画面"}, {Value: "store", Label: "ストア画面", Selected: true}},
		Methods:  options("client_secret_basic", "client_secret_basic", "client_secret_post", "none"), Algs: options("ES256", "ES256", "RS256", "EdDSA"),
		Redirects: "http://localhost:8081/callback", PostLogout: "http://localhost:8081/", Backchannel: "http://localhost:8081/backchannel", PKCE: true,
		Grants: []ClientBox{{Field: "grant-authorization_code", Value: "authorization_code", Checked: true}, {Field: "grant-refresh_token", Value: "refresh_token", Checked: true}, {Field: "grant-client_credentials", Value: "client_credentials"}, {Field: "grant-urn:ietf:params:oauth:grant-type:token-exchange", Value: "urn:ietf:params:oauth:grant-type:token-exchange"}},
		Scopes: []ClientBox{{Field: "scope-openid", Value: "openid", Checked: true, Fixed: true}, {Field: "scope-profile", Value: "profile", Checked: true}, {Field: "scope-offline_access", Value: "offline_access"}},
		Parts:  settingsFixture(),
		Powers: []ClientBox{{Field: "scope-api:accounts.read", Value: "api:accounts.read"}, {Field: "scope-api:operators", Value: "api:operators", Fixed: true}},
	}
}

// clientScreens are the pages of applications.
func clientScreens(text func(key string, args ...any) string, errorsOf func(pairs ...string) map[string]string) []fixture {
	options := func(chosen string, values ...string) (out []Option) {
		for _, v := range values {
			out = append(out, Option{Value: v, Label: v, Selected: v == chosen})
		}
		return out
	}
	form := func(s *Set) Page[ClientFormView] { return s.ClientForm }
	page := func(s *Set) Page[ClientView] { return s.Client }
	secret := func(s *Set) Page[ClientSecretView] { return s.ClientSecret }
	issued := func(s *Set) Page[ClientIssuedView] { return s.ClientIssued }
	turn := func(s *Set) Page[ClientSwitchView] { return s.ClientSwitch }
	gone := func(s *Set) Page[ClientDeleteView] { return s.ClientDelete }
	streamDelete := func(s *Set) Page[StreamDeleteView] { return s.StreamDelete }
	list := func(s *Set) Page[ClientsView] { return s.Clients }
	connect := ClientConnect{Guide: "docs/guides/README.md", Facts: []Fact{{Label: "issuer", Value: "https://id.example.jp"}, {Label: "client_id", Value: "store"}, {Label: "discovery", Value: "https://id.example.jp/.well-known/openid-configuration"}, {Label: "scope", Value: "openid profile email offline_access"}}}
	one := ClientView{
		ClientFields: clientFixture(options), Title: "ストア", SurfaceID: "store", LastAt: "2026-11-22 10:14", LastISO: "2026-11-22T10:14:00+09:00", SecretAt: "2026-06-01 09:00", Connect: connect,
		SecretURL: "/admin/clients/store/secret", SwitchURL: "/admin/clients/store/state", DeleteURL: "/admin/clients/store/delete",
	}
	rotating, broken, locked := one, one, one
	locked.RegisteredAt, locked.RegisteredBy = "2026-11-22 10:15", "マーケット連携"
	broken.RegisteredAt = "2026-11-22 10:15"
	one.Folded = true
	one.Customer, one.CustomerURL, one.Group = "株式会社サンプル商事", PathCustomers+"/1", "本社"
	rotating.FormerUntil, rotating.FormerUsed, rotating.EndAction, rotating.Disabled = "2026-11-23 10:15", "2026-11-22 10:14", "/admin/clients/store/former-secret", "2026-11-22 10:15"
	broken.FormerUntil = "2026-11-23 10:15"
	rotating.Streams = []ClientStream{
		{ID: "1", Description: "本番", Endpoint: "https://store.example.jp/security-events/receiver", Status: "enabled", Waiting: 2, Sent: 120, Failed: 1, SentAt: "2026-11-22 10:14", Reply: "400 invalid_key", Action: "/admin/clients/store/streams/1", DeleteURL: "/admin/clients/store/streams/1/delete"},
		{ID: "2", Polled: true, Status: "paused", ByStaff: true, Waiting: 4, SentAt: "2026-11-22 10:14", Action: "/admin/clients/store/streams/2", DeleteURL: "/admin/clients/store/streams/2/delete"},
		{ID: "3", Polled: true, Status: "disabled"},
	}
	broken.Errors = errorsOf("name", text(MsgClientName), "surface", text(MsgClientSurface), "redirect_uris", text(MsgClientURI, "n", 2, "uri", "http://store.example.jp/cb"), "post_logout_redirect_uris", text(MsgClientURIScheme, "n", 1, "uri", "jp.example.app:/"), "backchannel_logout_uri", text(MsgClientBackchannel), "auth_method", text(MsgClientAuth), "grant_types", text(MsgClientRefresh), "scopes", text(MsgClientScope, "scope", "a"), "id_token_alg", text(MsgClientAlg))
	locked.ReadOnly, locked.SecretURL, locked.SwitchURL, locked.DeleteURL, locked.PKCEFixed = true, "", "", "", true
	unreadable := one
	unreadable.ReadOnly, unreadable.Unreadable, unreadable.SecretURL = true, true, ""
	web := clientFixture(options)
	web.Action, web.BackURL, web.Kind, web.ID, web.Name, web.Version, web.Powers, web.Redirects, web.PostLogout = "/admin/register-client/web", "/admin/register-client", "web", "", "", "", nil, "", ""
	native, service := web, clientFixture(options)
	native.Kind, native.Errors = "native", errorsOf("id", text(MsgClientIDTaken), "redirect_uris", text(MsgClientRedirects))
	service.Action, service.BackURL, service.Kind, service.Scopes, service.Surfaces, service.People, service.Version = "/admin/register-client/service", "/admin/register-client", "service", nil, nil, false, ""
	service.OtherScopes, service.Errors = "stock read", errorsOf("scopes", text(MsgClientScope, "scope", "stock read"))
	one.LogoURL, one.LogoPage, one.ScimURL = "/assets/icon.svg", "/admin/clients/store/logo", "/admin/clients/store/provisioning"
	opened := one
	opened.Customer = ""
	opened.Errors = errorsOf(
		"jwks", text("client.wrong.jwks_private", "n", 2), "jwks_uri", text("client.wrong.jwks_both"), "profile", text("client.wrong.fapi_par"),
		"access_token_lifetime", text("client.wrong.range", "min", 60, "max", 86400), "require_signed_request_object", text("client.wrong.jwks_missing"),
		"min_acr", text("client.wrong.one_of", "values", "phr"), "resources", text("client.wrong.resource", "uri", "/x"), "contacts", text("client.wrong.contact", "contact", "x"),
		"frontchannel_logout_uri", text("client.wrong.frontchannel"), "third_party", text("client.wrong.third_party"), "initiate_login_uri", text("client.wrong.uri"),
		"sector_identifier_uri", text("client.wrong.sector"),
	)
	device := native
	device.Kind, device.Errors, device.Methods = "device", nil, nil
	logo := func(s *Set) Page[ClientLogoView] { return s.ClientLogo }
	scim := func(s *Set) Page[ClientScimView] { return s.ClientScim }
	place := ClientLogoView{Action: "/admin/clients/store/logo", BackURL: "/admin/clients/store", ID: "store", Name: "ストア", Kinds: "image/png,image/jpeg", MaxKB: 512, MaxSide: 1024}
	kept := ClientScimView{
		Action: "/admin/clients/store/provisioning", BackURL: "/admin/clients/store", ID: "store", Name: "ストア", Code: "C-100248", Customer: "株式会社サンプル商事",
		Groups: []Option{{Value: "1", Label: "本社", Selected: true}, {Value: "2", Label: "東京支店"}}, Kept: "株式会社サンプル商事", KeptGroup: "本社", EndAction: "/admin/clients/store/provisioning/end",
	}
	chosen, unknown, bare := kept, kept, place
	chosen.Errors = errorsOf("group", text("client.wrong.group"))
	unknown.Groups, unknown.EndAction, unknown.Errors = nil, "", errorsOf("code", text(MsgCodeUnknown))
	bare.Errors = errorsOf("file", text("client.wrong.logo_side", "max", 1024))
	place.LogoURL, place.RemoveAction = "/assets/icon.svg", "/admin/clients/store/logo/remove"
	overlaps := options("24h", "now", "1h", "24h", "7d")
	return []fixture{
		screen("admin-clients", list, ClientsView{Action: PathClients, NewURL: "/admin/register-client", Pager: Pager{Next: PathClients + "?after=sync"}, Rows: []ClientRow{
			{Name: "ストア", ID: "store", URL: "/admin/clients/store", Surface: "store", Method: "client_secret_basic", LastAt: "2026-11-22 10:14", LastISO: "2026-11-22T10:14:00+09:00", FormerUntil: "2026-11-23 10:15", FormerUsed: "2026-11-22 10:14"},
			{Name: "マイページ", ID: "mypage", URL: "/admin/clients/mypage", Surface: "store", Method: "client_secret_post", Disabled: true, FormerUntil: "2026-11-23 10:15"},
			{Name: "在庫連携", ID: "sync", URL: "/admin/clients/sync", Surface: "admin", Method: "none"},
			{Name: "外部サービス", ID: "xk2m4q7t", URL: "/admin/clients/xk2m4q7t", Surface: "store", Method: "client_secret_basic", Registered: true},
		}, TokensURL: "/admin/registration-tokens"}, console(NavClients), flash(text(FlashDeleted), "")),
		screen("admin-registration-tokens", func(s *Set) Page[RegistrationTokensView] { return s.RegistrationTokens }, RegistrationTokensView{Action: "/admin/registration-tokens", BackURL: PathClients, Days: "7", Uses: "1", Rows: []RegistrationTokenRow{
			{Label: "マーケット連携", State: "live", CreatedBy: "admin", Uses: 3, MaxUses: 10, CreatedAt: "2026-11-22 10:00", CreatedISO: "2026-11-22T10:00:00+09:00", ExpiresAt: "2026-11-29 10:00", ExpiresISO: "2026-11-29T10:00:00+09:00", RevokeURL: "/admin/registration-tokens/1/revoke"},
			{Label: "試験", State: "used_up", CreatedBy: "admin", Uses: 1, MaxUses: 1, CreatedAt: "2026-11-20 10:00", CreatedISO: "2026-11-20T10:00:00+09:00", ExpiresAt: "2026-11-27 10:00", ExpiresISO: "2026-11-27T10:00:00+09:00"},
			{Label: "旧システム", State: "expired", CreatedBy: "admin", MaxUses: 1, CreatedAt: "2026-10-20 10:00", CreatedISO: "2026-10-20T10:00:00+09:00", ExpiresAt: "2026-10-27 10:00", ExpiresISO: "2026-10-27T10:00:00+09:00"},
			{Label: "誤って発行", State: "revoked", CreatedBy: "admin", MaxUses: 1, CreatedAt: "2026-10-20 10:00", CreatedISO: "2026-10-20T10:00:00+09:00", ExpiresAt: "2026-10-27 10:00", ExpiresISO: "2026-10-27T10:00:00+09:00"},
		}}, console(NavClients)),
		screen("admin-registration-tokens-invalid", func(s *Set) Page[RegistrationTokensView] { return s.RegistrationTokens }, RegistrationTokensView{Action: "/admin/registration-tokens", BackURL: PathClients, Days: "900", Uses: "0", Errors: map[string]string{"label": "用途を入力してください。", "days": "有効日数は1〜90の数字で入力してください。", "uses": "登録できる数は1〜1000の数字で入力してください。"}}, console(NavClients)),
		screen("admin-registration-token-issued", func(s *Set) Page[RegistrationTokenIssuedView] { return s.RegistrationTokenIssued }, RegistrationTokenIssuedView{BackURL: "/admin/registration-tokens", Label: "マーケット連携", Token: "ia_Yx3vGm0Q9mJm8q2n7rB1sT5uW0zC4dE6fH8jK1lM3oP", Endpoint: "https://id.example.jp/register"}, console(NavClients)),
		screen("admin-registration-token-issued-gone", func(s *Set) Page[RegistrationTokenIssuedView] { return s.RegistrationTokenIssued }, RegistrationTokenIssuedView{BackURL: "/admin/registration-tokens", Endpoint: "https://id.example.jp/register"}, console(NavClients)),
		screen("admin-registration-token-revoke", func(s *Set) Page[RegistrationTokenRevokeView] { return s.RegistrationTokenRevoke }, RegistrationTokenRevokeView{Action: "/admin/registration-tokens/1/revoke", BackURL: "/admin/registration-tokens", Token: RegistrationTokenRow{Label: "マーケット連携", State: "live", CreatedBy: "admin", Uses: 3, MaxUses: 10, CreatedAt: "2026-11-22 10:00", CreatedISO: "2026-11-22T10:00:00+09:00", ExpiresAt: "2026-11-29 10:00", ExpiresISO: "2026-11-29T10:00:00+09:00"}}, console(NavClients)),
		screen("admin-client-stream-delete", streamDelete, StreamDeleteView{Action: "/d", BackURL: "/b", ID: "store", Name: "ストア", Stream: rotating.Streams[0]}, console(NavClients)),
		screen("admin-client-stream-delete-polled", streamDelete, StreamDeleteView{Action: "/d", BackURL: "/b", ID: "store", Name: "ストア", Stream: rotating.Streams[2]}, console(NavClients)),
		screen("admin-clients-none", list, ClientsView{Action: PathClients, NewURL: "/admin/register-client"}, console(NavClients)),
		screen("admin-clients-filtered", list, ClientsView{Action: PathClients, Query: "x", State: "rotating", NewURL: "/admin/register-client", Filtered: true}, console(NavClients)),
		screen("admin-client-kinds", func(s *Set) Page[ClientKindsView] { return s.ClientKinds }, ClientKindsView{BackURL: PathClients, Kinds: []ClientKind{{"web", "/w"}, {"browser", "/b"}, {"native", "/n"}, {"service", "/s"}, {"device", "/d"}}}, console(NavClients)),
		screen("admin-client-new", form, ClientFormView{web}, console(NavClients)),
		screen("admin-client-new-native", form, ClientFormView{native}, console(NavClients)),
		screen("admin-client-new-service", form, ClientFormView{service}, console(NavClients)),
		screen("admin-client", page, one, console(NavClients), flash(text(FlashSaved), "")),
		screen("admin-client-rotating", page, rotating, console(NavClients)),
		screen("admin-client-error", page, broken, console(NavClients)),
		screen("admin-client-locked", page, locked, console(NavClients)),
		screen("admin-client-unreadable", page, unreadable, console(NavClients)),
		screen("admin-client-new-device", form, ClientFormView{device}, console(NavClients)),
		screen("admin-client-settings-error", page, opened, console(NavClients)),
		screen("admin-client-logo", logo, place, console(NavClients)),
		screen("admin-client-logo-error", logo, bare, console(NavClients)),
		screen("admin-client-scim", scim, kept, console(NavClients)),
		screen("admin-client-scim-lacks", scim, ClientScimView{Action: "/p", BackURL: "/b", ID: "store", Name: "ストア", Lacks: true, Errors: errorsOf(FormError, text(MsgClientSCIM))}, console(NavClients)),
		screen("admin-client-scim-group", scim, chosen, console(NavClients)),
		screen("admin-client-scim-code", scim, unknown, console(NavClients)),
		screen("admin-client-secret", secret, ClientSecretView{Action: "/s", BackURL: "/b", ID: "store", Name: "ストア", Overlaps: overlaps, Version: "1"}, console(NavClients)),
		screen("admin-client-secret-error", secret, ClientSecretView{Action: "/s", BackURL: "/b", ID: "store", Name: "ストア", Overlaps: overlaps, Version: "1", FormerUntil: "2026-11-23 10:15", Errors: errorsOf("overlap", text(MsgClientOverlap))}, console(NavClients)),
		screen("admin-client-registered", issued, ClientIssuedView{BackURL: "/b", ID: "store", Name: "ストア", Secret: "Yx3vGm0Q9mJm8q2n7rB1sT5uW0zC4dE6fH8jK1lM3oP", New: true, Connect: connect}, console(NavClients)),
		screen("admin-client-registered-public", issued, ClientIssuedView{BackURL: "/b", ID: "app", Name: "アプリ", New: true, Connect: connect}, console(NavClients)),
		screen("admin-client-issued", issued, ClientIssuedView{BackURL: "/b", ID: "store", Name: "ストア", Secret: "Yx3vGm0Q9mJm8q2n7rB1sT5uW0zC4dE6fH8jK1lM3oP", FormerUntil: "2026-11-23 10:15", Connect: connect}, console(NavClients)),
		screen("admin-client-issued-now", issued, ClientIssuedView{BackURL: "/b", ID: "store", Name: "ストア", Secret: "Yx3vGm0Q9mJm8q2n7rB1sT5uW0zC4dE6fH8jK1lM3oP", Connect: connect}, console(NavClients)),
		screen("admin-client-issued-gone", issued, ClientIssuedView{BackURL: "/b", ID: "store", Name: "ストア", Connect: connect}, console(NavClients)),
		screen("admin-client-disable", turn, ClientSwitchView{Action: "/s", BackURL: "/b", ID: "store", Name: "ストア", Grants: 1204, Accounts: 338}, console(NavClients)),
		screen("admin-client-enable", turn, ClientSwitchView{Action: "/s", BackURL: "/b", ID: "store", Name: "ストア", Disabled: true}, console(NavClients)),
		screen("admin-client-delete", gone, ClientDeleteView{Action: "/d", BackURL: "/b", ID: "store", Name: "ストア", Version: "1", Errors: errorsOf("typed", text(MsgClientTyped))}, console(NavClients)),
	}
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
	pass := func(s *Set) Page[ChallengePassView] { return s.ChallengePass }
	exempt := func(s *Set) Page[ExemptView] { return s.Exempt }
	exemptions := func(s *Set) Page[ExemptionsView] { return s.Exemptions }
	issuePass := func(s *Set) Page[PassView] { return s.Pass }
	issued := func(s *Set) Page[PassIssuedView] { return s.PassIssued }
	exemption := ExemptionState{Since: "2026-11-22 10:15", Until: "2026-11-24 10:15", UntilISO: "2026-11-24T10:15:00+09:00", By: "support", Reason: "スマートフォンの故障のため（問い合わせ番号 12345）", EndAction: "/admin/accounts/3/two-factor/exemption/end", Version: "1"}
	openPass := &PassState{Until: "2026-11-22 10:45", By: "support", WithdrawAction: "/admin/accounts/3/two-factor/pass/withdraw"}
	failure := func(s *Set) Page[ErrorView] { return s.Error }
	security := func(s *Set) Page[SecurityView] { return s.Security }
	consent := func(s *Set) Page[ConsentView] { return s.Consent }
	asksConsent := ConsentView{
		Action: "/signin/consent?flow=1", CancelAction: "/signin/cancel?flow=1", App: "ミナト経費", ThirdParty: true,
		AppURL: "https://minato.example/", AppHost: "minato.example", Name: "佐藤 陽子", LoginID: "sato", Account: "1", ReturnHost: "app.minato.example",
		PolicyURL: "https://minato.example/privacy", TermsURL: "https://minato.example/terms",
		Scopes: []ScopeLine{{Scope: "profile", Values: []string{"佐藤 陽子", "sato"}}, {Scope: "email", Values: []string{"sato@example.jp"}}, {Scope: "offline_access"}, {Scope: "stock:read"}},
	}
	asksMore := asksConsent
	asksMore.LogoURL, asksMore.Problem = "/assets/icon.svg", text(MsgDecide)
	asksMore.Scopes = []ScopeLine{{Scope: "profile", Values: []string{"佐藤 陽子", "sato"}}, {Scope: "offline_access", New: true}}
	removeDevices := func(s *Set) Page[DevicesRemoveView] { return s.DevicesRemove }
	order := func(s *Set) Page[FactorOrderView] { return s.FactorOrder }
	remove := func(s *Set) Page[FactorRemoveView] { return s.FactorRemove }
	undo := func(s *Set) Page[AddressUndoView] { return s.AddressUndo }
	undone := func(s *Set) Page[AddressUndoneView] { return s.AddressUndone }
	account := func(s *Set) Page[AccountFormView] { return s.AccountForm }
	account2fa := func(s *Set) Page[AccountTwoFactorView] { return s.AccountTwoFactor }
	reset := func(s *Set) Page[AccountResetView] { return s.AccountReset }
	customers := func(s *Set) Page[CustomersView] { return s.Customers }
	importPage := func(s *Set) Page[ImportView] { return s.Import }
	importRun := func(s *Set) Page[ImportRunView] { return s.ImportRun }
	found := []ImportFinding{
		{Line: 17, Column: "login_id", Value: "5 characters, ASCII", Reason: "半角英数字で入力してください。", Refused: true},
		{Line: 230, Column: "method", Value: "5 characters, ASCII", Reason: "ここで本人が設定した認証方式を残しました。"},
		{Line: 231, Reason: "この行の列の数が見出しと合いません。", Refused: true},
	}
	customer := func(s *Set) Page[CustomerView] { return s.Customer }

	held := []HeldClient{{Name: "ストア", RefreshTokens: 2}, {Name: "マイページ"}}
	more := ResetMore{Form: "f", Checks: []ResetCheck{{Name: "callback", Field: "check-callback", Checked: true}, {Name: "contract", Field: "check-contract"}, {Name: "manager", Field: "check-manager"}}, Inquiry: "12345", Note: "折り返し済み\n<b>x</b>", Ticket: true, Handover: HandoverMail, Mail: "sato@example.jp", MaxInquiry: 40, MaxNote: 500}
	notices := []Notice{{To: "マイページ", Party: true, State: DeliveryAccepted, Reply: "200", Tries: 1, DoneAt: "2026-11-22 10:15"}, {To: "sato-2fa@example.jp", State: DeliveryQueued, Reply: "451 4.7.1 try again later", Tries: 2}, {To: "sato@example.jp", State: DeliveryAccepted, Reply: "250 2.0.0 Ok: queued as 4XyZ", Tries: 1, DoneAt: "2026-11-22 10:15"}, {To: "x@example.jp", State: DeliveryFailed, Reply: "550 5.1.1 no such user"}, {To: "y@example.jp", State: DeliveryExpired}, {To: "z@example.jp", State: DeliveryCancelled}}
	shownTicket := TicketState{Code: "1234 5678", DoneAction: "/admin/accounts/3/two-factor/ticket/done", Live: true, ExpiresAt: "2026-11-22 10:45", NewURL: "/admin/accounts/3/two-factor/ticket"}
	mailedTicket := TicketState{Live: true, ExpiresAt: "2026-11-22 10:45", Mail: &notices[0], RefreshURL: "/admin/resets/1", NewURL: "/admin/accounts/3/two-factor/ticket"}
	ticket := func(s *Set) Page[TicketView] { return s.Ticket }
	resetDone := func(s *Set) Page[ResetDoneView] { return s.ResetDone }
	issue := func(s *Set) Page[TicketIssueView] { return s.AccountTicket }
	bulk := func(s *Set) Page[BulkResetView] { return s.BulkReset }
	bulkAccounts := []BulkAccount{{Name: "佐藤 陽子", LoginID: "sato", Group: "本社", URL: "/admin/accounts/3/two-factor", Use: true, Kinds: []string{KindEmail, KindSMS}, Codes: 10, Devices: 1}, {Name: "田中 一郎", LoginID: "tanaka", Group: "本社", URL: "/admin/accounts/4/two-factor", Use: true, Disabled: true}, {Name: "鈴木 花子", LoginID: "suzuki", Group: "大阪支社", URL: "/admin/accounts/5/two-factor"}}

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
	bulkConfirm := func(s *Set) Page[BulkConfirmView] { return s.BulkConfirm }
	searched := func(s *Set) Page[SearchView] { return s.Search }
	removal := func(s *Set) Page[RemoveView] { return s.Remove }
	rollout := func(s *Set) Page[RolloutView] { return s.Rollout }
	rolloutAccounts := func(s *Set) Page[RolloutAccountsView] { return s.RolloutAccounts }
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
	pager := Pager{First: "/admin/customers", Prev: "/admin/customers?after=b", Next: "/admin/customers?after=d"}
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
		Apps: []SecurityApp{
			{Name: "ミナト経費", Scopes: []string{"openid", "profile", "email", "offline_access"}, GrantedAt: "2026-06-01", GrantISO: "2026-06-01T10:00:00+09:00", RevokeAction: "/account/security/apps/minato/revoke"},
			{Name: "予約", LogoURL: "/assets/icon.svg", Scopes: []string{"openid"}, GrantedAt: "2026-05-01", GrantISO: "2026-05-01T10:00:00+09:00", RevokeAction: "/account/security/apps/yoyaku/revoke"},
		},
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

	all := append(clientScreens(text, errorsOf), []fixture{
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
		screen("challenge-bounced-other", challenge, ChallengeView{Action: "/signin/challenge?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", Kind: KindTOTP, Bounced: &MethodLink{Kind: KindEmail, To: "sa•••••@example.jp", Bounced: true}, MethodsURL: "/signin/challenge/methods?flow=1", BackupURL: "/signin/challenge/backup?flow=1"}),
		screen("challenge-bounced", challenge, ChallengeView{Action: "/signin/challenge?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", To: "sa•••••@example.jp", ToBounced: true, WaitSeconds: 12, MethodsURL: "/signin/challenge/methods?flow=1", BackupURL: "/signin/challenge/backup?flow=1"}),
		screen("challenge-passkey-bounced", passkey, PasskeyChallengeView{Action: "/signin/challenge/passkey?flow=1", OptionsURL: "/signin/challenge/passkey/options?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", MethodsURL: "/signin/challenge/methods?flow=1", Bounced: &MethodLink{Kind: KindSMS, To: "•••-••••-••34", Bounced: true}}),
		screen("challenge-methods-bounced", func(s *Set) Page[ChallengeMethodsView] { return s.ChallengeMethods }, ChallengeMethodsView{LoginID: "sato", CancelAction: "/signin/cancel?flow=1", Methods: []MethodLink{{Kind: KindTOTP, URL: "/signin/challenge/totp?flow=1"}, {Kind: KindEmail, To: "sa•••••@example.jp", URL: "/signin/challenge/email?flow=1", Bounced: true}}}),
		screen("challenge-methods", func(s *Set) Page[ChallengeMethodsView] { return s.ChallengeMethods }, ChallengeMethodsView{LoginID: "sato", CancelAction: "/signin/cancel?flow=1", Methods: []MethodLink{{Kind: KindEmail, To: "sa•••••@example.jp", URL: "/signin/challenge?flow=1"}}, BackupURL: "/signin/challenge/backup?flow=1", BackURL: "/signin/challenge?flow=1", PassURL: "/signin/challenge/pass?flow=1"}),
		screen("challenge-pass", pass, ChallengePassView{Action: "/signin/challenge/pass?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", BackURL: "/signin/challenge/methods?flow=1"}),
		screen("challenge-pass-error", pass, ChallengePassView{Action: "/signin/challenge/pass?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", BackURL: "/signin/challenge/methods?flow=1", NearLimit: true, Errors: errorsOf("code", text(MsgPassWrong))}),
		screen("challenge-backup", backup, ChallengeBackupView{Action: "/signin/challenge/backup?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", BackURL: "/signin/challenge/methods?flow=1"}),
		screen("challenge-backup-foreign", backup, ChallengeBackupView{Action: "/signin/challenge/backup?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", BackURL: "/signin/challenge/methods?flow=1", Foreign: true}),
		screen("challenge-backup-error", backup, ChallengeBackupView{Action: "/signin/challenge/backup?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1", BackURL: "/signin/challenge/methods?flow=1", NearLimit: true, Errors: errorsOf("code", text(MsgBackupWrong))}),
		screen("2fa-ticket", ticket, TicketView{Action: "/signin/ticket?flow=1", LoginID: "sato", CancelAction: "/signin/cancel?flow=1"}),
		screen("2fa-ticket-error", ticket, TicketView{Action: "/signin/ticket?flow=1", LoginID: "support", CancelAction: "/signin/cancel?flow=1", NearLimit: true, Errors: errorsOf("code", text(MsgTicketWrong))}, admin),
		screen("challenge-locked", func(s *Set) Page[LockedView] { return s.Locked }, LockedView{SignInURL: "/signin?flow=1", ForgotURL: PathForgot}),
		screen("device", func(s *Set) Page[DeviceView] { return s.Device }, DeviceView{Action: "/device"}),
		screen("device-error", func(s *Set) Page[DeviceView] { return s.Device }, DeviceView{Action: "/device", Code: "BCDF-GHJK", Errors: errorsOf("user_code", text("device.code_wrong"))}),
		screen("device-confirm", func(s *Set) Page[DeviceConfirmView] { return s.DeviceConfirm }, DeviceConfirmView{Action: "/device/confirm", App: "店頭レジ", LogoURL: "/assets/icon.svg", Code: "BCDF-GHJK", LoginID: "tanaka", Account: "a", Scopes: []string{"openid", "profile", "email", "offline_access", "stock:read"}}),
		screen("device-done", func(s *Set) Page[DeviceDoneView] { return s.DeviceDone }, DeviceDoneView{Allowed: true}),
		screen("device-denied", func(s *Set) Page[DeviceDoneView] { return s.DeviceDone }, DeviceDoneView{}),
		screen("logout", func(s *Set) Page[LogoutView] { return s.Logout }, LogoutView{Action: "/logout", Hidden: []Hidden{{Name: "state", Value: "s"}}, BackURL: "/account/security"}),
		screen("signed-out", func(s *Set) Page[SignedOutView] { return s.SignedOut }, SignedOutView{SignInURL: "/signin/start", ContinueURL: "http://localhost:8081/"}),
		screen("signed-out-frames", func(s *Set) Page[SignedOutView] { return s.SignedOut }, SignedOutView{ContinueURL: "http://localhost:8081/?state=s", Frames: []string{"http://localhost:8081/frontchannel-logout?iss=i&sid=s", "http://localhost:8082/bye"}}),
		screen("consent", consent, asksConsent),
		screen("consent-more", consent, asksMore),
		screen("consent-own", consent, ConsentView{Action: "/signin/consent?flow=1", CancelAction: "/signin/cancel?flow=1", App: "ストア", Name: "佐藤 陽子", LoginID: "sato", Account: "1", Scopes: []ScopeLine{{Scope: "offline_access"}}, ReturnHost: "localhost:8081"}),
		screen("app-revoke", func(s *Set) Page[AppRevokeView] { return s.AppRevoke }, AppRevokeView{Action: "/account/security/apps/1/revoke", BackURL: "/account/security", App: "ミナト経費", Scopes: []string{"openid", "profile", "email", "offline_access"}}),
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
		screen("security-bounced", security, SecurityView{Name: "佐藤 陽子", LoginID: "sato", On: true, Methods: []SecurityMethod{{Kind: KindEmail, Set: true, Main: true, Address: "sa•••••@example.jp", Bounced: true, VerifiedAt: "2025-09-03 17:45", VerifiedISO: "2025-09-03T17:45:22+09:00", URL: "/account/security/email"}}}),
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

		screen("admin-customers", customers, CustomersView{Action: PathCustomers, Status: FilterPartly, Total: 128, Rows: rows, Pager: pager, NewURL: "/admin/customers/new", ImportURL: PathImport}, console(NavCustomers)),
		screen("admin-import", importPage, ImportView{Action: PathImport, BackURL: PathCustomers, Encoding: "utf-8", MaxMB: 64}, console(NavCustomers)),
		screen("admin-import-error", importPage, ImportView{Action: PathImport, BackURL: PathCustomers, Encoding: "shift_jis", MaxMB: 64, Errors: map[string]string{"file": "拡張子が .csv または .ndjson のファイルを選択してください。"}}, console(NavCustomers)),
		screen("admin-import-checking", importRun, ImportRunView{State: ImportChecking, FileName: "people.csv", URL: PathImport + "/1", BackURL: PathCustomers, AgainURL: PathImport}, console(NavCustomers)),
		screen("admin-import-checked", importRun, ImportRunView{State: ImportChecked, FileName: "people.csv", URL: PathImport + "/1", Total: 1280, Done: 1280, Created: 1200, Updated: 30, Unchanged: 48, Refused: 2, StartAction: PathImport + "/1", ReportURL: PathImport + "/1/report.csv", Findings: found, More: 5, BackURL: PathCustomers, AgainURL: PathImport}, console(NavCustomers)),
		screen("admin-import-running", importRun, ImportRunView{State: ImportRunning, FileName: "people.csv", URL: PathImport + "/1", Total: 1280, Done: 600, BackURL: PathCustomers, AgainURL: PathImport}, console(NavCustomers)),
		screen("admin-import-done", importRun, ImportRunView{State: ImportDone, FileName: "people.csv", URL: PathImport + "/1", Total: 1280, Done: 1280, Created: 1280, BackURL: PathCustomers, AgainURL: PathImport}, console(NavCustomers)),
		screen("admin-import-stopped", importRun, ImportRunView{State: ImportStopped, FileName: "people.csv", URL: PathImport + "/1", Problem: "CSV として読み取れません。", ReportURL: PathImport + "/1/report.csv", Findings: found[:1], BackURL: PathCustomers, AgainURL: PathImport}, console(NavCustomers)),
		screen("admin-customers-empty", customers, CustomersView{Action: PathCustomers, Query: `サンプル"><b>`}, console(NavCustomers)),
		screen("admin-customer", customer, CustomerView{Tab: TabGroups, ProfileURL: "/admin/customers/1", GroupsURL: "/admin/customers/1/groups", Name: "株式会社サンプル商事", Code: "C-100248", EditURL: "/admin/customers/1/edit", Groups: groups, NewGroupURL: "/admin/customers/1/groups/new"}, console(NavCustomers)),
		screen("admin-customer-profile", customer, CustomerView{Tab: TabProfile, ProfileURL: "/admin/customers/1", GroupsURL: "/admin/customers/1/groups", Name: "株式会社サンプル商事", Code: "C-100248", EditURL: "/admin/customers/1/edit", Facts: []Fact{{Label: "登録日時", Value: "2026-11-22 10:15"}}}, console(NavCustomers)),
		screen("admin-customer-empty", customer, CustomerView{Tab: TabGroups, ProfileURL: "/admin/customers/1", GroupsURL: "/admin/customers/1/groups", Name: "株式会社サンプル商事", Code: "C-100248"}, console(NavCustomers)),
		screen("admin-customer-new", func(s *Set) Page[CustomerFormView] { return s.CustomerForm }, CustomerFormView{Action: PathCustomers, BackURL: PathCustomers, New: true, Errors: errorsOf("name", text(MsgCustomerName), "code", text(MsgCustomerCode))}, console(NavCustomers)),
		screen("admin-customer-edit", func(s *Set) Page[CustomerFormView] { return s.CustomerForm }, CustomerFormView{Action: "/admin/customers/1", BackURL: "/admin/customers/1", Name: "株式会社サンプル商事", Code: "C-100248", Version: "1"}, console(NavCustomers)),
		screen("admin-group-new", func(s *Set) Page[GroupFormView] { return s.GroupForm }, GroupFormView{Action: "/admin/customers/1/groups", BackURL: "/admin/customers/1/groups", New: true, Customer: "株式会社サンプル商事", CustomerURL: "/admin/customers/1", Errors: errorsOf("name", text(MsgGroupName))}, console(NavCustomers)),
		screen("admin-account", account, AccountFormView{Action: "/admin/accounts/3", BackURL: "/admin/customers/1/groups", Who: place, LoginID: "sato", Name: "佐藤 陽子", Email: "sato@example.jp", Version: "1", TwoFactorURL: "/admin/accounts/3/two-factor", Use: true, Main: main, BackupLeft: 10, Backups: []string{KindTOTP, KindSMS}, PasswordMin: 8, PasswordAction: "/admin/accounts/3/password", ResetMailAction: "/admin/accounts/3/reset-mail", StateAction: "/admin/accounts/3/state", Access: &AccountAccess{Sessions: 2, EndAction: "/admin/accounts/3/sessions/end", Apps: []SecurityApp{{Name: "ミナト経費", Scopes: []string{"openid", "email", "stock:read"}, GrantedAt: "2026-06-01", GrantISO: "2026-06-01T10:00:00+09:00", RevokeAction: "/admin/accounts/3/apps/minato/revoke"}, {Name: "予約", Scopes: []string{"openid"}, GrantedAt: "2026-05-01", GrantISO: "2026-05-01T10:00:00+09:00"}}}}, console(NavCustomers), flash(text(FlashSaved), "")),
		screen("admin-account-new", account, AccountFormView{Action: "/admin/accounts", BackURL: "/admin/customers/1/groups", New: true, PasswordMin: 8, Who: place, Errors: errorsOf("login_id", text(MsgLoginIDBlank), "password", text(MsgPasswordShort, "min", 8))}, console(NavCustomers)),
		screen("admin-account-support", account, AccountFormView{Action: "/admin/accounts/3", BackURL: "/admin/customers/1/groups", Who: place, LoginID: "sato", Name: "佐藤 陽子", Email: "sato@example.jp", Version: "1", Use: true, Access: &AccountAccess{}, ResetMailAction: "/admin/accounts/3/reset-mail", Errors: errorsOf(FormError, text(MsgResetMailLimit))}, console(NavCustomers)),
		screen("admin-operator", account, AccountFormView{Action: "/admin/operators/2", BackURL: PathOperators, Who: AccountRef{Operator: true, Name: "support", LoginID: "support"}, LoginID: "support", Name: "support", Email: "support@example.jp", Roles: []Option{{Value: "administrator", Label: text("role.administrator")}, {Value: "support", Label: text("role.support"), Selected: true}}, TwoFactorURL: "/admin/operators/2/two-factor", Disabled: true, PasswordAction: "/admin/operators/2/password", StateAction: "/admin/operators/2/state", Errors: errorsOf("password", text(MsgPasswordShort, "min", 8))}, console(NavOperators)),
		screen("admin-account-2fa", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Use: true, Main: main, BackupLeft: 10, ResetURL: "/admin/accounts/3/two-factor/reset", Version: "1"}, console(NavCustomers)),
		screen("admin-account-2fa-enforced", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Enforced: true, SettingsURL: PathSettings, Main: main, BackupLeft: 10, Backups: []FactorState{sms}, Devices: devices[:1], ResetURL: "/admin/accounts/3/two-factor/reset", Errors: errorsOf("use", text(MsgOffForbidden))}, console(NavCustomers)),
		screen("admin-account-2fa-all", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Use: true, Main: &passkeys, Backups: []FactorState{totp, sms, *main}, BackupLeft: 2, Devices: devices, DevicesURL: "/admin/accounts/3/two-factor/devices", ResetURL: "/admin/accounts/3/two-factor/reset", Version: "use"}, console(NavCustomers), flash(text(FlashAccountDeviceRemoved), "")),
		screen("admin-account-2fa-masked", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Use: true, Main: &FactorState{Kind: KindSMS, Address: "•••-••••-••34", VerifiedAt: "2025-09-03 17:50:01", VerifiedISO: "2025-09-03T17:50:01+09:00", Disabled: true}, Backups: []FactorState{{Kind: KindEmail, Address: "sa•••••@example.jp", VerifiedAt: "2025-09-03 17:45:22", VerifiedISO: "2025-09-03T17:45:22+09:00"}}, Devices: devices, ReadOnly: true}, console(NavCustomers)),
		screen("admin-account-2fa-devices", func(s *Set) Page[AccountDevicesView] { return s.AccountDevices }, AccountDevicesView{Action: "/admin/accounts/3/two-factor/devices", BackURL: "/admin/accounts/3/two-factor", Who: who, Devices: devices}, console(NavCustomers)),
		screen("admin-account-2fa-devices-none", func(s *Set) Page[AccountDevicesView] { return s.AccountDevices }, AccountDevicesView{Action: "/admin/accounts/3/two-factor/devices", BackURL: "/admin/accounts/3/two-factor", Who: who}, console(NavCustomers)),
		screen("admin-account-2fa-done", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Use: true, ResetURL: "/admin/accounts/3/two-factor/reset"}, console(NavCustomers)),
		screen("admin-account-2fa-spare", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Use: true, Main: main, BackupLeft: 10, ResetURL: "/admin/accounts/3/two-factor/reset", ExemptURL: "/admin/accounts/3/two-factor/exemption", PassURL: "/admin/accounts/3/two-factor/pass", Pass: openPass, Version: "1"}, console(NavCustomers), flash(text(FlashExemptionEnded), "")),
		screen("admin-account-2fa-exempted", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Enforced: true, Main: main, BackupLeft: 10, ResetURL: "/admin/accounts/3/two-factor/reset", Exemption: &exemption, Version: "1"}, console(NavCustomers), flash(text(FlashExempted), "")),
		screen("admin-account-2fa-exempt", exempt, ExemptView{Action: "/admin/accounts/3/two-factor/exemption", BackURL: "/admin/accounts/3/two-factor", Who: who, Hours: []int{2, 24, 72}, Hour: 24}, console(NavCustomers)),
		screen("admin-account-2fa-exempt-error", exempt, ExemptView{Action: "/admin/operators/2/two-factor/exemption", BackURL: "/admin/operators/2/two-factor", Who: operator, Hours: []int{2, 24, 72}, Reason: "x", Errors: errorsOf(FormError, text(MsgExempt), "hours", text(MsgHoursBlank), "reason", text(MsgSpareReasonBlank), "identity", text(MsgIdentityBlank))}, console(NavOperators)),
		screen("admin-account-2fa-pass", issuePass, PassView{Action: "/admin/accounts/3/two-factor/pass", BackURL: "/admin/accounts/3/two-factor", Who: who, Minutes: []int{15, 30, 60}, Minute: 30}, console(NavCustomers)),
		screen("admin-account-2fa-pass-error", issuePass, PassView{Action: "/admin/accounts/3/two-factor/pass", BackURL: "/admin/accounts/3/two-factor", Who: who, Open: openPass, Minutes: []int{15, 30, 60}, Errors: errorsOf(FormError, text(MsgNotDemanded), "minutes", text(MsgMinutesBlank), "reason", text(MsgSpareReasonBlank), "identity", text(MsgIdentityBlank))}, console(NavCustomers)),
		screen("admin-account-2fa-pass-issued", issued, PassIssuedView{BackURL: "/admin/accounts/3/two-factor", Who: who, Code: "1234 5678", Until: "2026-11-22 10:45"}, console(NavCustomers)),
		screen("admin-account-2fa-pass-gone", issued, PassIssuedView{BackURL: "/admin/accounts/3/two-factor", Who: who}, console(NavCustomers)),
		screen("admin-exemptions", exemptions, ExemptionsView{Total: 2, Rows: []ExemptionRow{
			{Name: "佐藤 陽子", LoginID: "sato", Customer: "株式会社サンプル商事", URL: "/admin/accounts/3/two-factor", State: exemption},
			{Operator: true, Name: "support", LoginID: "support", URL: "/admin/accounts/2/two-factor", State: ExemptionState{Since: exemption.Since, Until: exemption.Until, UntilISO: exemption.UntilISO, By: "operator", Reason: `<b>"`}},
		}, Pager: pager}, console(NavExemptions)),
		screen("admin-exemptions-empty", exemptions, ExemptionsView{}, console(NavExemptions)),
		screen("admin-account-2fa-bounced", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Use: true, Main: &FactorState{Kind: KindEmail, Address: "sato-2fa@example.jp", VerifiedAt: "2025-09-03 17:45:22", VerifiedISO: "2025-09-03T17:45:22+09:00", BouncedAt: "2026-11-22 10:02"}, DeliveriesURL: "/admin/deliveries?account=3", Version: "1"}, console(NavCustomers)),
		screen("admin-account-2fa-off", account2fa, AccountTwoFactorView{Action: "/admin/operators/2/two-factor", BackURL: "/admin/operators/2", Who: operator, ReadOnly: true}, console(NavOperators)),
		screen("admin-account-2fa-reset", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset", BackURL: "/admin/accounts/3/two-factor", Who: who, Main: main, BackupLeft: 10, Sessions: 2}, console(NavCustomers)),
		screen("admin-account-2fa-reset-error", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset", BackURL: "/admin/accounts/3/two-factor", Who: who, Errors: errorsOf("reason", text(MsgReasonBlank), "identity", text(MsgIdentityBlank))}, console(NavCustomers)),
		screen("admin-account-2fa-reset-all", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset", BackURL: "/admin/accounts/3/two-factor", Who: who, Main: &passkeys, Backups: []FactorState{totp, sms, *main}, BackupLeft: 2, Devices: 2, Sessions: 1}, console(NavCustomers)),
		screen("admin-account-2fa-reset-main", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset/passkey", BackURL: "/admin/accounts/3/two-factor", Who: who, Method: KindPasskey, Main: &passkeys, Backups: []FactorState{totp, sms, *main}, BackupLeft: 2, Devices: 2, Sessions: 1}, console(NavCustomers)),
		screen("admin-account-2fa-reset-backup", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset/totp", BackURL: "/admin/accounts/3/two-factor", Who: operator, Method: KindTOTP, Main: main, Backups: []FactorState{totp}, BackupLeft: 2, Errors: errorsOf("reason", text(MsgReasonLong, "max", 128))}, console(NavOperators)),
		screen("admin-account-2fa-reset-last", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset/email", BackURL: "/admin/accounts/3/two-factor", Who: who, Method: KindEmail, Main: main, BackupLeft: 2, Devices: 1}, console(NavCustomers)),
		screen("admin-account-2fa-reset-missing", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset/sms", BackURL: "/admin/accounts/3/two-factor", Who: who, Method: KindSMS, Main: main, BackupLeft: 2}, console(NavCustomers)),
		screen("admin-account-2fa-reset-plan", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset", BackURL: "/admin/accounts/3/two-factor", Who: who, Main: main, Backups: []FactorState{sms}, BackupLeft: 10, Devices: 1, Sessions: 2, Attempts: 1, Clients: held, Told: []string{"sato-2fa@example.jp", "sato@example.jp"}, Parties: []string{"ストア", "マイページ"}, More: more}, console(NavCustomers)),
		screen("admin-account-2fa-reset-plan-error", reset, AccountResetView{Action: "/admin/accounts/3/two-factor/reset", BackURL: "/admin/accounts/3/two-factor", Who: operator, Main: main, Reason: "機種変更", Identity: true, More: more, Errors: errorsOf("inquiry", text(MsgInquiryLong, "max", 40), "note", text(MsgNoteLong, "max", 500), "handover", text(MsgTicketMoved))}, console(NavOperators)),
		screen("admin-account-2fa-ticket-needed", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: who, Use: true, ResetURL: "/admin/accounts/3/two-factor/reset", BulkURL: "/admin/customers/1/reset", TicketURL: "/admin/accounts/3/two-factor/ticket"}, console(NavCustomers)),
		screen("admin-account-2fa-ticket", issue, TicketIssueView{Action: "/admin/accounts/3/two-factor/ticket", BackURL: "/admin/accounts/3/two-factor", Who: who, Needed: true, State: TicketState{Spent: true}, Mail: "sato@example.jp", Errors: errorsOf("handover", text(MsgHandoverBlank))}, console(NavCustomers)),
		screen("admin-account-2fa-ticket-shown", issue, TicketIssueView{Action: "/admin/accounts/3/two-factor/ticket", BackURL: "/admin/accounts/3/two-factor", Who: operator, Needed: true, State: shownTicket}, console(NavOperators), flash(text(FlashTicketIssued), "")),
		screen("admin-account-2fa-ticket-none", issue, TicketIssueView{Action: "/admin/accounts/3/two-factor/ticket", BackURL: "/admin/accounts/3/two-factor", Who: who}, console(NavCustomers)),
		screen("admin-reset-done", resetDone, ResetDoneView{Who: who, BackURL: "/admin/accounts/3/two-factor", At: "2026-11-22 10:15:08", ISO: "2026-11-22T10:15:08+09:00", By: "support", SetUp: true, Factors: []string{KindEmail, KindSMS}, Codes: 10, Devices: 1, Sessions: 2, Attempts: 1, Clients: held, Notices: notices, RefreshURL: "/admin/resets/1"}, console(NavCustomers)),
		screen("admin-reset-done-ticket", resetDone, ResetDoneView{Who: operator, BackURL: "/admin/accounts/3/two-factor", At: "2026-11-22 10:15:08", ISO: "2026-11-22T10:15:08+09:00", By: "operator", SetUp: true, Factors: []string{KindTOTP}, Notices: notices[2:3], RefreshURL: "/admin/resets/1", Ticket: &shownTicket}, console(NavOperators)),
		screen("admin-reset-done-mailed", resetDone, ResetDoneView{Who: who, BackURL: "/admin/accounts/3/two-factor", At: "2026-11-22 10:15:08", ISO: "2026-11-22T10:15:08+09:00", By: "operator", SetUp: true, Factors: []string{KindTOTP}, Left: []string{KindEmail}, Method: KindTOTP, RefreshURL: "/admin/resets/1", Ticket: &mailedTicket}, console(NavCustomers)),
		screen("admin-reset-done-nothing", resetDone, ResetDoneView{Who: who, BackURL: "/admin/accounts/3/two-factor", At: "2026-11-22 10:15:08", ISO: "2026-11-22T10:15:08+09:00", By: "operator", RefreshURL: "/admin/resets/1"}, console(NavCustomers)),
		screen("admin-customer-reset", bulk, BulkResetView{Action: "/admin/customers/1/reset", BackURL: "/admin/customers/1/groups", Customer: "株式会社サンプル商事", Accounts: bulkAccounts, More: more, Version: "1"}, console(NavCustomers)),
		screen("admin-customer-reset-error", bulk, BulkResetView{Action: "/admin/customers/1/reset", BackURL: "/admin/customers/1/groups", Customer: "株式会社サンプル商事", Accounts: bulkAccounts[:1], Version: "1", Errors: errorsOf("reason", text(MsgReasonBlank), "identity", text(MsgIdentityBlank))}, console(NavCustomers)),
		screen("admin-customer-reset-empty", bulk, BulkResetView{Action: "/admin/customers/1/reset", BackURL: "/admin/customers/1/groups", Customer: "株式会社サンプル商事"}, console(NavCustomers)),
		screen("admin-customer-reset-done", func(s *Set) Page[BulkDoneView] { return s.BulkDone }, BulkDoneView{BackURL: "/admin/customers/1/groups", Customer: "株式会社サンプル商事", RefreshURL: "/admin/customers/1/reset/2", Done: 2, Missing: 1, Rows: []BulkResult{{Name: "佐藤 陽子", LoginID: "sato", Group: "本社", Done: true, SetUp: true, ReportURL: "/admin/resets/1", Notices: notices[:2]}, {Name: "田中 一郎", LoginID: "tanaka", Group: "本社", Done: true, ReportURL: "/admin/resets/2"}, {Name: "鈴木 花子", LoginID: "suzuki", Group: "大阪支社"}}}, console(NavCustomers)),
		screen("admin-settings-reenrol", func(s *Set) Page[SettingsView] { return s.Settings }, SettingsView{Action: PathSettings, Surfaces: []SurfaceSetting{{ID: "admin", Enforced: true, ByTicket: true, ReenrolField: "admin.reenrol"}, {ID: "store", ReenrolField: "store.reenrol"}}}, console(NavSettings)),
		screen("admin-settings-reenrol-confirm", func(s *Set) Page[SettingsConfirmView] { return s.SettingsConfirm }, SettingsConfirmView{Action: PathSettings + "/confirm", BackURL: PathSettings, Changes: []SurfaceChange{{ID: "admin", Before: true, After: true, TicketBefore: true, TicketAfter: true}, {ID: "store", TicketAfter: true}}, Hidden: []Hidden{{Name: "store.reenrol", Value: "ticket"}}}, console(NavSettings)),
		screen("admin-settings-methods", func(s *Set) Page[MethodsView] { return s.Methods }, MethodsView{Surfaces: []SurfaceMethods{adminMethods, storeMethods}}, console(NavMethods), flash(text(FlashSettingsSaved), "")),
		screen("admin-settings-methods-support", func(s *Set) Page[MethodsView] { return s.Methods }, MethodsView{Surfaces: []SurfaceMethods{{ID: "admin", Kinds: adminMethods.Kinds, Level: LevelHighest}, {ID: "x", Name: "予約サイト", Kinds: storeMethods.Kinds, Level: LevelStandard, Days: 1}}}, console(NavMethods)),
		screen("admin-settings-methods-edit", methodsForm, storeForm, console(NavMethods)),
		screen("admin-settings-methods-edit-admin", methodsForm, MethodsFormView{Action: "/admin/settings/methods/admin", BackURL: PathMethods, ID: "admin", Options: storeForm.Options, Levels: storeForm.Levels, Level: LevelStandard, Version: "1", Errors: errorsOf(FormError, text(MsgLockout))}, console(NavMethods)),
		screen("admin-search", searched, SearchView{Action: PathCustomers, Query: "sato", NewURL: "/n", Groups: []SearchGroup{{Kind: "customer", Rows: []SearchRow{{URL: "/c/1", Name: "株式会社サンプル商事", ID: "C-100248"}}, MoreURL: "/m"}, {Kind: "store", Rows: []SearchRow{{URL: "/a/3", Name: "佐藤 陽子", ID: "sato", Customer: "株式会社サンプル商事", CustomerURL: "/c/1", Kind: KindEmail, Use: true}}}, {Kind: "operator", Rows: []SearchRow{{URL: "/a/4", Name: "operator", ID: "operator", Use: true, Disabled: true}}}, {Kind: "address", Rows: []SearchRow{{URL: "/a/3", Name: "佐藤 陽子", ID: "sato", Customer: "株式会社サンプル商事", Address: "sato-2fa@example.jp", Kind: KindEmail}}}}}, console(NavCustomers)),
		screen("admin-search-one-kind", searched, SearchView{Action: PathCustomers, Query: "sato", AllURL: "/all", Groups: []SearchGroup{{Kind: "store", Rows: []SearchRow{{URL: "/a/3", Name: "佐藤 陽子", ID: "sato"}}}}, Pager: Pager{Next: "/n"}}, console(NavCustomers)),
		screen("admin-search-cut", searched, SearchView{Action: PathCustomers, Query: "田中 乃", Cut: true, Pager: Pager{Next: "/n"}}, console(NavCustomers)),
		screen("admin-search-none", searched, SearchView{Action: PathCustomers, Query: "zz"}, console(NavCustomers)),
		screen("admin-remove-account", removal, RemoveView{Action: "/d", BackURL: "/b", What: "account", Name: "佐藤 陽子", Detail: "sato", Errors: errorsOf("typed", text(MsgTypedWrong))}, console(NavCustomers)),
		screen("admin-remove-customer", removal, RemoveView{Action: "/d", BackURL: "/b", What: "customer", Name: "株式会社サンプル商事", Detail: "C-100248", Errors: errorsOf(FormError, text(MsgNotEmpty))}, console(NavCustomers)),
		screen("admin-remove-group", removal, RemoveView{Action: "/d", BackURL: "/b", What: "group", Name: "本社", Detail: "株式会社サンプル商事"}, console(NavCustomers)),
		screen("admin-move", func(s *Set) Page[MoveView] { return s.Move }, MoveView{Action: "/m", BackURL: "/b", Who: who, Code: "C-9", Customer: "株式会社サンプル商事", Groups: []Option{{Value: "1", Label: "本社", Selected: true}, {Value: "2", Label: "支社"}}, Version: "1", Errors: errorsOf("code", text(MsgCodeUnknown), "group", text(MsgGroupBlank))}, console(NavCustomers)),
		screen("admin-bulk", func(s *Set) Page[BulkView] { return s.Bulk }, BulkView{Action: "/b", BackURL: "/c", Customer: "株式会社サンプル商事", Enforced: true, Scope: "some", Rows: []BulkRow{{Field: "account-1", Name: "田中 一郎", LoginID: "tanaka", Use: true}, {Field: "account-2", Name: "鈴木 花子", LoginID: "suzuki", Disabled: true}}, Pager: Pager{Next: "/n"}, Errors: errorsOf("use", text(MsgUseBlank), "scope", text(MsgPickBlank))}, console(NavCustomers)),
		screen("admin-bulk-confirm", bulkConfirm, BulkConfirmView{Action: "/b", BackURL: "/c", CustomerURL: "/d", Customer: "株式会社サンプル商事", Total: 128, Changing: 120, Resetting: 1, More: 118, Rows: []BulkRow{{URL: "/a/1", Name: "佐藤 陽子", LoginID: "sato", Use: true, Kind: KindEmail, Changes: true, Resets: true}, {URL: "/a/2", Name: "田中 一郎", LoginID: "tanaka", Use: true, Changes: true}, {URL: "/a/3", Name: "鈴木 花子", LoginID: "suzuki"}}}, console(NavCustomers)),
		screen("admin-bulk-confirm-refused", bulkConfirm, BulkConfirmView{Action: "/b", BackURL: "/c", CustomerURL: "/d", Customer: "株式会社サンプル商事", Total: 1, Changing: 1, Refused: true, Rows: []BulkRow{{URL: "/a/2", Name: "田中 一郎", LoginID: "tanaka", Use: true, Changes: true}}}, console(NavCustomers)),
		screen("admin-bulk-confirm-nothing", bulkConfirm, BulkConfirmView{Action: "/b", BackURL: "/c", CustomerURL: "/d", Customer: "株式会社サンプル商事", Use: true, Total: 1}, console(NavCustomers)),
		screen("admin-bulk-result", func(s *Set) Page[BulkResultView] { return s.BulkResult }, BulkResultView{BackURL: "/c", Customer: "株式会社サンプル商事", Changed: 2, Left: 118, RestAction: "/r", Rows: []BulkRow{{URL: "/a/1", Name: "佐藤 陽子", LoginID: "sato", Resets: true, At: "2026-11-22 10:00", ISO: "2026-11-22T10:00:00+09:00"}, {URL: "/a/2", Name: "田中 一郎", LoginID: "tanaka", Refused: true, At: "2026-11-22 10:00", ISO: "2026-11-22T10:00:00+09:00"}}}, console(NavCustomers)),
		screen("2fa-select-later", twoFactor, TwoFactorView{Action: "/signin/two-factor?flow=1", Methods: methods, LaterAction: "/signin/two-factor/later?flow=1", LaterDays: 7, BackURL: "/signin/cancel?flow=1", BackPost: true}),
		screen("2fa-select-last-day", twoFactor, TwoFactorView{Action: "/signin/two-factor?flow=1", Methods: methods, LaterAction: "/signin/two-factor/later?flow=1", LaterDays: 1}),
		screen("login-logo", login, LoginView{Action: "/signin?flow=1", App: "ストア", LogoURL: "/assets/icon.svg"}),
		screen("login-announced", login, LoginView{Action: "/signin?flow=1", App: "ストア", Announced: "2026-12-01"}),
		screen("security-announced", security, SecurityView{Name: "田中 一郎", LoginID: "tanaka", Announced: "2026-12-01"}),
		screen("security-grace", security, SecurityView{Name: "鈴木 花子", LoginID: "suzuki", Enforced: true, GraceUntil: "2026-12-01 10:00"}),
		screen("admin-rollout", rollout, RolloutView{ID: "store", BackURL: PathSettings, Stopped: 214, NoMethod: 207, Unreachable: 3, Unusable: 4, CountedAt: "2026-11-22 10:00:00", Seen: 96, Never: 12, ListURL: "/l", DownloadURL: "/c", Announced: "2026-12-01", AnnounceURL: "/n", WithdrawAction: "/w", Mails: &RolloutMails{At: "2026-11-22 10:00", ISO: "2026-11-22T10:00:00+09:00", Running: true, Mailed: 150, Skipped: 2, Of: 214}, GraceAction: "/g", Grace: "7", GraceFormer: "7", EnforceURL: "/e"}, console(NavSettings)),
		screen("admin-rollout-enforced", rollout, RolloutView{ID: "store", BackURL: PathSettings, Enforced: true, Since: "2026-12-01 09:00", ListURL: "/l", GraceAction: "/g", Grace: "40", GraceFormer: "7", LiftAction: "/x", Errors: errorsOf("grace", text(MsgGraceForm))}, console(NavSettings)),
		screen("admin-rollout-read-only", rollout, RolloutView{ID: "admin", BackURL: PathSettings, ReadOnly: true, Mails: &RolloutMails{At: "2026-11-22 10:00", ISO: "2026-11-22T10:00:00+09:00", Of: 3, Mailed: 3}}, console(NavSettings)),
		screen("admin-rollout-announce", func(s *Set) Page[RolloutAnnounceView] { return s.RolloutAnnounce }, RolloutAnnounceView{Action: "/a", BackURL: "/b", ID: "store", Accounts: 214, First: "2026-11-22", Last: "2027-11-22", Errors: errorsOf("date", text(MsgAnnounceDate))}, console(NavSettings)),
		screen("admin-rollout-accounts", rolloutAccounts, RolloutAccountsView{BackURL: "/b", DownloadURL: "/c", ID: "store", Rows: []RolloutRow{{URL: "/a/1", Name: "田中 一郎", LoginID: "tanaka", Customer: "株式会社サンプル商事", Group: "本社", Use: true}, {URL: "/a/2", Name: "鈴木 花子", LoginID: "suzuki", Customer: "株式会社サンプル商事", Group: "本社", Kind: KindEmail, Undeliverable: true, GraceUntil: "2026-12-01 10:00", LastSignIn: "2026-11-22 09:14", LastSignISO: "2026-11-22T09:14:00+09:00"}}, Pager: Pager{Next: "/n"}}, console(NavSettings)),
		screen("admin-rollout-accounts-none", rolloutAccounts, RolloutAccountsView{BackURL: "/b", ID: "admin", Operators: true}, console(NavSettings)),
		screen("admin-settings-methods-edit-error", methodsForm, MethodsFormView{Action: "/admin/settings/methods/store", BackURL: PathMethods, ID: "store", Options: storeForm.Options, Levels: storeForm.Levels, Days: storeForm.Days, Version: "1", Errors: errorsOf("methods", text(MsgMethodsBlank), "level", text(MsgLevelBlank), "days", text(MsgDaysForm))}, console(NavMethods)),
		screen("admin-settings-methods-confirm", func(s *Set) Page[MethodsConfirmView] { return s.MethodsConfirm }, MethodsConfirmView{Action: "/admin/settings/methods/store/confirm", BackURL: "/admin/settings/methods/store", Before: storeMethods, After: SurfaceMethods{ID: "store", Kinds: []string{KindTOTP, KindPasskey}, Level: LevelHigh, Days: 30}, Stopped: 12, Hidden: []Hidden{{Name: "allow-totp", Value: "yes"}}}, console(NavMethods)),
		screen("admin-settings-methods-confirm-none", func(s *Set) Page[MethodsConfirmView] { return s.MethodsConfirm }, MethodsConfirmView{Action: "/admin/settings/methods/store/confirm", BackURL: "/admin/settings/methods/store", Before: storeMethods, After: SurfaceMethods{ID: "store", Kinds: storeMethods.Kinds, Level: LevelStandard}}, console(NavMethods)),
		screen("admin-settings-2fa", func(s *Set) Page[SettingsView] { return s.Settings }, SettingsView{Action: PathSettings, BackURL: PathCustomers, MethodsURL: PathMethods, Surfaces: []SurfaceSetting{{ID: "admin", Enforced: true}, {ID: "store", Unset: 338}}}, console(NavSettings)),
		screen("admin-settings-2fa-error", func(s *Set) Page[SettingsView] { return s.Settings }, SettingsView{Action: PathSettings, BackURL: PathCustomers, Surfaces: []SurfaceSetting{{ID: "admin"}, {ID: "store", Enforced: true}}, Errors: errorsOf("store", text(MsgSettingBlank))}, console(NavSettings)),
		screen("admin-settings-2fa-confirm", func(s *Set) Page[SettingsConfirmView] { return s.SettingsConfirm }, SettingsConfirmView{Action: PathSettings + "/confirm", BackURL: PathSettings, Changes: []SurfaceChange{{ID: "admin", Before: true}, {ID: "store", After: true, Affected: 338}}, Hidden: []Hidden{{Name: "store", Value: "on"}}}, console(NavSettings)),
		screen("admin-audit", func(s *Set) Page[AuditView] { return s.Audit }, AuditView{
			Action: PathAudit, From: "2026-11-16", To: "2026-11-22", Kinds: []Option{{Value: "2fa", Label: text("admin.two_factor"), Selected: true}}, Total: 412, Pager: Pager{Next: "/admin/audit?after=x"},
			Clients: []Option{{Value: "store", Label: "ストア"}}, ExportAction: "/admin/audit/export", Hidden: []Hidden{{Name: "from", Value: "2026-11-16"}}, Rows: []AuditRow{
				{At: "2026-11-22 10:02:41", ISO: "2026-11-22T10:02:41+09:00", Event: "2fa.enrol", Actor: "tanaka", From: "192.0.2.24", Target: "tanaka", Result: ResultSuccess},
				{At: "2026-11-22 09:48:10", ISO: "2026-11-22T09:48:10+09:00", Event: "2fa.reset", Actor: "operator", From: "203.0.113.10", Target: "株式会社サンプル商事 / tanaka", Detail: "メールアドレス変更のため", Result: ResultRefused},
				{At: "2026-11-22 09:31:55", ISO: "2026-11-22T09:31:55+09:00", Event: "signin.factor", Actor: "suzuki", From: "198.51.100.7", Result: ResultFailure},
				{At: "2026-11-15 03:00:00", ISO: "2026-11-15T03:00:00+09:00", Event: "key.create", Target: "2026-11a", Result: ResultSuccess},
			},
		}, console(NavAudit)),
		screen("admin-activity", func(s *Set) Page[ActivityView] { return s.Activity }, ActivityView{
			Who: AccountRef{Customer: "株式会社サンプル商事", CustomerURL: "/admin/customers/1/groups", Name: "田中 一郎", LoginID: "tanaka", URL: "/admin/accounts/1"}, AuditURL: "/admin/audit?account=1",
			Pager: Pager{Next: "/admin/accounts/1/activity?after=x"}, Rows: []ActivityRow{
				{At: "2026-11-22 10:02:43", ISO: "2026-11-22T10:02:43+09:00", Issued: "ストア", Renewed: true, Detail: "openid offline_access"},
				{At: "2026-11-22 10:02:42", ISO: "2026-11-22T10:02:42+09:00", Issued: "ストア", Detail: "openid offline_access"},
				{At: "2026-11-22 10:02:41", ISO: "2026-11-22T10:02:41+09:00", Event: "signin.complete", Result: ResultSuccess, From: "192.0.2.24", Client: "store", RequestURL: "/admin/audit?request=1"},
				{At: "2026-11-22 10:02:01", ISO: "2026-11-22T10:02:01+09:00", Event: "signin.factor", Result: ResultFailure, From: "192.0.2.24", Detail: "wrong_code"},
				{At: "2026-11-22 10:01:42", ISO: "2026-11-22T10:01:42+09:00", Message: MessageSignOut, Party: "マイページ", State: DeliveryQueued, Detail: "503"},
				{At: "2026-11-22 10:01:41", ISO: "2026-11-22T10:01:41+09:00", Message: MessageCode, Channel: KindEmail, State: DeliveryAccepted, Detail: "ta•••••@example.jp 250 2.0.0 Ok"},
				{At: "2026-11-22 09:48:10", ISO: "2026-11-22T09:48:10+09:00", Event: "2fa.reset", Result: ResultSuccess, By: "support", From: "203.0.113.10", Detail: "メールアドレス変更のため"},
				{At: "2026-11-22 09:40:10", ISO: "2026-11-22T09:40:10+09:00", Event: "token.refuse", Result: ResultRefused, App: "ストア", Detail: "account_disabled", Client: "store"},
			},
		}, console(NavCustomers)),
		screen("admin-activity-empty", func(s *Set) Page[ActivityView] { return s.Activity }, ActivityView{
			Who: AccountRef{Operator: true, Name: "operator", LoginID: "operator", URL: "/admin/accounts/2"}, AuditURL: "/admin/audit?account=2", Pager: Pager{First: "/admin/accounts/2/activity"},
		}, console(NavOperators)),
		screen("admin-audit-short", func(s *Set) Page[AuditView] { return s.Audit }, AuditView{Action: PathAudit, Actor: "client", Query: "ito", Short: true, Pager: Pager{Next: "/n"}}, console(NavAudit)),
		screen("admin-audit-request", func(s *Set) Page[AuditView] { return s.Audit }, AuditView{Action: PathAudit, Request: "E-WCW3-3G3Q"}, console(NavAudit)),
		screen("admin-audit-empty", func(s *Set) Page[AuditView] { return s.Audit }, AuditView{Action: PathAudit, Query: "ito"}, console(NavAudit)),
		screen("admin-deliveries", func(s *Set) Page[DeliveriesView] { return s.Deliveries }, DeliveriesView{Action: PathDeliveries, Total: 4, Rows: []DeliveryRow{
			{At: "2026-11-22 10:02:42", ISO: "2026-11-22T10:02:42+09:00", To: "マイページ", Party: true, LoginID: "tanaka", Kind: MessageSignOut, State: DeliveryFailed, Tries: 1, Reply: "400 invalid_request", URL: "/admin/deliveries/9"},
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
		screen("admin-dashboard", func(s *Set) Page[DashboardView] { return s.Dashboard }, dashboard(), console(NavDashboard)),
		screen("admin-dashboard-empty", func(s *Set) Page[DashboardView] { return s.Dashboard }, DashboardView{At: "2026-11-22 10:15:02", ISO: "2026-11-22T10:15:02+09:00", Methods: []DashboardMethod{{Kind: KindEmail}}, Surfaces: []DashboardSurface{{ID: "store"}}, Days: []DashboardDay{{Date: "2026-11-22", Label: "11/22"}}}, console(NavDashboard)),
		screen("admin-deliveries-account", func(s *Set) Page[DeliveriesView] { return s.Deliveries }, DeliveriesView{Action: PathDeliveries, Account: "3", AccountName: "sato", Total: 2, Rows: []DeliveryRow{
			{At: "2026-11-22 10:02:41", ISO: "2026-11-22T10:02:41+09:00", To: "sato-2fa@example.jp", LoginID: "sato", Kind: MessageCode, State: DeliveryBounced, Tries: 1, Reply: "250 2.0.0 Ok: queued as 4Xk2", URL: "/admin/deliveries/1"},
			{At: "2026-11-22 10:01:41", ISO: "2026-11-22T10:01:41+09:00", To: "sato-2fa@example.jp", LoginID: "sato", Kind: MessageReset, State: DeliveryDelivered, Tries: 1, Reply: "250 2.0.0 Ok: queued as 4Xk1", URL: "/admin/deliveries/2"},
		}}, console(NavDeliveries)),
		messageScreen("bounced", MessageView{Channel: "email", State: DeliveryBounced, LoginID: "sato", AccountURL: "/admin/accounts/3/two-factor", RemoteID: "4Xk2", Tries: 1},
			MessageStep{Kind: DeliveryAccepted, Reply: "250 2.0.0 Ok: queued as 4Xk2"}, MessageStep{Kind: StepDelayed, Status: "4.4.1", Reply: "connection timed out", Source: "dsn"},
			MessageStep{Kind: DeliveryBounced, Hard: true, Status: "5.1.1", Reply: "550 5.1.1 <sato-2fa@example.jp>: Recipient address rejected: User unknown in virtual mailbox table", Source: "dsn"}),
		messageScreen("accepted", MessageView{Channel: "email", State: DeliveryAccepted, LoginID: "sato", Tries: 2}, MessageStep{Kind: DeliveryAccepted, Reply: "250 2.0.0 Ok"}),
		messageScreen("party", MessageView{Channel: "push", State: DeliveryAccepted, LoginID: "sato", Tries: 1}, MessageStep{Kind: DeliveryAccepted, Reply: "200"}),
		messageScreen("delivered", MessageView{Channel: "sms", State: DeliveryDelivered}, MessageStep{Kind: DeliveryAccepted, Reply: "201 queued"},
			MessageStep{Kind: DeliveryDelivered, Source: "twilio"}, MessageStep{Kind: DeliveryDelivered, Source: "webhook"}, MessageStep{Kind: DeliveryDelivered, Source: "sendgrid"}, MessageStep{Kind: DeliveryBounced, Source: "ses"}),
		messageScreen("waiting", MessageView{Channel: "sms", State: DeliveryQueued}, MessageStep{Kind: StepWaiting}),
		messageScreen("tried", MessageView{Channel: "email", State: DeliveryQueued, Tries: 1}, MessageStep{Kind: StepTried, Reply: "451 4.7.1 Try again later", Source: "smtp"}),
		messageScreen("failed", MessageView{Channel: "email", State: DeliveryFailed}, MessageStep{Kind: DeliveryFailed, Reply: "550 5.1.1 User unknown"}),
		messageScreen("expired", MessageView{Channel: "email", State: DeliveryExpired}, MessageStep{Kind: DeliveryExpired}),
		messageScreen("cancelled", MessageView{Channel: "email", State: DeliveryCancelled}, MessageStep{Kind: DeliveryCancelled}),
		screen("account-stop", func(s *Set) Page[StopView] { return s.Stop }, StopView{Action: "/account/stop", Hidden: []Hidden{{Name: "ticket", Value: "x"}}, LoginID: "sato", Hours: 24}),
		screen("account-stopped", func(s *Set) Page[AddressUndoneView] { return s.Stopped }, AddressUndoneView{}),
		screen("account-stopped-operator", func(s *Set) Page[AddressUndoneView] { return s.Stopped }, AddressUndoneView{}, admin),
		screen("admin-account-2fa-frozen", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: AccountRef{Name: "佐藤 陽子", LoginID: "sato", Customer: "株式会社サンプル商事", CustomerURL: "/admin/customers/1/groups", Group: "本社", URL: "/admin/accounts/3"}, Use: true, Version: "use", ResetURL: "/admin/accounts/3/two-factor/reset", Freeze: &FreezeNotice{At: "2026-11-22 10:00", Until: "2026-11-23 10:00", By: "sa•••••@example.jp", LiftAction: "/admin/accounts/3/two-factor/thaw"}}, console(NavCustomers)),
		screen("admin-account-frozen", account, AccountFormView{Action: "/admin/accounts/3", BackURL: PathCustomers, Who: AccountRef{Name: "佐藤 陽子", LoginID: "sato", Customer: "株式会社サンプル商事", CustomerURL: "/admin/customers/1/groups", Group: "本社"}, LoginID: "sato", Name: "佐藤 陽子", Email: "sato@example.jp", TwoFactorURL: "/admin/accounts/3/two-factor", Use: true, Freeze: &FreezeNotice{At: "2026-11-22 10:00", Until: "2026-11-23 10:00", By: "sa•••••@example.jp"}}, console(NavCustomers)),
		screen("admin-acts", func(s *Set) Page[ActsView] { return s.Acts }, ActsView{AuditURL: PathAudit, Operators: []OperatorActs{{LoginID: "support", Acts: []ActRow{{Event: "2fa.reset", Day: 2, DayURL: "/admin/audit?a", Week: 5, WeekURL: "/admin/audit?b", Month: 9, MonthURL: "/admin/audit?c"}, {Event: "account.unmask", Refused: true, Month: 1, MonthURL: "/admin/audit?d"}}}}}, console(NavAudit)),
		screen("admin-acts-none", func(s *Set) Page[ActsView] { return s.Acts }, ActsView{AuditURL: PathAudit}, console(NavAudit)),
		screen("admin-account-masked", account, AccountFormView{Action: "/admin/accounts/3", BackURL: PathCustomers, Who: AccountRef{Name: "佐藤 陽子", LoginID: "sato", Customer: "株式会社サンプル商事", CustomerURL: "/admin/customers/1/groups", Group: "本社"}, LoginID: "sato", Name: "佐藤 陽子", Masked: "sa•••••@example.jp", UnmaskAction: "/admin/accounts/3/unmask", TwoFactorURL: "/admin/accounts/3/two-factor", Use: true, BackupLeft: 10}, console(NavCustomers)),
		screen("admin-account-2fa-masked", account2fa, AccountTwoFactorView{Action: "/admin/accounts/3/two-factor", BackURL: "/admin/accounts/3", Who: AccountRef{Name: "佐藤 陽子", LoginID: "sato", Customer: "株式会社サンプル商事", CustomerURL: "/admin/customers/1/groups", Group: "本社", URL: "/admin/accounts/3"}, Use: true, ReadOnly: true, BackupLeft: 10, Main: &FactorState{Kind: KindEmail, Address: "sa•••••@example.jp", VerifiedAt: "2026-11-22 10:00:00", VerifiedISO: "2026-11-22T10:00:00+09:00", UnmaskAction: "/admin/accounts/3/two-factor/unmask"}}, console(NavCustomers)),
		screen("admin-roles", func(s *Set) Page[RolesView] { return s.Roles }, rolesFixture(text), console(NavOperators)),
		screen("admin-role-new", func(s *Set) Page[RoleFormView] { return s.RoleForm }, RoleFormView{Action: "/admin/roles/new", BackURL: PathRoles, New: true, Options: []RightOption{{Right: "view", Field: "may-view", Checked: true}, {Right: "manage_roles", Field: "may-manage_roles", Fixed: true}}, Errors: errorsOf("name", text(MsgRoleNameBlank), "rights", text(MsgRightsBlank))}, console(NavOperators)),
		screen("admin-role", func(s *Set) Page[RoleFormView] { return s.RoleForm }, RoleFormView{Action: "/admin/roles/administrator", BackURL: PathRoles, Ours: true, Keeps: true, Holders: 1, Name: text("role.administrator"), Version: "1", DeleteURL: "/admin/roles/1/delete", Options: []RightOption{{Right: "view", Field: "may-view", Checked: true, Fixed: true}, {Right: "reset", Field: "may-reset"}}, Errors: errorsOf(FormError, text(MsgLastManager))}, console(NavOperators)),
		screen("admin-role-delete", func(s *Set) Page[RoleDeleteView] { return s.RoleDelete }, RoleDeleteView{Action: "/admin/roles/1/delete", BackURL: "/admin/roles/1", Name: "夜間担当", Rights: []string{"view", "reset"}, Errors: errorsOf(FormError, text(MsgRoleInUse))}, console(NavOperators)),
		screen("admin-keys", func(s *Set) Page[KeysView] { return s.Keys }, keysFixture(), console(NavKeys)),
		screen("admin-keys-empty", func(s *Set) Page[KeysView] { return s.Keys }, KeysView{JWKSURL: "https://id.example.jp/jwks", RotateURL: "/admin/keys/rotate", Reseal: &ResealStatus{State: "walking", Part: 3, Parts: 9, Resealed: 1200, Unreadable: 1, At: "2026-11-22 10:00:00", ISO: "2026-11-22T10:00:00+09:00"}}, console(NavKeys)),
		screen("admin-keys-settling", func(s *Set) Page[KeysView] { return s.Keys }, KeysView{JWKSURL: "https://id.example.jp/jwks", RotateURL: "/admin/keys/rotate", Reseal: &ResealStatus{State: "settling", Parts: 9, At: "2026-11-22 10:00:00", ISO: "2026-11-22T10:00:00+09:00"}}, console(NavKeys)),
		screen("admin-key-rotate", keyConfirm, KeyConfirmView{What: KeyRotate, Action: "/admin/keys/rotate", BackURL: PathKeys, Changes: []KeyChange{{Alg: "ES256", ID: "2GeiSw-8hCVbzCMbg2Q1YqJ9cCdvGjsPdg6yYcMiCWo"}, {Alg: "RS256", ID: "qH1kKjT8yoyS5Cxu3ZlXvO7wzTTdsmD3hQJmrlX_p0E", At: "2026-11-22 10:10:00", ISO: "2026-11-22T10:10:00+09:00"}}}, console(NavKeys)),
		screen("admin-key-rotate-wait", keyConfirm, KeyConfirmView{What: KeyRotate, Action: "/admin/keys/rotate", BackURL: PathKeys, NotReady: true, Errors: errorsOf(FormError, text(MsgKeysNotReady))}, console(NavKeys)),
		screen("admin-key-revoke", keyConfirm, KeyConfirmView{What: KeyRevoke, Action: "/admin/keys/2GeiSw-8/revoke", BackURL: PathKeys, Key: keysFixture().Keys[1], Word: "2GeiSw-8", Reason: "", Errors: errorsOf("typed", text(MsgKeyTypedWrong), "reason", text(MsgSpareReasonBlank))}, console(NavKeys)),
		screen("admin-key-revoke-waiting", keyConfirm, KeyConfirmView{What: KeyRevoke, Action: "/admin/keys/qH1kKjT8/revoke", BackURL: PathKeys, Key: keysFixture().Keys[0], Word: "qH1kKjT8", Reason: "漏えい"}, console(NavKeys)),
		screen("admin-key-reseal", keyConfirm, KeyConfirmView{What: KeyReseal, Action: "/admin/keys/reseal", BackURL: PathKeys, Errors: errorsOf(FormError, text(MsgResealUnderWay))}, console(NavKeys)),
		screen("admin-operators", func(s *Set) Page[OperatorsView] { return s.Operators }, OperatorsView{Total: 2, NewURL: "/admin/operators/new", RolesURL: PathRoles, Rows: []OperatorRow{
			{Name: "operator", LoginID: "operator", Role: text("role.administrator"), EditURL: "/admin/operators/1", TwoFactorURL: "/admin/operators/1/two-factor", Use: true, Kind: KindEmail, LastSignIn: "2026-11-22 09:14", LastSignISO: "2026-11-22T09:14:00+09:00"},
			{Name: "support", LoginID: "support", Role: text("role.support"), EditURL: "/admin/operators/2", TwoFactorURL: "/admin/operators/2/two-factor", Disabled: true},
		}}, console(NavOperators)),
	}...)
	return append(all, approvalFixtures(text, who, operator, main, more)...)
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
