package mfa

import (
	"net/mail"
	"strings"

	"golang.org/x/text/unicode/norm"
)

const (
	maxAddress = 254 // RFC 5321 section 4.5.3.1.3 less the angle brackets
	maxLocal   = 64  // section 4.5.3.1.1
	maxLabel   = 63  // RFC 1035 section 2.3.4
)

// ParseEmail reads one bare email address: no display name, no comment, no quoting, ASCII only, at most 254 bytes, with a
// domain of at least two labels. The domain comes back in lower case; the part before the @ is its mail server's own
// business and stays as typed. Full-width letters become plain ones first, as a Japanese keyboard gives them.
func ParseEmail(typed string) (string, error) {
	if len(typed) > 4*maxAddress {
		return "", ErrEmailLong
	}
	s := strings.TrimSpace(norm.NFKC.String(typed))
	if s == "" {
		return "", ErrEmailBlank
	}
	if len(s) > maxAddress {
		return "", ErrEmailLong
	}
	for i := range len(s) {
		// Mail servers that take other characters exist, but addresses that look alike and are not do too.
		if c := s[i]; c <= ' ' || c >= 0x7f {
			return "", ErrEmailForm
		}
	}
	local, domain, ok := strings.Cut(s, "@")
	if !ok || strings.ContainsAny(s, `"(),:;<>[\]`) || len(local) > maxLocal || !hostname(domain) {
		return "", ErrEmailForm
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Name != "" || a.Address != s {
		return "", ErrEmailForm
	}
	return local + "@" + strings.ToLower(domain), nil
}

// hostname reports whether a domain is made of letters, digits and hyphens, and is not an IPv4 address.
func hostname(domain string) bool {
	labels := strings.Split(domain, ".")
	if len(labels) < 2 {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > maxLabel || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		for i := range len(l) {
			if c := l[i]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return false
			}
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}
