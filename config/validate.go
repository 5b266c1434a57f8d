package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/futakagi/futakagi/internal/seal"
)

// checker reports each setting at most once, so that a value of the wrong kind
// is not called out of range as well.
type checker struct {
	*loader
}

func (l *loader) validate(c *Config, needs []Need) {
	k := checker{l}
	k.general(c)
	k.database(c)
	k.smtp(c.SMTP)
	k.sms(c.SMS)
	k.reports(c)
	k.brand(c.Brand)
	k.lifetimes(c)
	k.oneOf("tokens.email_amr", c.Tokens.EmailAMR, "mfa", "mca")
	k.passkey(c)
	k.password(c.Password)
	k.staff(c.Staff)
	k.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	k.oneOf("log.format", c.Log.Format, "json", "text")
	if slices.Contains(needs, ForServe) {
		k.serve(c)
	}
}

func (k checker) check(key string, ok bool, problem, fix string) bool {
	if k.bad[key] {
		return false
	}
	if !ok {
		k.fail(key, k.sources[key], problem, fix)
	}
	return ok
}

// serve checks what only a running server needs.
func (k checker) serve(c *Config) {
	k.check("issuer", c.Issuer != "", "it is missing", "write the address people reach this server under, such as https://id.example.jp")
	if !c.Database.Embedded() && !k.bad["database.url"] {
		k.check("master_key", c.MasterKey.IsSet(), "it is missing, and with PostgreSQL it cannot be made by itself",
			"write the output of 'openssl rand -base64 32' to a file and name it with FUTAKAGI_MASTER_KEY_FILE")
	}
	if c.SMTP.Host == "" && !k.bad["smtp.host"] {
		k.warnings = append(k.warnings, Warning{Key: "smtp.host", Text: "no mail server is set; verification codes and notices stay in the queue until they expire"})
	}
}

func (k checker) general(c *Config) {
	k.issuer(c.Issuer)
	k.address("listen", c.Listen)
	if k.address("management_listen", c.ManagementListen) && !k.bad["listen"] {
		_, port, _ := net.SplitHostPort(c.Listen)
		_, managementPort, _ := net.SplitHostPort(c.ManagementListen)
		k.check("management_listen", port != managementPort || port == "0", "it has the same port as listen", "give the management listener a port of its own, such as :9090")
	}
	for _, host := range c.AllowedHosts {
		k.check("allowed_hosts", isHost(host), "entry "+quote(host)+" is not a host name", "write names only, such as id.internal.example.jp or localhost:8080, without https://")
	}
	for _, network := range c.TrustedProxies {
		k.check("trusted_proxies", network.Bits() > 0, "entry "+quote(network.String())+" trusts every address", "name the networks of the proxies only")
	}
	for _, network := range c.Outbound.Allow {
		k.check("outbound.allow", network.Bits() > 0, "entry "+quote(network.String())+" allows every address", "name the networks of the applications only")
	}
	k.oneOf("outbound.loopback", c.Outbound.Loopback, "refuse", LoopbackAllow)
	k.oneOf("registration.mode", c.Registration.Mode, RegistrationOff, RegistrationToken, RegistrationOpen)
	k.check("registration.surface", c.Registration.Surface != "" && c.Registration.Surface != "admin", quote(c.Registration.Surface)+" is no surface of customers", "write store")
	k.duration("drain_delay", c.DrainDelay, 0, time.Minute)
	if c.MasterKey.IsSet() {
		_, err := seal.ParseMasterKey(c.MasterKey.Reveal())
		k.check("master_key", err == nil, "it is not 32 random bytes in Base64", "make one with 'openssl rand -base64 32'")
	}
	_, err := seal.ParseMasterKeys(c.FormerMasterKeys.Reveal())
	k.check("former_master_keys", err == nil, "one is not 32 random bytes in Base64", "write master keys that were in use, one a line")
	_, err = time.LoadLocation(c.TimeZone)
	k.check("time_zone", err == nil && c.TimeZone != "" && c.TimeZone != "Local", quote(c.TimeZone)+" is not a known time zone", "write a name such as Asia/Tokyo or UTC")
	k.oneOf("language", c.Language, "ja", "en")
	k.oneOf("forwarded_header", c.ForwardedHeader, "X-Forwarded-For", "Forwarded")
}

// passkey checks what browsers would refuse: they let a page use passkeys of its own domain and of its parents only.
func (k checker) passkey(c *Config) {
	issuer, err := url.Parse(c.Issuer)
	if err != nil || c.Issuer == "" {
		return // reported already
	}
	id := c.Passkey.RPID
	if id != "" && !k.check("passkey.rp_id", isHost(id) && within(issuer.Hostname(), id),
		quote(id)+" is neither the issuer's host nor a parent domain of it", "leave it out, or write a domain that "+quote(issuer.Hostname())+" ends in") {
		return
	}
	if id == "" {
		id = issuer.Hostname()
	}
	for _, origin := range c.Passkey.Origins {
		u, err := url.Parse(origin)
		k.check("passkey.origins", err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.Scheme+"://"+u.Host == origin && within(u.Hostname(), id),
			"entry "+quote(origin)+" is not an address below "+quote(id), "write scheme and host only, such as https://id.example.jp")
	}
}

// within reports whether a host is a domain or below it.
func within(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

func (k checker) issuer(issuer string) {
	const key = "issuer"
	if issuer == "" {
		return
	}
	u, err := url.Parse(issuer)
	if !k.check(key, err == nil && (u.Scheme == "https" || u.Scheme == "http") && isHost(u.Host), "it is not an address with scheme and host", "write it like https://id.example.jp") {
		return
	}
	k.check(key, u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && u.Path == "", "it has more than scheme, host and port", "remove everything after the host, also a slash at the end")
	k.check(key, u.Scheme == "https" || isLoopback(u.Hostname()), "http is allowed only on a loopback host", "write https://"+strings.ToLower(u.Host))
	k.check(key, issuer == strings.ToLower(issuer), "it has capital letters", "write it in small letters, as every application must repeat it exactly")
	k.check(key, (u.Scheme != "https" || u.Port() != "443") && (u.Scheme != "http" || u.Port() != "80"), "it names the usual port", "leave :"+u.Port()+" out")
}

func (k checker) database(c *Config) {
	const key = "database.url"
	text := c.Database.URL.Reveal()
	const fix = "write sqlite:futakagi.db or postgres://USER:PASSWORD@HOST/DATABASE"
	switch {
	case c.Database.Embedded():
		path := c.Database.Path()
		k.check(key, path != "" && !strings.Contains(path, ":memory:"), "it names no file for SQLite", "write sqlite:PATH, such as sqlite:/data/futakagi.db")
		k.check(key, !strings.HasPrefix(path, "//") && !strings.ContainsAny(path, "?#"), "SQLite takes a plain path", "write sqlite:PATH without // and without parameters, such as sqlite:/data/futakagi.db")
	case strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://"):
		u, err := url.Parse(text)
		k.check(key, err == nil, "it is not a valid address; a special character in the password may be unescaped", "write such characters as %40 (@), %2F (/), %3A (:)")
		if err == nil {
			k.check(key, u.Host != "" || u.Query().Get("host") != "", "it names no PostgreSQL host", fix)
			k.check(key, strings.Trim(u.Path, "/") != "" || u.Query().Get("dbname") != "", "it names no database", fix)
		}
	default:
		k.check(key, false, "it is neither a SQLite nor a PostgreSQL address", fix)
	}
	k.within("database.max_connections", c.Database.MaxConnections, 2, 1000)
}

func (k checker) smtp(s SMTP) {
	k.check("smtp.host", s.Host == "" || isHost(s.Host) && !strings.Contains(strings.Trim(s.Host, "[]"), ":") || net.ParseIP(s.Host) != nil, quote(s.Host)+" is not a host name", "write the name only, such as smtp.example.jp; the port has a setting of its own")
	k.within("smtp.port", s.Port, 1, 65535)
	k.duration("smtp.timeout", s.Timeout, time.Second, time.Minute)
	if k.oneOf("smtp.tls", s.TLS, "starttls", "implicit", "none") && s.TLS == "none" && s.Host != "" {
		k.check("smtp.tls", isLoopback(s.Host), "mail without TLS is allowed only to a loopback host", "write starttls or implicit")
	}
	k.check("smtp.password", s.Username == "" || s.Password.IsSet(), "it is missing although smtp.username is set", "set FUTAKAGI_SMTP__PASSWORD or FUTAKAGI_SMTP__PASSWORD_FILE")
	k.check("smtp.username", s.Username != "" || !s.Password.IsSet(), "it is missing although smtp.password is set", "write the user name of the mail server")
	k.check("smtp.username", !hasControl(s.Username), "it contains a control character", "write it on one line")
	if s.From != "" {
		a, err := mail.ParseAddress(s.From)
		k.check("smtp.from", err == nil && a.Address == s.From && !hasControl(s.From), quote(s.From)+" is not a plain mail address", "write the address alone, such as no-reply@example.jp; the name goes to smtp.from_name")
	}
	k.check("smtp.from", s.Host == "" || s.From != "" || k.bad["smtp.host"], "it is missing although smtp.host is set", "write the sender address, such as no-reply@example.jp")
	k.label("smtp.from_name", s.FromName, false)
}

func (k checker) brand(b Brand) {
	k.label("brand.name", b.Name, true)
	k.label("brand.account_name_ja", b.AccountNameJA, false)
	k.label("brand.account_name_en", b.AccountNameEN, false)
	k.label("brand.console_name_ja", b.ConsoleNameJA, false)
	k.label("brand.console_name_en", b.ConsoleNameEN, false)
	k.link("brand.help_url", b.HelpURL, false)
	k.link("brand.contact_url", b.ContactURL, true)
	k.link("brand.privacy_url", b.PrivacyURL, false)
	k.link("brand.forgot_url", b.ForgotURL, false)
	k.link("brand.my_page_url", b.MyPageURL, false)
	if b.Environment != "" {
		k.oneOf("brand.environment", b.Environment, "production", "demo")
	}
}

func (k checker) lifetimes(c *Config) {
	const day = 24 * time.Hour
	s, t := c.Session, c.Tokens
	k.duration("session.idle", s.Idle, time.Minute, 30*day)
	k.duration("session.absolute", s.Absolute, 5*time.Minute, 90*day)
	k.duration("session.admin_idle", s.AdminIdle, time.Minute, 4*time.Hour)
	k.duration("session.admin_absolute", s.AdminAbsolute, 5*time.Minute, day)
	k.notLonger("session.idle", s.Idle, "session.absolute", s.Absolute)
	k.notLonger("session.admin_idle", s.AdminIdle, "session.admin_absolute", s.AdminAbsolute)
	k.duration("flow.lifetime", c.Flow.Lifetime, 10*time.Minute, 2*time.Hour)
	k.duration("tokens.code", t.Code, 10*time.Second, time.Minute)
	k.duration("tokens.id", t.ID, time.Minute, 10*time.Minute)
	k.duration("tokens.access", t.Access, time.Minute, day)
	k.duration("tokens.refresh", t.Refresh, time.Hour, 365*day)
	k.duration("tokens.refresh_absolute", t.RefreshAbsolute, time.Hour, 365*day)
	k.duration("tokens.refresh_retry", t.RefreshRetry, 0, time.Minute)
	if c.Keys.RotateEvery != 0 {
		k.duration("keys.rotate_every", c.Keys.RotateEvery, day, 5*365*day)
	}
	k.notLonger("tokens.refresh", t.Refresh, "tokens.refresh_absolute", t.RefreshAbsolute)
}

// minHashWork is the weakest argon2id setting OWASP lists: memory in KiB times
// passes (7 MiB × 5).
const minHashWork = 7 * 1024 * 5

func (k checker) password(p Password) {
	memory := k.within("password.argon2_memory_kib", p.Argon2MemoryKiB, 7*1024, 1<<20)
	if k.within("password.argon2_iterations", p.Argon2Iterations, 1, 20) && memory {
		k.check("password.argon2_iterations", p.Argon2MemoryKiB*p.Argon2Iterations >= minHashWork,
			"too cheap for that much memory", fmt.Sprintf("argon2_memory_kib times argon2_iterations must reach %d; the default is 19456 and 2", minHashWork))
	}
	k.within("password.max_concurrent", p.MaxConcurrent, 0, 1024)
	k.within("password.queue", p.Queue, 1, 100_000)
	if k.within("password.memory_budget_mib", p.MemoryBudgetMiB, 0, 1<<20) && p.MemoryBudgetMiB > 0 && memory {
		k.check("password.memory_budget_mib", p.MemoryBudgetMiB*1024 >= p.Argon2MemoryKiB, "not enough for a single hash",
			fmt.Sprintf("write at least %d, or 0 for no limit", (p.Argon2MemoryKiB+1023)/1024))
	}
	k.within("password.min_length", p.MinLength, 8, 64)
	k.within("password.min_length_alone", p.MinLengthAlone, 8, 64)
}

func (k checker) within(key string, v, low, high int) bool {
	return k.check(key, v >= low && v <= high, strconv.Itoa(v)+" is out of range", fmt.Sprintf("write a number from %d to %d", low, high))
}

func (k checker) duration(key string, v, low, high time.Duration) {
	k.check(key, v >= low && v <= high, formatDuration(v)+" is out of range", "write a duration from "+formatDuration(low)+" to "+formatDuration(high))
}

func (k checker) notLonger(key string, v time.Duration, otherKey string, other time.Duration) {
	if k.bad[otherKey] {
		return
	}
	k.check(key, v <= other, "it is longer than "+otherKey+" ("+formatDuration(other)+")", "shorten it or lengthen "+otherKey)
}

func (k checker) oneOf(key, v string, allowed ...string) bool {
	return k.check(key, slices.Contains(allowed, v), quote(v)+" is not known", "write one of: "+strings.Join(allowed, ", "))
}

// label checks a text that appears on pages and in mail headers.
func (k checker) label(key, v string, required bool) {
	const limit = 60
	k.check(key, !required || strings.TrimSpace(v) != "", "it is empty", "write a name, or leave the setting out for the default")
	k.check(key, utf8.RuneCountInString(v) <= limit, "it is too long", fmt.Sprintf("write at most %d characters", limit))
	k.check(key, !hasControl(v), "it contains a control character or a line break", "write it on one line")
}

func (k checker) link(key, v string, mailto bool) {
	if v == "" {
		return
	}
	u, err := url.Parse(v)
	ok := err == nil && u.User == nil && (u.Scheme == "https" && isHost(u.Host) ||
		u.Scheme == "http" && isHost(u.Host) && isLoopback(u.Hostname()) ||
		mailto && u.Scheme == "mailto" && strings.Contains(u.Opaque, "@"))
	fix := "write it like https://www.example.jp/page"
	if mailto {
		fix += " or mailto:support@example.jp"
	}
	k.check(key, ok, "it is not a link to a page", fix)
}

func (k checker) address(key, v string) bool {
	_, port, err := net.SplitHostPort(v)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	return k.check(key, err == nil, quote(v)+" is not an address to listen on", "write [HOST]:PORT, such as :8080 or 127.0.0.1:8080")
}

// isHost reports whether v is a host name or address, with a port or without.
func isHost(v string) bool {
	u, err := url.Parse("//" + v)
	if err != nil || u.Host != v || u.Hostname() == "" || len(v) > 255 {
		return false
	}
	if strings.HasSuffix(v, ":") {
		return false
	}
	if strings.HasPrefix(v, "[") {
		_, err := netip.ParseAddr(u.Hostname())
		return err == nil
	}
	for _, r := range u.Hostname() {
		if r > unicode.MaxASCII || !(r == '-' || r == '.' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
			return false
		}
	}
	return true
}

// isLoopback reports whether host stays on this machine.
func isLoopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}

func hasControl(v string) bool {
	return strings.ContainsFunc(v, func(r rune) bool {
		// Format characters include the bidirectional overrides.
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError || r == '\u2028' || r == '\u2029'
	})
}
