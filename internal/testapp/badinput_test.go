package testapp_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/provider"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// sample is a value that no form of ours asks for.
type sample struct {
	name, value string
	// blank is whether nothing is left of it when it is read, and long whether it is far too long.
	blank, long bool
	// engine is whether a database may take it in a way of its own. SQLite is asked about all, PostgreSQL about these.
	engine bool
}

// samples have no digit that a code, a number or an id could be made of, so that none of them is ever right.
func samples() []sample {
	return []sample{
		{name: "empty", blank: true},
		{name: "full-width space", value: "　", blank: true},
		{name: "spaces", value: " \t\r\n ", blank: true},
		{name: "10 kB", value: strings.Repeat("9あ", 2560), long: true, engine: true},
		{name: "emoji", value: "🔑🐟", engine: true},
		{name: "right to left", value: "\u202eשלום עולם"},
		{name: "other digits", value: "١٢٣٤٥٦"},
		{name: "control characters", value: "\x1b[31m\x07abc\x7f\u0085", engine: true},
		{name: "line breaks", value: "abc\r\nX-Evil: yes"},
		{name: "markup", value: `"><script>alert(1)</script>`},
		{name: "SQL", value: `' OR ''='`, engine: true},
		{name: "path", value: "../../../etc/passwd"},
		{name: "format", value: "%s%n%x"},
		{name: "template", value: "{{.}}"},
	}
}

// field is one field of a form, and what the page says of values that it cannot take. A text that is empty is not looked for.
type field struct {
	name string
	// with is the rest of the form.
	with url.Values
	// blank is said of a value of which nothing is left, bad of one that cannot be right, long of one that is too long; bad if
	// empty.
	blank, bad, long string
	// foreign are values that are right for somebody else or were right once, of which wrong is said.
	foreign []string
	wrong   string
	// refilled is whether what was typed is in the form that comes back.
	refilled bool
	// raw is whether spaces are part of the value, as in passwords.
	raw bool
	// alike is whether the form has dozens of fields that are read in the same way: each is asked about what engines and pages may stumble
	// over, and the rest of the samples are for the fields that have words of their own.
	alike bool
	// fits says which samples the field takes as they are, so that they would do what the form is for; none if nil.
	fits func(v sample) bool
	// status is what a bad value is answered with, that of the form if zero.
	status int
	// before is called before each post: it asks what the answer is to, or forgets former tries.
	before func()
}

// What fields may take: a box is ticked by anything in it, some may be left blank, and some take whatever one likes.
func ticked(v sample) bool { return !v.blank }
func blank(v sample) bool  { return v.blank }
func anything(sample) bool { return true }
func words(v sample) bool  { return !v.blank && !v.long }

func (f field) takes(v sample) bool { return f.fits != nil && f.fits(v) }

// secret is whether no answer may repeat what was typed.
func (f field) secret() bool {
	return !f.refilled && slices.Contains([]string{"code", "credential", "password", "current", "ticket"}, f.name)
}

func (f field) ask() {
	if f.before != nil {
		f.before()
	}
}

// form is what can be posted to a route.
type form struct {
	// pattern is the route, path its address for b, and page the one whose page shows the form; path if empty.
	pattern, path, page string
	b                   *testapp.Browser
	fields              []field
	// status is what a bad value is answered with, 422 if zero; or leads is where it leads.
	status int
	leads  string
	// acts is whether an empty form does what the form is for, unseen whether its page could be opened.
	acts, unseen bool
	// script is whether no form is posted here: a page's script asks, and reads JSON.
	script bool
	// own is the part of the path that names what is the person's, and foreign what names nothing of theirs. elsewhere is where
	// the latter leads; a page for what does not exist if empty.
	own       string
	foreign   []string
	elsewhere string
	// press is what presses its button, where the button has a value.
	press url.Values
	// calm is called after a guess that was counted.
	calm func()
}

// of is the form as a field of it is answered.
func (f form) of(known field) form {
	f.status = cmp.Or(known.status, f.status)
	return f
}

// look is a page that is only looked at, and the parameters of its address.
type look struct {
	pattern, path string
	b             *testapp.Browser
	parameters    []string
	own           string
	foreign       []string
}

// books are the tables in which every try is written down, and counts the columns.
func books() []string {
	return []string{"audit_events", "audit_streams", "throttles", "budgets", "ceremonies"}
}

func counts() []string { return []string{"challenges.tries", "factors.failures"} }

// sweep posts bad input.
type sweep struct {
	*watched

	t *testing.T
}

// samples are those that the engine is asked about. Before them stands the same code.
func (s *sweep) samples() []sample {
	return slices.DeleteFunc(samples(), func(v sample) bool { return s.DB.Engine() != store.SQLite && !v.engine })
}

var (
	requestID = regexp.MustCompile(`E-[0-9A-Z]{4}-[0-9A-Z]{4}`)
	// The short words stand alone, since the letters of random values make them now and then.
	innards = regexp.MustCompile(`goroutine|panic|SQLSTATE|\b(?:sqlite|pgx|pgconn|pq)\b|SELECT |INSERT |UPDATE |\.go:\d|runtime error|/work/|invalid input syntax|strconv|mfa: |store: `)
)

// clean checks what no answer may have: a fault of ours, what is inside of us, or what was posted as anything but text.
func (s *sweep) clean(name string, p testapp.Page, secrets ...string) {
	s.t.Helper()
	if p.Status >= 500 {
		s.t.Errorf("%s: %d\n%s", name, p.Status, p.Body)
	}
	if m := innards.FindString(p.Body); m != "" {
		s.t.Errorf("%s: the answer says %q", name, m)
	}
	if strings.Contains(p.Body, "<script>alert") || p.Header.Get("X-Evil") != "" {
		s.t.Errorf("%s: markup or a header of the value's came back", name)
	}
	if kind := p.Header.Get("Content-Type"); p.Status >= 400 && !strings.HasPrefix(kind, "text/html") {
		s.t.Errorf("%s: the answer is %q", name, kind)
	}
	if p.Status == http.StatusUnprocessableEntity && !strings.Contains(p.Body, "<title>エラー：") {
		s.t.Errorf("%s: the title does not say that there is an error", name)
	}
	for _, secret := range secrets {
		if strings.Contains(html.UnescapeString(p.Body), secret) || strings.Contains(fmt.Sprint(p.Header), secret) {
			s.t.Errorf("%s: a secret came back", name)
		}
	}
}

// unchanged compares everything that is kept with what it was before do.
func (s *sweep) unchanged(name string, do func(), but ...string) {
	s.t.Helper()
	before := s.rows(s.t, counts()...)
	do()
	if d := difference(before, s.rows(s.t, counts()...), append(books(), but...)...); len(d) != 0 {
		s.t.Errorf("%s changed rows:\n%s", name, strings.Join(d, "\n"))
	}
}

// says checks that a form came back with what is wrong with it.
func (s *sweep) says(name string, f form, p testapp.Page, text string) {
	s.t.Helper()
	if f.leads != "" {
		if p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Location().RequestURI(), f.leads) {
			s.t.Errorf("%s: %d to %s, want %s", name, p.Status, p.Location(), f.leads)
			return
		}
		if text != "" {
			p = f.b.Follow(p)
			if !strings.Contains(html.UnescapeString(p.Body), text) {
				s.t.Errorf("%s leads to %s, which does not say %q", name, p.URL, text)
			}
		}
		return
	}
	if want := cmp.Or(f.status, http.StatusUnprocessableEntity); p.Status != want {
		s.t.Errorf("%s: %d to %s, want %d", name, p.Status, p.Location(), want)
		return
	}
	if !strings.Contains(html.UnescapeString(p.Body), text) {
		s.t.Errorf("%s: the page lacks %q", name, text)
	}
}

var attribute = regexp.MustCompile(`\s([a-z-]+)="([^"]*)"`)

// inputs are the named controls in a piece of a page, with their values.
func inputs(piece string) map[string]string {
	out := map[string]string{}
	for _, tag := range regexp.MustCompile(`<(?:input|select|button|textarea)\s[^>]*>`).FindAllString(piece, -1) {
		attributes := map[string]string{}
		for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
			attributes[m[1]] = html.UnescapeString(m[2])
		}
		if name := attributes["name"]; name != "" {
			out[name] = attributes["value"]
		}
	}
	return out
}

var formTag = regexp.MustCompile(`(?s)<form\s([^>]*)>(.*?)</form>`)

// formsOf are the named controls of all forms on a page that are posted to a path; found is whether there is one.
func formsOf(page, path string) (controls map[string]string, found bool) {
	controls = map[string]string{}
	for _, m := range formTag.FindAllStringSubmatch(page, -1) {
		action := regexp.MustCompile(`action="([^"]*)"`).FindStringSubmatch(m[1])
		if action == nil || html.UnescapeString(action[1]) != path {
			continue
		}
		found = true
		maps.Copy(controls, inputs(m[2]))
	}
	return controls, found
}

// fits checks that the cases know every field of the page's form.
func (s *sweep) fits(f form) {
	s.t.Helper()
	page := f.page
	if page == "" {
		page = f.path
	}
	p := f.b.Get(page)
	controls, found := formsOf(p.Body, f.path)
	if p.Status != http.StatusOK || !found {
		s.t.Fatalf("%s: %d to %s, no form for %s\n%s", page, p.Status, p.Location(), f.path, p.Body)
	}
	for name := range controls {
		if !slices.ContainsFunc(f.fields, func(known field) bool { return known.name == name }) {
			s.t.Errorf("field %s of %s has no case", name, f.path)
		}
	}
	for _, known := range f.fields {
		if _, ok := controls[known.name]; !ok {
			s.t.Errorf("%s has no field %s", f.path, known.name)
		}
	}
}

// typed is a value as the form that comes back has it, whatever the spaces.
func typed(v string) string {
	v = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\r' && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e {
			return -1
		}
		return r
	}, v)
	return strings.Join(strings.Fields(v), " ")
}

func body(with url.Values, name, v string) string {
	form := maps.Clone(with)
	if form == nil {
		form = url.Values{}
	}
	form.Set(name, v)
	return form.Encode()
}

// values posts every sample in one field.
func (s *sweep) values(f form, known field) {
	s.t.Helper()
	for _, v := range s.samples() {
		v.blank = v.blank && (!known.raw || v.value == "")
		if known.takes(v) || known.alike && !v.engine && v.name != "markup" {
			continue
		}
		known.ask()
		name := f.path + ", " + known.name + ": " + v.name
		p := f.b.Raw(f.path, "", body(known.with, known.name, v.value))
		var secrets []string
		if known.secret() && !v.blank {
			secrets = []string{v.value}
		}
		s.clean(name, p, secrets...)
		text := known.bad
		switch {
		case v.blank:
			text = known.blank
		case v.long && known.long != "":
			text = known.long
		}
		s.says(name, f.of(known), p, text)
		if got := typed(inputs(p.Body)[known.name]); known.refilled && p.Status == http.StatusUnprocessableEntity && got != typed(v.value) {
			s.t.Errorf("%s: the form is filled with %.80q, want %.80q", name, got, typed(v.value))
		}
	}
	for i, v := range known.foreign {
		name := fmt.Sprintf("%s, %s: foreign value %d", f.path, known.name, i+1)
		known.ask()
		p := f.b.Raw(f.path, "", body(known.with, known.name, v))
		var secrets []string
		if known.secret() {
			secrets = []string{v}
		}
		s.clean(name, p, secrets...)
		s.says(name, f.of(known), p, known.wrong)
		if f.calm != nil {
			f.calm()
		}
	}
}

// malformed posts one field in ways that no browser sends it.
func (s *sweep) malformed(f form, known field) {
	s.t.Helper()
	escaped := url.QueryEscape(known.name)
	others := maps.Clone(known.with)
	delete(others, known.name)
	rest := others.Encode() + "&"
	for name, text := range map[string]string{
		"given twice":    escaped + "=1&" + escaped + "=2",
		"NUL":            escaped + "=ab%00cd",
		"lone surrogate": escaped + "=%ED%A0%80",
		"not UTF-8":      escaped + "=%FF%FE",
		"bad escape":     escaped + "=%zz",
	} {
		if known.alike && name != "given twice" && name != "NUL" {
			continue
		}
		name = f.path + ", " + known.name + ": " + name
		p := f.b.Raw(f.path, "", rest+text)
		s.clean(name, p)
		if p.Status != http.StatusBadRequest {
			s.t.Errorf("%s: %d to %s", name, p.Status, p.Location())
		}
	}
	if known.alike || known.takes(sample{blank: true}) {
		return
	}
	// An array's name is another one's: the field is missing.
	for _, suffix := range []string{"[]", "[0]", "[x]", ".0"} {
		name := f.path + ", " + known.name + suffix
		known.ask()
		p := f.b.Raw(f.path, "", rest+url.QueryEscape(known.name+suffix)+"=yes")
		s.clean(name, p)
		s.says(name, f.of(known), p, known.blank)
	}
}

// bodies posts what is no form of ours.
func (s *sweep) bodies(f form) {
	s.t.Helper()
	controls := url.Values{"do": {"verify"}}
	for _, known := range f.fields {
		controls.Set(known.name, "yes")
	}
	asJSON, err := json.Marshal(controls)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, c := range map[string]struct {
		contentType, body string
		status            int
	}{
		"JSON":            {"application/json", string(asJSON), http.StatusUnsupportedMediaType},
		"multipart":       {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"do\"\r\n\r\nverify\r\n--x--\r\n", http.StatusUnsupportedMediaType},
		"plain text":      {"text/plain", controls.Encode(), http.StatusUnsupportedMediaType},
		"no content type": {"-", controls.Encode(), http.StatusUnsupportedMediaType},
		"neither":         {"-", "", http.StatusUnsupportedMediaType},
		"nonsense type":   {"form;;", controls.Encode(), http.StatusUnsupportedMediaType},
		"UTF-16":          {"application/x-www-form-urlencoded; charset=utf-16", "do=\x00v", http.StatusBadRequest},
		"many fields":     {"", manyFields(120), http.StatusBadRequest},
		"unknown twice":   {"", "a=1&a=2", http.StatusBadRequest},
		"unknown NUL":     {"", "a=%00", http.StatusBadRequest},
		"oversized":       {"", "a=" + strings.Repeat("x", 65<<10), http.StatusRequestEntityTooLarge},
	} {
		name = f.path + ", " + name
		p := f.b.Raw(f.path, c.contentType, c.body)
		s.clean(name, p)
		if p.Status != c.status {
			s.t.Errorf("%s: %d to %s, want %d", name, p.Status, p.Location(), c.status)
		}
	}
	if f.acts || len(f.fields) == 0 {
		return // nothing but the button: an empty form is how it is pressed
	}
	name := f.path + ", nothing"
	p := f.b.Raw(f.path, "", "")
	s.clean(name, p)
	s.says(name, f, p, "")
}

// asked posts to what a script asks: what comes with the question does not matter.
func (s *sweep) asked(f form) {
	s.t.Helper()
	for name, c := range map[string]struct{ contentType, body string }{
		"nothing": {"-", ""}, "a form": {"", "a=1&a=2&credential=%00"}, "JSON": {"application/json", `{"user":"x"}`}, "bytes": {"application/octet-stream", "\x00\xff"},
	} {
		name = f.path + ", " + name
		p := f.b.Raw(f.path, c.contentType, c.body)
		s.clean(name, p)
		if p.Status != http.StatusOK || !json.Valid([]byte(p.Body)) || p.Header.Get("Content-Type") != "application/json" {
			s.t.Errorf("%s: %d %s", name, p.Status, p.Header.Get("Content-Type"))
		}
	}
	p := f.b.Raw(f.path, "", strings.Repeat("x", 65<<10))
	if s.clean(f.path, p); p.Status != http.StatusRequestEntityTooLarge {
		s.t.Errorf("%s, oversized: %d", f.path, p.Status)
	}
}

// ids asks for what is not the caller's: it is answered like what does not exist.
func (s *sweep) ids(method string, f form) {
	s.t.Helper()
	path, b, own, elsewhere := f.path, f.b, f.own, f.elsewhere
	headers := map[string]string{"Origin": s.URL, "Sec-Fetch-Site": "same-origin"}
	ask := func(id string) (string, testapp.Page) {
		escaped := (&url.URL{Path: id}).EscapedPath()
		at := strings.Replace(path, own, escaped, 1)
		var posted url.Values
		if method == http.MethodPost {
			posted = url.Values{}
			maps.Copy(posted, f.press)
		}
		p := b.Do(method, at, posted, headers)
		if method == http.MethodGet && elsewhere == "" {
			p = b.Follow(p) // an address that only takes posts leads to the page of its form
		}
		s.clean(fmt.Sprintf("%s %.120s", method, at), p)
		text := fmt.Sprintf("%d %v\n%s", p.Status, p.Header["Content-Security-Policy"], p.Body)
		// The links to the other language name the page.
		at = p.URL.EscapedPath()
		text = strings.NewReplacer(at, "PATH", html.EscapeString(at), "PATH", url.QueryEscape(at), "PATH").Replace(text)
		return requestID.ReplaceAllString(text, "REF"), p
	}
	missing, _ := ask(string(store.NewID[store.DeviceID]()))
	for _, id := range f.foreign {
		text, p := ask(id)
		if p.URL.Path == f.page {
			continue // the page of the list, which is the person's own
		}
		name := fmt.Sprintf("%s %s with %.60q", method, path, id)
		switch {
		case elsewhere != "" && (p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Location().RequestURI(), elsewhere)):
			s.t.Errorf("%s: %d to %s, want %s", name, p.Status, p.Location(), elsewhere)
		case elsewhere == "" && p.Status != http.StatusNotFound:
			s.t.Errorf("%s: %d to %s", name, p.Status, p.Location())
		case elsewhere == "" && text != missing:
			s.t.Errorf("%s differs from what does not exist:\n%s\n%s", name, text, missing)
		}
	}
}

// malformedIDs are no ids of anything, in ways that reach a handler.
func malformedIDs() []string {
	return []string{
		"x", "0", "-1", "00000000-0000-0000-0000-000000000000", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "0192F0C1-2345-7ABC-8DEF-0123456789AB",
		"{0192f0c1-2345-7abc-8def-0123456789ab}", "0192f0c123457abc8def0123456789ab", "urn:uuid:0192f0c1-2345-7abc-8def-0123456789ab",
		"１２３", "🔑", "' OR ''='", "<script>alert(1)<", "%s", strings.Repeat("a", 1500),
	}
}

// look asks for a page with bad values in the parameters of its address.
func (s *sweep) look(l look) {
	s.t.Helper()
	separator := "?"
	if strings.Contains(l.path, "?") {
		separator = "&"
	}
	for _, parameter := range l.parameters {
		for _, v := range s.samples() {
			if v.long {
				v.value = strings.Repeat("9", 10<<10) // as long as an address can be
			}
			query := separator + url.Values{parameter: {v.value}}.Encode()
			name := fmt.Sprintf("%.160s", l.path+query)
			p := l.b.Get(l.path + query)
			s.clean(name, p)
			if !slices.Contains([]int{http.StatusOK, http.StatusSeeOther, http.StatusBadRequest, http.StatusNotFound, http.StatusGone}, p.Status) {
				s.t.Errorf("%s: %d", name, p.Status)
			}
		}
		for _, query := range []string{"=%00", "=%ED%A0%80", "=%zz", "[]=1", "=1&" + parameter + "=2"} {
			p := l.b.Get(l.path + separator + parameter + query)
			s.clean(l.path+separator+parameter+query, p)
		}
	}
	if l.own != "" {
		s.ids(http.MethodGet, form{path: l.path, b: l.b, own: l.own, foreign: l.foreign})
	}
}

// swept reports whether a route is a page or a form of ours: what browsers fetch without people, and what relying parties and
// their sites ask for, is tested elsewhere.
func swept(path string) bool {
	others := append(provider.CrossSitePaths(), "/", "/assets/*", "/favicon.ico", "/jwks", "/userinfo", "/authorize", "/logout",
		"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/ssf-configuration")
	// What programs send has sweeps of its own in package admin, made from the table of operations and for SCIM; reports of deliveries
	// have theirs in package delivery, and receivers of security events in TestSignals_StreamsAreTheirReceiversOwn. The forms that bring
	// a file, and what comes of it: TestUpload… and TestConsoleSetsALogo in package admin; logos are fetched by browsers:
	// TestLogoIsServedToAnybody.
	return !slices.Contains(others, path) && !strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/scim/") && !strings.HasPrefix(path, "/hooks/") &&
		!strings.HasPrefix(path, "/ssf/") && !strings.HasPrefix(path, templates.PathImport) && !slices.Contains([]string{"/admin/clients/{client}/logo", templates.PathLogo + "/{client}"}, path)
}

// Every field of every page with every kind of value that is not asked for: the page says what is wrong, in the words of the guide,
// with what was typed and without what is secret; what is somebody else's is like what does not exist; nothing changes, and nothing
// of ours breaks. A route or a field that has no case fails, so that no page is ever added without one.
func TestBadInput(t *testing.T) {
	if raceDetector {
		t.Skip("thousands of requests one after the other: nothing for the race detector, which makes them ten times as slow")
	}
	each(t, func(t *testing.T, a *watched) {
		s := &sweep{watched: a, t: t}
		forms, looks := badInputCases(t, a)
		posted, looked, pages := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, f := range forms {
			posted[f.pattern] = true
		}
		for _, l := range looks {
			looked[l.pattern] = true
		}
		err := chi.Walk(a.Handler.(chi.Routes), func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
			pages[pattern] = pages[pattern] || method == http.MethodGet
			switch {
			case !swept(pattern):
			case method == http.MethodGet && !looked[pattern] && !posted[pattern], method != http.MethodGet && !posted[pattern]:
				t.Errorf("%s %s has no case", method, pattern)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range forms {
			t.Run(strings.Trim(f.pattern, "/"), func(t *testing.T) {
				s := &sweep{watched: a, t: t}
				if !f.script && !f.unseen {
					s.fits(f)
				}
				for _, known := range f.fields {
					s.unchanged(f.path+", "+known.name, func() {
						s.values(f, known)
						s.malformed(f, known)
					})
				}
				s.unchanged(f.path, func() {
					if f.script {
						s.asked(f)
					} else {
						s.bodies(f)
					}
					if f.own != "" {
						s.ids(http.MethodPost, f)
					}
					if f.own != "" && pages[f.pattern] {
						s.ids(http.MethodGet, f)
					}
				})
			})
		}
		s.unchanged("looking", func() {
			for _, l := range looks {
				s.look(l)
			}
		}, "flows") // a link may begin a sign-in, which is nobody's
		if strings.Contains(a.Log.String(), `"status":500`) || strings.Contains(a.Log.String(), `"stack"`) {
			t.Error("the log has a 500")
		}
	})
}

// Whoever has as many passkeys as they can is told so, also by an address that the page does not show any more.
func TestEnoughPasskeys(t *testing.T) {
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		p := everythingSetUp(t, a, account.KindStore, "kikuchi", 1)
		page := p.home + "/passkey"
		credential := answerTo(t, p.b, page+"/options", newKey().Create)
		model := p.passkeys[0]
		inTx(t, a, func(tx *store.Tx) error {
			for i := len(p.passkeys); i < 20; i++ {
				if err := tx.InsertPasskey(t.Context(), store.InsertPasskeyParams{
					ID: store.NewID[store.PasskeyID](), AccountID: model.AccountID, FactorID: model.FactorID, CredentialID: fmt.Append(nil, "key ", i),
					Record: model.Record, Name: fmt.Sprint("鍵", i+1), Now: a.Clock.Now(),
				}); err != nil {
					return err
				}
			}
			return nil
		})
		const enough = "登録できるパスキーの数の上限に達しています。"
		for name, got := range map[string]testapp.Page{
			"200": p.b.Get(page), "409": p.b.Post(page+"/options", nil), "422": p.b.Post(page, value("credential", credential, "name", "もう一つ")),
		} {
			if fmt.Sprint(got.Status) != name || !strings.Contains(got.Body, enough) {
				t.Errorf("%s answers %d\n%s", got.URL.Path, got.Status, got.Body)
			}
		}
	})
}
