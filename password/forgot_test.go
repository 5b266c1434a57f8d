package password_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/password"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// from is a context of a request from an address.
func from(ctx context.Context, address string) context.Context {
	return audit.WithOrigin(ctx, audit.Origin{Address: address, UserAgent: "Mozilla/5.0", RequestID: "E-7K2M-93QF"})
}

// outcomes lists what became of requests, oldest first, as result, reason and login ID.
func (w *world) outcomes() []string {
	w.t.Helper()
	rows := w.events("password.forgot")
	var out []string
	for i := len(rows) - 1; i >= 0; i-- {
		out = append(out, strings.TrimSpace(rows[i].Result+" "+rows[i].Reason+" "+rows[i].Target))
	}
	return out
}

func TestForgottenPasswordSendsALinkToTheRegisteredAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.customer("tanaka")
		w.factor(id, "tanaka-2fa@example.jp")
		must(t, w.Request(from(t.Context(), "192.0.2.7"), web.Customer, " ＴＡＮＡＫＡ ", templates.En))
		if mails := w.mails(); len(mails) != 0 {
			t.Errorf("the request itself sent %v", mails)
		}
		w.clock.pass(time.Minute)
		must(t, w.AnswerRequests(t.Context()))
		mails := w.mails()
		if len(mails) != 1 || mails[0].To != "tanaka@example.jp" || mails[0].Kind != "password_reset_link" || mails[0].Subject != "Futakagi: reset your password" {
			t.Fatalf("mails: %+v", mails)
		}
		if !mails[0].Deadline.Equal(w.clock.now().Add(30 * time.Minute)) {
			t.Errorf("the mail is tried until %v", mails[0].Deadline)
		}
		if !strings.Contains(mails[0].Text, "\n    "+issuer+"/password/reset?ticket=") {
			t.Errorf("link of\n%s", mails[0].Text)
		}
		// At rest there is the hash alone, of 256 random bits (I19).
		secret := w.secretOf(mails[0])
		sum := sha256.Sum256([]byte(secret))
		ticket, err := w.db.Read().GetTicket(t.Context(), store.GetTicketParams{SecretHash: sum[:], Purpose: "password", Now: w.clock.now()})
		must(t, err)
		if len(secret) != 43 || ticket.AccountID != id || *ticket.CredentialEpoch != w.row(id).CredentialEpoch || !ticket.ExpiresAt.Equal(w.clock.now().Add(30*time.Minute)) {
			t.Errorf("ticket %+v for a secret of %d characters", ticket, len(secret))
		}
		c, err := w.Resetting(t.Context(), web.Customer, secret)
		if err != nil || c.LoginID != "tanaka" || c.Min != 8 {
			t.Errorf("the form says %+v, %v", c, err)
		}
		rows := w.events("password.forgot")
		if len(rows) != 1 || rows[0].Result != "success" || *rows[0].AccountID != id || rows[0].Target != "tanaka" ||
			rows[0].ClientAddress != "192.0.2.7" || rows[0].UserAgent != "Mozilla/5.0" || rows[0].RequestID != "E-7K2M-93QF" || rows[0].ActorKind != "anonymous" {
			t.Errorf("audit rows: %+v", rows)
		}
		for _, e := range rows {
			if strings.Contains(string(e.Data), secret) {
				t.Error("the log holds the secret")
			}
		}
		if !w.knows(id, former) {
			t.Error("asking for a link changed the password")
		}
	})
}

// Nothing is sent where nobody may get anything, and the log says why.
func TestI9_NothingIsSentWhereThereIsNobody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.customer("tanaka")
		disabled, silent, odd, moved := w.customer("disabled"), w.customer("silent"), w.customer("odd"), w.customer("moved")
		w.account(account.KindOperator, "root")
		w.tx(func(tx *store.Tx) error {
			_, err := w.accounts.SetDisabled(ctx, tx, disabled, true)
			return err
		})
		w.address(silent, "")
		w.address(odd, "odd at example.jp")
		w.clock.pass(24 * time.Hour)
		w.address(moved, "desk@example.jp")
		for _, login := range []string{"nobody", "disabled", "silent", "odd", "moved", "root", "my password", strings.Repeat("x", 70_000), "tan\x00aka", "tanaka"} {
			must(t, w.Request(ctx, web.Customer, login, templates.Ja))
			w.clock.pass(time.Second)
		}
		must(t, w.Request(ctx, web.Operator, "tanaka", templates.Ja))
		must(t, w.AnswerRequests(ctx))
		if diff := cmp.Diff([]string{"password_reset_link tanaka@example.jp"}, w.told()); diff != "" {
			t.Errorf("mails (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{
			"refused unknown_account nobody", "refused account_disabled disabled", "refused no_address silent", "refused no_address odd",
			"refused address_changed moved", "refused unknown_account root", "refused unknown_account", "refused unknown_account", "refused unknown_account",
			"success  tanaka", "refused unknown_account tanaka",
		}, w.outcomes()); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		known := 0
		for _, e := range w.events("password.forgot") {
			if e.AccountID != nil {
				known++
			}
		}
		if known != 5 {
			t.Errorf("%d rows name an account, want those of the five that exist", known)
		}
		if _, err := w.db.Read().OldestPasswordRequest(ctx); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a request is left: %v", err)
		}
	})
}

func TestI26_LinksAreBounded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.customer("tanaka")
		w.customer("suzuki")
		sent := 0
		// Every ten minutes of a day, from one network after the other.
		for i := range 24 * 6 {
			must(t, w.Request(from(t.Context(), fmt.Sprintf("192.0.2.%d", i)), web.Customer, "tanaka", templates.Ja))
			must(t, w.AnswerRequests(t.Context()))
			n := len(w.told())
			if sent += n; i == 5 && sent != 3 {
				t.Errorf("%d links in the first hour, want 3", sent)
			}
			w.clock.pass(10 * time.Minute)
		}
		if sent != 10 {
			t.Errorf("%d links in a day, want 10", sent)
		}
		if w.ask(web.Customer, "suzuki") == "" {
			t.Error("another account gets none")
		}
		w.clock.pass(24 * time.Hour)
		if w.ask(web.Customer, "tanaka") == "" {
			t.Error("the next day there is none")
		}
		refused := 0
		for _, o := range w.outcomes() {
			if o == "refused too_many tanaka" {
				refused++
			}
		}
		if refused != 24*6-10 {
			t.Errorf("%d refusals in the log, want %d", refused, 24*6-10)
		}
	})
}

// Many accounts may have one mailbox. It is not filled through them.
func TestI26_OneMailboxIsBounded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		login := func(i int) string { return fmt.Sprintf("branch-%02d", i) }
		for i := range 15 {
			w.address(w.customer(login(i)), fmt.Sprintf("Office+%d@example.jp", i))
		}
		w.clock.pass(24 * time.Hour)
		sent := 0
		for i := range 15 {
			if w.ask(web.Customer, login(i)) != "" {
				sent++
			}
		}
		if sent != 10 {
			t.Errorf("%d links to one mailbox in an hour, want 10", sent)
		}
	})
}

// I29: requests are few per network and per login ID, and all together; login IDs that exist make no difference.
func TestI29_RequestsAreBounded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.customer("tanaka")
		w.clock.pass(5 * time.Minute)
		budget := func(err error) *password.BudgetError {
			b, _ := errors.AsType[*password.BudgetError](err)
			return b
		}
		waiting := func() int {
			n := 0
			for {
				r, err := w.db.Read().OldestPasswordRequest(ctx)
				if errors.Is(err, store.ErrNotFound) {
					return n
				}
				must(t, err)
				w.tx(func(tx *store.Tx) error { _, err := tx.TakePasswordRequest(ctx, r.ID); return err })
				n++
			}
		}
		// One login ID, from many networks: the first ten are looked at, and nobody is told that the others are not.
		for _, login := range []string{"tanaka", "nobody"} {
			for i := range 14 {
				must(t, w.Request(from(ctx, fmt.Sprintf("198.51.100.%d", i)), web.Customer, login, templates.Ja))
			}
			if n := waiting(); n != 10 {
				t.Errorf("%s: %d requests wait, want 10", login, n)
			}
		}
		// One network, many login IDs: the 31st is told to wait until the next hour.
		for i := range 30 {
			must(t, w.Request(from(ctx, "203.0.113.9"), web.Customer, fmt.Sprint("person", i), templates.Ja))
		}
		for range 3 {
			b := budget(w.Request(from(ctx, "203.0.113.9"), web.Customer, "tanaka", templates.Ja))
			if b == nil || b.All || b.Wait != 55*time.Minute {
				t.Errorf("the next request of the network: %+v", b)
			}
		}
		must(t, w.Request(from(ctx, "203.0.113.10"), web.Customer, "someone", templates.Ja))
		if n := waiting(); n != 31 {
			t.Errorf("%d requests wait, want 31", n)
		}
		if diff := cmp.Diff([]string{"refused throttled"}, w.outcomes()); diff != "" {
			t.Errorf("the log of refusals (-want +got):\n%s", diff)
		}
		w.clock.pass(55 * time.Minute)
		must(t, w.Request(from(ctx, "203.0.113.9"), web.Customer, "tanaka", templates.Ja))
		// All together: 100 of this hour are gone with the first.
		for i := range 99 {
			must(t, w.Request(from(ctx, fmt.Sprintf("2001:db8:0:%d::1", i)), web.Customer, fmt.Sprint("person", i), templates.Ja))
		}
		b := budget(w.Request(from(ctx, "2001:db8:1::1"), web.Customer, "tanaka", templates.Ja))
		if b == nil || !b.All || b.Wait != time.Hour {
			t.Errorf("the 101st request: %+v", b)
		}
	}, func(c *password.Config) { c.Limits.GlobalHour = 100 })
}

// A request that waited while nobody answered is not answered when nobody waits any more.
func TestLateRequestsComeToNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.customer("tanaka")
		must(t, w.Request(t.Context(), web.Customer, "tanaka", templates.Ja))
		w.clock.pass(30*time.Minute + time.Second)
		must(t, w.AnswerRequests(t.Context()))
		if told := w.told(); len(told) != 0 {
			t.Errorf("mails: %v", told)
		}
		if diff := cmp.Diff([]string{"refused too_late tanaka"}, w.outcomes()); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
	})
}

// Several servers answer requests: each is answered once.
func TestI30_OneOfManyServersAnswers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const people = 20
		for i := range people {
			w.customer(fmt.Sprint("person", i))
			must(t, w.Request(t.Context(), web.Customer, fmt.Sprint("person", i), templates.Ja))
		}
		ctx, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() { w.Run(ctx) })
		}
		deadline := time.Now().Add(20 * time.Second)
		for len(w.outcomes()) < people && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(50 * time.Millisecond) // for what would come twice
		stop()
		group.Wait()
		if told := w.told(); len(told) != people {
			t.Errorf("%d links for %d requests", len(told), people)
		}
		if n := len(w.outcomes()); n != people {
			t.Errorf("%d requests in the log", n)
		}
		if w.log.Len() != 0 {
			t.Errorf("the log says\n%s", w.log)
		}
	})
}

// What cannot be answered is dropped and said in the log; what comes behind it is answered.
func TestABadRequestDoesNotHoldUpTheOthers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.customer("tanaka")
		must(t, w.Request(ctx, web.Customer, "tanaka", templates.Ja))
		w.clock.pass(time.Second)
		must(t, w.Request(ctx, web.Customer, "nobody", templates.Ja))
		must(t, w.AnswerRequests(ctx))
		if diff := cmp.Diff([]string{"refused unknown_account nobody"}, w.outcomes()); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		if !strings.Contains(w.log.String(), "level=ERROR") || strings.Contains(w.log.String(), "ticket=") {
			t.Errorf("the log says\n%s", w.log)
		}
		if _, err := w.db.Read().OldestPasswordRequest(ctx); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a request is left: %v", err)
		}
	}, func(c *password.Config) {
		// An outbox without texts cannot write the mail.
		master, _ := seal.NewMasterKey()
		wrapped, err := seal.Generate(master)
		if err != nil {
			panic(err)
		}
		box, err := seal.New(master, wrapped)
		if err != nil {
			panic(err)
		}
		if c.Outbox, err = delivery.New(delivery.Config{DB: c.DB, Box: box, Templates: &templates.Set{}, Now: c.Now, Logger: c.Logger}); err != nil {
			panic(err)
		}
	})
}

func TestStaffSendsALink(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.customer("tanaka")
		send := func() (refused string) {
			t.Helper()
			w.tx(func(tx *store.Tx) error {
				var err error
				refused, err = w.SendLink(ctx, tx, w.row(id), w.clock.now())
				return err
			})
			return refused
		}
		// What others cause must not keep staff from helping.
		for range 10 {
			w.ask(web.Customer, "tanaka")
		}
		former := w.ask(web.Customer, "tanaka")
		if former != "" {
			t.Fatal("the budget of the person is not used up")
		}
		if refused := send(); refused != "" {
			t.Fatalf("refused: %s", refused)
		}
		mails := w.mails()
		if len(mails) != 1 || mails[0].To != "tanaka@example.jp" || !strings.Contains(mails[0].Text, "ご契約の事業者から") {
			t.Fatalf("mails: %+v", mails)
		}
		secret := w.secretOf(mails[0])
		must(t, w.Reset(ctx, web.Customer, secret, fresh, templates.Ja))
		for range 2 {
			if refused := send(); refused != "" {
				t.Errorf("refused: %s", refused)
			}
		}
		if refused := send(); refused != password.ReasonTooMany {
			t.Errorf("the fourth in an hour: %q", refused)
		}
		w.address(id, "")
		if refused := send(); refused != password.ReasonAddress {
			t.Errorf("no address: %q", refused)
		}
		w.tx(func(tx *store.Tx) error { _, err := w.accounts.SetDisabled(ctx, tx, id, true); return err })
		if refused := send(); refused != password.ReasonDisabled {
			t.Errorf("disabled: %q", refused)
		}
	})
}

// An operator's link leads to the pages of operators.
func TestOperatorsHavePagesOfTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.account(account.KindOperator, "root")
		must(t, w.Request(t.Context(), web.Operator, "root", templates.Ja))
		must(t, w.AnswerRequests(t.Context()))
		mails := w.mails()
		if len(mails) != 1 || !strings.Contains(mails[0].Text, issuer+"/admin/password/reset?ticket=") {
			t.Fatalf("mails: %+v", mails)
		}
		secret := w.secretOf(mails[0])
		wantErr(t, "on the pages of customers", w.Reset(t.Context(), web.Customer, secret, fresh, templates.Ja), password.ErrTicket)
		must(t, w.Reset(t.Context(), web.Operator, secret, fresh, templates.Ja))
	})
}
