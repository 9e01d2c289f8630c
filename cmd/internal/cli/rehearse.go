package cli

import (
	"context"
	"errors"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// ringOrCopy opens the ring or, for a dry run, a copy of it.
func (a *App) ringOrCopy(ctx context.Context, copied bool) (*keyring.Ring, error) {
	if copied {
		return a.openCopy(ctx)
	}
	return a.openRing(ctx)
}

// openCopy opens a copy of the ring in memory, on which a change can be tried. It refuses the
// rings that openRing refuses, and the memory of the rings does not see the change.
func (a *App) openCopy(ctx context.Context) (*keyring.Ring, error) {
	at, err := a.ringAt(ctx)
	if err != nil {
		return nil, err
	}
	memory, err := a.memory(at.identity, true)
	if err != nil {
		return nil, err
	}
	data, err := load(ctx, at.store)
	if errors.Is(err, keyring.ErrNoRing) {
		if err = a.noRing(ctx, at.store, at.place, memory); err == nil {
			data, err = load(ctx, at.store)
		}
	}
	if err != nil {
		return nil, a.explainMoved(at.place, a.storeFile, err)
	}
	store := keyring.NewMemStore()
	if _, err := store.Swap(ctx, "", data); err != nil {
		return nil, err
	}
	return a.openStore(ctx, store, at.place, memory)
}
