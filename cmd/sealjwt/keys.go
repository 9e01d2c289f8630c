package main

import "github.com/spf13/cobra"

func (a *app) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make a ring, list its keys, export the public ones, import others",
		Long: `A ring holds your private keys, encrypted under a key file or a passphrase.
Other parties get the public halves only: sealjwt keys export.`,
		Args: cobra.ArbitraryArgs,
		RunE: verbNeeded,
	}
	cmd.AddCommand(a.keysInitCommand(), a.keysListCommand(), a.keysExportCommand(), a.keysImportCommand())
	return cmd
}
