package store_test

import (
	"time"

	"github.com/futakagi/futakagi/store"
)

// consents calls the queries of what people allow applications of others.
var consents = func() []step {
	const owner = 190
	person, other, flow := id[store.AccountID](owner), id[store.AccountID](owner+1), id[store.FlowID](owner)
	pair := func(who store.AccountID) store.GetConsentParams {
		return store.GetConsentParams{AccountID: who, ClientID: "partner"}
	}
	put := func(who store.AccountID, client, scope string, d time.Duration) store.PutConsentParams {
		return store.PutConsentParams{AccountID: who, ClientID: client, Scope: scope, Now: after(d)}
	}
	allow := func(n int, who store.AccountID) store.SetFlowConsentParams {
		return store.SetFlowConsentParams{ConsentedScope: "openid", ID: flow, SecretHash: hash(n), Now: t0, AccountID: &who}
	}
	grantOf := newGrant(owner, owner)
	grantOf.AccountID, grantOf.ClientID = person, "partner"
	client := store.PutClientParams{ID: "partner", Name: "partner", SurfaceID: "store", RedirectURIs: doc(`[]`), PostLogoutRedirectURIs: doc(`[]`), GrantTypes: doc(`[]`), Scopes: doc(`[]`), Now: t0}
	return []step{
		{"PutConsent", put(person, "partner", "openid", 0), fails(store.ErrForeignKey)},
		{"PutClient", client, ok},
		{"GetConsent", pair(person), fails(store.ErrNotFound)},
		{"PutConsent", put(person, "partner", "openid", 0), ok},
		{"PutConsent", put(person, "partner", "openid email", time.Minute), ok},
		{"GetConsent", pair(person), has("GrantedAt", t0)},
		{"GetConsent", pair(person), has("UpdatedAt", after(time.Minute))},
		{"GetConsent", pair(other), fails(store.ErrNotFound)},
		{"ListConsents", person, length(1)},
		{"ListConsents", other, length(0)},
		{"DropConsent", store.DropConsentParams{AccountID: other, ClientID: "partner"}, rows(0)},
		{"DropConsent", store.DropConsentParams{AccountID: person, ClientID: "partner"}, rows(1)},
		{"InsertGrant", grantOf, ok},
		{"RevokeConsentGrants", store.RevokeConsentGrantsParams{Now: at(0), AccountID: other, ClientID: "partner"}, rows(0)},
		{"RevokeConsentGrants", store.RevokeConsentGrantsParams{Now: at(0), AccountID: person, ClientID: "shop"}, rows(0)},
		{"RevokeConsentGrants", store.RevokeConsentGrantsParams{Now: at(0), AccountID: person, ClientID: "partner"}, rows(1)},
		{"RevokeConsentGrants", store.RevokeConsentGrantsParams{Now: at(0), AccountID: person, ClientID: "partner"}, rows(0)},
		{"PutConsent", put(person, "partner", "openid", 0), ok},
		{"EraseConsents", person, ok},
		{"ListConsents", person, length(0)},
		{"PutConsent", put(person, "partner", "openid", 0), ok},
		{"PutConsent", put(other, "partner", "openid", 0), ok},
		{"DropClientConsents", "partner", rows(2)},
		{"PutConsent", put(person, "partner", "openid", 0), ok},
		{"DeleteClient", "partner", rows(1)}, // and what it was allowed
		{"PutClient", client, ok},
		{"ListConsents", person, length(0)},

		{"InsertFlow", store.InsertFlowParams{ID: flow, SecretHash: hash(owner), SurfaceID: "store", Request: doc(`{}`), Evidence: doc(`[]`), Now: t0, ExpiresAt: after(time.Hour)}, ok},
		{"SetFlowConsent", allow(owner, person), rows(0)}, // nobody has said who they are
		{"BindFlowAccount", store.BindFlowAccountParams{ID: flow, SecretHash: hash(owner), NewSecretHash: hash(owner + 1), AccountID: &person, CredentialEpoch: new(int64(1)), Evidence: doc(`[]`), Now: t0}, rows(1)},
		{"SetFlowConsent", allow(owner, person), rows(0)},
		{"SetFlowConsent", allow(owner+1, other), rows(0)},
		{"SetFlowConsent", allow(owner+1, person), rows(1)},
		{"GetFlow", store.GetFlowParams{ID: flow, SecretHash: hash(owner + 1), Now: t0}, has("ConsentedScope", "openid")},
		{"BindFlowAccount", store.BindFlowAccountParams{ID: flow, SecretHash: hash(owner + 1), NewSecretHash: hash(owner + 2), AccountID: &other, CredentialEpoch: new(int64(1)), Evidence: doc(`[]`), Now: t0}, rows(1)},
		{"GetFlow", store.GetFlowParams{ID: flow, SecretHash: hash(owner + 2), Now: t0}, has("ConsentedScope", "")},
		{"SetFlowConsent", allow(owner+2, other), rows(1)},
		{"ReleaseFlowAccount", store.ReleaseFlowAccountParams{ID: flow, SecretHash: hash(owner + 2), NewSecretHash: hash(owner + 3), Now: t0}, rows(1)},
		{"GetFlow", store.GetFlowParams{ID: flow, SecretHash: hash(owner + 3), Now: t0}, has("ConsentedScope", "")},
	}
}()
