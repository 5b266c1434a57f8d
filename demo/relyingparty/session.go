package relyingparty

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"
)

const (
	// sessionAge is how long a session lives after its last change.
	sessionAge = 12 * time.Hour
	// loginAge is how long a person may take to come back from the provider.
	loginAge = time.Hour
	// maxLogins bounds how many sign-ins one browser may have open (tabs).
	maxLogins = 20
	// maxSessions bounds the memory: the demo is reachable by local programs.
	maxSessions = 10_000
)

// login is a sign-in that was sent to the provider and has not come back.
type login struct {
	nonce    string
	verifier string
	back     string
	started  time.Time
}

// user is what a finished sign-in left behind.
type user struct {
	claims       claims
	profile      profile
	idToken      string
	accessToken  string
	refreshToken string
	refreshed    time.Time
}

// session is one browser's state at this site.
type session struct {
	logins map[string]login // by state
	user   *user
	// signedOut is the state of the logout that is under way.
	signedOut string
	touched   time.Time
}

// sessions keeps the browsers' state in memory; the browser holds a random name
// of it and nothing else.
type sessions struct {
	cookie string
	secure bool
	now    func() time.Time

	mu   sync.Mutex
	byID map[string]*session
}

func newSessions(cookie string, secure bool, now func() time.Time) *sessions {
	return &sessions{cookie: cookie, secure: secure, now: now, byID: map[string]*session{}}
}

// find returns the live session of a request and its id. The caller holds mu.
func (s *sessions) find(r *http.Request) (string, *session) {
	c, err := r.Cookie(s.cookie)
	if err != nil {
		return "", nil
	}
	found, ok := s.byID[c.Value]
	if !ok || s.now().Sub(found.touched) > sessionAge {
		return "", nil
	}
	return c.Value, found
}

// user returns the signed-in person, or nil.
func (s *sessions) user(r *http.Request) *user {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.find(r); found != nil {
		return found.user
	}
	return nil
}

// begin remembers a sign-in and returns the state that names it.
func (s *sessions) begin(w http.ResponseWriter, r *http.Request, l login) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.started = s.now()
	state := rand.Text()
	_, found := s.find(r)
	if found == nil {
		found = s.create(w)
	}
	found.touched = l.started
	found.forget(l.started)
	found.logins[state] = l
	return state
}

// forget drops sign-ins that are too old, and the oldest one if there are many.
func (s *session) forget(now time.Time) {
	oldest := ""
	for state, l := range s.logins {
		if now.Sub(l.started) > loginAge {
			delete(s.logins, state)
		} else if oldest == "" || l.started.Before(s.logins[oldest].started) {
			oldest = state
		}
	}
	if len(s.logins) >= maxLogins {
		delete(s.logins, oldest)
	}
}

// take hands out a sign-in once. A state this browser did not get is not found:
// that is what stops a foreign authorization response (RFC 6749 section 10.12).
func (s *sessions) take(r *http.Request, state string) (login, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.find(r)
	if found == nil {
		return login{}, false
	}
	l, ok := found.logins[state]
	delete(found.logins, state)
	if !ok || s.now().Sub(l.started) > loginAge {
		return login{}, false
	}
	return l, true
}

// signIn binds a person to a session with a new name, so that a name known from
// before the sign-in is worth nothing after it. Other open sign-ins survive.
func (s *sessions) signIn(w http.ResponseWriter, r *http.Request, u *user) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, old := s.find(r)
	fresh := s.create(w)
	if old != nil {
		fresh.logins = old.logins
		delete(s.byID, id)
	}
	fresh.user = u
}

// replace swaps the person's tokens, unless the session has moved on since u
// was read (signed out in another tab).
func (s *sessions) replace(r *http.Request, u, with *user) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.find(r)
	if found == nil || found.user != u {
		return false
	}
	found.user, found.touched = with, s.now()
	return true
}

// signOut ends the session and opens an empty one that remembers the logout's
// state.
func (s *sessions) signOut(w http.ResponseWriter, r *http.Request) (state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, found := s.find(r); found != nil {
		delete(s.byID, id)
	}
	fresh := s.create(w)
	fresh.signedOut = rand.Text()
	return fresh.signedOut
}

// end takes the person out of every browser whose sign-in the provider ended, and tells how many that were.
func (s *sessions) end(o loggedOut) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for id, one := range s.byID {
		if u := one.user; u == nil || o.subject != "" && u.claims.Subject != o.subject || o.sid != "" && u.claims.SID != o.sid {
			continue
		}
		delete(s.byID, id)
		n++
	}
	return n
}

// takeSignedOut tells, once, whether state is that of this browser's logout.
func (s *sessions) takeSignedOut(r *http.Request, state string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.find(r)
	if found == nil || found.signedOut == "" || found.signedOut != state {
		return false
	}
	found.signedOut = ""
	return true
}

// create makes an empty session and hands its name to the browser. The caller
// holds mu.
func (s *sessions) create(w http.ResponseWriter) *session {
	now := s.now()
	if len(s.byID) >= maxSessions {
		s.sweep(now)
	}
	id := rand.Text()
	fresh := &session{logins: map[string]login{}, touched: now}
	s.byID[id] = fresh
	http.SetCookie(w, &http.Cookie{
		Name: s.cookie, Value: id, Path: "/",
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	})
	return fresh
}

// sweep makes room: dead sessions first, then whichever comes.
func (s *sessions) sweep(now time.Time) {
	for id, one := range s.byID {
		if now.Sub(one.touched) > sessionAge {
			delete(s.byID, id)
		}
	}
	for id := range s.byID {
		if len(s.byID) < maxSessions {
			return
		}
		delete(s.byID, id)
	}
}
