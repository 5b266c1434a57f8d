package templates

// The kinds of a [ClientSetting].
const (
	SettingLine   = "line"
	SettingNumber = "number"
	SettingLines  = "lines"
	SettingChoice = "choice"
	SettingBox    = "box"
)

// ClientSetting is one setting of a registration, with its form field. Its label and what explains it are client.set.<name> and
// client.set_more.<name> of the catalogue.
type ClientSetting struct {
	// Name is the member's (RFC 7591).
	Name, Kind string
	// Value is that of a line, a number or lines; Options are those of a choice; Checked is that of a box.
	Value   string
	Options []Option
	Checked bool
}

// Set is whether it says anything.
func (s ClientSetting) Set() bool {
	if s.Kind == SettingChoice {
		return len(s.Options) > 0 && !s.Options[0].Selected
	}
	return s.Checked || s.Value != ""
}

// ClientPart is what a part of a registration's form has behind its fold: basic, return, auth, request, token, logout or consent. What
// belongs to owner is shown in the open, before the fold of consent.
type ClientPart struct {
	Name     string
	Settings []ClientSetting
	// Top is whether its heading is right below the page's.
	Top      bool
	ReadOnly bool
	Errors   map[string]string
}

// Set counts the settings that say something.
func (p ClientPart) Set() (n int) {
	for _, s := range p.Settings {
		if s.Set() {
			n++
		}
	}
	return n
}

// Open is whether it is unfolded: where something is wrong in it.
func (p ClientPart) Open() bool {
	for _, s := range p.Settings {
		if p.Errors[s.Name] != "" {
			return true
		}
	}
	return false
}

// Part is the settings of one part.
func (v ClientFields) Part(name string) ClientPart {
	p := ClientPart{Name: name, Top: v.Kind != "", ReadOnly: v.ReadOnly, Errors: v.Errors}
	for _, part := range v.Parts {
		if part.Name == name {
			p.Settings = part.Settings
		}
	}
	return p
}

// Fields are the names of the form's fields that can be wrong, in their order on the page.
func (v ClientFields) Fields() []string {
	names := map[string][]string{}
	for _, part := range v.Parts {
		for _, s := range part.Settings {
			names[part.Name] = append(names[part.Name], s.Name)
		}
	}
	var out []string
	for _, part := range []struct {
		name   string
		fields []string
	}{
		{"basic", []string{"name", "id", "surface"}},
		{"return", []string{"redirect_uris", "post_logout_redirect_uris"}},
		{"auth", []string{"auth_method", "grant_types"}},
		{"request", nil},
		{"token", []string{"scopes", "id_token_alg"}},
		{"logout", []string{"backchannel_logout_uri"}},
		{"owner", nil},
		{"consent", nil},
	} {
		out = append(append(out, part.fields...), names[part.name]...)
	}
	return out
}

// ClientLogoView gives a relying party a logo. Field: file.
type ClientLogoView struct {
	Action, BackURL string
	ID, Name        string
	// LogoURL is where the present one is; empty for none. RemoveAction takes it away.
	LogoURL, RemoveAction string
	// Kinds are the media types that are taken, MaxKB how large the file may be, MaxSide how many pixels each way.
	Kinds          string
	MaxKB, MaxSide int
	Errors         map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v ClientLogoView) Invalid() bool { return len(v.Errors) > 0 }

// ClientScimView chooses whose accounts a relying party keeps. GET field: code; field: group.
type ClientScimView struct {
	Action, BackURL string
	ID, Name        string
	// Lacks is whether it lacks the scope for it.
	Lacks bool
	// Code is the code of the customer whose name and user groups are offered; none are before one was asked for.
	Code, Customer string
	Groups         []Option
	// Kept and KeptGroup are whose accounts it keeps now, and EndAction ends that; empty if it keeps none.
	Kept, KeptGroup, EndAction string
	Errors                     map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v ClientScimView) Invalid() bool { return len(v.Errors) > 0 }
