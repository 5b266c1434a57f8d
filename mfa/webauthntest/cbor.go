package webauthntest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"

	"github.com/fxamacker/cbor/v2"
)

// encoding is the canonical form that authenticators write.
var encoding = func() cbor.EncMode {
	mode, err := cbor.CTAP2EncOptions().EncMode()
	if err != nil {
		panic(err) // the options are the library's own
	}
	return mode
}()

// Encode writes CBOR. It panics for what has no CBOR.
func Encode(v any) []byte {
	b, err := encoding.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("webauthntest: encode %T: %v", v, err))
	}
	return b
}

// EncodeKey writes a COSE_Key that names an algorithm, whether or not it fits the key.
func EncodeKey(alg Algorithm, key crypto.PublicKey) []byte {
	return Encode(KeyParameters(alg, key))
}

// KeyParameters are what EncodeKey writes, to be changed before Encode.
func KeyParameters(alg Algorithm, key crypto.PublicKey) map[int]any {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			panic(fmt.Sprintf("webauthntest: encode point: %v", err))
		}
		// An uncompressed point: 4, then both coordinates.
		size := (len(point) - 1) / 2
		curve := map[int]int{32: 1, 48: 2, 66: 3}[size]
		return map[int]any{1: 2, 3: int(alg), -1: curve, -2: point[1 : 1+size], -3: point[1+size:]}
	case ed25519.PublicKey:
		return map[int]any{1: 1, 3: int(alg), -1: 6, -2: []byte(k)}
	case *rsa.PublicKey:
		return map[int]any{1: 3, 3: int(alg), -1: k.N.Bytes(), -2: big.NewInt(int64(k.E)).Bytes()}
	default:
		panic(fmt.Sprintf("webauthntest: no COSE for %T", key))
	}
}

// Bytes are the authenticator data as it is signed.
func (d Data) Bytes() []byte {
	b := append(slices.Clone(d.RPIDHash), d.Flags)
	b = binary.BigEndian.AppendUint32(b, d.Count)
	if d.Key != nil {
		b = append(b, d.AAGUID[:]...)
		b = binary.BigEndian.AppendUint16(b, uint16(len(d.ID)))
		b = append(append(b, d.ID...), d.Key...)
	}
	return append(b, d.Extensions...)
}
