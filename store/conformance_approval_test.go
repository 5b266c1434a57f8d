package store_test

import (
	"time"

	"github.com/futakagi/futakagi/store"
)

// The account of these statements, and the first of their requests.
const (
	guarded  = 175
	approval = 300
)

// request is a request for the account of the scenario, which is in the state that an epoch and a time name.
func request(n int, on *store.AccountID, asker string, made time.Duration) store.InsertApprovalParams {
	return store.InsertApprovalParams{
		ID: id[store.ApprovalID](approval + n), AccountID: on, SurfaceID: "store", Act: "reset", Permit: hash(40), Request: doc(`{"act":"reset"}`),
		FormID: id[store.FormID](approval), CredentialEpoch: 1, RegisteredAt: t0, Asker: asker, AskerName: "support",
		Now: after(made), ExpiresAt: after(made + time.Hour),
	}
}

func found(asker, state string, at time.Duration) store.FindApprovalParams {
	return store.FindApprovalParams{Permit: hash(40), Asker: asker, State: state, Now: after(at), CredentialEpoch: 1, RegisteredAt: t0}
}

func decided(n int, state string, at time.Duration) store.DecideApprovalParams {
	return store.DecideApprovalParams{
		ID: id[store.ApprovalID](approval + n), State: state, Decider: "operator:2", DeciderName: "root", Decision: "d", Now: after(at), ExpiresAt: after(2 * time.Hour),
	}
}

// approvals are the statements about requests for a second operator.
var approvals = []step{
	{"InsertAccount", store.InsertAccountParams{ID: id[store.AccountID](guarded), Kind: "store", LoginID: "zz", LoginKey: "zz", UserGroupID: ref[store.UserGroupID](group), TwoFactor: "use", Now: t0}, ok},
	{"InsertApproval", request(1, ref[store.AccountID](guarded), "operator:1", 0), ok},
	{"InsertApproval", request(2, nil, "operator:1", time.Second), ok},
	{"InsertApproval", request(3, ref[store.AccountID](guarded), "client:c", 2*time.Second), ok},
	{"InsertApproval", request(4, ref[store.AccountID](nobody), "client:c", 2*time.Second), fails(store.ErrForeignKey)},
	{"GetApproval", id[store.ApprovalID](approval + 1), has("State", "waiting")},
	{"GetApproval", id[store.ApprovalID](nobody), fails(store.ErrNotFound)},
	{"FindApproval", found("operator:1", "waiting", 0), has("ID", id[store.ApprovalID](approval+1))},
	{"FindApproval", found("operator:1", "approved", 0), fails(store.ErrNotFound)},
	{"FindApproval", found("operator:2", "waiting", 0), fails(store.ErrNotFound)},
	{"FindApproval", found("client:c", "waiting", 2*time.Hour), fails(store.ErrNotFound)},
	{"FindApproval", store.FindApprovalParams{Permit: hash(40), Asker: "client:c", State: "waiting", Now: t0, CredentialEpoch: 2, RegisteredAt: t0}, fails(store.ErrNotFound)},
	{"FindApproval", store.FindApprovalParams{Permit: hash(40), Asker: "client:c", State: "waiting", Now: t0, CredentialEpoch: 1, RegisteredAt: after(time.Microsecond)}, fails(store.ErrNotFound)},
	{"CountApprovals", store.CountApprovalsParams{Viewer: "operator:2", Now: t0}, has("Waiting", int64(3))},
	{"CountApprovals", store.CountApprovalsParams{Viewer: "operator:1", Now: t0, HiddenKind: "store"}, has("Waiting", int64(0))},
	{"CountApprovals", store.CountApprovalsParams{Viewer: "operator:2", Now: t0, HiddenKind: "store"}, has("Waiting", int64(1))},
	{"UseApproval", store.UseApprovalParams{ID: id[store.ApprovalID](approval + 1), Now: t0}, rows(0)},
	{"DecideApproval", decided(1, "approved", 2*time.Hour), rows(0)}, // too late
	{"DecideApproval", decided(1, "approved", 0), rows(1)},
	{"DecideApproval", decided(1, "refused", 0), rows(0)},
	{"DecideApproval", decided(2, "refused", 0), rows(1)},
	{"WithdrawApproval", store.WithdrawApprovalParams{ID: id[store.ApprovalID](approval + 2), Now: t0}, rows(0)},
	{"WithdrawApproval", store.WithdrawApprovalParams{ID: id[store.ApprovalID](approval + 3), Now: t0}, rows(1)},
	{"GetApproval", id[store.ApprovalID](approval + 1), has("DecidedAt", t0)},
	{"UseApproval", store.UseApprovalParams{ID: id[store.ApprovalID](approval + 1), Now: after(2 * time.Hour)}, rows(0)},
	{"UseApproval", store.UseApprovalParams{ID: id[store.ApprovalID](approval + 1), Now: after(time.Minute)}, rows(1)},
	{"UseApproval", store.UseApprovalParams{ID: id[store.ApprovalID](approval + 1), Now: after(time.Minute)}, rows(0)},
	{"GetApproval", id[store.ApprovalID](approval + 1), has("State", "used")},
	{"ListApprovals", store.ListApprovalsParams{BeforeAt: after(time.Hour), BeforeID: store.MaxID, Now: t0, PageSize: 10}, length(3)},
	{"ListApprovals", store.ListApprovalsParams{BeforeAt: after(time.Hour), BeforeID: store.MaxID, Open: "yes", Now: t0, PageSize: 10}, length(0)},
	{"ListApprovals", store.ListApprovalsParams{BeforeAt: after(time.Hour), BeforeID: store.MaxID, HiddenKind: "store", Now: t0, PageSize: 10}, length(1)},
	{"ListApprovals", store.ListApprovalsParams{BeforeAt: after(time.Second), BeforeID: id[store.ApprovalID](approval + 2), Now: t0, PageSize: 10}, length(1)},
	{"ListApprovalsOfForm", id[store.FormID](approval), length(3)},
	{"SetAccountApproval", store.SetAccountApprovalParams{ID: id[store.AccountID](guarded), Approval: true, Now: t0}, rows(1)},
	{"SetAccountApproval", store.SetAccountApprovalParams{ID: id[store.AccountID](guarded), Approval: true, Now: t0}, rows(0)},
	{"CountCustomerSwitch", store.CountCustomerSwitchParams{CustomerID: id[store.CustomerID](customer), Want: "dont_use", Guarded: "skip"}, has("LeftOut", int64(1))},
	{"ListCustomerAccounts", store.ListCustomerAccountsParams{CustomerID: id[store.CustomerID](customer), AfterKey: "zy", Guarded: "skip", PageSize: 5}, length(0)},
	{"ListCustomerAccounts", store.ListCustomerAccountsParams{CustomerID: id[store.CustomerID](customer), AfterKey: "zy", Guarded: "set_up", PageSize: 5}, length(1)},
	{"ListCustomerAccounts", store.ListCustomerAccountsParams{CustomerID: id[store.CustomerID](customer), AfterKey: "zy", Guarded: "all_set_up", PageSize: 5}, length(1)},
	{"SetAccountApproval", store.SetAccountApprovalParams{ID: id[store.AccountID](guarded), Now: t0}, rows(1)},
	{"SetSurfaceApproval", store.SetSurfaceApprovalParams{ID: "store", Approval: true, Former: true, Now: t0}, rows(0)},
	{"SetSurfaceApproval", store.SetSurfaceApprovalParams{ID: "store", Approval: true, Now: t0}, rows(1)},
	{"GetSurface", "store", has("Approval", true)},
	{"SetSurfaceApproval", store.SetSurfaceApprovalParams{ID: "store", Former: true, Now: t0}, rows(1)},
	{"CountActsOn", store.CountActsOnParams{AccountID: ref[store.AccountID](guarded), Since: t0, ActorID: "nobody"}, rows(0)},
	{"CountActsOnRoles", store.CountActsOnRolesParams{Since: t0, ActorID: "nobody"}, rows(0)},
	{"CountActsOnClient", store.CountActsOnClientParams{Since: t0, ActorID: "nobody", ClientID: "shop"}, rows(0)},
	{"SweepApprovals", store.SweepApprovalsParams{Before: after(time.Minute), BatchSize: 10}, rows(0)},
	{"SweepApprovals", store.SweepApprovalsParams{Before: after(3 * time.Hour), BatchSize: 10}, rows(3)},
}
