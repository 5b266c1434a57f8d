package admin

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// sent lists the messages there are, as kind and recipient, oldest first.
func (w *world) sent() []string {
	w.t.Helper()
	rows, err := w.db.Read().ListMessages(w.t.Context(), store.ListMessagesParams{Since: time.Unix(0, 0), BeforeAt: time.Unix(1<<33, 0), BeforeID: store.MaxID, PageSize: 100})
	must(w.t, err)
	var out []string
	for i := len(rows) - 1; i >= 0; i-- {
		out = append(out, rows[i].Kind+" "+rows[i].Recipient)
	}
	return out
}

// staff starts a reset, and neither chooses a password nor sees a link.
func TestSendPasswordReset(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		before := w.row(w.tanaka)
		for range 3 {
			must(t, w.SendPasswordReset(ctx, w.actor(w.desk), w.tanaka))
		}
		link := "password_reset_link tanaka@example.jp"
		if diff := cmp.Diff([]string{link, link, link}, w.sent()); diff != "" {
			t.Errorf("mails (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(before, w.row(w.tanaka)); diff != "" {
			t.Errorf("the account changed:\n%s", diff)
		}
		refused := func(what, message, word string) {
			t.Helper()
			err := w.SendPasswordReset(ctx, w.actor(w.root), w.tanaka)
			e, ok := errors.AsType[*account.ValidationError](err)
			if !ok || e.Fields[templates.FormError] != message {
				t.Errorf("%s: %v", what, err)
			}
			if rows := w.events(audit.PasswordLink); rows[len(rows)-1].Result != "refused" || rows[len(rows)-1].Reason != word ||
				*rows[len(rows)-1].AccountID != w.tanaka || rows[len(rows)-1].ActorName != "root" {
				t.Errorf("%s: audit row %+v", what, rows[len(rows)-1])
			}
		}
		refused("the fourth in an hour", templates.MsgResetMailLimit, "too_many")
		w.clock.pass(time.Hour)
		a := w.row(w.tanaka)
		w.tx(func(tx *store.Tx) error {
			_, err := tx.UpdateAccountProfile(ctx, store.UpdateAccountProfileParams{ID: a.ID, DisplayName: a.DisplayName, SearchKey: a.SearchKey, Role: a.Role, Now: w.clock.now()})
			return err
		})
		refused("no address", templates.MsgResetMailAddress, "no_address")
		_, err := w.SetDisabled(ctx, System(), w.tanaka, true)
		must(t, err)
		refused("disabled", templates.MsgResetMailDisabled, "account_disabled")
		if n := len(w.sent()); n != 3 {
			t.Errorf("%d mails in the end", n)
		}
		if rows := w.events(audit.PasswordLink); len(rows) != 6 {
			t.Errorf("%d audit rows, want 6", len(rows))
		}
		must(t, w.SendPasswordReset(ctx, w.actor(w.root), w.chief))
	})
}

// Z-2: the support desk may move the registered address and reset factors. A link to the address it chose would let it take the
// account over, so none goes there before the former address had a day to object.
func TestSendPasswordReset_NotToAnAddressJustMoved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		a := w.row(w.tanaka)
		_, err := w.UpdateAccount(ctx, w.actor(w.desk), w.tanaka, a.UpdatedAt,
			account.Profile{DisplayName: a.DisplayName, Role: a.Role, RegisteredEmail: "desk@example.jp"})
		must(t, err)
		links := func() (n int) {
			for _, m := range w.sent() {
				if strings.HasPrefix(m, "password_reset_link ") {
					n++
				}
			}
			return n
		}
		for _, wait := range []time.Duration{0, 24*time.Hour - time.Second} {
			w.clock.pass(wait)
			err := w.SendPasswordReset(ctx, w.actor(w.desk), w.tanaka)
			e, ok := errors.AsType[*account.ValidationError](err)
			if !ok || e.Fields[templates.FormError] != templates.MsgResetMailMoved || links() != 0 {
				t.Errorf("after %s: %v, %d links", wait, err, links())
			}
		}
		w.clock.pass(time.Second)
		must(t, w.SendPasswordReset(ctx, w.actor(w.desk), w.tanaka))
		if links() != 1 {
			t.Errorf("%d links after a day", links())
		}
	})
}

// A password that staff set is told to its owner, at every address that is known.
func TestSetPasswordIsNoticed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.enrol(w.tanaka)
		must(t, w.SetPassword(t.Context(), w.actor(w.root), w.tanaka, "violet-8-ferry"))
		told := strings.Join(w.sent(), "\n")
		for _, to := range []string{"tanaka@example.jp", "tanaka-2fa@example.jp"} {
			if strings.Count(told, "password_changed "+to) != 1 {
				t.Errorf("%s was not told once:\n%s", to, told)
			}
		}
	})
}

func TestResetMailForm(t *testing.T) {
	c := newConsole(t, desk)
	page := "/admin/accounts/" + string(c.tanaka)
	body := c.get(page)
	c.wants(body, "再設定メールを送信", "再設定用のリンクを、アカウントのメールアドレスに送信します。")
	if strings.Contains(body, "新しいパスワード") {
		t.Error("the support desk is offered to choose a password")
	}
	for range 3 {
		if l, _ := c.post(page + "/reset-mail"); l != page {
			t.Fatal(l)
		}
		c.wants(c.get(page), "再設定メールを送信しました。")
	}
	_, body = c.post(page + "/reset-mail")
	c.wants(body, "再設定メールの送信回数が上限に達しました")
	if w := c.do("GET", page+"/reset-mail", nil); w.Code != 303 || w.Header().Get("Location") != page {
		t.Errorf("GET: %d", w.Code)
	}
	if w := c.do("POST", "/admin/accounts/"+string(c.chief)+"/reset-mail", nil); w.Code != 404 {
		t.Errorf("an operator's: %d", w.Code)
	}
}
