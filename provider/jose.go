package provider

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"github.com/futakagi/futakagi/client"
)

// The signature algorithms that only others use towards us (RFC 7518 section 3.1).
const (
	algPS256 = "PS256"
	algES384 = "ES384"
)

// verifiedAlgs are what clients may sign with: assertions and request objects. All are asymmetric, so that what we verify with is no
// secret, and no key of ours or theirs can be turned into one.
func verifiedAlgs() []string { return client.AssertionAlgs() }

const (
	// maxTries bounds how many keys one signature is tried with: each try costs, and whoever sends it has proved nothing yet.
	maxTries = 10
	// The sizes of RSA keys that are used. Below, they can be broken; above, each verification keeps a core busy.
	minRSABits, maxRSABits = 2048, 8192
)

// errSignature is one answer for every way in which a signature can be wrong.
var errSignature = errors.New("signature not accepted")

// joseHeader is the protected header of a JWS (RFC 7515 section 4.1), of which nothing is believed before the signature holds.
type joseHeader struct {
	Alg, KeyID, Type string
	// JWK is the key within, if there is one. It proves possession and nothing else.
	JWK json.RawMessage
}

// signed is a JWS in compact serialization whose signature was not looked at yet.
type signed struct {
	header  joseHeader
	payload []byte // not to be believed before verify
	input   string // what is signed
	sig     []byte
	object  *jose.JSONWebSignature
}

// verifyJWS returns header and payload of a JWS that one of the keys signed with one of the algorithms. With its two halves, for those
// who choose keys by the header, it is what every signature is verified with: of others, and our own that come back.
func verifyJWS(raw string, keys []jose.JSONWebKey, algs []string) (joseHeader, []byte, error) {
	s, err := parseJWS(raw, algs)
	if err != nil {
		return joseHeader{}, nil, err
	}
	if err := s.verify(keys); err != nil {
		return joseHeader{}, nil, err
	}
	return s.header, s.payload, nil
}

// parseJWS reads a JWS. It must be three parts of base64url, each in its one spelling; its header must be an object that says nothing
// twice, names one of the algorithms and demands no extension (RFC 7515 section 4.1.11, RFC 8725 section 3.1).
func parseJWS(raw string, algs []string) (*signed, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: three parts expected", errSignature)
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		// The decoder passes over line breaks, which are no part of the alphabet.
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil || strings.ContainsAny(part, "\r\n") {
			return nil, fmt.Errorf("%w: part %d is not base64url", errSignature, i+1)
		}
	}
	header, err := parseHeader(decoded[0])
	if err != nil {
		return nil, err
	}
	if !slices.Contains(algs, header.Alg) {
		return nil, fmt.Errorf("%w: algorithm", errSignature)
	}
	object, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(header.Alg)})
	if err != nil {
		return nil, fmt.Errorf("%w: not a signature in compact serialization", errSignature)
	}
	return &signed{header: header, payload: decoded[1], input: parts[0] + "." + parts[1], sig: decoded[2], object: object}, nil
}

func parseHeader(raw []byte) (joseHeader, error) {
	members, err := parseObject(raw)
	if err != nil {
		return joseHeader{}, fmt.Errorf("%w: header: %w", errSignature, err)
	}
	// b64 without crit has no meaning, and another one to those who know it; zip and enc are no members of a signature.
	for _, name := range []string{"crit", "b64", "zip", "enc"} {
		if _, ok := members[name]; ok {
			return joseHeader{}, fmt.Errorf("%w: header member %s", errSignature, name)
		}
	}
	h := joseHeader{JWK: members["jwk"]}
	for name, into := range map[string]*string{"alg": &h.Alg, "kid": &h.KeyID, "typ": &h.Type} {
		if value, ok := members[name]; ok {
			if *into, ok = textOf(value); !ok {
				return joseHeader{}, fmt.Errorf("%w: header member %s is no string", errSignature, name)
			}
		}
	}
	return h, nil
}

// verify tries the keys that fit.
func (s *signed) verify(keys []jose.JSONWebKey) error {
	tries := 0
	for _, key := range keys {
		if !fits(key, s.header) {
			continue
		}
		if tries++; tries > maxTries {
			break
		}
		if s.by(key) {
			return nil
		}
	}
	if tries == 0 {
		return fmt.Errorf("%w: no key fits", errSignature)
	}
	return fmt.Errorf("%w: %d keys tried", errSignature, min(tries, maxTries))
}

// by reports whether a key that fits made the signature.
func (s *signed) by(key jose.JSONWebKey) bool {
	if public, ok := key.Key.(*rsa.PublicKey); ok && s.header.Alg == algPS256 {
		// The library takes a salt of any length; RFC 7518 section 3.5 takes one.
		digest := sha256.Sum256([]byte(s.input))
		return rsa.VerifyPSS(public, crypto.SHA256, digest[:], s.sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	_, err := s.object.Verify(key.Key)
	return err == nil
}

// fits reports whether a key can have signed under a header. Every algorithm has one kind of key, whatever a library would take.
func fits(key jose.JSONWebKey, h joseHeader) bool {
	if h.KeyID != "" && key.KeyID != h.KeyID || key.Algorithm != "" && key.Algorithm != h.Alg {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		return h.Alg == algPS256 || h.Alg == algRS256
	case *ecdsa.PublicKey:
		return h.Alg == algES256 && public.Curve == elliptic.P256() || h.Alg == algES384 && public.Curve == elliptic.P384()
	case ed25519.PublicKey:
		return h.Alg == algEdDSA
	}
	return false
}

// usableKey reports whether signatures may be verified with a key at all.
func usableKey(key crypto.PublicKey) bool {
	switch public := key.(type) {
	case *rsa.PublicKey:
		bits := public.N.BitLen()
		return bits >= minRSABits && bits <= maxRSABits && public.E >= 3 && public.E%2 == 1 && !client.Factorable(public.N)
	case *ecdsa.PublicKey:
		return public.Curve == elliptic.P256() || public.Curve == elliptic.P384()
	case ed25519.PublicKey:
		return len(public) == ed25519.PublicKeySize
	}
	return false
}

// parseObject reads one JSON object. Nothing may be said twice: of two readers, one would believe the first and one the last (RFC 7519
// section 4). Names are compared as they are, which the standard library's decoder does not do.
func parseObject(raw []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(raw) {
		return nil, errors.New("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	members := map[string]json.RawMessage{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, errors.New("not a JSON object")
		}
		if _, twice := members[name]; twice {
			return nil, errors.New("a member appears twice")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errors.New("not a JSON object")
		}
		members[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("not a JSON object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON object")
	}
	return members, nil
}

// textOf reads a JSON string, and nothing else: null is no empty string.
func textOf(raw json.RawMessage) (string, bool) {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

// claimSet are the claims of a JWT that was verified.
type claimSet map[string]json.RawMessage

func parseClaimSet(payload []byte) (claimSet, error) { return parseObject(payload) }

// text is a claim that must be a string, or be absent.
func (c claimSet) text(name string) (value string, ok bool) {
	raw, there := c[name]
	if !there {
		return "", true
	}
	return textOf(raw)
}

// time is a NumericDate (RFC 7519 section 2), or nil if the claim is absent. ok is false for what is none.
func (c claimSet) time(name string) (at *time.Time, ok bool) {
	raw, there := c[name]
	if !there {
		return nil, true
	}
	// Beyond the year 5000 there are no dates, only attempts to overflow.
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(seconds >= 0 && seconds < 1e11) {
		return nil, false
	}
	whole, fraction := math.Modf(seconds)
	t := time.Unix(int64(whole), int64(fraction*1e9))
	return &t, true
}

// audience is aud, whether one string or an array of them; single says that it is a string.
func (c claimSet) audience() (values []string, single, ok bool) {
	raw := c["aud"]
	if s, ok := textOf(raw); ok {
		return []string{s}, true, true
	}
	var all []json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &all) != nil {
		return nil, false, false
	}
	for _, one := range all {
		s, ok := textOf(one)
		if !ok {
			return nil, false, false
		}
		values = append(values, s)
	}
	return values, false, len(values) > 0
}

// clockLead is how far ahead of ours a client's clock may be: iat and nbf within it are taken (FAPI 2.0 Security Profile section 5.3.2.1
// wants 10 s to be taken, and more than 60 s refused).
const clockLead = 30 * time.Second

// started reports whether iat and nbf have come, as far as they are said.
func (c claimSet) started(now time.Time) bool {
	for _, name := range []string{"iat", "nbf"} {
		at, ok := c.time(name)
		if !ok || at != nil && at.After(now.Add(clockLead)) {
			return false
		}
	}
	return true
}
