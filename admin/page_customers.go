package admin

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func customerURL(id store.CustomerID) string { return templates.PathCustomers + "/" + string(id) }

func customerGroupsURL(id store.CustomerID) string { return customerURL(id) + "/groups" }

func groupURL(id store.UserGroupID) string { return "/admin/groups/" + string(id) }

func (h *Handler) getCustomers(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	if query.Get("q") != "" {
		return h.renderSearch(w, r, query)
	}
	actor := actorOf(r)
	in := account.CustomerQuery{State: query.Get("status"), After: keyAfter(query), Size: pageSize}
	page, err := h.service.ListCustomers(r.Context(), actor, in)
	if err != nil {
		return answer(err)
	}
	filter := url.Values{}
	if in.State != "" {
		filter.Set("status", in.State)
	}
	v := templates.CustomersView{
		Action: templates.PathCustomers, Status: in.State, Total: page.Total, Many: page.Many,
		Short: page.Next != "" && len(page.Rows) < pageSize,
		Pager: pager(templates.PathCustomers, filter, query, keyCursor(page.Next)),
	}
	if actor.rights().has(mayManageCustomers) {
		v.NewURL, v.ImportURL = templates.PathCustomers+"/new", templates.PathImport
	}
	for _, c := range page.Rows {
		row := templates.CustomerRow{
			URL: customerGroupsURL(c.ID), Name: c.Name, Code: c.Code, Accounts: int(c.Accounts), WithTwoFactor: int(c.SetUp),
		}
		row.LastSignIn, row.LastSignISO = h.at(c.LastSignInAt)
		v.Rows = append(v.Rows, row)
	}
	return h.templates.Customers.Render(w, http.StatusOK, h.frame(w, r, templates.NavCustomers), v)
}

func (h *Handler) getCustomer(w http.ResponseWriter, r *http.Request) error {
	return h.showCustomer(w, r, templates.TabProfile)
}

func (h *Handler) getCustomerGroups(w http.ResponseWriter, r *http.Request) error {
	return h.showCustomer(w, r, templates.TabGroups)
}

func (h *Handler) showCustomer(w http.ResponseWriter, r *http.Request, tab string) error {
	actor := actorOf(r)
	c, err := h.service.Customer(r.Context(), actor, store.CustomerID(chi.URLParam(r, "id")))
	if err != nil {
		return answer(err)
	}
	f := h.frame(w, r, templates.NavCustomers)
	v := templates.CustomerView{
		Tab: tab, ProfileURL: customerURL(c.ID), GroupsURL: customerGroupsURL(c.ID), Name: c.Name, Code: c.Code,
	}
	may := actor.rights().has(mayManageCustomers)
	if may {
		v.EditURL, v.NewGroupURL = customerURL(c.ID)+"/edit", customerGroupsURL(c.ID)+"/new"
	}
	if actor.rights().has(mayReset) {
		v.BulkURL = bulkURL(c.ID)
	}
	accounts := 0
	for _, g := range c.Groups {
		accounts += len(g.Accounts)
		card := templates.GroupCard{Name: g.Name}
		if may {
			card.EditURL, card.NewAccountURL = groupURL(g.ID)+"/edit", groupURL(g.ID)+"/accounts/new"
		}
		for _, a := range g.Accounts {
			row := templates.AccountRow{
				Name: a.DisplayName, LoginID: a.LoginID, Role: h.templates.RoleLabel(f.Lang, a.Role), EditURL: accountURL(a.ID),
				Use: a.TwoFactor == account.TwoFactorUse, Kind: text(a.MainFactor), Disabled: a.DisabledAt != nil,
			}
			row.LastSignIn, row.LastSignISO = h.at(a.LastSignInAt)
			card.Accounts = append(card.Accounts, row)
		}
		v.Groups = append(v.Groups, card)
	}
	v.Facts = []templates.Fact{{Label: h.templates.T(f.Lang, "admin.accounts"), Value: strconv.Itoa(accounts)}}
	return h.templates.Customer.Render(w, http.StatusOK, f, v)
}

func (h *Handler) getNewCustomer(w http.ResponseWriter, r *http.Request) error {
	if !actorOf(r).rights().has(mayManageCustomers) {
		return answer(ErrForbidden)
	}
	f, d := h.formFrame(w, r, templates.NavCustomers)
	return h.templates.CustomerForm.Render(w, http.StatusOK, f, templates.CustomerFormView{
		Action: templates.PathCustomers + "/new", BackURL: templates.PathCustomers, New: true,
		Name: d.or("name", ""), Code: d.or("code", ""),
	})
}

func (h *Handler) postNewCustomer(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := account.CustomerInput{Name: form.Get("name"), Code: form.Get("code")}
	c, err := h.service.CreateCustomer(r.Context(), actorOf(r), in)
	if err == nil {
		return h.done(w, r, templates.FlashCreated, customerGroupsURL(c.ID))
	}
	texts, ok := h.fieldErrors(web.Lang(r), err)
	if !ok {
		return answer(err)
	}
	return h.templates.CustomerForm.Render(w, http.StatusUnprocessableEntity, h.frame(w, r, templates.NavCustomers), templates.CustomerFormView{
		Action: templates.PathCustomers + "/new", BackURL: templates.PathCustomers, New: true, Name: in.Name, Code: in.Code, Errors: texts,
	})
}

func customerForm(c store.Customer) templates.CustomerFormView {
	return templates.CustomerFormView{
		Action: customerURL(c.ID) + "/edit", BackURL: customerURL(c.ID), Name: c.Name, Code: c.Code, Version: version(c.UpdatedAt),
		RemoveURL: customerURL(c.ID) + "/delete",
	}
}

func (h *Handler) getEditCustomer(w http.ResponseWriter, r *http.Request) error {
	actor := actorOf(r)
	c, err := h.service.Customer(r.Context(), actor, store.CustomerID(chi.URLParam(r, "id")))
	if err == nil && !actor.rights().has(mayManageCustomers) {
		err = ErrForbidden
	}
	if err != nil {
		return answer(err)
	}
	f, d := h.formFrame(w, r, templates.NavCustomers)
	v := customerForm(c.Customer)
	v.Name, v.Code = d.or("name", v.Name), d.or("code", v.Code)
	return h.templates.CustomerForm.Render(w, http.StatusOK, f, v)
}

func (h *Handler) postEditCustomer(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	actor, id := actorOf(r), store.CustomerID(chi.URLParam(r, "id"))
	in := account.CustomerInput{Name: form.Get("name"), Code: form.Get("code")}
	changed, err := h.service.UpdateCustomer(r.Context(), actor, id, versionOf(form), in)
	if err == nil {
		return h.done(w, r, savedOr(changed), customerURL(id))
	}
	texts, ok := h.fieldErrors(web.Lang(r), err)
	if !ok {
		return answer(err)
	}
	c, err := h.service.Customer(r.Context(), actor, id)
	if err != nil {
		return answer(err)
	}
	v := customerForm(c.Customer)
	v.Name, v.Code, v.Errors = in.Name, in.Code, texts
	return h.templates.CustomerForm.Render(w, http.StatusUnprocessableEntity, h.frame(w, r, templates.NavCustomers), v)
}

func newGroupForm(c store.Customer, name string) templates.GroupFormView {
	return templates.GroupFormView{
		Action: customerGroupsURL(c.ID) + "/new", BackURL: customerGroupsURL(c.ID), New: true,
		Customer: c.Name, CustomerURL: customerGroupsURL(c.ID), Name: name,
	}
}

func (h *Handler) getNewGroup(w http.ResponseWriter, r *http.Request) error {
	actor := actorOf(r)
	c, err := h.service.Customer(r.Context(), actor, store.CustomerID(chi.URLParam(r, "id")))
	if err == nil && !actor.rights().has(mayManageCustomers) {
		err = ErrForbidden
	}
	if err != nil {
		return answer(err)
	}
	f, d := h.formFrame(w, r, templates.NavCustomers)
	return h.templates.GroupForm.Render(w, http.StatusOK, f, newGroupForm(c.Customer, d.or("name", "")))
}

func (h *Handler) postNewGroup(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	actor, id, name := actorOf(r), store.CustomerID(chi.URLParam(r, "id")), form.Get("name")
	_, err = h.service.CreateUserGroup(r.Context(), actor, id, name)
	if err == nil {
		return h.done(w, r, templates.FlashCreated, customerGroupsURL(id))
	}
	texts, ok := h.fieldErrors(web.Lang(r), err)
	if !ok {
		return answer(err)
	}
	c, err := h.service.Customer(r.Context(), actor, id)
	if err != nil {
		return answer(err)
	}
	v := newGroupForm(c.Customer, name)
	v.Errors = texts
	return h.templates.GroupForm.Render(w, http.StatusUnprocessableEntity, h.frame(w, r, templates.NavCustomers), v)
}

func groupForm(g UserGroup) templates.GroupFormView {
	return templates.GroupFormView{
		Action: groupURL(g.ID) + "/edit", BackURL: customerGroupsURL(g.Customer.ID),
		Customer: g.Customer.Name, CustomerURL: customerGroupsURL(g.Customer.ID), Name: g.Name, Version: version(g.UpdatedAt), RemoveURL: groupURL(g.ID) + "/delete",
	}
}

func (h *Handler) getEditGroup(w http.ResponseWriter, r *http.Request) error {
	actor := actorOf(r)
	g, err := h.service.UserGroup(r.Context(), actor, store.UserGroupID(chi.URLParam(r, "id")))
	if err == nil && !actor.rights().has(mayManageCustomers) {
		err = ErrForbidden
	}
	if err != nil {
		return answer(err)
	}
	f, d := h.formFrame(w, r, templates.NavCustomers)
	v := groupForm(g)
	v.Name = d.or("name", v.Name)
	return h.templates.GroupForm.Render(w, http.StatusOK, f, v)
}

func (h *Handler) postEditGroup(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	actor, id, name := actorOf(r), store.UserGroupID(chi.URLParam(r, "id")), form.Get("name")
	changed, err := h.service.UpdateUserGroup(r.Context(), actor, id, versionOf(form), name)
	texts, invalid := h.fieldErrors(web.Lang(r), err)
	if err != nil && !invalid {
		return answer(err)
	}
	g, gerr := h.service.UserGroup(r.Context(), actor, id)
	if gerr != nil {
		return answer(gerr)
	}
	v := groupForm(g)
	if err == nil {
		return h.done(w, r, savedOr(changed), v.BackURL)
	}
	v.Name, v.Errors = name, texts
	return h.templates.GroupForm.Render(w, http.StatusUnprocessableEntity, h.frame(w, r, templates.NavCustomers), v)
}
