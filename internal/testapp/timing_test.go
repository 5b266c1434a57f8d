package testapp_test

import (
	"math"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/mfa/webauthntest"
)

// exercise is something that anybody can ask about anybody, of whom none may be told from another.
type exercise struct {
	name string
	// who are those asked about; the first does not exist.
	who []string
	// ready prepares a question, which ask puts: only that is measured.
	ready func(who string)
	ask   func(who string) testapp.Page
	// status is that of every answer.
	status int
	// between is called before the n-th time that everybody is asked about.
	between func(n int)
	// pairs asks about two at once, each time about two others: what costs a processor's time is done on both of two.
	pairs bool
}

// timingStages sieve those asked about: whoever can be told apart in one is asked about again in the next, and who in all, can be. The
// first sees as small a difference as the others, at the price of suspecting one of ten equals; chance takes one of a hundred thousand
// through all of them.
var timingStages = []struct {
	samples int
	level   float64
}{{150, 0.1}, {300, 0.01}, {300, 0.01}}

const (
	// timingGap is a difference of medians that no statistics excuse, where half of all answers lie closer together than that.
	timingGap = 5 * time.Millisecond
	// timingBudget is how long the samples of a stage may take at most; on a machine that is too busy for it, it says nothing.
	timingBudget = 45 * time.Second
)

var (
	flowNames = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|flow-[0-9a-f]+`)
	tokens    = regexp.MustCompile(`[\w-]{43}`)
)

// plainAnswer is everything of an answer but what differs between any two.
func plainAnswer(p testapp.Page, who string) string {
	return requestID.ReplaceAllString(tokens.ReplaceAllString(flowNames.ReplaceAllString(answer(p, who), "ID"), "TOKEN"), "REF")
}

// timed is one answer and how long it took, in microseconds.
type timed struct {
	page testapp.Page
	took float64
}

// round asks about everybody once. Who comes first changes with n.
func (e exercise) round(t *testing.T, n int) map[string]timed {
	t.Helper()
	if e.between != nil {
		e.between(n)
	}
	answers := map[string]timed{}
	atOnce := 1
	if e.pairs {
		atOnce = 2
	}
	var mu sync.Mutex
	for j := 0; j < len(e.who); j += atOnce {
		var group sync.WaitGroup
		for k := j; k < min(j+atOnce, len(e.who)); k++ {
			who := e.who[(n+k)%len(e.who)]
			if e.ready != nil {
				e.ready(who)
			}
			group.Go(func() {
				start := time.Now()
				p := e.ask(who)
				took := float64(time.Since(start).Microseconds())
				mu.Lock()
				defer mu.Unlock()
				answers[who] = timed{p, took}
			})
		}
		group.Wait()
	}
	return answers
}

// run asks about everybody in turn and returns how long each answer took. All answers must be the same to the byte.
func (e exercise) run(t *testing.T, samples int) map[string][]float64 {
	t.Helper()
	took := map[string][]float64{}
	for n := range samples {
		answers := e.round(t, n)
		want := plainAnswer(answers[e.who[0]].page, e.who[0])
		for _, who := range e.who {
			a := answers[who]
			took[who] = append(took[who], a.took)
			if a.page.Status != e.status {
				t.Fatalf("%s, %s: %d, want %d\n%s", e.name, who, a.page.Status, e.status, a.page.Body)
			}
			if diff := cmp.Diff(want, plainAnswer(a.page, who)); diff != "" {
				t.Fatalf("%s: %s is answered otherwise than %s:\n%s", e.name, who, e.who[0], diff)
			}
		}
	}
	return took
}

// differs returns those who can be told from the first by the time that their answers took.
func (e exercise) differs(t *testing.T, took map[string][]float64, level float64) []string {
	t.Helper()
	var out []string
	first := took[e.who[0]]
	spread := microseconds(quantile(first, 0.75) - quantile(first, 0.25))
	for _, who := range e.who[1:] {
		p := mannWhitney(first, took[who])
		gap := microseconds(math.Abs(quantile(took[who], 0.5) - quantile(first, 0.5)))
		t.Logf("%s, %s: p = %.3f, medians %v apart at %v, spread over %v", e.name, who, p, gap, microseconds(quantile(first, 0.5)), spread)
		if p <= level || gap >= timingGap && gap > spread {
			out = append(out, who)
		}
	}
	return out
}

// hold runs an exercise, and again about those who could be told apart: a machine that does other things too has its moods, but not
// always the same one.
func (e exercise) hold(t *testing.T) {
	t.Helper()
	const trial = 5
	start := time.Now()
	for n := range trial {
		e.round(t, n)
	}
	if needs := time.Since(start) / trial * time.Duration(timingStages[len(timingStages)-1].samples); needs > timingBudget {
		t.Skipf("skipped: %s would take %v on this machine, which is too busy to tell anything by the time", e.name, needs.Round(time.Second))
	}
	for _, stage := range timingStages {
		suspects := e.differs(t, e.run(t, stage.samples), stage.level)
		if len(suspects) == 0 {
			return
		}
		e.who = append(e.who[:1:1], suspects...)
	}
	for _, who := range e.who[1:] {
		t.Errorf("%s: the time of the answer tells %s from %s", e.name, who, e.who[0])
	}
}

// I9: whether somebody exists, is disabled, paused, or has a second factor, no answer tells, by its bytes or by its time. What a
// hash costs is measured at its real price once; everywhere else it is as cheap as can be, so that nothing hides behind it.
func TestI9_Time(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: takes most of a minute")
	}
	if raceDetector {
		t.Skip("skipped: the race detector takes its own time, which is not that of the server; make test runs this without it")
	}
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		for _, e := range anonymous(t, a) {
			e.hold(t)
		}
	})
	t.Run("hashing at its real price", func(t *testing.T) {
		a := testapp.New(t, func(c *server.Config) { c.Hashing = account.HasherConfig{} })
		disable(t, a, "suzuki")
		e := logins(t, a, "nobody", "sato", "tanaka", "suzuki")
		e.pairs = true
		e.hold(t)
	})
}

func disable(t *testing.T, a *testapp.App, login string) {
	t.Helper()
	if _, err := a.Admin.SetDisabled(t.Context(), admin.System(), accountOf(t, a, login).ID, true); err != nil {
		t.Fatal(err)
	}
}

// anonymous are the exercises for somebody who is nobody yet. sato has a second factor, tanaka has none, suzuki is disabled, mori has
// passkeys, and so has kikuchi, who is disabled.
func anonymous(t *testing.T, a *testapp.App) []exercise {
	t.Helper()
	mori := everythingSetUp(t, a, account.KindStore, "mori", 1)
	kikuchi := everythingSetUp(t, a, account.KindStore, "kikuchi", 2)
	disable(t, a, "suzuki")
	disable(t, a, "kikuchi")
	return []exercise{
		logins(t, a, "nobody", "sato", "tanaka", "suzuki"), paused(t, a), forgotten(t, a),
		hinted(t, a, "passkey options", http.StatusOK, func(b *testapp.Browser, flow string) testapp.Page {
			return b.Post("/signin/passkey/options"+flow, nil)
		}),
		hinted(t, a, "another code", http.StatusSeeOther, func(b *testapp.Browser, flow string) testapp.Page {
			return b.Post("/signin/challenge"+flow, value("do", "resend"))
		}),
		passkeyed(t, a, mori, kikuchi),
	}
}

// logins asks with a wrong password, or with the right one of a disabled account.
func logins(t *testing.T, a *testapp.App, who ...string) exercise {
	b := a.NewBrowser(t)
	page := ""
	return exercise{
		name: "password", who: who, status: http.StatusUnprocessableEntity,
		between: func(int) {
			a.Clock.Advance(16 * time.Minute) // no pause, and no window that is full
			page = b.Open(a.RelyingParty(t, "store").AuthorizeURL()).URL.RequestURI()
		},
		ask: func(who string) testapp.Page {
			password := "not the password"
			if who == "suzuki" {
				password = "futakagi-demo"
			}
			return b.Post(page, value("username", who, "password", password))
		},
	}
}

// paused asks about those whose passwords were guessed at too often.
func paused(t *testing.T, a *testapp.App) exercise {
	b := a.NewBrowser(t)
	who := []string{"nobody", "sato", "tanaka", "suzuki"}
	page := ""
	ask := func(who string) testapp.Page {
		return b.Post(page, value("username", who, "password", "futakagi-demo"))
	}
	return exercise{
		name: "paused", who: who, status: http.StatusTooManyRequests, ask: ask,
		between: func(n int) {
			if n%25 != 0 {
				return // as many as a network may ask in a quarter of an hour
			}
			a.Clock.Advance(16 * time.Minute)
			page = b.Open(a.RelyingParty(t, "store").AuthorizeURL()).URL.RequestURI()
			for range 5 {
				for _, w := range who {
					b.Post(page, value("username", w, "password", "not the password"))
				}
			}
		},
	}
}

// hinted asks in sign-ins whose application says who is about to sign in.
func hinted(t *testing.T, a *testapp.App, name string, status int, ask func(b *testapp.Browser, flow string) testapp.Page) exercise {
	b := a.NewBrowser(t)
	flows := map[string]string{}
	return exercise{
		name: name, who: []string{"nobody", "sato", "mori", "kikuchi"}, status: status,
		ready: func(who string) {
			if flows[who] == "" {
				flows[who] = "?flow=" + b.Open(a.RelyingParty(t, "store").AuthorizeURL("login_hint", who)).Flow()
			}
		},
		ask: func(who string) testapp.Page { return ask(b, flows[who]) },
		between: func(n int) {
			if n%40 == 0 { // a flow has fifty ceremonies
				clear(flows)
			}
		},
	}
}

// passkeyed asks with answers of passkeys: one that nobody has, a forged one of somebody, and the right one of somebody disabled.
func passkeyed(t *testing.T, a *testapp.App, exists, disabled *person) exercise {
	t.Helper()
	b, lost, forger := a.NewBrowser(t), newKey(), newKey()
	answerTo(t, exists.b, exists.home+"/passkey/options", lost.Create) // made, and never handed in
	forged := *exists.keys[0].Passkeys[0]
	var err error
	if forged.Key, err = webauthntest.NewKey(webauthntest.ES256); err != nil {
		t.Fatal(err)
	}
	forger.Passkeys = []*webauthntest.Passkey{&forged}
	keys := map[string]*webauthntest.Authenticator{"nobody's": lost, "forged": forger, "disabled": disabled.keys[0]}
	flow, credential := "", ""
	return exercise{
		name: "passkey", who: []string{"nobody's", "forged", "disabled"}, status: http.StatusSeeOther,
		ready: func(who string) { credential = answerTo(t, b, "/signin/passkey/options"+flow, keys[who].Get) },
		ask:   func(string) testapp.Page { return b.Post("/signin/passkey"+flow, value("credential", credential)) },
		between: func(n int) {
			if n%15 == 0 { // of three each
				a.Clock.Advance(31 * time.Minute)
				flow = "?flow=" + b.Open(a.RelyingParty(t, "store").AuthorizeURL()).Flow()
			}
		},
	}
}

// forgotten asks for a new password.
func forgotten(t *testing.T, a *testapp.App) exercise {
	b := a.NewBrowser(t)
	return exercise{
		name: "forgotten password", who: []string{"nobody", "sato", "tanaka", "suzuki", "operator"}, status: http.StatusSeeOther,
		between: func(int) { a.Clock.Advance(2 * time.Hour) }, // no budget that is used up
		ask:     func(who string) testapp.Page { return b.Post("/password/forgot", value("username", who)) },
	}
}

// mannWhitney is the two-sided p of the rank-sum test in its normal approximation.
func mannWhitney(a, b []float64) float64 {
	type sample struct {
		v     float64
		first bool
	}
	var all []sample
	for _, v := range a {
		all = append(all, sample{v, true})
	}
	for _, v := range b {
		all = append(all, sample{v, false})
	}
	slices.SortFunc(all, func(x, y sample) int {
		switch {
		case x.v < y.v:
			return -1
		case x.v > y.v:
			return 1
		}
		return 0
	})
	ranks, ties := 0.0, 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].v == all[i].v {
			j++
		}
		n := float64(j - i)
		ties += n*n*n - n
		for _, s := range all[i:j] {
			if s.first {
				ranks += float64(i+j+1) / 2
			}
		}
		i = j
	}
	n, m := float64(len(a)), float64(len(b))
	u := ranks - n*(n+1)/2
	sigma := math.Sqrt(n * m / 12 * (n + m + 1 - ties/((n+m)*(n+m-1))))
	return math.Erfc(math.Abs(u-n*m/2) / sigma / math.Sqrt2)
}

// quantile is the value below which a share of all lie.
func quantile(v []float64, share float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[int(share*float64(len(v)))]
}

func microseconds(n float64) time.Duration { return time.Duration(n) * time.Microsecond }

func TestMannWhitney(t *testing.T) {
	var a, b, c []float64
	for i := range 100 {
		a, b, c = append(a, float64(i)), append(b, float64(i)+0.5), append(c, float64(i)+30)
	}
	if p := mannWhitney(a, b); p < 0.5 {
		t.Errorf("equal: p = %f", p)
	}
	if p := mannWhitney(a, c); p > 0.001 {
		t.Errorf("shifted: p = %f", p)
	}
}
