package keys

import (
	"context"
	"fmt"
	"slices"
)

// Import puts a key from elsewhere into the ring, as staged, active or retired. A
// retired signing key only verifies, so its private half is dropped and a public
// key will do; any other needs its private half.
//
// It returns [ErrState] when state is another one, or is [Active] and the ring is
// not a new one without keys for that use, since other processes may use it already; [ErrDuplicate] when the ring holds the key or
// once held it; [ErrNoKey] without a private half. Then nothing was written.
func (r *Ring) Import(ctx context.Context, k *Key, state State) error {
	if k == nil {
		return fmt.Errorf("%w: nil key", ErrNoKey)
	}
	return r.change(ctx, func(d *draft) ([]entry, error) {
		switch state {
		case Staged, Retired:
		case Active:
			if slices.ContainsFunc(d.Keys, func(o record) bool { return o.Use == k.Use() && !o.Activated.IsZero() }) || d.Generation > 1 {
				return nil, fmt.Errorf("%w: only a new ring without an active key for use %s takes one; import this one as staged", ErrState, k.Use())
			}
		default:
			return nil, fmt.Errorf("%w: a key is imported as staged, active or retired", ErrState)
		}
		return []entry{{"import as " + string(state), k.id}}, d.add(k, state, r.now())
	})
}

// ImportInsecurely is Import of an active key that takes over at once, without
// waiting until others can know it; the key that was active retires. Tokens fail
// until they do: it is for moving from another system, before the first token.
func (r *Ring) ImportInsecurely(ctx context.Context, k *Key) error {
	if k == nil {
		return fmt.Errorf("%w: nil key", ErrNoKey)
	}
	return r.change(ctx, func(d *draft) ([]entry, error) {
		log := []entry{{"import as active", k.id}}
		if old := d.find(k.Use(), Active); old != nil {
			if err := old.retire(r.now()); err != nil {
				return nil, err
			}
			log = append(log, entry{string(Retire), old.ID})
		}
		return log, d.add(k, Active, r.now())
	})
}
