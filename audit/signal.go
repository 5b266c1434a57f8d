package audit

import (
	"strings"
	"time"

	"github.com/futakagi/futakagi/store"
)

// The types of credentials in signals, where CAEP 1.0 has no word of its own: it knows no codes by mail, no printed codes and no passkeys
// of which it is not said where they are kept.
const (
	CredentialEmail   = "urn:futakagi:credential:email"
	CredentialPasskey = "urn:futakagi:credential:passkey"
	CredentialBackup  = "urn:futakagi:credential:backup-codes"
	CredentialPass    = "urn:futakagi:credential:one-time-pass" // #nosec G101 -- a name
)

// levelPassword is the acr that is left to an account without a second factor.
const levelPassword = "urn:futakagi:acr:1fa"

// The changes of a credential (CAEP 1.0, credential-change).
const (
	created = "create"
	updated = "update"
	revoked = "revoke" // by staff
	deleted = "delete" // by its owner
)

// credentialType is what CAEP calls a method of ours.
func credentialType(method string) string {
	switch method {
	case "password":
		return "password"
	case "sms":
		return "phone-sms"
	case "totp":
		return "app"
	case "passkey":
		return CredentialPasskey
	case "backup":
		return CredentialBackup
	case "pass":
		return CredentialPass
	}
	return CredentialEmail
}

// signal notes what receivers of signals hear of an event. Whoever changes an account writes it down, so that nobody has to remember to
// tell them besides.
func signal(tx *store.Tx, now time.Time, e Event) {
	if e.Result != Success || e.Account == "" {
		return
	}
	by, reason := initiator(e), string(e.Type)
	tx.Because(e.Account, by, reason)
	tell := func(kind string, d store.SignalData) {
		d.By, d.Reason = by, reason
		tx.Signal(store.Happening{Kind: kind, Account: e.Account, At: now, Data: d})
	}
	for _, c := range changes(e) {
		tell(store.SignalCredentialChange, store.SignalData{CredentialType: credentialType(c.method), ChangeType: c.change})
	}
	if lostSecondFactor(e) {
		tell(store.SignalAssuranceChange, store.SignalData{Level: levelPassword})
	}
}

// initiator is who brought something about, in the words of CAEP. A client acts for the staff that registered it.
func initiator(e Event) string {
	switch {
	case e.Actor.Kind == BySystem:
		return "system"
	case e.Actor.Kind == ByClient, e.Actor.Kind == ByOperator && e.Actor.ID != string(e.Account):
		return "admin"
	}
	return "user"
}

type credentialChange struct{ method, change string }

// changes are the changes of credentials that an event tells of.
func changes(e Event) []credentialChange {
	method := e.Data["method"]
	switch e.Type {
	case FactorEnrol:
		return each(method, created)
	case FactorChange, AddressUndo:
		return each(method, updated)
	case FactorRemove:
		if e.Data["last"] != "" {
			return each(method+" backup", deleted)
		}
		return each(method, deleted)
	case BackupIssue:
		if e.Reason == "set_up" {
			return each("backup", created)
		}
		return each("backup", updated)
	case FactorReset, TwoFactorSet:
		gone := each(e.Data["factors"], revoked)
		if codes := e.Data["codes"]; codes != "" && codes != "0" {
			gone = append(gone, each("backup", revoked)...)
		}
		return gone
	case PasswordChange, PasswordReset, PasswordSet:
		return each("password", updated)
	case PassIssue:
		return each("pass", created)
	case PassWithdraw:
		return each("pass", revoked)
	case AccountUpdate: // by an import
		list := each(e.Data["factors"], created)
		list = append(list, each(e.Data["removed"], revoked)...)
		if e.Data["password"] != "" {
			list = append(list, each("password", updated)...)
		}
		return list
	}
	return nil
}

func each(methods, change string) []credentialChange {
	var list []credentialChange
	for m := range strings.FieldsSeq(methods) {
		list = append(list, credentialChange{m, change})
	}
	return list
}

// lostSecondFactor reports whether an account had a second factor before the event, and has none after it.
func lostSecondFactor(e Event) bool {
	switch e.Type {
	case FactorReset, TwoFactorSet:
		return e.Data["factors"] != "" && e.Data["left"] == ""
	case FactorRemove:
		return e.Data["last"] != ""
	}
	return false
}
