package seal

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	"github.com/tink-crypto/tink-go/v2/tink"
)

var (
	// ErrWrongMasterKey means the wrapped keyset was not made with this master
	// key, or was altered. Nothing can be opened until the right key is given.
	ErrWrongMasterKey = errors.New("the master key does not open the stored keyset: it belongs to another database, or the keyset was altered")

	// ErrOpen means a ciphertext was truncated, altered, moved to another row,
	// or sealed under keys that are no longer in the keyset.
	ErrOpen = errors.New("sealed value does not open at this place")
)

// wrappedVersion is the layout of the wrapped keyset, so that a later layout
// is recognised instead of misread.
const wrappedVersion = 1

// The associated data ties each wrapped keyset to its use: an AEAD keyset put
// where the MAC keyset belongs does not unwrap.
const (
	aeadKeysetAD = "futakagi/keyset/aead/v1"
	macKeysetAD  = "futakagi/keyset/mac/v1"
)

// wrapped is what is stored. Both members are keysets encrypted by the master key.
type wrapped struct {
	Version int    `json:"version"`
	AEAD    []byte `json:"aead"`
	MAC     []byte `json:"mac"`
}

// Place says where a sealed value is stored. A ciphertext opens only at the
// place it was sealed for, so copying one row's secret over another's, or over
// another account's, fails closed.
type Place struct {
	// Table is the table and, where a table holds several sealed columns, the
	// column: "factors", "clients.jwks".
	Table string
	// Row is the row's id.
	Row string
	// Account is the owning account's id; empty for rows without an owner.
	Account string
}

func (p Place) associatedData() []byte {
	return frame("futakagi/seal/v1", p.Table, p.Row, p.Account)
}

// Box seals, opens and authenticates under one unwrapped keyset, which Load
// replaces by a later one of the same database. It is safe for concurrent use.
type Box struct {
	// masters wrap keysets: the first one does, the others did.
	masters []tink.AEAD
	current atomic.Pointer[unwrapped]
}

// unwrapped is a keyset in use.
type unwrapped struct {
	handles handles
	aead    tink.AEAD
	mac     tink.MAC
	// former says that a former master key wraps the keyset as it is stored.
	former bool
}

// handles are the two keysets of a wrapped one.
type handles struct{ aead, mac *keyset.Handle }

// Generate makes a fresh keyset and returns it wrapped by master, ready to be
// stored. It is called once in the life of a database.
func Generate(master []byte) ([]byte, error) {
	kek, err := newKEK(master)
	if err != nil {
		return nil, err
	}
	var h handles
	if h.aead, err = keyset.NewHandle(aead.AES256GCMKeyTemplate()); err != nil {
		return nil, fmt.Errorf("generate encryption keyset: %w", err)
	}
	if h.mac, err = keyset.NewHandle(mac.HMACSHA256Tag256KeyTemplate()); err != nil {
		return nil, fmt.Errorf("generate authentication keyset: %w", err)
	}
	return wrap(kek, h)
}

// New unwraps a keyset made by Generate. It returns ErrWrongMasterKey when
// master is not the key the keyset was wrapped with, nor any of the former ones is.
func New(master, wrappedKeyset []byte, former ...[]byte) (*Box, error) {
	b := &Box{}
	for _, key := range append([][]byte{master}, former...) {
		kek, err := newKEK(key)
		if err != nil {
			return nil, err
		}
		b.masters = append(b.masters, kek)
	}
	return b, b.Load(wrappedKeyset)
}

// Load puts the keyset in use as it is stored now. If it fails, the one before stays in use.
func (b *Box) Load(wrappedKeyset []byte) error {
	next, err := b.unwrap(wrappedKeyset)
	if err != nil {
		return err
	}
	if next.aead, err = aead.New(next.handles.aead); err != nil {
		return fmt.Errorf("use encryption keyset: %w", err)
	}
	if next.mac, err = mac.New(next.handles.mac); err != nil {
		return fmt.Errorf("use authentication keyset: %w", err)
	}
	// Computing a MAC can only fail through an unusable key; trying it here
	// means MAC needs no error at each of its callers.
	if _, err := next.mac.ComputeMAC(nil); err != nil {
		return fmt.Errorf("use authentication keyset: %w", err)
	}
	b.current.Store(next)
	return nil
}

// unwrap opens a wrapped keyset with the first master key that fits.
func (b *Box) unwrap(wrappedKeyset []byte) (*unwrapped, error) {
	var w wrapped
	if err := json.Unmarshal(wrappedKeyset, &w); err != nil {
		return nil, fmt.Errorf("decode wrapped keyset: %w", err)
	}
	if w.Version != wrappedVersion {
		return nil, fmt.Errorf("wrapped keyset has version %d, this program reads version %d", w.Version, wrappedVersion)
	}
	for i, kek := range b.masters {
		h, err := w.open(kek)
		if err == nil {
			return &unwrapped{handles: h, former: i > 0}, nil
		}
	}
	return nil, ErrWrongMasterKey
}

// Seal encrypts plain so that it opens only at the given place.
func (b *Box) Seal(plain []byte, at Place) ([]byte, error) {
	out, err := b.current.Load().aead.Encrypt(plain, at.associatedData())
	if err != nil {
		return nil, fmt.Errorf("seal value for %s: %w", at.Table, err)
	}
	return out, nil
}

// Open decrypts what Seal made for the same place, and returns ErrOpen for
// anything else.
func (b *Box) Open(sealed []byte, at Place) ([]byte, error) {
	out, err := b.current.Load().aead.Decrypt(sealed, at.associatedData())
	if err != nil {
		// The library's text adds nothing: it does not tell a wrong place from
		// an altered byte, and must not.
		return nil, fmt.Errorf("open value from %s: %w", at.Table, ErrOpen)
	}
	return out, nil
}

// MAC authenticates data for one purpose. Every part is length-prefixed, so
// ("ab","c") and ("a","bc") differ, and a MAC for one purpose is worthless for
// another. The result carries the key's id, so it stays checkable after a
// rotation; compare it only with CheckMAC, never by equality or index.
func (b *Box) MAC(purpose string, data ...string) []byte {
	out, err := b.current.Load().mac.ComputeMAC(macInput(purpose, data))
	if err != nil {
		// New has proved the key usable. A nil MAC is refused by CheckMAC, so
		// even this cannot make a code acceptable.
		return nil
	}
	return out
}

// CheckMAC reports whether sum is the MAC of data for purpose, in constant time.
func (b *Box) CheckMAC(sum []byte, purpose string, data ...string) bool {
	return len(sum) > 0 && b.current.Load().mac.VerifyMAC(sum, macInput(purpose, data)) == nil
}

func macInput(purpose string, data []string) []byte {
	return frame(append([]string{"futakagi/mac/v1", purpose}, data...)...)
}

// frame joins parts unambiguously: each is preceded by its length, and all by
// their number.
func frame(parts ...string) []byte {
	n := 8
	for _, p := range parts {
		n += 8 + len(p)
	}
	out := make([]byte, 0, n)
	out = binary.BigEndian.AppendUint64(out, uint64(len(parts)))
	for _, p := range parts {
		out = binary.BigEndian.AppendUint64(out, uint64(len(p)))
		out = append(out, p...)
	}
	return out
}

func newKEK(master []byte) (tink.AEAD, error) {
	if len(master) != MasterKeySize {
		return nil, fmt.Errorf("master key has %d bytes, want %d", len(master), MasterKeySize)
	}
	kek, err := subtle.NewAESGCM(master)
	if err != nil {
		return nil, fmt.Errorf("use master key: %w", err)
	}
	return kek, nil
}

// wrap encrypts two keysets by a master key.
func wrap(kek tink.AEAD, h handles) ([]byte, error) {
	seal := func(h *keyset.Handle, ad string) ([]byte, error) {
		var buf bytes.Buffer
		if err := h.WriteWithAssociatedData(keyset.NewBinaryWriter(&buf), kek, []byte(ad)); err != nil {
			return nil, fmt.Errorf("wrap keyset: %w", err)
		}
		return buf.Bytes(), nil
	}
	a, err := seal(h.aead, aeadKeysetAD)
	if err != nil {
		return nil, err
	}
	m, err := seal(h.mac, macKeysetAD)
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(wrapped{Version: wrappedVersion, AEAD: a, MAC: m})
	if err != nil {
		return nil, fmt.Errorf("encode wrapped keyset: %w", err)
	}
	return out, nil
}

func (w wrapped) open(kek tink.AEAD) (h handles, err error) {
	if h.aead, err = unwrapOne(kek, w.AEAD, aeadKeysetAD); err != nil {
		return h, err
	}
	h.mac, err = unwrapOne(kek, w.MAC, macKeysetAD)
	return h, err
}

func unwrapOne(kek tink.AEAD, sealed []byte, ad string) (*keyset.Handle, error) {
	h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(sealed)), kek, []byte(ad))
	if err != nil {
		return nil, ErrWrongMasterKey
	}
	return h, nil
}
