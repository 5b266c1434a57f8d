package walk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/mfa/webauthntest"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// walk is one walk, with everything that the test knows and the server does not say.
type walk struct {
	*testapp.App
	t   *rapid.T
	tb  testing.TB
	ctx context.Context

	surfaces map[string]*surface
	people   []*person
	humans   []*human
	browsers []*browser
	clients  map[string]*testapp.RelyingParty

	flows      []*flow
	waiting    []*waiting
	spares     []*spare
	sessions   []*session
	grants     []*grant
	devices    []*trusted
	messages   []*message
	seeds      []*seed
	ceremonies []*ceremony
	links      []*link
	// worn are cookies that were replaced or died: nobody may get anywhere with them.
	worn []worn
	// secrets must not turn up in the log.
	secrets map[string]string
	// read is how many mails and texts were looked at.
	mails, texts int
	// stirred is whether anything happened since sessions were looked at that may have ended some.
	stirred  bool
	violated *bool
	tally    tally
}

// tally counts what walks came to, so that a walk which gets nowhere is noticed.
type tally map[string]int

// fail ends the walk: something happened that must not.
func (w *walk) fail(format string, args ...any) {
	*w.violated = true
	w.t.Fatalf(format, args...)
}

func (w *walk) must(err error) {
	if err != nil {
		*w.violated = true
		w.t.Fatal(err)
	}
}

func (w *walk) now() time.Time { return w.Clock.Now() }

// flip draws yes or no.
func (w *walk) flip(what string) bool { return rapid.Bool().Draw(w.t, what) }

// rarely draws yes once in n times.
func (w *walk) rarely(n int, what string) bool { return rapid.IntRange(1, n).Draw(w.t, what) == n }

// pick draws one of several; they are not empty.
func pick[T any](w *walk, what string, from []T) T {
	return from[rapid.IntRange(0, len(from)-1).Draw(w.t, what)]
}

// person is an account with what is true about it.
type person struct {
	name, kind string
	id         store.AccountID
	login      string
	registered string
	password   string
	use        bool
	disabled   bool
	// held is what the database has of the account, looked at after every request.
	held holding
	// app is the authenticator app in force, keys are the passkeys, by credential.
	app  *app
	keys map[string]*webauthntest.Authenticator
	// codes are the backup codes in force that somebody has seen, with whether they were used.
	codes map[string]bool
	// tries are the wrong codes typed in a row, by what they were guesses at.
	tries map[string]*tries
	// events counts the changes of what the account signs in with.
	events int
}

func (p *person) surface() string {
	if p.kind == account.KindOperator {
		return admin.SurfaceAdmin
	}
	return admin.SurfaceStore
}

// app is an authenticator app with one account.
type app struct {
	*testapp.Authenticator
	key string
	// step is the last one that was accepted.
	step int64
}

// fits is the latest step around now that a code belongs to, and that was not reached yet; 0 if there is none.
func (a *app) fits(code string, now time.Time) int64 {
	step := now.Unix() / 30
	for s := step + 1; s >= step-1; s-- {
		if s > a.step && a.Code(time.Unix(s*30, 0)) == code {
			return s
		}
	}
	return 0
}

// tries are wrong codes in a row.
type tries struct {
	n     int
	last  time.Time
	until time.Time
}

// human is somebody who sits in front of browsers: the owner of an account, or a thief.
type human struct {
	name string
	// passwords are those the human believes in, by account.
	passwords map[*person]string
	// boxes and phones are what the human reads and, the first ones, what it sets up as its own.
	boxes, phones []string
	apps          []*app
	key           *webauthntest.Authenticator
	// sheets are the backup codes that the human has seen, watched are an app's codes seen over a shoulder.
	sheets, watched []string
	// spares are the passes and tickets that the human was given.
	spares []*spare
	// answers are what the human's authenticator said, oldest first.
	answers []*answer
}

func (h *human) reads(address string) bool {
	return slices.Contains(h.boxes, address) || slices.Contains(h.phones, address)
}

// browser is a browser with its human.
type browser struct {
	*testapp.Browser
	name  string
	human *human
}

// jar is what the browser would send.
func (b *browser) jar() map[string]string {
	out := map[string]string{}
	for _, c := range b.Cookies() {
		out[c.Name] = c.Value
	}
	return out
}

// flow is a sign-in as the walk keeps it.
type flow struct {
	name    string
	id      string
	cookie  string
	surface *surface
	client  string
	opening opening
	expires time.Time
	person  *person
	session *session
	proofs  proofs
	// accepted are the codes that proved something in it.
	accepted []said
	// setUp is whether the account's first factor was set up in it.
	setUp bool
	dead  bool
	// allowed is who let the application learn what it asks for.
	allowed *person
}

// said is a code that was accepted.
type said struct{ method, text string }

func (f *flow) String() string { return f.name }

// session is a full session.
type session struct {
	name   string
	person *person
	cookie string
	proofs proofs
	seen   time.Time
	sid    string
	dead   bool
}

func (s *session) String() string { return s.name }

// grant is a code with the tokens that it became.
type grant struct {
	name            string
	client          string
	person          *person
	surface         *surface
	session         *session
	opening         opening
	proofs          proofs
	exempt          bool // the account was, when the code was given
	at              time.Time
	code            string
	spent           bool
	access, refresh string
	dead            bool
	// device is what got it; nil for a browser.
	device *waiting
}

// trusted is a trusted device.
type trusted struct {
	person  *person
	id      string
	secret  string
	method  string
	since   time.Time
	expires time.Time
	dead    bool
}

// attempt is what a code or an answer was asked for in: one sign-in or one session.
type attempt struct {
	flow    *flow
	session *session
}

// message is a code that was sent.
type message struct {
	attempt
	person          *person
	method, purpose string
	address, code   string
	at              time.Time
	tries           int
	dead            bool
}

// seed is a new app's key that a page showed.
type seed struct {
	attempt
	person *person
	app    *app
	at     time.Time
	tries  int
	dead   bool
}

// ceremony is a passkey's challenge.
type ceremony struct {
	attempt
	purpose   string
	challenge string
	at        time.Time
	dead      bool
}

// answer is what an authenticator answered.
type answer struct {
	ceremony *ceremony
	json     string
	id       string
	created  bool
	verified bool
	tampered bool
	key      *webauthntest.Authenticator
}

// link is a ticket that was mailed.
type link struct {
	person  *person
	purpose string
	ticket  string
	to      string
	events  int
	at      time.Time
	dead    bool
}

// worn is a cookie that is worth nothing any more.
type worn struct {
	name, value, what string
	kind              string
}

// newWalk makes people, humans and browsers, and settles what the surfaces demand.
func newWalk(ctx context.Context, t *rapid.T, tb testing.TB, a *testapp.App, n int, violated *bool, sums tally) *walk {
	w := &walk{
		App: a, t: t, tb: tb, ctx: ctx, violated: violated, tally: sums, secrets: map[string]string{},
		surfaces: map[string]*surface{
			"store": {id: "store", kind: account.KindStore}, "admin": {id: "admin", kind: account.KindOperator},
		},
		clients: map[string]*testapp.RelyingParty{},
	}
	for _, id := range []string{"store", "staff", partner, tv} {
		w.clients[id] = a.RelyingParty(tb, id)
	}
	// Every walk begins at the same time of another day: no budget of the day before is left over, and a failure can be replayed.
	day := a.Clock.Now().Truncate(24 * time.Hour).Add(27*time.Hour + 7*time.Second)
	a.Clock.Advance(day.Sub(a.Clock.Now()))
	a.Mail.Clear()
	a.SMS.Clear()
	a.Log.Take()

	w.settleSurface("store", rapid.Bool().Draw(t, "store enforces"), w.drawPolicy("store", true))
	w.settleSurface("admin", rapid.Bool().Draw(t, "console enforces"), w.drawPolicy("admin", true))
	w.settleReenrolment()
	ann := w.newPerson(n, "ann", account.KindStore, rapid.Bool().Draw(t, "ann uses it"))
	mal := w.newPerson(n, "mal", account.KindStore, rapid.Bool().Draw(t, "mal uses it"))
	olga := w.newPerson(n, "olga", account.KindOperator, rapid.Bool().Draw(t, "olga uses it"))
	w.people = []*person{ann, mal, olga}
	for i, p := range w.people {
		h := w.newHuman(n, i, p)
		w.browsers = append(w.browsers, w.newBrowser(h, h.name+"1"))
		if p != olga {
			w.browsers = append(w.browsers, w.newBrowser(h, h.name+"2"))
		}
	}
	w.corrupt(ann, olga)
	w.look(nil, may{})
	return w
}

// newPerson makes an account. The store's own service writes it: how accounts come to be is no part of the walk.
func (w *walk) newPerson(n int, name, kind string, use bool) *person {
	p := &person{
		name: name, kind: kind, login: fmt.Sprintf("%s-%d", name, n), registered: fmt.Sprintf("%s-%d@registered.example", name, n),
		password: fmt.Sprintf("violet harbour lantern %s %d", name[:2], n), use: use,
		keys: map[string]*webauthntest.Authenticator{}, codes: map[string]bool{}, tries: map[string]*tries{},
	}
	s, err := account.New(account.Config{DB: w.DB, Hasher: w.Hasher, Now: w.now, Logger: slog.New(slog.DiscardHandler)})
	w.must(err)
	hash, err := w.Hasher.Hash(w.ctx, p.password)
	w.must(err)
	in := account.NewAccount{
		Kind: kind, LoginID: p.login, DisplayName: name, Role: "administrator", RegisteredEmail: p.registered,
		TwoFactor: store.TwoFactorDontUse, Password: account.PasswordHash(hash),
	}
	if use {
		in.TwoFactor = store.TwoFactorUse
	}
	if kind == account.KindStore {
		in.Role = "buyer"
		sato, err := w.DB.Read().GetAccountByLogin(w.ctx, store.GetAccountByLoginParams{Kind: kind, LoginKey: "sato"})
		w.must(err)
		in.UserGroupID = *sato.UserGroupID
	}
	w.must(w.DB.InTx(w.ctx, func(tx *store.Tx) error {
		row, err := s.Create(w.ctx, tx, in)
		p.id = row.ID
		return err
	}))
	w.secret(p.password, "password of "+name)
	return p
}

// newHuman makes the owner of an account.
func (w *walk) newHuman(n, i int, p *person) *human {
	h := &human{
		name: p.name, passwords: map[*person]string{p: p.password},
		boxes: []string{
			fmt.Sprintf("%s-%d@first.example", p.name, n), fmt.Sprintf("%s-%d@second.example", p.name, n), p.registered,
		},
		phones: []string{fmt.Sprintf("+8190123%05d", (n*6+i*2)%100_000), fmt.Sprintf("+8190123%05d", (n*6+i*2+1)%100_000)},
		key: &webauthntest.Authenticator{
			Origin: testapp.PasskeyOrigin, Discovers: true, Verifies: rapid.Bool().Draw(w.t, p.name+"'s key verifies"),
			BackupEligible: rapid.Bool().Draw(w.t, p.name+"'s key is synced"), Counts: rapid.Bool().Draw(w.t, p.name+"'s key counts"),
		},
	}
	w.humans = append(w.humans, h)
	return h
}

func (w *walk) newBrowser(h *human, name string) *browser {
	b := &browser{Browser: w.NewBrowser(w.tb), name: name, human: h}
	b.UserAgent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0 " + name
	return b
}

// corrupt gives mal, who has an account too, something of ann's or olga's. It is never enough for two factors.
func (w *walk) corrupt(ann, olga *person) {
	mal, owner := w.humans[1], w.humans[0]
	switch rapid.SampledFrom([]string{"password", "password and registered mailbox", "mailboxes", "nothing", "operator's password"}).Draw(w.t, "thief has") {
	case "password":
		mal.passwords[ann] = ann.password
	case "password and registered mailbox":
		mal.passwords[ann] = ann.password
		mal.boxes = append(mal.boxes, ann.registered)
	case "mailboxes":
		mal.boxes = append(mal.boxes, owner.boxes...)
	case "operator's password":
		mal.passwords[olga] = olga.password
	}
}

// policy is what a surface accepts.
type policy struct {
	allowed   []string
	level     level
	trustDays int
}

// drawPolicy draws a policy that the console would take.
func (w *walk) drawPolicy(id string, first bool) policy {
	p := policy{allowed: methods, level: byMail}
	if id == "store" {
		p.trustDays = rapid.SampledFrom([]int{30, 30, 7, 0}).Draw(w.t, "trust days")
	} else if first {
		p.allowed = []string{totp, passkey}
	}
	if rapid.IntRange(0, 2).Draw(w.t, "stricter") == 2 {
		p.level = rapid.SampledFrom([]level{byMail, twoFactors, phishingProof}).Draw(w.t, "level")
		p.allowed = nil
		for _, m := range methods {
			if rapid.Bool().Draw(w.t, "allow "+m) || m == passkey {
				p.allowed = append(p.allowed, m)
			}
		}
	}
	return p
}

// settleSurface makes the surface so, as whoever runs the command line would.
func (w *walk) settleSurface(id string, enforced bool, p policy) {
	row, err := w.DB.Read().GetSurface(w.ctx, id)
	w.must(err)
	_, err = w.Admin.SetEnforcement(w.ctx, admin.System(), []admin.EnforcementChange{{Surface: id, Former: row.Enforced, Enforced: enforced}})
	w.must(err)
	row, err = w.DB.Read().GetSurface(w.ctx, id)
	w.must(err)
	want := admin.SurfacePolicy{ID: id, Level: signin.ParseACR(acrs[p.level]), TrustDays: p.trustDays, Version: row.UpdatedAt}
	for _, m := range p.allowed {
		want.Allowed = append(want.Allowed, signin.Method(m))
	}
	// What would shut out every administrator is refused.
	if _, err = w.Admin.SetSurfacePolicy(w.ctx, admin.System(), want); !errors.Is(err, admin.ErrLockout) {
		w.must(err)
	}
	w.readSurface(id)
}

// readSurface takes notice of what a surface demands now.
func (w *walk) readSurface(id string) {
	s := w.surfaces[id]
	row, err := w.DB.Read().GetSurface(w.ctx, id)
	w.must(err)
	s.enforced, s.level, s.trustDays = row.Enforced, max(byMail, levelOf(signin.Level(row.SecondLevel).ACR())), int(row.TrustDays)
	if s.allowed = strings.Fields(row.AllowedMethods); len(s.allowed) == 0 {
		s.allowed = methods
	}
}

// secret notes what must stay out of the log.
func (w *walk) secret(value, what string) {
	if value != "" {
		w.secrets[value] = what
	}
}

// end checks what can only be looked at when the walk is over.
func (w *walk) end() {
	text := logTimes.ReplaceAllString(w.Log.Take(), "")
	for value, what := range w.secrets {
		if i := strings.Index(text, value); i >= 0 && standsAlone(text, i, len(value)) {
			w.fail("the log holds %s: …%s…", what, text[max(0, i-200):min(len(text), i+200)])
		}
	}
}
