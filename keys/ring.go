package keys

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"
)

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

	why atomic.Pointer[error] // why the last load failed; nil if it did not

	gate  gate      // guards what follows; one load at a time
	tried time.Time // when the last load had an answer, good or bad
	seen  Mark      // the newest generation that was seen

	marked map[string]time.Time // when this process found a key due, by kid
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
	r := &Ring{store: store, kek: kek, now: now, gate: newGate(), seen: seen, marked: make(map[string]time.Time)}
	if _, err := r.load(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// Private returns the keys to sign and decrypt with, reloading the ring when its
// snapshot is a minute old. It does not fail because the store does: see [Ring]
// for how long a snapshot serves, and [Set] for what an old one still does.
func (r *Ring) Private(ctx context.Context) (*Set, error) {
	s := r.snapshot.Load()
	if s.age(r.now()) < s.reloadAfter() {
		return s.set, nil // once a token: for one that is cached, the clock is what costs
	}
	// At most one waits while the snapshot is still good.
	r.refresh(ctx, s.reloadAfter(), s.age(r.now()) > s.policy.SnapshotAge)
	s = r.snapshot.Load()
	if age := s.age(r.now()); age > s.policy.SnapshotAge {
		return s.set.tooOld(age, r.lastError()), nil
	}
	return s.set, nil
}

// Public returns the ring's public half: every signing key that may have signed a
// living token or soon will sign, and the one key to encrypt to. For a kid that it
// does not know it reloads once, at most every few seconds. It returns [ErrStale]
// when the snapshot is too old to publish, and the error of the reload when an
// unknown kid may be unknown for that reason only.
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

// Reload loads the ring again, unless that was tried within the last seconds, and
// returns its keys. Openers call it for a kid of ours that they do not know: another
// process may have rotated. It returns why the last load failed, if it did.
func (r *Ring) Reload(ctx context.Context) (*Set, error) {
	r.refresh(ctx, 0, true)
	if err := r.lastError(); err != nil {
		return nil, err
	}
	return r.Private(ctx)
}

// Policy loads the ring and returns its policy.
func (r *Ring) Policy(ctx context.Context) (Policy, error) {
	s, err := r.load(ctx)
	if err != nil {
		return Policy{}, err
	}
	return s.policy, nil
}

// Format prints [redacted], whatever the verb.
func (r *Ring) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue is [redacted].
func (r *Ring) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON gives "[redacted]".
func (r *Ring) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }
