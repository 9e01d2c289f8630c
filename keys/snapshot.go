package keys

import (
	"context"
	"fmt"
	"time"
)

const (
	// reloadAfter is the age at which a snapshot is reloaded inside Seal and Open,
	// sooner where the policy's SnapshotAge leaves no time for it.
	reloadAfter = time.Minute
	// reloadCooldown keeps a store that is down, and strangers who send unknown
	// kids, from causing a load for every token.
	reloadCooldown = 5 * time.Second
)

func (s *snapshot) reloadAfter() time.Duration    { return min(reloadAfter, s.policy.SnapshotAge/4) }
func (s *snapshot) reloadCooldown() time.Duration { return min(reloadCooldown, s.policy.SnapshotAge/8) }

// snapshot is a ring as it was loaded, never changed afterwards.
type snapshot struct {
	document *document
	set      *Set
	policy   Policy
	version  string // the store's
	slots    []slot
	ringKey  hidden
	loaded   time.Time
}

// gate is a lock for which nobody waits longer than its context: the store behind it
// may hang.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

func (g gate) lock(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) tryLock() bool {
	select {
	case g <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g gate) unlock() { <-g }

// refresh loads the ring if its snapshot is of a certain age, and if that was not tried
// just now. It cannot fail: the snapshot goes on serving. While one caller loads, the
// others wait only if they have to.
func (r *Ring) refresh(ctx context.Context, from time.Duration, wait bool) {
	if r.snapshot.Load().age(r.now()) < from {
		return
	}
	if !r.gate.tryLock() && (!wait || r.gate.lock(ctx) != nil) {
		return
	}
	defer r.gate.unlock()
	now, s := r.now(), r.snapshot.Load()
	if s.age(now) >= from && now.Sub(r.tried) >= s.reloadCooldown() {
		r.loadLocked(ctx)
	}
}

// lastError is why the last load failed, nil if it did not.
func (r *Ring) lastError() error {
	if why := r.why.Load(); why != nil {
		return *why
	}
	return nil
}

func (r *Ring) load(ctx context.Context) (*snapshot, error) {
	if err := r.gate.lock(ctx); err != nil {
		return nil, err
	}
	defer r.gate.unlock()
	return r.loadLocked(ctx)
}

// loadLocked loads the ring; the caller holds the gate. What fails because its caller
// went away says nothing about the store, and keeps nobody else from trying.
func (r *Ring) loadLocked(ctx context.Context) (*snapshot, error) {
	now := r.now()
	s, err := r.fetch(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.tried = now
			r.why.Store(&err)
		}
		return nil, err
	}
	r.adopt(s, now)
	return s, nil
}

// adopt makes s, which nobody has seen yet, the snapshot.
func (r *Ring) adopt(s *snapshot, now time.Time) {
	s.loaded, r.tried, r.seen = now, now, s.document.mark()
	r.why.Store(nil)
	r.snapshot.Store(s)
}

// fetch returns a new snapshot.
func (r *Ring) fetch(ctx context.Context) (*snapshot, error) {
	data, version, err := r.store.Load(ctx)
	if err != nil {
		return nil, err
	}
	old := r.snapshot.Load()
	if old != nil && old.version == version {
		again := *old
		return &again, nil
	}
	s, err := r.read(data, old)
	if err != nil {
		return nil, err
	}
	s.version = version
	return s, nil
}

// read makes a snapshot of a blob. A passphrase is stretched only when the slots
// are not those of old.
func (r *Ring) read(data []byte, old *snapshot) (*snapshot, error) {
	b, err := parseBlob(data)
	if err != nil {
		return nil, err
	}
	var key hidden
	if old != nil && digestSlots(b.Slots) == digestSlots(old.slots) {
		key = old.ringKey
	} else if key, err = b.ringKey(r.kek); err != nil {
		return nil, err
	}
	d, err := b.open(key)
	if err != nil {
		return nil, err
	}
	if r.seen != (Mark{}) && !d.succeeds(r.seen) {
		return nil, fmt.Errorf("%w: it is at generation %d, and generation %d was seen before", ErrRollback, d.Generation, r.seen.Generation)
	}
	s, err := newSnapshot(d, b.Slots, key)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnreadable, err)
	}
	return s, nil
}

// newSnapshot makes the keys of a document. Every way into a ring passes here, also
// that of a change before it is written.
func newSnapshot(d *document, slots []slot, key hidden) (*snapshot, error) {
	set, err := d.set()
	if err != nil {
		return nil, err
	}
	policy, err := d.Policy.policy()
	if err != nil {
		return nil, err
	}
	return &snapshot{document: d, set: set, policy: policy, slots: slots, ringKey: key}, nil
}

// age is the larger of what the wall clock and the monotonic clock say: the one
// can be set back, the other stands still while the machine sleeps.
func (s *snapshot) age(now time.Time) time.Duration {
	return max(now.Sub(s.loaded), now.Round(0).Sub(s.loaded.Round(0)))
}

// tooOld is s for a snapshot that may decrypt and nothing else.
func (s *Set) tooOld(age time.Duration, why error) *Set {
	old := *s
	old.stale = fmt.Errorf("%w: its snapshot is %v old", ErrStale, age.Round(time.Second))
	if why != nil {
		old.stale = fmt.Errorf("%w: %w", old.stale, why)
	}
	return &old
}
