package templates

import "net/url"

// Text is one short text in both languages.
type Text struct{ Ja, En string }

// In returns the text in lang.
func (t Text) In(lang Lang) string {
	if lang == En {
		return t.En
	}
	return t.Ja
}

func (t Text) or(ja, en string) Text {
	if t.Ja == "" {
		t.Ja = ja
	}
	if t.En == "" {
		t.En = en
	}
	return t
}

// The environments a console badge can name.
const (
	EnvironmentProduction = "production"
	EnvironmentDemo       = "demo"
)

// Brand is what the configuration says about the provider's look and addresses. All fields are optional.
type Brand struct {
	// Name is the provider's name, used in mail subjects and as the base of the next two; default Futakagi.
	Name string
	// AccountName heads the customers' pages; default "<Name> アカウント" / "<Name> Account".
	AccountName Text
	// ConsoleName heads the operators' pages; default "<Name> 認証管理" / "<Name> Identity Admin".
	ConsoleName Text
	// HelpURL, ContactURL and PrivacyURL fill the footer; an empty one is left out.
	HelpURL, ContactURL, PrivacyURL string
	// ForgotURL is where a customer who forgot the password goes; our own page if empty.
	ForgotURL string
	// MyPageURL is the way back from the self-service and error pages; empty hides it.
	MyPageURL string
	// MailFrom is the sender address shown to people whose mail is filtered.
	MailFrom string
	// Zone names the display zone in words; default 日本時間 / JST.
	Zone Text
	// Environment is the console's badge: EnvironmentProduction, EnvironmentDemo, or empty for none.
	Environment string
}

func (b Brand) withDefaults() Brand {
	if b.Name == "" {
		b.Name = "Futakagi"
	}
	b.AccountName = b.AccountName.or(b.Name+" アカウント", b.Name+" Account")
	b.ConsoleName = b.ConsoleName.or(b.Name+" 認証管理", b.Name+" Identity Admin")
	b.Zone = b.Zone.or("日本時間", "JST")
	return b
}

// Forgot returns where somebody goes who forgot the password: what is configured for customers, or our own page, which leads back
// to the sign-in that flow names, if it is not empty.
func (b Brand) Forgot(operator bool, flow string) string {
	page := PathForgot
	switch {
	case operator:
		page = PathOperatorForgot
	case b.ForgotURL != "":
		return b.ForgotURL
	}
	if flow != "" {
		page += "?flow=" + url.QueryEscape(flow)
	}
	return page
}
