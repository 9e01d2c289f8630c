//go:build race

package strict_test

// Under the race detector a sync.Pool drops some of the values that it gets.
const race = true
