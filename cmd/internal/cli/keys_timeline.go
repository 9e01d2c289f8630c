package cli

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// The marks of a timeline.
const (
	markStaged  = '.' // known to others, and not used
	markActive  = '=' // signs, or is sealed to
	markRetired = '-' // still verifies, or still opens
	markEnded   = 'x'
	markNow     = '|'
)

// span is the time of a key in one state.
type span struct {
	from, to time.Time
	mark     rune
}

// On a narrow terminal, kids are cut so that a drawing keeps wantedBar columns. A kid is cut to no
// less than leastKID columns, its … included; where that is not enough, the drawing gets narrower.
const (
	wantedBar = 16
	leastKID  = 3
)

// drawTimeline draws a line of width columns for each key, with a mark in the column of now.
func drawTimeline(infos []keyring.KeyInfo, policy keyring.Policy, now time.Time, width int) []byte {
	longest := 0
	for _, k := range infos {
		longest = max(longest, len([]rune(kidText(k))))
	}
	longest = max(leastKID, min(longest, width-wantedBar-len("  enc  ")))
	scale := timeScale{from: now, to: now, columns: max(1, width-longest-len("  enc  "))}
	var all [][]span
	for _, k := range infos {
		spans := spansOf(k, policy, now)
		all = append(all, spans)
		for _, s := range spans {
			scale.include(s.from)
			scale.include(s.to)
		}
	}
	var b bytes.Buffer
	for i, k := range infos {
		kid := []rune(kidText(k))
		if len(kid) > longest {
			kid = append(kid[:longest-1], '…')
		}
		fmt.Fprintf(&b, "%-*s  %-3s  %s\n", longest, string(kid), k.Use, strings.TrimRight(string(scale.bar(all[i], now)), " "))
	}
	margin := strings.Repeat(" ", longest+len("  enc  "))
	b.WriteString(margin + scale.axis(now) + "\n")
	b.WriteString(console.Wrap(fmt.Sprintf("%c staged  %c active  %c retired  %c ended  %c now: %s", markStaged, markActive, markRetired, markEnded, markNow,
		now.UTC().Format(time.RFC3339)), width))
	return b.Bytes()
}

// spansOf returns the spans of a key: those in the past, and those that the policy plans.
func spansOf(k keyring.KeyInfo, policy keyring.Policy, now time.Time) []span {
	if since(k).IsZero() { // a tombstone without a date
		return nil
	}
	windows := policy.Windows()
	period, kept := policy.Sig.Period, windows.SignKept
	if k.Use == keys.UseEnc {
		period, kept = policy.Enc.Period, windows.EncKept
	}
	created, activated, retired, ended := k.Created, k.Activated, k.Retired, k.Ended
	next := k.NextAt
	if next.Before(now) {
		next = now
	}
	switch k.State {
	case keyring.Staged:
		activated = next
		retired = activated.Add(period)
		ended = retired.Add(kept)
	case keyring.Active:
		retired = next
		ended = retired.Add(kept)
	case keyring.Retired:
		ended = next
	}
	var spans []span
	add := func(from, to time.Time, mark rune) {
		if !from.IsZero() && !to.IsZero() && !to.Before(from) {
			spans = append(spans, span{from, to, mark})
		}
	}
	add(created, firstOf(activated, retired, ended), markStaged)
	add(activated, firstOf(retired, ended), markActive)
	add(retired, ended, markRetired)
	if hasEnded(k) {
		add(ended, ended, markEnded)
	}
	return spans
}

// firstOf returns the first time that is known.
func firstOf(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// timeScale lays times out on columns.
type timeScale struct {
	from, to time.Time
	columns  int
}

func (s *timeScale) include(t time.Time) {
	if t.Before(s.from) {
		s.from = t
	}
	if t.After(s.to) {
		s.to = t
	}
}

// column returns the column of a time.
func (s timeScale) column(t time.Time) int {
	whole := s.to.Sub(s.from)
	if whole <= 0 {
		return 0
	}
	return min(s.columns-1, int(float64(s.columns)*t.Sub(s.from).Seconds()/whole.Seconds()))
}

// bar draws the spans on one line. A later span covers an earlier one, and the mark of now covers
// all.
func (s timeScale) bar(spans []span, now time.Time) []rune {
	bar := []rune(strings.Repeat(" ", s.columns))
	for _, sp := range spans {
		for i := s.column(sp.from); i <= s.column(sp.to); i++ {
			bar[i] = sp.mark
		}
	}
	bar[s.column(now)] = markNow
	return bar
}

// axis writes the first and the last date below the drawing, and now where there is room.
func (s timeScale) axis(now time.Time) string {
	first, last := s.from.UTC().Format(time.DateOnly), s.to.UTC().Format(time.DateOnly)
	axis := []rune(strings.Repeat(" ", s.columns))
	put := func(at int, text string) {
		at = max(0, min(at, s.columns-len(text)))
		for i := range text {
			if i := at + i; i < s.columns {
				axis[i] = rune(text[i-at])
			}
		}
	}
	if s.columns < len(first)+len(last)+2 {
		put(s.column(now), "now")
		return strings.TrimRight(string(axis), " ")
	}
	put(0, first)
	put(s.columns, last)
	if at := s.column(now) - 1; at > len(first) && at+3 < s.columns-len(last) {
		put(at, "now")
	}
	return strings.TrimRight(string(axis), " ")
}
