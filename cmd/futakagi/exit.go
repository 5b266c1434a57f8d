package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/futakagi/futakagi/config"
	"github.com/futakagi/futakagi/delivery"
	"github.com/futakagi/futakagi/store"
)

// Exit codes follow sysexits.h, so that a supervisor can tell what a restart may
// cure: systemd's RestartPreventExitStatus=64 78.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 64
	exitData        = 65
	exitUnavailable = 69
	exitInternal    = 70
	exitTryAgain    = 75
	exitConfig      = 78
)

// usageError marks an argument or a flag that cannot be right.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

// failure marks an error of a command that did run, which tells it from the
// usage errors cobra finds before running one.
type failure struct{ cause error }

func (e failure) Error() string { return e.cause.Error() }

func (e failure) Unwrap() error { return e.cause }

// dataError marks an input file that was not, or not wholly, taken.
type dataError struct{ text string }

func (e dataError) Error() string { return e.text }

// action adapts the body of a command.
func action(body func(c *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		if err := body(c, args); err != nil {
			return failure{err}
		}
		return nil
	}
}

// run executes one command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) (code int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(a.err, "futakagi: internal error: %v\n%s", p, debug.Stack())
			code = exitInternal
		}
	}()
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	code = exitCode(err)
	fmt.Fprintf(a.err, "futakagi: %v\n", err)
	if code == exitUsage {
		fmt.Fprintln(a.err, "Run 'futakagi --help' for the commands.")
	}
	return code
}

func exitCode(err error) int {
	if _, ok := errors.AsType[*config.Errors](err); ok {
		return exitConfig
	}
	if e, ok := errors.AsType[settingError](err); ok {
		return e.code
	}
	if errors.Is(err, store.ErrSchemaOld) || errors.Is(err, store.ErrSchemaNew) {
		return exitConfig
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if errors.Is(err, delivery.ErrNotTaken) {
		return exitTryAgain
	}
	if _, ok := errors.AsType[dataError](err); ok {
		return exitData
	}
	if _, away := errors.AsType[unreachable](err); away || errors.Is(err, store.ErrUnavailable) {
		return exitUnavailable
	}
	if _, ok := errors.AsType[failure](err); ok {
		return exitFailure
	}
	return exitUsage
}
