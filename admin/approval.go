package admin

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// ApprovalLife is how long a request waits for a second operator, and then how long what was approved can be done.
const ApprovalLife = 24 * time.Hour

// Act is something that opens an account to whoever asks for it.
type Act string

// The acts that take a second operator where an account or its surface says so. The names are stored and must not change.
const (
	ActReset      Act = "reset"
	ActExempt     Act = "exempt"
	ActPass       Act = "pass"
	ActTicket     Act = "ticket"
	ActPassword   Act = "password"
	ActEmail      Act = "email" // the registered address, where links go
	ActSwitchOff  Act = "switch_off"
	ActUnguard    Act = "unguard"     // no second operator any more
	ActUnguardAll Act = "unguard_all" // nor for the accounts of a surface
)

// AccountActs are the acts that concern one account.
func AccountActs() []Act {
	return []Act{ActReset, ActExempt, ActPass, ActTicket, ActPassword, ActEmail, ActSwitchOff, ActUnguard}
}

// need is the right that an act takes.
func (a Act) need() rights {
	switch a {
	case ActReset, ActTicket, ActSwitchOff:
		return mayReset
	case ActExempt:
		return mayExempt
	case ActPass:
		return mayPass
	case ActPassword:
		return maySetPasswords
	case ActEmail, ActUnguard:
		return mayEditAccounts
	case ActUnguardAll:
		return mayEnforce
	}
	return everything
}

// Proposal is an act with those of its parameters that an approval is good for, and for no others.
type Proposal struct {
	Act      Act           `json:"act"`
	Method   signin.Method `json:"method,omitempty"`   // of a reset of one factor
	Handover mfa.Handover  `json:"handover,omitempty"` // of a ticket, also one that a reset brings along
	Hours    int           `json:"hours,omitempty"`    // of an exemption
	Minutes  int           `json:"minutes,omitempty"`  // of a pass
	Email    string        `json:"email,omitempty"`    // the new address
}

// The states of a request, as rows have them.
const (
	ApprovalWaiting   = "waiting"
	ApprovalApproved  = "approved"
	ApprovalRefused   = "refused"
	ApprovalWithdrawn = "withdrawn"
	ApprovalUsed      = "used"
	// ApprovalExpired and ApprovalIsVoid are how one shows that is out of time, or about what has changed since.
	ApprovalExpired = "expired"
	ApprovalIsVoid  = "void"
)

// subject is whom an act is done to: an account, or a surface if there is none.
type subject struct {
	surface string
	account *store.Account
}

func (o subject) id() string {
	if o.account != nil {
		return string(o.account.ID)
	}
	return o.surface
}

// state is what an approval counts on: what the account signs in with, and since when it has its registered address.
func (o subject) state() (epoch int64, registered time.Time) {
	switch {
	case o.account == nil:
		return 0, time.Unix(0, 0).UTC()
	case o.account.RegisteredEmailChangedAt != nil:
		return o.account.CredentialEpoch, *o.account.RegisteredEmailChangedAt
	}
	return o.account.CredentialEpoch, o.account.CreatedAt
}

// permit names what an approval is good for.
func (p Proposal) permit(on subject) ([]byte, error) {
	raw, err := json.Marshal([]any{on.id(), p})
	if err != nil {
		return nil, fmt.Errorf("encode proposal: %w", err)
	}
	sum := sha256.Sum256(raw)
	return sum[:], nil
}

// asking collects what an actor asks for: the use case runs up to where it would need the approval, so that only what could be done
// is asked for.
type asking struct {
	on       subject
	proposal Proposal
	target   string
}

// errAsking ends the run of a use case that was only asked for.
var errAsking = errors.New("only asked for")

// allow lets an act on an account go on if it takes no second operator or one approved of it; the approval is used up with it. It holds
// the account, fails with [ErrApprovalRequired], and lets the command line pass. It comes before anything that an approval counts on is
// changed, and after all that makes an act impossible.
func (s *Service) allow(ctx context.Context, w *work, id store.AccountID, p Proposal) error {
	acc, err := w.tx.HoldAccount(ctx, id)
	if err != nil {
		return fmt.Errorf("hold account: %w", err)
	}
	return s.allowAccount(ctx, w, acc, p)
}

func (s *Service) allowAccount(ctx context.Context, w *work, acc store.Account, p Proposal) error {
	surface, err := w.tx.GetSurface(ctx, signin.SurfaceOf(acc.Kind))
	if err != nil {
		return fmt.Errorf("load surface: %w", err)
	}
	return s.allowOn(ctx, w, subject{surface: surface.ID, account: &acc}, acc.Approval || surface.Approval, p)
}

func (s *Service) allowOn(ctx context.Context, w *work, on subject, needed bool, p Proposal) error {
	if a := w.actor.asking; a != nil {
		if !needed {
			return ErrNoApproval
		}
		a.on, a.proposal, a.target = on, p, w.event.Target
		return errAsking
	}
	row, err := findApproval(ctx, w, on, p, ApprovalApproved)
	switch {
	case err == nil:
	case !errors.Is(err, store.ErrNotFound):
		return err
	case needed && !w.actor.system:
		return &refusal{err: ErrApprovalRequired, word: wordApproval}
	default:
		w.alone = needed
		return nil
	}
	// Whoever approved may have lost the right to since, or have got hold of the client that asked.
	able, err := entitled(ctx, w, row.Decider, on, p.Act)
	if err != nil {
		return err
	}
	held, err := w.inHands(ctx, row.Asker, row.Decider)
	if err != nil {
		return err
	}
	switch {
	case able && !held:
	case needed && !w.actor.system:
		return &refusal{err: ErrApprovalRequired, word: wordApproval}
	default: // what nobody needs stops nobody
		w.alone = needed
		return nil
	}
	n, err := w.tx.UseApproval(ctx, store.UseApprovalParams{ID: row.ID, Now: w.now})
	if err := claimed(n, err); err != nil {
		return err
	}
	w.permit = &row
	return nil
}

// allowAddress is allow for a change of the registered address that was already made in the transaction. Nothing else may come with it,
// as nothing else is approved.
func (s *Service) allowAddress(ctx context.Context, w *work, former, acc store.Account) error {
	err := s.allowAccount(ctx, w, former, Proposal{Act: ActEmail, Email: acc.RegisteredEmail})
	alone := acc.DisplayName == former.DisplayName && acc.Role == former.Role
	if !alone && (w.permit != nil || errors.Is(err, ErrApprovalRequired)) {
		return &account.ValidationError{Fields: map[string]string{"email": templates.MsgApprovalAlone}}
	}
	return err
}

// findApproval finds the actor's own request for an act, as things stand.
func findApproval(ctx context.Context, w *work, on subject, p Proposal, state string) (store.Approval, error) {
	permit, err := p.permit(on)
	if err != nil {
		return store.Approval{}, err
	}
	epoch, registered := on.state()
	row, err := w.tx.FindApproval(ctx, store.FindApprovalParams{
		Permit: permit, Asker: w.actor.key(), State: state, Now: w.now, CredentialEpoch: epoch, RegisteredAt: registered,
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Approval{}, fmt.Errorf("find approval: %w", err)
	}
	return row, err
}

// noteApproval says in the row of an act who approved of it.
func (w *work) noteApproval() {
	if w.permit == nil && !w.alone {
		return
	}
	if w.event.Data == nil {
		w.event.Data = map[string]string{}
	}
	if w.permit == nil {
		w.event.Data["approval"] = "none"
		return
	}
	w.event.Data["approval"], w.event.Data["approved_by"] = string(w.permit.ID), w.permit.DeciderName
}

// entitled reports whether whoever a key names could do an act now.
func entitled(ctx context.Context, w *work, key string, on subject, act Act) (bool, error) {
	if key == keySystem {
		return true, nil
	}
	if id, ok := strings.CutPrefix(key, keyClient); ok {
		c, err := w.tx.GetClient(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("load client: %w", err)
		}
		var scopes []string
		if err := json.Unmarshal(c.Scopes, &scopes); err != nil {
			return false, fmt.Errorf("read scopes of client %q: %w", id, err)
		}
		return c.DisabledAt == nil && mayOpen(rightsOfScopes(scopes), w.actor.roles, on, act), nil
	}
	acc, err := w.tx.GetAccount(ctx, store.AccountID(strings.TrimPrefix(key, keyOperator)))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("load operator: %w", err)
	}
	able := acc.Kind == account.KindOperator && acc.DisabledAt == nil
	return able && mayOpen(w.actor.roles.rights(acc.Role), w.actor.roles, on, act), nil
}

// mayOpen reports whether rights are enough for an act, as [work.target] has it.
func mayOpen(held rights, roles roleSet, on subject, act Act) bool {
	need := mayView | act.need()
	if on.account == nil {
		return held.has(need)
	}
	if on.account.Kind == account.KindOperator {
		if act == ActPass {
			return false
		}
		if act != ActExempt {
			need = mayView
		}
		need |= mayManageOperators | roles.rights(on.account.Role)
	}
	return held.has(need)
}

// SetGuard sets whether opening an account takes a second operator. That it does not any more needs one who approves of it, or it would
// be no control. version is when the actor saw the account, and [ErrConflict] says that somebody changed it since; zero means however
// it is. It fails with [ErrApprovalRequired] or [store.ErrNotFound] too, and reports whether that was a change.
func (s *Service) SetGuard(ctx context.Context, actor Actor, id store.AccountID, version time.Time, guarded bool) (bool, error) {
	return s.act(ctx, actor, mayView, audit.Event{Type: audit.AccountGuard}, func(w *work) error {
		acc, err := w.other(ctx, id, mayEditAccounts)
		if err != nil {
			return err
		}
		if acc, err = w.tx.HoldAccount(ctx, acc.ID); err != nil {
			return fmt.Errorf("hold account: %w", err)
		}
		switch {
		case acc.Approval == guarded:
			return errUnchanged
		case !version.IsZero() && !acc.UpdatedAt.Equal(version):
			return ErrConflict
		case !guarded:
			if err := s.allowAccount(ctx, w, acc, Proposal{Act: ActUnguard}); err != nil {
				return err
			}
		}
		n, err := w.tx.SetAccountApproval(ctx, store.SetAccountApprovalParams{ID: id, Approval: guarded, Now: w.now})
		if err := claimed(n, err); err != nil {
			return err
		}
		w.event.Data = map[string]string{"from": onOff(!guarded), "to": onOff(guarded)}
		return nil
	})
}

// data describes a proposal in audit rows. An address is masked: the log outlives it.
func (p Proposal) data() map[string]string {
	data := map[string]string{"act": string(p.Act)}
	for name, text := range map[string]string{"method": string(p.Method), "ticket": string(p.Handover)} {
		if text != "" {
			data[name] = text
		}
	}
	if p.Email != "" {
		data["email.to"] = templates.MaskEmail(p.Email)
	}
	for name, n := range map[string]int{"hours": p.Hours, "minutes": p.Minutes} {
		if n != 0 {
			data[name] = strconv.Itoa(n)
		}
	}
	return data
}
