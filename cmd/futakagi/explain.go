package main

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/internal/server"
	"github.com/futakagi/futakagi/store"
)

// settingError says which setting a failed start is about and what to do.
type settingError struct {
	key, fix string
	code     int
	cause    error
}

func (e settingError) Error() string { return fmt.Sprintf("%s: %v; %s", e.key, e.cause, e.fix) }

func (e settingError) Unwrap() error { return e.cause }

// explain turns an error of a start into one that names the setting to look at.
// What already says that it is about something else is left alone.
func explain(err error) error {
	if _, ok := errors.AsType[failure](err); ok {
		return err
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrLocked):
		return settingError{"database.url", "stop the other server, or give this one a file of its own: SQLite serves one process", exitUnavailable, err}
	case errors.Is(err, store.ErrUnavailable):
		return settingError{"database.url", "check that the database runs and that address, user and password are right", exitUnavailable, err}
	case errors.Is(err, store.ErrSchemaNew):
		return settingError{"database.url", "run the newer version of the program", exitConfig, err}
	case errors.Is(err, store.ErrNoDatabase):
		return settingError{"database.url", "run the command in the folder of the server, or make a database with 'futakagi migrate up'", exitConfig, err}
	case errors.Is(err, server.ErrMasterKeyLost):
		return settingError{"master_key", "a new key could not open what the old one sealed", exitConfig, err}
	case errors.Is(err, seal.ErrWrongMasterKey):
		return settingError{"master_key", "give the key that seals this database", exitConfig, err}
	case errors.Is(err, fs.ErrNotExist):
		return settingError{"database.url", "create the folder first, or name a file in another one", exitConfig, err}
	case errors.Is(err, fs.ErrPermission):
		return settingError{"database.url", "let this process write to the folder of the database file", exitConfig, err}
	}
	return err
}

// explainListen names the setting behind a listener that cannot be opened.
func explainListen(key, variable, address string, err error) error {
	fix := "choose another with " + key + " (" + variable + ")"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		err = errors.New(address + " is already in use")
		fix = "stop the program that uses it, or " + fix
	case errors.Is(err, syscall.EACCES):
		err = errors.New(address + " may not be used by this user")
	}
	return settingError{key, fix, exitFailure, err}
}
