package account

import (
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/futakagi/futakagi/store"
)

// The kinds of account. The values are stored.
const (
	KindStore    = "store"    // a customer's login
	KindOperator = "operator" // a member of staff
)

// The roles of store accounts and of operators. The values are stored.
const (
	RoleAdmin  = "admin"  // 管理者
	RoleBuyer  = "buyer"  // 購買担当
	RoleViewer = "viewer" // 閲覧のみ

	RoleAdministrator = "administrator"
	RoleSupport       = "support"
	RoleAuditor       = "auditor"
	RoleReadOnly      = "read_only"
)

// The stored choice of an account.
const (
	TwoFactorUse  = store.TwoFactorUse
	TwoFactorDont = store.TwoFactorDontUse
)

// Roles returns the roles that accounts of a kind can have; operators can have those that were made in the console as well.
func Roles(kind string) []string {
	switch kind {
	case KindStore:
		return []string{RoleAdmin, RoleBuyer, RoleViewer}
	case KindOperator:
		return []string{RoleAdministrator, RoleSupport, RoleAuditor, RoleReadOnly}
	}
	return nil
}

// Limits of what people type, in characters.
const (
	// MinPassword is the fewest characters of any new password; [Service.PasswordMin] can ask for more.
	MinPassword = 8
	MaxPassword = 256
	MaxName     = 100

	maxLoginID = 64
	maxEmail   = 254
)

// The fields a [ValidationError] can name; they are the names of the form fields.
const (
	FieldLoginID  = "login_id"
	FieldName     = "name"
	FieldEmail    = "email"
	FieldRole     = "role"
	FieldPassword = "password"
	FieldCode     = "code"
)

// What can be wrong with a field: keys of sentences in the catalogue.
const (
	msgLoginIDBlank  = "error.login_id_blank"
	msgLoginIDForm   = "error.login_id_form"
	msgLoginIDTaken  = "error.login_id_taken"
	msgNameBlank     = "error.name_blank"
	msgNameLong      = "error.name_long"
	msgEmailBlank    = "error.email_blank"
	msgEmailForm     = "error.email_form"
	msgEmailLong     = "error.email_long"
	msgRoleBlank     = "error.role_blank"
	msgPasswordBlank = "error.password_blank"
	msgPasswordShort = "error.password_short"
	msgPasswordLong  = "error.password_long"
	msgCustomerName  = "error.customer_name_blank"
	msgCustomerCode  = "error.customer_code_blank"
	msgCodeForm      = "error.customer_code_form"
	msgCodeTaken     = "error.customer_code_taken"
	msgGroupName     = "error.group_name_blank"
	msgGroupTaken    = "error.group_name_taken"

	msgPasswordSimple  = "error.password_simple"
	msgPasswordCommon  = "error.password_common"
	msgPasswordContext = "error.password_context"
)

// A ValidationError lists what is wrong with what a person typed. Nothing was changed.
type ValidationError struct {
	// Fields has a catalogue key for each field that was refused.
	Fields map[string]string

	minPassword int // what the password was measured by
}

func (e *ValidationError) Error() string {
	return "invalid fields: " + strings.Join(slices.Sorted(maps.Keys(e.Fields)), ", ")
}

// Taken reports whether a name was refused because another account, customer or user group has it.
func (e *ValidationError) Taken() bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(e.Fields)), func(message string) bool {
		return message == msgLoginIDTaken || message == msgCodeTaken || message == msgGroupTaken
	})
}

// Args returns the named arguments of a field's sentence, as the catalogue takes them.
func (e *ValidationError) Args(field string) []any {
	switch e.Fields[field] {
	case msgNameLong:
		return []any{"max", MaxName}
	case msgPasswordShort:
		return []any{"min", max(e.minPassword, MinPassword)}
	case msgPasswordLong:
		return []any{"max", MaxPassword}
	}
	return nil
}

// checks collects what is wrong.
type checks map[string]string

func (c checks) err() error {
	if len(c) == 0 {
		return nil
	}
	return &ValidationError{Fields: c}
}

// passwordErr is err when a new password is among what was checked.
func (c checks) passwordErr(least int) error {
	if len(c) == 0 {
		return nil
	}
	return &ValidationError{Fields: c, minPassword: least}
}

func invalid(field, message string) error {
	return checks{field: message}.err()
}

func (c checks) name(value, blank string) string {
	value = cleanName(value)
	switch {
	case value == "":
		c[FieldName] = blank
	case utf8.RuneCountInString(value) > MaxName:
		c[FieldName] = msgNameLong
	}
	return value
}

func (c checks) email(value string) string {
	address, message := parseEmail(value)
	if message != "" {
		c[FieldEmail] = message
	}
	return address
}

// role checks a role as far as that can be done without looking it up.
func (c checks) role(kind, role string) {
	if kind == KindOperator && role != "" {
		return // it may be one that was made in the console
	}
	if !slices.Contains(Roles(kind), role) {
		c[FieldRole] = msgRoleBlank
	}
}

var customerCode = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,31}$`)

func (c checks) code(value string) string {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		c[FieldCode] = msgCustomerCode
	case !customerCode.MatchString(value):
		c[FieldCode] = msgCodeForm
	}
	return value
}

// parseEmail accepts one bare address that any mail server takes and that cannot carry anything else into a header.
func parseEmail(value string) (address, message string) {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return "", msgEmailBlank
	case len(value) > maxEmail:
		return value, msgEmailLong
	}
	for _, r := range value {
		if r <= ' ' || r > '~' || strings.ContainsRune(`"(),:;<>[\]`, r) {
			return value, msgEmailForm
		}
	}
	parsed, err := mail.ParseAddress(value)
	if err != nil || parsed.Address != value || parsed.Name != "" {
		return value, msgEmailForm
	}
	local, domain, _ := strings.Cut(value, "@")
	if len(local) > 64 || !strings.Contains(strings.Trim(domain, "."), ".") || strings.Contains(domain, "..") || strings.HasSuffix(domain, ".") {
		return value, msgEmailForm
	}
	return local + "@" + strings.ToLower(domain), ""
}
