package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/futakagi/futakagi/internal/seal"
)

// I28: at every step of a rotation servers that are one step apart understand each other.
func TestI28_RotationInSteps(t *testing.T) {
	former, _ := seal.NewMasterKey()
	master, _ := seal.NewMasterKey()
	wrapped, err := seal.Generate(former)
	if err != nil {
		t.Fatal(err)
	}
	ahead, err := seal.New(master, wrapped, former)
	if err != nil || !ahead.ByFormer() {
		t.Fatal(err)
	}
	behind, err := seal.New(master, wrapped, former)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ahead.Promote(wrapped); err == nil {
		t.Error("promoted a key that was never prepared")
	}
	at := seal.Place{Table: "factors", Row: "f"}
	first, err := behind.Seal([]byte("seed"), at)
	if err != nil {
		t.Fatal(err)
	}
	mac := behind.MAC("code", "1")
	for i, step := range []func([]byte) ([]byte, error){ahead.Prepare, ahead.Promote, ahead.Prune, ahead.Prepare, ahead.Promote, ahead.Prune} {
		next, err := step(wrapped)
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if err := behind.Load(wrapped); err != nil {
			t.Fatal(err)
		}
		if err := ahead.Load(next); err != nil || ahead.ByFormer() {
			t.Fatalf("step %d: %v", i, err)
		}
		for name, pair := range map[string][2]*seal.Box{"ahead": {ahead, behind}, "behind": {behind, ahead}} {
			sealed, err := pair[0].Seal([]byte("seed"), at)
			if err != nil || !pair[0].Current(sealed) {
				t.Fatalf("step %d, %s: %v", i, name, err)
			}
			if got, err := pair[1].Open(sealed, at); err != nil || !bytes.Equal(got, []byte("seed")) {
				t.Errorf("step %d: what the server %s sealed: %v", i, name, err)
			}
			if !pair[1].CheckMAC(pair[0].MAC("code", "2"), "code", "2") {
				t.Errorf("step %d: the code of the server %s", i, name)
			}
		}
		_, err = ahead.Open(first, at)
		if last := i == 5; last != errors.Is(err, seal.ErrOpen) || last == ahead.CheckMAC(mac, "code", "1") {
			t.Errorf("step %d: what was sealed before: %v", i, err)
		}
		wrapped = next
	}
	if _, err := seal.New(former, wrapped); !errors.Is(err, seal.ErrWrongMasterKey) {
		t.Errorf("the former master key: %v", err)
	}
	if err := ahead.Load([]byte("nonsense")); err == nil {
		t.Error("loaded nonsense")
	}
	if _, err := ahead.Seal(nil, at); err != nil {
		t.Errorf("a failed load leaves nothing in use: %v", err)
	}
}

func TestParseMasterKeys(t *testing.T) {
	one, a := seal.NewMasterKey()
	two, b := seal.NewMasterKey()
	for _, text := range []string{a + "\n" + b + "\n", a + "," + b, " " + a + " ,\r\n" + b} {
		if got, err := seal.ParseMasterKeys(text); err != nil || len(got) != 2 || !bytes.Equal(got[0], one) || !bytes.Equal(got[1], two) {
			t.Errorf("%q: %x, %v", text, got, err)
		}
	}
	if got, err := seal.ParseMasterKeys(" \n"); err != nil || len(got) != 0 {
		t.Errorf("nothing: %x, %v", got, err)
	}
	if _, err := seal.ParseMasterKeys(a + " x"); err == nil {
		t.Error("half a list was accepted")
	}
}
