//go:build race

package sessions

const race = true
