package delivery

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strconv"

	"github.com/futakagi/futakagi/internal/outbound"
	"github.com/futakagi/futakagi/store"
)

// pushesPerRecipient is how many pushes to one recipient may be under way at once, on all servers together: one that takes its time, or
// does not answer at all, holds up nobody but itself.
const pushesPerRecipient = 2

// ErrMoot says that nobody is there to be told any more.
var ErrMoot = errors.New("the recipient is not to be told")

// Push is what is to be told to a relying party.
type Push struct {
	ID store.MessageID
	// Kind is [KindSignOut], [KindSignal] or [KindStreamSignal].
	Kind string
	// Recipient is the relying party's client_id.
	Recipient string
	AccountID store.AccountID
	// SessionID is the session it is about; empty: all that the recipient has of the account.
	SessionID store.SessionID
}

// PushRequest is the request that tells it. It is posted.
type PushRequest struct {
	URL, ContentType string
	Body             []byte
	// Authorization is the header of that name, if the recipient wants one.
	Authorization string
}

// claimPush claims a push whose recipient has not enough of them in hand already.
func (o *Outbox) claimPush(ctx context.Context, owner string) (row store.Outbox, found bool, err error) {
	now := o.cfg.Now()
	if _, err := o.cfg.DB.Read().DuePush(ctx, store.DuePushParams{Now: now, PerRecipient: pushesPerRecipient}); err != nil {
		return row, false, unlessNone(err)
	}
	until := now.Add(o.cfg.SendTimeout + leaseMargin)
	return o.lease(ctx, func(tx *store.Tx) ([]store.Outbox, error) {
		return tx.ClaimPushes(ctx, store.ClaimPushesParams{
			Owner: &owner, LeasedUntil: &until, Now: now, PerRecipient: pushesPerRecipient, BatchSize: 1,
		})
	})
}

// push makes one try to tell a relying party. It may hear twice of the same thing, where its answer was lost; that does no harm.
//
// An event is refused for good by 400 alone (RFC 8935 section 2.3). Any other refusal may come from a receiver that is being set up, or
// whose key for our requests ran out: there is a week to get it right.
func (o *Outbox) push(ctx context.Context, row store.Outbox, _ payload) (Receipt, error) {
	p := Push{ID: row.ID, Kind: row.Kind, Recipient: row.Recipient}
	if row.AccountID != nil {
		p.AccountID = *row.AccountID
	}
	if row.SessionID != nil {
		p.SessionID = *row.SessionID
	}
	made, err := o.cfg.Push(ctx, p)
	if errors.Is(err, ErrMoot) {
		return Receipt{}, err
	}
	if err != nil {
		return Receipt{}, &SendError{Reply: "the message could not be made", Err: err}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, made.URL, bytes.NewReader(made.Body))
	if err != nil {
		return Receipt{}, &SendError{Permanent: true, Reply: "the address is not usable", Err: errors.New("the address cannot be read")}
	}
	r.Header.Set("Content-Type", made.ContentType)
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set("Accept", "application/json")
	if made.Authorization != "" {
		r.Header.Set("Authorization", made.Authorization)
	}
	answer, err := o.cfg.Outbound.Do(r)
	if err != nil {
		return Receipt{}, pushFailed(err)
	}
	receipt, err := judgePush(answer)
	if e, refused := errors.AsType[*SendError](err); refused && row.Kind != KindSignOut && answer.Status > http.StatusBadRequest {
		e.Permanent = false
	}
	return receipt, err
}

// pushFailed words a request that got no answer.
func pushFailed(err error) *SendError {
	timeout, slow := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, outbound.ErrForbidden):
		// Trying again would only knock at the same door.
		return &SendError{Permanent: true, Reply: "the address is not allowed (outbound.allow)", Err: err}
	case errors.Is(err, context.DeadlineExceeded) || slow && timeout.Timeout():
		return &SendError{Reply: "no answer in time", Err: err}
	}
	return &SendError{Reply: "the connection failed", Err: err}
}

// judgePush reads an answer: taken over, refused for good, or worth another try (Back-Channel Logout 1.0 section 2.8).
func judgePush(a outbound.Answer) (Receipt, error) {
	reply := strconv.Itoa(a.Status)
	if word := errorWord(a.Body); word != "" && a.Status >= 400 {
		reply += " " + word
	}
	e := &SendError{
		Permanent: true, Reply: reply, RetryAfter: min(retryAfter(a.Header), longestNoticePause), Err: errors.New("status " + reply),
	}
	switch {
	case a.Status >= 200 && a.Status < 300:
		return Receipt{Reply: reply}, nil
	case a.Status >= 300 && a.Status < 400:
		e.Reply += " (redirects are not followed)"
	case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooEarly, a.Status == http.StatusTooManyRequests, a.Status >= 500:
		e.Permanent = false
	}
	return Receipt{}, e
}

// oauthError is the form of an OAuth error code (RFC 6749 section 5.2) and of those for events (RFC 8935 section 2.4), which is all that is
// kept of an answer's body.
var oauthError = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

func errorWord(body []byte) string {
	var answer struct {
		Error string `json:"error"`
		Err   string `json:"err"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	if word := cmp.Or(answer.Error, answer.Err); oauthError.MatchString(word) {
		return word
	}
	return ""
}
