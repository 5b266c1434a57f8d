package admin

import (
	"errors"
	"net/http"
	"testing"

	"github.com/futakagi/futakagi/store"
)

// TestAPIProgramsAskAndDoNotDecide holds that a program gets along with a second operator, and is none itself.
func TestAPIProgramsAskAndDoNotDecide(t *testing.T) {
	p := ready(t)
	ctx := t.Context()
	p.guard(p.tanaka)
	account := "/accounts/" + string(p.tanaka)
	reset := func() said {
		return p.send(http.MethodPost, account+"/two-factor/reset", `{"reason":"lost phone","identity_checked":true}`)
	}
	reset().is(t, "alone", codeApproval)
	asked := p.send(http.MethodPost, account+"/approvals", `{"act":"reset","reason":"lost phone","identity_checked":true}`)
	id := store.ApprovalID(asked.member(t, "id"))
	if asked.Code != http.StatusCreated || asked.member(t, "state") != ApprovalWaiting || asked.member(t, "asked_by") != "program" {
		t.Fatalf("asked: %d %s", asked.Code, asked.Body)
	}
	p.send(http.MethodPost, "/accounts/"+string(p.person("free", "buyer"))+"/approvals", `{"act":"reset","reason":"x","identity_checked":true}`).
		is(t, "of an account that takes nobody", codeNoApproval)
	token := p.token
	p.client("other", allScopes()...)
	program, err := p.ClientActor(ctx, p.tokens[p.token])
	must(t, err)
	if err := p.Approve(ctx, program, id); !errors.Is(err, ErrForbidden) {
		t.Errorf("decided by a program: %v", err)
	}
	must(t, p.Approve(ctx, p.actor(p.root), id))
	reset().is(t, "by another program", codeApproval)
	p.token = token
	if w := reset(); w.Code != http.StatusOK {
		t.Errorf("approved: %d %s", w.Code, w.Body)
	}
	if w := p.send(http.MethodGet, "/approvals/"+string(id), ""); w.member(t, "state") != ApprovalUsed || w.member(t, "decided_by") != "root" {
		t.Errorf("afterwards: %s", w.Body)
	}
	reset().is(t, "a second time", codeApproval)
}
