//go:build race

package strict_test

// Under the race detector a sync.Pool drops some of what it is given.
const race = true
