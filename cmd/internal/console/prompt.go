package console

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// ErrNoTerminal says that the program has no terminal at which to ask the user.
var ErrNoTerminal = errors.New("no terminal to ask for the passphrase")

// AskPassphrase asks on the terminal for the passphrase of a document, such as "ring". Without a
// terminal it returns ErrNoTerminal.
func (c *Console) AskPassphrase(ctx context.Context, of string) ([]byte, error) {
	return c.ask(ctx, "Passphrase of the "+of+": ")
}

// AskNewPassphrase asks on the terminal for a new passphrase, and a second time for the same one.
// It returns the error of check without the second question, a usage error when the two answers
// differ, and ErrNoTerminal without a terminal.
func (c *Console) AskNewPassphrase(ctx context.Context, check func([]byte) error) ([]byte, error) {
	first, err := c.ask(ctx, "New passphrase of the ring: ")
	if err != nil {
		return nil, err
	}
	if err := check(first); err != nil {
		return nil, err
	}
	again, err := c.ask(ctx, "The same again: ")
	if err != nil {
		return nil, err
	}
	defer clear(again)
	if !bytes.Equal(first, again) {
		clear(first)
		return nil, Usagef("the two passphrases differ, and nothing was made: try again")
	}
	return first, nil
}

// ask asks on the terminal without echo. It returns ErrNoTerminal if neither stdin nor stderr is a
// terminal: then a person may not be there, and the program would wait for ever.
func (c *Console) ask(ctx context.Context, question string) ([]byte, error) {
	if c.Quiet || !isTerminal(c.Stdin) && !isTerminal(c.Stderr) {
		return nil, ErrNoTerminal
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, ErrNoTerminal
	}
	defer tty.Close()
	fd := int(tty.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, ErrNoTerminal
	}

	// Ctrl-C must not leave a terminal without echo.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	type answer struct {
		line []byte
		err  error
	}
	answers := make(chan answer, 1)
	fmt.Fprint(tty, question)
	go func() {
		line, err := term.ReadPassword(fd)
		answers <- answer{line, err}
	}()
	defer fmt.Fprintln(tty)
	select {
	case got := <-answers:
		if got.err != nil {
			return nil, fmt.Errorf("no passphrase was typed: %w", got.err)
		}
		return got.line, nil
	case <-ctx.Done():
		return nil, errors.Join(errors.New("interrupted"), term.Restore(fd, before))
	}
}

// Confirm returns nil if the user types yes on the terminal, or has given the flag yes. Otherwise
// it returns a usage error.
func (c *Console) Confirm(question string, yes bool) error {
	if yes {
		return nil
	}
	if !isTerminal(c.Stdin) && !isTerminal(c.Stderr) {
		return Usagef("nothing was changed, since there is no terminal to ask: give --yes")
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return Usagef("nothing was changed, since there is no terminal to ask: give --yes")
	}
	defer tty.Close()
	fmt.Fprint(tty, question)
	if answer, err := bufio.NewReader(tty).ReadString('\n'); err != nil || answer != "yes\n" {
		return Usagef("nothing was changed: the answer was not yes")
	}
	return nil
}
