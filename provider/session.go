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

// pendingRequest is the authorization request a flow is to answer. The client may have been changed or disabled while the person
// signed in; where the answer goes is checked against what is registered now (I21).
func (p *Provider) pendingRequest(flow store.Flow) (authRequest, error) {
	q, err := decodeAuthRequest(flow.Request)
	if err != nil {
		return q, err
	}
	client, ok := p.clients.Lookup(q.ClientID)
	if !ok {
		return q, refuseHere("client_id is not known any more").page()
	}
	if !redirectAllowed(q.RedirectURI, client.RedirectURIs()) {
		return q, refuseHere("redirect_uri is not registered for this client any more").page()
	}
	return q, nil
}

// errNotYet says that between the dispatcher's look and the transaction something changed, so that the sign-in is not at its
// end after all.
var errNotYet = errors.New("sign-in is not at its end")

// finish ends a flow: one session, and one code if a relying party waits for it. Everything is decided again inside the
// transaction, so that a policy or a credential that changed a moment ago counts.
func (p *Provider) finish(w http.ResponseWriter, r *http.Request, flow store.Flow) error {
	ctx, now := r.Context(), p.now()
	var q authRequest
	if flow.ClientID != nil {
		var err error
		if q, err = p.pendingRequest(flow); err != nil {
			return err
		}
	}
	var (
		minted mintedSession
		code   string
		other  bool
		used   bool // by another browser, or another tab
	)
	err := p.db.InTx(ctx, func(tx *store.Tx) error {
		// The account's row comes first, as in every change of an account: a reset or a sign-out of all sessions beside this
		// either waits for the session made here and ends it, or is seen here.
		if flow.AccountID != nil {
			if err := tx.SetLastSignIn(ctx, store.SetLastSignInParams{Now: &now, Lang: string(web.Lang(r)), ID: *flow.AccountID}); err != nil {
				return fmt.Errorf("note sign-in: %w", err)
			}
		}
		st, err := p.standingOf(ctx, tx.Queries, flow, now)
		if err != nil {
			return err
		}
		if st.Next() != signin.StepIssue {
			return errNotYet
		}
		// Before anything else is locked: a client that is deleted beside this holds its row.
		if err := p.rememberConsent(ctx, tx, q, flow, st.Account, now); err != nil {
			return err
		}
		if minted, err = p.mintSession(ctx, tx, r, flow, st, now); err != nil {
			return err
		}
		if _, err := tx.FinishFlow(ctx, store.FinishFlowParams{ID: flow.ID, SecretHash: flow.SecretHash, Now: &now}); err != nil {
			return flowGone(err)
		}
		event := audit.Event{
			Type: audit.SignInComplete, Result: audit.Success, Actor: audit.OfAccount(st.Account), Account: st.Account.ID,
			Target: flow.SurfaceID, Data: map[string]string{"acr": st.Proved().Level().ACR()},
		}
		if st.Exempted() || st.OnPass() {
			event.Data["via"] = st.Granted(now).TwoFactor().Via
		}
		if flow.ClientID != nil {
			event.ClientID = *flow.ClientID
			// The person may have signed in, but the relying party asked for another one (OpenID Connect Core §3.1.2.1).
			if other = q.Subject != "" && !p.names(q, st.Account.ID); !other {
				err = usePushed(ctx, tx, q, now)
				if used = errors.Is(err, errPushedUsed); err == nil {
					code, err = p.grant(ctx, tx, q, flow.SurfaceID, st, minted.id, now)
				}
				if err != nil && !used {
					return err
				}
			}
		}
		return audit.Write(ctx, tx, now, event)
	})
	if errors.Is(err, errNotYet) {
		return web.SeeOther(w, r, flowURL("/signin/continue", flow.ID))
	}
	if err != nil {
		return fmt.Errorf("finish sign-in: %w", err)
	}
	web.Event(ctx).Add(slog.String("outcome", "signed_in"), slog.String("session", string(minted.id)))
	web.SetSessionCookie(w, minted.kind, minted.token)
	web.ClearFlowCookie(w, flow.ID)
	switch {
	case flow.ClientID == nil:
		to, ok := web.LocalPath(flow.ReturnTo)
		if !ok {
			return fmt.Errorf("flow %s returns to a place that is not ours", flow.ID)
		}
		return web.SeeOther(w, r, to)
	case other:
		return p.answerError(w, r, q, refuse("login_required", "another person than the one of id_token_hint signed in"))
	case used:
		return p.answerError(w, r, q, refusePushed())
	default:
		return p.answer(w, r, q, url.Values{"code": {code}})
	}
}

// mintedSession is a session with the token its browser gets.
type mintedSession struct {
	id    store.SessionID
	kind  web.Kind
	token string
}

// mintSession is the one place where full sessions come from: it makes a new one, or raises the one the flow stepped up.
// Either way the browser gets a new token, and the former one is refused from this commit on (I10).
func (p *Provider) mintSession(ctx context.Context, tx *store.Tx, r *http.Request, flow store.Flow, st standing.Standing, now time.Time) (mintedSession, error) {
	token, hash := web.NewToken()
	kind := web.Kind(st.Account.Kind)
	m := mintedSession{kind: kind, token: token}
	if flow.SessionID != nil {
		had, err := evidenceOfSession(ctx, tx, *flow.SessionID)
		if err != nil {
			return m, err
		}
		// Another tab may have stepped the session up meanwhile, and a level that was reached is not lowered. The caller holds the account,
		// so that of two tabs one comes after the other.
		evidence := had.Beside(st.State.Evidence)
		n, err := tx.RaiseSession(ctx, store.RaiseSessionParams{
			TokenHash: hash, Evidence: evidence.Encode(), Now: now, ExpiresAt: p.sessionEnd(kind, evidence, now),
			ID: *flow.SessionID, AccountID: st.Account.ID, CredentialEpoch: st.Account.CredentialEpoch,
		})
		if err != nil {
			return m, fmt.Errorf("raise session: %w", err)
		}
		if n == 0 {
			// The session ended meanwhile, and the sign-in rests on what was proved in it: it ends too (I11).
			return m, web.ErrFlowGone
		}
		m.id = *flow.SessionID
		if from, to := had.Level(), evidence.Level(); to > from {
			tx.Signal(store.Happening{
				Kind: store.SignalAssuranceChange, Account: st.Account.ID, Session: m.id, At: now,
				Data: store.SignalData{Level: to.ACR(), FormerLevel: from.ACR()},
			})
		}
		return m, nil
	}
	// A browser has one session per kind of account. The one it comes with, if any, ends with the change of person.
	if err := p.endFormer(ctx, tx, r, kind, now); err != nil {
		return m, err
	}
	m.id = store.NewID[store.SessionID]()
	err := tx.InsertSession(ctx, store.InsertSessionParams{
		ID: m.id, TokenHash: hash, AccountID: st.Account.ID, AccountKind: st.Account.Kind, CredentialEpoch: st.Account.CredentialEpoch,
		Evidence: st.State.Evidence.Encode(), ClientAddress: audit.OriginOf(ctx).Address, UserAgent: audit.OriginOf(ctx).UserAgent,
		Now: now, ExpiresAt: p.sessionEnd(kind, st.State.Evidence, now),
	})
	if err != nil {
		return m, fmt.Errorf("insert session: %w", err)
	}
	return m, nil
}

// evidenceOfSession is what a session rests on by now.
func evidenceOfSession(ctx context.Context, tx *store.Tx, id store.SessionID) (signin.EvidenceList, error) {
	session, err := tx.GetSession(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, web.ErrFlowGone
	}
	if err != nil {
		return nil, fmt.Errorf("load session: %w", err)
	}
	has, err := signin.ParseEvidence(session.Evidence)
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", id, err)
	}
	return has, nil
}

// sessionEnd is the absolute end of a session: so long after the password, or the passkey that took its place, however often it
// was stepped up since.
func (p *Provider) sessionEnd(kind web.Kind, evidence signin.EvidenceList, now time.Time) time.Time {
	limit := p.lifetimes.CustomerSession
	if kind == web.Operator {
		limit = p.lifetimes.OperatorSession
	}
	start := now
	for _, e := range evidence {
		if e.Method == signin.Password || e.UserVerified && !evidence.Has(signin.Password) {
			start = e.At
		}
	}
	return start.Add(limit)
}

func (p *Provider) endFormer(ctx context.Context, tx *store.Tx, r *http.Request, kind web.Kind, now time.Time) error {
	token := web.SessionToken(r, kind)
	if token == "" {
		return nil
	}
	former, err := tx.GetSessionByToken(ctx, web.HashToken(token))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load former session: %w", err)
	}
	return endSession(ctx, tx, former.ID, former.AccountID, now)
}

// endSession ends a session, everything issued in it, and every sign-in that would step it up.
func endSession(ctx context.Context, tx *store.Tx, id store.SessionID, account store.AccountID, now time.Time) error {
	if _, err := tx.EndSession(ctx, now, id, account); err != nil {
		return err
	}
	if _, err := tx.EndSessionFlows(ctx, store.EndSessionFlowsParams{Now: &now, SessionID: &id}); err != nil {
		return fmt.Errorf("end sign-ins of session: %w", err)
	}
	if _, err := tx.RevokeSessionGrants(ctx, store.RevokeSessionGrantsParams{Now: &now, SessionID: id}); err != nil {
		return fmt.Errorf("revoke grants of session: %w", err)
	}
	return nil
}

// grant writes down what a relying party is given and returns the code for it.
func (p *Provider) grant(
	ctx context.Context, tx *store.Tx, q authRequest, surface string, st standing.Standing, session store.SessionID, now time.Time,
) (code string, err error) {
	code, arg := p.newGrant(q, surface, st, session, now)
	if err := tx.InsertGrant(ctx, arg); err != nil {
		return "", fmt.Errorf("insert grant: %w", err)
	}
	if p.isUnused(q.ClientID) {
		err = noteUsed(ctx, tx.Queries, q.ClientID, now)
	}
	return code, err
}

// newGrant makes a code and the row behind it. The evidence is what counts for this request, so that no token says more than
// was proved within it (I1).
func (p *Provider) newGrant(
	q authRequest, surface string, st standing.Standing, session store.SessionID, now time.Time,
) (code string, arg store.InsertGrantParams) {
	code, hash := newCode()
	a, granted := st.Account, st.Granted(now)
	expires := now.Add(p.lifetimes.RefreshAbsolute)
	if st.OnPass() {
		// A pass lets one session in. What is given out in it goes no further.
		expires = earlier(expires, p.sessionEnd(web.Kind(a.Kind), st.State.Evidence, now))
	}
	return code, store.InsertGrantParams{
		ID: store.NewID[store.GrantID](), ClientID: q.ClientID, AccountID: a.ID, SessionID: session, SurfaceID: surface,
		CredentialEpoch: a.CredentialEpoch, SecondFactor: st.SatisfiesTwoFactor(), Scope: q.Scope, Nonce: q.Nonce,
		Evidence: granted.Encode(), RedirectURI: q.RedirectURI, CodeHash: hash, CodeChallenge: q.CodeChallenge,
		KeyThumbprint: q.KeyThumbprint,
		Resources:     formatScope(q.Resources), Claims: q.Claims,
		CodeExpiresAt: now.Add(p.codeLife(q.ClientID)), Now: now, ExpiresAt: expires,
	}
}

// codeLife is how long a client's code may be redeemed.
func (p *Provider) codeLife(clientID string) time.Duration {
	if c, ok := p.clients.Lookup(clientID); ok {
		return c.codeLife(p.lifetimes.Code)
	}
	return p.lifetimes.Code
}
