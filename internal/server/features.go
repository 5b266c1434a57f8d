package server

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/outbound"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/password"
	"github.com/futakagi/futakagi/signin/standing"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// ground is what the features over a key stand on.
type ground struct {
	db       *store.DB
	box      *seal.Box
	pages    *templates.Set
	hasher   *account.Hasher
	accounts *account.Service
	// observe hears of attempts to send; optional.
	observe func(channel, result string)
	// push makes what relying parties are told, and outbound sends it; without them it waits for a server.
	push     func(context.Context, delivery.Push) (delivery.PushRequest, error)
	outbound *outbound.Client
}

// fetchWith reads documents from addresses that clients named: of no other status than 200.
func fetchWith(c *outbound.Client) func(ctx context.Context, uri string) ([]byte, error) {
	return func(ctx context.Context, uri string) ([]byte, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Accept", "application/json")
		a, err := c.Do(r)
		if err != nil {
			return nil, err
		}
		if a.Status != http.StatusOK {
			return nil, fmt.Errorf("answer has status %d", a.Status)
		}
		return a.Body, nil
	}
}

// keyed are the features that seal and open: a server runs them, and the command line acts through them.
type keyed struct {
	outbox    *delivery.Outbox
	factors   *mfa.Service
	passwords *password.Service
}

func newKeyed(c *Config, g ground) (k keyed, err error) {
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		return k, fmt.Errorf("server: Issuer: %w", err)
	}
	var factors *mfa.Service // hears what became of the messages it queues
	k.outbox, err = delivery.New(delivery.Config{
		DB: g.db, Box: g.box, Templates: g.pages, Mailer: c.Mailer, From: c.MailFrom, FromName: c.MailFromName, Zone: c.Zone,
		SMS: c.SMS, SMSFrom: c.SMSFrom, Host: issuer.Hostname(),
		BounceTo: c.BounceTo, Outbound: g.outbound, Push: g.push,
		Heard: func(ctx context.Context, tx *store.Tx, h delivery.Heard) error { return factors.Heard(ctx, tx, h) },
		Now:   c.Now, Logger: c.Logger, Observe: g.observe,
	})
	if err != nil {
		return k, err
	}
	rpID, origins, err := c.passkeys()
	if err != nil {
		return k, err
	}
	factors, err = mfa.New(mfa.Config{
		Issuer: c.Issuer, DB: g.db, Outbox: k.outbox, Box: g.box, HashAll: g.hasher.HashAll, CheckCode: g.hasher.CheckCode, Busy: account.ErrBusy, Now: c.Now,
		Proofs:     standing.Limits{Customer: c.Lifetimes.CustomerSession, Operator: c.Lifetimes.OperatorSession},
		NoticeLang: c.Language, SessionIdle: c.CustomerIdle, OperatorIdle: c.OperatorIdle, Brand: c.Brand.Name,
		RPID: rpID, Origins: origins, SMSCountries: c.SMSCountries, Limits: mfa.Limits{SMSPerDay: c.SMSPerDay, SMSPerPrefixDay: c.SMSPerPrefixDay},
	})
	if err != nil {
		return k, err
	}
	k.factors = factors
	k.passwords, err = password.New(password.Config{
		DB: g.db, Accounts: g.accounts, Outbox: k.outbox, Issuer: c.Issuer, Now: c.Now, Logger: c.Logger, StaffLang: c.Language,
		Proofs: standing.Limits{Customer: c.Lifetimes.CustomerSession, Operator: c.Lifetimes.OperatorSession},
	})
	return k, err
}
