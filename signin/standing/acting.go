package standing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// ErrNotFresh means that a session's proofs are too old for a change of security settings.
var ErrNotFresh = errors.New("proof is not fresh")

// FreshFor is how old proofs may be for a change of security settings (I13).
const FreshFor = 5 * time.Minute

// Acting is a person with a full session who changes their own security settings. Its policy asks for a fresh proof of
// everything they have.
type Acting struct {
	Standing

	Session store.Session
	Surface store.Surface
}

// Fresh reports whether the person proved everything they have a moment ago (I13).
func (a Acting) Fresh() bool { return a.Next() == signin.StepIssue }

// OfActing reads a session with its account and factors. A session that is over, or whose account's credentials changed since,
// is ErrGone.
func OfActing(ctx context.Context, q *store.Queries, id store.SessionID, now time.Time, limits Limits) (Acting, error) {
	session, err := q.GetSession(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (session.EndedAt != nil || !session.ExpiresAt.After(now)) {
		return Acting{}, ErrGone
	}
	if err != nil {
		return Acting{}, fmt.Errorf("load session: %w", err)
	}
	account, err := q.GetAccount(ctx, session.AccountID)
	if err != nil {
		return Acting{}, fmt.Errorf("load account: %w", err)
	}
	if account.DisabledAt != nil || account.CredentialEpoch != session.CredentialEpoch {
		return Acting{}, ErrGone
	}
	a := Acting{Session: session}
	if a.Surface, err = q.GetSurface(ctx, signin.SurfaceOf(account.Kind)); err != nil {
		return Acting{}, fmt.Errorf("load surface: %w", err)
	}
	policy := signin.Policy{AllFactors: true, EvidenceAfter: now.Add(-FreshFor)}
	if a.Standing, err = OfSession(account, a.Surface, session.Evidence, policy, now, limits); err != nil {
		return Acting{}, err
	}
	return a, a.ReadFactors(ctx, q)
}
