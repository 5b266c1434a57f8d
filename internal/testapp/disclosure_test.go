package testapp_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

// TestSignals_OfAConsentTakenBack: it ends what one application has, so that no other one hears of an end.
func TestSignals_OfAConsentTakenBack(t *testing.T) {
	t.Parallel()
	r := newReceivers(t)
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		r.t, r.app = t, a
		partner, other := r.receiver(t, a, "partner", "ssf.manage"), r.receiver(t, a, "other", "ssf.manage")
		settle(t, a, "partner", client.Settings{ThirdParty: true})
		its, others := partner.stream(`{}`), other.stream(`{}`)
		who, b := shopperWithout(t, a, "leaves"), a.NewBrowser(t)
		partner.TokensOf(b, who.LoginID)
		other.TokensOf(b, who.LoginID)
		if err := a.Admin.RevokeConsent(t.Context(), admin.System(), who.ID, "partner"); err != nil {
			t.Fatal(err)
		}
		if got := lines(who.ID, partner.fetch(r, its)); len(got) != 1 {
			t.Errorf("the application is told %v", got)
		}
		if got := lines(who.ID, other.fetch(r, others)); len(got) != 0 {
			t.Errorf("another one is told %v", got)
		}
	}, r.reach)
}

// TestSignals_PairwiseReceiversShareNothing: what two receivers of different sectors are told of one act has nothing in it by which they
// find out that it is about the same person.
func TestSignals_PairwiseReceiversShareNothing(t *testing.T) {
	t.Parallel()
	r := newReceivers(t)
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		r.t, r.app = t, a
		ids := []string{"left", "right"}
		who, b := a.AddAccount(t, account.KindStore, "mei", store.TwoFactorDontUse), a.NewBrowser(t)
		var txn []any
		var streams []string
		var all []*receiver
		for _, id := range ids {
			c := r.receiver(t, a, id, "ssf.manage")
			settle(t, a, id, client.Settings{SubjectType: client.SubjectPairwise, SectorIdentifierURI: "https://" + id + ".example/sector"})
			c.TokensOf(b, who.LoginID)
			all, streams = append(all, c), append(streams, c.stream(`{}`))
		}
		if err := a.Admin.EndSessions(t.Context(), admin.System(), who.ID); err != nil {
			t.Fatal(err)
		}
		for i, c := range all {
			got := c.fetch(r, streams[i])
			if len(got) != 1 || got[0]["txn"] == nil {
				t.Fatalf("%s is told %v", ids[i], got)
			}
			txn = append(txn, got[0]["txn"])
		}
		if txn[0] == txn[1] {
			t.Errorf("both are told the transaction %v", txn[0])
		}
	}, r.reach)
}

// TestIntrospectionTellsAThirdPartyWhatWasAllowed: the name that a person signs in with is told by the scope profile, and by no other way.
func TestIntrospectionTellsAThirdPartyWhatWasAllowed(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) {
		rp := thirdParty(t, a)
		who, b := shopperWithout(t, a, "keeps-name"), a.NewBrowser(t)
		got := map[string]any{}
		for _, scope := range []string{"openid", "openid profile"} {
			tokens := rp.Redeem(a.CodeOf(t, b, rp.AuthorizeURL("scope", scope), who.LoginID))
			info := rp.Post("/introspect", url.Values{"token": {tokens.Str("access_token")}})
			if info.JSON["active"] != true {
				t.Fatalf("%s: %s", scope, info.Body)
			}
			got[scope] = info.JSON["username"]
		}
		if diff := cmp.Diff(map[string]any{"openid": nil, "openid profile": who.LoginID}, got); diff != "" {
			t.Errorf("username (-want +got):\n%s", diff)
		}
	})
}
