package seal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	"github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

// A rotation has three steps, and every server must have loaded the keyset of
// one before the next is taken: Prepare adds keys that nothing uses yet,
// Promote seals with them, and Prune drops what came before the former ones
// once nothing is sealed under them. Each returns the keyset wrapped by the
// first master key.

// errNoNext means that Promote was called without Prepare.
var errNoNext = errors.New("the keyset holds no key that waits to be used")

// prefixSize is how many bytes of a sealed value name its key: a version and
// the key's id.
const prefixSize = 5

// Prepare adds a new key to both keysets, for every server to learn of.
func (b *Box) Prepare(wrappedKeyset []byte) ([]byte, error) {
	return b.change(wrappedKeyset, func(m *keyset.Manager, _ *keyset.Handle, t *tink_go_proto.KeyTemplate) error {
		_, err := m.Add(t)
		return err
	})
}

// Promote makes the newest keys those that seal and authenticate.
func (b *Box) Promote(wrappedKeyset []byte) ([]byte, error) {
	return b.change(wrappedKeyset, func(m *keyset.Manager, h *keyset.Handle, _ *tink_go_proto.KeyTemplate) error {
		newest, err := h.Entry(h.Len() - 1)
		if err != nil {
			return err
		}
		if newest.IsPrimary() {
			return errNoNext
		}
		return m.SetPrimary(newest.KeyID())
	})
}

// Prune drops every key but the one in use and the one before it. That one
// stays until the next rotation: a value written late by a server that missed
// the last one still opens, and codes on their way are still right.
func (b *Box) Prune(wrappedKeyset []byte) ([]byte, error) {
	return b.change(wrappedKeyset, func(m *keyset.Manager, h *keyset.Handle, _ *tink_go_proto.KeyTemplate) error {
		for i := range h.Len() - 2 {
			old, err := h.Entry(i)
			if err != nil {
				return err
			}
			if err := m.Delete(old.KeyID()); err != nil {
				return err
			}
		}
		return nil
	})
}

// change does the same to both keysets.
func (b *Box) change(wrappedKeyset []byte, f func(*keyset.Manager, *keyset.Handle, *tink_go_proto.KeyTemplate) error) ([]byte, error) {
	now, err := b.unwrap(wrappedKeyset)
	if err != nil {
		return nil, err
	}
	next := now.handles
	for _, one := range []struct {
		handle   **keyset.Handle
		template *tink_go_proto.KeyTemplate
	}{{&next.aead, aead.AES256GCMKeyTemplate()}, {&next.mac, mac.HMACSHA256Tag256KeyTemplate()}} {
		m := keyset.NewManagerFromHandle(*one.handle)
		if err := f(m, *one.handle, one.template); err != nil {
			return nil, fmt.Errorf("change keyset: %w", err)
		}
		if *one.handle, err = m.Handle(); err != nil {
			return nil, fmt.Errorf("change keyset: %w", err)
		}
	}
	return wrap(b.masters[0], next)
}

// Prefix is what every value begins with that is sealed under the key in use.
func (b *Box) Prefix() []byte {
	primary, err := b.current.Load().handles.aead.Primary()
	if err != nil {
		return nil // a keyset without a primary key was refused by Load
	}
	return binary.BigEndian.AppendUint32([]byte{1}, primary.KeyID())
}

// Current reports whether a sealed value is under the key in use.
func (b *Box) Current(sealed []byte) bool {
	return len(sealed) > prefixSize && bytes.Equal(sealed[:prefixSize], b.Prefix())
}

// ByFormer reports whether a former master key wraps the keyset as it was
// loaded last: then that key is still needed.
func (b *Box) ByFormer() bool { return b.current.Load().former }
