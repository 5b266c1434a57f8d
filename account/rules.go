package account

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the blocklist
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/futakagi/futakagi/store"
)

// The bounds of what an installation can ask of the length, and the least of an operator's password that is used alone.
const (
	maxMinPassword   = 64 // NIST SP 800-63B-4, 3.1.1.2: passwords of this length must be accepted
	minOperatorAlone = 15 // the same section, of passwords without a second factor
)

// PasswordRules are what an installation says of new passwords. Passwords there are already are never judged by them. How short
// one may be is all that can be set: there is no rule of composition or of age, as those make people choose worse ones.
type PasswordRules struct {
	// MinLength is the fewest characters, 8 to 64; 8 if zero.
	MinLength int
	// MinLengthAlone is the fewest of a customer who signs in with the password alone; MinLength if that is more. An operator's is
	// 15 at least.
	MinLengthAlone int
	// Words are the names by which people know the service.
	Words []string
}

func (r PasswordRules) complete() (PasswordRules, error) {
	if r.MinLength == 0 {
		r.MinLength = MinPassword
	}
	r.MinLengthAlone = max(r.MinLengthAlone, r.MinLength)
	if r.MinLength < MinPassword || r.MinLengthAlone > maxMinPassword {
		return PasswordRules{}, fmt.Errorf("password lengths must be from %d to %d", MinPassword, maxMinPassword)
	}
	return r, nil
}

// PasswordOwner is whom a new password is for, as far as the rules ask.
type PasswordOwner struct {
	// Kind is the account's kind.
	Kind string
	// What others know or guess of the person; any may be empty.
	LoginID, DisplayName, RegisteredEmail string
	// Alone says that the password opens the account without a second factor.
	Alone bool
}

// OwnerOf returns whom a new password of an account is for. It is used alone if the account says so (利用しない), even where
// enforcement demands a second factor today: the password outlives that.
func OwnerOf(a store.Account) PasswordOwner {
	return PasswordOwner{
		Kind: a.Kind, LoginID: a.LoginID, DisplayName: a.DisplayName, RegisteredEmail: a.RegisteredEmail,
		Alone: a.TwoFactor == TwoFactorDont,
	}
}

// PasswordMin returns the fewest characters of a new password.
func (s *Service) PasswordMin(owner PasswordOwner) int {
	switch {
	case !owner.Alone:
		return s.passwords.MinLength
	case owner.Kind == KindOperator:
		return max(s.passwords.MinLengthAlone, minOperatorAlone)
	}
	return s.passwords.MinLengthAlone
}

// CheckPassword judges a new password: by its length, and by whether it is among the first that somebody would try. It fails with
// a [ValidationError] that names [FieldPassword].
func (s *Service) CheckPassword(password string, owner PasswordOwner) error {
	message, err := s.judgePassword(password, owner)
	if err != nil || message == "" {
		return err
	}
	return checks{FieldPassword: message}.passwordErr(s.PasswordMin(owner))
}

// judgePassword returns what is wrong with a new password, or "".
func (s *Service) judgePassword(password string, owner PasswordOwner) (message string, err error) {
	typed := utf8.RuneCountInString(password)
	switch {
	case typed == 0:
		return msgPasswordBlank, nil
	case typed > MaxPassword: // before anything is done with it
		return msgPasswordLong, nil
	}
	hashed := utf8.RuneCountInString(normal(password))
	switch {
	case min(typed, hashed) < s.PasswordMin(owner):
		return msgPasswordShort, nil
	case hashed > MaxPassword:
		return msgPasswordLong, nil
	}

	// Compared as a whole, but without what a guesser tries anyway: capitals, widths, spaces, repetition, direction.
	folded := []rune(Fold(password))
	unit := repeated(folded)
	if len(unit) < len(folded) && len(unit) < MinPassword || runs(unit) {
		return msgPasswordSimple, nil
	}
	blocklist, err := s.blocklist()
	if err != nil {
		return "", fmt.Errorf("read blocklist: %w", err)
	}
	text := string(unit)
	switch {
	case listed(blocklist, text) || listed(blocklist, reversed(text)):
		return msgPasswordCommon, nil
	case s.known(text, owner):
		return msgPasswordContext, nil
	}
	return "", nil
}

// normal is the form in which a new password is hashed (NFKC), so that it is the same from every keyboard: が in one character or
// two, ａ from an input method or a from the keys.
func normal(password string) string { return norm.NFKC.String(password) }

// SamePassword reports whether two texts are one password, however they were typed.
func SamePassword(a, b string) bool { return normal(a) == normal(b) }

// spellings are the texts to check a password by: as it was typed, which is what was hashed elsewhere, and as we hash it. How many
// there are depends on the typed text alone.
func spellings(password string) []string {
	if n := normal(password); n != password {
		return []string{password, n}
	}
	return []string{password}
}

// repeated returns the shortest beginning of a text that the text is made of, the last time perhaps in part; all of it if there
// is none.
func repeated(text []rune) []rune {
	for n := 1; n <= len(text)/2; n++ {
		if slices.Equal(text[n:], text[:len(text)-n]) {
			return text[:n]
		}
	}
	return text
}

// rows are what hands run along: digits, letters, kana, and the keys of American and Japanese keyboards in rows and columns.
func rows() []string {
	return []string{
		"01234567890", "abcdefghijklmnopqrstuvwxyz",
		"あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん", "いろはにほへとちりぬるを",
		"qwertyuiop@[", "asdfghjkl;:]", "zxcvbnm,./", "!@#$%^&*()_+", "!\"#$%&'()=~|", "1234567890-^\\",
		"1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol.", "0p;/",
	}
}

// runs reports whether a text is nothing but runs of three or more characters along a row, in either direction or on the spot.
func runs(text []rune) bool {
	var along []string
	for _, row := range rows() {
		along = append(along, row, reversed(row))
	}
	for len(text) > 0 {
		n := 1
		for n < len(text) && text[n] == text[0] {
			n++
		}
		for _, row := range along {
			for n < len(text) && strings.Contains(row, string(text[:n+1])) {
				n++
			}
		}
		if n < 3 {
			return false
		}
		text = text[n:]
	}
	return true
}

// known reports whether a text is made of what others know of the owner and of the service, with nothing besides but digits and
// marks, or up to three characters. Such words inside of a longer password are no harm.
func (s *Service) known(text string, owner PasswordOwner) bool {
	rest := text
	for _, word := range s.contextWords(owner) {
		rest = strings.ReplaceAll(rest, word, " ")
	}
	if rest == text {
		return false
	}
	letters, digits := 0, 0
	for _, r := range rest {
		switch {
		case unicode.IsLetter(r):
			letters++
		case unicode.IsDigit(r):
			digits++
		}
	}
	return letters == 0 || letters+digits <= 3
}

// contextWords are the words that others would try for this owner, folded, with their reverses, the longest first.
func (s *Service) contextWords(owner PasswordOwner) []string {
	local, _, _ := strings.Cut(owner.RegisteredEmail, "@")
	var words []string
	for _, name := range append([]string{"Futakagi", owner.LoginID, owner.DisplayName, local}, s.passwords.Words...) {
		parts := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		for _, part := range append(parts, name) {
			// A single character is in too many passwords to say anything.
			if word := Fold(part); utf8.RuneCountInString(word) > 1 {
				words = append(words, word, reversed(word))
			}
		}
	}
	slices.SortFunc(words, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(words)
}

func reversed(text string) string {
	runes := []rune(text)
	slices.Reverse(runes)
	return string(runes)
}

// compressedBlocklist holds the commonly used passwords of eight characters and more: folded, sorted, one on a line. NOTICE says
// where they are from.
//
//go:embed blocklist.txt.gz
var compressedBlocklist []byte

// maxBlocklist is more than the list unpacks to.
const maxBlocklist = 1 << 20

func loadBlocklist() ([]string, error) {
	r, err := gzip.NewReader(bytes.NewReader(compressedBlocklist))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxBlocklist))
	if err == nil && len(text) == maxBlocklist {
		err = errors.New("too long")
	}
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), nil
}

func listed(blocklist []string, text string) bool {
	_, found := slices.BinarySearch(blocklist, text)
	return found
}
