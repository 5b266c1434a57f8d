package provider

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/futakagi/futakagi/internal/seal"
)

// nonceStep is how long a nonce of ours is the current one. It is accepted for one step more.
const nonceStep = 2 * time.Minute

const noncePurpose = "dpop-nonce"

// nonces makes the nonces of proofs (RFC 9449 section 8). They are not stored: a nonce is a step of time and the proof that we wrote
// it, by a key that all servers on one database share, so that every one of them accepts what another gave out.
type nonces struct {
	box   *seal.Box
	clock func() time.Time
}

func (n *nonces) step() int64 { return n.clock().Unix() / int64(nonceStep/time.Second) }

// now is the nonce to use from now on.
func (n *nonces) now() string {
	step := n.step()
	out := binary.BigEndian.AppendUint64(nil, uint64(step))
	out = append(out, n.box.MAC(noncePurpose, strconv.FormatInt(step, 10))...)
	return base64.RawURLEncoding.EncodeToString(out)
}

// check reports whether a nonce counts, and whether it is the current one, which its client need not be told. One from the next step
// is that of a server whose clock is ahead.
func (n *nonces) check(nonce string) (current, right bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(raw) <= 8 || len(raw) > 128 {
		return false, false
	}
	step, now := int64(binary.BigEndian.Uint64(raw)), n.step()
	if step < now-1 || step > now+1 || !n.box.CheckMAC(raw[8:], noncePurpose, strconv.FormatInt(step, 10)) {
		return false, false
	}
	return step >= now, true
}
