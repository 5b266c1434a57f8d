package mfa

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// Holdings are what an account holds besides its factors, and loses in a reset.
type Holdings struct {
	// BackupCodes are the usable ones, Devices the trusted devices, Sessions the live sessions, Attempts the sign-ins under way.
	BackupCodes, Devices, Sessions, Attempts int
	// Clients are the relying parties that hold live tokens.
	Clients []HeldClient
}

// HeldClient is a relying party that holds live tokens of an account.
type HeldClient struct {
	ID, Name string
	// RefreshTokens is how many of them are refresh tokens.
	RefreshTokens int
}

// ResetPlan is what a reset would do, as things stand.
type ResetPlan struct {
	Holdings
	// Factors would go, Left would stay, the one that is the main one then first.
	Factors, Left []store.Factor
	// Told are the addresses that would get a notice.
	Told []string
	// Parties are the names of the relying parties that would be told that the account's sessions are over.
	Parties []string
	// Ticket is whether the person would need a ticket to set up a factor again.
	Ticket bool
}

// SetUp reports whether there is anything to reset.
func (p ResetPlan) SetUp() bool { return len(p.Factors) > 0 || p.BackupCodes > 0 }

// PlanReset says what [Service.Reset] would do to an account, or [Service.ResetOne] if a method is named, through the caller's
// queries: those of a transaction, or the DB's own.
func (s *Service) PlanReset(ctx context.Context, q *store.Queries, acc store.Account, method signin.Method, now time.Time) (ResetPlan, error) {
	factors, err := q.ListFactors(ctx, acc.ID)
	if err != nil {
		return ResetPlan{}, fmt.Errorf("list factors: %w", err)
	}
	p := ResetPlan{Factors: factors}
	if method != "" {
		p.Factors, p.Left = nil, factors
		i := slices.IndexFunc(factors, func(f store.Factor) bool { return f.Kind == string(method) })
		if i < 0 {
			return p, nil // it comes to no harm at all
		}
		p.Factors, p.Left = factors[i:i+1:i+1], slices.Concat(factors[:i], factors[i+1:])
	}
	if p.Holdings, err = s.holdings(ctx, q, acc, now); err != nil {
		return ResetPlan{}, err
	}
	if len(p.Left) > 0 {
		p.BackupCodes = 0 // they stay
	}
	told, err := q.ListSessionClients(ctx, store.ListSessionClientsParams{AccountID: acc.ID, Now: now})
	if err != nil {
		return ResetPlan{}, fmt.Errorf("list relying parties to tell: %w", err)
	}
	for _, t := range told {
		p.Parties = append(p.Parties, t.Name)
	}
	slices.Sort(p.Parties)
	p.Parties = slices.Compact(p.Parties)
	if p.SetUp() {
		p.Told = delivery.Recipients(append(mailAddresses(factors), acc.RegisteredEmail))
	}
	if len(p.Left) == 0 {
		p.Ticket, err = demandsTicket(ctx, q, acc, p.SetUp())
	}
	return p, err
}

func (s *Service) holdings(ctx context.Context, q *store.Queries, acc store.Account, now time.Time) (Holdings, error) {
	var h Holdings
	codes, err := q.CountBackupCodes(ctx, acc.ID)
	if err != nil {
		return h, fmt.Errorf("count backup codes: %w", err)
	}
	trusted, err := devices(ctx, q, acc.ID, now)
	if err != nil {
		return h, err
	}
	sessions, err := q.ListSessions(ctx, store.ListSessionsParams{
		AccountID: acc.ID, Now: now, IdleSince: now.Add(-s.idle[web.Kind(acc.Kind)]), CredentialEpoch: acc.CredentialEpoch,
	})
	if err != nil {
		return h, fmt.Errorf("list sessions: %w", err)
	}
	attempts, err := q.CountAccountFlows(ctx, store.CountAccountFlowsParams{AccountID: &acc.ID, Now: now})
	if err != nil {
		return h, fmt.Errorf("count sign-ins: %w", err)
	}
	clients, err := q.ListAccountClients(ctx, store.ListAccountClientsParams{AccountID: acc.ID, Now: &now})
	if err != nil {
		return h, fmt.Errorf("list relying parties: %w", err)
	}
	h = Holdings{BackupCodes: int(codes), Devices: len(trusted), Sessions: len(sessions), Attempts: int(attempts)}
	for _, c := range clients {
		h.Clients = append(h.Clients, HeldClient{ID: c.ClientID, Name: c.Name, RefreshTokens: int(c.RefreshTokens)})
	}
	return h, nil
}
