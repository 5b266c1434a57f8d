package web

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"sync"

	"github.com/futakagi/futakagi/templates"
)

// RequestEvent collects what is worth knowing about one request. It becomes
// exactly one log record when the request ends.
//
// Nothing secret belongs in it: no code, password, token, cookie or query
// string, and addresses of people only masked.
type RequestEvent struct {
	id   string
	addr netip.Addr

	mu         sync.Mutex
	attrs      []slog.Attr
	cause      error
	formAction []string
	frames     []string
	lang       templates.Lang // chosen in this request or by its flow; empty: negotiate
}

// Add puts attributes into the request's log record.
func (e *RequestEvent) Add(attrs ...slog.Attr) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.attrs = append(e.attrs, attrs...)
}

// Fail keeps the cause of a failed request for the log record, which it makes an error.
func (e *RequestEvent) Fail(cause error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cause = cause
}

type eventKey struct{}

// Event returns the event of the request ctx belongs to. Outside a request it
// returns an event nobody reads, so callers need no check.
func Event(ctx context.Context) *RequestEvent {
	if e, ok := ctx.Value(eventKey{}).(*RequestEvent); ok {
		return e
	}
	return &RequestEvent{addr: netip.IPv6Unspecified()}
}

// RequestID returns the request's id, which people read to support and which
// the log and the audit rows carry: "E-7K2M-93QF". It is always our own.
func RequestID(ctx context.Context) string {
	return Event(ctx).id
}

// idAlphabet leaves out what is misread on the telephone.
const idAlphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

func newRequestID() string {
	out := []byte("E-0000-0000")
	var buf [16]byte
	for i := 2; i < len(out); {
		_, _ = rand.Read(buf[:]) // never fails
		for _, b := range buf {
			// The rest of the byte range would favour the first letters.
			if i < len(out) && int(b) < 256/len(idAlphabet)*len(idAlphabet) {
				out[i] = idAlphabet[int(b)%len(idAlphabet)]
				if i++; i < len(out) && out[i] == '-' {
					i++
				}
			}
		}
	}
	return string(out)
}
