package provider

import (
	"net/url"
	"testing"
	"time"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// What was exchanged for an access token ends with it, also if the same refresh token stays and another access token takes its place.
func TestExchangedTokensEndWithARenewal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newMachineBench(t, db)
		b.chain(client.FormatOpaque)
		first, _ := b.signIn("rp", testGrant{scope: chainScope, resources: testAPI})
		second := b.exchange("api", first.str("access_token"), "resource", testLedger, "scope", "stock.read")
		third := b.exchange("ledger", second.str("access_token"), "resource", testArchive)
		if b.introspectAs("archive", third.str("access_token")).json["active"] != true {
			t.Fatalf("exchange: %s %s", second.Body, third.Body)
		}
		b.post(pathRevoke, "rp", url.Values{"token": {first.str("access_token")}})
		row, err := db.Read().GetRefresh(t.Context(), hashSecret(first.str("refresh_token")))
		if err != nil {
			t.Fatal(err)
		}
		_, hash := newBearer(prefixAccess)
		if err := db.RenewAccess(t.Context(), store.RefreshRotation{
			ID: row.ID, Now: b.clock(), Scope: chainScope, Confidential: true, Audience: testAPI,
			AccessHash: hash, AccessExpiresAt: b.clock().Add(time.Minute), RefreshExpiresAt: b.clock().Add(time.Hour),
		}); err != nil {
			t.Fatal(err)
		}
		for by, r := range map[string]reply{"ledger": second, "archive": third} {
			if b.introspectAs(by, r.str("access_token")).json["active"] != false {
				t.Errorf("%s: what was revoked lives again", by)
			}
		}
	})
}
