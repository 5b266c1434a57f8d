package admin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// NewClient describes a relying party to register. Zero fields take the better of what the standards allow.
type NewClient struct {
	// ID is the client_id; made up if empty.
	ID string
	// Name is what people are shown.
	Name string
	// Surface is whose sign-in policy holds; [SurfaceStore] if empty.
	Surface string
	// AuthMethod is client_secret_basic (if empty), client_secret_post, private_key_jwt, or none for a public client.
	AuthMethod string
	// RedirectURIs and PostLogoutRedirectURIs are where a browser may be sent, byte for byte.
	RedirectURIs, PostLogoutRedirectURIs []string
	// BackchannelLogoutURI is where the relying party hears that somebody was signed out (Back-Channel Logout 1.0 section 2.2);
	// empty if it does not ask to.
	BackchannelLogoutURI string
	// GrantTypes are authorization_code and refresh_token if empty; Scopes are openid, profile, email and offline_access where people
	// sign in.
	GrantTypes, Scopes []string
	// IDTokenAlg is ES256 (if empty), RS256 or EdDSA.
	IDTokenAlg string
	// NoPKCE lets a confidential client do without; a public one never may.
	NoPKCE bool
	// Browser refuses private-use schemes to a public client too: it runs in a browser, and only native ones have a scheme.
	Browser bool
	// Settings are the members of which none needs to be said.
	client.Settings
}

// Client is a registered relying party. Secret is empty for a public one; it can be read here and never again (I15).
type Client struct {
	ID, Secret string
}

const (
	authBasic        = "client_secret_basic"
	authPost         = "client_secret_post"
	authKey          = "private_key_jwt"
	authNone         = "none"
	grantCode        = "authorization_code"
	grantRefresh     = "refresh_token"
	grantCredentials = "client_credentials"
	grantDevice      = "urn:ietf:params:oauth:grant-type:device_code"
	grantExchange    = "urn:ietf:params:oauth:grant-type:token-exchange"
)

func authMethods() []string { return []string{authBasic, authPost, authKey, authNone} }

// hasSecret is whether a client that authenticates so has a secret.
func hasSecret(method string) bool { return method == authBasic || method == authPost }

func clientGrants() []string {
	return []string{grantCode, grantRefresh, grantCredentials, grantDevice, grantExchange}
}

// signsIn is whether people sign in with one of the grant types.
func signsIn(grants []string) bool {
	return slices.Contains(grants, grantCode) || slices.Contains(grants, grantDevice)
}

func signingAlgs() []string { return []string{"ES256", "RS256", "EdDSA"} }

// personScopes are the scopes about the person who signs in.
func personScopes() []string { return []string{"openid", "profile", "email", "offline_access"} }

var (
	clientID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	scope    = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,64}$`) // RFC 6749 section 3.3
)

// orDefaults fills in the zero fields.
func (in NewClient) orDefaults() NewClient {
	set := func(field *string, def string) {
		if *field == "" {
			*field = def
		}
	}
	set(&in.ID, strings.ToLower(rand.Text()[:16]))
	set(&in.Surface, SurfaceStore)
	set(&in.AuthMethod, authBasic)
	set(&in.IDTokenAlg, "ES256")
	if len(in.GrantTypes) == 0 {
		in.GrantTypes = []string{grantCode, grantRefresh}
	}
	if len(in.Scopes) == 0 && signsIn(in.GrantTypes) {
		in.Scopes = personScopes()
	}
	return in
}

// CreateClient registers a relying party. It fails with a [ClientError].
func (s *Service) CreateClient(ctx context.Context, actor Actor, in NewClient) (Client, error) {
	var made Client
	_, err := s.act(ctx, actor, mayManageClients, audit.Event{Type: audit.ClientCreate}, func(w *work) error {
		in, err := in.orDefaults().check(s.validRedirect)
		if err != nil {
			return fmt.Errorf("register client: %w", err)
		}
		if err := w.registrable(ctx, in); err != nil {
			return err
		}
		made = Client{ID: in.ID}
		var hash []byte
		if hasSecret(in.AuthMethod) {
			made.Secret, hash = web.NewToken()
		}
		err = w.tx.InsertClient(ctx, store.InsertClientParams{
			ID: in.ID, Name: in.Name, SurfaceID: in.Surface, AuthMethod: in.AuthMethod, SecretHash: hash,
			RedirectURIs: jsonList(in.RedirectURIs), PostLogoutRedirectURIs: jsonList(in.PostLogoutRedirectURIs),
			GrantTypes: jsonList(in.GrantTypes), Scopes: jsonList(in.Scopes), IDTokenAlg: in.IDTokenAlg,
			RequirePkce: !in.NoPKCE, BackchannelLogoutURI: in.BackchannelLogoutURI,
			Settings: in.Encode(), Now: w.now,
		})
		if errors.Is(err, store.ErrConflict) {
			return idTaken()
		}
		if err != nil {
			return fmt.Errorf("insert client: %w", err)
		}
		w.event.ClientID, w.event.Target = in.ID, clientName(in.Name, in.ID)
		w.event.Data = map[string]string{"surface": in.Surface, "auth_method": in.AuthMethod, "scopes": spellList(in.Scopes)}
		for name, word := range settingWords(in.Settings) {
			if word != "" {
				w.event.Data[name] = word
			}
		}
		return announceClient(ctx, w.tx, in.ID)
	})
	if err != nil {
		return Client{}, err
	}
	return made, nil
}

// registrable checks what only the rows know of a registration: whether its surface exists, and whether the actor holds what its scopes
// give (Z-2).
func (w *work) registrable(ctx context.Context, in NewClient) error {
	if _, err := w.tx.GetSurface(ctx, in.Surface); errors.Is(err, store.ErrNotFound) {
		return noSurface(in.Surface)
	} else if err != nil {
		return fmt.Errorf("load surface: %w", err)
	}
	if !w.actor.mayGrantAll(in.Scopes) {
		return &refusal{err: ErrForbidden, word: wordRight}
	}
	return nil
}

// announceClient makes every replica read the clients anew.
func announceClient(ctx context.Context, tx *store.Tx, id string) error {
	if err := tx.Notify(ctx, store.ClientsChannel, id); err != nil {
		return fmt.Errorf("announce client: %w", err)
	}
	return nil
}

func clientName(name, id string) string { return fmt.Sprintf("%s (%s)", name, id) }

// jsonList spells texts as a row has them.
func jsonList(values []string) json.RawMessage {
	raw, err := json.Marshal(append([]string{}, values...))
	if err != nil {
		panic(err) // strings only: cannot fail
	}
	return raw
}

// listOfJSON reads what jsonList spelled. The provider complains about a row that has anything else.
func listOfJSON(raw json.RawMessage) []string {
	list := []string{}
	if json.Unmarshal(raw, &list) != nil {
		return []string{}
	}
	return list
}

// shown is a client without what its secrets are hashed to (I15).
func shown(c store.Client) store.Client {
	c.SecretHash, c.FormerSecretHash = nil, nil
	return c
}
