package admin

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

// fill writes n events about an account, three in each second.
func (w *world) fill(id store.AccountID, n int) {
	w.t.Helper()
	ctx := audit.WithOrigin(w.t.Context(), audit.Origin{Address: "192.0.2.7", RequestID: "req-fill"})
	must(w.t, w.db.InTx(ctx, func(tx *store.Tx) error {
		for i := range n {
			e := audit.Event{
				Type: audit.SignInFactor, Result: audit.Failure, Reason: fmt.Sprintf("=%d", i), Actor: audit.Actor{Kind: audit.ByAccount, ID: string(id), Name: "tanaka"},
				Account: id, ClientID: "store",
			}
			if err := audit.Write(ctx, tx, w.clock.now().Add(time.Duration(i/3)*time.Second), e); err != nil {
				return err
			}
		}
		return nil
	}))
}

// TestListAuditPagesByPlace walks through pages that begin where the former one ended: each row comes once, in whatever is written
// meanwhile.
func TestListAuditPagesByPlace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.fill(w.tanaka, 130)
		for name, in := range map[string]AuditQuery{
			"general": {Who: "tanaka"}, "account": {Account: w.tanaka}, "request": {Request: "req-fill"},
			"kind": {Kind: "signin"}, "type": {Kind: "signin.factor"}, "actor": {Actor: audit.ByAccount}, "actor of kind": {Kind: "signin", Actor: audit.ByAccount}, "result": {Result: "failure"},
		} {
			seen := map[store.EventID]bool{}
			for pages := 1; ; pages++ {
				p, err := w.ListAudit(t.Context(), w.actor(w.root), in)
				must(t, err)
				for _, row := range p.Rows {
					if seen[row.AuditEvent.ID] {
						t.Errorf("%s: row %s came twice", name, row.AuditEvent.ID)
					}
					seen[row.AuditEvent.ID] = true
				}
				if in.After = p.Next; p.Next.IsZero() {
					break
				}
				if pages > 5 || len(p.Rows) != pageSize || pages == 1 && p.Total < 130 && !p.Many {
					t.Fatalf("%s: page %d has %d rows, total %d", name, pages, len(p.Rows), p.Total)
				}
				w.fill(w.tanaka, 1) // newer than every page to come
			}
			if len(seen) < 130 {
				t.Errorf("%s: %d rows in all", name, len(seen))
			}
		}
	})
}

func TestExportAudit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.fill(w.tanaka, 2100) // more than two pages of an export
		var out bytes.Buffer
		in := AuditQuery{Account: w.tanaka, Kind: "signin"}
		n, err := w.ExportAudit(t.Context(), w.actor(w.root), in, audit.CSV, func() io.Writer { return &out })
		if err != nil || n != 2100 {
			t.Fatalf("%d rows, %v", n, err)
		}
		if report, err := audit.VerifyExport(t.Context(), w.db, nil, bytes.NewReader(out.Bytes())); err != nil || report.Rows != 2100 {
			t.Errorf("%+v, %v", report, err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		must(t, err)
		ids := map[string]bool{}
		for _, row := range rows[1 : len(rows)-1] {
			ids[row[15]] = true
		}
		if len(ids) != 2100 {
			t.Errorf("%d different rows", len(ids))
		}
		wrote := w.events(audit.LogExport)
		if len(wrote) != 1 || wrote[0].ActorName != "root" || !strings.Contains(string(wrote[0].Data), string(w.tanaka)) || !strings.Contains(string(wrote[0].Data), "csv") {
			t.Errorf("the export left %+v", wrote)
		}
		// Nothing leaves when it cannot be written down, and who may not export is told nothing.
		opened := false
		_, err = w.ExportAudit(t.Context(), w.actor(w.desk), in, audit.CSV, func() io.Writer { opened = true; return io.Discard })
		if err == nil || opened {
			t.Errorf("the desk exported: %v, %v", err, opened)
		}
		if wrote = w.events(audit.LogExport); len(wrote) != 2 || wrote[1].Result != "refused" {
			t.Errorf("the refusal left %+v", wrote)
		}
	})
}

func TestAuditPages(t *testing.T) {
	c := newConsole(t, root)
	c.fill(c.tanaka, 60)
	first := c.get("/admin/audit?q=tanaka&result=failure")
	c.wants(first, "50件以上", "次へ", "CSVで出力", "JSONで出力", "req-fill")
	next := regexp.MustCompile(`<a href="([^"]*)" rel="next"`).FindStringSubmatch(first)
	if next == nil {
		t.Fatal("there is no next page")
	}
	second := c.get(html.UnescapeString(next[1]))
	c.wants(second, "前へ", "=0")
	if strings.Contains(second, `rel="next"`) || strings.Contains(second, "=59") {
		t.Error("the second page is not the second")
	}
	c.wants(c.get("/admin/audit?request=req-fill&from="), "req-fill")
	c.wants(c.get("/admin/audit?account="+string(c.tanaka)), "1つのアカウント")
	c.wants(c.get("/admin/audit?client=nobody"), "該当する記録はありません")
	c.wants(c.get("/admin/audit?account=x&after=9.x&actor=%27&result=%27&request=x"), "該当する記録はありません", "サーバーのログをこの番号で検索してください。")

	form := url.Values{"format": {"ndjson"}, "q": {"tanaka"}, "result": {"failure"}}
	w := c.do(http.MethodPost, "/admin/audit/export", form)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/x-ndjson" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), `attachment; filename="audit-`) {
		t.Errorf("export: %d %v", w.Code, w.Header())
	}
	if report, err := audit.VerifyExport(t.Context(), c.db, nil, w.Body); err != nil || report.Rows != 60 {
		t.Errorf("%+v, %v", report, err)
	}
	if w := c.do(http.MethodPost, "/admin/audit/export", url.Values{"format": {"exe"}}); w.Code != http.StatusBadRequest {
		t.Errorf("unknown format: %d", w.Code)
	}
	desk := newConsole(t, desk)
	if strings.Contains(desk.get("/admin/audit"), "CSVで出力") {
		t.Error("the desk sees the button")
	}
	if w := desk.do(http.MethodPost, "/admin/audit/export", form); w.Code != http.StatusForbidden {
		t.Errorf("the desk's export: %d", w.Code)
	}
}

func TestActivityPage(t *testing.T) {
	c := newConsole(t, root)
	c.enrol(c.tanaka)
	_, err := c.ResetFactors(t.Context(), c.actor(c.root), c.tanaka, goodReason)
	must(t, err)
	now := c.clock.now()
	grant, first := store.NewID[store.GrantID](), store.NewID[store.TokenSetID]()
	must(t, c.db.InTx(t.Context(), func(tx *store.Tx) error {
		if err := tx.InsertClient(t.Context(), store.InsertClientParams{
			ID: "store", Name: "ストア", SurfaceID: "store", AuthMethod: "none", RedirectURIs: []byte(`[]`), PostLogoutRedirectURIs: []byte(`[]`),
			GrantTypes: []byte(`[]`), Scopes: []byte(`[]`), IDTokenAlg: "ES256", Now: now,
		}); err != nil {
			return err
		}
		if err := tx.InsertGrant(t.Context(), store.InsertGrantParams{
			ID: grant, ClientID: "store", AccountID: c.tanaka, SessionID: store.NewID[store.SessionID](), SurfaceID: "store", Scope: "openid offline_access", SecondFactor: true, CredentialEpoch: c.row(c.tanaka).CredentialEpoch,
			Evidence: []byte(`[]`), CodeHash: []byte("code"), CodeExpiresAt: now.Add(time.Minute), Now: now, ExpiresAt: now.Add(time.Hour),
		}); err != nil {
			return err
		}
		return nil
	}))
	_, err = c.db.RedeemCode(t.Context(), store.CodeRedemption{
		CodeHash: []byte("code"), ClientID: "store", Now: now, TokenSetID: first, AccessHash: []byte("a"), AccessExpiresAt: now.Add(time.Hour),
		Offline: true, RefreshHash: []byte("r"), RefreshExpiresAt: now.Add(time.Hour),
	})
	must(t, err)
	c.fill(c.tanaka, 60)
	path := "/admin/accounts/" + string(c.tanaka)
	c.wants(c.get(path), "利用状況", path+"/activity")
	page := c.get(path + "/activity")
	c.wants(page, "認証コードの入力に失敗しました", "次へ", "/admin/audit?account="+string(c.tanaka))
	next := regexp.MustCompile(`<a href="([^"]*)" rel="next"`).FindStringSubmatch(page)
	if next == nil {
		t.Fatal("there is no next page")
	}
	second := c.get(html.UnescapeString(next[1]))
	c.wants(second, "認証設定を初期化しました", "管理者：root", "初期化のお知らせを送信（メール）", "ストアがトークンを受け取りました", "前へ", "送信待ち")
	if n := strings.Count(page, "認証コードの入力に失敗しました") + strings.Count(second, "認証コードの入力に失敗しました"); n != 60 {
		t.Errorf("%d of 60 failures are shown", n)
	}
	if w := c.do(http.MethodGet, "/admin/accounts/"+store.NewID[string]()+"/activity", nil); w.Code != http.StatusNotFound {
		t.Errorf("a missing account: %d", w.Code)
	}
}
