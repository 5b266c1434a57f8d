package provider

import (
	"net/url"
	"slices"
	"strings"

	"github.com/futakagi/futakagi/client"
)

// redirectAllowed reports whether a redirect URI is one of the registered ones. The comparison is byte for byte
// (RFC 9700 §4.1.3): no case folding, no decoding, no patterns. The one exception is RFC 8252 §7.3: the port of a loopback
// address is chosen by a native app at run time and is not compared.
func redirectAllowed(uri string, registered []string) bool {
	if slices.Contains(registered, uri) {
		return true
	}
	asked, ok := loopback(uri)
	if !ok {
		return false
	}
	return slices.ContainsFunc(registered, func(r string) bool {
		known, ok := loopback(r)
		return ok && known == asked
	})
}

// loopback returns a URI of an IP loopback interface with its port cut out, byte for byte otherwise.
// "localhost" is not one: it can resolve elsewhere (RFC 8252 §8.3).
func loopback(uri string) (portless string, ok bool) {
	for _, prefix := range []string{"http://127.0.0.1", "http://[::1]"} {
		rest, found := strings.CutPrefix(uri, prefix)
		if !found {
			continue
		}
		if port, found := strings.CutPrefix(rest, ":"); found {
			digits := len(port) - len(strings.TrimLeft(port, "0123456789"))
			if digits == 0 || digits > 5 {
				return "", false
			}
			rest = port[digits:]
		}
		// What follows host and port must be a path or a query, or the end: "127.0.0.1.example" and "127.0.0.1@example"
		// are other hosts.
		if rest != "" && rest[0] != '/' && rest[0] != '?' {
			return "", false
		}
		if strings.ContainsAny(rest, "#\\") {
			return "", false
		}
		return prefix + rest, true
	}
	return "", false
}

// ValidRedirectURI explains what is wrong with a URI that somebody wants to register; an empty answer means it is good.
func ValidRedirectURI(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil || !u.IsAbs():
		return "must be an absolute URI"
	case strings.ContainsAny(uri, "#*\\ \t\r\n"):
		return "must have no fragment, wildcard, backslash or space"
	case u.User != nil:
		return "must not carry a user name or password"
	case !cleanText(uri) || client.EscapedHost(uri):
		return "must have a host without escapes or control characters"
	case u.Scheme == "https":
		if u.Host == "" {
			return "must have a host"
		}
	case u.Scheme == "http":
		if _, ok := loopback(uri); !ok && u.Hostname() != "localhost" {
			return "must use https; http is for loopback addresses only"
		}
	case !strings.Contains(u.Scheme, "."):
		return "must use https, or a private-use scheme with a dot in it (RFC 8252 section 7.1)"
	}
	return ""
}
