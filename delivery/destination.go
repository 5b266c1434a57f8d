package delivery

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Destination is the key of a mailbox in budgets. It keeps addresses out of keys, and keys short. Case and what follows a plus sign
// make no other mailbox with most mail servers, so they must not make another budget either.
func Destination(address string) string {
	address = strings.ToLower(address)
	if local, domain, ok := strings.Cut(address, "@"); ok {
		if plain, _, tagged := strings.Cut(local, "+"); tagged && plain != "" {
			address = plain + "@" + domain
		}
	}
	sum := sha256.Sum256([]byte(address))
	return hex.EncodeToString(sum[:16])
}

// NoticeBudget is the key of the budget of notices to a mailbox: everybody who sends some takes from the same.
func NoticeBudget(address string) string { return "notice-destination:" + Destination(address) }
