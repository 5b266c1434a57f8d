package walk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// The cookies that carry something.
const (
	flowPrefix   = "__Host-futakagi-flow-"
	devicePrefix = "__Host-futakagi-device-"
)

func sessionCookie(kind string) string {
	if kind == account.KindOperator {
		return "__Host-futakagi-admin"
	}
	return "__Host-futakagi"
}

func flowCookie(id string) string { return flowPrefix + id[len(id)-8:] }

func deviceCookie(p *person) string { return devicePrefix + string(p.id)[24:] }

// opening is what a sign-in is begun for.
type opening struct {
	surface string
	client  string
	asked   level
	// after is the time before which proofs do not count.
	after time.Time
	// change is whether everything is to be proved again for a change of security settings.
	change bool
	none   bool
	// consent is whether the person is to be asked what the application may learn.
	consent bool
}

// openingOf reads what the address of a beginning asks for.
func (w *walk) openingOf(u *url.URL) (opening, bool) {
	q := u.Query()
	switch u.Path {
	case "/signin/start":
		o := opening{surface: "store", change: q.Get("fresh") == "1"}
		if strings.HasPrefix(q.Get("to"), "/admin") {
			o.surface = "admin"
		}
		if o.change {
			o.after = w.now().Add(-freshFor)
		}
		return o, true
	case "/device/confirm":
		return opening{surface: "store"}, true
	case "/authorize":
		o := opening{client: q.Get("client_id"), surface: "store", none: q.Get("prompt") == "none", consent: q.Get("prompt") == "consent"}
		if o.client == "staff" {
			o.surface = "admin"
		}
		o.asked = max(lowest(strings.Fields(q.Get("acr_values"))), essential(q.Get("claims")))
		if age, err := strconv.Atoi(q.Get("max_age")); err == nil {
			o.after = w.now().Add(-time.Duration(age) * time.Second)
		}
		if q.Get("prompt") == "login" {
			o.after = w.now()
		}
		return o, true
	}
	return opening{}, false
}

// freshFor is how old the proofs may be that a change of security settings rests on (I13).
const freshFor = 5 * time.Minute

// lowest is the least of the levels named: any of them will do for the relying party.
func lowest(names []string) level {
	found := unknown
	for _, name := range names {
		if l := levelOf(name); l != unknown && (found == unknown || l < found) {
			found = l
		}
	}
	return found
}

// essential is the level that the claims parameter insists on.
func essential(claims string) level {
	var asked struct {
		IDToken struct {
			ACR struct {
				Essential bool     `json:"essential"`
				Value     string   `json:"value"`
				Values    []string `json:"values"`
			} `json:"acr"`
		} `json:"id_token"`
	}
	if claims == "" || json.Unmarshal([]byte(claims), &asked) != nil || !asked.IDToken.ACR.Essential {
		return unknown
	}
	return lowest(append(asked.IDToken.ACR.Values, asked.IDToken.ACR.Value))
}

// call is one request, with what it holds.
type call struct {
	b       *browser
	method  string
	url     *url.URL
	form    url.Values
	what    string
	jar     map[string]string
	flow    *flow
	holds   bool
	session *session
	page    testapp.Page
}

func (c *call) String() string {
	text := c.b.name + " " + c.method + " " + c.url.Path
	if c.flow != nil {
		text += " of " + c.flow.name
	}
	if c.what != "" {
		text += " (" + c.what + ")"
	}
	if c.page.Status != 0 {
		text += fmt.Sprintf(" → %d", c.page.Status)
	}
	return text
}

// prepare notes what the browser holds before it asks.
func (w *walk) prepare(b *browser, method, path, what string, form url.Values) *call {
	u, err := url.Parse(path)
	w.must(err)
	c := &call{b: b, method: method, url: u, form: form, what: what, jar: b.jar()}
	kind := account.KindStore
	if o, ok := w.openingOf(u); ok {
		kind = w.surfaces[o.surface].kind
	} else if strings.HasPrefix(u.Path, "/admin") {
		kind = account.KindOperator
	}
	if id := u.Query().Get("flow"); id != "" {
		c.flow = w.flow(id)
		if c.flow != nil {
			kind = c.flow.surface.kind
			c.holds = w.holds(b, c.flow)
		}
	}
	if value := c.jar[sessionCookie(kind)]; value != "" {
		i := slices.IndexFunc(w.sessions, func(s *session) bool { return s.cookie == value && !s.dead && s.person.kind == kind })
		if i >= 0 && !w.idle(w.sessions[i]) {
			c.session = w.sessions[i]
		}
	}
	return c
}

func (w *walk) flow(id string) *flow {
	for _, f := range w.flows {
		if f.id == id {
			return f
		}
	}
	return nil
}

// holds reports whether a browser has a sign-in in its hands that still goes on.
func (w *walk) holds(b *browser, f *flow) bool {
	return !f.dead && w.now().Before(f.expires) && b.jar()[flowCookie(f.id)] == f.cookie
}

func (w *walk) idle(s *session) bool { return w.now().Sub(s.seen) >= idleLimit(s.person.kind) }

// opens returns nil when a session may be used on the pages of its own kind.
func (w *walk) opens(s *session) error {
	switch {
	case s == nil:
		return errors.New("there is no session")
	case s.dead || w.idle(s) || s.person.disabled:
		return fmt.Errorf("%s is over", s)
	}
	return w.enough(s.person, w.surfaces[s.person.surface()], s.proofs, unknown, false)
}

// fresh returns nil when a session's person may change security settings (I13).
func (w *walk) fresh(s *session) error {
	if err := w.opens(s); err != nil {
		return err
	}
	return w.enough(s.person, w.surfaces[s.person.surface()], s.proofs.since(w.now().Add(-freshFor)), unknown, true)
}

// send makes the request, and nothing else.
func (c *call) send() {
	if c.method == http.MethodGet {
		c.page = c.b.Get(c.url.RequestURI())
		return
	}
	c.page = c.b.Post(c.url.RequestURI(), c.form)
}

// ask makes a request and looks at everything that came of it.
func (w *walk) ask(b *browser, method, path, what string, form url.Values, m may) *call {
	c := w.prepare(b, method, path, what, form)
	c.send()
	w.observe(c, m)
	return c
}

func (w *walk) get(b *browser, path string, m may) *call {
	return w.ask(b, http.MethodGet, path, "", nil, m)
}

func (w *walk) post(b *browser, path, what string, form url.Values, m may) *call {
	return w.ask(b, http.MethodPost, path, what, form, m)
}

// follow goes where the answer leads, as long as that is on the server.
func (w *walk) follow(c *call) *call {
	for range 8 {
		to := c.page.Location()
		if c.page.Status < 300 || c.page.Status > 399 || to.Host != c.page.URL.Host {
			return c
		}
		c = w.get(c.b, to.RequestURI(), may{})
	}
	w.fail("%s: redirects go in circles", c)
	return c
}

// moved reports whether the sign-in of the request went on: it got another secret.
func (c *call) moved() bool {
	return c.flow != nil && c.set(flowCookie(c.flow.id)) != ""
}

// set is the value that the answer gives a cookie, empty if it gives none.
func (c *call) set(name string) string {
	for _, k := range (&http.Response{Header: c.page.Header}).Cookies() {
		if k.Name == name {
			return k.Value
		}
	}
	return ""
}

// observe judges an answer.
func (w *walk) observe(c *call, m may) {
	w.tally["requests"]++
	to := c.page.Location()
	w.t.Logf("%s to %s", c, strings.TrimSuffix(to.Path+"?"+to.Query().Get("error"), "?"))
	if c.page.Status >= 500 {
		w.fail("%s", c)
	}
	if c.session != nil && c.flow == nil {
		c.session.seen = w.now()
	}
	w.arrive(c)
	w.look(c, m)
	moved := c.moved()
	if moved {
		w.advance(c, m)
	}
	for _, k := range (&http.Response{Header: c.page.Header}).Cookies() {
		w.cookie(c, k, m)
	}
	granted := moved || c.session != nil && c.flow == nil && c.set(sessionCookie(c.session.person.kind)) != ""
	switch {
	case m.then != nil && granted:
		m.then(c)
	case m.refused != nil && !granted:
		m.refused(c)
	}
	w.inspect(c)
	if code := to.Query().Get("code"); code != "" && to.Host != c.page.URL.Host {
		if o, ok := w.openingOf(c.url); ok && o.consent {
			w.fail("%s: a code, and nobody was asked", c)
		}
		w.codeArrived(c, code, to.Query().Get("state"))
	} else if c.flow != nil && to.Query().Get("error") != "" && to.Host != c.page.URL.Host {
		c.flow.dead = true
	}
}

// advance takes notice that a sign-in went on, and refuses that without a reason (I1, I3, I10).
func (w *walk) advance(c *call, m may) {
	f := c.flow
	value := c.set(flowCookie(f.id))
	switch {
	case !c.holds:
		w.fail("%s: a sign-in goes on that is over, or in another browser", c)
	case value == f.cookie:
		w.fail("%s: the sign-in keeps its secret (I10)", c)
	case m.accept == nil && !m.advance && !m.cancel && (m.put == "" || !m.first):
		w.fail("%s: the sign-in goes on, and nothing was proved", c)
	}
	w.wear(flowCookie(f.id), f.cookie, "the former secret of "+f.name, f.surface.kind)
	f.cookie = value
	_, secret, _ := strings.Cut(value, ".")
	w.secret(secret, "a secret of "+f.name)
	if m.cancel {
		f.person, f.session, f.proofs = nil, nil, nil
	}
	if m.who != nil && f.person != m.who {
		f.person, f.session, f.proofs = m.who, nil, nil
	}
	if m.accept != nil {
		f.proofs = append(slices.Clone(f.proofs), *m.accept)
		w.tally["proved "+m.accept.method]++
	}
	if m.put != "" {
		f.setUp = true
		w.tally["set up "+m.put+" in a sign-in"]++
	}
}

// cookie takes notice of what a browser was given, and refuses what nothing was done for.
func (w *walk) cookie(c *call, k *http.Cookie, m may) {
	if k.Value == "" {
		return
	}
	switch {
	case k.Name == sessionCookie(account.KindStore), k.Name == sessionCookie(account.KindOperator):
		w.secret(k.Value, "a session's token")
		w.sessionGiven(c, k, m)
	case strings.HasPrefix(k.Name, devicePrefix):
		w.deviceGiven(c, k, m)
	case strings.HasPrefix(k.Name, flowPrefix) && !c.moved():
		w.flowBegun(c, k)
	}
}

// flowBegun takes notice of a new sign-in.
func (w *walk) flowBegun(c *call, k *http.Cookie) {
	o, ok := w.openingOf(c.url)
	if !ok || c.method != http.MethodGet && !aboutDevice(c.url) {
		w.fail("%s: a sign-in begins", c)
	}
	id, secret, _ := strings.Cut(k.Value, ".")
	w.secret(secret, "a secret of a sign-in")
	f := &flow{
		name: "#" + strconv.Itoa(len(w.flows)+1), id: id, cookie: k.Value, surface: w.surfaces[o.surface], client: o.client, opening: o,
		session: c.session, expires: w.now().Add(30 * time.Minute),
	}
	if s := c.session; s != nil {
		f.person, f.proofs = s.person, slices.Clone(s.proofs)
		s.seen = w.now()
		if end := w.now().Add(idleLimit(s.person.kind)); end.Before(f.expires) {
			f.expires = end
		}
	}
	w.flows = append(w.flows, f)
	w.t.Logf("  %s begins on %s for %+v", f, f.surface, o)
}

// sessionGiven judges a session's token: it ends a sign-in that proved enough, or renews the one that acted.
func (w *walk) sessionGiven(c *call, k *http.Cookie, m may) {
	if c.flow == nil || c.url.Path != "/signin/continue" {
		if c.session == nil || sessionCookie(c.session.person.kind) != k.Name || m.of != c.session.person {
			w.fail("%s: a session is given away", c)
		}
		w.renew(c.session, k.Value)
		return
	}
	f := c.flow
	switch {
	case !c.holds || f.person == nil:
		w.fail("%s: a session for nobody", c)
	case k.Name != sessionCookie(f.person.kind) || f.person.kind != f.surface.kind:
		w.fail("%s: a session of another kind", c)
	case f.person.disabled:
		w.fail("%s: a session of a disabled account", c)
	}
	if err := w.enough(f.person, f.surface, f.proofs.since(f.opening.after), f.opening.asked, f.opening.change); err != nil {
		w.fail("%s: a full session of %s that did not prove enough: %v", c, f.person.name, err)
	}
	if f.opening.consent && f.allowed != f.person {
		w.fail("%s: %s was not asked what the application may learn", c, f.person.name)
	}
	s := f.session
	if s == nil || s.dead {
		if c.session != nil {
			w.endSession(c.session)
		}
		s = &session{name: "S" + strconv.Itoa(len(w.sessions)+1), person: f.person}
		w.sessions = append(w.sessions, s)
	}
	w.renew(s, k.Value)
	row, err := w.DB.Read().GetSessionByToken(w.ctx, web.HashToken(k.Value))
	w.must(err)
	if s.sid != "" && s.sid != string(row.ID) {
		w.fail("%s: %s has another name (I10)", c, s)
	}
	s.sid, s.proofs = string(row.ID), f.proofs
	f.session, f.dead = s, true
	w.wear(flowCookie(f.id), f.cookie, "the secret of the finished "+f.name, f.surface.kind)
	w.tally[fmt.Sprintf("sessions at level %d", s.proofs.reach())]++
	w.t.Logf("  %s is %s by %v", s, f.person.name, s.proofs)
}

// renew takes notice of a session's new token.
func (w *walk) renew(s *session, value string) {
	if s.cookie != "" {
		w.wear(sessionCookie(s.person.kind), s.cookie, "the former cookie of "+s.name, s.person.kind)
	}
	if s.cookie == value {
		w.fail("%s keeps its token (I10)", s)
	}
	s.cookie, s.seen, w.stirred = value, w.now(), true
}

// deviceGiven judges what makes a browser a trusted device.
func (w *walk) deviceGiven(c *call, k *http.Cookie, m may) {
	id, secret, _ := strings.Cut(k.Value, ".")
	w.secret(secret, "a device's secret")
	i := slices.IndexFunc(w.devices, func(d *trusted) bool { return d.id == id })
	if i >= 0 {
		d := w.devices[i]
		if m.device != d || !c.moved() {
			w.fail("%s: a trusted device got another secret without its present one (I12)", c)
		}
		d.secret = secret
		c.flow.proofs = append(c.flow.proofs, proof{method: device, at: w.now(), stands: d.method, since: d.since})
		w.tally["trusted devices used"]++
		return
	}
	switch {
	case !m.trust || m.accept == nil || !c.moved():
		w.fail("%s: a browser is trusted that nobody proved a second factor in (I12)", c)
	case k.Name != deviceCookie(m.of):
		w.fail("%s: a trusted device of somebody else", c)
	}
	row := m.of.held.devices[store.DeviceID(id)]
	if row.ExpiresAt.Sub(w.now()) > 30*24*time.Hour {
		w.fail("%s: a device is trusted until %s (I12)", c, row.ExpiresAt)
	}
	w.devices = append(w.devices, &trusted{
		person: m.of, id: id, secret: secret, method: m.accept.method, since: w.now(), expires: row.ExpiresAt,
	})
	w.tally["devices trusted"]++
}

var (
	mailedCode = regexp.MustCompile(`(?m)^\s*(\d{6})\s*$`)
	textedCode = regexp.MustCompile(`@\S+ #(\d{6})$`)
	ticketLink = regexp.MustCompile(`http\S+(/account/undo|/password/reset|/admin/password/reset)\?ticket=([\w-]{43})`)
	shownKey   = regexp.MustCompile(`id="key"[^>]*>([A-Z2-7 ]+)<`)
	shownCode  = regexp.MustCompile(`(?m)(?:<li>|^)([2-9A-Z]{4}(?:-[2-9A-Z]{4}){3})(?:</li>|\r?$)`)
	logTimes   = regexp.MustCompile(`"(?:time|duration_ms)":[^,]*,`)
)

// standsAlone reports whether what was found in a text is not just part of a longer number or word.
func standsAlone(text string, i, n int) bool {
	if n > 6 {
		return true
	}
	part := func(j int) bool {
		return j >= 0 && j < len(text) && (text[j] >= '0' && text[j] <= '9' || text[j] >= 'a' && text[j] <= 'z' || text[j] >= 'A' && text[j] <= 'Z' || text[j] == '-' || text[j] == '.')
	}
	return !part(i-1) && !part(i+n)
}

// arrive waits until the outbox is empty, and reads what came.
func (w *walk) arrive(c *call) {
	for _, channel := range []string{delivery.ChannelEmail, delivery.ChannelSMS} {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			_, err := w.DB.Read().OldestQueuedMessage(w.ctx, channel)
			if errors.Is(err, store.ErrNotFound) {
				break
			}
			w.must(err)
			if time.Now().After(deadline) {
				w.fail("%v: messages wait in the outbox", c)
			}
		}
	}
	mails := w.Mail.Mails("")
	for _, m := range mails[w.mails:] {
		if code := mailedCode.FindStringSubmatch(m.Text); code != nil {
			w.codeSent(c, email, m.To, code[1])
		}
		if t := ticketLink.FindStringSubmatch(m.Text); t != nil {
			w.linkSent(c, m.To, t[1], t[2])
		}
	}
	w.mails = len(mails)
	texts := w.SMS.Texts("")
	for _, m := range texts[w.texts:] {
		if code := textedCode.FindStringSubmatch(m.Body); code != nil {
			w.codeSent(c, sms, m.To, code[1])
		}
	}
	w.texts = len(texts)
}

// codeSent takes notice of a code, and refuses one that nobody may have asked for (I2, I5).
func (w *walk) codeSent(c *call, method, to, code string) {
	w.secret(code, "a code by "+method)
	s := &message{method: method, address: to, code: code, at: w.now()}
	switch {
	case c == nil:
		w.fail("a code is sent to %s by nobody's request", to)
	case c.flow != nil && strings.HasPrefix(c.url.Path, "/signin/challenge"):
		s.flow, s.purpose, s.person = c.flow, "signin", c.flow.person
		if !c.holds || s.person == nil || s.person.held.factors[method].Address != to {
			w.fail("%s: a code is sent to %s, which is no factor of whoever signs in (I2)", c, to)
		}
	case c.flow != nil && strings.HasPrefix(c.url.Path, "/signin/two-factor/"):
		s.flow, s.purpose, s.person = c.flow, "enrol", c.flow.person
		if !c.holds || s.person == nil || len(s.person.held.factors) > 0 || s.person.needsTicket(s.flow.proofs) {
			w.fail("%s: a code is sent to %s to set up a first factor (I2)", c, to)
		}
	case strings.Contains(c.url.Path, "/security/"):
		if err := w.fresh(c.session); err != nil {
			w.fail("%s: a code is sent to %s for a change: %v (I13)", c, to, err)
		}
		s.session, s.purpose, s.person = c.session, "change", c.session.person
	default:
		w.fail("%s: a code is sent to %s", c, to)
	}
	for _, former := range w.messages {
		if former.attempt == s.attempt && former.method == method {
			former.dead = true
		}
	}
	w.messages = append(w.messages, s)
	w.tally["codes by "+method]++
}

// inspect judges what a page shows.
func (w *walk) inspect(c *call) {
	path, shown := c.url.Path, c.page.Status == http.StatusOK || c.page.Status == http.StatusUnprocessableEntity
	if strings.HasPrefix(path, "/account/security") || strings.HasPrefix(path, "/admin") && !strings.HasPrefix(path, "/admin/password/") {
		if err := w.opens(c.session); shown && err != nil {
			w.fail("%s is shown: %v", c, err)
		}
		if err := w.fresh(c.session); shown && strings.Contains(path, "/security/") && err != nil {
			w.fail("%s is shown: %v (I13)", c, err)
		}
	}
	if shown && strings.HasPrefix(path, "/signin/") && (!c.holds || c.flow.person == nil && !strings.HasPrefix(path, "/signin/passkey")) {
		w.fail("%s is shown to somebody who proved nothing (I2)", c)
	}
	if shown {
		w.keyShown(c)
		w.codesShown(c)
	}
}

// keyShown takes notice of a new app's key.
func (w *walk) keyShown(c *call) {
	m := shownKey.FindStringSubmatch(c.page.Body)
	if m == nil {
		return
	}
	a := attempt{flow: c.flow}
	p := (*person)(nil)
	if c.flow != nil {
		if p = c.flow.person; p == nil || len(p.held.factors) > 0 || p.needsTicket(c.flow.proofs) {
			w.fail("%s shows a key beside a factor, or without the ticket (I3)", c)
		}
	} else {
		a.session, p = c.session, c.session.person
	}
	for _, s := range w.seeds {
		if s.attempt == a && s.app.key == m[1] {
			return
		}
	}
	for _, s := range w.seeds {
		if s.attempt == a {
			s.dead = true
		}
	}
	key := strings.ReplaceAll(m[1], " ", "")
	w.secret(m[1], "an app's key")
	w.secret(key, "an app's key")
	s := &seed{attempt: a, person: p, app: &app{Authenticator: testapp.TypeIn(w.tb, m[1]), key: m[1]}, at: w.now()}
	w.seeds = append(w.seeds, s)
	c.b.human.apps = append(c.b.human.apps, s.app)
}

// codesShown takes notice of backup codes.
func (w *walk) codesShown(c *call) {
	if !strings.Contains(c.url.Path, "/backup-codes") {
		return
	}
	found := shownCode.FindAllStringSubmatch(c.page.Body, -1)
	if len(found) == 0 {
		return
	}
	p := (*person)(nil)
	if c.flow != nil {
		if p = c.flow.person; !c.flow.setUp {
			w.fail("%s shows backup codes that were not made in this sign-in (I2)", c)
		}
	} else {
		p = c.session.person
	}
	if len(found) != 10 || p.held.batch == "" {
		w.fail("%s shows %d backup codes", c, len(found))
	}
	for _, m := range found {
		code := m[1]
		if _, known := p.codes[code]; !known {
			p.codes[code] = false
			w.secret(code, "a backup code")
			w.secret(strings.ReplaceAll(code, "-", ""), "a backup code")
		}
		if !slices.Contains(c.b.human.sheets, code) {
			c.b.human.sheets = append(c.b.human.sheets, code)
		}
	}
}
