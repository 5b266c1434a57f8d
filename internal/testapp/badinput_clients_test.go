package testapp_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/store"
)

const (
	saysClientName      = "名前を入力してください。"
	saysClientID        = "クライアントIDは、英数字で始まる64文字以内の"
	saysClientSurface   = "画面を選択してください。"
	saysClientAuth      = "クライアント認証を選択してください。"
	saysClientAlg       = "署名方式を選択してください。"
	saysClientRedirects = "リダイレクトURIを1つ以上入力してください。"
	saysClientLine      = "1行目の「"
	saysClientURI       = "https:// で始まるURIを、省略せずに入力してください。"
	saysClientOverlap   = "現在のシークレットを無効にする時期を選択してください。"
	saysScimGroup       = "ユーザーグループを選択してください。"
	saysClientTyped     = "クライアントIDが一致しません。"
)

func ignoring(_ any, err error) error { return err }

// clients are the pages of relying parties.
func (c *cast) clients() ([]form, []look) {
	c.t.Helper()
	const id = "bad-input"
	made, err := c.Admin.CreateClient(c.t.Context(), admin.System(), admin.NewClient{ID: id, Name: "入力", RedirectURIs: []string{"https://bad.example.jp/cb"}, Scopes: []string{"openid", "api:scim"}})
	if err != nil {
		c.t.Fatal(err)
	}
	row, err := c.DB.Read().GetClient(c.t.Context(), made.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	c.Clock.Advance(time.Second) // the new version is another one
	if _, err := c.Admin.RotateSecret(c.t.Context(), admin.System(), id, row.UpdatedAt, "7d"); err != nil {
		c.t.Fatal(err)
	}
	group := c.customer.account.UserGroupID
	var picture bytes.Buffer
	err = errors.Join(
		c.Admin.SetProvisioning(c.t.Context(), admin.System(), id, *group), png.Encode(&picture, image.NewGray(image.Rect(0, 0, 1, 1))),
		ignoring(c.Admin.SetLogo(c.t.Context(), admin.System(), id, &picture)),
	)
	if err != nil {
		c.t.Fatal(err)
	}
	page := "/admin/clients/" + id
	shown, _ := formsOf(c.staff.Get(page).Body, page)
	foreign := malformedIDs()
	at := func(suffix string, fields ...field) form {
		return form{pattern: "/admin/clients/{client}" + suffix, path: page + suffix, b: c.staff, own: id, foreign: foreign, fields: fields}
	}
	kind := func(name string, fields ...field) form {
		return form{
			pattern: "/admin/register-client/{kind}", path: "/admin/register-client/" + name, b: c.staff, own: name, foreign: append([]string{"WEB", "any"}, foreign...), fields: fields,
		}
	}
	// Nothing is ever right, since there is no name.
	nameless := url.Values{
		"version": {shown["version"]}, "surface": {"store"}, "auth_method": {"client_secret_basic"}, "id_token_alg": {"ES256"},
		"redirect_uris": {"https://bad.example.jp/cb"}, "grant-authorization_code": {"yes"},
	}
	with := func(pairs ...string) url.Values {
		out := url.Values{}
		maps.Copy(out, nameless)
		for i := 0; i+1 < len(pairs); i += 2 {
			out.Set(pairs[i], pairs[i+1])
		}
		return out
	}
	common := []field{
		{name: "name", with: with("redirect_uris", ""), blank: saysClientName, bad: saysClientRedirects, long: saysHundred, refilled: true},
		{name: "redirect_uris", with: with(), blank: saysClientRedirects, bad: saysClientLine},
		{name: "post_logout_redirect_uris", with: with(), blank: saysClientName, bad: saysClientLine},
	}
	var web, service, edit []field
	for name := range shown {
		if strings.HasPrefix(name, "scope-") || strings.HasPrefix(name, "grant-") || name == "pkce" || name == "other_scopes" {
			edit = append(edit, same(name, saysClientName, with()))
		}
		switch {
		case strings.HasPrefix(name, "scope-api:"), name == "other_scopes":
			service = append(service, same(name, saysClientName, with()))
		case strings.HasPrefix(name, "scope-"):
			web = append(web, same(name, saysClientName, with()))
		}
	}
	// Whatever is typed into a setting, the page asks for the name that is not there; what is wrong with settings is tested beside them.
	settings := slices.Collect(maps.Keys(shown))
	settings = slices.DeleteFunc(settings, func(name string) bool { return !admin.IsSetting(name) })
	for _, name := range settings {
		setting := same(name, saysClientName, with())
		setting.alike = true
		edit = append(edit, setting)
	}
	untried := func(page string) (out []field) {
		controls, _ := formsOf(c.staff.Get(page).Body, page)
		for name := range controls {
			if admin.IsSetting(name) {
				out = append(out, field{name: name, with: with(), fits: anything, alike: true})
			}
		}
		return out
	}
	own := field{name: "id", with: with(), blank: saysClientName, bad: saysClientID, refilled: true}
	web, service = append(web, untried("/admin/register-client/web")...), append(service, untried("/admin/register-client/service")...)
	method := field{name: "auth_method", with: with(), fits: anything}
	service = append(service, method)
	web = append(append(web, common...), own, method, field{name: "backchannel_logout_uri", with: with(), blank: saysClientName, bad: saysClientURI, refilled: true}, field{name: "surface", with: with("name", "x"), bad: saysClientSurface, fits: blank})
	service = append(service, own, field{name: "name", with: with("other_scopes", "a b"), blank: saysClientName, bad: "スコープとして使えません。", long: saysHundred, refilled: true})
	edit = append(append(edit, common...),
		field{name: "surface", with: with("name", "x"), blank: saysClientSurface, bad: saysClientSurface},
		field{name: "backchannel_logout_uri", with: with(), blank: saysClientName, bad: saysClientURI, refilled: true},
		same("auth_method", saysClientAuth, with()), same("id_token_alg", saysClientAlg, with()), same("version", saysElsewhere, with("name", "x")))
	former := at("/former-secret")
	former.page = page
	unlogo, unscim := at("/logo/remove"), at("/provisioning/end")
	unlogo.page, unscim.page = page+"/logo", page+"/provisioning"
	scim := at("/provisioning", field{name: "group", with: value("code", "C-100248"), blank: saysScimGroup, bad: saysScimGroup, foreign: foreign, wrong: saysScimGroup},
		field{name: "code", with: value("group", ""), fits: anything})
	scim.page = page + "/provisioning?code=C-100248"
	state := at("/state", field{name: "do"})
	state.status, state.press = http.StatusBadRequest, value("do", "disable")
	stream := at("/streams/{stream}", field{name: "do"})
	stream.own = string(store.NewID[store.StreamID]())
	stream.path, stream.page, stream.status, stream.press = page+"/streams/"+stream.own, page, http.StatusBadRequest, value("do", "pause")
	inTx(c.t, c.App, func(tx *store.Tx) error {
		return tx.InsertStream(c.t.Context(), store.InsertStreamParams{
			ID: store.StreamID(stream.own), ClientID: id, Method: store.StreamPoll, Events: store.SignalSessionRevoked, Now: c.Clock.Now(),
		})
	})
	ended := stream
	ended.pattern, ended.path = stream.pattern+"/delete", stream.path+"/delete"
	ended.page = ended.path
	ended.fields, ended.status, ended.press = nil, 0, nil
	forms := []form{
		at("", edit...), former, ended, state, unlogo, scim, unscim, stream,
		at("/secret", same("overlap", saysClientOverlap, with()), same("version", saysElsewhere, value("overlap", "24h"))),
		at("/delete", field{name: "typed", with: with(), blank: saysClientTyped, bad: saysClientTyped, foreign: []string{"store", strings.ToUpper(id)}, wrong: saysClientTyped},
			same("version", saysElsewhere, value("typed", id))),
		kind("web", web...), kind("service", service...),
	}
	looks := []look{
		{pattern: "/admin/clients", path: "/admin/clients", b: c.staff, parameters: []string{"q", "state", "after"}},
		{pattern: "/admin/register-client", path: "/admin/register-client", b: c.staff, parameters: []string{"q"}},
		{pattern: "/admin/clients/{client}/secret/issued", path: page + "/secret/issued", b: c.staff, own: id, foreign: foreign, parameters: []string{"secret"}},
	}
	return forms, looks
}
