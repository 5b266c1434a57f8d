package admin

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func resetURL(id store.ResetID) string { return "/admin/resets/" + string(id) }

// checkField is the tick box of one way to check the identity.
func checkField(check string) string { return "check-" + check }

// reasonLimits are the lengths that the sentences about a reason name.
var reasonLimits = map[string]int{
	templates.MsgReasonLong: MaxReason, templates.MsgInquiryLong: MaxInquiry, templates.MsgNoteLong: MaxNote,
}

// typedReason reads the fields of a reset's form from anywhere.
func typedReason(get func(field string) string) Reason {
	r := Reason{
		Text: get(FieldReason), IdentityChecked: get(FieldIdentity) != "", Inquiry: get(FieldInquiry), Note: get(FieldNote),
		Handover: mfa.Handover(get(FieldHandover)), Form: store.FormID(get("form")),
	}
	for _, check := range IdentityChecks() {
		if get(checkField(check)) != "" {
			r.Checks = append(r.Checks, check)
		}
	}
	return r
}

// postedReason is typedReason for a posted form, whose note may have several lines.
func postedReason(form web.Form) Reason {
	r := typedReason(form.Get)
	r.Note = form.Text(FieldNote)
	return r
}

// moreOf is the part of a reset's form beyond the reason, filled in. A form that was shown before keeps its name.
func moreOf(r Reason, ticket bool, mail string) templates.ResetMore {
	if !store.ValidID(string(r.Form)) {
		r.Form = store.NewID[store.FormID]()
	}
	more := templates.ResetMore{
		Form: string(r.Form), Inquiry: r.Inquiry, Note: r.Note, Ticket: ticket, Handover: string(r.Handover), Mail: mail,
		MaxInquiry: MaxInquiry, MaxNote: MaxNote,
	}
	for _, check := range IdentityChecks() {
		more.Checks = append(more.Checks, templates.ResetCheck{
			Name: check, Field: checkField(check), Checked: slices.Contains(r.Checks, check),
		})
	}
	return more
}

// resetMethod is the one method that a reset is about, or "" for all of them.
func resetMethod(r *http.Request) (signin.Method, error) {
	method := signin.Method(chi.URLParam(r, "method"))
	if method != "" && !slices.Contains(signin.FactorMethods(), method) {
		return "", store.ErrNotFound
	}
	return method, nil
}

// resetView is the page of a reset, of everything or of one method: what it would do, and its form as it was filled in.
func (h *Handler) resetView(r *http.Request, actor Actor, a Account, method signin.Method, typed Reason) (templates.AccountResetView, error) {
	plan, err := h.service.PlanReset(r.Context(), actor, a, method)
	if err != nil {
		return templates.AccountResetView{}, answer(err)
	}
	v := templates.AccountResetView{
		Action: accountURL(a.ID) + "/two-factor/reset", BackURL: accountURL(a.ID) + "/two-factor", Who: who(a, false),
		Method: string(method), BackupLeft: plan.BackupCodes, Devices: plan.Devices, Sessions: plan.Sessions, Attempts: plan.Attempts,
		Clients: heldClients(plan.Clients), Parties: plan.Parties, Reason: typed.Text, Identity: typed.IdentityChecked,
		More: moreOf(typed, plan.Ticket, seenAddress(actor, Account{}, templates.KindEmail, a.RegisteredEmail)),
	}
	for _, address := range plan.Told {
		v.Told = append(v.Told, seenAddress(actor, Account{}, templates.KindEmail, address))
	}
	v.Main, v.Backups = h.factors(actor, a)
	if method != "" {
		v.Action += "/" + string(method)
	}
	return v, nil
}

func heldClients(clients []mfa.HeldClient) []templates.HeldClient {
	var rows []templates.HeldClient
	for _, c := range clients {
		rows = append(rows, templates.HeldClient{Name: c.Name, RefreshTokens: c.RefreshTokens})
	}
	return rows
}

func (h *Handler) getReset(w http.ResponseWriter, r *http.Request) error {
	method, err := resetMethod(r)
	if err != nil {
		return err
	}
	actor, a, err := h.changeable(r)
	if err != nil {
		return err
	}
	if done, err := askInstead(w, r, a, ActReset, method); done {
		return err
	}
	f, d := h.formFrame(w, r, navOf(a.Kind))
	v, err := h.resetView(r, actor, a, method, typedReason(func(field string) string { return d.or(field, "") }))
	if err != nil {
		return err
	}
	return h.templates.AccountReset.Render(w, http.StatusOK, f, v)
}

func (h *Handler) postReset(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	method, err := resetMethod(r)
	if err != nil {
		return err
	}
	id, reason := store.AccountID(chi.URLParam(r, "id")), postedReason(form)
	var done Reset
	if method == "" {
		done, err = h.service.ResetFactors(r.Context(), actorOf(r), id, reason)
	} else {
		done, err = h.service.ResetFactor(r.Context(), actorOf(r), id, method, reason)
	}
	if err == nil {
		return web.SeeOther(w, r, resetURL(done.ID))
	}
	texts, ok := h.fieldErrors(web.Lang(r), err)
	if !ok {
		return answer(err)
	}
	actor, a, err := h.account(r)
	if err != nil {
		return err
	}
	v, err := h.resetView(r, actor, a, method, reason)
	if err != nil {
		return err
	}
	v.Errors = texts
	return h.templates.AccountReset.Render(w, http.StatusUnprocessableEntity, h.frame(w, r, navOf(a.Kind)), v)
}

// partyName is what people call a relying party; its client_id where it was deleted.
func partyName(name *string, id string) string {
	if name == nil {
		return id
	}
	return *name
}

// notice shows a message and what became of it, its address as the actor may see it.
func (h *Handler) notice(actor Actor, m store.ListNoticesOfFormRow) templates.Notice {
	n := templates.Notice{
		To: seenAddress(actor, Account{}, templates.KindEmail, m.Recipient), State: m.State, Reply: m.Reply, Tries: int(m.Attempts),
	}
	if m.Channel == delivery.ChannelPush {
		n.To, n.Party = partyName(m.Party, m.Recipient), true
	}
	if !actor.rights().has(maySeeAddresses) {
		n.Reply = redact(n.Reply)
	}
	n.DoneAt, _ = h.at(m.FinishedAt)
	return n
}

// ticketState shows how an account stands with tickets; nil where none is needed.
func (h *Handler) ticketState(actor Actor, a Account, s mfa.TicketStatus) *templates.TicketState {
	if !s.Demanded {
		return nil
	}
	page := accountURL(a.ID) + "/two-factor/ticket"
	v := templates.TicketState{DoneAction: page + "/done", Live: s.Live, Spent: s.Spent, ExpiresAt: templates.Time(s.ExpiresAt, h.zone)}
	if s.Code != "" {
		v.Code = mfa.FormatTicket(s.Code)
	}
	if mayChangeOther(actor, a, mayReset) {
		v.NewURL = page
	}
	if m := s.Mail; m != nil {
		n := h.notice(actor, store.ListNoticesOfFormRow{
			Recipient: m.Recipient, State: m.State, Reply: m.Reply, Attempts: m.Attempts, FinishedAt: m.FinishedAt,
		})
		v.Mail = &n
	}
	return &v
}

// getResetDone shows what a reset did and what became of its notices.
func (h *Handler) getResetDone(w http.ResponseWriter, r *http.Request) error {
	actor, id := actorOf(r), store.ResetID(chi.URLParam(r, "id"))
	report, err := h.service.ResetReport(r.Context(), actor, id)
	if err != nil {
		return answer(err)
	}
	a, rec := report.Account, report.Record
	v := templates.ResetDoneView{
		Who: who(a, false), BackURL: accountURL(a.ID) + "/two-factor", By: report.ActorName, Method: report.Method, SetUp: rec.SetUp,
		Factors: rec.Factors, Left: rec.Left, Codes: rec.Codes, Devices: rec.Devices, Sessions: rec.Sessions, Attempts: rec.Attempts,
		RefreshURL: resetURL(id), Ticket: h.ticketState(actor, a, report.Ticket),
		At: templates.TimeSeconds(report.CreatedAt, h.zone), ISO: templates.ISO(report.CreatedAt, h.zone),
	}
	if v.Ticket != nil {
		v.Ticket.RefreshURL = v.RefreshURL
	}
	for _, c := range rec.Clients {
		v.Clients = append(v.Clients, templates.HeldClient{Name: c.Name, RefreshTokens: c.RefreshTokens})
	}
	for _, m := range report.Notices {
		v.Notices = append(v.Notices, h.notice(actor, m))
	}
	return h.templates.ResetDone.Render(w, http.StatusOK, h.frame(w, r, navOf(a.Kind)), v)
}

// renderTicket shows how an account stands with tickets, and the form for another one.
func (h *Handler) renderTicket(w http.ResponseWriter, r *http.Request, status int, f templates.Frame, actor Actor, a Account, by string, errs map[string]string) error {
	state, err := h.service.TicketStatus(r.Context(), actor, a)
	if err != nil {
		return answer(err)
	}
	page := accountURL(a.ID) + "/two-factor"
	v := templates.TicketIssueView{
		Action: page + "/ticket", BackURL: page, Who: who(a, false), Handover: by,
		Mail: seenAddress(actor, Account{}, templates.KindEmail, a.RegisteredEmail), Errors: errs,
	}
	if shown := h.ticketState(actor, a, state); shown != nil {
		v.Needed, v.State = true, *shown
		v.State.NewURL = "" // the form is on this page
	}
	if a.Guarded {
		v.AskURL = askURL(a.ID, ActTicket, "")
	}
	return h.templates.AccountTicket.Render(w, status, f, v)
}

func (h *Handler) getTicket(w http.ResponseWriter, r *http.Request) error {
	actor, a, err := h.changeable(r)
	if err != nil {
		return err
	}
	f, d := h.formFrame(w, r, navOf(a.Kind))
	return h.renderTicket(w, r, http.StatusOK, f, actor, a, d.or(FieldHandover, ""), nil)
}

func (h *Handler) postTicket(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	id, by := store.AccountID(chi.URLParam(r, "id")), form.Get(FieldHandover)
	page := accountURL(id) + "/two-factor/ticket"
	_, err = h.service.IssueTicket(r.Context(), actorOf(r), id, mfa.Handover(by))
	switch {
	case err == nil:
		return h.done(w, r, templates.FlashTicketIssued, page)
	case errors.Is(err, mfa.ErrNoTicketDemanded): // a page from before the person set a factor up
		return h.done(w, r, templates.FlashUnchanged, page)
	}
	texts, ok := h.fieldErrors(web.Lang(r), err)
	if !ok {
		return answer(err)
	}
	actor, a, err := h.account(r)
	if err != nil {
		return err
	}
	return h.renderTicket(w, r, http.StatusUnprocessableEntity, h.frame(w, r, navOf(a.Kind)), actor, a, by, texts)
}

func (h *Handler) postTicketDone(w http.ResponseWriter, r *http.Request) error {
	id := store.AccountID(chi.URLParam(r, "id"))
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	if err := h.service.ForgetTicket(r.Context(), actorOf(r), id); err != nil {
		return answer(err)
	}
	return web.SeeOther(w, r, accountURL(id)+"/two-factor/ticket")
}

// resetDetails says what the form of a reset said besides the reason, and how a ticket was handed over.
func (h *Handler) resetDetails(lang templates.Lang, data map[string]string) []string {
	var parts []string
	for check := range strings.FieldsSeq(data["checked"]) {
		parts = append(parts, h.templates.T(lang, "admin.reset.check."+check))
	}
	if number := data["inquiry"]; number != "" {
		parts = append(parts, h.templates.T(lang, "admin.reset.inquiry")+" "+number)
	}
	if note := data["note"]; note != "" {
		parts = append(parts, note)
	}
	if by := data["ticket"]; by != "" {
		parts = append(parts, h.templates.T(lang, "admin.reset.handover_"+by))
	}
	return parts
}
