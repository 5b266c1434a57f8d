//go:build !race

package account

const shadow = 1
