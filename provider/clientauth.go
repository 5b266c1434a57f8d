package provider

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// credentials is how a client says who it is (RFC 6749 §2.3).
type credentials struct {
	id     string
	secret string
	method oidc.AuthMethod
}

// readCredentials finds the one method a request uses. Two at once are refused, since a gateway in front of us might look at
// the other one.
func readCredentials(header http.Header, form url.Values) (credentials, error) {
	if form.Get("client_assertion") != "" || form.Get("client_assertion_type") != "" {
		return credentials{}, refuseClient("client assertions are not supported")
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
		return credentials{basicID, basicSecret, oidc.AuthMethodBasic}, nil
	case id == "":
		return credentials{}, refuseClient("the client does not say who it is")
	case secret != "":
		return credentials{id, secret, oidc.AuthMethodPost}, nil
	default:
		return credentials{id, "", oidc.AuthMethodNone}, nil
	}
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

// authenticate returns the client a request proves to come from. The answer is one and the same for a client that does not
// exist, is disabled, uses another method than the registered one, or has a wrong secret.
func (m *machine) authenticate(header http.Header, form url.Values) (*Client, error) {
	cred, err := readCredentials(header, form)
	if err != nil {
		return nil, err
	}
	client, known := m.clients.Lookup(cred.id)
	want := m.noSecret
	if known && client.confidential() {
		want = client.secretHash
	}
	right := subtle.ConstantTimeCompare(hashSecret(cred.secret), want) == 1
	switch {
	case !known:
		return nil, refuseClient("unknown client")
	case client.authMethod != cred.method:
		return nil, refuseClient("the client is registered for another method of authentication")
	case client.confidential() && !right:
		return nil, refuseClient("wrong client secret")
	}
	return client, nil
}

func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
