package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2" //nolint:depguard // the same searches every time
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/server"
)

// searchSeed fills an empty database: a hundred accounts per customer, 50 family names and 100 given ones, every tenth account with a
// factor, and the terms that the index has of each. The indexes are made at the end, which is how such a table is loaded.
const searchSeed = `
ALTER TABLE search_terms DROP CONSTRAINT search_terms_pkey;
DROP INDEX search_terms_term;
CREATE TEMP TABLE n AS SELECT i, gen_random_uuid() AS id, gen_random_uuid() AS factor FROM generate_series(1, :accounts) AS i;
CREATE TEMP TABLE c AS SELECT i, gen_random_uuid() AS id, gen_random_uuid() AS grp FROM generate_series(0, :accounts / 100) AS i;
INSERT INTO customers (id, code, name, search_key, created_at, updated_at, indexed)
    SELECT id, 'C-' || lpad(i::text, 6, '0'), '株式会社見本' || i, '', now(), now(), true FROM c;
INSERT INTO user_groups (id, customer_id, name, created_at, updated_at) SELECT grp, id, '本社', now(), now() FROM c;
CREATE TEMP TABLE p AS SELECT n.*, c.grp, 'user' || lpad(n.i::text, 7, '0') AS login,
    chr(x'7530'::int + n.i % 50) || chr(x'4e2d'::int) AS family, chr(x'4e00'::int + (n.i / 50) % 100) || chr(x'90ce'::int) AS given
    FROM n JOIN c ON c.i = n.i / 100;
INSERT INTO accounts (id, kind, login_id, login_key, display_name, search_key, role, user_group_id, password_hash, registered_email,
    two_factor, credential_epoch, created_at, updated_at, indexed)
    SELECT id, 'store', login, login, family || ' ' || given, '', 'buyer', grp, '', login || '@example.jp', 'use', 1, now(), now(), true FROM p;
INSERT INTO factors (id, account_id, kind, address, main, failures, verified_at, created_at)
    SELECT factor, id, 'email', login || '-2fa@example.jp', true, 0, now(), now() FROM p WHERE i % 10 = 0;
INSERT INTO search_terms (term, kind, subject_id)
    SELECT unnest(ARRAY[login, substr(login, 5), login || '@example.jp', substr(login, 5) || '@example.jp', 'example.jp', 'jp',
        family || given, substr(family, 2) || given, given, substr(given, 2)]), 'store', id FROM p;
INSERT INTO search_terms (term, kind, subject_id)
    SELECT unnest(ARRAY['c-' || lpad(i::text, 6, '0'), lpad(i::text, 6, '0'), '株式会社見本' || i, '見本' || i, '本' || i, i::text]), 'customer', id FROM c;
ALTER TABLE search_terms ADD PRIMARY KEY (subject_id, term);
CREATE INDEX search_terms_term ON search_terms (kind, term, subject_id);
ANALYZE;
`

// measureSearch prints what the console's search costs at a number of accounts, on a PostgreSQL of its own.
func measureSearch(ctx context.Context, accounts int, length time.Duration) error {
	dir, err := os.MkdirTemp("", "futakagi-search-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := startPostgres(ctx, dir)
	if err != nil {
		return err
	}
	defer db.stop()
	c := server.Defaults()
	c.Issuer, c.DatabaseURL, c.AutoMigrate, c.Logger = "http://localhost:8080", db.url, true, slog.New(slog.DiscardHandler)
	c.MasterKey = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
	s, err := server.New(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	began := time.Now()
	psql := exec.CommandContext(ctx, "psql", "-q", "-v", "ON_ERROR_STOP=1", "-v", "accounts="+strconv.Itoa(accounts), "-d", db.url)
	psql.Stdin = strings.NewReader(searchSeed)
	if out, err := psql.CombinedOutput(); err != nil {
		return fmt.Errorf("fill database: %w: %s", err, out)
	}
	fmt.Printf("\n%d accounts, filled in %s\n\n| search | example | found at once | p50 ms | p95 ms | searches |\n|---|---|---|---|---|---|\n", accounts, time.Since(began).Round(time.Second))
	random := rand.New(rand.NewPCG(1, 2))
	login := func() string { return fmt.Sprintf("user%07d", 1+random.IntN(accounts)) }
	family := func() string { return string(rune(0x7530+random.IntN(50))) + "中" }
	given := func() string { return string(rune(0x4e00+random.IntN(100))) + "郎" }
	for _, op := range []struct {
		name string
		text func() string
	}{
		{"login ID", login},
		{"beginning of a login ID", func() string { return login()[:9] }},
		{"address", func() string { return login() + "@exam" }},
		{"address of a second factor", func() string { return login() + "-2fa@" }},
		{"domain that everybody has", func() string { return "@example.jp" }},
		{"family name", family},
		{"part of a name", given},
		{"both names", func() string { return family() + " " + given() }},
		{"name and company", func() string { return family() + " 見本" + strconv.Itoa(random.IntN(accounts/100+1)) }},
		{"company", func() string { return "見本" + strconv.Itoa(random.IntN(accounts/100+1)) }},
		{"nothing", func() string { return "zz" + login() }},
	} {
		var took []time.Duration
		example, found := "", 0
		for end := time.Now().Add(length); time.Now().Before(end) && ctx.Err() == nil; {
			example = op.text()
			start := time.Now()
			groups, err := s.Admin.Search(ctx, admin.System(), admin.SearchQuery{Text: example})
			took = append(took, time.Since(start))
			if err != nil {
				return fmt.Errorf("search %q: %w", example, err)
			}
			found = 0
			for _, g := range groups {
				found += len(g.Accounts) + len(g.Customers)
			}
		}
		slices.Sort(took)
		ms := func(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/1e6) }
		fmt.Printf("| %s | `%s` | %d | %s | %s | %d |\n", op.name, example, found, ms(took[len(took)/2]), ms(took[len(took)*95/100]), len(took))
	}
	return ctx.Err()
}
