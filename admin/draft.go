package admin

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// A draft is what an operator had typed when a form was refused because their proof was no longer fresh. The browser keeps it
// while they prove who they are again, and the page they come back to fills it in: nothing typed is lost, and nothing is saved
// without another press of the button. Passwords are not part of it.
type draft struct {
	// Page is the path of the page whose form it fills; Account is whose draft it is.
	Page    string            `json:"p"`
	Account store.AccountID   `json:"a"`
	Fields  map[string]string `json:"f"`
}

const (
	// draftAge is how long a draft waits.
	draftAge = 10 * time.Minute
	// maxDraft keeps the cookie within what every browser stores.
	maxDraft = 2700
)

func draftFields() []string {
	fields := []string{"name", "code", "login_id", "email", "role", fieldUse, FieldReason, FieldIdentity, FieldInquiry, FieldNote, FieldHandover, FieldHours, FieldMinutes, SurfaceAdmin, SurfaceStore, reenrolField(SurfaceAdmin), reenrolField(SurfaceStore), guardField(SurfaceAdmin), guardField(SurfaceStore), FieldLevel, FieldDays, FieldGrace, FieldDate}
	for _, check := range IdentityChecks() {
		fields = append(fields, checkField(check))
	}
	for _, m := range signin.FactorMethods() {
		fields = append(fields, methodField(m))
	}
	for _, name := range RightNames() {
		fields = append(fields, rightField(name))
	}
	fields = append(fields, fieldLabel, fieldDays, fieldUses)
	return append(fields, clientDraft()...)
}

// keepDraft leaves the draft of a posted form in the browser. What is too long for a cookie is not kept.
func keepDraft(w http.ResponseWriter, page string, id store.AccountID, form web.Form) error {
	d := draft{Page: page, Account: id, Fields: map[string]string{}}
	shown := clientDraft() // an empty field of a registration says nothing, and there are many
	for _, name := range draftFields() {
		if form.Has(name) && (form.Text(name) != "" || !slices.Contains(shown, name)) {
			d.Fields[name] = form.Text(name)
		}
	}
	return d.keep(w, draftAge)
}

// keep leaves the draft in the browser.
func (d draft) keep(w http.ResponseWriter, age time.Duration) error {
	raw, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if len(raw) > maxDraft {
		return nil
	}
	web.SetDraftCookie(w, base64.RawURLEncoding.EncodeToString(raw), age)
	return nil
}

// takeDraft returns the draft for the page of this request and uses it up; the zero draft has no fields. ok reports whether
// there was one.
func takeDraft(w http.ResponseWriter, r *http.Request) (d draft, ok bool) {
	value := web.DraftCookie(r)
	if value == "" {
		return draft{}, false
	}
	session, ok := web.SessionFrom(r.Context())
	raw, err := base64.RawURLEncoding.DecodeString(value)
	if !ok || err != nil || json.Unmarshal(raw, &d) != nil || d.Page != r.URL.Path || d.Account != session.AccountID {
		return draft{}, false
	}
	web.SetDraftCookie(w, "", 0)
	return d, true
}

// or returns what was typed into a field, or what the page would show otherwise.
func (d draft) or(field, value string) string {
	if typed, ok := d.Fields[field]; ok {
		return typed
	}
	return value
}

// formPage is the path of the page that shows a form.
type formPage func(r *http.Request) string

// formPages are the pages of those forms that are not shown where they are sent to, by the pattern of their route.
type formPages map[string]formPage

func (p formPages) of(r *http.Request) string {
	if page, ok := p[chi.RouteContext(r.Context()).RoutePattern()]; ok {
		return page(r)
	}
	return r.URL.Path
}

// gate lets requests that change something pass only with a fresh proof (I13). It stands before every route of the console, so
// that none can be added without it.
func (h *Handler) gate(pages formPages) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		fresh := h.kit.Sessions.RequireFresh(freshFor)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			web.UnsetDraftCookie(w)
			next.ServeHTTP(w, r)
		}))
		return h.kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
			if r.Method == http.MethodGet || r.Method == http.MethodHead {
				next.ServeHTTP(w, r)
				return nil
			}
			if _, file := web.UploadLimit(Uploads(), r.URL.Path); file { // too much for a draft: its page asked for the proof before
				fresh.ServeHTTP(w, r)
				return nil
			}
			form, err := web.ParseForm(w, r)
			if err != nil {
				return err
			}
			session, ok := web.SessionFrom(r.Context())
			if !ok {
				return web.ErrNoSession
			}
			// Left before the gate answers, as nothing can be added to its answer, and taken back if it lets the form pass.
			if err := keepDraft(w, pages.of(r), session.AccountID, form); err != nil {
				return err
			}
			fresh.ServeHTTP(w, r)
			return nil
		})
	}
}

// proved is the banner over a page whose form has to be sent again.
func (h *Handler) proved(lang templates.Lang) *templates.Flash {
	return &templates.Flash{Tone: "info", Title: h.templates.T(lang, templates.MsgPressAgain)}
}
