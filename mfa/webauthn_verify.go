package mfa

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/futakagi/futakagi/store"
)

// passkeyRefusal is why a browser's answer was not accepted: a fixed word for the audit log. A person is told one thing for all.
type passkeyRefusal string

// Error implements error.
func (r passkeyRefusal) Error() string { return "passkey refused: " + string(r) }

// Why an answer is not accepted. The values are stored with audit rows.
const (
	refusedForm           passkeyRefusal = "form"            // it cannot be read
	refusedCeremony       passkeyRefusal = "ceremony"        // the session is of the other ceremony
	refusedExpired        passkeyRefusal = "expired"         // the session is too old
	refusedType           passkeyRefusal = "type"            // it was signed for the other ceremony
	refusedChallenge      passkeyRefusal = "challenge"       // it answers another question
	refusedOrigin         passkeyRefusal = "origin"          // another page asked
	refusedCrossOrigin    passkeyRefusal = "cross_origin"    // the page was framed by another
	refusedTopOrigin      passkeyRefusal = "top_origin"      // the page was framed by another, which is named
	refusedRelyingParty   passkeyRefusal = "relying_party"   // it was made for another relying party
	refusedPresence       passkeyRefusal = "presence"        // nobody was there
	refusedVerification   passkeyRefusal = "verification"    // the user was to be verified and was not
	refusedBackupState    passkeyRefusal = "backup_state"    // it is said to be backed up and not to be able to
	refusedAccount        passkeyRefusal = "account"         // another account was asked
	refusedID             passkeyRefusal = "id"              // the credential's name is too short to be one of a kind
	refusedAlgorithm      passkeyRefusal = "algorithm"       // the signature is of a kind that was not asked for
	refusedKey            passkeyRefusal = "key"             // the key is unsound or does not fit its signature
	refusedAttestation    passkeyRefusal = "attestation"     // the authenticator says more about itself than was asked for
	refusedNotAllowed     passkeyRefusal = "not_allowed"     // another credential was asked for
	refusedNoHandle       passkeyRefusal = "no_handle"       // it does not say whose it is, and nothing else does
	refusedHandle         passkeyRefusal = "handle"          // it says it is another account's
	refusedUnknown        passkeyRefusal = "unknown"         // nobody has such a credential
	refusedData           passkeyRefusal = "data"            // it holds a new credential where an old one is used
	refusedBackupEligible passkeyRefusal = "backup_eligible" // whether it may leave its device is not what it was
	refusedProof          passkeyRefusal = "proof"           // the library refuses it: the signature, above all
	refusedCounter        passkeyRefusal = "counter"         // it was used elsewhere since, or there are two of it

	barredDisabled passkeyRefusal = "account_disabled" // nothing is wrong with it, but with its account
	barredKind     passkeyRefusal = "account_kind"     // its account does not sign in here
)

// answer is what answers of both kinds have in common: what was asked, and what is said about it.
type answer struct {
	rp    *relyingParty
	kind  protocol.CeremonyType // what it is taken for
	asked ceremony
	now   time.Time

	client clientData
	data   protocol.AuthenticatorData
}

// ceremonyCheck is one thing that must hold, and what it is called when it does not.
type ceremonyCheck[T any] struct {
	refusal passkeyRefusal
	holds   func(T) bool
}

// holds returns nil when everything holds, or the first refusal.
func holds[T any](checks []ceremonyCheck[T], v T) error {
	for _, c := range checks {
		if !c.holds(v) {
			return c.refusal
		}
	}
	return nil
}

// ceremonyChecks are all the checks there are: those of WebAuthn Level 3, sections 7.1 and 7.2, and ours. They are data so that a
// test can leave out one at a time and see that each alone stands between somebody and an account.
type ceremonyChecks struct {
	answer       []ceremonyCheck[answer]       // of every answer
	registration []ceremonyCheck[registration] // of a new credential
	choice       []ceremonyCheck[proof]        // of a credential in use, before it is looked up
	proof        []ceremonyCheck[proof]        // of a credential in use
}

func allChecks() ceremonyChecks {
	return ceremonyChecks{
		answer: []ceremonyCheck[answer]{
			{refusedCeremony, func(a answer) bool { return a.asked.Kind == a.kind }},
			{refusedExpired, func(a answer) bool { return a.now.Before(a.asked.Expires) }},
			{refusedType, func(a answer) bool { return a.client.kind == a.kind }},
			{refusedChallenge, func(a answer) bool {
				return subtle.ConstantTimeCompare([]byte(a.client.challenge), []byte(a.asked.Challenge.String())) == 1
			}},
			{refusedOrigin, func(a answer) bool { return slices.Contains(a.rp.origins, a.client.origin) }},
			{refusedCrossOrigin, func(a answer) bool { return a.client.crossOrigin == nil || string(a.client.crossOrigin) == "false" }},
			{refusedTopOrigin, func(a answer) bool { return a.client.topOrigin == nil }},
			{refusedRelyingParty, func(a answer) bool {
				hash := sha256.Sum256([]byte(a.rp.id))
				return bytes.Equal(a.data.RPIDHash, hash[:])
			}},
			{refusedPresence, func(a answer) bool { return a.data.Flags.HasUserPresent() }},
			{refusedVerification, func(a answer) bool { return a.data.Flags.HasUserVerified() || !a.asked.VerifyUser }},
			{refusedBackupState, func(a answer) bool { return a.data.Flags.HasBackupEligible() || !a.data.Flags.HasBackupState() }},
		},
		registration: []ceremonyCheck[registration]{
			{refusedAccount, func(r registration) bool { return bytes.Equal(r.asked.Account, r.holder) }},
			{refusedID, func(r registration) bool { return len(r.data.AttData.CredentialID) >= minCredentialID }},
			{refusedAlgorithm, func(r registration) bool { return slices.Contains(keyAlgorithms, r.algorithm) }},
			{refusedKey, func(r registration) bool { return soundKey(r.data.AttData.CredentialPublicKey) }},
			{refusedAttestation, plainAttestation},
			{refusedProof, verifyRegistration},
		},
		choice: []ceremonyCheck[proof]{
			{refusedData, func(p proof) bool { return !p.data.Flags.HasAttestedCredentialData() }},
			{refusedNotAllowed, func(p proof) bool {
				return len(p.asked.Allowed) == 0 || slices.ContainsFunc(p.asked.Allowed, func(id protocol.URLEncodedBase64) bool {
					return bytes.Equal(id, p.parsed.RawID)
				})
			}},
			{refusedNoHandle, func(p proof) bool { return len(p.asked.Account) != 0 || len(p.parsed.Response.UserHandle) != 0 }},
		},
		proof: []ceremonyCheck[proof]{
			{refusedUnknown, func(p proof) bool { return bytes.Equal(p.stored.Credential.ID, p.parsed.RawID) }},
			{refusedAccount, func(p proof) bool { return len(p.asked.Account) == 0 || bytes.Equal(p.asked.Account, p.stored.Owner) }},
			{refusedHandle, func(p proof) bool {
				handle := p.parsed.Response.UserHandle
				return len(handle) == 0 || bytes.Equal(handle, p.stored.Owner)
			}},
			{refusedBackupEligible, func(p proof) bool { return p.data.Flags.HasBackupEligible() == p.stored.Credential.BackupEligible }},
			{refusedProof, verifyProof},
			// After the signature: only the authenticator itself can say that its counter went back.
			{refusedCounter, func(p proof) bool {
				former := p.stored.Credential.SignCount
				return p.data.Counter > former || p.data.Counter == 0 && former == 0
			}},
		},
	}
}

// finishRegistration judges the answer to beginRegistration. Holder is the handle of the account that answers. It returns a
// passkeyRefusal for an answer that is not accepted; that no other account holds the credential's id is for the caller to see to.
func (rp *relyingParty) finishRegistration(session, body, holder []byte, now time.Time) (credential, error) {
	asked, err := readCeremony(session)
	if err != nil {
		return credential{}, err
	}
	r, err := readRegistration(body)
	if err != nil {
		return credential{}, fmt.Errorf("%w: %w", refusedForm, err)
	}
	r.rp, r.kind, r.asked, r.now, r.holder = rp, protocol.CreateCeremony, asked, now, holder
	if err := holds(rp.checks.answer, r.answer); err != nil {
		return credential{}, err
	}
	if err := holds(rp.checks.registration, r); err != nil {
		return credential{}, err
	}
	return newCredential(r), nil
}

// storedCredential is a credential and the account it belongs to.
type storedCredential struct {
	// Owner is the account's handle.
	Owner      []byte
	Credential credential
}

// assertion is the use of a credential that passed every check.
type assertion struct {
	// Credential is the stored one as it is after the use: it replaces the record.
	Credential credential
	// UserVerified is whether the authenticator verified its user this time. No other use says anything about it.
	UserVerified bool
}

// finishAssertion judges the answer to beginAssertion. Lookup finds the credential with an id, whoever owns it, or returns
// store.ErrNotFound; the handle is what the authenticator says about the owner, empty when it says nothing. It is called only for an
// answer that is right in all that can be seen without it. The result is a passkeyRefusal for an answer that is not accepted, of
// which refusedCounter is to be audited and told to the owner: the authenticator may have been copied.
func (rp *relyingParty) finishAssertion(
	session, body []byte, lookup func(id, handle []byte) (storedCredential, error), now time.Time,
) (assertion, error) {
	asked, err := readCeremony(session)
	if err != nil {
		return assertion{}, err
	}
	p, err := readProof(body)
	if err != nil {
		return assertion{}, fmt.Errorf("%w: %w", refusedForm, err)
	}
	p.rp, p.kind, p.asked, p.now = rp, protocol.AssertCeremony, asked, now
	if err := holds(rp.checks.answer, p.answer); err != nil {
		return assertion{}, err
	}
	if err := holds(rp.checks.choice, p); err != nil {
		return assertion{}, err
	}
	p.stored, err = lookup(p.parsed.RawID, p.parsed.Response.UserHandle)
	if errors.Is(err, store.ErrNotFound) {
		return assertion{}, rp.refuseUnknown(p)
	}
	if err != nil {
		return assertion{}, fmt.Errorf("look up passkey: %w", err)
	}
	if err := holds(rp.checks.proof, p); err != nil {
		return assertion{}, err
	}
	used := p.stored.Credential
	used.SignCount, used.BackedUp = p.data.Counter, p.data.Flags.HasBackupState()
	return assertion{Credential: used, UserVerified: p.data.Flags.HasUserVerified()}, nil
}

// refuseUnknown refuses a credential that nobody has, and takes as long as one that somebody has: it makes the checks of a stored
// one, and forgets what came of them (I9). The signature is that of nearly every passkey there is.
func (rp *relyingParty) refuseUnknown(p proof) error {
	decoy, err := readCredential(rp.decoy)
	if err != nil {
		return err
	}
	decoy.ID, decoy.BackupEligible = p.parsed.RawID, p.data.Flags.HasBackupEligible()
	p.stored = storedCredential{Owner: p.parsed.Response.UserHandle, Credential: decoy}
	_ = holds(rp.checks.proof, p)
	return refusedUnknown
}

// newDecoy is the record of a credential that nobody has the key to.
func newDecoy() ([]byte, error) {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	point := key.PublicKey().Bytes() // 4, then x and y of 32 bytes each
	id := make([]byte, 32)
	_, _ = rand.Read(id) // never fails: the runtime stops the program instead
	return credential{
		Version: credentialVersion, ID: id, Algorithm: int64(webauthncose.AlgES256), AttestationFormat: "none",
		// A COSE_Key (RFC 9053 section 7.1.1): kind EC2, algorithm ES256, curve P-256, x, y.
		PublicKey: slices.Concat(
			[]byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20}, point[1:33], []byte{0x22, 0x58, 0x20}, point[33:],
		),
	}.record()
}

// minCredentialID is how long a credential's id is at least, in bytes: shorter ones are not one of a kind. The library knows the
// upper bound, 1023.
const minCredentialID = 16

// Bounds of a public key. A longer RSA key is slow to verify with, a shorter one weak; nothing else belongs into a key.
const (
	maxPublicKey             = 1024
	minRSABits, maxRSABits   = 2048, 4096
	minExponent, maxExponent = 3, math.MaxInt32
)

// soundKey reports whether a COSE key fits the signature it names and is not weak. Without an attestation nothing has been verified
// with it yet.
func soundKey(cose []byte) bool {
	key, err := webauthncose.ParsePublicKey(cose)
	if err != nil || len(cose) > maxPublicKey {
		return false
	}
	switch k := key.(type) {
	case webauthncose.EC2PublicKeyData, webauthncose.OKPPublicKeyData:
		return true // the library has compared algorithm, curve and point
	case webauthncose.RSAPublicKeyData:
		bits := new(big.Int).SetBytes(k.Modulus).BitLen()
		e, err := webauthncose.ParseRSAPublicKeyDataExponent(&k)
		return err == nil && k.Algorithm == int64(webauthncose.AlgRS256) &&
			bits >= minRSABits && bits <= maxRSABits && e >= minExponent && e <= maxExponent && e%2 == 1
	default:
		return false
	}
}

// plainAttestation reports whether the authenticator says nothing about itself, or only what its new key vouches for. Those are all
// the statements that browsers let through when none is asked for; the others hold certificates, which nobody here trusts, and whose
// dates the library would compare with the machine's clock.
func plainAttestation(r registration) bool {
	switch o := r.parsed.Response.AttestationObject; protocol.AttestationFormat(o.Format) {
	case protocol.AttestationFormatNone:
		return true // the library wants it empty
	case protocol.AttestationFormatPacked:
		for name := range o.AttStatement {
			if name != "alg" && name != "sig" {
				return false
			}
		}
		return true
	default:
		return false
	}
}

// verifyRegistration has the library make its checks: those above once more, that the browser and the authenticator name the same
// credential, and the attestation.
func verifyRegistration(r registration) bool {
	_, err := r.parsed.Verify(r.asked.Challenge.String(), r.rp.id, r.rp.origins, nil, nil, protocol.TopOriginExplicitVerificationMode,
		false, r.asked.VerifyUser, true, nil, keyParameters(), protocol.AttestationPolicy{}, protocol.SignaturePolicy{})
	return err == nil
}

// verifyProof has the library make its checks: those above once more, and the signature.
func verifyProof(p proof) bool {
	return p.parsed.Verify(p.asked.Challenge.String(), p.rp.id, "", p.rp.origins, nil, nil, protocol.TopOriginExplicitVerificationMode,
		false, p.asked.VerifyUser, true, p.stored.Credential.PublicKey, protocol.SignaturePolicy{}) == nil
}
