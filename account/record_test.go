package account

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/japanese"

	"github.com/futakagi/futakagi/store/storetest"
)

// readAll reads a file to its end.
func readAll(text string, format Format, encoding string) (rows []Record, found []Finding, err error) {
	r, err := NewRecordReader(strings.NewReader(text), format, encoding)
	if err != nil {
		return nil, nil, err
	}
	for {
		row, bad, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows, found, nil
		}
		if err != nil {
			return rows, found, err
		}
		if len(bad) > 0 {
			found = append(found, bad...)
			continue
		}
		rows = append(rows, row)
	}
}

const head = "login_id,display_name,registered_email"

func TestRecordsAreReadFromBothFormats(t *testing.T) {
	want := []Record{
		{Line: 2, LoginID: "tanaka", DisplayName: "田中, 一郎", RegisteredEmail: "tanaka@example.jp", Disabled: "true", BackupCodeHashes: "AB:$x CD:$y"},
		{Line: 3, LoginID: "suzuki", DisplayName: `"鈴木"`, RegisteredEmail: "suzuki@example.jp"},
	}
	csv := head + ",disabled,backup_code_hashes\r\ntanaka,\"田中, 一郎\",tanaka@example.jp,true,AB:$x CD:$y\r\nsuzuki,\"\"\"鈴木\"\"\",suzuki@example.jp,,\r\n"
	sjis, err := japanese.ShiftJIS.NewEncoder().String(csv)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]struct{ text, encoding string }{
		"plain": {csv, UTF8}, "byte order mark": {bom + csv, UTF8}, "bare line ends": {strings.ReplaceAll(csv, "\r", ""), UTF8}, "Shift_JIS": {sjis, ShiftJIS},
	} {
		if rows, found, err := readAll(file.text, CSV, file.encoding); err != nil || len(found) > 0 || !cmp.Equal(rows, want) {
			t.Errorf("%s: %v, %v, %s", name, found, err, cmp.Diff(want, rows))
		}
	}
	ndjson := bom + `{"login_id":"tanaka","display_name":"田中, 一郎","registered_email":"tanaka@example.jp","disabled":true,"backup_code_hashes":["AB:$x","CD:$y"],"role":null}` +
		"\n\n" + `{"login_id":"suzuki","display_name":"\"鈴木\"","registered_email":"suzuki@example.jp"}`
	want[0].Line = 1
	if rows, found, err := readAll(ndjson, NDJSON, UTF8); err != nil || len(found) > 0 || !cmp.Equal(rows, want) {
		t.Errorf("NDJSON: %v, %v, %s", found, err, cmp.Diff(want, rows))
	}
}

func TestBrokenFilesAreNotReadOn(t *testing.T) {
	row := "tanaka,canary,tanaka@example.jp\n"
	sjis, err := japanese.ShiftJIS.NewEncoder().String(head + "\ntanaka,田中,tanaka@example.jp\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		format Format
		text   string
		reason string
		line   int
	}{
		"empty":                 {CSV, "", reasonFileEmpty, 0},
		"only a mark":           {NDJSON, bom, reasonFileEmpty, 0},
		"no names":              {CSV, row, reasonFileHeader, 1},
		"a name twice":          {CSV, head + ",login_id\n", reasonFileHeader, 1},
		"a name missing":        {CSV, "login_id,display_name\n", reasonFileHeader, 1},
		"Shift_JIS":             {CSV, sjis, reasonFileEncoding, 2},
		"cut inside of quotes":  {CSV, head + "\n" + row + "suzuki,\"canary", reasonFileCSV, 3},
		"a quote inside":        {CSV, head + "\n" + row + "suzuki,can\"ary,x\n", reasonFileCSV, 3},
		"a quote never closed":  {CSV, head + "\n" + row + "suzuki,\"" + strings.Repeat("canary\n", maxRecord), reasonFileLong, 3},
		"invalid UTF-8":         {CSV, head + "\n" + row + "suzuki,\xff,x\n", reasonFileEncoding, 3},
		"cut object":            {NDJSON, `{"login_id":"a"}` + "\n" + `{"login_id":"can`, reasonFileJSON, 2},
		"a list":                {NDJSON, `["canary"]`, reasonFileJSON, 1},
		"null":                  {NDJSON, `null`, reasonFileJSON, 1},
		"two objects on a line": {NDJSON, `{"login_id":"a"}{"login_id":"b"}`, reasonFileJSON, 1},
		"invalid UTF-8 in JSON": {NDJSON, "{\"login_id\":\"\xff\"}", reasonFileEncoding, 1},
		"a line without end":    {NDJSON, strings.Repeat("x", maxRecord+1), reasonFileLong, 1},
	} {
		_, _, err := readAll(tt.text, tt.format, UTF8)
		broken, ok := errors.AsType[*FileError](err)
		if !ok || broken.Reason != tt.reason || broken.Line != tt.line {
			t.Errorf("%s: %v (%+v), want %s in line %d", name, err, broken, tt.reason, tt.line)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error quotes the file: %v", name, err)
		}
	}
	// What Shift_JIS has not is noticed too.
	if _, _, err := readAll(head+"\nx,\x80\xff,y\n", CSV, ShiftJIS); !strings.Contains(fmt.Sprint(err), "encoding") {
		t.Errorf("broken Shift_JIS: %v", err)
	}
}

func TestRowsOfWrongFormAreRefusedAlone(t *testing.T) {
	text := head + "\ntanaka,x\nsuzuki,鈴木,suzuki@example.jp\nsato,\"a\nb\",sato@example.jp\n"
	rows, found, err := readAll(text, CSV, UTF8)
	want := []Finding{
		{Line: 2, Refused: true, Reason: ReasonColumns, ValueClass: "import.value_fields 2 3"},
		{Line: 4, Column: ColumnDisplayName, Refused: true, Reason: ReasonControl, ValueClass: "import.value_hidden 3"},
	}
	if err != nil || len(rows) != 1 || rows[0].LoginID != "suzuki" || !cmp.Equal(found, want) {
		t.Errorf("%v, %v, %s", rows, err, cmp.Diff(want, found))
	}
	text = `{"login_id":5}` + "\n" + `{"login_id":"a","canary":"b"}` + "\n" + `{"login_id":true}` + "\n" + `{"backup_code_hashes":["a b"]}` + "\n" + `{"login_id":["a"]}` + "\n" + `{"login_id":"b"}`
	rows, found, err = readAll(text, NDJSON, UTF8)
	if err != nil || len(rows) != 1 || len(found) != 5 || strings.Contains(fmt.Sprint(found), "canary") {
		t.Errorf("%v, %v, %v", rows, found, err)
	}
	if found[1].Reason != ReasonUnknownField || found[0].Reason != ReasonJSON || found[0].Column != ColumnLoginID {
		t.Errorf("found = %+v", found)
	}
}

// A spreadsheet must not compute what an export holds, and the import gets back what was there.
func TestCellsAreNoFormulas(t *testing.T) {
	for _, cell := range []string{"=1+1", "+819012345678", "-", "@x", "'", "''", "'=x", "'abc", "plain", "", "a=b", "\tx"} {
		guarded := guard(cell)
		if unguard(guarded) != cell {
			t.Errorf("%q becomes %q", cell, unguard(guarded))
		}
		if guarded != "" && strings.IndexByte(formulas, guarded[0]) >= 0 {
			t.Errorf("%q is a formula", guarded)
		}
	}
	if got := unguard("'abc"); got != "'abc" {
		t.Errorf("an apostrophe of somebody's own is lost: %q", got)
	}
}

func TestRecordsAreWrittenAsTheyAreRead(t *testing.T) {
	r := Record{}
	for i, f := range r.fields() {
		*f = fmt.Sprintf("=値 %d, \"quoted\" '<&>", i)
	}
	r.Disabled, r.BackupCodeHashes = "true", "AB:$x CD:$y"
	for i, column := range RecordColumns() {
		if r.Field(column) != r.fields()[i] {
			t.Errorf("column %d is %s in one place only", i, column)
		}
	}
	plain := Record{LoginID: "suzuki", Disabled: "false"}
	for _, format := range []Format{CSV, NDJSON} {
		var file bytes.Buffer
		w, err := NewRecordWriter(&file, format)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range []Record{r, plain, {}} {
			if err := w.Write(&one); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		rows, found, err := readAll(file.String(), format, UTF8)
		for i := range rows {
			rows[i].Line = 0
		}
		if want := []Record{r, plain, {}}; err != nil || len(found) > 0 || !cmp.Equal(rows, want) {
			t.Errorf("%s: %v, %v, %s", format, found, err, cmp.Diff(want, rows))
		}
	}
}

func TestDigestTellsRecordsApart(t *testing.T) {
	a, b := Record{Line: 1, LoginID: "ab", DisplayName: "c"}, Record{Line: 2, LoginID: "a", DisplayName: "bc"}
	c := a
	c.Line = 7
	if bytes.Equal(a.Digest(), b.Digest()) || !bytes.Equal(a.Digest(), c.Digest()) {
		t.Error("the digest is not that of the fields")
	}
	for i := range RecordColumns() {
		d := a
		*d.fields()[i] += "x"
		if bytes.Equal(a.Digest(), d.Digest()) {
			t.Errorf("the digest does not hold %s", RecordColumns()[i])
		}
	}
}

func TestVerifiedAtHasAZone(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*60*60)
	now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2025-09-03T17:45:22+09:00": "2025-09-03T08:45:22Z", "2025-09-03T08:45:22Z": "2025-09-03T08:45:22Z",
		"2025-09-03T08:45:22.123456789Z": "2025-09-03T08:45:22.123456Z", "2025-09-03 17:45:22 +0900": "2025-09-03T08:45:22Z",
		"2025-09-03 17:45:22+09:00": "2025-09-03T08:45:22Z", "2025-09-03T17:45:22+0900": "2025-09-03T08:45:22Z",
		"2025-09-03 17:45:22": "2025-09-03T08:45:22Z", "2025-09-03T17:45:22": "2025-09-03T08:45:22Z",
		"2025/09/03 17:45:22": "2025-09-03T08:45:22Z", "2025/9/3 7:45": "2025-09-02T22:45:00Z",
	} {
		at, reason := ParseVerifiedAt(text, tokyo, now)
		if got := FormatVerifiedAt(at); got != want || reason != "" {
			t.Errorf("%q is %s, %s, want %s", text, got, reason, want)
		}
	}
	for text, want := range map[string]string{
		"": ReasonTime, "yes": ReasonTime, "2025-09-03": ReasonTime, "2025-02-30 10:00:00": ReasonTime, "1970-01-01T00:00:00Z": ReasonTime,
		"2026-11-02T00:02:00Z": ReasonTimeFuture, "2026-11-02 09:02:00": ReasonTimeFuture, strings.Repeat("2", 100): ReasonTime,
		"1756889122": ReasonTime, "2025-09-03T17:45:22+99:00": ReasonTime,
	} {
		if _, reason := ParseVerifiedAt(text, tokyo, now); reason != want {
			t.Errorf("%q: %q, want %q", text, reason, want)
		}
	}
	if _, reason := ParseVerifiedAt("2026-11-02T00:00:30Z", tokyo, now); reason != "" {
		t.Errorf("a clock that is a little ahead: %s", reason)
	}
}

func TestCheckRecordNamesEveryColumn(t *testing.T) {
	f := setup(t, storetest.SQLite(t), cheap)
	good := Record{
		CustomerCode: "C-1", CustomerName: "株式会社サンプル", UserGroup: " 本社 ", LoginID: "Ｔanaka", DisplayName: "田中", RegisteredEmail: "a@Example.jp",
		PasswordHash: foreignHashes()[0].hash, TwoFactor: "dont_use", Disabled: "1", ExternalID: "7",
	}
	in, found := f.CheckRecord(good, false)
	disabled := true
	want := ImportedAccount{
		Kind: KindStore, LoginID: "tanaka", LoginKey: "tanaka", Name: "田中", Email: "a@example.jp", Role: RoleBuyer,
		Customer: CustomerInput{Code: "C-1", Name: "株式会社サンプル"}, Group: "本社", Password: PasswordHash(foreignHashes()[0].hash),
		TwoFactor: TwoFactorDont, Disabled: &disabled, ExternalID: "7",
	}
	if diff := cmp.Diff(want, in); diff != "" || len(found) > 0 {
		t.Errorf("%v %s", found, diff)
	}
	for name, tt := range map[string]struct {
		change func(r *Record)
		want   []string
	}{
		"kind":      {func(r *Record) { r.Kind = "robot" }, []string{ColumnKind, ReasonKind}},
		"operator":  {func(r *Record) { r.Kind = KindOperator }, []string{ColumnKind, ReasonNoOperators}},
		"login":     {func(r *Record) { r.LoginID = "a b" }, []string{ColumnLoginID, msgLoginIDForm}},
		"name":      {func(r *Record) { r.DisplayName = "" }, []string{ColumnDisplayName, msgNameBlank}},
		"email":     {func(r *Record) { r.RegisteredEmail = "x" }, []string{ColumnEmail, msgEmailForm}},
		"role":      {func(r *Record) { r.Role = "owner" }, []string{ColumnRole, msgRoleBlank}},
		"code":      {func(r *Record) { r.CustomerCode = "C 1" }, []string{ColumnCustomerCode, msgCodeForm}},
		"no code":   {func(r *Record) { r.CustomerCode = "" }, []string{ColumnCustomerCode, msgCustomerCode}},
		"no group":  {func(r *Record) { r.UserGroup = "" }, []string{ColumnUserGroup, msgGroupName}},
		"customer":  {func(r *Record) { r.CustomerName = strings.Repeat("x", 101) }, []string{ColumnCustomerName, msgNameLong}},
		"hash":      {func(r *Record) { r.PasswordHash = "hunter2" }, []string{ColumnPasswordHash, ReasonHash}},
		"switch":    {func(r *Record) { r.TwoFactor = "off" }, []string{ColumnTwoFactor, ReasonTwoFactor}},
		"disabled":  {func(r *Record) { r.Disabled = "maybe" }, []string{ColumnDisabled, ReasonBoolean}},
		"external":  {func(r *Record) { r.ExternalID = strings.Repeat("1", 101) }, []string{ColumnExternalID, ReasonLong}},
		"reversing": {func(r *Record) { r.ExternalID = "a\u202eb" }, []string{ColumnExternalID, ReasonControl}},
		"several": {func(r *Record) { r.LoginID, r.TwoFactor = "", "x" }, []string{
			ColumnLoginID, msgLoginIDBlank, ColumnTwoFactor, ReasonTwoFactor,
		}},
	} {
		r := good
		tt.change(&r)
		var got []string
		_, found := f.CheckRecord(r, false)
		for _, one := range found {
			if !one.Refused || strings.Contains(fmt.Sprint(one), "hunter2") {
				t.Errorf("%s: %+v", name, one)
			}
			got = append(got, one.Column, one.Reason)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	operator := Record{Kind: KindOperator, LoginID: "op", DisplayName: "担当", RegisteredEmail: "op@example.jp", Role: RoleSupport}
	if in, found := f.CheckRecord(operator, true); len(found) > 0 || in.Kind != KindOperator || in.Group != "" {
		t.Errorf("%+v %v", in, found)
	}
	operator.UserGroup = "本社"
	if _, found := f.CheckRecord(operator, true); len(found) != 1 || found[0].Reason != ReasonOperator {
		t.Errorf("an operator in a user group: %v", found)
	}
}

// I15: whatever a file holds, what is said of it is ours, memory is bounded, and what was read can be written and read again.
func FuzzRecords(f *testing.F) {
	f.Add(head+"\ntanaka,\"田中, 一郎\",tanaka@example.jp\n", true)
	f.Add(head+",password_hash\ntanaka,'=x,\"a\"\"b\",$2b$\n", true)
	f.Add(`{"login_id":"tanaka","disabled":true,"backup_code_hashes":["AB:x"]}`+"\n{", false)
	f.Add(`{"backup_codes":["0"]}`, false)
	f.Fuzz(func(t *testing.T, text string, asCSV bool) {
		format := NDJSON
		if asCSV {
			format = CSV
		}
		rows, found, err := readAll(text, format, UTF8)
		if _, ours := errors.AsType[*FileError](err); err != nil && !ours {
			t.Fatalf("err = %v", err)
		}
		for _, one := range found {
			if one.Reason == "" || !one.Refused {
				t.Fatalf("found %+v", one)
			}
		}
		var file bytes.Buffer
		w, err := NewRecordWriter(&file, format)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			rows[i].Line = 0
			// An export writes these in one way only, and codes that are not hashed in none.
			rows[i].Disabled, rows[i].BackupCodeHashes, rows[i].BackupCodes = "", strings.Join(strings.Fields(rows[i].BackupCodeHashes), " "), ""
			if err := w.Write(&rows[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			return // a file of nothing is none
		}
		again, found, err := readAll(file.String(), format, UTF8)
		for i := range again {
			again[i].Line = 0
		}
		if err != nil || len(found) > 0 || !cmp.Equal(rows, again) {
			t.Fatalf("%v, %v, %s", found, err, cmp.Diff(rows, again))
		}
	})
}

func FuzzParseVerifiedAt(f *testing.F) {
	for _, text := range []string{"2025-09-03T17:45:22+09:00", "2025-09-03 17:45:22", "2025/9/3 7:45", "0001-01-01 00:00:00"} {
		f.Add(text)
	}
	now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		at, reason := ParseVerifiedAt(text, time.FixedZone("JST", 9*60*60), now)
		if reason != "" {
			return
		}
		if at.Before(earliest) || at.After(now.Add(time.Minute)) {
			t.Fatalf("%q is %v", text, at)
		}
		if again, reason := ParseVerifiedAt(FormatVerifiedAt(at), time.UTC, now); reason != "" || !again.Equal(at) {
			t.Fatalf("%v becomes %v, %s", at, again, reason)
		}
	})
}
