package config

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const exampleHead = `# Configuration of Futakagi.
#
# Every setting below can also come from the environment, under the name that
# stands with it; the environment wins over this file. Each secret can be read
# from a file instead: add _file to its name here, or _FILE to its variable.
# Unknown settings are errors. Check with: futakagi config check

`

// Example returns a documented configuration file with every setting. It is made
// from the tags of Config and loads as it stands.
func Example() []byte {
	s := newSchema()
	var b bytes.Buffer
	b.WriteString(exampleHead)
	current := ""
	for _, one := range s.settings {
		name, leaf, nested := strings.Cut(one.key, ".")
		indent := ""
		if nested {
			indent = "  "
			if name != current {
				current = name
				comment(&b, "", s.sectionDoc(name))
				b.WriteString(name + ":\n")
			}
		} else {
			leaf = name
		}
		comment(&b, indent, one.doc)
		comment(&b, indent, "Environment: "+one.env()+one.orFile())
		value := one.def
		if value == "" {
			value = one.sample
		}
		if value == "" {
			value = `""`
		} else if !one.list() && one.typ.Kind() == reflect.String || one.secret() {
			value = scalar(value)
		}
		// The issuer alone has no default and is always needed.
		if one.key != "issuer" {
			leaf = "# " + leaf
		}
		fmt.Fprintf(&b, "%s%s: %s\n\n", indent, leaf, value)
	}
	return append(bytes.TrimRight(b.Bytes(), "\n"), '\n')
}

func (s setting) orFile() string {
	if s.secret() {
		return " or " + s.env() + "_FILE"
	}
	return ""
}

func (s *schema) sectionDoc(name string) string {
	for _, one := range s.sections {
		if one.name == name {
			return one.doc
		}
	}
	return ""
}

// comment writes text as YAML comment lines of at most 80 columns.
func comment(b *bytes.Buffer, indent, text string) {
	const width = 78
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(indent)+len(line)+1+len(word) > width {
			b.WriteString(indent + "# " + line + "\n")
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	if line != "" {
		b.WriteString(indent + "# " + line + "\n")
	}
}

// YAML returns the settings in force, secrets redacted, each with its source.
func (c *Config) YAML() []byte {
	s := newSchema()
	var b bytes.Buffer
	root := reflect.ValueOf(c).Elem()
	current := ""
	for _, one := range s.settings {
		name, leaf, nested := strings.Cut(one.key, ".")
		indent := ""
		if nested {
			indent = "  "
			if name != current {
				current = name
				b.WriteString(name + ":\n")
			}
		} else {
			leaf = name
		}
		fmt.Fprintf(&b, "%s%s: %s # %s\n", indent, leaf, printed(root.FieldByIndex(one.index).Interface()), c.Source(one.key))
	}
	return b.Bytes()
}

// printed writes one value as YAML.
func printed(v any) string {
	switch v := v.(type) {
	case time.Duration:
		return formatDuration(v)
	case Secret:
		return scalar(v.String())
	case string:
		return scalar(v)
	case []string:
		out := make([]string, len(v))
		for i, one := range v {
			out[i] = scalar(one)
		}
		return "[" + strings.Join(out, ", ") + "]"
	case []netip.Prefix:
		out := make([]string, len(v))
		for i, one := range v {
			out[i] = scalar(one.String())
		}
		return "[" + strings.Join(out, ", ") + "]"
	default:
		return fmt.Sprint(v)
	}
}

// scalar quotes a text where YAML needs it.
func scalar(text string) string {
	if out, err := yaml.Marshal(text); err == nil {
		if line := strings.TrimSuffix(string(out), "\n"); !strings.Contains(line, "\n") {
			return line
		}
	}
	return fmt.Sprintf("%q", text)
}
