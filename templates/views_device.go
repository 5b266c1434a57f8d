package templates

// DeviceView asks for the code that a device shows.
type DeviceView struct {
	Action string
	Code   string
	Errors map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v DeviceView) Invalid() bool { return len(v.Errors) > 0 }

// DeviceConfirmView asks whether a device may have what it asks for.
type DeviceConfirmView struct {
	Action string
	// App is the application on the device, LogoURL where its picture is, which it may lack.
	App, LogoURL string
	// Code is what the device shows, LoginID who is signed in, Account the id of theirs, which goes back with the decision.
	Code, LoginID, Account string
	// Scopes are what is asked for, as values of the protocol.
	Scopes []string
}

// DeviceDoneView sends the person back to the device.
type DeviceDoneView struct {
	Allowed bool
}
