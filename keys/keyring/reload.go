package keyring

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sealjwt/sealjwt/keys/internal/moved"
	"github.com/sealjwt/sealjwt/keys/internal/patience"
)

// state is shared by the looks of a Ring. A look is one load of the ring from the store. Looks
// of readers and of changes may overlap, and an answer may come late. So each look has a
// number, and the answer of the look that began later wins.
type state struct {
	mu     sync.Mutex
	looks  uint64     // how many looks and writes began
	good   uint64     // the number of the newest look or write that succeeded
	bad    uint64     // the number of the newest look that failed
	tried  time.Time  // when the last look had an answer, good or bad
	seen   Checkpoint // the newest generation that was seen
	writes KEK        // the KEK of the write that began last
}

// begin counts a new look. It returns its number, and the newest checkpoint that was seen
// before.
func (t *state) begin() (number uint64, seen Checkpoint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.looks++
	return t.looks, t.seen
}

func (t *state) newest() Checkpoint {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen
}

func (t *state) triedAt() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tried
}

// A [Store], a [KEK] or a [Memory] may never answer: its disk, its server or its network hangs.
// So each call to one of them has a time limit.
const (
	// maxPatience is the longest time of a call. A Swap has swapGrace more.
	maxPatience = 10 * time.Second
	// leastPatience is the time that a look may take where the policy's SnapshotAge is so
	// short that a busy disk would exceed an eighth of it.
	leastPatience = 2 * time.Second
)

// patience returns how long a look at the store may take. An eighth of the policy's
// SnapshotAge leaves time for several looks before the snapshot is too old.
func (s *snapshot) patience() time.Duration {
	return min(maxPatience, max(leastPatience, s.policy.SnapshotAge/8))
}

func (r *Ring) patience() time.Duration {
	if s := r.snapshot.Load(); s != nil {
		return s.patience()
	}
	return maxPatience
}

// refresh loads the ring if its snapshot is at least as old as from, and if the last try is
// longer ago than reloadCooldown. It returns no error: if the load fails, the old snapshot
// stays. While one reader loads, the others wait for it only if wait is true. No reader waits
// for a change.
func (r *Ring) refresh(ctx context.Context, from time.Duration, wait bool) {
	s := r.snapshot.Load()
	if s.age(r.now()) < from {
		return
	}
	if !r.refreshing.TryLock() {
		bounded, cancel := context.WithTimeout(ctx, s.patience())
		defer cancel()
		if !wait || r.refreshing.Lock(bounded) != nil {
			return
		}
	}
	defer r.refreshing.Unlock()
	now, s := r.now(), r.snapshot.Load()
	if s.age(now) >= from && now.Sub(r.state.triedAt()) >= s.reloadCooldown() {
		r.look(ctx)
	}
}

// load returns a snapshot that is at least as new as this call. It returns [ErrConfig] for a nil
// or a zero Ring.
func (r *Ring) load(ctx context.Context) (*snapshot, error) {
	if r == nil || r.calls == nil {
		return nil, errZeroRing
	}
	return r.look(ctx)
}

// look loads the ring, makes it the snapshot and returns it, or returns a newer snapshot that
// another look adopted meanwhile. The time of a look is bounded even if the store ignores its
// context. An answer that comes after that time is still adopted if no newer one came.
//
// If a look failed because its caller's context ended, that says nothing about the store. So
// the failure is not kept, and the next caller tries at once.
func (r *Ring) look(ctx context.Context) (*snapshot, error) {
	began := r.now()
	number, seen := r.state.begin()
	s, _, err := patience.Within(ctx, r.calls, patience.Bound{Who: "the store or the key encryption key", Limit: r.patience()},
		func(ctx context.Context) (*snapshot, error) {
			s, err := r.fetch(ctx, seen)
			if err != nil {
				return nil, err
			}
			return r.adopt(s, began, number)
		})
	if err != nil && ctx.Err() == nil {
		r.fail(err, number)
	}
	return s, err
}

// fail keeps the error of a look, unless a look that began later has ended.
func (r *Ring) fail(err error, number uint64) {
	r.state.mu.Lock()
	defer r.state.mu.Unlock()
	r.state.tried = r.now()
	if number > max(r.state.good, r.state.bad) {
		r.state.bad = number
		r.why.Store(&err)
	}
}

// adopt makes s, which no reader has seen yet, the snapshot, and returns s. It returns the
// present snapshot when that is newer: while s was loaded, another look found a later generation,
// or this process wrote one. It returns an [ErrRollback] if s does not follow the newest
// generation that was seen. began is when the look that found s, or the write that made it,
// began: the age of s counts from there, because the ring may have changed right afterwards.
func (r *Ring) adopt(s *snapshot, began time.Time, number uint64) (*snapshot, error) {
	r.state.mu.Lock()
	defer r.state.mu.Unlock()
	now := r.snapshot.Load()
	switch {
	case now == nil:
	case now.document.Generation > s.document.Generation, now.document.checkpoint() == s.document.checkpoint() && now.look > number:
		s = now
	default:
		if err := s.document.checkSeen(r.state.seen); err != nil {
			return nil, err
		}
	}
	if s != now {
		s.loaded, s.look = began, number
		r.state.seen = s.document.checkpoint()
		r.snapshot.Store(s)
	}
	r.state.tried = r.now()
	r.state.good = max(r.state.good, number)
	if r.state.good >= r.state.bad {
		r.why.Store(nil)
	}
	return s, nil
}

// loadRing loads the document of a ring. A store counts as empty if it holds only what a move has
// left that did not bring its ring. Such a store has a version beside ErrNoRing.
func loadRing(ctx context.Context, s Store) (doc []byte, version string, err error) {
	doc, version, err = s.Load(ctx)
	if err != nil {
		return nil, "", err
	}
	if d, ok := moved.Parse(doc); ok && d.IsVoid() {
		return nil, version, ErrNoRing
	}
	return doc, version, nil
}

// fetch loads the ring and returns a new snapshot of it. It refuses a ring that cannot be the
// one that was seen or a later generation of it, and an empty store where a ring was seen.
func (r *Ring) fetch(ctx context.Context, seen Checkpoint) (*snapshot, error) {
	data, version, err := loadRing(ctx, r.store)
	if errors.Is(err, ErrNoRing) && seen != (Checkpoint{}) {
		return nil, vanished(seen, err)
	}
	if err != nil {
		return nil, err
	}
	old := r.snapshot.Load()
	if old != nil && old.version == version {
		again := *old
		return &again, nil
	}
	s, err := r.read(ctx, data, old)
	if err != nil {
		return nil, err
	}
	if err := s.document.checkSeen(seen); err != nil {
		return nil, err
	}
	s.version, s.size = version, len(data)
	return s, nil
}

// unwrap returns the ring key of a blob and the KEK that unwrapped it. If the KEK of the
// snapshot fails, it tries the KEK of the last write: during a Rewrap, and after a Rewrap of
// unknown outcome, the store may already have the ring under the new KEK.
func (r *Ring) unwrap(ctx context.Context, b blob, old *snapshot) (secretBytes, KEK, error) {
	kek := r.kek
	if old != nil {
		kek = old.kek
	}
	key, err := b.ringKey(ctx, kek)
	if !errors.Is(err, ErrUnreadable) {
		return key, kek, err
	}
	r.state.mu.Lock()
	next := r.state.writes
	r.state.mu.Unlock()
	if next != nil {
		if key, nextErr := b.ringKey(ctx, next); nextErr == nil {
			return key, next, nil
		}
	}
	return nil, nil, err
}
