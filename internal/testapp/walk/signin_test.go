package walk_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/mfa/webauthntest"
)

// codeLife is how long a code that was sent is good, answerLife how long a passkey's challenge is (I5, W-1).
const (
	codeLife   = 10 * time.Minute
	answerLife = 5 * time.Minute
	codeTries  = 5
)

// value is something to type into a field, and what it is.
type value struct{ text, what string }

// at is the address of one of a sign-in's pages.
func (f *flow) at(path string) string { return path + "?flow=" + url.QueryEscape(f.id) }

// typed is everything of the kind of a code that a human could type: what came to its mailboxes and phones, what its apps show and
// showed, its sheets of backup codes, and guesses. What serves best in the attempt comes first.
func (w *walk) typed(h *human, a attempt, method string) []value {
	var best, others []value
	add := func(right bool, v value) {
		if right {
			best = append(best, v)
		} else {
			others = append(others, v)
		}
	}
	for _, m := range slices.Backward(w.messages) {
		if h.reads(m.address) && len(best)+len(others) < 12 {
			right := m.attempt == a && m.method == method && !m.dead
			add(right, value{m.code, "code by " + m.method + " of another time or place"})
			if right {
				best[len(best)-1].what = "the code by " + m.method
			}
		}
	}
	for _, app := range h.apps {
		now := w.now().Unix() / 30
		inUse := method == totp && (slices.ContainsFunc(w.people, func(p *person) bool { return p.app != nil && p.app.key == app.key }) ||
			slices.ContainsFunc(w.seeds, func(s *seed) bool { return s.attempt == a && s.app == app && !s.dead }))
		for i, d := range []int64{0, -1, 1, -2, 2} {
			add(inUse && i == 0, value{app.Code(time.Unix((now+d)*30, 0)), fmt.Sprintf("an app's code at %+d", d)})
		}
	}
	for _, code := range h.watched {
		add(false, value{code, "a code seen over a shoulder"})
	}
	for _, code := range slices.Backward(h.sheets) {
		add(method == backup, value{code, "a backup code"})
	}
	others = append(others, value{"314159", "a guess"}, value{"ABCD-EFGH-JKMN-PQRS", "a guess at a backup code"}, value{"", "nothing"}, value{"12345", "five digits"})
	return append(best, others...)
}

// code draws what a human types: most often what serves best.
func (w *walk) code(h *human, a attempt, method string, careless bool) value {
	all := w.typed(h, a, method)
	if careless {
		return pick(w, "code", all)
	}
	return all[0]
}

// message is the code of an attempt that is right now, nil if the typed one is not (I5).
func (w *walk) message(a attempt, p *person, method, purpose, address, code string) *message {
	for _, m := range slices.Backward(w.messages) {
		if m.attempt != a || m.method != method {
			continue
		}
		good := !m.dead && m.person == p && m.purpose == purpose && m.code == code && m.tries < codeTries && w.now().Sub(m.at) < codeLife
		if purpose == "signin" {
			address = p.held.factors[method].Address
		}
		if good && m.address == address {
			return m
		}
		return nil
	}
	return nil
}

// guessed takes notice of a wrong code that was certainly compared (I7).
func (w *walk) guessed(c *call, p *person, a attempt, class, method, code string) {
	digits := len(code) == 6 && strings.Trim(code, "0123456789") == ""
	if c.page.Status != http.StatusUnprocessableEntity || p == nil || class == "code" && !digits || class == backup && len(code) < 16 {
		return
	}
	if method == "" && len(p.held.order) > 0 {
		method = p.held.order[0]
	}
	if (method == email || method == sms) && !slices.ContainsFunc(w.messages, func(m *message) bool { return m.attempt == a && m.method == method }) {
		return // none was sent that it could be compared with
	}
	for _, m := range slices.Backward(w.messages) {
		if m.attempt == a && m.method == method {
			m.tries++
			break
		}
	}
	for _, s := range slices.Backward(w.seeds) {
		if s.attempt == a && method == totp {
			s.tries++
			break
		}
	}
	t := p.tries[class]
	if t == nil || w.now().Sub(t.last) >= 15*time.Minute {
		t = &tries{}
		p.tries[class] = t
	}
	t.n++
	t.last = w.now()
	switch {
	case t.n >= 10:
		t.until = w.now().Add(15 * time.Minute)
	case t.n >= 5:
		t.until = w.now().Add(time.Minute)
	}
}

// paused reports whether no code of the account may be right now.
func (w *walk) paused(p *person, class string) bool {
	t := p.tries[class]
	return t != nil && w.now().Before(t.until)
}

// mayAnswer judges a code typed into a sign-in's challenge. A page without a method takes those of the method offered first.
func (w *walk) mayAnswer(b *browser, f *flow, method, code string, trust bool) may {
	p := f.person
	m := may{refused: func(c *call) { w.guessed(c, p, attempt{flow: f}, "code", method, code) }}
	if !w.holds(b, f) || p == nil || w.paused(p, "code") {
		return m
	}
	m.of = p
	accept := func(method string, then func()) {
		m.accept = &proof{method: method, at: w.now()}
		m.trust = trust && w.offersTrust(f, method)
		m.then = func(*call) {
			then()
			f.accepted = append(f.accepted, said{method, code})
			delete(p.tries, "code")
			if !w.reads(b.human, p, method, code) {
				w.fail("%s proved %s of %s, which %s does not have", b.name, method, p.name, b.human.name)
			}
		}
	}
	for _, kind := range []string{email, sms} {
		if method != "" && method != kind {
			continue
		}
		if s := w.message(attempt{flow: f}, p, kind, "signin", "", code); s != nil {
			accept(kind, func() { s.dead = true })
		}
	}
	if step := w.step(p, code); step != 0 && (method == "" || method == totp) {
		m.step = step
		accept(totp, func() { p.app.step = step })
	}
	return m
}

// step is the app's step that a code belongs to now; 0 if none that may still be accepted (I4).
func (w *walk) step(p *person, code string) int64 {
	if _, has := p.held.factors[totp]; !has || p.app == nil {
		return 0
	}
	return p.app.fits(code, w.now())
}

// reads reports whether a human has what it just proved.
func (w *walk) reads(h *human, p *person, method, code string) bool {
	switch method {
	case totp:
		return slices.Contains(h.watched, code) || slices.ContainsFunc(h.apps, func(a *app) bool { return a.key == p.app.key })
	case email, sms:
		return h.reads(p.held.factors[method].Address)
	}
	return true
}

// offersTrust reports whether a challenge may make its browser a trusted device (I12).
func (w *walk) offersTrust(f *flow, method string) bool {
	s := f.surface
	demanded := s.enforced || f.person.use
	return s.id == "store" && s.trustDays > 0 && demanded && f.opening.asked <= oneFactor && !f.opening.change && s.accepts(method) &&
		secondLevel(method) >= s.level
}

// answerCode types a code into a challenge.
func (w *walk) answerCode(b *browser, f *flow, method string, v value, trust bool) *call {
	path, form := "/signin/challenge", url.Values{"do": {"verify"}, "code": {v.text}}
	if method != "" {
		path += "/" + method
	}
	if trust {
		form.Set("trust_device", "yes")
	}
	return w.post(b, f.at(path), v.what, form, w.mayAnswer(b, f, method, v.text, trust))
}

// answerBackup types a backup code into a challenge (I6).
func (w *walk) answerBackup(b *browser, f *flow, v value) *call {
	p := f.person
	m := may{refused: func(c *call) { w.guessed(c, p, attempt{flow: f}, backup, backup, v.text) }}
	if p != nil {
		used, known := p.codes[v.text]
		if w.holds(b, f) && known && !used && !w.paused(p, backup) {
			m.of, m.accept, m.spend = p, &proof{method: backup, at: w.now()}, true
			m.then = func(*call) {
				p.codes[v.text] = true
				f.accepted = append(f.accepted, said{backup, v.text})
				delete(p.tries, backup)
			}
		}
	}
	return w.post(b, f.at("/signin/challenge/backup"), v.what, url.Values{"code": {v.text}}, m)
}

// mayEnter judges a login ID and password.
func (w *walk) mayEnter(b *browser, f *flow, login, word string) may {
	if !w.holds(b, f) {
		return may{}
	}
	for _, p := range w.people {
		if p.login != login || p.kind != f.surface.kind || p.disabled || p.password != word {
			continue
		}
		m := may{of: p, who: p, accept: &proof{method: password, at: w.now()}}
		id, secret, _ := strings.Cut(b.jar()[deviceCookie(p)], ".")
		m.voids = id
		for _, d := range w.devices {
			days := time.Duration(f.surface.trustDays) * 24 * time.Hour
			if d.id == id && d.secret == secret && !d.dead && d.person == p && w.now().Before(d.expires) && w.now().Before(d.since.Add(days)) &&
				f.surface.id == "store" && f.opening.asked <= oneFactor && !f.opening.change {
				m.device = d
			}
		}
		return m
	}
	return may{}
}

// enter gives login ID and password.
func (w *walk) enter(b *browser, f *flow, login, word, what string) *call {
	return w.post(b, f.at("/signin"), what, url.Values{"username": {login}, "password": {word}}, w.mayEnter(b, f, login, word))
}

// options asks for a passkey's challenge and returns it.
func (w *walk) options(b *browser, path string, a attempt, purpose string) (json.RawMessage, *ceremony) {
	c := w.post(b, path, "options", nil, may{})
	var o struct {
		Challenge string `json:"challenge"`
	}
	if c.page.Status != http.StatusOK || json.Unmarshal([]byte(c.page.Body), &o) != nil || o.Challenge == "" {
		return nil, nil
	}
	for _, former := range w.ceremonies {
		if former.attempt == a && former.purpose == purpose {
			former.dead = true
		}
	}
	y := &ceremony{attempt: a, purpose: purpose, challenge: o.Challenge, at: w.now()}
	w.ceremonies = append(w.ceremonies, y)
	return json.RawMessage(c.page.Body), y
}

// tampers are what may be wrong with an answer; each one alone must be refused (I8).
var tampers = []struct {
	what string
	webauthntest.Tamper
}{
	{"another origin", webauthntest.Tamper{Client: func(c *webauthntest.ClientData) { c.Origin = "https://localhost.evil.example" }}},
	{"the other type", webauthntest.Tamper{Client: func(c *webauthntest.ClientData) {
		c.Type = map[string]string{"webauthn.get": "webauthn.create", "webauthn.create": "webauthn.get"}[c.Type]
	}}},
	{"untouched", webauthntest.Tamper{Data: func(d *webauthntest.Data) { d.Flags &^= webauthntest.UserPresent }}},
	{"another domain", webauthntest.Tamper{Data: func(d *webauthntest.Data) {
		d.RPIDHash = slices.Clone(d.RPIDHash)
		d.RPIDHash[0] ^= 1
	}}},
	{"another challenge", webauthntest.Tamper{Client: func(c *webauthntest.ClientData) { c.Challenge = "A" + c.Challenge[1:] + "A" }}},
}

// use lets a human's authenticator answer a challenge, or make a passkey. It returns nil if it has nothing to say.
func (w *walk) use(h *human, options json.RawMessage, y *ceremony, careless bool) *answer {
	if options == nil {
		return nil
	}
	a := &answer{ceremony: y, created: y.purpose == "enrol" || y.purpose == "change", key: h.key}
	var changes []webauthntest.Tamper
	if careless && w.rarely(3, "tamper") {
		t := pick(w, "tampered", tampers)
		changes, a.tampered = []webauthntest.Tamper{t.Tamper}, true
		w.t.Logf("  the answer is tampered with: %s", t.what)
	}
	do := h.key.Get
	if a.created {
		do = h.key.Create
	}
	raw, err := do(options, changes...)
	if err != nil {
		return nil // the authenticator has no such passkey, or has one already
	}
	var said struct {
		ID string `json:"id"`
	}
	w.must(json.Unmarshal(raw, &said))
	a.json, a.id, a.verified = string(raw), said.ID, h.key.Verifies
	h.answers = append(h.answers, a)
	return a
}

// mayUse judges an authenticator's answer, for whom it may speak at a place.
func (w *walk) mayUse(a *answer, at attempt, purpose string, who *person) bool {
	y := a.ceremony
	good := !a.tampered && !y.dead && y.attempt == at && y.purpose == purpose && w.now().Sub(y.at) < answerLife
	if !good || who == nil || a.created {
		return good && who != nil
	}
	return who.keys[a.id] == a.key
}

// judged takes notice that the challenge of a place was answered: rightly or wrongly, there is no second time.
func (w *walk) judged(at attempt, purpose string) func(c *call) {
	return func(c *call) {
		if c.flow != nil && !c.holds || purpose != "login" && c.page.Status != http.StatusUnprocessableEntity {
			return
		}
		for _, y := range w.ceremonies {
			if y.attempt == at && y.purpose == purpose {
				y.dead = true
			}
		}
	}
}

func (a *answer) proof(now time.Time) *proof {
	return &proof{method: passkey, at: now, verified: a.verified, synced: a.key.BackupEligible}
}

// answerPasskey hands in what an authenticator said, as the second factor.
func (w *walk) answerPasskey(b *browser, f *flow, a *answer, trust bool) *call {
	p := f.person
	m := may{refused: w.judged(attempt{flow: f}, "signin")}
	if w.holds(b, f) && w.mayUse(a, attempt{flow: f}, "signin", p) {
		m.of, m.accept, m.used = p, a.proof(w.now()), a.id
		m.trust = trust && w.offersTrust(f, passkey)
		m.then = func(*call) {
			a.ceremony.dead = true
			delete(p.tries, "code")
		}
	}
	form := url.Values{"credential": {a.json}}
	if trust {
		form.Set("trust_device", "yes")
	}
	return w.post(b, f.at("/signin/challenge/passkey"), "a passkey", form, m)
}

// enterPasskey hands in what an authenticator said, in the place of login ID and password.
func (w *walk) enterPasskey(b *browser, f *flow, a *answer) *call {
	m := may{refused: w.judged(attempt{flow: f}, "login")}
	for _, p := range w.people {
		if !w.holds(b, f) || !a.verified || p.keys[a.id] != a.key || !w.mayUse(a, attempt{flow: f}, "login", p) {
			continue
		}
		// That the passkey was used is written down even where its account may not sign in.
		m.of, m.used = p, a.id
		if !p.disabled && p.kind == f.surface.kind {
			m.who, m.accept = p, a.proof(w.now())
			m.then = func(*call) { a.ceremony.dead = true }
		}
	}
	return w.post(b, f.at("/signin/passkey"), "a passkey alone", url.Values{"credential": {a.json}}, m)
}

// --- Set-up of the first factor ---

// place is where methods are set up: in a sign-in, or on the self-service page of a session.
type place struct {
	b       *browser
	flow    *flow
	session *session
}

func (at place) attempt() attempt { return attempt{flow: at.flow, session: at.session} }

func (at place) person() *person {
	if at.flow != nil {
		return at.flow.person
	}
	return at.session.person
}

func (at place) purpose() string {
	if at.flow != nil {
		return "enrol"
	}
	return "change"
}

// url is the address of a page at the place.
func (at place) url(page string) string {
	if at.flow != nil {
		return at.flow.at("/signin/two-factor/" + page)
	}
	return at.session.person.security() + "/" + page
}

func (p *person) security() string {
	if p.kind == "operator" {
		return "/admin/security"
	}
	return "/account/security"
}

// maySetUp judges whether the place lets a method be set up now, given its proof (I3, I13).
func (w *walk) maySetUp(at place, method string) (may, bool) {
	p := at.person()
	if p == nil {
		return may{}, false
	}
	m := may{of: p, put: method, first: at.flow != nil}
	if at.flow != nil {
		f := at.flow
		known := f.proofs.since(f.opening.after).reach() > unknown
		return m, w.holds(at.b, f) && known && len(p.held.factors) == 0 && f.surface.accepts(method) && !p.needsTicket(f.proofs)
	}
	_, had := p.held.factors[method]
	allowed := had || w.surfaces[p.surface()].accepts(method)
	return m, at.b.jar()[sessionCookie(p.kind)] == at.session.cookie && w.fresh(at.session) == nil && allowed
}

var nationalNumber = regexp.MustCompile(`^\+81`)

// addressForm is the two-step form of a method that sends codes.
func addressForm(do, method, address, code string) url.Values {
	form := url.Values{"do": {do}, "email": {address}, "code": {code}}
	if method == sms {
		form = url.Values{"do": {do}, "country": {"JP"}, "tel": {nationalNumber.ReplaceAllString(address, "0")}, "code": {code}}
	}
	return form
}

// sendNew asks for a code to a new address.
func (w *walk) sendNew(at place, method, address string) *call {
	return w.post(at.b, at.url(method), "send to "+address, addressForm("send", method, address, ""), may{})
}

// verifyNew types a code that came to a new address.
func (w *walk) verifyNew(at place, method, address string, v value) *call {
	p, a := at.person(), at.attempt()
	none := may{refused: func(c *call) {
		i := slices.IndexFunc(w.messages, func(m *message) bool { return m.attempt == a && m.method == method && m.address == address })
		if i >= 0 { // else it was not compared with what went to another address
			w.guessed(c, p, a, "code", method, v.text)
		}
	}}
	m, ok := w.maySetUp(at, method)
	if ok && !w.paused(p, "code") {
		if s := w.message(a, p, method, at.purpose(), address, v.text); s != nil {
			m.address, m.refused = address, none.refused
			m.accept = &proof{method: method, at: w.now()}
			m.then = func(c *call) {
				s.dead = true
				w.changed(c, at, m.accept)
			}
			none = m
		}
	}
	return w.post(at.b, at.url(method), v.what+" from "+address, addressForm("verify", method, address, v.text), none)
}

// verifyApp types the code of a new app.
func (w *walk) verifyApp(at place, v value) *call {
	p, a := at.person(), at.attempt()
	none := may{refused: func(c *call) { w.guessed(c, p, a, "code", totp, v.text) }}
	m, ok := w.maySetUp(at, totp)
	for _, s := range slices.Backward(w.seeds) {
		if s.attempt != a {
			continue
		}
		step := s.app.fits(v.text, w.now())
		if ok && step != 0 && !s.dead && s.person == p && s.tries < codeTries && w.now().Sub(s.at) < codeLife && !w.paused(p, "code") {
			m.refused, m.step, m.accept = none.refused, step, &proof{method: totp, at: w.now()}
			m.then = func(c *call) {
				s.dead = true
				s.app.step = step
				p.app = s.app
				w.changed(c, at, m.accept)
			}
			none = m
		}
		break
	}
	return w.post(at.b, at.url(totp), v.what, url.Values{"do": {"verify"}, "code": {v.text}}, none)
}

// keepPasskey hands in a new passkey. Making one proves nothing yet.
func (w *walk) keepPasskey(at place, a *answer, name string) *call {
	none := may{refused: w.judged(at.attempt(), at.purpose())}
	m, ok := w.maySetUp(at, passkey)
	if ok && a.created && w.mayUse(a, at.attempt(), at.purpose(), at.person()) {
		p := at.person()
		m.credential, m.refused = a.id, none.refused
		m.then = func(c *call) {
			a.ceremony.dead = true
			p.keys[a.id] = a.key
			w.changed(c, at, nil)
		}
		none = m
	}
	return w.post(at.b, at.url(passkey), "a new passkey", url.Values{"credential": {a.json}, "name": {name}}, none)
}

// changed takes notice of a change of what the account signs in with.
func (w *walk) changed(_ *call, at place, proved *proof) {
	p := at.person()
	delete(p.tries, "code")
	if at.session != nil && proved != nil {
		at.session.proofs = append(slices.Clone(at.session.proofs), *proved)
	}
	w.tally["changes"]++
}
