package account

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/argon2"
	"github.com/go-crypt/crypt/algorithm/bcrypt"
)

var (
	// ErrBusy says that the queue of the hasher is full. Nothing was checked and nothing counted; trying again soon is right.
	ErrBusy = errors.New("too many passwords are being checked")
	// ErrHash says that a stored hash has an unknown form, or asks for more work than one check may cost.
	ErrHash = errors.New("unusable password hash")
)

const (
	defaultMemoryKiB  = 19 * 1024
	defaultIterations = 2
	defaultQueue      = 64

	saltBytes = 16
	keyBytes  = 32

	// An imported hash may cost at most this many times the work of our own, and bcrypt at most this cost (1 s or so).
	maxForeignWork = 16
	maxBcryptCost  = 14
	// bcryptKiB is what one bcrypt takes, rounded up.
	bcryptKiB = 8
	// bcryptWork is how many KiB argon2id passes over while bcrypt does one round, of which it does two to the power of its cost.
	bcryptWork = 64

	// minMemoryKiB is the least argon2id works with.
	minMemoryKiB = 8
)

// HasherConfig sets the cost of hashing and how much of it may run at once. Every field may be left zero.
type HasherConfig struct {
	// MemoryKiB and Iterations are argon2id's parameters; 19456 and 2 if zero. They are stored with each hash.
	MemoryKiB, Iterations int
	// Workers is how many hashes run at once; one per processor if zero.
	Workers int
	// Queue is how many may wait beyond those; 64 if zero. The next one is refused with [ErrBusy].
	Queue int
	// MemoryBudgetMiB is the most memory for hashes at once; it lowers Workers where needed. Zero: what Workers need, and
	// at least 64.
	MemoryBudgetMiB int
}

// Hasher turns passwords and backup codes into argon2id hashes and checks them, within a fixed amount of processors and
// memory. It is safe for concurrent use.
type Hasher struct {
	memory     int64 // KiB of one hash
	iterations int
	budget     int64 // KiB of all hashes at once
	gate       *gate
	argon      *argon2.Hasher
	dummy      *parsed // for accounts that do not exist
}

// NewHasher returns a Hasher.
func NewHasher(cfg HasherConfig) (*Hasher, error) {
	h := &Hasher{memory: int64(cfg.MemoryKiB), iterations: cfg.Iterations}
	if h.memory == 0 {
		h.memory = defaultMemoryKiB
	}
	h.memory -= h.memory % 4 // argon2 works in whole blocks of four; the rounded figure is the one it stores
	if h.iterations == 0 {
		h.iterations = defaultIterations
	}
	workers, queue := cfg.Workers, cfg.Queue
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if queue == 0 {
		queue = defaultQueue
	}
	if h.memory < minMemoryKiB || h.iterations < 1 || workers < 1 || queue < 0 || cfg.MemoryBudgetMiB < 0 {
		return nil, fmt.Errorf("make password hasher: negative or too small setting in %+v", cfg)
	}
	h.budget = int64(cfg.MemoryBudgetMiB) * 1024
	if h.budget == 0 {
		// Room for one hash as the common frameworks make them, so that imported ones can be checked.
		h.budget = max(int64(workers)*h.memory, 64*1024)
	}
	if h.budget < h.memory {
		return nil, fmt.Errorf("make password hasher: a memory budget of %d MiB is less than one hash takes (%d KiB)", cfg.MemoryBudgetMiB, h.memory)
	}
	h.gate = newGate(workers, h.budget, queue)

	var err error
	if h.argon, err = argon2.New(argon2.WithVariantID(), argon2.WithM(uint32(h.memory)), argon2.WithT(h.iterations),
		argon2.WithP(1), argon2.WithK(keyBytes), argon2.WithS(saltBytes)); err != nil {
		return nil, fmt.Errorf("make password hasher: %w", err)
	}

	if h.dummy, err = h.parse(h.dummyHash(h.memory)); err != nil {
		return nil, fmt.Errorf("make password hasher: %w", err)
	}
	return h, nil
}

// dummyHash returns a hash like any other whose key is random instead of derived: checking against it costs the same, and nothing
// matches it.
func (h *Hasher) dummyHash(memory int64) string {
	var random [saltBytes + keyBytes]byte
	_, _ = rand.Read(random[:])
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=1$%s$%s", memory, h.iterations,
		enc.EncodeToString(random[:saltBytes]), enc.EncodeToString(random[saltBytes:]))
}

// Hash returns the hash of a secret in PHC form. It waits for its turn and fails with [ErrBusy] when the queue is full.
func (h *Hasher) Hash(ctx context.Context, secret string) (string, error) {
	hashes, err := h.HashAll(ctx, []string{secret})
	if err != nil {
		return "", err
	}
	return hashes[0], nil
}

// HashAll returns the hashes of several secrets in their order. They take one place in the queue together and are made one after
// the other: a set of codes waits once, and is refused with [ErrBusy] as a whole or not at all.
func (h *Hasher) HashAll(ctx context.Context, secrets []string) ([]string, error) {
	if err := h.gate.enter(ctx, h.memory); err != nil {
		return nil, err
	}
	defer h.gate.leave(h.memory)
	hashes := make([]string, 0, len(secrets))
	for _, secret := range secrets {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		digest, err := h.argon.Hash(secret)
		if err != nil {
			return nil, fmt.Errorf("hash secret: %w", err)
		}
		hashes = append(hashes, digest.Encode())
	}
	return hashes, nil
}

// Check reports whether secret belongs to hash, which may also be a bcrypt hash from elsewhere. It waits for its turn and
// fails with [ErrBusy] when the queue is full, and with [ErrHash] for a hash it cannot or will not compute.
func (h *Hasher) Check(ctx context.Context, hash, secret string) (bool, error) {
	p, err := h.parse(hash)
	if err != nil {
		return false, err
	}
	if err := h.gate.enter(ctx, p.memory); err != nil {
		return false, err
	}
	defer h.gate.leave(p.memory)
	return p.match(secret)
}

// NeedsRehash reports whether hash is weaker than what Hash makes today, or of another kind.
func (h *Hasher) NeedsRehash(hash string) bool {
	p, err := h.parse(hash)
	return err != nil || !p.argon2id || p.memory < h.memory || p.iterations < int64(h.iterations)
}

// parsed is a stored hash that is fit to be computed.
type parsed struct {
	argon2id   bool
	memory     int64 // KiB
	iterations int64
	work       int64 // in KiB that argon2id passes over, about
	digest     algorithm.Digest
}

// rest returns what is to be computed besides a cheaper hash, so that a wrong password for an old account takes as long as one
// for an account that does not exist. What costs more than ours cannot be hidden; it goes with the first right password.
func (h *Hasher) rest(p *parsed) (*parsed, error) {
	missing := h.memory*int64(h.iterations) - p.work
	if memory := missing / int64(h.iterations); memory >= minMemoryKiB {
		return h.parse(h.dummyHash(memory - memory%4))
	}
	return &parsed{}, nil
}

// match reports whether secret is the one; no secret is that of the zero value, which costs nothing.
func (p *parsed) match(secret string) (bool, error) {
	if p.digest == nil {
		return false, nil
	}
	ok, err := p.digest.MatchAdvanced(secret)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrHash, err)
	}
	return ok, nil
}

// parse decodes a hash and refuses one that would cost too much: whoever can write a hash, by an import say, must not be able
// to stop the server with it.
func (h *Hasher) parse(hash string) (*parsed, error) {
	if len(hash) > 512 || !utf8.ValidString(hash) {
		return nil, fmt.Errorf("%w: too long", ErrHash)
	}
	parts := strings.Split(hash, "$")
	if len(parts) < 4 || parts[0] != "" {
		return nil, fmt.Errorf("%w: unknown form", ErrHash)
	}
	switch parts[1] {
	case "argon2id":
		return h.parseArgon2id(hash, parts)
	case "2a", "2b", "2y":
		return parseBcrypt(hash, parts)
	}
	return nil, fmt.Errorf("%w: unknown kind", ErrHash)
}

func (h *Hasher) parseArgon2id(hash string, parts []string) (*parsed, error) {
	var m, t, p int64
	if len(parts) != 6 || parts[2] != "v=19" {
		return nil, fmt.Errorf("%w: argon2id of another version", ErrHash)
	}
	// Scanned again by the decoder; read here first because the decoder puts no bounds on them.
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &m, &t, &p); n != 3 || err != nil {
		return nil, fmt.Errorf("%w: argon2id without its parameters", ErrHash)
	}
	if fmt.Sprintf("m=%d,t=%d,p=%d", m, t, p) != parts[3] || m < 8*p || t < 1 || p < 1 || p > 16 {
		return nil, fmt.Errorf("%w: argon2id parameters out of range", ErrHash)
	}
	// Both factors are bounded before they are multiplied.
	work := h.memory * int64(h.iterations) * maxForeignWork
	if m > h.budget || t > 1<<20 || m*t > work {
		return nil, fmt.Errorf("%w: argon2id costs too much (m=%d, t=%d)", ErrHash, m, t)
	}
	digest, err := argon2.DecodeVariant(argon2.VariantID)(hash)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHash, err)
	}
	if d, ok := digest.(*argon2.Digest); !ok || len(d.Key()) < 16 || len(d.Salt()) < 8 {
		return nil, fmt.Errorf("%w: argon2id key or salt too short", ErrHash)
	}
	return &parsed{argon2id: true, memory: m, iterations: t, work: m * t, digest: digest}, nil
}

func parseBcrypt(hash string, parts []string) (*parsed, error) {
	cost, err := strconv.Atoi(parts[2])
	if err != nil || len(parts) != 4 || cost < 4 || cost > maxBcryptCost {
		return nil, fmt.Errorf("%w: bcrypt cost out of range", ErrHash)
	}
	digest, err := bcrypt.DecodeVariant(bcrypt.VariantStandard)(hash)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHash, err)
	}
	return &parsed{memory: bcryptKiB, iterations: 1, work: bcryptWork << cost, digest: &truncating{digest}}, nil
}

// truncating cuts what it checks to the 72 bytes that every bcrypt looks at: those who hashed it long ago did.
type truncating struct{ algorithm.Digest }

func (d *truncating) MatchAdvanced(password string) (bool, error) {
	return d.Digest.MatchAdvanced(password[:min(len(password), 72)])
}
