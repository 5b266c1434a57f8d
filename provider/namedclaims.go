package provider

import (
	"encoding/json"
	"fmt"
	"slices"
)

// namedClaims are the claims about a person that an authorization asked for by name (OpenID Connect Core §5.5), by where they are to be
// told. It is kept with the grant. What is told of a sign-in (auth_time, acr, amr) is told in any case and not listed.
type namedClaims struct {
	IDToken  []string `json:"id_token,omitempty"`
	Userinfo []string `json:"userinfo,omitempty"`
}

// personClaims are the claims about a person, with the scope that stands for each.
func personClaims() map[string]string {
	return map[string]string{
		"name": scopeProfile, "preferred_username": scopeProfile, "email": scopeEmail, "email_verified": scopeEmail,
	}
}

// knownClaims picks what we can tell, in an order of its own. A member for a language (name#ja) is passed over: there is one name.
func knownClaims(members map[string]*wantedClaim) []string {
	var known []string
	for name := range personClaims() {
		if _, ok := members[name]; ok {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	return known
}

// encode is the form that is stored; empty for nothing.
func (n namedClaims) encode() string {
	if len(n.IDToken) == 0 && len(n.Userinfo) == 0 {
		return ""
	}
	raw, err := json.Marshal(n)
	if err != nil {
		panic(fmt.Sprintf("provider: encode named claims: %v", err)) // strings only: cannot fail
	}
	return string(raw)
}

func readNamedClaims(stored string) (namedClaims, error) {
	var n namedClaims
	if stored == "" {
		return n, nil
	}
	if err := json.Unmarshal([]byte(stored), &n); err != nil {
		return n, fmt.Errorf("read named claims: %w", err)
	}
	return n, nil
}

// disclosure is what about a person is told.
type disclosure struct{ name, username, email, verified bool }

// tells is what a client is told: what the scope stands for (OpenID Connect Core §5.4), and what was asked for by name if the client is
// registered for the scope that stands for it. Somebody else's application is told by scope alone, since that is what people are asked.
func (c *Client) tells(scope string, named []string) disclosure {
	scopes := personClaims()
	told := func(claim string) bool {
		of := scopes[claim]
		return hasScope(scope, of) || !c.settings.ThirdParty && slices.Contains(named, claim) && c.IsScopeAllowed(of)
	}
	return disclosure{
		name: told("name"), username: told("preferred_username"), email: told("email"), verified: told("email_verified"),
	}
}
