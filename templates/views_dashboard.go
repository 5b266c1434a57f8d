package templates

import (
	"strconv"
	"strings"
)

// DashboardView is the console's first page: how things stood at one moment.
type DashboardView struct {
	At, ISO string
	// Accounts are not disabled; Enrolled of them have a second factor.
	Accounts, Enrolled int64
	Methods            []DashboardMethod
	Surfaces           []DashboardSurface
	// Failed and Bounced are messages of the last 24 hours; Resets7 and Resets30 resets of the last days.
	Failed, Bounced, Resets7, Resets30 int64
	// Days are the oldest first, today last.
	Days []DashboardDay
	// Clients are the applications; nil hides them.
	Clients *DashboardClients

	// Waiting are requests of others for a second operator, Ready the operator's own that were approved.
	Waiting, Ready int
	ApprovalsURL   string

	CustomersURL, FailedURL, BouncedURL, ResetsURL, SettingsURL string
}

// DashboardMethod is how many accounts have a method, and at how many of those addresses nothing arrives.
type DashboardMethod struct {
	Kind              string
	Accounts, Bounced int64
}

// DashboardSurface is who a surface would stop if it enforced two factors now.
type DashboardSurface struct {
	ID                       string
	Enforced                 bool
	Accounts, Unset, Stopped int64
	// Unreachable have nothing of use but addresses at which nothing arrives; they are none of the Stopped.
	Unreachable int64
}

// DashboardClients counts applications. Rotating ones have a former secret that still works.
type DashboardClients struct {
	Active, Disabled, Rotating    int64
	URL, DisabledURL, RotatingURL string
}

// DashboardDay is one day's sign-ins and failed tries. Label is its short date.
type DashboardDay struct {
	Date, Label     string
	SignIns, Failed int64
}

// Today is the last day; Yesterday the one before.
func (v DashboardView) Today() DashboardDay { return v.day(1) }

// Yesterday is the day before today.
func (v DashboardView) Yesterday() DashboardDay { return v.day(2) }

func (v DashboardView) day(fromEnd int) DashboardDay {
	if len(v.Days) < fromEnd {
		return DashboardDay{}
	}
	return v.Days[len(v.Days)-fromEnd]
}

// Percent is how many of a hundred accounts have a second factor, rounded down: 100 is all of them.
func (v DashboardView) Percent() int64 {
	if v.Accounts == 0 {
		return 0
	}
	return v.Enrolled * 100 / v.Accounts
}

// Sum adds up the days.
func (v DashboardView) Sum() DashboardDay {
	var sum DashboardDay
	for _, d := range v.Days {
		sum.SignIns, sum.Failed = sum.SignIns+d.SignIns, sum.Failed+d.Failed
	}
	return sum
}

// Busiest is the day with the most sign-ins.
func (v DashboardView) Busiest() DashboardDay {
	var most DashboardDay
	for _, d := range v.Days {
		if d.SignIns >= most.SignIns {
			most = d
		}
	}
	return most
}

// Chart is a series of bars on a scale from 0 to Top, drawn one unit wide each and a hundred high.
type Chart struct {
	Top, Half int64
	Width     int
	Bars      []Bar
}

// Bar is one bar of a chart.
type Bar struct{ X, Y, Height string }

// SignInBars draws the sign-ins.
func (v DashboardView) SignInBars() Chart {
	return v.chart(func(d DashboardDay) int64 { return d.SignIns })
}

// FailedBars draws the failed tries.
func (v DashboardView) FailedBars() Chart {
	return v.chart(func(d DashboardDay) int64 { return d.Failed })
}

func (v DashboardView) chart(of func(DashboardDay) int64) Chart {
	var most int64
	for _, d := range v.Days {
		most = max(most, of(d))
	}
	c := Chart{Top: scale(most), Width: len(v.Days)}
	c.Half = c.Top / 2
	for i, d := range v.Days {
		height := float64(of(d)) * 100 / float64(c.Top)
		c.Bars = append(c.Bars, Bar{
			X: strconv.FormatFloat(float64(i)+0.16, 'f', 2, 64), Y: strconv.FormatFloat(100-height, 'f', 1, 64), Height: strconv.FormatFloat(height, 'f', 1, 64),
		})
	}
	return c
}

// scale is the round number at or above n that a chart ends with; it can be halved.
func scale(n int64) int64 {
	for step := int64(1); step < 1e16; step *= 10 {
		for _, top := range []int64{2, 4, 6, 8, 10, 12, 16} {
			if n <= top*step {
				return top * step
			}
		}
	}
	return n
}

// Ticks are the labels below the bars: every fifth, so that they have room, and today's.
func (v DashboardView) Ticks() []string {
	ticks := make([]string, len(v.Days))
	for i, d := range v.Days {
		if (len(v.Days)-1-i)%5 == 0 {
			_, ticks[i], _ = strings.Cut(d.Label, "/")
		}
	}
	return ticks
}

// Grouped writes a number with a comma between its thousands.
func Grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Undelivered are the messages that did not arrive.
func (v DashboardView) Undelivered() int64 { return v.Failed + v.Bounced }

// Most is the longest that a meter of the methods can get.
func (v DashboardView) Most() int64 { return max(v.Accounts, 1) }

// Without are those that could not sign in at once: they would have to set something up first, or have only what is not accepted.
func (s DashboardSurface) Without() int64 { return s.Unset + s.Unreachable + s.Stopped }
