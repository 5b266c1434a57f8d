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
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// logoutRequest is a request of OpenID Connect RP-Initiated Logout 1.0 §2 after validation.
type logoutRequest struct {
	client *Client    // nil when the request does not say, or not credibly
	hint   hintClaims // zero without a valid hint
	hinted bool
	// target is where the browser may go afterwards: registered for the client, or empty.
	target string
	state  string
	locale string
}

// parseLogout reads the parameters. Nothing in them is an error to the person signing out; what is wrong with them only
// decides whether we ask first and whether we send the browser anywhere afterwards.
func (p *Provider) parseLogout(form url.Values) logoutRequest {
	var q logoutRequest
	one := func(name string) string {
		if len(form[name]) != 1 || len(form[name][0]) > 4*maxParam {
			return ""
		}
		return form[name][0]
	}
	q.state, q.locale = one("state"), one("ui_locales")
	if raw := one("id_token_hint"); raw != "" {
		if claims, err := p.verifyHint(raw, p.now()); err == nil {
			q.hint, q.hinted = claims, true
		}
	}
	id := one("client_id")
	if q.hinted {
		switch {
		case id == "" && len(q.hint.Audience) == 1:
			id = q.hint.Audience[0]
		case !slices.Contains(q.hint.Audience, id):
			// A token of one client beside the name of another: neither is believed.
			return logoutRequest{locale: q.locale}
		}
	}
	client, ok := p.clients.Lookup(id)
	if !ok {
		q.hinted = false
		return q
	}
	q.client = client
	if to := one("post_logout_redirect_uri"); slices.Contains(client.PostLogoutRedirectURIs(), to) {
		q.target = to
	}
	return q
}

// kinds are the kinds of session a logout may mean: that of the client's surface, or any.
func (p *Provider) kinds(q logoutRequest) []web.Kind {
	if q.client != nil {
		if k, ok := p.surfaces[q.client.Surface()]; ok {
			return []web.Kind{k}
		}
	}
	return []web.Kind{web.Customer, web.Operator}
}

// getLogout signs out at once when the relying party proves by an ID token that it means this very session, and asks first
// in every other case: a link on some other site must not sign anybody out.
func (p *Provider) getLogout(w http.ResponseWriter, r *http.Request) error {
	q := p.parseLogout(r.URL.Query())
	session, err := p.currentSession(r, p.kinds(q))
	if errors.Is(err, web.ErrNoSession) {
		return p.afterLogout(w, r, q, "", nil)
	}
	if err != nil {
		return err
	}
	means := q.hinted && p.subjects.isSubject(q.client, q.hint.Subject, session.AccountID) &&
		(q.hint.SessionID == "" || p.subjects.isSession(q.client, q.hint.SessionID, session.ID))
	if means {
		frames, err := p.signOut(w, r, session, q.client, false)
		if err != nil {
			return err
		}
		return p.afterLogout(w, r, q, session.Kind, frames)
	}

	f := p.kit.Frame(w, r)
	f.Admin = session.Kind == web.Operator
	v := templates.LogoutView{Action: "/logout/confirm"}
	v.Hidden = append(v.Hidden, templates.Hidden{Name: "kind", Value: string(session.Kind)})
	if q.target != "" {
		v.Hidden = append(v.Hidden,
			templates.Hidden{Name: "client_id", Value: q.client.ID()},
			templates.Hidden{Name: "post_logout_redirect_uri", Value: q.target},
			templates.Hidden{Name: "state", Value: q.state})
		web.AllowFormAction(r, q.target)
	}
	return p.templates.Logout.Render(w, http.StatusOK, f, v)
}

// postLogout turns a posted logout request into the same one by GET, for the cookie's sake (see postAuthorize).
func (p *Provider) postLogout(w http.ResponseWriter, r *http.Request) error {
	if err := parsePosted(r); err != nil {
		return err
	}
	return web.SeeOther(w, r, "/logout?"+r.PostForm.Encode())
}

// postLogoutConfirm signs out a person who pressed the button on our own page.
func (p *Provider) postLogoutConfirm(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	kind := web.Kind(form.Get("kind"))
	if q := r.URL.Query().Get("kind"); q != "" {
		kind = web.Kind(q) // the console's button carries no fields
	}
	if kind != web.Operator {
		kind = web.Customer
	}
	q := p.parseLogout(url.Values{
		"client_id":                {form.Get("client_id")},
		"post_logout_redirect_uri": {form.Raw("post_logout_redirect_uri")},
		"state":                    {form.Raw("state")},
	})
	session, err := p.currentSession(r, []web.Kind{kind})
	if err != nil && !errors.Is(err, web.ErrNoSession) {
		return err
	}
	var frames []string
	if err == nil {
		if frames, err = p.signOut(w, r, session, q.client, form.Checked(fieldEverywhere)); err != nil {
			return err
		}
	}
	return p.afterLogout(w, r, q, kind, frames)
}

// currentSession is the browser's session of the first of the kinds that it has one of. Whoever signs out means everything that the
// session gave out, so that one is found as well that nobody used for too long: it opens nothing, and its tokens live on.
func (p *Provider) currentSession(r *http.Request, kinds []web.Kind) (web.Session, error) {
	for _, k := range kinds {
		s, err := p.kit.Sessions.Load(r, k)
		if errors.Is(err, web.ErrNoSession) {
			s, err = p.unusedSession(r, k)
		}
		if err == nil || !errors.Is(err, web.ErrNoSession) {
			return s, err
		}
	}
	return web.Session{}, web.ErrNoSession
}

// unusedSession is the browser's session of a kind that was not ended, however old it is. It is good for nothing but to be ended.
func (p *Provider) unusedSession(r *http.Request, kind web.Kind) (web.Session, error) {
	token := web.SessionToken(r, kind)
	if token == "" {
		return web.Session{}, web.ErrNoSession
	}
	ctx, q := r.Context(), p.db.Read()
	row, err := q.GetSessionByToken(ctx, web.HashToken(token))
	if errors.Is(err, store.ErrNotFound) || err == nil && row.AccountKind != string(kind) {
		return web.Session{}, web.ErrNoSession
	}
	if err != nil {
		return web.Session{}, fmt.Errorf("load session: %w", err)
	}
	account, err := q.GetAccount(ctx, row.AccountID)
	if err != nil {
		return web.Session{}, fmt.Errorf("load account of session: %w", err)
	}
	return web.Session{ID: row.ID, AccountID: row.AccountID, Kind: kind, Account: account}, nil
}

// fieldEverywhere is the box that asks for the end of all the person's sessions, in whatever browser.
const fieldEverywhere = "everywhere"

// signOut ends the browser's session, or every session of its person, and returns what the browser is to open so that relying parties
// sign the person out in it, too.
func (p *Provider) signOut(w http.ResponseWriter, r *http.Request, s web.Session, client *Client, everywhere bool) (frames []string, err error) {
	ctx, now := r.Context(), p.now()
	event := audit.Event{
		Type: audit.SignOut, Result: audit.Success, Actor: audit.OfAccount(s.Account), Account: s.AccountID, Target: string(s.ID),
	}
	if client != nil {
		event.ClientID = client.ID()
	}
	if everywhere {
		event.Type, event.Reason = audit.SessionEnd, "all"
	}
	err = p.db.InTx(ctx, func(tx *store.Tx) error {
		if everywhere {
			if err := endEverywhere(ctx, tx, s.AccountID, now); err != nil {
				return err
			}
		}
		if frames, err = p.logoutFrames(ctx, tx, s.ID, now); err != nil {
			return err
		}
		if err := endSession(ctx, tx, s.ID, s.AccountID, now); err != nil {
			return err
		}
		return audit.Write(ctx, tx, now, event)
	})
	if err != nil {
		return nil, fmt.Errorf("sign out: %w", err)
	}
	web.Event(ctx).Add(slog.String("outcome", "signed_out"))
	web.ClearSessionCookie(w, s.Kind)
	return frames, nil
}

// endEverywhere ends everything that an account's sign-ins gave out, in every browser. The epoch goes up, so that a sign-in that finishes
// beside this leaves nothing that opens anything.
func endEverywhere(ctx context.Context, tx *store.Tx, id store.AccountID, now time.Time) error {
	if _, err := tx.RaiseCredentialEpoch(ctx, store.RaiseCredentialEpochParams{ID: id, Now: now}); err != nil {
		return fmt.Errorf("raise credential epoch: %w", err)
	}
	return tx.EndAccount(ctx, now, id, store.Keep{})
}

// afterLogout sends the browser to the registered target, or to our own page. Where relying parties are to be told in this browser, a
// page of ours does so first: it comes at once and not at an address of its own, as nothing but this answer knows whom to tell.
func (p *Provider) afterLogout(w http.ResponseWriter, r *http.Request, q logoutRequest, kind web.Kind, frames []string) error {
	target := q.location()
	if len(frames) > 0 {
		return p.renderSignedOut(w, r, kind, target, frames)
	}
	if target != "" {
		return web.SeeOther(w, r, target)
	}
	if kind != web.Operator {
		return web.SeeOther(w, r, "/signed-out")
	}
	return web.SeeOther(w, r, "/signed-out?"+url.Values{"kind": {string(kind)}}.Encode())
}

// location is where the browser goes in the end, with the state of the request (RP-Initiated Logout 1.0 §3); empty: nowhere.
func (q logoutRequest) location() string {
	target := q.target
	if target == "" {
		return ""
	}
	if q.state != "" {
		sep := "?"
		if strings.Contains(target, "?") {
			sep = "&"
		}
		target += sep + url.Values{"state": {q.state}}.Encode()
	}
	return target
}

func (p *Provider) getSignedOut(w http.ResponseWriter, r *http.Request) error {
	return p.renderSignedOut(w, r, web.Kind(r.URL.Query().Get("kind")), "", nil)
}

func (p *Provider) renderSignedOut(w http.ResponseWriter, r *http.Request, kind web.Kind, target string, frames []string) error {
	f := p.kit.Frame(w, r)
	f.Path = "/signed-out" // of the language links: this answer cannot be had again
	v := templates.SignedOutView{ContinueURL: target, Frames: frames}
	if kind == web.Operator {
		f.Admin, f.Path = true, "/signed-out?"+url.Values{"kind": {string(kind)}}.Encode()
		v.SignInURL = "/admin"
	}
	for _, frame := range frames {
		web.AllowFrame(r, frame)
	}
	return p.templates.SignedOut.Render(w, http.StatusOK, f, v)
}
