//go:build unix

package filestore

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// An attacker or a disk changes the file of a ring that a service has open. No process opens the
// file, and no change by the service replaces it: an operator must look at the fault, and a write
// would destroy the evidence and a chance of repair. Once the old file is back everything works
// again.
func TestRingFileDamagedBesideAService(t *testing.T) {
	other := newStore(t)
	createRing(t, other, keyring.Policy{})
	foreign, err := os.ReadFile(other.path)
	must(t, err)
	for name, c := range map[string]struct {
		damage func(doc []byte) []byte
		want   error
	}{
		"a bit of the slots":       {func(d []byte) []byte { d[60] ^= 1; return d }, keyring.ErrUnreadable},
		"a bit of the ring":        {func(d []byte) []byte { d[len(d)/2] ^= 1; return d }, keyring.ErrUnreadable},
		"the last byte lost":       {func(d []byte) []byte { return d[:len(d)-1] }, keyring.ErrUnreadable},
		"the first half":           {func(d []byte) []byte { return d[:len(d)/2] }, keyring.ErrUnreadable},
		"one byte left":            {func(d []byte) []byte { return d[:1] }, keyring.ErrUnreadable},
		"empty":                    {func([]byte) []byte { return nil }, keyring.ErrUnreadable},
		"zeros of the same length": {func(d []byte) []byte { return make([]byte, len(d)) }, keyring.ErrUnreadable},
		"a page of zeros at last":  {func(d []byte) []byte { return append(d, make([]byte, 4096)...) }, keyring.ErrUnreadable},
		"an editor's line feed":    {func(d []byte) []byte { return append(d, '\n') }, keyring.ErrUnreadable},
		"twice":                    {func(d []byte) []byte { return append(d, d...) }, keyring.ErrUnreadable},
		"up to the largest size":   {func(d []byte) []byte { return append(d, bytes.Repeat([]byte(" "), MaxSize-len(d))...) }, keyring.ErrUnreadable},
		"one byte beyond it":       {func(d []byte) []byte { return append(d, bytes.Repeat([]byte(" "), MaxSize+1-len(d))...) }, ErrUnsafe},
		"a newer format":           {func(d []byte) []byte { return bytes.Replace(d, []byte(`"v":2`), []byte(`"v":3`), 1) }, keyring.ErrUnreadable},
		"another ring of this KEK": {func([]byte) []byte { return bytes.Clone(foreign) }, keyring.ErrRollback},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			ring := createRing(t, s, keyring.Policy{})
			good, err := os.ReadFile(s.path)
			must(t, err)
			bad := c.damage(bytes.Clone(good))
			must(t, os.WriteFile(s.path, bad, 0o600))

			if c.want != keyring.ErrRollback { // only a process with a checkpoint can tell another ring from its own
				if r, err := keyring.Open(t.Context(), keyring.Config{Store: New(s.path), KEK: testKEK()}); r != nil || !errors.Is(err, c.want) {
					t.Errorf("opened: %v, want %v", err, c.want)
				}
			}
			for what, change := range hostileChanges {
				if err := change(t.Context(), ring); !errors.Is(err, c.want) {
					t.Errorf("%s: %v, want %v", what, err, c.want)
				}
			}
			// The service still has its snapshot. A refusal would hurt its users only.
			if set, err := ring.PrivateKeys(t.Context()); err != nil {
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
			before.wantChanged(t, 1)
		})
	}
}

var hostileChanges = map[string]func(context.Context, *keyring.Ring) error{
	"rotate": func(ctx context.Context, r *keyring.Ring) error { _, err := r.Rotate(ctx); return err },
	"rewrap": func(ctx context.Context, r *keyring.Ring) error { return r.Rewrap(ctx, testKEK()) },
	"import": func(ctx context.Context, r *keyring.Ring) error {
		_, err := importNew(ctx, r, keyring.Staged)
		return err
	},
	"revoke": func(ctx context.Context, r *keyring.Ring) error {
		set, err := r.PrivateKeys(ctx)
		if err != nil {
			return err
		}
		k, err := set.SigningKey()
		if err != nil {
			return err
		}
		_, err = r.Revoke(ctx, keyring.Revocation{KeyID: k.ID(), Reason: "compromised"})
		return err
	},
}
