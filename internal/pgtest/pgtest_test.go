package pgtest_test

import (
	"database/sql"
	"testing"

	"github.com/futakagi/futakagi/internal/pgtest"
)

func TestClone(t *testing.T) {
	prepared := 0
	prepare := func(url string) error {
		prepared++
		db, err := sql.Open("pgx", url)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.Exec("CREATE TABLE things (id int)")
		return err
	}
	var urls []string
	for range 2 {
		url := pgtest.Clone(t, "things", prepare)
		urls = append(urls, url)
		db, err := sql.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var n int
		if err := db.QueryRow("SELECT count(*) FROM things").Scan(&n); err != nil || n != 0 {
			t.Fatalf("clone has %d rows, %v", n, err)
		}
		if _, err := db.Exec("INSERT INTO things VALUES (1)"); err != nil {
			t.Fatal(err)
		}
	}
	if urls[0] == urls[1] || prepared != 1 {
		t.Fatalf("URLs %v, prepared %d times", urls, prepared)
	}
}

// A database goes from test to test, but neither its rows nor anything that was done to its tables.
func TestCloneIsAsItWasPrepared(t *testing.T) {
	prepare := func(url string) error {
		return run(url, `CREATE TABLE kinds (id int GENERATED ALWAYS AS IDENTITY, name text, secret bytea, at timestamptz);
			INSERT INTO kinds (name, secret, at) VALUES ('a "b"', '\x00ff', '2026-01-02 03:04:05.678901+09');
			CREATE TABLE rows (kind int)`)
	}
	var used []string
	for _, act := range []string{
		"INSERT INTO rows VALUES (1); DELETE FROM kinds; INSERT INTO kinds (name) VALUES ('c')",
		"ALTER TABLE rows ADD COLUMN more int",
		"CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
		"REVOKE ALL ON rows FROM CURRENT_USER",
		"",
	} {
		t.Run("", func(t *testing.T) {
			url := pgtest.Clone(t, "kinds", prepare)
			used = append(used, url)
			db, err := sql.Open("pgx", url)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var got string
			if err := db.QueryRow("SELECT string_agg(kinds::text, ' ') || (SELECT count(*) FROM rows) FROM kinds").Scan(&got); err != nil {
				t.Fatal(err)
			}
			if want := `(1,"a ""b""","\\x00ff","2026-01-01 18:04:05.678901+00")0`; got != want {
				t.Errorf("it has %s, want %s", got, want)
			}
			if act == "" {
				return
			}
			if err := run(url, act); err != nil {
				t.Fatal(err)
			}
		})
	}
	if used[0] != used[1] || used[1] == used[2] || used[2] == used[3] || used[3] == used[4] {
		t.Errorf("databases = %v, want the first one used again, and those whose tables were changed left", used)
	}
}

func run(url, statements string) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(statements)
	return err
}
