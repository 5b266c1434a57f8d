package account

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

// RecordFactors is how many factors of an account a record holds: one of each kind that can be moved.
const RecordFactors = 3

// Record is one account as an import file says it: what stands there, unchecked. An empty field says nothing, which is not the same
// as saying that something is empty. docs/import.md explains every field.
type Record struct {
	// Line is where it begins in the file, counted from 1.
	Line int

	CustomerCode, CustomerName, UserGroup              string
	Kind, LoginID, DisplayName, RegisteredEmail, Role  string
	PasswordHash                                       string
	TwoFactor                                          string
	Factors                                            [RecordFactors]RecordFactor
	TOTPSecret, BackupCodeHashes, Disabled, ExternalID string
	// BackupCodes are codes that are not hashed. No export has them.
	BackupCodes string
}

// RecordFactor is a second factor of a record. The first one is the main one.
type RecordFactor struct{ Method, Address, VerifiedAt string }

// The columns that other packages find something wrong in. Those of the second and third factor end in _2 and _3.
const (
	ColumnCustomerCode = "customer_code"
	ColumnCustomerName = "customer_name"
	ColumnUserGroup    = "user_group"
	ColumnKind         = "kind"
	ColumnLoginID      = "login_id"
	ColumnDisplayName  = "display_name"
	ColumnEmail        = "registered_email"
	ColumnRole         = "role"
	ColumnPasswordHash = "password_hash"
	ColumnTwoFactor    = "two_factor"
	ColumnMethod       = "method"
	ColumnAddress      = "address"
	ColumnVerifiedAt   = "verified_at"
	ColumnTOTPSecret   = "totp_secret"
	ColumnBackupCodes  = "backup_code_hashes"
	ColumnDisabled     = "disabled"
	ColumnExternalID   = "external_id"
	ColumnPlainCodes   = "backup_codes"
)

// FactorColumn is the name of a column of the factor with that index.
func FactorColumn(column string, index int) string {
	if index == 0 {
		return column
	}
	return fmt.Sprintf("%s_%d", column, index+1)
}

// RecordColumns are the columns of a file in the order in which an export writes them.
func RecordColumns() []string {
	columns := []string{
		ColumnCustomerCode, ColumnCustomerName, ColumnUserGroup, ColumnKind, ColumnLoginID, ColumnDisplayName, ColumnEmail, ColumnRole,
		ColumnPasswordHash, ColumnTwoFactor, ColumnMethod, ColumnAddress, ColumnVerifiedAt, ColumnTOTPSecret, ColumnBackupCodes,
		ColumnDisabled, ColumnExternalID,
	}
	for i := 1; i < RecordFactors; i++ {
		columns = append(columns, FactorColumn(ColumnMethod, i), FactorColumn(ColumnAddress, i), FactorColumn(ColumnVerifiedAt, i))
	}
	return columns
}

// neededColumns are those without which a file is none of accounts.
func neededColumns() []string { return []string{ColumnLoginID, ColumnDisplayName, ColumnEmail} }

// Field is the field of a column, nil for a column that there is not.
func (r *Record) Field(column string) *string {
	switch column {
	case ColumnCustomerCode:
		return &r.CustomerCode
	case ColumnCustomerName:
		return &r.CustomerName
	case ColumnUserGroup:
		return &r.UserGroup
	case ColumnKind:
		return &r.Kind
	case ColumnLoginID:
		return &r.LoginID
	case ColumnDisplayName:
		return &r.DisplayName
	case ColumnEmail:
		return &r.RegisteredEmail
	case ColumnRole:
		return &r.Role
	case ColumnPasswordHash:
		return &r.PasswordHash
	case ColumnTwoFactor:
		return &r.TwoFactor
	case ColumnTOTPSecret:
		return &r.TOTPSecret
	case ColumnBackupCodes:
		return &r.BackupCodeHashes
	case ColumnDisabled:
		return &r.Disabled
	case ColumnExternalID:
		return &r.ExternalID
	case ColumnPlainCodes:
		return &r.BackupCodes
	}
	for i := range r.Factors {
		switch column {
		case FactorColumn(ColumnMethod, i):
			return &r.Factors[i].Method
		case FactorColumn(ColumnAddress, i):
			return &r.Factors[i].Address
		case FactorColumn(ColumnVerifiedAt, i):
			return &r.Factors[i].VerifiedAt
		}
	}
	return nil
}

// fields are all fields, in the order of [RecordColumns].
func (r *Record) fields() []*string {
	out := []*string{
		&r.CustomerCode, &r.CustomerName, &r.UserGroup, &r.Kind, &r.LoginID, &r.DisplayName, &r.RegisteredEmail, &r.Role,
		&r.PasswordHash, &r.TwoFactor, &r.Factors[0].Method, &r.Factors[0].Address, &r.Factors[0].VerifiedAt, &r.TOTPSecret,
		&r.BackupCodeHashes, &r.Disabled, &r.ExternalID,
	}
	for i := 1; i < RecordFactors; i++ {
		f := &r.Factors[i]
		out = append(out, &f.Method, &f.Address, &f.VerifiedAt)
	}
	return out
}

// Digest tells one record from another, wherever in a file they stand. It is a hash: nothing of the record can be read from it.
func (r *Record) Digest() []byte {
	h := sha256.New()
	var length [8]byte
	fields := r.fields()
	if r.BackupCodes != "" {
		fields = append(fields, &r.BackupCodes)
	}
	for _, f := range fields {
		binary.BigEndian.PutUint64(length[:], uint64(len(*f)))
		h.Write(length[:])
		h.Write([]byte(*f))
	}
	return h.Sum(nil)
}

// What is wrong with a record or a part of it: keys of sentences in the catalogue.
const (
	ReasonColumns      = "import.reason_columns"
	ReasonBlank        = "import.reason_blank"
	ReasonControl      = "import.reason_control"
	ReasonLong         = "import.reason_long"
	ReasonKind         = "import.reason_kind"
	ReasonNoOperators  = "import.reason_no_operators"
	ReasonOperator     = "import.reason_operator"
	ReasonTwoFactor    = "import.reason_two_factor"
	ReasonBoolean      = "import.reason_boolean"
	ReasonHash         = "import.reason_hash"
	ReasonAgain        = "import.reason_again"
	ReasonJSON         = "import.reason_json"
	ReasonUnknownField = "import.reason_unknown_field"
	ReasonTime         = "import.reason_time"
	ReasonTimeFuture   = "import.reason_time_future"
)

// Finding is something to be said of a row of an import file. It holds nothing that stands there.
type Finding struct {
	Line   int
	Column string
	// Refused says that the row was left out; otherwise only what the reason names was.
	Refused bool
	// Reason is a key of the catalogue, Detail a sentence of ours that goes with it, in English, and may be empty.
	Reason, Detail string
	// ValueClass describes the value: see [ValueClass].
	ValueClass string
}

func (r *Record) finding(column, reason string) Finding {
	f := Finding{Line: r.Line, Column: column, Refused: true, Reason: reason}
	if field := r.Field(column); field != nil {
		f.ValueClass = ValueClass(*field)
	}
	return f
}

// Finding is what is wrong with a column of the record, for which it is refused.
func (r *Record) Finding(column, reason string) Finding { return r.finding(column, reason) }

// Note is what was left out of a column of the record, the rest of which was taken.
func (r *Record) Note(column, reason string) Finding {
	f := r.finding(column, reason)
	f.Refused = false
	return f
}

// The classes of values: keys of the catalogue. All but the first are followed by numbers.
const (
	classEmpty  = "import.value_empty"
	classDigits = "import.value_digits"
	classASCII  = "import.value_ascii"
	classText   = "import.value_text"
	classHidden = "import.value_hidden"
	classFields = "import.value_fields"
)

// ValueClass says what sort of text something is and how long, so that its owner finds it and nobody else learns it: a class and its
// numbers, with spaces between.
func ValueClass(value string) string {
	if value == "" {
		return classEmpty
	}
	class := classDigits
	for _, r := range value {
		switch {
		case r == utf8.RuneError || hidden(r):
			return fmt.Sprintf("%s %d", classHidden, utf8.RuneCountInString(value))
		case r > '~':
			class = classText
		case (r < '0' || r > '9') && class == classDigits:
			class = classASCII
		}
	}
	return fmt.Sprintf("%s %d", class, utf8.RuneCountInString(value))
}

// maxRecordText bounds a field of a record, in bytes: that of ten backup codes with their hashes.
const maxRecordText = 4096

// plain says what is wrong with the fields of a record as texts, before anybody looks at what they mean.
func (r *Record) plain() []Finding {
	var found []Finding
	for _, column := range append(RecordColumns(), ColumnPlainCodes) {
		switch f := r.Field(column); {
		case len(*f) > maxRecordText:
			found = append(found, r.finding(column, ReasonLong))
		case strings.ContainsFunc(*f, func(c rune) bool { return c < ' ' || c == 0x7f }):
			found = append(found, r.finding(column, ReasonControl))
		}
	}
	return found
}
