package cli

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// errDue ends a check with its exit code; the result is on stdout already.
var errDue = errors.New("a rotation is due")

// checked is the answer of keys check.
type checked struct {
	Due     bool         `json:"due"`
	Overdue int64        `json:"overdue_seconds"`
	Next    keyring.Step `json:"next"`
	Full    float64      `json:"full"`   // the part of the ring's room that is taken
	Memory  string       `json:"memory"` // durable, process or none
	Clocks  []wrongClock `json:"wrong_clocks,omitempty"`
}

// wrongClock is a key with a date that a wrong clock wrote.
type wrongClock struct {
	KeyID string    `json:"kid"`
	Date  time.Time `json:"date"`
}

func (a *App) keysCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell whether a rotation is due, for monitoring: exit code 7 when it is",
		Long: `Tells whether a rotation is due, and how the ring is remembered, so that a ring that
is set back is refused: memory is durable when a file has what was seen, process when
a file was compared and cannot be written, and none when there is no such file.`,
		Args: noInput,
	}
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ring, err := a.openRing(cmd.Context())
		if err != nil {
			return err
		}
		step, due, err := ring.NextStep(cmd.Context())
		if err != nil {
			return err
		}
		full, err := ring.Fullness(cmd.Context())
		if err != nil {
			return err
		}
		infos, err := ring.Keys(cmd.Context())
		if err != nil {
			return err
		}
		result := checked{Due: due, Next: step, Memory: a.remembered(), Full: math.Round(full*1000) / 1000}
		if warning := fullWarning(full); warning != "" {
			a.Say("%s", warning)
		}
		for _, k := range infos {
			if !k.WrongDate.IsZero() {
				result.Clocks = append(result.Clocks, wrongClock{k.ID, k.WrongDate})
				a.Say("warning: a clock is wrong, of this host or of another, and holds the rotation up: the %s key %s has the date %s",
					k.Use, console.Word(k.ID), k.WrongDate.UTC().Format(time.RFC3339))
			}
		}
		if due {
			result.Overdue = int64(time.Since(step.At) / time.Second)
			err = &console.Failure{Err: errDue, Code: console.ExitDue, Verb: "keys rotate"}
		}
		return cmp.Or(a.PrintAs(output.value == "json", result), err)
	}
	return cmd
}

func (c checked) Text() []byte {
	var text string
	switch {
	case c.Due:
		text = fmt.Sprintf("due since %s: %s\n", c.Next.At.UTC().Format(time.RFC3339), stepText(c.Next))
	case c.Next.Action == keyring.Nothing:
		text = "nothing is due, nor ever will be: the ring has no keys in use\n"
	default:
		text = fmt.Sprintf("nothing is due\nnext: %s at %s\n", stepText(c.Next), notBeforeText(c.Next.At))
	}
	return []byte(text + "memory: " + c.Memory + "\n")
}

// fullWarning returns the warning about a ring that has taken this part of its room. It begins
// at one half, while there is time to make a new ring.
func fullWarning(full float64) string {
	if full < 0.5 {
		return ""
	}
	return fmt.Sprintf("warning: the ring is %.0f %% full of the kids of ended keys; when it is full it rotates no more: make a new ring before", 100*full)
}
