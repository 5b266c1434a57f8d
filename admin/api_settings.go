package admin

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// apiEnforcement is whether a surface demands a second factor of everybody.
type apiEnforcement struct {
	Surface   string    `json:"surface"`
	Kind      string    `json:"kind" enum:"store,operator" doc:"the kind of account that signs in there"`
	Enforced  bool      `json:"enforced"`
	Reenrol   string    `json:"reenrol" enum:"open,ticket" doc:"who may set up a factor after a reset: whoever has the password, or who has a ticket as well"`
	Unset     int       `json:"unset" doc:"how many of its accounts have nothing set up yet"`
	Approval  string    `json:"approval" enum:"none,all" doc:"of whose accounts opening takes a second operator, beside those that were chosen"`
	UpdatedAt time.Time `json:"updated_at" doc:"of the surface"`
}

func (e apiEnforcement) version() time.Time { return e.UpdatedAt }

func enforcementOf(s Surface) apiEnforcement {
	return apiEnforcement{Surface: s.ID, Kind: s.Kind, Enforced: s.Enforced, Reenrol: s.Reenrol, Unset: int(s.Unset), Approval: approvalWord(s.Approval), UpdatedAt: s.Version}
}

// apiPolicy is what a surface accepts as a second factor.
type apiPolicy struct {
	Surface   string    `json:"surface"`
	Methods   []string  `json:"methods" enum:"email,sms,totp,passkey"`
	Level     string    `json:"level" enum:"2fa-email,2fa,phr" doc:"what two factors must reach where they are demanded"`
	TrustDays int       `json:"trust_days" doc:"for how many days a browser can be trusted; 0: not at all"`
	UpdatedAt time.Time `json:"updated_at" doc:"of the surface"`
}

func (p apiPolicy) version() time.Time { return p.UpdatedAt }

// apiPreview tells what a change of a policy would do.
type apiPreview struct {
	Before  apiPolicy `json:"before"`
	After   apiPolicy `json:"after"`
	Stopped int       `json:"stopped" doc:"how many accounts would have no factor left that is accepted"`
}

// levelWords spell the levels that a surface can demand.
func levelWords() map[string]signin.Level {
	return map[string]signin.Level{"2fa-email": signin.Level2FAEmail, "2fa": signin.Level2FA, "phr": signin.LevelPHR}
}

func apiPolicyOf(p SurfacePolicy) apiPolicy {
	v := apiPolicy{Surface: p.ID, Methods: []string{}, TrustDays: p.TrustDays, UpdatedAt: p.Version}
	for _, m := range p.Allowed {
		v.Methods = append(v.Methods, string(m))
	}
	for word, level := range levelWords() {
		if level == p.Level {
			v.Level = word
		}
	}
	return v
}

type (
	apiEnforce struct {
		Enforced bool   `json:"enforced" doc:"whether a second factor is demanded"`
		Reenrol  string `json:"reenrol,omitempty" enum:"open,ticket" doc:"stays as it is if absent"`
	}
	apiPolicyInput struct {
		Methods   []string `json:"methods" enum:"email,sms,totp,passkey" max_items:"4"`
		Level     string   `json:"level" enum:"2fa-email,2fa,phr"`
		TrustDays int      `json:"trust_days" min:"0" max:"30" doc:"for how many days a device may be trusted; 0 for none"`
	}

	nothing   struct{}
	surfaceBy struct {
		Surface string `path:"surface" max:"64"`
	}
	setEnforcement struct {
		Surface string    `path:"surface" max:"64"`
		Match   time.Time `header:"If-Match"`
		Body    apiEnforce
	}
	setPolicy struct {
		Surface string    `path:"surface" max:"64"`
		Match   time.Time `header:"If-Match"`
		Body    apiPolicyInput
	}
)

func (in setPolicy) policy() SurfacePolicy {
	p := SurfacePolicy{ID: in.Surface, Level: levelWords()[in.Body.Level], TrustDays: in.Body.TrustDays, Version: in.Match}
	for _, m := range in.Body.Methods {
		p.Allowed = append(p.Allowed, signin.Method(m))
	}
	return p
}

func (a *API) settings(t *table) {
	s := a.service
	add(t, scopeSettingsRead, http.MethodGet, "/surfaces", "listSurfaces",
		func(ctx context.Context, actor Actor, _ nothing) (list[apiEnforcement], error) {
			rows, err := s.Enforcement(ctx, actor)
			return listOf(rows, false, enforcementOf, nil), err
		})
	enforcement := func(ctx context.Context, actor Actor, surface string) (apiEnforcement, error) {
		rows, err := s.Enforcement(ctx, actor)
		if err != nil {
			return apiEnforcement{}, err
		}
		i := slices.IndexFunc(rows, func(row Surface) bool { return row.ID == surface })
		if i < 0 {
			return apiEnforcement{}, store.ErrNotFound
		}
		return enforcementOf(rows[i]), nil
	}
	add(t, scopeSettingsRead, http.MethodGet, "/surfaces/{surface}/enforcement", "getEnforcement",
		func(ctx context.Context, actor Actor, in surfaceBy) (apiEnforcement, error) {
			return enforcement(ctx, actor, in.Surface)
		})
	add(t, scopeSettings, http.MethodPut, "/surfaces/{surface}/enforcement", "setEnforcement",
		func(ctx context.Context, actor Actor, in setEnforcement) (apiEnforcement, error) {
			change := EnforcementChange{Surface: in.Surface, Enforced: in.Body.Enforced, Reenrol: in.Body.Reenrol, Version: in.Match}
			if _, err := s.SetEnforcement(ctx, actor, []EnforcementChange{change}); err != nil {
				return apiEnforcement{}, err
			}
			return enforcement(ctx, actor, in.Surface)
		})
	policy := func(ctx context.Context, actor Actor, surface string) (apiPolicy, error) {
		rows, err := s.SurfacePolicies(ctx, actor)
		if err != nil {
			return apiPolicy{}, err
		}
		i := slices.IndexFunc(rows, func(row SurfacePolicy) bool { return row.ID == surface })
		if i < 0 {
			return apiPolicy{}, store.ErrNotFound
		}
		return apiPolicyOf(rows[i]), nil
	}
	add(t, scopeSettingsRead, http.MethodGet, "/surfaces/{surface}/policy", "getPolicy",
		func(ctx context.Context, actor Actor, in surfaceBy) (apiPolicy, error) {
			return policy(ctx, actor, in.Surface)
		})
	add(t, scopeSettings, http.MethodPut, "/surfaces/{surface}/policy", "setPolicy",
		func(ctx context.Context, actor Actor, in setPolicy) (apiPolicy, error) {
			if _, err := s.SetSurfacePolicy(ctx, actor, in.policy()); err != nil {
				return apiPolicy{}, err
			}
			return policy(ctx, actor, in.Surface)
		}, codeLockout)
	add(t, scopeSettings, http.MethodPost, "/surfaces/{surface}/policy/preview", "previewPolicy",
		func(ctx context.Context, actor Actor, in setPolicy) (apiPreview, error) {
			v, err := s.PreviewSurfacePolicy(ctx, actor, in.policy())
			return apiPreview{Before: apiPolicyOf(v.Before), After: apiPolicyOf(v.After), Stopped: int(v.Stopped)}, err
		}, codeLockout)
}
