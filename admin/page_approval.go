package admin

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func approvalURL(id store.ApprovalID) string { return templates.PathApprovals + "/" + string(id) }

// askURL leads to the form that asks for an act on an account.
func askURL(id store.AccountID, act Act, method signin.Method) string {
	page := accountURL(id) + "/approval/" + string(act)
	if method != "" {
		page += "/" + string(method)
	}
	return page
}

// unguardURL leads to the form that asks for opening the accounts of a surface without a second operator.
func unguardURL(surface string) string { return templates.PathSettings + "/approval/" + surface }

func (h *Handler) mountApprovals(get mountPage, form mountForm, formOn func(page formPage, path string, save web.HandlerFunc)) {
	get(templates.PathApprovals, h.getApprovals)
	get(templates.PathApprovals+"/{id}", h.getApproval)
	page := func(r *http.Request) string { return approvalURL(store.ApprovalID(chi.URLParam(r, "id"))) }
	for path, save := range map[string]web.HandlerFunc{
		"approve": h.postApprove, "refuse": h.postRefuse, "withdraw": h.postWithdrawApproval, "use": h.postUse,
	} {
		formOn(page, templates.PathApprovals+"/{id}/"+path, save)
	}
	form("/admin/accounts/{id}/approval/{act}", h.getAsk, h.postAsk)
	form("/admin/accounts/{id}/approval/{act}/{method}", h.getAsk, h.postAsk)
	form(templates.PathSettings+"/approval/{surface}", h.getAskSurface, h.postAskSurface)
	formOn(func(r *http.Request) string { return accountURL(store.AccountID(chi.URLParam(r, "id"))) }, "/admin/accounts/{id}/guard", h.postGuard)
}

func (h *Handler) getApprovals(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	actor, all := actorOf(r), query.Get("list") == "all"
	after, _ := readPlace(query.Get(afterField))
	rows, more, err := h.service.Approvals(r.Context(), actor, after, pageSize, !all)
	if err != nil {
		return answer(err)
	}
	v := templates.ApprovalsView{All: all, OpenURL: templates.PathApprovals, AllURL: templates.PathApprovals + "?list=all"}
	list := url.Values{}
	if all {
		list.Set("list", "all")
	}
	for _, row := range rows {
		line := templates.ApprovalLine{
			URL: approvalURL(row.Approval.ID), Act: string(row.Proposal.Act), Method: string(row.Proposal.Method),
			Name: text(row.DisplayName), LoginID: text(row.LoginID), Customer: text(row.Customer), Operator: text(row.Kind) == account.KindOperator,
			By: row.Approval.AskerName, State: row.Shown,
		}
		if row.Approval.AccountID == nil {
			line.Surface = row.Approval.SurfaceID
		}
		line.At, line.ISO = h.at(&row.Approval.CreatedAt)
		if row.Shown == ApprovalWaiting || row.Shown == ApprovalApproved {
			line.Until, _ = h.at(&row.Approval.ExpiresAt)
		}
		v.Rows = append(v.Rows, line)
	}
	next := ""
	if more {
		next = placeOfApproval(rows[len(rows)-1]).cursor()
	}
	v.Pager = pager(templates.PathApprovals, list, query, next)
	return h.templates.Approvals.Render(w, http.StatusOK, h.frame(w, r, templates.NavApprovals), v)
}

// approvalView is the page of a request.
func (h *Handler) approvalView(r *http.Request, actor Actor, a ApprovalView) (templates.ApprovalView, error) {
	p, page := a.Proposal, approvalURL(a.ID)
	v := templates.ApprovalView{
		ListURL: templates.PathApprovals, Act: string(p.Act), Method: string(p.Method), Hours: p.Hours, Minutes: p.Minutes,
		Email:  seenAddress(actor, Account{}, fieldRegistered, p.Email),
		Reason: a.Reason.Text, Inquiry: a.Reason.Inquiry, Note: a.Reason.Note, Checks: a.Reason.Checks,
		By: a.AskerName, State: a.Shown, Decider: a.DeciderName, Decision: a.Decision,
		Password: p.Act == ActPassword,
	}
	if !actor.rights().has(maySeeAddresses) {
		v.Reason, v.Inquiry, v.Note, v.Decision = redact(v.Reason), redact(v.Inquiry), redact(v.Note), redact(v.Decision)
	}
	v.At, v.ISO = h.at(&a.CreatedAt)
	v.Until, _ = h.at(&a.ExpiresAt)
	v.DecidedAt, _ = h.at(a.DecidedAt)
	v.UsedAt, _ = h.at(a.UsedAt)
	if a.MayDecide {
		v.ApproveAction, v.RefuseAction = page+"/approve", page+"/refuse"
	}
	if a.MayUse {
		v.UseAction = page + "/use"
	}
	if a.MayWithdraw {
		v.WithdrawAction = page + "/withdraw"
	}
	if a.Account == nil {
		v.Surface = a.SurfaceID
		return v, nil
	}
	v.Who = who(*a.Account, false)
	v.PasswordMin = h.service.PasswordMin(account.OwnerOf(a.Account.Account))
	switch {
	case p.Act == ActTicket:
		v.Handover = string(p.Handover)
	case p.Act == ActReset && a.Open():
		plan, err := h.resetView(r, actor, *a.Account, p.Method, a.Reason)
		if err != nil {
			return v, err
		}
		v.Plan = &plan
		if plan.More.Ticket {
			v.Handover = string(p.Handover)
		}
	}
	return v, nil
}

func (h *Handler) getApproval(w http.ResponseWriter, r *http.Request) error {
	f, d := h.formFrame(w, r, templates.NavApprovals)
	return h.renderApproval(w, r, http.StatusOK, f, d.or(FieldReason, ""), nil)
}

func (h *Handler) renderApproval(w http.ResponseWriter, r *http.Request, status int, f templates.Frame, typed string, errs map[string]string) error {
	actor := actorOf(r)
	a, err := h.service.Approval(r.Context(), actor, store.ApprovalID(chi.URLParam(r, "id")))
	if err != nil {
		return answer(err)
	}
	v, err := h.approvalView(r, actor, a)
	if err != nil {
		return err
	}
	v.Typed, v.Errors = typed, errs
	return h.templates.Approval.Render(w, status, f, v)
}

// decided ends a form of a request's page: with the page again, whatever became of it.
func (h *Handler) decided(w http.ResponseWriter, r *http.Request, err error, flash, typed string) error {
	if err == nil {
		return h.done(w, r, flash, approvalURL(store.ApprovalID(chi.URLParam(r, "id"))))
	}
	texts, ok := h.approvalErrors(web.Lang(r), err)
	if !ok {
		return answer(err)
	}
	return h.renderApproval(w, r, http.StatusUnprocessableEntity, h.frame(w, r, templates.NavApprovals), typed, texts)
}

// approvalErrors are the errors of forms about requests.
func (h *Handler) approvalErrors(lang templates.Lang, err error) (map[string]string, bool) {
	key := ""
	switch {
	case errors.Is(err, ErrApprovalVoid):
		key = templates.MsgApprovalVoid
	case errors.Is(err, ErrNoApproval):
		key = templates.MsgNoApproval
	case errors.Is(err, ErrNotPartner):
		key = templates.MsgNotPartner
	case errors.Is(err, ErrEnforced):
		key = templates.MsgOffForbidden
	default:
		return h.spareErrors(lang, err)
	}
	return map[string]string{templates.FormError: h.templates.T(lang, key)}, true
}

func (h *Handler) postApprove(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	err := h.service.Approve(r.Context(), actorOf(r), store.ApprovalID(chi.URLParam(r, "id")))
	return h.decided(w, r, err, templates.FlashApproved, "")
}

func (h *Handler) postRefuse(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	reason := form.Get(FieldReason)
	err = h.service.Refuse(r.Context(), actorOf(r), store.ApprovalID(chi.URLParam(r, "id")), reason)
	return h.decided(w, r, err, templates.FlashRefused, strings.TrimSpace(reason))
}

func (h *Handler) postWithdrawApproval(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	err := h.service.Withdraw(r.Context(), actorOf(r), store.ApprovalID(chi.URLParam(r, "id")))
	return h.decided(w, r, err, templates.FlashRequestWithdrawn, "")
}

func (h *Handler) postUse(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	ctx, actor, id := r.Context(), actorOf(r), store.ApprovalID(chi.URLParam(r, "id"))
	done, err := h.service.UseApproval(ctx, actor, id, form.Raw("password"))
	if err != nil {
		return h.decided(w, r, err, "", "")
	}
	a, err := h.service.Approval(ctx, actor, id)
	if err != nil {
		return answer(err)
	}
	switch {
	case a.Account == nil:
		return h.done(w, r, templates.FlashApprovalUsed, templates.PathSettings)
	case done.Reset != "":
		return web.SeeOther(w, r, resetURL(done.Reset))
	case done.Pass.Code != "":
		return h.handOver(w, r, actor, a.Account.ID, done.Pass)
	case a.Proposal.Act == ActTicket:
		return h.done(w, r, templates.FlashTicketIssued, accountURL(a.Account.ID)+"/two-factor/ticket")
	}
	return h.done(w, r, templates.FlashApprovalUsed, approvalURL(id))
}

// mayAsk is whether the actor may ask for an act on an account, for leaving out what would be refused.
func mayAsk(actor Actor, a Account, act Act) bool {
	return mayOpen(actor.rights(), actor.roles, subject{account: &a.Account}, act) &&
		(!actor.is(a.ID) || act == ActEmail || act == ActPassword)
}

// asks is what a form asks for, by its address and its fields.
func asks(r *http.Request, get func(field string) string) (Proposal, Reason, error) {
	method, err := resetMethod(r)
	p := Proposal{Act: Act(chi.URLParam(r, "act")), Method: method}
	if err != nil || !slices.Contains(AccountActs(), p.Act) || method != "" && p.Act != ActReset {
		return p, Reason{}, store.ErrNotFound
	}
	reason := typedReason(get)
	reason.Handover = "" // part of what is asked for
	switch p.Act {
	case ActExempt:
		p.Hours = number(get(FieldHours))
	case ActPass:
		p.Minutes = number(get(FieldMinutes))
	case ActEmail:
		p.Email = get("email")
	case ActReset, ActTicket:
		p.Handover = mfa.Handover(get(FieldHandover))
	}
	return p, reason, nil
}

// askView is the form that asks for an act on an account, as it was filled in.
func (h *Handler) askView(r *http.Request, actor Actor, a Account, p Proposal, typed Reason) (templates.ApprovalAskView, error) {
	if p.Handover != "" {
		typed.Handover = p.Handover
	}
	v := templates.ApprovalAskView{
		Action: askURL(a.ID, p.Act, p.Method), BackURL: accountURL(a.ID), Who: who(a, false), Act: string(p.Act), Method: string(p.Method),
		Reason: typed.Text, Identity: typed.IdentityChecked,
		More: moreOf(typed, p.Act == ActTicket, seenAddress(actor, Account{}, templates.KindEmail, a.RegisteredEmail)),
	}
	switch p.Act {
	case ActExempt:
		v.Hours, v.Hour = hourChoices(), p.Hours
		if p.Hours == 0 {
			v.Hour = usualHours
		}
	case ActPass:
		v.Minutes, v.Minute = minuteChoices(), p.Minutes
		if p.Minutes == 0 {
			v.Minute = usualMinutes
		}
	case ActEmail:
		v.Address, v.Email = true, p.Email
	case ActReset:
		plan, err := h.resetView(r, actor, a, p.Method, typed)
		if err != nil {
			return v, err
		}
		v.Plan, v.More.Ticket = &plan, plan.More.Ticket
	}
	if p.Act != ActEmail && p.Act != ActPassword && p.Act != ActUnguard {
		v.BackURL += "/two-factor"
	}
	return v, nil
}

// askable is the account of a form that asks for an act, if the actor may.
func (h *Handler) askable(r *http.Request, act Act) (Actor, Account, error) {
	actor, a, err := h.account(r)
	switch {
	case err != nil:
		return actor, a, err
	case mayAsk(actor, a, act):
		return actor, a, nil
	case actor.is(a.ID):
		return actor, a, answer(ErrOwnAccount)
	}
	return actor, a, answer(ErrForbidden)
}

func (h *Handler) getAsk(w http.ResponseWriter, r *http.Request) error {
	f, d := h.formFrame(w, r, templates.NavCustomers)
	p, typed, err := asks(r, func(field string) string { return d.or(field, "") })
	if err != nil {
		return err
	}
	actor, a, err := h.askable(r, p.Act)
	if err != nil {
		return err
	}
	f.Operator.Active = navOf(a.Kind)
	v, err := h.askView(r, actor, a, p, typed)
	if err != nil {
		return err
	}
	return h.templates.ApprovalAsk.Render(w, http.StatusOK, f, v)
}

func (h *Handler) postAsk(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	p, reason, err := asks(r, form.Get)
	if err != nil {
		return err
	}
	reason.Note = form.Text(FieldNote)
	id, err := h.service.AskApproval(r.Context(), actorOf(r), store.AccountID(chi.URLParam(r, "id")), p, reason)
	if err == nil {
		return h.done(w, r, templates.FlashApprovalAsked, approvalURL(id))
	}
	texts, ok := h.approvalErrors(web.Lang(r), err)
	if !ok {
		return answer(err)
	}
	actor, a, err := h.askable(r, p.Act)
	if err != nil {
		return err
	}
	v, err := h.askView(r, actor, a, p, reason)
	if err != nil {
		return err
	}
	v.Errors = texts
	return h.templates.ApprovalAsk.Render(w, http.StatusUnprocessableEntity, h.frame(w, r, navOf(a.Kind)), v)
}

func (h *Handler) askSurfaceView(surface, reason string) templates.ApprovalAskView {
	return templates.ApprovalAskView{
		Action: unguardURL(surface), BackURL: templates.PathSettings, Surface: surface, Act: string(ActUnguardAll), Reason: reason,
	}
}

// surfaceAsked is the surface of a form that asks about one, if the actor may.
func (h *Handler) surfaceAsked(r *http.Request) (string, error) {
	actor, id := actorOf(r), chi.URLParam(r, "surface")
	surfaces, err := h.service.Enforcement(r.Context(), actor)
	switch {
	case err != nil:
		return id, answer(err)
	case !actor.rights().has(mayEnforce):
		return id, answer(ErrForbidden)
	case !slices.ContainsFunc(surfaces, func(s Surface) bool { return s.ID == id }):
		return id, store.ErrNotFound
	}
	return id, nil
}

func (h *Handler) getAskSurface(w http.ResponseWriter, r *http.Request) error {
	surface, err := h.surfaceAsked(r)
	if err != nil {
		return err
	}
	f, d := h.formFrame(w, r, templates.NavSettings)
	v := h.askSurfaceView(surface, d.or(FieldReason, ""))
	return h.templates.ApprovalAsk.Render(w, http.StatusOK, f, v)
}

func (h *Handler) postAskSurface(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	surface, err := h.surfaceAsked(r)
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(form.Get(FieldReason))
	id, err := h.service.AskUnguardAll(r.Context(), actorOf(r), surface, reason)
	if err == nil {
		return h.done(w, r, templates.FlashApprovalAsked, approvalURL(id))
	}
	texts, ok := h.approvalErrors(web.Lang(r), err)
	if !ok {
		return answer(err)
	}
	v := h.askSurfaceView(surface, reason)
	v.Errors = texts
	return h.templates.ApprovalAsk.Render(w, http.StatusUnprocessableEntity, h.frame(w, r, templates.NavSettings), v)
}

func (h *Handler) postGuard(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	id := store.AccountID(chi.URLParam(r, "id"))
	changed, err := h.service.SetGuard(r.Context(), actorOf(r), id, time.Time{}, true)
	if err != nil {
		return answer(err)
	}
	flash := templates.FlashGuardOn
	if !changed {
		flash = templates.FlashUnchanged
	}
	return h.done(w, r, flash, accountURL(id))
}

// guardOf is what an account's pages say of a second operator; nil where there is nothing to say.
func guardOf(actor Actor, a Account) *templates.Guard {
	g := &templates.Guard{On: a.Approval, All: a.Guarded && !a.Approval}
	edits := mayAsk(actor, a, ActUnguard)
	if edits && !a.Approval {
		g.OnAction = accountURL(a.ID) + "/guard"
	}
	if !a.Guarded {
		if g.OnAction == "" {
			return nil
		}
		return g
	}
	ask := func(act Act) string {
		if !mayAsk(actor, a, act) {
			return ""
		}
		return askURL(a.ID, act, "")
	}
	g.EmailURL, g.PasswordURL, g.SwitchURL = ask(ActEmail), ask(ActPassword), ask(ActSwitchOff)
	if a.TwoFactor == account.TwoFactorDont || a.Enforced {
		g.SwitchURL = ""
	}
	if a.Approval {
		g.OffURL = ask(ActUnguard)
	}
	return g
}

// askInstead leads from a form that would be refused to the one that asks for a second operator; ok is false where none is needed.
func askInstead(w http.ResponseWriter, r *http.Request, a Account, act Act, method signin.Method) (done bool, err error) {
	if !a.Guarded {
		return false, nil
	}
	return true, web.SeeOther(w, r, askURL(a.ID, act, method))
}
