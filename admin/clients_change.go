package admin

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// ClientChange says what becomes of a registration. What is nil stays as it is.
type ClientChange struct {
	Name, Surface, AuthMethod            *string
	RedirectURIs, PostLogoutRedirectURIs []string
	BackchannelLogoutURI                 *string
	GrantTypes, Scopes                   []string
	IDTokenAlg                           *string
	RequirePKCE                          *bool
	SettingsChange
}

// registrationOf is the registration of a row.
func registrationOf(c store.Client) (NewClient, error) {
	settings, err := client.Parse(c.Settings)
	if err != nil {
		return NewClient{}, fmt.Errorf("client %s: %w", c.ID, err)
	}
	return NewClient{
		Settings: settings.Normal(), // a database can spell the same keys in another way
		ID:       c.ID, Name: c.Name, Surface: c.SurfaceID, AuthMethod: c.AuthMethod, RedirectURIs: listOfJSON(c.RedirectURIs),
		PostLogoutRedirectURIs: listOfJSON(c.PostLogoutRedirectURIs), BackchannelLogoutURI: c.BackchannelLogoutURI,
		GrantTypes: listOfJSON(c.GrantTypes), Scopes: listOfJSON(c.Scopes), IDTokenAlg: c.IDTokenAlg, NoPKCE: !c.RequirePkce,
	}, nil
}

// on is a registration after the change.
func (c ClientChange) on(in NewClient) NewClient {
	for _, text := range []struct{ to, from *string }{
		{&in.Name, c.Name},
		{&in.Surface, c.Surface},
		{&in.AuthMethod, c.AuthMethod},
		{&in.BackchannelLogoutURI, c.BackchannelLogoutURI},
		{&in.IDTokenAlg, c.IDTokenAlg},
	} {
		if text.from != nil {
			*text.to = *text.from
		}
	}
	for _, list := range []struct {
		to   *[]string
		from []string
	}{
		{&in.RedirectURIs, c.RedirectURIs}, {&in.PostLogoutRedirectURIs, c.PostLogoutRedirectURIs}, {&in.GrantTypes, c.GrantTypes}, {&in.Scopes, c.Scopes},
	} {
		if list.from != nil {
			*list.to = list.from
		}
	}
	if c.RequirePKCE != nil {
		in.NoPKCE = !*c.RequirePKCE
	}
	in.Settings = c.apply(in.Settings)
	return in
}

// client loads and holds the client that is changed. Nobody changes one whose scopes of the API give more than they hold, in whatever
// way: with a secret of their own for it, or with other grants, they would have what it has (Z-2).
func (w *work) client(ctx context.Context, id string) (store.Client, error) {
	if !clientID.MatchString(id) {
		return store.Client{}, store.ErrNotFound
	}
	c, err := w.tx.HoldClient(ctx, id)
	if err != nil {
		return store.Client{}, err
	}
	w.event.ClientID, w.event.Target = c.ID, clientName(c.Name, c.ID)
	if !w.actor.mayGrantAll(listOfJSON(c.Scopes)) {
		return store.Client{}, &refusal{err: ErrForbidden, word: wordRight}
	}
	return c, nil
}

// UpdateClient changes a registration that the actor saw at a version, in force on every server at once. A client that gets a secret for
// the first time is given one, which can be read here and never again; one that needs none any more loses it. What a client holds that
// moves to another surface is void, since people signed in there by other rules; so is that of one that gets another sector, since a
// refreshed ID token must name whom the first one did (OpenID Connect Core section 12.2). What broke the rules before the change and is left
// as it was does not stand in its way. It fails with a [ClientError], [ErrConflict] or [store.ErrNotFound], and reports whether anything was
// changed.
func (s *Service) UpdateClient(
	ctx context.Context, actor Actor, id string, version time.Time, change ClientChange,
) (secret string, changed bool, err error) {
	changed, err = s.act(ctx, actor, mayManageClients, audit.Event{Type: audit.ClientUpdate}, func(w *work) error {
		row, err := w.client(ctx, id)
		if err != nil {
			return err
		}
		if !row.UpdatedAt.Equal(version) {
			return ErrConflict
		}
		former, err := registrationOf(row)
		if err != nil {
			return err
		}
		next, err := change.on(former).checkChange(former, s.validRedirect)
		if err != nil {
			return fmt.Errorf("change client: %w", err)
		}
		next.GrantTypes, next.Scopes = sameOrder(former.GrantTypes, next.GrantTypes), sameOrder(former.Scopes, next.Scopes)
		if err := w.registrable(ctx, next); err != nil {
			return err
		}
		if reflect.DeepEqual(former, next) {
			return errUnchanged
		}
		if secret, err = w.saveClient(ctx, row, next); err != nil {
			return err
		}
		w.event.Data = clientChanges(former, next)
		if former.Surface != next.Surface {
			if _, err := w.tx.DropClientConsents(ctx, id); err != nil {
				return fmt.Errorf("drop consents: %w", err)
			}
		}
		switch {
		case former.sector() != next.sector():
			err = w.voided(w.tx.RenameForClient(ctx, id, w.now))
		case former.Surface != next.Surface:
			err = w.voided(w.tx.VoidClient(ctx, id, w.now))
		}
		if err != nil {
			return err
		}
		return announceClient(ctx, w.tx, id)
	})
	if err != nil {
		return "", false, err
	}
	return secret, changed, nil
}

// sector is that of the subjects by which the client knows people.
func (in NewClient) sector() string {
	sector, _ := in.Sector(in.RedirectURIs) // one without a sector was refused
	return sector
}

// sameOrder keeps the order of values of which none was added or taken away, since it means nothing.
func sameOrder(former, next []string) []string {
	if slices.Equal(slices.Sorted(slices.Values(former)), slices.Sorted(slices.Values(next))) {
		return former
	}
	return next
}

// saveClient writes a registration over its row, and returns the secret it made if there was none and one is needed.
func (w *work) saveClient(ctx context.Context, row store.Client, next NewClient) (secret string, err error) {
	p := store.UpdateClientParams{
		ID: row.ID, Version: row.UpdatedAt, Now: w.now, Name: next.Name, SurfaceID: next.Surface, AuthMethod: next.AuthMethod,
		RedirectURIs: jsonList(next.RedirectURIs), PostLogoutRedirectURIs: jsonList(next.PostLogoutRedirectURIs),
		GrantTypes: jsonList(next.GrantTypes), Scopes: jsonList(next.Scopes), IDTokenAlg: next.IDTokenAlg, RequirePkce: !next.NoPKCE,
		BackchannelLogoutURI: next.BackchannelLogoutURI, Settings: next.Encode(),
	}
	switch {
	case !hasSecret(next.AuthMethod):
	case row.SecretHash == nil:
		secret, p.SecretHash = web.NewToken()
		p.SecretMadeAt = &w.now
	default:
		p.SecretHash, p.SecretMadeAt = row.SecretHash, row.SecretMadeAt
		p.FormerSecretHash, p.FormerSecretUntil = row.FormerSecretHash, row.FormerSecretUntil
	}
	return secret, claimed(w.tx.UpdateClient(ctx, p))
}

// clientChanges are the changes of a registration for its audit row.
func clientChanges(a, b NewClient) map[string]string {
	data := changes(
		clientFieldName, a.Name, b.Name, clientFieldSurface, a.Surface, b.Surface, clientFieldAuth, a.AuthMethod, b.AuthMethod,
		clientFieldRedirects, spellList(a.RedirectURIs), spellList(b.RedirectURIs),
		clientFieldPostLogout, spellList(a.PostLogoutRedirectURIs), spellList(b.PostLogoutRedirectURIs),
		clientFieldBackchannel, a.BackchannelLogoutURI, b.BackchannelLogoutURI,
		clientFieldGrants, spellList(a.GrantTypes), spellList(b.GrantTypes), clientFieldScopes, spellList(a.Scopes), spellList(b.Scopes),
		clientFieldAlg, a.IDTokenAlg, b.IDTokenAlg, "require_pkce", strconv.FormatBool(!a.NoPKCE), strconv.FormatBool(!b.NoPKCE),
	)
	maps.Copy(data, settingsChanges(a.Settings, b.Settings))
	return data
}

// maxSpelled is how many bytes of a list an audit row has.
const maxSpelled = 4096

// spellList spells texts for an audit row.
func spellList(values []string) string {
	text := strings.Join(values, " ")
	if len(text) > maxSpelled {
		return strings.ToValidUTF8(text[:maxSpelled], "") + "…"
	}
	return text
}

// voided says in the event how much of a client was void.
func (w *work) voided(grants, tokens int64, err error) error {
	if err != nil {
		return err
	}
	if w.event.Data == nil {
		w.event.Data = map[string]string{}
	}
	w.event.Data["grants"], w.event.Data["tokens"] = strconv.FormatInt(grants, 10), strconv.FormatInt(tokens, 10)
	return nil
}

// SetClientDisabled takes a client out of use, or into use again. Nobody can sign in to a disabled one, and everything it held is void
// when this returns, on every server; it stays void when the client is enabled. It fails with [store.ErrNotFound], and reports whether
// anything was changed.
func (s *Service) SetClientDisabled(ctx context.Context, actor Actor, id string, disabled bool) (bool, error) {
	event := audit.Event{Type: audit.ClientEnable}
	if disabled {
		event.Type = audit.ClientDisable
	}
	return s.act(ctx, actor, mayManageClients, event, func(w *work) error {
		row, err := w.client(ctx, id)
		if err != nil {
			return err
		}
		if (row.DisabledAt != nil) == disabled {
			return errUnchanged
		}
		p := store.SetClientDisabledParams{ID: id, Now: w.now}
		if disabled {
			p.DisabledAt = &w.now
		}
		if _, err := w.tx.SetClientDisabled(ctx, p); err != nil {
			return fmt.Errorf("disable client: %w", err)
		}
		// Enabling does it too: what was being written beside the change that disabled it counts for nothing, and must not come back.
		if err := w.voided(w.tx.VoidClient(ctx, id, w.now)); err != nil {
			return err
		}
		return announceClient(ctx, w.tx, id)
	})
}

// DeleteClient deletes a client for good, with everything it holds. typed is its client_id as the actor typed it, so that nobody deletes
// the wrong one. It fails with an [account.ValidationError], [ErrConflict] or [store.ErrNotFound].
func (s *Service) DeleteClient(ctx context.Context, actor Actor, id string, version time.Time, typed string) error {
	_, err := s.act(ctx, actor, mayManageClients, audit.Event{Type: audit.ClientDelete}, func(w *work) error {
		row, err := w.client(ctx, id)
		if err != nil {
			return err
		}
		if !row.UpdatedAt.Equal(version) {
			return ErrConflict
		}
		if strings.TrimSpace(typed) != id {
			return &account.ValidationError{Fields: map[string]string{FieldTyped: templates.MsgClientTyped}}
		}
		if err := w.voided(w.tx.EndClient(ctx, id, w.now)); err != nil {
			return err
		}
		w.event.Data["redirect_uris"], w.event.Data["scopes"] = spellList(listOfJSON(row.RedirectURIs)), spellList(listOfJSON(row.Scopes))
		return announceClient(ctx, w.tx, id)
	})
	return err
}

// ClientState is a client with what is known of its use.
type ClientState struct {
	// Client is the row, without what its secrets are hashed to.
	store.Client
	// Registration is what can be changed.
	Registration NewClient
	// LastSignIn is when somebody last signed in, by what is kept; nil if nothing is.
	LastSignIn *time.Time
	// FormerUntil is until when a former secret works; nil if none does.
	FormerUntil *time.Time
	// Changeable is whether the actor may change it, and Unreadable whether its settings are such that nobody can, for they cannot be
	// read: it can still be taken out of use and deleted.
	Changeable, Unreadable bool
}

func clientState(actor Actor, row store.Client, now time.Time) ClientState {
	registration, err := registrationOf(row)
	c := ClientState{Client: row, Registration: registration, Changeable: actor.mayGrantAll(listOfJSON(row.Scopes)), Unreadable: err != nil}
	if row.FormerSecretUntil != nil && row.FormerSecretUntil.After(now) {
		c.FormerUntil = row.FormerSecretUntil
	}
	return c
}

// ClientState returns a client with what is known of its use, or [store.ErrNotFound].
func (s *Service) ClientState(ctx context.Context, actor Actor, id string) (ClientState, error) {
	actor, err := s.viewer(ctx, actor, mayManageClients)
	if err != nil {
		return ClientState{}, err
	}
	row, err := s.GetClient(ctx, actor, id)
	if err != nil {
		return ClientState{}, err
	}
	states, err := s.used(ctx, []ClientState{clientState(actor, row, s.now())})
	if err != nil {
		return ClientState{}, err
	}
	return states[0], nil
}

// ClientStates is [Service.ClientsAfter] with what is known of their use.
func (s *Service) ClientStates(ctx context.Context, actor Actor, span Span, in ClientsQuery) ([]ClientState, bool, error) {
	actor, err := s.viewer(ctx, actor, mayManageClients)
	if err != nil {
		return nil, false, err
	}
	rows, more, err := s.ClientsAfter(ctx, actor, span, in)
	if err != nil {
		return nil, false, err
	}
	states := make([]ClientState, len(rows))
	for i, row := range rows {
		states[i] = clientState(actor, row, s.now())
	}
	states, err = s.used(ctx, states)
	return states, more, err
}

// used adds when somebody last signed in to clients, which are in the order of their ids.
func (s *Service) used(ctx context.Context, states []ClientState) ([]ClientState, error) {
	if len(states) == 0 {
		return states, nil
	}
	last, err := s.db.Read().ListLastGrants(ctx, store.ListLastGrantsParams{FirstID: states[0].ID, LastID: states[len(states)-1].ID})
	if err != nil {
		return nil, fmt.Errorf("list last sign-ins: %w", err)
	}
	for _, l := range last {
		if i := slices.IndexFunc(states, func(c ClientState) bool { return c.ID == l.ClientID }); i >= 0 {
			states[i].LastSignIn = new(l.CreatedAt)
		}
	}
	return states, nil
}

// ClientSurfaces are the ids of the surfaces that a client can belong to.
func (s *Service) ClientSurfaces(ctx context.Context, actor Actor) ([]string, error) {
	if err := s.view(ctx, actor, mayManageClients); err != nil {
		return nil, err
	}
	rows, err := s.db.Read().ListSurfaces(ctx)
	if err != nil {
		return nil, fmt.Errorf("list surfaces: %w", err)
	}
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids, nil
}

// ClientHolds counts what a client holds for people.
type ClientHolds struct {
	// Grants are the sign-ins that still count, Accounts whose they are.
	Grants, Accounts int64
}

// ClientHolds counts what disabling or deleting a client would void.
func (s *Service) ClientHolds(ctx context.Context, actor Actor, id string) (ClientHolds, error) {
	if err := s.view(ctx, actor, mayManageClients); err != nil {
		return ClientHolds{}, err
	}
	n, err := s.db.Read().CountClientGrants(ctx, store.CountClientGrantsParams{ClientID: id, Now: s.now()})
	if err != nil {
		return ClientHolds{}, fmt.Errorf("count grants: %w", err)
	}
	return ClientHolds(n), nil
}
