package admin

import (
	"errors"
	"strings"
	"testing"
)

// person is an account as filters see it.
func scimPerson() map[string]any {
	return map[string]any{
		"schemas": []any{scimUserSchema, scimEnterpriseSchema, scimFutakagiSchema},
		"id":      "01900000-0000-7000-8000-000000000001", "externalId": "E-1", "userName": "Tanaka@example.jp",
		"name": map[string]any{"formatted": "田中 太郎"}, "displayName": "田中 太郎", "active": true,
		"emails":             []any{workAddress("Tanaka@example.jp")},
		"groups":             []any{map[string]any{"value": "01900000-0000-7000-8000-000000000009", "display": "本社", "type": "direct"}},
		scimEnterpriseSchema: map[string]any{"organization": "株式会社サンプル商事"},
		scimFutakagiSchema:   map[string]any{"twoFactor": map[string]any{"switch": "use", "required": true, "methods": []any{"totp", "sms"}}},
		"meta": map[string]any{
			"resourceType": "User", "created": "2026-11-01T00:00:00Z", "lastModified": "2026-11-20T12:30:00.5Z", "version": `W/"1"`,
		},
	}
}

// RFC 7644 section 3.4.2.2: every operator, in the shapes of its examples.
func TestSCIMFilterMatches(t *testing.T) {
	for filter, want := range map[string]bool{
		`userName eq "tanaka@example.jp"`:     true,
		`USERNAME Eq "TANAKA@example.jp"`:     true,
		`userName eq "suzuki"`:                false,
		`userName ne "suzuki"`:                true,
		`userName sw "TANA"`:                  true,
		`userName ew ".jp"`:                   true,
		`userName co "@"`:                     true,
		`userName pr`:                         true,
		`userName gt "a" and userName lt "u"`: true,
		`userName ge "tanaka@example.jp" and userName le "tanaka@example.jp"`:                 true,
		`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "t"`:                          true,
		`URN:IETF:params:scim:schemas:core:2.0:user:name.formatted co "太郎"`:                   true,
		`name.formatted eq "田中 太郎"`:                                                           true,
		`externalId eq "E-1"`:                                                                 true,
		`externalId eq "e-1"`:                                                                 false,
		`externalId eq null`:                                                                  false,
		`preferredLanguage eq null`:                                                           true,
		`preferredLanguage pr`:                                                                false,
		`preferredLanguage ne "ja"`:                                                           true,
		`not (preferredLanguage pr)`:                                                          true,
		`active eq true`:                                                                      true,
		`active eq "True"`:                                                                    true,
		`active ne false`:                                                                     true,
		`emails eq "tanaka@example.jp"`:                                                       true,
		`emails co "example.jp"`:                                                              true,
		`emails.value sw "tanaka"`:                                                            true,
		`emails.type eq "home"`:                                                               false,
		`emails[type eq "work"]`:                                                              true,
		`emails[type eq "work" and value co "@example.jp"]`:                                   true,
		`emails[type eq "home" or not (value co "@example.jp")]`:                              false,
		`emails[type eq "work"].value eq "tanaka@example.jp"`:                                 true,
		`emails[primary eq true].value eq "other@example.jp"`:                                 false,
		`groups.display eq "本社"`:                                                              true,
		`meta.lastModified gt "2026-11-20T12:30:00Z"`:                                         true,
		`meta.lastModified ge "2026-11-20T21:30:00.5+09:00"`:                                  true,
		`meta.lastModified lt "2026-11-20T12:30:00Z"`:                                         false,
		`meta.lastModified eq "2026-11-20T12:30:00.500Z"`:                                     true,
		`meta.resourceType eq "User"`:                                                         true,
		`schemas eq "urn:futakagi:scim:schemas:2.0:User"`:                                     true,
		scimEnterpriseSchema + `:organization co "サンプル"`:                                      true,
		scimFutakagiSchema + `:twoFactor.methods eq "sms"`:                                    true,
		scimFutakagiSchema + `:twoFactor.required eq false`:                                   false,
		`id eq "01900000-0000-7000-8000-000000000001"`:                                        true,
		`active eq false or userName sw "t" and userName ew "p"`:                              true, // and binds closer
		`(active eq false or userName sw "t") and userName ew "x"`:                            false,
		`not (active eq false) and not(userName sw "x")`:                                      true,
		`userName eq "a" or userName eq "b" or userName eq "tanaka@example.jp"`:               true,
		`displayName eq "\u7530\u4e2d \"x\""`:                                                 false,
		`  userName   eq   "tanaka@example.jp"  `:                                             true,
		`((userName pr))`:                                                                     true,
		`name.formatted pr and emails pr`:                                                     true,
		`emails[value eq "tanaka@example.jp"] and groups[display eq "本社" and type pr]`:        true,
		`userName eq "tanaka@example.jp" and urn:futakagi:scim:schemas:2.0:User:twoFactor pr`: true,
	} {
		f, err := readFilter(filter, scimUsers())
		if err != nil {
			t.Errorf("%s: %v", filter, err)
		} else if got := f.match(scimPerson()); got != want {
			t.Errorf("%s: %v", filter, got)
		}
	}
}

// What is no filter, or asks for what is not kept, is said to be so.
func TestSCIMFilterRefuses(t *testing.T) {
	for _, filter := range []string{
		`userName`, `userName eq`, `userName eq tanaka`, `userName eq "x`, `userName eq "\x"`, `userName is "x"`, `eq "x"`, `"x" eq userName`,
		`userName eq "x" and`, `userName eq "x" userName eq "y"`, `(userName eq "x"`, `userName eq "x")`, `not userName pr`, `not`, `and`, `()`,
		`userName eq 1`, `active eq 1`, `active gt true`, `active co "t"`, `active eq "perhaps"`, `meta.lastModified gt "yesterday"`,
		`meta.lastModified co "2026"`, `name eq "x"`, `meta eq "x"`, `userName gt null`, `userName co true`,
		`password eq "x"`, `password pr`, `title eq "x"`, `nonsense eq "x"`, `name.familyName eq "x"`, `emails.nonsense eq "x"`,
		`urn:nonsense:userName eq "x"`, `urn:ietf:params:scim:schemas:core:2.0:Group:displayName eq "x"`,
		`userName[value eq "x"]`, `name[formatted eq "x"]`, `emails[`, `emails[]`, `emails[type eq "work"`, `emails[userName eq "x"]`,
		`emails[type eq "work"].nonsense eq "x"`, `emails[type eq "work"].value`, `emails[emails[type eq "x"]]`, "userName eq \"a\x00\"",
		`userName eq "a\u0000"`, "userName eq \"\xff\"", "userName\teq \"x\"", `userName.value eq "x"`, `emails.value.x eq "x"`,
		strings.Repeat("(", 40) + `userName pr` + strings.Repeat(")", 40),
		strings.Repeat(`userName pr or `, 50) + `userName pr`,
		`userName eq "` + strings.Repeat("x", maxFilter) + `"`,
		strings.Repeat("not (", 30) + `userName pr` + strings.Repeat(")", 30),
	} {
		_, err := readFilter(filter, scimUsers())
		if e, ok := errors.AsType[*scimError](err); !ok || e.kind != scimInvalidFilter {
			t.Errorf("%.80s: %v", filter, err)
		}
	}
}

// Whatever a filter says beside it, what it demands exactly is looked up and everything else is not missed.
func TestSCIMFilterDemands(t *testing.T) {
	for filter, want := range map[string]string{
		`userName eq "a"`:                                    "a",
		`active eq true and (userName eq "a")`:               "a",
		`userName eq "a" or active eq true`:                  "",
		`not (userName eq "a")`:                              "",
		`userName sw "a"`:                                    "",
		scimUserSchema + `:userName eq "a"`:                  "a",
		`emails[type eq "work"].value eq "a"`:                "",
		`userName eq "a" and userName ne "a"`:                "a",
		`(userName eq "a" or userName eq "b") and active pr`: "",
	} {
		f, err := readFilter(filter, scimUsers())
		must(t, err)
		if got, _ := exactly(f, "username"); got != want {
			t.Errorf("%s: %q", filter, got)
		}
	}
	f, err := readFilter(`emails[type eq "work"].value eq "a" and active eq true`, scimUsers())
	must(t, err)
	if got, _ := exactly(f, "emails.value"); got != "a" {
		t.Errorf("an address in brackets: %q", got)
	}
}

// RFC 7644 section 3.5.2: what a path is about.
func TestSCIMPaths(t *testing.T) {
	for path, want := range map[string]struct {
		name, sub            string
		only, ignored, fixed bool
	}{
		`userName`:                             {name: "username"},
		scimUserSchema + `:userName`:           {name: "username"},
		`name.formatted`:                       {name: "name", sub: "formatted"},
		scimUserSchema + `:name.formatted`:     {name: "name", sub: "formatted"},
		`name.familyName`:                      {name: "name", sub: "familyname", ignored: true},
		`emails[type eq "work"].value`:         {name: "emails", sub: "value", only: true},
		`emails[type eq "work"]`:               {name: "emails", only: true},
		`members`:                              {},
		`addresses[type eq "work"].formatted`:  {name: "addresses", sub: "formatted", only: true, ignored: true},
		`phoneNumbers[type eq "mobile"].value`: {name: "phonenumbers", sub: "value", only: true, ignored: true},
		`roles[primary eq "True"].value`:       {name: "roles", sub: "value", only: true, ignored: true},
		scimEnterpriseSchema + `:department`:   {name: "department", ignored: true},
		scimEnterpriseSchema + `:organization`: {name: "organization", fixed: true},
		scimFutakagiSchema + `:twoFactor`:      {name: "twofactor", fixed: true},
		`id`:                                   {name: "id", fixed: true},
		`meta.version`:                         {name: "meta", sub: "version", fixed: true},
		`groups[value eq "x"]`:                 {name: "groups", only: true, fixed: true},
		`externalId`:                           {name: "externalid"},
		``:                                     {},
		`nonsense`:                             {},
		`name.nonsense`:                        {},
		`userName.value`:                       {},
		`emails[type eq "work"`:                {},
		`emails[type eq "work"]value`:          {},
		`emails[type eq "work"].value.x`:       {},
		`emails[nonsense eq "work"].value`:     {},
		`name[formatted eq "x"]`:               {},
		`urn:nonsense:userName`:                {},
		`emails.value eq "x"`:                  {},
		` userName`:                            {name: "username"},
	} {
		got, err := readTarget(scimUsers(), path)
		if want.name == "" {
			if e, ok := errors.AsType[*scimError](err); !ok || e.kind != scimInvalidPath {
				t.Errorf("%s: %+v, %v", path, got, err)
			}
			continue
		}
		if err != nil || got.name != want.name || got.sub != want.sub || (got.only != nil) != want.only || got.ignored != want.ignored ||
			got.fixed != want.fixed {
			t.Errorf("%s: %+v, %v", path, got, err)
		}
	}
}

// A filter that is read can be asked about anything, and costs little.
func FuzzSCIMFilter(f *testing.F) {
	for _, seed := range []string{
		`userName eq "a"`, `not (emails[type eq "work" and value co "@"].value pr) or active eq false`, `meta.lastModified gt "2026-01-01T00:00:00Z"`,
		scimFutakagiSchema + `:twoFactor.methods eq "sms"`, `a[b[c eq "d"]]`, `((((`,
	} {
		f.Add(seed)
	}
	person := scimPerson()
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []*scimKind{scimUsers(), scimGroups()} {
			filter, err := readFilter(text, kind)
			if err != nil {
				if _, ok := errors.AsType[*scimError](err); !ok || filter != nil {
					t.Errorf("%q: %v with %v", text, err, filter)
				}
				continue
			}
			if filter.match(person) == (scimNot{filter}).match(person) {
				t.Errorf("%q is both", text)
			}
			filter.match(map[string]any{})
			n := 0
			compared(filter, "", func(string, scimCompare) { n++ })
			if n > maxFilterTerms+1 {
				t.Errorf("%q compares %d times", text, n)
			}
		}
	})
}

func FuzzSCIMPath(f *testing.F) {
	for _, seed := range []string{`emails[type eq "work"].value`, `members[value eq "x"]`, scimUserSchema + `:name.formatted`, `addresses[`, `:`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []*scimKind{scimUsers(), scimGroups()} {
			got, err := readTarget(kind, text)
			if err == nil && got.schema == "" {
				t.Errorf("%q: %+v", text, got)
			}
		}
	})
}
