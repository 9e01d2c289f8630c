package cli

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// hiddenAfter is how long after its end a key is still shown.
const hiddenAfter = 30 * 24 * time.Hour

// keyView holds the flags that say how keys list shows the keys to a person. JSON always has all
// keys, in the order of the ring.
type keyView struct {
	all, timeline, text bool
}

func (v *keyView) add(cmd *cobra.Command) {
	cmd.Long = `Lists the keys of the ring: those in use first, the oldest of each use at the top, and then
those that have ended. FOR is how long a key has been in its state. Keys that ended more
than 30 days ago are left out; --all shows them. JSON has all keys and all dates.

Every line fits a terminal of 32 columns or more: the narrower it is, the fewer columns the
table has, and a kid that is longer than 16 characters needs more room. --timeline fits 20.

--timeline draws one line for each key: its time before it is used, in use, and after it,
when a retired key still verifies or opens. What stands right of now is what the policy plans.`
	cmd.Example = "  sealjwt keys list\n  sealjwt keys list --timeline"
	flags := cmd.Flags()
	flags.BoolVar(&v.all, "all", false, "show keys that ended more than 30 days ago, too")
	flags.BoolVar(&v.timeline, "timeline", false, "draw the keys over time")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if form := cmd.Flag("output").Value.String(); v.timeline && form == "json" {
			return console.Usagef("--timeline is drawn for people: leave it out, or -o json")
		}
		v.text = cmd.Flag("output").Value.String() == "text"
		return nil
	}
}

func (a *App) viewKeys(ctx context.Context, ring *keyring.Ring, infos []keyring.KeyInfo, view keyView) ([]byte, error) {
	now := time.Now()
	shown, left := view.shown(infos, now)
	if left > 0 && view.text {
		a.Say("left out: %s that ended more than 30 days ago; see all with: %s", console.Count(left, "key"), a.again("keys list --all"))
	}
	if !view.timeline {
		return keyTableWithin(shown, now, a.Width()), nil
	}
	policy, err := ring.Policy(ctx)
	if err != nil {
		return nil, err
	}
	return drawTimeline(shown, policy, now, a.Width()), nil
}

// shown returns the keys to show, and how many are left out.
func (v keyView) shown(infos []keyring.KeyInfo, now time.Time) (shown []keyring.KeyInfo, left int64) {
	shown = sortKeys(infos)
	if !v.all {
		shown = slices.DeleteFunc(shown, func(k keyring.KeyInfo) bool { return hasEnded(k) && now.Sub(k.Ended) > hiddenAfter })
	}
	return shown, int64(len(infos) - len(shown))
}

func hasEnded(k keyring.KeyInfo) bool {
	return k.State == keyring.Destroyed || k.State == keyring.Revoked
}

// sortKeys returns the keys that have not ended, those for signing first, and behind them the keys
// that have ended. Within each part the keys stay in the order of the ring, the oldest first.
func sortKeys(infos []keyring.KeyInfo) []keyring.KeyInfo {
	rank := func(k keyring.KeyInfo) int {
		switch {
		case hasEnded(k):
			return 2
		case k.Use == "enc":
			return 1
		}
		return 0
	}
	return slices.SortedStableFunc(slices.Values(infos), func(a, b keyring.KeyInfo) int { return cmp.Compare(rank(a), rank(b)) })
}
