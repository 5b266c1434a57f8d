package admin

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func resetAllURL(id store.CustomerID) string { return customerURL(id) + "/reset" }

// bulkView is the list of a customer's accounts with the form that resets them all, as it was filled in.
func (h *Handler) bulkView(r *http.Request, c CustomerHoldings, typed Reason, at time.Time) (templates.BulkResetView, error) {
	ticket, err := h.service.resetsAskForTicket(r.Context(), account.KindStore)
	if err != nil {
		return templates.BulkResetView{}, err
	}
	lang := web.Lang(r)
	v := templates.BulkResetView{
		Action: resetAllURL(c.ID), BackURL: customerGroupsURL(c.ID), Customer: c.Name, Version: version(at),
		Reason: typed.Text, Identity: typed.IdentityChecked, More: moreOf(typed, ticket, h.templates.T(lang, templates.EachRegistered)),
	}
	for _, a := range c.Accounts {
		if a.CreatedAt.After(at) {
			continue
		}
		v.Accounts = append(v.Accounts, templates.BulkAccount{
			Name: a.DisplayName, LoginID: a.LoginID, Group: a.GroupName, URL: accountURL(a.ID) + "/two-factor",
			Use: a.TwoFactor == account.TwoFactorUse, Kinds: a.Kinds, Codes: int(a.BackupCodes), Devices: int(a.Devices),
			Disabled: a.DisabledAt != nil, Guarded: a.Approval,
		})
	}
	return v, nil
}

func (h *Handler) getBulkReset(w http.ResponseWriter, r *http.Request) error {
	actor := actorOf(r)
	c, err := h.service.CustomerHoldings(r.Context(), actor, store.CustomerID(chi.URLParam(r, "id")))
	if err == nil && !actor.rights().has(mayReset) {
		err = ErrForbidden
	}
	if err != nil {
		return answer(err)
	}
	f, d := h.formFrame(w, r, templates.NavCustomers)
	v, err := h.bulkView(r, c, typedReason(func(field string) string { return d.or(field, "") }), c.At)
	if err != nil {
		return err
	}
	return h.templates.BulkReset.Render(w, http.StatusOK, f, v)
}

func (h *Handler) postBulkReset(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	actor, id, reason := actorOf(r), store.CustomerID(chi.URLParam(r, "id")), postedReason(form)
	sent, err := h.service.ResetCustomer(r.Context(), actor, id, versionOf(form), reason)
	if err == nil {
		return web.SeeOther(w, r, resetAllURL(id)+"/"+string(sent.Form))
	}
	texts, ok := h.fieldErrors(web.Lang(r), err)
	if !ok {
		return answer(err)
	}
	c, err := h.service.CustomerHoldings(r.Context(), actor, id)
	if err != nil {
		return answer(err)
	}
	v, err := h.bulkView(r, c, reason, c.At)
	if err != nil {
		return err
	}
	v.Errors = texts
	return h.templates.BulkReset.Render(w, http.StatusUnprocessableEntity, h.frame(w, r, templates.NavCustomers), v)
}

// getBulkDone shows what became of each account, and of its notices.
func (h *Handler) getBulkDone(w http.ResponseWriter, r *http.Request) error {
	actor, id, form := actorOf(r), store.CustomerID(chi.URLParam(r, "id")), store.FormID(chi.URLParam(r, "form"))
	report, err := h.service.CustomerReport(r.Context(), actor, id, form)
	if err != nil {
		return answer(err)
	}
	v := templates.BulkDoneView{BackURL: customerGroupsURL(id), Customer: report.Name, RefreshURL: resetAllURL(id) + "/" + string(form)}
	for _, a := range report.Accounts {
		row := templates.BulkResult{Name: a.DisplayName, LoginID: a.LoginID, Group: a.GroupName}
		if reset, ok := report.Resets[a.ID]; ok {
			row.Done, row.SetUp, row.ReportURL = true, report.Records[a.ID].SetUp, resetURL(reset.ID)
			for _, m := range report.Notices[reset.ID] {
				row.Notices = append(row.Notices, h.notice(actor, m))
			}
			v.Done++
		} else if asked, ok := report.Asked[a.ID]; ok {
			row.AskedURL = approvalURL(asked.ID)
			v.Asked++
		} else {
			v.Missing++
		}
		v.Rows = append(v.Rows, row)
	}
	return h.templates.BulkDone.Render(w, http.StatusOK, h.frame(w, r, templates.NavCustomers), v)
}
