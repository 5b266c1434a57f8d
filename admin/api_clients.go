package admin

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// apiClient is a relying party as programs see it; nobody sees its secret, but whoever is given a new one.
type apiClient struct {
	ID                     string     `json:"client_id"`
	Name                   string     `json:"client_name"`
	Surface                string     `json:"surface"`
	AuthMethod             string     `json:"token_endpoint_auth_method"`
	RedirectURIs           []string   `json:"redirect_uris"`
	PostLogoutRedirectURIs []string   `json:"post_logout_redirect_uris"`
	BackchannelLogoutURI   string     `json:"backchannel_logout_uri,omitempty"`
	Logo                   string     `json:"logo_uri,omitempty" doc:"where its logo is, on this server"`
	GrantTypes             []string   `json:"grant_types"`
	Scopes                 []string   `json:"scopes"`
	IDTokenAlg             string     `json:"id_token_signed_response_alg"`
	RequirePKCE            bool       `json:"require_pkce"`
	DisabledAt             *time.Time `json:"disabled_at,omitempty"`
	RegisteredAt           *time.Time `json:"registered_at,omitempty" doc:"when it registered itself; absent if staff did"`
	RegisteredBy           string     `json:"registered_by,omitempty" doc:"label of the initial access token; absent if anybody could"`
	FormerSecretUntil      *time.Time `json:"former_secret_until,omitempty" doc:"until when the secret before the present one works"`
	FormerSecretUsedAt     *time.Time `json:"former_secret_used_at,omitempty" doc:"when that was last used, to the minute"`
	Secret                 string     `json:"client_secret,omitempty" doc:"only in the answer to a change that made one; shown there and never again"`
	CreatedAt              time.Time  `json:"created_at"`
	UpdatedAt              time.Time  `json:"updated_at"`
	client.Settings
}

func (c apiClient) version() time.Time { return c.UpdatedAt }

func apiClientOf(c store.Client) apiClient {
	settings, _ := client.Parse(c.Settings) // the provider complains about a row that has anything else
	return apiClient{
		ID: c.ID, Name: c.Name, Surface: c.SurfaceID, AuthMethod: c.AuthMethod, RedirectURIs: listOfJSON(c.RedirectURIs),
		PostLogoutRedirectURIs: listOfJSON(c.PostLogoutRedirectURIs), BackchannelLogoutURI: c.BackchannelLogoutURI,
		Logo:       templates.LogoURL(c.ID, c.LogoVersion),
		GrantTypes: listOfJSON(c.GrantTypes), Scopes: listOfJSON(c.Scopes), IDTokenAlg: c.IDTokenAlg, RequirePKCE: c.RequirePkce,
		RegisteredAt: c.RegisteredAt, RegisteredBy: c.RegisteredBy,
		DisabledAt: c.DisabledAt, FormerSecretUntil: c.FormerSecretUntil, FormerSecretUsedAt: c.FormerSecretUsedAt,
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, Settings: settings.Normal(),
	}
}

// apiNewClient is a client that was just registered.
type apiNewClient struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret,omitempty" doc:"shown here and never again; absent for a public client"`
}

func (c apiNewClient) location() string { return "/clients/" + url.PathEscape(c.ID) }

// apiSecret is a secret that a client was just given.
type apiSecret struct {
	Secret      string     `json:"client_secret" doc:"shown here and never again"`
	FormerUntil *time.Time `json:"former_secret_until,omitempty" doc:"until when the former one works; absent if it works no more"`
	UpdatedAt   time.Time  `json:"updated_at" doc:"of the client"`
}

func (s apiSecret) version() time.Time { return s.UpdatedAt }

type (
	apiClientInput struct {
		ID                     string   `json:"client_id,omitempty" max:"64" doc:"made up if absent"`
		Name                   string   `json:"client_name" max:"256" doc:"what people are shown"`
		Surface                string   `json:"surface,omitempty" max:"64" doc:"whose sign-in policy holds; store if absent"`
		AuthMethod             string   `json:"token_endpoint_auth_method,omitempty" enum:"client_secret_basic,client_secret_post,private_key_jwt,none" doc:"client_secret_basic if absent"`
		RedirectURIs           []string `json:"redirect_uris,omitempty" max:"2048" max_items:"50" doc:"where sign-in answers go, compared byte for byte"`
		PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty" max:"2048" max_items:"50" doc:"where sign-out may lead"`
		BackchannelLogoutURI   string   `json:"backchannel_logout_uri,omitempty" max:"2048" doc:"where the application hears that somebody was signed out"`
		GrantTypes             []string `json:"grant_types,omitempty" enum:"authorization_code,refresh_token,client_credentials,urn:ietf:params:oauth:grant-type:device_code,urn:ietf:params:oauth:grant-type:token-exchange" max_items:"5"`
		Scopes                 []string `json:"scopes,omitempty" max:"64" max_items:"50" doc:"what it may ask for"`
		IDTokenAlg             string   `json:"id_token_signed_response_alg,omitempty" enum:"ES256,RS256,EdDSA" doc:"ES256 if absent"`
		NoPKCE                 bool     `json:"no_pkce,omitempty" doc:"lets a confidential client do without"`
		SettingsChange
	}
	apiClientChange struct {
		Name                   *string  `json:"client_name,omitempty" max:"256" doc:"what people are shown"`
		Surface                *string  `json:"surface,omitempty" max:"64" doc:"whose sign-in policy holds; what the client holds is void when it moves"`
		AuthMethod             *string  `json:"token_endpoint_auth_method,omitempty" enum:"client_secret_basic,client_secret_post,private_key_jwt,none"`
		RedirectURIs           []string `json:"redirect_uris,omitempty" max:"2048" max_items:"50" doc:"where sign-in answers go, compared byte for byte"`
		PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty" max:"2048" max_items:"50" doc:"where sign-out may lead"`
		BackchannelLogoutURI   *string  `json:"backchannel_logout_uri,omitempty" max:"2048" doc:"empty for none"`
		GrantTypes             []string `json:"grant_types,omitempty" enum:"authorization_code,refresh_token,client_credentials,urn:ietf:params:oauth:grant-type:device_code,urn:ietf:params:oauth:grant-type:token-exchange" max_items:"5"`
		Scopes                 []string `json:"scopes,omitempty" max:"64" max_items:"50" doc:"what it may ask for"`
		IDTokenAlg             *string  `json:"id_token_signed_response_alg,omitempty" enum:"ES256,RS256,EdDSA"`
		RequirePKCE            *bool    `json:"require_pkce,omitempty" doc:"always true for a public client"`
		SettingsChange
	}
	apiSecretRotation struct {
		Overlap string `json:"overlap" enum:"now,1h,24h,7d" doc:"for how long the former secret works beside the new one"`
	}
	findClients struct {
		paging
		Search string `query:"search" max:"100" doc:"looked for in client_id and name"`
		State  string `query:"state" enum:"active,disabled,rotating,registered" doc:"rotating: a former secret still works; registered: by itself"`
	}
	createClient struct{ Body apiClientInput }
	setLogo      struct {
		ID   string `path:"id" max:"64"`
		Body upload `kinds:"image/png,image/jpeg,image/gif"`
	}
	clientByID struct {
		ID string `path:"id" max:"64"`
	}
	clientAtVersion struct {
		ID    string    `path:"id" max:"64"`
		Match time.Time `header:"If-Match"`
	}
	updateClient struct {
		ID    string    `path:"id" max:"64"`
		Match time.Time `header:"If-Match"`
		Body  apiClientChange
	}
	rotateSecret struct {
		ID    string    `path:"id" max:"64"`
		Match time.Time `header:"If-Match"`
		Body  apiSecretRotation
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
			rows, more, err := s.ClientsAfter(ctx, actor, span, ClientsQuery{Who: in.Search, State: in.State})
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
				Settings: in.Body.apply(client.Settings{}),
			})
			return apiNewClient(c), err
		})
	a.clientLife(t)
}

// clientLife are the operations on a client that there is.
func (a *API) clientLife(t *table) {
	s := a.service
	// after is the answer of a change: the client as it is now.
	after := func(ctx context.Context, actor Actor, id string, err error) (apiClient, error) {
		if err != nil {
			return apiClient{}, err
		}
		c, err := s.GetClient(ctx, actor, id)
		return apiClientOf(c), err
	}
	add(t, scopeClients, http.MethodPatch, "/clients/{id}", "updateClient",
		func(ctx context.Context, actor Actor, in updateClient) (apiClient, error) {
			secret, _, err := s.UpdateClient(ctx, actor, in.ID, in.Match, ClientChange(in.Body))
			c, err := after(ctx, actor, in.ID, err)
			c.Secret = secret
			return c, err
		})
	add(t, scopeClients, http.MethodDelete, "/clients/{id}", "deleteClient",
		func(ctx context.Context, actor Actor, in clientAtVersion) (none, error) {
			return none{}, s.DeleteClient(ctx, actor, in.ID, in.Match, in.ID)
		})
	add(t, scopeClients, http.MethodPut, "/clients/{id}/disabled", "disableClient",
		func(ctx context.Context, actor Actor, in clientByID) (apiClient, error) {
			_, err := s.SetClientDisabled(ctx, actor, in.ID, true)
			return after(ctx, actor, in.ID, err)
		})
	add(t, scopeClients, http.MethodDelete, "/clients/{id}/disabled", "enableClient",
		func(ctx context.Context, actor Actor, in clientByID) (apiClient, error) {
			_, err := s.SetClientDisabled(ctx, actor, in.ID, false)
			return after(ctx, actor, in.ID, err)
		})
	add(t, scopeClients, http.MethodPut, "/clients/{id}/logo", "setClientLogo",
		func(ctx context.Context, actor Actor, in setLogo) (apiClient, error) {
			_, err := s.SetLogo(ctx, actor, in.ID, in.Body)
			return after(ctx, actor, in.ID, err)
		})
	add(t, scopeClients, http.MethodDelete, "/clients/{id}/logo", "removeClientLogo",
		func(ctx context.Context, actor Actor, in clientByID) (apiClient, error) {
			_, err := s.RemoveLogo(ctx, actor, in.ID)
			return after(ctx, actor, in.ID, err)
		})
	add(t, scopeClients, http.MethodPost, "/clients/{id}/secret", "rotateClientSecret",
		func(ctx context.Context, actor Actor, in rotateSecret) (apiSecret, error) {
			made, err := s.RotateSecret(ctx, actor, in.ID, in.Match, in.Body.Overlap)
			return apiSecret{Secret: made.Secret, FormerUntil: made.FormerUntil, UpdatedAt: made.Version}, err
		})
	add(t, scopeClients, http.MethodDelete, "/clients/{id}/former-secret", "endFormerSecret",
		func(ctx context.Context, actor Actor, in clientByID) (apiClient, error) {
			_, err := s.EndFormerSecret(ctx, actor, in.ID)
			return after(ctx, actor, in.ID, err)
		})
}
