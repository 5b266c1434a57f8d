package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2" //nolint:depguard // the same questions every time
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/store"
)

// What is in a database of a number of accounts. Small ones are dense enough to fill every page, so that sizes can be compared.
const (
	perCustomer      = 20
	families, givens = 10, 5
	eventsPerAccount = 10
	fewestMessages   = 10_000
	// logged is how far back messages and the audit log go.
	logged = 30 * 24 * time.Hour
)

// messages is how many there are.
func messages(accounts int) int { return max(accounts, fewestMessages) }

//go:embed scale.sql
var scaleSeed string

// question is one thing that the console asks, over and over with other words.
type question struct {
	name string
	ask  func(ctx context.Context, c *console) error
}

// console asks the questions of one database.
type console struct {
	*admin.Service

	accounts int
	random   *rand.Rand
	ids      []store.AccountID // some of the accounts
	late     time.Duration     // how far its clock is ahead
}

// answers are how long one took at one size.
type answers struct {
	p50, p95 time.Duration
	asked    int
}

// measureScale prints what the console's lists, searches and counts cost at each number of accounts, side by side.
func measureScale(ctx context.Context, o options) error {
	names := questions()
	all := make([][]answers, len(names))
	for _, n := range o.scale {
		if err := scaleRun(ctx, o, n, names, all); err != nil {
			return fmt.Errorf("%d accounts: %w", n, err)
		}
	}
	head, line := "| question |", "|---|"
	for _, n := range o.scale {
		head += fmt.Sprintf(" %d accounts: p50 ms | p95 ms | times |", n)
		line += "---|---|---|"
	}
	fmt.Println("\n" + head + " p95, last / first |\n" + line + "---|")
	for i, q := range names {
		if len(all[i]) == 0 {
			continue
		}
		var row strings.Builder
		row.WriteString("| " + q.name + " |")
		for _, a := range all[i] {
			fmt.Fprintf(&row, " %.2f | %.2f | %d |", ms(a.p50), ms(a.p95), a.asked)
		}
		first, last := all[i][0], all[i][len(all[i])-1]
		fmt.Printf("%s %.2f |\n", row.String(), float64(last.p95)/float64(max(first.p95, 1)))
	}
	return nil
}

// scaleRun fills one database and asks it everything.
func scaleRun(ctx context.Context, o options, accounts int, names []question, all [][]answers) error {
	dir, filled, err := scaleDir(o, accounts)
	if err != nil {
		return err
	}
	if o.keep == "" {
		defer os.RemoveAll(dir)
	}
	db := &database{url: "sqlite:" + dir + "/futakagi.db"}
	if o.engine == "postgres" {
		if db, err = startPostgres(ctx, dir); err != nil {
			return err
		}
		defer db.stop()
	}
	c := server.Defaults()
	c.Issuer, c.DatabaseURL, c.AutoMigrate, c.Logger = "http://localhost:8080", db.url, true, slog.New(slog.DiscardHandler)
	c.MasterKey = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=" // nobody's, as in serve
	asked := &console{accounts: accounts, random: rand.New(rand.NewPCG(1, 2))}
	c.Now = func() time.Time { return time.Now().Add(asked.late) }
	s, err := server.New(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	asked.Service = s.Admin
	began := time.Now()
	switch {
	case filled:
	case o.engine == "postgres":
		err = fillPostgres(ctx, db.url, accounts)
	default:
		err = fillSQLite(ctx, s.DB, accounts)
	}
	if err != nil {
		return fmt.Errorf("fill database: %w", err)
	}
	if o.keep != "" {
		if err := os.WriteFile(filepath.Join(dir, "filled"), nil, 0o600); err != nil {
			return err
		}
	}
	fmt.Printf("%s, %d accounts, %d audit rows, filled in %s\n", o.engine, accounts, accounts*eventsPerAccount, time.Since(began).Round(time.Second))
	rows, _, err := s.Admin.AccountsAfter(ctx, admin.System(), admin.Span{After: asked.login(), Limit: 200}, admin.AccountsQuery{})
	if err != nil {
		return err
	}
	for _, row := range rows {
		asked.ids = append(asked.ids, row.ID)
	}
	for i, q := range names {
		if !o.only.MatchString(q.name) {
			continue
		}
		a, err := askFor(ctx, o.duration, func() error { return q.ask(ctx, asked) })
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		all[i] = append(all[i], a)
	}
	return ctx.Err()
}

// scaleDir is where the database of a number of accounts is, and whether it is there already.
func scaleDir(o options, accounts int) (dir string, filled bool, err error) {
	if o.keep == "" {
		dir, err = os.MkdirTemp("", "futakagi-scale-")
		return dir, false, err
	}
	dir = filepath.Join(o.keep, o.engine+"-"+strconv.Itoa(accounts))
	if _, err := os.Stat(filepath.Join(dir, "filled")); err == nil {
		return dir, true, nil
	}
	if err := os.RemoveAll(dir); err != nil { // half filled
		return "", false, err
	}
	return dir, false, os.MkdirAll(dir, 0o700)
}

// askFor asks for a while, and until there are enough answers to call one of them the 95th of a hundred, if that does not take ten times
// as long. The first answer, which finds the caches cold, does not count.
func askFor(ctx context.Context, length time.Duration, ask func() error) (answers, error) {
	const enough = 21
	var took []time.Duration
	for begun := time.Now(); ctx.Err() == nil; {
		if past := time.Since(begun); len(took) > 1 && (past > 10*length || past > length && len(took) >= enough) {
			break
		}
		start := time.Now()
		if err := ask(); err != nil {
			return answers{}, err
		}
		took = append(took, time.Since(start))
	}
	if len(took) < 2 {
		return answers{}, ctx.Err()
	}
	took = took[1:]
	slices.Sort(took)
	return answers{p50: took[len(took)/2], p95: took[len(took)*95/100], asked: len(took)}, nil
}

func (c *console) login() string  { return fmt.Sprintf("user%07d", 1+c.random.IntN(c.accounts*9/10)) }
func (c *console) family() string { return family(c.random.IntN(families)) }
func (c *console) given() string  { return given(c.random.IntN(givens) * families) }
func (c *console) company() string {
	return fmt.Sprintf("見本%06d", c.random.IntN(c.accounts/perCustomer/10*10))
}

// family and given are names of the account with a number.
func family(i int) string { return string(rune(0x7530+i%families)) + "中" }
func given(i int) string  { return string(rune(0x4e00+i/families%givens)) + "郎" }

// at is a moment that the audit log has.
func (c *console) at() time.Time {
	return time.Now().Add(-time.Duration(c.random.Int64N(int64(logged * 9 / 10))))
}

func (c *console) id() store.AccountID { return c.ids[c.random.IntN(len(c.ids))] }

// pair are a family name and a given one that somebody has together.
func (c *console) pair() string {
	i := c.random.IntN(families * givens)
	return family(i) + " " + given(i)
}

func questions() []question {
	search := func(name string, text func(c *console) string) question {
		return question{"search: " + name, func(ctx context.Context, c *console) error {
			_, err := c.Search(ctx, admin.System(), admin.SearchQuery{Text: text(c)})
			return err
		}}
	}
	log := func(name string, query func(c *console) admin.AuditQuery) question {
		return question{"audit: " + name, func(ctx context.Context, c *console) error {
			_, err := c.ListAudit(ctx, admin.System(), query(c))
			return err
		}}
	}
	mail := func(name string, query func(c *console) admin.DeliveryQuery) question {
		return question{"messages: " + name, func(ctx context.Context, c *console) error {
			_, err := c.ListDeliveries(ctx, admin.System(), query(c))
			return err
		}}
	}
	month := func() time.Time { return time.Now().AddDate(0, 0, -30) }
	before := func(c *console) admin.Place { return admin.Place{At: c.at(), ID: store.MinID} }
	return slices.Concat([]question{
		{"customers: first page", func(ctx context.Context, c *console) error {
			_, err := c.ListCustomers(ctx, admin.System(), account.CustomerQuery{})
			return err
		}},
		{"customers: somewhere", func(ctx context.Context, c *console) error {
			_, err := c.ListCustomers(ctx, admin.System(), account.CustomerQuery{After: fmt.Sprintf("C-%06d", c.random.IntN(max(1, c.accounts/perCustomer-50)))})
			return err
		}},
		{"customers: partly set up", func(ctx context.Context, c *console) error {
			_, err := c.ListCustomers(ctx, admin.System(), account.CustomerQuery{State: account.StatePartly})
			return err
		}},
		{"accounts: somewhere", func(ctx context.Context, c *console) error {
			_, _, err := c.AccountsAfter(ctx, admin.System(), admin.Span{After: c.login(), Limit: 50}, admin.AccountsQuery{})
			return err
		}},
		search("login ID", (*console).login),
		search("beginning of a login ID", func(c *console) string { return c.login()[:9] }),
		search("address", func(c *console) string { return c.login() + "@exam" }),
		search("address of a second factor", func(c *console) string { return c.login() + "-2fa@" }),
		search("domain that everybody has", func(*console) string { return "@example.jp" }),
		search("family name", (*console).family),
		search("part of a name", (*console).given),
		search("both names", (*console).pair),
		search("both names, reversed", func(c *console) string {
			family, given, _ := strings.Cut(c.pair(), " ")
			return given + " " + family
		}),
		search("names that nobody has together", func(c *console) string { return c.family() + " 丐子" }),
		search("name and company", func(c *console) string { return c.family() + " " + c.company() }),
		search("company", func(c *console) string { return c.company()[:len("見本00000")] }),
		search("nothing", func(c *console) string { return "zz" + c.login() }),
		log("first page, 30 days", func(*console) admin.AuditQuery { return admin.AuditQuery{From: month()} }),
		log("somewhere", func(c *console) admin.AuditQuery { return admin.AuditQuery{After: before(c)} }),
		log("kind, common", func(*console) admin.AuditQuery { return admin.AuditQuery{Kind: "signin", From: month()} }),
		log("kind, rare", func(*console) admin.AuditQuery { return admin.AuditQuery{Kind: "key"} }),
		log("one type", func(*console) admin.AuditQuery { return admin.AuditQuery{Kind: "2fa.reset"} }),
		log("actor, rare", func(*console) admin.AuditQuery { return admin.AuditQuery{Actor: audit.ByClient} }),
		log("result", func(*console) admin.AuditQuery { return admin.AuditQuery{Result: string(audit.Refused), From: month()} }),
		log("name of an actor", func(c *console) admin.AuditQuery { return admin.AuditQuery{Who: c.login(), From: month()} }),
		log("one account", func(c *console) admin.AuditQuery { return admin.AuditQuery{Account: c.id()} }),
		{"activity of an account", func(ctx context.Context, c *console) error {
			_, err := c.Activity(ctx, admin.System(), c.id(), admin.Place{})
			return err
		}},
		{"audit: export of resets, 30 days", func(ctx context.Context, c *console) error {
			_, err := c.ExportAudit(ctx, admin.System(), admin.AuditQuery{Kind: "2fa.reset", From: month()}, audit.NDJSON, func() io.Writer { return io.Discard })
			return err
		}},
		{"audit: export of 10 000 rows", func(ctx context.Context, c *console) error {
			at := c.at()
			span := time.Duration(float64(logged) * 10_000 / float64(c.accounts*eventsPerAccount))
			in := admin.AuditQuery{Since: at.Add(-span), Until: at}
			_, err := c.ExportAudit(ctx, admin.System(), in, audit.CSV, func() io.Writer { return io.Discard })
			return err
		}},
		mail("first page", func(*console) admin.DeliveryQuery { return admin.DeliveryQuery{} }),
		mail("failed", func(*console) admin.DeliveryQuery { return admin.DeliveryQuery{State: "failed"} }),
		mail("address", func(c *console) admin.DeliveryQuery { return admin.DeliveryQuery{Who: c.login() + "-2fa@"} }),
		mail("one account", func(c *console) admin.DeliveryQuery { return admin.DeliveryQuery{Account: c.id()} }),
		{"dashboard", func(ctx context.Context, c *console) error {
			_, err := c.Dashboard(ctx, admin.System())
			return err
		}},
		{"roll-out: preview", func(ctx context.Context, c *console) error {
			_, err := c.Rollout(ctx, admin.System(), admin.SurfaceStore)
			return err
		}},
		{"roll-out: list", func(ctx context.Context, c *console) error {
			_, err := c.ListConcerned(ctx, admin.System(), admin.SurfaceStore, c.login())
			return err
		}},
		{"dashboard, counted anew", func(ctx context.Context, c *console) error {
			c.late += 16 * time.Minute // so that numbers from before are too old to be shown
			_, err := c.Dashboard(ctx, admin.System())
			return err
		}},
	})
}

func fillPostgres(ctx context.Context, url string, accounts int) error {
	return runSQL(ctx, url, scaleSeed, "-v", "accounts="+strconv.Itoa(accounts), "-v", "events="+strconv.Itoa(accounts*eventsPerAccount),
		"-v", "messages="+strconv.Itoa(messages(accounts)))
}

// runSQL hands statements to psql.
func runSQL(ctx context.Context, url, statements string, options ...string) error {
	psql := exec.CommandContext(ctx, "psql", append([]string{"-q", "-v", "ON_ERROR_STOP=1", "-d", url}, options...)...)
	psql.Stdin = strings.NewReader(statements)
	if out, err := psql.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// fillSQLite does in many transactions, by the program's own statements, what the other does at once; nobody signed in and no message was
// sent.
func fillSQLite(ctx context.Context, db *store.DB, accounts int) error {
	const batch = 1000
	now := time.Now().UTC()
	ids := make([]store.AccountID, accounts+1)
	groups := make([]store.UserGroupID, accounts/perCustomer+1)
	err := inBatches(ctx, db, len(groups), batch, func(tx *store.Tx, i int) error { return fillCustomer(ctx, tx, now, groups, i) })
	if err != nil {
		return err
	}
	err = inBatches(ctx, db, accounts, batch, func(tx *store.Tx, i int) error { return fillAccount(ctx, tx, now, groups[(i+1)/perCustomer], ids, i+1) })
	if err != nil {
		return err
	}
	err = inBatches(ctx, db, messages(accounts), 10*batch, func(tx *store.Tx, n int) error { return fillMessage(ctx, tx, now, ids, n) })
	if err != nil {
		return err
	}
	events := accounts * eventsPerAccount
	return inBatches(ctx, db, events, 10*batch, func(tx *store.Tx, n int) error {
		return fillEvent(ctx, tx, now.Add(-time.Duration(events-n)*(logged/time.Duration(events))), ids, n)
	})
}

// inBatches does something so many times, some in one transaction.
func inBatches(ctx context.Context, db *store.DB, n, batch int, do func(tx *store.Tx, i int) error) error {
	for from := 0; from < n; from += batch {
		err := db.InTx(ctx, func(tx *store.Tx) error {
			for i := from; i < min(n, from+batch); i++ {
				if err := do(tx, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func fillCustomer(ctx context.Context, tx *store.Tx, now time.Time, groups []store.UserGroupID, i int) error {
	id, code, name := store.NewID[store.CustomerID](), fmt.Sprintf("C-%06d", i), fmt.Sprintf("株式会社見本%06d", i)
	groups[i] = store.NewID[store.UserGroupID]()
	if err := tx.InsertCustomer(ctx, store.InsertCustomerParams{ID: id, Code: code, Name: name, SearchKey: strings.ToLower(code) + " " + name, Now: now}); err != nil {
		return err
	}
	if err := tx.InsertUserGroup(ctx, store.InsertUserGroupParams{ID: groups[i], CustomerID: id, Name: "本社", Now: now}); err != nil {
		return err
	}
	if err := tx.SetCustomerIndexed(ctx, id); err != nil {
		return err
	}
	return fillTerms(ctx, tx, account.KindCustomer, string(id), account.Terms(code, name))
}

func fillAccount(ctx context.Context, tx *store.Tx, now time.Time, group store.UserGroupID, ids []store.AccountID, i int) error {
	id, login := store.NewID[store.AccountID](), fmt.Sprintf("user%07d", i)
	name := family(i) + " " + given(i)
	ids[i] = id
	if err := tx.InsertAccount(ctx, store.InsertAccountParams{
		ID: id, Kind: account.KindStore, LoginID: login, LoginKey: login, DisplayName: name, SearchKey: login, Role: account.RoleBuyer,
		UserGroupID: &group, RegisteredEmail: login + "@example.jp", TwoFactor: account.TwoFactorUse, Now: now,
	}); err != nil {
		return err
	}
	if err := tx.SetAccountIndexed(ctx, id); err != nil {
		return err
	}
	if i%2 == 0 {
		if err := tx.UpsertImportedFactor(ctx, store.UpsertImportedFactorParams{
			ID: store.NewID[store.FactorID](), AccountID: id, Kind: "email", Address: login + "-2fa@example.jp", Main: true, VerifiedAt: now, Now: now,
		}); err != nil {
			return err
		}
	}
	return fillTerms(ctx, tx, account.KindStore, string(id), account.Terms(login, name, login+"@example.jp"))
}

func fillMessage(ctx context.Context, tx *store.Tx, now time.Time, ids []store.AccountID, n int) error {
	i := n%(len(ids)-1) + 1
	return tx.EnqueueMessage(ctx, store.EnqueueMessageParams{
		ID: store.NewID[store.MessageID](), Channel: "email", Kind: "code", AccountID: &ids[i], Recipient: fmt.Sprintf("user%07d-2fa@example.jp", i),
		PayloadSealed: []byte{0}, Now: now, Deadline: now.Add(time.Hour),
	})
}

func fillTerms(ctx context.Context, tx *store.Tx, kind, id string, terms []string) error {
	for some := range slices.Chunk(terms, 8) {
		at := func(i int) string { return some[min(i, len(some)-1)] }
		if err := tx.InsertSearchTerms(ctx, store.InsertSearchTermsParams{
			Kind: kind, SubjectID: id, T1: at(0), T2: at(1), T3: at(2), T4: at(3), T5: at(4), T6: at(5), T7: at(6), T8: at(7),
		}); err != nil {
			return err
		}
	}
	return nil
}

func fillEvent(ctx context.Context, tx *store.Tx, at time.Time, ids []store.AccountID, n int) error {
	id, stream, seq := ids[n%(len(ids)-1)+1], "", int64(n/(len(ids)-1)+1)
	stream = string(id)
	e := store.InsertAuditEventParams{
		ID: store.NewID[store.EventID](), At: at, Type: string(audit.SignInPassword), Result: string(audit.Success), ActorKind: string(audit.ByAccount),
		ActorName: fmt.Sprintf("user%07d", n%(len(ids)-1)+1), AccountID: &id, ClientID: "store", ClientAddress: "192.0.2.7", UserAgent: "Mozilla/5.0",
		RequestID: strconv.Itoa(n / 3), Data: []byte("{}"), Stream: &stream, Seq: &seq, PrevHash: []byte(stream), Hash: []byte(stream),
	}
	switch r := n * 7919 % 1000; {
	case r < 400:
	case r < 730:
		e.Type = string(audit.SignInFactor)
	case r < 930:
		e.Type = string(audit.SignInComplete)
	case r < 970:
		e.Type = string(audit.CodeSend)
	case r < 980:
		e.Type, e.Result, e.ActorKind = string(audit.TokenRefuse), string(audit.Refused), string(audit.ByClient)
	case r < 990:
		e.Type, e.ActorKind = string(audit.FactorReset), string(audit.ByOperator)
	default:
		e.Type, e.ActorKind = string(audit.KeyCreate), string(audit.BySystem)
	}
	return tx.InsertAuditEvent(ctx, e)
}
