package provider

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/client"
)

// TestFAPIRules says what the profile changes for a client, and that nothing of it holds for another one.
func TestFAPIRules(t *testing.T) {
	m := &machine{issuer: testIssuer}
	type rules struct {
		Algs, Audiences              []string
		Single                       bool
		PAR, DPoP, PKCE, Rotates     bool
		Pushed, ShortCode, UsualCode time.Duration
	}
	of := func(s client.Settings) rules {
		c := &Client{id: "shop", settings: s}
		var r rules
		r.Algs = c.algs(s.AssertionAlg)
		r.Audiences, r.Single = m.assertionAudiences(c, pathPAR)
		r.PAR, r.DPoP, r.PKCE, r.Rotates = c.requiresPAR(), c.requiresDPoP(), c.RequiresPKCE(), c.rotates()
		r.Pushed, r.ShortCode, r.UsualCode = c.pushedFor(), c.codeLife(30*time.Second), c.codeLife(10*time.Minute)
		return r
	}
	anybody := rules{
		Algs: verifiedAlgs(), Audiences: []string{testIssuer, testIssuer + "/token", testIssuer + "/par"}, Rotates: true,
		Pushed: 90 * time.Second, ShortCode: 30 * time.Second, UsualCode: 10 * time.Minute,
	}
	strict := rules{
		Algs: []string{"PS256", "ES256", "EdDSA"}, Audiences: []string{testIssuer}, Single: true, PAR: true, DPoP: true, PKCE: true,
		Pushed: time.Minute, ShortCode: 30 * time.Second, UsualCode: time.Minute,
	}
	one := anybody
	one.Algs, one.PAR, one.DPoP = []string{"RS256"}, true, true
	for name, c := range map[string]struct {
		settings client.Settings
		want     rules
	}{
		"nothing":  {client.Settings{}, anybody},
		"fapi2":    {client.Settings{Profile: client.ProfileFAPI2}, strict},
		"one each": {client.Settings{AssertionAlg: "RS256", RequirePAR: true, DPoP: true}, one},
	} {
		if diff := cmp.Diff(c.want, of(c.settings)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
