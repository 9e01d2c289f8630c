package keyring

import (
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// Many readers use two rings over one store, and two importers change each ring, while time passes.
func TestConcurrentUse(t *testing.T) {
	const imports = 10
	c, store := newClock(), NewMemStore()
	rings := []*Ring{newRing(t, store, c.now), openRing(t, store, c.now)}
	first := keyCount(rings[0])
	var readers, importers sync.WaitGroup
	done := make(chan struct{})
	for _, r := range rings {
		for range 8 {
			readers.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-done:
						return
					default:
					}
					checkUsable(t, r, n)
				}
			})
		}
		for _, suite := range []keys.Suite{keys.EdDSA, keys.ECDHES} {
			importers.Go(func() {
				for range imports {
					c.advance(time.Minute) // 40 minutes in all, which do not make a snapshot stale
					if err := r.importOwn(t.Context(), generated(t, suite), Staged); err != nil {
						t.Errorf("import: %v", err)
					}
				}
			})
		}
	}
	importers.Wait()
	close(done)
	readers.Wait()
	for _, r := range rings {
		infos, err := r.Keys(t.Context())
		if err != nil || len(infos) != first+4*imports {
			t.Errorf("%d keys, %v", len(infos), err)
		}
		if g := r.snapshot.Load().document.Generation; g != 1+4*imports {
			t.Errorf("generation %d", g)
		}
	}
}

func checkUsable(t *testing.T, r *Ring, n int) {
	t.Helper()
	s, err := r.PrivateKeys(t.Context())
	if err == nil && n%3 == 0 {
		s, err = r.Reload(t.Context())
	}
	if err != nil {
		t.Error(err)
		return
	}
	fit := s.DecryptionKeys(keys.Header{Alg: "RSA-OAEP-256"})
	if _, err := s.SigningKey(); err != nil || len(fit) != 0 {
		t.Error(err)
	}
	kid := ""
	if n%2 == 0 {
		kid = "unknown"
	}
	if p, err := r.PublicKeys(t.Context(), kid); err != nil || len(p.Keys()) < 2 {
		t.Error(err)
	}
}

// While the snapshot is good, only one caller waits for a slow store.
func TestSlowStore(t *testing.T) {
	c, store := newClock(), newTestStore()
	ring := newRing(t, store, c.now)
	entered, release := make(chan struct{}), make(chan struct{})
	ring.store = slowStore{store, entered, release}
	c.advance(time.Minute)
	var wg sync.WaitGroup
	wg.Go(func() { serves(t, ring, true) })
	<-entered
	serves(t, ring, true) // this call does not wait
	close(release)
	wg.Wait()
}
