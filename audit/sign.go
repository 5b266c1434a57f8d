package audit

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
)

// The kinds of statement there are; a signature on one is worthless on another.
const (
	typCheckpoint = "futakagi-audit-checkpoint"
	typSweep      = "futakagi-audit-sweep"
	typExport     = "futakagi-audit-export"
)

// Signer signs statements about the log with the installation's own key.
type Signer struct {
	id      string
	private ed25519.PrivateKey
}

// ID names the key: the thumbprint of its public half (RFC 8037).
func (s *Signer) ID() string { return s.id }

// keyPlace binds the sealed private half to its row.
func keyPlace(id string) seal.Place { return seal.Place{Table: "audit_keys.private_sealed", Row: id} }

// OpenSigner returns the installation's newest key, and makes one at the first start.
func OpenSigner(ctx context.Context, db *store.DB, box *seal.Box, now time.Time) (*Signer, error) {
	keys, err := db.Read().ListAuditKeys(ctx)
	if err == nil && len(keys) == 0 {
		if err = makeKey(ctx, db, box, now); err == nil {
			keys, err = db.Read().ListAuditKeys(ctx)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("load audit key: %w", err)
	}
	row := keys[len(keys)-1]
	seed, err := box.Open(row.PrivateSealed, keyPlace(row.ID))
	if err != nil {
		return nil, fmt.Errorf("open audit key: %w", err)
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("open audit key %s: it has %d bytes", row.ID, len(seed))
	}
	private := ed25519.NewKeyFromSeed(seed)
	if id := thumbprint(private.Public().(ed25519.PublicKey)); id != row.ID {
		return nil, fmt.Errorf("audit key %s is another one: %s", row.ID, id)
	}
	return &Signer{id: row.ID, private: private}, nil
}

func makeKey(ctx context.Context, db *store.DB, box *seal.Box, now time.Time) error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	id := thumbprint(public)
	sealed, err := box.Seal(private.Seed(), keyPlace(id))
	if err != nil {
		return err
	}
	return db.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.InsertAuditKey(ctx, store.InsertAuditKeyParams{ID: id, PublicKey: public, PrivateSealed: sealed, Now: now}); err != nil {
			return err
		}
		return Write(ctx, tx, now, Event{
			Type: KeyCreate, Result: Success, Actor: System(), Target: id, Data: map[string]string{"alg": "EdDSA", "use": "audit"},
		})
	})
}

// thumbprint names a key after what it is (RFC 7638, RFC 8037).
func thumbprint(public ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + b64(public) + `"}`))
	return b64(sum[:])
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

type joseHeader struct {
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	Typ string `json:"typ"`
}

// sign makes a compact JWS (RFC 7515).
func (s *Signer) sign(typ string, claims any) (string, error) {
	header, err := json.Marshal(joseHeader{Alg: "EdDSA", Kid: s.id, Typ: typ})
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	input := b64(header) + "." + b64(payload)
	return input + "." + b64(ed25519.Sign(s.private, []byte(input))), nil
}

// verifier holds the public keys that are believed, by id.
type verifier map[string]ed25519.PublicKey

// loadKeys reads the keys of an installation. With pinned, only those count: whoever can write into the database can add a key.
func loadKeys(ctx context.Context, q *store.Queries, pinned []string) (verifier, error) {
	rows, err := q.ListAuditKeys(ctx)
	if err != nil {
		return nil, err
	}
	v := verifier{}
	for _, row := range rows {
		v[row.ID] = row.PublicKey
	}
	if len(pinned) == 0 {
		return v, nil
	}
	only := verifier{}
	for _, id := range pinned {
		if v[id] == nil {
			return nil, fmt.Errorf("the database holds no audit key %s", id)
		}
		only[id] = v[id]
	}
	return only, nil
}

var errSignature = errors.New("the signature is wrong")

// open checks a statement of one kind and reads what it says.
func (v verifier) open(typ, statement string, claims any) (kid string, err error) {
	parts := strings.Split(statement, ".")
	if len(parts) != 3 {
		return "", errors.New("there is no signature")
	}
	var raw [3][]byte
	for i, part := range parts {
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return "", errSignature
		}
	}
	var header joseHeader
	if json.Unmarshal(raw[0], &header) != nil || header.Alg != "EdDSA" || header.Typ != typ {
		return "", fmt.Errorf("this is no statement of the kind %s", typ)
	}
	key := v[header.Kid]
	if len(key) != ed25519.PublicKeySize || thumbprint(key) != header.Kid {
		return header.Kid, fmt.Errorf("it is signed by the key %s, which is not known", header.Kid)
	}
	if !ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), raw[2]) {
		return header.Kid, errSignature
	}
	if json.Unmarshal(raw[1], claims) != nil {
		return header.Kid, errSignature
	}
	return header.Kid, nil
}
