package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

func (a *App) keysInitCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a ring with its first keys, and the key file that opens it",
		Long: `Makes a ring with one active key for signing and one for decryption, and the
successor of each, which waits until every party can know it. The key file that opens
the ring is made too when it is missing. It never replaces a ring or a key file.

The other flags set the policy: sealjwt keys policy show explains its figures.`,
		Example: `  sealjwt keys init
  sealjwt keys init --passphrase
  sealjwt keys init --use sig --ring /var/lib/idp/ring --kek-file /etc/idp/kek`,
		Args: noInput,
	}
	policy := addPolicy(cmd)
	policy.tellDefaults()
	policy.sig = addSuite(cmd, "sig", keys.UseSig, keys.ES256, "algorithm of the signing keys")
	policy.enc = addSuite(cmd, "enc", keys.UseEnc, keys.ECDHES, "algorithm of the decryption keys")
	use := addUse(cmd, "only keys for this use: an issuer that never opens needs sig")
	passphrase := cmd.Flags().Bool("passphrase", false, "ask for a new passphrase that opens the ring, instead of a key file")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *passphrase && (a.kekFile != "" || a.passphraseFile != "") {
			return console.Usagef("--passphrase asks for a passphrase: leave out --kek-file and --passphrase-file")
		}
		a.askNew = *passphrase
		var cfg keyring.Config
		policy.apply(&cfg.Policy)
		if err := cfg.Policy.Validate(); err != nil {
			return err
		}
		if use.value != "" {
			cfg.Uses = []keys.Use{keys.Use(use.value)}
		}
		if _, err := a.createRing(cmd.Context(), cfg); err != nil {
			return err
		}
		a.Say("next: %s >jwks.json, and give that file to the other party", a.again("keys export"))
		return nil
	}
	return cmd
}

// createRing makes the ring and, if it is missing, the key file. It tells the user what it made.
func (a *App) createRing(ctx context.Context, cfg keyring.Config) (*keyring.Ring, error) {
	at, err := a.ringAt(ctx)
	if err != nil {
		return nil, err
	}
	path, store := at.place, at.store
	memory, err := a.memory(at.identity, false)
	if err != nil {
		return nil, err
	}
	// The store is read before a key file is made: if there is a ring already, a new key file
	// could not open it.
	if _, err := load(ctx, store); err == nil {
		return nil, fmt.Errorf("%s: %w", path, keyring.ErrExists)
	} else if !errors.Is(err, keyring.ErrNoRing) {
		return nil, a.explainMoved(path, a.storeFile, err)
	}
	if err := a.noRing(ctx, store, path, memory); isGone(err) {
		return nil, err
	}
	place, err := a.kekPlace()
	if err != nil {
		return nil, err
	}
	var kek keyring.KEK
	var made bool
	if a.askNew {
		place = kekPlace{}
		kek, err = a.askNewPassphrase(ctx)
	} else {
		kek, made, err = a.newKEK(place)
	}
	if err != nil {
		return nil, err
	}
	cfg.Store, cfg.KEK, cfg.Memory = store, kek, memory
	ring, err := keyring.Create(ctx, cfg)
	if err != nil {
		return nil, a.explainRollback(path, err) // a key file that was made stays: another process may have read it
	}
	a.tellForgotten()
	a.sayCreated(path, place, made)
	return ring, nil
}

func (a *App) sayCreated(path string, place kekPlace, made bool) {
	a.Say("created the ring %s", path)
	switch {
	case made:
		a.Say("created the key file that opens it, %s", place.file)
	case place.file != "":
		a.Say("the key file that opens it was there already, %s", place.file)
	default:
		a.Say("back up the ring, and keep its passphrase elsewhere: a lost passphrase is final")
		return
	}
	a.Say("back up both, apart from each other: a lost key file is final")
}
