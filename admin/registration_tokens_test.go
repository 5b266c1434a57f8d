package admin

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/web"
)

// An initial access token is bounded in time and number, is kept as a hash, and says what became of it.
func TestRegistrationTokens(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for _, c := range []struct {
			in   NewRegistrationToken
			want []string
		}{
			{NewRegistrationToken{}, []string{"label", "days", "uses"}},
			{NewRegistrationToken{Label: " \t", Days: 1, Uses: 1}, []string{"label"}},
			{NewRegistrationToken{Label: strings.Repeat("店", 101), Days: 1, Uses: 1}, []string{"label"}},
			{NewRegistrationToken{Label: "x", Days: 91, Uses: 1}, []string{"days"}},
			{NewRegistrationToken{Label: "x", Days: 1, Uses: 1001}, []string{"uses"}},
			{NewRegistrationToken{Label: "x", Days: -1, Uses: -1}, []string{"days", "uses"}},
		} {
			_, _, err := w.CreateRegistrationToken(ctx, System(), c.in)
			e, ok := errors.AsType[*account.ValidationError](err)
			if !ok || len(e.Fields) != len(c.want) {
				t.Errorf("%+v: %v", c.in, err)
				continue
			}
			for _, field := range c.want {
				if e.Fields[field] == "" {
					t.Errorf("%+v: %v", c.in, e.Fields)
				}
			}
		}
		token, made, err := w.CreateRegistrationToken(ctx, System(), NewRegistrationToken{Label: " 市場  連携 ", Days: 90, Uses: 1000})
		must(t, err)
		if !strings.HasPrefix(token, "ia_") || len(token) != 46 || made.Label != "市場 連携" || made.State != TokenLive {
			t.Errorf("%s, %+v", token, made)
		}
		row, err := w.db.Read().FindRegistrationToken(ctx, store.FindRegistrationTokenParams{TokenHash: web.HashToken(token), Now: w.clock.now()})
		if err != nil || row.ID != made.ID {
			t.Errorf("%+v, %v", row, err)
		}
		if e, data := w.last(audit.RegistrationTokenCreate); e.Target != "市場 連携" || data["uses"] != "1000" || strings.Contains(string(e.Data), token) {
			t.Errorf("%+v", e)
		}
		w.clock.pass(90 * 24 * time.Hour)
		list, err := w.RegistrationTokens(ctx, System())
		if err != nil || len(list) != 1 || list[0].State != TokenExpired {
			t.Errorf("%+v, %v", list, err)
		}
		for _, id := range []store.RegistrationTokenID{"x", "", store.NewID[store.RegistrationTokenID]()} {
			if err := w.RevokeRegistrationToken(ctx, System(), id); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("revoke %q: %v", id, err)
			}
		}
		must(t, w.RevokeRegistrationToken(ctx, System(), made.ID))
		if err := w.RevokeRegistrationToken(ctx, System(), made.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("revoked twice: %v", err)
		}
	})
}

// The console shows a token once, and the list only says what it is for.
func TestConsoleShowsAnInitialAccessTokenOnce(t *testing.T) {
	c := newConsole(t, func(w *world) store.AccountID { return w.root })
	const page = "/admin/registration-tokens"
	if rec := c.do(http.MethodPost, page, map[string][]string{"label": {""}, "days": {"x"}, "uses": {"0"}}); rec.Code != http.StatusUnprocessableEntity {
		t.Errorf("empty: %d", rec.Code)
	}
	to, _ := c.post(page, "label", "市場", "days", "7", "uses", "2")
	if to != page+"/issued" {
		t.Fatalf("leads to %s", to)
	}
	token := regexp.MustCompile(`ia_[A-Za-z0-9_-]{43}`)
	shown := token.FindString(c.get(to))
	if shown == "" || token.MatchString(c.get(to)) || token.MatchString(c.get(page)) {
		t.Errorf("token %q", shown)
	}
	list, err := c.RegistrationTokens(t.Context(), System())
	if err != nil || len(list) != 1 || list[0].MaxUses != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	revoke := page + "/" + string(list[0].ID) + "/revoke"
	c.wants(c.get(page), `href="`+revoke+`"`)
	c.wants(c.get(revoke), "初期アクセストークン「市場」を無効にしますか？", "0 / 2", "登録済みのアプリケーションは、そのまま使えます。")
	c.post(revoke)
	if rec := c.do(http.MethodGet, revoke, nil); rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != page {
		t.Errorf("asked about one that was revoked: %d", rec.Code)
	}
	if rec := c.do(http.MethodGet, page+"/"+store.MaxID+"/revoke", nil); rec.Code != http.StatusNotFound {
		t.Errorf("asked about one that never was: %d", rec.Code)
	}
	if list, _ = c.RegistrationTokens(t.Context(), System()); list[0].State != TokenRevoked {
		t.Errorf("%+v", list)
	}
}

// Clients that registered themselves can be found, and are shown as such.
func TestClientsThatRegisteredThemselvesAreShownAsSuch(t *testing.T) {
	c := newConsole(t, func(w *world) store.AccountID { return w.root })
	c.shopClient()
	c.shopClient(func(in *NewClient) { in.ID, in.Name = "dynamic", "外部" })
	now := c.clock.now()
	c.tx(func(tx *store.Tx) error {
		_, err := tx.SetRegistration(t.Context(), store.SetRegistrationParams{ID: "dynamic", RegisteredBy: "市場", RegistrationHash: []byte{1}, Now: &now})
		return err
	})
	c.wants(c.get("/admin/clients?state=registered"), "外部", "動的登録")
	c.lacks(c.get("/admin/clients?state=registered"), `/admin/clients/shop"`)
	c.wants(c.get("/admin/clients/dynamic"), "に動的登録（市場）")
}

// spareToken is the id of an initial access token that counts.
func (c *console) spareToken() store.RegistrationTokenID {
	c.t.Helper()
	_, made, err := c.CreateRegistrationToken(c.t.Context(), System(), NewRegistrationToken{Label: "spare", Days: 1, Uses: 1})
	must(c.t, err)
	return made.ID
}
