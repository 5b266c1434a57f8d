package delivery

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/futakagi/futakagi/store"
)

const (
	// leaseMargin is what a lease is longer than an attempt: time to note its result.
	leaseMargin = 30 * time.Second
	// noteLimit is how long a result may take to note once the server has cut the attempt off to stop.
	noteLimit = 2 * time.Second
	// tendEvery is how often messages of no use are given up.
	tendEvery = 15 * time.Second
	// The longest pauses between attempts.
	longestCodePause   = 30 * time.Second
	longestNoticePause = 15 * time.Minute
	// maxReply bounds a kept answer, in characters.
	maxReply = 200
)

// Run sends messages until ctx ends, then lets attempts in hand come to their end for the configured time.
func (o *Outbox) Run(ctx context.Context) error {
	// Attempts do not end with ctx: an attempt cut off after the other side took the message would be made again.
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	for _, s := range o.senders {
		for range cap(s.wake) {
			wg.Go(func() { o.work(ctx, sending, s) })
		}
		if s.channel == ChannelPush {
			// Listen reconnects by itself and returns only because ctx has ended.
			wg.Go(func() { _ = o.cfg.DB.Listen(ctx, store.PushChannel, func(string) { s.rouse() }) })
		}
	}
	wg.Go(func() { o.tend(ctx) })

	<-ctx.Done()
	drain := time.AfterFunc(o.cfg.Drain, stop)
	defer drain.Stop()
	wg.Wait()
	return nil
}

// work sends one message of a channel after the other. ctx ends the loop, sending ends an attempt.
func (o *Outbox) work(ctx, sending context.Context, s sender) {
	failing := false
	for ctx.Err() == nil {
		owner := rand.Text()
		row, found, err := s.claim(ctx, owner)
		if err != nil && ctx.Err() == nil && !failing {
			o.cfg.Logger.WarnContext(ctx, "outbox cannot be read; trying again", "error", err)
		}
		failing = err != nil
		if !found {
			o.wait(ctx, s)
			continue
		}
		s.rouse() // there may be more for the others
		o.deliver(sending, s, owner, row)
	}
}

func (o *Outbox) wait(ctx context.Context, s sender) {
	t := time.NewTimer(o.cfg.Poll)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-s.wake:
	case <-t.C:
	}
}

// claimOn claims on one channel of messages to people.
func (o *Outbox) claimOn(channel string) claim {
	return func(ctx context.Context, owner string) (row store.Outbox, found bool, err error) {
		// Looking costs little; claiming takes the writer.
		if _, err := o.cfg.DB.Read().OldestQueuedMessage(ctx, channel); err != nil {
			return row, false, unlessNone(err)
		}
		now := o.cfg.Now()
		until := now.Add(o.cfg.SendTimeout + leaseMargin)
		return o.lease(ctx, func(tx *store.Tx) ([]store.Outbox, error) {
			return tx.ClaimMessages(ctx, store.ClaimMessagesParams{Channel: channel, Owner: &owner, LeasedUntil: &until, Now: now, BatchSize: 1})
		})
	}
}

func unlessNone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func (o *Outbox) lease(ctx context.Context, take func(tx *store.Tx) ([]store.Outbox, error)) (row store.Outbox, found bool, err error) {
	err = o.cfg.DB.InTx(ctx, func(tx *store.Tx) error {
		rows, err := take(tx)
		if err == nil && len(rows) > 0 {
			row, found = rows[0], true
		}
		return err
	})
	if err != nil {
		return store.Outbox{}, false, fmt.Errorf("claim message: %w", err)
	}
	return row, found, nil
}

// deliver makes one attempt and notes its result.
func (o *Outbox) deliver(ctx context.Context, s sender, owner string, row store.Outbox) {
	left := row.Deadline.Sub(o.cfg.Now())
	if left <= 0 {
		o.finish(ctx, owner, row, StateExpired, row.Reply)
		return
	}
	content, err := o.open(row)
	if err != nil {
		o.cfg.Logger.ErrorContext(ctx, "message content cannot be opened", "message", row.ID, "error", err)
		o.finish(ctx, owner, row, StateFailed, "the content could not be opened")
		return
	}

	// An attempt must not outlive the message's use either.
	attempt, cancel := context.WithTimeout(ctx, min(o.cfg.SendTimeout, left))
	receipt, err := s.try(attempt, row, content)
	cancel()
	if err == nil {
		o.conclude(ctx, owner, row, result{
			state: StateAccepted, reply: cleanReply(receipt.Reply, content.Secret), id: cleanID(receipt.ID, content.Secret),
		})
		return
	}

	if errors.Is(err, ErrMoot) {
		o.finish(ctx, owner, row, StateCancelled, row.Reply)
		return
	}
	e, ok := errors.AsType[*SendError](err)
	if !ok {
		e = &SendError{}
	}
	// A message that was tried in vain always has one: by it a page knows.
	reply := cmp.Or(cleanReply(e.Reply, content.Secret), "no answer")
	// Whoever waits for a message that cannot come in time any more shall be told at once.
	if e.Permanent || e.RetryAfter >= left {
		o.conclude(ctx, owner, row, result{state: StateFailed, reply: reply, refusal: refusalOf(row, e, reply)})
		return
	}
	o.cfg.Logger.WarnContext(ctx, "message not sent; trying again", "message", row.ID, "channel", row.Channel, "kind", row.Kind,
		"attempt", row.Attempts, "reply", reply, "error", cleanReply(err.Error(), content.Secret))
	pause := max(o.pause(row), e.RetryAfter)
	if ctx.Err() != nil {
		pause = e.RetryAfter // we are stopping: another server, or the next start, takes it as soon as may be
	}
	o.retry(ctx, owner, row, reply, pause)
}

// try makes one attempt.
func (s sender) try(ctx context.Context, row store.Outbox, p payload) (receipt Receipt, err error) {
	// One bad message must not stop the others.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("sender panicked: %v", r)
		}
	}()
	return s.send(ctx, row, p)
}

func (o *Outbox) mail(ctx context.Context, row store.Outbox, p payload) (Receipt, error) {
	return o.cfg.Mailer.Send(ctx, Mail{
		MessageID: messageID(row, p) + "@" + o.domain, From: o.cfg.From, FromName: o.cfg.FromName, To: p.To,
		BounceTo: bounceTo(o.cfg.BounceTo, token(row.ID, p.Tag)),
		Subject:  p.Subject, Text: p.Text, HTML: p.HTML, Lang: p.Lang, Date: row.CreatedAt,
	})
}

func (o *Outbox) text(ctx context.Context, row store.Outbox, p payload) (Receipt, error) {
	return o.cfg.SMS.Send(ctx, Text{
		MessageID: string(row.ID), From: o.cfg.SMSFrom, To: p.To, Body: p.Text, Token: token(row.ID, p.Tag), Valid: row.Deadline.Sub(o.cfg.Now()),
	})
}

// messageID is the part of a message's id before the @: the token by which a report finds the message again.
func messageID(row store.Outbox, p payload) string {
	return cmp.Or(token(row.ID, p.Tag), string(row.ID))
}

// result is what an attempt ended with.
type result struct {
	state, reply string
	// id is what the other side calls the message it took over.
	id string
	// refusal is set where the refusal says something about the address.
	refusal *Report
}

// refusalOf is what a mail server's refusal for good says about the address; nil for nothing. Only its codes for addresses and
// mailboxes count: any other refusal is of the message or of us, and would be the same for everybody.
func refusalOf(row store.Outbox, e *SendError, reply string) *Report {
	m := enhanced.FindStringSubmatch(reply)
	if row.Channel != ChannelEmail || !e.Permanent || m == nil {
		return nil
	}
	r := Report{Outcome: OutcomeBounced, Status: m[1], Reply: reply, Source: SourceSMTP, Bounce: bounceOf(m[1])}
	if r.Bounce == OtherBounce {
		return nil
	}
	return &r
}

// enhanced is a refusal for good that has a status code of its own.
var enhanced = regexp.MustCompile(`^5[0-9]{2} (5\.[0-9]{1,3}\.[0-9]{1,3})\b`)

func (o *Outbox) finish(ctx context.Context, owner string, row store.Outbox, state, reply string) {
	o.conclude(ctx, owner, row, result{state: state, reply: reply})
}

func (o *Outbox) conclude(ctx context.Context, owner string, row store.Outbox, end result) {
	o.note(ctx, row, end.state, func(ctx context.Context, tx *store.Tx) (int64, error) {
		now := o.now()
		if end.refusal != nil {
			if err := hold(ctx, tx, row.AccountID); err != nil {
				return 0, err
			}
		}
		n, err := tx.FinishMessage(ctx, store.FinishMessageParams{
			ID: row.ID, Owner: &owner, State: end.state, Reply: end.reply, RemoteID: end.id, Now: &now,
		})
		if err != nil || n == 0 || end.refusal == nil {
			return n, err
		}
		return n, o.tell(ctx, tx, now, store.GetMessageRow{
			ID: row.ID, Channel: row.Channel, AccountID: row.AccountID, Recipient: row.Recipient, CreatedAt: row.CreatedAt,
		}, *end.refusal)
	})
}

func (o *Outbox) retry(ctx context.Context, owner string, row store.Outbox, reply string, pause time.Duration) {
	o.note(ctx, row, "retry", func(ctx context.Context, tx *store.Tx) (int64, error) {
		return tx.RetryMessage(ctx, store.RetryMessageParams{ID: row.ID, Owner: &owner, Reply: reply, AvailableAt: o.cfg.Now().Add(pause)})
	})
}

// note writes a result down, also after the attempt was cut off, and tries for some seconds when the database is away: a result
// that is lost means a second attempt once the lease has run out.
func (o *Outbox) note(ctx context.Context, row store.Outbox, result string, write func(ctx context.Context, tx *store.Tx) (int64, error)) {
	o.cfg.Observe(row.Channel, result)
	ctx, cancel := outlive(ctx, noteLimit)
	defer cancel()
	var err error
	for pause := 100 * time.Millisecond; pause < 10*time.Second; pause *= 2 {
		var n int64
		err = o.cfg.DB.InTx(ctx, func(tx *store.Tx) (err error) {
			n, err = write(ctx, tx)
			return err
		})
		if err == nil {
			if n == 0 {
				o.cfg.Logger.WarnContext(ctx, "message was taken over by another worker meanwhile", "message", row.ID, "result", result)
			}
			return
		}
		if !errors.Is(err, store.ErrUnavailable) || !sleep(ctx, pause) {
			break
		}
	}
	o.cfg.Logger.ErrorContext(ctx, "result of an attempt could not be noted", "message", row.ID, "result", result, "error", err)
}

// outlive returns a context that ends some time after ctx did.
func outlive(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		defer cancel()
		sleep(late, by)
	})
	return late, func() {
		forget()
		cancel()
	}
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// pause is how long a message waits for its next attempt: longer each time, and not all at the same moment.
func (o *Outbox) pause(row store.Outbox) time.Duration {
	longest := longestNoticePause
	if row.Kind == KindCode || row.Kind == KindPasswordResetLink {
		longest = longestCodePause // somebody is looking at an empty inbox
	}
	d := longest
	if n := max(row.Attempts-1, 0); n < 20 {
		d = min(o.cfg.Backoff<<n, longest)
	}
	var b [8]byte
	_, _ = rand.Read(b[:])
	jitter := time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(d/2+1))
	return d - jitter
}

// tend gives up messages that are of no use any more.
func (o *Outbox) tend(ctx context.Context) {
	t := time.NewTicker(tendEvery)
	defer t.Stop()
	for {
		if err := o.expire(ctx); err != nil && ctx.Err() == nil {
			o.cfg.Logger.WarnContext(ctx, "outdated messages cannot be given up; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

func (o *Outbox) expire(ctx context.Context) error {
	var problems []error
	for _, channel := range Channels() {
		problems = append(problems, o.expireChannel(ctx, channel))
	}
	return errors.Join(problems...)
}

func (o *Outbox) expireChannel(ctx context.Context, channel string) error {
	if _, err := o.cfg.DB.Read().OldestQueuedMessage(ctx, channel); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	}
	now := o.cfg.Now()
	var n int64
	err := o.cfg.DB.InTx(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.ExpireMessages(ctx, store.ExpireMessagesParams{Channel: channel, Now: &now})
		return err
	})
	for range n {
		o.cfg.Observe(channel, StateExpired)
	}
	return err
}

// cleanReply makes an answer fit to be kept and shown: one short line, nothing hidden in it, and never the code it may quote.
func cleanReply(reply, secret string) string {
	words := strings.FieldsFunc(strings.ToValidUTF8(reply, ""), func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cc, r) })
	line := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.C, r) {
			return -1
		}
		return r
	}, strings.Join(words, " "))
	if secret != "" {
		// After the rest is gone, so that nothing hidden keeps its parts apart.
		line = strings.ToValidUTF8(strings.ReplaceAll(line, secret, "•••"), "")
	}
	if runes := []rune(line); len(runes) > maxReply {
		line = string(runes[:maxReply])
	}
	return strings.TrimSpace(line)
}
