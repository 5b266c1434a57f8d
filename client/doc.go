// Package client owns what an application's registration says beyond what statements look at: one document per client, its members
// named as RFC 7591 and its extensions name them, and the checks of that document.
//
// It must not know who registers, what a page calls a member, or how the protocol uses one: the console, the API, dynamic registration
// and the provider share the words and the rules, and nothing else.
package client
