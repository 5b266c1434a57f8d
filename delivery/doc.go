// Package delivery brings messages to people, by mail and by SMS, and to relying parties, by HTTP: an outbox that is written in
// the transaction of what it tells about, and workers that send from it.
//
// It owns the rows of the outbox, the sealing and erasing of their content, the retries until a message is of no use any more,
// and the protocols of the mail server and of the SMS gateways. A message that is committed leaves at least once while it is of
// use, and twice only when a server dies between the other side's answer and its own note of it; both copies then carry the same
// id. What a gateway may have taken without saying so is not sent again, unless the gateway knows the id.
//
// It must not know why a message is sent, what relying parties are told or in which form, how codes are made, or who may ask for
// one: budgets and cool-downs are its callers'.
package delivery
