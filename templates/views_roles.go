package templates

// RoleColumn is one role in the table of rights.
type RoleColumn struct {
	// Name is a finished label.
	Name    string
	Holders int
	// EditURL leads to the form; empty hides it.
	EditURL string
}

// RightRow is one right in the table of rights, with whether each role has it.
type RightRow struct {
	// Right is the name of the right; its label comes from the catalogue.
	Right string
	Held  []RoleCell
}

// RoleCell says whether a role has a right.
type RoleCell struct {
	Role string
	Held bool
}

// RolesView is システム設定 → 管理者 → ロール.
type RolesView struct {
	OperatorsURL string
	Roles        []RoleColumn
	Rights       []RightRow
	// NewURL leads to the form for a new role; empty hides it.
	NewURL string
}

// RightOption is one right that a role may have. Its field has the name of Field.
type RightOption struct {
	Right, Field string
	Checked      bool
	// Fixed is set where the role keeps the right, or the operator cannot give it.
	Fixed bool
}

// RoleFormView makes or changes a role. Fields: name, those of the options, version.
type RoleFormView struct {
	Action, BackURL string
	New             bool
	// Ours is true for a role that always is, whose name stays; Name is a finished label then.
	Ours    bool
	Name    string
	Holders int
	Options []RightOption
	// Keeps is true where some rights cannot be taken from the role.
	Keeps bool
	// DeleteURL leads to the page that takes the role away; empty hides it.
	DeleteURL string
	Version   string
	Errors    map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v RoleFormView) Invalid() bool { return len(v.Errors) > 0 }

// RoleDeleteView confirms that a role is taken away.
type RoleDeleteView struct {
	Action, BackURL string
	Name            string
	Rights          []string
	Errors          map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v RoleDeleteView) Invalid() bool { return len(v.Errors) > 0 }
