package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// importRun measures the program itself, as an operator would run it, on a file of so many rows: a dry run, the import, the same
// file again, and an export. One row in a hundred is refused.
func importRun(ctx context.Context, o options, dir string, db *database) error {
	program := filepath.Join(dir, "futakagi")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/futakagi").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	file := filepath.Join(dir, "people.csv")
	if err := writePeople(file, o.importRows); err != nil {
		return err
	}
	environ := append(os.Environ(), "FUTAKAGI_ISSUER=http://localhost", "FUTAKAGI_DATABASE__URL="+db.url,
		"FUTAKAGI_MASTER_KEY=a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=") // nobody's, as in serve
	run := func(args ...string) (elapsed, cpu time.Duration, peakMB float64, err error) {
		c := exec.CommandContext(ctx, program, args...)
		c.Env, c.Dir = environ, dir
		start := time.Now()
		out, err := c.CombinedOutput()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 65 {
			err = nil // rows were refused, as they should be
		}
		if err != nil {
			return 0, 0, 0, fmt.Errorf("%v: %w: %s", args, err, out)
		}
		usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			return 0, 0, 0, errors.New("no resource usage")
		}
		return time.Since(start), c.ProcessState.UserTime() + c.ProcessState.SystemTime(), float64(usage.Maxrss) / 1024, nil
	}
	if _, _, _, err := run("migrate", "up"); err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	fmt.Printf("%d rows, %.0f MB, %s\n\n| step | seconds | rows/s | program CPU ms/row | database CPU ms/row | peak RSS MB |\n|---|---|---|---|---|---|\n", o.importRows, float64(info.Size())/1e6, o.engine)
	for _, step := range []struct {
		name string
		args []string
	}{
		{"dry run", []string{"account", "import", file, "--dry-run"}},
		{"import", []string{"account", "import", file}},
		{"the same again", []string{"account", "import", file}},
		{"export with secrets", []string{"account", "export", "--with-secrets", "--output", filepath.Join(dir, "again.csv")}},
	} {
		before, err := databaseTime(db)
		if err != nil {
			return err
		}
		elapsed, cpu, peak, err := run(step.args...)
		if err != nil {
			return err
		}
		after, err := databaseTime(db)
		if err != nil {
			return err
		}
		rows := float64(o.importRows)
		fmt.Printf("| %s | %.1f | %.0f | %.3f | %.3f | %.0f |\n", step.name, elapsed.Seconds(), rows/elapsed.Seconds(), cpu.Seconds()*1000/rows,
			(after-before)*1000/rows, peak)
	}
	return nil
}

// databaseTime is the processor time of a database with processes of its own; zero for one without.
func databaseTime(db *database) (float64, error) {
	if !db.measured() {
		return 0, nil
	}
	return db.processorTime()
}

// writePeople writes a file of accounts: hashed elsewhere, with a verified address each, fifty to a customer.
func writePeople(name string, rows int) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "customer_code,customer_name,user_group,login_id,display_name,registered_email,role,password_hash,two_factor,method,address,verified_at,external_id")
	for i := range rows {
		email := fmt.Sprintf("person%d@example.jp", i)
		if i%100 == 99 {
			email = "nowhere"
		}
		fmt.Fprintf(w, "B-%d,見本 %d,本社,person.%d,見本 太郎 %d,%s,buyer,$2b$10$CCCCCCCCCCCCCCCCCCCCC.4c/Vz//sBM9XkyFmwsCP9HkrjK1U32S,use,email,person%d-2fa@example.jp,2025-09-03 17:45:22,%d\n",
			i/50, i/50, i, i, email, i, i)
	}
	return w.Flush()
}
