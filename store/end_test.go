package store_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// TestSessionsEndInOnePlace guards that no relying party is forgotten: whoever ends sessions does it by the methods that tell them.
func TestSessionsEndInOnePlace(t *testing.T) {
	closes := regexp.MustCompile(`\.(CloseSession|CloseAccountSessions|CloseOtherSessions|EnqueuePush)\(|sessions SET ended_at`)
	onlyIn(t, "end.go", closes, "use Tx.EndSession or Tx.EndAccess")
}

// TestI11_AccessTokensAreLookedUpInOnePlace guards that nobody forgets the second half of the question whether a token lives.
func TestI11_AccessTokensAreLookedUpInOnePlace(t *testing.T) {
	onlyIn(t, "tokens.go", regexp.MustCompile(`\.(GetAccessToken|GetExchangedToken)\(`), "use DB.AccessToken")
}

// onlyIn guards that what the expression finds stands in that one file of the package and nowhere else in the program.
func onlyIn(t *testing.T, file string, expression *regexp.Regexp, instead string) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_gen.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if found := expression.Find(text); found != nil && path != filepath.Join("..", "store", file) {
			t.Errorf("%s: %s: %s", path, found, instead)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestI27_NoEpochIsRaisedWithoutAnAuditRow: whatever ends what an account holds is written down with who did it, or did not happen. Each
// statement that raises an epoch is one of those that transactions watch.
func TestI27_NoEpochIsRaisedWithoutAnAuditRow(t *testing.T) {
	for engine, open := range map[string]func(testing.TB) string{store.SQLite: storetest.SQLiteURL, store.PostgreSQL: storetest.PostgreSQLURL} {
		t.Run(engine, func(t *testing.T) {
			db, err := store.Open(t.Context(), store.Config{URL: open(t), Audited: true, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			b := &ends{T: t, db: db, now: time.Now().UTC().Truncate(time.Microsecond)}
			who, _ := b.person()
			var raisers []string
			for name, raise := range map[string]func(tx *store.Tx) error{
				"RaiseCredentialEpoch": func(tx *store.Tx) error {
					_, err := tx.RaiseCredentialEpoch(t.Context(), store.RaiseCredentialEpochParams{ID: who, Now: b.now})
					return err
				},
				"SetPassword": func(tx *store.Tx) error {
					_, err := tx.SetPassword(t.Context(), store.SetPasswordParams{ID: who, PasswordHash: "x", Now: &b.now})
					return err
				},
				"SetAccountDisabled": func(tx *store.Tx) error {
					_, err := tx.SetAccountDisabled(t.Context(), store.SetAccountDisabledParams{ID: who, DisabledAt: &b.now, Now: b.now})
					return err
				},
			} {
				raisers = append(raisers, name)
				before, err := db.Read().GetAccount(t.Context(), who)
				if err != nil {
					t.Fatal(err)
				}
				if err := db.InTx(t.Context(), func(tx *store.Tx) error {
					tx.Because(store.NewID[store.AccountID](), "user", "of somebody else")
					return raise(tx)
				}); !errors.Is(err, store.ErrUnaudited) {
					t.Errorf("%s without an audit row: %v", name, err)
				}
				if after, err := db.Read().GetAccount(t.Context(), who); err != nil || after.CredentialEpoch != before.CredentialEpoch {
					t.Errorf("%s was not rolled back: %v", name, err)
				}
				b.in(func(tx *store.Tx) error {
					tx.Because(who, "user", "of theirs")
					return raise(tx)
				})
			}
			slices.Sort(raisers)
			if diff := cmp.Diff(raisers, raisersOfEpochs(t)); diff != "" {
				t.Errorf("statements that raise an epoch (-watched +written):\n%s", diff)
			}
		})
	}
}

// raisersOfEpochs are the statements that raise an epoch.
func raisersOfEpochs(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("queries/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for statement := range strings.SplitSeq(string(text), "-- name: ") {
			if strings.Contains(statement, "credential_epoch + 1") {
				names = append(names, strings.Fields(statement)[0])
			}
		}
	}
	slices.Sort(names)
	return names
}

// TestSessionsWhoseRowsAreGoneAreToldOfOnce: of months of sign-ins nothing is left but refresh tokens. Where everything ends, one
// message stands for them; where a session is kept, each is named, as that one must go on.
func TestSessionsWhoseRowsAreGoneAreToldOfOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := &ends{T: t, db: db, now: time.Now().UTC().Truncate(time.Microsecond)}
		b.in(func(tx *store.Tx) error {
			for id, uri := range map[string]string{"listens": "https://listens.example/", "other": "https://other.example/", "deaf": ""} {
				if err := tx.InsertClient(t.Context(), store.InsertClientParams{
					ID: id, SurfaceID: "store", RedirectURIs: doc(`[]`), PostLogoutRedirectURIs: doc(`[]`), GrantTypes: doc(`[]`), Scopes: doc(`[]`),
					BackchannelLogoutURI: uri, Now: b.now,
				}); err != nil {
					return err
				}
			}
			return nil
		})
		for _, keep := range []bool{true, false} {
			account, live := b.person()
			for range 3 {
				b.tokens("listens", account, store.NewID[store.SessionID]())
			}
			b.tokens("listens", account, live)
			b.tokens("deaf", account, live)
			want, kept := []string{"listens one", "listens all"}, store.Keep{}
			if keep {
				want, kept = []string{"listens one", "listens one", "listens one"}, store.Keep{Session: live, Epoch: 2}
			}
			if diff := cmp.Diff(want, b.end(account, kept)); diff != "" {
				t.Errorf("one kept: %v\n%s", keep, diff)
			}
			if keep {
				want = []string{"listens one"}
			} else {
				want = nil
			}
			if diff := cmp.Diff(want, b.end(account, store.Keep{})); diff != "" {
				t.Errorf("after that, one kept: %v\n%s", keep, diff)
			}
		}
	})
}

// ends is a database with sessions that end.
type ends struct {
	*testing.T
	db  *store.DB
	now time.Time
}

func (b *ends) in(f func(tx *store.Tx) error) {
	b.Helper()
	if err := b.db.InTx(b.Context(), f); err != nil {
		b.Fatal(err)
	}
}

// person is an account, at its second epoch, with a session of its first.
func (b *ends) person() (store.AccountID, store.SessionID) {
	account, live := store.NewID[store.AccountID](), store.NewID[store.SessionID]()
	b.in(func(tx *store.Tx) error {
		if err := tx.InsertAccount(b.Context(), store.InsertAccountParams{
			ID: account, Kind: "store", LoginID: string(account), LoginKey: string(account), TwoFactor: "dont_use", Now: b.now,
		}); err != nil {
			return err
		}
		return tx.InsertSession(b.Context(), store.InsertSessionParams{
			ID: live, TokenHash: []byte(live), AccountID: account, AccountKind: "store", CredentialEpoch: 1, Evidence: doc(`[]`),
			Now: b.now, ExpiresAt: b.now.Add(time.Hour),
		})
	})
	return account, live
}

// tokens gives a client a refresh token from a session.
func (b *ends) tokens(client string, account store.AccountID, session store.SessionID) {
	b.Helper()
	code, set := []byte(client+string(session)), store.NewID[store.TokenSetID]()
	b.in(func(tx *store.Tx) error {
		if err := tx.InsertGrant(b.Context(), store.InsertGrantParams{
			ID: store.NewID[store.GrantID](), ClientID: client, AccountID: account, SessionID: session, SurfaceID: "store", CredentialEpoch: 1,
			Scope: "openid offline_access", Evidence: doc(`[]`), CodeHash: code, CodeExpiresAt: b.now.Add(time.Minute), Now: b.now, ExpiresAt: b.now.Add(time.Hour),
		}); err != nil {
			return err
		}
		if _, err := tx.RedeemCode(b.Context(), store.RedeemCodeParams{CodeHash: code, ClientID: client, Now: &b.now, TokenSetID: &set}); err != nil {
			return err
		}
		_, err := tx.InsertCodeTokenSet(b.Context(), store.InsertCodeTokenSetParams{
			CodeHash: code, TokenSetID: &set, AccessHash: append([]byte("a"), code...), AccessExpiresAt: b.now.Add(time.Minute), Offline: true,
			RefreshHash: append([]byte("r"), code...), RefreshExpiresAt: b.now.Add(time.Hour), Now: b.now,
		})
		return err
	})
}

// end ends an account's sessions and returns who is told, and whether of one session or of all.
func (b *ends) end(account store.AccountID, keep store.Keep) (out []string) {
	b.Helper()
	b.in(func(tx *store.Tx) error {
		if err := tx.EndAccess(b.Context(), b.now, account, keep); err != nil {
			return err
		}
		if len(tx.Told(store.NewID[store.AccountID]())) != 0 {
			b.Error("another account's")
		}
		owner, until := "w", b.now.Add(time.Minute)
		rows, err := tx.ClaimPushes(b.Context(), store.ClaimPushesParams{Owner: &owner, LeasedUntil: &until, Now: b.now, PerRecipient: 100, BatchSize: 100})
		of := map[store.MessageID]string{}
		for _, row := range rows {
			if of[row.ID] = "one"; row.SessionID == nil {
				of[row.ID] = "all"
			}
		}
		for _, m := range tx.Told(account) {
			out = append(out, m.ClientID+" "+of[m.MessageID])
		}
		slices.Sort(out)
		slices.Reverse(out)
		return err
	})
	return out
}
