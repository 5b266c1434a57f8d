package audit_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/audit"
)

// sample has every field filled, each with something else.
func sample() audit.Record {
	return audit.Record{
		Stream: "01900000-0000-7000-8000-000000000001", Seq: 7, Prev: bytes.Repeat([]byte{0xab}, 32), ID: "01900000-0000-7000-8000-000000000002",
		At: time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC), Type: "2fa.reset", Result: "success", Reason: "機種変更", ActorKind: "operator",
		ActorID: "01900000-0000-7000-8000-000000000003", ActorName: "support", AccountID: "01900000-0000-7000-8000-000000000001",
		Target: "tanaka", ClientID: "store", ClientAddress: "192.0.2.7", UserAgent: "Mozilla/5.0", RequestID: "r1",
		Data: map[string]string{"method": "email", "all": ""},
	}
}

// TestRecordVectors pins the encoding: the hashes of every log in use rest on it.
func TestRecordVectors(t *testing.T) {
	least := audit.Record{At: time.UnixMicro(0)}
	for want, r := range map[string]audit.Record{
		"3170b5b8082fc205437ef21b7a4bd10e07906e009c081b16ae285bc4e967006b": sample(),
		"641efed36eb224f16fe464240a6e5d909cc95b9c70f956cf64b6eaba83c4fe38": least,
	} {
		if got := hex.EncodeToString(r.Hash()); got != want {
			t.Errorf("hash of %+v is %s, want %s", r, got, want)
		}
	}
	const head = "futakagi/audit/v1\n"
	want := head + strings.Repeat("\x00", 8*(17+1))
	if got := string(least.Encode()); got != want {
		t.Errorf("the empty record is %q, want %q", got, want)
	}
}

// TestRecordChangesWithEveryField guards that nothing in a row can change and its hash stay.
func TestRecordChangesWithEveryField(t *testing.T) {
	seen := map[string]string{string(sample().Hash()): "nothing"}
	note := func(what string, r audit.Record) {
		if before, ok := seen[string(r.Hash())]; ok {
			t.Errorf("a change of %s has the hash of a change of %s", what, before)
		}
		seen[string(r.Hash())] = what
	}
	for field := range reflect.TypeFor[audit.Record]().Fields() {
		r := sample()
		v := reflect.ValueOf(&r).Elem().FieldByIndex(field.Index)
		switch x := v.Interface().(type) {
		case string:
			v.SetString(x + "x")
			note(field.Name+" longer", r)
			v.SetString("")
		case int64:
			v.SetInt(x + 1)
		case []byte:
			v.SetBytes(x[1:])
		case time.Time:
			v.Set(reflect.ValueOf(x.Add(time.Microsecond)))
		case map[string]string:
			v.Set(reflect.ValueOf(map[string]string{"method": "email"}))
		default:
			t.Fatalf("a field of the type %v", field.Type)
		}
		note(field.Name, r)
	}
	for _, data := range []map[string]string{{"method": "", "all": "email"}, {"method": "email", "al": "l"}, {"methodemail": "", "all": ""}} {
		r := sample()
		r.Data = data
		note("the facts", r)
	}
	r := sample()
	r.ActorID, r.ActorName = r.ActorID+"s", "upport" // the border between two fields
	note("a border", r)
}

func FuzzRecordFields(f *testing.F) {
	f.Add("stream", int64(3), []byte("prev"), "id", int64(5), "a", "b", "k", "v", "l", "w")
	f.Add("", int64(-1), []byte{}, "", int64(-1<<63), "", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, stream string, seq int64, prev []byte, id string, at int64, a, b, k, v, l, w string) {
		r := audit.Record{
			Stream: stream, Seq: seq, Prev: prev, ID: id, At: time.UnixMicro(at).UTC(), Type: a, Result: b, Reason: a + b, ActorKind: b + a, ActorID: k,
			ActorName: v, AccountID: id, Target: l, ClientID: w, ClientAddress: a, UserAgent: b, RequestID: k, Data: map[string]string{k: v, l: w},
		}
		if r.At.UnixMicro() != at {
			t.Skip("no time")
		}
		got, err := audit.Decode(r.Encode())
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%+v came back as %+v, %v", r, got, err)
		}
	})
}

// FuzzRecordDecode guards that nothing but the one encoding of a record is read as it: two different encodings are two different records.
func FuzzRecordDecode(f *testing.F) {
	f.Add(sample().Encode())
	f.Add(audit.Record{At: time.UnixMicro(0)}.Encode())
	twice := audit.Record{At: time.UnixMicro(0)}.Encode()
	binary.BigEndian.PutUint64(twice[len(twice)-8:], 2)
	f.Add(append(twice, make([]byte, 32)...)) // the same fact twice
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := audit.Decode(in)
		if err == nil && !bytes.Equal(r.Encode(), in) {
			t.Errorf("%q was read as %+v, which is spelled %q", in, r, r.Encode())
		}
	})
}
