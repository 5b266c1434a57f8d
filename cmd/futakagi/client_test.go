package main

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
)

// walkClient takes an application through its life; each command's answer is said, and no secret is said twice.
func walkClient(t *testing.T, on func(args ...string) result) {
	t.Helper()
	got := on("create", "--id", "shop", "--name", "ストア", "--redirect-uri", "https://store.example.jp/callback")
	_, secret, _ := strings.Cut(strings.TrimSpace(got.out), "client_secret: ")
	if got.code != exitOK || len(secret) < 43 {
		t.Fatalf("create: %+v", got)
	}
	keys, logo := filepath.Join(t.TempDir(), "keys.json"), filepath.Join(t.TempDir(), "logo.png")
	var picture bytes.Buffer
	jwks := `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	err := errors.Join(png.Encode(&picture, image.NewGray(image.Rect(0, 0, 2, 2))), os.WriteFile(keys, []byte(jwks), 0o600), os.WriteFile(logo, picture.Bytes(), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for _, step := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"list"}, exitOK, "shop"},
		{[]string{"get", "shop"}, exitOK, "ストア"},
		{[]string{"update", "shop", "--client-name", "新しいストア", "--require-pkce=false"}, exitOK, "新しいストア"},
		{[]string{"get", "shop", "-o", "json"}, exitOK, `"https://store.example.jp/callback"`},
		{[]string{"update", "shop", "--redirect-uris", "http://store.example.jp/"}, exitUsage, "redirect_uris"},
		{[]string{"update", "shop", "--auth-method", "private_key_jwt", "--jwks", keys, "--access-token-lifetime", "300", "--contact", "a@example.jp,b@example.jp"}, exitOK, "private_key_jwt"},
		{[]string{"get", "shop", "-o", "json"}, exitOK, `"kid": "k1"`},
		{[]string{"get", "shop", "-o", "json"}, exitOK, `"b@example.jp"`},
		{[]string{"update", "shop", "--jwks", keys + ".none"}, exitUsage, "no such file"},
		{[]string{"update", "shop", "--jwks", logo}, exitUsage, "must be JSON"},
		{[]string{"update", "shop", "--name", "ストア", "--id-token-alg", "RS256", "--auth-method", "client_secret_post", "--contacts", ""}, exitOK, "client_secret_post"},
		{[]string{"set-logo", "shop", logo}, exitOK, "done"},
		{[]string{"get", "shop", "-o", "json"}, exitOK, `"logo_uri": "/logo/shop?v=`},
		{[]string{"set-logo", "shop", keys}, exitUsage, "no picture"},
		{[]string{"set-logo", "nobody", logo}, exitFailure, "no"},
		{[]string{"remove-logo", "shop"}, exitOK, "shop"},
		{[]string{"rotate-secret", "shop"}, exitUsage, "overlap"},
		{[]string{"rotate-secret", "shop", "--overlap", "2h"}, exitUsage, "not_one_of"},
		{[]string{"rotate-secret", "shop", "--overlap", "7d", "-o", "json"}, exitOK, `"former_secret_until": "20`},
		{[]string{"end-former-secret", "shop"}, exitOK, "shop"},
		{[]string{"streams", "shop"}, exitOK, ""},
		{[]string{"pause-stream", "shop", "01900000-0000-7000-8000-000000000001"}, exitFailure, "not_found"},
		{[]string{"disable", "shop"}, exitOK, "20"},
		{[]string{"list"}, exitOK, "disabled"},
		{[]string{"enable", "shop"}, exitOK, "shop"},
		{[]string{"delete", "shop"}, exitOK, "done"},
		{[]string{"get", "shop"}, exitFailure, "not_found"},
		{[]string{"delete", "shop"}, exitFailure, "not_found"},
	} {
		got := on(step.args...)
		if got.code != step.code || !strings.Contains(got.out+got.err, step.says) {
			t.Errorf("%v: %+v, want %d and %q", step.args, got, step.code, step.says)
		}
		said.WriteString(got.out + got.err)
	}
	if strings.Contains(said.String(), secret) {
		t.Error("the secret was said again")
	}
}

func TestClientVerbsOnTheDatabase(t *testing.T) {
	t.Chdir(t.TempDir())
	if got := execute(t, nil, "migrate", "up"); got.code != exitOK {
		t.Fatalf("migrate: %+v", got)
	}
	walkClient(t, func(args ...string) result { return executeWith(t, "", append([]string{"client"}, args...)...) })
}

func TestClientVerbsOnAServer(t *testing.T) {
	a := testapp.New(t)
	c, err := a.Admin.CreateClient(t.Context(), admin.System(), admin.NewClient{
		ID: "cli", Name: "cli", GrantTypes: []string{"client_credentials"}, Scopes: []string{"api:clients", "api:clients.read"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	rp := a.RelyingParty(t, "cli")
	rp.Secret = c.Secret
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(rp.Post("/token", url.Values{"grant_type": {"client_credentials"}}).Str("access_token")), 0o600); err != nil {
		t.Fatal(err)
	}
	walkClient(t, func(args ...string) result {
		return executeWith(t, "", append(append([]string{"client"}, args...), "--url", a.URL, "--token-file", file)...)
	})
}

// A new application and a change are told the same things by the same names, long and short.
func TestCreateAndUpdateHaveTheSameFlags(t *testing.T) {
	a := &app{}
	flags := map[string]*cobra.Command{}
	for _, c := range a.clientCommand().Commands() {
		flags[c.Name()] = c
	}
	only := map[string]bool{"client-id": true, "no-pkce": true, "require-pkce": true, "output": true}
	for _, pair := range [][2]string{{"create", "update"}, {"update", "create"}} {
		from, to := flags[pair[0]], flags[pair[1]]
		from.Flags().VisitAll(func(f *pflag.Flag) {
			if other := to.Flags().Lookup(f.Name); other == nil && !only[f.Name] {
				t.Errorf("%s has no --%s, which %s has", pair[1], f.Name, pair[0])
			}
		})
		for _, short := range []string{"name", "auth-method", "id-token-alg", "redirect-uri", "post-logout-redirect-uri", "grant-type", "scope", "resource", "resource-server", "contact", "jwks", "min-acr"} {
			if from.Flags().Lookup(short) == nil {
				t.Errorf("%s has no --%s", pair[0], short)
			}
		}
	}
}
