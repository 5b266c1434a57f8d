package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/futakagi/futakagi/store"
)

// Record is one row of the log as its hash sees it: every field, none in a form that a database would change.
type Record struct {
	Stream string
	Seq    int64
	// Prev is the hash of the record before; empty for the first of its stream.
	Prev []byte

	ID            string
	At            time.Time
	Type          string
	Result        string
	Reason        string
	ActorKind     string
	ActorID       string
	ActorName     string
	AccountID     string // empty when the event concerns none
	Target        string
	ClientID      string
	ClientAddress string
	UserAgent     string
	RequestID     string
	Data          map[string]string
}

// recordMagic begins every encoding. Another layout gets another one, so that no two layouts share an encoding.
const recordMagic = "futakagi/audit/v1\n"

// Hash identifies the record and, through Prev, everything before it in its stream.
func (r Record) Hash() []byte {
	sum := sha256.Sum256(r.Encode())
	return sum[:]
}

// Encode spells the record in the one way there is: every text after its length, numbers as eight bytes, facts in the order of their
// names. Two different records never have the same encoding.
func (r Record) Encode() []byte {
	out := make([]byte, 0, 512)
	out = append(out, recordMagic...)
	number := func(n int64) { out = binary.BigEndian.AppendUint64(out, uint64(n)) }
	text := func(s string) {
		number(int64(len(s)))
		out = append(out, s...)
	}
	text(r.Stream)
	number(r.Seq)
	text(string(r.Prev))
	text(r.ID)
	number(r.At.UnixMicro())
	for _, field := range r.texts() {
		text(*field)
	}
	number(int64(len(r.Data)))
	for _, key := range slices.Sorted(maps.Keys(r.Data)) {
		text(key)
		text(r.Data[key])
	}
	return out
}

func (r *Record) texts() []*string {
	return []*string{
		&r.Type, &r.Result, &r.Reason, &r.ActorKind, &r.ActorID, &r.ActorName, &r.AccountID, &r.Target, &r.ClientID,
		&r.ClientAddress, &r.UserAgent, &r.RequestID,
	}
}

var errEncoding = errors.New("not the encoding of a record")

// Decode reads what Encode wrote, and nothing else.
func Decode(in []byte) (Record, error) {
	rest, ok := bytes.CutPrefix(in, []byte(recordMagic))
	number := func() int64 {
		if len(rest) < 8 {
			ok = false
			return 0
		}
		n := int64(binary.BigEndian.Uint64(rest))
		rest = rest[8:]
		return n
	}
	text := func() string {
		n := number()
		if n < 0 || n > int64(len(rest)) {
			ok = false
			return ""
		}
		s := string(rest[:n])
		rest = rest[n:]
		return s
	}
	var r Record
	r.Stream, r.Seq, r.Prev, r.ID, r.At = text(), number(), []byte(text()), text(), time.UnixMicro(number()).UTC()
	for _, field := range r.texts() {
		*field = text()
	}
	last := ""
	r.Data = make(map[string]string)
	for i, n := int64(0), number(); ok && i < n; i++ {
		key, value := text(), text()
		if i > 0 && key <= last {
			ok = false
		}
		r.Data[key], last = value, key
	}
	if !ok || len(rest) > 0 {
		return Record{}, errEncoding
	}
	return r, nil
}

// recordOf reads a row. It fails for one that [Write] cannot have written.
func recordOf(row store.AuditEvent) (Record, error) {
	r := Record{
		Prev: row.PrevHash, ID: string(row.ID), At: row.At, Type: row.Type, Result: row.Result, Reason: row.Reason, ActorKind: row.ActorKind,
		ActorID: row.ActorID, ActorName: row.ActorName, Target: row.Target, ClientID: row.ClientID, ClientAddress: row.ClientAddress,
		UserAgent: row.UserAgent, RequestID: row.RequestID,
	}
	if row.Stream == nil || row.Seq == nil {
		return Record{}, errors.New("no place in a stream")
	}
	r.Stream, r.Seq = *row.Stream, *row.Seq
	if row.AccountID != nil {
		r.AccountID = string(*row.AccountID)
	}
	var err error
	r.Data, err = facts(row.Data)
	return r, err
}

// facts reads an object of texts. A name that occurs twice is refused: readers would differ on what it says.
func facts(in []byte) (map[string]string, error) {
	d := json.NewDecoder(bytes.NewReader(in))
	token := func() json.Token {
		t, err := d.Token()
		if err != nil {
			return nil
		}
		return t
	}
	if token() != json.Delim('{') {
		return nil, errors.New("data is no object")
	}
	out := make(map[string]string)
	for d.More() {
		key, isKey := token().(string)
		value, isText := token().(string)
		if !isKey || !isText {
			return nil, errors.New("data holds what is no text")
		}
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("data names %q twice", key)
		}
		out[key] = value
	}
	if token() != json.Delim('}') || d.More() {
		return nil, errors.New("data is no object")
	}
	return out, nil
}
