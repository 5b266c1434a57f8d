// Package web is the HTTP toolkit every feature mounts its handlers on.
//
// It owns what is the same for each request whatever it asks for: handlers
// that return errors and the pages those become, the middleware stack (request
// id, one log line, metrics, security headers, limits, host check,
// cross-origin protection), the client's address, cookies, the session and the
// flow a request belongs to, form decoding, redirects and the language.
//
// It must not know what a request is about: no factor, no policy, no protocol
// message. Whether evidence is fresh enough is asked of a function given to it.
package web
