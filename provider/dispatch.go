package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// standing is where a flow stands, as the rows say at this moment.
type standing struct {
	account store.Account
	state   signin.State
	policy  signin.Policy
}

func (s standing) next() signin.Step { return signin.Next(s.state, s.policy) }

// proved is the evidence that counts for this flow: what its tokens may speak of.
func (s standing) proved() signin.EvidenceList { return s.state.Evidence.Since(s.policy.EvidenceAfter) }

// flowPolicy is what a flow demands whoever signs in.
func flowPolicy(f store.Flow) signin.Policy {
	p := signin.Policy{RequiredLevel: signin.Level(f.RequiredLevel), AllFactors: f.AllFactors}
	if f.EvidenceAfter != nil {
		p.EvidenceAfter = *f.EvidenceAfter
	}
	return p
}

// standingOf reads where a flow stands. It reads through q, so that the dispatcher and the transaction that issues ask the
// same question in the same words.
func standingOf(ctx context.Context, q *store.Queries, f store.Flow, now time.Time) (standing, error) {
	if f.AccountID == nil {
		return standing{policy: flowPolicy(f)}, nil
	}
	row, err := q.GetFlowAccount(ctx, store.GetFlowAccountParams{ID: f.ID, SecretHash: f.SecretHash, Now: now})
	if errors.Is(err, store.ErrNotFound) {
		// Bound to an account whose credentials have changed since: what was proved is worth nothing any more.
		return standing{}, web.ErrFlowGone
	}
	if err != nil {
		return standing{}, fmt.Errorf("load flow: %w", err)
	}
	s := standing{account: row.Account, policy: flowPolicy(row.Flow)}
	s.policy.TwoFactor = twoFactorRequired(row.Account, row.Enforced)
	s.state.Account = true
	if s.state.Evidence, err = signin.ParseEvidence(row.Flow.Evidence); err != nil {
		return standing{}, err
	}
	if err := fillFactors(ctx, q, row.Account.ID, &s.state); err != nil {
		return standing{}, err
	}
	if row.Flow.BackupBatchID != nil {
		batch, err := q.GetBackupBatch(ctx, row.Account.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return standing{}, fmt.Errorf("load backup codes: %w", err)
		}
		s.state.BackupCodesToShow = err == nil && batch.ID == *row.Flow.BackupBatchID && batch.CodesSealed != nil
	}
	return s, nil
}

// fillFactors reads what the account can be challenged with.
func fillFactors(ctx context.Context, q *store.Queries, id store.AccountID, s *signin.State) error {
	factors, err := q.ListFactors(ctx, id)
	if err != nil {
		return fmt.Errorf("list factors: %w", err)
	}
	s.Enrolled = len(factors) > 0
	for _, f := range factors {
		if f.DisabledAt == nil {
			s.Factors = append(s.Factors, signin.Method(f.Kind))
		}
	}
	if !s.Enrolled {
		return nil
	}
	left, err := q.CountBackupCodes(ctx, id)
	if err != nil {
		return fmt.Errorf("count backup codes: %w", err)
	}
	if left > 0 {
		s.Factors = append(s.Factors, signin.Backup)
	}
	return nil
}

// twoFactorRequired is the rule of M12 and M14: enforcement or the account's own choice.
func twoFactorRequired(a store.Account, enforced bool) bool {
	return enforced || a.TwoFactor == "use"
}

// sessionStanding is where a request stands that comes with a full session.
func (p *Provider) sessionStanding(ctx context.Context, s web.Session, policy signin.Policy) (standing, error) {
	out := standing{account: s.Account, policy: policy, state: signin.State{Account: true}}
	out.policy.TwoFactor = twoFactorRequired(s.Account, s.Enforced)
	var err error
	if out.state.Evidence, err = signin.ParseEvidence(s.Evidence); err != nil {
		return standing{}, err
	}
	// The hot path ends here: a session that has what is asked needs no look at the factors.
	if !policy.AllFactors && out.next() == signin.StepIssue {
		return out, nil
	}
	return out, fillFactors(ctx, p.db.Read(), s.AccountID, &out.state)
}

// Fresh reports whether a session proved everything its account has, not longer ago than within (I13).
func (p *Provider) Fresh(ctx context.Context, s web.Session, within time.Duration) (bool, error) {
	st, err := p.sessionStanding(ctx, s, signin.Policy{EvidenceAfter: p.now().Add(-within), AllFactors: true})
	if err != nil {
		return false, err
	}
	return st.next() == signin.StepIssue, nil
}

// The pages of the steps. Only the dispatcher leads to them; each leads back to it.
var stepPaths = map[signin.Step]string{
	signin.StepPassword:        "/signin",
	signin.StepSetUpFactor:     "/signin/two-factor",
	signin.StepShowBackupCodes: "/signin/backup-codes",
	signin.StepChallenge:       "/signin/challenge",
}

func flowURL(path string, id store.FlowID) string {
	return path + "?" + url.Values{"flow": {string(id)}}.Encode()
}

// getContinue is the dispatcher: every step of a sign-in ends in a redirect to here. It looks at the rows, asks signin.Next
// and sends the browser to the page of that step, or lets the sign-in end.
func (p *Provider) getContinue(w http.ResponseWriter, r *http.Request) error {
	flow, err := p.kit.Flows.Load(r)
	if err != nil {
		return err
	}
	st, err := standingOf(r.Context(), p.db.Read(), flow, p.now())
	if err != nil {
		return err
	}
	return p.lead(w, r, flow, st)
}

// lead sends the browser on from where a flow stands.
func (p *Provider) lead(w http.ResponseWriter, r *http.Request, flow store.Flow, st standing) error {
	step := st.next()
	web.Event(r.Context()).Add(slog.String("step", step.String()))
	switch step {
	case signin.StepIssue:
		return p.finish(w, r, flow)
	case signin.StepUnmet:
		return p.endUnmet(w, r, flow)
	default:
		path, ok := stepPaths[step]
		if !ok {
			return fmt.Errorf("no page for step %s", step)
		}
		return web.SeeOther(w, r, flowURL(path, flow.ID))
	}
}

// endUnmet tells the relying party that this account cannot reach the level it asked for.
func (p *Provider) endUnmet(w http.ResponseWriter, r *http.Request, flow store.Flow) error {
	if flow.ClientID == nil {
		return fmt.Errorf("internal flow %s asks for a level nobody can reach", flow.ID)
	}
	q, err := decodeAuthRequest(flow.Request)
	if err != nil {
		return err
	}
	now := p.now()
	err = p.db.InTx(r.Context(), func(tx *store.Tx) error {
		_, err := tx.FinishFlow(r.Context(), store.FinishFlowParams{ID: flow.ID, SecretHash: flow.SecretHash, Now: &now})
		return err
	})
	if err != nil {
		return flowGone(err)
	}
	web.ClearFlowCookie(w, flow.ID)
	return p.answerError(w, r, q, refuse("unmet_authentication_requirements", "this account cannot reach the requested acr"))
}

// flowGone turns the miss of a guarded flow statement into the page for it.
func flowGone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return web.ErrFlowGone
	}
	return err
}
