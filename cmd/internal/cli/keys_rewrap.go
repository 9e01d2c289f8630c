package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

type rewrapFlags struct {
	addFile, addPassphrase string
	dropOthers, dropThis   bool
}

func (a *App) keysRewrapCommand() *cobra.Command {
	var f rewrapFlags
	cmd := &cobra.Command{
		Use:   "rewrap",
		Short: "Let another key file or passphrase open the ring, or fewer of them",
		Long: `Adds a key file, which is made when it is missing, or a passphrase. A ring has one
passphrase; another one takes its place with --drop-others. With --drop-others the ring is encrypted anew, and opens only with
the key file or passphrase that opened it now and with those added; or, with
--drop-this too, only with those added. Old copies of the ring still open with what
opened them: after a theft rotate or revoke, too.

Prints the ids of the key files and passphrases that open the ring.`,
		Example: `  sealjwt keys rewrap --add-passphrase-file recovery.txt
  sealjwt keys rewrap --add-kek-file new-kek --drop-others --drop-this`,
		Args: noInput,
	}
	flags := cmd.Flags()
	flags.StringVar(&f.addFile, "add-kek-file", "", "key `FILE` that shall open the ring too")
	flags.StringVar(&f.addPassphrase, "add-passphrase-file", "", "`FILE` with a passphrase that shall open the ring too")
	flags.BoolVar(&f.dropOthers, "drop-others", false, "drop all others, under a new ring key")
	flags.BoolVar(&f.dropThis, "drop-this", false, "drop the one that opened the ring now as well")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch adds := f.addFile != "" || f.addPassphrase != ""; {
		case f.dropThis && !(f.dropOthers && adds):
			return console.Usagef("--drop-this goes with --drop-others and one to add: something has to open the ring")
		case !f.dropOthers && !adds:
			return console.Usagef("nothing to do: --add-kek-file F, --add-passphrase-file F, or --drop-others")
		}
		return a.rewrap(cmd.Context(), f)
	}
	return cmd
}

func (a *App) rewrap(ctx context.Context, f rewrapFlags) error {
	at, err := a.ringAt(ctx)
	if err != nil {
		return err
	}
	if err := a.checkPaths(at.identity, f.addFile, f.addPassphrase); err != nil {
		return err
	}
	ring, err := a.openRing(ctx)
	if err != nil {
		return err
	}
	before, err := ring.KEKs(ctx)
	if err != nil {
		return err
	}
	added, made, err := a.addedKEKs(f)
	if err != nil {
		return err
	}
	if err := a.rewrapWith(ctx, ring, f, added); err != nil {
		if made { // the file stays: another process may have encrypted the ring under it
			a.Say("created the key file %s: keep it, and try again", f.addFile)
		}
		return err
	}
	if made {
		a.Say("created the key file %s: back it up apart from the ring", f.addFile)
	}
	after, err := ring.KEKs(ctx)
	if err != nil {
		return err
	}
	return a.tellKEKs(f, before, after)
}

func (a *App) rewrapWith(ctx context.Context, ring *keyring.Ring, f rewrapFlags, added []keyring.KEK) error {
	if !f.dropOthers {
		for _, kek := range added {
			if err := ring.AddKEK(ctx, kek); errors.Is(err, keyring.ErrState) {
				return &console.Failure{Err: err, Advice: "see --drop-others, which replaces and drops"}
			} else if err != nil {
				return err
			}
		}
		return nil
	}
	kept := added
	if !f.dropThis {
		kept = append([]keyring.KEK{a.kek}, added...)
	}
	err := ring.Rewrap(ctx, kept...)
	if errors.Is(err, keys.ErrDuplicate) {
		return &console.Failure{Err: err, Advice: "leave the second out; or, when one passphrase takes the place of another, add --drop-this"}
	}
	return err
}

// tellKEKs tells the changes, and prints the ids of the KEKs that open the ring now.
func (a *App) tellKEKs(f rewrapFlags, before, after []string) error {
	var b bytes.Buffer
	for _, id := range after {
		if !slices.Contains(before, id) {
			a.Say("added %s", id)
		}
		fmt.Fprintln(&b, console.Printable(id))
	}
	for _, id := range before {
		if !slices.Contains(after, id) {
			a.Say("dropped %s", id)
		}
	}
	if f.addPassphrase != "" && slices.Contains(before, passphraseID) {
		a.Say("the passphrase is another one now")
	}
	if f.dropOthers {
		a.Say("the ring is encrypted anew: back it up, and remove old copies")
	}
	return a.Print(b.Bytes())
}

// addedKEKs reads the KEKs to add. The key file comes last, because it is made if it is missing: an
// error in the passphrase must not leave a new key file behind.
func (a *App) addedKEKs(f rewrapFlags) (added []keyring.KEK, made bool, err error) {
	if f.addPassphrase != "" {
		kek, err := a.newPassphraseFrom(f.addPassphrase, "name a file with the passphrase to add with --add-passphrase-file F")
		if err != nil {
			return nil, false, err
		}
		added = append(added, kek)
	}
	if f.addFile != "" {
		var kek keyring.KEK
		kek, made, err = a.newKEK(kekPlace{file: f.addFile})
		if err != nil {
			return nil, false, &console.Failure{Err: err, Code: console.Code(err), Advice: "name another with --add-kek-file"}
		}
		added = append(added, kek)
	}
	return added, made, nil
}
