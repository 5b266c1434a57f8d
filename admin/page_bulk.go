package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func bulkURL(id store.CustomerID) string { return customerURL(id) + "/two-factor" }

// pickPrefix begins the names of the tick boxes that pick accounts.
const pickPrefix = "account-"

func (h *Handler) mountBulk(get mountPage, form mountForm) {
	const at = "/admin/customers/{id}/two-factor"
	form(at, h.getBulk, h.postBulk)
	form(at+"/confirm", h.getBulkConfirm, h.postBulkConfirm)
	get(at+"/result", h.getBulkResult)
}

// wanted reads the value to be set; "" if none was chosen.
func wanted(form web.Form) string {
	switch form.Get("use") {
	case "on":
		return account.TwoFactorUse
	case "off":
		return account.TwoFactorDont
	}
	return ""
}

func (h *Handler) getBulk(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	return h.renderBulk(w, r, http.StatusOK, query, nil)
}

func (h *Handler) renderBulk(w http.ResponseWriter, r *http.Request, status int, form web.Form, errs map[string]string) error {
	id := store.CustomerID(chi.URLParam(r, "id"))
	page, err := h.service.BulkAccounts(r.Context(), actorOf(r), id, keyAfter(form))
	if err != nil {
		return answer(err)
	}
	v := templates.BulkView{
		Action: bulkURL(id), BackURL: customerGroupsURL(id), Customer: page.Customer.Name, Enforced: page.Enforced,
		Use: form.Get("use"), Scope: form.Get("scope"), Errors: errs,
	}
	for _, row := range page.Rows {
		v.Rows = append(v.Rows, bulkRow(row))
	}
	v.Pager = pager(bulkURL(id), nil, form, keyCursor(page.Next))
	f, _ := h.formFrame(w, r, templates.NavCustomers)
	return h.templates.Bulk.Render(w, status, f, v)
}

func bulkRow(row store.ListCustomerAccountsRow) templates.BulkRow {
	return templates.BulkRow{
		Field: pickPrefix + string(row.ID), Name: row.DisplayName, LoginID: row.LoginID, URL: accountURL(row.ID),
		Use: row.TwoFactor == account.TwoFactorUse, Kind: text(row.MainFactor), Disabled: row.DisabledAt != nil,
	}
}

// postBulk leads to the confirmation, which carries the choice in its address; nothing is saved yet.
func (h *Handler) postBulk(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	id := store.CustomerID(chi.URLParam(r, "id"))
	if _, err := h.service.Customer(r.Context(), actorOf(r), id); err != nil {
		return answer(err)
	}
	f := web.Lang(r)
	errs := map[string]string{}
	if wanted(form) == "" {
		errs["use"] = h.templates.T(f, templates.MsgUseBlank)
	}
	q := url.Values{"use": {form.Get("use")}}
	switch form.Get("scope") {
	case "all":
	case "some":
		var picked []string
		for name := range r.PostForm {
			if account, ok := strings.CutPrefix(name, pickPrefix); ok && store.ValidID(account) && form.Checked(name) {
				picked = append(picked, account)
			}
		}
		if len(picked) == 0 {
			errs["scope"] = h.templates.T(f, templates.MsgPickBlank)
		}
		q.Set("accounts", strings.Join(picked, " "))
	default:
		errs["scope"] = h.templates.T(f, templates.MsgScopeBlank)
	}
	if len(errs) > 0 {
		return h.renderBulk(w, r, http.StatusUnprocessableEntity, form, errs)
	}
	return web.SeeOther(w, r, bulkURL(id)+"/confirm?"+q.Encode())
}

// bulkOf reads what is to be done from a query or form; ok is false if it says nothing.
func bulkOf(r *http.Request, form web.Form) (in BulkSwitch, ok bool) {
	in = BulkSwitch{Customer: store.CustomerID(chi.URLParam(r, "id")), Want: wanted(form)}
	if form.Has("accounts") {
		in.Accounts = []store.AccountID{}
		for id := range strings.FieldsSeq(form.Get("accounts")) {
			in.Accounts = append(in.Accounts, store.AccountID(id))
		}
	}
	return in, in.Want != ""
}

// fields spell it as its confirmation does.
func (in BulkSwitch) fields() []templates.Hidden {
	hidden := []templates.Hidden{{Name: "use", Value: onOff(in.Want == account.TwoFactorUse)}}
	if in.Accounts != nil {
		ids := make([]string, len(in.Accounts))
		for i, id := range in.Accounts {
			ids[i] = string(id)
		}
		hidden = append(hidden, templates.Hidden{Name: "accounts", Value: strings.Join(ids, " ")})
	}
	return hidden
}

func (in BulkSwitch) query() url.Values {
	q := url.Values{}
	for _, f := range in.fields() {
		q.Set(f.Name, f.Value)
	}
	return q
}

func (h *Handler) getBulkConfirm(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	in, ok := bulkOf(r, query)
	if !ok {
		return web.SeeOther(w, r, bulkURL(in.Customer))
	}
	p, err := h.service.PreviewSwitch(r.Context(), actorOf(r), in)
	if err != nil {
		return answer(err)
	}
	v := templates.BulkConfirmView{
		// With the choice in its address, so that the page can be fetched again where the form was sent.
		Action:  bulkURL(in.Customer) + "/confirm?" + in.query().Encode(),
		BackURL: bulkURL(in.Customer), CustomerURL: customerGroupsURL(in.Customer), Customer: p.Customer.Name,
		Use: in.Want == account.TwoFactorUse, Total: p.Total, Changing: p.Changing, Resetting: p.Resetting, Refused: p.Refused && p.Changing > 0, LeftOut: p.LeftOut,
		Hidden: in.fields(),
	}
	listed := 0
	for _, row := range p.Rows {
		line := bulkRow(row.ListCustomerAccountsRow)
		line.Changes, line.Resets, line.LeftOut = row.Changes, row.Resets, row.LeftOut
		if row.Changes {
			listed++
		}
		v.Rows = append(v.Rows, line)
	}
	v.More = p.Changing - listed
	f, _ := h.formFrame(w, r, templates.NavCustomers)
	return h.templates.BulkConfirm.Render(w, http.StatusOK, f, v)
}

func (h *Handler) postBulkConfirm(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	in, ok := bulkOf(r, form)
	if _, err := h.service.Customer(r.Context(), actorOf(r), in.Customer); err != nil {
		return answer(err)
	}
	if !ok {
		return web.SeeOther(w, r, bulkURL(in.Customer))
	}
	since := h.now()
	_, err = h.service.SwitchMany(r.Context(), actorOf(r), in)
	if errors.Is(err, ErrEnforced) {
		// The confirmation says so, and for whom.
		return web.SeeOther(w, r, bulkURL(in.Customer)+"/confirm?"+in.query().Encode())
	}
	if err != nil {
		return answer(err)
	}
	q := in.query()
	q.Set("since", version(since))
	return web.SeeOther(w, r, bulkURL(in.Customer)+"/result?"+q.Encode())
}

// getBulkResult lists what was done, as the audit log has it, and what is left to do.
func (h *Handler) getBulkResult(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	in, ok := bulkOf(r, query)
	if !ok {
		return web.SeeOther(w, r, bulkURL(in.Customer))
	}
	done, err := h.service.SwitchResults(r.Context(), actorOf(r), in.Customer, momentOf(query.Get("since")))
	if err != nil {
		return answer(err)
	}
	left, err := h.service.PreviewSwitch(r.Context(), actorOf(r), in)
	if err != nil {
		return answer(err)
	}
	v := templates.BulkResultView{
		BackURL: customerGroupsURL(in.Customer), Customer: done.Customer.Name, Use: in.Want == account.TwoFactorUse, Hidden: in.fields(),
	}
	if !left.Refused {
		v.Left = left.Changing
	}
	// The rest is asked for anew, so that the browser comes back to it after a fresh proof.
	v.RestAction = bulkURL(in.Customer) + "/confirm?" + in.query().Encode()
	for _, e := range done.Rows {
		var data map[string]string
		if json.Unmarshal(e.Data, &data) != nil {
			data = nil
		}
		row := templates.BulkRow{
			Name: e.DisplayName, LoginID: e.LoginID, URL: accountURL(e.ID), Refused: e.Result != string(audit.Success), Resets: data["set_up"] == "true",
		}
		row.At, row.ISO = h.at(&e.At)
		if !row.Refused {
			v.Changed++
		}
		v.Rows = append(v.Rows, row)
	}
	return h.templates.BulkResult.Render(w, http.StatusOK, h.frame(w, r, templates.NavCustomers), v)
}

// momentOf reads a moment as version spells it.
func momentOf(s string) time.Time {
	n, ok := micros(s)
	if !ok {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
