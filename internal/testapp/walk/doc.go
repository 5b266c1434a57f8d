// Package walk lets people and thieves wander through the whole server at random, over HTTP, and looks at everything they are
// handed: no path may lead to a session, a token or a change of security settings that nobody proved enough for.
//
// It holds nothing but a test. The test keeps its own record of who knows which secret and who proved what in which browser, and
// reckons by the tables and invariants of the specification alone. It must not ask the code that decides: neither signin, nor the
// services, nor what rows say about proofs.
package walk
