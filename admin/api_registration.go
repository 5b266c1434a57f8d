package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/futakagi/futakagi/store"
)

// apiRegistrationToken is an initial access token as programs see it.
type apiRegistrationToken struct {
	ID         string     `json:"id"`
	Label      string     `json:"label" doc:"who it is for"`
	State      string     `json:"state" enum:"live,used_up,expired,revoked"`
	CreatedBy  string     `json:"created_by"`
	MaxUses    int        `json:"max_uses"`
	Uses       int        `json:"uses" doc:"clients that it registered"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  time.Time  `json:"expires_at"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty"`
	RevokedAt  *time.Time `json:"revoked_at,omitempty"`
}

func apiRegistrationTokenOf(t RegistrationToken) apiRegistrationToken {
	return apiRegistrationToken{
		ID: string(t.ID), Label: t.Label, State: t.State, CreatedBy: t.CreatedBy, MaxUses: t.MaxUses, Uses: t.Uses, CreatedAt: t.CreatedAt,
		ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt, RevokedAt: t.RevokedAt,
	}
}

// apiNewRegistrationToken is one that was just made.
type apiNewRegistrationToken struct {
	ID        string    `json:"id"`
	Token     string    `json:"token" doc:"shown here and never again"`
	ExpiresAt time.Time `json:"expires_at"`
}

type (
	apiRegistrationTokenInput struct {
		Label string `json:"label" max:"400" doc:"who it is for"`
		Days  int    `json:"days" min:"1" max:"90" doc:"how many days it is good for"`
		Uses  int    `json:"uses" min:"1" max:"1000" doc:"how many applications it registers"`
	}
	createRegistrationToken struct{ Body apiRegistrationTokenInput }
	registrationTokenByID   struct {
		ID store.RegistrationTokenID `path:"id"`
	}
)

func (a *API) registrationTokens(t *table) {
	s := a.service
	add(t, scopeClientsRead, http.MethodGet, "/registration-tokens", "listRegistrationTokens",
		func(ctx context.Context, actor Actor, _ nothing) (list[apiRegistrationToken], error) {
			rows, err := s.RegistrationTokens(ctx, actor)
			return listOf(rows, false, apiRegistrationTokenOf, nil), err
		})
	add(t, scopeClients, http.MethodPost, "/registration-tokens", "createRegistrationToken",
		func(ctx context.Context, actor Actor, in createRegistrationToken) (apiNewRegistrationToken, error) {
			token, made, err := s.CreateRegistrationToken(ctx, actor, NewRegistrationToken(in.Body))
			return apiNewRegistrationToken{ID: string(made.ID), Token: token, ExpiresAt: made.ExpiresAt}, err
		})
	add(t, scopeClients, http.MethodDelete, "/registration-tokens/{id}", "revokeRegistrationToken",
		func(ctx context.Context, actor Actor, in registrationTokenByID) (none, error) {
			return none{}, s.RevokeRegistrationToken(ctx, actor, in.ID)
		})
}
