package mfa

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/futakagi/futakagi/templates"
)

var (
	// ErrPhoneBlank, ErrPhoneForm and ErrPhoneLong say why a phone number was not accepted.
	ErrPhoneBlank = errors.New("no phone number given")
	ErrPhoneForm  = errors.New("not a phone number")
	ErrPhoneLong  = errors.New("phone number is too long")
	// ErrPhoneCountry means that codes are not sent to the number's country.
	ErrPhoneCountry = errors.New("phone number is of a country that is not allowed")
	// ErrPhoneNotMobile means that the number exists, but belongs to no mobile phone.
	ErrPhoneNotMobile = errors.New("not a mobile phone number")
)

const (
	// maxTyped is more than a number needs with a separator of several bytes after every digit.
	maxTyped = 128
	// maxDialled is 15 digits (ITU-T E.164 section 6.2.1), an international prefix such as 010, and a trunk zero.
	maxDialled = 19
)

// ParsePhone reads a mobile phone number as people type it, and returns it in the form of E.164: +819012345678. Country is the
// chosen country's ISO 3166 code; a number that begins with a country's calling code says by itself where it belongs. Allowed
// are the countries codes may be sent to. It returns one of the ErrPhone errors for anything else.
func ParsePhone(country, typed string, allowed []string) (e164 string, err error) {
	if !slices.Contains(allowed, country) {
		return "", ErrPhoneCountry
	}
	digits, err := dialled(country, typed)
	if err != nil {
		return "", err
	}
	n, err := phonenumbers.Parse(digits, country)
	if err != nil {
		return "", ErrPhoneForm
	}
	if err := checkMobile(n, allowed); err != nil {
		return "", err
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}

// dialled is what was typed without everything that is never dialled: digits, after a plus sign when the calling code of a
// country comes first.
func dialled(country, typed string) (string, error) {
	if len(typed) > maxTyped {
		return "", ErrPhoneLong
	}
	number := strings.Map(func(r rune) rune {
		// Brackets, dots, and lines that squeeze does not take for hyphens.
		if strings.ContainsRune("().·・\u02d7\u2043\u2500\u2501", r) {
			return -1
		}
		return r
	}, squeeze(typed))
	digits, international := strings.CutPrefix(number, "+")
	switch {
	case number == "":
		return "", ErrPhoneBlank
	case digits == "" || strings.Trim(digits, "0123456789") != "":
		// Letters too, which the library would turn into the digits of their keys.
		return "", ErrPhoneForm
	case len(digits) > maxDialled:
		return "", ErrPhoneLong
	}
	// 00 is the prefix of most countries, though not of Japan, whose 010 the library knows.
	if !international && strings.HasPrefix(digits, "00"+callingCode(country)) {
		return "+" + digits[2:], nil
	}
	return number, nil
}

// checkMobile returns nil for a number of a mobile phone in one of the allowed countries.
func checkMobile(n *phonenumbers.PhoneNumber, allowed []string) error {
	code := strconv.Itoa(int(n.GetCountryCode()))
	if !slices.ContainsFunc(allowed, func(country string) bool { return callingCode(country) == code }) {
		return ErrPhoneCountry
	}
	if code == "81" {
		if national := phonenumbers.GetNationalSignificantNumber(n); japaneseMobile(national) {
			if len(national) != 10 {
				return ErrPhoneForm
			}
			return nil
		}
	}
	kind := phonenumbers.GetNumberType(n)
	switch {
	case !phonenumbers.IsPossibleNumber(n) || kind == phonenumbers.UNKNOWN:
		return ErrPhoneForm
	case !slices.ContainsFunc(allowed, func(country string) bool { return phonenumbers.IsValidNumberForRegion(n, country) }):
		// Countries share calling codes: +1 is also islands where a message costs many times as much as in the United States.
		return ErrPhoneCountry
	case code == "81" || kind != phonenumbers.MOBILE && kind != phonenumbers.FIXED_LINE_OR_MOBILE:
		return ErrPhoneNotMobile
	}
	return nil
}

// japaneseMobile reports whether a national number begins as those of Japan's mobile phones do: 060, 070, 080 or 090, then no
// zero (0800 is toll-free). The library does not know 060, which came in July 2026.
func japaneseMobile(national string) bool {
	return len(national) > 2 && national[0] >= '6' && national[1] == '0' && national[2] != '0'
}

// callingCode is what stands after the plus sign in a country's numbers: "81".
func callingCode(country string) string {
	return strconv.Itoa(phonenumbers.GetCountryCodeForRegion(country))
}

// checkCountries returns an error for a list of allowed countries that cannot work.
func checkCountries(allowed []string) error {
	if len(allowed) == 0 {
		return errors.New("mfa: no country is allowed for phone numbers")
	}
	for i, country := range allowed {
		if callingCode(country) == "0" {
			return fmt.Errorf("mfa: %q is no country with phone numbers; want an ISO 3166 code such as JP", country)
		}
		if slices.Contains(allowed[:i], country) {
			return fmt.Errorf("mfa: country %s is listed twice", country)
		}
	}
	return nil
}

// countryOptions are the choices of a page that asks for a phone number, in the order of allowed: 日本（+81）.
func countryOptions(set *templates.Set, lang templates.Lang, allowed []string, selected string) []templates.Option {
	options := make([]templates.Option, 0, len(allowed))
	for _, country := range allowed {
		options = append(options, templates.Option{
			Value:    country,
			Label:    set.CountryLabel(lang, country) + set.T(lang, "ui.object", "name", "+"+callingCode(country)),
			Selected: country == selected,
		})
	}
	return options
}

// splitPhone is a number as people of its country write it, with that country: what a form shows of it.
func splitPhone(e164 string) (country, national string) {
	n, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return "", e164
	}
	// A number that the library does not know, such as a Japanese 060, has the country of its calling code.
	if country = phonenumbers.GetRegionCodeForNumber(n); country == "" {
		country = phonenumbers.GetRegionCodeForCountryCode(int(n.GetCountryCode()))
	}
	return country, phonenumbers.Format(n, phonenumbers.NATIONAL)
}

// phonePrefix is the part of a number that a sending budget against SMS pumping counts by: all but the last five digits. That
// is the block of 100,000 numbers that Japan gives to one operator (090-123), and about what other countries give out at once.
// Whoever is paid for messages to numbers of their own holds few such blocks, while honest people are spread over all of them;
// a budget for the whole of 090 would lock out half the country together with the fraud.
func phonePrefix(e164 string) string {
	const block = 5
	return e164[:max(0, len(e164)-block)]
}
