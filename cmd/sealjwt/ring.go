package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// maxPassphrase is the longest passphrase file in bytes.
const maxPassphrase = 4096

// pathFlags are all flags that name a file.
var pathFlags = []string{
	"ring", "kek-file", "passphrase-file", "to", "trust", "add-kek-file", "add-passphrase-file", "seen-file", "tls-cert", "tls-key",
	"header-file",
}

// textFlags are all flags whose value is a text.
var textFlags = append([]string{"iss", "aud", "sub", "typ", "reason", "addr", "path", "issuer"}, pathFlags...)

// checkFlags refuses what cannot be meant: an empty value is usually a variable that
// a script forgot to set, and must not stand for the default ring, or for sealing to
// oneself and trusting oneself.
func (a *app) checkFlags(cmd *cobra.Command, _ []string) error {
	for _, name := range textFlags {
		f := cmd.Flag(name)
		if f == nil || !f.Changed {
			continue
		}
		for _, value := range valuesOf(f.Value) {
			if value == "" {
				return console.Usagef("--%s is empty: give a value, or leave it out", name)
			}
			if err := console.CheckHome("--"+name, value); err != nil && slices.Contains(pathFlags, name) {
				return err
			}
		}
	}
	if a.kekFile != "" && a.passphraseFile != "" {
		return console.Usagef("--kek-file and --passphrase-file: give the one that opens the ring")
	}
	return nil
}

// valuesOf returns the values of a flag, of which a flag that may be repeated has several.
func valuesOf(value fmt.Stringer) []string {
	if list, ok := value.(interface{ GetSlice() []string }); ok {
		return list.GetSlice()
	}
	return []string{value.String()}
}

// ringPath is where the ring is: the flag, the environment, or the user's data
// folder.
func (a *app) ringPath() (string, error) {
	// The memory of the ring has no error to return where it finds its file.
	for _, name := range []string{"SEALJWT_SEEN_FILE", "XDG_STATE_HOME"} {
		if err := console.CheckHome(name, os.Getenv(name)); err != nil && a.seenFile == "" {
			return "", err
		}
	}
	if a.ring != "" {
		return a.ring, nil
	}
	if path := os.Getenv("SEALJWT_RING"); path != "" {
		return path, console.CheckHome("SEALJWT_RING", path)
	}
	return console.UserPath("XDG_DATA_HOME", ".local/share", "ring")
}

// kekPlace is where the KEK comes from: one of the two files.
type kekPlace struct {
	file, passphraseFile string
	standard             bool // nobody named it
}

// kekPlace: a flag of either kind beats the environment.
func (a *app) kekPlace() (kekPlace, error) {
	p := kekPlace{file: a.kekFile, passphraseFile: a.passphraseFile}
	if p == (kekPlace{}) {
		p.file, p.passphraseFile = os.Getenv("SEALJWT_KEK_FILE"), os.Getenv("SEALJWT_PASSPHRASE_FILE")
		if p.file != "" && p.passphraseFile != "" {
			return p, console.Usagef("SEALJWT_KEK_FILE and SEALJWT_PASSPHRASE_FILE: set the one that opens the ring")
		}
		if err := cmp.Or(console.CheckHome("SEALJWT_KEK_FILE", p.file), console.CheckHome("SEALJWT_PASSPHRASE_FILE", p.passphraseFile)); err != nil {
			return p, err
		}
	}
	if p == (kekPlace{}) {
		path, err := console.UserPath("XDG_CONFIG_HOME", ".config", "kek")
		return kekPlace{file: path, standard: true}, err
	}
	return p, nil
}

// readKEK reads the KEK. Without any file it asks for a passphrase.
func (a *app) readKEK(ctx context.Context) (keyring.KEK, error) {
	place, err := a.kekPlace()
	if err != nil {
		return nil, err
	}
	if place.passphraseFile != "" {
		return passphraseFrom(place.passphraseFile, "give the passphrase of this ring with --passphrase-file F")
	}
	kek, err := keyring.KEKFile(place.file)
	if !place.standard || !errors.Is(err, fs.ErrNotExist) {
		return kek, err
	}
	passphrase, err := a.AskPassphrase(ctx)
	if errors.Is(err, console.ErrNoTerminal) {
		return nil, &console.Failure{
			Err:    fmt.Errorf("%w: no key file %s, and %w", keyring.ErrKEK, place.file, err),
			Advice: "give --kek-file F or --passphrase-file F",
		}
	}
	if err != nil {
		return nil, err
	}
	return keyring.PassphraseKEK(passphrase)
}

// passphraseFrom reads a passphrase.
func passphraseFrom(path, advice string) (keyring.KEK, error) {
	in, err := console.ReadSecret(path, maxPassphrase)
	switch {
	case errors.Is(err, filestore.ErrUnsafe):
		return nil, fmt.Errorf("%w: %w", keyring.ErrKEK, err)
	case err != nil:
		return nil, &console.Failure{Err: fmt.Errorf("%w: %w", keyring.ErrKEK, err), Advice: advice}
	}
	defer clear(in.Data)
	// A passphrase is key material: only the line feed that echo adds is dropped.
	kek, err := keyring.PassphraseKEK(bytes.TrimSuffix(in.Data, []byte("\n")))
	if err != nil {
		return nil, &console.Failure{Err: fmt.Errorf("%s: %w", path, err), Advice: advice}
	}
	return kek, nil
}

// openRing opens the ring, unless it is not the ring that this user saw last.
func (a *app) openRing(ctx context.Context) (*keyring.Ring, error) {
	path, err := a.ringPath()
	if err != nil {
		return nil, err
	}
	memory, err := a.memory(path, false)
	if err != nil {
		return nil, err
	}
	return a.openStore(ctx, filestore.New(path), path, memory)
}

// openStore opens a store that holds the ring at path, or a copy of it.
func (a *app) openStore(ctx context.Context, store keyring.Store, path string, memory keyring.Memory) (*keyring.Ring, error) {
	// First, so that the user is not asked for the passphrase of a ring that cannot be
	// opened.
	_, _, err := store.Load(ctx)
	if errors.Is(err, keyring.ErrNoRing) {
		err = a.noRing(ctx, store, path, memory)
	}
	if err != nil {
		return nil, err
	}
	if a.kek == nil { // the user is not asked twice
		kek, err := a.readKEK(ctx)
		if err != nil {
			return nil, err
		}
		a.kek = kek
	}
	ring, err := keyring.Open(ctx, keyring.Config{Store: store, KEK: a.kek, Memory: memory})
	if errors.Is(err, keyring.ErrUnreadable) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err != nil {
		return nil, a.explainRollback(path, err)
	}
	a.tellForgotten()
	return ring, nil
}
