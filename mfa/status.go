package mfa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// Status is what an account has set up (M5 to M7).
type Status struct {
	// Factors are the factors, main one first, the others in the person's order.
	Factors []FactorStatus
	// Passkeys are the keys that the factor of kind passkey stands for, the oldest first.
	Passkeys []PasskeyStatus
	// BackupCodesLeft is how many backup codes are usable.
	BackupCodesLeft int
	// BackupIssuedAt is when they were made; zero when there are none.
	BackupIssuedAt time.Time
	// Devices are the browsers that are not asked for a code.
	Devices []Device
	// Drift is whether the registered address was changed after the email factor was verified, and is another than the factor's:
	// the person may look for codes where none arrive.
	Drift bool
}

// FactorStatus is one factor.
type FactorStatus struct {
	ID   store.FactorID
	Kind string
	// Address is where codes go, whole: who may see it so is the caller's to decide.
	Address    string
	Main       bool
	VerifiedAt time.Time
	LastUsedAt time.Time // zero: never
	// Disabled is true when too many wrong codes closed the factor.
	Disabled bool
	// BouncedAt is since when messages to the address are known not to arrive; zero: they may.
	BouncedAt time.Time
}

func factorStatus(f store.Factor) FactorStatus {
	v := FactorStatus{
		ID: f.ID, Kind: f.Kind, Address: f.Address, Main: f.Main, VerifiedAt: f.VerifiedAt, Disabled: f.DisabledAt != nil,
	}
	if f.LastUsedAt != nil {
		v.LastUsedAt = *f.LastUsedAt
	}
	if f.BouncedAt != nil {
		v.BouncedAt = *f.BouncedAt
	}
	return v
}

// SetUp reports whether any factor is set up.
func (s Status) SetUp() bool { return len(s.Factors) > 0 }

// Main returns the main factor.
func (s Status) Main() (FactorStatus, bool) {
	for _, f := range s.Factors {
		if f.Main {
			return f, true
		}
	}
	return FactorStatus{}, false
}

// Status reads what an account has set up, through the caller's queries: those of a transaction, or the DB's own.
func (s *Service) Status(ctx context.Context, q *store.Queries, id store.AccountID) (Status, error) {
	factors, err := q.ListFactors(ctx, id)
	if err != nil {
		return Status{}, fmt.Errorf("list factors: %w", err)
	}
	var v Status
	for _, f := range factors {
		v.Factors = append(v.Factors, factorStatus(f))
		if f.Kind == string(signin.Passkey) {
			if v.Passkeys, err = passkeys(ctx, q, id); err != nil {
				return Status{}, err
			}
		}
	}
	acc, err := q.GetAccount(ctx, id)
	if err != nil {
		return Status{}, fmt.Errorf("load account: %w", err)
	}
	v.Drift = slices.ContainsFunc(factors, func(f store.Factor) bool { return drifted(acc, f) })
	left, err := q.CountBackupCodes(ctx, id)
	if err != nil {
		return Status{}, fmt.Errorf("count backup codes: %w", err)
	}
	v.BackupCodesLeft = int(left)
	b, err := q.GetBackupBatch(ctx, id)
	if err == nil {
		v.BackupIssuedAt = b.CreatedAt
	} else if !errors.Is(err, store.ErrNotFound) {
		return Status{}, fmt.Errorf("load backup codes: %w", err)
	}
	v.Devices, err = devices(ctx, q, id, s.now())
	return v, err
}
