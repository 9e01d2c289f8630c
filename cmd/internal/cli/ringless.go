package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// ringFlags name the ring and the files that belong to it. All verbs that use a ring take them.
var ringFlags = []string{"ring", "kek-file", "passphrase-file", "seen-file", "store-file"}

const noRingNote = "ringless"

// ringless marks a verb that uses no ring. Such a verb neither shows nor takes the flags that name
// a ring.
func ringless(cmd *cobra.Command) *cobra.Command {
	if cmd.Annotations == nil {
		cmd.Annotations = make(map[string]string)
	}
	cmd.Annotations[noRingNote] = "yes"
	return cmd
}

func isRingless(cmd *cobra.Command) bool { return cmd.Annotations[noRingNote] != "" }

// ofRing reports whether a global flag is about the ring.
func ofRing(name string) bool { return name == "insecure-store" || slices.Contains(ringFlags, name) }

// checkRingless refuses the flags of the ring at a verb that uses none. A user who names a ring
// expects the verb to read it.
func checkRingless(cmd *cobra.Command) error {
	if !isRingless(cmd) {
		return nil
	}
	for _, name := range append([]string{"insecure-store"}, ringFlags...) {
		if f := cmd.Flag(name); f != nil && f.Changed {
			return console.Usagef("--%s is for verbs that use a ring, and %s uses none: leave it out", name, verbPath(cmd))
		}
	}
	return nil
}
