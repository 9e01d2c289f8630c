package keyring

import (
	"context"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// drawnIn returns the kids in the documents that a store was asked to write, without the kids of
// before.
func drawnIn(t *testing.T, attempts [][]byte, before *document) (kids map[string]bool) {
	t.Helper()
	kids = make(map[string]bool)
	for _, data := range attempts {
		for _, k := range documentIn(t, data).Keys {
			if before.byID(k.ID) == nil {
				kids[k.ID] = true
			}
		}
	}
	return kids
}

// Another process changes the ring before each of many tries. The revocation makes its keys once.
// RSA keys take seconds, so a revocation that made them anew would never end.
func TestRevokeMakesKeysOnce(t *testing.T) {
	const conflicts = 50
	store := newTestStore()
	r := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
	other := openRing(t, store.Store, r.now)
	before := storedIn(t, store)
	n := 0
	store.setSwap(func(ctx context.Context, _ string, _ []byte) (bool, error) {
		if n++; n <= conflicts {
			writeGenerations(t, other, 1)
		}
		return false, nil
	})
	store.attempts = nil
	infos := must(r.Revoke(t.Context(), Revocation{All: true}))(t)
	if len(store.attempts) != conflicts+1 {
		t.Errorf("%d tries, want %d", len(store.attempts), conflicts+1)
	}
	// Each use has an active key and its successor.
	if kids := drawnIn(t, store.attempts, before); len(kids) != 4 || len(infos) != 8 {
		t.Errorf("%d keys were made, %d keys changed, want 4 and 8", len(kids), len(infos))
	}
	d := storedIn(t, store)
	for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
		if active, staged := d.find(u, Active), d.find(u, Staged); active == nil || staged == nil || active.ID == staged.ID {
			t.Errorf("use %s has the active key %v and the successor %v", u, active, staged)
		}
	}
}

// Another process sets a policy that does not fit a key of the last try.
func TestRevokeFollowsThePolicy(t *testing.T) {
	store := newTestStore()
	r := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
	other := openRing(t, store.Store, r.now)
	before := storedIn(t, store)
	store.once(func(context.Context, string, []byte) (bool, error) {
		err := other.UpdatePolicy(t.Context(), func(p *Policy) { p.Sig.Suites = []keys.Suite{keys.EdDSA} })
		return err != nil, err
	})
	store.attempts = nil
	must(r.Revoke(t.Context(), Revocation{KeyID: activeID(r, keys.UseSig)}))(t)
	if kids := drawnIn(t, store.attempts, before); len(kids) != 4 {
		t.Errorf("%d keys were made, want 2 of each suite", len(kids))
	}
	d := storedIn(t, store)
	for _, s := range []State{Active, Staged} {
		if k := d.find(keys.UseSig, s); k.Suite != keys.EdDSA.String() {
			t.Errorf("the %s key is for %s, want %v", s, k.Suite, keys.EdDSA)
		}
	}
}

// The keys are real RSA keys, and another process writes five times a second.
func TestRevokeRSABesideAWriter(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes eight RSA keys")
	}
	store := NewMemStore()
	var p Policy
	p.Sig.Suites, p.Enc.Suites = []keys.Suite{keys.RS256}, []keys.Suite{keys.RSAOAEP256}
	r := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t), Policy: p}))(t)
	other := openRing(t, store, r.now)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.Tick(200 * time.Millisecond); ; {
			other.UpdatePolicy(ctx, func(p *Policy) { p.MaxAge ^= time.Second })
			select {
			case <-ctx.Done():
				return
			case <-tick:
			}
		}
	}()
	must(r.Revoke(ctx, Revocation{All: true}))(t)
	stop()
	<-done
}
