package client

import (
	"bytes"
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
)

const (
	// MaxJWKS is how many bytes an inline key set has, and MaxKeys how many keys.
	MaxJWKS, MaxKeys = 16 << 10, 20
	// minRSA and maxRSA bound the moduli of RSA keys, in bits; verifying with a larger one takes long.
	minRSA, maxRSA = 2048, 8192
	// useEncryption is the use of keys that nothing is verified with: those are passed over.
	useEncryption = "enc"
	// maxKeyID is how many bytes the identifier of a key has.
	maxKeyID = 256
)

// JWK is one public key of a set (RFC 7517 section 4), with the members that verifying needs.
type JWK struct {
	Type      string   `json:"kty"`
	ID        string   `json:"kid,omitempty"`
	Use       string   `json:"use,omitempty"`
	Algorithm string   `json:"alg,omitempty"`
	Ops       []string `json:"key_ops,omitempty"`
	Curve     string   `json:"crv,omitempty"`
	X         string   `json:"x,omitempty"`
	Y         string   `json:"y,omitempty"`
	N         string   `json:"n,omitempty"`
	E         string   `json:"e,omitempty"`
}

// A keyError says what is wrong with a key set, as a [Problem] has it.
type keyError struct{ Problem }

func (e *keyError) Error() string { return memberJWKS + " " + e.Text }

// wrongKeys has no value of the key set in its text; which key it is, is enough.
func wrongKeys(reason, text string, args ...any) error {
	return &keyError{Problem{Member: memberJWKS, Reason: reason, Text: text, Rule: text, Args: args}}
}

// problemOf is what an error of ParseJWKS says.
func problemOf(err error) Problem {
	if e, ok := errors.AsType[*keyError](err); ok {
		return e.Problem
	}
	return Problem{Member: memberJWKS, Reason: "jwks_form", Text: "is no key set", Rule: "is no key set"}
}

// ParseJWKS reads an inline key set: public keys alone, of the types that signatures are verified with. What verifying does not need is
// passed over: keys for encryption, and members like certificates. A key with a private part is refused: whoever sent it has given it away.
func ParseJWKS(raw json.RawMessage) ([]JWK, error) {
	if len(raw) > MaxJWKS {
		return nil, wrongKeys("jwks_size", fmt.Sprintf("must be %d bytes at most", MaxJWKS), "max", MaxJWKS>>10)
	}
	var set struct {
		Keys []map[string]json.RawMessage `json:"keys"`
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(&set); err != nil {
		return nil, wrongKeys("jwks_form", "is no key set: an object with the keys in \"keys\" (RFC 7517 section 5)")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, wrongKeys("jwks_form", "is more than one document")
	}
	switch {
	case len(set.Keys) == 0:
		return nil, wrongKeys("jwks_form", "has no keys")
	case len(set.Keys) > MaxKeys:
		return nil, wrongKeys("jwks_many", fmt.Sprintf("must have %d keys at most", MaxKeys), "max", MaxKeys)
	}
	var keys []JWK
	for i, members := range set.Keys {
		var k JWK
		if err := k.read(members, i+1); err != nil {
			return nil, err
		}
		if k.Use != useEncryption {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, wrongKeys("jwks_form", "has no keys for signatures")
	}
	for i, k := range keys {
		if k.ID != "" && slices.ContainsFunc(keys[:i], func(other JWK) bool { return other.ID == k.ID }) {
			return nil, wrongKeys("jwks_twice", "has two keys with one kid", "kid", short(k.ID))
		}
	}
	return keys, nil
}

// privateMembers are those of private and symmetric keys (RFC 7518 section 6).
func privateMembers() []string { return []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} }

// read takes the members of the nth key.
func (k *JWK) read(members map[string]json.RawMessage, n int) error {
	for _, name := range privateMembers() {
		if members[name] != nil {
			return wrongKeys("jwks_private", fmt.Sprintf("key %d has the member %q of a secret key: send public keys alone, and replace this one", n, name), "n", n)
		}
	}
	bad := func(text string) error { return wrongKeys("jwks_key", fmt.Sprintf("key %d %s", n, text), "n", n) }
	for name, into := range map[string]any{
		"kty": &k.Type, "kid": &k.ID, "use": &k.Use, "alg": &k.Algorithm, "key_ops": &k.Ops, "crv": &k.Curve, "x": &k.X, "y": &k.Y, "n": &k.N, "e": &k.E,
	} {
		if raw := members[name]; raw != nil && json.Unmarshal(raw, into) != nil {
			return bad(fmt.Sprintf("has a member %q of another type", name))
		}
	}
	switch {
	case len(k.ID) > maxKeyID || strings.ContainsFunc(k.ID, outsideKeyID):
		return bad(fmt.Sprintf("has a kid of more than %d bytes, or with more than visible ASCII characters other than \" \\ < > &", maxKeyID))
	case k.Use == useEncryption:
		return nil
	case k.Use != "" && k.Use != "sig":
		return bad(`has a "use" other than sig and enc`)
	case k.Ops != nil && !slices.Contains(k.Ops, "verify"):
		return bad(`is not for signatures: "key_ops" must have verify`)
	case k.Algorithm != "" && !slices.Contains(k.algs(), k.Algorithm):
		return bad(fmt.Sprintf("has an \"alg\" that is not one of its type, or none of %s", strings.Join(AssertionAlgs(), ", ")))
	}
	k.Ops = onlyVerify(k.Ops)
	if text := k.wrong(); text != "" {
		return bad(text)
	}
	return nil
}

// onlyVerify keeps what we use of key_ops.
func onlyVerify(ops []string) []string {
	if ops == nil {
		return nil
	}
	return []string{"verify"}
}

// outsideKeyID are the characters that no identifier of a key has: those that JSON spells in more than one way, and every other that
// would make a set longer when it is written again.
func outsideKeyID(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"\\<>&", r) }

// algs are the algorithms that a key can be for.
func (k *JWK) algs() []string {
	switch k.Type + " " + k.Curve {
	case "RSA ":
		return []string{"PS256", "RS256"}
	case "EC P-256":
		return []string{"ES256"}
	case "EC P-384":
		return []string{"ES384"}
	case "OKP Ed25519":
		return []string{"EdDSA"}
	}
	return nil
}

// wrong says what is wrong with the numbers of a key; empty for nothing. Members of other types of key are dropped.
func (k *JWK) wrong() string {
	switch k.Type {
	case "RSA":
		k.Curve, k.X, k.Y = "", "", ""
		return k.wrongRSA()
	case "EC":
		k.N, k.E = "", ""
		return k.wrongEC()
	case "OKP":
		k.N, k.E, k.Y = "", "", ""
		const long = 32
		if x, ok := number(k.X); k.Curve != "Ed25519" || !ok || len(x) != long {
			return `must be on the curve Ed25519, with 32 bytes in "x"`
		}
		return ""
	}
	return "must be of the type RSA, EC or OKP"
}

func (k *JWK) wrongRSA() string {
	n, okN := number(k.N)
	e, okE := number(k.E)
	const longest = 4
	if !okN || !okE || len(e) > longest {
		return `must have "n" and "e", and nothing but base64url in them`
	}
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)
	if bits := modulus.BitLen(); bits < minRSA || bits > maxRSA {
		return fmt.Sprintf("has %d bits, must have %d to %d", bits, minRSA, maxRSA)
	}
	if exponent.Bit(0) == 0 || exponent.BitLen() < 2 || modulus.Bit(0) == 0 {
		return "is no RSA key"
	}
	if Factorable(modulus) {
		return "can be factored (CVE-2017-15361): replace it"
	}
	return ""
}

// Factorable reports whether a modulus is of the form that a widespread chip made, whose factors can be computed (CVE-2017-15361): then
// it is a power of 65537 modulo every small prime, which another modulus is by a chance of one in a hundred million.
func Factorable(n *big.Int) bool {
	for _, p := range []int64{
		3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149,
		151, 157, 163, 167,
	} {
		rest := new(big.Int).Mod(n, big.NewInt(p)).Int64()
		power, found := int64(1), false
		for range p {
			if power == rest {
				found = true
				break
			}
			power = power * 65537 % p
		}
		if !found {
			return false
		}
	}
	return true
}

// onCurve reports whether two coordinates are those of a point of a curve, which the standard library checks when it reads one.
func onCurve(curve ecdh.Curve, x, y []byte) bool {
	const uncompressed = 4
	_, err := curve.NewPublicKey(slices.Concat([]byte{uncompressed}, x, y))
	return err == nil
}

func (k *JWK) wrongEC() string {
	sizes := map[string]int{"P-256": 32, "P-384": 48} // of a coordinate, in bytes
	curve := map[string]ecdh.Curve{"P-256": ecdh.P256(), "P-384": ecdh.P384()}[k.Curve]
	if curve == nil {
		return "must be on the curve P-256 or P-384"
	}
	x, okX := number(k.X)
	y, okY := number(k.Y)
	if !okX || !okY || len(x) != sizes[k.Curve] || len(y) != sizes[k.Curve] || !onCurve(curve, x, y) {
		return "is no point of its curve"
	}
	return ""
}

// number reads a base64url number (RFC 7518 section 2); ok is false for none, and for what is spelled in another way than we would.
func number(text string) (value []byte, ok bool) {
	value, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return value, err == nil && len(value) > 0 && base64.RawURLEncoding.EncodeToString(value) == text
}

// normalJWKS is a key set in one form: nil for none, and as it is if it is no key set.
func normalJWKS(raw json.RawMessage) json.RawMessage {
	if trimmed := string(bytes.TrimSpace(raw)); trimmed == "" || trimmed == "null" || trimmed == "{}" {
		return nil
	}
	keys, err := ParseJWKS(raw)
	if err != nil {
		return raw
	}
	out, err := json.Marshal(map[string][]JWK{"keys": keys})
	if err != nil {
		panic(err) // strings only: cannot fail
	}
	return out
}

// KeyIDs name the keys of an inline set, for people and the log; a key without one by its type.
func (s Settings) KeyIDs() []string {
	keys, err := ParseJWKS(s.JWKS)
	if err != nil {
		return nil
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.ID
		if k.ID == "" {
			names[i] = fmt.Sprintf("(%s %d)", k.Type, i+1)
		}
	}
	return names
}
