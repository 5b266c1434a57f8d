// Package outbound makes HTTP requests to addresses that others have chosen: those that relying parties register.
//
// It owns the guard against requests that are sent to places they are not meant for (server-side request forgery): which addresses of
// the network may be dialled, that no redirect is followed, how long a request may take and how much of an answer is read. It must
// not know what the requests are about.
package outbound
