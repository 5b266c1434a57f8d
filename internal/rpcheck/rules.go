package rpcheck

// Level is how bad it is to break a rule.
type Level string

// The levels: a fault breaks what a standard demands or lets an attacker in, a warning leaves out what one recommends.
const (
	Fault   Level = "fault"
	Warning Level = "warning"
)

// Rule is one thing a relying party must do.
type Rule struct {
	// ID names the rule, for programs.
	ID    string
	Level Level
	// Section is where the standard says so.
	Section string
	// Ja and En say in plain words what is wrong when it is broken.
	Ja, En string
}

// Rules lists every rule in the order they are looked at.
func Rules() []Rule {
	return append(append(requestRules(), tokenRules()...), probeRules()...)
}

func ruleOf(id string) Rule {
	for _, r := range Rules() {
		if r.ID == id {
			return r
		}
	}
	panic("rpcheck: no rule " + id) // ids are constants of this package, and a test runs all of them
}

func requestRules() []Rule {
	return []Rule{
		{"request.duplicates", Fault, "RFC 6749 3.1", "認可リクエストに同じパラメータが2回あります。", "The authorization request has a parameter twice."},
		{"request.client_id", Fault, "RFC 6749 4.1.1", "client_id が、この検査に設定したものではありません。", "client_id is not the one that this check was told of."},
		{
			"request.response_type", Fault, "RFC 9700 2.1.2", "response_type が code ではありません。トークンがブラウザのURLを通るフローは使わないでください。",
			"response_type is not code: flows that put tokens into the browser's address bar are not to be used any more.",
		},
		{"request.scope", Fault, "OpenID Connect Core 3.1.2.1", "scope に openid がないため、IDトークンを受け取れません。", "scope lacks openid, so that there is no ID token."},
		{
			"request.redirect_uri", Fault, "RFC 9700 2.6, RFC 6749 3.1.2", "redirect_uri が、フラグメントのない https のURL（この端末への http は可）ではありません。",
			"redirect_uri is not an https URL without fragment (http is fine to this machine alone).",
		},
		{"request.state", Fault, "RFC 9700 4.7, RFC 6749 10.12", "state がないか、推測できる短さです。", "state is missing, or short enough to be guessed."},
		{"request.state_fresh", Fault, "RFC 9700 4.7", "2回のサインインで state が同じです。", "Two sign-ins have the same state."},
		{
			"request.nonce", Warning, "OpenID Connect Core 15.5.2, RFC 9700 4.5.3.2", "nonce がありません。IDトークンが、このサインインのものか確かめられません。",
			"There is no nonce: nothing ties the ID token to this sign-in.",
		},
		{"request.nonce_fresh", Fault, "OpenID Connect Core 15.5.2", "2回のサインインで nonce が同じです。", "Two sign-ins have the same nonce."},
		{
			"request.pkce", Fault, "RFC 9700 2.1.1, RFC 7636 4.3", "PKCE（code_challenge、方式は S256）を使っていません。盗まれた認可コードを別の人が使えます。",
			"PKCE with S256 is not used: a stolen code works for whoever stole it.",
		},
		{"request.pkce_fresh", Fault, "RFC 7636 7.1", "2回のサインインで code_challenge が同じです。", "Two sign-ins have the same code_challenge."},
		{"request.prompt", Fault, "OpenID Connect Core 3.1.2.1", "prompt=none をほかの値と組み合わせています。", "prompt=none is combined with another value."},
	}
}

func tokenRules() []Rule {
	return []Rule{
		{
			"token.redirect_uri", Fault, "RFC 6749 4.1.3", "トークンリクエストの redirect_uri が、認可リクエストのものと違います。",
			"redirect_uri at the token endpoint is not that of the authorization request.",
		},
		{"token.verifier", Fault, "RFC 7636 4.5", "code_verifier が、送った code_challenge に合いません。", "code_verifier does not fit the code_challenge that was sent."},
		{
			"token.client", Fault, "RFC 6749 3.2.1", "トークンエンドポイントで、クライアントが正しく名乗っていません（client_id の不一致、または認証方式の重複）。",
			"The client does not say properly who it is at the token endpoint: another client_id, or two ways of authentication at once.",
		},
		{"token.once", Fault, "RFC 6749 4.1.2", "1回のサインインで、認可コードを2回送っています。", "The code is presented twice in one sign-in."},
	}
}

func probeRules() []Rule {
	return []Rule{
		{"answer.state_missing", Fault, "RFC 9700 4.7", "state のない応答を受け入れます。", "It accepts an answer without state."},
		{"answer.state_wrong", Fault, "RFC 9700 4.7", "自分が送ったものと違う state の応答を受け入れます。", "It accepts an answer with another state than it sent."},
		{
			"answer.other_browser", Fault, "RFC 9700 4.7", "別のブラウザで始めたサインインの応答を受け入れます。他人のアカウントでサインインさせられます。",
			"It accepts an answer in a browser that did not start the sign-in: people can be signed in to somebody else's account.",
		},
		{
			"answer.iss_wrong", Fault, "RFC 9207 2.4", "別の発行者の iss が付いた応答を受け入れます（ミックスアップ攻撃）。",
			"It accepts an answer with the iss of another issuer (mix-up attack).",
		},
		{
			"answer.iss_missing", Warning, "RFC 9207 2.4", "発行者が iss を必ず付けると公表しているのに、iss のない応答を受け入れます。",
			"It accepts an answer without iss, although the issuer says that it always sends one.",
		},
		{"answer.error", Fault, "OpenID Connect Core 3.1.2.6", "エラーの応答でサインインさせるか、内部エラー（5xx）になります。", "An error answer signs somebody in, or ends in an internal error (5xx)."},
		{
			"answer.error_with_code", Fault, "RFC 6749 4.1.2.1", "エラーと認可コードが両方ある応答で、コードを使います。",
			"It uses the code of an answer that has an error too.",
		},
		{"answer.replayed", Fault, "RFC 6749 10.5", "使い終わった応答をもう一度受け入れます。", "It accepts an answer that was used before."},
		{
			"session.fixation", Fault, "OWASP ASVS 7.2.4", "サインインの前のCookieが、そのままサインイン済みになります（セッション固定攻撃）。",
			"The cookies from before a sign-in are signed in after it (session fixation).",
		},
		{"token.refused", Fault, "OpenID Connect Core 3.1.3.4", "トークンエンドポイントが拒否したのにサインインさせます。", "It signs somebody in although the token endpoint refused."},
		{"id_token.absent", Fault, "OpenID Connect Core 3.1.3.3", "IDトークンのない応答でサインインさせます。", "It signs somebody in without an ID token."},
		{"id_token.nonce_wrong", Fault, "OpenID Connect Core 3.1.3.7", "nonce が違うIDトークンを受け入れます。", "It accepts an ID token with another nonce."},
		{"id_token.nonce_missing", Fault, "OpenID Connect Core 3.1.3.7", "送った nonce のないIDトークンを受け入れます。", "It accepts an ID token without the nonce that it sent."},
		{"id_token.aud_wrong", Fault, "OpenID Connect Core 3.1.3.7", "別のアプリ宛て（aud）のIDトークンを受け入れます。", "It accepts an ID token for another application (aud)."},
		{"id_token.iss_wrong", Fault, "OpenID Connect Core 3.1.3.7", "別の発行者（iss）のIDトークンを受け入れます。", "It accepts an ID token of another issuer (iss)."},
		{"id_token.expired", Fault, "OpenID Connect Core 3.1.3.7", "期限切れ（exp）のIDトークンを受け入れます。", "It accepts an ID token that has expired (exp)."},
		{"id_token.sub_missing", Fault, "OpenID Connect Core 2", "sub のないIDトークンを受け入れます。", "It accepts an ID token without sub."},
		{"id_token.alg_none", Fault, "OpenID Connect Core 2, RFC 8725 3.1", "署名のない（alg=none）IDトークンを受け入れます。", "It accepts an ID token without a signature (alg none)."},
		{
			"id_token.alg_hmac", Fault, "RFC 8725 3.1", "公開鍵を共有鍵として署名（HS256）したIDトークンを受け入れます。",
			"It accepts an ID token signed with HS256 and the public key as the secret.",
		},
		{
			"id_token.signature", Warning, "OpenID Connect Core 3.1.3.7", "署名が正しくないIDトークンを受け入れます。認められるのは、TLSで直接受け取ったときだけです。",
			"It accepts an ID token whose signature is broken. That is permitted only where it comes straight from the issuer through TLS.",
		},
		{
			"id_token.key_unknown", Warning, "OpenID Connect Core 10.1", "発行者の鍵ではない鍵で署名されたIDトークンを受け入れます。",
			"It accepts an ID token signed with a key that is not the issuer's.",
		},
		{"id_token.at_hash", Warning, "OpenID Connect Core 3.1.3.8", "アクセストークンに合わない at_hash を受け入れます。", "It accepts an at_hash that does not fit the access token."},
		{
			"userinfo.other_subject", Fault, "OpenID Connect Core 5.3.2", "userinfo の sub がIDトークンと違っても、その内容を使います。",
			"It uses what userinfo says although its sub is not that of the ID token.",
		},
	}
}
