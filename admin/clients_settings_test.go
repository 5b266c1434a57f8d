package admin

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// aKey is a public key, as clients send it.
const aKey = `{"kty":"EC","crv":"P-256","kid":"k1","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`

// everySetting has something in every setting, but for those that exclude each other: jwks stands for jwks_uri.
func everySetting() client.Settings {
	return client.Settings{
		ApplicationType: client.TypeNative, Profile: client.ProfileFAPI2, JWKS: json.RawMessage(`{"keys":[` + aKey + `]}`),
		AssertionAlg: "ES256", RequirePAR: true, RequireRequestObject: true, RequestObjectAlg: "PS256", DPoP: true, AccessTokenFormat: client.FormatJWT,
		Resources: []string{"https://api.example.jp/"}, ResourceServers: []string{"https://shop.example.jp/api"}, UserinfoAlg: "ES256", IntrospectionAlg: "EdDSA", AccessLifetime: 300, RefreshLifetime: 3600,
		IDTokenLifetime: 600, MinACR: "phr", DefaultMaxAge: new(int64(0)), RequireAuthTime: true, DefaultACRValues: []string{"urn:futakagi:acr:2fa", "phr"},
		SubjectType: client.SubjectPairwise, SectorIdentifierURI: "https://shop.example.jp/sector", FrontchannelLogoutURI: "https://shop.example.jp/front",
		FrontchannelLogoutSession: true, BackchannelLogoutSession: true, ClientURI: "https://shop.example.jp/", PolicyURI: "https://shop.example.jp/policy",
		TermsURI: "https://shop.example.jp/terms", InitiateLoginURI: "https://shop.example.jp/login", Contacts: []string{"dev@example.jp"}, ThirdParty: true,
	}
}

// changedSettings says something of every setting that fits a client with a secret, as a body of the API has it.
const changedSettings = `"application_type":"native","third_party":true,"profile":"","jwks":{"keys":[` + aKey + `]},"jwks_uri":"",
	"token_endpoint_auth_signing_alg":"PS256","require_pushed_authorization_requests":true,"require_signed_request_object":true,
	"request_object_signing_alg":"ES256","dpop_bound_access_tokens":true,"access_token_format":"jwt","resources":["https://api.example.jp/"],"resource_servers":["https://shop.example.jp/api"],
	"userinfo_signed_response_alg":"ES256","introspection_signed_response_alg":"RS256","access_token_lifetime":300,"refresh_token_lifetime":3600,
	"id_token_lifetime":600,"min_acr":"phr","default_max_age":0,"require_auth_time":true,"default_acr_values":["phr"],"subject_type":"pairwise",
	"sector_identifier_uri":"https://shop.example.jp/sector","frontchannel_logout_uri":"https://shop.example.jp/front",
	"frontchannel_logout_session_required":true,"backchannel_logout_session_required":true,"client_uri":"https://shop.example.jp/",
	"policy_uri":"https://shop.example.jp/policy","tos_uri":"https://shop.example.jp/terms","initiate_login_uri":"https://shop.example.jp/login",
	"contacts":["dev@example.jp"]`

// membersOf are the members of settings by the names of a document.
func membersOf() (names []string) {
	t := reflect.TypeFor[client.Settings]()
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// Whatever a registration can say can be changed through every face: no setting is forgotten by the API's input, its answer, the samples
// of its tests or the console's form.
func TestEverySettingHasItsFaces(t *testing.T) {
	api := (&Operations{api: func() *API { a := &API{}; a.fill(); return a }()})
	var sample map[string]any
	must(t, json.Unmarshal([]byte("{"+changedSettings+"}"), &sample))
	form := clientDraft()
	for _, name := range membersOf() {
		for _, id := range []string{"createClient", "updateClient"} {
			if !slices.ContainsFunc(api.Fields(id), func(f OperationField) bool { return f.Name == name && f.Usage != "" }) {
				t.Errorf("%s does not take %s, or does not say what it is", id, name)
			}
		}
		if _, ok := sample[name]; !ok {
			t.Errorf("no sample says %s", name)
		}
		if !slices.Contains(form, name) {
			t.Errorf("the form has no %s", name)
		}
		if name != "jwks_uri" && settingWords(everySetting())[name] == "" {
			t.Errorf("the log does not tell of %s", name)
		}
	}
	v := reflect.TypeFor[client.Settings]()
	for field := range v.Fields() {
		if _, ok := reflect.TypeFor[SettingsChange]().FieldByName(field.Name); !ok {
			t.Errorf("nobody can change %s", field.Name)
		}
	}
	if n := reflect.TypeFor[SettingsChange]().NumField(); n != v.NumField() {
		t.Errorf("%d members can be changed, of %d", n, v.NumField())
	}
}

// Every setting is stored, read, changed and written down, member by member, and a change of nothing is none.
func TestSettingsAreStoredAndChanged(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made := w.shopClient(func(in *NewClient) { in.AuthMethod, in.Settings = authKey, everySetting() })
		if made.Secret != "" || w.clientRow("shop").SecretHash != nil {
			t.Error("a client that signs has a secret")
		}
		state, err := w.ClientState(t.Context(), w.actor(w.root), "shop")
		must(t, err)
		if diff := cmp.Diff(everySetting().Normal(), state.Registration.Settings); diff != "" {
			t.Errorf("(-registered +read):\n%s", diff)
		}
		_, data := w.last(audit.ClientCreate)
		if data["jwks"] != "k1" || data["access_token_lifetime"] != "300" || data["default_max_age"] != "0" || data["jwks_uri"] != "" {
			t.Errorf("registered as %v", data)
		}
		if _, changed, err := w.update(w.actor(w.root), "shop", ClientChange{SettingsChange: settingsChange(everySetting())}); changed || err != nil {
			t.Errorf("the same again: %v %v", changed, err)
		}
		_, changed, err := w.update(w.actor(w.root), "shop", ClientChange{SettingsChange: SettingsChange{
			JWKS: json.RawMessage(`{}`), JWKSURI: new("https://shop.example.jp/jwks"), Resources: []string{}, DefaultMaxAge: new(int64(-1)), MinACR: new(""),
			AccessLifetime: new(int64(0)), RequireAuthTime: new(false),
		}})
		_, data = w.last(audit.ClientUpdate)
		want := map[string]string{
			"jwks.from": "k1", "jwks.to": "", "jwks_uri.from": "", "jwks_uri.to": "https://shop.example.jp/jwks", "resources.from": "https://api.example.jp/",
			"resources.to": "", "default_max_age.from": "0", "default_max_age.to": "", "min_acr.from": "phr", "min_acr.to": "",
			"access_token_lifetime.from": "300", "access_token_lifetime.to": "", "require_auth_time.from": "true", "require_auth_time.to": "",
		}
		if diff := cmp.Diff(want, data); !changed || err != nil || diff != "" {
			t.Errorf("%v %v\n%s", changed, err, diff)
		}
		// As they were registered by nobody but a database: nothing said.
		zero := settingsChange(client.Settings{})
		_, _, err = w.update(w.actor(w.root), "shop", ClientChange{AuthMethod: new(authBasic), SettingsChange: zero})
		if row := w.clientRow("shop"); err != nil || row.Settings != nil || row.SecretHash == nil {
			t.Errorf("%v: %s", err, row.Settings)
		}
	})
}

// A way to prove who one is has a secret, or keys, or nothing; whatever becomes of a client, it never has a secret that it does not use.
func TestAClientThatSignsHasNoSecret(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.shopClient()
	if _, _, err := w.update(System(), "shop", ClientChange{AuthMethod: new(authKey)}); err == nil || !strings.Contains(err.Error(), "jwks or jwks_uri must be there") {
		t.Errorf("without keys: %v", err)
	}
	secret, _, err := w.update(System(), "shop", ClientChange{AuthMethod: new(authKey), SettingsChange: SettingsChange{JWKSURI: new("https://shop.example.jp/jwks")}})
	if row := w.clientRow("shop"); err != nil || secret != "" || row.SecretHash != nil {
		t.Errorf("%v: %+v", err, row)
	}
	if _, err := w.RotateSecret(t.Context(), System(), "shop", w.clientRow("shop").UpdatedAt, "1h"); err == nil || !strings.Contains(err.Error(), "no secret") {
		t.Errorf("a secret for it: %v", err)
	}
	secret, _, err = w.update(System(), "shop", ClientChange{AuthMethod: new(authPost)})
	if row := w.clientRow("shop"); err != nil || string(row.SecretHash) != string(web.HashToken(secret)) {
		t.Errorf("back: %v %+v", err, row)
	}
}

// The grants of devices and of token exchange are taken from whom they fit.
func TestGrantsFitTheirClients(t *testing.T) {
	fine := func(string) string { return "" }
	for name, c := range map[string]struct {
		in    NewClient
		field string
	}{
		"device":           {NewClient{AuthMethod: authNone, GrantTypes: []string{grantDevice, grantRefresh}}, ""},
		"exchange":         {NewClient{GrantTypes: []string{grantExchange}}, ""},
		"public exchange":  {NewClient{AuthMethod: authNone, GrantTypes: []string{grantExchange}}, clientFieldGrants},
		"refresh alone":    {NewClient{GrantTypes: []string{grantRefresh}}, clientFieldGrants},
		"a setting's rule": {NewClient{GrantTypes: []string{grantDevice}, Settings: client.Settings{MinACR: "x"}}, "min_acr"},
	} {
		c.in.Name = "x"
		in, err := c.in.orDefaults().check(fine)
		e, _ := errors.AsType[*ClientError](err)
		if (err == nil) != (c.field == "") || e != nil && (len(e.Fields) != 1 || e.Fields[c.field] == "") {
			t.Errorf("%s: %v", name, err)
		}
		if name == "device" && !slices.Equal(in.Scopes, personScopes()) {
			t.Errorf("%s: %v", name, in.Scopes)
		}
	}
}

// Everything that is wrong with settings has a sentence in both languages.
func TestWhatIsWrongWithSettingsHasSentences(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	reasons := map[string]bool{}
	for _, s := range []client.Settings{
		{Profile: "x", JWKS: json.RawMessage(`{"keys":[]}`), JWKSURI: "x", AccessLifetime: 1, Resources: []string{"x"}, SubjectType: client.SubjectPairwise, FrontchannelLogoutURI: "https://x.example/", Contacts: []string{"x"}, ThirdParty: true, ResourceServers: []string{"urn:x:y"}},
		{Profile: client.ProfileFAPI2, AssertionAlg: "RS256", RequireRequestObject: true, DefaultACRValues: make([]string, 9)},
		{JWKS: json.RawMessage(strings.Repeat(" ", client.MaxJWKS+1))},
		{JWKS: json.RawMessage(`{"keys":[{"d":1}]}`)},
		{JWKS: json.RawMessage(`{"keys":[{}]}`)},
		{JWKS: json.RawMessage(`{"keys":[` + aKey + `,` + aKey + `]}`)},
		{JWKS: json.RawMessage(`{"keys":[` + strings.Repeat(`{},`, client.MaxKeys) + `{}]}`)},
	} {
		for _, p := range s.Check(client.Base{AuthMethod: authNone, Scopes: []string{scopeSCIM}, RedirectURIs: []string{"https://a.example/", "https://b.example/"}}) {
			reasons[p.Reason] = true
			key := "client.wrong." + p.Reason
			ja, en := w.set.T("ja", key, p.Args...), w.set.T("en", key, p.Args...)
			if ja == key || en == key || ja == en || strings.Contains(ja+en, "{max}") || strings.Contains(ja+en, "{n}") || strings.Contains(ja+en, "{values}") {
				t.Errorf("%s: %q, %q", p.Reason, ja, en)
			}
		}
	}
	if len(reasons) != 24 {
		t.Errorf("%d reasons: %v", len(reasons), reasons)
	}
}

// picture makes one of that size; how encodes it.
func picture(t testing.TB, w, h int, how func(*bytes.Buffer, image.Image) error) []byte {
	t.Helper()
	m := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.White, color.Black})
	var out bytes.Buffer
	if err := how(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asPNG(b *bytes.Buffer, m image.Image) error  { return png.Encode(b, m) }
func asJPEG(b *bytes.Buffer, m image.Image) error { return jpeg.Encode(b, m, nil) }
func asGIF(b *bytes.Buffer, m image.Image) error  { return gif.Encode(b, m, nil) }

// tinyPNG is a body of the API that is a picture.
func tinyPNG() string {
	var out bytes.Buffer
	if err := asPNG(&out, image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{color.White})); err != nil {
		panic(err)
	}
	return out.String()
}

// A logo is a picture that browsers show and that can do nothing else; what it is, its bytes say.
func TestOnlyPicturesAreLogos(t *testing.T) {
	whole := picture(t, 40, 40, asPNG)
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"PNG":        {whole, ""},
		"JPEG":       {picture(t, maxLogoSide, 1, asJPEG), ""},
		"GIF":        {picture(t, 3, maxLogoSide, asGIF), ""},
		"wide":       {picture(t, maxLogoSide+1, 1, asPNG), "1025 x 1"},
		"tall":       {picture(t, 1, maxLogoSide+1, asGIF), "1 x 1025"},
		"half":       {whole[:len(whole)/2], "picture"},
		"a drawing":  {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "picture"},
		"nothing":    {nil, "picture"},
		"a document": {[]byte("<html>"), "picture"},
		"large":      {append(slices.Clone(whole), make([]byte, MaxLogo)...), "512 KiB"},
	} {
		_, kind, err := readLogo(bytes.NewReader(c.data))
		if (err == nil) != (c.says == "") || err == nil && !slices.Contains(logoKinds(), kind) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %s %v", name, kind, err)
		}
	}
}

// A logo is kept with its client, has a new name when it changes, and goes with it.
func TestALogoLivesWithItsClient(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root := t.Context(), w.actor(w.root)
		w.shopClient()
		first := w.clientRow("shop")
		set := func(side int) bool {
			t.Helper()
			changed, err := w.SetLogo(ctx, root, "shop", bytes.NewReader(picture(t, side, side, asPNG)))
			must(t, err)
			return changed
		}
		if !set(2) || set(2) {
			t.Error("the same logo is a change")
		}
		one := w.clientRow("shop")
		if _, data := w.last(audit.ClientUpdate); one.LogoVersion == "" || data["logo.to"] != one.LogoVersion || !one.UpdatedAt.After(first.UpdatedAt) {
			t.Errorf("%+v, audited as %v", one, data)
		}
		if set(3); w.clientRow("shop").LogoVersion == one.LogoVersion {
			t.Error("another logo has the name of the former")
		}
		if logo, err := w.db.Read().GetClientLogo(ctx, "shop"); err != nil || logo.MediaType != "image/png" || len(logo.Data) == 0 {
			t.Errorf("%+v %v", logo, err)
		}
		if _, err := w.SetLogo(ctx, root, "shop", strings.NewReader("x")); !isClientError(err) {
			t.Errorf("no picture: %v", err)
		}
		if _, err := w.SetLogo(ctx, root, "nobody", bytes.NewReader(picture(t, 1, 1, asPNG))); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("nobody's: %v", err)
		}
		for _, want := range []bool{true, false} {
			if changed, err := w.RemoveLogo(ctx, root, "shop"); changed != want || err != nil {
				t.Errorf("removed: %v %v", changed, err)
			}
		}
		set(2)
		must(t, w.DeleteClient(ctx, root, "shop", w.clientRow("shop").UpdatedAt, "shop"))
		if _, err := w.db.Read().GetClientLogo(ctx, "shop"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("it outlives its client: %v", err)
		}
	})
}

// The console's form says every setting and shows what is set; what is wrong is named, and stays as it was typed.
func TestConsoleFormHasEverySetting(t *testing.T) {
	c := newConsole(t, root)
	values := []string{
		"version", "", "name", "店", "surface", "store", "auth_method", authKey, "id_token_alg", "ES256", "pkce", "yes", "grant-authorization_code", "yes",
		"redirect_uris", "https://shop.example.jp/cb", "scope-profile", "yes",
	}
	var body map[string]any
	raw, err := json.Marshal(everySetting())
	must(t, err)
	must(t, json.Unmarshal(raw, &body))
	for _, name := range membersOf() {
		switch v := body[name].(type) {
		case bool:
			values = append(values, name, "yes")
		case string:
			values = append(values, name, v)
		case float64:
			number, err := json.Marshal(v)
			must(t, err)
			values = append(values, name, string(number))
		case []any:
			var lines []string
			for _, line := range v {
				lines = append(lines, line.(string))
			}
			values = append(values, name, strings.Join(lines, "\r\n"))
		case map[string]any:
			values = append(values, name, `{"keys":[`+aKey+`]}`)
		}
	}
	c.shopClient()
	values[1] = c.version(c.get("/admin/clients/shop"))
	at, page := c.post("/admin/clients/shop", values...)
	if at != "/admin/clients/shop" {
		t.Fatalf("leads to %q: %s", at, page)
	}
	state, err := c.ClientState(t.Context(), c.actor(c.root), "shop")
	must(t, err)
	if diff := cmp.Diff(everySetting().Normal(), state.Registration.Settings); diff != "" {
		t.Errorf("(-typed +stored):\n%s", diff)
	}
	page = c.get(at)
	c.wants(page, "設定済み3件", "https://shop.example.jp/sector", `"kid": "k1"`, `<option value="phr" selected>`)
	// The page's own form says the same again.
	if at, page := c.post("/admin/clients/shop", append(values, "version", c.version(page))...); at == "" {
		t.Errorf("the same again is refused: %s", page)
	}
	bad := slices.Clone(values)
	for i := 0; i < len(bad); i += 2 {
		switch bad[i] {
		case "version":
			bad[i+1] = c.version(c.get(at))
		case "access_token_lifetime", "default_max_age":
			bad[i+1] = "soon"
		case "jwks":
			bad[i+1] = `{"keys":[{"d":"x"}]}`
		}
	}
	_, page = c.post("/admin/clients/shop", bad...)
	c.wants(page, "秘密の値が含まれています", "60から86400までの秒数", "0から31536000までの秒数", `value="soon"`, `<details class="more mt-4" open>`)
	if n := len(c.events(audit.ClientUpdate)); n != 1 {
		t.Errorf("%d changes", n)
	}
}

// Every kind of application registers with what its page proposes, and its page has the settings that fit it.
func TestConsoleRegistersEveryKind(t *testing.T) {
	c := newConsole(t, root)
	for kind, want := range map[string]struct {
		auth, grants, typ string
		has, lacks        []string
	}{
		"web":     {authBasic, "authorization_code refresh_token", "", []string{"jwks_uri", "frontchannel_logout_uri"}, nil},
		"browser": {authNone, "authorization_code refresh_token", "", []string{"third_party", "resources"}, []string{"auth_method", "resource_servers"}},
		"native":  {authNone, "authorization_code refresh_token", client.TypeNative, []string{"min_acr"}, nil},
		"service": {authBasic, "client_credentials", "", []string{"resources", "resource_servers", "auth_method"}, []string{"min_acr", "redirect_uris", "id_token_lifetime"}},
		"device":  {authNone, grantDevice + " refresh_token", client.TypeNative, []string{"min_acr", "default_max_age", "policy_uri"}, []string{"redirect_uris", "frontchannel_logout_uri"}},
	} {
		page := c.get("/admin/register-client/" + kind)
		for _, name := range want.has {
			if !strings.Contains(page, `name="`+name+`"`) {
				t.Errorf("%s: no %s", kind, name)
			}
		}
		for _, name := range want.lacks {
			if strings.Contains(page, `name="`+name+`"`) {
				t.Errorf("%s: %s", kind, name)
			}
		}
		typed := []string{"id", "a-" + kind, "name", kind, "surface", "store", "scope-profile", "yes", "application_type", "web", "min_acr", "phr"}
		if !slices.Contains(want.lacks, "redirect_uris") {
			typed = append(typed, "redirect_uris", "https://rp.example.jp/cb")
		}
		if want.typ != "" {
			typed = append(typed, "application_type", want.typ)
			if !strings.Contains(page, `<option value="native" selected>`) {
				t.Errorf("%s: native is not proposed", kind)
			}
		}
		if at, page := c.post("/admin/register-client/"+kind, typed...); at != "/admin/clients/a-"+kind+"/secret/issued" {
			t.Errorf("%s leads to %q: %s", kind, at, page)
			continue
		}
		row := c.clientRow("a-" + kind)
		in, err := registrationOf(row)
		if err != nil || row.AuthMethod != want.auth || strings.Join(in.GrantTypes, " ") != want.grants || in.ApplicationType != want.typ || in.MinACR != "phr" {
			t.Errorf("%s: %+v %v", kind, in, err)
		}
	}
	at, page := c.post("/admin/register-client/web", "id", "signs", "name", "x", "surface", "store", "redirect_uris", "https://rp.example.jp/cb", "auth_method", authKey, "jwks_uri", "https://rp.example.jp/jwks")
	if row := c.clientRow("signs"); at == "" || row.AuthMethod != authKey || row.SecretHash != nil {
		t.Errorf("%q %s", at, page)
	}
	_, page = c.post("/admin/register-client/browser", "id", "b", "name", "x", "surface", "store", "redirect_uris", "https://rp.example.jp/cb", "auth_method", authBasic)
	if row := c.clientRow("b"); row.AuthMethod != authNone {
		t.Errorf("a page in a browser has %s: %s", row.AuthMethod, page)
	}
}

// SCIM is set up in the console for a client with the scope for it, and for no other.
func TestConsoleSetsProvisioning(t *testing.T) {
	c := newConsole(t, root)
	c.shopClient()
	const page = "/admin/clients/shop/provisioning"
	c.wants(c.get(page), "api:scim の権限がありません")
	_, refused := c.post(page, "group", string(c.group))
	c.wants(refused, "api:scim の権限がありません")
	if err := c.SetProvisioning(t.Context(), System(), "shop", c.group); !isClientError(err) || !strings.Contains(err.Error(), "api:scim") {
		t.Errorf("without the scope: %v", err)
	}
	_, _, err := c.update(System(), "shop", ClientChange{Scopes: []string{"openid", scopeSCIM}})
	must(t, err)
	c.wants(c.get(page), "販売先コードを入力すると")
	c.wants(c.get(page+"?code=nobody"), "販売先コード")
	c.wants(c.get(page+"?code=C-100248"), `value="`+string(c.group)+`"`)
	_, refused = c.post(page, "code", "C-100248", "group", "")
	c.wants(refused, "ユーザーグループを選択してください。")
	at, _ := c.post(page, "code", "C-100248", "group", string(c.group))
	c.wants(c.get(at), "更新しました。", `href="/admin/customers/`+string(c.customer)+`"`)
	c.wants(c.get(page), "解除", `checked`)
	at, _ = c.post(page + "/end")
	c.wants(c.get(at), "更新しました。", "アカウントの登録・変更（SCIM）はしていません。")
	at, _ = c.post(page + "/end")
	c.wants(c.get(at), "変更はありません")
	if w := c.do(http.MethodGet, "/admin/clients/nobody/provisioning", nil); w.Code != http.StatusNotFound {
		t.Errorf("nobody's: %d", w.Code)
	}
}

// sendFile posts a file to a form of the console.
func (c *console) sendFile(path, field, name string, data []byte) *httptest.ResponseRecorder {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(field, name)
	must(c.t, err)
	_, err = part.Write(data)
	must(c.t, errors.Join(err, form.Close()))
	r := httptest.NewRequest(http.MethodPost, path, &body)
	r.Host = "id.example.jp"
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Accept-Language", "ja")
	for name, value := range c.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	c.mux.ServeHTTP(w, r)
	return w
}

// A logo comes in by a form of the console; what is none is refused in words, and nobody's file is read who may not change the client.
func TestConsoleSetsALogo(t *testing.T) {
	c := newConsole(t, root)
	c.shopClient()
	const page = "/admin/clients/shop/logo"
	c.wants(c.get(page), `enctype="multipart/form-data"`, "512KiB以内")
	for name, tt := range map[string]struct {
		field string
		data  []byte
		says  string
	}{
		"a drawing": {"file", []byte("<svg/>"), "PNG、JPEG、GIF のどれかの画像"},
		"no file":   {"other", []byte("x"), "PNG、JPEG、GIF のどれかの画像"},
		"large":     {"file", make([]byte, MaxLogo+1), "512KiB以内にしてください"},
		"wide":      {"file", picture(t, maxLogoSide+1, 1, asPNG), "縦横1024ピクセル以内"},
	} {
		if w := c.sendFile(page, tt.field, "logo.png", tt.data); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := c.sendFile(page, "file", "logo.png", make([]byte, 1<<20)); w.Code != http.StatusRequestEntityTooLarge && w.Code != http.StatusUnprocessableEntity {
		t.Errorf("too much for the form: %d", w.Code)
	}
	if w := c.do(http.MethodPost, page, url.Values{"file": {"x"}}); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("no upload: %d", w.Code)
	}
	if w := c.sendFile("/admin/clients/nobody/logo", "file", "logo.png", picture(t, 2, 2, asPNG)); w.Code != http.StatusNotFound {
		t.Errorf("nobody's: %d", w.Code)
	}
	if c.clientRow("shop").LogoVersion != "" {
		t.Fatal("what is no picture is a logo")
	}
	// A photo is more than any other form may have.
	noise := picture(t, 700, 300, func(b *bytes.Buffer, _ image.Image) error {
		m := image.NewNRGBA(image.Rect(0, 0, 200, 200))
		_, _ = rand.Read(m.Pix)
		return png.Encode(b, m)
	})
	if w := c.sendFile(page, "file", "logo.png", noise); w.Code != http.StatusSeeOther || len(noise) < 100<<10 {
		t.Fatalf("%d of %d bytes: %s", w.Code, len(noise), w.Body)
	}
	at := templates.LogoURL("shop", c.clientRow("shop").LogoVersion)
	c.wants(c.get("/admin/clients/shop"), `src="`+at+`"`)
	c.stale = true
	if w := c.do(http.MethodGet, page, nil); w.Code != http.StatusSeeOther {
		t.Errorf("the form is shown without a fresh proof: %d", w.Code)
	}
	if w := c.sendFile(page, "file", "logo.png", picture(t, 2, 2, asPNG)); w.Code == http.StatusOK || templates.LogoURL("shop", c.clientRow("shop").LogoVersion) != at {
		t.Errorf("changed without a fresh proof: %d", w.Code)
	}
	c.stale = false
	to, _ := c.post(page + "/remove")
	c.wants(c.get(to), "更新しました。", "ロゴはありません。")
	to, _ = c.post(page + "/remove")
	c.wants(c.get(to), "変更はありません")
	c.shopClient(func(in *NewClient) {
		in.ID, in.GrantTypes, in.Scopes = "mighty", []string{grantCredentials}, []string{scopePasswords}
	})
	must(t, c.grant(account.RoleSupport, "view", "manage_clients"))
	c.cookies = map[string]string{}
	c.signIn(c.desk)
	if w := c.sendFile("/admin/clients/mighty/logo", "file", "logo.png", picture(t, 2, 2, asPNG)); w.Code != http.StatusForbidden {
		t.Errorf("of a mightier client: %d", w.Code)
	}
}
