package templates

// PathImport is the page on which a file is uploaded.
const PathImport = PathCustomers + "/import"

// ImportView is the page that takes a file (インポート). POST fields, as a form with a file: encoding, file.
type ImportView struct {
	Action, BackURL string
	// Encoding is the one that is chosen: utf-8 or shift_jis.
	Encoding string
	// MaxMB is the largest file.
	MaxMB int
	// Errors are sentences for the fields.
	Errors map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v ImportView) Invalid() bool { return len(v.Errors) > 0 }

// The states of an import.
const (
	ImportChecking = "checking"
	ImportChecked  = "checked"
	ImportRunning  = "running"
	ImportDone     = "done"
	ImportStopped  = "stopped"
)

// ImportRunView is the page of one import: how far it is, what it would do or did, and what is to be said of rows.
type ImportRunView struct {
	State, FileName string
	// URL is the page itself, for a look at how far it is now.
	URL string
	// Total is zero while nobody knows yet.
	Total, Done, Created, Updated, Unchanged, Refused int
	// Problem is why it stopped: a finished sentence.
	Problem string
	// StartAction is where the button posts to that begins it; empty hides it.
	StartAction string
	// ReportURL has all of the findings as a file; More is how many of them are not shown.
	ReportURL string
	Findings  []ImportFinding
	More      int
	BackURL   string
	AgainURL  string
}

// ImportFinding is what is said of a row. Value describes what stands there, and is not it.
type ImportFinding struct {
	Line                  int
	Column, Value, Reason string
	Refused               bool
}
