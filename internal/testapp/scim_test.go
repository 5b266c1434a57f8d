package testapp_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/testapp"
)

// I11: what a company's directory switches off is signed out everywhere when it has the answer, as from the console.
func TestI11_SCIMSwitchesOff(t *testing.T) {
	t.Parallel()
	a := testapp.New(t)
	suzuki := accountOf(t, a, "suzuki")
	rp, token := apiClient(t, a, "api:scim")
	scim := func(method, path, body string) testapp.Reply {
		return a.Ask(t, method, "/scim/v2"+path, body, "Authorization", "Bearer "+token, "Content-Type", "application/scim+json")
	}
	if r := scim(http.MethodGet, "/Users", ""); r.Status != 403 || r.Str("detail") == "" {
		t.Errorf("before it was given a customer: %d %s", r.Status, r.Body)
	}
	if err := a.Admin.SetProvisioning(t.Context(), admin.System(), "program", *suzuki.UserGroupID); err != nil {
		t.Fatal(err)
	}
	tokens := a.RelyingParty(t, "store").TokensOf(a.NewBrowser(t), "suzuki")

	found := scim(http.MethodGet, `/Users?filter=userName%20eq%20%22suzuki%22`, "")
	if found.Status != 200 || found.JSON["totalResults"] != 1.0 || !strings.Contains(found.Body, string(suzuki.ID)) {
		t.Fatalf("the account: %d %s", found.Status, found.Body)
	}
	off := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`
	if r := scim(http.MethodPatch, "/Users/"+string(suzuki.ID), off); r.Status != 200 || r.JSON["active"] != false {
		t.Fatalf("switched off: %d %s", r.Status, r.Body)
	}
	if r := a.RelyingParty(t, "store").Refresh(tokens.Str("refresh_token")); r.Status != 400 {
		t.Errorf("a token of before: %d", r.Status)
	}
	if p := a.Password(t, a.NewBrowser(t), a.RelyingParty(t, "store").AuthorizeURL(), "suzuki"); p.Status == http.StatusSeeOther {
		t.Errorf("the account signs in and is sent to %s", p.URL)
	}
	for secret, want := range map[string]int{rp.Secret: 200, "x": 401, "": 401} {
		basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("program:"+secret))
		if r := a.Ask(t, http.MethodGet, "/scim/v2/Users/"+string(suzuki.ID), "", "Authorization", basic); r.Status != want {
			t.Errorf("with a secret: %d %s, want %d", r.Status, r.Body, want)
		}
		if r := a.Ask(t, http.MethodGet, "/api/v1/accounts", "", "Authorization", basic); r.Status != 401 {
			t.Errorf("the API with a secret: %d", r.Status)
		}
	}
	if r := a.Ask(t, http.MethodGet, "/scim/v2/Users", ""); r.Status != 401 || r.Header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("nobody: %d %s", r.Status, r.Body)
	}
}
