package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

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
	memory, err := a.memory(at.identity, false)
	return at, memory, err
}

// inStore reports whether a place names a store of this command, and not a file.
func (a *App) inStore(place string) bool {
	scheme, _, found := strings.Cut(place, ":")
	return found && a.openers[scheme] != nil
}

func (a *App) copyRing(ctx context.Context, c ringCopy) error {
	to, toMemory, err := a.side(ctx, c, c.to, c.toStoreFile)
	if err != nil {
		return err
	}
	if _, _, err := to.store.Load(ctx); errors.Is(err, keyring.ErrNoRing) {
		if err := a.noRing(ctx, to.store, to.place, toMemory); isGone(err) {
			return err
		}
	}
	from, fromMemory, err := a.side(ctx, c, c.from, c.fromStoreFile)
	if err != nil {
		return err
	}
	check := func(ctx context.Context, doc []byte) error {
		store := keyring.NewMemStore()
		if _, err := store.Swap(ctx, "", doc); err != nil {
			return err
		}
		_, err := a.openStore(ctx, store, from.place, fromMemory)
		return err
	}
	if c.keep {
		err = a.keepRing(ctx, from, to, check)
	} else {
		err = ringmove.Move(ctx, from.named(), to.named(), check)
	}
	if err != nil {
		return a.explainCopy(ctx, from, to, fromMemory, err)
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
	a.Say("moved the ring %s to %s", from.place, to.place)
	a.Say("next: start the services with the new place, and move no backup of the old one back")
	return nil
}

// keepRing copies the ring and leaves it where it is.
func (a *App) keepRing(ctx context.Context, from, to ringAt, check func(context.Context, []byte) error) error {
	doc, _, err := from.store.Load(ctx)
	if err != nil {
		return err
	}
	if err := ringmove.Check(doc); err != nil {
		return err
	}
	if err := check(ctx, doc); err != nil {
		return err
	}
	_, err = to.store.Swap(ctx, "", doc)
	if errors.Is(err, keyring.ErrConflict) {
		return keyring.ErrExists
	}
	return err
}

// named returns the place with the name that stands in the documents of a move. For a file it is
// the absolute path, because the next verb may run in another folder.
func (at ringAt) named() ringmove.Place {
	name := at.place
	if at.identity == at.place {
		if path, err := filepath.Abs(name); err == nil {
			name = path
		}
	}
	return ringmove.Place{Name: name, Store: at.store}
}

func (a *App) explainCopy(ctx context.Context, from, to ringAt, memory *seen, err error) error {
	var failed *console.Failure
	switch moved, ok := errors.AsType[*ringmove.Error](err); {
	case errors.As(err, &failed), errors.Is(err, keyring.ErrKEK), errors.Is(err, keyring.ErrConfig): // the ring itself could not be opened
		return err
	case ok && moved.From != "":
		if doc, _, _ := from.store.Load(ctx); ringmove.Check(doc) != nil {
			return a.explainMoved(from.place, err)
		}
		return a.explainMoved(to.place, err)
	case ok:
		return a.explainMoved(from.place, err)
	case errors.Is(err, keyring.ErrUnreadable):
		return err
	case errors.Is(err, keyring.ErrExists):
		return &console.Failure{Err: fmt.Errorf("%s: %w", to.place, keyring.ErrExists), Code: console.ExitKey,
			Advice: "name another place with --to; no verb puts another ring in its place"}
	case errors.Is(err, keyring.ErrNoRing):
		if err := a.noRing(ctx, from.store, from.place, memory); err != nil {
			return fmt.Errorf("%s: %w", from.place, err)
		}
	}
	return &console.Failure{
		Err: fmt.Errorf("the ring was not moved, or not to the end: %w", err), Code: console.ExitIO,
		Advice: "run the same command again: it goes on from there",
	}
}

// explainMoved adds a remedy to an error of package ringmove: to name the place to which the ring
// was moved, or to end a move to this place that was interrupted.
func (a *App) explainMoved(place string, err error) error {
	moved, ok := errors.AsType[*ringmove.Error](err)
	if !ok {
		return err
	}
	advice := "name that place with --ring"
	if moved.From != "" {
		advice = "to end it: " + a.again("keys copy --from "+shellWord(moved.From)+" --to "+shellWord(place))
	}
	return &console.Failure{Err: fmt.Errorf("%s: %w", place, err), Code: console.ExitKey, Advice: advice}
}
