package testapp_test

import (
	"net/http"

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
	forms := []form{
		{pattern: "/device", path: "/device", b: c.NewBrowser(c.t), fields: []field{
			{name: "user_code", blank: saysDeviceBlank, bad: saysDeviceWrong, foreign: []string{"BBBB-BBBB", user + "B", user[1:]}, wrong: saysDeviceWrong, refilled: true},
		}},
		{
			pattern: "/device/confirm", path: "/device/confirm", page: "/device/confirm?user_code=" + user, b: b, status: http.StatusBadRequest, fields: []field{
				{
					name: "user_code", with: value("decision", "allow"), blank: saysDeviceWrong, bad: saysDeviceWrong, status: http.StatusUnprocessableEntity,
					foreign: []string{"BBBB-BBBB", string(store.NewID[store.DeviceCodeID]())}, wrong: saysDeviceWrong,
				},
				same("decision", "", value("user_code", user)),
			},
		},
	}
	return forms, []look{
		{pattern: "/device", path: "/device", b: b, parameters: []string{"user_code"}},
		{pattern: "/device/confirm", path: "/device/confirm", b: b, parameters: []string{"user_code"}},
		{pattern: "/device/done", path: "/device/done", b: b, parameters: []string{"decision"}},
	}
}
