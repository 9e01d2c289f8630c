package keyring

import (
	"context"
	"errors"
	"slices"
	"time"
)

// draft is a ring that is about to be written.
type draft struct {
	*document
	slots   []slot
	ringKey secretBytes
	kek     KEK  // of this process
	revokes bool // a revocation, which always has room
}

// logEntry is a line for the log: an action, and the key that it changed.
type logEntry struct{ what, kid string }

// errUnchanged says that an edit has nothing to write.
var errUnchanged = errors.New("nothing to change")

// change loads the ring, lets edit decide, and swaps, until no other process has swapped in
// between. It may call edit several times, each time on a fresh copy. edit returns the lines
// for the log, or errUnchanged to end without a write and without an error.
func (r *Ring) change(ctx context.Context, edit func(context.Context, *draft) ([]logEntry, error)) error {
	if err := r.lock(ctx); err != nil {
		return err
	}
	defer r.mu.unlock()
	for {
		s, err := r.loadLocked(ctx)
		if err != nil {
			return err
		}
		next := &draft{document: s.document.clone(), slots: s.slots, ringKey: s.ringKey, kek: r.kek}
		log, err := edit(ctx, next)
		if errors.Is(err, errUnchanged) {
			return nil
		}
		if err != nil {
			return err
		}
		done, err := r.swap(ctx, s, next, log)
		if done || err != nil {
			return err
		}
	}
}

// swap writes next in place of s. It reports done as false when another process swapped
// first, and when a write of unknown outcome did not happen.
func (r *Ring) swap(ctx context.Context, s *snapshot, next *draft, log []logEntry) (done bool, err error) {
	next.stamp(s.document.checkpoint(), r.now(), log...)
	data, err := sealBlob(next.document, next.slots, next.ringKey)
	if err != nil {
		return false, err
	}
	if err := next.checkRoom(s.document, len(data)); err != nil {
		return false, err
	}
	written, err := newSnapshot(next.document, next.slots, next.ringKey)
	if err != nil {
		return false, err
	}
	written.size = len(data)
	before := r.now()
	written.version, err = r.store.Swap(ctx, s.version, data)
	switch {
	case errors.Is(err, ErrConflict):
		return false, nil
	case errors.Is(err, ErrUnknownOutcome):
		return r.settle(ctx, next, err)
	case err != nil:
		return false, err
	}
	// Not by loading it again, which could fail: from now on a revoked key must not
	// sign in this process.
	r.kek = next.kek
	r.adopt(written, before)
	// The change is done even if the memory cannot be kept: Run tries again and reports.
	_ = r.rememberLocked(ctx)
	return true, nil
}

// settle loads the ring to find out whether a write of unknown outcome happened.
func (r *Ring) settle(ctx context.Context, next *draft, unknown error) (done bool, err error) {
	after, err := r.loadLocked(ctx)
	if errors.Is(err, ErrUnreadable) {
		// If it was written, the KEK may be another one.
		old := r.kek
		r.kek = next.kek
		if after, err = r.loadLocked(ctx); err != nil {
			r.kek = old
		}
	}
	if err != nil {
		return false, unknown
	}
	// The nonce of the write settles whether it happened.
	return after.document.contains(next.checkpoint()), nil
}

func (d *document) clone() *document {
	c := *d
	c.History = slices.Clone(d.History)
	c.Keys = slices.Clone(d.Keys)
	c.Log = slices.Clone(d.Log)
	c.Former = slices.Clone(d.Former)
	return &c
}

// add adds the record of a key that begins its life in this ring now.
func (d *document) add(r record, now time.Time) {
	r.Created = utc(now)
	switch r.State {
	case Active:
		r.Activated = r.Created
	case Retired:
		r.Retired = r.Created
	}
	r.Windows = d.widestWindows()
	d.Keys = append(d.Keys, r)
}

// utc drops the location and the monotonic reading, which would make two writes of the same
// time differ.
func utc(t time.Time) time.Time { return t.UTC().Round(0) }
