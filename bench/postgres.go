package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

//go:embed used.sql
var usedSQL string

// database is where the server keeps its data.
type database struct {
	url string
	cmd *exec.Cmd // the cluster, if it is ours
}

// measured reports whether the database has processes of its own that we can look at.
func (d *database) measured() bool { return d.cmd != nil }

// use leaves a database behind that has been in use: others signed in before and were given tokens, and the planner knows it. On one that
// was made a moment ago it takes every table for small and every condition for rare, and begins statements at the wrong end.
func (d *database) use(ctx context.Context) error {
	return runSQL(ctx, d.url, usedSQL)
}

func (d *database) processorTime() (float64, error) { return familyTime(d.cmd.Process.Pid) }

func (d *database) stop() {
	_ = d.cmd.Process.Signal(syscall.SIGINT) // in order: its data may be kept
	_ = d.cmd.Wait()
}

// startPostgres makes a cluster with the durability of production and starts it, on a socket in dir.
func startPostgres(ctx context.Context, dir string) (*database, error) {
	bin, err := postgresBinaries()
	if err != nil {
		return nil, err
	}
	// The server refuses to run as root.
	attr := &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2, os.Chown(dir, uid, gid)); err != nil {
			return nil, err
		}
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	data := filepath.Join(dir, "data")
	if _, err := os.Stat(data); err != nil {
		if err := initCluster(ctx, bin, data, attr); err != nil {
			return nil, err
		}
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB")
	cmd.SysProcAttr, cmd.Dir, cmd.Stdout, cmd.Stderr = attr, dir, log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	d := &database{cmd: cmd, url: (&url.URL{
		Scheme: "postgres", User: url.User("futakagi"), Path: "/postgres", RawQuery: url.Values{"host": {dir}}.Encode(),
	}).String()}
	for range 300 {
		// The socket is there before the server takes anybody in.
		if text, err := os.ReadFile(log.Name()); err == nil && bytes.Contains(text, []byte("ready to accept connections")) {
			return d, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	d.stop()
	text, _ := os.ReadFile(log.Name())
	return nil, fmt.Errorf("PostgreSQL does not answer: %s", text)
}

// initCluster makes an empty cluster.
func initCluster(ctx context.Context, bin, data string, attr *syscall.SysProcAttr) error {
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "futakagi", "-A", "trust", "-E", "UTF8", "--no-instructions")
	initdb.SysProcAttr, initdb.Dir = attr, filepath.Dir(data)
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// postgresBinaries returns the directory of the newest server installed.
func postgresBinaries() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Sort(dirs)
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	if len(dirs) == 0 {
		return "", errors.New("no PostgreSQL server found: install the package postgresql, or name a database with -database")
	}
	return dirs[len(dirs)-1], nil
}
