package standing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// ErrGone says that a sign-in is over, or that what was proved in it is void: the account's credentials changed, it was
// disabled, or the session it would have stepped up has ended.
var ErrGone = errors.New("sign-in is over")

// Limits is what an installation sets bounds by, whatever a surface demands.
type Limits struct {
	// Customer and Operator are how long a proof counts at most, by kind of account: the absolute limit of a session. A proof must
	// not outlive the session it was made in by being carried along.
	Customer, Operator time.Duration
	// Offers reports whether the installation can do a method; nil: it can do all.
	Offers func(signin.Method) bool
}

func (l Limits) of(a store.Account) time.Duration {
	if a.Kind == "operator" {
		return l.Operator
	}
	return l.Customer
}

// Standing is where somebody stands, as the rows said when it was read.
type Standing struct {
	// Account is whom it is about; zero while nobody has given a password.
	Account store.Account
	// Factors are the account's factors, the main one first.
	Factors []store.Factor
	// TrustDays is for how many days the surface trusts a browser; zero: it trusts none.
	TrustDays int
	// Grace is in which the account may put its set-up off on this surface.
	Grace Grace
	// CodesToShow is the batch of backup codes made in this sign-in that is still to be saved; zero when there is none.
	CodesToShow store.BackupBatch
	// State and Policy are what signin.Next decides on.
	State  signin.State
	Policy signin.Policy
}

// Next is the step that is needed.
func (s Standing) Next() signin.Step { return signin.Next(s.State, s.Policy) }

// Proved is the evidence that counts: what tokens and gates may rest on.
func (s Standing) Proved() signin.EvidenceList { return s.State.Evidence.Since(s.Policy.EvidenceAfter) }

// Factor returns the account's factor of a kind.
func (s Standing) Factor(kind signin.Method) (store.Factor, bool) {
	for _, f := range s.Factors {
		if f.Kind == string(kind) {
			return f, true
		}
	}
	return store.Factor{}, false
}

// OfFlow reads where a sign-in stands. The flow is looked up by its id and the secret hash it was loaded with: a proof accepted
// meanwhile changed the secret, and whoever holds the old one has to look again. A flow that nobody has given a password in
// stands at the beginning, whatever its row says.
func OfFlow(ctx context.Context, q *store.Queries, f store.Flow, now time.Time, limits Limits) (Standing, error) {
	s := asked(f, now)
	if f.AccountID == nil {
		return s, nil
	}
	row, err := q.GetFlowAccount(ctx, store.GetFlowAccountParams{ID: f.ID, SecretHash: f.SecretHash, Now: now})
	if errors.Is(err, store.ErrNotFound) {
		return Standing{}, ErrGone
	}
	if err != nil {
		return Standing{}, fmt.Errorf("load flow: %w", err)
	}
	if err := s.about(row.Account, row.Surface, row.Flow.Evidence, now, limits); err != nil {
		return Standing{}, err
	}
	s.State.Postponed = s.State.Postponed && row.Flow.Postponed // every sign-in asks anew
	if err := s.ReadFactors(ctx, q); err != nil {
		return Standing{}, err
	}
	if row.Flow.BackupBatchID == nil {
		return s, nil
	}
	batch, err := q.GetBackupBatch(ctx, row.Account.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Standing{}, fmt.Errorf("load backup codes: %w", err)
	}
	if err == nil && batch.ID == *row.Flow.BackupBatchID && batch.CodesSealed != nil {
		s.CodesToShow, s.State.BackupCodesToShow = batch, true
	}
	return s, nil
}

// OfAccepted is where a sign-in will stand once its row has the account and the evidence: what the transaction that accepts a
// password asks before it writes them. Backup codes that wait to be saved are not looked at.
func OfAccepted(
	ctx context.Context, q *store.Queries, f store.Flow, a store.Account, evidence signin.EvidenceList, now time.Time, limits Limits,
) (Standing, error) {
	s := asked(f, now)
	surface, err := q.GetSurface(ctx, f.SurfaceID)
	if err != nil {
		return Standing{}, fmt.Errorf("load surface: %w", err)
	}
	if err := s.about(a, surface, evidence.Encode(), now, limits); err != nil {
		return Standing{}, err
	}
	s.State.Postponed = false // the password was given anew
	return s, s.ReadFactors(ctx, q)
}

// asked begins with what a sign-in was started for. What was proved before it began grows older while it lasts, and is asked for
// again when it is too old at the end; what was proved within it counts.
func asked(f store.Flow, now time.Time) Standing {
	s := Standing{Policy: signin.Policy{
		RequiredLevel: signin.Level(f.RequiredLevel), AllFactors: f.AllFactors,
		// A first factor rests on what was proved in this very sign-in, or a moment before it began (I3, I13).
		SetUpAfter: f.CreatedAt.Add(-FreshFor),
	}}
	if f.EvidenceAfter != nil {
		lasted := min(max(0, now.Sub(f.CreatedAt)), f.CreatedAt.Sub(*f.EvidenceAfter))
		s.Policy.EvidenceAfter = f.EvidenceAfter.Add(lasted)
	}
	return s
}

// OfSession is where the person of a full session stands under a policy. It reads nothing: where the answer depends on the
// account's factors, and it does whenever Next is not StepIssue or the policy asks for all factors, ReadFactors comes first.
func OfSession(
	a store.Account, surface store.Surface, evidence []byte, policy signin.Policy, now time.Time, limits Limits,
) (Standing, error) {
	s := Standing{Policy: policy}
	err := s.about(a, surface, evidence, now, limits)
	return s, err
}

// about fills in whom it is about and what the surface demands of them. The policy's bounds are tightened, never loosened.
func (s *Standing) about(a store.Account, surface store.Surface, evidence []byte, now time.Time, limits Limits) error {
	s.Account, s.State.Account, s.State.TicketDemanded = a, true, a.TicketDemandedAt != nil
	demands := SurfacePolicy(surface, a, now)
	s.Policy.TwoFactor, s.Policy.SecondLevel = demands.TwoFactor, demands.SecondLevel
	s.Policy.Exempt, s.Policy.TakesPass = demands.Exempt, demands.TakesPass
	s.Policy.Allowed, s.Policy.TrustDevices = demands.Allowed, demands.TrustDevices
	if limits.Offers != nil {
		s.Policy.Missing = slices.DeleteFunc(signin.FactorMethods(), limits.Offers)
	}
	s.Grace = GraceOf(surface, a, now)
	s.Policy.MayPostpone = s.Grace.Days > 0
	s.State.Postponed = s.Grace.Running()
	s.TrustDays = int(min(max(surface.TrustDays, 0), MaxTrustDays))
	if oldest := now.Add(-limits.of(a)); s.Policy.EvidenceAfter.Before(oldest) {
		s.Policy.EvidenceAfter = oldest
	}
	var err error
	s.State.Evidence, err = signin.ParseEvidence(evidence)
	return err
}

// SurfacePolicy is what a surface demands of an account at a time, whatever a relying party asks for besides.
func SurfacePolicy(surface store.Surface, a store.Account, now time.Time) signin.Policy {
	return signin.Policy{
		TwoFactor: a.Demands(surface.Enforced), Exempt: a.Exempt(now), TakesPass: surface.AccountKind != "operator",
		SecondLevel: signin.Level(surface.SecondLevel),
		Allowed:     Methods(surface.AllowedMethods), TrustDevices: surface.TrustDays > 0,
	}
}

// MaxTrustDays is the longest that any surface trusts a browser (I12).
const MaxTrustDays = 30

// SatisfiesTwoFactor reports whether what was proved would do if the surface demanded two factors of the account.
func (s Standing) SatisfiesTwoFactor() bool {
	policy := s.Policy
	policy.TwoFactor, policy.Exempt, policy.AllFactors, policy.RequiredLevel = true, false, false, signin.LevelNone
	state := s.State
	state.Enrolled, state.BackupCodesToShow = true, false
	return signin.Next(state, policy) == signin.StepIssue
}

// Exempted reports whether what was proved does only because the account is exempt for the time being.
func (s Standing) Exempted() bool {
	return s.Policy.TwoFactor && s.Policy.Exempt && !s.SatisfiesTwoFactor()
}

// OnPass reports whether what was proved would do where two factors are demanded only because a pass stands in for the second.
func (s Standing) OnPass() bool {
	without := s
	without.Policy.TakesPass = false
	return s.SatisfiesTwoFactor() && !without.SatisfiesTwoFactor()
}

// Granted is the evidence that a grant rests on: what counts, and the exemption where that was needed.
func (s Standing) Granted(now time.Time) signin.EvidenceList {
	if !s.Exempted() {
		return s.Proved()
	}
	return s.Proved().With(signin.Evidence{Method: signin.Exemption, At: now})
}

// Methods reads a surface's list of allowed methods; an empty one allows all and is nil.
func Methods(list string) []signin.Method {
	var methods []signin.Method
	for m := range strings.FieldsSeq(list) {
		methods = append(methods, signin.Method(m))
	}
	return methods
}

// ReadFactors reads what the account has and can be challenged with.
func (s *Standing) ReadFactors(ctx context.Context, q *store.Queries) error {
	var err error
	if s.Factors, err = q.ListFactors(ctx, s.Account.ID); err != nil {
		return fmt.Errorf("list factors: %w", err)
	}
	s.State.Enrolled, s.State.Factors = len(s.Factors) > 0, nil
	for _, f := range s.Factors {
		if f.DisabledAt == nil {
			s.State.Factors = append(s.State.Factors, signin.Method(f.Kind))
		}
	}
	if !s.State.Enrolled {
		return nil // backup codes alone are no second factor: they come with one
	}
	left, err := q.CountBackupCodes(ctx, s.Account.ID)
	if err != nil {
		return fmt.Errorf("count backup codes: %w", err)
	}
	if left > 0 {
		s.State.Factors = append(s.State.Factors, signin.Backup)
	}
	return nil
}
