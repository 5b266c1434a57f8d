package main

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// The verbs work on the database at hand, through the use cases that the API and the console have.
func TestVerbsOnTheDatabase(t *testing.T) {
	t.Chdir(t.TempDir())
	if got := execute(t, nil, "migrate", "up"); got.code != exitOK {
		t.Fatalf("migrate: %+v", got)
	}
	for _, login := range []string{"operator", "support"} {
		if got := executeWith(t, "a long pass phrase\n", "account", "create", "--login-id", login, "--name", "担当", "--email", login+"@example.jp"); got.code != exitOK {
			t.Fatalf("create: %+v", got)
		}
	}
	got := executeWith(t, "", "account", "operators", "--limit", "1", "--output", "json")
	var list struct {
		Items []struct {
			ID      string
			LoginID string `json:"login_id"`
		}
		Next string
	}
	if err := json.Unmarshal([]byte(got.out), &list); err != nil || got.code != exitOK || len(list.Items) != 1 || list.Items[0].LoginID != "operator" {
		t.Fatalf("operators: %+v, %v", got, err)
	}
	id := list.Items[0].ID
	if got := executeWith(t, "", "account", "operators", "--cursor", list.Next); !strings.Contains(got.out, "support") || strings.Contains(got.out, "operator@") {
		t.Errorf("the second page: %+v", got)
	}
	if got := executeWith(t, "", "account", "update", id, "--name", "管理者", "--email", "o@example.jp", "--role", "administrator"); got.code != exitOK || !strings.Contains(got.out, "管理者") {
		t.Errorf("update: %+v", got)
	}
	if got := executeWith(t, "", "account", "disable", id, "-o", "json"); got.code != exitOK || !strings.Contains(got.out, `"disabled_at": "`) {
		t.Errorf("disable: %+v", got)
	}
	if got := executeWith(t, "", "account", "enable", id); got.code != exitOK || !strings.HasPrefix(got.out, "ID ") {
		t.Errorf("enable: %+v", got)
	}
	if got := executeWith(t, "", "mfa", "enforce", "store", "--enforced"); got.code != exitOK || !strings.Contains(got.out, "store    true") {
		t.Errorf("enforce: %+v", got)
	}
	if got := executeWith(t, "", "key", "reseal"); got.code != exitOK || !strings.Contains(got.out, "requested") {
		t.Errorf("reseal: %+v", got)
	}
	if got := executeWith(t, "", "key", "reseal-status", "-o", "json"); got.code != exitOK || !strings.Contains(got.out, `"state": "requested"`) {
		t.Errorf("reseal-status: %+v", got)
	}
	if got := executeWith(t, "", "audit", "list", "--kind", "account"); got.code != exitOK || !strings.Contains(got.out, "account.disable") || !strings.Contains(got.out, "system") {
		t.Errorf("audit: %+v", got)
	}
	for name, tt := range map[string]struct {
		args []string
		code int
		says string
	}{
		"missing":       {[]string{"account", "get", store.MaxID}, exitFailure, "not_found: There is no such thing"},
		"no key":        {[]string{"key", "revoke", "--reason", "leaked", "--", "-no-such-key"}, exitFailure, "not_found"},
		"no next key":   {[]string{"key", "rotate"}, exitFailure, "not_ready"},
		"under way":     {[]string{"key", "reseal"}, exitFailure, "conflict"},
		"no id":         {[]string{"account", "get"}, exitUsage, "accepts 1 arg"},
		"no such value": {[]string{"audit", "deliveries", "--state", "lost"}, exitUsage, "state: not_one_of"},
		"not fitting":   {[]string{"account", "update", id, "--name", "", "--email", "", "--role", ""}, exitUsage, "role: role_blank"},
		"no such role":  {[]string{"account", "update", id, "--name", "管理者", "--email", "o@example.jp", "--role", "x"}, exitUsage, "role: role_blank ("},
		"output":        {[]string{"account", "list", "-o", "xml"}, exitUsage, "table or json"},
		"needs keys":    {[]string{"mfa", "reset", id, "--reason", "r", "--identity-checked"}, exitConfig, "master_key: this needs the keys of the server, which its first start makes; start the server once, or name a server with --url"},
		"no password":   {[]string{"account", "set-password", id}, exitUsage, "--password-file"},
		"in argv":       {[]string{"account", "set-password", id, "--password", "x"}, exitUsage, "unknown flag"},
		"no reason":     {[]string{"mfa", "reset", id}, exitUsage, "required flag"},
		"no TLS":        {[]string{"account", "list", "--url", "http://id.example.jp"}, exitUsage, "https"},
		"no token":      {[]string{"account", "list", "--url", "http://localhost:1"}, exitUsage, "--token-file"},
		"no file":       {[]string{"account", "list", "--url", "http://localhost:1", "--token-file", "none"}, exitUsage, "--token-file"},
	} {
		if got := executeWith(t, "", tt.args...); got.code != tt.code || !strings.Contains(got.err, tt.says) {
			t.Errorf("%s: %+v, want %d and %q", name, got, tt.code, tt.says)
		}
	}
}

// The same verbs on a server, with the token of a client.
func TestVerbsOnAServer(t *testing.T) {
	a := testapp.New(t)
	c, err := a.Admin.CreateClient(t.Context(), admin.System(), admin.NewClient{
		ID: "cli", Name: "cli", GrantTypes: []string{"client_credentials"}, Scopes: []string{
			"api:accounts.read", "api:accounts.write", "api:addresses.read", "api:audit.read", "api:clients", "api:clients.read", "api:customers.read",
			"api:passwords", "api:reset",
		},
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
	if err := os.WriteFile(file, []byte(rp.Post("/token", url.Values{"grant_type": {"client_credentials"}}).Str("access_token")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sato, err := a.DB.Read().GetAccountByLogin(t.Context(), store.GetAccountByLoginParams{Kind: "store", LoginKey: "sato"})
	if err != nil {
		t.Fatal(err)
	}
	on := func(args ...string) result {
		return executeWith(t, "", append(args, "--url", a.URL, "--token-file", file)...)
	}
	if got := on("mfa", "status", string(sato.ID)); got.code != exitOK || !strings.Contains(got.out, "use") {
		t.Errorf("status: %+v", got)
	}
	if got := on("mfa", "reset", string(sato.ID), "--reason", "mailbox gone", "--identity-checked", "-o", "json"); got.code != exitOK || !strings.Contains(got.out, `"removed": [`) {
		t.Errorf("reset: %+v", got)
	}
	if got := on("mfa", "switch", string(sato.ID), "--two-factor", "dont_use"); got.code != exitOK || !strings.Contains(got.out, "dont_use") {
		t.Errorf("switch: %+v", got)
	}
	if got := on("account", "send-reset", string(sato.ID)); got.code != exitOK || got.out != "done\n" {
		t.Errorf("reset mail: %+v", got)
	}
	if got := on("mfa", "reset", string(sato.ID), "--reason", "", "--identity-checked"); got.code != exitUsage || !strings.Contains(got.err, "reason: reason_blank") {
		t.Errorf("what does not fit: %+v", got)
	}
	if got := on("role", "list"); got.code != exitFailure || !strings.Contains(got.err, "insufficient_scope") {
		t.Errorf("without the scope: %+v", got)
	}
	people := filepath.Join(t.TempDir(), "people.csv")
	rows := "customer_code,user_group,login_id,display_name,registered_email\nC-100248,本社,yamada,山田,yamada@example.jp\nC-nobody,,kimura,木村,x\n"
	if err := os.WriteFile(people, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	go a.Admin.RunImports(t.Context())
	if got := on("account", "import", people, "--dry-run"); got.code != exitData || !strings.Contains(got.out, "would import 2 rows: 1 created") || !strings.Contains(got.err, "line 3") {
		t.Errorf("dry run: %+v", got)
	}
	if got := on("account", "import", people); got.code != exitData || !strings.Contains(got.out, "imported 2 rows: 1 created, 0 updated, 0 unchanged, 1 refused") {
		t.Errorf("import: %+v", got)
	}
	exported := filepath.Join(t.TempDir(), "all.csv")
	if got := on("account", "export", "--output", exported); got.code != exitOK {
		t.Errorf("export: %+v", got)
	}
	if raw, err := os.ReadFile(exported); err != nil || !strings.Contains(string(raw), "yamada@example.jp") {
		t.Errorf("export: %.200s, %v", raw, err)
	}
	if got := on("account", "export", "--output", exported); got.code != exitUsage {
		t.Errorf("over a file that is there: %+v", got)
	}
	if got := on("account", "export", "--with-secrets"); got.code != exitUsage || !strings.Contains(got.err, "--with-secrets") {
		t.Errorf("secrets: %+v", got)
	}
	if got := on("audit", "export", "--kind", "account"); got.code != exitOK || !strings.Contains(got.out, "account.import") {
		t.Errorf("audit: %+v", got)
	}
	if got := on("customer", "holdings", customerOf(t, a)); got.code != exitOK || !strings.Contains(got.out, "at: 20") || !strings.Contains(got.out, "sato") {
		t.Errorf("holdings: %+v", got)
	}
	with := func(input string, args ...string) result {
		return executeWith(t, input, append(args, "--url", a.URL, "--token-file", file)...)
	}
	create := []string{"account", "create", "--kind", "store", "--customer", "C-100248", "--group", "本社", "--login-id", "mori", "--name", "森", "--email", "mori@example.jp"}
	if got := with("a long pass phrase\n", create...); got.code != exitOK || !strings.Contains(got.out, "mori") {
		t.Errorf("create: %+v", got)
	}
	if got := with("another long pass phrase\n", "account", "set-password", string(sato.ID)); got.code != exitOK {
		t.Errorf("set password: %+v", got)
	}
	if got := with("", "client", "create", "--id", "shop", "--redirect-uri", "https://shop.example.jp/cb"); got.code != exitOK || !strings.Contains(got.out, "client_secret: ") {
		t.Errorf("client: %+v", got)
	}
	if got := with("", "client", "list"); got.code != exitOK || !strings.Contains(got.out, "shop") {
		t.Errorf("clients: %+v", got)
	}
	if got := executeWith(t, "", "account", "list", "--url", "http://127.0.0.1:1", "--token-file", file); got.code != exitUnavailable {
		t.Errorf("nobody there: %+v", got)
	}
	if got := executeWith(t, "", "account", "list", "--url", "nonsense", "--token-file", file); got.code != exitUsage {
		t.Errorf("no address: %+v", got)
	}
}

// customerOf is the id of the fixtures' first customer.
func customerOf(t *testing.T, a *testapp.App) string {
	t.Helper()
	rows, _, err := a.Admin.CustomersAfter(t.Context(), admin.System(), admin.Span{Limit: 1}, "")
	if err != nil || len(rows) != 1 {
		t.Fatalf("%v, %v", rows, err)
	}
	return string(rows[0].ID)
}

// Every operation of the API can be done from the command line: by its verb, or by a command that is more than one operation.
func TestEveryOperationHasAVerb(t *testing.T) {
	has := map[string]bool{
		"createClient": true, "listClients": true, "setClientLogo": true, // client create, list, set-logo
		"uploadImport": true, "exportAccounts": true, // account import, export
		"exportAuditEvents": true, // audit export
	}
	for _, group := range [][]verb{accountVerbs(), operatorVerbs(), roleVerbs(), customerVerbs(), mfaVerbs(), auditVerbs(), clientVerbs(), keyVerbs()} {
		names := map[string]bool{}
		for _, v := range group {
			has[v.operation] = true
			if names[v.use] {
				t.Errorf("two verbs are %s", v.use)
			}
			names[v.use] = true
			for _, f := range described().Fields(v.operation) {
				if f.Place != "path" && f.Usage == "" && f.Name != secretField {
					t.Errorf("%s does not say what --%s is", v.use, flagName(f.Name))
				}
			}
		}
	}
	for _, id := range described().IDs() {
		if !has[id] {
			t.Errorf("%s has no verb", id)
		}
	}
}

// ADR 0010: beside the configuration of a server that has run once, a command has its keys, and everything the console can do.
func TestVerbsBesideTheConfigurationHaveTheKeys(t *testing.T) {
	url := storetest.SQLiteURL(t)
	a := testapp.Start(t, url)
	t.Chdir(t.TempDir())
	acc, err := a.DB.Read().GetAccountByLogin(t.Context(), store.GetAccountByLoginParams{Kind: "store", LoginKey: "sato"})
	if err != nil {
		t.Fatal(err)
	}
	sato := string(acc.ID)
	run := func(key string, args ...string) result {
		return execute(t, []string{"FUTAKAGI_DATABASE__URL=" + url, "FUTAKAGI_ISSUER=" + a.URL, "FUTAKAGI_MASTER_KEY=" + key}, args...)
	}
	if got := run(testapp.MasterKey, "mfa", "pass", sato, "--minutes", "15", "--reason", "r", "--identity-checked"); got.code != exitOK || !strings.Contains(got.out, "CODE") {
		t.Errorf("pass: %+v", got)
	}
	if got := run(testapp.MasterKey, "account", "send-reset", sato); got.code != exitOK {
		t.Errorf("reset mail: %+v", got)
	}
	if got := run(testapp.MasterKey, "mfa", "enforce", "store", "--enforced=false", "--reenrol", "ticket"); got.code != exitOK || !strings.Contains(got.out, "ticket") {
		t.Errorf("reenrol: %+v", got)
	}
	got := run(testapp.MasterKey, "mfa", "reset", sato, "--reason", "r", "--identity-checked", "--handover", "staff")
	if got.code != exitOK || !strings.Contains(got.out, "code=") {
		t.Errorf("reset: %+v", got)
	}
	other := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("0123", 8)))
	if got := run(other, "mfa", "status", sato); got.code != exitConfig || !strings.Contains(got.err, "master_key: ") {
		t.Errorf("another key: %+v", got)
	}
	if got := run(other, "account", "get", sato); got.code != exitOK {
		t.Errorf("what needs no key: %+v", got)
	}
}

// What is in the rows cannot move the cursor of a terminal.
func TestTableIsPlainText(t *testing.T) {
	var out strings.Builder
	body := []byte(`{"items":[{"name":"a\u001b[2Jb\u009bc","list":["x","y"],"n":3}]}`)
	if err := printTable(&out, []string{"name", "list", "n", "gone"}, body); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "NAME      LIST  N  GONE\na [2Jb c  x,y   3  -\n" {
		t.Errorf("%q", got)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := execute(t, nil, "completion", shell); got.code != exitOK || len(got.out) < 1000 {
			t.Errorf("%s: %d bytes, %s", shell, len(got.out), got.err)
		}
	}
	if got := execute(t, nil, "__complete", "mfa", "status", "--output", ""); !strings.Contains(got.out, "table") || !strings.Contains(got.out, "json") {
		t.Errorf("values of --output: %+v", got)
	}
}
