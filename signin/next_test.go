package signin

import (
	"slices"
	"strings"
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
		{"consent is asked for when everything is proved", State{Account: true, Evidence: proofs(Password, Email), Enrolled: true, Factors: []Method{Email}, ConsentDue: true}, Policy{TwoFactor: true}, StepConsent},
		{"consent does not come before the second factor", State{Account: true, Evidence: proofs(Password), Enrolled: true, Factors: []Method{Email}, ConsentDue: true}, Policy{TwoFactor: true}, StepChallenge},
		{"nor before the codes are saved", State{Account: true, Evidence: proofs(Password, Email), Enrolled: true, BackupCodesToShow: true, ConsentDue: true}, Policy{TwoFactor: true}, StepShowBackupCodes},
		{"nor before the password", State{ConsentDue: true}, Policy{}, StepPassword},
		{"nor is it asked for where the level cannot be reached", State{Account: true, Evidence: proofs(Password, Email), Enrolled: true, Factors: []Method{Email}, ConsentDue: true}, Policy{RequiredLevel: Level2FA}, StepUnmet},
		{"a second factor alone is nothing", State{Account: true, Evidence: proofs(Email)}, Policy{TwoFactor: true}, StepPassword},
		{"I3: a locked factor does not open the set-up", State{Account: true, Evidence: proofs(Password), Enrolled: true}, Policy{TwoFactor: true}, StepChallenge},
		{"prompt=login: old password does not count", State{Account: true, Evidence: proofs(Password)}, Policy{EvidenceAfter: noon.Add(time.Second)}, StepPassword},
		{"max_age: old second factor does not count", State{Account: true, Enrolled: true, Factors: []Method{Email}, Evidence: EvidenceList{{Method: Email, At: noon}, {Method: Password, At: noon.Add(time.Hour)}}}, Policy{TwoFactor: true, EvidenceAfter: noon.Add(time.Minute)}, StepChallenge},
		{"step-up to 2fa-email without a factor sets one up", State{Account: true, Evidence: proofs(Password)}, Policy{RequiredLevel: Level2FAEmail}, StepSetUpFactor},
		{"step-up to 2fa by backup code", State{Account: true, Evidence: proofs(Password, Email), Enrolled: true, Factors: []Method{Email, Backup}}, Policy{RequiredLevel: Level2FA}, StepChallenge},
		{"2fa cannot be reached by email alone", State{Account: true, Evidence: proofs(Password, Email), Enrolled: true, Factors: []Method{Email}}, Policy{RequiredLevel: Level2FA}, StepUnmet},
		{"2fa without a factor sets one up", State{Account: true, Evidence: proofs(Password)}, Policy{RequiredLevel: Level2FA}, StepSetUpFactor},
		{"2fa cannot be set up where only email is allowed", State{Account: true, Evidence: proofs(Password)}, Policy{RequiredLevel: Level2FA, Allowed: []Method{Email}}, StepUnmet},
		{"an app proved where only passkeys are allowed", State{Account: true, Evidence: proofs(Password, TOTP), Enrolled: true, Factors: []Method{TOTP, Passkey}}, Policy{TwoFactor: true, Allowed: []Method{Passkey}}, StepChallenge},
		{"no factor that is allowed: the page says whom to ask", State{Account: true, Evidence: proofs(Password), Enrolled: true, Factors: []Method{Email}}, Policy{TwoFactor: true, Allowed: []Method{TOTP}}, StepChallenge},
		{"a surface that wants 2fa is not content with email", State{Account: true, Evidence: proofs(Password, Email), Enrolled: true, Factors: []Method{Email, TOTP}}, Policy{TwoFactor: true, SecondLevel: Level2FA}, StepChallenge},
		{"passkey that verified its user needs no password", State{Account: true, Evidence: EvidenceList{{Method: Passkey, At: noon, UserVerified: true}}, Enrolled: true}, Policy{TwoFactor: true}, StepIssue},
		{"passkey that verified nobody does", State{Account: true, Evidence: proofs(Passkey), Enrolled: true}, Policy{TwoFactor: true}, StepPassword},
		{"I12: a trusted device spares the account's own demand", State{Account: true, Evidence: EvidenceList{{Method: Password, At: noon}, {Method: TrustedDevice, At: noon, Stands: Email}}, Enrolled: true, Factors: []Method{Email}}, Policy{TwoFactor: true, TrustDevices: true}, StepIssue},
		{"I12: not on a surface without trust", State{Account: true, Evidence: EvidenceList{{Method: Password, At: noon}, {Method: TrustedDevice, At: noon, Stands: Email}}, Enrolled: true, Factors: []Method{Email}}, Policy{TwoFactor: true}, StepChallenge},
		{"I12: not for a level above 1fa", State{Account: true, Evidence: EvidenceList{{Method: Password, At: noon}, {Method: TrustedDevice, At: noon, Stands: TOTP}}, Enrolled: true, Factors: []Method{TOTP}}, Policy{TwoFactor: true, TrustDevices: true, RequiredLevel: Level2FAEmail}, StepChallenge},
		{"I12: not for a change of security settings", State{Account: true, Evidence: EvidenceList{{Method: Password, At: noon}, {Method: TrustedDevice, At: noon, Stands: TOTP}}, Enrolled: true, Factors: []Method{TOTP}}, Policy{TwoFactor: true, TrustDevices: true, AllFactors: true}, StepChallenge},
		{"I12: not if what it stands for would not do", State{Account: true, Evidence: EvidenceList{{Method: Password, At: noon}, {Method: TrustedDevice, At: noon, Stands: Email}}, Enrolled: true, Factors: []Method{Email, TOTP}}, Policy{TwoFactor: true, TrustDevices: true, SecondLevel: Level2FA}, StepChallenge},
		{"where nobody asked for more than a password, the page says what cannot be done", State{Account: true, Evidence: proofs(Password), Enrolled: true, Factors: []Method{Email}}, Policy{TwoFactor: true, RequiredLevel: Level1FA, Allowed: []Method{TOTP}}, StepChallenge},
		{"a set-up without a choice, where nobody asked for one", State{Account: true, Evidence: proofs(Password)}, Policy{TwoFactor: true, Allowed: []Method{SMS}, Missing: []Method{SMS}}, StepSetUpFactor},
		{"phr cannot be set up without passkeys", State{Account: true, Evidence: proofs(Password)}, Policy{RequiredLevel: LevelPHR, Missing: []Method{Passkey}}, StepUnmet},
		{"phr cannot be proved without passkeys", State{Account: true, Evidence: proofs(Password), Enrolled: true, Factors: []Method{TOTP, Passkey}}, Policy{RequiredLevel: LevelPHR, Missing: []Method{Passkey}}, StepUnmet},
		{"what was proved by a method that is missing now counts", State{Account: true, Evidence: proofs(Password, SMS), Enrolled: true, Factors: []Method{SMS}}, Policy{TwoFactor: true, RequiredLevel: Level2FA, Missing: []Method{SMS}}, StepIssue},
		{"phr cannot be reached", State{Account: true, Evidence: proofs(Password), Enrolled: true, Factors: []Method{Email, Backup}}, Policy{RequiredLevel: LevelPHR}, StepUnmet},
		{"grace: the set-up is asked for until it is put off", State{Account: true, Evidence: proofs(Password)}, Policy{TwoFactor: true, MayPostpone: true}, StepSetUpFactor},
		{"grace: put off, the password is enough", State{Account: true, Evidence: proofs(Password), Postponed: true}, Policy{TwoFactor: true, MayPostpone: true}, StepIssue},
		{"grace: its days are over", State{Account: true, Evidence: proofs(Password), Postponed: true}, Policy{TwoFactor: true}, StepSetUpFactor},
		{"grace: not for a level that was asked for", State{Account: true, Evidence: proofs(Password), Postponed: true}, Policy{TwoFactor: true, MayPostpone: true, RequiredLevel: Level2FAEmail}, StepSetUpFactor},
		{"grace: not for somebody with a factor", State{Account: true, Evidence: proofs(Password), Postponed: true, Enrolled: true, Factors: []Method{Email}}, Policy{TwoFactor: true, MayPostpone: true}, StepChallenge},
		{"grace: not without a password", State{Account: true, Postponed: true}, Policy{TwoFactor: true, MayPostpone: true}, StepPassword},
		{"M23: fresh proof wants the enrolled factor too", State{Account: true, Evidence: proofs(Password), Enrolled: true, Factors: []Method{Email}}, Policy{AllFactors: true}, StepChallenge},
		{"after a reset the set-up asks for a ticket", State{Account: true, Evidence: proofs(Password), TicketDemanded: true}, Policy{TwoFactor: true}, StepTicket},
		{"with a ticket it goes on", State{Account: true, Evidence: proofs(Password, Ticket), TicketDemanded: true}, Policy{TwoFactor: true, Allowed: []Method{TOTP}}, StepSetUpFactor},
		{"a ticket from before this sign-in does not count", State{Account: true, Evidence: EvidenceList{{Method: Ticket, At: noon}, {Method: Password, At: noon.Add(time.Hour)}}, TicketDemanded: true}, Policy{TwoFactor: true, SetUpAfter: noon.Add(time.Minute)}, StepTicket},
		{"a ticket is no password", State{Account: true, Evidence: proofs(Ticket), TicketDemanded: true}, Policy{TwoFactor: true}, StepPassword},
		{"a ticket is no second factor", State{Account: true, Evidence: proofs(Password, Ticket), TicketDemanded: true, Enrolled: true, Factors: []Method{Email}}, Policy{TwoFactor: true}, StepChallenge},
		{"who has set up again is asked for that", State{Account: true, Evidence: proofs(Password), TicketDemanded: true, Enrolled: true, Factors: []Method{Email}}, Policy{TwoFactor: true}, StepChallenge},
		{"where the password is enough no ticket is asked for", State{Account: true, Evidence: proofs(Password), TicketDemanded: true}, Policy{}, StepIssue},
		{"but for a change of security settings", State{Account: true, Evidence: proofs(Password), TicketDemanded: true}, Policy{AllFactors: true}, StepTicket},
		{"a level that nobody can reach is for the application to hear of", State{Account: true, Evidence: proofs(Password), TicketDemanded: true}, Policy{RequiredLevel: LevelPHR, Missing: []Method{Passkey}}, StepUnmet},
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

// everyProof is one proof of each sort.
func everyProof() EvidenceList {
	return EvidenceList{
		{Method: Password, At: noon},
		{Method: Email, At: noon},
		{Method: SMS, At: noon},
		{Method: TOTP, At: noon},
		{Method: Backup, At: noon},
		{Method: Passkey, At: noon},
		{Method: Passkey, At: noon, UserVerified: true},
		{Method: TrustedDevice, At: noon, Stands: Email, ProvedAt: noon.Add(-time.Hour)},
		{Method: Ticket, At: noon},
	}
}

// TestI1_IssueOnlyWhatWasProved walks every combination of state and policy and holds each against the invariants in words
// that share nothing with Next.
func TestI1_IssueOnlyWhatWasProved(t *testing.T) {
	all := everyProof()
	n := 0
	for mask := range 1 << len(all) {
		var evidence EvidenceList
		for i, e := range all {
			if mask&(1<<i) != 0 {
				evidence = append(evidence, e)
			}
		}
		for bits := range 1 << 9 {
			on := func(i int) bool { return bits&(1<<i) != 0 }
			for _, required := range []Level{LevelNone, Level1FA, Level2FAEmail, Level2FA, LevelPHR} {
				for _, after := range []time.Time{{}, noon.Add(time.Second)} {
					for _, allowed := range [][]Method{nil, {TOTP, Passkey}} {
						s := State{Account: on(0), Evidence: evidence, Enrolled: on(1), BackupCodesToShow: on(2), TicketDemanded: on(7), Postponed: on(8)}
						if on(1) && on(3) {
							s.Factors = []Method{Email, TOTP, Backup}
						}
						p := Policy{
							TwoFactor: on(4), AllFactors: on(5), TrustDevices: on(6), MayPostpone: allowed == nil, RequiredLevel: required,
							EvidenceAfter: after, Allowed: allowed,
						}
						n++
						holdStep(t, Next(s, p), s, p)
					}
				}
			}
		}
	}
	t.Logf("%d combinations", n)
}

// holdStep says in its own words what a step may be.
func holdStep(t *testing.T, step Step, s State, p Policy) {
	t.Helper()
	has := func(m Method, verified bool) bool {
		if p.EvidenceAfter.After(noon) || p.Allowed != nil && m != Password && m != Backup && m != TrustedDevice && m != Ticket && m != TOTP && m != Passkey {
			return false
		}
		for _, e := range s.Evidence {
			if e.Method == m && (e.UserVerified || !verified) {
				return true
			}
		}
		return false
	}
	password, verified := has(Password, false), has(Passkey, true)
	known := password || verified
	app := password && (has(SMS, false) || has(TOTP, false) || has(Backup, false))
	phr := verified || password && has(Passkey, false)
	second := phr || app || password && has(Email, false)
	device := password && has(TrustedDevice, false) && p.TrustDevices && p.Allowed == nil
	later := s.Postponed && p.MayPostpone && !s.Enrolled && p.RequiredLevel <= Level1FA
	fail := func(what string) { t.Helper(); t.Fatalf("%v, %s: %+v %+v", step, what, s, p) }
	switch step {
	case StepIssue:
		switch {
		case !s.Account || !known || s.BackupCodesToShow:
			fail("issued to nobody or before the codes")
		case p.AllFactors && s.TicketDemanded && !s.Enrolled && !has(Ticket, false):
			fail("security settings of an account that was reset, for whoever holds the password")
		case p.AllFactors && s.Enrolled && !second:
			fail("issued without fresh proof of a factor")
		case p.TwoFactor && !second && !later && !(device && !p.AllFactors && p.RequiredLevel <= Level1FA):
			fail("issued without a second factor")
		case p.RequiredLevel == Level2FAEmail && !second, p.RequiredLevel == Level2FA && !app && !phr, p.RequiredLevel == LevelPHR && !phr:
			fail("issued below the level asked for")
		}
	case StepSetUpFactor:
		if s.Enrolled || !password {
			fail("set-up with a factor or without a password")
		}
		if s.TicketDemanded && !has(Ticket, false) {
			fail("set-up without the ticket that is demanded")
		}
	case StepTicket:
		if s.Enrolled || !known || !s.TicketDemanded || has(Ticket, false) {
			fail("ticket of somebody who needs none or gave it, or without a password")
		}
	case StepChallenge, StepShowBackupCodes, StepUnmet:
		if !s.Account || !known {
			fail("before anything was proved")
		}
		if step == StepChallenge && !s.Enrolled {
			fail("challenge of an account without factor")
		}
	case StepPassword:
		if s.Account && known {
			fail("password asked again")
		}
	default:
		fail("unknown step")
	}
}

// TestI1_TokensSayWhatWasProved is the table of the specification, row by row.
func TestI1_TokensSayWhatWasProved(t *testing.T) {
	password := Evidence{Method: Password, At: noon}
	by := func(m Method) Evidence { return Evidence{Method: m, At: noon.Add(time.Minute)} }
	key := func(verified, synced bool) Evidence {
		return Evidence{Method: Passkey, At: noon.Add(time.Minute), UserVerified: verified, Synced: synced}
	}
	device := Evidence{Method: TrustedDevice, At: noon.Add(time.Minute), Stands: TOTP, ProvedAt: noon.Add(-time.Hour)}
	tests := []struct {
		name     string
		evidence EvidenceList
		amr, acr string
		via      string
		method   Method
	}{
		{"nothing", nil, "", "", "", ""},
		{"email alone", EvidenceList{by(Email)}, "", "", "", ""},
		{"security key alone", EvidenceList{key(false, false)}, "", "", "", ""},
		{"trusted device alone", EvidenceList{device}, "", "", "", ""},
		{"password", EvidenceList{password}, "pwd", "urn:futakagi:acr:1fa", "", ""},
		{"password and trusted device", EvidenceList{password, device}, "pwd rba", "urn:futakagi:acr:1fa", "trusted_device", TOTP},
		{"password and email", EvidenceList{password, by(Email)}, "pwd mca mfa", "urn:futakagi:acr:2fa-email", "code", Email},
		{"password and SMS", EvidenceList{password, by(SMS)}, "pwd sms mca mfa", "urn:futakagi:acr:2fa", "code", SMS},
		{"password and app", EvidenceList{password, by(TOTP)}, "pwd otp mfa", "urn:futakagi:acr:2fa", "code", TOTP},
		{"password and backup code", EvidenceList{password, by(Backup)}, "pwd otp mfa", "urn:futakagi:acr:2fa", "backup", Backup},
		{"the stronger of two", EvidenceList{password, by(Backup), by(Email)}, "pwd otp mfa", "urn:futakagi:acr:2fa", "backup", Backup},
		{"a device beside a factor", EvidenceList{password, device, by(Email)}, "pwd mca mfa", "urn:futakagi:acr:2fa-email", "code", Email},
		{"password and security key", EvidenceList{password, key(false, false)}, "pwd pop user mfa", "phr", "passkey", Passkey},
		{"passkey that verified its user", EvidenceList{key(true, false)}, "pop user mfa", "phr", "passkey", Passkey},
		{"synced passkey", EvidenceList{key(true, true)}, "pop user mfa swk", "phr", "passkey", Passkey},
		{"password and ticket", EvidenceList{password, by(Ticket)}, "pwd", "urn:futakagi:acr:1fa", "", ""},
		{"email set up on a ticket", EvidenceList{password, {Method: Email, At: noon.Add(time.Minute), Ticketed: true}}, "pwd mca mfa", "urn:futakagi:acr:2fa-email", "ticket", Email},
		{"password and synced passkey", EvidenceList{password, key(true, true)}, "pwd pop user mfa swk", "phr", "passkey", Passkey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(tt.evidence.AMR(true), " "); got != tt.amr {
				t.Errorf("amr %q, want %q", got, tt.amr)
			}
			if got := tt.evidence.Level().ACR(); got != tt.acr {
				t.Errorf("acr %q, want %q", got, tt.acr)
			}
			var via string
			var method Method
			if c := tt.evidence.TwoFactor(); c != nil {
				via, method = c.Via, Method(c.Method)
			}
			if via != tt.via || method != tt.method {
				t.Errorf("claim %s via %q, want %s via %q", method, via, tt.method, tt.via)
			}
		})
	}
}

// TestI1_MailCanBeKeptOutOfMFA is the setting for those who follow NIST SP 800-63B-4 §3.1.3.1 to the letter.
func TestI1_MailCanBeKeptOutOfMFA(t *testing.T) {
	for _, tt := range []struct {
		method    Method
		with, not string
	}{
		{Email, "pwd mca mfa", "pwd mca"}, {SMS, "pwd sms mca mfa", "pwd sms mca mfa"}, {TOTP, "pwd otp mfa", "pwd otp mfa"},
	} {
		l := proofs(Password, tt.method)
		if got := strings.Join(l.AMR(true), " "); got != tt.with {
			t.Errorf("%s: amr %q, want %q", tt.method, got, tt.with)
		}
		if got := strings.Join(l.AMR(false), " "); got != tt.not {
			t.Errorf("%s: amr %q without mail as a factor, want %q", tt.method, got, tt.not)
		}
	}
}

func TestWithKeepsWhatSaysMore(t *testing.T) {
	verified := Evidence{Method: Passkey, At: noon, UserVerified: true}
	touched := Evidence{Method: Passkey, At: noon.Add(time.Minute)}
	if l := (EvidenceList{verified}).With(touched); l.Level() != LevelPHR || len(l) != 2 {
		t.Errorf("a touch took away what a verified passkey proved: %+v", l)
	}
	if l := (EvidenceList{touched}).With(verified); len(l) != 1 || !l[0].UserVerified {
		t.Errorf("with: %+v", l)
	}
	if l := proofs(Password, Email).With(Evidence{Method: Email, At: noon.Add(time.Hour)}); len(l) != 2 {
		t.Errorf("an older proof by the same method stayed: %+v", l)
	}
}

func TestBesideTakesNothingAway(t *testing.T) {
	at := func(m Method, minute int) Evidence {
		return Evidence{Method: m, At: noon.Add(time.Duration(minute) * time.Minute)}
	}
	touched, verified := at(Passkey, 2), at(Passkey, 1)
	verified.UserVerified = true
	for _, tt := range []struct{ name, want string }{
		{"nothing", ""}, {"one", "password"}, {"other", "password email"}, {"both", "email password"}, {"passkeys", "passkey passkey totp"},
	} {
		lists := map[string][2]EvidenceList{
			"nothing":  {},
			"one":      {{at(Password, 0)}, nil},
			"other":    {nil, {at(Password, 0), at(Email, 1)}},
			"both":     {{at(Password, 0), at(Email, 2)}, {at(Password, 3), at(Email, 1)}},
			"passkeys": {{touched, at(TOTP, 3)}, {verified, touched}},
		}[tt.name]
		for i := range lists {
			var got []string
			for _, e := range lists[i].Beside(lists[1-i]) {
				got = append(got, string(e.Method))
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, s, tt.want)
			}
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
