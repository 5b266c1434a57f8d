package admin

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// Reason is why an operator resets an account, whether and how they made sure of who asked for it, and what else the form of a
// reset says.
type Reason struct {
	Text            string
	IdentityChecked bool
	// Checks are what was done to make sure, of [IdentityChecks]; none has to be.
	Checks []string
	// Inquiry is the number of the inquiry, Note what else is to be remembered; both may be empty.
	Inquiry, Note string
	// Handover is how the ticket gets to the person, where one is needed; staff hand it over if empty.
	Handover mfa.Handover
	// Form is the showing of the form: one form resets an account once. A new one if empty.
	Form store.FormID
}

// IdentityChecks are the ways to make sure of who asks for a reset, as forms and audit rows name them.
func IdentityChecks() []string { return []string{"callback", "contract", "manager"} }

// The fields that a [account.ValidationError] of a [Reason] can name; they are the names of the form fields.
const (
	FieldReason   = "reason"
	FieldIdentity = "identity"
	FieldInquiry  = "inquiry"
	FieldNote     = "note"
	FieldHandover = "handover"
)

// How long the texts of a reason may be, in characters. A reason is no longer than an audit row always holds.
const (
	MaxReason  = 128
	MaxInquiry = 40
	MaxNote    = 500
)

func (r Reason) check() (Reason, error) {
	fields := map[string]string{}
	r.Text = strings.Join(strings.Fields(r.Text), " ")
	r.Inquiry, r.Note = strings.Join(strings.Fields(r.Inquiry), " "), strings.TrimSpace(r.Note)
	switch {
	case r.Text == "":
		fields[FieldReason] = templates.MsgReasonBlank
	case utf8.RuneCountInString(r.Text) > MaxReason:
		fields[FieldReason] = templates.MsgReasonLong
	}
	if !r.IdentityChecked {
		fields[FieldIdentity] = templates.MsgIdentityBlank
	}
	if utf8.RuneCountInString(r.Inquiry) > MaxInquiry {
		fields[FieldInquiry] = templates.MsgInquiryLong
	}
	if utf8.RuneCountInString(r.Note) > MaxNote {
		fields[FieldNote] = templates.MsgNoteLong
	}
	// In one order and each once, whoever calls.
	checks := slices.DeleteFunc(IdentityChecks(), func(c string) bool { return !slices.Contains(r.Checks, c) })
	if slices.ContainsFunc(r.Checks, func(c string) bool { return !slices.Contains(checks, c) }) {
		fields[FieldIdentity] = templates.MsgIdentityBlank
	}
	r.Checks = checks
	if r.Handover == "" {
		r.Handover = mfa.HandoverStaff
	}
	if !knownHandover(r.Handover) {
		fields[FieldHandover] = templates.MsgHandoverBlank
	}
	if !store.ValidID(string(r.Form)) {
		r.Form = store.NewID[store.FormID]()
	}
	if len(fields) > 0 {
		return r, &account.ValidationError{Fields: fields}
	}
	return r, nil
}

func knownHandover(by mfa.Handover) bool { return by == mfa.HandoverStaff || by == mfa.HandoverMail }

// describe adds what the form says to the data of an audit row.
func (r Reason) describe(data map[string]string) {
	data["identity_checked"] = "true"
	for name, text := range map[string]string{"checked": strings.Join(r.Checks, " "), "inquiry": r.Inquiry, "note": r.Note} {
		if text != "" {
			data[name] = text
		}
	}
}
