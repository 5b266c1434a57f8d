package admin

import "github.com/futakagi/futakagi/account"

// rights is a set of things an operator may do.
type rights uint16

const (
	// mayView is to see customers, their accounts, the audit log, deliveries and settings.
	mayView rights = 1 << iota
	// mayEditAccounts is to change name, role, address and state of store accounts.
	mayEditAccounts
	// mayReset is to reset a store account's factors and to set its switch.
	mayReset
	// mayManageCustomers is to create and change customers and user groups and to create store accounts.
	mayManageCustomers
	// maySetPasswords is to give a store account a new password. Who may do that and reset factors could take any account
	// over, which is why the support desk may not.
	maySetPasswords
	// mayManageOperators is everything about operators, seeing them included.
	mayManageOperators
	// mayEnforce is to change what a surface demands.
	mayEnforce
	// mayManageClients is to register relying parties.
	mayManageClients
	// maySeeAddresses is to see whole where second factors send their codes; others see it masked.
	maySeeAddresses
	// mayExportAudit is to take copies of the audit log away.
	mayExportAudit

	everything = mayView | mayEditAccounts | mayReset | mayManageCustomers | maySetPasswords | mayManageOperators | mayEnforce |
		mayManageClients | maySeeAddresses | mayExportAudit
)

// rightsOf is what a role may do; a role we do not know may do nothing.
func rightsOf(role string) rights {
	switch role {
	case account.RoleAdministrator:
		return everything
	case account.RoleSupport:
		return mayView | mayEditAccounts | mayReset | maySeeAddresses
	}
	return 0
}

// has reports whether the set holds all of need.
func (r rights) has(need rights) bool { return r&need == need }
