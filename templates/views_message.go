package templates

// The steps on a message's way that are not among its states.
const (
	StepCreated = "created"
	StepWaiting = "waiting"
	StepTried   = "tried"
	StepDelayed = "delayed"
)

// MessageStep is one step on a message's way.
type MessageStep struct {
	// Kind is one of the Step constants, or of the Delivery constants.
	Kind string
	// Hard is true for a bounce that says that nothing arrives at the address.
	Hard    bool
	At, ISO string
	// Status is the enhanced status code, Reply the other side's words, Source who reported it; each may be empty.
	Status, Reply, Source string
}

// Key selects the words for the step.
func (s MessageStep) Key(channel string) string {
	switch {
	case s.Kind == DeliveryAccepted:
		return "step.accepted." + channel
	case s.Kind == DeliveryBounced && s.Hard:
		return "step.bounced.hard"
	}
	return "step." + s.Kind
}

// Good reports whether the step is what one hopes for, Bad whether it is the end of hope.
func (s MessageStep) Good() bool { return s.Kind == DeliveryAccepted || s.Kind == DeliveryDelivered }

// Bad is the opposite of Good; steps in between are neither.
func (s MessageStep) Bad() bool {
	return s.Kind == DeliveryFailed || s.Kind == DeliveryBounced || s.Kind == DeliveryExpired
}

// MessageView is one message and its way: never its content.
type MessageView struct {
	BackURL string
	To      string
	// LoginID is whose message it is, AccountURL that account's page; empty for a message to nobody's account.
	LoginID, AccountURL string
	// Kind and Channel are those of the message, State one of the Delivery constants.
	Kind, Channel, State string
	Tries                int
	// RemoteID is what the mail server or gateway calls the message.
	RemoteID string
	Steps    []MessageStep
}
