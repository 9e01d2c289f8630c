package cli

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// errExposed is the error of a scan that found personal data. The result is on stdout already.
var errExposed = errors.New("personal data readable without a key")

const (
	// maxNamed is how many inputs with personal data or limits the summary names.
	maxNamed = 1000
	// maxNamedClean is how many other inputs it names. A folder may have thousands of them.
	maxNamedClean = 20
)

// inputTally counts the tokens of one input.
type inputTally struct {
	name                             string
	compressed                       string // the format of an input that was not read
	tokens, exposing, limited, bytes int64
}

func (t inputTally) String() string {
	if t.compressed != "" {
		return "compressed (" + t.compressed + "), and not read"
	}
	text := console.Count(t.tokens, "token") + ", no personal data found"
	if t.exposing > 0 {
		text = fmt.Sprintf("%s, %d with personal data", console.Count(t.tokens, "token"), t.exposing)
	}
	if t.limited > 0 {
		text += ", and " + console.Count(t.limited, "limit") + " reached"
	}
	return text
}

// summary has the inputs of a scan with several of them.
type summary struct {
	clean, others         []inputTally // the first of them
	moreClean, moreOthers int64        // that are only counted
}

func (s *summary) add(t inputTally) {
	list, more, most := &s.others, &s.moreOthers, maxNamed
	if t.exposing == 0 && t.limited == 0 {
		list, more, most = &s.clean, &s.moreClean, maxNamedClean
	}
	if len(*list) == most {
		*more++
		return
	}
	*list = append(*list, t)
}

// tell names the inputs, those with personal data last.
func (s *summary) tell(c *console.Console) {
	for _, part := range []struct {
		named []inputTally
		more  int64
		what  string
	}{{s.clean, s.moreClean, "without personal data"}, {s.others, s.moreOthers, "with personal data or limits"}} {
		for _, t := range part.named {
			c.Say("%s: %s", inputName(t.name), t)
		}
		if part.more > 0 {
			c.Say("and %s %s", console.Count(part.more, "more file"), part.what)
		}
	}
}

// inputName returns the name of an input for messages.
func inputName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// conclude tells the totals on stderr.
func (a *App) conclude(s *scan) error {
	s.summary.tell(a.Console)
	if s.total.limited > 0 {
		a.Say("%s reached: what is there was not read to the end", console.Count(s.total.limited, "limit"))
	}
	if s.compressed > 0 {
		a.Say("%s compressed and not read", console.Count(s.compressed, "file"))
	}
	if s.skipped > 0 {
		a.Say("%s skipped: binary, or not a regular file", console.Count(s.skipped, "file"))
	}
	in := console.Count(s.total.tokens, "token") + " in " + size(s.total.bytes)
	if s.walked > 0 {
		in += " in " + console.Count(s.walked, "file")
	}
	unread := ""
	if s.unread > 0 {
		unread = console.Count(s.unread, "file") + " could not be read"
	}
	switch {
	case s.total.exposing > 0:
		if unread != "" {
			in += ", and " + unread
		}
		err := fmt.Errorf("%w, in %d of %s", errExposed, s.total.exposing, in)
		return &console.Failure{Err: err, Code: console.ExitPolicy, Advice: "take it out of the tokens or seal it (sealjwt seal), and clean up this copy"}
	case s.total.limited > 0:
		err := fmt.Errorf("no personal data found in %s, but %s", in, cmp.Or(unread, "not all could be read"))
		return &console.Failure{Err: err, Code: console.ExitPolicy, Advice: "look at the places that are named"}
	case s.unread > 0:
		return fmt.Errorf("no personal data found in %s, but %s", in, unread)
	}
	a.Say("%s, and no personal data found in any", in)
	return nil
}

func size(bytes int64) string {
	value, unit := float64(bytes), 0
	for value >= 1000 && unit < 4 {
		value, unit = value/1000, unit+1
	}
	if unit == 0 {
		return console.Count(bytes, "byte")
	}
	return fmt.Sprintf("%.1f %cB", value, " kMGT"[unit])
}
