package store

import "time"

// The stored choice of an account.
const (
	TwoFactorUse     = "use"
	TwoFactorDontUse = "dont_use"
)

// Demands reports whether the account needs a second factor where a surface enforces it or does not: the stored choice outlives
// enforcement and is overruled by it (M12, M14).
func (a Account) Demands(enforced bool) bool {
	return enforced || a.TwoFactor == TwoFactorUse
}

// Exempt reports whether the account does without what is demanded of it at a time. It ends by itself.
func (a Account) Exempt(now time.Time) bool {
	return a.ExemptUntil != nil && a.ExemptUntil.After(now)
}

// Frozen reports whether changes of the account's security settings are stopped at a time.
func (a Account) Frozen(now time.Time) bool {
	return a.FrozenUntil != nil && now.Before(*a.FrozenUntil)
}
