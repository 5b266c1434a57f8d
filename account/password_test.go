package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

func (f *fixture) events(t testing.TB) []store.AuditEvent {
	t.Helper()
	return storetest.Events(t, f.db, "")
}

func TestVerify(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := setup(t, db, cheap)
		ctx := audit.WithOrigin(t.Context(), audit.Origin{Address: "192.0.2.7", RequestID: "r1"})
		a := f.account(t, KindStore, "tanaka", "futakagi-demo")
		disabled := f.account(t, KindStore, "suzuki", "futakagi-demo")
		f.account(t, KindOperator, "operator", "futakagi-demo")
		f.inTx(t, func(tx *store.Tx) error { _, err := f.SetDisabled(ctx, tx, disabled.ID, true); return err })

		for _, id := range []string{"tanaka", " Tanaka", "ＴＡＮＡＫＡ"} {
			got, err := f.Verify(ctx, KindStore, id, "futakagi-demo")
			if err != nil || got.ID != a.ID {
				t.Errorf("Verify(%q) = %v, %v", id, got.ID, err)
			}
		}
		if events := f.events(t); len(events) != 0 {
			t.Errorf("a success left %d audit rows; its row belongs to the caller", len(events))
		}
		f.inTx(t, func(tx *store.Tx) error { return f.RecordSuccess(ctx, tx, a) })
		if got, _ := f.ByID(ctx, a.ID); got.LastSignInAt != nil {
			t.Error("a right password alone counts as a sign-in")
		}

		for _, tc := range []struct{ kind, id, password, reason, target string }{
			{KindStore, "tanaka", "futakagi-Demo", reasonWrong, "tanaka"},
			{KindStore, "tanaka", "", reasonWrong, "tanaka"},
			{KindStore, "tanaka", strings.Repeat("x", 100_000), reasonWrong, "tanaka"},
			{KindStore, "suzuki", "futakagi-demo", reasonDisabled, "suzuki"},
			{KindStore, "nobody", "futakagi-demo", reasonUnknown, "nobody"},
			{KindStore, "operator", "futakagi-demo", reasonUnknown, "operator"},
			{KindOperator, "tanaka", "futakagi-demo", reasonUnknown, "tanaka"},
			{KindStore, "", "futakagi-demo", reasonUnknown, ""},
			{KindStore, "a\x00b", "futakagi-demo", reasonUnknown, ""},
			{KindStore, "My!Password 1", "", reasonUnknown, ""},
		} {
			_, err := f.Verify(ctx, tc.kind, tc.id, tc.password)
			if !errors.Is(err, ErrBadCredentials) || err.Error() != ErrBadCredentials.Error() {
				t.Errorf("%s %q: err = %v, want ErrBadCredentials and no more", tc.kind, tc.id, err)
			}
			e := f.events(t)[0]
			got := []string{e.Type, e.Result, e.Reason, e.ActorKind, e.Target, e.ClientAddress, e.RequestID}
			want := []string{"signin.password", "failure", tc.reason, "anonymous", tc.target, "192.0.2.7", "r1"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %q: audit row: %s", tc.kind, tc.id, diff)
			}
			f.now = f.now.Add(time.Second)
		}
		if got := len(f.events(t)); got != 10 {
			t.Errorf("%d audit rows, want one per failure", got)
		}
	})
}

// real, unknown and disabled accounts answer alike in every phase of the throttle.
func TestThrottleIsTheSameForUnknownAccounts(t *testing.T) {
	f := setup(t, storetest.SQLite(t), cheap)
	f.account(t, KindStore, "tanaka", "futakagi-demo")
	f.inTx(t, func(tx *store.Tx) error {
		_, err := f.SetDisabled(t.Context(), tx, f.accountIn(t, tx, "suzuki"), true)
		return err
	})
	phases := map[string][]string{}
	start := f.now
	for _, id := range []string{"tanaka", "nobody", "suzuki", "not an id"} {
		f.now = start
		for range 30 {
			_, err := f.Verify(t.Context(), KindStore, id, "wrong")
			answer := "?"
			if errors.Is(err, ErrBadCredentials) {
				answer = "wrong"
			} else if e, ok := errors.AsType[*ThrottledError](err); ok {
				answer = "until +" + e.Until.Sub(f.now).String()
			}
			phases[id] = append(phases[id], answer)
			f.now = f.now.Add(20 * time.Second)
		}
	}
	for _, id := range []string{"nobody", "suzuki", "not an id"} {
		if diff := cmp.Diff(phases["tanaka"], phases[id]); diff != "" {
			t.Errorf("%q differs from an account: %s", id, diff)
		}
	}
	want := []string{
		"wrong", "wrong", "wrong", "wrong", "wrong", "until +40s", "until +20s", // a minute after the fifth
		"wrong", "until +40s", "until +20s", "wrong",
	}
	if diff := cmp.Diff(want, phases["tanaka"][:len(want)]); diff != "" {
		t.Error(diff)
	}
	if got := phases["tanaka"][21]; got != "until +14m20s" {
		t.Errorf("after the tenth: %s; all: %q", got, phases["tanaka"])
	}
}

// accountIn makes an account inside of a transaction.
func (f *fixture) accountIn(t testing.TB, tx *store.Tx, loginID string) store.AccountID {
	t.Helper()
	a, err := f.Create(t.Context(), tx, NewAccount{
		Kind: KindStore, LoginID: loginID, DisplayName: loginID, Role: RoleBuyer, RegisteredEmail: loginID + "@example.jp",
		UserGroupID: f.group, Password: PasswordHash(f.hasher.dummyHash(f.hasher.memory)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.ID
}

func TestThrottleClearsOnlyBySuccessOrQuiet(t *testing.T) {
	f := setup(t, storetest.SQLite(t), cheap)
	ctx := t.Context()
	a := f.account(t, KindStore, "tanaka", "futakagi-demo")
	wrong := func() error { _, err := f.Verify(ctx, KindStore, "tanaka", "wrong"); return err }
	right := func() error { _, err := f.Verify(ctx, KindStore, "tanaka", "futakagi-demo"); return err }
	failures := func() int64 {
		row, err := f.db.Read().GetThrottle(ctx, throttlesOf(KindStore, "tanaka", true, "")[0].key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		return row.Failures
	}
	for range 3 {
		_ = wrong()
	}
	if err := right(); err != nil {
		t.Fatal(err)
	}
	if got := failures(); got != 4 {
		t.Errorf("%d tries counted, want 4: a right password alone clears nothing", got)
	}
	f.inTx(t, func(tx *store.Tx) error { return f.RecordSuccess(ctx, tx, a) })
	if got := failures(); got != 0 {
		t.Errorf("%d tries are left after a success", got)
	}
	for range 5 {
		_ = wrong()
	}
	// While paused even the right password waits, and waiting does not lengthen the pause.
	if _, ok := errors.AsType[*ThrottledError](right()); !ok {
		t.Error("no pause after five failures")
	}
	f.now = f.now.Add(time.Minute)
	if err := right(); err != nil {
		t.Errorf("after the pause: %v", err)
	}
	f.now = f.now.Add(16 * time.Minute)
	_ = wrong()
	if got := failures(); got != 1 {
		t.Errorf("%d tries after a quiet time, want 1", got)
	}
}

func TestI7_ParallelTriesAreAllCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := setup(t, db, HasherConfig{MemoryKiB: 64, Iterations: 1, Queue: 100})
		f.account(t, KindStore, "tanaka", "futakagi-demo")
		var mu sync.Mutex
		answers := map[string]int{}
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				_, err := f.Verify(t.Context(), KindStore, "tanaka", "wrong")
				name := "other"
				if errors.Is(err, ErrBadCredentials) {
					name = "judged"
				} else if _, ok := errors.AsType[*ThrottledError](err); ok {
					name = "throttled"
				} else {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				answers[name]++
			})
		}
		wg.Wait()
		if diff := cmp.Diff(map[string]int{"judged": 5, "throttled": 45}, answers); diff != "" {
			t.Error(diff)
		}
		row, err := db.Read().GetThrottle(t.Context(), throttlesOf(KindStore, "tanaka", true, "")[0].key)
		if err != nil || row.Failures != 5 {
			t.Errorf("counter = %d, %v, want 5", row.Failures, err)
		}
		if got := len(f.events(t)); got != 50 {
			t.Errorf("%d audit rows, want 50", got)
		}
	})
}

func TestI29_ClientAddressHasABudget(t *testing.T) {
	f := setup(t, storetest.SQLite(t), cheap)
	f.addressTries = 10
	from := func(address, id string) error {
		ctx := audit.WithOrigin(t.Context(), audit.Origin{Address: address})
		_, err := f.Verify(ctx, KindStore, id, "wrong")
		return err
	}
	for i := range 10 {
		if err := from("192.0.2.1", "u"+strings.Repeat("x", i)); !errors.Is(err, ErrBadCredentials) {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	for range 20 {
		err := from("192.0.2.1", "another")
		if e, ok := errors.AsType[*ThrottledError](err); !ok || !e.Until.Equal(f.now.Add(15*time.Minute)) {
			t.Fatalf("err = %v, want a pause to the end of the window", err)
		}
	}
	if got := len(f.events(t)); got != 11 {
		t.Errorf("%d audit rows, want 11: refusals of one address make one row", got)
	}
	if _, err := f.db.Read().GetThrottle(t.Context(), throttlesOf(KindStore, "another", true, "192.0.2.1")[0].key); !errors.Is(err, store.ErrNotFound) {
		t.Error("a refused address used up tries of a login ID")
	}
	if err := from("192.0.2.2", "another"); !errors.Is(err, ErrBadCredentials) {
		t.Errorf("another address: %v", err)
	}
	f.now = f.now.Add(15 * time.Minute)
	if err := from("192.0.2.1", "another"); !errors.Is(err, ErrBadCredentials) {
		t.Errorf("next window: %v", err)
	}
	for i := range 10 {
		_ = from("2001:db8::"+string(rune('1'+i%9)), "v6"+strings.Repeat("x", i))
	}
	if _, ok := errors.AsType[*ThrottledError](from("2001:db8::ffff", "v6")); !ok {
		t.Error("another address of the same line has a budget of its own")
	}
}

// from is a context of requests from an address.
func from(t testing.TB, address string) context.Context {
	t.Helper()
	return audit.WithOrigin(t.Context(), audit.Origin{Address: address})
}

// I9, A-6: somebody who keeps trying from one address keeps only that address out.
func TestI9_AttackerPausesTheirOwnNetworkOnly(t *testing.T) {
	for name, attacker := range map[string][]string{
		"IPv4": {"203.0.113.9"}, "IPv6": {"2001:db8:0:1::1", "2001:db8:0:1:2::", "2001:db8:0:1:ffff:ffff:ffff:ffff"},
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, storetest.SQLite(t), cheap)
			f.account(t, KindStore, "tanaka", "futakagi-demo")
			judged, paused := 0, 0
			for i := range 8 * 60 { // four hours, a try every half a minute
				_, err := f.Verify(from(t, attacker[i%len(attacker)]), KindStore, "tanaka", "guess")
				if _, ok := errors.AsType[*ThrottledError](err); ok {
					paused++
				} else if judged++; !errors.Is(err, ErrBadCredentials) {
					t.Fatal(err)
				}
				if i%10 == 0 {
					for _, owner := range []string{"198.51.100.1", "203.0.113.10", "2001:db8:0:2::1"} {
						ctx := from(t, owner)
						a, err := f.Verify(ctx, KindStore, "tanaka", "futakagi-demo")
						if err != nil {
							t.Fatalf("after %d tries of somebody else the owner at %s gets %v", i+1, owner, err)
						}
						f.inTx(t, func(tx *store.Tx) error { return f.RecordSuccess(ctx, tx, a) })
					}
				}
				f.now = f.now.Add(30 * time.Second)
			}
			if paused == 0 || judged > 16*10 {
				t.Errorf("%d tries were judged and %d refused: want at most 10 in a quarter of an hour, whatever the owner does", judged, paused)
			}
		})
	}
}

// I9, A-6: many who try together are bounded, and the owner waits a minute at most. Login IDs of nobody answer alike.
func TestI9_ManyNetworksPauseALoginIDForAMinuteAtMost(t *testing.T) {
	f := setup(t, storetest.SQLite(t), cheap)
	f.account(t, KindStore, "tanaka", "futakagi-demo")
	start := f.now
	answers := map[string][]string{}
	for _, id := range []string{"tanaka", "nobody"} {
		f.now = start
		for i := range 250 {
			_, err := f.Verify(from(t, fmt.Sprintf("203.0.%d.%d", i/200, i%200)), KindStore, id, "guess")
			answer := "wrong"
			if e, ok := errors.AsType[*ThrottledError](err); ok {
				answer = "until +" + e.Until.Sub(f.now).String()
			} else if !errors.Is(err, ErrBadCredentials) {
				t.Fatal(err)
			}
			answers[id] = append(answers[id], answer)
			f.now = f.now.Add(time.Second)
		}
	}
	if diff := cmp.Diff(answers["nobody"], answers["tanaka"]); diff != "" {
		t.Errorf("a login ID of nobody answers otherwise: %s", diff)
	}
	for i, answer := range answers["tanaka"] {
		// The hundredth makes a pause of a minute, after which a hundred more are judged.
		round := i % (100 + 59)
		if want := round < 100; (answer == "wrong") != want {
			t.Fatalf("try %d: %s", i, answer)
		}
	}
	f.now = start.Add(100*time.Second + time.Minute)
	ctx := from(t, "198.51.100.1")
	// Start a pause anew, at its worst moment for the owner.
	for i := range 100 {
		_, _ = f.Verify(from(t, fmt.Sprintf("203.1.0.%d", i)), KindStore, "tanaka", "guess")
	}
	_, err := f.Verify(ctx, KindStore, "tanaka", "futakagi-demo")
	e, ok := errors.AsType[*ThrottledError](err)
	if !ok || e.Until.Sub(f.now) > time.Minute {
		t.Fatalf("in the pause: %v", err)
	}
	f.now = e.Until
	a, err := f.Verify(ctx, KindStore, "tanaka", "futakagi-demo")
	if err != nil {
		t.Fatalf("after the pause: %v", err)
	}
	f.inTx(t, func(tx *store.Tx) error { return f.RecordSuccess(ctx, tx, a) })
	for _, th := range throttlesOf(KindStore, "tanaka", true, "198.51.100.1") {
		if row, err := f.db.Read().GetThrottle(ctx, th.key); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %d tries are left after a success", th.key, row.Failures)
		}
	}
}

func TestI9_CrowdIsCountedExactly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := setup(t, db, HasherConfig{MemoryKiB: 64, Iterations: 1, Queue: 200})
		f.account(t, KindStore, "tanaka", "futakagi-demo")
		var judged, throttled atomic.Int64
		var wg sync.WaitGroup
		for i := range 150 {
			wg.Go(func() {
				_, err := f.Verify(from(t, fmt.Sprintf("203.0.113.%d", i)), KindStore, "tanaka", "guess")
				switch _, ok := errors.AsType[*ThrottledError](err); {
				case ok:
					throttled.Add(1)
				case errors.Is(err, ErrBadCredentials):
					judged.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if judged.Load() != 100 || throttled.Load() != 50 {
			t.Errorf("%d judged, %d refused, want 100 and 50", judged.Load(), throttled.Load())
		}
	})
}

// What will be refused must not wait in the queue of the hasher: it would keep out those who will not be.
func TestI29_RefusedTriesTakeNoPlaceInTheQueue(t *testing.T) {
	f := setup(t, storetest.SQLite(t), HasherConfig{MemoryKiB: 64, Iterations: 1, Workers: 1, Queue: 1})
	f.account(t, KindStore, "tanaka", "futakagi-demo")
	f.addressTries = 10
	for i := range 10 { // uses the budget of an address up
		_, _ = f.Verify(from(t, "203.0.113.1"), KindStore, fmt.Sprintf("u%d", i), "guess")
	}
	for range 5 { // pauses a login ID for another
		_, _ = f.Verify(from(t, "203.0.113.2"), KindStore, "tanaka", "guess")
	}
	for i := range 100 { // and one for all
		_, _ = f.Verify(from(t, fmt.Sprintf("203.0.112.%d", i)), KindStore, "suzuki", "guess")
	}
	// The only worker is at work: whoever enters the queue now would stay.
	if err := f.hasher.gate.enter(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	defer f.hasher.gate.leave(1)
	for _, try := range [][2]string{{"203.0.113.1", "tanaka"}, {"203.0.113.2", "tanaka"}, {"203.0.113.3", "suzuki"}} {
		ctx, cancel := context.WithTimeout(from(t, try[0]), 30*time.Second)
		_, err := f.Verify(ctx, KindStore, try[1], "guess")
		cancel()
		if _, ok := errors.AsType[*ThrottledError](err); !ok {
			t.Errorf("%s from %s: %v, want a refusal at once", try[1], try[0], err)
		}
	}
}

func TestI29_BusyUsesUpNoTry(t *testing.T) {
	f := setup(t, storetest.SQLite(t), HasherConfig{MemoryKiB: 64, Iterations: 1, Workers: 1, Queue: 1})
	f.account(t, KindStore, "tanaka", "futakagi-demo")
	if err := f.hasher.gate.enter(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := f.Verify(t.Context(), KindStore, "tanaka", "futakagi-demo")
		done <- err
	}()
	waitFor(t, func() bool { return waiting(f.hasher) == 1 })
	if _, err := f.Verify(t.Context(), KindStore, "tanaka", "futakagi-demo"); !errors.Is(err, ErrBusy) {
		t.Errorf("err = %v, want ErrBusy", err)
	}
	if _, err := f.db.Read().GetThrottle(t.Context(), throttlesOf(KindStore, "tanaka", true, "")[0].key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a try was counted: %v", err)
	}
	f.hasher.gate.leave(1)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWeakHashIsUpgradedAtSignIn(t *testing.T) {
	f := setup(t, storetest.SQLite(t), cheap)
	ctx := t.Context()
	var id store.AccountID
	f.inTx(t, func(tx *store.Tx) error {
		id = f.accountIn(t, tx, "moved")
		return f.SetPassword(ctx, tx, id, "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
	})
	before, err := f.ByID(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(ctx, KindStore, "moved", "wrong"); !errors.Is(err, ErrBadCredentials) {
		t.Fatal(err)
	}
	if _, err := f.Verify(ctx, KindStore, "moved", "U*U"); err != nil {
		t.Fatal(err)
	}
	after, err := f.ByID(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(after.PasswordHash, "$argon2id$") || after.CredentialEpoch != before.CredentialEpoch {
		t.Errorf("hash %s, epoch %d: want argon2id and the epoch as it was", after.PasswordHash, after.CredentialEpoch)
	}
	if _, err := f.Verify(ctx, KindStore, "moved", "U*U"); err != nil {
		t.Errorf("after the upgrade: %v", err)
	}
}

func TestUnusableHashIsAWrongPassword(t *testing.T) {
	f := setup(t, storetest.SQLite(t), cheap)
	f.inTx(t, func(tx *store.Tx) error {
		return f.SetPassword(t.Context(), tx, f.accountIn(t, tx, "broken"), "$argon2id$v=19$m=4194304,t=9,p=1$c29tZXNhbHQ$AAAA")
	})
	if _, err := f.Verify(t.Context(), KindStore, "broken", ""); !errors.Is(err, ErrBadCredentials) {
		t.Errorf("err = %v, want ErrBadCredentials", err)
	}
}

// A-15, I9: the work done for an account that does not exist is the same as for one that does, with an old hash too.
func TestVerifyTakesAsLongForUnknownAccounts(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	f := setup(t, storetest.SQLite(t), HasherConfig{MemoryKiB: 4 * 1024, Iterations: 2})
	f.account(t, KindStore, "tanaka", "futakagi-demo")
	weak := newTestHasher(t, HasherConfig{MemoryKiB: 1024, Iterations: 1})
	hash, err := weak.Hash(t.Context(), "futakagi-demo")
	if err != nil {
		t.Fatal(err)
	}
	// bcrypt is left out: under the race detector it takes many times as long.
	f.inTx(t, func(tx *store.Tx) error {
		return f.SetPassword(t.Context(), tx, f.accountIn(t, tx, "old"), PasswordHash(hash))
	})
	// Of somebody who may not sign in, even the right password takes as long as of nobody.
	f.inTx(t, func(tx *store.Tx) error {
		id := f.accountIn(t, tx, "gone")
		if err := f.SetPassword(t.Context(), tx, id, PasswordHash(hash)); err != nil {
			return err
		}
		_, err := f.SetDisabled(t.Context(), tx, id, true)
		return err
	})
	f.moved(t, "ldap", "{SSHA256}YAQXN/bBbCOfeFHCU9CXxL4mRkUjweb7g2b9PeY0Ev5zYWx0U0FMVA==")
	tries := map[string]string{"nobody": "wrong", "tanaka": "wrong", "old": "wrong", "ldap": "wrong", "gone": "futakagi-demo"}
	took := map[string][]time.Duration{}
	for range 31 {
		// In turns, so that what else the machine does slows all of them.
		for id, password := range tries {
			f.now = f.now.Add(16 * time.Minute)
			start := time.Now()
			_, _ = f.Verify(t.Context(), KindStore, id, password)
			took[id] = append(took[id], time.Since(start))
		}
	}
	// The shortest is what the work itself takes: what else the machine does only adds to it.
	unknown := slices.Min(took["nobody"])
	for id := range tries {
		if known := slices.Min(took[id]); float64(known)/float64(unknown) < 0.5 || float64(known)/float64(unknown) > 2 {
			t.Errorf("%s takes %v, an unknown account %v", id, known, unknown)
		}
	}
}
