package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
)

const (
	// MaxUpload is the largest file that the console takes; the command line takes any.
	MaxUpload = 64 << 20
	// uploadChunk is how much of it a row holds.
	uploadChunk = 256 << 10
	// maxFindings is how many findings of a run are kept.
	maxFindings = 10_000
	// importStale is after how long without a word from whoever works on a run another takes it over.
	importStale = 30 * time.Second
	// importWait is how long a file waits for somebody to confirm it.
	importWait = 24 * time.Hour
	// importPoll is how often a server looks for runs that it was not told of.
	importPoll = 2 * time.Second
)

// importUploading is the state of a run whose file is not whole yet.
const importUploading = "uploading"

const (
	reasonUploadLarge   = "import.file_large"
	reasonUploadFormat  = "import.file_format"
	reasonImportExpired = "import.file_expired"
	reasonImportFailed  = "import.file_failed"
)

// An UploadError says why an uploaded file was not taken: a key of the catalogue.
type UploadError struct{ Reason string }

func (e *UploadError) Error() string { return "upload refused: " + e.Reason }

// Upload keeps a file for an import of the console, sealed and in pieces, so that any server can work on it, and begins to check
// it. It fails with an [UploadError].
func (s *Service) Upload(ctx context.Context, actor Actor, name, encoding string, file io.Reader) (store.ImportID, error) {
	o := ImportOptions{Format: account.FormatOf(name), Encoding: encoding, FileName: clip(name)}
	actor, err := s.viewer(ctx, actor, o.need())
	if err != nil {
		return "", err
	}
	switch {
	case s.imports.Box == nil:
		return "", errNoFactors
	case o.Format == "" || o.Encoding != account.UTF8 && o.Encoding != account.ShiftJIS:
		return "", &UploadError{Reason: reasonUploadFormat}
	}
	id := store.NewID[store.ImportID]()
	event := audit.Event{Type: audit.AccountImport, Reason: "uploaded", Target: o.FileName, Data: map[string]string{"import": string(id)}}
	_, err = s.act(ctx, actor, o.need(), event, func(w *work) error {
		w.event.Data = event.Data
		return w.tx.InsertImportJob(ctx, store.InsertImportJobParams{
			ID: id, FileHash: []byte{}, FileName: o.FileName, Options: o.text(), State: importUploading, ActorID: actor.importer(), Now: w.now,
		})
	})
	if err != nil {
		return "", err
	}
	hash, err := s.keepUpload(ctx, id, file)
	if err != nil {
		return "", errors.Join(err, s.stopImport(context.WithoutCancel(ctx), id, importUploading, reasonImportFailed))
	}
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		// As if nobody had worked on it for long: it is to be taken up at once.
		n, err := tx.FinishImportUpload(ctx, store.FinishImportUploadParams{ID: id, FileHash: hash, Now: s.now().Add(-importStale)})
		return claimed(n, err)
	})
	if err != nil {
		return "", err
	}
	s.wakeImports()
	return id, nil
}

// keepUpload writes a file into rows and returns its hash.
func (s *Service) keepUpload(ctx context.Context, id store.ImportID, file io.Reader) ([]byte, error) {
	hash := sha256.New()
	piece := make([]byte, uploadChunk)
	for number, size := int64(0), 0; ; number++ {
		n, err := io.ReadFull(file, piece)
		if size += n; size > MaxUpload {
			return nil, &UploadError{Reason: reasonUploadLarge}
		}
		if n > 0 {
			hash.Write(piece[:n])
			sealed, err := s.imports.Box.Seal(piece[:n], chunkPlace(id, number))
			if err != nil {
				return nil, fmt.Errorf("seal upload: %w", err)
			}
			if err := s.db.InTx(ctx, func(tx *store.Tx) error {
				return tx.InsertImportChunk(ctx, store.InsertImportChunkParams{JobID: id, Number: number, DataSealed: sealed})
			}); err != nil {
				return nil, fmt.Errorf("keep upload: %w", err)
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return hash.Sum(nil), nil
		case err != nil:
			return nil, fmt.Errorf("read upload: %w", err)
		}
	}
}

func chunkPlace(id store.ImportID, number int64) seal.Place {
	return seal.Place{Table: "import_chunks", Row: fmt.Sprintf("%s/%d", id, number)}
}

// uploaded reads a file that was uploaded.
type uploaded struct {
	ctx    context.Context
	s      *Service
	id     store.ImportID
	number int64
	piece  bytes.Reader
	ended  bool
}

func (u *uploaded) Read(p []byte) (int, error) {
	for u.piece.Len() == 0 {
		if u.ended {
			return 0, io.EOF
		}
		sealed, err := u.s.db.Read().GetImportChunk(u.ctx, store.GetImportChunkParams{JobID: u.id, Number: u.number})
		if errors.Is(err, store.ErrNotFound) {
			u.ended = true
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("load upload: %w", err)
		}
		plain, err := u.s.imports.Box.Open(sealed, chunkPlace(u.id, u.number))
		if err != nil {
			return 0, err
		}
		u.number++
		u.piece.Reset(plain)
	}
	return u.piece.Read(p)
}

// Seek goes back to the beginning, which is all that an import does.
func (u *uploaded) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekStart {
		return 0, errors.New("an upload is read from its beginning")
	}
	u.number, u.ended = 0, false
	u.piece.Reset(nil)
	return 0, nil
}

// ImportRun is a run of the console.
type ImportRun struct {
	store.ImportJob

	// Findings are the first of what is said of its rows; Found counts them all, as far as they are kept.
	Findings []store.ImportFinding
	Found    int64
}

// ImportRun returns a run with at most so many findings, or [store.ErrNotFound], also for an id that cannot exist and for runs of the
// command line.
func (s *Service) ImportRun(ctx context.Context, actor Actor, id store.ImportID, findings int) (ImportRun, error) {
	if err := s.view(ctx, actor, mayManageCustomers); err != nil {
		return ImportRun{}, err
	}
	if !store.ValidID(string(id)) {
		return ImportRun{}, store.ErrNotFound
	}
	q := s.db.Read()
	job, err := q.GetImportJob(ctx, id)
	if err != nil {
		return ImportRun{}, err
	}
	if job.ActorID == "" {
		return ImportRun{}, store.ErrNotFound
	}
	run := ImportRun{ImportJob: job}
	if run.Found, err = q.CountImportFindings(ctx, id); err != nil {
		return ImportRun{}, fmt.Errorf("count findings: %w", err)
	}
	run.Findings, err = q.ListImportFindings(ctx, store.ListImportFindingsParams{JobID: id, After: -1, PageSize: int32(findings)})
	if err != nil {
		return ImportRun{}, fmt.Errorf("list findings: %w", err)
	}
	return run, nil
}

// FindingsAfter returns what is said of the rows of a run, in their order, and whether there is more. It fails like [Service.ImportRun].
func (s *Service) FindingsAfter(ctx context.Context, actor Actor, span Span, id store.ImportID) ([]store.ImportFinding, bool, error) {
	if _, err := s.ImportRun(ctx, actor, id, 0); err != nil {
		return nil, false, err
	}
	after := int64(-1)
	if n, err := strconv.ParseInt(span.After, 10, 64); err == nil {
		after = n
	}
	rows, err := s.db.Read().ListImportFindings(ctx, store.ListImportFindingsParams{JobID: id, After: after, PageSize: span.rows()})
	return cut(span, rows, err, "findings")
}

// StartImport lets a run that was checked begin. One that was checked by what another may do is checked again first, so that nobody starts
// more than they were shown. It reports false if there is nothing to start any more, and fails with [store.ErrNotFound].
func (s *Service) StartImport(ctx context.Context, actor Actor, id store.ImportID) (bool, error) {
	started, err := s.act(ctx, actor, mayManageCustomers, audit.Event{Type: audit.AccountImport, Reason: "begun"}, func(w *work) error {
		if !store.ValidID(string(id)) {
			return store.ErrNotFound
		}
		job, err := w.tx.GetImportJob(ctx, id)
		if err != nil {
			return err
		}
		if job.ActorID == "" {
			return store.ErrNotFound
		}
		w.event.Target, w.event.Data = job.FileName, map[string]string{"import": string(id)}
		by, from := w.actor.importer(), w.now.Add(-importStale)
		var n int64
		if job.ActorID == by {
			n, err = w.tx.StartImportJob(ctx, store.StartImportJobParams{ID: id, ActorID: by, Now: from})
		} else {
			w.event.Reason = "checked"
			n, err = w.tx.RecheckImportJob(ctx, store.RecheckImportJobParams{ID: id, ActorID: by, Now: from})
		}
		if err != nil {
			return fmt.Errorf("start import: %w", err)
		}
		if n == 0 {
			return errUnchanged
		}
		if _, err := w.tx.DeleteImportFindings(ctx, id); err != nil {
			return fmt.Errorf("forget dry run: %w", err)
		}
		return nil
	})
	if err == nil {
		s.wakeImports()
	}
	return started, err
}

// stopImport ends a run that cannot go on.
func (s *Service) stopImport(ctx context.Context, id store.ImportID, former, reason string) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		_, err := tx.EndImportJob(ctx, store.EndImportJobParams{ID: id, State: importStopped, Reason: reason, Now: s.now(), Former: former})
		if err == nil {
			_, err = tx.DeleteImportChunks(ctx, id)
		}
		return err
	})
}

// clip bounds a file's name, which comes from a browser.
func clip(name string) string {
	name = strings.ToValidUTF8(name[strings.LastIndexAny(name, `/\`)+1:], "")
	const most = 100
	if r := []rune(name); len(r) > most {
		name = string(r[len(r)-most:]) // the end tells the format
	}
	return strings.ReplaceAll(name, "\x00", "")
}
