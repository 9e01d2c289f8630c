package console

import (
	"bytes"
	"io"
	"testing"
	"time"
)

// The progress line changes four times a second at most, and disappears before another line is
// printed.
func TestProgress(t *testing.T) {
	var stderr bytes.Buffer
	now := time.Unix(1e9, 0)
	p := &Progress{name: "sealjwt", to: &stderr, past: "sealed", now: func() time.Time { return now }, began: now, shown: now}
	expect := func(want string) {
		t.Helper()
		if got := stderr.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		stderr.Reset()
	}
	p.Show(64, 0)
	expect("") // it is too early
	now = now.Add(time.Second)
	p.Show(12_345, 0)
	expect("sealjwt: 12,345 sealed, 12,345/s")
	p.Show(12_409, 0)
	expect("")
	p.Clear()
	expect("\r\x1b[K")
	p.Clear()
	expect("") // the line is gone
	now = now.Add(time.Second)
	p.Show(2_000_000, 1)
	expect("sealjwt: 1,999,999 sealed, 1 failed, 1,000,000/s")
	p.End(2_000_000, 1)
	expect("\r\x1b[Ksealjwt: done: 1,999,999 sealed in 2s, 1 failed, 1,000,000/s\n")
}

// Once the size of the input is known, the line ends with the share and the time left.
func TestProgressLeft(t *testing.T) {
	now := time.Unix(1e9, 0)
	for _, c := range []struct {
		part float64
		want string
	}{{0, ""}, {0.25, ", 25 %, 1m30s left"}, {0.999, ", 100 %, 30ms left"}, {1, ", 100 %, 0s left"}, {1.5, ""}} {
		p := &Progress{now: func() time.Time { return now }, began: now.Add(-30 * time.Second), Part: func() float64 { return c.part }}
		if got := p.left(now); got != c.want {
			t.Errorf("%v: %q, want %q", c.part, got, c.want)
		}
	}
	if got := (&Progress{}).left(now); got != "" {
		t.Errorf("without a size: %q", got)
	}
}

// Without a terminal there is no progress line.
func TestProgressIsQuiet(t *testing.T) {
	var stderr bytes.Buffer
	if p := New("sealjwt", nil, io.Discard, &stderr).NewProgress("sealed"); p.to != nil {
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
