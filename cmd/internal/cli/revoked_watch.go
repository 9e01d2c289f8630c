package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open/sessions"
)

// endedLine is one ended session or token. Its delay begins when the issuer reads it from its
// store, and ends when it arrives here. An entry of a whole list has no delay: the session may have
// ended long before.
type endedLine struct {
	Entry string    `json:"entry"`
	Until time.Time `json:"until"` // a verifier remembers the entry until then
	Delay *float64  `json:"delay_ms,omitempty"`
}

func (l endedLine) Text() []byte {
	delay := "before"
	if l.Delay != nil {
		delay = fmt.Sprintf("%.0fms", *l.Delay)
	}
	return fmt.Appendf(nil, "%s  until %s  %s\n", l.Entry, l.Until.Format(time.RFC3339), delay)
}

func (a *App) revokedWatchCommand() *cobra.Command {
	var f feedFlags
	var end lifetime
	cmd := &cobra.Command{
		Use:   "watch URL",
		Short: "Show each session that ends, with its delay",
		Long: `Follows the feed as a verifier does and writes a line for each session or token that
ends: its entry in the feed, which is a hash of the id, until when a verifier remembers
it, and how long it took from the issuer's store to here. Entries of the first list have
ended before. Errors go to stderr, and the feed is tried again.

A difference of the two clocks is part of the delay.`,
		Example: `  sealjwt revoked watch https://id.example.com/revoked --iss https://id.example.com --trust id.jwks.json`,
	}
	f.add(cmd)
	output := addOutput(cmd)
	cmd.Flags().Var(&end, "for", "stop after a time: 10m (default: never)")
	cmd.Flags().Lookup("for").DefValue = ""
	withoutFiles(cmd, "for")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		remote, err := a.follow(cmd.Context(), args[0], f)
		if err != nil {
			return err
		}
		return a.watch(cmd.Context(), remote, time.Duration(end), output.value == "json")
	}
	return cmd
}

func (a *App) watch(ctx context.Context, remote *sessions.Remote, end time.Duration, json bool) (failed error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if end > 0 {
		defer time.AfterFunc(end, cancel).Stop()
	}
	remote.Run(ctx, func(n sessions.News) {
		if n.Err != nil && ctx.Err() == nil {
			a.Say("%s", console.Plain(n.Err))
		}
		for _, e := range n.Added {
			line := endedLine{Entry: strict.EncodeBase64URL(e.Entry[:]), Until: e.Until}
			if !n.Whole {
				delay := float64(time.Since(n.Date).Milliseconds())
				line.Delay = &delay
			}
			if err := a.PrintAs(json, line); err != nil {
				failed = err
				cancel()
				return
			}
		}
	})
	return failed
}
