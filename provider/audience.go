package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/futakagi/futakagi/store"
)

// maxResources is how often resource may appear in a request, maxAudience how long all that it names may be: a token carries it.
const (
	maxResources = 10
	maxAudience  = 2 << 10
)

// repeats is how often a parameter may appear. RFC 8707 §2 lets one of them do so more than once.
func repeats(name string) int {
	if name == "resource" {
		return maxResources
	}
	return 1
}

// audience is whom a token is for: in JSON a string if that is one, as most readers expect (RFC 7519 §4.1.3).
type audience []string

// MarshalJSON implements [json.Marshaler].
func (a audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// mayTarget are the resources that a client may name. Every client may name this server itself, so that one token can be for an API and for
// userinfo.
func (m *machine) mayTarget(c *Client) []string {
	return slices.Concat(c.settings.Resources, []string{m.issuer})
}

// targets is what resources a request names of those that are allowed, each once. ok is false if one is named that is not, or too much.
func targets(asked, allowed []string) (named []string, ok bool) {
	length := 0
	for _, r := range asked {
		if !slices.Contains(allowed, r) {
			return nil, false
		}
		if slices.Contains(named, r) {
			continue
		}
		named = append(named, r)
		length += len(r)
	}
	return named, length <= maxAudience
}

// narrowAudience is what resources a token is for: those that are asked for, if the grant has them, and all of the grant if none is
// (RFC 8707 §2.2). A grant that names none has none to ask for.
func narrowAudience(asked, granted []string) (resources []string, ok bool) {
	return narrowScope(asked, granted)
}

// isForUs reports whether a token with that stored audience may be used at this server itself; none is this server.
func isForUs(audience, issuer string) bool {
	resources := strings.Fields(audience)
	return len(resources) == 0 || slices.Contains(resources, issuer)
}

// serves reports whether a token with that stored audience is for one of the resources that the client serves. Only a confidential client
// serves any: what a public one says of itself, everybody can.
func (c *Client) serves(audience string) bool {
	if !c.confidential() {
		return false
	}
	return slices.ContainsFunc(strings.Fields(audience), func(r string) bool { return slices.Contains(c.settings.ResourceServers, r) })
}

func refuseTarget(reason string) *protocolError {
	return &protocolError{code: codeInvalidTarget, reason: reason}
}

// codeAudience is what the request that redeems a code asks its access token to be for: none if it names nothing, and the token is for all
// that the authorization named. The grant is read only if the request says something, as what it names never changes; a code that is
// presented with more than was granted is spent.
func (m *machine) codeAudience(ctx context.Context, c *Client, hash []byte) ([]string, error) {
	asked := exchangeOf(ctx).resources
	if len(asked) == 0 {
		return nil, nil
	}
	g, err := m.db.Read().GetGrantByCode(ctx, hash)
	if errors.Is(err, store.ErrNotFound) {
		return nil, refuseGrant("unknown code")
	}
	if err != nil {
		return nil, fmt.Errorf("read code: %w", err)
	}
	resources, ok := narrowAudience(asked, strings.Fields(g.Resources))
	if ok && g.ClientID == c.id {
		return resources, nil
	}
	refusal := m.explainCode(ctx, c, hash, "a resource that was not granted")
	if e := asProtocolError(refusal); e.code != codeInvalidGrant || g.RedeemedAt != nil || g.ClientID != c.id {
		return nil, refusal
	}
	return nil, refuseTarget("not a resource of the grant")
}

// refreshAudience is what a refreshed access token is for: a part of what was granted, as far as the client is still registered for it.
func (m *machine) refreshAudience(ctx context.Context, c *Client, resources string) ([]string, error) {
	named := strings.Fields(resources)
	allowed := m.mayTarget(c)
	granted := slices.DeleteFunc(slices.Clone(named), func(r string) bool { return !slices.Contains(allowed, r) })
	audience, ok := narrowAudience(exchangeOf(ctx).resources, granted)
	if !ok || len(named) > 0 && len(audience) == 0 {
		return nil, refuseTarget("not a resource of the grant, or of the registration any more")
	}
	return audience, nil
}
