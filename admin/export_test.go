package admin

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2" //nolint:depguard // the same people every time
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// bare is the service of the command line on an empty database, with a key of its own or none.
func bare(t *testing.T, db *store.DB, key bool) *world {
	t.Helper()
	w := &world{t: t, db: db, clock: &clock{t: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)}}
	hasher, err := account.NewHasher(account.HasherConfig{MemoryKiB: 64, Iterations: 1})
	must(t, err)
	accounts, err := account.New(account.Config{DB: db, Hasher: hasher, Now: w.clock.now, Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	var imports mfa.Imports
	if key {
		master, _ := seal.NewMasterKey()
		wrapped, err := seal.Generate(master)
		must(t, err)
		imports.Box, err = seal.New(master, wrapped)
		must(t, err)
	}
	w.Service, err = New(Config{
		DB: db, Accounts: accounts, Imports: imports, Now: w.clock.now, Zone: tokyo(), ValidRedirect: func(string) string { return "" },
	})
	must(t, err)
	return w
}

// anybody draws accounts of every sort that a file can say.
func anybody(random *rand.Rand, n int) []account.Record {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	records := make([]account.Record, 0, n)
	for i := range n {
		customer := random.IntN(5)
		r := account.Record{
			CustomerCode: fmt.Sprintf("C-%d", customer), CustomerName: fmt.Sprintf("=見本 %d, \"引用\"", customer), UserGroup: pick("本社", "'支店", "-"),
			LoginID: fmt.Sprintf("%s%d", pick("Moved.", "moved_", "-", "@"), i), DisplayName: pick("移行 一郎", "+Name", "a,b\"c", "'='"),
			RegisteredEmail: fmt.Sprintf("a+%d@example.jp", i), Role: pick("", "admin", "buyer", "viewer"),
			PasswordHash: pick("", horse, horseSalt, ourCode), TwoFactor: pick("", "use", "dont_use"),
			Disabled: pick("", "true", "false"), ExternalID: pick("", "", "00012", "=x", "取引先 7"),
		}
		if random.IntN(10) == 0 {
			r.Kind, r.Role = account.KindOperator, pick("administrator", "support")
			r.CustomerCode, r.CustomerName, r.UserGroup = "", "", ""
		}
		methods := []string{"email", "sms", "app"}
		random.Shuffle(len(methods), func(a, b int) { methods[a], methods[b] = methods[b], methods[a] })
		for j, method := range methods[:random.IntN(4)] {
			f := account.RecordFactor{Method: method, VerifiedAt: pick("2025-09-03 17:45:22", "2025-09-03T08:45:22.000001Z")}
			switch method {
			case "email":
				f.Address = fmt.Sprintf("b.%d@Example.jp", i)
			case "sms":
				f.Address = fmt.Sprintf("090-1234-%04d", i)
			case "app":
				r.TOTPSecret = seed
			}
			r.Factors[j] = f
			if j == 0 {
				r.BackupCodeHashes = pick("", "AB:"+ourCode, "YZ:"+ourCode+"  AB:"+horse, horse+" "+horseSalt, "AB:"+ourCode+" "+strings.Repeat("0a", 64))
			}
		}
		records = append(records, r)
	}
	return records
}

func file(t *testing.T, format account.Format, records []account.Record) string {
	t.Helper()
	var out bytes.Buffer
	w, err := account.NewRecordWriter(&out, format)
	must(t, err)
	for i := range records {
		must(t, w.Write(&records[i]))
	}
	must(t, w.Flush())
	return out.String()
}

// What an export writes makes the same accounts elsewhere, and changes nothing where it was written.
func TestImportOfAnExportIsTheSame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		random := rand.New(rand.NewPCG(1, uint64(len(db.Engine()))))
		here := bare(t, db, true)
		operators := func(o *ImportOptions) { o.Operators = true }
		for round, format := range []account.Format{account.CSV, account.NDJSON} {
			there := bare(t, storetest.SQLite(t), true)
			if db.Engine() == store.PostgreSQL {
				there = bare(t, storetest.PostgreSQL(t), true)
			}
			in := func(o *ImportOptions) { o.Format = format }
			people := anybody(random, 120)
			if round > 0 {
				people = people[:60] // some who exist, changed
			}
			r, found, err := here.imports(System(), file(t, format, people), operators, in)
			if err != nil || r.Refused > 0 {
				t.Fatalf("%+v, %+v, %v", r, found, err)
			}
			first := here.exported(format, true)
			if r, found, err := there.imports(System(), first, operators, in); err != nil || len(found) > 0 || r.Created != r.Total || r.Total < 120 {
				t.Fatalf("%+v, %+v, %v", r, found, err)
			}
			if second := there.exported(format, true); second != first {
				t.Fatalf("%s: the accounts are others there:\n%s", format, cmp.Diff(strings.Split(first, "\n"), strings.Split(second, "\n")))
			}
			for _, w := range []*world{here, there} {
				if r, found, err := w.imports(System(), first, operators, in); err != nil || len(found) > 0 || r.Unchanged != r.Total {
					t.Errorf("the same again: %+v, %+v, %v", r, found, err)
				}
				if again := w.exported(format, true); again != first {
					t.Errorf("the same again changed something: %s", cmp.Diff(first, again))
				}
			}
		}
	})
}

// I15: what leaves without secrets has none, and without a key there is none to have.
func TestI15_ExportHasNoSecretsUnlessAsked(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.imported(importHead + "C-1,見本,本社,moved,移行,a@example.jp," + horse + ",,app,,2025-09-03 17:45:22," + seed + ",\"AB:" + ourCode + "\",,\n")
	for _, format := range []account.Format{account.CSV, account.NDJSON} {
		plain, whole := w.exported(format, false), w.exported(format, true)
		for _, secret := range []string{"$", seed, "AB:"} {
			if strings.Contains(plain, secret) || !strings.Contains(whole, secret) {
				t.Errorf("%s: %q is where it should not be, or is not where it should", format, secret)
			}
		}
		if !strings.Contains(plain, "app") {
			t.Errorf("%s: the method is missing", format)
		}
		// The same accounts without secrets change nothing.
		r, found, err := w.imports(System(), plain, func(o *ImportOptions) { o.Format, o.Operators = format, true })
		if err != nil || len(found) > 0 || r.Unchanged != r.Total {
			t.Errorf("%+v, %+v, %v", r, found, err)
		}
	}
	keyless := bare(t, w.db, false)
	var out bytes.Buffer
	if _, err := keyless.Export(t.Context(), System(), &out, ExportOptions{Format: account.CSV, WithSecrets: true}); !errors.Is(err, mfa.ErrNoKey) {
		t.Errorf("err = %v", err)
	}
	_, found, err := keyless.imports(System(), importHead+"C-1,,本社,moved2,移行,a@example.jp,,,app,,2025-09-03 17:45:22,"+seed+",,,\n")
	if err != nil || len(found) != 1 || found[0].Reason != mfa.ReasonNoKey {
		t.Errorf("%+v, %v", found, err)
	}
}
