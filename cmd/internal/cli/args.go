package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/spf13/cobra"
)

// oneInput takes no argument, or one: FILE or "-". It refuses more arguments, an empty name, and a
// token in place of FILE.
func oneInput(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) > 1:
		return console.Usagef("one FILE at most, and %d are given: see %s --help", len(args), cmd.CommandPath())
	case len(args) == 1 && args[0] == "":
		return console.Usagef("the name of the FILE is empty: leave it out to read standard input")
	case len(args) == 1 && looksLikeToken(args[0]):
		return console.Usagef("a token must not be an argument, which every process on the machine can read: pipe it in, or name a file that holds it")
	}
	return nil
}

// noTokens takes any number of paths. It refuses an empty path and a token in place of a path.
func noTokens(cmd *cobra.Command, args []string) error {
	for _, arg := range args {
		if err := oneInput(cmd, []string{arg}); err != nil {
			return err
		}
	}
	return nil
}

// noInput refuses all arguments.
func noInput(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return console.Usagef("%s takes no argument: see %s --help", verbPath(cmd), cmd.CommandPath())
	}
	return nil
}

// verbPath returns a verb as it is typed, such as keys list. The name of the program is left out,
// because each message begins with it anyway.
func verbPath(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// looksLikeToken reports whether an argument could be a token. The header of a compact token is
// JSON that begins with {" and therefore begins with eyJ in base64url.
func looksLikeToken(s string) bool {
	return strings.HasPrefix(s, "eyJ") && (len(s) > 64 || strings.Contains(s, "."))
}

// echo returns a mistyped word in quotes, for an error. It returns "" for a long word, which could
// be a token or a secret that the user typed in the wrong place.
func echo(word string) string {
	if len(word) > 24 {
		return ""
	}
	return fmt.Sprintf(" %q", word)
}

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
