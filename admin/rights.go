package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
)

// rights is a set of things an operator may do.
type rights uint32

const (
	// mayView is to see customers, their accounts and settings.
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
	// maySeeAddresses is to see addresses and phone numbers whole; others see them masked.
	maySeeAddresses
	// mayExempt is to let an account do without its second factor for a while.
	mayExempt
	// mayPass is to hand a customer a code that takes the place of the second factor once.
	mayPass
	// mayExportAudit is to take copies of the audit log away.
	mayExportAudit
	// mayViewAudit is to see the audit log and what operators did.
	mayViewAudit
	// mayViewDeliveries is to see what became of messages.
	mayViewDeliveries
	// mayManageRoles is to make roles and to change what they may do.
	mayManageRoles
	// mayUnmask is to see one address or phone number whole, which is written down each time.
	mayUnmask
	// mayLiftFreeze is to allow changes of security settings again after somebody stopped them from a notice.
	mayLiftFreeze
	// mayManageKeys is everything about the keys that sign tokens and seal what the database holds.
	mayManageKeys

	// everything is also what a role may do that was given all there is, by a release that knew of less.
	everything = mayManageKeys<<1 - 1
)

// undoing is what the administrators' role keeps, so that every change of roles can be taken back.
const undoing = mayView | mayManageOperators | mayManageRoles

// A right has a name in rows and forms.
type right struct {
	bit  rights
	name string
}

// rightList are all rights in the order of the screen. The names are stored and must not change.
func rightList() []right {
	return []right{
		{mayView, "view"},
		{mayViewAudit, "view_audit"},
		{mayExportAudit, "export_audit"},
		{mayViewDeliveries, "view_deliveries"},
		{maySeeAddresses, "see_addresses"},
		{mayUnmask, "unmask"},
		{mayReset, "reset"},
		{mayExempt, "exempt"},
		{mayPass, "pass"},
		{mayLiftFreeze, "lift_freeze"},
		{mayEditAccounts, "edit_accounts"},
		{mayManageCustomers, "manage_customers"},
		{maySetPasswords, "set_passwords"},
		{mayEnforce, "enforce"},
		{mayManageClients, "manage_clients"},
		{mayManageKeys, "manage_keys"},
		{mayManageOperators, "manage_operators"},
		{mayManageRoles, "manage_roles"},
	}
}

// RightNames returns the names of all rights.
func RightNames() []string {
	list := rightList()
	names := make([]string, len(list))
	for i, r := range list {
		names[i] = r.name
	}
	return names
}

// allRights is how a row spells all rights, those to come included.
const allRights = "*"

// rightsNamed reads the rights of a row. A name that this release does not know means nothing to it.
func rightsNamed(names string) rights {
	if names == allRights {
		return everything
	}
	var set rights
	known := rightList()
	for name := range strings.FieldsSeq(names) {
		if i := slices.IndexFunc(known, func(r right) bool { return r.name == name }); i >= 0 {
			set |= known[i].bit
		}
	}
	return set
}

// names spells a set of rights as a list.
func (r rights) names() []string {
	var names []string
	for _, known := range rightList() {
		if r.has(known.bit) {
			names = append(names, known.name)
		}
	}
	return names
}

// spell is names as a row has them.
func (r rights) spell() string {
	if r.has(everything) {
		return allRights
	}
	return strings.Join(r.names(), " ")
}

// closed adds what a right is of no use without.
func (r rights) closed() rights {
	if r.has(mayManageRoles) {
		r |= mayManageOperators
	}
	if r != 0 {
		r |= mayView
	}
	return r
}

// has reports whether the set holds all of need.
func (r rights) has(need rights) bool { return r&need == need }

// roleSet are the operators' roles as they were when somebody looked.
type roleSet map[string]store.Role

// readRoles looks the roles up.
func readRoles(ctx context.Context, q *store.Queries) (roleSet, error) {
	rows, err := q.ListRoles(ctx)
	if err != nil {
		return nil, fmt.Errorf("list roles: %w", err)
	}
	set := make(roleSet, len(rows))
	for _, row := range rows {
		set[row.ID] = row
	}
	return set, nil
}

// rights is what a role may do; a role we do not know may do nothing.
func (s roleSet) rights(role string) rights {
	row, ok := s[role]
	if !ok {
		return 0
	}
	held := rightsNamed(row.Rights)
	if role == account.RoleAdministrator {
		held |= undoing
	}
	return held
}
