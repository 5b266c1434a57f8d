package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/demo/relyingparty"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/store"
)

// ErrNotDemo says that a database holds somebody's real data. The fixtures have
// passwords that everybody knows, so they are never added to it.
var ErrNotDemo = errors.New("this database is in use and is not a demo's: choose another with --database")

// seeder writes the fixtures. What is there already stays as it is, so that a
// demo on a kept database goes on where it ended; only the clients are renewed,
// since their secrets and addresses are those of this start.
type seeder struct {
	db       *store.DB
	accounts *account.Service
	hasher   *account.Hasher
	now      time.Time
}

// client is one relying party to register.
type client struct {
	id, name, baseURL string
	secretHash        []byte
}

// people writes the customer, its group and every account that is missing. It
// returns the backup codes it made, by login id.
func (s *seeder) people(ctx context.Context) (map[string][]string, error) {
	group, err := s.group(ctx)
	if err != nil {
		return nil, fmt.Errorf("write customer %s: %w", CustomerCode, err)
	}
	made := map[string][]string{}
	for _, a := range Accounts() {
		_, err := s.db.Read().GetAccountByLogin(ctx, store.GetAccountByLoginParams{Kind: a.Kind, LoginKey: a.LoginID})
		if err == nil {
			continue
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("look up account %s: %w", a.LoginID, err)
		}
		if made[a.LoginID], err = s.account(ctx, a, group); err != nil {
			return nil, fmt.Errorf("write account %s: %w", a.LoginID, err)
		}
	}
	return made, nil
}

// group returns the demo's user group, made if need be.
func (s *seeder) group(ctx context.Context) (store.UserGroupID, error) {
	found, err := s.accounts.CustomerByCode(ctx, CustomerCode)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	customer := found.ID
	if customer != "" {
		groups, err := s.accounts.Groups(ctx, customer)
		if err != nil {
			return "", err
		}
		for _, g := range groups {
			if g.Name == GroupName {
				return g.ID, nil
			}
		}
	}
	if customer == "" {
		if err := s.empty(ctx); err != nil {
			return "", err
		}
	}
	var made store.UserGroup
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		if customer == "" {
			c, err := s.accounts.CreateCustomer(ctx, tx, account.CustomerInput{Code: CustomerCode, Name: CustomerName})
			if err != nil {
				return err
			}
			customer = c.ID
		}
		made, err = s.accounts.CreateUserGroup(ctx, tx, customer, GroupName)
		return err
	})
	return made.ID, err
}

// empty fails with ErrNotDemo unless nobody is in the database yet.
func (s *seeder) empty(ctx context.Context) error {
	customers, err := s.accounts.Customers(ctx, account.CustomerQuery{Size: 1})
	if err != nil {
		return err
	}
	operators, _, err := s.accounts.Operators(ctx, "", 1)
	if err != nil {
		return err
	}
	if customers.Total > 0 || len(operators) > 0 {
		return ErrNotDemo
	}
	return nil
}

// account writes one account with its factor. Hashing is slow on purpose, so it
// is done before the transaction.
func (s *seeder) account(ctx context.Context, a Account, group store.UserGroupID) ([]string, error) {
	in := account.NewAccount{
		Kind: a.Kind, LoginID: a.LoginID, DisplayName: a.Name, Role: a.Role,
		RegisteredEmail: a.RegisteredEmail, TwoFactor: a.TwoFactor,
	}
	if a.Kind == account.KindStore {
		in.UserGroupID = group
	}
	// Hashed directly: the rules of new passwords are for those that somebody chose, and this one is printed in the manual.
	hash, err := s.hasher.Hash(ctx, Password)
	if err != nil {
		return nil, err
	}
	in.Password = account.PasswordHash(hash)
	var texts []string
	var codes []store.InsertBackupCodeParams
	if a.FactorEmail != "" {
		if texts, codes, err = s.backupCodes(ctx); err != nil {
			return nil, fmt.Errorf("make backup codes: %w", err)
		}
	}
	return texts, s.db.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.accounts.Create(ctx, tx, in)
		if err != nil || a.FactorEmail == "" {
			return err
		}
		return s.factor(ctx, tx, row, a.FactorEmail, codes)
	})
}

// backupCodes makes a batch: what the person is shown, and the rows but for
// their batch's id.
func (s *seeder) backupCodes(ctx context.Context) (texts []string, rows []store.InsertBackupCodeParams, err error) {
	var secrets []string
	for _, c := range mfa.NewBackupCodes() {
		texts, secrets = append(texts, c.Text), append(secrets, c.Secret)
		rows = append(rows, store.InsertBackupCodeParams{Selector: c.Selector})
	}
	hashes, err := s.hasher.HashAll(ctx, secrets)
	if err != nil {
		return nil, nil, err
	}
	for i, h := range hashes {
		rows[i].CodeHash = h
	}
	return texts, rows, nil
}

// factor sets up email and backup codes as if the person had done it.
func (s *seeder) factor(ctx context.Context, tx *store.Tx, row store.Account, address string, codes []store.InsertBackupCodeParams) error {
	n, err := tx.InsertFirstFactor(ctx, store.InsertFirstFactorParams{
		ID: string(store.NewID[store.FactorID]()), AccountID: row.ID, Kind: "email", Address: address,
		CredentialEpoch: row.CredentialEpoch, Now: s.now,
	})
	if err != nil {
		return fmt.Errorf("insert factor: %w", err)
	}
	if n != 1 {
		return errors.New("insert factor: the account has one already")
	}
	batch := store.NewID[store.BatchID]()
	if err := tx.InsertBackupBatch(ctx, store.InsertBackupBatchParams{ID: batch, AccountID: row.ID, Now: s.now}); err != nil {
		return fmt.Errorf("insert backup batch: %w", err)
	}
	for _, c := range codes {
		c.BatchID = batch
		if err := tx.InsertBackupCode(ctx, c); err != nil {
			return fmt.Errorf("insert backup code: %w", err)
		}
	}
	return nil
}

// clients registers the relying parties, or renews them.
func (s *seeder) clients(ctx context.Context, clients ...client) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		for _, c := range clients {
			if err := tx.PutClient(ctx, store.PutClientParams{
				ID: c.id, Name: c.name, SurfaceID: "store", AuthMethod: "client_secret_basic", SecretHash: c.secretHash,
				RedirectURIs:           list(relyingparty.CallbackURL(c.baseURL)),
				PostLogoutRedirectURIs: list(relyingparty.AfterLogoutURL(c.baseURL)),
				GrantTypes:             list("authorization_code", "refresh_token"),
				Scopes:                 list("openid", "profile", "email", "offline_access"),
				BackchannelLogoutURI:   relyingparty.BackchannelLogoutURL(c.baseURL),
				IDTokenAlg:             "ES256", RequirePkce: true, Now: s.now,
			}); err != nil {
				return fmt.Errorf("register client %s: %w", c.id, err)
			}
		}
		return nil
	})
}

// list is a JSON array of plain strings.
func list(values ...string) json.RawMessage {
	return json.RawMessage(`["` + strings.Join(values, `","`) + `"]`)
}
