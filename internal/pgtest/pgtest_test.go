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
