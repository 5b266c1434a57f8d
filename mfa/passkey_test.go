package mfa_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/mfa/webauthntest"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// phoneKey is a telephone that verifies its user and finds its passkeys, plainKey a key that is only touched.
func phoneKey() *webauthntest.Authenticator {
	return &webauthntest.Authenticator{Origin: passkeyOrigin, Verifies: true, Discovers: true, BackupEligible: true, BackedUp: true}
}

func plainKey() *webauthntest.Authenticator {
	return &webauthntest.Authenticator{Origin: passkeyOrigin, Counts: true}
}

// answerTo lets an authenticator answer.
func answerTo(t *testing.T, do func([]byte, ...webauthntest.Tamper) ([]byte, error), options json.RawMessage, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatalf("options: %v", err)
	}
	answer, err := do(options)
	if err != nil {
		t.Fatalf("authenticator: %v", err)
	}
	return answer
}

// enrolPasskey sets up a passkey inside a sign-in.
func (w *world) enrolPasskey(id store.AccountID, key *webauthntest.Authenticator) store.Flow {
	w.t.Helper()
	f := w.flow(id)
	options, err := w.PasskeySetUp(w.t.Context(), f)
	secret, err := w.SetUpPasskey(w.t.Context(), f, "会社のノートPC", answerTo(w.t, key.Create, options, err), templates.Ja)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.next(f, secret)
}

// provePasskey uses a passkey as the second factor.
func (w *world) provePasskey(f store.Flow, key *webauthntest.Authenticator, tampers ...webauthntest.Tamper) (string, error) {
	w.t.Helper()
	options, err := w.PasskeyChallenge(w.t.Context(), f)
	if err != nil {
		return "", err
	}
	answer, err := key.Get(options, tampers...)
	if err != nil {
		w.t.Fatal(err)
	}
	done, err := w.VerifyPasskey(w.t.Context(), f, answer, false)
	return done.Secret, err
}

// stranger makes a sign-in that nobody has said who they are in.
func (w *world) stranger(surface string) store.Flow {
	w.t.Helper()
	_, hash := web.NewToken()
	f := store.Flow{ID: store.NewID[store.FlowID](), SecretHash: hash}
	w.tx(func(tx *store.Tx) error {
		return tx.InsertFlow(w.t.Context(), store.InsertFlowParams{
			ID: f.ID, SecretHash: hash, SurfaceID: surface, Request: json.RawMessage("{}"), ReturnTo: "/account/security",
			Evidence: json.RawMessage("[]"), Now: w.clock.now(), ExpiresAt: w.clock.now().Add(time.Hour),
		})
	})
	return w.reload(f)
}

func (w *world) login(f store.Flow, key *webauthntest.Authenticator, tampers ...webauthntest.Tamper) (string, error) {
	w.t.Helper()
	options, err := w.PasskeyLogin(w.t.Context(), f)
	if err != nil {
		return "", err
	}
	answer, err := key.Get(options, tampers...)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.VerifyLogin(w.t.Context(), f, answer)
}

func evidenceOf(t *testing.T, f store.Flow) signin.EvidenceList {
	t.Helper()
	l, err := signin.ParseEvidence(f.Evidence)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestM15_SetUpAPasskey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("tanaka", "use")
		key := phoneKey()
		f := w.enrolPasskey(id, key)
		// Making it proved nothing yet (I1): it is used once before the sign-in goes on.
		if l := evidenceOf(t, f); l.Level() != signin.Level1FA || f.BackupBatchID == nil {
			t.Errorf("after making it: %+v", l)
		}
		codesShown, err := w.ForgetFlowCodes(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		f = w.next(f, codesShown)
		if c, err := w.Challenge(ctx, f, ""); err != nil || c.Method != signin.Passkey {
			t.Fatalf("challenge: %+v, %v", c, err)
		}
		secret, err := w.provePasskey(f, key)
		if err != nil {
			t.Fatal(err)
		}
		l := evidenceOf(t, w.next(f, secret))
		if got := strings.Join(l.AMR(true), " ") + " " + l.Level().ACR(); got != "pwd pop user mfa swk phr" {
			t.Errorf("proved %s", got)
		}
		if mails := w.mails(); len(mails) != 1 || mails[0].Kind != delivery.KindSetUp {
			t.Errorf("notices: %+v", mails)
		}
	})
}

func TestI8_AnswersAreJudgedOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, other := w.account("sato", "use"), w.account("suzuki", "use")
		key, othersKey := plainKey(), plainKey()
		w.enrolPasskey(id, key)
		w.enrolPasskey(other, othersKey)

		f := w.flow(id)
		options, err := w.PasskeyChallenge(ctx, f)
		answer := answerTo(t, key.Get, options, err)
		_, err = w.VerifyPasskey(ctx, w.flow(id), answer, false)
		wantErr(t, "in another sign-in of the account", err, mfa.ErrNotBegun)
		_, err = w.VerifyPasskey(ctx, w.flow(other), answer, false)
		wantErr(t, "in another account's sign-in", err, mfa.ErrNotBegun)
		if _, err := w.VerifyPasskey(ctx, f, answer, false); err != nil {
			t.Fatalf("the answer: %v", err)
		}

		f = w.flow(id)
		options, err = w.PasskeyChallenge(ctx, f)
		answer = answerTo(t, key.Get, options, err)
		if _, err = w.VerifyPasskey(ctx, f, []byte(`{"id":"x"}`), false); !errors.Is(err, mfa.ErrPasskey) {
			t.Errorf("nonsense: %v", err)
		}
		_, err = w.VerifyPasskey(ctx, f, answer, false)
		wantErr(t, "after nonsense used the challenge up", err, mfa.ErrNotBegun)

		f = w.flow(id)
		options, err = w.PasskeyChallenge(ctx, f)
		answer = answerTo(t, key.Get, options, err)
		if _, err := w.PasskeyChallenge(ctx, f); err != nil {
			t.Fatal(err)
		}
		_, err = w.VerifyPasskey(ctx, f, answer, false)
		wantErr(t, "after another was drawn", err, mfa.ErrPasskey)

		f = w.flow(id)
		options, err = w.PasskeyChallenge(ctx, f)
		answer = answerTo(t, key.Get, options, err)
		w.clock.pass(5 * time.Minute)
		_, err = w.VerifyPasskey(ctx, f, answer, false)
		wantErr(t, "after five minutes", err, mfa.ErrNotBegun)

		// One answer, many at once: one wins.
		f = w.flow(id)
		options, err = w.PasskeyChallenge(ctx, f)
		answer = answerTo(t, key.Get, options, err)
		won, _ := parallel(16, func() error {
			_, err := w.VerifyPasskey(ctx, f, answer, false)
			return err
		})
		if won != 1 {
			t.Errorf("%d won", won)
		}
	})
}

func TestI8_ACopiedKeyIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.account("sato", "use")
		key := plainKey()
		w.enrolPasskey(id, key)
		if _, err := w.provePasskey(w.flow(id), key); err != nil {
			t.Fatal(err)
		}
		_, err := w.provePasskey(w.flow(id), key, webauthntest.Tamper{Data: func(d *webauthntest.Data) { d.Count = 1 }})
		wantErr(t, "a counter that went back", err, mfa.ErrPasskey)
		events, lerr := w.db.Read().ListAccountEvents(t.Context(), store.ListAccountEventsParams{AccountID: &id, PageSize: 1})
		if lerr != nil || len(events) != 1 || events[0].Reason != "counter" {
			t.Errorf("audit: %+v, %v", events, lerr)
		}
	})
}

func TestPasskeyIsAWholeSignIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.account("sato", "use")
		key := phoneKey()
		w.enrolPasskey(id, key)
		f := w.stranger("store")
		secret, err := w.login(f, key)
		if err != nil {
			t.Fatal(err)
		}
		f = w.next(f, secret)
		l := evidenceOf(t, f)
		if f.AccountID == nil || *f.AccountID != id || strings.Join(l.AMR(true), " ") != "pop user mfa swk" || l.Level() != signin.LevelPHR {
			t.Errorf("flow of %v with %+v", f.AccountID, l)
		}
	})
}

func TestI1_APasskeyAloneMustVerifyItsUser(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.account("sato", "use")
		key := phoneKey()
		w.enrolPasskey(id, key)
		unverified := webauthntest.Tamper{Data: func(d *webauthntest.Data) { d.Flags &^= webauthntest.UserVerified }}
		_, err := w.login(w.stranger("store"), key, unverified)
		wantErr(t, "in the place of the password", err, mfa.ErrPasskey)
		// Behind the password the same touch is a second factor.
		f := w.flow(id)
		secret, err := w.provePasskey(f, key, unverified)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(evidenceOf(t, w.next(f, secret)).AMR(true), " "); got != "pwd pop user mfa swk" {
			t.Errorf("amr %s", got)
		}
	})
}

func TestI9_LoginByPasskeyTellsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		key := phoneKey()
		w.enrolPasskey(id, key)
		first, err := w.PasskeyLogin(ctx, w.stranger("store"))
		if err != nil {
			t.Fatal(err)
		}
		var options struct {
			Challenge        string            `json:"challenge"`
			AllowCredentials []json.RawMessage `json:"allowCredentials"`
		}
		if err := json.Unmarshal(first, &options); err != nil || len(options.AllowCredentials) != 0 || len(options.Challenge) < 43 {
			t.Errorf("options %s, %v", first, err)
		}
		_, err = w.VerifyLogin(ctx, w.stranger("store"), []byte("{}"))
		wantErr(t, "without options", err, mfa.ErrPasskey)
		_, err = w.login(w.stranger("admin"), key)
		wantErr(t, "at the console", err, mfa.ErrPasskey)
		w.tx(func(tx *store.Tx) error {
			now := w.clock.now()
			_, err := tx.SetAccountDisabled(ctx, store.SetAccountDisabledParams{ID: id, DisabledAt: &now, Now: now})
			return err
		})
		_, err = w.login(w.stranger("store"), key)
		wantErr(t, "of a disabled account", err, mfa.ErrPasskey)
		unknown := phoneKey()
		options2, err := w.PasskeySetUp(ctx, w.flow(w.account("nobody", "use")))
		answerTo(t, unknown.Create, options2, err) // made, and never handed in
		_, err = w.login(w.stranger("store"), unknown)
		wantErr(t, "that nobody has", err, mfa.ErrPasskey)
	})
}

func TestM21_SeveralPasskeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		w.enrol(id, "sato-2fa@example.jp")
		session := w.session(id, signin.Password, signin.Email)
		w.mails()
		keys := []*webauthntest.Authenticator{phoneKey(), plainKey()}
		for i, key := range keys {
			options, err := w.PasskeyAdd(ctx, session)
			done, err := w.AddPasskey(ctx, session, []string{"電話", "鍵"}[i], answerTo(t, key.Create, options, err), templates.Ja)
			if err != nil || done.First || done.Token == "" {
				t.Fatalf("add: %+v, %v", done, err)
			}
		}
		if n := len(w.mails()); n != 4 {
			t.Errorf("%d notices, want one to each of two addresses for each passkey", n)
		}
		list, err := w.Passkeys(ctx, session)
		if err != nil || len(list) != 2 || list[0].Name != "電話" || !list[0].Synced || list[1].Synced {
			t.Fatalf("list: %+v, %v", list, err)
		}
		for _, key := range keys {
			if _, err := w.provePasskey(w.flow(id), key); err != nil {
				t.Errorf("one of two: %v", err)
			}
		}
		// The authenticator is told what it holds already.
		options, err := w.PasskeyAdd(ctx, session)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys[0].Create(options); !errors.Is(err, webauthntest.ErrExcluded) {
			t.Errorf("the same authenticator again: %v", err)
		}
		if err := w.RenamePasskey(ctx, session, list[0].ID, "新しい電話"); err != nil {
			t.Error(err)
		}
		stranger := w.session(w.account("suzuki", "dont_use"), signin.Password)
		wantErr(t, "I14: somebody else's", w.RenamePasskey(ctx, stranger, list[0].ID, "x"), store.ErrNotFound)
		w.clock.pass(6 * time.Minute)
		_, err = w.PasskeyAdd(ctx, session)
		wantErr(t, "I13: without fresh proof", err, mfa.ErrNotFresh)
	})
}

func TestParsePasskeyName(t *testing.T) {
	for typed, want := range map[string]string{"": "Chrome", "  会社の　ノートPC ": "会社の ノートPC", strings.Repeat("あ", 40): strings.Repeat("あ", 40)} {
		if got, err := mfa.ParsePasskeyName(typed, "Chrome"); err != nil || got != want {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
	for typed, want := range map[string]error{strings.Repeat("あ", 41): mfa.ErrNameLong, "a\u202eb": mfa.ErrNameForm, "a\x00b": mfa.ErrNameForm, "\xff": mfa.ErrNameForm} {
		if _, err := mfa.ParsePasskeyName(typed, ""); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", typed, err, want)
		}
	}
}
