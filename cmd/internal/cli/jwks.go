package cli

import "github.com/spf13/cobra"

func (a *App) jwksCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "jwks",
		Short: "Serve the public keys of the ring over HTTP, or look at the keys of others",
		Args:  cobra.ArbitraryArgs,
		RunE:  a.verbNeeded,
	}
	cmd.AddCommand(a.jwksServeCommand(), ringless(a.jwksFetchCommand()))
	return cmd
}
