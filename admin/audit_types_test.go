package admin

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// provoked is how an operator brings an event about; whoever lacks the right leaves its refusal with the same.
type provoked struct {
	typ audit.Type
	do  func(a Actor) error
}

func (w *world) provoked() []provoked {
	ctx := w.t.Context()
	only := func(_ any, err error) error { return err }
	spare := func(name string) store.AccountID { return w.person(name, account.RoleBuyer) }
	n := 0
	next := func() string { n++; return "next" + strings.Repeat("x", n) }
	return []provoked{
		{audit.CustomerCreate, func(a Actor) error {
			return only(w.CreateCustomer(ctx, a, account.CustomerInput{Code: next(), Name: "x"}))
		}},
		{audit.CustomerUpdate, func(a Actor) error {
			c, err := w.CustomerByCode(ctx, System(), "C-100248")
			must(w.t, err)
			return only(w.UpdateCustomer(ctx, a, c.ID, c.UpdatedAt, account.CustomerInput{Code: c.Code, Name: next()}))
		}},
		{audit.CustomerDelete, func(a Actor) error {
			c, err := w.CreateCustomer(ctx, System(), account.CustomerInput{Code: next(), Name: "x"})
			must(w.t, err)
			return w.DeleteCustomer(ctx, a, c.ID)
		}},
		{audit.UserGroupCreate, func(a Actor) error { return only(w.CreateUserGroup(ctx, a, w.customer, next())) }},
		{audit.UserGroupUpdate, func(a Actor) error {
			g, err := w.db.Read().GetUserGroup(ctx, w.group)
			must(w.t, err)
			return only(w.UpdateUserGroup(ctx, a, w.group, g.UpdatedAt, next()))
		}},
		{audit.UserGroupDelete, func(a Actor) error {
			g, err := w.CreateUserGroup(ctx, System(), w.customer, next())
			must(w.t, err)
			return w.DeleteUserGroup(ctx, a, g.ID)
		}},
		{audit.AccountCreate, func(a Actor) error {
			return only(w.CreateAccount(ctx, a, w.group, w.input(next(), account.RoleViewer)))
		}},
		{audit.AccountUpdate, func(a Actor) error {
			return only(w.UpdateAccount(ctx, a, w.tanaka, w.row(w.tanaka).UpdatedAt, account.Profile{
				DisplayName: next(), RegisteredEmail: w.row(w.tanaka).RegisteredEmail, Role: account.RoleBuyer,
			}))
		}},
		{audit.AccountDelete, func(a Actor) error {
			id := spare(next())
			_, err := w.SetDisabled(ctx, System(), id, true)
			must(w.t, err)
			return w.DeleteAccount(ctx, a, id, w.row(id).LoginID)
		}},
		{audit.AccountMove, func(a Actor) error {
			g, err := w.CreateUserGroup(ctx, System(), w.customer, next())
			must(w.t, err)
			return only(w.MoveAccount(ctx, a, w.suzuki, w.row(w.suzuki).UpdatedAt, g.ID))
		}},
		{audit.AccountDisable, func(a Actor) error { return only(w.SetDisabled(ctx, a, spare(next()), true)) }},
		{audit.AccountEnable, func(a Actor) error {
			id := spare(next())
			_, err := w.SetDisabled(ctx, System(), id, true)
			must(w.t, err)
			return only(w.SetDisabled(ctx, a, id, false))
		}},
		{audit.AccountExport, func(a Actor) error { return only(w.Export(ctx, a, io.Discard, ExportOptions{Format: account.CSV})) }},
		{audit.PasswordSet, func(a Actor) error { return w.SetPassword(ctx, a, w.tanaka, "a passphrase nobody guesses") }},
		{audit.PasswordLink, func(a Actor) error { return w.SendPasswordReset(ctx, a, w.tanaka) }},
		{audit.RoleCreate, func(a Actor) error {
			return only(w.CreateRole(ctx, a, RoleInput{Name: next(), Rights: []string{"view"}}))
		}},
		{audit.RoleUpdate, func(a Actor) error {
			made, err := w.CreateRole(ctx, System(), RoleInput{Name: next(), Rights: []string{"view"}})
			must(w.t, err)
			role, err := w.Role(ctx, System(), made.ID)
			must(w.t, err)
			return only(w.UpdateRole(ctx, a, role.ID, role.UpdatedAt, RoleInput{Name: next(), Rights: []string{"view"}}))
		}},
		{audit.RoleDelete, func(a Actor) error {
			role, err := w.CreateRole(ctx, System(), RoleInput{Name: next(), Rights: []string{"view"}})
			must(w.t, err)
			return w.DeleteRole(ctx, a, role.ID)
		}},
		{audit.EnforcementTell, func(a Actor) error { return w.Announce(ctx, a, SurfaceStore, w.clock.now().AddDate(0, 1, 0)) }},
		{audit.GraceSet, func(a Actor) error { return only(w.SetGrace(ctx, a, SurfaceStore, 0, 3)) }},
		{audit.MethodsSet, func(a Actor) error {
			p := w.policy(SurfaceStore)
			p.TrustDays = 7
			return only(w.SetSurfacePolicy(ctx, a, p))
		}},
		{audit.EnforcementSet, func(a Actor) error {
			return only(w.SetEnforcement(ctx, a, []EnforcementChange{{Surface: SurfaceAdmin, Enforced: true}}))
		}},
		{audit.ClientCreate, func(a Actor) error {
			return only(w.CreateClient(ctx, a, NewClient{Name: "x", RedirectURIs: []string{"https://rp.example/cb"}}))
		}},
		{audit.ClientProvision, func(a Actor) error {
			id := w.shopClient(func(in *NewClient) { in.ID, in.Scopes = next(), append(personScopes(), scopeSCIM) }).ID
			return w.SetProvisioning(ctx, a, id, w.group)
		}},
		{audit.ClientUpdate, func(a Actor) error {
			row := w.clientRow(w.shopClient(func(in *NewClient) { in.ID = next() }).ID)
			_, _, err := w.UpdateClient(ctx, a, row.ID, row.UpdatedAt, ClientChange{Name: new("y")})
			return err
		}},
		{audit.ClientDisable, func(a Actor) error {
			return only(w.SetClientDisabled(ctx, a, w.shopClient(func(in *NewClient) { in.ID = next() }).ID, true))
		}},
		{audit.ClientEnable, func(a Actor) error {
			id := w.shopClient(func(in *NewClient) { in.ID = next() }).ID
			_, err := w.SetClientDisabled(ctx, System(), id, true)
			must(w.t, err)
			return only(w.SetClientDisabled(ctx, a, id, false))
		}},
		{audit.ClientDelete, func(a Actor) error {
			row := w.clientRow(w.shopClient(func(in *NewClient) { in.ID = next() }).ID)
			return w.DeleteClient(ctx, a, row.ID, row.UpdatedAt, row.ID)
		}},
		{audit.ClientSecret, func(a Actor) error {
			row := w.clientRow(w.shopClient(func(in *NewClient) { in.ID = next() }).ID)
			return only(w.RotateSecret(ctx, a, row.ID, row.UpdatedAt, "1h"))
		}},
		{audit.ClientSecretEnd, func(a Actor) error {
			row := w.clientRow(w.shopClient(func(in *NewClient) { in.ID = next() }).ID)
			_, err := w.RotateSecret(ctx, System(), row.ID, row.UpdatedAt, "1h")
			must(w.t, err)
			return only(w.EndFormerSecret(ctx, a, row.ID))
		}},
		{audit.RegistrationTokenCreate, func(a Actor) error {
			_, _, err := w.CreateRegistrationToken(ctx, a, NewRegistrationToken{Label: "market", Days: 1, Uses: 1})
			return err
		}},
		{audit.RegistrationTokenRevoke, func(a Actor) error {
			_, made, err := w.CreateRegistrationToken(ctx, System(), NewRegistrationToken{Label: "market", Days: 1, Uses: 1})
			must(w.t, err)
			return w.RevokeRegistrationToken(ctx, a, made.ID)
		}},
		{audit.StreamStatus, func(a Actor) error {
			id := w.shopClient(func(in *NewClient) { in.ID = next() }).ID
			return only(w.SetStreamPaused(ctx, a, id, w.stream(id), true))
		}},
		{audit.StreamDelete, func(a Actor) error {
			id := w.shopClient(func(in *NewClient) { in.ID = next() }).ID
			return w.DeleteStream(ctx, a, id, w.stream(id))
		}},
		{audit.TwoFactorSet, func(a Actor) error {
			return only(w.SetTwoFactor(ctx, a, w.tanaka, account.TwoFactorUse, account.TwoFactorDont))
		}},
		{audit.FactorReset, func(a Actor) error { return only(w.ResetFactors(ctx, a, w.tanaka, goodReason)) }},
		{audit.ExemptionGrant, func(a Actor) error { return only(w.GrantExemption(ctx, a, w.demanded(next()), 2, because)) }},
		{audit.ExemptionEnd, func(a Actor) error {
			id := w.demanded(next())
			_, err := w.GrantExemption(ctx, System(), id, 2, because)
			must(w.t, err)
			return only(w.EndExemption(ctx, a, id, *w.row(id).ExemptSince))
		}},
		{audit.PassIssue, func(a Actor) error { return only(w.IssuePass(ctx, a, w.demanded(next()), 30, because)) }},
		{audit.PassWithdraw, func(a Actor) error {
			id := w.demanded(next())
			_, err := w.IssuePass(ctx, System(), id, 30, because)
			must(w.t, err)
			return only(w.WithdrawPass(ctx, a, id))
		}},
		{audit.AccountGuard, func(a Actor) error { return only(w.SetGuard(ctx, a, spare(next()), time.Time{}, true)) }},
		{audit.AppRevoke, func(a Actor) error { return w.RevokeConsent(ctx, a, w.tanaka, w.consent(w.tanaka)) }},
		{audit.SessionEnd, func(a Actor) error { return w.EndSessions(ctx, a, w.tanaka) }},
		{audit.DeviceRemove, func(a Actor) error { return w.RemoveDevice(ctx, a, w.tanaka, w.device(w.tanaka)) }},
		{audit.LogExport, func(a Actor) error {
			return only(w.ExportAudit(ctx, a, AuditQuery{Kind: "key"}, audit.CSV, func() io.Writer { return io.Discard }))
		}},
	}
}

// stream is a stream of a client, on which nothing happened.
func (w *world) stream(clientID string) store.StreamID {
	id := store.NewID[store.StreamID]()
	must(w.t, w.db.InTx(w.t.Context(), func(tx *store.Tx) error {
		return tx.InsertStream(w.t.Context(), store.InsertStreamParams{
			ID: id, ClientID: clientID, Method: store.StreamPoll, Events: store.SignalSessionRevoked, Now: w.clock.now(),
		})
	}))
	return id
}

// demanded is somebody who has a factor that is demanded.
func (w *world) demanded(login string) store.AccountID {
	id := w.person(login, account.RoleBuyer)
	w.add(id, signin.Email)
	return id
}

// eventsElsewhere are the types that no operator's act leaves in both forms, with what becomes of their refusals. Those that a customer
// or a program brings about are written and tested where they happen; what was wrong leaves a failure there.
func eventsElsewhere() map[audit.Type]string {
	const (
		person  = "brought about by the person, who is asked again instead of refused: what was wrong is a failure of signin.factor or signin.password"
		byRow   = "a fact that was found; there is nobody to refuse"
		program = "what a program presents; it is the refusal itself"
	)
	return map[audit.Type]string{
		audit.SignInPassword: "its failures are rows of its own", audit.SignInPasskey: "its failures are rows of its own",
		audit.SignInFactor: "its failures are rows of its own", audit.SignInComplete: person, audit.SignOut: person, audit.AppConsent: person, audit.AppRefuse: person,
		audit.CodeSend: person, audit.FactorEnrol: person, audit.FactorChange: person, audit.BackupIssue: person, audit.PasskeyRename: person,
		audit.FactorRemove: person, audit.FactorOrder: person, audit.AddressUndo: person, audit.TicketUse: "its failures are rows of its own",
		audit.SetUpPostpone: person, audit.SettingsFreeze: person, audit.PasswordChange: person, audit.PasswordForgot: person, audit.PasswordReset: person,
		audit.DeviceTrust: person, audit.DeviceUse: byRow, audit.DeviceVoid: byRow, audit.FactorBounce: byRow,
		audit.StreamCreate: "what a receiver does with its own, which is refused by its token", audit.StreamUpdate: "as client.stream_create",
		audit.TokenReuse: program, audit.TokenRefuse: program, audit.TokenRevoke: program, audit.TokenExchange: program,
		audit.DeviceAllow: person, audit.DeviceDeny: "the person's own refusal",
		audit.KeyCreate: "made by the server itself", audit.LogSweep: "made by the command line, which the database refuses",
		audit.ConsoleView: "written for refusals alone: looking leaves no row", audit.ReenrolSet: "written beside settings.enforcement, whose refusal it shares",
		audit.EnforcementList: "whoever may not take the list is refused a look at the console",
		audit.AccountImport:   "whoever may not import is refused a look at the console", audit.TicketIssue: "needs a reset that asks for one: see reset_test.go",
		audit.ApprovalRequest: "needs somebody who takes a second operator: see approval_test.go, also for what becomes of a request",
		audit.ApprovalGrant:   "see approval_test.go", audit.ApprovalRefuse: "see approval_test.go", audit.ApprovalWithdraw: "see approval_test.go",
		audit.GuardSet:  "see approval_test.go",
		audit.KeyRotate: "needs signing keys: see keys_test.go", audit.KeyRevoke: "needs signing keys: see keys_test.go",
		audit.KeyRetire: byRow, audit.KeyReseal: "needs sealed rows: see keys_test.go",
		audit.AddressUnmask: "needs a role that sees addresses masked: see unmask_test.go", audit.FreezeLift: "needs a notice that was read: see the whole server's tests",
	}
}

// TestEveryTypeOfEventHasItsRefusal does what leaves each type of audit row: once as somebody who may, and once as somebody who may not.
func TestEveryTypeOfEventHasItsRefusal(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.enrol(w.tanaka)
	root := w.actor(w.root)
	stranger := w.actor(w.operator("stranger", account.RoleReadOnly))
	elsewhere := eventsElsewhere()
	for _, p := range w.provoked() {
		for _, as := range []struct {
			actor  Actor
			result audit.Result
		}{{stranger, audit.Refused}, {root, audit.Success}} {
			before := w.left(p.typ, as.result, as.actor)
			if err := p.do(as.actor); (err == nil) != (as.result == audit.Success) {
				t.Errorf("%s, %s: %v", p.typ, as.result, err)
			}
			if n := w.left(p.typ, as.result, as.actor) - before; n != 1 {
				t.Errorf("%s left %d rows with the result %s", p.typ, n, as.result)
			}
		}
		if elsewhere[p.typ] != "" {
			t.Errorf("%s is said to be elsewhere", p.typ)
		}
		elsewhere[p.typ] = "here"
	}
	source, err := os.ReadFile("../audit/audit.go")
	must(t, err)
	for _, m := range regexp.MustCompile(`(?m)^\t\w+\s+Type = "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		if elsewhere[audit.Type(m[1])] == "" {
			t.Errorf("nobody says how %s comes about, and what its refusal leaves", m[1])
		}
	}
}

// left counts the rows of a type and result that an actor left.
func (w *world) left(typ audit.Type, result audit.Result, a Actor) (n int) {
	w.t.Helper()
	who := a.audit().Name
	for _, row := range storetest.Events(w.t, w.db, string(typ)) {
		if row.Result == string(result) && (row.ActorName == who || row.Target == who) {
			n++
		}
	}
	return n
}
