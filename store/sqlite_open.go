package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// sqliteEngine is one open file: a connection that writes, a pool that reads beside it, and the lock that keeps a second server away.
type sqliteEngine struct {
	path    string
	lock    *fileLock // nil for a guest
	writer  *sqliteWriter
	reads   *sql.DB
	reader  *sqliteQuerier
	keyName func(columns string) string
}

// pragmas are set on every connection. synchronous(full) makes a commit survive a power cut; case_sensitive_like makes LIKE
// mean what it means on PostgreSQL.
var pragmas = []string{
	"busy_timeout(5000)", "journal_mode(wal)", "synchronous(full)", "foreign_keys(1)", "case_sensitive_like(1)", "temp_store(memory)",
}

func sqliteDSN(path string, extra ...string) string {
	q := url.Values{}
	for _, p := range append(append([]string(nil), pragmas...), extra...) {
		if name, value, ok := strings.Cut(p, "="); ok {
			q.Add(name, value)
			continue
		}
		q.Add("_pragma", p)
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

func openSQLite(ctx context.Context, path string, maxConns int, guest bool) (_ *sqliteEngine, err error) {
	if path == "" || strings.HasPrefix(path, ":memory:") {
		return nil, errors.New("open SQLite: the URL needs the path of a file, such as sqlite:futakagi.db")
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	e := &sqliteEngine{path: path}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if !guest {
		if e.lock, err = lockFile(path + ".lock"); err != nil {
			return nil, fmt.Errorf("open SQLite file %s: %w", path, err)
		}
	}
	flags := os.O_RDWR
	if !guest {
		// Created here rather than by the driver, so that nobody else on the machine can read it; the files beside it inherit that.
		flags |= os.O_CREATE
	}
	file, err := os.OpenFile(path, flags, 0o600)
	if guest && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open SQLite file %s: %w", path, ErrNoDatabase)
	}
	if err != nil {
		return nil, fmt.Errorf("open SQLite file: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("open SQLite file: %w", err)
	}

	keys := &sqliteKeys{engine: e}
	e.keyName = keys.name
	writes, err := sql.Open("sqlite", sqliteDSN(path, "_txlock=immediate"))
	if err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	writes.SetMaxOpenConns(1)
	writes.SetMaxIdleConns(1)
	e.writer = &sqliteWriter{db: writes, keys: keys.name}
	if err := writes.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("open SQLite file %s: %w", path, mapError(err, nil))
	}
	if e.reads, err = sql.Open("sqlite", sqliteDSN(path, "query_only(1)")); err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	e.reads.SetMaxOpenConns(maxConns)
	e.reads.SetMaxIdleConns(maxConns)
	e.reader = newSQLiteQuerier(e.reads, false)
	return e, nil
}

func (e *sqliteEngine) close() error {
	var errs []error
	if e.reader != nil {
		e.reader.close()
	}
	if e.reads != nil {
		errs = append(errs, e.reads.Close())
	}
	if e.writer != nil {
		errs = append(errs, e.writer.close())
	}
	if e.lock != nil {
		errs = append(errs, e.lock.unlock())
	}
	return errors.Join(errs...)
}

// sqliteKeys gives unique keys the names they have on PostgreSQL. SQLite reports only columns.
type sqliteKeys struct {
	engine *sqliteEngine
	mu     sync.Mutex
	names  map[string]string
}

func (k *sqliteKeys) name(columns string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if name, ok := k.names[columns]; ok {
		return name
	}
	names, err := k.load()
	if err != nil {
		return ""
	}
	k.names = names
	return names[columns]
}

func (k *sqliteKeys) load() (map[string]string, error) {
	rows, err := k.engine.reads.QueryContext(context.Background(), `
		SELECT t.name, i.name, i.origin, (SELECT group_concat(c.name, ' ') FROM pragma_index_info(i.name) c)
		FROM sqlite_master t, pragma_index_list(t.name) i
		WHERE t.type = 'table' AND i."unique" ORDER BY i.name DESC`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names := make(map[string]string)
	for rows.Next() {
		var table, index, origin, joined string
		if err := rows.Scan(&table, &index, &origin, &joined); err != nil {
			return nil, err
		}
		columns := strings.Split(joined, " ")
		qualified := make([]string, len(columns))
		for i, c := range columns {
			qualified[i] = table + "." + c
		}
		switch origin {
		case "pk":
			index = table + "_pkey"
		case "u":
			index = table + "_" + strings.Join(columns, "_") + "_key"
		}
		names[strings.Join(qualified, ", ")] = index
	}
	return names, rows.Err()
}
