package mfa

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/mfa/webauthntest"
)

// chromium opens a page of http://localhost in the real browser.
func chromium(t *testing.T) (ctx context.Context, origin string) {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if os.Getenv("FUTAKAGI_TEST_BROWSER") != "1" {
		t.Skip("starts a browser; runs with FUTAKAGI_TEST_BROWSER=1")
	}
	if path == "" {
		t.Fatal("no Chromium found")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>passkeys</title>"))
	}))
	t.Cleanup(server.Close)
	origin = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)

	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("no-proxy-server", true))
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stopAllocator)
	ctx, stop := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(stop)
	if err := chromedp.Do(ctx, chromedp.Navigate(origin)); err != nil {
		t.Fatalf("open %s in %s: %v", origin, path, err)
	}
	if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	return ctx, origin
}

// inPage runs a script that gives a promise of JSON.
func inPage(t *testing.T, ctx context.Context, script string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	yes := true
	r, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{
		Expression: script, ReturnByValue: &yes, AwaitPromise: &yes, UserGesture: &yes,
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.ExceptionDetails != nil {
		t.Fatalf("%s: %+v", script, r.ExceptionDetails.Exception)
	}
	var text string
	if err := json.Unmarshal(r.Result.Value, &text); err != nil {
		t.Fatal(err)
	}
	return []byte(text)
}

// shape is a JSON value with its texts and numbers taken out.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			out[name] = shape(member)
		}
		return out
	case []any:
		return "list"
	default:
		return fmt.Sprintf("%T", v)
	}
}

func shapeOf(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return shape(v)
}

// TestI8_RealBrowserIsAccepted has Chromium make and use passkeys of several kinds of authenticator. Our virtual one answers in the
// same form.
func TestI8_RealBrowserIsAccepted(t *testing.T) {
	ctx, origin := chromium(t)
	rp, err := newRelyingParty("localhost", "ふたかぎ", []string{origin})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		options webauthn.VirtualAuthenticatorOptions
		same    webauthntest.Authenticator
	}{
		{
			"phone",
			webauthn.VirtualAuthenticatorOptions{
				Protocol: "ctap2", Ctap2version: "ctap2_1", Transport: "internal", HasResidentKey: true,
				HasUserVerification: true, IsUserVerified: true, DefaultBackupEligibility: true, DefaultBackupState: true,
				AutomaticPresenceSimulation: true,
			},
			webauthntest.Authenticator{Attachment: "platform", Discovers: true, Verifies: true, BackupEligible: true, BackedUp: true},
		},
		{
			"security key with a PIN",
			webauthn.VirtualAuthenticatorOptions{
				Protocol: "ctap2", Ctap2version: "ctap2_1", Transport: "usb", HasResidentKey: true,
				HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
			},
			webauthntest.Authenticator{Attachment: "cross-platform", Discovers: true, Verifies: true},
		},
		{
			"plain security key",
			webauthn.VirtualAuthenticatorOptions{Protocol: "ctap2", Ctap2version: "ctap2_0", Transport: "usb", AutomaticPresenceSimulation: true},
			webauthntest.Authenticator{Attachment: "cross-platform"},
		},
		{
			"security key of old",
			webauthn.VirtualAuthenticatorOptions{Protocol: "u2f", Transport: "usb", AutomaticPresenceSimulation: true},
			webauthntest.Authenticator{Attachment: "cross-platform"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			added, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &tt.options})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				remove := webauthn.RemoveVirtualAuthenticatorParams(added)
				if _, err := chromedp.Call(ctx, webauthn.RemoveVirtualAuthenticator, remove); err != nil {
					t.Error(err)
				}
			}()
			key := tt.same
			key.Origin = origin

			options, session, err := rp.beginRegistration(passkeyHolder{Handle: handleOne, Name: "tanaka", DisplayName: "田中"}, nil, passkeyTime)
			if err != nil {
				t.Fatal(err)
			}
			body := inPage(t, ctx, fmt.Sprintf(
				`navigator.credentials.create({publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(%s)}).then(c => JSON.stringify(c))`, options))
			c, err := rp.finishRegistration(session, body, handleOne, passkeyTime)
			if err != nil {
				t.Fatalf("%v\n%s", err, body)
			}
			if c.BackupEligible != key.BackupEligible || c.BackedUp != key.BackedUp || c.VerifiedAtSetUp != key.Verifies ||
				c.Discoverable == nil || *c.Discoverable != key.Discovers {
				t.Errorf("registered %+v", c)
			}
			ours, err := key.Create(options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(shapeOf(t, body), shapeOf(t, ours)); diff != "" {
				t.Errorf("new passkey (-browser +virtual):\n%s", diff)
			}

			for _, anybody := range []bool{false, true} {
				if anybody && !key.Discovers {
					continue
				}
				handle, allowed := handleOne, []credential{c}
				if anybody {
					handle, allowed = nil, nil
				}
				options, session, err := rp.beginAssertion(handle, allowed, key.Verifies, passkeyTime)
				if err != nil {
					t.Fatal(err)
				}
				body := inPage(t, ctx, fmt.Sprintf(
					`navigator.credentials.get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(%s)}).then(c => JSON.stringify(c))`, options))
				got, err := rp.finishAssertion(session, body, func(_, _ []byte) (storedCredential, error) {
					return storedCredential{Owner: handleOne, Credential: c}, nil
				}, passkeyTime)
				if err != nil {
					t.Fatalf("%v\n%s", err, body)
				}
				if got.UserVerified != key.Verifies || got.Credential.SignCount <= c.SignCount {
					t.Errorf("used %+v after count %d", got, c.SignCount)
				}
				c = got.Credential
				options = []byte(strings.ReplaceAll(string(options), c.ID.String(), base64.RawURLEncoding.EncodeToString(key.Passkeys[0].ID)))
				ours, err := key.Get(options)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(shapeOf(t, body), shapeOf(t, ours)); diff != "" {
					t.Errorf("use (-browser +virtual):\n%s", diff)
				}
			}
		})
	}
}
