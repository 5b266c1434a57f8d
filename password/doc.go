// Package password lets people change their own password, and get a new one when they forgot it.
//
// It owns both use cases with their pages: the change, which needs the present password and a fresh proof of everything else, and
// the link that goes to the registered address, which opens the way to a new password and to nothing more. Which passwords are
// good, and how they are checked and stored, is the account package's. It mints no session: after a reset the person signs in as
// ever, second factor included.
package password
