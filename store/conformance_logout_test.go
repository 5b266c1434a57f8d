package store_test

import (
	"time"

	"github.com/futakagi/futakagi/store"
)

// signOuts calls the queries that tell relying parties of the end of sessions, about an account of their own.
var signOuts = func() []step {
	const owner = 170
	person, live, gone := id[store.AccountID](owner), id[store.SessionID](owner), id[store.SessionID](owner+1)
	grantIn := func(n int, session store.SessionID) store.InsertGrantParams {
		g := newGrant(owner+n, owner+n)
		g.AccountID, g.SessionID, g.ClientID, g.CredentialEpoch = person, session, "told", 1
		return g
	}
	redeemed := func(n int) store.RedeemCodeParams {
		r := redeem(owner+n, "https://shop.example/cb")
		r.ClientID, r.TokenSetID = "told", ref[store.TokenSetID](owner+n)
		return r
	}
	of := func(d time.Duration, only, keep *string) store.ListSessionClientsParams {
		return store.ListSessionClientsParams{AccountID: person, Only: only, Keep: keep, Now: after(d)}
	}
	push := func(n int, recipient string) store.EnqueuePushParams {
		return store.EnqueuePushParams{ID: id[store.MessageID](owner + n), Kind: "sign_out", AccountID: &person, SessionID: &live, Recipient: recipient, Now: t0, Deadline: after(24 * time.Hour)}
	}
	claim := func(owner string, d time.Duration, n int32) store.ClaimPushesParams {
		return store.ClaimPushesParams{Owner: &owner, LeasedUntil: at(d + time.Minute), Now: after(d), PerRecipient: 1, BatchSize: n}
	}
	return []step{
		{"InsertAccount", store.InsertAccountParams{ID: person, Kind: "store", LoginID: "mori", LoginKey: "mori", UserGroupID: ref[store.UserGroupID](group), TwoFactor: "use", Now: t0}, ok},
		{"PutClient", store.PutClientParams{ID: "told", Name: "told", SurfaceID: "store", RedirectURIs: doc(`[]`), PostLogoutRedirectURIs: doc(`[]`), GrantTypes: doc(`[]`), Scopes: doc(`[]`), BackchannelLogoutURI: "https://shop.example/bc", Now: t0}, ok},
		{"GetClient", "told", has("BackchannelLogoutURI", "https://shop.example/bc")},
		{"InsertSession", store.InsertSessionParams{ID: live, TokenHash: hash(owner), AccountID: person, AccountKind: "store", CredentialEpoch: 1, Evidence: doc(`[]`), Now: t0, ExpiresAt: after(time.Hour)}, ok},
		{"ListSessionClients", of(0, nil, nil), length(0)},
		{"InsertGrant", grantIn(0, live), ok},
		{"ListSessionClients", of(time.Hour, nil, nil), length(0)}, // the code ran out
		{"RedeemCode", redeemed(0), ok},
		{"InsertGrant", grantIn(1, gone), ok},
		{"RedeemCode", redeemed(1), ok},
		{"ListSessionClients", of(0, nil, nil), length(1)}, // nothing is left of the session that is gone
		{"InsertCodeTokenSet", store.InsertCodeTokenSetParams{CodeHash: hash(owner + 1), TokenSetID: ref[store.TokenSetID](owner + 1), AccessHash: hash(owner), AccessExpiresAt: after(time.Minute), Offline: true, RefreshHash: hash(owner + 1), RefreshExpiresAt: after(time.Hour), Now: t0}, rows(1)},
		{"ListSessionClients", of(0, nil, nil), func(v any, err error) bool {
			list, _ := v.([]store.ListSessionClientsRow)
			return err == nil && len(list) == 2 && list[0] == store.ListSessionClientsRow{ClientID: "told", Name: "told", SessionID: live} && list[1].Gone
		}},
		{"ListSessionClients", of(time.Hour, nil, nil), length(1)},
		{"ListSessionClients", of(0, new(string(gone)), nil), length(1)},
		{"ListSessionClients", of(0, nil, new(string(gone))), length(1)},
		{"ListSessionClients", of(0, ref[string](nobody), nil), length(0)},
		{"ListSessionClients", store.ListSessionClientsParams{AccountID: person, Client: new("told"), Now: t0}, length(2)},
		{"ListSessionClients", store.ListSessionClientsParams{AccountID: person, Client: new("shop"), Now: t0}, length(0)},
		{"ListSessionGrantees", store.ListSessionGranteesParams{SessionID: live, Now: t0}, length(1)},
		{"ListSessionGrantees", store.ListSessionGranteesParams{SessionID: id[store.SessionID](nobody), Now: t0}, length(0)},
		{"CloseSession", store.CloseSessionParams{ID: live, AccountID: person, Now: at(0)}, rows(1)},
		{"ListSessionClients", of(0, nil, nil), length(1)},
		{"RevokeConsentGrants", store.RevokeConsentGrantsParams{Now: at(0), AccountID: person, ClientID: "told"}, rows(2)},
		{"ListSessionClients", of(0, nil, nil), length(0)}, // nothing is told to whoever lost the consent
		{"ListSessionGrantees", store.ListSessionGranteesParams{SessionID: live, Now: t0}, length(0)},

		{"DuePush", store.DuePushParams{Now: t0, PerRecipient: 1}, fails(store.ErrNotFound)},
		{"EnqueuePush", push(0, "told"), ok},
		{"EnqueuePush", push(1, "told"), ok},
		{"EnqueuePush", push(2, "shop"), ok},
		{"ClaimPushes", claim("w1", 0, 1), length(1)},
		{"ClaimPushes", claim("w2", time.Second, 1), length(1)}, // of the other, as the first has one in hand
		{"DuePush", store.DuePushParams{Now: after(time.Second), PerRecipient: 1}, fails(store.ErrNotFound)},
		{"DuePush", store.DuePushParams{Now: after(time.Second), PerRecipient: 2}, ok},
		{"ClaimPushes", claim("w3", time.Second, 1), length(0)},
		{"ListMessagesOfAccount", store.ListMessagesOfAccountParams{AccountID: &person, Since: t0.Add(-time.Hour), BeforeAt: after(48 * time.Hour), BeforeID: store.MaxID, PageSize: 10}, func(v any, err error) bool {
			list, _ := v.([]store.ListMessagesOfAccountRow)
			return err == nil && len(list) == 3 && list[0].Party != nil && list[0].Channel == "push"
		}},
		{"EraseMessages", &person, ok}, // what is still to be told stays
		{"ListMessagesOfAccount", store.ListMessagesOfAccountParams{AccountID: &person, Since: t0.Add(-time.Hour), BeforeAt: after(48 * time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(3)},
		{"CancelClientPushes", store.CancelClientPushesParams{Recipient: "nobody", Now: at(time.Hour), Everything: true}, rows(0)},
		{"CancelClientPushes", store.CancelClientPushesParams{Recipient: "told", Now: at(time.Hour)}, rows(2)}, // one of them in hand
		{"ExpireMessages", store.ExpireMessagesParams{Channel: "push", Now: at(24 * time.Hour)}, rows(1)},
		{"EraseMessages", &person, ok},
		{"ListMessagesOfAccount", store.ListMessagesOfAccountParams{AccountID: &person, Since: t0.Add(-time.Hour), BeforeAt: after(48 * time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(0)},
	}
}()
