package keyring

import (
	"bytes"
	"context"
	"testing"
)

// foreignKEK is a KEK of another package, which may do anything with the bytes it is given.
type foreignKEK struct {
	KEK
	wipes, loses bool
}

func (k foreignKEK) ID() string { return "foreign" }

func (k foreignKEK) Wrap(ctx context.Context, ringKey []byte) (WrappedKey, error) {
	w, err := k.KEK.Wrap(ctx, ringKey)
	if k.wipes {
		clear(ringKey)
	}
	if k.loses {
		w = WrappedKey{}
	}
	return w, err
}

// A KEK that wipes what it has wrapped does not wipe the key of the ring, and a KEK that
// cannot unwrap its own work gets no slot: the ring would be lost.
func TestForeignKEK(t *testing.T) {
	for name, c := range map[string]struct {
		kek  foreignKEK
		want error
	}{
		"wipes": {foreignKEK{KEK: rawKey(t), wipes: true}, nil},
		"loses": {foreignKEK{KEK: rawKey(t), loses: true}, ErrKEK},
	} {
		store := NewMemStore()
		ring := newRing(t, store, newClock())
		before := blobOf(t, store)
		for what, change := range map[string]func() error{
			"add":    func() error { return ring.AddKEK(t.Context(), c.kek) },
			"rewrap": func() error { return ring.Rewrap(t.Context(), c.kek) },
		} {
			err := change()
			if c.want != nil {
				wantError(t, err, c.want)
				if !bytes.Equal(blobOf(t, store), before) {
					t.Errorf("%s, %s: the ring was written", name, what)
				}
				continue
			}
			if err != nil && what == "rewrap" {
				t.Errorf("%s, %s: %v", name, what, err)
			}
			if _, err := Open(t.Context(), Config{Store: store, KEK: c.kek}); err != nil {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		empty := NewMemStore()
		if _, err := Create(t.Context(), Config{Store: empty, KEK: c.kek}); (err != nil) != (c.want != nil) {
			t.Errorf("%s, create: %v", name, err)
		}
		if _, _, err := empty.Load(t.Context()); (err == nil) != (c.want == nil) {
			t.Errorf("%s, create: the store: %v", name, err)
		}
	}
}
