package provider

import (
	"slices"
	"strings"
)

// The scopes with a meaning of their own (OpenID Connect Core §5.4, §11). Any other scope a client is registered for names
// an API of somebody else's and is passed through.
const (
	scopeOpenID  = "openid"
	scopeProfile = "profile"
	scopeEmail   = "email"
	scopeOffline = "offline_access"
)

func identityScopes() []string {
	return []string{scopeOpenID, scopeProfile, scopeEmail, scopeOffline}
}

// hasScope reports whether a space-delimited scope holds s.
func hasScope(scope, s string) bool {
	for v := range strings.FieldsSeq(scope) {
		if v == s {
			return true
		}
	}
	return false
}

// narrowScope returns the asked scope if all of it was granted, and all that was granted when nothing was asked
// (RFC 6749 §6).
func narrowScope(asked, granted []string) (scope []string, ok bool) {
	if len(asked) == 0 {
		return granted, true
	}
	for _, s := range asked {
		if !slices.Contains(granted, s) {
			return nil, false
		}
		if !slices.Contains(scope, s) {
			scope = append(scope, s)
		}
	}
	return scope, true
}

// formatScope makes the stored and the sent form: values separated by one space.
func formatScope(scope []string) string { return strings.Join(scope, " ") }
