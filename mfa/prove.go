package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// Challenge is the state of the page that asks a sign-in for a second factor.
type Challenge struct {
	Sending
	// Method is the factor asked for; empty when none that the account has can be used now.
	Method signin.Method
	// To is the masked address of the factor, where it has one.
	To string
	// Sent is whether a code was sent in this sign-in, whatever became of it.
	Sent bool
	// LockedUntil is set while codes of the account are not looked at.
	LockedUntil *time.Time
	// NearLimit is true when further failures pause the codes.
	NearLimit bool
	// Methods are all factors that would do, the one offered first at the head.
	Methods []ChallengeMethod
	// BackupLeft is how many backup codes are usable here.
	BackupLeft int
	// TrustDays is for how many days the person may say that this browser is not to be asked again; zero: they may not.
	TrustDays int
	// Pass is whether a code from staff would do here; whether there is one it does not say.
	Pass bool
}

// ChallengeMethod is one factor that would do.
type ChallengeMethod struct {
	Method signin.Method
	// To is the masked address, where it has one.
	To string
	// Bounced is true when messages to the address are known not to arrive.
	Bounced bool
}

// Challenge describes the challenge of a sign-in by a method, by the one offered first if none is named. A method that is not
// usable is ErrMethod. Methods whose messages do not arrive are offered last.
func (s *Service) Challenge(ctx context.Context, flow store.Flow, method signin.Method) (Challenge, error) {
	now, q := s.now(), s.db.Read()
	p, err := s.attempted(ctx, q, flow, now)
	if err != nil {
		return Challenge{}, err
	}
	if err := p.challenge(); err != nil {
		return Challenge{}, err
	}
	v := Challenge{TrustDays: p.trustDays(), Pass: p.Policy.OffersPass()}
	for _, m := range p.Policy.ChallengeMethods(p.State) {
		if m == signin.Backup {
			left, err := q.CountBackupCodes(ctx, p.account.ID)
			if err != nil {
				return Challenge{}, fmt.Errorf("count backup codes: %w", err)
			}
			v.BackupLeft = int(left)
			continue
		}
		f, _ := p.Factor(m)
		v.Methods = append(v.Methods, ChallengeMethod{Method: m, To: mask(m, f.Address), Bounced: f.BouncedAt != nil})
	}
	slices.SortStableFunc(v.Methods, func(a, b ChallengeMethod) int { return arrives(a) - arrives(b) })
	for _, m := range v.Methods {
		if v.Method == "" && (method == "" || m.Method == method) {
			v.Method, v.To = m.Method, m.To
		}
	}
	if v.LockedUntil, v.NearLimit, err = s.pause(ctx, q, codeThrottle(p.account.ID), now); err != nil {
		return Challenge{}, err
	}
	if v.Method == "" {
		if method != "" {
			return Challenge{}, ErrMethod
		}
		return v, nil
	}
	if !sends(v.Method) {
		return v, nil
	}
	if _, err := p.attempt().newest(ctx, q, p.account.ID, v.Method, purposeSignIn); err == nil {
		v.Sent = true
	} else if !errors.Is(err, ErrNotSent) {
		return Challenge{}, err
	}
	v.Sending, err = s.sending(ctx, q, p.attempt(), p.account.ID, v.Method, purposeSignIn, now)
	return v, err
}

// arrives sorts a method whose messages do not arrive behind the others.
func arrives(m ChallengeMethod) int {
	if m.Bounced {
		return 1
	}
	return 0
}

// sends reports whether a method's codes travel to an address.
func sends(method signin.Method) bool { return method == signin.Email || method == signin.SMS }

// challenged is the factor of a method that the sign-in can be challenged with, read in the caller's transaction.
func (p attempted) challenged(method signin.Method) (store.Factor, error) {
	if err := p.challenge(); err != nil {
		return store.Factor{}, err
	}
	f, ok := p.Factor(method)
	switch {
	case !ok || !p.Policy.Can(method):
		return store.Factor{}, ErrMethod
	case f.DisabledAt != nil:
		return store.Factor{}, ErrFactorDisabled
	}
	return f, nil
}

// SendSignInCode sends the first code of a sign-in by a method. When one was sent already it does nothing: pages are opened twice.
func (s *Service) SendSignInCode(ctx context.Context, flow store.Flow, method signin.Method, lang templates.Lang) error {
	err := s.sendSignInCode(ctx, flow, method, lang, true)
	if errors.Is(err, errAlreadySent) {
		return nil
	}
	if _, ok := errors.AsType[*WaitError](err); !ok {
		return err
	}
	// The code that the cool-down comes from may be this sign-in's own, if its page was opened twice at once.
	p, rerr := s.attempted(ctx, s.db.Read(), flow, s.now())
	if rerr != nil {
		return rerr
	}
	if _, rerr := p.attempt().newest(ctx, s.db.Read(), p.account.ID, method, purposeSignIn); !errors.Is(rerr, ErrNotSent) {
		return rerr
	}
	return err
}

// errAlreadySent says that a sign-in has sent its first code.
var errAlreadySent = errors.New("a code was sent already")

// ResendSignInCode sends another code and takes back the former.
func (s *Service) ResendSignInCode(ctx context.Context, flow store.Flow, method signin.Method, lang templates.Lang) error {
	return s.sendSignInCode(ctx, flow, method, lang, false)
}

func (s *Service) sendSignInCode(ctx context.Context, flow store.Flow, method signin.Method, lang templates.Lang, first bool) error {
	if !sends(method) {
		return ErrMethod
	}
	return s.sendCode(ctx, func(q *store.Queries, now time.Time) (codeMessage, error) {
		p, err := s.attempted(ctx, q, flow, now)
		if err != nil {
			return codeMessage{}, err
		}
		f, err := p.challenged(method)
		if err != nil {
			return codeMessage{}, err
		}
		if first {
			_, err := p.attempt().newest(ctx, q, p.account.ID, method, purposeSignIn)
			if err == nil {
				return codeMessage{}, errAlreadySent
			}
			if !errors.Is(err, ErrNotSent) {
				return codeMessage{}, err
			}
		}
		return codeMessage{
			attempt: p.attempt(), account: p.account, purpose: purposeSignIn, method: method, factor: &f.ID, address: f.Address,
			lang: lang, event: p.event(audit.CodeSend, audit.Success, ""),
		}, nil
	})
}

// Proved is what the proof of a factor left behind.
type Proved struct {
	// Secret is the flow's new secret.
	Secret string
	// Device is what the browser is to hold as a trusted device (see web.SetDeviceCookie); empty: it is none.
	Device string
}

// VerifySignInCode adds the proof of a factor to the sign-in when the code is right: one that was sent, or an authenticator
// app's. With trust the browser is not to be asked again, where the challenge offers that.
func (s *Service) VerifySignInCode(ctx context.Context, flow store.Flow, method signin.Method, code string, trust bool) (done Proved, err error) {
	code, formErr := NormalizeCode(code)
	now := s.now()
	var verdict error
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.attempted(ctx, tx.Queries, flow, now)
		if err != nil {
			return err
		}
		if _, err := p.challenged(method); err != nil && !errors.Is(err, ErrFactorDisabled) {
			return err // guesses at a factor that is closed are written down below
		}
		if formErr != nil {
			if sends(method) {
				if _, err := p.attempt().newest(ctx, tx.Queries, p.account.ID, method, purposeSignIn); err != nil {
					return err
				}
			}
			return formErr
		}
		switch {
		case sends(method):
			done, verdict, err = s.proveCode(ctx, tx, now, p, method, code, trust)
		case method == signin.TOTP:
			done, verdict, err = s.proveApp(ctx, tx, now, p, code, trust)
		default:
			err = ErrMethod
		}
		return err
	})
	if err == nil {
		err = verdict
	}
	if err != nil {
		return Proved{}, err
	}
	return done, nil
}

// proveCode judges a code that was sent and, if it is right, adds the proof. The verdict is nil when it was.
func (s *Service) proveCode(
	ctx context.Context, tx *store.Tx, now time.Time, p attempted, method signin.Method, code string, trust bool,
) (done Proved, verdict, err error) {
	c, verdict, err := s.judge(ctx, tx, now, guess{
		attempt: p.attempt(), account: p.account, purpose: purposeSignIn, method: method, code: code,
		event: factorEvent(p.event(audit.SignInFactor, audit.Failure, ""), method),
	})
	if err != nil || verdict != nil {
		return Proved{}, verdict, err
	}
	if err := s.use(ctx, tx, now, c); err != nil {
		return Proved{}, nil, err
	}
	n, err := tx.RecordFactorSuccess(ctx, store.RecordFactorSuccessParams{Now: &now, ID: *c.FactorID})
	if err != nil {
		return Proved{}, nil, fmt.Errorf("record success: %w", err)
	}
	if n != 1 {
		return Proved{}, nil, ErrFactorDisabled
	}
	proof := signin.Evidence{Method: method, At: now, FactorID: string(*c.FactorID)}
	if done, err = s.proved(ctx, tx, now, p, proof, trust); err != nil {
		return Proved{}, nil, err
	}
	return done, nil, s.endCooldown(ctx, tx, c, now)
}

// proved adds the proof of a factor to a sign-in, forgets the wrong codes before a right one, and writes it down. With trust it makes the
// browser a trusted device, where the sign-in offers that.
func (s *Service) proved(
	ctx context.Context, tx *store.Tx, now time.Time, p attempted, proof signin.Evidence, trust bool,
) (done Proved, err error) {
	if trust {
		if done.Device, err = s.trust(ctx, tx, now, p, proof); err != nil {
			return Proved{}, err
		}
	}
	done.Secret, err = prove(ctx, tx, now, p, p.evidence().With(proof), *p.flow.CredentialEpoch, p.flow.BackupBatchID)
	if err != nil {
		return Proved{}, err
	}
	// Whoever gave a code holds the pause since before it was looked at. A passkey comes past the pause and says nothing of codes: what
	// was guessed at them stays counted (I7), and the pause is not locked behind the passkey and the sign-in.
	if proof.Method != signin.Passkey {
		if err := tx.ClearThrottle(ctx, codeThrottle(p.account.ID)); err != nil {
			return Proved{}, fmt.Errorf("clear pause: %w", err)
		}
	}
	return done, audit.Write(ctx, tx, now, factorEvent(p.event(audit.SignInFactor, audit.Success, ""), proof.Method))
}
