package templates

// ConsentView asks what an application may learn about the person (OpenID Connect Core §3.1.2.4). Fields: decision, account.
type ConsentView struct {
	Action, CancelAction string
	// App is the application's name, LogoURL where its picture is, which it may lack.
	App, LogoURL string
	// ThirdParty is whether the application is somebody else's.
	ThirdParty bool
	// AppURL is its own page, AppHost the host of that; empty if it named none.
	AppURL, AppHost string
	// Name and LoginID say who is asked, Account ties the form to them.
	Name, LoginID, Account string
	// Scopes are what the application asks for.
	Scopes []ScopeLine
	// PolicyURL and TermsURL are the application's own; empty if it named none.
	PolicyURL, TermsURL string
	// ReturnHost is where the browser goes next.
	ReturnHost string
	// SettingsURL is where consent is taken back; empty means the customers' page.
	SettingsURL string
	// Problem is a finished sentence about a form without a decision.
	Problem string
}

// Invalid reports whether the page answers a refused form.
func (v ConsentView) Invalid() bool { return v.Problem != "" }

// ScopeLine is one thing that an application learns or may do.
type ScopeLine struct {
	// Scope is the value of the protocol; its words come from the catalogue, and it stands for itself if that has none.
	Scope string
	// Values are what the application gets to read now.
	Values []string
	// New is whether the person has not allowed it before, while they have allowed other things.
	New bool
}

// SecurityApp is one application that the person has allowed something.
type SecurityApp struct {
	// LogoURL is empty for one without a logo.
	Name, LogoURL string
	// Scopes are what was allowed, as values of the protocol.
	Scopes              []string
	GrantedAt, GrantISO string
	// RevokeAction receives the POST of 連携解除; on the person's own page a GET, which asks first.
	RevokeAction string
}

// AccountAccess is where a person is signed in and what they allow, on the operators' page of their account.
type AccountAccess struct {
	// Sessions counts the browsers signed in; EndAction receives the POST that ends them, empty hides the button.
	Sessions  int
	EndAction string
	// Apps are what the person allows; without RevokeAction there is no button.
	Apps []SecurityApp
}

// AppRevokeView asks before what an application was allowed is taken back.
type AppRevokeView struct {
	Action, BackURL string
	App, LogoURL    string
	Scopes          []string
}

// ScopeNames names what scopes stand for, in a language.
func (s *Set) ScopeNames(lang Lang, scopes []string) []string {
	var names []string
	for _, scope := range scopes {
		if name := scopeName(s.catalogs[frameLang(Frame{Lang: lang})], scope); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// scopeName says what a scope stands for; empty for openid, which stands for signing in and no more.
func scopeName(c catalog, scope string) string {
	if scope == "openid" {
		return ""
	}
	if name, ok := c["scope.name."+scope]; ok {
		return name
	}
	return c.text("scope.other", "scope", scope)
}

// scopeMore explains a scope that needs it; empty for the others.
func scopeMore(c catalog, scope string) string { return c["scope.more."+scope] }

func scopeNames(c catalog, scopes []string) []string {
	var names []string
	for _, scope := range scopes {
		if name := scopeName(c, scope); name != "" {
			names = append(names, name)
		}
	}
	return names
}
