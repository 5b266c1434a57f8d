package walk_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/store"
)

// What staff hand over: a pass takes the place of the second factor once, and a ticket lets an account that was reset set one up. Neither
// proves anything.
const (
	pass   = "pass"
	ticket = "ticket"
)

// spareLife is how long both are good.
const spareLife = 30 * time.Minute

// spare is a pass or a ticket.
type spare struct {
	person     *person
	kind, code string
	at         time.Time
	events     int
	dead       bool
}

// settleReenrolment draws whether accounts that were reset need a ticket.
func (w *walk) settleReenrolment() {
	var changes []admin.EnforcementChange
	for _, id := range []string{"store", "admin"} {
		c := admin.EnforcementChange{Surface: id, Former: w.surfaces[id].enforced, Enforced: w.surfaces[id].enforced, Reenrol: store.ReenrolOpen}
		if w.flip(id + " wants tickets") {
			c.Reenrol = store.ReenrolByTicket
		}
		changes = append(changes, c)
	}
	_, err := w.Admin.SetEnforcement(w.ctx, admin.System(), changes)
	w.must(err)
}

// issuePass lets staff hand over a pass, if the account may have one.
func (w *walk) issuePass(p *person, reason admin.Reason) (*spare, error) {
	made, err := w.Admin.IssuePass(w.ctx, admin.System(), p.id, int(spareLife/time.Minute), reason)
	if errors.Is(err, admin.ErrNoPass) || errors.Is(err, admin.ErrNotDemanded) {
		return nil, nil
	}
	if err == nil && !w.surfaces["store"].enforced && !p.use {
		w.fail("a pass for %s, of whom nothing is demanded", p.name)
	}
	return &spare{person: p, kind: pass, code: made.Code}, err
}

// issueTicket lets staff hand over another ticket, if the account needs one.
func (w *walk) issueTicket(p *person) (*spare, error) {
	made, err := w.Admin.IssueTicket(w.ctx, admin.System(), p.id, mfa.HandoverStaff)
	if errors.Is(err, mfa.ErrNoTicketDemanded) {
		return nil, nil
	}
	return &spare{person: p, kind: ticket, code: made.Code}, err
}

// handOver notes what staff issued once everything else of it was looked at. Now and then it is the thief who has talked to them.
func (w *walk) handOver(s *spare) {
	for _, former := range w.spares {
		if former.person == s.person && former.kind == s.kind {
			former.dead = true
		}
	}
	s.at, s.events = w.now(), s.person.events
	w.spares = append(w.spares, s)
	h := w.owner(s.person)
	if w.rarely(4, "the thief gets it") {
		h = w.humans[1]
	}
	h.spares = append(h.spares, s)
	w.tally[s.kind+" issued"]++
}

// letThrough lets staff hand over what a customer needs, who then signs in anew.
func (w *walk) letThrough() {
	p := pick(w, "customer", w.people[:2])
	issue := func() (*spare, error) { return w.issuePass(p, admin.Reason{Text: "walk", IdentityChecked: true}) }
	if p.held.account.TicketDemandedAt != nil {
		issue = func() (*spare, error) { return w.issueTicket(p) }
	}
	given, err := issue()
	w.must(err)
	w.afterStaff(p, may{})
	if given == nil {
		return
	}
	w.handOver(given)
	b := w.browsers[slices.IndexFunc(w.browsers, func(b *browser) bool { return b.human == w.owner(p) })]
	c := w.follow(w.get(b, w.clients["store"].AuthorizeURL("prompt", "login"), may{}))
	if f := w.flow(c.page.Flow()); f != nil {
		w.goThrough(b, f)
	}
}

// spareOf is the latest pass or ticket that a human has for an account; nil for none.
func (h *human) spareOf(p *person, kind string) *spare {
	for _, s := range slices.Backward(h.spares) {
		if s.person == p && s.kind == kind {
			return s
		}
	}
	return nil
}

// needsTicket reports whether nothing may be set up in a sign-in before a ticket was typed into it.
func (p *person) needsTicket(l proofs) bool {
	return p.held.account.TicketDemandedAt != nil && len(l.by(ticket)) == 0
}

// typeSpare types a pass or a ticket into a sign-in: that of the account, if the human has one, or another, or nobody's.
func (w *walk) typeSpare(b *browser, f *flow, kind string, careless bool) *call {
	code, m := "31415926", may{}
	if f.person != nil {
		if s := b.human.spareOf(f.person, kind); s != nil {
			code = s.code
		}
	}
	if careless && len(b.human.spares) > 0 {
		code = pick(w, "spare", b.human.spares).code
	}
	for _, s := range w.spares {
		good := s.code == code && s.kind == kind && s.person == f.person && !s.dead && s.events == s.person.events && w.now().Sub(s.at) < spareLife
		if kind == pass && good {
			good = f.surface.id == "store" && f.opening.asked <= oneFactor && !f.opening.change
		}
		if kind == ticket && good {
			good = s.person.held.account.TicketDemandedAt != nil && len(s.person.held.factors) == 0
		}
		if good && w.holds(b, f) {
			m.of, m.accept, m.then = s.person, &proof{method: kind, at: w.now()}, func(*call) { s.dead = true }
		}
	}
	path := map[string]string{pass: "/signin/challenge/pass", ticket: "/signin/ticket"}[kind]
	return w.post(b, f.at(path), "a "+kind, url.Values{"code": {code}}, m)
}

// onPass reports whether nothing but a pass lets a grant be: such a one ends with the session, a day after it began at the latest.
func (g *grant) onPass() bool { return len(g.proofs.by(pass)) > 0 && g.proofs.reach() <= oneFactor }

// outlives refuses that what rests on a pass is good for longer than the session that it opened.
func (w *walk) outlives(g *grant, status int) {
	if status == http.StatusOK && g.onPass() && w.now().Sub(g.at) >= absoluteLimit(g.person.kind) {
		w.fail("%s of %s rests on a pass, and is good for longer than its session", g.name, g.person.name)
	}
}
