package admin

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// methodField is the tick box of one method.
func methodField(m signin.Method) string { return "allow-" + string(m) }

// levelNames spell the levels for forms and views.
var levelNames = map[signin.Level]string{
	signin.Level2FAEmail: templates.LevelStandard, signin.Level2FA: templates.LevelHigh, signin.LevelPHR: templates.LevelHighest,
}

// typedPolicy reads what a form or query wants of a surface. What is no level or no number of days is none that the service takes.
func typedPolicy(surface string, form web.Form) SurfacePolicy {
	p := chosenPolicy(surface, form.Get)
	p.Version = versionOf(form)
	return p
}

// chosenPolicy is typedPolicy for fields from anywhere.
func chosenPolicy(surface string, get func(field string) string) SurfacePolicy {
	p := SurfacePolicy{ID: surface}
	for _, m := range signin.FactorMethods() {
		if get(methodField(m)) != "" {
			p.Allowed = append(p.Allowed, m)
		}
	}
	for level, name := range levelNames {
		if get(FieldLevel) == name {
			p.Level = level
		}
	}
	if surface == SurfaceAdmin {
		return p // it trusts no device, and its form does not ask
	}
	days, err := strconv.Atoi(get(FieldDays))
	if err != nil {
		days = -1
	}
	p.TrustDays = days
	return p
}

// fields spell the policy as its form does.
func (p SurfacePolicy) fields() url.Values {
	q := url.Values{FieldLevel: {levelNames[p.Level]}, "version": {version(p.Version)}}
	for _, m := range p.Allowed {
		q.Set(methodField(m), "yes")
	}
	if p.ID != SurfaceAdmin {
		q.Set(FieldDays, strconv.Itoa(p.TrustDays))
	}
	return q
}

func methodsURL(surface string) string { return templates.PathMethods + "/" + surface }

func surfaceMethods(p SurfacePolicy) templates.SurfaceMethods {
	v := templates.SurfaceMethods{ID: p.ID, Level: levelNames[p.Level], Days: p.TrustDays}
	for _, m := range p.Allowed {
		v.Kinds = append(v.Kinds, string(m))
	}
	return v
}

func (h *Handler) getMethods(w http.ResponseWriter, r *http.Request) error {
	actor := actorOf(r)
	policies, err := h.service.SurfacePolicies(r.Context(), actor)
	if err != nil {
		return answer(err)
	}
	var v templates.MethodsView
	for _, p := range policies {
		row := surfaceMethods(p)
		if actor.rights().has(mayEnforce) {
			row.EditURL = methodsURL(p.ID)
		}
		v.Surfaces = append(v.Surfaces, row)
	}
	return h.templates.Methods.Render(w, http.StatusOK, h.frame(w, r, templates.NavMethods), v)
}

// policy is how the surface of a request stands, for an operator who may change it.
func (h *Handler) policy(r *http.Request) (Actor, SurfacePolicy, error) {
	actor, id := actorOf(r), chi.URLParam(r, "surface")
	policies, err := h.service.SurfacePolicies(r.Context(), actor)
	if err == nil && !actor.rights().has(mayEnforce) {
		err = ErrForbidden
	}
	if err != nil {
		return actor, SurfacePolicy{}, answer(err)
	}
	i := slices.IndexFunc(policies, func(p SurfacePolicy) bool { return p.ID == id })
	if i < 0 {
		return actor, SurfacePolicy{}, store.ErrNotFound
	}
	return actor, policies[i], nil
}

// methodsForm is the form of a surface, filled with a policy, of which the version is that of the row.
func (h *Handler) methodsForm(p, current SurfacePolicy) templates.MethodsFormView {
	v := templates.MethodsFormView{
		Action: methodsURL(p.ID), BackURL: templates.PathMethods, ID: p.ID, Level: levelNames[p.Level], Day: p.TrustDays,
		Version: version(current.Version),
	}
	for _, m := range signin.FactorMethods() {
		v.Options = append(v.Options, templates.MethodOption{
			Kind: string(m), Field: methodField(m), Checked: slices.Contains(p.Allowed, m), Missing: !h.service.offers(m),
		})
	}
	for _, level := range levels() {
		v.Levels = append(v.Levels, levelNames[level])
	}
	if p.ID != SurfaceAdmin {
		for day := range MaxTrustDays + 1 {
			v.Days = append(v.Days, day)
		}
	}
	return v
}

func (h *Handler) getMethodsForm(w http.ResponseWriter, r *http.Request) error {
	_, p, err := h.policy(r)
	if err != nil {
		return err
	}
	f, d := h.formFrame(w, r, templates.NavMethods)
	shown := p
	if len(d.Fields) > 0 {
		shown = chosenPolicy(p.ID, func(field string) string { return d.Fields[field] })
	}
	return h.templates.MethodsForm.Render(w, http.StatusOK, f, h.methodsForm(shown, p))
}

// refuseMethods shows the form again with what was chosen and what was wrong; an error that no form shows is returned.
func (h *Handler) refuseMethods(w http.ResponseWriter, r *http.Request, typed SurfacePolicy, cause error) error {
	texts, ok := h.fieldErrors(web.Lang(r), cause)
	if errors.Is(cause, ErrLockout) {
		texts, ok = map[string]string{templates.FormError: h.templates.T(web.Lang(r), templates.MsgLockout)}, true
	}
	if !ok {
		return answer(cause)
	}
	_, current, err := h.policy(r)
	if err != nil {
		return err
	}
	v := h.methodsForm(typed, current)
	v.Errors = texts
	return h.templates.MethodsForm.Render(w, http.StatusUnprocessableEntity, h.frame(w, r, templates.NavMethods), v)
}

// postedPolicy reads the form of a surface's methods, from an operator who may change them.
func (h *Handler) postedPolicy(w http.ResponseWriter, r *http.Request) (Actor, SurfacePolicy, error) {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return Actor{}, SurfacePolicy{}, err
	}
	actor, current, err := h.policy(r)
	return actor, typedPolicy(current.ID, form), err
}

// postMethodsForm leads to the confirmation, which carries the choices in its address; nothing is saved yet.
func (h *Handler) postMethodsForm(w http.ResponseWriter, r *http.Request) error {
	actor, typed, err := h.postedPolicy(w, r)
	if err != nil {
		return err
	}
	preview, err := h.service.PreviewSurfacePolicy(r.Context(), actor, typed)
	switch {
	case err != nil:
		return h.refuseMethods(w, r, typed, err)
	case preview.Before.equal(preview.After):
		return h.done(w, r, templates.FlashUnchanged, templates.PathMethods)
	}
	return web.SeeOther(w, r, methodsURL(typed.ID)+"/confirm?"+typed.fields().Encode())
}

func (h *Handler) getMethodsConfirm(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	actor, current, err := h.policy(r)
	if err != nil {
		return err
	}
	typed := typedPolicy(current.ID, query)
	preview, err := h.service.PreviewSurfacePolicy(r.Context(), actor, typed)
	if _, invalid := h.fieldErrors(web.Lang(r), err); invalid || errors.Is(err, ErrLockout) || err == nil && preview.Before.equal(preview.After) {
		return web.SeeOther(w, r, methodsURL(current.ID)) // an address that somebody kept
	}
	if err != nil {
		return answer(err)
	}
	fields := typed.fields()
	v := templates.MethodsConfirmView{
		Action:  methodsURL(current.ID) + "/confirm?" + fields.Encode(), // so that the page can be fetched again where the form was sent
		BackURL: methodsURL(current.ID), Before: surfaceMethods(preview.Before), After: surfaceMethods(preview.After),
		Stopped: int(preview.Stopped),
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		v.Hidden = append(v.Hidden, templates.Hidden{Name: name, Value: fields.Get(name)})
	}
	f, _ := h.formFrame(w, r, templates.NavMethods)
	return h.templates.MethodsConfirm.Render(w, http.StatusOK, f, v)
}

func (h *Handler) postMethodsConfirm(w http.ResponseWriter, r *http.Request) error {
	actor, typed, err := h.postedPolicy(w, r)
	if err != nil {
		return err
	}
	changed, err := h.service.SetSurfacePolicy(r.Context(), actor, typed)
	switch {
	case err != nil:
		return h.refuseMethods(w, r, typed, err)
	case !changed:
		return h.done(w, r, templates.FlashUnchanged, templates.PathMethods)
	}
	return h.done(w, r, templates.FlashSettingsSaved, templates.PathMethods)
}
