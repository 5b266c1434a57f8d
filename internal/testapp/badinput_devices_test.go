package testapp_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/internal/testapp"
	"github.com/futakagi/futakagi/store"
)

const (
	saysDeviceBlank = "コードを入力してください。"
	saysDeviceWrong = "このコードは使えません。"
)

// devices are the pages that let devices in.
func (c *cast) devices() ([]form, []look) {
	c.t.Helper()
	_, user := began(c.t, deviceClient(c.t, c.App, "till"))
	b := c.NewBrowser(c.t)
	c.SignIn(c.t, b, "/device/confirm?user_code="+user, "suzuki")
	who := string(accountOf(c.t, c.App, "suzuki").ID)
	forms := []form{
		{pattern: "/device", path: "/device", b: c.NewBrowser(c.t), fields: []field{
			{name: "user_code", blank: saysDeviceBlank, bad: saysDeviceWrong, foreign: []string{"BBBB-BBBB", user + "B", user[1:]}, wrong: saysDeviceWrong, refilled: true},
		}},
		{
			pattern: "/device/confirm", path: "/device/confirm", page: "/device/confirm?user_code=" + user, b: b, status: http.StatusBadRequest, fields: []field{
				{
					name: "user_code", with: value("decision", "allow", "account", who), blank: saysDeviceWrong, bad: saysDeviceWrong, status: http.StatusUnprocessableEntity,
					foreign: []string{"BBBB-BBBB", string(store.NewID[store.DeviceCodeID]())}, wrong: saysDeviceWrong,
				},
				same("decision", "", value("user_code", user, "account", who)),
				{
					name: "account", with: value("user_code", user, "decision", "allow"), status: http.StatusSeeOther, before: c.retry,
					foreign: []string{string(c.other.account.ID), strings.ToUpper(who)},
				},
			},
		},
	}
	return forms, []look{
		{pattern: "/device", path: "/device", b: b, parameters: []string{"user_code"}},
		{pattern: "/device/confirm", path: "/device/confirm", b: b, parameters: []string{"user_code"}},
		{pattern: "/device/done", path: "/device/done", b: b, parameters: []string{"decision"}},
	}
}

// retry forgets how often codes of devices were tried: each value is sent with a right one.
func (c *cast) retry() {
	c.t.Helper()
	forgetTries(c.t, c.App)
}

// forgetTries drops all counts of what was tried.
func forgetTries(t *testing.T, a *testapp.App) {
	t.Helper()
	inTx(t, a, func(tx *store.Tx) error {
		_, err := tx.SweepBudgets(t.Context(), store.SweepBudgetsParams{Now: a.Clock.Now().Add(100 * time.Hour), BatchSize: 1000})
		return err
	})
}
