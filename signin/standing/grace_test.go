package standing_test

import (
	"testing"
	"time"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
)

// TestGrace says who may put a set-up off, for how long, and that nothing but enforcement can be put off.
func TestGrace(t *testing.T) {
	const day = 24 * time.Hour
	since := time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)
	surface := store.Surface{ID: "store", Enforced: true, EnforcedSince: &since, GraceDays: 7}
	begun := func(from, until time.Duration) store.Account {
		f, u := since.Add(from), since.Add(until)
		return store.Account{TwoFactor: store.TwoFactorDontUse, GraceFrom: &f, GraceUntil: &u}
	}
	fresh := store.Account{TwoFactor: store.TwoFactorDontUse}
	lifted, none, unknown := surface, surface, surface
	lifted.Enforced, lifted.EnforcedSince = false, nil
	none.GraceDays, unknown.EnforcedSince = 0, nil
	for _, tt := range []struct {
		name    string
		surface store.Surface
		account store.Account
		at      time.Duration
		days    int
		running bool
	}{
		{"before the first sign-in, however late", surface, fresh, 300 * day, 7, false},
		{"the first day", surface, begun(0, 7*day), time.Hour, 7, true},
		{"the last day", surface, begun(0, 7*day), 6*day + time.Hour, 1, true},
		{"to the very end", surface, begun(0, 7*day), 7*day - 1, 1, true},
		{"over", surface, begun(0, 7*day), 7 * day, 0, false},
		{"somebody who had a factor, or was reset", surface, begun(day, day), 2 * day, 0, false},
		{"of a former enforcement", surface, begun(-30*day, -23*day), 0, 7, false},
		{"of a former enforcement, not over", surface, begun(-day, 6*day), 0, 7, false},
		{"no days", none, fresh, 0, 0, false},
		{"no days any more", none, begun(0, 7*day), 0, 0, false},
		{"not enforced", lifted, fresh, 0, 0, false},
		{"enforced since nobody knows when", unknown, fresh, 0, 0, false},
		{"the account's own switch", surface, store.Account{TwoFactor: store.TwoFactorUse}, 0, 0, false},
	} {
		now := since.Add(tt.at)
		g := standing.GraceOf(tt.surface, tt.account, now)
		if g.Days != tt.days || g.Running() != tt.running {
			t.Errorf("%s: %d days, running %v", tt.name, g.Days, g.Running())
		}
		password := signin.EvidenceList{{Method: signin.Password, At: now}}
		enough := tt.running || !tt.account.Demands(tt.surface.Enforced)
		if got := standing.Suffices(tt.surface, tt.account, password, now); got != enough {
			t.Errorf("%s: the password suffices for a grant: %v", tt.name, got)
		}
	}
}
