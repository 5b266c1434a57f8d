package walk_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// staff do something to an account or a surface, as whoever runs the command line may.
func (w *walk) staff() {
	p := pick(w, "account", w.people)
	system, reason := admin.System(), admin.Reason{Text: "walk", IdentityChecked: true}
	var err error
	var given *spare
	m, what := may{of: p, fully: true}, ""
	do := pick(w, "staff", []string{"switch", "reset", "reset one", "enforcement", "policy", "disable", "password", "remove devices", "exempt", "exempt", "take back", pass, pass, ticket})
	if p.disabled && w.flip("enable") {
		do = "disable"
	}
	switch do {
	case "switch":
		to := pick(w, "to", []string{store.TwoFactorUse, store.TwoFactorDontUse})
		what = "switch of " + p.name + " to " + to
		if to == store.TwoFactorDontUse && w.surfaces[p.surface()].enforced {
			if _, err := w.Admin.SetTwoFactor(w.ctx, system, p.id, "", to); err == nil {
				w.fail("%s, which is enforced (M11, I16)", what)
			}
			m = may{}
			break
		}
		if _, err = w.Admin.SetTwoFactor(w.ctx, system, p.id, "", to); (to == store.TwoFactorUse) != p.use {
			w.afterReset(p)
		}
	case "reset":
		what = "reset of " + p.name
		var done admin.Reset
		if done, err = w.Admin.ResetFactors(w.ctx, system, p.id, reason); done.Ticket != nil {
			given = &spare{person: p, kind: ticket, code: done.Ticket.Code}
		}
		w.afterReset(p)
	case "reset one":
		method := pick(w, "method", methods)
		what = "reset of " + p.name + "'s " + method
		_, err = w.Admin.ResetFactor(w.ctx, system, p.id, signin.Method(method), reason)
		w.afterResetOf(p, method)
	case "enforcement", "policy":
		id := pick(w, "surface", []string{"store", "admin"})
		s := w.surfaces[id]
		enforced, to := s.enforced, policy{allowed: s.allowed, level: s.level, trustDays: s.trustDays}
		if do == "enforcement" {
			enforced = !enforced
		} else {
			to = w.drawPolicy(id, false)
		}
		w.settleSurface(id, enforced, to)
		what, m = "now "+s.String(), may{}
	case "disable":
		what = fmt.Sprintf("%s disabled: %v", p.name, !p.disabled)
		_, err = w.Admin.SetDisabled(w.ctx, system, p.id, !p.disabled)
		w.voidLinks(p)
	case "password":
		word := fmt.Sprintf("amber meadow compass %d %d", len(w.secrets), p.events)
		what, m.password = "another password for "+p.name, word
		err = w.Admin.SetPassword(w.ctx, system, p.id, word)
		w.owner(p).passwords[p] = word
		w.secret(word, "a password that staff set")
	case "exempt":
		if w.exempt(p) {
			what = "exemption of " + p.name + " ended"
			_, err = w.Admin.EndExemption(w.ctx, system, p.id, time.Time{})
			break
		}
		what = p.name + " exempt"
		if _, err = w.Admin.GrantExemption(w.ctx, system, p.id, 2, reason); errors.Is(err, admin.ErrNotDemanded) {
			m, err = may{}, nil
		}
	case pass:
		what = "a pass for " + p.name
		given, err = w.issuePass(p, reason)
	case ticket:
		what = "a ticket for " + p.name
		given, err = w.issueTicket(p)
	case "take back":
		what = "consent of " + p.name + " taken back"
		m, err = w.staffTakeBack(p)
	case "remove devices":
		what = "devices of " + p.name + " removed"
		_, err = w.Admin.RemoveDevices(w.ctx, system, p.id)
	}
	w.must(err)
	w.t.Logf("staff: %s", what)
	w.afterStaff(p, m)
	if given != nil {
		w.handOver(given)
	}
}

// afterStaff looks at what staff did, and that nothing of the account that was handed out before still works (I11).
func (w *walk) afterStaff(p *person, m may) {
	w.arriveQuietly()
	w.look(nil, m)
	for _, g := range w.grants {
		if g.person == p {
			w.checkTokens(g)
		}
	}
}

// afterReset takes notice of what a reset clears besides the rows of factors.
func (w *walk) afterReset(p *person) {
	p.tries = map[string]*tries{}
	w.voidLinks(p)
}

// afterResetOf is afterReset for one method, which takes everything with it if there is no other.
func (w *walk) afterResetOf(p *person, method string) {
	switch _, has := p.held.factors[method]; {
	case !has:
	case len(p.held.factors) == 1:
		w.afterReset(p)
	case method == email:
		w.voidLinks(p)
		fallthrough
	default:
		delete(p.tries, "code")
	}
}

// owner is the human whose account it is.
func (w *walk) owner(p *person) *human { return w.humans[slices.Index(w.people, p)] }

// arriveQuietly reads mails that nobody's request in a browser caused.
func (w *walk) arriveQuietly() {
	w.arrive(&call{b: w.browsers[0], url: &url.URL{Path: "staff"}, what: "staff"})
}

// console lets the operator do something in the console, freshly proved or not (I13).
func (w *walk) console() {
	b, olga := w.browsers[len(w.browsers)-1], w.people[2]
	s := w.sessionOf(b, account.KindOperator)
	if s == nil || w.rarely(4, "sign in") {
		w.follow(w.get(b, "/signin/start?to=%2Fadmin&fresh=1", may{}))
		for _, f := range slices.Backward(w.flows) {
			if w.holds(b, f) {
				w.goThrough(b, f)
				break
			}
		}
	}
	if s = w.sessionOf(b, account.KindOperator); s == nil {
		return
	}
	p := pick(w, "account", w.people)
	m := may{}
	if w.fresh(s) == nil && s.person == olga {
		m = may{of: p, fully: true}
	}
	at := "/admin/accounts/" + string(p.id)
	before := p.held
	var path string
	form, after := url.Values{}, func() {}
	do := pick(w, "console", []string{"switch", "reset", "reset one", "devices", "state", "password", "enforcement", "policy"})
	if p == olga && do != "password" && do != "enforcement" && do != "policy" {
		m = may{} // nobody does that to their own account
	}
	switch do {
	case "switch":
		path, form = at+"/two-factor", url.Values{"use": {pick(w, "to", []string{"on", "off"})}, "version": {before.account.TwoFactor}}
		if form.Get("use") == "off" && w.surfaces[p.surface()].enforced {
			m = may{}
		}
		after = func() { w.afterReset(p) }
	case "reset":
		path, form = at+"/two-factor/reset", url.Values{"reason": {"walk"}, "identity": {"yes"}}
		after = func() { w.afterReset(p) }
	case "reset one":
		method := pick(w, "method", methods)
		path, form = at+"/two-factor/reset/"+method, url.Values{"reason": {"walk"}, "identity": {"yes"}}
		held := p.held
		after = func() {
			p.held, held = held, p.held
			w.afterResetOf(p, method)
			p.held = held
		}
	case "devices":
		path = at + "/two-factor/devices"
	case "state":
		path, form = at+"/state", url.Values{"do": {map[bool]string{false: "disable", true: "enable"}[p.disabled]}}
		after = func() { w.voidLinks(p) }
	case "password":
		word := fmt.Sprintf("silver orchard beacon %d %d", len(w.secrets), p.events)
		w.secret(word, "a password that staff set")
		path, form = at+"/password", url.Values{"password": {word}}
		if m.fully {
			m.password = word
		}
		after = func() { w.owner(p).passwords[p] = word }
	case "enforcement":
		path = "/admin/settings/two-factor/confirm"
		for _, id := range []string{"store", "admin"} {
			on := map[bool]string{true: "on", false: "off"}
			form.Set(id+".former", on[w.surfaces[id].enforced])
			form.Set(id, on[w.flip("enforce "+id)])
		}
		m.of = nil
	case "policy":
		id := pick(w, "surface", []string{"store", "admin"})
		to := w.drawPolicy(id, false)
		row, err := w.DB.Read().GetSurface(w.ctx, id)
		w.must(err)
		path = "/admin/settings/methods/" + id + "/confirm"
		form.Set("version", strconv.FormatInt(row.UpdatedAt.UnixMicro(), 10))
		form.Set("level", acrs[to.level])
		if i := slices.Index([]level{byMail, twoFactors, phishingProof}, to.level); i >= 0 {
			form.Set("level", []string{"2fa-email", "2fa", "phr"}[i])
		}
		for _, method := range to.allowed {
			form.Set("allow-"+method, "yes")
		}
		if id == "store" {
			form.Set("days", strconv.Itoa(to.trustDays))
		}
		m.of = nil
	}
	c := w.post(b, path, do+" "+p.name, form, m)
	if c.page.Status == http.StatusSeeOther && p.held.account.CredentialEpoch != before.account.CredentialEpoch {
		after()
		w.tally["changes in the console"]++
	}
	w.afterStaff(p, may{})
}
