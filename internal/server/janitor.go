package server

import (
	"context"
	"crypto/rand"
	"log/slog"
	"math/big"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/store"
)

const sweepEvery = time.Minute

// retention is how long rows stay after their end: so long that a late replay is still recognised as one, and that the
// support desk can look back at deliveries.
func retention() store.Retention {
	const day = 24 * time.Hour
	return store.Retention{
		Flows: time.Hour, Challenges: day, Sessions: day, Tokens: day,
		Messages:   90 * day,
		Throttles:  day,
		ShownCodes: 30 * time.Minute,
	}
}

// mailman sends what waits in the outbox.
func (s *Server) mailman(outbox *delivery.Outbox) func(context.Context) {
	return func(ctx context.Context) {
		if err := outbox.Run(ctx); err != nil && ctx.Err() == nil {
			s.logger.LogAttrs(ctx, slog.LevelError, "outbox stopped", slog.String("error", err.Error()))
		}
	}
}

// announceEvery is how often the outbox is topped up with mails that announce enforcement.
const announceEvery = 5 * time.Second

// announcer queues the mails that announce enforcement. Every replica runs one; they do not get in each other's way.
func (s *Server) announcer(console *admin.Service) func(context.Context) {
	return func(ctx context.Context) {
		console.RunAnnouncer(ctx, announceEvery, func(err error) {
			s.logger.LogAttrs(ctx, slog.LevelWarn, "announcement failed", slog.String("error", err.Error()))
		})
	}
}

// indexer makes customers and accounts found that are not in the index yet: all of them after an upgrade from before there was one.
func (s *Server) indexer(accounts *account.Service) func(context.Context) {
	return func(ctx context.Context) {
		for ctx.Err() == nil {
			more, err := accounts.IndexSome(ctx)
			if err != nil && ctx.Err() == nil {
				s.logger.LogAttrs(ctx, slog.LevelWarn, "indexing failed", slog.String("error", err.Error()))
			}
			if more && err == nil {
				continue
			}
			select {
			case <-ctx.Done():
			case <-time.After(sweepEvery):
			}
		}
	}
}

// janitor removes what has expired. Every replica runs one; they do not get in each other's way.
func (s *Server) janitor(now func() time.Time) func(context.Context) {
	return func(ctx context.Context) {
		for {
			// Replicas that started together drift apart.
			select {
			case <-ctx.Done():
				return
			case <-time.After(sweepEvery + upTo(sweepEvery/4)):
			}
			if _, err := s.DB.Sweep(ctx, now(), retention()); err != nil && ctx.Err() == nil {
				s.logger.LogAttrs(ctx, slog.LevelWarn, "clean-up failed", slog.String("error", err.Error()))
			}
		}
	}
}

// upTo is a random duration below d.
func upTo(d time.Duration) time.Duration {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(d)))
	if err != nil {
		return d / 2 // cannot happen: the runtime ends the program when there is no randomness
	}
	return time.Duration(n.Int64())
}
