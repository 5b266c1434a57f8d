package mfa_test

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

var undoLink = regexp.MustCompile(`(?m)^ +https://id\.example\.jp/account/undo\?ticket=([\w-]{43})$`)

// change changes the account's 2FA address and returns the ticket of the link that went to the former one; empty if none did. A
// link that goes to anybody else fails the test.
func (w *world) change(session store.SessionID, to string) string {
	w.t.Helper()
	ctx := w.t.Context()
	row, err := w.db.Read().GetSession(ctx, session)
	if err != nil {
		w.t.Fatal(err)
	}
	former := w.factor(row.AccountID).Address
	if err := w.SendChangeCode(ctx, session, mfa.EmailTo(to), templates.Ja); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.VerifyChangeCode(ctx, session, mfa.EmailTo(to), w.code(to), templates.Ja); err != nil {
		w.t.Fatal(err)
	}
	return w.ticket(former)
}

// ticket takes the mails out and returns the ticket in the one to an address.
func (w *world) ticket(to string) string {
	w.t.Helper()
	ticket := ""
	for _, m := range w.mails() {
		found := undoLink.FindStringSubmatch(m.Text)
		if (found != nil) != strings.Contains(m.Text, "ticket") || found != nil && m.To != to {
			w.t.Errorf("mail to %s has a link:\n%s", m.To, m.Text)
		}
		if found != nil {
			ticket = found[1]
		}
	}
	return ticket
}

// undoable is an account whose address was changed a moment ago, with the ticket that undoes it.
func (w *world) undoable(login string) (store.AccountID, store.SessionID, string) {
	w.t.Helper()
	id, _ := w.enrolled(login)
	session := w.session(id, signin.Password, signin.Email)
	ticket := w.change(session, login+"-new@example.jp")
	if ticket == "" {
		w.t.Fatal("no link came to the former address")
	}
	w.clock.pass(time.Minute)
	return id, session, ticket
}

func TestI18_OnlyTheFormerAddressUndoesAChangeOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, acting, ticket := w.undoable("sato")
		other, pending := w.session(id, signin.Password, signin.Email), w.flow(id)
		grant := w.grant(id, acting)
		w.trustABrowser(id)
		if err := w.SendSignInCode(ctx, pending, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		w.mails()
		epoch := w.row(id).CredentialEpoch

		// To look at it changes nothing, however often.
		for range 2 {
			u, err := w.Undo(ctx, ticket)
			if err != nil || u.Former != "sato-2fa@example.jp" || u.Present != "sato-new@example.jp" || u.Account.ID != id {
				t.Fatalf("page = %+v, %v", u, err)
			}
		}
		if w.row(id).CredentialEpoch != epoch || w.dead(acting) || w.factor(id).Address != "sato-new@example.jp" {
			t.Fatal("the page changed something")
		}

		u, err := w.UndoChange(ctx, ticket, templates.Ja)
		if err != nil || u.Former != "sato-2fa@example.jp" || u.Present != "sato-new@example.jp" {
			t.Fatalf("undone = %+v, %v", u, err)
		}
		f := w.factor(id)
		if f.Address != "sato-2fa@example.jp" || !f.Main || !f.VerifiedAt.Equal(w.clock.now()) {
			t.Errorf("factor = %+v, want the former address verified now", f)
		}
		if !w.dead(acting) || !w.dead(other) || !w.gone(pending) || !w.revoked(grant) || len(w.status(id).Devices) != 0 {
			t.Error("something of the account goes on")
		}
		if acc := w.row(id); acc.CredentialEpoch != epoch+1 || acc.TwoFactor != "use" || w.status(id).BackupCodesLeft != 10 {
			t.Errorf("account = %+v", acc)
		}
		if n := w.events(id, "2fa.undo", "success"); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		want := []string{
			"address_restored sato-2fa@example.jp", "address_restored sato-new@example.jp", "address_restored sato@example.jp",
		}
		if diff := cmp.Diff(want, w.notices()); diff != "" {
			t.Errorf("notices (-want +got):\n%s", diff)
		}

		// The second press of the button reads that it worked; the link itself is used up.
		u, err = w.UndoChange(ctx, ticket, templates.Ja)
		wantErr(t, "pressed twice", err, mfa.ErrJustDone)
		if u.Account.ID != id || w.row(id).CredentialEpoch != epoch+1 || len(w.mails()) != 0 {
			t.Error("the second press did something")
		}
		_, err = w.Undo(ctx, ticket)
		wantErr(t, "page once used", err, mfa.ErrTicket)
		w.clock.pass(time.Minute)
		_, err = w.UndoChange(ctx, ticket, templates.Ja)
		wantErr(t, "once used", err, mfa.ErrTicket)

		// It signs nobody in: the next sign-in asks for the password and a code to the restored address.
		next := w.flow(id)
		if err := w.SendSignInCode(ctx, next, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		w.code("sato-2fa@example.jp")
	})
}

func TestI19_TicketsThatOpenNothing(t *testing.T) {
	for name, spoil := range map[string]func(w *world, id store.AccountID, ticket string) string{
		"none":    func(*world, store.AccountID, string) string { return "" },
		"another": func(*world, store.AccountID, string) string { other, _ := web.NewToken(); return other },
		"altered": func(_ *world, _ store.AccountID, ticket string) string {
			return ticket[:42] + map[bool]string{true: "A", false: "Q"}[ticket[42] != 'A']
		},
		"cut":      func(_ *world, _ store.AccountID, ticket string) string { return ticket[:42] },
		"its hash": func(_ *world, _ store.AccountID, ticket string) string { return string(web.HashToken(ticket)) },
		"too late": func(w *world, _ store.AccountID, ticket string) string {
			w.clock.pass(72*time.Hour - time.Minute)
			return ticket
		},
		"reset":    func(w *world, id store.AccountID, ticket string) string { w.reset(id); return ticket },
		"disabled": func(w *world, id store.AccountID, ticket string) string { w.disable(id, true); return ticket },
		"of another purpose": func(w *world, id store.AccountID, _ string) string {
			secret, hash := web.NewToken()
			w.tx(func(tx *store.Tx) error {
				return tx.InsertTicket(w.t.Context(), store.InsertTicketParams{
					ID: store.NewID[store.TicketID](), Purpose: "password", AccountID: id, SecretHash: hash, Data: []byte(`{"former":"evil@example.com"}`),
					Now: w.clock.now(), ExpiresAt: w.clock.now().Add(time.Hour),
				})
			})
			return secret
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				ctx := t.Context()
				id, _, ticket := w.undoable("sato")
				bad := spoil(w, id, ticket)
				w.mails()
				before, status := w.row(id), w.status(id)
				_, err := w.Undo(ctx, bad)
				wantErr(t, "page", err, mfa.ErrTicket)
				_, err = w.UndoChange(ctx, bad, templates.Ja)
				wantErr(t, "undo", err, mfa.ErrTicket)
				if diff := cmp.Diff(before, w.row(id)) + cmp.Diff(status, w.status(id)); diff != "" || len(w.mails()) != 0 {
					t.Errorf("it changed something:\n%s", diff)
				}
			})
		})
	}
}

// disable disables or enables an account the way its row says it; what else that ends is its package's.
func (w *world) disable(id store.AccountID, disabled bool) {
	w.t.Helper()
	now := w.clock.now()
	at := &now
	if !disabled {
		at = nil
	}
	w.tx(func(tx *store.Tx) error {
		_, err := tx.SetAccountDisabled(w.t.Context(), store.SetAccountDisabledParams{DisabledAt: at, Now: now, ID: id})
		return err
	})
}

func TestI19_UndoTicketsAreStoredHashedAndLiveThreeDays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _, ticket := w.undoable("sato")
		live, err := w.db.Read().ListTickets(ctx, store.ListTicketsParams{AccountID: id, Purpose: store.TicketAddressUndo, Now: w.clock.now()})
		if err != nil || len(live) != 1 {
			t.Fatalf("tickets = %+v, %v", live, err)
		}
		if row := live[0]; !bytes.Equal(row.SecretHash, web.HashToken(ticket)) || strings.Contains(string(row.Data), ticket) || row.CredentialEpoch != nil {
			t.Errorf("ticket = %+v", row)
		}
		// It outlives whatever the person, or whoever took their session, does meanwhile, and works until the last moment.
		session := w.session(id, signin.Password, signin.Email)
		if _, err := w.RegenerateCodes(ctx, session, templates.Ja); err != nil {
			t.Fatal(err)
		}
		if err := w.EndOtherSessions(ctx, session); err != nil {
			t.Fatal(err)
		}
		w.clock.pass(72*time.Hour - time.Minute - time.Second)
		if _, err := w.UndoChange(ctx, ticket, templates.Ja); err != nil {
			t.Fatalf("a second before its end: %v", err)
		}
		if got := w.factor(id).Address; got != "sato-2fa@example.jp" {
			t.Errorf("address is %s", got)
		}
	})
}

func TestUndoOfAFactorThatWasRemovedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		// With another method left, the address comes back behind it.
		id, session, ticket := w.undoable("sato")
		w.with(id, signin.TOTP, "")
		if _, err := w.RemoveFactor(ctx, session, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		w.mails()
		u, err := w.Undo(ctx, ticket)
		if err != nil || u.Present != "" {
			t.Errorf("page = %+v, %v; want nothing in force", u, err)
		}
		if _, err := w.UndoChange(ctx, ticket, templates.Ja); err != nil {
			t.Fatal(err)
		}
		if got := w.order(id); got != "totp email" || w.factor(id).Address != "sato-2fa@example.jp" {
			t.Errorf("order is %s, address %s", got, w.factor(id).Address)
		}
		if diff := cmp.Diff([]string{"address_restored sato-2fa@example.jp", "address_restored sato@example.jp"}, w.notices()); diff != "" {
			t.Errorf("notices (-want +got):\n%s", diff)
		}

		// With nothing left, it is the main one.
		id, session, ticket = w.undoable("suzuki")
		w.tx(func(tx *store.Tx) error {
			_, err := tx.SetTwoFactor(ctx, store.SetTwoFactorParams{TwoFactor: "dont_use", Now: w.clock.now(), ID: id, Former: "use"})
			return err
		})
		if _, err := w.RemoveFactor(ctx, session, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		if _, err := w.UndoChange(ctx, ticket, templates.Ja); err != nil {
			t.Fatal(err)
		}
		if got := w.order(id); got != "email" || !w.factor(id).Main || w.factor(id).Address != "suzuki-2fa@example.jp" {
			t.Errorf("order is %s, factor %+v", got, w.factor(id))
		}
	})
}

// Of several changes in a row each can be undone from its own former address; the oldest wins, since it is the one that was there
// before anybody slipped in.
func TestI18_TheOldestAddressWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, session, first := w.undoable("sato")
		second := w.change(session, "sato-third@example.jp")
		w.clock.pass(time.Minute)
		if second == "" || second == first {
			t.Fatal("the second change has no link of its own")
		}
		if _, err := w.UndoChange(ctx, second, templates.Ja); err != nil {
			t.Fatal(err)
		}
		if got := w.factor(id).Address; got != "sato-new@example.jp" {
			t.Errorf("address is %s after the later link", got)
		}
		if _, err := w.UndoChange(ctx, first, templates.Ja); err != nil {
			t.Fatalf("the older link after the later one: %v", err)
		}
		if got := w.factor(id).Address; got != "sato-2fa@example.jp" {
			t.Errorf("address is %s after the older link", got)
		}

		// The other way round the later link is void.
		id, session, first = w.undoable("suzuki")
		second = w.change(session, "suzuki-third@example.jp")
		if _, err := w.UndoChange(ctx, first, templates.Ja); err != nil {
			t.Fatal(err)
		}
		_, err := w.UndoChange(ctx, second, templates.Ja)
		wantErr(t, "a later link", err, mfa.ErrTicket)
		if got := w.factor(id).Address; got != "suzuki-2fa@example.jp" {
			t.Errorf("address is %s", got)
		}
	})
}

func TestI18_GoingBackGivesNoLinkToWhoeverSlippedIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, session, first := w.undoable("sato")
		if ticket := w.change(session, "sato-2fa@example.jp"); ticket != "" {
			t.Error("the address in between can take the going back back")
		}
		// Proving the same address again is no change of it.
		w.clock.pass(time.Minute)
		if ticket := w.change(session, "sato-2fa@example.jp"); ticket != "" {
			t.Error("a link for nothing")
		}
		if _, err := w.UndoChange(ctx, first, templates.Ja); err != nil {
			t.Errorf("the first link: %v", err)
		}
		if got := w.factor(id).Address; got != "sato-2fa@example.jp" {
			t.Errorf("address is %s", got)
		}
	})
}

func TestUndoIsNotStoppedByNotices(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, session, ticket := w.undoable("sato")
		w.with(id, signin.TOTP, "")
		orders := [][]signin.Method{{signin.TOTP, signin.Email}, {signin.Email, signin.TOTP}}
		for i := range 40 {
			if _, err := w.SetOrder(ctx, session, orders[i%2], templates.Ja); err != nil {
				wantErr(t, "change", err, mfa.ErrTooManySends)
				break
			} else if i == 39 {
				t.Fatal("changes without end")
			}
		}
		w.mails()
		if _, err := w.UndoChange(ctx, ticket, templates.Ja); err != nil {
			t.Fatal(err)
		}
		if got := w.factor(id).Address; got != "sato-2fa@example.jp" || !w.dead(session) {
			t.Errorf("address is %s", got)
		}
	})
}

func TestI19_OfParallelUndosOneWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _, ticket := w.undoable("sato")
		epoch := w.row(id).CredentialEpoch
		ends := race(t, 12, func(int) error {
			_, err := w.UndoChange(ctx, ticket, templates.Ja)
			return err
		})
		if ends["ok"] != 1 || ends[mfa.ErrJustDone.Error()] != 11 {
			t.Errorf("ends = %v, want one winner", ends)
		}
		if n := w.events(id, "2fa.undo", "success"); n != 1 || w.row(id).CredentialEpoch != epoch+1 {
			t.Errorf("%d events, epoch raised by %d", n, w.row(id).CredentialEpoch-epoch)
		}
	})
}

// Whatever happens beside it, the former address is in force afterwards and nothing that was there before opens anything.
func TestI11_UndoBesideEverythingElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for _, login := range []string{"sato", "suzuki", "tanaka"} {
			id, session, first := w.undoable(login)
			w.with(id, signin.TOTP, "")
			second := w.change(session, login+"-third@example.jp")
			w.clock.pass(time.Minute)
			const fourth = "fourth@example.com"
			if err := w.SendChangeCode(ctx, session, mfa.EmailTo(login+fourth), templates.Ja); err != nil {
				t.Fatal(err)
			}
			code := w.code(login + fourth)
			flows := []store.Flow{w.flow(id), w.flow(id), w.flow(id)}
			made := make([]store.SessionID, 18)
			var undone bool
			ends := race(t, len(made), func(i int) error {
				var err error
				switch i % 6 {
				case 0:
					if _, err = w.UndoChange(ctx, first, templates.Ja); err == nil {
						undone = true // once: of them one wins
					}
				case 1:
					_, err = w.UndoChange(ctx, second, templates.Ja)
				case 2:
					_, err = w.VerifyChangeCode(ctx, session, mfa.EmailTo(login+fourth), code, templates.Ja)
				case 3:
					_, err = w.RemoveFactor(ctx, session, signin.Email, templates.Ja)
				case 4:
					_, err = w.SetOrder(ctx, session, []signin.Method{signin.TOTP, signin.Email}, templates.Ja)
				default:
					made[i], err = w.finish(flows[i/6], i < 6)
					if err != nil {
						made[i] = ""
					}
				}
				return err
			})
			if got := w.factor(id).Address; got != login+"-2fa@example.jp" || !undone {
				t.Errorf("address is %s, undone %v (ends %v)", got, undone, ends)
			}
			for _, s := range append(slices.DeleteFunc(made, func(s store.SessionID) bool { return s == "" }), session) {
				if !w.dead(s) {
					t.Errorf("a session goes on (ends %v)", ends)
				}
			}
			for _, f := range flows {
				if !w.gone(f) {
					t.Error("a sign-in goes on")
				}
			}
			_, err := w.Undo(ctx, second)
			wantErr(t, "the later link", err, mfa.ErrTicket)
			w.clock.pass(time.Hour)
			w.mails()
		}
	})
}

func TestM18_DriftIsToldWithoutTellingAddresses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		// register changes the registered address, as staff does.
		register := func(id store.AccountID, address string) {
			t.Helper()
			before := w.row(id)
			w.tx(func(tx *store.Tx) error {
				if _, err := tx.UpdateAccountProfile(ctx, store.UpdateAccountProfileParams{
					DisplayName: before.DisplayName, SearchKey: before.SearchKey, Role: before.Role, RegisteredEmail: address, Now: w.clock.now(), ID: id,
				}); err != nil {
					return err
				}
				after, err := tx.GetAccount(ctx, id)
				if err != nil {
					return err
				}
				return w.NoteRegisteredChange(ctx, tx, before, after, w.clock.now())
			})
		}
		id, _ := w.enrolled("sato")
		if w.status(id).Drift {
			t.Error("drift although nothing was changed")
		}
		w.clock.pass(time.Hour)
		register(id, "sato.moved@example.com")
		if !w.status(id).Drift {
			t.Error("no drift after a change of the registered address")
		}
		var to []string
		for _, m := range w.mails() {
			if m.Kind != delivery.KindRegisteredChanged || strings.Contains(m.Text, "@") || strings.Contains(m.Text, "•") {
				t.Errorf("mail %s to %s:\n%s", m.Kind, m.To, m.Text)
			}
			to = append(to, m.To)
		}
		if diff := cmp.Diff([]string{"sato-2fa@example.jp", "sato@example.jp", "sato.moved@example.com"}, to); diff != "" {
			t.Errorf("notices to (-want +got):\n%s", diff)
		}
		register(id, "sato.moved@example.com")
		if n := len(w.mails()); n != 0 {
			t.Errorf("%d mails although nothing was changed", n)
		}

		// Where the two are one mailbox, or codes do not go by mail, nobody is sent looking for codes; the change itself is told.
		register(id, "SATO-2fa@example.jp")
		other := w.account("suzuki", "use")
		w.with(other, signin.TOTP, "")
		register(other, "suzuki.moved@example.com")
		for _, m := range w.mails() {
			if m.Kind != delivery.KindRegisteredChanged || strings.Contains(m.Text, "二要素認証のメールアドレス") {
				t.Errorf("mail %s to %s:\n%s", m.Kind, m.To, m.Text)
			}
		}
		if w.status(id).Drift || w.status(other).Drift {
			t.Errorf("drift %v and %v", w.status(id).Drift, w.status(other).Drift)
		}

		// Proving the address again, or another one, ends it.
		register(id, "sato.moved@example.com")
		w.mails()
		w.clock.pass(time.Minute)
		w.change(w.session(id, signin.Password, signin.Email), "sato-new@example.jp")
		if w.status(id).Drift {
			t.Error("drift after the person proved where codes go")
		}
	})
}

func TestIssuerOfLinksIsChecked(t *testing.T) {
	for _, issuer := range []string{"", "id.example.jp", "ftp://id.example.jp", "https://", "://"} {
		if _, err := mfa.New(mfa.Config{Issuer: issuer}); err == nil || !strings.Contains(err.Error(), "issuer") {
			t.Errorf("issuer %q: %v", issuer, err)
		}
	}
	if _, err := mfa.New(mfa.Config{Issuer: "https://id.example.jp"}); err == nil || errors.Is(err, mfa.ErrTicket) || strings.Contains(err.Error(), "issuer") {
		t.Errorf("a good issuer and nothing else: %v", err)
	}
}
