//go:build !race

package strict_test

const race = false
