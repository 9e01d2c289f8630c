package sessions

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var errContradiction = errors.New("sessions: the Store contradicts itself: it has a newer revocation and returns none")

// reading is what a look at the store has brought.
type reading struct {
	rows  []Revocation
	whole bool // these are all that the store keeps: it does not know our cursor any more
}

// read reads the store to its end.
func (f *Feed) read(ctx context.Context, after Cursor) (r reading, err error) {
	r.whole = after == Cursor{}
	for {
		t, err := f.tail(ctx, after)
		if err != nil {
			return reading{}, fmt.Errorf("sessions: reading what has ended: %w", err)
		}
		if t.Whole {
			r = reading{whole: true} // the store went back, perhaps while we read
		}
		r.rows = append(r.rows, t.Revocations...)
		if n := len(t.Revocations); n > 0 {
			last := t.Revocations[n-1]
			after = Cursor{last.Revision, last.Entry}
		}
		switch {
		case after == t.Last:
			return r, nil
		case len(t.Revocations) > 0:
		case t.Whole || r.whole && after == Cursor{}:
			return r, nil // the store is empty, or has swept all but the newest
		default:
			return reading{}, errContradiction
		}
	}
}

func (f *Feed) tail(ctx context.Context, after Cursor) (Tail, error) {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	return f.cfg.Store.Tail(ctx, after, tailBatch)
}

// turn reads the store once and publishes what is new. It reports whether it has published.
func (f *Feed) turn(ctx context.Context) (published bool, err error) {
	f.mu.Lock()
	after := f.history.cursor
	if f.history.lost && len(f.history.at) < maxEntries*9/10 {
		after = Cursor{} // there is room again for what was left out
	}
	f.mu.Unlock()
	asked := f.now()
	r, err := f.read(ctx, after)
	if err == nil {
		err = f.take(r, after, asked)
	}
	if errBack := f.writeBack(ctx); errBack != nil {
		err = errors.Join(err, errBack)
	}
	published, errPublish := f.publish(ctx)
	return published, errors.Join(err, errPublish)
}

// take adds what was read to the history, which has now all that the store had when it was
// asked.
func (f *Feed) take(r reading, after Cursor, asked time.Time) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := &f.history
	if r.whole {
		f.owe(r.rows, asked)
		h.cursor, h.lost = Cursor{}, false
	}
	for _, v := range r.rows {
		if _, errAdd := h.add(v, asked); errAdd != nil {
			err = errAdd
		}
	}
	h.clean(asked)
	if h.lost {
		return ErrFull
	}
	f.date = asked.Truncate(time.Millisecond)
	return err
}

// owe notes what the hub knows and the store has lost. Such an entry counts for everybody who
// reads this hub, but a hub that starts now would not know it.
func (f *Feed) owe(has []Revocation, now time.Time) {
	f.owed = nil
	there := make(map[Entry]uint32, len(has))
	for _, v := range has {
		there[v.Entry] = minuteOf(v.Until)
	}
	for i, r := range f.history.rows {
		counts := f.history.at[r.Entry] == i && r.minute > pastMinute(now)
		if minute, has := there[r.Entry]; counts && (!has || minute < r.minute) {
			f.owed = append(f.owed, Ended{r.Entry, time.Unix(int64(r.minute)*60, 0).UTC()})
		}
	}
}

// writeBack appends what the store has lost. Append takes an entry twice, so nothing is done
// wrong when the outcome of one is not known.
func (f *Feed) writeBack(ctx context.Context) error {
	if len(f.owed) == 0 {
		return nil
	}
	some := f.owed[:min(len(f.owed), tailBatch)]
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	if err := f.cfg.Store.Append(ctx, some); err != nil {
		return fmt.Errorf("sessions: writing back %d revocations that the store has lost: %w", len(f.owed), err)
	}
	f.owed = f.owed[len(some):]
	return fmt.Errorf("%w: %d of them, and %d are left", ErrWroteBack, len(some), len(f.owed))
}
