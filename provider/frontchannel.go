package provider

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/client"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// logoutFrames are the pages that a browser opens as it is signed out of a session (OpenID Connect Front-Channel Logout 1.0 §2): one for
// each client that had tokens from the session and has such a page.
func (p *Provider) logoutFrames(ctx context.Context, tx *store.Tx, session store.SessionID, now time.Time) ([]string, error) {
	ids, err := tx.ListSessionGrantees(ctx, store.ListSessionGranteesParams{SessionID: session, Now: now})
	if err != nil {
		return nil, fmt.Errorf("list clients of session: %w", err)
	}
	var frames []string
	for _, id := range ids {
		client, ok := p.clients.Lookup(id)
		if !ok {
			continue
		}
		if frame, ok := client.logoutFrame(p.issuer, p.subjects.sessionFor(client, session)); ok {
			frames = append(frames, frame)
		}
	}
	return frames, nil
}

// logoutFrame is the address of the client's page for a session by the name that the client knows it by. The address is checked again,
// whatever registered it: what is opened in a page of ours is at an origin that the client was registered to get its answers at, as the
// specification demands (§2).
func (c *Client) logoutFrame(issuer, session string) (string, bool) {
	raw := c.settings.FrontchannelLogoutURI
	u, err := url.Parse(raw)
	if err != nil || raw == "" || ValidRedirectURI(raw) != "" || u.Scheme != "https" && u.Scheme != "http" || u.Host != strings.ToLower(u.Host) {
		return "", false
	}
	if _, ok := web.FrameSource(raw); !ok {
		return "", false
	}
	if !slices.ContainsFunc(c.redirectURIs, func(uri string) bool { return client.SameOrigin(uri, raw) }) {
		return "", false
	}
	if !c.settings.FrontchannelLogoutSession {
		return raw, true // nobody is told what they did not ask for
	}
	sep := "?"
	if strings.Contains(raw, "?") {
		sep = "&"
	}
	return raw + sep + url.Values{"iss": {issuer}, "sid": {session}}.Encode(), true
}
