package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// postAuthorize turns a posted authorization request into the same one by GET. A browser does not send our session cookie
// with another site's post (SameSite=Lax), but it does when it follows a redirect by GET.
func (p *Provider) postAuthorize(w http.ResponseWriter, r *http.Request) error {
	if err := parsePosted(r); err != nil {
		return err
	}
	return web.SeeOther(w, r, "/authorize?"+r.PostForm.Encode())
}

// parsePosted reads a form that becomes a query again. What is wrong inside it is for whoever reads that.
func parsePosted(r *http.Request) error {
	err := r.ParseForm()
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok || err == nil {
		return err
	}
	return web.BadRequest(err)
}

// getAuthorize answers an authorization request: with a code at once when the browser's session has what is asked, with a
// sign-in otherwise.
func (p *Provider) getAuthorize(w http.ResponseWriter, r *http.Request) error {
	ctx, now := r.Context(), p.now()
	form, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return refuseHere("the query string cannot be read").page()
	}
	form.Del("lang") // ours, of the language links
	q, client, err := p.readAuthRequest(ctx, form, now)
	if here, ok := errors.AsType[*unsafeError](err); ok {
		return here.page()
	}
	web.Event(ctx).Add(slog.String("client_id", q.ClientID))
	if refused, ok := errors.AsType[*authError](err); ok {
		return p.answerError(w, r, q, refused)
	}
	if err != nil {
		return err
	}
	kind, ok := p.surfaces[client.Surface()]
	if !ok {
		return fmt.Errorf("client %s is on surface %q, which does not exist", client.ID(), client.Surface())
	}

	policy := signin.Policy{RequiredLevel: q.level, EvidenceAfter: q.evidenceAfter(now)}
	st := standing.Standing{Policy: policy}
	session, err := p.kit.Sessions.LoadOn(r, kind, client.Surface())
	switch {
	case errors.Is(err, web.ErrNoSession):
	case err != nil:
		return err
	case q.Subject != "" && !p.names(q, session.AccountID):
		// Somebody else is signed in than the relying party speaks of: for this request that is nobody.
		session = web.Session{}
	default:
		if st, err = p.sessionStanding(ctx, session, policy); err != nil {
			return err
		}
		if st.State.ConsentDue, err = p.consentDue(ctx, p.db.Read(), client, q, session.AccountID, ""); err != nil {
			return err
		}
	}

	step := st.Next()
	web.Event(ctx).Add(slog.String("step", step.String()))
	if step == signin.StepIssue {
		granted, err := p.grantAtOnce(w, r, q, client, session, st, now)
		if granted || err != nil {
			return err
		}
		step = signin.StepConsent // taken back this very moment
	}
	switch {
	case step == signin.StepUnmet:
		return p.answerError(w, r, q, refuse("unmet_authentication_requirements", "this account cannot reach the requested acr"))
	case q.prompts(promptNone) && step == signin.StepPassword:
		return p.answerError(w, r, q, refuse("login_required", "the person is not signed in"))
	case q.prompts(promptNone) && step == signin.StepConsent:
		return p.answerError(w, r, q, refuse("consent_required", "the person has not allowed this client all of the scope"))
	case q.prompts(promptNone):
		return p.answerError(w, r, q, refuse("interaction_required", "the person must prove a second factor"))
	}
	return p.startFlow(w, r, flowStart{
		surface: client.Surface(), clientID: &q.ClientID, request: q.encode(), locale: q.uiLocales, loginHint: q.loginHint,
		policy: policy, session: session, evidence: st.State.Evidence,
	}, now)
}

// grantAtOnce is single sign-on: the session speaks for the person. It reports whether it answered: what the person allowed may be
// taken back this very moment.
func (p *Provider) grantAtOnce(
	w http.ResponseWriter, r *http.Request, q authRequest, client *Client, session web.Session, st standing.Standing, now time.Time,
) (bool, error) {
	ctx := r.Context()
	code, arg := p.newGrant(q, client.Surface(), st, session.ID, now)
	var err error
	if first := p.isUnused(q.ClientID); first || client.asksConsent() || len(q.Pushed) > 0 {
		err = p.db.InTx(ctx, func(tx *store.Tx) error {
			if first {
				if err := noteUsed(ctx, tx.Queries, q.ClientID, now); err != nil {
					return err
				}
			}
			if err := p.holdConsent(ctx, tx, client, q, session.AccountID); err != nil {
				return err
			}
			if err := usePushed(ctx, tx, q, now); err != nil {
				return err
			}
			return tx.InsertGrant(ctx, arg)
		})
	} else {
		err = p.db.Once(ctx, func(q *store.Queries) error { return q.InsertGrant(ctx, arg) })
	}
	switch {
	case errors.Is(err, errNotYet):
		return false, nil
	case errors.Is(err, errPushedUsed):
		return true, p.answerError(w, r, q, refusePushed())
	case err != nil:
		return false, fmt.Errorf("grant on session: %w", err)
	}
	return true, p.answer(w, r, q, url.Values{"code": {code}})
}

// flowStart is what a new flow begins with.
type flowStart struct {
	surface   string
	clientID  *string // nil for an internal flow
	request   []byte
	returnTo  string
	locale    string
	loginHint string
	policy    signin.Policy
	// session is the one to step up; its zero value starts from nothing.
	session  web.Session
	evidence signin.EvidenceList
}

// startFlow writes the flow's row, gives its secret to the browser and sends it to the first step.
func (p *Provider) startFlow(w http.ResponseWriter, r *http.Request, s flowStart, now time.Time) error {
	if wait, ok := p.flowBudget.take(audit.OriginOf(r.Context()).Network(), now); !ok {
		return web.TooMany(wait, errors.New("too many sign-ins begun from this address"))
	}
	expires := now.Add(p.lifetimes.Flow)
	if idle := p.idle[s.session.Kind]; s.session.ID != "" && idle < p.lifetimes.Flow {
		// What rests on a session must not outlive it: nobody is seen at a flow that is only left open.
		expires = now.Add(idle)
	}
	secret, hash := web.NewToken()
	id := store.NewID[store.FlowID]()
	arg := store.InsertFlowParams{
		ID: id, SecretHash: hash, SurfaceID: s.surface, ClientID: s.clientID, Request: s.request, ReturnTo: s.returnTo,
		Locale: s.locale, LoginHint: s.loginHint, RequiredLevel: int64(s.policy.RequiredLevel), AllFactors: s.policy.AllFactors,
		Evidence: s.evidence.Encode(), Now: now, ExpiresAt: expires,
	}
	if !s.policy.EvidenceAfter.IsZero() {
		arg.EvidenceAfter = &s.policy.EvidenceAfter
	}
	if s.session.ID != "" {
		arg.AccountID, arg.CredentialEpoch, arg.SessionID = &s.session.AccountID, &s.session.Account.CredentialEpoch, &s.session.ID
	}
	if err := p.insertFlow(r.Context(), arg); err != nil {
		return err
	}
	web.SetFlowCookie(w, r, id, secret)
	return web.SeeOther(w, r, flowURL("/signin/continue", id))
}

func (p *Provider) insertFlow(ctx context.Context, arg store.InsertFlowParams) error {
	if err := p.db.InTx(ctx, func(tx *store.Tx) error { return tx.InsertFlow(ctx, arg) }); err != nil {
		return fmt.Errorf("insert flow: %w", err)
	}
	return nil
}
