package admin

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	clients "github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
)

// add gives an account a factor behind those it has; the first one is the main one. A passkey factor stands for two keys.
func (w *world) add(id store.AccountID, methods ...signin.Method) {
	w.t.Helper()
	ctx := w.t.Context()
	for _, m := range methods {
		now, login := w.clock.now(), w.row(id).LoginID
		address := map[signin.Method]string{signin.Email: login + "-2fa@example.jp", signin.SMS: "+819012345678"}[m]
		w.tx(func(tx *store.Tx) error {
			factors, err := tx.ListFactors(ctx, id)
			if err != nil {
				return err
			}
			f, err := tx.UpsertFactor(ctx, store.UpsertFactorParams{
				ID: store.NewID[store.FactorID](), AccountID: id, Kind: string(m), Address: address, Main: len(factors) == 0,
				Position: int64(len(factors)), Now: now,
			})
			if err != nil || m != signin.Passkey {
				return err
			}
			for _, name := range []string{"会社のノートPC", "鍵"} {
				key := store.NewID[store.PasskeyID]()
				err = errors.Join(err, tx.InsertPasskey(ctx, store.InsertPasskeyParams{
					ID: key, AccountID: id, FactorID: f.ID, CredentialID: []byte(key), Record: []byte("x"), Name: name, Now: w.clock.now(),
				}))
			}
			return err
		})
	}
}

// device makes an account trust a browser.
func (w *world) device(id store.AccountID) store.DeviceID {
	w.t.Helper()
	device, now := store.NewID[store.DeviceID](), w.clock.now()
	w.tx(func(tx *store.Tx) error {
		acc, err := tx.GetAccount(w.t.Context(), id)
		if err != nil {
			return err
		}
		return tx.InsertTrustedDevice(w.t.Context(), store.InsertTrustedDeviceParams{
			ID: device, AccountID: id, CredentialEpoch: acc.CredentialEpoch, Name: "Chrome / Windows", SecretHash: []byte(device), Method: "email", Now: now,
			ExpiresAt: now.Add(30 * 24 * time.Hour),
		})
	})
	return device
}

// consent lets an application of somebody else's learn something of an account, and returns its id.
func (w *world) consent(id store.AccountID) string {
	w.t.Helper()
	const client = "partner"
	w.tx(func(tx *store.Tx) error {
		if err := tx.PutClient(w.t.Context(), store.PutClientParams{
			ID: client, Name: "取引先", SurfaceID: SurfaceStore, AuthMethod: "none", RedirectURIs: []byte(`["https://partner.example/cb"]`),
			PostLogoutRedirectURIs: []byte(`[]`), GrantTypes: []byte(`["authorization_code"]`), Scopes: []byte(`["openid","email"]`), IDTokenAlg: "ES256",
			Settings: clients.Settings{ThirdParty: true}.Encode(), Now: w.clock.now(),
		}); err != nil {
			return err
		}
		return tx.PutConsent(w.t.Context(), store.PutConsentParams{AccountID: id, ClientID: client, Scope: "openid email", Now: w.clock.now()})
	})
	return client
}

// kinds are an account's factors, the main one first.
func (w *world) kinds(id store.AccountID) string {
	w.t.Helper()
	var kinds []string
	for _, f := range w.status(id).Status.Factors {
		if f.Main != (len(kinds) == 0) {
			w.t.Errorf("main is %v for %s at place %d", f.Main, f.Kind, len(kinds))
		}
		kinds = append(kinds, f.Kind)
	}
	return strings.Join(kinds, " ")
}

func dataOf(t *testing.T, e store.AuditEvent) map[string]string {
	t.Helper()
	var data map[string]string
	must(t, json.Unmarshal(e.Data, &data))
	return data
}

func TestM05_M06_M07_StateOfEveryKind(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.add(w.tanaka, signin.Passkey, signin.TOTP, signin.SMS, signin.Email)
		w.device(w.tanaka)
		s := w.status(w.tanaka).Status
		if got := w.kinds(w.tanaka); got != "passkey totp sms email" {
			t.Errorf("factors %q", got)
		}
		if s.Factors[2].Address != "+819012345678" || s.Factors[3].Address != "tanaka-2fa@example.jp" {
			t.Errorf("addresses %+v", s.Factors)
		}
		if len(s.Passkeys) != 2 || s.Passkeys[0].Name != "会社のノートPC" || s.Passkeys[0].CreatedAt.IsZero() || !s.Passkeys[0].LastUsedAt.IsZero() {
			t.Errorf("passkeys %+v", s.Passkeys)
		}
		if len(s.Devices) != 1 || s.Devices[0].Name != "Chrome / Windows" || s.Devices[0].ExpiresAt.IsZero() {
			t.Errorf("devices %+v", s.Devices)
		}
		w.clock.pass(31 * 24 * time.Hour)
		if s = w.status(w.tanaka).Status; len(s.Devices) != 0 {
			t.Errorf("a device past its time is listed: %+v", s.Devices)
		}
	})
}

func TestM08_ResetOfOneFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, desk := t.Context(), w.actor(w.desk)
		w.enrol(w.tanaka) // email, with codes, a session and an attempt
		w.add(w.tanaka, signin.SMS, signin.Passkey)
		w.device(w.tanaka)
		for _, reason := range []Reason{{}, {Text: strings.Repeat("あ", MaxReason+1), IdentityChecked: true}, {Text: "x"}} {
			_, err := w.ResetFactor(ctx, desk, w.tanaka, signin.Email, reason)
			if _, ok := errors.AsType[*account.ValidationError](err); !ok {
				t.Errorf("%+v: %v", reason, err)
			}
		}
		if got := w.kinds(w.tanaka); got != "email sms passkey" || len(w.events(audit.FactorReset)) != 0 {
			t.Fatalf("a refused form changed something: %q", got)
		}
		epoch := w.row(w.tanaka).CredentialEpoch

		// The main one goes: the next takes its place, everything open ends, the codes stay.
		r, err := w.ResetFactor(ctx, desk, w.tanaka, signin.Email, goodReason)
		if err != nil || !r.SetUp || len(r.Factors) != 1 || len(r.Left) != 2 {
			t.Fatalf("%+v, %v", r, err)
		}
		a := w.status(w.tanaka)
		if got := w.kinds(w.tanaka); got != "sms passkey" {
			t.Errorf("factors %q", got)
		}
		if a.Status.BackupCodesLeft != 10 || len(a.Status.Devices) != 0 || a.Sessions != 0 || a.CredentialEpoch <= epoch || a.TwoFactor != account.TwoFactorUse {
			t.Errorf("%+v, %d sessions, epoch %d", a.Status, a.Sessions, a.CredentialEpoch)
		}
		if diff := cmp.Diff([]string{"tanaka-2fa@example.jp", "tanaka@example.jp"}, w.notices(w.tanaka)); diff != "" {
			t.Errorf("notices:\n%s", diff)
		}
		rows := w.events(audit.FactorReset)
		if len(rows) != 1 || rows[0].Result != "success" || rows[0].Reason != goodReason.Text || rows[0].Target != "株式会社サンプル商事 / tanaka" {
			t.Fatalf("audit rows %+v", rows)
		}
		want := map[string]string{
			"method": "email", "factors": "email", "set_up": "true", "notices": "2", "identity_checked": "true",
			"codes": "0", "devices": "1", "sessions": "1", "attempts": "1", "clients": "", "left": "sms passkey",
		}
		if diff := cmp.Diff(want, dataOf(t, rows[0])); diff != "" {
			t.Errorf("audit data:\n%s", diff)
		}

		// A backup goes, with every key it stands for.
		if _, err = w.ResetFactor(ctx, desk, w.tanaka, signin.Passkey, goodReason); err != nil {
			t.Fatal(err)
		}
		keys, err := w.db.Read().ListPasskeys(ctx, w.tanaka)
		if got := w.kinds(w.tanaka); got != "sms" || err != nil || len(keys) != 0 {
			t.Errorf("factors %q, keys %+v, %v", got, keys, err)
		}

		// The last one goes: nothing is left.
		epoch = w.row(w.tanaka).CredentialEpoch
		r, err = w.ResetFactor(ctx, desk, w.tanaka, signin.SMS, goodReason)
		if err != nil || !r.SetUp || len(r.Left) != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		w.cleared(w.tanaka, epoch)
	})
}

func TestM08_ResetOfAFactorThatIsNotThereIsHarmless(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, desk := t.Context(), w.actor(w.desk)
		w.enrol(w.tanaka)
		w.device(w.tanaka)
		before := w.status(w.tanaka)
		r, err := w.ResetFactor(ctx, desk, w.tanaka, signin.SMS, goodReason)
		if err != nil || r.SetUp || len(r.Notified) != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		if diff := cmp.Diff(before, w.status(w.tanaka)); diff != "" {
			t.Errorf("something changed:\n%s", diff)
		}
		if rows := w.events(audit.FactorReset); len(rows) != 1 || dataOf(t, rows[0])["set_up"] != "false" || dataOf(t, rows[0])["method"] != "sms" {
			t.Errorf("audit rows %+v", rows)
		}
		for _, m := range []signin.Method{"", signin.Password, signin.Backup, signin.TrustedDevice, "email "} {
			if _, err := w.ResetFactor(ctx, desk, w.tanaka, m, goodReason); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("method %q: %v, want ErrNotFound", m, err)
			}
		}
	})
}

// A full reset takes every kind, and what was mailed to be used later.
func TestM09_ResetTakesEveryKind(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, desk := t.Context(), w.actor(w.desk)
		w.enrol(w.tanaka)
		w.add(w.tanaka, signin.TOTP, signin.SMS, signin.Passkey)
		w.device(w.tanaka)
		undo := store.NewID[store.TicketID]()
		w.tx(func(tx *store.Tx) error {
			return tx.InsertTicket(ctx, store.InsertTicketParams{
				ID: undo, Purpose: "undo", AccountID: w.tanaka, SecretHash: []byte(undo), Data: []byte(`{}`), Now: w.clock.now(),
				ExpiresAt: w.clock.now().Add(72 * time.Hour),
			})
		})
		epoch := w.row(w.tanaka).CredentialEpoch
		r, err := w.ResetFactors(ctx, desk, w.tanaka, goodReason)
		if err != nil || len(r.Factors) != 4 {
			t.Fatalf("%+v, %v", r, err)
		}
		w.cleared(w.tanaka, epoch)
		if keys, err := w.db.Read().ListPasskeys(ctx, w.tanaka); err != nil || len(keys) != 0 {
			t.Errorf("keys %+v, %v", keys, err)
		}
		_, err = w.db.Read().GetTicket(ctx, store.GetTicketParams{SecretHash: []byte(undo), Purpose: "undo", Now: w.clock.now()})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the ticket still opens something: %v", err)
		}
		if diff := cmp.Diff([]string{"tanaka-2fa@example.jp", "tanaka@example.jp"}, w.notices(w.tanaka)); diff != "" {
			t.Errorf("notices:\n%s", diff)
		}
		if rows := w.events(audit.FactorReset); dataOf(t, rows[0])["factors"] != "email totp sms passkey" {
			t.Errorf("audit rows %+v", rows)
		}
	})
}

// Two operators who reset one factor each at the same moment leave none of the two, and one main factor among the rest.
func TestTwoResetsOfOneFactorRace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, root, chief := t.Context(), w.actor(w.root), w.actor(w.chief)
		for range 5 {
			w.add(w.tanaka, signin.Email, signin.TOTP, signin.SMS)
			var wg sync.WaitGroup
			var one, two error
			wg.Go(func() { _, one = w.ResetFactor(ctx, root, w.tanaka, signin.Email, goodReason) })
			wg.Go(func() { _, two = w.ResetFactor(ctx, chief, w.tanaka, signin.TOTP, goodReason) })
			wg.Wait()
			if one != nil || two != nil {
				t.Fatalf("%v, %v", one, two)
			}
			if got := w.kinds(w.tanaka); got != "sms" {
				t.Fatalf("factors %q, want SMS as the main one", got)
			}
			if _, err := w.ResetFactors(ctx, root, w.tanaka, goodReason); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestM07_DevicesAreRemoved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, desk := t.Context(), w.actor(w.desk)
		w.enrol(w.tanaka)
		one, foreign := w.device(w.tanaka), w.device(w.suzuki)
		w.device(w.tanaka)
		before := w.row(w.tanaka)
		left := func() int { return len(w.status(w.tanaka).Status.Devices) }

		for name, device := range map[string]store.DeviceID{"another account's": foreign, "unknown": store.NewID[store.DeviceID]()} {
			if err := w.RemoveDevice(ctx, desk, w.tanaka, device); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s device: %v, want ErrNotFound", name, err)
			}
		}
		if err := w.RemoveDevice(ctx, desk, w.tanaka, one); err != nil || left() != 1 {
			t.Fatalf("%v, %d left", err, left())
		}
		if err := w.RemoveDevice(ctx, desk, w.tanaka, one); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a second time: %v, want ErrNotFound", err)
		}
		w.device(w.tanaka)
		if removed, err := w.RemoveDevices(ctx, desk, w.tanaka); err != nil || !removed || left() != 0 {
			t.Errorf("%v, %v, %d left", removed, err, left())
		}
		if removed, err := w.RemoveDevices(ctx, desk, w.tanaka); err != nil || removed {
			t.Errorf("none left: %v, %v", removed, err)
		}
		if len(w.status(w.suzuki).Status.Devices) != 1 {
			t.Error("another account's device went too")
		}
		if diff := cmp.Diff(before, w.row(w.tanaka)); diff != "" || !w.status(w.tanaka).Status.SetUp() || len(w.notices(w.tanaka)) != 0 {
			t.Errorf("more than the devices changed:\n%s", diff)
		}
		rows := w.events(audit.DeviceRemove)
		if len(rows) != 2 || *rows[0].AccountID != w.tanaka || rows[0].Target != "株式会社サンプル商事 / tanaka" {
			t.Fatalf("audit rows %+v", rows)
		}
		if diff := cmp.Diff([]map[string]string{{"name": "Chrome / Windows"}, {"all": "true", "count": "2"}}, []map[string]string{dataOf(t, rows[0]), dataOf(t, rows[1])}); diff != "" {
			t.Errorf("audit data:\n%s", diff)
		}
	})
}

// M5: an address is shown whole to whose role may see it, and masked to anybody else.
func TestM05_AddressesAreMaskedForOthers(t *testing.T) {
	roles := roleSet{
		account.RoleAdministrator: {Rights: "*"}, account.RoleSupport: {Rights: "view see_addresses"}, account.RoleAuditor: {Rights: "view"},
	}
	seen := func(role string) Actor {
		return Actor{Account: store.Account{Kind: account.KindOperator, Role: role}, roles: roles}
	}
	for _, tc := range []struct{ role, kind, address, want string }{
		{account.RoleAdministrator, "email", "sato-2fa@example.jp", "sato-2fa@example.jp"},
		{account.RoleSupport, "email", "sato-2fa@example.jp", "sato-2fa@example.jp"},
		{account.RoleAuditor, "email", "sato-2fa@example.jp", "sa•••••@example.jp"},
		{account.RoleSupport, "sms", "+819012345678", "09012345678"},
		{account.RoleAuditor, "sms", "+819012345678", "•••-••••-••78"},
		{account.RoleSupport, "totp", "", ""},
		{account.RoleAuditor, "totp", "", ""},
	} {
		if got := seenAddress(seen(tc.role), Account{}, tc.kind, tc.address); got != tc.want {
			t.Errorf("%s sees %s %q as %q, want %q", tc.role, tc.kind, tc.address, got, tc.want)
		}
	}
}

// policy is what a surface accepts now.
func (w *world) policy(surface string) SurfacePolicy {
	w.t.Helper()
	all, err := w.SurfacePolicies(w.t.Context(), System())
	must(w.t, err)
	i := slices.IndexFunc(all, func(p SurfacePolicy) bool { return p.ID == surface })
	if i < 0 {
		w.t.Fatalf("no surface %s in %+v", surface, all)
	}
	return all[i]
}

// allow sets what a surface accepts.
func (w *world) allow(surface string, methods ...signin.Method) {
	w.t.Helper()
	p := w.policy(surface)
	p.Allowed = methods
	_, err := w.SetSurfacePolicy(w.t.Context(), System(), p)
	must(w.t, err)
}

// anything makes the installation able to do every method.
func (w *world) anything() { w.offers = func(signin.Method) bool { return true } }

func TestSurfacePoliciesAsMigrated(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		want := []SurfacePolicy{
			{ID: SurfaceAdmin, Allowed: []signin.Method{signin.TOTP, signin.Passkey}, Level: signin.Level2FAEmail},
			{ID: SurfaceStore, Allowed: signin.FactorMethods(), Level: signin.Level2FAEmail, TrustDays: 30},
		}
		got, err := w.SurfacePolicies(t.Context(), w.actor(w.desk))
		must(t, err)
		for i := range got {
			got[i].Version = time.Time{}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSetSurfacePolicy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.anything()
		ctx, root := t.Context(), w.actor(w.root)
		w.add(w.tanaka, signin.Email, signin.SMS)
		w.add(w.suzuki, signin.Email, signin.TOTP)
		seen := w.policy(SurfaceStore)

		want := seen
		want.Allowed, want.Level, want.TrustDays = []signin.Method{signin.Passkey, signin.Email, signin.TOTP, signin.TOTP}, signin.Level2FA, 7
		preview, err := w.PreviewSurfacePolicy(ctx, root, want)
		if err != nil || preview.Stopped != 1 || !preview.Before.equal(seen) || preview.After.TrustDays != 7 {
			t.Fatalf("%+v, %v", preview, err)
		}
		if got := w.policy(SurfaceStore); !got.equal(seen) || len(w.events(audit.MethodsSet)) != 0 {
			t.Fatal("the preview changed something")
		}
		if changed, err := w.SetSurfacePolicy(ctx, root, want); err != nil || !changed {
			t.Fatal(changed, err)
		}
		row, err := w.db.Read().GetSurface(ctx, SurfaceStore)
		if err != nil || row.AllowedMethods != "totp email passkey" || row.SecondLevel != 30 || row.TrustDays != 7 || row.Enforced {
			t.Errorf("%+v, %v", row, err)
		}
		if changed, err := w.SetSurfacePolicy(ctx, root, want); err != nil || changed {
			t.Errorf("second click: %v, %v", changed, err)
		}

		// Whoever still sees how it was changes nothing.
		stale := seen
		stale.TrustDays = 14
		if _, err := w.SetSurfacePolicy(ctx, root, stale); !errors.Is(err, ErrConflict) {
			t.Errorf("stale page: %v, want ErrConflict", err)
		}
		if _, err := w.PreviewSurfacePolicy(ctx, root, stale); !errors.Is(err, ErrConflict) {
			t.Errorf("preview of a stale page: %v, want ErrConflict", err)
		}
		stale.Version = time.Time{}
		if _, err := w.SetSurfacePolicy(ctx, root, stale); !errors.Is(err, ErrConflict) {
			t.Errorf("no version: %v, want ErrConflict", err)
		}
		// So does a switch of enforcement meanwhile: the number of those who are stopped may be another.
		now := w.policy(SurfaceStore)
		w.enforce(SurfaceStore, true)
		now.TrustDays = 1
		if _, err := w.SetSurfacePolicy(ctx, root, now); !errors.Is(err, ErrConflict) {
			t.Errorf("after enforcement: %v, want ErrConflict", err)
		}

		// All of them again is written as none named.
		all := w.policy(SurfaceStore)
		all.Allowed, all.Level, all.TrustDays = signin.FactorMethods(), signin.Level2FAEmail, 0
		if changed, err := w.SetSurfacePolicy(ctx, root, all); err != nil || !changed {
			t.Fatal(changed, err)
		}
		if row, err = w.db.Read().GetSurface(ctx, SurfaceStore); err != nil || row.AllowedMethods != "" || row.TrustDays != 0 || !row.Enforced {
			t.Errorf("%+v, %v", row, err)
		}
		rows := w.events(audit.MethodsSet)
		if len(rows) != 2 || rows[0].Target != SurfaceStore || rows[0].ActorName != "root" {
			t.Fatalf("audit rows %+v", rows)
		}
		if diff := cmp.Diff(map[string]string{
			"methods.from": "totp sms email passkey", "methods.to": "totp email passkey", "level.from": "urn:futakagi:acr:2fa-email",
			"level.to": "urn:futakagi:acr:2fa", "trust_days.from": "30", "trust_days.to": "7", "stopped": "1",
		}, dataOf(t, rows[0])); diff != "" {
			t.Errorf("audit data:\n%s", diff)
		}
	})
}

func TestI12_SurfacePolicyRefusesWhatCannotWork(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	ctx, root := t.Context(), w.actor(w.root)
	w.offers = func(m signin.Method) bool { return m != signin.SMS }
	for _, tc := range []struct {
		name   string
		policy SurfacePolicy
		want   map[string]string
	}{
		{"nothing at all", SurfacePolicy{ID: SurfaceStore, TrustDays: -1}, map[string]string{FieldMethods: templates.MsgMethodsBlank, FieldLevel: templates.MsgLevelBlank, FieldDays: templates.MsgDaysForm}},
		{"no method", SurfacePolicy{ID: SurfaceStore, Level: signin.Level2FA}, map[string]string{FieldMethods: templates.MsgMethodsBlank}},
		{"a method that is none", SurfacePolicy{ID: SurfaceStore, Level: signin.Level2FA, Allowed: []signin.Method{signin.TOTP, signin.Backup}}, map[string]string{FieldMethods: templates.MsgMethodsBlank}},
		{"the password", SurfacePolicy{ID: SurfaceStore, Level: signin.Level2FAEmail, Allowed: []signin.Method{signin.Password}}, map[string]string{FieldMethods: templates.MsgMethodsBlank}},
		{"too weak", SurfacePolicy{ID: SurfaceStore, Level: signin.Level2FA, Allowed: []signin.Method{signin.Email}}, map[string]string{FieldMethods: templates.MsgMethodsWeak}},
		{"not even an app", SurfacePolicy{ID: SurfaceStore, Level: signin.LevelPHR, Allowed: []signin.Method{signin.Email, signin.TOTP}}, map[string]string{FieldMethods: templates.MsgMethodsWeak}},
		{"nothing the installation can do", SurfacePolicy{ID: SurfaceStore, Level: signin.Level2FA, Allowed: []signin.Method{signin.Email, signin.SMS}}, map[string]string{FieldMethods: templates.MsgMethodsMissing}},
		{"one factor", SurfacePolicy{ID: SurfaceStore, Level: signin.Level1FA, Allowed: []signin.Method{signin.TOTP}}, map[string]string{FieldLevel: templates.MsgLevelBlank}},
		{"a level that is none", SurfacePolicy{ID: SurfaceStore, Level: 35, Allowed: []signin.Method{signin.TOTP}}, map[string]string{FieldLevel: templates.MsgLevelBlank}},
		{"more than a month", SurfacePolicy{ID: SurfaceStore, Level: signin.Level2FA, Allowed: []signin.Method{signin.TOTP}, TrustDays: 31}, map[string]string{FieldDays: templates.MsgDaysForm}},
		{"trust on the console", SurfacePolicy{ID: SurfaceAdmin, Level: signin.Level2FA, Allowed: []signin.Method{signin.TOTP}, TrustDays: 1}, map[string]string{FieldDays: templates.MsgDaysForm}},
	} {
		tc.policy.Version = w.policy(tc.policy.ID).Version
		_, err := w.SetSurfacePolicy(ctx, root, tc.policy)
		_, perr := w.PreviewSurfacePolicy(ctx, root, tc.policy)
		for what, err := range map[string]error{"set": err, "preview": perr} {
			e, ok := errors.AsType[*account.ValidationError](err)
			if !ok {
				t.Errorf("%s, %s: %v", tc.name, what, err)
			} else if diff := cmp.Diff(tc.want, e.Fields); diff != "" {
				t.Errorf("%s, %s:\n%s", tc.name, what, diff)
			}
		}
	}
	if n := len(w.events(audit.MethodsSet)); n != 0 {
		t.Errorf("%d audit rows for forms that were refused", n)
	}
}

// Whoever changes what the console accepts must be able to take it back.
func TestNobodyLocksThemselvesOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.anything()
		ctx := t.Context()
		w.allow(SurfaceAdmin, signin.FactorMethods()...)
		w.add(w.root, signin.Email)
		w.add(w.chief, signin.TOTP)
		root, chief := w.actor(w.root), w.actor(w.chief)
		only := func(level signin.Level, methods ...signin.Method) SurfacePolicy {
			p := w.policy(SurfaceAdmin)
			p.Allowed, p.Level = methods, level
			return p
		}
		for name, p := range map[string]SurfacePolicy{
			"method not allowed": only(signin.Level2FAEmail, signin.TOTP, signin.Passkey),
			"level too high":     only(signin.Level2FA, signin.FactorMethods()...),
		} {
			if _, err := w.PreviewSurfacePolicy(ctx, root, p); !errors.Is(err, ErrLockout) {
				t.Errorf("preview, %s: %v, want ErrLockout", name, err)
			}
			if _, err := w.SetSurfacePolicy(ctx, root, p); !errors.Is(err, ErrLockout) {
				t.Errorf("%s: %v, want ErrLockout", name, err)
			}
		}
		rows := w.events(audit.MethodsSet)
		refused := slices.DeleteFunc(slices.Clone(rows), func(e store.AuditEvent) bool { return e.Result != string(audit.Refused) })
		if len(refused) != 2 || refused[0].Reason != wordLockout || refused[0].Target != SurfaceAdmin || refused[0].ActorName != "root" {
			t.Errorf("audit rows %+v", rows)
		}
		if got := w.policy(SurfaceAdmin); len(got.Allowed) != 4 || got.Level != signin.Level2FAEmail {
			t.Errorf("policy %+v", got)
		}
		// The store may be as strict as it likes.
		strict := w.policy(SurfaceStore)
		strict.Allowed, strict.Level = []signin.Method{signin.Passkey}, signin.LevelPHR
		if changed, err := w.SetSurfacePolicy(ctx, root, strict); err != nil || !changed {
			t.Errorf("store: %v, %v", changed, err)
		}
		// A factor that too many wrong codes closed is none.
		w.add(w.root, signin.TOTP)
		f, err := w.db.Read().GetFactorByKind(ctx, store.GetFactorByKindParams{AccountID: w.root, Kind: "totp"})
		must(t, err)
		w.tx(func(tx *store.Tx) error {
			_, err := tx.RecordFactorFailure(ctx, store.RecordFactorFailureParams{ID: f.ID, Ceiling: 1, Now: w.clock.now()})
			return err
		})
		if _, err := w.SetSurfacePolicy(ctx, root, only(signin.Level2FAEmail, signin.TOTP)); !errors.Is(err, ErrLockout) {
			t.Errorf("closed factor: %v, want ErrLockout", err)
		}
		// Another administrator, who has what remains, may; root is then the one who is stopped.
		p := only(signin.Level2FAEmail, signin.TOTP)
		if preview, err := w.PreviewSurfacePolicy(ctx, chief, p); err != nil || preview.Stopped != 1 {
			t.Errorf("%+v, %v", preview, err)
		}
		if changed, err := w.SetSurfacePolicy(ctx, chief, p); err != nil || !changed {
			t.Errorf("chief: %v, %v", changed, err)
		}
	})
}

// The command line, which no factor binds, leaves at least one administrator in.
func TestTheLastAdministratorIsNotLockedOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.anything()
		ctx := t.Context()
		w.allow(SurfaceAdmin, signin.FactorMethods()...)
		w.add(w.root, signin.Email)
		w.add(w.chief, signin.SMS)
		w.add(w.desk, signin.TOTP)
		p := w.policy(SurfaceAdmin)
		p.Allowed = []signin.Method{signin.TOTP}
		if _, err := w.SetSurfacePolicy(ctx, System(), p); !errors.Is(err, ErrLockout) {
			t.Errorf("support alone could sign in: %v, want ErrLockout", err)
		}
		p.Allowed = []signin.Method{signin.SMS}
		if changed, err := w.SetSurfacePolicy(ctx, System(), p); err != nil || !changed {
			t.Errorf("chief stays in: %v, %v", changed, err)
		}
		// An administrator with nothing set up is no reason to refuse: they set up what is accepted.
		w.operator("fresh", account.RoleAdministrator)
		p = w.policy(SurfaceAdmin)
		p.Allowed = []signin.Method{signin.Passkey}
		if changed, err := w.SetSurfacePolicy(ctx, System(), p); err != nil || !changed {
			t.Errorf("fresh can set up: %v, %v", changed, err)
		}
	})
}

// Of many who saw the same version one saves, the others are told.
func TestSurfacePolicyRace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.anything()
		ctx, actors := t.Context(), []Actor{w.actor(w.root), w.actor(w.chief)}
		seen := w.policy(SurfaceStore)
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				p := seen
				p.TrustDays = i
				_, errs[i] = w.SetSurfacePolicy(ctx, actors[i%2], p)
			})
		}
		wg.Wait()
		saved := 0
		for _, err := range errs {
			if err == nil {
				saved++
			} else if !errors.Is(err, ErrConflict) {
				t.Error(err)
			}
		}
		if n := len(w.events(audit.MethodsSet)); saved != 1 || n != 1 {
			t.Errorf("%d saved, %d audit rows, want one of each", saved, n)
		}
	})
}
