package mfa

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

const (
	// backupAlphabet leaves out what is misread on paper: 0 O, 1 I L, and U, which looks like V.
	backupAlphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
	// A code is a selector, which finds the one hash to compare and is no secret, and 14 characters of secret (68 bits).
	selectorLength = 2
	backupLength   = 16
	backupGroup    = 4
	backupCodes    = 10
	// fewBackupCodes is from how many left their owner is advised to issue new ones.
	fewBackupCodes = 3
)

// BackupCode is one code of a fresh batch.
type BackupCode struct {
	// Text is what its owner reads: the code in groups.
	Text string
	// Selector finds the code's row. It is no secret, and no two codes of a batch have the same.
	Selector string
	// Secret is what is hashed and compared: the whole code, as NormalizeBackupCode returns it.
	Secret string
}

// NewBackupCodes draws a batch, of which every code is equally likely.
func NewBackupCodes() []BackupCode {
	codes := make([]BackupCode, 0, backupCodes)
	taken := map[string]bool{}
	for len(codes) < backupCodes {
		code := newBackupCode()
		selector := code[:selectorLength]
		if taken[selector] {
			continue
		}
		taken[selector] = true
		codes = append(codes, BackupCode{Text: formatBackupCode(code), Selector: selector, Secret: code})
	}
	return codes
}

// batch is a set of backup codes before it is stored.
type batch struct {
	id     store.BatchID
	sealed []byte
	rows   []store.InsertBackupCodeParams
}

// newBatch makes codes and their hashes. It is slow on purpose and runs outside of any transaction.
func (s *Service) newBatch(ctx context.Context, id store.AccountID) (batch, error) {
	b := batch{id: store.NewID[store.BatchID]()}
	var texts, secrets []string
	codes := NewBackupCodes()
	for _, c := range codes {
		texts, secrets = append(texts, c.Text), append(secrets, c.Secret)
	}
	hashes, err := s.hashAll(ctx, secrets)
	if err != nil {
		return batch{}, fmt.Errorf("hash backup codes: %w", s.hashing(err))
	}
	for i, c := range codes {
		b.rows = append(b.rows, store.InsertBackupCodeParams{BatchID: b.id, Selector: c.Selector, CodeHash: hashes[i]})
	}
	plain, err := json.Marshal(texts)
	if err != nil {
		return batch{}, fmt.Errorf("encode backup codes: %w", err)
	}
	if b.sealed, err = s.box.Seal(plain, batchPlace(b.id, id)); err != nil {
		return batch{}, fmt.Errorf("seal backup codes: %w", err)
	}
	return b, nil
}

func batchPlace(id store.BatchID, account store.AccountID) seal.Place {
	return seal.Place{Table: "backup_batches", Row: string(id), Account: string(account)}
}

// insertBatch makes a batch the account's current one and voids the former, in the same transaction (I6).
func (s *Service) insertBatch(ctx context.Context, tx *store.Tx, now time.Time, id store.AccountID, b batch) error {
	if _, err := tx.VoidBackupBatches(ctx, store.VoidBackupBatchesParams{Now: &now, AccountID: id}); err != nil {
		return fmt.Errorf("void backup codes: %w", err)
	}
	if err := tx.InsertBackupBatch(ctx, store.InsertBackupBatchParams{ID: b.id, AccountID: id, CodesSealed: b.sealed, Now: now}); err != nil {
		return fmt.Errorf("insert backup codes: %w", err)
	}
	for _, row := range b.rows {
		if err := tx.InsertBackupCode(ctx, row); err != nil {
			return fmt.Errorf("insert backup code: %w", err)
		}
	}
	return nil
}

// newBackupCode draws a code, each equally likely.
func newBackupCode() string {
	out := make([]byte, 0, backupLength)
	var buf [2 * backupLength]byte
	for len(out) < backupLength {
		_, _ = rand.Read(buf[:]) // never fails: the runtime stops the program instead
		for _, b := range buf {
			// The rest of the byte range would favour the first letters.
			if len(out) < backupLength && int(b) < 256/len(backupAlphabet)*len(backupAlphabet) {
				out = append(out, backupAlphabet[int(b)%len(backupAlphabet)])
			}
		}
	}
	return string(out)
}

// NormalizeBackupCode turns what a person typed or pasted into a code's 16 characters, whatever its case, width and
// separators. It returns ErrCodeBlank or ErrCodeForm for anything else.
func NormalizeBackupCode(typed string) (string, error) {
	code := strings.ToUpper(squeeze(typed))
	if code == "" {
		return "", ErrCodeBlank
	}
	if len(code) != backupLength || strings.Trim(code, backupAlphabet) != "" {
		return "", ErrCodeForm
	}
	return code, nil
}

// formatBackupCode groups a code as people read it.
func formatBackupCode(code string) string {
	var groups []string
	for len(code) > backupGroup {
		groups, code = append(groups, code[:backupGroup]), code[backupGroup:]
	}
	return strings.Join(append(groups, code), "-")
}

// Backup is the state of the page that takes a backup code.
type Backup struct {
	// Left is how many codes are usable.
	Left int
	// LockedUntil is set while backup codes of the account are not looked at.
	LockedUntil *time.Time
	// NearLimit is true when further failures pause them.
	NearLimit bool
	// Foreign is true when some of the usable ones were made by another system, and may look like anything.
	Foreign bool
}

// Backup describes the page that takes a backup code in a sign-in.
func (s *Service) Backup(ctx context.Context, flow store.Flow) (Backup, error) {
	now, q := s.now(), s.db.Read()
	p, err := s.attempted(ctx, q, flow, now)
	if err != nil {
		return Backup{}, err
	}
	if err := p.challenge(); err != nil {
		return Backup{}, err
	}
	left, err := q.CountBackupCodes(ctx, p.account.ID)
	if err != nil {
		return Backup{}, fmt.Errorf("count backup codes: %w", err)
	}
	foreign, err := q.ListUsableCodes(ctx, store.ListUsableCodesParams{AccountID: p.account.ID})
	if err != nil {
		return Backup{}, fmt.Errorf("list backup codes: %w", err)
	}
	v := Backup{Left: int(left), Foreign: len(foreign) > 0}
	v.LockedUntil, v.NearLimit, err = s.pause(ctx, q, backupThrottle(p.account.ID), now)
	return v, err
}

// VerifyBackupCode adds the proof of a backup code to the sign-in and spends the code. It returns the flow's new secret.
//
// The try is counted and committed first. Then exactly one hash is compared, whether the selector belongs to a code or not, and
// outside of a transaction, since that takes long. Codes of another system have no selector: all that are left are compared, in one
// place of the queue and within what one check may cost. The code is spent by a statement that finds it unused and its batch current.
func (s *Service) VerifyBackupCode(ctx context.Context, flow store.Flow, typed string, lang templates.Lang) (secret string, err error) {
	guess, formErr := readBackupGuess(typed)
	if formErr != nil {
		page, err := s.Backup(ctx, flow)
		if err != nil {
			return "", err
		}
		if !page.Foreign || len(guess.foreign) == 0 {
			return "", formErr
		}
	}

	now := s.now()
	var p attempted
	var stored []store.ListUsableCodesRow
	var verdict error
	if err := s.db.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if p, err = s.attempted(ctx, tx.Queries, flow, now); err != nil {
			return err
		}
		if err := p.challenge(); err != nil {
			return err
		}
		stored, verdict, err = s.countBackupTry(ctx, tx, now, p, guess)
		return err
	}); err != nil {
		return "", err
	}
	if verdict != nil {
		return "", verdict
	}

	if secret, verdict, err = s.spendBackupCode(ctx, flow, stored, guess, lang); err == nil {
		err = verdict
	}
	if err != nil {
		if verdict == nil {
			err = s.undecided(ctx, p, err)
		}
		return "", err
	}
	s.outbox.Wake()
	return secret, nil
}

// backupGuess is what somebody typed for a backup code.
type backupGuess struct {
	// own is one of our codes as it was hashed, empty where it cannot be one.
	own string
	// foreign is how another system may have hashed it: as it shows the code, or without what stands between its characters.
	foreign []string
}

// readBackupGuess fails as [NormalizeBackupCode] does for what cannot be one of ours; it may be another system's all the same.
func readBackupGuess(typed string) (g backupGuess, err error) {
	g.own, err = NormalizeBackupCode(typed)
	bare := squeeze(typed)
	if len(bare) < minForeignCode || len(bare) > maxForeignCode {
		return g, err
	}
	g.foreign = []string{bare}
	if shown := strings.TrimSpace(norm.NFKC.String(typed)); shown != bare {
		g.foreign = append(g.foreign, shown)
	}
	return g, err
}

// selector finds the one of our codes that the guess can be.
func (g backupGuess) selector() string { return g.own[:min(len(g.own), selectorLength)] }

// check finds which of the codes it is, -1 for none.
func (g backupGuess) check(ctx context.Context, s *Service, stored []store.ListUsableCodesRow) (int, error) {
	if len(stored) == 0 { // as long as it takes to find one wrong
		_, err := s.checkCode(ctx, []string{s.decoy}, []string{g.own})
		return -1, err
	}
	var spellings, hashes []string
	if g.own != "" {
		spellings = append(spellings, g.own)
	}
	for _, c := range stored {
		hashes = append(hashes, c.CodeHash)
	}
	if slices.ContainsFunc(stored, func(c store.ListUsableCodesRow) bool { return isForeign(c.Selector) }) {
		for _, one := range g.foreign {
			if one != g.own {
				spellings = append(spellings, one)
			}
		}
	}
	return s.checkCode(ctx, hashes, spellings)
}

// spendBackupCode compares a counted guess and, if it is right, spends the code. The verdict is nil when it was.
func (s *Service) spendBackupCode(
	ctx context.Context, flow store.Flow, stored []store.ListUsableCodesRow, guess backupGuess, lang templates.Lang,
) (secret string, verdict, err error) {
	which, err := guess.check(ctx, s, stored)
	if err != nil {
		return "", nil, fmt.Errorf("check backup code: %w", s.hashing(err))
	}
	right := which >= 0

	now := s.now()
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.attempted(ctx, tx.Queries, flow, now)
		if err != nil {
			return err
		}
		if err := p.challenge(); err != nil {
			return err
		}
		if right {
			if err := tx.ClearThrottle(ctx, backupThrottle(p.account.ID)); err != nil {
				return fmt.Errorf("clear pause: %w", err)
			}
			n, err := tx.UseBackupCode(ctx, store.UseBackupCodeParams{
				Now: &now, BatchID: stored[which].BatchID, Selector: stored[which].Selector, AccountID: p.account.ID,
			})
			if err != nil {
				return fmt.Errorf("use backup code: %w", err)
			}
			right = n == 1
		}
		if !right {
			verdict = ErrWrongCode
			return audit.Write(ctx, tx, now, factorEvent(p.event(audit.SignInFactor, audit.Failure, "wrong_code"), signin.Backup))
		}
		proved := p.evidence().With(signin.Evidence{Method: signin.Backup, At: now})
		if secret, err = prove(ctx, tx, now, p, proved, *p.flow.CredentialEpoch, p.flow.BackupBatchID); err != nil {
			return err
		}
		if err := s.warnFewCodes(ctx, tx, now, p, lang); err != nil {
			return err
		}
		return audit.Write(ctx, tx, now, factorEvent(p.event(audit.SignInFactor, audit.Success, ""), signin.Backup))
	})
	if err != nil {
		return "", nil, err
	}
	return secret, verdict, nil
}

// warnFewCodes tells a person who just used a backup code that few are left.
func (s *Service) warnFewCodes(ctx context.Context, tx *store.Tx, now time.Time, p attempted, lang templates.Lang) error {
	left, err := tx.CountBackupCodes(ctx, p.account.ID)
	if err != nil {
		return fmt.Errorf("count backup codes: %w", err)
	}
	if left > fewBackupCodes {
		return nil
	}
	_, err = s.notify(ctx, tx, now, notice{
		kind: delivery.KindCodesLow, account: p.account, lang: lang, left: int(left), to: p.mailboxes(), always: true,
	})
	return err
}

// undecided writes down a guess that was counted and came to no verdict (I27), even if its browser has gone meanwhile.
func (s *Service) undecided(ctx context.Context, p attempted, cause error) error {
	reason := "error"
	switch {
	case errors.Is(cause, ErrBusy):
		reason = "busy"
	case errors.Is(cause, ErrFlowGone), errors.Is(cause, ErrWrongStep):
		reason = "gone"
	}
	e := factorEvent(p.event(audit.SignInFactor, audit.Refused, reason), signin.Backup)
	return errors.Join(cause, s.record(context.WithoutCancel(ctx), s.now(), e))
}

// countBackupTry counts a guess on the account's throttle and on the batch, and finds the codes it is to be compared with: at most
// one of ours, which its selector finds, and all of another system's.
func (s *Service) countBackupTry(
	ctx context.Context, tx *store.Tx, now time.Time, p attempted, guess backupGuess,
) (rows []store.ListUsableCodesRow, verdict, err error) {
	refuse := func(reason string, verdict error) ([]store.ListUsableCodesRow, error, error) {
		return nil, verdict, audit.Write(ctx, tx, now,
			factorEvent(p.event(audit.SignInFactor, audit.Refused, reason), signin.Backup))
	}
	err = s.takeThrottle(ctx, tx, backupThrottle(p.account.ID), now)
	if locked, ok := errors.AsType[*LockedError](err); ok {
		return refuse("paused", locked)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("count try: %w", err)
	}
	b, err := tx.GetBackupBatch(ctx, p.account.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("load backup codes: %w", err)
	}
	// The lifetime ceiling of the batch. It must outlive every pause, so it does not expire while anybody could still guess.
	_, err = tx.TakeBudget(ctx, store.TakeBudgetParams{
		Key: backupBudget(b.ID), Now: now, ExpiresAt: now.AddDate(10, 0, 0), Ceiling: int64(s.limits.FactorFailures),
	})
	if errors.Is(err, store.ErrNotFound) {
		return refuse("factor_disabled", ErrFactorDisabled)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("count try: %w", err)
	}
	rows, err = tx.ListUsableCodes(ctx, store.ListUsableCodesParams{AccountID: p.account.ID, Selector: guess.selector()})
	if err != nil {
		return nil, nil, fmt.Errorf("find backup code: %w", err)
	}
	return rows, nil, nil
}

// FreshCodes are backup codes that are still to be saved.
type FreshCodes struct {
	// Codes are grouped for reading; empty when they cannot be shown any more.
	Codes []string
	// LoginID and IssuedAt are printed with them.
	LoginID  string
	IssuedAt time.Time
	// Method is the factor they came with, for a sign-in that set one up; empty where there are more.
	Method signin.Method
}

// reveal opens a batch's codes, none when they were saved or replaced.
func (s *Service) reveal(acc store.Account, b store.BackupBatch) (FreshCodes, error) {
	v := FreshCodes{LoginID: acc.LoginID, IssuedAt: b.CreatedAt}
	if len(b.CodesSealed) == 0 {
		return v, nil
	}
	plain, err := s.box.Open(b.CodesSealed, batchPlace(b.ID, acc.ID))
	if err != nil {
		return FreshCodes{}, err
	}
	if err := json.Unmarshal(plain, &v.Codes); err != nil {
		return FreshCodes{}, fmt.Errorf("decode backup codes: %w", err)
	}
	return v, nil
}

// FlowCodes returns the codes made in a sign-in, to be shown once.
func (s *Service) FlowCodes(ctx context.Context, flow store.Flow) (FreshCodes, error) {
	p, err := s.attempted(ctx, s.db.Read(), flow, s.now())
	if err != nil {
		return FreshCodes{}, err
	}
	if p.Next() != signin.StepShowBackupCodes {
		return FreshCodes{}, ErrWrongStep
	}
	v, err := s.reveal(p.account, p.CodesToShow)
	if len(p.Factors) == 1 {
		v.Method = signin.Method(p.Factors[0].Kind)
	}
	return v, err
}

// ForgetFlowCodes ends the showing of codes in a sign-in: the person has saved them, and nobody can read them from here on. It
// returns the flow's new secret.
func (s *Service) ForgetFlowCodes(ctx context.Context, flow store.Flow) (secret string, err error) {
	now := s.now()
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.attempted(ctx, tx.Queries, flow, now)
		if err != nil {
			return err
		}
		if p.Next() != signin.StepShowBackupCodes {
			return ErrWrongStep
		}
		if _, err := tx.ForgetBackupCodes(ctx, store.ForgetBackupCodesParams{ID: p.CodesToShow.ID, AccountID: p.account.ID}); err != nil {
			return fmt.Errorf("forget backup codes: %w", err)
		}
		secret, err = prove(ctx, tx, now, p, p.evidence(), *p.flow.CredentialEpoch, nil)
		return err
	})
	return secret, err
}

// SessionCodes returns the codes that a session's person has not saved yet; without such codes it returns ErrNoCodes and how
// many of the current ones are left.
func (s *Service) SessionCodes(ctx context.Context, session store.SessionID) (v FreshCodes, left int, err error) {
	q := s.db.Read()
	p, err := s.actingFresh(ctx, q, session, s.now())
	if err != nil {
		return FreshCodes{}, 0, err
	}
	if !p.State.Enrolled {
		return FreshCodes{}, 0, ErrNothingSetUp
	}
	n, err := q.CountBackupCodes(ctx, p.account.ID)
	if err != nil {
		return FreshCodes{}, 0, fmt.Errorf("count backup codes: %w", err)
	}
	b, err := q.GetBackupBatch(ctx, p.account.ID)
	if errors.Is(err, store.ErrNotFound) {
		return FreshCodes{}, int(n), ErrNoCodes
	}
	if err != nil {
		return FreshCodes{}, 0, fmt.Errorf("load backup codes: %w", err)
	}
	v, err = s.reveal(p.account, b)
	if err == nil && len(v.Codes) == 0 {
		err = ErrNoCodes
	}
	return v, int(n), err
}

// ForgetSessionCodes ends the showing of codes on the self-service page.
func (s *Service) ForgetSessionCodes(ctx context.Context, session store.SessionID) error {
	now := s.now()
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.actingFresh(ctx, tx.Queries, session, now)
		if err != nil {
			return err
		}
		b, err := tx.GetBackupBatch(ctx, p.account.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("load backup codes: %w", err)
		}
		if _, err := tx.ForgetBackupCodes(ctx, store.ForgetBackupCodesParams{ID: b.ID, AccountID: p.account.ID}); err != nil {
			return fmt.Errorf("forget backup codes: %w", err)
		}
		return nil
	})
}

// RegenerateCodes replaces the account's backup codes (I6). Like any change of what the account signs in with, it ends every
// other session. It returns the session's new token. How often it can be done in a day is counted before anything is hashed or
// sent: ErrTooManyCodes.
func (s *Service) RegenerateCodes(ctx context.Context, session store.SessionID, lang templates.Lang) (token string, err error) {
	id, slot, err := s.takeReissue(ctx, session)
	if err != nil {
		return "", err
	}
	b, err := s.newBatch(ctx, id)
	if errors.Is(err, ErrBusy) { // nothing was hashed: it does not count
		err = errors.Join(err, s.db.InTx(ctx, func(tx *store.Tx) error { return freeSlot(ctx, tx, slot, reissueWindow, s.now()) }))
	}
	if err != nil {
		return "", err
	}
	now := s.now()
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.reissuing(ctx, tx.Queries, session, now)
		if err != nil {
			return err
		}
		epoch, err := beginChange(ctx, tx, now, p.account, ErrSessionGone)
		if err != nil {
			return err
		}
		if err := tx.ClearThrottle(ctx, backupThrottle(p.account.ID)); err != nil {
			return fmt.Errorf("clear pause: %w", err)
		}
		if err := tx.EndCodes(ctx, now, p.account.ID); err != nil {
			return err
		}
		if err := s.insertBatch(ctx, tx, now, p.account.ID, b); err != nil {
			return err
		}
		if token, err = carry(ctx, tx, now, p, epoch, p.evidence()); err != nil {
			return err
		}
		if err := audit.Write(ctx, tx, now, p.event(audit.BackupIssue, audit.Success, "reissue")); err != nil {
			return err
		}
		_, err = s.notify(ctx, tx, now, notice{kind: delivery.KindCodesReissued, account: p.account, lang: lang, to: p.mailboxes()})
		return err
	})
	if err != nil {
		return "", err
	}
	s.outbox.Wake()
	return token, nil
}

// reissuing is actingFresh of a person who has backup codes to replace.
func (s *Service) reissuing(ctx context.Context, q *store.Queries, session store.SessionID, now time.Time) (acting, error) {
	p, err := s.actingFresh(ctx, q, session, now)
	if err == nil && !p.State.Enrolled {
		err = ErrNothingSetUp
	}
	return p, err
}

// reissueWindow is the span in which replacements of backup codes are counted.
const reissueWindow = 24 * time.Hour

// takeReissue spends one of the day's replacements of an account's backup codes.
func (s *Service) takeReissue(ctx context.Context, session store.SessionID) (id store.AccountID, slot string, err error) {
	now := s.now()
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.reissuing(ctx, tx.Queries, session, now)
		if err != nil {
			return err
		}
		id = p.account.ID
		slot, err = takeSlot(ctx, tx, reissues(id), s.limits.ReissuesDay, reissueWindow, now)
		if err == nil && slot == "" {
			err = ErrTooManyCodes
		}
		return err
	})
	return id, slot, err
}
