package walk_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store/storetest"
)

// TestI1_RandomWalk wanders through sign-ins, security settings and the console, and never finds a way to a session, a token or a
// change that was not proved for: I1 to I8, I12, I13, I18 and I19, and what of I10, I11, I16, I20 and I22 lies on the way.
//
// It takes some seconds; FUTAKAGI_WALK=10m (make walk) lets it wander for longer. A failure is shrunk and printed as the shortest
// sequence of steps that leads to it; -rapid.seed or the file that is named then repeats it.
func TestI1_RandomWalk(t *testing.T) {
	whole := 12 * time.Second
	if testing.Short() {
		whole = 4 * time.Second
	}
	if text := os.Getenv("FUTAKAGI_WALK"); text != "" {
		var err error
		if whole, err = time.ParseDuration(text); err != nil {
			t.Fatalf("FUTAKAGI_WALK: %v", err)
		}
	}
	t.Run("sqlite", func(t *testing.T) { wander(t, storetest.SQLiteURL, whole) })
	t.Run("postgresql", func(t *testing.T) { wander(t, storetest.PostgreSQLURL, whole/3) })
}

// steps is how many actions a walk has on the average.
const steps = 80

// wander walks for so long, again and again from the beginning, on a fresh server after every hundred walks.
func wander(t *testing.T, database func(testing.TB) string, long time.Duration) {
	set(t, "rapid.steps", strconv.Itoa(steps))
	sums := tally{}
	end := time.Now().Add(long)
	for round := 1; round == 1 || time.Now().Before(end); round++ {
		before := sums["walks"]
		if !t.Run(strconv.Itoa(round), func(t *testing.T) { walks(t, database(t), end, sums) }) || sums["walks"] == before {
			return // it failed, or the engine is left out
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		t.Logf("%7d %s", sums[name], name)
	}
}

// walks is one round on one server.
func walks(t *testing.T, url string, end time.Time, sums tally) {
	a := testapp.Start(t, url)
	addOthers(t, a)
	n, violated := 0, false
	rapid.Check(t, func(rt *rapid.T) {
		// Once something was found, it is to be repeated and made shorter, however long that takes.
		if n > 0 && !violated && time.Now().After(end) {
			return
		}
		n++
		w := newWalk(t.Context(), rt, t, a, n, &violated, sums)
		w.begin()
		rt.Repeat(w.actions())
		w.end()
		sums["walks"]++
	})
}

// set gives a flag of the library a value for the test, unless the command line did.
func set(t *testing.T, name, value string) {
	t.Helper()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if given {
		return
	}
	former := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(name, former) })
}

// begin lets ann set up some methods as she should, which must succeed.
func (w *walk) begin() {
	ann, b := w.people[0], w.browsers[0]
	s := w.surfaces["store"]
	c := w.follow(w.get(b, "/signin/start?to=%2Faccount%2Fsecurity&fresh=1", may{}))
	f := w.flow(c.page.Flow())
	if f == nil {
		w.fail("%s begins no sign-in", c)
	}
	w.goThrough(b, f)
	w.Clock.Advance(61 * time.Second)
	in := w.sessionOf(b, ann.kind)
	if in == nil {
		if s.enforced || ann.use {
			return // she chose a method that is not accepted
		}
		w.fail("ann does not get in with her password, and nobody asks for more")
	}
	for _, m := range methods {
		if !w.flip("ann sets up " + m) {
			continue
		}
		had, fresh := ann.held.factors[m], w.fresh(in) == nil
		w.setUp(place{b: b, session: in}, m, false)
		now := ann.held.factors[m]
		if fresh && s.accepts(m) && m != passkey && (now.ID == "" || had.VerifiedAt.Equal(now.VerifiedAt)) {
			w.fail("ann does everything right, and has no other %s", m)
		}
		w.Clock.Advance(61 * time.Second)
	}
	w.tally[fmt.Sprintf("begun with %d methods", len(ann.held.factors))]++
}
