package account

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold turns a text into the form in which it is searched: full-width and half-width alike, capitals as small letters,
// katakana as hiragana, without spaces and what cannot be seen. Stored search keys and what people search for go through it.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case hidden(r) || unicode.IsSpace(r):
			return -1
		case r >= 'ァ' && r <= 'ヶ':
			return r - ('ァ' - 'ぁ')
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(strings.ToValidUTF8(s, "")))
}

// searchKey joins the folded fields that a row is found by. No folded text holds a space, so nothing is found across fields.
func searchKey(fields ...string) string {
	folded := make([]string, 0, len(fields))
	for _, f := range fields {
		if f = Fold(f); f != "" {
			folded = append(folded, f)
		}
	}
	return strings.Join(folded, " ")
}

// maxSearch bounds what people search for, in characters.
const maxSearch = 100

// Contains is the LIKE pattern, with \ as its escape, that finds a text inside of another; "" for a text of nothing but space.
func Contains(text string) string {
	text = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", ""))
	if text = clipRunes(text, maxSearch); text == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

// SearchPattern is the LIKE pattern that finds search inside of a search key; all of them for "".
func SearchPattern(search string) string {
	if pattern := Contains(Fold(clipRunes(search, maxSearch))); pattern != "" {
		return pattern
	}
	return "%"
}

// LoginKey folds a login ID to the form sign-in looks up. ok is false when no account can have it.
func LoginKey(loginID string) (key string, ok bool) {
	if len(loginID) > 4*maxLoginID {
		return "", false
	}
	key = strings.ToLower(norm.NFKC.String(strings.TrimSpace(strings.ToValidUTF8(loginID, "\uFFFD"))))
	if key == "" || len(key) > maxLoginID {
		return key, false
	}
	for _, r := range key {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '@' && r != '-' {
			return key, false
		}
	}
	return key, true
}

// hidden reports characters that do not show: controls, and the marks that join, split or reverse text (a name with those can
// pass for another).
func hidden(r rune) bool {
	return r == unicode.ReplacementChar || unicode.Is(unicode.C, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
}

// cleanName normalises a name for display: no hidden characters, no runs of spaces, none at the ends.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) && r != '\u3000':
			return ' '
		case hidden(r):
			return -1
		}
		return r
	}, norm.NFC.String(strings.ToValidUTF8(s, "")))
	var out strings.Builder
	previous := ' '
	for _, r := range s {
		if unicode.IsSpace(r) && unicode.IsSpace(previous) {
			continue
		}
		out.WriteRune(r)
		previous = r
	}
	return strings.TrimSpace(out.String())
}

func clipRunes(s string, limit int) string {
	n := 0
	for i := range s {
		if n == limit {
			return s[:i]
		}
		n++
	}
	return s
}
