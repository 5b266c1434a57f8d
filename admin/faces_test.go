package admin

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

// faces names, for each form of the console, the operations that do the same for programs.
func faces() map[string][]string {
	return map[string][]string{
		"/admin/customers/new":         {"createCustomer"},
		"/admin/customers/{id}/edit":   {"updateCustomer"},
		"/admin/customers/{id}/delete": {"deleteCustomer"},
		"/admin/customers/{id}/reset":  {"listHoldings", "resetCustomer", "getCustomerReset"},

		"/admin/customers/{id}/groups/new":         {"createUserGroup"},
		"/admin/groups/{id}/edit":                  {"updateUserGroup"},
		"/admin/groups/{id}/delete":                {"deleteUserGroup"},
		"/admin/groups/{id}/accounts/new":          {"createAccount"},
		"/admin/customers/{id}/two-factor":         {"previewSwitches"},
		"/admin/customers/{id}/two-factor/confirm": {"setSwitches"},

		"/admin/customers/import":      {"uploadImport"},
		"/admin/customers/import/{id}": {"startImport", "getImport", "listFindings"},

		"/admin/operators/new":       {"createOperator"},
		"/admin/roles/new":           {"createRole"},
		"/admin/roles/{role}":        {"updateRole"},
		"/admin/roles/{role}/delete": {"deleteRole"},

		"/admin/accounts/{id}":            {"updateAccount"},
		"/admin/accounts/{id}/password":   {"setPassword"},
		"/admin/accounts/{id}/state":      {"disableAccount", "enableAccount"},
		"/admin/accounts/{id}/reset-mail": {"sendPasswordReset"},
		"/admin/accounts/{id}/unmask":     {"unmaskAddress"},
		"/admin/accounts/{id}/delete":     {"deleteAccount"},
		"/admin/accounts/{id}/move":       {"moveAccount"},

		"/admin/accounts/{id}/two-factor":                  {"setTwoFactor"},
		"/admin/accounts/{id}/two-factor/reset":            {"planReset", "resetFactors", "getReset"},
		"/admin/accounts/{id}/two-factor/reset/{method}":   {"planReset", "resetFactor", "getReset"},
		"/admin/accounts/{id}/two-factor/ticket":           {"issueTicket"},
		"/admin/accounts/{id}/two-factor/devices":          {"removeDevices"},
		"/admin/accounts/{id}/two-factor/devices/{device}": {"removeDevice"},
		"/admin/accounts/{id}/sessions/end":                {"endSessions"},
		"/admin/accounts/{id}/apps/{client}/revoke":        {"revokeConsent"},
		"/admin/accounts/{id}/two-factor/unmask":           {"unmaskAddress"},
		"/admin/accounts/{id}/two-factor/thaw":             {"liftFreeze"},
		"/admin/accounts/{id}/two-factor/exemption":        {"grantExemption"},
		"/admin/accounts/{id}/two-factor/exemption/end":    {"endExemption"},
		"/admin/accounts/{id}/two-factor/pass":             {"issuePass"},
		"/admin/accounts/{id}/two-factor/pass/withdraw":    {"withdrawPass"},

		"/admin/settings/two-factor":                            {"getEnforcement"},
		"/admin/settings/two-factor/confirm":                    {"setEnforcement"},
		"/admin/settings/two-factor/rollout/{surface}/announce": {"announceEnforcement"},
		"/admin/settings/two-factor/rollout/{surface}/withdraw": {"withdrawAnnouncement"},
		"/admin/settings/two-factor/rollout/{surface}/grace":    {"setGrace"},
		"/admin/settings/two-factor/rollout/{surface}/lift":     {"setEnforcement"},
		"/admin/settings/methods/{surface}":                     {"previewPolicy"},
		"/admin/settings/methods/{surface}/confirm":             {"setPolicy"},

		"/admin/audit/export": {"exportAuditEvents"},

		"/admin/accounts/{id}/approval/{act}":          {"askApproval"},
		"/admin/accounts/{id}/approval/{act}/{method}": {"askApproval"},
		"/admin/accounts/{id}/guard":                   {"setAccountApproval"},

		"/admin/register-client/{kind}":            {"createClient"},
		"/admin/clients/{client}":                  {"updateClient"},
		"/admin/clients/{client}/state":            {"disableClient", "enableClient"},
		"/admin/clients/{client}/delete":           {"deleteClient"},
		"/admin/clients/{client}/secret":           {"rotateClientSecret"},
		"/admin/clients/{client}/former-secret":    {"endFormerSecret"},
		"/admin/clients/{client}/logo":             {"setClientLogo"},
		"/admin/clients/{client}/logo/remove":      {"removeClientLogo"},
		"/admin/clients/{client}/provisioning":     {"setProvisioning"},
		"/admin/clients/{client}/provisioning/end": {"removeProvisioning"},
		"/admin/registration-tokens":               {"createRegistrationToken", "listRegistrationTokens"},
		"/admin/registration-tokens/{id}/revoke":   {"revokeRegistrationToken"},

		"/admin/clients/{client}/streams/{stream}":        {"pauseStream", "resumeStream"},
		"/admin/clients/{client}/streams/{stream}/delete": {"deleteStream"},

		"/admin/keys/rotate":       {"rotateSigningKeys"},
		"/admin/keys/{kid}/revoke": {"revokeSigningKey"},
		"/admin/keys/reseal":       {"startReseal"},
	}
}

// facesOfPeople names the forms that have no operation, and why.
func facesOfPeople() map[string]string {
	return map[string]string{
		"/admin/accounts/{id}/two-factor/ticket/done": "a page forgets the ticket it shows; an answer shows it once anyway",

		"/admin/approvals/{id}/approve":                 "a program is no second pair of eyes",
		"/admin/approvals/{id}/refuse":                  "a program is no second pair of eyes",
		"/admin/approvals/{id}/withdraw":                "whoever asked sees what became of it, and it ends by itself",
		"/admin/approvals/{id}/use":                     "what was approved is done by its own operation",
		"/admin/settings/two-factor/approval/{surface}": "asked for by people only: it opens every account of the surface",
	}
}

// Console and API are faces of the same use cases: what a form does, an operation does, too.
func TestEveryFormOfTheConsoleHasAnOperation(t *testing.T) {
	c := newConsole(t, nil)
	ids := NewOperations(c.Service).IDs()
	known := func(id string) bool { return slices.Contains(ids, id) }
	forms, people, seen := faces(), facesOfPeople(), map[string]bool{}
	err := chi.Walk(c.mux, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if method != http.MethodPost || !strings.HasPrefix(route, "/admin/") {
			return nil
		}
		seen[route] = true
		if len(forms[route]) == 0 && people[route] == "" {
			t.Errorf("%s has neither an operation nor a reason why not", route)
		}
		return nil
	})
	must(t, err)
	for route, ids := range forms {
		if !seen[route] {
			t.Errorf("the console has no form %s", route)
		}
		for _, id := range ids {
			if !known(id) {
				t.Errorf("%s: there is no operation %s", route, id)
			}
		}
	}
	for route := range people {
		if !seen[route] {
			t.Errorf("the console has no form %s", route)
		}
	}
}
