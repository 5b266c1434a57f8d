package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
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

// The pauses after wrong passwords. Tries are forgotten after a quiet quarter of an hour.
const (
	shortAfter = 5
	shortPause = time.Minute
	longAfter  = 10
	longPause  = 15 * time.Minute
	forget     = 15 * time.Minute

	addressWindow = 15 * time.Minute
)

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
	t := try{kind: kind, throttle: throttleKey(kind, key, wellFormed)}
	if wellFormed {
		// Anything else is not written down: people type passwords into the wrong field.
		t.target = key
	}

	// A look without a lock first: what is paused must not take a place in the queue.
	row, err := s.db.Read().GetThrottle(ctx, t.throttle)
	switch {
	case err == nil && row.BlockedUntil != nil && row.BlockedUntil.After(s.now()):
		return store.Account{}, s.refuse(ctx, t, *row.BlockedUntil)
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return store.Account{}, fmt.Errorf("look up throttle: %w", err)
	}

	var account store.Account
	found := false
	if wellFormed {
		account, err = s.db.Read().GetAccountByLogin(ctx, store.GetAccountByLoginParams{Kind: kind, LoginKey: key})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return store.Account{}, fmt.Errorf("look up account: %w", err)
		}
		if found = err == nil; found {
			t.account = account.ID
		}
	}
	hash, err := s.usableHash(ctx, account, found)
	if err != nil {
		return store.Account{}, err
	}

	// The place in the queue comes before the count: who is turned away by others' load has not used up a try.
	if err := s.hasher.gate.enter(ctx, hash.memory); err != nil {
		return store.Account{}, err
	}
	right, err := func() (bool, error) {
		defer s.hasher.gate.leave(hash.memory)
		if err := s.count(ctx, t); err != nil {
			return false, err
		}
		if utf8.RuneCountInString(password) > MaxPassword {
			return false, nil // nobody has such a password; hashing it would cost what its sender decides
		}
		return hash.match(password)
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

// RecordSuccess notes, in the transaction that accepts the password, that the account's tries were its owner's: they are
// forgotten, and the time is kept as the last sign-in. Nothing else clears the count.
func (s *Service) RecordSuccess(ctx context.Context, tx *store.Tx, a store.Account) error {
	if err := tx.ClearThrottle(ctx, throttleKey(a.Kind, a.LoginKey, true)); err != nil {
		return fmt.Errorf("clear throttle: %w", err)
	}
	now := s.now()
	if err := tx.SetLastSignIn(ctx, store.SetLastSignInParams{ID: a.ID, Now: &now}); err != nil {
		return fmt.Errorf("set last sign-in: %w", err)
	}
	return nil
}

// try is one try of a password.
type try struct {
	kind     string
	throttle string
	target   string
	account  store.AccountID // empty when there is none
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
		_, err = tx.TakeThrottle(ctx, store.TakeThrottleParams{
			Key: t.throttle, Now: now, ForgetBefore: now.Add(-forget),
			ShortAfter: shortAfter, BlockedShort: now.Add(shortPause),
			LongAfter: longAfter, BlockedLong: now.Add(longPause),
		})
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		// Paused by a parallel try since we looked.
		row, err := tx.GetThrottle(ctx, t.throttle)
		if err != nil {
			return err
		}
		refused = &ThrottledError{Until: now.Add(shortPause)}
		if row.BlockedUntil != nil {
			refused.Until = *row.BlockedUntil
		}
		return s.audit(ctx, tx, t, audit.Refused, reasonThrottled)
	})
	if err != nil {
		return fmt.Errorf("count password try: %w", err)
	}
	if refused != nil {
		return refused
	}
	return nil
}

// refuse turns away a try on a paused login ID. The address pays for it too, so that the log cannot be filled with these.
func (s *Service) refuse(ctx context.Context, t try, until time.Time) error {
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		if refused, err := s.spendAddress(ctx, tx, t, s.now()); refused != nil || err != nil {
			return err
		}
		return s.audit(ctx, tx, t, audit.Refused, reasonThrottled)
	})
	if err != nil {
		return fmt.Errorf("refuse password try: %w", err)
	}
	return &ThrottledError{Until: until}
}

// spendAddress counts a try against its client address. When the address has none left it says until when, and writes one audit
// row per window: who is refused already must not be able to fill the log.
func (s *Service) spendAddress(ctx context.Context, tx *store.Tx, t try, now time.Time) (*ThrottledError, error) {
	address := clientNetwork(audit.OriginOf(ctx).Address)
	if address == "" || s.addressTries < 0 {
		return nil, nil
	}
	window := now.Truncate(addressWindow)
	spend := store.TakeBudgetParams{
		Key: "password-address:" + address + ":" + strconv.FormatInt(window.Unix(), 10),
		Now: now, ExpiresAt: window.Add(addressWindow), Ceiling: s.addressTries,
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
func (s *Service) usableHash(ctx context.Context, a store.Account, found bool) (*parsed, error) {
	if found {
		p, err := s.hasher.parse(a.PasswordHash)
		if err == nil {
			return p, nil
		}
		s.logger.WarnContext(ctx, "password hash cannot be used", "account", a.ID, "error", err)
	}
	return s.hasher.parse(s.hasher.dummy)
}

// upgrade stores a password anew that was hashed more weakly than we hash today. It may fail: the next sign-in tries again.
func (s *Service) upgrade(ctx context.Context, a store.Account, password string) store.Account {
	if !s.hasher.NeedsRehash(a.PasswordHash) {
		return a
	}
	hash, err := s.hasher.Hash(ctx, password)
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

// throttleKey names the counter of a login ID. What no account can be called is counted under its digest, so that a key has a
// bounded length and cannot be mistaken for another.
func throttleKey(kind, key string, wellFormed bool) string {
	if !wellFormed {
		sum := sha256.Sum256([]byte(key))
		key = "#" + hex.EncodeToString(sum[:16])
	}
	return "password:" + kind + ":" + key
}

// clientNetwork is what counts as one client: an IPv4 address, or the /64 of an IPv6 one, which is one line.
func clientNetwork(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	prefix, err := a.Prefix(64)
	if err != nil {
		return ""
	}
	return prefix.String()
}
