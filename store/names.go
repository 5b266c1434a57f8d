package store

// The channels of [Tx.Notify] that more than one package speaks on.
const (
	// ClientsChannel is told the id of a client that was changed; servers hold them in memory.
	ClientsChannel = "clients"
	// KeysChannel is told that signing keys were made, planned, retired or revoked.
	KeysChannel = "keys"
	// KeysetChannel is told that the keyset changed, or is to.
	KeysetChannel = "keyset"
	// PushChannel is told that something was queued for relying parties.
	PushChannel = "push"
	// SignalsChannel is told that something waits on a stream of signals to be fetched.
	SignalsChannel = "signals"
)

// KeysetName is the row of the keyset that seals and signs what the database holds.
const KeysetName = "main"

// TicketAddressUndo is the purpose of the tickets that undo a change of the second factor's address.
const TicketAddressUndo = "address_undo"

// TicketPassword is the purpose of the tickets that let somebody who forgot the password choose another.
const TicketPassword = "password"

// The values of a surface's reenrol: who may set up a factor after a reset.
const (
	ReenrolOpen     = "open"   // whoever holds the password
	ReenrolByTicket = "ticket" // whoever has a ticket from staff besides
)

// TicketStop is the purpose of the tickets that stop changes of an account's security settings for a while.
const TicketStop = "stop"
