package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// upload posts a form with a file.
func (c *console) upload(name, encoding, text string) *httptest.ResponseRecorder {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	must(c.t, form.WriteField("encoding", encoding))
	if name != "" {
		part, err := form.CreateFormFile("file", name)
		must(c.t, err)
		_, err = part.Write([]byte(text))
		must(c.t, err)
	}
	must(c.t, form.Close())
	r := httptest.NewRequest(http.MethodPost, "/admin/customers/import", &body)
	r.Host = "id.example.jp"
	r.Header.Set("Accept-Language", "ja")
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for name, value := range c.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	c.mux.ServeHTTP(w, r)
	return w
}

// importJob makes a run that waits to be confirmed.
func (w *world) importJob() store.ImportID {
	w.t.Helper()
	id := store.NewID[store.ImportID]()
	w.tx(func(tx *store.Tx) error {
		return tx.InsertImportJob(w.t.Context(), store.InsertImportJobParams{
			ID: id, FileHash: []byte{}, FileName: "people.csv", State: importChecked, ActorID: string(w.root), RowsTotal: 1, Now: w.clock.now(),
		})
	})
	return id
}

// chunk is the first piece that is kept of an upload.
func (w *world) chunk(id store.ImportID) []byte {
	w.t.Helper()
	sealed, err := w.db.Read().GetImportChunk(w.t.Context(), store.GetImportChunkParams{JobID: id, Number: 0})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	must(w.t, err)
	return sealed
}

func TestUploadIsCheckedThenConfirmed(t *testing.T) {
	c := newConsole(t, root)
	c.wants(c.get("/admin/customers"), "インポート")
	c.wants(c.get("/admin/customers/import"), `enctype="multipart/form-data"`, "64 MB")
	w := c.upload(`C:\fakepath\people.csv`, account.UTF8, importHead+
		"C-1,見本,本社,moved.1,一郎,one@example.jp,"+horse+",,,,,,,,\n"+"C-1,,本社,mo ved,二郎,canary,,,,,,,,,\n")
	run := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(run, "/admin/customers/import/") {
		t.Fatalf("%d %s %s", w.Code, run, w.Body)
	}
	id := store.ImportID(run[strings.LastIndexByte(run, '/')+1:])
	if sealed := c.chunk(id); len(sealed) == 0 || bytes.Contains(sealed, []byte("moved.1")) {
		t.Error("I28: the file is not kept sealed")
	}
	first := c.do(http.MethodGet, run, nil)
	c.wants(first.Body.String(), "ファイルを確認しています", "people.csv")
	if strings.Contains(first.Body.String(), "fakepath") || first.Header().Get("Refresh") == "" {
		t.Error("the page shows a folder, or does not load itself anew")
	}
	c.WorkImports(t.Context())
	page := c.get(run)
	c.wants(page, "取り込み内容の確認", "login_id", "ログインIDは半角の英数字", "取り込む", "report.csv")
	if strings.Contains(page, "canary") || strings.Contains(page, "mo ved") {
		t.Error("I15: the page shows what stands in the file")
	}
	if _, err := c.db.Read().GetCustomerByCode(t.Context(), "C-1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the check changed something: %v", err)
	}
	// Nobody else's proof, and no old one, starts it.
	c.stale = true
	if location, _ := c.post(run); !strings.HasPrefix(location, "/signin/start") {
		t.Errorf("I13: an old proof leads to %s", location)
	}
	c.stale = false
	for range 2 { // a second press does no harm
		if location, _ := c.post(run); location != run {
			t.Errorf("it leads to %s", location)
		}
	}
	c.wants(c.get(run), "取り込んでいます", "2 行中 0 行")
	c.WorkImports(t.Context())
	c.wants(c.get(run), "取り込みが終わりました")
	c.byLogin("moved.1")
	if c.chunk(id) != nil {
		t.Error("the file is still kept")
	}
	report := c.get(run + "/report.csv")
	if want := "line,row,column,value,reason\r\n3,refused,login_id,6文字、半角英数字・記号,"; !strings.HasPrefix(report, want) || strings.Contains(report, "canary") {
		t.Errorf("report %s", report)
	}
	events, last := c.logged(audit.AccountImport)
	if events != 3 || last["created"] != "1" || last["refused"] != "1" {
		t.Errorf("%d rows: uploaded, begun, done; %v", events, last)
	}
	if location, _ := c.post(run); location != run {
		t.Errorf("it leads to %s", location)
	}
	if n, _ := c.logged(audit.AccountImport); n != events {
		t.Error("a run that is over was begun again")
	}
}

func TestUploadsThatAreNone(t *testing.T) {
	c := newConsole(t, root)
	for name, tt := range map[string]struct{ file, encoding, text, want string }{
		"no file":     {"", account.UTF8, "", "ファイルを選択してください"},
		"a picture":   {"people.png", account.UTF8, "x", "ファイルを選択してください"},
		"an encoding": {"people.csv", "latin1", "x", "ファイルを選択してください"},
	} {
		if w := c.upload(tt.file, tt.encoding, tt.text); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), tt.want) || !strings.Contains(w.Body.String(), "<title>エラー：") {
			t.Errorf("%s: %d %.400s", name, w.Code, w.Body)
		}
	}
	run := c.upload("people.csv", account.UTF8, importHead+`C-1,"`).Header().Get("Location")
	c.WorkImports(t.Context())
	c.wants(c.get(run), "取り込みを中止しました", "引用符が足りない", "何も変更していません")
	if location, _ := c.post(run); location != run {
		t.Errorf("it leads to %s", location)
	}
	c.wants(c.get(run), "取り込みを中止しました")
	// What nobody confirms goes.
	run = c.upload("people.csv", account.UTF8, importHead+"C-1,見本,本社,moved.1,一郎,one@example.jp,,,,,,,,,\n").Header().Get("Location")
	id := store.ImportID(run[strings.LastIndexByte(run, '/')+1:])
	c.WorkImports(t.Context())
	page := c.get(run)
	c.clock.pass(importWait + time.Minute)
	c.signIn(c.root)
	c.WorkImports(t.Context())
	if c.wants(page, "取り込む"); c.chunk(id) != nil {
		t.Error("the file is still kept")
	}
	c.wants(c.get(run), "24 時間が過ぎました")

	if w := c.do(http.MethodPost, "/admin/customers/import", nil); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("a form without a file: %d", w.Code)
	}
	c.stale = true
	if w := c.upload("people.csv", account.UTF8, importHead); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/signin/start") {
		t.Errorf("I13: %d %s", w.Code, w.Header().Get("Location"))
	}
}

func TestUploadNeedsTheRight(t *testing.T) {
	c := newConsole(t, root)
	run := c.upload("people.csv", account.UTF8, importHead+"C-1,見本,本社,moved.1,一郎,one@example.jp,,,,,,,,,\n").Header().Get("Location")
	c.WorkImports(t.Context())
	c.cookies = map[string]string{}
	c.signIn(c.desk)
	for _, path := range []string{"/admin/customers/import", run, run + "/report.csv"} {
		if w := c.do(http.MethodGet, path, nil); w.Code != http.StatusForbidden {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
	if w := c.upload("people.csv", account.UTF8, importHead); w.Code != http.StatusForbidden {
		t.Errorf("upload: %d", w.Code)
	}
	if w := c.do(http.MethodPost, run, nil); w.Code != http.StatusForbidden {
		t.Errorf("start: %d", w.Code)
	}
	if strings.Contains(c.get("/admin/customers"), "インポート") {
		t.Error("the support desk sees the button")
	}
	c.cookies = map[string]string{}
	c.signIn(c.root)
	for _, path := range []string{"/admin/customers/import/x", "/admin/customers/import/" + string(store.NewID[store.ImportID]())} {
		if w := c.do(http.MethodGet, path, nil); w.Code != http.StatusNotFound {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
	// Runs of the command line are not the console's.
	r := c.imported(importHead + "C-1,見本,本社,moved.2,一郎,one@example.jp,,,,,,,,,\n")
	if w := c.do(http.MethodGet, "/admin/customers/import/"+string(r.Job), nil); w.Code != http.StatusNotFound {
		t.Errorf("a run of the command line: %d", w.Code)
	}
}

// Whoever starts a run has seen what it does by their own rights: a file that was checked by those of another is checked again first.
func TestUploadIsCheckedByWhoStartsIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		const former = ",dont_use,email,a@example.jp,2025-09-03 10:00:00,,,,\n"
		head := importHead + "C-100248,,本社,moved,移行,moved@example.jp,"
		w.imported(head + horse + former)
		clerk := w.actor(w.operator("clerk", w.role("clerk", "view", "manage_customers")))
		id, err := w.Upload(t.Context(), clerk, "people.csv", account.UTF8, strings.NewReader(head+horseSalt+former))
		must(t, err)
		is := func(state string, updated, refused int64) {
			t.Helper()
			w.WorkImports(t.Context())
			if run, err := w.ImportRun(t.Context(), w.actor(w.root), id, 1); err != nil || run.State != state || run.Updated != updated || run.Refused != refused {
				t.Fatalf("%+v, %v", run.ImportJob, err)
			}
		}
		start := func(actor Actor) {
			t.Helper()
			if ok, err := w.StartImport(t.Context(), actor, id); err != nil || !ok {
				t.Fatal(ok, err)
			}
		}
		is(importChecked, 0, 1)
		start(w.actor(w.root))
		is(importChecked, 1, 0)
		if got := w.byLogin("moved"); got.PasswordHash != horse {
			t.Fatalf("changed before it was shown: %s", got.PasswordHash)
		}
		start(w.actor(w.root))
		is(importDone, 1, 0)
		if got := w.byLogin("moved"); got.PasswordHash != horseSalt {
			t.Errorf("not changed: %s", got.PasswordHash)
		}
	})
}

// A server that ends in the middle of a run leaves it to another, which goes on where it stopped.
func TestUploadGoesOnElsewhere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		var text strings.Builder
		text.WriteString(importHead)
		for i := range 6000 { // more than one piece
			if i < 250 {
				fmt.Fprintf(&text, "C-1,見本,本社,moved.%d,移行,a@example.jp,,,,,,,,,\n", i)
			} else {
				fmt.Fprintf(&text, "C-1,見本,本社,moved.%d,移行,nobody at all,,,,,,,,,\n", i%250)
			}
		}
		id, err := w.Upload(t.Context(), w.actor(w.root), "people.csv", account.UTF8, strings.NewReader(text.String()))
		must(t, err)
		w.WorkImports(t.Context())
		run, err := w.ImportRun(t.Context(), w.actor(w.root), id, 1)
		if err != nil || run.State != importChecked || run.Created != 250 || run.Refused != 5750 || run.Found < 5750 || len(run.Findings) != 1 {
			t.Fatalf("%+v, %v", run.ImportJob, err)
		}
		started, err := w.StartImport(t.Context(), w.actor(w.root), id)
		if err != nil || !started {
			t.Fatal(started, err)
		}
		ctx, stop := context.WithCancel(t.Context())
		job, err := w.db.Read().GetImportJob(ctx, id)
		must(t, err)
		must(t, w.claimImport(ctx, job))
		if err := w.claimImport(ctx, job); !errors.Is(err, ErrConflict) {
			t.Errorf("two work on one run: %v", err)
		}
		broken := *w.Service
		broken.clock = func() time.Time {
			if a, err := db.Read().GetAccountByLogin(t.Context(), store.GetAccountByLoginParams{Kind: account.KindStore, LoginKey: "moved.120"}); err == nil && a.ID != "" {
				stop()
			}
			return w.clock.now()
		}
		if err := broken.workImport(ctx, job); !errors.Is(err, context.Canceled) {
			t.Fatalf("err = %v", err)
		}
		w.WorkImports(t.Context())
		if run, err = w.ImportRun(t.Context(), w.actor(w.root), id, 1); err != nil || run.State != importRunning || run.RowsDone == 0 || run.RowsDone == run.RowsTotal {
			t.Fatalf("taken over at once: %+v, %v", run.ImportJob, err)
		}
		w.clock.pass(importStale)
		w.WorkImports(t.Context())
		if run, err = w.ImportRun(t.Context(), w.actor(w.root), id, 1); err != nil || run.State != importDone || run.Created != 250 || run.Refused != 5750 {
			t.Errorf("%+v, %v", run.ImportJob, err)
		}
		if n, last := w.logged(audit.AccountImport); n != 3 || last["created"] != "250" {
			t.Errorf("%d rows, %v", n, last)
		}
	})
}
