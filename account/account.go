package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/futakagi/futakagi/store"
)

// Config is what a [Service] is made of. Every field is required unless it says otherwise.
type Config struct {
	// DB holds the accounts.
	DB *store.DB
	// Hasher hashes the passwords. One per process: it is what bounds the work.
	Hasher *Hasher
	// Now is the clock.
	Now func() time.Time
	// Logger receives what no caller can be told.
	Logger *slog.Logger
	// Passwords are the rules of new passwords.
	Passwords PasswordRules
	// AddressTries is how many passwords may be tried from one client address in 15 minutes, right or wrong; 300 if zero (a
	// whole office signs in from one address), no limit if negative.
	AddressTries int
}

// Service keeps accounts, customers and user groups.
type Service struct {
	db           *store.DB
	hasher       *Hasher
	now          func() time.Time
	logger       *slog.Logger
	addressTries int64
	passwords    PasswordRules
	blocklist    func() ([]string, error)
}

// New returns a Service.
func New(cfg Config) (*Service, error) {
	if cfg.DB == nil || cfg.Hasher == nil || cfg.Now == nil || cfg.Logger == nil {
		return nil, errors.New("make account service: DB, Hasher, Now and Logger are required")
	}
	rules, err := cfg.Passwords.complete()
	if err != nil {
		return nil, fmt.Errorf("make account service: %w", err)
	}
	s := &Service{
		db: cfg.DB, hasher: cfg.Hasher, now: cfg.Now, logger: cfg.Logger, addressTries: int64(cfg.AddressTries),
		passwords: rules, blocklist: sync.OnceValues(loadBlocklist),
	}
	if s.addressTries == 0 {
		s.addressTries = 300
	}
	return s, nil
}

// A PasswordHash is the result of [Service.HashPassword], or of [Service.ImportHash]; its type keeps a password itself from being
// stored.
type PasswordHash string

// HashPassword checks that a new password is acceptable for its owner and hashes it. It takes a while, so it is called before the
// transaction that stores the hash. It fails with a [ValidationError], or with [ErrBusy].
func (s *Service) HashPassword(ctx context.Context, password string, owner PasswordOwner) (PasswordHash, error) {
	if err := s.CheckPassword(password, owner); err != nil {
		return "", err
	}
	hash, err := s.hasher.Hash(ctx, normal(password))
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return PasswordHash(hash), nil
}

// NewAccount describes an account to create.
type NewAccount struct {
	// Kind is [KindStore] or [KindOperator].
	Kind        string
	LoginID     string
	DisplayName string
	// Role is one of [Roles] of the kind, or the id of a role that was made in the console.
	Role string
	// RegisteredEmail is where notices go. Nothing is concluded from it: it is never a second factor.
	RegisteredEmail string
	// UserGroupID places a store account; operators have none.
	UserGroupID store.UserGroupID
	// TwoFactor is [TwoFactorUse] or [TwoFactorDont]; use if empty.
	TwoFactor string
	// Password comes from [Service.HashPassword] or [Service.ImportHash].
	Password PasswordHash
}

// Owner returns whom a password for the account to come is for.
func (in NewAccount) Owner() PasswordOwner {
	return PasswordOwner{
		Kind: in.Kind, LoginID: in.LoginID, DisplayName: in.DisplayName, RegisteredEmail: in.RegisteredEmail,
		Alone: in.TwoFactor == TwoFactorDont,
	}
}

// newFields are a new account's fields as they are stored.
type newFields struct{ key, name, email string }

func (in NewAccount) fields() (newFields, checks) {
	c := checks{}
	key, ok := LoginKey(in.LoginID)
	switch {
	case cleanName(in.LoginID) == "":
		c[FieldLoginID] = msgLoginIDBlank
	case !ok:
		c[FieldLoginID] = msgLoginIDForm
	}
	f := newFields{key: key, name: c.name(in.DisplayName, msgNameBlank), email: c.email(in.RegisteredEmail)}
	c.role(in.Kind, in.Role)
	return f, c
}

// Check says everything that is wrong with a form for a new account before the password is hashed, which takes a while. It fails
// with a [ValidationError]; what it lets pass may still be refused by [Service.Create], which others may come before.
func (s *Service) Check(ctx context.Context, in NewAccount, password string) error {
	f, c := in.fields()
	message, err := s.judgePassword(password, in.Owner())
	if err != nil {
		return err
	}
	if message != "" {
		c[FieldPassword] = message
	}
	if c[FieldLoginID] == "" {
		_, err := s.db.Read().GetAccountByLogin(ctx, store.GetAccountByLoginParams{Kind: in.Kind, LoginKey: f.key})
		switch {
		case err == nil:
			c[FieldLoginID] = msgLoginIDTaken
		case !errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("look up login ID: %w", err)
		}
	}
	if in.Kind == KindOperator && c[FieldRole] == "" {
		_, err := s.db.Read().GetRole(ctx, in.Role)
		switch {
		case errors.Is(err, store.ErrNotFound):
			c[FieldRole] = msgRoleBlank
		case err != nil:
			return fmt.Errorf("look up role: %w", err)
		}
	}
	return c.passwordErr(s.PasswordMin(in.Owner()))
}

// Create adds an account. It fails with a [ValidationError] for what a person can correct.
func (s *Service) Create(ctx context.Context, tx *store.Tx, in NewAccount) (store.Account, error) {
	if in.TwoFactor == "" {
		in.TwoFactor = TwoFactorUse
	}
	switch {
	case Roles(in.Kind) == nil:
		return store.Account{}, fmt.Errorf("create account: unknown kind %q", in.Kind)
	case (in.Kind == KindStore) != (in.UserGroupID != ""):
		return store.Account{}, errors.New("create account: store accounts need a user group, operators have none")
	case in.TwoFactor != TwoFactorUse && in.TwoFactor != TwoFactorDont:
		return store.Account{}, fmt.Errorf("create account: unknown switch %q", in.TwoFactor)
	case in.Password == "":
		return store.Account{}, errors.New("create account: no password")
	}

	f, c := in.fields()
	if err := c.err(); err != nil {
		return store.Account{}, err
	}
	if err := holdRole(ctx, tx, in.Kind, in.Role); err != nil {
		return store.Account{}, err
	}

	var group *store.UserGroupID
	if in.UserGroupID != "" {
		group = &in.UserGroupID
	}
	id := store.NewID[store.AccountID]()
	err := tx.InsertAccount(ctx, store.InsertAccountParams{
		ID:              id,
		Kind:            in.Kind,
		LoginID:         displayLoginID(in.LoginID, f.key),
		LoginKey:        f.key,
		DisplayName:     f.name,
		SearchKey:       searchKey(f.key, f.name, f.email),
		Role:            in.Role,
		UserGroupID:     group,
		PasswordHash:    string(in.Password),
		RegisteredEmail: f.email,
		TwoFactor:       in.TwoFactor,
		Now:             s.now(),
	})
	switch {
	case errors.Is(err, store.ErrConflict) && store.Constraint(err) == "accounts_login_key":
		return store.Account{}, invalid(FieldLoginID, msgLoginIDTaken)
	case errors.Is(err, store.ErrForeignKey):
		return store.Account{}, fmt.Errorf("create account: user group: %w", store.ErrNotFound)
	case err != nil:
		return store.Account{}, fmt.Errorf("create account: %w", err)
	}
	a, err := tx.GetAccount(ctx, id)
	if err != nil {
		return store.Account{}, fmt.Errorf("create account: %w", err)
	}
	if err := indexAccount(ctx, tx, a); err != nil {
		return store.Account{}, fmt.Errorf("create account: %w", err)
	}
	return a, nil
}

// holdRole makes sure that an operator's role exists and stays until the transaction ends.
func holdRole(ctx context.Context, tx *store.Tx, kind, role string) error {
	if kind != KindOperator {
		return nil
	}
	_, err := tx.HoldRole(ctx, role)
	if errors.Is(err, store.ErrNotFound) {
		return invalid(FieldRole, msgRoleBlank)
	}
	if err != nil {
		return fmt.Errorf("hold role: %w", err)
	}
	return nil
}

// Profile is what can be edited of an account.
type Profile struct {
	DisplayName     string
	Role            string
	RegisteredEmail string
}

// Update changes an account's profile and returns it as it is now. The registered address is the person's, not a factor:
// changing it neither changes nor verifies nor reveals the second one. It fails with a [ValidationError] or
// [store.ErrNotFound].
func (s *Service) Update(ctx context.Context, tx *store.Tx, id store.AccountID, in Profile) (store.Account, error) {
	a, err := tx.GetAccount(ctx, id)
	if err != nil {
		return store.Account{}, fmt.Errorf("update account: %w", err)
	}
	c := checks{}
	name := c.name(in.DisplayName, msgNameBlank)
	email := c.email(in.RegisteredEmail)
	c.role(a.Kind, in.Role)
	if err := c.err(); err != nil {
		return store.Account{}, err
	}
	if in.Role != a.Role {
		if err := holdRole(ctx, tx, a.Kind, in.Role); err != nil {
			return store.Account{}, err
		}
	}
	now := s.now()
	n, err := tx.UpdateAccountProfile(ctx, store.UpdateAccountProfileParams{
		ID:              id,
		DisplayName:     name,
		SearchKey:       searchKey(a.LoginKey, name, email),
		Role:            in.Role,
		RegisteredEmail: email,
		Now:             now,
	})
	if err := changed(n, err); err != nil {
		return store.Account{}, fmt.Errorf("update account: %w", err)
	}
	if email != a.RegisteredEmail {
		// Whoever reads the former address may not be the person any more: a link to a new password that went there is void.
		if _, err := tx.VoidTickets(ctx, store.VoidTicketsParams{Now: &now, AccountID: id, Purpose: store.TicketPassword}); err != nil {
			return store.Account{}, fmt.Errorf("update account: void tickets: %w", err)
		}
	}
	a, err = tx.GetAccount(ctx, id)
	if err != nil {
		return store.Account{}, fmt.Errorf("update account: %w", err)
	}
	if err := indexAccount(ctx, tx, a); err != nil {
		return store.Account{}, fmt.Errorf("update account: %w", err)
	}
	return a, nil
}

// SetPassword gives an account a new password and ends everything that the former one gave access to, this moment and on all
// replicas.
func (s *Service) SetPassword(ctx context.Context, tx *store.Tx, id store.AccountID, hash PasswordHash) error {
	if hash == "" {
		return errors.New("set password: no password")
	}
	now := s.now()
	n, err := tx.SetPassword(ctx, store.SetPasswordParams{ID: id, PasswordHash: string(hash), Now: &now})
	if err := changed(n, err); err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	if err := tx.EndAccount(ctx, now, id, store.Keep{}); err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return nil
}

// SetDisabled disables an account, which ends everything it holds, or enables it again. It reports whether that was a change.
func (s *Service) SetDisabled(ctx context.Context, tx *store.Tx, id store.AccountID, disabled bool) (bool, error) {
	a, err := tx.GetAccount(ctx, id)
	if err != nil {
		return false, fmt.Errorf("set account state: %w", err)
	}
	if (a.DisabledAt != nil) == disabled {
		return false, nil
	}
	now := s.now()
	var at *time.Time
	if disabled {
		at = &now
	}
	n, err := tx.SetAccountDisabled(ctx, store.SetAccountDisabledParams{ID: id, DisabledAt: at, Now: now})
	if err := changed(n, err); err != nil {
		return false, fmt.Errorf("set account state: %w", err)
	}
	// Tickets that outlive a change of credentials end here: nothing of a disabled account wakes up again when it is enabled.
	if _, err := tx.VoidTickets(ctx, store.VoidTicketsParams{Now: &now, AccountID: id, Purpose: store.TicketAddressUndo}); err != nil {
		return false, fmt.Errorf("set account state: void tickets: %w", err)
	}
	if err := tx.EndAccount(ctx, now, id, store.Keep{}); err != nil {
		return false, fmt.Errorf("set account state: %w", err)
	}
	return true, nil
}

// changed turns an update of no row into [store.ErrNotFound].
func changed(rows int64, err error) error {
	if err != nil {
		return err
	}
	if rows == 0 {
		return store.ErrNotFound
	}
	return nil
}

// displayLoginID keeps a login ID as it was typed, unless it was typed in another width or with something hidden.
func displayLoginID(typed, key string) string {
	typed = cleanName(typed)
	if folded, ok := LoginKey(typed); ok && folded == key && len(typed) == len(key) {
		return typed
	}
	return key
}
