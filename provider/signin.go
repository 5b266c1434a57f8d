package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// getSignIn shows the page that asks for login ID and password.
func (p *Provider) getSignIn(w http.ResponseWriter, r *http.Request) error {
	flow, err := p.kit.Flows.Load(r)
	if err != nil {
		return err
	}
	st, err := p.standingOf(r.Context(), p.db.Read(), flow, p.now())
	if err != nil {
		return err
	}
	if st.Next() != signin.StepPassword {
		// The back button after the password: the sign-in is further on.
		return web.SeeOther(w, r, flowURL("/signin/continue", flow.ID))
	}
	v := templates.LoginView{Username: flow.LoginHint}
	if st.State.Account {
		// A session is to be renewed: the person is known and need not type the ID again.
		v.Username = st.Account.LoginID
		v.Notice = p.templates.T(web.Lang(r), "login.again")
	}
	return p.renderSignIn(w, r, flow, http.StatusOK, v)
}

func (p *Provider) renderSignIn(w http.ResponseWriter, r *http.Request, flow store.Flow, status int, v templates.LoginView) error {
	f := p.kit.Frame(w, r)
	f.Admin = p.surfaces[flow.SurfaceID] == web.Operator
	v.Action = flowURL("/signin", flow.ID)
	v.App, v.LogoURL = p.appName(f.Lang, flow), p.appLogo(flow)
	surface, err := p.db.Read().GetSurface(r.Context(), flow.SurfaceID)
	if err != nil {
		return fmt.Errorf("load surface: %w", err)
	}
	v.Announced = templates.Date(standing.Announced(surface, p.now()), p.zone)
	if p.limits.Offers == nil || p.limits.Offers(signin.Passkey) {
		if methods := standing.Methods(surface.AllowedMethods); methods == nil || slices.Contains(methods, signin.Passkey) {
			v.PasskeyAction, v.PasskeyOptionsURL = flowURL("/signin/passkey", flow.ID), flowURL("/signin/passkey/options", flow.ID)
		}
	}
	v.ForgotURL = p.templates.Brand().Forgot(f.Admin, string(flow.ID))
	p.AllowReturn(r, flow)
	return p.templates.Login.Render(w, status, f, v)
}

// appName is where the person is signing in to.
func (p *Provider) appName(lang templates.Lang, flow store.Flow) string {
	if flow.ClientID != nil {
		if c, ok := p.clients.Lookup(*flow.ClientID); ok {
			return c.Name()
		}
		return ""
	}
	if p.surfaces[flow.SurfaceID] == web.Operator {
		return p.templates.T(lang, "app.console")
	}
	if strings.HasPrefix(flow.ReturnTo, PathDevice+"/") {
		return p.templates.T(lang, templates.AppDevice)
	}
	return p.templates.T(lang, "app.security")
}

// AllowReturn lets the forms of a sign-in end at the relying party: Chromium applies form-action to the redirects that
// follow a post, and the last hop of a sign-in leads there. Every page of a sign-in needs it, whichever feature shows it.
func (p *Provider) AllowReturn(r *http.Request, flow store.Flow) {
	if flow.ClientID == nil {
		return
	}
	if q, err := decodeAuthRequest(flow.Request); err == nil {
		web.AllowFormAction(r, q.RedirectURI)
	}
}

// postSignIn checks login ID and password. Unknown, wrong and disabled get one answer.
func (p *Provider) postSignIn(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	flow, err := p.kit.Flows.Load(r)
	if err != nil {
		return err
	}
	st, err := p.standingOf(ctx, p.db.Read(), flow, p.now())
	if err != nil {
		return err
	}
	if st.Next() != signin.StepPassword {
		// A page from before the password, posted again: the sign-in is further on, and no step of it can be skipped by
		// starting over. Somebody else signs in by 別のIDを使う.
		return web.SeeOther(w, r, flowURL("/signin/continue", flow.ID))
	}
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	lang := web.Lang(r)
	v := templates.LoginView{Username: form.Text("username"), Errors: map[string]string{}}
	password := form.Raw("password")
	if v.Username == "" {
		v.Errors["username"] = p.templates.T(lang, "login.username_blank")
	}
	if password == "" {
		v.Errors["password"] = p.templates.T(lang, "login.password_blank")
	}
	if len(v.Errors) > 0 {
		return p.renderSignIn(w, r, flow, http.StatusUnprocessableEntity, v)
	}

	kind := p.surfaces[flow.SurfaceID]
	a, err := p.accounts.Verify(ctx, string(kind), v.Username, password)
	if _, throttled := errors.AsType[*account.ThrottledError](err); throttled {
		web.Event(ctx).Add(slog.String("outcome", "throttled"))
		f := p.kit.Frame(w, r)
		f.Admin = kind == web.Operator
		return p.templates.Locked.Render(w, http.StatusTooManyRequests, f, templates.LockedView{
			SignInURL: flowURL("/signin", flow.ID), ForgotURL: p.templates.Brand().Forgot(f.Admin, string(flow.ID)),
		})
	}
	if errors.Is(err, account.ErrBadCredentials) {
		web.Event(ctx).Add(slog.String("outcome", "bad_credentials"))
		v.Errors[templates.FormError] = p.templates.T(lang, "login.failed")
		return p.renderSignIn(w, r, flow, http.StatusUnprocessableEntity, v)
	}
	if errors.Is(err, account.ErrBusy) {
		return &web.Error{Status: http.StatusServiceUnavailable, Code: "busy", RetryAfter: 2 * time.Second, Cause: err}
	}
	if err != nil {
		return err
	}

	secret, hash := web.NewToken()
	now := p.now()
	held := web.DeviceCookie(r, a.ID)
	hold := held
	err = p.db.InTx(ctx, func(tx *store.Tx) error {
		var err error
		hold, err = p.acceptPassword(ctx, tx, flow, a, hash, held, now)
		return err
	})
	if err != nil {
		return err
	}
	if hold != held {
		web.SetDeviceCookie(w, r, a.ID, hold)
	}
	web.SetFlowCookie(w, r, flow.ID, secret)
	return web.SeeOther(w, r, flowURL("/signin/continue", flow.ID))
}

// acceptPassword binds the flow to the account. The flow's secret changes with it (I10): whoever knew it before the password
// knows nothing now. A browser that the account trusts adds its proof beside the password. It returns what the browser is to hold
// of a trusted device.
func (p *Provider) acceptPassword(
	ctx context.Context, tx *store.Tx, flow store.Flow, a store.Account, hash []byte, held string, now time.Time,
) (hold string, err error) {
	evidence := signin.EvidenceList{}
	var session *store.SessionID
	var codes *store.BatchID
	if flow.AccountID != nil && *flow.AccountID == a.ID && flow.CredentialEpoch != nil && *flow.CredentialEpoch == a.CredentialEpoch {
		// The same person again, in the same session: what they proved before still stands beside the new password.
		if evidence, err = signin.ParseEvidence(flow.Evidence); err != nil {
			return "", err
		}
		session, codes = flow.SessionID, flow.BackupBatchID
	}
	evidence = evidence.With(signin.Evidence{Method: signin.Password, At: now})
	// Throttles and devices are locked before flows, in every transaction that takes them.
	if err := p.accounts.RecordSuccess(ctx, tx, a); err != nil {
		return "", err
	}
	if evidence, hold, err = p.withDevice(ctx, tx, flow, a, evidence, held, now); err != nil {
		return "", err
	}
	n, err := tx.BindFlowAccount(ctx, store.BindFlowAccountParams{
		AccountID: &a.ID, CredentialEpoch: &a.CredentialEpoch,
		Evidence:      evidence.Encode(),
		NewSecretHash: hash, SessionID: session, BackupBatchID: codes, ID: flow.ID, SecretHash: flow.SecretHash, Now: now,
	})
	if err != nil {
		return "", fmt.Errorf("bind account to flow: %w", err)
	}
	if n == 0 {
		return "", web.ErrFlowGone
	}
	event := audit.Event{
		Type: audit.SignInPassword, Result: audit.Success, Actor: audit.OfAccount(a), Account: a.ID, Target: flow.SurfaceID,
	}
	if flow.ClientID != nil {
		event.ClientID = *flow.ClientID
	}
	return hold, audit.Write(ctx, tx, now, event)
}

// withDevice asks whether the browser stands in for the second factor of the account that gave its password, and returns the
// evidence with what that proves and what the browser is to hold from here on.
func (p *Provider) withDevice(
	ctx context.Context, tx *store.Tx, flow store.Flow, a store.Account, evidence signin.EvidenceList, held string, now time.Time,
) (proved signin.EvidenceList, hold string, err error) {
	if held == "" || p.useDevice == nil {
		return evidence, held, nil
	}
	st, err := standing.OfAccepted(ctx, tx.Queries, flow, a, evidence, now, p.limits)
	if err != nil {
		return nil, "", err
	}
	proof, hold, err := p.useDevice(ctx, tx, now, flow, st, held)
	if err != nil || proof.Method == "" {
		return evidence, hold, err
	}
	return evidence.With(proof), hold, nil
}

// postCancel drops everything proved in a flow, so that somebody else can sign in (別のIDを使う).
func (p *Provider) postCancel(w http.ResponseWriter, r *http.Request) error {
	flow, err := p.kit.Flows.Load(r)
	if err != nil {
		return err
	}
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	now := p.now()
	secret, hash := web.NewToken()
	err = p.db.InTx(r.Context(), func(tx *store.Tx) error {
		n, err := tx.ReleaseFlowAccount(r.Context(), store.ReleaseFlowAccountParams{
			NewSecretHash: hash, ID: flow.ID, SecretHash: flow.SecretHash, Now: now,
		})
		if err == nil && n == 0 {
			return web.ErrFlowGone
		}
		return err
	})
	if err != nil {
		return err
	}
	web.SetFlowCookie(w, r, flow.ID, secret)
	return web.SeeOther(w, r, flowURL("/signin", flow.ID))
}

// getCancel is where a language link on an error page of a cancelled step leads.
func (p *Provider) getCancel(w http.ResponseWriter, r *http.Request) error {
	flow, err := p.kit.Flows.Load(r)
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, flowURL("/signin/continue", flow.ID))
}
