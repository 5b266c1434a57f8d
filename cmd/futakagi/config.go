package main

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/config"
)

// defaultConfig is read when it exists and no other file is named.
const defaultConfig = "futakagi.yaml"

func (a *app) configCommand() *cobra.Command {
	parent := &cobra.Command{
		Use:   "config",
		Short: "Check, document or print the configuration",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	parent.AddCommand(
		&cobra.Command{
			Use:   "check",
			Short: "Report everything that is wrong with the configuration",
			Args:  cobra.NoArgs,
			RunE: action(func(*cobra.Command, []string) error {
				if _, err := a.load(config.ForServe); err != nil {
					return err
				}
				_, err := fmt.Fprintln(a.out, "The configuration is valid.")
				return err
			}),
		},
		&cobra.Command{
			Use:   "example",
			Short: "Print a documented configuration file with every setting",
			Args:  cobra.NoArgs,
			RunE: action(func(*cobra.Command, []string) error {
				_, err := a.out.Write(config.Example())
				return err
			}),
		},
		&cobra.Command{
			Use:   "print",
			Short: "Print the settings in force and where each comes from, secrets redacted",
			Args:  cobra.NoArgs,
			RunE: action(func(*cobra.Command, []string) error {
				c, err := a.load()
				if err != nil {
					return err
				}
				_, err = a.out.Write(c.YAML())
				return err
			}),
		},
	)
	return parent
}

// load reads the configuration and prints its warnings.
func (a *app) load(needs ...config.Need) (*config.Config, error) {
	c, warnings, err := config.Load(a.configFile(), a.environ, needs...)
	for _, w := range warnings {
		fmt.Fprintln(a.err, "warning: "+w.String())
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (a *app) configFile() string {
	if a.configPath != "" {
		return a.configPath
	}
	for _, pair := range a.environ {
		if path, ok := strings.CutPrefix(pair, config.PathVariable+"="); ok && path != "" {
			return path
		}
	}
	if _, err := os.Stat(defaultConfig); err == nil {
		return defaultConfig
	}
	return ""
}

// logger writes to standard error as the settings say. Load has checked them.
func (a *app) logger(l config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		level = slog.LevelInfo
	}
	return a.newLogger(l.Format, level)
}

// quietLogger is for commands that a person reads: only what went wrong.
func (a *app) quietLogger(l config.Log) *slog.Logger { return a.newLogger(l.Format, slog.LevelWarn) }

// newLogger also takes over the lines of libraries that log on their own, but
// only what they warn of: their small talk is about nothing an operator set up.
func (a *app) newLogger(format string, level slog.Level) *slog.Logger {
	at := func(level slog.Level) *slog.Logger {
		options := &slog.HandlerOptions{Level: level}
		if format == "text" {
			return slog.New(slog.NewTextHandler(a.err, options))
		}
		return slog.New(slog.NewJSONHandler(a.err, options))
	}
	slog.SetDefault(at(max(level, slog.LevelWarn)))
	return at(level)
}
