package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/delivery/smtptest"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
	"github.com/futakagi/futakagi/templates"
)

var texts = sync.OnceValues(func() (*templates.Set, error) { return templates.New(templates.Config{}) })

// fixture is an outbox whose clock the test can move ahead of the real one.
type fixture struct {
	*Outbox
	db      *store.DB
	ahead   atomic.Int64
	account store.AccountID
	log     bytes.Buffer
	logMu   sync.Mutex
}

func (f *fixture) Write(p []byte) (int, error) {
	f.logMu.Lock()
	defer f.logMu.Unlock()
	return f.log.Write(p)
}

func (f *fixture) logged() string {
	f.logMu.Lock()
	defer f.logMu.Unlock()
	return f.log.String()
}

func (f *fixture) now() time.Time {
	return time.Now().Add(time.Duration(f.ahead.Load())).UTC().Truncate(time.Microsecond)
}

func (f *fixture) advance(d time.Duration) { f.ahead.Add(int64(d)) }

func newBox(t *testing.T) *seal.Box {
	t.Helper()
	master, _ := seal.NewMasterKey()
	wrapped, err := seal.Generate(master)
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(master, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func setup(t *testing.T, db *store.DB, mailer Mailer, change func(*Config)) *fixture {
	t.Helper()
	set, err := texts()
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{db: db, account: store.NewID[store.AccountID]()}
	cfg := Config{
		DB: db, Box: newBox(t), Templates: set, Mailer: mailer, From: "no-reply@example.jp", FromName: "Futakagi",
		Now: f.now, Logger: slog.New(slog.NewJSONHandler(f, nil)), Poll: 10 * time.Millisecond, Backoff: 20 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	if f.Outbox, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return f
}

// run starts the workers and returns what stops them.
func run(t *testing.T, o *Outbox) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

const code = "417392"

func (f *fixture) code(t *testing.T, to string) store.ChallengeID {
	t.Helper()
	challenge := store.NewID[store.ChallengeID]()
	if err := f.db.InTx(t.Context(), func(tx *store.Tx) error {
		return f.Code(t.Context(), tx, CodeMessage{
			AccountID: f.account, ChallengeID: challenge, To: to, Code: code, Lang: templates.Ja, ExpiresAt: f.now().Add(10 * time.Minute),
		})
	}); err != nil {
		t.Fatal(err)
	}
	f.Wake()
	return challenge
}

// row returns a code's row as the console sees it.
func (f *fixture) row(t *testing.T, challenge store.ChallengeID) store.GetChallengeMessageRow {
	t.Helper()
	row, err := f.db.Read().GetChallengeMessage(t.Context(), &challenge)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func (f *fixture) wait(t *testing.T, challenge store.ChallengeID, state string) store.GetChallengeMessageRow {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for {
		row := f.row(t, challenge)
		if row.State == state {
			return row
		}
		if time.Now().After(deadline) {
			t.Fatalf("state is %s, want %s; log:\n%s", row.State, state, f.logged())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func over(t *testing.T, s *smtptest.Server) *SMTP { return newSMTP(t, s, SMTPConfig{}) }

func TestCodeTravelsAndIsErased(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := smtptest.Start(t, smtptest.Config{})
		f := setup(t, db, over(t, s), nil)
		challenge := f.code(t, "sato-2fa@example.jp")
		if got := f.row(t, challenge); got.State != StateQueued || got.Attempts != 0 {
			t.Errorf("before: %+v", got)
		}
		if age, err := f.OldestAge(t.Context(), ChannelEmail); err != nil || age < 0 || age > time.Minute {
			t.Errorf("OldestAge = %v, %v", age, err)
		}
		run(t, f.Outbox)
		m := s.Wait(t, 1)[0]
		p, err := m.Parse()
		if err != nil {
			t.Fatal(err)
		}
		if p.Subject != "【Futakagi】認証コード "+code || !strings.Contains(p.Text, code) || !strings.Contains(p.HTML, code) || !strings.Contains(p.Text, "10分") {
			t.Errorf("subject %q, text %q", p.Subject, p.Text)
		}
		if diff := cmp.Diff([]string{"sato-2fa@example.jp"}, m.To); diff != "" {
			t.Error(diff)
		}
		row := f.wait(t, challenge, StateAccepted)
		if row.Attempts != 1 || !strings.HasPrefix(row.Reply, "250") || row.FinishedAt == nil {
			t.Errorf("after: %+v", row)
		}
		if age, err := f.OldestAge(t.Context(), ChannelEmail); err != nil || age != 0 {
			t.Errorf("OldestAge = %v, %v", age, err)
		}
		if strings.Contains(f.logged(), code) {
			t.Error("the code is in the log")
		}
	})
}

func TestContentIsSealedAtRest(t *testing.T) {
	f := setup(t, storetest.SQLite(t), nil, nil)
	f.code(t, "sato-2fa@example.jp")
	row := f.claimOne(t)
	if bytes.Contains(row.PayloadSealed, []byte(code)) {
		t.Error("the code lies open in the database")
	}
	p, err := f.open(row)
	if err != nil || p.Secret != code {
		t.Fatalf("open = %v", err)
	}

	other := store.NewID[store.AccountID]()
	for name, change := range map[string]func(r *store.Outbox){
		"another recipient": func(r *store.Outbox) { r.Recipient = "thief@example.jp" },
		"another row":       func(r *store.Outbox) { r.ID = store.NewID[store.MessageID]() },
		"another account":   func(r *store.Outbox) { r.AccountID = &other },
		"no account":        func(r *store.Outbox) { r.AccountID = nil },
		"cut off":           func(r *store.Outbox) { r.PayloadSealed = r.PayloadSealed[:len(r.PayloadSealed)-1] },
		"erased":            func(r *store.Outbox) { r.PayloadSealed = nil },
	} {
		r := row
		change(&r)
		if _, err := f.open(r); err == nil {
			t.Errorf("%s: it opened", name)
		}
	}
}

func (f *fixture) claimOne(t *testing.T) store.Outbox {
	t.Helper()
	row, found, err := f.claimOn(ChannelEmail)(t.Context(), "test")
	if err != nil || !found {
		t.Fatalf("claim: %v, %v", found, err)
	}
	return row
}

func TestNotices(t *testing.T) {
	mails := &Capture{}
	f := setup(t, storetest.SQLite(t), mails, func(c *Config) { c.Zone = time.FixedZone("JST", 9*60*60) })
	at := time.Date(2026, 11, 2, 8, 45, 22, 0, time.UTC)
	kinds := []string{KindSetUp, KindAddressChanged, KindReset, KindCodesReissued, KindCodesLow, KindDeviceVoided, KindExempted, KindPassIssued, KindPassUsed}
	for _, lang := range templates.Langs() {
		for _, kind := range kinds {
			if err := f.db.InTx(t.Context(), func(tx *store.Tx) error {
				return f.Notice(t.Context(), tx, NoticeMessage{
					Kind: kind, AccountID: f.account, LoginID: "tanaka", To: kind + "-" + string(lang) + "@example.jp", Lang: lang, At: at,
					FactorKind: "email", Address: templates.MaskEmail("newmail@example.jp"), Device: "Chrome / Windows",
				})
			}); err != nil {
				t.Fatalf("%s %s: %v", kind, lang, err)
			}
		}
	}
	run(t, f.Outbox)
	waitFor(t, func() bool { return len(mails.Mails("")) == len(templates.Langs())*len(kinds) })
	seen := map[string]bool{}
	for _, m := range mails.Mails("") {
		for _, body := range []string{m.Text, m.HTML} {
			if !strings.Contains(body, "tanaka") || !strings.Contains(body, "2026-11-02 17:45") {
				t.Errorf("%s: account or time is missing: %s", m.To, body)
			}
			if !strings.Contains(body, "ne•••••@example.jp") || !strings.Contains(body, "Chrome / Windows") {
				t.Errorf("%s: what changed is missing: %s", m.To, body)
			}
			if strings.Contains(body, "newmail@") {
				t.Errorf("%s: the new address is told whole", m.To)
			}
			if strings.Contains(body, "/signin") {
				t.Errorf("%s: a link to sign in", m.To)
			}
		}
		if seen[m.Lang+m.Subject] || m.Subject == "" {
			t.Errorf("subject %q is empty or not of its own", m.Subject)
		}
		seen[m.Lang+m.Subject] = true
		if strings.Contains(m.To, "-ja@") != (m.Lang == "ja") {
			t.Errorf("%s was written in %s", m.To, m.Lang)
		}
	}
	err := f.db.InTx(t.Context(), func(tx *store.Tx) error {
		return f.Notice(t.Context(), tx, NoticeMessage{Kind: "other", To: "a@example.jp", Lang: templates.Ja})
	})
	if err == nil {
		t.Error("a notice of an unknown kind was queued")
	}
}

func TestI26_OnlyRealAddressesAreQueued(t *testing.T) {
	f := setup(t, storetest.SQLite(t), nil, nil)
	for _, to := range []string{"", "tanaka", "a@example.jp\r\nBcc: b@example.jp", "a@example.jp,b@example.jp", "<a@example.jp>"} {
		err := f.db.InTx(t.Context(), func(tx *store.Tx) error {
			return f.Code(t.Context(), tx, CodeMessage{
				AccountID: f.account, ChallengeID: store.NewID[store.ChallengeID](), To: to, Code: code, Lang: templates.Ja, ExpiresAt: f.now().Add(time.Minute),
			})
		})
		if !errors.Is(err, ErrRecipient) {
			t.Errorf("%q: err = %v, want ErrRecipient", to, err)
		}
	}
}

func TestRolledBackMessageNeverLeaves(t *testing.T) {
	mails := &Capture{}
	f := setup(t, storetest.SQLite(t), mails, nil)
	stopped := errors.New("the act failed")
	err := f.db.InTx(t.Context(), func(tx *store.Tx) error {
		return errors.Join(f.Notice(t.Context(), tx, NoticeMessage{Kind: KindReset, To: "a@example.jp", Lang: templates.Ja}), stopped)
	})
	if !errors.Is(err, stopped) {
		t.Fatal(err)
	}
	f.code(t, "b@example.jp")
	run(t, f.Outbox)
	waitFor(t, func() bool { return len(mails.Mails("b@example.jp")) == 1 })
	if got := mails.Mails("a@example.jp"); len(got) != 0 {
		t.Error("a message of a transaction that failed was sent")
	}
}

func TestTemporaryRefusalIsTriedAgain(t *testing.T) {
	var mu sync.Mutex
	var ids []string
	s := smtptest.Start(t, smtptest.Config{Data: func(n int, m smtptest.Message) error {
		p, err := m.Parse()
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, p.Header.Get("Message-Id"))
		if n <= 2 {
			return smtptest.Refuse(451, "busy, subject was "+code)
		}
		return nil
	}})
	f := setup(t, storetest.SQLite(t), over(t, s), nil)
	challenge := f.code(t, "sato-2fa@example.jp")
	stop := run(t, f.Outbox)
	row := f.wait(t, challenge, StateAccepted)
	stop()
	if row.Attempts != 3 {
		t.Errorf("%d attempts, want 3", row.Attempts)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(ids) != 3 || ids[0] == "" || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("message ids %q, want the same three times", ids)
	}
	if log := f.logged(); strings.Contains(log, code) || !strings.Contains(log, "451") {
		t.Errorf("log: %s", log)
	}
}

func TestPermanentRefusalEndsIt(t *testing.T) {
	s := smtptest.Start(t, smtptest.Config{Rcpt: func(int, string) error {
		return smtptest.Refuse(550, "no such user; quoting "+code+" "+strings.Repeat("long ", 60))
	}})
	var results []string
	f := setup(t, storetest.SQLite(t), over(t, s), func(c *Config) {
		c.Observe = func(channel, result string) { results = append(results, channel+" "+result) }
	})
	challenge := f.code(t, "gone@example.jp")
	stop := run(t, f.Outbox)
	row := f.wait(t, challenge, StateFailed)
	stop()
	if row.Attempts != 1 || !strings.HasPrefix(row.Reply, "550 5.0.0 no such user") || strings.Contains(row.Reply, code) || utf8.RuneCountInString(row.Reply) > 200 {
		t.Errorf("row = %+v", row)
	}
	if diff := cmp.Diff([]string{"email failed"}, results); diff != "" {
		t.Error(diff)
	}
}

func TestI30_NothingIsLostWhileTheServerIsAway(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := smtptest.Start(t, smtptest.Config{})
		f := setup(t, db, over(t, s), nil)
		s.Stop()
		stop := run(t, f.Outbox)
		var challenges []store.ChallengeID
		for i := range 10 {
			challenges = append(challenges, f.code(t, fmt.Sprintf("u%d@example.jp", i)))
		}
		waitFor(t, func() bool { return f.row(t, challenges[0]).Attempts >= 2 })
		if got := f.row(t, challenges[0]); got.State != StateQueued || got.Reply != "no connection to the mail server" {
			t.Errorf("while it is away: %+v", got)
		}
		s.Restart(t)
		for _, c := range challenges {
			f.wait(t, c, StateAccepted)
		}
		stop()
		if n := len(s.Messages()); n != 10 {
			t.Errorf("%d messages arrived, want 10", n)
		}
	})
}

// The server died after the commit, before a worker saw the row; and again while a worker held it.
func TestI30_CrashLosesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mails := &Capture{}
		f := setup(t, db, mails, nil)
		f.code(t, "committed@example.jp")
		second := f.code(t, "claimed@example.jp")
		f.claimOne(t) // by a worker that is never heard of again
		f.claimOne(t)

		run(t, f.Outbox)
		time.Sleep(50 * time.Millisecond)
		if n := len(mails.Mails("")); n != 0 {
			t.Fatalf("%d messages left although another worker holds them", n)
		}
		f.advance(f.cfg.SendTimeout + leaseMargin + time.Second)
		waitFor(t, func() bool { return len(mails.Mails("")) == 2 })
		if row := f.wait(t, second, StateAccepted); row.Attempts != 2 {
			t.Errorf("row = %+v", row)
		}

		// The one thought dead comes back: it must not overwrite the result.
		late := store.Outbox{ID: row(t, db, second).ID, Channel: ChannelEmail}
		f.finish(t.Context(), "test", late, StateFailed, "550 too late")
		if got := f.row(t, second); got.State != StateAccepted {
			t.Errorf("a lost lease still wrote: %+v", got)
		}
	})
}

func row(t *testing.T, db *store.DB, challenge store.ChallengeID) store.GetChallengeMessageRow {
	t.Helper()
	r, err := db.Read().GetChallengeMessage(t.Context(), &challenge)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestManyWorkersSendNothingTwice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mails := &Capture{}
		f := setup(t, db, mails, func(c *Config) { c.Workers = 4 })
		const n = 60
		for i := range n {
			f.code(t, fmt.Sprintf("u%d@example.jp", i))
		}
		second, err := New(f.cfg) // another replica
		if err != nil {
			t.Fatal(err)
		}
		stop1, stop2 := run(t, f.Outbox), run(t, second)
		waitFor(t, func() bool { return len(mails.Mails("")) >= n })
		stop1()
		stop2()
		seen := map[string]int{}
		for _, m := range mails.Mails("") {
			seen[m.To]++
		}
		for to, times := range seen {
			if times != 1 {
				t.Errorf("%s got %d messages", to, times)
			}
		}
		if len(seen) != n {
			t.Errorf("%d of %d arrived", len(seen), n)
		}
	})
}

func TestOutdatedCodeIsNeverSent(t *testing.T) {
	for _, how := range []string{"given up", "claimed too late"} {
		t.Run(how, func(t *testing.T) {
			mails := &Capture{}
			f := setup(t, storetest.SQLite(t), mails, nil)
			challenge := f.code(t, "late@example.jp")
			f.advance(10*time.Minute + time.Second)
			if how == "given up" {
				if err := f.expire(t.Context()); err != nil {
					t.Fatal(err)
				}
			} else {
				f.deliver(t.Context(), f.senders[0], "test", f.claimOne(t))
			}
			if got := f.row(t, challenge); got.State != StateExpired || got.FinishedAt == nil {
				t.Errorf("row = %+v", got)
			}
			if len(mails.Mails("")) != 0 {
				t.Error("an outdated code was sent")
			}
			if _, found, _ := f.claimOn(ChannelEmail)(t.Context(), "again"); found {
				t.Error("it can be claimed again")
			}
		})
	}
}

// An attempt ends when the code does, whatever the mail server is doing.
func TestAttemptDoesNotOutliveTheCode(t *testing.T) {
	f := setup(t, storetest.SQLite(t), blocking{}, nil)
	challenge := f.code(t, "slow@example.jp")
	row := f.claimOne(t)
	row.Deadline = f.now().Add(100 * time.Millisecond)
	start := time.Now()
	f.deliver(t.Context(), f.senders[0], "test", row)
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("the attempt took %v", d)
	}
	if got := f.row(t, challenge); got.State != StateQueued {
		t.Errorf("row = %+v", got)
	}
}

// blocking is a mail server that never answers.
type blocking struct{}

func (blocking) Send(ctx context.Context, _ Mail) (Receipt, error) {
	<-ctx.Done()
	return Receipt{}, ctx.Err()
}

func TestStopLetsAnAttemptFinish(t *testing.T) {
	entered := make(chan struct{})
	s := smtptest.Start(t, smtptest.Config{Data: func(int, smtptest.Message) error {
		close(entered)
		time.Sleep(300 * time.Millisecond)
		return nil
	}})
	f := setup(t, storetest.SQLite(t), over(t, s), nil)
	challenge := f.code(t, "sato-2fa@example.jp")
	stop := run(t, f.Outbox)
	<-entered
	stop()
	if got := f.row(t, challenge); got.State != StateAccepted || got.Attempts != 1 {
		t.Errorf("row = %+v", got)
	}
}

func TestStopDoesNotWaitForEver(t *testing.T) {
	f := setup(t, storetest.SQLite(t), blocking{}, func(c *Config) { c.Drain = 50 * time.Millisecond })
	challenge := f.code(t, "sato-2fa@example.jp")
	stop := run(t, f.Outbox)
	waitFor(t, func() bool { return f.row(t, challenge).Attempts == 1 })
	start := time.Now()
	stop()
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("stopping took %v", d)
	}
	// It is free at once for whoever comes next.
	if row := f.claimOne(t); row.Attempts != 2 {
		t.Errorf("row = %+v", row)
	}
}

// gated is a mail server that takes a message when it is let.
type gated struct{ entered, release chan struct{} }

func (g gated) Send(context.Context, Mail) (Receipt, error) {
	close(g.entered)
	<-g.release
	return Receipt{Reply: "250 taken"}, nil
}

// TestStopDoesNotWaitForTheDatabase guards that a result which cannot be noted does not hold up the stop for ever.
func TestStopDoesNotWaitForTheDatabase(t *testing.T) {
	url := storetest.SQLiteURL(t)
	db := storetest.Open(t, url)
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	mailer := gated{make(chan struct{}), make(chan struct{})}
	f := setup(t, db, mailer, func(c *Config) { c.Drain = 50 * time.Millisecond })
	f.code(t, "sato-2fa@example.jp")
	stop := run(t, f.Outbox)
	<-mailer.entered
	guest, err := store.Open(t.Context(), store.Config{URL: url, Guest: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer guest.Close()
	if err := guest.InTx(t.Context(), func(*store.Tx) error { // nobody else can write meanwhile
		close(mailer.release)
		start := time.Now()
		stop()
		if d := time.Since(start); d > noteLimit+2*time.Second {
			t.Errorf("stopping took %v", d)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(f.logged(), "could not be noted") {
		t.Errorf("log: %s", f.logged())
	}
}

func TestPanickingMailerIsARetry(t *testing.T) {
	var n atomic.Int32
	mails := &Capture{Refuse: func(Mail) error {
		if n.Add(1) == 1 {
			panic("boom")
		}
		return nil
	}}
	f := setup(t, storetest.SQLite(t), mails, nil)
	challenge := f.code(t, "sato-2fa@example.jp")
	run(t, f.Outbox)
	if row := f.wait(t, challenge, StateAccepted); row.Attempts != 2 {
		t.Errorf("row = %+v", row)
	}
}

func TestWithoutMailServerMessagesWait(t *testing.T) {
	f := setup(t, storetest.SQLite(t), nil, nil)
	challenge := f.code(t, "sato-2fa@example.jp")
	stop := run(t, f.Outbox)
	time.Sleep(50 * time.Millisecond)
	stop()
	if got := f.row(t, challenge); got.State != StateQueued || got.Attempts != 0 {
		t.Errorf("row = %+v", got)
	}
}

func TestPauseGrowsAndVaries(t *testing.T) {
	f := setup(t, storetest.SQLite(t), nil, func(c *Config) { c.Backoff = 2 * time.Second })
	for _, tc := range []struct {
		kind     string
		attempts int64
		longest  time.Duration
	}{
		{KindCode, 1, 2 * time.Second},
		{KindCode, 3, 8 * time.Second},
		{KindCode, 50, longestCodePause},
		{KindReset, 5, 32 * time.Second},
		{KindReset, 1 << 40, longestNoticePause},
		{KindReset, 0, 2 * time.Second},
	} {
		different := map[time.Duration]bool{}
		for range 50 {
			d := f.pause(store.Outbox{Kind: tc.kind, Attempts: tc.attempts})
			if d < tc.longest/2 || d > tc.longest {
				t.Errorf("%s, attempt %d: %v, want %v to %v", tc.kind, tc.attempts, d, tc.longest/2, tc.longest)
			}
			different[d] = true
		}
		if len(different) < 10 {
			t.Errorf("%s, attempt %d: no jitter", tc.kind, tc.attempts)
		}
	}
}

func TestCleanReply(t *testing.T) {
	for _, tc := range []struct{ in, secret, want string }{
		{"250 2.0.0 OK", "", "250 2.0.0 OK"},
		{"550 a\r\nBcc: b\x00\x1b[31m", "", "550 a Bcc: b [31m"},
		{"550 \u202eevil\u200b", "", "550 evil"},
		{"554 【x】123456 refused 123456", "123456", "554 【x】••• refused •••"},
		{strings.Repeat("あ", 500), "", strings.Repeat("あ", 200)},
		{"\xff\xfe", "", ""},
		{"554 123\u200b456", "123456", "554 •••"},
		{"  ", "", ""},
	} {
		if got := cleanReply(tc.in, tc.secret); got != tc.want {
			t.Errorf("cleanReply(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func FuzzCleanReply(f *testing.F) {
	f.Add("550 a\r\n123456", "123456")
	f.Add("\xff\u202e", "")
	f.Fuzz(func(t *testing.T, in, secret string) {
		got := cleanReply(in, secret)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxReply || strings.ContainsAny(got, "\r\n\x00\t\x1b") {
			t.Errorf("cleanReply(%q) = %q", in, got)
		}
		if len(secret) == 6 && strings.Trim(secret, "0123456789") == "" && strings.Contains(got, secret) {
			t.Errorf("the secret is left in %q", got)
		}
	})
}

func waitFor(t *testing.T, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatal("it never happened")
}
