package console

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// progressEvery is how often the progress is rewritten, at most.
const progressEvery = 250 * time.Millisecond

// Progress is a line on a terminal that says how far a run is, and is rewritten.
type Progress struct {
	name string    // of the command
	to   io.Writer // nil: no person looks
	past string    // what becomes of the lines: sealed
	now  func() time.Time

	began, shown time.Time
	live         bool // the line is there
}

// NewProgress returns a progress that is shown only if stderr is a terminal and stdout is not.
// On a terminal with the result it would be in the way.
func (c *Console) NewProgress(past string) *Progress {
	p := &Progress{name: c.Name, past: past, now: time.Now}
	if isTerminal(c.Stderr) && !isTerminal(c.Stdout) {
		p.to = c.Stderr
	}
	p.began = p.now()
	p.shown = p.began
	return p
}

// Show rewrites the line, unless it was rewritten a moment ago.
func (p *Progress) Show(done, failed int64) {
	if p.to == nil {
		return
	}
	now := p.now()
	if now.Sub(p.shown) < progressEvery {
		return
	}
	p.Clear()
	fmt.Fprint(p.to, p.text(now, done, failed))
	p.shown, p.live = now, true
}

// Clear makes room for another line.
func (p *Progress) Clear() {
	if p.live {
		fmt.Fprint(p.to, "\r\x1b[K")
		p.live = false
	}
}

// End leaves the line as it is in the end.
func (p *Progress) End(done, failed int64) {
	if p.to == nil {
		return
	}
	p.Clear()
	fmt.Fprintln(p.to, p.text(p.now(), done, failed))
}

func (p *Progress) text(now time.Time, done, failed int64) string {
	text := fmt.Sprintf("%s: %s %s", p.name, thousands(done-failed), p.past)
	if failed > 0 {
		text += ", " + thousands(failed) + " failed"
	}
	if seconds := now.Sub(p.began).Seconds(); seconds > 0 {
		text += ", " + thousands(int64(float64(done)/seconds)) + "/s"
	}
	return text
}

// thousands returns a number as people read it: 12,345.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
