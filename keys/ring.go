package keys

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
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

// Ring is one party's keys in a [Store], encrypted under a [KEK], with their
// states and the policy by which they rotate. It is a [PrivateSource] and, for
// its own public half, a [PublicSource].
//
// A Ring works from a snapshot and reloads it when it is a minute old. When the
// store cannot be read the snapshot goes on serving until it is as old as the
// policy's SnapshotAge; from then on it decrypts, but neither signs nor
// publishes. A Ring is safe for concurrent use, starts no goroutine, and prints
// as [redacted].
type Ring struct {
	store Store
	kek   KEK
	now   func() time.Time

	snapshot atomic.Pointer[snapshot]

	mu    sync.Mutex // one load at a time
	tried time.Time  // of the last load, successful or not
	seen  Mark       // the newest generation that was seen
}

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

// Open opens the ring in store.
//
// It returns [ErrNoRing] when there is none, [ErrUnreadable] when kek is not its
// key or the ring is damaged, and the store's own errors.
func Open(ctx context.Context, store Store, kek KEK) (*Ring, error) {
	return openAt(ctx, store, kek, time.Now)
}

func openAt(ctx context.Context, store Store, kek KEK, now func() time.Time) (*Ring, error) {
	return openSince(ctx, store, kek, Mark{}, now)
}

func openSince(ctx context.Context, store Store, kek KEK, seen Mark, now func() time.Time) (*Ring, error) {
	r := &Ring{store: store, kek: kek, now: now, seen: seen}
	if _, err := r.load(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// Private returns the keys to sign and decrypt with, reloading the ring when its
// snapshot is a minute old. It does not fail because the store does: see [Ring]
// for how long a snapshot serves.
func (r *Ring) Private(ctx context.Context) (*Set, error) {
	s := r.current(ctx)
	if age := s.age(r.now()); age > s.policy.SnapshotAge {
		return s.set.tooOld(age), nil
	}
	return s.set, nil
}

// Public returns the ring's public half: every signing key that may have signed a
// living token or soon will sign, and the one key to encrypt to. For a kid that it
// does not know it reloads once, at most every few seconds. It returns [ErrStale]
// when the snapshot is too old to publish.
func (r *Ring) Public(ctx context.Context, kid string) (*PublicSet, error) {
	s, err := r.Private(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.Public(ctx, kid)
	if err != nil || kid == "" {
		return p, err
	}
	if _, known := p.VerificationKey(kid); known {
		return p, nil
	}
	if s, err = r.Reload(ctx); err != nil {
		return nil, err
	}
	return s.Public(ctx, kid)
}

// Reload loads the ring again if that was not tried within the last seconds, and
// returns its keys. Openers call it for a kid of ours that they do not know:
// another process may have rotated.
func (r *Ring) Reload(ctx context.Context) (*Set, error) {
	r.mu.Lock()
	if r.now().Sub(r.tried) >= r.snapshot.Load().reloadCooldown() {
		r.loadLocked(ctx) // the snapshot goes on serving when this fails
	}
	r.mu.Unlock()
	return r.Private(ctx)
}

// Policy returns the ring's policy.
func (r *Ring) Policy(ctx context.Context) (Policy, error) {
	s, err := r.load(ctx)
	if err != nil {
		return Policy{}, err
	}
	return s.policy, nil
}

// current returns the snapshot, a fresh one if it can be had.
func (r *Ring) current(ctx context.Context) *snapshot {
	s := r.snapshot.Load()
	age := s.age(r.now())
	if age < s.reloadAfter() {
		return s
	}
	// Only one caller waits for the store while the others still have a good
	// snapshot; all of them wait when nobody has.
	if !r.mu.TryLock() {
		if age <= s.policy.SnapshotAge {
			return s
		}
		r.mu.Lock()
	}
	defer r.mu.Unlock()
	now := r.now()
	if s = r.snapshot.Load(); s.age(now) >= s.reloadAfter() && now.Sub(r.tried) >= s.reloadCooldown() {
		r.loadLocked(ctx)
	}
	return r.snapshot.Load()
}

func (r *Ring) load(ctx context.Context) (*snapshot, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.loadLocked(ctx)
}

func (r *Ring) loadLocked(ctx context.Context) (*snapshot, error) {
	r.tried = r.now()
	loaded := r.tried
	data, version, err := r.store.Load(ctx)
	if err != nil {
		return nil, err
	}
	old := r.snapshot.Load()
	if old != nil && old.version == version {
		again := *old
		again.loaded = loaded
		r.snapshot.Store(&again)
		return &again, nil
	}
	s, err := r.read(data, old)
	if err != nil {
		return nil, err
	}
	s.version, s.loaded = version, loaded
	r.seen = s.document.mark()
	r.snapshot.Store(s)
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
	return newSnapshot(d, b.Slots, key)
}

func newSnapshot(d *document, slots []slot, key hidden) (*snapshot, error) {
	set, err := d.set()
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnreadable, err)
	}
	policy, err := d.Policy.policy()
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnreadable, err)
	}
	return &snapshot{document: d, set: set, policy: policy, slots: slots, ringKey: key}, nil
}

// age is the larger of what the wall clock and the monotonic clock say: the one
// can be set back, the other stands still while the machine sleeps.
func (s *snapshot) age(now time.Time) time.Duration {
	return max(now.Sub(s.loaded), now.Round(0).Sub(s.loaded.Round(0)))
}

// tooOld is s for a snapshot that may decrypt and nothing else.
func (s *Set) tooOld(age time.Duration) *Set {
	old := *s
	old.stale = fmt.Errorf("%w: its snapshot is %v old", ErrStale, age.Round(time.Second))
	return &old
}

// Format prints [redacted], whatever the verb.
func (r *Ring) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue is [redacted].
func (r *Ring) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON gives "[redacted]".
func (r *Ring) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }
