package mfa_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
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
	*mfa.Service
	t      *testing.T
	db     *store.DB
	box    *seal.Box
	set    *templates.Set
	clock  *clock
	hashed atomic.Int64 // comparisons of hashes
	made   atomic.Int64 // hashes made
	busy   atomic.Bool  // the hasher refuses
}

var errBusy = errors.New("queue is full")

// hashFor stands in for argon2id: tests make hundreds of hashes, and what is tested here is what happens around them.
func hashFor(_ context.Context, secret string) (string, error) {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:]), nil
}

var pages = sync.OnceValues(func() (*templates.Set, error) { return templates.New(templates.Config{}) })

const passkeyOrigin = "https://id.example.jp"

// withoutSMS takes the gateway away.
func withoutSMS(c *delivery.Config) { c.SMS = nil }

func newWorld(t *testing.T, db *store.DB, limits mfa.Limits, changes ...func(*delivery.Config)) *world {
	t.Helper()
	master, _ := seal.NewMasterKey()
	wrapped, err := seal.Generate(master)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, clock: &clock{t: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)}}
	if w.box, err = seal.New(master, wrapped); err != nil {
		t.Fatal(err)
	}
	if w.set, err = pages(); err != nil {
		t.Fatal(err)
	}
	c := delivery.Config{
		DB: db, Box: w.box, Templates: w.set, Now: w.clock.now, Logger: slog.New(slog.DiscardHandler),
		SMS: &delivery.CaptureSMS{}, Host: "id.example.jp",
	}
	for _, change := range changes {
		change(&c)
	}
	outbox, err := delivery.New(c)
	if err != nil {
		t.Fatal(err)
	}
	w.Service, err = mfa.New(mfa.Config{
		Issuer: "https://id.example.jp", DB: db, Outbox: outbox, Box: w.box, Now: w.clock.now, Busy: errBusy, Limits: limits, SMSCountries: []string{"JP", "US"},
		RPID: "id.example.jp", Origins: []string{passkeyOrigin},
		HashAll: func(ctx context.Context, secrets []string) ([]string, error) {
			if w.busy.Load() {
				return nil, errBusy
			}
			var hashes []string
			for _, secret := range secrets {
				w.made.Add(1)
				h, err := hashFor(ctx, secret)
				if err != nil {
					return nil, err
				}
				hashes = append(hashes, h)
			}
			return hashes, nil
		},
		CheckCode: func(ctx context.Context, hashes, spellings []string) (int, error) {
			if w.busy.Load() {
				return -1, errBusy
			}
			w.hashed.Add(int64(len(hashes)))
			for _, spelling := range spellings {
				h, err := hashFor(ctx, spelling)
				if err != nil {
					return -1, err
				}
				if i := slices.Index(hashes, h); i >= 0 {
					return i, nil
				}
			}
			return -1, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// each runs a test on both engines.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { f(t, newWorld(t, db, mfa.Limits{})) })
}

func (w *world) tx(f func(tx *store.Tx) error) {
	w.t.Helper()
	if err := w.db.InTx(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
}

// account makes a store account whose registered address is <login>@example.jp.
func (w *world) account(login, twoFactor string) store.AccountID {
	w.t.Helper()
	id := store.NewID[store.AccountID]()
	w.tx(func(tx *store.Tx) error {
		return tx.InsertAccount(w.t.Context(), store.InsertAccountParams{
			ID: id, Kind: "store", LoginID: login, LoginKey: login, DisplayName: login, SearchKey: login, Role: "buyer",
			PasswordHash: "x", RegisteredEmail: login + "@example.jp", TwoFactor: twoFactor, Now: w.clock.now(),
		})
	})
	return id
}

func (w *world) row(id store.AccountID) store.Account {
	w.t.Helper()
	a, err := w.db.Read().GetAccount(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) evidence(methods ...signin.Method) signin.EvidenceList {
	var l signin.EvidenceList
	for _, m := range methods {
		l = l.With(signin.Evidence{Method: m, At: w.clock.now()})
	}
	return l
}

// flow makes a sign-in whose password was accepted just now.
func (w *world) flow(id store.AccountID) store.Flow {
	w.t.Helper()
	_, hash := web.NewToken()
	f := store.Flow{ID: store.NewID[store.FlowID](), SecretHash: hash}
	epoch := w.row(id).CredentialEpoch
	w.tx(func(tx *store.Tx) error {
		return tx.InsertFlow(w.t.Context(), store.InsertFlowParams{
			ID: f.ID, SecretHash: hash, SurfaceID: "store", Request: json.RawMessage("{}"), ReturnTo: "/account/security",
			AccountID: &id, CredentialEpoch: &epoch, Evidence: w.evidence(signin.Password).Encode(),
			Now: w.clock.now(), ExpiresAt: w.clock.now().Add(time.Hour),
		})
	})
	return w.reload(f)
}

// reload reads a flow by its id and secret hash, as a request does.
func (w *world) reload(f store.Flow) store.Flow {
	w.t.Helper()
	row, err := w.db.Read().GetFlow(w.t.Context(), store.GetFlowParams{ID: f.ID, SecretHash: f.SecretHash, Now: w.clock.now()})
	if err != nil {
		w.t.Fatal(err)
	}
	return row
}

// next is the flow after a proof gave it a new secret.
func (w *world) next(f store.Flow, secret string) store.Flow {
	w.t.Helper()
	f.SecretHash = web.HashToken(secret)
	return w.reload(f)
}

// session makes a full session that proved the methods just now.
func (w *world) session(id store.AccountID, methods ...signin.Method) store.SessionID {
	w.t.Helper()
	s := store.NewID[store.SessionID]()
	_, hash := web.NewToken()
	epoch := w.row(id).CredentialEpoch
	w.tx(func(tx *store.Tx) error {
		return tx.InsertSession(w.t.Context(), store.InsertSessionParams{
			ID: s, TokenHash: hash, AccountID: id, AccountKind: "store", CredentialEpoch: epoch,
			Evidence: w.evidence(methods...).Encode(), Now: w.clock.now(), ExpiresAt: w.clock.now().Add(24 * time.Hour),
		})
	})
	return s
}

// grant makes something a session gave out, and returns the hash it is found by.
func (w *world) grant(id store.AccountID, s store.SessionID) []byte {
	w.t.Helper()
	_, hash := web.NewToken()
	epoch := w.row(id).CredentialEpoch
	w.tx(func(tx *store.Tx) error {
		return tx.InsertGrant(w.t.Context(), store.InsertGrantParams{
			ID: store.NewID[store.GrantID](), ClientID: "store", AccountID: id, SessionID: s, SurfaceID: "store", CredentialEpoch: epoch, Evidence: json.RawMessage("[]"),
			CodeHash: hash, CodeExpiresAt: w.clock.now().Add(time.Minute), Now: w.clock.now(), ExpiresAt: w.clock.now().Add(time.Hour),
		})
	})
	return hash
}

func (w *world) revoked(grant []byte) bool {
	w.t.Helper()
	g, err := w.db.Read().GetGrantByCode(w.t.Context(), grant)
	if err != nil {
		w.t.Fatal(err)
	}
	return g.RevokedAt != nil || g.CredentialEpoch != w.row(g.AccountID).CredentialEpoch
}

// dead reports whether a session opens nothing any more.
func (w *world) dead(id store.SessionID) bool {
	w.t.Helper()
	s, err := w.db.Read().GetSession(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.EndedAt != nil || s.CredentialEpoch != w.row(s.AccountID).CredentialEpoch
}

// gone reports whether a flow can do nothing any more.
func (w *world) gone(f store.Flow) bool {
	w.t.Helper()
	_, err := w.db.Read().GetFlowAccount(w.t.Context(), store.GetFlowAccountParams{ID: f.ID, SecretHash: f.SecretHash, Now: w.clock.now()})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		w.t.Fatal(err)
	}
	return err != nil
}

// mail is one message that waits in the outbox.
type mail struct {
	Kind, To, Subject, Text, Code string
}

// mails takes every mail out of the outbox, oldest first.
func (w *world) mails() []mail {
	w.t.Helper()
	return w.messages(delivery.ChannelEmail)
}

// texts takes every text message out of the outbox, oldest first.
func (w *world) texts() []mail {
	w.t.Helper()
	return w.messages(delivery.ChannelSMS)
}

func (w *world) messages(channel string) []mail {
	w.t.Helper()
	var out []mail
	w.tx(func(tx *store.Tx) error {
		ctx, owner := w.t.Context(), "test"
		until := w.clock.now().Add(time.Hour)
		rows, err := tx.ClaimMessages(ctx, store.ClaimMessagesParams{
			Owner: &owner, LeasedUntil: &until, Channel: channel, Now: w.clock.now(), BatchSize: 1000,
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
			out = append(out, mail{Kind: r.Kind, To: r.Recipient, Subject: p.Subject, Text: p.Text, Code: p.Secret})
		}
		return nil
	})
	return out
}

// code takes the mails out and returns the one code among them.
func (w *world) code(to string) string {
	w.t.Helper()
	code := ""
	for _, m := range w.mails() {
		if m.Kind == delivery.KindCode && m.To == to {
			code = m.Code
		}
	}
	if code == "" {
		w.t.Fatalf("no code for %s", to)
	}
	return code
}

// wrong is a code that is not the right one.
func wrong(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// enrol sets up an address inside a sign-in and returns the flow behind it.
func (w *world) enrol(id store.AccountID, address string) store.Flow {
	w.t.Helper()
	f := w.flow(id)
	if err := w.SendSetUpCode(w.t.Context(), f, mfa.EmailTo(address), templates.Ja); err != nil {
		w.t.Fatal(err)
	}
	secret, err := w.VerifySetUpCode(w.t.Context(), f, mfa.EmailTo(address), w.code(address), templates.Ja)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.next(f, secret)
}

// checkSetUp says why the sign-in may not set up its first factor; nil if it may.
func (w *world) checkSetUp(ctx context.Context, f store.Flow) error {
	_, err := w.SetUpMethods(ctx, f)
	return err
}

func (w *world) factor(id store.AccountID) store.Factor {
	w.t.Helper()
	f, err := w.db.Read().GetFactorByKind(w.t.Context(), store.GetFactorByKindParams{AccountID: id, Kind: "email"})
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

func (w *world) status(id store.AccountID) mfa.Status {
	w.t.Helper()
	s, err := w.Status(w.t.Context(), w.db.Read(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

// events counts an account's events of a type with a result.
func (w *world) events(id store.AccountID, typ, result string) int {
	w.t.Helper()
	all, err := w.db.Read().ListAccountEvents(w.t.Context(), store.ListAccountEventsParams{AccountID: &id, PageSize: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	n := 0
	for _, e := range all {
		if e.Type == typ && e.Result == result {
			n++
		}
	}
	return n
}

// race calls f n times at once and counts how each call ended. None may fail because two of them blocked each other.
func race(t *testing.T, n int, f func(i int) error) map[string]int {
	var mu sync.Mutex
	ends := map[string]int{}
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			end := "ok"
			if err := f(i); err != nil {
				end = err.Error()
				if errors.Is(err, store.ErrUnavailable) {
					t.Errorf("call %d met a lock: %v", i, err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			ends[end]++
		})
	}
	close(start)
	wg.Wait()
	return ends
}
