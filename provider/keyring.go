package provider

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/store"
)

// The signature algorithms a client can choose (RFC 7518 §3.1, RFC 8037). All are asymmetric; "none" and the HMAC ones do not
// exist here.
const (
	algES256 = "ES256"
	algRS256 = "RS256"
	algEdDSA = "EdDSA"
)

func signingAlgs() []string { return []string{algES256, algRS256, algEdDSA} }

// rsaBits is the size of new RSA keys. 4096 would cost five times as much per token, for a margin these short-lived tokens
// do not need.
const rsaBits = 2048

// The typ of ID tokens, logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4), access tokens (RFC 9068 §2.1), and signed answers of
// userinfo and introspection (RFC 9701 §5). Each kind of token we sign has its own, so that none passes for another (RFC 8725 §3.11).
const (
	typIDToken       = "JWT"
	typLogoutToken   = "logout+jwt"
	typAccessToken   = "at+jwt"
	typUserinfo      = "userinfo+jwt"
	typIntrospection = "token-introspection+jwt"
)

func tokenTypes() []string {
	return []string{typIDToken, typLogoutToken, typSecurityEvent, typAccessToken, typUserinfo, typIntrospection}
}

var (
	errNoKey        = errors.New("no signing key for the algorithm")
	errTokenInvalid = errors.New("token not accepted")
)

// Keyring holds the signing keys, parsed, in memory. It signs with the newest key of an algorithm whose time has come, publishes every
// key until the last token it signed is of no use any more, and makes those that are missing.
type Keyring struct {
	db      *store.DB
	box     *seal.Box
	rules   keys.Rules
	algs    []string
	newKey  func(alg string) (crypto.Signer, error)
	now     func() time.Time
	logger  *slog.Logger
	current atomic.Pointer[keySnapshot]
	loading sync.Mutex
}

// signingKey is one key pair. private is nil once the key has retired.
type signingKey struct {
	kid       string
	alg       string
	public    crypto.PublicKey
	private   crypto.Signer
	signsFrom time.Time
	headers   map[string]string // by typ: the encoded JOSE header of every token this key signs
}

type keySnapshot struct {
	rows  []store.SigningKey
	byKID map[string]*signingKey
	// signers are the keys that can sign, by algorithm, in the order in which they take over.
	signers map[string][]*signingKey
	// headers finds the key of a token by its whole encoded header, and with it typ.
	headers map[string]headerOf
	jwks    *document
}

type headerOf struct {
	key *signingKey
	typ string
}

// newKeyring returns a ring that has no key before load.
func newKeyring(db *store.DB, box *seal.Box, rules keys.Rules, now func() time.Time, logger *slog.Logger) *Keyring {
	k := &Keyring{db: db, box: box, rules: rules, algs: signingAlgs(), newKey: generateKey, now: now, logger: logger}
	k.current.Store(&keySnapshot{jwks: newDocument([]byte(`{"keys":[]}`), 0)})
	return k
}

// load reads the keys and makes the first one of each algorithm that has none.
func (k *Keyring) load(ctx context.Context) error {
	if err := k.Reload(ctx); err != nil {
		return err
	}
	missing := k.missing()
	if len(missing) == 0 {
		return nil
	}
	if err := k.do(ctx, missing); err != nil {
		return err
	}
	if missing = k.missing(); len(missing) > 0 {
		return fmt.Errorf("%w: %s", errNoKey, missing[0].Alg)
	}
	return nil
}

// missing are the algorithms that nothing can be signed with.
func (k *Keyring) missing() []keys.Step {
	due := k.rules.Due(k.current.Load().rows, k.algs, k.now())
	return slices.DeleteFunc(due, func(s keys.Step) bool { return s.Kind != keys.MakeFirst })
}

// Tend reads the keys again and does what is due in their life. Every replica calls it now and then; each step is done by one of them.
func (k *Keyring) Tend(ctx context.Context) error {
	if err := k.Reload(ctx); err != nil {
		return err
	}
	due := k.rules.Due(k.current.Load().rows, k.algs, k.now())
	if len(due) == 0 {
		return nil
	}
	return k.do(ctx, due)
}

// do does the steps that are still due once nobody else changes keys. Making keys takes a while, so it happens before the transaction.
func (k *Keyring) do(ctx context.Context, steps []keys.Step) error {
	made := map[string]store.InsertFirstSigningKeyParams{}
	for _, step := range steps {
		if step.Kind != keys.MakeFirst && step.Kind != keys.MakeNext {
			continue
		}
		var err error
		if made[step.Alg], err = k.generateRow(step.Alg); err != nil {
			return err
		}
	}
	now := k.now().UTC().Truncate(time.Microsecond)
	err := k.db.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.LockKeyset(ctx, store.KeysetName); err != nil {
			return fmt.Errorf("wait for other servers: %w", err)
		}
		rows, err := tx.ListSigningKeys(ctx, &now)
		if err != nil {
			return err
		}
		for _, step := range k.rules.Due(rows, k.algs, now) {
			if !slices.ContainsFunc(steps, step.Same) {
				continue // found due only now, and not prepared
			}
			if err := k.doStep(ctx, tx, step, made, now); err != nil {
				return err
			}
		}
		return tx.Notify(ctx, store.KeysChannel, "")
	})
	if err != nil {
		return fmt.Errorf("change signing keys: %w", err)
	}
	// Another server may have been quicker; what is in the table now is what counts.
	return k.Reload(ctx)
}

// doStep writes one step down.
func (k *Keyring) doStep(
	ctx context.Context, tx *store.Tx, step keys.Step, made map[string]store.InsertFirstSigningKeyParams, now time.Time,
) error {
	row := made[step.Alg]
	row.Now = now
	event := audit.Event{Type: audit.KeyCreate, Result: audit.Success, Actor: audit.System(), Target: step.Alg + " " + row.ID}
	var n int64
	var err error
	switch step.Kind {
	case keys.MakeFirst:
		n, err = tx.InsertFirstSigningKey(ctx, row)
	case keys.MakeNext:
		n, err = tx.InsertSigningKey(ctx, store.InsertSigningKeyParams{
			ID: row.ID, Alg: row.Alg, PublicJWK: row.PublicJWK, PrivateSealed: row.PrivateSealed, Now: now, SignsFrom: step.At,
		})
	case keys.Retire:
		event.Type, event.Target = audit.KeyRetire, step.Alg+" "+step.ID
		n, err = tx.RetireSigningKey(ctx, store.RetireSigningKeyParams{ID: step.ID, Now: &now, PublishedUntil: &step.At})
	case keys.Plan:
		_, err = tx.PlanSigningKey(ctx, store.PlanSigningKeyParams{ID: step.ID, SignsFrom: step.At})
	}
	if err != nil || n == 0 {
		return err
	}
	return audit.Write(ctx, tx, now, event)
}

func (k *Keyring) generateRow(alg string) (store.InsertFirstSigningKeyParams, error) {
	private, err := k.newKey(alg)
	if err != nil {
		return store.InsertFirstSigningKeyParams{}, fmt.Errorf("generate %s key: %w", alg, err)
	}
	kid, err := thumbprint(private.Public())
	if err != nil {
		return store.InsertFirstSigningKeyParams{}, err
	}
	jwk, err := publicJWK(kid, alg, private.Public()).MarshalJSON()
	if err != nil {
		return store.InsertFirstSigningKeyParams{}, fmt.Errorf("encode public key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return store.InsertFirstSigningKeyParams{}, fmt.Errorf("encode private key: %w", err)
	}
	sealed, err := k.box.Seal(der, keyPlace(kid))
	if err != nil {
		return store.InsertFirstSigningKeyParams{}, err
	}
	return store.InsertFirstSigningKeyParams{ID: kid, Alg: alg, PublicJWK: jwk, PrivateSealed: sealed, Now: k.now()}, nil
}

func generateKey(alg string) (crypto.Signer, error) {
	switch alg {
	case algES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case algRS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case algEdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	default:
		return nil, fmt.Errorf("unknown algorithm %q", alg)
	}
}

func keyPlace(kid string) seal.Place { return seal.Place{Table: "signing_keys", Row: kid} }

func publicJWK(kid, alg string, public crypto.PublicKey) jose.JSONWebKey {
	return jose.JSONWebKey{Key: public, KeyID: kid, Algorithm: alg, Use: "sig"}
}

// thumbprint is the kid: it names the key itself (RFC 7638), so that one kid can never stand for two keys.
func thumbprint(public crypto.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("compute key thumbprint: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// Reload reads the keys again.
func (k *Keyring) Reload(ctx context.Context) error {
	k.loading.Lock()
	defer k.loading.Unlock()
	now := k.now()
	rows, err := k.db.Read().ListSigningKeys(ctx, &now)
	if err != nil {
		return fmt.Errorf("load signing keys: %w", err)
	}
	old := k.current.Load()
	next := &keySnapshot{
		rows:    rows,
		byKID:   make(map[string]*signingKey, len(rows)),
		signers: make(map[string][]*signingKey),
		headers: make(map[string]headerOf),
	}
	set := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 0, len(rows))}
	for _, row := range rows {
		key, ok := old.byKID[row.ID]
		if !ok || !key.signsFrom.Equal(row.SignsFrom) || (key.private != nil) != (row.PrivateSealed != nil && row.RetiredAt == nil) {
			if key, err = k.parse(row); err != nil {
				return err
			}
		}
		next.byKID[key.kid] = key
		if key.private != nil {
			next.signers[key.alg] = append(next.signers[key.alg], key)
		}
		for typ, header := range key.headers {
			next.headers[header] = headerOf{key, typ}
		}
		set.Keys = append(set.Keys, publicJWK(key.kid, key.alg, key.public))
	}
	body, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("encode key set: %w", err)
	}
	next.jwks = newDocument(body, k.rules.CacheFor)
	k.current.Store(next)
	return nil
}

// parse opens a row's key. A public key that is not the one its kid names was not stored by us.
func (k *Keyring) parse(row store.SigningKey) (*signingKey, error) {
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(row.PublicJWK); err != nil {
		return nil, fmt.Errorf("read signing key %s: %w", row.ID, err)
	}
	kid, err := thumbprint(jwk.Key)
	if err != nil {
		return nil, err
	}
	if kid != row.ID || algOf(jwk.Key) != row.Alg {
		return nil, fmt.Errorf("signing key %s is not the key its row names", row.ID)
	}
	key := &signingKey{
		kid: kid, alg: row.Alg, public: jwk.Key, signsFrom: row.SignsFrom,
		headers: make(map[string]string),
	}
	for _, typ := range tokenTypes() {
		if key.headers[typ], err = encodeHeader(key.alg, kid, typ); err != nil {
			return nil, err
		}
	}
	if row.PrivateSealed == nil || row.RetiredAt != nil {
		return key, nil
	}
	der, err := k.box.Open(row.PrivateSealed, keyPlace(kid))
	if err != nil {
		return nil, fmt.Errorf("open signing key %s: %w", kid, err)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("read signing key %s: %w", kid, err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("signing key %s cannot sign", kid)
	}
	if other, err := thumbprint(signer.Public()); err != nil || other != kid {
		return nil, fmt.Errorf("signing key %s does not fit its public part", kid)
	}
	key.private = signer
	return key, nil
}

func algOf(public crypto.PublicKey) string {
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		if p.Curve == elliptic.P256() {
			return algES256
		}
	case *rsa.PublicKey:
		return algRS256
	case ed25519.PublicKey:
		return algEdDSA
	}
	return ""
}

func encodeHeader(alg, kid, typ string) (string, error) {
	raw, err := json.Marshal(struct {
		Alg string `json:"alg"`
		KID string `json:"kid"`
		Typ string `json:"typ"`
	}{alg, kid, typ})
	if err != nil {
		return "", fmt.Errorf("encode token header: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// Run keeps the keys up to date until ctx ends, and does what is due in their life.
func (k *Keyring) Run(ctx context.Context) {
	var tending sync.WaitGroup
	tending.Go(func() { k.tendAlways(ctx) })
	defer tending.Wait()
	k.db.Follow(ctx, store.KeysChannel, pollInterval, k.load)
}

func (k *Keyring) tendAlways(ctx context.Context) {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	healthy := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
		err := k.Tend(ctx)
		if err != nil && healthy && ctx.Err() == nil && !errors.Is(err, store.ErrUnavailable) {
			k.logger.ErrorContext(ctx, "signing keys not tended", "error", err)
		}
		healthy = err == nil
	}
}

// Sign makes a signed token of a kind with the newest key of the algorithm.
func (k *Keyring) Sign(alg, typ string, claims any) (string, error) {
	key, err := k.current.Load().signer(alg, k.now())
	if err != nil {
		return "", err
	}
	header, ok := key.headers[typ]
	if !ok {
		return "", fmt.Errorf("sign token: unknown type %q", typ)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	enc := base64.RawURLEncoding
	token := make([]byte, 0, len(header)+2+enc.EncodedLen(len(payload))+enc.EncodedLen(rsaBits/8))
	token = append(token, header...)
	token = append(token, '.')
	token = enc.AppendEncode(token, payload)
	signature, err := key.sign(token)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	token = append(token, '.')
	return string(enc.AppendEncode(token, signature)), nil
}

// signer returns the key that took over last. One that is published but not yet due waits, so that verifiers can learn of it, unless
// there is no other: then the one before was revoked by a server whose clock is a little ahead.
func (s *keySnapshot) signer(alg string, now time.Time) (*signingKey, error) {
	line := s.signers[alg]
	for _, key := range slices.Backward(line) {
		if !key.signsFrom.After(now) {
			return key, nil
		}
	}
	if len(line) > 0 {
		return line[0], nil
	}
	return nil, fmt.Errorf("%w: %s", errNoKey, alg)
}

func (k *signingKey) sign(input []byte) ([]byte, error) {
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		digest := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		if err != nil {
			return nil, err
		}
		// RFC 7518 §3.4: both halves at full length.
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out, nil
	case *rsa.PrivateKey:
		digest := sha256.Sum256(input)
		return rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:])
	case ed25519.PrivateKey:
		return ed25519.Sign(private, input), nil
	default:
		return nil, errNoKey
	}
}

// Verify returns the payload of a token that we signed ourselves and that is of one of the kinds named. It reads nothing of a
// token before its signature holds: the header must be, byte for byte, one that we write, which settles algorithm, key and
// type at once and leaves no field for an attacker to fill. Claims are the caller's to check.
func (k *Keyring) Verify(token string, types ...string) ([]byte, error) {
	header, _, _ := strings.Cut(token, ".")
	found, ok := k.current.Load().headers[header]
	if !ok {
		return nil, fmt.Errorf("%w: header is not ours", errTokenInvalid)
	}
	if !slices.Contains(types, found.typ) {
		return nil, fmt.Errorf("%w: type %q", errTokenInvalid, found.typ)
	}
	// Its one key, under its one algorithm.
	_, claims, err := verifyJWS(token, []jose.JSONWebKey{publicJWK(found.key.kid, found.key.alg, found.key.public)}, []string{found.key.alg})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errTokenInvalid, err)
	}
	return claims, nil
}

// halfHash is the at_hash of OpenID Connect Core §3.1.3.6: the left half of the token's hash, by the hash of the algorithm.
func halfHash(alg, token string) string {
	var sum []byte
	switch alg {
	case algEdDSA: // Ed25519 hashes with SHA-512
		s := sha512.Sum512([]byte(token))
		sum = s[:]
	default:
		s := sha256.Sum256([]byte(token))
		sum = s[:]
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
