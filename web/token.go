package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// tokenBytes of randomness make a secret that may be stored as a plain SHA-256.
const tokenBytes = 32

// NewToken makes a bearer secret and the hash under which it is stored.
func NewToken() (secret string, hash []byte) {
	var b [tokenBytes]byte
	_, _ = rand.Read(b[:]) // never fails: the runtime stops the program instead
	secret = base64.RawURLEncoding.EncodeToString(b[:])
	return secret, HashToken(secret)
}

// HashToken returns what is stored for a bearer secret.
func HashToken(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// plausibleToken keeps values that NewToken cannot have made away from the database.
func plausibleToken(s string) bool {
	if len(s) != base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return false
	}
	_, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil
}
