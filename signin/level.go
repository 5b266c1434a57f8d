package signin

import "strings"

// Level is how surely a person is known. Levels are ordered.
type Level int

// The levels in their order; the values are stored in rows and must not change.
const (
	LevelNone     Level = 0
	Level1FA      Level = 10
	Level2FAEmail Level = 20
	Level2FA      Level = 30
	LevelPHR      Level = 40 // phishing-resistant, the "phr" of OpenID EAP ACR Values
)

var acrs = map[Level]string{
	Level1FA:      "urn:futakagi:acr:1fa",
	Level2FAEmail: "urn:futakagi:acr:2fa-email",
	Level2FA:      "urn:futakagi:acr:2fa",
	LevelPHR:      "phr",
}

// ACR is the level's acr value (OpenID Connect Core §2), empty for LevelNone.
func (l Level) ACR() string { return acrs[l] }

// ACRValues lists the acr values a sign-in can reach, lowest first, for discovery.
func ACRValues() []string {
	return []string{acrs[Level1FA], acrs[Level2FAEmail], acrs[Level2FA], acrs[LevelPHR]}
}

// ParseACR returns the level an acr value stands for, LevelNone for a value we do not know.
func ParseACR(acr string) Level {
	for l, v := range acrs {
		if v == acr {
			return l
		}
	}
	return LevelNone
}

// RequestedLevel reads acr_values (OpenID Connect Core §3.1.2.1). Any of the listed values will do for the relying party,
// so the lowest one we know is what the sign-in must reach; values we do not know are passed over.
func RequestedLevel(acrValues string) Level {
	return LowestLevel(strings.Fields(acrValues))
}

// LowestLevel is the lowest level that any of the acr values stands for, LevelNone when we know none of them.
func LowestLevel(acrValues []string) Level {
	lowest := LevelNone
	for _, v := range acrValues {
		if l := ParseACR(v); l != LevelNone && (lowest == LevelNone || l < lowest) {
			lowest = l
		}
	}
	return lowest
}

// AMR lists the authentication methods references (RFC 8176, and "mca" for multi-channel) the proofs stand for. With emailMFA
// false a code by mail does not count as a second factor there: NIST SP 800-63B-4 §3.1.3.1 does not admit mail as an
// out-of-band channel.
func (l EvidenceList) AMR(emailMFA bool) []string {
	var amr []string
	if l.Has(Password) {
		amr = append(amr, "pwd")
	}
	if _, ok := l.device(); ok {
		return append(amr, "rba")
	}
	e, ok := l.second()
	if !ok {
		return amr
	}
	switch e.Method {
	case Email:
		if amr = append(amr, "mca"); emailMFA {
			amr = append(amr, "mfa")
		}
	case SMS:
		amr = append(amr, "sms", "mca", "mfa")
	case TOTP, Backup:
		amr = append(amr, "otp", "mfa")
	case Passkey:
		if amr = append(amr, "pop", "user", "mfa"); e.Synced {
			amr = append(amr, "swk")
		}
	}
	return amr
}

// TwoFactorClaim is the value of the claim urn:futakagi:2fa. An exemption has only Via, unless something was proved beside it.
type TwoFactorClaim struct {
	Method     string `json:"method,omitempty"`      // the factor proved, or "pass"
	Via        string `json:"via"`                   // code | passkey | backup | trusted_device | ticket | exemption
	VerifiedAt int64  `json:"verified_at,omitempty"` // when the factor was proved or the pass used, in seconds since the epoch
}

// TwoFactor describes the second factor of the proofs, nil when there is none. For a trusted device it tells of the proof that
// the device stands for. What stood in for one is told of too: a pass, where nothing better was proved, and an exemption in any
// case, since what was proved beside it was not enough.
func (l EvidenceList) TwoFactor() *TwoFactorClaim {
	c := l.proved()
	if l.Has(Exemption) {
		if c == nil {
			c = &TwoFactorClaim{}
		}
		c.Via = "exemption"
	}
	return c
}

// proved is TwoFactor without a look at exemptions.
func (l EvidenceList) proved() *TwoFactorClaim {
	if d, ok := l.device(); ok {
		return &TwoFactorClaim{Method: string(d.Stands), Via: "trusted_device", VerifiedAt: d.ProvedAt.Unix()}
	}
	e, ok := l.second()
	if !ok {
		if e, ok = l.pass(); ok {
			return &TwoFactorClaim{Method: string(e.Method), Via: "ticket", VerifiedAt: e.At.Unix()}
		}
		return nil
	}
	c := &TwoFactorClaim{Method: string(e.Method), Via: "code", VerifiedAt: e.At.Unix()}
	switch {
	case e.Ticketed:
		c.Via = "ticket"
	case e.Method == Backup:
		c.Via = "backup"
	case e.Method == Passkey:
		c.Via = "passkey"
	}
	return c
}
