package window

import "time"

// Wait is a time that has to pass. The clock of the process that began it may be wrong, and so may
// the clock of a process that finds it over. A look is a check of the wait by any process. The
// wait is over only after two looks, and a whole window has to pass before each of them: so one
// wrong clock cannot shorten the wait.
type Wait struct {
	From  time.Time     // when the wait began, by the clock of the process that began it
	First time.Duration // from From to the first look, which records its time
	Again time.Duration // from that record to the look that acts
	Whole time.Duration // replaces First and Again if From is ahead of our clock, and so says nothing
	Skew  time.Duration // by how much healthy clocks differ at most
}

// Look is what the next look at a wait does.
type Look int

// The kinds of looks. A look before the time that Wait.Look returns does nothing.
const (
	Act   Look = iota // do what the wait was for: it is over
	Mark              // record the time of this look, the first that finds the wait over
	Clear             // remove the record
)

// Look returns what the next look at the wait does, and when. record is the time that the first
// look recorded, the zero time without a record.
func (w Wait) Look(record, now time.Time) (Look, time.Time) {
	switch ahead := w.isAhead(w.From, now); {
	case now.Before(record.Add(-w.Skew)):
		// The clock of the process that made the record is further ahead than the policy
		// allows, or our clock is behind. A difference within the skew is not a reason: two
		// healthy clocks would clear each other's records for ever.
		return Clear, now
	case ahead && record.IsZero():
		return Mark, now
	case ahead:
		return Act, record.Add(w.Whole)
	case record.Before(w.From.Add(w.First)):
		// Either a record is missing, or it was made before the windows grew, or by a clock that
		// was behind.
		return Mark, w.From.Add(w.First)
	}
	// A whole window has to pass after the record too. So even if the clock that began the wait was
	// behind by years, the window has passed by the clock of the first look.
	return Act, record.Add(w.Again)
}

// Over returns the time at which the wait is over if each look comes, or came, as soon as it can.
// After a look that is late the wait ends later than that.
func (w Wait) Over(record, now time.Time) time.Time {
	switch look, at := w.Look(record, now); {
	case look == Act:
		return at
	case w.isAhead(w.From, now):
		return now.Add(w.Whole)
	}
	return w.From.Add(w.First + w.Again)
}

// Ready returns when an operator may end the wait by hand. The decision of a person stands for the
// second look, so Ready does not count Again.
func (w Wait) Ready(record, now time.Time) time.Time {
	switch {
	case !w.isAhead(w.From, now):
		return w.From.Add(w.First)
	case record.IsZero() || w.isAhead(record, now):
		return now.Add(w.Whole)
	}
	return record.Add(w.Whole)
}

// WrongDate returns a date that shows that a clock is wrong, of this host or of another: one of
// dates or the record is ahead of now, or the record is older than the beginning of the wait. The
// zero time stands for none.
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
