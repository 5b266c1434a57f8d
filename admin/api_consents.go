package admin

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/futakagi/futakagi/store"
)

// apiConsent is what an account allows an application of somebody else's.
type apiConsent struct {
	ClientID  string    `json:"client_id"`
	Name      string    `json:"name" doc:"what people are shown of the application"`
	Scopes    []string  `json:"scopes" doc:"everything that was allowed"`
	GrantedAt time.Time `json:"granted_at"`
	UpdatedAt time.Time `json:"updated_at" doc:"when something was last added"`
}

func consentOf(c store.ListConsentsRow) apiConsent {
	return apiConsent{
		ClientID: c.Client.ID, Name: c.Client.Name, Scopes: strings.Fields(c.Consent.Scope),
		GrantedAt: c.Consent.GrantedAt, UpdatedAt: c.Consent.UpdatedAt,
	}
}

type consentByClient struct {
	ID     string `path:"id" max:"64"`
	Client string `path:"client" max:"64"`
}

func (a *API) consents(t *table) {
	s := a.service
	add(t, scopeAccountsRead, http.MethodGet, "/accounts/{id}/consents", "listConsents",
		func(ctx context.Context, actor Actor, in accountByID) (list[apiConsent], error) {
			rows, err := s.Consents(ctx, actor, store.AccountID(in.ID))
			return listOf(rows, false, consentOf, nil), err
		})
	add(t, scopeReset, http.MethodDelete, "/accounts/{id}/consents/{client}", "revokeConsent",
		func(ctx context.Context, actor Actor, in consentByClient) (none, error) {
			return none{}, s.RevokeConsent(ctx, actor, store.AccountID(in.ID), in.Client)
		}, codeOwnAccount)
	add(t, scopeReset, http.MethodDelete, "/accounts/{id}/sessions", "endSessions",
		func(ctx context.Context, actor Actor, in accountByID) (none, error) {
			return none{}, s.EndSessions(ctx, actor, store.AccountID(in.ID))
		}, codeOwnAccount)
}
