package config

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"net/mail"
	"regexp"
	"strings"
)

var snsTopic = regexp.MustCompile(`^arn:aws(-cn|-us-gov)?:sns:[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}:[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)

// longestBounceLocal leaves room for a token in the part of an address before the @.
const longestBounceLocal = 21

func (k checker) reports(c *Config) {
	r := c.Reports
	k.check("reports.secret", !r.Secret.IsSet() || len(r.Secret.Reveal()) >= minWebhookSecret, "it is too short to sign with", "make one with 'openssl rand -hex 32'")
	for _, topic := range r.SESTopics {
		k.check("reports.ses_topics", snsTopic.MatchString(topic), "entry "+quote(topic)+" is not a topic", "write the whole ARN, such as arn:aws:sns:ap-northeast-1:000000000000:mail-events")
	}
	k.check("reports.sendgrid_key", r.SendGridKey == "" || isECKey(r.SendGridKey), "it is not a key for ECDSA", "copy the verification key from SendGrid's mail settings")
	k.oneOf("reports.twilio_status", r.TwilioStatus, GatewayNone, StatusCallback)
	k.check("reports.twilio_status", r.TwilioStatus != StatusCallback || c.SMS.Gateway == GatewayTwilio, "sms.gateway is not twilio", "leave it out")
	if to := c.SMTP.BounceTo; to != "" {
		a, err := mail.ParseAddress(to)
		local, _, _ := strings.Cut(to, "@")
		k.check("smtp.bounce_to", err == nil && a.Address == to && !hasControl(to) && len(local) <= longestBounceLocal,
			quote(to)+" is not a plain mail address with at most 21 characters before the @", "write an address like bounce@example.jp")
	}
}

func isECKey(text string) bool {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	key, err := x509.ParsePKIXPublicKey(der)
	_, ok := key.(*ecdsa.PublicKey)
	return err == nil && ok
}
