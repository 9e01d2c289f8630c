package cli

import (
	"errors"
	"regexp"
	"strconv"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// explainFlag turns an error of the flag parser into a usage error. The parser's own text repeats
// the value, which can be a token or a secret, so explainFlag does not use it.
func explainFlag(cmd *cobra.Command, err error) error {
	help := "see " + cmd.CommandPath() + " --help"
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return explainUnknownFlag(cmd, unknown, help)
	}
	if alone, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return console.Usagef("--%s needs an argument: %s", alone.GetFlag().Name, help)
	}
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return console.Usagef("invalid argument%s for %q flag: %w: %s", echo(bad.GetValue()), flagSpelling(bad.GetFlag()), withoutValue(bad.Unwrap()), help)
	}
	return console.Usagef("bad flag syntax: %s", help)
}

func explainUnknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError, help string) error {
	name := unknown.GetSpecifiedName()
	if unknown.GetSpecifiedShortnames() != "" {
		return console.Usagef("unknown flag -%s: %s", name, help)
	}
	if near := nearestFlag(cmd, name); near != "" {
		return console.Usagef("unknown flag%s: did you mean --%s?", echo("--"+name), near)
	}
	return console.Usagef("unknown flag%s: %s", echo("--"+name), help)
}

func flagSpelling(f *pflag.Flag) string {
	if f.Shorthand == "" {
		return "--" + f.Name
	}
	return "-" + f.Shorthand + ", --" + f.Name
}

// withoutValue returns why a value was refused. It takes the inner error of an error of package
// strconv, whose own text repeats the value.
func withoutValue(err error) error {
	if number, ok := errors.AsType[*strconv.NumError](err); ok {
		return number.Err
	}
	return err
}

var longFlag = regexp.MustCompile(`--([a-z][a-z-]+)`)

func nearestFlag(cmd *cobra.Command, name string) string {
	flags := &cobra.Command{SuggestionsMinimumDistance: 2}
	for _, match := range longFlag.FindAllStringSubmatch(cmd.Flags().FlagUsages(), -1) {
		flags.AddCommand(&cobra.Command{Use: match[1], Run: func(*cobra.Command, []string) {}})
	}
	if near := flags.SuggestionsFor(name); len(near) > 0 {
		return near[0]
	}
	return ""
}
