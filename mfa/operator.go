package mfa

import (
	"context"
	"slices"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
)

// Offers reports whether this installation can do a method at all, whatever a surface allows.
func (s *Service) Offers(method signin.Method) bool { return s.offered(method) }

// CouldProve reports whether an account could still prove who it is if a surface were as given: it has a factor that would be
// accepted there, or nothing set up yet. Backup codes alone do not count, since they come to an end.
func (s *Service) CouldProve(ctx context.Context, q *store.Queries, acc store.Account, surface store.Surface) (bool, error) {
	st := standing.Standing{Account: acc, Policy: standing.SurfacePolicy(surface, acc, s.now())}
	if err := st.ReadFactors(ctx, q); err != nil {
		return false, err
	}
	// What the account has is asked for before every change of settings, also where signing in does not need it.
	st.Policy.AllFactors = true
	accepted := slices.DeleteFunc(st.Policy.ChallengeMethods(st.State), func(m signin.Method) bool { return m == signin.Backup })
	return !st.State.Enrolled || len(accepted) > 0, nil
}
