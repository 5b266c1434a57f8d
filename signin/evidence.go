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
	Backup   Method = "backup"
)

// SecondFactor reports whether the method counts as a second factor after a password.
func (m Method) SecondFactor() bool { return m.level() > Level1FA }

// level is what a password and this method reach together.
func (m Method) level() Level {
	switch m {
	case Email:
		return Level2FAEmail
	case Backup:
		return Level2FA
	default:
		return Level1FA
	}
}

// Evidence is one successful proof within one session.
type Evidence struct {
	Method   Method    `json:"method"`
	At       time.Time `json:"at"`
	FactorID string    `json:"factor_id,omitempty"`
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

// With returns the list with one more proof. An older proof by the same method is replaced: it says nothing the new one does not.
func (l EvidenceList) With(e Evidence) EvidenceList {
	out := make(EvidenceList, 0, len(l)+1)
	for _, old := range l {
		if old.Method != e.Method {
			out = append(out, old)
		}
	}
	return append(out, e)
}

// Since returns the proofs made at or after t; a zero t keeps all.
func (l EvidenceList) Since(t time.Time) EvidenceList {
	if t.IsZero() {
		return l
	}
	return slices.DeleteFunc(slices.Clone(l), func(e Evidence) bool { return e.At.Before(t) })
}

// Has reports whether the method was proved.
func (l EvidenceList) Has(m Method) bool {
	return slices.ContainsFunc(l, func(e Evidence) bool { return e.Method == m })
}

// Level is the assurance the proofs reach together. A second factor without a password is worth nothing yet.
func (l EvidenceList) Level() Level {
	if !l.Has(Password) {
		return LevelNone
	}
	best := Level1FA
	for _, e := range l {
		best = max(best, e.Method.level())
	}
	return best
}

// SecondFactor reports whether the proofs hold a password and a second factor.
func (l EvidenceList) SecondFactor() bool { return l.Level() > Level1FA }

// second is the proof that carries the level: the strongest second factor, the latest of equals.
func (l EvidenceList) second() (Evidence, bool) {
	var best Evidence
	found := false
	for _, e := range l {
		if e.Method.SecondFactor() && (!found || e.Method.level() >= best.Method.level()) {
			best, found = e, true
		}
	}
	return best, found
}

// AuthTime is the auth_time of OpenID Connect Core §2: the oldest proof that the level rests on, so that nothing a
// relying party concludes from it is older than it says.
func (l EvidenceList) AuthTime() time.Time {
	var at time.Time
	for _, e := range l {
		if e.Method == Password {
			at = e.At
		}
	}
	if e, ok := l.second(); ok && e.At.Before(at) {
		at = e.At
	}
	return at
}
