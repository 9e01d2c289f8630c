package cli

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// once is a flag with one text, which refuses a second text. If a command line has two issuers or
// two rings, taking the last one would be a guess.
type once struct {
	pflag.Value
	given bool
}

// Set takes the first value, and refuses all others.
func (o *once) Set(s string) error {
	if o.given {
		return errors.New("must be given once, and is given twice")
	}
	o.given = true
	return o.Value.Set(s)
}

// onlyOnce makes each flag with one text, of a command and of the verbs below it, refuse a second
// text.
func onlyOnce(cmd *cobra.Command) {
	for _, flags := range []*pflag.FlagSet{cmd.Flags(), cmd.PersistentFlags()} {
		flags.VisitAll(func(f *pflag.Flag) {
			if _, done := f.Value.(*once); !done && f.Value.Type() == "string" {
				f.Value = &once{Value: f.Value}
			}
		})
	}
	for _, sub := range cmd.Commands() {
		onlyOnce(sub)
	}
}
