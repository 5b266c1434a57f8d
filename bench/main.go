package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what the command line chooses.
type options struct {
	engine, database, profiles string
	keep                       string // directory of the databases of -scale; empty: made anew and removed
	concurrency                []int
	duration                   time.Duration
	only                       *regexp.Regexp
	importRows                 int
	child                      bool
	// scale are numbers of accounts at which the console is asked; empty: measure the protocol.
	scale []int
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.engine, "engine", "sqlite", "sqlite or postgres")
	flags.StringVar(&o.database, "database", "", "postgres://… of an empty database to use instead of a cluster of its own; its processor time is then not measured")
	flags.StringVar(&o.profiles, "profiles", "", "directory for a CPU profile of the server per operation")
	flags.DurationVar(&o.duration, "time", 4*time.Second, "how long each operation is measured")
	concurrency := flags.String("concurrency", "1,16", "numbers of concurrent clients")
	scale := flags.Bool("scale", false, "measure the console's lists, searches and counts instead, at the numbers of accounts that -accounts names")
	accounts := flags.String("accounts", "1000,1000000", "numbers of accounts, each with ten audit rows")
	flags.StringVar(&o.keep, "keep", "", "directory that keeps the databases of -scale, to ask them again without filling them anew")
	only := flags.String("only", "", "regular expression of the operations to measure")
	flags.IntVar(&o.importRows, "import", 0, "measure the import of a file of so many rows instead")
	flags.BoolVar(&o.child, "serve", false, "be the server that is measured (used by the command itself)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.engine != "sqlite" && o.engine != "postgres" {
		return o, fmt.Errorf("-engine is %q, must be sqlite or postgres", o.engine)
	}
	for field := range strings.SplitSeq(*concurrency, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 || n > 256 {
			return o, fmt.Errorf("-concurrency %q: each must be a number from 1 to 256", *concurrency)
		}
		o.concurrency = append(o.concurrency, n)
	}
	for field := range strings.SplitSeq(*accounts, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 200 || n > 10_000_000 {
			return o, fmt.Errorf("-accounts %q: each must be a number from 200 to 10000000", *accounts)
		}
		if *scale {
			o.scale = append(o.scale, n)
		}
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	return o, nil
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.child {
		return serve(ctx, o.database)
	}
	if len(o.scale) > 0 {
		return measureScale(ctx, o)
	}
	dir, err := os.MkdirTemp("", "futakagi-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db := &database{url: o.database}
	switch {
	case o.engine == "sqlite":
		db.url = "sqlite:" + dir + "/futakagi.db"
	case db.url == "":
		if db, err = startPostgres(ctx, dir); err != nil {
			return err
		}
		defer db.stop()
	}
	if o.importRows > 0 {
		return importRun(ctx, o, dir, db)
	}
	target, err := startServer(ctx, db.url)
	if err != nil {
		return err
	}
	defer target.stop()
	return measureAll(ctx, o, target, db)
}
