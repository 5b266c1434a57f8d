package mfa

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// relyingParty is what browsers bind passkeys to. It asks for passkeys and judges the answers; it keeps nothing between the two
// and reads no clock.
//
// Each ceremony has two halves. The first gives options for the browser, and a session that the caller keeps on the server, bound
// to the sign-in or session that asked, and deletes when it is used, whatever comes of it. The second takes the session back with
// the browser's answer. Options are what PublicKeyCredential.parseCreationOptionsFromJSON and parseRequestOptionsFromJSON read,
// answers are what PublicKeyCredential.toJSON writes.
//
// The library reads authenticator data, keys and attestations and verifies signatures. The checks are listed in
// webauthn_verify.go, each with a word of its own for the audit log; most of them the library then makes once more.
type relyingParty struct {
	id      string
	name    string
	origins []string
	checks  ceremonyChecks
	// decoy is the record of a credential that nobody has.
	decoy []byte
}

// newRelyingParty returns the relying party for a domain. Origins are the pages that may ask, spelled as browsers spell them. All of
// it comes from configuration, never from a request: whoever could choose them could have passkeys made for, or used at, a page of
// their own.
func newRelyingParty(id, name string, origins []string) (*relyingParty, error) {
	if err := protocol.ValidateRPID(id); err != nil {
		return nil, fmt.Errorf("passkeys: relying party %q: %w", id, err)
	}
	if name == "" {
		return nil, errors.New("passkeys: the relying party has no name")
	}
	if len(origins) == 0 {
		return nil, errors.New("passkeys: no origin may ask for passkeys")
	}
	for _, origin := range origins {
		if err := checkOrigin(origin, id); err != nil {
			return nil, fmt.Errorf("passkeys: origin %q: %w", origin, err)
		}
	}
	decoy, err := newDecoy()
	if err != nil {
		return nil, fmt.Errorf("passkeys: decoy: %w", err)
	}
	return &relyingParty{id: id, name: name, origins: origins, checks: allChecks(), decoy: decoy}, nil
}

// checkOrigin returns nil for an origin at which a browser lets the relying party be used.
func checkOrigin(origin, id string) error {
	u, err := url.Parse(origin)
	if err != nil {
		return err
	}
	host, port := u.Hostname(), u.Port()
	spelled := u.Scheme + "://" + host
	if port != "" && (u.Scheme != "https" || port != "443") && (u.Scheme != "http" || port != "80") {
		spelled += ":" + port
	}
	if origin != spelled || origin != strings.ToLower(origin) {
		return errors.New("must be scheme://host or scheme://host:port as browsers spell it: in lower case, without the usual port")
	}
	if err := protocol.ValidateRPID(host); err != nil {
		return err
	}
	if host != id && !strings.HasSuffix(host, "."+id) {
		return fmt.Errorf("is neither %s nor below it", id)
	}
	loopback := host == "localhost" || strings.HasSuffix(host, ".localhost")
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return errors.New("must be https, or http on localhost")
	}
	return nil
}

// passkeyHolder is an account as authenticators know it.
type passkeyHolder struct {
	// Handle identifies the account. Authenticators store it and hand it to whoever asks with a passkey: it is random and tells
	// nothing about a person.
	Handle []byte
	// Name and DisplayName are shown when a person chooses among passkeys.
	Name, DisplayName string
}

// Bounds of a handle in bytes: the lower one keeps handles apart and unguessable, the upper one is the browsers'.
const minHandle, maxHandle = 16, 64

// ceremonyLifetime is how long an answer is waited for.
const ceremonyLifetime = 5 * time.Minute

// ceremonyVersion says how a ceremony is written.
const ceremonyVersion = 1

// ceremony is what the server remembers from asking until the answer.
type ceremony struct {
	Version   int                         `json:"v"`
	Kind      protocol.CeremonyType       `json:"kind"`
	Challenge protocol.URLEncodedBase64   `json:"challenge"`
	Account   protocol.URLEncodedBase64   `json:"account,omitempty"` // the handle; empty when anybody may answer
	Allowed   []protocol.URLEncodedBase64 `json:"allowed,omitempty"` // ids of credentials; empty when any may answer
	// VerifyUser is whether the authenticator must have verified its user: by PIN, finger or face.
	VerifyUser bool      `json:"verify_user,omitempty"`
	Expires    time.Time `json:"expires"`
}

// newCeremony draws a challenge.
func newCeremony(kind protocol.CeremonyType, handle []byte, now time.Time) (ceremony, error) {
	challenge, err := protocol.CreateChallenge()
	if err != nil {
		return ceremony{}, fmt.Errorf("draw challenge: %w", err)
	}
	return ceremony{
		Version: ceremonyVersion, Kind: kind, Challenge: challenge, Account: handle, Expires: now.Add(ceremonyLifetime).UTC(),
	}, nil
}

// readCeremony reads a session. What cannot be one is a mistake of ours, not of the browser's.
func readCeremony(session []byte) (ceremony, error) {
	var c ceremony
	if err := json.Unmarshal(session, &c); err != nil {
		return ceremony{}, fmt.Errorf("read passkey session: %w", err)
	}
	if c.Version != ceremonyVersion || len(c.Challenge) != protocol.ChallengeLength {
		return ceremony{}, fmt.Errorf("read passkey session: version %d with a challenge of %d bytes", c.Version, len(c.Challenge))
	}
	return c, nil
}

// ask puts the two halves of a beginning into words.
func (c ceremony) ask(options any) (json.RawMessage, []byte, error) {
	text, err := json.Marshal(options)
	if err != nil {
		return nil, nil, fmt.Errorf("encode passkey options: %w", err)
	}
	session, err := json.Marshal(c)
	if err != nil {
		return nil, nil, fmt.Errorf("encode passkey session: %w", err)
	}
	return text, session, nil
}

// keyAlgorithms are the signatures that are accepted, in the order they are asked for. Every authenticator on the market has one of
// the first two, but for the older Windows ones, which have the last.
var keyAlgorithms = []webauthncose.COSEAlgorithmIdentifier{webauthncose.AlgES256, webauthncose.AlgEdDSA, webauthncose.AlgRS256}

// keyParameters are the algorithms as options and the library want them.
func keyParameters() []protocol.CredentialParameter {
	list := make([]protocol.CredentialParameter, len(keyAlgorithms))
	for i, alg := range keyAlgorithms {
		list[i] = protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: alg}
	}
	return list
}

// beginRegistration asks for a new passkey. Existing are the account's credentials, so that an authenticator holds no two of them.
// What the authenticator makes is left to it as far as possible: a key that cannot be discovered or cannot verify its user is still
// a second factor, and the credential says what it is.
func (rp *relyingParty) beginRegistration(
	holder passkeyHolder, existing []credential, now time.Time,
) (options json.RawMessage, session []byte, err error) {
	if len(holder.Handle) < minHandle || len(holder.Handle) > maxHandle {
		return nil, nil, fmt.Errorf("begin registration: a handle has %d to %d bytes, not %d", minHandle, maxHandle, len(holder.Handle))
	}
	c, err := newCeremony(protocol.CreateCeremony, holder.Handle, now)
	if err != nil {
		return nil, nil, err
	}
	return c.ask(protocol.PublicKeyCredentialCreationOptions{
		RelyingParty: protocol.RelyingPartyEntity{ID: rp.id, CredentialEntity: protocol.CredentialEntity{Name: rp.name}},
		User: protocol.UserEntity{
			ID: c.Account, DisplayName: holder.DisplayName, CredentialEntity: protocol.CredentialEntity{Name: holder.Name},
		},
		Challenge:             c.Challenge,
		Parameters:            keyParameters(),
		Timeout:               int(ceremonyLifetime.Milliseconds()),
		CredentialExcludeList: descriptors(existing),
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey:        protocol.ResidentKeyRequirementPreferred,
			RequireResidentKey: protocol.ResidentKeyNotRequired(),
			UserVerification:   protocol.VerificationPreferred,
		},
		Attestation: protocol.PreferNoAttestation,
		Extensions:  protocol.AuthenticationExtensions{CredProps: true},
	})
}

// beginAssertion asks for the use of a passkey: of one of the allowed ones of an account that is known, or, with neither handle nor
// allowed, of any that the browser can discover. The latter options are the same for everybody, so that they tell nothing about any
// account. With verifyUser only an authenticator that verified its user is accepted; a passkey that stands for the password as well
// needs it.
func (rp *relyingParty) beginAssertion(
	handle []byte, allowed []credential, verifyUser bool, now time.Time,
) (options json.RawMessage, session []byte, err error) {
	if (len(handle) == 0) != (len(allowed) == 0) {
		return nil, nil, errors.New("begin assertion: an account without credentials, or credentials without an account")
	}
	c, err := newCeremony(protocol.AssertCeremony, handle, now)
	if err != nil {
		return nil, nil, err
	}
	c.VerifyUser = verifyUser
	for _, one := range allowed {
		c.Allowed = append(c.Allowed, one.ID)
	}
	verification := protocol.VerificationPreferred
	if verifyUser {
		verification = protocol.VerificationRequired
	}
	return c.ask(protocol.PublicKeyCredentialRequestOptions{
		Challenge:          c.Challenge,
		Timeout:            int(ceremonyLifetime.Milliseconds()),
		RelyingPartyID:     rp.id,
		AllowedCredentials: descriptors(allowed),
		UserVerification:   verification,
	})
}

// descriptors name credentials to a browser, and how it may reach them.
func descriptors(credentials []credential) []protocol.CredentialDescriptor {
	list := make([]protocol.CredentialDescriptor, len(credentials))
	for i, c := range credentials {
		list[i] = protocol.CredentialDescriptor{
			Type: protocol.PublicKeyCredentialType, CredentialID: c.ID, Transport: c.Transports,
		}
	}
	return list
}
