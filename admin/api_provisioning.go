package admin

import (
	"context"
	"net/http"

	"github.com/futakagi/futakagi/store"
)

// apiProvisioning is whose accounts a client keeps, as programs see it.
type apiProvisioning struct {
	ClientID    string `json:"client_id"`
	CustomerID  string `json:"customer_id" doc:"the client sees and keeps the accounts of this customer alone"`
	UserGroupID string `json:"user_group_id" doc:"where accounts are that the client put into no other user group"`
}

type (
	apiProvisioningInput struct {
		UserGroupID string `json:"user_group_id" max:"64" doc:"a user group of the customer whose accounts the client is to keep"`
	}
	setProvisioning struct {
		ID   string `path:"id" max:"64"`
		Body apiProvisioningInput
	}
)

func (a *API) provisioning(t *table) {
	s := a.service
	get := func(ctx context.Context, actor Actor, id string) (apiProvisioning, error) {
		p, err := s.Provisioning(ctx, actor, id)
		return apiProvisioning{ClientID: p.ClientID, CustomerID: string(p.Customer.ID), UserGroupID: string(p.Group.ID)}, err
	}
	add(t, scopeClientsRead, http.MethodGet, "/clients/{id}/provisioning", "getProvisioning",
		func(ctx context.Context, actor Actor, in clientByID) (apiProvisioning, error) {
			return get(ctx, actor, in.ID)
		})
	add(t, scopeClients, http.MethodPut, "/clients/{id}/provisioning", "setProvisioning",
		func(ctx context.Context, actor Actor, in setProvisioning) (apiProvisioning, error) {
			if err := s.SetProvisioning(ctx, actor, in.ID, store.UserGroupID(in.Body.UserGroupID)); err != nil {
				return apiProvisioning{}, err
			}
			return get(ctx, actor, in.ID)
		})
	add(t, scopeClients, http.MethodDelete, "/clients/{id}/provisioning", "removeProvisioning",
		func(ctx context.Context, actor Actor, in clientByID) (none, error) {
			return none{}, s.RemoveProvisioning(ctx, actor, in.ID)
		})
}
