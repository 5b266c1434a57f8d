package testapp_test

import (
	"errors"
	"testing"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// A code by SMS is tried until the gateway takes it, is found by its number, and is bound to the issuer's host.
func TestI30_TextCodesArrive(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		const to = "+819012345678"
		first := true
		a.SMS.Refuse = func(delivery.Text) error {
			if !first {
				return nil
			}
			first = false
			return &delivery.SendError{Reply: "503", Err: errors.New("away")}
		}
		send := func(code string, lang templates.Lang) {
			t.Helper()
			if err := a.DB.InTx(t.Context(), func(tx *store.Tx) error {
				return a.Outbox.Code(t.Context(), tx, delivery.CodeMessage{
					AccountID: store.NewID[store.AccountID](), ChallengeID: store.NewID[store.ChallengeID](), Channel: delivery.ChannelSMS,
					To: to, Code: code, Lang: lang, ExpiresAt: a.Clock.Now().Add(10 * time.Minute),
				})
			}); err != nil {
				t.Fatal(err)
			}
			a.Outbox.Wake()
		}
		send("417392", templates.Ja)
		for deadline := time.Now().Add(30 * time.Second); len(a.SMS.Texts(to)) == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			a.Clock.Advance(time.Second)
			a.Outbox.Wake()
		}
		if got := a.TextCode(t, to, 0); got != "417392" {
			t.Errorf("code %s", got)
		}
		send("028451", templates.En)
		if got := a.TextCode(t, to, 1); got != "028451" {
			t.Errorf("second code %s", got)
		}
		if got, want := a.SMS.Texts(to)[1].Body, "028451 is your code (10 min)\n@127.0.0.1 #028451"; got != want {
			t.Errorf("text %q, want %q", got, want)
		}
	})
}
