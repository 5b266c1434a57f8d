package config

import (
	"net/url"
	"regexp"
	"time"

	"golang.org/x/text/language"
)

var (
	smsSender  = regexp.MustCompile(`^(\+[1-9][0-9]{6,14}|[0-9]{3,8}|[A-Za-z0-9 ]{0,10}[A-Za-z][A-Za-z0-9 ]{0,10})$`)
	accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	serviceSID = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
	awsRegion  = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$`)
)

// minWebhookSecret is the shortest secret that signs requests, in bytes.
const minWebhookSecret = 32

func (k checker) sms(s SMS) {
	k.check("sms.from", s.From == "" || smsSender.MatchString(s.From) && (s.From[0] == '+' || len(s.From) <= 11),
		quote(s.From)+" is neither a number nor a name that phones can show", "write a number like +815012345678, a short code, or a name of up to 11 letters and digits")
	k.check("sms.countries", len(s.Countries) > 0, "it names no country", "write at least one, such as JP")
	for _, one := range s.Countries {
		region, err := language.ParseRegion(one)
		k.check("sms.countries", err == nil && region.String() == one && region.IsCountry() && region.Canonicalize() == region, "entry "+quote(one)+" is not a country",
			"write two capital letters each, such as JP for Japan")
	}
	k.within("sms.max_per_day", s.MaxPerDay, 1, 10_000_000)
	if k.within("sms.max_per_prefix_day", s.MaxPerPrefixDay, 1, 10_000_000) && !k.bad["sms.max_per_day"] {
		k.check("sms.max_per_prefix_day", s.MaxPerPrefixDay <= s.MaxPerDay, "it is more than sms.max_per_day", "lower it or raise sms.max_per_day")
	}
	// The outbox gives an attempt 30 s.
	k.duration("sms.timeout", s.Timeout, time.Second, 25*time.Second)
	k.smsForms(s)
	if !k.oneOf("sms.gateway", s.Gateway, GatewayNone, GatewayTwilio, GatewaySNS, GatewayWebhook) {
		return
	}
	switch s.Gateway {
	case GatewayTwilio:
		k.smsNeeds("sms.twilio_account_sid", s.TwilioAccountSID != "", "write the account's SID from Twilio's console")
		k.smsNeeds("sms.twilio_auth_token", s.TwilioAuthToken.IsSet(), "set FUTAKAGI_SMS__TWILIO_AUTH_TOKEN or FUTAKAGI_SMS__TWILIO_AUTH_TOKEN_FILE")
		k.check("sms.from", s.From != "" || s.TwilioMessagingServiceSID != "", "it is missing, and no sms.twilio_messaging_service_sid is set",
			"write the sender's number, or the SID of a messaging service")
	case GatewaySNS:
		k.smsNeeds("sms.sns_region", s.SNSRegion != "", "write the region, such as ap-northeast-1")
	case GatewayWebhook:
		k.smsNeeds("sms.webhook_url", s.WebhookURL != "", "write the address that takes the requests, such as https://sms.example.jp/futakagi")
		k.smsNeeds("sms.webhook_secret", s.WebhookSecret.IsSet(), "write the output of 'openssl rand -hex 32' to a file and name it with FUTAKAGI_SMS__WEBHOOK_SECRET_FILE")
	}
}

// smsForms checks the form of what is set for any gateway, so that a mistake shows before the gateway is chosen.
func (k checker) smsForms(s SMS) {
	k.check("sms.twilio_account_sid", s.TwilioAccountSID == "" || accountSID.MatchString(s.TwilioAccountSID), "it is not the SID of an account", "write AC and 32 hexadecimal digits")
	k.check("sms.twilio_messaging_service_sid", s.TwilioMessagingServiceSID == "" || serviceSID.MatchString(s.TwilioMessagingServiceSID),
		"it is not the SID of a messaging service", "write MG and 32 hexadecimal digits")
	k.endpoint("sms.twilio_url", s.TwilioURL)
	k.check("sms.sns_region", s.SNSRegion == "" || awsRegion.MatchString(s.SNSRegion), quote(s.SNSRegion)+" is not the name of a region", "write it like ap-northeast-1")
	k.endpoint("sms.sns_endpoint", s.SNSEndpoint)
	k.check("sms.sns_access_key_id", s.SNSAccessKeyID != "" || !s.SNSSecretAccessKey.IsSet(), "it is missing although sms.sns_secret_access_key is set", "write the access key, or leave both out")
	k.check("sms.sns_secret_access_key", s.SNSSecretAccessKey.IsSet() || s.SNSAccessKeyID == "", "it is missing although sms.sns_access_key_id is set",
		"set FUTAKAGI_SMS__SNS_SECRET_ACCESS_KEY or FUTAKAGI_SMS__SNS_SECRET_ACCESS_KEY_FILE, or leave both out")
	k.endpoint("sms.webhook_url", s.WebhookURL)
	k.check("sms.webhook_secret", !s.WebhookSecret.IsSet() || len(s.WebhookSecret.Reveal()) >= minWebhookSecret, "it is too short to sign with", "make one with 'openssl rand -hex 32'")
}

func (k checker) smsNeeds(key string, set bool, fix string) {
	k.check(key, set, "it is missing although sms.gateway asks for it", fix)
}

// endpoint checks the address of a service that is sent secrets. The address is not repeated: it may hold one itself.
func (k checker) endpoint(key, v string) {
	if v == "" {
		return
	}
	u, err := url.Parse(v)
	if !k.check(key, err == nil && (u.Scheme == "https" || u.Scheme == "http") && isHost(u.Host) && u.User == nil && u.Fragment == "",
		"it is not the address of a service", "write it like https://sms.example.jp/path") {
		return
	}
	k.check(key, u.Scheme == "https" || isLoopback(u.Hostname()), "http is allowed only to a loopback host", "write https://")
}
