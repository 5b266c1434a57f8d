package delivery

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	accountSID = "AC0123456789abcdef0123456789abcdef"
	serviceSID = "MG0123456789abcdef0123456789abcdef"
	messageSID = "SM0123456789abcdef0123456789abcdef"
)

func TestTwilioRequest(t *testing.T) {
	for _, tc := range []struct {
		name   string
		cfg    TwilioConfig
		change func(*Text)
		want   url.Values
	}{
		{
			"by sender",
			TwilioConfig{},
			func(m *Text) { m.From = "+815012345678" },
			url.Values{"To": {"+819012345678"}, "From": {"+815012345678"}, "Body": {sampleText.Body}, "ValidityPeriod": {"600"}},
		},
		{
			"by service",
			TwilioConfig{MessagingServiceSID: serviceSID},
			func(m *Text) { m.Valid = 300 * time.Millisecond },
			url.Values{"To": {"+819012345678"}, "MessagingServiceSid": {serviceSID}, "Body": {sampleText.Body}, "ValidityPeriod": {"1"}},
		},
		{
			"without end",
			TwilioConfig{},
			func(m *Text) { m.Valid = 0 },
			url.Values{"To": {"+819012345678"}, "From": {"EXAMPLE"}, "Body": {sampleText.Body}},
		},
		{
			"longer than they take",
			TwilioConfig{},
			func(m *Text) { m.Valid = 72 * time.Hour },
			url.Values{"To": {"+819012345678"}, "From": {"EXAMPLE"}, "Body": {sampleText.Body}, "ValidityPeriod": {"36000"}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var seen requests
			s := gateway(t, func(w http.ResponseWriter, r *http.Request) {
				seen.take(t, r)
				w.WriteHeader(http.StatusCreated)
				fmt.Fprintf(w, `{"sid":%q,"status":"queued","error_code":null,"error_message":null,"body":%q}`, messageSID, sampleText.Body)
			})
			tc.cfg.AccountSID, tc.cfg.AuthToken, tc.cfg.URL = accountSID, canaryToken, s.URL
			twilio, err := NewTwilio(tc.cfg)
			if err != nil {
				t.Fatal(err)
			}
			m := sampleText
			tc.change(&m)
			receipt, err := twilio.Send(t.Context(), m)
			if err != nil || receipt.Reply != "201 queued "+messageSID {
				t.Fatalf("%+v, %v", receipt, err)
			}
			got := seen.one(t)
			if got.method != "POST" || got.target != "/2010-04-01/Accounts/"+accountSID+"/Messages.json" {
				t.Errorf("%s %s", got.method, got.target)
			}
			auth := "Basic " + base64.StdEncoding.EncodeToString([]byte(accountSID+":"+canaryToken))
			if got.header.Get("Authorization") != auth || got.header.Get("Content-Type") != "application/x-www-form-urlencoded" {
				t.Errorf("header %v", got.header)
			}
			form, err := url.ParseQuery(got.body)
			if diff := cmp.Diff(tc.want, form); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestTwilioAnswers(t *testing.T) {
	for _, tc := range []struct {
		status    int
		body      string
		permanent bool
		reply     string
	}{
		{400, `{"code":21211,"message":"not a valid phone number","status":400}`, true, "400 21211 not a valid phone number"},
		{401, `{"code":20003,"message":"Authenticate","status":401}`, true, "401 20003 Authenticate"},
		{403, `{"code":21408,"message":"region not enabled","status":403}`, true, "403 21408 region not enabled"},
		{400, `{"code":21611,"message":"queue full","status":400}`, false, "400 21611 queue full"},
		{429, `{"code":20429,"message":"Too Many Requests","status":429}`, false, "429 20429 Too Many Requests"},
		{429, `{"code":63038,"message":"daily limit","status":429}`, true, "429 63038 daily limit"},
		{500, `{"code":20500,"message":"Internal Server Error","status":500}`, false, "500 20500 Internal Server Error"},
		{503, `{"code":20503,"message":"Service Unavailable","status":503}`, false, "503 20503 Service Unavailable"},
		{504, `{"code":20504,"message":"Gateway Timeout","status":504}`, false, "504 20504 Gateway Timeout"},
		{201, `{"sid":"SM1","status":"failed","error_code":30006,"error_message":"landline"}`, true, "201 failed 30006 landline"},
		{201, `{"sid":"SM1","status":"undelivered","error_code":null}`, true, "201 undelivered 0 "},
	} {
		t.Run(tc.reply, func(t *testing.T) {
			s := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				fmt.Fprint(w, tc.body)
			})
			e := failure(t, adapters()[0].make(t, s.URL, time.Minute))
			if e.Permanent != tc.permanent || e.Reply != tc.reply {
				t.Errorf("permanent %v, reply %q", e.Permanent, e.Reply)
			}
		})
	}
}

func TestTwilioNeedsASender(t *testing.T) {
	s := gateway(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
	m := sampleText
	m.From = ""
	if _, err := adapters()[0].make(t, s.URL, time.Minute).Send(t.Context(), m); err == nil || !strings.Contains(err.Error(), "neither a sender nor") {
		t.Errorf("err = %v", err)
	}
}
