package rpcheck

import (
	"crypto/rand"
	"net/url"
	"time"
)

// signature is how the ID token of a probe is signed; the zero value is as it should be.
type signature int

const (
	signRight signature = iota
	signNone
	signHMAC
	signBroken
	signStranger
)

// probe is one lie, told in one sign-in. The zero value tells the truth.
type probe struct {
	rule string
	// answer changes the authorization response.
	answer func(q url.Values, issuer string)
	// stranger lets a browser take the answer that did not ask for it; again lets the one that asked take it a second time.
	// fixation looks whether the cookies from before the sign-in are those of somebody signed in after it.
	stranger, again, fixation bool
	// front says that the answer itself is bad: its code must not be redeemed.
	front bool
	// mayFail permits a 5xx: what went wrong is the provider's fault.
	mayFail bool
	// refuse lets the token endpoint refuse; noIDToken leaves the ID token out.
	refuse, noIDToken bool
	// claims and sign change the ID token.
	claims func(c map[string]any, now time.Time)
	sign   signature
	// otherSubject lets userinfo speak of somebody else.
	otherSubject bool
	// needs names the parameter of the request without which the lie is none.
	needs string
}

// change is a probe of one claim; without a value it is left out.
func change(rule, claim string, value any) probe {
	return probe{rule: rule, mayFail: true, claims: func(c map[string]any, _ time.Time) {
		if delete(c, claim); value != nil {
			c[claim] = value
		}
	}}
}

func probes() []probe {
	drop := func(name string) func(url.Values, string) { return func(q url.Values, _ string) { q.Del(name) } }
	set := func(name, value string) func(url.Values, string) {
		return func(q url.Values, _ string) { q.Set(name, value) }
	}
	failure := func(keepCode bool) func(url.Values, string) {
		return func(q url.Values, _ string) {
			if !keepCode {
				q.Del("code")
			}
			q.Set("error", "access_denied")
			q.Set("error_description", "the person said no")
		}
	}
	nonceWrong, nonceMissing := change("id_token.nonce_wrong", "nonce", rand.Text()), change("id_token.nonce_missing", "nonce", nil)
	nonceWrong.needs, nonceMissing.needs = "nonce", "nonce"
	return []probe{
		{rule: "answer.state_missing", front: true, mayFail: true, answer: drop("state")},
		{rule: "answer.state_wrong", front: true, mayFail: true, answer: set("state", rand.Text())},
		{rule: "answer.other_browser", front: true, mayFail: true, stranger: true},
		{rule: "answer.iss_wrong", front: true, mayFail: true, answer: set("iss", "https://issuer.invalid")},
		{rule: "answer.iss_missing", front: true, mayFail: true, answer: drop("iss")},
		{rule: "answer.error", front: true, answer: failure(false)},
		{rule: "answer.error_with_code", front: true, mayFail: true, answer: failure(true)},
		{rule: "answer.replayed", mayFail: true, again: true},
		{rule: "session.fixation", mayFail: true, fixation: true},
		{rule: "token.refused", mayFail: true, refuse: true},
		{rule: "id_token.absent", mayFail: true, noIDToken: true},
		nonceWrong,
		nonceMissing,
		change("id_token.aud_wrong", "aud", "another-application"),
		change("id_token.iss_wrong", "iss", "https://issuer.invalid"),
		{rule: "id_token.expired", mayFail: true, claims: func(c map[string]any, now time.Time) {
			c["iat"], c["exp"] = now.Add(-2*time.Hour).Unix(), now.Add(-time.Hour).Unix()
		}},
		change("id_token.sub_missing", "sub", nil),
		{rule: "id_token.alg_none", mayFail: true, sign: signNone},
		{rule: "id_token.alg_hmac", mayFail: true, sign: signHMAC},
		{rule: "id_token.signature", mayFail: true, sign: signBroken},
		{rule: "id_token.key_unknown", mayFail: true, sign: signStranger},
		change("id_token.at_hash", "at_hash", b64(make([]byte, 16))),
		{rule: "userinfo.other_subject", mayFail: true, otherSubject: true},
	}
}
