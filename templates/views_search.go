package templates

// SearchView is what a search found, by kind. The form is that of the list of customers.
type SearchView struct {
	Action, Query string
	NewURL        string
	Groups        []SearchGroup
	// Pager continues a list of one kind; AllURL leads back to all kinds.
	Pager  Pager
	AllURL string
	// Cut says that more may match than was looked at.
	Cut bool
}

// SearchGroup is one kind.
type SearchGroup struct {
	// Kind is customer, store, operator or address.
	Kind string
	Rows []SearchRow
	// MoreURL leads to the whole list; empty: this is it.
	MoreURL string
}

// SearchRow is one thing that was found.
type SearchRow struct {
	URL string
	// Name and ID are the name, and the code or login ID.
	Name, ID string
	// Customer is that of an account, CustomerURL leads to it.
	Customer, CustomerURL string
	// Address is the second factor's address that an account was found by.
	Address string
	// Use is the switch, Kind the main factor of an account.
	Use      bool
	Kind     string
	Disabled bool
}
