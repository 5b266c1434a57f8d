package walk_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/internal/testapp"
)

// actions are the single steps of a walk. What is there several times is drawn so many times as often.
func (w *walk) actions() map[string]func(*rapid.T) {
	all := map[string]func(*rapid.T){"": func(*rapid.T) { w.check() }}
	add := func(times int, name string, do func()) {
		for i := range times {
			all[strings.TrimSuffix(name+" "+strings.Repeat("'", i), " ")] = func(*rapid.T) { do() }
		}
	}
	flow := func(do func(b *browser, f *flow)) func() { return func() { w.withFlow(do) } }
	add(1, "open", func() { w.open(w.anyBrowser()) })
	add(4, "sign in", func() { w.signIn(w.anyBrowser()) })
	add(2, "go on", flow(w.goOn))
	add(1, "go through", flow(w.goThrough))
	add(3, "wander", flow(w.wander))
	add(1, "look around", flow(w.lookAround))
	add(1, "send", flow(w.send))
	add(1, "double", flow(w.double))
	add(1, "say again", flow(w.sayAgain))
	add(1, "cancel", flow(w.cancel))
	add(4, "change", func() { w.withSession(w.change) })
	add(2, "device", func() { w.device(w.anyBrowser()) })
	add(2, "device asks", w.poll)
	add(1, "take back", func() { w.withSession(w.takeBack) })
	add(1, "prove anew", func() { w.withSession(w.proveAnew) })
	add(1, "leave", func() { w.leave(w.anyBrowser()) })
	add(2, "come back", func() { w.comeBack(w.anyBrowser()) })
	add(1, "press a link", func() { w.pressLink(w.anyBrowser()) })
	add(1, "forget", func() { w.forget(w.anyBrowser()) })
	add(1, "staff", w.staff)
	add(1, "let through", w.letThrough)
	add(1, "console", w.console)
	add(1, "time passes", w.pass)
	add(2, "time ticks", w.tick)
	add(1, "steal", w.steal)
	add(2, "replay", w.replay)
	add(2, "tokens", w.useTokens)
	return all
}

func (w *walk) anyBrowser() *browser { return pick(w, "browser", w.browsers) }

// withFlow draws a sign-in: most often one of the browser's own latest ones, now and then one that is over or another browser's.
func (w *walk) withFlow(do func(b *browser, f *flow)) {
	b := w.anyBrowser()
	var own []*flow
	for _, f := range slices.Backward(w.flows) {
		if w.holds(b, f) && len(own) < 3 {
			own = append(own, f)
		}
	}
	if len(own) > 0 && !w.rarely(8, "any sign-in") {
		do(b, pick(w, "sign-in", own))
		return
	}
	if len(w.flows) == 0 {
		w.open(b)
		return
	}
	latest := w.flows[max(0, len(w.flows)-6):]
	do(b, pick(w, "any of the sign-ins", latest))
}

// withSession draws a browser that is signed in, if there is one.
func (w *walk) withSession(do func(b *browser, s *session)) {
	var in []*browser
	for _, b := range w.browsers {
		if w.sessionIn(b) != nil {
			in = append(in, b)
		}
	}
	if len(in) == 0 {
		w.signIn(w.anyBrowser())
		return
	}
	b := pick(w, "signed in", in)
	do(b, w.sessionIn(b))
}

// sessionIn is a session that a browser holds.
func (w *walk) sessionIn(b *browser) *session {
	if s := w.sessionOf(b, account.KindOperator); s != nil {
		return s
	}
	return w.sessionOf(b, account.KindStore)
}

// sessionOf is the session of a kind of account that a browser holds.
func (w *walk) sessionOf(b *browser, kind string) *session {
	value := b.jar()[sessionCookie(kind)]
	for _, s := range slices.Backward(w.sessions) {
		if s.cookie == value && !s.dead && s.person.kind == kind {
			return s
		}
	}
	return nil
}

// open begins a sign-in: at a relying party's with whatever it may ask for, or for one of our own pages.
func (w *walk) open(b *browser) *call {
	places := []string{"store", "store", partner, partner, "/account/security", "/account/security/email", "staff"}
	if b.human == w.humans[2] {
		places = []string{"staff", "staff", "/admin", "/admin/security", "store"}
	}
	client := pick(w, "opens", places)
	if strings.HasPrefix(client, "/") {
		to := "/signin/start?to=" + url.QueryEscape(client)
		if w.rarely(3, "fresh") {
			to += "&fresh=1"
		}
		return w.follow(w.get(b, to, may{}))
	}
	var asked []string
	ask := func(name string, values ...string) {
		if w.rarely(5, "asks for "+name) {
			asked = append(asked, name, pick(w, name, values))
		}
	}
	ask("acr_values", acrs[oneFactor], acrs[byMail], acrs[twoFactors], acrs[phishingProof], acrs[phishingProof]+" "+acrs[byMail], "urn:unknown")
	ask("claims", `{"id_token":{"acr":{"essential":true,"value":"`+acrs[twoFactors]+`"}}}`,
		`{"id_token":{"acr":{"essential":true,"values":["`+acrs[phishingProof]+`","`+acrs[byMail]+`"]}}}`,
		`{"id_token":{"acr":{"value":"`+acrs[phishingProof]+`"}}}`)
	ask("max_age", "0", "60", "600", "86400")
	ask("prompt", "login", "none", "login", "consent")
	if w.rarely(4, "later") {
		asked = append(asked, "state", stateLater)
	}
	return w.follow(w.get(b, w.clients[client].AuthorizeURL(asked...), may{}))
}

// signIn goes through a whole sign-in, as somebody does who means it.
func (w *walk) signIn(b *browser) {
	c := w.open(b)
	if id := c.page.Flow(); id != "" && w.flow(id) != nil {
		w.goThrough(b, w.flow(id))
	}
}

// comeBack signs out and in again at once, as somebody does who uses a browser for years and asks it not to ask again.
func (w *walk) comeBack(b *browser) {
	client, p := "store", w.people[slices.Index(w.humans, b.human)]
	if p.kind == account.KindOperator {
		client = "staff"
	}
	for range 2 {
		if s := w.sessionOf(b, p.kind); s != nil {
			w.signOut(b, p.kind)
		}
		c := w.follow(w.get(b, w.clients[client].AuthorizeURL(), may{}))
		if f := w.flow(c.page.Flow()); f != nil {
			w.goThrough(b, f)
		}
		w.Clock.Advance(31 * time.Second)
	}
}

// goThrough goes on with a sign-in until it is over or gets nowhere.
func (w *walk) goThrough(b *browser, f *flow) {
	for range 8 {
		if !w.holds(b, f) {
			return
		}
		before := f.cookie
		w.goOn(b, f)
		if f.cookie == before {
			return
		}
	}
}

// goOn does what the page wants to which the dispatcher leads; carelessly now and then, with whatever comes to hand.
func (w *walk) goOn(b *browser, f *flow) {
	careless := w.rarely(6, "carelessly")
	c := w.follow(w.get(b, f.at("/signin/continue"), may{}))
	switch path := c.page.URL.Path; {
	case path == "/signin":
		c = w.identify(b, f)
	case path == "/signin/two-factor":
		c = w.setUp(place{b: b, flow: f}, pick(w, "set up", methods), careless)
	case path == "/signin/backup-codes":
		c = w.saved(b, f)
	case path == "/signin/ticket":
		c = w.typeSpare(b, f, ticket, careless)
	case path == "/signin/consent":
		c = w.allow(b, f, c)
	case strings.HasPrefix(path, "/signin/challenge"):
		c = w.answer(b, f, careless)
	}
	if c != nil && !w.rarely(8, "stop there") {
		w.follow(c)
	}
}

// allow presses the button of the page that says what an application learns. It was shown, and so everything was proved.
func (w *walk) allow(b *browser, f *flow, shown *call) *call {
	if w.rarely(6, "no") {
		return w.post(b, f.at("/signin/consent"), "deny", testapp.Decision(shown.page, "deny"), may{})
	}
	f.allowed = f.person
	w.tally["consents"]++
	return w.post(b, f.at("/signin/consent"), "allow", testapp.Decision(shown.page, "allow"), may{})
}

// sayAgain types once more what was accepted in a sign-in before, perhaps after beginning anew in it.
func (w *walk) sayAgain(b *browser, f *flow) {
	if len(f.accepted) == 0 {
		c := w.get(b, f.at("/signin/continue"), may{})
		if c.page.Location().Path == "/signin/challenge" {
			w.answer(b, f, false)
		} else {
			w.goOn(b, f)
		}
	}
	if len(f.accepted) == 0 {
		return
	}
	said := pick(w, "said", f.accepted)
	if w.flip("begin anew") {
		w.cancel(b, f)
		w.identify(b, f)
	}
	if said.method == backup {
		w.answerBackup(b, f, value{said.text, "the backup code again"})
		return
	}
	w.answerCode(b, f, said.method, value{said.text, "the " + said.method + " code again"}, false)
}

// identify gives login ID and password, or a passkey instead.
func (w *walk) identify(b *browser, f *flow) *call {
	if len(b.human.key.Passkeys) > 0 && w.rarely(4, "passkey instead") {
		options, y := w.options(b, f.at("/signin/passkey/options"), attempt{flow: f}, "login")
		if a := w.use(b.human, options, y, false); a != nil {
			return w.enterPasskey(b, f, a)
		}
	}
	var known []*person
	for _, p := range w.people {
		if _, has := b.human.passwords[p]; has && (p.kind == f.surface.kind) {
			known = append(known, p)
		}
	}
	if len(known) == 0 {
		return w.enter(b, f, w.people[0].login, "not the password", "a guess")
	}
	p := pick(w, "as", known)
	return w.enter(b, f, p.login, b.human.passwords[p], p.name+"'s password")
}

// setUp sets a method up at a place, from its first page to its last.
func (w *walk) setUp(at place, method string, careless bool) *call {
	if at.person() == nil {
		return nil
	}
	h := at.b.human
	switch method {
	case email, sms:
		own := h.boxes
		if method == sms {
			own = h.phones
		}
		address := own[rapid.IntRange(0, 1).Draw(w.t, "own address")]
		w.sendNew(at, method, address)
		return w.verifyNew(at, method, address, w.code(h, at.attempt(), method, careless))
	case totp:
		w.get(at.b, at.url(totp), may{})
		for _, s := range slices.Backward(w.seeds) {
			if s.attempt == at.attempt() && !s.dead && !careless {
				return w.verifyApp(at, value{s.app.Code(w.now()), "the new app's code"})
			}
		}
		return w.verifyApp(at, w.code(h, at.attempt(), totp, careless))
	default:
		optionsURL := at.url(passkey + "/options")
		options, y := w.options(at.b, optionsURL, at.attempt(), at.purpose())
		a := w.use(h, options, y, careless)
		if a == nil {
			return nil
		}
		return w.keepPasskey(at, a, "key")
	}
}

// saved says that the backup codes are saved.
func (w *walk) saved(b *browser, f *flow) *call {
	w.get(b, f.at("/signin/backup-codes"), may{})
	return w.post(b, f.at("/signin/backup-codes"), "saved", url.Values{"saved": {"yes"}}, may{advance: w.holds(b, f) && f.setUp, of: f.person})
}

// answer answers the challenge by one of the methods that the account has.
func (w *walk) answer(b *browser, f *flow, careless bool) *call {
	p := f.person
	if p == nil {
		return nil
	}
	var able []string
	for _, m := range p.held.order {
		if f.surface.accepts(m) {
			able = append(able, m)
		}
	}
	if p.held.left > 0 {
		able = append(able, backup)
	}
	if b.human.spareOf(p, pass) != nil {
		able = append(able, pass)
	}
	if len(able) == 0 {
		return nil
	}
	method, trust := pick(w, "by", able), w.flip("trust the browser")
	switch method {
	case pass:
		return w.typeSpare(b, f, pass, careless)
	case backup:
		return w.answerBackup(b, f, w.code(b.human, attempt{flow: f}, backup, careless))
	case passkey:
		options, y := w.options(b, f.at("/signin/challenge/passkey/options"), attempt{flow: f}, "signin")
		a := w.use(b.human, options, y, careless)
		if a == nil {
			return nil
		}
		return w.answerPasskey(b, f, a, trust)
	}
	if method != totp {
		w.get(b, f.at("/signin/challenge/"+method), may{})
	}
	path := method
	if method == p.held.order[0] && w.flip("by the page of the first method") {
		path = ""
	}
	return w.answerCode(b, f, path, w.code(b.human, attempt{flow: f}, method, careless), trust)
}

// wander posts one of a sign-in's forms, wherever the sign-in stands, with whatever comes to hand.
func (w *walk) wander(b *browser, f *flow) {
	h, a, at := b.human, attempt{flow: f}, place{b: b, flow: f}
	method := pick(w, "method", methods)
	var c *call
	switch pick(w, "form", []string{"password", "choice", "address", "app", "passkey", "challenge", "backup", "passkey answer", "passkey login", "saved", "spare"}) {
	case "password":
		p := pick(w, "account", w.people)
		word, known := h.passwords[p]
		if !known {
			word = "not the password"
		}
		c = w.enter(b, f, p.login, word, p.name)
	case "choice":
		c = w.post(b, f.at("/signin/two-factor"), method, url.Values{"method": {method}}, may{})
	case "address":
		method = pick(w, "kind", []string{email, sms})
		own := append(slices.Clone(h.boxes), "stranger@other.example")
		if method == sms {
			own = h.phones
		}
		c = w.verifyNew(at, method, pick(w, "address", own), w.code(h, a, method, true))
	case "app":
		c = w.verifyApp(at, w.code(h, a, totp, true))
	case "challenge":
		c = w.answerCode(b, f, pick(w, "page", []string{"", email, sms, totp, passkey}), w.code(h, a, method, true), w.flip("trust"))
	case "backup":
		c = w.answerBackup(b, f, w.code(h, a, backup, true))
	case "saved":
		c = w.saved(b, f)
	case "spare":
		c = w.typeSpare(b, f, pick(w, "kind", []string{pass, ticket}), true)
	case "passkey":
		if w.flip("ask first") {
			options, y := w.options(b, at.url("passkey/options"), a, "enrol")
			w.use(h, options, y, true)
		}
		if old := w.oldAnswer(h); old != nil {
			c = w.keepPasskey(at, old, "key")
		}
	case "passkey answer":
		if w.flip("ask first") {
			options, y := w.options(b, f.at("/signin/challenge/passkey/options"), a, "signin")
			w.use(h, options, y, true)
		}
		if old := w.oldAnswer(h); old != nil {
			c = w.answerPasskey(b, f, old, w.flip("trust"))
		}
	case "passkey login":
		if w.flip("ask first") {
			options, y := w.options(b, f.at("/signin/passkey/options"), a, "login")
			w.use(h, options, y, true)
		}
		if old := w.oldAnswer(h); old != nil {
			c = w.enterPasskey(b, f, old)
		}
	}
	if c != nil && w.flip("follow") {
		w.follow(c)
	}
}

// oldAnswer draws one of the latest answers of a human's authenticator.
func (w *walk) oldAnswer(h *human) *answer {
	if len(h.answers) == 0 {
		return nil
	}
	latest := slices.Clone(h.answers[max(0, len(h.answers)-4):])
	slices.Reverse(latest)
	return pick(w, "answer", latest)
}

// lookAround opens one of a sign-in's pages, wherever the sign-in stands.
func (w *walk) lookAround(b *browser, f *flow) {
	path := pick(w, "page", []string{
		"/signin", "/signin/continue", "/signin/two-factor", "/signin/two-factor/email", "/signin/two-factor/sms", "/signin/two-factor/totp",
		"/signin/two-factor/passkey", "/signin/challenge", "/signin/challenge/email", "/signin/challenge/sms", "/signin/challenge/totp",
		"/signin/challenge/passkey", "/signin/challenge/methods", "/signin/challenge/backup", "/signin/backup-codes",
		"/signin/backup-codes.txt", "/signin/cancel", "/signin/consent", "/signin/challenge/pass", "/signin/ticket",
	})
	c := w.get(b, f.at(path), may{})
	if w.flip("follow") {
		w.follow(c)
	}
}

// send asks for a code, whether the sign-in is at that step or not.
func (w *walk) send(b *browser, f *flow) {
	method := pick(w, "by", []string{email, sms})
	if w.flip("again") {
		w.post(b, f.at("/signin/challenge/"+method), "send again", url.Values{"do": {"resend"}}, may{})
		return
	}
	own := b.human.boxes
	if method == sms {
		own = b.human.phones
	}
	w.sendNew(place{b: b, flow: f}, method, pick(w, "address", own))
}

// cancel makes a sign-in forget who signs in.
func (w *walk) cancel(b *browser, f *flow) {
	w.follow(w.post(b, f.at("/signin/cancel"), "", nil, may{cancel: w.holds(b, f)}))
}

// double posts the right answer twice at once: in the same sign-in, or in two of the same person's. One may win.
func (w *walk) double(b *browser, f *flow) {
	p := f.person
	if p == nil || !w.holds(b, f) {
		w.goOn(b, f)
		return
	}
	other := f
	for _, o := range w.flows {
		if o != f && o.person == p && w.holds(b, o) {
			other = o
		}
	}
	if len(p.held.order) == 0 || p.held.order[0] == passkey {
		w.goOn(b, f)
		return
	}
	method := pick(w, "by", p.held.order)
	if method == passkey {
		method = p.held.order[0]
	}
	if method != totp {
		w.get(b, f.at("/signin/challenge/"+method), may{})
	}
	v := w.code(b.human, attempt{flow: f}, method, false)
	form := url.Values{"do": {"verify"}, "code": {v.text}}
	path := "/signin/challenge/" + method
	one, two := w.mayAnswer(b, f, method, v.text, false), w.mayAnswer(b, other, method, v.text, false)
	w.race(
		w.prepare(b, http.MethodPost, f.at(path), v.what+", at once", form), one,
		w.prepare(b, http.MethodPost, other.at(path), v.what+", at once", form), two,
	)
}

// race sends two requests at once, of which at most one may be granted.
func (w *walk) race(one *call, mayOne may, two *call, mayTwo may) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		two.send()
	}()
	one.send()
	<-done
	if one.moved() && two.moved() {
		w.fail("%s and %s are granted both (I4, I5)", one, two)
	}
	if two.moved() {
		one, mayOne, two = two, mayTwo, one
	}
	// A wrong try that meets a sign-in which has just gone on was not necessarily compared.
	mayTwo = may{}
	w.observe(one, mayOne)
	w.observe(two, mayTwo)
}

// pass lets time go by.
func (w *walk) pass() {
	d := pick(w, "time", []time.Duration{
		61 * time.Second, 4 * time.Minute, 6 * time.Minute, 11 * time.Minute, 16 * time.Minute, 31 * time.Minute, 61 * time.Minute,
		13 * time.Hour, 25 * time.Hour, 73 * time.Hour, 8 * 24 * time.Hour, 31 * 24 * time.Hour,
	})
	w.Clock.Advance(d)
	w.stirred = true
	w.t.Logf("%s go by", d)
}

// tick lets a little time go by.
func (w *walk) tick() {
	d := pick(w, "time", []time.Duration{31 * time.Second, 10 * time.Second, 61 * time.Second, 4 * time.Second})
	w.Clock.Advance(d)
	w.stirred = true
	w.t.Logf("%s go by", d)
}

// leave signs out.
func (w *walk) leave(b *browser) {
	w.signOut(b, pick(w, "kind", []string{account.KindStore, account.KindOperator}))
}

func (w *walk) signOut(b *browser, kind string) {
	s := w.sessionOf(b, kind)
	w.post(b, "/logout/confirm?kind="+kind, "", url.Values{"kind": {kind}}, may{})
	if s != nil {
		w.endSession(s)
	}
}

// steal lets mal get hold of what does not last: a copy of a trusted device's cookie, or an app's code seen over a shoulder.
func (w *walk) steal() {
	ann, mal := w.people[0], w.humans[1]
	if w.flip("device") {
		value := w.browsers[0].jar()[deviceCookie(ann)]
		if value == "" {
			value = w.browsers[1].jar()[deviceCookie(ann)]
		}
		if value != "" {
			w.browsers[2].SetCookie(&http.Cookie{Name: deviceCookie(ann), Value: value})
			w.t.Logf("mal copies ann's trusted device")
		}
		return
	}
	if ann.app != nil {
		mal.watched = append(mal.watched, ann.app.Code(w.now()))
		w.t.Logf("mal sees a code of ann's app")
	}
}
