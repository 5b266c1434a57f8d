package admin

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

const (
	// dashboardAge is how old the numbers of the dashboard may be: counting a million accounts takes longer than looking at it.
	dashboardAge = time.Minute
	// dashboardStale is how old they may be while newer ones are being counted, and dashboardPatience how long one waits for those.
	dashboardStale    = 15 * time.Minute
	dashboardPatience = 500 * time.Millisecond
	// tallyLimit is how long a count may take.
	tallyLimit = 5 * time.Minute
	// dashboardDays is how many days of sign-ins it shows, today included.
	dashboardDays = 30
	// settled is how long after its end a day may still be written to by transactions under way.
	settled = 2 * time.Minute
)

// Dashboard is how things stood at one moment, as far as an actor may see it.
type Dashboard struct {
	// At is when the numbers were counted.
	At time.Time
	// Accounts are not disabled; Enrolled of them have a second factor.
	Accounts, Enrolled int64
	// Methods count the accounts that have one set up.
	Methods []MethodCount
	// Surfaces say who could not sign in there if two factors were demanded now.
	Surfaces []SurfaceCount
	// Failed and Bounced count messages of the last 24 hours.
	Failed, Bounced int64
	// Resets7 and Resets30 count resets of the last so many days.
	Resets7, Resets30 int64
	// Days are the sign-ins of the last days, the oldest first, today last.
	Days []DayCount
	// Clients counts relying parties; nil for an actor who may not see them.
	Clients *store.CountClientsRow
}

// MethodCount is how many accounts have a method, and at how many of those addresses nothing arrives.
type MethodCount struct {
	Method            signin.Method
	Accounts, Bounced int64
}

// SurfaceCount is who a surface would stop if it enforced two factors now.
type SurfaceCount struct {
	ID       string
	Enforced bool
	// Accounts sign in here.
	Accounts int64
	// Unset of them have nothing set up, and would be asked to. Unreachable would do but for addresses at which nothing arrives, and
	// Unusable have only what is not accepted here, or closed.
	Unset, Unreachable, Unusable int64
	// Seen counts those of the three that signed in within the last 30 days, Never those that never did.
	Seen, Never int64
}

// Stopped counts the accounts that enforcement would stop until they set something up.
func (c SurfaceCount) Stopped() int64 { return c.Unset + c.Unreachable + c.Unusable }

// DayCount is one day's sign-ins and failed tries.
type DayCount struct {
	Day             time.Time
	SignIns, Failed int64
}

// counts are the numbers of one kind of account, or of nobody's.
type counts struct {
	accounts, enrolled, failed, bounced, resets7, resets30 int64
	methods                                                []store.CountFactorsByKindRow
	surfaces                                               []SurfaceCount
}

// tally is what was counted at one moment, by kind of account; what belongs to no account is under "".
type tally struct {
	at   time.Time
	of   map[string]*counts
	days []map[string]DayCount // by kind of actor, the oldest day first
}

// tallies keeps the newest tally, and the days that cannot change any more.
type tallies struct {
	mu     sync.Mutex
	newest *tally
	// running is the count under way; nil if there is none.
	running *counting
	// past belongs to the count under way.
	past map[time.Time]map[string]DayCount
}

// counting is one count; done is closed at its end.
type counting struct {
	done chan struct{}
	t    *tally
	err  error
}

// Dashboard returns numbers that are at most a minute old, without those of accounts that the actor may not see.
func (s *Service) Dashboard(ctx context.Context, actor Actor) (Dashboard, error) {
	actor, err := s.viewer(ctx, actor, mayView)
	if err != nil {
		return Dashboard{}, err
	}
	t, err := s.tally(ctx)
	if err != nil {
		return Dashboard{}, err
	}
	d, hidden := Dashboard{At: t.at}, hiddenKind(actor)
	methods := map[signin.Method]MethodCount{}
	for _, kind := range []string{account.KindStore, account.KindOperator, ""} {
		c := t.of[kind]
		if c == nil || hidden != "" && kind == hidden {
			continue
		}
		d.Accounts, d.Enrolled = d.Accounts+c.accounts, d.Enrolled+c.enrolled
		d.Failed, d.Bounced = d.Failed+c.failed, d.Bounced+c.bounced
		d.Surfaces = append(d.Surfaces, c.surfaces...)
		for _, row := range c.methods {
			m := methods[signin.Method(row.Kind)]
			m.Method, m.Accounts, m.Bounced = signin.Method(row.Kind), m.Accounts+row.Accounts, m.Bounced+row.Bounced
			methods[m.Method] = m
		}
		d.Resets7, d.Resets30 = d.Resets7+c.resets7, d.Resets30+c.resets30
	}
	for _, m := range signin.FactorMethods() {
		d.Methods = append(d.Methods, MethodCount{Method: m, Accounts: methods[m].Accounts, Bounced: methods[m].Bounced})
	}
	for _, day := range t.days {
		sum := DayCount{Day: day[""].Day}
		for kind, n := range day {
			if hidden == account.KindOperator && kind == string(audit.ByOperator) {
				continue
			}
			sum.SignIns, sum.Failed = sum.SignIns+n.SignIns, sum.Failed+n.Failed
		}
		d.Days = append(d.Days, sum)
	}
	if !actor.rights().has(mayManageClients) {
		return d, nil
	}
	clients, err := s.db.Read().CountClients(ctx, new(s.now())) // they are few
	if err != nil {
		return Dashboard{}, fmt.Errorf("count clients: %w", err)
	}
	d.Clients = &clients
	return d, nil
}

// tally returns numbers that are at most a minute old. Of many who ask at a time one counts; where that takes long, they get the
// numbers from before.
func (s *Service) tally(ctx context.Context) (*tally, error) {
	newest, run := s.counting(ctx)
	if run == nil {
		return newest, nil
	}
	var patience <-chan time.Time
	if newest != nil {
		timer := time.NewTimer(dashboardPatience)
		defer timer.Stop()
		patience = timer.C
	}
	select {
	case <-run.done:
		return run.t, run.err
	case <-patience:
		return newest, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// counting returns the newest numbers there are, and the count that will have newer ones; none if they are new enough. Numbers that are
// too old to be shown are none.
func (s *Service) counting(ctx context.Context) (*tally, *counting) {
	s.counted.mu.Lock()
	defer s.counted.mu.Unlock()
	now, newest := s.now(), s.counted.newest
	if newest != nil && now.Before(newest.at) {
		newest = nil
	}
	if newest != nil && now.Sub(newest.at) < dashboardAge {
		return newest, nil
	}
	if newest != nil && now.Sub(newest.at) >= dashboardStale {
		newest = nil
	}
	if s.counted.running == nil {
		run := &counting{done: make(chan struct{})}
		s.counted.running = run
		// Whoever asked first may go away: the others wait for the same numbers.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tallyLimit)
		go func() {
			defer cancel()
			run.t, run.err = s.count(ctx, now)
			s.counted.mu.Lock()
			defer s.counted.mu.Unlock()
			s.counted.running = nil
			if run.err == nil {
				s.counted.newest = run.t
			}
			close(run.done)
		}()
	}
	return newest, s.counted.running
}

func (s *Service) count(ctx context.Context, now time.Time) (*tally, error) {
	t := &tally{at: now, of: map[string]*counts{account.KindStore: {}, account.KindOperator: {}, "": {}}}
	for _, count := range []func(context.Context, *tally) error{s.countAccounts, s.countSurfaces, s.countMessages, s.countResets, s.countDays} {
		if err := count(ctx, t); err != nil {
			return nil, fmt.Errorf("count for the dashboard: %w", err)
		}
	}
	return t, nil
}

func (s *Service) countAccounts(ctx context.Context, t *tally) error {
	q := s.db.Read()
	for _, kind := range []string{account.KindStore, account.KindOperator} {
		var err error
		if t.of[kind].accounts, err = q.CountAccountsEnabled(ctx, kind); err != nil {
			return err
		}
	}
	rows, err := q.CountFactorsByKind(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if c := t.of[row.AccountKind]; c != nil {
			c.methods = append(c.methods, row)
			c.enrolled += row.Mains
		}
	}
	return nil
}

func (s *Service) countSurfaces(ctx context.Context, t *tally) error {
	q := s.db.Read()
	surfaces, err := q.ListSurfaces(ctx)
	if err != nil {
		return err
	}
	for _, row := range surfaces {
		c := t.of[row.AccountKind]
		if c == nil {
			continue
		}
		n, err := s.concerned(ctx, q, row)
		if err != nil {
			return err
		}
		c.surfaces = append(c.surfaces, SurfaceCount{
			ID: row.ID, Enforced: row.Enforced, Accounts: c.accounts, Unset: n.Unset, Unreachable: n.Unreachable, Unusable: n.Unusable,
			Seen: n.Seen, Never: n.Never,
		})
	}
	return nil
}

func (s *Service) countMessages(ctx context.Context, t *tally) error {
	rows, err := s.db.Read().CountTroubledMessages(ctx, t.at.Add(-24*time.Hour))
	if err != nil {
		return err
	}
	for _, row := range rows {
		c := t.of[row.AccountKind]
		switch {
		case c == nil:
		case row.State == delivery.StateBounced:
			c.bounced += row.Messages
		default:
			c.failed += row.Messages
		}
	}
	return nil
}

func (s *Service) countResets(ctx context.Context, t *tally) error {
	// Whose settings were reset is not in the index; who reset them is staff in any case.
	c := t.of[""]
	for days, n := range map[int]*int64{7: &c.resets7, 30: &c.resets30} {
		var err error
		if *n, err = s.countEvents(ctx, audit.FactorReset, audit.Success, audit.ByOperator, t.at.AddDate(0, 0, -days), t.at.Add(time.Second)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) countEvents(ctx context.Context, typ audit.Type, result audit.Result, by audit.ActorKind, since, until time.Time) (int64, error) {
	return s.db.Read().CountEventsOf(ctx, store.CountEventsOfParams{
		Type: string(typ), Result: string(result), ActorKind: string(by), Since: since, Until: until,
	})
}

// surfaceCount is what was counted of one surface; zero for one that is newer.
func (t *tally) surfaceCount(id string) SurfaceCount {
	for _, c := range t.of {
		for _, surface := range c.surfaces {
			if surface.ID == id {
				return surface
			}
		}
	}
	return SurfaceCount{ID: id}
}

// countDays counts the days in the service's zone. A day that is over is counted once.
func (s *Service) countDays(ctx context.Context, t *tally) error {
	local := t.at.In(s.zone)
	past := map[time.Time]map[string]DayCount{}
	for ago := dashboardDays - 1; ago >= 0; ago-- {
		begin := time.Date(local.Year(), local.Month(), local.Day()-ago, 0, 0, 0, 0, s.zone)
		end := time.Date(local.Year(), local.Month(), local.Day()-ago+1, 0, 0, 0, 0, s.zone)
		day, known := s.counted.past[begin.UTC()]
		if !known {
			var err error
			if day, err = s.countDay(ctx, begin, end); err != nil {
				return err
			}
		}
		if t.at.Sub(end) > settled {
			past[begin.UTC()] = day
		}
		t.days = append(t.days, day)
	}
	s.counted.past = past
	return nil
}

func (s *Service) countDay(ctx context.Context, begin, end time.Time) (map[string]DayCount, error) {
	day := map[string]DayCount{"": {Day: begin}}
	for _, kind := range []audit.ActorKind{audit.ByAccount, audit.ByOperator} {
		done, err := s.countEvents(ctx, audit.SignInComplete, audit.Success, kind, begin, end)
		if err != nil {
			return nil, err
		}
		failed, err := s.countEvents(ctx, audit.SignInFactor, audit.Failure, kind, begin, end)
		if err != nil {
			return nil, err
		}
		day[string(kind)] = DayCount{SignIns: done, Failed: failed}
	}
	// Whoever gave a wrong password is nobody yet.
	failed, err := s.countEvents(ctx, audit.SignInPassword, audit.Failure, audit.ByAnonymous, begin, end)
	if err != nil {
		return nil, err
	}
	day[string(audit.ByAnonymous)] = DayCount{Failed: failed}
	return day, nil
}
