package admin

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

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
	fields := []string{"name", "code", "login_id", "email", "role", FieldReason, FieldIdentity, SurfaceAdmin, SurfaceStore, FieldLevel, FieldDays, FieldGrace, FieldDate}
	for _, m := range signin.FactorMethods() {
		fields = append(fields, methodField(m))
	}
	return fields
}

// keepDraft leaves the draft of a posted form in the browser. What is too long for a cookie is not kept.
func keepDraft(w http.ResponseWriter, page string, id store.AccountID, form web.Form) error {
	d := draft{Page: page, Account: id, Fields: map[string]string{}}
	for _, name := range draftFields() {
		if form.Has(name) {
			d.Fields[name] = form.Get(name)
		}
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if len(raw) > maxDraft {
		return nil
	}
	web.SetDraftCookie(w, base64.RawURLEncoding.EncodeToString(raw), draftAge)
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

// fresh lets a form pass only with a fresh proof (I13). page is where its form is shown.
func (h *Handler) fresh(page func(r *http.Request) string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		gate := h.kit.Sessions.RequireFresh(freshFor)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			web.UnsetDraftCookie(w)
			next.ServeHTTP(w, r)
		}))
		return h.kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
			form, err := web.ParseForm(w, r)
			if err != nil {
				return err
			}
			session, ok := web.SessionFrom(r.Context())
			if !ok {
				return web.ErrNoSession
			}
			// Left before the gate answers, as nothing can be added to its answer, and taken back if it lets the form pass.
			if err := keepDraft(w, page(r), session.AccountID, form); err != nil {
				return err
			}
			gate.ServeHTTP(w, r)
			return nil
		})
	}
}

// proved is the banner over a page whose form has to be sent again.
func (h *Handler) proved(lang templates.Lang) *templates.Flash {
	return &templates.Flash{Tone: "info", Title: h.templates.T(lang, templates.MsgPressAgain)}
}
