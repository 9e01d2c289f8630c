package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/keys"
)

// suiteFlag is a flag that takes the name of a suite. If use is not empty, it takes only suites for
// that use.
type suiteFlag struct {
	suite keys.Suite
	use   keys.Use
}

func (f *suiteFlag) Type() string { return "ALG" }
func (f *suiteFlag) String() string {
	if f.suite == 0 {
		return ""
	}
	return f.suite.String()
}

func (f *suiteFlag) Set(s string) error {
	suite, err := keys.ParseSuite(s)
	if err != nil || f.use != "" && suite.Use() != f.use {
		return fmt.Errorf("must be one of %s", strings.Join(f.names(), ", "))
	}
	f.suite = suite
	return nil
}

func (f *suiteFlag) names() []string {
	var names []string
	for _, s := range keys.Suites() {
		if f.use == "" || s.Use() == f.use {
			names = append(names, s.String())
		}
	}
	return names
}

func addSuite(cmd *cobra.Command, name string, use keys.Use, value keys.Suite, usage string) *suiteFlag {
	f := &suiteFlag{value, use}
	cmd.Flags().Var(f, name, usage+": "+strings.Join(f.names(), ", "))
	cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(f.names(), cobra.ShellCompDirectiveNoFileComp))
	return f
}

// suiteList is a flag that takes names of suites for one use, with commas between them.
type suiteList struct {
	suites []keys.Suite
	use    keys.Use
}

func (l *suiteList) Type() string { return "ALGS" }
func (l *suiteList) String() string {
	var names []string
	for _, s := range l.suites {
		names = append(names, s.String())
	}
	return strings.Join(names, ",")
}

func (l *suiteList) Set(s string) error {
	for _, name := range strings.Split(s, ",") {
		f := suiteFlag{use: l.use}
		if err := f.Set(name); err != nil {
			return fmt.Errorf("%w, or several of them with commas between", err)
		}
		if slices.Contains(l.suites, f.suite) {
			return fmt.Errorf("must name each once, and not%s again", echo(name))
		}
		l.suites = append(l.suites, f.suite)
	}
	return nil
}

func addSuites(cmd *cobra.Command, l *suiteList, name string, use keys.Use, usage string) {
	l.use = use
	names := (&suiteFlag{use: use}).names()
	cmd.Flags().Var(l, name, usage+": "+strings.Join(names, ", ")+" (default all)")
	cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
}
