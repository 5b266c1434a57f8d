package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

const (
	// headerKey names a request, so that it can be sent again without being done again.
	headerKey = "Idempotency-Key"
	// headerReplayed marks an answer that was given before.
	headerReplayed = "Idempotency-Replayed"
	// keepAnswers is how long an answer is given again.
	keepAnswers = 24 * time.Hour
	// claimFor is how long a request may take; after that the server that took it is thought to have stopped.
	claimFor = 30 * time.Second
	// maxKey is how long a key may be.
	maxKey = 255
)

// errClaimLost ends an act whose key somebody else took over meanwhile. Nothing is changed.
var errClaimLost = errors.New("another request acts under this key")

// claim is the right to act under a key. It travels in the context to the transaction of the act.
type claim struct {
	actor, key, id string
}

type claimKey struct{}

// markAct notes, in the transaction of an act, that what the request's key stands for is done.
func markAct(ctx context.Context, tx *store.Tx, now time.Time) error {
	c, ok := ctx.Value(claimKey{}).(claim)
	if !ok {
		return nil
	}
	n, err := tx.MarkAPIRequest(ctx, store.MarkAPIRequestParams{Actor: c.actor, Key: c.key, ClaimID: c.id, Now: &now})
	if err != nil {
		return fmt.Errorf("mark request: %w", err)
	}
	if n == 0 {
		return errClaimLost
	}
	return nil
}

// reply is what a request is answered with.
type reply struct {
	Status   int             `json:"status"`
	ETag     string          `json:"etag,omitempty"`
	Location string          `json:"location,omitempty"`
	Body     json.RawMessage `json:"body,omitempty"`

	replayed bool
}

// once does what a request asks for, unless it was done before under the same key: then it is answered as it was. A key is free
// again after a request that changed nothing and failed.
func (a *API) once(ctx context.Context, c *call, do func(context.Context) (reply, error)) (reply, error) {
	keys := c.r.Header.Values(headerKey)
	if !c.op.keyed() || len(keys) == 0 {
		return do(ctx)
	}
	if len(keys) != 1 || !plainKey(keys[0]) {
		return reply{}, invalid(web.FieldProblem{Field: headerKey, Reason: reasonFormat})
	}
	now := a.now().UTC().Truncate(time.Microsecond)
	cl := claim{actor: c.actor.key(), key: keys[0], id: store.NewID[string]()}
	sum := hashOf(c.op.method, c.r.URL.RequestURI(), string(c.body))
	err := a.db.InTx(ctx, func(tx *store.Tx) error {
		_, err := tx.ClaimAPIRequest(ctx, store.ClaimAPIRequestParams{
			Actor: cl.actor, Key: cl.key, RequestHash: sum, ClaimID: cl.id,
			ClaimedUntil: now.Add(claimFor), ExpiresAt: now.Add(keepAnswers), Now: now,
		})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return a.again(ctx, cl, sum, now)
	}
	if err != nil {
		return reply{}, fmt.Errorf("claim request: %w", err)
	}
	out, err := do(context.WithValue(ctx, claimKey{}, cl))
	// What became of it must be known even if nobody waits for the answer any more.
	after := context.WithoutCancel(ctx)
	if err != nil {
		a.finish(after, func(tx *store.Tx) error {
			_, err := tx.ReleaseAPIRequest(after, store.ReleaseAPIRequestParams{Actor: cl.actor, Key: cl.key, ClaimID: cl.id})
			return err
		})
		return reply{}, err
	}
	a.finish(after, func(tx *store.Tx) error {
		raw, err := json.Marshal(out)
		if err != nil {
			return err
		}
		sealed, err := a.box.Seal(raw, cl.place())
		if err != nil {
			return err
		}
		_, err = tx.AnswerAPIRequest(after, store.AnswerAPIRequestParams{
			Actor: cl.actor, Key: cl.key, ClaimID: cl.id, Status: int64(out.Status), AnswerSealed: sealed,
		})
		return err
	})
	return out, nil
}

// hashOf is what is kept of a request to tell it from another under the same key.
func hashOf(method, uri, body string) []byte {
	sum := sha256.Sum256([]byte(method + "\n" + uri + "\n" + body))
	return sum[:]
}

// finish writes down what became of a request. If that fails, the request's own answer still stands; who asks again is told that it
// was done.
func (a *API) finish(ctx context.Context, f func(tx *store.Tx) error) {
	if err := a.db.InTx(ctx, f); err != nil {
		web.Event(ctx).Add(slog.String("idempotency_error", err.Error()))
	}
}

// again answers a request whose key was used before.
func (a *API) again(ctx context.Context, cl claim, sum []byte, now time.Time) (reply, error) {
	row, err := a.db.Read().GetAPIRequest(ctx, store.GetAPIRequestParams{Actor: cl.actor, Key: cl.key})
	switch {
	case errors.Is(err, store.ErrNotFound): // it failed a moment ago
		return reply{}, problem(codeInProgress)
	case err != nil:
		return reply{}, fmt.Errorf("load request: %w", err)
	case !bytes.Equal(row.RequestHash, sum):
		return reply{}, problem(codeKeyReused)
	case row.Status == 0 && row.ClaimedUntil.After(now):
		e := problem(codeInProgress)
		e.RetryAfter = time.Second
		return reply{}, e
	case row.Status == 0:
		return reply{}, problem(codeAlreadyDone) // the server stopped between the act and its answer
	}
	cl.id = row.ClaimID
	raw, err := a.box.Open(row.AnswerSealed, cl.place())
	if err != nil {
		return reply{}, fmt.Errorf("open answer: %w", err)
	}
	out := reply{replayed: true}
	if err := json.Unmarshal(raw, &out); err != nil {
		return reply{}, fmt.Errorf("read answer: %w", err)
	}
	return out, nil
}

func (c claim) place() seal.Place {
	return seal.Place{Table: "api_requests", Row: c.id, Account: c.actor}
}

// plainKey reports whether a key is printable ASCII of a length we keep.
func plainKey(key string) bool {
	if key == "" || len(key) > maxKey {
		return false
	}
	for _, b := range []byte(key) {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return true
}
