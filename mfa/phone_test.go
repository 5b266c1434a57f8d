package mfa

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"

	"github.com/futakagi/futakagi/templates"
)

func TestParsePhone(t *testing.T) {
	const tanaka = "+819012345678"
	for _, tt := range []struct {
		country, typed, want string
		err                  error
	}{
		// As people in Japan type them.
		{"JP", "09012345678", tanaka, nil},
		{"JP", "０９０１２３４５６７８", tanaka, nil},
		{"JP", "090-1234-5678", tanaka, nil},
		{"JP", "０９０－１２３４－５６７８", tanaka, nil},
		{"JP", "０９０ー１２３４ー５６７８", tanaka, nil},       // the long-vowel mark
		{"JP", "090ｰ1234ｰ5678", tanaka, nil},       // the same, half width
		{"JP", "090‐1234‑5678", tanaka, nil},       // hyphen, non-breaking hyphen
		{"JP", "090–1234—5678", tanaka, nil},       // dashes
		{"JP", "090−1234―5678", tanaka, nil},       // minus, horizontal bar
		{"JP", "090─1234━5678", tanaka, nil},       // lines of tables
		{"JP", "090˗1234⁃5678", tanaka, nil},       // modifier minus, hyphen bullet
		{"JP", "090 1234 5678", tanaka, nil},       // spaces
		{"JP", "　０９０　１２３４　５６７８\n", tanaka, nil},    // ideographic ones
		{"JP", "090\u00a01234\t5678", tanaka, nil}, // no-break space, tab
		{"JP", "(090)1234-5678", tanaka, nil},
		{"JP", "（０９０）１２３４－５６７８", tanaka, nil},
		{"JP", "090(1234)5678", tanaka, nil},
		{"JP", "090.1234.5678", tanaka, nil},
		{"JP", "090・1234・5678", tanaka, nil},
		{"JP", "\u202a090-1234-5678\u202c", tanaka, nil}, // as an address book copies it
		{"JP", "9012345678", tanaka, nil},
		{"JP", "08012345678", "+818012345678", nil},
		{"JP", "07012345678", "+817012345678", nil},
		{"JP", "06012345678", "+816012345678", nil}, // since July 2026
		{"JP", "060-9876-5432", "+816098765432", nil},
		{"JP", "6012345678", "+816012345678", nil},

		// With the country.
		{"JP", "+819012345678", tanaka, nil},
		{"JP", "＋８１９０１２３４５６７８", tanaka, nil},
		{"JP", "+81 90-1234-5678", tanaka, nil},
		{"JP", "(+81) 90 1234 5678", tanaka, nil},
		{"JP", "+81 (0)90-1234-5678", tanaka, nil},
		{"JP", "+81-090-1234-5678", tanaka, nil},
		{"JP", "819012345678", tanaka, nil},
		{"JP", "81-90-1234-5678", tanaka, nil},
		{"JP", "0081 90 1234 5678", tanaka, nil},
		{"JP", "0081 090 1234 5678", tanaka, nil},
		{"JP", "010 81 90 1234 5678", tanaka, nil},
		{"JP", "010-81-(0)90-1234-5678", tanaka, nil},
		{"JP", "+81 60 1234 5678", "+816012345678", nil},
		{"JP", "0081 60 1234 5678", "+816012345678", nil},
		{"JP", "010 81 60 1234 5678", "+816012345678", nil},
		{"US", "+81 90 1234 5678", tanaka, nil}, // another country is chosen: the number knows better
		{"US", "011 81 90 1234 5678", tanaka, nil},
		{"SG", "001 81 60 1234 5678", "+816012345678", nil},

		// Not mobile.
		{"JP", "03-1234-5678", "", ErrPhoneNotMobile},
		{"JP", "06-1234-5678", "", ErrPhoneNotMobile}, // Osaka
		{"JP", "0422-12-3456", "", ErrPhoneNotMobile},
		{"JP", "+81 3 1234 5678", "", ErrPhoneNotMobile},
		{"JP", "050-1234-5678", "", ErrPhoneNotMobile},
		{"JP", "020-1234-5678", "", ErrPhoneNotMobile},
		{"JP", "0120-123-456", "", ErrPhoneNotMobile},
		{"JP", "0800-123-4567", "", ErrPhoneNotMobile}, // toll-free, though it begins like 080
		{"JP", "0570-012-345", "", ErrPhoneNotMobile},
		{"JP", "0990-123-456", "", ErrPhoneNotMobile},

		// Not a number.
		{"JP", "", "", ErrPhoneBlank},
		{"JP", "　", "", ErrPhoneBlank},
		{"JP", "-", "", ErrPhoneBlank},
		{"JP", "()", "", ErrPhoneBlank},
		{"JP", "+", "", ErrPhoneForm},
		{"JP", "0", "", ErrPhoneForm},
		{"JP", "090-1234-567", "", ErrPhoneForm},
		{"JP", "060-1234-567", "", ErrPhoneForm},
		{"JP", "090-1234-56789", "", ErrPhoneForm},
		{"JP", "+81 90 1234 56789", "", ErrPhoneForm},
		{"JP", "0600-123-4567", "", ErrPhoneForm},
		{"JP", "0900-123-4567", "", ErrPhoneForm},
		{"JP", "110", "", ErrPhoneForm},
		{"JP", "119", "", ErrPhoneForm},
		{"JP", "+81 110", "", ErrPhoneForm},
		{"JP", "#7119", "", ErrPhoneForm},
		{"JP", "186-090-1234-5678", "", ErrPhoneForm},
		{"JP", "090-1234-5678,,1", "", ErrPhoneForm},
		{"JP", "090-1234-5678 ext. 1", "", ErrPhoneForm},
		{"JP", "tanaka@example.jp", "", ErrPhoneForm},
		{"JP", "〇九〇一二三四五六七八", "", ErrPhoneForm},
		{"JP", "०९०१२३४५६७८", "", ErrPhoneForm}, // digits, but of another script
		{"JP", "++819012345678", "", ErrPhoneForm},
		{"JP", "090+1234+5678", "", ErrPhoneForm},
		{"JP", "+09012345678", "", ErrPhoneForm},
		{"JP", "+999 90 1234 5678", "", ErrPhoneForm},
		{"JP", "4155552671", "", ErrPhoneForm}, // of the United States, which are not chosen
		{"JP", "09012345678\r\nBcc: x", "", ErrPhoneForm},
		{"JP", "090-1234-5678 080-1234-5678", "", ErrPhoneLong},
		{"JP", strings.Repeat("9", 20), "", ErrPhoneLong},
		{"JP", strings.Repeat("９", 1<<20), "", ErrPhoneLong},

		// Other countries.
		{"US", "(415) 555-2671", "+14155552671", nil},
		{"US", "415.555.2671", "+14155552671", nil},
		{"US", "1-415-555-2671", "+14155552671", nil},
		{"JP", "+1 415 555 2671", "+14155552671", nil},
		{"JP", "010 1 415 555 2671", "+14155552671", nil},
		{"SG", "9123 4567", "+6591234567", nil},
		{"SG", "０９１２３４５６７８", "", ErrPhoneForm},
		{"SG", "0065 9123 4567", "+6591234567", nil},
		{"SG", "001 65 9123 4567", "+6591234567", nil},
		{"SG", "6123 4567", "", ErrPhoneNotMobile},
		{"SG", "1800 123 4567", "", ErrPhoneNotMobile},
		{"SG", "995", "", ErrPhoneForm},
		{"US", "800 234 5678", "", ErrPhoneNotMobile},
		{"US", "900 234 5678", "", ErrPhoneNotMobile},
		{"US", "911", "", ErrPhoneForm},
		{"US", "555-2671", "", ErrPhoneForm},
		{"US", "1-800-FLOWERS", "", ErrPhoneForm},
		{"US", "123 555 2671", "", ErrPhoneForm},

		// Not allowed.
		{"JP", "+44 7400 123456", "", ErrPhoneCountry},
		{"JP", "+1 604 555 1234", "", ErrPhoneCountry}, // Canada
		{"JP", "+1 876 432 1234", "", ErrPhoneCountry}, // Jamaica
		{"US", "876 432 1234", "", ErrPhoneCountry},
		{"JP", "+881 6 1234 5678", "", ErrPhoneCountry}, // a satellite
		{"GB", "07400 123456", "", ErrPhoneCountry},
		{"", "09012345678", "", ErrPhoneCountry},
		{"jp", "09012345678", "", ErrPhoneCountry},
		{"+81", "09012345678", "", ErrPhoneCountry},
	} {
		got, err := ParsePhone(tt.country, tt.typed, []string{"JP", "US", "SG"})
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("ParsePhone(%q, %.60q) = %q, %v; want %q, %v", tt.country, tt.typed, got, err, tt.want, tt.err)
		}
	}
}

func TestParsePhoneJapanAlone(t *testing.T) {
	for typed, want := range map[string]error{
		"090-1234-5678":   nil,
		"+1 415 555 2671": ErrPhoneCountry,
		"010 65 91234567": ErrPhoneCountry,
	} {
		if got, err := ParsePhone("JP", typed, []string{"JP"}); !errors.Is(err, want) {
			t.Errorf("ParsePhone(%q) = %q, %v; want %v", typed, got, err, want)
		}
	}
	if got, err := ParsePhone("JP", "09012345678", nil); got != "" || !errors.Is(err, ErrPhoneCountry) {
		t.Errorf("no country is allowed: %q, %v", got, err)
	}
}

// Every country can be allowed: its example of a mobile number is read in its own form and in the international one.
func TestParsePhoneEveryCountry(t *testing.T) {
	for _, country := range slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions())) {
		if err := checkCountries([]string{country}); err != nil {
			t.Error(err)
		}
		example := phonenumbers.GetExampleNumberForType(country, phonenumbers.MOBILE)
		if example == nil {
			continue // a country without mobile phones of its own
		}
		want := phonenumbers.Format(example, phonenumbers.E164)
		for _, form := range []phonenumbers.PhoneNumberFormat{phonenumbers.E164, phonenumbers.INTERNATIONAL, phonenumbers.NATIONAL} {
			if country == "AR" && form == phonenumbers.NATIONAL {
				continue // which the library does not write as it is dialled
			}
			typed := phonenumbers.Format(example, form)
			if got, err := ParsePhone(country, typed, []string{country}); got != want || err != nil {
				t.Errorf("ParsePhone(%q, %q) = %q, %v; want %q", country, typed, got, err, want)
			}
		}
	}
}

// A Japanese mobile number is the same however it is written.
func TestParsePhoneProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		national := rapid.StringMatching(`[6-9]0[1-9][0-9]{7}`).Draw(t, "number")
		prefix := rapid.SampledFrom([]string{"", "0", "+81", "+810", "81", "0081", "00810", "01081", "010810"}).Draw(t, "prefix")
		var typed strings.Builder
		for _, r := range prefix + national {
			typed.WriteString(rapid.SampledFrom([]string{"", "", "", "-", " ", "　", "ー", "－", "(", "）", "\u200b"}).Draw(t, "between"))
			if rapid.Bool().Draw(t, "wide") {
				r += '０' - '0' // the plus sign as well
			}
			typed.WriteRune(r)
		}
		if got, err := ParsePhone("JP", typed.String(), []string{"JP"}); got != "+81"+national || err != nil {
			t.Fatalf("ParsePhone(%q) = %q, %v; want %q", typed.String(), got, err, "+81"+national)
		}
	})
}

func FuzzParsePhone(f *testing.F) {
	for _, s := range []string{"０９０-1234-5678", "+81 (0)60 1234 5678", "0081 9012345678", "010 1 415 555 2671", "(415) 555-2671", "9123 4567", "+447400123456", "110", "tel:+81"} {
		f.Add("JP", s)
		f.Add("US", s)
		f.Add("SG", s)
	}
	allowed := []string{"JP", "US", "SG", "GB"}
	form := regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	f.Fuzz(func(t *testing.T, country, typed string) {
		e164, err := ParsePhone(country, typed, allowed)
		if err != nil {
			if e164 != "" {
				t.Errorf("number %q with error %v", e164, err)
			}
			return
		}
		if !form.MatchString(e164) {
			t.Errorf("ParsePhone(%q, %q) = %q", country, typed, e164)
		}
		var homes []string
		for _, c := range allowed {
			if again, err := ParsePhone(c, e164, allowed); again != e164 || err != nil {
				t.Errorf("%q is not stable in %s: %q, %v", e164, c, again, err)
			}
			if _, err := ParsePhone(c, e164, []string{c}); err == nil {
				homes = append(homes, c)
			} else if !errors.Is(err, ErrPhoneCountry) {
				t.Errorf("%q where only %s is allowed: %v", e164, c, err)
			}
		}
		if len(homes) != 1 || !strings.HasPrefix(e164, "+"+callingCode(homes[0])) {
			t.Errorf("%q is at home in %v", e164, homes)
		}
		if japan := regexp.MustCompile(`^\+81[6-9]0[1-9][0-9]{7}$`); strings.HasPrefix(e164, "+81") != japan.MatchString(e164) {
			t.Errorf("ParsePhone(%q, %q) = %q", country, typed, e164)
		}
		if p := phonePrefix(e164); !strings.HasPrefix(e164, p) || len(p) != len(e164)-5 {
			t.Errorf("phonePrefix(%q) = %q", e164, p)
		}
	})
}

func TestCheckCountries(t *testing.T) {
	for _, tt := range []struct {
		allowed []string
		ok      bool
	}{
		{[]string{"JP"}, true},
		{[]string{"JP", "US", "SG", "TW"}, true},
		{nil, false},
		{[]string{"JP", "XX"}, false},
		{[]string{"jp"}, false},
		{[]string{"+81"}, false},
		{[]string{"001"}, false}, // satellites and such
		{[]string{""}, false},
		{[]string{"JP", "US", "JP"}, false},
	} {
		if err := checkCountries(tt.allowed); (err == nil) != tt.ok {
			t.Errorf("checkCountries(%q) = %v", tt.allowed, err)
		}
	}
}

func TestCountryOptions(t *testing.T) {
	set, err := templates.New(templates.Config{})
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"JP", "US", "SG", "KE"} // the last has no name in the catalogues
	for lang, want := range map[templates.Lang][]string{
		templates.Ja: {"日本（+81）", "アメリカ（+1）", "シンガポール（+65）", "KE（+254）"},
		templates.En: {"Japan (+81)", "United States (+1)", "Singapore (+65)", "KE (+254)"},
	} {
		var options []templates.Option
		for i, label := range want {
			options = append(options, templates.Option{Value: allowed[i], Label: label, Selected: allowed[i] == "SG"})
		}
		if diff := cmp.Diff(options, countryOptions(set, lang, allowed, "SG")); diff != "" {
			t.Errorf("%s:\n%s", lang, diff)
		}
	}
}

func TestPhonePrefix(t *testing.T) {
	for e164, want := range map[string]string{
		"+819012345678": "+8190123",
		"+819012399999": "+8190123",
		"+819012400000": "+8190124",
		"+14155552671":  "+141555",
		"+6591234567":   "+65912",
		"+81":           "",
		"":              "",
	} {
		if got := phonePrefix(e164); got != want {
			t.Errorf("phonePrefix(%q) = %q, want %q", e164, got, want)
		}
	}
}
