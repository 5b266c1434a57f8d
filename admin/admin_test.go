package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/password"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
)

// clock moves a little with every look, as a clock does, and further when a test says so.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Millisecond)
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// world is the service on a real database, with a customer and the people of the tests.
type world struct {
	*Service
	t     *testing.T
	db    *store.DB
	set   *templates.Set
	clock *clock

	customer store.CustomerID
	group    store.UserGroupID
	// The store accounts tanaka and suzuki; the operators root and chief (administrators) and desk (support).
	tanaka, suzuki, root, chief, desk store.AccountID
}

var pages = sync.OnceValues(func() (*templates.Set, error) { return templates.New(templates.Config{}) })

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, clock: &clock{t: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)}}
	master, _ := seal.NewMasterKey()
	wrapped, err := seal.Generate(master)
	must(t, err)
	box, err := seal.New(master, wrapped)
	must(t, err)
	w.set, err = pages()
	must(t, err)
	hasher, err := account.NewHasher(account.HasherConfig{MemoryKiB: 64, Iterations: 1})
	must(t, err)
	logger := slog.New(slog.DiscardHandler)
	accounts, err := account.New(account.Config{DB: db, Hasher: hasher, Now: w.clock.now, Logger: logger})
	must(t, err)
	outbox, err := delivery.New(delivery.Config{DB: db, Box: box, Templates: w.set, Now: w.clock.now, Logger: logger})
	must(t, err)
	factors, err := mfa.New(mfa.Config{
		Issuer: "https://id.example.jp", DB: db, Outbox: outbox, Box: box, Now: w.clock.now, SessionIdle: time.Hour,
		HashAll:   func(_ context.Context, secrets []string) ([]string, error) { return secrets, nil },
		CheckCode: func(context.Context, []string, []string) (int, error) { return -1, nil },
	})
	must(t, err)
	passwords, err := password.New(password.Config{
		DB: db, Accounts: accounts, Outbox: outbox, Issuer: "https://id.example.jp", Now: w.clock.now, Logger: logger,
		Proofs: standing.Limits{Customer: time.Hour, Operator: time.Hour},
	})
	must(t, err)
	signer, err := audit.OpenSigner(t.Context(), db, box, w.clock.now())
	must(t, err)
	w.Service, err = New(Config{
		Signer: signer, DB: db, Accounts: accounts, Factors: factors, Outbox: outbox, Passwords: passwords, Now: w.clock.now, Zone: tokyo(), Imports: mfa.Imports{Box: box},
		CustomerIdle: time.Hour, OperatorIdle: 15 * time.Minute,
		ValidRedirect: func(uri string) string {
			if strings.HasPrefix(uri, "https://") {
				return ""
			}
			return "must use https"
		},
	})
	must(t, err)

	ctx := t.Context()
	c, err := w.CreateCustomer(ctx, System(), account.CustomerInput{Code: "C-100248", Name: "株式会社サンプル商事"})
	must(t, err)
	g, err := w.CreateUserGroup(ctx, System(), c.ID, "本社")
	must(t, err)
	w.customer, w.group = c.ID, g.ID
	w.tanaka = w.person("tanaka", account.RoleBuyer)
	w.suzuki = w.person("suzuki", account.RoleViewer)
	w.root = w.operator("root", account.RoleAdministrator)
	w.chief = w.operator("chief", account.RoleAdministrator)
	w.desk = w.operator("desk", account.RoleSupport)
	return w
}

func tokyo() *time.Location { return time.FixedZone("JST", 9*60*60) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// each runs a test on both engines.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { f(t, newWorld(t, db)) })
}

func (w *world) input(login, role string) NewAccount {
	return NewAccount{LoginID: login, DisplayName: login, RegisteredEmail: login + "@example.jp", Role: role, Password: "futakagi-demo"}
}

func (w *world) person(login, role string) store.AccountID {
	w.t.Helper()
	a, err := w.CreateAccount(w.t.Context(), System(), w.group, w.input(login, role))
	must(w.t, err)
	return a.ID
}

func (w *world) operator(login, role string) store.AccountID {
	w.t.Helper()
	a, err := w.CreateOperator(w.t.Context(), System(), w.input(login, role))
	must(w.t, err)
	return a.ID
}

func (w *world) tx(f func(tx *store.Tx) error) {
	w.t.Helper()
	must(w.t, w.db.InTx(w.t.Context(), f))
}

func (w *world) row(id store.AccountID) store.Account {
	w.t.Helper()
	a, err := w.db.Read().GetAccount(w.t.Context(), id)
	must(w.t, err)
	return a
}

// session signs somebody in and returns the session with its token's hash.
func (w *world) session(id store.AccountID, hash []byte) store.SessionID {
	w.t.Helper()
	sid, a := store.NewID[store.SessionID](), w.row(id)
	w.tx(func(tx *store.Tx) error {
		now := w.clock.now()
		return tx.InsertSession(w.t.Context(), store.InsertSessionParams{
			ID: sid, TokenHash: hash, AccountID: id, AccountKind: a.Kind, CredentialEpoch: a.CredentialEpoch, Evidence: []byte(`[]`),
			Now: now, ExpiresAt: now.Add(12 * time.Hour),
		})
	})
	return sid
}

// actor is an operator in a session of their own.
func (w *world) actor(id store.AccountID) Actor {
	w.t.Helper()
	return Actor{Account: w.row(id), Session: w.session(id, []byte(store.NewID[string]()))}
}

// enrol gives an account an email factor, ten backup codes, a live session, an attempt in progress with a code on its way.
func (w *world) enrol(id store.AccountID) {
	w.t.Helper()
	ctx, now, a := w.t.Context(), w.clock.now(), w.row(id)
	flow, challenge, batch := store.NewID[store.FlowID](), store.NewID[store.ChallengeID](), store.NewID[store.BatchID]()
	w.tx(func(tx *store.Tx) error {
		_, err := tx.UpsertFactor(ctx, store.UpsertFactorParams{
			ID: store.NewID[store.FactorID](), AccountID: id, Kind: "email", Address: a.LoginID + "-2fa@example.jp", Main: true, Now: now,
		})
		err = errors.Join(err, tx.InsertBackupBatch(ctx, store.InsertBackupBatchParams{ID: batch, AccountID: id, Now: now}))
		for i := range 10 {
			err = errors.Join(err, tx.InsertBackupCode(ctx, store.InsertBackupCodeParams{BatchID: batch, Selector: string(rune('A' + i)), CodeHash: "x"}))
		}
		return errors.Join(err,
			tx.InsertFlow(ctx, store.InsertFlowParams{
				ID: flow, SecretHash: []byte(flow), SurfaceID: "store", Request: []byte(`{}`), AccountID: &id,
				CredentialEpoch: &a.CredentialEpoch, Evidence: []byte(`[]`), Now: now, ExpiresAt: now.Add(time.Hour),
			}),
			tx.InsertChallenge(ctx, store.InsertChallengeParams{
				ID: challenge, AccountID: id, Purpose: "signin", FlowID: &flow, Kind: "email", Address: "x", CodeMAC: []byte("x"),
				Now: now, ExpiresAt: now.Add(10 * time.Minute),
			}),
			tx.EnqueueMessage(ctx, store.EnqueueMessageParams{
				ID: store.NewID[store.MessageID](), Channel: "email", Kind: "code", AccountID: &id, ChallengeID: &challenge, Recipient: "x",
				PayloadSealed: []byte("x"), Now: now, Deadline: now.Add(10 * time.Minute),
			}))
	})
	w.session(id, []byte(store.NewID[string]()))
}

// status is what an account has, as its page shows it.
func (w *world) status(id store.AccountID) Account {
	w.t.Helper()
	a, err := w.Account(w.t.Context(), System(), id)
	must(w.t, err)
	return a
}

// cleared fails the test unless nothing of an account is left alive.
func (w *world) cleared(id store.AccountID, epoch int64) {
	w.t.Helper()
	a := w.status(id)
	if a.Status.SetUp() || a.Status.BackupCodesLeft != 0 || a.Sessions != 0 || a.CredentialEpoch <= epoch {
		w.t.Errorf("left over: %+v, %d sessions, epoch %d of %d", a.Status, a.Sessions, a.CredentialEpoch, epoch)
	}
	rows, err := w.db.Read().ListMessagesInState(w.t.Context(), store.ListMessagesInStateParams{State: "queued", Since: time.Unix(0, 0), BeforeAt: time.Unix(1<<33, 0), BeforeID: store.MaxID, PageSize: 100})
	must(w.t, err)
	for _, m := range rows {
		if m.AccountID != nil && *m.AccountID == id && m.Kind == "code" {
			w.t.Errorf("a code is still on its way: %+v", m)
		}
	}
}

// notices are the addresses that notices of a reset wait for.
func (w *world) notices(id store.AccountID) []string {
	w.t.Helper()
	return w.waiting(id, delivery.KindReset)
}

// waiting are the addresses that messages of a kind wait for.
func (w *world) waiting(id store.AccountID, kind string) []string {
	w.t.Helper()
	rows, err := w.db.Read().ListMessages(w.t.Context(), store.ListMessagesParams{Since: time.Unix(0, 0), BeforeAt: time.Unix(1<<33, 0), BeforeID: store.MaxID, PageSize: 100})
	must(w.t, err)
	var to []string
	for _, m := range rows {
		if m.AccountID != nil && *m.AccountID == id && m.Kind == kind {
			to = append(to, m.Recipient)
		}
	}
	slices.Sort(to)
	return to
}

// events are the audit rows of a type, oldest first.
func (w *world) events(kind audit.Type) []store.AuditEvent {
	w.t.Helper()
	rows := storetest.Events(w.t, w.db, string(kind))
	slices.Reverse(rows)
	return rows
}

// demands reads what decides whether an account needs a second factor on a surface.
func (w *world) demands(id store.AccountID, surface string) (store.Account, store.Surface) {
	w.t.Helper()
	acc, err := w.db.Read().GetAccount(w.t.Context(), id)
	must(w.t, err)
	s, err := w.db.Read().GetSurface(w.t.Context(), surface)
	must(w.t, err)
	return acc, s
}

func (w *world) enforce(surface string, on bool) {
	w.t.Helper()
	_, err := w.SetEnforcement(w.t.Context(), System(), []EnforcementChange{{Surface: surface, Former: !on, Enforced: on}})
	must(w.t, err)
}

var goodReason = Reason{Text: "メールアドレス変更のため", IdentityChecked: true}

func TestM02_M04_TheSwitchIsStored(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		desk := w.actor(w.desk)
		r, err := w.SetTwoFactor(t.Context(), desk, w.tanaka, account.TwoFactorUse, account.TwoFactorDont)
		if err != nil || !r.Changed || r.SetUp {
			t.Fatalf("%+v, %v", r, err)
		}
		if acc, surface := w.demands(w.tanaka, SurfaceStore); acc.TwoFactor != account.TwoFactorDont || surface.Enforced {
			t.Errorf("switch %s, enforced %v: want the password alone", acc.TwoFactor, surface.Enforced)
		}
		rows := w.events(audit.TwoFactorSet)
		if len(rows) != 1 || rows[0].Result != "success" || rows[0].ActorName != "desk" || rows[0].Target != "株式会社サンプル商事 / tanaka" || *rows[0].AccountID != w.tanaka {
			t.Errorf("audit rows %+v", rows)
		}
		if _, err := w.SetTwoFactor(t.Context(), desk, w.tanaka, "", "perhaps"); err == nil {
			t.Error("an unknown value was stored")
		}
	})
}

func TestM03_OffThenOnClearsAndOnToOnDoesNot(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root := t.Context(), w.actor(w.root)
		w.enrol(w.tanaka)
		before := w.status(w.tanaka)
		r, err := w.SetTwoFactor(ctx, root, w.tanaka, account.TwoFactorUse, account.TwoFactorUse)
		if err != nil || r.Changed {
			t.Fatalf("on to on: %+v, %v", r, err)
		}
		if diff := cmp.Diff(before, w.status(w.tanaka)); diff != "" {
			t.Errorf("on to on changed something:\n%s", diff)
		}
		if n := len(w.events(audit.TwoFactorSet)); n != 0 {
			t.Errorf("%d audit rows for no change", n)
		}

		r, err = w.SetTwoFactor(ctx, root, w.tanaka, account.TwoFactorUse, account.TwoFactorDont)
		if err != nil || !r.Changed || !r.SetUp {
			t.Fatalf("off: %+v, %v", r, err)
		}
		w.cleared(w.tanaka, before.CredentialEpoch)
		w.enrol(w.tanaka) // whatever came in between
		epoch := w.row(w.tanaka).CredentialEpoch
		r, err = w.SetTwoFactor(ctx, root, w.tanaka, account.TwoFactorDont, account.TwoFactorUse)
		if err != nil || !r.Changed {
			t.Fatalf("on: %+v, %v", r, err)
		}
		w.cleared(w.tanaka, epoch)
		if got := w.row(w.tanaka).TwoFactor; got != account.TwoFactorUse {
			t.Errorf("switch = %s", got)
		}
		if n := len(w.events(audit.TwoFactorSet)); n != 2 {
			t.Errorf("%d audit rows, want 2", n)
		}
	})
}

func TestM03_StalePageChangesNothing(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	ctx, root := t.Context(), w.actor(w.root)
	turn := func(former, want string) (SwitchResult, error) {
		return w.SetTwoFactor(ctx, root, w.tanaka, former, want)
	}
	if r, err := turn(account.TwoFactorUse, account.TwoFactorDont); err != nil || !r.Changed {
		t.Fatal(r, err)
	}
	// The second click of a double click, and a page that still shows 利用する.
	if r, err := turn(account.TwoFactorUse, account.TwoFactorDont); err != nil || r.Changed {
		t.Errorf("second click: %+v, %v", r, err)
	}
	if _, err := turn(account.TwoFactorUse, account.TwoFactorUse); !errors.Is(err, ErrConflict) {
		t.Errorf("stale page: %v, want ErrConflict", err)
	}
	if w.row(w.tanaka).TwoFactor != account.TwoFactorDont || len(w.events(audit.TwoFactorSet)) != 1 {
		t.Error("something changed")
	}
}

func TestM05_M06_M07_State(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	a := w.status(w.tanaka)
	if _, ok := a.Status.Main(); ok || a.Status.BackupCodesLeft != 0 || a.Sessions != 0 || a.Customer.Name != "株式会社サンプル商事" || a.Group.Name != "本社" {
		t.Errorf("%+v", a)
	}
	w.enrol(w.tanaka)
	a = w.status(w.tanaka)
	f, ok := a.Status.Main()
	if !ok || f.Address != "tanaka-2fa@example.jp" || f.VerifiedAt.IsZero() || a.Status.BackupCodesLeft != 10 || a.Sessions != 1 || len(a.Status.Devices) != 0 {
		t.Errorf("%+v", a)
	}
	w.clock.pass(time.Hour)
	if a = w.status(w.tanaka); a.Sessions != 0 {
		t.Error("an idle session counts as live")
	}
}

func TestM08_M09_ResetClearsEverythingAndKeepsTheSwitch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, desk := t.Context(), w.actor(w.desk)
		for _, enforced := range []bool{false, true} {
			if enforced {
				w.enforce(SurfaceStore, true)
			}
			for id, former := range map[store.AccountID]string{w.tanaka: account.TwoFactorUse, w.suzuki: account.TwoFactorDont} {
				if former == account.TwoFactorDont && !enforced {
					_, err := w.SetTwoFactor(ctx, desk, id, account.TwoFactorUse, account.TwoFactorDont)
					must(t, err)
				}
				w.enrol(id)
				epoch := w.row(id).CredentialEpoch
				r, err := w.ResetFactors(ctx, desk, id, goodReason)
				if err != nil || !r.SetUp {
					t.Fatalf("%+v, %v", r, err)
				}
				w.cleared(id, epoch)
				if got := w.row(id).TwoFactor; got != former {
					t.Errorf("switch = %s, want %s as before", got, former)
				}
			}
		}
	})
}

func TestM08_ResetOfNothingIsHarmlessAndSaysSo(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	r, err := w.ResetFactors(t.Context(), w.actor(w.root), w.tanaka, goodReason)
	if err != nil || r.SetUp || len(r.Notified) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if rows := w.events(audit.FactorReset); len(rows) != 1 || rows[0].Result != "success" {
		t.Errorf("audit rows %+v", rows)
	}
}

func TestI17_ResetIsOneTransactionWithReasonAndNotices(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, desk := t.Context(), w.actor(w.desk)
		w.enforce(SurfaceStore, true)
		w.enrol(w.tanaka)
		for reason, want := range map[*Reason]map[string]string{
			{}:                                    {FieldReason: templates.MsgReasonBlank, FieldIdentity: templates.MsgIdentityBlank},
			{Text: " \n ", IdentityChecked: true}: {FieldReason: templates.MsgReasonBlank},
			{Text: "x"}:                           {FieldIdentity: templates.MsgIdentityBlank},
			{Text: strings.Repeat("あ", MaxReason+1), IdentityChecked: true}: {FieldReason: templates.MsgReasonLong},
		} {
			_, err := w.ResetFactors(ctx, desk, w.tanaka, *reason)
			e, ok := errors.AsType[*account.ValidationError](err)
			if !ok || cmp.Diff(want, e.Fields) != "" {
				t.Errorf("%+v: %v", reason, err)
			}
		}
		if !w.status(w.tanaka).Status.SetUp() || len(w.events(audit.FactorReset)) != 0 {
			t.Fatal("a refused form changed something")
		}
		long := Reason{Text: strings.Repeat("𠮷", MaxReason), IdentityChecked: true}
		_, err := w.ResetFactors(ctx, desk, w.tanaka, long)
		must(t, err)
		rows := w.events(audit.FactorReset)
		if len(rows) != 1 || rows[0].Reason != long.Text || rows[0].ActorName != "desk" || rows[0].ActorKind != "operator" || rows[0].At.IsZero() {
			t.Errorf("audit rows %+v", rows)
		}
		if diff := cmp.Diff([]string{"tanaka-2fa@example.jp", "tanaka@example.jp"}, w.notices(w.tanaka)); diff != "" {
			t.Errorf("notices:\n%s", diff)
		}
		s, err := w.db.Read().GetSurface(ctx, SurfaceStore)
		if err != nil || !s.Enforced || w.row(w.tanaka).TwoFactor != account.TwoFactorUse {
			t.Error("the reset touched enforcement or the switch")
		}
	})
}

func TestM10_M12_EnforcementIsPerSurfaceAndKeepsTheSwitch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root := t.Context(), w.actor(w.root)
		_, err := w.SetTwoFactor(ctx, root, w.tanaka, account.TwoFactorUse, account.TwoFactorDont)
		must(t, err)
		both := func(adminFormer, adminNow, storeFormer, storeNow bool) (bool, error) {
			return w.SetEnforcement(ctx, root, []EnforcementChange{
				{Surface: SurfaceStore, Former: storeFormer, Enforced: storeNow}, {Surface: SurfaceAdmin, Former: adminFormer, Enforced: adminNow},
			})
		}
		enforced := func() (admin, store bool) {
			list, err := w.Enforcement(ctx, root)
			if err != nil || len(list) != 2 || list[0].ID != SurfaceAdmin || list[1].ID != SurfaceStore || list[0].Unset != 3 || list[1].Unset != 2 {
				t.Fatalf("%+v, %v", list, err)
			}
			return list[0].Enforced, list[1].Enforced
		}
		if changed, err := both(false, false, false, true); err != nil || !changed {
			t.Fatal(changed, err)
		}
		if a, s := enforced(); a || !s {
			t.Errorf("admin %v, store %v", a, s)
		}
		if changed, err := both(false, false, false, true); err != nil || changed {
			t.Errorf("second click: %v, %v", changed, err)
		}
		// Somebody who still saw it off and only wanted to enforce the console changes nothing at all.
		if _, err := both(false, true, false, false); !errors.Is(err, ErrConflict) {
			t.Errorf("stale page: %v", err)
		}
		if a, s := enforced(); a || !s {
			t.Errorf("after a conflict: admin %v, store %v", a, s)
		}
		if acc, surface := w.demands(w.tanaka, SurfaceStore); acc.TwoFactor != account.TwoFactorDont || !surface.Enforced {
			t.Errorf("switch %s, enforced %v", acc.TwoFactor, surface.Enforced)
		}
		if changed, err := both(false, true, true, false); err != nil || !changed {
			t.Fatal(changed, err)
		}
		if a, s := enforced(); !a || s {
			t.Errorf("admin %v, store %v", a, s)
		}
		if w.row(w.tanaka).TwoFactor != account.TwoFactorDont {
			t.Error("the switch did not survive")
		}
		rows := w.events(audit.EnforcementSet)
		var what []string
		for _, e := range rows {
			what = append(what, e.Target+" "+e.Result)
		}
		if diff := cmp.Diff([]string{"store success", "admin success", "store success"}, what); diff != "" {
			t.Error(diff)
		}
		if _, err := w.SetEnforcement(ctx, root, []EnforcementChange{{Surface: "nowhere", Enforced: true}}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("unknown surface: %v", err)
		}
	})
}

func TestM11_I16_OffIsRefusedUnderEnforcement(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root := t.Context(), w.actor(w.root)
		w.enforce(SurfaceStore, true)
		w.enrol(w.tanaka)
		for range 2 {
			for _, former := range []string{"", account.TwoFactorUse, account.TwoFactorDont} {
				if _, err := w.SetTwoFactor(ctx, root, w.tanaka, former, account.TwoFactorDont); !errors.Is(err, ErrEnforced) {
					t.Errorf("former %q: %v, want ErrEnforced", former, err)
				}
			}
		}
		if a := w.status(w.tanaka); a.TwoFactor != account.TwoFactorUse || !a.Enforced || !a.Status.SetUp() {
			t.Errorf("%+v", a)
		}
		rows := w.events(audit.TwoFactorSet)
		if len(rows) != 6 || rows[0].Result != "refused" || rows[0].Reason != wordEnforced || *rows[0].AccountID != w.tanaka {
			t.Errorf("audit rows %+v", rows)
		}
		// The surfaces do not grey out one another's accounts.
		if a := w.status(w.chief); a.Enforced {
			t.Error("the store's enforcement greys out an operator")
		}
		if r, err := w.SetTwoFactor(ctx, root, w.chief, account.TwoFactorUse, account.TwoFactorDont); err != nil || !r.Changed {
			t.Errorf("operator under the store's enforcement: %+v, %v", r, err)
		}
		w.enforce(SurfaceStore, false)
		w.enforce(SurfaceAdmin, true)
		if r, err := w.SetTwoFactor(ctx, w.actor(w.root), w.tanaka, account.TwoFactorUse, account.TwoFactorDont); err != nil || !r.Changed {
			t.Errorf("customer under the console's enforcement: %+v, %v", r, err)
		}
	})
}

// Enforcement and 利用しない at the same moment: whatever comes first, no account is set to off after enforcement came in force.
func TestI16_EnforcementAndOffRace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		root, chief := w.actor(w.root), w.actor(w.chief)
		for range 10 {
			var wg sync.WaitGroup
			var off, on error
			wg.Go(func() { _, off = w.SetTwoFactor(ctx, root, w.tanaka, account.TwoFactorUse, account.TwoFactorDont) })
			wg.Go(func() {
				_, on = w.SetEnforcement(ctx, chief, []EnforcementChange{{Surface: SurfaceStore, Enforced: true}})
			})
			wg.Wait()
			if on != nil || off != nil && !errors.Is(off, ErrEnforced) {
				t.Fatalf("on: %v, off: %v", on, off)
			}
			if got := w.row(w.tanaka).TwoFactor; (got == account.TwoFactorDont) != (off == nil) {
				t.Fatalf("switch %s, answer %v", got, off)
			}
			w.enforce(SurfaceStore, false)
			if off == nil {
				_, err := w.SetTwoFactor(ctx, root, w.tanaka, "", account.TwoFactorUse)
				must(t, err)
			}
		}
	})
}

// Neither does a new account begin with 利用しない where a second factor is demanded.
func TestM11_I16_NoAccountIsCreatedOffUnderEnforcement(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		off := func(login, role string) NewAccount {
			in := w.input(login, role)
			in.TwoFactor, in.Password = account.TwoFactorDont, "violet tractor planet" // long enough to be used alone
			return in
		}
		customer := func(login string) error {
			_, err := w.CreateAccount(ctx, System(), w.group, off(login, account.RoleBuyer))
			return err
		}
		operator := func(login string) error {
			_, err := w.CreateOperator(ctx, System(), off(login, account.RoleSupport))
			return err
		}
		must(t, customer("sato"))
		must(t, operator("night"))
		before := len(w.events(audit.AccountCreate))
		w.enforce(SurfaceStore, true)
		if err := customer("ito"); !errors.Is(err, ErrEnforced) {
			t.Errorf("customer: %v, want ErrEnforced", err)
		}
		must(t, operator("dawn"))
		w.enforce(SurfaceAdmin, true)
		if err := operator("dusk"); !errors.Is(err, ErrEnforced) {
			t.Errorf("operator: %v, want ErrEnforced", err)
		}
		w.person("kato", account.RoleBuyer)
		rows := w.events(audit.AccountCreate)
		refused := slices.DeleteFunc(slices.Clone(rows), func(e store.AuditEvent) bool { return e.Result != string(audit.Refused) })
		if len(rows) != before+4 || len(refused) != 2 || refused[0].Reason != wordEnforced {
			t.Errorf("audit rows %+v", rows)
		}
	})
}

func TestI16_EnforcementAndCreationRace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, chief := t.Context(), w.actor(w.chief)
		for i := range 10 {
			in := w.input(fmt.Sprintf("new%d", i), account.RoleBuyer)
			in.TwoFactor = account.TwoFactorDont
			var wg sync.WaitGroup
			var create, on error
			var made store.Account
			wg.Go(func() { made, create = w.CreateAccount(ctx, System(), w.group, in) })
			wg.Go(func() {
				_, on = w.SetEnforcement(ctx, chief, []EnforcementChange{{Surface: SurfaceStore, Enforced: true}})
			})
			wg.Wait()
			if on != nil || create != nil && !errors.Is(create, ErrEnforced) {
				t.Fatalf("on: %v, create: %v", on, create)
			}
			_, err := w.db.Read().GetAccountByLogin(ctx, store.GetAccountByLoginParams{Kind: account.KindStore, LoginKey: in.LoginID})
			if (create == nil) != (err == nil) || create == nil && made.TwoFactor != account.TwoFactorDont {
				t.Fatalf("answer %v, made %+v, row %v", create, made, err)
			}
			// Whoever comes after the commit is refused.
			late := in
			late.LoginID += "-late"
			if _, err := w.CreateAccount(ctx, System(), w.group, late); !errors.Is(err, ErrEnforced) {
				t.Fatalf("after enforcement: %v", err)
			}
			w.enforce(SurfaceStore, false)
		}
	})
}

func TestTwoOperatorsRace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		actors := []Actor{w.actor(w.root), w.actor(w.chief)}
		race := func(f func(a Actor) error) {
			t.Helper()
			var wg sync.WaitGroup
			errs := make([]error, 8)
			for i := range errs {
				wg.Go(func() { errs[i] = f(actors[i%2]) })
			}
			wg.Wait()
			for _, err := range errs {
				must(t, err)
			}
		}
		w.enrol(w.tanaka)
		var mu sync.Mutex
		changed := 0
		race(func(a Actor) error {
			r, err := w.SetTwoFactor(ctx, a, w.tanaka, account.TwoFactorUse, account.TwoFactorDont)
			mu.Lock()
			defer mu.Unlock()
			if r.Changed {
				changed++
			}
			return err
		})
		if n := len(w.events(audit.TwoFactorSet)); changed != 1 || n != 1 {
			t.Errorf("%d changes with %d audit rows, want one of each", changed, n)
		}
		if got := w.notices(w.tanaka); len(got) != 2 {
			t.Errorf("notices to %v", got)
		}
		w.enrol(w.suzuki)
		setUp := 0
		race(func(a Actor) error {
			r, err := w.ResetFactors(ctx, a, w.suzuki, goodReason)
			mu.Lock()
			defer mu.Unlock()
			if r.SetUp {
				setUp++
			}
			return err
		})
		if n := len(w.events(audit.FactorReset)); setUp != 1 || n != 8 {
			t.Errorf("%d resets found something, %d audit rows; want 1 and 8", setUp, n)
		}
		if got := w.notices(w.suzuki); len(got) != 2 {
			t.Errorf("notices to %v", got)
		}
	})
}

// Z-2: two administrators who disable each other at the same moment leave one of them.
func TestAdministratorsCannotAllDisableEachOther(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		root, chief := w.actor(w.root), w.actor(w.chief)
		var wg sync.WaitGroup
		var one, two error
		wg.Go(func() { _, one = w.SetDisabled(t.Context(), root, w.chief, true) })
		wg.Go(func() { _, two = w.SetDisabled(t.Context(), chief, w.root, true) })
		wg.Wait()
		if (one == nil) == (two == nil) || !errors.Is(errors.Join(one, two), ErrActorGone) {
			t.Errorf("%v, %v: want one success and one ErrActorGone", one, two)
		}
	})
}

// The matrix of roles and use cases (Z-1).
func TestRights(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	ctx := t.Context()
	version := func(id store.AccountID) time.Time { return w.row(id).UpdatedAt }
	profile := func(id store.AccountID, role string) account.Profile {
		return account.Profile{DisplayName: store.NewID[string](), RegisteredEmail: w.row(id).RegisteredEmail, Role: role}
	}
	only := func(_ any, err error) error { return err }
	n := 0
	next := func() string { n++; return "n" + strings.Repeat("x", n) }
	w.shopClient()
	shop := func() time.Time {
		if _, err := w.db.Read().GetClient(ctx, "shop"); err != nil {
			w.shopClient() // deleted where that was allowed
		}
		return w.clientRow("shop").UpdatedAt
	}
	for _, c := range []struct {
		name    string
		support error // what the support desk is answered; administrators may do everything
		kind    audit.Type
		do      func(a Actor) error
	}{
		{"list customers", nil, "", func(a Actor) error { return only(w.ListCustomers(ctx, a, account.CustomerQuery{})) }},
		{"customer", nil, "", func(a Actor) error { return only(w.Customer(ctx, a, w.customer)) }},
		{"user group", nil, "", func(a Actor) error { return only(w.UserGroup(ctx, a, w.group)) }},
		{"account", nil, "", func(a Actor) error { return only(w.Account(ctx, a, w.tanaka)) }},
		{"operator's account", store.ErrNotFound, audit.ConsoleView, func(a Actor) error { return only(w.Account(ctx, a, w.chief)) }},
		{"enforcement", nil, "", func(a Actor) error { return only(w.Enforcement(ctx, a)) }},
		{"audit", nil, "", func(a Actor) error { return only(w.ListAudit(ctx, a, AuditQuery{})) }},
		{"audit clients", nil, "", func(a Actor) error { return only(w.AuditClients(ctx, a)) }},
		{"export audit", ErrForbidden, audit.LogExport, func(a Actor) error {
			return only(w.ExportAudit(ctx, a, AuditQuery{}, audit.CSV, func() io.Writer { return io.Discard }))
		}},
		{"activity", nil, "", func(a Actor) error { return only(w.Activity(ctx, a, w.tanaka, Place{})) }},
		{"operator's activity", store.ErrNotFound, audit.ConsoleView, func(a Actor) error { return only(w.Activity(ctx, a, w.chief, Place{})) }},
		{"deliveries", nil, "", func(a Actor) error { return only(w.ListDeliveries(ctx, a, DeliveryQuery{})) }},
		{"operators", ErrForbidden, audit.ConsoleView, func(a Actor) error { return only(w.ListOperators(ctx, a, "")) }},
		{"clients", ErrForbidden, audit.ConsoleView, func(a Actor) error {
			_, _, err := w.ClientsAfter(ctx, a, Span{Limit: 1}, ClientsQuery{})
			return err
		}},

		{"create customer", ErrForbidden, audit.CustomerCreate, func(a Actor) error {
			return only(w.CreateCustomer(ctx, a, account.CustomerInput{Code: next(), Name: "x"}))
		}},
		{"update customer", ErrForbidden, audit.CustomerUpdate, func(a Actor) error {
			c, err := w.db.Read().GetCustomer(ctx, w.customer)
			must(t, err)
			return only(w.UpdateCustomer(ctx, a, w.customer, c.UpdatedAt, account.CustomerInput{Code: "C-100248", Name: next()}))
		}},
		{"create group", ErrForbidden, audit.UserGroupCreate, func(a Actor) error { return only(w.CreateUserGroup(ctx, a, w.customer, next())) }},
		{"update group", ErrForbidden, audit.UserGroupUpdate, func(a Actor) error {
			g, err := w.db.Read().GetUserGroup(ctx, w.group)
			must(t, err)
			return only(w.UpdateUserGroup(ctx, a, w.group, g.UpdatedAt, next()))
		}},
		{"create account", ErrForbidden, audit.AccountCreate, func(a Actor) error {
			return only(w.CreateAccount(ctx, a, w.group, w.input(next(), account.RoleViewer)))
		}},
		{"update account", nil, audit.AccountUpdate, func(a Actor) error {
			return only(w.UpdateAccount(ctx, a, w.tanaka, version(w.tanaka), profile(w.tanaka, account.RoleAdmin)))
		}},
		{"update operator", store.ErrNotFound, audit.AccountUpdate, func(a Actor) error {
			return only(w.UpdateAccount(ctx, a, w.chief, version(w.chief), profile(w.chief, account.RoleAdministrator)))
		}},
		{"set password", ErrForbidden, audit.PasswordSet, func(a Actor) error { return w.SetPassword(ctx, a, w.tanaka, "futakagi-demo") }},
		{"set operator's password", store.ErrNotFound, audit.PasswordSet, func(a Actor) error { return w.SetPassword(ctx, a, w.chief, "futakagi-demo") }},
		{"send reset mail", nil, audit.PasswordLink, func(a Actor) error { return w.SendPasswordReset(ctx, a, w.tanaka) }},
		{"send operator's reset mail", store.ErrNotFound, audit.PasswordLink, func(a Actor) error { return w.SendPasswordReset(ctx, a, w.chief) }},
		{"disable", nil, audit.AccountDisable, func(a Actor) error {
			defer func() { _, _ = w.SetDisabled(ctx, System(), w.suzuki, false) }()
			return only(w.SetDisabled(ctx, a, w.suzuki, true))
		}},
		{"disable operator", store.ErrNotFound, audit.AccountDisable, func(a Actor) error {
			defer func() { _, _ = w.SetDisabled(ctx, System(), w.chief, false) }()
			return only(w.SetDisabled(ctx, a, w.chief, true))
		}},
		{"switch", nil, audit.TwoFactorSet, func(a Actor) error {
			defer func() { _, _ = w.SetTwoFactor(ctx, System(), w.tanaka, "", account.TwoFactorUse) }()
			return only(w.SetTwoFactor(ctx, a, w.tanaka, "", account.TwoFactorDont))
		}},
		{"operator's switch", store.ErrNotFound, audit.TwoFactorSet, func(a Actor) error {
			defer func() { _, _ = w.SetTwoFactor(ctx, System(), w.chief, "", account.TwoFactorUse) }()
			return only(w.SetTwoFactor(ctx, a, w.chief, "", account.TwoFactorDont))
		}},
		{"reset", nil, audit.FactorReset, func(a Actor) error { return only(w.ResetFactors(ctx, a, w.tanaka, goodReason)) }},
		{"reset operator", store.ErrNotFound, audit.FactorReset, func(a Actor) error { return only(w.ResetFactors(ctx, a, w.chief, goodReason)) }},
		{"reset one factor", nil, audit.FactorReset, func(a Actor) error {
			return only(w.ResetFactor(ctx, a, w.tanaka, signin.Email, goodReason))
		}},
		{"reset operator's factor", store.ErrNotFound, audit.FactorReset, func(a Actor) error {
			return only(w.ResetFactor(ctx, a, w.chief, signin.Email, goodReason))
		}},
		{"remove device", nil, audit.DeviceRemove, func(a Actor) error { return w.RemoveDevice(ctx, a, w.tanaka, w.device(w.tanaka)) }},
		{"remove devices", nil, audit.DeviceRemove, func(a Actor) error {
			w.device(w.tanaka)
			return only(w.RemoveDevices(ctx, a, w.tanaka))
		}},
		{"consents", nil, "", func(a Actor) error { return only(w.Consents(ctx, a, w.tanaka)) }},
		{"operator's consents", store.ErrNotFound, audit.ConsoleView, func(a Actor) error { return only(w.Consents(ctx, a, w.chief)) }},
		{"revoke consent", nil, audit.AppRevoke, func(a Actor) error { return w.RevokeConsent(ctx, a, w.tanaka, w.consent(w.tanaka)) }},
		{"revoke operator's consent", store.ErrNotFound, audit.AppRevoke, func(a Actor) error { return w.RevokeConsent(ctx, a, w.chief, w.consent(w.chief)) }},
		{"end sessions", nil, audit.SessionEnd, func(a Actor) error { return w.EndSessions(ctx, a, w.tanaka) }},
		{"end operator's sessions", store.ErrNotFound, audit.SessionEnd, func(a Actor) error { return w.EndSessions(ctx, a, w.chief) }},
		{"remove operator's devices", store.ErrNotFound, audit.DeviceRemove, func(a Actor) error { return only(w.RemoveDevices(ctx, a, w.chief)) }},
		{"methods", nil, "", func(a Actor) error { return only(w.SurfacePolicies(ctx, a)) }},
		{"preview of methods", ErrForbidden, audit.ConsoleView, func(a Actor) error {
			return only(w.PreviewSurfacePolicy(ctx, a, w.policy(SurfaceStore)))
		}},
		{"set methods", ErrForbidden, audit.MethodsSet, func(a Actor) error {
			p := w.policy(SurfaceStore)
			p.TrustDays = (p.TrustDays + 1) % MaxTrustDays
			return only(w.SetSurfacePolicy(ctx, a, p))
		}},
		{"enforce", ErrForbidden, audit.EnforcementSet, func(a Actor) error {
			defer w.SetEnforcement(ctx, System(), []EnforcementChange{{Surface: SurfaceStore, Former: true}}) //nolint:errcheck // undone where it was done
			return only(w.SetEnforcement(ctx, a, []EnforcementChange{{Surface: SurfaceStore, Enforced: true}}))
		}},
		{"create operator", ErrForbidden, audit.AccountCreate, func(a Actor) error {
			return only(w.CreateOperator(ctx, a, w.input(next(), account.RoleSupport)))
		}},
		{"create client", ErrForbidden, audit.ClientCreate, func(a Actor) error {
			return only(w.CreateClient(ctx, a, NewClient{Name: "x", RedirectURIs: []string{"https://rp.example/cb"}}))
		}},
		{"update client", ErrForbidden, audit.ClientUpdate, func(a Actor) error {
			_, _, err := w.update(a, "shop", ClientChange{Name: new(next())})
			return err
		}},
		{"rotate secret", ErrForbidden, audit.ClientSecret, func(a Actor) error {
			return only(w.RotateSecret(ctx, a, "shop", shop(), "7d"))
		}},
		{"end former secret", ErrForbidden, audit.ClientSecretEnd, func(a Actor) error { return only(w.EndFormerSecret(ctx, a, "shop")) }},
		{"pause stream", ErrForbidden, audit.StreamStatus, func(a Actor) error { return only(w.SetStreamPaused(ctx, a, "shop", w.stream("shop"), true)) }},
		{"delete stream", ErrForbidden, audit.StreamDelete, func(a Actor) error { return w.DeleteStream(ctx, a, "shop", w.stream("shop")) }},
		{"see streams", ErrForbidden, audit.ConsoleView, func(a Actor) error { return only(w.ClientStreams(ctx, a, "shop")) }},
		{"disable client", ErrForbidden, audit.ClientDisable, func(a Actor) error { return only(w.SetClientDisabled(ctx, a, "shop", true)) }},
		{"enable client", ErrForbidden, audit.ClientEnable, func(a Actor) error { return only(w.SetClientDisabled(ctx, a, "shop", false)) }},
		{"see clients", ErrForbidden, audit.ConsoleView, func(a Actor) error {
			_, _, err := w.ClientStates(ctx, a, Span{Limit: 1}, ClientsQuery{})
			return err
		}},
		{"see what a client holds", ErrForbidden, audit.ConsoleView, func(a Actor) error { return only(w.ClientHolds(ctx, a, "shop")) }},
		{"see a client", ErrForbidden, audit.ConsoleView, func(a Actor) error { return only(w.ClientState(ctx, a, "shop")) }},
		{"delete client", ErrForbidden, audit.ClientDelete, func(a Actor) error {
			return w.DeleteClient(ctx, a, "shop", shop(), "shop")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			count := func(result string) (n int) {
				for _, e := range w.events("%") {
					if e.Result == result && (c.kind == "" || audit.Type(e.Type) == c.kind) {
						n++
					}
				}
				return n
			}
			refused := count("refused")
			done := count("success")
			if err := c.do(w.actor(w.desk)); !errors.Is(err, c.support) || c.support == nil && err != nil {
				t.Errorf("support: %v, want %v", err, c.support)
			}
			wantRefused, wantDone := refused, done
			if c.support != nil {
				wantRefused++
			} else if c.kind != "" {
				wantDone++
			}
			if r := count("refused"); r != wantRefused {
				t.Errorf("%d refusals written down, want %d", r-refused, wantRefused-refused)
			}
			if c.kind != "" && c.kind != audit.TwoFactorSet && c.kind != audit.EnforcementSet {
				if d := count("success"); d != wantDone {
					t.Errorf("%d audit rows of success, want %d", d-done, wantDone-done)
				}
			}
			if err := c.do(w.actor(w.root)); err != nil {
				t.Errorf("administrator: %v", err)
			}
			customer := Actor{Account: w.row(w.tanaka), Session: w.session(w.tanaka, []byte(store.NewID[string]()))}
			if err := c.do(customer); err == nil {
				t.Error("a customer may do it")
			}
			if err := c.do(Actor{}); err == nil {
				t.Error("nobody may do it")
			}
		})
	}
}

func TestNobodyActsOnThemselves(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	ctx, root := t.Context(), w.actor(w.root)
	w.enrol(w.root)
	for kind, do := range map[audit.Type]func() error{
		audit.FactorReset:    func() error { _, err := w.ResetFactors(ctx, root, w.root, goodReason); return err },
		audit.DeviceRemove:   func() error { _, err := w.RemoveDevices(ctx, root, w.root); return err },
		audit.AppRevoke:      func() error { return w.RevokeConsent(ctx, root, w.root, w.consent(w.root)) },
		audit.SessionEnd:     func() error { return w.EndSessions(ctx, root, w.root) },
		audit.TwoFactorSet:   func() error { _, err := w.SetTwoFactor(ctx, root, w.root, "", account.TwoFactorDont); return err },
		audit.AccountDisable: func() error { _, err := w.SetDisabled(ctx, root, w.root, true); return err },
		audit.AccountUpdate: func() error {
			a := w.row(w.root)
			_, err := w.UpdateAccount(ctx, root, w.root, a.UpdatedAt, account.Profile{DisplayName: a.DisplayName, RegisteredEmail: a.RegisteredEmail, Role: account.RoleSupport})
			return err
		},
	} {
		if err := do(); !errors.Is(err, ErrOwnAccount) || !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v, want ErrOwnAccount", kind, err)
		}
		if rows := w.events(kind); len(rows) != 1 || rows[0].Result != "refused" || rows[0].Reason != wordOwn || rows[0].ActorName != "root" {
			t.Errorf("%s: audit rows %+v", kind, rows)
		}
	}
	if a := w.status(w.root); !a.Status.SetUp() || a.DisabledAt != nil || a.TwoFactor != account.TwoFactorUse || a.Role != account.RoleAdministrator {
		t.Errorf("%+v", a)
	}
	// One's own name may be put right.
	a := w.row(w.root)
	if changed, err := w.UpdateAccount(ctx, root, w.root, a.UpdatedAt, account.Profile{DisplayName: "Root", RegisteredEmail: a.RegisteredEmail, Role: a.Role}); err != nil || !changed {
		t.Errorf("own name: %v, %v", changed, err)
	}
}

// What commits must not count on a session, an account or a role that is gone since the request came in.
func TestI11_ActorIsLookedUpAnew(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	ctx := t.Context()
	w.enrol(w.tanaka)
	try := func(a Actor) error { _, err := w.ResetFactors(ctx, a, w.tanaka, goodReason); return err }

	ended := w.actor(w.desk)
	now := w.clock.now()
	w.tx(func(tx *store.Tx) error {
		_, err := tx.CloseSession(ctx, store.CloseSessionParams{ID: ended.Session, AccountID: w.desk, Now: &now})
		return err
	})
	other := w.actor(w.desk)
	other.Session = w.session(w.chief, []byte("other"))
	unknown := w.actor(w.desk)
	unknown.Session = store.NewID[store.SessionID]()
	disabled := w.actor(w.desk)
	_, err := w.SetDisabled(ctx, System(), w.desk, true)
	must(t, err)
	for name, a := range map[string]Actor{"session ended": ended, "another's session": other, "no session": unknown, "disabled": disabled} {
		if err := try(a); !errors.Is(err, ErrActorGone) {
			t.Errorf("%s: %v, want ErrActorGone", name, err)
		}
	}

	chief := w.actor(w.chief)
	a := w.row(w.chief)
	_, err = w.UpdateAccount(ctx, System(), w.chief, a.UpdatedAt, account.Profile{DisplayName: "chief", RegisteredEmail: a.RegisteredEmail, Role: account.RoleSupport})
	must(t, err)
	if _, err := w.CreateCustomer(ctx, chief, account.CustomerInput{Code: "C-2", Name: "x"}); !errors.Is(err, ErrForbidden) {
		t.Errorf("role taken away: %v", err)
	}
	if !w.status(w.tanaka).Status.SetUp() {
		t.Error("something was done all the same")
	}
}

func TestI14_UnknownIDsAreAllTheSame(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	ctx, root, desk := t.Context(), w.actor(w.root), w.actor(w.desk)
	before := len(w.events("%"))
	for _, id := range []string{"", "1", "' OR 1=1 --", strings.ToUpper(string(w.tanaka)), store.NewID[string](), string(w.customer)} {
		aid, gid, cid := store.AccountID(id), store.UserGroupID(id), store.CustomerID(id)
		if id == string(w.customer) {
			cid = store.CustomerID(w.group)
		}
		only := func(_ any, err error) error { return err }
		for name, err := range map[string]error{
			"customer":        only(w.Customer(ctx, root, cid)),
			"update customer": only(w.UpdateCustomer(ctx, root, cid, time.Time{}, account.CustomerInput{})),
			"group":           only(w.UserGroup(ctx, root, gid)),
			"create group":    only(w.CreateUserGroup(ctx, root, cid, "x")),
			"update group":    only(w.UpdateUserGroup(ctx, root, gid, time.Time{}, "x")),
			"account":         only(w.Account(ctx, root, aid)),
			"create account":  only(w.CreateAccount(ctx, root, gid, w.input("new", account.RoleViewer))),
			"update account":  only(w.UpdateAccount(ctx, root, aid, time.Time{}, account.Profile{})),
			"password":        w.SetPassword(ctx, root, aid, "futakagi-demo"),
			"disable":         only(w.SetDisabled(ctx, root, aid, true)),
			"switch":          only(w.SetTwoFactor(ctx, root, aid, "", account.TwoFactorDont)),
			"reset":           only(w.ResetFactors(ctx, root, aid, goodReason)),
			"reset by desk":   only(w.ResetFactors(ctx, desk, aid, goodReason)),
			"reset one":       only(w.ResetFactor(ctx, root, aid, signin.Email, goodReason)),
			"device":          w.RemoveDevice(ctx, root, aid, store.DeviceID(w.tanaka)),
			"other's device":  w.RemoveDevice(ctx, root, w.tanaka, store.DeviceID(id)),
			"devices":         only(w.RemoveDevices(ctx, root, aid)),
			"method":          only(w.ResetFactor(ctx, root, w.tanaka, signin.Method(id), goodReason)),
			"surface":         only(w.SetSurfacePolicy(ctx, root, SurfacePolicy{ID: id})),
			"surface preview": only(w.PreviewSurfacePolicy(ctx, root, SurfacePolicy{ID: id})),
		} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s of %q: %v, want ErrNotFound", name, id, err)
			}
		}
	}
	if n := len(w.events("%")); n != before {
		t.Errorf("%d audit rows about nobody", n-before)
	}
}

func TestVersions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root := t.Context(), w.actor(w.root)
		c, err := w.Customer(ctx, root, w.customer)
		must(t, err)
		seen := c.UpdatedAt
		in := account.CustomerInput{Code: "C-100248", Name: "サンプル商事"}
		if changed, err := w.UpdateCustomer(ctx, root, w.customer, seen, in); err != nil || !changed {
			t.Fatal(changed, err)
		}
		if _, err := w.UpdateCustomer(ctx, root, w.customer, seen, account.CustomerInput{Code: "C-1", Name: "x"}); !errors.Is(err, ErrConflict) {
			t.Errorf("customer: %v, want ErrConflict", err)
		}
		g, err := w.UserGroup(ctx, root, w.group)
		must(t, err)
		if changed, err := w.UpdateUserGroup(ctx, root, w.group, g.UpdatedAt, g.Name); err != nil || changed {
			t.Errorf("group saved as it was: %v, %v", changed, err)
		}
		if changed, err := w.UpdateUserGroup(ctx, root, w.group, g.UpdatedAt, "大阪支店"); err != nil || !changed {
			t.Errorf("group: %v, %v", changed, err)
		}
		if _, err := w.UpdateUserGroup(ctx, root, w.group, g.UpdatedAt, "x"); !errors.Is(err, ErrConflict) {
			t.Errorf("group: %v, want ErrConflict", err)
		}

		if _, err := w.UpdateUserGroup(ctx, root, w.group, time.Time{}, "x"); !errors.Is(err, ErrConflict) {
			t.Errorf("no version: %v, want ErrConflict", err)
		}

		// Of many who saw the same version one saves, the others are told.
		version := w.row(w.tanaka).UpdatedAt
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = w.UpdateAccount(ctx, root, w.tanaka, version, account.Profile{
					DisplayName: strings.Repeat("x", i+1), RegisteredEmail: "t@example.jp", Role: account.RoleAdmin,
				})
			})
		}
		wg.Wait()
		saved := 0
		for _, err := range errs {
			if err == nil {
				saved++
			} else if !errors.Is(err, ErrConflict) {
				t.Error(err)
			}
		}
		if n := len(w.events(audit.AccountUpdate)); saved != 1 || n != 1 {
			t.Errorf("%d saved, %d audit rows", saved, n)
		}
	})
}

func TestCreateAccountTellsEveryFieldAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, err := w.CreateAccount(t.Context(), w.actor(w.root), w.group, NewAccount{LoginID: "tanaka", Password: "short"})
		e, ok := errors.AsType[*account.ValidationError](err)
		if !ok {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"email", "login_id", "name", "password", "role"}, slices.Sorted(maps.Keys(e.Fields))); diff != "" {
			t.Error(diff)
		}
		in := w.input("tanaka", account.RoleViewer)
		in.Password = ""
		_, err = w.CreateAccount(t.Context(), w.actor(w.root), w.group, in)
		if e, ok = errors.AsType[*account.ValidationError](err); !ok || len(e.Fields) != 2 || e.Fields["login_id"] != templates.MsgLoginIDTaken || e.Fields["password"] != templates.MsgPasswordBlank {
			t.Errorf("%v", err)
		}
		_, err = w.CreateOperator(t.Context(), w.actor(w.root), w.input("new", account.RoleBuyer))
		if e, ok = errors.AsType[*account.ValidationError](err); !ok || len(e.Fields) != 1 || e.Fields["role"] != templates.MsgRoleBlank {
			t.Errorf("an operator with a customer's role: %v", err)
		}
		if _, err := w.CreateAccount(t.Context(), w.actor(w.root), store.NewID[store.UserGroupID](), w.input("new", account.RoleBuyer)); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("in a group that is not there: %v", err)
		}
		if n := len(w.events(audit.AccountCreate)); n != 5 {
			t.Errorf("%d audit rows, want those of the people there are", n)
		}
	})
}

// the console and the command line ask for a longer password where nothing else protects an operator.
func TestA13_OperatorsWithoutSecondFactorNeedALongPassword(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	in := w.input("night", account.RoleSupport)
	in.TwoFactor, in.Password = account.TwoFactorDont, "violet tractor"
	_, err := w.CreateOperator(t.Context(), System(), in)
	if e, ok := errors.AsType[*account.ValidationError](err); !ok || e.Fields["password"] != templates.MsgPasswordShort || !slices.Equal(e.Args("password"), []any{"min", 15}) {
		t.Errorf("14 characters: %v", err)
	}
	in.Password += "s"
	if _, err := w.CreateOperator(t.Context(), System(), in); err != nil {
		t.Errorf("15 characters: %v", err)
	}
	if got := w.PasswordMin(account.OwnerOf(w.row(w.tanaka))); got != account.MinPassword {
		t.Errorf("the hint for a customer says %d", got)
	}
}

func TestLists(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root := t.Context(), w.actor(w.root)
		w.enrol(w.tanaka)
		_, err := w.ResetFactors(ctx, root, w.tanaka, goodReason)
		must(t, err)
		day := w.clock.now().In(tokyo())
		for name, c := range map[string]struct {
			q    AuditQuery
			want int
		}{
			"all":          {AuditQuery{}, 9},
			"kind":         {AuditQuery{Kind: "2fa"}, 1},
			"no kind":      {AuditQuery{Kind: "%"}, 9},
			"target":       {AuditQuery{Who: "サンプル商事 / TANAKA"}, 2},
			"actor":        {AuditQuery{Who: "root"}, 2},
			"wildcard":     {AuditQuery{Who: "%"}, 0},
			"today":        {AuditQuery{From: day, To: day}, 9},
			"tomorrow":     {AuditQuery{From: day.AddDate(0, 0, 1)}, 0},
			"yesterday":    {AuditQuery{To: day.AddDate(0, 0, -1)}, 0},
			"none":         {AuditQuery{Who: "nobody"}, 0},
			"result":       {AuditQuery{Result: "success"}, 9},
			"refusals":     {AuditQuery{Result: "refused"}, 0},
			"staff":        {AuditQuery{Actor: audit.ByOperator}, 1},
			"the server":   {AuditQuery{Actor: audit.BySystem}, 8},
			"programs":     {AuditQuery{Actor: audit.ByClient}, 0},
			"no actor":     {AuditQuery{Actor: "' OR 1=1"}, 0},
			"its staff":    {AuditQuery{Account: w.tanaka, Kind: "2fa", Actor: audit.ByOperator}, 1},
			"client":       {AuditQuery{Client: "store"}, 0},
			"account":      {AuditQuery{Account: w.tanaka}, 2},
			"its resets":   {AuditQuery{Account: w.tanaka, Kind: "2fa"}, 1},
			"its refusals": {AuditQuery{Account: w.tanaka, Result: "refused"}, 0},
			"no account":   {AuditQuery{Account: "' OR 1=1"}, 0},
			"request":      {AuditQuery{Request: "of nobody"}, 0},
		} {
			p, err := w.ListAudit(ctx, root, c.q)
			if err != nil || len(p.Rows) != c.want || p.Total != c.want || !p.Next.IsZero() || p.Many {
				t.Errorf("%s: %d rows, total %d, %v; want %d", name, len(p.Rows), p.Total, err, c.want)
			}
		}
		for name, c := range map[string]struct {
			q    DeliveryQuery
			want int
		}{
			"all": {DeliveryQuery{}, 3}, "queued": {DeliveryQuery{State: "queued"}, 2}, "address": {DeliveryQuery{Who: "tanaka-2FA@"}, 1},
			"login": {DeliveryQuery{Who: "Tanaka"}, 3}, "none": {DeliveryQuery{Who: "_"}, 0}, "no state": {DeliveryQuery{State: "' OR"}, 3},
		} {
			p, err := w.ListDeliveries(ctx, root, c.q)
			if err != nil || len(p.Rows) != c.want || p.Total != c.want {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
		}
		p, err := w.ListOperators(ctx, root, "")
		if err != nil || p.Total != 3 || len(p.Rows) != 3 || p.Rows[0].LoginID != "chief" || p.Next != "" {
			t.Errorf("operators %+v, %v", p, err)
		}
	})
}

// I14: what concerns an operator's account is for those who may see it, in lists as on its page.
func TestI14_ListsHideOperatorsFromSupport(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root, desk := t.Context(), w.actor(w.root), w.actor(w.desk)
		for _, id := range []store.AccountID{w.chief, w.tanaka} {
			w.enrol(id)
			_, err := w.ResetFactors(ctx, root, id, goodReason)
			must(t, err)
		}
		if _, err := w.Account(ctx, desk, w.chief); !errors.Is(err, store.ErrNotFound) { // leaves a row about chief
			t.Fatal(err)
		}
		if _, err := w.SetDisabled(ctx, desk, w.chief, true); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		all, err := w.ListAudit(ctx, root, AuditQuery{})
		must(t, err)
		seen, err := w.ListAudit(ctx, desk, AuditQuery{})
		must(t, err)
		hidden := 0
		for _, row := range all.Rows {
			if id := row.AuditEvent.AccountID; id != nil && w.row(*id).Kind == account.KindOperator {
				hidden++
			}
		}
		if hidden < 5 || len(seen.Rows) != len(all.Rows)-hidden || seen.Total != len(seen.Rows) {
			t.Errorf("support sees %d of %d rows, total %d; %d concern operators", len(seen.Rows), len(all.Rows), seen.Total, hidden)
		}
		for _, row := range seen.Rows {
			if id := row.AuditEvent.AccountID; id != nil && w.row(*id).Kind == account.KindOperator || strings.Contains(row.AuditEvent.Target, "chief") {
				t.Errorf("support sees %+v", row)
			}
		}
		if p, err := w.ListAudit(ctx, desk, AuditQuery{Who: "chief"}); err != nil || p.Total != 0 {
			t.Errorf("support finds %d rows of chief, %v", p.Total, err)
		}

		every, err := w.ListDeliveries(ctx, root, DeliveryQuery{})
		must(t, err)
		mine, err := w.ListDeliveries(ctx, desk, DeliveryQuery{})
		must(t, err)
		if every.Total != 6 || mine.Total != 3 || len(mine.Rows) != 3 {
			t.Errorf("%d messages, of which support sees %d (total %d), want 3 of 6", every.Total, len(mine.Rows), mine.Total)
		}
		for _, m := range mine.Rows {
			if strings.Contains(m.Recipient, "chief") {
				t.Errorf("support sees %+v", m)
			}
		}
		if p, err := w.ListDeliveries(ctx, desk, DeliveryQuery{Who: "chief"}); err != nil || p.Total != 0 || len(p.Rows) != 0 {
			t.Errorf("support finds %+v, %v", p, err)
		}
	})
}

func TestCreateClient(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		c, err := w.CreateClient(ctx, System(), NewClient{Name: "ストア", RedirectURIs: []string{"https://store.example.jp/cb"}})
		if err != nil || len(c.Secret) < 43 || len(c.ID) != 16 {
			t.Fatalf("%+v, %v", c, err)
		}
		rows, _, err := w.ClientsAfter(ctx, System(), Span{Limit: 9}, ClientsQuery{})
		if err != nil || len(rows) != 1 || rows[0].SecretHash != nil || rows[0].AuthMethod != "client_secret_basic" || !rows[0].RequirePkce || rows[0].IDTokenAlg != "ES256" || string(rows[0].PostLogoutRedirectURIs) != "[]" {
			t.Errorf("%+v, %v", rows, err)
		}
		row, err := w.db.Read().GetClient(ctx, c.ID)
		if err != nil || len(row.SecretHash) != 32 || strings.Contains(string(row.SecretHash), c.Secret) {
			t.Errorf("%+v, %v", row, err)
		}
		public, err := w.CreateClient(ctx, System(), NewClient{ID: "app", Name: "app", AuthMethod: "none", NoPKCE: true, RedirectURIs: []string{"https://a.example/cb"}})
		if err != nil || public.Secret != "" {
			t.Errorf("%+v, %v", public, err)
		}
		if row, err = w.db.Read().GetClient(ctx, "app"); err != nil || !row.RequirePkce || row.SecretHash != nil {
			t.Errorf("%+v, %v", row, err)
		}
		for want, in := range map[string]NewClient{
			"id":                        {ID: "app", Name: "x", RedirectURIs: []string{"https://a.example/cb"}},
			"surface":                   {Name: "x", Surface: "nowhere", RedirectURIs: []string{"https://a.example/cb"}},
			"redirect_uris":             {Name: "x", RedirectURIs: []string{"http://a.example/cb"}},
			"name":                      {RedirectURIs: []string{"https://a.example/cb"}},
			"post_logout_redirect_uris": {Name: "x", RedirectURIs: []string{"https://a.example/cb"}, PostLogoutRedirectURIs: []string{"x"}},
			"grant_types":               {Name: "x", GrantTypes: []string{"password"}},
			"auth_method":               {Name: "x", AuthMethod: "basic", RedirectURIs: []string{"https://a.example/cb"}},
			"scopes":                    {Name: "x", Scopes: []string{"a b"}, RedirectURIs: []string{"https://a.example/cb"}},
			"id_token_alg":              {Name: "x", IDTokenAlg: "none", RedirectURIs: []string{"https://a.example/cb"}},
		} {
			_, err := w.CreateClient(ctx, System(), in)
			e, ok := errors.AsType[*ClientError](err)
			if !ok || e.Fields[want] == "" || len(e.Fields) != 1 {
				t.Errorf("%s: %v", want, err)
			}
		}
		if n := len(w.events(audit.ClientCreate)); n != 2 {
			t.Errorf("%d audit rows, want 2", n)
		}
		// I15: nothing that is kept or shown holds the secret.
		for _, e := range w.events("%") {
			if strings.Contains(string(e.Data)+e.Target+e.Reason, c.Secret) {
				t.Error("the secret is in the audit log")
			}
		}
	})
}
