package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
)

// apiAccount is an account as programs see it.
type apiAccount struct {
	ID           string     `json:"id"`
	Kind         string     `json:"kind" enum:"store,operator"`
	LoginID      string     `json:"login_id"`
	Name         string     `json:"name"`
	Email        string     `json:"email" doc:"the registered address, masked without api:addresses.read; it is no second factor"`
	Role         string     `json:"role"`
	UserGroupID  string     `json:"user_group_id,omitempty" doc:"absent for operators"`
	TwoFactor    string     `json:"two_factor" enum:"use,dont_use" doc:"the account's own switch; enforcement may demand more"`
	Approval     bool       `json:"approval" doc:"whether opening it takes a second operator; its surface may ask for that of every account"`
	DisabledAt   *time.Time `json:"disabled_at,omitempty"`
	LastSignInAt *time.Time `json:"last_sign_in_at,omitempty"`
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
}

func (a apiAccount) version() time.Time { return a.UpdatedAt }
func (a apiAccount) location() string   { return "/accounts/" + a.ID }

// accountOf is an account as the actor may see it.
func accountOf(actor Actor, a store.Account) apiAccount {
	v := apiAccount{
		ID: string(a.ID), Kind: a.Kind, LoginID: a.LoginID, Name: a.DisplayName, Role: a.Role, TwoFactor: a.TwoFactor, Approval: a.Approval,
		DisabledAt: a.DisabledAt, LastSignInAt: a.LastSignInAt, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
		Email: seenAddress(actor, Account{}, fieldRegistered, a.RegisteredEmail),
	}
	if a.UserGroupID != nil {
		v.UserGroupID = string(*a.UserGroupID)
	}
	return v
}

type (
	apiNewAccount struct {
		LoginID   string `json:"login_id" max:"256" doc:"what the person types to sign in"`
		Name      string `json:"name" max:"256" doc:"the person's name"`
		Email     string `json:"email,omitempty" max:"320" doc:"the registered address"`
		Role      string `json:"role" max:"64" doc:"admin, buyer or viewer"`
		Password  string `json:"password" max:"256"`
		TwoFactor string `json:"two_factor,omitempty" enum:"use,dont_use" doc:"use if absent"`
	}
	apiNewOperator struct {
		LoginID  string `json:"login_id" max:"256" doc:"what the person types to sign in"`
		Name     string `json:"name" max:"256" doc:"the person's name"`
		Email    string `json:"email,omitempty" max:"320" doc:"the registered address"`
		Role     string `json:"role" max:"64" doc:"id of a role of operators"`
		Password string `json:"password" max:"256"`
	}
	apiProfile struct {
		Name  string `json:"name" max:"256" doc:"the person's name"`
		Email string `json:"email" max:"320" doc:"the registered address; may be empty"`
		Role  string `json:"role" max:"64" doc:"admin, buyer or viewer; for operators the id of a role"`
	}
	apiPassword struct {
		Password string `json:"password" max:"256"`
	}

	findAccounts struct {
		paging
		Customer  string `query:"customer_id" max:"64" doc:"only accounts of that customer"`
		UserGroup string `query:"user_group_id" max:"64" doc:"only accounts in that user group"`
		Search    string `query:"search" max:"100" doc:"looked for in login ID, name and address"`
	}
	createAccount struct {
		ID   string `path:"id" max:"64"`
		Body apiNewAccount
	}
	findOperators  struct{ paging }
	createOperator struct{ Body apiNewOperator }
	accountByID    struct {
		ID string `path:"id" max:"64"`
	}
	updateAccount struct {
		ID    string    `path:"id" max:"64"`
		Match time.Time `header:"If-Match"`
		Body  apiProfile
	}
	setPassword struct {
		ID   string `path:"id" max:"64"`
		Body apiPassword
	}
)

// isLoginKey reports whether a cursor of accounts can be one of ours.
func isLoginKey(key string) bool {
	folded, ok := account.LoginKey(key)
	return ok && folded == key
}

func (a *API) accounts(t *table) {
	s := a.service
	key := func(row store.Account) string { return cursor(row.LoginKey) }
	add(t, scopeAccountsRead, http.MethodGet, "/accounts", "listAccounts",
		func(ctx context.Context, actor Actor, in findAccounts) (list[apiAccount], error) {
			span, err := in.span(isLoginKey)
			if err != nil {
				return list[apiAccount]{}, err
			}
			rows, more, err := s.AccountsAfter(ctx, actor, span, AccountsQuery{
				Customer: store.CustomerID(in.Customer), Group: store.UserGroupID(in.UserGroup), Search: in.Search,
			})
			return listOf(rows, more, func(a store.Account) apiAccount { return accountOf(actor, a) }, key), err
		})
	add(t, scopeAccountsWrite, http.MethodPost, "/user-groups/{id}/accounts", "createAccount",
		func(ctx context.Context, actor Actor, in createAccount) (apiAccount, error) {
			row, err := s.CreateAccount(ctx, actor, store.UserGroupID(in.ID), NewAccount{
				LoginID: in.Body.LoginID, DisplayName: in.Body.Name, RegisteredEmail: in.Body.Email, Role: in.Body.Role,
				Password: in.Body.Password, TwoFactor: in.Body.TwoFactor,
			})
			return accountOf(actor, row), err
		}, codeEnforced, codeBusy)
	add(t, scopeOperators, http.MethodGet, "/operators", "listOperators",
		func(ctx context.Context, actor Actor, in findOperators) (list[apiAccount], error) {
			span, err := in.span(isLoginKey)
			if err != nil {
				return list[apiAccount]{}, err
			}
			rows, more, err := s.OperatorsAfter(ctx, actor, span)
			return listOf(rows, more, func(a store.Account) apiAccount { return accountOf(actor, a) }, key), err
		})
	add(t, scopeOperators, http.MethodPost, "/operators", "createOperator",
		func(ctx context.Context, actor Actor, in createOperator) (apiAccount, error) {
			row, err := s.CreateOperator(ctx, actor, NewAccount{
				LoginID: in.Body.LoginID, DisplayName: in.Body.Name, RegisteredEmail: in.Body.Email, Role: in.Body.Role, Password: in.Body.Password,
			})
			return accountOf(actor, row), err
		}, codeBusy)

	get := func(ctx context.Context, actor Actor, id string) (apiAccount, error) {
		row, err := s.AccountRow(ctx, actor, store.AccountID(id))
		return accountOf(actor, row), err
	}
	add(t, scopeAccountsRead, http.MethodGet, "/accounts/{id}", "getAccount",
		func(ctx context.Context, actor Actor, in accountByID) (apiAccount, error) {
			return get(ctx, actor, in.ID)
		})
	add(t, scopeAccountsWrite, http.MethodPut, "/accounts/{id}", "updateAccount",
		func(ctx context.Context, actor Actor, in updateAccount) (apiAccount, error) {
			_, err := s.UpdateAccount(ctx, actor, store.AccountID(in.ID), in.Match, account.Profile{
				DisplayName: in.Body.Name, RegisteredEmail: in.Body.Email, Role: in.Body.Role,
			})
			if err != nil {
				return apiAccount{}, err
			}
			return get(ctx, actor, in.ID)
		}, codeOwnAccount, codeApproval)
	state := func(disabled bool) func(context.Context, Actor, accountByID) (apiAccount, error) {
		return func(ctx context.Context, actor Actor, in accountByID) (apiAccount, error) {
			if _, err := s.SetDisabled(ctx, actor, store.AccountID(in.ID), disabled); err != nil {
				return apiAccount{}, err
			}
			return get(ctx, actor, in.ID)
		}
	}
	add(t, scopeAccountsWrite, http.MethodPut, "/accounts/{id}/disabled", "disableAccount", state(true), codeOwnAccount)
	add(t, scopeAccountsWrite, http.MethodDelete, "/accounts/{id}/disabled", "enableAccount", state(false), codeOwnAccount)
	add(t, scopePasswords, http.MethodPut, "/accounts/{id}/password", "setPassword",
		func(ctx context.Context, actor Actor, in setPassword) (none, error) {
			return none{}, s.SetPassword(ctx, actor, store.AccountID(in.ID), in.Body.Password)
		}, codeBusy, codeApproval)
	add(t, scopeReset, http.MethodPost, "/accounts/{id}/password-reset-mail", "sendPasswordReset",
		func(ctx context.Context, actor Actor, in accountByID) (none, error) {
			return none{}, s.SendPasswordReset(ctx, actor, store.AccountID(in.ID))
		}, codeNotSent)
}
