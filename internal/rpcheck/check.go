package rpcheck

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config says what is to be checked.
type Config struct {
	// Issuer is the address of the test issuer, as the relying party is configured with it. Required.
	Issuer string
	// ClientID is what the relying party calls itself there; its secret may be any. Required.
	ClientID string
	// Alg signs ID tokens: RS256 (if empty) or ES256.
	Alg string
	// Wait is how long to wait for a relying party that is not there yet, or does not know the issuer yet.
	Wait time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Outcome is what came of looking at a rule.
type Outcome string

// The outcomes. Skipped rules could not be looked at: what they are about did not happen.
const (
	Passed  Outcome = "passed"
	Broken  Outcome = "broken"
	Skipped Outcome = "skipped"
)

// Result is the judgement by one rule.
type Result struct {
	Rule
	Outcome Outcome
}

// Errors that end a check.
var (
	// ErrNoSignIn says that the relying party does not send browsers to the test issuer.
	ErrNoSignIn = errors.New("the address does not lead to the test issuer's /authorize")
	// ErrGoodRefused says that the relying party refuses a sign-in about which everything is right.
	ErrGoodRefused = errors.New("a sign-in about which everything is right is not accepted")
)

// Checker is a check with its test issuer.
type Checker struct {
	config Config
	issuer *issuer
	// signIn leads to a sign-in, and page shows whether somebody is signed in.
	signIn, page string
	// gated says that nobody gets a page there without being signed in.
	gated bool
}

// New makes the test issuer.
func New(c Config) (*Checker, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Alg == "" {
		c.Alg = "RS256"
	}
	if err := isAddress("the issuer", c.Issuer); err != nil {
		return nil, err
	}
	if c.ClientID == "" || c.Alg != "RS256" && c.Alg != "ES256" {
		return nil, errors.New("a client id and the algorithm RS256 or ES256 are needed")
	}
	i, err := newIssuer(c)
	if err != nil {
		return nil, fmt.Errorf("make keys of the test issuer: %w", err)
	}
	return &Checker{config: c, issuer: i}, nil
}

// ErrAddress says that something is no address.
var ErrAddress = errors.New("not an http or https address")

func isAddress(what, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
		return fmt.Errorf("%s is %w", what, ErrAddress)
	}
	return nil
}

// Handler is the test issuer. Whoever runs a check serves it at the issuer's address.
func (c *Checker) Handler() http.Handler { return c.issuer }

// Run drives sign-ins at the relying party, good ones first, and returns what each rule has to say. They begin at its address signIn.
// Whether somebody is signed in shows at its address page; if that is empty, where a good sign-in ends.
func (c *Checker) Run(ctx context.Context, signIn, page string) ([]Result, error) {
	c.signIn, c.page = signIn, page
	if err := isAddress("the address of the sign-in", signIn); err != nil {
		return nil, err
	}
	if page != "" {
		if err := isAddress("the page", page); err != nil {
			return nil, err
		}
	}
	first, err := c.await(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.learn(ctx, first); err != nil {
		return nil, err
	}
	second, err := c.ask(ctx, probe{})
	if err != nil {
		return nil, err
	}
	if signedIn, err := c.finish(ctx, second); err != nil {
		return nil, err
	} else if !signedIn {
		return nil, ErrGoodRefused
	}
	results := judgeRequests(c.config.ClientID, first.request, second.request)
	results = append(results, c.judgeTokens(first, second)...)
	for _, p := range probes() {
		result, err := c.try(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.rule, err)
		}
		results = append(results, result)
	}
	return results, nil
}

// visit is a sign-in on its way: the browser at the issuer's door.
type visit struct {
	*round
	b *browser
}

// ask lets a new browser begin a sign-in.
func (c *Checker) ask(ctx context.Context, p probe) (*visit, error) {
	b := newBrowser(c.issuer.url + "/authorize")
	at, err := b.get(ctx, c.signIn)
	if err != nil {
		return nil, err
	}
	if at.request == nil {
		return nil, fmt.Errorf("%w: it ends at %s (%d)", ErrNoSignIn, withoutQuery(at.url), at.status)
	}
	return &visit{round: c.issuer.begin(p, at.request), b: b}, nil
}

// await is the first ask, repeated for a while.
func (c *Checker) await(ctx context.Context) (*visit, error) {
	deadline := time.Now().Add(c.config.Wait)
	for {
		v, err := c.ask(ctx, probe{})
		if err == nil || time.Now().After(deadline) {
			return v, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// deliver takes the issuer's answer to the relying party.
func (c *Checker) deliver(ctx context.Context, v *visit, b *browser) (page, error) {
	q := url.Values{"code": {v.code}, "iss": {c.issuer.url}}
	if state := v.request.Get("state"); state != "" {
		q.Set("state", state)
	}
	if v.probe.answer != nil {
		v.probe.answer(q, c.issuer.url)
	}
	to, _, _ := strings.Cut(v.request.Get("redirect_uri"), "#")
	if v.request.Get("response_mode") == "form_post" {
		return b.post(ctx, to, q)
	}
	sep := "?"
	if strings.Contains(to, "?") {
		sep = "&"
	}
	return b.get(ctx, to+sep+q.Encode())
}

// learn finishes the first good sign-in and finds out how to tell who is signed in.
func (c *Checker) learn(ctx context.Context, v *visit) error {
	end, err := c.deliver(ctx, v, v.b)
	if err != nil {
		return err
	}
	if end.request != nil || end.status > 299 {
		return fmt.Errorf("%w: it ends at %s (%d)", ErrGoodRefused, withoutQuery(end.url), end.status)
	}
	if c.page == "" {
		c.page = end.url.String()
	}
	stranger, err := newBrowser(c.issuer.url+"/authorize").get(ctx, c.page)
	if err != nil {
		return err
	}
	c.gated = stranger.request != nil || stranger.status > 299 || stranger.url.Path != c.pathOf()
	if ok, err := c.signedIn(ctx, v, v.b); err != nil {
		return err
	} else if !ok {
		return fmt.Errorf("%w, or %s does not show it", ErrGoodRefused, withoutQuery(end.url))
	}
	return nil
}

func (c *Checker) pathOf() string {
	u, err := url.Parse(c.page)
	if err != nil {
		return ""
	}
	return u.Path
}

// signedIn reports whether the relying party takes a browser for the person of a sign-in.
func (c *Checker) signedIn(ctx context.Context, v *visit, b *browser) (bool, error) {
	p, err := b.get(ctx, c.page)
	if err != nil {
		return false, err
	}
	if strings.Contains(p.body, v.subject) || strings.Contains(p.body, v.name) || strings.Contains(p.body, strings.ToLower(v.subject)+"@") {
		return true, nil
	}
	return c.gated && p.request == nil && p.status < 300 && p.url.Path == c.pathOf(), nil
}

// finish takes the answer back and looks who is signed in.
func (c *Checker) finish(ctx context.Context, v *visit) (bool, error) {
	if _, err := c.deliver(ctx, v, v.b); err != nil {
		return false, err
	}
	return c.signedIn(ctx, v, v.b)
}

// try tells one lie.
func (c *Checker) try(ctx context.Context, p probe) (Result, error) {
	result := Result{Rule: ruleOf(p.rule), Outcome: Passed}
	v, err := c.ask(ctx, p)
	if err != nil {
		return result, err
	}
	if p.needs != "" && v.request.Get(p.needs) == "" {
		result.Outcome = Skipped
		return result, nil
	}
	b := v.b
	switch {
	case p.stranger:
		b = newBrowser(c.issuer.url + "/authorize")
	case p.again, p.fixation:
		// Somebody else has the cookies from before the sign-in.
		b = v.b.clone()
		if _, err := c.deliver(ctx, v, v.b); err != nil {
			return result, err
		}
		fixed, err := c.signedIn(ctx, v, b.clone()) // to look may begin another sign-in
		switch {
		case err != nil:
			return result, err
		case fixed && p.fixation:
			result.Outcome = Broken
		case fixed:
			result.Outcome = Skipped // with such cookies there is nothing to be learned
		}
		if fixed || p.fixation {
			return result, nil
		}
	}
	end, err := c.deliver(ctx, v, b)
	if err != nil {
		return result, err
	}
	signedIn, err := c.signedIn(ctx, v, b)
	if err != nil {
		return result, err
	}
	redeemed, _ := c.issuer.seen(v.round)
	switch {
	case p.otherSubject:
		// Nobody has to refuse the sign-in, but what userinfo said must not be used.
		result.Outcome, err = c.usesOther(ctx, v, signedIn)
		return result, err
	case signedIn, p.front && redeemed > 0, !p.mayFail && end.status > 499:
		result.Outcome = Broken
	}
	return result, nil
}

// usesOther looks for what userinfo said of somebody else. Where a page shows neither that nor the person's own name, nothing can be told.
func (c *Checker) usesOther(ctx context.Context, v *visit, signedIn bool) (Outcome, error) {
	p, err := v.b.get(ctx, c.page)
	switch {
	case err != nil:
		return Skipped, err
	case strings.Contains(p.body, v.other()):
		return Broken, nil
	case !signedIn, strings.Contains(p.body, v.name), strings.Contains(p.body, v.subject):
		return Passed, nil
	default:
		return Skipped, nil
	}
}

// judgeRequests looks at the authorization requests of two sign-ins.
func judgeRequests(clientID string, first, second url.Values) []Result {
	challenge, state, nonce := first.Get("code_challenge"), first.Get("state"), first.Get("nonce")
	prompts := strings.Fields(first.Get("prompt"))
	broken := map[string]bool{
		"request.duplicates":    repeated(first),
		"request.client_id":     first.Get("client_id") != clientID,
		"request.response_type": first.Get("response_type") != "code",
		"request.scope":         !slices.Contains(strings.Fields(first.Get("scope")), "openid"),
		"request.redirect_uri":  !goodRedirect(first.Get("redirect_uri")),
		"request.state":         len(state) < 16,
		"request.state_fresh":   state != "" && state == second.Get("state"),
		"request.nonce":         nonce == "",
		"request.nonce_fresh":   nonce != "" && nonce == second.Get("nonce"),
		"request.pkce":          len(challenge) != 43 || first.Get("code_challenge_method") != "S256",
		"request.pkce_fresh":    challenge != "" && challenge == second.Get("code_challenge"),
		"request.prompt":        slices.Contains(prompts, "none") && len(prompts) > 1,
	}
	var results []Result
	for _, r := range requestRules() {
		result := Result{Rule: r, Outcome: Passed}
		if broken[r.ID] {
			result.Outcome = Broken
		}
		results = append(results, result)
	}
	return results
}

func repeated(q url.Values) bool {
	for _, values := range q {
		if len(values) > 1 {
			return true
		}
	}
	return false
}

// goodRedirect reports whether an answer may go there: by https, to this machine, or to an application by its own scheme.
func goodRedirect(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || !u.IsAbs() || u.Fragment != "" || strings.HasSuffix(raw, "#") {
		return false
	}
	switch u.Scheme {
	case "https":
		return u.Host != ""
	case "http":
		ip, err := netip.ParseAddr(u.Hostname())
		return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	default:
		return strings.Contains(u.Scheme, ".") // RFC 8252 7.1: a domain name, turned round
	}
}

// judgeTokens looks at the token requests of good sign-ins.
func (c *Checker) judgeTokens(visits ...*visit) []Result {
	var results []Result
	for _, r := range tokenRules() {
		result := Result{Rule: r, Outcome: Passed}
		for _, v := range visits {
			redeemed, broken := c.issuer.seen(v.round)
			if slices.Contains(broken, r.ID) || r.ID == "token.once" && redeemed > 1 {
				result.Outcome = Broken
			}
		}
		results = append(results, result)
	}
	return results
}

func withoutQuery(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
