package cli

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/metrics"
)

// errDue is the error of a check that found an overdue step. The result is on stdout already.
var errDue = errors.New("a rotation is due")

// defaultGrace is longer than the ten minutes between two runs of a usual timer for keys rotate. So
// a step that the next run of the timer takes causes no alarm.
const defaultGrace = 30 * time.Minute

func (a *App) keysCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell whether a rotation is overdue, for monitoring: exit code 7 when it is",
		Long: `Tells whether a rotation is due, whether it could be written, and how the ring is
remembered, so that a ring that is set back is refused: memory is durable when a file
has what was seen, process when a file was compared and cannot be written, and none
when there is no such file. For a ring in a store the place follows by which the memory
knows it: a service that shares the file gives the same place to filestore.NewMemory.

The exit code is 7 when a step has been due for longer than the grace. A timer that runs
sealjwt keys rotate may take so long.

With -o json and -o prometheus there is a result on stdout also when the check fails:
the exit code, and in JSON the error. So move the file of a collector in place after each
check, whatever its exit code.`,
		Example: `  sealjwt keys check
  sealjwt keys check -o prometheus >sealjwt.tmp; mv sealjwt.tmp sealjwt.prom`,
		Args: noInput,
	}
	output := addChoice(cmd, "output", "o", "text", "how the result is written", "text", "json", "prometheus")
	wait := grace(defaultGrace)
	cmd.Flags().Var(&wait, "grace", "how long a step may be due before the exit code is 7; 0 for not at all")
	withoutFiles(cmd, "grace")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		h, err := a.check(cmd.Context(), time.Duration(wait))
		if err != nil {
			return cmp.Or(a.printFailedCheck(output.value, err), err)
		}
		for _, warning := range h.warnings {
			a.Say("%s", warning)
		}
		if h.unwritable != nil {
			a.Say("warning: a rotation or a revocation could not be written: %s", console.Plain(h.unwritable))
		}
		if h.ExitCode == console.ExitDue {
			err = &console.Failure{Err: errDue, Code: console.ExitDue, Verb: "keys rotate"}
		}
		if output.value == "prometheus" {
			return cmp.Or(a.Print(metrics.Text(h.metrics()...)), err)
		}
		return cmp.Or(a.PrintAs(output.value == "json", h), err)
	}
	return cmd
}

func (a *App) check(ctx context.Context, grace time.Duration) (health, error) {
	at, err := a.ringAt(ctx)
	if err != nil {
		return health{}, err
	}
	ring, err := a.openRing(ctx)
	if err != nil {
		return health{}, err
	}
	return a.lookAt(ctx, ring, at, grace)
}

// failedCheck is the result of a check that could not read the ring. The error holds no secret: it
// is the line on stderr.
type failedCheck struct {
	Error    string `json:"error"`
	ExitCode int    `json:"exit_code"`
}

// printFailedCheck prints the result of a failed check for a program. For a person the line on
// stderr suffices.
func (a *App) printFailedCheck(format string, err error) error {
	code, text := a.Describe(err)
	switch format {
	case "json":
		return a.PrintJSON(failedCheck{console.Printable(text), code})
	case "prometheus":
		return a.Print(metrics.Text(exitCodeMetric(code)))
	}
	return nil
}

// grace is a flag that takes a duration as lifetime does, or 0.
type grace time.Duration

func (g *grace) Type() string   { return "DURATION" }
func (g *grace) String() string { return console.Duration(time.Duration(*g)) }
func (g *grace) Set(s string) error {
	if s == "0" || s == "0s" {
		*g = 0
		return nil
	}
	return (*lifetime)(g).Set(s)
}
