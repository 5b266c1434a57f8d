package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// importBatch is how many rows of a file share a transaction: enough that commits and round trips cost little, and so few that nobody
// beside waits.
const importBatch = 250

// maxImportRows bounds a file: eight bytes of memory are spent on each row, to find login IDs that stand there twice.
const maxImportRows = 5_000_000

// The states of a run.
const (
	importUploaded = "uploaded"
	importChecked  = "checked"
	importRunning  = "running"
	importDone     = "done"
	importStopped  = "stopped"
)

// What else can be wrong with a row: keys of sentences in the catalogue.
const (
	reasonNoCustomer    = "import.reason_no_customer"
	reasonEnforced      = "import.reason_enforced"
	reasonFrozen        = "import.reason_frozen"
	reasonNoRight       = "import.reason_no_right"
	reasonNobodyTold    = "import.reason_nobody_told"
	reasonSwitchKept    = "import.kept_switch"
	reasonPasswordKept  = "import.kept_password"
	reasonFactorsKept   = "import.kept_factors"
	reasonApprovalKept  = "import.kept_approval"
	reasonDisabledKept  = "import.kept_disabled"
	reasonOperatorKept  = "import.kept_operator"
	reasonImportRows    = "import.file_rows"
	reasonImportChanged = "import.file_changed"
)

// ErrImportTaken says that somebody else goes on with the same run.
var ErrImportTaken = errors.New("this import is run by somebody else")

// ImportOptions say how a file is read and what it may do.
type ImportOptions struct {
	Format account.Format
	// Encoding is [account.UTF8] or [account.ShiftJIS]; UTF-8 if empty.
	Encoding string
	// FileName is for the log and the list of runs.
	FileName string
	// Operators takes operators, who are refused otherwise.
	Operators bool
	// ReplaceFactors lets factors of the file take the place of those that people proved here.
	ReplaceFactors bool
	// DryRun finds out what would happen and changes nothing.
	DryRun bool
	// Finding hears what is to be said of rows, in their order, once what it says is true for good. Progress hears how far it is.
	Finding  func(account.Finding) error
	Progress func(ImportCounts)
}

// text is what of the options makes a run another one.
func (o ImportOptions) text() string {
	return fmt.Sprintf("%s %s operators=%t replace=%t", o.Format, o.Encoding, o.Operators, o.ReplaceFactors)
}

func (o ImportOptions) need() rights {
	if o.Operators {
		return mayManageCustomers | mayManageOperators
	}
	return mayManageCustomers
}

// ImportCounts counts the rows of a file.
type ImportCounts struct{ Total, Done, Created, Updated, Unchanged, Refused int64 }

// ImportResult is what became of an import.
type ImportResult struct {
	ImportCounts

	// Job is the run; empty for a dry run.
	Job store.ImportID
	// Resumed is how many rows were done already when it went on.
	Resumed int64
}

// Import takes over accounts from a file, which is read twice. A file that cannot be read to its end changes nothing: it fails with
// an [account.FileError]. Rows that cannot be taken are reported, and the others are taken, some hundred in a transaction. A run that
// was interrupted goes on where it stopped when the same file is given under the same options. Rows that were imported before are
// known as such, and change nothing.
func (s *Service) Import(ctx context.Context, actor Actor, file io.ReadSeeker, o ImportOptions) (ImportResult, error) {
	if o.Encoding == "" {
		o.Encoding = account.UTF8
	}
	actor, err := s.viewer(ctx, actor, o.need())
	if err != nil {
		return ImportResult{}, err
	}
	found, err := survey(file, o)
	if err != nil {
		return ImportResult{}, err
	}
	r := s.importRun(o, found)
	r.actor = actor
	if !o.DryRun {
		if err := r.begin(ctx, actor, found, importRunning); err != nil {
			return ImportResult{}, err
		}
	}
	if err := r.rows(ctx, file); err != nil {
		return ImportResult{ImportCounts: r.counts, Job: r.job, Resumed: r.resumed}, err
	}
	if !o.DryRun {
		err = r.end(ctx)
	}
	return ImportResult{ImportCounts: r.counts, Job: r.job, Resumed: r.resumed}, err
}

// surveyed is what a first look at a whole file finds.
type surveyed struct {
	hash []byte
	rows int64
	// seed and twice tell the login IDs that stand there more than once.
	seed  maphash.Seed
	twice map[uint64]bool
}

// key is what a row's account is recognised by in its file.
func (f surveyed) key(r account.Record) uint64 {
	key, _ := account.LoginKey(r.LoginID)
	kind := r.Kind
	if kind == "" {
		kind = account.KindStore
	}
	return maphash.String(f.seed, kind+"\x00"+key)
}

// survey reads a file to its end.
func survey(file io.ReadSeeker, o ImportOptions) (surveyed, error) {
	f := surveyed{seed: maphash.MakeSeed(), twice: map[uint64]bool{}}
	hash := sha256.New()
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return f, fmt.Errorf("read file: %w", err)
	}
	in, err := account.NewRecordReader(io.TeeReader(file, hash), o.Format, o.Encoding)
	if err != nil {
		return f, err
	}
	var keys []uint64
	for {
		record, bad, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return f, err
		}
		if f.rows++; f.rows > maxImportRows {
			return f, &account.FileError{Reason: reasonImportRows, Detail: fmt.Sprintf("the file has more than %d rows", maxImportRows)}
		}
		if len(bad) == 0 {
			keys = append(keys, f.key(record))
		}
	}
	slices.Sort(keys)
	for i := 1; i < len(keys); i++ {
		if keys[i] == keys[i-1] {
			f.twice[keys[i]] = true
		}
	}
	f.hash = hash.Sum(nil)
	return f, nil
}

// importRun is one import under way.
type importRun struct {
	*Service

	o       ImportOptions
	file    surveyed
	now     time.Time
	actor   Actor
	may     rights // of the actor, with each batch
	job     store.ImportID
	resumed int64
	counts  ImportCounts

	// seen has the login IDs, of those that stand there twice, that came by already.
	seen map[uint64]bool
	// places are user groups that are known to be there, under customer code and name.
	places map[string]importPlace
	// customers are those of the batch that are there, or are made with it, by code.
	customers map[string]store.Customer
	// planned are customers that a row has a name for: those that a dry run would have made, or this batch makes.
	planned map[string]bool
}

type importPlace struct {
	group    store.UserGroupID
	customer string
}

func (s *Service) importRun(o ImportOptions, f surveyed) *importRun {
	return &importRun{
		Service: s, o: o, file: f, counts: ImportCounts{Total: f.rows}, seen: map[uint64]bool{}, places: map[string]importPlace{},
		planned: map[string]bool{}, customers: map[string]store.Customer{},
	}
}

// begin finds the run of the same file that was interrupted, or makes a new one.
func (r *importRun) begin(ctx context.Context, actor Actor, f surveyed, state string) error {
	r.actor = actor
	event := audit.Event{Type: audit.AccountImport, Reason: "begun", Target: r.o.FileName}
	_, err := r.act(ctx, actor, r.o.need(), event, func(w *work) error {
		id := string(actor.Account.ID)
		w.event.Data = map[string]string{"sha256": hex.EncodeToString(f.hash), "options": r.o.text(), "rows": strconv.FormatInt(f.rows, 10)}
		former, err := w.tx.GetOpenImportJob(ctx, store.GetOpenImportJobParams{FileHash: f.hash, Options: r.o.text(), ActorID: id})
		switch {
		case err == nil:
			r.job, r.resumed = former.ID, former.RowsDone
			r.counts.Created, r.counts.Updated, r.counts.Unchanged, r.counts.Refused = former.Created, former.Updated, former.Unchanged, former.Refused
			w.event.Reason = "resumed"
			w.event.Data["done"] = strconv.FormatInt(former.RowsDone, 10)
		case errors.Is(err, store.ErrNotFound):
			r.job = store.NewID[store.ImportID]()
			if err := w.tx.InsertImportJob(ctx, store.InsertImportJobParams{
				ID: r.job, FileHash: f.hash, FileName: r.o.FileName, Options: r.o.text(), State: state, ActorID: id, RowsTotal: f.rows, Now: w.now,
			}); err != nil {
				return fmt.Errorf("insert import: %w", err)
			}
		default:
			return fmt.Errorf("find import: %w", err)
		}
		w.event.Data["import"] = string(r.job)
		return nil
	})
	return err
}

// rows reads the file and takes its rows over, batch by batch.
func (r *importRun) rows(ctx context.Context, file io.ReadSeeker) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read file: %w", err)
	}
	in, err := account.NewRecordReader(file, r.o.Format, r.o.Encoding)
	if err != nil {
		return err
	}
	batch := make([]importRow, 0, importBatch)
	for ended := false; !ended; {
		record, bad, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			ended = true
		case err != nil:
			return err
		default:
			row := importRow{record: record, refused: bad}
			if len(bad) == 0 {
				if key := r.file.key(record); r.file.twice[key] {
					if r.seen[key] {
						row.refused = []account.Finding{record.Finding(account.ColumnLoginID, account.ReasonAgain)}
					}
					r.seen[key] = true
				}
			}
			if r.counts.Done++; r.counts.Done > r.resumed {
				batch = append(batch, row)
			}
		}
		if len(batch) == importBatch || ended && len(batch) > 0 {
			if err := r.batch(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if r.counts.Done != r.counts.Total {
		return &account.FileError{Reason: reasonImportChanged, Detail: "the file was changed while it was read"}
	}
	return nil
}

// importRow is one row of a file on its way.
type importRow struct {
	record  account.Record
	in      account.ImportedAccount
	two     imported
	target  *store.GetImportTargetRow // the account of its login ID; nil for none
	refused []account.Finding
	notes   []account.Finding
}

// batch checks rows and takes them over in one transaction, which is tried again if others came between.
func (r *importRun) batch(ctx context.Context, rows []importRow) error {
	for i := range rows {
		if len(rows[i].refused) == 0 {
			r.check(&rows[i])
		}
		if len(rows[i].refused) == 0 {
			if err := r.hash(ctx, &rows[i]); err != nil {
				return err
			}
		}
	}
	var after ImportCounts
	var err error
	for range 3 {
		if after, err = r.take(ctx, rows); !errors.Is(err, store.ErrConflict) {
			break
		}
		clear(r.places) // those that were made went with the transaction
	}
	if err != nil {
		clear(r.places)
		return err
	}
	r.counts = after
	for _, row := range rows {
		for _, f := range append(row.refused, row.notes...) {
			if r.o.Finding == nil {
				break
			}
			if err := r.o.Finding(f); err != nil {
				return err
			}
		}
	}
	if r.o.Progress != nil {
		r.o.Progress(r.counts)
	}
	return ctx.Err()
}

// take plans rows and, unless it is a dry run, carries the plans out.
func (r *importRun) take(ctx context.Context, rows []importRow) (ImportCounts, error) {
	r.now = r.Service.now()
	if r.o.DryRun {
		q := r.db.Read()
		if err := r.allowed(ctx, q); err != nil {
			return r.counts, err
		}
		return r.each(ctx, q, nil, rows)
	}
	var after ImportCounts
	err := r.db.InTx(ctx, func(tx *store.Tx) error {
		if err := r.allowed(ctx, tx.Queries); err != nil {
			return err
		}
		var err error
		if after, err = r.each(ctx, tx.Queries, tx, rows); err != nil {
			return err
		}
		n, err := tx.AdvanceImportJob(ctx, store.AdvanceImportJobParams{
			ID: r.job, RowsDone: after.Done, Created: after.Created, Updated: after.Updated, Unchanged: after.Unchanged, Refused: after.Refused,
			Now: r.now, Former: after.Done - int64(len(rows)),
		})
		if err == nil && n == 0 {
			err = ErrImportTaken
		}
		return err
	})
	return after, err
}

// allowed finds out what who began the run may do, and whether they may go on. They may have signed out meanwhile, but must be who they were.
func (r *importRun) allowed(ctx context.Context, q *store.Queries) (err error) {
	switch {
	case r.actor.system:
		r.may = everything
	case r.actor.client != nil:
		r.may, err = r.clientRights(ctx, q)
	default:
		r.may, err = r.operatorRights(ctx, q)
	}
	if err == nil && !r.may.has(r.o.need()) {
		err = ErrForbidden
	}
	return err
}

func (r *importRun) operatorRights(ctx context.Context, q *store.Queries) (rights, error) {
	acc, err := q.GetAccount(ctx, r.actor.Account.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && acc.DisabledAt != nil {
		return 0, ErrActorGone
	}
	if err != nil {
		return 0, fmt.Errorf("load actor: %w", err)
	}
	roles, err := readRoles(ctx, q)
	if err != nil {
		return 0, err
	}
	return roles.rights(acc.Role), nil
}

// clientRights are those of the token that a client began with: it ran out long ago, but the client's registration must still say so.
func (r *importRun) clientRights(ctx context.Context, q *store.Queries) (rights, error) {
	row, err := q.GetClient(ctx, r.actor.client.id)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.DisabledAt != nil {
		return 0, ErrActorGone
	}
	if err != nil {
		return 0, fmt.Errorf("load client: %w", err)
	}
	var scopes []string
	if err := json.Unmarshal(row.Scopes, &scopes); err != nil {
		return 0, fmt.Errorf("read scopes of client %q: %w", row.ID, err)
	}
	now := *r.actor.client
	now.scopes = slices.DeleteFunc(slices.Clone(now.scopes), func(s string) bool { return !slices.Contains(scopes, s) })
	return now.rights(), nil
}

// each plans each row, and carries it out in tx if there is one.
func (r *importRun) each(ctx context.Context, q *store.Queries, tx *store.Tx, rows []importRow) (ImportCounts, error) {
	after := r.counts
	enforced, err := r.enforcement(ctx, q, tx, rows)
	if err != nil {
		return after, err
	}
	if tx != nil {
		clear(r.planned) // what was planned before is there by now, or went with its transaction
	}
	if err := lookUp(ctx, q, tx, rows); err != nil {
		return after, err
	}
	if err := r.lookUpPlaces(ctx, q, tx, rows); err != nil {
		return after, err
	}
	var todo []importStep
	for i := range rows {
		row := &rows[i]
		if len(row.refused) > 0 {
			after.Refused++
			continue
		}
		p, err := r.plan(ctx, q, tx, row, enforced)
		if err != nil {
			return after, err
		}
		row.notes = p.notes
		switch {
		case len(p.refused) > 0:
			row.notes = p.refused
			after.Refused++
			continue
		case p.create:
			after.Created++
		case p.changes():
			after.Updated++
		default:
			after.Unchanged++
			continue
		}
		if row.in.Customer.Name != "" {
			r.planned[row.in.Customer.Code] = true
		}
		todo = append(todo, importStep{row: row, plan: p})
	}
	if tx == nil {
		return after, nil
	}
	return after, r.carryOut(ctx, tx, todo)
}

// importStep is a row whose plan is to be carried out; event is the audit row about that.
type importStep struct {
	row   *importRow
	plan  rowPlan
	event audit.Event
}

// carryOut does what rows plan: first the places of all, then what changes, then all that is new at once.
func (r *importRun) carryOut(ctx context.Context, tx *store.Tx, todo []importStep) error {
	if err := r.makePlaces(ctx, tx, todo); err != nil {
		return err
	}
	var create []func(tx *store.Tx) error
	for i := range todo {
		step := &todo[i]
		made, event, err := r.apply(ctx, tx, step.row, step.plan)
		if err != nil {
			return fmt.Errorf("import line %d: %w", step.row.record.Line, err)
		}
		if made != nil {
			create = append(create, made)
		}
		step.event = event
	}
	if err := tx.Pipeline(ctx, create...); err != nil {
		return fmt.Errorf("create accounts: %w", err)
	}
	for _, step := range todo {
		if err := r.audit(ctx, tx, step.row, step.event); err != nil {
			return err
		}
	}
	return nil
}

// allAtOnce runs steps that each read in one statement: in a transaction in one round trip, in a dry run one after the other.
func allAtOnce(ctx context.Context, q *store.Queries, tx *store.Tx, steps []func(tx *store.Tx) error) error {
	if tx != nil {
		return tx.Pipeline(ctx, steps...)
	}
	reading := &store.Tx{Queries: q}
	for _, step := range steps {
		if err := step(reading); err != nil {
			return err
		}
	}
	return nil
}

// lookUp finds the accounts of rows, in a transaction all at once.
func lookUp(ctx context.Context, q *store.Queries, tx *store.Tx, rows []importRow) error {
	var steps []func(tx *store.Tx) error
	for i := range rows {
		row := &rows[i]
		if row.target = nil; len(row.refused) > 0 {
			continue
		}
		steps = append(steps, func(tx *store.Tx) error {
			target, err := tx.GetImportTarget(ctx, store.GetImportTargetParams{Kind: row.in.Kind, LoginKey: row.in.LoginKey})
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("look up account: %w", err)
			}
			row.target = &target
			return nil
		})
	}
	return allAtOnce(ctx, q, tx, steps)
}

// enforcement reads, for the kinds of account that rows want to be without a second factor, whether they may. It stays so until
// the transaction ends (M11, I16).
func (r *importRun) enforcement(ctx context.Context, q *store.Queries, tx *store.Tx, rows []importRow) (map[string]bool, error) {
	enforced := map[string]bool{}
	for _, row := range rows {
		if _, known := enforced[row.in.Kind]; known || len(row.refused) > 0 || row.in.TwoFactor != account.TwoFactorDont {
			continue
		}
		read := q.GetSurface
		if tx != nil {
			read = q.HoldSurface
		}
		surface, err := read(ctx, signin.SurfaceOf(row.in.Kind))
		if err != nil {
			return nil, fmt.Errorf("hold surface: %w", err)
		}
		enforced[row.in.Kind] = surface.Enforced
	}
	return enforced, nil
}

// end closes a run and says in the log what it did.
func (r *importRun) end(ctx context.Context) error {
	now := r.Service.now()
	return r.db.InTx(ctx, func(tx *store.Tx) error {
		n, err := tx.EndImportJob(ctx, store.EndImportJobParams{ID: r.job, State: importDone, Now: now, Former: importRunning})
		if err != nil {
			return fmt.Errorf("end import: %w", err)
		}
		if n == 0 {
			return ErrImportTaken
		}
		c := r.counts
		data := map[string]string{"import": string(r.job)}
		for name, count := range map[string]int64{"created": c.Created, "updated": c.Updated, "unchanged": c.Unchanged, "refused": c.Refused} {
			data[name] = strconv.FormatInt(count, 10)
		}
		return audit.Write(ctx, tx, now, audit.Event{
			Type: audit.AccountImport, Result: audit.Success, Reason: "done", Actor: r.actor.audit(), Target: r.o.FileName, Data: data,
		})
	})
}

// placeKey is what a user group is remembered by.
func placeKey(in account.ImportedAccount) string {
	return strings.Join([]string{in.Customer.Code, in.Group}, "\x00")
}
