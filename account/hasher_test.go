package account

import (
	"context"
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newTestHasher(t testing.TB, cfg HasherConfig) *Hasher {
	t.Helper()
	h, err := NewHasher(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// cheap is for tests that are not about hashing.
var cheap = HasherConfig{MemoryKiB: 64, Iterations: 1}

func TestHashAndCheck(t *testing.T) {
	h := newTestHasher(t, HasherConfig{})
	ctx := t.Context()
	hash, err := h.Hash(ctx, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash = %s, want the default parameters in it", hash)
	}
	for secret, want := range map[string]bool{"correct horse": true, "correct horse ": false, "": false, "Correct horse": false} {
		got, err := h.Check(ctx, hash, secret)
		if err != nil || got != want {
			t.Errorf("Check(%q) = %v, %v, want %v", secret, got, err, want)
		}
	}
	if again, _ := h.Hash(ctx, "correct horse"); again == hash {
		t.Error("two hashes of one password are equal: no salt")
	}
	if h.NeedsRehash(hash) {
		t.Error("a fresh hash needs no rehash")
	}
	if ok, err := h.dummy.match("correct horse"); ok || err != nil {
		t.Errorf("the dummy matched: %v, %v", ok, err)
	}
}

// nothing is cut off, unlike with bcrypt.
func TestPasswordsEqualInFirst72BytesDiffer(t *testing.T) {
	h := newTestHasher(t, cheap)
	long := strings.Repeat("a", 72)
	hash, err := h.Hash(t.Context(), long+"1")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := h.Check(t.Context(), hash, long+"2"); ok {
		t.Error("two passwords with 72 bytes in common are taken for one")
	}
}

func TestBcryptFromElsewhere(t *testing.T) {
	h := newTestHasher(t, HasherConfig{})
	// "U*U" of the original test vectors, in the three spellings in use.
	for _, id := range []string{"2a", "2b", "2y"} {
		hash := "$" + id + "$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
		if ok, err := h.Check(t.Context(), hash, "U*U"); !ok || err != nil {
			t.Errorf("%s: %v, %v", id, ok, err)
		}
		if ok, err := h.Check(t.Context(), hash, "U*V"); ok || err != nil {
			t.Errorf("%s, wrong password: %v, %v", id, ok, err)
		}
		if !h.NeedsRehash(hash) {
			t.Errorf("%s needs a rehash", id)
		}
	}
}

func TestI29_ExpensiveHashesAreRefused(t *testing.T) {
	h := newTestHasher(t, HasherConfig{})
	const tail = "$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, hash := range []string{
		"", "$", "plain", "$$$$", "$argon2id$",
		"$argon2id$v=16$m=64,t=1,p=1" + tail,
		"$argon2id$v=19$m=4194304,t=1,p=1" + tail,
		"$argon2id$v=19$m=64,t=4294967295,p=1" + tail,
		"$argon2id$v=19$m=65536,t=1000,p=1" + tail,
		"$argon2id$v=19$m=65536,t=1,p=16777215" + tail,
		"$argon2id$v=19$m=0,t=1,p=1" + tail,
		"$argon2id$v=19$m=64,t=0,p=1" + tail,
		"$argon2id$v=19$m=64,t=1,p=0" + tail,
		"$argon2id$v=19$m=-64,t=1,p=1" + tail,
		"$argon2id$v=19$m=64,t=1,p=1,m=4194304" + tail,
		"$argon2id$v=19,m=4194304$m=64,t=1,p=1" + tail,
		"$argon2id$v=19$m=064,t=1,p=1" + tail,
		"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AA",
		"$2y$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2y$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2y$-5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2y$05$short",
		strings.Repeat("$", 600),
	} {
		if ok, err := h.Check(t.Context(), hash, "x"); ok || !errors.Is(err, ErrHash) {
			t.Errorf("Check(%q) = %v, %v, want ErrHash", hash, ok, err)
		}
	}
	if _, err := h.parse("$argon2id$v=19$m=65536,t=3,p=4" + tail); err != nil {
		t.Errorf("a common framework's parameters are refused: %v", err)
	}
}

func TestNeedsRehash(t *testing.T) {
	weak := newTestHasher(t, HasherConfig{MemoryKiB: 8 * 1024, Iterations: 1})
	hash, err := weak.Hash(t.Context(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		cfg  HasherConfig
		want bool
	}{
		"more memory":        {HasherConfig{MemoryKiB: 16 * 1024, Iterations: 1}, true},
		"more iterations":    {HasherConfig{MemoryKiB: 8 * 1024, Iterations: 2}, true},
		"the same":           {HasherConfig{MemoryKiB: 8 * 1024, Iterations: 1}, false},
		"not a whole block":  {HasherConfig{MemoryKiB: 8*1024 + 3, Iterations: 1}, false},
		"less than it costs": {HasherConfig{MemoryKiB: 4 * 1024, Iterations: 1}, false},
		"much less":          {HasherConfig{MemoryKiB: 3 * 1024, Iterations: 1}, true},
	} {
		if got := newTestHasher(t, tc.cfg).NeedsRehash(hash); got != tc.want {
			t.Errorf("%s: NeedsRehash = %v, want %v", name, got, tc.want)
		}
	}
}

func TestI29_FullQueueRefusesAtOnce(t *testing.T) {
	h := newTestHasher(t, HasherConfig{MemoryKiB: 64, Iterations: 1, Workers: 1, Queue: 2})
	ctx := t.Context()
	if err := h.gate.enter(ctx, h.memory); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := h.Hash(ctx, "waits")
			done <- err
		}()
	}
	waitFor(t, func() bool { return waiting(h) == 2 })
	start := time.Now()
	if _, err := h.Hash(ctx, "one too many"); !errors.Is(err, ErrBusy) {
		t.Errorf("err = %v, want ErrBusy", err)
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("the refusal took %v", d)
	}
	h.gate.leave(h.memory)
	for range 2 {
		if err := <-done; err != nil {
			t.Errorf("a waiting one failed: %v", err)
		}
	}
}

func TestHashAllTakesOnePlace(t *testing.T) {
	h := newTestHasher(t, HasherConfig{MemoryKiB: 64, Iterations: 1, Workers: 1, Queue: 1})
	ctx := t.Context()
	if err := h.gate.enter(ctx, h.memory); err != nil {
		t.Fatal(err)
	}
	secrets := []string{"one", "two", "two", ""}
	var hashes []string
	done := make(chan error, 1)
	go func() {
		var err error
		hashes, err = h.HashAll(ctx, secrets)
		done <- err
	}()
	waitFor(t, func() bool { return waiting(h) == 1 })
	if got, err := h.HashAll(ctx, secrets); !errors.Is(err, ErrBusy) || got != nil {
		t.Errorf("with a full queue: %v, %v, want ErrBusy", got, err)
	}
	h.gate.leave(h.memory)
	if err := <-done; err != nil || len(hashes) != len(secrets) || hashes[1] == hashes[2] {
		t.Fatalf("hashes = %q, %v", hashes, err)
	}
	for i, secret := range secrets {
		if ok, err := h.Check(ctx, hashes[i], secret); !ok || err != nil {
			t.Errorf("hash %d: %v, %v", i, ok, err)
		}
	}
	if got, err := h.HashAll(ctx, nil); len(got) != 0 || err != nil {
		t.Errorf("nothing to hash: %v, %v", got, err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := h.HashAll(canceled, secrets); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want canceled", err)
	}
	if h.gate.workers != 1 || h.gate.memory != h.budget {
		t.Error("a place was lost")
	}
}

// I9: what a cheaper hash lacks in work is made up, and nothing is added to one that costs as much as ours.
func TestI9_CheaperHashesAreMadeUpFor(t *testing.T) {
	h := newTestHasher(t, HasherConfig{MemoryKiB: 16 * 1024, Iterations: 2})
	const tail = "$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for hash, want := range map[string]int64{
		"$argon2id$v=19$m=16384,t=2,p=1" + tail:                             0,
		"$argon2id$v=19$m=16384,t=3,p=1" + tail:                             0,
		"$argon2id$v=19$m=16384,t=1,p=1" + tail:                             8 * 1024,
		"$argon2id$v=19$m=4096,t=2,p=1" + tail:                              12 * 1024,
		"$argon2id$v=19$m=16380,t=2,p=1" + tail:                             0, // less than argon2 can add
		"{SSHA256}YAQXN/bBbCOfeFHCU9CXxL4mRkUjweb7g2b9PeY0Ev5zYWx0U0FMVA==": 16 * 1024,
		"$P$BW/1JXZaGVnuZkFoX4mq0fJXOUX4Fj/":                                16*1024 - 8192/4/2,
		"$pbkdf2-sha256$10000" + tail:                                       16*1024 - 5000/2,
		"$pbkdf2-sha512$10000" + tail:                                       16*1024 - 10_000/2,
		"$pbkdf2-sha256$1200000" + tail:                                     0,
		"$scrypt$ln=10,r=8,p=1" + tail:                                      16*1024 - 4*1024/2,
		"$2y$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW":      16*1024 - bcryptWork<<4/2,
		"$2y$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW":      0,
	} {
		p, err := h.parse(hash)
		if err != nil {
			t.Fatal(err)
		}
		rest, err := h.rest(p)
		if err != nil || rest.memory != want || (rest.digest == nil) != (want == 0) {
			t.Errorf("%s: rest of %d KiB, %v, want %d", hash, rest.memory, err, want)
		}
		if ok, err := rest.match("secret"); ok || err != nil {
			t.Errorf("%s: the rest matched: %v, %v", hash, ok, err)
		}
	}
}

func TestCancelLeavesTheQueue(t *testing.T) {
	h := newTestHasher(t, HasherConfig{MemoryKiB: 64, Iterations: 1, Workers: 1, Queue: 1})
	if err := h.gate.enter(t.Context(), h.memory); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := h.Hash(ctx, "gives up")
		done <- err
	}()
	waitFor(t, func() bool { return waiting(h) == 1 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want canceled", err)
	}
	if n := waiting(h); n != 0 {
		t.Errorf("%d still wait", n)
	}
	h.gate.leave(h.memory)
	if _, err := h.Hash(t.Context(), "next"); err != nil {
		t.Errorf("the place was lost: %v", err)
	}
}

// However callers come and go, no more run at once than allowed and no place is lost.
func TestI29_GateNeverOveradmits(t *testing.T) {
	const workers, memory = 3, 100
	g := newGate(workers, memory, 1000)
	var running, used atomic.Int64
	var wg sync.WaitGroup
	for i := range 400 {
		wg.Go(func() {
			ctx := t.Context()
			if i%3 == 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, time.Duration(i%7)*time.Millisecond)
				defer cancel()
			}
			need := int64(10 + i%60)
			if g.enter(ctx, need) != nil {
				return
			}
			if n, m := running.Add(1), used.Add(need); n > workers || m > memory {
				t.Errorf("%d run with %d KiB", n, m)
			}
			runtime.Gosched()
			running.Add(-1)
			used.Add(-need)
			g.leave(need)
		})
	}
	wg.Wait()
	if g.workers != workers || g.memory != memory || g.waiting.Len() != 0 {
		t.Errorf("left over: workers %d, memory %d, waiting %d", g.workers, g.memory, g.waiting.Len())
	}
}

// D-2: however many sign in at once, memory stays within a small multiple of the budget (the garbage collector's share).
func TestI29_MemoryStaysWithinBudget(t *testing.T) {
	if testing.Short() {
		t.Skip("computes many hashes")
	}
	if raceDetector {
		t.Skip("the race detector keeps memory of its own beside every block; make test runs this without it")
	}
	before := rss(t)
	h := newTestHasher(t, HasherConfig{Workers: 2, Queue: 20})
	dummy := h.dummyHash(h.memory)
	debug.FreeOSMemory()
	var wg sync.WaitGroup
	var busy, served atomic.Int64
	for range 500 {
		wg.Go(func() {
			switch _, err := h.Check(t.Context(), dummy, "password"); {
			case errors.Is(err, ErrBusy):
				busy.Add(1)
			case err == nil:
				served.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	peak := int64(0)
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(2 * time.Millisecond):
			peak = max(peak, rss(t))
		}
	}
	if busy.Load() == 0 || served.Load() < 22 {
		t.Errorf("busy %d, served %d: want the queue to have filled", busy.Load(), served.Load())
	}
	if rise, limit := peak-before, int64(5*2*19<<20); rise > limit {
		t.Errorf("memory rose by %d MiB, want at most %d MiB", rise>>20, limit>>20)
	}
}

func rss(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("needs /proc")
	}
	pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// waiting is how many wait for their turn.
func waiting(h *Hasher) int {
	h.gate.mu.Lock()
	defer h.gate.mu.Unlock()
	return h.gate.waiting.Len()
}

func waitFor(t *testing.T, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatal("it never happened")
}

func BenchmarkCheck(b *testing.B) {
	h := newTestHasher(b, HasherConfig{})
	dummy := h.dummyHash(h.memory)
	for b.Loop() {
		if _, err := h.Check(b.Context(), dummy, "password"); err != nil {
			b.Fatal(err)
		}
	}
}
