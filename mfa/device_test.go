package mfa_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// limits are how long proofs count in the tests that play the accepting of a password.
var limits = standing.Limits{Customer: 24 * time.Hour, Operator: 12 * time.Hour}

// asked is a sign-in whose password was accepted, begun as change wants it.
func (w *world) asked(id store.AccountID, change func(*store.InsertFlowParams)) store.Flow {
	w.t.Helper()
	_, hash := web.NewToken()
	epoch := w.row(id).CredentialEpoch
	p := store.InsertFlowParams{
		ID: store.NewID[store.FlowID](), SecretHash: hash, SurfaceID: "store", Request: []byte("{}"), ReturnTo: "/account/security",
		AccountID: &id, CredentialEpoch: &epoch, Evidence: w.evidence(signin.Password).Encode(),
		Now: w.clock.now(), ExpiresAt: w.clock.now().Add(time.Hour),
	}
	change(&p)
	w.tx(func(tx *store.Tx) error { return tx.InsertFlow(w.t.Context(), p) })
	return w.reload(store.Flow{ID: p.ID, SecretHash: hash})
}

// surface changes what a surface lets people do.
func (w *world) surface(id string, change func(*store.SetSurfaceMethodsParams)) {
	w.t.Helper()
	w.tx(func(tx *store.Tx) error {
		s, err := tx.GetSurface(w.t.Context(), id)
		if err != nil {
			return err
		}
		p := store.SetSurfaceMethodsParams{
			ID: id, Version: s.UpdatedAt, AllowedMethods: s.AllowedMethods, SecondLevel: s.SecondLevel, TrustDays: s.TrustDays,
			Now: w.clock.now(),
		}
		change(&p)
		if n, err := tx.SetSurfaceMethods(w.t.Context(), p); err != nil || n != 1 {
			w.t.Fatalf("set surface: %d, %v", n, err)
		}
		return nil
	})
}

func days(n int64) func(*store.SetSurfaceMethodsParams) {
	return func(p *store.SetSurfaceMethodsParams) { p.TrustDays = n }
}

// verify answers a sign-in's challenge with the code that is mailed for it.
func (w *world) verify(f store.Flow, address string, trust bool) mfa.Proved {
	w.t.Helper()
	ctx := audit.WithOrigin(w.t.Context(), audit.Origin{
		Address: "192.0.2.24", UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0.0.0 Safari/537.36",
	})
	if err := w.SendSignInCode(ctx, f, signin.Email, templates.Ja); err != nil {
		w.t.Fatal(err)
	}
	done, err := w.VerifySignInCode(ctx, f, signin.Email, w.code(address), trust)
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

// trusted signs in with a mailed code in a browser that is not to be asked again, and returns what that holds.
func (w *world) trusted(id store.AccountID) string {
	w.t.Helper()
	held := w.verify(w.flow(id), w.row(id).LoginID+"-2fa@example.jp", true).Device
	if held == "" {
		w.t.Fatal("the browser was not trusted")
	}
	return held
}

// present plays the moment in which the right password is accepted from a browser that holds something of a device.
func (w *world) present(id store.AccountID, f store.Flow, held string) (proof signin.Evidence, hold string) {
	w.t.Helper()
	proof, hold, err := w.tryPresent(id, f, held)
	if err != nil {
		w.t.Fatal(err)
	}
	return proof, hold
}

func (w *world) tryPresent(id store.AccountID, f store.Flow, held string) (proof signin.Evidence, hold string, err error) {
	ctx, now := w.t.Context(), w.clock.now()
	err = w.db.InTx(ctx, func(tx *store.Tx) error {
		acc, err := tx.GetAccount(ctx, id)
		if err != nil {
			return err
		}
		st, err := standing.OfAccepted(ctx, tx.Queries, f, acc, w.evidence(signin.Password), now, limits)
		if err != nil {
			return err
		}
		proof, hold, err = w.UseDevice(ctx, tx, now, f, st, held)
		return err
	})
	return proof, hold, err
}

// device is the row that a browser's value names.
func (w *world) device(id store.AccountID, held string) (store.TrustedDevice, error) {
	return w.db.Read().GetTrustedDevice(w.t.Context(), store.GetTrustedDeviceParams{
		ID: store.DeviceID(held[:36]), AccountID: id, Now: w.clock.now(),
	})
}

func (w *world) mustDevice(id store.AccountID, held string) store.TrustedDevice {
	w.t.Helper()
	d, err := w.device(id, held)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// alarms takes the waiting mails out and returns those that tell of a voided device.
func (w *world) alarms() []mail {
	w.t.Helper()
	return slices.DeleteFunc(w.mails(), func(m mail) bool { return m.Kind != delivery.KindDeviceVoided })
}

func TestI12_OnlyAProofWithConsentMakesADevice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		f := w.flow(id)
		if err := w.SendSignInCode(ctx, f, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		code := w.code("sato-2fa@example.jp")
		for _, bad := range []string{wrong(code), "", "12345"} {
			if done, err := w.VerifySignInCode(ctx, f, signin.Email, bad, true); err == nil || done.Device != "" {
				t.Errorf("code %q: %+v, %v", bad, done, err)
			}
		}
		done, err := w.VerifySignInCode(ctx, f, signin.Email, code, false)
		if err != nil || done.Device != "" {
			t.Fatalf("right code, box not ticked: %+v, %v", done, err)
		}
		if s := w.status(id); len(s.Devices) != 0 {
			t.Fatalf("devices without proof or consent: %+v", s.Devices)
		}

		f = w.flow(id)
		if page, err := w.Challenge(ctx, f, ""); err != nil || page.TrustDays != 30 {
			t.Fatalf("the challenge offers %d days (%v), want 30", page.TrustDays, err)
		}
		done = w.verify(f, "sato-2fa@example.jp", true)
		device, secret, _ := strings.Cut(done.Device, ".")
		if !store.ValidID(device) || len(secret) != 43 || w.gone(w.next(f, done.Secret)) {
			t.Fatalf("proved = %+v", done)
		}
		now := w.clock.now()
		want := []mfa.Device{{
			ID: store.DeviceID(device), Name: "Chrome / Windows", Method: signin.Email, ClientAddress: "192.0.2.24",
			CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(30 * 24 * time.Hour),
		}}
		if diff := cmp.Diff(want, w.status(id).Devices); diff != "" {
			t.Errorf("devices (-want +got):\n%s", diff)
		}
		if row := w.mustDevice(id, done.Device); !bytes.Equal(row.SecretHash, web.HashToken(secret)) {
			t.Error("what is stored is not the secret's hash")
		}
		if n := w.events(id, "device.trust", "success"); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})
}

// notSpared are the sign-ins that a trusted device spares nothing, and so neither makes nor uses one.
func notSpared() map[string]func(w *world, id store.AccountID) store.Flow {
	return map[string]func(w *world, id store.AccountID) store.Flow{
		"a level above 1fa": func(w *world, id store.AccountID) store.Flow {
			return w.asked(id, func(p *store.InsertFlowParams) { p.RequiredLevel = int64(signin.Level2FAEmail) })
		},
		"a change of security settings": func(w *world, id store.AccountID) store.Flow {
			return w.asked(id, func(p *store.InsertFlowParams) { p.AllFactors = true })
		},
		"a surface that trusts no browser": func(w *world, id store.AccountID) store.Flow {
			w.surface("store", days(0))
			return w.flow(id)
		},
	}
}

func TestI12_OfferedOnlyWhereItSparesThisVeryChallenge(t *testing.T) {
	for name, begin := range notSpared() {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				id, _ := w.enrolled("sato")
				f := begin(w, id)
				if page, err := w.Challenge(t.Context(), f, ""); err != nil || page.TrustDays != 0 {
					t.Errorf("the challenge offers %d days (%v)", page.TrustDays, err)
				}
				// A box that was never shown is no consent.
				if done := w.verify(f, "sato-2fa@example.jp", true); done.Device != "" || done.Secret == "" {
					t.Errorf("proved = %+v", done)
				}
				if s := w.status(id); len(s.Devices) != 0 {
					t.Errorf("devices = %+v", s.Devices)
				}
			})
		})
	}
	t.Run("operators", func(t *testing.T) {
		each(t, func(t *testing.T, w *world) {
			ctx := t.Context()
			id := store.NewID[store.AccountID]()
			w.tx(func(tx *store.Tx) error {
				return tx.InsertAccount(ctx, store.InsertAccountParams{
					ID: id, Kind: "operator", LoginID: "operator", LoginKey: "operator", SearchKey: "operator", Role: "administrator",
					TwoFactor: "use", Now: w.clock.now(),
				})
			})
			// Even if somebody wrote into the row that the console trusts browsers.
			w.surface("admin", days(30))
			onAdmin := func(p *store.InsertFlowParams) { p.SurfaceID = "admin" }
			f := w.asked(id, onAdmin)
			app := w.app(f)
			if _, err := w.VerifySetUpApp(ctx, f, app.Code(w.clock.now()), templates.Ja); err != nil {
				t.Fatal(err)
			}
			w.clock.pass(time.Minute)
			f = w.asked(id, onAdmin)
			if page, err := w.Challenge(ctx, f, ""); err != nil || page.Method != signin.TOTP || page.TrustDays != 0 {
				t.Errorf("page = %+v, %v", page, err)
			}
			done, err := w.VerifySignInCode(ctx, f, signin.TOTP, app.Code(w.clock.now()), true)
			if err != nil || done.Device != "" {
				t.Errorf("proved = %+v, %v", done, err)
			}
			// Nor does a row count that has no business there.
			device, secret := store.NewID[store.DeviceID](), "0123456789012345678901234567890123456789012"
			w.tx(func(tx *store.Tx) error {
				return tx.InsertTrustedDevice(ctx, store.InsertTrustedDeviceParams{
					ID: device, AccountID: id, CredentialEpoch: w.row(id).CredentialEpoch, SecretHash: web.HashToken(secret), Method: "totp",
					Now: w.clock.now(), ExpiresAt: w.clock.now().Add(time.Hour),
				})
			})
			held := string(device) + "." + secret
			if proof, hold := w.present(id, w.asked(id, onAdmin), held); proof.Method != "" || hold != held {
				t.Errorf("on the console: proof %+v, hold %q", proof, hold)
			}
		})
	})
}

func TestI12_UseReplacesTheSecret(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, _ := w.enrolled("sato")
		held := w.trusted(id)
		made := w.clock.now()
		first := held
		for i := range 4 {
			w.clock.pass(7 * 24 * time.Hour)
			proof, hold := w.present(id, w.flow(id), held)
			want := signin.Evidence{
				Method: signin.TrustedDevice, At: w.clock.now(), FactorID: held[:36], Stands: signin.Email, ProvedAt: made,
			}
			if diff := cmp.Diff(want, proof); diff != "" {
				t.Fatalf("use %d: proof (-want +got):\n%s", i, diff)
			}
			if hold == held || hold[:36] != held[:36] {
				t.Fatalf("use %d: %q became %q, want another secret", i, held, hold)
			}
			held = hold
			d := w.mustDevice(id, held)
			if !d.LastUsedAt.Equal(w.clock.now()) || !d.ExpiresAt.Equal(made.Add(30*24*time.Hour)) {
				t.Errorf("use %d: used %v, expires %v; using it must not prolong it", i, d.LastUsedAt, d.ExpiresAt)
			}
		}
		if n := w.events(id, "device.use", "success"); n != 4 {
			t.Errorf("%d events, want 4", n)
		}
		// Thirty days after the proof it is over, without alarm, even for a secret that was used up long ago.
		w.clock.pass(2*24*time.Hour - time.Microsecond)
		if proof, hold := w.present(id, w.flow(id), held); proof.Method == "" {
			t.Error("it ended before its time")
		} else {
			held = hold
		}
		w.clock.pass(time.Microsecond)
		for _, value := range []string{held, first} {
			if proof, hold := w.present(id, w.flow(id), value); proof.Method != "" || hold != "" {
				t.Errorf("after 30 days: %+v, %q", proof, hold)
			}
		}
		if got := w.alarms(); len(got) != 0 {
			t.Errorf("mails = %+v", got)
		}
	})
}

func TestI12_LeftAloneWhereItSparesNothing(t *testing.T) {
	cases := notSpared()
	cases["an account that needs no second factor"] = func(w *world, id store.AccountID) store.Flow {
		w.tx(func(tx *store.Tx) error {
			_, err := tx.SetTwoFactor(w.t.Context(), store.SetTwoFactorParams{ID: id, TwoFactor: "dont_use", Former: "use", Now: w.clock.now()})
			return err
		})
		return w.flow(id)
	}
	cases["a surface that wants more than was proved"] = func(w *world, id store.AccountID) store.Flow {
		w.surface("store", func(p *store.SetSurfaceMethodsParams) { p.SecondLevel = int64(signin.Level2FA) })
		return w.flow(id)
	}
	cases["a surface that does not allow what was proved"] = func(w *world, id store.AccountID) store.Flow {
		w.surface("store", func(p *store.SetSurfaceMethodsParams) { p.AllowedMethods = "totp passkey" })
		return w.flow(id)
	}
	cases["a surface that now trusts for fewer days"] = func(w *world, id store.AccountID) store.Flow {
		w.surface("store", days(7))
		w.clock.pass(7 * 24 * time.Hour)
		return w.flow(id)
	}
	for name, begin := range cases {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				id, _ := w.enrolled("sato")
				held := w.trusted(id)
				before := w.mustDevice(id, held)
				f := begin(w, id)
				// Neither the right secret nor a wrong one changes anything.
				other, _ := web.NewToken()
				for _, value := range []string{held, held[:37] + other} {
					if proof, hold := w.present(id, f, value); proof.Method != "" || hold != value {
						t.Errorf("proof %+v, hold %q", proof, hold)
					}
				}
				if diff := cmp.Diff(before, w.mustDevice(id, held)); diff != "" {
					t.Errorf("the device changed:\n%s", diff)
				}
			})
		})
	}
}

func TestI12_OneOfManyUsesOfOneSecretCounts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, _ := w.enrolled("sato")
		held := w.trusted(id)
		const n = 32
		var flows [n]store.Flow
		var proofs [n]signin.Evidence
		var holds [n]string
		for i := range flows {
			flows[i] = w.flow(id)
		}
		race(t, n, func(i int) (err error) {
			proofs[i], holds[i], err = w.tryPresent(id, flows[i], held)
			return err
		})
		won := ""
		for i := range n {
			switch {
			case proofs[i].Method == signin.TrustedDevice && won == "":
				won = holds[i]
			case proofs[i].Method != "":
				t.Error("a secret counted twice")
			case holds[i] != held:
				t.Errorf("one that came too late is told to hold %q", holds[i])
			}
		}
		if won == "" {
			t.Fatal("none counted")
		}
		if proof, _ := w.present(id, w.flow(id), won); proof.Method == "" {
			t.Error("the winner's secret is worth nothing")
		}
		if ok, refused := w.events(id, "device.use", "success"), w.events(id, "device.use", "refused"); ok != 2 || refused != n-1 {
			t.Errorf("events: %d uses, %d refusals", ok, refused)
		}
		if got := w.alarms(); len(got) != 0 || w.events(id, "device.void", "success") != 0 {
			t.Errorf("two tabs raised an alarm: %+v", got)
		}
	})
}

func TestI12_AnOldSecretVoidsTheDevice(t *testing.T) {
	other, _ := web.NewToken()
	for name, c := range map[string]struct {
		wait   time.Duration
		forge  func(held string) string
		voided bool
	}{
		"the former one at once":       {0, func(held string) string { return held }, false},
		"the former one within 10 s":   {10 * time.Second, func(held string) string { return held }, false},
		"the former one later":         {10*time.Second + time.Microsecond, func(held string) string { return held }, true},
		"one that never was, at once":  {0, func(held string) string { return held[:37] + other }, true},
		"one that never was, long ago": {48 * time.Hour, func(held string) string { return held[:37] + other }, true},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				id, _ := w.enrolled("sato")
				session := w.session(id, signin.Password, signin.Email)
				held := w.trusted(id)
				_, next := w.present(id, w.flow(id), held)
				w.clock.pass(c.wait)
				presented := c.forge(held)
				proof, hold := w.present(id, w.flow(id), presented)
				if proof.Method != "" {
					t.Fatal("it was accepted")
				}
				if !c.voided {
					if hold != presented || w.events(id, "device.use", "refused") != 1 {
						t.Errorf("hold %q", hold)
					}
					if proof, _ := w.present(id, w.flow(id), next); proof.Method == "" {
						t.Error("the browser that has the current secret is asked, too")
					}
					if got := w.alarms(); len(got) != 0 {
						t.Errorf("mails = %+v", got)
					}
					return
				}
				if hold != "" || len(w.status(id).Devices) != 0 || w.events(id, "device.void", "success") != 1 {
					t.Errorf("hold %q, devices %+v", hold, w.status(id).Devices)
				}
				told := map[string]bool{}
				for _, m := range w.alarms() {
					told[m.To] = strings.Contains(m.Text, "sato") && strings.Contains(m.Text, "Chrome / Windows")
				}
				if diff := cmp.Diff(map[string]bool{"sato-2fa@example.jp": true, "sato@example.jp": true}, told); diff != "" {
					t.Errorf("who hears of it (-want +got):\n%s", diff)
				}
				// The true browser is just unknown from here on, and nobody is told again.
				if proof, hold := w.present(id, w.flow(id), next); proof.Method != "" || hold != "" || len(w.alarms()) != 0 {
					t.Errorf("the current secret: %+v, %q", proof, hold)
				}
				if w.dead(session) {
					t.Error("the session ended")
				}
			})
		})
	}
}

// Many replays at once void the device once, and its person is told once.
func TestI12_ReplaysAtOnceTellOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, _ := w.enrolled("sato")
		held := w.trusted(id)
		w.present(id, w.flow(id), held)
		w.clock.pass(time.Minute)
		f := w.flow(id)
		race(t, 16, func(int) error {
			proof, hold, err := w.tryPresent(id, f, held)
			if proof.Method != "" || hold != "" {
				t.Errorf("proof %+v, hold %q", proof, hold)
			}
			return err
		})
		if got := len(w.alarms()); got != 2 || w.events(id, "device.void", "success") != 1 {
			t.Errorf("%d mails, %d events", got, w.events(id, "device.void", "success"))
		}
	})
}

// A mailbox that got too many notices keeps no device alive.
func TestI12_VoidedWithoutRoomForANotice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, mfa.Limits{NoticesHour: 1})
		id, _ := w.enrolled("sato") // the notice of that went to both addresses
		held := w.trusted(id)
		w.present(id, w.flow(id), held)
		w.clock.pass(time.Minute)
		if _, hold := w.present(id, w.flow(id), held); hold != "" || len(w.status(id).Devices) != 0 {
			t.Errorf("hold %q, devices %+v", hold, w.status(id).Devices)
		}
		if mails := w.alarms(); len(mails) != 0 {
			t.Errorf("mails = %+v, want none beyond the budget", mails)
		}
	})
}

func TestI12_TiedToOneAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sato, _ := w.enrolled("sato")
		suzuki, _ := w.enrolled("suzuki")
		held := w.trusted(sato)
		before := w.mustDevice(sato, held)
		if proof, hold := w.present(suzuki, w.flow(suzuki), held); proof.Method != "" || hold != "" {
			t.Errorf("another account's sign-in: %+v, %q", proof, hold)
		}
		for _, value := range []string{"", ".", "x", string(store.NewID[store.DeviceID]()) + held[36:]} {
			if proof, _ := w.present(sato, w.flow(sato), value); proof.Method != "" {
				t.Errorf("%q was accepted", value)
			}
		}
		if diff := cmp.Diff(before, w.mustDevice(sato, held)); diff != "" || len(w.alarms()) != 0 {
			t.Errorf("somebody else's try changed the device:\n%s", diff)
		}
		if proof, _ := w.present(sato, w.flow(sato), held); proof.Method == "" {
			t.Error("its own account's browser is asked")
		}
	})
}

// addApp sets up an authenticator app from the self-service page, or lets another take its place.
func (w *world) addApp(session store.SessionID) error {
	w.t.Helper()
	page, err := w.AppChange(w.t.Context(), session, true)
	if err != nil {
		return err
	}
	_, err = w.VerifyChangeApp(w.t.Context(), session, testapp.TypeIn(w.t, page.Key).Code(w.clock.now()), templates.Ja)
	return err
}

func TestI12_EndsWithEveryChangeOfCredentials(t *testing.T) {
	for name, change := range map[string]func(w *world, id store.AccountID, session store.SessionID) error{
		"address": func(w *world, _ store.AccountID, session store.SessionID) error {
			to := mfa.EmailTo("new@example.jp")
			if err := w.SendChangeCode(w.t.Context(), session, to, templates.Ja); err != nil {
				return err
			}
			_, err := w.VerifyChangeCode(w.t.Context(), session, to, w.code("new@example.jp"), templates.Ja)
			return err
		},
		"another app": func(w *world, _ store.AccountID, session store.SessionID) error { return w.addApp(session) },
		"backup codes": func(w *world, _ store.AccountID, session store.SessionID) error {
			_, err := w.RegenerateCodes(w.t.Context(), session, templates.Ja)
			return err
		},
		"removal of a factor": func(w *world, _ store.AccountID, session store.SessionID) error {
			_, err := w.RemoveFactor(w.t.Context(), session, signin.TOTP, templates.Ja)
			return err
		},
		"reset of one method": func(w *world, id store.AccountID, _ store.SessionID) error {
			w.tx(func(tx *store.Tx) error {
				_, err := w.ResetOne(w.t.Context(), tx, w.row(id), signin.Email, w.clock.now())
				return err
			})
			return nil
		},
		"end of the other sessions": func(w *world, _ store.AccountID, session store.SessionID) error {
			return w.EndOtherSessions(w.t.Context(), session)
		},
		"reset": func(w *world, id store.AccountID, _ store.SessionID) error {
			w.reset(id)
			return nil
		},
		"epoch alone": func(w *world, id store.AccountID, _ store.SessionID) error {
			w.tx(func(tx *store.Tx) error {
				_, err := tx.RaiseCredentialEpoch(w.t.Context(), store.RaiseCredentialEpochParams{ID: id, Now: w.clock.now()})
				return err
			})
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				id, _ := w.enrolled("sato")
				if err := w.addApp(w.session(id, signin.Password, signin.Email)); err != nil {
					t.Fatal(err)
				}
				held := w.trusted(id)
				w.mustDevice(id, held)
				if err := change(w, id, w.session(id, signin.Password, signin.Email)); err != nil {
					t.Fatal(err)
				}
				if s := w.status(id); len(s.Devices) != 0 {
					t.Errorf("devices = %+v", s.Devices)
				}
				proof, hold := w.present(id, w.flow(id), held)
				if proof.Method != "" {
					t.Error("the browser is still trusted")
				}
				if hold != "" && name != "reset" { // after a reset there is nothing to be spared, and nobody looks
					t.Errorf("the browser is to hold %q", hold)
				}
				// What is gone raises no alarm.
				if got := w.alarms(); len(got) != 0 || w.events(id, "device.void", "success") != 0 {
					t.Errorf("mails = %+v", got)
				}
			})
		})
	}
}

// A proof makes a device in the moment after a change has ended those it saw: the device must not count, whether or not the change
// comes by again.
func TestI11_NoDeviceOutlivesAChangeThatDidNotSeeIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, now := t.Context(), w.clock.now()
		id, _ := w.enrolled("sato")
		f := w.flow(id)
		if err := w.SendSignInCode(ctx, f, signin.Email, templates.Ja); err != nil {
			t.Fatal(err)
		}
		code := w.code("sato-2fa@example.jp")
		proved := make(chan mfa.Proved, 1)
		w.tx(func(tx *store.Tx) error {
			if _, err := tx.BeginChange(ctx, now, w.row(id)); err != nil {
				return err
			}
			if _, err := tx.DeleteTrustedDevices(ctx, id); err != nil {
				return err
			}
			go func() {
				done, err := w.VerifySignInCode(ctx, f, signin.Email, code, true)
				if err != nil && !errors.Is(err, mfa.ErrFlowGone) {
					t.Errorf("proof: %v", err)
				}
				proved <- done
			}()
			patience := 20 * time.Second
			if w.db.Engine() == store.SQLite {
				patience = 50 * time.Millisecond // it lets one write at a time, so that the proof waits in any case
			}
			select {
			case done := <-proved:
				proved <- done
			case <-time.After(patience):
			}
			_, err := tx.EndAccountFlows(ctx, store.EndAccountFlowsParams{Now: &now, AccountID: &id})
			return err
		})
		done := <-proved
		if w.db.Engine() == store.PostgreSQL && done.Device == "" {
			t.Fatal("the proof waited for the change: the moment was not met")
		}
		if s := w.status(id); len(s.Devices) != 0 {
			t.Errorf("devices = %+v", s.Devices)
		}
		if done.Device != "" {
			if proof, hold := w.present(id, w.flow(id), done.Device); proof.Method != "" || hold != "" {
				t.Errorf("its browser: %+v, %q", proof, hold)
			}
		}
	})
}

func TestI12_AnAppsProofStandsForMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		app, _ := w.enrolApp(id)
		w.surface("store", func(p *store.SetSurfaceMethodsParams) { p.SecondLevel = int64(signin.Level2FA) })
		done, err := w.VerifySignInCode(ctx, w.flow(id), signin.TOTP, app.Code(w.clock.now()), true)
		if err != nil || done.Device == "" {
			t.Fatalf("proved = %+v, %v", done, err)
		}
		proof, _ := w.present(id, w.flow(id), done.Device)
		if proof.Stands != signin.TOTP {
			t.Errorf("proof = %+v", proof)
		}
	})
}

func TestI12_AtMostTwentyDevicesAndThirtyDays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("sato", "use")
		other := w.account("suzuki", "use")
		w.surface("store", days(365))
		trust := func(id store.AccountID, app *testapp.Authenticator) string {
			t.Helper()
			w.clock.pass(time.Minute)
			done, err := w.VerifySignInCode(ctx, w.flow(id), signin.TOTP, app.Code(w.clock.now()), true)
			if err != nil || done.Device == "" {
				t.Fatalf("proved = %+v, %v", done, err)
			}
			return done.Device
		}
		theirs, _ := w.enrolApp(other)
		bystander := trust(other, theirs)
		app, _ := w.enrolApp(id)
		var held []string
		for range 22 {
			held = append(held, trust(id, app))
		}
		list := w.status(id).Devices
		if len(list) != 20 {
			t.Fatalf("%d devices, want 20", len(list))
		}
		for _, d := range list {
			if d.ExpiresAt.After(d.CreatedAt.Add(30 * 24 * time.Hour)) {
				t.Errorf("a device of %v", d.ExpiresAt.Sub(d.CreatedAt))
			}
		}
		for i, value := range held {
			if _, err := w.device(id, value); (err == nil) != (i >= 2) {
				t.Errorf("device %d: %v; the oldest go", i, err)
			}
		}
		w.mustDevice(other, bystander)
	})
}

func TestI13_RemovingADeviceNeedsAFreshProof(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, _ := w.enrolled("sato")
		held := w.trusted(id)
		device := store.DeviceID(held[:36])
		for name, session := range map[string]store.SessionID{
			"password alone":        w.session(id, signin.Password),
			"password and a device": w.session(id, signin.Password, signin.TrustedDevice),
			"old proof": func() store.SessionID {
				s := w.session(id, signin.Password, signin.Email)
				w.clock.pass(5*time.Minute + time.Second)
				return s
			}(),
		} {
			_, err := w.Devices(ctx, session)
			wantErr(t, name+": page", err, mfa.ErrNotFresh)
			wantErr(t, name+": one", w.RemoveDevice(ctx, session, device), mfa.ErrNotFresh)
			wantErr(t, name+": all", w.RemoveDevices(ctx, session), mfa.ErrNotFresh)
		}
		w.mustDevice(id, held)

		fresh, second := w.session(id, signin.Password, signin.Email), w.session(id, signin.Password, signin.Email)
		kept := w.grant(id, second)
		if list, err := w.Devices(ctx, fresh); err != nil || len(list) != 1 || list[0].ID != device {
			t.Errorf("devices = %+v, %v", list, err)
		}
		if err := w.RemoveDevice(ctx, fresh, device); err != nil {
			t.Fatal(err)
		}
		if w.dead(fresh) || w.dead(second) || w.revoked(kept) {
			t.Error("a session, or what it gave out, ended")
		}
		if proof, hold := w.present(id, w.flow(id), held); proof.Method != "" || hold != "" || len(w.alarms()) != 0 {
			t.Errorf("replay after its removal: %+v, %q", proof, hold)
		}
		first, other := w.trusted(id), w.trusted(id)
		if err := w.RemoveDevices(ctx, fresh); err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{first, other} {
			if _, err := w.device(id, value); err == nil {
				t.Error("a device is left")
			}
		}
		if err := w.RemoveDevices(ctx, fresh); err != nil {
			t.Errorf("removing nothing: %v", err)
		}
		if n := w.events(id, "device.remove", "success"); n != 2 {
			t.Errorf("%d events, want 2", n)
		}
	})
}

func TestI14_DevicesOfOthersAreNotFound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		sato, _ := w.enrolled("sato")
		suzuki, _ := w.enrolled("suzuki")
		held := w.trusted(sato)
		device := store.DeviceID(held[:36])
		session := w.session(suzuki, signin.Password, signin.Email)
		wantErr(t, "another's", w.RemoveDevice(ctx, session, device), store.ErrNotFound)
		wantErr(t, "unknown", w.RemoveDevice(ctx, session, store.NewID[store.DeviceID]()), store.ErrNotFound)
		if err := w.RemoveDevices(ctx, session); err != nil {
			t.Fatal(err)
		}
		drop := func(id store.AccountID) error {
			return w.db.InTx(ctx, func(tx *store.Tx) error {
				d, err := w.DropDevice(ctx, tx, id, device, w.clock.now())
				if err == nil && (d.ID != device || d.Name != "Chrome / Windows") {
					t.Errorf("dropped %+v", d)
				}
				return err
			})
		}
		wantErr(t, "staff, under another account", drop(suzuki), store.ErrNotFound)
		w.mustDevice(sato, held)
		if err := drop(sato); err != nil {
			t.Fatal(err)
		}
		wantErr(t, "staff, a second time", drop(sato), store.ErrNotFound)
		w.trusted(sato)
		w.tx(func(tx *store.Tx) error {
			if n, err := w.DropDevices(ctx, tx, sato); err != nil || n != 1 {
				t.Errorf("dropped %d, %v", n, err)
			}
			return nil
		})
	})
}

func TestI12_PagesOfDevices(t *testing.T) {
	s := newSite(t)
	id, _ := s.enrolled("sato")
	s.logIn(id, signin.Password, signin.Email)
	s.get("/account/security").want(t, "none yet", 200, "認証コードを要求しない端末", "登録済みの端末はありません。")

	f := s.signIn(id)
	challenge := "/signin/challenge?flow=" + string(f.ID)
	p := s.get(challenge)
	p.want(t, "challenge", 200, "この端末では30日間、認証コードを要求しない", "共用の端末では選択しないでください。")
	if strings.Contains(p.body, "checked") {
		t.Error("the box is ticked")
	}
	code := s.code("sato-2fa@example.jp")
	cookie := "__Host-futakagi-device-" + string(id)[24:]
	s.post(challenge, url.Values{"do": {"verify"}, "code": {wrong(code)}, "trust_device": {"yes"}}).
		want(t, "wrong code", 422, `name="trust_device" value="yes" checked`)
	s.post(challenge, url.Values{"do": {"resend"}, "trust_device": {"yes"}})
	if s.cookies[cookie] != "" {
		t.Fatal("a device before the proof")
	}
	p = s.post(challenge, url.Values{"do": {"verify"}, "code": {code}, "trust_device": {"yes"}})
	p.leads(t, "right code", "/signin/continue?flow="+string(f.ID))
	held := s.cookies[cookie]
	if web.DeviceCookie(&http.Request{Header: http.Header{"Cookie": {cookie + "=" + held}}}, id) == "" {
		t.Fatalf("cookies %v", p.header["Set-Cookie"])
	}
	for _, line := range p.header["Set-Cookie"] {
		if strings.HasPrefix(line, cookie) && !strings.Contains(line, "Max-Age=2592000") {
			t.Errorf("cookie %q", line)
		}
	}

	other := s.trusted(id)
	removeOther, removeHere := "/account/security/devices/"+other[:36]+"/remove", "/account/security/devices/"+held[:36]+"/remove"
	p = s.get("/account/security")
	p.want(t, "list", 200, "Chrome / Windows", "この端末", "有効期限：2026-12-22", "最終使用：", "すべて解除", `action="`+removeOther+`"`)
	if strings.Contains(p.body, held[37:]) || strings.Contains(p.body, other[37:]) {
		t.Error("a secret is on the page")
	}
	for _, path := range []string{
		"/account/security/devices/nonsense/remove", "/account/security/devices/" + string(store.NewID[store.DeviceID]()) + "/remove",
	} {
		s.get(path).want(t, "ask about "+path, 404)
		s.post(path, nil).want(t, path, 404)
	}
	s.get(removeOther).want(t, "ask", 200, "端末の登録を解除しますか？", "Chrome / Windows", "解除する")
	s.post(removeOther, nil).leads(t, "remove", "/account/security")
	s.get("/account/security").want(t, "removed", 200, "端末の登録を解除しました。")
	if s.cookies[cookie] != held {
		t.Error("the cookie of this browser went with another device")
	}
	s.post(removeHere, nil).leads(t, "remove this one", "/account/security")
	if s.cookies[cookie] != "" {
		t.Error("the browser keeps the cookie of a device that is gone")
	}
	s.get("/account/security/devices/remove-all").leads(t, "ask about none", "/account/security")
	first, second := s.trusted(id), s.trusted(id)
	s.get("/account/security/devices/remove-all").want(t, "ask about all", 200, "すべての端末の登録を解除しますか？")
	s.post("/account/security/devices/remove-all", nil).leads(t, "remove all", "/account/security")
	for _, value := range []string{first, second} {
		if _, err := s.device(id, value); err == nil {
			t.Error("a device is left")
		}
	}

	// Whoever has to prove everything again comes back to the question.
	third := s.trusted(id)
	path := "/account/security/devices/" + third[:36] + "/remove"
	s.clock.pass(6 * time.Minute)
	s.post(path, nil).leads(t, "old proof", web.StartURL(path, true))
	s.get(path).leads(t, "old proof, question", web.StartURL(path, true))
	if _, err := s.device(id, third); err != nil {
		t.Errorf("removed without a fresh proof: %v", err)
	}
	s.surface("store", days(0))
	s.get("/account/security").want(t, "trust switched off", 200, "Chrome / Windows")
}

// What is not a context of a request makes a device without a name, which is shown all the same.
func TestDeviceWithoutAName(t *testing.T) {
	s := newSite(t)
	id, _ := s.enrolled("sato")
	f := s.flow(id)
	if err := s.SendSignInCode(context.Background(), f, signin.Email, templates.Ja); err != nil {
		t.Fatal(err)
	}
	if _, err := s.VerifySignInCode(context.Background(), f, signin.Email, s.code("sato-2fa@example.jp"), true); err != nil {
		t.Fatal(err)
	}
	s.logIn(id, signin.Password, signin.Email)
	s.get("/account/security").want(t, "list", 200, "不明なブラウザー")
	s.get("/account/security?lang=en").want(t, "list in English", 200, "Devices that skip the code", "Expires 2026-12-22")
}
