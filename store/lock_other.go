//go:build !unix

package store

import (
	"errors"
	"io/fs"
	"os"
)

// fileLock is the exclusive right to a file that exists only while it is held.
type fileLock struct{ file *os.File }

func lockFile(path string) (*fileLock, error) {
	// A leftover of a killed process can be removed; one that is still open cannot.
	_ = os.Remove(path)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, err
	}
	return &fileLock{file: file}, nil
}

func (l *fileLock) unlock() error {
	name := l.file.Name()
	if err := l.file.Close(); err != nil {
		return err
	}
	return os.Remove(name)
}
