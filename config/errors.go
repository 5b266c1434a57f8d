package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error is one thing that is wrong with the configuration.
type Error struct {
	// Key is the setting in dotted form, such as smtp.port.
	Key string
	// Source says where the value came from: a file name, a variable name, or
	// empty when the setting is missing.
	Source string
	// Problem says what is wrong. It never contains the value of a secret.
	Problem string
	// Fix says what to write instead.
	Fix string
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Key)
	if e.Source != "" {
		fmt.Fprintf(&b, " (%s)", e.Source)
	}
	b.WriteString(": " + e.Problem)
	if e.Fix != "" {
		b.WriteString("; " + e.Fix)
	}
	return b.String()
}

// Errors is everything that is wrong with the configuration.
type Errors struct {
	// List is in the order of the settings in the example file, unknown keys first.
	List []*Error
}

// Error implements error with one line per entry.
func (e *Errors) Error() string {
	var b strings.Builder
	if len(e.List) == 1 {
		b.WriteString("the configuration has 1 error:")
	} else {
		fmt.Fprintf(&b, "the configuration has %d errors:", len(e.List))
	}
	for _, one := range e.List {
		b.WriteString("\n  " + one.Error())
	}
	return b.String()
}

// Unwrap lets errors.As reach the entries.
func (e *Errors) Unwrap() []error {
	out := make([]error, len(e.List))
	for i, one := range e.List {
		out[i] = one
	}
	return out
}

// Warning is something odd that does not stop the program.
type Warning struct {
	// Key is the setting or the variable concerned.
	Key string
	// Text says what is odd and what happens.
	Text string
}

// String renders the warning on one line.
func (w Warning) String() string { return w.Key + ": " + w.Text }

// quote shows a value that is not secret: one line, of bounded length.
func quote(v string) string {
	const limit = 60
	if utf8.RuneCountInString(v) > limit {
		v = string([]rune(v)[:limit]) + "…"
	}
	return fmt.Sprintf("%q", v)
}

// plainKey makes a key that somebody else wrote safe to print on one line.
func plainKey(k string) string {
	for _, r := range k {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return quote(k)
		}
	}
	if k == "" || utf8.RuneCountInString(k) > 60 || !utf8.ValidString(k) {
		return quote(k)
	}
	return k
}
