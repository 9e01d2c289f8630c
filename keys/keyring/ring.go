package keyring

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/nilcheck"
	"github.com/sealjwt/sealjwt/keys/internal/patience"
)

// Ring is one party's keys in a [Store], encrypted under a [KEK], with their
// states and the policy by which they rotate. It is a [keys.PrivateSource] and, for
// its own public half, a [keys.PublicSource].
//
// Services use PrivateKeys, PublicKeys, Reload, Published and Run. Operators use Rotate,
// RotateNow, NextStep, Revoke, Import, AddKEK, Rewrap, KEKs, Keys, Log, Policy and
// UpdatePolicy.
//
// A Ring works from a snapshot, and a caller of PrivateKeys or PublicKeys reloads the snapshot
// when it is a minute old. When the store cannot be read, the snapshot goes on serving until it
// is as old as the policy's SnapshotAge. From then on the Ring decrypts, but neither signs nor
// publishes. The methods of a Ring that none of [Open], [Create] and [OpenOrCreate] made return
// [ErrConfig].
//
// A store, a KEK or a memory may hang. A Ring waits for a call to one of them until the caller's
// context ends, and for ten seconds at most. A load waits for less where SnapshotAge is shorter
// than 80 s, and a write waits for one second more. Then a load fails with
// [context.DeadlineExceeded] or the error of the caller's context. A write fails with
// [ErrUnknownOutcome], unless a load shows that it happened. A reader never waits for a change.
//
// A Ring is safe for concurrent use, and prints as [redacted]. No goroutine that it starts
// outlives the caller's call, except for calls to a store, a KEK or a memory that do not end with
// their context: at most eight of these go on, and the Watch of each Run.
type Ring struct {
	store Store
	kek   KEK // the KEK of Config, which opened the first snapshot
	now   func() time.Time

	snapshot atomic.Pointer[snapshot]

	why atomic.Pointer[error] // why the last look failed; nil if it succeeded

	calls      patience.Calls // unfinished calls to the store, the KEK and the memory
	state      state          // of the looks (loads)
	refreshing patience.Mutex // one reader at a time loads

	changing patience.Mutex       // one change at a time; guards marked
	marked   map[string]time.Time // when this process last recorded a MarkDue, by kid

	memory Memory
	saving patience.Mutex // one save at a time; guards saved
	saved  Checkpoint     // the newest generation that memory has
}

// Config says where a ring is and what opens it. The constructors copy it.
type Config struct {
	Store Store // required; where the ring is
	KEK   KEK   // required; opens the ring

	// Memory keeps over restarts which ring was seen in the store, and its newest generation.
	// Without a Memory a Ring remembers them only while the Ring lives, and Open accepts a store
	// that was set back before.
	Memory Memory

	// Policy is the policy of a new ring; zero fields are defaults.
	Policy Policy

	// Uses are the uses of a new ring. Nil means both; an issuer that never opens needs
	// keys.UseSig only.
	Uses []keys.Use
}

func (c Config) check() error {
	switch {
	case nilcheck.IsNil(c.Store):
		return fmt.Errorf("%w: Config.Store is nil: use filestore.New, or NewMemStore in a test", ErrConfig)
	case nilcheck.IsNil(c.KEK):
		return fmt.Errorf("%w: Config.KEK is nil: use KEKFile, NewKEK or PassphraseKEK", ErrConfig)
	case c.Memory != nil && nilcheck.IsNil(c.Memory):
		return fmt.Errorf("%w: Config.Memory holds a nil pointer", ErrConfig)
	}
	return nil
}

// Open opens the ring in cfg.Store.
//
// It returns [ErrConfig] for a configuration without Store or KEK, [ErrNoRing] when the store is
// empty, [ErrUnreadable] when the KEK does not open the ring or the ring is damaged,
// [ErrRollback] when cfg.Memory has seen a newer generation, a fork of the ring or another ring
// in this store, also beside ErrNoRing, and the errors of the store, the KEK and the memory.
func Open(ctx context.Context, cfg Config) (*Ring, error) {
	return openAt(ctx, cfg, time.Now)
}

func openAt(ctx context.Context, cfg Config, now func() time.Time) (*Ring, error) {
	seen, err := cfg.recall(ctx)
	if err != nil {
		return nil, err
	}
	return openSince(ctx, cfg, seen, now)
}

// recall checks the configuration and returns what its memory has. It must run before the first
// look at the store: if another process wrote the ring and saved its checkpoint after our look,
// our older ring would seem to be rolled back.
func (c Config) recall(ctx context.Context) (seen sightings, err error) {
	if err := c.check(); err != nil {
		return sightings{}, err
	}
	if c.Memory == nil {
		return sightings{}, nil
	}
	seen, _, err = patience.Within(ctx, patience.NewCalls(), patience.Bound{Who: "it", Limit: maxPatience}, func(ctx context.Context) (seen sightings, err error) {
		seen.here, seen.rings, err = c.Memory.Load(ctx)
		return seen, err
	})
	if err != nil {
		return sightings{}, fmt.Errorf("keyring: the memory of the ring cannot be read: %w", err)
	}
	return seen, nil
}

func openSince(ctx context.Context, cfg Config, seen sightings, now func() time.Time) (*Ring, error) {
	r := &Ring{
		store: cfg.Store, kek: cfg.KEK, memory: cfg.Memory, now: now, calls: patience.NewCalls(), state: state{seen: seen.here},
		refreshing: patience.NewMutex(), changing: patience.NewMutex(), saving: patience.NewMutex(),
		saved: seen.here, marked: make(map[string]time.Time),
	}
	s, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.document.checkSeen(seen.newest(s.document.Identity)); err != nil {
		return nil, err
	}
	if err := r.remember(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// PrivateKeys returns the keys to sign and decrypt with. It reloads the ring when the snapshot is
// a minute old. A store that fails is not an error: [Ring] says for how long a snapshot serves.
// After that time PrivateKeys returns a Set that only decrypts, as [keys.SetConfig] says of
// Stale.
func (r *Ring) PrivateKeys(ctx context.Context) (*keys.Set, error) {
	if err := r.isOpen(); err != nil {
		return nil, err
	}
	s := r.snapshot.Load()
	if s.age(r.now()) < s.reloadAfter() {
		// The usual case, once for each token. For a token in an Opener's cache the clock readings,
		// here and in the Opener, are most of the cost.
		return s.set, nil
	}
	// While the snapshot may still be used, only the caller that reloads it waits.
	r.refresh(ctx, s.reloadAfter(), s.age(r.now()) > s.policy.SnapshotAge)
	s = r.snapshot.Load()
	if age := s.age(r.now()); age > s.policy.SnapshotAge {
		return s.tooOld(age, r.lastError())
	}
	return s.set, nil
}

// PublicKeys returns the ring's public half: every signing key that may have signed a living
// token or will sign soon, and the one key to encrypt to. For a kid that no signing key has it
// reloads the ring, at most once in five seconds. It returns [keys.ErrStale] when the snapshot is
// too old to publish. If no signing key has the kid and the reload fails, it returns the error of
// the reload, because a newer ring may have the kid.
func (r *Ring) PublicKeys(ctx context.Context, kid string) (*keys.PublicSet, error) {
	s, err := r.PrivateKeys(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.PublicKeys(ctx, kid)
	if err != nil || kid == "" || p.HasVerificationKey(kid) {
		return p, err
	}
	if s, err = r.Reload(ctx); err != nil {
		return nil, err
	}
	return s.PublicKeys(ctx, kid)
}

// Reload loads the ring again, unless that was tried within the last five seconds, and returns
// its keys. An opener calls Reload for a kid that the Set does not hold: another process may have
// rotated the ring. It returns the error of the last load, if that failed.
func (r *Ring) Reload(ctx context.Context) (*keys.Set, error) {
	if err := r.isOpen(); err != nil {
		return nil, err
	}
	r.refresh(ctx, 0, true)
	if err := r.lastError(); err != nil {
		return nil, err
	}
	return r.PrivateKeys(ctx)
}

// Policy loads the ring and returns its policy. It returns the errors of [Open].
func (r *Ring) Policy(ctx context.Context) (Policy, error) {
	s, err := r.load(ctx)
	if err != nil {
		return Policy{}, err
	}
	return s.policy, nil
}

const redacted = "[redacted]"

// Format prints [redacted], whatever the verb.
func (r *Ring) Format(f fmt.State, _ rune) {
	if f != nil {
		io.WriteString(f, redacted)
	}
}

// LogValue returns [redacted].
func (r *Ring) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON writes "[redacted]".
func (r *Ring) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }
