package templates

// DeviceView asks for the code that a device shows.
type DeviceView struct {
	Action string
	Code   string
	Errors map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v DeviceView) Invalid() bool { return len(v.Errors) > 0 }

// DeviceScope is one thing that a device would get: one that has a sentence of its own, or the name of another.
type DeviceScope struct {
	Known, Name string
}

// DeviceConfirmView asks whether a device may have what it asks for.
type DeviceConfirmView struct {
	Action string
	// App is the application on the device, Code what the device shows, LoginID who is signed in.
	App, Code, LoginID string
	Scopes             []DeviceScope
}

// DeviceDoneView sends the person back to the device.
type DeviceDoneView struct {
	Allowed bool
}
