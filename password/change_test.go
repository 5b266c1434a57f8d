package password_test

import (
	"errors"
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
)

// everything is what world.hold gives, in the order in which world.left lists it.
var everything = []string{"flow", "grant", "code", "message", "device"}

func TestI11_ChangeEndsEverythingButTheActingSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, bystander := w.customer("tanaka"), w.customer("suzuki")
		w.factor(id, "tanaka-2fa@example.jp")
		mine, former2 := w.session(id, signin.Password, signin.Email)
		theirs, token := w.session(id, signin.Password, signin.Email)
		stranger, _ := w.session(bystander, signin.Password)
		own, other, spared := w.hold(id, mine), w.hold(id, theirs), w.hold(bystander, stranger)
		link := w.link("tanaka")

		renewed, err := w.Change(ctx, mine, former, fresh, templates.Ja)
		must(t, err)
		if w.alive(token) {
			t.Error("the other session lives on")
		}
		if w.alive(former2) || !w.alive(renewed) {
			t.Error("the acting session did not go on under a new token alone (I10)")
		}
		if diff := cmp.Diff([]string{"grant"}, w.left(id, own)); diff != "" {
			t.Errorf("of the acting session's things (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string(nil), w.left(id, other)); diff != "" {
			t.Errorf("of everything else (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(everything, w.left(bystander, spared)); diff != "" {
			t.Errorf("of another account (-want +got):\n%s", diff)
		}
		wantErr(t, "link from before", w.Reset(ctx, "store", link, another, templates.Ja), password.ErrTicket)
		if w.knows(id, former) || !w.knows(id, fresh) {
			t.Error("the new password is not the one that counts")
		}
		if a := w.row(id); a.PasswordChangedAt == nil || !a.PasswordChangedAt.Equal(w.clock.now()) {
			t.Errorf("password changed at %v", a.PasswordChangedAt)
		}
		if diff := cmp.Diff([]string{"password_changed tanaka-2fa@example.jp", "password_changed tanaka@example.jp"}, w.told()); diff != "" {
			t.Errorf("notices (-want +got):\n%s", diff)
		}
		rows := w.events("password.change")
		if len(rows) != 1 || rows[0].Result != "success" || rows[0].ActorID != string(id) || *rows[0].AccountID != id {
			t.Errorf("audit rows: %+v", rows)
		}
		// What was proved in the session stays what it was.
		s, err := w.db.Read().GetSession(ctx, mine)
		must(t, err)
		proved, err := signin.ParseEvidence(s.Evidence)
		if err != nil || proved.Level() != signin.Level2FAEmail {
			t.Errorf("evidence is %s, %v", s.Evidence, err)
		}
	})
}

func TestI13_ChangeNeedsAFreshProofOfEverything(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.customer("tanaka")
		w.factor(id, "tanaka-2fa@example.jp")
		before := w.row(id)
		try := func(s store.SessionID) error {
			_, err := w.Changing(ctx, s)
			_, cerr := w.Change(ctx, s, former, fresh, templates.Ja)
			if !errors.Is(cerr, err) {
				t.Errorf("the form says %v, the change %v", err, cerr)
			}
			return cerr
		}
		half, _ := w.session(id, signin.Password)
		wantErr(t, "password alone", try(half), password.ErrNotFresh)
		full, _ := w.session(id, signin.Password, signin.Email)
		w.clock.pass(5*time.Minute + time.Second)
		wantErr(t, "five minutes later", try(full), password.ErrNotFresh)
		wantErr(t, "no session", try(store.NewID[store.SessionID]()), password.ErrSessionGone)
		over, _ := w.session(id, signin.Password, signin.Email)
		w.tx(func(tx *store.Tx) error {
			now := w.clock.now()
			_, err := tx.CloseSession(ctx, store.CloseSessionParams{Now: &now, ID: over, AccountID: id})
			return err
		})
		wantErr(t, "session that ended", try(over), password.ErrSessionGone)
		if diff := cmp.Diff(before, w.row(id)); diff != "" {
			t.Errorf("the account changed:\n%s", diff)
		}
		if n := len(w.events("signin.password")); n != 0 {
			t.Errorf("%d passwords were tried", n)
		}
		// Whoever has no second factor proves the password alone.
		plain := w.customer("suzuki")
		s, _ := w.session(plain, signin.Password)
		_, err := w.Change(ctx, s, former, fresh, templates.Ja)
		must(t, err)
	})
}

// The present password is asked for however the session was proved, and a wrong one is counted where sign-in counts it.
func TestI7_WrongPresentPasswordsAreCountedAsAtSignIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.customer("tanaka")
		var tokens []string
		var sessions []store.SessionID
		for range 3 {
			s, token := w.session(id, signin.Password)
			sessions, tokens = append(sessions, s), append(tokens, token)
		}
		before := w.row(id)
		for i := range 5 { // whatever session they come from
			_, err := w.Change(ctx, sessions[i%3], "not the password", fresh, templates.Ja)
			wantErr(t, "wrong", err, password.ErrWrongPassword)
		}
		_, err := w.Change(ctx, sessions[0], former, fresh, templates.Ja)
		paused, ok := errors.AsType[*account.ThrottledError](err)
		if !ok || !paused.Until.After(w.clock.now()) {
			t.Fatalf("the sixth try: %v", err)
		}
		if _, err := w.accounts.Verify(ctx, "store", "tanaka", former); !errors.As(err, &paused) {
			t.Errorf("a sign-in beside it: %v", err)
		}
		if diff := cmp.Diff(before, w.row(id)); diff != "" {
			t.Errorf("the account changed:\n%s", diff)
		}
		for _, token := range tokens {
			if !w.alive(token) {
				t.Error("a session ended")
			}
		}
		if n := len(w.events("password.change")); n != 0 {
			t.Errorf("%d changes in the log", n)
		}
		// The pause ends, and the right password makes up for the wrong ones.
		w.clock.pass(time.Minute + time.Second)
		_, err = w.Change(ctx, sessions[0], former, fresh, templates.Ja)
		must(t, err)
		for range 4 {
			if w.knows(id, "not the password") {
				t.Fatal("a wrong password is right")
			}
		}
		if !w.knows(id, fresh) {
			t.Error("the tries before the change still count")
		}
	})
}

func TestChangeSaysWhatIsWrong(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.customer("tanaka")
		s, token := w.session(id, signin.Password)
		before := w.row(id)
		for _, c := range []struct {
			name, current, next string
			want                map[string]string
		}{
			{"both blank", "", "", map[string]string{"current": templates.MsgCurrentBlank, "password": templates.MsgPasswordBlank}},
			{"current blank", "", fresh, map[string]string{"current": templates.MsgCurrentBlank}},
			{"new blank", former, "", map[string]string{"password": templates.MsgPasswordBlank}},
			{"short", former, "abc", map[string]string{"password": templates.MsgPasswordShort}},
			{"long", former, strings.Repeat("long ", 60), map[string]string{"password": templates.MsgPasswordLong}},
			{"common", former, "password1", map[string]string{"password": templates.MsgPasswordCommon}},
			{"the login ID", former, "tanaka-tanaka", map[string]string{"password": templates.MsgPasswordContext}},
			{"the same", former, former, map[string]string{"password": templates.MsgPasswordSame}},
			{"the same in another width", former, "ｃｏｒｒｅｃｔ horse battery", map[string]string{"password": templates.MsgPasswordSame}},
		} {
			_, err := w.Change(t.Context(), s, c.current, c.next, templates.Ja)
			if diff := cmp.Diff(c.want, fields(err)); diff != "" {
				t.Errorf("%s (-want +got, %v):\n%s", c.name, err, diff)
			}
		}
		// None of that was a try of the present password, nor did it change anything.
		if n := len(w.events("signin.password")); n != 0 {
			t.Errorf("%d passwords were tried", n)
		}
		if diff := cmp.Diff(before, w.row(id)); diff != "" || !w.alive(token) {
			t.Errorf("the account changed:\n%s", diff)
		}
	})
}

// An operator who does without a second factor needs a longer password.
func TestChangeAsksOperatorsForMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.account(account.KindOperator, "root")
		s, _ := w.session(id, signin.Password)
		c, err := w.Changing(t.Context(), s)
		must(t, err)
		if c.Min != 15 || c.LoginID != "root" {
			t.Errorf("the form asks for %+v", c)
		}
		_, err = w.Change(t.Context(), s, former, "walnut ferry", templates.Ja)
		if e, ok := errors.AsType[*account.ValidationError](err); !ok || e.Fields["password"] != templates.MsgPasswordShort || e.Args("password")[1] != 15 {
			t.Errorf("12 characters: %v", err)
		}
		_, err = w.Change(t.Context(), s, former, fresh, templates.Ja)
		must(t, err)
	})
}

// Of many at once one change comes first; the others find the password or the session changed, and nothing is half done.
func TestChangeAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.customer("tanaka")
		s, _ := w.session(id, signin.Password)
		epoch := w.row(id).CredentialEpoch
		const n = 4 // fewer than the tries that pause
		errs, tokens := make([]error, n), make([]string, n)
		var group sync.WaitGroup
		for i := range n {
			group.Go(func() { tokens[i], errs[i] = w.Change(t.Context(), s, former, fresh, templates.Ja) })
		}
		group.Wait()
		won := 0
		for i, err := range errs {
			switch {
			case err == nil:
				won++
				if !w.alive(tokens[i]) {
					t.Error("the winner's token opens nothing")
				}
			case !errors.Is(err, password.ErrSessionGone) && !errors.Is(err, password.ErrWrongPassword):
				t.Errorf("a loser: %v", err)
			}
		}
		if a := w.row(id); won != 1 || a.CredentialEpoch != epoch+1 {
			t.Errorf("%d changes, epoch %d after %d", won, a.CredentialEpoch, epoch)
		}
		if n := len(w.events("password.change")); n != 1 {
			t.Errorf("%d changes in the log", n)
		}
	})
}

// I26: a mailbox is not filled by changes, and an address that cannot be sent to does not stop one.
func TestI26_ChangeAndItsNotices(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.customer("tanaka")
		secrets := []string{former, fresh}
		s, _ := w.session(id, signin.Password)
		for i := range 20 {
			_, err := w.Change(ctx, s, secrets[i%2], secrets[(i+1)%2], templates.Ja)
			must(t, err)
		}
		before := w.row(id)
		_, err := w.Change(ctx, s, former, fresh, templates.Ja)
		wantErr(t, "21st change in an hour", err, password.ErrTooManyNotices)
		if diff := cmp.Diff(before, w.row(id)); diff != "" {
			t.Errorf("the account changed:\n%s", diff)
		}
		if n := len(w.told()); n != 20 {
			t.Errorf("%d notices", n)
		}

		old := w.customer("suzuki")
		w.address(old, "suzuki at example.jp")
		s, _ = w.session(old, signin.Password)
		_, err = w.Change(ctx, s, former, fresh, templates.Ja)
		must(t, err)
		if told := w.told(); len(told) != 0 {
			t.Errorf("notices: %v", told)
		}
	})
}

// NoteSet tells the same people of a password that staff set, and is never stopped from outside.
func TestNoteSet(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.customer("tanaka")
		w.factor(id, "Tanaka@example.jp") // the registered address, in another case: told once
		note := func() { w.tx(func(tx *store.Tx) error { return w.NoteSet(t.Context(), tx, w.row(id), w.clock.now()) }) }
		note()
		if diff := cmp.Diff([]string{"password_changed Tanaka@example.jp"}, w.told()); diff != "" {
			t.Errorf("notices (-want +got):\n%s", diff)
		}
		for range 30 {
			note()
		}
		if n := len(w.told()); n != 19 {
			t.Errorf("%d more notices in the hour, want 19", n)
		}
	})
}
