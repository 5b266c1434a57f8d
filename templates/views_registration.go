package templates

// RegistrationTokensView is 連携アプリケーション → 初期アクセストークン. Fields of a new one: label, days, uses.
type RegistrationTokensView struct {
	Action, BackURL   string
	Rows              []RegistrationTokenRow
	Label, Days, Uses string
	Errors            map[string]string
}

// Invalid reports whether the page answers a refused form.
func (v RegistrationTokensView) Invalid() bool { return len(v.Errors) > 0 }

// RegistrationTokenRow is one initial access token.
type RegistrationTokenRow struct {
	Label string
	// State is live, used_up, expired or revoked.
	State, CreatedBy      string
	Uses, MaxUses         int
	CreatedAt, CreatedISO string
	ExpiresAt, ExpiresISO string
	// RevokeURL leads to where a live one is taken back.
	RevokeURL string
}

// RegistrationTokenRevokeView asks before an initial access token is taken back.
type RegistrationTokenRevokeView struct {
	Action, BackURL string
	Token           RegistrationTokenRow
}

// RegistrationTokenIssuedView shows an initial access token, once. Token is empty where there is none to show any more.
type RegistrationTokenIssuedView struct {
	BackURL, Label, Token string
	// Endpoint is where an application registers itself.
	Endpoint string
}
