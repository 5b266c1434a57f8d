package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

var now = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)

func write(t *testing.T, ctx context.Context, db *store.DB, e audit.Event) {
	t.Helper()
	if err := db.InTx(t.Context(), func(tx *store.Tx) error { return audit.Write(ctx, tx, now, e) }); err != nil {
		t.Fatal(err)
	}
}

func TestI27_RowHoldsWhoWhatWhereAndWhen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		id := store.NewID[store.AccountID]()
		ctx := audit.WithOrigin(t.Context(), audit.Origin{Address: "192.0.2.7", UserAgent: "Mozilla/5.0", RequestID: "r1"})
		write(t, ctx, db, audit.Event{
			Type: audit.FactorReset, Result: audit.Success, Reason: "lost phone",
			Actor:   audit.OfAccount(store.Account{ID: "op", Kind: "operator", LoginID: "support"}),
			Account: id, Target: "tanaka", ClientID: "store", Data: map[string]string{"kind": "email"},
		})
		want := store.AuditEvent{
			At: now, Type: "2fa.reset", Result: "success", Reason: "lost phone", ActorKind: "operator", ActorID: "op", ActorName: "support",
			AccountID: &id, Target: "tanaka", ClientID: "store", ClientAddress: "192.0.2.7", UserAgent: "Mozilla/5.0", RequestID: "r1",
		}
		got := storetest.Events(t, db, "")
		if len(got) != 1 {
			t.Fatalf("%d rows", len(got))
		}
		if diff := cmp.Diff(want, got[0], cmpopts.IgnoreFields(store.AuditEvent{}, "ID", "Data", "Stream", "Seq", "PrevHash", "Hash")); diff != "" {
			t.Error(diff)
		}
		var data map[string]string
		if err := json.Unmarshal(got[0].Data, &data); err != nil || data["kind"] != "email" || len(data) != 1 {
			t.Errorf("data = %s, %v", got[0].Data, err)
		}
		if !store.ValidID(string(got[0].ID)) {
			t.Errorf("id = %q", got[0].ID)
		}
	})
}

func TestEventWithoutOriginAndAccount(t *testing.T) {
	db := storetest.SQLite(t)
	write(t, t.Context(), db, audit.Event{Type: audit.KeyCreate, Result: audit.Success, Actor: audit.System()})
	got := storetest.Events(t, db, "")[0]
	if got.AccountID != nil || got.ClientAddress != "" || got.ActorKind != "system" || string(got.Data) != "{}" {
		t.Errorf("row = %+v", got)
	}
}

// Whatever comes from outside: the row is written, on both engines, and stays small.
func TestHostileTextIsKeptSmallAndValid(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, s := range []string{"a\x00b", "\xff\xfe", strings.Repeat("あ", 100_000), strings.Repeat("a", 511) + "あ", "a\r\nb\u202e"} {
			ctx := audit.WithOrigin(t.Context(), audit.Origin{Address: s, UserAgent: s, RequestID: s})
			write(t, ctx, db, audit.Event{
				Type: audit.SignInPassword, Result: audit.Failure, Reason: s, Actor: audit.Actor{Kind: audit.ByAnonymous, Name: s}, Target: s, ClientID: s,
			})
		}
		rows := storetest.Events(t, db, "")
		if len(rows) != 5 {
			t.Fatalf("%d rows", len(rows))
		}
		for _, row := range rows {
			for _, text := range []string{row.Reason, row.ActorName, row.Target, row.ClientID, row.ClientAddress, row.UserAgent, row.RequestID} {
				if len(text) > 512 || text == "" || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
					t.Errorf("%d bytes kept: %.40q", len(text), text)
				}
			}
		}
	})
}

func TestI27_NoActWithoutItsRow(t *testing.T) {
	db := storetest.SQLite(t)
	failed := errors.New("the act failed")
	err := db.InTx(t.Context(), func(tx *store.Tx) error {
		if err := audit.Write(t.Context(), tx, now, audit.Event{Type: audit.SignOut, Result: audit.Success}); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) || len(storetest.Events(t, db, "")) != 0 {
		t.Errorf("a row of an act that did not happen: %v", err)
	}
	err = db.InTx(t.Context(), func(tx *store.Tx) error {
		// The zero time is refused by the store, so the row cannot be written: the act must fail too.
		return audit.Write(t.Context(), tx, time.Time{}, audit.Event{Type: audit.SignOut, Result: audit.Success})
	})
	if err == nil {
		t.Error("the row could not be written and nobody noticed")
	}
}

func TestActors(t *testing.T) {
	for want, got := range map[audit.ActorKind]audit.Actor{
		audit.ByAccount:   audit.OfAccount(store.Account{ID: "1", Kind: "store", LoginID: "tanaka"}),
		audit.ByOperator:  audit.OfAccount(store.Account{ID: "1", Kind: "operator", LoginID: "support"}),
		audit.BySystem:    audit.System(),
		audit.ByAnonymous: audit.Anonymous(),
	} {
		if got.Kind != want {
			t.Errorf("%+v, want kind %s", got, want)
		}
	}
}
