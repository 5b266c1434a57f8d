package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// standingOf reads where a flow stands, through q: the dispatcher and the transaction that issues ask the same question.
func (p *Provider) standingOf(ctx context.Context, q *store.Queries, f store.Flow, now time.Time) (standing.Standing, error) {
	st, err := standing.OfFlow(ctx, q, f, now, p.limits)
	if errors.Is(err, standing.ErrGone) {
		return st, web.ErrFlowGone
	}
	if err != nil {
		return st, err
	}
	st.State.ConsentDue, err = p.flowConsentDue(ctx, q, f, st)
	return st, err
}

// sessionStanding is where a request stands that comes with a full session.
func (p *Provider) sessionStanding(ctx context.Context, s web.Session, policy signin.Policy) (standing.Standing, error) {
	st, err := standing.OfSession(s.Account, s.Surface, s.Evidence, policy, p.now(), p.limits)
	// The hot path ends here: a session that has what is asked needs no look at the factors.
	if err != nil || !policy.AllFactors && !st.State.Postponed && st.Next() == signin.StepIssue {
		return st, err
	}
	return st, st.ReadFactors(ctx, p.db.Read())
}

// Fresh reports whether a session proved everything its account has, not longer ago than within (I13).
func (p *Provider) Fresh(ctx context.Context, s web.Session, within time.Duration) (bool, error) {
	st, err := p.sessionStanding(ctx, s, signin.Policy{EvidenceAfter: p.now().Add(-within), AllFactors: true})
	if err != nil {
		return false, err
	}
	return st.Next() == signin.StepIssue, nil
}

// Sufficient reports whether a session still has what its surface demands: enforcement may have been switched on since (I16).
func (p *Provider) Sufficient(ctx context.Context, s web.Session) (bool, error) {
	st, err := p.sessionStanding(ctx, s, signin.Policy{})
	if err != nil {
		return false, err
	}
	return st.Next() == signin.StepIssue, nil
}

// The pages of the steps. Only the dispatcher leads to them; each leads back to it.
var stepPaths = map[signin.Step]string{
	signin.StepPassword:        "/signin",
	signin.StepTicket:          "/signin/ticket",
	signin.StepSetUpFactor:     "/signin/two-factor",
	signin.StepShowBackupCodes: "/signin/backup-codes",
	signin.StepChallenge:       "/signin/challenge",
	signin.StepConsent:         pathConsent,
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
	st, err := p.standingOf(r.Context(), p.db.Read(), flow, p.now())
	if err != nil {
		return err
	}
	return p.lead(w, r, flow, st)
}

// lead sends the browser on from where a flow stands.
func (p *Provider) lead(w http.ResponseWriter, r *http.Request, flow store.Flow, st standing.Standing) error {
	step := st.Next()
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
	if flow.ClientID == nil && strings.HasPrefix(flow.ReturnTo, pathDeviceConfirm) {
		return unmetHere()
	}
	if flow.ClientID == nil {
		return fmt.Errorf("internal flow %s asks for a level nobody can reach", flow.ID)
	}
	q, err := p.pendingRequest(flow)
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
