package keys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/futakagi/futakagi/store"
)

var (
	// ErrNoNext says that an algorithm has no key yet that could take over; servers make one within seconds.
	ErrNoNext = errors.New("there is no next signing key yet")
	// ErrGone says that a key is neither in use nor published any more.
	ErrGone = errors.New("the signing key is gone already")
)

// Unplanned is when a key takes over that waits for an operator's word.
var Unplanned = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Rules say how long each part of a key's life is.
type Rules struct {
	// Every is how long a key signs before the next one takes over; 0: until an operator says so.
	Every time.Duration
	// CacheFor is how long verifiers may keep the published keys.
	CacheFor time.Duration
	// TokenLife is how long something signed can be of use.
	TokenLife time.Duration
	// Skew is how far the clocks of two servers may be apart.
	Skew time.Duration
}

// Lead is how long a key is published at least before it signs, so that every verifier knows it by then.
func (r Rules) Lead() time.Duration { return 2 * r.CacheFor }

// State is where a signing key stands.
type State string

// The states, in the order of a life.
const (
	Waiting State = "waiting" // published, signs later
	Signing State = "signing"
	Retired State = "retired" // signs no more, still published
	Gone    State = "gone"    // not published any more
	Revoked State = "revoked" // taken back by an operator
)

// StatesOf tells where each of the keys stands. All keys of an algorithm that are not retired must be among them.
func StatesOf(rows []store.SigningKey, now time.Time) map[string]State {
	states := make(map[string]State, len(rows))
	for _, k := range rows {
		switch {
		case k.RevokedAt != nil:
			states[k.ID] = Revoked
		case k.PublishedUntil != nil && !k.PublishedUntil.After(now):
			states[k.ID] = Gone
		case k.RetiredAt != nil:
			states[k.ID] = Retired
		default:
			states[k.ID] = Waiting
		}
	}
	for _, line := range lines(rows) {
		states[line[signer(line, now)].ID] = Signing
		for _, past := range line[:signer(line, now)] {
			states[past.ID] = Retired // within the skew: another server may still sign with it
		}
	}
	return states
}

// lines are the keys that are not retired, by algorithm, in the order in which they sign.
func lines(rows []store.SigningKey) map[string][]store.SigningKey {
	byAlg := map[string][]store.SigningKey{}
	for _, k := range rows {
		if k.RetiredAt == nil {
			byAlg[k.Alg] = append(byAlg[k.Alg], k)
		}
	}
	for _, line := range byAlg {
		slices.SortFunc(line, func(a, b store.SigningKey) int {
			return cmp.Or(a.SignsFrom.Compare(b.SignsFrom), cmp.Compare(a.ID, b.ID))
		})
	}
	return byAlg
}

// signer is the place of the key in a line that signs: the last whose time has come, or the first if there is none.
func signer(line []store.SigningKey, now time.Time) int {
	for i, k := range slices.Backward(line) {
		if !k.SignsFrom.After(now) {
			return i
		}
	}
	return 0
}

// Kind is what a step does.
type Kind int

// The steps there are.
const (
	// MakeFirst makes a key that signs at once: the algorithm has none.
	MakeFirst Kind = iota
	// MakeNext makes the key that waits behind the one that signs.
	MakeNext
	// Plan changes when the waiting key takes over.
	Plan
	// Retire ends a key whose successor signs.
	Retire
)

// Step is one thing that is due.
type Step struct {
	Kind Kind
	Alg  string
	// ID is the key of Plan and Retire.
	ID string
	// At is when the key of MakeNext and Plan takes over, and until when that of Retire is published.
	At time.Time
}

// Same reports whether two steps do the same, be it at other times.
func (s Step) Same(other Step) bool {
	return s.Kind == other.Kind && s.Alg == other.Alg && s.ID == other.ID
}

// Due says what is to be done now, given the keys that are published, for every algorithm to have one key that signs and one that
// waits.
func (r Rules) Due(rows []store.SigningKey, algs []string, now time.Time) []Step {
	var due []Step
	byAlg := lines(rows)
	for _, alg := range algs {
		line := byAlg[alg]
		if len(line) == 0 {
			due = append(due, Step{Kind: MakeFirst, Alg: alg})
			continue
		}
		at := signer(line, now)
		current := line[at]
		for _, past := range line[:at] {
			if !current.SignsFrom.Add(r.Skew).After(now) {
				due = append(due, Step{Kind: Retire, Alg: alg, ID: past.ID, At: now.Add(r.TokenLife + r.Skew)})
			}
		}
		if at == len(line)-1 {
			due = append(due, Step{Kind: MakeNext, Alg: alg, At: r.takesOver(current, now)})
			continue
		}
		next := line[at+1]
		if want := r.takesOver(current, next.CreatedAt); next.AskedAt == nil && !want.Equal(next.SignsFrom) {
			due = append(due, Step{Kind: Plan, Alg: alg, ID: next.ID, At: want})
		}
	}
	return due
}

// takesOver is when a key made at a time takes over from another by the schedule.
func (r Rules) takesOver(from store.SigningKey, made time.Time) time.Time {
	if r.Every == 0 {
		return Unplanned
	}
	at, soonest := from.SignsFrom.Add(r.Every), made.Add(r.Lead())
	if at.Before(soonest) {
		return soonest
	}
	return at
}

// Change is what became of a signing key.
type Change struct {
	// ID and Alg name the key: the one that takes over, or the one that was revoked.
	ID  string
	Alg string
	// Former is the key that it takes over from, or that takes over from it; empty if there is none.
	Former string
	// At is when.
	At time.Time
}

// Rotate lets the waiting key of an algorithm take over, or of every one if alg is empty: now, or as soon as every verifier knows it. It
// fails with [ErrNoNext].
func (r Rules) Rotate(ctx context.Context, tx *store.Tx, alg string, now time.Time) ([]Change, error) {
	rows, err := locked(ctx, tx, now)
	if err != nil {
		return nil, err
	}
	changes, err := r.Next(rows, alg, now)
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		if _, err := tx.AskForSigningKey(ctx, store.AskForSigningKeyParams{ID: c.ID, SignsFrom: c.At, Now: &now}); err != nil {
			return nil, fmt.Errorf("let signing key take over: %w", err)
		}
	}
	return changes, tx.Notify(ctx, store.KeysChannel, "")
}

// Next is what [Rules.Rotate] would do now, given the keys that are published.
func (r Rules) Next(rows []store.SigningKey, alg string, now time.Time) ([]Change, error) {
	byAlg := lines(rows)
	var changes []Change
	for _, name := range slices.Sorted(maps.Keys(byAlg)) {
		if alg != "" && name != alg {
			continue
		}
		line := byAlg[name]
		at := signer(line, now)
		if at == len(line)-1 {
			return nil, ErrNoNext
		}
		next := line[at+1]
		c := Change{ID: next.ID, Alg: name, Former: line[at].ID, At: now}
		if soonest := next.CreatedAt.Add(r.Lead()); c.At.Before(soonest) {
			c.At = soonest
		}
		changes = append(changes, c)
	}
	if len(changes) == 0 {
		return nil, ErrNoNext
	}
	return changes, nil
}

// Revoke takes a key back at once: it neither signs nor is published from the commit on, and if it was the one that signs, the next one
// does, however short it has been published. It fails with [store.ErrNotFound] or [ErrGone].
func Revoke(ctx context.Context, tx *store.Tx, id string, now time.Time) (Change, error) {
	rows, err := locked(ctx, tx, now)
	if err != nil {
		return Change{}, err
	}
	key, err := tx.GetSigningKey(ctx, id)
	if err != nil {
		return Change{}, err
	}
	n, err := tx.RevokeSigningKey(ctx, store.RevokeSigningKeyParams{ID: id, Now: &now})
	if err != nil {
		return Change{}, fmt.Errorf("revoke signing key: %w", err)
	}
	if n == 0 {
		return Change{}, ErrGone
	}
	c := Change{ID: id, Alg: key.Alg, At: now}
	line := lines(rows)[key.Alg]
	if len(line) > 0 && line[signer(line, now)].ID == id {
		if c.Former, err = succeed(ctx, tx, line, id, now); err != nil {
			return Change{}, err
		}
	}
	return c, tx.Notify(ctx, store.KeysChannel, "")
}

// succeed makes the key that waits behind a revoked one sign. What signed before the revoked one, and is within the skew, does not come
// back: it was to retire.
func succeed(ctx context.Context, tx *store.Tx, line []store.SigningKey, id string, now time.Time) (string, error) {
	for i, k := range line {
		if k.ID != id || i == len(line)-1 {
			continue
		}
		next := line[i+1].ID
		_, err := tx.AskForSigningKey(ctx, store.AskForSigningKeyParams{ID: next, SignsFrom: now, Now: &now})
		if err != nil {
			return "", fmt.Errorf("let signing key take over: %w", err)
		}
		return next, nil
	}
	return "", nil // servers make another at once
}

// locked reads the published keys; until the transaction ends nobody else changes them.
func locked(ctx context.Context, tx *store.Tx, now time.Time) ([]store.SigningKey, error) {
	if _, err := tx.LockKeyset(ctx, store.KeysetName); err != nil {
		return nil, fmt.Errorf("wait for other servers: %w", err)
	}
	rows, err := tx.ListSigningKeys(ctx, &now)
	if err != nil {
		return nil, fmt.Errorf("list signing keys: %w", err)
	}
	return rows, nil
}
