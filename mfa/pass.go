package mfa

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// A pass is a code that staff hand over to a customer whose second factor is out of reach: typed once, it lets one sign-in through.
// It proves no factor (docs/adr/0015), so nothing that asks for one is content with it.

const (
	passDigits = 8
	// passTries is how many tries a pass takes.
	passTries = 5
	// macPass keeps the codes of passes apart from those that were sent.
	macPass = "pass"
)

// MinPass and MaxPass are how long a pass lives at least and at most.
const (
	MinPass = 15 * time.Minute
	MaxPass = time.Hour
)

// ErrPassForm means that what was typed cannot be the code of a pass. It was compared with nothing.
var ErrPassForm = errors.New("not the code of a pass")

// Pass is one that was just issued.
type Pass struct {
	// Code is shown to whoever issued it, once.
	Code      string
	ExpiresAt time.Time
	// Notified are the addresses a notice was queued for.
	Notified []string
}

// IssuePass makes the account a pass and voids its former one. An account without a factor has nothing to pass by: it fails with
// ErrNothingSetUp, and for one that is no customer's with ErrMethod.
//
// It is part of the caller's transaction; the caller checks the right to do it, records who did it and why, and wakes the outbox
// after the commit. issuer is who did it, for people to read.
func (s *Service) IssuePass(ctx context.Context, tx *store.Tx, acc store.Account, issuer string, life time.Duration, now time.Time) (Pass, error) {
	if acc.Kind != string(web.Customer) {
		return Pass{}, ErrMethod
	}
	if life < MinPass || life > MaxPass {
		return Pass{}, fmt.Errorf("issue pass: it would live for %s", life)
	}
	acc, err := tx.HoldAccount(ctx, acc.ID) // of two that are issued at once, the later is the one that counts
	if err != nil {
		return Pass{}, fmt.Errorf("hold account: %w", err)
	}
	factors, err := tx.ListFactors(ctx, acc.ID)
	if err != nil {
		return Pass{}, fmt.Errorf("list factors: %w", err)
	}
	if len(factors) == 0 {
		return Pass{}, ErrNothingSetUp
	}
	// A pause was earned with the former pass. Throttles are locked before passes, as by those who type one.
	if err := tx.ClearThrottle(ctx, passThrottle(acc.ID)); err != nil {
		return Pass{}, fmt.Errorf("clear pause: %w", err)
	}
	if _, err := tx.VoidPasses(ctx, store.VoidPassesParams{Now: now, AccountID: acc.ID}); err != nil {
		return Pass{}, fmt.Errorf("void passes: %w", err)
	}
	code, err := newPassCode()
	if err != nil {
		return Pass{}, err
	}
	id, v := store.NewID[store.PassID](), Pass{Code: formatPassCode(code), ExpiresAt: now.Add(life)}
	if err := tx.InsertPass(ctx, store.InsertPassParams{
		ID: id, AccountID: acc.ID, CredentialEpoch: acc.CredentialEpoch, CodeMAC: s.box.MAC(macPass, passData(id, acc.ID, code)...),
		IssuedBy: issuer, Now: now, ExpiresAt: v.ExpiresAt,
	}); err != nil {
		return Pass{}, fmt.Errorf("insert pass: %w", err)
	}
	v.Notified, err = s.notify(ctx, tx, now, notice{
		kind: delivery.KindPassIssued, account: acc, lang: s.noticeLang, until: v.ExpiresAt,
		to: append(mailAddresses(factors), acc.RegisteredEmail), always: true, stop: true,
	})
	return v, err
}

// NoteExemption tells a person that their account does without the second factor until a time. It is part of the caller's
// transaction; the caller wakes the outbox after the commit.
func (s *Service) NoteExemption(ctx context.Context, tx *store.Tx, acc store.Account, until, now time.Time) error {
	factors, err := tx.ListFactors(ctx, acc.ID)
	if err != nil {
		return fmt.Errorf("list factors: %w", err)
	}
	_, err = s.notify(ctx, tx, now, notice{
		kind: delivery.KindExempted, account: acc, lang: s.noticeLang, until: until,
		to: append(mailAddresses(factors), acc.RegisteredEmail), always: true, stop: true,
	})
	return err
}

func passThrottle(id store.AccountID) string { return "pass:" + string(id) }

// passData is what a pass's code is authenticated with: it is good for one row and one account.
func passData(id store.PassID, account store.AccountID, code string) []string {
	return []string{string(id), string(account), code}
}

// newPassCode draws a code, each equally likely.
func newPassCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		return "", fmt.Errorf("draw code: %w", err)
	}
	return fmt.Sprintf("%0*d", passDigits, n.Int64()), nil
}

// formatPassCode groups a code as people read it out.
func formatPassCode(code string) string { return code[:passDigits/2] + " " + code[passDigits/2:] }

// NormalizePass turns what a person typed into the eight digits it stands for, as NormalizeCode does. It returns ErrCodeBlank or
// ErrPassForm for anything else.
func NormalizePass(typed string) (string, error) {
	code := squeeze(typed)
	if code == "" {
		return "", ErrCodeBlank
	}
	if len(code) != passDigits || strings.Trim(code, "0123456789") != "" {
		return "", ErrPassForm
	}
	return code, nil
}

// takesPass returns nil when the sign-in asks for a second factor that a pass would spare. Whether there is a pass it does not say.
func (p attempted) takesPass() error {
	if err := p.challenge(); err != nil {
		return err
	}
	if !p.Policy.OffersPass() {
		return ErrMethod
	}
	return nil
}

// PassEntry is the state of the page that takes a pass.
type PassEntry struct {
	// LockedUntil is set while the account's pass is not looked at.
	LockedUntil *time.Time
	// NearLimit is true when further failures pause it.
	NearLimit bool
}

// PassEntry describes the page that takes a pass in a sign-in.
func (s *Service) PassEntry(ctx context.Context, flow store.Flow) (v PassEntry, err error) {
	now, q := s.now(), s.db.Read()
	p, err := s.attempted(ctx, q, flow, now)
	if err != nil {
		return PassEntry{}, err
	}
	if err := p.takesPass(); err != nil {
		return PassEntry{}, err
	}
	v.LockedUntil, v.NearLimit, err = s.pause(ctx, q, passThrottle(p.account.ID), now)
	return v, err
}

// VerifyPass lets the sign-in through when the code is that of the account's pass, and spends it. It returns the flow's new secret.
// Of two uses at once one wins. A wrong code is counted before it is looked at, on the account and on the pass, which takes five.
func (s *Service) VerifyPass(ctx context.Context, flow store.Flow, typed string) (secret string, err error) {
	code, formErr := NormalizePass(typed)
	now := s.now()
	var verdict error
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.attempted(ctx, tx.Queries, flow, now)
		if err != nil {
			return err
		}
		if err := p.takesPass(); err != nil {
			return err
		}
		if formErr != nil {
			return formErr
		}
		secret, verdict, err = s.spendPass(ctx, tx, now, p, code)
		return err
	})
	if err == nil {
		err = verdict
	}
	if err != nil {
		return "", err
	}
	s.outbox.Wake()
	return secret, nil
}

// spendPass judges a code. The verdict is nil when it was right; a wrong one is committed all the same (I7).
func (s *Service) spendPass(ctx context.Context, tx *store.Tx, now time.Time, p attempted, code string) (secret string, verdict, err error) {
	event := factorEvent(p.event(audit.SignInFactor, audit.Failure, ""), signin.Pass)
	fail := func(r audit.Result, reason string, verdict error) (string, error, error) {
		event.Result, event.Reason = r, reason
		return "", verdict, audit.Write(ctx, tx, now, event)
	}
	err = s.takeThrottle(ctx, tx, passThrottle(p.account.ID), now)
	if locked, ok := errors.AsType[*LockedError](err); ok {
		return fail(audit.Refused, "paused", locked)
	}
	if err != nil {
		return "", nil, fmt.Errorf("count try: %w", err)
	}
	pass, err := tx.TakePassTry(ctx, store.TakePassTryParams{MaxTries: passTries, Now: now, AccountID: p.account.ID})
	if errors.Is(err, store.ErrNotFound) {
		return fail(audit.Failure, "expired", ErrWrongCode)
	}
	if err != nil {
		return "", nil, fmt.Errorf("count try: %w", err)
	}
	event.Data["issued_by"] = pass.IssuedBy
	if !s.box.CheckMAC(pass.CodeMAC, macPass, passData(pass.ID, p.account.ID, code)...) {
		if pass.Tries >= passTries {
			return fail(audit.Failure, "tries_spent", ErrTriesSpent)
		}
		return fail(audit.Failure, "wrong_code", ErrWrongCode)
	}
	if err := tx.ClearThrottle(ctx, passThrottle(p.account.ID)); err != nil {
		return "", nil, fmt.Errorf("clear pause: %w", err)
	}
	n, err := tx.UsePass(ctx, store.UsePassParams{Now: now, ID: pass.ID})
	if err != nil {
		return "", nil, fmt.Errorf("use pass: %w", err)
	}
	if n != 1 {
		return "", nil, ErrWrongCode
	}
	proof := signin.Evidence{Method: signin.Pass, At: now, FactorID: string(pass.ID)}
	if secret, err = prove(ctx, tx, now, p, p.evidence().With(proof), *p.flow.CredentialEpoch, p.flow.BackupBatchID); err != nil {
		return "", nil, err
	}
	// Staff may have been talked into it: its owner hears of the use, as of the issue, in a language that who uses it does not choose.
	if _, err := s.notify(ctx, tx, now, notice{
		kind: delivery.KindPassUsed, account: p.account, lang: s.noticeLang, method: signin.Pass, to: p.mailboxes(), always: true, stop: true,
	}); err != nil {
		return "", nil, err
	}
	event.Result = audit.Success
	return secret, nil, audit.Write(ctx, tx, now, event)
}
