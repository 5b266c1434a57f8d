package signals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/outbound"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

const (
	// MaxStreams is how many streams one receiver may have.
	MaxStreams = 3
	// minVerification is the time between two verifications of a stream.
	minVerification = time.Minute
)

var (
	errTooMany = errors.New("the receiver has as many streams as it may")
	errLocked  = errors.New("staff set the status of the stream")
	errTooSoon = errors.New("a verification was asked for a moment ago")
)

// Config is what a [Service] is made of. Every field is required.
type Config struct {
	// Issuer is the public base URL, without a slash at its end; JWKSURL is where the keys are that tokens are signed with.
	Issuer, JWKSURL string
	// DB holds streams and what waits on them.
	DB *store.DB
	// Box seals what receivers want to be shown.
	Box *seal.Box
	// Sign signs the claims of a security event token.
	Sign func(claims any) (string, error)
	// Client finds the client that got itself the access token it presents with a request, and the token's scopes, or fails with NotToken.
	// It writes into the answer's header what the client must do.
	Client   func(answer http.Header, r *http.Request) (id string, scopes []string, err error)
	NotToken error
	// Subject is the sub by which a client knows an account.
	Subject func(clientID string, account store.AccountID) string
	// Session is the sid by which a client knows a session.
	Session func(clientID string, session store.SessionID) string
	// Transaction is the name by which a client knows one act.
	Transaction func(clientID, txn string) string
	// Outbound says where events may be pushed.
	Outbound *outbound.Client
	// Templates has the reasons in all languages.
	Templates *templates.Set
	// Toolkit answers errors.
	Toolkit *web.Toolkit
	// Now is the clock.
	Now func() time.Time
	// Logger receives what no caller can be told.
	Logger *slog.Logger
}

// Service is the transmitter. It is safe for concurrent use.
type Service struct {
	cfg      Config
	metadata []byte
	requests *limiter
	waiting  *waitingRoom
}

// New returns a Service.
func New(c Config) (*Service, error) {
	if c.Issuer == "" || c.JWKSURL == "" || c.DB == nil || c.Box == nil || c.Sign == nil || c.Client == nil || c.NotToken == nil || c.Subject == nil || c.Session == nil || c.Transaction == nil ||
		c.Outbound == nil || c.Templates == nil || c.Toolkit == nil || c.Now == nil || c.Logger == nil {
		return nil, errors.New("make signals: a part is missing")
	}
	s := &Service{cfg: c, requests: &limiter{}, waiting: newWaitingRoom()}
	var err error
	s.metadata, err = json.Marshal(newMetadata(c))
	if err != nil {
		return nil, fmt.Errorf("make signals: %w", err)
	}
	return s, nil
}

// Run tells polls that wait of what there is to fetch, until ctx ends; then it lets them go.
func (s *Service) Run(ctx context.Context) {
	defer s.waiting.close()
	s.cfg.DB.Follow(ctx, store.SignalsChannel, lookEvery, func(context.Context) error {
		s.waiting.ring()
		return nil
	})
}

func (s *Service) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }

// place is what a stream's sealed header is bound to.
func place(id store.StreamID) seal.Place { return seal.Place{Table: "signal_streams", Row: string(id)} }

func (s *Service) sealed(id store.StreamID, authorization string) ([]byte, error) {
	if authorization == "" {
		return nil, nil
	}
	sealed, err := s.cfg.Box.Seal([]byte(authorization), place(id))
	if err != nil {
		return nil, fmt.Errorf("seal authorization header: %w", err)
	}
	return sealed, nil
}

// record writes down what a receiver does with its streams.
func record(ctx context.Context, tx *store.Tx, now time.Time, typ audit.Type, clientID string, data map[string]string) error {
	return audit.Write(ctx, tx, now, audit.Event{
		Type: typ, Result: audit.Success, Actor: audit.Actor{Kind: audit.ByClient, ID: clientID, Name: clientID},
		Target: clientID, ClientID: clientID, Data: data,
	})
}

// create makes a stream of a receiver.
func (s *Service) create(ctx context.Context, clientID string, in streamInput) (store.SignalStream, error) {
	want := in.apply(settings{}, true)
	if err := s.allowed(want); err != nil {
		return store.SignalStream{}, err
	}
	now, id := s.now(), store.NewID[store.StreamID]()
	sealed, err := s.sealed(id, want.authorization)
	if err != nil {
		return store.SignalStream{}, err
	}
	var made store.SignalStream
	err = s.cfg.DB.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.HoldClient(ctx, clientID); err != nil { // so that of two at once both are counted
			return err
		}
		streams, err := tx.ListStreams(ctx, clientID)
		if err != nil {
			return fmt.Errorf("list streams: %w", err)
		}
		if len(streams) >= MaxStreams {
			return errTooMany
		}
		if err := tx.InsertStream(ctx, store.InsertStreamParams{
			ID: id, ClientID: clientID, Method: want.method, Endpoint: want.endpoint, AuthorizationSealed: sealed,
			Events: kindsOf(want.requested), EventsRequested: strings.Join(want.requested, " "), Description: want.description, Now: now,
		}); err != nil {
			return fmt.Errorf("insert stream: %w", err)
		}
		if made, err = tx.GetStream(ctx, id); err != nil {
			return fmt.Errorf("load stream: %w", err)
		}
		return record(ctx, tx, now, audit.StreamCreate, clientID, map[string]string{"stream": string(id), "method": want.method})
	})
	return made, err
}

// allowed judges where events are to be pushed.
func (s *Service) allowed(want settings) error {
	if want.method == store.StreamPush && s.cfg.Outbound.Check(want.endpoint) != nil {
		return wrong("delivery.endpoint_url leads to where this server sends nothing: it must be an https URL of the public internet, " +
			"or of a network that outbound.allow names")
	}
	return nil
}

// update changes a stream of a receiver; whole replaces all that the receiver decides.
func (s *Service) update(ctx context.Context, clientID string, id store.StreamID, in streamInput, whole bool) (store.SignalStream, error) {
	now := s.now()
	var changed store.SignalStream
	err := s.cfg.DB.InTx(ctx, func(tx *store.Tx) error {
		row, err := tx.HoldStream(ctx, store.HoldStreamParams{ID: id, ClientID: clientID})
		if err != nil {
			return err
		}
		if err := in.matches(s.configuration(row)); err != nil {
			return err
		}
		want := in.apply(settings{
			method: row.Method, endpoint: row.Endpoint, keep: true, requested: strings.Fields(row.EventsRequested), description: row.Description,
		}, whole)
		if err := s.allowed(want); err != nil {
			return err
		}
		sealed := row.AuthorizationSealed
		if !want.keep {
			if sealed, err = s.sealed(id, want.authorization); err != nil {
				return err
			}
		}
		if _, err := tx.UpdateStream(ctx, store.UpdateStreamParams{
			Method: want.method, Endpoint: want.endpoint, AuthorizationSealed: sealed, Events: kindsOf(want.requested),
			EventsRequested: strings.Join(want.requested, " "), Description: want.description, Now: now, ID: id,
		}); err != nil {
			return fmt.Errorf("update stream: %w", err)
		}
		if err := move(ctx, tx, now, row, want.method); err != nil {
			return err
		}
		if changed, err = tx.GetStream(ctx, id); err != nil {
			return fmt.Errorf("load stream: %w", err)
		}
		return record(ctx, tx, now, audit.StreamUpdate, clientID, map[string]string{"stream": string(id), "method": want.method})
	})
	return changed, err
}

// move lets what waits go the way that a stream takes from here on.
func move(ctx context.Context, tx *store.Tx, now time.Time, row store.SignalStream, method string) error {
	switch {
	case row.Method == method:
		return nil
	case method == store.StreamPush:
		if _, err := tx.EnqueueWaitingSignals(ctx, store.EnqueueWaitingSignalsParams{Recipient: row.ClientID, Now: now, StreamID: row.ID}); err != nil {
			return fmt.Errorf("queue what waits: %w", err)
		}
		return tx.Notify(ctx, store.PushChannel, "")
	}
	if _, err := tx.DropPushedSignals(ctx, row.ID); err != nil {
		return fmt.Errorf("drop what was pushed: %w", err)
	}
	if _, err := tx.DropStreamMessages(ctx, &row.ID); err != nil {
		return fmt.Errorf("take back messages: %w", err)
	}
	return tx.Notify(ctx, store.SignalsChannel, "")
}

// remove deletes a stream of a receiver.
func (s *Service) remove(ctx context.Context, clientID string, id store.StreamID) error {
	now := s.now()
	return s.cfg.DB.InTx(ctx, func(tx *store.Tx) error {
		found, err := tx.EndStream(ctx, id, clientID)
		if err != nil {
			return fmt.Errorf("delete stream: %w", err)
		}
		if !found {
			return store.ErrNotFound
		}
		return record(ctx, tx, now, audit.StreamDelete, clientID, map[string]string{"stream": string(id)})
	})
}

// stream reads a stream of a receiver. Somebody else's is like one that does not exist.
func (s *Service) stream(ctx context.Context, clientID string, id store.StreamID) (store.SignalStream, error) {
	row, err := s.cfg.DB.Read().GetStream(ctx, id)
	if err == nil && row.ClientID != clientID {
		err = store.ErrNotFound
	}
	return row, err
}

// setStatus lets a receiver pause or stop a stream, or go on with it. What staff set, staff alone takes back.
func (s *Service) setStatus(ctx context.Context, clientID string, id store.StreamID, in statusInput) error {
	now := s.now()
	return s.cfg.DB.InTx(ctx, func(tx *store.Tx) error {
		row, err := tx.HoldStream(ctx, store.HoldStreamParams{ID: id, ClientID: clientID})
		switch {
		case err != nil:
			return err
		case row.StatusBy == store.ByOperator && row.Status != store.StreamEnabled:
			return errLocked
		case row.Status == in.Status && row.StatusReason == in.Reason:
			return nil
		}
		if err := tx.ChangeStreamStatus(ctx, now, row, in.Status, store.ByReceiver, in.Reason); err != nil {
			return err
		}
		return record(ctx, tx, now, audit.StreamStatus, clientID, map[string]string{
			"stream": string(id), "from": row.Status, "to": in.Status,
		})
	})
}

// verify sends a verification event on a stream (Shared Signals Framework 1.0 section 8.1.4). On one that is paused it waits like all
// others; one that is disabled is sent nothing and keeps nothing (section 8.1.2.1).
func (s *Service) verify(ctx context.Context, clientID string, id store.StreamID, state string) error {
	now := s.now()
	return s.cfg.DB.InTx(ctx, func(tx *store.Tx) error {
		row, err := tx.HoldStream(ctx, store.HoldStreamParams{ID: id, ClientID: clientID})
		if err != nil {
			return err
		}
		n, err := tx.ClaimVerification(ctx, store.ClaimVerificationParams{
			Now: &now, ID: id, ClientID: clientID, Before: new(now.Add(-minVerification)),
		})
		if err != nil {
			return fmt.Errorf("note verification: %w", err)
		}
		switch {
		case n == 0:
			return errTooSoon
		case row.Status == store.StreamDisabled:
			return nil
		}
		return tx.TellStream(ctx, now, row, store.SignalVerification, store.SignalData{State: state})
	})
}

// Push makes the request that tells a receiver of an event (RFC 8935 section 2.1). It is called at each try: by then the address may be
// another, and the token is signed with the key of the day. It fails with [delivery.ErrMoot] where nobody is there to be told any more.
func (s *Service) Push(ctx context.Context, p delivery.Push) (delivery.PushRequest, error) {
	row, err := s.cfg.DB.Read().GetSignal(ctx, p.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.SignalStream.Method != store.StreamPush {
		return delivery.PushRequest{}, delivery.ErrMoot
	}
	if err != nil {
		return delivery.PushRequest{}, fmt.Errorf("load signal: %w", err)
	}
	if row.Signal.Kind != store.SignalStreamUpdated && row.SignalStream.Status != store.StreamEnabled {
		return delivery.PushRequest{}, errors.New("the stream was paused a moment ago")
	}
	client, err := s.cfg.DB.Read().GetClient(ctx, row.SignalStream.ClientID)
	if errors.Is(err, store.ErrNotFound) || err == nil && client.DisabledAt != nil {
		return delivery.PushRequest{}, delivery.ErrMoot
	}
	if err != nil {
		return delivery.PushRequest{}, fmt.Errorf("load client: %w", err)
	}
	out := delivery.PushRequest{URL: row.SignalStream.Endpoint, ContentType: "application/secevent+jwt"}
	if sealed := row.SignalStream.AuthorizationSealed; sealed != nil {
		plain, err := s.cfg.Box.Open(sealed, place(row.SignalStream.ID))
		if err != nil {
			return delivery.PushRequest{}, fmt.Errorf("open authorization header: %w", err)
		}
		out.Authorization = string(plain)
	}
	token, err := s.token(row.Signal, client.ID)
	out.Body = []byte(token)
	return out, err
}

// status of errors, for receivers.
func statusOf(err error) (status int, code, detail string, known bool) {
	if e, ok := errors.AsType[*invalid](err); ok {
		return http.StatusBadRequest, "invalid_request", e.detail, true
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return http.StatusNotFound, "not_found", "this receiver has no stream with that stream_id", true
	case errors.Is(err, errTooMany):
		return http.StatusConflict, "too_many_streams", fmt.Sprintf("a receiver has at most %d streams: change or delete one", MaxStreams), true
	case errors.Is(err, errLocked):
		return http.StatusForbidden, "status_locked", "the provider's staff set the status of this stream", true
	case errors.Is(err, errTooSoon):
		return http.StatusTooManyRequests, "too_many_requests", fmt.Sprintf("a stream is verified once in %d seconds", int(minVerification.Seconds())), true
	}
	return 0, "", "", false
}
