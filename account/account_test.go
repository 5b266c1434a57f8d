package account

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// fixture is a service on a real database with a clock that stands still.
type fixture struct {
	*Service
	db    *store.DB
	now   time.Time
	group store.UserGroupID
}

func setup(t testing.TB, db *store.DB, cfg HasherConfig) *fixture {
	t.Helper()
	f := &fixture{db: db, now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	var err error
	f.Service, err = New(Config{
		DB: db, Hasher: newTestHasher(t, cfg), Now: func() time.Time { return f.now }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	f.inTx(t, func(tx *store.Tx) error {
		c, err := f.CreateCustomer(t.Context(), tx, CustomerInput{Code: "C-100248", Name: "株式会社サンプル商事"})
		if err != nil {
			return err
		}
		g, err := f.CreateUserGroup(t.Context(), tx, c.ID, "本社")
		f.group = g.ID
		return err
	})
	return f
}

func (f *fixture) inTx(t testing.TB, do func(tx *store.Tx) error) {
	t.Helper()
	if err := f.db.InTx(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

// try runs do in a transaction and returns its error.
func (f *fixture) try(t testing.TB, do func(tx *store.Tx) error) error {
	t.Helper()
	return f.db.InTx(t.Context(), do)
}

func (f *fixture) account(t testing.TB, kind, loginID, password string) store.Account {
	t.Helper()
	hash, err := f.HashPassword(t.Context(), password, PasswordOwner{Kind: kind, LoginID: loginID})
	if err != nil {
		t.Fatal(err)
	}
	in := NewAccount{
		Kind: kind, LoginID: loginID, DisplayName: "田中 一郎", Role: Roles(kind)[0], RegisteredEmail: "tanaka@example.jp", Password: hash,
	}
	if kind == KindStore {
		in.UserGroupID = f.group
	}
	var a store.Account
	f.inTx(t, func(tx *store.Tx) (err error) {
		a, err = f.Create(t.Context(), tx, in)
		return err
	})
	return a
}

func fields(t testing.TB, err error) map[string]string {
	t.Helper()
	if e, ok := errors.AsType[*ValidationError](err); ok {
		return e.Fields
	}
	t.Errorf("err = %v, want a ValidationError", err)
	return nil
}

func TestCreateAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := setup(t, db, cheap)
		ctx := t.Context()
		a := f.account(t, KindStore, "Tanaka", "futakagi-demo")
		if a.LoginID != "Tanaka" || a.LoginKey != "tanaka" || a.TwoFactor != TwoFactorUse || a.CredentialEpoch != 1 || *a.UserGroupID != f.group {
			t.Errorf("account = %+v", a)
		}
		if strings.Contains(a.PasswordHash, "futakagi-demo") {
			t.Error("the password is stored")
		}

		in := NewAccount{
			Kind: KindStore, LoginID: "ＴＡＮＡＫＡ", DisplayName: "鈴木 花子", Role: RoleBuyer, RegisteredEmail: "suzuki@example.jp",
			UserGroupID: f.group, Password: "$argon2id$",
		}
		err := f.try(t, func(tx *store.Tx) error { _, err := f.Create(ctx, tx, in); return err })
		if diff := cmp.Diff(map[string]string{FieldLoginID: msgLoginIDTaken}, fields(t, err)); diff != "" {
			t.Error(diff)
		}
		// Operators have login IDs of their own.
		f.account(t, KindOperator, "tanaka", "futakagi-demo")

		in = NewAccount{Kind: KindStore, LoginID: "a b", DisplayName: "\u200b", Role: "owner", RegisteredEmail: "x", UserGroupID: f.group, Password: "$"}
		err = f.try(t, func(tx *store.Tx) error { _, err := f.Create(ctx, tx, in); return err })
		want := map[string]string{
			FieldLoginID: msgLoginIDForm, FieldName: msgNameBlank, FieldRole: msgRoleBlank, FieldEmail: msgEmailForm,
		}
		if diff := cmp.Diff(want, fields(t, err)); diff != "" {
			t.Error(diff)
		}

		in = NewAccount{
			Kind: KindStore, LoginID: "sato", DisplayName: "佐藤 陽子", Role: RoleViewer, RegisteredEmail: "sato@example.jp",
			UserGroupID: store.NewID[store.UserGroupID](), Password: "$",
		}
		err = f.try(t, func(tx *store.Tx) error { _, err := f.Create(ctx, tx, in); return err })
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("unknown group: err = %v", err)
		}
		in.UserGroupID = ""
		if err := f.try(t, func(tx *store.Tx) error { _, err := f.Create(ctx, tx, in); return err }); err == nil {
			t.Error("a store account without a group was made")
		}
	})
}

func TestUpdateAccount(t *testing.T) {
	f := setup(t, storetest.SQLite(t), cheap)
	a := f.account(t, KindStore, "tanaka", "futakagi-demo")
	f.now = f.now.Add(time.Hour)
	f.inTx(t, func(tx *store.Tx) error {
		got, err := f.Update(t.Context(), tx, a.ID, Profile{DisplayName: " 田中　二郎 ", Role: RoleViewer, RegisteredEmail: "jiro@Example.jp"})
		if err != nil {
			return err
		}
		if got.DisplayName != "田中　二郎" || got.Role != RoleViewer || got.RegisteredEmail != "jiro@example.jp" || got.CredentialEpoch != a.CredentialEpoch || !got.UpdatedAt.Equal(f.now) {
			t.Errorf("account = %+v", got)
		}
		return nil
	})
	err := f.try(t, func(tx *store.Tx) error {
		_, err := f.Update(t.Context(), tx, a.ID, Profile{DisplayName: strings.Repeat("あ", 101), Role: RoleSupport})
		return err
	})
	want := map[string]string{FieldName: msgNameLong, FieldRole: msgRoleBlank, FieldEmail: msgEmailBlank}
	if diff := cmp.Diff(want, fields(t, err)); diff != "" {
		t.Error(diff)
	}
	if e, ok := errors.AsType[*ValidationError](err); !ok || !cmp.Equal(e.Args(FieldName), []any{"max", 100}) {
		t.Errorf("arguments of the sentence are missing: %v", err)
	}
	err = f.try(t, func(tx *store.Tx) error {
		_, err := f.Update(t.Context(), tx, store.NewID[store.AccountID](), Profile{})
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("err = %v", err)
	}
}

func TestI11_PasswordChangeAndDisablingEndEverything(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, act := range map[string]func(f *fixture, tx *store.Tx, id store.AccountID) error{
			"password": func(f *fixture, tx *store.Tx, id store.AccountID) error {
				return f.SetPassword(t.Context(), tx, id, "$new")
			},
			"disable": func(f *fixture, tx *store.Tx, id store.AccountID) error {
				changed, err := f.SetDisabled(t.Context(), tx, id, true)
				if !changed {
					t.Error("disabling was no change")
				}
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				f := &fixture{db: db, now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
				var err error
				if f.Service, err = New(Config{DB: db, Hasher: newTestHasher(t, cheap), Now: func() time.Time { return f.now }, Logger: slog.New(slog.DiscardHandler)}); err != nil {
					t.Fatal(err)
				}
				a := f.account(t, KindOperator, "operator-"+name, "futakagi-demo")
				later := f.now.Add(time.Hour)
				session, flow, challenge := store.NewID[store.SessionID](), store.NewID[store.FlowID](), store.NewID[store.ChallengeID]()
				f.inTx(t, func(tx *store.Tx) error {
					return errors.Join(
						tx.InsertSession(t.Context(), store.InsertSessionParams{
							ID: session, TokenHash: []byte(session), AccountID: a.ID, AccountKind: a.Kind, CredentialEpoch: 1,
							Evidence: []byte("[]"), Now: f.now, ExpiresAt: later,
						}),
						tx.InsertFlow(t.Context(), store.InsertFlowParams{
							ID: flow, SecretHash: []byte("s"), SurfaceID: "admin", Request: []byte("{}"), AccountID: &a.ID,
							CredentialEpoch: &a.CredentialEpoch, Evidence: []byte("[]"), Now: f.now, ExpiresAt: later,
						}),
						tx.InsertGrant(t.Context(), store.InsertGrantParams{
							ID: store.NewID[store.GrantID](), ClientID: "c", AccountID: a.ID, SessionID: session, SurfaceID: "admin",
							CredentialEpoch: 1, Evidence: []byte("[]"), CodeHash: []byte("code-" + name), CodeExpiresAt: later, Now: f.now, ExpiresAt: later,
						}),
						tx.EnqueueMessage(t.Context(), store.EnqueueMessageParams{
							ID: store.NewID[store.MessageID](), Channel: "email", Kind: "code", AccountID: &a.ID, ChallengeID: &challenge,
							Recipient: "x@example.jp", PayloadSealed: []byte("x"), Now: f.now, Deadline: later,
						}),
					)
				})
				f.inTx(t, func(tx *store.Tx) error { return act(f, tx, a.ID) })

				q := db.Read()
				if got, err := q.GetAccount(t.Context(), a.ID); err != nil || got.CredentialEpoch != 2 {
					t.Errorf("epoch = %d, %v, want 2", got.CredentialEpoch, err)
				}
				if got, err := q.GetSession(t.Context(), session); err != nil || got.EndedAt == nil {
					t.Errorf("the session lives: %v", err)
				}
				if _, err := q.GetFlow(t.Context(), store.GetFlowParams{ID: flow, SecretHash: []byte("s"), Now: f.now}); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("the flow lives: %v", err)
				}
				if got, err := q.GetGrantByCode(t.Context(), []byte("code-"+name)); err != nil || got.RevokedAt == nil {
					t.Errorf("the grant lives: %v", err)
				}
				if got, err := q.GetChallengeMessage(t.Context(), &challenge); err != nil || got.State != "cancelled" {
					t.Errorf("the code is still on its way: %+v, %v", got, err)
				}
			})
		}
	})
}

func TestSetDisabledTwiceIsNoChange(t *testing.T) {
	f := setup(t, storetest.SQLite(t), cheap)
	a := f.account(t, KindStore, "tanaka", "futakagi-demo")
	for i, want := range []bool{true, false} {
		f.inTx(t, func(tx *store.Tx) error {
			changed, err := f.SetDisabled(t.Context(), tx, a.ID, true)
			if changed != want {
				t.Errorf("call %d: changed = %v", i, changed)
			}
			return err
		})
	}
}

func TestCustomers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := setup(t, db, cheap)
		ctx := t.Context()
		f.account(t, KindStore, "tanaka", "futakagi-demo")
		f.inTx(t, func(tx *store.Tx) error {
			for i := range 7 {
				if _, err := f.CreateCustomer(ctx, tx, CustomerInput{Code: fmt.Sprintf("D-%d", i), Name: fmt.Sprintf("取引先%d 100%%", i)}); err != nil {
					return err
				}
			}
			return nil
		})
		err := f.try(t, func(tx *store.Tx) error {
			_, err := f.CreateCustomer(ctx, tx, CustomerInput{Code: "D-0", Name: "x"})
			return err
		})
		if diff := cmp.Diff(map[string]string{FieldCode: msgCodeTaken}, fields(t, err)); diff != "" {
			t.Error(diff)
		}
		err = f.try(t, func(tx *store.Tx) error {
			_, err := f.CreateCustomer(ctx, tx, CustomerInput{Code: "D 0"})
			return err
		})
		if diff := cmp.Diff(map[string]string{FieldCode: msgCodeForm, FieldName: msgCustomerName}, fields(t, err)); diff != "" {
			t.Error(diff)
		}

		f.now = f.now.Add(1234 * time.Nanosecond)
		undo := errors.New("undo")
		if err := f.try(t, func(tx *store.Tx) error {
			made, err := f.CreateCustomer(ctx, tx, CustomerInput{Code: "E-0", Name: "x"})
			if err != nil {
				return err
			}
			if kept, err := tx.GetCustomer(ctx, made.ID); err != nil || !made.CreatedAt.Equal(kept.CreatedAt) {
				t.Errorf("made at %s, kept at %s: %v", made.CreatedAt, kept.CreatedAt, err)
			}
			return undo
		}); !errors.Is(err, undo) {
			t.Error(err)
		}

		codes := func(p CustomerPage) string {
			var out []string
			for _, r := range p.Rows {
				out = append(out, r.Code)
			}
			return strings.Join(out, " ")
		}
		page := func(q CustomerQuery) CustomerPage {
			p, err := f.Customers(ctx, q)
			if err != nil {
				t.Fatalf("%+v: %v", q, err)
			}
			return p
		}
		p := page(CustomerQuery{Size: 3})
		if codes(p) != "C-100248 D-0 D-1" || p.Total != 8 || p.Many || p.Next != "D-1" || p.Rows[0].Accounts != 1 || p.Rows[0].LastSignInAt != nil {
			t.Errorf("first page: %+v", p)
		}
		if p = page(CustomerQuery{Size: 3, After: p.Next}); codes(p) != "D-2 D-3 D-4" || p.Next != "D-4" || p.Total != 0 {
			t.Errorf("second page: %+v", p)
		}
		if p = page(CustomerQuery{Size: 3, After: p.Next}); codes(p) != "D-5 D-6" || p.Next != "" {
			t.Errorf("last page: %+v", p)
		}
		if p = page(CustomerQuery{Size: 3, After: "\U0010FFFF"}); len(p.Rows) != 0 || p.Next != "" {
			t.Errorf("after the last: %+v", p)
		}
		if p = page(CustomerQuery{Size: -1, State: "'"}); len(p.Rows) != 1 || p.Next != "C-100248" || p.Total != 8 {
			t.Errorf("one at a time: %+v", p)
		}
		for state, want := range map[string]string{StateSet: "", StatePartly: "", StateNone: "C-100248"} {
			if got := codes(page(CustomerQuery{State: state})); got != want {
				t.Errorf("state %q finds %q, want %q", state, got, want)
			}
		}
		first := page(CustomerQuery{Size: 1}).Rows[0]
		groups, err := f.Groups(ctx, first.ID)
		if err != nil || len(groups) != 1 || groups[0].Name != "本社" || len(groups[0].Accounts) != 1 || groups[0].Accounts[0].LoginID != "tanaka" {
			t.Errorf("groups = %+v, %v", groups, err)
		}
		err = f.try(t, func(tx *store.Tx) error { _, err := f.CreateUserGroup(ctx, tx, first.ID, " 本社 "); return err })
		if diff := cmp.Diff(map[string]string{FieldName: msgGroupTaken}, fields(t, err)); diff != "" {
			t.Error(diff)
		}
		err = f.try(t, func(tx *store.Tx) error {
			_, err := f.CreateUserGroup(ctx, tx, store.NewID[store.CustomerID](), "x")
			return err
		})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("group of nobody: %v", err)
		}
		f.inTx(t, func(tx *store.Tx) error {
			return errors.Join(
				f.UpdateUserGroup(ctx, tx, groups[0].ID, "大阪支店"),
				f.UpdateCustomer(ctx, tx, first.ID, CustomerInput{Code: "C-100248", Name: "サンプル商事"}),
			)
		})
	})
}

func TestOperators(t *testing.T) {
	f := setup(t, storetest.SQLite(t), cheap)
	for _, id := range []string{"operator", "support", "anna"} {
		f.account(t, KindOperator, id, "futakagi-demo")
	}
	f.account(t, KindStore, "tanaka", "futakagi-demo")
	rows, next, err := f.Operators(t.Context(), "", 2)
	if err != nil || len(rows) != 2 || rows[0].LoginID != "anna" || next != "operator" {
		t.Errorf("%+v, %q, %v", rows, next, err)
	}
	rows, next, err = f.Operators(t.Context(), next, 2)
	if err != nil || len(rows) != 1 || rows[0].LoginID != "support" || next != "" {
		t.Errorf("%+v, %q, %v", rows, next, err)
	}
}

func TestByIDRefusesWhatIsNoID(t *testing.T) {
	f := setup(t, storetest.SQLite(t), cheap)
	for _, id := range []string{"", "1", "' OR 1=1", "\x00", strings.ToUpper(string(store.NewID[store.AccountID]()))} {
		_, err1 := f.ByID(t.Context(), store.AccountID(id))
		_, err2 := f.CustomerByID(t.Context(), store.CustomerID(id))
		for _, err := range []error{err1, err2} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%q: %v", id, err)
			}
		}
	}
}
