package admin

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// I15, I19: where a reset leaves an account that needs a ticket, a program has the ticket in its answer, and nobody finds it later.
func TestI19_AProgramHasATicketInItsAnswerAlone(t *testing.T) {
	both(t, func(t *testing.T, p *program) {
		p.enrol(p.tanaka)
		_, err := p.SetEnforcement(t.Context(), System(), []EnforcementChange{{Surface: SurfaceStore, Reenrol: store.ReenrolByTicket}})
		must(t, err)
		path := "/accounts/" + string(p.tanaka) + "/two-factor"
		var reset struct {
			ResetID string `json:"reset_id"`
			Ticket  struct{ Code, Handover string }
		}
		decodeInto(t, p.send(http.MethodPost, path+"/reset", `{"reason":"r","identity_checked":true}`), &reset)
		if code, err := mfa.NormalizeTicket(reset.Ticket.Code); err != nil || len(code) != 8 || reset.Ticket.Handover != "staff" {
			t.Errorf("reset: %+v", reset)
		}
		w := p.send(http.MethodPost, path+"/ticket", `{"handover":"staff"}`, headerKey, "k")
		var ticket struct{ Code string }
		decodeInto(t, w, &ticket)
		if ticket.Code == "" || ticket.Code == reset.Ticket.Code {
			t.Errorf("ticket: %s", w.Body)
		}
		if again := p.send(http.MethodPost, path+"/ticket", `{"handover":"staff"}`, headerKey, "k"); again.Body.String() != w.Body.String() {
			t.Errorf("the same request again: %s", again.Body)
		}
		row, err := p.db.Read().GetReenrolTicket(t.Context(), p.tanaka)
		must(t, err)
		if len(row.CodeSealed) > 0 {
			t.Error("the ticket is kept so that it can be read")
		}
		if body := p.send(http.MethodGet, "/resets/"+reset.ResetID, "").Body.String(); strings.Contains(body, ticket.Code) || strings.Contains(body, reset.Ticket.Code) {
			t.Errorf("the report has a ticket: %s", body)
		}
		// A ticket of the command line is nobody's to read either.
		_, err = p.IssueTicket(t.Context(), System(), p.tanaka, mfa.HandoverStaff)
		must(t, err)
		for _, viewer := range []Actor{System(), p.actor(p.root)} {
			if s, err := p.TicketStatus(t.Context(), viewer, p.status(p.tanaka)); err != nil || !s.Live || s.Code != "" {
				t.Errorf("%+v, %v", s, err)
			}
		}
		all := p.send(http.MethodPost, "/customers/"+string(p.customer)+"/two-factor/reset",
			`{"reason":"r","identity_checked":true,"seen":"`+p.clock.now().Format(time.RFC3339Nano)+`"}`)
		if all.Code != http.StatusOK || strings.Count(all.Body.String(), `"code":`) != 1 { // suzuki had nothing set up
			t.Errorf("all of the customer: %d %s", all.Code, all.Body)
		}
		mailed := p.send(http.MethodPost, path+"/ticket", `{"handover":"mail"}`)
		if mailed.Code != http.StatusOK || strings.Contains(mailed.Body.String(), `"code"`) {
			t.Errorf("mailed: %d %s", mailed.Code, mailed.Body)
		}
	})
}

// What stops staff in the console stops programs, and says what it is.
func TestAPISaysWhatStandsAgainstAnAct(t *testing.T) {
	p := ready(t)
	account := func(id string) string { return "/accounts/" + id + "/two-factor" }
	reason := `"reason":"r","identity_checked":true}`
	p.send(http.MethodPost, account(p.stock.spare)+"/reset", "{"+reason).is(t, "frozen", codeFrozen)
	p.send(http.MethodPost, account(string(p.suzuki))+"/pass", `{"minutes":15,`+reason).is(t, "nothing set up", codeNotDemanded)
	p.send(http.MethodPost, account(string(p.chief))+"/pass", `{"minutes":15,`+reason).is(t, "an operator", codeForbidden)
	p.send(http.MethodPost, account(string(p.tanaka))+"/ticket", `{"handover":"staff"}`).is(t, "no ticket needed", codeNoTicket)
	p.send(http.MethodPost, account(string(p.tanaka))+"/exemption", `{"hours":1,`+reason).is(t, "exempt", "")
	p.send(http.MethodPost, account(string(p.tanaka))+"/exemption", `{"hours":1,`+reason).is(t, "exempt again", codeExempt)
	p.send(http.MethodDelete, "/customers/"+string(p.customer), "").is(t, "customer with groups", codeNotEmpty)
	p.send(http.MethodDelete, "/roles/administrator", "").is(t, "standing role", codeForbidden)
	p.send(http.MethodPost, "/accounts/"+string(p.tanaka)+"/delete", `{"login_id":"suzuki"}`).is(t, "another login ID", codeInvalid, "login_id typed_wrong")
	p.send(http.MethodPost, "/surfaces/store/announcement", `{"on":"yesterday"}`).is(t, "no day", codeInvalid, "on announce_date")
	for range DefaultLimits().Unmask.Hour {
		p.send(http.MethodPost, "/accounts/"+string(p.tanaka)+"/unmask", `{"field":"registered"}`).is(t, "unmask", "")
	}
	w := p.send(http.MethodPost, "/accounts/"+string(p.tanaka)+"/unmask", `{"field":"registered"}`)
	w.is(t, "too often", codeTooMany)
	if after, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || after < 60 {
		t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
	}
}

// A client may be given one address at a time instead of all of them.
func TestAPIUnmasksOneAddress(t *testing.T) {
	p := ready(t)
	p.client("program", scopeAccountsRead, scopeUnmask)
	path := "/accounts/" + string(p.tanaka)
	if body := p.send(http.MethodGet, path, "").Body.String(); strings.Contains(body, "tanaka@example.jp") {
		t.Errorf("masked: %s", body)
	}
	if w := p.send(http.MethodPost, path+"/unmask", `{"field":"email"}`); w.Body.String() != `{"address":"tanaka-2fa@example.jp"}` {
		t.Errorf("unmasked: %s", w.Body)
	}
	if rows := p.events(audit.AddressUnmask); len(rows) != 1 || rows[0].ActorID != "program" {
		t.Errorf("audited as %+v", rows)
	}
	p.send(http.MethodPost, path+"/unmask", `{"field":"sms"}`).is(t, "a field that is not there", codeNotFound)
}

// An answer tells more than its row's version does: whoever holds an ETag is told when anything of it changed.
func TestAPIETagIsOfTheWholeAnswer(t *testing.T) {
	p := newProgram(t, storetest.SQLite(t), 1000)
	p.client("program", scopeAccountsRead)
	path := "/accounts/" + string(p.tanaka)
	tag := func() string { return p.send(http.MethodGet, path+"/two-factor", "").Header().Get("ETag") }
	before := tag()
	p.enforce(SurfaceStore, true)
	if tag() == before {
		t.Error("the surface's enforcement is in the answer, and not in its ETag")
	}
	masked := p.send(http.MethodGet, path, "").Header().Get("ETag")
	p.client("program", scopeAccountsRead, scopeAddresses)
	if w := p.send(http.MethodGet, path, "", headerNoneMatch, masked); w.Code != http.StatusOK {
		t.Errorf("who sees more is told they have it already: %d", w.Code)
	}
	// A change is about the row: whatever the rest of the answer says.
	p.client("program", scopeAccountsRead, scopeAccountsWrite)
	w := p.send(http.MethodPut, path, `{"name":"n","email":"tanaka@example.jp","role":"buyer"}`, headerMatch, masked)
	w.is(t, "the version of a masked answer", "")
}

// A file is checked, waits, and is taken over; what was done is the client's, as long as its registration lets it.
func TestAPIImportIsTheClients(t *testing.T) {
	both(t, func(t *testing.T, p *program) {
		rows := "customer_code,user_group,login_id,display_name,registered_email\nC-100248,本社,yamada,山田,yamada@example.jp\nC-100248,本社,,x,x@example.jp\n"
		var run struct {
			ID, State                string
			Created, Refused, Total  int
			FileName                 string     `json:"file_name"`
			FinishedAt               *time.Time `json:"finished_at"`
			Findings, Done, Unchange int
		}
		get := func() { decodeInto(t, p.send(http.MethodGet, "/imports/"+run.ID, ""), &run) }
		upload := func() {
			t.Helper()
			w := p.send(http.MethodPost, "/imports?file_name=people", rows, "Content-Type", "text/csv; charset=utf-8")
			decodeInto(t, w, &run)
			if w.Code != http.StatusCreated || run.State != "checking" || run.FileName != "people.csv" {
				t.Fatalf("uploaded: %s", w.Body)
			}
			p.WorkImports(t.Context())
			get()
		}
		upload()
		if run.State != "checked" || run.Created != 1 || run.Refused != 1 || run.Total != 2 {
			t.Fatalf("checked: %+v", run)
		}
		var found struct {
			Items []struct {
				Line    int
				Refused bool
				Reason  string
			}
		}
		decodeInto(t, p.send(http.MethodGet, "/imports/"+run.ID+"/findings", ""), &found)
		if len(found.Items) == 0 || found.Items[0].Line != 3 || !found.Items[0].Refused || !strings.HasPrefix(found.Items[0].Reason, "error.") {
			t.Errorf("findings: %+v", found)
		}
		if w := p.send(http.MethodPost, "/imports/"+run.ID+"/start", ""); w.Code != http.StatusOK {
			t.Errorf("start: %s", w.Body)
		}
		p.WorkImports(t.Context())
		if get(); run.State != "done" || run.FinishedAt == nil {
			t.Errorf("done: %+v", run)
		}
		events := p.events("account.create")
		if last := events[len(events)-1]; last.ActorKind != "client" || last.ActorID != "program" {
			t.Errorf("audited as %+v", last)
		}

		upload()
		p.send(http.MethodPost, "/imports/"+run.ID+"/start", "").is(t, "start", "")
		p.client("program", scopeCustomersRead) // its registration shrank
		p.WorkImports(t.Context())
		p.client("program", allScopes()...)
		if get(); run.State != "stopped" {
			t.Errorf("of a client that may no longer: %+v", run)
		}
	})
}

// What an export hands out, an import takes; and it is a file to whoever asks for it.
func TestAPIExportsAFile(t *testing.T) {
	p := ready(t)
	w := p.send(http.MethodPost, "/accounts/export", `{"format":"ndjson"}`)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != kindNDJSON || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment;") {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	first, _, _ := strings.Cut(w.Body.String(), "\n")
	var record map[string]any
	must(t, json.Unmarshal([]byte(first), &record))
	if strings.Contains(w.Body.String(), "argon2id") || strings.Contains(w.Body.String(), `"operator"`) {
		t.Errorf("more than was asked for: %s", w.Body)
	}
	p.send(http.MethodPost, "/audit-events/export", `{"format":"csv","from":"2026-13-01"}`).is(t, "no day", codeInvalid, "from format")
	p.send(http.MethodPost, "/audit-events/export", `{"format":"csv","account_id":"x"}`).is(t, "no account", codeNotFound)
}

// What takes a transaction for each account is done under one key as well, once.
func TestAPIManyActsUnderOneKey(t *testing.T) {
	both(t, func(t *testing.T, p *program) {
		path := "/customers/" + string(p.customer) + "/two-factor"
		for range 2 {
			w := p.send(http.MethodPost, path, `{"two_factor":"dont_use"}`, headerKey, "switch")
			if w.Code != http.StatusOK || w.Body.String() != `{"changed":2,"left":0}` {
				t.Errorf("switches: %d %s", w.Code, w.Body)
			}
		}
		body := `{"reason":"r","identity_checked":true,"seen":"` + p.clock.now().Format(time.RFC3339Nano) + `"}`
		first := p.send(http.MethodPost, path+"/reset", body, headerKey, "reset")
		if again := p.send(http.MethodPost, path+"/reset", body, headerKey, "reset"); again.Body.String() != first.Body.String() || first.member(t, "done") != "2" {
			t.Errorf("reset: %s, again %s", first.Body, again.Body)
		}
		if n := len(p.events(audit.FactorReset)); n != 2 {
			t.Errorf("%d resets", n)
		}
	})
}
