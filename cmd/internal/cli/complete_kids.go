package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// completionWait is how long a person who pressed Tab waits for the ring, at most.
const completionWait = 2 * time.Second

// isCompletion reports whether a shell asks for the next words of a command line.
func isCompletion(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// complete prepares a run that a shell started to complete the line of words. Such a run asks no
// question and prints no warning: both would appear in the middle of the line that the user types.
// It offers no flag that the verb refuses.
func (a *App) complete(root *cobra.Command, words []string) {
	a.Quiet, a.Stderr = true, io.Discard
	root.SetErr(io.Discard)
	// Cobra offers the usage text of a flag as it stands, with the backquotes around its argument.
	visitFlags(root, func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") })
	if verb, _, err := root.Find(words); err == nil && isRingless(verb) {
		root.PersistentFlags().VisitAll(func(f *pflag.Flag) { f.Hidden = f.Hidden || ofRing(f.Name) })
	}
}

// visitFlags calls visit with each flag of a command and of the verbs below it.
func visitFlags(cmd *cobra.Command, visit func(*pflag.Flag)) {
	cmd.LocalFlags().VisitAll(visit)
	for _, sub := range cmd.Commands() {
		visitFlags(sub, visit)
	}
}

// completeKids offers the kids of the keys that can still be revoked. It offers nothing if the ring
// cannot be opened in time, or not without a question.
func (a *App) completeKids(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionWait)
	defer cancel()
	ring, err := a.openCopy(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	infos, err := ring.Keys(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var kids []string
	for _, k := range infos {
		if k.ID != "" && k.State != keyring.Destroyed && k.State != keyring.Revoked && !strings.ContainsAny(k.ID, "\t\r\n") {
			kids = append(kids, fmt.Sprintf("%s\t%s %s", k.ID, k.Use, k.State))
		}
	}
	return kids, cobra.ShellCompDirectiveNoFileComp
}
