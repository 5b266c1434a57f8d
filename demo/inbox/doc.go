// Package inbox is the demo's mailbox for everybody: a real SMTP server that
// keeps the newest messages in memory, an API that lists them and a page that
// shows them.
//
// It owns receiving and showing. It must not know who sends or why: the mails
// reach it over SMTP as they would reach any other server.
package inbox
