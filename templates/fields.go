package templates

import (
	"fmt"
	"strings"
)

// formField is what the partial "field" draws: label, hint, error and one input.
type formField struct {
	Name, Label, Type, Value, Hint, Error, Auto, Class string
	Required, Focus                                    bool
}

// DescribedBy lists the ids that explain the input.
func (f formField) DescribedBy() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.Name+"-hint")
	}
	if f.Error != "" {
		ids = append(ids, f.Name+"-error")
	}
	return strings.Join(ids, " ")
}

// field gives the partial "field" its arguments: name, value pairs. "errors" takes the view's Errors.
func field(pairs ...any) (formField, error) {
	f := formField{Type: "text", Auto: "off"}
	var errs map[string]string
	for i := 0; i+1 < len(pairs); i += 2 {
		switch value := pairs[i+1]; pairs[i] {
		case "name":
			f.Name = fmt.Sprint(value)
		case "label":
			f.Label = fmt.Sprint(value)
		case "type":
			f.Type = fmt.Sprint(value)
		case "value":
			f.Value = fmt.Sprint(value)
		case "hint":
			f.Hint = fmt.Sprint(value)
		case "auto":
			f.Auto = fmt.Sprint(value)
		case "class":
			f.Class = fmt.Sprint(value)
		case "required":
			f.Required, _ = value.(bool)
		case "errors":
			errs, _ = value.(map[string]string)
		default:
			return f, fmt.Errorf("field: unknown argument %v", pairs[i])
		}
	}
	f.Error = errs[f.Name]
	f.Focus = f.Error != "" && len(errs) == 1
	return f, nil
}

// summaryItem is one line of the error summary; without ID it is no link.
type summaryItem struct{ ID, Text string }

// summary lists the errors of a form in the order of its fields. It is empty when one field alone is wrong:
// then the message at the field is enough.
func summary(errs map[string]string, order ...string) []summaryItem {
	formError := errs[FormError]
	if formError == "" && len(errs) < 2 {
		return nil
	}
	var items []summaryItem
	if formError != "" {
		item := summaryItem{Text: formError}
		if len(order) > 0 {
			item.ID = order[0]
		}
		items = append(items, item)
	}
	for _, name := range order {
		if text := errs[name]; text != "" {
			items = append(items, summaryItem{ID: name, Text: text})
		}
	}
	return items
}
