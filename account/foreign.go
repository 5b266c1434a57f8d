package account

import (
	"crypto/md5" //nolint:gosec // phpass is made of it
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"github.com/go-crypt/crypt/algorithm/argon2"
	"github.com/go-crypt/crypt/algorithm/bcrypt"
	"github.com/go-crypt/crypt/algorithm/pbkdf2"
	"github.com/go-crypt/crypt/algorithm/scrypt"
)

// What others' hashes cost, in KiB that argon2id passes over in the same time on a common server. The figures say which hash
// costs too much, and what is computed besides a cheap one; neither needs them to be exact.
const (
	bcryptWork = 64  // a round, of which there are two to the power of its cost
	scryptWork = 4   // a KiB of its memory
	sha512Work = 1   // an iteration of PBKDF2 with SHA-512
	sha256Work = 0.5 // one with SHA-256 or SHA-1
	md5Work    = 0.25

	bcryptKiB   = 8 // memory of one bcrypt, rounded up
	maxHashText = 512

	// maxPHPassCost is a second or so for the longest password, which phpass goes over in each of two to this power rounds.
	maxPHPassCost = 18

	// Less than these cannot be a hash of a password that is worth the name.
	minKey, minSalt, minShaSalt = 16, 8, 4
)

// decode reads a stored hash: ours, and those from elsewhere in the spellings that [ParseImportedHash] brings them to. It bounds
// what is needed to compute with the figures in it, not what they cost. Its errors hold nothing of the hash.
func decode(text string) (*parsed, error) {
	if len(text) > maxHashText {
		return nil, refuse("too long")
	}
	for _, b := range []byte(text) {
		if b <= ' ' || b > '~' {
			return nil, refuse("unknown form") // the decoders of base64 pass over line breaks
		}
	}
	if strings.HasPrefix(text, "{") {
		return decodeSaltedSHA(text)
	}
	parts := strings.Split(text, "$")
	if prehashed, ok := strings.CutPrefix(text, djangoBcrypt); ok {
		return decodeBcrypt(prehashed, parts[1:], true)
	}
	if len(parts) < 3 || parts[0] != "" {
		return nil, refuse("unknown form")
	}
	switch parts[1] {
	case "argon2id", "argon2i", "argon2d":
		return decodeArgon2(text, parts)
	case "2a", "2b", "2y":
		return decodeBcrypt(text, parts, false)
	case "scrypt":
		return decodeScrypt(text, parts)
	case "pbkdf2", "pbkdf2-sha256", "pbkdf2-sha512":
		return decodePBKDF2(text, parts)
	case "P", "H":
		return decodePHPass(parts)
	}
	return nil, refuse("unknown form")
}

// refuse is [ErrHash] with a reason. The reason is a sentence of ours alone: a part of a hash must not reach a log.
func refuse(reason string) error { return fmt.Errorf("%w: %s", ErrHash, reason) }

// figures reads the numbers of a form such as m=%d,t=%d, which text must have to the letter. The decoders put no bounds on them,
// and take them in any number and order.
func figures(text, form string, into ...*int64) bool {
	pointers, values := make([]any, len(into)), make([]any, len(into))
	for i, n := range into {
		pointers[i] = n
	}
	if n, err := fmt.Sscanf(text, form, pointers...); n != len(into) || err != nil {
		return false
	}
	for i, n := range into {
		values[i] = *n
	}
	return fmt.Sprintf(form, values...) == text
}

func decodeArgon2(text string, parts []string) (*parsed, error) {
	var m, t, p int64
	if len(parts) != 6 || parts[2] != "v=19" {
		return nil, refuse("argon2 of another version")
	}
	if !figures(parts[3], "m=%d,t=%d,p=%d", &m, &t, &p) || t < 1 || p < 1 || p > 16 || m < 8*p || m > 1<<32-1 || t > 1<<20 {
		return nil, refuse("argon2 parameters out of range")
	}
	decoded, err := argon2.Decode(text)
	if d, ok := decoded.(*argon2.Digest); err != nil || !ok || len(d.Key()) < minKey || len(d.Salt()) < minSalt {
		return nil, refuse("argon2 key or salt cannot be read or is too short")
	}
	return &parsed{argon2id: parts[1] == "argon2id", memory: m, iterations: t, work: m * t, digest: decoded}, nil
}

// decodeBcrypt reads bcrypt of the password, or of its SHA-256 as Django does it.
func decodeBcrypt(text string, parts []string, prehashed bool) (*parsed, error) {
	if len(parts) != 4 || parts[0] != "" || parts[1] != "2a" && parts[1] != "2b" && parts[1] != "2y" {
		return nil, refuse("bcrypt of another version")
	}
	cost, err := strconv.Atoi(parts[2])
	if err != nil || fmt.Sprintf("%02d", cost) != parts[2] || cost < 4 || cost > 31 {
		return nil, refuse("bcrypt cost out of range")
	}
	decoded, err := bcrypt.DecodeVariant(bcrypt.VariantStandard)(text)
	if err != nil {
		return nil, refuse("bcrypt key or salt cannot be read")
	}
	p := &parsed{memory: bcryptKiB, iterations: 1, work: bcryptWork << cost, digest: &truncating{decoded}}
	if prehashed {
		p.digest = &hashing{decoded}
	}
	return p, nil
}

// truncating cuts what it checks to the 72 bytes that every bcrypt looks at: those who hashed it long ago did.
type truncating struct{ digest }

func (d *truncating) MatchAdvanced(password string) (bool, error) {
	return d.digest.MatchAdvanced(password[:min(len(password), 72)])
}

// hashing checks the SHA-256 of what it is given, in hexadecimal.
type hashing struct{ digest }

func (d *hashing) MatchAdvanced(password string) (bool, error) {
	sum := sha256.Sum256([]byte(password))
	return d.digest.MatchAdvanced(hex.EncodeToString(sum[:]))
}

func decodeScrypt(text string, parts []string) (*parsed, error) {
	var ln, r, p int64
	if len(parts) != 5 || !figures(parts[2], "ln=%d,r=%d,p=%d", &ln, &r, &p) || ln < 1 || ln > 24 || r < 1 || r > 32 || p < 1 || p > 16 {
		return nil, refuse("scrypt parameters out of range")
	}
	decoded, err := scrypt.DecodeVariant(scrypt.VariantScrypt)(text)
	if d, ok := decoded.(*scrypt.Digest); err != nil || !ok || len(d.Key()) < minKey || len(d.Salt()) < minSalt {
		return nil, refuse("scrypt key or salt cannot be read or is too short")
	}
	memory := r << ln / 8 // blocks of 128 bytes; what it takes besides is a few KiB
	return &parsed{memory: memory, iterations: 1, work: scryptWork * memory * p, digest: decoded}, nil
}

func decodePBKDF2(text string, parts []string) (*parsed, error) {
	var iterations int64
	if len(parts) != 5 || !figures(parts[2], "%d", &iterations) || iterations < 1 || iterations > 1<<30 {
		return nil, refuse("pbkdf2 iterations out of range")
	}
	decoded, err := pbkdf2.Decode(text)
	d, ok := decoded.(*pbkdf2.Digest)
	if err != nil || !ok || len(d.Key()) < minKey || len(d.Key()) > 128 || len(d.Salt()) < minSalt {
		return nil, refuse("pbkdf2 key or salt cannot be read or is too short")
	}
	size, each := 20, sha256Work
	switch parts[1] {
	case "pbkdf2-sha256":
		size = sha256.Size
	case "pbkdf2-sha512":
		size, each = sha512.Size, sha512Work
	}
	blocks := (len(d.Key()) + size - 1) / size // each is iterated for itself
	return &parsed{iterations: iterations, work: int64(float64(iterations) * float64(blocks) * each), digest: decoded}, nil
}

// decodeCode is decode for backup codes, which may also be hashed without a salt: nobody chose them, so no table has them.
func decodeCode(text string) (*parsed, error) {
	size, ok := map[string]int{"{SHA256}": sha256.Size, "{SHA512}": sha512.Size}[text[:min(len(text), len("{SHA256}"))]]
	if !ok {
		return decode(text)
	}
	d := &saltedSHA{new: sha256.New}
	if size == sha512.Size {
		d.new = sha512.New
	}
	var err error
	if d.key, err = base64.StdEncoding.Strict().DecodeString(text[len("{SHA256}"):]); err != nil || len(d.key) != size {
		return nil, refuse("SHA-2 cannot be read")
	}
	return &parsed{iterations: 1, digest: d}, nil
}

// saltedSHA is the digest of password and salt, as directory servers and Dovecot keep it.
type saltedSHA struct {
	new       func() hash.Hash
	key, salt []byte
}

func (d *saltedSHA) MatchAdvanced(password string) (bool, error) {
	h := d.new()
	h.Write([]byte(password))
	h.Write(d.salt)
	return subtle.ConstantTimeCompare(h.Sum(nil), d.key) == 1, nil
}

func decodeSaltedSHA(text string) (*parsed, error) {
	scheme, encoded, _ := strings.Cut(text, "}")
	d := &saltedSHA{new: sha256.New}
	switch scheme {
	case "{SSHA256":
	case "{SSHA512":
		d.new = sha512.New
	default:
		return nil, refuse("unknown form")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	size := d.new().Size()
	if err != nil || len(raw) < size+minShaSalt {
		return nil, refuse("salted SHA-2 cannot be read or has too little salt")
	}
	d.key, d.salt = raw[:size], raw[size:]
	return &parsed{iterations: 1, digest: d}, nil
}

// phpass is the portable hash of phpass: MD5 of the salt and the password, over and over.
type phpass struct {
	rounds    int
	salt, key string
}

func (d *phpass) MatchAdvanced(password string) (bool, error) {
	sum := md5.Sum([]byte(d.salt + password)) //nolint:gosec // as above
	next := append(sum[:len(sum):len(sum)], password...)
	for range d.rounds {
		sum = md5.Sum(next) //nolint:gosec // as above
		copy(next, sum[:])
	}
	return subtle.ConstantTimeCompare([]byte(phpass64(sum[:])), []byte(d.key)) == 1, nil
}

const phpassDigits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// phpass64 writes bytes as phpass does: the lowest six bits of each three bytes first.
func phpass64(in []byte) string {
	out := make([]byte, 0, 22)
	bits, n := 0, 0
	for _, b := range in {
		bits |= int(b) << n
		for n += 8; n >= 6; n -= 6 {
			out = append(out, phpassDigits[bits&63])
			bits >>= 6
		}
	}
	if n > 0 {
		out = append(out, phpassDigits[bits&63])
	}
	return string(out)
}

func decodePHPass(parts []string) (*parsed, error) {
	if len(parts) != 3 || len(parts[2]) != 31 || strings.Trim(parts[2], phpassDigits) != "" {
		return nil, refuse("phpass hash cannot be read")
	}
	cost := strings.IndexByte(phpassDigits, parts[2][0])
	if cost < 7 || cost > maxPHPassCost {
		return nil, refuse("phpass rounds out of range")
	}
	d := &phpass{rounds: 1 << cost, salt: parts[2][1:9], key: parts[2][9:]}
	return &parsed{iterations: 1, work: int64(md5Work * float64(d.rounds)), digest: d}, nil
}
