package keyring

import (
	"context"
	"fmt"
	"slices"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/nilcheck"
)

// AddKEK lets kek open the ring too, beside those that do. It returns [ErrState] when
// the ring has 8 already, or one with the same id, such as another passphrase: to
// replace one is to drop one, which [Ring.Rewrap] does under a new ring key.
func (r *Ring) AddKEK(ctx context.Context, kek KEK) error {
	if nilcheck.IsNil(kek) {
		return fmt.Errorf("%w: it is nil", ErrKEK)
	}
	return r.change(ctx, func(ctx context.Context, d *draft) ([]logEntry, error) {
		if slices.ContainsFunc(d.slots, func(s slot) bool { return s.KEK == kek.ID() }) {
			return nil, fmt.Errorf("%w: the ring has the key encryption key %s already", ErrState, kek.ID())
		}
		if len(d.slots) == maxSlots {
			return nil, fmt.Errorf("%w: the ring has %d key encryption keys, and no room for another", ErrState, maxSlots)
		}
		own, err := wrap(ctx, kek, d.ringKey)
		if err != nil {
			return nil, err
		}
		d.slots = append(slices.Clone(d.slots), own)
		return []logEntry{{what: "add KEK " + kek.ID()}}, nil
	})
}

// Rewrap encrypts the ring under a new ring key that the given KEKs open, and no
// others: this is how a KEK is dropped. It has to be given all that stay, since what
// opened the old ring key must not open the new one. Who has an old copy of the ring
// and the dropped KEK still opens that copy: rotate too if the KEK is compromised.
func (r *Ring) Rewrap(ctx context.Context, keks ...KEK) error {
	if len(keks) == 0 || len(keks) > maxSlots {
		return fmt.Errorf("%w: a ring has 1 to %d key encryption keys", ErrState, maxSlots)
	}
	if slices.ContainsFunc(keks, func(k KEK) bool { return nilcheck.IsNil(k) }) {
		return fmt.Errorf("%w: one is nil", ErrKEK)
	}
	return r.change(ctx, func(ctx context.Context, d *draft) ([]logEntry, error) {
		d.ringKey, d.slots, d.kek = newRingKey(), nil, keks[0]
		for _, kek := range keks {
			own, err := wrap(ctx, kek, d.ringKey)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(d.slots, func(s slot) bool { return s.KEK == kek.ID() }) {
				return nil, fmt.Errorf("%w: the KEK %s is given twice", keys.ErrDuplicate, kek.ID())
			}
			d.slots = append(d.slots, own)
		}
		return []logEntry{{what: "rewrap"}}, nil
	})
}

// KEKs returns the ids of the key encryption keys that open the ring.
func (r *Ring) KEKs(ctx context.Context) ([]string, error) {
	s, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(s.slots))
	for _, slot := range s.slots {
		ids = append(ids, slot.KEK)
	}
	return ids, nil
}
