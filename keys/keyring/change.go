package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/internal/patience"
	"github.com/sealjwt/sealjwt/keys/internal/window"
)

// draft is a ring that is about to be written.
type draft struct {
	*document
	slots   []slot
	ringKey secretBytes
	kek     KEK  // the KEK with which this process opens the ring
	revokes bool // the change is a revocation, which may exceed maxRing
}

// logEntry is a line for the log: an action, and the key that it changed.
type logEntry struct{ what, kid string }

// errUnchanged says that an edit has nothing to write.
var errUnchanged = errors.New("nothing to change")

// change loads the ring, calls edit to change a copy, and writes the copy. If another process
// wrote in between, change begins again. It may call edit several times, each time on a fresh
// copy. edit returns the lines for the log, or errUnchanged to end without a write and without
// an error. change returns [ErrConfig] for a nil or a zero Ring, and [ErrUnknownOutcome] for every
// error while an earlier write of its own may still happen.
func (r *Ring) change(ctx context.Context, edit func(context.Context, *draft) ([]logEntry, error)) (err error) {
	if r == nil || r.calls == nil {
		return errZeroRing
	}
	if err := r.changing.Lock(ctx); err != nil {
		return err
	}
	defer r.changing.Unlock()
	// Own writes of unknown outcome that a load did not show, and the version that they replace. One
	// of them may come late, as long as the store has that version.
	var (
		unsettled []Checkpoint
		replaced  string
	)
	defer func() {
		if err != nil && len(unsettled) != 0 && !errors.Is(err, ErrUnknownOutcome) {
			err = fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
		}
	}()
	for {
		s, err := r.look(ctx)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(unsettled, s.document.contains) {
			return nil
		}
		if s.version != replaced {
			unsettled, replaced = nil, s.version
		}
		next := &draft{document: s.document.clone(), slots: s.slots, ringKey: s.ringKey, kek: s.kek}
		log, err := edit(ctx, next)
		if errors.Is(err, errUnchanged) {
			return nil
		}
		if err != nil {
			return err
		}
		done, err := r.swap(ctx, s, next, log)
		switch {
		case errors.Is(err, ErrConflict): // begin again
		case done, err != nil:
			return err
		default:
			unsettled = append(unsettled, next.checkpoint())
		}
	}
}

// swap writes next in place of s. It reports done as false and no error for a write of unknown
// outcome that a load did not show. It returns [ErrConflict] when another process swapped first.
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
	written.kek, written.size = next.kek, len(data)
	before, number := r.now(), r.state.write(next.kek)
	version, pending, err := swapWithin(ctx, r.calls, r.store, s.version, data)
	switch {
	case errors.Is(err, ErrUnknownOutcome):
		return r.settle(ctx, next, pending, err)
	case err != nil:
		return false, err
	}
	// Adopt the written ring without a load, which could fail: from now on a revoked key must
	// not sign in this process.
	written.version = version
	if _, err := r.adopt(written, before, number); err != nil {
		// Another look saw the store set back meanwhile.
		return false, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	// The change is done even if the memory cannot be saved: Run saves it again and reports the
	// error.
	_ = r.remember(ctx)
	return true, nil
}

// swapGrace is how long Swap may take after its context is done: a store that heeds the
// context says then whether it wrote.
const swapGrace = time.Second

// swapWithin swaps within a time limit. A Swap that goes on without its caller has an unknown
// outcome, and is reported as pending.
func swapWithin(ctx context.Context, c patience.Calls, s Store, prev string, doc []byte) (version string, pending bool, err error) {
	version, pending, err = patience.Within(ctx, c, patience.Bound{Who: "the store", Limit: maxPatience, Grace: swapGrace},
		func(ctx context.Context) (string, error) { return s.Swap(ctx, prev, doc) })
	if pending {
		err = fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return version, pending, err
}

// write notes that a write under this KEK begins, and returns its number.
func (t *state) write(kek KEK) (number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.looks++
	t.writes = kek
	return t.looks
}

// settle loads the ring to find out whether a write of unknown outcome happened. It happened if
// the store has the nonce of the write, or has it in the history. The outcome stays unknown if
// the load fails, if a power cut may take the write back, and if the write is not there but
// still pending.
func (r *Ring) settle(ctx context.Context, next *draft, pending bool, unknown error) (done bool, err error) {
	after, err := r.look(ctx)
	if err != nil || errors.Is(unknown, ErrNotDurable) {
		return false, unknown
	}
	if done = after.document.contains(next.checkpoint()); !done && pending {
		return false, unknown
	}
	return done, nil
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

// apply does a step. fresh is the record of the new key, for a Stage only.
func (d *document) apply(s Step, fresh record, now time.Time) error {
	d.Former = d.Former.Look(utc(now))
	switch s.Action {
	case Stage:
		d.add(fresh, now)
		return nil
	case Activate:
		return d.activate(s.KeyID, now)
	}
	r := d.byID(s.KeyID)
	if r == nil {
		return fmt.Errorf("%w: kid %s", keys.ErrNoKey, jwk.Quote(s.KeyID))
	}
	switch s.Action {
	case MarkDue:
		r.Due = utc(now)
	case ClearDue:
		r.Due = time.Time{}
	case Destroy:
		if r.State == Retired {
			r.State, r.Ended = Destroyed, utc(now)
		}
		r.erase()
	}
	return nil
}

// erase makes the record a tombstone: without the key, and without the figures that only a key
// needs.
func (r *record) erase() { r.JWK, r.Windows, r.Due = nil, window.Figures{}, time.Time{} }

// activate makes a staged key active, and retires the key that was active. The same write
// erases the private half of a retired signing key.
func (d *document) activate(kid string, now time.Time) error {
	next := d.byID(kid)
	if next == nil || next.State != Staged {
		return fmt.Errorf("%w: kid %s is not staged", ErrState, jwk.Quote(kid))
	}
	if old := d.find(next.Use, Active); old != nil {
		if err := old.retire(now); err != nil {
			return err
		}
	}
	next.State, next.Activated, next.Due = Active, utc(now), time.Time{}
	return nil
}

func (r *record) retire(now time.Time) error {
	if r.Use == keys.UseSig {
		k, err := r.key()
		if err != nil {
			return err
		}
		if r.JWK, err = publicJWK(k); err != nil {
			return err
		}
	}
	r.State, r.Retired, r.Due = Retired, utc(now), time.Time{}
	return nil
}

// utc drops the location and the monotonic reading, which would make two writes of the same
// time differ.
func utc(t time.Time) time.Time { return t.UTC().Round(0) }
