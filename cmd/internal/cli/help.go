package cli

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// helpCommand returns the verb help. Cobra's own help verb reports success for an unknown topic.
func (a *App) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB | TOPIC]",
		Short: "Help about a verb or a topic",
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return a.unknownVerb(topic, rest)
			}
			topic.InitDefaultHelpFlag()
			return topic.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			verb, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, c := range verb.Commands() {
				if c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand() {
					names = append(names, c.Name()+"\t"+c.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// showHelp prints the help of a verb or a topic, as wide as the terminal.
func (a *App) showHelp(cmd *cobra.Command, _ []string) {
	fmt.Fprint(cmd.OutOrStdout(), helpText(cmd, a.Width()))
}

// helpText returns the help of a verb or a topic.
func helpText(cmd *cobra.Command, width int) string {
	var b bytes.Buffer
	long := cmd.Long
	if long == "" {
		long = cmd.Short + "."
	}
	b.WriteString(console.Wrap(byName(cmd, long), width))
	if cmd.IsAdditionalHelpTopicCommand() {
		return b.String()
	}
	fmt.Fprintf(&b, "\nUsage:\n  %s\n", usageLine(cmd))
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", byName(cmd, cmd.Example))
	}
	writeVerbs(&b, "Verbs", cmd, (*cobra.Command).IsAvailableCommand, width)
	writeVerbs(&b, "Topics", cmd, (*cobra.Command).IsAdditionalHelpTopicCommand, width)
	for _, g := range groupsOf(cmd.LocalFlags()) {
		fmt.Fprintf(&b, "\n%s:\n%s", g.title, g.flags.FlagUsagesWrapped(width))
	}
	for _, g := range groupsOf(inheritedFlags(cmd)) {
		fmt.Fprintf(&b, "\n%s:\n%s", g.title, g.flags.FlagUsagesWrapped(width))
	}
	name := cmd.Root().Name()
	b.WriteString("\n")
	if cmd.HasAvailableSubCommands() {
		b.WriteString(console.Wrap(fmt.Sprintf("Help about a verb: %s VERB --help", cmd.CommandPath()), width))
	}
	b.WriteString(console.Wrap(fmt.Sprintf("Exit codes, environment and files: %s help exit-codes, %[1]s help environment, %[1]s help files", name), width))
	return b.String()
}

// byName returns a text about the command sealjwt with the name of the program that runs, such as
// sealjwt-fleet.
func byName(cmd *cobra.Command, text string) string {
	return strings.ReplaceAll(text, "sealjwt ", cmd.Root().Name()+" ")
}

func usageLine(cmd *cobra.Command) string {
	if cmd.HasAvailableSubCommands() {
		return cmd.CommandPath() + " VERB"
	}
	return cmd.UseLine()
}

func writeVerbs(b *bytes.Buffer, title string, cmd *cobra.Command, which func(*cobra.Command) bool, width int) {
	longest := 0
	var list []*cobra.Command
	for _, c := range cmd.Commands() {
		if which(c) {
			list, longest = append(list, c), max(longest, len(c.Name()))
		}
	}
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	for _, c := range list {
		indent := longest + 4
		text := console.Wrap(c.Short, max(20, width-indent))
		text = strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+strings.Repeat(" ", indent))
		fmt.Fprintf(b, "  %-*s  %s\n", longest, c.Name(), text)
	}
}

// flagGroup is some flags of a verb, under a title.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

// flagTitles are the titles and the flags below each, in the order of the help. A flag that
// no group names stands below Flags.
var flagTitles = []struct {
	title string
	names []string
}{
	{"Parties", []string{"trust", "to", "iss", "aud", "sub"}},
	{"Token", []string{"ttl", "typ", "selective", "visible", "visible-only", "replicate", "require",
		"allow-readable", "allow-missing", "max-lifetime", "max-header", "pad", "insecure-at"}},
	{"Algorithms", []string{"sig", "enc", "alg"}},
	{"Keys from a URL", []string{"timeout", "allow-content-type", "header-file"}},
	{"Many tokens", []string{"jsonl", "skip"}},
	{"Policy", []string{"token-lifetime", "leeway", "clock-skew", "cache-age", "publish-lag", "snapshot-age", "max-age", "sig-period", "enc-period"}},
	{"TLS", []string{"tls-cert", "tls-key", "insecure-http"}},
	{"The ring", ringFlags},
}

// inheritedFlags returns the global flags that a verb takes. A verb that uses no ring takes none
// that names one.
func inheritedFlags(cmd *cobra.Command) *pflag.FlagSet {
	if !isRingless(cmd) {
		return cmd.InheritedFlags()
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) {
		if !ofRing(f.Name) {
			flags.AddFlag(f)
		}
	})
	return flags
}

// groupsOf returns the flags of a verb in their groups.
func groupsOf(flags *pflag.FlagSet) (groups []flagGroup) {
	placed := make(map[string]bool)
	add := func(title string, names []string) {
		g := flagGroup{title, pflag.NewFlagSet("", pflag.ContinueOnError)}
		g.flags.SortFlags = false
		for _, name := range names {
			if f := flags.Lookup(name); f != nil && !f.Hidden && !placed[name] {
				g.flags.AddFlag(f)
				placed[name] = true
			}
		}
		if g.flags.HasFlags() {
			groups = append(groups, g)
		}
	}
	for _, t := range flagTitles {
		add(t.title, t.names)
	}
	var rest []string
	flags.VisitAll(func(f *pflag.Flag) { rest = append(rest, f.Name) })
	add("Flags", rest)
	return groups
}
