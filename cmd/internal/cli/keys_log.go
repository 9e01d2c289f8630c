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
		return map[string][]keyring.Event{"log": events}, logTable(events), err
	})
}

func logTable(events []keyring.Event) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tGENERATION\tBY\tWHAT\tKID")
	for _, e := range events {
		kid := "-"
		if e.KeyID != "" {
			kid = console.Word(e.KeyID)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", e.Time.Format(time.RFC3339), e.Generation, console.Printable(e.By), console.Printable(e.What), kid)
	}
	w.Flush()
	return b.Bytes()
}
