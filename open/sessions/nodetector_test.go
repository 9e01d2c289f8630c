//go:build !race

package sessions

const race = false
