// Package demo is what `futakagi demo` shows: the provider with an embedded
// database, a sample store and My Page that sign in at it, an inbox that
// receives its mail, and the accounts to try it with.
//
// It owns the fixtures and the wiring of these parts. It must not hold any rule
// of the product: whatever works in the demo works because the provider does it.
package demo
