package cli

import (
	"bytes"
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

func (a *App) keysLogCommand() *cobra.Command {
	return a.listing("log", "Tell who changed the ring, when and how: the last 256 changes", func(ctx context.Context, ring *keyring.Ring) (any, []byte, error) {
		events, err := ring.Log(ctx)
		return map[string][]keyring.Event{"log": events}, logTable(events, time.Now()), err
	})
}

// notLogged is the line for generations that the log does not have. Without the line an operator
// would think that entries were deleted. The ring logs neither mark-due nor clear-due, because they
// record a look and change no key.
const notLogged = "no entry: the record of a wait, or its correction"

func logTable(events []keyring.Event, now time.Time) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tAGO\tGENERATION\tBY\tWHAT\tKID")
	for i, e := range events {
		if i > 0 && e.Generation > events[i-1].Generation+1 {
			fmt.Fprintf(w, "-\t-\t%s\t-\t%s\t-\n", generations(events[i-1].Generation+1, e.Generation-1), notLogged)
		}
		kid := "-"
		if e.KeyID != "" {
			kid = console.Word(e.KeyID)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", e.Time.Format(time.RFC3339), coarse(now.Sub(e.Time)), e.Generation,
			console.Printable(e.By), console.Printable(e.What), kid)
	}
	w.Flush()
	return b.Bytes()
}

func generations(first, last uint64) string {
	if first == last {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d-%d", first, last)
}
