package provider

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// ringOn is a ring with a keyset to lock and two algorithms whose keys are made quickly.
func ringOn(t *testing.T, db *store.DB, rules keys.Rules, now func() time.Time) *Keyring {
	t.Helper()
	if err := db.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.InsertKeyset(t.Context(), store.InsertKeysetParams{Name: store.KeysetName, Wrapped: []byte("w"), Now: now()})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	k := newKeyring(db, testBox(t), rules, now, slog.New(slog.DiscardHandler))
	k.algs = []string{algES256, algEdDSA}
	if err := k.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}

// patient is a verifier that keeps the key set for as long as it may and never asks before, not even about a key it does not know.
type patient struct {
	set   jose.JSONWebKeySet
	until time.Time
}

func (p *patient) verify(t *testing.T, k *Keyring, token string, now time.Time) {
	t.Helper()
	if !now.Before(p.until) {
		if err := json.Unmarshal(k.current.Load().jwks.body, &p.set); err != nil {
			t.Fatal(err)
		}
		p.until = now.Add(k.rules.CacheFor)
	}
	sig, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	kid := sig.Signatures[0].Header.KeyID
	found := p.set.Key(kid)
	if len(found) != 1 {
		t.Fatalf("key %s is not known", kid)
	}
	if _, err := sig.Verify(found[0]); err != nil {
		t.Fatal(err)
	}
}

// I23, K-2: keys change every half minute, and no verifier meets one that it does not know, nor a living token whose key is gone.
func TestI23_RotationUnderPatientVerifiers(t *testing.T) {
	now := testStart
	rules := keys.Rules{Every: 30 * time.Second, CacheFor: 5 * time.Second, TokenLife: 20 * time.Second, Skew: 2 * time.Second}
	k := ringOn(t, storetest.SQLite(t), rules, func() time.Time { return now })
	verifiers := make([]patient, 5)
	kids := map[string]bool{}
	type issued struct {
		token string
		until time.Time
	}
	var living []issued
	for second := range 200 {
		now = now.Add(time.Second)
		look := k.Reload
		if second%3 == 0 { // servers act now and then
			look = k.Tend
		}
		if err := look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if second == 100 { // and an operator has them changed
			if err := k.db.InTx(t.Context(), func(tx *store.Tx) error {
				_, err := rules.Rotate(t.Context(), tx, "", now)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		for _, alg := range k.algs {
			token, err := k.Sign(alg, typIDToken, map[string]int{"n": second})
			if err != nil {
				t.Fatal(err)
			}
			header, _, _ := strings.Cut(token, ".")
			kids[header] = true
			living = append(living, issued{token, now.Add(rules.TokenLife)})
			if second < 1+second%5 {
				continue // verifiers come one after the other
			}
			verifiers[second%5].verify(t, k, token, now)
		}
		for _, one := range living { // whoever fetches the keys now knows what is alive
			if _, err := k.Verify(one.token, typIDToken); err != nil {
				t.Fatalf("second %d: a living token: %v", second, err)
			}
		}
		for len(living) > 0 && !living[0].until.After(now) {
			living = living[1:]
		}
		if second > 10 {
			for _, alg := range k.algs {
				states := keys.StatesOf(k.current.Load().rows, now)
				signing := 0
				for _, row := range k.current.Load().rows {
					if row.Alg == alg && states[row.ID] == keys.Signing {
						signing++
					}
				}
				if signing != 1 {
					t.Fatalf("second %d: %d keys sign %s", second, signing, alg)
				}
			}
		}
	}
	if len(kids) < 12 {
		t.Errorf("only %d keys signed", len(kids))
	}
	if n := len(k.current.Load().rows); n > 3*2*len(k.algs) {
		t.Errorf("%d keys are published", n)
	}
}

var rotation = flag.Duration("rotation", 0, "how long keys change under verifiers in real time; as short as will do if zero")

// The same in real time, with verifiers as relying parties have them. -rotation 1m lets keys change every three seconds for a minute.
func TestI23_RotationUnderRealVerifiers(t *testing.T) {
	// A token is verified at once, on a busy machine within the life of one.
	rules := keys.Rules{Every: 300 * time.Millisecond, CacheFor: 50 * time.Millisecond, TokenLife: 20 * time.Second, Skew: 20 * time.Millisecond}
	if *rotation >= 10*time.Second {
		rules = keys.Rules{Every: 3 * time.Second, CacheFor: 500 * time.Millisecond, TokenLife: 5 * time.Second, Skew: 200 * time.Millisecond}
	}
	k := ringOn(t, storetest.SQLite(t), rules, time.Now)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(k.current.Load().jwks.body)
	}))
	defer srv.Close()
	ctx, stop := context.WithTimeout(t.Context(), max(*rotation, time.Minute))
	defer stop()
	start := time.Now()
	var work sync.WaitGroup
	work.Go(func() {
		for ctx.Err() == nil {
			if err := k.Tend(t.Context()); err != nil {
				t.Error(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	var verified atomic.Int64
	var kids sync.Map
	signed := func() (n int) {
		kids.Range(func(any, any) bool { n++; return true })
		return n
	}
	const enoughKeys, enoughTokens = 3, 100
	for range 5 {
		work.Go(func() {
			set := oidc.NewRemoteKeySet(t.Context(), srv.URL)
			for ctx.Err() == nil {
				token, err := k.Sign(algES256, typIDToken, map[string]string{"sub": "s"})
				if err == nil {
					_, err = set.VerifySignature(t.Context(), token)
				}
				if err != nil {
					t.Error(err)
					return
				}
				header, _, _ := strings.Cut(token, ".")
				kids.Store(header, true)
				if verified.Add(1) >= enoughTokens && signed() >= enoughKeys && time.Since(start) >= *rotation {
					stop()
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	work.Wait()
	if signed() < enoughKeys || verified.Load() < enoughTokens {
		t.Errorf("%d keys, %d tokens verified", signed(), verified.Load())
	}
	t.Logf("%d keys signed, %d tokens were verified by five verifiers in %v", signed(), verified.Load(), time.Since(start))
}

// I23: what a revoked key signed is believed no more, and neither is what it signed a moment ago.
func TestI23_RevokedKeyIsNotBelieved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := testStart
		a := ringOn(t, db, testRules(), func() time.Time { return now })
		if err := a.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		// Another server's clock is behind.
		b := newKeyring(db, a.box, a.rules, func() time.Time { return now.Add(-30 * time.Second) }, a.logger)
		b.algs = a.algs
		if err := b.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		token, err := a.Sign(algES256, typIDToken, map[string]string{"sub": "s"})
		if err != nil {
			t.Fatal(err)
		}
		first, err := a.current.Load().signer(algES256, now)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second one before servers made another
			if err := db.InTx(t.Context(), func(tx *store.Tx) error {
				_, err := keys.Revoke(t.Context(), tx, first.kid, now)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			for i, k := range []*Keyring{a, b} {
				if err := k.load(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, err := k.Verify(token, typIDToken); !errors.Is(err, errTokenInvalid) {
					t.Errorf("ring %d: %v", i, err)
				}
				if strings.Contains(string(k.current.Load().jwks.body), first.kid) {
					t.Errorf("ring %d publishes it", i)
				}
			}
			if token, err = b.Sign(algES256, typIDToken, map[string]string{"sub": "s"}); err != nil {
				t.Fatal(err)
			}
			if _, err := a.Verify(token, typIDToken); err != nil {
				t.Errorf("the successor's token: %v", err)
			}
			if first, err = a.current.Load().signer(algES256, now); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Many servers find the same step due; one of them does it.
func TestOneServerDoesWhatIsDue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := testStart
		rings := []*Keyring{ringOn(t, db, testRules(), func() time.Time { return now })}
		for range 3 {
			k := newKeyring(db, rings[0].box, rings[0].rules, rings[0].now, rings[0].logger)
			k.algs = rings[0].algs
			if err := k.load(t.Context()); err != nil {
				t.Fatal(err)
			}
			rings = append(rings, k)
		}
		for _, d := range []time.Duration{0, 90 * 24 * time.Hour, time.Minute} {
			now = now.Add(d)
			var work sync.WaitGroup
			for _, k := range rings {
				work.Go(func() {
					if err := k.Tend(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			work.Wait()
		}
		rows, err := db.Read().ListNewestSigningKeys(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		var states []string
		for id, state := range keys.StatesOf(rows, now) {
			i := slices.IndexFunc(rows, func(r store.SigningKey) bool { return r.ID == id })
			states = append(states, rows[i].Alg+" "+string(state))
		}
		slices.Sort(states)
		want := []string{"ES256 retired", "ES256 signing", "ES256 waiting", "EdDSA retired", "EdDSA signing", "EdDSA waiting"}
		if !slices.Equal(states, want) {
			t.Errorf("%v, want %v", states, want)
		}
	})
}
