package cli

import (
	"errors"
	"strconv"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/spf13/cobra"
)

// bulkFlags are the flags of the verbs that can work line by line.
type bulkFlags struct {
	jsonl bool
	skip  lineCount
}

func (f *bulkFlags) add(cmd *cobra.Command, usage string) {
	cmd.Flags().BoolVar(&f.jsonl, "jsonl", false, usage)
	cmd.Flags().Var(&f.skip, "skip", "with --jsonl: pass over so many `LINES` of the input, which have their result already")
	withoutFiles(cmd, "skip")
}

func (f bulkFlags) check() error {
	if f.skip > 0 && !f.jsonl {
		return console.Usagef("--skip passes over lines, which is for --jsonl: add it, or leave --skip out")
	}
	return nil
}

// lineCount is a number of lines.
type lineCount int64

func (n *lineCount) Type() string   { return "LINES" }
func (n *lineCount) String() string { return strconv.FormatInt(int64(*n), 10) }
func (n *lineCount) Set(s string) error {
	lines, err := strconv.ParseInt(s, 10, 64)
	if err != nil || lines < 0 {
		return errors.New("must be a number of lines, such as 1000")
	}
	*n = lineCount(lines)
	return nil
}
