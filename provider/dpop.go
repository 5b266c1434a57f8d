package provider

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
)

const (
	// headerProof carries a proof, headerNonce the nonce that the next one must hold (RFC 9449 section 4.1 and 8.1).
	headerProof = "DPoP"
	headerNonce = "DPoP-Nonce"

	typProof      = "dpop+jwt"
	tokenTypeDPoP = "DPoP"
)

const (
	// maxProof bounds a proof. One with an RSA key of 4096 bits is about 2 KiB.
	maxProof = 6 << 10
	// maxProofID bounds jti. A UUID has 36 characters.
	maxProofID = 256
	// proofWindow is how far the clock of whoever made a proof may be off, and how long the proof counts. FAPI 2.0 demands that ten
	// seconds be forgiven and no more than sixty.
	proofWindow = time.Minute
	// proofMemory is how much longer a proof is remembered than it counts, for replicas whose clocks differ.
	proofMemory = time.Minute
	// proofsPerFlow is how many proofs of clients without a secret one network may send for each sign-in that it may begin.
	proofsPerFlow = 10
)

// proofAlgs are the algorithms of proofs (RFC 9449 section 4.2: asymmetric ones). RS256 is what some platforms have for keys that
// cannot be taken out.
func proofAlgs() []string { return []string{algES256, algES384, algEdDSA, algPS256, algRS256} }

// errProof says that a proof does not hold; its text is for the log.
var errProof = errors.New("proof not accepted")

func refuseProof(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errProof, fmt.Sprintf(format, args...))
}

// proof is a proof of possession that was made for the request it came with: its signature, method, address and time are right. What it
// says of nonce and access token, and that it counts once, are for the caller to see to.
type proof struct {
	key   string // thumbprint of the key (RFC 7638)
	alg   string
	id    string
	token string // hash of the access token it goes with
	nonce string
	made  time.Time
}

// readProof reads and verifies a proof for a request (RFC 9449 section 4.3).
func readProof(text, method, address string, now time.Time) (proof, error) {
	if len(text) > maxProof {
		return proof{}, refuseProof("too long")
	}
	payload, key, alg, err := openProof(text)
	if err != nil {
		return proof{}, err
	}
	members, err := parseObject(payload)
	if err != nil {
		return proof{}, refuseProof("%v", err)
	}
	var claims struct {
		id, method, address, token, nonce string
		made                              float64
	}
	for _, m := range []struct {
		name     string
		into     any
		optional bool
	}{
		{"jti", &claims.id, false},
		{"htm", &claims.method, false},
		{"htu", &claims.address, false},
		{"iat", &claims.made, false},
		{"ath", &claims.token, true},
		{"nonce", &claims.nonce, true},
	} {
		raw, ok := members[m.name]
		if !ok && m.optional {
			continue
		}
		if !ok || string(raw) == "null" || json.Unmarshal(raw, m.into) != nil {
			return proof{}, refuseProof("%s is missing or of the wrong type", m.name)
		}
	}
	// Beyond 2^40 seconds a number is no time, and its conversion no number.
	if math.Abs(claims.made) > 1<<40 {
		return proof{}, refuseProof("iat is no time")
	}
	made := time.Unix(int64(claims.made), 0)
	switch {
	case claims.id == "" || len(claims.id) > maxProofID:
		return proof{}, refuseProof("jti is empty or too long")
	case claims.method != method:
		return proof{}, refuseProof("made for another method")
	case !sameAddress(claims.address, address):
		return proof{}, refuseProof("made for another address")
	case made.Before(now.Add(-proofWindow)) || made.After(now.Add(proofWindow)):
		return proof{}, refuseProof("made too long ago, or in the future")
	}
	return proof{key: key, alg: alg, id: claims.id, token: claims.token, nonce: claims.nonce, made: made}, nil
}

// openProof verifies the signature of a proof with the key within, and returns what was signed, the key's thumbprint and the algorithm.
func openProof(text string) (payload []byte, thumbprint, alg string, err error) {
	jws, err := parseJWS(text, proofAlgs())
	if err != nil {
		return nil, "", "", refuseProof("%v", err)
	}
	var key jose.JSONWebKey
	switch {
	case jws.header.Type != typProof:
		return nil, "", "", refuseProof("typ is not %s", typProof)
	case jws.header.JWK == nil || key.UnmarshalJSON(jws.header.JWK) != nil || !key.Valid() || !key.IsPublic():
		return nil, "", "", refuseProof("jwk is no public key")
	case !usableKey(key.Key):
		return nil, "", "", refuseProof("the key is too small or large, or known to be weak")
	}
	// The key within is the one to verify with, whatever it is called.
	key.KeyID, jws.header.KeyID = "", ""
	if err := jws.verify([]jose.JSONWebKey{key}); err != nil {
		return nil, "", "", refuseProof("%v", err)
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, "", "", refuseProof("the key has no thumbprint")
	}
	return jws.payload, base64.RawURLEncoding.EncodeToString(sum), jws.header.Alg, nil
}

// sameAddress compares htu with the address of the request as RFC 9449 section 4.3 has it: after the normalisation of RFC 3986 section
// 6.2.2 and 6.2.3, and without query and fragment.
func sameAddress(htu, address string) bool {
	a, err := normalAddress(htu)
	if err != nil {
		return false
	}
	b, err := normalAddress(address)
	return err == nil && a == b
}

func normalAddress(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", err
	}
	if u.Host == "" || u.User != nil || u.Opaque != "" {
		return "", errors.New("not the address of a server")
	}
	// Parse has put the scheme into lower case, and unescaped the path: escaping it again makes every spelling the same.
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return "", errors.New("not of HTTP")
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return u.Scheme + "://" + host + normalPath(path), nil
}

// normalPath spells an escaped path in the one way that RFC 3986 section 6.2.2 has: what need not be escaped is not, and the digits of
// what is are capitals. An escaped slash stays what it is, which is no slash.
func normalPath(path string) string {
	const digits = "0123456789ABCDEF"
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		if path[i] != '%' || i+2 >= len(path) {
			out = append(out, path[i])
			continue
		}
		b, err := hex.DecodeString(path[i+1 : i+3])
		i += 2
		switch {
		case err != nil: // cannot be: the path was parsed
			return path
		case unreserved(b[0]):
			out = append(out, b[0])
		default:
			out = append(out, '%', digits[b[0]>>4], digits[b[0]&15])
		}
	}
	return string(out)
}

func unreserved(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-._~", b) >= 0
}

// proofOf reads the proof that a request carries, if any.
func (m *machine) proofOf(r *http.Request) (*proof, error) {
	lines := r.Header.Values(headerProof)
	switch {
	case len(lines) == 0:
		return nil, nil
	case len(lines) > 1:
		return nil, &protocolError{code: codeInvalidProof, reason: "more than one DPoP header"}
	}
	// Not the Host header: where we are is a matter of configuration (I24).
	address := strings.TrimSuffix(m.issuer, "/") + r.URL.EscapedPath()
	p, err := readProof(lines[0], r.Method, address, m.now())
	if err != nil {
		return nil, &protocolError{code: codeInvalidProof, reason: err.Error()}
	}
	return &p, nil
}

// useProof lets a proof count, once, and tells the client the nonce of its next one. Clients that must bind their tokens must use our
// nonces too; of others one that is there must be right.
func (m *machine) useProof(ctx context.Context, answer http.Header, c *Client, p *proof) error {
	if c.fapi() && !slices.Contains(client.FAPIAlgs(), p.alg) {
		return &protocolError{code: codeInvalidProof, reason: "an algorithm that FAPI 2.0 section 5.4.1 does not have"}
	}
	if p.nonce != "" || c.requiresDPoP() {
		current, right := m.nonces.check(p.nonce)
		if !current {
			answer.Set(headerNonce, m.nonces.now())
		}
		if !right {
			return &protocolError{code: codeUseNonce}
		}
	}
	sum := sha256.Sum256([]byte("dpop\x00" + p.key + "\x00" + p.id))
	arg := store.UseOnceParams{Key: sum[:], ExpiresAt: p.made.Add(proofWindow + proofMemory)}
	var n int64
	err := m.db.Once(ctx, func(q *store.Queries) error {
		var err error
		n, err = q.UseOnce(ctx, arg)
		return err
	})
	if err != nil {
		return fmt.Errorf("use proof: %w", err)
	}
	if n == 0 {
		return &protocolError{code: codeInvalidProof, reason: "used before"}
	}
	return nil
}

// proveAtClientEndpoint finds the key that an authenticated client proves to have; none if it brings no proof and needs none.
func (m *machine) proveAtClientEndpoint(r *http.Request, answer http.Header, c *Client, rule proofRule) (key string, err error) {
	p, err := m.proofOf(r)
	if err != nil {
		return "", err
	}
	if p == nil {
		if rule == proofDemanded && c.requiresDPoP() {
			return "", &protocolError{code: codeInvalidProof, reason: "this client must bind its tokens"}
		}
		return "", nil
	}
	if !c.confidential() {
		// Whoever knows the name of such a client can send proofs, and each is a row.
		if _, ok := m.proofBudget.take(audit.OriginOf(r.Context()).Network(), m.now()); !ok {
			return "", &protocolError{code: codeTooMany, reason: "too many proofs from this address"}
		}
	}
	return p.key, m.useProof(r.Context(), answer, c, p)
}

// presented is an access token as it came to a resource of ours.
type presented struct {
	token  string
	bound  bool // by the scheme DPoP
	proof  *proof
	answer http.Header
}

// allow decides whether an access token that is live may be used by whoever presents it: one that is bound to a key needs a proof of
// that key made for this token, and one that is bound to none is a bearer token and nothing else (RFC 9449 section 7.1).
func (m *machine) allow(ctx context.Context, t presented, clientID, key string) error {
	switch {
	case key == "" && !t.bound:
		return nil
	case key == "":
		return refuseToken("bound to no key, presented with one")
	case !t.bound:
		return refuseToken("bound to a key, presented as a bearer token")
	case t.proof == nil:
		return &protocolError{code: codeInvalidProof, reason: "the proof is missing"}
	case subtle.ConstantTimeCompare([]byte(t.proof.key), []byte(key)) != 1:
		return refuseToken("bound to another key")
	}
	sum := sha256.Sum256([]byte(t.token))
	if subtle.ConstantTimeCompare([]byte(t.proof.token), []byte(base64.RawURLEncoding.EncodeToString(sum[:]))) != 1 {
		return &protocolError{code: codeInvalidProof, reason: "ath is missing or of another access token"}
	}
	c, ok := m.clients.Lookup(clientID)
	if !ok {
		return refuseToken("its client is not active")
	}
	return m.useProof(ctx, t.answer, c, t.proof)
}

// tokenTypeFor names the way in which an access token is presented (RFC 9449 section 5).
func tokenTypeFor(key string) string {
	if key == "" {
		return tokenTypeBearer
	}
	return tokenTypeDPoP
}

// confirmation is what a token is bound to (RFC 7800 section 3.1, RFC 9449 section 6.1).
type confirmation struct {
	Thumbprint string `json:"jkt"`
}

func confirmationOf(key string) *confirmation {
	if key == "" {
		return nil
	}
	return &confirmation{Thumbprint: key}
}

// validThumbprint reports whether s can be the thumbprint of a key: the base64url SHA-256 of something.
func validThumbprint(s string) bool { return validChallenge(s) }

// challengeDPoP is the challenge that tells a client how tokens are bound (RFC 9449 section 7.1).
func challengeDPoP(code, description string) string {
	parts := []string{`DPoP realm="futakagi"`}
	if code != "" {
		parts = append(parts, `error="`+code+`"`, `error_description="`+description+`"`)
	}
	return strings.Join(append(parts, `algs="`+strings.Join(proofAlgs(), " ")+`"`), ", ")
}

// ofProof reports whether an error is about a proof.
func ofProof(code string) bool {
	return slices.Contains([]string{codeInvalidProof, codeUseNonce}, code)
}
