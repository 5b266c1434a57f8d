package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/store"
)

// apiSigningKey is a signing key as programs see it; its public half is at /jwks, the other one is nowhere.
type apiSigningKey struct {
	ID             string     `json:"kid"`
	Alg            string     `json:"alg" enum:"ES256,RS256,EdDSA"`
	State          string     `json:"state" enum:"waiting,signing,retired,gone,revoked" doc:"the first three are published"`
	CreatedAt      time.Time  `json:"created_at"`
	SignsFrom      *time.Time `json:"signs_from,omitempty" doc:"absent while that waits for an operator's word"`
	RetiredAt      *time.Time `json:"retired_at,omitempty"`
	PublishedUntil *time.Time `json:"published_until,omitempty"`
	RevokedAt      *time.Time `json:"revoked_at,omitempty"`
}

func apiSigningKeyOf(k SigningKey) apiSigningKey {
	return apiSigningKey{
		ID: k.ID, Alg: k.Alg, State: string(k.State), CreatedAt: k.CreatedAt, SignsFrom: k.SignsFrom, RetiredAt: k.RetiredAt,
		PublishedUntil: k.PublishedUntil, RevokedAt: k.RevokedAt,
	}
}

// apiKeyChange is a key that takes over from another.
type apiKeyChange struct {
	ID     string    `json:"kid"`
	Alg    string    `json:"alg" enum:"ES256,RS256,EdDSA"`
	Former string    `json:"former" doc:"the key that it takes over from"`
	At     time.Time `json:"signs_from"`
}

// apiRevoked is a key that was taken back.
type apiRevoked struct {
	ID        string    `json:"kid"`
	Alg       string    `json:"alg" enum:"ES256,RS256,EdDSA"`
	RevokedAt time.Time `json:"revoked_at"`
	Successor string    `json:"successor,omitempty" doc:"the key that signs in its place from now on"`
}

// apiReseal is how far a run got that puts new keys under what is sealed.
type apiReseal struct {
	State       string     `json:"state" enum:"none,requested,settling,spreading,walking,done" doc:"done: no former master key is needed"`
	Part        int        `json:"part" doc:"the sealed column under way, of parts"`
	Parts       int        `json:"parts"`
	Resealed    int        `json:"resealed" doc:"values sealed anew so far"`
	Unreadable  int        `json:"unreadable" doc:"values that no key opened"`
	RequestedAt *time.Time `json:"requested_at,omitempty"`
	FinishedAt  *time.Time `json:"finished_at,omitempty"`
}

func apiResealOf(run store.Reseal) apiReseal {
	part, parts := keys.PartOf(run)
	return apiReseal{
		State: run.State, Part: part, Parts: parts, Resealed: int(run.Resealed), Unreadable: int(run.Unreadable),
		RequestedAt: &run.RequestedAt, FinishedAt: run.FinishedAt,
	}
}

type (
	apiRotate struct {
		Alg string `json:"alg,omitempty" enum:"ES256,RS256,EdDSA" doc:"every algorithm if absent"`
	}
	apiRevoke struct {
		Reason string `json:"reason" max:"512" doc:"for the audit log"`
	}
	rotateKeys struct{ Body apiRotate }
	revokeKey  struct {
		ID   string `path:"kid" max:"64"`
		Body apiRevoke
	}
)

func (a *API) keys(t *table) {
	s := a.service
	add(t, scopeKeysRead, http.MethodGet, "/signing-keys", "listSigningKeys",
		func(ctx context.Context, actor Actor, _ nothing) (list[apiSigningKey], error) {
			rows, err := s.SigningKeys(ctx, actor)
			return listOf(rows, false, apiSigningKeyOf, nil), err
		})
	add(t, scopeKeys, http.MethodPost, "/signing-keys/rotate", "rotateSigningKeys",
		func(ctx context.Context, actor Actor, in rotateKeys) (list[apiKeyChange], error) {
			changes, err := s.RotateKeys(ctx, actor, in.Body.Alg)
			return listOf(changes, false, func(c keys.Change) apiKeyChange { return apiKeyChange(c) }, nil), err
		}, codeNotReady)
	add(t, scopeKeys, http.MethodPost, "/signing-keys/{kid}/revoke", "revokeSigningKey",
		func(ctx context.Context, actor Actor, in revokeKey) (apiRevoked, error) {
			c, err := s.RevokeKey(ctx, actor, in.ID, SigningKey{ID: in.ID}.Word(), in.Body.Reason)
			return apiRevoked{ID: c.ID, Alg: c.Alg, RevokedAt: c.At, Successor: c.Former}, err
		}, codeConflict)
	add(t, scopeKeysRead, http.MethodGet, "/reseal", "getReseal",
		func(ctx context.Context, actor Actor, _ nothing) (apiReseal, error) {
			run, ok, err := s.LastReseal(ctx, actor)
			if err != nil || !ok {
				return apiReseal{State: "none", Parts: len(keys.Columns())}, err
			}
			return apiResealOf(run), nil
		})
	add(t, scopeKeys, http.MethodPost, "/reseal", "startReseal",
		func(ctx context.Context, actor Actor, _ nothing) (apiReseal, error) {
			run, err := s.Reseal(ctx, actor)
			if err != nil {
				return apiReseal{}, err
			}
			return apiResealOf(run), nil
		}, codeConflict)
}
