package cli

import (
	"bufio"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

func (a *App) scanCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scan [PATH|-]...",
		Short: "Find tokens in texts, and personal data readable in them without a key",
		Long: `Finds the tokens in a text of any length, such as a log, a HAR file or source
code, and reports for each of them what can be read without a key and which of it
is personal data: exit code 6 when there is any, or when a limit was reached. Nothing
is verified. A signed token counts without its signature, too, when it was cut off in
the payload, and, if its claims are whole, behind a damaged header. A header alone does
not count, nor an encrypted token that was cut off: they show no claims. Base64,
quoted-printable, percent-encoding, HTML entities, JSON escapes and wrapped lines are
undone once.

A PATH is a file or a folder. In a folder every regular file is read, and no link is
followed; files that are binary are skipped and counted. The summary of several files
names the first 20 without personal data, the first 1000 others, and counts the rest.
Nothing is inflated: a compressed file (such as gzip, zip, bzip2, xz, zstd, lz4, 7z) is
a limit that was reached, and named. So is a byte 0 in a text that is not in UTF-16.

Values are masked, unless --show-values is given; tokens are never printed. The
column counts bytes. A token that a text repeats is reported each time.

With -o json there is one line for each token: an object with file, line, column,
personal (how many pieces of personal data) and layers (the token, and those that
stand readable in it), of which each has where, kind, length, header and claims, and, if
its end is missing, cut_off: in the payload or before the signature. Of each member
there is the name, what is personal in it, and its value if shown. With -o sarif
there is one file of SARIF 2.1.0 without any value, for code scanners. Its
executionSuccessful is false when not all could be read: do not upload it then, as a
scanner closes the alerts that are not in it.`,
		Example: `  sealjwt scan app.log
  sealjwt scan -o sarif src logs >leaks.sarif
  kubectl logs deploy/api | sealjwt scan
  zcat app.log.gz | sealjwt scan -o json | jq -r 'select(.personal > 0) | .line'`,
		Args: noTokens,
	}
	output := addChoice(cmd, "output", "o", "text", "how the result is written", "text", "json", "sarif")
	showValues := cmd.Flags().Bool("show-values", false, "print the values of headers and claims, too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *showValues && output.value == "sarif" {
			return console.Usagef("--show-values is not for -o sarif, which others than the owner of the tokens read")
		}
		s := &scan{
			report: scanReport{asJSON: output.value == "json", showValues: *showValues, strong: a.Strong(), now: time.Now()},
			out:    bufio.NewWriterSize(a.Console.Writer(), 64<<10),
			known:  make(map[string]known),
		}
		if output.value == "sarif" {
			s.sarif = newSarif(s.out)
		}
		if len(args) == 0 {
			args = []string{"-"}
		}
		s.live = a.scanProgress(s, args)
		err := a.scanAll(cmd.Context(), s, args)
		s.live.Clear()
		if s.sarif != nil {
			s.sarif.end()
			if broken := s.out.Flush(); err == nil {
				err = broken
			}
		}
		if err != nil {
			return err
		}
		s.live.End(s.read, 0)
		return a.conclude(s)
	}
	return cmd
}
