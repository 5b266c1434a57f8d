package admin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
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
	// AuthMethod is client_secret_basic (if empty), client_secret_post, or none for a public client.
	AuthMethod string
	// RedirectURIs and PostLogoutRedirectURIs are where a browser may be sent, byte for byte.
	RedirectURIs, PostLogoutRedirectURIs []string
	// BackchannelLogoutURI is where the relying party hears that somebody was signed out (Back-Channel Logout 1.0 section 2.2);
	// empty if it does not ask to.
	BackchannelLogoutURI string
	// GrantTypes are authorization_code and refresh_token if empty; Scopes are openid, profile, email and offline_access.
	GrantTypes, Scopes []string
	// IDTokenAlg is ES256 (if empty), RS256 or EdDSA.
	IDTokenAlg string
	// NoPKCE lets a confidential client do without; a public one never may.
	NoPKCE bool
}

// Client is a registered relying party. Secret is empty for a public one; it can be read here and never again (I15).
type Client struct {
	ID, Secret string
}

// A ClientError lists what is wrong with a [NewClient]: one sentence per field, for whoever runs the command.
type ClientError struct {
	Fields map[string]string
}

func (e *ClientError) Error() string {
	var parts []string
	for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
		parts = append(parts, field+" "+e.Fields[field])
	}
	return "register client: " + strings.Join(parts, "; ")
}

const (
	authNone         = "none"
	grantCode        = "authorization_code"
	grantRefresh     = "refresh_token"
	grantCredentials = "client_credentials"
)

var (
	clientID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	scope    = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,64}$`) // RFC 6749 section 3.3
)

// complete fills in the zero fields and says what is wrong with the others.
func (in NewClient) complete(validRedirect func(string) string) (NewClient, error) {
	set := func(field *string, def string) {
		if *field == "" {
			*field = def
		}
	}
	set(&in.ID, strings.ToLower(rand.Text()[:16]))
	set(&in.Surface, SurfaceStore)
	set(&in.AuthMethod, "client_secret_basic")
	set(&in.IDTokenAlg, "ES256")
	if len(in.GrantTypes) == 0 {
		in.GrantTypes = []string{grantCode, grantRefresh}
	}
	if len(in.Scopes) == 0 {
		in.Scopes = []string{"openid", "profile", "email", "offline_access"}
	}
	wrong := map[string]string{}
	check := func(field string, ok bool, message string) {
		if !ok && wrong[field] == "" {
			wrong[field] = message
		}
	}
	oneOf := func(field, value string, allowed ...string) {
		check(field, slices.Contains(allowed, value), fmt.Sprintf("is %q, must be %s", value, strings.Join(allowed, ", ")))
	}
	in.Name = strings.TrimSpace(in.Name)
	check("id", clientID.MatchString(in.ID), "must be 1 to 64 of A-Z a-z 0-9 . _ - and begin with a letter or digit")
	check("name", in.Name != "" && utf8.RuneCountInString(in.Name) <= account.MaxName, fmt.Sprintf("must have 1 to %d characters", account.MaxName))
	oneOf("auth_method", in.AuthMethod, "client_secret_basic", "client_secret_post", authNone)
	oneOf("id_token_alg", in.IDTokenAlg, "ES256", "RS256", "EdDSA")
	for _, g := range in.GrantTypes {
		oneOf("grant_types", g, grantCode, grantRefresh, grantCredentials)
	}
	code := slices.Contains(in.GrantTypes, grantCode)
	check("grant_types", code || !slices.Contains(in.GrantTypes, grantRefresh), "have refresh_token without authorization_code")
	check("grant_types", in.AuthMethod != authNone || !slices.Contains(in.GrantTypes, grantCredentials), "have client_credentials, which a public client cannot use")
	for _, s := range in.Scopes {
		check("scopes", scope.MatchString(s) && knownScope(s), fmt.Sprintf("have %q, which is no scope", s))
	}
	check("redirect_uris", !code || len(in.RedirectURIs) > 0, "must have at least one for authorization_code")
	for _, list := range []struct {
		field string
		uris  []string
	}{{"redirect_uris", in.RedirectURIs}, {"post_logout_redirect_uris", in.PostLogoutRedirectURIs}} {
		for _, uri := range list.uris {
			problem := validRedirect(uri)
			check(list.field, problem == "", fmt.Sprintf("have %q, which %s", uri, problem))
		}
	}
	if uri := in.BackchannelLogoutURI; uri != "" {
		problem := validRedirect(uri)
		check("backchannel_logout_uri", problem == "", fmt.Sprintf("is %q, which %s", uri, problem))
		check("backchannel_logout_uri", strings.HasPrefix(uri, "https:") || strings.HasPrefix(uri, "http:"), fmt.Sprintf("is %q, which must use https", uri))
	}
	if len(wrong) > 0 {
		return in, &ClientError{Fields: wrong}
	}
	return in, nil
}

// CreateClient registers a relying party. It fails with a [ClientError].
func (s *Service) CreateClient(ctx context.Context, actor Actor, in NewClient) (Client, error) {
	var made Client
	_, err := s.act(ctx, actor, mayManageClients, audit.Event{Type: audit.ClientCreate}, func(w *work) error {
		in, err := in.complete(s.validRedirect)
		if err != nil {
			return err
		}
		if _, err := w.tx.GetSurface(ctx, in.Surface); errors.Is(err, store.ErrNotFound) {
			return &ClientError{Fields: map[string]string{"surface": fmt.Sprintf("is %q, which does not exist", in.Surface)}}
		} else if err != nil {
			return fmt.Errorf("load surface: %w", err)
		}
		for _, scope := range in.Scopes {
			if !w.actor.mayGrant(scope) {
				return &refusal{err: ErrForbidden, word: wordRight}
			}
		}
		made = Client{ID: in.ID}
		var hash []byte
		if in.AuthMethod != authNone {
			made.Secret, hash = web.NewToken()
		}
		list := func(values []string) json.RawMessage {
			raw, merr := json.Marshal(append([]string{}, values...))
			err = errors.Join(err, merr)
			return raw
		}
		row := store.InsertClientParams{
			ID: in.ID, Name: in.Name, SurfaceID: in.Surface, AuthMethod: in.AuthMethod, SecretHash: hash,
			RedirectURIs: list(in.RedirectURIs), PostLogoutRedirectURIs: list(in.PostLogoutRedirectURIs),
			GrantTypes: list(in.GrantTypes), Scopes: list(in.Scopes), IDTokenAlg: in.IDTokenAlg,
			RequirePkce: !in.NoPKCE || in.AuthMethod == authNone, BackchannelLogoutURI: in.BackchannelLogoutURI, Now: w.now,
		}
		if err != nil {
			return fmt.Errorf("encode client: %w", err)
		}
		err = w.tx.InsertClient(ctx, row)
		if errors.Is(err, store.ErrConflict) {
			return &ClientError{Fields: map[string]string{"id": "is taken"}}
		}
		if err != nil {
			return fmt.Errorf("insert client: %w", err)
		}
		if err := w.tx.Notify(ctx, store.ClientsChannel, in.ID); err != nil {
			return fmt.Errorf("announce client: %w", err)
		}
		w.event.ClientID, w.event.Target = in.ID, fmt.Sprintf("%s (%s)", in.Name, in.ID)
		w.event.Data = map[string]string{"surface": in.Surface, "auth_method": in.AuthMethod}
		return nil
	})
	if err != nil {
		return Client{}, err
	}
	return made, nil
}

// ListClients returns every relying party in the order of their ids, without what their secrets are hashed to.
func (s *Service) ListClients(ctx context.Context, actor Actor) ([]store.Client, error) {
	if err := s.view(ctx, actor, mayManageClients); err != nil {
		return nil, err
	}
	rows, err := s.db.Read().ListClients(ctx)
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	for i := range rows {
		rows[i].SecretHash = nil
	}
	return rows, nil
}
