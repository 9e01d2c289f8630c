package sessions

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var errContradiction = errors.New("sessions: the Store contradicts itself: it has a newer revocation and returns none")

// reading is the result of reading the store from a cursor to its end.
type reading struct {
	rows  []Revocation
	whole bool // rows are all that the store keeps: our cursor was zero, or is not known
	last  Cursor
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
			r = reading{whole: true} // the store went back, perhaps while we read: drop the rows so far
		}
		r.rows, r.last = append(r.rows, t.Revocations...), t.Last
		if n := len(t.Revocations); n > 0 {
			last := t.Revocations[n-1]
			after = Cursor{last.Revision, last.Entry}
		}
		switch {
		case after == t.Last:
			return r, nil
		case len(t.Revocations) > 0:
		case t.Whole || r.whole && after == Cursor{}:
			return r, nil // the store is empty, or has removed all but the newest revocation
		default:
			return reading{}, errContradiction
		}
	}
}

func (f *Feed) tail(ctx context.Context, after Cursor) (Tail, error) {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	return f.store.Tail(ctx, after, tailBatch)
}

// turn reads the store to its end, publishes the new entries, and repairs the store if it has lost
// entries. It reports whether it has published.
func (f *Feed) turn(ctx context.Context) (published bool, err error) {
	asked := f.now()
	f.mu.Lock()
	after := f.history.cursor
	switch {
	case f.history.lost && len(f.history.at) < maxEntries*9/10:
		after = Cursor{} // there is room again for the entries that were left out: read all
	case f.history.isAhead(asked):
		after = Cursor{}
	}
	f.mu.Unlock()
	r, err := f.read(ctx, after)
	if err == nil {
		err = f.take(r, after, asked)
	}
	published, errPublish := f.publish(ctx)
	return published, errors.Join(err, errPublish, f.repair(ctx))
}

// take adds a reading to the history. After that, unless take returns [ErrFull], the history has
// every revocation that the store had at the time asked and that still counts.
func (f *Feed) take(r reading, after Cursor, asked time.Time) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := &f.history
	if r.whole {
		f.loss.note(h, r, asked)
		h.cursor, h.lost, h.latest = Cursor{}, false, time.Time{}
	}
	f.loss.read = asked
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
