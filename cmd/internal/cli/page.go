package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/page"
)

func (a *App) pageCommand() *cobra.Command {
	var open bool
	cmd := &cobra.Command{
		Use:   "page",
		Short: "Show what a stranger reads in a token, in a browser on this machine",
		Long: `Serves one page on 127.0.0.1, and prints its URL. A token that is pasted into the page is
shown as inspect shows it, while you type. The token goes to this process alone, which
keeps no copy, logs nothing, and has no key and no ring.

The URL has a random path. Other users of this machine can read the URL in the arguments
of the browser that --open starts. They get the same page, and no token of yours.

It ends with Ctrl-C, or when the page was not used for 30 minutes.`,
		Example: `  sealjwt page --open`,
		Args:    noInput,
	}
	cmd.Flags().BoolVar(&open, "open", false, "start the browser too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, restore := console.Stoppable(cmd.Context())
		defer restore()
		err := page.Serve(ctx, func(url string) error {
			if err := a.Print([]byte(url + "\n")); err != nil {
				return err
			}
			a.Say("paste a token into the page; Ctrl-C ends it")
			if open {
				if err := page.OpenBrowser(url); err != nil {
					a.Say("%s: open the URL yourself", console.Plain(err))
				}
			}
			return nil
		})
		switch {
		case errors.Is(err, page.ErrIdle):
			a.Say("stopped: the page was not used for 30 minutes")
			return nil
		case err != nil:
			return err
		}
		a.Say("stopped")
		return nil
	}
	return cmd
}
