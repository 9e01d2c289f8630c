package lines

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

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

// A line is answered before the next one arrives, because the other end may wait for the answer.
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

// A run stops at any line, for any reason. The next run with --skip makes the other lines, each
// once.
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
