package provider

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
)

// PathRegister is where clients register themselves (RFC 7591), and above where they look after their registrations (RFC 7592).
const PathRegister = "/register"

// Who may register clients without being staff.
const (
	RegistrationOff   = "off"   // nobody; the endpoint is not there
	RegistrationToken = "token" // whoever was given an initial access token
	RegistrationOpen  = "open"  // anybody
)

// PrefixInitial begins initial access tokens (RFC 7591 §3), which staff make.
const PrefixInitial = "ia_"

// prefixRegistration begins registration access tokens (RFC 7592 §3).
const prefixRegistration = "reg_"

// Registration says who may register clients, and how many. The zero value lets nobody.
type Registration struct {
	// Mode is one of those above; off if empty.
	Mode string
	// Surface is the id of the surface that such clients belong to.
	Surface string
	// MaxUnused is how many clients may be there that nobody signed in to yet; 1000 if zero. PerNetwork is how many registrations a
	// client network has in an hour where anybody may register, and how many changes one client has, 60 if zero; PerHour how many
	// registrations there are in all, and how many tries one initial access token has, 500 if zero.
	MaxUnused, PerNetwork, PerHour int64
}

func (r Registration) orDefaults() Registration {
	set := func(n *int64, def int64) {
		if *n == 0 {
			*n = def
		}
	}
	set(&r.MaxUnused, 1000)
	set(&r.PerNetwork, 60)
	set(&r.PerHour, 500)
	return r
}

// check reports a mode that is none.
func (r Registration) check() error {
	if !slices.Contains([]string{"", RegistrationOff, RegistrationToken, RegistrationOpen}, r.Mode) {
		return fmt.Errorf("provider: registration mode %q is unknown", r.Mode)
	}
	return nil
}

func (r Registration) on() bool { return r.Mode == RegistrationToken || r.Mode == RegistrationOpen }

// mountRegistration adds the routes of registration, unless it is off.
func (m *machine) mountRegistration(r chi.Router) {
	if !m.registration.on() {
		return
	}
	r.Handle(PathRegister, m.registrar(map[string]registrarFunc{http.MethodPost: m.postRegistration}))
	r.Handle(PathRegister+"/{client}", m.registrar(map[string]registrarFunc{
		http.MethodGet: m.getRegistration, http.MethodPut: m.putRegistration, http.MethodDelete: m.deleteRegistration,
	}))
}

type registrarFunc func(w http.ResponseWriter, r *http.Request) error

// registrar answers by method. No script of another origin may read an answer: what is in it is for servers and for the one application.
func (m *machine) registrar(methods map[string]registrarFunc) http.Handler {
	var names []string
	for name := range methods {
		names = append(names, name)
	}
	slices.Sort(names)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Pragma", "no-cache")
		do, ok := methods[r.Method]
		if !ok {
			h.Set("Allow", strings.Join(names, ", "))
			m.writeError(w, r, &protocolError{code: codeMethod})
			return
		}
		err := error(refuseRequest("parameters in the URL"))
		if r.URL.RawQuery == "" {
			err = do(w, r)
		}
		if err != nil {
			m.writeError(w, r, err)
		}
	})
}

// readRegistration reads the body of a registration, which has some scopes already.
func readRegistration(w http.ResponseWriter, r *http.Request, held []string) (registration, error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return registration{}, &protocolError{code: codeInvalidRequest, say: "The body must be application/json."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMetadata))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return registration{}, &protocolError{code: codeTooBig}
	}
	if err != nil {
		return registration{}, refuseRequest("the body cannot be read")
	}
	return parseRegistration(body, held...)
}

// postRegistration registers a client (RFC 7591 §3.1).
func (m *machine) postRegistration(w http.ResponseWriter, r *http.Request) error {
	ctx, now := r.Context(), m.now().UTC().Truncate(time.Microsecond)
	initial, err := m.initialToken(r)
	if err != nil {
		return err
	}
	in, err := readRegistration(w, r, nil)
	if err != nil {
		return err
	}
	// Before anything is asked of others: who has a token is bound by it alone, and its uses are not counted yet.
	budget, most := "registration:"+audit.OriginOf(ctx).Network(), m.registration.PerNetwork
	if initial != nil {
		budget, most = "registration-token:"+hex.EncodeToString(initial), m.registration.PerHour
	}
	if err := m.takeRegistration(ctx, budget, most, now); err != nil {
		return err
	}
	if err := m.checkSector(ctx, in); err != nil {
		return err
	}
	id := strings.ToLower(rand.Text())
	secret := in.newSecret()
	token, tokenHash := newBearer(prefixRegistration)
	var row store.Client
	err = m.db.InTx(ctx, func(tx *store.Tx) error {
		event := audit.Event{
			Type: audit.ClientCreate, Result: audit.Success, Actor: audit.Anonymous(), ClientID: id, Target: in.shownName(id) + " (" + id + ")",
			Data: map[string]string{"surface": m.registration.Surface, "auth_method": in.authMethod, "scopes": formatScope(in.scopes), "registered": m.registration.Mode},
		}
		label, err := m.useInitial(ctx, tx, initial, &event, now)
		if err != nil {
			return err
		}
		if err := m.insertRegistered(ctx, tx, in, id, secret.hash, now); err != nil {
			return err
		}
		n, err := tx.SetRegistration(ctx, store.SetRegistrationParams{ID: id, RegisteredBy: label, RegistrationHash: tokenHash, Now: &now})
		if err != nil || n != 1 {
			return errors.Join(fmt.Errorf("note registration: %d rows", n), err)
		}
		if err := audit.Write(ctx, tx, now, event); err != nil {
			return err
		}
		if row, err = tx.GetClient(ctx, id); err != nil {
			return fmt.Errorf("read client: %w", err)
		}
		return tx.Notify(ctx, store.ClientsChannel, id)
	})
	if err != nil {
		return registrationFailed("register client", err)
	}
	if err := m.clients.Reload(ctx); err != nil {
		return err
	}
	return m.writeRegistration(w, http.StatusCreated, row, secret.text, token)
}

// registrationFailed says what failed, and leaves what is an answer as it is.
func registrationFailed(what string, err error) error {
	if _, ok := errors.AsType[*protocolError](err); ok {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}

// initialToken returns the hash of the initial access token that a request comes with, nil where it needs none and has none.
func (m *machine) initialToken(r *http.Request) ([]byte, error) {
	if len(r.Header.Values("Authorization")) == 0 && m.registration.Mode == RegistrationOpen {
		return nil, nil
	}
	token, _, err := accessToken(r)
	if err != nil {
		return nil, err
	}
	hash, ok := bearerHash(PrefixInitial, token)
	if !ok {
		return nil, refuseToken("not an initial access token")
	}
	// Before anything else is looked at: whoever has no token causes no request of ours, and learns nothing from our checks.
	_, err = m.db.Read().FindRegistrationToken(r.Context(), store.FindRegistrationTokenParams{TokenHash: hash, Now: m.now()})
	if errors.Is(err, store.ErrNotFound) {
		return nil, refuseToken("initial access token unknown, expired, revoked or used up")
	}
	if err != nil {
		return nil, fmt.Errorf("read initial access token: %w", err)
	}
	return hash, nil
}

// useInitial uses an initial access token once, if the request has one, and returns its label.
func (m *machine) useInitial(ctx context.Context, tx *store.Tx, hash []byte, event *audit.Event, now time.Time) (label string, err error) {
	if hash == nil {
		return "", nil
	}
	used, err := tx.UseRegistrationToken(ctx, store.UseRegistrationTokenParams{TokenHash: hash, Now: &now})
	if errors.Is(err, store.ErrNotFound) {
		return "", refuseToken("initial access token used up meanwhile")
	}
	if err != nil {
		return "", fmt.Errorf("use initial access token: %w", err)
	}
	event.Actor.Name, event.Data["token"] = used.Label, string(used.ID)
	return used.Label, nil
}

// takeRegistration spends one of a budget of this hour, in a transaction of its own.
func (m *machine) takeRegistration(ctx context.Context, key string, ceiling int64, now time.Time) error {
	err := m.db.InTx(ctx, func(tx *store.Tx) error { return spendRegistration(ctx, tx, key, ceiling, now) })
	if err != nil {
		return registrationFailed("take registration", err)
	}
	return nil
}

func spendRegistration(ctx context.Context, tx *store.Tx, key string, ceiling int64, now time.Time) error {
	hour := now.Truncate(time.Hour)
	_, err := tx.TakeBudget(ctx, store.TakeBudgetParams{
		Key: key + ":" + strconv.FormatInt(hour.Unix(), 10), Now: now, ExpiresAt: hour.Add(time.Hour), Ceiling: ceiling,
	})
	if errors.Is(err, store.ErrNotFound) {
		return &protocolError{code: codeTooMany, reason: "budget of the hour used up"}
	}
	return err
}

// insertRegistered writes a client, unless there are too many already that nobody uses. Whoever takes from the budget of all holds its
// row until the end of the transaction, so that nobody counts beside them.
func (m *machine) insertRegistered(ctx context.Context, tx *store.Tx, in registration, id string, secretHash []byte, now time.Time) error {
	if err := spendRegistration(ctx, tx, "registrations", m.registration.PerHour, now); err != nil {
		return err
	}
	unused, err := tx.CountUnusedClients(ctx)
	if err != nil {
		return fmt.Errorf("count unused clients: %w", err)
	}
	if unused >= m.registration.MaxUnused {
		return &protocolError{code: codeTooMany, reason: "too many clients that nobody uses"}
	}
	err = tx.InsertClient(ctx, store.InsertClientParams{
		ID: id, Name: in.shownName(id), SurfaceID: m.registration.Surface, AuthMethod: in.authMethod, SecretHash: secretHash,
		RedirectURIs: encodeList(in.redirects), PostLogoutRedirectURIs: encodeList(in.postLogout), GrantTypes: encodeList(in.grants),
		Scopes: encodeList(in.scopes), IDTokenAlg: in.idTokenAlg, RequirePkce: in.mustPKCE(),
		BackchannelLogoutURI: in.backchannel, Settings: in.settings.Encode(), Now: now,
	})
	if err != nil {
		return fmt.Errorf("insert client: %w", err)
	}
	return nil
}

// shownName is what people are shown: the name, else the host they will be sent to, else the client_id.
func (in registration) shownName(id string) string {
	if in.name != "" {
		return in.name
	}
	if u, err := url.Parse(in.redirects[0]); err == nil && u.Hostname() != "" && len(u.Hostname()) <= 100 {
		return u.Hostname()
	}
	return id
}

// clientSecret is a secret and its hash; both are empty for a client without one.
type clientSecret struct {
	text string
	hash []byte
}

func usesSecret(method string) bool {
	return method == string(oidc.AuthMethodBasic) || method == string(oidc.AuthMethodPost)
}

// newSecret makes the secret of a client whose method takes one.
func (in registration) newSecret() clientSecret {
	if !usesSecret(in.authMethod) {
		return clientSecret{}
	}
	text, hash := NewClientSecret()
	return clientSecret{text, hash}
}

func encodeList(values []string) json.RawMessage {
	if values == nil {
		values = []string{}
	}
	raw, err := json.Marshal(values)
	if err != nil {
		panic(fmt.Sprintf("provider: encode list: %v", err)) // strings only: cannot fail
	}
	return raw
}

// checkSector asks the sector_identifier_uri whether it knows the redirect URIs (OpenID Connect Dynamic Client Registration §5).
func (m *machine) checkSector(ctx context.Context, in registration) error {
	uri := in.settings.SectorIdentifierURI
	if uri == "" {
		return nil
	}
	if m.fetch == nil {
		return refuseMetadata("sector_identifier_uri is not supported")
	}
	body, err := m.fetch(ctx, uri)
	if err != nil {
		e := refuseMetadata("sector_identifier_uri cannot be read")
		e.reason += ": " + err.Error() // for the log: whoever registers must not learn what our network answers
		return e
	}
	var known []string
	if json.Unmarshal(body, &known) != nil {
		return refuseMetadata("sector_identifier_uri must lead to a JSON array of strings")
	}
	for i, redirect := range in.redirects {
		if !slices.Contains(known, redirect) {
			return refuseMetadata("sector_identifier_uri: number %d of redirect_uris is not in its array", i+1)
		}
	}
	return nil
}

var registeredID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// registered returns the client that a request looks after, by its registration access token, and the hash of that. A client that is not
// there, or did not register itself, is answered like a wrong token, and as fast.
func (m *machine) registered(r *http.Request) (row store.Client, token string, hash []byte, err error) {
	if token, _, err = accessToken(r); err != nil {
		return row, "", nil, err
	}
	hash, ok := bearerHash(prefixRegistration, token)
	id := chi.URLParam(r, "client")
	if !ok || !registeredID.MatchString(id) {
		return row, "", nil, refuseToken("not a registration access token")
	}
	row, err = m.db.Read().GetClient(r.Context(), id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return row, "", nil, fmt.Errorf("read client: %w", err)
	}
	if !m.mayLookAfter(row, hash) {
		return store.Client{}, "", nil, refuseToken("registration access token")
	}
	return row, token, hash, nil
}

// mayLookAfter reports whether the hash is that of a client's registration access token; a disabled client's counts for nothing.
func (m *machine) mayLookAfter(row store.Client, hash []byte) bool {
	want := row.RegistrationHash
	if want == nil {
		want = m.noSecret
	}
	right := subtle.ConstantTimeCompare(hash, want) == 1
	return right && row.RegisteredAt != nil && row.DisabledAt == nil
}

// getRegistration shows a registration (RFC 7592 §2.1). The secret is not in it: we do not know it.
func (m *machine) getRegistration(w http.ResponseWriter, r *http.Request) error {
	row, token, _, err := m.registered(r)
	if err != nil {
		return err
	}
	return m.writeRegistration(w, http.StatusOK, row, "", token)
}

// putRegistration replaces a registration (RFC 7592 §2.2) and its access token.
func (m *machine) putRegistration(w http.ResponseWriter, r *http.Request) error {
	ctx, now := r.Context(), m.now().UTC().Truncate(time.Microsecond)
	seen, _, hash, err := m.registered(r)
	if err != nil {
		return err
	}
	former, err := newClient(seen)
	if err != nil {
		return err
	}
	in, err := readRegistration(w, r, former.scopes)
	if err != nil {
		return err
	}
	if in.id != seen.ID {
		return refuseMetadata("client_id must be that of the registration")
	}
	if in.secret != "" && subtle.ConstantTimeCompare(hashSecret(in.secret), seen.SecretHash) != 1 {
		return refuseMetadata("client_secret must be the present one, or be left out")
	}
	if err := m.takeRegistration(ctx, "registration-change:"+seen.ID, m.registration.PerNetwork, now); err != nil {
		return err
	}
	if err := m.checkSector(ctx, in); err != nil {
		return err
	}
	token, tokenHash := newBearer(prefixRegistration)
	var row store.Client
	var secret clientSecret
	err = m.db.InTx(ctx, func(tx *store.Tx) error {
		held, err := m.holdRegistered(ctx, tx, seen.ID, hash)
		if err != nil {
			return err
		}
		n, err := tx.ReplaceRegistrationToken(ctx, store.ReplaceRegistrationTokenParams{ID: held.ID, Former: hash, Fresh: tokenHash})
		if err != nil {
			return fmt.Errorf("replace registration access token: %w", err)
		}
		if n == 0 {
			return refuseToken("registration access token replaced meanwhile")
		}
		if secret, err = m.replaceRegistration(ctx, tx, held, in, now); err != nil {
			return err
		}
		if row, err = tx.GetClient(ctx, held.ID); err != nil {
			return fmt.Errorf("read client: %w", err)
		}
		return tx.Notify(ctx, store.ClientsChannel, held.ID)
	})
	if err != nil {
		return registrationFailed("replace registration", err)
	}
	if err := m.clients.Reload(ctx); err != nil {
		return err
	}
	if secret.text == "" {
		secret.text = in.secret // which is the present one
	}
	return m.writeRegistration(w, http.StatusOK, row, secret.text, token)
}

// holdRegistered holds a client for a change, if the token is still its.
func (m *machine) holdRegistered(ctx context.Context, tx *store.Tx, id string, hash []byte) (store.Client, error) {
	held, err := tx.HoldClient(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && !m.mayLookAfter(held, hash) {
		return store.Client{}, refuseToken("registration access token replaced meanwhile")
	}
	if err != nil {
		return store.Client{}, fmt.Errorf("hold client: %w", err)
	}
	return held, nil
}

// replaceRegistration writes what a client says of itself now. What staff decided about it stays: its surface, and every member that a
// client cannot say. When people's names change for it, what it holds under the former ones is void: a refreshed ID token must name whom
// the first one did (OpenID Connect Core §12.2).
func (m *machine) replaceRegistration(ctx context.Context, tx *store.Tx, held store.Client, in registration, now time.Time) (clientSecret, error) {
	former, err := newClient(held)
	if err != nil {
		return clientSecret{}, err
	}
	in.settings = keepStaffs(in.settings, former.settings)
	if err := in.keepGiven(former); err != nil {
		return clientSecret{}, err
	}
	pkce := held.RequirePkce && former.confidential() || in.mustPKCE()
	if err := in.check(pkce); err != nil {
		return clientSecret{}, err // what is said now does not go with what staff decided
	}
	p := store.UpdateClientParams{
		ID: held.ID, Version: held.UpdatedAt, Now: now, Name: in.shownName(held.ID), SurfaceID: held.SurfaceID, AuthMethod: in.authMethod,
		RedirectURIs: encodeList(in.redirects), PostLogoutRedirectURIs: encodeList(in.postLogout), GrantTypes: encodeList(in.grants),
		Scopes: encodeList(in.scopes), IDTokenAlg: in.idTokenAlg, BackchannelLogoutURI: in.backchannel, Settings: in.settings.Encode(),
		RequirePkce: pkce,
	}
	var secret clientSecret
	switch {
	case usesSecret(in.authMethod) && usesSecret(held.AuthMethod):
		p.SecretHash, p.FormerSecretHash, p.FormerSecretUntil = held.SecretHash, held.FormerSecretHash, held.FormerSecretUntil
		p.SecretMadeAt = held.SecretMadeAt
	case usesSecret(in.authMethod):
		secret = in.newSecret()
		p.SecretHash, p.SecretMadeAt = secret.hash, &now
	}
	n, err := tx.UpdateClient(ctx, p)
	if err != nil || n != 1 {
		return clientSecret{}, errors.Join(fmt.Errorf("update client: %d rows", n), err)
	}
	event := audit.Event{
		Type: audit.ClientUpdate, Result: audit.Success, Actor: audit.Actor{Kind: audit.ByClient, ID: held.ID, Name: held.Name},
		ClientID: held.ID, Target: p.Name + " (" + held.ID + ")", Data: map[string]string{"changed": changedMembers(held, p)},
	}
	if sector, _ := in.settings.Sector(in.redirects); sector != former.sector {
		grants, tokens, err := tx.RenameForClient(ctx, held.ID, now)
		if err := voided(&event, grants, tokens, err); err != nil {
			return clientSecret{}, err
		}
	}
	return secret, audit.Write(ctx, tx, now, event)
}

// keepStaffs is what a client says, with what only staff can say as it was.
func keepStaffs(said, was client.Settings) client.Settings {
	said.ThirdParty, said.Profile, said.MinACR = was.ThirdParty, was.Profile, was.MinACR
	said.AccessTokenFormat, said.Resources, said.ResourceServers = was.AccessTokenFormat, was.Resources, was.ResourceServers
	said.AccessLifetime, said.RefreshLifetime, said.IDTokenLifetime = was.AccessLifetime, was.RefreshLifetime, was.IDTokenLifetime
	return said
}

// keepGiven adds what staff gave the client beside what a client can ask for: scopes, and grant types that are not those of people who come
// and go. A client that can prove nothing could not use all of them.
func (in *registration) keepGiven(was *Client) error {
	for _, s := range was.scopes {
		if !slices.Contains(identityScopes(), s) {
			in.scopes = append(in.scopes, s)
		}
	}
	for _, g := range was.grantTypes {
		switch g {
		case oidc.GrantTypeCode, oidc.GrantTypeRefreshToken:
			continue
		case oidc.GrantTypeClientCredentials, oidc.GrantTypeTokenExchange:
			if in.authMethod == string(oidc.AuthMethodNone) {
				return refuseMetadata("token_endpoint_auth_method must not be none: the client has the grant type %s", g)
			}
		}
		in.grants = append(in.grants, string(g))
	}
	return nil
}

// changedMembers names the columns of a registration that a change gives another value.
func changedMembers(was store.Client, p store.UpdateClientParams) string {
	var changed []string
	for _, c := range []struct {
		name string
		same bool
	}{
		{"client_name", was.Name == p.Name},
		{"token_endpoint_auth_method", was.AuthMethod == p.AuthMethod},
		{"redirect_uris", sameJSON(was.RedirectURIs, p.RedirectURIs)},
		{"post_logout_redirect_uris", sameJSON(was.PostLogoutRedirectURIs, p.PostLogoutRedirectURIs)},
		{"grant_types", sameJSON(was.GrantTypes, p.GrantTypes)},
		{"scope", sameJSON(was.Scopes, p.Scopes)},
		{"id_token_signed_response_alg", was.IDTokenAlg == p.IDTokenAlg},
		{"backchannel_logout_uri", was.BackchannelLogoutURI == p.BackchannelLogoutURI},
		{"settings", sameJSON(was.Settings, p.Settings)},
	} {
		if !c.same {
			changed = append(changed, c.name)
		}
	}
	return strings.Join(changed, " ")
}

// sameJSON compares two documents of which one has been in the database, which may spell it with other spaces and order.
func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return bytes.Equal(a, b)
	}
	s, serr := json.Marshal(x)
	t, terr := json.Marshal(y)
	return serr == nil && terr == nil && bytes.Equal(s, t)
}

// voided says in the event how much of a client was void.
func voided(event *audit.Event, grants, tokens int64, err error) error {
	if err != nil {
		return err
	}
	if event.Data == nil {
		event.Data = map[string]string{}
	}
	event.Data["grants"], event.Data["tokens"] = strconv.FormatInt(grants, 10), strconv.FormatInt(tokens, 10)
	return nil
}

// deleteRegistration ends a registration for good, with everything the client holds (RFC 7592 §2.3).
func (m *machine) deleteRegistration(w http.ResponseWriter, r *http.Request) error {
	ctx, now := r.Context(), m.now().UTC().Truncate(time.Microsecond)
	seen, _, hash, err := m.registered(r)
	if err != nil {
		return err
	}
	err = m.db.InTx(ctx, func(tx *store.Tx) error {
		held, err := m.holdRegistered(ctx, tx, seen.ID, hash)
		if err != nil {
			return err
		}
		event := audit.Event{
			Type: audit.ClientDelete, Result: audit.Success, Actor: audit.Actor{Kind: audit.ByClient, ID: held.ID, Name: held.Name},
			ClientID: held.ID, Target: held.Name + " (" + held.ID + ")",
		}
		grants, tokens, err := tx.EndClient(ctx, held.ID, now)
		if err := voided(&event, grants, tokens, err); err != nil {
			return err
		}
		if err := audit.Write(ctx, tx, now, event); err != nil {
			return err
		}
		return tx.Notify(ctx, store.ClientsChannel, held.ID)
	})
	if err != nil {
		return registrationFailed("delete registration", err)
	}
	if err := m.clients.Reload(ctx); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// registrationAnswer is client information (RFC 7591 §3.2.1) with all metadata as it was registered.
type registrationAnswer struct {
	ID              string          `json:"client_id"`
	Secret          string          `json:"client_secret,omitempty"`
	IssuedAt        int64           `json:"client_id_issued_at"`
	SecretExpiresAt *int64          `json:"client_secret_expires_at,omitempty"` // 0: never
	Token           string          `json:"registration_access_token"`
	URI             string          `json:"registration_client_uri"`
	Name            string          `json:"client_name"`
	ApplicationType string          `json:"application_type"`
	AuthMethod      string          `json:"token_endpoint_auth_method"`
	RedirectURIs    json.RawMessage `json:"redirect_uris"`
	PostLogout      json.RawMessage `json:"post_logout_redirect_uris"`
	GrantTypes      json.RawMessage `json:"grant_types"`
	ResponseTypes   []string        `json:"response_types"`
	Scope           string          `json:"scope"`
	IDTokenAlg      string          `json:"id_token_signed_response_alg"`
	SubjectType     string          `json:"subject_type"`
	Backchannel     string          `json:"backchannel_logout_uri,omitempty"`
}

// writeRegistration answers with a registration. Members of the settings have the names of metadata already, but for those that only
// staff can say.
func (m *machine) writeRegistration(w http.ResponseWriter, status int, row store.Client, secret, token string) error {
	c, err := newClient(row)
	if err != nil {
		return err
	}
	s := c.settings
	a := registrationAnswer{
		ID: row.ID, Secret: secret, IssuedAt: row.CreatedAt.Unix(), Token: token, URI: m.issuer + PathRegister + "/" + row.ID, Name: row.Name,
		ApplicationType: s.ApplicationType, AuthMethod: row.AuthMethod, RedirectURIs: row.RedirectURIs, PostLogout: row.PostLogoutRedirectURIs,
		GrantTypes: row.GrantTypes, ResponseTypes: []string{"code"}, Scope: formatScope(c.scopes), IDTokenAlg: row.IDTokenAlg,
		SubjectType: s.SubjectType, Backchannel: row.BackchannelLogoutURI,
	}
	if a.ApplicationType == "" {
		a.ApplicationType = client.TypeWeb
	}
	if a.SubjectType == "" {
		a.SubjectType = client.SubjectPublic
	}
	if secret != "" {
		a.SecretExpiresAt = new(int64)
	}
	s.ApplicationType, s.SubjectType = "", "" // said above
	said := map[string]json.RawMessage{}
	for _, part := range []any{keepStaffs(s, client.Settings{}), a} {
		raw, err := json.Marshal(part)
		if err == nil {
			err = json.Unmarshal(raw, &said)
		}
		if err != nil {
			return fmt.Errorf("encode registration: %w", err)
		}
	}
	body, err := json.Marshal(said)
	if err != nil {
		return fmt.Errorf("encode registration: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // nobody is left to tell
	return nil
}
