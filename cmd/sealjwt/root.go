package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/keycache"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// app is one run of the command: its console, and the flags that all verbs share.
type app struct {
	*console.Console

	ring, kekFile, passphraseFile, seenFile string

	kek       keyring.KEK // once it was read
	forgotten forgotten

	cache *keycache.Cache // once it is needed
}

// run is the command without its process. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{Console: console.New("sealjwt", stdin, stdout, stderr)}
	root := a.command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil {
		code, text := console.Describe(err)
		a.Say("%s", text)
		return code
	}
	return console.ExitDone
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "sealjwt",
		Short: "Seal the claims of a JWT so that only their recipient reads them",
		Long: `A JWT is signed, not secret: whoever finds one reads the claims in it.
sealjwt seals claims into tokens that only their recipient can read, opens them,
and keeps the keys that this takes.`,
		Example: `  sealjwt seal --init claims.json >token
  sealjwt open --iss https://id.example.com --aud https://api.example.com token`,
		Args:              cobra.ArbitraryArgs,
		RunE:              verbNeeded,
		PersistentPreRunE: a.checkFlags,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SetFlagErrorFunc(explainFlag)
	root.SetHelpCommand(helpCommand())

	// Without this line groups would be shown as verbs of their own.
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(),
		"{{if .Runnable}}", "{{if and .Runnable (not .HasAvailableSubCommands)}}", 1))
	a.addGlobals(root)
	root.AddCommand(a.keysCommand(), a.sealCommand(), a.openCommand(), a.inspectCommand(), a.scanCommand(),
		a.jwksCommand(), a.revokedCommand(), a.completionCommand(), a.versionCommand())
	return root
}

func (a *app) addGlobals(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&a.ring, "ring", "", "`PATH` of the ring (SEALJWT_RING; default ~/.local/share/sealjwt/ring)")
	flags.StringVar(&a.kekFile, "kek-file", "", "`FILE` with the key that opens the ring (SEALJWT_KEK_FILE; default ~/.config/sealjwt/kek)")
	flags.StringVar(&a.passphraseFile, "passphrase-file", "", "`FILE` with the passphrase that opens the ring (SEALJWT_PASSPHRASE_FILE)")
	flags.StringVar(&a.seenFile, "seen-file", "",
		"`FILE` that remembers which rings were seen (SEALJWT_SEEN_FILE; default the key file with .seen, or ~/.local/state/sealjwt/kek.seen)")
}

// verbNeeded is what a command that only groups others does: it refuses. Cobra
// would print its help and report success, and a script would go on.
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

// helpCommand is cobra's, except that an unknown topic is an error.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB]",
		Short: "Help about a verb",
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return console.Usagef("there is no such verb: see sealjwt --help")
			}
			topic.InitDefaultHelpFlag()
			return topic.Help()
		},
	}
}
