// Package server is the parts list: the one place that constructs every part of Futakagi, connects them and runs them.
//
// It owns the order of construction, the listeners, the background work and the stop. `futakagi serve`, the demo and the
// tests all run the server made here. It must hold no rules of the product: those are in the parts.
package server
