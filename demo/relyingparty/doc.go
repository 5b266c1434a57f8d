// Package relyingparty is the demo's sample store and My Page: real relying
// parties that know the provider by its public protocol alone.
//
// It owns the client's side of OpenID Connect (code flow with PKCE, refresh,
// step-up, logout) and the sample pages around it. It must not know anything of
// the provider's packages: what works here works from any other machine.
package relyingparty
