package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/futakagi/futakagi/store"
)

type (
	apiDelete struct {
		LoginID string `json:"login_id" max:"256" doc:"that of the account, so that nobody deletes the wrong one"`
	}
	apiMove struct {
		UserGroupID string `json:"user_group_id" max:"64" doc:"where the account goes"`
	}
	apiUnmask struct {
		Field string `json:"field" enum:"registered,email,sms" doc:"the registered address, or that of a second factor"`
	}
	apiUnmasked struct {
		Address string `json:"address"`
	}

	deleteAccount struct {
		ID   string `path:"id" max:"64"`
		Body apiDelete
	}
	moveAccount struct {
		ID    string    `path:"id" max:"64"`
		Match time.Time `header:"If-Match"`
		Body  apiMove
	}
	unmask struct {
		ID   string `path:"id" max:"64"`
		Body apiUnmask
	}
)

// removals are what deletes or moves, and what looks at one address.
func (a *API) removals(t *table) {
	s := a.service
	add(t, scopeCustomersWrite, http.MethodDelete, "/customers/{id}", "deleteCustomer",
		func(ctx context.Context, actor Actor, in customerByID) (none, error) {
			return none{}, s.DeleteCustomer(ctx, actor, store.CustomerID(in.ID))
		}, codeNotEmpty)
	add(t, scopeCustomersWrite, http.MethodDelete, "/user-groups/{id}", "deleteUserGroup",
		func(ctx context.Context, actor Actor, in userGroupByID) (none, error) {
			return none{}, s.DeleteUserGroup(ctx, actor, store.UserGroupID(in.ID))
		}, codeNotEmpty)
	add(t, scopeAccountsWrite, http.MethodPost, "/accounts/{id}/delete", "deleteAccount",
		func(ctx context.Context, actor Actor, in deleteAccount) (none, error) {
			return none{}, s.DeleteAccount(ctx, actor, store.AccountID(in.ID), in.Body.LoginID)
		}, codeOwnAccount, codeLockout)
	add(t, scopeAccountsWrite, http.MethodPut, "/accounts/{id}/user-group", "moveAccount",
		func(ctx context.Context, actor Actor, in moveAccount) (apiAccount, error) {
			_, err := s.MoveAccount(ctx, actor, store.AccountID(in.ID), in.Match, store.UserGroupID(in.Body.UserGroupID))
			if err != nil {
				return apiAccount{}, err
			}
			row, err := s.AccountRow(ctx, actor, store.AccountID(in.ID))
			return accountOf(actor, row), err
		})
	add(t, scopeUnmask, http.MethodPost, "/accounts/{id}/unmask", "unmaskAddress",
		func(ctx context.Context, actor Actor, in unmask) (apiUnmasked, error) {
			v, err := s.Unmask(ctx, actor, store.AccountID(in.ID), in.Body.Field)
			if err != nil {
				return apiUnmasked{}, err
			}
			address := v.RegisteredEmail
			for _, f := range v.Status.Factors {
				if f.Kind == in.Body.Field {
					address = f.Address
				}
			}
			return apiUnmasked{Address: seenAddress(actor, v, in.Body.Field, address)}, nil
		})
}
