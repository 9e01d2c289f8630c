// Package lines makes a line of output from each line of input, on all cores and in their order,
// and tells what became of them. It does not know what the lines hold.
package lines

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// Open opens FILE or standard input for a run, and waits until its first byte can be read: a file
// that cannot be read must not leave a new ring behind, and seal --init at the other end of a pipe
// may be making the ring just now.
func Open(c *console.Console, args []string, skip int64) (*Input, io.Closer, error) {
	name, in, err := c.Stream(args)
	if err != nil {
		return nil, nil, err
	}
	if skip > 0 {
		if err := checkWhole(c.Stdout); err != nil {
			in.Close()
			return nil, nil, err
		}
	}
	if name == "-" {
		name = "standard input"
	}
	l := &Input{name: name, in: bufio.NewReaderSize(in, batchBytes), skipped: skip, size: SizeOf(in, c.Stdin)}
	if _, err := l.in.Peek(1); err != nil && err != io.EOF {
		in.Close()
		return nil, nil, console.CannotRead(name, err)
	}
	return l, in, nil
}

// Each writes a line of the result for each line of the input. past is the verb of the progress
// line, such as "sealed".
func Each(ctx context.Context, c *console.Console, in *Input, past string, each func(context.Context, []byte) ([]byte, error)) error {
	ctx, restore := console.Stoppable(ctx)
	defer restore()
	t := &tally{console: c, skipped: in.skipped, progress: c.NewProgress(past)}
	if in.size > 0 {
		t.progress.Part = func() float64 { return float64(t.read) / float64(in.size) }
	}
	p := pipeline{in: in, out: c.Writer(), workers: runtime.GOMAXPROCS(0), each: each, after: t.add}
	return t.conclude(p.run(ctx))
}

// maxTold is how many failed lines are reported one by one. The first ones show the fault, and a
// million of them would hide everything else.
const maxTold = 20

// tally counts the lines that are done and that failed, and reports the failed ones.
type tally struct {
	console  *console.Console
	skipped  int64
	progress *console.Progress

	done, failed int64
	read         int64 // bytes of the input up to the last line that was done
	code         int   // of the failed lines, or ExitIO if their codes differ
}

func (t *tally) add(b *batch) {
	t.done += int64(b.done)
	t.read = b.end
	for _, f := range b.failed {
		code, text := t.console.Describe(f.err)
		if t.failed++; t.failed == 1 {
			t.code = code
		} else if t.code != code {
			t.code = console.ExitIO
		}
		t.tell(f.line, text)
	}
	t.progress.Show(t.done, t.failed)
}

func (t *tally) tell(line int64, text string) {
	if t.failed > maxTold+1 {
		return
	}
	t.progress.Clear()
	if t.failed > maxTold {
		t.console.Say("more lines fail; from here on they are counted only")
		return
	}
	t.console.Say("line %d: %s", line, text)
}

// conclude prints the totals. It returns the error of the run, with the words to go on with if the
// run ended too early.
func (t *tally) conclude(err error) error {
	last := t.skipped + t.done
	switch {
	case errors.Is(err, errStopped):
		t.progress.Clear()
		return &console.Failure{
			Err: fmt.Errorf("stopped after line %d, and %d of %s failed", last, t.failed, console.Count(t.done, "line")), Code: console.ExitIO,
			Advice: fmt.Sprintf("go on with --skip %d, and append to the result", last),
		}
	case err != nil:
		t.progress.Clear()
		if t.done > 0 {
			t.console.Say("the result is good up to its last whole line: cut off what follows it, go on with --skip and the number of those, and append")
		}
		return err
	}
	t.progress.End(t.done, t.failed)
	if t.failed > 0 {
		return &console.Failure{Err: fmt.Errorf("%d of %s failed: empty in the result", t.failed, console.Count(t.done, "line")), Code: t.code}
	}
	return nil
}
