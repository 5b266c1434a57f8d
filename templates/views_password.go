package templates

// The addresses of the pages for a forgotten password, of customers and of operators.
const (
	PathForgot         = "/password/forgot"
	PathOperatorForgot = "/admin/password/forgot"
)

// PasswordChangeView changes one's own password. Fields: current, password.
type PasswordChangeView struct {
	Action, BackURL string
	// LoginID says whose password it is, to the person and to password managers.
	LoginID string
	// Min is the least number of characters.
	Min    int
	Errors map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v PasswordChangeView) Invalid() bool { return len(v.Errors) > 0 }

// PasswordForgotView asks whose password is forgotten. Field: username.
type PasswordForgotView struct {
	Action string
	// BackURL leads back to the sign-in.
	BackURL string
	// Username is kept after an error.
	Username string
	Errors   map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v PasswordForgotView) Invalid() bool { return len(v.Errors) > 0 }

// PasswordSentView says that a mail is on its way, if there is anybody to send it to. It must be the same whoever was asked for.
type PasswordSentView struct {
	// BackURL leads back to the sign-in, AgainURL to the form.
	BackURL, AgainURL string
	// Minutes is how long the link in the mail works.
	Minutes int
}

// PasswordResetView asks for a new password behind the link of a mail. Field: password.
type PasswordResetView struct {
	Action string
	// Ticket is the secret of the link, carried in the form.
	Ticket string
	// LoginID says whose password it is, to the person and to password managers.
	LoginID string
	// Min is the least number of characters.
	Min    int
	Errors map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v PasswordResetView) Invalid() bool { return len(v.Errors) > 0 }

// PasswordVoidView says that a link opens nothing, whatever the reason.
type PasswordVoidView struct {
	// AgainURL leads to where a new one is asked for.
	AgainURL string
}

// PasswordDoneView says that the new password counts from now on.
type PasswordDoneView struct {
	SignInURL string
}
