package client

import (
	"net/url"
	"strings"
)

// maxResource bounds the name of a resource: a token names several.
const maxResource = 512

// ValidResource reports whether s can name a resource: an absolute URI without a fragment (RFC 8707 section 2), in the characters of URIs,
// so that a list of them can be written with spaces between.
func ValidResource(s string) bool {
	if len(s) > maxResource || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' }) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && (u.Host != "" || u.Opaque != "") && !strings.Contains(s, "#")
}
