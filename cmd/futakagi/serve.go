package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/config"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/provider"
	"github.com/futakagi/futakagi/templates"
)

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Runs until it is told to stop (SIGTERM or Ctrl-C). Then /readyz fails first, and
requests and mails under way get up to 20 seconds to end.

With PostgreSQL the schema must be up to date: run 'futakagi migrate up' before.`,
		Args: cobra.NoArgs,
		RunE: action(func(c *cobra.Command, _ []string) error {
			settings, err := a.load(config.ForServe)
			if err != nil {
				return err
			}
			logger := a.logger(settings.Log)
			parts, err := serverConfig(c.Context(), settings, logger)
			if err != nil {
				return err
			}

			var listen net.ListenConfig
			public, err := listen.Listen(c.Context(), "tcp", settings.Listen)
			if err != nil {
				return explainListen("listen", "FUTAKAGI_LISTEN", settings.Listen, err)
			}
			defer func() { _ = public.Close() }()
			management, err := listen.Listen(c.Context(), "tcp", settings.ManagementListen)
			if err != nil {
				return explainListen("management_listen", "FUTAKAGI_MANAGEMENT_LISTEN", settings.ManagementListen, err)
			}
			defer func() { _ = management.Close() }()

			s, err := server.New(c.Context(), parts)
			if err != nil {
				return explain(err)
			}
			logger.InfoContext(c.Context(), "serving", "version", currentBuild().Version, "issuer", settings.Issuer,
				"listen", public.Addr().String(), "management_listen", management.Addr().String())
			return errors.Join(s.Run(c.Context(), public, management), s.Close())
		}),
	}
}

// serverConfig maps the settings to the parts list.
func serverConfig(ctx context.Context, c *config.Config, logger *slog.Logger) (server.Config, error) {
	mailer, err := newMailer(c.SMTP)
	if err != nil {
		return server.Config{}, err
	}
	sms, err := newSMS(ctx, c.SMS, reports(c).TwilioURL)
	if err != nil {
		return server.Config{}, err
	}
	fromName := c.SMTP.FromName
	if fromName == "" {
		fromName = c.Brand.Name
	}
	return server.Config{
		Issuer:          c.Issuer,
		AllowedHosts:    c.AllowedHosts,
		TrustedProxies:  c.TrustedProxies,
		ForwardedHeader: c.ForwardedHeader,

		DatabaseURL: c.Database.URL.Reveal(),
		MaxConns:    c.Database.MaxConnections,
		MasterKey:   c.MasterKey.Reveal(),

		FormerMasterKeys: c.FormerMasterKeys.Reveal(),
		RotateKeysEvery:  c.Keys.RotateEvery,

		Brand:    brand(c),
		Zone:     c.Location(),
		Language: templates.Lang(c.Language),

		CustomerIdle:   c.Session.Idle,
		OperatorIdle:   c.Session.AdminIdle,
		Lifetimes:      lifetimes(c),
		EmailNotMFA:    c.Tokens.EmailAMR == "mca",
		PasskeyRPID:    c.Passkey.RPID,
		PasskeyOrigins: c.Passkey.Origins,
		Hashing:        hashing(c.Password),
		Passwords:      passwords(c),
		Mailer:         mailer,
		MailFrom:       c.SMTP.From,
		MailFromName:   fromName,
		BounceTo:       c.SMTP.BounceTo,
		Reports:        reports(c),

		Registration:     provider.Registration{Mode: c.Registration.Mode, Surface: c.Registration.Surface},
		OutboundAllow:    c.Outbound.Allow,
		OutboundLoopback: c.Outbound.Loopback == config.LoopbackAllow,

		SMS:             sms,
		SMSFrom:         c.SMS.From,
		SMSCountries:    c.SMS.Countries,
		SMSPerDay:       c.SMS.MaxPerDay,
		SMSPerPrefixDay: c.SMS.MaxPerPrefixDay,
		Staff:           staffLimits(c.Staff),

		AuditCheckpointFile: c.Audit.CheckpointFile,

		DrainDelay: c.DrainDelay,
		Now:        time.Now,
		Logger:     logger,
	}, nil
}

// lifetimes maps how long what is issued is valid.
func lifetimes(c *config.Config) provider.Lifetimes {
	return provider.Lifetimes{
		Flow:            c.Flow.Lifetime,
		CustomerSession: c.Session.Absolute,
		OperatorSession: c.Session.AdminAbsolute,
		Code:            c.Tokens.Code,
		IDToken:         c.Tokens.ID,
		Access:          c.Tokens.Access,
		Refresh:         c.Tokens.Refresh,
		RefreshAbsolute: c.Tokens.RefreshAbsolute,
		RefreshRetry:    c.Tokens.RefreshRetry,
	}
}

// newMailer returns the mail server of the settings, or nil when there is none:
// messages then wait in the outbox until they expire.
func newMailer(s config.SMTP) (delivery.Mailer, error) {
	if s.Host == "" {
		return nil, nil //nolint:nilnil // no mail server is a setting like any other
	}
	smtp, err := delivery.NewSMTP(delivery.SMTPConfig{
		Host: s.Host, Port: s.Port, TLS: s.TLS,
		Username: s.Username, Password: s.Password.Reveal(), Timeout: s.Timeout,
	})
	if err != nil {
		return nil, settingError{"smtp", "check the settings below smtp", exitConfig, err}
	}
	return smtp, nil
}

// newSMS returns the SMS gateway of the settings, or nil when there is none: SMS
// is not offered then.
func newSMS(ctx context.Context, s config.SMS, statusURL string) (delivery.SMS, error) {
	var gateway delivery.SMS
	var err error
	switch s.Gateway {
	case config.GatewayTwilio:
		gateway, err = delivery.NewTwilio(delivery.TwilioConfig{
			AccountSID: s.TwilioAccountSID, AuthToken: s.TwilioAuthToken.Reveal(), MessagingServiceSID: s.TwilioMessagingServiceSID,
			URL: s.TwilioURL, StatusURL: statusURL, Timeout: s.Timeout,
		})
	case config.GatewaySNS:
		gateway, err = delivery.NewSNS(ctx, delivery.SNSConfig{
			Region: s.SNSRegion, Endpoint: s.SNSEndpoint,
			AccessKeyID: s.SNSAccessKeyID, SecretAccessKey: s.SNSSecretAccessKey.Reveal(), Timeout: s.Timeout,
		})
	case config.GatewayWebhook:
		gateway, err = delivery.NewWebhook(delivery.WebhookConfig{
			URL: s.WebhookURL, Secret: s.WebhookSecret.Reveal(), Timeout: s.Timeout, Now: time.Now,
		})
	}
	if err != nil {
		return nil, settingError{"sms", "check the settings below sms", exitConfig, err}
	}
	return gateway, nil
}

// reports maps who may tell what became of messages.
func reports(c *config.Config) delivery.HooksConfig {
	h := delivery.HooksConfig{Secret: c.Reports.Secret.Reveal(), SESTopics: c.Reports.SESTopics, SendGridKey: c.Reports.SendGridKey}
	if c.Reports.TwilioStatus == config.StatusCallback {
		h.TwilioToken, h.TwilioURL = c.SMS.TwilioAuthToken.Reveal(), c.Issuer+delivery.PathReportsTwilio
	}
	return h
}

// hashing maps the cost of password hashing.
func hashing(p config.Password) account.HasherConfig {
	return account.HasherConfig{
		MemoryKiB:       p.Argon2MemoryKiB,
		Iterations:      p.Argon2Iterations,
		Workers:         p.MaxConcurrent,
		Queue:           p.Queue,
		MemoryBudgetMiB: p.MemoryBudgetMiB,
	}
}

// passwords maps the rules of new passwords.
func passwords(c *config.Config) account.PasswordRules {
	return account.PasswordRules{
		MinLength:      c.Password.MinLength,
		MinLengthAlone: c.Password.MinLengthAlone,
		Words:          []string{c.Brand.Name, c.Brand.AccountNameJA, c.Brand.AccountNameEN},
	}
}

func staffLimits(s config.Staff) admin.Limits {
	return admin.Limits{
		Reset:        admin.Rate{Hour: s.ResetsPerHour, Day: s.ResetsPerDay},
		SwitchOff:    admin.Rate{Hour: s.SwitchOffsPerHour, Day: s.SwitchOffsPerDay},
		PasswordLink: admin.Rate{Hour: s.PasswordLinksPerHour, Day: s.PasswordLinksPerDay},
		Unmask:       admin.Rate{Hour: s.UnmasksPerHour, Day: s.UnmasksPerDay},
	}
}

func brand(c *config.Config) templates.Brand {
	return templates.Brand{
		Name:        c.Brand.Name,
		AccountName: templates.Text{Ja: c.Brand.AccountNameJA, En: c.Brand.AccountNameEN},
		ConsoleName: templates.Text{Ja: c.Brand.ConsoleNameJA, En: c.Brand.ConsoleNameEN},
		HelpURL:     c.Brand.HelpURL,
		ContactURL:  c.Brand.ContactURL,
		PrivacyURL:  c.Brand.PrivacyURL,
		ForgotURL:   c.Brand.ForgotURL,
		MyPageURL:   c.Brand.MyPageURL,
		MailFrom:    c.SMTP.From,
		Environment: c.Brand.Environment,
	}
}
