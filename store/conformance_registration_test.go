package store_test

import (
	"time"

	"github.com/futakagi/futakagi/store"
)

// registrations calls the queries of clients that register themselves.
var registrations = func() []step {
	const own = 180
	token := func(n int, uses int64) store.InsertRegistrationTokenParams {
		return store.InsertRegistrationTokenParams{
			ID: id[store.RegistrationTokenID](own + n), TokenHash: hash(own + n), Label: "市場", CreatedBy: "admin", MaxUses: uses,
			Now: after(time.Duration(n) * time.Second), ExpiresAt: after(time.Hour),
		}
	}
	use := func(n int, d time.Duration) store.UseRegistrationTokenParams {
		return store.UseRegistrationTokenParams{TokenHash: hash(own + n), Now: at(d)}
	}
	replace := func(former, fresh int) store.ReplaceRegistrationTokenParams {
		return store.ReplaceRegistrationTokenParams{ID: "found", Former: hash(former), Fresh: hash(fresh)}
	}
	client := func(id string) step {
		return step{"PutClient", store.PutClientParams{ID: id, Name: id, SurfaceID: "store", RedirectURIs: doc(`[]`), PostLogoutRedirectURIs: doc(`[]`), GrantTypes: doc(`[]`), Scopes: doc(`[]`), Now: t0}, ok}
	}
	registered := func(id string) step {
		return step{"SetRegistration", store.SetRegistrationParams{ID: id, RegisteredBy: "市場", RegistrationHash: hash(own), Now: at(0)}, rows(1)}
	}
	return []step{
		client("found"), client("unused"), client("staff"),
		{"CountUnusedClients", nil, has("", int64(0))},
		registered("found"), registered("unused"),
		{"SetRegistration", store.SetRegistrationParams{ID: "found", Now: at(0)}, rows(0)},
		{"CountUnusedClients", nil, has("", int64(2))},
		{"GetClient", "found", has("RegisteredBy", "市場")},
		{"ReplaceRegistrationToken", replace(own+1, own+2), rows(0)},
		{"ReplaceRegistrationToken", replace(own, own+2), rows(1)},
		{"ReplaceRegistrationToken", replace(own, own+2), rows(0)},
		{"SetClientDisabled", store.SetClientDisabledParams{ID: "found", DisabledAt: at(0), Now: t0}, rows(1)},
		{"ReplaceRegistrationToken", replace(own+2, own), rows(0)},
		{"NoteClientUsed", store.NoteClientUsedParams{ID: "staff", Now: at(0)}, rows(0)},
		{"NoteClientUsed", store.NoteClientUsedParams{ID: "found", Now: at(0)}, rows(1)},
		{"NoteClientUsed", store.NoteClientUsedParams{ID: "found", Now: at(0)}, rows(0)},
		{"CountUnusedClients", nil, has("", int64(1))},
		{"SweepUnusedClients", store.SweepUnusedClientsParams{Before: at(0), BatchSize: 10}, rows(0)},
		{"SweepUnusedClients", store.SweepUnusedClientsParams{Before: at(time.Second), BatchSize: 10}, rows(1)},
		{"GetClient", "unused", fails(store.ErrNotFound)},
		{"DeleteClient", "found", rows(1)},
		{"DeleteClient", "staff", rows(1)},

		{"InsertRegistrationToken", token(0, 2), ok},
		{"InsertRegistrationToken", token(1, 1), ok},
		{"ListRegistrationTokens", int32(1), length(1)},
		{"FindRegistrationToken", store.FindRegistrationTokenParams{TokenHash: hash(own), Now: t0}, has("Label", "市場")},
		{"FindRegistrationToken", store.FindRegistrationTokenParams{TokenHash: hash(own), Now: after(time.Hour)}, fails(store.ErrNotFound)},
		{"UseRegistrationToken", use(0, 0), has("Label", "市場")},
		{"UseRegistrationToken", use(0, time.Hour), fails(store.ErrNotFound)},
		{"UseRegistrationToken", use(0, time.Minute), ok},
		{"UseRegistrationToken", use(0, time.Minute), fails(store.ErrNotFound)},
		{"RevokeRegistrationToken", store.RevokeRegistrationTokenParams{ID: id[store.RegistrationTokenID](own + 1), Now: at(0)}, has("", "市場")},
		{"RevokeRegistrationToken", store.RevokeRegistrationTokenParams{ID: id[store.RegistrationTokenID](own + 1), Now: at(0)}, fails(store.ErrNotFound)},
		{"UseRegistrationToken", use(1, 0), fails(store.ErrNotFound)},
		{"SweepRegistrationTokens", store.SweepRegistrationTokensParams{Before: after(2 * time.Hour), BatchSize: 10}, rows(2)},

		{"InsertSalt", store.InsertSaltParams{Name: "subjects", ValueSealed: hash(1), Now: t0}, rows(1)},
		{"InsertSalt", store.InsertSaltParams{Name: "subjects", ValueSealed: hash(2), Now: t0}, rows(0)},
		{"GetSalt", "subjects", has("", hash(1))},
		{"ListStaleSalts", store.ListStaleSaltsParams{Prefix: hash(2), PageSize: 10}, length(1)},
		{"ResealSalts", store.ResealSaltsParams{Name: "subjects", Stale: hash(2), Fresh: hash(3)}, rows(0)},
		{"ResealSalts", store.ResealSaltsParams{Name: "subjects", Stale: hash(1), Fresh: hash(3)}, rows(1)},
	}
}()
