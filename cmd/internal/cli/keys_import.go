package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/strict"
)

func (a *App) keysImportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import [FILE|-]",
		Short: "Put keys from elsewhere into the ring, and print their kids",
		Long: `Reads one key, a JWK or PEM (PKCS#8 and its forerunners), or a JWK Set, and puts it
into the ring. Of a JWK Set all keys go in, or none: where one cannot, the error says
which. Beside a PEM key its certificates and its public key may stand. A retired
decryption key still opens; a retired signing key still verifies, and may be a public
key only.`,
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
			return console.Usagef("--insecure-skip-window goes with --state active")
		}
		hint := keys.Hint{Use: keys.Use(use.value), Suite: alg.suite}
		imported, data, err := a.readKeys(args, hint)
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
		if errors.Is(err, keyring.ErrState) && state.value == string(keyring.Active) && !*skip {
			err = &console.Failure{Err: err, Advice: "or let it take over at once, to the harm of parties that cannot know it yet, with --insecure-skip-window"}
		}
		if err != nil {
			return err
		}
		var kids []byte
		for _, k := range imported {
			a.Say("imported %s %s key as %s", withArticle(k.Use()), k.Suite(), state.value)
			kids = append(append(kids, console.Printable(k.ID())...), '\n')
		}
		if *skip {
			a.Say("tokens fail with parties that have an older JWK Set: publish the new one now: %s", a.again("keys export"))
		}
		return a.Print(kids)
	}
	return cmd
}

// withArticle returns a use behind its article.
func withArticle(use keys.Use) string {
	if use == keys.UseEnc {
		return "an enc"
	}
	return "a " + string(use)
}

// readKeys reads a key or a JWK Set. It returns the parsed keys, and the text that goes into the
// ring. It warns if other users can read a private key in the file.
func (a *App) readKeys(args []string, hint keys.Hint) (read []*keys.Key, text []byte, err error) {
	in, warning, err := a.readKeyFile(args)
	if errors.Is(err, console.ErrTooLong) {
		return nil, nil, &console.Failure{Err: err, Code: console.ExitKey, Advice: "that is not a key"}
	}
	if err != nil {
		return nil, nil, err
	}
	members, isSet := splitSet(in.Data)
	private := false
	for i, one := range members {
		key, err := keys.ParseKey(one, hint)
		if err != nil {
			name := in.Name
			if isSet {
				name = fmt.Sprintf("%s: key %d of the JWK Set", in.Name, i)
			}
			err = explainKey(fmt.Errorf("%s: %w", name, err), one, hint)
			clear(in.Data)
			return nil, nil, err
		}
		private = private || key.HasPrivate()
		read = append(read, key)
	}
	if len(read) == 0 {
		return nil, nil, explainKey(fmt.Errorf("%s: %w: a JWK Set without keys", in.Name, keys.ErrMalformed), nil, hint)
	}
	if private && warning != "" {
		a.Say("warning: %s, or remove it", warning)
	}
	return read, in.Data, nil
}

// splitSet returns the keys of a JWK Set, and any other text as the one key that it may be.
func splitSet(data []byte) (members []json.RawMessage, isSet bool) {
	o, err := strict.ParseObject(data)
	if err == nil {
		members, isSet, err = o.Array("keys")
	}
	if err != nil || !isSet {
		return []json.RawMessage{data}, false
	}
	return members, true
}

// readKeyFile reads the input of keys import. The warning says that other users can read or change
// the file, and matters only if a private key is in it. It is empty for a pipe and if nothing is
// wrong.
func (a *App) readKeyFile(args []string) (in console.Input, warning string, err error) {
	if len(args) == 0 || args[0] == "-" {
		in, err = a.Read(args, console.MaxKeyFile)
		return in, "", err
	}
	in, err = console.ReadTextIf(args[0], console.MaxKeyFile, func(f *os.File, info fs.FileInfo) error {
		if info.Mode().IsRegular() {
			warning = openKey(args[0], f, info)
		}
		return nil
	})
	return in, warning, err
}

// explainKey adds advice to the error for a key that is malformed, or that does not name its use.
func explainKey(err error, data []byte, hint keys.Hint) error {
	switch {
	case errors.Is(err, keys.ErrMalformed):
		return &console.Failure{Err: err, Advice: "give a JWK, a JWK Set or PEM"}
	case errors.Is(err, keys.ErrUnsupported) && hint == keys.Hint{} && needsUse(data):
		return &console.Failure{Err: err, Advice: "with --use sig|enc or --alg ALG"}
	}
	return err
}

// needsUse reports whether a key is refused only because it does not name its use.
func needsUse(data []byte) bool {
	_, sig := keys.ParseKey(data, keys.Hint{Use: keys.UseSig})
	_, enc := keys.ParseKey(data, keys.Hint{Use: keys.UseEnc})
	return sig == nil && enc == nil
}
