package main

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/templates"
)

// withStore opens the database alone, for work on the schema. A guest may run
// beside a server that holds the SQLite file.
func (a *app) withStore(c *cobra.Command, guest bool, use func(*store.DB) error) error {
	settings, err := a.load()
	if err != nil {
		return err
	}
	db, err := store.Open(c.Context(), store.Config{
		URL: settings.Database.URL.Reveal(), MaxConns: 2, Guest: guest, Audited: true, Logger: a.logger(settings.Log),
	})
	if err != nil {
		return explain(err)
	}
	return explain(errors.Join(use(db), db.Close()))
}

// withAudit hands over the audit log, with what it is signed with if asked for.
func (a *app) withAudit(c *cobra.Command, signing bool, use func(*server.AuditLog) error) error {
	settings, err := a.load()
	if err != nil {
		return err
	}
	log, err := server.OpenAuditLog(c.Context(), server.Config{
		DatabaseURL: settings.Database.URL.Reveal(), MaxConns: 2, MasterKey: settings.MasterKey.Reveal(),
		FormerMasterKeys: settings.FormerMasterKeys.Reveal(), Hashing: hashing(settings.Password),
		Zone: settings.Location(), Now: time.Now, Logger: a.quietLogger(settings.Log),
	}, signing)
	if err != nil {
		return explain(err)
	}
	return explain(errors.Join(use(log), log.Close()))
}

// withConsole hands over the use cases of the console, which are the command
// line's as well. They need the database and nothing else.
func (a *app) withConsole(c *cobra.Command, use func(*admin.Service) error) error {
	return a.with(c, server.OpenCommand, use)
}

// withMover is withConsole for moving accounts, which uses the key where there is
// one: seeds of authenticator apps are sealed.
func (a *app) withMover(c *cobra.Command, use func(*admin.Service) error) error {
	return a.with(c, server.OpenMover, use)
}

// withKeys is withConsole for everything that the console does: with the keys of
// the configuration, as the server reads them, where they can be used. What needs
// them says otherwise why they cannot.
func (a *app) withKeys(c *cobra.Command, use func(*admin.Service) error) error {
	settings, err := a.load()
	if err != nil {
		return err
	}
	parts, err := serverConfig(c.Context(), settings, a.quietLogger(settings.Log))
	if err != nil {
		return err
	}
	parts.MaxConns = 2
	command, err := server.OpenConsole(c.Context(), parts)
	if err != nil {
		return explain(err)
	}
	err = errors.Join(use(command.Admin), command.Close())
	if admin.NeedsServer(err) {
		return keyless(command.Keyless)
	}
	return explain(err)
}

// keyless says why what was asked for needs more than there is, and what to do.
func keyless(cause error) error {
	const otherwise = ", or name a server with --url"
	switch {
	case errors.Is(cause, server.ErrNoMasterKey):
		const fix = "give the key of the server (FUTAKAGI_MASTER_KEY or FUTAKAGI_MASTER_KEY_FILE)"
		return settingError{"master_key", fix + otherwise, exitConfig, errors.New("this needs the keys of the server, and there is none")}
	case errors.Is(cause, server.ErrNoIssuer):
		const fix = "write the public address of the server (FUTAKAGI_ISSUER)"
		return settingError{"issuer", fix + otherwise, exitConfig, errors.New("this needs the server's configuration, and it is missing")}
	case errors.Is(cause, store.ErrNotFound):
		return settingError{"master_key", "start the server once" + otherwise, exitConfig, errors.New("this needs the keys of the server, which its first start makes")}
	case errors.Is(cause, fs.ErrPermission):
		return settingError{"master_key", "run the command as the user of the server" + otherwise, exitConfig, cause}
	case cause == nil:
		return usageError{"this can only be done by a server: name one with --url"}
	}
	if explained, ok := errors.AsType[settingError](explain(cause)); ok {
		return explained
	}
	return settingError{"master_key", "correct it" + otherwise, exitConfig, cause}
}

func (a *app) with(
	c *cobra.Command, open func(context.Context, server.Config) (*server.Command, error), use func(*admin.Service) error,
) error {
	settings, err := a.load()
	if err != nil {
		return err
	}
	command, err := open(c.Context(), server.Config{
		DatabaseURL: settings.Database.URL.Reveal(), MaxConns: 2, Hashing: hashing(settings.Password), Passwords: passwords(settings),
		MasterKey: settings.MasterKey.Reveal(), FormerMasterKeys: settings.FormerMasterKeys.Reveal(), SMSCountries: settings.SMS.Countries,
		Lifetimes: lifetimes(settings), RotateKeysEvery: settings.Keys.RotateEvery,
		Issuer: settings.Issuer, Brand: brand(settings), Language: templates.Lang(settings.Language),
		Zone: settings.Location(), Now: time.Now, Logger: a.quietLogger(settings.Log),
	})
	if err != nil {
		return explain(err)
	}
	return explain(errors.Join(use(command.Admin), command.Close()))
}
