package store_test

import (
	"slices"
	"time"

	"github.com/futakagi/futakagi/store"
)

// signalling calls the queries of streams and of what waits on them, about an account and a client of their own.
var signalling = func() []step {
	const owner = 180
	person, live := id[store.AccountID](owner), id[store.SessionID](owner)
	pushed, polled := id[store.StreamID](owner), id[store.StreamID](owner+1)
	stream := func(one store.StreamID, method string) store.InsertStreamParams {
		return store.InsertStreamParams{ID: one, ClientID: "receiver", Method: method, Events: "session_revoked credential_change", Now: t0, AuthorizationSealed: hash(owner)}
	}
	signal := func(n int, one store.StreamID, d time.Duration) store.InsertSignalParams {
		return store.InsertSignalParams{ID: id[store.MessageID](owner + n), StreamID: one, Kind: "credential_change", AccountID: &person, SessionID: &live, Data: doc(`{"k":"v"}`), Now: after(d), Deadline: after(d + time.Hour)}
	}
	grant := newGrant(owner, owner)
	grant.AccountID, grant.SessionID, grant.ClientID, grant.CredentialEpoch = person, live, "receiver", 1
	redeemed := redeem(owner, "https://shop.example/cb")
	redeemed.ClientID, redeemed.TokenSetID = "receiver", ref[store.TokenSetID](owner)
	status := func(s string) store.SetStreamStatusParams {
		return store.SetStreamStatusParams{ID: pushed, Status: s, StatusBy: "operator", StatusReason: "because", Now: after(time.Second)}
	}
	of := func(d time.Duration, only, keep *string) store.ListSessionStreamsParams {
		return store.ListSessionStreamsParams{AccountID: person, Only: only, Keep: keep, Now: after(d)}
	}
	due := store.DuePushParams{Now: after(time.Minute), PerRecipient: 2}
	waits := func(one store.StreamID, d time.Duration, enabled bool) store.ListSignalsParams {
		return store.ListSignalsParams{StreamID: one, Now: after(d), Enabled: enabled, PageSize: 10}
	}
	knowing := func(session *string) store.ListStreamsKnowingParams {
		return store.ListStreamsKnowingParams{AccountID: person, SessionID: session}
	}
	verification := func(d time.Duration) store.ClaimVerificationParams {
		return store.ClaimVerificationParams{ID: pushed, ClientID: "receiver", Now: at(d), Before: at(d - time.Minute)}
	}
	account := store.InsertAccountParams{ID: person, Kind: "store", LoginID: "mori-s", LoginKey: "mori-s", UserGroupID: ref[store.UserGroupID](group), TwoFactor: "use", Now: t0}
	streams := []step{
		{"InsertAccount", account, ok},
		{"PutClient", store.PutClientParams{ID: "receiver", Name: "receiver", SurfaceID: "store", RedirectURIs: doc(`[]`), PostLogoutRedirectURIs: doc(`[]`), GrantTypes: doc(`[]`), Scopes: doc(`[]`), Now: t0}, ok},
		{"InsertStream", stream(pushed, "push"), ok},
		{"InsertStream", stream(polled, "poll"), ok},
		{"ListStreams", "receiver", length(2)},
		{"ListStreams", "nobody", length(0)},
		{"GetStream", pushed, has("Status", "enabled")},
		{"HoldStream", store.HoldStreamParams{ID: pushed, ClientID: "other"}, fails(store.ErrNotFound)},
		{"HoldStream", store.HoldStreamParams{ID: pushed, ClientID: "receiver"}, has("Method", "push")},
		{"UpdateStream", store.UpdateStreamParams{ID: pushed, Method: "push", Endpoint: "https://rp.example/e", Events: "session_revoked", AuthorizationSealed: hash(owner), Now: after(time.Second)}, rows(1)},
		{"ClaimVerification", verification(0), rows(1)},
		{"ClaimVerification", verification(59 * time.Second), rows(0)},
		{"ClaimVerification", verification(time.Minute), rows(1)},
		{"NoteStreamPoll", store.NoteStreamPollParams{ID: polled, Now: at(time.Second)}, ok},
		{"NoteStreamError", store.NoteStreamErrorParams{ID: polled, Error: "invalid_key", Now: at(time.Second)}, ok},
		{"GetStream", polled, has("Error", "invalid_key")},
		{"ListStaleStreams", store.ListStaleStreamsParams{After: store.MinID, Prefix: []byte{1}, PageSize: 10}, length(2)},
		{"ResealStreams", store.ResealStreamsParams{ID: polled, Stale: hash(owner), Fresh: hash(owner + 1)}, rows(1)},
		{"ResealStreams", store.ResealStreamsParams{ID: polled, Stale: hash(owner), Fresh: hash(owner + 2)}, rows(0)},

		// Who is told.
		{"ListStreamsKnowing", knowing(nil), length(0)},
		{"InsertSession", store.InsertSessionParams{ID: live, TokenHash: hash(owner), AccountID: person, AccountKind: "store", CredentialEpoch: 1, Evidence: doc(`[]`), Now: t0, ExpiresAt: after(time.Hour)}, ok},
		{"InsertGrant", grant, ok},
		{"ListStreamsKnowing", knowing(nil), length(0)}, // the code may never be redeemed
		{"RedeemCode", redeemed, ok},
		{"ListStreamsKnowing", knowing(nil), length(2)},
		{"ListStreamsKnowing", knowing(new(string(live))), length(2)},
		{"ListStreamsKnowing", knowing(ref[string](nobody)), length(0)},
		{"ListSessionStreams", of(0, nil, nil), length(2)},
		{"ListSessionStreams", of(0, new(string(live)), nil), length(2)},
		{"ListSessionStreams", of(0, nil, new(string(live))), length(0)},
		{"ListSessionStreams", store.ListSessionStreamsParams{AccountID: person, Client: new("receiver"), Now: after(0)}, length(2)},
		{"ListSessionStreams", store.ListSessionStreamsParams{AccountID: person, Client: new("another"), Now: after(0)}, length(0)},
		{"UpdateStream", store.UpdateStreamParams{ID: polled, Method: "poll", Events: "credential_change", Now: after(time.Second)}, rows(1)},
		{"ListSessionStreams", of(0, nil, nil), length(1)},
		{"CloseSession", store.CloseSessionParams{ID: live, AccountID: person, Now: at(0)}, rows(1)},
		{"ListSessionStreams", of(0, nil, nil), length(0)},
	}
	message := store.EnqueueSignalParams{ID: id[store.MessageID](owner), Kind: "signal", AccountID: &person, SessionID: &live, StreamID: &pushed, Recipient: "receiver", Now: t0, Deadline: after(time.Hour)}
	next := message
	next.ID = id[store.MessageID](owner + 9)
	waiting := []step{
		{"InsertSignal", signal(0, pushed, 0), ok},
		{"EnqueueSignal", message, ok},
		{"InsertSignal", signal(1, polled, 0), ok},
		{"InsertSignal", signal(2, polled, time.Second), ok},
		{"InsertSignal", store.InsertSignalParams{ID: id[store.MessageID](owner + 3), StreamID: polled, Kind: "stream_updated", Data: doc(`{}`), Now: t0, Deadline: after(time.Hour)}, ok},
		{"GetSignal", id[store.MessageID](owner), has("SignalStream.Endpoint", "https://rp.example/e")},
		{"ListSignals", waits(polled, time.Minute, true), length(3)},
		{"ListSignals", waits(polled, time.Minute, false), length(1)},
		{"ListSignals", waits(polled, time.Hour, true), length(1)},
		{"AcknowledgeSignal", store.AcknowledgeSignalParams{ID: id[store.MessageID](owner + 1), StreamID: pushed}, rows(0)}, // somebody else's
		{"AcknowledgeSignal", store.AcknowledgeSignalParams{ID: id[store.MessageID](owner + 1), StreamID: polled}, rows(1)},
		{"CountSignals", store.CountSignalsParams{StreamID: pushed, Now: t0}, rows(1)},
		{"DuePush", due, ok},
		{"SetStreamStatus", status("paused"), rows(1)},
		{"DuePush", due, fails(store.ErrNotFound)},
		{"ClaimPushes", store.ClaimPushesParams{Owner: new("w"), LeasedUntil: at(time.Hour), Now: after(time.Minute), PerRecipient: 2, BatchSize: 2}, length(0)},
		{"SetStreamStatus", status("disabled"), rows(1)},
		{"ListStreamsKnowing", knowing(nil), length(1)},
		{"SetStreamStatus", status("enabled"), rows(1)},
		{"ClaimPushes", store.ClaimPushesParams{Owner: new("w"), LeasedUntil: at(time.Hour), Now: after(time.Minute), PerRecipient: 2, BatchSize: 2}, length(1)},
		{"DropStreamMessages", &pushed, rows(0)}, // it is in hand
		{"EnqueueSignal", next, ok},
		{"DuePush", due, fails(store.ErrNotFound)}, // it waits for the one before it, which is about the same person
		{"ClaimPushes", store.ClaimPushesParams{Owner: new("v"), LeasedUntil: at(time.Hour), Now: after(time.Minute), PerRecipient: 2, BatchSize: 2}, length(0)},
		{"RetryMessage", store.RetryMessageParams{ID: id[store.MessageID](owner), Owner: new("w"), AvailableAt: after(time.Hour), Reply: "401"}, rows(1)},
		{"DuePush", due, fails(store.ErrNotFound)},
		{"StreamFailures", &pushed, has("Reply", "401")},
		{"StreamFailures", &polled, has("Reply", "")},
		{"HurryStreamMessages", store.HurryStreamMessagesParams{Now: after(time.Minute), StreamID: &polled}, rows(0)},
		{"HurryStreamMessages", store.HurryStreamMessagesParams{Now: after(time.Minute), StreamID: &pushed}, rows(1)},
		{"ClaimPushes", store.ClaimPushesParams{Owner: new("w"), LeasedUntil: at(time.Hour), Now: after(time.Minute), PerRecipient: 2, BatchSize: 2}, length(1)},
		{"FinishMessage", store.FinishMessageParams{ID: id[store.MessageID](owner), Owner: new("w"), State: "accepted", Reply: "202", Now: at(time.Minute)}, rows(1)},
		{"CountSignals", store.CountSignalsParams{StreamID: pushed, Now: t0}, rows(0)},
		{"DuePush", due, ok},
		{"DropStreamMessages", &pushed, rows(1)},
		{"LastStreamMessage", store.LastStreamMessageParams{StreamID: &pushed, State: "accepted"}, has("Number", int64(1))},
		{"LastStreamMessage", store.LastStreamMessageParams{StreamID: &pushed, State: "failed"}, fails(store.ErrNotFound)},
		{"EnqueueWaitingSignals", store.EnqueueWaitingSignalsParams{Recipient: "receiver", Now: t0, StreamID: polled}, rows(2)},
		{"EnqueueWaitingSignals", store.EnqueueWaitingSignalsParams{Recipient: "receiver", Now: t0, StreamID: polled}, rows(0)},
		{"DropStreamMessages", &polled, rows(2)},

		{"DropPushedSignals", pushed, rows(1)},
		{"InsertSignal", signal(0, pushed, 0), ok},
		{"DropPushedSignals", polled, rows(0)},
		{"TrimSignals", store.TrimSignalsParams{Most: 1, BatchSize: 10}, rows(1)}, // the older of two
		{"ListSignals", waits(polled, time.Minute, true), length(1)},
		{"InsertSignal", signal(4, id[store.StreamID](owner+2), 0), ok},
		{"SweepSignals", store.SweepSignalsParams{Now: after(time.Minute), BatchSize: 10}, rows(2)}, // pushed, and of no stream
		{"SweepSignals", store.SweepSignalsParams{Now: after(2 * time.Hour), BatchSize: 10}, rows(1)},
		{"InsertSignal", signal(5, polled, 0), ok},
		{"DropClientSignals", "another", rows(0)},
		{"DropClientSignals", "receiver", rows(1)},
		{"InsertSignal", signal(5, polled, 0), ok},
		{"DropSignals", polled, rows(1)},
		{"DeleteStream", store.DeleteStreamParams{ID: polled, ClientID: "other"}, rows(0)},
		{"DeleteStream", store.DeleteStreamParams{ID: polled, ClientID: "receiver"}, rows(1)},
		{"ListStreamsKnowing", knowing(nil), length(1)},
		{"ForgetClientGrants", store.ForgetClientGrantsParams{ClientID: "another", Now: at(0)}, rows(0)},
		{"ForgetClientGrants", store.ForgetClientGrantsParams{ClientID: "receiver", Now: at(0)}, rows(1)},
		{"ListStreamsKnowing", knowing(nil), length(0)},
		{"DeleteClient", "receiver", rows(1)},
		{"GetStream", pushed, fails(store.ErrNotFound)},
	}
	return slices.Concat(streams, waiting)
}()
