package main

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
