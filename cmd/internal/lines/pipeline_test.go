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
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

var errBad = errors.New("bad line")

// echoLine is the line itself, or an error where it says "bad".
func echoLine(_ context.Context, line []byte) ([]byte, error) {
	if string(line) == "bad" {
		return nil, errBad
	}
	return line, nil
}

// bulkRun is a run whose output and failures are kept.
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

// numbered are so many lines, each with its number.
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
			time.Sleep(time.Duration(rand.IntN(1000))) // of a clock that does not wait
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

// However slow the cores are, only so much of the input is read ahead.
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

func TestBulkLines(t *testing.T) {
	long := strings.Repeat("x", 101)
	endless := strings.Repeat("x", 300_000)
	for _, c := range []struct {
		name, in, want string
		failed         string
	}{
		{"none", "", "", "[]"},
		{"one", "a\n", "a\n", "[]"},
		{"without its end", "a\nb", "a\nb\n", "[]"},
		{"an empty one", "a\n\nb\n", "a\n\nb\n", "[]"},
		{"carriage returns", "a\r\n\r\nb\rc\r\n", "a\n\nb\rc\n", "[]"},
		{"NUL and bytes that are no text", "a\x00b\n\xff\n", "a\x00b\n\xff\n", "[]"},
		{"bad ones", "bad\na\nbad\nbad", "\na\n\n\n", "[1 3 4]"},
		{"longest", long[1:] + "\n" + long[1:] + "\r\n" + long[1:], long[1:] + "\n" + long[1:] + "\n" + long[1:] + "\n", "[]"},
		{"too long", "a\n" + long + "\nb\n", "a\n\nb\n", "[2]"},
		{"too long with its end", long + "\r\nb\n" + long, "\nb\n\n", "[1 3]"},
		{"longer than all buffers", "a\n" + endless + "\nb\n" + endless, "a\n\nb\n\n", "[2 4]"},
	} {
		for how, in := range map[string]io.Reader{
			"at once":       strings.NewReader(c.in),
			"byte by byte":  iotest.OneByteReader(strings.NewReader(c.in)),
			"end with data": iotest.DataErrReader(strings.NewReader(c.in)),
		} {
			r := newBulkRun(in, 2, echoLine)
			if err := r.run(t.Context()); err != nil {
				t.Errorf("%s, %s: %v", c.name, how, err)
			}
			if got := r.out.String(); got != c.want || fmt.Sprint(r.failed) != c.failed {
				t.Errorf("%s, %s: %q with errors in %v, want %q and %s", c.name, how, got, r.failed, c.want, c.failed)
			}
			if int(r.done) != strings.Count(c.want, "\n") {
				t.Errorf("%s, %s: %d lines counted", c.name, how, r.done)
			}
		}
	}
}

// A line is answered before the next one comes: the other end may wait for it.
func TestBulkAnswersEachLine(t *testing.T) {
	in, lines := io.Pipe()
	results, out := io.Pipe()
	r := newBulkRun(in, 2, echoLine)
	r.pipeline.out = out
	end := make(chan error, 1)
	go func() { end <- r.run(t.Context()) }()
	answers := bufio.NewReader(results)
	for i := range 200 {
		fmt.Fprintln(lines, i)
		if got, err := answers.ReadString('\n'); err != nil || got != strconv.Itoa(i)+"\n" {
			t.Fatalf("line %d is answered %q, %v", i, got, err)
		}
	}
	lines.Close()
	if err := <-end; err != nil {
		t.Error(err)
	}
}

// Whatever stops a run where, with --skip the next one makes the rest, once.
func TestBulkSkip(t *testing.T) {
	const n = 300
	input := strings.Replace(numbered(n), "\n150\n", "\nbad\n", 1)
	want := strings.Replace(input, "bad", "", 1)
	for _, skip := range []int{0, 1, 63, 64, 65, 149, 150, 299, 300} {
		r := newBulkRun(strings.NewReader(input), 2, echoLine)
		r.in.skipped = int64(skip)
		if err := r.run(t.Context()); err != nil {
			t.Errorf("%d lines skipped: %v", skip, err)
		}
		first := strings.Join(strings.SplitAfter(want, "\n")[:skip], "")
		if first+r.out.String() != want {
			t.Errorf("%d lines skipped: the rest is not the rest", skip)
		}
		if skip < 150 && fmt.Sprint(r.failed) != "[150]" {
			t.Errorf("%d lines skipped: errors in %v", skip, r.failed)
		}
	}
	r := newBulkRun(strings.NewReader(input), 2, echoLine)
	r.in.skipped = n + 1
	if err := r.run(t.Context()); err == nil || !strings.Contains(err.Error(), "test has 300 lines, and --skip names 301") {
		t.Errorf("more lines skipped than there are: %v", err)
	}
}

// A run that is stopped while its input is silent finishes what it has, and ends.
func TestBulkStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, lines := io.Pipe()
		defer lines.Close() // ends the Read
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

// One that has plenty to read stops too.
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

// A fatal error ends the run; what stands before it is written, and nothing after it.
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

// So does output that cannot be written, or input that breaks off; of its last line
// there is no result.
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

// What a run holds does not depend on how long its input is: all that it ever
// allocates is a fraction of what goes through.
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

	// Nor on how long a line is.
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

// repeated is a text many times over.
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

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("line dropped") }
