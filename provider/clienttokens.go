package provider

import (
	"fmt"
	"slices"
	"time"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/signin"
)

// checkTokenSettings refuses what a registration says about tokens and we do not know: a client must not be served with less than it
// demands.
func checkTokenSettings(s client.Settings) error {
	if f := s.AccessTokenFormat; f != "" && f != client.FormatOpaque && f != client.FormatJWT {
		return fmt.Errorf("unknown format of access tokens %q", f)
	}
	for _, alg := range []string{s.UserinfoAlg, s.IntrospectionAlg} {
		if alg != "" && !slices.Contains(signingAlgs(), alg) {
			return fmt.Errorf("answers signed by unknown algorithm %q", alg)
		}
	}
	if s.MinACR != "" && signin.ParseACR(s.MinACR) == signin.LevelNone {
		return fmt.Errorf("unknown least acr %q", s.MinACR)
	}
	for _, r := range slices.Concat(s.Resources, s.ResourceServers) {
		if !client.ValidResource(r) {
			return fmt.Errorf("resource %q is not an absolute URI without a fragment", r)
		}
	}
	if s.AccessLifetime < 0 || s.RefreshLifetime < 0 || s.IDTokenLifetime < 0 || s.DefaultMaxAge != nil && *s.DefaultMaxAge < 0 {
		return fmt.Errorf("a time is negative")
	}
	return nil
}

// lifetime is what a client has of its own, or the usual one; never more than limit.
func lifetime(seconds int64, usual, limit time.Duration) time.Duration {
	if seconds <= 0 {
		return usual
	}
	if seconds > int64(limit/time.Second) {
		return max(usual, limit)
	}
	return time.Duration(seconds) * time.Second
}

// accessLife is how long access tokens of a client live. What is signed must not outlive the publication of its key.
func (m *machine) accessLife(c *Client) time.Duration {
	return lifetime(c.settings.AccessLifetime, m.lifetimes.Access, m.keys.rules.TokenLife)
}

// refreshLife is how long its refresh tokens wait; the grant ends them too.
func (m *machine) refreshLife(c *Client) time.Duration {
	return lifetime(c.settings.RefreshLifetime, m.lifetimes.Refresh, m.lifetimes.RefreshAbsolute)
}

// lifetimeOf is how long ID tokens of a client live.
func (m *minter) lifetimeOf(c *Client) time.Duration {
	return lifetime(c.settings.IDTokenLifetime, m.lifetime, m.keys.rules.TokenLife)
}

// reaches reports whether what was proved is what the registration demands at least.
func (c *Client) reaches(evidence signin.EvidenceList) bool {
	return c.settings.MinACR == "" || evidence.Level() >= signin.ParseACR(c.settings.MinACR)
}
