package main

import (
	"context"
	"errors"

	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// ringOrCopy opens the ring or, for a dry run, a copy of it.
func (a *app) ringOrCopy(ctx context.Context, copied bool) (*keyring.Ring, error) {
	if copied {
		return a.openCopy(ctx)
	}
	return a.openRing(ctx)
}

// openCopy opens a copy of the ring in memory, on which a change can be tried. It refuses the
// rings that openRing refuses, and what is tried is not remembered.
func (a *app) openCopy(ctx context.Context) (*keyring.Ring, error) {
	path, err := a.ringPath()
	if err != nil {
		return nil, err
	}
	memory, err := a.memory(path, true)
	if err != nil {
		return nil, err
	}
	file := filestore.New(path)
	data, _, err := file.Load(ctx)
	if errors.Is(err, keyring.ErrNoRing) {
		if err = a.noRing(ctx, file, path, memory); err == nil {
			data, _, err = file.Load(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	store := keyring.NewMemStore()
	if _, err := store.Swap(ctx, "", data); err != nil {
		return nil, err
	}
	return a.openStore(ctx, store, path, memory)
}
