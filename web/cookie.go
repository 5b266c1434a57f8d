package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/store"
)

// Every cookie begins so: the browser then refuses it unless it is Secure, for
// the whole path and without a Domain, and no sibling host can plant one.
const (
	cookiePrefix       = "__Host-futakagi"
	flowCookiePrefix   = cookiePrefix + "-flow-"
	deviceCookiePrefix = cookiePrefix + "-device-"
	langCookie         = cookiePrefix + "-lang"
	flashCookie        = cookiePrefix + "-flash"
	draftCookie        = cookiePrefix + "-draft"
)

const (
	// maxFlowCookies bounds what abandoned sign-ins leave in a browser.
	maxFlowCookies = 8
	// maxDeviceCookies bounds for how many accounts a browser is a trusted device.
	maxDeviceCookies = 8
)

// deviceCookieAge is the longest that a browser is trusted. How long it really
// is, the device's row says.
const deviceCookieAge = 30 * 24 * 60 * 60

// setCookie is the only place that writes a cookie. maxAge 0 lasts as long as
// the browser runs, a negative one deletes.
func setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	c := &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	// A later decision about the same cookie replaces an earlier one; two
	// Set-Cookie lines of one name would leave the choice to the browser.
	unsetCookie(w, name)
	http.SetCookie(w, c)
}

// unsetCookie takes back what this answer was about to say of a cookie.
func unsetCookie(w http.ResponseWriter, name string) {
	h := w.Header()
	kept := slices.DeleteFunc(h["Set-Cookie"], func(line string) bool { return strings.HasPrefix(line, name+"=") })
	if len(kept) == 0 {
		h.Del("Set-Cookie")
		return
	}
	h["Set-Cookie"] = kept
}

// cookieValue returns the value of the one cookie of that name. Two of them
// cannot both be ours, so neither is believed.
func cookieValue(r *http.Request, name string) string {
	if cs := r.CookiesNamed(name); len(cs) == 1 {
		return cs[0].Value
	}
	return ""
}

// hasOurCookie reports whether the browser sent anything we once set.
func hasOurCookie(r *http.Request) bool {
	for _, line := range r.Header["Cookie"] {
		if strings.Contains(line, cookiePrefix) {
			return true
		}
	}
	return false
}

// flowCookieName uses the end of the id: the beginning of a UUIDv7 is the
// time, equal for two tabs opened within a minute.
func flowCookieName(id store.FlowID) string {
	return flowCookiePrefix + string(id)[len(id)-8:]
}

// SetFlowCookie gives the browser the secret of a flow, and forgets the oldest
// flows when there are too many.
func SetFlowCookie(w http.ResponseWriter, r *http.Request, id store.FlowID, secret string) {
	if !store.ValidID(string(id)) {
		return
	}
	makeRoom(w, r, flowCookiePrefix, flowCookieName(id), maxFlowCookies)
	setCookie(w, flowCookieName(id), string(id)+"."+secret, 0)
}

// makeRoom forgets the oldest cookies of a prefix, so that with the one to be
// set there are no more than limit. Their values begin with the id of a row.
func makeRoom(w http.ResponseWriter, r *http.Request, prefix, name string, limit int) {
	type old struct{ name, id string }
	var olds []old
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, prefix) && c.Name != name {
			// UUIDv7 sorts by age; anything unreadable sorts first, as oldest.
			id, _, _ := strings.Cut(c.Value, ".")
			if !store.ValidID(id) {
				id = ""
			}
			olds = append(olds, old{c.Name, id})
		}
	}
	slices.SortFunc(olds, func(a, b old) int { return strings.Compare(a.id, b.id) })
	for len(olds) >= limit {
		setCookie(w, olds[0].name, "", -1)
		olds = olds[1:]
	}
}

// FlowSecret returns the secret this browser holds for a flow, or "".
func FlowSecret(r *http.Request, id store.FlowID) string {
	if !store.ValidID(string(id)) {
		return ""
	}
	fid, secret, _ := strings.Cut(cookieValue(r, flowCookieName(id)), ".")
	if fid != string(id) || !plausibleToken(secret) {
		return ""
	}
	return secret
}

// ClearFlowCookie forgets a finished flow.
func ClearFlowCookie(w http.ResponseWriter, id store.FlowID) {
	if store.ValidID(string(id)) {
		setCookie(w, flowCookieName(id), "", -1)
	}
}

// deviceCookieName uses the random end of the account's id: people share
// browsers, and each is a trusted device of their own account alone.
func deviceCookieName(id store.AccountID) string {
	return deviceCookiePrefix + string(id)[len(id)-12:]
}

// SetDeviceCookie gives the browser what makes it a trusted device of an
// account: the device's id and secret, joined by a dot. "" takes it back. When
// a browser is trusted by too many accounts it forgets the oldest device.
func SetDeviceCookie(w http.ResponseWriter, r *http.Request, id store.AccountID, value string) {
	if !store.ValidID(string(id)) {
		return
	}
	name := deviceCookieName(id)
	if value == "" {
		setCookie(w, name, "", -1)
		return
	}
	makeRoom(w, r, deviceCookiePrefix, name, maxDeviceCookies)
	setCookie(w, name, value, deviceCookieAge)
}

// DeviceCookie returns what SetDeviceCookie gave this browser for an account,
// or "": a value that it cannot have given is none.
func DeviceCookie(r *http.Request, id store.AccountID) string {
	if !store.ValidID(string(id)) {
		return ""
	}
	value := cookieValue(r, deviceCookieName(id))
	device, secret, _ := strings.Cut(value, ".")
	if !store.ValidID(device) || !plausibleToken(secret) {
		return ""
	}
	return value
}

// sessionCookie keeps customers and operators apart: signing in to one side
// never touches the other.
func sessionCookie(kind Kind) string {
	if kind == Operator {
		return cookiePrefix + "-admin"
	}
	return cookiePrefix
}

// SetSessionCookie gives the browser the token of a full session.
func SetSessionCookie(w http.ResponseWriter, kind Kind, token string) {
	setCookie(w, sessionCookie(kind), token, 0)
}

// SessionToken returns the session token the browser sent, or "".
func SessionToken(r *http.Request, kind Kind) string {
	if t := cookieValue(r, sessionCookie(kind)); plausibleToken(t) {
		return t
	}
	return ""
}

// ClearSessionCookie forgets the session.
func ClearSessionCookie(w http.ResponseWriter, kind Kind) {
	setCookie(w, sessionCookie(kind), "", -1)
}

// SetDraftCookie keeps what was typed into a form for a short while in the
// browser; "" forgets it. The value is of characters that need no quoting.
func SetDraftCookie(w http.ResponseWriter, value string, age time.Duration) {
	if value == "" {
		age = -time.Second
	}
	setCookie(w, draftCookie, value, int(age/time.Second))
}

// UnsetDraftCookie takes back what SetDraftCookie said in this answer: the
// browser then keeps what it has.
func UnsetDraftCookie(w http.ResponseWriter) { unsetCookie(w, draftCookie) }

// DraftCookie returns what SetDraftCookie kept, or "".
func DraftCookie(r *http.Request) string { return cookieValue(r, draftCookie) }
