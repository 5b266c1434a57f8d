package admin

import (
	"context"
	"net/http"

	"github.com/futakagi/futakagi/store"
)

// apiSwitchRow is what setting many switches would do to one account.
type apiSwitchRow struct {
	AccountID string `json:"account_id"`
	LoginID   string `json:"login_id"`
	Name      string `json:"name"`
	TwoFactor string `json:"two_factor" enum:"use,dont_use" doc:"as it is"`
	Changes   bool   `json:"changes"`
	Resets    bool   `json:"resets" doc:"whether what was set up would be cleared"`
}

// apiSwitchPreview is what setting many switches would do.
type apiSwitchPreview struct {
	Total     int            `json:"total"`
	Changing  int            `json:"changing"`
	Resetting int            `json:"resetting" doc:"how many would lose what they set up"`
	Enforced  bool           `json:"enforced" doc:"whether enforcement stands against it"`
	Items     []apiSwitchRow `json:"items" doc:"the first 100 that would change; where accounts were named, all of these"`
}

// apiSwitched is what became of setting many switches.
type apiSwitched struct {
	Changed int `json:"changed"`
	Left    int `json:"left" doc:"how many still have the other value: those that one request had no time for, and frozen ones"`
}

type (
	apiSwitchMany struct {
		TwoFactor string   `json:"two_factor" enum:"use,dont_use"`
		Accounts  []string `json:"accounts,omitempty" max:"64" max_items:"40" doc:"ids of accounts; all of the customer's if absent"`
	}
	switchMany struct {
		ID   string `path:"id" max:"64"`
		Body apiSwitchMany
	}
)

func (in switchMany) bulk() BulkSwitch {
	b := BulkSwitch{Customer: store.CustomerID(in.ID), Want: in.Body.TwoFactor}
	if in.Body.Accounts == nil {
		return b
	}
	b.Accounts = []store.AccountID{}
	for _, id := range in.Body.Accounts {
		b.Accounts = append(b.Accounts, store.AccountID(id))
	}
	return b
}

// switches set the switches of many accounts of a customer.
func (a *API) switches(t *table) {
	s := a.service
	add(t, scopeReset, http.MethodPost, "/customers/{id}/two-factor/preview", "previewSwitches",
		func(ctx context.Context, actor Actor, in switchMany) (apiSwitchPreview, error) {
			p, err := s.PreviewSwitch(ctx, actor, in.bulk())
			v := apiSwitchPreview{Total: p.Total, Changing: p.Changing, Resetting: p.Resetting, Enforced: p.Refused, Items: []apiSwitchRow{}}
			for _, row := range p.Rows {
				v.Items = append(v.Items, apiSwitchRow{
					AccountID: string(row.ID), LoginID: row.LoginID, Name: row.DisplayName, TwoFactor: row.TwoFactor, Changes: row.Changes, Resets: row.Resets,
				})
			}
			return v, err
		})
	add(t, scopeReset, http.MethodPost, "/customers/{id}/two-factor", "setSwitches",
		func(ctx context.Context, actor Actor, in switchMany) (apiSwitched, error) {
			changed, err := s.SwitchMany(ctx, actor, in.bulk())
			if err != nil {
				return apiSwitched{}, err
			}
			left, err := s.PreviewSwitch(ctx, actor, in.bulk())
			return apiSwitched{Changed: changed, Left: left.Changing}, err
		}, codeEnforced)
}
