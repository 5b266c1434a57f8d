// Package store keeps everything Futakagi remembers, on one of two engines: PostgreSQL, or an embedded SQLite file.
//
// Every query is written once, in queries/*.sql with PostgreSQL's spelling, and generated for native pgx; the SQLite
// engine runs the same generated code through an adapter. Reads go through [DB.Read], writes through [DB.InTx], and the
// two steps whose latency the token endpoint lives on through [DB.RedeemCode] and [DB.RotateRefresh], which cost one
// round trip each.
//
// The package owns the schema and its migrations, the mapping of driver errors to sentinels ([ErrNotFound],
// [ErrConflict], [ErrUnavailable], …) and the equality of the two engines. It must not know what a row means: rules,
// clocks and randomness belong to its callers, so no statement reads the database's clock.
package store
