package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

const (
	importHead = "customer_code,customer_name,user_group,login_id,display_name,registered_email,password_hash,two_factor,method,address,verified_at,totp_secret,backup_code_hashes,disabled,external_id\n"
	// Made by others of "correct horse battery"; account's tests say by whom.
	horse     = `$2b$05$CCCCCCCCCCCCCCCCCCCCC.4c/Vz//sBM9XkyFmwsCP9HkrjK1U32S`
	horseSalt = `{SSHA256}YAQXN/bBbCOfeFHCU9CXxL4mRkUjweb7g2b9PeY0Ev5zYWx0U0FMVA==`
	ourCode   = `$argon2id$v=19$m=1024,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$jEyMYQO8B8qEjmnOVGsAamgGqRdkl7d0QqJx4BPrRMI`
	seed      = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
)

// imports takes a file over and returns what was said of its rows.
func (w *world) imports(actor Actor, text string, change ...func(*ImportOptions)) (ImportResult, []account.Finding, error) {
	w.t.Helper()
	o := ImportOptions{Format: account.CSV, FileName: "people.csv"}
	var found []account.Finding
	o.Finding = func(f account.Finding) error { found = append(found, f); return nil }
	for _, c := range change {
		c(&o)
	}
	r, err := w.Import(w.t.Context(), actor, strings.NewReader(text), o)
	return r, found, err
}

// imported takes over a file that nothing is wrong with.
func (w *world) imported(text string, change ...func(*ImportOptions)) ImportResult {
	w.t.Helper()
	r, found, err := w.imports(System(), text, change...)
	must(w.t, err)
	if len(found) > 0 {
		w.t.Fatalf("found %+v", found)
	}
	return r
}

func (w *world) byLogin(login string) store.Account {
	w.t.Helper()
	a, err := w.db.Read().GetAccountByLogin(w.t.Context(), store.GetAccountByLoginParams{Kind: account.KindStore, LoginKey: login})
	must(w.t, err)
	return a
}

func (w *world) factors(id store.AccountID) []store.Factor {
	w.t.Helper()
	f, err := w.db.Read().ListFactors(w.t.Context(), id)
	must(w.t, err)
	return f
}

// exported writes every account to a text.
func (w *world) exported(format account.Format, secrets bool) string {
	w.t.Helper()
	var out bytes.Buffer
	_, err := w.Export(w.t.Context(), System(), &out, ExportOptions{Format: format, Operators: true, WithSecrets: secrets})
	must(w.t, err)
	return out.String()
}

// logged counts audit rows of a type and returns the data of the last.
func (w *world) logged(kind audit.Type) (n int, last map[string]string) {
	w.t.Helper()
	rows := storetest.Events(w.t, w.db, string(kind))
	if len(rows) > 0 {
		must(w.t, json.Unmarshal(rows[0].Data, &last))
	}
	return len(rows), last
}

func importCounts(r ImportResult) [4]int64 {
	return [4]int64{r.Created, r.Updated, r.Unchanged, r.Refused}
}

func TestImportTakesAccountsOver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.imported(importHead +
			`C-1,株式会社見本,本社,Moved.1,移行 一郎,one@example.jp,` + horse + `,use,email,one-2fa@example.jp,2025-09-03 17:45:22,,"AB:` + ourCode + ` CD:` + ourCode + `",,X-1` + "\n" +
			`C-1,,本社,moved.2,移行 二郎,two@example.jp,` + horseSalt + `,,app,,2025-09-03T08:45:22Z,` + seed + `,,true,` + "\n" +
			`C-1,,支店,moved.3,移行 三郎,three@example.jp,,dont_use,sms,090-1234-5678,2025-09-03T08:45:22Z,,,false,` + "\n")
		if importCounts(r) != [4]int64{3, 0, 0, 0} || r.Total != 3 || r.Done != 3 {
			t.Errorf("result = %+v", r)
		}
		one, two, three := w.byLogin("moved.1"), w.byLogin("moved.2"), w.byLogin("moved.3")
		if one.LoginID != "Moved.1" || one.PasswordHash != horse || one.TwoFactor != account.TwoFactorUse || one.DisabledAt != nil || one.Role != account.RoleBuyer {
			t.Errorf("account = %+v", one)
		}
		f := w.factors(one.ID)
		if len(f) != 1 || !f[0].Main || f[0].Address != "one-2fa@example.jp" || account.FormatVerifiedAt(f[0].VerifiedAt) != "2025-09-03T08:45:22Z" || f[0].ImportedAt == nil {
			t.Errorf("a time without zone is Tokyo's: %+v", f)
		}
		if n, err := w.db.Read().CountBackupCodes(t.Context(), one.ID); err != nil || n != 2 {
			t.Errorf("%d backup codes, %v", n, err)
		}
		f = w.factors(two.ID)
		if two.DisabledAt == nil || len(f) != 1 || len(f[0].SecretSealed) == 0 || bytes.Contains(f[0].SecretSealed, []byte("Hello")) {
			t.Errorf("I28: account %+v, factor %+v", two, f)
		}
		if got, err := w.Service.imports.Seed(f[0]); err != nil || got != seed {
			t.Errorf("seed = %s, %v", got, err)
		}
		f = w.factors(three.ID)
		if three.TwoFactor != account.TwoFactorDont || len(f) != 1 || f[0].Address != "+819012345678" {
			t.Errorf("account %+v, factor %+v", three, f)
		}
		if _, err := w.accounts.Verify(t.Context(), account.KindStore, "moved.1", "correct horse battery"); err != nil {
			t.Errorf("the password of the former system: %v", err)
		}
		if _, err := w.accounts.Verify(t.Context(), account.KindStore, "moved.3", ""); !errors.Is(err, account.ErrBadCredentials) {
			t.Errorf("an account without a password: %v", err)
		}
		// I27: one row per account, and one for each customer and user group that was made.
		for kind, want := range map[audit.Type]int{audit.AccountCreate: 3 + 5, audit.CustomerCreate: 1 + 1, audit.UserGroupCreate: 2 + 1, audit.AccountImport: 2} {
			if n, last := w.logged(kind); n != want || kind == audit.AccountCreate && (last["line"] != "4" || last["factors"] != "sms" || last["import"] != string(r.Job)) {
				t.Errorf("%d rows of %s, want %d: %v", n, kind, want, last)
			}
		}
	})
}

func TestImportRefusesRowsAndTakesTheRest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		text := importHead +
			"C-1,見本,本社,moved.1,一郎,one@example.jp,,,,,,,,,\n" +
			"C-2,,本社,moved.2,二郎,two@example.jp,,,,,,,,,\n" +
			"C-1,,本社,moved.3,三郎,nobody,canary,,,,,,,,\n" +
			"C-1,,本社,moved.4,四郎,four@example.jp,,,email,four@example.jp,,,,,\n" +
			"C-1,,本社,MOVED.1,一郎,one@example.jp,,,,,,,,,\n" +
			"C-1,,本社\n" +
			"C-1,,本社,moved.5,五郎,five@example.jp,,,app,,2025-09-03 10:00:00,GEZDGNBVGY3TQOJQ,,,\n" +
			"C-1,,本社,moved.6,六郎,six@example.jp,,,app,,2025-09-03 10:00:00,,,,\n" +
			"C-1,,本社,moved.7,七郎,seven@example.jp,,,,,,,,,\n"
		want := []string{
			"3 customer_name import.reason_no_customer", "4 registered_email error.email_form", "4 password_hash import.reason_hash",
			"5 verified_at import.reason_unverified", "6 login_id import.reason_again", "7  import.reason_columns",
			"8 totp_secret import.reason_seed_short", "9 totp_secret import.reason_seed_missing",
		}
		dry := func(o *ImportOptions) { o.DryRun = true }
		before := w.exported(account.NDJSON, true)
		events, _ := w.logged("")
		for _, change := range [][]func(*ImportOptions){{dry}, nil} {
			r, found, err := w.imports(System(), text, change...)
			var got []string
			for _, f := range found {
				got = append(got, fmt.Sprintf("%d %s %s", f.Line, f.Column, f.Reason))
				if !f.Refused {
					t.Errorf("not refused: %+v", f)
				}
			}
			if diff := cmp.Diff(want, got); err != nil || diff != "" || importCounts(r) != [4]int64{2, 0, 0, 7} {
				t.Errorf("%+v, %v %s", r, err, diff)
			}
			if strings.Contains(fmt.Sprintf("%+v", found), "canary") {
				t.Errorf("I15: a finding quotes the file: %+v", found)
			}
			if change != nil {
				now, _ := w.logged("")
				if after := w.exported(account.NDJSON, true); after != before || r.Job != "" || now != events {
					t.Errorf("a dry run changed something: %d rows, %s", now-events, cmp.Diff(before, after))
				}
			}
		}
		w.byLogin("moved.1")
		w.byLogin("moved.7")
	})
}

func TestBrokenFileChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		good := importHead + strings.Repeat("C-1,見本,本社,moved.1,一郎,one@example.jp,,,,,,,,,\n", 250)
		for name, text := range map[string]string{
			"no end": good + `C-1,"`, "not UTF-8": good + "\xff,,,,,,,,,,,,,,\n", "no header": strings.TrimPrefix(good, importHead), "nothing": "",
		} {
			if _, _, err := w.imports(System(), text); !as[*account.FileError](err) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := w.db.Read().GetCustomerByCode(t.Context(), "C-1"); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("%s: a customer was made: %v", name, err)
			}
		}
		if n, _ := w.logged(audit.AccountImport); n != 0 {
			t.Errorf("%d runs", n)
		}
	})
}

func as[T error](err error) bool { _, ok := errors.AsType[T](err); return ok }

func TestImportAgainChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		text := importHead +
			`C-1,見本,本社,moved.1,一郎,one@example.jp,` + horse + `,use,email,one-2fa@example.jp,2025-09-03 17:45:22,,"AB:` + ourCode + `",,X-1` + "\n" +
			`C-1,,本社,moved.2,二郎,two@example.jp,` + horseSalt + `,,app,,2025-09-03 17:45:22,` + seed + `,,,` + "\n"
		w.imported(text)
		// The owner signs in: the hash is ours from here on. Staff correct the name.
		if _, err := w.accounts.Verify(t.Context(), account.KindStore, "moved.1", "correct horse battery"); err != nil {
			t.Fatal(err)
		}
		one := w.byLogin("moved.1")
		if !strings.HasPrefix(one.PasswordHash, "$argon2id$") {
			t.Fatalf("hash %.20s", one.PasswordHash)
		}
		_, err := w.UpdateAccount(t.Context(), System(), one.ID, one.UpdatedAt, account.Profile{DisplayName: "一朗", Role: one.Role, RegisteredEmail: one.RegisteredEmail})
		must(t, err)
		before := w.exported(account.CSV, true)
		events, _ := w.logged(audit.AccountUpdate)
		if r := w.imported(text); importCounts(r) != [4]int64{0, 0, 2, 0} {
			t.Errorf("result = %+v", r)
		}
		if after := w.exported(account.CSV, true); after != before {
			t.Errorf("the same file again changed something: %s", cmp.Diff(before, after))
		}
		// A row that says something else is followed, in what it says of the hash and the rest alone.
		if r := w.imported(strings.Replace(text, "X-1", "X-2", 1)); importCounts(r) != [4]int64{0, 1, 1, 0} {
			t.Errorf("result = %+v", r)
		}
		if after := w.byLogin("moved.1"); after.PasswordHash != w.byLogin("moved.1").PasswordHash || !strings.HasPrefix(after.PasswordHash, "$argon2id$") || after.CredentialEpoch != one.CredentialEpoch || after.DisplayName != "一郎" {
			t.Errorf("account = %+v", after)
		}
		if n, _ := w.logged(audit.AccountUpdate); n != events+1 {
			t.Errorf("%d rows, want one more than %d", n, events)
		}
	})
}

func TestImportKeepsWhatWasDecidedHere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.enrol(w.tanaka) // proved here, with backup codes
		row := func(login, rest string) string {
			return importHead + "C-100248,,本社," + login + "," + login + "," + login + "@example.jp," + rest + "\n"
		}
		kept := func(text string, want ...string) {
			t.Helper()
			before := w.exported(account.CSV, true)
			r, found, err := w.imports(System(), text)
			var got []string
			for _, f := range found {
				if f.Refused {
					t.Errorf("refused: %+v", f)
				}
				got = append(got, f.Reason)
			}
			if after := w.exported(account.CSV, true); err != nil || !slices.Equal(got, want) || importCounts(r) != [4]int64{0, 0, 1, 0} || after != before {
				t.Errorf("%+v, %v, %v, want %v %s", r, got, err, want, cmp.Diff(before, after))
			}
		}
		kept(row("tanaka", ",,email,other@example.jp,2025-09-03 10:00:00,,,,"), reasonFactorsKept)
		kept(row("tanaka", ",,,,,,\"AB:"+ourCode+"\",,"), reasonFactorsKept)
		kept(row("tanaka", ",,app,,2025-09-03 10:00:00,"+seed+",,,"), reasonFactorsKept)
		kept(row("tanaka", ",,email,tanaka-2fa@example.jp,2025-09-03 10:00:00,,,,")) // the same
		kept(row("tanaka", ",dont_use,,,,,,,"), reasonSwitchKept)
		kept(row("tanaka", horse+",,,,,,,,"), reasonPasswordKept)
		_, err := w.SetDisabled(ctx, System(), w.suzuki, true)
		must(t, err)
		kept(row("suzuki", ",,,,,,,false,"), reasonDisabledKept)

		// What an import brought follows the next one, and ends what rests on the former state (I11).
		w.imported(row("moved", horse+",dont_use,email,a@example.jp,2025-09-03 10:00:00,,\"AB:"+ourCode+"\",,"))
		moved := w.byLogin("moved")
		session := w.session(moved.ID, []byte("token"))
		if r := w.imported(row("moved", horseSalt+",use,sms,+819012345678,2025-09-03 10:00:00,,\"CD:"+ourCode+"\",,")); importCounts(r) != [4]int64{0, 1, 0, 0} {
			t.Errorf("result = %+v", r)
		}
		after, f := w.byLogin("moved"), w.factors(moved.ID)
		if after.PasswordHash != horseSalt || after.TwoFactor != account.TwoFactorUse || after.CredentialEpoch == moved.CredentialEpoch || len(f) != 1 || f[0].Kind != "sms" || !f[0].Main {
			t.Errorf("account = %+v, factors = %+v", after, f)
		}
		if s, err := w.db.Read().GetSession(ctx, session); err != nil || s.EndedAt == nil {
			t.Errorf("the session goes on: %+v, %v", s, err)
		}
		if _, last := w.logged(audit.AccountUpdate); last["password"] != "true" || last["factors"] != "sms" || last["removed"] != "email" || last["two_factor.to"] != "use" {
			t.Errorf("audit = %v", last)
		}
		// Nobody chose it here, but it was changed here since.
		must(t, w.SetPassword(ctx, System(), moved.ID, "a wholly different one"))
		if _, found, err := w.imports(System(), row("moved", horse+",,,,,,,,")); err != nil || len(found) != 1 || found[0].Reason != reasonPasswordKept {
			t.Errorf("found %+v, %v", found, err)
		}
		// On demand, the file's factors take the place of what was proved here, backup codes included.
		replace := func(o *ImportOptions) { o.ReplaceFactors = true }
		if r := w.imported(row("tanaka", ",,email,other@example.jp,2025-09-03 10:00:00,,,,"), replace); importCounts(r) != [4]int64{0, 1, 0, 0} {
			t.Errorf("result = %+v", r)
		}
		f = w.factors(w.tanaka)
		n, err := w.db.Read().CountBackupCodes(ctx, w.tanaka)
		if len(f) != 1 || f[0].Address != "other@example.jp" || !f[0].Main || n != 0 || err != nil {
			t.Errorf("factors = %+v, %d codes, %v", f, n, err)
		}
		// An account that exists can move, and stops with its row.
		w.imported(importHead + "C-100248,,支店,tanaka,tanaka,tanaka@example.jp,,,,,,,,true,\n")
		if a := w.row(w.tanaka); *a.UserGroupID == w.group || a.DisabledAt == nil {
			t.Errorf("account = %+v", a)
		}
	})
}

// ndjson takes rows over that are JSON.
func ndjson(o *ImportOptions) { o.Format = account.NDJSON }

func TestImportedBackupCodesStayUsed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		row := func(name string) string {
			return `{"customer_code":"C-100248","user_group":"本社","login_id":"moved","display_name":"` + name +
				`","registered_email":"a@example.jp","method":"email","address":"b@example.jp","verified_at":"2025-09-03T08:45:22Z",` +
				`"backup_codes":["abcd-efgh","ijkl-mnop"],"backup_code_hashes":["` + strings.Repeat("ab", 32) + `"]}`
		}
		dry := func(o *ImportOptions) { o.DryRun = true }
		if r := w.imported(row("移行"), ndjson, dry); importCounts(r) != [4]int64{1, 0, 0, 0} {
			t.Errorf("result = %+v", r)
		}
		w.imported(row("移行"), ndjson)
		moved := w.byLogin("moved")
		codes := func() (left int64, b store.BackupBatch) {
			t.Helper()
			left, err := w.db.Read().CountBackupCodes(ctx, moved.ID)
			must(t, err)
			b, err = w.db.Read().GetBackupBatch(ctx, moved.ID)
			must(t, err)
			return left, b
		}
		left, batch := codes()
		list, err := w.db.Read().ListBackupCodes(ctx, batch.ID)
		must(t, err)
		if left != 3 || strings.Contains(fmt.Sprint(list), "abcd") || w.selector("moved", "abcdefgh") != "#01" {
			t.Fatalf("codes = %+v", list)
		}
		now := w.clock.now()
		w.tx(func(tx *store.Tx) error {
			_, err := tx.UseBackupCode(ctx, store.UseBackupCodeParams{BatchID: batch.ID, Selector: "#01", AccountID: moved.ID, Now: &now})
			return err
		})
		for _, change := range [][]func(*ImportOptions){{ndjson, dry}, {ndjson}} {
			if r := w.imported(row("改名"), change...); importCounts(r) != [4]int64{0, 1, 0, 0} {
				t.Errorf("result = %+v", r)
			}
			if left, now := codes(); left != 2 || now.ID != batch.ID {
				t.Errorf("%d codes are left after a row that has them again", left)
			}
		}
		// What an export writes is known where it was written.
		if r := w.imported(w.exported(account.NDJSON, true), ndjson, func(o *ImportOptions) { o.Operators = true }); r.Created+r.Refused != 0 {
			t.Errorf("result = %+v", r)
		}
		if left, now := codes(); left != 2 || now.ID != batch.ID {
			t.Errorf("%d codes are left after an import of the export", left)
		}
		for _, text := range []string{`"backup_codes":["abcd-efgh","abcdefgh"]`, `"backup_codes":["short"]`, `"backup_codes":[1]`} {
			_, found, err := w.imports(System(), strings.Replace(row("a"), `"backup_codes":["abcd-efgh","ijkl-mnop"]`, text, 1), ndjson)
			if err != nil || len(found) != 1 || !found[0].Refused {
				t.Errorf("%s: %+v, %v", text, found, err)
			}
		}
		if _, found, err := w.imports(System(), importHead+"C-100248,,本社,moved,移行,a@example.jp,,,,,,,nonsense,,\n"); err != nil || len(found) != 1 || found[0].Column != account.ColumnBackupCodes {
			t.Errorf("no hash: %+v, %v", found, err)
		}
		if _, _, err := w.imports(System(), "login_id,display_name,registered_email,backup_codes\n"); !as[*account.FileError](err) {
			t.Errorf("plain codes in CSV: %v", err)
		}
	})
}

// selector finds the code of an account that a text is, by its selector.
func (w *world) selector(login, code string) string {
	w.t.Helper()
	b, err := w.db.Read().GetBackupBatch(w.t.Context(), w.byLogin(login).ID)
	must(w.t, err)
	list, err := w.db.Read().ListBackupCodes(w.t.Context(), b.ID)
	must(w.t, err)
	var hashes []string
	for _, c := range list {
		hashes = append(hashes, c.CodeHash)
	}
	at, err := w.accounts.CheckCode(w.t.Context(), hashes, []string{code})
	must(w.t, err)
	if at < 0 {
		return ""
	}
	return list[at].Selector
}

func TestImportTellsWhoseFactorsItReplaces(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.enrol(w.tanaka)
		row := importHead + "C-100248,,本社,tanaka,田中,tanaka@example.jp,,,email,other@example.jp,2025-09-03 10:00:00,,,,\n" +
			"C-100248,,本社,new,新規,new@example.jp,,,email,new@example.jp,2025-09-03 10:00:00,,,,\n"
		former := w.factors(w.tanaka)[0].Address
		replace := func(o *ImportOptions) { o.ReplaceFactors = true }
		note := w.Service.imports.Note
		w.Service.imports.Note = nil
		if _, found, err := w.imports(System(), row, replace, func(o *ImportOptions) { o.DryRun = true }); err != nil || len(found) != 1 || found[0].Reason != reasonNobodyTold {
			t.Errorf("where nobody can be told: %+v, %v", found, err)
		}
		w.Service.imports.Note = note
		w.imported(row, replace)
		got := w.waiting(w.tanaka, delivery.KindAddressChanged)
		if want := []string{former, w.row(w.tanaka).RegisteredEmail}; !slices.Equal(got, want) {
			t.Errorf("notices to %v, want %v", got, want)
		}
		if got := w.waiting(w.byLogin("new").ID, delivery.KindSetUp); len(got) != 0 {
			t.Errorf("a new account hears of %v", got)
		}
	})
}

func TestImportChangesNoFrozenAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		row := func(rest string) string {
			return importHead + "C-100248,,本社,moved,移行,a@example.jp," + rest + "\n"
		}
		w.imported(row(horse + ",dont_use,,,,,,,"))
		moved := w.byLogin("moved")
		now := w.clock.now()
		until := now.Add(time.Hour)
		w.tx(func(tx *store.Tx) error {
			_, err := tx.FreezeAccount(ctx, store.FreezeAccountParams{ID: moved.ID, Now: &now, FrozenUntil: &until, FrozenBy: "a…@example.jp"})
			return err
		})
		before := w.exported(account.CSV, true)
		for _, rest := range []string{horse + ",use,,,,,,,", horseSalt + ",dont_use,,,,,,,", horse + ",,email,thief@example.jp,2025-09-03 10:00:00,,,,"} {
			for _, dry := range []bool{true, false} {
				r, found, err := w.imports(System(), row(rest), func(o *ImportOptions) { o.DryRun = dry })
				if err != nil || len(found) != 1 || found[0].Reason != reasonFrozen || importCounts(r) != [4]int64{0, 0, 0, 1} {
					t.Errorf("%s: %+v, %v", rest, found, err)
				}
			}
		}
		if after := w.exported(account.CSV, true); after != before {
			t.Error(cmp.Diff(before, after))
		}
		w.imported(row(horse + ",dont_use,,,,,,,")) // nothing new
	})
}

func TestValueClassesHaveWordsInBothLanguages(t *testing.T) {
	set, err := pages()
	must(t, err)
	for class, want := range map[string][2]string{
		account.ValueClass(""):        {"空欄", "empty"},
		account.ValueClass("123"):     {"3文字、数字", "3 characters, digits"},
		account.ValueClass("a1"):      {"2文字、半角英数字・記号", "2 characters, ASCII"},
		account.ValueClass("田中"):      {"2文字、全角を含む", "2 characters, text"},
		account.ValueClass("a\u200b"): {"2文字、見えない文字を含む", "2 characters, some of which do not show"},
		"import.value_fields 2 3":     {"3列に対して2項目", "2 fields for 3 columns"},
		"":                            {"", ""},
		"7 characters, digits":        {"7 characters, digits", "7 characters, digits"}, // as former versions wrote it
	} {
		if got := [2]string{ValueText(set, "ja", class), ValueText(set, "en", class)}; got != want {
			t.Errorf("%q = %q, want %q", class, got, want)
		}
	}
}

func TestI16_ImportHeedsEnforcement(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, err := w.SetEnforcement(t.Context(), System(), []EnforcementChange{{Surface: SurfaceStore, Enforced: true}})
		must(t, err)
		text := importHead + "C-100248,,本社,moved,移行,a@example.jp,,dont_use,,,,,,,\n"
		r, found, err := w.imports(System(), text)
		if err != nil || len(found) != 1 || found[0].Reason != reasonEnforced || importCounts(r) != [4]int64{0, 0, 0, 1} {
			t.Errorf("%+v, %+v, %v", r, found, err)
		}
	})
}

func TestImportGoesOnWhereItStopped(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var text strings.Builder
		text.WriteString(importHead)
		for i := range importBatch + 100 {
			fmt.Fprintf(&text, "C-1,見本,本社,moved.%d,移行,a@example.jp,,,,,,,,,\n", i)
		}
		ctx, stop := context.WithCancel(t.Context())
		o := ImportOptions{Format: account.CSV, FileName: "people.csv", Progress: func(c ImportCounts) {
			if c.Done == importBatch {
				stop()
			}
		}}
		if _, err := w.Import(ctx, System(), strings.NewReader(text.String()), o); !errors.Is(err, context.Canceled) {
			t.Fatalf("err = %v", err)
		}
		o.Progress = nil
		other := o
		other.Operators = true
		made := 0
		o.Finding = func(account.Finding) error { made++; return nil }
		r, err := w.Import(t.Context(), System(), strings.NewReader(text.String()), o)
		if err != nil || r.Resumed != importBatch || importCounts(r) != [4]int64{importBatch + 100, 0, 0, 0} || r.Done != importBatch+100 {
			t.Errorf("%+v, %v", r, err)
		}
		// It is over, and other options are another run.
		for _, o := range []ImportOptions{o, other} {
			if r, err := w.Import(t.Context(), System(), strings.NewReader(text.String()), o); err != nil || r.Resumed != 0 || importCounts(r) != [4]int64{0, 0, importBatch + 100, 0} {
				t.Errorf("%+v, %v", r, err)
			}
		}
		// Two who work on one run: the second finds that the first went on.
		first := w.importRun(o, surveyed{hash: []byte("x"), rows: 2})
		must(t, first.begin(t.Context(), System(), first.file, importRunning))
		second := w.importRun(o, first.file)
		must(t, second.begin(t.Context(), System(), first.file, importRunning))
		if second.job != first.job {
			t.Fatal("another run")
		}
		row := []importRow{{record: account.Record{Line: 2}}}
		first.counts.Done, second.counts.Done = 1, 1
		must(t, first.batch(t.Context(), row))
		if err := second.batch(t.Context(), []importRow{{record: account.Record{Line: 2}}}); !errors.Is(err, ErrImportTaken) {
			t.Errorf("err = %v", err)
		}
	})
}

func TestImportAndExportNeedTheirRights(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	text := importHead + "C-100248,,本社,moved,移行,a@example.jp,,,,,,,,,\n"
	for _, change := range []func(*ImportOptions){func(*ImportOptions) {}, func(o *ImportOptions) { o.DryRun = true }} {
		if _, _, err := w.imports(w.actor(w.desk), text, change); !errors.Is(err, ErrForbidden) {
			t.Errorf("the support desk imports: %v", err)
		}
	}
	if r, _, err := w.imports(w.actor(w.root), text); err != nil || r.Created != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	var out bytes.Buffer
	o := ExportOptions{Format: account.CSV}
	if _, err := w.Export(t.Context(), w.actor(w.desk), &out, o); !errors.Is(err, ErrForbidden) || out.Len() > 0 {
		t.Errorf("the support desk exports: %v", err)
	}
	if _, err := w.Export(t.Context(), w.actor(w.root), &out, o); err != nil || out.Len() == 0 {
		t.Errorf("err = %v", err)
	}
	// I15: no role gets secrets out of the console.
	out.Reset()
	o.WithSecrets = true
	if _, err := w.Export(t.Context(), w.actor(w.root), &out, o); !errors.Is(err, ErrForbidden) || out.Len() > 0 {
		t.Errorf("err = %v", err)
	}
	// A right that is taken away ends the run at its next batch.
	run := w.importRun(ImportOptions{Format: account.CSV}, surveyed{})
	run.actor = w.actor(w.chief)
	_, err := w.SetDisabled(t.Context(), System(), w.chief, true)
	must(t, err)
	if err := run.batch(t.Context(), []importRow{{}}); !errors.Is(err, ErrActorGone) {
		t.Errorf("err = %v", err)
	}
}

// TestImportIsNoWayAroundRights holds that a file changes of an account what its operator could change in the console, and nothing else: the
// row is refused whole, and another operator can import it.
func TestImportIsNoWayAroundRights(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		head := importHead + "C-100248,,本社,moved,"
		const former = ",dont_use,email,a@example.jp,2025-09-03 10:00:00,,,,\n"
		w.imported(head + "移行,moved@example.jp," + horse + former)
		clerk := func(more ...string) Actor {
			login := fmt.Sprintf("clerk%d", len(more))
			return w.actor(w.operator(login, w.role(login, append([]string{"view", "manage_customers"}, more...)...)))
		}
		few, more := clerk(), clerk("edit_accounts", "reset", "set_passwords")
		for _, tt := range []struct{ row, column string }{
			{"移行,moved@example.jp," + horseSalt + former, account.ColumnPasswordHash},
			{"移行,moved@example.jp," + horse + ",dont_use,sms,+819012345678,2025-09-03 10:00:00,,,,\n", account.ColumnMethod},
			{"移行,moved@example.jp," + horse + ",use,email,a@example.jp,2025-09-03 10:00:00,,,,\n", account.ColumnTwoFactor},
			{"別名,moved@example.jp," + horse + former, account.ColumnDisplayName},
			{"移行,thief@example.jp," + horse + former, account.ColumnDisplayName},
			{"移行,moved@example.jp," + horse + ",dont_use,email,a@example.jp,2025-09-03 10:00:00,,,true,\n", account.ColumnDisabled},
		} {
			before := w.exported(account.CSV, true)
			r, found, err := w.imports(few, head+tt.row)
			must(t, err)
			if r.Refused != 1 || len(found) != 1 || found[0].Reason != reasonNoRight || found[0].Column != tt.column || w.exported(account.CSV, true) != before {
				t.Errorf("%s: %+v, %+v", tt.row, r, found)
			}
			if r, found, err := w.imports(more, head+tt.row, func(o *ImportOptions) { o.DryRun = true }); err != nil || r.Refused != 0 {
				t.Errorf("%s, with the rights: %+v, %+v, %v", tt.row, r, found, err)
			}
		}
		if r, found, err := w.imports(few, importHead+"C-100248,,本社,fresh,新しい人,fresh@example.jp,"+horse+",dont_use,,,,,,,\n"); err != nil || r.Created != 1 {
			t.Errorf("an account that was not there: %+v, %+v, %v", r, found, err)
		}
	})
}

// TestImportOfAClientIsHeldToItsToken holds that a file of a program changes what the token allows that began it, and the registration still:
// not what another token of the client could do, and nothing by scopes that are for one customer alone.
func TestImportOfAClientIsHeldToItsToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const former = ",dont_use,email,a@example.jp,2025-09-03 10:00:00,,,,\n"
		head := importHead + "C-100248,,本社,moved,移行,moved@example.jp,"
		w.imported(head + horse + former)
		for i, tt := range []struct {
			name              string
			registered, token []string
			refused           int64
		}{
			{"another customer's scope", []string{scopeAccountsWrite, scopeSCIM, scopeSCIMPasswords}, []string{scopeAccountsWrite, scopeSCIM, scopeSCIMPasswords}, 1},
			{"a narrower token", []string{scopeAccountsWrite, scopePasswords}, []string{scopeAccountsWrite}, 1},
			{"a registration that shrank", []string{scopeAccountsWrite}, []string{scopeAccountsWrite, scopePasswords}, 1},
			{"the right one", []string{scopeAccountsWrite, scopePasswords}, []string{scopeAccountsWrite, scopePasswords}, 0},
		} {
			id, set, now := fmt.Sprintf("robot%d", i), store.NewID[store.TokenSetID](), w.clock.now()
			w.tx(func(tx *store.Tx) error {
				return errors.Join(
					tx.PutClient(t.Context(), store.PutClientParams{
						ID: id, Name: id, SurfaceID: SurfaceStore, AuthMethod: "client_secret_basic", SecretHash: []byte(id), RedirectURIs: jsonList(nil),
						PostLogoutRedirectURIs: jsonList(nil), GrantTypes: jsonList([]string{grantCredentials}), Scopes: jsonList(tt.registered), IDTokenAlg: "ES256", Now: now,
					}),
					tx.InsertClientTokenSet(t.Context(), store.InsertClientTokenSetParams{
						ID: set, ClientID: id, Scope: strings.Join(tt.token, " "), AccessHash: []byte(set), AccessExpiresAt: now.Add(time.Minute), Now: now,
					}))
			})
			actor, err := w.ClientActor(t.Context(), set)
			must(t, err)
			run, err := w.Upload(t.Context(), actor, "people.csv", account.UTF8, strings.NewReader(head+horseSalt+former))
			must(t, err)
			w.WorkImports(t.Context())
			checked, err := w.ImportRun(t.Context(), actor, run, 1)
			if err != nil || checked.State != importChecked || checked.Refused != tt.refused {
				t.Errorf("%s, checked: %+v, %v", tt.name, checked.ImportJob, err)
			}
			_, err = w.StartImport(t.Context(), actor, run)
			must(t, err)
			w.WorkImports(t.Context())
			if done, err := w.ImportRun(t.Context(), actor, run, 1); err != nil || done.State != importDone || done.Refused != tt.refused {
				t.Errorf("%s: %+v, %v", tt.name, done.ImportJob, err)
			}
		}
	})
}

// Every reason has a sentence.
func TestImportReasonsHaveSentences(t *testing.T) {
	set, err := pages()
	must(t, err)
	var files []string
	for _, pattern := range []string{"../account/record*.go", "../mfa/imported.go", "import*.go"} {
		found, err := filepath.Glob(pattern)
		must(t, err)
		files = append(files, found...)
	}
	n := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		for _, m := range regexp.MustCompile(`= "(import\.[a-z_]+)"`).FindAllStringSubmatch(string(text), -1) {
			if n++; set.T("ja", m[1]) == m[1] || set.T("en", m[1]) == m[1] {
				t.Errorf("%s has no sentence", m[1])
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d reasons were found", n)
	}
}
