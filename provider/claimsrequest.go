package provider

import (
	"encoding/json"
	"slices"

	"github.com/futakagi/futakagi/signin"
)

// claimsRequest is what the claims parameter (OpenID Connect Core §5.5) says: what a sign-in must reach, and what is to be told.
type claimsRequest struct {
	// named are the claims that are asked for by name. acr is true if one of them is acr, of whichever weight.
	named namedClaims
	acr   bool

	// level is what an essential acr demands.
	level signin.Level
	// subject is whom the ID token must be about; empty when nobody is named.
	subject string
	// unmet is true when no level that we know would do.
	unmet bool
}

// wantedClaim is one member of a claims request (§5.5.1).
type wantedClaim struct {
	Essential bool              `json:"essential"`
	Value     json.RawMessage   `json:"value"`
	Values    []json.RawMessage `json:"values"`
}

// accepts lists the values that would do, empty when any would. ok is false when one is no string.
func (c *wantedClaim) accepts() (values []string, ok bool) {
	all := slices.Clone(c.Values)
	if len(c.Value) > 0 {
		all = append(all, c.Value)
	}
	for _, raw := range all {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return nil, false
		}
		values = append(values, s)
	}
	return values, true
}

// parseClaims reads the claims parameter. Members that we do not know are passed over; one that is not of its form is an error.
func parseClaims(parameter string) (claimsRequest, error) {
	var asked struct {
		Userinfo map[string]*wantedClaim `json:"userinfo"`
		IDToken  map[string]*wantedClaim `json:"id_token"`
	}
	var q claimsRequest
	if err := json.Unmarshal([]byte(parameter), &asked); err != nil {
		return q, refuse("invalid_request", "claims must be a JSON object as in OpenID Connect Core 5.5")
	}
	if sub := asked.IDToken["sub"]; sub != nil {
		values, ok := sub.accepts()
		if !ok || len(values) > 1 {
			return q, refuse("invalid_request", "claims asks for a sub that is not one string")
		}
		if len(values) == 1 {
			q.subject = values[0]
		}
	}
	// A voluntary acr is a wish, and acr_values is there to say it; an essential one decides (§5.5.1.1).
	for _, members := range []map[string]*wantedClaim{asked.IDToken, asked.Userinfo} {
		acr := members["acr"]
		if _, named := members["acr"]; named {
			q.acr = true
		}
		if acr == nil || !acr.Essential {
			continue
		}
		values, ok := acr.accepts()
		if !ok {
			return q, refuse("invalid_request", "claims asks for an acr that is not a string")
		}
		level := signin.LowestLevel(values)
		q.unmet = q.unmet || len(values) > 0 && level == signin.LevelNone
		q.level = max(q.level, level)
	}
	q.named = namedClaims{IDToken: knownClaims(asked.IDToken), Userinfo: knownClaims(asked.Userinfo)}
	return q, nil
}
