// Package account owns people, the companies they buy for, and their passwords.
//
// It owns the rules of login IDs, names, addresses and new passwords, the hashing of passwords and the queue that bounds it, the
// hashes that other systems made, the throttle of password tries, and the ending of everything an account holds when its password
// changes or it is disabled. What changes rows takes the caller's transaction, so that the caller's audit row commits with it.
//
// It must not know of second factors, of flows and tokens beyond ending them, of HTTP, or of who may do what.
package account
