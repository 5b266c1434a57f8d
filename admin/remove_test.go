package admin

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

// TestDelete: what is empty goes, an account goes with whatever is known of it, and nobody locks everybody out.
func TestDelete(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root := t.Context(), w.actor(w.root)
		w.enrol(w.tanaka)
		if err := w.DeleteCustomer(ctx, root, w.customer); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("customer with groups: %v", err)
		}
		if err := w.DeleteUserGroup(ctx, root, w.group); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("group with accounts: %v", err)
		}
		if _, wrong := errors.AsType[*account.ValidationError](w.DeleteAccount(ctx, root, w.tanaka, "suzuki")); !wrong {
			t.Error("deleted under another login ID")
		}
		if err := w.DeleteAccount(ctx, w.actor(w.desk), w.tanaka, "tanaka"); !errors.Is(err, ErrForbidden) {
			t.Errorf("by the support desk: %v", err)
		}
		if err := w.DeleteAccount(ctx, root, w.root, "root"); !errors.Is(err, ErrOwnAccount) {
			t.Errorf("oneself: %v", err)
		}
		before := len(w.events(audit.AccountCreate))
		must(t, w.DeleteAccount(ctx, root, w.tanaka, " Tanaka "))
		must(t, w.DeleteAccount(ctx, root, w.suzuki, "suzuki"))
		if _, err := w.Account(ctx, root, w.tanaka); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("still there: %v", err)
		}
		rows, err := w.db.Read().ListMessages(ctx, store.ListMessagesParams{Since: time.Unix(0, 0), BeforeAt: time.Unix(1<<33, 0), BeforeID: store.MaxID, PageSize: 100})
		must(t, err)
		for _, m := range rows {
			if m.AccountID != nil && *m.AccountID == w.tanaka {
				t.Errorf("a message is left: %+v", m)
			}
		}
		if found, _ := w.found(root, SearchQuery{Text: "tanaka"}); found != nil {
			t.Errorf("still found: %q", found)
		}
		if gone := w.events(audit.AccountDelete); len(gone) != 4 || gone[3].Target != "株式会社サンプル商事 / suzuki" || len(w.events(audit.AccountCreate)) != before {
			t.Errorf("audit: %d rows", len(gone))
		}
		must(t, w.DeleteUserGroup(ctx, root, w.group))
		must(t, w.DeleteCustomer(ctx, root, w.customer))
		if err := w.DeleteCustomer(ctx, root, w.customer); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("twice: %v", err)
		}
		must(t, w.DeleteAccount(ctx, root, w.chief, "chief"))
		if err := w.DeleteAccount(ctx, System(), w.root, "root"); !errors.Is(err, ErrLockout) {
			t.Errorf("the last administrator: %v", err)
		}
	})
}

// Whatever an account was given stands in nobody's way.
func TestDeleteAnAccountWithAPassThatWasImported(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		file := "customer_code,user_group,login_id,display_name,registered_email\nC-100248,本社,yamada,山田,yamada@example.jp\n"
		_, err := w.Import(ctx, System(), strings.NewReader(file), ImportOptions{Format: account.CSV})
		must(t, err)
		yamada, err := w.db.Read().GetAccountByLogin(ctx, store.GetAccountByLoginParams{Kind: account.KindStore, LoginKey: "yamada"})
		must(t, err)
		w.enrol(yamada.ID)
		_, err = w.IssuePass(ctx, System(), yamada.ID, 15, goodReason)
		must(t, err)
		must(t, w.DeleteAccount(ctx, w.actor(w.root), yamada.ID, "yamada"))
	})
}

func TestMove(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root := t.Context(), w.actor(w.root)
		c, err := w.CreateCustomer(ctx, System(), account.CustomerInput{Code: "D-7", Name: "二番目の会社"})
		must(t, err)
		g, err := w.CreateUserGroup(ctx, System(), c.ID, "支社")
		must(t, err)
		seen := w.row(w.tanaka)
		if _, err := w.MoveAccount(ctx, w.actor(w.desk), w.tanaka, seen.UpdatedAt, g.ID); !errors.Is(err, ErrForbidden) {
			t.Errorf("by the support desk: %v", err)
		}
		for _, bad := range []store.UserGroupID{"x", store.NewID[store.UserGroupID]()} {
			if _, err := w.MoveAccount(ctx, root, w.tanaka, seen.UpdatedAt, bad); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("to %s: %v", bad, err)
			}
		}
		changed, err := w.MoveAccount(ctx, root, w.tanaka, seen.UpdatedAt, g.ID)
		if err != nil || !changed || *w.row(w.tanaka).UserGroupID != g.ID || w.row(w.tanaka).CredentialEpoch != seen.CredentialEpoch {
			t.Errorf("move: %v, %v", changed, err)
		}
		if _, err := w.MoveAccount(ctx, root, w.tanaka, seen.UpdatedAt, w.group); !errors.Is(err, ErrConflict) {
			t.Errorf("from a page left open: %v", err)
		}
		if _, err := w.MoveAccount(ctx, root, w.desk, w.row(w.desk).UpdatedAt, g.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an operator: %v", err)
		}
	})
}
