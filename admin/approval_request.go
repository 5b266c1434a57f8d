package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// partnerAfter is how long whoever asks must have left an operator's account and role alone for that operator to decide: nobody makes
// themselves a second operator.
const partnerAfter = 24 * time.Hour

// asked is what the row of a request keeps of its form.
type asked struct {
	Proposal

	Reason  string   `json:"reason"`
	Checks  []string `json:"checks,omitempty"`
	Inquiry string   `json:"inquiry,omitempty"`
	Note    string   `json:"note,omitempty"`
}

// AskApproval asks for a second operator's approval of an act on an account, which it does not do: whoever asked does it themselves,
// once, in the 24 hours after somebody approved. Asking for the same again returns the same request. It fails as the act itself would,
// with [ErrNoApproval] for an account that takes none, with an [account.ValidationError], and with [ErrConflict] where there would be
// nothing to do.
func (s *Service) AskApproval(ctx context.Context, actor Actor, id store.AccountID, p Proposal, reason Reason) (store.ApprovalID, error) {
	return s.ask(ctx, actor, string(id), p, reason)
}

// AskUnguardAll is AskApproval for opening the accounts of a surface without a second operator from then on. Nobody's identity is in
// question.
func (s *Service) AskUnguardAll(ctx context.Context, actor Actor, surface, reason string) (store.ApprovalID, error) {
	return s.ask(ctx, actor, surface, Proposal{Act: ActUnguardAll}, Reason{Text: reason, IdentityChecked: true})
}

func (s *Service) ask(ctx context.Context, actor Actor, on string, p Proposal, reason Reason) (store.ApprovalID, error) {
	if s.factors == nil {
		return "", errNoFactors
	}
	checked, wrong := reason.check()
	if p.Handover == "" {
		p.Handover = checked.Handover
	}
	a := new(asking)
	run := actor
	run.asking = a
	_, err := s.perform(ctx, run, on, p, checked, "")
	if err := bothInvalid(wrong, err); err != nil {
		return "", err
	}
	switch {
	case err == nil:
		return "", ErrConflict // nothing would be done
	case !errors.Is(err, errAsking):
		return "", err
	}
	id := store.NewID[store.ApprovalID]()
	_, err = s.act(ctx, actor, mayView, audit.Event{Type: audit.ApprovalRequest}, func(w *work) error {
		return s.insertRequest(ctx, w, a, checked, &id)
	})
	if err != nil {
		return "", err
	}
	return id, nil
}

// bothInvalid is what is wrong with the reason and with the act, as one error; nil if nothing is, or if the act fails for another
// reason.
func bothInvalid(reason, act error) error {
	fields := map[string]string{}
	var first *account.ValidationError
	for _, err := range []error{act, reason} {
		if e, ok := errors.AsType[*account.ValidationError](err); ok {
			if first == nil {
				first = e
			}
			maps.Copy(fields, e.Fields)
		}
	}
	if first == nil || act != nil && !errors.Is(act, errAsking) && !errors.As(act, new(*account.ValidationError)) {
		return nil
	}
	if fields[FieldReason] == templates.MsgReasonBlank {
		fields[FieldReason] = templates.MsgSpareReasonBlank // the other names the reset
	}
	merged := *first
	merged.Fields = fields
	return &merged
}

// insertRequest writes a request down, unless the actor made it before.
func (s *Service) insertRequest(ctx context.Context, w *work, a *asking, reason Reason, id *store.ApprovalID) error {
	w.event.Target = cmp.Or(a.target, a.on.surface)
	var accountID *store.AccountID
	if acc := a.on.account; acc != nil {
		accountID, w.event.Account = &acc.ID, acc.ID
		now, err := w.tx.HoldAccount(ctx, acc.ID)
		if err != nil {
			return fmt.Errorf("hold account: %w", err)
		}
		a.on.account = &now
	} else if _, err := w.tx.HoldSurface(ctx, a.on.surface); err != nil {
		return fmt.Errorf("hold surface: %w", err)
	}
	for _, state := range []string{ApprovalApproved, ApprovalWaiting} {
		row, err := findApproval(ctx, w, a.on, a.proposal, state)
		if err == nil {
			*id = row.ID
			return errUnchanged
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	if err := s.spend(ctx, w, "approval", s.limits.Reset); err != nil {
		return err
	}
	permit, err := a.proposal.permit(a.on)
	if err != nil {
		return err
	}
	request, err := json.Marshal(asked{
		Proposal: a.proposal, Reason: reason.Text, Checks: reason.Checks, Inquiry: reason.Inquiry, Note: reason.Note,
	})
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	epoch, registered := a.on.state()
	until := w.now.Add(ApprovalLife)
	if err := w.tx.InsertApproval(ctx, store.InsertApprovalParams{
		ID: *id, AccountID: accountID, SurfaceID: a.on.surface, Act: string(a.proposal.Act), Permit: permit, Request: request,
		FormID: reason.Form, CredentialEpoch: epoch, RegisteredAt: registered, Asker: w.actor.key(), AskerName: w.actor.audit().Name,
		Now: w.now, ExpiresAt: until,
	}); err != nil {
		return fmt.Errorf("insert approval: %w", err)
	}
	w.event.Reason, w.event.Data = reason.Text, a.proposal.data()
	if accountID != nil {
		reason.describe(w.event.Data)
	}
	w.event.Data["approval"], w.event.Data["until"] = string(*id), until.Format(time.RFC3339)
	return nil
}

// Opened is what an act did that was approved.
type Opened struct {
	// Reset is the row of a reset.
	Reset store.ResetID
	// Pass is a pass that was issued.
	Pass mfa.Pass
}

// perform does an act by its ordinary use case, on an account or, where it is about one, on a surface.
func (s *Service) perform(ctx context.Context, actor Actor, on string, p Proposal, r Reason, password string) (out Opened, err error) {
	id := store.AccountID(on)
	switch p.Act {
	case ActReset:
		r.Handover = p.Handover
		var done Reset
		if p.Method == "" {
			done, err = s.ResetFactors(ctx, actor, id, r)
		} else {
			done, err = s.ResetFactor(ctx, actor, id, p.Method, r)
		}
		out.Reset = done.ID
	case ActExempt:
		_, err = s.GrantExemption(ctx, actor, id, p.Hours, r)
	case ActPass:
		out.Pass, err = s.IssuePass(ctx, actor, id, p.Minutes, r)
	case ActTicket:
		_, err = s.IssueTicket(ctx, actor, id, p.Handover)
	case ActPassword:
		err = s.SetPassword(ctx, actor, id, password)
	case ActEmail:
		var acc store.Account
		if acc, err = s.AccountRow(ctx, actor, id); err == nil {
			_, err = s.UpdateAccount(ctx, actor, id, acc.UpdatedAt, account.Profile{
				DisplayName: acc.DisplayName, Role: acc.Role, RegisteredEmail: p.Email,
			})
		}
	case ActSwitchOff:
		_, err = s.SetTwoFactor(ctx, actor, id, "", account.TwoFactorDont)
	case ActUnguard:
		_, err = s.SetGuard(ctx, actor, id, time.Time{}, false)
	case ActUnguardAll:
		err = s.unguardAll(ctx, actor, on)
	default:
		err = store.ErrNotFound
	}
	return out, err
}

func (s *Service) unguardAll(ctx context.Context, actor Actor, surface string) error {
	row, err := s.db.Read().GetSurface(ctx, surface)
	if err != nil {
		return err
	}
	if !row.Approval {
		return ErrNoApproval
	}
	_, err = s.SetEnforcement(ctx, actor, []EnforcementChange{{
		Surface: surface, Former: row.Enforced, Enforced: row.Enforced, Approval: ApprovalNone,
	}})
	return err
}

// ApprovalView is a request as an actor may see it.
type ApprovalView struct {
	store.Approval

	Proposal Proposal
	Reason   Reason
	// Account is whom it is about; nil for a surface.
	Account *Account
	// Shown is its state with what time and changes of the account made of it.
	Shown string
	// MayDecide, MayUse and MayWithdraw are what the actor can do about it.
	MayDecide, MayUse, MayWithdraw bool
}

// Open reports whether it still waits for somebody.
func (v ApprovalView) Open() bool { return v.Shown == ApprovalWaiting || v.Shown == ApprovalApproved }

// shownState is the state of a request, with what time and changes made of it.
func shownState(row store.Approval, void bool, now time.Time) string {
	switch {
	case row.State != ApprovalWaiting && row.State != ApprovalApproved:
		return row.State
	case !row.ExpiresAt.After(now):
		return ApprovalExpired
	case void:
		return ApprovalIsVoid
	}
	return row.State
}

// void reports whether what a request was about has changed since.
func void(row store.Approval, on subject) bool {
	epoch, registered := on.state()
	return on.account != nil && (row.CredentialEpoch != epoch || !row.RegisteredAt.Equal(registered))
}

// request reads what a row was asked for.
func requestOf(row store.Approval) (asked, Reason, error) {
	var a asked
	if err := json.Unmarshal(row.Request, &a); err != nil {
		return a, Reason{}, fmt.Errorf("request %s: %w", row.ID, err)
	}
	return a, Reason{
		Text: a.Reason, IdentityChecked: true, Checks: a.Checks, Inquiry: a.Inquiry, Note: a.Note, Handover: a.Handover, Form: row.FormID,
	}, nil
}

// Approval returns a request, or [store.ErrNotFound], also for one about an account that the actor may not see.
func (s *Service) Approval(ctx context.Context, actor Actor, id store.ApprovalID) (ApprovalView, error) {
	actor, err := s.viewer(ctx, actor, mayView)
	if err != nil {
		return ApprovalView{}, err
	}
	if !store.ValidID(string(id)) {
		return ApprovalView{}, store.ErrNotFound
	}
	row, err := s.db.Read().GetApproval(ctx, id)
	if err != nil {
		return ApprovalView{}, err
	}
	v := ApprovalView{Approval: row}
	a, reason, err := requestOf(row)
	if err != nil {
		return ApprovalView{}, err
	}
	v.Proposal, v.Reason = a.Proposal, reason
	on := subject{surface: row.SurfaceID}
	if row.AccountID != nil {
		acc, err := s.approvalAccount(ctx, actor, *row.AccountID)
		if err != nil {
			return ApprovalView{}, err
		}
		v.Account, on.account = &acc, &acc.Account
	}
	v.Shown = shownState(row, void(row, on), s.now())
	mine := row.Asker == actor.key()
	self := on.account != nil && actor.is(on.account.ID)
	v.MayDecide = v.Shown == ApprovalWaiting && !mine && !self && actor.client == nil &&
		(actor.system || mayOpen(actor.rights(), actor.roles, on, v.Proposal.Act))
	v.MayUse = v.Shown == ApprovalApproved && mine
	v.MayWithdraw = v.Open() && mine
	return v, nil
}

// approvalAccount is whom a request is about; without what is set up where nobody knows.
func (s *Service) approvalAccount(ctx context.Context, actor Actor, id store.AccountID) (Account, error) {
	if s.factors != nil {
		return s.Account(ctx, actor, id)
	}
	acc, err := s.AccountRow(ctx, actor, id)
	return Account{Account: acc}, err
}

// ApprovalCount is what waits for an operator.
type ApprovalCount struct {
	// Waiting are requests of others, Ready the operator's own that were approved and are still to be done.
	Waiting, Ready int
}

// CountApprovals counts what waits for an actor, without what concerns accounts that they may not see.
func (s *Service) CountApprovals(ctx context.Context, actor Actor) (ApprovalCount, error) {
	if actor.roles == nil { // every page of the console asks, and has just looked
		var err error
		if actor.roles, err = readRoles(ctx, s.db.Read()); err != nil {
			return ApprovalCount{}, err
		}
	}
	if !actor.rights().has(mayView) {
		return ApprovalCount{}, nil
	}
	n, err := s.db.Read().CountApprovals(ctx, store.CountApprovalsParams{Viewer: actor.key(), Now: s.now(), HiddenKind: hiddenKind(actor)})
	if err != nil {
		return ApprovalCount{}, fmt.Errorf("count approvals: %w", err)
	}
	return ApprovalCount{Waiting: int(n.Waiting), Ready: int(n.Ready)}, nil
}

// ApprovalRow is one line of the list of requests.
type ApprovalRow struct {
	store.ListApprovalsRow

	Proposal Proposal
	Reason   Reason
	Shown    string
}

func placeOfApproval(row ApprovalRow) Place {
	return Place{row.Approval.CreatedAt, string(row.Approval.ID)}
}

// Approvals returns requests after a place in the list, newest first and without those about accounts that the actor may not see, and
// whether there are more; open leaves out those that wait for nobody.
func (s *Service) Approvals(ctx context.Context, actor Actor, after Place, limit int, open bool) ([]ApprovalRow, bool, error) {
	actor, err := s.viewer(ctx, actor, mayView)
	if err != nil {
		return nil, false, err
	}
	now := s.now()
	span := Span{Limit: limit}
	at, id := after.newest(now)
	p := store.ListApprovalsParams{
		BeforeAt: at, BeforeID: store.ApprovalID(id), Now: now, HiddenKind: hiddenKind(actor), PageSize: span.rows(),
	}
	if open {
		p.Open = "yes"
	}
	found, err := s.db.Read().ListApprovals(ctx, p)
	found, more, err := cut(span, found, err, "approvals")
	if err != nil {
		return nil, false, err
	}
	rows := make([]ApprovalRow, 0, len(found))
	for _, row := range found {
		a, reason, err := requestOf(row.Approval)
		if err != nil {
			return nil, false, err
		}
		rows = append(rows, ApprovalRow{
			ListApprovalsRow: row, Proposal: a.Proposal, Reason: reason, Shown: shownState(row.Approval, row.Void != 0, now),
		})
	}
	return rows, more, nil
}

// approval holds whom a request is about and checks that the actor may see it.
func (w *work) approval(ctx context.Context, id store.ApprovalID) (row store.Approval, on subject, err error) {
	if !store.ValidID(string(id)) {
		return row, on, store.ErrNotFound
	}
	if row, err = w.tx.GetApproval(ctx, id); err != nil {
		return row, on, err
	}
	on.surface, w.event.Target = row.SurfaceID, row.SurfaceID
	if row.AccountID == nil {
		return row, on, nil
	}
	acc, err := w.tx.HoldAccount(ctx, *row.AccountID)
	if err != nil {
		return row, on, fmt.Errorf("hold account: %w", err)
	}
	on.account, w.event.Account = &acc, acc.ID
	w.event.Target, err = targetName(ctx, w.tx.Queries, acc)
	if err == nil && acc.Kind == account.KindOperator && !w.actor.rights().has(mayManageOperators) {
		err = &refusal{err: store.ErrNotFound, word: wordRight}
	}
	return row, on, err
}

// Approve lets whoever made a request do once what they asked for. Only an operator who could do it themselves approves, who is neither
// the one who asked nor whom it is about. It fails with [ErrNotPartner], [ErrApprovalVoid], [store.ErrNotFound], or with [ErrConflict]
// where the request was decided, withdrawn or too old a moment ago.
func (s *Service) Approve(ctx context.Context, actor Actor, id store.ApprovalID) error {
	_, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.ApprovalGrant}, func(w *work) error {
		row, on, err := w.decidable(ctx, id)
		if err != nil {
			return err
		}
		if err := w.apart(ctx, row); err != nil {
			return err
		}
		able, err := entitled(ctx, w, row.Asker, on, Act(row.Act))
		if err != nil {
			return err
		}
		if !able || void(row, on) {
			return ErrApprovalVoid
		}
		return w.decide(ctx, row, ApprovalApproved, "")
	})
	return err
}

// Refuse ends a request and says why, which whoever asked can read. It fails like [Service.Approve], and with an
// [account.ValidationError] without a reason.
func (s *Service) Refuse(ctx context.Context, actor Actor, id store.ApprovalID, reason string) error {
	_, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.ApprovalRefuse}, func(w *work) error {
		row, _, err := w.decidable(ctx, id)
		if err != nil {
			return err
		}
		why, err := checkText(reason)
		if err != nil {
			return err
		}
		return w.decide(ctx, row, ApprovalRefused, why)
	})
	return err
}

// checkText checks the reason of a refusal.
func checkText(reason string) (string, error) {
	checked, err := Reason{Text: reason, IdentityChecked: true}.check()
	if e, ok := errors.AsType[*account.ValidationError](err); ok && e.Fields[FieldReason] == templates.MsgReasonBlank {
		e.Fields[FieldReason] = templates.MsgSpareReasonBlank
	}
	return checked.Text, err
}

// decidable is a request that the actor could decide by their rights.
func (w *work) decidable(ctx context.Context, id store.ApprovalID) (store.Approval, subject, error) {
	row, on, err := w.approval(ctx, id)
	if err != nil {
		return row, on, err
	}
	key := w.actor.key()
	switch {
	case w.actor.client != nil: // no second pair of eyes
		return row, on, &refusal{err: ErrForbidden, word: wordRight}
	case row.Asker == key || on.account != nil && w.actor.is(on.account.ID):
		return row, on, &refusal{err: ErrNotPartner, word: wordPartner}
	case !w.actor.system && !mayOpen(w.actor.rights(), w.actor.roles, on, Act(row.Act)):
		return row, on, &refusal{err: ErrForbidden, word: wordRight}
	}
	return row, on, nil
}

// apart refuses an operator whose account or role was lately in the hands of whoever asked, and one who has in their hands the client
// that asked.
func (w *work) apart(ctx context.Context, row store.Approval) error {
	if !w.actor.person() || row.Asker == keySystem {
		return nil
	}
	if held, err := w.inHands(ctx, row.Asker, w.actor.key()); err != nil {
		return err
	} else if held {
		return &refusal{err: ErrNotPartner, word: wordPartner}
	}
	_, asker, _ := strings.Cut(row.Asker, ":")
	since := w.now.Add(-partnerAfter)
	n, err := w.tx.CountActsOn(ctx, store.CountActsOnParams{AccountID: &w.actor.Account.ID, Since: since, ActorID: asker})
	if err != nil {
		return fmt.Errorf("count acts: %w", err)
	}
	if role := w.actor.roles[w.actor.Account.Role]; n == 0 && role.UpdatedAt.After(since) {
		// Which one it was the log knows by its name alone, and that may have been changed with it.
		n, err = w.tx.CountActsOnRoles(ctx, store.CountActsOnRolesParams{Since: since, ActorID: asker})
		if err != nil {
			return fmt.Errorf("count acts: %w", err)
		}
	}
	if n > 0 {
		return &refusal{err: ErrNotPartner, word: wordPartner}
	}
	return nil
}

// inHands reports whether a key is that of a client whose secret an operator may know: they registered it, changed it or gave it one since
// its present secret was made. While a former one works too, it does not matter when.
func (w *work) inHands(ctx context.Context, client, operator string) (bool, error) {
	id, isClient := strings.CutPrefix(client, keyClient)
	by, isOperator := strings.CutPrefix(operator, keyOperator)
	if !isClient || !isOperator {
		return false, nil
	}
	c, err := w.tx.GetClient(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil // nor can it do anything
	}
	if err != nil {
		return false, fmt.Errorf("load client: %w", err)
	}
	since := time.Time{}
	if c.SecretMadeAt != nil && (c.FormerSecretUntil == nil || !c.FormerSecretUntil.After(w.now)) {
		since = *c.SecretMadeAt
	}
	n, err := w.tx.CountActsOnClient(ctx, store.CountActsOnClientParams{Since: orEpoch(since), ActorID: by, ClientID: id})
	if err != nil {
		return false, fmt.Errorf("count acts: %w", err)
	}
	return n > 0, nil
}

// decide ends the waiting of a request, unless somebody was first.
func (w *work) decide(ctx context.Context, row store.Approval, state, reason string) error {
	until := row.ExpiresAt
	if state == ApprovalApproved {
		until = w.now.Add(ApprovalLife)
	}
	n, err := w.tx.DecideApproval(ctx, store.DecideApprovalParams{
		ID: row.ID, State: state, Decider: w.actor.key(), DeciderName: w.actor.audit().Name, Decision: reason, Now: w.now, ExpiresAt: until,
	})
	if err := claimed(n, err); err != nil {
		return err
	}
	w.event.Reason = reason
	return w.describe(row)
}

// describe says in the audit row which request it is about.
func (w *work) describe(row store.Approval) error {
	a, _, err := requestOf(row)
	if err != nil {
		return err
	}
	w.event.Data = a.data()
	w.event.Data["approval"], w.event.Data["asked_by"] = string(row.ID), row.AskerName
	return nil
}

// Withdraw ends a request of the actor's own, also one that was approved and is not done yet. It fails with [store.ErrNotFound], or with
// [ErrConflict] where it ended a moment ago.
func (s *Service) Withdraw(ctx context.Context, actor Actor, id store.ApprovalID) error {
	_, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.ApprovalWithdraw}, func(w *work) error {
		row, _, err := w.approval(ctx, id)
		if err != nil {
			return err
		}
		if row.Asker != w.actor.key() {
			return &refusal{err: ErrForbidden, word: wordRight}
		}
		n, err := w.tx.WithdrawApproval(ctx, store.WithdrawApprovalParams{ID: row.ID, Now: w.now})
		if err := claimed(n, err); err != nil {
			return err
		}
		return w.describe(row)
	})
	return err
}

// UseApproval does what the actor asked for and somebody approved, by the ordinary use case, which uses the approval up in its own
// transaction. password is the new one where that was asked for. It fails as that does, and with [ErrForbidden] for a request of
// somebody else.
func (s *Service) UseApproval(ctx context.Context, actor Actor, id store.ApprovalID, password string) (Opened, error) {
	v, err := s.Approval(ctx, actor, id)
	if err != nil {
		return Opened{}, err
	}
	again := v.State == ApprovalUsed && v.Proposal.Act == ActReset // the button, pressed twice: the form knows what was done
	switch {
	case v.Asker != actor.key():
		return Opened{}, ErrForbidden
	case v.Shown == ApprovalIsVoid:
		return Opened{}, ErrApprovalVoid
	case !v.MayUse && !again:
		return Opened{}, ErrConflict
	}
	on := v.SurfaceID
	if v.AccountID != nil {
		on = string(*v.AccountID)
	}
	return s.perform(ctx, actor, on, v.Proposal, v.Reason, password)
}
