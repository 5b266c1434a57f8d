package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// MaxTrustDays is the longest that a device may be trusted (I12).
const MaxTrustDays = 30

// SurfacePolicy is what a surface accepts as a second factor.
type SurfacePolicy struct {
	// ID is the surface.
	ID string
	// Allowed are the methods that people may set up and prove themselves with, in the order of [signin.FactorMethods]; backup
	// codes come along with any of them.
	Allowed []signin.Method
	// Level is what two factors must reach where they are demanded.
	Level signin.Level
	// TrustDays is for how many days a device can be trusted; 0: not at all.
	TrustDays int
	// Version tells a page that was left open from one that shows how things stand.
	Version time.Time
}

func policyOf(row store.Surface) SurfacePolicy {
	named := strings.Fields(row.AllowedMethods)
	p := SurfacePolicy{
		ID: row.ID, Level: max(signin.Level2FAEmail, signin.Level(row.SecondLevel)), TrustDays: int(row.TrustDays), Version: row.UpdatedAt,
	}
	for _, m := range signin.FactorMethods() {
		if len(named) == 0 || slices.Contains(named, string(m)) {
			p.Allowed = append(p.Allowed, m)
		}
	}
	return p
}

// equal reports whether two policies say the same.
func (p SurfacePolicy) equal(other SurfacePolicy) bool {
	return slices.Equal(p.Allowed, other.Allowed) && p.Level == other.Level && p.TrustDays == other.TrustDays
}

// useful are the methods that are allowed and strong enough where two factors are demanded.
func (p SurfacePolicy) useful() []signin.Method {
	return signin.Policy{TwoFactor: true, SecondLevel: p.Level, Allowed: p.Allowed}.SetUpMethods()
}

// apply is the surface as it would be under the policy.
func (p SurfacePolicy) apply(row store.Surface) store.Surface {
	row.AllowedMethods, row.SecondLevel, row.TrustDays = p.list(), int64(p.Level), int64(p.TrustDays)
	return row
}

// list spells the allowed methods as the row has them: all of them as none named, so that none is left out that comes later.
func (p SurfacePolicy) list() string {
	if len(p.Allowed) == len(signin.FactorMethods()) {
		return ""
	}
	return words(p.Allowed)
}

// words spells methods as a list separated by spaces.
func words(methods []signin.Method) string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = string(m)
	}
	return strings.Join(names, " ")
}

// The fields that a [account.ValidationError] of a [SurfacePolicy] can name; they are the names of form fields.
const (
	FieldMethods = "methods"
	FieldLevel   = "level"
	FieldDays    = "days"
)

// checkPolicy returns a wanted policy with its methods in their order and each once, or says what is wrong with it.
func (s *Service) checkPolicy(p SurfacePolicy) (SurfacePolicy, error) {
	fields := map[string]string{}
	asked := p.Allowed
	p.Allowed = slices.DeleteFunc(signin.FactorMethods(), func(m signin.Method) bool { return !slices.Contains(asked, m) })
	unknown := slices.ContainsFunc(asked, func(m signin.Method) bool { return !slices.Contains(p.Allowed, m) })
	if !slices.Contains(levels(), p.Level) {
		fields[FieldLevel] = templates.MsgLevelBlank
	}
	switch useful := p.useful(); {
	case len(p.Allowed) == 0 || unknown:
		fields[FieldMethods] = templates.MsgMethodsBlank
	case fields[FieldLevel] != "":
		// Whether they are strong enough cannot be said yet.
	case len(useful) == 0:
		fields[FieldMethods] = templates.MsgMethodsWeak
	case !slices.ContainsFunc(useful, s.offers):
		fields[FieldMethods] = templates.MsgMethodsMissing
	}
	if p.TrustDays < 0 || p.TrustDays > MaxTrustDays || p.ID == SurfaceAdmin && p.TrustDays != 0 {
		fields[FieldDays] = templates.MsgDaysForm
	}
	if len(fields) > 0 {
		return p, &account.ValidationError{Fields: fields}
	}
	return p, nil
}

// levels are what a surface can demand, the lowest first.
func levels() []signin.Level {
	return []signin.Level{signin.Level2FAEmail, signin.Level2FA, signin.LevelPHR}
}

// SurfacePolicies returns what every surface accepts, the console's first.
func (s *Service) SurfacePolicies(ctx context.Context, actor Actor) ([]SurfacePolicy, error) {
	if err := s.view(ctx, actor, mayView); err != nil {
		return nil, err
	}
	rows, err := s.db.Read().ListSurfaces(ctx)
	if err != nil {
		return nil, fmt.Errorf("list surfaces: %w", err)
	}
	policies := make([]SurfacePolicy, len(rows))
	for i, row := range rows {
		policies[i] = policyOf(row)
	}
	return policies, nil
}

// PolicyPreview says what a change of a surface's policy would do.
type PolicyPreview struct {
	// Before and After are the policy as it stands and as it would be.
	Before, After SurfacePolicy
	// Stopped counts the accounts that would have no factor left that is accepted.
	Stopped int64
}

// PreviewSurfacePolicy says what [Service.SetSurfacePolicy] would do, and fails like it, without doing it.
func (s *Service) PreviewSurfacePolicy(ctx context.Context, actor Actor, want SurfacePolicy) (PolicyPreview, error) {
	actor, err := s.viewer(ctx, actor, mayEnforce)
	if err != nil {
		return PolicyPreview{}, err
	}
	q := s.db.Read()
	row, err := q.GetSurface(ctx, want.ID)
	if err != nil {
		return PolicyPreview{}, err
	}
	v := PolicyPreview{Before: policyOf(row)}
	if v.After, err = s.checkPolicy(want); err != nil {
		return PolicyPreview{}, err
	}
	if !v.Before.equal(v.After) && !v.Before.Version.Equal(want.Version) {
		return PolicyPreview{}, ErrConflict
	}
	if v.Stopped, err = stopped(ctx, q, row, v.After); err != nil {
		return PolicyPreview{}, err
	}
	return v, s.lockout(ctx, q, actor, row, v.After)
}

// SetSurfacePolicy sets what a surface accepts, from the next decision on. The version is that of the policy the actor saw. It
// fails with an [account.ValidationError], with [ErrConflict] when somebody else changed the surface meanwhile, with [ErrLockout]
// when the actor could not take the change back, with [store.ErrNotFound] for an unknown surface, and reports whether anything
// was changed.
func (s *Service) SetSurfacePolicy(ctx context.Context, actor Actor, want SurfacePolicy) (bool, error) {
	return s.act(ctx, actor, mayEnforce, audit.Event{Type: audit.MethodsSet}, func(w *work) error {
		row, err := w.tx.HoldSurface(ctx, want.ID)
		if err != nil {
			return err
		}
		w.event.Target = row.ID
		want, err := s.checkPolicy(want)
		if err != nil {
			return err
		}
		former := policyOf(row)
		if former.equal(want) {
			return errUnchanged // no change, a second click, or somebody else who wanted the same
		}
		n, err := w.tx.SetSurfaceMethods(ctx, store.SetSurfaceMethodsParams{
			ID: row.ID, Version: orEpoch(want.Version), AllowedMethods: want.list(), SecondLevel: int64(want.Level),
			TrustDays: int64(want.TrustDays), Now: w.now,
		})
		if err := claimed(n, err); err != nil {
			return err
		}
		if err := s.lockout(ctx, w.tx.Queries, w.actor, row, want); errors.Is(err, ErrLockout) {
			return &refusal{err: err, word: wordLockout}
		} else if err != nil {
			return err
		}
		count, err := stopped(ctx, w.tx.Queries, row, want)
		if err != nil {
			return err
		}
		w.event.Data = changes("methods", words(former.Allowed), words(want.Allowed), "level", former.Level.ACR(), want.Level.ACR(),
			"trust_days", strconv.Itoa(former.TrustDays), strconv.Itoa(want.TrustDays))
		w.event.Data["stopped"] = strconv.FormatInt(count, 10)
		return nil
	})
}

// stopped counts the accounts that have a factor which is accepted, and would have none.
func stopped(ctx context.Context, q *store.Queries, row store.Surface, want SurfacePolicy) (int64, error) {
	n, err := q.CountAccountsStopped(ctx, store.CountAccountsStoppedParams{
		Kind: row.AccountKind, Useful: words(policyOf(row).useful()), UsefulThen: words(want.useful()),
	})
	if err != nil {
		return 0, fmt.Errorf("count accounts: %w", err)
	}
	return n, nil
}

// lockout returns [ErrLockout] if the console would accept nothing that the actor has, or, where no operator acts, nothing that
// any administrator has.
func (s *Service) lockout(ctx context.Context, q *store.Queries, actor Actor, row store.Surface, want SurfacePolicy) error {
	if row.ID != SurfaceAdmin {
		return nil
	}
	if actor.person() {
		if s.factors == nil {
			return errNoFactors
		}
		able, err := s.factors.CouldProve(ctx, q, actor.Account, want.apply(row))
		if err == nil && !able {
			return ErrLockout
		}
		return err
	}
	gone, err := stopped(ctx, q, row, want)
	if err != nil || gone == 0 {
		return err
	}
	able, err := q.CountAccountsAble(ctx, store.CountAccountsAbleParams{
		Kind: row.AccountKind, Role: account.RoleAdministrator, Useful: words(want.useful()),
	})
	if err != nil {
		return fmt.Errorf("count administrators: %w", err)
	}
	if able == 0 {
		return ErrLockout
	}
	return nil
}
