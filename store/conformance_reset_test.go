package store_test

import (
	"time"

	"github.com/futakagi/futakagi/store"
)

// resets calls the queries of resets and tickets, about an account of their own.
var resets = func() []step {
	const owner = 150
	person, form := id[store.AccountID](owner), id[store.FormID](1)
	reset, ticket, sent := id[store.ResetID](1), id[store.ReenrolTicketID](1), id[store.MessageID](owner)
	newGrant := func(n int) store.InsertGrantParams {
		g := newGrant(owner+n, owner+n)
		g.AccountID, g.SessionID, g.CredentialEpoch = person, id[store.SessionID](owner), 1
		return g
	}
	try := store.TryReenrolTicketParams{ID: ticket, CredentialEpoch: 1, Now: t0, MaxTries: 2}
	later := try
	later.Now = after(time.Hour)
	other := try
	other.CredentialEpoch = 2
	return []step{
		{"InsertAccount", store.InsertAccountParams{ID: person, Kind: "store", LoginID: "yamada", LoginKey: "yamada", UserGroupID: ref[store.UserGroupID](group), TwoFactor: "use", Now: t0}, ok},
		{"GetAccount", person, has("TicketDemandedAt", nil)},
		{"SetTicketDemand", store.SetTicketDemandParams{ID: person, DemandedAt: at(0)}, ok},
		{"GetAccount", person, has("TicketDemandedAt", t0)},
		{"SetTicketDemand", store.SetTicketDemandParams{ID: person}, ok},
		{"GetAccount", person, has("TicketDemandedAt", nil)},
		{"GetSurface", "admin", has("Reenrol", "ticket")},
		{"GetSurface", "store", has("Reenrol", "open")},
		{"SetSurfaceReenrol", store.SetSurfaceReenrolParams{ID: "store", Reenrol: "ticket", Former: "ticket", Now: t0}, rows(0)},
		{"SetSurfaceReenrol", store.SetSurfaceReenrolParams{ID: "store", Reenrol: "ticket", Former: "open", Now: t0}, rows(1)},
		{"GetSurface", "store", has("Reenrol", "ticket")},

		{"ListCustomerHoldings", store.ListCustomerHoldingsParams{CustomerID: id[store.CustomerID](customer), Now: t0}, func(v any, err error) bool {
			list, _ := v.([]store.ListCustomerHoldingsRow)
			return err == nil && len(list) > 0 && list[len(list)-1].LoginID == "yamada" && list[len(list)-1].Devices == 0
		}},
		{"ListCustomerHoldings", store.ListCustomerHoldingsParams{CustomerID: id[store.CustomerID](nobody), Now: t0}, length(0)},
		{"ListCustomerFactors", id[store.CustomerID](customer), length(0)},
		{"InsertFirstFactor", store.InsertFirstFactorParams{ID: id[string](owner), AccountID: person, Kind: "email", Address: "x", Now: t0, CredentialEpoch: 1}, rows(1)},
		{"ListCustomerFactors", id[store.CustomerID](customer), length(1)},
		{"CountAccountFlows", store.CountAccountFlowsParams{AccountID: &person, Now: t0}, rows(0)},
		{"InsertFlow", store.InsertFlowParams{ID: id[store.FlowID](owner), SecretHash: hash(owner), SurfaceID: "store", Request: doc(`{}`), AccountID: &person, CredentialEpoch: new(int64(1)), Evidence: doc(`[]`), Now: t0, ExpiresAt: after(time.Hour)}, ok},
		{"CountAccountFlows", store.CountAccountFlowsParams{AccountID: &person, Now: t0}, rows(1)},
		{"CountAccountFlows", store.CountAccountFlowsParams{AccountID: &person, Now: after(time.Hour)}, rows(0)},
		{"ListAccountClients", store.ListAccountClientsParams{AccountID: person, Now: at(0)}, length(0)},
		{"InsertGrant", newGrant(0), ok},
		{"InsertGrant", newGrant(1), ok},
		{"RedeemCode", redeem(owner, "https://shop.example/cb"), ok},
		{"InsertCodeTokenSet", store.InsertCodeTokenSetParams{CodeHash: hash(owner), TokenSetID: ref[store.TokenSetID](tokens), AccessHash: hash(60), AccessExpiresAt: after(time.Minute), Offline: true, RefreshHash: hash(61), RefreshExpiresAt: after(time.Hour), Now: t0}, rows(1)},
		{"ListAccountClients", store.ListAccountClientsParams{AccountID: person, Now: at(0)}, func(v any, err error) bool {
			list, _ := v.([]store.ListAccountClientsRow)
			return err == nil && len(list) == 1 && list[0].ClientID == "shop" && list[0].Name != "" && list[0].RefreshTokens == 1
		}},
		{"ListAccountClients", store.ListAccountClientsParams{AccountID: person, Now: at(2 * time.Hour)}, length(0)},

		{"InsertReset", store.InsertResetParams{ID: reset, AccountID: person, FormID: form, ActorID: "x", ActorName: "support", Result: doc(`{"factors":["email"]}`), Now: t0}, ok},
		{"InsertReset", store.InsertResetParams{ID: id[store.ResetID](2), AccountID: person, FormID: form, Result: doc(`{}`), Now: t0}, fails(store.ErrConflict)},
		{"GetReset", reset, has("ActorName", "support")},
		{"GetResetOfForm", store.GetResetOfFormParams{FormID: form, AccountID: person}, has("ID", reset)},
		{"GetResetOfForm", store.GetResetOfFormParams{FormID: form, AccountID: id[store.AccountID](nobody)}, fails(store.ErrNotFound)},
		{"ListResetsOfForm", form, length(1)},
		{"ListNoticesOfForm", form, length(0)},
		{"EnqueueMessage", store.EnqueueMessageParams{ID: sent, Channel: "email", Kind: "reset", AccountID: &person, Recipient: "yamada@example.jp", PayloadSealed: hash(1), Now: t0, Deadline: after(time.Hour)}, ok},
		{"InsertResetNotice", store.InsertResetNoticeParams{ResetID: reset, MessageID: sent}, ok},
		{"InsertResetNotice", store.InsertResetNoticeParams{ResetID: id[store.ResetID](9), MessageID: sent}, fails(store.ErrForeignKey)},
		{"ListNoticesOfForm", form, length(1)},
		{"GetMessage", sent, has("Recipient", "yamada@example.jp")},
		{"SweepResets", store.SweepResetsParams{Before: t0, BatchSize: 10}, rows(0)},
		{"SweepResets", store.SweepResetsParams{Before: after(time.Second), BatchSize: 10}, rows(1)},
		{"ListNoticesOfForm", form, length(0)},

		{"InsertReenrolTicket", store.InsertReenrolTicketParams{ID: ticket, AccountID: person, CredentialEpoch: 1, CodeMAC: hash(1), CodeSealed: hash(2), IssuerID: "x", MessageID: &sent, Now: t0, ExpiresAt: after(time.Minute)}, ok},
		{"GetReenrolTicket", person, has("CodeSealed", hash(2))},
		{"ForgetReenrolTicket", store.ForgetReenrolTicketParams{ID: ticket, IssuerID: "y"}, rows(0)},
		{"ForgetReenrolTicket", store.ForgetReenrolTicketParams{ID: ticket, IssuerID: "x"}, rows(1)},
		{"ForgetReenrolTicket", store.ForgetReenrolTicketParams{ID: ticket, IssuerID: "x"}, rows(0)},
		{"TryReenrolTicket", later, fails(store.ErrNotFound)},
		{"TryReenrolTicket", other, fails(store.ErrNotFound)},
		{"TryReenrolTicket", try, has("Tries", int64(1))},
		{"TryReenrolTicket", try, has("Tries", int64(2))},
		{"TryReenrolTicket", try, fails(store.ErrNotFound)},
		{"UseReenrolTicket", store.UseReenrolTicketParams{ID: ticket, Now: at(0)}, rows(1)},
		{"UseReenrolTicket", store.UseReenrolTicketParams{ID: ticket, Now: at(0)}, rows(0)},
		{"InsertReenrolTicket", store.InsertReenrolTicketParams{ID: id[store.ReenrolTicketID](2), AccountID: person, CredentialEpoch: 1, CodeMAC: hash(1), CodeSealed: hash(2), Now: after(time.Second), ExpiresAt: after(time.Minute)}, ok},
		{"GetReenrolTicket", person, has("ID", id[store.ReenrolTicketID](2))},
		{"ForgetOldReenrolTickets", after(time.Minute), rows(0)},
		{"ForgetOldReenrolTickets", after(time.Hour), rows(1)},
		{"VoidReenrolTickets", store.VoidReenrolTicketsParams{AccountID: person, Now: at(0)}, rows(1)},
		{"VoidReenrolTickets", store.VoidReenrolTicketsParams{AccountID: person, Now: at(0)}, rows(0)},
		{"SweepReenrolTickets", store.SweepReenrolTicketsParams{Before: after(time.Hour), BatchSize: 10}, rows(2)},
	}
}()
