package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/futakagi/futakagi/store"
)

// apiClient is a relying party as programs see it; nobody sees its secret.
type apiClient struct {
	ID                     string     `json:"client_id"`
	Name                   string     `json:"client_name"`
	Surface                string     `json:"surface"`
	AuthMethod             string     `json:"token_endpoint_auth_method"`
	RedirectURIs           []string   `json:"redirect_uris"`
	PostLogoutRedirectURIs []string   `json:"post_logout_redirect_uris"`
	BackchannelLogoutURI   string     `json:"backchannel_logout_uri,omitempty"`
	GrantTypes             []string   `json:"grant_types"`
	Scopes                 []string   `json:"scopes"`
	IDTokenAlg             string     `json:"id_token_signed_response_alg"`
	RequirePKCE            bool       `json:"require_pkce"`
	DisabledAt             *time.Time `json:"disabled_at,omitempty"`
	CreatedAt              time.Time  `json:"created_at"`
	UpdatedAt              time.Time  `json:"updated_at"`
}

func (c apiClient) version() time.Time { return c.UpdatedAt }

func apiClientOf(c store.Client) apiClient {
	words := func(raw json.RawMessage) []string {
		list := []string{}
		if json.Unmarshal(raw, &list) != nil {
			return []string{} // the provider complains about such a row
		}
		return list
	}
	return apiClient{
		ID: c.ID, Name: c.Name, Surface: c.SurfaceID, AuthMethod: c.AuthMethod, RedirectURIs: words(c.RedirectURIs),
		PostLogoutRedirectURIs: words(c.PostLogoutRedirectURIs), BackchannelLogoutURI: c.BackchannelLogoutURI, GrantTypes: words(c.GrantTypes), Scopes: words(c.Scopes),
		IDTokenAlg: c.IDTokenAlg, RequirePKCE: c.RequirePkce, DisabledAt: c.DisabledAt, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
}

// apiNewClient is a client that was just registered.
type apiNewClient struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret,omitempty" doc:"shown here and never again; absent for a public client"`
}

func (c apiNewClient) location() string { return "/clients/" + url.PathEscape(c.ID) }

type (
	apiClientInput struct {
		ID                     string   `json:"client_id,omitempty" max:"64" doc:"made up if absent"`
		Name                   string   `json:"client_name" max:"256" doc:"what people are shown"`
		Surface                string   `json:"surface,omitempty" max:"64" doc:"whose sign-in policy holds; store if absent"`
		AuthMethod             string   `json:"token_endpoint_auth_method,omitempty" enum:"client_secret_basic,client_secret_post,none" doc:"client_secret_basic if absent"`
		RedirectURIs           []string `json:"redirect_uris,omitempty" max:"2048" max_items:"50"`
		PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty" max:"2048" max_items:"50"`
		BackchannelLogoutURI   string   `json:"backchannel_logout_uri,omitempty" max:"2048" doc:"where the application hears that somebody was signed out"`
		GrantTypes             []string `json:"grant_types,omitempty" enum:"authorization_code,refresh_token,client_credentials" max_items:"3"`
		Scopes                 []string `json:"scopes,omitempty" max:"64" max_items:"50"`
		IDTokenAlg             string   `json:"id_token_signed_response_alg,omitempty" enum:"ES256,RS256,EdDSA" doc:"ES256 if absent"`
		NoPKCE                 bool     `json:"no_pkce,omitempty" doc:"lets a confidential client do without"`
	}
	findClients  struct{ paging }
	createClient struct{ Body apiClientInput }
	clientByID   struct {
		ID string `path:"id" max:"64"`
	}
)

func (a *API) clients(t *table) {
	s := a.service
	add(t, scopeClientsRead, http.MethodGet, "/clients", "listClients",
		func(ctx context.Context, actor Actor, in findClients) (list[apiClient], error) {
			span, err := in.span(clientID.MatchString)
			if err != nil {
				return list[apiClient]{}, err
			}
			rows, more, err := s.ClientsAfter(ctx, actor, span)
			return listOf(rows, more, apiClientOf, func(c store.Client) string { return cursor(c.ID) }), err
		})
	add(t, scopeClientsRead, http.MethodGet, "/clients/{id}", "getClient",
		func(ctx context.Context, actor Actor, in clientByID) (apiClient, error) {
			c, err := s.GetClient(ctx, actor, in.ID)
			return apiClientOf(c), err
		})
	add(t, scopeClients, http.MethodPost, "/clients", "createClient",
		func(ctx context.Context, actor Actor, in createClient) (apiNewClient, error) {
			c, err := s.CreateClient(ctx, actor, NewClient{
				ID: in.Body.ID, Name: in.Body.Name, Surface: in.Body.Surface, AuthMethod: in.Body.AuthMethod,
				RedirectURIs: in.Body.RedirectURIs, PostLogoutRedirectURIs: in.Body.PostLogoutRedirectURIs,
				BackchannelLogoutURI: in.Body.BackchannelLogoutURI,
				GrantTypes:           in.Body.GrantTypes, Scopes: in.Body.Scopes, IDTokenAlg: in.Body.IDTokenAlg, NoPKCE: in.Body.NoPKCE,
			})
			return apiNewClient(c), err
		})
}
