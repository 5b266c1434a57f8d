package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// race runs try in 50 goroutines at once and returns how many won. A loser is one that matched no row or met a unique key.
func race(t *testing.T, try func(ctx context.Context, n int) error) int {
	t.Helper()
	const contenders = 50
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		won   int
		gate  = make(chan struct{})
	)
	for n := range contenders {
		group.Go(func() {
			<-gate
			err := try(t.Context(), n)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrConflict):
			default:
				t.Errorf("contender %d: %v", n, err)
			}
		})
	}
	close(gate)
	group.Wait()
	return won
}

// one turns a count of rows into the error of a query that returned none.
func one(n int64, err error) error {
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

// prepareRace inserts what the single-use statements compete for.
func prepareRace(t *testing.T, db *store.DB) {
	t.Helper()
	err := db.InTx(t.Context(), func(tx *store.Tx) error {
		ctx := t.Context()
		return errors.Join(
			tx.InsertAccount(ctx, store.InsertAccountParams{ID: id[store.AccountID](account), Kind: "store", LoginKey: "tanaka", TwoFactor: "use", Now: t0}),
			tx.InsertFlow(ctx, store.InsertFlowParams{
				ID: id[store.FlowID](flow), SecretHash: hash(1), Request: doc(`{}`), Evidence: doc(`[]`), AccountID: ref[store.AccountID](account),
				CredentialEpoch: new(int64(1)), Now: t0, ExpiresAt: after(time.Hour),
			}),
			tx.InsertChallenge(ctx, store.InsertChallengeParams{ID: id[store.ChallengeID](challenge), AccountID: id[store.AccountID](account), CodeMAC: hash(1), Now: t0, ExpiresAt: after(time.Hour)}),
			tx.InsertBackupBatch(ctx, store.InsertBackupBatchParams{ID: id[store.BatchID](batch), AccountID: id[store.AccountID](account), CodesSealed: hash(1), Now: t0}),
			tx.InsertBackupCode(ctx, store.InsertBackupCodeParams{BatchID: id[store.BatchID](batch), Selector: "AB", CodeHash: "h"}),
			tx.InsertSession(ctx, store.InsertSessionParams{ID: id[store.SessionID](session), TokenHash: hash(1), AccountID: id[store.AccountID](account), CredentialEpoch: 1, Evidence: doc(`[]`), Now: t0, ExpiresAt: after(time.Hour)}),
			tx.EnqueueMessage(ctx, store.EnqueueMessageParams{ID: id[store.MessageID](message), Now: t0, Deadline: after(time.Hour)}),
			insertKeyset(ctx, tx),
			tx.InsertClient(ctx, store.InsertClientParams{ID: "shop", RedirectURIs: doc(`[]`), PostLogoutRedirectURIs: doc(`[]`), GrantTypes: doc(`[]`), Scopes: doc(`[]`), Now: t0}),
			tx.InsertGrant(ctx, raceGrant(grant, 1)),
			tx.InsertGrant(ctx, raceGrant(grant+1, 2)),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func insertKeyset(ctx context.Context, tx *store.Tx) error {
	_, err := tx.InsertKeyset(ctx, store.InsertKeysetParams{Name: "main", Wrapped: hash(1), Now: t0})
	return err
}

func raceGrant(n, code int) store.InsertGrantParams {
	g := newGrant(n, code)
	g.CredentialEpoch = 1
	return g
}

func redemption(code, n int) store.CodeRedemption {
	return store.CodeRedemption{
		CodeHash: hash(code), ClientID: "shop", RedirectURI: "https://shop.example/cb", CodeChallenge: "cc", Now: t0,
		TokenSetID: id[store.TokenSetID](10_000*code + n), AccessHash: hash2("a", code, n), AccessExpiresAt: after(time.Hour),
		Offline: true, RefreshHash: hash2("r", code, n), RefreshExpiresAt: after(2 * time.Hour),
	}
}

func hash2(kind string, code, n int) []byte { return fmt.Appendf(nil, "%s-%d-%d", kind, code, n) }

// TestSingleUse races every statement that may succeed once: I5, I6, I10, I20, I22 rest on it.
func TestSingleUse(t *testing.T) {
	inTx := func(db *store.DB, ctx context.Context, f func(tx *store.Tx) error) error { return db.InTx(ctx, f) }
	contests := []struct {
		name string
		try  func(ctx context.Context, db *store.DB, n int) error
	}{
		{"UseChallenge", func(ctx context.Context, db *store.DB, _ int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				return one(tx.UseChallenge(ctx, store.UseChallengeParams{ID: id[store.ChallengeID](challenge), Now: at(0)}))
			})
		}},
		{"UseBackupCode", func(ctx context.Context, db *store.DB, _ int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				return one(tx.UseBackupCode(ctx, store.UseBackupCodeParams{BatchID: id[store.BatchID](batch), Selector: "AB", AccountID: id[store.AccountID](account), Now: at(0)}))
			})
		}},
		{"ForgetBackupCodes", func(ctx context.Context, db *store.DB, _ int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				return one(tx.ForgetBackupCodes(ctx, store.ForgetBackupCodesParams{ID: id[store.BatchID](batch), AccountID: id[store.AccountID](account)}))
			})
		}},
		{"InsertBackupBatch", func(ctx context.Context, db *store.DB, n int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				if _, err := tx.VoidBackupBatches(ctx, store.VoidBackupBatchesParams{AccountID: id[store.AccountID](nobody), Now: at(0)}); err != nil {
					return err
				}
				return tx.InsertBackupBatch(ctx, store.InsertBackupBatchParams{ID: id[store.BatchID](5000 + n), AccountID: id[store.AccountID](account), Now: t0})
			})
		}},
		{"InsertFirstFactor", func(ctx context.Context, db *store.DB, n int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				return one(tx.InsertFirstFactor(ctx, store.InsertFirstFactorParams{ID: id[string](5000 + n), AccountID: id[store.AccountID](account), Kind: "email", Address: fmt.Sprint(n), CredentialEpoch: 1, Now: t0}))
			})
		}},
		{"SetTwoFactor", func(ctx context.Context, db *store.DB, _ int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				return one(tx.SetTwoFactor(ctx, store.SetTwoFactorParams{ID: id[store.AccountID](account), Former: "use", TwoFactor: "dont_use", Now: t0}))
			})
		}},
		{"SetSurfaceEnforced", func(ctx context.Context, db *store.DB, _ int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				return one(tx.SetSurfaceEnforced(ctx, store.SetSurfaceEnforcedParams{ID: "admin", Enforced: true, Former: false, Now: t0}))
			})
		}},
		{"RehashPassword", func(ctx context.Context, db *store.DB, n int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				return one(tx.RehashPassword(ctx, store.RehashPasswordParams{ID: id[store.AccountID](account), PasswordHash: fmt.Sprint("$", n)}))
			})
		}},
		{"BindFlowAccount", func(ctx context.Context, db *store.DB, n int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				return one(tx.BindFlowAccount(ctx, store.BindFlowAccountParams{ID: id[store.FlowID](flow), SecretHash: hash(1), NewSecretHash: hash2("f", 0, n), AccountID: ref[store.AccountID](account), CredentialEpoch: new(int64(1)), Evidence: doc(`[]`), Now: t0}))
			})
		}},
		{"SetFlowEvidence", func(ctx context.Context, db *store.DB, n int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				return one(tx.SetFlowEvidence(ctx, store.SetFlowEvidenceParams{ID: id[store.FlowID](flow), SecretHash: hash(1), NewSecretHash: hash2("f", 0, n), NewEpoch: new(int64(1)), AccountID: ref[store.AccountID](account), CredentialEpoch: new(int64(1)), Evidence: doc(`[]`), Now: t0}))
			})
		}},
		{"FinishFlow", func(ctx context.Context, db *store.DB, _ int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				_, err := tx.FinishFlow(ctx, store.FinishFlowParams{ID: id[store.FlowID](flow), SecretHash: hash(1), Now: at(0)})
				return err
			})
		}},
		{"CloseSession", func(ctx context.Context, db *store.DB, _ int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				return one(tx.CloseSession(ctx, store.CloseSessionParams{ID: id[store.SessionID](session), AccountID: id[store.AccountID](account), Now: at(0)}))
			})
		}},
		{"BurnCode", func(ctx context.Context, db *store.DB, _ int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				return one(tx.BurnCode(ctx, store.BurnCodeParams{CodeHash: hash(1), Now: at(0)}))
			})
		}},
		{"RevokeGrant", func(ctx context.Context, db *store.DB, _ int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				return one(tx.RevokeGrant(ctx, store.RevokeGrantParams{ID: id[store.GrantID](grant), Now: at(0)}))
			})
		}},
		{"ClaimMessages", func(ctx context.Context, db *store.DB, n int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				claimed, err := tx.ClaimMessages(ctx, store.ClaimMessagesParams{Owner: new(fmt.Sprint(n)), LeasedUntil: at(time.Minute), Now: t0, BatchSize: 10})
				return one(int64(len(claimed)), err)
			})
		}},
		{"TakeCooldown", func(ctx context.Context, db *store.DB, _ int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				_, err := tx.TakeCooldown(ctx, store.TakeCooldownParams{Key: "k", Now: t0, ExpiresAt: after(time.Minute), FreeBefore: after(-time.Minute)})
				return err
			})
		}},
		{"InsertKeyset", func(ctx context.Context, db *store.DB, n int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				return one(tx.InsertKeyset(ctx, store.InsertKeysetParams{Name: "k", Wrapped: hash2("k", 0, n), Now: t0}))
			})
		}},
		{"InsertSigningKey", func(ctx context.Context, db *store.DB, n int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				return one(tx.InsertSigningKey(ctx, store.InsertSigningKeyParams{ID: "k", Alg: "ES256", PublicJWK: doc(`{}`), Now: t0, SignsFrom: t0}))
			})
		}},
		{"InsertReseal", func(ctx context.Context, db *store.DB, n int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				if _, err := tx.LockKeyset(ctx, "main"); err != nil {
					return err
				}
				return one(tx.InsertReseal(ctx, store.InsertResealParams{ID: string(store.NewID[store.ResealID]()), Now: t0}))
			})
		}},
		{"InsertFirstSigningKey", func(ctx context.Context, db *store.DB, n int) error {
			return inTx(db, ctx, func(tx *store.Tx) error {
				if _, err := tx.LockKeyset(ctx, "main"); err != nil {
					return err
				}
				kid := fmt.Sprintf("first-%d", n) // every server makes a key of its own
				return one(tx.InsertFirstSigningKey(ctx, store.InsertFirstSigningKeyParams{ID: kid, Alg: "ES256", PublicJWK: doc(`{}`), Now: t0}))
			})
		}},
		{"RedeemCode", func(ctx context.Context, db *store.DB, n int) error {
			_, err := db.RedeemCode(ctx, redemption(1, n))
			return err
		}},
	}
	for _, c := range contests {
		t.Run(c.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				prepareRace(t, db)
				if c.name == "InsertBackupBatch" {
					err := db.InTx(t.Context(), func(tx *store.Tx) error {
						_, err := tx.VoidBackupBatches(t.Context(), store.VoidBackupBatchesParams{AccountID: id[store.AccountID](account), Now: at(0)})
						return err
					})
					if err != nil {
						t.Fatal(err)
					}
				}
				if won := race(t, func(ctx context.Context, n int) error { return c.try(ctx, db, n) }); won != 1 {
					t.Fatalf("%d of 50 won", won)
				}
			})
		})
	}
}

// TestI22_RotateRefresh guards that a refresh token buys one successor, which is stored whole.
func TestI22_RotateRefresh(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		prepareRace(t, db)
		ctx := t.Context()
		redeemed := redemption(1, 0)
		g, err := db.RedeemCode(ctx, redeemed)
		if err != nil || g.ID != id[store.GrantID](grant) {
			t.Fatalf("redeem: %+v, %v", g, err)
		}
		if set, err := db.AccessToken(ctx, redeemed.AccessHash, t0); err != nil || set.ID != redeemed.TokenSetID {
			t.Fatalf("redeemed for %+v, %v", set, err)
		}
		rotate := func(n int) store.RefreshRotation {
			return store.RefreshRotation{
				ID: redeemed.TokenSetID, SuccessorID: id[store.TokenSetID](7000 + n), Scope: "openid", Now: after(time.Minute),
				AccessHash: hash2("a", 7, n), AccessExpiresAt: after(time.Hour), RefreshHash: hash2("r", 7, n), RefreshExpiresAt: after(2 * time.Hour),
			}
		}
		if won := race(t, func(ctx context.Context, n int) error { return db.RotateRefresh(ctx, rotate(n)) }); won != 1 {
			t.Fatalf("%d of 50 won", won)
		}
		stored := 0
		for n := range 50 {
			if row, err := db.Read().GetRefresh(ctx, hash2("r", 7, n)); err == nil {
				stored++
				if row.GrantID != g.ID || row.ID != id[store.TokenSetID](7000+n) {
					t.Errorf("successor %+v", row)
				}
			}
		}
		if stored != 1 {
			t.Errorf("%d successors stored", stored)
		}

		// Refused for a policy that changed: nothing may be stored.
		if _, err := db.RedeemCode(ctx, redemption(2, 0)); err != nil {
			t.Fatal(err)
		}
		if err := db.InTx(ctx, func(tx *store.Tx) error {
			_, err := tx.RaiseCredentialEpoch(ctx, store.RaiseCredentialEpochParams{ID: id[store.AccountID](account), Now: t0})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		late := rotate(100)
		late.ID = redemption(2, 0).TokenSetID
		if err := db.RotateRefresh(ctx, late); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("rotate after a reset: %v", err)
		}
		if _, err := db.Read().GetRefresh(ctx, late.RefreshHash); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a refused rotation left a token set: %v", err)
		}
	})
}

// TestRefreshTokenThatIsKeptBuysMany guards that a refresh token that is not rotated stays what it is, however many ask at once, that one
// access token lives beside it, and that
// what stands against a rotation stands against its use.
func TestRefreshTokenThatIsKeptBuysMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		prepareRace(t, db)
		ctx := t.Context()
		redeemed := redemption(1, 0)
		if _, err := db.RedeemCode(ctx, redeemed); err != nil {
			t.Fatal(err)
		}
		next := func(n int) store.RefreshRotation {
			return store.RefreshRotation{
				ID: redeemed.TokenSetID, SuccessorID: id[store.TokenSetID](7000 + n), Scope: "openid", Now: after(time.Minute),
				AccessHash: hash2("a", 7, n), AccessExpiresAt: after(time.Hour), RefreshHash: hash2("r", 7, n), RefreshExpiresAt: after(2 * time.Hour),
			}
		}
		if won := race(t, func(ctx context.Context, n int) error { return db.RenewAccess(ctx, next(n)) }); won != 50 {
			t.Fatalf("%d of 50 won", won)
		}
		live := 0
		for n := range 50 {
			if _, err := db.AccessToken(ctx, hash2("a", 7, n), after(time.Minute)); err == nil {
				live++
			}
			if _, err := db.Read().GetRefresh(ctx, hash2("r", 7, n)); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("another refresh token was stored: %v", err)
			}
		}
		if live != 1 {
			t.Errorf("%d access tokens live, want the last one", live)
		}
		row, err := db.Read().GetRefresh(ctx, redeemed.RefreshHash)
		if err != nil || row.RefreshUsedAt != nil {
			t.Fatalf("the token itself: %+v, %v", row, err)
		}
		if err := db.InTx(ctx, func(tx *store.Tx) error {
			_, err := tx.RaiseCredentialEpoch(ctx, store.RaiseCredentialEpochParams{ID: id[store.AccountID](account), Now: t0})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := db.RenewAccess(ctx, next(100)); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("use after a reset: %v", err)
		}
	})
}

// TestI20_RedeemWithoutOfflineAccess guards that a refresh token is stored only if it was asked for.
func TestI20_RedeemWithoutOfflineAccess(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		prepareRace(t, db)
		arg := redemption(1, 0)
		arg.Offline = false
		if _, err := db.RedeemCode(t.Context(), arg); err != nil {
			t.Fatal(err)
		}
		var set store.TokenSet
		err := db.InTx(t.Context(), func(tx *store.Tx) (err error) {
			set, err = tx.LockTokenSet(t.Context(), arg.TokenSetID)
			return err
		})
		if err != nil || set.RefreshHash != nil || set.RefreshExpiresAt != nil {
			t.Fatalf("%+v, %v", set, err)
		}
	})
}

// TestI5_ChallengeTries guards that 50 parallel guesses take no more tries than allowed.
func TestI5_ChallengeTries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		prepareRace(t, db)
		won := race(t, func(ctx context.Context, _ int) error {
			return db.InTx(ctx, func(tx *store.Tx) error {
				_, err := tx.CountChallengeTry(ctx, store.CountChallengeTryParams{ID: id[store.ChallengeID](challenge), Now: t0, MaxTries: 5})
				return err
			})
		})
		if won != 5 {
			t.Fatalf("%d tries were taken", won)
		}
	})
}

// TestThrottleUnderBurst guards that parallel tries cannot pass a limit.
func TestThrottleUnderBurst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		won := race(t, func(ctx context.Context, _ int) error {
			return db.InTx(ctx, func(tx *store.Tx) error {
				_, err := tx.TakeThrottle(ctx, throttle(0))
				return err
			})
		})
		if won != 3 {
			t.Errorf("throttle let %d through", won)
		}
		won = race(t, func(ctx context.Context, _ int) error {
			return db.InTx(ctx, func(tx *store.Tx) error {
				_, err := tx.TakeBudget(ctx, store.TakeBudgetParams{Key: "b", Now: t0, ExpiresAt: after(time.Hour), Ceiling: 7})
				return err
			})
		})
		if won != 7 {
			t.Errorf("budget let %d through", won)
		}
		if err := db.InTx(t.Context(), func(tx *store.Tx) error {
			return tx.InsertRegistrationToken(t.Context(), store.InsertRegistrationTokenParams{
				ID: id[store.RegistrationTokenID](nobody), TokenHash: hash(9), MaxUses: 5, Now: t0, ExpiresAt: after(time.Hour),
			})
		}); err != nil {
			t.Fatal(err)
		}
		won = race(t, func(ctx context.Context, _ int) error {
			return db.InTx(ctx, func(tx *store.Tx) error {
				_, err := tx.UseRegistrationToken(ctx, store.UseRegistrationTokenParams{TokenHash: hash(9), Now: at(0)})
				return err
			})
		})
		if won != 5 {
			t.Errorf("an initial access token of 5 uses let %d through", won)
		}
	})
}
