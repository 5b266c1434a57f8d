package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/internal/seal"
)

func newBox(t *testing.T) *seal.Box {
	t.Helper()
	master, _ := seal.NewMasterKey()
	w, err := seal.Generate(master)
	if err != nil {
		t.Fatal(err)
	}
	b, err := seal.New(master, w)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestI28_SealedValueOpensOnlyAtItsPlace(t *testing.T) {
	b := newBox(t)
	at := seal.Place{Table: "factors", Row: "f1", Account: "a1"}
	plain := []byte("tanaka@example.com")
	sealed, err := b.Seal(plain, at)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, plain) {
		t.Fatal("ciphertext contains the plaintext")
	}
	got, err := b.Open(sealed, at)
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("Open = %q, %v", got, err)
	}
	for _, p := range []seal.Place{
		{Table: "challenges", Row: "f1", Account: "a1"},
		{Table: "factors", Row: "f2", Account: "a1"},
		{Table: "factors", Row: "f1", Account: "a2"},
		{Table: "factors", Row: "f1"},
		{Table: "factors", Row: "f1a", Account: "1"},
		{Table: "factorsf1", Row: "", Account: "a1"},
		{},
	} {
		if _, err := b.Open(sealed, p); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("Open at %+v: err = %v, want ErrOpen", p, err)
		}
	}
}

func TestI28_TruncatedOrAlteredCiphertextFailsClosed(t *testing.T) {
	b := newBox(t)
	at := seal.Place{Table: "factors", Row: "f1", Account: "a1"}
	sealed, err := b.Seal([]byte("secret"), at)
	if err != nil {
		t.Fatal(err)
	}
	for n := range sealed {
		if _, err := b.Open(sealed[:n], at); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("truncated to %d bytes: err = %v, want ErrOpen", n, err)
		}
		bad := bytes.Clone(sealed)
		bad[n] ^= 1
		if _, err := b.Open(bad, at); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("bit flipped at %d: err = %v, want ErrOpen", n, err)
		}
	}
	if _, err := b.Open(append(bytes.Clone(sealed), 0), at); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("extended: err = %v, want ErrOpen", err)
	}
	if _, err := newBox(t).Open(sealed, at); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("other keyset: err = %v, want ErrOpen", err)
	}
}

func TestSealIsRandomised(t *testing.T) {
	b := newBox(t)
	one, _ := b.Seal([]byte("same"), seal.Place{Table: "t"})
	two, _ := b.Seal([]byte("same"), seal.Place{Table: "t"})
	if bytes.Equal(one, two) {
		t.Error("two seals of one value are equal")
	}
}

func TestWrongMasterKey(t *testing.T) {
	master, _ := seal.NewMasterKey()
	other, _ := seal.NewMasterKey()
	w, err := seal.Generate(master)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.New(other, w); !errors.Is(err, seal.ErrWrongMasterKey) {
		t.Errorf("err = %v, want ErrWrongMasterKey", err)
	}
	if _, err := seal.New(master[:16], w); err == nil || errors.Is(err, seal.ErrWrongMasterKey) {
		t.Errorf("16-byte key: err = %v, want a length error", err)
	}

	var parts map[string]json.RawMessage
	if err := json.Unmarshal(w, &parts); err != nil {
		t.Fatal(err)
	}
	parts["aead"], parts["mac"] = parts["mac"], parts["aead"]
	swapped, err := json.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.New(master, swapped); !errors.Is(err, seal.ErrWrongMasterKey) {
		t.Errorf("swapped keysets: err = %v, want ErrWrongMasterKey", err)
	}
	for _, bad := range []string{"", "{}", `{"version":2}`, "nonsense"} {
		if _, err := seal.New(master, []byte(bad)); err == nil {
			t.Errorf("wrapped keyset %q accepted", bad)
		}
	}
}

func TestMAC(t *testing.T) {
	b := newBox(t)
	sum := b.MAC("email-code", "challenge", "123456")
	if !b.CheckMAC(sum, "email-code", "challenge", "123456") {
		t.Fatal("own MAC refused")
	}
	for name, ok := range map[string]bool{
		"other code":      b.CheckMAC(sum, "email-code", "challenge", "123457"),
		"other purpose":   b.CheckMAC(sum, "sms-code", "challenge", "123456"),
		"moved boundary":  b.CheckMAC(sum, "email-code", "challenge1", "23456"),
		"joined":          b.CheckMAC(sum, "email-code", "challenge123456"),
		"extra part":      b.CheckMAC(sum, "email-code", "challenge", "123456", ""),
		"purpose in data": b.CheckMAC(sum, "", "email-code", "challenge", "123456"),
		"empty":           b.CheckMAC(nil, "email-code", "challenge", "123456"),
		"truncated":       b.CheckMAC(sum[:len(sum)-1], "email-code", "challenge", "123456"),
		"other keyset":    newBox(t).CheckMAC(sum, "email-code", "challenge", "123456"),
	} {
		if ok {
			t.Errorf("%s: MAC accepted", name)
		}
	}
}

func TestParseMasterKey(t *testing.T) {
	key, text := seal.NewMasterKey()
	for _, s := range []string{
		text,
		text + "\n",
		"  " + text + "\r\n",
		strings.TrimRight(text, "="),
		base64.URLEncoding.EncodeToString(key),
		base64.RawURLEncoding.EncodeToString(key),
	} {
		got, err := seal.ParseMasterKey(s)
		if err != nil || !bytes.Equal(got, key) {
			t.Errorf("ParseMasterKey(%q) = %x, %v", s, got, err)
		}
	}
	for name, s := range map[string]string{
		"empty":     " \n",
		"hex":       strings.Repeat("g!", 32),
		"too short": base64.StdEncoding.EncodeToString(key[:16]),
		"too long":  base64.StdEncoding.EncodeToString(append(key, 1)),
		"zero":      base64.StdEncoding.EncodeToString(make([]byte, 32)),
		"two lines": text[:20] + "\n" + text[20:40] + " x",
	} {
		_, err := seal.ParseMasterKey(s)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if t2 := strings.TrimSpace(s); t2 != "" && strings.Contains(err.Error(), t2) {
			t.Errorf("%s: error repeats the key text: %v", name, err)
		}
	}
}

func FuzzParseMasterKey(f *testing.F) {
	_, text := seal.NewMasterKey()
	f.Add(text)
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if key, err := seal.ParseMasterKey(s); err == nil && len(key) != seal.MasterKeySize {
			t.Errorf("accepted a key of %d bytes", len(key))
		}
	})
}
