package console

import "testing"

// Only a terminal that can show it gets a text that stands out.
func TestStrong(t *testing.T) {
	for name, c := range map[string]struct {
		onTerminal bool
		env        map[string]string
		want       string
	}{
		"a terminal":       {true, map[string]string{"TERM": "xterm"}, "\x1b[1;31mPERSONAL\x1b[0m"},
		"a file or a pipe": {false, map[string]string{"TERM": "xterm"}, "PERSONAL"},
		"NO_COLOR":         {true, map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, "PERSONAL"},
		"a dumb terminal":  {true, map[string]string{"TERM": "dumb"}, "PERSONAL"},
	} {
		if got := strong(c.onTerminal, func(name string) string { return c.env[name] })("PERSONAL"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
