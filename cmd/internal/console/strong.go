package console

import "os"

// Strong returns a function that makes a text stand out in the result. It changes nothing where the
// result does not go to a terminal, where the terminal is dumb, and where NO_COLOR is set (the
// convention of no-color.org). The text must be one of this program: the function does not escape
// it.
func (c *Console) Strong() func(text string) string {
	return strong(isTerminal(c.Stdout), os.Getenv)
}

func strong(onTerminal bool, getenv func(string) string) func(text string) string {
	if !onTerminal || getenv("NO_COLOR") != "" || getenv("TERM") == "dumb" {
		return func(text string) string { return text }
	}
	return func(text string) string { return "\x1b[1;31m" + text + "\x1b[0m" }
}
