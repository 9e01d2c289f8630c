package lines

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/open"
)

func TestBulkExitCodes(t *testing.T) {
	for _, c := range []struct {
		failures []error
		code     int
	}{
		{nil, console.ExitDone},
		{[]error{open.ErrExpired}, console.ExitRefused},
		{[]error{open.ErrExpired, open.ErrAudience}, console.ExitRefused},
		{[]error{open.ErrExpired, open.ErrMalformed}, console.ExitIO},
		{[]error{open.ErrExpired, open.ErrMalformed, open.ErrExpired}, console.ExitIO},
	} {
		tally := &tally{console: console.New("sealjwt", nil, nil, io.Discard), progress: &console.Progress{}}
		b := &batch{done: 10}
		for i, err := range c.failures {
			b.failed = append(b.failed, lineError{int64(i + 1), err})
		}
		tally.add(b)
		code := console.ExitDone
		if err := tally.conclude(nil); err != nil {
			code = console.Code(err)
		}
		if code != c.code {
			t.Errorf("%v: exit code %d, want %d", c.failures, code, c.code)
		}
	}
}

// A million lines that fail do not hide the errors of the first ones.
func TestBulkTellsTheFirstFailures(t *testing.T) {
	var stderr bytes.Buffer
	tally := &tally{console: console.New("sealjwt", nil, nil, &stderr), progress: &console.Progress{}}
	for i := range 1000 {
		tally.add(&batch{done: 1, failed: []lineError{{int64(i + 1), errBad}}})
	}
	told := strings.SplitAfter(stderr.String(), "\n")
	if len(told) != maxTold+2 || told[0] != "sealjwt: line 1: bad line\n" || told[maxTold-1] != "sealjwt: line 20: bad line\n" ||
		!strings.Contains(told[maxTold], "counted only") {
		t.Errorf("%d lines: %q", len(told), told)
	}
	if err := tally.conclude(nil); err == nil || !strings.Contains(err.Error(), "1000 of 1000 lines failed") {
		t.Error(err)
	}
}

// If a run ends too early, its message says how to go on, whatever ended it.
func TestBulkSaysHowToGoOn(t *testing.T) {
	for _, c := range []struct {
		done int
		err  error
		want string
	}{
		{5, errStopped, "stopped after line 15, and 1 of 5 lines failed: go on with --skip 15, and append to the result"},
		{5, errors.New("disk full"), "the result is good up to its last whole line"},
		{0, errors.New("disk full"), ""},
	} {
		var stderr bytes.Buffer
		tally := &tally{console: console.New("sealjwt", nil, nil, &stderr), progress: &console.Progress{}, skipped: 10}
		tally.add(&batch{done: c.done, failed: []lineError{{11, errBad}}})
		code, text := tally.console.Describe(tally.conclude(c.err))
		if code != console.ExitIO {
			t.Errorf("%v: exit code %d", c.err, code)
		}
		_, told, _ := strings.Cut(stderr.String(), "\n")
		if got := told + text; !strings.Contains(got, c.want) || c.want == "" && told != "" {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("line dropped") }
