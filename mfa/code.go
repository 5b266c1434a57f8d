package mfa

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const codeDigits = 6

// NormalizeCode turns what a person typed or pasted into the six digits it stands for: full-width digits become plain
// ones; spaces, hyphens and invisible characters go. It returns ErrCodeBlank or ErrCodeForm for anything else.
func NormalizeCode(typed string) (string, error) {
	code := squeeze(typed)
	if code == "" {
		return "", ErrCodeBlank
	}
	if len(code) != codeDigits || strings.Trim(code, "0123456789") != "" {
		return "", ErrCodeForm
	}
	return code, nil
}

// squeeze applies NFKC and drops what people and mail programs put between the characters of a code.
func squeeze(typed string) string {
	// No code is longer than this even with a separator after every character; normalising more is work for nothing.
	const longest = 512
	if len(typed) > longest {
		return strings.Repeat("?", longest)
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || unicode.Is(unicode.Cf, r) ||
			r == '\u2212' || r == '\u30fc' { // minus sign; the long-vowel mark that a Japanese keyboard gives for "-"
			return -1
		}
		return r
	}, norm.NFKC.String(typed))
}

// newCode draws a code, each equally likely.
func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("draw code: %w", err)
	}
	return fmt.Sprintf("%0*d", codeDigits, n.Int64()), nil
}
