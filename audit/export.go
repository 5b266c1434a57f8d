package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/store"
)

// Format is the form of an export.
type Format string

// The forms there are.
const (
	CSV    Format = "csv"    // a table with a head
	NDJSON Format = "ndjson" // one object in each line
)

// exportClaims is what the signature at the end of an export says.
type exportClaims struct {
	At     time.Time `json:"at"`
	Rows   int64     `json:"rows"`
	SHA256 []byte    `json:"sha256"` // over every line before the signature's
}

// Export writes rows as a file whose last line is signed for all the others. A file without that line is not whole.
type Export struct {
	signer *Signer
	now    time.Time
	format Format
	sum    hash.Hash
	out    *bufio.Writer // into the sum and the file
	last   io.Writer     // into the file alone
	csv    *csv.Writer
	rows   int64
}

var exportColumns = []string{
	"at", "type", "result", "reason", "actor_kind", "actor_id", "actor_name", "account_id", "login_id", "target", "client_id",
	"client_address", "user_agent", "request_id", "data", "id", "stream", "seq", "prev_hash", "hash",
}

// NewExport begins an export.
func (s *Signer) NewExport(w io.Writer, format Format, now time.Time) (*Export, error) {
	e := &Export{signer: s, now: now.UTC(), format: format, sum: sha256.New(), last: w}
	e.out = bufio.NewWriterSize(io.MultiWriter(e.sum, w), 64<<10)
	switch format {
	case CSV:
		// Spreadsheets take a file for the system's own encoding unless it begins like this.
		if _, err := e.out.WriteString("\ufeff"); err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
		e.csv = csv.NewWriter(e.out)
		return e, e.csv.Write(exportColumns)
	case NDJSON:
		return e, nil
	}
	return nil, fmt.Errorf("export: unknown format %q", format)
}

// exported is a row as a line of NDJSON. With the hashes its reader can follow the chain.
type exported struct {
	At            time.Time       `json:"at"`
	Type          string          `json:"type"`
	Result        string          `json:"result"`
	Reason        string          `json:"reason"`
	ActorKind     string          `json:"actor_kind"`
	ActorID       string          `json:"actor_id"`
	ActorName     string          `json:"actor_name"`
	AccountID     string          `json:"account_id"`
	LoginID       string          `json:"login_id"`
	Target        string          `json:"target"`
	ClientID      string          `json:"client_id"`
	ClientAddress string          `json:"client_address"`
	UserAgent     string          `json:"user_agent"`
	RequestID     string          `json:"request_id"`
	Data          json.RawMessage `json:"data"`
	ID            string          `json:"id"`
	Stream        string          `json:"stream"`
	Seq           int64           `json:"seq"`
	PrevHash      []byte          `json:"prev_hash"`
	Hash          []byte          `json:"hash"`
}

// Add writes one row, with the login ID of the account it concerns.
func (e *Export) Add(row store.AuditEvent, loginID string) error {
	x := exported{
		At: row.At.UTC(), Type: row.Type, Result: row.Result, Reason: row.Reason, ActorKind: row.ActorKind, ActorID: row.ActorID,
		ActorName: row.ActorName, LoginID: loginID, Target: row.Target, ClientID: row.ClientID, ClientAddress: row.ClientAddress,
		UserAgent: row.UserAgent, RequestID: row.RequestID, Data: row.Data, ID: string(row.ID), PrevHash: row.PrevHash, Hash: row.Hash,
	}
	if row.AccountID != nil {
		x.AccountID = string(*row.AccountID)
	}
	if row.Stream != nil && row.Seq != nil {
		x.Stream, x.Seq = *row.Stream, *row.Seq
	}
	e.rows++
	if e.format == NDJSON {
		if err := json.NewEncoder(e.out).Encode(x); err != nil {
			return fmt.Errorf("export row %s: %w", row.ID, err)
		}
		return nil
	}
	cells := []string{
		x.At.Format(time.RFC3339Nano), x.Type, x.Result, x.Reason, x.ActorKind, x.ActorID, x.ActorName, x.AccountID, x.LoginID, x.Target, x.ClientID,
		x.ClientAddress, x.UserAgent, x.RequestID, string(x.Data), x.ID, x.Stream, strconv.FormatInt(x.Seq, 10), b64(x.PrevHash), b64(x.Hash),
	}
	for i := range cells {
		cells[i] = Harmless(cells[i])
	}
	if err := e.csv.Write(cells); err != nil {
		return fmt.Errorf("export row %s: %w", row.ID, err)
	}
	return nil
}

// Harmless keeps a spreadsheet from taking text for a formula (CWE-1236).
func Harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// Rows is how many rows were added.
func (e *Export) Rows() int64 { return e.rows }

// Flush passes on what is held back.
func (e *Export) Flush() error {
	if e.csv != nil {
		e.csv.Flush()
		if err := e.csv.Error(); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	if err := e.out.Flush(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// Close signs what was written. It does not close the file.
func (e *Export) Close() error {
	if err := e.Flush(); err != nil {
		return err
	}
	statement, err := e.signer.sign(typExport, exportClaims{At: e.now, Rows: e.rows, SHA256: e.sum.Sum(nil)})
	if err != nil {
		return err
	}
	line := `{"signature":"` + statement + `"}` + "\n"
	if e.format == CSV {
		line = "signature," + statement + strings.Repeat(",", len(exportColumns)-2) + "\n"
	}
	if _, err := io.WriteString(e.last, line); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// ExportReport is what the signature of an export says.
type ExportReport struct {
	At   time.Time `json:"at"`
	Rows int64     `json:"rows"`
	Key  string    `json:"key"`
}

// VerifyExport checks that a file is one that an installation exported, whole and unchanged. It fails with the reason if it is not,
// and holds two lines at a time.
func VerifyExport(ctx context.Context, db *store.DB, keys []string, file io.Reader) (ExportReport, error) {
	known, err := loadKeys(ctx, db.Read(), keys)
	if err != nil {
		return ExportReport{}, fmt.Errorf("verify export: %w", err)
	}
	in := bufio.NewReader(file)
	sum := sha256.New()
	var last []byte
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			sum.Write(last)
			last = line
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return ExportReport{}, fmt.Errorf("read export: %w", err)
		}
	}
	statement := string(bytes.TrimRight(last, ",\r\n"))
	if rest, ok := strings.CutPrefix(statement, "signature,"); ok {
		statement = rest
	} else {
		statement = strings.TrimSuffix(strings.TrimPrefix(statement, `{"signature":"`), `"}`)
	}
	var claims exportClaims
	kid, err := known.open(typExport, statement, &claims)
	if err != nil {
		return ExportReport{}, fmt.Errorf("the last line: %w", err)
	}
	if !bytes.Equal(claims.SHA256, sum.Sum(nil)) {
		return ExportReport{}, errors.New("the file is not what was exported: its contents do not fit the signature")
	}
	return ExportReport{At: claims.At, Rows: claims.Rows, Key: kid}, nil
}
