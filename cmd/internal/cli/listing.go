package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// listing returns a verb that shows a part of the ring. show returns the part for JSON and as a
// table.
func (a *App) listing(name, short string, show func(context.Context, *keyring.Ring) (asJSON any, table []byte, err error)) *cobra.Command {
	cmd := &cobra.Command{Use: name, Short: short, Args: noInput}
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ring, err := a.openRing(cmd.Context())
		if err != nil {
			return err
		}
		asJSON, table, err := show(cmd.Context(), ring)
		if err != nil {
			return err
		}
		if output.value == "json" {
			return a.PrintJSON(asJSON)
		}
		return a.Print(table)
	}
	return cmd
}
