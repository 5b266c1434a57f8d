package templates

// The kinds of message, as the outbox and the console name them.
const (
	MessageCode           = "code"
	MessageSignOut        = "sign_out"      // to a relying party
	MessageSignal         = "signal"        // a security event, to a relying party
	MessageStreamSignal   = "signal_stream" // or something about the stream of them
	MessageSetUp          = "set_up"
	MessageAddressChanged = "address_changed"
	MessageReset          = "reset"
	MessageCodesReissued  = "codes_reissued"
	MessageCodesLow       = "codes_low"
	MessageDeviceVoided   = "device_voided"

	MessageExempted   = "exempted"
	MessagePassIssued = "pass_issued"
	MessagePassUsed   = "pass_used"

	MessageFactorRemoved     = "factor_removed"
	MessageOrderChanged      = "order_changed"
	MessageAddressRestored   = "address_restored"
	MessageRegisteredChanged = "registered_changed"
	MessageFrozen            = "frozen"
	MessageFreezeLifted      = "freeze_lifted"

	MessageEnforcement = "enforcement"

	MessagePasswordChanged   = "password_changed"
	MessagePasswordResetLink = "password_reset_link"
	MessageReenrolTicket     = "reenrol_ticket"
)

// CodeMail carries a verification code.
type CodeMail struct {
	Code string
	// Minutes is how long the code lives.
	Minutes int
}

// TicketMail carries a ticket to set up a factor after a reset.
type TicketMail struct {
	// LoginID says which account.
	LoginID string
	// Ticket is the number as people read it.
	Ticket string
	// Minutes is how long it is accepted.
	Minutes int
}

// NoticeMail tells a person about a change of their two-factor settings.
type NoticeMail struct {
	// LoginID says which account.
	LoginID string
	// At is the time of the change in the display zone.
	At string
	// Kind is the kind of factor, where the notice names one.
	Kind string
	// Address is the masked new destination, where the notice names one.
	Address string
	// Device is the browser, where the notice names one.
	Device string
	// Left is how many backup codes are left, where the notice is about that.
	Left int
	// Until is when what the notice tells of ends by itself, where it does.
	Until string
	// Day is the day from which something holds, where the notice is about one.
	Day string
	// UndoURL is where the recipient can take the change back within Hours; empty for those who cannot.
	UndoURL string
	// StopURL is where the recipient can stop further changes within Hours; empty where there is nothing to stop.
	StopURL string
	Hours   int
}

// LinkMail carries a link that opens something once.
type LinkMail struct {
	// LoginID says which account.
	LoginID string
	// URL is the whole link.
	URL string
	// Minutes is how long it works.
	Minutes int
	// ByProvider is true when staff sent it, not the person.
	ByProvider bool
}
