package relyingparty

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/futakagi/futakagi/demo/page"
)

//go:embed pages partials
var files embed.FS

// tokyo is the display zone. It is a fixed offset: Japan keeps no summer time
// and the binary need not carry a zone database for it.
var tokyo = time.FixedZone("JST", 9*60*60)

// stepUpACR is what the step-up link asks for: a second factor of any kind.
const stepUpACR = "urn:futakagi:acr:2fa-email"

// Kind tells which sample site this is.
type Kind string

// The sample sites.
const (
	Store  Kind = "store"
	MyPage Kind = "mypage"
)

// Config describes one sample site.
type Config struct {
	// Kind is which site it is. Required.
	Kind Kind
	// Issuer is the provider, for instance http://localhost:8080. Required.
	Issuer string
	// ClientID and ClientSecret are its credentials there. Required.
	ClientID, ClientSecret string
	// BaseURL is where the site itself is reached. Required.
	BaseURL string
	// StoreURL, MyPageURL and InboxURL are the sites the navigation leads to;
	// an empty one is left out.
	StoreURL, MyPageURL, InboxURL string
	// SecurityURL is the provider's self-service page; empty means
	// /account/security under the issuer.
	SecurityURL string
	// Scopes are asked for at every sign-in; nil means
	// openid profile email offline_access.
	Scopes []string
	// HTTPClient reaches the provider; nil means one with a timeout of 10 s.
	HTTPClient *http.Client
	// Logger receives what went wrong. Required.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// CallbackURL is the redirect URI of the site at baseURL, to be registered with
// the provider.
func CallbackURL(baseURL string) string { return baseURL + "/callback" }

// AfterLogoutURL is where the site at baseURL is returned to after a logout, to
// be registered with the provider.
func AfterLogoutURL(baseURL string) string { return baseURL + "/signed-out" }

// BackchannelLogoutURL is where the site at baseURL hears that somebody was signed out, to be registered with the provider.
func BackchannelLogoutURL(baseURL string) string { return baseURL + "/backchannel-logout" }

// handler serves one site.
type handler struct {
	kind     Kind
	client   *client
	sessions *sessions
	site     *page.Site
	links    links
	log      *slog.Logger
}

// New makes the site's handler. The provider need not be there yet.
func New(c Config) (http.Handler, error) {
	h, err := newHandler(c)
	if err != nil {
		return nil, fmt.Errorf("new relying party: %w", err)
	}
	return h.site.Guard(h.routes()), nil
}

func newHandler(c Config) (*handler, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	issuer, err := url.Parse(c.Issuer)
	if err != nil || issuer.Host == "" {
		return nil, fmt.Errorf("read Issuer %q: not an absolute address", c.Issuer)
	}
	pages, err := fs.Sub(files, "pages")
	if err != nil {
		return nil, fmt.Errorf("open pages: %w", err)
	}
	partials, err := fs.Sub(files, "partials")
	if err != nil {
		return nil, fmt.Errorf("open partials: %w", err)
	}
	site, err := page.New(page.Config{
		Pages: pages, Partials: partials, Texts: textsOf(c.Kind), BaseURL: c.BaseURL,
		// The logout form ends up at the provider.
		FormTargets: []string{issuer.Scheme + "://" + issuer.Host},
		Logger:      c.Logger,
	})
	if err != nil {
		return nil, err
	}
	return &handler{
		kind: c.Kind,
		client: &client{
			issuer: c.Issuer, id: c.ClientID, secret: c.ClientSecret,
			redirectURL: CallbackURL(c.BaseURL), afterURL: AfterLogoutURL(c.BaseURL),
			scopes: c.Scopes, http: c.HTTPClient, now: c.Now,
		},
		sessions: newSessions("aoba_"+string(c.Kind), strings.HasPrefix(c.BaseURL, "https:"), c.Now),
		site:     site,
		links: links{
			Store: c.StoreURL, MyPage: c.MyPageURL, Inbox: c.InboxURL, Security: c.SecurityURL,
			StepUp: "/login?" + url.Values{"acr_values": {stepUpACR}}.Encode(),
		},
		log: c.Logger,
	}, nil
}

// complete checks what is required and fills in what has a default.
func (c *Config) complete() error {
	switch {
	case c.Kind != Store && c.Kind != MyPage:
		return fmt.Errorf("kind %q is neither %q nor %q", c.Kind, Store, MyPage)
	case c.ClientID == "" || c.ClientSecret == "":
		return errors.New("client id or secret is missing")
	case c.Logger == nil:
		return errors.New("logger is missing")
	}
	if c.SecurityURL == "" {
		c.SecurityURL = strings.TrimSuffix(c.Issuer, "/") + "/account/security"
	}
	if c.Scopes == nil {
		c.Scopes = []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, oidc.ScopeOfflineAccess}
	}
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{Timeout: 10 * time.Second}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

func (h *handler) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, f := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /{$}":        h.getHome,
		"GET /login":      h.getLogin,
		"GET /callback":   h.getCallback,
		"POST /refresh":   h.postRefresh,
		"POST /logout":    h.postLogout,
		"GET /signed-out": h.getSignedOut,

		"POST /backchannel-logout": h.postBackchannelLogout,
	} {
		mux.HandleFunc(pattern, h.handle(f))
	}
	if h.kind == MyPage {
		mux.HandleFunc("GET /member", h.handle(h.getMember))
	}
	mux.HandleFunc("/", h.handle(func(w http.ResponseWriter, r *http.Request) error {
		return h.problem(w, r, http.StatusNotFound, problemView{Title: "problem.missing", Text: "problem.missing.text"})
	}))
	return mux
}

// handle maps what a handler could not do to a page.
func (h *handler) handle(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := f(w, r)
		if err == nil {
			return
		}
		h.log.WarnContext(r.Context(), "sample site request failed", "site", h.kind, "path", r.URL.Path, "err", err)
		status, view := problemOf(err)
		if err := h.problem(w, r, status, view); err != nil {
			h.log.ErrorContext(r.Context(), "render problem", "err", err)
			http.Error(w, "internal error", http.StatusInternalServerError)
		}
	}
}

func problemOf(err error) (int, problemView) {
	if errors.Is(err, errUnreachable) {
		return http.StatusServiceUnavailable, problemView{Title: "problem.away", Text: "problem.away.text", Retry: true}
	}
	if e, ok := errors.AsType[*protocolError](err); ok {
		return http.StatusBadRequest, problemView{
			Title: "problem.refused", Text: "problem.refused.text", Code: e.Code, Description: e.Description, Retry: true,
		}
	}
	return http.StatusBadGateway, problemView{Title: "problem.answer", Text: "problem.answer.text", Retry: true}
}

func (h *handler) problem(w http.ResponseWriter, r *http.Request, status int, view problemView) error {
	view.frame = h.frame(r, "")
	return h.site.Render(w, r, status, "problem", view)
}

func (h *handler) getHome(w http.ResponseWriter, r *http.Request) error {
	return h.site.Render(w, r, http.StatusOK, string(h.kind), homeView{
		frame: h.frame(r, "/"), User: viewOf(h.sessions.user(r)), Refreshed: r.URL.Query().Has("refreshed"),
	})
}

func (h *handler) getMember(w http.ResponseWriter, r *http.Request) error {
	u := h.sessions.user(r)
	if u == nil {
		http.Redirect(w, r, "/login?"+url.Values{"return": {"/member"}}.Encode(), http.StatusSeeOther)
		return nil
	}
	return h.site.Render(w, r, http.StatusOK, "member", homeView{frame: h.frame(r, "/member"), User: viewOf(u)})
}

// passedOn are the request parameters a developer may try by hand at /login.
var passedOn = []string{"acr_values", "claims", "login_hint", "max_age", "prompt", "ui_locales"}

func (h *handler) getLogin(w http.ResponseWriter, r *http.Request) error {
	e, err := h.client.discover(r.Context())
	if err != nil {
		return err
	}
	query := r.URL.Query()
	l := login{nonce: oauth2.GenerateVerifier(), verifier: oauth2.GenerateVerifier(), back: h.back(query.Get("return"))}
	options := []oauth2.AuthCodeOption{oidc.Nonce(l.nonce), oauth2.S256ChallengeOption(l.verifier)}
	// Only a language the person chose is passed on; the provider reads
	// Accept-Language by itself.
	if chosen, ok := page.Chosen(r); ok && !query.Has("ui_locales") {
		options = append(options, oauth2.SetAuthURLParam("ui_locales", string(chosen)))
	}
	for _, name := range passedOn {
		if query.Has(name) {
			options = append(options, oauth2.SetAuthURLParam(name, query.Get(name)))
		}
	}
	http.Redirect(w, r, e.oauth.AuthCodeURL(h.sessions.begin(w, r, l), options...), http.StatusSeeOther)
	return nil
}

// back limits where a sign-in may return to: the pages of this site.
func (h *handler) back(to string) string {
	if h.kind == MyPage && slices.Contains([]string{"/member"}, to) {
		return to
	}
	return "/"
}

func (h *handler) getCallback(w http.ResponseWriter, r *http.Request) error {
	response := r.URL.Query()
	l, ok := h.sessions.take(r, response.Get("state"))
	if !ok {
		// The back button after a finished sign-in leads here too.
		if h.sessions.user(r) != nil {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return nil
		}
		return h.problem(w, r, http.StatusBadRequest,
			problemView{Title: "problem.state", Text: "problem.state.text", Retry: true})
	}
	u, err := h.client.redeem(r.Context(), l, response)
	if err != nil {
		return err
	}
	h.sessions.signIn(w, r, u)
	http.Redirect(w, r, l.back, http.StatusSeeOther)
	return nil
}

func (h *handler) postRefresh(w http.ResponseWriter, r *http.Request) error {
	u := h.sessions.user(r)
	if u == nil || u.refreshToken == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	fresh, err := h.client.refresh(r.Context(), u)
	if e, ok := errors.AsType[*protocolError](err); ok && e.Code == "invalid_grant" {
		// The provider took the grant back (reset, sign-out elsewhere): the
		// person is no longer signed in here either.
		h.sessions.signOut(w, r)
		return h.problem(w, r, http.StatusUnauthorized, problemView{
			Title: "problem.grant", Text: "problem.grant.text", Code: e.Code, Description: e.Description, Retry: true,
		})
	}
	if err != nil {
		return err
	}
	if !h.sessions.replace(r, u, fresh) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	http.Redirect(w, r, "/?refreshed", http.StatusSeeOther)
	return nil
}

// postLogout ends the session here first: whatever the provider answers, this
// site has forgotten the person.
func (h *handler) postLogout(w http.ResponseWriter, r *http.Request) error {
	u := h.sessions.user(r)
	state := h.sessions.signOut(w, r)
	target := AfterLogoutURL("") + "?" + url.Values{"state": {state}}.Encode()
	if u != nil {
		provider, err := h.client.logoutURL(r.Context(), u.idToken, state)
		if err != nil {
			return err
		}
		if provider != "" {
			target = provider
		}
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}

// postBackchannelLogout is where the provider tells that somebody was signed out elsewhere: by a reset, in another browser, by staff.
// Whoever was not signed in here is signed out all the same.
func (h *handler) postBackchannelLogout(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	ended, err := h.client.logoutToken(r.Context(), r.PostFormValue("logout_token"))
	switch {
	case errors.Is(err, errLogoutToken):
		h.log.InfoContext(r.Context(), "logout token refused", "err", err)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, err = w.Write([]byte(`{"error":"invalid_request"}`))
		return err
	case err != nil:
		return err // the provider tries again
	}
	h.log.InfoContext(r.Context(), "signed out by the provider", "sessions", h.sessions.end(ended))
	w.WriteHeader(http.StatusOK)
	return nil
}

// getSignedOut is where a logout comes back. A return nobody here asked for
// shows the front page.
func (h *handler) getSignedOut(w http.ResponseWriter, r *http.Request) error {
	if !h.sessions.takeSignedOut(r, r.URL.Query().Get("state")) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return h.site.Render(w, r, http.StatusOK, "signed-out", homeView{frame: h.frame(r, "")})
}
