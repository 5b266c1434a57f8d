package keys_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func rules() keys.Rules {
	return keys.Rules{Every: 90 * 24 * time.Hour, CacheFor: 5 * time.Minute, TokenLife: 24 * time.Hour, Skew: time.Minute}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// key is a row of a key made at one time that signs from another.
func key(id string, made, from time.Duration, change ...func(*store.SigningKey)) store.SigningKey {
	k := store.SigningKey{ID: id, Alg: "ES256", CreatedAt: start.Add(made), SignsFrom: start.Add(from)}
	for _, f := range change {
		f(&k)
	}
	return k
}

func retired(k *store.SigningKey) { k.RetiredAt, k.PublishedUntil = &start, new(start.Add(time.Hour)) }
func asked(k *store.SigningKey)   { k.AskedAt = &start }

// I23: a key signs after it was published for two lifetimes of a cache, and goes after the last token it signed.
func TestI23_DueSteps(t *testing.T) {
	const day = 24 * time.Hour
	onDemand := rules()
	onDemand.Every = 0
	waits := key("b", 0, 90*day)
	for name, c := range map[string]struct {
		rules keys.Rules
		rows  []store.SigningKey
		at    time.Duration
		want  []keys.Step
	}{
		"nothing there":         {rules(), nil, 0, []keys.Step{{Kind: keys.MakeFirst, Alg: "ES256"}}},
		"the last one revoked":  {rules(), []store.SigningKey{key("a", 0, 0, retired)}, 0, []keys.Step{{Kind: keys.MakeFirst, Alg: "ES256"}}},
		"nobody waits":          {rules(), []store.SigningKey{key("a", 0, 0)}, time.Hour, []keys.Step{{Kind: keys.MakeNext, Alg: "ES256", At: start.Add(90 * day)}}},
		"late, and still known": {rules(), []store.SigningKey{key("a", 0, 0)}, 91 * day, []keys.Step{{Kind: keys.MakeNext, Alg: "ES256", At: start.Add(91*day + 10*time.Minute)}}},
		"without a schedule":    {onDemand, []store.SigningKey{key("a", 0, 0)}, 91 * day, []keys.Step{{Kind: keys.MakeNext, Alg: "ES256", At: keys.Unplanned}}},
		"all well":              {rules(), []store.SigningKey{key("a", 0, 0), waits}, day, nil},
		"another schedule": {
			onDemand,
			[]store.SigningKey{key("a", 0, 0), waits},
			day,
			[]keys.Step{{Kind: keys.Plan, Alg: "ES256", ID: "b", At: keys.Unplanned}},
		},
		"an operator's word stands": {onDemand, []store.SigningKey{key("a", 0, 0), key("b", 0, 90*day, asked)}, day, nil},
		"within the skew":           {rules(), []store.SigningKey{key("a", 0, 0), waits}, 90*day + 59*time.Second, []keys.Step{{Kind: keys.MakeNext, Alg: "ES256", At: start.Add(180 * day)}}},
		"taken over": {rules(), []store.SigningKey{key("a", 0, 0), waits}, 90*day + time.Minute, []keys.Step{
			{Kind: keys.Retire, Alg: "ES256", ID: "a", At: start.Add(90*day + time.Minute + day + time.Minute)},
			{Kind: keys.MakeNext, Alg: "ES256", At: start.Add(180 * day)},
		}},
	} {
		if got := c.rules.Due(c.rows, []string{"ES256"}, start.Add(c.at)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestStatesOfKeys(t *testing.T) {
	gone := func(k *store.SigningKey) { retired(k); k.PublishedUntil = &start }
	revoked := func(k *store.SigningKey) { gone(k); k.RevokedAt = &start }
	rows := []store.SigningKey{
		key("revoked", 0, 0, revoked), key("gone", 0, 0, gone), key("retired", 0, 0, retired), key("retires", 0, 0),
		key("signs", 0, 10*time.Minute), key("waits", 0, 3*time.Hour),
		{ID: "other", Alg: "RS256", SignsFrom: start.Add(5 * time.Hour)},
	}
	want := map[string]keys.State{
		"revoked": keys.Revoked, "gone": keys.Gone, "retired": keys.Retired, "retires": keys.Retired, "signs": keys.Signing,
		"waits": keys.Waiting, "other": keys.Signing,
	}
	if got := keys.StatesOf(rows, start.Add(30*time.Minute)); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// insert writes keys as rows.
func insert(t *testing.T, db *store.DB, rows ...store.SigningKey) {
	t.Helper()
	must(t, db.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.InsertKeyset(t.Context(), store.InsertKeysetParams{Name: store.KeysetName, Wrapped: []byte("w"), Now: start})
		for _, k := range rows {
			_, kerr := tx.InsertSigningKey(t.Context(), store.InsertSigningKeyParams{
				ID: k.ID, Alg: k.Alg, PublicJWK: []byte(`{}`), PrivateSealed: []byte("sealed"), Now: k.CreatedAt, SignsFrom: k.SignsFrom,
			})
			err = errors.Join(err, kerr)
		}
		return err
	}))
}

func TestRotateLetsTheWaitingKeyTakeOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		insert(t, db, key("a", 0, 0), key("b", 0, 1000*time.Hour), store.SigningKey{ID: "r", Alg: "RS256", CreatedAt: start, SignsFrom: start})
		rotate := func(alg string, at time.Duration) (changes []keys.Change, err error) {
			err = db.InTx(t.Context(), func(tx *store.Tx) error {
				changes, err = rules().Rotate(t.Context(), tx, alg, start.Add(at))
				return err
			})
			return changes, err
		}
		for alg, want := range map[string]error{"": keys.ErrNoNext, "RS256": keys.ErrNoNext, "EdDSA": keys.ErrNoNext} {
			if _, err := rotate(alg, time.Hour); !errors.Is(err, want) {
				t.Errorf("rotate %q: %v", alg, err)
			}
		}
		// Not before everybody knows the next key, and no later for being asked again.
		for at, want := range map[time.Duration]time.Duration{time.Minute: 10 * time.Minute, 2 * time.Minute: 10 * time.Minute} {
			got, err := rotate("ES256", at)
			if err != nil || len(got) != 1 || got[0] != (keys.Change{ID: "b", Alg: "ES256", Former: "a", At: start.Add(want)}) {
				t.Errorf("%+v, %v", got, err)
			}
		}
		k, err := db.Read().GetSigningKey(t.Context(), "b")
		if err != nil || !k.SignsFrom.Equal(start.Add(10*time.Minute)) || k.AskedAt == nil {
			t.Errorf("%+v, %v", k, err)
		}
	})
}

func TestRevokedKeyGivesWayAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		insert(t, db, key("a", 0, 0), key("b", time.Minute, 1000*time.Hour))
		now := start.Add(2 * time.Minute)
		revoke := func(id string) (c keys.Change, err error) {
			err = db.InTx(t.Context(), func(tx *store.Tx) error {
				c, err = keys.Revoke(t.Context(), tx, id, now)
				return err
			})
			return c, err
		}
		if _, err := revoke("none"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a key that never was: %v", err)
		}
		c, err := revoke("a")
		if err != nil || c != (keys.Change{ID: "a", Alg: "ES256", Former: "b", At: now}) {
			t.Errorf("%+v, %v", c, err)
		}
		if _, err := revoke("a"); !errors.Is(err, keys.ErrGone) {
			t.Errorf("again: %v", err)
		}
		rows, err := db.Read().ListSigningKeys(t.Context(), &now)
		if err != nil || len(rows) != 1 || rows[0].ID != "b" || !rows[0].SignsFrom.Equal(now) {
			t.Errorf("published: %+v, %v", rows, err)
		}
		k, err := db.Read().GetSigningKey(t.Context(), "a")
		if err != nil || k.PrivateSealed != nil || k.RevokedAt == nil || k.RetiredAt == nil {
			t.Errorf("%+v, %v", k, err)
		}
		// Nothing waits any more: servers make a key at once.
		if _, err := revoke("b"); err != nil {
			t.Fatal(err)
		}
		rows, err = db.Read().ListSigningKeys(t.Context(), &now)
		if due := rules().Due(rows, []string{"ES256"}, now); err != nil || len(due) != 1 || due[0].Kind != keys.MakeFirst {
			t.Errorf("due: %+v, %v", due, err)
		}
	})
}
