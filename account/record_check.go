package account

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxExternalID bounds what another system calls an account, in characters.
const maxExternalID = 100

// ImportedAccount is the part of a record that is about the account itself, checked. What the record does not say is empty.
type ImportedAccount struct {
	Kind, LoginID, LoginKey, Name, Email, Role string
	// Customer and Group say where a store account belongs.
	Customer CustomerInput
	Group    string
	// Password is the hash in our spelling.
	Password PasswordHash
	// TwoFactor is the switch.
	TwoFactor string
	// Disabled is nil where the record does not say.
	Disabled   *bool
	ExternalID string
}

// HashDigest tells whether the file's hash is still the one that was imported; empty for none.
func (in ImportedAccount) HashDigest() []byte {
	if in.Password == "" {
		return []byte{}
	}
	sum := sha256.Sum256([]byte(in.Password))
	return sum[:]
}

// CheckRecord says everything that is wrong with the part of a record that is about the account itself.
func (s *Service) CheckRecord(r Record, operators bool) (ImportedAccount, []Finding) {
	var found []Finding
	refuse := func(column, reason string) { found = append(found, r.finding(column, reason)) }
	in := ImportedAccount{Kind: r.Kind, LoginID: r.LoginID, Role: r.Role, Group: r.UserGroup, TwoFactor: r.TwoFactor, ExternalID: norm.NFC.String(r.ExternalID)}
	if in.Kind == "" {
		in.Kind = KindStore
	}
	switch {
	case Roles(in.Kind) == nil:
		refuse(ColumnKind, ReasonKind)
		return in, found // what is asked of the rest depends on it
	case in.Kind == KindOperator && !operators:
		refuse(ColumnKind, ReasonNoOperators)
		return in, found
	}
	if in.Role == "" && in.Kind == KindStore {
		in.Role = RoleBuyer
	}
	f, c := NewAccount{
		Kind: in.Kind, LoginID: r.LoginID, DisplayName: r.DisplayName, RegisteredEmail: r.RegisteredEmail, Role: in.Role,
	}.fields()
	in.LoginKey, in.LoginID, in.Name, in.Email = f.key, displayLoginID(r.LoginID, f.key), f.name, f.email
	for _, field := range []struct{ name, column string }{
		{FieldLoginID, ColumnLoginID}, {FieldName, ColumnDisplayName}, {FieldEmail, ColumnEmail}, {FieldRole, ColumnRole},
	} {
		if message := c[field.name]; message != "" {
			refuse(field.column, message)
		}
	}
	found = append(found, in.checkPlace(&r)...)
	if r.PasswordHash != "" {
		hash, _, err := s.ImportHash(r.PasswordHash)
		if err != nil {
			bad := r.finding(ColumnPasswordHash, ReasonHash)
			bad.Detail = refusal(err)
			found = append(found, bad)
		}
		in.Password = hash
	}
	if in.TwoFactor != "" && in.TwoFactor != TwoFactorUse && in.TwoFactor != TwoFactorDont {
		refuse(ColumnTwoFactor, ReasonTwoFactor)
	}
	if r.Disabled != "" {
		disabled, ok := parseBool(r.Disabled)
		if !ok {
			refuse(ColumnDisabled, ReasonBoolean)
		}
		in.Disabled = &disabled
	}
	switch {
	case utf8.RuneCountInString(in.ExternalID) > maxExternalID:
		refuse(ColumnExternalID, ReasonLong)
	case strings.ContainsFunc(in.ExternalID, hidden):
		refuse(ColumnExternalID, ReasonControl)
	}
	return in, found
}

// checkPlace checks where an account belongs.
func (in *ImportedAccount) checkPlace(r *Record) []Finding {
	var found []Finding
	refuse := func(column, reason string) { found = append(found, r.finding(column, reason)) }
	if in.Kind == KindOperator {
		for _, column := range []string{ColumnCustomerCode, ColumnCustomerName, ColumnUserGroup} {
			if *r.Field(column) != "" {
				refuse(column, ReasonOperator)
			}
		}
		return found
	}
	c := checks{}
	in.Customer.Code = c.code(r.CustomerCode)
	if in.Customer.Name = cleanName(r.CustomerName); in.Customer.Name != "" {
		c.name(in.Customer.Name, msgCustomerName)
	}
	if message := c[FieldCode]; message != "" {
		refuse(ColumnCustomerCode, message)
	}
	if message := c[FieldName]; message != "" {
		refuse(ColumnCustomerName, message)
	}
	c = checks{}
	in.Group = c.name(r.UserGroup, msgGroupName)
	if message := c[FieldName]; message != "" {
		refuse(ColumnUserGroup, message)
	}
	return found
}

// refusal is the sentence of an [ErrHash] error.
func refusal(err error) string {
	if !errors.Is(err, ErrHash) {
		return ""
	}
	return strings.TrimPrefix(err.Error(), ErrHash.Error()+": ")
}

// parseBool reads what shops and spreadsheets write for yes and no.
func parseBool(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "1", "yes":
		return true, true
	case "false", "0", "no":
		return false, true
	}
	return false, false
}

// The layouts that verified_at may have, with and without an offset. Fractions of a second are taken by each of them.
var (
	zonedTimes = []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02T15:04:05-0700"}
	localTimes = []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006/01/02 15:04:05", "2006/1/2 15:04:05", "2006/1/2 15:04"}
)

// earliest is before any second factor was proved by anybody.
var earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// ParseVerifiedAt reads the time at which a factor was proved elsewhere. One without an offset is in the zone given. The reason it
// is refused for is empty if it is not.
func ParseVerifiedAt(text string, zone *time.Location, now time.Time) (at time.Time, reason string) {
	const long = 40
	if len(text) > long {
		return time.Time{}, ReasonTime
	}
	parse := func(layouts []string) bool {
		return slices.ContainsFunc(layouts, func(layout string) bool {
			t, err := time.ParseInLocation(layout, text, zone)
			at = t.UTC().Truncate(time.Microsecond)
			return err == nil
		})
	}
	switch {
	case !parse(zonedTimes) && !parse(localTimes), at.Before(earliest):
		return time.Time{}, ReasonTime
	case at.After(now.Add(time.Minute)): // clocks differ
		return time.Time{}, ReasonTimeFuture
	}
	return at, ""
}

// FormatVerifiedAt writes such a time as an export does.
func FormatVerifiedAt(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }
