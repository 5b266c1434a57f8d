package account

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/transform"
)

// Format is how an import file is written.
type Format string

// The formats there are.
const (
	CSV    Format = "csv"    // RFC 4180, with a row of column names
	NDJSON Format = "ndjson" // one JSON object on each line
)

// The encodings of an import file.
const (
	UTF8     = "utf-8"
	ShiftJIS = "shift_jis"
)

// FormatOf is the format that a file's name says; empty if it says none.
func FormatOf(name string) Format {
	switch name = strings.ToLower(name); {
	case strings.HasSuffix(name, ".csv"):
		return CSV
	case strings.HasSuffix(name, ".ndjson"), strings.HasSuffix(name, ".jsonl"):
		return NDJSON
	}
	return ""
}

// A FileError says that a file cannot be read to its end, so that nothing of it may be taken: it may have been cut off, or be
// something else altogether.
type FileError struct {
	// Line is where; 0 for the file as a whole.
	Line int
	// Reason is a key of the catalogue, Detail a sentence of ours, in English. Neither quotes the file.
	Reason, Detail string
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.Detail
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Detail)
}

// What is wrong with a file: keys of sentences in the catalogue.
const (
	reasonFileEncoding = "import.file_encoding"
	reasonFileCSV      = "import.file_csv"
	reasonFileJSON     = "import.file_json"
	reasonFileHeader   = "import.file_header"
	reasonFileLong     = "import.file_long"
	reasonFileEmpty    = "import.file_empty"
	reasonFileRows     = "import.file_rows"
)

const (
	// maxRecord bounds what is held of a file at once: a quote that is never closed is not read to the end of the file.
	maxRecord = 1 << 18
	bom       = "\ufeff"
)

// RecordReader reads an import file row by row, in memory that does not grow with it.
type RecordReader struct {
	next func() (Record, []Finding, error)
}

// NewRecordReader begins to read a file. It fails with a [FileError] for one whose column names are not ours.
func NewRecordReader(file io.Reader, format Format, encoding string) (*RecordReader, error) {
	if encoding == ShiftJIS {
		file = transform.NewReader(file, japanese.ShiftJIS.NewDecoder())
	}
	in := bufio.NewReader(file)
	if first, _ := in.Peek(len(bom)); string(first) == bom {
		_, _ = in.Discard(len(bom))
	}
	if _, err := in.Peek(1); errors.Is(err, io.EOF) {
		return nil, &FileError{Reason: reasonFileEmpty, Detail: "the file is empty"}
	}
	switch format {
	case CSV:
		return newCSVReader(in)
	case NDJSON:
		return newJSONReader(in), nil
	}
	return nil, fmt.Errorf("read records: unknown format %q", format)
}

// Next returns the next row and what is wrong with its form, for which it cannot be taken. It fails with [io.EOF] at the end, and
// with a [FileError] for what makes everything after it unreadable.
func (r *RecordReader) Next() (Record, []Finding, error) {
	record, found, err := r.next()
	if err == nil && len(found) == 0 {
		found = record.plain()
	}
	return record, found, err
}

// checkText says what is wrong with the encoding of a text.
func checkText(line int, fields ...string) error {
	for _, f := range fields {
		// What Shift_JIS does not know is decoded to the replacement character, which no name has.
		if !utf8.ValidString(f) || strings.ContainsRune(f, utf8.RuneError) {
			return &FileError{Line: line, Reason: reasonFileEncoding, Detail: "the text is not in the encoding that was named; " +
				"files are UTF-8, and what a Japanese spreadsheet saves as plain CSV is Shift_JIS (--encoding shift_jis)"}
		}
	}
	return nil
}

// meter fails once a record takes more than may be held of it.
type meter struct {
	in   io.Reader
	used int
}

var errRecordLong = errors.New("record too long")

func (m *meter) Read(p []byte) (int, error) {
	if m.used > maxRecord {
		return 0, errRecordLong
	}
	n, err := m.in.Read(p)
	m.used += n
	return n, err
}

func newCSVReader(in io.Reader) (*RecordReader, error) {
	m := &meter{in: in}
	c := csv.NewReader(m)
	c.ReuseRecord, c.FieldsPerRecord = true, -1
	header, err := c.Read()
	if err != nil {
		return nil, csvError(err, 1)
	}
	if err := checkText(1, header...); err != nil {
		return nil, err
	}
	columns := make([]string, len(header))
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		// The name is not repeated: in a file without names, it is somebody's.
		switch {
		case (&Record{}).Field(name) == nil, name == ColumnPlainCodes: // what a spreadsheet was made of is left lying about
			return nil, &FileError{Line: 1, Reason: reasonFileHeader, Detail: fmt.Sprintf("column %d has a name that is not known", i+1)}
		case slices.Contains(columns[:i], name):
			return nil, &FileError{Line: 1, Reason: reasonFileHeader, Detail: "column " + name + " is there twice"}
		}
		columns[i] = name
	}
	for _, name := range neededColumns() {
		if !slices.Contains(columns, name) {
			return nil, &FileError{Line: 1, Reason: reasonFileHeader, Detail: "column " + name + " is missing"}
		}
	}
	last := 1
	return &RecordReader{next: func() (Record, []Finding, error) {
		m.used = 0
		fields, err := c.Read()
		if errors.Is(err, io.EOF) {
			return Record{}, nil, io.EOF
		}
		if err != nil {
			return Record{}, nil, csvError(err, last+1)
		}
		line, _ := c.FieldPos(0)
		last = line
		if err := checkText(line, fields...); err != nil {
			return Record{}, nil, err
		}
		r := Record{Line: line}
		if len(fields) != len(columns) {
			return r, []Finding{{
				Line: line, Refused: true, Reason: ReasonColumns,
				ValueClass: fmt.Sprintf("%s %d %d", classFields, len(fields), len(columns)),
			}}, nil
		}
		for i, f := range fields {
			*r.Field(columns[i]) = strings.Clone(strings.TrimSpace(unguard(f)))
		}
		return r, nil, nil
	}}, nil
}

func csvError(err error, line int) error {
	if bad, ok := errors.AsType[*csv.ParseError](err); ok {
		return &FileError{Line: bad.Line, Reason: reasonFileCSV, Detail: "the file is no CSV from here on: a quote is missing, or is one too many"}
	}
	if errors.Is(err, errRecordLong) {
		return &FileError{Line: line, Reason: reasonFileLong, Detail: "a row that begins here is longer than any row can be: a quote may be missing"}
	}
	if errors.Is(err, io.EOF) {
		return &FileError{Reason: reasonFileEmpty, Detail: "the file is empty"}
	}
	return fmt.Errorf("read file: %w", err)
}

// A spreadsheet takes a cell that begins with one of these for a formula.
const formulas = "=+-@\t\r"

// guard keeps a spreadsheet from computing a cell. It puts an apostrophe before what looks like a formula, and before what begins
// with an apostrophe itself, so that [unguard] gives back whatever was there.
func guard(cell string) string {
	if cell != "" && strings.IndexByte(formulas+"'", cell[0]) >= 0 {
		return "'" + cell
	}
	return cell
}

// unguard takes the apostrophe away that guard puts there, and no other.
func unguard(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.IndexByte(formulas+"'", cell[1]) >= 0 {
		return cell[1:]
	}
	return cell
}

func newJSONReader(in io.Reader) *RecordReader {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 1<<12), maxRecord)
	line := 0
	return &RecordReader{next: func() (Record, []Finding, error) {
		for lines.Scan() {
			line++
			text := bytes.TrimSpace(lines.Bytes())
			if len(text) == 0 {
				continue
			}
			if err := checkText(line, string(text)); err != nil {
				return Record{}, nil, err
			}
			return jsonRecord(line, text)
		}
		switch err := lines.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			return Record{}, nil, &FileError{Line: line + 1, Reason: reasonFileLong, Detail: "a line is longer than any row can be"}
		case err != nil:
			return Record{}, nil, fmt.Errorf("read file: %w", err)
		}
		return Record{}, nil, io.EOF
	}}
}

// jsonRecord reads one object, whose members are named like the columns: strings, true or false for disabled, and lists for
// backup_code_hashes and backup_codes.
func jsonRecord(line int, text []byte) (Record, []Finding, error) {
	r := Record{Line: line}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return r, nil, &FileError{Line: line, Reason: reasonFileJSON, Detail: "this line is no JSON object: the file may have been cut off"}
	}
	var found []Finding
	for name, value := range members {
		field := r.Field(name)
		if field == nil {
			// Its name is not repeated, as it may be anything.
			found = append(found, Finding{Line: line, Refused: true, Reason: ReasonUnknownField, ValueClass: ValueClass(name)})
			continue
		}
		ok := true
		switch v := value.(type) {
		case nil:
		case string:
			*field = strings.TrimSpace(v)
		case bool:
			if ok = name == ColumnDisabled; ok {
				*field = fmt.Sprint(v)
			}
		case []any:
			ok = name == ColumnBackupCodes || name == ColumnPlainCodes
			codes := make([]string, 0, len(v))
			for _, one := range v {
				code, isText := one.(string)
				ok = ok && isText && code != "" && !strings.ContainsAny(code, " \t")
				codes = append(codes, code)
			}
			*field = strings.Join(codes, " ")
		default:
			ok = false
		}
		if !ok {
			found = append(found, Finding{Line: line, Column: name, Refused: true, Reason: ReasonJSON})
		}
	}
	slices.SortFunc(found, func(a, b Finding) int { return strings.Compare(a.Column, b.Column) })
	return r, found, nil
}
