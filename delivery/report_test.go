package delivery

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/delivery/smtptest"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// heard collects what Config.Heard was told.
type heard struct{ all []Heard }

func (h *heard) hear(_ context.Context, _ *store.Tx, r Heard) error {
	h.all = append(h.all, r)
	return nil
}

// message returns the whole row of a code's message.
func (f *fixture) message(t *testing.T, challenge store.ChallengeID) store.GetMessageRow {
	t.Helper()
	return f.byID(t, f.row(t, challenge).ID)
}

func (f *fixture) byID(t *testing.T, id store.MessageID) store.GetMessageRow {
	t.Helper()
	row, err := f.db.Read().GetMessage(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// sent sends a code through a real mail server and returns its row and the token that it carried.
func sent(t *testing.T, f *fixture, s *smtptest.Server, to string) (store.GetMessageRow, string) {
	t.Helper()
	challenge := f.code(t, to)
	f.wait(t, challenge, StateAccepted)
	var carried string
	for _, m := range s.Messages() {
		if m.To[0] == to {
			carried = m.From
		}
	}
	if tokenIn(carried) == "" {
		t.Fatalf("the sender of the mail is %q, without a token", carried)
	}
	return f.message(t, challenge), tokenIn(carried)
}

func TestReportIsHeardOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := smtptest.Start(t, smtptest.Config{})
		var told heard
		f := setup(t, db, over(t, s), func(c *Config) { c.BounceTo, c.Heard = "bounce@example.jp", told.hear })
		defer run(t, f.Outbox)()
		row, token := sent(t, f, s, "sato-2fa@example.jp")

		r := Report{Outcome: OutcomeBounced, Status: "5.1.1", Reply: "550 5.1.1 no such user; your code was " + code, Source: SourceDSN}
		for i, want := range []bool{true, false} { // the second is a replay
			if news, err := f.Hear(t.Context(), Ref{Token: strings.ToUpper(token)}, r); err != nil || news != want {
				t.Fatalf("report %d: %v, %v", i, news, err)
			}
		}
		if got := f.byID(t, row.ID); got.State != StateBounced || got.Reply != row.Reply {
			t.Errorf("row = %+v", got)
		}
		want := []Heard{{
			Report:  Report{Outcome: OutcomeBounced, Status: "5.1.1", Bounce: HardBounce, Reply: "550 5.1.1 no such user; your code was •••", Source: SourceDSN},
			Account: f.account, MessageID: row.ID, Channel: ChannelEmail, To: "sato-2fa@example.jp", WrittenAt: row.CreatedAt,
		}}
		if len(told.all) == 1 {
			want[0].At = told.all[0].At
		}
		if diff := cmp.Diff(want, told.all); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		reports, err := db.Read().ListMessageReports(t.Context(), row.ID)
		if err != nil || len(reports) != 1 || !reports[0].Hard || strings.Contains(reports[0].Reply, code) {
			t.Errorf("reports = %+v, %v", reports, err)
		}
		// What bounced stays so.
		if _, err := f.Hear(t.Context(), Ref{ID: string(row.ID)}, Report{Outcome: OutcomeDelivered, Source: SourceWebhook}); err != nil {
			t.Fatal(err)
		}
		if got := f.byID(t, row.ID); got.State != StateBounced {
			t.Errorf("state = %s after a late report of delivery", got.State)
		}
	})
}

// A report that anybody could make up marks nothing.
func TestForgedReportIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := smtptest.Start(t, smtptest.Config{})
		var told heard
		f := setup(t, db, over(t, s), func(c *Config) { c.BounceTo, c.Heard = "bounce@example.jp", told.hear })
		waiting := f.code(t, "waiting@example.jp") // nobody sends yet
		id := f.message(t, waiting).ID
		bounce := Report{Outcome: OutcomeBounced, Status: "5.1.1", Source: SourceDSN}
		refused := func(name string, ref Ref) {
			t.Helper()
			if news, err := f.Hear(t.Context(), ref, bounce); news || !errors.Is(err, ErrUnknownMessage) {
				t.Errorf("%s: %v, %v", name, news, err)
			}
		}
		refused("a message that has not left", Ref{ID: string(id)})
		refused("nothing", Ref{})
		refused("the id with a tag made up", Ref{Token: token(id, make([]byte, tagBytes))})
		refused("no token", Ref{Token: strings.Repeat("!", tokenLength)})
		refused("no message", Ref{ID: string(store.NewID[store.MessageID]())})
		refused("no id", Ref{ID: "1"})
		refused("an unknown id of theirs", Ref{RemoteID: "4Xk2", Channel: ChannelEmail})

		stop := run(t, f.Outbox)
		f.wait(t, waiting, StateAccepted)
		_, token := sent(t, f, s, "sato-2fa@example.jp")
		stop()
		other := s.Messages()[0].From
		// The tag of one message is of no use for another.
		a, b := tokenIn(other), token
		idA, _, _ := readToken(a)
		_, tagB, _ := readToken(b)
		refused("another message's tag", Ref{Token: tokenOf(idA, tagB)})
		for i := range token {
			forged := []byte(token)
			if forged[i]++; forged[i] > 'z' || forged[i] > '7' && forged[i] < 'a' {
				forged[i] = 'a'
			}
			if i == len(token)-1 {
				continue // its last bits are not part of the tag
			}
			refused("one letter changed", Ref{Token: string(forged)})
		}
		if len(told.all) != 0 {
			t.Errorf("told: %+v", told.all)
		}
	})
}

func tokenOf(id store.MessageID, tag []byte) string { return token(id, tag) }

// A mail server that refuses a mailbox for good says so about the address; any other refusal is about the message or about us.
func TestRefusalOfAMailbox(t *testing.T) {
	for reply, want := range map[string]Bounce{
		"550 5.1.1 user unknown":      HardBounce,
		"550 5.1.10 null MX":          HardBounce,
		"552 5.2.2 mailbox full":      SoftBounce,
		"550 5.7.1 policy":            "",
		"553 5.1.8 sender's domain":   "",
		"550 no such user":            "",
		"451 4.1.1 greylisted":        "",
		"550-5.1.1 not of this form ": "",
	} {
		r := refusalOf(store.Outbox{Channel: ChannelEmail}, &SendError{Permanent: true}, reply)
		if got := Bounce(""); r != nil {
			got = r.Bounce
			if got != want {
				t.Errorf("%s: %s, want %q", reply, got, want)
			}
		} else if want != "" {
			t.Errorf("%s: nothing, want %s", reply, want)
		}
	}
	if refusalOf(store.Outbox{Channel: ChannelSMS}, &SendError{Permanent: true}, "550 5.1.1 x") != nil {
		t.Error("a gateway's answer was taken for a mail server's")
	}

	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var told heard
		refuse := &Capture{Refuse: func(Mail) error {
			return &SendError{Permanent: true, Reply: "550 5.1.1 user unknown", Err: errors.New("refused")}
		}}
		f := setup(t, db, refuse, func(c *Config) { c.Heard = told.hear })
		defer run(t, f.Outbox)()
		f.wait(t, f.code(t, "gone@example.jp"), StateFailed)
		if len(told.all) != 1 || told.all[0].Bounce != HardBounce || told.all[0].Source != SourceSMTP || told.all[0].To != "gone@example.jp" {
			t.Errorf("told: %+v", told.all)
		}
	})
}

func TestQueueIDs(t *testing.T) {
	for reply, want := range map[string]string{
		"250 2.0.0 Ok: queued as 4Xk2Lm0WqQz1": "4Xk2Lm0WqQz1",
		"250 Ok: queued as BqZ0l4uYQ1eG_a-7.":  "BqZ0l4uYQ1eG_a-7",
		"250 2.6.0 <a@b> [InternalId=34359738369, Hostname=x.prod.outlook.com] Queued mail for delivery": "34359738369",
		"250 Ok 0106018f2b3c4d5e-1a2b3c4d-0000-1111-2222-333344445555-000000":                            "0106018f2b3c4d5e-1a2b3c4d-0000-1111-2222-333344445555-000000",
		"250 OK id=1rXyZa-0001Bc-2D":                      "1rXyZa-0001Bc-2D",
		"250 2.0.0 42K3A1x Message accepted for delivery": "42K3A1x",
		"250 thanks": "", "250": "", "": "",
	} {
		if got := queueID(reply); got != want {
			t.Errorf("%q: %q, want %q", reply, got, want)
		}
	}
	if cleanID("x417392y", code) != "" || cleanID("a b", "") != "" || cleanID(strings.Repeat("x", maxRemoteID+1), "") != "" || cleanID("é", "") != "" {
		t.Error("an unfit id was kept")
	}
}

func TestAnswerNamesTheMessage(t *testing.T) {
	s := smtptest.Start(t, smtptest.Config{})
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := setup(t, db, over(t, s), nil)
		defer run(t, f.Outbox)()
		challenge := f.code(t, "sato-2fa@example.jp")
		f.wait(t, challenge, StateAccepted)
		row := f.message(t, challenge)
		if row.RemoteID != queueID(row.Reply) {
			t.Errorf("id %q of the answer %q", row.RemoteID, row.Reply)
		}
	})
}

// The gateway may be faster than its own answer.
func TestReportOvertakesTheAnswer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var f *fixture
		hasty := &Capture{Refuse: func(m Mail) error {
			news, err := f.Hear(context.Background(), Ref{Token: tokenIn(m.MessageID)}, Report{Outcome: OutcomeDelivered, Source: SourceSES})
			if err == nil && !news {
				err = errors.New("no news")
			}
			return err
		}}
		f = setup(t, db, hasty, nil)
		defer run(t, f.Outbox)()
		challenge := f.code(t, "sato-2fa@example.jp")
		f.wait(t, challenge, StateDelivered)
		time.Sleep(20 * time.Millisecond)
		if got := f.row(t, challenge); got.State != StateDelivered || got.Attempts != 1 {
			t.Errorf("row = %+v", got)
		}
	})
}
