package delivery

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWebhookRequest(t *testing.T) {
	var seen requests
	s := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		seen.take(t, r)
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{"id":"theirs-1"}`)
	})
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	w, err := NewWebhook(WebhookConfig{URL: s.URL + "/in?key=" + canaryQuery, Secret: canarySecret, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := w.Send(t.Context(), sampleText)
	if err != nil || receipt.Reply != "202 theirs-1" {
		t.Fatalf("%+v, %v", receipt, err)
	}
	got := seen.one(t)
	if got.method != "POST" || got.target != "/in?key="+canaryQuery {
		t.Errorf("%s %s", got.method, got.target)
	}
	want := `{"id":"0198-1","to":"+819012345678","from":"EXAMPLE","text":"認証コード：417392（10分間有効）\n@id.example.co.jp #417392","valid_seconds":600}`
	if diff := cmp.Diff(want, got.body); diff != "" {
		t.Error(diff)
	}
	mac := hmac.New(sha256.New, []byte(canarySecret))
	mac.Write([]byte("1793610000.0198-1." + want))
	header := map[string]string{
		"Content-Type": "application/json", "Idempotency-Key": "0198-1", "Futakagi-Timestamp": "1793610000",
		"Futakagi-Signature": "v1=" + hex.EncodeToString(mac.Sum(nil)), "User-Agent": "Futakagi",
	}
	for name, value := range header {
		if got.header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got.header.Get(name), value)
		}
	}
}

// The numbers of docs/sms-webhook.md, against which others test their side.
func TestWebhookSignatureOfTheDocument(t *testing.T) {
	document, err := os.ReadFile("../docs/sms-webhook.md")
	if err != nil {
		t.Fatal(err)
	}
	part := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(string(document))
		if m == nil {
			t.Fatalf("the document has no %s", pattern)
		}
		return m[1]
	}
	got := signWebhook(part("secret `([^`]+)`"), part(`Futakagi-Timestamp: (\d+)`), part(`Idempotency-Key: (\S+)`), []byte(part(`(?m)^(\{"id":.*\})$`)))
	if want := part("Futakagi-Signature: v1=([0-9a-f]+)"); got != want || got != documentedSignature {
		t.Errorf("signature %s, the document has %s", got, want)
	}
}

// The same message has the same key at every try, and is signed for each.
func TestWebhookRetriesUnderOneKey(t *testing.T) {
	var seen requests
	s := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		seen.take(t, r)
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"error":"carrier is away"}`)
	})
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	w, err := NewWebhook(WebhookConfig{URL: s.URL, Secret: canarySecret, Now: func() time.Time {
		at = at.Add(time.Second)
		return at
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if e := failure(t, w); e.Permanent || e.Reply != "503 carrier is away" {
			t.Errorf("permanent %v, %q", e.Permanent, e.Reply)
		}
	}
	first, second := seen.all[0], seen.all[1]
	if first.header.Get(WebhookKeyHeader) != second.header.Get(WebhookKeyHeader) || first.body != second.body {
		t.Error("the second try is another message")
	}
	if first.header.Get(WebhookSignatureHeader) == second.header.Get(WebhookSignatureHeader) || first.header.Get(WebhookTimeHeader) == second.header.Get(WebhookTimeHeader) {
		t.Error("the second try was not signed for its own time")
	}
}

// documentedSignature was made with openssl.
const documentedSignature = "001bc3bfb066d20e29f35ccaaeff95a423a16d0c57db1594177dad8327a00a91"
