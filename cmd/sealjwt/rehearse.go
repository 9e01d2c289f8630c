package main

import (
	"context"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
)

// ringOrCopy opens the ring, or a copy of it in memory on which a change can be
// tried.
func (a *app) ringOrCopy(ctx context.Context, copied bool) (*keys.Ring, error) {
	if !copied {
		return a.openRing(ctx)
	}
	path, err := a.ringPath()
	if err != nil {
		return nil, err
	}
	data, _, err := filestore.New(path).Load(ctx)
	if err != nil {
		return nil, err
	}
	store := keys.MemStore()
	if _, err := store.Swap(ctx, "", data); err != nil {
		return nil, err
	}
	kek, err := a.kek(ctx)
	if err != nil {
		return nil, err
	}
	return keys.Open(ctx, store, kek)
}
