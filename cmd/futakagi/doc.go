// Command futakagi is the whole product in one binary: the server, the demo and
// the commands of the person who runs it.
//
// The package turns configuration into the parts list of package
// internal/server and maps errors to exit codes. It is the only importer of
// package config and holds no rule of its own.
package main
