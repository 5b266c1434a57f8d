package admin

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// both runs a test of a program on both engines.
func both(t *testing.T, f func(t *testing.T, p *program)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newProgram(t, db, 1_000_000)
		p.client("program", allScopes()...)
		f(t, p)
	})
}

// A request sent again is answered as it was, secret and all, and is not done again.
func TestAPIRequestSentAgain(t *testing.T) {
	both(t, func(t *testing.T, p *program) {
		const body = `{"client_name":"n","grant_types":["client_credentials"]}`
		post := func(key, body string) said { return p.send(http.MethodPost, "/clients", body, headerKey, key) }
		first := post("k", body)
		first.is(t, "first", "")
		again := post("k", body)
		if again.Code != first.Code || again.Body.String() != first.Body.String() || again.Header().Get("Location") != first.Header().Get("Location") ||
			again.Header().Get(headerReplayed) != "true" || first.Header().Get(headerReplayed) != "" || first.member(t, "client_secret") == "" {
			t.Errorf("first %d %s, again %d %s", first.Code, first.Body, again.Code, again.Body)
		}
		if n := len(p.events("client.create")); n != 1 {
			t.Errorf("done %d times", n)
		}
		post("k", strings.Replace(body, `"n"`, `"m"`, 1)).is(t, "another body", codeKeyReused)
		p.send(http.MethodPost, "/customers", `{"code":"1","name":"n"}`, headerKey, "k").is(t, "another operation", codeKeyReused)
		for _, key := range []string{"two words", strings.Repeat("x", 256), "é"} {
			post(key, body).is(t, key, codeInvalid, headerKey+" format")
		}
		// The key is the client's own, and free again after a day.
		p.client("other", allScopes()...)
		if w := post("k", body); w.Code != http.StatusCreated || w.Body.String() == first.Body.String() {
			t.Errorf("another client's: %d %s", w.Code, w.Body)
		}
		p.clock.pass(24*time.Hour + time.Second)
		p.client("program", allScopes()...)
		if w := post("k", body); w.Code != http.StatusCreated || w.Body.String() == first.Body.String() {
			t.Errorf("after a day: %d %s", w.Code, w.Body)
		}
		// I15: the database does not hold the secret.
		row, err := p.db.Read().GetAPIRequest(t.Context(), store.GetAPIRequestParams{Actor: "client:program", Key: "k"})
		must(t, err)
		if strings.Contains(string(row.AnswerSealed), "client_secret") {
			t.Error("the answer lies open")
		}
	})
}

// A request that failed did nothing: its key is free.
func TestAPIKeyIsFreeAfterFailure(t *testing.T) {
	both(t, func(t *testing.T, p *program) {
		post := func(body string) said { return p.send(http.MethodPost, "/customers", body, headerKey, "k") }
		post(`{"code":"C-100248","name":"n"}`).is(t, "a code that is taken", codeInvalid, "code customer_code_taken")
		post(`{"code":"C-2","name":"n"}`).is(t, "another code under the same key", "")
		post(`{"code":"C-3","name":"n"}`).is(t, "and a third", codeKeyReused)
	})
}

// Of many who send the same request at once, one does it.
func TestAPIRequestSentAtOnce(t *testing.T) {
	both(t, func(t *testing.T, p *program) {
		var wait sync.WaitGroup
		answers := make([]said, 20)
		for i := range answers {
			wait.Go(func() {
				answers[i] = p.send(http.MethodPost, "/customers", `{"code":"C-2","name":"n"}`, headerKey, "k")
			})
		}
		wait.Wait()
		made := map[string]bool{}
		for _, w := range answers {
			if w.problem.Code == codeInProgress {
				continue
			}
			w.is(t, "at once", "")
			made[w.member(t, "id")] = true
		}
		if n := len(p.events("customer.create")); len(made) != 1 || n != 2 { // the world has one
			t.Errorf("%d customers, %d events", len(made), n)
		}
	})
}

// A server that stopped leaves a key behind. If it had not acted, the request is done when it comes again; if it had, it is not done
// twice. And one that was only slow finds its key taken over and changes nothing.
func TestI30_APIKeyOfAServerThatStopped(t *testing.T) {
	both(t, func(t *testing.T, p *program) {
		ctx := t.Context()
		left := func(key string) claim {
			cl := claim{actor: "client:program", key: key, id: store.NewID[string]()}
			now := p.clock.now()
			p.tx(func(tx *store.Tx) error {
				_, err := tx.ClaimAPIRequest(ctx, store.ClaimAPIRequestParams{
					Actor: cl.actor, Key: key, RequestHash: hashOf(http.MethodPost, apiRoot+"/customers", body(key)), ClaimID: cl.id,
					ClaimedUntil: now.Add(claimFor), ExpiresAt: now.Add(keepAnswers), Now: now,
				})
				return err
			})
			return cl
		}
		post := func(key string) said {
			return p.send(http.MethodPost, "/customers", body(key), headerKey, key)
		}
		slow, acted := left("slow"), left("acted")
		actor, err := p.ClientActor(ctx, p.tokens[p.token])
		must(t, err)
		_, err = p.CreateCustomer(context.WithValue(ctx, claimKey{}, acted), actor, input("acted"))
		must(t, err)
		w := post("slow")
		w.is(t, "while it may still work", codeInProgress)
		if w.Header().Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
		}
		p.clock.pass(claimFor)
		post("slow").is(t, "after that", "")
		post("acted").is(t, "what was done", codeAlreadyDone)
		if _, err := p.CreateCustomer(context.WithValue(ctx, claimKey{}, slow), actor, input("slow-2")); err == nil {
			t.Error("two acted under one key")
		}
		if n := len(p.events("customer.create")); n != 3 {
			t.Errorf("%d customers were made", n)
		}
	})
}

func body(code string) string { return `{"code":"` + code + `","name":"n"}` }

func input(code string) account.CustomerInput { return account.CustomerInput{Code: code, Name: "n"} }

func TestAPIRateLimit(t *testing.T) {
	p := newProgram(t, storetest.SQLite(t), 3)
	p.client("program", allScopes()...)
	get := func() said { return p.send(http.MethodGet, "/customers", "") }
	for _, left := range []string{"2", "1", "0"} {
		w := get()
		w.is(t, "within the limit", "")
		if got := w.Header().Get("RateLimit"); !strings.HasPrefix(got, `"default";r=`+left+`;t=`) || w.Header().Get("RateLimit-Policy") != `"default";q=3;w=60` {
			t.Errorf("RateLimit %q of %q, want %s left", got, w.Header().Get("RateLimit-Policy"), left)
		}
	}
	w := get()
	w.is(t, "above the limit", codeTooMany)
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	p.client("other", allScopes()...)
	get().is(t, "another client", "")
	p.clock.pass(time.Minute)
	p.client("program", allScopes()...)
	get().is(t, "a minute later", "")
}
