package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/futakagi/futakagi/store"
)

// Kind is the kind of account a session belongs to. Each has its own cookie
// and limits, so one browser can hold a session of each.
type Kind string

// The kinds of accounts, as the accounts table spells them.
const (
	Customer Kind = "store"
	Operator Kind = "operator"
)

// surface is where accounts of a kind sign in to our own pages.
func (k Kind) surface() string {
	if k == Operator {
		return "admin"
	}
	return "store"
}

// home is a page of ours for people of this kind.
func (k Kind) home() string {
	if k == Operator {
		return "/admin"
	}
	return "/account/security"
}

// touchEvery bounds how often use of a session is written down.
const touchEvery = time.Minute

// Session is a live full session with its account, as they were when the
// request came in.
type Session struct {
	ID        store.SessionID
	AccountID store.AccountID
	Kind      Kind
	// Evidence is what was proved in this session, as stored.
	Evidence  json.RawMessage
	CreatedAt time.Time
	ExpiresAt time.Time
	// Account is the row of the account: enabled, and with the credentials the
	// session was made with.
	Account store.Account
	// Surface is what the account's surface, or the one asked for, demands.
	Surface store.Surface
}

// Sessions finds full sessions and guards routes with them. Only the session's
// own features mint, raise and end them.
type Sessions struct {
	db         *store.DB
	kit        *Toolkit
	now        func() time.Time
	idle       map[Kind]time.Duration
	sufficient func(ctx context.Context, s Session) (bool, error)
	fresh      func(ctx context.Context, s Session, within time.Duration) (bool, error)
}

// Load returns the request's session of that kind, or ErrNoSession.
func (s *Sessions) Load(r *http.Request, kind Kind) (Session, error) {
	return s.LoadOn(r, kind, kind.surface())
}

// LoadOn is Load for a relying party of another surface, which Surface then tells of.
func (s *Sessions) LoadOn(r *http.Request, kind Kind, surface string) (Session, error) {
	token := SessionToken(r, kind)
	if token == "" {
		return Session{}, ErrNoSession
	}
	ctx, now := r.Context(), s.now()
	row, err := s.db.Read().GetLiveSession(ctx, store.GetLiveSessionParams{
		SurfaceID: surface,
		TokenHash: HashToken(token),
		Now:       now,
		IdleSince: now.Add(-s.idle[kind]),
	})
	if errors.Is(err, store.ErrNotFound) {
		return Session{}, ErrNoSession
	}
	if err != nil {
		return Session{}, fmt.Errorf("load session: %w", err)
	}
	if now.Sub(row.Session.SeenAt) >= touchEvery {
		s.touch(ctx, row.Session.ID, now)
	}
	return Session{
		ID:        row.Session.ID,
		AccountID: row.Session.AccountID,
		Kind:      kind,
		Evidence:  row.Session.Evidence,
		CreatedAt: row.Session.CreatedAt,
		ExpiresAt: row.Session.ExpiresAt,
		Account:   row.Account,
		Surface:   row.Surface,
	}, nil
}

// touch writes down that the session is in use. If that fails the request
// still succeeds: the idle limit is many times longer than the interval.
func (s *Sessions) touch(ctx context.Context, id store.SessionID, now time.Time) {
	err := s.db.InTx(ctx, func(tx *store.Tx) error {
		return tx.TouchSession(ctx, store.TouchSessionParams{ID: id, Now: now})
	})
	if err != nil {
		Event(ctx).Add(slog.String("touch_error", err.Error()))
	}
}

type sessionKey struct{}

// SessionFrom returns the session that Require put into ctx.
func SessionFrom(ctx context.Context) (Session, bool) {
	s, ok := ctx.Value(sessionKey{}).(Session)
	return s, ok
}

// Require lets only requests with a full session of that kind pass, which
// proved what its surface demands now (I16). Others are sent to sign in and
// come back; a post, whose content would be lost on the way, is told so first.
func (s *Sessions) Require(kind Kind) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return s.kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
			session, err := s.enough(r, kind)
			if errors.Is(err, ErrNoSession) && isSafe(r.Method) && !wantsProblem(r) {
				return SeeOther(w, r, StartURL(returnPath(r, kind), false))
			}
			if err != nil {
				return err
			}
			Event(r.Context()).Add(
				slog.String("session", string(session.ID)),
				slog.String("account", string(session.AccountID)),
			)
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), sessionKey{}, session)))
			return nil
		})
	}
}

// enough returns the request's session if it proved enough. One that did not is
// like none here: the sign-in that follows steps it up.
func (s *Sessions) enough(r *http.Request, kind Kind) (Session, error) {
	session, err := s.Load(r, kind)
	if err != nil {
		return Session{}, err
	}
	enough, err := s.sufficient(r.Context(), session)
	if err != nil {
		return Session{}, fmt.Errorf("check session: %w", err)
	}
	if !enough {
		return Session{}, ErrNoSession
	}
	return session, nil
}

// RequireFresh lets only sessions pass that proved everything their account
// needs no longer ago than within (I13); others prove it again and come back.
// It goes inside Require.
func (s *Sessions) RequireFresh(within time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return s.kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
			session, ok := SessionFrom(r.Context())
			if !ok {
				return ErrNoSession
			}
			fresh, err := s.fresh(r.Context(), session, within)
			if err != nil {
				return fmt.Errorf("check fresh proof: %w", err)
			}
			if !fresh {
				if wantsProblem(r) {
					return &Error{Status: http.StatusForbidden, Code: "fresh_proof_required"}
				}
				return SeeOther(w, r, StartURL(returnPath(r, session.Kind), true))
			}
			next.ServeHTTP(w, r)
			return nil
		})
	}
}

// returnPath is where the browser continues after signing in: the page asked
// for, or home if that address only takes posts.
func returnPath(r *http.Request, kind Kind) string {
	p, ok := LocalPath(langPath(r))
	if !ok || !isSafe(r.Method) && !slices.Contains(allowedMethods(r), http.MethodGet) {
		return kind.home()
	}
	return p
}
