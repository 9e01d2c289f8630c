package window

import (
	"testing"
	"time"
)

var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// at returns the time d after the beginning of the wait.
func at(d time.Duration) time.Time { return began.Add(d) }

// Each rule of the two looks is tried at its time and a nanosecond before or after.
func TestLook(t *testing.T) {
	const first, again, whole, skew = 10 * time.Hour, 20 * time.Hour, 40 * time.Hour, time.Minute
	w := Wait{From: began, First: first, Again: again, Whole: whole, Skew: skew}
	none := time.Time{}
	for name, c := range map[string]struct {
		record, now time.Time
		look        Look
		at          time.Time
		over, ready time.Time
	}{
		"no record":                        {none, at(0), Mark, at(first), at(first + again), at(first)},
		"no record, much later":            {none, at(9 * day), Mark, at(first), at(first + again), at(first)},
		"recorded in time":                 {at(first), at(first), Act, at(first + again), at(first + again), at(first)},
		"recorded later":                   {at(day), at(day), Act, at(day + again), at(day + again), at(first)},
		"recorded before the first window": {at(first - 1), at(day), Mark, at(first), at(first + again), at(first)},
		"a record a skew ahead":            {at(day + skew), at(day), Act, at(day + skew + again), at(day + skew + again), at(first)},
		"a record further ahead":           {at(day + skew + 1), at(day), Clear, at(day), at(first + again), at(first)},
		// A beginning ahead of the clock proves nothing, so the whole wait counts from the record.
		"a beginning a skew ahead":              {none, at(-skew), Mark, at(first), at(first + again), at(first)},
		"a beginning further ahead":             {none, at(-skew - 1), Mark, at(-skew - 1), at(-skew - 1 + whole), at(-skew - 1 + whole)},
		"a beginning ahead, recorded":           {at(-9 * day), at(-8 * day), Act, at(-9*day + whole), at(-9*day + whole), at(-9*day + whole)},
		"a beginning ahead, a record so too":    {at(-7 * day), at(-8 * day), Clear, at(-8 * day), at(-8*day + whole), at(-8*day + whole)},
		"a beginning ahead, recorded as it was": {at(0), at(-8 * day), Clear, at(-8 * day), at(-8*day + whole), at(-8*day + whole)},
	} {
		look, when := w.Look(c.record, c.now)
		if look != c.look || !when.Equal(c.at) {
			t.Errorf("%s: Look %v at %v, want %v at %v", name, look, when, c.look, c.at)
		}
		if over := w.Over(c.record, c.now); !over.Equal(c.over) {
			t.Errorf("%s: Over %v, want %v", name, over, c.over)
		}
		if ready := w.Ready(c.record, c.now); !ready.Equal(c.ready) {
			t.Errorf("%s: Ready %v, want %v", name, ready, c.ready)
		}
	}
}

func TestWrongDate(t *testing.T) {
	const skew = time.Minute
	w := Wait{From: began, First: time.Hour, Skew: skew}
	none, now := time.Time{}, at(day)
	for name, c := range map[string]struct {
		record time.Time
		dates  []time.Time
		want   time.Time
	}{
		"none":                       {none, []time.Time{began, none}, none},
		"a date a skew ahead":        {none, []time.Time{began, now.Add(skew)}, none},
		"a date further ahead":       {none, []time.Time{began, now.Add(skew + 1)}, now.Add(skew + 1)},
		"a record further ahead":     {now.Add(skew + 1), []time.Time{began}, now.Add(skew + 1)},
		"a record a skew too old":    {at(-skew), []time.Time{began}, none},
		"a record further too old":   {at(-skew - 1), []time.Time{began}, at(-skew - 1)},
		"a record within the window": {at(1), []time.Time{began}, none},
	} {
		if got := w.WrongDate(c.record, now, c.dates...); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
