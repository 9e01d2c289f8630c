package main

import "fmt"

// The exit codes, on which scripts rely.
const (
	exitDone         = 0
	exitIO           = 1
	exitUsage        = 2
	exitNotAuthentic = 3
	exitRefused      = 4
	exitKey          = 5
	exitPolicy       = 6
	exitDue          = 7
)

// failure is an error whose code or advice is not the usual one of its class.
type failure struct {
	err    error
	code   int    // 0: that of the class
	advice string // empty: that of the class
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// usagef is a mistake in the command line or in the claims file.
func usagef(format string, args ...any) error {
	return &failure{err: fmt.Errorf(format, args...), code: exitUsage}
}
