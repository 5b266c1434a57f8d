package provider_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/futakagi/futakagi/internal/testapp"
)

// TestTrap_CausesGoToTheLogAlone is the other half of TestTrap_ErrorTextLeaks: whoever runs the server learns what the caller
// does not, in the request's one record.
func TestTrap_CausesGoToTheLogAlone(t *testing.T) {
	a := testapp.New(t)
	if err := a.DB.Close(); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+"/userinfo", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer at_"+strings.Repeat("A", 43))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", res.StatusCode)
	}
	id := res.Header.Get("X-Request-Id")
	var record strings.Builder
	for line := range strings.Lines(a.Log.String()) {
		if strings.Contains(line, id) {
			record.WriteString(line)
		}
	}
	if id == "" || strings.Count(record.String(), "\n") != 1 || !strings.Contains(record.String(), "database closed") {
		t.Errorf("want one record with the cause for %q, got %s", id, record.String())
	}
}
