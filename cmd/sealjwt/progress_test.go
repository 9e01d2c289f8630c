package main

import (
	"bytes"
	"io"
	"testing"
	"time"
)

func TestBulkProgress(t *testing.T) {
	var stderr bytes.Buffer
	now := time.Unix(1e9, 0)
	p := &progress{to: &stderr, past: "sealed", now: func() time.Time { return now }, began: now, shown: now}
	tally := &tally{console: newConsole("sealjwt", nil, nil, &stderr), progress: p}
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
	if p := newConsole("sealjwt", nil, io.Discard, &stderr).newProgress("sealed"); p.to != nil {
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
