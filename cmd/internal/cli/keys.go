package cli

import "github.com/spf13/cobra"

func (a *App) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make a ring, list, publish, rotate and revoke its keys",
		Long: `A ring holds your private keys, encrypted under a key file or a passphrase.
Other parties get the public halves only: sealjwt keys export.`,
		Args: cobra.ArbitraryArgs,
		RunE: a.verbNeeded,
	}
	cmd.AddCommand(a.keysInitCommand(), a.keysListCommand(), a.keysExportCommand(), a.keysImportCommand(),
		a.keysRotateCommand(), a.keysCheckCommand(), a.keysRevokeCommand(), a.keysPolicyCommand(),
		a.keysRewrapCommand(), a.keysSlotsCommand(), a.keysCopyCommand(), a.keysAcceptCommand(), a.keysLogCommand())
	return cmd
}
