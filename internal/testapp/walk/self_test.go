package walk_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/store"
)

// change lets whoever sits in front of a session change the account's security settings, freshly proved or not.
func (w *walk) change(b *browser, s *session) {
	p := s.person
	at := p.security()
	m := may{}
	if w.fresh(s) == nil {
		m.of = p
	}
	var c *call
	switch do := pick(w, "change", []string{
		"set up", "set up", "remove", "order", "new codes", "codes saved", "end a session", "end others", "remove a device", "remove devices",
		"rename a passkey", "remove a passkey", "password", "look",
	}); do {
	case "set up":
		c = w.setUp(place{b: b, session: s}, pick(w, "method", methods), w.rarely(4, "carelessly"))
	case "remove":
		method := pick(w, "method", methods)
		if w.mayDo(p, method) {
			m.drop = []string{method}
		}
		c = w.post(b, at+"/"+method+"/remove", "", nil, m)
	case "order":
		order := slices.Clone(p.held.order)
		slices.Reverse(order)
		m.order = true
		c = w.post(b, at+"/order", "", url.Values{"order": {strings.Join(order, ".")}}, m)
	case "new codes", "codes saved":
		form := url.Values{}
		if do == "codes saved" {
			form.Set("saved", "yes")
		}
		m.renew = len(p.held.factors) > 0
		m.then = func(*call) { delete(p.tries, backup) }
		if c = w.post(b, at+"/backup-codes", do, form, m); m.of != nil {
			w.get(b, pick(w, "as", []string{at + "/backup-codes", at + "/backup-codes.txt"}), may{})
		}
	case "end a session":
		c = w.endOne(b, s)
	case "end others":
		m = may{}
		if w.opens(s) == nil {
			m = may{of: p, ends: true}
		}
		c = w.post(b, at+"/sessions/end-others", "", nil, m)
	case "remove a device":
		m.dropDevices = true
		c = w.post(b, at+"/devices/"+w.anyID("device", p)+"/remove", "", nil, m)
	case "remove devices":
		m.dropDevices = true
		c = w.post(b, at+"/devices/remove-all", "", nil, m)
	case "rename a passkey":
		id := w.anyID("passkey", p)
		m.rename = true
		c = w.post(b, at+"/passkey/"+id+"/rename", "", url.Values{"name-" + id: {pick(w, "name", []string{"one", "two"})}}, m)
	case "remove a passkey":
		id := w.anyID("passkey", p)
		if len(p.held.passkeys) > 1 {
			m.dropKey = store.PasskeyID(id)
		}
		c = w.post(b, at+"/passkey/"+id+"/remove", "", nil, m)
	case "password":
		c = w.changePassword(b, s, m)
	case "look":
		c = w.get(b, at+pick(w, "page", []string{"", "/email", "/sms", "/totp", "/passkey", "/backup-codes", "/order", "/email/remove", "/password"}), may{})
	}
	if c != nil {
		w.follow(c)
	}
}

// mayDo reports whether an account can do without a method: where two factors are demanded, another that would do must be left.
func (w *walk) mayDo(p *person, without string) bool {
	s := w.surfaces[p.surface()]
	return !s.enforced && !p.use || slices.ContainsFunc(p.held.order, func(m string) bool {
		return m != without && s.accepts(m) && secondLevel(m) >= s.level
	})
}

// anyID is the id of a device or passkey: one of the account's, if there is one, or of another account's.
func (w *walk) anyID(what string, p *person) string {
	whose := p
	if w.rarely(4, "another account's") {
		whose = pick(w, "whose", w.people)
	}
	var ids []string
	switch what {
	case "device":
		for _, d := range w.devices {
			if d.person == whose && !d.dead {
				ids = append(ids, d.id)
			}
		}
	case "passkey":
		for _, k := range whose.held.passkeys {
			ids = append(ids, string(k.ID))
		}
		slices.Sort(ids)
	}
	if len(ids) == 0 {
		return string(store.NewID[store.DeviceID]())
	}
	return pick(w, what, ids)
}

// endOne ends one of a person's sessions, or tries to end another person's.
func (w *walk) endOne(b *browser, s *session) *call {
	target := pick(w, "session", w.sessions)
	mine := !target.dead && target.person == s.person && w.opens(s) == nil
	c := w.post(b, s.person.security()+"/sessions/"+target.sid+"/end", target.name, nil, may{})
	if !mine || c.page.Status != http.StatusSeeOther {
		return c
	}
	w.endSession(target)
	for _, f := range w.flows {
		if f.person == s.person {
			f.dead = true
		}
	}
	return c
}

// changePassword gives the present password, if whoever sits there knows it, and a new one.
func (w *walk) changePassword(b *browser, s *session, m may) *call {
	p := s.person
	present, known := b.human.passwords[p]
	if !known || w.rarely(4, "guess") {
		present = "not the password"
	}
	next := "copper lagoon satchel " + string(store.NewID[store.RequestID]())
	w.secret(next, "a password that its owner chose")
	if present == p.password && m.of != nil {
		m.password = next
	}
	m.then = func(*call) {
		b.human.passwords[p] = next
		w.tally["passwords changed"]++
	}
	return w.post(b, p.security()+"/password", "", url.Values{"current": {present}, "password": {next}}, m)
}

// proveAnew lets whoever sits in front of a session prove everything once more.
func (w *walk) proveAnew(b *browser, s *session) {
	c := w.follow(w.get(b, "/signin/start?fresh=1&to="+url.QueryEscape(s.person.security()), may{}))
	if f := w.flow(c.page.Flow()); f != nil {
		w.goThrough(b, f)
	}
}

// The links that are mailed.
const (
	undoLink  = "undo"
	resetLink = "password"
)

// linkSent takes notice of a ticket, and refuses one that went to the wrong mailbox (I18, I19).
func (w *walk) linkSent(c *call, to, path, ticket string) {
	w.secret(ticket, "a ticket")
	l := &link{purpose: resetLink, ticket: ticket, to: to, at: w.now()}
	if strings.HasSuffix(path, "/undo") {
		l.purpose = undoLink
		if c.session == nil || c.session.person.held.factors[email].Address != to {
			w.fail("%s: %s may undo something", c, to)
		}
		l.person = c.session.person
	}
	for _, p := range w.people {
		if l.purpose == resetLink && p.registered == to {
			l.person, l.events = p, p.events
		}
	}
	if l.person == nil {
		w.fail("%s: %s gets a link to a new password", c, to)
	}
	for _, former := range w.links {
		if former.person == l.person && former.purpose == resetLink && l.purpose == resetLink {
			former.dead = true
		}
	}
	w.links = append(w.links, l)
}

// voidLinks takes notice that nothing can be undone any more for an account.
func (w *walk) voidLinks(p *person) {
	for _, l := range w.links {
		if l.person == p && l.purpose == undoLink {
			l.dead = true
		}
	}
}

// undoLife and resetLife are how long the links are good.
const (
	undoLife  = 72 * time.Hour
	resetLife = 30 * time.Minute
)

// pressLink opens one of the links that a human's mailboxes hold, and presses its button.
func (w *walk) pressLink(b *browser) {
	var held []*link
	for _, l := range slices.Backward(w.links) {
		if b.human.reads(l.to) && len(held) < 4 {
			held = append(held, l)
		}
	}
	if len(held) == 0 {
		w.forget(b)
		return
	}
	l := pick(w, "link", held)
	p, events := l.person, l.person.events
	good := !l.dead && !p.disabled
	if l.purpose == undoLink {
		m := may{}
		if good && w.now().Sub(l.at) < undoLife {
			m = may{of: p, put: email, address: l.to, alone: true}
		}
		w.get(b, "/account/undo?ticket="+l.ticket, may{})
		w.post(b, "/account/undo", "the link of "+l.to, url.Values{"ticket": {l.ticket}}, m)
		if p.events == events {
			return
		}
		w.tally["changes undone"]++
		delete(p.tries, "code")
		for _, later := range w.links {
			if later.person == p && later.purpose == undoLink && !later.at.Before(l.at) {
				later.dead = true
			}
		}
		return
	}
	path, next := "/password/reset", "quiet marble ferry "+string(store.NewID[store.RequestID]())
	if p.kind == "operator" {
		path = "/admin" + path
	}
	w.secret(next, "a password behind a link")
	m := may{}
	if good && l.events == p.events && w.now().Sub(l.at) < resetLife {
		m = may{of: p, password: next, alone: true}
	}
	w.get(b, path+"?ticket="+l.ticket, may{})
	w.post(b, path, "the link of "+l.to, url.Values{"ticket": {l.ticket}, "password": {next}}, m)
	if p.events != events {
		l.dead = true
		b.human.passwords[p] = next
		w.tally["passwords reset"]++
	}
}

// forget says that a password is forgotten.
func (w *walk) forget(b *browser) {
	p := pick(w, "whose", w.people)
	path := "/password/forgot"
	if p.kind == "operator" {
		path = "/admin" + path
	}
	w.post(b, path, p.name, url.Values{"username": {p.login}}, may{})
	w.must(w.Passwords.AnswerRequests(w.ctx))
	w.arriveQuietly()
}
