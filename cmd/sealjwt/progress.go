package main

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// progressEvery is how often the progress is rewritten, at most.
const progressEvery = 250 * time.Millisecond

// progress is a line on a terminal that says how far a run is, and is rewritten.
type progress struct {
	to   io.Writer // nil: no person looks
	past string    // what becomes of the lines: sealed
	now  func() time.Time

	began, shown time.Time
	live         bool // the line is there
}

// newProgress shows nothing unless somebody looks at stderr, and at nothing else there:
// on a terminal that shows the result too it would be in the way.
func (c *Console) newProgress(past string) *progress {
	p := &progress{past: past, now: time.Now}
	if isTerminal(c.stderr) && !isTerminal(c.stdout) {
		p.to = c.stderr
	}
	p.began = p.now()
	p.shown = p.began
	return p
}

func (p *progress) show(done, failed int64) {
	if p.to == nil {
		return
	}
	now := p.now()
	if now.Sub(p.shown) < progressEvery {
		return
	}
	p.clear()
	fmt.Fprint(p.to, p.text(now, done, failed))
	p.shown, p.live = now, true
}

// clear makes room for another line.
func (p *progress) clear() {
	if p.live {
		fmt.Fprint(p.to, "\r\x1b[K")
		p.live = false
	}
}

// end leaves the line as it is in the end.
func (p *progress) end(done, failed int64) {
	if p.to == nil {
		return
	}
	p.clear()
	fmt.Fprintln(p.to, p.text(p.now(), done, failed))
}

func (p *progress) text(now time.Time, done, failed int64) string {
	text := fmt.Sprintf("sealjwt: %s %s", thousands(done-failed), p.past)
	if failed > 0 {
		text += ", " + thousands(failed) + " failed"
	}
	if seconds := now.Sub(p.began).Seconds(); seconds > 0 {
		text += ", " + thousands(int64(float64(done)/seconds)) + "/s"
	}
	return text
}

// thousands is a number as people read it: 12,345.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
