package store

import "github.com/google/uuid"

// Row ids are UUIDv7 strings: they sort by creation, so that new rows land at the end of an index.
// Each table has a type of its own, so that a wrong id does not compile.
type (
	CustomerID  string
	UserGroupID string
	AccountID   string
	FactorID    string
	ChallengeID string
	BatchID     string
	DeviceID    string
	PasskeyID   string
	CeremonyID  string
	TicketID    string
	PassID      string
	RequestID   string
	FlowID      string
	SessionID   string
	GrantID     string
	TokenSetID  string
	MessageID   string
	EventID     string
	ResetID     string
	ApprovalID  string
	StreamID    string

	// DeviceCodeID is what a device asked for that has no browser.
	DeviceCodeID string
	// FormID names one showing of a form, so that sending it twice does its work once.
	FormID string
	// ReenrolTicketID is a ticket to set up a factor after a reset.
	ReenrolTicketID string
	ImportID        string
	// RegistrationTokenID is a token that lets clients register themselves.
	RegistrationTokenID string
	// AnnouncementID is one announcement of enforcement.
	AnnouncementID string
	// ResealID is one run that puts new keys under what is sealed.
	ResealID string
)

// NewID returns a fresh row id.
func NewID[T ~string]() T {
	return T(uuid.Must(uuid.NewV7()).String())
}

// MinID and MaxID sort before and after every id: keyset paging starts its first page beside them.
const (
	MinID = "00000000-0000-0000-0000-000000000000"
	MaxID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
)

// ValidID reports whether s has the one spelling that NewID produces; ids from URLs are checked with it before they reach a query.
func ValidID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s
}
