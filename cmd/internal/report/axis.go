package report

import (
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// axis is the time that the bars of a table cover.
type axis struct {
	from, to, now  time.Time
	Now, NowAnchor string // the place of now in percent, and the text-anchor of its label
	Ticks          []tick
}

type tick struct {
	X, Label string
	Minor    bool // the label is left out where the table is narrow
}

// axisOf returns the axis for some keys. Keys that have ended do not stretch it.
func axisOf(lives []life, now time.Time) axis {
	from, to := now, now
	for _, l := range lives {
		ended := l.key.State == keyring.Destroyed || l.key.State == keyring.Revoked
		for _, p := range l.phases {
			if !ended && p.from.Before(from) {
				from = p.from
			}
			if !ended && l.key.State != keyring.Staged && p.from.After(to) {
				to = p.from
			}
		}
		if l.key.State == keyring.Staged && len(l.phases) > 0 {
			to = later(to, l.phases[0].to)
		}
	}
	margin := to.Sub(from) / 16
	if margin < time.Minute {
		margin = time.Minute
	}
	x := axis{from: from.Add(-margin / 2), to: to.Add(margin), now: now}
	x.Now, x.NowAnchor = percent(x.at(now)), "middle"
	if x.at(now) > 95 {
		x.NowAnchor = "end"
	} else if x.at(now) < 5 {
		x.NowAnchor = "start"
	}
	x.ticks()
	return x
}

// at returns where a time stands on the axis, in percent.
func (x axis) at(t time.Time) float64 {
	return min(100, max(0, 100*float64(t.Sub(x.from))/float64(x.to.Sub(x.from))))
}

// ticks puts dates or times on the axis, at most eight.
func (x *axis) ticks() {
	const day = 24 * time.Hour
	step, layout := time.Hour, "15:04"
	for _, s := range []struct {
		step   time.Duration
		layout string
	}{{time.Minute, "15:04"}, {10 * time.Minute, "15:04"}, {time.Hour, "15:04"}, {6 * time.Hour, "2 Jan 15:04"}, {day, "2 Jan"},
		{2 * day, "2 Jan"}, {7 * day, "2 Jan"}, {14 * day, "2 Jan"}, {30 * day, "2 Jan"}, {91 * day, "Jan 2006"},
		{365 * day, "2006"}, {3650 * day, "2006"}} {
		step, layout = s.step, s.layout
		if x.to.Sub(x.from)/step <= 7 {
			break
		}
	}
	for i, t := 0, x.from.UTC().Truncate(step).Add(step); t.Before(x.to) && i < 8; i, t = i+1, t.Add(step) {
		at := x.at(t)
		if at < 3 || at > 97 {
			continue
		}
		x.Ticks = append(x.Ticks, tick{X: percent(at), Label: t.Format(layout), Minor: i%2 == 1})
	}
}

// bar is one phase on the axis.
type bar struct {
	X, W  string
	State keyring.State
	Plan  bool
	Y, H  int // the height shows the state too, for readers who see no colours
}

const barHeight = 18

// heights are the heights of the bars, by state.
var heights = map[keyring.State]int{keyring.Active: 16, keyring.Staged: 8, keyring.Retired: 8, keyring.Destroyed: 2, keyring.Revoked: 2}

// bars returns the phases that are on the axis. A phase that now divides is two bars: the past one
// and the planned one.
func (x axis) bars(l life) []bar {
	const least = 0.4 // percent: a window of hours is seen on an axis of months
	var list []bar
	for _, p := range l.phases {
		to, h := p.to, heights[p.state]
		if to.IsZero() {
			to = x.to
		}
		if !to.After(x.from) || !p.from.Before(x.to) {
			continue
		}
		for _, half := range []struct {
			from, to time.Time
			plan     bool
		}{{p.from, earlier(to, x.now), false}, {later(p.from, x.now), to, true}} {
			if !half.to.After(half.from) {
				continue
			}
			from := x.at(half.from)
			width := max(least, x.at(half.to)-from)
			list = append(list, bar{percent(from), percent(width), p.state, half.plan, (barHeight - h) / 2, h})
		}
	}
	return list
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
