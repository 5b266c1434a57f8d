package delivery

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/futakagi/futakagi/store"
)

// What became of a message after the other side took it over. The values are stored; the last two are states as well.
const (
	OutcomeDelayed   = "delayed" // not yet; the other side goes on trying
	OutcomeDelivered = StateDelivered
	OutcomeBounced   = StateBounced
)

// Who told. The values are stored.
const (
	SourceSMTP     = "smtp"     // the mail server, when it was offered the message
	SourceDSN      = "dsn"      // a delivery status notification (RFC 3464)
	SourceWebhook  = "webhook"  // our own signed form
	SourceSES      = "ses"      // Amazon SES
	SourceSendGrid = "sendgrid" // Twilio SendGrid
	SourceTwilio   = "twilio"   // Twilio's status callback
)

// ErrUnknownMessage says that a report is about no message of ours, or could have been made up by anybody.
var ErrUnknownMessage = errors.New("the report is about no message that is known")

// Report says what became of one message.
type Report struct {
	// Outcome is one of the Outcome constants.
	Outcome string
	// Status is the enhanced status code (RFC 3463), if one was given.
	Status string
	// Bounce says what a bounce tells about the address; the status decides if it is empty.
	Bounce Bounce
	// Reply is the other side's words; they are cleaned and cut before they are kept.
	Reply string
	// Source is one of the Source constants.
	Source string
}

// Bounce is what a bounce tells about an address.
type Bounce string

// The kinds of bounce.
const (
	HardBounce  Bounce = "hard"  // nothing that is sent there will arrive
	SoftBounce  Bounce = "soft"  // it may arrive another time: a full mailbox, a server that is away
	OtherBounce Bounce = "other" // nothing about the address: the message, its sender or a policy was refused
)

// Enhanced status codes (RFC 3463, with those of RFC 7505).
var (
	statusForm = regexp.MustCompile(`^[245]\.[0-9]{1,3}\.[0-9]{1,3}$`)
	hardStatus = map[string]bool{
		"5.1.1": true, "5.1.2": true, "5.1.3": true, // no such mailbox, no such system, no such form of address
		"5.1.6": true, "5.1.10": true, // moved away, takes no mail at all
		"5.2.1": true, "5.4.4": true, // closed, not to be found
	}
)

// bounceOf is what a status code tells about the address. A policy that refused the message says nothing of it: it would say the
// same to everybody.
func bounceOf(status string) Bounce {
	switch {
	case hardStatus[status]:
		return HardBounce
	case strings.HasPrefix(status, "5.2."), strings.HasPrefix(status, "4."), status == "":
		return SoftBounce
	}
	return OtherBounce
}

// cleaned returns the report as it is kept.
func (r Report) cleaned() (Report, error) {
	switch r.Outcome {
	case OutcomeDelayed, OutcomeDelivered, OutcomeBounced:
	default:
		return r, fmt.Errorf("read report: unknown outcome %q", r.Outcome)
	}
	if !statusForm.MatchString(r.Status) {
		r.Status = ""
	}
	switch {
	case r.Outcome != OutcomeBounced:
		r.Bounce = ""
	case r.Bounce != HardBounce && r.Bounce != SoftBounce && r.Bounce != OtherBounce:
		r.Bounce = bounceOf(r.Status)
	}
	// What comes back may quote the message, and the message a code.
	r.Reply = hideCodes(cleanReply(r.Reply, ""))
	return r, nil
}

var sixDigits = regexp.MustCompile(`[0-9]{6,}|[0-9]{3} [0-9]{3}\b`)

// hideCodes blots out what could be a verification code: by the time of a report nobody knows any more which one was sent.
func hideCodes(s string) string { return sixDigits.ReplaceAllString(s, "•••") }

// Ref names the message that a report is about, in one of three ways.
type Ref struct {
	// Token is what the message itself carried (see [Outbox.token]): whoever has it had the message, or handed it on.
	Token string
	// ID is the message's own, from somebody who proved to be the gateway.
	ID string
	// RemoteID is the gateway's, on a channel, from somebody who proved to be the gateway.
	RemoteID, Channel string
}

// Hear writes down what became of a message, and tells Config.Heard in the same transaction. It reports whether that was news:
// each outcome of a message is heard once. It fails with [ErrUnknownMessage] for a message that is not ours, was never tried, or
// whose token is not right.
func (o *Outbox) Hear(ctx context.Context, ref Ref, r Report) (news bool, err error) {
	if r, err = r.cleaned(); err != nil {
		return false, err
	}
	id, err := o.find(ctx, ref)
	if err != nil {
		return false, err
	}
	now := o.now()
	err = o.cfg.DB.InTx(ctx, func(tx *store.Tx) error {
		row, err := tx.GetMessage(ctx, id)
		if err != nil {
			return fmt.Errorf("load message: %w", err)
		}
		if row.Attempts == 0 {
			return ErrUnknownMessage // nobody can have it yet
		}
		if err := hold(ctx, tx, row.AccountID); err != nil {
			return err
		}
		n, err := tx.InsertMessageReport(ctx, store.InsertMessageReportParams{
			MessageID: id, Outcome: r.Outcome, Hard: r.Bounce == HardBounce, Status: r.Status, Reply: r.Reply, Source: r.Source, Now: now,
		})
		if err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		if news = n == 1; !news {
			return nil
		}
		if r.Outcome != OutcomeDelayed {
			if _, err := tx.SettleMessage(ctx, store.SettleMessageParams{ID: id, State: r.Outcome, Now: now}); err != nil {
				return fmt.Errorf("settle message: %w", err)
			}
		}
		return o.tell(ctx, tx, now, row, r)
	})
	return news, err
}

// now is the present time as rows keep it.
func (o *Outbox) now() time.Time { return o.cfg.Now().UTC().Truncate(time.Microsecond) }

// hold takes the lock that every change of an account begins with, so that no two of them wait for each other.
func hold(ctx context.Context, tx *store.Tx, account *store.AccountID) error {
	if account == nil {
		return nil
	}
	if _, err := tx.HoldAccount(ctx, *account); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("hold account: %w", err)
	}
	return nil
}

// tell lets Config.Heard know of a report.
func (o *Outbox) tell(ctx context.Context, tx *store.Tx, now time.Time, row store.GetMessageRow, r Report) error {
	if o.cfg.Heard == nil || row.AccountID == nil {
		return nil
	}
	return o.cfg.Heard(ctx, tx, Heard{
		Account: *row.AccountID, MessageID: row.ID, Channel: row.Channel, To: row.Recipient, WrittenAt: row.CreatedAt, At: now, Report: r,
	})
}

// Heard is a report as [Config.Heard] is told it.
type Heard struct {
	Report

	Account   store.AccountID
	MessageID store.MessageID
	// Channel and To are where the message went, WrittenAt is when it was made, and At when the report came.
	Channel, To   string
	WrittenAt, At time.Time
}

// find returns the message that a report is about.
func (o *Outbox) find(ctx context.Context, ref Ref) (store.MessageID, error) {
	q := o.cfg.DB.Read()
	switch {
	case ref.Token != "":
		id, tag, ok := readToken(ref.Token)
		if !ok {
			return "", ErrUnknownMessage
		}
		row, err := q.GetMessage(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return "", ErrUnknownMessage
		}
		if err != nil {
			return "", fmt.Errorf("load message: %w", err)
		}
		if sum := sha256.Sum256(tag); subtle.ConstantTimeCompare(sum[:], row.TagHash) != 1 {
			return "", ErrUnknownMessage
		}
		return id, nil
	case ref.ID != "":
		if !store.ValidID(ref.ID) {
			return "", ErrUnknownMessage
		}
		row, err := q.GetMessage(ctx, store.MessageID(ref.ID))
		if errors.Is(err, store.ErrNotFound) {
			return "", ErrUnknownMessage
		}
		return row.ID, err
	case ref.RemoteID != "":
		id, err := q.GetMessageByRemoteID(ctx, store.GetMessageByRemoteIDParams{RemoteID: ref.RemoteID, Channel: ref.Channel})
		if errors.Is(err, store.ErrNotFound) {
			return "", ErrUnknownMessage
		}
		return id, err
	}
	return "", ErrUnknownMessage
}

// tagBytes is how much of a token cannot be guessed.
const tagBytes = 10

var tokenText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// tokenLength is that of a token's text: short enough for the part of an address before the @, with room for a name.
var tokenLength = tokenText.EncodedLen(16 + tagBytes)

// newTag makes what a report must know of a message.
func newTag() []byte {
	tag := make([]byte, tagBytes)
	_, _ = rand.Read(tag) // never fails
	return tag
}

// token is what a message carries so that a report about it can be believed: its id, and a secret that only those have who had
// the message. It survives systems that fold capitals, which is why it is in base32.
func token(id store.MessageID, tag []byte) string {
	raw, err := hex.DecodeString(strings.ReplaceAll(string(id), "-", ""))
	if err != nil || len(tag) == 0 {
		return ""
	}
	return tokenText.EncodeToString(append(raw, tag...))
}

// readToken takes a token apart.
func readToken(text string) (id store.MessageID, tag []byte, ok bool) {
	if len(text) != tokenLength {
		return "", nil, false
	}
	raw, err := tokenText.DecodeString(strings.ToLower(text))
	if err != nil {
		return "", nil, false
	}
	h := hex.EncodeToString(raw[:16])
	id = store.MessageID(strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-"))
	return id, raw[16:], true
}

var tokenForm = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])([a-z2-7]{42})@`)

// tokenIn finds the token in a message id or in the address that a bounce came back to: what stands last before the @.
func tokenIn(text string) string {
	if m := tokenForm.FindStringSubmatch(text); m != nil {
		return strings.ToLower(m[1])
	}
	return ""
}

// maxLocal is how long the part of an address before the @ may be (RFC 5321).
const maxLocal = 64

// checkBounceTo accepts the address that bounces come back to: one that has room for a token.
func checkBounceTo(address string) error {
	if address == "" {
		return nil
	}
	if err := checkAddress(address); err != nil {
		return err
	}
	if local, _, _ := strings.Cut(address, "@"); len(local)+1+tokenLength > maxLocal {
		return fmt.Errorf("%w: more than %d characters before the @", ErrRecipient, maxLocal-1-tokenLength)
	}
	return nil
}

// bounceTo is the address that the bounce of one message comes back to: bounce@example.jp becomes bounce+TOKEN@example.jp.
func bounceTo(address, token string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || token == "" {
		return address
	}
	return local + "+" + token + "@" + domain
}
