package mfa

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// Bounds of a browser's answer. A real one has a few hundred bytes, or a few thousand with extensions.
const (
	maxAnswer        = 64 << 10
	maxAnswerDepth   = 8
	maxAnswerMembers = 64 // of one object
)

// clientData is what the browser signed about the page that asked.
type clientData struct {
	kind      protocol.CeremonyType
	challenge string
	origin    string
	// crossOrigin and topOrigin are the members as they are written, nil when absent.
	crossOrigin, topOrigin json.RawMessage
}

// registration is a browser's answer to beginRegistration.
type registration struct {
	answer
	parsed       *protocol.ParsedCredentialCreationData
	algorithm    webauthncose.COSEAlgorithmIdentifier
	discoverable *bool
	// holder is the handle of the account that answers.
	holder []byte
}

// proof is a browser's answer to beginAssertion.
type proof struct {
	answer
	parsed *protocol.ParsedCredentialAssertionData
	// stored is what the server knows about the credential that answered; zero until it is looked up.
	stored storedCredential
}

// readRegistration reads a browser's answer to beginRegistration. Client extension outputs are unsigned and, but for one that is
// kept as a hint, unasked for: they are ignored.
func readRegistration(body []byte) (registration, error) {
	f, err := readFields(body)
	if err != nil {
		return registration{}, err
	}
	response := f.object("response")
	sent := protocol.CredentialCreationResponse{
		PublicKeyCredential: f.credential(),
		AttestationResponse: protocol.AuthenticatorAttestationResponse{
			AuthenticatorResponse: protocol.AuthenticatorResponse{ClientDataJSON: response.bytes("clientDataJSON")},
			AttestationObject:     response.bytes("attestationObject"),
		},
	}
	response.value("transports", &sent.AttestationResponse.Transports)
	var r registration
	f.object("clientExtensionResults").object("credProps").value("rk", &r.discoverable)
	if *f.err != nil {
		return registration{}, *f.err
	}
	if r.client, err = readClientData(sent.AttestationResponse.ClientDataJSON); err != nil {
		return registration{}, err
	}
	if r.parsed, err = sent.Parse(); err != nil {
		return registration{}, err
	}
	r.data = r.parsed.Response.AttestationObject.AuthData
	var key webauthncose.PublicKeyData
	if err := webauthncbor.Unmarshal(r.data.AttData.CredentialPublicKey, &key); err != nil {
		return registration{}, fmt.Errorf("key: %w", err)
	}
	r.algorithm = webauthncose.COSEAlgorithmIdentifier(key.Algorithm)
	return r, nil
}

// readProof reads a browser's answer to beginAssertion. No extensions are asked for, and outputs of them are ignored.
func readProof(body []byte) (proof, error) {
	f, err := readFields(body)
	if err != nil {
		return proof{}, err
	}
	response := f.object("response")
	sent := protocol.CredentialAssertionResponse{
		PublicKeyCredential: f.credential(),
		AssertionResponse: protocol.AuthenticatorAssertionResponse{
			AuthenticatorResponse: protocol.AuthenticatorResponse{ClientDataJSON: response.bytes("clientDataJSON")},
			AuthenticatorData:     response.bytes("authenticatorData"),
			Signature:             response.bytes("signature"),
			UserHandle:            response.bytes("userHandle"),
		},
	}
	if *f.err != nil {
		return proof{}, *f.err
	}
	var p proof
	if p.client, err = readClientData(sent.AssertionResponse.ClientDataJSON); err != nil {
		return proof{}, err
	}
	if p.parsed, err = sent.Parse(); err != nil {
		return proof{}, err
	}
	p.data = p.parsed.Response.AuthenticatorData
	return p, nil
}

// readClientData reads what the browser signed. New members may be added to it at any time; those that are not known mean nothing.
func readClientData(text []byte) (clientData, error) {
	f, err := readFields(text)
	if err != nil {
		return clientData{}, fmt.Errorf("client data: %w", err)
	}
	c := clientData{
		challenge: f.text("challenge"), origin: f.text("origin"),
		crossOrigin: f.members["crossOrigin"], topOrigin: f.members["topOrigin"],
	}
	f.value("type", &c.kind)
	return c, *f.err
}

// fields are the members of a JSON object, by their exact names. Reading them notes the first one that is not what it should be in
// err, which an object shares with those inside it. A missing member reads as empty; what must not be is refused where it is used.
type fields struct {
	members map[string]json.RawMessage
	err     *error
}

// readFields reads an object that can be read in one way only: not too large, deep or wide, valid UTF-8, and no name twice in an
// object, in whatever case (encoding/json, which the library reads with, takes the last of them and does not look at case).
func readFields(text []byte) (fields, error) {
	f := fields{err: new(error)}
	if len(text) > maxAnswer {
		return f, fmt.Errorf("%d bytes are too many", len(text))
	}
	if !utf8.Valid(text) {
		return f, errors.New("not valid UTF-8")
	}
	if err := checkNames(json.NewDecoder(bytes.NewReader(text)), maxAnswerDepth); err != nil {
		return f, err
	}
	return f, json.Unmarshal(text, &f.members)
}

// checkNames reads one value and refuses it when it nests too deep, or when an object in it has too many names or one twice.
func checkNames(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	if depth == 0 {
		return errors.New("nested too deep")
	}
	seen := map[string]bool{}
	for dec.More() {
		if open == '{' {
			token, err := dec.Token()
			if err != nil {
				return err
			}
			name, _ := token.(string)
			// Through both cases, since a few letters have two spellings in one of them.
			if name = strings.ToLower(strings.ToUpper(name)); seen[name] {
				return fmt.Errorf("%q is there twice", name)
			}
			if seen[name] = true; len(seen) > maxAnswerMembers {
				return errors.New("too many members")
			}
		}
		if err := checkNames(dec, depth-1); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

// value reads a member into target, which stays as it is when the member is missing or null.
func (f fields) value(name string, target any) {
	raw, ok := f.members[name]
	if !ok || *f.err != nil {
		return
	}
	if err := json.Unmarshal(raw, target); err != nil {
		*f.err = fmt.Errorf("%s: %w", name, err)
	}
}

func (f fields) text(name string) string {
	var s string
	f.value(name, &s)
	return s
}

// bytes reads base64url in its one spelling: no padding, no line breaks, no bits to spare.
func (f fields) bytes(name string) []byte {
	s := f.text(name)
	decoded, err := base64.RawURLEncoding.DecodeString(s)
	if *f.err == nil && (err != nil || base64.RawURLEncoding.EncodeToString(decoded) != s) {
		*f.err = fmt.Errorf("%s: not base64url", name)
	}
	return decoded
}

func (f fields) object(name string) fields {
	inner := fields{err: f.err}
	f.value(name, &inner.members)
	return inner
}

// credential reads what answers of both kinds have in common. The library compares the two ids.
func (f fields) credential() protocol.PublicKeyCredential {
	f.bytes("id")
	return protocol.PublicKeyCredential{
		Credential:              protocol.Credential{ID: f.text("id"), Type: f.text("type")},
		RawID:                   f.bytes("rawId"),
		AuthenticatorAttachment: f.text("authenticatorAttachment"),
	}
}
