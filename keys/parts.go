package keys

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
)

// value is one sealed value and where it is.
type value struct {
	sealed []byte
	at     seal.Place
	// position is the place of its row in the order of the walk.
	position string
	// put stores it sealed anew, unless it was changed since it was read.
	put func(ctx context.Context, q *store.Queries, fresh []byte) (int64, error)
}

// part is a sealed column. list returns the values behind a position that do not begin with the prefix.
type part struct {
	column string
	list   func(ctx context.Context, q *store.Queries, after string, prefix []byte, n int32) ([]value, error)
}

// Columns are the sealed columns, as table.column.
func Columns() []string {
	var names []string
	for _, p := range parts() {
		names = append(names, p.column)
	}
	return names
}

// parts are all sealed columns. What is sealed elsewhere would be lost with the key it is under.
func parts() []part {
	return []part{
		{"signing_keys.private_sealed", signingKeys},
		{"audit_keys.private_sealed", auditKeys},
		{"salts.value_sealed", salts},
		{"factors.secret_sealed", factors},
		{"backup_batches.codes_sealed", backupBatches},
		{"ceremonies.data_sealed", ceremonies},
		{"reenrol_tickets.code_sealed", reenrolTickets},
		{"outbox.payload_sealed", messages},
		{"api_requests.answer_sealed", apiAnswers},
		{"import_chunks.data_sealed", importChunks},
		{"signal_streams.authorization_sealed", streams},
	}
}

// firstID is where the walk through a table with ids begins.
func firstID(after string) string {
	if after == "" {
		return store.MinID
	}
	return after
}

func mapped[R any](rows []R, err error, f func(R) value) ([]value, error) {
	if err != nil {
		return nil, err
	}
	values := make([]value, len(rows))
	for i, row := range rows {
		values[i] = f(row)
	}
	return values, nil
}

func owner(id *store.AccountID) string {
	if id == nil {
		return ""
	}
	return string(*id)
}

func signingKeys(ctx context.Context, q *store.Queries, after string, prefix []byte, n int32) ([]value, error) {
	rows, err := q.ListStaleSigningKeys(ctx, store.ListStaleSigningKeysParams{After: after, Prefix: prefix, PageSize: n})
	return mapped(rows, err, func(r store.ListStaleSigningKeysRow) value {
		return value{
			sealed: r.PrivateSealed, at: seal.Place{Table: "signing_keys", Row: r.ID}, position: r.ID,
			put: func(ctx context.Context, q *store.Queries, fresh []byte) (int64, error) {
				return q.ResealSigningKeys(ctx, store.ResealSigningKeysParams{ID: r.ID, Stale: r.PrivateSealed, Fresh: fresh})
			},
		}
	})
}

func auditKeys(ctx context.Context, q *store.Queries, after string, prefix []byte, n int32) ([]value, error) {
	rows, err := q.ListStaleAuditKeys(ctx, store.ListStaleAuditKeysParams{After: after, Prefix: prefix, PageSize: n})
	return mapped(rows, err, func(r store.ListStaleAuditKeysRow) value {
		return value{
			sealed: r.PrivateSealed, at: seal.Place{Table: "audit_keys.private_sealed", Row: r.ID}, position: r.ID,
			put: func(ctx context.Context, q *store.Queries, fresh []byte) (int64, error) {
				return q.ResealAuditKeys(ctx, store.ResealAuditKeysParams{ID: r.ID, Stale: r.PrivateSealed, Fresh: fresh})
			},
		}
	})
}

func salts(ctx context.Context, q *store.Queries, after string, prefix []byte, n int32) ([]value, error) {
	rows, err := q.ListStaleSalts(ctx, store.ListStaleSaltsParams{After: after, Prefix: prefix, PageSize: n})
	return mapped(rows, err, func(r store.ListStaleSaltsRow) value {
		return value{
			sealed: r.ValueSealed, at: seal.Place{Table: "salts", Row: r.Name}, position: r.Name,
			put: func(ctx context.Context, q *store.Queries, fresh []byte) (int64, error) {
				return q.ResealSalts(ctx, store.ResealSaltsParams{Name: r.Name, Stale: r.ValueSealed, Fresh: fresh})
			},
		}
	})
}

func factors(ctx context.Context, q *store.Queries, after string, prefix []byte, n int32) ([]value, error) {
	rows, err := q.ListStaleFactors(ctx, store.ListStaleFactorsParams{After: firstID(after), Prefix: prefix, PageSize: n})
	return mapped(rows, err, func(r store.ListStaleFactorsRow) value {
		return value{
			sealed: r.SecretSealed, at: seal.Place{Table: "factors", Row: string(r.ID), Account: string(r.AccountID)}, position: string(r.ID),
			put: func(ctx context.Context, q *store.Queries, fresh []byte) (int64, error) {
				return q.ResealFactors(ctx, store.ResealFactorsParams{ID: r.ID, Stale: r.SecretSealed, Fresh: fresh})
			},
		}
	})
}

func backupBatches(ctx context.Context, q *store.Queries, after string, prefix []byte, n int32) ([]value, error) {
	rows, err := q.ListStaleBackupBatches(ctx, store.ListStaleBackupBatchesParams{After: firstID(after), Prefix: prefix, PageSize: n})
	return mapped(rows, err, func(r store.ListStaleBackupBatchesRow) value {
		return value{
			sealed: r.CodesSealed, at: seal.Place{Table: "backup_batches", Row: string(r.ID), Account: string(r.AccountID)}, position: string(r.ID),
			put: func(ctx context.Context, q *store.Queries, fresh []byte) (int64, error) {
				return q.ResealBackupBatches(ctx, store.ResealBackupBatchesParams{ID: r.ID, Stale: r.CodesSealed, Fresh: fresh})
			},
		}
	})
}

func ceremonies(ctx context.Context, q *store.Queries, after string, prefix []byte, n int32) ([]value, error) {
	rows, err := q.ListStaleCeremonies(ctx, store.ListStaleCeremoniesParams{After: firstID(after), Prefix: prefix, PageSize: n})
	return mapped(rows, err, func(r store.ListStaleCeremoniesRow) value {
		return value{
			sealed: r.DataSealed, at: seal.Place{Table: "ceremonies", Row: string(r.ID), Account: owner(r.AccountID)}, position: string(r.ID),
			put: func(ctx context.Context, q *store.Queries, fresh []byte) (int64, error) {
				return q.ResealCeremonies(ctx, store.ResealCeremoniesParams{ID: r.ID, Stale: r.DataSealed, Fresh: fresh})
			},
		}
	})
}

func reenrolTickets(ctx context.Context, q *store.Queries, after string, prefix []byte, n int32) ([]value, error) {
	rows, err := q.ListStaleReenrolTickets(ctx, store.ListStaleReenrolTicketsParams{After: firstID(after), Prefix: prefix, PageSize: n})
	return mapped(rows, err, func(r store.ListStaleReenrolTicketsRow) value {
		return value{
			sealed: r.CodeSealed, at: seal.Place{Table: "reenrol_tickets", Row: string(r.ID), Account: string(r.AccountID)}, position: string(r.ID),
			put: func(ctx context.Context, q *store.Queries, fresh []byte) (int64, error) {
				return q.ResealReenrolTickets(ctx, store.ResealReenrolTicketsParams{ID: r.ID, Stale: r.CodeSealed, Fresh: fresh})
			},
		}
	})
}

func messages(ctx context.Context, q *store.Queries, after string, prefix []byte, n int32) ([]value, error) {
	rows, err := q.ListStaleMessages(ctx, store.ListStaleMessagesParams{After: firstID(after), Prefix: prefix, PageSize: n})
	return mapped(rows, err, func(r store.ListStaleMessagesRow) value {
		return value{
			sealed: r.PayloadSealed, at: seal.Place{Table: "outbox", Row: string(r.ID), Account: owner(r.AccountID)}, position: string(r.ID),
			put: func(ctx context.Context, q *store.Queries, fresh []byte) (int64, error) {
				return q.ResealMessages(ctx, store.ResealMessagesParams{ID: r.ID, Stale: r.PayloadSealed, Fresh: fresh})
			},
		}
	})
}

// apiKey is the position of an answer, whose row has a key of two columns.
type apiKey struct{ Actor, Key string }

func apiAnswers(ctx context.Context, q *store.Queries, after string, prefix []byte, n int32) ([]value, error) {
	var from apiKey
	if err := readPosition(after, &from); err != nil {
		return nil, err
	}
	rows, err := q.ListStaleAPIAnswers(ctx, store.ListStaleAPIAnswersParams{
		AfterActor: from.Actor, AfterKey: from.Key, Prefix: prefix, PageSize: n,
	})
	return mapped(rows, err, func(r store.ListStaleAPIAnswersRow) value {
		return value{
			sealed: r.AnswerSealed, at: seal.Place{Table: "api_requests", Row: r.ClaimID, Account: r.Actor},
			position: writePosition(apiKey{r.Actor, r.Key}),
			put: func(ctx context.Context, q *store.Queries, fresh []byte) (int64, error) {
				return q.ResealAPIAnswers(ctx, store.ResealAPIAnswersParams{Actor: r.Actor, Key: r.Key, Stale: r.AnswerSealed, Fresh: fresh})
			},
		}
	})
}

// chunkKey is the position of a piece of an uploaded file.
type chunkKey struct {
	Job    store.ImportID
	Number int64
}

func importChunks(ctx context.Context, q *store.Queries, after string, prefix []byte, n int32) ([]value, error) {
	from := chunkKey{Job: store.MinID}
	if err := readPosition(after, &from); err != nil {
		return nil, err
	}
	// These are large.
	rows, err := q.ListStaleImportChunks(ctx, store.ListStaleImportChunksParams{
		AfterJob: string(from.Job), AfterNumber: from.Number, Prefix: prefix, PageSize: min(n, 8),
	})
	return mapped(rows, err, func(r store.ImportChunk) value {
		return value{
			sealed: r.DataSealed, at: seal.Place{Table: "import_chunks", Row: fmt.Sprintf("%s/%d", r.JobID, r.Number)},
			position: writePosition(chunkKey{r.JobID, r.Number}),
			put: func(ctx context.Context, q *store.Queries, fresh []byte) (int64, error) {
				return q.ResealImportChunks(ctx, store.ResealImportChunksParams{JobID: r.JobID, Number: r.Number, Stale: r.DataSealed, Fresh: fresh})
			},
		}
	})
}

func writePosition(v any) string {
	raw, _ := json.Marshal(v) // strings and numbers never fail
	return string(raw)
}

func readPosition(text string, v any) error {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fmt.Errorf("read position of the walk: %w", err)
	}
	return nil
}

func streams(ctx context.Context, q *store.Queries, after string, prefix []byte, n int32) ([]value, error) {
	rows, err := q.ListStaleStreams(ctx, store.ListStaleStreamsParams{After: firstID(after), Prefix: prefix, PageSize: n})
	return mapped(rows, err, func(r store.ListStaleStreamsRow) value {
		return value{
			sealed: r.AuthorizationSealed, at: seal.Place{Table: "signal_streams", Row: string(r.ID)}, position: string(r.ID),
			put: func(ctx context.Context, q *store.Queries, fresh []byte) (int64, error) {
				return q.ResealStreams(ctx, store.ResealStreamsParams{ID: r.ID, Stale: r.AuthorizationSealed, Fresh: fresh})
			},
		}
	})
}
