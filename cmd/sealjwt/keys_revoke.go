package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys"
)

type revokeFlags struct {
	keys.Revocation
	dryRun, json bool
}

func (a *app) keysRevokeCommand() *cobra.Command {
	var f revokeFlags
	cmd := &cobra.Command{
		Use:   "revoke {KID | --all}",
		Short: "End a key in an emergency, at once and without asking",
		Long: `A revoked signing key is erased and refused by everybody who loads the ring or its
JWK Set anew. A revoked decryption key is no longer published, but opens what those
who cached it still seal to it, until the last such token is dead; --erase ends it
now. An active key is followed by a brand-new one, active at once; its staged
successor, which a thief of the ring has too, is revoked and replaced as well.

A stolen decryption key reads every token ever sealed to it: end the sessions of
tokens that may have been seen, too.`,
		Example: `  sealjwt keys revoke WeZv6N6DwXO_9HwH --reason "laptop stolen"
  sealjwt keys revoke --all --dry-run`,
		Args: cobra.ArbitraryArgs,
	}
	output := addOutput(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.Reason, "reason", "compromised", "`WHY`, for the log and the tombstone")
	flags.BoolVar(&f.All, "all", false, "every key of the ring")
	flags.BoolVar(&f.Erase, "erase", false, "erase decryption keys now: fails those who still seal to them")
	flags.BoolVar(&f.dryRun, "dry-run", false, "tell what would be done, and do nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.All == (len(args) == 1) || len(args) > 1 {
			return usagef("name one kid, or --all: sealjwt keys list shows the kids")
		}
		if !f.All {
			f.KeyID = args[0]
		}
		f.json = output.value == "json"
		return a.revoke(cmd.Context(), f)
	}
	return cmd
}

func (a *app) revoke(ctx context.Context, f revokeFlags) error {
	ring, err := a.ringOrCopy(ctx, f.dryRun)
	if err != nil {
		return fmt.Errorf("NOT REVOKED: %w", err)
	}
	changed, err := ring.Revoke(ctx, f.Revocation)
	if err != nil {
		return err
	}
	if f.json {
		return a.printJSON(map[string][]keys.KeyInfo{"keys": changed})
	}
	if f.dryRun {
		a.say("this is what it would look like; nothing was changed")
	}
	if err := a.print(keyTable(changed)); err != nil {
		return err
	}
	if !f.dryRun {
		a.say("revoked: publish the new JWK Set now (sealjwt keys export); who cached the old one goes on with it until it expires")
	}
	return nil
}
