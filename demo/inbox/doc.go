// Package inbox is the demo's mailbox and phone for everybody: a real SMTP server
// and an SMS gateway that keep the newest messages in memory, an API that lists
// them and a page that shows them.
//
// It owns receiving and showing. It must not know who sends or why: messages
// reach it over SMTP and HTTP as they would reach any other server.
package inbox
