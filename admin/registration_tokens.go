package admin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

const (
	// MaxRegistrationDays and MaxRegistrationUses bound an initial access token: one that leaks must not open the door for long.
	MaxRegistrationDays, MaxRegistrationUses = 90, 1000
	// listedRegistrationTokens bounds their list; the newest are in it.
	listedRegistrationTokens = 200
)

// The fields of a new initial access token.
const (
	fieldLabel = "label"
	fieldDays  = "days"
	fieldUses  = "uses"
)

// The states of an initial access token.
const (
	TokenLive    = "live"
	TokenUsedUp  = "used_up"
	TokenExpired = "expired"
	TokenRevoked = "revoked"
)

// RegistrationToken is an initial access token (RFC 7591 section 3), without the token (I15).
type RegistrationToken struct {
	ID    store.RegistrationTokenID
	Label string
	// CreatedBy is who made it, for people to ask.
	CreatedBy             string
	State                 string
	MaxUses, Uses         int
	CreatedAt, ExpiresAt  time.Time
	LastUsedAt, RevokedAt *time.Time
}

func registrationTokenOf(row store.RegistrationToken, now time.Time) RegistrationToken {
	t := RegistrationToken{
		ID: row.ID, Label: row.Label, CreatedBy: row.CreatedBy, State: TokenLive, MaxUses: int(row.MaxUses), Uses: int(row.Uses),
		CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt, LastUsedAt: row.LastUsedAt, RevokedAt: row.RevokedAt,
	}
	switch {
	case row.RevokedAt != nil:
		t.State = TokenRevoked
	case row.Uses >= row.MaxUses:
		t.State = TokenUsedUp
	case !row.ExpiresAt.After(now):
		t.State = TokenExpired
	}
	return t
}

// RegistrationTokens returns the newest initial access tokens.
func (s *Service) RegistrationTokens(ctx context.Context, actor Actor) ([]RegistrationToken, error) {
	if err := s.view(ctx, actor, mayManageClients); err != nil {
		return nil, err
	}
	rows, err := s.db.Read().ListRegistrationTokens(ctx, listedRegistrationTokens)
	if err != nil {
		return nil, fmt.Errorf("list registration tokens: %w", err)
	}
	list := make([]RegistrationToken, len(rows))
	for i, row := range rows {
		list[i] = registrationTokenOf(row, s.now())
	}
	return list, nil
}

// NewRegistrationToken says what an initial access token is to be good for.
type NewRegistrationToken struct {
	// Label is who it is for.
	Label string
	// Days is how long it is good, Uses how many clients it registers.
	Days, Uses int
}

func (in NewRegistrationToken) check() error {
	fields := map[string]string{}
	switch {
	case in.Label == "":
		fields[fieldLabel] = templates.MsgTokenLabel
	case utf8.RuneCountInString(in.Label) > account.MaxName:
		fields[fieldLabel] = templates.MsgTokenLabelLong
	}
	if in.Days < 1 || in.Days > MaxRegistrationDays {
		fields[fieldDays] = templates.MsgTokenDays
	}
	if in.Uses < 1 || in.Uses > MaxRegistrationUses {
		fields[fieldUses] = templates.MsgTokenUses
	}
	if len(fields) > 0 {
		return &account.ValidationError{Fields: fields}
	}
	return nil
}

// initialPrefix begins every initial access token; the provider looks for it.
const initialPrefix = "ia_"

// CreateRegistrationToken makes an initial access token. It can be read here and never again (I15). It fails with an
// [account.ValidationError].
func (s *Service) CreateRegistrationToken(ctx context.Context, actor Actor, in NewRegistrationToken) (string, RegistrationToken, error) {
	var token string
	var made RegistrationToken
	_, err := s.act(ctx, actor, mayManageClients, audit.Event{Type: audit.RegistrationTokenCreate}, func(w *work) error {
		in.Label = strings.Join(strings.Fields(strings.ToValidUTF8(in.Label, "")), " ")
		w.event.Target = short(in.Label)
		if err := in.check(); err != nil {
			return err
		}
		random, _ := web.NewToken()
		token = initialPrefix + random
		row := store.RegistrationToken{
			ID: store.NewID[store.RegistrationTokenID](), Label: in.Label, CreatedBy: w.event.Actor.Name, MaxUses: int64(in.Uses),
			CreatedAt: w.now, ExpiresAt: w.now.AddDate(0, 0, in.Days),
		}
		if err := w.tx.InsertRegistrationToken(ctx, store.InsertRegistrationTokenParams{
			ID: row.ID, TokenHash: web.HashToken(token), Label: row.Label, CreatedBy: row.CreatedBy, MaxUses: row.MaxUses, Now: w.now, ExpiresAt: row.ExpiresAt,
		}); err != nil {
			return fmt.Errorf("insert registration token: %w", err)
		}
		made = registrationTokenOf(row, w.now)
		w.event.Data = map[string]string{
			"token": string(row.ID), "uses": strconv.Itoa(in.Uses), "expires_at": row.ExpiresAt.Format(time.RFC3339),
		}
		return nil
	})
	if err != nil {
		return "", RegistrationToken{}, err
	}
	return token, made, nil
}

// RevokeRegistrationToken takes an initial access token back; clients that it registered stay. It fails with [store.ErrNotFound], also
// for one that was revoked before.
func (s *Service) RevokeRegistrationToken(ctx context.Context, actor Actor, id store.RegistrationTokenID) error {
	_, err := s.act(ctx, actor, mayManageClients, audit.Event{Type: audit.RegistrationTokenRevoke}, func(w *work) error {
		if !store.ValidID(string(id)) {
			return store.ErrNotFound
		}
		label, err := w.tx.RevokeRegistrationToken(ctx, store.RevokeRegistrationTokenParams{ID: id, Now: &w.now})
		if errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err != nil {
			return fmt.Errorf("revoke registration token: %w", err)
		}
		w.event.Target, w.event.Data = label, map[string]string{"token": string(id)}
		return nil
	})
	return err
}
