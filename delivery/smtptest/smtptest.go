// Package smtptest is a mail server for tests: a real one that listens on loopback, whose answers the test decides, that can be
// stopped and started again on the same port, and that keeps what it took.
//
// It must not know who sends to it.
package smtptest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Config chooses how the server behaves. The zero value takes everything, without TLS and without sign-in.
type Config struct {
	// StartTLS offers STARTTLS; Implicit speaks TLS from the first byte.
	StartTLS, Implicit bool
	// Username and Password are demanded if set.
	Username, Password string
	// Rcpt and Data decide on a recipient and on a message; nil takes it. Use [Refuse] for answers of the server's own. They may
	// wait. n counts the calls from 1.
	Rcpt func(n int, to string) error
	Data func(n int, m Message) error
}

// Refuse is an answer such as Refuse(451, "try again later").
func Refuse(code int, text string) error {
	class := code / 100
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, 0, 0}, Message: text}
}

// Message is a message as it arrived.
type Message struct {
	// From and To are the envelope.
	From string
	To   []string
	// Raw is everything after DATA.
	Raw []byte
}

// Parsed is a message as a mail program sees it.
type Parsed struct {
	Header              mail.Header
	Subject, Text, HTML string
}

// Parse decodes a message.
func (m Message) Parse() (Parsed, error) {
	msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		return Parsed{}, err
	}
	p := Parsed{Header: msg.Header}
	if p.Subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		return Parsed{}, err
	}
	err = p.walk(msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), msg.Body)
	return p, err
}

func (p *Parsed) walk(contentType, encoding string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		r := multipart.NewReader(body, params["boundary"])
		for {
			part, err := r.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := p.walk(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(encoding) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	switch kind {
	case "text/plain":
		p.Text += string(b)
	case "text/html":
		p.HTML += string(b)
	}
	return nil
}

// Server is a running mail server.
type Server struct {
	// Host and Port are where it listens; they stay the same when it is stopped and started.
	Host string
	Port int
	// Roots verifies its certificate.
	Roots *x509.CertPool

	cfg  Config
	cert tls.Certificate

	mu       sync.Mutex
	server   *smtp.Server
	listener net.Listener
	messages []Message
	rcpts    int
	datas    int
	conns    int
}

// Start runs a server until the test ends.
func Start(t testing.TB, cfg Config) *Server {
	t.Helper()
	s := &Server{Host: "127.0.0.1", cfg: cfg}
	if err := s.certify(); err != nil {
		t.Fatalf("make certificate: %v", err)
	}
	if err := s.listen(); err != nil {
		t.Fatalf("start mail server: %v", err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Stop closes the port and every connection, as a crash would. Messages are kept.
func (s *Server) Stop() {
	s.mu.Lock()
	server, listener := s.server, s.listener
	s.server, s.listener = nil, nil
	s.mu.Unlock()
	if server != nil {
		_ = listener.Close() // the server may not have got round to it yet
		_ = server.Close()
	}
}

// Restart listens again on the port of before.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop()
	if err := s.listen(); err != nil {
		t.Fatalf("restart mail server: %v", err)
	}
}

// Messages returns what the server took, oldest first.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Connections is how many clients have greeted it so far.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// Wait returns the messages once there are at least n, and fails the test if that takes too long.
func (s *Server) Wait(t testing.TB, n int) []Message {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for {
		if m := s.Messages(); len(m) >= n {
			return m
		}
		if time.Now().After(deadline) {
			t.Fatalf("only %d of %d messages arrived", len(s.Messages()), n)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (s *Server) listen() error {
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns++
		return &session{server: s, free: s.cfg.Username == ""}, nil
	}))
	server.Domain = "mail.example.jp"
	server.AllowInsecureAuth = true
	server.MaxRecipients = 10
	server.MaxMessageBytes = 1 << 20
	server.ErrorLog = quiet{}
	if s.cfg.StartTLS {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{s.cert}, MinVersion: tls.VersionTLS12}
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", fmt.Sprintf("%s:%d", s.Host, s.Port))
	if err != nil {
		return err
	}
	s.Port = l.Addr().(*net.TCPAddr).Port
	if s.cfg.Implicit {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{s.cert}, MinVersion: tls.VersionTLS12})
	}
	s.mu.Lock()
	s.server, s.listener = server, l
	s.mu.Unlock()
	go func() { _ = server.Serve(l) }()
	return nil
}

// certify makes a certificate authority of the server's own.
func (s *Server) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.example.jp"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	s.Roots = x509.NewCertPool()
	s.Roots.AddCert(leaf)
	s.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return nil
}

type session struct {
	server *Server
	free   bool // signed in, or no need to
	from   string
	to     []string
}

func (s *session) AuthMechanisms() []string {
	if s.server.cfg.Username == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != s.server.cfg.Username || password != s.server.cfg.Password {
			return smtp.ErrAuthFailed
		}
		s.free = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.free {
		return Refuse(530, "authentication required")
	}
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	s.server.rcpts++
	n := s.server.rcpts
	s.server.mu.Unlock()
	if s.server.cfg.Rcpt != nil {
		if err := s.server.cfg.Rcpt(n, to); err != nil {
			return err
		}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m := Message{From: s.from, To: append([]string(nil), s.to...), Raw: raw}
	s.server.mu.Lock()
	s.server.datas++
	n := s.server.datas
	s.server.mu.Unlock()
	if s.server.cfg.Data != nil {
		if err := s.server.cfg.Data(n, m); err != nil {
			return err
		}
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.messages = append(s.server.messages, m)
	return nil
}

func (s *session) Reset() { s.from, s.to = "", nil }

func (s *session) Logout() error { return nil }

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}
