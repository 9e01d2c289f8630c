package cli

import (
	"github.com/spf13/cobra"
)

func (a *App) revokedCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoked",
		Short: "Follow the feed of ended sessions that an issuer publishes, or check how old it is",
		Args:  cobra.ArbitraryArgs,
		RunE:  a.verbNeeded,
	}
	cmd.AddCommand(a.revokedWatchCommand(), a.revokedCheckCommand())
	return cmd
}
