package main

import (
	"bytes"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys"
)

func (a *app) keysLogCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Tell who changed the ring, when and how: the last 256 changes",
		Args:  noInput,
	}
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ring, err := a.openRing(cmd.Context())
		if err != nil {
			return err
		}
		events, err := ring.Log(cmd.Context())
		if err != nil {
			return err
		}
		if output.value == "json" {
			return a.printJSON(map[string][]keys.Event{"log": events})
		}
		return a.print(logTable(events))
	}
	return cmd
}

func logTable(events []keys.Event) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tGENERATION\tBY\tWHAT\tKID")
	for _, e := range events {
		kid := "-"
		if e.KeyID != "" {
			kid = word(e.KeyID)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", e.Time.Format(time.RFC3339), e.Generation, printable(e.By), printable(e.What), kid)
	}
	w.Flush()
	return b.Bytes()
}
