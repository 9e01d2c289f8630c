package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

func (a *App) keysAcceptCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "accept",
		Short: "Take a ring that was restored or exchanged, which every other verb refuses",
		Long: `Every verb remembers the identity and the newest generation of the ring that it
used, and refuses an older ring, a fork, another ring at the same path, and a path
where a ring was and is gone. After a backup was put back on purpose, accept takes
the ring that is there now, or that no ring is there. It forgets nothing of other
rings.

First it shows what changes. A key of an older ring is good again even if it was
revoked or destroyed later: where one was stolen, revoke it next.`,
		Example: `  sealjwt keys accept
  sealjwt keys accept --yes --ring /var/lib/idp/ring --kek-file /etc/idp/kek`,
		Args: noInput,
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.accept(cmd.Context(), yes) }
	return cmd
}

func (a *App) accept(ctx context.Context, yes bool) error {
	at, err := a.ringAt(ctx)
	if err != nil {
		return err
	}
	path := at.place
	memory, err := a.memory(at.identity, false)
	if err != nil {
		return err
	}
	_, err = a.openRing(ctx)
	if err != nil && !errors.Is(err, keyring.ErrRollback) {
		return err
	}
	here, _, damaged := memory.Memory.Load(ctx)
	seen := here != keyring.Checkpoint{} && damaged == nil
	if memory.Path() == "" && (err != nil || !seen) {
		return &console.Failure{Err: errors.New(memory.nowhere()), Code: console.ExitIO, Advice: "name a file with --seen-file"}
	}
	if err == nil && damaged == nil {
		a.Say("there is nothing to accept: the ring %s is the ring that was seen", path)
		return nil
	}
	now, err := a.tellChange(ctx, at.store, here, err)
	if err != nil {
		return err
	}
	if damaged != nil {
		a.Say("when this is accepted, the damaged file is kept as %s.damaged, and what it knew of other rings is not compared any more", memory.Path())
	}
	if err := a.Confirm("Take it? [yes/no] ", yes); err != nil {
		return err
	}
	if err := memory.Accept(ctx, now); err != nil {
		return fmt.Errorf("NOT ACCEPTED: %w", err)
	}
	a.Say("accepted")
	a.Say("next: start the services that use this ring anew: each remembers the ring that it saw")
	return nil
}

// tellChange compares the ring in the store with the ring that was seen there, prints the
// difference, and returns the checkpoint of the ring in the store.
func (a *App) tellChange(ctx context.Context, store keyring.Store, before keyring.Checkpoint, refused error) (now keyring.Checkpoint, err error) {
	if refused != nil {
		a.Say("%s", console.Plain(refused))
	}
	if isGone(refused) {
		a.Say("when this is accepted, the keys of the ring that was seen are gone; this makes a new ring there: %s", a.again("keys init"))
		return keyring.Checkpoint{}, nil
	}
	ring, err := keyring.Open(ctx, keyring.Config{Store: store, KEK: a.kek})
	if err != nil {
		return now, err
	}
	now = ring.Checkpoint()
	infos, err := ring.Keys(ctx)
	if err != nil {
		return now, err
	}
	if before != (keyring.Checkpoint{}) {
		a.Say("generation: %d was seen, %d is here", before.Generation, now.Generation)
	}
	if before.Ring != "" && before.Ring != now.Ring {
		a.Say("identity: %s was seen, %s is here; the keys of the ring that was seen go", before.Ring, identityText(now))
	}
	a.Say("these keys are used from now on, whatever became of them in the ring that was seen:")
	for _, k := range infos {
		if k.State == keyring.Staged || k.State == keyring.Active || k.State == keyring.Retired {
			a.Say("  %s  %s  %s", console.Word(k.ID), k.Use, k.State)
		}
	}
	return now, nil
}

func identityText(c keyring.Checkpoint) string {
	if c.Ring == "" {
		return "none, of an old format,"
	}
	return c.Ring
}
