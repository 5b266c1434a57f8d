package admin

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/templates"
)

// K-2, I27: keys are ordered to change in the console, which shows no private half and writes every order down.
func TestKeysInTheConsole(t *testing.T) {
	c := newConsole(t, root)
	c.signingKeys()
	press := func(path string, form url.Values) (int, string) {
		t.Helper()
		w := c.do(http.MethodPost, templates.PathKeys+path, form)
		return w.Code, w.Body.String() + w.Header().Get("Location")
	}
	kinds := func() (got []string) {
		for _, e := range c.events("key.re%") {
			got = append(got, e.Type+" "+e.Result)
		}
		return got
	}
	page := c.do(http.MethodGet, templates.PathKeys, nil)
	if body := page.Body.String(); page.Code != http.StatusOK || !strings.Contains(body, firstKey) || !strings.Contains(body, secondKey) || strings.Contains(body, "sealed") {
		t.Fatalf("%d %s", page.Code, body)
	}

	revoke := "/" + firstKey + "/revoke"
	for name, form := range map[string]url.Values{
		"another word": {"reason": {"leaked"}, "typed": {firstKey[1:9]}},
		"the whole id": {"reason": {"leaked"}, "typed": {firstKey}},
		"no word":      {"reason": {"leaked"}},
		"no reason":    {"typed": {firstKey[:8]}},
	} {
		if code, body := press(revoke, form); code != http.StatusUnprocessableEntity || form.Get("reason") != "" && !strings.Contains(body, `value="leaked"`) {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
	if got := kinds(); len(got) != 0 {
		t.Fatalf("done without being confirmed: %v", got)
	}
	form := url.Values{"reason": {"leaked"}, "typed": {" " + firstKey[:8]}}
	if code, to := press(revoke, form); code != http.StatusSeeOther || to != templates.PathKeys {
		t.Errorf("revoke: %d %s", code, to)
	}
	if e := c.events("key.revoke"); len(e) != 1 || e[0].Reason != "leaked" || e[0].Target != "ES256 "+firstKey || !strings.Contains(string(e[0].Data), secondKey) {
		t.Errorf("%+v", e)
	}
	if code, _ := press(revoke, form); code != http.StatusNotFound {
		t.Errorf("revoked again: %d", code)
	}
	if code, body := press("/rotate", nil); code != http.StatusUnprocessableEntity || strings.Contains(body, "<button class=\"btn\" type=\"submit\">") {
		t.Errorf("rotated without a next key: %d", code)
	}
	if code, to := press("/reseal", nil); code != http.StatusSeeOther || to != templates.PathKeys {
		t.Errorf("reseal: %d %s", code, to)
	}
	if code, _ := press("/reseal", nil); code != http.StatusUnprocessableEntity {
		t.Errorf("reseal under way: %d", code)
	}
	if got := strings.Join(kinds(), ", "); strings.Count(got, "success") != 2 || len(kinds()) != 2 {
		t.Errorf("events: %s", got)
	}
	if body := c.do(http.MethodGet, templates.PathKeys, nil).Body.String(); strings.Contains(body, templates.PathKeys+"/reseal") {
		t.Error("a second run is offered while one is under way")
	}
}
