package walk_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// The applications of others: one that people come to with a browser, and one for devices.
const (
	partner = "partner"
	tv      = "tv"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// deviceLife is how long a device waits for a decision and for its tokens.
const deviceLife = 10 * time.Minute

// addOthers registers the applications of others.
func addOthers(t testing.TB, a *testapp.App) {
	own, err := a.DB.Read().GetClient(t.Context(), "store")
	if err != nil {
		t.Fatal(err)
	}
	in := store.InsertClientParams{
		SurfaceID: own.SurfaceID, AuthMethod: own.AuthMethod, SecretHash: own.SecretHash, RedirectURIs: own.RedirectURIs,
		PostLogoutRedirectURIs: own.PostLogoutRedirectURIs, GrantTypes: own.GrantTypes, Scopes: own.Scopes, IDTokenAlg: own.IDTokenAlg,
		RequirePkce: true, Settings: client.Settings{ThirdParty: true}.Encode(), Now: a.Clock.Now(),
	}
	a.AddClient(t, partner, in)
	in.GrantTypes = json.RawMessage(`["` + deviceGrant + `","refresh_token"]`)
	in.RedirectURIs = json.RawMessage(`[]`)
	a.AddClient(t, tv, in)
	if err := a.Provider.ReloadClients(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// asks reports whether an application learns about people only what they allowed it.
func asks(client string) bool { return client == partner || client == tv }

// compareApps refuses that an application of others may do something which its person did not allow, and that what was allowed goes by
// itself; and takes notice of what ends with it.
func (w *walk) compareApps(c *call, p *person, before, after holding, m may) {
	for id := range after.apps {
		inFlow := c != nil && c.flow != nil && c.holds && c.flow.client == id && c.flow.allowed == p
		if !before.apps[id] && !inFlow && (m.allow != id || m.of != p) {
			w.fail("%v: %s allows %s something, and did not say so", c, p.name, id)
		}
	}
	for id := range before.apps {
		if after.apps[id] {
			continue
		}
		if m.takeBack != id || m.of != p {
			w.fail("%v: what %s allowed %s is gone", c, p.name, id)
		}
		for _, g := range w.grants {
			if g.person == p && g.client == id {
				g.dead = true
			}
		}
		w.tally["consents taken back"]++
	}
}

// takeBack takes from an application what it was allowed, freshly proved or not (I13), and looks at what it still has.
func (w *walk) takeBack(b *browser, s *session) {
	p, id := s.person, pick(w, "application", []string{partner, partner, tv, "store", "nobody"})
	m := may{}
	if w.fresh(s) == nil {
		m = may{of: p, takeBack: id}
	}
	c := w.post(b, p.security()+"/apps/"+id+"/revoke", "", nil, m)
	w.follow(c)
	w.checkApp(p, id)
}

// staffTakeBack is takeBack by staff.
func (w *walk) staffTakeBack(p *person) (m may, err error) {
	id := pick(w, "application", []string{partner, tv})
	if !p.held.apps[id] {
		return may{}, nil
	}
	return may{of: p, takeBack: id}, w.Admin.RevokeConsent(w.ctx, admin.System(), p.id, id)
}

// checkApp looks at what an application holds of a person.
func (w *walk) checkApp(p *person, id string) {
	for _, g := range w.grants {
		if g.person == p && g.client == id {
			w.checkTokens(g)
		}
	}
}

// waiting is a device that waits for somebody to let it in.
type waiting struct {
	name, code, user string
	at               time.Time
	// decided is whether somebody did, grant what came of it if they allowed it.
	decided bool
	grant   *grant
}

func (d *waiting) String() string { return d.name }

// over reports whether a device waits no more.
func (w *walk) over(d *waiting) bool { return w.now().Sub(d.at) >= deviceLife }

// device lets a device begin, or somebody decide about one: most often on the page that says what it is about, now and then without
// looking at it, or on one that somebody else was shown.
func (w *walk) device(b *browser) {
	d := w.aDevice()
	if d == nil {
		return
	}
	account := ""
	if !w.rarely(5, "without looking") {
		at := "/device/confirm?user_code=" + d.user
		c := w.follow(w.get(b, at, may{}))
		if f := w.flow(c.page.Flow()); f != nil {
			w.goThrough(b, f)
			c = w.follow(w.get(b, at, may{}))
		}
		if c.page.Status != http.StatusOK || c.url.Path != "/device/confirm" {
			return
		}
		switch err := w.opens(c.session); {
		case err != nil:
			w.fail("%s is shown: %v", c, err)
		case d.decided || w.over(d):
			w.fail("%s is shown, and %s waits no more", c, d)
		}
		account = testapp.Decision(c.page, "allow").Get("account")
		if account != string(c.session.person.id) {
			w.fail("%s is shown for %s", c, account)
		}
	}
	if account == "" || w.rarely(6, "somebody else's page") {
		account = string(pick(w, "account", w.people).id)
	}
	w.decide(b, d, account, pick(w, "decision", []string{"allow", "allow", "allow", "deny"}))
}

// aDevice is one that waits, or did not long ago; now and then there is another one.
func (w *walk) aDevice() *waiting {
	if len(w.waiting) > 0 && !w.rarely(3, "another device") {
		return pick(w, "device", w.waiting[max(0, len(w.waiting)-3):])
	}
	r := w.clients[tv].Post("/device_authorization", url.Values{"scope": {"openid profile offline_access"}})
	if r.Status != http.StatusOK {
		if r.Status >= 500 {
			w.fail("a device begins: %d %s", r.Status, r.Body)
		}
		return nil
	}
	d := &waiting{name: "D" + strconv.Itoa(len(w.waiting)+1), code: r.Str("device_code"), user: r.Str("user_code"), at: w.now()}
	w.secret(d.code, "a device code")
	w.waiting = append(w.waiting, d)
	w.t.Logf("%s begins", d)
	return d
}

// decide sends a decision about a device, and judges what comes of it: who is signed in well enough decides, for themselves, once.
func (w *walk) decide(b *browser, d *waiting, account, decision string) {
	s, m := w.sessionOf(b, w.surfaces["store"].kind), may{}
	good := s != nil && w.opens(s) == nil && !d.decided && !w.over(d) && account == string(s.person.id)
	if good && decision == "allow" {
		m = may{of: s.person, allow: tv}
	}
	form := url.Values{"user_code": {d.user}, "decision": {decision}, "account": {account}}
	c := w.post(b, "/device/confirm", decision+" "+d.name, form, m)
	to := c.page.Location()
	if to.Path != "/device/done" {
		return
	}
	if !good {
		w.fail("%s: somebody decides about %s who may not", c, d)
	}
	if d.decided = true; decision != "allow" {
		return
	}
	if !s.person.held.apps[tv] {
		w.fail("%s: nothing that can be taken back came of it", c)
	}
	d.grant = &grant{
		name: "G" + strconv.Itoa(len(w.grants)+1), client: tv, person: s.person, surface: w.surfaces["store"], session: s,
		opening: opening{surface: "store", client: tv}, at: d.at, code: d.code, device: d, exempt: w.exempt(s.person),
		proofs: slices.Clone(s.proofs).since(w.now().Add(-absoluteLimit(s.person.kind))),
	}
	w.grants = append(w.grants, d.grant)
	w.tally["devices let in"]++
}

// poll lets a device ask. One that nobody let in gets nothing; for the others see redeem.
func (w *walk) poll() {
	if len(w.waiting) == 0 {
		w.aDevice()
		return
	}
	d := pick(w, "device", w.waiting[max(0, len(w.waiting)-3):])
	w.Clock.Advance(2 * testapp.PollPause)
	w.stirred = true
	if d.grant != nil {
		w.redeem(d.grant)
		return
	}
	if r := w.clients[tv].Poll(d.code); r.Status == http.StatusOK || r.Status >= 500 {
		w.fail("%s, which nobody let in, is answered %d", d, r.Status)
	}
}

// aboutDevice reports whether an address is where people decide about devices: it may begin a sign-in of our own.
func aboutDevice(u *url.URL) bool { return strings.HasPrefix(u.Path, "/device/confirm") }
