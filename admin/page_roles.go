package admin

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func roleURL(id string) string { return templates.PathRoles + "/" + id }

// rightField is the name of the form field of a right.
func rightField(name string) string { return "may-" + name }

func (h *Handler) getRoles(w http.ResponseWriter, r *http.Request) error {
	actor := actorOf(r)
	roles, err := h.service.Roles(r.Context(), actor)
	if err != nil {
		return answer(err)
	}
	f := h.frame(w, r, templates.NavOperators)
	v := templates.RolesView{OperatorsURL: templates.PathOperators}
	manages := actor.rights().has(mayManageRoles)
	if manages && len(roles) < MaxRoles {
		v.NewURL = templates.PathRoles + "/new"
	}
	for _, role := range roles {
		c := templates.RoleColumn{Name: h.roleLabel(f.Lang, actor, role.ID), Holders: int(role.Holders)}
		if manages && actor.rights().has(role.holds) {
			c.EditURL = roleURL(role.ID)
		}
		v.Roles = append(v.Roles, c)
	}
	for _, name := range RightNames() {
		row := templates.RightRow{Right: name}
		for i, role := range roles {
			row.Held = append(row.Held, templates.RoleCell{Role: v.Roles[i].Name, Held: slices.Contains(role.Names, name)})
		}
		v.Rights = append(v.Rights, row)
	}
	return h.templates.Roles.Render(w, http.StatusOK, f, v)
}

// roleInput reads a role's form.
func roleInput(form web.Form) RoleInput {
	in := RoleInput{Name: form.Get(account.FieldName)}
	for _, name := range RightNames() {
		if form.Checked(rightField(name)) {
			in.Rights = append(in.Rights, name)
		}
	}
	return in
}

// roleInput is what was typed into a role's form before the operator proved who they are; ok is false if nothing was.
func (d draft) roleInput() (in RoleInput, ok bool) {
	in.Name = d.or(account.FieldName, "")
	for _, name := range RightNames() {
		if d.or(rightField(name), "") != "" {
			in.Rights = append(in.Rights, name)
		}
	}
	return in, len(d.Fields) > 0
}

// rightOptions are the choices of a role's form.
func rightOptions(actor Actor, role Role, chosen []string) []templates.RightOption {
	var options []templates.RightOption
	for _, known := range rightList() {
		o := templates.RightOption{Right: known.name, Field: rightField(known.name), Checked: slices.Contains(chosen, known.name)}
		if role.ID == account.RoleAdministrator && undoing.has(known.bit) {
			o.Checked, o.Fixed = true, true
		}
		if !actor.rights().has(known.bit) {
			o.Fixed = true
		}
		options = append(options, o)
	}
	return options
}

func (h *Handler) roleForm(lang templates.Lang, actor Actor, role Role, in RoleInput) templates.RoleFormView {
	v := templates.RoleFormView{
		Action: roleURL(cmp.Or(role.ID, "new")), BackURL: templates.PathRoles, New: role.ID == "", Ours: role.Ours(), Name: in.Name,
		Holders: int(role.Holders), Options: rightOptions(actor, role, in.Rights), Keeps: role.ID == account.RoleAdministrator,
	}
	if v.Ours {
		v.Name = h.roleLabel(lang, actor, role.ID)
	}
	if !v.New {
		v.Version = version(role.UpdatedAt)
		if !v.Ours && role.Holders == 0 {
			v.DeleteURL = roleURL(role.ID) + "/delete"
		}
	}
	return v
}

// changeableRole is the role of a page whose form would be refused to an operator who may not change it.
func (h *Handler) changeableRole(r *http.Request) (Actor, Role, error) {
	actor := actorOf(r)
	role, err := h.service.Role(r.Context(), actor, chi.URLParam(r, "role"))
	if err == nil && !actor.rights().has(mayManageRoles|role.holds) {
		err = ErrForbidden
	}
	return actor, role, answer(err)
}

func (h *Handler) getNewRole(w http.ResponseWriter, r *http.Request) error {
	actor := actorOf(r)
	if !actor.rights().has(mayManageRoles) {
		return answer(ErrForbidden)
	}
	f, d := h.formFrame(w, r, templates.NavOperators)
	in, _ := d.roleInput()
	return h.templates.RoleForm.Render(w, http.StatusOK, f, h.roleForm(f.Lang, actor, Role{}, in))
}

func (h *Handler) postNewRole(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := roleInput(form)
	if _, err = h.service.CreateRole(r.Context(), actorOf(r), in); err == nil {
		return h.done(w, r, templates.FlashCreated, templates.PathRoles)
	}
	return h.refillRole(w, r, Role{}, in, err)
}

func (h *Handler) getRole(w http.ResponseWriter, r *http.Request) error {
	actor, role, err := h.changeableRole(r)
	if err != nil {
		return err
	}
	f, d := h.formFrame(w, r, templates.NavOperators)
	in, typed := d.roleInput()
	if !typed {
		in = RoleInput{Name: role.Name, Rights: role.Names}
	}
	return h.templates.RoleForm.Render(w, http.StatusOK, f, h.roleForm(f.Lang, actor, role, in))
}

func (h *Handler) postRole(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := roleInput(form)
	changed, cause := h.service.UpdateRole(r.Context(), actorOf(r), chi.URLParam(r, "role"), versionOf(form), in)
	if cause == nil {
		return h.done(w, r, savedOr(changed), templates.PathRoles)
	}
	if errors.Is(cause, ErrForbidden) {
		return answer(cause)
	}
	_, role, err := h.changeableRole(r)
	if err != nil {
		return err
	}
	return h.refillRole(w, r, role, in, cause)
}

// refillRole shows the form again with what was typed and what was wrong.
func (h *Handler) refillRole(w http.ResponseWriter, r *http.Request, role Role, in RoleInput, cause error) error {
	f := h.frame(w, r, templates.NavOperators)
	texts, ok := h.roleErrors(f.Lang, cause)
	if !ok {
		return answer(cause)
	}
	v := h.roleForm(f.Lang, actorOf(r), role, in)
	v.Errors = texts
	return h.templates.RoleForm.Render(w, http.StatusUnprocessableEntity, f, v)
}

// roleErrors is fieldErrors with what can be wrong with roles alone.
func (h *Handler) roleErrors(lang templates.Lang, cause error) (map[string]string, bool) {
	for err, message := range map[error]string{ErrLastManager: templates.MsgLastManager, ErrRoleInUse: templates.MsgRoleInUse} {
		if errors.Is(cause, err) {
			return map[string]string{templates.FormError: h.templates.T(lang, message)}, true
		}
	}
	return h.fieldErrors(lang, cause)
}

func (h *Handler) renderDeleteRole(w http.ResponseWriter, r *http.Request, status int, cause error) error {
	actor, role, err := h.changeableRole(r)
	if err == nil && role.Ours() {
		err = answer(ErrForbidden)
	}
	if err != nil {
		return err
	}
	f, _ := h.formFrame(w, r, templates.NavOperators)
	v := templates.RoleDeleteView{
		Action: roleURL(role.ID) + "/delete", BackURL: roleURL(role.ID), Name: h.roleLabel(f.Lang, actor, role.ID), Rights: role.Names,
	}
	if cause != nil {
		var ok bool
		if v.Errors, ok = h.roleErrors(f.Lang, cause); !ok {
			return answer(cause)
		}
	}
	return h.templates.RoleDelete.Render(w, status, f, v)
}

func (h *Handler) getDeleteRole(w http.ResponseWriter, r *http.Request) error {
	return h.renderDeleteRole(w, r, http.StatusOK, nil)
}

func (h *Handler) postDeleteRole(w http.ResponseWriter, r *http.Request) error {
	if _, err := web.ParseForm(w, r); err != nil {
		return err
	}
	err := h.service.DeleteRole(r.Context(), actorOf(r), chi.URLParam(r, "role"))
	if err == nil {
		return h.done(w, r, templates.FlashRoleDeleted, templates.PathRoles)
	}
	return h.renderDeleteRole(w, r, http.StatusUnprocessableEntity, err)
}
