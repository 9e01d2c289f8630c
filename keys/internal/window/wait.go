package window

import "time"

// Wait is a time that has to pass. The clock of the process that began it may be wrong, and
// so may the clock of the process that finds it over, but not both: two looks, each with a
// window of its own, tell.
type Wait struct {
	From  time.Time     // when it began, by the clock of the process that began it
	First time.Duration // from then to the first look, which records its time
	Again time.Duration // from that record to the look that acts
	Whole time.Duration // from the record to that look, where From is ahead and tells nothing
	Skew  time.Duration // by which healthy clocks differ
}

// Look is what the next look at a wait does.
type Look int

// The looks. A look that comes too early does nothing.
const (
	Act   Look = iota // the wait is over
	Mark              // record its time: it is the first that finds the wait over
	Clear             // take the record back
)

// Look returns what the next look does, given the time that the first look recorded, and when
// it does so. The zero record stands for none.
func (w Wait) Look(record, now time.Time) (Look, time.Time) {
	switch ahead := w.isAhead(w.From, now); {
	case now.Before(record.Add(-w.Skew)):
		// The process that made the record had a clock further ahead than the policy
		// allows, or this one is behind. Within the skew two healthy clocks would clear each
		// other's records for ever.
		return Clear, now
	case ahead && record.IsZero():
		return Mark, now
	case ahead:
		return Act, record.Add(w.Whole)
	case record.Before(w.From.Add(w.First)):
		// Never found over, or before the windows grew, or by a clock that was behind.
		return Mark, w.From.Add(w.First)
	}
	// A whole window after the record: if the clock that began the wait was behind, even by
	// years, the window is over by the clock of the first look.
	return Act, record.Add(w.Again)
}

// Over returns when a later look acts if every look comes in time.
func (w Wait) Over(record, now time.Time) time.Time {
	switch look, at := w.Look(record, now); {
	case look == Act:
		return at
	case w.isAhead(w.From, now):
		return now.Add(w.Whole)
	}
	return w.From.Add(w.First + w.Again)
}

// Ready returns when a person may act, who needs no second look.
func (w Wait) Ready(record, now time.Time) time.Time {
	switch {
	case !w.isAhead(w.From, now):
		return w.From.Add(w.First)
	case record.IsZero() || w.isAhead(record, now):
		return now.Add(w.Whole)
	}
	return record.Add(w.Whole)
}

// WrongDate returns a date that a wrong clock wrote: one of dates or the record is ahead of
// now, or the record is older than the beginning. The zero time stands for none.
func (w Wait) WrongDate(record, now time.Time, dates ...time.Time) time.Time {
	for _, date := range append(dates, record) {
		if w.isAhead(date, now) {
			return date
		}
	}
	if !record.IsZero() && record.Before(w.From.Add(-w.Skew)) {
		return record
	}
	return time.Time{}
}

func (w Wait) isAhead(date, now time.Time) bool { return date.After(now.Add(w.Skew)) }
