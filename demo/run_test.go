package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// TestRun starts the whole demo on free ports, twice on one database.
func TestRun(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	database := "sqlite:" + filepath.Join(t.TempDir(), "kept.db")
	for _, c := range []struct {
		name, database string
		codes          int
	}{{"temporary", "", 10}, {"kept", database, 10}, {"kept again", database, 0}} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			d, err := Start(ctx, Options{Database: c.database, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(d.BackupCodes["sato"]); got != c.codes {
				t.Errorf("new backup codes = %d, want %d", got, c.codes)
			}
			for address, want := range map[string]string{
				d.Addresses.Store: "Aoba ストア", d.Addresses.MyPage: "Aoba マイページ", d.Addresses.Inbox: "届いたメッセージ",
			} {
				if body := get(t, address); !strings.Contains(body, want) {
					t.Errorf("%s has no %q:\n%s", address, want, body)
				}
			}
			var discovered struct{ Issuer string }
			body := get(t, d.Addresses.Provider+"/.well-known/openid-configuration")
			if err := json.Unmarshal([]byte(body), &discovered); err != nil || discovered.Issuer != d.Addresses.Provider {
				t.Errorf("discovery: %v\n%s", err, body)
			}
			cancel()
			if err := d.Wait(); err != nil {
				t.Errorf("Wait: %v", err)
			}
		})
	}
	if left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "futakagi-demo-*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRunAnnounces(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var printed bytes.Buffer
	out := writerFunc(func(p []byte) (int, error) {
		cancel() // it runs, and this is all it prints
		return printed.Write(p)
	})
	if err := Run(ctx, Options{Out: out, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	addresses := regexp.MustCompile(`(?m) (Store|My Page|Console|Inbox|Provider) +http://localhost:\d+(/admin)?$`).FindAllString(printed.String(), -1)
	if len(addresses) != 5 {
		t.Errorf("announced %q in:\n%s", addresses, &printed)
	}
	for _, want := range []string{"tanaka", "operator", Password, "Ctrl-C"} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("no %q in:\n%s", want, &printed)
		}
	}
}

// The demo's SMS leaves through the outbox and arrives over HTTP, signed.
func TestRunDeliversSMS(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d, err := Start(ctx, Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	defer func() {
		cancel()
		if err := d.Wait(); err != nil {
			t.Error(err)
		}
	}()
	if !d.Server.Outbox.Sends(delivery.ChannelSMS) {
		t.Fatal("the demo has no SMS")
	}
	if err := d.Server.DB.InTx(ctx, func(tx *store.Tx) error {
		return d.Server.Outbox.Code(ctx, tx, delivery.CodeMessage{
			AccountID: store.NewID[store.AccountID](), ChallengeID: store.NewID[store.ChallengeID](), Channel: delivery.ChannelSMS,
			To: "+819012345678", Code: "417392", Lang: templates.Ja, ExpiresAt: time.Now().Add(10 * time.Minute),
		})
	}); err != nil {
		t.Fatal(err)
	}
	d.Server.Outbox.Wake()
	var got []struct{ Channel, To, Subject, Text string }
	for deadline := time.Now().Add(30 * time.Second); len(got) == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		body := get(t, d.Addresses.Inbox+"/api/messages?to=%2B819012345678")
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 1 || got[0].Channel != "sms" || got[0].Text != "認証コード：417392（10分間有効）\n@localhost #417392" {
		t.Errorf("arrived: %+v", got)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func get(t *testing.T, address string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
