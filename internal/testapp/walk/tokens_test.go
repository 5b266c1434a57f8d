package walk_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/futakagi/futakagi/internal/testapp"
)

// codeArrived judges an authorization code that a browser brings to a relying party, and redeems it unless that is to come later.
func (w *walk) codeArrived(c *call, code, state string) {
	w.secret(code, "an authorization code")
	g := &grant{name: "G" + strconv.Itoa(len(w.grants)+1), at: w.now(), code: code}
	switch {
	case c.url.Path == "/signin/continue" && c.flow != nil && c.flow.session != nil:
		g.opening, g.session = c.flow.opening, c.flow.session
	case c.url.Path == "/authorize":
		g.opening, _ = w.openingOf(c.url)
		if g.session = c.session; c.session == nil {
			w.fail("%s: a code for nobody", c)
		}
		g.session.seen = w.now()
	default:
		w.fail("%s: a code comes from nowhere", c)
	}
	if g.opening.client == "" {
		w.fail("%s: a code for nobody's client", c)
	}
	g.client, g.person, g.surface = g.opening.client, g.session.person, w.surfaces[g.opening.surface]
	g.proofs = g.session.proofs.since(g.opening.after).since(w.now().Add(-absoluteLimit(g.person.kind)))
	if g.person.disabled || g.session.dead {
		w.fail("%s: a code of %s, who is gone", c, g.person.name)
	}
	if err := w.enough(g.person, g.surface, g.proofs, g.opening.asked, false); err != nil {
		w.fail("%s: a code of %s, who did not prove enough: %v", c, g.person.name, err)
	}
	if asks(g.client) && !g.person.held.apps[g.client] {
		w.fail("%s: a code for %s, which %s did not allow", c, g.client, g.person.name)
	}
	g.exempt = w.exempt(g.person)
	w.grants = append(w.grants, g)
	w.tally["codes"]++
	if state != stateLater {
		w.redeem(g)
	}
}

// stateLater marks requests whose code waits for its redemption.
const stateLater = "later"

// redeem presents a code, whatever became of it meanwhile, and judges what comes of that.
func (w *walk) redeem(g *grant) {
	rp, life := w.clients[g.client], time.Minute
	var r testapp.Reply
	if g.device == nil {
		r = rp.Redeem(g.code)
	} else {
		r, life = rp.Poll(g.code), deviceLife
	}
	w.t.Logf("%s of %s is redeemed → %d %s", g.name, g.person.name, r.Status, r.Str("error"))
	if e := r.Str("error"); g.device != nil && (e == "slow_down" || e == "expired_token") {
		return // before the code was looked at
	}
	alive := !g.dead && !g.spent && !g.person.disabled && w.now().Sub(g.at) < life
	replayed := g.spent
	g.spent = true
	switch {
	case r.Status >= 500:
		w.fail("%s: redemption answers %d", g.name, r.Status)
	case r.Status != 200 && replayed:
		g.dead = true // whoever presents a code twice ends what came of it
		return
	case r.Status != 200:
		return
	case !alive:
		w.fail("%s: a code that is over is redeemed (I11, I20)", g.name)
	}
	if err := w.enough(g.person, g.surface, g.proofs, g.opening.asked, false); err != nil {
		w.fail("%s: a code is redeemed that does not do any more: %v (I16)", g.name, err)
	}
	w.tokens(g, r)
}

// tokens judges what the token endpoint answered.
func (w *walk) tokens(g *grant, r testapp.Reply) {
	g.access, g.refresh = r.Str("access_token"), r.Str("refresh_token")
	w.secret(g.access, "an access token")
	w.secret(g.refresh, "a refresh token")
	claims := idToken(r)
	if claims == nil {
		w.fail("%s: no ID token in %s", g.name, r.Body)
	}
	if err := w.claims(g, claims); err != nil {
		w.fail("%s of %s (%s): the ID token says what was not proved: %v\nclaims %v\nproved %v", g.name, g.person.name, g.session, err, claims, g.proofs)
	}
	if sid, _ := claims["sid"].(string); g.session.sid != sid {
		w.fail("%s: sid %s became %s", g.name, g.session.sid, sid)
	}
	rp := w.clients[g.client]
	for where, other := range map[string]testapp.Reply{
		"userinfo": w.Userinfo(w.tb, g.access), "introspection": rp.Introspect(g.access), "introspection of the refresh token": rp.Introspect(g.refresh),
	} {
		if other.Status != 200 {
			w.fail("%s: %s answers %d", g.name, where, other.Status)
		}
		for _, name := range []string{"sub", "acr", "amr", "auth_time", "urn:futakagi:2fa"} {
			if fmt.Sprint(other.JSON[name]) != fmt.Sprint(claims[name]) {
				w.fail("%s: %s says %s %v, the ID token %v", g.name, where, name, other.JSON[name], claims[name])
			}
		}
	}
	w.tally[fmt.Sprintf("tokens %v", claims["acr"])]++
	w.t.Logf("  %s: acr %v, amr %v", g.name, claims["acr"], claims["amr"])
}

// idToken is the content of an answer's ID token, nil if it has none.
func idToken(r testapp.Reply) map[string]any {
	parts := strings.Split(r.Str("id_token"), ".")
	if len(parts) != 3 {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return nil
	}
	return claims
}

// row is one line of the product's table of sign-ins.
type row struct {
	amr    []string
	level  level
	method string
	via    string
}

// table is that of product §2. The second line of passkeys is for those that may exist in several places.
var table = []row{
	{amr: []string{"pwd"}, level: oneFactor},
	{amr: []string{"pwd"}, level: oneFactor, method: pass, via: "ticket"},
	{amr: []string{"pwd", "rba"}, level: oneFactor, method: device, via: "trusted_device"},
	{amr: []string{"pwd", "mca", "mfa"}, level: byMail, method: email, via: "code"},
	{amr: []string{"pwd", "sms", "mca", "mfa"}, level: twoFactors, method: sms, via: "code"},
	{amr: []string{"pwd", "otp", "mfa"}, level: twoFactors, method: totp, via: "code"},
	{amr: []string{"pwd", "otp", "mfa"}, level: twoFactors, method: backup, via: "backup"},
	{amr: []string{"pwd", "pop", "user", "mfa"}, level: phishingProof, method: passkey, via: "passkey"},
	{amr: []string{"pwd", "pop", "user", "mfa", "swk"}, level: phishingProof, method: passkey, via: "passkey"},
	{amr: []string{"pop", "user", "mfa"}, level: phishingProof, method: passkey, via: "passkey"},
	{amr: []string{"pop", "user", "mfa", "swk"}, level: phishingProof, method: passkey, via: "passkey"},
}

// claims returns nil if what a token says about a sign-in is a line of the table, and was proved (I1).
func (w *walk) claims(g *grant, claims map[string]any) error {
	var said struct {
		Subject   string   `json:"sub"`
		ACR       string   `json:"acr"`
		AMR       []string `json:"amr"`
		AuthTime  int64    `json:"auth_time"`
		TwoFactor *struct {
			Method     string `json:"method"`
			Via        string `json:"via"`
			VerifiedAt int64  `json:"verified_at"`
		} `json:"urn:futakagi:2fa"`
	}
	raw, err := json.Marshal(claims)
	w.must(err)
	w.must(json.Unmarshal(raw, &said))
	switch {
	case said.Subject != string(g.person.id):
		return fmt.Errorf("about %s, not %s", said.Subject, g.person.id)
	case levelOf(said.ACR) < g.opening.asked:
		return fmt.Errorf("asked for was level %d", g.opening.asked)
	case said.AuthTime < g.opening.after.Unix():
		return fmt.Errorf("proved before %s", g.opening.after)
	}
	if said.TwoFactor != nil && said.TwoFactor.Via == "exemption" {
		if !g.exempt {
			return fmt.Errorf("an exemption")
		}
		w.tally["tokens of the exempt"]++
		// What was proved all the same is a line of the table, as if there were no exemption.
		if said.TwoFactor.Via = map[string]string{backup: "backup", passkey: "passkey"}[said.TwoFactor.Method]; said.TwoFactor.Via == "" {
			said.TwoFactor.Via = "code"
		}
		if said.TwoFactor.Method == "" {
			said.TwoFactor = nil
		}
	}
	if said.TwoFactor != nil && said.TwoFactor.Via == "ticket" && said.TwoFactor.Method != pass {
		// A factor that was set up on a ticket is a line of the table, as if it had been proved.
		if len(g.proofs.by(ticket)) == 0 {
			return fmt.Errorf("a ticket")
		}
		if said.TwoFactor.Via = "code"; said.TwoFactor.Method == passkey {
			said.TwoFactor.Via = "passkey"
		}
		w.tally["tokens of factors set up on a ticket"]++
	}
	var second proofs
	line := row{}
	for _, line = range table {
		if !slices.Equal(line.amr, said.AMR) || acrs[line.level] != said.ACR || (said.TwoFactor != nil) != (line.via != "") {
			continue
		}
		if line.via == "" {
			break
		}
		if line.via != said.TwoFactor.Via {
			continue
		}
		second = g.proofs.by(line.method).only(func(p proof) bool {
			synced := slices.Contains(line.amr, "swk")
			switch line.method {
			case device:
				return g.surface.id == "store" && p.stands == said.TwoFactor.Method && p.since.Unix() == said.TwoFactor.VerifiedAt
			case passkey:
				if p.synced != synced || !p.verified && line.amr[0] != "pwd" {
					return false
				}
			}
			return line.method == said.TwoFactor.Method && p.at.Unix() == said.TwoFactor.VerifiedAt
		})
		if len(second) > 0 {
			break
		}
	}
	switch {
	case !slices.Equal(line.amr, said.AMR) || acrs[line.level] != said.ACR:
		return fmt.Errorf("no line of the table")
	case line.via != "" && len(second) == 0:
		return fmt.Errorf("the second factor")
	}
	// Nothing that the relying party concludes from auth_time may be younger than what it rests on.
	if line.amr[0] == "pwd" {
		first := g.proofs.by(password)
		if len(first) == 0 || said.AuthTime > first[len(first)-1].at.Unix() {
			return fmt.Errorf("the password")
		}
	}
	for _, p := range second {
		if line.method != device && said.AuthTime <= p.at.Unix() {
			return nil
		}
	}
	if line.via == "" || line.method == device {
		return nil
	}
	return fmt.Errorf("auth_time is after the second factor")
}

// checkTokens presents a grant's tokens, which must be worth nothing once it is over.
func (w *walk) checkTokens(g *grant) {
	if g.access == "" {
		return
	}
	rp := w.clients[g.client]
	over := g.dead || g.person.disabled
	if over && rp.Active(g.access) || over && w.Userinfo(w.tb, g.access).Status == 200 {
		w.fail("%s of %s is over, and its access token is accepted (I11)", g.name, g.person.name)
	}
	if over && rp.Active(g.refresh) {
		w.fail("%s of %s is over, and its refresh token is accepted (I11)", g.name, g.person.name)
	}
}

// renewTokens presents a grant's refresh token, and judges what comes of that.
func (w *walk) renewTokens(g *grant) {
	if g.refresh == "" {
		return
	}
	former := g.refresh
	r := w.clients[g.client].Refresh(former)
	w.t.Logf("%s of %s is refreshed → %d", g.name, g.person.name, r.Status)
	w.outlives(g, r.Status)
	switch {
	case r.Status >= 500:
		w.fail("%s: refresh answers %d", g.name, r.Status)
	case r.Status != 200:
		return
	case g.dead || g.person.disabled:
		w.fail("%s of %s is over, and is refreshed (I11, I22)", g.name, g.person.name)
	}
	// Proofs do not grow old in a grant, which has limits of its own; but they have to do.
	if err := w.stillEnough(g); err != nil {
		w.fail("%s is refreshed and does not do any more: %v (I16, I22)", g.name, err)
	}
	w.tokens(g, r)
	w.tally["refreshes"]++
	if w.flip("replay the refresh token") {
		if r := w.clients[g.client].Refresh(former); r.Status == 200 {
			w.fail("%s: a refresh token is accepted twice (I22)", g.name)
		}
		g.dead = true
	}
}

// stillEnough is enough for proofs that do not grow old.
func (w *walk) stillEnough(g *grant) error {
	young := slices.Clone(g.proofs)
	for i := range young {
		young[i].at = w.now()
	}
	return w.enough(g.person, g.surface, young, unknown, false)
}
