package account

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

func (f *fixture) events(t testing.TB) []store.AuditEvent {
	t.Helper()
	rows, err := f.db.Read().ListAuditEvents(t.Context(), store.ListAuditEventsParams{
		BeforeAt: f.now.Add(24 * time.Hour), BeforeID: store.MaxID, Since: f.now.Add(-24 * time.Hour), PageSize: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
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
		if got, _ := f.ByID(ctx, a.ID); got.LastSignInAt == nil || !got.LastSignInAt.Equal(f.now) {
			t.Error("the time of the sign-in was not kept")
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
		UserGroupID: f.group, Password: PasswordHash(f.hasher.Dummy()),
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
		row, err := f.db.Read().GetThrottle(ctx, throttleKey(KindStore, "tanaka", true))
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
		row, err := db.Read().GetThrottle(t.Context(), throttleKey(KindStore, "tanaka", true))
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
	if _, err := f.db.Read().GetThrottle(t.Context(), throttleKey(KindStore, "another", true)); !errors.Is(err, store.ErrNotFound) {
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
	waitFor(t, func() bool { return f.hasher.Waiting() == 1 })
	if _, err := f.Verify(t.Context(), KindStore, "tanaka", "futakagi-demo"); !errors.Is(err, ErrBusy) {
		t.Errorf("err = %v, want ErrBusy", err)
	}
	if _, err := f.db.Read().GetThrottle(t.Context(), throttleKey(KindStore, "tanaka", true)); !errors.Is(err, store.ErrNotFound) {
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

// the work done for an account that does not exist is the same as for one that does.
func TestVerifyTakesAsLongForUnknownAccounts(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	f := setup(t, storetest.SQLite(t), HasherConfig{MemoryKiB: 4 * 1024, Iterations: 2})
	f.account(t, KindStore, "tanaka", "futakagi-demo")
	median := func(id string) time.Duration {
		var ds []time.Duration
		for range 31 {
			f.now = f.now.Add(16 * time.Minute)
			start := time.Now()
			_, _ = f.Verify(t.Context(), KindStore, id, "wrong")
			ds = append(ds, time.Since(start))
		}
		return sortedMiddle(ds)
	}
	median("tanaka")
	known, unknown := median("tanaka"), median("nobody")
	if ratio := float64(known) / float64(unknown); ratio < 0.5 || ratio > 2 {
		t.Errorf("known %v, unknown %v", known, unknown)
	}
}
