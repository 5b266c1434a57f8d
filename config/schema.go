package config

import (
	"net/netip"
	"reflect"
	"strings"
	"time"
)

// envPrefix starts every variable that names a setting.
const envPrefix = "FUTAKAGI_"

// setting is one leaf of Config as its tags describe it.
type setting struct {
	key    string // dotted: smtp.port
	index  []int  // for reflect.Value.FieldByIndex
	typ    reflect.Type
	def    string
	sample string
	doc    string
}

// section is a nested struct of Config.
type section struct {
	name string
	doc  string
}

var (
	secretType   = reflect.TypeFor[Secret]()
	durationType = reflect.TypeFor[time.Duration]()
	prefixType   = reflect.TypeFor[netip.Prefix]()
)

func (s setting) secret() bool { return s.typ == secretType }

func (s setting) list() bool { return s.typ.Kind() == reflect.Slice }

// env is the variable that sets s.
func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.key, ".", "__"))
}

// schema is every setting and section, in the order of the struct.
type schema struct {
	settings []setting
	sections []section
	byKey    map[string]setting
}

func newSchema() *schema {
	s := &schema{byKey: map[string]setting{}}
	s.collect(reflect.TypeFor[Config](), "", nil)
	return s
}

func (s *schema) collect(t reflect.Type, prefix string, index []int) {
	for f := range t.Fields() {
		name, ok := f.Tag.Lookup("koanf")
		if !ok {
			continue
		}
		at := append(append([]int{}, index...), f.Index...)
		if f.Type.Kind() == reflect.Struct && f.Type != secretType {
			s.sections = append(s.sections, section{name: prefix + name, doc: f.Tag.Get("doc")})
			s.collect(f.Type, prefix+name+".", at)
			continue
		}
		one := setting{
			key: prefix + name, index: at, typ: f.Type,
			def: f.Tag.Get("default"), sample: f.Tag.Get("sample"), doc: f.Tag.Get("doc"),
		}
		s.settings = append(s.settings, one)
		s.byKey[one.key] = one
	}
}

func (s *schema) isSection(key string) bool {
	for _, one := range s.sections {
		if one.name == key {
			return true
		}
	}
	return false
}

// secretOfFile returns the secret that the key KEY_file fills.
func (s *schema) secretOfFile(key string) (setting, bool) {
	stem, ok := strings.CutSuffix(key, "_file")
	if !ok {
		return setting{}, false
	}
	one, ok := s.byKey[stem]
	return one, ok && one.secret()
}

// nearest returns the known key that was probably meant, or "".
func (s *schema) nearest(key string) string {
	best, distance := "", 3
	for _, one := range s.settings {
		if d := editDistance(key, one.key); d < distance {
			best, distance = one.key, d
		}
		// The right name in the wrong section.
		if last := one.key[strings.LastIndex(one.key, ".")+1:]; best == "" && last == key[strings.LastIndex(key, ".")+1:] {
			best = one.key
		}
	}
	for _, one := range s.sections {
		if d := editDistance(key, one.name); d < distance {
			best, distance = one.name, d
		}
	}
	return best
}

// editDistance is the Levenshtein distance, cut short for keys that cannot be near.
func editDistance(a, b string) int {
	if len(a) > 64 || len(a)-len(b) > 3 || len(b)-len(a) > 3 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			corner, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, corner+cost)
		}
	}
	return row[len(b)]
}
