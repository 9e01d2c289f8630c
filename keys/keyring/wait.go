package keyring

import (
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// wait is a time that has to pass. The clock of the process that began it may be wrong, and
// so may the clock of the process that finds it over, but not both: two looks, each with a
// window of its own, tell.
type wait struct {
	from  time.Time     // when it began, by the clock of the process that began it
	first time.Duration // from then to the first look, which records its time
	again time.Duration // from that record to the look that acts
	whole time.Duration // from the record to that look, where from is ahead and tells nothing
	skew  time.Duration // by which healthy clocks differ
}

// look returns what the next look at a wait does, given the record of the first look: make the
// record, clear it, or Nothing when it may act; and when it does so.
func (w wait) look(due, now time.Time) (Action, time.Time) {
	switch ahead := w.from.After(now.Add(w.skew)); {
	case now.Before(due.Add(-w.skew)):
		// The process that made the record had a clock further ahead than the policy
		// allows, or this one is behind. Within the skew two healthy clocks would clear each
		// other's records for ever.
		return ClearDue, now
	case ahead && due.IsZero():
		return MarkDue, now
	case ahead:
		return Nothing, due.Add(w.whole)
	case due.Before(w.from.Add(w.first)):
		// Never found over, or before the windows grew, or by a clock that was behind.
		return MarkDue, w.from.Add(w.first)
	}
	// A whole window after the record: if the clock that began the wait was behind, even by
	// years, the window is over by the clock of the first look.
	return Nothing, due.Add(w.again)
}

// over returns when a later look acts if every look comes in time.
func (w wait) over(due, now time.Time) time.Time {
	switch action, at := w.look(due, now); {
	case action == Nothing:
		return at
	case w.from.After(now.Add(w.skew)):
		return now.Add(w.whole)
	}
	return w.from.Add(w.first + w.again)
}

// waitOf returns the wait of a key in its state. A key that is staged or out of use waits for a
// whole window before the first look, and for another one after it. The period of an active
// key is no window: the first look comes before its end, so that it is as long as the policy
// says.
func (d *document) waitOf(r *record) wait {
	windows := r.Windows.windows()
	ahead, kept := windows.SignAhead, windows.SignKept
	if r.Use == keys.UseEnc {
		ahead, kept = windows.EncAhead, windows.EncKept
	}
	w := wait{skew: time.Duration(r.Windows.ClockSkew)}
	switch r.State {
	case Staged:
		w.from, w.first, w.again, w.whole = r.Created, ahead, ahead, ahead
	case Active:
		period := d.Policy.period(r.Use)
		ahead = min(ahead, period)
		w.from, w.first, w.again, w.whole = r.Activated, period-ahead, ahead, period
	default:
		w.from, w.first, w.again, w.whole = r.Retired, kept, kept, kept
		if w.from.IsZero() { // revoked before it retired
			w.from = r.Ended
		}
	}
	return w
}

func (d *document) look(r *record, now time.Time) (Action, time.Time) {
	return d.waitOf(r).look(r.Due, now)
}

// ready returns when a person may activate a staged key: by then its public half has
// reached every verifier, or its private half every opener.
func (d *document) ready(r *record, now time.Time) time.Time {
	w := d.waitOf(r)
	switch {
	case !w.from.After(now.Add(w.skew)):
		return w.from.Add(w.first)
	case r.Due.IsZero() || r.Due.After(now.Add(w.skew)):
		return now.Add(w.whole)
	}
	return r.Due.Add(w.whole)
}

// wrongDate returns a date of a held key that a wrong clock wrote: it is ahead of now, or the
// record of a look is older than what it looked at. The zero time stands for none.
func (d *document) wrongDate(r *record, now time.Time) time.Time {
	if len(r.JWK) == 0 {
		return time.Time{}
	}
	w := d.waitOf(r)
	for _, date := range []time.Time{r.Created, r.Activated, r.Retired, r.Ended, r.Due} {
		if date.After(now.Add(w.skew)) {
			return date
		}
	}
	if !r.Due.IsZero() && r.Due.Before(w.from.Add(-w.skew)) {
		return r.Due
	}
	return time.Time{}
}

// lookAtFormer looks at the policies that were replaced, and forgets those that no longer bind,
// by two looks as well.
func (d *document) lookAtFormer(now time.Time) {
	d.Former = slices.Clone(d.Former)
	for i := range d.Former {
		f := &d.Former[i]
		switch action, at := f.wait().look(f.Due, now); {
		case at.After(now):
		case action == MarkDue:
			f.Due = utc(now)
		case action == ClearDue:
			f.Due = time.Time{}
		}
	}
	d.Former = slices.DeleteFunc(d.Former, func(f formerWindows) bool {
		action, at := f.wait().look(f.Due, now)
		return action == Nothing && !at.After(now)
	})
}

// wait returns for how long a former policy binds: a process that loaded the ring, or a party
// that cached the JWK Set, may go by it for as long as it said.
func (f formerWindows) wait() wait {
	w := f.windows().EncKept
	return wait{f.Until, w, w, w, time.Duration(f.ClockSkew)}
}
