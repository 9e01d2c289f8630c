package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/ringmove"
)

// ringCopy are the flags of keys copy.
type ringCopy struct {
	from, to                   string
	fromStoreFile, toStoreFile string
	storeFile                  string // --store-file, for the place without a store file of its own
	keep                       bool
}

func (a *App) keysCopyCommand() *cobra.Command {
	var c ringCopy
	cmd := &cobra.Command{
		Use:   "copy",
		Short: "Move the ring to another place, or make a backup of it",
		Long: `Moves the ring: the new place gets it, and the old place gets a mark that
names the new one. Every verb refuses the old place from then on, and services that
run there fail once their ring is too old. A move that was interrupted goes on when
it is started again: at no time do two places hold a ring that lives.

With --keep it makes a backup and leaves the ring where it is. Use one of the two
only: what you revoke in one is still trusted in the other.

It never replaces a ring. The key file stays the same.`,
		Example: `  sealjwt keys copy --from ring --to /srv/idp/ring --kek-file /etc/idp/kek
  sealjwt keys copy --from /srv/idp/ring --to /backup/ring --keep --kek-file /etc/idp/kek`,
		Args: noInput,
	}
	flags := cmd.Flags()
	flags.StringVar(&c.from, "from", "", "`PLACE` of the ring")
	flags.StringVar(&c.to, "to", "", "`PLACE` that it gets, where nothing is yet")
	flags.BoolVar(&c.keep, "keep", false, "make a backup: leave the ring where it is")
	if len(a.openers) > 0 {
		flags.StringVar(&c.fromStoreFile, "from-store-file", "", "`FILE` with the connection of --from (default: the file of --store-file)")
		flags.StringVar(&c.toStoreFile, "to-store-file", "", "`FILE` with the connection of --to (default: the file of --store-file)")
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case c.from == "" || c.to == "":
			return console.Usagef("keys copy needs --from PLACE and --to PLACE")
		case a.ring != "":
			return console.Usagef("--ring is not for keys copy: --from and --to name the places")
		}
		c.storeFile = a.storeFile
		return a.copyRing(cmd.Context(), c)
	}
	return cmd
}

// side opens one of the two places of a copy. It also makes that place the ring of this run, so
// that each hint to the user names it.
func (a *App) side(ctx context.Context, c ringCopy, place, storeFile string) (ringAt, *seen, error) {
	a.ring, a.storeFile = place, storeFile
	if storeFile == "" && (a.inStore(place) || !a.inStore(c.from) && !a.inStore(c.to)) {
		a.storeFile = c.storeFile
	}
	at, err := a.at(ctx, place)
	if err != nil {
		return at, nil, err
	}
	at.storeFile = a.storeFile
	memory, err := a.memory(at.identity, false)
	return at, memory, err
}

func (a *App) copyRing(ctx context.Context, c ringCopy) error {
	to, toMemory, err := a.side(ctx, c, c.to, c.toStoreFile)
	if err != nil {
		return err
	}
	if _, err := load(ctx, to.store); errors.Is(err, keyring.ErrNoRing) {
		if err := a.noRing(ctx, to.store, to.place, toMemory); isGone(err) {
			return err
		}
	}
	from, fromMemory, err := a.side(ctx, c, c.from, c.fromStoreFile)
	if err != nil {
		return err
	}
	open := func(ctx context.Context, cfg keyring.Config) (*keyring.Ring, error) {
		if cfg.Memory == nil {
			cfg.Memory = fromMemory
		}
		return a.openStore(ctx, cfg.Store, from.place, cfg.Memory)
	}
	_, err = load(ctx, from.store)
	hadLeft := errors.Is(err, ringmove.ErrMoved) // an earlier run has marked the old place
	if c.keep {
		err = a.keepRing(ctx, from, to, open)
	} else {
		err = ringmove.Move(ctx, from.named(), to.named(), open)
	}
	if err != nil {
		return a.explainCopy(ctx, from, to, fromMemory, c.keep, err)
	}
	// The ring is opened at its new place, so that the memory of the rings knows it there.
	if _, _, err = a.side(ctx, c, c.to, c.toStoreFile); err != nil {
		return err
	}
	if _, err := a.openStore(ctx, to.store, to.place, toMemory); err != nil {
		return err
	}
	if c.keep {
		a.Say("copied the ring %s to %s: use one of them only, since what you revoke in one is trusted in the other", from.place, to.place)
		return nil
	}
	if hadLeft {
		a.Say("the move of the ring %s to %s is done", from.place, to.place)
	} else {
		a.Say("moved the ring %s to %s", from.place, to.place)
	}
	a.Say("next: start the services with the new place, and move no backup of the old one back")
	return nil
}

// keepRing copies the ring and leaves it where it is.
func (a *App) keepRing(ctx context.Context, from, to ringAt, open func(context.Context, keyring.Config) (*keyring.Ring, error)) error {
	doc, err := load(ctx, from.store)
	if err != nil {
		return err
	}
	read := keyring.NewMemStore()
	if _, err := read.Swap(ctx, "", doc); err != nil {
		return err
	}
	if _, err := open(ctx, keyring.Config{Store: read}); err != nil {
		return err
	}
	there, empty, err := to.store.Load(ctx)
	if err == nil {
		err = cmp.Or(ringmove.Check(there), keyring.ErrExists)
	}
	if errors.Is(err, ringmove.ErrMoved) {
		err = fmt.Errorf("%w: %w", keyring.ErrExists, err)
	}
	if !errors.Is(err, keyring.ErrNoRing) {
		return err
	}
	_, err = to.store.Swap(ctx, empty, doc)
	if errors.Is(err, keyring.ErrConflict) {
		return keyring.ErrExists
	}
	return err
}

// explainCopy adds to an error of a copy what the user can do.
func (a *App) explainCopy(ctx context.Context, from, to ringAt, memory *seen, keep bool, err error) error {
	_, explained := errors.AsType[*console.Failure](err)
	switch {
	case errors.Is(err, ringmove.ErrStopped):
		return &console.Failure{Err: err, Code: console.ExitIO, Advice: "run the same command again: it goes on from there"}
	case keep && errors.Is(err, keyring.ErrUnknownOutcome):
		return &console.Failure{
			Err: fmt.Errorf("it is not known whether %s has the backup: %w", to.place, err), Code: console.ExitIO,
			Advice: "the ring is unharmed; see whether the backup opens, or make another at another place",
		}
	case explained: // when the ring was opened
		return err
	case errors.Is(err, keyring.ErrExists):
		return &console.Failure{Err: fmt.Errorf("%s: %w", to.place, err), Code: console.ExitKey,
			Advice: "name another place with --to; no verb puts another ring in its place"}
	case errors.Is(err, ringmove.ErrMoved):
		if doc, _, _ := from.store.Load(ctx); ringmove.Check(doc) != nil {
			return a.explainMoved(from.place, from.storeFile, err)
		}
		return a.explainMoved(to.place, to.storeFile, err)
	case errors.Is(err, keyring.ErrNoRing):
		if err := a.noRing(ctx, from.store, from.place, memory); err != nil {
			return fmt.Errorf("%s: %w", from.place, err)
		}
	}
	return err
}
