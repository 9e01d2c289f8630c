package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
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
	if kek == nil {
		return nil, fmt.Errorf("%w: it is nil", ErrKEK)
	}
	if _, _, err := store.Load(ctx); !errors.Is(err, ErrNoRing) {
		if err != nil {
			return nil, err
		}
		return nil, ErrExists
	}
	d, err := newDocument(cfg, now())
	if err != nil {
		return nil, err
	}
	key := newRingKey()
	wrapped, err := kek.wrap(key())
	if err != nil {
		return nil, err
	}
	d.stamp(Mark{}, now(), entry{what: "create"})
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

// newDocument makes the first keys of a ring.
func newDocument(cfg RingConfig, now time.Time) (*document, error) {
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
			if err := d.add(k, state, now); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}
