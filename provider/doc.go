// Package provider speaks OpenID Connect: it is the only package that knows the protocol, and the only one that hands out
// sessions and tokens.
//
// It owns the authorization, pushed request, token, device, userinfo, introspection, revocation, registration, key, discovery and
// logout endpoints; clients and signing keys as immutable snapshots in memory; the login page, the pages of consent and of device codes,
// and the one dispatcher that asks [signin.Next] what a sign-in needs and sends the browser there.
//
// It must not know how a second factor is proved or set up: it reads evidence from rows and redirects to paths. Machine
// endpoints are served through [github.com/zitadel/oidc/v3/pkg/op]'s Server interface, and what that package leaves open
// (exact client authentication, methods, duplicate parameters, caching, errors) is closed here before and after it.
package provider
