package testapp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"sync"
)

// rsaPool are the RSA keys that servers of one test process share: making one takes a fifth of a second, and each server needs two.
// No database gets the same one twice.
var rsaPool = struct {
	sync.Mutex
	keys []*rsa.PrivateKey
	used map[string]int // by database
}{used: map[string]int{}}

// keyPool makes signing keys for the servers of one database.
type keyPool struct{ url string }

func (p *keyPool) next(alg string) (crypto.Signer, error) {
	switch alg {
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case "RS256":
		return p.nextRSA()
	}
	return nil, fmt.Errorf("unknown algorithm %q", alg)
}

func (p *keyPool) nextRSA() (*rsa.PrivateKey, error) {
	rsaPool.Lock()
	defer rsaPool.Unlock()
	n := rsaPool.used[p.url]
	rsaPool.used[p.url]++
	if n == len(rsaPool.keys) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		rsaPool.keys = append(rsaPool.keys, key)
	}
	return rsaPool.keys[n], nil
}
