package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open"
)

func TestBulkExitCodes(t *testing.T) {
	for _, c := range []struct {
		failures []error
		code     int
	}{
		{nil, exitDone},
		{[]error{open.ErrExpired}, exitRefused},
		{[]error{open.ErrExpired, open.ErrAudience}, exitRefused},
		{[]error{open.ErrExpired, open.ErrMalformed}, exitIO},
		{[]error{open.ErrExpired, open.ErrMalformed, open.ErrExpired}, exitIO},
	} {
		tally := &tally{a: &app{stderr: io.Discard}, progress: &progress{}}
		b := &batch{done: 10}
		for i, err := range c.failures {
			b.failed = append(b.failed, lineError{int64(i + 1), err})
		}
		tally.add(b)
		code := exitDone
		if err := tally.conclude(nil); err != nil {
			code, _ = describe(err)
		}
		if code != c.code {
			t.Errorf("%v: exit code %d, want %d", c.failures, code, c.code)
		}
	}
}

// A million lines that fail must not hide what is wrong with the first ones.
func TestBulkTellsTheFirstFailures(t *testing.T) {
	var stderr bytes.Buffer
	tally := &tally{a: &app{stderr: &stderr}, progress: &progress{}}
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

// How to go on is said of a run that ended too early, whatever ended it.
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
		tally := &tally{a: &app{stderr: &stderr}, progress: &progress{}, skipped: 10}
		tally.add(&batch{done: c.done, failed: []lineError{{11, errBad}}})
		code, text := describe(tally.conclude(c.err))
		if code != exitIO {
			t.Errorf("%v: exit code %d", c.err, code)
		}
		_, told, _ := strings.Cut(stderr.String(), "\n")
		if got := told + text; !strings.Contains(got, c.want) || c.want == "" && told != "" {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}

func TestBulkProgress(t *testing.T) {
	var stderr bytes.Buffer
	now := time.Unix(1e9, 0)
	p := &progress{to: &stderr, past: "sealed", now: func() time.Time { return now }, began: now, shown: now}
	tally := &tally{a: &app{stderr: &stderr}, progress: p}
	expect := func(want string) {
		t.Helper()
		if got := stderr.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		stderr.Reset()
	}
	tally.add(&batch{done: 64})
	expect("") // too early
	now = now.Add(time.Second)
	tally.add(&batch{done: 12_281})
	expect("sealjwt: 12,345 sealed, 12,345/s")
	tally.add(&batch{done: 64})
	expect("")
	tally.add(&batch{done: 91, failed: []lineError{{12_500, errBad}}})
	expect("\r\x1b[Ksealjwt: line 12500: bad line\n")
	now = now.Add(time.Second)
	tally.add(&batch{done: 1_987_500})
	expect("sealjwt: 1,999,999 sealed, 1 failed, 1,000,000/s")
	tally.conclude(nil)
	expect("\r\x1b[Ksealjwt: 1,999,999 sealed, 1 failed, 1,000,000/s\n")
}

// Without a terminal nothing is shown.
func TestBulkIsQuiet(t *testing.T) {
	var stderr bytes.Buffer
	if p := (&app{stdout: io.Discard, stderr: &stderr}).newProgress("sealed"); p.to != nil {
		t.Error("progress is shown to a file")
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 12345: "12,345", 123456: "123,456", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %s", n, got)
		}
	}
}

// Sealed by hundreds on all cores and opened again, every line holds its own claims.
func TestBulkThereAndBack(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	who := []string{"--jsonl", "--iss", "https://id.example.com", "--aud", "https://api.example.com"}
	const n = 300
	var claims strings.Builder
	for i := range n {
		fmt.Fprintf(&claims, `{"sub":"u-%d","email":"ada%d@example.com"}`+"\n", i, i)
	}
	for _, form := range [][]string{nil, {"--selective"}} {
		tokens, stderr := runOK(t, claims.String(), append(append([]string{"seal", "--init"}, form...), who...)...)
		if strings.Contains(stderr, "line") {
			t.Errorf("seal says %q", stderr)
		}
		opened, stderr := runOK(t, tokens, append(append([]string{"open"}, form...), who...)...)
		if stderr != "" {
			t.Errorf("open says %q", stderr)
		}
		lines := strings.Split(strings.TrimSuffix(opened, "\n"), "\n")
		if len(lines) != n {
			t.Fatalf("%d lines, want %d", len(lines), n)
		}
		for i, line := range lines {
			if !strings.Contains(line, fmt.Sprintf(`"sub":"u-%d"`, i)) || !strings.HasSuffix(line, fmt.Sprintf(`"email":"ada%d@example.com"}`, i)) {
				t.Errorf("line %d: %s", i+1, line)
			}
		}
	}
}

// A run that is stopped says where, and whatever it has written by then is whole.
func TestBulkStopped(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	runOK(t, "", "keys", "init")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	in, lines := io.Pipe()
	defer lines.Close()
	results, out := io.Pipe()
	go func() {
		fmt.Fprint(lines, "{\"a\":1}\n{\"a\":2}\n")
		first := make([]byte, 100)
		io.ReadFull(results, first)
		go io.Copy(io.Discard, results)
		stop() // and the input stays open
	}()
	var stderr bytes.Buffer
	args := []string{"seal", "--jsonl", "--iss", "https://id.example.com", "--aud", "https://api.example.com"}
	if code := run(ctx, args, in, out, &stderr); code != exitIO {
		t.Errorf("exit code %d", code)
	}
	if want := "sealjwt: stopped after line 2, and 0 of 2 lines failed: go on with --skip 2, and append to the result\n"; stderr.String() != want {
		t.Errorf("stderr: %q", stderr.String())
	}
}
