package provider

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/store"
)

// subjectSalt names the salt of pairwise subjects.
const subjectSalt = "subjects"

const saltBytes = 32

// subjects says by what name a client knows a person and a session of theirs. With public subjects those are the ids of our rows; a
// client with pairwise ones gets a name that no client of another sector can tell to be of the same person (OpenID Connect Core
// section 8.1). Names are compared, never turned back.
type subjects struct{ salt []byte }

// loadSalt reads the installation's salt; the first start makes it. It stays for good, since every pairwise subject rests on it.
func (s *subjects) loadSalt(ctx context.Context, db *store.DB, box *seal.Box, now time.Time) error {
	at := seal.Place{Table: "salts", Row: subjectSalt}
	sealed, err := db.Read().GetSalt(ctx, subjectSalt)
	if errors.Is(err, store.ErrNotFound) {
		var fresh [saltBytes]byte
		_, _ = rand.Read(fresh[:]) // never fails: the runtime stops the program instead
		if sealed, err = box.Seal(fresh[:], at); err != nil {
			return err
		}
		err = db.InTx(ctx, func(tx *store.Tx) error {
			if _, err := tx.InsertSalt(ctx, store.InsertSaltParams{Name: subjectSalt, ValueSealed: sealed, Now: now}); err != nil {
				return err
			}
			sealed, err = tx.GetSalt(ctx, subjectSalt) // that of another server, if it was first
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("load salt of subjects: %w", err)
	}
	salt, err := box.Open(sealed, at)
	if err != nil {
		return fmt.Errorf("open salt of subjects: %w", err)
	}
	if len(salt) != saltBytes {
		return fmt.Errorf("salt of subjects has %d bytes", len(salt))
	}
	s.salt = salt
	return nil
}

// subjectFor is the sub of an account as a client is told it.
func (s *subjects) subjectFor(c *Client, account store.AccountID) string {
	if c.sector == "" {
		return string(account)
	}
	return s.pair(c.sector, string(account))
}

// sessionFor is the sid of a session as a client is told it. One sid for all would tie together what pairwise subjects keep apart.
func (s *subjects) sessionFor(c *Client, session store.SessionID) string {
	if c.sector == "" || session == "" {
		return string(session)
	}
	return s.pair(c.sector, "sid", string(session))
}

// isSubject reports whether a client that says sub means the account.
func (s *subjects) isSubject(c *Client, sub string, account store.AccountID) bool {
	return subtle.ConstantTimeCompare([]byte(sub), []byte(s.subjectFor(c, account))) == 1
}

// isSession reports whether a client that says sid means the session.
func (s *subjects) isSession(c *Client, sid string, session store.SessionID) bool {
	return subtle.ConstantTimeCompare([]byte(sid), []byte(s.sessionFor(c, session))) == 1
}

func (s *subjects) pair(parts ...string) string {
	mac := hmac.New(sha256.New, s.salt)
	mac.Write([]byte(strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// names reports whether an authorization request that names a person means the account.
func (m *machine) names(q authRequest, account store.AccountID) bool {
	c, ok := m.clients.Lookup(q.ClientID)
	return ok && m.subjects.isSubject(c, q.Subject, account)
}

// sameNames reports whether a client knows people by the same names as another one. What one is told of a person would otherwise tell
// the other whom it knows.
func (m *machine) sameNames(c *Client, other string) bool {
	o, ok := m.clients.Lookup(other)
	return ok && o.sector == c.sector
}

// isUnused reports whether a client registered itself and nobody is known to have signed in to it.
func (m *machine) isUnused(id string) bool {
	c, ok := m.clients.Lookup(id)
	return ok && c.unused
}

// noteUsed keeps a client that registered itself from being swept.
func noteUsed(ctx context.Context, q *store.Queries, id string, now time.Time) error {
	if _, err := q.NoteClientUsed(ctx, store.NoteClientUsedParams{ID: id, Now: &now}); err != nil {
		return fmt.Errorf("note use of client: %w", err)
	}
	return nil
}
