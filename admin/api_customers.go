package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
)

// apiCustomer is a customer as programs see it.
type apiCustomer struct {
	ID        string    `json:"id"`
	Code      string    `json:"code"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (c apiCustomer) version() time.Time { return c.UpdatedAt }
func (c apiCustomer) location() string   { return "/customers/" + c.ID }

func customerOf(c store.Customer) apiCustomer {
	return apiCustomer{ID: string(c.ID), Code: c.Code, Name: c.Name, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
}

// apiUserGroup is a user group as programs see it.
type apiUserGroup struct {
	ID         string    `json:"id"`
	CustomerID string    `json:"customer_id"`
	Name       string    `json:"name"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

func (g apiUserGroup) version() time.Time { return g.UpdatedAt }
func (g apiUserGroup) location() string   { return "/user-groups/" + g.ID }

func userGroupOf(g store.UserGroup) apiUserGroup {
	return apiUserGroup{ID: string(g.ID), CustomerID: string(g.CustomerID), Name: g.Name, CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt}
}

type (
	apiCustomerInput struct {
		Code string `json:"code" max:"256" doc:"how the shop numbers its customers"`
		Name string `json:"name" max:"256" doc:"the customer's name"`
	}
	apiUserGroupInput struct {
		Name string `json:"name" max:"256" doc:"the user group's name"`
	}
	findCustomers struct {
		paging
		Search string `query:"search" max:"100" doc:"looked for in code and name, and in login ID, name and address of the accounts"`
	}
	createCustomer struct{ Body apiCustomerInput }
	customerByID   struct {
		ID string `path:"id" max:"64"`
	}
	updateCustomer struct {
		ID    string    `path:"id" max:"64"`
		Match time.Time `header:"If-Match"`
		Body  apiCustomerInput
	}
	findUserGroups struct {
		ID string `path:"id" max:"64"`
		paging
	}
	createUserGroup struct {
		ID   string `path:"id" max:"64"`
		Body apiUserGroupInput
	}
	userGroupByID struct {
		ID string `path:"id" max:"64"`
	}
	updateUserGroup struct {
		ID    string    `path:"id" max:"64"`
		Match time.Time `header:"If-Match"`
		Body  apiUserGroupInput
	}
)

func (a *API) customers(t *table) {
	s := a.service
	add(t, scopeCustomersRead, http.MethodGet, "/customers", "listCustomers",
		func(ctx context.Context, actor Actor, in findCustomers) (list[apiCustomer], error) {
			span, err := in.span(nil)
			if err != nil {
				return list[apiCustomer]{}, err
			}
			rows, more, err := s.CustomersAfter(ctx, actor, span, in.Search)
			return listOf(rows, more, customerOf, func(c store.Customer) string { return cursor(c.Code) }), err
		})
	add(t, scopeCustomersWrite, http.MethodPost, "/customers", "createCustomer",
		func(ctx context.Context, actor Actor, in createCustomer) (apiCustomer, error) {
			c, err := s.CreateCustomer(ctx, actor, account.CustomerInput(in.Body))
			return customerOf(c), err
		})
	getCustomer := func(ctx context.Context, actor Actor, id string) (apiCustomer, error) {
		c, err := s.Customer(ctx, actor, store.CustomerID(id))
		return customerOf(c.Customer), err
	}
	add(t, scopeCustomersRead, http.MethodGet, "/customers/{id}", "getCustomer",
		func(ctx context.Context, actor Actor, in customerByID) (apiCustomer, error) {
			return getCustomer(ctx, actor, in.ID)
		})
	add(t, scopeCustomersWrite, http.MethodPut, "/customers/{id}", "updateCustomer",
		func(ctx context.Context, actor Actor, in updateCustomer) (apiCustomer, error) {
			if _, err := s.UpdateCustomer(ctx, actor, store.CustomerID(in.ID), in.Match, account.CustomerInput(in.Body)); err != nil {
				return apiCustomer{}, err
			}
			return getCustomer(ctx, actor, in.ID)
		})

	add(t, scopeCustomersRead, http.MethodGet, "/customers/{id}/user-groups", "listUserGroups",
		func(ctx context.Context, actor Actor, in findUserGroups) (list[apiUserGroup], error) {
			span, err := in.span(store.ValidID)
			if err != nil {
				return list[apiUserGroup]{}, err
			}
			rows, more, err := s.UserGroupsAfter(ctx, actor, span, store.CustomerID(in.ID))
			return listOf(rows, more, userGroupOf, func(g store.UserGroup) string { return cursor(string(g.ID)) }), err
		})
	add(t, scopeCustomersWrite, http.MethodPost, "/customers/{id}/user-groups", "createUserGroup",
		func(ctx context.Context, actor Actor, in createUserGroup) (apiUserGroup, error) {
			g, err := s.CreateUserGroup(ctx, actor, store.CustomerID(in.ID), in.Body.Name)
			return userGroupOf(g), err
		})
	getGroup := func(ctx context.Context, actor Actor, id string) (apiUserGroup, error) {
		g, err := s.UserGroup(ctx, actor, store.UserGroupID(id))
		return userGroupOf(g.UserGroup), err
	}
	add(t, scopeCustomersRead, http.MethodGet, "/user-groups/{id}", "getUserGroup",
		func(ctx context.Context, actor Actor, in userGroupByID) (apiUserGroup, error) {
			return getGroup(ctx, actor, in.ID)
		})
	add(t, scopeCustomersWrite, http.MethodPut, "/user-groups/{id}", "updateUserGroup",
		func(ctx context.Context, actor Actor, in updateUserGroup) (apiUserGroup, error) {
			if _, err := s.UpdateUserGroup(ctx, actor, store.UserGroupID(in.ID), in.Match, in.Body.Name); err != nil {
				return apiUserGroup{}, err
			}
			return getGroup(ctx, actor, in.ID)
		})
}
