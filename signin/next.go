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
	StepTicket                          // staff reset the account: whoever sets it up again needs their ticket
	StepSetUpFactor                     // nothing is set up yet, and something is needed
	StepShowBackupCodes                 // codes were made and the person has not said they are saved
	StepChallenge                       // prove a factor that is set up
	StepConsent                         // an application of somebody else's asks for more than the person has allowed it
	StepIssue                           // everything needed is proved
	StepUnmet                           // the level asked for cannot be reached by this account
)

// String names the step for logs and tests.
func (s Step) String() string {
	switch s {
	case StepPassword:
		return "password"
	case StepTicket:
		return "ticket"
	case StepSetUpFactor:
		return "set_up_factor"
	case StepShowBackupCodes:
		return "show_backup_codes"
	case StepChallenge:
		return "challenge"
	case StepConsent:
		return "consent"
	case StepIssue:
		return "issue"
	case StepUnmet:
		return "unmet"
	default:
		return "unknown"
	}
}

// MaxGraceDays is the most days that a surface can give an account to put its set-up off.
const MaxGraceDays = 30

// Policy is what a sign-in must reach.
type Policy struct {
	// TwoFactor is whether the account needs a second factor on this surface: enforced, or chosen for the account.
	TwoFactor bool
	// Exempt is whether the account does without what TwoFactor demands for the time being. It never spares what a relying party or
	// a change of security settings asks for.
	Exempt bool
	// TakesPass is whether a pass spares, once, the second factor that TwoFactor demands. It never spares what Exempt does not.
	TakesPass bool
	// SecondLevel is what the surface wants two factors to reach where TwoFactor demands them; less than Level2FAEmail means that.
	SecondLevel Level
	// Allowed are the factors the surface lets people prove themselves with; nil: all. Backup codes stand in for any of them.
	Allowed []Method
	// Missing are the factors that the installation cannot do: nobody can be challenged with them or set them up. What was proved by
	// them counts.
	Missing []Method
	// TrustDevices is whether a trusted device spares the second factor that TwoFactor demands. It never spares one that a relying
	// party or a change of security settings asks for.
	TrustDevices bool
	// RequiredLevel is what the relying party asked for; LevelNone when it asked for nothing.
	RequiredLevel Level
	// EvidenceAfter is the time before which proofs do not count: max_age, prompt=login or a fresh proof. Zero: all count.
	EvidenceAfter time.Time
	// SetUpAfter is the time before which proofs do not open the set-up of a first factor: whoever finds a session that was left
	// open must not make it theirs for good. Zero: all do.
	SetUpAfter time.Time
	// MayPostpone is whether the set-up that TwoFactor demands may be put off: the surface gives days for that, and the account has some
	// left. It never puts off what the account's own switch or a relying party asks for.
	MayPostpone bool
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
	// TicketDemanded is whether staff reset the account and nothing is to be set up without their ticket.
	TicketDemanded bool
	// Postponed is whether the person put the set-up of a first factor off: in this sign-in, or when the session was made.
	Postponed bool
	// BackupCodesToShow is whether codes made in this sign-in are still to be saved.
	BackupCodesToShow bool
	// ConsentDue is whether the person is still to be asked what the application may learn. That is between the two, and says nothing
	// about who the person is: it comes when everything is proved.
	ConsentDue bool
}

// Allows reports whether the surface accepts proofs by a method.
func (p Policy) Allows(m Method) bool {
	return p.Allowed == nil || m == Password || m == Backup || m == TrustedDevice || m == Ticket || m == Pass || m == Exemption || slices.Contains(p.Allowed, m)
}

// Can reports whether people can prove themselves by a method here and now, or set it up.
func (p Policy) Can(m Method) bool { return p.Allows(m) && !slices.Contains(p.Missing, m) }

// Required is the level a sign-in must reach under the policy, given whether the account has a factor.
func (p Policy) Required(enrolled bool) Level {
	need := max(Level1FA, p.RequiredLevel)
	if p.TwoFactor && (!p.Exempt || p.AllFactors) {
		need = max(need, p.second())
	}
	if p.AllFactors && enrolled {
		need = max(need, Level2FAEmail)
	}
	return need
}

func (p Policy) second() Level { return max(Level2FAEmail, p.SecondLevel) }

// counting are the proofs that count under the policy.
func (p Policy) counting(l EvidenceList) EvidenceList {
	return l.Since(p.EvidenceAfter).keep(func(e Evidence) bool { return p.Allows(e.Method) })
}

// spared reports whether a pass or a trusted device spares the second factor: only where nothing but the account's or surface's own
// demand asks for one, and a device only if what was proved in that browser would have done.
func (p Policy) spared(proved EvidenceList) bool {
	if p.AllFactors || p.RequiredLevel > Level1FA {
		return false
	}
	if _, ok := proved.pass(); ok && p.TakesPass {
		return true
	}
	if !p.TrustDevices {
		return false
	}
	d, ok := proved.device()
	return ok && p.Allows(d.Stands) && d.Stands.Level() >= p.second()
}

// OffersTrust reports whether the challenge may offer to trust the browser: where such a device would spare this very challenge.
func (p Policy) OffersTrust() bool {
	return p.TwoFactor && p.TrustDevices && !p.AllFactors && p.RequiredLevel <= Level1FA
}

// OffersPass reports whether the challenge may take a pass: where it would spare this very challenge.
func (p Policy) OffersPass() bool {
	return p.TwoFactor && p.TakesPass && !p.AllFactors && p.RequiredLevel <= Level1FA
}

// OffersPostponing reports whether the choice of a first factor may offer to put the set-up off: where nothing but the surface's
// demand asks for it.
func (p Policy) OffersPostponing() bool {
	return p.TwoFactor && p.MayPostpone && p.RequiredLevel <= Level1FA
}

// SetUpMethods are the methods whose set-up inside a sign-in reaches what the policy demands.
func (p Policy) SetUpMethods() []Method {
	need := p.Required(false)
	return slices.DeleteFunc(FactorMethods(), func(m Method) bool { return !p.Can(m) || m.Level() < need })
}

// ChallengeMethods are those of the account's usable factors that reach what the policy demands, in the account's order.
func (p Policy) ChallengeMethods(s State) []Method {
	need := p.Required(s.Enrolled)
	return slices.DeleteFunc(slices.Clone(s.Factors), func(m Method) bool { return !p.Can(m) || m.Level() < need })
}

// Next returns the step a sign-in needs. It looks only at what is proved and what is demanded, never at the path that led
// here, so that no order of requests can skip a step.
func Next(s State, p Policy) Step {
	step := prove(s, p)
	if step == StepIssue && s.ConsentDue {
		return StepConsent
	}
	return step
}

// prove is the step that is needed until everything demanded is proved.
func prove(s State, p Policy) Step {
	proved := p.counting(s.Evidence)
	level := proved.Level()
	if !s.Account || level == LevelNone {
		return StepPassword
	}
	if s.BackupCodesToShow {
		return StepShowBackupCodes
	}
	// The settings of an account that was reset are not for whoever holds the password alone.
	ticket := s.TicketDemanded && !s.Enrolled && !proved.Since(p.SetUpAfter).Has(Ticket)
	if level >= p.Required(s.Enrolled) || p.spared(proved) {
		if ticket && p.AllFactors {
			return StepTicket
		}
		return StepIssue
	}
	// A level that a relying party asked for and nothing reaches is for it to hear of. Where the surface alone demands what cannot be
	// done now, or a factor that exists is locked, the pages of the set-up and the challenge say so, and nothing is skipped.
	asked := p.RequiredLevel > Level1FA
	if !s.Enrolled {
		if s.Postponed && p.OffersPostponing() && !(ticket && p.AllFactors) {
			return StepIssue
		}
		if asked && len(p.SetUpMethods()) == 0 {
			return StepUnmet
		}
		if proved.Since(p.SetUpAfter).Level() == LevelNone {
			return StepPassword
		}
		if ticket {
			return StepTicket
		}
		return StepSetUpFactor
	}
	if asked && len(p.ChallengeMethods(s)) == 0 {
		return StepUnmet
	}
	return StepChallenge
}
