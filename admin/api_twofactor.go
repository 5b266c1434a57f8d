package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// apiTwoFactor is where an account's second factor stands (M5 to M7).
type apiTwoFactor struct {
	TwoFactor       string      `json:"two_factor" enum:"use,dont_use" doc:"the account's own switch"`
	Enforced        bool        `json:"enforced" doc:"whether the account's surface demands a second factor whatever the switch says"`
	Factors         []apiFactor `json:"factors" doc:"the main one first"`
	BackupCodesLeft int         `json:"backup_codes_left"`
	TrustedDevices  int         `json:"trusted_devices"`
	Drift           bool        `json:"drift" doc:"whether the registered address was changed since and is another than the one that codes go to"`
	UpdatedAt       time.Time   `json:"updated_at" doc:"of the account"`
}

func (f apiTwoFactor) version() time.Time { return f.UpdatedAt }

// apiFactor is one factor that is set up.
type apiFactor struct {
	Method     string     `json:"method" enum:"email,sms,totp,passkey"`
	Address    string     `json:"address,omitempty" doc:"where codes go; masked without api:addresses.read"`
	Main       bool       `json:"main"`
	Locked     bool       `json:"locked" doc:"whether too many wrong codes closed it"`
	VerifiedAt time.Time  `json:"verified_at"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty"`
}

// apiDevice is a browser that is not asked for a code.
type apiDevice struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at"`
	ExpiresAt  time.Time `json:"expires_at"`
}

func twoFactorOf(actor Actor, a Account) apiTwoFactor {
	v := apiTwoFactor{
		TwoFactor: a.TwoFactor, Enforced: a.Enforced, Factors: []apiFactor{}, BackupCodesLeft: a.Status.BackupCodesLeft,
		TrustedDevices: len(a.Status.Devices), Drift: a.Status.Drift, UpdatedAt: a.UpdatedAt,
	}
	for _, f := range a.Status.Factors {
		factor := apiFactor{
			Method: f.Kind, Address: seenAddress(actor, a, f.Kind, f.Address), Main: f.Main, Locked: f.Disabled, VerifiedAt: f.VerifiedAt,
		}
		if !f.LastUsedAt.IsZero() {
			factor.LastUsedAt = &f.LastUsedAt
		}
		v.Factors = append(v.Factors, factor)
	}
	return v
}

func deviceOf(d mfa.Device) apiDevice {
	return apiDevice{ID: string(d.ID), Name: d.Name, CreatedAt: d.CreatedAt, LastUsedAt: d.LastUsedAt, ExpiresAt: d.ExpiresAt}
}

// apiReset tells what a reset did.
type apiReset struct {
	SetUp   bool     `json:"set_up" doc:"whether anything was set up, and so cleared"`
	Removed []string `json:"removed" doc:"the methods that are gone"`
	Left    []string `json:"left" doc:"the methods that stay, the main one first"`
	Notices int      `json:"notices" doc:"how many addresses are told"`
	// ResetID is where to look for what becomes of them.
	ResetID string     `json:"reset_id"`
	Ticket  *apiTicket `json:"ticket,omitempty" doc:"what the person needs to set a factor up again; absent where they need none"`
}

func resetOf(r Reset) apiReset {
	v := apiReset{SetUp: r.SetUp, Removed: kindsOf(r.Factors), Left: kindsOf(r.Left), Notices: len(r.Notified), ResetID: string(r.ID)}
	if r.Ticket != nil {
		ticket := ticketOf(*r.Ticket)
		v.Ticket = &ticket
	}
	return v
}

type (
	apiSwitch struct {
		TwoFactor string `json:"two_factor" enum:"use,dont_use"`
	}
	apiReason struct {
		Reason          string `json:"reason" max:"256" doc:"for the audit log"`
		IdentityChecked bool   `json:"identity_checked" doc:"that somebody made sure of who asked for it; must be true"`
	}

	setSwitch struct {
		ID    string    `path:"id" max:"64"`
		Match time.Time `header:"If-Match"`
		Body  apiSwitch
	}
	resetAll struct {
		ID   string `path:"id" max:"64"`
		Body apiResetInput
	}
	resetOne struct {
		ID     string `path:"id" max:"64"`
		Method string `path:"method" max:"64"`
		Body   apiResetInput
	}
	deviceByID struct {
		ID     string `path:"id" max:"64"`
		Device string `path:"device" max:"64"`
	}
)

func (a *API) twoFactor(t *table) {
	s := a.service
	get := func(ctx context.Context, actor Actor, id string) (apiTwoFactor, error) {
		v, err := s.Account(ctx, actor, store.AccountID(id))
		return twoFactorOf(actor, v), err
	}
	add(t, scopeAccountsRead, http.MethodGet, "/accounts/{id}/two-factor", "getTwoFactor",
		func(ctx context.Context, actor Actor, in accountByID) (apiTwoFactor, error) {
			return get(ctx, actor, in.ID)
		})
	add(t, scopeReset, http.MethodPut, "/accounts/{id}/two-factor", "setTwoFactor",
		func(ctx context.Context, actor Actor, in setSwitch) (apiTwoFactor, error) {
			if _, err := s.SetTwoFactorAt(ctx, actor, store.AccountID(in.ID), in.Match, in.Body.TwoFactor); err != nil {
				return apiTwoFactor{}, err
			}
			return get(ctx, actor, in.ID)
		}, codeOwnAccount, codeEnforced, codeFrozen, codeApproval)
	add(t, scopeReset, http.MethodPost, "/accounts/{id}/two-factor/reset", "resetFactors",
		func(ctx context.Context, actor Actor, in resetAll) (apiReset, error) {
			r, err := s.ResetFactors(ctx, actor, store.AccountID(in.ID), in.Body.reason())
			return resetOf(r), err
		}, codeOwnAccount, codeFrozen, codeApproval)
	add(t, scopeReset, http.MethodPost, "/accounts/{id}/two-factor/factors/{method}/reset", "resetFactor",
		func(ctx context.Context, actor Actor, in resetOne) (apiReset, error) {
			r, err := s.ResetFactor(ctx, actor, store.AccountID(in.ID), signin.Method(in.Method), in.Body.reason())
			return resetOf(r), err
		}, codeOwnAccount, codeFrozen, codeApproval)
	add(t, scopeAccountsRead, http.MethodGet, "/accounts/{id}/two-factor/devices", "listDevices",
		func(ctx context.Context, actor Actor, in accountByID) (list[apiDevice], error) {
			v, err := s.Account(ctx, actor, store.AccountID(in.ID))
			return listOf(v.Status.Devices, false, deviceOf, nil), err
		})
	add(t, scopeReset, http.MethodDelete, "/accounts/{id}/two-factor/devices", "removeDevices",
		func(ctx context.Context, actor Actor, in accountByID) (none, error) {
			_, err := s.RemoveDevices(ctx, actor, store.AccountID(in.ID))
			return none{}, err
		}, codeOwnAccount)
	add(t, scopeReset, http.MethodDelete, "/accounts/{id}/two-factor/devices/{device}", "removeDevice",
		func(ctx context.Context, actor Actor, in deviceByID) (none, error) {
			return none{}, s.RemoveDevice(ctx, actor, store.AccountID(in.ID), store.DeviceID(in.Device))
		}, codeOwnAccount)
}
