package templates

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
)

// catalog holds the sentences of one language. A sentence may contain placeholders such as {address}.
type catalog map[string]string

func loadCatalog(files fs.FS, lang Lang) (catalog, error) {
	raw, err := fs.ReadFile(files, "locales/"+string(lang)+".json")
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	var c catalog
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("decode catalogue %s: %w", lang, err)
	}
	return c, nil
}

// english is the catalogue of what is said without a [Set].
var english = sync.OnceValue(func() catalog {
	c, err := loadCatalog(embedded, En)
	if err != nil {
		panic(err) // it is part of the program
	}
	return c
})

// English returns the English sentence of key for programs without pages, such as the command line; args are as for [Set.T].
func English(key string, args ...any) string { return english().text(key, args...) }

// sameKeys refuses catalogues of which one lacks a sentence the other has.
func sameKeys(a, b catalog) error {
	var missing []string
	for _, pair := range [][2]catalog{{a, b}, {b, a}} {
		for key := range pair[0] {
			if _, ok := pair[1][key]; !ok {
				missing = append(missing, key)
			}
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("catalogues differ: %s", strings.Join(missing, ", "))
	}
	return nil
}

// text returns the sentence of key with its placeholders filled from name, value pairs. An unknown key is
// returned as it is: a page with a raw key is better than no page, and a test finds it first.
func (c catalog) text(key string, args ...any) string {
	sentence, ok := c[key]
	if !ok {
		return key
	}
	return fill(sentence, args)
}

// fill replaces every {name} in one pass, so that a value that looks like a placeholder stays text.
func fill(sentence string, args []any) string {
	if len(args) < 2 {
		return sentence
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, "{"+fmt.Sprint(args[i])+"}", fmt.Sprint(args[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(sentence)
}

func (c catalog) keys() []string { return slices.Sorted(maps.Keys(c)) }
