package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// The scenario's clock: not in UTC, and finer than what is stored.
var t0 = time.Date(2026, 4, 1, 9, 0, 0, 123456789, time.FixedZone("JST", 9*60*60))

func after(d time.Duration) time.Time { return t0.Add(d) }
func at(d time.Duration) *time.Time   { return new(t0.Add(d)) }
func id[T ~string](n int) T           { return T(fmt.Sprintf("01900000-0000-7000-8000-%012d", n)) }
func ref[T ~string](n int) *T         { return new(id[T](n)) }
func hash(n int) []byte               { return []byte{0, byte(n), 0xff, 0xfe} }
func doc(s string) json.RawMessage    { return json.RawMessage(s) }
func rows(n int64) func(any, error) bool {
	return func(v any, err error) bool { return err == nil && v == n }
}

func length(n int) func(any, error) bool {
	return func(v any, err error) bool { return err == nil && reflect.ValueOf(v).Len() == n }
}

func fails(want error) func(any, error) bool {
	return func(_ any, err error) bool { return errors.Is(err, want) }
}

func ok(_ any, err error) bool { return err == nil }

// has checks one field of a returned row, by its path.
func has(path string, want any) func(any, error) bool {
	return func(v any, err error) bool {
		if err != nil {
			return false
		}
		field := reflect.ValueOf(v)
		for name := range strings.SplitSeq(path, ".") {
			if name == "" {
				continue // the value itself
			}
			field = field.FieldByName(name)
		}
		if field.Kind() == reflect.Pointer && !field.IsNil() && (want == nil || reflect.TypeOf(want).Kind() != reflect.Pointer) {
			field = field.Elem()
		}
		if want == nil {
			return field.IsNil()
		}
		if tm, ok := want.(time.Time); ok {
			return field.Interface().(time.Time).Equal(tm.Truncate(time.Microsecond))
		}
		return reflect.DeepEqual(field.Interface(), want)
	}
}

type step struct {
	method string
	arg    any // nil for a method without one
	want   func(result any, err error) bool
}

const (
	customer = 100 + iota
	group
	account
	operator
	nobody
	flow
	session
	factor
	challenge
	batch
	grant
	tokens
	message
	event
)

// scenario calls every generated query at least once, in an order that gives each something to find.
var scenario = []step{
	{"InsertCustomer", store.InsertCustomerParams{ID: id[store.CustomerID](customer), Code: "C-1", Name: "株式会社サンプル商事", SearchKey: "c-1 株式会社サンプル商事 50%_x", Now: t0}, ok},
	{"InsertCustomer", store.InsertCustomerParams{ID: id[store.CustomerID](customer + 1000), Code: "C-1", Now: t0}, fails(store.ErrConflict)},
	{"InsertCustomer", store.InsertCustomerParams{ID: id[store.CustomerID](customer), Code: "C-9", Now: t0}, fails(store.ErrConflict)},
	{"InsertCustomer", store.InsertCustomerParams{ID: id[store.CustomerID](customer + 1), Code: "c-0", Name: "lower", SearchKey: "c-0 lower", Now: t0}, ok},
	{"GetCustomer", id[store.CustomerID](customer), has("CreatedAt", t0)},
	{"GetCustomer", id[store.CustomerID](nobody), fails(store.ErrNotFound)},
	{"UpdateCustomer", store.UpdateCustomerParams{ID: id[store.CustomerID](customer), Code: "C-1", Name: "サンプル商事", SearchKey: "c-1 サンプル商事 50%_x", Now: after(time.Minute)}, rows(1)},
	{"UpdateCustomer", store.UpdateCustomerParams{ID: id[store.CustomerID](nobody), Code: "C-1", Now: t0}, rows(0)},
	{"ClaimCustomer", store.ClaimCustomerParams{ID: id[store.CustomerID](customer), Version: t0, Now: t0}, rows(0)},
	{"ClaimCustomer", store.ClaimCustomerParams{ID: id[store.CustomerID](customer), Version: after(time.Minute), Now: t0}, rows(1)},
	{"InsertUserGroup", store.InsertUserGroupParams{ID: id[store.UserGroupID](group), CustomerID: id[store.CustomerID](customer), Name: "本社", Now: t0}, ok},
	{"InsertUserGroup", store.InsertUserGroupParams{ID: id[store.UserGroupID](group + 1000), CustomerID: id[store.CustomerID](nobody), Name: "x", Now: t0}, fails(store.ErrForeignKey)},
	{"UpdateUserGroup", store.UpdateUserGroupParams{ID: id[store.UserGroupID](group), Name: "本社 東京", Now: t0}, rows(1)},
	{"ClaimUserGroup", store.ClaimUserGroupParams{ID: id[store.UserGroupID](group), Version: t0, Now: after(time.Minute)}, rows(1)},
	{"ClaimUserGroup", store.ClaimUserGroupParams{ID: id[store.UserGroupID](group), Version: t0, Now: after(time.Minute)}, rows(0)},
	{"GetUserGroup", id[store.UserGroupID](group), has("Name", "本社 東京")},
	{"ListUserGroups", id[store.CustomerID](customer), length(1)},
	{"ListUserGroupsAfter", store.ListUserGroupsAfterParams{CustomerID: id[store.CustomerID](customer), AfterID: id[store.UserGroupID](0), PageSize: 10}, length(1)},
	{"ListUserGroupsAfter", store.ListUserGroupsAfterParams{CustomerID: id[store.CustomerID](customer), AfterID: id[store.UserGroupID](group), PageSize: 10}, length(0)},

	{"ListRoles", nil, length(4)},
	{"InsertRole", store.InsertRoleParams{ID: "custom", Name: "夜間担当", NameKey: "夜間担当", Rights: "view reset", Now: t0}, ok},
	{"InsertRole", store.InsertRoleParams{ID: "other", Name: "夜間 担当", NameKey: "夜間担当", Now: t0}, fails(store.ErrConflict)},
	{"UpdateRole", store.UpdateRoleParams{ID: "custom", Name: "夜間", NameKey: "夜間", Rights: "view", Version: t0, Now: after(time.Minute)}, rows(1)},
	{"UpdateRole", store.UpdateRoleParams{ID: "custom", Name: "x", NameKey: "x", Rights: "view", Version: t0, Now: t0}, rows(0)},
	{"GetRole", "custom", has("Name", "夜間")},
	{"GetRole", "nobody", fails(store.ErrNotFound)},
	{"HoldRole", "custom", has("Rights", "view")},
	{"HoldRole", "nobody", fails(store.ErrNotFound)},
	{"ListRoles", nil, length(5)},
	{"DeleteRole", "custom", rows(1)},
	{"DeleteRole", "custom", rows(0)},

	{"InsertAccount", store.InsertAccountParams{
		ID: id[store.AccountID](account), Kind: "store", LoginID: "Tanaka", LoginKey: "tanaka", DisplayName: "田中", SearchKey: "tanaka 田中",
		Role: "member", UserGroupID: ref[store.UserGroupID](group), PasswordHash: "$argon2id$x", RegisteredEmail: "tanaka@example.com", TwoFactor: "use", Now: t0,
	}, ok},
	{"InsertAccount", store.InsertAccountParams{ID: id[store.AccountID](nobody), Kind: "store", LoginKey: "tanaka", Now: t0}, fails(store.ErrConflict)},
	{"InsertAccount", store.InsertAccountParams{ID: id[store.AccountID](operator), Kind: "operator", LoginID: "sato", LoginKey: "sato", SearchKey: "sato", Role: "admin", TwoFactor: "dont_use", Now: t0}, ok},
	{"CountOperatorsByRole", nil, length(1)},
	{"GetAccount", id[store.AccountID](operator), has("UserGroupID", nil)},
	{"GetAccount", id[store.AccountID](account), has("UserGroupID", id[store.UserGroupID](group))},
	{"GetAccountByLogin", store.GetAccountByLoginParams{Kind: "store", LoginKey: "tanaka"}, has("ID", id[store.AccountID](account))},
	{"GetAccountByLogin", store.GetAccountByLoginParams{Kind: "operator", LoginKey: "tanaka"}, fails(store.ErrNotFound)},
	{"UpdateAccountProfile", store.UpdateAccountProfileParams{ID: id[store.AccountID](account), DisplayName: "田中 太郎", SearchKey: "tanaka 田中 太郎", Role: "member", RegisteredEmail: "t@example.com", Now: t0}, rows(1)},
	{"ClaimAccount", store.ClaimAccountParams{ID: id[store.AccountID](account), Version: after(time.Second), Now: after(time.Minute)}, rows(0)},
	{"ClaimAccount", store.ClaimAccountParams{ID: id[store.AccountID](account), Version: t0, Now: after(time.Minute)}, rows(1)},
	{"ClaimAccount", store.ClaimAccountParams{ID: id[store.AccountID](account), Version: t0, Now: after(time.Minute)}, rows(0)},
	{"HoldAccount", id[store.AccountID](account), has("UpdatedAt", after(time.Minute))},
	{"HoldAccount", id[store.AccountID](nobody), fails(store.ErrNotFound)},
	{"SetTwoFactor", store.SetTwoFactorParams{ID: id[store.AccountID](account), Former: "dont_use", TwoFactor: "use", Now: t0}, rows(0)},
	{"SetTwoFactor", store.SetTwoFactorParams{ID: id[store.AccountID](account), Former: "use", TwoFactor: "dont_use", Now: t0}, rows(1)},
	{"SetTwoFactor", store.SetTwoFactorParams{ID: id[store.AccountID](account), Former: "dont_use", TwoFactor: "use", Now: t0}, rows(1)},
	{"SetPassword", store.SetPasswordParams{ID: id[store.AccountID](account), PasswordHash: "$argon2id$y", Now: at(0)}, rows(1)},
	{"RehashPassword", store.RehashPasswordParams{ID: id[store.AccountID](account), PasswordHash: "$argon2id$z", FormerHash: "$argon2id$x"}, rows(0)},
	{"RehashPassword", store.RehashPasswordParams{ID: id[store.AccountID](account), PasswordHash: "$argon2id$z", FormerHash: "$argon2id$y"}, rows(1)},
	{"SetAccountDisabled", store.SetAccountDisabledParams{ID: id[store.AccountID](account), DisabledAt: at(0), Now: t0}, rows(1)},
	{"GetAccount", id[store.AccountID](account), has("DisabledAt", t0)},
	{"SetAccountDisabled", store.SetAccountDisabledParams{ID: id[store.AccountID](account), Now: t0}, rows(1)},
	{"FreezeAccount", store.FreezeAccountParams{ID: id[store.AccountID](account), Now: at(0), FrozenUntil: at(time.Hour), FrozenBy: "ta•••••@example.com"}, rows(1)},
	{"GetAccount", id[store.AccountID](account), has("FrozenUntil", after(time.Hour))},
	{"ListFrozenAfter", store.ListFrozenAfterParams{Now: t0, HiddenKind: "operator", After: t0, AfterID: store.MinID, PageSize: 10}, length(1)},
	{"ListFrozenAfter", store.ListFrozenAfterParams{Now: t0, HiddenKind: "store", After: t0, AfterID: store.MinID, PageSize: 10}, length(0)},
	{"ListFrozenAfter", store.ListFrozenAfterParams{Now: after(time.Hour), After: t0, AfterID: store.MinID, PageSize: 10}, length(0)},
	{"ListFrozenAfter", store.ListFrozenAfterParams{Now: t0, After: after(time.Hour), AfterID: store.MaxID, PageSize: 10}, length(0)},
	{"LiftFreeze", store.LiftFreezeParams{ID: id[store.AccountID](account), Now: after(2 * time.Hour)}, rows(0)},
	{"LiftFreeze", store.LiftFreezeParams{ID: id[store.AccountID](account), Now: t0}, rows(1)},
	{"LiftFreeze", store.LiftFreezeParams{ID: id[store.AccountID](account), Now: t0}, rows(0)},
	{"SetLastSignIn", store.SetLastSignInParams{ID: id[store.AccountID](account), Now: at(0)}, ok},
	{"RaiseCredentialEpoch", store.RaiseCredentialEpochParams{ID: id[store.AccountID](account), Now: t0}, rows(5)},
	{"RaiseCredentialEpoch", store.RaiseCredentialEpochParams{ID: id[store.AccountID](nobody), Now: t0}, fails(store.ErrNotFound)},

	{"ListSurfaces", nil, length(2)},
	{"GetSurface", "store", has("Enforced", false)},
	{"HoldSurface", "admin", has("Enforced", false)},
	{"HoldSurface", "nowhere", fails(store.ErrNotFound)},
	{"SetSurfaceEnforced", store.SetSurfaceEnforcedParams{ID: "admin", Enforced: true, Former: true, Now: t0}, rows(0)},
	{"SetSurfaceEnforced", store.SetSurfaceEnforcedParams{ID: "admin", Enforced: true, Former: false, Now: t0}, rows(1)},

	{"InsertFlow", store.InsertFlowParams{
		ID: id[store.FlowID](flow), SecretHash: hash(1), SurfaceID: "store", ClientID: new("shop"), Request: doc(`{"state":"あ"}`), Locale: "ja",
		RequiredLevel: 2, EvidenceAfter: at(-time.Hour), AllFactors: true, Evidence: doc(`[]`), Now: t0, ExpiresAt: after(time.Hour),
	}, ok},
	{"InsertFlow", store.InsertFlowParams{ID: id[store.FlowID](flow + 1000), SecretHash: hash(2), SurfaceID: "admin", Request: doc(`null`), ReturnTo: "/admin", Evidence: doc(`[]`), Now: t0, ExpiresAt: after(time.Hour)}, ok},
	{"GetFlow", store.GetFlowParams{ID: id[store.FlowID](flow), SecretHash: hash(1), Now: after(time.Hour - time.Microsecond)}, has("EvidenceAfter", after(-time.Hour))},
	{"GetFlow", store.GetFlowParams{ID: id[store.FlowID](flow), SecretHash: hash(1), Now: after(time.Hour)}, fails(store.ErrNotFound)},
	{"GetFlow", store.GetFlowParams{ID: id[store.FlowID](flow), SecretHash: hash(9), Now: t0}, fails(store.ErrNotFound)},
	{"GetFlow", store.GetFlowParams{ID: id[store.FlowID](flow + 1000), SecretHash: hash(2), Now: t0}, has("ClientID", nil)},
	{"BindFlowAccount", store.BindFlowAccountParams{ID: id[store.FlowID](flow), SecretHash: hash(1), NewSecretHash: hash(3), AccountID: ref[store.AccountID](account), CredentialEpoch: new(int64(5)), Evidence: doc(`["pwd"]`), Now: t0}, rows(1)},
	{"GetFlowAccount", store.GetFlowAccountParams{ID: id[store.FlowID](flow), SecretHash: hash(3), Now: t0}, has("Account.DisplayName", "田中 太郎")},
	{"SetFlowEvidence", store.SetFlowEvidenceParams{ID: id[store.FlowID](flow), SecretHash: hash(3), NewSecretHash: hash(4), NewEpoch: new(int64(5)), AccountID: ref[store.AccountID](account), CredentialEpoch: new(int64(4)), Evidence: doc(`[]`), Now: t0}, rows(0)},
	{"SetFlowEvidence", store.SetFlowEvidenceParams{ID: id[store.FlowID](flow), SecretHash: hash(3), NewSecretHash: hash(4), NewEpoch: new(int64(5)), BackupBatchID: ref[store.BatchID](batch), AccountID: ref[store.AccountID](account), CredentialEpoch: new(int64(5)), Evidence: doc(`["pwd","otp"]`), Now: t0}, rows(1)},
	{"GetFlow", store.GetFlowParams{ID: id[store.FlowID](flow), SecretHash: hash(4), Now: t0}, has("BackupBatchID", id[store.BatchID](batch))},

	{"InsertChallenge", store.InsertChallengeParams{ID: id[store.ChallengeID](challenge), AccountID: id[store.AccountID](account), Purpose: "enrol", FlowID: ref[store.FlowID](flow), Kind: "email", Address: "t@example.com", CodeMAC: hash(1), Now: t0, ExpiresAt: after(10 * time.Minute)}, ok},
	{"InsertChallenge", store.InsertChallengeParams{ID: id[store.ChallengeID](challenge + 1000), AccountID: id[store.AccountID](account), Purpose: "change", SessionID: ref[store.SessionID](session), FactorID: ref[store.FactorID](factor), Kind: "email", Address: "t@example.com", CodeMAC: hash(2), Now: t0, ExpiresAt: after(10 * time.Minute)}, ok},
	{"InsertChallenge", store.InsertChallengeParams{ID: id[store.ChallengeID](challenge + 2000), AccountID: id[store.AccountID](operator), Purpose: "enrol", CodeMAC: nil, Now: t0, ExpiresAt: after(time.Minute)}, fails(store.ErrInvalid)},
	{"GetFlowChallenge", store.GetFlowChallengeParams{Kind: "email", FlowID: ref[store.FlowID](flow), AccountID: id[store.AccountID](account)}, has("CodeMAC", hash(1))},
	{"GetSessionChallenge", store.GetSessionChallengeParams{Kind: "email", SessionID: ref[store.SessionID](session), AccountID: id[store.AccountID](account)}, has("FactorID", id[store.FactorID](factor))},
	{"GetSessionChallenge", store.GetSessionChallengeParams{Kind: "email", AccountID: id[store.AccountID](account)}, fails(store.ErrNotFound)},
	{"CountChallengeTry", store.CountChallengeTryParams{ID: id[store.ChallengeID](challenge), Now: t0, MaxTries: 1}, has("Tries", int64(1))},
	{"CountChallengeTry", store.CountChallengeTryParams{ID: id[store.ChallengeID](challenge), Now: t0, MaxTries: 1}, fails(store.ErrNotFound)},

	{"EnqueueMessage", store.EnqueueMessageParams{ID: id[store.MessageID](message), Channel: "email", Kind: "code", AccountID: ref[store.AccountID](account), ChallengeID: ref[store.ChallengeID](challenge), Recipient: "t@example.com", PayloadSealed: hash(7), Now: t0, Deadline: after(10 * time.Minute)}, ok},
	{"EnqueueMessage", store.EnqueueMessageParams{ID: id[store.MessageID](message + 1), Channel: "email", Kind: "notice", Recipient: "t@example.com", PayloadSealed: []byte{}, Now: after(time.Second), Deadline: after(time.Hour)}, ok},
	{"EnqueueMessage", store.EnqueueMessageParams{ID: id[store.MessageID](message + 2), Channel: "email", Kind: "code", AccountID: ref[store.AccountID](account), ChallengeID: ref[store.ChallengeID](challenge + 1000), Now: after(2 * time.Second), Deadline: after(time.Hour)}, ok},
	{"OldestQueuedMessage", "email", ok},
	{"OldestQueuedMessage", "sms", fails(store.ErrNotFound)},
	{"GetChallengeMessage", ref[store.ChallengeID](challenge), has("State", "queued")},
	{"ClaimMessages", store.ClaimMessagesParams{Owner: new("w1"), LeasedUntil: at(time.Minute), Channel: "sms", Now: after(time.Second), BatchSize: 10}, length(0)},
	{"ClaimMessages", store.ClaimMessagesParams{Owner: new("w1"), LeasedUntil: at(time.Minute), Channel: "email", Now: after(time.Second), BatchSize: 10}, length(2)},
	{"ClaimMessages", store.ClaimMessagesParams{Owner: new("w2"), LeasedUntil: at(time.Minute), Channel: "email", Now: after(time.Second), BatchSize: 10}, length(0)},
	{"RetryMessage", store.RetryMessageParams{ID: id[store.MessageID](message), Owner: new("w2"), AvailableAt: after(5 * time.Second), Reply: "451"}, rows(0)},
	{"RetryMessage", store.RetryMessageParams{ID: id[store.MessageID](message), Owner: new("w1"), AvailableAt: after(5 * time.Second), Reply: "451"}, rows(1)},
	{"FinishMessage", store.FinishMessageParams{ID: id[store.MessageID](message + 1), Owner: new("w1"), State: "accepted", Reply: "250 ok", RemoteID: "q1", Now: at(3 * time.Second)}, rows(1)},
	{"FinishMessage", store.FinishMessageParams{ID: id[store.MessageID](message + 1), Owner: new("w1"), State: "accepted", Now: at(3 * time.Second)}, rows(0)},
	{"CancelSessionMessages", store.CancelSessionMessagesParams{Kind: "email", SessionID: ref[store.SessionID](session), Now: at(0)}, rows(1)},
	{"CancelFlowMessages", store.CancelFlowMessagesParams{Kind: "email", FlowID: ref[store.FlowID](nobody), Now: at(0)}, rows(0)},
	{"CancelAccountCodes", store.CancelAccountCodesParams{AccountID: ref[store.AccountID](nobody), Now: at(0)}, rows(0)},
	{"ExpireMessages", store.ExpireMessagesParams{Channel: "email", Now: at(10*time.Minute - time.Microsecond)}, rows(0)},
	{"ExpireMessages", store.ExpireMessagesParams{Channel: "sms", Now: at(10 * time.Minute)}, rows(0)},
	{"ExpireMessages", store.ExpireMessagesParams{Channel: "email", Now: at(10 * time.Minute)}, rows(1)},
	{"OldestQueuedMessage", "email", fails(store.ErrNotFound)},
	{"ListMessages", store.ListMessagesParams{Since: t0.Add(-time.Hour), BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(3)},
	{"ListMessages", store.ListMessagesParams{Since: t0.Add(-time.Hour), BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, PageSize: 2}, length(2)},
	{"ListMessages", store.ListMessagesParams{Since: t0.Add(-time.Hour), BeforeAt: after(-1000 * time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(0)},
	{"ListMessages", store.ListMessagesParams{Since: after(1000 * time.Hour), BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(0)},
	{"ListMessages", store.ListMessagesParams{Since: t0.Add(-time.Hour), BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, Who: "%anaka%", PageSize: 10}, length(2)},
	{"ListMessages", store.ListMessagesParams{Since: t0.Add(-time.Hour), BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, HiddenKind: "store", PageSize: 10}, length(1)},
	{"ListMessages", store.ListMessagesParams{Since: t0.Add(-time.Hour), BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, HiddenKind: "operator", PageSize: 10}, length(3)},
	{"LastOfMessages", store.LastOfMessagesParams{BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, Look: 10}, has("Looked", int64(3))},
	{"LastOfMessages", store.LastOfMessagesParams{BeforeAt: after(-1000 * time.Hour), BeforeID: store.MaxID, Look: 10}, fails(store.ErrNotFound)},
	{"ListMessagesInState", store.ListMessagesInStateParams{State: "expired", Since: t0.Add(-time.Hour), BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, Who: "%@example.com%", PageSize: 10}, length(1)},
	{"ListMessagesInState", store.ListMessagesInStateParams{State: "expired", Since: t0.Add(-time.Hour), BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, Who: "%@example.com%", Masked: "masked", PageSize: 10}, length(0)},
	{"LastOfMessagesInState", store.LastOfMessagesInStateParams{State: "expired", BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, Look: 10}, has("Looked", int64(1))},
	{"ListMessagesOfAccount", store.ListMessagesOfAccountParams{AccountID: ref[store.AccountID](account), Since: t0.Add(-time.Hour), BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(2)},
	{"ListMessagesOfAccount", store.ListMessagesOfAccountParams{AccountID: ref[store.AccountID](account), Since: t0.Add(-time.Hour), State: "failed", BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(0)},
	{"LastOfMessagesOfAccount", store.LastOfMessagesOfAccountParams{AccountID: ref[store.AccountID](account), BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, Look: 1}, has("Looked", int64(1))},
	{"GetMessage", id[store.MessageID](message + 1), has("RemoteID", "q1")},
	{"GetMessage", id[store.MessageID](message), has("AccountKind", "store")},
	{"GetMessage", id[store.MessageID](nobody), fails(store.ErrNotFound)},
	{"GetMessageByRemoteID", store.GetMessageByRemoteIDParams{RemoteID: "q1", Channel: "email"}, ok},
	{"GetMessageByRemoteID", store.GetMessageByRemoteIDParams{RemoteID: "q1", Channel: "sms"}, fails(store.ErrNotFound)},
	{"GetMessageByRemoteID", store.GetMessageByRemoteIDParams{Channel: "email"}, fails(store.ErrNotFound)},
	{"InsertMessageReport", report("delayed", false), rows(1)},
	{"InsertMessageReport", report("bounced", true), rows(1)},
	{"InsertMessageReport", report("bounced", false), rows(0)},
	{"InsertMessageReport", store.InsertMessageReportParams{MessageID: id[store.MessageID](nobody), Outcome: "bounced", Now: t0}, fails(store.ErrForeignKey)},
	{"ListMessageReports", id[store.MessageID](message + 1), length(2)},
	{"SettleMessage", store.SettleMessageParams{ID: id[store.MessageID](message + 2), State: "bounced", Now: after(time.Minute)}, rows(0)}, // never tried
	{"SettleMessage", store.SettleMessageParams{ID: id[store.MessageID](message + 1), State: "delivered", Now: after(time.Minute)}, rows(1)},
	{"SettleMessage", store.SettleMessageParams{ID: id[store.MessageID](message + 1), State: "delivered", Now: after(time.Minute)}, rows(0)},
	{"SettleMessage", store.SettleMessageParams{ID: id[store.MessageID](message + 1), State: "bounced", Now: after(time.Minute)}, rows(1)},
	{"SettleMessage", store.SettleMessageParams{ID: id[store.MessageID](message + 1), State: "delivered", Now: after(time.Minute)}, rows(0)},
	{"GetMessage", id[store.MessageID](message + 1), has("FinishedAt", after(3*time.Second))},
	{"CountTroubledMessages", t0, length(1)},
	{"CountTroubledMessages", after(time.Hour), length(0)},
	{"SweepMessages", store.SweepMessagesParams{Before: after(time.Hour), BatchSize: 2}, rows(2)},

	{"UseChallenge", store.UseChallengeParams{ID: id[store.ChallengeID](challenge), Now: at(time.Minute)}, rows(1)},
	{"UseChallenge", store.UseChallengeParams{ID: id[store.ChallengeID](challenge), Now: at(time.Minute)}, rows(0)},
	{"VoidFlowChallenges", store.VoidFlowChallengesParams{Kind: "email", FlowID: ref[store.FlowID](flow), Now: at(0)}, ok},
	{"GetFlowChallenge", store.GetFlowChallengeParams{Kind: "email", FlowID: ref[store.FlowID](flow), AccountID: id[store.AccountID](account)}, has("VoidedAt", nil)},
	{"VoidSessionChallenges", store.VoidSessionChallengesParams{Kind: "email", SessionID: ref[store.SessionID](session), Now: at(0)}, ok},
	{"VoidAccountChallenges", store.VoidAccountChallengesParams{AccountID: id[store.AccountID](account), Now: at(0)}, rows(0)},
	{"SweepChallenges", store.SweepChallengesParams{Before: after(time.Hour), BatchSize: 1}, rows(1)},

	{"InsertFirstFactor", store.InsertFirstFactorParams{ID: id[string](factor), AccountID: id[store.AccountID](account), Kind: "email", Address: "t@example.com", CredentialEpoch: 4, Now: t0}, rows(0)},
	{"InsertFirstFactor", store.InsertFirstFactorParams{ID: id[string](factor), AccountID: id[store.AccountID](account), Kind: "email", Address: "t@example.com", CredentialEpoch: 5, Now: t0}, rows(1)},
	{"InsertFirstFactor", store.InsertFirstFactorParams{ID: id[string](nobody), AccountID: id[store.AccountID](account), Kind: "email", Address: "x@example.com", CredentialEpoch: 5, Now: t0}, rows(0)},
	{"ListFactors", id[store.AccountID](account), length(1)},
	{"GetFactor", store.GetFactorParams{ID: id[store.FactorID](factor), AccountID: id[store.AccountID](account)}, has("Main", true)},
	{"GetFactor", store.GetFactorParams{ID: id[store.FactorID](factor), AccountID: id[store.AccountID](operator)}, fails(store.ErrNotFound)},
	{"UseTOTPStep", store.UseTOTPStepParams{ID: id[store.FactorID](factor), Step: new(int64(7)), Now: at(0)}, rows(1)},
	{"UseTOTPStep", store.UseTOTPStepParams{ID: id[store.FactorID](factor), Step: new(int64(7)), Now: at(0)}, rows(0)},
	{"UseTOTPStep", store.UseTOTPStepParams{ID: id[store.FactorID](factor), Step: new(int64(6)), Now: at(0)}, rows(0)},
	{"UseTOTPStep", store.UseTOTPStepParams{ID: id[store.FactorID](factor), Step: new(int64(8)), Now: at(0)}, rows(1)},
	{"UpsertFactor", store.UpsertFactorParams{ID: id[store.FactorID](factor + 1000), AccountID: id[store.AccountID](account), Kind: "totp", Main: true, SecretSealed: hash(3), Now: t0}, fails(store.ErrConflict)},
	{"UpsertFactor", store.UpsertFactorParams{ID: id[store.FactorID](factor + 1000), AccountID: id[store.AccountID](account), Kind: "totp", Position: 2, SecretSealed: hash(3), TOTPStep: new(int64(1)), Now: t0}, has("TOTPStep", int64(1))},
	{"ClearMainFactor", id[store.AccountID](account), ok},
	{"SetMainFactor", store.SetMainFactorParams{ID: id[store.FactorID](factor + 1000), AccountID: id[store.AccountID](operator)}, rows(0)},
	{"SetMainFactor", store.SetMainFactorParams{ID: id[store.FactorID](factor + 1000), AccountID: id[store.AccountID](account)}, rows(1)},
	{"SetMainFactor", store.SetMainFactorParams{ID: id[store.FactorID](factor), AccountID: id[store.AccountID](account)}, fails(store.ErrConflict)},
	{"SetFactorPosition", store.SetFactorPositionParams{ID: id[store.FactorID](factor), AccountID: id[store.AccountID](account), Position: 5}, rows(1)},
	{"DeleteFactor", store.DeleteFactorParams{ID: id[store.FactorID](factor + 1000), AccountID: id[store.AccountID](operator)}, rows(0)},
	{"DeleteFactor", store.DeleteFactorParams{ID: id[store.FactorID](factor + 1000), AccountID: id[store.AccountID](account)}, rows(1)},
	{"SetMainFactor", store.SetMainFactorParams{ID: id[store.FactorID](factor), AccountID: id[store.AccountID](account)}, rows(1)},

	{"InsertPasskey", store.InsertPasskeyParams{ID: id[store.PasskeyID](1), AccountID: id[store.AccountID](account), FactorID: id[store.FactorID](factor), CredentialID: hash(1), Record: hash(2), SignCount: 3, Name: "ノートPC", Now: t0}, ok},
	{"InsertPasskey", store.InsertPasskeyParams{ID: id[store.PasskeyID](2), AccountID: id[store.AccountID](operator), FactorID: id[store.FactorID](factor), CredentialID: hash(1), Record: hash(2), Now: t0}, fails(store.ErrConflict)},
	{"ListPasskeys", id[store.AccountID](account), length(1)},
	{"GetPasskey", store.GetPasskeyParams{ID: id[store.PasskeyID](1), AccountID: id[store.AccountID](operator)}, fails(store.ErrNotFound)},
	{"GetPasskey", store.GetPasskeyParams{ID: id[store.PasskeyID](1), AccountID: id[store.AccountID](account)}, has("LastUsedAt", nil)},
	{"GetPasskeyByCredential", hash(1), has("SignCount", int64(3))},
	{"GetPasskeyByCredential", hash(2), fails(store.ErrNotFound)},
	{"UsePasskey", store.UsePasskeyParams{ID: id[store.PasskeyID](1), FormerCount: 2, SignCount: 4, Record: hash(3), Now: at(0)}, rows(0)},
	{"UsePasskey", store.UsePasskeyParams{ID: id[store.PasskeyID](1), FormerCount: 3, SignCount: 4, Record: hash(3), Now: at(0)}, rows(1)},
	{"RenamePasskey", store.RenamePasskeyParams{ID: id[store.PasskeyID](1), AccountID: id[store.AccountID](account), Name: "電話"}, rows(1)},
	{"DeletePasskey", store.DeletePasskeyParams{ID: id[store.PasskeyID](1), AccountID: id[store.AccountID](operator)}, rows(0)},
	{"DeletePasskey", store.DeletePasskeyParams{ID: id[store.PasskeyID](1), AccountID: id[store.AccountID](account)}, rows(1)},
	{"DeletePasskeys", id[store.AccountID](account), rows(0)},

	{"InsertCeremony", store.InsertCeremonyParams{ID: id[store.CeremonyID](1), Kind: "totp", Purpose: "enrol", FlowID: ref[store.FlowID](flow), AccountID: ref[store.AccountID](account), DataSealed: hash(1), Now: t0, ExpiresAt: after(time.Minute)}, ok},
	{"InsertCeremony", store.InsertCeremonyParams{ID: id[store.CeremonyID](2), Kind: "passkey", Purpose: "change", SessionID: ref[store.SessionID](session), DataSealed: hash(2), Now: t0, ExpiresAt: after(time.Minute)}, ok},
	{"GetFlowCeremony", store.GetFlowCeremonyParams{FlowID: ref[store.FlowID](flow), Kind: "totp", Purpose: "enrol", Now: t0, MaxTries: 1}, has("DataSealed", hash(1))},
	{"GetFlowCeremony", store.GetFlowCeremonyParams{FlowID: ref[store.FlowID](flow), Kind: "totp", Purpose: "enrol", Now: after(time.Minute), MaxTries: 1}, fails(store.ErrNotFound)},
	{"GetSessionCeremony", store.GetSessionCeremonyParams{SessionID: ref[store.SessionID](session), Kind: "passkey", Purpose: "change", Now: t0, MaxTries: 1}, has("AccountID", nil)},
	{"CountCeremonyTry", store.CountCeremonyTryParams{ID: id[store.CeremonyID](1), Now: t0, MaxTries: 1}, has("Tries", int64(1))},
	{"CountCeremonyTry", store.CountCeremonyTryParams{ID: id[store.CeremonyID](1), Now: t0, MaxTries: 1}, fails(store.ErrNotFound)},
	{"GetFlowCeremony", store.GetFlowCeremonyParams{FlowID: ref[store.FlowID](flow), Kind: "totp", Purpose: "enrol", Now: t0, MaxTries: 1}, fails(store.ErrNotFound)},
	{"TakeCeremony", store.TakeCeremonyParams{ID: id[store.CeremonyID](2), Now: after(time.Minute)}, fails(store.ErrNotFound)},
	{"TakeCeremony", store.TakeCeremonyParams{ID: id[store.CeremonyID](2), Now: t0}, has("Kind", "passkey")},
	{"TakeCeremony", store.TakeCeremonyParams{ID: id[store.CeremonyID](2), Now: t0}, fails(store.ErrNotFound)},
	{"DropFlowCeremonies", store.DropFlowCeremoniesParams{FlowID: ref[store.FlowID](flow), Kind: "passkey", Purpose: "enrol"}, ok},
	{"DropSessionCeremonies", store.DropSessionCeremoniesParams{SessionID: ref[store.SessionID](session), Kind: "passkey", Purpose: "change"}, ok},
	{"SweepCeremonies", store.SweepCeremoniesParams{Before: t0, BatchSize: 10}, rows(0)},
	{"DropAccountCeremonies", ref[store.AccountID](account), ok},
	{"SweepCeremonies", store.SweepCeremoniesParams{Before: after(time.Hour), BatchSize: 10}, rows(0)},

	{"InsertTrustedDevice", store.InsertTrustedDeviceParams{ID: id[store.DeviceID](1), AccountID: id[store.AccountID](account), CredentialEpoch: 5, Name: "Chrome / Windows", SecretHash: hash(1), Method: "totp", ClientAddress: "192.0.2.1", Now: t0, ExpiresAt: after(time.Hour)}, ok},
	{"InsertTrustedDevice", store.InsertTrustedDeviceParams{ID: id[store.DeviceID](2), AccountID: id[store.AccountID](account), CredentialEpoch: 4, SecretHash: hash(9), Method: "totp", Now: after(time.Second), ExpiresAt: after(time.Hour)}, ok},
	{"ListTrustedDevices", store.ListTrustedDevicesParams{AccountID: id[store.AccountID](account), Now: t0}, length(1)},
	{"GetTrustedDevice", store.GetTrustedDeviceParams{ID: id[store.DeviceID](2), AccountID: id[store.AccountID](account), Now: t0}, fails(store.ErrNotFound)},
	{"GetTrustedDevice", store.GetTrustedDeviceParams{ID: id[store.DeviceID](1), AccountID: id[store.AccountID](operator), Now: t0}, fails(store.ErrNotFound)},
	{"GetTrustedDevice", store.GetTrustedDeviceParams{ID: id[store.DeviceID](1), AccountID: id[store.AccountID](account), Now: after(time.Hour)}, fails(store.ErrNotFound)},
	{"GetTrustedDevice", store.GetTrustedDeviceParams{ID: id[store.DeviceID](1), AccountID: id[store.AccountID](account), Now: t0}, has("FormerHash", []byte(nil))},
	{"RotateTrustedDevice", store.RotateTrustedDeviceParams{ID: id[store.DeviceID](1), AccountID: id[store.AccountID](account), CredentialEpoch: 4, SecretHash: hash(1), NewHash: hash(2), Now: at(time.Second)}, rows(0)},
	{"RotateTrustedDevice", store.RotateTrustedDeviceParams{ID: id[store.DeviceID](1), AccountID: id[store.AccountID](account), CredentialEpoch: 5, SecretHash: hash(1), NewHash: hash(2), Now: at(time.Second)}, rows(1)},
	{"RotateTrustedDevice", store.RotateTrustedDeviceParams{ID: id[store.DeviceID](1), AccountID: id[store.AccountID](account), CredentialEpoch: 5, SecretHash: hash(1), NewHash: hash(3), Now: at(time.Second)}, rows(0)},
	{"RotateTrustedDevice", store.RotateTrustedDeviceParams{ID: id[store.DeviceID](1), AccountID: id[store.AccountID](account), CredentialEpoch: 5, SecretHash: hash(2), NewHash: hash(3), Now: at(time.Hour)}, rows(0)},
	{"GetTrustedDevice", store.GetTrustedDeviceParams{ID: id[store.DeviceID](1), AccountID: id[store.AccountID](account), Now: t0}, has("FormerHash", hash(1))},
	{"TrimTrustedDevices", store.TrimTrustedDevicesParams{AccountID: id[store.AccountID](operator), Keep: 0}, rows(0)},
	{"TrimTrustedDevices", store.TrimTrustedDevicesParams{AccountID: id[store.AccountID](account), Keep: 2}, rows(0)},
	{"TrimTrustedDevices", store.TrimTrustedDevicesParams{AccountID: id[store.AccountID](account), Keep: 1}, rows(1)},
	{"ListTrustedDevices", store.ListTrustedDevicesParams{AccountID: id[store.AccountID](account), Now: t0}, length(0)},
	{"InsertTrustedDevice", store.InsertTrustedDeviceParams{ID: id[store.DeviceID](3), AccountID: id[store.AccountID](account), CredentialEpoch: 5, SecretHash: hash(7), Now: t0, ExpiresAt: after(time.Hour)}, ok},
	{"DeleteTrustedDevice", store.DeleteTrustedDeviceParams{ID: id[store.DeviceID](3), AccountID: id[store.AccountID](operator)}, rows(0)},
	{"SweepTrustedDevices", store.SweepTrustedDevicesParams{Before: t0, BatchSize: 10}, rows(0)},
	{"DeleteTrustedDevice", store.DeleteTrustedDeviceParams{ID: id[store.DeviceID](3), AccountID: id[store.AccountID](account)}, rows(1)},
	{"DeleteTrustedDevices", id[store.AccountID](account), rows(1)},

	{"SetExemption", store.SetExemptionParams{ID: id[store.AccountID](account), Until: after(time.Hour), Now: t0, Reason: "r", GrantedBy: "support"}, rows(1)},
	{"SetExemption", store.SetExemptionParams{ID: id[store.AccountID](account), Until: after(2 * time.Hour), Now: t0, Reason: "r", GrantedBy: "support"}, rows(0)},
	{"CountExemptions", store.CountExemptionsParams{Now: t0, Ceiling: 10}, rows(1)},
	{"CountExemptions", store.CountExemptionsParams{Now: after(time.Hour), Ceiling: 10}, rows(0)},
	{"ListExemptions", store.ListExemptionsParams{Now: t0, AfterUntil: t0, AfterID: store.MinID, HiddenKind: "operator", PageSize: 10}, length(1)},
	{"ListExemptions", store.ListExemptionsParams{Now: t0, AfterUntil: after(time.Hour), AfterID: id[store.AccountID](account), PageSize: 10}, length(0)},
	{"ListExemptions", store.ListExemptionsParams{Now: t0, AfterUntil: t0, AfterID: store.MinID, HiddenKind: "store", PageSize: 10}, length(0)},
	{"ListExemptionsAfter", store.ListExemptionsAfterParams{Now: t0, HiddenKind: "operator", After: t0, AfterID: store.MinID, PageSize: 10}, length(1)},
	{"ListExemptionsAfter", store.ListExemptionsAfterParams{Now: t0, HiddenKind: "store", After: t0, AfterID: store.MinID, PageSize: 10}, length(0)},
	{"ListExemptionsAfter", store.ListExemptionsAfterParams{Now: t0, After: after(time.Hour), AfterID: store.MinID, PageSize: 10}, length(1)},
	{"ListExemptionsAfter", store.ListExemptionsAfterParams{Now: t0, After: after(time.Hour), AfterID: store.MaxID, PageSize: 10}, length(0)},
	{"GetAccount", id[store.AccountID](account), has("ExemptUntil", after(time.Hour))},
	{"EndExemption", store.EndExemptionParams{ID: id[store.AccountID](account), Now: after(time.Hour)}, rows(0)},
	{"SetExemption", store.SetExemptionParams{ID: id[store.AccountID](account), Until: after(3 * time.Hour), Now: after(time.Hour), Reason: "r", GrantedBy: "support"}, rows(1)},
	{"EndExemption", store.EndExemptionParams{ID: id[store.AccountID](account), Now: after(time.Hour)}, rows(1)},
	{"GetAccount", id[store.AccountID](account), has("ExemptUntil", nil)},

	{"InsertPass", store.InsertPassParams{ID: id[store.PassID](1), AccountID: id[store.AccountID](account), CredentialEpoch: 5, CodeMAC: hash(1), IssuedBy: "support", Now: t0, ExpiresAt: after(time.Hour)}, ok},
	{"InsertPass", store.InsertPassParams{ID: id[store.PassID](2), AccountID: id[store.AccountID](account), CredentialEpoch: 5, CodeMAC: hash(2), IssuedBy: "support", Now: t0, ExpiresAt: after(time.Hour)}, fails(store.ErrConflict)},
	{"GetOpenPass", store.GetOpenPassParams{AccountID: id[store.AccountID](account), Now: t0}, has("Tries", int64(0))},
	{"GetOpenPass", store.GetOpenPassParams{AccountID: id[store.AccountID](account), Now: after(time.Hour)}, fails(store.ErrNotFound)},
	{"TakePassTry", store.TakePassTryParams{MaxTries: 2, Now: t0, AccountID: id[store.AccountID](operator)}, fails(store.ErrNotFound)},
	{"TakePassTry", store.TakePassTryParams{MaxTries: 2, Now: after(time.Hour), AccountID: id[store.AccountID](account)}, fails(store.ErrNotFound)},
	{"TakePassTry", store.TakePassTryParams{MaxTries: 2, Now: t0, AccountID: id[store.AccountID](account)}, has("VoidedAt", nil)},
	{"TakePassTry", store.TakePassTryParams{MaxTries: 2, Now: t0, AccountID: id[store.AccountID](account)}, has("VoidedAt", t0)},
	{"TakePassTry", store.TakePassTryParams{MaxTries: 2, Now: t0, AccountID: id[store.AccountID](account)}, fails(store.ErrNotFound)},
	{"GetOpenPass", store.GetOpenPassParams{AccountID: id[store.AccountID](account), Now: t0}, fails(store.ErrNotFound)},
	{"UsePass", store.UsePassParams{ID: id[store.PassID](1), Now: t0}, rows(1)},
	{"UsePass", store.UsePassParams{ID: id[store.PassID](1), Now: t0}, rows(0)},
	{"InsertPass", store.InsertPassParams{ID: id[store.PassID](2), AccountID: id[store.AccountID](account), CredentialEpoch: 4, CodeMAC: hash(2), IssuedBy: "support", Now: t0, ExpiresAt: after(time.Hour)}, ok},
	{"TakePassTry", store.TakePassTryParams{MaxTries: 2, Now: t0, AccountID: id[store.AccountID](account)}, fails(store.ErrNotFound)}, // of an older epoch
	{"VoidPasses", store.VoidPassesParams{Now: t0, AccountID: id[store.AccountID](account)}, rows(1)},
	{"SweepPasses", store.SweepPassesParams{Before: after(time.Hour), BatchSize: 10}, rows(0)},
	{"SweepPasses", store.SweepPassesParams{Before: after(2 * time.Hour), BatchSize: 10}, rows(2)},

	{"InsertTicket", store.InsertTicketParams{ID: id[store.TicketID](1), Purpose: "password", AccountID: id[store.AccountID](account), SecretHash: hash(1), CredentialEpoch: new(int64(5)), Data: doc(`{}`), Now: t0, ExpiresAt: after(time.Minute)}, ok},
	{"InsertTicket", store.InsertTicketParams{ID: id[store.TicketID](2), Purpose: "undo", AccountID: id[store.AccountID](account), SecretHash: hash(2), Data: doc(`{}`), Now: t0, ExpiresAt: after(time.Minute)}, ok},
	{"GetTicket", store.GetTicketParams{SecretHash: hash(1), Purpose: "undo", Now: t0}, fails(store.ErrNotFound)},
	{"GetTicket", store.GetTicketParams{SecretHash: hash(1), Purpose: "password", Now: after(time.Minute)}, fails(store.ErrNotFound)},
	{"GetTicket", store.GetTicketParams{SecretHash: hash(1), Purpose: "password", Now: t0}, has("CredentialEpoch", int64(5))},
	{"UseTicket", store.UseTicketParams{ID: id[store.TicketID](1), Now: at(0)}, rows(1)},
	{"UseTicket", store.UseTicketParams{ID: id[store.TicketID](1), Now: at(0)}, rows(0)},
	{"GetTicket", store.GetTicketParams{SecretHash: hash(1), Purpose: "password", Now: t0}, fails(store.ErrNotFound)},
	{"GetSpentTicket", store.GetSpentTicketParams{SecretHash: hash(1), Purpose: "password", Since: at(0)}, has("ID", id[store.TicketID](1))},
	{"GetSpentTicket", store.GetSpentTicketParams{SecretHash: hash(1), Purpose: "password", Since: at(time.Second)}, fails(store.ErrNotFound)},
	{"GetSpentTicket", store.GetSpentTicketParams{SecretHash: hash(2), Purpose: "undo", Since: at(0)}, fails(store.ErrNotFound)},
	{"InsertTicket", store.InsertTicketParams{ID: id[store.TicketID](3), Purpose: "undo", AccountID: id[store.AccountID](account), SecretHash: hash(3), Data: doc(`{}`), Now: after(time.Second), ExpiresAt: after(time.Minute)}, ok},
	{"ListTickets", store.ListTicketsParams{AccountID: id[store.AccountID](account), Purpose: "undo", Now: t0}, length(2)},
	{"ListTickets", store.ListTicketsParams{AccountID: id[store.AccountID](account), Purpose: "undo", Now: after(time.Minute)}, length(0)},
	{"ListTickets", store.ListTicketsParams{AccountID: id[store.AccountID](operator), Purpose: "undo", Now: t0}, length(0)},
	{"VoidNewerTickets", store.VoidNewerTicketsParams{AccountID: id[store.AccountID](account), Purpose: "undo", ID: id[store.TicketID](3), CreatedAt: after(time.Second), Now: at(0)}, rows(0)},
	{"VoidNewerTickets", store.VoidNewerTicketsParams{AccountID: id[store.AccountID](account), Purpose: "undo", ID: id[store.TicketID](2), CreatedAt: t0, Now: at(0)}, rows(1)},
	{"ListTickets", store.ListTicketsParams{AccountID: id[store.AccountID](account), Purpose: "undo", Now: t0}, length(1)},
	{"VoidTickets", store.VoidTicketsParams{AccountID: id[store.AccountID](account), Purpose: "password", Now: at(0)}, rows(0)},
	{"VoidAccountTickets", store.VoidAccountTicketsParams{AccountID: id[store.AccountID](account), But: store.TicketStop, Now: at(0)}, rows(1)},
	{"SweepTickets", store.SweepTicketsParams{Before: after(time.Hour), BatchSize: 10}, rows(3)},
	{"InsertPasswordRequest", store.InsertPasswordRequestParams{ID: id[store.RequestID](1), AccountKind: "store", LoginKey: "tanaka", Lang: "ja", Now: t0}, ok},
	{"OldestPasswordRequest", nil, has("LoginKey", "tanaka")},
	{"TakePasswordRequest", id[store.RequestID](1), has("Lang", "ja")},
	{"TakePasswordRequest", id[store.RequestID](1), fails(store.ErrNotFound)},
	{"GetCustomerByCode", "C-1", has("ID", id[store.CustomerID](customer))},
	{"CountOtherAble", store.CountOtherAbleParams{Kind: "operator", Role: "admin", ID: id[store.AccountID](operator)}, rows(0)},
	{"DeleteEmptyGroup", id[store.UserGroupID](group), rows(0)},
	{"DeleteEmptyCustomer", id[store.CustomerID](customer), rows(0)},
	{"MoveAccount", store.MoveAccountParams{ID: id[store.AccountID](account), UserGroupID: ref[store.UserGroupID](group), Now: t0}, rows(1)},
	{"EraseTickets", id[store.AccountID](nobody), ok},
	{"EraseChallenges", id[store.AccountID](nobody), ok},
	{"EraseBackupBatches", id[store.AccountID](nobody), ok},
	{"EraseMessages", ref[store.AccountID](nobody), ok},
	{"EraseSessions", id[store.AccountID](nobody), ok},
	{"EraseFlows", ref[store.AccountID](nobody), ok},
	{"ErasePasses", id[store.AccountID](nobody), ok},
	{"EraseReenrolTickets", id[store.AccountID](nobody), ok},
	{"EraseImportMark", id[store.AccountID](nobody), ok},
	{"EraseAccount", id[store.AccountID](nobody), rows(0)},
	{"ListAccountsUnindexed", int32(5), length(2)},
	{"ListCustomersUnindexed", int32(5), length(2)},
	{"InsertSearchTerms", store.InsertSearchTermsParams{Kind: "store", SubjectID: string(id[store.AccountID](account)), T1: "tanaka", T2: "田中", T3: "中", T4: "tanaka", T5: "tanaka", T6: "tanaka", T7: "tanaka", T8: "tan"}, ok},
	{"SearchSubjects", store.SearchSubjectsParams{Kind: "store", Word: "ta", Start: "ta", WordEnd: "ta\U0010ffff", AfterID: string(id[store.AccountID](0)), Look: 9, PageSize: 5}, length(1)},
	{"SearchSubjects", store.SearchSubjectsParams{Kind: "store", Word: "ta", Start: "tanaka", WordEnd: "ta\U0010ffff", AfterID: string(id[store.AccountID](0)), Look: 9, PageSize: 5}, length(0)},
	{"SearchSubjects", store.SearchSubjectsParams{Kind: "store", Word: "ta", Start: "ta", WordEnd: "ta\U0010ffff", AfterID: string(id[store.AccountID](0)), Phrase: "田", PhraseEnd: "田\U0010ffff", Look: 9, PageSize: 5}, length(0)},
	{"SearchSubjects", store.SearchSubjectsParams{Kind: "store", Word: "ta", Start: "ta", WordEnd: "ta\U0010ffff", AfterID: string(id[store.AccountID](0)), Second: "田", SecondEnd: "田\U0010ffff", Phrase: "x", PhraseEnd: "x\U0010ffff", Look: 9, PageSize: 5}, length(1)},
	{"LastOfSubjects", store.LastOfSubjectsParams{Kind: "store", Start: "ta", WordEnd: "ta\U0010ffff", AfterID: string(id[store.AccountID](0)), Look: 9}, has("Term", "tanaka")},
	{"LastOfSubjects", store.LastOfSubjectsParams{Kind: "store", Start: "ta", WordEnd: "ta\U0010ffff", AfterID: string(id[store.AccountID](0)), Look: 1}, has("Looked", int64(1))},
	{"SearchSubjects", store.SearchSubjectsParams{Kind: "store", Word: "ta", Start: "ta", WordEnd: "ta\U0010ffff", AfterID: string(id[store.AccountID](0)), Second: "田", SecondEnd: "田\U0010ffff", Third: "山", ThirdEnd: "山\U0010ffff", Look: 9, PageSize: 5}, length(0)},
	{"InsertSearchTerms", store.InsertSearchTermsParams{Kind: "customer", SubjectID: string(id[store.CustomerID](customer)), T1: "遠方商事", T2: "方商事", T3: "c-1", T4: "c-1", T5: "c-1", T6: "c-1", T7: "c-1", T8: "c-1"}, ok},
	{"CountAtCustomers", store.CountAtCustomersParams{Kind: "store", Word: "遠方", WordEnd: "遠方\U0010ffff", Look: 9}, rows(1)},
	{"CountAtCustomers", store.CountAtCustomersParams{Kind: "operator", Word: "遠方", WordEnd: "遠方\U0010ffff", Look: 9}, rows(0)},
	{"CountAtCustomers", store.CountAtCustomersParams{Kind: "store", Word: "ta", WordEnd: "ta\U0010ffff", Look: 9}, rows(0)}, // no customer has it
	{"SearchAtCustomers", atCustomers(0, "", "x"), length(1)},
	{"SearchAtCustomers", atCustomers(0, "c-", "x"), length(1)}, // the customer has it, too
	{"SearchAtCustomers", atCustomers(0, "山", "x"), length(0)},
	{"SearchAtCustomers", atCustomers(0, "", "tan"), length(0)}, // those who have the words together are listed before
	{"SearchAtCustomers", atCustomers(account, "", "x"), length(0)},
	{"DeleteSearchTerms", string(id[store.CustomerID](customer)), ok},
	{"GetAccountHit", id[store.AccountID](account), has("LoginID", "Tanaka")},
	{"SetAccountIndexed", id[store.AccountID](account), ok},
	{"SetCustomerIndexed", id[store.CustomerID](customer), ok},
	{"ListAccountsUnindexed", int32(5), length(1)},
	{"DeleteSearchTerms", string(id[store.AccountID](account)), ok},
	{"ListCustomerAccounts", store.ListCustomerAccountsParams{CustomerID: id[store.CustomerID](customer), PageSize: 5}, length(1)},
	{"ListCustomerAccounts", store.ListCustomerAccountsParams{CustomerID: id[store.CustomerID](customer), AfterKey: "tanaka", PageSize: 5}, length(0)},
	{"GetCustomerAccount", store.GetCustomerAccountParams{CustomerID: id[store.CustomerID](customer), ID: id[store.AccountID](account)}, has("LoginKey", "tanaka")},
	{"GetCustomerAccount", store.GetCustomerAccountParams{CustomerID: id[store.CustomerID](customer), ID: id[store.AccountID](operator)}, fails(store.ErrNotFound)},
	{"CountCustomerSwitch", store.CountCustomerSwitchParams{CustomerID: id[store.CustomerID](customer), Want: "use"}, has("Total", int64(1))},
	{"ListSwitchEvents", store.ListSwitchEventsParams{CustomerID: id[store.CustomerID](customer), Since: t0, PageSize: 5}, length(0)},
	{"BeginGrace", store.BeginGraceParams{ID: id[store.AccountID](operator), Now: at(0), Until: at(time.Hour)}, rows(1)},
	{"GetAccount", id[store.AccountID](operator), has("GraceUntil", after(time.Hour))},
	{"SetSurfaceGrace", store.SetSurfaceGraceParams{ID: "store", Former: 7, GraceDays: 3, Now: t0}, rows(0)},
	{"SetSurfaceGrace", store.SetSurfaceGraceParams{ID: "admin", Former: 0, GraceDays: 3, Now: t0}, rows(1)},
	{"SetSurfaceAnnounced", store.SetSurfaceAnnouncedParams{ID: "admin", AnnouncedFor: at(time.Hour)}, rows(1)},
	{"GetSurface", "admin", has("AnnouncedFor", after(time.Hour))},
	{"GetSurface", "admin", has("EnforcedSince", t0)},
	{"CountConcerned", store.CountConcernedParams{Kind: "operator", Useful: "totp passkey", SeenSince: t0}, has("Unset", int64(1))},
	{"ListConcerned", store.ListConcernedParams{Kind: "operator", Useful: "totp passkey", PageSize: 5}, length(1)},
	{"ListConcerned", store.ListConcernedParams{Kind: "operator", AfterKey: "sato", Useful: "totp passkey", PageSize: 5}, length(0)},
	{"InsertAnnouncement", store.InsertAnnouncementParams{ID: id[store.AnnouncementID](1), SurfaceID: "admin", EnforceOn: after(time.Hour), Total: 1, Now: t0}, ok},
	{"InsertAnnouncement", store.InsertAnnouncementParams{ID: id[store.AnnouncementID](2), SurfaceID: "admin", EnforceOn: after(time.Hour), Total: 1, Now: t0}, fails(store.ErrConflict)},
	{"OpenAnnouncements", nil, length(1)},
	{"ListToAnnounce", store.ListToAnnounceParams{Kind: "operator", AfterID: id[store.AccountID](operator - 1), Useful: "totp", PageSize: 5}, length(1)},
	{"ListToAnnounce", store.ListToAnnounceParams{Kind: "operator", AfterID: id[store.AccountID](operator), Useful: "totp", PageSize: 5}, length(0)},
	{"AdvanceAnnouncement", store.AdvanceAnnouncementParams{ID: id[store.AnnouncementID](1), LastAccount: ref[store.AccountID](operator), Mailed: 2, Skipped: 1, Former: 0}, rows(1)},
	{"AdvanceAnnouncement", store.AdvanceAnnouncementParams{ID: id[store.AnnouncementID](1), LastAccount: ref[store.AccountID](operator), Mailed: 2, Former: 0}, rows(0)},
	{"FinishAnnouncement", store.FinishAnnouncementParams{ID: id[store.AnnouncementID](1), Now: at(0)}, rows(1)},
	{"StopAnnouncements", store.StopAnnouncementsParams{SurfaceID: "admin", Now: at(0)}, rows(0)},
	{"LatestAnnouncement", "admin", has("Mailed", int64(2))},
	{"CountQueuedOfKind", "enforcement", rows(0)},
	{"SetSurfaceMethods", store.SetSurfaceMethodsParams{ID: "store", Version: t0, AllowedMethods: "totp", SecondLevel: 30, TrustDays: 7, Now: t0}, rows(0)},
	{"RecordFactorFailure", store.RecordFactorFailureParams{ID: id[store.FactorID](factor), Ceiling: 2, Now: t0}, has("DisabledAt", nil)},
	{"NoteSoftBounce", bounce(-time.Second), fails(store.ErrNotFound)}, // written before the factor was verified
	{"NoteSoftBounce", bounce(0), has("BouncedAt", nil)},
	{"ForgetFactorBounces", store.ForgetFactorBouncesParams{AccountID: id[store.AccountID](account), Kind: "email", Address: "t@example.com"}, rows(1)},
	{"NoteSoftBounce", bounce(0), has("SoftBounces", int64(1))},
	{"NoteSoftBounce", bounce(0), has("BouncedAt", after(time.Hour))},
	{"ForgetFactorBounces", store.ForgetFactorBouncesParams{AccountID: id[store.AccountID](account), Kind: "email", Address: "t@example.com"}, rows(1)},
	{"GetFactorByKind", store.GetFactorByKindParams{AccountID: id[store.AccountID](account), Kind: "email"}, has("BouncedAt", after(time.Hour))},
	{"MarkFactorBounced", mark("t@example.com"), rows(0)}, // already
	{"CountFactorsByKind", nil, length(1)},
	{"CountAccountsEnabled", "store", rows(1)},
	{"CountConcerned", store.CountConcernedParams{Kind: "store", Useful: "totp email", SeenSince: t0}, has("Unreachable", int64(1))},
	{"ListConcerned", store.ListConcernedParams{Kind: "store", Useful: "totp email", PageSize: 5}, length(1)},
	{"ListToAnnounce", store.ListToAnnounceParams{Kind: "store", AfterID: store.MinID, Useful: "totp email", PageSize: 5}, length(1)},
	{"CountConcerned", store.CountConcernedParams{Kind: "store", Useful: "totp", SeenSince: t0}, has("Unusable", int64(1))},
	{"RecordFactorSuccess", store.RecordFactorSuccessParams{ID: id[store.FactorID](factor), Now: at(0)}, rows(1)},
	{"GetFactorByKind", store.GetFactorByKindParams{AccountID: id[store.AccountID](account), Kind: "email"}, has("BouncedAt", nil)},
	{"MarkFactorBounced", mark("x@example.com"), rows(0)},
	{"MarkFactorBounced", mark("t@example.com"), rows(1)},
	{"RecordFactorFailure", store.RecordFactorFailureParams{ID: id[store.FactorID](factor), Ceiling: 1, Now: t0}, has("DisabledAt", t0)},
	{"RecordFactorSuccess", store.RecordFactorSuccessParams{ID: id[store.FactorID](factor), Now: at(0)}, rows(0)},
	{"UpsertFactor", store.UpsertFactorParams{ID: id[store.FactorID](nobody), AccountID: id[store.AccountID](account), Kind: "email", Address: "new@example.com", Main: true, Now: t0}, has("ID", id[store.FactorID](factor))},
	{"GetFactorByKind", store.GetFactorByKindParams{AccountID: id[store.AccountID](account), Kind: "email"}, has("Address", "new@example.com")},
	{"SearchFactorAddresses", store.SearchFactorAddressesParams{Start: "new@", WordEnd: "new@\U0010ffff", AfterID: id[store.AccountID](0), PageSize: 5}, length(1)},
	{"SearchFactorAddresses", store.SearchFactorAddressesParams{Start: "new@", WordEnd: "new@\U0010ffff", AfterID: id[store.AccountID](0), HiddenKind: "store", PageSize: 5}, length(0)},
	{"CountAccountsStopped", store.CountAccountsStoppedParams{Kind: "store", Useful: "sms email", UsefulThen: "totp sms"}, rows(1)},
	{"CountAccountsStopped", store.CountAccountsStoppedParams{Kind: "store", Useful: "email", UsefulThen: "totp email passkey"}, rows(0)},
	{"CountAccountsStopped", store.CountAccountsStoppedParams{Kind: "store", Useful: "totp", UsefulThen: "passkey"}, rows(0)},
	{"CountAccountsStopped", store.CountAccountsStoppedParams{Kind: "operator", Useful: "email", UsefulThen: "totp"}, rows(0)},
	{"CountAccountsAble", store.CountAccountsAbleParams{Kind: "store", Role: "member", Useful: "totp email"}, rows(1)},
	{"CountAccountsAble", store.CountAccountsAbleParams{Kind: "store", Role: "member", Useful: "mail e"}, rows(0)},
	{"CountAccountsAble", store.CountAccountsAbleParams{Kind: "operator", Role: "admin", Useful: "totp"}, rows(1)},

	{"InsertBackupBatch", store.InsertBackupBatchParams{ID: id[store.BatchID](batch), AccountID: id[store.AccountID](account), CodesSealed: hash(1), Now: t0}, ok},
	{"InsertBackupBatch", store.InsertBackupBatchParams{ID: id[store.BatchID](nobody), AccountID: id[store.AccountID](account), Now: t0}, fails(store.ErrConflict)},
	{"InsertBackupCode", store.InsertBackupCodeParams{BatchID: id[store.BatchID](batch), Selector: "AB", CodeHash: "h1"}, ok},
	{"InsertBackupCode", store.InsertBackupCodeParams{BatchID: id[store.BatchID](batch), Selector: "CD", CodeHash: "h2"}, ok},
	{"InsertBackupCode", store.InsertBackupCodeParams{BatchID: id[store.BatchID](batch), Selector: "CD", CodeHash: "h3"}, fails(store.ErrConflict)},
	{"GetBackupBatch", id[store.AccountID](account), has("CodesSealed", hash(1))},
	{"ForgetBackupCodes", store.ForgetBackupCodesParams{ID: id[store.BatchID](batch), AccountID: id[store.AccountID](operator)}, rows(0)},
	{"ForgetBackupCodes", store.ForgetBackupCodesParams{ID: id[store.BatchID](batch), AccountID: id[store.AccountID](account)}, rows(1)},
	{"GetBackupBatch", id[store.AccountID](account), has("CodesSealed", []byte(nil))},
	{"ForgetOldBackupCodes", after(time.Hour), rows(0)},
	{"InsertBackupCode", store.InsertBackupCodeParams{BatchID: id[store.BatchID](batch), Selector: "#00", CodeHash: "h4"}, ok},
	{"ListUsableCodes", store.ListUsableCodesParams{AccountID: id[store.AccountID](account), Selector: "AB"}, length(2)},
	{"ListUsableCodes", store.ListUsableCodesParams{AccountID: id[store.AccountID](operator), Selector: "AB"}, length(0)},
	{"UseBackupCode", store.UseBackupCodeParams{BatchID: id[store.BatchID](batch), Selector: "AB", AccountID: id[store.AccountID](operator), Now: at(0)}, rows(0)},
	{"UseBackupCode", store.UseBackupCodeParams{BatchID: id[store.BatchID](batch), Selector: "AB", AccountID: id[store.AccountID](account), Now: at(0)}, rows(1)},
	{"ListUsableCodes", store.ListUsableCodesParams{AccountID: id[store.AccountID](account), Selector: "AB"}, length(1)},
	{"CountBackupCodes", id[store.AccountID](account), rows(2)},
	{"VoidBackupBatches", store.VoidBackupBatchesParams{AccountID: id[store.AccountID](account), Now: at(0)}, rows(1)},
	{"CountBackupCodes", id[store.AccountID](account), rows(0)},
	{"ListTrustedDevices", store.ListTrustedDevicesParams{AccountID: id[store.AccountID](account), Now: t0}, length(0)},
	{"DeleteTrustedDevices", id[store.AccountID](account), rows(0)},

	{"ListAccountsOfCustomer", id[store.CustomerID](customer), length(1)},
	{"ListAccountsByKind", store.ListAccountsByKindParams{Kind: "operator", PageSize: 10}, length(1)},
	{"ListAccountsAfter", store.ListAccountsAfterParams{Kind: "operator", Pattern: "%", PageSize: 10}, length(1)},
	{"ListAccountsAfter", store.ListAccountsAfterParams{Kind: "store", CustomerID: id[string](customer), UserGroupID: id[string](group), Pattern: "%anaka%", PageSize: 10}, length(1)},
	{"ListAccountsAfter", store.ListAccountsAfterParams{Kind: "store", CustomerID: id[string](nobody), Pattern: "%", PageSize: 10}, length(0)},
	{"CountAccountsByKind", "operator", rows(1)},
	{"GetAccountPlace", id[store.UserGroupID](group), has("Customer.Code", "C-1")},
	{"ListCustomers", store.ListCustomersParams{PageSize: 10}, length(2)},
	{"ListCustomers", store.ListCustomersParams{AfterCode: "C-1", PageSize: 10}, length(1)}, // byte order: C-1 before c-0
	{"ListCustomers", store.ListCustomersParams{LastCode: "C-1", PageSize: 10}, length(1)},
	{"ListCustomers", store.ListCustomersParams{State: "empty", PageSize: 10}, length(1)},
	{"LastOfCustomers", store.LastOfCustomersParams{Look: 1}, has("Code", "C-1")},
	{"LastOfCustomers", store.LastOfCustomersParams{AfterCode: "C-1", Look: 5}, has("Looked", int64(1))},
	{"LastOfCustomers", store.LastOfCustomersParams{AfterCode: "d", Look: 5}, fails(store.ErrNotFound)},
	{"ListCustomers", store.ListCustomersParams{State: "set", PageSize: 10}, length(1)},
	{"ListCustomers", store.ListCustomersParams{State: "partly", PageSize: 10}, length(0)},
	{"ListCustomers", store.ListCustomersParams{State: "none", PageSize: 10}, length(0)},
	{"ListCustomersAfter", store.ListCustomersAfterParams{AfterCode: "C-1", Pattern: "%", PageSize: 10}, length(1)},
	{"ListCustomersAfter", store.ListCustomersAfterParams{Pattern: "%anaka%", PageSize: 10}, length(1)},

	{"InsertSession", store.InsertSessionParams{ID: id[store.SessionID](session), TokenHash: hash(1), AccountID: id[store.AccountID](account), AccountKind: "store", CredentialEpoch: 5, Evidence: doc(`["pwd"]`), ClientAddress: "2001:db8::1", UserAgent: "ua", Now: t0, ExpiresAt: after(time.Hour)}, ok},
	{"InsertSession", store.InsertSessionParams{ID: id[store.SessionID](session + 1000), TokenHash: hash(1), AccountID: id[store.AccountID](account), Evidence: doc(`[]`), Now: t0, ExpiresAt: after(time.Hour)}, fails(store.ErrConflict)},
	{"InsertSession", store.InsertSessionParams{ID: id[store.SessionID](session + 1), TokenHash: hash(2), AccountID: id[store.AccountID](account), AccountKind: "store", CredentialEpoch: 5, Evidence: doc(`[]`), Now: t0, ExpiresAt: after(time.Hour)}, ok},
	{"GetLiveSession", store.GetLiveSessionParams{TokenHash: hash(1), SurfaceID: "store", Now: t0, IdleSince: after(-time.Minute)}, has("Session.ID", id[store.SessionID](session))},
	{"GetLiveSession", store.GetLiveSessionParams{TokenHash: hash(1), SurfaceID: "admin", Now: t0, IdleSince: after(-time.Minute)}, fails(store.ErrNotFound)},
	{"GetLiveSession", store.GetLiveSessionParams{TokenHash: hash(1), SurfaceID: "store", Now: t0, IdleSince: t0}, fails(store.ErrNotFound)},
	{"TouchSession", store.TouchSessionParams{ID: id[store.SessionID](session), Now: after(time.Minute)}, ok},
	{"RaiseSession", store.RaiseSessionParams{ID: id[store.SessionID](session), AccountID: id[store.AccountID](account), CredentialEpoch: 5, TokenHash: hash(3), Evidence: doc(`["pwd","otp"]`), Now: after(time.Minute), ExpiresAt: after(2 * time.Hour)}, rows(1)},
	{"CarrySessionEpoch", store.CarrySessionEpochParams{ID: id[store.SessionID](session), AccountID: id[store.AccountID](account), FormerEpoch: 4, CredentialEpoch: 5}, rows(0)},
	{"CarrySessionEpoch", store.CarrySessionEpochParams{ID: id[store.SessionID](session), AccountID: id[store.AccountID](account), FormerEpoch: 5, CredentialEpoch: 5}, rows(1)},
	{"GetSessionByToken", hash(1), fails(store.ErrNotFound)},
	{"GetSessionByToken", hash(3), has("ID", id[store.SessionID](session))},
	{"GetSession", id[store.SessionID](session), has("TokenHash", hash(3))},
	{"ListSessions", store.ListSessionsParams{AccountID: id[store.AccountID](account), CredentialEpoch: 5, Now: t0, IdleSince: after(-time.Hour)}, length(2)},
	{"CloseSession", store.CloseSessionParams{ID: id[store.SessionID](session + 1), AccountID: id[store.AccountID](operator), Now: at(0)}, rows(0)},
	{"CloseSession", store.CloseSessionParams{ID: id[store.SessionID](session + 1), AccountID: id[store.AccountID](account), Now: at(0)}, rows(1)},
	{"CloseOtherSessions", store.CloseOtherSessionsParams{AccountID: id[store.AccountID](account), Keep: id[store.SessionID](session), Now: at(0)}, rows(0)},

	{"InsertClient", store.InsertClientParams{ID: "shop", Name: "ストア", SurfaceID: "store", AuthMethod: "client_secret_basic", SecretHash: hash(1), RedirectURIs: doc(`["https://shop.example/cb"]`), PostLogoutRedirectURIs: doc(`[]`), GrantTypes: doc(`["authorization_code"]`), Scopes: doc(`["openid"]`), IDTokenAlg: "ES256", RequirePkce: true, Now: t0}, ok},
	{"InsertClient", store.InsertClientParams{ID: "Shop", Name: "public", RedirectURIs: doc(`[]`), PostLogoutRedirectURIs: doc(`[]`), GrantTypes: doc(`[]`), Scopes: doc(`[]`), Now: t0}, ok},
	{"PutClient", store.PutClientParams{ID: "Shop", Name: "公開", RedirectURIs: doc(`[]`), PostLogoutRedirectURIs: doc(`[]`), GrantTypes: doc(`[]`), Scopes: doc(`[]`), Now: after(time.Second)}, ok},
	{"PutClient", store.PutClientParams{ID: "new", Name: "new", RedirectURIs: doc(`[]`), PostLogoutRedirectURIs: doc(`[]`), GrantTypes: doc(`[]`), Scopes: doc(`[]`), Now: t0}, ok},

	{"PutProvisioner", store.PutProvisionerParams{ClientID: "shop", UserGroupID: id[store.UserGroupID](nobody), Now: t0}, fails(store.ErrForeignKey)},
	{"PutProvisioner", store.PutProvisionerParams{ClientID: "shop", UserGroupID: id[store.UserGroupID](group), Now: t0}, ok},
	{"PutProvisioner", store.PutProvisionerParams{ClientID: "shop", UserGroupID: id[store.UserGroupID](group), Now: after(time.Minute)}, ok},
	{"GetProvisioner", "shop", has("UpdatedAt", after(time.Minute))},
	{"GetProvisioner", "shop", has("Customer.ID", id[store.CustomerID](customer))},
	{"GetProvisioner", "new", fails(store.ErrNotFound)},
	{"PutProvisionedID", store.PutProvisionedIDParams{ClientID: "shop", Kind: "User", ExternalID: "x", ResourceID: id[string](account)}, ok},
	{"PutProvisionedID", store.PutProvisionedIDParams{ClientID: "shop", Kind: "User", ExternalID: "e-1", ResourceID: id[string](account)}, ok},
	{"PutProvisionedID", store.PutProvisionedIDParams{ClientID: "shop", Kind: "User", ExternalID: "e-1", ResourceID: id[string](nobody)}, fails(store.ErrConflict)},
	{"PutProvisionedID", store.PutProvisionedIDParams{ClientID: "shop", Kind: "Group", ExternalID: "e-1", ResourceID: id[string](group)}, ok},
	{"GetProvisionedID", store.GetProvisionedIDParams{ClientID: "shop", Kind: "User", ExternalID: "x"}, fails(store.ErrNotFound)},
	{"GetProvisionedID", store.GetProvisionedIDParams{ClientID: "shop", Kind: "User", ExternalID: "e-1"}, func(v any, err error) bool { return err == nil && v == id[string](account) }},
	{"ListProvisionedUsers", store.ListProvisionedUsersParams{ClientID: "shop", CustomerID: id[store.CustomerID](customer), AfterID: store.MinID, PageSize: 10}, length(1)},
	{"ListProvisionedUsers", store.ListProvisionedUsersParams{ClientID: "shop", CustomerID: id[store.CustomerID](customer), AfterID: store.MinID, Skip: 1, PageSize: 10}, length(0)},
	{"ListProvisionedUsers", store.ListProvisionedUsersParams{ClientID: "shop", CustomerID: id[store.CustomerID](customer), AfterID: store.MinID, Email: "nobody@example.com", PageSize: 10}, length(0)},
	{"GetProvisionedUser", store.GetProvisionedUserParams{ClientID: "shop", ID: id[store.AccountID](account), CustomerID: id[store.CustomerID](customer)}, has("ExternalID", "e-1")},
	{"GetProvisionedUser", store.GetProvisionedUserParams{ClientID: "new", ID: id[store.AccountID](account), CustomerID: id[store.CustomerID](customer)}, has("ExternalID", "")},
	{"GetProvisionedUser", store.GetProvisionedUserParams{ClientID: "shop", ID: id[store.AccountID](account), CustomerID: id[store.CustomerID](customer + 1)}, fails(store.ErrNotFound)},
	{"CountProvisionedUsers", id[store.CustomerID](customer), rows(1)},
	{"ListFactorKindsBetween", store.ListFactorKindsBetweenParams{CustomerID: id[store.CustomerID](customer), FirstID: store.MinID, LastID: store.MaxID}, ok},
	{"ListProvisionedGroups", store.ListProvisionedGroupsParams{ClientID: "shop", CustomerID: id[store.CustomerID](customer), AfterID: store.MinID, PageSize: 10}, length(1)},
	{"GetProvisionedGroup", store.GetProvisionedGroupParams{ClientID: "shop", ID: id[store.UserGroupID](group), CustomerID: id[store.CustomerID](customer)}, has("Members", int64(1))},
	{"GetProvisionedGroup", store.GetProvisionedGroupParams{ClientID: "shop", ID: id[store.UserGroupID](group), CustomerID: id[store.CustomerID](customer + 1)}, fails(store.ErrNotFound)},
	{"CountProvisionedGroups", id[store.CustomerID](customer), rows(1)},
	{"HoldUserGroup", id[store.UserGroupID](group), has("ID", id[store.UserGroupID](group))},
	{"ListMembersBetween", store.ListMembersBetweenParams{CustomerID: id[store.CustomerID](customer), FirstID: store.MinID, LastID: store.MaxID, PageSize: 10}, length(1)},
	{"DeleteProvisionedID", store.DeleteProvisionedIDParams{ClientID: "shop", ResourceID: id[string](group)}, rows(1)},
	{"EraseProvisionedIDs", id[string](account), ok},
	{"ForgetProvisionedIDs", "shop", ok},
	{"DeleteProvisioner", "shop", rows(1)},
	{"DeleteProvisioner", "shop", rows(0)},

	{"GetClient", "shop", has("RequirePkce", true)},
	{"GetClient", "shop", has("Settings", json.RawMessage(nil))},
	{"GetClient", "Shop", has("SecretHash", []byte(nil))},
	{"ListClients", nil, length(3)},
	{"ListClientsAfter", store.ListClientsAfterParams{AfterID: "Shop", PageSize: 1, Now: at(0)}, length(1)},
	{"ListClientsAfter", store.ListClientsAfterParams{Who: "%sho%", PageSize: 9, Now: at(0)}, length(2)},
	{"ListClientsAfter", store.ListClientsAfterParams{Who: "%公開%", State: "active", PageSize: 9, Now: at(0)}, length(1)},
	{"ListClientsAfter", store.ListClientsAfterParams{State: "disabled", PageSize: 9, Now: at(0)}, length(0)},
	{"CountClients", at(0), has("Clients", int64(3))},
	{"HoldClient", "nobody", fails(store.ErrNotFound)},
	{"HoldClient", "new", has("Name", "new")},
	{"UpdateClient", store.UpdateClientParams{ID: "new", Name: "x", RedirectURIs: doc(`[]`), PostLogoutRedirectURIs: doc(`[]`), GrantTypes: doc(`[]`), Scopes: doc(`[]`), Version: after(time.Second), Now: t0}, rows(0)},
	{"UpdateClient", store.UpdateClientParams{ID: "new", Name: "renamed", RedirectURIs: doc(`[]`), PostLogoutRedirectURIs: doc(`[]`), GrantTypes: doc(`[]`), Scopes: doc(`[]`), Version: t0, Now: after(time.Second)}, rows(1)},
	{"SetClientSecret", store.SetClientSecretParams{ID: "new", SecretHash: hash(2), FormerSecretHash: hash(1), FormerSecretUntil: at(time.Hour), Version: t0, Now: at(time.Minute)}, rows(0)},
	{"SetClientSecret", store.SetClientSecretParams{ID: "new", SecretHash: hash(2), FormerSecretHash: hash(1), FormerSecretUntil: at(time.Hour), Version: after(time.Second), Now: at(time.Minute)}, rows(1)},
	{"ListClientsAfter", store.ListClientsAfterParams{State: "rotating", PageSize: 9, Now: at(time.Minute)}, length(1)},
	{"ListClientsAfter", store.ListClientsAfterParams{State: "rotating", PageSize: 9, Now: at(time.Hour)}, length(0)},
	{"FindFormerSecret", store.FindFormerSecretParams{ID: "new", FormerSecretHash: hash(1), Now: at(time.Minute)}, ok},
	{"FindFormerSecret", store.FindFormerSecretParams{ID: "new", FormerSecretHash: hash(2), Now: at(time.Minute)}, fails(store.ErrNotFound)},
	{"FindFormerSecret", store.FindFormerSecretParams{ID: "new", FormerSecretHash: hash(1), Now: at(time.Hour)}, fails(store.ErrNotFound)},
	{"NoteFormerSecret", store.NoteFormerSecretParams{ID: "new", FormerSecretHash: hash(2), Now: at(2 * time.Minute)}, rows(0)},
	{"NoteFormerSecret", store.NoteFormerSecretParams{ID: "new", FormerSecretHash: hash(1), Now: at(2 * time.Minute)}, rows(1)},
	{"GetClient", "new", has("FormerSecretUsedAt", after(2*time.Minute))},
	{"SetClientDisabled", store.SetClientDisabledParams{ID: "new", DisabledAt: at(0), Now: after(3 * time.Minute)}, rows(1)},
	{"FindFormerSecret", store.FindFormerSecretParams{ID: "new", FormerSecretHash: hash(1), Now: at(time.Minute)}, fails(store.ErrNotFound)},
	{"ListClientsAfter", store.ListClientsAfterParams{State: "disabled", PageSize: 9, Now: at(0)}, length(1)},
	{"EndFormerSecret", store.EndFormerSecretParams{ID: "new", Now: after(4 * time.Minute)}, rows(1)},
	{"EndFormerSecret", store.EndFormerSecretParams{ID: "new", Now: after(4 * time.Minute)}, rows(0)},
	{"PutClientLogo", store.PutClientLogoParams{ClientID: "nobody", MediaType: "image/png", Data: hash(1), Sha256: hash(2), Now: t0}, fails(store.ErrForeignKey)},
	{"PutClientLogo", store.PutClientLogoParams{ClientID: "new", MediaType: "image/png", Data: hash(1), Sha256: hash(2), Now: t0}, ok},
	{"PutClientLogo", store.PutClientLogoParams{ClientID: "new", MediaType: "image/gif", Data: hash(3), Sha256: hash(4), Now: after(time.Minute)}, ok},
	{"GetClientLogo", "new", has("MediaType", "image/gif")},
	{"SetClientLogoVersion", store.SetClientLogoVersionParams{ID: "new", LogoVersion: "v2", Now: after(5 * time.Minute)}, rows(1)},
	{"GetClient", "new", has("LogoVersion", "v2")},
	{"DeleteClientLogo", "new", rows(1)},
	{"DeleteClientLogo", "new", rows(0)},
	{"PutClientLogo", store.PutClientLogoParams{ClientID: "new", MediaType: "image/png", Data: hash(1), Sha256: hash(2), Now: t0}, ok}, // goes with its client
	{"DeleteClient", "new", rows(1)},
	{"GetClientLogo", "new", fails(store.ErrNotFound)},
	{"DeleteClient", "new", rows(0)},
	{"InsertSigningKey", store.InsertSigningKeyParams{ID: "k1", Alg: "ES256", PublicJWK: doc(`{"kty":"EC"}`), PrivateSealed: hash(1), Now: t0, SignsFrom: after(time.Hour)}, rows(1)},
	{"InsertSigningKey", store.InsertSigningKeyParams{ID: "k1", Alg: "ES256", PublicJWK: doc(`{}`), Now: t0, SignsFrom: t0}, rows(0)},
	{"InsertFirstSigningKey", store.InsertFirstSigningKeyParams{ID: "k2", Alg: "ES256", PublicJWK: doc(`{}`), Now: t0}, rows(0)},
	{"InsertFirstSigningKey", store.InsertFirstSigningKeyParams{ID: "k3", Alg: "RS256", PublicJWK: doc(`{"kty":"RSA"}`), PrivateSealed: hash(2), Now: t0}, rows(1)},
	{"ListSigningKeys", at(0), length(2)},
	{"PlanSigningKey", store.PlanSigningKeyParams{ID: "k1", SignsFrom: after(2 * time.Hour)}, rows(1)},
	{"AskForSigningKey", store.AskForSigningKeyParams{ID: "k1", SignsFrom: t0, Now: at(0)}, rows(1)},
	{"PlanSigningKey", store.PlanSigningKeyParams{ID: "k1", SignsFrom: after(2 * time.Hour)}, rows(0)}, // an operator's word stands
	{"GetSigningKey", "k1", has("SignsFrom", t0)},
	{"GetSigningKey", "none", fails(store.ErrNotFound)},
	{"ListStaleSigningKeys", store.ListStaleSigningKeysParams{After: "k1", Prefix: hash(1), PageSize: 10}, length(1)},
	{"ListStaleSigningKeys", store.ListStaleSigningKeysParams{Prefix: hash(2), PageSize: 10}, length(1)},
	{"ResealSigningKeys", store.ResealSigningKeysParams{ID: "k1", Stale: hash(9), Fresh: hash(1)}, rows(0)},
	{"ResealSigningKeys", store.ResealSigningKeysParams{ID: "k1", Stale: hash(1), Fresh: hash(1)}, rows(1)},
	{"RetireSigningKey", store.RetireSigningKeyParams{ID: "k1", Now: at(0), PublishedUntil: at(time.Hour)}, rows(1)},
	{"AskForSigningKey", store.AskForSigningKeyParams{ID: "k1", SignsFrom: t0, Now: at(0)}, rows(0)},
	{"ListSigningKeys", at(time.Hour), length(1)},
	{"RevokeSigningKey", store.RevokeSigningKeyParams{ID: "k3", Now: at(0)}, rows(1)},
	{"RevokeSigningKey", store.RevokeSigningKeyParams{ID: "k3", Now: at(0)}, rows(0)},
	{"GetSigningKey", "k3", has("PrivateSealed", []byte(nil))},
	{"ListSigningKeys", at(time.Minute), length(1)},
	{"ListNewestSigningKeys", int32(1), length(1)},
	{"InsertKeyset", store.InsertKeysetParams{Name: "data", Wrapped: hash(1), Now: t0}, rows(1)},
	{"InsertKeyset", store.InsertKeysetParams{Name: "data", Wrapped: hash(2), Now: t0}, rows(0)},
	{"LockKeyset", "data", rows(1)},
	{"LockKeyset", "none", rows(0)},
	{"GetKeyset", "data", has("Wrapped", hash(1))},
	{"ChangeKeyset", store.ChangeKeysetParams{Name: "data", Former: hash(2), Wrapped: hash(3)}, rows(0)},
	{"ChangeKeyset", store.ChangeKeysetParams{Name: "data", Former: hash(1), Wrapped: hash(3)}, rows(1)},
	{"GetNewestReseal", nil, fails(store.ErrNotFound)},
	{"InsertReseal", store.InsertResealParams{ID: store.MaxID, Now: t0}, rows(1)},
	{"InsertReseal", store.InsertResealParams{ID: store.MinID, Now: t0}, rows(0)}, // one is under way
	{"GetNewestReseal", nil, has("State", "requested")},
	{"UpdateReseal", store.UpdateResealParams{ID: store.MaxID, State: "done", StateAt: t0, FinishedAt: at(0)}, rows(1)},
	{"UpdateReseal", store.UpdateResealParams{ID: store.MaxID, State: "walking", StateAt: t0}, rows(0)},
	{"InsertReseal", store.InsertResealParams{ID: store.MinID, Now: t0}, rows(1)},
	{"ListStaleAuditKeys", store.ListStaleAuditKeysParams{Prefix: hash(1), PageSize: 10}, length(0)},
	{"ResealAuditKeys", store.ResealAuditKeysParams{ID: "none", Stale: hash(1), Fresh: hash(2)}, rows(0)},
	{"ListStaleFactors", store.ListStaleFactorsParams{After: store.MaxID, Prefix: hash(1), PageSize: 10}, length(0)},
	{"ResealFactors", store.ResealFactorsParams{ID: id[store.FactorID](nobody), Stale: hash(1), Fresh: hash(2)}, rows(0)},
	{"ListStaleBackupBatches", store.ListStaleBackupBatchesParams{After: store.MaxID, Prefix: hash(1), PageSize: 10}, length(0)},
	{"ResealBackupBatches", store.ResealBackupBatchesParams{ID: id[store.BatchID](nobody), Stale: hash(1), Fresh: hash(2)}, rows(0)},
	{"ListStaleCeremonies", store.ListStaleCeremoniesParams{After: store.MaxID, Prefix: hash(1), PageSize: 10}, length(0)},
	{"ResealCeremonies", store.ResealCeremoniesParams{ID: id[store.CeremonyID](nobody), Stale: hash(1), Fresh: hash(2)}, rows(0)},
	{"ListStaleReenrolTickets", store.ListStaleReenrolTicketsParams{After: store.MaxID, Prefix: hash(1), PageSize: 10}, length(0)},
	{"ResealReenrolTickets", store.ResealReenrolTicketsParams{ID: id[store.ReenrolTicketID](nobody), Stale: hash(1), Fresh: hash(2)}, rows(0)},
	{"ListStaleMessages", store.ListStaleMessagesParams{After: store.MaxID, Prefix: hash(1), PageSize: 10}, length(0)},
	{"ResealMessages", store.ResealMessagesParams{ID: id[store.MessageID](nobody), Stale: hash(1), Fresh: hash(2)}, rows(0)},
	{"ListStaleAPIAnswers", store.ListStaleAPIAnswersParams{Prefix: hash(1), PageSize: 10}, length(0)},
	{"ResealAPIAnswers", store.ResealAPIAnswersParams{Actor: "none", Key: "none", Stale: hash(1), Fresh: hash(2)}, rows(0)},
	{"ListStaleImportChunks", store.ListStaleImportChunksParams{AfterJob: store.MaxID, Prefix: hash(1), PageSize: 10}, length(0)},
	{"ResealImportChunks", store.ResealImportChunksParams{JobID: id[store.ImportID](nobody), Stale: hash(1), Fresh: hash(2)}, rows(0)},

	{"InsertGrant", newGrant(grant, 1), ok},
	{"GetGrantByCode", hash(1), has("RedeemedAt", nil)},
	{"RedeemCode", redeem(1, "https://other.example/"), fails(store.ErrNotFound)},
	{"RedeemCode", redeem(1, "https://shop.example/cb"), has("Evidence", doc(`["pwd", "otp"]`))},
	{"RedeemCode", redeem(1, "https://shop.example/cb"), fails(store.ErrNotFound)},
	{"InsertCodeTokenSet", store.InsertCodeTokenSetParams{AccessHash: hash(1), AccessExpiresAt: after(time.Hour), Offline: true, RefreshHash: hash(2), RefreshExpiresAt: after(2 * time.Hour), Now: t0, CodeHash: hash(1), TokenSetID: ref[store.TokenSetID](nobody)}, rows(0)},
	{"InsertCodeTokenSet", store.InsertCodeTokenSetParams{AccessHash: hash(1), AccessExpiresAt: after(time.Hour), Offline: true, RefreshHash: hash(2), RefreshExpiresAt: after(2 * time.Hour), Now: t0, CodeHash: hash(1), TokenSetID: ref[store.TokenSetID](tokens)}, rows(1)},
	{"GetAccessToken", store.GetAccessTokenParams{AccessHash: hash(1), Now: after(time.Minute)}, has("Evidence", doc(`["pwd", "otp"]`))},
	{"GetAccessToken", store.GetAccessTokenParams{AccessHash: hash(1), Now: after(time.Hour)}, fails(store.ErrNotFound)},
	{"InsertExchangedTokenSet", exchanged(1, tokens, 1, 2*time.Hour), rows(0)}, // would outlive what it is made of
	{"InsertExchangedTokenSet", exchanged(4, nobody, 1, time.Minute), rows(0)},
	{"InsertExchangedTokenSet", exchanged(4, tokens, 9, time.Minute), rows(0)}, // the row has another one meanwhile
	{"InsertExchangedTokenSet", exchanged(1, tokens, 1, 30*time.Minute), rows(1)},
	{"InsertExchangedTokenSet", exchanged(2, tokens+4001, 41, 20*time.Minute), rows(1)},
	{"GetAccessToken", store.GetAccessTokenParams{AccessHash: hash(42), Now: after(time.Minute)}, has("ParentID", ref[store.TokenSetID](tokens+4001))},
	{"GetExchangedToken", id[store.TokenSetID](tokens), fails(store.ErrNotFound)}, // for nothing
	{"GetExchangedToken", id[store.TokenSetID](tokens + 4001), has("", id[store.TokenSetID](tokens+4001))},
	{"GetExchangedToken", id[store.TokenSetID](tokens + 4002), has("", id[store.TokenSetID](tokens+4002))},
	{"UseRefreshToken", store.UseRefreshTokenParams{ID: id[store.TokenSetID](tokens), SuccessorID: ref[store.TokenSetID](tokens + 1000), Now: at(time.Minute)}, rows(1)},
	{"UseRefreshToken", store.UseRefreshTokenParams{ID: id[store.TokenSetID](tokens), SuccessorID: ref[store.TokenSetID](tokens + 2000), Now: at(time.Minute)}, rows(0)},
	{"InsertRefreshedTokenSet", store.InsertRefreshedTokenSetParams{ID: id[store.TokenSetID](tokens), SuccessorID: ref[store.TokenSetID](tokens + 1000), Scope: "openid", AccessHash: hash(3), AccessExpiresAt: after(time.Hour), RefreshHash: hash(4), RefreshExpiresAt: after(2 * time.Hour), Now: after(time.Minute)}, rows(1)},
	{"GetAccessToken", store.GetAccessTokenParams{AccessHash: hash(1), Now: after(time.Minute)}, fails(store.ErrNotFound)},
	{"GetExchangedToken", id[store.TokenSetID](tokens + 4001), fails(store.ErrNotFound)}, // with what it was made of
	{"GetExchangedToken", id[store.TokenSetID](tokens + 4002), fails(store.ErrNotFound)},
	{"InsertExchangedTokenSet", exchanged(3, tokens+4002, 42, time.Minute), rows(0)},
	{"GetRefresh", hash(4), has("GrantID", id[store.GrantID](grant))},
	{"LockTokenSet", id[store.TokenSetID](tokens), has("SuccessorID", ref[store.TokenSetID](tokens+1000))},
	{"RenewAccessToken", store.RenewAccessTokenParams{ID: id[store.TokenSetID](tokens), AccessHash: hash(6), AccessExpiresAt: after(time.Hour), RefreshExpiresAt: at(2 * time.Hour), Scope: "openid", Now: at(time.Minute)}, rows(0)},
	{"RenewAccessToken", store.RenewAccessTokenParams{ID: id[store.TokenSetID](tokens + 1000), AccessHash: hash(3), AccessExpiresAt: after(time.Hour), RefreshExpiresAt: at(2 * time.Hour), Scope: "openid", Now: at(time.Minute)}, rows(1)},
	{"RevokeExchanged", store.RevokeExchangedParams{ID: id[store.TokenSetID](tokens + 1000), Now: at(time.Minute)}, rows(0)},
	{"VoidTokenSet", store.VoidTokenSetParams{ID: id[store.TokenSetID](tokens + 1000), Scope: "other", Now: at(time.Minute)}, rows(0)},
	{"VoidTokenSet", store.VoidTokenSetParams{ID: id[store.TokenSetID](tokens + 1000), Scope: "openid", KeyThumbprint: "k", Now: at(time.Minute)}, rows(0)},
	{"SetSuccessor", store.SetSuccessorParams{ID: id[store.TokenSetID](tokens), SuccessorID: ref[store.TokenSetID](nobody)}, rows(1)},
	{"InsertReissuedTokenSet", store.InsertReissuedTokenSetParams{ID: id[store.TokenSetID](tokens), VoidID: id[store.TokenSetID](tokens + 1000), SuccessorID: ref[store.TokenSetID](tokens), AccessHash: hash(7), AccessExpiresAt: after(time.Hour), RefreshHash: hash(8), RefreshExpiresAt: after(time.Hour), Now: t0}, rows(0)},
	{"SetSuccessor", store.SetSuccessorParams{ID: id[store.TokenSetID](tokens), SuccessorID: ref[store.TokenSetID](tokens + 1000)}, rows(1)},
	{"RevokeAccessToken", store.RevokeAccessTokenParams{AccessHash: hash(3), ClientID: "other", Now: at(0)}, rows(0)},
	{"RevokeAccessToken", store.RevokeAccessTokenParams{AccessHash: hash(3), ClientID: "shop", Now: at(0)}, rows(1)},
	{"InsertClientTokenSet", store.InsertClientTokenSetParams{ID: id[store.TokenSetID](tokens + 3000), ClientID: "shop", Scope: "api", AccessHash: hash(5), AccessExpiresAt: after(time.Hour), Now: t0}, ok},
	{"GetClientAccessToken", store.GetClientAccessTokenParams{AccessHash: hash(5), Now: t0}, has("Scope", "api")},
	{"GetClientByToken", store.GetClientByTokenParams{ID: id[store.TokenSetID](tokens + 3000), Now: t0}, has("Client.ID", "shop")},
	{"GetClientByToken", store.GetClientByTokenParams{ID: id[store.TokenSetID](tokens + 3000), Now: after(time.Hour)}, fails(store.ErrNotFound)},
	{"GetClientByToken", store.GetClientByTokenParams{ID: id[store.TokenSetID](tokens + 1000), Now: t0}, fails(store.ErrNotFound)},
	{"ListLastGrants", store.ListLastGrantsParams{FirstID: "Shop", LastID: "shop"}, func(v any, err error) bool {
		list, _ := v.([]store.ListLastGrantsRow)
		return err == nil && len(list) == 1 && list[0].ClientID == "shop" && list[0].CreatedAt.Equal(t0.Truncate(time.Microsecond))
	}},
	{"CountClientGrants", store.CountClientGrantsParams{ClientID: "shop", Now: t0}, has("Accounts", int64(1))},
	{"CountClientGrants", store.CountClientGrantsParams{ClientID: "shop", Now: after(100 * time.Hour)}, has("Grants", int64(0))},
	{"SetClientDisabled", store.SetClientDisabledParams{ID: "shop", DisabledAt: at(0), Now: t0}, rows(1)},
	{"GetClientAccessToken", store.GetClientAccessTokenParams{AccessHash: hash(5), Now: t0}, fails(store.ErrNotFound)},
	{"SetClientDisabled", store.SetClientDisabledParams{ID: "shop", Now: t0}, rows(1)},
	{"RevokeClientTokens", store.RevokeClientTokensParams{ClientID: "shop", Now: at(0)}, rows(3)}, // of its own, and two it exchanged
	{"RevokeClientTokens", store.RevokeClientTokensParams{ClientID: "shop", Now: at(0)}, rows(0)},
	{"RevokeClientGrants", store.RevokeClientGrantsParams{ClientID: "other", Now: at(0)}, rows(0)},
	{"RevokeClientGrants", store.RevokeClientGrantsParams{ClientID: "shop", Now: at(100 * time.Hour)}, rows(0)},
	{"InsertGrant", newGrant(grant+2, 3), ok},
	{"RevokeClientGrants", store.RevokeClientGrantsParams{ClientID: "shop", Now: at(0)}, rows(2)},
	{"RedeemCode", redeem(3, "https://shop.example/cb"), fails(store.ErrNotFound)},
	{"InsertGrant", newGrant(grant+3, 4), ok},
	{"RevokeGrant", store.RevokeGrantParams{ID: id[store.GrantID](grant + 3), Now: at(0)}, rows(1)},
	{"InsertGrant", newGrant(grant+1, 2), ok},
	{"BurnCode", store.BurnCodeParams{CodeHash: hash(2), Now: at(0)}, rows(1)},
	{"BurnCode", store.BurnCodeParams{CodeHash: hash(2), Now: at(0)}, rows(0)},
	{"RaiseCredentialEpoch", store.RaiseCredentialEpochParams{ID: id[store.AccountID](account), Now: t0}, rows(6)},
	{"CarrySessionGrants", store.CarrySessionGrantsParams{AccountID: id[store.AccountID](account), SessionID: id[store.SessionID](session), CredentialEpoch: 6}, rows(1)},
	{"RevokeOtherGrants", store.RevokeOtherGrantsParams{AccountID: id[store.AccountID](account), Keep: id[store.SessionID](session), Now: at(0)}, rows(0)},
	{"RevokeGrant", store.RevokeGrantParams{ID: id[store.GrantID](grant), Now: at(0)}, rows(0)},
	{"RevokeSessionGrants", store.RevokeSessionGrantsParams{SessionID: id[store.SessionID](session), Now: at(0)}, rows(1)},
	{"RevokeAccountGrants", store.RevokeAccountGrantsParams{AccountID: id[store.AccountID](account), Now: at(0)}, rows(0)},
	{"SweepTokenSets", store.SweepTokenSetsParams{Before: after(1000 * time.Hour), BatchSize: 2}, rows(2)},
	{"SweepTokenSets", store.SweepTokenSetsParams{Before: after(1000 * time.Hour), BatchSize: 2}, rows(2)},
	{"SweepTokenSets", store.SweepTokenSetsParams{Before: after(1000 * time.Hour), BatchSize: 3}, rows(1)},
	{"SweepGrants", store.SweepGrantsParams{Before: after(1000 * time.Hour), BatchSize: 10}, rows(4)},

	{"DeleteFactors", id[store.AccountID](account), length(1)},
	{"FinishFlow", store.FinishFlowParams{ID: id[store.FlowID](flow), SecretHash: hash(4), Now: at(0)}, has("FinishedAt", t0)},
	{"FinishFlow", store.FinishFlowParams{ID: id[store.FlowID](flow), SecretHash: hash(4), Now: at(0)}, fails(store.ErrNotFound)},
	{"PostponeFlow", store.PostponeFlowParams{ID: id[store.FlowID](flow), SecretHash: hash(99), AccountID: ref[store.AccountID](account), Now: t0}, rows(0)},
	{"ReleaseFlowAccount", store.ReleaseFlowAccountParams{ID: id[store.FlowID](flow + 1000), SecretHash: hash(2), NewSecretHash: hash(5), Now: t0}, rows(1)},
	{"EndSessionFlows", store.EndSessionFlowsParams{SessionID: ref[store.SessionID](session), Now: at(0)}, ok},
	{"EndAccountFlows", store.EndAccountFlowsParams{AccountID: ref[store.AccountID](account), Now: at(0)}, rows(0)},
	{"EndOtherAccountFlows", store.EndOtherAccountFlowsParams{AccountID: ref[store.AccountID](account), Keep: id[store.FlowID](flow), Now: at(0)}, rows(0)},
	{"SweepFlows", store.SweepFlowsParams{Before: after(time.Hour + time.Microsecond), BatchSize: 1}, rows(1)},
	{"CloseAccountSessions", store.CloseAccountSessionsParams{AccountID: id[store.AccountID](account), Now: at(0)}, rows(1)},
	{"SweepSessions", store.SweepSessionsParams{Before: after(3 * time.Hour), BatchSize: 10}, rows(2)},

	{"TakeThrottle", throttle(0), has("Failures", int64(1))},
	{"TakeThrottle", throttle(time.Second), has("BlockedUntil", nil)},
	{"TakeThrottle", throttle(2 * time.Second), has("BlockedUntil", after(2*time.Second+time.Minute))},
	{"TakeThrottle", throttle(3 * time.Second), fails(store.ErrNotFound)},
	{"GetThrottle", "k", has("Failures", int64(3))},
	{"TakeThrottle", throttle(2*time.Second + time.Minute), has("BlockedUntil", after(2*time.Second+time.Minute+time.Hour))},
	{"TakeThrottle", throttle(48 * time.Hour), has("Failures", int64(1))},
	{"SweepThrottles", store.SweepThrottlesParams{Before: after(100 * time.Hour), BatchSize: 10}, rows(1)},
	{"ClearThrottle", "k", ok},
	{"TakeBudget", store.TakeBudgetParams{Key: "b", Now: t0, ExpiresAt: after(time.Hour), Ceiling: 2}, rows(1)},
	{"TakeBudget", store.TakeBudgetParams{Key: "b", Now: t0, ExpiresAt: after(time.Hour), Ceiling: 2}, rows(2)},
	{"TakeBudget", store.TakeBudgetParams{Key: "b", Now: t0, ExpiresAt: after(time.Hour), Ceiling: 2}, fails(store.ErrNotFound)},
	{"TakeCooldown", store.TakeCooldownParams{Key: "c", Now: t0, ExpiresAt: after(time.Minute), FreeBefore: after(-time.Minute)}, rows(1)},
	{"TakeCooldown", store.TakeCooldownParams{Key: "c", Now: after(time.Second), ExpiresAt: after(time.Minute), FreeBefore: after(-59 * time.Second)}, fails(store.ErrNotFound)},
	{"GetBudget", "b", has("Used", int64(2))},
	{"ClaimAPIRequest", claim(1, 1, 0), has("ClaimID", id[string](1))},
	{"ClaimAPIRequest", claim(2, 1, time.Second), fails(store.ErrNotFound)},
	{"ClaimAPIRequest", claim(2, 2, time.Minute), fails(store.ErrNotFound)}, // another body under the same key
	{"ClaimAPIRequest", claim(2, 1, time.Minute), has("ClaimID", id[string](2))},
	{"MarkAPIRequest", store.MarkAPIRequestParams{Actor: "client:shop", Key: "k", ClaimID: id[string](1), Now: at(time.Minute)}, rows(0)},
	{"MarkAPIRequest", store.MarkAPIRequestParams{Actor: "client:shop", Key: "k", ClaimID: id[string](2), Now: at(time.Minute)}, rows(1)},
	{"MarkAPIRequest", store.MarkAPIRequestParams{Actor: "client:shop", Key: "k", ClaimID: id[string](2), Now: at(time.Minute)}, rows(1)},
	{"ClaimAPIRequest", claim(3, 1, time.Hour), fails(store.ErrNotFound)}, // it was done
	{"ReleaseAPIRequest", store.ReleaseAPIRequestParams{Actor: "client:shop", Key: "k", ClaimID: id[string](2)}, rows(0)},
	{"AnswerAPIRequest", store.AnswerAPIRequestParams{Actor: "client:shop", Key: "k", ClaimID: id[string](2), Status: 201, AnswerSealed: hash(9)}, rows(1)},
	{"GetAPIRequest", store.GetAPIRequestParams{Actor: "client:shop", Key: "k"}, has("AnswerSealed", hash(9))},
	{"ClaimAPIRequest", claim(4, 2, 25*time.Hour), has("ActedAt", nil)},
	{"ReleaseAPIRequest", store.ReleaseAPIRequestParams{Actor: "client:shop", Key: "k", ClaimID: id[string](4)}, rows(1)},
	{"ClaimAPIRequest", claim(5, 1, 0), ok},
	{"SweepAPIRequests", store.SweepAPIRequestsParams{Before: after(24 * time.Hour), BatchSize: 10}, rows(0)},
	{"SweepAPIRequests", store.SweepAPIRequestsParams{Before: after(24*time.Hour + time.Second), BatchSize: 10}, rows(1)},

	{"InsertDeviceCode", store.InsertDeviceCodeParams{ID: id[store.DeviceCodeID](tokens), DeviceHash: hash(1), UserHash: hash(2), ClientID: "shop", Scope: "openid", PollInterval: 5, Now: t0, ExpiresAt: after(10 * time.Minute)}, ok},
	{"GetDeviceCode", hash(1), has("NextPollAt", t0)},
	{"GetUserCode", store.GetUserCodeParams{UserHash: hash(2), Now: t0}, has("DecidedAt", nil)},
	{"GetUserCode", store.GetUserCodeParams{UserHash: hash(2), Now: after(10 * time.Minute)}, fails(store.ErrNotFound)},
	{"PollDeviceCode", store.PollDeviceCodeParams{ID: id[store.DeviceCodeID](tokens), Seen: t0, NextPollAt: after(time.Second), PollInterval: 10}, rows(1)},
	{"PollDeviceCode", store.PollDeviceCodeParams{ID: id[store.DeviceCodeID](tokens), Seen: t0, NextPollAt: after(time.Second), PollInterval: 10}, rows(0)},
	{"DecideDeviceCode", store.DecideDeviceCodeParams{ID: id[store.DeviceCodeID](tokens), Now: at(10 * time.Minute)}, rows(0)},
	{"DecideDeviceCode", store.DecideDeviceCodeParams{ID: id[store.DeviceCodeID](tokens), Now: at(0), GrantID: ref[store.GrantID](grant)}, rows(1)},
	{"DecideDeviceCode", store.DecideDeviceCodeParams{ID: id[store.DeviceCodeID](tokens), Now: at(0)}, rows(0)},
	{"GetUserCode", store.GetUserCodeParams{UserHash: hash(2), Now: t0}, fails(store.ErrNotFound)},
	{"SweepDeviceCodes", store.SweepDeviceCodesParams{Before: after(10 * time.Minute), BatchSize: 10}, rows(0)},
	{"SweepDeviceCodes", store.SweepDeviceCodesParams{Before: after(time.Hour), BatchSize: 10}, rows(1)},
	{"UseOnce", store.UseOnceParams{Key: hash(1), ExpiresAt: after(time.Minute)}, rows(1)},
	{"UseOnce", store.UseOnceParams{Key: hash(1), ExpiresAt: after(time.Hour)}, rows(0)},
	{"SweepReplays", store.SweepReplaysParams{Before: after(time.Minute), BatchSize: 10}, rows(0)},
	{"SweepReplays", store.SweepReplaysParams{Before: after(time.Hour), BatchSize: 10}, rows(1)},
	{"InsertPushedRequest", store.InsertPushedRequestParams{Key: hash(1), ClientID: "shop", Parameters: "scope=openid", Now: t0, ExpiresAt: after(time.Minute)}, ok},
	{"GetPushedRequest", store.GetPushedRequestParams{Key: hash(1), ClientID: "shop", Now: t0}, func(v any, err error) bool { return err == nil && v == "scope=openid" }},
	{"GetPushedRequest", store.GetPushedRequestParams{Key: hash(1), ClientID: "other", Now: t0}, fails(store.ErrNotFound)},
	{"GetPushedRequest", store.GetPushedRequestParams{Key: hash(1), ClientID: "shop", Now: after(time.Minute)}, fails(store.ErrNotFound)},
	{"UsePushedRequest", store.UsePushedRequestParams{Key: hash(1), Now: at(time.Hour)}, rows(1)},
	{"UsePushedRequest", store.UsePushedRequestParams{Key: hash(1), Now: at(time.Hour)}, rows(0)},
	{"GetPushedRequest", store.GetPushedRequestParams{Key: hash(1), ClientID: "shop", Now: t0}, fails(store.ErrNotFound)},
	{"SweepPushedRequests", store.SweepPushedRequestsParams{Before: after(time.Minute), BatchSize: 10}, rows(0)},
	{"SweepPushedRequests", store.SweepPushedRequestsParams{Before: after(time.Hour), BatchSize: 10}, rows(1)},
	{"SweepBudgets", store.SweepBudgetsParams{Now: after(time.Hour), BatchSize: 10}, rows(1)},

	{"InsertAuditEvent", auditEvent(event, "signin.password", "success"), ok},
	{"InsertAuditEvent", auditEvent(event+1, "factor.reset", "success"), ok},
	{"CountOperatorActs", store.CountOperatorActsParams{Day: t0, Week: t0, Since: t0}, length(0)},
	{"SearchAuditEvents", store.SearchAuditEventsParams{Since: t0, BeforeAt: after(time.Microsecond), BeforeID: id[store.EventID](0), PageSize: 10}, length(2)},
	{"SearchAuditEvents", store.SearchAuditEventsParams{Since: t0, BeforeAt: t0, BeforeID: id[store.EventID](event + 1), PageSize: 10}, length(1)},
	{"SearchAuditEvents", store.SearchAuditEventsParams{Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, TypePattern: "factor.%", Who: "%anak%", PageSize: 10}, length(1)},
	{"SearchAuditEvents", store.SearchAuditEventsParams{Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, HiddenKind: "store", PageSize: 10}, length(0)},
	{"SearchAuditEvents", store.SearchAuditEventsParams{Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, Result: "refused", PageSize: 10}, length(0)},
	{"SearchAuditEvents", store.SearchAuditEventsParams{Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, Result: "success", ClientID: "nobody", PageSize: 10}, length(0)},
	{"SearchAccountAuditEvents", store.SearchAccountAuditEventsParams{AccountID: ref[store.AccountID](account), Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(2)},
	{"SearchAccountAuditEvents", store.SearchAccountAuditEventsParams{AccountID: ref[store.AccountID](account + 1), Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(0)},
	{"SearchRequestAuditEvents", store.SearchRequestAuditEventsParams{RequestID: "", Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(2)},
	{"SearchRequestAuditEvents", store.SearchRequestAuditEventsParams{RequestID: "r", Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(0)},
	{"LastOfAuditEvents", store.LastOfAuditEventsParams{Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, Look: 10}, has("Looked", int64(2))},
	{"LastOfAuditEvents", store.LastOfAuditEventsParams{Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, Look: 1}, has("At", t0)},
	{"SearchAuditEventsOfKind", store.SearchAuditEventsOfKindParams{Kind: "fact", Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(1)},
	{"SearchAuditEventsOfKind", store.SearchAuditEventsOfKindParams{Kind: "sign", TypePattern: "signout.%", Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(0)},
	{"SearchAuditEventsOfType", store.SearchAuditEventsOfTypeParams{Type: "factor.reset", Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(1)},
	{"SearchAuditEventsOfType", store.SearchAuditEventsOfTypeParams{Type: "factor.rese", Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(0)},
	{"LastOfAuditEventsOfType", store.LastOfAuditEventsOfTypeParams{Type: "none", Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, Look: 10}, fails(store.ErrNotFound)},
	{"LastOfAuditEventsOfKind", store.LastOfAuditEventsOfKindParams{Kind: "none", Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, Look: 10}, fails(store.ErrNotFound)},
	{"SearchAuditEventsBy", store.SearchAuditEventsByParams{ActorKind: "account", Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(2)},
	{"SearchAuditEventsBy", store.SearchAuditEventsByParams{ActorKind: "client", Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, PageSize: 10}, length(0)},
	{"LastOfAuditEventsBy", store.LastOfAuditEventsByParams{ActorKind: "account", Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, Look: 10}, has("Looked", int64(2))},
	{"SearchAccountAuditEvents", store.SearchAccountAuditEventsParams{AccountID: ref[store.AccountID](account), Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, ActorKind: "system", PageSize: 10}, length(0)},
	{"LastOfAccountAuditEvents", store.LastOfAccountAuditEventsParams{AccountID: ref[store.AccountID](account), Since: t0, BeforeAt: after(time.Hour), BeforeID: store.MaxID, Look: 10}, has("Looked", int64(2))},
	{"CountEventsOf", store.CountEventsOfParams{Type: "signin.password", Result: "success", ActorKind: "account", Since: t0, Until: after(time.Hour)}, rows(1)},
	{"CountEventsOf", store.CountEventsOfParams{Type: "signin.password", Result: "success", ActorKind: "account", Since: after(time.Microsecond), Until: after(time.Hour)}, rows(0)},
	{"ListAccountActivity", store.ListAccountActivityParams{AccountID: id[store.AccountID](account), BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, PageSize: 10}, ok},
	{"ListAccountMessages", store.ListAccountMessagesParams{AccountID: ref[store.AccountID](account), BeforeAt: after(1000 * time.Hour), BeforeID: store.MaxID, PageSize: 10}, ok},

	{"CountUnchainedEvents", nil, rows(2)},
	{"ListUnchainedEvents", store.ListUnchainedEventsParams{AfterAt: t0, AfterID: id[store.EventID](event), PageSize: 9}, length(1)},
	{"AdvanceAuditStream", store.AdvanceAuditStreamParams{ID: "s", Places: 2, NoHash: []byte{}}, has("Seq", int64(2))},
	{"SetAuditStreamHash", store.SetAuditStreamHashParams{Hash: hash(70), ID: "s", Seq: 1}, rows(0)},
	{"SetAuditStreamHash", store.SetAuditStreamHashParams{Hash: hash(70), ID: "s", Seq: 2}, rows(1)},
	{"AdvanceAuditStream", store.AdvanceAuditStreamParams{ID: "s", Places: 1, NoHash: []byte{}}, has("Hash", hash(70))},
	{"GetAuditStream", "s", has("Seq", int64(3))},
	{"ListAuditStreams", store.ListAuditStreamsParams{After: "a", PageSize: 9}, length(1)},
	{"OpenAuditGate", store.OpenAuditGateParams{ID: id[string](1), OpenedAt: t0}, ok},
	{"ChainAuditEvent", store.ChainAuditEventParams{Stream: new("s"), Seq: new(int64(1)), PrevHash: []byte{}, Hash: hash(71), ID: id[store.EventID](event)}, rows(1)},
	{"ChainAuditEvent", store.ChainAuditEventParams{Stream: new("s"), Seq: new(int64(2)), PrevHash: hash(71), Hash: hash(72), ID: id[store.EventID](event)}, rows(0)},
	{"ChainAuditEvent", store.ChainAuditEventParams{Stream: new("s"), Seq: new(int64(2)), PrevHash: hash(71), Hash: hash(72), ID: id[store.EventID](event + 1)}, rows(1)},
	{"ListAuditChain", store.ListAuditChainParams{AfterStream: new(""), AfterSeq: new(int64(0)), PageSize: 9}, length(2)},
	{"ListAuditChain", store.ListAuditChainParams{AfterStream: new("s"), AfterSeq: new(int64(1)), PageSize: 9}, length(1)},
	{"ListStreamEvents", store.ListStreamEventsParams{Stream: new("s"), AfterSeq: new(int64(0)), LastSeq: new(int64(1)), PageSize: 9}, length(1)},
	{"ListUnsignedStreams", store.ListUnsignedStreamsParams{PageSize: 9}, length(1)},
	{"GetLastCheckpoint", nil, fails(store.ErrNotFound)},
	{"InsertCheckpoint", store.InsertCheckpointParams{Number: 1, At: t0, Hash: hash(73), Statement: "x"}, ok},
	{"InsertCheckpoint", store.InsertCheckpointParams{Number: 1, At: t0, Hash: hash(73), Statement: "x"}, fails(store.ErrConflict)},
	{"GetLastCheckpoint", nil, has("Number", int64(1))},
	{"GetCheckpoint", int64(1), has("Statement", "x")},
	{"ListCheckpoints", store.ListCheckpointsParams{PageSize: 9}, length(1)},
	{"InsertAuditMark", store.InsertAuditMarkParams{Checkpoint: 1, Stream: "s", Seq: 2, Hash: hash(72)}, ok},
	{"ListAuditMarks", int64(1), length(1)},
	{"SetAuditStreamSigned", store.SetAuditStreamSignedParams{Seq: 3, ID: "s"}, ok},
	{"ListUnsignedStreams", store.ListUnsignedStreamsParams{PageSize: 9}, length(0)},
	{"InsertAuditKey", store.InsertAuditKeyParams{ID: "k", PublicKey: hash(74), PrivateSealed: hash(75), Now: t0}, ok},
	{"ListAuditKeys", nil, length(1)},
	{"ListSweepableStreams", store.ListSweepableStreamsParams{Before: t0, PageSize: 9}, length(0)},
	{"ListSweepableStreams", store.ListSweepableStreamsParams{Before: after(time.Hour), PageSize: 9}, length(1)},
	{"SearchSweepEnd", store.SearchSweepEndParams{Stream: new("s"), BaseSeq: new(int64(0)), LastSeq: new(int64(1)), Before: after(time.Hour)}, has("Seq", int64(1))},
	{"SetAuditStreamBase", store.SetAuditStreamBaseParams{BaseSeq: 1, Base: "b", ID: "s", FormerSeq: 1}, rows(0)},
	{"SetAuditStreamBase", store.SetAuditStreamBaseParams{BaseSeq: 1, Base: "b", ID: "s"}, rows(1)},
	{"SweepAuditEvents", store.SweepAuditEventsParams{Stream: new("s"), BaseSeq: new(int64(1))}, rows(1)},
	{"CloseAuditGate", id[string](1), ok},
	{"ListAccountEvents", store.ListAccountEventsParams{AccountID: ref[store.AccountID](account), PageSize: 1}, length(1)},
}

func report(outcome string, hard bool) store.InsertMessageReportParams {
	return store.InsertMessageReportParams{
		MessageID: id[store.MessageID](message + 1), Outcome: outcome, Hard: hard, Status: "5.1.1", Reply: "いない", Source: "dsn", Now: after(4 * time.Second),
	}
}

// bounce is a bounce of a message that was written at some time after the factor was verified.
func bounce(written time.Duration) store.NoteSoftBounceParams {
	return store.NoteSoftBounceParams{
		Now: after(time.Hour), Ceiling: 2, AccountID: id[store.AccountID](account), Kind: "email", Address: "t@example.com", WrittenAt: after(written),
	}
}

func mark(address string) store.MarkFactorBouncedParams {
	return store.MarkFactorBouncedParams{Now: at(time.Hour), AccountID: id[store.AccountID](account), Kind: "email", Address: address, WrittenAt: t0}
}

func newGrant(n, code int) store.InsertGrantParams {
	return store.InsertGrantParams{
		ID: id[store.GrantID](n), ClientID: "shop", AccountID: id[store.AccountID](account), SessionID: id[store.SessionID](session), SurfaceID: "store",
		CredentialEpoch: 5, SecondFactor: true, Scope: "openid offline_access", Nonce: "n", Evidence: doc(`["pwd", "otp"]`),
		RedirectURI: "https://shop.example/cb", CodeHash: hash(code), CodeChallenge: "cc", CodeExpiresAt: after(time.Minute), Now: t0, ExpiresAt: after(100 * time.Hour),
	}
}

// atCustomers asks for accounts after one, of the customer with a word, that have another, and a third one or none, but not a phrase.
func atCustomers(after int, third, phrase string) store.SearchAtCustomersParams {
	const end = "\U0010ffff"
	return store.SearchAtCustomersParams{
		Kind: "store", Word: "遠方", WordEnd: "遠方" + end, Second: "ta", SecondEnd: "ta" + end, Third: third, ThirdEnd: third + end,
		Phrase: phrase, PhraseEnd: phrase + end, AfterID: id[store.AccountID](after), Look: 9, PageSize: 5,
	}
}

// exchanged is the nth token got in exchange for another, of the row parent, that was shown.
func exchanged(n, parent, shown int, life time.Duration) store.InsertExchangedTokenSetParams {
	return store.InsertExchangedTokenSetParams{
		ID: id[string](tokens + 4000 + n), ClientID: "shop", Actors: "shop", Scope: "api", AccessHash: hash(40 + n),
		AccessExpiresAt: after(life), Audience: "https://api.example/", Now: t0, ParentID: id[store.TokenSetID](parent), ParentHash: hash(shown),
	}
}

func redeem(code int, redirect string) store.RedeemCodeParams {
	return store.RedeemCodeParams{CodeHash: hash(code), ClientID: "shop", RedirectURI: redirect, CodeChallenge: "cc", Now: at(time.Second), TokenSetID: ref[store.TokenSetID](tokens)}
}

// claim asks for a key at a moment, with the body of that number.
func claim(n, body int, d time.Duration) store.ClaimAPIRequestParams {
	return store.ClaimAPIRequestParams{
		Actor: "client:shop", Key: "k", RequestHash: hash(body), ClaimID: id[string](n), ClaimedUntil: after(d + time.Minute),
		ExpiresAt: after(d + 24*time.Hour), Now: after(d),
	}
}

func throttle(d time.Duration) store.TakeThrottleParams {
	return store.TakeThrottleParams{
		Key: "k", Now: after(d), ForgetBefore: after(d - 24*time.Hour),
		ShortAfter: 3, BlockedShort: after(d + time.Minute), LongAfter: 4, BlockedLong: after(d + time.Hour),
	}
}

func auditEvent(n int, kind, result string) store.InsertAuditEventParams {
	return store.InsertAuditEventParams{
		ID: id[store.EventID](n), At: t0, Type: kind, Result: result, ActorKind: "account", ActorID: id[string](account), ActorName: "tanaka",
		AccountID: ref[store.AccountID](account), Target: "t", ClientAddress: "192.0.2.1", Data: doc(`{"k":"v"}`),
	}
}

// TestConformance runs every generated query on both engines and compares every answer.
func TestConformance(t *testing.T) {
	exercised := map[string]bool{}
	transcripts := map[string][]string{}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		var transcript []string
		for i, s := range slices.Concat(scenario, resets, signOuts, registrations, signalling, consents, importScenario(), approvals) {
			exercised[s.method] = true
			call := func(q *store.Queries) (any, error) {
				args := []reflect.Value{reflect.ValueOf(ctx)}
				if s.arg != nil {
					args = append(args, reflect.ValueOf(s.arg))
				}
				out := reflect.ValueOf(q).MethodByName(s.method).Call(args)
				err, _ := out[len(out)-1].Interface().(error)
				if len(out) == 1 {
					return nil, err
				}
				return out[0].Interface(), err
			}
			var result any
			var err error
			if reading(s.method) {
				result, err = call(db.Read())
			} else {
				err = db.InTx(ctx, func(tx *store.Tx) error {
					var err error
					result, err = call(tx.Queries)
					return err
				})
			}
			if !s.want(result, err) {
				t.Errorf("step %d: %s(%+v) = %+v, %v", i, s.method, s.arg, result, err)
			}
			text, jsonErr := json.Marshal(result)
			if jsonErr != nil {
				t.Fatal(jsonErr)
			}
			constraint := ""
			if errors.Is(err, store.ErrConflict) {
				constraint = store.Constraint(err)
			}
			transcript = append(transcript, fmt.Sprintf("%d %s: %s %s %s", i, s.method, text, kindOf(err), constraint))
		}
		transcripts[db.Engine()] = transcript
	})

	var missing []string
	for method := range reflect.TypeFor[*store.Queries]().Methods() {
		if name := method.Name; name != "WithTx" && !exercised[name] {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		t.Errorf("queries that no step of the scenario calls: %v", missing)
	}
	if len(transcripts) == 2 {
		if diff := cmp.Diff(transcripts[store.PostgreSQL], transcripts[store.SQLite]); diff != "" {
			t.Errorf("the engines answer differently (-postgresql +sqlite):\n%s", diff)
		}
	}
}

func kindOf(err error) string {
	for _, s := range []error{store.ErrNotFound, store.ErrConflict, store.ErrForeignKey, store.ErrInvalid, store.ErrUnavailable} {
		if errors.Is(err, s) {
			return s.Error()
		}
	}
	if err != nil {
		return "unmapped: " + err.Error()
	}
	return "ok"
}

var readingName = regexp.MustCompile(`^(Get|List|Search|Count|Oldest)`)

func reading(method string) bool {
	return readingName.MatchString(method) && method != "CountChallengeTry" && method != "CountCeremonyTry"
}

// TestReadRefusesWrites guards the split between Read and InTx.
func TestReadRefusesWrites(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.Read().ClearThrottle(t.Context(), "k")
		if err == nil || kindOf(err) == "ok" || errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("a write through Read: %v", err)
		}
	})
}

// TestSchemaParity compares tables, columns, nullability and unique keys of the engines.
func TestSchemaParity(t *testing.T) {
	schemas := map[string]map[string]string{}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		schema, err := store.Describe(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		if len(schema) < 50 {
			t.Fatalf("only %d entries: %v", len(schema), slices.Sorted(maps.Keys(schema)))
		}
		schemas[db.Engine()] = schema
	})
	if len(schemas) == 2 {
		if diff := cmp.Diff(schemas[store.PostgreSQL], schemas[store.SQLite]); diff != "" {
			t.Errorf("the schemas differ (-postgresql +sqlite):\n%s", diff)
		}
	}
}

// TestObserved guards that each statement is seen once, as benchmarks count them.
func TestObserved(t *testing.T) {
	for _, url := range []func(testing.TB) string{storetest.SQLiteURL, storetest.PostgreSQLURL} {
		t.Run("", func(t *testing.T) {
			var names []string
			db, err := store.Open(t.Context(), store.Config{
				URL: url(t), Logger: slog.New(slog.DiscardHandler), OnStatement: func(name string) { names = append(names, name) },
			})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Read().ListClients(context.Background()); err != nil {
				t.Fatal(err)
			}
			_, err = db.RedeemCode(t.Context(), store.CodeRedemption{CodeHash: hash(1), Now: t0, TokenSetID: id[store.TokenSetID](1), AccessExpiresAt: t0})
			if !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("redeem: %v", err)
			}
			want := []string{"ListClients", "RedeemCode", "InsertCodeTokenSet"}
			if db.Engine() == store.SQLite {
				want = want[:2] // it need not send the second
			}
			if diff := cmp.Diff(want, names); diff != "" {
				t.Error(diff)
			}
		})
	}
}
