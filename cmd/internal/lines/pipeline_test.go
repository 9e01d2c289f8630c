package lines

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

var errBad = errors.New("bad line")

// echoLine returns the line itself, or an error if it is "bad".
func echoLine(_ context.Context, line []byte) ([]byte, error) {
	if string(line) == "bad" {
		return nil, errBad
	}
	return line, nil
}

// bulkRun is a run that keeps its output and its failures.
type bulkRun struct {
	pipeline
	out    bytes.Buffer
	failed []int64
	done   int64
}

func newBulkRun(in io.Reader, workers int, each func(context.Context, []byte) ([]byte, error)) *bulkRun {
	r := &bulkRun{}
	r.pipeline = pipeline{
		in:      &Input{name: "test", in: bufio.NewReaderSize(in, batchBytes), Most: 100, TooLong: console.ErrTooLong},
		out:     &r.out,
		workers: workers,
		each:    each,
		after: func(b *batch) {
			r.done += int64(b.done)
			for _, f := range b.failed {
				r.failed = append(r.failed, f.line)
			}
		},
	}
	return r
}

// numbered returns n lines, each with its number.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, i+1)
	}
	return b.String()
}

func TestBulkKeepsTheOrder(t *testing.T) {
	const n = 10_000
	want := numbered(n)
	synctest.Test(t, func(t *testing.T) {
		r := newBulkRun(strings.NewReader(want), 8, func(_ context.Context, line []byte) ([]byte, error) {
			time.Sleep(time.Duration(rand.IntN(1000))) // in nanoseconds of a clock that does not wait
			return line, nil
		})
		if err := r.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r.out.String() != want || r.done != n {
			t.Errorf("%d lines, not those of the input in their order", r.done)
		}
	})
}

// However slow the cores are, a run reads only a bounded part of the input ahead.
func TestBulkReadsLittleAhead(t *testing.T) {
	const workers = 3
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var calls atomic.Int64
		r := newBulkRun(strings.NewReader(numbered(100_000)), workers, func(_ context.Context, line []byte) ([]byte, error) {
			calls.Add(1)
			<-gate
			return line, nil
		})
		end := make(chan error)
		go func() { end <- r.run(t.Context()) }()
		synctest.Wait()
		if got := calls.Load(); got != workers {
			t.Errorf("%d lines at work, want one for each of %d workers", got, workers)
		}
		if got, most := r.in.read, int64(workers*batchesEach*batchLines); got > most {
			t.Errorf("%d lines read, want %d at most", got, most)
		}
		close(gate)
		if err := <-end; err != nil || r.done != 100_000 {
			t.Errorf("%d lines, %v", r.done, err)
		}
	})
}

// A run is stopped while its input is silent. It finishes the lines that it has, and ends.
func TestBulkStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, lines := io.Pipe()
		defer lines.Close() // this ends the Read
		gate := make(chan struct{})
		r := newBulkRun(in, 2, func(_ context.Context, line []byte) ([]byte, error) {
			<-gate
			return line, nil
		})
		ctx, stop := context.WithCancel(t.Context())
		end := make(chan error)
		go func() { end <- r.run(ctx) }()
		fmt.Fprint(lines, "1\n2\n3\n")
		synctest.Wait()
		stop()
		synctest.Wait()
		close(gate)
		if err := <-end; err != errStopped || r.out.String() != "1\n2\n3\n" || r.done != 3 {
			t.Errorf("%v after %q", err, r.out.String())
		}
	})
}

// A run with plenty of input stops too.
func TestBulkStopsWhileReading(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r := newBulkRun(endlessLines{}, 2, func(_ context.Context, line []byte) ([]byte, error) {
		stop()
		return line, nil
	})
	if err := r.run(ctx); err != errStopped {
		t.Error(err)
	}
	if got := int64(strings.Count(r.out.String(), "\n")); got != r.done {
		t.Errorf("%d lines written, %d counted", got, r.done)
	}
	r = newBulkRun(endlessLines{}, 2, echoLine)
	r.in.skipped = 1 << 62
	if err := r.run(ctx); err != errStopped || r.out.Len() > 0 {
		t.Errorf("%v while lines are skipped", err)
	}
}

type endlessLines struct{}

func (endlessLines) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '\n'
	}
	return len(p), nil
}

// A fatal error ends the run. The lines before it are written, and none after it.
func TestBulkFatal(t *testing.T) {
	const n = 10_000
	r := newBulkRun(strings.NewReader(numbered(n)), 4, func(_ context.Context, line []byte) ([]byte, error) {
		if k, _ := strconv.Atoi(string(line)); k >= 1000 {
			return nil, &Fatal{fmt.Errorf("no key for line %d", k)}
		}
		return line, nil
	})
	if err := r.run(t.Context()); err == nil || err.Error() != "no key for line 1000" {
		t.Error(err)
	}
	if got := r.out.String(); got != numbered(999) || r.done != 999 {
		t.Errorf("%d lines were written, %d counted", strings.Count(got, "\n"), r.done)
	}
}

// A run also ends if its output cannot be written or its input breaks off. The incomplete last line
// has no result.
func TestBulkBrokenStreams(t *testing.T) {
	r := newBulkRun(strings.NewReader(numbered(100_000)), 2, echoLine)
	r.pipeline.out = brokenWriter{}
	if err := r.run(t.Context()); err == nil || err.Error() != "disk full" || r.done != 0 {
		t.Errorf("%v after %d lines", err, r.done)
	}
	r = newBulkRun(io.MultiReader(strings.NewReader("1\n2\n3"), brokenReader{}), 2, echoLine)
	if err := r.run(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot read test: line dropped") {
		t.Error(err)
	}
	if got := r.out.String(); got != "1\n2\n" {
		t.Errorf("%q was written", got)
	}
}

// The memory of a run does not depend on the length of its input: all its allocations are a
// fraction of that length.
func TestBulkMemoryIsConstant(t *testing.T) {
	const n = 200_000
	line := strings.Repeat("x", 99) + "\n"
	var before, after runtime.MemStats
	r := newBulkRun(&repeated{line: line, times: n}, 4, echoLine)
	r.pipeline.out = io.Discard
	runtime.ReadMemStats(&before)
	if err := r.run(t.Context()); err != nil || r.done != n {
		t.Fatalf("%d lines, %v", r.done, err)
	}
	runtime.ReadMemStats(&after)
	if total, through := after.TotalAlloc-before.TotalAlloc, uint64(n*len(line)); total > through/10 {
		t.Errorf("%d bytes allocated for %d bytes of input", total, through)
	}

	// It does not depend on the length of a line either.
	r = newBulkRun(&repeated{line: strings.Repeat("x", 1<<10), times: 20_000}, 4, echoLine)
	runtime.ReadMemStats(&before)
	if err := r.run(t.Context()); err != nil || fmt.Sprint(r.failed) != "[1]" {
		t.Fatalf("errors in %v, %v", r.failed, err)
	}
	runtime.ReadMemStats(&after)
	if total := after.TotalAlloc - before.TotalAlloc; total > 1<<20 {
		t.Errorf("%d bytes allocated for a line that is too long", total)
	}
}

// repeated is a reader of a text that repeats.
type repeated struct {
	line  string
	times int
	rest  string
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.rest == "" {
		if r.times == 0 {
			return 0, io.EOF
		}
		r.times--
		r.rest = r.line
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
