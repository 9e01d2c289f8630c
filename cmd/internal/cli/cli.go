// Package cli holds the verbs of the command sealjwt, each in files of its own. The command
// sealjwt-fleet, which has more stores and verbs, calls [Main] with other [Options].
//
// A new verb is a file of this package and a line in App.command, or in the command of its group,
// such as keysCommand. A new exit code stands in console/failure.go, and the errors that mean it in
// console/outcomes.go; topics.go explains it. A new form of a report is a choice of -o in the file
// of its verb. A new place for a ring is an entry of [Options].Stores; a new place for public keys
// a case in App.publicKeys, and in isPlace of to.go.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// Options say in what the commands sealjwt and sealjwt-fleet differ: in name, stores and verbs.
type Options struct {
	Name   string                                 // the name of the program
	Stores map[string]OpenStore                   // by the text before the colon of --ring, such as postgres
	Trusts *bool                                  // --insecure-store sets it; nil: there is no such flag
	Extend func(app *App, command *cobra.Command) // adds verbs; nil: none
}

// Main runs the command line of this process, and ends the process.
func Main(o Options) {
	forbidCoreFiles()
	os.Exit(Run(context.Background(), o, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Run runs a command line, and returns the exit code.
func Run(ctx context.Context, o Options, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &App{Console: console.New(o.Name, stdin, stdout, stderr), openers: o.Stores, trusts: o.Trusts}
	a.Repeat = a.repeat
	root := a.command()
	if o.Extend != nil {
		o.Extend(a, root)
	}
	if isCompletion(args) { // cobra then parses the flags twice, and onlyOnce would refuse them
		a.complete(root, args[1:])
	} else {
		onlyOnce(root)
	}
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil {
		code, text := a.Describe(err)
		if f, ok := errors.AsType[*console.Failure](err); !ok || !f.Told {
			a.Say("%s", text)
		}
		return code
	}
	return console.ExitDone
}

// Command returns a command with all its verbs, and runs none. It is for programs that write the
// documentation of the command.
func Command(o Options) *cobra.Command {
	a := &App{Console: console.New(o.Name, strings.NewReader(""), io.Discard, io.Discard), openers: o.Stores, trusts: o.Trusts}
	root := a.command()
	if o.Extend != nil {
		o.Extend(a, root)
	}
	return root
}

func (a *App) command() *cobra.Command {
	root := &cobra.Command{
		Use:   a.Name,
		Short: "Seal the claims of a JWT so that only their recipient reads them",
		Long: `A JWT is signed, not secret: a person who finds one reads the claims in it.
sealjwt seals claims into tokens that only their recipient can read, opens them,
and keeps the keys that this takes.`,
		Example: `  sealjwt seal --init --iss https://id.example.com --aud https://api.example.com claims.json >token
  sealjwt open --iss https://id.example.com --aud https://api.example.com token`,
		Args:              cobra.ArbitraryArgs,
		PersistentPreRunE: a.checkFlags,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SetFlagErrorFunc(explainFlag)
	root.SetHelpCommand(ringless(a.helpCommand()))
	root.SetHelpFunc(a.showHelp)
	version := root.Flags().Bool("version", false, "print the version")
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if *version && len(args) == 0 {
			return a.printVersion()
		}
		return a.verbNeeded(cmd, args)
	}
	a.addGlobals(root)
	root.AddCommand(a.keysCommand(), a.sealCommand(), a.openCommand(), ringless(a.inspectCommand()), ringless(a.scanCommand()), ringless(a.pageCommand()),
		a.jwksCommand(), a.revokedCommand(), ringless(a.completionCommand()), ringless(a.versionCommand()))
	root.AddCommand(a.topics()...)
	return root
}
