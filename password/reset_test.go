package password_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/password"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

func TestI11_ResetEndsEverything(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, bystander := w.customer("tanaka"), w.customer("suzuki")
		w.factor(id, "tanaka-2fa@example.jp")
		session, token := w.session(id, signin.Password, signin.Email)
		stranger, spared := w.session(bystander, signin.Password)
		things, others := w.hold(id, session), w.hold(bystander, stranger)
		link := w.link("tanaka")
		must(t, w.Reset(ctx, web.Customer, link, fresh, templates.En))
		if w.alive(token) || !w.alive(spared) {
			t.Errorf("sessions: the account's lives %v, another one's %v", w.alive(token), w.alive(spared))
		}
		if diff := cmp.Diff([]string(nil), w.left(id, things)); diff != "" {
			t.Errorf("of the account (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(everything, w.left(bystander, others)); diff != "" {
			t.Errorf("of another account (-want +got):\n%s", diff)
		}
		if w.knows(id, former) || !w.knows(id, fresh) || !w.knows(bystander, former) {
			t.Error("the new password is not the one that counts, and of this account alone")
		}
		mails := w.mails()
		var to []string
		for _, m := range mails {
			if m.Kind != "password_changed" || m.Subject != "Futakagi: your password was changed" || linkExpr.MatchString(m.Text) {
				t.Errorf("mail %+v", m)
			}
			to = append(to, m.To)
		}
		if diff := cmp.Diff([]string{"tanaka-2fa@example.jp", "tanaka@example.jp"}, to); diff != "" {
			t.Errorf("notices (-want +got):\n%s", diff)
		}
		rows := w.events("password.reset")
		if len(rows) != 1 || rows[0].Result != "success" || *rows[0].AccountID != id || rows[0].Target != "tanaka" || rows[0].ActorKind != "anonymous" {
			t.Errorf("audit rows: %+v", rows)
		}
	})
}

// I18: a mailbox opens the way to a new password and to nothing else.
func TestI18_ResetWeakensNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.customer("tanaka")
		w.factor(id, "tanaka-2fa@example.jp")
		before, factors := w.row(id), func() []store.Factor {
			f, err := w.db.Read().ListFactors(ctx, id)
			must(t, err)
			return f
		}
		had := factors()
		must(t, w.Reset(ctx, web.Customer, w.link("tanaka"), fresh, templates.Ja))
		if diff := cmp.Diff(had, factors()); diff != "" {
			t.Errorf("factors changed:\n%s", diff)
		}
		after := w.row(id)
		if after.TwoFactor != before.TwoFactor || after.RegisteredEmail != before.RegisteredEmail || after.DisabledAt != nil || after.LastSignInAt != nil {
			t.Errorf("the account became %+v", after)
		}
		sessions, err := w.db.Read().ListSessions(ctx, store.ListSessionsParams{
			AccountID: id, Now: w.clock.now(), IdleSince: w.clock.now().Add(-time.Hour), CredentialEpoch: after.CredentialEpoch,
		})
		if err != nil || len(sessions) != 0 {
			t.Errorf("%d sessions, %v", len(sessions), err)
		}
	})
}

// I19: once, for one account, one purpose and one version of its credentials, within 30 minutes.
func TestI19_WhatALinkIsGoodFor(t *testing.T) {
	for name, spoil := range map[string]func(w *world, id store.AccountID, link string) string{
		"used": func(w *world, _ store.AccountID, link string) string {
			must(w.t, w.Reset(w.t.Context(), web.Customer, link, another, templates.Ja))
			return link
		},
		"30 minutes old": func(w *world, _ store.AccountID, link string) string {
			w.clock.pass(30 * time.Minute)
			return link
		},
		"followed by a newer one": func(w *world, _ store.AccountID, link string) string {
			w.clock.pass(time.Minute)
			w.link("tanaka")
			return link
		},
		"staff set the password": func(w *world, id store.AccountID, link string) string {
			hash, err := w.accounts.HashPassword(w.t.Context(), another, account.OwnerOf(w.row(id)))
			must(w.t, err)
			w.tx(func(tx *store.Tx) error { return w.accounts.SetPassword(w.t.Context(), tx, id, hash) })
			return link
		},
		"the person changed the password": func(w *world, id store.AccountID, link string) string {
			s, _ := w.session(id, signin.Password)
			_, err := w.Change(w.t.Context(), s, former, another, templates.Ja)
			must(w.t, err)
			return link
		},
		"sent to an address that is not the registered one any more": func(w *world, id store.AccountID, link string) string {
			a := w.row(id)
			w.tx(func(tx *store.Tx) error {
				_, err := w.accounts.Update(w.t.Context(), tx, id, account.Profile{
					DisplayName: a.DisplayName, Role: a.Role, RegisteredEmail: "moved@example.jp",
				})
				return err
			})
			return link
		},
		"the account was disabled": func(w *world, id store.AccountID, link string) string {
			w.tx(func(tx *store.Tx) error { _, err := w.accounts.SetDisabled(w.t.Context(), tx, id, true); return err })
			return link
		},
		"disabled and enabled again": func(w *world, id store.AccountID, link string) string {
			for _, off := range []bool{true, false} {
				w.tx(func(tx *store.Tx) error { _, err := w.accounts.SetDisabled(w.t.Context(), tx, id, off); return err })
			}
			return link
		},
		"a factor changed": func(w *world, id store.AccountID, link string) string {
			w.tx(func(tx *store.Tx) error {
				_, err := tx.BeginChange(w.t.Context(), w.clock.now(), w.row(id))
				return err
			})
			return link
		},
		"of another purpose": func(w *world, id store.AccountID, _ string) string {
			secret, hash := web.NewToken()
			epoch := w.row(id).CredentialEpoch
			w.tx(func(tx *store.Tx) error {
				return tx.InsertTicket(w.t.Context(), store.InsertTicketParams{
					ID: store.NewID[store.TicketID](), Purpose: "undo", AccountID: id, SecretHash: hash, CredentialEpoch: &epoch, Data: []byte("{}"),
					Now: w.clock.now(), ExpiresAt: w.clock.now().Add(time.Hour),
				})
			})
			return secret
		},
		"bound to no credentials": func(w *world, id store.AccountID, _ string) string {
			secret, hash := web.NewToken()
			w.tx(func(tx *store.Tx) error {
				return tx.InsertTicket(w.t.Context(), store.InsertTicketParams{
					ID: store.NewID[store.TicketID](), Purpose: "password", AccountID: id, SecretHash: hash, Data: []byte("{}"),
					Now: w.clock.now(), ExpiresAt: w.clock.now().Add(time.Hour),
				})
			})
			return secret
		},
		"of an account that is gone": func(w *world, _ store.AccountID, _ string) string {
			secret, hash := web.NewToken()
			epoch := int64(1)
			w.tx(func(tx *store.Tx) error {
				return tx.InsertTicket(w.t.Context(), store.InsertTicketParams{
					ID: store.NewID[store.TicketID](), Purpose: "password", AccountID: store.NewID[store.AccountID](), SecretHash: hash,
					CredentialEpoch: &epoch, Data: []byte("{}"), Now: w.clock.now(), ExpiresAt: w.clock.now().Add(time.Hour),
				})
			})
			return secret
		},
		"the hash itself": func(w *world, _ store.AccountID, link string) string { return string(web.HashToken(link)) },
		"guessed":         func(*world, store.AccountID, string) string { secret, _ := web.NewToken(); return secret },
		"empty":           func(*world, store.AccountID, string) string { return "" },
		"cut":             func(_ *world, _ store.AccountID, link string) string { return link[:42] },
		"longer":          func(_ *world, _ store.AccountID, link string) string { return link + "A" },
		"very long":       func(_ *world, _ store.AccountID, link string) string { return strings.Repeat(link, 1000) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				id := w.customer("tanaka")
				secret := spoil(w, id, w.link("tanaka"))
				before := w.row(id)
				_, err := w.Resetting(t.Context(), web.Customer, secret)
				wantErr(t, "the form", err, password.ErrTicket)
				wantErr(t, "the reset", w.Reset(t.Context(), web.Customer, secret, fresh, templates.Ja), password.ErrTicket)
				if diff := cmp.Diff(before, w.row(id)); diff != "" {
					t.Errorf("the account changed:\n%s", diff)
				}
			})
		})
	}
	// A moment before its end a link still works, for whoever looked at it before, and however often.
	each(t, func(t *testing.T, w *world) {
		id := w.customer("tanaka")
		link := w.link("tanaka")
		for range 5 {
			_, err := w.Resetting(t.Context(), web.Customer, link)
			must(t, err)
		}
		w.clock.pass(30*time.Minute - time.Second)
		must(t, w.Reset(t.Context(), web.Customer, link, fresh, templates.Ja))
		if !w.knows(id, fresh) {
			t.Error("the new password does not count")
		}
	})
}

// Of 32 who use one link at once one wins.
func TestI19_OneLinkOneWinner(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.customer("tanaka")
		link := w.link("tanaka")
		epoch := w.row(id).CredentialEpoch
		errs, secrets := make([]error, 32), make([]string, 32)
		var group sync.WaitGroup
		for i := range errs {
			secrets[i] = fresh + " " + string(rune('a'+i%26)) + string(rune('a'+i/26))
			group.Go(func() { errs[i] = w.Reset(t.Context(), web.Customer, link, secrets[i], templates.Ja) })
		}
		group.Wait()
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner < 0:
				winner = i
			case err == nil:
				t.Error("two won")
			case !errors.Is(err, password.ErrTicket):
				t.Errorf("a loser: %v", err)
			}
		}
		if winner < 0 {
			t.Fatal("nobody won")
		}
		if a := w.row(id); a.CredentialEpoch != epoch+1 || !w.knows(id, secrets[winner]) {
			t.Errorf("epoch %d after %d, the winner's password counts: %v", a.CredentialEpoch, epoch, w.knows(id, secrets[winner]))
		}
		if n := len(w.events("password.reset")); n != 1 {
			t.Errorf("%d resets in the log", n)
		}
		if n := len(w.told()); n != 1 {
			t.Errorf("%d notices", n)
		}
	})
}

// A link lost against a change of the credentials beside it.
func TestI19_LinkAgainstStaff(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i := range 10 {
			login := fmt.Sprint("tanaka", i)
			id := w.customer(login)
			link := w.link(login)
			hash, err := w.accounts.HashPassword(t.Context(), another, account.OwnerOf(w.row(id)))
			must(t, err)
			var group sync.WaitGroup
			var reset, set error
			group.Go(func() { reset = w.Reset(t.Context(), web.Customer, link, fresh, templates.Ja) })
			group.Go(func() {
				set = w.db.InTx(t.Context(), func(tx *store.Tx) error { return w.accounts.SetPassword(t.Context(), tx, id, hash) })
			})
			group.Wait()
			must(t, set)
			// Staff's password counts in the end, whoever came first.
			if reset != nil && !errors.Is(reset, password.ErrTicket) || !w.knows(id, another) {
				t.Fatalf("reset: %v; staff's password counts: %v", reset, w.knows(id, another))
			}
			w.told()
		}
	})
}

func TestResetSaysWhatIsWrongAndKeepsTheLink(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.customer("tanaka")
		link := w.link("tanaka")
		before := w.row(id)
		for typed, want := range map[string]string{
			"": templates.MsgPasswordBlank, "abc": templates.MsgPasswordShort, strings.Repeat("long ", 60): templates.MsgPasswordLong,
			"password1": templates.MsgPasswordCommon, "tanaka-tanaka": templates.MsgPasswordContext, "12345678": templates.MsgPasswordSimple,
		} {
			err := w.Reset(t.Context(), web.Customer, link, typed, templates.Ja)
			if diff := cmp.Diff(map[string]string{"password": want}, fields(err)); diff != "" {
				t.Errorf("%q (-want +got, %v):\n%s", typed, err, diff)
			}
		}
		if diff := cmp.Diff(before, w.row(id)); diff != "" {
			t.Errorf("the account changed:\n%s", diff)
		}
		must(t, w.Reset(t.Context(), web.Customer, link, fresh, templates.Ja))
	})
}

// Who tried passwords until they were told to wait signs in with the new one at once.
func TestResetForgetsTheTriesBefore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := from(t.Context(), "192.0.2.7")
		id := w.customer("tanaka")
		var paused *account.ThrottledError
		for range 6 {
			_, err := w.accounts.Verify(ctx, "store", "tanaka", "what was it")
			errors.As(err, &paused)
		}
		if paused == nil {
			t.Fatal("no pause to forget")
		}
		must(t, w.Reset(ctx, web.Customer, w.link("tanaka"), fresh, templates.Ja))
		got, err := w.accounts.Verify(ctx, "store", "tanaka", fresh)
		if err != nil || got.ID != id {
			t.Errorf("sign-in after the reset: %v", err)
		}
	})
}

// Nobody can keep an owner from a new password by filling the mailbox with notices.
func TestResetIsNotStoppedByNotices(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.customer("tanaka")
		link := w.link("tanaka")
		for range 20 {
			w.tx(func(tx *store.Tx) error { return w.NoteSet(t.Context(), tx, w.row(id), w.clock.now()) })
		}
		w.told()
		must(t, w.Reset(t.Context(), web.Customer, link, fresh, templates.Ja))
		if told := w.told(); len(told) != 0 {
			t.Errorf("notices beyond the budget: %v", told)
		}
	})
}

// A link that has not left yet does not leave when it is void.
func TestI11_UnsentLinksAreTakenBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.customer("tanaka")
		must(t, w.Request(t.Context(), web.Customer, "tanaka", templates.Ja))
		must(t, w.AnswerRequests(t.Context()))
		state := func() string {
			rows, err := w.db.Read().ListMessages(t.Context(), store.ListMessagesParams{Since: time.Unix(0, 0), BeforeAt: time.Unix(1<<33, 0), BeforeID: store.MaxID, PageSize: 10})
			if err != nil || len(rows) != 1 {
				t.Fatalf("%d messages, %v", len(rows), err)
			}
			return rows[0].Kind + " " + rows[0].State
		}
		if got := state(); got != "password_reset_link queued" {
			t.Errorf("before: %s", got)
		}
		w.tx(func(tx *store.Tx) error { _, err := w.accounts.SetDisabled(t.Context(), tx, id, true); return err })
		if got := state(); got != "password_reset_link cancelled" {
			t.Errorf("after the account was disabled: %s", got)
		}
	})
}
