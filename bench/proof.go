package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// prover makes proofs of possession (RFC 9449).
type prover struct {
	key  *ecdsa.PrivateKey
	head string
}

func newProver() (*prover, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	b64 := base64.RawURLEncoding.EncodeToString
	head := fmt.Appendf(nil, `{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"%s","y":"%s"}}`, b64(point[1:33]), b64(point[33:]))
	return &prover{key, b64(head)}, nil
}

func (p *prover) proof(method, address string) (string, error) {
	claims, err := json.Marshal(map[string]any{"jti": rand.Text(), "htm": method, "htu": address, "iat": time.Now().Unix()})
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding.EncodeToString
	input := p.head + "." + b64(claims)
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, p.key, sum[:])
	if err != nil {
		return "", err
	}
	return input + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)), nil
}

// boundCredentials asks for a token that is bound to a key. Making the proof is the client's work and is not counted.
func boundCredentials(_ context.Context, p *person) (func(context.Context) error, error) {
	key, err := newProver()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"stock:read"}}.Encode()
	return func(ctx context.Context) error {
		proof, err := key.proof(http.MethodPost, p.t.Public+"/token")
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.t.Public+"/token", strings.NewReader(form))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("DPoP", proof)
		req.SetBasicAuth("ES256", secret)
		var got struct {
			Type string `json:"token_type"`
		}
		if _, err = p.send(req, http.StatusOK, &got); err == nil && got.Type != "DPoP" {
			err = fmt.Errorf("a token of type %q", got.Type)
		}
		return err
	}, err
}
