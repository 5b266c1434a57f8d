package delivery

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
)

const linkSecret = "pU7mBq3vN0xY5sLk2RjT8wZcE1aHdG6fI9oXtVnJ4bM"

func (f *fixture) link(t *testing.T, to string, life time.Duration) error {
	t.Helper()
	return f.db.InTx(t.Context(), func(tx *store.Tx) error {
		return f.Link(t.Context(), tx, LinkMessage{
			AccountID: f.account, LoginID: "sato", To: to, URL: "https://id.example.jp/password/reset?ticket=" + linkSecret, Secret: linkSecret,
			Lang: templates.Ja, ExpiresAt: f.now().Add(life),
		})
	})
}

// newest waits until the newest message is in a state.
func (f *fixture) newest(t *testing.T, state string) store.ListMessagesRow {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		rows, err := f.db.Read().ListMessages(t.Context(), store.ListMessagesParams{Since: time.Unix(0, 0), BeforeAt: time.Unix(1<<33, 0), BeforeID: store.MaxID, PageSize: 1})
		if err != nil || len(rows) != 1 {
			t.Fatalf("%d messages, %v", len(rows), err)
		}
		if rows[0].State == state {
			return rows[0]
		}
		if time.Now().After(deadline) {
			t.Fatalf("the message is %+v, want state %s", rows[0], state)
		}
	}
}

// A link travels whole, and nothing of it is left behind: neither in the row, nor in what a mail server answers, nor in the log.
func TestLinkTravelsAndLeavesNoTrace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		refusals := 1
		mails := &Capture{Refuse: func(m Mail) error {
			if refusals--; refusals < 0 {
				return nil
			}
			return &SendError{Reply: "451 looked at " + linkSecret, Err: errors.New("temporary " + linkSecret)}
		}}
		f := setup(t, db, mails, nil)
		if err := f.link(t, "sato@example.jp", 30*time.Minute); err != nil {
			t.Fatal(err)
		}
		if before := f.claimedContent(t); strings.Contains(before, linkSecret) {
			t.Error("the row holds the secret in the clear")
		}
		run(t, f.Outbox)
		f.Wake()
		row := f.newest(t, StateAccepted)
		sent := mails.Mails("sato@example.jp")
		if len(sent) != 1 || !strings.Contains(sent[0].Text, "?ticket="+linkSecret) || !strings.Contains(sent[0].HTML, "?ticket="+linkSecret) || row.Kind != "password_reset_link" {
			t.Errorf("sent %+v for %+v", sent, row)
		}
		if strings.Contains(row.Reply, linkSecret) || strings.Contains(f.logged(), linkSecret) || !strings.Contains(f.logged(), "451 looked at") {
			t.Errorf("reply %q, log:\n%s", row.Reply, f.logged())
		}
	})
}

// claimedContent is what a reader of the database sees of the one message.
func (f *fixture) claimedContent(t *testing.T) string {
	t.Helper()
	row := f.claimOne(t)
	if err := f.db.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.RetryMessage(t.Context(), store.RetryMessageParams{ID: row.ID, Owner: row.LeaseOwner, AvailableAt: f.now().Add(-time.Second)})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return string(row.PayloadSealed) + row.Recipient + row.Reply
}

func TestLinkIsNotSentAfterItsEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mails := &Capture{}
		f := setup(t, db, mails, nil)
		if err := f.link(t, "sato@example.jp", 30*time.Minute); err != nil {
			t.Fatal(err)
		}
		f.advance(30 * time.Minute)
		run(t, f.Outbox)
		f.Wake()
		f.newest(t, StateExpired)
		if len(mails.Mails("")) != 0 {
			t.Error("a dead link was sent")
		}
		if err := f.link(t, "sato@example.jp\r\nBcc: x@example.jp", time.Minute); !errors.Is(err, ErrRecipient) {
			t.Errorf("an address with a line break: %v", err)
		}
	})
}

// Case and what follows a plus sign are the same mailbox with most mail servers.
func TestDestination(t *testing.T) {
	want := Destination("sato@example.jp")
	for _, same := range []string{"Sato@Example.JP", "sato+shop@example.jp", "SATO+x+y@example.jp"} {
		if Destination(same) != want {
			t.Errorf("%s is another mailbox", same)
		}
	}
	for _, other := range []string{"sato2@example.jp", "sato@example.com", "+sato@example.jp", "sato", ""} {
		if Destination(other) == want {
			t.Errorf("%s is the same mailbox", other)
		}
	}
	if strings.Contains(NoticeBudget("sato@example.jp"), "sato") {
		t.Error("a key holds the address")
	}
}
