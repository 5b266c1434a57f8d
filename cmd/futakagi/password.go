package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxSecretInput bounds what is read as a password.
const maxSecretInput = 4096

// password reads the password of a new account: from a file, from the terminal
// without showing it, or else from the first line of standard input.
func (a *app) password(ctx context.Context, path string) (string, error) {
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return "", failure{fmt.Errorf("read password: %w", err)}
		}
		defer func() { _ = f.Close() }()
		return firstLine(f)
	}
	terminal, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return firstLine(a.in)
	}
	first, err := a.ask(ctx, terminal, "Password: ")
	if err != nil {
		return "", err
	}
	if first == "" {
		return "", usageError{"no password"}
	}
	again, err := a.ask(ctx, terminal, "Password, again: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", usageError{"the two passwords differ"}
	}
	return first, nil
}

// ask reads one line from a terminal that shows nothing meanwhile. Ctrl-C ends
// it and leaves the terminal as it was.
func (a *app) ask(ctx context.Context, terminal *os.File, prompt string) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	type line struct {
		text []byte
		err  error
	}
	read := make(chan line, 1)
	fmt.Fprint(a.err, prompt)
	go func() {
		text, err := term.ReadPassword(fd)
		read <- line{text, err}
	}()
	defer fmt.Fprintln(a.err) // the line's end was not shown either
	select {
	case <-ctx.Done():
		return "", errors.Join(errors.New("read password: interrupted"), term.Restore(fd, before))
	case l := <-read:
		if l.err != nil && !errors.Is(l.err, io.EOF) {
			return "", fmt.Errorf("read password: %w", l.err)
		}
		return string(l.text), nil
	}
}

func firstLine(from io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(from, maxSecretInput)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", usageError{"no password: type it at the prompt of a terminal, or give it on standard input or with --password-file"}
	}
	return line, nil
}
