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
)

// Create makes a new ring in cfg.Store, with an active key for each use and its staged
// successor, and opens it. It never replaces a ring.
//
// It returns [ErrConfig] for a configuration without Store or KEK, [ErrExists] when the store has
// a ring, [ErrRollback] when the store is empty and cfg.Memory has seen a ring in it, and
// [ErrPolicy] for a policy that cannot work or for uses other than sig, enc or both; then nothing
// was written. After any other error, of the KEK, the store or the memory, the ring may exist;
// [OpenOrCreate] opens it then.
func Create(ctx context.Context, cfg Config) (*Ring, error) {
	return createAt(ctx, cfg, time.Now)
}

// OpenOrCreate opens the ring in cfg.Store, and creates one when the store is empty. Any
// number of processes may call it at once: one creates the ring, and the others open it.
//
// It returns the errors of [Open] and [Create], except [ErrExists], and [ErrNoRing] only
// beside [ErrRollback]: cfg.Memory has seen a ring in the store, which was emptied or is not
// mounted. A new ring can be made there once the Memory no longer knows the place.
func OpenOrCreate(ctx context.Context, cfg Config) (*Ring, error) {
	return openOrCreateAt(ctx, cfg, time.Now)
}

func openOrCreateAt(ctx context.Context, cfg Config, now func() time.Time) (*Ring, error) {
	r, err := openAt(ctx, cfg, now)
	if !errors.Is(err, ErrNoRing) || errors.Is(err, ErrRollback) {
		return r, err
	}
	r, createErr := createAt(ctx, cfg, now)
	if !errors.Is(createErr, ErrExists) && !errors.Is(createErr, ErrUnknownOutcome) {
		return r, createErr
	}
	// Another process made the ring first, or the write of unknown outcome happened.
	r, err = openAt(ctx, cfg, now)
	if err != nil && errors.Is(createErr, ErrUnknownOutcome) {
		return nil, createErr
	}
	return r, err
}

func createAt(ctx context.Context, cfg Config, now func() time.Time) (*Ring, error) {
	seen, err := cfg.recall(ctx)
	if err != nil {
		return nil, err
	}
	c := patience.NewCalls()
	empty, _, err := patience.Within(ctx, c, patience.Bound{Who: "the store", Limit: maxPatience}, func(ctx context.Context) (string, error) {
		_, version, err := loadRing(ctx, cfg.Store)
		return version, err
	})
	switch {
	case err == nil:
		return nil, ErrExists
	case !errors.Is(err, ErrNoRing):
		return nil, err
	case seen.here != (Checkpoint{}):
		return nil, vanished(seen.here, err)
	}
	d, err := newDocument(cfg, now())
	if err != nil {
		return nil, err
	}
	key := newRingKey()
	own, err := wrap(ctx, c, cfg.KEK, key)
	if err != nil {
		return nil, err
	}
	d.stamp(Checkpoint{}, now(), logEntry{what: "create"})
	data, err := sealBlob(d, []slot{own}, key)
	if err != nil {
		return nil, err
	}
	_, _, err = swapWithin(ctx, c, cfg.Store, empty, data)
	if errors.Is(err, ErrConflict) {
		return nil, ErrExists
	}
	if err != nil && !errors.Is(err, ErrUnknownOutcome) {
		return nil, err
	}
	r, openErr := openSince(ctx, cfg, seen, now)
	if err != nil && (openErr != nil || !r.snapshot.Load().document.contains(d.checkpoint())) {
		return nil, err
	}
	return r, openErr
}

// newDocument returns a ring with its first keys.
func newDocument(cfg Config, now time.Time) (*document, error) {
	policy := cfg.Policy.withDefaults()
	if err := policy.Validate(); err != nil {
		return nil, err
	}
	d := &document{Version: documentVersion, Policy: newPolicyDocument(policy)}
	uses := cfg.Uses
	if len(uses) == 0 {
		uses = []keys.Use{keys.UseSig, keys.UseEnc}
	}
	for i, u := range uses {
		if u != keys.UseSig && u != keys.UseEnc || slices.Contains(uses[:i], u) {
			return nil, fmt.Errorf("%w: the uses of a ring are sig, enc or both", ErrPolicy)
		}
		for _, state := range []State{Active, Staged} {
			k, err := newKey(policy.forUse(u).Suites[0], state)
			if err != nil {
				return nil, err
			}
			d.add(k, now)
		}
	}
	return d, nil
}

// Import puts keys from another system into the ring, as staged, active or retired, and
// returns their kids. The data is a JWK or PEM, as [keys.ParseKey] reads it with hint, or a
// JWK Set (RFC 7517 section 5) of such keys, which all go in, or none. A retired signing key
// only verifies: Import drops its private half, and accepts a public key. Every other key
// needs its private half.
//
// It returns
//   - [ErrState] for any other state, for a ring that holds 64 keys or is full, for two active
//     keys for one use, and for [Active] unless nothing changed the ring since [Create] and the
//     ring has no keys for that use: other processes may use the active key already;
//   - [keys.ErrDuplicate] when the ring holds a key or once held it, or a key comes twice;
//   - [keys.ErrNoKey] when a private half is missing;
//   - the errors of ParseKey and of the store.
//
// Except after [ErrUnknownOutcome], an error means that nothing was written.
func (r *Ring) Import(ctx context.Context, data []byte, hint keys.Hint, state State) (kids []string, err error) {
	if state != Staged && state != Active && state != Retired {
		return nil, fmt.Errorf("%w: a key is imported as staged, active or retired", ErrState)
	}
	return r.importKeys(ctx, data, hint, state, func(d *draft, use keys.Use) ([]logEntry, error) {
		isOld := func(o record) bool { return o.Use == use && !o.Activated.IsZero() }
		if state == Active && (slices.ContainsFunc(d.Keys, isOld) || d.Generation > 1) {
			return nil, fmt.Errorf("%w: only a new ring without an active key for use %s takes one; import this one as staged", ErrState, use)
		}
		return nil, nil
	})
}

// ImportInsecurely imports an active key that takes over at once, before other parties can
// know it. The key that was active retires. Tokens fail until the other parties know the
// imported key, so it is for a move from another system, before the first token. It returns
// the errors of [Ring.Import].
func (r *Ring) ImportInsecurely(ctx context.Context, data []byte, hint keys.Hint) (kids []string, err error) {
	return r.importKeys(ctx, data, hint, Active, func(d *draft, use keys.Use) ([]logEntry, error) {
		old := d.find(use, Active)
		if old == nil {
			return nil, nil
		}
		return []logEntry{{string(Retire), old.ID}}, old.retire(r.now())
	})
}

// importKeys adds all keys in one change. Before it adds a key, it calls makeWay, which may
// refuse the key or retire another one, and returns lines for the log.
func (r *Ring) importKeys(ctx context.Context, data []byte, hint keys.Hint, state State,
	makeWay func(*draft, keys.Use) ([]logEntry, error)) (kids []string, err error) {
	records, err := newRecords(data, hint, state)
	if err != nil {
		return nil, err
	}
	for _, k := range records {
		kids = append(kids, k.ID)
	}
	return kids, r.change(ctx, func(_ context.Context, d *draft) (log []logEntry, err error) {
		for _, k := range records {
			if err := d.checkHeld(); err != nil {
				return nil, err
			}
			others, err := makeWay(d, k.Use)
			if err != nil {
				return nil, err
			}
			d.add(k, r.now())
			log = append(append(log, logEntry{"import as " + string(state), k.ID}), others...)
		}
		return log, nil
	})
}

// newRecords returns the records of the keys in a JWK Set, or of the only key in the data.
func newRecords(data []byte, hint keys.Hint, state State) (records []record, err error) {
	all, err := jwk.Split(data)
	if err != nil {
		return nil, err
	}
	active := make(map[keys.Use]bool)
	for i, one := range all {
		r, err := newRecord(one, hint, state)
		switch {
		case err == nil && state == Active && active[r.Use]:
			err = fmt.Errorf("%w: another active key for use %s", ErrState, r.Use)
		case err == nil:
			active[r.Use] = true
			records = append(records, r)
			continue
		}
		if len(all) > 1 {
			err = fmt.Errorf("key %d of the JWK Set: %w", i, err)
		}
		return nil, err
	}
	return records, nil
}

// newRecord returns the record of a key that comes as a JWK or PEM, with the suite or the use
// of hint. A retired signing key has nothing left to sign, so its private half is dropped.
func newRecord(data []byte, hint keys.Hint, state State) (record, error) {
	k, err := keys.ParseKey(data, hint)
	if err != nil {
		return record{}, err
	}
	r := record{ID: k.ID(), Thumbprint: k.Thumbprint(), Suite: k.Suite().String(), Use: k.Use(), State: state}
	if k.Use() == keys.UseSig && state == Retired {
		r.JWK, err = publicJWK(k)
		return r, err
	}
	if !k.HasPrivate() {
		return record{}, fmt.Errorf("%w: it has no private half", keys.ErrNoKey)
	}
	j, err := jwk.Parse(data)
	if err != nil {
		return record{}, err
	}
	r.JWK, err = jwk.Marshal(j.Private, k.ID(), string(k.Use()), k.Suite().Alg())
	return r, err
}

func publicJWK(k *keys.Key) ([]byte, error) {
	return jwk.Marshal(k.Public(), k.ID(), string(k.Use()), k.Suite().Alg())
}
