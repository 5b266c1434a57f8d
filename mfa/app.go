package mfa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// App is what the set-up page of an authenticator app shows.
type App struct {
	// Begun is false when there is no seed to show: none was made yet, it is too old, or it was guessed at too often.
	Begun bool
	// Key is the seed in groups, to be typed; URI is the same for an app on this device, and QR for another device's camera.
	Key, URI string
	QR       templates.QRCode
	// LoginID is the account's name in the app.
	LoginID string
	// Replaces is true when the account has an app already, which the new one takes the place of.
	Replaces bool
}

// AppSetUp describes the set-up page of an authenticator app in a sign-in. With begin it makes a seed if there is none to show.
func (s *Service) AppSetUp(ctx context.Context, flow store.Flow, begin bool) (App, error) {
	now := s.now()
	read := func(q *store.Queries) (subject, attempt, error) {
		p, err := s.attempted(ctx, q, flow, now)
		if err == nil {
			err = p.setUp(signin.TOTP)
		}
		return p.subject, p.attempt(), err
	}
	return s.app(ctx, now, purposeEnrol, begin, read)
}

// AppChange describes the self-service page of an authenticator app. With begin it makes a seed if there is none to show.
func (s *Service) AppChange(ctx context.Context, session store.SessionID, begin bool) (App, error) {
	now := s.now()
	read := func(q *store.Queries) (subject, attempt, error) {
		p, err := s.actingFresh(ctx, q, session, now)
		if err == nil {
			err = s.mayAdd(p, signin.TOTP)
		}
		return p.subject, p.attempt(), err
	}
	return s.app(ctx, now, purposeChange, begin, read)
}

func (s *Service) app(
	ctx context.Context, now time.Time, purpose string, begin bool, read func(q *store.Queries) (subject, attempt, error),
) (App, error) {
	p, a, err := read(s.db.Read())
	if err != nil {
		return App{}, err
	}
	_, had := p.Factor(signin.TOTP)
	v := App{LoginID: p.account.LoginID, Replaces: had}
	c, err := s.ceremony(ctx, s.db.Read(), now, a, signin.TOTP, purpose)
	if errors.Is(err, ErrNotBegun) && begin {
		err = s.db.InTx(ctx, func(tx *store.Tx) error {
			if p, a, err = read(tx.Queries); err != nil {
				return err
			}
			c, err = s.begin(ctx, tx, now, a, &p.account.ID, signin.TOTP, purpose, newTOTPSeed(), seedLifetime)
			return err
		})
	}
	if errors.Is(err, ErrNotBegun) {
		return v, nil
	}
	if err != nil {
		return App{}, err
	}
	seed, err := s.opened(c)
	if err != nil {
		return App{}, err
	}
	v.Begun, v.Key, v.URI = true, typedSeed(seed), totpURI(seed, s.brand, p.account.LoginID)
	if v.QR, err = drawQR(v.URI); err != nil {
		return App{}, fmt.Errorf("draw QR code: %w", err)
	}
	return v, nil
}

// VerifySetUpApp sets up the app as the account's first factor when its code is right. It returns the flow's new secret.
func (s *Service) VerifySetUpApp(ctx context.Context, flow store.Flow, code string, lang templates.Lang) (secret string, err error) {
	e, err := s.flowEnrolment(ctx, flow, signin.TOTP, lang)
	if err != nil {
		return "", err
	}
	if err := s.verifyApp(ctx, e, code); err != nil {
		return "", err
	}
	return e.secret, nil
}

// VerifyChangeApp sets up the app, or lets it take the place of the former one, when its code is right.
func (s *Service) VerifyChangeApp(ctx context.Context, session store.SessionID, code string, lang templates.Lang) (Changed, error) {
	e, err := s.sessionEnrolment(ctx, session, signin.TOTP, lang)
	if err != nil {
		return Changed{}, err
	}
	return e.done, s.verifyApp(ctx, e, code)
}

// verifyApp judges the first code of an app that is being set up. The try is counted before the code is looked at, on the
// account's throttle and on the seed.
func (s *Service) verifyApp(ctx context.Context, e *enrolment, typed string) error {
	now, q := s.now(), s.db.Read()
	c, err := s.ceremony(ctx, q, now, e.attempt, signin.TOTP, e.purpose)
	if err != nil {
		return err
	}
	code, err := NormalizeCode(typed)
	if err != nil {
		return err
	}
	until, _, err := s.pause(ctx, q, codeThrottle(e.account), now)
	if err != nil {
		return err
	}
	live := until == nil
	if e.first && live {
		if err := s.takePreparation(ctx, string(c.ID), c.ExpiresAt, now); err != nil {
			return err
		}
	}
	return s.settle(ctx, e, live, func(tx *store.Tx, now time.Time, acc store.Account, event audit.Event) (f newFactor, verdict, err error) {
		return s.judgeApp(ctx, tx, now, acc, c.ID, code, factorEvent(event, signin.TOTP))
	})
}

// judgeApp compares a code with those of a seed that is being set up. The verdict is nil when it is right.
func (s *Service) judgeApp(
	ctx context.Context, tx *store.Tx, now time.Time, acc store.Account, id store.CeremonyID, code string, event audit.Event,
) (f newFactor, verdict, err error) {
	fail := func(r audit.Result, reason string, verdict error) (newFactor, error, error) {
		event.Result, event.Reason = r, reason
		return newFactor{}, verdict, audit.Write(ctx, tx, now, event)
	}
	err = s.takeThrottle(ctx, tx, codeThrottle(acc.ID), now)
	if locked, ok := errors.AsType[*LockedError](err); ok {
		return fail(audit.Refused, "paused", locked)
	}
	if err != nil {
		return f, nil, fmt.Errorf("count try: %w", err)
	}
	c, err := tx.CountCeremonyTry(ctx, store.CountCeremonyTryParams{ID: id, Now: now, MaxTries: int64(s.limits.CodeTries)})
	if errors.Is(err, store.ErrNotFound) {
		return fail(audit.Failure, "expired", ErrNotBegun)
	}
	if err != nil {
		return f, nil, fmt.Errorf("count try: %w", err)
	}
	seed, err := s.opened(c)
	if err != nil {
		return f, nil, err
	}
	step, right := matchTOTP(seed, code, 0, now)
	if !right {
		if c.Tries >= int64(s.limits.CodeTries) {
			return fail(audit.Failure, "wrong_code", ErrTriesSpent)
		}
		return fail(audit.Failure, "wrong_code", ErrWrongCode)
	}
	if _, err := s.take(ctx, tx, now, c.ID); err != nil {
		return f, nil, err
	}
	return newFactor{
		method: signin.TOTP, step: &step,
		seal: func(id store.FactorID) ([]byte, error) { return s.box.Seal(seed, seedPlace(id, acc.ID)) },
	}, nil, nil
}

func seedPlace(id store.FactorID, account store.AccountID) seal.Place {
	return seal.Place{Table: "factors", Row: string(id), Account: string(account)}
}

// proveApp judges the code of an authenticator app in a sign-in and, if it is right, adds the proof. The verdict is nil when it
// was. The account's throttle is the challenge here: after five wrong codes none is looked at for a while, in whichever sign-in.
//
// Locks are taken in the order throttle, factor, flow, as everywhere: see store.Tx.EndAccount.
func (s *Service) proveApp(ctx context.Context, tx *store.Tx, now time.Time, p attempted, code string, trust bool) (done Proved, verdict, err error) {
	event := factorEvent(p.event(audit.SignInFactor, audit.Failure, ""), signin.TOTP)
	fail := func(r audit.Result, reason string, verdict error) (Proved, error, error) {
		event.Result, event.Reason = r, reason
		return Proved{}, verdict, audit.Write(ctx, tx, now, event)
	}
	err = s.takeThrottle(ctx, tx, codeThrottle(p.account.ID), now)
	if locked, ok := errors.AsType[*LockedError](err); ok {
		return fail(audit.Refused, "paused", locked)
	}
	if err != nil {
		return Proved{}, nil, fmt.Errorf("count try: %w", err)
	}
	// Read behind the throttle's lock: what another guess counted or used up is seen here.
	f, err := tx.GetFactorByKind(ctx, store.GetFactorByKindParams{AccountID: p.account.ID, Kind: string(signin.TOTP)})
	if errors.Is(err, store.ErrNotFound) {
		return fail(audit.Failure, "gone", ErrMethod)
	}
	if err != nil {
		return Proved{}, nil, fmt.Errorf("load factor: %w", err)
	}
	if f.DisabledAt != nil {
		return fail(audit.Refused, "factor_disabled", ErrFactorDisabled)
	}
	seed, err := s.box.Open(f.SecretSealed, seedPlace(f.ID, p.account.ID))
	if err != nil {
		return Proved{}, nil, fmt.Errorf("open seed: %w", err)
	}
	last := int64(0)
	if f.TOTPStep != nil {
		last = *f.TOTPStep
	}
	step, right := matchTOTP(seed, code, last, now)
	if right {
		n, err := tx.UseTOTPStep(ctx, store.UseTOTPStepParams{Step: &step, Now: &now, ID: f.ID})
		if err != nil {
			return Proved{}, nil, fmt.Errorf("use step: %w", err)
		}
		right = n == 1
	}
	if !right {
		if _, err := tx.RecordFactorFailure(ctx, store.RecordFactorFailureParams{
			Ceiling: int64(s.limits.FactorFailures), Now: now, ID: f.ID,
		}); err != nil {
			return Proved{}, nil, fmt.Errorf("count failure: %w", err)
		}
		return fail(audit.Failure, "wrong_code", ErrWrongCode)
	}
	done, err = s.proved(ctx, tx, now, p, signin.Evidence{Method: signin.TOTP, At: now, FactorID: string(f.ID)}, trust)
	return done, nil, err
}
