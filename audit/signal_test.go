package audit

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// silent are the types of events that say nothing of credentials. Whoever adds a type decides: it is here, or among those of
// changes.
var silent = []Type{
	SignInPassword, SignInPasskey, SignInFactor, SignInComplete, SignOut, SessionEnd, // sessions are told of where they end
	CodeSend, PasskeyRename, FactorOrder, TicketIssue, TicketUse, ExemptionGrant, ExemptionEnd, FactorBounce, SetUpPostpone,
	SettingsFreeze, FreezeLift, DeviceTrust, DeviceUse, DeviceVoid, DeviceRemove,
	CustomerCreate, CustomerUpdate, CustomerDelete, UserGroupDelete, AccountDelete, AccountMove, UserGroupCreate, UserGroupUpdate,
	AccountCreate, // nobody knows it yet
	AccountDisable, AccountEnable, AccountGuard, AccountImport, AccountExport, AddressUnmask, PasswordForgot, PasswordLink,
	RoleCreate, RoleUpdate, RoleDelete, ApprovalRequest, ApprovalGrant, ApprovalRefuse, ApprovalWithdraw,
	ConsoleView, EnforcementSet, EnforcementTell, EnforcementList, GraceSet, MethodsSet, ReenrolSet, GuardSet,
	ClientCreate, ClientProvision, ClientUpdate, ClientDisable, ClientEnable, ClientDelete, ClientSecret, ClientSecretEnd,
	StreamCreate, StreamUpdate, StreamStatus, StreamDelete,
	KeyCreate, KeyRotate, KeyRetire, KeyRevoke, KeyReseal, LogSweep, LogExport, TokenReuse, TokenRefuse, TokenRevoke,
	AppConsent, AppRefuse, AppRevoke, RegistrationTokenCreate, RegistrationTokenRevoke, DeviceAllow, DeviceDeny, TokenExchange,
}

// TestEveryTypeOfEventSignalsOrIsSilent guards that no change of what an account signs in with is added that receivers of signals do not
// hear of.
func TestEveryTypeOfEventSignalsOrIsSilent(t *testing.T) {
	source, err := os.ReadFile("audit.go")
	if err != nil {
		t.Fatal(err)
	}
	full := map[string]string{"method": "totp", "factors": "totp", "removed": "email", "password": "true", "codes": "3"}
	found := 0
	for _, m := range regexp.MustCompile(`(?m)^\t\w+\s+Type = "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		found++
		typ := Type(m[1])
		signals := len(changes(Event{Type: typ, Data: full})) > 0
		if signals == slices.Contains(silent, typ) {
			t.Errorf("%s signals: %v; it must be either among the silent ones or among the changes of credentials", typ, signals)
		}
	}
	if found < len(silent) {
		t.Errorf("found %d types, know %d silent ones", found, len(silent))
	}
}

func TestInitiator(t *testing.T) {
	for _, c := range []struct {
		actor Actor
		want  string
	}{
		{Actor{Kind: ByAccount, ID: "a"}, "user"},
		{Anonymous(), "user"},
		{Actor{Kind: ByOperator, ID: "a"}, "user"}, // staff on themselves
		{Actor{Kind: ByOperator, ID: "b"}, "admin"},
		{Actor{Kind: ByClient, ID: "b"}, "admin"},
		{System(), "system"},
	} {
		if got := initiator(Event{Actor: c.actor, Account: "a"}); got != c.want {
			t.Errorf("%+v: %s, want %s", c.actor, got, c.want)
		}
	}
}

// TestChangesOfCredentials: what receivers hear of an event, by its type and facts.
func TestChangesOfCredentials(t *testing.T) {
	data := func(pairs ...string) map[string]string {
		out := map[string]string{}
		for i := 0; i+1 < len(pairs); i += 2 {
			out[pairs[i]] = pairs[i+1]
		}
		return out
	}
	for _, c := range []struct {
		name string
		e    Event
		want []credentialChange
		lost bool
	}{
		{"a method set up", Event{Type: FactorEnrol, Data: data("method", "passkey")}, []credentialChange{{"passkey", created}}, false},
		{"another address", Event{Type: FactorChange, Data: data("method", "sms")}, []credentialChange{{"sms", updated}}, false},
		{"one of several removed", Event{Type: FactorRemove, Data: data("method", "totp")}, []credentialChange{{"totp", deleted}}, false},
		{"the last one removed", Event{Type: FactorRemove, Data: data("method", "totp", "last", "true")}, []credentialChange{{"totp", deleted}, {"backup", deleted}}, true},
		{"everything reset", Event{Type: FactorReset, Data: data("factors", "totp email", "codes", "3")}, []credentialChange{{"totp", revoked}, {"email", revoked}, {"backup", revoked}}, true},
		{"one reset of two", Event{Type: FactorReset, Data: data("factors", "email", "codes", "0", "left", "totp")}, []credentialChange{{"email", revoked}}, false},
		{"nothing to reset", Event{Type: FactorReset, Data: data("factors", "", "codes", "0")}, nil, false},
		{"turned on by the person", Event{Type: TwoFactorSet, Data: data("from", "dont_use", "to", "use")}, nil, false},
		{"undone from the former address", Event{Type: AddressUndo, Data: data("method", "email")}, []credentialChange{{"email", updated}}, false},
		{"first backup codes", Event{Type: BackupIssue, Reason: "set_up"}, []credentialChange{{"backup", created}}, false},
		{"new backup codes", Event{Type: BackupIssue, Reason: "reissue"}, []credentialChange{{"backup", updated}}, false},
		{"imported", Event{Type: AccountUpdate, Data: data("factors", "totp", "removed", "email", "password", "true")}, []credentialChange{{"totp", created}, {"email", revoked}, {"password", updated}}, false},
		{"renamed", Event{Type: AccountUpdate, Data: data("email.from", "a", "email.to", "b")}, nil, false},
	} {
		if got := changes(c.e); !slices.Equal(got, c.want) || lostSecondFactor(c.e) != c.lost {
			t.Errorf("%s: %v, lost %v", c.name, got, lostSecondFactor(c.e))
		}
	}
	for method, want := range map[string]string{"password": "password", "sms": "phone-sms", "totp": "app", "passkey": CredentialPasskey, "email": CredentialEmail} {
		if got := credentialType(method); got != want {
			t.Errorf("%s: %s", method, got)
		}
	}
}
