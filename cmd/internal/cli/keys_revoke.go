package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

type revokeFlags struct {
	keyring.Revocation
	dryRun, json bool
}

func (a *App) keysRevokeCommand() *cobra.Command {
	var f revokeFlags
	cmd := &cobra.Command{
		Use:   "revoke {KID | --all}",
		Short: "End a key in an emergency, at once and without asking",
		Long: `A revoked signing key is erased, and a party that loads the ring or its JWK Set anew
refuses it. A revoked decryption key is no longer published, but opens the tokens that
parties with a cached JWK Set still seal to it, until the last such token is dead;
--erase ends it now. An active key is followed by a brand-new one, active at once; its
staged successor, which a thief of the ring has too, is revoked and replaced as well.

A stolen decryption key reads every token ever sealed to it: end the sessions of
tokens that may have been seen, too.`,
		Example: `  sealjwt keys revoke WeZv6N6DwXO_9HwH --reason "laptop stolen"
  sealjwt keys revoke --all --dry-run`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: a.completeKids,
	}
	output := addOutput(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.Reason, "reason", "compromised", "`WHY`; keys list -o json shows it")
	flags.BoolVar(&f.All, "all", false, "every key of the ring")
	flags.BoolVar(&f.Erase, "erase", false, "erase decryption keys now: tokens that are still sealed to them fail")
	flags.BoolVar(&f.dryRun, "dry-run", false, "tell what would be done, and do nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case f.All == (len(args) == 1) || len(args) > 1:
			return console.Usagef("name one kid, or --all; the kids are listed by: %s", a.again("keys list"))
		case !f.All && args[0] == "":
			return console.Usagef("the kid is empty; the kids are listed by: %s", a.again("keys list"))
		case !f.All && looksLikeToken(args[0]):
			return console.Usagef("a token is not a kid; the kid in its header is shown by: %s", a.again("inspect"))
		case !f.All:
			f.KeyID = args[0]
		}
		f.json = output.value == "json"
		return a.revoke(cmd.Context(), f)
	}
	return cmd
}

// revocation lists the keys that a run revoked, and the keys that it made in their place.
type revocation struct {
	DryRun bool              `json:"dry_run,omitempty"`
	Keys   []keyring.KeyInfo `json:"keys"`
}

func (r revocation) Text() []byte { return keyTable(r.Keys) }

func (a *App) revoke(ctx context.Context, f revokeFlags) error {
	ring, err := a.ringOrCopy(ctx, f.dryRun)
	if err != nil {
		return notRevoked(err)
	}
	before, err := ring.Keys(ctx)
	if err != nil {
		return notRevoked(err)
	}
	policy, err := ring.Policy(ctx)
	if err != nil {
		return notRevoked(err)
	}
	changed, err := ring.Revoke(ctx, f.Revocation)
	if errors.Is(err, keys.ErrNoKey) { // the library's text speaks of a key to use
		return &reworded{"NOT REVOKED, nothing was changed: the ring never had the kid " + strconv.QuoteToGraphic(f.KeyID), err}
	}
	if err != nil {
		return err
	}
	for _, line := range impact(before, changed, policy) {
		a.Say("%s", line)
	}
	if f.dryRun {
		forgetRehearsed(changed)
		a.Say("this is what it would look like; nothing was changed")
	} else {
		a.Say("revoked: publish the new JWK Set now: %s", a.again("keys export"))
	}
	return a.PrintAs(f.json, revocation{f.dryRun, changed})
}

// notRevoked adds to an error whether the keys are revoked now. They are not, except that after a
// write with an unknown outcome they may be.
func notRevoked(err error) error {
	if errors.Is(err, keyring.ErrUnknownOutcome) {
		return fmt.Errorf("it is not known whether it was REVOKED, try again: %w", err)
	}
	return fmt.Errorf("NOT REVOKED, nothing was changed: %w", err)
}

// impact returns one line for each revoked key whose end other parties notice, and says what they
// notice. A staged decryption key has no line, because no sender knew it; a key that was destroyed
// or erased before has none either.
func impact(before, changed []keyring.KeyInfo, p keyring.Policy) []string {
	was := make(map[string]keyring.KeyInfo)
	for _, k := range before {
		was[k.ID] = k
	}
	cached := console.Duration(p.SnapshotAge + p.PublishLag + p.CacheAge) // SnapshotAge and PublishLag: the publisher may be behind, too
	var lines []string
	for _, k := range changed {
		old := was[k.ID]
		signs := k.Use == keys.UseSig && (old.State == keyring.Staged || old.State == keyring.Active || old.State == keyring.Retired)
		opens := k.Use == keys.UseEnc && old.HasPrivate && old.State != keyring.Staged
		switch {
		case k.State != keyring.Revoked:
		case signs && old.State == keyring.Active:
			lines = append(lines, fmt.Sprintf("%s: tokens signed with it are refused; "+
				"for up to %s parties that cached the old JWK Set still take them, and may refuse new ones", console.Word(k.ID), cached))
		case signs:
			lines = append(lines, fmt.Sprintf("%s: tokens signed with it are refused; "+
				"for up to %s parties that cached the old JWK Set still take them", console.Word(k.ID), cached))
		case opens && k.HasPrivate:
			lines = append(lines, fmt.Sprintf("%s: tokens sealed to it still open, until %s", console.Word(k.ID), notBeforeText(k.NextAt)))
		case opens:
			lines = append(lines, fmt.Sprintf("%s: tokens sealed to it cannot be opened any more; "+
				"for up to %s parties that cached the old JWK Set go on sealing to it", console.Word(k.ID), cached))
		}
	}
	return lines
}

// forgetRehearsed removes the kids of keys that a dry run made: these keys will never exist.
func forgetRehearsed(changed []keyring.KeyInfo) {
	for i, k := range changed {
		if k.State != keyring.Revoked {
			changed[i].ID, changed[i].Thumbprint = "", ""
		}
	}
}
