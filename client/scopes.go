package client

import "strings"

// The scopes of the Shared Signals endpoints (CAEP Interoperability Profile 1.0): managing one's streams and fetching what waits on
// them, and looking at the streams.
const (
	ScopeSignalsManage = "ssf.manage"
	ScopeSignalsRead   = "ssf.read"
)

// StaffOnly reports whether a scope is one that only registrations by staff have: what it opens is ours, and not a matter of what some
// person consents to. Nobody who registers by themselves gets it.
func StaffOnly(scope string) bool {
	return strings.HasPrefix(scope, "api:") || strings.HasPrefix(scope, "ssf.")
}

// Known reports whether a scope that begins like one of the Shared Signals endpoints is one of theirs.
func Known(scope string) bool {
	return !strings.HasPrefix(scope, "ssf.") || scope == ScopeSignalsManage || scope == ScopeSignalsRead
}
