package seal

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// MasterKeySize is the length of a master key in bytes.
const MasterKeySize = 32

// NewMasterKey makes a random master key and its text form, which
// ParseMasterKey reads.
func NewMasterKey() (key []byte, text string) {
	key = make([]byte, MasterKeySize)
	_, _ = rand.Read(key) // never fails: the runtime stops the program instead
	return key, base64.StdEncoding.EncodeToString(key)
}

// ParseMasterKeys reads any number of master keys, separated by white space or
// commas.
func ParseMasterKeys(text string) ([][]byte, error) {
	var keys [][]byte
	for one := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		key, err := ParseMasterKey(one)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// ParseMasterKey reads a master key from its text: 32 bytes in base64, standard
// or URL alphabet, with or without padding, surrounding white space ignored (a
// key file ends in a newline). Errors never repeat the text.
func ParseMasterKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, errors.New("master key is empty; make one with: openssl rand -base64 32")
	}
	normal := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	key, err := base64.RawStdEncoding.Strict().DecodeString(normal)
	if err != nil {
		return nil, errors.New("master key is not base64; make one with: openssl rand -base64 32")
	}
	if len(key) != MasterKeySize {
		return nil, fmt.Errorf("master key has %d bytes after base64 decoding, want %d; make one with: openssl rand -base64 32", len(key), MasterKeySize)
	}
	var zero [MasterKeySize]byte
	if string(key) == string(zero[:]) {
		return nil, errors.New("master key is all zero bytes; make one with: openssl rand -base64 32")
	}
	return key, nil
}
