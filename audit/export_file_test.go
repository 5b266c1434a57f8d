package audit_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// exportAll writes every row of an account.
func (l *log) export(t *testing.T, format audit.Format, stream string) []byte {
	t.Helper()
	var out bytes.Buffer
	e, err := l.signer.NewExport(&out, format, now)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := l.db.Read().ListStreamEvents(t.Context(), store.ListStreamEventsParams{
		Stream: &stream, AfterSeq: new(int64(0)), LastSeq: new(int64(1000)), PageSize: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := e.Add(row, "tanaka"); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestExportIsSignedAsAWhole(t *testing.T) {
	l := newLog(t, storetest.SQLiteURL(t))
	for _, format := range []audit.Format{audit.CSV, audit.NDJSON} {
		file := l.export(t, format, string(l.accounts[0]))
		check := func(in []byte, keys ...string) (audit.ExportReport, error) {
			return audit.VerifyExport(t.Context(), l.db, keys, bytes.NewReader(in))
		}
		report, err := check(file, l.signer.ID())
		if err != nil || report.Rows != 12 || report.Key != l.signer.ID() || !report.At.Equal(now) {
			t.Errorf("%s: %+v, %v", format, report, err)
		}
		lines := bytes.SplitAfter(file, []byte("\n"))
		for name, bad := range map[string][]byte{
			"nothing":          {},
			"no signature":     bytes.Join(lines[:len(lines)-2], nil),
			"a row less":       bytes.Join(append(append([][]byte{}, lines[:3]...), lines[4:]...), nil),
			"a row twice":      bytes.Join(append(append([][]byte{}, lines[:4]...), lines[3:]...), nil),
			"a row after":      append(append([]byte{}, file...), lines[3]...),
			"another reason":   bytes.Replace(file, []byte("0-1"), []byte("0-2"), 1),
			"a byte before":    append([]byte(" "), file...),
			"another signer's": bytes.Replace(file, []byte("eyJ"), []byte("eyK"), 1),
		} {
			if report, err := check(bad); err == nil {
				t.Errorf("%s, %s: accepted as %+v", format, name, report)
			}
		}
		if _, err := check(file, "another-key"); err == nil {
			t.Errorf("%s: a key that is not there was believed", format)
		}
		// A checkpoint is no signature of an export, whatever the file holds.
		if _, err := check([]byte(l.signed[0] + "\n")); err == nil {
			t.Errorf("%s: a checkpoint was taken for an export's signature", format)
		}
	}
}

// TestExportedCSVHoldsNoFormula writes what a spreadsheet would run, and reads back what it sees.
func TestExportedCSVHoldsNoFormula(t *testing.T) {
	l := newLog(t, storetest.SQLiteURL(t))
	id := store.NewID[store.AccountID]()
	texts := []string{"=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "a=b", "a,\"b\"\nsignature,x", "機種変更"}
	for _, s := range texts {
		l.write(t, id, s, now)
	}
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(l.export(t, audit.CSV, string(id))), "\ufeff"))).ReadAll()
	if err != nil || len(records) != len(texts)+2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	for i, s := range texts {
		for n, cell := range records[i+1] {
			if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
				t.Errorf("%s: %q", records[0][n], cell)
			}
		}
		if got := strings.TrimPrefix(records[i+1][3], "'"); got != strings.ReplaceAll(s, "\r\n", "\n") {
			t.Errorf("%q came back as %q", s, got)
		}
	}
	lines := strings.Split(strings.TrimSpace(string(l.export(t, audit.NDJSON, string(id)))), "\n")
	for i, s := range texts {
		var row struct {
			Reason  string `json:"reason"`
			LoginID string `json:"login_id"`
			Seq     int64  `json:"seq"`
		}
		if err := json.Unmarshal([]byte(lines[i]), &row); err != nil || row.Reason != s || row.LoginID != "tanaka" || row.Seq != int64(i+1) {
			t.Errorf("line %d: %+v, %v", i+1, row, err)
		}
	}
}
