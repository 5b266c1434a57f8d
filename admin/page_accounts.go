package admin

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func accountURL(id store.AccountID) string { return "/admin/accounts/" + string(id) }

// navOf is the menu entry under which an account's pages are.
func navOf(kind string) string {
	if kind == account.KindOperator {
		return templates.NavOperators
	}
	return templates.NavCustomers
}

// who names an account and its place on a page; own is true on the account's own page.
func who(a Account, own bool) templates.AccountRef {
	ref := templates.AccountRef{Operator: a.Kind == account.KindOperator, Name: a.DisplayName, LoginID: a.LoginID}
	if a.Customer != nil {
		ref.Customer, ref.CustomerURL, ref.Group = a.Customer.Name, customerGroupsURL(a.Customer.ID), a.Group.Name
	}
	if !own {
		ref.URL = accountURL(a.ID)
	}
	return ref
}

// roles are the choices of the role field: those the actor may give.
func (h *Handler) roles(lang templates.Lang, actor Actor, kind, selected string) []templates.Option {
	ids := account.Roles(kind)
	if kind == account.KindOperator {
		ids = nil
		for _, role := range actor.roles.list() {
			if actor.rights().has(actor.rightsOf(role.ID)) {
				ids = append(ids, role.ID)
			}
		}
	}
	options := make([]templates.Option, 0, len(ids))
	for _, role := range ids {
		options = append(options, templates.Option{Value: role, Label: h.roleLabel(lang, actor, role), Selected: role == selected})
	}
	return options
}

// roleLabel names a role: one that was made in the console has a name of its own.
func (h *Handler) roleLabel(lang templates.Lang, actor Actor, role string) string {
	if name := actor.roles[role].Name; name != "" {
		return name
	}
	return h.templates.RoleLabel(lang, role)
}

// mayChange is what an actor may do to one account, for leaving out what would be refused.
func mayChange(actor Actor, a Account, need rights) bool {
	if a.Kind == account.KindOperator {
		return actor.rights().has(mayManageOperators | actor.rightsOf(a.Role))
	}
	return actor.rights().has(need)
}

// mayChangeOther is mayChange for what nobody may do to themselves.
func mayChangeOther(actor Actor, a Account, need rights) bool {
	return mayChange(actor, a, need) && !actor.is(a.ID)
}

// factors are an account's main factor, nil if nothing is set up, and the others in the person's order, as the actor may see them.
func (h *Handler) factors(actor Actor, a Account) (main *templates.FactorState, backups []templates.FactorState) {
	for _, f := range a.Status.Factors {
		state := templates.FactorState{
			Kind: f.Kind, Address: seenAddress(actor, a, f.Kind, f.Address), Disabled: f.Disabled,
			VerifiedAt: templates.TimeSeconds(f.VerifiedAt, h.zone), VerifiedISO: templates.ISO(f.VerifiedAt, h.zone),
		}
		if !f.BouncedAt.IsZero() {
			state.BouncedAt = templates.Time(f.BouncedAt, h.zone)
		}
		if f.Kind == templates.KindPasskey {
			state.Passkeys = h.passkeys(a)
		}
		if mayChangeOther(actor, a, mayReset) {
			state.ResetURL = accountURL(a.ID) + "/two-factor/reset/" + f.Kind
		}
		if f.Main {
			main = &state
		} else {
			backups = append(backups, state)
		}
	}
	return main, backups
}

func (h *Handler) passkeys(a Account) []templates.PasskeyRow {
	rows := make([]templates.PasskeyRow, 0, len(a.Status.Passkeys))
	for _, k := range a.Status.Passkeys {
		rows = append(rows, templates.PasskeyRow{
			Name: k.Name, CreatedAt: templates.Date(k.CreatedAt, h.zone), UsedAt: templates.Time(k.LastUsedAt, h.zone),
		})
	}
	return rows
}

// accountForm is the page of an existing account.
func (h *Handler) accountForm(lang templates.Lang, actor Actor, a Account) templates.AccountFormView {
	v := templates.AccountFormView{
		Action: accountURL(a.ID), BackURL: templates.PathOperators, Who: who(a, true),
		LoginID: a.LoginID, Name: a.DisplayName, Email: a.RegisteredEmail, Roles: h.roles(lang, actor, a.Kind, a.Role),
		Version: version(a.UpdatedAt), ReadOnly: !mayChange(actor, a, mayEditAccounts),
		ActivityURL: activityURL(a.ID), TwoFactorURL: accountURL(a.ID) + "/two-factor", Use: a.TwoFactor == account.TwoFactorUse, Enforced: a.Enforced,
		BackupLeft: a.Status.BackupCodesLeft, PasswordMin: h.service.PasswordMin(account.OwnerOf(a.Account)), Disabled: a.DisabledAt != nil,
	}
	if !actor.rights().has(maySeeAddresses) {
		v.Email, v.Masked = "", seenAddress(actor, a, fieldRegistered, a.RegisteredEmail)
		if mayUnmaskField(actor, a, fieldRegistered, a.RegisteredEmail) {
			v.UnmaskAction = accountURL(a.ID) + "/unmask"
		}
	}
	v.Access = h.access(actor, a)
	v.Freeze, v.Guard = h.freezeNotice(actor, a), guardOf(actor, a)
	main, backups := h.factors(actor, a)
	v.Main = main
	for _, f := range backups {
		v.Backups = append(v.Backups, f.Kind)
	}
	if a.Customer != nil {
		v.BackURL = customerGroupsURL(a.Customer.ID)
	}
	if mayChange(actor, a, maySetPasswords) && !a.Guarded {
		v.PasswordAction = accountURL(a.ID) + "/password"
	}
	if h.service.passwords != nil && mayChange(actor, a, mayReset) {
		v.ResetMailAction = accountURL(a.ID) + "/reset-mail"
	}
	if mayChangeOther(actor, a, mayEditAccounts) {
		v.StateAction = accountURL(a.ID) + "/state"
	}
	return removable(v, actor, a)
}

func (h *Handler) account(r *http.Request) (Actor, Account, error) {
	actor := actorOf(r)
	a, err := h.service.Account(r.Context(), actor, store.AccountID(chi.URLParam(r, "id")))
	return actor, a, answer(err)
}

func (h *Handler) getAccount(w http.ResponseWriter, r *http.Request) error {
	actor, a, err := h.account(r)
	if err != nil {
		return err
	}
	f, d := h.formFrame(w, r, navOf(a.Kind))
	v := h.accountForm(f.Lang, actor, a)
	v.Name, v.Email = d.or("name", v.Name), d.or("email", v.Email)
	v.Roles = h.roles(f.Lang, actor, a.Kind, d.or("role", a.Role))
	return h.templates.AccountForm.Render(w, http.StatusOK, f, v)
}

func (h *Handler) postAccount(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	id := store.AccountID(chi.URLParam(r, "id"))
	in := account.Profile{DisplayName: form.Get("name"), RegisteredEmail: form.Get("email"), Role: form.Get("role")}
	changed, err := h.service.UpdateAccount(r.Context(), actorOf(r), id, versionOf(form), in)
	if err == nil {
		return h.done(w, r, savedOr(changed), accountURL(id))
	}
	return h.refillAccount(w, r, err, func(lang templates.Lang, actor Actor, a Account, v *templates.AccountFormView) {
		v.Name, v.Email, v.Roles = in.DisplayName, in.RegisteredEmail, h.roles(lang, actor, a.Kind, in.Role)
	})
}

// refillAccount shows the account's page again with what was wrong; fill puts in what was typed.
func (h *Handler) refillAccount(w http.ResponseWriter, r *http.Request, cause error, fill func(templates.Lang, Actor, Account, *templates.AccountFormView)) error {
	texts, ok := h.fieldErrors(web.Lang(r), cause)
	if !ok {
		return answer(cause)
	}
	actor, a, err := h.account(r)
	if err != nil {
		return err
	}
	f := h.frame(w, r, navOf(a.Kind))
	v := h.accountForm(f.Lang, actor, a)
	v.Errors = texts
	if fill != nil {
		fill(f.Lang, actor, a, &v)
	}
	return h.templates.AccountForm.Render(w, http.StatusUnprocessableEntity, f, v)
}

func (h *Handler) postPassword(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	id := store.AccountID(chi.URLParam(r, "id"))
	if err := h.service.SetPassword(r.Context(), actorOf(r), id, form.Raw("password")); err != nil {
		return h.refillAccount(w, r, err, nil)
	}
	return h.done(w, r, templates.FlashPasswordSet, accountURL(id))
}

func (h *Handler) postResetMail(w http.ResponseWriter, r *http.Request) error {
	if _, err := web.ParseForm(w, r); err != nil {
		return err
	}
	id := store.AccountID(chi.URLParam(r, "id"))
	if err := h.service.SendPasswordReset(r.Context(), actorOf(r), id); err != nil {
		return h.refillAccount(w, r, err, nil)
	}
	return h.done(w, r, templates.FlashResetMailSent, accountURL(id))
}

func (h *Handler) postState(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	id, do := store.AccountID(chi.URLParam(r, "id")), form.Get("do")
	if do != "disable" && do != "enable" {
		return web.BadRequest(nil)
	}
	changed, err := h.service.SetDisabled(r.Context(), actorOf(r), id, do == "disable")
	if err != nil {
		return answer(err)
	}
	flash := templates.FlashAccountEnabled
	switch {
	case !changed:
		flash = templates.FlashUnchanged
	case do == "disable":
		flash = templates.FlashAccountDisabled
	}
	return h.done(w, r, flash, accountURL(id))
}

func newAccountOf(form web.Form) NewAccount {
	return NewAccount{
		LoginID: form.Get("login_id"), DisplayName: form.Get("name"), RegisteredEmail: form.Get("email"), Role: form.Get("role"),
		Password: form.Raw("password"),
	}
}

// newAccountForm is the page of an account to come, filled with what was typed.
func (h *Handler) newAccountForm(lang templates.Lang, actor Actor, kind string, in NewAccount) templates.AccountFormView {
	return templates.AccountFormView{
		New: true, LoginID: in.LoginID, Name: in.DisplayName, Email: in.RegisteredEmail, Roles: h.roles(lang, actor, kind, in.Role),
		PasswordMin: h.service.PasswordMin(account.PasswordOwner{Kind: kind}),
	}
}

func (d draft) newAccount() NewAccount {
	return NewAccount{LoginID: d.or("login_id", ""), DisplayName: d.or("name", ""), RegisteredEmail: d.or("email", ""), Role: d.or("role", "")}
}

func (h *Handler) renderNewAccount(w http.ResponseWriter, status int, f templates.Frame, actor Actor, g UserGroup, in NewAccount, texts map[string]string) error {
	v := h.newAccountForm(f.Lang, actor, account.KindStore, in)
	v.Action, v.BackURL, v.Errors = groupURL(g.ID)+"/accounts/new", customerGroupsURL(g.Customer.ID), texts
	v.Who = templates.AccountRef{Customer: g.Customer.Name, CustomerURL: v.BackURL, Group: g.Name}
	return h.templates.AccountForm.Render(w, status, f, v)
}

func (h *Handler) getNewAccount(w http.ResponseWriter, r *http.Request) error {
	actor := actorOf(r)
	g, err := h.service.UserGroup(r.Context(), actor, store.UserGroupID(chi.URLParam(r, "id")))
	if err == nil && !actor.rights().has(mayManageCustomers) {
		err = ErrForbidden
	}
	if err != nil {
		return answer(err)
	}
	f, d := h.formFrame(w, r, templates.NavCustomers)
	return h.renderNewAccount(w, http.StatusOK, f, actor, g, d.newAccount(), nil)
}

func (h *Handler) postNewAccount(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	actor, in := actorOf(r), newAccountOf(form)
	id := store.UserGroupID(chi.URLParam(r, "id"))
	made, err := h.service.CreateAccount(r.Context(), actor, id, in)
	if err == nil {
		return h.done(w, r, templates.FlashCreated, accountURL(made.ID))
	}
	texts, ok := h.fieldErrors(web.Lang(r), err)
	if !ok {
		return answer(err)
	}
	g, err := h.service.UserGroup(r.Context(), actor, id)
	if err != nil {
		return answer(err)
	}
	return h.renderNewAccount(w, http.StatusUnprocessableEntity, h.frame(w, r, templates.NavCustomers), actor, g, in, texts)
}

func (h *Handler) getOperators(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	actor := actorOf(r)
	page, err := h.service.ListOperators(r.Context(), actor, keyAfter(query))
	if err != nil {
		return answer(err)
	}
	f := h.frame(w, r, templates.NavOperators)
	v := templates.OperatorsView{Total: int(page.Total), NewURL: templates.PathOperators + "/new", RolesURL: templates.PathRoles}
	v.Pager = pager(templates.PathOperators, nil, query, keyCursor(page.Next))
	for _, a := range page.Rows {
		row := templates.OperatorRow{
			Name: a.DisplayName, LoginID: a.LoginID, Role: h.roleLabel(f.Lang, actor, a.Role),
			EditURL: accountURL(a.ID), TwoFactorURL: accountURL(a.ID) + "/two-factor",
			Use: a.TwoFactor == account.TwoFactorUse, Kind: text(a.MainFactor), Disabled: a.DisabledAt != nil,
		}
		row.LastSignIn, row.LastSignISO = h.at(a.LastSignInAt)
		v.Rows = append(v.Rows, row)
	}
	return h.templates.Operators.Render(w, http.StatusOK, f, v)
}

func (h *Handler) renderNewOperator(w http.ResponseWriter, status int, f templates.Frame, actor Actor, in NewAccount, texts map[string]string) error {
	v := h.newAccountForm(f.Lang, actor, account.KindOperator, in)
	v.Action, v.BackURL, v.Errors = templates.PathOperators+"/new", templates.PathOperators, texts
	v.Who = templates.AccountRef{Operator: true}
	return h.templates.AccountForm.Render(w, status, f, v)
}

func (h *Handler) getNewOperator(w http.ResponseWriter, r *http.Request) error {
	actor := actorOf(r)
	if !actor.rights().has(mayManageOperators) {
		return answer(ErrForbidden)
	}
	f, d := h.formFrame(w, r, templates.NavOperators)
	return h.renderNewOperator(w, http.StatusOK, f, actor, d.newAccount(), nil)
}

func (h *Handler) postNewOperator(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	actor, in := actorOf(r), newAccountOf(form)
	made, err := h.service.CreateOperator(r.Context(), actor, in)
	if err == nil {
		return h.done(w, r, templates.FlashCreated, accountURL(made.ID))
	}
	texts, ok := h.fieldErrors(web.Lang(r), err)
	if !ok {
		return answer(err)
	}
	return h.renderNewOperator(w, http.StatusUnprocessableEntity, h.frame(w, r, templates.NavOperators), actor, in, texts)
}
