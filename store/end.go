package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Keep names what outlives the end of everything else an account holds: the acting person's own session, with what it gave out,
// and the sign-in they are in. The zero Keep spares nothing.
type Keep struct {
	// Session goes on if it was good under the former epoch.
	Session SessionID
	// Flow goes on. Its epoch is carried by the proof that is added to it.
	Flow FlowID
	// Epoch is the account's credential epoch after the raise; needed with Session.
	Epoch int64
}

// ErrUnaudited says that a transaction ends what an account's sign-ins gave out without an audit row of that account: it is rolled back.
// Receivers of signals would be told of it with no word of who brought it about, or of nothing at all (I27).
var ErrUnaudited = errors.New("the credential epoch was raised without an audit row")

// The statements that raise an account's credential epoch, as transactions run them: each leaves a note, so that the transaction ends well
// only with an audit row.

// RaiseCredentialEpoch is [Queries.RaiseCredentialEpoch].
func (tx *Tx) RaiseCredentialEpoch(ctx context.Context, arg RaiseCredentialEpochParams) (int64, error) {
	epoch, err := tx.Queries.RaiseCredentialEpoch(ctx, arg)
	if err == nil {
		tx.waiting.raised = append(tx.waiting.raised, arg.ID)
	}
	return epoch, err
}

// SetPassword is [Queries.SetPassword].
func (tx *Tx) SetPassword(ctx context.Context, arg SetPasswordParams) (int64, error) {
	n, err := tx.Queries.SetPassword(ctx, arg)
	if n > 0 {
		tx.waiting.raised = append(tx.waiting.raised, arg.ID)
	}
	return n, err
}

// SetAccountDisabled is [Queries.SetAccountDisabled].
func (tx *Tx) SetAccountDisabled(ctx context.Context, arg SetAccountDisabledParams) (int64, error) {
	n, err := tx.Queries.SetAccountDisabled(ctx, arg)
	if n > 0 {
		tx.waiting.raised = append(tx.waiting.raised, arg.ID)
	}
	return n, err
}

// BeginChange raises the account's credential epoch: the first statement of every change of what an account signs in with. From
// here to the commit nobody else changes the account; if somebody did since it was read, it fails with [ErrConflict].
func (tx *Tx) BeginChange(ctx context.Context, now time.Time, acc Account) (epoch int64, err error) {
	epoch, err = tx.RaiseCredentialEpoch(ctx, RaiseCredentialEpochParams{Now: now, ID: acc.ID})
	if err != nil {
		return 0, fmt.Errorf("raise credential epoch: %w", err)
	}
	if epoch != acc.CredentialEpoch+1 {
		return 0, fmt.Errorf("raise credential epoch: %w", ErrConflict)
	}
	return epoch, nil
}

// CarrySession ends everything of an account but one session, with what it gave out, takes that over the raised epoch and gives
// it a new token (I10). It fails with [ErrNotFound] for a session that is over.
func (tx *Tx) CarrySession(ctx context.Context, now time.Time, s Session, epoch int64, evidence json.RawMessage, tokenHash []byte) error {
	if err := tx.EndAccess(ctx, now, s.AccountID, Keep{Session: s.ID, Epoch: epoch}); err != nil {
		return err
	}
	n, err := tx.RaiseSession(ctx, RaiseSessionParams{
		TokenHash: tokenHash, Evidence: evidence, Now: now, ExpiresAt: s.ExpiresAt,
		ID: s.ID, AccountID: s.AccountID, CredentialEpoch: epoch,
	})
	if err := oneRow(n, err); err != nil {
		return fmt.Errorf("raise session: %w", err)
	}
	return nil
}

// EndAccount ends everything that rests on an account's former credentials (I11): codes, trusted devices, mails that have not
// left, sessions, sign-ins and grants; relying parties that had tokens from a session are told of its end. The raised epoch alone
// voids most of them; the rows say so too, so that lists and later readers see it.
//
// The caller changes the account's row first, which raises the epoch and makes two such changes of one account wait for each
// other. Locks are taken in the order surface, user group, client, account, consents, tickets, throttles, passes, challenges, passkeys, factors
// and backup codes, devices, messages, sessions, flows, grants, budgets, audit streams, which every transaction keeps that takes more
// than one of them. A change of factors has its place in the middle of that: it calls [Tx.EndCodes] before it and [Tx.EndAccess] after
// it.
func (tx *Tx) EndAccount(ctx context.Context, now time.Time, id AccountID, keep Keep) error {
	if err := tx.EndCodes(ctx, now, id); err != nil {
		return err
	}
	return tx.EndAccess(ctx, now, id, keep)
}

// EndCodes takes back every code that could still prove something for the account: the first half of [Tx.EndAccount].
func (tx *Tx) EndCodes(ctx context.Context, now time.Time, id AccountID) error {
	if _, err := tx.VoidAccountChallenges(ctx, VoidAccountChallengesParams{Now: &now, AccountID: id}); err != nil {
		return fmt.Errorf("void challenges: %w", err)
	}
	if err := tx.DropAccountCeremonies(ctx, &id); err != nil {
		return fmt.Errorf("drop ceremonies: %w", err)
	}
	return nil
}

// EndAccess ends devices, unsent codes, sessions, sign-ins and grants: the second half of [Tx.EndAccount].
func (tx *Tx) EndAccess(ctx context.Context, now time.Time, id AccountID, keep Keep) error {
	if _, err := tx.DeleteTrustedDevices(ctx, id); err != nil {
		return fmt.Errorf("delete trusted devices: %w", err)
	}
	if _, err := tx.CancelAccountCodes(ctx, CancelAccountCodesParams{Now: &now, AccountID: &id}); err != nil {
		return fmt.Errorf("cancel codes: %w", err)
	}
	kept, err := tx.endSessions(ctx, now, id, keep)
	if err != nil {
		return err
	}
	if keep.Flow != "" {
		_, err = tx.EndOtherAccountFlows(ctx, EndOtherAccountFlowsParams{Now: &now, AccountID: &id, Keep: keep.Flow})
	} else {
		_, err = tx.EndAccountFlows(ctx, EndAccountFlowsParams{Now: &now, AccountID: &id})
	}
	if err != nil {
		return fmt.Errorf("end sign-ins: %w", err)
	}
	if !kept {
		if _, err := tx.RevokeAccountGrants(ctx, RevokeAccountGrantsParams{Now: &now, AccountID: id}); err != nil {
			return fmt.Errorf("revoke grants: %w", err)
		}
		return nil
	}
	if _, err := tx.RevokeOtherGrants(ctx, RevokeOtherGrantsParams{Now: &now, AccountID: id, Keep: keep.Session}); err != nil {
		return fmt.Errorf("revoke grants: %w", err)
	}
	if _, err := tx.CarrySessionGrants(ctx, CarrySessionGrantsParams{
		CredentialEpoch: keep.Epoch, AccountID: id, SessionID: keep.Session,
	}); err != nil {
		return fmt.Errorf("carry grants: %w", err)
	}
	return nil
}

// The words by which the outbox knows that a relying party is told of a session's end (see package delivery).
const (
	ChannelPush = "push"
	KindSignOut = "sign_out"
)

// pushLife is how long a relying party that does not answer is tried to be told. Its own session may go on for that long.
const pushLife = 24 * time.Hour

// Told is what was queued for a relying party in this transaction, because sessions of an account ended.
type Told struct {
	AccountID AccountID
	ClientID  string
	MessageID MessageID
}

// Told lists what [Tx.EndSession] and [Tx.EndAccess] have queued so far for relying parties of an account.
func (tx *Tx) Told(id AccountID) []Told {
	return slices.DeleteFunc(slices.Clone(tx.told), func(t Told) bool { return t.AccountID != id })
}

// EndSession ends one session of an account and tells the relying parties that had tokens from it. It reports whether the session had
// not ended before. What the session gave out, and sign-ins that rest on it, are the caller's to end, in the order of locks.
func (tx *Tx) EndSession(ctx context.Context, now time.Time, id SessionID, account AccountID) (bool, error) {
	if err := tx.tell(ctx, now, account, ListSessionClientsParams{Only: new(string(id))}); err != nil {
		return false, err
	}
	n, err := tx.CloseSession(ctx, CloseSessionParams{Now: &now, ID: id, AccountID: account})
	if err != nil {
		return false, fmt.Errorf("end session: %w", err)
	}
	return n == 1, nil
}

// EndConsent takes back what a person allowed a client: the consent and every grant that the client has of the account go, and so does
// what it would refresh. The client is told, if it listens, as if the sessions it had tokens from had ended: for it they have. It reports
// whether there was a consent. The caller holds the account.
func (tx *Tx) EndConsent(ctx context.Context, now time.Time, account AccountID, client string) (bool, error) {
	n, err := tx.DropConsent(ctx, DropConsentParams{AccountID: account, ClientID: client})
	if err != nil {
		return false, fmt.Errorf("drop consent: %w", err)
	}
	if n == 0 {
		return false, nil
	}
	if err := tx.tell(ctx, now, account, ListSessionClientsParams{Client: &client}); err != nil {
		return false, err
	}
	if _, err := tx.RevokeConsentGrants(ctx, RevokeConsentGrantsParams{Now: &now, AccountID: account, ClientID: client}); err != nil {
		return false, fmt.Errorf("revoke grants of consent: %w", err)
	}
	return true, nil
}

// tell queues what the relying parties concerned are told, and notes what streams of signals are. It comes before the rows say that the
// sessions ended.
//
// Each session is told of by itself. Of sessions whose rows are gone there may be many, one for each month's sign-in: where all of them
// end, one message that names no session stands for them.
func (tx *Tx) tell(ctx context.Context, now time.Time, account AccountID, which ListSessionClientsParams) error {
	if err := tx.noteEnded(ctx, now, account, which); err != nil {
		return err
	}
	which.AccountID, which.Now = account, now
	rows, err := tx.ListSessionClients(ctx, which)
	if err != nil {
		return fmt.Errorf("list relying parties of sessions: %w", err)
	}
	all := which.Only == nil && which.Keep == nil
	whole := map[string]bool{}
	for _, row := range rows {
		session := &row.SessionID
		if all && row.Gone {
			if whole[row.ClientID] {
				continue
			}
			whole[row.ClientID], session = true, nil
		}
		t := Told{AccountID: account, ClientID: row.ClientID, MessageID: NewID[MessageID]()}
		if err := tx.EnqueuePush(ctx, EnqueuePushParams{
			ID: t.MessageID, Kind: KindSignOut, AccountID: &account, SessionID: session, Recipient: row.ClientID,
			Now: now, Deadline: now.Add(pushLife),
		}); err != nil {
			return fmt.Errorf("queue sign-out for %s: %w", row.ClientID, err)
		}
		tx.told = append(tx.told, t)
	}
	if len(rows) == 0 {
		return nil
	}
	return tx.Notify(ctx, PushChannel, "")
}

// endSessions ends sessions and carries the one to keep, if it was good until now, over the raised epoch.
func (tx *Tx) endSessions(ctx context.Context, now time.Time, id AccountID, keep Keep) (kept bool, err error) {
	if keep.Session != "" {
		n, err := tx.CarrySessionEpoch(ctx, CarrySessionEpochParams{
			CredentialEpoch: keep.Epoch, FormerEpoch: keep.Epoch - 1, ID: keep.Session, AccountID: id,
		})
		if err != nil {
			return false, fmt.Errorf("carry session: %w", err)
		}
		kept = n == 1
	}
	which := ListSessionClientsParams{}
	if kept {
		which.Keep = new(string(keep.Session))
	}
	if err := tx.tell(ctx, now, id, which); err != nil {
		return false, err
	}
	if kept {
		_, err = tx.CloseOtherSessions(ctx, CloseOtherSessionsParams{Now: &now, AccountID: id, Keep: keep.Session})
	} else {
		_, err = tx.CloseAccountSessions(ctx, CloseAccountSessionsParams{Now: &now, AccountID: id})
	}
	if err != nil {
		return false, fmt.Errorf("end sessions: %w", err)
	}
	return kept, nil
}
