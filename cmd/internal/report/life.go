package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// life is the states of one key, one after the other.
type life struct {
	key    keyring.KeyInfo
	phases []phase
}

// phase is a time that a key spends in one state. A phase that begins after the report is
// planned. The last one ends never, which the zero time says.
type phase struct {
	state    keyring.State
	from, to time.Time
}

// lifeOf returns what a key did, and what the rotation does with it next. The plan of later
// steps is the earliest that the policy allows.
func lifeOf(k keyring.KeyInfo, p keyring.Policy, now time.Time) life {
	w := p.Windows()
	period, kept := p.Sig.Period, w.SignKept
	if k.Use == keys.UseEnc {
		period, kept = p.Enc.Period, w.EncKept
	}
	activated, retired, ended := k.Activated, k.Retired, k.Ended
	final := keyring.Destroyed
	if k.State == keyring.Revoked {
		final = keyring.Revoked
	}
	switch k.State { // what is not done yet
	case keyring.Staged:
		activated = later(k.NextAt, now)
		retired = activated.Add(period)
		ended = retired.Add(kept)
	case keyring.Active:
		retired = k.NextAt
		if k.Next != keyring.Retire {
			retired = activated.Add(period)
		}
		retired = later(retired, now)
		ended = retired.Add(kept)
	case keyring.Retired:
		ended = later(k.NextAt, now)
	}
	l := life{key: k}
	begun := k.Created
	for _, next := range []struct {
		state keyring.State // that ends at the time
		at    time.Time
	}{{keyring.Staged, activated}, {keyring.Active, retired}, {keyring.Retired, ended}} {
		if begun.IsZero() {
			begun = next.at
			continue
		}
		if next.at.IsZero() { // it never came there, and ended before
			if begun != ended && !ended.IsZero() {
				l.phases = append(l.phases, phase{next.state, begun, ended})
				begun = ended
			}
			continue
		}
		if next.at.After(begun) {
			l.phases = append(l.phases, phase{next.state, begun, next.at})
			begun = next.at
		}
	}
	if !ended.IsZero() {
		l.phases = append(l.phases, phase{final, ended, time.Time{}})
	}
	return l
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// says returns the phases in words.
func (l life) says() string {
	var list []string
	for _, p := range l.phases {
		text := fmt.Sprintf("%s from %s", p.state, p.from.UTC().Format(time.DateOnly))
		if !p.to.IsZero() {
			text += " to " + p.to.UTC().Format(time.DateOnly)
		}
		list = append(list, text)
	}
	return strings.Join(list, "; ")
}

// axis is the time that the bars of a table span.
type axis struct {
	from, to, now  time.Time
	Now, NowAnchor string // where now stands, in percent, and how its label stands there
	Ticks          []tick
}

type tick struct {
	X, Label string
	Minor    bool // the label is left out where the table is narrow
}

// axisOf returns the axis for some keys. Keys that ended long ago do not stretch it.
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

// ticks puts dates on the axis, at most eight.
func (x *axis) ticks() {
	const day = 24 * time.Hour
	step, layout := time.Hour, "15:04"
	for _, s := range []struct {
		step   time.Duration
		layout string
	}{{time.Minute, "15:04"}, {10 * time.Minute, "15:04"}, {time.Hour, "15:04"}, {6 * time.Hour, "2 Jan 15:04"}, {day, "2 Jan"}, {2 * day, "2 Jan"}, {7 * day, "2 Jan"}, {14 * day, "2 Jan"}, {30 * day, "2 Jan"}, {91 * day, "Jan 2006"}, {365 * day, "2006"}, {3650 * day, "2006"}} {
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
	Y, H  int // tall while the key is active, a line when it ended: not by colour alone
}

const barHeight = 18

// heights are the heights of the bars, by state.
var heights = map[keyring.State]int{keyring.Active: 16, keyring.Staged: 8, keyring.Retired: 8, keyring.Destroyed: 2, keyring.Revoked: 2}

// bars returns the phases that are on the axis, the done part and the planned part of each.
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
