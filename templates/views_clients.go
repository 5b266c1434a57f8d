package templates

// ClientRow is one relying party of the list.
type ClientRow struct {
	Name, ID, URL string
	// LogoURL is where its logo is; empty for none.
	LogoURL string
	// Surface is the id of its surface, Method how it proves who it is.
	Surface, Method string
	// LastAt is when somebody last signed in; empty if nothing of that is kept.
	LastAt, LastISO string
	Disabled        bool
	// Registered is whether it registered itself.
	Registered bool
	// FormerUntil is until when a former secret works, FormerUsed when that was last used; empty for never.
	FormerUntil, FormerUsed string
}

// ClientsView is 連携アプリケーション. GET fields: q, state, after.
type ClientsView struct {
	Action, Query, State, NewURL string
	// TokensURL leads to what lets applications register themselves.
	TokensURL string
	Rows      []ClientRow
	// Filtered is whether not everything is looked for.
	Filtered bool
	Pager    Pager
}

// ClientKind is one kind of relying party that can be registered: web, browser, native, device or service.
type ClientKind struct{ Kind, URL string }

// kindIcons are the drawings of the kinds.
var kindIcons = map[string]string{"web": "clients", "browser": "laptop", "native": "phone", "service": "exchange", "device": "store"}

// ClientKindsView chooses what kind of relying party is registered.
type ClientKindsView struct {
	BackURL string
	Kinds   []ClientKind
}

// ClientBox is one thing that a relying party may do, with its form field. Fixed ones cannot be changed.
type ClientBox struct {
	Field, Value   string
	Checked, Fixed bool
}

// chosen are the boxes that are ticked.
func chosen(boxes []ClientBox) (ticked []ClientBox) {
	for _, b := range boxes {
		if b.Checked {
			ticked = append(ticked, b)
		}
	}
	return ticked
}

// ClientFields are the fields of a registration: id (of a new one), name, surface, auth_method, redirect_uris, post_logout_redirect_uris,
// backchannel_logout_uri, those of the boxes, other_scopes, id_token_alg, pkce and version. Lists have one value per line. Errors are of
// these and of grant_types and scopes.
type ClientFields struct {
	Action, BackURL, Version string
	ID, Name                 string
	// Kind is that of a new one; empty for one that there is, which has every field.
	Kind string
	// People is whether people sign in.
	People                  bool
	Surfaces, Methods, Algs []Option
	Redirects, PostLogout   string
	Backchannel             string
	Grants, Scopes, Powers  []ClientBox
	// Folded hides the powers until they are asked for: it has no use for them.
	Folded      bool
	OtherScopes string
	PKCE        bool
	// PKCEFixed is set where there is no choice.
	PKCEFixed bool
	// Parts are the settings that few registrations need, by the part of the form that they belong to.
	Parts []ClientPart
	// ReadOnly is set where the operator may not change it: its values are text then, to be read out and copied.
	ReadOnly bool
	Errors   map[string]string
}

// Returns is whether browsers come back to it.
func (v ClientFields) Returns() bool { return v.People && v.Kind != "device" }

// Native is whether a new one is an app on a device.
func (v ClientFields) Native() bool { return v.Kind == "native" }

// ClientFormView registers a relying party.
type ClientFormView struct{ ClientFields }

// Invalid reports whether the page answers a refused form.
func (v ClientFormView) Invalid() bool { return len(v.Errors) > 0 }

// ClientStream is a stream of security events that a relying party keeps. Field: do (pause, resume).
type ClientStream struct {
	ID, Description string
	// Endpoint is where events are pushed; Polled is whether they are fetched instead.
	Endpoint string
	Polled   bool
	// Status is enabled, paused or disabled; ByStaff is whether staff set it.
	Status  string
	ByStaff bool
	// Waiting, Sent and Failed count events. SentAt is when the last one arrived, or the stream was last polled; empty for never. Reply is
	// what the last one was refused with.
	Waiting, Sent, Failed int64
	SentAt, Reply         string
	// Action is where the buttons lead, DeleteURL where it is deleted; empty hides them.
	Action, DeleteURL string
}

// Running is whether events are sent.
func (s ClientStream) Running() bool { return s.Status == "enabled" }

// StreamDeleteView asks before a stream of security events is deleted. ID and Name are those of the relying party.
type StreamDeleteView struct {
	Action, BackURL string
	ID, Name        string
	Stream          ClientStream
}

// ClientView is one relying party.
type ClientView struct {
	ClientFields

	// Title is its name as it is stored, SurfaceID its surface.
	Title, SurfaceID string
	// RegisteredAt is when it registered itself; empty if staff did. RegisteredBy is the label of what let it.
	RegisteredAt, RegisteredBy string
	// Disabled is since when it is disabled; empty if it is not.
	Disabled string
	// LastAt is when somebody last signed in; empty if nothing of that is kept.
	LastAt, LastISO string
	// SecretAt is when its secret was made; empty if it has none.
	SecretAt string
	// FormerUntil is until when a former secret works, FormerUsed when that was last used; empty for never.
	FormerUntil, FormerUsed string
	// Connect is what the application is told.
	Connect ClientConnect
	// LogoURL is where its logo is; empty for none. LogoPage is where it is changed; empty hides that.
	LogoURL, LogoPage string
	// ScimURL leads to whose accounts it keeps; empty hides that.
	ScimURL string
	// Customer is whose accounts it keeps through SCIM, Group where those are that it put into no other; empty if it keeps none.
	Customer, CustomerURL, Group string
	// Streams are its streams of security events.
	Streams []ClientStream
	// Unreadable is set where nobody can change it, since what is stored of it cannot be read.
	Unreadable bool
	// SecretURL, SwitchURL and DeleteURL lead to what can be done, EndAction ends the former secret; empty hides them.
	SecretURL, EndAction, SwitchURL, DeleteURL string
}

// Invalid reports whether the page answers a refused form.
func (v ClientView) Invalid() bool { return len(v.Errors) > 0 }

// ClientSecretView gives a relying party a new secret. Fields: overlap, version.
type ClientSecretView struct {
	Action, BackURL string
	ID, Name        string
	// Overlaps are for how long the former secret can work on.
	Overlaps []Option
	// FormerUntil is until when an even older secret works, which the new one ends; empty if none does.
	FormerUntil string
	Version     string
	Errors      map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v ClientSecretView) Invalid() bool { return len(v.Errors) > 0 }

// ClientConnect is what an application is configured with: name and value a line, and the document that has examples.
type ClientConnect struct {
	Facts []Fact
	Guide string
}

// ClientIssuedView shows a secret, once.
type ClientIssuedView struct {
	BackURL, ID, Name string
	// Secret is empty where there is none to show any more.
	Secret string
	// FormerUntil is until when the former one works; empty if it works no more.
	FormerUntil string
	// New is whether it was registered just now.
	New     bool
	Connect ClientConnect
}

// ClientSwitchView takes a relying party out of use, or into use again.
type ClientSwitchView struct {
	Action, BackURL string
	ID, Name        string
	Disabled        bool
	// Grants and Accounts count what is void then.
	Grants, Accounts int64
}

// ClientDeleteView asks before a relying party is deleted for good. Fields: typed, version.
type ClientDeleteView struct {
	Action, BackURL  string
	ID, Name         string
	Grants, Accounts int64
	Version          string
	Errors           map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v ClientDeleteView) Invalid() bool { return len(v.Errors) > 0 }
