package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"
)

// bulkFlags are the flags of the verbs that can work line by line.
type bulkFlags struct {
	jsonl bool
	skip  lineCount
}

func (f *bulkFlags) add(cmd *cobra.Command, usage string) {
	cmd.Flags().BoolVar(&f.jsonl, "jsonl", false, usage)
	cmd.Flags().Var(&f.skip, "skip", "with --jsonl: pass over so many `LINES` of the input, which have their result already")
	withoutFiles(cmd, "skip")
}

func (f bulkFlags) check() error {
	if f.skip > 0 && !f.jsonl {
		return usagef("--skip passes over lines, which is for --jsonl: add it, or leave --skip out")
	}
	return nil
}

// lineCount is a number of lines.
type lineCount int64

func (n *lineCount) Type() string   { return "LINES" }
func (n *lineCount) String() string { return strconv.FormatInt(int64(*n), 10) }
func (n *lineCount) Set(s string) error {
	lines, err := strconv.ParseInt(s, 10, 64)
	if err != nil || lines < 0 {
		return errors.New("must be a number of lines, such as 1000")
	}
	*n = lineCount(lines)
	return nil
}

// lines opens FILE or standard input for a run, and waits until there is something to
// read: a file that cannot be read must not leave a new ring behind, and seal --init at
// the other end of a pipe may be making the ring just now.
func (a *app) lines(args []string, f bulkFlags) (*lineInput, io.Closer, error) {
	name, in, err := a.stream(args)
	if err != nil {
		return nil, nil, err
	}
	if f.skip > 0 {
		if err := checkWhole(a.stdout); err != nil {
			in.Close()
			return nil, nil, err
		}
	}
	if name == "-" {
		name = "standard input"
	}
	l := &lineInput{name: name, in: bufio.NewReaderSize(in, batchBytes), skipped: int64(f.skip)}
	if _, err := l.in.Peek(1); err != nil && err != io.EOF {
		in.Close()
		return nil, nil, cannotRead(name, err)
	}
	return l, in, nil
}

// eachLine makes a line of the result from each line of the input.
func (a *app) eachLine(ctx context.Context, in *lineInput, past string, each func(context.Context, []byte) ([]byte, error)) error {
	ctx, restore := stoppable(ctx)
	defer restore()
	t := &tally{a: a, skipped: in.skipped, progress: a.newProgress(past)}
	p := pipeline{in: in, out: printWriter{a}, workers: runtime.GOMAXPROCS(0), each: each, after: t.add}
	return t.conclude(p.run(ctx))
}

// stoppable ends the context with the first Ctrl-C or termination; the second one ends
// the process. A signal that this process was started to ignore stays ignored.
func stoppable(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM}, signal.Ignored)
	if len(signals) == 0 { // which would mean all of them
		return context.WithCancel(ctx)
	}
	ctx, restore := signal.NotifyContext(ctx, signals...)
	context.AfterFunc(ctx, restore)
	return ctx, restore
}

// maxTold is how many failed lines are reported one by one: the first ones tell what is
// wrong, and a million of them would hide everything else.
const maxTold = 20

// tally counts what became of the lines, and tells about those that failed.
type tally struct {
	a        *app
	skipped  int64
	progress *progress

	done, failed int64
	code         int // of all that failed, or exitIO if they differ
}

func (t *tally) add(b *batch) {
	t.done += int64(b.done)
	for _, f := range b.failed {
		code, text := describe(f.err)
		if t.failed++; t.failed == 1 {
			t.code = code
		} else if t.code != code {
			t.code = exitIO
		}
		t.tell(f.line, text)
	}
	t.progress.show(t.done, t.failed)
}

func (t *tally) tell(line int64, text string) {
	if t.failed > maxTold+1 {
		return
	}
	t.progress.clear()
	if t.failed > maxTold {
		t.a.say("more lines fail; from here on they are counted only")
		return
	}
	t.a.say("line %d: %s", line, text)
}

// conclude says what it all came to, and how to go on where it ended too early.
func (t *tally) conclude(err error) error {
	last := t.skipped + t.done
	switch {
	case errors.Is(err, errStopped):
		t.progress.clear()
		return &failure{
			err: fmt.Errorf("stopped after line %d, and %d of %s failed", last, t.failed, count(t.done, "line")), code: exitIO,
			advice: fmt.Sprintf("go on with --skip %d, and append to the result", last),
		}
	case err != nil:
		t.progress.clear()
		if t.done > 0 {
			t.a.say("the result is good up to its last whole line: cut off what follows it, go on with --skip and the number of those, and append")
		}
		return err
	}
	t.progress.end(t.done, t.failed)
	if t.failed > 0 {
		return &failure{err: fmt.Errorf("%d of %s failed: empty in the result", t.failed, count(t.done, "line")), code: t.code}
	}
	return nil
}
