package provider

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

const (
	prefixDevice = "dc_"

	// deviceLife is how long a device waits to be let in, and deviceInterval how long it waits between two questions: a person needs
	// some minutes to find a browser and to sign in, and nobody more than these.
	deviceLife     = 10 * time.Minute
	deviceInterval = 5 * time.Second
	// pollSlack forgives a device whose question took a faster way than the one before.
	pollSlack = time.Second
	// slowDown is what too early a question adds to the wait (RFC 8628 section 3.5).
	slowDown = 5 * time.Second
)

// userLetters are those of the codes that people type: no vowels, so that no code is a word, and nothing that looks like something else
// (RFC 8628 section 6.1). Eight of twenty are 34 bits, for ten minutes and few tries.
const userLetters = "BCDFGHJKLMNPQRSTVWXZ"

const userCodeLength = 8

// newUserCode makes a code for a person to type: XXXX-XXXX.
func newUserCode() string {
	var b strings.Builder
	for i := range userCodeLength {
		if i == userCodeLength/2 {
			b.WriteByte('-')
		}
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(userLetters))))
		if err != nil {
			panic(fmt.Sprintf("provider: random letter: %v", err)) // the source never fails
		}
		b.WriteByte(userLetters[n.Int64()])
	}
	return b.String()
}

// readUserCode understands a code as people type it, in any case and with anything between its letters, also in the wide letters of a
// Japanese keyboard, and returns its one spelling.
func readUserCode(typed string) (code string, ok bool) {
	if len(typed) > 100 {
		return "", false
	}
	var b strings.Builder
	for _, r := range typed {
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		if r >= 'a' && r <= 'z' {
			r -= 'a' - 'A'
		}
		switch {
		case strings.ContainsRune(" 　-‐‑–—−ー.・", r):
		case r > 'Z' || !strings.ContainsRune(userLetters, r) || b.Len() > userCodeLength:
			return "", false
		default:
			if b.Len() == userCodeLength/2 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
		}
	}
	return b.String(), b.Len() == userCodeLength+1
}

func hashUserCode(code string) []byte { return hashSecret("user_code\x00" + code) }

// deviceAnswer is the answer of the device authorization endpoint (RFC 8628 section 3.2).
type deviceAnswer struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int64  `json:"expires_in"`
	Interval                int64  `json:"interval"`
}

// serveDeviceAuthorization lets a device begin (RFC 8628 section 3.1). It is called behind guard, which knows the client.
func (m *machine) serveDeviceAuthorization(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r.Context())
	out, err := m.beginDevice(r.Context(), x.client, strings.Fields(r.PostForm.Get("scope")))
	if err == nil {
		var body []byte
		if body, err = json.Marshal(out); err == nil {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body) // nobody is left to tell
			return
		}
	}
	x.failure = err
}

func (m *machine) beginDevice(ctx context.Context, c *Client, asked []string) (*deviceAnswer, error) {
	scope := c.GrantedScope(asked)
	if !hasScope(scope, scopeOpenID) {
		return nil, &protocolError{code: codeInvalidScope, reason: "scope must contain openid"}
	}
	now := m.now()
	if _, ok := m.deviceBudget.take(audit.OriginOf(ctx).Network(), now); !ok {
		return nil, &protocolError{code: codeTooMany, reason: "too many devices from this address"}
	}
	device, deviceHash := newBearer(prefixDevice)
	user := newUserCode()
	arg := store.InsertDeviceCodeParams{
		ID: store.NewID[store.DeviceCodeID](), DeviceHash: deviceHash, UserHash: hashUserCode(user), ClientID: c.id, Scope: scope,
		PollInterval: seconds(deviceInterval), Now: now, ExpiresAt: now.Add(deviceLife),
	}
	if err := m.db.Once(ctx, func(q *store.Queries) error { return q.InsertDeviceCode(ctx, arg) }); err != nil {
		return nil, fmt.Errorf("store device code: %w", err)
	}
	page := strings.TrimSuffix(m.issuer, "/") + PathDevice
	return &deviceAnswer{
		DeviceCode: device, UserCode: user, VerificationURI: page, VerificationURIComplete: page + "?user_code=" + user,
		ExpiresIn: seconds(deviceLife), Interval: seconds(deviceInterval),
	}, nil
}

// DeviceToken implements [op.Server]: a device asks whether it was let in.
func (s *server) DeviceToken(ctx context.Context, r *op.ClientRequest[oidc.DeviceAccessTokenRequest]) (*op.Response, error) {
	resp, err := s.pollDevice(ctx, exchangeOf(ctx).client, r.Data.DeviceCode)
	return answer(ctx, resp, err)
}

// pollDevice answers a device that asks whether it was let in (RFC 8628 section 3.5). What was allowed is a grant whose code is the
// device code: it is redeemed as every code is, once, and only as long as account, session and policy still allow it (I20).
func (m *machine) pollDevice(ctx context.Context, c *Client, code string) (*tokenResponse, error) {
	hash, ok := bearerHash(prefixDevice, code)
	if !ok {
		return nil, refuseGrant("not a device code")
	}
	d, err := m.db.Read().GetDeviceCode(ctx, hash)
	if errors.Is(err, store.ErrNotFound) || err == nil && d.ClientID != c.id {
		return nil, refuseGrant("unknown device code, or another client's")
	}
	if err != nil {
		return nil, fmt.Errorf("read device code: %w", err)
	}
	if err := m.pace(ctx, d); err != nil {
		return nil, err
	}
	switch {
	case d.DecidedAt != nil && d.GrantID == nil:
		return nil, &protocolError{code: codeAccessDenied}
	case !d.ExpiresAt.After(m.now()):
		return nil, &protocolError{code: codeExpiredToken}
	case d.DecidedAt == nil:
		return nil, &protocolError{code: codePending}
	}
	return m.redeemGrant(ctx, c, hash, "", "")
}

// pace makes a device wait between two questions, and longer after each that came too early.
func (m *machine) pace(ctx context.Context, d store.DeviceCode) error {
	now := m.now()
	interval, early := d.PollInterval, now.Before(d.NextPollAt)
	if early {
		interval += seconds(slowDown)
	}
	arg := store.PollDeviceCodeParams{
		ID: d.ID, Seen: d.NextPollAt, PollInterval: interval, NextPollAt: now.Add(time.Duration(interval)*time.Second - pollSlack),
	}
	var n int64
	err := m.db.Once(ctx, func(q *store.Queries) error {
		var err error
		n, err = q.PollDeviceCode(ctx, arg)
		return err
	})
	if err != nil {
		return fmt.Errorf("pace device: %w", err)
	}
	if early || n == 0 { // of two at once, the other one counted
		return &protocolError{code: codeSlowDown}
	}
	return nil
}
