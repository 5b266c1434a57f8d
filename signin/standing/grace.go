package standing

import (
	"time"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// day is how long one day of grace lasts.
const day = 24 * time.Hour

// Grace is the time in which an account may put off the set-up that its surface alone demands. The zero Grace is none.
type Grace struct {
	// Days are left, the one that has begun included; all of them before the first.
	Days int
	// Until is when they end; zero until the person put the set-up off for the first time.
	Until time.Time
}

// Running reports whether the days have begun and are not over.
func (g Grace) Running() bool { return !g.Until.IsZero() }

// GraceOf is what an account has left on a surface. The days belong to one enforcement: when it is switched on anew, they begin
// anew. An account whose own switch demands a second factor has none, as nothing changed for it.
func GraceOf(surface store.Surface, a store.Account, now time.Time) Grace {
	if !surface.Enforced || surface.EnforcedSince == nil || surface.GraceDays <= 0 || a.Demands(false) {
		return Grace{}
	}
	if a.GraceFrom == nil || a.GraceUntil == nil || a.GraceFrom.Before(*surface.EnforcedSince) {
		return Grace{Days: int(min(surface.GraceDays, signin.MaxGraceDays))}
	}
	left := a.GraceUntil.Sub(now)
	if left <= 0 {
		return Grace{}
	}
	return Grace{Days: int((left + day - 1) / day), Until: *a.GraceUntil}
}

// End is when the days end of an account that puts its set-up off now.
func (g Grace) End(now time.Time) time.Time {
	if g.Running() {
		return g.Until
	}
	return now.Add(time.Duration(g.Days) * day)
}

// Suffices reports whether what a grant rests on is what its surface demands of the account now. Proofs do not grow old here: a
// grant has limits of its own.
func Suffices(surface store.Surface, a store.Account, evidence signin.EvidenceList, now time.Time) bool {
	policy := SurfacePolicy(surface, a, now)
	grace := GraceOf(surface, a, now)
	policy.MayPostpone = grace.Running()
	state := signin.State{Account: true, Enrolled: !grace.Running(), Postponed: grace.Running(), Evidence: evidence}
	return signin.Next(state, policy) == signin.StepIssue
}

// Announced is the day from which a surface's enforcement is announced; zero if none is, it is enforced already, or the day is over.
func Announced(surface store.Surface, now time.Time) time.Time {
	if surface.Enforced || surface.AnnouncedFor == nil || !now.Before(surface.AnnouncedFor.Add(day)) {
		return time.Time{}
	}
	return *surface.AnnouncedFor
}
