// Command bench measures what the protocol endpoints cost: operations per second, latency, processor time of the server and of
// the database, statements and commits per operation, beside the targets.
//
//	go run ./bench -engine sqlite
//	go run ./bench -engine postgres
//	go run ./bench -engine postgres -scale
//
// The server runs as a child process with a database of its own, which is made and thrown away; for PostgreSQL that is a whole
// cluster with its ordinary durability. Processor time per operation is the figure to compare between machines that are busy
// with other things.
//
// It owns the load, the measuring and the table. It must not know how the server does its work.
package main
