package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/keys"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/password"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// Config is what a [Service] is made of. Every field is required unless it says otherwise.
type Config struct {
	// DB holds everything.
	DB *store.DB
	// Accounts has the rules of accounts, customers and user groups.
	Accounts *account.Service
	// Factors has the rules of second factors, and Outbox is told when a transaction has queued notices. The command line, which
	// has no key to seal with, leaves both out: what concerns second factors then fails.
	Factors *mfa.Service
	Outbox  *delivery.Outbox
	// Passwords sends links to new passwords, and tells people of those that staff set. Left out where Outbox is.
	Passwords *password.Service
	// Imports has the rules of second factors that another system proved. Its hashes are those of Accounts; Japan if it names no
	// countries.
	Imports mfa.Imports
	// Signer signs exports of the audit log; without one there are none.
	Signer *audit.Signer
	// ValidRedirect says what is wrong with a redirect URI of a relying party; "" if nothing is.
	ValidRedirect func(uri string) string
	// CustomerIdle and OperatorIdle are after how long without use a session does not count as live any more; no limit if zero.
	CustomerIdle, OperatorIdle time.Duration
	// NoticeLang is the language of mails to people whose own is not known; Japanese if empty.
	NoticeLang templates.Lang
	// Zone is the time zone of days in filters; UTC if nil.
	Zone *time.Location
	// Keys is the life of signing keys.
	Keys keys.Rules
	// Limits bound what one operator does; zero fields take [DefaultLimits].
	Limits Limits
	// Now is the clock.
	Now func() time.Time
}

// Service has the use cases. It knows nothing of HTTP and is safe for concurrent use.
type Service struct {
	db            *store.DB
	accounts      *account.Service
	factors       *mfa.Service
	outbox        *delivery.Outbox
	passwords     *password.Service
	signer        *audit.Signer
	validRedirect func(string) string
	idle          map[string]time.Duration
	limits        Limits
	keys          keys.Rules
	zone          *time.Location
	clock         func() time.Time
	imports       mfa.Imports
	importWake    chan struct{}
	counted       *tallies
	noticeLang    templates.Lang
	// offers reports whether the installation can do a method at all.
	offers func(signin.Method) bool
}

// New returns a Service.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Accounts == nil || (c.Factors == nil) != (c.Outbox == nil) || c.ValidRedirect == nil || c.Now == nil {
		return nil, errors.New("make admin service: DB, Accounts, ValidRedirect and Now are required, and Factors with Outbox")
	}
	if c.Passwords != nil && c.Outbox == nil {
		return nil, errors.New("make admin service: Passwords needs Outbox")
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if len(c.Imports.Countries) == 0 {
		c.Imports.Countries = []string{"JP"}
	}
	c.Imports.CheckHash = func(hash string) error {
		canonical, _, err := c.Accounts.ImportHash(hash)
		if err == nil && string(canonical) != hash {
			err = account.ErrHash
		}
		return err
	}
	c.Imports.ForeignCodes = func(texts []string) ([]string, error) {
		hashes, err := c.Accounts.ImportCodes(texts)
		if errors.Is(err, account.ErrCodesCost) {
			err = mfa.ErrCodesCost
		}
		return hashes, err
	}
	c.Imports.HashCodes, c.Imports.CheckCode = c.Accounts.HashCodes, c.Accounts.CheckCode
	if c.Imports.Note == nil && c.Factors != nil {
		c.Imports.Note = c.Factors.NoteImport
	}
	if c.NoticeLang == "" {
		c.NoticeLang = templates.Ja
	}
	offers := func(signin.Method) bool { return true } // nobody knows
	if c.Factors != nil {
		offers = c.Factors.Offers
	}
	return &Service{
		offers: offers, imports: c.Imports, importWake: make(chan struct{}, 1), counted: new(tallies), noticeLang: c.NoticeLang,
		db: c.DB, accounts: c.Accounts, factors: c.Factors, outbox: c.Outbox, passwords: c.Passwords, signer: c.Signer, validRedirect: c.ValidRedirect, zone: c.Zone, clock: c.Now,
		limits: c.Limits.orDefault(), keys: c.Keys,
		idle: map[string]time.Duration{account.KindStore: c.CustomerIdle, account.KindOperator: c.OperatorIdle},
	}, nil
}

// now is the present time as rows keep it.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

// work is what a use case has at hand while it runs.
type work struct {
	tx    *store.Tx
	actor Actor
	now   time.Time
	// event becomes the audit row of the act, or of its refusal; the use case fills in what it finds out.
	event *audit.Event
	// parts is whether the act consisted of parts, which have rows of their own.
	parts bool
	// permit is the approval that was used up, alone is set where one was needed and the command line went on without.
	permit *store.Approval
	alone  bool
}

// part does one of several things that a use case consists of, under an audit row of its own; none if it changed
// nothing.
func (w *work) part(ctx context.Context, kind audit.Type, do func(w *work) error) error {
	event := audit.Event{Type: kind, Actor: w.event.Actor}
	p := &work{tx: w.tx, actor: w.actor, now: w.now, event: &event}
	err := do(p)
	switch {
	case errors.Is(err, errUnchanged):
		return nil
	case err != nil:
		*w.event = event // what a refusal is about
		return err
	}
	w.parts = true
	event.Result = audit.Success
	p.noteApproval()
	return audit.Write(ctx, w.tx, w.now, event)
}

// errNoFactors is the answer of a Service made without the rules of second factors.
var errNoFactors = errors.New("this service was made without second factors")

// errUnchanged ends a use case that had nothing to do: nothing is written, and it is no failure.
var errUnchanged = errors.New("nothing to change")

// act runs one use case in one transaction: the actor is looked up anew and must have the right, do does the work, and the
// audit row is written with it. It reports whether anything was changed.
func (s *Service) act(ctx context.Context, actor Actor, need rights, event audit.Event, do func(w *work) error) (changed bool, err error) {
	now := s.now()
	event.Actor = actor.audit()
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		e := event
		w := &work{tx: tx, now: now, event: &e}
		var err error
		if w.actor, err = actor.present(ctx, tx.Queries, now); err != nil {
			return err
		}
		if !w.actor.rights().has(need) {
			return &refusal{err: ErrForbidden, word: wordRight}
		}
		if err := do(w); err != nil {
			event.Type, event.Account, event.Target = e.Type, e.Account, e.Target // for the refusal's row
			return err
		}
		if err := markAct(ctx, tx, now); err != nil || w.parts {
			return err
		}
		e.Result = audit.Success
		w.noteApproval()
		return audit.Write(ctx, tx, now, e)
	})
	if errors.Is(err, errUnchanged) {
		return false, nil
	}
	return err == nil, s.record(ctx, now, event, err)
}

// record writes down a refusal, whose own transaction is gone.
func (s *Service) record(ctx context.Context, now time.Time, event audit.Event, err error) error {
	r, refused := errors.AsType[*refusal](err)
	if !refused {
		return err
	}
	event.Result, event.Reason, event.Data = audit.Refused, r.word, nil
	if werr := s.db.InTx(ctx, func(tx *store.Tx) error { return audit.Write(ctx, tx, now, event) }); werr != nil {
		return fmt.Errorf("record refusal: %w", werr)
	}
	return r.err
}

// view checks that the actor may read something. A refusal leaves a row.
func (s *Service) view(ctx context.Context, actor Actor, need rights) error {
	_, err := s.viewer(ctx, actor, need)
	return err
}

// viewer is view for what goes on to ask what else the actor may do: it returns them with their rights as they are now.
func (s *Service) viewer(ctx context.Context, actor Actor, need rights) (Actor, error) {
	var err error
	if actor.roles, err = readRoles(ctx, s.db.Read()); err != nil {
		return Actor{}, err
	}
	if actor.rights().has(need) {
		return actor, nil
	}
	return Actor{}, s.record(ctx, s.now(), audit.Event{Type: audit.ConsoleView, Actor: actor.audit()}, &refusal{err: ErrForbidden, word: wordRight})
}

// target loads the account that is acted on and checks the actor's right over it. An account the actor may not even see is
// like a missing one to them (I14), and the try is written down all the same.
func (w *work) target(ctx context.Context, id store.AccountID, need rights) (store.Account, error) {
	if !store.ValidID(string(id)) {
		return store.Account{}, store.ErrNotFound
	}
	acc, err := w.tx.GetAccount(ctx, id)
	if err != nil {
		return store.Account{}, err
	}
	w.event.Account = acc.ID
	if w.event.Target, err = targetName(ctx, w.tx.Queries, acc); err != nil {
		return store.Account{}, err
	}
	if err := w.withinOf(ctx, acc); err != nil {
		return store.Account{}, err
	}
	mine := w.actor.rights()
	if acc.Kind == account.KindOperator {
		need = mayManageOperators
		if !mine.has(need) {
			return store.Account{}, &refusal{err: store.ErrNotFound, word: wordRight}
		}
	}
	// Nobody acts on somebody who may do more than they.
	if !mine.has(need) || acc.Kind == account.KindOperator && !mine.has(w.actor.rightsOf(acc.Role)) {
		return store.Account{}, &refusal{err: ErrForbidden, word: wordRight}
	}
	return acc, nil
}

// within refuses what belongs to a customer that the actor does not keep: it is like what does not exist to them (I14).
func (w *work) within(customer store.CustomerID) error {
	if !w.actor.keeps(customer) {
		return &refusal{err: store.ErrNotFound, word: wordRight}
	}
	return nil
}

// withinOf is within for an account.
func (w *work) withinOf(ctx context.Context, acc store.Account) error {
	if !w.actor.confined() {
		return nil
	}
	if acc.UserGroupID == nil {
		return &refusal{err: store.ErrNotFound, word: wordRight}
	}
	group, err := w.tx.GetUserGroup(ctx, *acc.UserGroupID)
	if err != nil {
		return fmt.Errorf("load user group: %w", err)
	}
	return w.within(group.CustomerID)
}

// other is target for what nobody may do to themselves.
func (w *work) other(ctx context.Context, id store.AccountID, need rights) (store.Account, error) {
	acc, err := w.target(ctx, id, need)
	if err == nil && w.actor.is(acc.ID) {
		return store.Account{}, &refusal{err: ErrOwnAccount, word: wordOwn}
	}
	return acc, err
}

// targetName names an account in audit rows: customer and login ID, or the login ID of an operator.
func targetName(ctx context.Context, q *store.Queries, acc store.Account) (string, error) {
	if acc.UserGroupID == nil {
		return acc.LoginID, nil
	}
	place, err := q.GetAccountPlace(ctx, *acc.UserGroupID)
	if err != nil {
		return "", fmt.Errorf("load user group: %w", err)
	}
	return place.Customer.Name + " / " + acc.LoginID, nil
}
