package templates

// RemoveView asks before something is deleted for good. Field, for an account: typed.
type RemoveView struct {
	Action, BackURL string
	// What is customer, group or account; Name is its name, Detail its code or login ID.
	What, Name, Detail string
	Errors             map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v RemoveView) Invalid() bool { return len(v.Errors) > 0 }

// MoveView moves an account to another user group. Fields: group, version; and code, by GET, to see the groups of another customer.
type MoveView struct {
	Action, BackURL string
	Who             AccountRef
	// Code is the customer code as typed; Customer is whose groups are shown.
	Code, Customer string
	Groups         []Option
	Version        string
	Errors         map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v MoveView) Invalid() bool { return len(v.Errors) > 0 }
