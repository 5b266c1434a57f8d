package signin

import (
	"slices"
	"time"
)

// Step is what a sign-in needs next.
type Step int

// The steps. Their order is that of a first sign-in.
const (
	StepPassword        Step = iota + 1 // who is it?
	StepSetUpFactor                     // nothing is set up yet, and something is needed
	StepShowBackupCodes                 // codes were made and the person has not said they are saved
	StepChallenge                       // prove a factor that is set up
	StepIssue                           // everything needed is proved
	StepUnmet                           // the level asked for cannot be reached by this account
)

// String names the step for logs and tests.
func (s Step) String() string {
	switch s {
	case StepPassword:
		return "password"
	case StepSetUpFactor:
		return "set_up_factor"
	case StepShowBackupCodes:
		return "show_backup_codes"
	case StepChallenge:
		return "challenge"
	case StepIssue:
		return "issue"
	case StepUnmet:
		return "unmet"
	default:
		return "unknown"
	}
}

// Policy is what a sign-in must reach.
type Policy struct {
	// TwoFactor is whether the account needs a second factor on this surface: enforced, or chosen for the account.
	TwoFactor bool
	// RequiredLevel is what the relying party asked for; LevelNone when it asked for nothing.
	RequiredLevel Level
	// EvidenceAfter is the time before which proofs do not count: max_age, prompt=login or a fresh proof. Zero: all count.
	EvidenceAfter time.Time
	// AllFactors demands an enrolled factor even where TwoFactor does not: the fresh proof before a change of security settings.
	AllFactors bool
}

// State is where a sign-in stands.
type State struct {
	// Account is whether a person is bound to the sign-in.
	Account bool
	// Evidence is what was proved in this session.
	Evidence EvidenceList
	// Factors are the methods the account can be challenged with now.
	Factors []Method
	// Enrolled is whether the account has any factor at all, usable or not. A locked factor must not open the set-up page.
	Enrolled bool
	// BackupCodesToShow is whether codes made in this sign-in are still to be saved.
	BackupCodesToShow bool
}

// SetUpLevel is what setting up a factor inside a sign-in reaches at most.
const SetUpLevel = Level2FAEmail

// Required is the level a sign-in must reach under the policy, given whether the account has a factor.
func (p Policy) Required(enrolled bool) Level {
	need := max(Level1FA, p.RequiredLevel)
	if p.TwoFactor || (p.AllFactors && enrolled) {
		need = max(need, Level2FAEmail)
	}
	return need
}

// Next returns the step a sign-in needs. It looks only at what is proved and what is demanded, never at the path that led
// here, so that no order of requests can skip a step.
func Next(s State, p Policy) Step {
	proved := s.Evidence.Since(p.EvidenceAfter)
	if !s.Account || !proved.Has(Password) {
		return StepPassword
	}
	if s.BackupCodesToShow {
		return StepShowBackupCodes
	}
	need := p.Required(s.Enrolled)
	if proved.Level() >= need {
		return StepIssue
	}
	if !s.Enrolled {
		if need > SetUpLevel {
			return StepUnmet
		}
		return StepSetUpFactor
	}
	// A factor that exists but is locked leads to the challenge too: its page says what to do, and nothing is skipped.
	if p.RequiredLevel > LevelNone && !slices.ContainsFunc(s.Factors, func(m Method) bool { return m.level() >= need }) {
		return StepUnmet
	}
	return StepChallenge
}
