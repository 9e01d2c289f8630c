// Package console does for a command all that its user sees: it has the streams, messages and
// exit codes, reads files and pipes, asks for passphrases, and makes texts safe to print.
package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// How this command speaks:
//
//   - The result, and nothing else, goes to stdout.
//   - Everything for people goes to stderr, in lines that begin with the name of the command.
//     While jwks serve serves, these lines go to its log, in one format.
//   - An error is one such line: the fault, then the remedy or the words to type.
//   - No line on stderr holds a claim, a token or a secret, except that --explain tells iss,
//     aud, jti and times of a token that was refused. Control characters in names from outside
//     are escaped.
//   - Only usage errors mention --help, and only --help and the verb help print help.
//   - Secrets come from files, pipes or the terminal, never from arguments, which every
//     process on the machine can read.
//   - Input is checked before anything is created: a refused input leaves nothing
//     behind.

// Console holds the streams of one run of a command.
type Console struct {
	Name           string // the name of the command, in front of each message
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Repeat         func(verb string) string // returns the flags that Hint adds for a verb; nil: none
	Quiet          bool                     // do not ask the user anything

	saying   sync.Mutex
	diverted func(text string) // gets the lines of Say; nil: they go to stderr
}

// New returns the console of a command.
func New(name string, stdin io.Reader, stdout, stderr io.Writer) *Console {
	return &Console{Name: name, Stdin: stdin, Stdout: stdout, Stderr: stderr}
}

// Hint returns a command line for the user to type. It adds the flags that Repeat returns, so that
// the line acts on the ring of this run and not on another one.
func (c *Console) Hint(verb string) string {
	line := c.Name + " " + verb
	if c.Repeat != nil {
		line += c.Repeat(verb)
	}
	return line
}

// Say writes one line to stderr, or passes it to the function that Divert set. Several goroutines
// may call Say at once.
func (c *Console) Say(format string, args ...any) {
	c.saying.Lock()
	defer c.saying.Unlock()
	text := fmt.Sprintf(format, args...)
	if c.diverted != nil {
		c.diverted(text)
		return
	}
	fmt.Fprintln(c.Stderr, c.Name+": "+Printable(text))
}

// Divert makes Say pass its lines to a function, such as the log of a server, until the caller
// calls restore. The function gets them as they are, and makes them safe to print.
func (c *Console) Divert(to func(text string)) (restore func()) {
	set := func(to func(string)) {
		c.saying.Lock()
		defer c.saying.Unlock()
		c.diverted = to
	}
	set(to)
	return func() { set(nil) }
}

// Print writes the result to stdout.
func (c *Console) Print(result []byte) error {
	if _, err := c.Stdout.Write(result); err != nil {
		return fmt.Errorf("the result could not be written: %w", err)
	}
	return nil
}

// PrintAs prints a result as one line of JSON or as text.
func (c *Console) PrintAs(json bool, result interface{ Text() []byte }) error {
	if json {
		return c.PrintJSON(result)
	}
	return c.Print(result.Text())
}

// PrintJSON prints v as one line of JSON, as PrintableJSON writes it.
func (c *Console) PrintJSON(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	line := PrintableJSON(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return c.Print(append(line, '\n'))
}

// Writer returns an io.Writer whose Write writes to stdout as Print does.
func (c *Console) Writer() io.Writer { return writer{c} }

type writer struct{ c *Console }

func (w writer) Write(b []byte) (int, error) {
	if err := w.c.Print(b); err != nil {
		return 0, err
	}
	return len(b), nil
}
