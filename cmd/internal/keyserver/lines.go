package keyserver

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// The formats of a log.
const (
	JSON = "json"
	Text = "text"
)

const (
	// maxQueued is how many lines wait for a reader of the log. More are dropped.
	maxQueued = 1024
	// closeWithin is how long Close waits for the lines that are queued.
	closeWithin = time.Second
)

// Log is the log of a server. A goroutine of its own writes it, so that a pipe that no process
// reads, or a disk that hangs, delays neither a request nor the end of the server. Lines that find
// no room in the queue are dropped and counted; a line behind the next one that is written says how
// many.
//
// The log escapes the characters that could move a cursor or turn text around. Callers pass errors
// and names as they are.
type Log struct {
	*slog.Logger
	lines *lines
}

// NewLog returns a log in one of the formats. Close ends it.
func NewLog(out io.Writer, format string) *Log {
	handler := func(w io.Writer) slog.Handler {
		if format == Text {
			return slog.NewTextHandler(printable{w, func(line []byte) []byte { return []byte(console.Printable(string(line))) }}, nil)
		}
		return slog.NewJSONHandler(printable{w, console.PrintableJSON}, nil)
	}
	l := &lines{out: out, queue: make(chan line, maxQueued), direct: slog.New(handler(out))}
	go l.run()
	return &Log{slog.New(handler(l)), l}
}

// Say logs a message of the command, as a warning if the text begins with "warning: ".
func (l *Log) Say(text string) {
	level := slog.LevelInfo
	if warning, ok := strings.CutPrefix(text, "warning: "); ok {
		level, text = slog.LevelWarn, warning
	}
	l.Log(context.Background(), level, text)
}

// Dropped returns how many lines were dropped.
func (l *Log) Dropped() int64 { return l.lines.dropped.Load() }

// Close waits until the queued lines are written, for a second at most, and ends the log.
func (l *Log) Close() {
	l.lines.closed.Store(true)
	l.lines.await(line{last: true, written: make(chan struct{})})
}

// printable escapes each line. The JSON of slog has C1 control characters and bidirectional marks
// as they are, and its texts have fillers that a reader cannot see.
type printable struct {
	to     io.Writer
	escape func(line []byte) []byte
}

func (p printable) Write(line []byte) (int, error) {
	text := bytes.TrimSuffix(line, []byte("\n"))
	_, err := p.to.Write(slices.Concat(p.escape(text), line[len(text):]))
	return len(line), err
}

// lines writes lines in a goroutine of its own.
type lines struct {
	out     io.Writer
	direct  *slog.Logger // writes to out at once
	queue   chan line
	closed  atomic.Bool
	dropped atomic.Int64
	told    int64 // how many dropped lines the log has reported
}

// line is a line of the log, or the mark that Close puts behind the last one.
type line struct {
	text    []byte
	written chan struct{} // of the mark: closed when run reaches it
	last    bool
}

// Write queues a line. It never waits.
func (l *lines) Write(text []byte) (int, error) {
	if l.closed.Load() {
		return len(text), nil
	}
	select {
	case l.queue <- line{text: bytes.Clone(text)}:
	default:
		l.dropped.Add(1)
	}
	return len(text), nil
}

// run writes the lines until it reaches the mark of Close. It ignores an error of the write: there
// is no other place for it.
func (l *lines) run() {
	for next := range l.queue {
		if next.text != nil {
			l.out.Write(next.text)
		}
		if n := l.dropped.Load(); n > l.told {
			l.direct.Warn("lines of this log were dropped, since nothing took them in time", "lines", n-l.told)
			l.told = n
		}
		if next.written != nil {
			close(next.written)
		}
		if next.last {
			return
		}
	}
}

func (l *lines) await(mark line) {
	within := time.NewTimer(closeWithin)
	defer within.Stop()
	select {
	case l.queue <- mark:
	case <-within.C:
		return
	}
	select {
	case <-mark.written:
	case <-within.C:
	}
}
