package main

import (
	"context"
	"errors"
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
		URL: settings.Database.URL.Reveal(), MaxConns: 2, Guest: guest, Logger: a.logger(settings.Log),
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
		DatabaseURL: settings.Database.URL.Reveal(), MaxConns: 2, MasterKey: settings.MasterKey.Reveal(), Hashing: hashing(settings.Password),
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

func (a *app) with(
	c *cobra.Command, open func(context.Context, server.Config) (*server.Command, error), use func(*admin.Service) error,
) error {
	settings, err := a.load()
	if err != nil {
		return err
	}
	command, err := open(c.Context(), server.Config{
		DatabaseURL: settings.Database.URL.Reveal(), MaxConns: 2, Hashing: hashing(settings.Password), Passwords: passwords(settings),
		MasterKey: settings.MasterKey.Reveal(), SMSCountries: settings.SMS.Countries,
		Issuer: settings.Issuer, Brand: brand(settings), Language: templates.Lang(settings.Language),
		Zone: settings.Location(), Now: time.Now, Logger: a.quietLogger(settings.Log),
	})
	if err != nil {
		return explain(err)
	}
	return explain(errors.Join(use(command.Admin), command.Close()))
}
