package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys"
)

type rewrapFlags struct {
	addFile, addPassphrase string
	dropOthers             bool
}

func (a *app) keysRewrapCommand() *cobra.Command {
	var f rewrapFlags
	cmd := &cobra.Command{
		Use:   "rewrap",
		Short: "Let another key file or passphrase open the ring, or fewer of them",
		Long: `Adds a key file, which is made when it is missing, or a passphrase, replacing one
that is there. With --drop-others the ring is encrypted anew, and opens only with
the key file or passphrase that opened it now and with those added; or, with
--drop-this too, only with those added. Old copies of the ring still open with what
opened them: after a theft rotate or revoke, too.

Prints the ids of the key files and passphrases that open the ring.`,
		Example: `  sealjwt keys rewrap --add-passphrase-file recovery.txt
  sealjwt keys rewrap --add-kek-file new-kek --drop-others --drop-this`,
		Args: noInput,
	}
	var dropThis bool
	flags := cmd.Flags()
	flags.StringVar(&f.addFile, "add-kek-file", "", "key `FILE` that shall open the ring too")
	flags.StringVar(&f.addPassphrase, "add-passphrase-file", "", "`FILE` with a passphrase that shall open the ring too")
	flags.BoolVar(&f.dropOthers, "drop-others", false, "drop all others, under a new ring key")
	flags.BoolVar(&dropThis, "drop-this", false, "drop the one that opened the ring now as well")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case f == rewrapFlags{}:
			return usagef("nothing to do: --add-kek-file F, --add-passphrase-file F, or --drop-others")
		case dropThis && (!f.dropOthers || f.addFile == "" && f.addPassphrase == ""):
			return usagef("--drop-this goes with --drop-others and one to add: something has to open the ring")
		}
		return a.rewrap(cmd.Context(), f, dropThis)
	}
	return cmd
}

func (a *app) rewrap(ctx context.Context, f rewrapFlags, dropThis bool) error {
	ring, err := a.openRing(ctx)
	if err != nil {
		return err
	}
	added, err := a.addedKEKs(f)
	if err != nil {
		return err
	}
	if f.dropOthers {
		kept := added
		if !dropThis {
			kept = append([]keys.KEK{a.opened.kek}, added...)
		}
		err = ring.Rewrap(ctx, kept...)
	} else {
		for _, kek := range added {
			if err = ring.AddKEK(ctx, kek); err != nil {
				break
			}
		}
	}
	if err != nil {
		return err
	}
	ids, err := ring.KEKs(ctx)
	if err != nil {
		return err
	}
	if f.dropOthers {
		a.say("the ring is encrypted anew; back it up, and remove old copies")
	}
	var b bytes.Buffer
	for _, id := range ids {
		fmt.Fprintln(&b, id)
	}
	return a.print(b.Bytes())
}

func (a *app) addedKEKs(f rewrapFlags) ([]keys.KEK, error) {
	var added []keys.KEK
	if f.addFile != "" {
		kek, made, err := newKEK(kekPlace{file: f.addFile})
		if err != nil {
			return nil, err
		}
		if made {
			a.say("created the key file %s: back it up apart from the ring", f.addFile)
		}
		added = append(added, kek)
	}
	if f.addPassphrase != "" {
		kek, err := passphraseFrom(f.addPassphrase)
		if err != nil {
			return nil, err
		}
		added = append(added, kek)
	}
	return added, nil
}
