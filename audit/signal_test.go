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
