package admin

import (
	"net/http"
	"strconv"

	"github.com/futakagi/futakagi/templates"
)

func (h *Handler) getDashboard(w http.ResponseWriter, r *http.Request) error {
	d, err := h.service.Dashboard(r.Context(), actorOf(r))
	if err != nil {
		return answer(err)
	}
	waiting := waitingFor(r)
	v := templates.DashboardView{
		Waiting: waiting.Waiting, Ready: waiting.Ready, ApprovalsURL: templates.PathApprovals,
		At: templates.TimeSeconds(d.At, h.zone), ISO: templates.ISO(d.At, h.zone),
		Accounts: d.Accounts, Enrolled: d.Enrolled, Failed: d.Failed, Bounced: d.Bounced, Resets7: d.Resets7, Resets30: d.Resets30,
		CustomersURL: templates.PathCustomers + "?status=" + templates.FilterNone,
		FailedURL:    templates.PathDeliveries + "?state=" + templates.DeliveryFailed, BouncedURL: templates.PathDeliveries + "?state=" + templates.DeliveryBounced,
		ResetsURL: templates.PathAudit + "?kind=2fa", SettingsURL: templates.PathSettings,
	}
	if d.Clients != nil {
		v.Clients = &templates.DashboardClients{
			Active: d.Clients.Clients - d.Clients.Disabled, Disabled: d.Clients.Disabled, Rotating: d.Clients.Rotating, URL: templates.PathClients,
			DisabledURL: templates.PathClients + "?state=disabled", RotatingURL: templates.PathClients + "?state=rotating",
		}
	}
	for _, m := range d.Methods {
		v.Methods = append(v.Methods, templates.DashboardMethod{Kind: string(m.Method), Accounts: m.Accounts, Bounced: m.Bounced})
	}
	for _, s := range d.Surfaces {
		v.Surfaces = append(v.Surfaces, templates.DashboardSurface{
			ID: s.ID, Enforced: s.Enforced, Accounts: s.Accounts, Unset: s.Unset, Unreachable: s.Unreachable, Stopped: s.Unusable,
		})
	}
	for _, day := range d.Days {
		local := day.Day.In(h.zone)
		v.Days = append(v.Days, templates.DashboardDay{
			Date: templates.Date(day.Day, h.zone), Label: strconv.Itoa(int(local.Month())) + "/" + strconv.Itoa(local.Day()),
			SignIns: day.SignIns, Failed: day.Failed,
		})
	}
	return h.templates.Dashboard.Render(w, http.StatusOK, h.frame(w, r, templates.NavDashboard), v)
}
