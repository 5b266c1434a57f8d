package mfa

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// A trusted device is a browser in which a second factor was proved once and whose owner asked not to be asked there again (I12).
// It holds a secret that each use replaces, so that a copy of it and the original cannot both go on unnoticed.

const (
	// maxDevices is how many devices an account has at most. A further one takes the place of the oldest.
	maxDevices = 20
	// replayGrace is how long after its replacement a secret may still turn up in good faith: the answer with the new one was
	// lost, or another tab was under way.
	replayGrace = 10 * time.Second
)

// deviceValue is what a browser holds of a device.
func deviceValue(id store.DeviceID, secret string) string { return string(id) + "." + secret }

// deviceEvent describes something that befell a device.
func deviceEvent(e audit.Event, id store.DeviceID, name, method string) audit.Event {
	e.Target = name
	e.Data = map[string]string{"device": string(id), "method": method}
	return e
}

// trustDays is for how many days the sign-in may make its browser a trusted device; zero: it may not.
func (p attempted) trustDays() int {
	if p.account.Kind != string(web.Customer) || !p.Policy.OffersTrust() {
		return 0
	}
	return p.TrustDays
}

// spares reports whether a device that stands for a proof would spare this sign-in the challenge it is at.
func (p attempted) spares(device signin.Evidence) bool {
	state := p.State
	state.Evidence = state.Evidence.With(device)
	return p.Next() == signin.StepChallenge && signin.Next(state, p.Policy) == signin.StepIssue
}

// trust makes the browser of a sign-in a trusted device, in the transaction of the proof it stands for and before that is added. It
// returns what the browser is to hold, empty if the sign-in offers no such thing.
func (s *Service) trust(ctx context.Context, tx *store.Tx, now time.Time, p attempted, proof signin.Evidence) (string, error) {
	days := p.trustDays()
	if days == 0 || !p.spares(signin.Evidence{Method: signin.TrustedDevice, At: now, Stands: proof.Method}) {
		return "", nil
	}
	origin := audit.OriginOf(ctx)
	secret, hash := web.NewToken()
	d := store.InsertTrustedDeviceParams{
		ID: store.NewID[store.DeviceID](), AccountID: p.account.ID, CredentialEpoch: *p.flow.CredentialEpoch,
		Name: browserName(origin.UserAgent), SecretHash: hash, Method: string(proof.Method), ClientAddress: origin.Address,
		Now: now, ExpiresAt: now.AddDate(0, 0, days),
	}
	if err := tx.InsertTrustedDevice(ctx, d); err != nil {
		return "", fmt.Errorf("insert trusted device: %w", err)
	}
	if _, err := tx.TrimTrustedDevices(ctx, store.TrimTrustedDevicesParams{AccountID: p.account.ID, Keep: maxDevices}); err != nil {
		return "", fmt.Errorf("trim trusted devices: %w", err)
	}
	e := deviceEvent(p.event(audit.DeviceTrust, audit.Success, ""), d.ID, d.Name, d.Method)
	return deviceValue(d.ID, secret), audit.Write(ctx, tx, now, e)
}

// UseDevice lets a browser that the account trusts stand in for its second factor, in the transaction that accepts the right
// password and before that touches the sign-in's row: devices are locked before sign-ins. st is where the sign-in stands with
// the password, held what the browser holds of a device. The proof is zero when the device does not count. hold is what the
// browser is to hold from here on: held itself while nothing changed, nothing of a device that is gone.
//
// A device that would spare the person nothing here is left alone. Otherwise its secret is used up, and of many uses at once one
// counts. A secret that was used up before voids the device, once it cannot be the browser's own any more.
func (s *Service) UseDevice(
	ctx context.Context, tx *store.Tx, now time.Time, flow store.Flow, st standing.Standing, held string,
) (proof signin.Evidence, hold string, err error) {
	p := attempted{flow: flow, subject: subject{Standing: st, account: st.Account}}
	id, secret, _ := strings.Cut(held, ".")
	days := p.trustDays()
	if days == 0 || !store.ValidID(id) {
		return signin.Evidence{}, held, nil
	}
	d, err := tx.GetTrustedDevice(ctx, store.GetTrustedDeviceParams{ID: store.DeviceID(id), AccountID: p.account.ID, Now: now})
	if errors.Is(err, store.ErrNotFound) {
		return signin.Evidence{}, "", nil
	}
	if err != nil {
		return signin.Evidence{}, "", fmt.Errorf("load trusted device: %w", err)
	}
	proof = signin.Evidence{
		Method: signin.TrustedDevice, At: now, FactorID: string(d.ID), Stands: signin.Method(d.Method), ProvedAt: d.CreatedAt,
	}
	// The surface may trust for fewer days than when the device was made.
	if !now.Before(d.CreatedAt.AddDate(0, 0, days)) || !p.spares(proof) {
		return signin.Evidence{}, held, nil
	}
	next, hash := web.NewToken()
	n, err := tx.RotateTrustedDevice(ctx, store.RotateTrustedDeviceParams{
		ID: d.ID, AccountID: p.account.ID, CredentialEpoch: p.account.CredentialEpoch, SecretHash: web.HashToken(secret), NewHash: hash,
		ClientAddress: audit.OriginOf(ctx).Address, Now: &now,
	})
	if err != nil {
		return signin.Evidence{}, "", fmt.Errorf("rotate trusted device: %w", err)
	}
	if n != 1 {
		hold, err = s.refuseDevice(ctx, tx, now, p, d.ID, held)
		return signin.Evidence{}, hold, err
	}
	return proof, deviceValue(d.ID, next), audit.Write(ctx, tx, now, deviceEvent(p.event(audit.DeviceUse, audit.Success, ""), d.ID, d.Name, d.Method))
}

// refuseDevice deals with a secret that is not a device's current one. Right after its replacement the former one is only refused:
// it tells nothing. Later, or if it is any other, somebody holds a copy: the device is void, and its person hears of it.
//
// The notice takes its budgets before the sign-in's row is locked. Whoever holds that row and waits for the same budgets would
// have ended the account's devices before, and so has waited for this one.
func (s *Service) refuseDevice(ctx context.Context, tx *store.Tx, now time.Time, p attempted, id store.DeviceID, held string) (hold string, err error) {
	_, secret, _ := strings.Cut(held, ".")
	// Read again: a use of the same secret may have come first.
	d, err := tx.GetTrustedDevice(ctx, store.GetTrustedDeviceParams{ID: id, AccountID: p.account.ID, Now: now})
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("load trusted device: %w", err)
	}
	reason := "wrong_secret"
	if subtle.ConstantTimeCompare(d.FormerHash, web.HashToken(secret)) == 1 {
		reason = "former_secret"
	}
	if reason == "former_secret" && now.Sub(*d.RotatedAt) <= replayGrace {
		return held, audit.Write(ctx, tx, now, deviceEvent(p.event(audit.DeviceUse, audit.Refused, reason), d.ID, d.Name, d.Method))
	}
	n, err := tx.DeleteTrustedDevice(ctx, store.DeleteTrustedDeviceParams{ID: d.ID, AccountID: p.account.ID})
	if err != nil {
		return "", fmt.Errorf("void trusted device: %w", err)
	}
	if n != 1 {
		return "", nil // another presentation of it came first, and told
	}
	if err := audit.Write(ctx, tx, now, deviceEvent(p.event(audit.DeviceVoid, audit.Success, reason), d.ID, d.Name, d.Method)); err != nil {
		return "", err
	}
	_, err = s.notify(ctx, tx, now, notice{
		kind: delivery.KindDeviceVoided, account: p.account, lang: s.noticeLang, device: d.Name, to: p.mailboxes(), always: true,
	})
	return "", err
}

// Device is one browser that is not asked for a code.
type Device struct {
	ID store.DeviceID
	// Name is the browser as its User-Agent header named it, for people to read; empty if that told nothing.
	Name string
	// Method is the factor that was proved in it when it was trusted.
	Method signin.Method
	// ClientAddress is where it was used last.
	ClientAddress                    string
	CreatedAt, LastUsedAt, ExpiresAt time.Time
}

func deviceOf(d store.TrustedDevice) Device {
	return Device{
		ID: d.ID, Name: d.Name, Method: signin.Method(d.Method), ClientAddress: d.ClientAddress,
		CreatedAt: d.CreatedAt, LastUsedAt: d.LastUsedAt, ExpiresAt: d.ExpiresAt,
	}
}

// devices are an account's trusted devices, last used first.
func devices(ctx context.Context, q *store.Queries, id store.AccountID, now time.Time) ([]Device, error) {
	rows, err := q.ListTrustedDevices(ctx, store.ListTrustedDevicesParams{AccountID: id, Now: now})
	if err != nil {
		return nil, fmt.Errorf("list trusted devices: %w", err)
	}
	var list []Device
	for _, d := range rows {
		list = append(list, deviceOf(d))
	}
	return list, nil
}

// Devices are the trusted devices of a session's person, for the page that asks before they are removed. Like the removal it needs
// a fresh proof (I13).
func (s *Service) Devices(ctx context.Context, session store.SessionID) ([]Device, error) {
	now, q := s.now(), s.db.Read()
	p, err := s.actingFresh(ctx, q, session, now)
	if err != nil {
		return nil, err
	}
	return devices(ctx, q, p.account.ID, now)
}

// RemoveDevice asks for a code again in one of the person's trusted devices. It only takes trust back, but it needs a fresh proof
// as every change of what the account signs in with (I13): whoever finds a session open must not see to it that its owner has to
// ask for help. A device that is gone, unknown or somebody else's is store.ErrNotFound, all the same (I14). Sessions go on.
func (s *Service) RemoveDevice(ctx context.Context, session store.SessionID, id store.DeviceID) error {
	now := s.now()
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.actingHeldFresh(ctx, tx, session, now)
		if err != nil {
			return err
		}
		d, err := s.DropDevice(ctx, tx, p.account.ID, id, now)
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, now, deviceEvent(p.event(audit.DeviceRemove, audit.Success, ""), d.ID, d.Name, string(d.Method)))
	})
}

// RemoveDevices is RemoveDevice for all of them. Without any it does nothing.
func (s *Service) RemoveDevices(ctx context.Context, session store.SessionID) error {
	now := s.now()
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		p, err := s.actingHeldFresh(ctx, tx, session, now)
		if err != nil {
			return err
		}
		n, err := s.DropDevices(ctx, tx, p.account.ID)
		if err != nil || n == 0 {
			return err
		}
		return audit.Write(ctx, tx, now, p.event(audit.DeviceRemove, audit.Success, "all"))
	})
}

// actingHeldFresh is actingHeld for changes of security settings (I13).
func (s *Service) actingHeldFresh(ctx context.Context, tx *store.Tx, session store.SessionID, now time.Time) (acting, error) {
	p, err := s.actingHeld(ctx, tx, session, now)
	if err == nil && !p.fresh() {
		err = ErrNotFresh
	}
	return p, err
}

// DropDevice takes one of an account's trusted devices away in the caller's transaction, who checks the right to do it and writes
// down audit.DeviceRemove. A device that is gone, unknown or another account's is store.ErrNotFound.
func (s *Service) DropDevice(ctx context.Context, tx *store.Tx, account store.AccountID, id store.DeviceID, now time.Time) (Device, error) {
	d, err := tx.GetTrustedDevice(ctx, store.GetTrustedDeviceParams{ID: id, AccountID: account, Now: now})
	if err != nil {
		return Device{}, fmt.Errorf("load trusted device: %w", err)
	}
	n, err := tx.DeleteTrustedDevice(ctx, store.DeleteTrustedDeviceParams{ID: id, AccountID: account})
	if err == nil && n != 1 {
		err = store.ErrNotFound
	}
	if err != nil {
		return Device{}, fmt.Errorf("remove trusted device: %w", err)
	}
	return deviceOf(d), nil
}

// DropDevices is DropDevice for all of them. It returns how many there were.
func (s *Service) DropDevices(ctx context.Context, tx *store.Tx, account store.AccountID) (int, error) {
	n, err := tx.DeleteTrustedDevices(ctx, account)
	if err != nil {
		return 0, fmt.Errorf("remove trusted devices: %w", err)
	}
	return int(n), nil
}
