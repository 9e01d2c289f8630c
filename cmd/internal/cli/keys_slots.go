package cli

import (
	"bytes"
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

func (a *App) keysSlotsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "slots",
		Short: "Say which key files and passphrases open the ring",
		Long: `Lists the slots of the ring, each of which one key file or passphrase opens. Where the key
file of this run opens one, its path stands beside it; --kek-file tries another. The names
of the slots stand in the ring in clear: nothing is opened, and no passphrase is asked for.
Add and drop them with keys rewrap.`,
		Example: `  sealjwt keys slots
  sealjwt keys slots --kek-file found-in-the-safe`,
		Args: noInput,
	}
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		found, err := a.slots(cmd.Context())
		if err != nil {
			return err
		}
		return a.PrintAs(output.value == "json", found)
	}
	return cmd
}

// slotList is the result of keys slots.
type slotList struct {
	Slots slots `json:"slots"`
}

func (a *App) slots(ctx context.Context) (slotList, error) {
	at, err := a.ringAt(ctx)
	if err != nil {
		return slotList{}, err
	}
	ring, err := load(ctx, at.store)
	if err != nil {
		return slotList{}, a.explainMoved(at.place, a.storeFile, err)
	}
	found := slotsOf(ring)
	if len(found) == 0 {
		return slotList{}, fmt.Errorf("%s: %w", at.place, keyring.ErrUnreadable)
	}
	place, err := a.kekPlace()
	if err != nil {
		return slotList{}, err
	}
	if place.file == "" {
		return slotList{found}, nil
	}
	kek, err := keyring.KEKFile(place.file)
	switch {
	case err != nil && place.standard: // no flag and no variable names the file, so it need not exist
		return slotList{found}, nil
	case err != nil:
		return slotList{}, err
	case !place.standard && !found.has(kek.ID()):
		return slotList{}, &console.Failure{Err: fmt.Errorf("%w: %s opens no slot of this ring", keyring.ErrKEK, place.file), Advice: errNoSlotAdvice}
	}
	for i := range found {
		if found[i].ID == kek.ID() {
			found[i].File = place.file
		}
	}
	return slotList{found}, nil
}

const errNoSlotAdvice = "name another, or leave it out to see the slots"

func (l slotList) Text() []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEK\tKIND\tFILE")
	for _, s := range l.Slots {
		file := "-"
		if s.File != "" {
			file = console.Printable(s.File)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", console.Word(s.ID), s.Kind, file)
	}
	w.Flush()
	return b.Bytes()
}
