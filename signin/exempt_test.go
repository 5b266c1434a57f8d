package signin

import (
	"slices"
	"testing"
	"time"
)

func TestAnExemptionSparesTheDemandAndNothingElse(t *testing.T) {
	password, enrolled := State{Account: true, Evidence: proofs(Password)}, State{Account: true, Evidence: proofs(Password), Enrolled: true, Factors: []Method{TOTP}}
	for _, tt := range []struct {
		name   string
		state  State
		policy Policy
		want   Step
	}{
		{"nothing set up", password, Policy{TwoFactor: true, Exempt: true}, StepIssue},
		{"a factor that cannot be used", enrolled, Policy{TwoFactor: true, Exempt: true}, StepIssue},
		{"whatever the surface wants two factors to reach", enrolled, Policy{TwoFactor: true, Exempt: true, SecondLevel: LevelPHR}, StepIssue},
		{"no password", State{Account: true, Enrolled: true}, Policy{TwoFactor: true, Exempt: true}, StepPassword},
		{"a level asked for", enrolled, Policy{TwoFactor: true, Exempt: true, RequiredLevel: Level2FAEmail}, StepChallenge},
		{"a level asked for, nothing set up", password, Policy{TwoFactor: true, Exempt: true, RequiredLevel: Level2FAEmail}, StepSetUpFactor},
		{"I13: a change of security settings", enrolled, Policy{TwoFactor: true, Exempt: true, AllFactors: true}, StepChallenge},
		{"I13: a change of security settings, nothing set up", password, Policy{TwoFactor: true, Exempt: true, AllFactors: true}, StepSetUpFactor},
	} {
		if got := Next(tt.state, tt.policy); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestAPassSparesTheDemandAndNothingElse(t *testing.T) {
	passed := State{Account: true, Evidence: proofs(Password, Pass), Enrolled: true, Factors: []Method{TOTP}}
	for _, tt := range []struct {
		name   string
		state  State
		policy Policy
		want   Step
		offers bool
	}{
		{"the account's own demand", passed, Policy{TwoFactor: true, TakesPass: true}, StepIssue, true},
		{"whatever the surface accepts", passed, Policy{TwoFactor: true, TakesPass: true, SecondLevel: LevelPHR, Allowed: []Method{Passkey}}, StepIssue, true},
		{"where none is taken", passed, Policy{TwoFactor: true}, StepChallenge, false},
		{"without a password", State{Account: true, Evidence: proofs(Pass), Enrolled: true}, Policy{TwoFactor: true, TakesPass: true}, StepPassword, true},
		{"a level asked for", passed, Policy{TwoFactor: true, TakesPass: true, RequiredLevel: Level2FAEmail}, StepChallenge, false},
		{"I13: a change of security settings", passed, Policy{TwoFactor: true, TakesPass: true, AllFactors: true}, StepChallenge, false},
		{"M23: also where nothing demands a factor", passed, Policy{TakesPass: true, AllFactors: true}, StepChallenge, false},
		{"max_age: an old one", passed, Policy{TwoFactor: true, TakesPass: true, EvidenceAfter: noon.Add(2 * time.Minute)}, StepPassword, true},
	} {
		if got := Next(tt.state, tt.policy); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if got := tt.policy.OffersPass(); got != tt.offers {
			t.Errorf("%s: offered %v", tt.name, got)
		}
	}
}

// TestI1_WhatStaffLetThroughProvesNothing holds every combination of proofs against the same one with a pass or an exemption beside
// it: neither adds to amr or acr, and the claim says what let the sign-in through.
func TestI1_WhatStaffLetThroughProvesNothing(t *testing.T) {
	all := everyProof()
	for mask := range 1 << len(all) {
		var l EvidenceList
		for i, e := range all {
			if mask&(1<<i) != 0 {
				l = append(l, e)
			}
		}
		for _, m := range []Method{Pass, Exemption} {
			with := l.With(Evidence{Method: m, At: noon})
			if with.Level() != l.Level() || !with.AuthTime().Equal(l.AuthTime()) {
				t.Fatalf("%v with %s reaches %v at %v, without %v at %v", l, m, with.Level(), with.AuthTime(), l.Level(), l.AuthTime())
			}
			// A device speaks only where nothing else had to.
			if got, want := with.AMR(true), slices.DeleteFunc(l.AMR(true), func(v string) bool { return v == "rba" }); !slices.Equal(got, want) {
				t.Fatalf("%v with %s: amr %v, want %v", l, m, got, want)
			}
			claim, former := with.TwoFactor(), l.TwoFactor()
			switch {
			case m == Exemption && (claim == nil || claim.Via != "exemption"):
				t.Fatalf("%v with an exemption says %+v", l, claim)
			case m == Exemption && !l.SecondFactor() && (claim.Method != "" || claim.VerifiedAt != 0):
				t.Fatalf("%v with an exemption says that something was proved: %+v", l, claim)
			case m == Pass && l.SecondFactor() && *claim != *former:
				t.Fatalf("%v with a pass says %+v, without %+v", l, claim, former)
			case m == Pass && !l.SecondFactor() && l.Has(Password) && (claim == nil || claim.Via != "ticket" || claim.VerifiedAt != noon.Unix()):
				t.Fatalf("%v with a pass says %+v", l, claim)
			case m == Pass && !l.Has(Password) && !l.SecondFactor() && claim != nil:
				t.Fatalf("%v with a pass and no password says %+v", l, claim)
			}
		}
	}
}
