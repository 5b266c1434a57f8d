// Package pgtest gives tests PostgreSQL databases of their own, on a cluster that the test process starts and takes down with it.
//
// It owns the cluster and the copies of template databases. It must not know what is in them.
package pgtest
