package webauthntest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// Algorithm is a COSE algorithm identifier.
type Algorithm int

// The algorithms that an Authenticator signs with.
const (
	ES256 Algorithm = -7
	EdDSA Algorithm = -8
	ES384 Algorithm = -35
	RS256 Algorithm = -257
)

// ErrExcluded means that the authenticator holds a passkey that the options exclude: the browser's InvalidStateError.
var ErrExcluded = errors.New("authenticator holds an excluded credential")

// ErrNoPasskey means that the authenticator has nothing the options ask for: the browser's NotAllowedError.
var ErrNoPasskey = errors.New("authenticator has no such credential")

// Authenticator is an authenticator that is always touched at once. It is not safe for concurrent use.
type Authenticator struct {
	// Origin is the page that the browser shows.
	Origin string
	// Algorithms are those it can sign with, ES256 if empty. It uses the first that the options ask for.
	Algorithms []Algorithm
	// Verifies is whether it verifies its user, unless the options discourage it.
	Verifies bool
	// Discovers is whether its passkeys can be found without their id, unless the options discourage it.
	Discovers bool
	// BackupEligible and BackedUp are what its flags say about leaving the device.
	BackupEligible, BackedUp bool
	// Counts is whether it counts its uses.
	Counts bool
	// SelfAttests is whether it signs new keys with themselves.
	SelfAttests bool
	// AAGUID is its model.
	AAGUID [16]byte
	// Transports and Attachment are what the browser says about the way to it.
	Transports []string
	Attachment string

	// Passkeys are those it made, the newest last.
	Passkeys []*Passkey
}

// Passkey is a credential with its private key.
type Passkey struct {
	ID           []byte
	RPID         string
	UserHandle   []byte
	Algorithm    Algorithm
	Key          crypto.Signer
	Discoverable bool
	// Count is the counter's last value.
	Count uint32
}

// Flags of authenticator data.
const (
	UserPresent    byte = 1 << 0
	UserVerified   byte = 1 << 2
	BackupEligible byte = 1 << 3
	BackedUp       byte = 1 << 4
	Attested       byte = 1 << 6
	Extended       byte = 1 << 7
)

// Tamper changes an answer on its way. Its functions are called in this order, those that are nil are not; what is signed is what
// the ones before Signature left.
type Tamper struct {
	// Client changes the client data, ClientJSON its text.
	Client     func(*ClientData)
	ClientJSON func([]byte) []byte
	// Data changes the authenticator data, DataBytes its bytes.
	Data      func(*Data)
	DataBytes func([]byte) []byte
	// Attestation changes the attestation object, AttestationBytes its CBOR. Registration only.
	Attestation      func(map[string]any)
	AttestationBytes func([]byte) []byte
	// Signature changes the signature. Assertion only.
	Signature func([]byte) []byte
	// Answer changes the answer's tree, AnswerJSON its text.
	Answer     func(map[string]any)
	AnswerJSON func([]byte) []byte
}

// ClientData is what the browser signs about the page, in the order it is written in.
type ClientData struct {
	Type        string  `json:"type"`
	Challenge   string  `json:"challenge"`
	Origin      string  `json:"origin"`
	CrossOrigin bool    `json:"crossOrigin"`
	TopOrigin   *string `json:"topOrigin,omitempty"`
}

// Data is authenticator data. The parts are written when they are there, whatever the flags say.
type Data struct {
	RPIDHash []byte
	Flags    byte
	Count    uint32
	// AAGUID, ID and Key are the attested credential, written when there is a key.
	AAGUID [16]byte
	ID     []byte
	Key    []byte
	// Extensions are CBOR.
	Extensions []byte
}

type descriptor struct {
	ID string `json:"id"`
}

// creation is what is read of a relying party's options for a new passkey.
type creation struct {
	RP struct {
		ID string `json:"id"`
	} `json:"rp"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	Challenge  string `json:"challenge"`
	Parameters []struct {
		Type string    `json:"type"`
		Alg  Algorithm `json:"alg"`
	} `json:"pubKeyCredParams"`
	Exclude   []descriptor `json:"excludeCredentials"`
	Selection struct {
		ResidentKey      string `json:"residentKey"`
		UserVerification string `json:"userVerification"`
	} `json:"authenticatorSelection"`
	Extensions struct {
		CredProps bool `json:"credProps"`
	} `json:"extensions"`
}

// Create makes a passkey as navigator.credentials.create does, and returns the answer.
func (a *Authenticator) Create(options []byte, tampers ...Tamper) ([]byte, error) {
	var o creation
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, fmt.Errorf("read options: %w", err)
	}
	rpID, err := a.rpID(o.RP.ID)
	if err != nil {
		return nil, err
	}
	if a.held(rpID, o.Exclude) != nil {
		return nil, ErrExcluded
	}
	p, err := a.newPasskey(o)
	if err != nil {
		return nil, err
	}
	p.RPID = rpID
	a.Passkeys = append(a.Passkeys, p)

	client, err := a.clientData("webauthn.create", o.Challenge, tampers)
	if err != nil {
		return nil, err
	}
	data := a.data(p, o.Selection.UserVerification)
	data.Flags |= Attested
	data.AAGUID, data.ID, data.Key = a.AAGUID, p.ID, EncodeKey(p.Algorithm, p.Key.Public())
	raw := data.tampered(tampers)

	object := map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": raw}
	if a.SelfAttests {
		sig, err := p.sign(raw, client)
		if err != nil {
			return nil, err
		}
		object["fmt"], object["attStmt"] = "packed", map[string]any{"alg": int(p.Algorithm), "sig": sig}
	}
	each(tampers, func(t Tamper) {
		if t.Attestation != nil {
			t.Attestation(object)
		}
	})
	attestation := Encode(object)
	each(tampers, func(t Tamper) { attestation = change(t.AttestationBytes, attestation) })

	spki, err := x509.MarshalPKIXPublicKey(p.Key.Public())
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	answer := a.answer(p, map[string]any{
		"clientDataJSON":     b64(client),
		"authenticatorData":  b64(raw),
		"attestationObject":  b64(attestation),
		"transports":         append([]string{}, a.Transports...),
		"publicKey":          b64(spki),
		"publicKeyAlgorithm": int(p.Algorithm),
	})
	if o.Extensions.CredProps {
		answer["clientExtensionResults"] = map[string]any{"credProps": map[string]any{"rk": p.Discoverable}}
	}
	return finish(answer, tampers)
}

// request is what is read of a relying party's options for the use of a passkey.
type request struct {
	Challenge        string       `json:"challenge"`
	RPID             string       `json:"rpId"`
	Allow            []descriptor `json:"allowCredentials"`
	UserVerification string       `json:"userVerification"`
}

// Get uses a passkey as navigator.credentials.get does, and returns the answer.
func (a *Authenticator) Get(options []byte, tampers ...Tamper) ([]byte, error) {
	var o request
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, fmt.Errorf("read options: %w", err)
	}
	rpID, err := a.rpID(o.RPID)
	if err != nil {
		return nil, err
	}
	p := a.held(rpID, o.Allow)
	if len(o.Allow) == 0 {
		p = a.newestDiscoverable(rpID)
	}
	if p == nil {
		return nil, ErrNoPasskey
	}
	client, err := a.clientData("webauthn.get", o.Challenge, tampers)
	if err != nil {
		return nil, err
	}
	raw := a.data(p, o.UserVerification).tampered(tampers)
	sig, err := p.sign(raw, client)
	if err != nil {
		return nil, err
	}
	each(tampers, func(t Tamper) { sig = change(t.Signature, sig) })
	response := map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(raw), "signature": b64(sig)}
	if p.Discoverable {
		response["userHandle"] = b64(p.UserHandle)
	}
	return finish(a.answer(p, response), tampers)
}

// rpID is the relying party of a ceremony: the page's host unless the options name one.
func (a *Authenticator) rpID(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	u, err := url.Parse(a.Origin)
	if err != nil {
		return "", fmt.Errorf("parse origin: %w", err)
	}
	return u.Hostname(), nil
}

// held is the first passkey of a list that the authenticator holds, nil when it holds none.
func (a *Authenticator) held(rpID string, list []descriptor) *Passkey {
	for _, d := range list {
		for _, p := range a.Passkeys {
			if p.RPID == rpID && b64(p.ID) == d.ID {
				return p
			}
		}
	}
	return nil
}

func (a *Authenticator) newestDiscoverable(rpID string) *Passkey {
	for _, p := range slices.Backward(a.Passkeys) {
		if p.RPID == rpID && p.Discoverable {
			return p
		}
	}
	return nil
}

func (a *Authenticator) newPasskey(o creation) (*Passkey, error) {
	handle, err := base64.RawURLEncoding.DecodeString(o.User.ID)
	if err != nil {
		return nil, fmt.Errorf("read user handle: %w", err)
	}
	able := a.Algorithms
	if len(able) == 0 {
		able = []Algorithm{ES256}
	}
	for _, wanted := range o.Parameters {
		if wanted.Type != "public-key" || !slices.Contains(able, wanted.Alg) {
			continue
		}
		key, err := NewKey(wanted.Alg)
		if err != nil {
			return nil, err
		}
		return &Passkey{
			ID: random(32), UserHandle: handle, Algorithm: wanted.Alg, Key: key,
			Discoverable: a.Discovers && o.Selection.ResidentKey != "discouraged",
		}, nil
	}
	return nil, fmt.Errorf("no common algorithm in %v", o.Parameters)
}

// NewKey draws a key for an algorithm.
func NewKey(alg Algorithm) (crypto.Signer, error) {
	switch alg {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ES384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case RS256:
		return rsa.GenerateKey(rand.Reader, 2048)
	default:
		return nil, fmt.Errorf("no keys for algorithm %d", alg)
	}
}

func (a *Authenticator) clientData(kind, challenge string, tampers []Tamper) ([]byte, error) {
	c := ClientData{Type: kind, Challenge: challenge, Origin: a.Origin}
	each(tampers, func(t Tamper) {
		if t.Client != nil {
			t.Client(&c)
		}
	})
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode client data: %w", err)
	}
	each(tampers, func(t Tamper) { text = change(t.ClientJSON, text) })
	return text, nil
}

// data is what the authenticator says in a use of a passkey, which is counted.
func (a *Authenticator) data(p *Passkey, verification string) Data {
	if a.Counts {
		p.Count++
	}
	hash := sha256.Sum256([]byte(p.RPID))
	d := Data{RPIDHash: hash[:], Flags: UserPresent, Count: p.Count}
	if a.Verifies && verification != "discouraged" {
		d.Flags |= UserVerified
	}
	if a.BackupEligible {
		d.Flags |= BackupEligible
	}
	if a.BackedUp {
		d.Flags |= BackedUp
	}
	return d
}

func (d Data) tampered(tampers []Tamper) []byte {
	each(tampers, func(t Tamper) {
		if t.Data != nil {
			t.Data(&d)
		}
	})
	raw := d.Bytes()
	each(tampers, func(t Tamper) { raw = change(t.DataBytes, raw) })
	return raw
}

// sign signs as assertions and self attestations are signed.
func (p *Passkey) sign(data, client []byte) ([]byte, error) {
	hash := sha256.Sum256(client)
	message := slices.Concat(data, hash[:])
	var sig []byte
	var err error
	switch p.Algorithm {
	case EdDSA:
		sig, err = p.Key.Sign(rand.Reader, message, crypto.Hash(0))
	case ES384:
		sig, err = crypto.SignMessage(p.Key, rand.Reader, message, crypto.SHA384)
	default:
		sig, err = crypto.SignMessage(p.Key, rand.Reader, message, crypto.SHA256)
	}
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return sig, nil
}

// answer is the tree that toJSON gives.
func (a *Authenticator) answer(p *Passkey, response map[string]any) map[string]any {
	answer := map[string]any{
		"id": b64(p.ID), "rawId": b64(p.ID), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response,
	}
	if a.Attachment != "" {
		answer["authenticatorAttachment"] = a.Attachment
	}
	return answer
}

func finish(answer map[string]any, tampers []Tamper) ([]byte, error) {
	each(tampers, func(t Tamper) {
		if t.Answer != nil {
			t.Answer(answer)
		}
	})
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	each(tampers, func(t Tamper) { text = change(t.AnswerJSON, text) })
	return text, nil
}

func each(tampers []Tamper, do func(Tamper)) {
	for _, t := range tampers {
		do(t)
	}
}

func change(f func([]byte) []byte, b []byte) []byte {
	if f == nil {
		return b
	}
	return f(b)
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
