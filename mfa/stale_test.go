package mfa_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// stepUp makes a sign-in that a relying party began by asking a session for a level.
func (w *world) stepUp(session store.SessionID, level signin.Level) store.Flow {
	w.t.Helper()
	s, err := w.db.Read().GetSession(w.t.Context(), session)
	if err != nil {
		w.t.Fatal(err)
	}
	_, hash := web.NewToken()
	f := store.Flow{ID: store.NewID[store.FlowID](), SecretHash: hash}
	w.tx(func(tx *store.Tx) error {
		return tx.InsertFlow(w.t.Context(), store.InsertFlowParams{
			ID: f.ID, SecretHash: hash, SurfaceID: "store", Request: json.RawMessage("{}"), ReturnTo: "/account/security",
			RequiredLevel: int64(level), AccountID: &s.AccountID, CredentialEpoch: &s.CredentialEpoch, SessionID: &s.ID,
			Evidence: s.Evidence, Now: w.clock.now(), ExpiresAt: w.clock.now().Add(time.Hour),
		})
	})
	return w.reload(f)
}

// TestI13_AnOldSessionSetsNoFirstFactorUp: whoever finds a session left open asks for a higher level by way of any relying party.
// The sign-in that steps the session up must not let them set up a factor of their own.
func TestI13_AnOldSessionSetsNoFirstFactorUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("suzuki", "dont_use")
		session := w.session(id, signin.Password)
		w.clock.pass(3 * time.Hour)
		f := w.stepUp(session, signin.Level2FA)
		_, err := w.AppSetUp(ctx, f, true)
		wantErr(t, "set up an app", err, mfa.ErrWrongStep)
		_, err = w.PasskeySetUp(ctx, f)
		wantErr(t, "set up a passkey", err, mfa.ErrWrongStep)
		_, err = w.SetUpMethods(ctx, f)
		wantErr(t, "choose", err, mfa.ErrWrongStep)
		wantErr(t, "send a code", w.SendSetUpCode(ctx, f, mfa.Address{Method: signin.SMS, Country: "JP", Text: "090-1234-5678"}, templates.Ja), mfa.ErrWrongStep)

		fresh := w.session(id, signin.Password)
		w.clock.pass(time.Minute)
		if _, err := w.AppSetUp(ctx, w.stepUp(fresh, signin.Level2FA), true); err != nil {
			t.Errorf("a moment after the password: %v", err)
		}
	})
}
