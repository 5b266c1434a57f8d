package pgtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
)

const (
	// EnvURL names a server to use instead of an own cluster. Its role must be allowed to create databases.
	EnvURL = "FUTAKAGI_TEST_POSTGRES_URL"
	// EnvRequired, set to 1, turns the skip of a machine without PostgreSQL into a failure.
	EnvRequired = "FUTAKAGI_TEST_POSTGRES"
)

// URL returns the URL of a fresh, empty database that is dropped after the test.
func URL(t testing.TB) string {
	t.Helper()
	return server(t).database(t, "template0")
}

// Clone returns the URL of a database with whatever prepare puts into one, and nothing else. prepare runs once per process and name.
// A database that a test is done with serves another one, since to make one takes hundreds of times as long as to empty it.
func Clone(t testing.TB, name string, prepare func(url string) error) string {
	t.Helper()
	c := server(t)
	template, err := c.template(name, prepare)
	if err != nil {
		t.Fatalf("prepare template database %q: %v", name, err)
	}
	if c.life == nil { // not ours: what is left there stays
		return c.database(t, template.name)
	}
	return c.lend(t, template)
}

// Disconnect breaks every connection to the database of a URL, as a restart of the server would.
func Disconnect(t testing.TB, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	if err := server(t).admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "' AND pid <> pg_backend_pid()"); err != nil {
		t.Fatalf("disconnect: %v", err)
	}
}

// cluster is a running server and the templates made on it.
type cluster struct {
	url *url.URL
	// life keeps the server up: it is the other end of the pipe that the server's shell reads.
	life io.Closer

	mu        sync.Mutex
	templates map[string]*template
}

var start = sync.OnceValues(func() (*cluster, error) {
	if env := os.Getenv(EnvURL); env != "" {
		u, err := url.Parse(env)
		if err != nil {
			return nil, fmt.Errorf("%s is not a URL", EnvURL)
		}
		return &cluster{url: u, templates: map[string]*template{}}, nil
	}
	return startCluster()
})

func server(t testing.TB) *cluster {
	t.Helper()
	c, err := start()
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	if c == nil {
		const missing = "no PostgreSQL server found: install the package postgresql (Debian, Fedora) or set " + EnvURL
		if os.Getenv(EnvRequired) == "1" {
			t.Fatal(missing)
		}
		t.Skip("NOT TESTED ON POSTGRESQL: " + missing)
	}
	return c
}

func (c *cluster) admin(statement string) error {
	db, err := sql.Open("pgx", c.url.String())
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func (c *cluster) named(name string) string {
	u := *c.url
	u.Path = "/" + name
	return u.String()
}

func newName() string { return "futakagi_test_" + strings.ToLower(rand.Text()[:16]) }

func (c *cluster) database(t testing.TB, template string) string {
	t.Helper()
	name := newName()
	if err := c.admin("CREATE DATABASE " + name + " TEMPLATE " + template); err != nil {
		t.Fatalf("create test database: %v", err)
	}
	t.Cleanup(func() {
		if err := c.admin("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Logf("drop test database: %v", err)
		}
	})
	return c.named(name)
}

func (c *cluster) template(name string, prepare func(url string) error) (*template, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if template, ok := c.templates[name]; ok {
		return template, nil
	}
	made := &template{name: newName()}
	if err := c.admin("CREATE DATABASE " + made.name + " TEMPLATE template0"); err != nil {
		return nil, err
	}
	if err := prepare(c.named(made.name)); err != nil {
		return nil, err
	}
	c.templates[name] = made
	return made, nil
}

// binaries returns the directory of the newest installed server, or "".
func binaries() string {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	dirs = append(dirs, "/usr/bin", "/usr/local/bin", "/usr/pgsql/bin", "/opt/homebrew/opt/postgresql/bin")
	for _, dir := range dirs {
		if isFile(filepath.Join(dir, "initdb")) && isFile(filepath.Join(dir, "postgres")) {
			return dir
		}
	}
	return ""
}

func version(dir string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	return n
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// startCluster returns nil without an error if no server is installed.
func startCluster() (*cluster, error) {
	bin := binaries()
	if bin == "" {
		return nil, nil
	}
	// The server refuses to run as root.
	var attr syscall.SysProcAttr
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return nil, fmt.Errorf("tests run as root, and there is no user postgres to run the server: %w", err)
		}
		uid, _ = strconv.Atoi(u.Uid)
		gid, _ = strconv.Atoi(u.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	// A socket's path may have some hundred bytes only, and the server's user must be able to reach it.
	dir, err := os.MkdirTemp("/tmp", "futakagi-pg-")
	if err != nil {
		return nil, err
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		return nil, err
	}
	environment := []string{"PATH=" + bin + ":/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=" + dir, "TZ=UTC"}

	data := filepath.Join(dir, "data")
	options := []string{"-D", data, "-U", "futakagi", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions"}
	// A linguistic default collation shows queries that forgot to ask for a plain one.
	if _, err := initdb(bin, environment, dir, attr, append(options, "--locale-provider=icu", "--icu-locale=en-US")...); err != nil {
		if err := os.RemoveAll(data); err != nil {
			return nil, err
		}
		if output, err := initdb(bin, environment, dir, attr, options...); err != nil {
			return nil, fmt.Errorf("initdb: %w: %s", err, output)
		}
	}

	// The shell outlives a killed test process long enough to take the server down: its standard input ends when we do.
	const script = `
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
	-c max_connections=400 -c shared_buffers=64MB -c autovacuum=off >"$2/log" 2>&1 </dev/null &
read -r _
kill -QUIT $!
wait $!
rm -rf "$2"`
	cmd := exec.Command("/bin/sh", "-c", script, "pgtest", bin, dir)
	attr.Setsid = true // an interrupt on the terminal must not take the shell before its work is done
	cmd.SysProcAttr, cmd.Env, cmd.Dir = &attr, environment, dir
	life, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}

	c := &cluster{
		life:      life,
		url:       &url.URL{Scheme: "postgres", User: url.User("futakagi"), Path: "/postgres", RawQuery: url.Values{"host": {dir}}.Encode()},
		templates: map[string]*template{},
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		err := c.admin("SELECT 1")
		if err == nil {
			return c, nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			return nil, fmt.Errorf("server does not answer: %w: %s", err, log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func initdb(bin string, environment []string, dir string, attr syscall.SysProcAttr, options ...string) ([]byte, error) {
	cmd := exec.Command(filepath.Join(bin, "initdb"), options...)
	cmd.SysProcAttr, cmd.Env, cmd.Dir = &attr, environment, dir
	return cmd.CombinedOutput()
}
