package admin

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// apiApproval is a request for a second operator's approval.
type apiApproval struct {
	ID        string     `json:"id"`
	Act       string     `json:"act" enum:"reset,exempt,pass,ticket,password,email,switch_off,unguard,unguard_all" doc:"what is asked for"`
	Method    string     `json:"method,omitempty" doc:"the one factor of a reset"`
	Handover  string     `json:"handover,omitempty" enum:"staff,mail" doc:"of a ticket"`
	Hours     int        `json:"hours,omitempty" doc:"of an exemption"`
	Minutes   int        `json:"minutes,omitempty" doc:"of a pass"`
	Email     string     `json:"email,omitempty" doc:"the new registered address, masked without api:addresses.read"`
	AccountID string     `json:"account_id,omitempty" doc:"whom it is about; absent where it is about a surface"`
	Surface   string     `json:"surface"`
	State     string     `json:"state" enum:"waiting,approved,refused,withdrawn,used,expired,void" doc:"approved: whoever asked can do it once"`
	Reason    string     `json:"reason"`
	AskedBy   string     `json:"asked_by"`
	DecidedBy string     `json:"decided_by,omitempty"`
	Decision  string     `json:"decision,omitempty" doc:"why it was refused"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at" doc:"of the request, then of what was approved"`
	DecidedAt *time.Time `json:"decided_at,omitempty"`
	UsedAt    *time.Time `json:"used_at,omitempty"`
}

func (a apiApproval) location() string { return "/approvals/" + a.ID }

// approvalOf is a request as the actor may see it.
func approvalOf(actor Actor, row store.Approval, p Proposal, reason, state string) apiApproval {
	v := apiApproval{
		ID: string(row.ID), Act: string(p.Act), Method: string(p.Method), Hours: p.Hours, Minutes: p.Minutes,
		Email: seenAddress(actor, Account{}, fieldRegistered, p.Email), Surface: row.SurfaceID, State: state, Reason: reason,
		AskedBy: row.AskerName, DecidedBy: row.DeciderName, Decision: row.Decision,
		CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt, DecidedAt: row.DecidedAt, UsedAt: row.UsedAt,
	}
	if p.Act == ActReset || p.Act == ActTicket {
		v.Handover = string(p.Handover)
	}
	if row.AccountID != nil {
		v.AccountID = string(*row.AccountID)
	}
	if !actor.rights().has(maySeeAddresses) {
		v.Reason, v.Decision = redact(v.Reason), redact(v.Decision)
	}
	return v
}

// apiGuard is whether opening an account takes a second operator.
type apiGuard struct {
	Approval  bool      `json:"approval" doc:"the account's own choice; its surface may ask for it of every account"`
	UpdatedAt time.Time `json:"updated_at" doc:"of the account"`
}

func (g apiGuard) version() time.Time { return g.UpdatedAt }

type (
	apiSurfaceGuard struct {
		Approval string `json:"approval" enum:"none,all" doc:"of whose accounts opening takes a second operator"`
	}
	apiGuardInput struct {
		Approval bool `json:"approval" doc:"whether opening the account takes a second operator"`
	}
	apiAsk struct {
		Act             string `json:"act" enum:"reset,exempt,pass,ticket,password,email,switch_off,unguard"`
		Method          string `json:"method,omitempty" enum:"email,sms,totp,passkey" doc:"of a reset of one factor"`
		Handover        string `json:"handover,omitempty" enum:"staff,mail" doc:"of a ticket, also one that a reset brings along; staff if absent"`
		Hours           int    `json:"hours,omitempty" min:"1" max:"72" doc:"of an exemption"`
		Minutes         int    `json:"minutes,omitempty" min:"15" max:"60" doc:"of a pass"`
		Email           string `json:"email,omitempty" max:"320" doc:"the new registered address"`
		Reason          string `json:"reason" max:"256" doc:"for whoever decides, and for the audit log"`
		IdentityChecked bool   `json:"identity_checked" doc:"that somebody made sure of who asked for it; must be true"`
	}

	findApprovals struct {
		paging
		State string `query:"state" enum:"open,all" doc:"open: only those that wait for something; all if absent"`
	}
	approvalByID struct {
		ID string `path:"id" max:"64"`
	}
	askApproval struct {
		ID   string `path:"id" max:"64"`
		Body apiAsk
	}
	setGuard struct {
		ID    string    `path:"id" max:"64"`
		Match time.Time `header:"If-Match"`
		Body  apiGuardInput
	}
	setSurfaceGuard struct {
		Surface string    `path:"surface" max:"64"`
		Match   time.Time `header:"If-Match"`
		Body    apiSurfaceGuard
	}
)

func (in apiAsk) proposal() Proposal {
	return Proposal{
		Act: Act(in.Act), Method: signin.Method(in.Method), Handover: mfa.Handover(in.Handover), Hours: in.Hours, Minutes: in.Minutes, Email: in.Email,
	}
}

// approvals are the operations about a second operator. Deciding is none of them: a program is no second pair of eyes.
func (a *API) approvals(t *table) {
	s := a.service
	add(t, scopeAccountsRead, http.MethodGet, "/approvals", "listApprovals",
		func(ctx context.Context, actor Actor, in findApprovals) (list[apiApproval], error) {
			at, err := in.place()
			if err != nil {
				return list[apiApproval]{}, err
			}
			rows, more, err := s.Approvals(ctx, actor, at, in.limit(), in.State == "open")
			return listOf(rows, more, func(row ApprovalRow) apiApproval {
				return approvalOf(actor, row.Approval, row.Proposal, row.Reason.Text, row.Shown)
			}, func(row ApprovalRow) string { return placeOfApproval(row).cursor() }), err
		})
	get := func(ctx context.Context, actor Actor, id store.ApprovalID) (apiApproval, error) {
		v, err := s.Approval(ctx, actor, id)
		return approvalOf(actor, v.Approval, v.Proposal, v.Reason.Text, v.Shown), err
	}
	add(t, scopeAccountsRead, http.MethodGet, "/approvals/{id}", "getApproval",
		func(ctx context.Context, actor Actor, in approvalByID) (apiApproval, error) {
			return get(ctx, actor, store.ApprovalID(in.ID))
		})
	add(t, scopeReset, http.MethodPost, "/accounts/{id}/approvals", "askApproval",
		func(ctx context.Context, actor Actor, in askApproval) (apiApproval, error) {
			reason := Reason{Text: in.Body.Reason, IdentityChecked: in.Body.IdentityChecked}
			id, err := s.AskApproval(ctx, actor, store.AccountID(in.ID), in.Body.proposal(), reason)
			if err != nil {
				return apiApproval{}, err
			}
			return get(ctx, actor, id)
		}, codeOwnAccount, codeEnforced, codeConflict, codeNoApproval)
	add(t, scopeAccountsWrite, http.MethodPut, "/accounts/{id}/approval", "setAccountApproval",
		func(ctx context.Context, actor Actor, in setGuard) (apiGuard, error) {
			if _, err := s.SetGuard(ctx, actor, store.AccountID(in.ID), in.Match, in.Body.Approval); err != nil {
				return apiGuard{}, err
			}
			acc, err := s.AccountRow(ctx, actor, store.AccountID(in.ID))
			return apiGuard{Approval: acc.Approval, UpdatedAt: acc.UpdatedAt}, err
		}, codeOwnAccount, codeApproval)
	add(t, scopeSettings, http.MethodPut, "/surfaces/{surface}/approval", "setSurfaceApproval",
		func(ctx context.Context, actor Actor, in setSurfaceGuard) (apiEnforcement, error) {
			surfaces, err := s.Enforcement(ctx, actor)
			if err != nil {
				return apiEnforcement{}, err
			}
			of := func(surface Surface) bool { return surface.ID == in.Surface }
			i := slices.IndexFunc(surfaces, of)
			if i < 0 {
				return apiEnforcement{}, store.ErrNotFound
			}
			if _, err := s.SetEnforcement(ctx, actor, []EnforcementChange{{
				Surface: in.Surface, Enforced: surfaces[i].Enforced, Former: surfaces[i].Enforced, Approval: in.Body.Approval, Version: in.Match,
			}}); err != nil {
				return apiEnforcement{}, err
			}
			if surfaces, err = s.Enforcement(ctx, actor); err != nil {
				return apiEnforcement{}, err
			}
			return enforcementOf(surfaces[slices.IndexFunc(surfaces, of)]), nil
		}, codeApproval)
}
