package admin

import (
	"encoding/csv"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
	"github.com/futakagi/futakagi/web"
)

const (
	// shownFindings is how many findings a page shows; the file has them all.
	shownFindings = 100
	// uploadForm is room for what surrounds a file in a form.
	uploadForm = 64 << 10
	// importRefresh is after how many seconds the page of a run under way loads itself anew.
	importRefresh = "3"
)

// Uploads are the paths of console and API that take a file, and the most bytes of their bodies. A star is one part of a path.
func Uploads() map[string]int64 {
	return map[string]int64{
		templates.PathImport: MaxUpload + uploadForm, apiRoot + importsPath: MaxUpload + 1, templates.PathClients + "/*/logo": MaxLogo + uploadForm,
	}
}

func importURL(id store.ImportID) string { return templates.PathImport + "/" + string(id) }

// mountImport adds the routes of the import. A form with a file leaves no draft, so that the proof is asked for before it is shown
// as well as after.
func (h *Handler) mountImport(r chi.Router, get mountPage, form mountForm) {
	r.With(h.kit.Sessions.RequireFresh(freshFor)).Get(templates.PathImport, h.kit.Handle(h.getImport))
	r.Post(templates.PathImport, h.kit.Handle(h.postImport))
	form(templates.PathImport+"/{id}", h.getImportRun, h.postImportRun)
	get(templates.PathImport+"/{id}/report.csv", h.getImportReport)
}

func (h *Handler) showImport(w http.ResponseWriter, r *http.Request, status int, encoding, problem string) error {
	f := h.frame(w, r, templates.NavCustomers)
	v := templates.ImportView{
		Action: templates.PathImport, BackURL: templates.PathCustomers, Encoding: encoding, MaxMB: MaxUpload >> 20, Errors: map[string]string{},
	}
	if problem != "" {
		v.Errors["file"] = h.templates.T(f.Lang, problem)
	}
	return h.templates.Import.Render(w, status, f, v)
}

func (h *Handler) getImport(w http.ResponseWriter, r *http.Request) error {
	if !actorOf(r).rights().has(mayManageCustomers) {
		return answer(ErrForbidden)
	}
	return h.showImport(w, r, http.StatusOK, account.UTF8, "")
}

func (h *Handler) postImport(w http.ResponseWriter, r *http.Request) error {
	actor := actorOf(r)
	if !actor.rights().has(mayManageCustomers) {
		return answer(ErrForbidden)
	}
	parts, err := web.Upload(w, r)
	if err != nil {
		return err
	}
	encoding, file, err := uploadParts(parts)
	if err != nil {
		return web.BadRequest(err)
	}
	if file == nil {
		return h.showImport(w, r, http.StatusUnprocessableEntity, encoding, reasonUploadFormat)
	}
	id, err := h.service.Upload(r.Context(), actor, file.FileName(), encoding, file)
	if refused, ok := errors.AsType[*UploadError](err); ok {
		return h.showImport(w, r, http.StatusUnprocessableEntity, encoding, refused.Reason)
	}
	if err != nil {
		return answer(err)
	}
	return web.SeeOther(w, r, importURL(id))
}

// uploadParts reads a form up to its file, which comes last; nil if there is none.
func uploadParts(parts *multipart.Reader) (encoding string, file *multipart.Part, err error) {
	encoding = account.UTF8
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return encoding, nil, nil
		}
		if err != nil {
			return encoding, nil, err
		}
		switch part.FormName() {
		case "file":
			if part.FileName() == "" {
				return encoding, nil, nil
			}
			return encoding, part, nil
		case "encoding":
			const long = 20
			text, err := io.ReadAll(io.LimitReader(part, long))
			if err != nil {
				return encoding, nil, err
			}
			encoding = string(text)
		}
	}
}

func (h *Handler) getImportRun(w http.ResponseWriter, r *http.Request) error {
	run, err := h.service.ImportRun(r.Context(), actorOf(r), store.ImportID(chi.URLParam(r, "id")), shownFindings)
	if err != nil {
		return answer(err)
	}
	f := h.frame(w, r, templates.NavCustomers)
	v := templates.ImportRunView{
		State: run.State, FileName: run.FileName, URL: importURL(run.ID), Total: int(run.RowsTotal), Done: int(run.RowsDone), Created: int(run.Created),
		Updated: int(run.Updated), Unchanged: int(run.Unchanged), Refused: int(run.Refused),
		ReportURL: importURL(run.ID) + "/report.csv", More: int(run.Found) - len(run.Findings), BackURL: templates.PathCustomers, AgainURL: templates.PathImport,
	}
	switch run.State {
	case importUploading, importUploaded:
		v.State = templates.ImportChecking
	case importChecked:
		if run.Refused < run.RowsTotal {
			v.StartAction = importURL(run.ID)
		}
	case importStopped:
		v.Problem = h.templates.T(f.Lang, run.Reason)
	}
	if v.State == templates.ImportChecking || v.State == templates.ImportRunning {
		w.Header().Set("Refresh", importRefresh)
	}
	for _, found := range run.Findings {
		v.Findings = append(v.Findings, templates.ImportFinding{
			Line: int(found.Line), Column: found.Field, Value: ValueText(h.templates, f.Lang, found.ValueClass), Reason: h.findingText(f.Lang, found), Refused: found.Refused,
		})
	}
	return h.templates.ImportRun.Render(w, http.StatusOK, f, v)
}

// ValueText says what sort of value was found, as [account.ValueClass] has it.
func ValueText(pages *templates.Set, lang templates.Lang, class string) string {
	key, numbers, _ := strings.Cut(class, " ")
	if !strings.HasPrefix(key, "import.") {
		return class // as former versions wrote it
	}
	n, of, _ := strings.Cut(numbers, " ")
	return pages.T(lang, key, "n", n, "of", of)
}

// findingText is the sentence of a finding.
func (h *Handler) findingText(lang templates.Lang, f store.ImportFinding) string {
	if f.Reason == templates.MsgNameLong {
		return h.templates.T(lang, f.Reason, "max", account.MaxName)
	}
	text := h.templates.T(lang, f.Reason)
	if f.Detail != "" {
		text += " (" + f.Detail + ")"
	}
	return text
}

func (h *Handler) postImportRun(w http.ResponseWriter, r *http.Request) error {
	if err := web.Pressed(w, r); err != nil {
		return err
	}
	id := store.ImportID(chi.URLParam(r, "id"))
	// Who comes second sees what the first began.
	if _, err := h.service.StartImport(r.Context(), actorOf(r), id); err != nil {
		return answer(err)
	}
	return web.SeeOther(w, r, importURL(id))
}

// getImportReport hands the findings of a run out as a file.
func (h *Handler) getImportReport(w http.ResponseWriter, r *http.Request) error {
	run, err := h.service.ImportRun(r.Context(), actorOf(r), store.ImportID(chi.URLParam(r, "id")), maxFindings)
	if err != nil {
		return answer(err)
	}
	lang := web.Lang(r)
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="import-report.csv"`)
	out := csv.NewWriter(w)
	out.UseCRLF = true
	// Every word in it is ours, so that no cell can be a formula.
	rows := [][]string{{"line", "row", "column", "value", "reason"}}
	for _, f := range run.Findings {
		row := "taken"
		if f.Refused {
			row = "refused"
		}
		rows = append(rows, []string{strconv.FormatInt(f.Line, 10), row, f.Field, ValueText(h.templates, lang, f.ValueClass), h.findingText(lang, f)})
	}
	return out.WriteAll(rows)
}
