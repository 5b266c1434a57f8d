package walk_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// level is how surely a person is known, in the order of the product's table of sign-ins.
type level int

const (
	unknown level = iota
	oneFactor
	byMail
	twoFactors
	phishingProof
)

// acrs are the words of tokens for the levels.
var acrs = map[level]string{
	oneFactor: "urn:futakagi:acr:1fa", byMail: "urn:futakagi:acr:2fa-email", twoFactors: "urn:futakagi:acr:2fa", phishingProof: "phr",
}

func levelOf(acr string) level {
	for l, text := range acrs {
		if text == acr {
			return l
		}
	}
	return unknown
}

// The ways to prove who one is.
const (
	password = "password"
	email    = "email"
	sms      = "sms"
	totp     = "totp"
	passkey  = "passkey"
	backup   = "backup"
	device   = "trusted_device"
)

// methods are those that an account can set up.
var methods = []string{totp, sms, email, passkey}

// proof is something that a browser really showed in a sign-in, with a secret that its human really had.
type proof struct {
	method string
	at     time.Time
	// verified is whether a passkey said that it verified its user, synced whether it may exist in several places.
	verified, synced bool
	// stands and since are, for a trusted device, what was proved when it was trusted, and when.
	stands string
	since  time.Time
}

func (p proof) String() string {
	text := p.method + p.at.Format(" 02T15:04:05")
	if p.verified {
		text += " verified"
	}
	if p.stands != "" {
		text += " for " + p.stands
	}
	return text
}

// proofs is all that was shown in one session, oldest first.
type proofs []proof

func (l proofs) since(at time.Time) proofs {
	return l.only(func(p proof) bool { return !p.at.Before(at) })
}

func (l proofs) only(keep func(proof) bool) proofs {
	return slices.DeleteFunc(slices.Clone(l), func(p proof) bool { return !keep(p) })
}

// by are the proofs by a method.
func (l proofs) by(method string) proofs {
	return l.only(func(p proof) bool { return p.method == method })
}

// secondLevel is what a password reaches together with a method (product §2).
func secondLevel(method string) level {
	switch method {
	case email:
		return byMail
	case sms, totp, backup:
		return twoFactors
	case passkey:
		return phishingProof
	default:
		return oneFactor
	}
}

// reach is the level of the table that the proofs amount to.
func (l proofs) reach() level {
	best := unknown
	hasPassword := len(l.by(password)) > 0
	for _, p := range l {
		switch {
		case p.method == passkey && p.verified:
			best = phishingProof
		case hasPassword:
			best = max(best, secondLevel(p.method))
		}
	}
	return best
}

// surface is where a policy of sign-ins applies, as the walk set it.
type surface struct {
	id, kind  string
	enforced  bool
	allowed   []string
	level     level
	trustDays int
}

func (s *surface) accepts(method string) bool {
	return method == password || method == backup || method == device || method == pass || method == ticket || slices.Contains(s.allowed, method)
}

func (s *surface) String() string {
	return fmt.Sprintf("%s enforced=%v methods=%s level=%d trust=%dd", s.id, s.enforced, strings.Join(s.allowed, ","), s.level, s.trustDays)
}

// The limits of sessions, by kind of account.
func absoluteLimit(kind string) time.Duration {
	if kind == "operator" {
		return 12 * time.Hour
	}
	return 24 * time.Hour
}

func idleLimit(kind string) time.Duration {
	if kind == "operator" {
		return 15 * time.Minute
	}
	return time.Hour
}

// exempt is whether an account does without what is demanded of it at this moment.
func (w *walk) exempt(p *person) bool {
	until := p.held.account.ExemptUntil
	return until != nil && until.After(w.now())
}

// enough returns nil when proofs let a person in on a surface at this moment: for somebody who asks for a level, or for a change of
// security settings, which asks for everything the account has (I1, I12, I13, I16).
func (w *walk) enough(p *person, s *surface, l proofs, asked level, change bool) error {
	counted := l.since(w.now().Add(-absoluteLimit(p.kind))).only(func(q proof) bool { return s.accepts(q.method) })
	need := max(oneFactor, asked)
	if (s.enforced || p.use) && (change || !w.exempt(p)) {
		need = max(need, s.level)
	}
	if change && len(p.held.factors) > 0 {
		need = max(need, byMail)
	}
	got := counted.reach()
	if got >= need {
		return nil
	}
	if len(counted.by(pass)) > 0 && len(counted.by(password)) > 0 && s.id == "store" && asked <= oneFactor && !change {
		return nil
	}
	trusted := s.id == "store" && s.trustDays > 0 && asked <= oneFactor && !change && got == oneFactor
	for _, d := range counted.by(device) {
		if trusted && s.accepts(d.stands) && secondLevel(d.stands) >= s.level {
			return nil
		}
	}
	return fmt.Errorf("level %d is needed on %s, %d was proved by %v", need, s, got, l)
}
