package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// pathConsent is the page that asks what an application may learn: the last step of a sign-in.
const pathConsent = "/signin/consent"

// The values of the page's two buttons.
const (
	fieldDecision = "decision"
	decisionAllow = "allow"
	decisionDeny  = "deny"
	// fieldAccount names the person that the page was shown to: the browser may hold another one's sign-in by now.
	fieldAccount = "account"
)

// asksConsent reports whether people are asked before the client learns anything about them (OpenID Connect Core §3.1.2.4). For the
// installation's own applications, whoever runs it has decided.
func (c *Client) asksConsent() bool { return c.settings.ThirdParty }

// covers reports whether every value of a scope is among those that were allowed.
func covers(allowed, scope string) bool {
	for s := range strings.FieldsSeq(scope) {
		if !hasScope(allowed, s) {
			return false
		}
	}
	return true
}

// consentDue reports whether a person must be asked before a request is answered: what the client wants goes beyond what it was allowed,
// or it wants the person to be asked whatever was. pressed is what was allowed in this very sign-in.
//
// That the scope is covered is the "other condition" of OpenID Connect Core §11, under which offline_access is granted without
// prompt=consent: the page told of it when it was allowed.
func (p *Provider) consentDue(
	ctx context.Context, rows *store.Queries, client *Client, q authRequest, account store.AccountID, pressed string,
) (bool, error) {
	if pressed != "" && covers(pressed, q.Scope) {
		return false, nil
	}
	if q.AskConsent {
		return true, nil
	}
	if !client.asksConsent() {
		return false, nil
	}
	allowed, err := allowedScope(ctx, rows, client.ID(), account)
	return !covers(allowed, q.Scope), err
}

// allowedScope is what a person has allowed a client; empty if nothing.
func allowedScope(ctx context.Context, rows *store.Queries, client string, account store.AccountID) (string, error) {
	row, err := rows.GetConsent(ctx, store.GetConsentParams{AccountID: account, ClientID: client})
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("load consent: %w", err)
	}
	return row.Scope, nil
}

// flowConsentDue is consentDue for a sign-in in progress. While nobody has proved who they are there is nobody to ask.
func (p *Provider) flowConsentDue(ctx context.Context, rows *store.Queries, flow store.Flow, st standing.Standing) (bool, error) {
	if flow.ClientID == nil || !st.State.Account {
		return false, nil
	}
	client, ok := p.clients.Lookup(*flow.ClientID)
	if !ok {
		return false, nil // whoever answers the request says so
	}
	q, err := decodeAuthRequest(flow.Request)
	if err != nil {
		return false, err
	}
	return p.consentDue(ctx, rows, client, q, st.Account.ID, flow.ConsentedScope)
}

// holdConsent looks at a person's consent for what is written in the same transaction. The account is held: whoever takes the consent
// back beside this either waits and ends what is written here, or has ended it before, which is errNotYet.
func (p *Provider) holdConsent(ctx context.Context, tx *store.Tx, client *Client, q authRequest, account store.AccountID) error {
	if !client.asksConsent() {
		return nil
	}
	if _, err := tx.HoldAccount(ctx, account); err != nil {
		return fmt.Errorf("hold account: %w", err)
	}
	due, err := p.consentDue(ctx, tx.Queries, client, q, account, "")
	if err == nil && due {
		err = errNotYet
	}
	return err
}

// rememberConsent keeps what was allowed in a sign-in beside what was allowed before, in the transaction that ends it. The caller holds
// the account. An application of the installation's own asks for nothing that lasts: there is nothing to take back.
func (p *Provider) rememberConsent(ctx context.Context, tx *store.Tx, q authRequest, flow store.Flow, a store.Account, now time.Time) error {
	if flow.ClientID == nil || flow.ConsentedScope == "" {
		return nil
	}
	client, ok := p.clients.Lookup(*flow.ClientID)
	if !ok {
		return nil
	}
	return p.keepConsent(ctx, tx, client, q.Scope, a, now)
}

// keepConsent writes down what a person allows an application of somebody else's. The caller holds the account.
func (p *Provider) keepConsent(ctx context.Context, tx *store.Tx, client *Client, scope string, a store.Account, now time.Time) error {
	if !client.asksConsent() {
		return nil
	}
	allowed, err := allowedScope(ctx, tx.Queries, client.ID(), a.ID)
	if err != nil {
		return err
	}
	err = tx.PutConsent(ctx, store.PutConsentParams{AccountID: a.ID, ClientID: client.ID(), Scope: union(allowed, scope), Now: now})
	if errors.Is(err, store.ErrForeignKey) {
		return refuseHere("client_id is not known any more").page() // deleted this very moment
	}
	if err != nil {
		return fmt.Errorf("keep consent: %w", err)
	}
	event := p.consentEvent(audit.AppConsent, client, a)
	event.Data = map[string]string{"scope": scope}
	return audit.Write(ctx, tx, now, event)
}

// union is a scope with everything that is in one of two.
func union(a, b string) string {
	all := strings.Fields(a)
	for s := range strings.FieldsSeq(b) {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return formatScope(all)
}

func (p *Provider) consentEvent(t audit.Type, client *Client, a store.Account) audit.Event {
	return audit.Event{
		Type: t, Result: audit.Success, Actor: audit.OfAccount(a), Account: a.ID, ClientID: client.ID(), Target: client.Name(),
	}
}

// atConsent is a sign-in that waits for the person's decision.
type atConsent struct {
	flow   store.Flow
	st     standing.Standing
	q      authRequest
	client *Client
}

// loadConsent finds the sign-in of a request. Ok is false for one that is at another step; then the answer is given.
func (p *Provider) loadConsent(w http.ResponseWriter, r *http.Request) (at atConsent, ok bool, err error) {
	if at.flow, err = p.kit.Flows.Load(r); err != nil {
		return at, false, err
	}
	if at.st, err = p.standingOf(r.Context(), p.db.Read(), at.flow, p.now()); err != nil {
		return at, false, err
	}
	if at.st.Next() != signin.StepConsent {
		return at, false, web.SeeOther(w, r, flowURL("/signin/continue", at.flow.ID))
	}
	if at.q, err = p.pendingRequest(at.flow); err != nil {
		return at, false, err
	}
	at.client, ok = p.clients.Lookup(at.q.ClientID)
	if !ok {
		return at, false, refuseHere("client_id is not known any more").page()
	}
	return at, true, nil
}

// getConsent shows what an application wants to learn.
func (p *Provider) getConsent(w http.ResponseWriter, r *http.Request) error {
	at, ok, err := p.loadConsent(w, r)
	if !ok {
		return err
	}
	return p.renderConsent(w, r, at, http.StatusOK, "")
}

func (p *Provider) renderConsent(w http.ResponseWriter, r *http.Request, at atConsent, status int, problem string) error {
	allowed, err := allowedScope(r.Context(), p.db.Read(), at.client.ID(), at.st.Account.ID)
	if err != nil {
		return err
	}
	f, a := p.kit.Frame(w, r), at.st.Account
	f.Admin = p.surfaces[at.flow.SurfaceID] == web.Operator
	v := templates.ConsentView{
		Action: flowURL(pathConsent, at.flow.ID), CancelAction: flowURL("/signin/cancel", at.flow.ID),
		App: at.client.Name(), LogoURL: at.client.LogoURL(), ThirdParty: at.client.asksConsent(),
		Name: a.DisplayName, LoginID: a.LoginID, Account: string(a.ID),
		AppURL: webPage(at.client.settings.ClientURI), AppHost: hostOf(at.client.settings.ClientURI),
		PolicyURL: webPage(at.client.settings.PolicyURI), TermsURL: webPage(at.client.settings.TermsURI),
		ReturnHost: hostOf(at.q.RedirectURI), Problem: problem,
	}
	if f.Admin {
		v.SettingsURL = "/admin/security"
	}
	for s := range strings.FieldsSeq(at.q.Scope) {
		if line, ok := scopeLine(s, a); ok {
			line.New = allowed != "" && !hasScope(allowed, s)
			v.Scopes = append(v.Scopes, line)
		}
	}
	p.AllowReturn(r, at.flow)
	return p.templates.Consent.Render(w, status, f, v)
}

// scopeLine says what a scope tells about a person. What openid tells, that somebody is the one who was there before, is what every
// sign-in is: it stands on the page for all.
func scopeLine(scope string, a store.Account) (templates.ScopeLine, bool) {
	line := templates.ScopeLine{Scope: scope}
	switch scope {
	case scopeOpenID:
		return line, false
	case scopeProfile:
		line.Values = nonEmpty(a.DisplayName, a.LoginID)
	case scopeEmail:
		line.Values = nonEmpty(a.RegisteredEmail)
	}
	return line, true
}

func nonEmpty(values ...string) []string {
	return slices.DeleteFunc(values, func(v string) bool { return v == "" })
}

// hostOf is where an address leads, for people to read; empty for one without a host.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// webPage is an address that a link may lead to; empty if it is none.
func webPage(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return address
}

// postConsent takes the person's decision.
func (p *Provider) postConsent(w http.ResponseWriter, r *http.Request) error {
	at, ok, err := p.loadConsent(w, r)
	if !ok {
		return err
	}
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	decision := form.Get(fieldDecision)
	switch {
	case decision != decisionAllow && decision != decisionDeny:
		return p.renderConsent(w, r, at, http.StatusUnprocessableEntity, p.templates.T(web.Lang(r), templates.MsgDecide))
	case form.Get(fieldAccount) != string(at.st.Account.ID):
		// The page was shown to somebody else, who signed in in this browser before.
		return web.SeeOther(w, r, flowURL(pathConsent, at.flow.ID))
	case decision == decisionDeny:
		return p.deny(w, r, at)
	default:
		return p.allow(w, r, at)
	}
}

// allow notes the decision in the sign-in, which then is at its end. It is remembered in the transaction that ends it.
func (p *Provider) allow(w http.ResponseWriter, r *http.Request, at atConsent) error {
	ctx := r.Context()
	err := p.db.InTx(ctx, func(tx *store.Tx) error {
		n, err := tx.SetFlowConsent(ctx, store.SetFlowConsentParams{
			ConsentedScope: at.q.Scope, ID: at.flow.ID, SecretHash: at.flow.SecretHash, Now: p.now(), AccountID: &at.st.Account.ID,
		})
		if err == nil && n == 0 {
			return web.ErrFlowGone
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("note consent: %w", err)
	}
	return web.SeeOther(w, r, flowURL("/signin/continue", at.flow.ID))
}

// deny ends the sign-in and tells the relying party (RFC 6749 §4.1.2.1). Nobody is signed in by it who was not before.
func (p *Provider) deny(w http.ResponseWriter, r *http.Request, at atConsent) error {
	ctx, now := r.Context(), p.now()
	err := p.db.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.FinishFlow(ctx, store.FinishFlowParams{ID: at.flow.ID, SecretHash: at.flow.SecretHash, Now: &now}); err != nil {
			return flowGone(err)
		}
		event := p.consentEvent(audit.AppRefuse, at.client, at.st.Account)
		event.Data = map[string]string{"scope": at.q.Scope}
		return audit.Write(ctx, tx, now, event)
	})
	if err != nil {
		return fmt.Errorf("refuse consent: %w", err)
	}
	web.Event(ctx).Add(slog.String("outcome", "consent_refused"))
	web.ClearFlowCookie(w, at.flow.ID)
	return p.answerError(w, r, at.q, refuse("access_denied", "the person did not allow what the client asks for"))
}
