package cli

import (
	"fmt"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/spf13/cobra"
)

// oneInput refuses all arguments but one FILE or "-".
func oneInput(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) > 1:
		return console.Usagef("one FILE at most, and %d are given: see %s --help", len(args), cmd.CommandPath())
	case len(args) == 1 && args[0] == "":
		return console.Usagef("the name of the FILE is empty: leave it out to read standard input")
	case len(args) == 1 && looksLikeToken(args[0]):
		return console.Usagef("a token is no argument, where every process on the machine can read it: pipe it in, or name a file that holds it")
	}
	return nil
}

// noTokens takes any number of paths, and refuses a token among them.
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
		return console.Usagef("%s takes no argument: see %[1]s --help", cmd.CommandPath())
	}
	return nil
}

// looksLikeToken reports whether an argument could be a token: the header of a compact token
// begins with {" in base64url.
func looksLikeToken(s string) bool {
	return strings.HasPrefix(s, "eyJ") && (len(s) > 64 || strings.Contains(s, "."))
}

// verbNeeded refuses a command that only groups others. Cobra would print its help and report
// success, and a script would go on.
func verbNeeded(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		var verbs []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() && c.Name() != "help" {
				verbs = append(verbs, c.Name())
			}
		}
		return console.Usagef("a verb is missing (%s): see %s --help", strings.Join(verbs, ", "), cmd.CommandPath())
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return console.Usagef("unknown verb%s: did you mean %s %s?", echo(args[0]), cmd.CommandPath(), near[0])
	}
	return console.Usagef("unknown verb%s: see %s --help", echo(args[0]), cmd.CommandPath())
}

// echo shows a mistyped word, unless it could be a token or a secret in the wrong
// place.
func echo(word string) string {
	if len(word) > 24 {
		return ""
	}
	return fmt.Sprintf(" %q", word)
}
