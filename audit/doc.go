// Package audit writes down who did what to whom, and whether it was allowed.
//
// It owns the event types and the one way to record them: Write, inside the transaction of the act itself, so that an act
// without its row cannot happen (and a refusal is a row too). It must not know how events are shown, and it never sees a
// secret: callers pass names, ids and reasons.
package audit
