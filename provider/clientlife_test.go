package provider

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// rotate gives a client a new secret and keeps the former one until a moment.
func (b *machineBench) rotate(id string, until time.Time) (former string) {
	b.t.Helper()
	secret, hash := NewClientSecret()
	b.write(func(ctx context.Context, tx *store.Tx) error {
		row, err := tx.HoldClient(ctx, id)
		if err != nil {
			return err
		}
		now := b.clock()
		_, err = tx.SetClientSecret(ctx, store.SetClientSecretParams{
			ID: id, Version: row.UpdatedAt, SecretHash: hash, FormerSecretHash: row.SecretHash, FormerSecretUntil: &until, Now: &now,
		})
		return err
	})
	former, b.secrets[id] = b.secrets[id], secret
	return former
}

// disable takes a client out of use as the console does, without the replica of the bench hearing of it.
func (b *machineBench) disable(id string) {
	b.t.Helper()
	now := b.clock()
	b.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.SetClientDisabled(ctx, store.SetClientDisabledParams{ID: id, DisabledAt: &now, Now: now})
		_, gerr := tx.RevokeClientGrants(ctx, store.RevokeClientGrantsParams{ClientID: id, Now: &now})
		_, terr := tx.RevokeClientTokens(ctx, store.RevokeClientTokensParams{ClientID: id, Now: &now})
		return errors.Join(err, gerr, terr)
	})
}

func ownToken() url.Values { return url.Values{"grant_type": {"client_credentials"}} }

// with sends a client's request with another secret than its present one.
func (b *machineBench) with(client, secret string) int {
	b.t.Helper()
	now := b.secrets[client]
	defer func() { b.secrets[client] = now }()
	b.secrets[client] = secret
	return b.post(pathToken, client, ownToken()).Code
}

// While a secret is being replaced both count, to the moment that was chosen; its use is written down, and no version changes by it.
func TestFormerSecretCountsUntilItsEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		former := b.rotate("shop", b.clock().Add(time.Hour))
		if err := b.ReloadClients(t.Context()); err != nil {
			t.Fatal(err)
		}
		row := func() store.Client {
			t.Helper()
			c, err := db.Read().GetClient(t.Context(), "shop")
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		version := row().UpdatedAt
		if got := b.with("shop", b.secrets["shop"]); got != http.StatusOK || row().FormerSecretUsedAt != nil {
			t.Errorf("the new secret: %d, former one used at %v", got, row().FormerSecretUsedAt)
		}
		for _, step := range []struct {
			pass time.Duration
			code int
			used time.Duration // since the start
		}{
			{0, http.StatusOK, 0},
			{30 * time.Second, http.StatusOK, 0},
			{30 * time.Second, http.StatusOK, time.Minute},
			{59*time.Minute - time.Microsecond, http.StatusOK, time.Hour - time.Microsecond},
			{time.Microsecond, http.StatusUnauthorized, time.Hour - time.Microsecond},
		} {
			b.advance(step.pass)
			got, now := b.with("shop", former), row()
			if got != step.code || now.FormerSecretUsedAt == nil || !now.FormerSecretUsedAt.Equal(testStart.Add(step.used)) {
				t.Errorf("after %v more: %d, used at %v", step.pass, got, now.FormerSecretUsedAt)
			}
		}
		if !row().UpdatedAt.Equal(version) {
			t.Error("using it changed the client's version")
		}
		if got := b.with("shop", b.secrets["legacy"]); got != http.StatusUnauthorized {
			t.Errorf("a secret of another client: %d", got)
		}
	})
}

// Whoever ends the overlap has ended it on every replica, one that has not heard of it included.
func TestEndOfOverlapHoldsOnAReplicaThatHasNotHeard(t *testing.T) {
	b := newMachineBench(t, storetest.SQLite(t))
	former := b.rotate("shop", b.clock().Add(time.Hour))
	if err := b.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.EndFormerSecret(ctx, store.EndFormerSecretParams{ID: "shop", Now: b.clock()})
		return err
	})
	if got := b.with("shop", former); got != http.StatusUnauthorized {
		t.Errorf("the former secret: %d", got)
	}
	if got := b.with("shop", b.secrets["shop"]); got != http.StatusOK {
		t.Errorf("the present secret: %d", got)
	}
}

// I11: when the change that disables or deletes a client is committed, nothing that it holds counts any more on any replica, whatever
// was being asked for at that moment.
func TestI11_DisabledClientHoldsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		first, _ := b.signIn("shop", testGrant{})
		var codes []string
		for range 8 {
			code, _ := b.authorize(testGrant{client: "shop", challenge: testChallenge})
			codes = append(codes, code)
		}
		answers := make(chan reply, len(codes)+2)
		var group sync.WaitGroup
		for _, code := range codes {
			group.Go(func() { answers <- b.redeemCode("shop", code, testVerifier) })
		}
		group.Go(func() { answers <- b.refreshWith("shop", first.str("refresh_token")) })
		group.Go(func() { answers <- b.post(pathToken, "shop", ownToken()) })
		b.disable("shop")
		group.Wait()
		close(answers)
		held := append([]reply{first}, collect(answers)...)
		for _, a := range held {
			access, refresh := a.str("access_token"), a.str("refresh_token")
			if access == "" {
				continue
			}
			if got := b.getUserinfo(access); got.Code != http.StatusUnauthorized {
				t.Errorf("an access token still counts: %d %s", got.Code, got.Body)
			}
			if got := b.post(pathIntrospect, "shop", url.Values{"token": {access}}); got.json["active"] != false {
				t.Errorf("introspection: %s", got.Body)
			}
			if refresh == "" {
				continue
			}
			if got := b.refreshWith("shop", refresh); got.Code != http.StatusBadRequest {
				t.Errorf("a refresh token still counts: %d %s", got.Code, got.Body)
			}
		}
		// A sign-in that a replica lets through which has not heard ends in a code without worth.
		late, _ := b.authorize(testGrant{client: "shop", challenge: testChallenge})
		if got := b.redeemCode("shop", late, testVerifier); got.Code != http.StatusBadRequest {
			t.Errorf("a late code: %d %s", got.Code, got.Body)
		}
		if err := b.ReloadClients(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := b.post(pathToken, "shop", ownToken()); got.Code != http.StatusUnauthorized {
			t.Errorf("a replica that has heard: %d %s", got.Code, got.Body)
		}
	})
}

func collect(c <-chan reply) (out []reply) {
	for r := range c {
		out = append(out, r)
	}
	return out
}
