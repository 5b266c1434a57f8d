package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

// ErrBadCredentials says that no enabled account has this login ID and password. It never says which of them is wrong.
var ErrBadCredentials = errors.New("login ID or password is not right")

// A ThrottledError says that too many passwords were tried. It is the same for login IDs that exist and that do not.
type ThrottledError struct {
	// Until is when the next try is looked at.
	Until time.Time
}

func (e *ThrottledError) Error() string {
	return "too many password tries until " + e.Until.UTC().Format(time.RFC3339)
}

// The pauses after tries at one login ID from one client network. They are forgotten after a quiet quarter of an hour.
const (
	shortAfter = 5
	shortPause = time.Minute
	longAfter  = 10
	longPause  = 15 * time.Minute
	forget     = 15 * time.Minute
)

// The pause after tries at one login ID from all networks together. It bounds what many who guess together can try, and is short
// because it keeps the owner out too. Each starts a new count: a quiet minute, which the pause is, forgets the former one.
const (
	crowdAfter  = 100
	crowdPause  = time.Minute
	crowdForget = crowdPause - time.Microsecond
)

// addressWindow is what the budget of a client network is counted in, over all login IDs.
const addressWindow = 15 * time.Minute

// Why a password was not accepted, for the audit log alone.
const (
	reasonUnknown   = "unknown_account"
	reasonWrong     = "wrong_password"
	reasonDisabled  = "account_disabled"
	reasonThrottled = "throttled"
)

// Verify returns the enabled account that has this login ID and password. It fails with [ErrBadCredentials], with a
// [ThrottledError], or with [ErrBusy] when too many passwords are being checked; the answer and the time it takes are the same
// for login IDs that exist, that do not, and that are disabled. The try is counted before it is judged. Failures are audited
// here; whoever accepts the account calls [Service.RecordSuccess].
func (s *Service) Verify(ctx context.Context, kind, loginID, password string) (store.Account, error) {
	key, wellFormed := LoginKey(loginID)
	network := audit.OriginOf(ctx).Network()
	t := try{kind: kind, network: network, throttles: throttlesOf(kind, key, wellFormed, network)}
	if wellFormed {
		// Anything else is not written down: people type passwords into the wrong field.
		t.target = key
	}

	// A look without a lock first: what will be refused must not take a place in the queue.
	if refused, err := s.look(ctx, t); err != nil {
		return store.Account{}, err
	} else if refused != nil {
		return store.Account{}, s.refuse(ctx, t, refused)
	}

	var account store.Account
	found := false
	if wellFormed {
		var err error
		account, err = s.db.Read().GetAccountByLogin(ctx, store.GetAccountByLoginParams{Kind: kind, LoginKey: key})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return store.Account{}, fmt.Errorf("look up account: %w", err)
		}
		if found = err == nil; found {
			t.account = account.ID
		}
	}
	hash := s.usableHash(ctx, account, found)
	rest, err := s.hasher.rest(hash)
	if err != nil {
		return store.Account{}, err
	}

	// The place in the queue comes before the count: who is turned away by others' load has not used up a try.
	memory := max(hash.memory, rest.memory)
	if err := s.hasher.gate.enter(ctx, memory); err != nil {
		return store.Account{}, err
	}
	right, err := func() (bool, error) {
		defer s.hasher.gate.leave(memory)
		if err := s.count(ctx, t); err != nil {
			return false, err
		}
		if utf8.RuneCountInString(password) > MaxPassword {
			return false, nil // nobody has such a password; hashing it would cost what its sender decides
		}
		spellings := spellings(password)
		right, err := hash.matchAny(spellings)
		if (!right || account.DisabledAt != nil) && err == nil {
			// What is refused takes as long for every account, and for none.
			_, err = rest.matchAny(spellings)
		}
		return right, err
	}()
	switch {
	case err != nil:
		return store.Account{}, err
	case !found:
		return store.Account{}, s.fail(ctx, t, reasonUnknown)
	case !right:
		return store.Account{}, s.fail(ctx, t, reasonWrong)
	case account.DisabledAt != nil:
		return store.Account{}, s.fail(ctx, t, reasonDisabled)
	}
	return s.upgrade(ctx, account, password), nil
}

// RecordSuccess notes, in the transaction that accepts the password, that the tries at it were its owner's: those from the
// network of ctx, and those from all networks together, are forgotten. Nothing else clears a count but quiet.
func (s *Service) RecordSuccess(ctx context.Context, tx *store.Tx, a store.Account) error {
	for _, t := range throttlesOf(a.Kind, a.LoginKey, true, audit.OriginOf(ctx).Network()) {
		if err := tx.ClearThrottle(ctx, t.key); err != nil {
			return fmt.Errorf("clear throttle: %w", err)
		}
	}
	return nil
}

// try is one try of a password.
type try struct {
	kind      string
	network   string // empty when it is not known
	throttles []throttle
	target    string
	account   store.AccountID // empty when there is none
}

// throttle is a counter of tries and the pauses that it makes.
type throttle struct {
	key                   string
	shortAfter, longAfter int64
	shortPause, longPause time.Duration
	forget                time.Duration
}

// throttlesOf are the counters of a login ID, in the order in which they are taken: that of the client network, which is strict
// and hurts nobody elsewhere, and that of all networks together. What no account can be called is counted under its digest, so
// that a key has a bounded length and cannot be mistaken for another.
func throttlesOf(kind, key string, wellFormed bool, network string) []throttle {
	if !wellFormed {
		sum := sha256.Sum256([]byte(key))
		key = "#" + hex.EncodeToString(sum[:16])
	}
	key = "password:" + kind + ":" + key
	return []throttle{
		{
			key: key + ":" + network, shortAfter: shortAfter, shortPause: shortPause, longAfter: longAfter, longPause: longPause,
			forget: forget,
		},
		{
			key: key, shortAfter: crowdAfter, shortPause: crowdPause, longAfter: crowdAfter, longPause: crowdPause,
			forget: crowdForget,
		},
	}
}

// look says whether a try would be refused, without counting it.
func (s *Service) look(ctx context.Context, t try) (*ThrottledError, error) {
	q, now := s.db.Read(), s.now()
	if spend, limited := s.addressBudget(t, now); limited {
		budget, err := q.GetBudget(ctx, spend.Key)
		switch {
		case err == nil && budget.Used >= spend.Ceiling:
			return &ThrottledError{Until: spend.ExpiresAt}, nil
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return nil, fmt.Errorf("look up budget: %w", err)
		}
	}
	for _, th := range t.throttles {
		row, err := q.GetThrottle(ctx, th.key)
		switch {
		case err == nil && row.BlockedUntil != nil && row.BlockedUntil.After(now):
			return &ThrottledError{Until: *row.BlockedUntil}, nil
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return nil, fmt.Errorf("look up throttle: %w", err)
		}
	}
	return nil, nil
}

// count counts a try, in a transaction of its own that is durable before the password is looked at. It fails with a
// [ThrottledError] when the try is one too many.
func (s *Service) count(ctx context.Context, t try) error {
	var refused *ThrottledError
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		now := s.now()
		var err error
		if refused, err = s.spendAddress(ctx, tx, t, now); refused != nil || err != nil {
			return err
		}
		for _, th := range t.throttles {
			if refused, err = take(ctx, tx, th, now); err != nil {
				return err
			}
			if refused != nil {
				return s.audit(ctx, tx, t, audit.Refused, reasonThrottled)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count password try: %w", err)
	}
	if refused != nil {
		return refused
	}
	return nil
}

// take counts a try in one counter, unless that is paused: by a parallel try, as we looked before.
func take(ctx context.Context, tx *store.Tx, th throttle, now time.Time) (*ThrottledError, error) {
	_, err := tx.TakeThrottle(ctx, store.TakeThrottleParams{
		Key: th.key, Now: now, ForgetBefore: now.Add(-th.forget),
		ShortAfter: th.shortAfter, BlockedShort: now.Add(th.shortPause),
		LongAfter: th.longAfter, BlockedLong: now.Add(th.longPause),
	})
	if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	row, err := tx.GetThrottle(ctx, th.key)
	if err != nil {
		return nil, err
	}
	refused := &ThrottledError{Until: now.Add(th.shortPause)}
	if row.BlockedUntil != nil {
		refused.Until = *row.BlockedUntil
	}
	return refused, nil
}

// refuse turns away a try that need not be counted. The network pays for it too, so that the log cannot be filled with these.
func (s *Service) refuse(ctx context.Context, t try, refused *ThrottledError) error {
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		if spent, err := s.spendAddress(ctx, tx, t, s.now()); spent != nil || err != nil {
			return err
		}
		return s.audit(ctx, tx, t, audit.Refused, reasonThrottled)
	})
	if err != nil {
		return fmt.Errorf("refuse password try: %w", err)
	}
	return refused
}

// addressBudget is what a try costs its client network; limited is false when that may try without end.
func (s *Service) addressBudget(t try, now time.Time) (spend store.TakeBudgetParams, limited bool) {
	if t.network == "" || s.addressTries < 0 {
		return store.TakeBudgetParams{}, false
	}
	window := now.Truncate(addressWindow)
	return store.TakeBudgetParams{
		Key: "password-address:" + t.network + ":" + strconv.FormatInt(window.Unix(), 10),
		Now: now, ExpiresAt: window.Add(addressWindow), Ceiling: s.addressTries,
	}, true
}

// spendAddress counts a try against its client network. When that has none left it says until when, and writes one audit row per
// window: who is refused already must not be able to fill the log.
func (s *Service) spendAddress(ctx context.Context, tx *store.Tx, t try, now time.Time) (*ThrottledError, error) {
	spend, limited := s.addressBudget(t, now)
	if !limited {
		return nil, nil
	}
	_, err := tx.TakeBudget(ctx, spend)
	if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	spend.Key += ":refused"
	spend.Ceiling = 1
	_, err = tx.TakeBudget(ctx, spend)
	switch {
	case err == nil:
		err = s.audit(ctx, tx, t, audit.Refused, reasonThrottled)
	case errors.Is(err, store.ErrNotFound):
		err = nil
	}
	return &ThrottledError{Until: spend.ExpiresAt}, err
}

// fail records a failure and returns [ErrBadCredentials].
func (s *Service) fail(ctx context.Context, t try, reason string) error {
	err := s.db.InTx(ctx, func(tx *store.Tx) error { return s.audit(ctx, tx, t, audit.Failure, reason) })
	if err != nil {
		return fmt.Errorf("record wrong password: %w", err)
	}
	return ErrBadCredentials
}

func (s *Service) audit(ctx context.Context, tx *store.Tx, t try, result audit.Result, reason string) error {
	return audit.Write(ctx, tx, s.now(), audit.Event{
		Type: audit.SignInPassword, Result: result, Reason: reason, Actor: audit.Anonymous(),
		Account: t.account, Target: t.target, Data: map[string]string{"kind": t.kind},
	})
}

// usableHash returns the hash to check against: the account's, or the dummy when there is none that can be used.
func (s *Service) usableHash(ctx context.Context, a store.Account, found bool) *parsed {
	if found {
		p, err := s.hasher.parse(a.PasswordHash)
		if err == nil {
			return p
		}
		s.logger.WarnContext(ctx, "password hash cannot be used", "account", a.ID, "error", err)
	}
	return s.hasher.dummy
}

// upgrade stores a password anew that was hashed more weakly than we hash today, or elsewhere. It may fail: the next sign-in tries
// again. It replaces the hash that the password was checked against and no other: a password changed meanwhile stays.
func (s *Service) upgrade(ctx context.Context, a store.Account, password string) store.Account {
	if !s.hasher.NeedsRehash(a.PasswordHash) {
		return a
	}
	hash, err := s.hasher.Hash(ctx, normal(password))
	if err == nil {
		err = s.db.InTx(ctx, func(tx *store.Tx) error {
			n, err := tx.RehashPassword(ctx, store.RehashPasswordParams{ID: a.ID, PasswordHash: hash, FormerHash: a.PasswordHash})
			if n == 1 {
				a.PasswordHash = hash
			}
			return err
		})
	}
	if err != nil && !errors.Is(err, ErrBusy) && ctx.Err() == nil {
		s.logger.WarnContext(ctx, "password hash not upgraded", "account", a.ID, "error", err)
	}
	return a
}
