package store

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestAdapterValues takes every supported Go type through binding and scanning.
func TestAdapterValues(t *testing.T) {
	moment := time.Date(2026, 3, 4, 5, 6, 7, 891234567, time.FixedZone("JST", 9*60*60))
	account := AccountID("a")
	var none *AccountID
	for _, c := range []struct{ arg, bound, back any }{
		{"x", "x", "x"},
		{account, "a", account},
		{&account, "a", &account},
		{none, nil, none},
		{int64(-5), int64(-5), int64(-5)},
		{int32(7), int64(7), int32(7)},
		{int16(7), int64(7), int16(7)},
		{true, int64(1), true},
		{false, int64(0), false},
		{2.5, 2.5, 2.5},
		{moment, moment.UnixMicro(), moment.Truncate(time.Microsecond).UTC()},
		{&moment, moment.UnixMicro(), new(moment.Truncate(time.Microsecond).UTC())},
		{(*time.Time)(nil), nil, (*time.Time)(nil)},
		{[]byte{}, []byte{}, []byte{}},
		{[]byte(nil), nil, []byte(nil)},
		{[]byte{0, 255}, []byte{0, 255}, []byte{0, 255}},
		{json.RawMessage(`{"a":1}`), `{"a":1}`, json.RawMessage(`{"a":1}`)},
		{json.RawMessage(nil), nil, json.RawMessage(nil)},
		{[]string{"a", "い"}, `["a","い"]`, []string{"a", "い"}},
		{[]AccountID{"a"}, `["a"]`, []AccountID{"a"}},
	} {
		bound, err := sqliteValue(c.arg)
		if err != nil {
			t.Errorf("bind %T: %v", c.arg, err)
			continue
		}
		if diff := cmp.Diff(c.bound, bound); diff != "" {
			t.Errorf("bind %T: %s", c.arg, diff)
		}
		dest := reflect.New(reflect.TypeOf(c.back))
		if err := assign(dest.Interface(), bound); err != nil {
			t.Errorf("scan %T: %v", c.back, err)
			continue
		}
		if diff := cmp.Diff(c.back, dest.Elem().Interface()); diff != "" {
			t.Errorf("scan %T: %s", c.back, diff)
		}
	}
}

func TestAdapterRefusesOtherTypes(t *testing.T) {
	type point struct{ X int }
	for _, arg := range []any{point{}, &point{}, map[string]string{}, []int{1}, uint64(1), time.Second, struct{}{}, make(chan int)} {
		if v, err := sqliteValue(arg); err == nil {
			t.Errorf("bound %T as %v", arg, v)
		}
	}
	for _, c := range []struct{ dest, value any }{
		{new(string), nil},
		{new(string), int64(1)},
		{new(bool), int64(2)},
		{new(bool), nil},
		{new(int32), int64(1) << 40},
		{new(int64), "1"},
		{new(time.Time), "2026-01-01"},
		{new(time.Time), nil},
		{new([]byte), "text"},
		{new(json.RawMessage), []byte("{}")},
		{new(any), int64(1)},
		{new(point), int64(1)},
		{"not a pointer", int64(1)},
		{new([]string), "no JSON"},
	} {
		if err := assign(c.dest, c.value); err == nil {
			t.Errorf("stored %T in %T", c.value, c.dest)
		}
	}
}

func TestSQLiteText(t *testing.T) {
	got := sqliteText("CAST($1 AS bytea), CAST(x AS timestamptz), CAST($2 AS jsonb), cast($3 as uuid), CAST($4 AS text) AS text")
	want := "CAST($1 AS BLOB), CAST(x AS INTEGER), CAST($2 AS TEXT), cast($3 AS TEXT), CAST($4 AS text) AS text"
	if got != want {
		t.Errorf("got %s", got)
	}
}
