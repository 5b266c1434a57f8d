// Package seal keeps secrets unreadable at rest and codes unforgeable.
//
// It owns the two keyed operations the product needs: authenticated encryption
// of a value bound to the row it is stored in, and message authentication of
// short codes. Both use a keyset that exists in the database only wrapped by
// the master key; the master key itself never reaches the database.
//
// The package knows keys and bytes. It must not know what a factor, a session
// or a mail is, where the wrapped keyset is stored, or where the master key
// comes from.
package seal
