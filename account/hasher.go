package account

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"

	"github.com/go-crypt/crypt/algorithm/argon2"
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

	// What a stored hash may cost: a second or so, however cheap ours are, or this many times the work of ours.
	maxForeignWork  = 1 << 20
	maxForeignTimes = 16
	// foreignMemoryKiB is room for one hash as Django, OWASP and the common libraries set the memory of argon2 and scrypt.
	foreignMemoryKiB = 128 * 1024

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
	// at least 128, which imported hashes alone use.
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
		h.budget = max(int64(workers)*h.memory, foreignMemoryKiB)
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

// Check reports whether secret belongs to hash, which may also be one from elsewhere (see [ParseImportedHash]). It waits for its
// turn and fails with [ErrBusy] when the queue is full, and with [ErrHash] for a hash it cannot or will not compute.
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

// CheckCode finds which of several hashes of backup codes a code belongs to, in any of its spellings; -1 for none. All of them take
// one place in the queue together. What they cost together was bounded when they were stored: see [Service.ImportCodes].
func (h *Hasher) CheckCode(ctx context.Context, hashes, spellings []string) (index int, err error) {
	codes := make([]*parsed, 0, len(hashes))
	var memory int64
	for _, hash := range hashes {
		p, err := h.parseCode(hash)
		if err != nil {
			return -1, err
		}
		codes, memory = append(codes, p), max(memory, p.memory)
	}
	if err := h.gate.enter(ctx, memory); err != nil {
		return -1, err
	}
	defer h.gate.leave(memory)
	for i, p := range codes {
		if err := ctx.Err(); err != nil {
			return -1, err
		}
		if ok, err := p.matchAny(spellings); ok || err != nil {
			return i, err
		}
	}
	return -1, nil
}

// NeedsRehash reports whether hash is weaker than what Hash makes today, or of another kind, or so much dearer that the time it
// takes would tell its account from one that does not exist.
func (h *Hasher) NeedsRehash(hash string) bool {
	p, err := h.parse(hash)
	return err != nil || !p.argon2id || p.memory < h.memory || p.iterations < int64(h.iterations) || p.work > 2*h.work()
}

// ceiling is what a check may cost, in the measure of parsed.
func (h *Hasher) ceiling() int64 { return max(maxForeignWork, maxForeignTimes*h.work()) }

// work is what one of our hashes costs, in the measure of parsed.
func (h *Hasher) work() int64 { return h.memory * int64(h.iterations) }

// parsed is a stored hash that is fit to be computed.
type parsed struct {
	argon2id   bool
	memory     int64 // KiB
	iterations int64
	work       int64 // in KiB that argon2id passes over, about
	digest     digest
}

// digest compares a secret with a hash.
type digest interface {
	MatchAdvanced(secret string) (bool, error)
}

// rest returns what is to be computed besides a cheaper hash, so that a wrong password for an old account takes about as long as
// one for an account that does not exist. What costs more than ours cannot be hidden; it goes with the first right password.
func (h *Hasher) rest(p *parsed) (*parsed, error) {
	missing := h.work() - p.work
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
		return false, refuse("cannot be computed") // the cause may quote the hash
	}
	return ok, nil
}

// matchAny reports whether one of the secrets is the one. Which ones are computed does not depend on the hash, but for the right
// one ending it.
func (p *parsed) matchAny(secrets []string) (bool, error) {
	for _, secret := range secrets {
		if ok, err := p.match(secret); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// parse decodes a hash and refuses one that would cost too much: whoever can write a hash, by an import say, must not be able
// to stop the server with it.
func (h *Hasher) parse(hash string) (*parsed, error) { return h.afford(decode(hash)) }

// parseCode is parse for the hash of a backup code.
func (h *Hasher) parseCode(hash string) (*parsed, error) { return h.afford(decodeCode(hash)) }

func (h *Hasher) afford(p *parsed, err error) (*parsed, error) {
	switch {
	case err != nil:
		return nil, err
	case p.memory > h.budget:
		return nil, fmt.Errorf("%w: needs more than the %d MiB that hashes may take (password.memory_budget_mib)", ErrHash, h.budget/1024)
	case p.work > h.ceiling():
		return nil, fmt.Errorf("%w: costs too much time", ErrHash)
	}
	return p, nil
}
