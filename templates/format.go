package templates

import (
	"strings"
	"time"
)

// Time formats t for people in zone, to the minute: 2025-09-03 17:45. The zero time gives "".
func Time(t time.Time, zone *time.Location) string { return format(t, zone, "2006-01-02 15:04") }

// TimeSeconds formats t for people in zone, to the second: 2025-09-03 17:45:22.
func TimeSeconds(t time.Time, zone *time.Location) string {
	return format(t, zone, "2006-01-02 15:04:05")
}

// Date formats the day of t in zone: 2025-09-03.
func Date(t time.Time, zone *time.Location) string { return format(t, zone, "2006-01-02") }

// ISO formats t in zone for <time datetime>.
func ISO(t time.Time, zone *time.Location) string { return format(t, zone, time.RFC3339) }

func format(t time.Time, zone *time.Location, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(layout)
}

// MaskEmail shows the first two letters of the local part and the domain: ne•••••@example.jp. The number of
// dots is fixed, so the mask does not tell the length.
func MaskEmail(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok {
		return "•••••"
	}
	letters := []rune(local)
	return string(letters[:min(2, len(letters)/2)]) + "•••••@" + domain
}

// Phone writes a number in the form of E.164 the way people dial it: a Japanese one with its leading zero, any other as it is.
func Phone(number string) string {
	if national, ok := strings.CutPrefix(number, "+81"); ok {
		return "0" + national
	}
	return number
}

// MaskPhone shows the last two digits of a phone number: •••-••••-••34. The dots are always the same, so the mask tells neither
// the length nor the country.
func MaskPhone(number string) string {
	const hidden = "•••-••••-••"
	last := number[max(0, len(number)-2):]
	if len(number) < 7 || strings.Trim(last, "0123456789") != "" {
		last = "••" // too short for two of its digits to be no secret, or no number at all
	}
	return hidden + last
}
