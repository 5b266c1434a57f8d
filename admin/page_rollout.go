package admin

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

const rolloutPath = templates.PathSettings + "/rollout"

func rolloutURL(surface string) string { return rolloutPath + "/" + url.PathEscape(surface) }

// mountRollout adds the pages of the way to enforcement.
func (h *Handler) mountRollout(get mountPage, form mountForm, pages formPages) {
	const at = rolloutPath + "/{surface}"
	get(at, h.getRollout)
	get(at+"/accounts", h.getConcerned)
	get(at+"/accounts.csv", h.getConcernedFile)
	form(at+"/announce", h.getAnnounce, h.postAnnounce)
	// The forms of these are on the page itself.
	parent := func(r *http.Request) string { return rolloutURL(chi.URLParam(r, "surface")) }
	back := func(w http.ResponseWriter, r *http.Request) error { return web.SeeOther(w, r, parent(r)) }
	for path, save := range map[string]web.HandlerFunc{"grace": h.postGrace, "withdraw": h.postWithdraw, "lift": h.postLift} {
		pages[at+"/"+path] = parent
		form(at+"/"+path, back, save)
	}
}

func (h *Handler) getRollout(w http.ResponseWriter, r *http.Request) error {
	f, d := h.formFrame(w, r, templates.NavSettings)
	return h.renderRollout(w, r, f, http.StatusOK, d.or, nil)
}

// renderRollout shows how far a surface is; typed has what was typed into its field, or what the page would show otherwise.
func (h *Handler) renderRollout(
	w http.ResponseWriter, r *http.Request, f templates.Frame, status int, typed func(field, stored string) string, errs map[string]string,
) error {
	actor := actorOf(r)
	ro, err := h.service.Rollout(r.Context(), actor, chi.URLParam(r, "surface"))
	if err != nil {
		return answer(err)
	}
	here := rolloutURL(ro.ID)
	v := templates.RolloutView{
		BackURL: templates.PathSettings, ID: ro.ID, Enforced: ro.Enforced,
		Stopped: int(ro.Count.Stopped()), NoMethod: int(ro.Count.Unset), Unreachable: int(ro.Count.Unreachable), Unusable: int(ro.Count.Unusable),
		Seen: int(ro.Count.Seen), Never: int(ro.Count.Never), CountedAt: templates.TimeSeconds(ro.CountedAt, h.zone),
		ReadOnly: !actor.rights().has(mayEnforce), GraceAction: here + "/grace", GraceFormer: strconv.Itoa(ro.GraceDays), GraceDays: ro.GraceDays,
		Errors: errs,
	}
	v.Grace = typed(FieldGrace, v.GraceFormer)
	v.Since, _ = h.at(ro.Since)
	if ro.Kind != account.KindOperator || actor.rights().has(mayManageOperators) {
		v.ListURL = here + "/accounts"
		if !v.ReadOnly {
			v.DownloadURL = here + "/accounts.csv"
		}
	}
	if ro.Announced != nil && !ro.Enforced {
		v.Announced, v.WithdrawAction = templates.Date(*ro.Announced, h.zone), here+"/withdraw"
	}
	if a := ro.Announcement; a != nil {
		v.Mails = &templates.RolloutMails{Running: a.FinishedAt == nil, Mailed: int(a.Mailed), Skipped: int(a.Skipped), Of: int(a.Total)}
		v.Mails.At, v.Mails.ISO = h.at(&a.CreatedAt)
		if v.Mails.Running {
			v.WithdrawAction = here + "/withdraw"
		}
	}
	if ro.Enforced {
		v.LiftAction = here + "/lift"
	} else {
		v.AnnounceURL = here + "/announce"
		if v.EnforceURL, err = h.enforceURL(r, ro.ID); err != nil {
			return answer(err)
		}
	}
	return h.templates.Rollout.Render(w, status, f, v)
}

// enforceURL leads to the confirmation (M10) that enforces one surface and leaves the others as they are.
func (h *Handler) enforceURL(r *http.Request, surface string) (string, error) {
	surfaces, err := h.service.Enforcement(r.Context(), actorOf(r))
	if err != nil {
		return "", err
	}
	q := url.Values{}
	for _, s := range surfaces {
		q.Set(s.ID, onOff(s.Enforced || s.ID == surface))
	}
	return confirmPath + "?" + q.Encode(), nil
}

func (h *Handler) postGrace(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	surface := chi.URLParam(r, "surface")
	days, former := daysOf(form.Get(FieldGrace)), daysOf(form.Get("former"))
	changed, err := h.service.SetGrace(r.Context(), actorOf(r), surface, former, days)
	if err == nil {
		return h.done(w, r, savedOr(changed), rolloutURL(surface))
	}
	f := h.frame(w, r, templates.NavSettings)
	f.Path = rolloutURL(surface)
	texts, ok := h.fieldErrors(f.Lang, err)
	if !ok {
		return answer(err)
	}
	return h.renderRollout(w, r, f, http.StatusUnprocessableEntity, func(field, _ string) string { return form.Get(field) }, texts)
}

// daysOf reads a number of days; what is none is one that the service takes for nothing.
func daysOf(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return -1
	}
	return n
}

func (h *Handler) postWithdraw(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	surface := chi.URLParam(r, "surface")
	changed, err := h.service.WithdrawAnnouncement(r.Context(), actorOf(r), surface)
	if err != nil {
		return answer(err)
	}
	flash := templates.FlashUnchanged
	if changed {
		flash = templates.FlashWithdrawn
	}
	return h.done(w, r, flash, rolloutURL(surface))
}

// postLift takes enforcement back with one press.
func (h *Handler) postLift(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	surface := chi.URLParam(r, "surface")
	changed, err := h.service.SetEnforcement(r.Context(), actorOf(r), []EnforcementChange{{Surface: surface, Former: true}})
	if err != nil {
		return answer(err)
	}
	flash := templates.FlashUnchanged
	if changed {
		flash = templates.FlashLifted
	}
	return h.done(w, r, flash, rolloutURL(surface))
}

func (h *Handler) getAnnounce(w http.ResponseWriter, r *http.Request) error {
	if !actorOf(r).rights().has(mayEnforce) {
		return answer(ErrForbidden)
	}
	f, d := h.formFrame(w, r, templates.NavSettings)
	return h.renderAnnounce(w, r, f, http.StatusOK, d.or(FieldDate, ""), nil)
}

func (h *Handler) renderAnnounce(w http.ResponseWriter, r *http.Request, f templates.Frame, status int, date string, errs map[string]string) error {
	ro, err := h.service.Rollout(r.Context(), actorOf(r), chi.URLParam(r, "surface"))
	if err != nil {
		return answer(err)
	}
	today := h.now()
	return h.templates.RolloutAnnounce.Render(w, status, f, templates.RolloutAnnounceView{
		Action: rolloutURL(ro.ID) + "/announce", BackURL: rolloutURL(ro.ID), ID: ro.ID, Accounts: int(ro.Count.Stopped()), Date: date,
		First: templates.Date(today, h.zone), Last: templates.Date(today.AddDate(1, 0, 0), h.zone), Errors: errs,
	})
}

func (h *Handler) postAnnounce(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(w, r)
	if err != nil {
		return err
	}
	surface := chi.URLParam(r, "surface")
	err = h.service.Announce(r.Context(), actorOf(r), surface, h.day(form.Get(FieldDate)))
	if err == nil {
		return h.done(w, r, templates.FlashAnnounced, rolloutURL(surface))
	}
	f := h.frame(w, r, templates.NavSettings)
	texts, ok := h.fieldErrors(f.Lang, err)
	if !ok || errors.Is(err, ErrConflict) {
		return answer(err)
	}
	return h.renderAnnounce(w, r, f, http.StatusUnprocessableEntity, form.Get(FieldDate), texts)
}

func (h *Handler) getConcerned(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r)
	if err != nil {
		return err
	}
	actor, surface := actorOf(r), chi.URLParam(r, "surface")
	page, err := h.service.ListConcerned(r.Context(), actor, surface, keyAfter(query))
	if err != nil {
		return answer(err)
	}
	here := rolloutURL(surface)
	v := templates.RolloutAccountsView{BackURL: here, ID: surface, Operators: page.Surface.AccountKind == account.KindOperator}
	if actor.rights().has(mayEnforce) {
		v.DownloadURL = here + "/accounts.csv"
	}
	for _, row := range page.Rows {
		line := templates.RolloutRow{
			URL: accountURL(row.ID), Name: row.DisplayName, LoginID: row.LoginID, Customer: text(row.CustomerName), Group: text(row.GroupName),
			Kind: text(row.MainFactor), Use: row.TwoFactor == store.TwoFactorUse,
			Undeliverable: row.Undeliverable,
		}
		line.LastSignIn, line.LastSignISO = h.at(row.LastSignInAt)
		line.GraceUntil = h.graceText(page.Surface, row)
		v.Rows = append(v.Rows, line)
	}
	v.Pager = pager(here+"/accounts", nil, query, keyCursor(page.Next))
	return h.templates.RolloutAccounts.Render(w, http.StatusOK, h.frame(w, r, templates.NavSettings), v)
}

// graceText is until when an account may put its set-up off, where its days have begun under this enforcement.
func (h *Handler) graceText(surface store.Surface, row store.ListConcernedRow) string {
	if !graced(surface, row) {
		return ""
	}
	text, _ := h.at(row.GraceUntil)
	return text
}

// getConcernedFile answers the whole list as a file, as it is read.
func (h *Handler) getConcernedFile(w http.ResponseWriter, r *http.Request) error {
	surface := chi.URLParam(r, "surface")
	return answer(sendFile(w, download{
		kind: kindCSV + "; charset=utf-8; header=present", name: "futakagi-" + surface + "-" + h.now().In(h.zone).Format("20060102") + ".csv",
		write: func(to io.Writer) error { return h.service.writeConcerned(r.Context(), actorOf(r), surface, to) },
	}))
}
