package main

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// errExposed ends a scan with its exit code; the result is on stdout already.
var errExposed = errors.New("personal data that anybody can read")

func (a *app) scanCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scan [FILE|-]",
		Short: "Find tokens in a text, and personal data that anybody can read in them",
		Long: `Finds the tokens in a text of any length, such as a log, a HAR file or source
code, and reports for each of them what can be read without a key and which of it
is personal data: exit code 6 when there is any, or when a limit was reached. Nothing
is verified. A signed token counts without its signature, too, and when it was cut
off in the payload. Base64, quoted-printable, percent-encoding, JSON escapes and
wrapped lines are undone once.

Values are masked, unless --show-values is given; tokens are never printed. The
column is that of a byte. A token that a text repeats is reported each time.

With -o json there is one line for each token: an object with file, line, column,
personal (how many pieces of personal data) and layers (the token, and those that
stand readable in it), of which each has where, kind, length, header and claims, and, if
its end is missing, cut_off: in the payload or before the signature. Of each member
there is the name, what is personal in it, and its value if shown.`,
		Example: `  sealjwt scan app.log
  kubectl logs deploy/api | sealjwt scan
  zcat app.log.gz | sealjwt scan -o json | jq -r 'select(.personal > 0) | .line'`,
		Args: oneInput,
	}
	output := addOutput(cmd)
	showValues := cmd.Flags().Bool("show-values", false, "print the values of headers and claims, too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, in, err := a.stream(args)
		if err != nil {
			return err
		}
		defer in.Close()
		s := &scan{
			name:   name,
			report: scanReport{asJSON: output.value == "json", showValues: *showValues},
			out:    bufio.NewWriterSize(printWriter{a}, 64<<10),
			known:  make(map[string]known),
		}
		if err := s.run(cmd.Context(), in); err != nil {
			return err
		}
		return a.conclude(s)
	}
	return cmd
}

// conclude says on stderr what it all came to.
func (a *app) conclude(s *scan) error {
	if s.limited > 0 {
		a.say("%s reached: what is there was not read to the end", count(s.limited, "limit"))
	}
	switch {
	case s.exposing > 0:
		err := fmt.Errorf("%w, in %d of %s in %s", errExposed, s.exposing, count(s.tokens, "token"), size(s.bytes))
		return &failure{err: err, code: exitPolicy, advice: "take it out of the tokens or seal it (sealjwt seal), and clean up this copy"}
	case s.limited > 0:
		err := fmt.Errorf("no personal data found in %s in %s, but not all could be read", count(s.tokens, "token"), size(s.bytes))
		return &failure{err: err, code: exitPolicy, advice: "look at the places that are named"}
	}
	a.say("%s in %s, and no personal data found in any", count(s.tokens, "token"), size(s.bytes))
	return nil
}

func count(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

func size(bytes int64) string {
	value, unit := float64(bytes), 0
	for value >= 1000 && unit < 4 {
		value, unit = value/1000, unit+1
	}
	if unit == 0 {
		return count(bytes, "byte")
	}
	return fmt.Sprintf("%.1f %cB", value, " kMGT"[unit])
}
