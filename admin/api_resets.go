package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// apiPlan is what a reset would do, as things stand.
type apiPlan struct {
	Removed     []string `json:"removed" doc:"the methods that would go"`
	Left        []string `json:"left" doc:"the methods that would stay, the main one first"`
	BackupCodes int      `json:"backup_codes" doc:"how many usable ones would go"`
	Devices     int      `json:"devices" doc:"how many trusted devices would go"`
	Sessions    int      `json:"sessions" doc:"how many would end"`
	Attempts    int      `json:"attempts" doc:"how many sign-ins under way would end"`
	Clients     []string `json:"clients" doc:"the applications that would be told"`
	Notices     int      `json:"notices" doc:"how many addresses would get one"`
	Ticket      bool     `json:"ticket" doc:"whether a ticket would be needed to set a factor up again"`
}

func planOf(p mfa.ResetPlan) apiPlan {
	v := apiPlan{
		Removed: kindsOf(p.Factors), Left: kindsOf(p.Left), BackupCodes: p.BackupCodes, Devices: p.Devices, Sessions: p.Sessions,
		Attempts: p.Attempts, Clients: []string{}, Notices: len(p.Told), Ticket: p.Ticket,
	}
	for _, c := range p.Clients {
		v.Clients = append(v.Clients, c.ID)
	}
	return v
}

// apiNotice is a notice of a reset and what became of it.
type apiNotice struct {
	DeliveryID string     `json:"delivery_id"`
	To         string     `json:"to" doc:"masked without api:addresses.read"`
	State      string     `json:"state" enum:"queued,accepted,delivered,bounced,failed,expired,cancelled"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
}

func noticesOf(actor Actor, rows []store.ListNoticesOfFormRow) []apiNotice {
	out := make([]apiNotice, 0, len(rows))
	for _, m := range rows {
		out = append(out, apiNotice{
			DeliveryID: string(m.ID), To: seenAddress(actor, Account{}, string(signin.Email), m.Recipient), State: m.State, FinishedAt: m.FinishedAt,
		})
	}
	return out
}

// apiResetReport is what a reset did and what became of its notices.
type apiResetReport struct {
	ID        string      `json:"id"`
	AccountID string      `json:"account_id"`
	Method    string      `json:"method,omitempty" doc:"the one factor that was reset; absent for all"`
	By        string      `json:"by"`
	At        time.Time   `json:"at"`
	SetUp     bool        `json:"set_up" doc:"whether anything was set up, and so cleared"`
	Removed   []string    `json:"removed"`
	Left      []string    `json:"left"`
	Codes     int         `json:"backup_codes"`
	Devices   int         `json:"devices"`
	Sessions  int         `json:"sessions"`
	Attempts  int         `json:"attempts"`
	Handover  string      `json:"handover,omitempty" enum:"staff,mail" doc:"how a ticket was handed over, where one was needed"`
	Notices   []apiNotice `json:"notices"`
}

func reportOf(actor Actor, r ResetReport) apiResetReport {
	v := apiResetReport{
		ID: string(r.ID), AccountID: string(r.AccountID), Method: r.Method, By: r.ActorName, At: r.CreatedAt, SetUp: r.Record.SetUp,
		Removed: r.Record.Factors, Left: r.Record.Left, Codes: r.Record.Codes, Devices: r.Record.Devices, Sessions: r.Record.Sessions,
		Attempts: r.Record.Attempts, Handover: string(r.Record.Ticket), Notices: noticesOf(actor, r.Notices),
	}
	if v.Removed == nil {
		v.Removed = []string{}
	}
	if v.Left == nil {
		v.Left = []string{}
	}
	return v
}

// apiHolding is an account of a customer and what it has set up.
type apiHolding struct {
	AccountID       string   `json:"account_id"`
	LoginID         string   `json:"login_id"`
	Name            string   `json:"name"`
	UserGroup       string   `json:"user_group"`
	TwoFactor       string   `json:"two_factor" enum:"use,dont_use"`
	Factors         []string `json:"factors" doc:"the main one first"`
	BackupCodesLeft int      `json:"backup_codes_left"`
	TrustedDevices  int      `json:"trusted_devices"`
	Disabled        bool     `json:"disabled"`
	ResetID         string   `json:"reset_id,omitempty" doc:"what was done to it, where it was reset"`
	// Ticket is in the answer of the reset alone.
	Ticket *apiTicket `json:"ticket,omitempty" doc:"what its person needs to set a factor up again, in the answer of the reset alone"`
}

func holdingOf(a AccountHoldings) apiHolding {
	v := apiHolding{
		AccountID: string(a.ID), LoginID: a.LoginID, Name: a.DisplayName, UserGroup: a.GroupName, TwoFactor: a.TwoFactor, Factors: a.Kinds,
		BackupCodesLeft: int(a.BackupCodes), TrustedDevices: int(a.Devices), Disabled: a.DisabledAt != nil,
	}
	if v.Factors == nil {
		v.Factors = []string{}
	}
	return v
}

// apiHoldings are the accounts of a customer as they were at a moment.
type apiHoldings struct {
	At    time.Time    `json:"at" doc:"what a reset of all of them has to name"`
	Items []apiHolding `json:"items"`
}

// apiCustomerReset is what became of the accounts of a customer that were reset.
type apiCustomerReset struct {
	Form    string       `json:"form" doc:"what to send again to go on with those that were left"`
	Done    int          `json:"done" doc:"how many were reset"`
	Missing int          `json:"missing" doc:"how many were left as they are"`
	Items   []apiHolding `json:"items"`
}

type (
	apiResetInput struct {
		apiReason

		Checks   []string `json:"checks,omitempty" enum:"callback,contract,manager" max_items:"3" doc:"what was done to make sure"`
		Inquiry  string   `json:"inquiry,omitempty" max:"40" doc:"the number of the inquiry"`
		Note     string   `json:"note,omitempty" max:"500" doc:"whatever else is to be kept"`
		Handover string   `json:"handover,omitempty" enum:"staff,mail" doc:"how a ticket, where one is needed, gets to the person; staff if absent"`
	}
	apiResetCustomer struct {
		apiResetInput

		Seen time.Time `json:"seen" doc:"at of the list that was looked at: accounts made later stay as they are"`
		Form string    `json:"form,omitempty" max:"64" doc:"names this reset: sent again, it goes on with the accounts that were left; an id of yours or of an answer, made up if absent"`
	}

	planReset struct {
		ID     string `path:"id" max:"64"`
		Method string `query:"method" enum:"email,sms,totp,passkey" doc:"for the reset of one factor"`
	}
	resetByID struct {
		ID string `path:"id" max:"64"`
	}
	resetCustomer struct {
		ID   string `path:"id" max:"64"`
		Body apiResetCustomer
	}
	customerResetBy struct {
		ID   string `path:"id" max:"64"`
		Form string `path:"form" max:"64"`
	}
)

func (r apiResetInput) reason() Reason {
	return Reason{
		Text: r.Reason, IdentityChecked: r.IdentityChecked, Checks: r.Checks, Inquiry: r.Inquiry, Note: r.Note, Handover: mfa.Handover(r.Handover),
	}
}

// resets are what surrounds a reset: what it would do, what it did, and the one of every account of a customer.
func (a *API) resets(t *table) {
	s := a.service
	add(t, scopeAccountsRead, http.MethodGet, "/accounts/{id}/two-factor/reset", "planReset",
		func(ctx context.Context, actor Actor, in planReset) (apiPlan, error) {
			v, err := s.Account(ctx, actor, store.AccountID(in.ID))
			if err != nil {
				return apiPlan{}, err
			}
			plan, err := s.PlanReset(ctx, actor, v, signin.Method(in.Method))
			return planOf(plan), err
		})
	add(t, scopeAccountsRead, http.MethodGet, "/resets/{id}", "getReset",
		func(ctx context.Context, actor Actor, in resetByID) (apiResetReport, error) {
			r, err := s.ResetReport(ctx, actor, store.ResetID(in.ID))
			return reportOf(actor, r), err
		})
	add(t, scopeAccountsRead, http.MethodGet, "/customers/{id}/two-factor", "listHoldings",
		func(ctx context.Context, actor Actor, in customerByID) (apiHoldings, error) {
			all, err := s.CustomerHoldings(ctx, actor, store.CustomerID(in.ID))
			v := apiHoldings{At: all.At, Items: []apiHolding{}}
			for _, row := range all.Accounts {
				v.Items = append(v.Items, holdingOf(row))
			}
			return v, err
		})
	report := func(ctx context.Context, actor Actor, customer store.CustomerID, form store.FormID) (apiCustomerReset, error) {
		r, err := s.CustomerReport(ctx, actor, customer, form)
		v := apiCustomerReset{Form: string(form), Items: []apiHolding{}}
		for _, row := range r.Accounts {
			item := holdingOf(row)
			if reset, ok := r.Resets[row.ID]; ok {
				item.ResetID = string(reset.ID)
				v.Done++
			} else {
				v.Missing++
			}
			v.Items = append(v.Items, item)
		}
		return v, err
	}
	add(t, scopeReset, http.MethodPost, "/customers/{id}/two-factor/reset", "resetCustomer",
		func(ctx context.Context, actor Actor, in resetCustomer) (apiCustomerReset, error) {
			reason := in.Body.reason()
			reason.Form = store.FormID(in.Body.Form)
			done, err := s.ResetCustomer(ctx, actor, store.CustomerID(in.ID), in.Body.Seen, reason)
			if err != nil {
				return apiCustomerReset{}, err
			}
			v, err := report(ctx, actor, store.CustomerID(in.ID), done.Form)
			if errors.Is(err, store.ErrNotFound) {
				return apiCustomerReset{Form: string(done.Form), Items: []apiHolding{}}, nil // it could reset none of them
			}
			for i := range v.Items {
				if issued, ok := done.Tickets[store.AccountID(v.Items[i].AccountID)]; ok {
					ticket := ticketOf(issued)
					v.Items[i].Ticket = &ticket
				}
			}
			return v, err
		})
	add(t, scopeAccountsRead, http.MethodGet, "/customers/{id}/two-factor/resets/{form}", "getCustomerReset",
		func(ctx context.Context, actor Actor, in customerResetBy) (apiCustomerReset, error) {
			return report(ctx, actor, store.CustomerID(in.ID), store.FormID(in.Form))
		})
}
