package mfa

import (
	"context"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// A change of what an account signs in with ends everything that rests on the former state (I11), in the same transaction.
// Locks are taken in the order account, throttle, challenges, factors, backup codes, devices, messages, sessions, flows,
// grants, so that two changes of one account wait for each other instead of blocking each other.

// beginChange raises the account's credential epoch. From here to the commit nobody else changes the account; if somebody did
// since it was read, gone is returned and nothing happens.
func beginChange(ctx context.Context, tx *store.Tx, now time.Time, acc store.Account, gone error) (epoch int64, err error) {
	epoch, err = tx.RaiseCredentialEpoch(ctx, store.RaiseCredentialEpochParams{Now: now, ID: acc.ID})
	if err != nil {
		return 0, fmt.Errorf("raise credential epoch: %w", err)
	}
	if epoch != acc.CredentialEpoch+1 {
		return 0, gone
	}
	return epoch, nil
}

// voidCodes takes back every code and message that could still prove something for the account.
func voidCodes(ctx context.Context, tx *store.Tx, now time.Time, id store.AccountID) error {
	if _, err := tx.VoidAccountChallenges(ctx, store.VoidAccountChallengesParams{Now: &now, AccountID: id}); err != nil {
		return fmt.Errorf("void challenges: %w", err)
	}
	return nil
}

// endRest ends the account's devices, unsent codes, sessions, sign-ins and grants, except for one session and one flow.
func endRest(ctx context.Context, tx *store.Tx, now time.Time, id store.AccountID, session *store.SessionID, flow *store.FlowID) error {
	if _, err := tx.DeleteTrustedDevices(ctx, id); err != nil {
		return fmt.Errorf("delete trusted devices: %w", err)
	}
	if _, err := tx.CancelAccountCodes(ctx, store.CancelAccountCodesParams{Now: &now, AccountID: &id}); err != nil {
		return fmt.Errorf("cancel codes: %w", err)
	}
	var err error
	if session != nil {
		_, err = tx.EndOtherSessions(ctx, store.EndOtherSessionsParams{Now: &now, AccountID: id, Keep: *session})
	} else {
		_, err = tx.EndAccountSessions(ctx, store.EndAccountSessionsParams{Now: &now, AccountID: id})
	}
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	if flow != nil {
		_, err = tx.EndOtherAccountFlows(ctx, store.EndOtherAccountFlowsParams{Now: &now, AccountID: &id, Keep: *flow})
	} else {
		_, err = tx.EndAccountFlows(ctx, store.EndAccountFlowsParams{Now: &now, AccountID: &id})
	}
	if err != nil {
		return fmt.Errorf("end sign-ins: %w", err)
	}
	if session != nil {
		_, err = tx.RevokeOtherGrants(ctx, store.RevokeOtherGrantsParams{Now: &now, AccountID: id, Keep: *session})
	} else {
		_, err = tx.RevokeAccountGrants(ctx, store.RevokeAccountGrantsParams{Now: &now, AccountID: id})
	}
	if err != nil {
		return fmt.Errorf("revoke grants: %w", err)
	}
	return nil
}

// carry takes the acting session over the raised epoch under a new token (I10), with what it gave out, and ends everything
// else of the account.
func carry(ctx context.Context, tx *store.Tx, now time.Time, p acting, epoch int64) (token string, err error) {
	token, hash := web.NewToken()
	n, err := tx.CarrySession(ctx, store.CarrySessionParams{
		CredentialEpoch: epoch, TokenHash: hash, Now: now, ID: p.session.ID, AccountID: p.account.ID,
	})
	if err != nil {
		return "", fmt.Errorf("carry session: %w", err)
	}
	if n != 1 {
		return "", ErrSessionGone
	}
	if n, err = tx.RaiseSession(ctx, store.RaiseSessionParams{
		TokenHash: hash, Evidence: p.evidence.Encode(), Now: now, ExpiresAt: p.session.ExpiresAt,
		ID: p.session.ID, AccountID: p.account.ID, CredentialEpoch: epoch,
	}); err != nil {
		return "", fmt.Errorf("raise session: %w", err)
	}
	if n != 1 {
		return "", ErrSessionGone
	}
	if err := endRest(ctx, tx, now, p.account.ID, &p.session.ID, nil); err != nil {
		return "", err
	}
	if _, err := tx.CarrySessionGrants(ctx, store.CarrySessionGrantsParams{
		CredentialEpoch: epoch, AccountID: p.account.ID, SessionID: p.session.ID,
	}); err != nil {
		return "", fmt.Errorf("carry grants: %w", err)
	}
	return token, nil
}

// prove adds evidence to a flow under a new secret (I10). Of two parallel proofs one finds the secret changed.
func prove(ctx context.Context, tx *store.Tx, now time.Time, p attempted, epoch int64, batch *store.BatchID) (secret string, err error) {
	secret, hash := web.NewToken()
	n, err := tx.SetFlowEvidence(ctx, store.SetFlowEvidenceParams{
		Evidence: p.evidence.Encode(), NewSecretHash: hash, NewEpoch: &epoch, BackupBatchID: batch,
		ID: p.flow.ID, SecretHash: p.flow.SecretHash, Now: now, AccountID: &p.account.ID, CredentialEpoch: p.flow.CredentialEpoch,
	})
	if err != nil {
		return "", fmt.Errorf("add evidence: %w", err)
	}
	if n != 1 {
		return "", ErrFlowGone
	}
	return secret, nil
}
