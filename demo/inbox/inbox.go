package inbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// maxMail bounds one mail; the demo's own are a few kilobytes.
const maxMail = 1 << 20

// Config describes an inbox.
type Config struct {
	// BaseURL is where its page is reached, for instance http://localhost:8025.
	BaseURL string
	// SMSSecret signs the text messages that come to SMSPath; without one, none is
	// taken.
	SMSSecret string
	// Keep is how many messages are kept, the newest ones; 0 means 500.
	Keep int
	// Logger receives what went wrong. Required.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Inbox keeps messages and shows them.
type Inbox struct {
	log     *slog.Logger
	now     func() time.Time
	keep    int
	handler http.Handler

	mu       sync.Mutex
	messages []Message // oldest first
	lastID   int64
}

// New makes an empty inbox.
func New(c Config) (*Inbox, error) {
	if c.Logger == nil {
		return nil, errors.New("new inbox: Logger is missing")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Keep == 0 {
		c.Keep = 500
	}
	b := &Inbox{log: c.Logger, now: c.Now, keep: c.Keep}
	handler, err := newHandler(b, c)
	if err != nil {
		return nil, fmt.Errorf("new inbox: %w", err)
	}
	b.handler = handler
	return b, nil
}

// Handler serves the page and the API.
func (b *Inbox) Handler() http.Handler { return b.handler }

// Add puts a message in. It takes what does not come by SMTP; At is set here.
func (b *Inbox) Add(m Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(m)
}

// addOnce puts a message in unless one with its key is there.
func (b *Inbox) addOnce(m Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.ContainsFunc(b.messages, func(other Message) bool { return other.key == m.key }) {
		b.add(m)
	}
}

func (b *Inbox) add(m Message) {
	b.lastID++
	m.id, m.At = b.lastID, b.now().UTC()
	b.messages = append(b.messages, m)
	if over := len(b.messages) - b.keep; over > 0 {
		b.messages = slices.Delete(b.messages, 0, over)
	}
}

// Messages lists the messages to an address, newest first; every message when
// the address is empty. Never nil.
func (b *Inbox) Messages(to string) []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := []Message{}
	for _, m := range slices.Backward(b.messages) {
		if to == "" || strings.EqualFold(m.To, to) {
			found = append(found, m)
		}
	}
	return found
}

// Clear throws every message away.
func (b *Inbox) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = nil
}

func (b *Inbox) message(id int64) (Message, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.messages {
		if m.id == id {
			return m, true
		}
	}
	return Message{}, false
}

// ServeSMTP accepts mail on l until ctx ends. It closes l.
func (b *Inbox) ServeSMTP(ctx context.Context, l net.Listener) error {
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{inbox: b}, nil
	}))
	s.Domain = "localhost"
	s.MaxMessageBytes = maxMail
	s.MaxRecipients = 20
	s.ReadTimeout = 30 * time.Second
	s.WriteTimeout = 30 * time.Second
	s.EnableSMTPUTF8 = true
	s.ErrorLog = slog.NewLogLogger(b.log.Handler(), slog.LevelWarn)

	stop := context.AfterFunc(ctx, func() {
		if err := s.Close(); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			b.log.WarnContext(ctx, "close smtp server", "err", err)
		}
	})
	defer stop()
	if err := s.Serve(l); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve smtp: %w", err)
	}
	return nil
}

// session is one SMTP conversation.
type session struct {
	inbox *Inbox
	to    []string
}

func (s *session) Reset()        { s.to = nil }
func (s *session) Logout() error { return nil }

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if _, err := mail.ParseAddress(to); err != nil {
		return &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 1, 3}, Message: "not an address"}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	c, err := parseMail(r)
	if err != nil {
		if tooLarge, ok := errors.AsType[*smtp.SMTPError](err); ok {
			return tooLarge
		}
		s.inbox.log.Warn("unreadable mail", "err", err)
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "unreadable mail"}
	}
	for _, to := range s.to {
		s.inbox.Add(Message{Channel: Email, To: to, Subject: c.subject, Text: c.text, html: c.html})
	}
	return nil
}
