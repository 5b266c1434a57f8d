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

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// PathDevice is where people type the code that a device shows (RFC 8628 section 3.3). They copy it from the device, so it is short.
const PathDevice = "/device"

const pathDeviceConfirm = "/device/confirm"

// How often a code may be tried: by all browsers of one client network, and within one session. Whoever types one code from a screen needs
// two tries; whoever guesses needs a billion.
const (
	userCodeWindow     = 10 * time.Minute
	userCodePerNetwork = 60
	userCodePerSession = 20
)

// decisionSwitch is neither: somebody else is to be signed in first.
const decisionSwitch = "switch"

// errNoDevice says that nothing waits under a code.
var errNoDevice = errors.New("no device waits under this code")

// getDevice asks for the code. One in the address is filled in and still has to be sent: whoever was given a link must compare.
func (p *Provider) getDevice(w http.ResponseWriter, r *http.Request) error {
	code, _ := readUserCode(r.URL.Query().Get("user_code"))
	return p.renderDevice(w, r, http.StatusOK, templates.DeviceView{Code: code})
}

func (p *Provider) renderDevice(w http.ResponseWriter, r *http.Request, status int, v templates.DeviceView) error {
	v.Action = PathDevice
	return p.templates.Device.Render(w, status, p.kit.Frame(w, r), v)
}

func deviceConfirmURL(code string) string {
	return pathDeviceConfirm + "?" + url.Values{"user_code": {code}}.Encode()
}

// postDevice looks for the device that waits under a code.
func (p *Provider) postDevice(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	v := templates.DeviceView{Code: form.Text("user_code"), Errors: map[string]string{}}
	if v.Code == "" {
		v.Errors["user_code"] = p.templates.T(web.Lang(r), templates.MsgDeviceBlank)
		return p.renderDevice(w, r, http.StatusUnprocessableEntity, v)
	}
	code, _, err := p.findDevice(r, v.Code)
	if errors.Is(err, errNoDevice) {
		return p.refuseDeviceCode(w, r, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, deviceConfirmURL(code))
}

// refuseDeviceCode asks for another code. Wrong, expired and decided are one answer.
func (p *Provider) refuseDeviceCode(w http.ResponseWriter, r *http.Request, status int, v templates.DeviceView) error {
	web.Event(r.Context()).Add(slog.String("outcome", "unknown_user_code"))
	v.Errors = map[string]string{"user_code": p.templates.T(web.Lang(r), templates.MsgDeviceWrong)}
	return p.renderDevice(w, r, status, v)
}

// findDevice finds what waits under a code, and counts that it was tried.
func (p *Provider) findDevice(r *http.Request, typed string) (code string, d store.DeviceCode, err error) {
	code, ok := readUserCode(typed)
	if !ok {
		return "", d, errNoDevice
	}
	ctx, now := r.Context(), p.now()
	if err := p.tryUserCode(ctx, "device-network:"+audit.OriginOf(ctx).Network(), userCodePerNetwork, now); err != nil {
		return "", d, err
	}
	d, err = p.db.Read().GetUserCode(ctx, store.GetUserCodeParams{UserHash: hashUserCode(code), Now: now})
	if errors.Is(err, store.ErrNotFound) {
		return "", d, errNoDevice
	}
	if err != nil {
		return "", d, fmt.Errorf("read user code: %w", err)
	}
	return code, d, nil
}

// tryUserCode spends one try. It is counted before the code is looked at, so that many at once are not more.
func (p *Provider) tryUserCode(ctx context.Context, key string, most int64, now time.Time) error {
	key += now.UTC().Truncate(userCodeWindow).Format(" 2006-01-02T15:04")
	err := p.db.InTx(ctx, func(tx *store.Tx) error {
		_, err := tx.TakeBudget(ctx, store.TakeBudgetParams{Key: key, Now: now, ExpiresAt: now.Add(userCodeWindow), Ceiling: most})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return web.TooMany(userCodeWindow, errors.New("too many device codes tried"))
	}
	if err != nil {
		return fmt.Errorf("count tries of device codes: %w", err)
	}
	return nil
}

// waiting is a device that a signed-in person looks at.
type waiting struct {
	code    string
	row     store.DeviceCode
	client  *Client
	request authRequest
	session web.Session
	st      standing.Standing
}

// lookAtDevice finds the device of a code and the person in front of the browser. Whoever must sign in first, or prove more, is sent to
// do so and comes back; then ok is false and the answer is written.
func (p *Provider) lookAtDevice(w http.ResponseWriter, r *http.Request, typed string) (at waiting, ok bool, err error) {
	if at.code, at.row, err = p.findDevice(r, typed); err != nil {
		return at, false, err
	}
	var known bool
	if at.client, known = p.clients.Lookup(at.row.ClientID); !known || !at.client.AllowsGrant(grantDevice) {
		return at, false, errNoDevice
	}
	surface := at.client.Surface()
	kind, known := p.surfaces[surface]
	if !known {
		return at, false, fmt.Errorf("client %s is on surface %q, which does not exist", at.client.ID(), surface)
	}
	at.request = deviceRequest(at.client, at.row)
	policy := signin.Policy{RequiredLevel: at.request.level, EvidenceAfter: at.request.evidenceAfter(at.row.CreatedAt)}
	at.st = standing.Standing{Policy: policy}
	at.session, err = p.kit.Sessions.LoadOn(r, kind, surface)
	switch {
	case errors.Is(err, web.ErrNoSession):
	case err != nil:
		return at, false, err
	default:
		if at.st, err = p.sessionStanding(r.Context(), at.session, policy); err != nil {
			return at, false, err
		}
	}
	now := p.now()
	switch at.st.Next() {
	case signin.StepIssue:
	case signin.StepUnmet:
		return at, false, unmetHere()
	default:
		return at, false, p.startFlow(w, r, flowStart{
			surface: surface, request: []byte("{}"), returnTo: deviceConfirmURL(at.code), policy: policy, session: at.session,
			evidence: at.st.State.Evidence,
		}, now)
	}
	return at, true, p.tryUserCode(r.Context(), "device-session:"+string(at.session.ID), userCodePerSession, now)
}

// deviceRequest is what a device asks for. It has no parameters for the sign-in, so that all that the registration says holds; how old
// a sign-in may be counts from when the device began, as it counts from an authorization request: what was proved since is new enough.
func deviceRequest(c *Client, row store.DeviceCode) authRequest {
	q := authRequest{ClientID: c.ID(), Scope: row.Scope}
	q.fillRegistered(c, nil, claimsRequest{})
	return q
}

// unmetHere says on our own page that the person cannot reach what the application asks for.
func unmetHere() error {
	return (&unsafeError{authError{code: "unmet_authentication_requirements", description: "this account cannot reach the level that the application needs"}}).page()
}

// getDeviceConfirm says what is asked for, and by what.
func (p *Provider) getDeviceConfirm(w http.ResponseWriter, r *http.Request) error {
	at, ok, err := p.lookAtDevice(w, r, r.URL.Query().Get("user_code"))
	if errors.Is(err, errNoDevice) {
		return p.refuseDeviceCode(w, r, http.StatusNotFound, templates.DeviceView{})
	}
	if err != nil || !ok {
		return err
	}
	f := p.kit.Frame(w, r)
	f.Admin = at.session.Kind == web.Operator
	return p.templates.DeviceConfirm.Render(w, http.StatusOK, f, templates.DeviceConfirmView{
		Action: pathDeviceConfirm, App: at.client.Name(), LogoURL: at.client.LogoURL(),
		Code: at.code, LoginID: at.session.Account.LoginID, Account: string(at.session.AccountID), Scopes: strings.Fields(at.row.Scope),
	})
}

// postDeviceConfirm lets a device in, or not, or has somebody else sign in first.
func (p *Provider) postDeviceConfirm(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	decision := form.Get(fieldDecision)
	if decision != decisionAllow && decision != decisionDeny && decision != decisionSwitch {
		return web.BadRequest(errors.New("neither allowed nor denied"))
	}
	at, ok, err := p.lookAtDevice(w, r, form.Text("user_code"))
	if errors.Is(err, errNoDevice) {
		return p.refuseDeviceCode(w, r, http.StatusUnprocessableEntity, templates.DeviceView{})
	}
	if err != nil || !ok {
		return err
	}
	if decision == decisionSwitch {
		// Whoever signs in next comes back to the page, with a session in place of this one.
		now := p.now()
		policy := at.st.Policy
		policy.EvidenceAfter = now
		return p.startFlow(w, r, flowStart{
			surface: at.client.Surface(), request: []byte("{}"), returnTo: deviceConfirmURL(at.code), policy: policy,
		}, now)
	}
	if form.Get(fieldAccount) != string(at.session.AccountID) {
		// The page was shown to somebody else, who was signed in in this browser before.
		return web.SeeOther(w, r, deviceConfirmURL(at.code))
	}
	err = p.decideDevice(r.Context(), at, decision == decisionAllow, p.now())
	if errors.Is(err, errNoDevice) {
		return p.refuseDeviceCode(w, r, http.StatusUnprocessableEntity, templates.DeviceView{})
	}
	if err != nil {
		return err
	}
	web.Event(r.Context()).Add(slog.String("outcome", "device_"+decision), slog.String("client_id", at.client.ID()))
	return web.SeeOther(w, r, PathDevice+"/done?"+url.Values{fieldDecision: {decision}}.Encode())
}

// decideDevice writes the decision down: one, whatever is pressed twice. What is allowed is a grant on the session's evidence, as a
// code's is, whose code is the one that the device has (I1). The page says what a page of consent says, so that for an application of
// somebody else's it is one: the grant rests on a consent that can be taken back.
func (p *Provider) decideDevice(ctx context.Context, at waiting, allow bool, now time.Time) error {
	_, grant := p.newGrant(at.request, at.client.Surface(), at.st, at.session.ID, now)
	grant.CodeHash, grant.CodeExpiresAt = at.row.DeviceHash, at.row.ExpiresAt
	event := audit.Event{
		Type: audit.DeviceAllow, Result: audit.Success, Actor: audit.OfAccount(at.session.Account), Account: at.session.AccountID,
		ClientID: at.client.ID(), Target: string(grant.ID), Data: map[string]string{"acr": at.st.Proved().Level().ACR()},
	}
	arg := store.DecideDeviceCodeParams{ID: at.row.ID, Now: &now, GrantID: &grant.ID}
	if !allow {
		event.Type, event.Target, event.Data, arg.GrantID = audit.DeviceDeny, "", nil, nil
	}
	err := p.db.InTx(ctx, func(tx *store.Tx) error {
		account, err := tx.HoldAccount(ctx, at.session.AccountID)
		if err != nil {
			return err
		}
		n, err := tx.DecideDeviceCode(ctx, arg)
		if err != nil {
			return err
		}
		if n == 0 {
			return errNoDevice
		}
		if allow {
			if err := p.keepConsent(ctx, tx, at.client, at.row.Scope, account, now); err != nil {
				return err
			}
			if err := tx.InsertGrant(ctx, grant); err != nil {
				return err
			}
		}
		return audit.Write(ctx, tx, now, event)
	})
	if err != nil {
		return fmt.Errorf("decide about device: %w", err)
	}
	return nil
}

// getDeviceDone sends the person back to the device.
func (p *Provider) getDeviceDone(w http.ResponseWriter, r *http.Request) error {
	return p.templates.DeviceDone.Render(w, http.StatusOK, p.kit.Frame(w, r), templates.DeviceDoneView{Allowed: r.URL.Query().Get(fieldDecision) != decisionDeny})
}
