//go:build race

package account

// shadow is how much more memory the race detector's shadow of the heap takes.
const shadow = 2
