package mfa

import (
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func (h *Handler) getSecurity(q sessionRequest) error {
	o, err := h.service.Overview(q.r.Context(), q.session.ID)
	if err != nil {
		return err
	}
	return h.templates.Security.Render(q.w, http.StatusOK, h.selfFrame(q), h.securityView(q, o))
}

func (h *Handler) securityView(q sessionRequest, o Overview) templates.SecurityView {
	v := templates.SecurityView{
		BackURL:       h.templates.Brand().MyPageURL,
		Company:       o.Company,
		Name:          o.Account.DisplayName,
		LoginID:       o.Account.LoginID,
		On:            o.Required && o.Status.SetUp(),
		Enforced:      o.Enforced,
		Announced:     templates.Date(o.Announced, h.zone),
		GraceUntil:    templates.Time(o.GraceUntil, h.zone),
		BackupLeft:    o.Status.BackupCodesLeft,
		BackupIssued:  templates.Date(o.Status.BackupIssuedAt, h.zone),
		PasswordURL:   q.at.base + selfPassword,
		SignOutAction: pathSignOut,
	}
	if q.at.kind == web.Operator {
		v.BackURL, v.SignOutAction = pathConsole, pathOperatorSignOut
	}
	for _, m := range o.Methods {
		v.Methods = append(v.Methods, h.methodLine(q, o, m))
	}
	if len(o.Status.Factors) > 1 {
		v.OrderURL = q.at.base + selfOrder
	}
	if o.Status.SetUp() {
		v.BackupURL = q.at.base + selfCodes
	}
	v.Devices, v.OffersTrust = h.deviceLines(q, o.Status.Devices), o.OffersTrust
	if len(v.Devices) > 1 {
		v.RemoveDevicesURL = q.at.base + selfRemoveDevices
	}
	if o.Status.Drift {
		for _, f := range o.Status.Factors {
			if f.Kind == string(signin.Email) {
				v.DriftTo = mask(signin.Email, f.Address)
			}
		}
	}
	for _, s := range o.Sessions {
		line := templates.SecuritySession{
			Browser:    browserName(s.UserAgent),
			Current:    s.ID == o.Current,
			SignedInAt: templates.Time(s.CreatedAt, h.zone), SignedISO: templates.ISO(s.CreatedAt, h.zone),
			SeenAt: templates.Time(s.SeenAt, h.zone), SeenISO: templates.ISO(s.SeenAt, h.zone),
			Address: s.ClientAddress,
		}
		if !line.Current {
			line.EndAction = q.at.base + "/sessions/" + string(s.ID) + "/end"
		}
		v.Sessions = append(v.Sessions, line)
	}
	if len(o.Sessions) > 1 {
		v.EndOthersAction = q.at.base + selfEndOthers
	}
	v.Apps = h.appLines(q, o.Apps)
	for _, e := range o.Events {
		v.Activities = append(v.Activities, h.activity(o.Account, e))
	}
	return v
}

// methodLine describes one method of the page.
func (h *Handler) methodLine(q sessionRequest, o Overview, m signin.Method) templates.SecurityMethod {
	line := templates.SecurityMethod{Kind: string(m)}
	if slices.Contains(o.Settable, m) {
		line.URL = q.at.base + "/" + string(m)
	}
	for _, f := range o.Status.Factors {
		if f.Kind != string(m) {
			continue
		}
		line.Bounced = !f.BouncedAt.IsZero()
		line.Set, line.Main, line.Disabled, line.Address = true, f.Main, f.Disabled, mask(m, f.Address)
		line.VerifiedAt, line.VerifiedISO = templates.Time(f.VerifiedAt, h.zone), templates.ISO(f.VerifiedAt, h.zone)
		line.RemoveURL = q.at.base + "/" + string(m) + "/remove"
		if m == signin.Passkey {
			line.VerifiedAt, line.VerifiedISO = "", ""
			for _, p := range o.Status.Passkeys {
				used := ""
				if !p.LastUsedAt.IsZero() {
					used = templates.Date(p.LastUsedAt, h.zone)
				}
				line.Passkeys = append(line.Passkeys, templates.PasskeyLine{Name: p.Name, UsedAt: used})
			}
		}
	}
	return line
}

// activity describes one event of an account to its owner. Where staff sat when they did something is not the owner's business.
func (h *Handler) activity(acc store.Account, e store.AuditEvent) templates.Activity {
	v := templates.Activity{
		Event: e.Type, OK: e.Result == string(audit.Success),
		At: templates.Time(e.At, h.zone), ISO: templates.ISO(e.At, h.zone),
	}
	staff := e.ActorKind == string(audit.ByOperator) || e.ActorKind == string(audit.BySystem)
	if v.ByStaff = staff && e.ActorID != string(acc.ID); !v.ByStaff {
		v.Browser, v.FromAddress = browserName(e.UserAgent), e.ClientAddress
	}
	return v
}

// getChangeAddress shows the two-step page of a method that sends codes, with the address in force filled in.
func (h *Handler) getChangeAddress(method signin.Method) func(sessionRequest) error {
	return func(q sessionRequest) error {
		return h.renderChangeAddress(q, http.StatusOK, Address{Method: method}, nil)
	}
}

func (h *Handler) postChangeAddress(method signin.Method) func(sessionRequest) error {
	return func(q sessionRequest) error {
		form, err := web.ParseForm(q.w, q.r)
		if err != nil {
			return err
		}
		ctx, lang := q.r.Context(), web.Lang(q.r)
		to := typedAddress(method, form)
		if form.Get("do") == "verify" {
			var done Changed
			done, err = h.service.VerifyChangeCode(ctx, q.session.ID, to, form.Get("code"), lang)
			if err == nil {
				set, replaced := templates.FlashEmailSet, templates.FlashEmailChanged
				if method == signin.SMS {
					set, replaced = templates.FlashSMSSet, templates.FlashSMSChanged
				}
				return h.changed(q, done, set, replaced)
			}
		} else if err = h.service.SendChangeCode(ctx, q.session.ID, to, lang); err == nil {
			return web.SeeOther(q.w, q.r, q.r.URL.Path)
		}
		errs, ok := h.codeErrors(lang, method, err)
		if !ok {
			return err
		}
		return h.renderChangeAddress(q, http.StatusUnprocessableEntity, to, errs)
	}
}

// changed hands the browser its session's new token and says what was done: a method was set up, or replaced. Backup codes that
// came with the account's first method are shown next.
func (h *Handler) changed(q sessionRequest, done Changed, set, replaced string) error {
	web.SetSessionCookie(q.w, q.session.Kind, done.Token)
	if done.Replaced {
		set = replaced
	}
	h.kit.SetFlash(q.w, set)
	if done.First {
		return web.SeeOther(q.w, q.r, q.at.base+selfCodes)
	}
	return web.SeeOther(q.w, q.r, q.at.base)
}

func (h *Handler) renderChangeAddress(q sessionRequest, status int, typed Address, errs web.FieldErrors) error {
	state, err := h.service.AddressChange(q.r.Context(), q.session.ID, typed.Method)
	if err != nil {
		return err
	}
	f := h.selfFrame(q)
	if typed.Method == signin.SMS {
		if status == http.StatusOK && state.Current != "" {
			typed.Country, typed.Text = splitPhone(state.Current)
		}
		v := h.smsView(f.Lang, status, state.Sending, typed, errs)
		v.Action, v.Change, v.BackURL = q.r.URL.Path, state.Current != "", q.at.base
		return h.templates.SMSSetup.Render(q.w, status, f, v)
	}
	if status == http.StatusOK {
		typed.Text = state.Current
	}
	v := h.emailView(f.Lang, status, state.Sending, typed.Text, errs)
	v.Action, v.Change, v.BackURL = q.r.URL.Path, true, q.at.base
	return h.templates.EmailSetup.Render(q.w, status, f, v)
}

func (h *Handler) postEndSession(q sessionRequest) error {
	if err := web.Pressed(q.w, q.r); err != nil {
		return err
	}
	id := chi.URLParam(q.r, "id")
	if !store.ValidID(id) {
		return web.NotFound(nil)
	}
	if err := h.service.EndSession(q.r.Context(), q.session.ID, store.SessionID(id)); err != nil {
		return err
	}
	h.kit.SetFlash(q.w, templates.FlashSessionEnded)
	return web.SeeOther(q.w, q.r, q.at.base)
}

func (h *Handler) postEndOtherSessions(q sessionRequest) error {
	if err := web.Pressed(q.w, q.r); err != nil {
		return err
	}
	if err := h.service.EndOtherSessions(q.r.Context(), q.session.ID); err != nil {
		return err
	}
	h.kit.SetFlash(q.w, templates.FlashSessionsEnded)
	return web.SeeOther(q.w, q.r, q.at.base)
}
