package console

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// progressEvery is how often the progress is rewritten, at most.
const progressEvery = 250 * time.Millisecond

// Progress is a line on a terminal that says how many lines of the input are done. It is rewritten
// while the run goes on.
type Progress struct {
	name string    // the name of the command
	to   io.Writer // where the line is shown; nil: nowhere
	past string    // what was done with each line or byte of the input, such as "sealed"
	now  func() time.Time

	// Part returns which part of the input has been read, from 0 to 1. Nil or 0: its size is not known.
	Part func() float64

	// Amount writes a number of what is counted. Nil: as a number.
	Amount func(int64) string

	began, shown time.Time
	live         bool // the line is on the terminal now
}

// NewProgress returns a progress that is shown only if stderr is a terminal and stdout is not: on a
// terminal that shows the result, the line would disturb it.
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
	fmt.Fprint(p.to, p.text(now, done, failed)+p.left(now))
	p.shown, p.live = now, true
}

// Clear removes the line from the terminal, so that another text can be printed.
func (p *Progress) Clear() {
	if p.live {
		fmt.Fprint(p.to, "\r\x1b[K")
		p.live = false
	}
}

// End leaves a line with the result of the run.
func (p *Progress) End(done, failed int64) {
	if p.to == nil {
		return
	}
	p.Clear()
	now := p.now()
	fmt.Fprintf(p.to, "%s: done: %s %s in %s%s\n", p.name, p.amount(done-failed), p.past, tookText(now.Sub(p.began)), p.rest(now, done, failed))
}

// tookText returns how long a run took: in milliseconds below a second, and in whole seconds
// otherwise.
func tookText(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return Duration(d.Round(time.Second))
}

// left returns the text about the part of the input that has been read, and about the time that the
// rest takes at this speed. It is empty if the size of the input is not known.
func (p *Progress) left(now time.Time) string {
	if p.Part == nil {
		return ""
	}
	part := p.Part()
	if part <= 0 || part > 1 {
		return ""
	}
	took := now.Sub(p.began)
	rest := time.Duration(float64(took)/part) - took
	return fmt.Sprintf(", %.0f %%, %s left", 100*part, tookText(rest))
}

func (p *Progress) text(now time.Time, done, failed int64) string {
	return fmt.Sprintf("%s: %s %s", p.name, p.amount(done-failed), p.past) + p.rest(now, done, failed)
}

// rest returns the text about failed lines and the speed.
func (p *Progress) rest(now time.Time, done, failed int64) (text string) {
	if failed > 0 {
		text += ", " + thousands(failed) + " failed"
	}
	if seconds := now.Sub(p.began).Seconds(); seconds > 0 {
		text += ", " + p.amount(int64(float64(done)/seconds)) + "/s"
	}
	return text
}

func (p *Progress) amount(n int64) string {
	if p.Amount != nil {
		return p.Amount(n)
	}
	return thousands(n)
}

// thousands returns a number as people read it: 12,345.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
