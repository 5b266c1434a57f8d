package store

import (
	"context"
	"fmt"
	"time"
)

// sweepBatch is how many rows one transaction removes: few enough not to be noticed by the requests beside it.
const sweepBatch = 500

// longestSignIn is the most that the configuration lets a sign-in take.
const longestSignIn = 2 * time.Hour

// unusedClients is how long a client that registered itself is kept while nobody signs in to it.
const unusedClients = 30 * 24 * time.Hour

// Retention says how long rows are kept after they stopped meaning anything, for support and for the audit trail's sake.
type Retention struct {
	// Flows, Challenges, Sessions and Tokens count from expiry. Grants, the memory of used codes, go with Tokens.
	Flows, Challenges, Sessions, Tokens time.Duration
	// Messages counts from the creation of a message that is no longer queued. What a reset says of whom it told goes with them,
	// and what was asked of another operator counts likewise from its end.
	Messages time.Duration
	// Throttles counts from the last failure. It must be longer than any block and than the time failures are remembered.
	Throttles time.Duration
	// ShownCodes is how long freshly made backup codes stay readable if their owner does not confirm that they are saved.
	ShownCodes time.Duration
}

// Sweep removes what has expired, in small transactions, and returns how many rows it removed by table. Several servers may
// sweep at once. An interrupted sweep is carried on by the next.
func (db *DB) Sweep(ctx context.Context, now time.Time, keep Retention) (map[string]int64, error) {
	removed := make(map[string]int64)
	for _, s := range []struct {
		table string
		batch func(q *Queries) (int64, error)
	}{
		{"flows", func(q *Queries) (int64, error) {
			return q.SweepFlows(ctx, SweepFlowsParams{Before: now.Add(-keep.Flows), BatchSize: sweepBatch})
		}},
		{"pushed_requests", func(q *Queries) (int64, error) {
			// A sign-in that began with one may end as late as its flow, and must find it then.
			return q.SweepPushedRequests(ctx, SweepPushedRequestsParams{Before: now.Add(-keep.Flows - longestSignIn), BatchSize: sweepBatch})
		}},
		{"challenges", func(q *Queries) (int64, error) {
			return q.SweepChallenges(ctx, SweepChallengesParams{Before: now.Add(-keep.Challenges), BatchSize: sweepBatch})
		}},
		{"ceremonies", func(q *Queries) (int64, error) {
			return q.SweepCeremonies(ctx, SweepCeremoniesParams{Before: now, BatchSize: sweepBatch})
		}},
		{"tickets", func(q *Queries) (int64, error) {
			return q.SweepTickets(ctx, SweepTicketsParams{Before: now.Add(-keep.Challenges), BatchSize: sweepBatch})
		}},
		{"reenrol_tickets", func(q *Queries) (int64, error) {
			return q.SweepReenrolTickets(ctx, SweepReenrolTicketsParams{Before: now.Add(-keep.Challenges), BatchSize: sweepBatch})
		}},
		{"resets", func(q *Queries) (int64, error) {
			return q.SweepResets(ctx, SweepResetsParams{Before: now.Add(-keep.Messages), BatchSize: sweepBatch})
		}},
		{"approvals", func(q *Queries) (int64, error) {
			return q.SweepApprovals(ctx, SweepApprovalsParams{Before: now.Add(-keep.Messages), BatchSize: sweepBatch})
		}},
		{"passes", func(q *Queries) (int64, error) {
			return q.SweepPasses(ctx, SweepPassesParams{Before: now.Add(-keep.Challenges), BatchSize: sweepBatch})
		}},
		{"trusted_devices", func(q *Queries) (int64, error) {
			return q.SweepTrustedDevices(ctx, SweepTrustedDevicesParams{Before: now, BatchSize: sweepBatch})
		}},
		{"sessions", func(q *Queries) (int64, error) {
			return q.SweepSessions(ctx, SweepSessionsParams{Before: now.Add(-keep.Sessions), BatchSize: sweepBatch})
		}},
		{"token_sets", func(q *Queries) (int64, error) {
			return q.SweepTokenSets(ctx, SweepTokenSetsParams{Before: now.Add(-keep.Tokens), BatchSize: sweepBatch})
		}},
		{"grants", func(q *Queries) (int64, error) {
			return q.SweepGrants(ctx, SweepGrantsParams{Before: now.Add(-keep.Tokens), BatchSize: sweepBatch})
		}},
		{"clients", func(q *Queries) (int64, error) {
			before := now.Add(-unusedClients)
			return q.SweepUnusedClients(ctx, SweepUnusedClientsParams{Before: &before, BatchSize: sweepBatch})
		}},
		{"registration_tokens", func(q *Queries) (int64, error) {
			return q.SweepRegistrationTokens(ctx, SweepRegistrationTokensParams{Before: now.Add(-keep.Tokens), BatchSize: sweepBatch})
		}},
		{"outbox", func(q *Queries) (int64, error) {
			return q.SweepMessages(ctx, SweepMessagesParams{Before: now.Add(-keep.Messages), BatchSize: sweepBatch})
		}},
		{"signals", func(q *Queries) (int64, error) {
			return q.SweepSignals(ctx, SweepSignalsParams{Now: now, BatchSize: sweepBatch})
		}},
		{"signals", func(q *Queries) (int64, error) {
			return q.TrimSignals(ctx, TrimSignalsParams{Most: MaxSignals, BatchSize: sweepBatch})
		}},
		{"throttles", func(q *Queries) (int64, error) {
			return q.SweepThrottles(ctx, SweepThrottlesParams{Before: now.Add(-keep.Throttles), BatchSize: sweepBatch})
		}},
		{"budgets", func(q *Queries) (int64, error) {
			return q.SweepBudgets(ctx, SweepBudgetsParams{Now: now, BatchSize: sweepBatch})
		}},
		{"device_codes", func(q *Queries) (int64, error) {
			return q.SweepDeviceCodes(ctx, SweepDeviceCodesParams{Before: now.Add(-keep.Flows), BatchSize: sweepBatch})
		}},
		{"replays", func(q *Queries) (int64, error) {
			return q.SweepReplays(ctx, SweepReplaysParams{Before: now, BatchSize: sweepBatch})
		}},
		{"api_requests", func(q *Queries) (int64, error) {
			return q.SweepAPIRequests(ctx, SweepAPIRequestsParams{Before: now, BatchSize: sweepBatch})
		}},
	} {
		for {
			var n int64
			err := db.InTx(ctx, func(tx *Tx) error {
				var err error
				n, err = s.batch(tx.Queries)
				return err
			})
			if err != nil {
				return removed, fmt.Errorf("sweep %s: %w", s.table, err)
			}
			removed[s.table] += n
			if n < sweepBatch {
				break
			}
		}
	}
	err := db.InTx(ctx, func(tx *Tx) error {
		if _, err := tx.ForgetOldBackupCodes(ctx, now.Add(-keep.ShownCodes)); err != nil {
			return err
		}
		_, err := tx.ForgetOldReenrolTickets(ctx, now)
		return err
	})
	if err != nil {
		return removed, fmt.Errorf("forget shown codes: %w", err)
	}
	return removed, nil
}
