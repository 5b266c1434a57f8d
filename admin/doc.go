// Package admin is what the people who run the service do: the console's pages, the API, and the use cases behind both.
//
// It owns the roles of operators and what each may do, and it is the only place where staff change somebody else's account.
// Every use case takes an [Actor], checks its right, does its work and writes its audit row in one transaction; a refusal is
// written down too. The command line goes through the same use cases as [System], and the API as a client or an operator; what it
// can do is one table of operations ([API]). A customer's directory has a face of its own beside it (SCIM, scim*.go). What opens an account may take
// a second operator (approval*.go).
//
// It must not know how people sign in or what the protocol is, it holds no rule about factors (mfa has those) nor about names
// and passwords (account has those), and its handlers hold no rule at all.
package admin
