package signin

import (
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func proofs(ms ...Method) EvidenceList {
	var l EvidenceList
	for i, m := range ms {
		l = l.With(Evidence{Method: m, At: noon.Add(time.Duration(i) * time.Minute)})
	}
	return l
}

func TestNext(t *testing.T) {
	tests := []struct {
		name   string
		state  State
		policy Policy
		want   Step
	}{
		{"nobody", State{}, Policy{}, StepPassword},
		{"nobody, evidence of a dropped person", State{Evidence: proofs(Password, Email)}, Policy{}, StepPassword},
		{"M4: switch off, password is enough", State{Account: true, Evidence: proofs(Password)}, Policy{}, StepIssue},
		{"M14: required, nothing set up", State{Account: true, Evidence: proofs(Password)}, Policy{TwoFactor: true}, StepSetUpFactor},
		{"M14: required, set up", State{Account: true, Evidence: proofs(Password), Enrolled: true, Factors: []Method{Email}}, Policy{TwoFactor: true}, StepChallenge},
		{"required and proved", State{Account: true, Evidence: proofs(Password, Email), Enrolled: true, Factors: []Method{Email}}, Policy{TwoFactor: true}, StepIssue},
		{"M17: codes are shown before the sign-in goes on", State{Account: true, Evidence: proofs(Password, Email), Enrolled: true, BackupCodesToShow: true}, Policy{TwoFactor: true}, StepShowBackupCodes},
		{"codes do not come before the password", State{Account: true, Evidence: proofs(Email), BackupCodesToShow: true}, Policy{}, StepPassword},
		{"a second factor alone is nothing", State{Account: true, Evidence: proofs(Email)}, Policy{TwoFactor: true}, StepPassword},
		{"I3: a locked factor does not open the set-up", State{Account: true, Evidence: proofs(Password), Enrolled: true}, Policy{TwoFactor: true}, StepChallenge},
		{"prompt=login: old password does not count", State{Account: true, Evidence: proofs(Password)}, Policy{EvidenceAfter: noon.Add(time.Second)}, StepPassword},
		{"max_age: old second factor does not count", State{Account: true, Enrolled: true, Factors: []Method{Email}, Evidence: EvidenceList{{Method: Email, At: noon}, {Method: Password, At: noon.Add(time.Hour)}}}, Policy{TwoFactor: true, EvidenceAfter: noon.Add(time.Minute)}, StepChallenge},
		{"step-up to 2fa-email without a factor sets one up", State{Account: true, Evidence: proofs(Password)}, Policy{RequiredLevel: Level2FAEmail}, StepSetUpFactor},
		{"step-up to 2fa by backup code", State{Account: true, Evidence: proofs(Password, Email), Enrolled: true, Factors: []Method{Email, Backup}}, Policy{RequiredLevel: Level2FA}, StepChallenge},
		{"2fa cannot be reached by email alone", State{Account: true, Evidence: proofs(Password, Email), Enrolled: true, Factors: []Method{Email}}, Policy{RequiredLevel: Level2FA}, StepUnmet},
		{"2fa cannot be reached by setting up email", State{Account: true, Evidence: proofs(Password)}, Policy{RequiredLevel: Level2FA}, StepUnmet},
		{"phr cannot be reached", State{Account: true, Evidence: proofs(Password), Enrolled: true, Factors: []Method{Email, Backup}}, Policy{RequiredLevel: LevelPHR}, StepUnmet},
		{"M23: fresh proof wants the enrolled factor too", State{Account: true, Evidence: proofs(Password), Enrolled: true, Factors: []Method{Email}}, Policy{AllFactors: true}, StepChallenge},
		{"M23: fresh proof without a factor is the password", State{Account: true, Evidence: proofs(Password)}, Policy{AllFactors: true}, StepIssue},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Next(tt.state, tt.policy); got != tt.want {
				t.Errorf("Next = %v, want %v", got, tt.want)
			}
		})
	}
}

// TestI1_IssueOnlyWhatWasProved walks every combination of state and policy and holds each against the invariants in words
// that share nothing with Next.
func TestI1_IssueOnlyWhatWasProved(t *testing.T) {
	methods := []Method{Password, Email, Backup}
	n := 0
	for mask := range 1 << len(methods) {
		var evidence EvidenceList
		for i, m := range methods {
			if mask&(1<<i) != 0 {
				evidence = append(evidence, Evidence{Method: m, At: noon})
			}
		}
		for bits := range 1 << 6 {
			on := func(i int) bool { return bits&(1<<i) != 0 }
			for _, required := range []Level{LevelNone, Level1FA, Level2FAEmail, Level2FA, LevelPHR} {
				for _, after := range []time.Time{{}, noon, noon.Add(time.Second)} {
					s := State{Account: on(0), Evidence: evidence, Enrolled: on(1), BackupCodesToShow: on(2)}
					if on(1) && on(3) {
						s.Factors = []Method{Email, Backup}
					}
					p := Policy{TwoFactor: on(4), AllFactors: on(5), RequiredLevel: required, EvidenceAfter: after}
					n++
					step := Next(s, p)
					counts := !after.After(noon)
					password := counts && evidence.Has(Password)
					second := counts && (evidence.Has(Email) || evidence.Has(Backup))
					switch step {
					case StepIssue:
						if !s.Account || !password || s.BackupCodesToShow {
							t.Fatalf("issued without a password or before the codes: %+v %+v", s, p)
						}
						if (p.TwoFactor || p.AllFactors && s.Enrolled || required >= Level2FAEmail) && !second {
							t.Fatalf("issued without a second factor: %+v %+v", s, p)
						}
						if required == Level2FA && !evidence.Has(Backup) || required == LevelPHR {
							t.Fatalf("issued below the level asked for: %+v %+v", s, p)
						}
					case StepSetUpFactor:
						if s.Enrolled || !password {
							t.Fatalf("set-up with a factor or without a password: %+v %+v", s, p)
						}
					case StepChallenge, StepShowBackupCodes, StepUnmet:
						if !s.Account || !password {
							t.Fatalf("%v before the password: %+v %+v", step, s, p)
						}
					case StepPassword:
						if s.Account && password {
							t.Fatalf("password asked again: %+v %+v", s, p)
						}
					default:
						t.Fatalf("unknown step %v", step)
					}
				}
			}
		}
	}
	t.Logf("%d combinations", n)
}

func TestI1_TokensSayWhatWasProved(t *testing.T) {
	tests := []struct {
		methods []Method
		amr     []string
		acr     string
		via     string
	}{
		{nil, nil, "", ""},
		{[]Method{Email}, nil, "", ""},
		{[]Method{Password}, []string{"pwd"}, "urn:futakagi:acr:1fa", ""},
		{[]Method{Password, Email}, []string{"pwd", "mca", "mfa"}, "urn:futakagi:acr:2fa-email", "code"},
		{[]Method{Password, Backup}, []string{"pwd", "otp", "mfa"}, "urn:futakagi:acr:2fa", "backup"},
		{[]Method{Password, Backup, Email}, []string{"pwd", "otp", "mfa"}, "urn:futakagi:acr:2fa", "backup"},
	}
	for _, tt := range tests {
		l := proofs(tt.methods...)
		if got := l.AMR(); !slices.Equal(got, tt.amr) {
			t.Errorf("%v: amr %v, want %v", tt.methods, got, tt.amr)
		}
		if got := l.Level().ACR(); got != tt.acr {
			t.Errorf("%v: acr %q, want %q", tt.methods, got, tt.acr)
		}
		via := ""
		if c := l.TwoFactor(); c != nil {
			via = c.Via
		}
		if via != tt.via {
			t.Errorf("%v: via %q, want %q", tt.methods, via, tt.via)
		}
	}
}

func TestAuthTimeIsTheOldestProofTheLevelRestsOn(t *testing.T) {
	l := EvidenceList{{Method: Email, At: noon}, {Method: Password, At: noon.Add(time.Hour)}}
	if got := l.AuthTime(); !got.Equal(noon) {
		t.Errorf("auth_time %v, want the older email proof %v", got, noon)
	}
	if got := l.Since(noon.Add(time.Minute)).AuthTime(); !got.Equal(noon.Add(time.Hour)) {
		t.Errorf("auth_time %v once the email proof does not count", got)
	}
}

func TestRequestedLevel(t *testing.T) {
	for in, want := range map[string]Level{
		"":                          LevelNone,
		"phr":                       LevelPHR,
		"urn:futakagi:acr:2fa":      Level2FA,
		"phr urn:futakagi:acr:2fa":  Level2FA,
		"urn:example:silver phr":    LevelPHR,
		"urn:example:silver":        LevelNone,
		"urn:futakagi:acr:1fa  phr": Level1FA,
	} {
		if got := RequestedLevel(in); got != want {
			t.Errorf("RequestedLevel(%q) = %v, want %v", in, got, want)
		}
	}
}

func TestEvidenceRoundTrip(t *testing.T) {
	l := proofs(Password, Email)
	got, err := ParseEvidence(l.Encode())
	if err != nil || !slices.EqualFunc(got, l, func(a, b Evidence) bool { return a.Method == b.Method && a.At.Equal(b.At) }) {
		t.Fatalf("round trip gave %v, %v", got, err)
	}
	if string(EvidenceList(nil).Encode()) != "[]" {
		t.Error("an empty list must be a JSON array")
	}
	if _, err := ParseEvidence([]byte("{")); err == nil {
		t.Error("broken JSON was accepted")
	}
}
