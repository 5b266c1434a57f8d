package audit_test

import (
	"testing"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// BenchmarkWrite is one event in a transaction of its own, by 16 at a time: refusals of strangers, which are spread over streams, and
// events of one account, which wait for one another.
func BenchmarkWrite(b *testing.B) {
	for engine, url := range engines() {
		for name, account := range map[string]store.AccountID{"strangers": "", "account": store.NewID[store.AccountID]()} {
			b.Run(engine+"/"+name, func(b *testing.B) {
				db := storetest.Open(b, url(b))
				write := func() {
					err := db.InTx(b.Context(), func(tx *store.Tx) error {
						return audit.Write(b.Context(), tx, now, audit.Event{Type: audit.SignInPassword, Result: audit.Failure, Actor: audit.Anonymous(), Account: account})
					})
					if err != nil {
						b.Error(err)
					}
				}
				write()
				b.ResetTimer()
				b.SetParallelism(8)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						write()
					}
				})
			})
		}
	}
}

// BenchmarkVerify reports how many rows are checked in a second.
func BenchmarkVerify(b *testing.B) {
	const rows = 20_000
	for engine, url := range engines() {
		b.Run(engine, func(b *testing.B) {
			db := storetest.Open(b, url(b))
			for range rows / 1000 {
				account := store.NewID[store.AccountID]()
				err := db.InTx(b.Context(), func(tx *store.Tx) error {
					for range 1000 {
						e := audit.Event{Type: audit.SignInFactor, Result: audit.Success, Actor: audit.System(), Account: account, Data: map[string]string{"method": "email"}}
						if err := audit.Write(b.Context(), tx, now, e); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if report, err := audit.Verify(b.Context(), db, nil, func(f audit.Finding) { b.Error(f) }); err != nil || report.Rows != rows {
					b.Fatal(report, err)
				}
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
