package admin

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/web"
)

// download is an answer that is no JSON: it is written while it is read, however long it is.
type download struct {
	// kind is its media type, name what a browser saves it as.
	kind, name string
	// write writes it. What goes wrong before the first byte is answered as a problem.
	write func(to io.Writer) error
}

// upload is the body of a request that is a file. It is read while it comes in.
type upload struct {
	io.Reader

	// format is that of a table; empty for any other file.
	format account.Format
}

// fileKinds are the media types of the files that go in and out.
func fileKinds() []string { return []string{kindCSV, kindNDJSON} }

const (
	kindCSV    = "text/csv"
	kindNDJSON = "application/x-ndjson"
)

// kindOf is the media type of a format.
func kindOf(f account.Format) string {
	if f == account.CSV {
		return kindCSV + "; charset=utf-8"
	}
	return kindNDJSON
}

// readUpload takes the body as it is, if its media type is one of a file.
func readUpload(c *call) (upload, error) {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil {
		return upload{}, problem(codeMediaType)
	}
	u := upload{Reader: c.r.Body}
	switch {
	case !slices.Contains(c.op.kinds, kind):
		return upload{}, problem(codeMediaType)
	case kind == kindCSV:
		u.format = account.CSV
	case kind == kindNDJSON:
		u.format = account.NDJSON
	}
	return u, web.LongBody(c.w)
}

// sendFile answers with a file. Once it has begun it can only be cut off, so that nobody takes it for the whole.
func sendFile(w http.ResponseWriter, f download) error {
	out := &begun{w: w, file: f}
	err := f.write(out)
	if err != nil && out.yes {
		panic(http.ErrAbortHandler)
	}
	if err == nil && !out.yes {
		out.begin() // it is empty
	}
	return err
}

// begun writes the headers of a file before its first byte.
type begun struct {
	w    http.ResponseWriter
	file download
	yes  bool
}

func (b *begun) begin() {
	b.yes = true
	// However long it is: the file ends when it ends. A limit that stays is no harm but to the longest.
	_ = http.NewResponseController(b.w).SetWriteDeadline(time.Time{})
	h := b.w.Header()
	h.Set("Content-Type", b.file.kind)
	h.Set("Content-Disposition", `attachment; filename="`+b.file.name+`"`)
	b.w.WriteHeader(http.StatusOK)
}

func (b *begun) Write(p []byte) (int, error) {
	if !b.yes {
		b.begin()
	}
	return b.w.Write(p)
}

// Save does an operation whose answer is a file on the database at hand, and writes the file. It fails as [Operations.Do] does.
func (o *Operations) Save(ctx context.Context, id string, in OperationInput, to io.Writer) error {
	result, err := o.do(ctx, id, in)
	if err != nil {
		return err
	}
	f, ok := result.(download)
	if !ok {
		return errors.New("the answer of " + id + " is no file")
	}
	return f.write(to)
}

// IsFile reports whether the answer of an operation is a file.
func (o *Operations) IsFile(id string) bool { return o.find(id).files }
