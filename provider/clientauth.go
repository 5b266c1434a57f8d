package provider

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/futakagi/futakagi/store"
)

// credentials is how a client says who it is (RFC 6749 §2.3).
type credentials struct {
	id     string // of an assertion: empty, if it stands there alone
	secret string
	method oidc.AuthMethod
	// assertion is the JWT of private_key_jwt.
	assertion string
}

// readCredentials finds the one method a request uses. Two at once are refused, since a gateway in front of us might look at
// the other one.
func readCredentials(header http.Header, form url.Values) (credentials, error) {
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		return readAssertion(header, form)
	}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	switch lines := header.Values("Authorization"); {
	case len(lines) > 1:
		return credentials{}, refuseRequest("more than one Authorization header")
	case len(lines) == 1:
		basicID, basicSecret, ok := parseBasic(lines[0])
		if !ok {
			return credentials{}, refuseClient("the Authorization header is not valid Basic authentication")
		}
		if secret != "" {
			return credentials{}, refuseRequest("more than one method of client authentication")
		}
		if id != "" && id != basicID {
			return credentials{}, refuseRequest("client_id differs from the one in the Authorization header")
		}
		return credentials{id: basicID, secret: basicSecret, method: oidc.AuthMethodBasic}, nil
	case id == "":
		return credentials{}, refuseClient("the client does not say who it is")
	case secret != "":
		return credentials{id: id, secret: secret, method: oidc.AuthMethodPost}, nil
	default:
		return credentials{id: id, method: oidc.AuthMethodNone}, nil
	}
}

// readAssertion finds the JWT of RFC 7523 section 2.2, which must come alone.
func readAssertion(header http.Header, form url.Values) (credentials, error) {
	if len(header.Values("Authorization")) > 0 || form.Has("client_secret") {
		return credentials{}, refuseRequest("more than one method of client authentication")
	}
	if form.Get("client_assertion_type") != oidc.ClientAssertionTypeJWTAssertion {
		return credentials{}, refuseClient("client_assertion_type is not that of a JWT")
	}
	return credentials{id: form.Get("client_id"), method: oidc.AuthMethodPrivateKeyJWT, assertion: form.Get("client_assertion")}, nil
}

// parseBasic reads the header as RFC 6749 §2.3.1 writes it: id and secret are form-urlencoded before they are joined, so
// that a colon within them survives.
func parseBasic(header string) (id, secret string, ok bool) {
	scheme, encoded, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimLeft(encoded, " "))
	if err != nil {
		return "", "", false
	}
	left, right, ok := strings.Cut(string(raw), ":")
	if !ok {
		return "", "", false
	}
	if id, err = url.QueryUnescape(left); err != nil {
		return "", "", false
	}
	if secret, err = url.QueryUnescape(right); err != nil {
		return "", "", false
	}
	if id == "" || !cleanText(id) || !cleanText(secret) {
		return "", "", false
	}
	return id, secret, true
}

// formerNoted is how exactly the use of a former secret is written down.
const formerNoted = time.Minute

// authenticate returns the client a request proves to come from. The answer is one and the same for a client that does not
// exist, is disabled, uses another method than the registered one, or has a wrong secret. While a secret is being replaced both
// count; what a secret is compared with takes the same time whichever it is, and whether there is one at all.
//
// Path is the endpoint that is asked, for which an assertion may have been made.
func (m *machine) authenticate(ctx context.Context, path string, header http.Header, form url.Values) (*Client, error) {
	cred, err := readCredentials(header, form)
	if err != nil {
		return nil, err
	}
	if cred.method == oidc.AuthMethodPrivateKeyJWT {
		return m.authenticateByKey(ctx, path, cred)
	}
	client, known := m.clients.Lookup(cred.id)
	want, former := m.noSecret, m.noSecret
	if known && client.secretHash != nil {
		want = client.secretHash
		if client.formerHash != nil {
			former = client.formerHash
		}
	}
	hash := hashSecret(cred.secret)
	right := subtle.ConstantTimeCompare(hash, want) == 1
	wasRight := subtle.ConstantTimeCompare(hash, former) == 1
	switch {
	case !known:
		return nil, refuseClient("unknown client")
	case client.authMethod != cred.method:
		return nil, refuseClient("the client is registered for another method of authentication")
	case !client.confidential() || right:
		return client, nil
	case !wasRight:
		return nil, refuseClient("wrong client secret")
	}
	return client, m.useFormerSecret(ctx, client)
}

// useFormerSecret lets the secret count that a client's present one replaced, for as long as the row says so: whoever ends the
// overlap has ended it on every replica. That it was used is written down once a minute, so that they know whether they can.
func (m *machine) useFormerSecret(ctx context.Context, c *Client) error {
	now := m.now()
	used, err := m.db.Read().FindFormerSecret(ctx, store.FindFormerSecretParams{ID: c.id, FormerSecretHash: c.formerHash, Now: &now})
	if errors.Is(err, store.ErrNotFound) {
		return refuseClient("former client secret")
	}
	if err != nil {
		return fmt.Errorf("read former secret: %w", err)
	}
	if used != nil && now.Sub(*used) < formerNoted {
		return nil
	}
	err = m.db.Once(ctx, func(q *store.Queries) error {
		_, err := q.NoteFormerSecret(ctx, store.NoteFormerSecretParams{Now: &now, ID: c.id, FormerSecretHash: c.formerHash})
		return err
	})
	if err != nil {
		return fmt.Errorf("note use of former secret: %w", err)
	}
	return nil
}

func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
