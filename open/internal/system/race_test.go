//go:build race

package system_test

const race = true
