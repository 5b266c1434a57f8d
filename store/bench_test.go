package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// BenchmarkPointRead measures one read by primary key.
func BenchmarkPointRead(b *testing.B) {
	each(b, func(b *testing.B, db *store.DB) {
		for b.Loop() {
			if _, err := db.Read().GetSurface(b.Context(), "store"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkInTx measures durable transactions of one insert, alone and side by side.
func BenchmarkInTx(b *testing.B) {
	for _, parallelism := range []int{1, 32} {
		b.Run(fmt.Sprint(parallelism), func(b *testing.B) {
			each(b, func(b *testing.B, db *store.DB) {
				var next atomic.Int64
				b.SetParallelism(parallelism)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						n := int(next.Add(1))
						if err := db.InTx(b.Context(), func(tx *store.Tx) error { return addCustomer(b.Context(), tx, n) }); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		})
	}
}

func each(b *testing.B, f func(b *testing.B, db *store.DB)) {
	b.Run(store.SQLite, func(b *testing.B) { f(b, storetest.SQLite(b)) })
	b.Run(store.PostgreSQL, func(b *testing.B) { f(b, storetest.PostgreSQL(b)) })
}
