package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

// PathVariable is the variable that names the configuration file.
const PathVariable = envPrefix + "CONFIG"

const (
	maxConfigFile = 1 << 20
	maxSecretFile = 64 << 10
)

// Need is something a command cannot do without.
type Need string

// ForServe demands what a running server needs: an issuer, and a master key
// unless the embedded database can keep one beside its file.
const ForServe Need = "serve"

// Load reads the YAML file at path (none if path is empty), lays the FUTAKAGI_*
// variables of environ over it, and checks every value. When anything is wrong
// the error is an *Errors that lists all of it. Variables that are no setting
// are warned about only, because Kubernetes sets FUTAKAGI_PORT and the like for
// a service of that name.
func Load(path string, environ []string, needs ...Need) (*Config, []Warning, error) {
	l := &loader{
		schema:   newSchema(),
		sources:  map[string]string{},
		bad:      map[string]bool{},
		readFile: readLimited,
	}
	return l.load(path, environ, needs)
}

// loader is the state of one Load.
type loader struct {
	schema   *schema
	sources  map[string]string
	bad      map[string]bool // keys already reported
	errs     []*Error
	warnings []Warning
	readFile func(path string, limit int64) ([]byte, error)
}

func (l *loader) load(path string, environ []string, needs []Need) (*Config, []Warning, error) {
	all := koanf.New(".")
	merge := func(layer map[string]any) {
		// Layers hold known keys only, so merging cannot fail on their shape.
		if err := all.Load(mapProvider(layer), nil); err != nil {
			l.fail("configuration", "", "it cannot be merged", "check the nesting of the file")
		}
	}
	merge(l.defaults())
	if path != "" {
		merge(l.file(path))
	}
	merge(l.environment(environ))

	c := &Config{sources: l.sources}
	l.decode(all, c)
	l.validate(c, needs)
	if len(l.errs) > 0 {
		return nil, l.warnings, &Errors{List: l.ordered()}
	}
	return c, l.warnings, nil
}

// mapProvider hands a ready map to koanf.
type mapProvider map[string]any

func (m mapProvider) Read() (map[string]any, error) { return m, nil }

func (mapProvider) ReadBytes() ([]byte, error) {
	return nil, errors.New("a map has no bytes")
}

func (l *loader) fail(key, source, problem, fix string) {
	l.bad[key] = true
	l.errs = append(l.errs, &Error{Key: key, Source: source, Problem: problem, Fix: fix})
}

// ordered sorts the errors: what is no setting first, then as in the example file.
func (l *loader) ordered() []*Error {
	rank := map[string]int{}
	for i, s := range l.schema.settings {
		rank[s.key] = i + 1
	}
	slices.SortStableFunc(l.errs, func(a, b *Error) int {
		if ra, rb := rank[a.Key], rank[b.Key]; ra != rb {
			return ra - rb
		}
		if rank[a.Key] == 0 {
			return strings.Compare(a.Key, b.Key)
		}
		return 0
	})
	return l.errs
}

func (l *loader) defaults() map[string]any {
	flat := map[string]any{}
	for _, s := range l.schema.settings {
		if s.def != "" {
			flat[s.key] = s.def
		}
	}
	return unflatten(flat)
}

// file reads the YAML file and returns what it sets, known keys only.
func (l *loader) file(path string) map[string]any {
	source := filepath.Base(path)
	data, err := l.readFile(path, maxConfigFile)
	if err != nil {
		l.fail("configuration file "+quote(path), "", "it cannot be read: "+reason(err), "name an existing file with --config or "+PathVariable)
		return nil
	}
	ko := koanf.New(".")
	if err := ko.Load(rawbytes.Provider(data), yaml.Parser()); err != nil {
		l.fail("configuration file "+quote(path), "", "it is not valid YAML"+yamlPlace(err), "check the indentation and the quotes there")
		return nil
	}
	flat := map[string]any{}
	l.walk(ko.Raw(), "", source, flat)
	l.resolveFiles(flat, func(key string) string { return source + ", " + key + "_file" })
	for key := range flat {
		l.sources[key] = source
	}
	return unflatten(flat)
}

// walk copies the known leaves of raw to flat and reports everything else.
func (l *loader) walk(raw map[string]any, prefix, source string, flat map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		key, value := prefix+name, raw[name]
		child, isMap := value.(map[string]any)
		dotted := strings.Contains(name, ".")
		switch _, isFile := l.schema.secretOfFile(key); {
		case dotted:
			l.fail(quote(key), source, "unknown setting", "write the section and the setting on lines of their own, the second indented by two spaces")
		case l.schema.isSection(key):
			if isMap {
				l.walk(child, key+".", source, flat)
			} else if value != nil {
				l.fail(key, source, "it is a section and cannot have a value itself", "put its settings below it, indented by two spaces")
			}
		case l.schema.byKey[key].key != "" || isFile:
			if isMap {
				l.fail(key, source, "it is a single setting and cannot have settings below it", "write its value on the same line")
			} else if value != nil {
				flat[key] = value
			}
		default:
			fix := "remove it"
			if near := l.schema.nearest(key); near != "" {
				fix = "did you mean " + near + "?"
			}
			l.fail(plainKey(key), source, "unknown setting", fix)
		}
	}
}

// resolveFiles replaces each KEY_file by the content of the file it names.
func (l *loader) resolveFiles(flat map[string]any, source func(key string) string) {
	for _, fileKey := range slices.Sorted(maps.Keys(flat)) {
		s, ok := l.schema.secretOfFile(fileKey)
		if !ok {
			continue
		}
		value := flat[fileKey]
		delete(flat, fileKey)
		from := source(s.key)
		if _, both := flat[s.key]; both {
			l.fail(s.key, from, "it is given both directly and as a file", "keep one of the two")
			continue
		}
		path, ok := value.(string)
		if !ok || path == "" {
			l.fail(s.key, from, "it does not name a file", "write the path of a file that holds the value")
			continue
		}
		// The path is left out of the message: a person may have put the secret there.
		data, err := l.readFile(path, maxSecretFile)
		if err != nil {
			l.fail(s.key, from, "the file cannot be read: "+reason(err), "check the path and that this process may read it")
			continue
		}
		text := strings.TrimRight(string(data), "\r\n")
		if text == "" {
			l.fail(s.key, from, "the file is empty", "write the value into it")
			continue
		}
		flat[s.key] = text
	}
}

// environment returns what the FUTAKAGI_* variables set. An empty variable
// counts as unset, as compose files produce them.
func (l *loader) environment(environ []string) map[string]any {
	names := map[string]string{}
	flat, err := env.Provider("", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			key := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, envPrefix)), "__", ".")
			known, ok := l.schema.byKey[key]
			if !ok {
				known, ok = l.schema.secretOfFile(key)
			}
			// Only the exact spelling counts, so that two variables never meet in one key.
			exact := ok && (known.env() == name || known.env()+"_FILE" == name)
			if name != PathVariable && !exact {
				l.warnVariable(name, key)
			}
			if !exact || value == "" {
				return "", nil
			}
			names[known.key] = name
			return key, value
		},
	}).Read()
	if err != nil {
		l.fail("environment", "", "it cannot be read", "")
		return nil
	}
	l.resolveFiles(flat, func(key string) string { return names[key] })
	for key := range flat {
		l.sources[key] = names[key]
	}
	return unflatten(flat)
}

// serviceLink matches the variables Kubernetes makes for a service called futakagi…
var serviceLink = regexp.MustCompile(`^FUTAKAGI_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)$`)

func (l *loader) warnVariable(name, key string) {
	text := "no such setting; the variable is ignored"
	switch near := l.schema.nearest(key); {
	case serviceLink.MatchString(name):
		text += " (Kubernetes service link: set enableServiceLinks: false)"
	case near != "" && l.schema.byKey[near].key != "":
		text += " (did you mean " + l.schema.byKey[near].env() + "?)"
	}
	l.warnings = append(l.warnings, Warning{Key: plainKey(name), Text: text})
}

// decode fills c and reports every value of the wrong kind.
func (l *loader) decode(ko *koanf.Koanf, c *Config) {
	err := ko.UnmarshalWithConf("", c, koanf.UnmarshalConf{
		Tag: "koanf",
		DecoderConfig: &mapstructure.DecoderConfig{
			DecodeHook:  decodeValue,
			ErrorUnused: true,
			MatchName:   func(key, field string) bool { return key == field },
		},
	})
	for _, key := range failedKeys(err) {
		if l.bad[key] {
			continue
		}
		s, ok := l.schema.byKey[key]
		if !ok {
			l.fail(plainKey(key), "", "it cannot be read", "compare with 'futakagi config example'")
			continue
		}
		problem, fix := s.expectation()
		l.fail(key, l.sources[key], problem, fix)
	}
}

// failedKeys collects the dotted keys named in a tree of decoding errors. The
// errors' own text is dropped: it may contain values.
func failedKeys(err error) []string {
	var keys []string
	var visit func(error)
	visit = func(err error) {
		switch e := err.(type) { //nolint:errorlint // walks the tree node by node
		case nil:
		case *mapstructure.DecodeError:
			// An entry of a list is named key[2]; the setting is the key.
			key, _, _ := strings.Cut(e.Name(), "[")
			keys = append(keys, key)
		case interface{ Unwrap() []error }:
			for _, one := range e.Unwrap() {
				visit(one)
			}
		case interface{ Unwrap() error }:
			visit(e.Unwrap())
		default:
			keys = append(keys, "configuration")
		}
	}
	visit(err)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// expectation says what kind of value s takes.
func (s setting) expectation() (problem, fix string) {
	example := s.def
	if example == "" {
		example = s.sample
	}
	switch {
	case s.typ == durationType:
		problem = "it is not a duration"
		fix = "write a number and a unit, such as " + example
	case s.typ.Kind() == reflect.Int:
		problem = "it is not a whole number"
		fix = "write digits only, such as " + example
	case s.list() && s.typ.Elem() == prefixType:
		problem = "it is not a list of networks"
		fix = "write each as address/bits, such as 10.0.0.0/8; a single host is 10.0.0.1/32"
	case s.list():
		problem = "it is not a list of texts"
		fix = "write it as " + example
	default:
		problem = "it is not text"
		fix = "put the value in quotes"
	}
	return problem, fix
}

// decodeValue converts text (from variables, defaults and quoted YAML) to the
// type of the field and refuses YAML values that mapstructure would bend, such
// as a bare 3600 for a duration, which it would take for nanoseconds.
func decodeValue(from, to reflect.Type, data any) (any, error) {
	text, isText := data.(string)
	switch {
	case to == secretType:
		if !isText {
			return nil, errKind
		}
		return NewSecret(text), nil
	case to == durationType:
		if !isText {
			return nil, errKind
		}
		return parseDuration(text)
	case to == prefixType:
		if !isText {
			return nil, errKind
		}
		return netip.ParsePrefix(strings.TrimSpace(text))
	case to.Kind() == reflect.Int && isText:
		return strconv.Atoi(strings.TrimSpace(text))
	case to.Kind() == reflect.Int && from.Kind() != reflect.Int:
		return nil, errKind
	case to.Kind() == reflect.Slice && isText:
		return splitList(text), nil
	}
	return data, nil
}

var errKind = errors.New("value of the wrong kind")

func splitList(text string) []string {
	out := []string{}
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); one != "" {
			out = append(out, one)
		}
	}
	return out
}

// parseDuration is time.ParseDuration plus whole days: 30d.
func parseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("parse days: %w", err)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("parse duration: %w", err)
	}
	return d, nil
}

// formatDuration is the shortest spelling that parseDuration reads back.
func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day && d%day == 0:
		return strconv.Itoa(int(d/day)) + "d"
	case d >= time.Hour && d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	case d > time.Minute && d%time.Minute == 0 && d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	case d > 0 && d%time.Second == 0 && d < time.Hour:
		return strconv.Itoa(int(d/time.Second)) + "s"
	}
	return d.String()
}

// unflatten turns dotted keys into nested maps. Settings are at most one
// section deep.
func unflatten(flat map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range flat {
		name, leaf, nested := strings.Cut(key, ".")
		if !nested {
			out[key] = value
			continue
		}
		inner, ok := out[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			out[name] = inner
		}
		inner[leaf] = value
	}
	return out
}

// readLimited reads a file of at most limit bytes.
func readLimited(path string, limit int64) (_ []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("it is larger than %d bytes", limit)
	}
	return data, nil
}

// reason is the cause of a file error without the path.
func reason(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err.Error()
	}
	return err.Error()
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

// yamlPlace keeps only the line number of a YAML error. The rest may quote the
// text of the file: an unquoted password that starts with '*' is reported as an
// unknown anchor, in full.
func yamlPlace(err error) string {
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		return " near line " + m[1]
	}
	return ""
}
