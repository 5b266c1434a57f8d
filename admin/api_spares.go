package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/store"
)

// apiExemption is a live exemption.
type apiExemption struct {
	AccountID string    `json:"account_id"`
	LoginID   string    `json:"login_id"`
	Kind      string    `json:"kind" enum:"store,operator"`
	Until     time.Time `json:"until"`
	Since     time.Time `json:"since"`
	GrantedBy string    `json:"granted_by"`
	Reason    string    `json:"reason"`
}

// exemptionOf is the exemption of an account as the actor may see it: addresses in what people typed are masked to some.
func exemptionOf(actor Actor) func(store.Account) apiExemption {
	return func(a store.Account) apiExemption {
		v := apiExemption{
			AccountID: string(a.ID), LoginID: a.LoginID, Kind: a.Kind, Until: orEpoch(timeOf(a.ExemptUntil)), Since: orEpoch(timeOf(a.ExemptSince)),
			GrantedBy: text(a.ExemptBy), Reason: text(a.ExemptReason),
		}
		if !actor.rights().has(maySeeAddresses) {
			v.Reason = redact(v.Reason)
		}
		return v
	}
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// apiFreeze is a freeze of an account's security settings.
type apiFreeze struct {
	AccountID string    `json:"account_id"`
	LoginID   string    `json:"login_id"`
	Kind      string    `json:"kind" enum:"store,operator"`
	At        time.Time `json:"at"`
	Until     time.Time `json:"until"`
	By        string    `json:"by" doc:"the masked address of who followed the link in a notice"`
}

func freezeOf(a store.Account) apiFreeze {
	return apiFreeze{
		AccountID: string(a.ID), LoginID: a.LoginID, Kind: a.Kind, At: orEpoch(timeOf(a.FrozenAt)), Until: orEpoch(timeOf(a.FrozenUntil)),
		By: a.FrozenBy,
	}
}

// apiUntil is the end of an exemption that was just granted.
type apiUntil struct {
	Until time.Time `json:"until"`
}

// apiPass is a sign-in code that was just issued.
type apiPass struct {
	Code      string    `json:"code" doc:"shown here and never again"`
	ExpiresAt time.Time `json:"expires_at"`
}

// apiTicket is a ticket that was just issued.
type apiTicket struct {
	Handover  string    `json:"handover" enum:"staff,mail"`
	Code      string    `json:"code,omitempty" doc:"shown here and never again to a program; absent where it was mailed"`
	ExpiresAt time.Time `json:"expires_at"`
}

func ticketOf(t mfa.IssuedTicket) apiTicket {
	return apiTicket{Handover: string(t.By), Code: t.Code, ExpiresAt: t.ExpiresAt}
}

type (
	apiExempt struct {
		Hours           int    `json:"hours" min:"1" max:"72" doc:"how long it lasts"`
		Reason          string `json:"reason" max:"256" doc:"for the audit log and the list of exemptions"`
		IdentityChecked bool   `json:"identity_checked" doc:"that somebody made sure of who asked for it; must be true"`
	}
	apiIssuePass struct {
		Minutes         int    `json:"minutes" min:"15" max:"60" doc:"how long the code can be used"`
		Reason          string `json:"reason" max:"256" doc:"for the audit log"`
		IdentityChecked bool   `json:"identity_checked" doc:"that somebody made sure of who asked for it; must be true"`
	}
	apiHandover struct {
		Handover string `json:"handover" enum:"staff,mail" doc:"staff: whoever asks passes it on; mail: it is sent to the registered address"`
	}

	findSpares struct{ paging }
	exempt     struct {
		ID   string `path:"id" max:"64"`
		Body apiExempt
	}
	issuePass struct {
		ID   string `path:"id" max:"64"`
		Body apiIssuePass
	}
	issueTicket struct {
		ID   string `path:"id" max:"64"`
		Body apiHandover
	}
)

// spares are what helps somebody whose second factor is out of reach, and what stops others from helping themselves.
func (a *API) spares(t *table) {
	s := a.service
	add(t, scopeAccountsRead, http.MethodGet, "/exemptions", "listExemptions",
		func(ctx context.Context, actor Actor, in findSpares) (list[apiExemption], error) {
			at, err := in.place()
			if err != nil {
				return list[apiExemption]{}, err
			}
			rows, more, err := s.ExemptionsAfter(ctx, actor, at, in.limit())
			return listOf(rows, more, exemptionOf(actor), func(a store.Account) string { return Place{timeOf(a.ExemptUntil), string(a.ID)}.cursor() }), err
		})
	add(t, scopeReset, http.MethodPost, "/accounts/{id}/two-factor/exemption", "grantExemption",
		func(ctx context.Context, actor Actor, in exempt) (apiUntil, error) {
			until, err := s.GrantExemption(ctx, actor, store.AccountID(in.ID), in.Body.Hours, Reason{
				Text: in.Body.Reason, IdentityChecked: in.Body.IdentityChecked,
			})
			return apiUntil{Until: until}, err
		}, codeOwnAccount, codeFrozen, codeExempt, codeNotDemanded)
	add(t, scopeReset, http.MethodDelete, "/accounts/{id}/two-factor/exemption", "endExemption",
		func(ctx context.Context, actor Actor, in accountByID) (none, error) {
			_, err := s.EndExemption(ctx, actor, store.AccountID(in.ID), time.Time{})
			return none{}, err
		}, codeOwnAccount)
	add(t, scopeReset, http.MethodPost, "/accounts/{id}/two-factor/pass", "issuePass",
		func(ctx context.Context, actor Actor, in issuePass) (apiPass, error) {
			pass, err := s.IssuePass(ctx, actor, store.AccountID(in.ID), in.Body.Minutes, Reason{
				Text: in.Body.Reason, IdentityChecked: in.Body.IdentityChecked,
			})
			return apiPass{Code: pass.Code, ExpiresAt: pass.ExpiresAt}, err
		}, codeFrozen, codeNotDemanded)
	add(t, scopeReset, http.MethodDelete, "/accounts/{id}/two-factor/pass", "withdrawPass",
		func(ctx context.Context, actor Actor, in accountByID) (none, error) {
			_, err := s.WithdrawPass(ctx, actor, store.AccountID(in.ID))
			return none{}, err
		})
	add(t, scopeReset, http.MethodPost, "/accounts/{id}/two-factor/ticket", "issueTicket",
		func(ctx context.Context, actor Actor, in issueTicket) (apiTicket, error) {
			ticket, err := s.IssueTicket(ctx, actor, store.AccountID(in.ID), mfa.Handover(in.Body.Handover))
			return ticketOf(ticket), err
		}, codeOwnAccount, codeFrozen, codeNoTicket)
	add(t, scopeAccountsRead, http.MethodGet, "/freezes", "listFreezes",
		func(ctx context.Context, actor Actor, in findSpares) (list[apiFreeze], error) {
			at, err := in.place()
			if err != nil {
				return list[apiFreeze]{}, err
			}
			rows, more, err := s.FreezesAfter(ctx, actor, at, in.limit())
			return listOf(rows, more, freezeOf, func(a store.Account) string { return Place{timeOf(a.FrozenUntil), string(a.ID)}.cursor() }), err
		})
	add(t, scopeReset, http.MethodDelete, "/accounts/{id}/two-factor/freeze", "liftFreeze",
		func(ctx context.Context, actor Actor, in accountByID) (none, error) {
			_, err := s.LiftFreeze(ctx, actor, store.AccountID(in.ID))
			return none{}, err
		}, codeOwnAccount)
}
