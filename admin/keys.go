package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// listedKeys bounds the list of signing keys; the newest are in it.
const listedKeys = 200

// confirmWord is how much of a key's id is typed to revoke it.
const confirmWord = 8

// SigningKey is a key that signs tokens, without what it signs with (I15).
type SigningKey struct {
	ID, Alg   string
	State     keys.State
	CreatedAt time.Time
	// SignsFrom is when it takes over or took over; nil while that waits for an operator's word.
	SignsFrom *time.Time
	// RetiredAt, PublishedUntil and RevokedAt are nil until then.
	RetiredAt, PublishedUntil, RevokedAt *time.Time
}

// Word is what an operator types to revoke the key: the beginning of its id.
func (k SigningKey) Word() string { return k.ID[:min(confirmWord, len(k.ID))] }

// Revocable reports whether there is anything to take back.
func (k SigningKey) Revocable() bool { return k.State != keys.Gone && k.State != keys.Revoked }

// SigningKeys returns the newest signing keys, by algorithm, and in the order of their lives.
func (s *Service) SigningKeys(ctx context.Context, actor Actor) ([]SigningKey, error) {
	if err := s.view(ctx, actor, mayManageKeys); err != nil {
		return nil, err
	}
	rows, err := s.db.Read().ListNewestSigningKeys(ctx, listedKeys)
	if err != nil {
		return nil, fmt.Errorf("list signing keys: %w", err)
	}
	states := keys.StatesOf(rows, s.now())
	list := make([]SigningKey, 0, len(rows))
	for _, row := range rows {
		k := SigningKey{
			ID: row.ID, Alg: row.Alg, State: states[row.ID], CreatedAt: row.CreatedAt, RetiredAt: row.RetiredAt,
			PublishedUntil: row.PublishedUntil, RevokedAt: row.RevokedAt,
		}
		if row.SignsFrom.Before(keys.Unplanned) {
			k.SignsFrom = &row.SignsFrom
		}
		list = append(list, k)
	}
	order := []keys.State{keys.Waiting, keys.Signing, keys.Retired, keys.Gone, keys.Revoked}
	slices.SortStableFunc(list, func(a, b SigningKey) int {
		return cmp.Or(cmp.Compare(a.Alg, b.Alg), cmp.Compare(slices.Index(order, a.State), slices.Index(order, b.State)))
	})
	return list, nil
}

// RotateEvery is after how long a signing key gives way to the next; 0 if an operator says when.
func (s *Service) RotateEvery() time.Duration { return s.keys.Every }

// NextKeys says what [Service.RotateKeys] would do now. It fails with [keys.ErrNoNext].
func (s *Service) NextKeys(ctx context.Context, actor Actor) ([]keys.Change, error) {
	if err := s.view(ctx, actor, mayManageKeys); err != nil {
		return nil, err
	}
	now := s.now()
	rows, err := s.db.Read().ListSigningKeys(ctx, &now)
	if err != nil {
		return nil, fmt.Errorf("list signing keys: %w", err)
	}
	return s.keys.Next(rows, "", now)
}

// RotateKeys lets the waiting key of an algorithm take over, or of every one if alg is empty. It fails with [keys.ErrNoNext].
func (s *Service) RotateKeys(ctx context.Context, actor Actor, alg string) ([]keys.Change, error) {
	var changes []keys.Change
	_, err := s.act(ctx, actor, mayManageKeys, audit.Event{Type: audit.KeyRotate}, func(w *work) error {
		var err error
		if changes, err = s.keys.Rotate(ctx, w.tx, alg, w.now); err != nil {
			return err
		}
		w.event.Data = map[string]string{}
		var names []string
		for _, c := range changes {
			names = append(names, c.Alg)
			w.event.Data[c.Alg] = c.ID + " " + c.At.Format(time.RFC3339)
		}
		w.event.Target = strings.Join(names, " ")
		return nil
	})
	return changes, err
}

// RevokeKey takes a signing key back at once: it signs no more, what it signed is believed no more, and the next one signs. typed is its
// [SigningKey.Word] as the actor typed it. It fails with an [account.ValidationError], [keys.ErrGone] or [store.ErrNotFound].
func (s *Service) RevokeKey(ctx context.Context, actor Actor, id, typed, reason string) (keys.Change, error) {
	var change keys.Change
	_, err := s.act(ctx, actor, mayManageKeys, audit.Event{Type: audit.KeyRevoke}, func(w *work) error {
		fields := map[string]string{}
		reason = strings.Join(strings.Fields(reason), " ")
		switch {
		case reason == "":
			fields[FieldReason] = templates.MsgSpareReasonBlank
		case utf8.RuneCountInString(reason) > MaxReason:
			fields[FieldReason] = templates.MsgReasonLong
		}
		if strings.TrimSpace(typed) != (SigningKey{ID: id}).Word() {
			fields[FieldTyped] = templates.MsgKeyTypedWrong
		}
		if len(fields) > 0 {
			return &account.ValidationError{Fields: fields}
		}
		var err error
		if change, err = keys.Revoke(ctx, w.tx, id, w.now); err != nil {
			return err
		}
		w.event.Target, w.event.Reason = change.Alg+" "+id, reason
		if change.Former != "" {
			w.event.Data = map[string]string{"successor": change.Former}
		}
		return nil
	})
	return change, err
}

// Reseal asks servers to put new keys under everything that is sealed, and to wrap those by the master key that they were given first. It
// fails with [keys.ErrUnderWay].
func (s *Service) Reseal(ctx context.Context, actor Actor) (store.Reseal, error) {
	var run store.Reseal
	_, err := s.act(ctx, actor, mayManageKeys, audit.Event{Type: audit.KeyReseal}, func(w *work) error {
		var err error
		if run, err = keys.Request(ctx, w.tx, w.now); err != nil {
			return err
		}
		w.event.Target = string(run.ID)
		return nil
	})
	return run, err
}

// LastReseal is the newest run of [Service.Reseal]; ok is false if there was none.
func (s *Service) LastReseal(ctx context.Context, actor Actor) (run store.Reseal, ok bool, err error) {
	if err := s.view(ctx, actor, mayManageKeys); err != nil {
		return run, false, err
	}
	run, err = s.db.Read().GetNewestReseal(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return run, false, nil
	}
	return run, err == nil, err
}
