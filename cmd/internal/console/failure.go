package console

import "fmt"

// The exit codes, on which scripts rely.
const (
	ExitDone         = 0
	ExitIO           = 1
	ExitUsage        = 2
	ExitNotAuthentic = 3
	ExitRefused      = 4
	ExitKey          = 5
	ExitPolicy       = 6
	ExitDue          = 7
)

// Failure is an error whose exit code or advice differs from the entry of its class in outcomes. If
// any of Code, Advice and Verb is set, the class adds neither its advice nor its verb.
type Failure struct {
	Err    error
	Code   int    // the exit code; 0: the code of the class
	Advice string // what to do
	Verb   string // a verb that helps, with its arguments; Describe puts it behind the advice
	Told   bool   // a log has the error already, so the command does not print it again

	ours bool // the text of Err was written for the user, and may begin with a name from outside
}

// Error returns the text of the error.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns the error.
func (f *Failure) Unwrap() error { return f.Err }

// Usagef returns the error for a mistake in the command line or in the claims file.
func Usagef(format string, args ...any) error {
	return &Failure{Err: fmt.Errorf(format, args...), Code: ExitUsage, ours: true}
}
