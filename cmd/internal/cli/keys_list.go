package cli

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/report"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

func (a *App) keysListCommand() *cobra.Command {
	var view keyView
	cmd := a.listing("list", "List the keys of the ring, the ended ones last", func(ctx context.Context, ring *keyring.Ring) (any, []byte, error) {
		infos, err := ring.Keys(ctx)
		if err != nil {
			return nil, nil, err
		}
		text, err := a.viewKeys(ctx, ring, infos, view)
		return map[string][]keyring.KeyInfo{"keys": infos}, text, err
	}, func(ctx context.Context, ring *keyring.Ring, w io.Writer) error {
		return keyTimeline(ctx, ring, w, view)
	})
	view.add(cmd)
	return cmd
}

// keyTimeline writes the keys and their windows for a browser.
func keyTimeline(ctx context.Context, ring *keyring.Ring, w io.Writer, view keyView) error {
	infos, err := ring.Keys(ctx)
	if err != nil {
		return err
	}
	policy, err := ring.Policy(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	shown, left := view.shown(infos, now)
	return report.Keys(w, shown, left, policy, now)
}
