package admin

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

// An overlap is how long the former secret of a client works beside the new one.
type overlap struct {
	word string
	long time.Duration
}

// overlaps are those there are: whoever replaces a secret because somebody has it takes none, and who has servers to tell of the new one
// takes what that needs.
func overlaps() []overlap {
	return []overlap{{"now", 0}, {"1h", time.Hour}, {"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}}
}

// OverlapWords are how overlaps are spelled, the shortest first.
func OverlapWords() []string {
	var words []string
	for _, o := range overlaps() {
		words = append(words, o.word)
	}
	return words
}

// NewSecret is a secret that a client was just given. It can be read here and never again (I15).
type NewSecret struct {
	Secret string
	// FormerUntil is until when the former one works; nil if it works no more.
	FormerUntil *time.Time
	// Version is the client's.
	Version time.Time
}

// RotateSecret gives a client that the actor saw at a version a new secret. The former one works for an overlap, which is one of
// [OverlapWords]; without one, tokens that the client got for itself are void too. What was the former one until now works no more. It fails with a [ClientError], [ErrConflict] or [store.ErrNotFound].
func (s *Service) RotateSecret(ctx context.Context, actor Actor, id string, version time.Time, word string) (NewSecret, error) {
	var made NewSecret
	_, err := s.act(ctx, actor, mayManageClients, audit.Event{Type: audit.ClientSecret}, func(w *work) error {
		row, err := w.client(ctx, id)
		if err != nil {
			return err
		}
		if !row.UpdatedAt.Equal(version) {
			return ErrConflict
		}
		i := slices.IndexFunc(overlaps(), func(o overlap) bool { return o.word == word })
		if i < 0 {
			text := fmt.Sprintf("is %q, must be %s", short(word), strings.Join(OverlapWords(), ", "))
			return clientError(clientFieldOverlap, text, templates.MsgClientOverlap)
		}
		if !hasSecret(row.AuthMethod) {
			return clientError(clientFieldAuth, "is "+row.AuthMethod+": the client has no secret", templates.MsgClientNoSecret)
		}
		p := store.SetClientSecretParams{ID: id, Version: row.UpdatedAt, Now: &w.now}
		made = NewSecret{Version: w.now}
		made.Secret, p.SecretHash = web.NewToken()
		w.event.Data = map[string]string{"overlap": word}
		if long := overlaps()[i].long; long > 0 {
			made.FormerUntil = new(w.now.Add(long))
			p.FormerSecretHash, p.FormerSecretUntil = row.SecretHash, made.FormerUntil
			w.event.Data["former_until"] = made.FormerUntil.Format(time.RFC3339)
		}
		if err := claimed(w.tx.SetClientSecret(ctx, p)); err != nil {
			return err
		}
		if made.FormerUntil == nil {
			// A secret that must go at once may have leaked: what somebody else got with it goes too.
			tokens, err := w.tx.RevokeClientTokens(ctx, store.RevokeClientTokensParams{ClientID: id, Now: &w.now})
			if err != nil {
				return fmt.Errorf("revoke tokens: %w", err)
			}
			w.event.Data["tokens"] = strconv.FormatInt(tokens, 10)
		}
		return announceClient(ctx, w.tx, id)
	})
	if err != nil {
		return NewSecret{}, err
	}
	return made, nil
}

// EndFormerSecret makes the former secret of a client work no more, on every server when this returns. It fails with
// [store.ErrNotFound], and reports whether there was one.
func (s *Service) EndFormerSecret(ctx context.Context, actor Actor, id string) (bool, error) {
	return s.act(ctx, actor, mayManageClients, audit.Event{Type: audit.ClientSecretEnd}, func(w *work) error {
		row, err := w.client(ctx, id)
		if err != nil {
			return err
		}
		n, err := w.tx.EndFormerSecret(ctx, store.EndFormerSecretParams{ID: id, Now: w.now})
		if err != nil {
			return fmt.Errorf("end former secret: %w", err)
		}
		if n == 0 {
			return errUnchanged
		}
		if row.FormerSecretUntil != nil {
			w.event.Data = map[string]string{"former_until": row.FormerSecretUntil.Format(time.RFC3339)}
		}
		return announceClient(ctx, w.tx, id)
	})
}
