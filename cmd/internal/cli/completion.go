package cli

import (
	"bytes"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/spf13/cobra"
)

func (a *App) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print a script that completes verbs, flags and kids in your shell",
		Example: `  source <(sealjwt completion bash)
  sealjwt completion zsh >"${fpath[1]}/_sealjwt"
  sealjwt completion fish >~/.config/fish/completions/sealjwt.fish`,
		ValidArgs: []string{"bash", "zsh", "fish"},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return console.Usagef("name your shell: sealjwt completion bash, zsh or fish")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			script, err := completionScript(cmd.Root(), args[0])
			if err != nil {
				return err
			}
			return a.Print(script)
		},
	}
}

func completionScript(root *cobra.Command, shell string) ([]byte, error) {
	var b bytes.Buffer
	var err error
	switch shell {
	case "bash":
		err = root.GenBashCompletionV2(&b, true)
	case "zsh":
		err = root.GenZshCompletion(&b)
	case "fish":
		err = root.GenFishCompletion(&b, true)
	default:
		err = console.Usagef("unknown shell%s: sealjwt completion bash, zsh or fish", echo(shell))
	}
	return b.Bytes(), err
}
