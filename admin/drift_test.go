package admin

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/store"
)

// A person whose registered address staff changes hears that their codes still go where they went, and staff sees it too.
func TestM18_StaffChangesTheRegisteredAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, desk := t.Context(), w.actor(w.desk)
		w.enrol(w.tanaka)
		update := func(id store.AccountID, email string) {
			t.Helper()
			w.clock.pass(time.Minute)
			a := w.row(id)
			_, err := w.UpdateAccount(ctx, desk, id, a.UpdatedAt, account.Profile{DisplayName: a.DisplayName + "x", Role: a.Role, RegisteredEmail: email})
			must(t, err)
		}
		told := func() []string {
			t.Helper()
			rows, err := w.db.Read().ListMessages(ctx, store.ListMessagesParams{Since: time.Unix(0, 0), BeforeAt: time.Unix(1<<33, 0), BeforeID: store.MaxID, PageSize: 100})
			must(t, err)
			var to []string
			for _, m := range rows {
				if m.Kind == delivery.KindRegisteredChanged {
					to = append([]string{m.Recipient}, to...)
				}
			}
			return to
		}
		update(w.tanaka, "tanaka@example.jp") // the name alone
		update(w.suzuki, "suzuki.moved@example.com")
		// Whoever had an address changed must not be the only one to hear of it.
		if diff := cmp.Diff([]string{"suzuki@example.jp", "suzuki.moved@example.com"}, told()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		if w.status(w.tanaka).Status.Drift || w.status(w.suzuki).Status.Drift {
			t.Error("drift without a factor that went another way")
		}
		before := w.status(w.tanaka).Status
		update(w.tanaka, "tanaka.moved@example.com")
		if diff := cmp.Diff([]string{"tanaka-2fa@example.jp", "tanaka@example.jp", "tanaka.moved@example.com"}, told()[2:]); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		after := w.status(w.tanaka).Status
		if !after.Drift || len(after.Factors) != 1 || after.Factors[0] != before.Factors[0] {
			t.Errorf("status = %+v, want the factor as it was, and the drift", after)
		}
	})
}
