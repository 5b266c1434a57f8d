package walk_test

import (
	"net/http"
	"strings"
)

// stranger is a browser that nobody ever used. Whoever sits in front of it is mal, or somebody else who found what is replayed.
func (w *walk) stranger(h *human) *browser { return w.newBrowser(h, "a stranger ("+h.name+")") }

// replay presents something that was worth something once.
func (w *walk) replay() {
	if len(w.worn) == 0 {
		w.open(w.anyBrowser())
		return
	}
	latest := w.worn[max(0, len(w.worn)-8):]
	v := pick(w, "worn", latest)
	b := w.stranger(pick(w, "by", w.humans))
	b.SetCookie(&http.Cookie{Name: v.name, Value: v.value})
	w.t.Logf("%s presents %s", b.name, v.what)
	if !strings.HasPrefix(v.name, flowPrefix) {
		w.get(b, map[string]string{"store": "/account/security", "operator": "/admin/security"}[v.kind], may{})
		w.get(b, w.clients[map[string]string{"store": "store", "operator": "staff"}[v.kind]].AuthorizeURL("prompt", "none"), may{})
		return
	}
	id, _, _ := strings.Cut(v.value, ".")
	f := w.flow(id)
	w.get(b, f.at("/signin/continue"), may{})
	switch pick(w, "do", []string{"answer", "identify", "set up", "cancel", "saved"}) {
	case "answer":
		w.answer(b, f, false)
	case "identify":
		w.identify(b, f)
	case "set up":
		w.setUp(place{b: b, flow: f}, pick(w, "method", methods), false)
	case "cancel":
		w.cancel(b, f)
	case "saved":
		w.saved(b, f)
	}
}

// useTokens presents a grant's code or tokens.
func (w *walk) useTokens() {
	if len(w.grants) == 0 {
		w.signIn(w.anyBrowser())
		return
	}
	g := pick(w, "grant", w.grants[max(0, len(w.grants)-5):])
	switch {
	case !g.spent:
		w.redeem(g)
	case w.rarely(6, "the code again"):
		w.redeem(g)
	case w.flip("refresh"):
		w.renewTokens(g)
	default:
		w.checkTokens(g)
	}
}

// probed is how many of the latest sessions and cookies are tried after every step.
const probed = 5

// check tries what was handed out: every session's cookie opens what was proved enough for, and nothing else.
func (w *walk) check() {
	if !w.stirred {
		return
	}
	w.stirred = false
	for _, s := range w.sessions[max(0, len(w.sessions)-probed):] {
		if s.dead {
			continue // among the worn ones
		}
		why := w.opens(s)
		if !w.idle(s) {
			s.seen = w.now()
		}
		if w.shows(s.person.kind, sessionCookie(s.person.kind), s.cookie) && why != nil {
			w.fail("the cookie of %s opens the settings of %s: %v", s, s.person.name, why)
		}
	}
	for _, v := range w.worn[max(0, len(w.worn)-probed):] {
		if !strings.HasPrefix(v.name, flowPrefix) && w.shows(v.kind, v.name, v.value) {
			w.fail("%s still opens something (I10, I11)", v.what)
		}
	}
}

// shows reports whether a cookie opens the settings of its person.
func (w *walk) shows(kind, name, value string) bool {
	b := w.NewBrowser(w.tb)
	b.SetCookie(&http.Cookie{Name: name, Value: value})
	p := b.Get(map[string]string{"store": "/account/security", "operator": "/admin/security"}[kind])
	if p.Status >= 500 {
		w.fail("the settings answer %d", p.Status)
	}
	return p.Status == http.StatusOK
}
