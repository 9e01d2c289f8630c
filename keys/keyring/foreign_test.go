package keyring

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// foreignKEK is a KEK of another package. It may change the bytes that it gets.
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

// A KEK that wipes its input does not wipe the ring key. A KEK that cannot unwrap its own output
// gets no slot, because the ring would be lost.
func TestForeignKEK(t *testing.T) {
	for name, c := range map[string]struct {
		kek  foreignKEK
		want error
	}{
		"wipes": {foreignKEK{KEK: rawKey(t), wipes: true}, nil},
		"loses": {foreignKEK{KEK: rawKey(t), loses: true}, ErrKEK},
	} {
		store := NewMemStore()
		ring := newRing(t, store, newClock().now)
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

// namedKEK is a KEK of another package with its own id and text.
type namedKEK struct {
	KEK
	id, jwe, wrapped string
}

func (k namedKEK) ID() string { return k.id }

func (k namedKEK) Wrap(ctx context.Context, ringKey []byte) (WrappedKey, error) {
	w, err := k.KEK.Wrap(ctx, ringKey)
	return WrappedKey{JWE: w.JWE + k.jwe, Wrapped: k.wrapped}, err
}

func (k namedKEK) Unwrap(ctx context.Context, w WrappedKey) ([]byte, error) {
	return k.KEK.Unwrap(ctx, WrappedKey{JWE: strings.TrimSuffix(w.JWE, k.jwe)})
}

// A slot that JSON would change, or that leaves no room for a revocation, is not written. The error
// names the KEK and not the ring.
func TestSlotsAreBounded(t *testing.T) {
	const id = "arn:aws:kms:eu-central-1:1:key/x"
	for name, c := range map[string]struct {
		kek  namedKEK
		want string
	}{
		"as a KMS":         {namedKEK{id: id, wrapped: strings.Repeat("w", 6144)}, ""},
		"longest id":       {namedKEK{id: strings.Repeat("i", 256)}, ""},
		"any text":         {namedKEK{id: id, wrapped: "<&>\u2028\n\x00"}, ""},
		"no id":            {namedKEK{}, "its id must be 1 to 256 characters"},
		"long id":          {namedKEK{id: strings.Repeat("i", 257)}, "its id must be 1 to 256 characters"},
		"bytes in the id":  {namedKEK{id: "kms\xff"}, "its id must be"},
		"control in an id": {namedKEK{id: "kms\x1b[2J"}, "its id must be"},
		"bytes wrapped":    {namedKEK{id: id, wrapped: "\x01\xff"}, "are not text: give them in base64url"},
		"bytes in the JWE": {namedKEK{id: id, jwe: "\xff"}, "are not text: give them in base64url"},
		"much wrapped":     {namedKEK{id: id, wrapped: strings.Repeat("w", maxSlot)}, "takes at most 32768"},
		"many escapes":     {namedKEK{id: id, wrapped: strings.Repeat("\x01", maxSlot/6)}, "takes at most 32768"},
		"a long JWE":       {namedKEK{id: id, jwe: strings.Repeat(".", maxSlot)}, "takes at most 32768"},
	} {
		c.kek.KEK = rawKey(t)
		store, empty := NewMemStore(), NewMemStore()
		ring := newRing(t, store, newClock().now)
		before := blobOf(t, store)
		_, err := Create(t.Context(), Config{Store: empty, KEK: c.kek})
		for what, err := range map[string]error{"create": err, "add": ring.AddKEK(t.Context(), c.kek), "rewrap": ring.Rewrap(t.Context(), c.kek)} {
			if c.want == "" && err == nil {
				continue
			}
			if wantError(t, err, ErrKEK); c.want == "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %v, want %q", name, what, err, c.want)
			}
		}
		if c.want == "" {
			_, err = Open(t.Context(), Config{Store: store, KEK: c.kek})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if _, _, err := empty.Load(t.Context()); err == nil || !bytes.Equal(blobOf(t, store), before) {
			t.Errorf("%s: the ring was written", name)
		}
	}
}
