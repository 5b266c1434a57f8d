package delivery

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// How the connection to the mail server is protected.
const (
	TLSStartTLS = "starttls" // required: a server that does not offer it gets no mail
	TLSImplicit = "implicit" // TLS from the first byte, port 465
	TLSNone     = "none"     // only to a loopback host
)

// SMTPConfig says which mail server to use.
type SMTPConfig struct {
	// Host and Port name the server. Port is 587, or 465 with [TLSImplicit], if zero.
	Host string
	Port int
	// TLS is one of the TLS constants; [TLSStartTLS] if empty.
	TLS string
	// RootCAs verifies the server; the system's roots if nil.
	RootCAs *x509.CertPool
	// Username and Password sign in, if the server asks for it.
	Username, Password string
	// Hello is the name given to the server; the sender's domain if empty.
	Hello string
	// Timeout is the longest wait for one step of the server; 10 s if zero.
	Timeout time.Duration
}

// SMTP sends mail to one mail server, over a connection per message. It is safe for concurrent use.
type SMTP struct {
	cfg  SMTPConfig
	addr string
	tls  *tls.Config
}

// NewSMTP returns an SMTP. It does not connect.
func NewSMTP(cfg SMTPConfig) (*SMTP, error) {
	if cfg.Host == "" || strings.ContainsAny(cfg.Host, "\r\n\x00 /") {
		return nil, errors.New("make mail sender: no usable host")
	}
	if cfg.TLS == "" {
		cfg.TLS = TLSStartTLS
	}
	switch cfg.TLS {
	case TLSStartTLS, TLSImplicit:
	case TLSNone:
		if !loopback(cfg.Host) {
			return nil, fmt.Errorf("make mail sender: without TLS only a loopback host is allowed, not %s", cfg.Host)
		}
	default:
		return nil, fmt.Errorf("make mail sender: unknown TLS mode %q", cfg.TLS)
	}
	if cfg.Port == 0 {
		cfg.Port = 587
		if cfg.TLS == TLSImplicit {
			cfg.Port = 465
		}
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Timeout < 0 || cfg.Port < 0 || cfg.Port > 65535 {
		return nil, errors.New("make mail sender: timeout or port out of range")
	}
	if strings.ContainsAny(cfg.Hello, "\r\n\x00 ") {
		return nil, errors.New("make mail sender: the name given to the server is not a host name")
	}
	return &SMTP{
		cfg:  cfg,
		addr: net.JoinHostPort(strings.Trim(cfg.Host, "[]"), strconv.Itoa(cfg.Port)),
		tls:  &tls.Config{ServerName: strings.Trim(cfg.Host, "[]"), RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12},
	}, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}

// Send hands m to the mail server.
func (s *SMTP) Send(ctx context.Context, m Mail) (Receipt, error) {
	msg, err := compose(m)
	if err != nil {
		return Receipt{}, &SendError{Permanent: true, Reply: "the message could not be composed", Err: err}
	}
	client, conn, err := s.connect(ctx, m)
	if conn != nil {
		// Closing the connection is what ends a step when ctx does.
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		defer stop()
		defer conn.Close()
	}
	if err != nil {
		return Receipt{}, err
	}

	if err := client.Mail("<" + cmp.Or(m.BounceTo, m.From) + ">"); err != nil {
		return Receipt{}, refused("sender refused", err)
	}
	if err := client.Rcpt("<" + m.To + ">"); err != nil {
		return Receipt{}, refused("recipient refused", err)
	}
	w, err := client.Data()
	if err != nil {
		return Receipt{}, refused("message refused", err)
	}
	if _, err := msg.WriteTo(w); err != nil {
		// Not ended with a dot: the server throws away what it got.
		return Receipt{}, refused("connection broke while sending", err)
	}
	if err := w.Close(); err != nil {
		return Receipt{}, refused("message refused", err)
	}

	// It is theirs now. What still goes wrong does not matter any more, and must not make us send it again.
	receipt := Receipt{Reply: "250"}
	if d, ok := w.(*smtp.DataCloser); ok {
		receipt.Reply = "250 " + d.ServerResponse()
		receipt.ID = queueID(receipt.Reply)
	}
	conn.limit(time.Second)
	_ = client.Quit()
	return receipt, nil
}

// connect greets the server, protects the connection and signs in. Nothing that fails here is the message's fault, so all of it
// is worth another try. It returns the connection also with an error, to be closed.
func (s *SMTP) connect(ctx context.Context, m Mail) (*smtp.Client, *steadyConn, error) {
	dialer := net.Dialer{Timeout: s.cfg.Timeout}
	raw, err := dialer.DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, nil, &SendError{Reply: "no connection to the mail server", Err: err}
	}
	conn := newSteadyConn(raw, s.cfg.Timeout)
	// From here on a step can hang, so ctx must be able to end it.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	var line net.Conn = conn
	if s.cfg.TLS == TLSImplicit {
		secure := tls.Client(conn, s.tls.Clone())
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, conn, &SendError{Reply: "no TLS connection to the mail server", Err: err}
		}
		line = secure
	}
	client, err := smtp.NewClient(line, s.tls.ServerName)
	if err != nil {
		return nil, conn, unready("the mail server did not greet", err)
	}
	client.SkipSMTPUTF8(true) // every address is ASCII
	hello := s.cfg.Hello
	if hello == "" {
		_, hello, _ = strings.Cut(m.From, "@")
	}
	if err := client.Hello(hello); err != nil {
		return nil, conn, unready("the mail server refused the greeting", err)
	}
	if s.cfg.TLS == TLSStartTLS {
		if ok, _ := client.Extension("STARTTLS"); !ok {
			return nil, conn, &SendError{Reply: "the mail server offers no STARTTLS", Err: errors.New("STARTTLS not offered")}
		}
		if err := client.StartTLS(s.tls.Clone()); err != nil {
			return nil, conn, unready("no TLS connection to the mail server", err)
		}
	}
	if s.cfg.TLS != TLSNone {
		if state, err := client.GetTLSConnectionState(); err != nil || !state.HandshakeComplete {
			return nil, conn, &SendError{Reply: "no TLS connection to the mail server", Err: errors.Join(errors.New("connection is not protected"), err)}
		}
	}
	if s.cfg.Username != "" {
		auth, err := s.auth(client)
		if err != nil {
			return nil, conn, &SendError{Reply: "the mail server offers no usable sign-in", Err: err}
		}
		if err := client.Auth(auth); err != nil {
			return nil, conn, unready("the mail server refused the sign-in", err)
		}
	}
	return client, conn, nil
}

func (s *SMTP) auth(client *smtp.Client) (smtp.Auth, error) {
	_, offered := client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	plain := s.cfg.TLS == TLSNone // to a loopback host
	switch {
	case slices.Contains(mechanisms, "SCRAM-SHA-256"):
		return smtp.ScramSHA256Auth(s.cfg.Username, s.cfg.Password), nil
	case slices.Contains(mechanisms, "PLAIN"):
		return smtp.PlainAuth("", s.cfg.Username, s.cfg.Password, s.tls.ServerName, plain), nil
	case slices.Contains(mechanisms, "LOGIN"):
		return smtp.LoginAuth(s.cfg.Username, s.cfg.Password, s.tls.ServerName, plain), nil
	}
	return nil, fmt.Errorf("mechanisms offered: %q", offered)
}

// compose builds the message. Whatever could start a header of its own is refused, not repaired.
func compose(m Mail) (*mail.Msg, error) {
	for name, value := range map[string]string{
		"subject": m.Subject, "sender name": m.FromName, "message id": m.MessageID, "language": m.Lang,
	} {
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, fmt.Errorf("%s holds control characters", name)
		}
	}
	if err := errors.Join(checkAddress(m.From), checkAddress(m.To), checkAddress(cmp.Or(m.BounceTo, m.From))); err != nil {
		return nil, err
	}
	encoding := mail.EncodingB64
	if m.Lang == "en" {
		encoding = mail.EncodingQP
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithEncoding(encoding))
	// As values, not as text to be parsed: a name with quotes in it stays a name.
	msg.FromMailAddress(&netmail.Address{Name: m.FromName, Address: m.From})
	msg.ToMailAddress(&netmail.Address{Address: m.To})
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.MessageID)
	msg.SetDateWithValue(m.Date)
	if m.Lang != "" {
		msg.SetGenHeader(mail.HeaderContentLang, m.Lang)
	}
	// RFC 3834: nobody's holiday notice shall answer.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader(mail.HeaderXAutoResponseSuppress, "All")
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	}
	if to, err := msg.GetRecipients(); err != nil || len(to) != 1 {
		return nil, errors.Join(errors.New("the message has not exactly its one recipient"), err)
	}
	return msg, nil
}

// unready is a failure before the message was offered: never permanent.
func unready(what string, err error) error {
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		what += ": " + answer(e)
	}
	return &SendError{Reply: what, Err: err}
}

// refused is a failure of a step that concerns the message. The server's own answer says whether it is for good; without one,
// the connection is to blame.
func refused(what string, err error) error {
	e, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
			what = "the mail server closed the connection"
		} else if t, ok := errors.AsType[net.Error](err); ok && t.Timeout() {
			what = "the mail server did not answer in time"
		}
		return &SendError{Reply: what, Err: err}
	}
	permanent := e.Code >= 500 && e.Code <= 599
	switch e.Code {
	case 502, 503, 530, 534, 535, 538: // our sign-in or our order of commands, not this message
		permanent = false
	}
	return &SendError{Permanent: permanent, Reply: answer(e), Err: err}
}

func answer(e *textproto.Error) string { return strconv.Itoa(e.Code) + " " + e.Msg }

// steadyConn gives every single read and write its own deadline, so that a server that falls silent is given up after one step
// and not at the end of the attempt.
type steadyConn struct {
	net.Conn
	step atomic.Int64
}

func newSteadyConn(c net.Conn, step time.Duration) *steadyConn {
	s := &steadyConn{Conn: c}
	s.step.Store(int64(step))
	return s
}

func (c *steadyConn) limit(step time.Duration) { c.step.Store(int64(step)) }

func (c *steadyConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(time.Duration(c.step.Load()))); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *steadyConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(time.Duration(c.step.Load()))); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
