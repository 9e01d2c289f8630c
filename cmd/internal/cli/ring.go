package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// maxPassphrase is the longest passphrase file in bytes.
const maxPassphrase = 4096

// readKEK reads the KEK. Without any file it asks for a passphrase.
func (a *App) readKEK(ctx context.Context) (keyring.KEK, error) {
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
func (a *App) openRing(ctx context.Context) (*keyring.Ring, error) {
	at, err := a.ringAt(ctx)
	if err != nil {
		return nil, err
	}
	memory, err := a.memory(at.identity, false)
	if err != nil {
		return nil, err
	}
	return a.openStore(ctx, at.store, at.place, memory)
}

// openStore opens a store that holds the ring at path, or a copy of it.
func (a *App) openStore(ctx context.Context, store keyring.Store, path string, memory keyring.Memory) (*keyring.Ring, error) {
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

// newKEK reads the KEK, or makes the key file when it is missing.
func newKEK(place kekPlace) (kek keyring.KEK, made bool, err error) {
	if place.passphraseFile != "" {
		kek, err = passphraseFrom(place.passphraseFile, "name a file with a passphrase")
		return kek, false, err
	}
	// First, also when there is a file: it may be what a killed run left, and not be on the
	// disk yet.
	kek, err = keyring.CreateKEKFile(place.file)
	switch {
	case err == nil:
		return kek, true, nil
	case errors.Is(err, fs.ErrExist):
		kek, err = keyring.KEKFile(place.file)
		return kek, false, err
	}
	switch kek, readErr := keyring.KEKFile(place.file); {
	case readErr != nil && !errors.Is(readErr, fs.ErrNotExist) && !errors.Is(readErr, syscall.ENOTDIR):
		return nil, false, readErr
	case readErr == nil && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)): // such as a mounted secret
		return kek, false, nil
	}
	return nil, false, &console.Failure{Err: err, Code: console.ExitIO, Advice: "name another path with --kek-file"}
}
