package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"
	"unicode/utf8"

	"github.com/futakagi/futakagi/store"
)

// Type names what happened, as subject.verb.
type Type string

// The events there are. The values are stored and must not change.
const (
	SignInPassword Type = "signin.password"
	SignInPasskey  Type = "signin.passkey" // a passkey in the place of login ID and password
	SignInFactor   Type = "signin.factor"
	SignInComplete Type = "signin.complete"
	SignOut        Type = "signin.sign_out"
	SessionEnd     Type = "session.end"

	CodeSend      Type = "2fa.code_send"
	FactorEnrol   Type = "2fa.enrol"
	FactorChange  Type = "2fa.change"
	BackupIssue   Type = "2fa.backup_issue"
	PasskeyRename Type = "2fa.passkey_rename"
	FactorReset   Type = "2fa.reset"
	TwoFactorSet  Type = "2fa.switch"
	FactorRemove  Type = "2fa.remove"
	FactorOrder   Type = "2fa.order"
	AddressUndo   Type = "2fa.undo"
	TicketIssue   Type = "2fa.ticket_issue" // staff issued a ticket to set up a factor after a reset
	TicketUse     Type = "2fa.ticket"       // somebody gave one in a sign-in

	ExemptionGrant Type = "2fa.exempt"        // staff let an account do without a second factor for a while
	ExemptionEnd   Type = "2fa.exempt_end"    // staff took that back before its time
	PassIssue      Type = "2fa.pass_issue"    // staff made a code that takes the place of a second factor once
	PassWithdraw   Type = "2fa.pass_withdraw" // and made it void before its time
	FactorBounce   Type = "2fa.bounce"        // messages to a factor's address do not arrive
	SetUpPostpone  Type = "2fa.postpone"      // the person put the set-up off that enforcement demands
	SettingsFreeze Type = "2fa.freeze"        // by whoever read a notice of what staff did
	FreezeLift     Type = "2fa.freeze_lift"

	DeviceTrust  Type = "device.trust"  // a browser is not asked for a code from here on
	DeviceUse    Type = "device.use"    // one was not asked, or should have been and was
	DeviceVoid   Type = "device.void"   // one presented a secret that was none
	DeviceRemove Type = "device.remove" // one, or all, are asked again

	AppConsent Type = "app.consent" // the person lets an application of somebody else's learn something
	AppRefuse  Type = "app.refuse"  // or does not
	AppRevoke  Type = "app.revoke"  // what it was allowed was taken back

	CustomerCreate  Type = "customer.create"
	CustomerUpdate  Type = "customer.update"
	CustomerDelete  Type = "customer.delete"
	UserGroupDelete Type = "user_group.delete"
	AccountDelete   Type = "account.delete" // with whatever is known of the person, but these rows
	AccountMove     Type = "account.move"   // to another user group
	UserGroupCreate Type = "user_group.create"
	UserGroupUpdate Type = "user_group.update"
	AccountCreate   Type = "account.create"
	AccountUpdate   Type = "account.update"
	AccountDisable  Type = "account.disable"
	AccountEnable   Type = "account.enable"
	PasswordSet     Type = "account.password_set"
	AccountGuard    Type = "account.approval" // whether opening it takes a second operator
	AccountImport   Type = "account.import"   // a run over a file; its accounts have rows of their own
	AccountExport   Type = "account.export"
	AddressUnmask   Type = "account.unmask" // staff looked at an address that is masked to them

	PasswordChange Type = "password.change" // by the person, who knew the former one
	PasswordForgot Type = "password.forgot" // asked for by somebody who says that they forgot it
	PasswordLink   Type = "password.link"   // staff sent the link to a new one
	PasswordReset  Type = "password.reset"  // by whoever had the link

	RoleCreate Type = "role.create"
	RoleUpdate Type = "role.update"
	RoleDelete Type = "role.delete"

	ApprovalRequest  Type = "approval.request"  // an operator or a client asks for what takes a second operator
	ApprovalGrant    Type = "approval.grant"    // another operator allows it once
	ApprovalRefuse   Type = "approval.refuse"   // or does not
	ApprovalWithdraw Type = "approval.withdraw" // whoever asked has changed their mind

	ConsoleView             Type = "console.view"
	EnforcementSet          Type = "settings.enforcement"
	EnforcementTell         Type = "settings.announce" // mail to those whom enforcement would stop, or the end of it
	EnforcementList         Type = "settings.export"   // they were downloaded as a list
	GraceSet                Type = "settings.grace"
	MethodsSet              Type = "settings.methods"
	ReenrolSet              Type = "settings.reenrol"  // who may set up a factor after a reset
	GuardSet                Type = "settings.approval" // whether opening any account of a surface takes a second operator
	ClientCreate            Type = "client.create"
	ClientProvision         Type = "client.provisioning" // it keeps the accounts of a customer, or does so no more
	ClientUpdate            Type = "client.update"
	ClientDisable           Type = "client.disable"
	ClientEnable            Type = "client.enable"
	ClientDelete            Type = "client.delete"
	ClientSecret            Type = "client.secret"       // a new secret; until when the former one works is in its data
	ClientSecretEnd         Type = "client.secret_end"   // the former secret was ended early
	RegistrationTokenCreate Type = "client.token_create" // one that lets clients register themselves
	RegistrationTokenRevoke Type = "client.token_revoke"
	StreamCreate            Type = "client.stream_create" // a client asks to be told of security events
	StreamUpdate            Type = "client.stream_update"
	StreamStatus            Type = "client.stream_status" // it, or an operator, pauses, stops or goes on with that
	StreamDelete            Type = "client.stream_delete"
	KeyCreate               Type = "key.create"
	KeyRotate               Type = "key.rotate"   // an operator let the next one take over
	KeyRetire               Type = "key.retire"   // one signs no more, as the next one does
	KeyRevoke               Type = "key.revoke"   // an operator took one back
	KeyReseal               Type = "key.reseal"   // what is sealed got new keys: asked for, and done
	LogSweep                Type = "audit.sweep"  // rows past their time were removed
	LogExport               Type = "audit.export" // somebody took a copy of rows away
	TokenReuse              Type = "token.reuse"
	DeviceAllow             Type = "token.device"      // a person let a device in that has no browser
	DeviceDeny              Type = "token.device_deny" // they did not
	TokenRefuse             Type = "token.refuse"      // a refresh token that account or policy do not let count any more
	TokenRevoke             Type = "token.revoke"
	TokenExchange           Type = "token.exchange" // an access token for another, with which a client acts for the person
)

// Result is how it ended.
type Result string

// The results there are.
const (
	Success Result = "success" // it was done
	Failure Result = "failure" // it was tried and was wrong: a bad password, a bad code
	Refused Result = "refused" // it was not allowed
)

// ActorKind is what kind of party acted.
type ActorKind string

// The kinds of actor there are.
const (
	ByAccount   ActorKind = "account"   // a customer, on themselves
	ByOperator  ActorKind = "operator"  // staff, in the console
	ByClient    ActorKind = "client"    // a relying party
	BySystem    ActorKind = "system"    // the server or its command line
	ByAnonymous ActorKind = "anonymous" // somebody who has proved nothing
)

// Actor is who acted.
type Actor struct {
	Kind ActorKind
	ID   string
	Name string // login ID or client id, for people to read
}

// System is the server itself, or whoever runs its command line.
func System() Actor { return Actor{Kind: BySystem, Name: "system"} }

// Anonymous is somebody who has proved nothing yet.
func Anonymous() Actor { return Actor{Kind: ByAnonymous} }

// OfAccount is the actor that an account is: an operator in the console, or a customer.
func OfAccount(a store.Account) Actor {
	kind := ByAccount
	if a.Kind == "operator" {
		kind = ByOperator
	}
	return Actor{Kind: kind, ID: string(a.ID), Name: a.LoginID}
}

// Event is one thing that happened.
type Event struct {
	Type   Type
	Result Result
	// Reason says why it failed, was refused or was done: a fixed word, or what an operator wrote.
	Reason string
	Actor  Actor
	// Account is whose account it concerns; empty when none does.
	Account store.AccountID
	// Target names what it was done to, for people to read.
	Target string
	// ClientID is the relying party the act was part of.
	ClientID string
	// Data holds further facts, never a secret.
	Data map[string]string
}

// Origin is where a request came from. It travels in the context, so that services need not pass it on.
type Origin struct {
	Address   string
	UserAgent string
	RequestID string
}

// Network is what counts as one client: an IPv4 address, or the /64 of an IPv6 one, which is one line. It is empty when the
// address is unknown.
func (o Origin) Network() string {
	a, err := netip.ParseAddr(o.Address)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	prefix, err := a.Prefix(64)
	if err != nil {
		return ""
	}
	return prefix.String()
}

type originKey struct{}

// WithOrigin returns a context whose events carry the origin. What a client says about itself is cut and cleaned here, so that
// it can be stored wherever it goes.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	o.UserAgent = Clip(o.UserAgent)
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf returns the origin of a context, zero outside a request.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}

// maxText bounds text that came from outside, in bytes: nobody may fill the log with one request.
const maxText = 512

// Write records the event in the transaction of the act: when it cannot be written, neither can the act. The row gets its place in
// the log as the transaction ends.
func Write(ctx context.Context, tx *store.Tx, now time.Time, e Event) error {
	o := OriginOf(ctx)
	data := []byte("{}")
	if e.Data != nil {
		var err error
		if data, err = json.Marshal(e.Data); err != nil {
			return fmt.Errorf("encode audit event %s: %w", e.Type, err)
		}
	}
	var account *store.AccountID
	if e.Account != "" {
		account = &e.Account
	}
	row := store.InsertAuditEventParams{
		ID:            store.NewID[store.EventID](),
		At:            now,
		Type:          string(e.Type),
		Result:        string(e.Result),
		Reason:        Clip(e.Reason),
		ActorKind:     string(e.Actor.Kind),
		ActorID:       Clip(e.Actor.ID),
		ActorName:     Clip(e.Actor.Name),
		AccountID:     account,
		Target:        Clip(e.Target),
		ClientID:      Clip(e.ClientID),
		ClientAddress: Clip(o.Address),
		UserAgent:     Clip(o.UserAgent),
		RequestID:     Clip(o.RequestID),
		Data:          data,
	}
	signal(tx, now, e)
	stream := streamOf(row.AccountID, row.ID)
	tx.AppendAudit(stream, func(seq int64, prev []byte) ([]byte, func(context.Context, *store.Queries) error, error) {
		row.Stream, row.Seq, row.PrevHash = &stream, &seq, prev
		record, err := recordOf(store.AuditEvent(row))
		if err != nil {
			return nil, nil, fmt.Errorf("encode audit event %s: %w", e.Type, err)
		}
		row.Hash = record.Hash()
		return row.Hash, func(ctx context.Context, q *store.Queries) error { return q.InsertAuditEvent(ctx, row) }, nil
	})
	return nil
}

// Clip cuts text to maxText bytes at a character boundary and replaces what is not valid UTF-8 (PostgreSQL refuses it, NUL too).
func Clip(s string) string {
	out := make([]rune, 0, min(len(s), maxText))
	n := 0
	for _, r := range s {
		if r == 0 {
			r = utf8.RuneError
		}
		if n += utf8.RuneLen(r); n > maxText {
			break
		}
		out = append(out, r)
	}
	return string(out)
}
