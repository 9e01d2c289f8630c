package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// completed returns the command line of this run with the text lacks, the flags that are missing,
// for a hint. It leaves out the user, the password and the query of a URL in a flag.
func completed(cmd *cobra.Command, args []string, lacks string) string {
	line := cmd.CommandPath()
	add := func(name, value string) {
		line += " --" + name + " " + shellWord(console.Printable(console.WithoutSecrets(value)))
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case f.Value.Type() == "bool" && f.Value.String() == "true":
			line += " --" + f.Name
		case f.Value.Type() == "bool":
			line += " --" + f.Name + "=false"
		default:
			for _, value := range valuesOf(f.Value) {
				if issuer, place, ok := strings.Cut(value, "="); ok && f.Name == "trust" { // ISS=PLACE
					value = issuer + "=" + console.WithoutSecrets(place)
				}
				add(f.Name, value)
			}
		}
	})
	line += lacks
	for _, arg := range args {
		line += " " + shellWord(console.Printable(arg))
	}
	return line
}
