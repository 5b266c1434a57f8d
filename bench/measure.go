package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// figures are what one operation came to.
type figures struct {
	ops                    int64
	perSecond              float64
	p50, p95               time.Duration
	serverCPU, databaseCPU float64 // ms per operation
	statements, commits    float64 // per operation
	names                  string
	errors                 int64
	firstError             error
}

func measureAll(ctx context.Context, o options, t *target, db *database) error {
	p, err := signIn(ctx, t)
	if err != nil {
		return err
	}
	if o.engine == "postgres" {
		if _, err := p.code(ctx, "ES256", "openid offline_access"); err != nil {
			return err
		}
		if err := db.use(ctx); err != nil {
			return fmt.Errorf("fill the database: %w", err)
		}
	}
	resident, err := residentMB(t.cmd.Process.Pid)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %s %s/%s, %d processors, %s per line; resident after the start: %.0f MB\n\n",
		o.engine, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), o.duration, resident)
	fmt.Println("| operation | clients | ops/s | p50 ms | p95 ms | server CPU ms | database CPU ms | together | target | statements | commits |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|")
	failed := 0
	for _, op := range operations() {
		if !o.only.MatchString(op.name) {
			continue
		}
		for _, n := range o.concurrency {
			f, err := measure(ctx, o, t, db, p, op, n)
			if err != nil {
				return fmt.Errorf("%s: %w", op.name, err)
			}
			print(op, n, f, db)
			if f.errors > 0 {
				failed++
				fmt.Fprintf(os.Stderr, "bench: %s at %d clients: %d errors, first: %v\n", op.name, n, f.errors, f.firstError)
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d lines had errors", failed)
	}
	return nil
}

func print(op operation, n int, f figures, db *database) {
	database, target, mark := "-", "-", ""
	together := f.serverCPU
	if db.measured() {
		database = fmt.Sprintf("%.3f", f.databaseCPU)
		together += f.databaseCPU
	}
	if op.targetCPU > 0 {
		target = fmt.Sprintf("%.3f", op.targetCPU)
		if together > op.targetCPU {
			mark = " **missed**"
		}
	}
	fmt.Printf("| %s | %d | %.0f | %.2f | %.2f | %.3f | %s | %.3f | %s%s | %.2f | %.2f |\n",
		op.name, n, f.perSecond, ms(f.p50), ms(f.p95), f.serverCPU, database, together, target, mark, f.statements, f.commits)
	if f.names != "" && n == 1 {
		fmt.Fprintf(os.Stderr, "      %s: %s\n", op.name, f.names)
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func measure(ctx context.Context, o options, t *target, db *database, p *person, op operation, clients int) (figures, error) {
	var f figures
	steps := make([]func(context.Context) error, clients)
	for i := range steps {
		var err error
		if steps[i], err = op.prepare(ctx, p); err != nil {
			return f, fmt.Errorf("prepare: %w", err)
		}
		for range 20 { // warm connections, prepared statements, caches
			if err := steps[i](ctx); err != nil {
				return f, fmt.Errorf("warm up: %w", err)
			}
		}
	}
	if o.profiles != "" && clients == slices.Max(o.concurrency) {
		file := filepath.Join(o.profiles, regexp.MustCompile(`\W+`).ReplaceAllString(op.name, "-")+"-"+o.engine+".prof")
		go func() {
			if err := t.profile(file, o.duration); err != nil {
				fmt.Fprintln(os.Stderr, "bench: profile:", err)
			}
		}()
	}
	before, err := sample(t, db)
	if err != nil {
		return f, err
	}
	start := time.Now()
	var (
		group     sync.WaitGroup
		errors    atomic.Int64
		first     sync.Once
		latencies = make([][]time.Duration, clients)
	)
	for i, step := range steps {
		group.Go(func() {
			for at := time.Now(); at.Sub(start) < o.duration && ctx.Err() == nil; {
				if err := step(ctx); err != nil {
					errors.Add(1)
					first.Do(func() { f.firstError = err })
					return
				}
				now := time.Now()
				latencies[i] = append(latencies[i], now.Sub(at))
				at = now
			}
		})
	}
	group.Wait()
	took := time.Since(start)
	after, err := sample(t, db)
	if err != nil {
		return f, err
	}
	all := slices.Concat(latencies...)
	if len(all) == 0 {
		f.errors = errors.Load()
		return f, nil
	}
	slices.Sort(all)
	n := float64(len(all))
	f.ops, f.errors, f.perSecond = int64(len(all)), errors.Load(), n/took.Seconds()
	f.p50, f.p95 = all[len(all)/2], all[len(all)*95/100]
	f.serverCPU, f.databaseCPU = (after.server-before.server)*1000/n, (after.database-before.database)*1000/n
	f.statements = float64(after.counters.total()-before.counters.total()) / n
	f.commits = float64(after.counters.Commits-before.counters.Commits) / n
	var names []string
	for name, v := range after.counters.Statements {
		if per := float64(v-before.counters.Statements[name]) / n; per >= 0.01 {
			names = append(names, fmt.Sprintf("%s %.2f", name, per))
		}
	}
	slices.Sort(names)
	f.names = strings.Join(names, ", ")
	return f, nil
}

// samples are readings that only grow.
type samples struct {
	server, database float64 // seconds of processor time
	counters         counters
}

func sample(t *target, db *database) (s samples, err error) {
	if s.server, err = processorTime(t.cmd.Process.Pid); err != nil {
		return s, err
	}
	if db.measured() {
		if s.database, err = db.processorTime(); err != nil {
			return s, err
		}
	}
	s.counters, err = t.counters()
	return s, err
}
