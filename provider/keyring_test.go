package provider

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

func b64(v []byte) string { return base64.RawURLEncoding.EncodeToString(v) }

func TestI23_ForgedTokensAreRefused(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	r, _ := b.signIn("shop", testGrant{})
	good := r.str("id_token")
	if _, err := b.verifyHint(good, b.clock()); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	kid := func(alg string) *signingKey { return b.keys.current.Load().signers[alg][0] }
	head := func(v map[string]any) string {
		raw, _ := json.Marshal(v)
		return b64(raw)
	}
	es := kid(algES256)
	signedBy := func(key *signingKey, header string) string {
		input := header + "." + parts[1]
		sig, err := key.sign([]byte(input))
		if err != nil {
			t.Fatal(err)
		}
		return input + "." + b64(sig)
	}
	// HMAC with the public key as the secret: the oldest confusion there is.
	hs := head(map[string]any{"alg": "HS256", "kid": es.kid, "typ": "JWT"})
	jwk, err := publicJWK(es.kid, algES256, es.public).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, jwk)
	mac.Write([]byte(hs + "." + parts[1]))
	stranger, err := generateKey(algES256)
	if err != nil {
		t.Fatal(err)
	}
	foreign := &signingKey{private: stranger}
	embedded := jose.JSONWebKey{Key: stranger.Public()}

	sig := parts[2]
	forged := map[string]string{
		"empty":              "",
		"none":               head(map[string]any{"alg": "none", "typ": "JWT"}) + "." + parts[1] + ".",
		"none with our kid":  head(map[string]any{"alg": "none", "kid": es.kid, "typ": "JWT"}) + "." + parts[1] + ".",
		"HMAC":               hs + "." + parts[1] + "." + b64(mac.Sum(nil)),
		"other alg same kid": signedBy(es, head(map[string]any{"alg": algRS256, "kid": es.kid, "typ": "JWT"})),
		"our alg other kid":  parts[0][:len(parts[0])] + "." + parts[1] + "." + b64(mustSign(t, kid(algEdDSA), good)),
		"foreign key":        signedBy(foreign, parts[0]),
		"foreign kid":        signedBy(foreign, head(map[string]any{"alg": algES256, "kid": "stranger", "typ": "JWT"})),
		"embedded key":       signedBy(foreign, head(map[string]any{"alg": algES256, "kid": es.kid, "typ": "JWT", "jwk": embedded})),
		"wrong typ":          signedBy(es, head(map[string]any{"alg": algES256, "kid": es.kid, "typ": "at+jwt"})),
		"no typ":             signedBy(es, head(map[string]any{"alg": algES256, "kid": es.kid})),
		"crit":               signedBy(es, head(map[string]any{"alg": algES256, "kid": es.kid, "typ": "JWT", "crit": []string{"b64"}})),
		"truncated":          good[:len(good)-1],
		"signature half":     parts[0] + "." + parts[1] + "." + sig[:len(sig)/2],
		"no signature":       parts[0] + "." + parts[1],
		"empty signature":    parts[0] + "." + parts[1] + ".",
		"longer":             good + "A",
		"fourth part":        good + ".A",
		"line break":         good[:len(good)-4] + "\n" + good[len(good)-4:],
		"payload changed":    parts[0] + "." + b64([]byte(`{"iss":"`+testIssuer+`","sub":"x","aud":"shop","exp":1}`)) + "." + sig,
		"access token":       r.str("access_token"),
	}
	for name, token := range forged {
		if _, err := b.keys.Verify(token, typIDToken); !errors.Is(err, errTokenInvalid) {
			t.Errorf("%s: accepted, or failed otherwise: %v", name, err)
		}
	}
	// A bit beyond the last full byte is another spelling of the same signature.
	last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", good[len(good)-1])
	twin := good[:len(good)-1] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last^1])
	if _, err := b.keys.Verify(twin, typIDToken); err == nil {
		t.Error("a second spelling of the signature was accepted")
	}
	if _, err := b.keys.Verify(good); err == nil {
		t.Error("accepted without any type allowed")
	}
}

func mustSign(t *testing.T, key *signingKey, token string) []byte {
	t.Helper()
	sig, err := key.sign([]byte(token[:strings.LastIndexByte(token, '.')]))
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func TestI23_HintClaims(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	r, _ := b.signIn("legacy", testGrant{})
	b.advance(48 * time.Hour)
	hint, err := b.verifyHint(r.str("id_token"), b.clock())
	if err != nil || hint.Subject != string(b.account) || !slices.Equal(hint.Audience, []string{"legacy"}) || hint.SessionID == "" {
		t.Errorf("an expired hint still says who it is about: %+v, %v", hint, err)
	}
	now := b.clock()
	base := func() map[string]any {
		return map[string]any{"iss": testIssuer, "sub": "s", "aud": "shop", "exp": now.Unix(), "iat": now.Unix()}
	}
	for name, change := range map[string]func(map[string]any){
		"issuer":   func(c map[string]any) { c["iss"] = testIssuer + "/" },
		"subject":  func(c map[string]any) { delete(c, "sub") },
		"audience": func(c map[string]any) { c["aud"] = "unknown" },
		"expiry":   func(c map[string]any) { delete(c, "exp") },
		"future":   func(c map[string]any) { c["iat"] = now.Add(time.Hour).Unix() },
		"types":    func(c map[string]any) { c["sub"] = 1 },
	} {
		claims := base()
		if token, err := b.keys.Sign(algES256, typIDToken, claims); err != nil {
			t.Fatal(err)
		} else if _, err := b.verifyHint(token, now); err != nil {
			t.Fatalf("the unchanged token: %v", err)
		}
		change(claims)
		token, err := b.keys.Sign(algES256, typIDToken, claims)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.verifyHint(token, now); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestI23_RetiredKeysStayPublished(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		r, _ := b.signIn("shop", testGrant{})
		old := b.keys.current.Load().signers[algES256][0]
		row, err := b.keys.generateRow(algES256)
		if err != nil {
			t.Fatal(err)
		}
		due := b.clock().Add(2 * testRules().CacheFor)
		b.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InsertSigningKey(ctx, store.InsertSigningKeyParams{
				ID: row.ID, Alg: row.Alg, PublicJWK: row.PublicJWK, PrivateSealed: row.PrivateSealed, Now: b.clock(), SignsFrom: due,
			})
			return err
		})
		signer := func() string {
			t.Helper()
			if err := b.keys.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			key, err := b.keys.current.Load().signer(algES256, b.clock())
			if err != nil {
				t.Fatal(err)
			}
			return key.kid
		}
		if signer() != old.kid {
			t.Error("a key signs before verifiers could learn of it")
		}
		if !strings.Contains(string(b.keys.current.Load().jwks.body), row.ID) {
			t.Error("the next key is not published")
		}
		b.advance(2 * testRules().CacheFor)
		if signer() != row.ID {
			t.Error("the next key did not take over")
		}
		now, until := b.clock(), b.clock().Add(time.Hour)
		b.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.RetireSigningKey(ctx, store.RetireSigningKeyParams{Now: &now, PublishedUntil: &until, ID: old.kid})
			return err
		})
		signer()
		if b.keys.current.Load().byKID[old.kid].private != nil {
			t.Error("a retired key can still sign")
		}
		b.claims(r.str("id_token"), algES256) // verifies by the published key set
		if _, err := b.verifyHint(r.str("id_token"), b.clock()); err != nil {
			t.Errorf("a token of the retired key: %v", err)
		}
		b.advance(time.Hour)
		signer()
		if _, err := b.verifyHint(r.str("id_token"), b.clock()); err == nil {
			t.Error("a token of a key that is gone was accepted")
		}
	})
}

func TestKeysSurviveARestartAndAreSealed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		box := testBox(t)
		logger := slog.New(slog.DiscardHandler)
		clock := func() time.Time { return testStart }
		var kids []string
		for range 2 {
			k := newKeyring(db, box, testRules(), clock, logger)
			if err := k.load(t.Context()); err != nil {
				t.Fatal(err)
			}
			var got []string
			for kid := range k.current.Load().byKID {
				got = append(got, kid)
			}
			slices.Sort(got)
			if len(got) != 3 || kids != nil && !slices.Equal(got, kids) {
				t.Errorf("keys %v after %v", got, kids)
			}
			kids = got
		}
		if err := newKeyring(db, testBox(t), testRules(), clock, logger).load(t.Context()); err == nil {
			t.Error("keys opened under another master key")
		}
		// A sealed key moved to another row does not open there.
		rows, err := db.Read().ListSigningKeys(t.Context(), new(testStart))
		if err != nil {
			t.Fatal(err)
		}
		k := newKeyring(db, box, testRules(), clock, logger)
		rows[0].PrivateSealed = rows[1].PrivateSealed
		if _, err := k.parse(rows[0]); err == nil {
			t.Error("a swapped private key was accepted")
		}
		rows[1].PublicJWK = rows[2].PublicJWK
		if _, err := k.parse(rows[1]); err == nil {
			t.Error("a swapped public key was accepted")
		}
	})
}

func TestKeySetHoldsNoPrivatePart(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	r := b.do(httptest.NewRequest(http.MethodGet, PathJWKS, nil))
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(r.Body.Bytes(), &set); err != nil || len(set.Keys) != 3 {
		t.Fatalf("%v: %s", err, r.Body)
	}
	for _, key := range set.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k", "oth"} {
			if _, ok := key[private]; ok {
				t.Errorf("%s: member %s is public", key["alg"], private)
			}
		}
		if key["use"] != "sig" || key["kid"] == "" || key["alg"] == "" {
			t.Errorf("key: %v", key)
		}
	}
}

func TestServersThatStartAtOnceAgreeOnKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		box := testBox(t)
		if err := db.InTx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.InsertKeyset(t.Context(), store.InsertKeysetParams{Name: store.KeysetName, Wrapped: []byte("w"), Now: testStart})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		rings := make([]*Keyring, 6)
		var wg sync.WaitGroup
		for i := range rings {
			rings[i] = newKeyring(db, box, testRules(), func() time.Time { return testStart }, slog.New(slog.DiscardHandler))
			wg.Go(func() {
				if err := rings[i].load(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, k := range rings { // as the notification makes them do
			if err := k.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		rows, err := db.Read().ListSigningKeys(t.Context(), &testStart)
		if err != nil || len(rows) != len(signingAlgs()) {
			t.Errorf("%d keys for %d algorithms, %v", len(rows), len(signingAlgs()), err)
		}
		for _, alg := range signingAlgs() {
			token, err := rings[0].Sign(alg, typIDToken, map[string]string{"sub": "s"})
			if err != nil {
				t.Fatal(err)
			}
			for i, k := range rings {
				if _, err := k.Verify(token, typIDToken); err != nil {
					t.Errorf("ring %d: %v", i, err)
				}
				key, err := k.current.Load().signer(alg, testStart)
				if err != nil || !strings.HasPrefix(token, key.headers[typIDToken]+".") {
					t.Errorf("ring %d signs %s with another key", i, alg)
				}
			}
		}
	})
}
