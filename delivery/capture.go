package delivery

import (
	"context"
	"slices"
	"sync"
)

// Capture is a Mailer that keeps what it is given. Its zero value is ready to use.
type Capture struct {
	// Refuse decides on each message before it is kept; nil takes all.
	Refuse func(m Mail) error

	captured[Mail]
}

// Send keeps m.
func (c *Capture) Send(ctx context.Context, m Mail) (Receipt, error) { return c.keep(ctx, c.Refuse, m) }

// Mails returns what was sent to an address so far, oldest first; to everybody if the address is empty.
func (c *Capture) Mails(to string) []Mail {
	return c.sent(func(m Mail) bool { return to == "" || m.To == to })
}

// CaptureSMS is an SMS that keeps what it is given. Its zero value is ready to use.
type CaptureSMS struct {
	// Refuse decides on each message before it is kept; nil takes all.
	Refuse func(m Text) error

	captured[Text]
}

// Send keeps m.
func (c *CaptureSMS) Send(ctx context.Context, m Text) (Receipt, error) {
	return c.keep(ctx, c.Refuse, m)
}

// Texts returns what was sent to a number so far, oldest first; to everybody if the number is empty.
func (c *CaptureSMS) Texts(to string) []Text {
	return c.sent(func(m Text) bool { return to == "" || m.To == to })
}

// captured keeps messages of one sort.
type captured[M any] struct {
	mu   sync.Mutex
	kept []M
}

func (c *captured[M]) keep(ctx context.Context, refuse func(M) error, m M) (Receipt, error) {
	if err := ctx.Err(); err != nil {
		return Receipt{}, err
	}
	if refuse != nil {
		if err := refuse(m); err != nil {
			return Receipt{}, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, m)
	return Receipt{Reply: "captured"}, nil
}

// Clear forgets what was sent.
func (c *captured[M]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = nil
}

func (c *captured[M]) sent(which func(M) bool) []M {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.kept), func(m M) bool { return !which(m) })
}
