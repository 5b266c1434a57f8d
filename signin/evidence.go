package signin

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Method is a way to prove who one is.
type Method string

// The methods a sign-in can record. The values are stored in rows and must not change.
const (
	Password Method = "password"
	Email    Method = "email"
	SMS      Method = "sms"
	TOTP     Method = "totp"    // an authenticator app
	Passkey  Method = "passkey" // a passkey or security key
	Backup   Method = "backup"  // a backup code
	// TrustedDevice is a browser that is not asked for a code (認証コードを要求しない端末). It proves nothing itself: it stands for a
	// proof made in that browser earlier, where a policy lets it.
	TrustedDevice Method = "trusted_device"
	// Ticket is a ticket from staff: it proves no factor and lets an account that was reset set one up.
	Ticket Method = "ticket"
	// Pass is a code that staff handed over, used once. It shows that staff let this sign-in through, and proves no factor.
	Pass Method = "pass"
	// Exemption is nothing that anybody did: it says that what was proved did without a second factor because the account was exempt.
	// Only grants have it.
	Exemption Method = "exemption"
)

// FactorMethods are the methods an account can set up, in the order in which they are offered.
func FactorMethods() []Method { return []Method{TOTP, SMS, Email, Passkey} }

// SecondFactor reports whether the method counts as a second factor after a password.
func (m Method) SecondFactor() bool { return m.Level() > Level1FA }

// Level is what a password and this method reach together.
func (m Method) Level() Level {
	switch m {
	case Email:
		return Level2FAEmail
	case SMS, TOTP, Backup:
		return Level2FA
	case Passkey:
		return LevelPHR
	default:
		return Level1FA
	}
}

// Evidence is one successful proof within one session.
type Evidence struct {
	Method Method    `json:"method"`
	At     time.Time `json:"at"`
	// FactorID is the row of the factor, passkey or device.
	FactorID string `json:"factor_id,omitempty"`
	// UserVerified is whether the authenticator verified its user in this very assertion (the UV flag of WebAuthn §6.1). Such a
	// passkey is two factors in one.
	UserVerified bool `json:"uv,omitempty"`
	// Synced is whether the passkey may exist in more than one place (the BE flag): its key is not bound to hardware.
	Synced bool `json:"synced,omitempty"`
	// Ticketed is whether the factor was set up on a ticket in this session and not proved again since.
	Ticketed bool `json:"ticketed,omitempty"`
	// Stands and ProvedAt are, for a trusted device, the second factor that was proved in that browser and when.
	Stands   Method    `json:"stands_for,omitempty"`
	ProvedAt time.Time `json:"proved_at,omitzero"`
}

// level is what the proof reaches, with a password beside it or without.
func (e Evidence) level(password bool) Level {
	switch {
	case e.Method == Passkey && e.UserVerified:
		return LevelPHR
	case e.Method == TrustedDevice, e.Method == Ticket, e.Method == Pass, e.Method == Exemption, !password:
		return LevelNone
	default:
		return e.Method.Level()
	}
}

// EvidenceList is everything proved within one session, oldest first. Tokens are derived from it and from nothing else.
type EvidenceList []Evidence

// ParseEvidence reads a list as Encode wrote it.
func ParseEvidence(raw []byte) (EvidenceList, error) {
	var l EvidenceList
	if err := json.Unmarshal(raw, &l); err != nil {
		return nil, fmt.Errorf("parse evidence: %w", err)
	}
	return l, nil
}

// Encode returns the list as JSON for a row.
func (l EvidenceList) Encode() json.RawMessage {
	if l == nil {
		l = EvidenceList{}
	}
	raw, err := json.Marshal(l)
	if err != nil {
		// Unreachable: the fields are strings and times that came from a clock.
		panic(fmt.Sprintf("signin: encode evidence: %v", err))
	}
	return raw
}

// With returns the list with one more proof. An older proof by the same method is replaced: it says nothing the new one does not,
// unless it verified its user and the new one did not.
func (l EvidenceList) With(e Evidence) EvidenceList {
	return append(l.keep(func(old Evidence) bool { return old.Method != e.Method || old.UserVerified && !e.UserVerified }), e)
}

// Beside returns what both lists prove, oldest first: of two proofs by one method the later, as With has it.
func (l EvidenceList) Beside(other EvidenceList) EvidenceList {
	all := slices.Concat(l, other)
	slices.SortStableFunc(all, func(a, b Evidence) int { return a.At.Compare(b.At) })
	var both EvidenceList
	for _, e := range all {
		both = both.With(e)
	}
	return both
}

// Without returns the list without the proofs by a method.
func (l EvidenceList) Without(m Method) EvidenceList {
	return l.keep(func(e Evidence) bool { return e.Method != m })
}

// Since returns the proofs made at or after t; a zero t keeps all.
func (l EvidenceList) Since(t time.Time) EvidenceList {
	if t.IsZero() {
		return l
	}
	return l.keep(func(e Evidence) bool { return !e.At.Before(t) })
}

func (l EvidenceList) keep(f func(Evidence) bool) EvidenceList {
	out := make(EvidenceList, 0, len(l)+1)
	for _, e := range l {
		if f(e) {
			out = append(out, e)
		}
	}
	return out
}

// Has reports whether the method was proved.
func (l EvidenceList) Has(m Method) bool {
	return slices.ContainsFunc(l, func(e Evidence) bool { return e.Method == m })
}

// Level is the assurance the proofs reach together. A second factor without a password is worth nothing yet, save a passkey that
// verified its user. A trusted device adds nothing.
func (l EvidenceList) Level() Level {
	best, password := LevelNone, l.Has(Password)
	for _, e := range l {
		best = max(best, e.level(password))
	}
	return best
}

// SecondFactor reports whether the proofs are of two factors.
func (l EvidenceList) SecondFactor() bool { return l.Level() > Level1FA }

// second is the proof that carries a level of two factors: the strongest, the latest of equals.
func (l EvidenceList) second() (Evidence, bool) {
	var best Evidence
	level, password := Level1FA, l.Has(Password)
	for _, e := range l {
		if reached := e.level(password); reached > Level1FA && reached >= level {
			best, level = e, reached
		}
	}
	return best, level > Level1FA
}

// pass is the code from staff that speaks for the second factor.
func (l EvidenceList) pass() (Evidence, bool) {
	i := slices.IndexFunc(l, func(e Evidence) bool { return e.Method == Pass })
	if i < 0 || !l.Has(Password) {
		return Evidence{}, false
	}
	return l[i], true
}

// device is the trusted device that speaks for the second factor, where nothing better was proved and nothing else had to.
func (l EvidenceList) device() (Evidence, bool) {
	i := slices.IndexFunc(l, func(e Evidence) bool { return e.Method == TrustedDevice })
	if i < 0 || !l.Has(Password) || l.SecondFactor() || l.Has(Pass) || l.Has(Exemption) {
		return Evidence{}, false
	}
	return l[i], true
}

// AuthTime is the auth_time of OpenID Connect Core §2: the oldest proof that amr and acr rest on, so that nothing a relying
// party concludes from it is older than it says.
func (l EvidenceList) AuthTime() time.Time {
	var at time.Time
	for _, e := range l {
		if e.Method == Password {
			at = e.At
		}
	}
	if e, ok := l.second(); ok && (at.IsZero() || e.At.Before(at)) {
		at = e.At
	}
	return at
}
