package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
)

// ErrUnderWay says that a run is not finished yet.
var ErrUnderWay = errors.New("what is sealed gets new keys already")

// Settle is how long a change of the keyset is left to reach every server before anything rests on it. Servers hear of it within
// seconds.
const Settle = 30 * time.Second

// The states of a run.
const (
	StateRequested = "requested" // no server has begun
	StateSettling  = "settling"  // servers learn of the new keys
	StateSpreading = "spreading" // servers begin to use them
	StateWalking   = "walking"   // the columns are sealed anew
	StateDone      = "done"
)

const (
	pollEvery = 5 * time.Second
	batchSize = 200
)

// Request asks servers to put new keys under everything that is sealed, wrapped by the master key they were given first. It fails with
// [ErrUnderWay].
func Request(ctx context.Context, tx *store.Tx, now time.Time) (store.Reseal, error) {
	if _, err := tx.LockKeyset(ctx, store.KeysetName); err != nil {
		return store.Reseal{}, fmt.Errorf("wait for other servers: %w", err)
	}
	id := store.NewID[store.ResealID]()
	n, err := tx.InsertReseal(ctx, store.InsertResealParams{ID: string(id), Now: now})
	if err != nil {
		return store.Reseal{}, fmt.Errorf("request new keys: %w", err)
	}
	if n == 0 {
		return store.Reseal{}, ErrUnderWay
	}
	if err := tx.Notify(ctx, store.KeysetChannel, ""); err != nil {
		return store.Reseal{}, err
	}
	return tx.GetNewestReseal(ctx)
}

// PartOf is the number of the column that a run is at, from 1, and how many there are.
func PartOf(run store.Reseal) (n, of int) {
	columns := Columns()
	if run.State == StateDone {
		return len(columns), len(columns)
	}
	return slices.Index(columns, run.Part) + 1, len(columns)
}

// Sealer keeps the keyset of a server up to date and does its share of the runs.
type Sealer struct {
	// DB has the keyset and what is sealed, Box is what the server opens and seals with.
	DB  *store.DB
	Box *seal.Box
	// Now is the clock.
	Now func() time.Time
	// Logger receives what no caller can be told.
	Logger *slog.Logger
}

// Run follows the keyset and does what is due until ctx ends. Every replica runs one; a transaction each lets them take turns.
func (s *Sealer) Run(ctx context.Context) {
	s.DB.Follow(ctx, store.KeysetChannel, pollEvery, s.follow)
}

// follow loads the keyset and works while there is work.
func (s *Sealer) follow(ctx context.Context) error {
	if err := s.Reload(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		more, err := s.Step(ctx)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// Reload puts the keyset in use as it is stored now.
func (s *Sealer) Reload(ctx context.Context) error {
	row, err := s.DB.Read().GetKeyset(ctx, store.KeysetName)
	if err != nil {
		return fmt.Errorf("load keyset: %w", err)
	}
	return s.Box.Load(row.Wrapped)
}

// Step does the next thing of the run under way in one transaction, and reports whether there is more to do at once.
func (s *Sealer) Step(ctx context.Context) (more bool, err error) {
	run, err := s.DB.Read().GetNewestReseal(ctx)
	if errors.Is(err, store.ErrNotFound) || err == nil && !due(run, s.Now()) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("load run: %w", err)
	}
	var keyset []byte
	err = s.DB.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.LockKeyset(ctx, store.KeysetName); err != nil {
			return fmt.Errorf("wait for other servers: %w", err)
		}
		run, err := tx.GetNewestReseal(ctx)
		if err != nil {
			return fmt.Errorf("load run: %w", err)
		}
		now := s.now()
		if more = due(run, now); !more {
			return nil
		}
		row, err := tx.GetKeyset(ctx, store.KeysetName)
		if err != nil {
			return fmt.Errorf("load keyset: %w", err)
		}
		// Whatever another server did, this one goes on from the keyset as it is.
		if err := s.Box.Load(row.Wrapped); err != nil {
			return err
		}
		if keyset, err = s.advance(ctx, tx, &run, row.Wrapped, now); err != nil {
			return err
		}
		if !bytes.Equal(keyset, row.Wrapped) {
			n, err := tx.ChangeKeyset(ctx, store.ChangeKeysetParams{Name: store.KeysetName, Wrapped: keyset, Former: row.Wrapped})
			if err != nil || n != 1 {
				return errors.Join(fmt.Errorf("change keyset: %d rows", n), err)
			}
			if err := tx.Notify(ctx, store.KeysetChannel, ""); err != nil {
				return err
			}
		}
		n, err := tx.UpdateReseal(ctx, store.UpdateResealParams{
			ID: run.ID, State: run.State, StateAt: run.StateAt, Part: run.Part, Position: run.Position, Found: run.Found,
			Resealed: run.Resealed, Unreadable: run.Unreadable, FinishedAt: run.FinishedAt,
		})
		if err != nil || n != 1 {
			return errors.Join(fmt.Errorf("note progress: %d rows", n), err)
		}
		return nil
	})
	if err != nil {
		return false, errors.Join(err, s.Reload(context.WithoutCancel(ctx)))
	}
	if keyset != nil {
		err = s.Box.Load(keyset)
	}
	return more, err
}

func (s *Sealer) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// due reports whether a run can go on.
func due(run store.Reseal, now time.Time) bool {
	switch run.State {
	case StateDone:
		return false
	case StateSettling, StateSpreading:
		return !now.Before(run.StateAt.Add(Settle))
	}
	return true
}

// advance does what follows the state of a run, and returns the keyset from here on.
func (s *Sealer) advance(ctx context.Context, tx *store.Tx, run *store.Reseal, keyset []byte, now time.Time) ([]byte, error) {
	to := func(state string) { run.State, run.StateAt = state, now }
	switch run.State {
	case StateRequested:
		to(StateSettling)
		return s.Box.Prepare(keyset)
	case StateSettling:
		to(StateSpreading)
		return s.Box.Promote(keyset)
	case StateSpreading:
		to(StateWalking)
		run.Part = parts()[0].column
		return keyset, nil
	case StateWalking:
		over, err := s.walk(ctx, tx, run)
		if err != nil || !over {
			return keyset, err
		}
		to(StateDone)
		run.FinishedAt = &now
		if err := audit.Write(ctx, tx, now, audit.Event{
			Type: audit.KeyReseal, Result: audit.Success, Actor: audit.System(), Target: string(run.ID),
			Data: map[string]string{"resealed": strconv.FormatInt(run.Resealed, 10), "unreadable": strconv.FormatInt(run.Unreadable, 10)},
		}); err != nil {
			return nil, err
		}
		return s.Box.Prune(keyset)
	}
	return nil, fmt.Errorf("run in unknown state %q", run.State)
}

// walk seals one batch anew. It is over after a pass through all columns that found nothing under a former key.
func (s *Sealer) walk(ctx context.Context, tx *store.Tx, run *store.Reseal) (over bool, err error) {
	list := parts()
	at := slices.IndexFunc(list, func(p part) bool { return p.column == run.Part })
	if at < 0 {
		at, run.Position = 0, "" // a column that is no more
	}
	values, err := list[at].list(ctx, tx.Queries, run.Position, s.Box.Prefix(), batchSize)
	if err != nil {
		return false, fmt.Errorf("list %s: %w", list[at].column, err)
	}
	for _, v := range values {
		run.Position = v.position
		if err := s.reseal(ctx, tx, run, list[at].column, v); err != nil {
			return false, err
		}
	}
	if len(values) > 0 {
		return false, nil
	}
	run.Position = ""
	if at++; at < len(list) {
		run.Part = list[at].column
		return false, nil
	}
	run.Part = list[0].column
	if run.Found == 0 {
		return true, nil
	}
	run.Found, run.Unreadable = 0, 0
	return false, nil
}

// reseal puts one value under the newest key. One that was changed meanwhile is left to the next pass, one that does not open is left
// as it is: no key there is would open it.
func (s *Sealer) reseal(ctx context.Context, tx *store.Tx, run *store.Reseal, column string, v value) error {
	plain, err := s.Box.Open(v.sealed, v.at)
	if errors.Is(err, seal.ErrOpen) {
		run.Unreadable++
		s.Logger.ErrorContext(ctx, "sealed value does not open", "column", column, "row", v.at.Row)
		return nil
	}
	if err != nil {
		return err
	}
	fresh, err := s.Box.Seal(plain, v.at)
	if err != nil {
		return err
	}
	n, err := v.put(ctx, tx.Queries, fresh)
	if err != nil {
		return fmt.Errorf("reseal %s: %w", column, err)
	}
	run.Found++
	run.Resealed += n
	return nil
}
