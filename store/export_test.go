package store

import (
	"context"
	"fmt"
	"strings"
)

// Describe returns the schema in words that both engines share: the type class and nullability of every column, and the columns of
// every unique key.
func Describe(ctx context.Context, db *DB) (map[string]string, error) {
	schema := make(map[string]string)
	if db.postgres != nil {
		rows, err := db.postgres.reads.Query(ctx, `
			SELECT table_name || '.' || column_name, data_type || ' ' || is_nullable
			FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> $1`, migrationTable)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var column, kind string
			if err := rows.Scan(&column, &kind); err != nil {
				return nil, err
			}
			data, nullable, _ := strings.Cut(strings.ReplaceAll(kind, "timestamp with time zone", "timestamptz"), " ")
			class, ok := map[string]string{
				"uuid": "TEXT", "text": "TEXT", "jsonb": "TEXT", "bytea": "BLOB", "timestamptz": "INTEGER", "bigint": "INTEGER", "boolean": "INTEGER",
			}[data]
			if !ok {
				return nil, fmt.Errorf("column %s has the type %s, which has no counterpart", column, data)
			}
			schema[column] = class + " " + nullable
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
		rows, err = db.postgres.reads.Query(ctx, `
			SELECT t.relname, i.relname, pg_get_expr(x.indpred, x.indrelid) IS NOT NULL,
				(SELECT string_agg(a.attname, ' ' ORDER BY k.n) FROM unnest(x.indkey) WITH ORDINALITY k(attnum, n)
					JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum)
			FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
				JOIN pg_namespace s ON s.oid = t.relnamespace
			WHERE x.indisunique AND s.nspname = 'public' AND t.relname <> $1`, migrationTable)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var table, index, columns string
			var partial bool
			if err := rows.Scan(&table, &index, &partial, &columns); err != nil {
				return nil, err
			}
			schema["unique "+table+" "+index] = fmt.Sprint(columns, " ", partial)
		}
		return schema, rows.Err()
	}

	rows, err := db.sqlite.reads.QueryContext(ctx, `
		SELECT t.name, c.name, c.type, c."notnull" FROM sqlite_master t, pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> $1`, migrationTable)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var table, column, kind string
		var required bool
		if err := rows.Scan(&table, &column, &kind, &required); err != nil {
			return nil, err
		}
		nullable := "YES"
		if required {
			nullable = "NO"
		}
		schema[table+"."+column] = kind + " " + nullable
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	indexes, err := db.sqlite.reads.QueryContext(ctx, `
		SELECT t.name, i.name, i.origin, i.partial, (SELECT group_concat(c.name, ' ') FROM pragma_index_info(i.name) c)
		FROM sqlite_master t, pragma_index_list(t.name) i
		WHERE t.type = 'table' AND i."unique" AND t.name <> $1`, migrationTable)
	if err != nil {
		return nil, err
	}
	defer indexes.Close()
	for indexes.Next() {
		var table, index, origin, columns string
		var partial bool
		if err := indexes.Scan(&table, &index, &origin, &partial, &columns); err != nil {
			return nil, err
		}
		if origin == "pk" {
			index = table + "_pkey"
		}
		schema["unique "+table+" "+index] = fmt.Sprint(columns, " ", partial)
	}
	return schema, indexes.Err()
}

// Explain compiles a statement on SQLite without running it.
func Explain(ctx context.Context, db *DB, query string) error {
	text := sqliteText(query)
	args := make([]any, 0, 32)
	for n := 1; strings.Contains(text, fmt.Sprintf("$%d", n)); n++ {
		args = append(args, nil)
	}
	rows, err := db.sqlite.reads.QueryContext(ctx, "EXPLAIN "+text, args...)
	if err != nil {
		return err
	}
	return rows.Close()
}
