package mfa

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/google/uuid"
)

// credentialVersion says how a credential's record is written.
const credentialVersion = 1

// credential is a passkey or security key as the server knows it. None of it is secret: the private key never leaves the
// authenticator.
type credential struct {
	Version int `json:"v"`
	// ID is the authenticator's name for it. No two accounts may hold the same: the caller's unique index sees to that.
	ID protocol.URLEncodedBase64 `json:"id"`
	// PublicKey is a COSE_Key; Algorithm is the signature it is for.
	PublicKey protocol.URLEncodedBase64 `json:"public_key"`
	Algorithm int64                     `json:"alg"`
	// AAGUID is the authenticator's model, all zero when it does not say.
	AAGUID uuid.UUID `json:"aaguid"`
	// Transports and Attachment are how the browser reached it; unsigned.
	Transports []protocol.AuthenticatorTransport `json:"transports,omitempty"`
	Attachment protocol.AuthenticatorAttachment  `json:"attachment,omitempty"`
	// Discoverable is whether it can be found without knowing the account, nil when the browser does not say; unsigned.
	Discoverable *bool `json:"discoverable,omitempty"`
	// BackupEligible is whether it may leave its device, for good; BackedUp is whether it has, when last used.
	BackupEligible bool `json:"backup_eligible"`
	BackedUp       bool `json:"backed_up"`
	// VerifiedAtSetUp is whether the user was verified when it was made. It says that the authenticator can, and nothing about
	// any later use.
	VerifiedAtSetUp bool `json:"verified_at_set_up"`
	// SignCount is the authenticator's counter when last used, zero forever if it does not count.
	SignCount uint32 `json:"sign_count"`
	// AttestationFormat is what the authenticator said about itself in: "none" or "packed".
	AttestationFormat string `json:"attestation_format"`
}

// record is the credential as it is stored.
func (c credential) record() ([]byte, error) {
	record, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode passkey: %w", err)
	}
	return record, nil
}

// readCredential reads a stored record.
func readCredential(record []byte) (credential, error) {
	var c credential
	if err := json.Unmarshal(record, &c); err != nil {
		return credential{}, fmt.Errorf("read passkey: %w", err)
	}
	if c.Version != credentialVersion || len(c.ID) == 0 || len(c.PublicKey) == 0 {
		return credential{}, fmt.Errorf("read passkey: not a record of version %d", credentialVersion)
	}
	return c, nil
}

// newCredential is what a registration that passed every check made.
func newCredential(r registration) credential {
	flags := r.data.Flags
	c := credential{
		Version:           credentialVersion,
		ID:                r.data.AttData.CredentialID,
		PublicKey:         r.data.AttData.CredentialPublicKey,
		Algorithm:         int64(r.algorithm),
		Attachment:        r.parsed.AuthenticatorAttachment,
		Transports:        plainTransports(r.parsed.Response.Transports),
		Discoverable:      r.discoverable,
		BackupEligible:    flags.HasBackupEligible(),
		BackedUp:          flags.HasBackupState(),
		VerifiedAtSetUp:   flags.HasUserVerified(),
		SignCount:         r.data.Counter,
		AttestationFormat: r.parsed.Response.AttestationObject.Format,
	}
	copy(c.AAGUID[:], r.data.AttData.AAGUID)
	return c
}

// plainTransports keeps the transports that can be real. Browsers may name ones that are not known yet; a record must not grow with
// whatever is sent.
func plainTransports(sent []protocol.AuthenticatorTransport) []protocol.AuthenticatorTransport {
	const most, longest = 8, 32
	var kept []protocol.AuthenticatorTransport
	for _, t := range sent {
		plain := t != "" && len(t) <= longest && strings.Trim(string(t), "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
		if plain && len(kept) < most && !slices.Contains(kept, t) {
			kept = append(kept, t)
		}
	}
	return kept
}
