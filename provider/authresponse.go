package provider

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// answer sends the browser back to the relying party with the response parameters, successful or not, in the mode it asked
// for. Every answer carries iss, so that a client of several providers can tell them apart (RFC 9207).
func (p *Provider) answer(w http.ResponseWriter, r *http.Request, q authRequest, params url.Values) error {
	params.Set("iss", p.issuer)
	if q.State != "" {
		params.Set("state", q.State)
	}
	if q.ResponseMode == modeFormPost {
		return p.answerFormPost(w, r, q, params)
	}
	target := q.RedirectURI
	sep := "?"
	if strings.Contains(target, "?") {
		sep = "&"
	}
	// 303, never 307: a browser must not repeat a posted password to the relying party (RFC 9700 §4.12).
	return web.SeeOther(w, r, target+sep+params.Encode())
}

func (p *Provider) answerFormPost(w http.ResponseWriter, r *http.Request, q authRequest, params url.Values) error {
	web.AllowFormAction(r, q.RedirectURI)
	v := templates.FormPostView{Action: q.RedirectURI}
	for _, name := range []string{"code", "error", "error_description", "state", "iss"} {
		if params.Has(name) {
			v.Fields = append(v.Fields, templates.Hidden{Name: name, Value: params.Get(name)})
		}
	}
	return p.templates.FormPost.Render(w, http.StatusOK, p.kit.Frame(w, r), v)
}

// answerError sends an error back to the relying party.
func (p *Provider) answerError(w http.ResponseWriter, r *http.Request, q authRequest, e *authError) error {
	web.Event(r.Context()).Add(slog.String("oauth_error", e.code))
	return p.answer(w, r, q, url.Values{"error": {e.code}, "error_description": {e.description}})
}
