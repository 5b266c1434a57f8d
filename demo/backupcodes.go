package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/futakagi/futakagi/account"
)

// newBackupCodes returns what makes a batch in the form the provider keeps: ten
// codes of 16 characters, the first two unlike those of any other code of the
// batch, each hashed as a password is.
func newBackupCodes(hasher *account.Hasher) func(context.Context) ([]backupCode, error) {
	return func(ctx context.Context) ([]backupCode, error) {
		var batch []backupCode
		taken := map[string]bool{}
		for len(batch) < 10 {
			code := drawCode()
			selector := code[:2]
			if taken[selector] {
				continue
			}
			taken[selector] = true
			hash, err := hasher.Hash(ctx, code)
			if err != nil {
				return nil, fmt.Errorf("hash backup code: %w", err)
			}
			batch = append(batch, backupCode{
				text:     strings.Join([]string{code[:4], code[4:8], code[8:12], code[12:]}, "-"),
				selector: selector, hash: hash,
			})
		}
		return batch, nil
	}
}

// drawCode draws letters and digits without those that are misread on paper.
func drawCode() string {
	code := ""
	for len(code) < 16 {
		code += strings.Map(func(r rune) rune {
			if strings.ContainsRune("ILOU", r) {
				return -1
			}
			return r
		}, rand.Text())
	}
	return code[:16]
}
