package provider

import (
	"errors"
	"net/http"
	"strings"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/web"
)

// getStart begins a sign-in of our own: for the console or the self-service page, which are no relying parties. It leads
// back to the page asked for; with fresh=1 only after everything has been proved again (I13).
func (p *Provider) getStart(w http.ResponseWriter, r *http.Request) error {
	to, ok := web.LocalPath(r.URL.Query().Get("to"))
	surface, kind := "", web.Customer
	switch {
	case !ok:
	case to == "/admin" || strings.HasPrefix(to, "/admin/") || strings.HasPrefix(to, "/admin?"):
		surface, kind = "admin", web.Operator
	case to == "/account" || strings.HasPrefix(to, "/account/"):
		surface = "store"
	}
	if surface == "" {
		return web.BadRequest(errors.New("start of a sign-in for a page that needs none"))
	}

	now := p.now()
	policy := signin.Policy{}
	if r.URL.Query().Get("fresh") == "1" {
		policy = signin.Policy{EvidenceAfter: now.Add(-standing.FreshFor), AllFactors: true}
	}
	st := standing.Standing{Policy: policy}
	session, err := p.kit.Sessions.LoadOn(r, kind, surface)
	switch {
	case errors.Is(err, web.ErrNoSession):
	case err != nil:
		return err
	default:
		if st, err = p.sessionStanding(r.Context(), session, policy); err != nil {
			return err
		}
	}
	if st.Next() == signin.StepIssue {
		return web.SeeOther(w, r, to)
	}
	return p.startFlow(w, r, flowStart{
		surface: surface, request: []byte("{}"), returnTo: to, policy: policy, session: session, evidence: st.State.Evidence,
	}, now)
}
