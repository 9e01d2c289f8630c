package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

func (a *app) keysImportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import [FILE|-]",
		Short: "Put a key from elsewhere into the ring, and print its kid",
		Long: `Reads one key, a JWK or PEM (PKCS#8 and its forerunners), and puts it into the
ring. A retired decryption key still opens; a retired signing key still verifies,
and may be a public key only.`,
		Example: `  sealjwt keys import old-key.pem --use enc --state retired`,
		Args:    oneInput,
	}
	state := addChoice(cmd, "state", "", string(keyring.Staged), "state of the key in the ring",
		string(keyring.Staged), string(keyring.Active), string(keyring.Retired))
	use := addUse(cmd, "what the key is for, where it does not say so itself")
	alg := addSuite(cmd, "alg", "", 0, "algorithm of the key, where it does not say so itself")
	skip := cmd.Flags().Bool("insecure-skip-window", false, "with --state active: take over at once, though others cannot know the key yet; their tokens fail")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *skip && state.value != string(keyring.Active) {
			return usagef("--insecure-skip-window goes with --state active")
		}
		hint := keys.Hint{Use: keys.Use(use.value), Suite: alg.suite}
		key, data, err := a.readKey(args, hint)
		if err != nil {
			return err
		}
		defer clear(data)
		ring, err := a.openRing(cmd.Context())
		if err != nil {
			return err
		}
		if *skip {
			_, err = ring.ImportInsecurely(cmd.Context(), data, hint)
		} else {
			_, err = ring.Import(cmd.Context(), data, hint, keyring.State(state.value))
		}
		if errors.Is(err, keyring.ErrState) && state.value == string(keyring.Active) {
			return &failure{err: err, advice: "or let it take over at once, to the harm of those who cannot know it yet, with --insecure-skip-window"}
		}
		if err != nil {
			return err
		}
		a.say("imported a %s %s key as %s", key.Use(), key.Suite(), state.value)
		if *skip {
			a.say("publish the new JWK Set now (sealjwt keys export): tokens fail with those who have an older one")
		}
		return a.print([]byte(key.ID() + "\n"))
	}
	return cmd
}

// readKey reads a key, and returns its text too, which goes into the ring.
func (a *app) readKey(args []string, hint keys.Hint) (*keys.Key, []byte, error) {
	in, err := a.read(args, maxKeyFile)
	if errors.Is(err, errTooLong) {
		return nil, nil, &failure{err: err, code: exitKey, advice: "that is no key"}
	}
	if err != nil {
		return nil, nil, err
	}
	key, err := keys.ParseKey(in.data, hint)
	if err != nil {
		clear(in.data)
		return nil, nil, explainKey(fmt.Errorf("%s: %w", in.name, err), hint)
	}
	if key.HasPrivate() && in.mode.IsRegular() && in.mode.Perm()&0o077 != 0 {
		a.say("warning: others can read %s (mode %04o): remove it, or chmod 600 %[1]s", in.name, in.mode.Perm())
	}
	return key, in.data, nil
}

// explainKey says what to do where the library's text does not.
func explainKey(err error, hint keys.Hint) error {
	switch {
	case errors.Is(err, keys.ErrMalformed):
		return &failure{err: err, advice: "give one key as JWK or PEM"}
	case errors.Is(err, keys.ErrUnsupported) && hint == keys.Hint{}:
		return &failure{err: err, advice: "if the key does not say what it is for, say it with --use sig|enc or --alg ALG"}
	}
	return err
}
