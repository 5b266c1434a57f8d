package admin

import (
	"context"
	"net/http"
	"time"
)

// apiRole is a role of operators.
type apiRole struct {
	ID        string    `json:"id"`
	Name      string    `json:"name" doc:"empty for the four that always are"`
	Standing  bool      `json:"standing" doc:"whether it is one of the four that always are"`
	Rights    []string  `json:"rights"`
	Holders   int       `json:"holders" doc:"how many operators have it"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (r apiRole) version() time.Time { return r.UpdatedAt }
func (r apiRole) location() string   { return "/roles/" + r.ID }

func roleOf(r Role) apiRole {
	v := apiRole{ID: r.ID, Name: r.Name, Standing: r.Ours(), Rights: r.Names, Holders: int(r.Holders), UpdatedAt: r.UpdatedAt}
	if v.Rights == nil {
		v.Rights = []string{}
	}
	return v
}

type (
	apiRoleInput struct {
		Name   string   `json:"name" max:"256" doc:"that of a standing role stays as it is"`
		Rights []string `json:"rights" max:"64" max_items:"64" doc:"as the administrators' role has them all"`
	}
	createRole struct{ Body apiRoleInput }
	roleByID   struct {
		ID string `path:"id" max:"64"`
	}
	updateRole struct {
		ID    string    `path:"id" max:"64"`
		Match time.Time `header:"If-Match"`
		Body  apiRoleInput
	}
)

func (a *API) roles(t *table) {
	s := a.service
	add(t, scopeOperators, http.MethodGet, "/roles", "listRoles",
		func(ctx context.Context, actor Actor, _ nothing) (list[apiRole], error) {
			rows, err := s.Roles(ctx, actor)
			return listOf(rows, false, roleOf, nil), err
		})
	get := func(ctx context.Context, actor Actor, id string) (apiRole, error) {
		r, err := s.Role(ctx, actor, id)
		return roleOf(r), err
	}
	add(t, scopeOperators, http.MethodPost, "/roles", "createRole",
		func(ctx context.Context, actor Actor, in createRole) (apiRole, error) {
			made, err := s.CreateRole(ctx, actor, RoleInput(in.Body))
			if err != nil {
				return apiRole{}, err
			}
			return get(ctx, actor, made.ID)
		}, codeEnough)
	add(t, scopeOperators, http.MethodGet, "/roles/{id}", "getRole",
		func(ctx context.Context, actor Actor, in roleByID) (apiRole, error) {
			return get(ctx, actor, in.ID)
		})
	add(t, scopeOperators, http.MethodPut, "/roles/{id}", "updateRole",
		func(ctx context.Context, actor Actor, in updateRole) (apiRole, error) {
			if _, err := s.UpdateRole(ctx, actor, in.ID, in.Match, RoleInput(in.Body)); err != nil {
				return apiRole{}, err
			}
			return get(ctx, actor, in.ID)
		}, codeLastManager)
	add(t, scopeOperators, http.MethodDelete, "/roles/{id}", "deleteRole",
		func(ctx context.Context, actor Actor, in roleByID) (none, error) {
			return none{}, s.DeleteRole(ctx, actor, in.ID)
		}, codeInUse)
}
