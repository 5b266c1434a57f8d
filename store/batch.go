package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// CodeRedemption is what the token endpoint knows when a client presents an authorization code, and what it would hand out.
type CodeRedemption struct {
	CodeHash      []byte
	ClientID      string
	RedirectURI   string
	CodeChallenge string // of the verifier the client presented
	KeyThumbprint string // of the key the client proved to have (RFC 9449); the tokens are bound to it
	Audience      string // of the access token; empty for the client itself
	Now           time.Time

	// TokenSetID must be fresh for every attempt: by it the second statement knows that the first one won.
	TokenSetID      TokenSetID
	AccessHash      []byte
	AccessExpiresAt time.Time
	// Offline stores a refresh token too, if the grant's scope holds offline_access.
	Offline          bool
	RefreshHash      []byte
	RefreshExpiresAt time.Time
}

// RedeemCode spends an authorization code and stores what is issued for it, in one transaction of one round trip. It returns the
// grant, or [ErrNotFound] if the code was refused, in which case nothing has changed. Of many tries one succeeds.
func (db *DB) RedeemCode(ctx context.Context, arg CodeRedemption) (RedeemCodeRow, error) {
	if !arg.Offline {
		arg.RefreshHash, arg.RefreshExpiresAt = nil, arg.Now // not stored
	}
	var grant RedeemCodeRow
	err := db.pipeline(ctx, func(q *Queries) error {
		var err error
		grant, err = q.RedeemCode(ctx, RedeemCodeParams{
			Now: &arg.Now, TokenSetID: &arg.TokenSetID, CodeHash: arg.CodeHash,
			ClientID: arg.ClientID, RedirectURI: arg.RedirectURI, CodeChallenge: arg.CodeChallenge, KeyThumbprint: arg.KeyThumbprint,
		})
		return err
	}, func(q *Queries) error {
		n, err := q.InsertCodeTokenSet(ctx, InsertCodeTokenSetParams{
			AccessHash: arg.AccessHash, AccessExpiresAt: arg.AccessExpiresAt,
			Offline: arg.Offline, RefreshHash: arg.RefreshHash, RefreshExpiresAt: arg.RefreshExpiresAt,
			KeyThumbprint: arg.KeyThumbprint, Audience: arg.Audience, Now: arg.Now, CodeHash: arg.CodeHash, TokenSetID: &arg.TokenSetID,
		})
		return oneRow(n, err)
	})
	if err != nil {
		return RedeemCodeRow{}, fmt.Errorf("redeem code: %w", err)
	}
	return grant, nil
}

// RefreshRotation replaces a refresh token and the access token beside it.
type RefreshRotation struct {
	ID  TokenSetID // of the presented token
	Now time.Time
	// Confidential is a client that proved itself: its refresh tokens are bound to it and to no key (RFC 9449 section 5).
	Confidential bool

	// SuccessorID must be fresh for every attempt: by it the second statement knows that the first one won.
	SuccessorID      TokenSetID
	Scope            string
	KeyThumbprint    string // of the key that the tokens are bound to (RFC 9449)
	Audience         string // of the access token; empty for the client itself
	AccessHash       []byte
	AccessExpiresAt  time.Time
	RefreshHash      []byte
	RefreshExpiresAt time.Time
}

// RotateRefresh spends a refresh token and stores its successor, in one transaction of one round trip. It returns [ErrNotFound] if
// the token was refused (used, expired, or its grant, account or policy no longer allow it), in which case nothing has changed.
// Of many tries one succeeds.
func (db *DB) RotateRefresh(ctx context.Context, arg RefreshRotation) error {
	err := db.pipeline(ctx, func(q *Queries) error {
		return oneRow(q.UseRefreshToken(ctx, UseRefreshTokenParams{
			Now: &arg.Now, SuccessorID: &arg.SuccessorID, ID: arg.ID, Confidential: arg.Confidential, KeyThumbprint: arg.KeyThumbprint,
		}))
	}, func(q *Queries) error {
		return oneRow(q.InsertRefreshedTokenSet(ctx, InsertRefreshedTokenSetParams{
			Scope: arg.Scope, AccessHash: arg.AccessHash, AccessExpiresAt: arg.AccessExpiresAt,
			RefreshHash: arg.RefreshHash, RefreshExpiresAt: arg.RefreshExpiresAt,
			KeyThumbprint: arg.KeyThumbprint, Audience: arg.Audience, Now: arg.Now, ID: arg.ID, SuccessorID: &arg.SuccessorID,
		}))
	})
	if err != nil {
		return fmt.Errorf("rotate refresh token: %w", err)
	}
	return nil
}

// Once runs one statement as a transaction of its own, in one round trip. When it returns nil, the change is durable. f must
// call one query, with arguments made beforehand: it is called twice.
func (db *DB) Once(ctx context.Context, f func(q *Queries) error) error { return db.pipeline(ctx, f) }

func oneRow(n int64, err error) error {
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// pipeline runs steps, each of one statement, as one transaction and, on PostgreSQL, in one round trip: every statement is sent
// before the first answer is read, so a later one must be guarded by what an earlier one wrote. The transaction rolls back only
// for a failed statement, not for a step's own error.
func (db *DB) pipeline(ctx context.Context, steps ...func(*Queries) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if db.sqlite != nil {
		return db.InTx(ctx, func(tx *Tx) error { return inOrder(tx.Queries, steps) })
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactionLimit)
	defer cancel()
	// The generated code runs twice: first to say what it sends, then to read what came back. So the order of arguments and
	// columns stays its own business.
	batch := &recorder{observe: db.observe}
	for _, step := range steps {
		_ = step(New(batch))
	}
	if batch.err != nil {
		return batch.err
	}
	results := db.postgres.writes.SendBatch(ctx, &batch.batch)
	err := inOrder(New(&replay{results}), steps)
	// Close reads the remaining answers, and only then is the transaction known to be committed.
	if closeErr := mapError(results.Close(), nil); closeErr != nil {
		return closeErr
	}
	db.postgres.commits.Add(1)
	return mapError(err, nil)
}

func inOrder(q *Queries, steps []func(*Queries) error) error {
	for _, step := range steps {
		if err := step(q); err != nil {
			return err
		}
	}
	return nil
}

var errRecorded = errors.New("statement recorded, not run")

// recorder queues what generated code wants to run.
type recorder struct {
	batch   pgx.Batch
	err     error
	observe func(query string)
}

func (r *recorder) queue(query string, args []any) {
	if r.observe != nil {
		r.observe(query)
	}
	if err := normalizeArgs(args); err != nil && r.err == nil {
		r.err = err
	}
	r.batch.Queue(query, args...)
}

func (r *recorder) Exec(_ context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	r.queue(query, args)
	return pgconn.CommandTag{}, errRecorded
}

func (r *recorder) Query(_ context.Context, query string, args ...any) (pgx.Rows, error) {
	r.queue(query, args)
	return nil, errRecorded
}

func (r *recorder) QueryRow(_ context.Context, query string, args ...any) pgx.Row {
	r.queue(query, args)
	return failedRow{errRecorded}
}

// replay answers generated code with the results of its batch, in the order it was recorded.
type replay struct{ results pgx.BatchResults }

func (r *replay) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	tag, err := r.results.Exec()
	return tag, mapError(err, nil)
}

func (r *replay) Query(context.Context, string, ...any) (pgx.Rows, error) {
	rows, err := r.results.Query()
	return rows, mapError(err, nil)
}

func (r *replay) QueryRow(context.Context, string, ...any) pgx.Row {
	return &guardedRow{row: r.results.QueryRow(), cancel: func() {}}
}
