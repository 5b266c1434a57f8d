package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The words by which streams and signals are stored. The names of events are those of the values of signal_streams.events too.
const (
	StreamPush = "push"
	StreamPoll = "poll"

	StreamEnabled  = "enabled"
	StreamPaused   = "paused"
	StreamDisabled = "disabled"

	// ByReceiver and ByOperator say who set a stream's status.
	ByReceiver = "receiver"
	ByOperator = "operator"

	SignalSessionRevoked   = "session_revoked"
	SignalCredentialChange = "credential_change"
	SignalAssuranceChange  = "assurance_change"
	// SignalVerification and SignalStreamUpdated are about the stream itself. That its status is another is told whatever it is.
	SignalVerification  = "verification"
	SignalStreamUpdated = "stream_updated"

	// KindSignal and KindStreamSignal are what the outbox calls messages that push signals. Those of the first kind wait while the stream is
	// paused.
	KindSignal       = "signal"
	KindStreamSignal = "signal_stream"
)

const (
	// SignalLife is how long a signal is tried to be pushed, or waits to be fetched.
	SignalLife = 7 * 24 * time.Hour
	// MaxSignals is how many signals one stream holds; the oldest go.
	MaxSignals = 10_000
)

// SignalData is what a signal says, besides whom it is about.
type SignalData struct {
	// Transaction is the same for all that one act brought about.
	Transaction string `json:"txn,omitempty"`
	// By is who brought it about: admin, user or system; empty where nobody can tell. Reason is the type of the audit event.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
	// CredentialType and ChangeType are those of a change of credentials.
	CredentialType string `json:"credential_type,omitempty"`
	ChangeType     string `json:"change_type,omitempty"`
	// Level and FormerLevel are values of acr. The former may be unknown.
	Level       string `json:"level,omitempty"`
	FormerLevel string `json:"former_level,omitempty"`
	// State is what the receiver gave with its wish for a verification; Status and StatusReason are the stream's.
	State        string `json:"state,omitempty"`
	Status       string `json:"status,omitempty"`
	StatusReason string `json:"status_reason,omitempty"`
}

// Happening is something about an account that receivers of signals are told of.
type Happening struct {
	Kind string
	// Account is whom it is about, Session what is said of one session alone: who had tokens from it is told. Optional.
	Account AccountID
	Session SessionID
	At      time.Time
	Data    SignalData
}

// waiting is what a transaction has to tell when it ends.
type waiting struct {
	signals []Happening
	ended   []endedSession
	because map[AccountID]cause
	// raised are the accounts whose credential epoch was raised.
	raised []AccountID
}

type cause struct{ by, reason string }

// endedSession is a session whose end a stream is told of; all that its receiver has of the account if session is nil.
type endedSession struct {
	stream  ListSessionStreamsRow
	account AccountID
	session *SessionID
	at      time.Time
}

// Because notes who brought about what happens to an account in this transaction, and by what. The first cause counts.
func (tx *Tx) Because(account AccountID, by, reason string) {
	if _, known := tx.waiting.because[account]; known {
		return
	}
	if tx.waiting.because == nil {
		tx.waiting.because = map[AccountID]cause{}
	}
	tx.waiting.because[account] = cause{by, reason}
}

// Signal notes what receivers of signals are told when the transaction commits: those that know the account and asked for such events.
// They are found as it ends, when it is known who brought it about; nothing is locked for it.
func (tx *Tx) Signal(s Happening) { tx.waiting.signals = append(tx.waiting.signals, s) }

// noteEnded finds the streams that are told that sessions end. Like tell, it comes before the rows say so.
func (tx *Tx) noteEnded(ctx context.Context, now time.Time, account AccountID, which ListSessionClientsParams) error {
	rows, err := tx.ListSessionStreams(ctx, ListSessionStreamsParams{
		AccountID: account, Only: which.Only, Keep: which.Keep, Client: which.Client, Now: now,
	})
	if err != nil {
		return fmt.Errorf("list streams of sessions: %w", err)
	}
	all := which.Only == nil && which.Keep == nil
	whole := map[StreamID]bool{}
	for _, row := range rows {
		e := endedSession{stream: row, account: account, session: &row.SessionID, at: now}
		if all && row.Gone {
			if whole[row.ID] {
				continue
			}
			whole[row.ID], e.session = true, nil
		}
		tx.waiting.ended = append(tx.waiting.ended, e)
	}
	return nil
}

// toldOn is where one signal goes.
type toldOn struct {
	stream         StreamID
	client, method string
}

// sendSignals writes down what is to be told, in the transaction that brought it about.
func (tx *Tx) sendSignals(ctx context.Context) error {
	w := tx.waiting
	tx.waiting = waiting{}
	for _, account := range w.raised {
		if _, known := w.because[account]; !known && tx.audited {
			return fmt.Errorf("account %s: %w", account, ErrUnaudited)
		}
	}
	if len(w.ended) == 0 && len(w.signals) == 0 {
		return nil
	}
	transactions := map[AccountID]string{}
	finish := func(account AccountID, d SignalData) SignalData {
		if transactions[account] == "" {
			transactions[account] = NewID[string]()
		}
		d.Transaction = transactions[account]
		if c := w.because[account]; d.By == "" {
			d.By, d.Reason = c.by, c.reason
		}
		return d
	}
	q := queue{tx: tx}
	for _, e := range w.ended {
		to := toldOn{e.stream.ID, e.stream.ClientID, e.stream.Method}
		if err := q.add(to, e.at, SignalSessionRevoked, &e.account, e.session, finish(e.account, SignalData{})); err != nil {
			return err
		}
	}
	for _, s := range w.signals {
		which := ListStreamsKnowingParams{AccountID: s.Account}
		var session *SessionID
		if s.Session != "" {
			session, which.SessionID = &s.Session, new(string(s.Session))
		}
		streams, err := tx.ListStreamsKnowing(ctx, which)
		if err != nil {
			return fmt.Errorf("list streams: %w", err)
		}
		for _, row := range streams {
			if !slices.Contains(strings.Fields(row.Events), s.Kind) {
				continue
			}
			if err := q.add(toldOn{row.ID, row.ClientID, row.Method}, s.At, s.Kind, &s.Account, session, finish(s.Account, s.Data)); err != nil {
				return err
			}
		}
	}
	return q.send(ctx)
}

// TellStream queues what a receiver is told of its stream itself.
func (tx *Tx) TellStream(ctx context.Context, now time.Time, s SignalStream, kind string, d SignalData) error {
	q := queue{tx: tx}
	if err := q.add(toldOn{s.ID, s.ClientID, s.Method}, now, kind, nil, nil, d); err != nil {
		return err
	}
	return q.send(ctx)
}

// ChangeStreamStatus sets a stream's status, which the caller holds. What waits goes on waiting while the stream is paused; a stream that
// is disabled loses it, and one that goes on tries at once what it tried in vain. A receiver whose stream staff changed is told (Shared
// Signals Framework 1.0 section 8.1.5).
func (tx *Tx) ChangeStreamStatus(ctx context.Context, now time.Time, s SignalStream, status, by, reason string) error {
	if _, err := tx.SetStreamStatus(ctx, SetStreamStatusParams{
		Status: status, StatusBy: by, StatusReason: reason, Now: now, ID: s.ID,
	}); err != nil {
		return fmt.Errorf("set stream status: %w", err)
	}
	if status == StreamDisabled {
		if err := tx.dropWaiting(ctx, s.ID); err != nil {
			return err
		}
	}
	if by == ByOperator {
		d := SignalData{Status: status, StatusReason: reason}
		if err := tx.TellStream(ctx, now, s, SignalStreamUpdated, d); err != nil {
			return err
		}
	}
	if status != StreamEnabled {
		return nil
	}
	// What waited may go, whatever it waited for.
	if _, err := tx.HurryStreamMessages(ctx, HurryStreamMessagesParams{Now: now, StreamID: &s.ID}); err != nil {
		return fmt.Errorf("hurry messages: %w", err)
	}
	if err := tx.Notify(ctx, PushChannel, ""); err != nil {
		return err
	}
	return tx.Notify(ctx, SignalsChannel, "")
}

// EndStream deletes a stream of a client with what waits on it, and reports whether there was one.
func (tx *Tx) EndStream(ctx context.Context, id StreamID, client string) (bool, error) {
	n, err := tx.DeleteStream(ctx, DeleteStreamParams{ID: id, ClientID: client})
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.dropWaiting(ctx, id)
}

func (tx *Tx) dropWaiting(ctx context.Context, id StreamID) error {
	if _, err := tx.DropStreamMessages(ctx, &id); err != nil {
		return fmt.Errorf("drop messages of stream: %w", err)
	}
	if _, err := tx.DropSignals(ctx, id); err != nil {
		return fmt.Errorf("drop signals: %w", err)
	}
	return nil
}

// queue gathers rows, so that they are written in one round trip.
type queue struct {
	tx       *Tx
	signals  []InsertSignalParams
	messages []EnqueueSignalParams
}

func (q *queue) add(to toldOn, now time.Time, kind string, account *AccountID, session *SessionID, d SignalData) error {
	data, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode signal: %w", err)
	}
	row := InsertSignalParams{
		ID: NewID[MessageID](), StreamID: to.stream, Kind: kind, AccountID: account, SessionID: session, Data: data,
		Now: now, Deadline: now.Add(SignalLife),
	}
	q.signals = append(q.signals, row)
	if to.method == StreamPoll {
		return nil
	}
	message := EnqueueSignalParams{
		ID: row.ID, Kind: KindSignal, AccountID: account, SessionID: session, StreamID: &to.stream, Recipient: to.client,
		Now: now, Deadline: row.Deadline,
	}
	if kind == SignalStreamUpdated {
		message.Kind = KindStreamSignal
	}
	q.messages = append(q.messages, message)
	return nil
}

func (q *queue) send(ctx context.Context) error {
	var steps []func(qs *Queries) error
	for _, row := range q.signals {
		steps = append(steps, func(qs *Queries) error { return qs.InsertSignal(ctx, row) })
	}
	for _, row := range q.messages {
		steps = append(steps, func(qs *Queries) error { return qs.EnqueueSignal(ctx, row) })
	}
	if len(steps) == 0 {
		return nil
	}
	if err := q.tx.Together(ctx, steps); err != nil {
		return fmt.Errorf("queue signals: %w", err)
	}
	if len(q.messages) > 0 {
		if err := q.tx.Notify(ctx, PushChannel, ""); err != nil {
			return err
		}
	}
	if len(q.messages) < len(q.signals) {
		return q.tx.Notify(ctx, SignalsChannel, "")
	}
	return nil
}
