package config

import (
	"net/netip"
	"strings"
	"time"
)

// Config is every setting. The tags are the single source of the key (koanf),
// the default, the documentation and the sample value in the example file.
type Config struct {
	Issuer           string         `koanf:"issuer" sample:"https://id.example.jp" doc:"Address people and applications reach this server under: scheme and host, and a port if it is not the usual one. It is the issuer of every token and cannot change later without telling every application. https, except on a loopback host."`
	Listen           string         `koanf:"listen" default:":8080" doc:"Address of the public listener."`
	ManagementListen string         `koanf:"management_listen" default:":9090" doc:"Address of the management listener with /livez, /readyz and /metrics. Keep it away from the internet."`
	AllowedHosts     []string       `koanf:"allowed_hosts" sample:"[id.internal.example.jp]" doc:"Further Host names that are answered besides the issuer's. Any other is refused with 421."`
	TrustedProxies   []netip.Prefix `koanf:"trusted_proxies" sample:"[10.0.0.0/8]" doc:"Networks of the reverse proxies in front. Only they may name the client's address."`
	ForwardedHeader  string         `koanf:"forwarded_header" default:"X-Forwarded-For" doc:"Header in which those proxies name the client's address: X-Forwarded-For or Forwarded. The other one is never read."`
	DrainDelay       time.Duration  `koanf:"drain_delay" default:"0s" doc:"How long a stopping server goes on serving after /readyz failed, so that load balancers send nobody new. In Kubernetes 5s is usual. Requests under way then get up to 20 seconds."`
	MasterKey        Secret         `koanf:"master_key" doc:"Key that protects everything sealed in the database: 32 bytes in Base64, from 'openssl rand -base64 32'. Needed with PostgreSQL. With SQLite it is made at the first start beside the database file when it is not given here. Keep a copy: without it the sealed data is lost."`
	FormerMasterKeys Secret         `koanf:"former_master_keys" doc:"Master keys that came before, one a line or separated by commas. They open the database and seal nothing. Needed only from when master_key is replaced until 'futakagi key reseal' is done, see docs/keys.md."`
	TimeZone         string         `koanf:"time_zone" default:"Asia/Tokyo" doc:"Zone in which times are shown."`
	Language         string         `koanf:"language" default:"ja" doc:"Language of mails to people whose language is not known: ja or en."`
	Database         Database       `koanf:"database" doc:"Where the data lives."`
	SMTP             SMTP           `koanf:"smtp" doc:"Mail server that carries verification codes and notices."`
	SMS              SMS            `koanf:"sms" doc:"Gateway that carries verification codes to phones. Without one, SMS is not offered."`
	Reports          Reports        `koanf:"reports" doc:"Who may tell what became of a message: bounces and deliveries, see docs/delivery-reports.md. What is not set is not served."`
	Outbound         Outbound       `koanf:"outbound" doc:"Requests to applications, which are told of sign-outs at an address of their own. It must use https and lie on the public internet, unless it is said otherwise here. No redirect is followed and no proxy used."`
	Brand            Brand          `koanf:"brand" doc:"Names and links on the pages and in the mails."`
	Session          Session        `koanf:"session" doc:"How long a browser stays signed in. Durations are written like 90s, 15m, 1h or 30d."`
	Flow             Flow           `koanf:"flow" doc:"A sign-in that is not finished yet."`
	Tokens           Tokens         `koanf:"tokens" doc:"How long what applications receive is valid."`
	Keys             Keys           `koanf:"keys" doc:"Keys that sign tokens."`
	Registration     Registration   `koanf:"registration" doc:"Applications that register themselves (RFC 7591), see docs/registration.md."`
	Passkey          Passkey        `koanf:"passkey" doc:"Passkeys and security keys. Changing rp_id makes every passkey registered before useless."`
	Password         Password       `koanf:"password" doc:"Cost of password hashing (argon2id), how much of it may run at once, and how long new passwords are."`
	Audit            Audit          `koanf:"audit" doc:"The audit log."`
	Staff            Staff          `koanf:"staff" doc:"How often one operator may do what opens accounts, in any hour and in any day. What an operator is refused is in the audit log."`
	Log              Log            `koanf:"log" doc:"The log goes to standard error."`

	sources map[string]string
}

// Database says where the data lives.
type Database struct {
	URL            Secret `koanf:"url" default:"sqlite:futakagi.db" doc:"sqlite:PATH for one server with a file of its own, postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full for anything larger."`
	MaxConnections int    `koanf:"max_connections" default:"16" doc:"Most connections in each of the two pools, one for reads and one for transactions. With PostgreSQL, twice this number times the replicas must stay below the server's limit."`
}

// SMTP is the mail server.
type SMTP struct {
	Host     string        `koanf:"host" sample:"smtp.example.jp" doc:"Name of the mail server. Without it no mail leaves."`
	Port     int           `koanf:"port" default:"587" doc:"Port of the mail server: 587 with starttls, 465 with implicit."`
	TLS      string        `koanf:"tls" default:"starttls" doc:"starttls (refused if the server does not offer it), implicit, or none (only for a loopback host)."`
	Username string        `koanf:"username" sample:"futakagi" doc:"User name, if the server asks for one."`
	Password Secret        `koanf:"password" doc:"Password for that user name."`
	From     string        `koanf:"from" sample:"no-reply@example.jp" doc:"Sender address of every mail. Needed when host is set."`
	FromName string        `koanf:"from_name" sample:"Example Store" doc:"Sender name of every mail. Unset: the brand name."`
	BounceTo string        `koanf:"bounce_to" sample:"bounce@example.jp" doc:"Address that mail which does not arrive comes back to: bounce+TOKEN@example.jp, so the mail server must deliver addresses with a + to it. Unset: smtp.from."`
	Timeout  time.Duration `koanf:"timeout" default:"10s" doc:"Longest wait for one step of the mail server."`
}

// StatusCallback as reports.twilio_status asks for callbacks.
const StatusCallback = "callback"

// Reports are who may tell what became of a message.
type Reports struct {
	Secret       Secret   `koanf:"secret" doc:"Secret that signs reports in our own form and those of 'futakagi mail bounce', from 'openssl rand -hex 32'."`
	SESTopics    []string `koanf:"ses_topics" sample:"[arn:aws:sns:ap-northeast-1:000000000000:mail-events]" doc:"SNS topics that Amazon SES publishes to."`
	SendGridKey  string   `koanf:"sendgrid_key" sample:"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeXeRsDP93iaDu0Nnymmj+FBiQBqe35Q4a1lLLg2iqxZTZyKDr9pDfD/xQtV4F+OJwNgziOUY1nk8L1CpYbHATg==" doc:"Verification key of SendGrid's signed event webhook."`
	TwilioStatus string   `koanf:"twilio_status" default:"none" doc:"callback asks Twilio to tell what became of each text message; the issuer must be reachable from the internet. none does not."`
}

// The gateways that sms.gateway may name.
const (
	GatewayNone    = "none"
	GatewayTwilio  = "twilio"
	GatewaySNS     = "sns"
	GatewayWebhook = "webhook"
)

// SMS is the gateway for text messages and what it may be used for.
type SMS struct {
	Gateway         string        `koanf:"gateway" default:"none" doc:"none, twilio, sns (Amazon SNS) or webhook (any other gateway, through signed requests; see docs/sms-webhook.md)."`
	From            string        `koanf:"from" sample:"EXAMPLE" doc:"Sender that phones show: a number like +815012345678, a short code, or a name of up to 11 letters and digits, as the gateway and the carriers allow. Unset: the gateway chooses."`
	Countries       []string      `koanf:"countries" default:"JP" doc:"Countries whose mobile numbers may be used: two capital letters each (ISO 3166-1), such as [JP, TW]."`
	MaxPerDay       int           `koanf:"max_per_day" default:"5000" doc:"Most text messages in one day, in all. It bounds the bill when somebody has messages sent on purpose."`
	MaxPerPrefixDay int           `koanf:"max_per_prefix_day" default:"100" doc:"Most text messages in one day to one range of numbers: those that differ in their last five digits only. Fraud that earns from messages uses such ranges."`
	Timeout         time.Duration `koanf:"timeout" default:"10s" doc:"Longest wait for the gateway's answer."`

	TwilioAccountSID          string `koanf:"twilio_account_sid" sample:"AC00000000000000000000000000000000" doc:"Twilio: SID of the account."`
	TwilioAuthToken           Secret `koanf:"twilio_auth_token" doc:"Twilio: auth token of the account."`
	TwilioMessagingServiceSID string `koanf:"twilio_messaging_service_sid" sample:"MG00000000000000000000000000000000" doc:"Twilio: SID of the messaging service that chooses the sender, instead of from."`
	TwilioURL                 string `koanf:"twilio_url" default:"https://api.twilio.com" doc:"Twilio: address of the API."`

	SNSRegion          string `koanf:"sns_region" sample:"ap-northeast-1" doc:"Amazon SNS: region."`
	SNSEndpoint        string `koanf:"sns_endpoint" sample:"https://sns.ap-northeast-1.amazonaws.com" doc:"Amazon SNS: address of the service. Unset: that of the region."`
	SNSAccessKeyID     string `koanf:"sns_access_key_id" sample:"AKIAEXAMPLE" doc:"Amazon SNS: access key. Unset: the usual places of AWS tools, such as the role of the pod or the machine."`
	SNSSecretAccessKey Secret `koanf:"sns_secret_access_key" doc:"Amazon SNS: secret of that access key."`

	WebhookURL    string `koanf:"webhook_url" sample:"https://sms.example.jp/futakagi" doc:"Webhook: address that takes the requests. https, except on a loopback host."`
	WebhookSecret Secret `koanf:"webhook_secret" doc:"Webhook: secret that signs the requests, from 'openssl rand -hex 32'."`
}

// LoopbackAllow as outbound.loopback lets applications on this machine be told.
const LoopbackAllow = "allow"

// Outbound is where applications may be told of sign-outs.
type Outbound struct {
	Allow    []netip.Prefix `koanf:"allow" sample:"[10.20.0.0/16]" doc:"Networks besides the public internet where applications are, such as those of your own servers. Name no more than these: whoever may register an application chooses the address that is asked. Addresses where clouds hand out credentials are never asked."`
	Loopback string         `koanf:"loopback" default:"refuse" doc:"refuse or allow: requests to this machine itself, to localhost, by http as well as https. For development."`
}

// Brand is how the product presents itself.
type Brand struct {
	Name          string `koanf:"name" default:"Futakagi" doc:"Name of the provider, in mail subjects and in the names below."`
	AccountNameJA string `koanf:"account_name_ja" sample:"Example アカウント" doc:"Heading of the customers' pages, in Japanese. Unset: the name and アカウント."`
	AccountNameEN string `koanf:"account_name_en" sample:"Example Account" doc:"Heading of the customers' pages, in English. Unset: the name and Account."`
	ConsoleNameJA string `koanf:"console_name_ja" sample:"Example 認証管理" doc:"Heading of the console, in Japanese. Unset: the name and 認証管理."`
	ConsoleNameEN string `koanf:"console_name_en" sample:"Example Identity Admin" doc:"Heading of the console, in English. Unset: the name and Identity Admin."`
	HelpURL       string `koanf:"help_url" sample:"https://www.example.jp/help" doc:"Help link in the footer. This and the next four are left out of the pages when unset."`
	ContactURL    string `koanf:"contact_url" sample:"https://www.example.jp/contact" doc:"Contact link in the footer and on error pages: https or mailto."`
	PrivacyURL    string `koanf:"privacy_url" sample:"https://www.example.jp/privacy" doc:"Privacy link in the footer."`
	ForgotURL     string `koanf:"forgot_url" sample:"https://www.example.jp/password" doc:"Where a customer who forgot the password goes; if empty, to the page of Futakagi itself."`
	MyPageURL     string `koanf:"my_page_url" sample:"https://mypage.example.jp" doc:"Way back from the self-service pages and from errors."`
	Environment   string `koanf:"environment" sample:"production" doc:"Badge in the console that tells installations apart: production or demo. Unset: no badge."`
}

// Session limits how long a browser stays signed in.
type Session struct {
	Idle          time.Duration `koanf:"idle" default:"1h" doc:"Customers: longest time without a request."`
	Absolute      time.Duration `koanf:"absolute" default:"24h" doc:"Customers: longest time since the sign-in."`
	AdminIdle     time.Duration `koanf:"admin_idle" default:"15m" doc:"Operators: longest time without a request."`
	AdminAbsolute time.Duration `koanf:"admin_absolute" default:"12h" doc:"Operators: longest time since the sign-in."`
}

// Flow limits a sign-in in progress.
type Flow struct {
	Lifetime time.Duration `koanf:"lifetime" default:"30m" doc:"Longest time from the first page to the last. Must leave room for a mailed code (10 minutes)."`
}

// Tokens limits what applications receive.
type Tokens struct {
	Code            time.Duration `koanf:"code" default:"60s" doc:"Authorization code."`
	ID              time.Duration `koanf:"id" default:"10m" doc:"ID token."`
	Access          time.Duration `koanf:"access" default:"15m" doc:"Access token."`
	Refresh         time.Duration `koanf:"refresh" default:"30d" doc:"Refresh token that is not used."`
	RefreshAbsolute time.Duration `koanf:"refresh_absolute" default:"90d" doc:"Refresh token family, counted from the sign-in."`
	RefreshRetry    time.Duration `koanf:"refresh_retry" default:"10s" doc:"How long an application that lost the answer may send a refresh token again that it has used. It then gets other tokens, and those of the lost answer are void. Later, it is taken for a stolen one. 0s: at once."`
	EmailAMR        string        `koanf:"email_amr" default:"mfa" doc:"What the claim amr says of a password and a code by mail: mfa, or mca, which leaves mfa out as NIST SP 800-63B-4 has it. The claim acr tells the levels apart either way."`
}

// Keys is the life of the keys that sign tokens.
type Keys struct {
	RotateEvery time.Duration `koanf:"rotate_every" default:"90d" doc:"How long a key signs before the next one takes over, which was published long before. 0s: only when an operator says so."`
}

// The words of registration.mode.
const (
	RegistrationOff   = "off"
	RegistrationToken = "token"
	RegistrationOpen  = "open"
)

// Registration says whether applications may register themselves.
type Registration struct {
	Mode    string `koanf:"mode" default:"off" doc:"off: nobody. token: whoever has an initial access token, which staff make in the console. open: anybody; for demonstrations."`
	Surface string `koanf:"surface" default:"store" doc:"Surface that such applications belong to, one of customers."`
}

// Passkey names the relying party of WebAuthn.
type Passkey struct {
	RPID    string   `koanf:"rp_id" sample:"example.jp" doc:"Domain that passkeys belong to: the issuer's host or a parent domain of it. Unset: the issuer's host."`
	Origins []string `koanf:"origins" sample:"[https://id.example.jp]" doc:"Addresses whose pages may use the passkeys: scheme and host, and a port if it is not the usual one. Unset: the issuer's."`
}

// Password is the cost of hashing and its limits, and the least length of new passwords.
type Password struct {
	Argon2MemoryKiB  int `koanf:"argon2_memory_kib" default:"19456" doc:"Memory of one hash. Stored with each hash; older hashes are upgraded at the next sign-in."`
	Argon2Iterations int `koanf:"argon2_iterations" default:"2" doc:"Passes of one hash."`
	MaxConcurrent    int `koanf:"max_concurrent" default:"0" doc:"Hashes computed at once. 0: one per processor."`
	Queue            int `koanf:"queue" default:"64" doc:"Sign-ins that may wait for a hash. Further ones are answered with 503 and Retry-After."`
	MemoryBudgetMiB  int `koanf:"memory_budget_mib" default:"0" doc:"Most memory for hashes at once; lowers max_concurrent where needed. An imported hash that takes more is refused. 0: what max_concurrent needs, and at least 128."`
	MinLength        int `koanf:"min_length" default:"8" doc:"Fewest characters of a new password. Passwords there are already stay valid."`
	MinLengthAlone   int `koanf:"min_length_alone" default:"8" doc:"The same for customers who sign in with the password alone; min_length if that is more. NIST SP 800-63B-4 asks for 15. Operators without a second factor need 15 in any case."`
}

// Staff limits what one operator does.
type Staff struct {
	ResetsPerHour        int `koanf:"resets_per_hour" default:"30" doc:"Resets of somebody's two-factor settings."`
	ResetsPerDay         int `koanf:"resets_per_day" default:"100" doc:"The same in a day."`
	SwitchOffsPerHour    int `koanf:"switch_offs_per_hour" default:"20" doc:"Accounts switched to do without two-factor authentication."`
	SwitchOffsPerDay     int `koanf:"switch_offs_per_day" default:"60" doc:"The same in a day."`
	PasswordLinksPerHour int `koanf:"password_links_per_hour" default:"30" doc:"Links to a new password sent to somebody."`
	PasswordLinksPerDay  int `koanf:"password_links_per_day" default:"100" doc:"The same in a day."`
	UnmasksPerHour       int `koanf:"unmasks_per_hour" default:"30" doc:"Looks at one masked address or phone number."`
	UnmasksPerDay        int `koanf:"unmasks_per_day" default:"100" doc:"The same in a day."`
}

// Log is how the log is written.
type Log struct {
	Level  string `koanf:"level" default:"info" doc:"debug, info, warn or error."`
	Format string `koanf:"format" default:"json" doc:"json or text."`
}

// Audit is what is kept of the audit log outside of the database.
type Audit struct {
	CheckpointFile string `koanf:"checkpoint_file" sample:"/var/lib/futakagi/audit-checkpoints" doc:"File that signed checkpoints of the audit log are appended to. Ship it to where nobody who can write into the database can write: 'futakagi audit verify --checkpoints FILE' then finds what was removed from the end of the log, too."`
}

// Embedded reports whether the data lives in a SQLite file of our own.
func (d Database) Embedded() bool { return strings.HasPrefix(d.URL.Reveal(), "sqlite:") }

// Path returns the file of the embedded database, or "" with PostgreSQL.
func (d Database) Path() string {
	path, ok := strings.CutPrefix(d.URL.Reveal(), "sqlite:")
	if !ok {
		return ""
	}
	return path
}

// Location returns the zone in which times are shown. Load has checked it.
func (c *Config) Location() *time.Location {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Source names where the setting's value came from: a file name, a variable
// name, or "default".
func (c *Config) Source(key string) string {
	if s, ok := c.sources[key]; ok {
		return s
	}
	return "default"
}
