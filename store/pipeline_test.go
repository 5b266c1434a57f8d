package store_test

import (
	"errors"
	"testing"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

func TestPipelineIsPartOfItsTransaction(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		insert := func(code string) func(tx *store.Tx) error {
			one, two := store.NewID[store.CustomerID](), store.NewID[store.UserGroupID]()
			return func(tx *store.Tx) error {
				if err := tx.InsertCustomer(ctx, store.InsertCustomerParams{ID: one, Code: code, Name: code, Now: t0}); err != nil {
					return err
				}
				return tx.InsertUserGroup(ctx, store.InsertUserGroupParams{ID: two, CustomerID: one, Name: code, Now: t0})
			}
		}
		var found store.Customer
		var missing error
		read := func(code string) func(tx *store.Tx) error {
			return func(tx *store.Tx) (err error) {
				c, err := tx.GetCustomerByCode(ctx, code)
				if missing = err; err == nil {
					found = c
				}
				return nil
			}
		}
		err := db.InTx(ctx, func(tx *store.Tx) error {
			return tx.Pipeline(ctx, insert("A"), insert("B"), read("B"), read("C"))
		})
		if err != nil || found.Code != "B" || !errors.Is(missing, store.ErrNotFound) {
			t.Fatalf("found %+v, %v, %v", found, missing, err)
		}
		// A statement that fails, at whatever place, fails the transaction with its own error.
		for name, steps := range map[string][]func(*store.Tx) error{
			"last": {insert("C"), insert("A")}, "first": {insert("A"), insert("C")},
		} {
			err := db.InTx(ctx, func(tx *store.Tx) error { return tx.Pipeline(ctx, steps...) })
			if !errors.Is(err, store.ErrConflict) || store.Constraint(err) != "customers_code" {
				t.Errorf("%s: err = %v", name, err)
			}
			if _, err := db.Read().GetCustomerByCode(ctx, "C"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: half of it is there: %v", name, err)
			}
		}
		stop := errors.New("stop")
		err = db.InTx(ctx, func(tx *store.Tx) error {
			return tx.Pipeline(ctx, insert("D"), func(*store.Tx) error { return stop }, insert("E"))
		})
		if !errors.Is(err, stop) {
			t.Errorf("err = %v", err)
		}
		if _, err := db.Read().GetCustomerByCode(ctx, "D"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a step's error does not end the transaction: %v", err)
		}
		if err := db.InTx(ctx, func(tx *store.Tx) error { return tx.Pipeline(ctx) }); err != nil {
			t.Error(err)
		}
	})
}
