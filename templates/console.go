package templates

import (
	"slices"
	"strings"
)

// navGroup is one block of the console's menu.
type navGroup struct {
	Title string
	Items []navItem
}

type navItem struct {
	ID, URL, Label string
	Current        bool
	// Count is what waits there for the operator.
	Count int
}

// navGroups lists the menu entries the operator may see.
func navGroups(c catalog, o *OperatorFrame) []navGroup {
	if o == nil {
		return nil
	}
	item := func(id, url string) navItem {
		return navItem{ID: id, URL: url, Label: c.text("nav." + id), Current: o.Active == id}
	}
	approvals := item(NavApprovals, PathApprovals)
	approvals.Count = o.Waiting
	groups := []navGroup{
		{Items: []navItem{
			item(NavDashboard, PathDashboard),
			item(NavCustomers, PathCustomers),
			item(NavAudit, PathAudit),
			item(NavDeliveries, PathDeliveries),
			item(NavExemptions, PathExemptions),
			approvals,
		}},
		{Title: c.text("nav.sso"), Items: []navItem{
			item(NavClients, PathClients),
			item(NavKeys, PathKeys),
		}},
		{Title: c.text("nav.system"), Items: []navItem{
			item(NavOperators, PathOperators),
			item(NavSettings, PathSettings),
			item(NavMethods, PathMethods),
		}},
	}
	if o.Items == nil {
		return groups
	}
	var shown []navGroup
	for _, g := range groups {
		g.Items = slices.DeleteFunc(g.Items, func(i navItem) bool { return !slices.Contains(o.Items, i.ID) })
		if len(g.Items) > 0 {
			shown = append(shown, g)
		}
	}
	return shown
}

// crumbItem is one step of the breadcrumb; the last one is the page itself.
type crumbItem struct {
	Text, URL string
	Current   bool
}

// crumbs makes a breadcrumb of text, URL pairs.
func crumbs(pairs ...string) []crumbItem {
	var items []crumbItem
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] != "" {
			items = append(items, crumbItem{Text: pairs[i], URL: pairs[i+1]})
		}
	}
	if len(items) > 0 {
		last := &items[len(items)-1]
		last.URL, last.Current = "", true
	}
	return items
}

// accountCrumbs leads to a page about one account; the account's own page is the page itself when its URL is
// empty.
func accountCrumbs(c catalog, who AccountRef, page string) []crumbItem {
	var pairs []string
	if who.Operator {
		pairs = []string{c.text("nav.system"), "", c.text("nav.operators"), PathOperators}
		if who.URL != "" {
			pairs = append(pairs, c.text("admin.crumb_operator", "id", who.LoginID), who.URL)
		}
	} else {
		pairs = []string{c.text("nav.customers"), PathCustomers, who.Customer, who.CustomerURL}
		if who.URL != "" {
			pairs = append(pairs, c.text("admin.crumb_account", "id", who.LoginID), who.URL)
		}
	}
	return crumbs(append(pairs, page, "")...)
}

// summaryOf lists errors whose fields are not known beforehand.
func summaryOf(errs map[string]string) []summaryItem {
	var names []string
	for name := range errs {
		if name != FormError {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var items []summaryItem
	if text := errs[FormError]; text != "" {
		items = append(items, summaryItem{Text: text})
	}
	for _, name := range names {
		items = append(items, summaryItem{ID: name, Text: errs[name]})
	}
	return items
}

// kindLabels names kinds of factor as one text.
func kindLabels(c catalog, kinds []string) string {
	names := make([]string, 0, len(kinds))
	for _, kind := range kinds {
		names = append(names, label(c, "kind.", kind))
	}
	return strings.Join(names, c.text("ui.list_separator"))
}

// trustDays says for how long a device is trusted.
func trustDays(c catalog, n int) string {
	switch n {
	case 0:
		return c.text("admin.methods.days_none")
	case 1:
		return c.text("admin.methods.days_one")
	}
	return c.text("admin.methods.days", "n", n)
}

// TitleKey selects the words for the four uses of the form.
func (v AccountFormView) TitleKey() string {
	switch {
	case v.New && v.Who.Operator:
		return "title_new_operator"
	case v.New:
		return "title_new_store"
	case v.Who.Operator:
		return "title_operator"
	}
	return "title_store"
}

// Name is the kind under which the catalogue keeps the texts.
func (v ErrorView) Name() string {
	if v.Kind == "" {
		return string(ErrorServer)
	}
	return string(v.Kind)
}

// Calm is true when waiting or going back is enough.
func (v ErrorView) Calm() bool {
	switch v.Kind {
	case ErrorUnavailable, ErrorTooMany, ErrorFlowGone, ErrorLinkGone:
		return true
	}
	return false
}

// Bars has one entry per step, true for those reached.
func (p *Progress) Bars() []bool {
	if p.Of < 1 || p.Of > 9 {
		return nil
	}
	bars := make([]bool, p.Of)
	for i := range bars {
		bars[i] = i < p.N
	}
	return bars
}
