package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
)

// wakeImports tells the worker of this server that there is something to do.
func (s *Service) wakeImports() {
	select {
	case s.importWake <- struct{}{}:
	default: // it was told already
	}
}

// RunImports checks and carries out what was uploaded, until ctx ends. Every server runs one; each run is one's at a time, and
// another takes it over where it stopped if nothing is heard of it for half a minute.
func (s *Service) RunImports(ctx context.Context) {
	for ctx.Err() == nil {
		s.WorkImports(ctx)
		select {
		case <-ctx.Done():
		case <-s.importWake:
		case <-time.After(importPoll):
		}
	}
}

// WorkImports does what there is to do now. What fails is tried again by the next who finds it.
func (s *Service) WorkImports(ctx context.Context) {
	now := s.now()
	jobs, err := s.db.Read().ListImportWork(ctx, now.Add(-importStale))
	if err != nil {
		return // as long as the database is away, there is no work either
	}
	for _, job := range jobs {
		if s.claimImport(ctx, job) != nil {
			continue
		}
		err := s.workImport(ctx, job)
		if err == nil || ctx.Err() != nil || errors.Is(err, store.ErrUnavailable) || errors.Is(err, ErrImportTaken) {
			continue // it is done, or goes on later or elsewhere
		}
		_ = s.stopImport(ctx, job.ID, job.State, importReason(err)) // whoever finds it again tries again
	}
	_ = s.db.InTx(ctx, func(tx *store.Tx) error { // the next look finds what this one left
		if _, err := tx.ExpireImportJobs(ctx, store.ExpireImportJobsParams{Reason: reasonImportExpired, Now: &now, Before: now.Add(-importWait)}); err != nil {
			return err
		}
		_, err := tx.SweepImportChunks(ctx)
		return err
	})
}

func (s *Service) claimImport(ctx context.Context, job store.ImportJob) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		n, err := tx.ClaimImportJob(ctx, store.ClaimImportJobParams{ID: job.ID, State: job.State, Former: job.TouchedAt, Now: s.now()})
		return claimed(n, err)
	})
}

// importerClient and importerSystem spell who began a run that no operator began.
const (
	importerClient = "client:"
	importerSystem = "system"
)

// importer names the actor in the row of a run: a client with what its token may be used for, which is gone before the run is over.
func (a Actor) importer() string {
	switch {
	case a.system:
		return importerSystem
	case a.client != nil:
		return strings.Join(append([]string{importerClient + a.client.id}, a.client.scopes...), " ")
	}
	return string(a.Account.ID)
}

// importerOf is who began a run, for the audit rows of what it does.
func (s *Service) importerOf(ctx context.Context, job store.ImportJob) (Actor, error) {
	if job.ActorID == importerSystem {
		return System(), nil
	}
	if text, ok := strings.CutPrefix(job.ActorID, importerClient); ok {
		id, scopes, _ := strings.Cut(text, " ")
		row, err := s.db.Read().GetClient(ctx, id)
		if err != nil {
			return Actor{}, fmt.Errorf("load client: %w", err)
		}
		return Actor{client: &clientActor{id: row.ID, name: row.Name, scopes: strings.Fields(scopes)}}, nil
	}
	acc, err := s.db.Read().GetAccount(ctx, store.AccountID(job.ActorID))
	if err != nil {
		return Actor{}, fmt.Errorf("load actor: %w", err)
	}
	return Actor{Account: acc}, nil
}

// importReason is the sentence for an error that ended a run.
func importReason(err error) string {
	if broken, ok := errors.AsType[*account.FileError](err); ok {
		return broken.Reason
	}
	return reasonImportFailed
}

// workImport checks a file that was uploaded, or takes its rows over.
func (s *Service) workImport(ctx context.Context, job store.ImportJob) error {
	o, err := optionsOf(job)
	if err != nil {
		return err
	}
	actor, err := s.importerOf(ctx, job)
	if err != nil {
		return err
	}
	o.DryRun = job.State == importUploaded
	kept := int64(0)
	o.Finding = func(f account.Finding) error {
		if kept++; kept > maxFindings {
			return nil
		}
		return s.keepFinding(ctx, job.ID, kept, f)
	}
	touched := s.now()
	o.Progress = func(ImportCounts) {
		if now := s.now(); o.DryRun && now.Sub(touched) > importStale/3 {
			touched = now
			_ = s.db.InTx(ctx, func(tx *store.Tx) error { // who takes it over does the same again
				return tx.TouchImportJob(ctx, store.TouchImportJobParams{ID: job.ID, Now: now})
			})
		}
	}
	file := &uploaded{ctx: ctx, s: s, id: job.ID}
	found, err := survey(file, o)
	if broken, ok := errors.AsType[*account.FileError](err); ok && broken.Line > 0 {
		err = errors.Join(err, s.keepFinding(ctx, job.ID, 1, account.Finding{Line: broken.Line, Refused: true, Reason: broken.Reason}))
	}
	if err != nil {
		return err
	}
	r := s.importRun(o, found)
	r.actor, r.job = actor, job.ID
	if !o.DryRun {
		r.resumed = job.RowsDone
		r.counts.Created, r.counts.Updated, r.counts.Unchanged, r.counts.Refused = job.Created, job.Updated, job.Unchanged, job.Refused
		if job.RowsDone > 0 {
			if kept, err = s.db.Read().CountImportFindings(ctx, job.ID); err != nil {
				return fmt.Errorf("count findings: %w", err)
			}
		}
	}
	if err := r.rows(ctx, file); err != nil {
		return err
	}
	if !o.DryRun {
		return r.end(ctx)
	}
	c := r.counts
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		n, err := tx.FinishImportCheck(ctx, store.FinishImportCheckParams{
			ID: job.ID, RowsTotal: c.Total, Created: c.Created, Updated: c.Updated, Unchanged: c.Unchanged, Refused: c.Refused, Now: s.now(),
		})
		return claimed(n, err)
	})
}

func (s *Service) keepFinding(ctx context.Context, id store.ImportID, number int64, f account.Finding) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		return tx.UpsertImportFinding(ctx, store.UpsertImportFindingParams{
			JobID: id, Number: number, Line: int64(f.Line), Field: f.Column, Refused: f.Refused, Reason: f.Reason, Detail: f.Detail, ValueClass: f.ValueClass,
		})
	})
}

// optionsOf reads what [ImportOptions.text] wrote.
func optionsOf(job store.ImportJob) (ImportOptions, error) {
	format, rest, _ := strings.Cut(job.Options, " ")
	encoding, _, _ := strings.Cut(rest, " ")
	o := ImportOptions{Format: account.Format(format), Encoding: encoding, FileName: job.FileName}
	if o.text() != job.Options {
		return o, fmt.Errorf("import %s has options that are not the console's", job.ID)
	}
	return o, nil
}
