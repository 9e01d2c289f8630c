package keys

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"time"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// RingConfig says what a new ring is for. The zero value makes a ring that both
// signs and decrypts, with the default policy.
type RingConfig struct {
	Policy Policy // its suites are those of the first keys; zero fields are defaults
	Uses   []Use  // nil means both; an issuer that never opens needs UseSig only
}

// Create makes a new ring in store, with an active key for each use and its staged
// successor, and opens it. It never replaces a ring.
//
// It returns [ErrExists] when there is one, [ErrPolicy] for a policy that cannot
// work, and the store's own errors; then nothing was written.
func Create(ctx context.Context, store Store, kek KEK, cfg RingConfig) (*Ring, error) {
	return createAt(ctx, store, kek, cfg, time.Now)
}

func createAt(ctx context.Context, store Store, kek KEK, cfg RingConfig, now func() time.Time) (*Ring, error) {
	if _, _, err := store.Load(ctx); !errors.Is(err, ErrNoRing) {
		if err != nil {
			return nil, err
		}
		return nil, ErrExists
	}
	policy := cfg.Policy.withDefaults()
	if err := policy.Validate(); err != nil {
		return nil, err
	}
	d := &document{Version: documentVersion, Policy: newPolicyDocument(policy)}
	uses := cfg.Uses
	if len(uses) == 0 {
		uses = []Use{UseSig, UseEnc}
	}
	for i, u := range uses {
		if u != UseSig && u != UseEnc || slices.Contains(uses[:i], u) {
			return nil, fmt.Errorf("%w: the uses of a ring are sig, enc or both", ErrPolicy)
		}
		for _, state := range []State{Active, Staged} {
			k, err := Generate(policy.forUse(u).Suite)
			if err != nil {
				return nil, err
			}
			if err := d.add(k, state, now()); err != nil {
				return nil, err
			}
		}
	}
	key := newRingKey()
	wrapped, err := kek.wrap(key())
	if err != nil {
		return nil, err
	}
	d.stamp(mark{}, "create", "", now())
	data, err := sealBlob(d, []slot{{kek.id(), wrapped}}, key)
	if err != nil {
		return nil, err
	}
	_, err = store.Swap(ctx, "", data)
	if errors.Is(err, ErrConflict) {
		return nil, ErrExists
	}
	if err != nil && !errors.Is(err, ErrUnknownOutcome) {
		return nil, err
	}
	r, openErr := openAt(ctx, store, kek, now)
	if err != nil && (openErr != nil || !r.snapshot.Load().document.contains(d.mark())) {
		return nil, err
	}
	return r, openErr
}

// Import puts a key from elsewhere into the ring, as staged, active or retired. A
// retired signing key only verifies, so its private half is dropped and a public
// key will do; any other needs its private half.
//
// It returns [ErrState] when state is another one, or is [Active] while the ring
// has an active key for that use; [ErrDuplicate] when the ring holds the key or
// once held it; [ErrNoKey] without a private half. Then nothing was written.
func (r *Ring) Import(ctx context.Context, k *Key, state State) error {
	return r.change(ctx, "import", k.id, func(d *document) error {
		switch state {
		case Staged, Retired:
		case Active:
			if slices.ContainsFunc(d.Keys, func(o record) bool { return o.Use == k.Use() && o.State == Active }) {
				return fmt.Errorf("%w: the ring has an active key for use %s; import this one as staged", ErrState, k.Use())
			}
		default:
			return fmt.Errorf("%w: a key is imported as staged, active or retired", ErrState)
		}
		return d.add(k, state, r.now())
	})
}

// change loads, decides and swaps until nobody came between. edit may be called
// several times, each time on a fresh copy.
func (r *Ring) change(ctx context.Context, what, kid string, edit func(*document) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		s, err := r.loadLocked(ctx)
		if err != nil {
			return err
		}
		next := s.document.clone()
		if err := edit(next); err != nil {
			return err
		}
		next.stamp(s.document.mark(), what, kid, r.now())
		if _, err := next.set(); err != nil {
			return err
		}
		data, err := sealBlob(next, s.slots, s.ringKey)
		if err != nil {
			return err
		}
		_, err = r.store.Swap(ctx, s.version, data)
		if errors.Is(err, ErrConflict) {
			continue
		}
		after, loadErr := r.loadLocked(ctx)
		if !errors.Is(err, ErrUnknownOutcome) || loadErr != nil {
			return err
		}
		// The nonce of the write settles whether it happened.
		if after.document.contains(next.mark()) {
			return nil
		}
	}
}

func (d *document) clone() *document {
	c := *d
	c.History = slices.Clone(d.History)
	c.Keys = slices.Clone(d.Keys)
	c.Log = slices.Clone(d.Log)
	return &c
}

func (d *document) add(k *Key, state State, now time.Time) error {
	r, err := newRecord(k, state)
	if err != nil {
		return err
	}
	r.Created = utc(now)
	switch state {
	case Active:
		r.Activated = r.Created
	case Retired:
		r.Retired = r.Created
	}
	inForce := d.Policy.windowDocument
	r.Windows = &inForce
	d.Keys = append(d.Keys, r)
	return nil
}

// stamp makes d the generation after previous.
func (d *document) stamp(previous mark, what, kid string, now time.Time) {
	if previous != (mark{}) {
		d.History = append(d.History, previous)
		d.History = d.History[max(0, len(d.History)-historyLength):]
	}
	nonce := make([]byte, nonceSize)
	rand.Read(nonce)
	d.Generation, d.Nonce = previous.Generation+1, strict.EncodeBase64URL(nonce)
	d.Log = append(d.Log, Event{Time: utc(now), Generation: d.Generation, By: actor(), What: what, KeyID: kid})
	d.Log = d.Log[max(0, len(d.Log)-logLength):]
}

// utc drops what would make two writes of the same time differ.
func utc(t time.Time) time.Time { return t.UTC().Round(0) }

// actor names who changes the ring, for its log.
func actor() string {
	name := fmt.Sprintf("uid %d", os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}
