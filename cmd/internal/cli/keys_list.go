package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/report"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

func (a *App) keysListCommand() *cobra.Command {
	return a.listing("list", "List the keys of the ring, oldest first", func(ctx context.Context, ring *keyring.Ring) (any, []byte, error) {
		infos, err := ring.Keys(ctx)
		return map[string][]keyring.KeyInfo{"keys": infos}, keyTable(infos), err
	}, keyTimeline)
}

// keyTimeline writes the keys and their windows for a browser.
func keyTimeline(ctx context.Context, ring *keyring.Ring, w io.Writer) error {
	infos, err := ring.Keys(ctx)
	if err != nil {
		return err
	}
	policy, err := ring.Policy(ctx)
	if err != nil {
		return err
	}
	return report.Keys(w, infos, policy, time.Now())
}

func keyTable(infos []keyring.KeyInfo) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KID\tUSE\tALG\tSTATE\tSINCE\tAGE\tPRIVATE\tNEXT\tAT")
	for _, k := range infos {
		kid, private := "-", "erased"
		if k.ID != "" {
			kid = console.Word(k.ID)
		}
		if k.HasPrivate {
			private = "held"
		}
		next, at := "-", "-"
		if k.Next != "" {
			next, at = string(k.Next), notBeforeText(k.NextAt)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			kid, k.Use, suiteText(k.Suite), k.State, sinceText(k), age(k), private, next, at)
	}
	w.Flush()
	return b.Bytes()
}

// suiteText writes - for a key that ended so long ago that its algorithm is not kept.
func suiteText(s keys.Suite) string {
	if s == 0 {
		return "-"
	}
	return s.String()
}

// sinceText writes - where the date is not kept.
func sinceText(k keyring.KeyInfo) string {
	if t := since(k); !t.IsZero() {
		return t.Format(time.RFC3339)
	}
	return "-"
}

// since returns the time at which the key came into its present state.
func since(k keyring.KeyInfo) time.Time {
	switch k.State {
	case keyring.Active:
		return k.Activated
	case keyring.Retired:
		return k.Retired
	case keyring.Destroyed, keyring.Revoked:
		return k.Ended
	}
	return k.Created
}

// age returns the age of a key, to the minute.
func age(k keyring.KeyInfo) string {
	if k.Created.IsZero() {
		return "-"
	}
	return console.Duration(max(0, time.Since(k.Created)).Truncate(time.Minute))
}
