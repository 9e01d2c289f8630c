package main

import (
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/spf13/cobra"
)

// oneInput is the Args of the verbs that take FILE or "-".
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

// noTokens is the Args of the verb that takes any number of paths.
func noTokens(cmd *cobra.Command, args []string) error {
	for _, arg := range args {
		if err := oneInput(cmd, []string{arg}); err != nil {
			return err
		}
	}
	return nil
}

// noInput is the Args of the verbs that take none.
func noInput(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return console.Usagef("%s takes no argument: see %[1]s --help", cmd.CommandPath())
	}
	return nil
}

// looksLikeToken: the header of a compact token begins with {" in base64url.
func looksLikeToken(s string) bool {
	return strings.HasPrefix(s, "eyJ") && (len(s) > 64 || strings.Contains(s, "."))
}
