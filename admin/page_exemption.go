package admin

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// The choices of the forms, and which is chosen when nobody has chosen yet.
const (
	usualHours   = 24
	usualMinutes = 30
)

func hourChoices() []int   { return []int{2, 4, 8, 24, 48, 72} }
func minuteChoices() []int { return []int{15, 30, 45, 60} }

// mayExemptAccount is whether the actor may exempt an account, for leaving out what would be refused.
func mayExemptAccount(actor Actor, a Account) bool {
	return mayChangeOther(actor, a, mayExempt) && actor.rights().has(mayExempt)
}

// mayPassAccount is whether the actor may issue a pass for an account.
func mayPassAccount(actor Actor, a Account) bool {
	return a.Kind == account.KindStore && mayChangeOther(actor, a, mayPass)
}

// exemption is what an account's page says of its exemption; nil if it has none.
func (h *Handler) exemption(actor Actor, a store.Account) *templates.ExemptionState {
	if !a.Exempt(h.now()) {
		return nil
	}
	v := &templates.ExemptionState{By: text(a.ExemptBy), Reason: text(a.ExemptReason), Version: version(*a.ExemptSince)}
	v.Since, _ = h.at(a.ExemptSince)
	v.Until, v.UntilISO = h.at(a.ExemptUntil)
	if !actor.rights().has(maySeeAddresses) {
		v.Reason = redact(v.Reason)
	}
	if mayExemptAccount(actor, Account{Account: a}) {
		v.EndAction = accountURL(a.ID) + "/two-factor/exemption/end"
	}
	return v
}

func (h *Handler) passState(a Account) *templates.PassState {
	if a.Pass == nil {
		return nil
	}
	return &templates.PassState{Until: templates.Time(a.Pass.ExpiresAt, h.zone), By: a.Pass.IssuedBy}
}

// spare fills in what an account's page has for somebody who cannot use their factors.
func (h *Handler) spare(v *templates.AccountTwoFactorView, actor Actor, a Account) {
	page, demanded := accountURL(a.ID)+"/two-factor", a.Demands(a.Enforced)
	v.Exemption = h.exemption(actor, a.Account)
	if v.Exemption == nil && demanded && mayExemptAccount(actor, a) {
		v.ExemptURL = page + "/exemption"
	}
	if !mayPassAccount(actor, a) {
		return
	}
	if v.Pass = h.passState(a); v.Pass != nil {
		v.Pass.WithdrawAction = page + "/pass/withdraw"
	}
	if demanded && a.Status.SetUp() && v.Exemption == nil {
		v.PassURL = page + "/pass"
	}
}

// spareErrors are the errors of the forms that spare an account its second factor.
func (h *Handler) spareErrors(lang templates.Lang, err error) (map[string]string, bool) {
	key := ""
	switch {
	case errors.Is(err, ErrExempt):
		key = templates.MsgExempt
	case errors.Is(err, ErrNotDemanded):
		key = templates.MsgNotDemanded
	default:
		return h.fieldErrors(lang, err)
	}
	return map[string]string{templates.FormError: h.templates.T(lang, key)}, true
}

// sparable is the account of a page whose form would be refused to an operator who may not spare it its second factor.
func (h *Handler) sparable(r *http.Request, may func(Actor, Account) bool) (Account, error) {
	actor, a, err := h.account(r)
	switch {
	case err != nil:
		return a, err
	case actor.is(a.ID):
		return a, answer(ErrOwnAccount)
	case !may(actor, a):
		return a, answer(ErrForbidden)
	}
	return a, nil
}

func exemptView(a Account) templates.ExemptView {
	return templates.ExemptView{
		Action: accountURL(a.ID) + "/two-factor/exemption", BackURL: accountURL(a.ID) + "/two-factor", Who: who(a, false),
		Hours: hourChoices(), Hour: usualHours,
	}
}

func (h *Handler) getExempt(w http.ResponseWriter, r *http.Request) error {
	a, err := h.sparable(r, mayExemptAccount)
	if err != nil {
		return err
	}
	if done, err := askInstead(w, r, a, ActExempt, ""); done {
		return err
	}
	f, d := h.formFrame(w, r, navOf(a.Kind))
	v := exemptView(a)
	if hours := number(d.or(FieldHours, "")); hours != 0 {
		v.Hour = hours
	}
	v.Reason, v.Identity = d.or(FieldReason, ""), d.or(FieldIdentity, "") != ""
	return h.templates.Exempt.Render(w, http.StatusOK, f, v)
}

// number reads a choice of a form; 0 for what is none.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

func (h *Handler) postExempt(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	id, hours := store.AccountID(chi.URLParam(r, "id")), number(form.Get(FieldHours))
	reason := Reason{Text: form.Get(FieldReason), IdentityChecked: form.Checked(FieldIdentity)}
	_, err = h.service.GrantExemption(r.Context(), actorOf(r), id, hours, reason)
	if err == nil {
		return h.done(w, r, templates.FlashExempted, accountURL(id)+"/two-factor")
	}
	texts, ok := h.spareErrors(web.Lang(r), err)
	if !ok {
		return answer(err)
	}
	_, a, err := h.account(r)
	if err != nil {
		return err
	}
	v := exemptView(a)
	v.Hour, v.Reason, v.Identity, v.Errors = hours, strings.TrimSpace(reason.Text), reason.IdentityChecked, texts
	return h.templates.Exempt.Render(w, http.StatusUnprocessableEntity, h.frame(w, r, navOf(a.Kind)), v)
}

func (h *Handler) postExemptionEnd(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	id := store.AccountID(chi.URLParam(r, "id"))
	ended, err := h.service.EndExemption(r.Context(), actorOf(r), id, versionOf(form))
	if err != nil {
		return answer(err)
	}
	flash, to := templates.FlashExemptionEnded, accountURL(id)+"/two-factor"
	if !ended {
		flash = templates.FlashUnchanged
	}
	if form.Get("back") == "list" {
		to = templates.PathExemptions
	}
	return h.done(w, r, flash, to)
}

func (h *Handler) getExemptions(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	actor := actorOf(r)
	after, _ := readPlace(query.Get(afterField)) // what is none is the beginning
	page, err := h.service.ListExemptions(r.Context(), actor, after)
	if err != nil {
		return answer(err)
	}
	v := templates.ExemptionsView{
		Total: page.Total, Many: page.Many, Pager: pager(templates.PathExemptions, nil, query, page.Next.cursor()),
	}
	for _, row := range page.Rows {
		a := row.Account
		state := h.exemption(actor, a)
		if state == nil {
			continue // it ended this very moment
		}
		v.Rows = append(v.Rows, templates.ExemptionRow{
			Operator: a.Kind == account.KindOperator, Name: a.DisplayName, LoginID: a.LoginID, Customer: text(row.Customer),
			URL: accountURL(a.ID) + "/two-factor", State: *state,
		})
	}
	f, _ := h.formFrame(w, r, templates.NavExemptions)
	return h.templates.Exemptions.Render(w, http.StatusOK, f, v)
}

func (h *Handler) passView(a Account) templates.PassView {
	return templates.PassView{
		Action: accountURL(a.ID) + "/two-factor/pass", BackURL: accountURL(a.ID) + "/two-factor", Who: who(a, false),
		Open: h.passState(a), Minutes: minuteChoices(), Minute: usualMinutes,
	}
}

func (h *Handler) getPass(w http.ResponseWriter, r *http.Request) error {
	a, err := h.sparable(r, mayPassAccount)
	if err != nil {
		return err
	}
	if done, err := askInstead(w, r, a, ActPass, ""); done {
		return err
	}
	f, d := h.formFrame(w, r, navOf(a.Kind))
	v := h.passView(a)
	if minutes := number(d.or(FieldMinutes, "")); minutes != 0 {
		v.Minute = minutes
	}
	v.Reason, v.Identity = d.or(FieldReason, ""), d.or(FieldIdentity, "") != ""
	return h.templates.Pass.Render(w, http.StatusOK, f, v)
}

func (h *Handler) postPass(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	actor := actorOf(r)
	id, minutes := store.AccountID(chi.URLParam(r, "id")), number(form.Get(FieldMinutes))
	reason := Reason{Text: form.Get(FieldReason), IdentityChecked: form.Checked(FieldIdentity)}
	pass, err := h.service.IssuePass(r.Context(), actor, id, minutes, reason)
	if err == nil {
		return h.handOver(w, r, actor, id, pass)
	}
	texts, ok := h.spareErrors(web.Lang(r), err)
	if !ok {
		return answer(err)
	}
	_, a, err := h.account(r)
	if err != nil {
		return err
	}
	v := h.passView(a)
	v.Minute, v.Reason, v.Identity, v.Errors = minutes, strings.TrimSpace(reason.Text), reason.IdentityChecked, texts
	return h.templates.Pass.Render(w, http.StatusUnprocessableEntity, h.frame(w, r, navOf(a.Kind)), v)
}

func (h *Handler) postPassWithdraw(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	id := store.AccountID(chi.URLParam(r, "id"))
	withdrawn, err := h.service.WithdrawPass(r.Context(), actorOf(r), id)
	if err != nil {
		return answer(err)
	}
	flash := templates.FlashPassWithdrawn
	if !withdrawn {
		flash = templates.FlashUnchanged
	}
	return h.done(w, r, flash, accountURL(id)+"/two-factor")
}

// The code of a pass goes to the page that shows it through the operator's own browser, as a draft does, and is gone from there once it
// was shown: nothing of ours keeps it.
const (
	handOverCode  = "pass"
	handOverUntil = "until"
	handOverAge   = time.Minute
)

func (h *Handler) handOver(w http.ResponseWriter, r *http.Request, actor Actor, id store.AccountID, pass mfa.Pass) error {
	page := accountURL(id) + "/two-factor/pass/issued"
	d := draft{Page: page, Account: actor.Account.ID, Fields: map[string]string{
		handOverCode: pass.Code, handOverUntil: templates.Time(pass.ExpiresAt, h.zone),
	}}
	if err := d.keep(w, handOverAge); err != nil {
		return err
	}
	return web.SeeOther(w, r, page)
}

func (h *Handler) getPassIssued(w http.ResponseWriter, r *http.Request) error {
	a, err := h.sparable(r, mayPassAccount)
	if err != nil {
		return err
	}
	d, _ := takeDraft(w, r)
	return h.templates.PassIssued.Render(w, http.StatusOK, h.frame(w, r, navOf(a.Kind)), templates.PassIssuedView{
		BackURL: accountURL(a.ID) + "/two-factor", Who: who(a, false), Code: d.or(handOverCode, ""), Until: d.or(handOverUntil, ""),
	})
}
