package templates

import (
	"fmt"
	"html/template"
	syntax "text/template/parse"
)

// takeReached adds to a page what it needs of the layouts and partials: the named template and all that is called from there, but what the
// page defines itself. Every page has its own copies, as escaping changes them, and copies of everything took more memory than all else.
func takeReached(page, base *template.Template, name string) error {
	names := []string{name}
	seen := map[string]bool{name: true}
	for len(names) > 0 {
		name, names = names[0], names[1:]
		t := page.Lookup(name)
		if t == nil {
			from := base.Lookup(name)
			if from == nil || from.Tree == nil {
				return fmt.Errorf("no template %q", name)
			}
			var err error
			if t, err = page.AddParseTree(name, from.Tree.Copy()); err != nil {
				return err
			}
		}
		for called := range calls(t.Tree.Root, map[string]bool{}) {
			if !seen[called] {
				seen[called] = true
				names = append(names, called)
			}
		}
	}
	return nil
}

// calls adds the names of the templates that are called under a node.
func calls(node syntax.Node, names map[string]bool) map[string]bool {
	branch := func(b syntax.BranchNode) {
		calls(b.List, names)
		calls(b.ElseList, names)
	}
	switch n := node.(type) {
	case *syntax.ListNode:
		if n == nil {
			return names
		}
		for _, child := range n.Nodes {
			calls(child, names)
		}
	case *syntax.TemplateNode:
		names[n.Name] = true
	case *syntax.IfNode:
		branch(n.BranchNode)
	case *syntax.RangeNode:
		branch(n.BranchNode)
	case *syntax.WithNode:
		branch(n.BranchNode)
	}
	return names
}
