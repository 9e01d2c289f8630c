package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// openRing opens the ring, unless it is not the ring that this user saw last.
func (a *App) openRing(ctx context.Context) (*keyring.Ring, error) {
	return a.openRingIn(ctx, func(store keyring.Store) keyring.Store { return store })
}

// openRingIn opens the ring in the store that wrap returns for its store.
func (a *App) openRingIn(ctx context.Context, wrap func(keyring.Store) keyring.Store) (*keyring.Ring, error) {
	at, err := a.ringAt(ctx)
	if err != nil {
		return nil, err
	}
	memory, err := a.memory(at.identity, false)
	if err != nil {
		return nil, err
	}
	return a.openStore(ctx, wrap(at.store), at.place, memory)
}

// openStore opens a store that holds the ring at path, or a copy of it.
func (a *App) openStore(ctx context.Context, store keyring.Store, path string, memory keyring.Memory) (*keyring.Ring, error) {
	// The document is loaded first, so that the user is not asked for the passphrase of a ring that
	// cannot be opened.
	data, err := load(ctx, store)
	if errors.Is(err, keyring.ErrNoRing) {
		if err = a.noRing(ctx, store, path, memory); err == nil {
			data, err = load(ctx, store)
		}
	}
	if err != nil {
		return nil, a.explainMoved(path, a.storeFile, err)
	}
	if a.kek == nil { // otherwise the KEK was read before, and the user must not be asked twice
		kek, err := a.readKEK(ctx, data, "ring")
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
