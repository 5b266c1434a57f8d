package password_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/password"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// The passwords of the tests: the first that everybody has, and others that are good ones too.
const (
	former  = "correct horse battery"
	fresh   = "staple lantern orchid"
	another = "walnut ferry teapot"

	issuer = "https://id.example.jp"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// world is a service on a real database, with what tests need to look behind it.
type world struct {
	*password.Service
	t        *testing.T
	db       *store.DB
	box      *seal.Box
	set      *templates.Set
	accounts *account.Service
	outbox   *delivery.Outbox
	clock    *clock
	log      *bytes.Buffer
	logger   *slog.Logger
}

var pages = sync.OnceValues(func() (*templates.Set, error) { return templates.New(templates.Config{}) })

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T, db *store.DB, changes ...func(*password.Config)) *world {
	t.Helper()
	w := &world{t: t, db: db, clock: &clock{t: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)}, log: &bytes.Buffer{}}
	master, _ := seal.NewMasterKey()
	wrapped, err := seal.Generate(master)
	must(t, err)
	w.box, err = seal.New(master, wrapped)
	must(t, err)
	w.set, err = pages()
	must(t, err)
	w.logger = slog.New(slog.NewTextHandler(w.log, nil))
	hasher, err := account.NewHasher(account.HasherConfig{MemoryKiB: 64, Iterations: 1, Queue: 1024})
	must(t, err)
	w.accounts, err = account.New(account.Config{DB: db, Hasher: hasher, Now: w.clock.now, Logger: w.logger})
	must(t, err)
	w.outbox, err = delivery.New(delivery.Config{DB: db, Box: w.box, Templates: w.set, Now: w.clock.now, Logger: w.logger})
	must(t, err)
	c := password.Config{
		DB: db, Accounts: w.accounts, Outbox: w.outbox, Issuer: issuer + "/", Now: w.clock.now, Logger: w.logger,
		Proofs: standing.Limits{Customer: 24 * time.Hour, Operator: 12 * time.Hour}, Poll: 10 * time.Millisecond,
	}
	for _, change := range changes {
		change(&c)
	}
	w.Service, err = password.New(c)
	must(t, err)
	return w
}

// each runs a test on both engines.
func each(t *testing.T, f func(t *testing.T, w *world), changes ...func(*password.Config)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { f(t, newWorld(t, db, changes...)) })
}

func (w *world) tx(f func(tx *store.Tx) error) {
	w.t.Helper()
	must(w.t, w.db.InTx(w.t.Context(), f))
}

// account makes an account of a kind that does without a second factor and whose registered address is <login>@example.jp.
func (w *world) account(kind, login string) store.AccountID {
	w.t.Helper()
	hash, err := w.accounts.HashPassword(w.t.Context(), former, account.PasswordOwner{Kind: kind})
	must(w.t, err)
	id := store.NewID[store.AccountID]()
	w.tx(func(tx *store.Tx) error {
		return tx.InsertAccount(w.t.Context(), store.InsertAccountParams{
			ID: id, Kind: kind, LoginID: login, LoginKey: login, DisplayName: login, SearchKey: login, Role: "buyer",
			PasswordHash: string(hash), RegisteredEmail: login + "@example.jp", TwoFactor: "dont_use", Now: w.clock.now(),
		})
	})
	return id
}

func (w *world) customer(login string) store.AccountID { return w.account(account.KindStore, login) }

func (w *world) row(id store.AccountID) store.Account {
	w.t.Helper()
	a, err := w.db.Read().GetAccount(w.t.Context(), id)
	must(w.t, err)
	return a
}

// address changes an account's registered address.
func (w *world) address(id store.AccountID, to string) {
	w.t.Helper()
	a := w.row(id)
	w.tx(func(tx *store.Tx) error {
		_, err := tx.UpdateAccountProfile(w.t.Context(), store.UpdateAccountProfileParams{
			ID: id, DisplayName: a.DisplayName, SearchKey: a.SearchKey, Role: a.Role, RegisteredEmail: to, Now: w.clock.now(),
		})
		return err
	})
}

// factor gives an account a verified address, which it uses from then on.
func (w *world) factor(id store.AccountID, address string) {
	w.t.Helper()
	w.tx(func(tx *store.Tx) error {
		_, err := tx.UpsertFactor(w.t.Context(), store.UpsertFactorParams{
			ID: store.NewID[store.FactorID](), AccountID: id, Kind: "email", Address: address, Main: true, Now: w.clock.now(),
		})
		if err == nil {
			_, err = tx.SetTwoFactor(w.t.Context(), store.SetTwoFactorParams{ID: id, Former: "dont_use", TwoFactor: "use", Now: w.clock.now()})
		}
		return err
	})
}

// session makes a full session that proved the methods just now.
func (w *world) session(id store.AccountID, methods ...signin.Method) (s store.SessionID, token string) {
	w.t.Helper()
	var proved signin.EvidenceList
	for _, m := range methods {
		proved = proved.With(signin.Evidence{Method: m, At: w.clock.now()})
	}
	token, hash := web.NewToken()
	a := w.row(id)
	s = store.NewID[store.SessionID]()
	w.tx(func(tx *store.Tx) error {
		return tx.InsertSession(w.t.Context(), store.InsertSessionParams{
			ID: s, TokenHash: hash, AccountID: id, AccountKind: a.Kind, CredentialEpoch: a.CredentialEpoch, Evidence: proved.Encode(),
			Now: w.clock.now(), ExpiresAt: w.clock.now().Add(12 * time.Hour),
		})
	})
	return s, token
}

// alive reports whether a token opens a session.
func (w *world) alive(token string) bool {
	w.t.Helper()
	for _, surface := range []string{"store", "admin"} {
		_, err := w.db.Read().GetLiveSession(w.t.Context(), store.GetLiveSessionParams{
			SurfaceID: surface, TokenHash: web.HashToken(token), Now: w.clock.now(), IdleSince: w.clock.now().Add(-time.Hour),
		})
		if err == nil {
			return true
		}
		if !errors.Is(err, store.ErrNotFound) {
			w.t.Fatal(err)
		}
	}
	return false
}

// holdings is what an account can hold besides sessions.
type holdings struct {
	flow      store.Flow
	grant     []byte
	challenge store.ChallengeID
}

// hold gives an account a sign-in in progress with a code on its way, a grant of a session, and a trusted device.
func (w *world) hold(id store.AccountID, session store.SessionID) holdings {
	w.t.Helper()
	ctx, now, epoch := w.t.Context(), w.clock.now(), w.row(id).CredentialEpoch
	_, secret := web.NewToken()
	_, code := web.NewToken()
	_, device := web.NewToken()
	h := holdings{
		flow:  store.Flow{ID: store.NewID[store.FlowID](), SecretHash: secret},
		grant: code, challenge: store.NewID[store.ChallengeID](),
	}
	w.tx(func(tx *store.Tx) error {
		return errors.Join(
			tx.InsertFlow(ctx, store.InsertFlowParams{
				ID: h.flow.ID, SecretHash: secret, SurfaceID: "store", Request: json.RawMessage("{}"), AccountID: &id, CredentialEpoch: &epoch,
				Evidence: json.RawMessage("[]"), Now: now, ExpiresAt: now.Add(time.Hour),
			}),
			tx.InsertChallenge(ctx, store.InsertChallengeParams{
				ID: h.challenge, AccountID: id, Purpose: "signin", FlowID: &h.flow.ID, Kind: "email", Address: "x", CodeMAC: []byte("x"),
				Now: now, ExpiresAt: now.Add(10 * time.Minute),
			}),
			tx.EnqueueMessage(ctx, store.EnqueueMessageParams{
				ID: store.NewID[store.MessageID](), Channel: "email", Kind: "code", AccountID: &id, ChallengeID: &h.challenge, Recipient: "x",
				PayloadSealed: []byte("x"), Now: now.Add(time.Minute), Deadline: now.Add(10 * time.Minute), // not due for world.mails
			}),
			tx.InsertGrant(ctx, store.InsertGrantParams{
				ID: store.NewID[store.GrantID](), ClientID: "store", AccountID: id, SessionID: session, SurfaceID: "store", CredentialEpoch: epoch,
				Evidence: json.RawMessage("[]"), CodeHash: code, CodeExpiresAt: now.Add(time.Minute), Now: now, ExpiresAt: now.Add(time.Hour),
			}),
			tx.InsertTrustedDevice(ctx, store.InsertTrustedDeviceParams{
				ID: store.NewID[store.DeviceID](), AccountID: id, CredentialEpoch: epoch, Name: "x", SecretHash: device, Method: "email", Now: now,
				ExpiresAt: now.Add(30 * 24 * time.Hour),
			}),
		)
	})
	return h
}

// left lists what an account still holds of it; the device is gone with that.
func (w *world) left(id store.AccountID, h holdings) []string {
	w.t.Helper()
	ctx, now := w.t.Context(), w.clock.now()
	var left []string
	_, err := w.db.Read().GetFlowAccount(ctx, store.GetFlowAccountParams{ID: h.flow.ID, SecretHash: h.flow.SecretHash, Now: now})
	if err == nil {
		left = append(left, "flow")
	} else if !errors.Is(err, store.ErrNotFound) {
		w.t.Fatal(err)
	}
	g, err := w.db.Read().GetGrantByCode(ctx, h.grant)
	must(w.t, err)
	if g.RevokedAt == nil && g.CredentialEpoch == w.row(id).CredentialEpoch {
		left = append(left, "grant")
	}
	c, err := w.db.Read().GetFlowChallenge(ctx, store.GetFlowChallengeParams{FlowID: &h.flow.ID, AccountID: id, Kind: "email"})
	must(w.t, err)
	if c.VoidedAt == nil {
		left = append(left, "code")
	}
	m, err := w.db.Read().GetChallengeMessage(ctx, &h.challenge)
	must(w.t, err)
	if m.State != delivery.StateCancelled {
		left = append(left, "message")
	}
	w.tx(func(tx *store.Tx) error {
		n, err := tx.DeleteTrustedDevices(ctx, id)
		if n > 0 {
			left = append(left, "device")
		}
		return err
	})
	return left
}

// knows reports whether a password opens an account.
func (w *world) knows(id store.AccountID, secret string) bool {
	w.t.Helper()
	a := w.row(id)
	got, err := w.accounts.Verify(w.t.Context(), a.Kind, a.LoginID, secret)
	if err != nil && !errors.Is(err, account.ErrBadCredentials) {
		w.t.Fatal(err)
	}
	return err == nil && got.ID == id
}

// mail is one message that waits in the outbox.
type mail struct {
	Kind, To, Subject, Text, Secret string
	Deadline                        time.Time
}

// mails takes everything out of the outbox, oldest first.
func (w *world) mails() []mail {
	w.t.Helper()
	var out []mail
	w.tx(func(tx *store.Tx) error {
		ctx, owner := w.t.Context(), "test"
		until := w.clock.now().Add(24 * time.Hour)
		rows, err := tx.ClaimMessages(ctx, store.ClaimMessagesParams{
			Owner: &owner, LeasedUntil: &until, Channel: delivery.ChannelEmail, Now: w.clock.now(), BatchSize: 1000,
		})
		if err != nil {
			return err
		}
		slices.SortFunc(rows, func(a, b store.Outbox) int { return strings.Compare(string(a.ID), string(b.ID)) })
		for _, r := range rows {
			plain, err := w.box.Open(r.PayloadSealed, seal.Place{Table: "outbox", Row: string(r.ID), Account: string(*r.AccountID)})
			if err != nil {
				return err
			}
			var p struct{ To, Subject, Text, Secret string }
			if err := json.Unmarshal(plain, &p); err != nil {
				return err
			}
			out = append(out, mail{Kind: r.Kind, To: r.Recipient, Subject: p.Subject, Text: p.Text, Secret: p.Secret, Deadline: r.Deadline})
		}
		return nil
	})
	return out
}

// told lists who got which kind of mail, and takes the mails out.
func (w *world) told() []string {
	w.t.Helper()
	var out []string
	for _, m := range w.mails() {
		out = append(out, m.Kind+" "+m.To)
	}
	slices.Sort(out)
	return out
}

var linkExpr = regexp.MustCompile(`(?m)^\s*(https?://\S+)$`)

// secretOf reads the link of a mail.
func (w *world) secretOf(m mail) string {
	w.t.Helper()
	found := linkExpr.FindStringSubmatch(m.Text)
	if found == nil {
		w.t.Fatalf("no link in\n%s", m.Text)
	}
	u, err := url.Parse(found[1])
	must(w.t, err)
	secret := u.Query().Get("ticket")
	if secret == "" || secret != m.Secret {
		w.t.Fatalf("the mail's secret %q is not that of its link %s", m.Secret, u)
	}
	return secret
}

// ask says that somebody forgot a password, answers the request, and returns the link that was sent; "" if none was.
func (w *world) ask(kind web.Kind, login string) string {
	w.t.Helper()
	must(w.t, w.Request(w.t.Context(), kind, login, templates.Ja))
	must(w.t, w.AnswerRequests(w.t.Context()))
	secret := ""
	for _, m := range w.mails() {
		if m.Kind == delivery.KindPasswordResetLink {
			secret = w.secretOf(m)
		}
	}
	return secret
}

// link is ask for a customer, who must get one.
func (w *world) link(login string) string {
	w.t.Helper()
	secret := w.ask(web.Customer, login)
	if secret == "" {
		w.t.Fatalf("no link for %s", login)
	}
	return secret
}

// events lists the audit rows of a type, newest first, as result and reason.
func (w *world) events(typ string) []store.AuditEvent {
	w.t.Helper()
	return storetest.Events(w.t, w.db, typ)
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}

// fields lists the fields of a validation error with their keys.
func fields(err error) map[string]string {
	if e, ok := errors.AsType[*account.ValidationError](err); ok {
		return e.Fields
	}
	return nil
}
