package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/internal/outbound"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// ErrRecipient says that an address cannot be sent to.
var ErrRecipient = errors.New("not an address that can be sent to")

// The ways a message travels. The values are stored, and label the metrics.
const (
	ChannelEmail = "email"
	ChannelSMS   = "sms"
	ChannelPush  = store.ChannelPush // an HTTP request to a relying party
)

// Channels lists them.
func Channels() []string { return []string{ChannelEmail, ChannelSMS, ChannelPush} }

// The kinds of message. The values are stored, and the catalogue names them.
const (
	KindCode           = "code"
	KindSetUp          = "set_up"          // a second factor was set up
	KindAddressChanged = "address_changed" // the second factor's address was changed
	KindReset          = "reset"           // staff reset the settings
	KindCodesReissued  = "codes_reissued"  // new backup codes replaced the former
	KindCodesLow       = "codes_low"       // a backup code was used and few are left
	KindDeviceVoided   = "device_voided"   // a trusted device's secret was used by somebody who cannot have had it

	KindExempted   = "exempted"    // staff let the account do without a second factor for a while
	KindPassIssued = "pass_issued" // staff made a code that takes the place of a second factor once
	KindPassUsed   = "pass_used"   // somebody signed in with it

	KindFactorRemoved     = "factor_removed"     // a second factor was removed
	KindOrderChanged      = "order_changed"      // another factor is the main one, or the order of the others changed
	KindFrozen            = "frozen"             // somebody stopped changes of the security settings from a notice
	KindFreezeLifted      = "freeze_lifted"      // staff allows them again
	KindAddressRestored   = "address_restored"   // a change of the second factor's address was undone from the former one
	KindRegisteredChanged = "registered_changed" // the registered address was changed, the second factor's was not

	KindEnforcement = "enforcement" // the surface will demand a second factor from a day on

	KindPasswordChanged   = "password_changed"    // the password was changed or reset
	KindPasswordResetLink = "password_reset_link" // the link to a new password

	KindSignOut = store.KindSignOut // a relying party is told that a session ended

	KindSignal       = store.KindSignal       // a relying party is told of a security event
	KindStreamSignal = store.KindStreamSignal // or of the stream of such events itself
)

// The states of a message. The values are stored; "cancelled" is written by those who replace a code.
const (
	StateQueued    = "queued"
	StateAccepted  = "accepted" // the other side took it over
	StateFailed    = "failed"   // the other side refused it for good, or no further try can come in time
	StateExpired   = "expired"  // it was of no use any more
	StateCancelled = "cancelled"
	StateDelivered = "delivered" // the other side says that it arrived
	StateBounced   = "bounced"   // the other side took it over and says that it did not arrive
)

// noticeLife is how long a notice is tried.
const noticeLife = 72 * time.Hour

// table is what sealed payloads are bound to, with the row and the account.
const table = "outbox"

// Config is what an [Outbox] is made of. Fields are required unless they say otherwise.
type Config struct {
	// DB holds the outbox.
	DB *store.DB
	// Box seals what is in it.
	Box *seal.Box
	// Templates has the texts.
	Templates *templates.Set
	// Mailer sends mail. Without one, messages wait until they expire.
	Mailer Mailer
	// From is the sender's address, needed with a Mailer; FromName the name shown with it, optional.
	From, FromName string
	// SMS sends text messages. Without one, they wait until they expire.
	SMS SMS
	// SMSFrom is the sender that phones show, as the gateway allows; optional.
	SMSFrom string
	// Host is that of the sign-in pages, without a port: codes in text messages are bound to it. Needed for text messages.
	Host string
	// Push makes what is sent to a relying party, at each try anew: what it says may be of use for minutes only. Without it, pushes wait
	// until they expire. It fails with [ErrMoot] for a recipient that is not to be told any more.
	Push func(ctx context.Context, p Push) (PushRequest, error)
	// Outbound sends it; needed with Push.
	Outbound *outbound.Client
	// Zone is where times in notices are shown; UTC if nil.
	Zone *time.Location
	// Now is the clock.
	Now func() time.Time
	// Logger receives failures that staff cannot see in the console.
	Logger *slog.Logger
	// Heard is told what became of a message to an account, in the transaction that writes it down. Optional.
	Heard func(ctx context.Context, tx *store.Tx, h Heard) error
	// BounceTo is the address that bounces come back to; each message has it with a token of its own before the @. Without one they
	// come back to From, and are known by the message id alone.
	BounceTo string
	// Observe is told of each attempt, for metrics: accepted, retry, failed, expired. Optional.
	Observe func(channel, result string)

	// Workers is how many messages are sent at once on each channel of mail and SMS; 2 if zero.
	Workers int
	// PushWorkers is how many pushes are sent at once, two of them at most to one recipient; 8 if zero.
	PushWorkers int
	// SendTimeout bounds one attempt; 30 s if zero.
	SendTimeout time.Duration
	// Drain is how long an attempt in hand may go on after the server was told to stop; 10 s if zero.
	Drain time.Duration
	// Poll is how often the outbox is looked at without being woken; 1 s if zero.
	Poll time.Duration
	// Backoff is the pause after the first failed attempt, doubled by each further one; 2 s if zero.
	Backoff time.Duration
}

// Outbox takes messages within transactions and sends them afterwards.
type Outbox struct {
	cfg     Config
	domain  string // of message ids
	senders []sender
}

// sender is a channel that something sends on. Each has workers of its own, so that a slow gateway does not hold up the mail.
type sender struct {
	channel string
	wake    chan struct{}
	claim   claim
	send    func(ctx context.Context, row store.Outbox, p payload) (Receipt, error)
}

// claim leases the message that has been due longest, if there is one.
type claim func(ctx context.Context, owner string) (row store.Outbox, found bool, err error)

// New returns an Outbox. Nothing leaves before [Outbox.Run] is called.
func New(cfg Config) (*Outbox, error) {
	if cfg.DB == nil || cfg.Box == nil || cfg.Templates == nil || cfg.Now == nil || cfg.Logger == nil {
		return nil, errors.New("make outbox: DB, Box, Templates, Now and Logger are required")
	}
	o := &Outbox{cfg: cfg, domain: "futakagi.invalid"}
	if cfg.Mailer != nil {
		if err := checkAddress(cfg.From); err != nil {
			return nil, fmt.Errorf("make outbox: sender: %w", err)
		}
		if strings.ContainsAny(cfg.FromName, "\r\n\x00") {
			return nil, errors.New("make outbox: the sender's name holds control characters")
		}
		_, o.domain, _ = strings.Cut(cfg.From, "@")
		if err := checkBounceTo(cfg.BounceTo); err != nil {
			return nil, fmt.Errorf("make outbox: address of bounces: %w", err)
		}
	}
	if cfg.SMS != nil && cfg.Host == "" {
		return nil, errors.New("make outbox: Host is required with SMS")
	}
	if strings.ContainsFunc(cfg.Host, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' || r == '@' }) {
		return nil, errors.New("make outbox: Host is not a host name")
	}
	if !printable(cfg.SMSFrom) {
		return nil, errors.New("make outbox: the sender of text messages holds control characters")
	}
	if o.cfg.Zone == nil {
		o.cfg.Zone = time.UTC
	}
	if o.cfg.Observe == nil {
		o.cfg.Observe = func(string, string) {}
	}
	if o.cfg.Workers == 0 {
		o.cfg.Workers = 2
	}
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&o.cfg.SendTimeout, 30 * time.Second},
		{&o.cfg.Drain, 10 * time.Second},
		{&o.cfg.Poll, time.Second},
		{&o.cfg.Backoff, 2 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.standard
		}
		if *d.value < 0 {
			return nil, errors.New("make outbox: negative duration")
		}
	}
	if o.cfg.PushWorkers == 0 {
		o.cfg.PushWorkers = 8
	}
	if o.cfg.Workers < 0 || o.cfg.PushWorkers < 0 {
		return nil, errors.New("make outbox: negative number of workers")
	}
	if cfg.Push != nil && cfg.Outbound == nil {
		return nil, errors.New("make outbox: Outbound is required with Push")
	}
	if cfg.Mailer != nil {
		o.senders = append(o.senders, sender{ChannelEmail, make(chan struct{}, o.cfg.Workers), o.claimOn(ChannelEmail), o.mail})
	}
	if cfg.SMS != nil {
		o.senders = append(o.senders, sender{ChannelSMS, make(chan struct{}, o.cfg.Workers), o.claimOn(ChannelSMS), o.text})
	}
	if cfg.Push != nil {
		o.senders = append(o.senders, sender{ChannelPush, make(chan struct{}, o.cfg.PushWorkers), o.claimPush, o.push})
	}
	return o, nil
}

// Sends reports whether messages of a channel leave at all, so that features offer only what arrives.
func (o *Outbox) Sends(channel string) bool {
	return slices.ContainsFunc(o.senders, func(s sender) bool { return s.channel == channel })
}

// CodeMessage carries a verification code.
type CodeMessage struct {
	AccountID   store.AccountID
	ChallengeID store.ChallengeID
	// Channel is the way it travels; [ChannelEmail] if empty.
	Channel string
	// To is the address or the number, in the form of E.164, that the challenge is about.
	To string
	// Code is the code as the person types it.
	Code string
	Lang templates.Lang
	// ExpiresAt is when the code dies; the message is not sent after it.
	ExpiresAt time.Time
}

// Code queues a verification code in the caller's transaction. Call [Outbox.Wake] after the commit. It fails with
// [ErrRecipient] for an address that cannot be sent to.
func (o *Outbox) Code(ctx context.Context, tx *store.Tx, m CodeMessage) error {
	if m.Channel == "" {
		m.Channel = ChannelEmail
	}
	now := o.cfg.Now()
	view := templates.CodeMail{Code: m.Code, Minutes: int((m.ExpiresAt.Sub(now) + time.Minute - 1) / time.Minute)}
	content, err := o.writeCode(m, view)
	if err != nil {
		return fmt.Errorf("write code: %w", err)
	}
	return o.enqueue(ctx, tx, envelope{
		channel: m.Channel, kind: KindCode, account: m.AccountID, challenge: &m.ChallengeID, deadline: m.ExpiresAt, now: now, content: content,
	})
}

func (o *Outbox) writeCode(m CodeMessage, view templates.CodeMail) (payload, error) {
	content := payload{To: m.To, Lang: string(m.Lang), Secret: m.Code}
	switch m.Channel {
	case ChannelEmail:
		mail, err := o.cfg.Templates.MailCode.Build(m.Lang, view)
		if err != nil {
			return payload{}, err
		}
		content.Subject, content.Text, content.HTML = mail.Subject, mail.Text, mail.HTML
	case ChannelSMS:
		if o.cfg.Host == "" {
			return payload{}, errors.New("there is no host to bind it to")
		}
		content.Text = o.cfg.Templates.CodeText(m.Lang, view, o.cfg.Host)
	default:
		return payload{}, fmt.Errorf("unknown channel %q", m.Channel)
	}
	return content, nil
}

// NoticeMessage tells a person of a change of their settings.
type NoticeMessage struct {
	// ID becomes the message's; a new one if empty.
	ID store.MessageID
	// Kind is one of the kinds other than [KindCode], [KindPasswordResetLink] and [KindReenrolTicket].
	Kind      string
	AccountID store.AccountID
	LoginID   string
	// To is the registered address, or one that is or was a second factor.
	To   string
	Lang templates.Lang
	// At is when the change happened; now if zero.
	At time.Time
	// FactorKind is the kind of factor, where the notice is about one.
	FactorKind string
	// Address is the new address as the mail shows it: masked.
	Address string
	// Device names the browser, where the notice is about one.
	Device string
	// Left is how many backup codes are left, where the notice is about that.
	Left int
	// Until is when what the notice tells of ends by itself; zero where nothing does.
	Until time.Time
	// Day is the day that the notice is about, where it is about one.
	Day time.Time
	// URL undoes the change, for the one recipient who may do that; it works for Hours.
	URL   string
	Hours int
	// StopURL stops further changes; it works for Hours as well.
	StopURL string
}

// Notice queues a notice in the caller's transaction; notices travel by mail alone. Call [Outbox.Wake] after the commit. It fails
// with [ErrRecipient] for an address that cannot be sent to.
func (o *Outbox) Notice(ctx context.Context, tx *store.Tx, m NoticeMessage) error {
	now := o.cfg.Now()
	if m.At.IsZero() {
		m.At = now
	}
	view := templates.NoticeMail{
		LoginID: m.LoginID, At: templates.Time(m.At, o.cfg.Zone), Kind: m.FactorKind, Address: m.Address, Device: m.Device,
		Left: m.Left, UndoURL: m.URL, StopURL: m.StopURL, Hours: m.Hours, Day: templates.Date(m.Day, o.cfg.Zone),
	}
	if !m.Until.IsZero() {
		view.Until = templates.Time(m.Until, o.cfg.Zone)
	}
	var mail templates.Mail[templates.NoticeMail]
	switch m.Kind {
	case KindExempted:
		mail = o.cfg.Templates.MailExempted
	case KindPassIssued:
		mail = o.cfg.Templates.MailPassIssued
	case KindPassUsed:
		mail = o.cfg.Templates.MailPassUsed
	case KindSetUp:
		mail = o.cfg.Templates.MailSetUp
	case KindAddressChanged:
		mail = o.cfg.Templates.MailAddressChanged
	case KindReset:
		mail = o.cfg.Templates.MailReset
	case KindCodesReissued:
		mail = o.cfg.Templates.MailCodesReissued
	case KindCodesLow:
		mail = o.cfg.Templates.MailCodesLow
	case KindDeviceVoided:
		mail = o.cfg.Templates.MailDeviceVoided
	case KindFactorRemoved:
		mail = o.cfg.Templates.MailFactorRemoved
	case KindOrderChanged:
		mail = o.cfg.Templates.MailOrderChanged
	case KindFrozen:
		mail = o.cfg.Templates.MailFrozen
	case KindFreezeLifted:
		mail = o.cfg.Templates.MailFreezeLifted
	case KindAddressRestored:
		mail = o.cfg.Templates.MailAddressRestored
	case KindRegisteredChanged:
		mail = o.cfg.Templates.MailRegisteredChanged
	case KindEnforcement:
		mail = o.cfg.Templates.MailEnforcement
	case KindPasswordChanged:
		mail = o.cfg.Templates.MailPasswordChanged
	default:
		return fmt.Errorf("write notice: unknown kind %q", m.Kind)
	}
	text, err := mail.Build(m.Lang, view)
	if err != nil {
		return fmt.Errorf("write notice: %w", err)
	}
	return o.enqueue(ctx, tx, envelope{
		id: m.ID, channel: ChannelEmail, kind: m.Kind, account: m.AccountID, deadline: now.Add(noticeLife), now: now,
		content: payload{To: m.To, Subject: text.Subject, Text: text.Text, HTML: text.HTML, Lang: string(m.Lang)},
	})
}

// LinkMessage carries the link to a new password.
type LinkMessage struct {
	AccountID store.AccountID
	LoginID   string
	// To is the registered address.
	To string
	// URL is the whole link, Secret the part of it that opens something.
	URL, Secret string
	Lang        templates.Lang
	// ExpiresAt is when the link dies; the message is not sent after it.
	ExpiresAt time.Time
	// ByProvider is true when staff sends it, not the person.
	ByProvider bool
}

// Link queues the link to a new password in the caller's transaction. Call [Outbox.Wake] after the commit. It fails with
// [ErrRecipient] for an address that cannot be sent to.
func (o *Outbox) Link(ctx context.Context, tx *store.Tx, m LinkMessage) error {
	now := o.cfg.Now()
	minutes := int((m.ExpiresAt.Sub(now) + time.Minute - 1) / time.Minute)
	text, err := o.cfg.Templates.MailPasswordResetLink.Build(m.Lang, templates.LinkMail{
		LoginID: m.LoginID, URL: m.URL, Minutes: minutes, ByProvider: m.ByProvider,
	})
	if err != nil {
		return fmt.Errorf("write link mail: %w", err)
	}
	return o.enqueue(ctx, tx, envelope{
		channel: ChannelEmail, kind: KindPasswordResetLink, account: m.AccountID, deadline: m.ExpiresAt, now: now,
		content: payload{To: m.To, Subject: text.Subject, Text: text.Text, HTML: text.HTML, Lang: string(m.Lang), Secret: m.Secret},
	})
}

// Wake makes the workers look at the outbox now. Callers of [Outbox.Code] and [Outbox.Notice] call it after their commit.
func (o *Outbox) Wake() {
	for _, s := range o.senders {
		s.rouse()
	}
}

func (s sender) rouse() {
	select {
	case s.wake <- struct{}{}:
	default: // they are awake already
	}
}

// OldestAge is how long the message of a channel that is due first has been waiting, zero when none is; for metrics.
func (o *Outbox) OldestAge(ctx context.Context, channel string) (time.Duration, error) {
	at, err := o.cfg.DB.Read().OldestQueuedMessage(ctx, channel)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("look up oldest message: %w", err)
	}
	return max(o.cfg.Now().Sub(at), 0), nil
}

// payload is the sealed content of a row.
type payload struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
	Lang    string `json:"lang"`
	// Secret is what must not appear in an answer that is kept.
	Secret string `json:"secret,omitempty"`
	// Tag is what a report about the message must know.
	Tag []byte `json:"tag,omitempty"`
}

type envelope struct {
	id        store.MessageID // a new one if empty
	channel   string
	kind      string
	account   store.AccountID
	challenge *store.ChallengeID
	deadline  time.Time
	now       time.Time
	content   payload
}

func (o *Outbox) enqueue(ctx context.Context, tx *store.Tx, e envelope) error {
	check := checkAddress
	if e.channel == ChannelSMS {
		check = checkNumber
	}
	if err := check(e.content.To); err != nil {
		return fmt.Errorf("queue %s: %w", e.kind, err)
	}
	id := e.id
	if id == "" {
		id = store.NewID[store.MessageID]()
	}
	e.content.Tag = newTag()
	tagHash := sha256.Sum256(e.content.Tag)
	plain, err := json.Marshal(e.content)
	if err != nil {
		return fmt.Errorf("queue %s: %w", e.kind, err)
	}
	sealed, err := o.cfg.Box.Seal(plain, seal.Place{Table: table, Row: string(id), Account: string(e.account)})
	if err != nil {
		return fmt.Errorf("queue %s: %w", e.kind, err)
	}
	var account *store.AccountID
	if e.account != "" {
		account = &e.account
	}
	if err := tx.EnqueueMessage(ctx, store.EnqueueMessageParams{
		ID: id, Channel: e.channel, Kind: e.kind, AccountID: account, ChallengeID: e.challenge,
		Recipient: e.content.To, PayloadSealed: sealed, TagHash: tagHash[:], Now: e.now, Deadline: e.deadline,
	}); err != nil {
		return fmt.Errorf("queue %s: %w", e.kind, err)
	}
	return nil
}

// open reads the content of a row; a push has none. One that was moved, altered or readdressed does not open.
func (o *Outbox) open(row store.Outbox) (payload, error) {
	if row.Channel == ChannelPush {
		return payload{}, nil
	}
	account := ""
	if row.AccountID != nil {
		account = string(*row.AccountID)
	}
	plain, err := o.cfg.Box.Open(row.PayloadSealed, seal.Place{Table: table, Row: string(row.ID), Account: account})
	if err != nil {
		return payload{}, err
	}
	var p payload
	if err := json.Unmarshal(plain, &p); err != nil {
		return payload{}, err
	}
	if p.To != row.Recipient {
		return payload{}, errors.New("the row names another recipient than its content")
	}
	return p, nil
}
