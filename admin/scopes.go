package admin

import (
	"slices"
	"strings"

	"github.com/futakagi/futakagi/client"
)

// The scopes of the API: what a client's token may be used for. No client has any of them unless its registration names it.
const (
	scopeCustomersRead  = "api:customers.read"
	scopeCustomersWrite = "api:customers.write"
	scopeAccountsRead   = "api:accounts.read"
	scopeAccountsWrite  = "api:accounts.write"
	scopeAddresses      = "api:addresses.read" // where second factors send their codes, whole
	scopeUnmask         = "api:unmask"         // one such address at a time, which is written down
	scopePasswords      = "api:passwords"
	scopeReset          = "api:reset"
	scopeOperators      = "api:operators"
	scopeSettingsRead   = "api:settings.read"
	scopeSettings       = "api:settings"
	scopeAuditRead      = "api:audit.read"
	scopeDeliveriesRead = "api:deliveries.read"
	scopeClientsRead    = "api:clients.read"
	scopeClients        = "api:clients"

	// Those of SCIM open nothing else, and for one customer alone.
	scopeSCIM          = "api:scim"
	scopeSCIMPasswords = "api:scim.passwords" // of accounts there are; new ones may have one without it
	scopeKeysRead      = "api:keys.read"
	scopeKeys          = "api:keys"
)

// isProvisioning reports whether a scope is one of SCIM.
func isProvisioning(scope string) bool { return scope == scopeSCIM || scope == scopeSCIMPasswords }

// scopePrefix begins every scope of the API, and no other scope may begin so.
const scopePrefix = "api:"

// scopeRight is what the use cases ask of whoever was given a scope. A right is wider than a scope: which operations a scope opens,
// the table of operations says.
type scopeRight struct {
	scope  string
	rights rights
}

func scopeRights() []scopeRight {
	return []scopeRight{
		{scopeCustomersRead, mayView},
		{scopeCustomersWrite, mayView | mayManageCustomers},
		{scopeAccountsRead, mayView},
		{scopeAccountsWrite, mayView | mayEditAccounts | mayManageCustomers},
		{scopeAddresses, maySeeAddresses | mayUnmask},
		{scopeUnmask, mayView | mayUnmask},
		{scopePasswords, mayView | maySetPasswords},
		{scopeReset, mayView | mayReset | mayExempt | mayPass | mayLiftFreeze},
		{scopeOperators, mayView | mayManageOperators | mayManageRoles},
		{scopeSettingsRead, mayView},
		{scopeSettings, mayView | mayEnforce},
		{scopeAuditRead, mayView | mayViewAudit | mayExportAudit},
		{scopeDeliveriesRead, mayView | mayViewDeliveries},
		{scopeClientsRead, mayView | mayManageClients},
		{scopeClients, mayView | mayManageClients},
		{scopeSCIM, mayView | mayEditAccounts | mayManageCustomers | maySeeAddresses},
		{scopeSCIMPasswords, mayView | maySetPasswords},
		{scopeKeysRead, mayView | mayManageKeys},
		{scopeKeys, mayView | mayManageKeys},
	}
}

// rightsOfScopes is what somebody with scopes may do; one that we do not know gives nothing.
func rightsOfScopes(scopes []string) (r rights) {
	for _, s := range scopeRights() {
		if slices.Contains(scopes, s.scope) {
			r |= s.rights
		}
	}
	return r
}

// mayGrant reports whether the actor may register a client that has a scope: nobody gives away more than they hold (Z-2).
func (a Actor) mayGrant(scope string) bool {
	if !strings.HasPrefix(scope, scopePrefix) {
		return true
	}
	if a.client != nil {
		return slices.Contains(a.client.scopes, scope)
	}
	return a.rights().has(rightsOfScopes([]string{scope}))
}

// mayGrantAll reports whether the actor may register a client that has these scopes.
func (a Actor) mayGrantAll(scopes []string) bool {
	return !slices.ContainsFunc(scopes, func(scope string) bool { return !a.mayGrant(scope) })
}

// knownScope reports whether a scope of the API is one.
func knownScope(scope string) bool {
	return !strings.HasPrefix(scope, scopePrefix) && client.Known(scope) ||
		slices.ContainsFunc(scopeRights(), func(s scopeRight) bool { return s.scope == scope })
}
