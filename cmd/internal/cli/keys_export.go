package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

func (a *App) keysExportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Print the public keys of the ring as a JWK Set",
		Long: `Prints the public halves of the keys that others should know, as a JWK Set: those
that verify your signatures (sig), and the one to seal to (enc). It holds no secret.`,
		Example: `  sealjwt keys export --use enc >api.jwks.json   # for the issuer: seal --to api.jwks.json
  sealjwt keys export --use sig >id.jwks.json    # for the recipient: open --trust id.jwks.json`,
		Args: noInput,
	}
	use := addUse(cmd, "only keys for this use")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ring, err := a.openRing(cmd.Context())
		if err != nil {
			return err
		}
		set, err := published(cmd.Context(), ring, keys.Use(use.value))
		if err != nil {
			return err
		}
		return a.PrintJSON(set)
	}
	return cmd
}

// published returns the public keys of the ring that others should know, or those for one use. It
// returns keys.ErrNoKey if there is none for that use.
func published(ctx context.Context, ring *keyring.Ring, use keys.Use) (*keys.PublicSet, error) {
	all, err := ring.PublicKeys(ctx, "")
	if err != nil || use == "" {
		return all, err
	}
	some := all.ForUse(use)
	if len(some.Keys()) == 0 {
		return nil, fmt.Errorf("%w with use %s to publish", keys.ErrNoKey, use)
	}
	return some, nil
}
