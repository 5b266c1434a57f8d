// Package delivery brings messages to people: an outbox that is written in the transaction of what it tells about, and workers
// that send from it.
//
// It owns the rows of the outbox, the sealing and erasing of their content, the retries until a message is of no use any more,
// and the mail server's protocol. A message that is committed leaves at least once while it is of use, and twice only when a
// server dies between the mail server's answer and its own note of it; both copies then carry the same Message-ID.
//
// It must not know why a message is sent, how codes are made, or who may ask for one: budgets and cool-downs are its callers'.
package delivery
