package mfa_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/mfa"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// tries is how often the newest code of a sign-in was guessed at.
func (w *world) tries(f store.Flow, id store.AccountID) int64 {
	w.t.Helper()
	c, err := w.db.Read().GetFlowChallenge(w.t.Context(), store.GetFlowChallengeParams{Kind: "email", FlowID: &f.ID, AccountID: id})
	if err != nil {
		w.t.Fatal(err)
	}
	return c.Tries
}

func TestI29_RightCodeSurvivesABusyHasher(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("tanaka", "use")
		f := w.flow(id)
		if err := w.SendSetUpCode(ctx, f, mfa.EmailTo("tanaka-2fa@example.jp"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		code := w.code("tanaka-2fa@example.jp")
		w.busy.Store(true)
		for range 6 { // more than a code takes wrong tries
			_, err := w.VerifySetUpCode(ctx, f, mfa.EmailTo("tanaka-2fa@example.jp"), code, templates.Ja)
			wantErr(t, "busy", err, mfa.ErrBusy)
		}
		if n := w.tries(f, id); n != 0 {
			t.Errorf("%d tries counted", n)
		}
		w.busy.Store(false)
		secret, err := w.VerifySetUpCode(ctx, f, mfa.EmailTo("tanaka-2fa@example.jp"), code, templates.Ja)
		if err != nil {
			t.Fatalf("once there is room: %v", err)
		}
		if codes, err := w.FlowCodes(ctx, w.next(f, secret)); err != nil || len(codes.Codes) != 10 {
			t.Errorf("codes = %v, %v", codes, err)
		}

		// The same from the self-service page.
		other := w.account("suzuki", "dont_use")
		session := w.session(other, signin.Password)
		if err := w.SendChangeCode(ctx, session, mfa.EmailTo("suzuki-2fa@example.jp"), templates.Ja); err != nil {
			t.Fatal(err)
		}
		code = w.code("suzuki-2fa@example.jp")
		w.busy.Store(true)
		_, err = w.VerifyChangeCode(ctx, session, mfa.EmailTo("suzuki-2fa@example.jp"), code, templates.Ja)
		wantErr(t, "busy change", err, mfa.ErrBusy)
		w.busy.Store(false)
		if _, err := w.VerifyChangeCode(ctx, session, mfa.EmailTo("suzuki-2fa@example.jp"), code, templates.Ja); err != nil {
			t.Errorf("change once there is room: %v", err)
		}

		// A replacement of codes that met no room does not count against the day.
		w.busy.Store(true)
		for range 6 {
			_, err := w.RegenerateCodes(ctx, session, templates.Ja)
			wantErr(t, "busy replacement", err, mfa.ErrBusy)
		}
		w.busy.Store(false)
		if _, err := w.RegenerateCodes(ctx, session, templates.Ja); err != nil {
			t.Errorf("replacement once there is room: %v", err)
		}
	})
}

func TestI29_GuessesAtASetUpMakeFewHashes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := w.account("tanaka", "use")
		f := w.flow(id)
		const address = "tanaka-2fa@example.jp"
		verify := func(code string) error {
			_, err := w.VerifySetUpCode(ctx, f, mfa.EmailTo(address), code, templates.Ja)
			return err
		}
		if err := w.SendSetUpCode(ctx, f, mfa.EmailTo(address), templates.Ja); err != nil {
			t.Fatal(err)
		}
		bad, made := wrong(w.code(address)), w.made.Load()
		wantErr(t, "not a code", verify("12"), mfa.ErrCodeForm)
		if n := w.made.Load() - made; n != 0 {
			t.Errorf("%d hashes for what is no code", n)
		}
		race(t, 60, func(int) error { return verify(bad) })
		if n := w.made.Load() - made; n > 200 {
			t.Errorf("%d hashes for sixty guesses at once", n)
		}
		if n := w.tries(f, id); n != 5 {
			t.Errorf("%d tries compared, want 5", n)
		}
		made = w.made.Load()
		if err := verify(bad); err == nil {
			t.Error("accepted")
		}
		if n := w.made.Load() - made; n != 0 {
			t.Errorf("%d hashes for a guess at a dead code", n)
		}
	})
}

func TestI27_GuessWithoutVerdictIsWrittenDown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id, codes := w.enrolled("sato")
		f := w.flow(id)
		w.busy.Store(true)
		_, err := w.VerifyBackupCode(ctx, f, codes[0], templates.Ja)
		wantErr(t, "busy", err, mfa.ErrBusy)
		w.busy.Store(false)
		if n := w.events(id, "signin.factor", "refused"); n != 1 {
			t.Errorf("%d rows for a guess that met no room, want 1", n)
		}
		secret, err := w.VerifyBackupCode(ctx, f, codes[0], templates.Ja)
		if err != nil {
			t.Fatalf("once there is room: %v", err)
		}
		if w.gone(w.next(f, secret)) {
			t.Error("the sign-in ended")
		}

		// Of guesses at once whose sign-in is proved by one of them, each leaves a row.
		g := w.flow(id)
		ends := race(t, 4, func(i int) error {
			_, err := w.VerifyBackupCode(ctx, g, codes[1+i], templates.Ja)
			return err
		})
		rows := w.events(id, "signin.factor", "success") + w.events(id, "signin.factor", "refused") + w.events(id, "signin.factor", "failure")
		counted := 2 + ends["ok"]
		for end, n := range ends {
			if end != "ok" && end != mfa.ErrFlowGone.Error() {
				t.Errorf("end %q", end)
			}
			if end != "ok" {
				counted += n
			}
		}
		// Those that came after the proof were not counted and leave none.
		if rows > counted || rows < 3 {
			t.Errorf("%d rows, ends = %v", rows, ends)
		}
	})
}

func TestBusyPages(t *testing.T) {
	s := newSite(t)
	f := s.signIn(s.account("tanaka", "use"))
	email := "/signin/two-factor/email?flow=" + string(f.ID)
	s.post(email, url.Values{"do": {"send"}, "email": {"tanaka-2fa@example.jp"}}).leads(t, "send", email)
	form := url.Values{"do": {"verify"}, "email": {"tanaka-2fa@example.jp"}, "code": {s.code("tanaka-2fa@example.jp")}}
	s.busy.Store(true)
	p := s.post(email, form)
	p.want(t, "busy", http.StatusServiceUnavailable)
	if p.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	s.busy.Store(false)
	s.post(email, form).leads(t, "again", "/signin/continue?flow="+string(f.ID))

	id, codes := s.enrolled("sato")
	f = s.signIn(id)
	backup := "/signin/challenge/backup?flow=" + string(f.ID)
	s.busy.Store(true)
	s.post(backup, url.Values{"code": {codes[0]}}).want(t, "busy backup code", http.StatusServiceUnavailable)
	s.busy.Store(false)
	s.post(backup, url.Values{"code": {codes[0]}}).leads(t, "again", "/signin/continue?flow="+string(f.ID))

	s.logIn(id, signin.Password, signin.Email)
	page := "/account/security/backup-codes"
	s.post(page, url.Values{"saved": {"yes"}})
	for i := range 6 {
		p := s.post(page, nil)
		if i < 5 {
			p.leads(t, "replace", page)
			s.post(page, url.Values{"saved": {"yes"}})
		} else {
			p.want(t, "sixth of the day", http.StatusTooManyRequests)
		}
	}
}

// Whatever is posted to a page while the sign-in stands elsewhere, the answer is a redirect or the page again.
func TestPostsAtEveryStep(t *testing.T) {
	flows := map[string]func(s *site) store.Flow{
		"set-up": func(s *site) store.Flow { return s.signIn(s.account("setup", "use")) },
		"set-up with a code sent": func(s *site) store.Flow {
			f := s.signIn(s.account("setupsent", "use"))
			s.post("/signin/two-factor/email?flow="+string(f.ID), url.Values{"do": {"send"}, "email": {"setupsent@example.jp"}})
			return f
		},
		"codes to show": func(s *site) store.Flow {
			f := s.signIn(s.account("codes", "use"))
			email := "/signin/two-factor/email?flow=" + string(f.ID)
			s.post(email, url.Values{"do": {"send"}, "email": {"codes@example.jp"}})
			s.post(email, url.Values{"do": {"verify"}, "email": {"codes@example.jp"}, "code": {s.code("codes@example.jp")}})
			return f
		},
		"challenge": func(s *site) store.Flow {
			id, _ := s.enrolled("challenge")
			return s.signIn(id)
		},
		"challenge with a code sent": func(s *site) store.Flow {
			id, _ := s.enrolled("challengesent")
			f := s.signIn(id)
			s.get("/signin/challenge?flow=" + string(f.ID))
			return f
		},
		"disabled factor": func(s *site) store.Flow {
			id, _ := s.enrolled("disabled")
			s.tx(func(tx *store.Tx) error {
				_, err := tx.RecordFactorFailure(s.t.Context(), store.RecordFactorFailureParams{
					Ceiling: 1, Now: s.clock.now(), ID: s.factor(id).ID,
				})
				return err
			})
			return s.signIn(id)
		},
		"nothing asked for": func(s *site) store.Flow { return s.signIn(s.account("nothing", "dont_use")) },
		"account reset": func(s *site) store.Flow {
			id, _ := s.enrolled("reset")
			f := s.signIn(id)
			s.reset(id)
			return f
		},
	}
	forms := map[string][]url.Values{
		"/signin/two-factor": {nil, {"method": {"email"}}},
		"/signin/two-factor/email": {
			nil,
			{"do": {"send"}, "email": {"x@example.jp"}},
			{"do": {"verify"}, "email": {"x@example.jp"}, "code": {"123456"}},
			{"do": {"verify"}, "email": {"setupsent@example.jp"}, "code": {"12"}},
		},
		"/signin/challenge":        {nil, {"do": {"verify"}, "code": {"123456"}}, {"do": {"verify"}}, {"do": {"resend"}}},
		"/signin/challenge/backup": {nil, {"code": {"ZZZZ-ZZZZ-ZZZZ-ZZZZ"}}, {"code": {"1"}}},
		"/signin/backup-codes":     {nil, {"saved": {"yes"}}},
	}
	for name, start := range flows {
		for path, posts := range forms {
			for _, form := range posts {
				t.Run(name+path+"?"+form.Encode(), func(t *testing.T) {
					s := newSite(t)
					f := start(s)
					p := s.post(path+"?flow="+string(f.ID), form)
					if p.status != http.StatusSeeOther && p.status != http.StatusUnprocessableEntity {
						t.Errorf("status %d to %q:\n%s", p.status, p.to, p.body)
					}
					if p.status == http.StatusSeeOther && !strings.Contains(p.to, string(f.ID)) {
						t.Errorf("leads to %q", p.to)
					}
				})
			}
		}
	}
}
