//go:build !race

package testapp_test

const raceDetector = false
