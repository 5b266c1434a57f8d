package account

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// RecordWriter writes records as an import reads them.
type RecordWriter struct {
	write func(*Record) error
	flush func() error
}

// NewRecordWriter begins a file.
func NewRecordWriter(file io.Writer, format Format) (*RecordWriter, error) {
	switch format {
	case CSV:
		c := csv.NewWriter(file)
		c.UseCRLF = true // RFC 4180
		if err := c.Write(RecordColumns()); err != nil {
			return nil, fmt.Errorf("write column names: %w", err)
		}
		row := make([]string, len(RecordColumns()))
		return &RecordWriter{
			write: func(r *Record) error {
				for i, f := range r.fields() {
					row[i] = guard(*f)
				}
				return c.Write(row)
			},
			flush: func() error { c.Flush(); return c.Error() },
		}, nil
	case NDJSON:
		return &RecordWriter{write: func(r *Record) error { return writeJSON(file, r) }, flush: func() error { return nil }}, nil
	}
	return nil, fmt.Errorf("write records: unknown format %q", format)
}

// Write adds a record.
func (w *RecordWriter) Write(r *Record) error {
	if err := w.write(r); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	return nil
}

// Flush writes what is held back. It is called at the end.
func (w *RecordWriter) Flush() error {
	if err := w.flush(); err != nil {
		return fmt.Errorf("write records: %w", err)
	}
	return nil
}

// writeJSON writes the members that say something, in the order of the columns.
func writeJSON(file io.Writer, r *Record) error {
	var line bytes.Buffer
	columns := RecordColumns()
	for i, f := range r.fields() {
		if *f == "" {
			continue
		}
		var value any = *f
		switch columns[i] {
		case ColumnDisabled:
			value = *f == "true"
		case ColumnBackupCodes:
			value = strings.Fields(*f)
		}
		separator := ","
		if line.Len() == 0 {
			separator = "{"
		}
		line.WriteString(separator)
		for j, part := range []any{columns[i], value} {
			text := new(bytes.Buffer)
			enc := json.NewEncoder(text)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(part); err != nil {
				return err
			}
			if j == 1 {
				line.WriteByte(':')
			}
			line.Write(bytes.TrimSpace(text.Bytes()))
		}
	}
	if line.Len() == 0 {
		line.WriteByte('{')
	}
	line.WriteString("}\n")
	_, err := file.Write(line.Bytes())
	return err
}
