package testapp_test

import (
	"testing"

	"github.com/futakagi/futakagi/internal/testapp"
)

// TestConformance_FormPost is the plan oidcc-formpost-basic-certification-test-plan: the modules of the Basic plan with every answer,
// also that of an error, posted to the relying party.
func TestConformance_FormPost(t *testing.T) {
	t.Parallel()
	testapp.Each(t, func(t *testing.T, a *testapp.App) { runPlan(t, newSuite(t, a, "form_post"), basicPlan()) })
}
