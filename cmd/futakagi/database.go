package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/admin"
	"github.com/futakagi/futakagi/config"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/store"
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

// withConsole constructs the server without running it and hands over the use
// cases of the console, which are the command line's as well.
func (a *app) withConsole(c *cobra.Command, use func(*admin.Service) error) error {
	settings, err := a.load(config.ForCommand)
	if err != nil {
		return err
	}
	parts, err := serverConfig(settings, a.quietLogger(settings.Log))
	if err != nil {
		return err
	}
	parts.Guest = true
	s, err := server.New(c.Context(), parts)
	if err != nil {
		return explain(err)
	}
	return explain(errors.Join(use(s.Admin), s.Close()))
}
