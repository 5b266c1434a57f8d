// Package signals is the transmitter of the OpenID Shared Signals Framework 1.0: relying parties keep streams here, on which they are told
// of security events of the accounts they know (CAEP 1.0), pushed (RFC 8935) or fetched (RFC 8936).
//
// It owns the endpoints, the documents that go over them, and what a security event token says (RFC 8417). What happens, and who is told
// of it, is written down by store and audit in the transaction of the act; delivery pushes. It must not know how tokens are signed or
// checked: both are given to it.
package signals
