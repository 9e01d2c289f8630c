//go:build unix

package filestore

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// What somebody, or a disk, can make of a ring file while a service has the ring
// open. Nobody opens it, and no change of the service replaces it: what is wrong has
// to be looked at, and a write would end the evidence and the chance of a repair.
// With the file as it was everything goes on.
func TestRingFileDamagedBesideAService(t *testing.T) {
	other := newStore(t)
	createRing(t, other, keys.Policy{})
	foreign, err := os.ReadFile(other.path)
	must(t, err)
	for name, c := range map[string]struct {
		damage func(doc []byte) []byte
		want   error
	}{
		"a bit of the slots":       {func(d []byte) []byte { d[60] ^= 1; return d }, keys.ErrUnreadable},
		"a bit of the ring":        {func(d []byte) []byte { d[len(d)/2] ^= 1; return d }, keys.ErrUnreadable},
		"the last byte lost":       {func(d []byte) []byte { return d[:len(d)-1] }, keys.ErrUnreadable},
		"the first half":           {func(d []byte) []byte { return d[:len(d)/2] }, keys.ErrUnreadable},
		"one byte left":            {func(d []byte) []byte { return d[:1] }, keys.ErrUnreadable},
		"empty":                    {func([]byte) []byte { return nil }, keys.ErrUnreadable},
		"zeros of the same length": {func(d []byte) []byte { return make([]byte, len(d)) }, keys.ErrUnreadable},
		"a page of zeros at last":  {func(d []byte) []byte { return append(d, make([]byte, 4096)...) }, keys.ErrUnreadable},
		"an editor's line feed":    {func(d []byte) []byte { return append(d, '\n') }, keys.ErrUnreadable},
		"twice":                    {func(d []byte) []byte { return append(d, d...) }, keys.ErrUnreadable},
		"up to the largest size":   {func(d []byte) []byte { return append(d, bytes.Repeat([]byte(" "), MaxSize-len(d))...) }, keys.ErrUnreadable},
		"one byte beyond it":       {func(d []byte) []byte { return append(d, bytes.Repeat([]byte(" "), MaxSize+1-len(d))...) }, ErrUnsafe},
		"a newer format":           {func(d []byte) []byte { return bytes.Replace(d, []byte(`"v":1`), []byte(`"v":2`), 1) }, keys.ErrUnreadable},
		"another ring of this KEK": {func([]byte) []byte { return bytes.Clone(foreign) }, keys.ErrRollback},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			ring := createRing(t, s, keys.Policy{})
			good, err := os.ReadFile(s.path)
			must(t, err)
			bad := c.damage(bytes.Clone(good))
			must(t, os.WriteFile(s.path, bad, 0o600))

			if c.want != keys.ErrRollback { // he who knows no other takes this one for his
				if r, err := keys.Open(t.Context(), New(s.path), testKEK()); r != nil || !errors.Is(err, c.want) {
					t.Errorf("opened: %v, want %v", err, c.want)
				}
			}
			for what, change := range hostileChanges {
				if err := change(t.Context(), ring); !errors.Is(err, c.want) {
					t.Errorf("%s: %v, want %v", what, err, c.want)
				}
			}
			// The snapshot serves on: a reader is not the one to punish.
			if set, err := ring.Private(t.Context()); err != nil {
				t.Error(err)
			} else if _, err := set.SigningKey(); err != nil {
				t.Error(err)
			}
			if now, err := os.ReadFile(s.path); err != nil || !bytes.Equal(now, bad) {
				t.Errorf("the damaged ring was replaced (%v)", err)
			}
			wantFiles(t, filepath.Dir(s.path), "ring", "ring.lock")

			must(t, os.WriteFile(s.path, good, 0o600))
			before := picture(t, s.path)
			must(t, hostileChanges["revoke"](t.Context(), ring))
			before.wantNext(t)
		})
	}
}

var hostileChanges = map[string]func(context.Context, *keys.Ring) error{
	"rotate": func(ctx context.Context, r *keys.Ring) error { _, err := r.Rotate(ctx); return err },
	"rewrap": func(ctx context.Context, r *keys.Ring) error { return r.Rewrap(ctx, testKEK()) },
	"import": func(ctx context.Context, r *keys.Ring) error {
		k, err := keys.Generate(keys.ES256)
		if err != nil {
			return err
		}
		return r.Import(ctx, k, keys.Staged)
	},
	"revoke": func(ctx context.Context, r *keys.Ring) error {
		set, err := r.Private(ctx)
		if err != nil {
			return err
		}
		k, err := set.SigningKey()
		if err != nil {
			return err
		}
		_, err = r.Revoke(ctx, keys.Revocation{KeyID: k.ID(), Reason: "compromised"})
		return err
	},
}
