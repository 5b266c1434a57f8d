package admin

import (
	"database/sql"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/futakagi/futakagi/store/storetest"
)

// BenchmarkDashboard counts for the dashboard over as many accounts as FUTAKAGI_BENCH_ACCOUNTS says, on PostgreSQL: four of five with a
// factor, one sign-in in ten on each of 30 days.
func BenchmarkDashboard(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("FUTAKAGI_BENCH_ACCOUNTS"))
	if err != nil || n < 1 {
		b.Skip("FUTAKAGI_BENCH_ACCOUNTS is not set")
	}
	url := storetest.PostgreSQLURL(b)
	rows, err := sql.Open("pgx", url)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	now := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	for _, statement := range []string{
		`INSERT INTO accounts (id, kind, login_id, login_key, display_name, search_key, role, password_hash, registered_email, two_factor, credential_epoch, created_at, updated_at)
			SELECT gen_random_uuid(), 'store', 'p' || i, 'p' || i, 'p', 'p' || i, 'member', '-', 'p@example.jp', 'use', 1, TIMESTAMPTZ '2026-01-01', TIMESTAMPTZ '2026-01-01' FROM generate_series(1, ` + strconv.Itoa(n) + `) i`,
		`INSERT INTO factors (id, account_id, kind, address, main, failures, verified_at, created_at)
			SELECT gen_random_uuid(), id, (ARRAY['email', 'email', 'totp', 'sms'])[1 + length(login_id) % 4], 'p@example.jp', true, 0, created_at, created_at FROM accounts WHERE right(login_id, 1) NOT IN ('0', '1')`,
		`INSERT INTO audit_events (id, at, type, result, reason, actor_kind, actor_id, actor_name, target, client_id, client_address, user_agent, request_id, data)
			SELECT gen_random_uuid(), TIMESTAMPTZ '2026-11-22 01:00:00+00' - i * INTERVAL '1 second' * 86400 * 30 / ` + strconv.Itoa(n*3) + `, 'signin.complete', 'success', '', 'account', '', '', '', '', '', '', '', '{}' FROM generate_series(1, ` + strconv.Itoa(n*3) + `) i`,
		`VACUUM ANALYZE`,
	} {
		if _, err := rows.Exec(statement); err != nil {
			b.Fatal(err)
		}
	}
	s := &Service{db: storetest.Open(b, url), zone: time.FixedZone("JST", 9*60*60), clock: func() time.Time { return now }}
	began := time.Now()
	if _, err := s.tally(b.Context()); err != nil {
		b.Fatal(err)
	}
	first := time.Since(began)
	defer func() { b.ReportMetric(float64(first.Milliseconds()), "first-ms") }()
	for b.Loop() {
		now = now.Add(dashboardAge)
		if _, err := s.tally(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
