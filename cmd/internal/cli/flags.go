package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
)

// choice is a flag with a few possible values.
type choice struct {
	value   string
	allowed []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.allowed, "|") }
func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("must be one of %s", strings.Join(c.allowed, ", "))
	}
	c.value = s
	return nil
}

// addChoice adds a flag whose value is one of allowed.
func addChoice(cmd *cobra.Command, name, short, value, usage string, allowed ...string) *choice {
	c := &choice{value, allowed}
	cmd.Flags().VarP(c, name, short, usage)
	cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// addOutput adds -o, the form of the result: text, json, or one of more.
func addOutput(cmd *cobra.Command, more ...string) *choice {
	return addChoice(cmd, "output", "o", "text", "how the result is written", append([]string{"text", "json"}, more...)...)
}

func addUse(cmd *cobra.Command, usage string) *choice {
	return addChoice(cmd, "use", "", "", usage, string(keys.UseSig), string(keys.UseEnc))
}

// nameList is a flag that takes names with commas between them, and may be repeated.
type nameList struct {
	names   []string
	allowed []string // the names that are allowed; empty: any name
}

func (l *nameList) Type() string   { return "NAMES" }
func (l *nameList) String() string { return strings.Join(l.names, ",") }
func (l *nameList) Set(s string) error {
	names, err := splitNames(s)
	if err != nil {
		return err
	}
	for _, name := range names {
		switch {
		case len(l.allowed) > 0 && !slices.Contains(l.allowed, name):
			return fmt.Errorf("must be among %s", strings.Join(l.allowed, ", "))
		case slices.Contains(l.names, name):
			return fmt.Errorf("must name each once, and not%s again", echo(name))
		}
		l.names = append(l.names, name)
	}
	return nil
}

// addNames adds a flag that takes names. If allowed has names, the flag takes no others.
func addNames(cmd *cobra.Command, l *nameList, name, usage string, allowed ...string) {
	l.allowed = allowed
	cmd.Flags().Var(l, name, usage)
	cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp))
}

// splitNames splits a list of names at its commas. It refuses an empty name, a * and a name that
// occurs twice. An empty name usually comes from a variable that a script forgot to set.
func splitNames(s string) ([]string, error) {
	names := strings.Split(s, ",")
	for i, name := range names {
		switch {
		case name == "" || name != strings.TrimSpace(name):
			return nil, errors.New("must be names with commas and nothing else between them, such as scope,roles")
		case name == everything:
			return nil, errors.New("must be names; * stands alone, for all that is not visible, and in --to only")
		case slices.Contains(names[:i], name):
			return nil, fmt.Errorf("must name each once, and not%s again", echo(name))
		}
	}
	return names, nil
}

// padding is the multiple, in bytes, to which the size of the claims is rounded up.
type padding int

// maxPadding is the largest multiple that the library takes.
const maxPadding = 16 << 10

func (p *padding) Type() string   { return "BYTES" }
func (p *padding) String() string { return strconv.Itoa(int(*p)) }
func (p *padding) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > maxPadding {
		return fmt.Errorf("must be a number of bytes up to %d, such as 256", maxPadding)
	}
	*p = padding(n)
	return nil
}

// withoutFiles keeps the shell from offering file names for flags whose values are not files.
func withoutFiles(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
}

// lifetime is a duration such as 15m, 1h30m or 30d.
type lifetime time.Duration

// longestLifetime is the longest duration that a flag takes, so that sums of times do not
// overflow. The policy of a ring allows far less.
const longestLifetime = 10 * 365 * 24 * time.Hour

func (l *lifetime) Type() string   { return "DURATION" }
func (l *lifetime) String() string { return console.Duration(time.Duration(*l)) }
func (l *lifetime) Set(s string) error {
	d, err := parseDuration(s)
	if err != nil && s != "" && s[len(s)-1] >= '0' && s[len(s)-1] <= '9' {
		return errors.New("needs a unit behind each number, such as 15s, 15m, 1h30m or 30d")
	}
	if err != nil || d < time.Second || d%time.Second != 0 || d > longestLifetime {
		return errors.New("must be a duration in whole seconds, such as 15m, 1h30m or 30d, and at most 3650d")
	}
	*l = lifetime(d)
	return nil
}

// parseDuration reads a duration as package time does, or with days of 24 hours in front, such as
// 1d12h.
func parseDuration(s string) (time.Duration, error) {
	var days time.Duration
	if number, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return 0, err
		}
		days = time.Duration(n) * 24 * time.Hour
		if rest == "" {
			return days, nil
		}
		s = rest
	}
	d, err := time.ParseDuration(s)
	if d < 0 {
		return 0, errors.New("negative duration")
	}
	return days + d, err
}

// instant is a time, in RFC 3339 or in seconds since 1970.
type instant struct {
	time  time.Time
	given bool
}

func (t *instant) Type() string { return "TIME" }
func (t *instant) String() string {
	if !t.given {
		return ""
	}
	return t.time.Format(time.RFC3339)
}

func (t *instant) Set(s string) error {
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		t.time, t.given = at, true
		return nil
	}
	seconds, err := strconv.ParseInt(s, 10, 64)
	if err != nil || seconds < 0 || seconds > maxUnix {
		return errors.New("must be a time such as 2026-01-31T12:00:00Z, or seconds since 1970")
	}
	t.time, t.given = time.Unix(seconds, 0).UTC(), true
	return nil
}

// maxUnix is the end of the year 9999, the last that RFC 3339 can write.
const maxUnix = 253402300799

// everything is the text before the = of a --to that lets the recipient read all claims that are
// not visible. An empty list does not mean this: a script may have left it empty by mistake.
const everything = "*"
