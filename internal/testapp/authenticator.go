package testapp

import (
	"crypto/hmac"
	"crypto/sha1" // what RFC 6238 and every authenticator app use
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Authenticator is an authenticator app with one account, written from RFC 4226 and RFC 6238 and from nothing of ours.
type Authenticator struct {
	seed []byte
	used int64
}

var setUpKey = regexp.MustCompile(`id="key"[^>]*>([A-Z2-7 ]+)<`)

// Scan reads the key that a set-up page shows.
func Scan(t testing.TB, page string) *Authenticator {
	t.Helper()
	m := setUpKey.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("the page shows no key")
	}
	return TypeIn(t, m[1])
}

// TypeIn sets the app up by a key in groups.
func TypeIn(t testing.TB, key string) *Authenticator {
	t.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(key, " ", ""))
	if err != nil {
		t.Fatalf("key %q: %v", key, err)
	}
	return &Authenticator{seed: seed}
}

// Holds reports whether text gives the app's seed away, raw or in base32.
func (a *Authenticator) Holds(text string) bool {
	return strings.Contains(text, string(a.seed)) || strings.Contains(text, base32.StdEncoding.EncodeToString(a.seed))
}

// Code is what the app shows at a time.
func (a *Authenticator) Code(at time.Time) string {
	mac := hmac.New(sha1.New, a.seed)
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30)
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 15
	n := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

// Fresh is a code that was not used yet. It moves a clock that stands still on to the next step where it must.
func (a *Authenticator) Fresh(c *Clock) string {
	for c.Now().Unix()/30 <= a.used {
		c.Advance(30 * time.Second)
	}
	a.used = c.Now().Unix() / 30
	return a.Code(c.Now())
}
