package cli

import (
	"bytes"
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// listing returns a verb that shows a part of the ring. show returns the part for JSON and as a
// table. The verb has -o html only if html holds a function, which writes it.
func (a *App) listing(name, short string, show func(context.Context, *keyring.Ring) (asJSON any, table []byte, err error),
	html ...func(context.Context, *keyring.Ring, io.Writer) error) *cobra.Command {
	cmd := &cobra.Command{Use: name, Short: short, Args: noInput}
	var forms []string
	if len(html) > 0 {
		forms = []string{"html"}
	}
	output := addOutput(cmd, forms...)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ring, err := a.openRing(cmd.Context())
		if err != nil {
			return err
		}
		if output.value == "html" {
			return a.printHTML(func(w io.Writer) error { return html[0](cmd.Context(), ring, w) })
		}
		asJSON, table, err := show(cmd.Context(), ring)
		if err != nil {
			return err
		}
		if output.value == "json" {
			return a.PrintJSON(asJSON)
		}
		return a.Print(table)
	}
	return cmd
}

// printHTML prints the file that write renders. If write fails, printHTML prints nothing.
func (a *App) printHTML(write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	return a.Print(b.Bytes())
}
