package keyring

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// watchedStore is a MemStore that is a Watcher and counts loads.
type watchedStore struct {
	Store
	mu    sync.Mutex
	signs map[int]chan struct{} // of the present watches
	next  int
	loads int
	watch func(ctx context.Context, sign func(bool)) error // replaces Watch
}

func newWatchedStore() *watchedStore {
	return &watchedStore{Store: NewMemStore(), signs: make(map[int]chan struct{})}
}

func (s *watchedStore) Load(ctx context.Context) ([]byte, string, error) {
	s.mu.Lock()
	s.loads++
	s.mu.Unlock()
	return s.Store.Load(ctx)
}

func (s *watchedStore) Swap(ctx context.Context, prev string, doc []byte) (string, error) {
	version, err := s.Store.Swap(ctx, prev, doc)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range s.signs {
			select {
			case c <- struct{}{}:
			default:
			}
		}
	}
	return version, err
}

func (s *watchedStore) Watch(ctx context.Context, sign func(changed bool)) error {
	if s.watch != nil {
		return s.watch(ctx, sign)
	}
	changes := make(chan struct{}, 1)
	s.mu.Lock()
	id := s.next
	s.next++
	s.signs[id] = changes
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.signs, id)
	}()
	alive := time.NewTicker(2 * time.Second)
	defer alive.Stop()
	for sign(false); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changes:
			sign(true)
		case <-alive.C:
			sign(false)
		}
	}
}

func (s *watchedStore) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loads
}

// One of ten services revokes a key. The others refuse it milliseconds later, although they load
// the ring only every ten seconds.
func TestWatchedRevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore()
		rings := []*Ring{must(Create(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)}
		for range 9 {
			rings = append(rings, must(Open(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t))
		}
		ctx, cancel := context.WithCancel(t.Context())
		var told reportLog
		var wg sync.WaitGroup
		for _, r := range rings {
			wg.Go(func() { r.Run(ctx, told.report) })
		}
		time.Sleep(time.Minute)
		for range 20 {
			time.Sleep(30 * time.Second)
			before, kid := store.count(), activeID(rings[0], keys.UseSig)
			if _, err := rings[0].Revoke(ctx, Revocation{KeyID: kid}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(30 * time.Millisecond)
			synctest.Wait()
			for i, r := range rings {
				if active := activeID(r, keys.UseSig); active == kid || active != activeID(rings[0], keys.UseSig) {
					t.Errorf("ring %d has the revoked key or another one", i)
				}
			}
			if n := store.count() - before; n > 30 {
				t.Errorf("%d loads because of a revocation", n)
			}
		}
		before := store.count()
		time.Sleep(1000 * time.Second)
		if n := store.count() - before; n < 10*1000/15 || n > 10*1000/5 {
			t.Errorf("%d loads by ten rings in 1000 s", n)
		}
		cancel()
		wg.Wait()
		if len(told.errors) != 0 || len(store.signs) != 0 {
			t.Errorf("errors %v, and %d watches are left", told.errors, len(store.signs))
		}
	})
}

// A watch changes the order in which processes learn of a step. It changes no step: each is done
// once, by the clock. A hint wakes nine of ten rings, and they do not race for the step.
func TestWatchedSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore()
		counted := newTestStore()
		counted.Store = store
		counted.setSwap(func(context.Context, string, []byte) (bool, error) {
			time.Sleep(50 * time.Millisecond) // so that two can swap at once
			return false, nil
		})
		policy := fastPolicy()
		var rings []*Ring
		for i := range 10 {
			cfg := Config{Store: watchedTestStore{counted, store}, KEK: rawKey(t), Policy: policy}
			if i == 0 {
				rings = append(rings, must(Create(t.Context(), cfg))(t))
			} else {
				rings = append(rings, must(Open(t.Context(), cfg))(t))
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var told reportLog
		var wg sync.WaitGroup
		for _, r := range rings {
			wg.Go(func() { r.Run(ctx, told.report) })
		}
		time.Sleep(4 * time.Hour)
		synctest.Wait()
		cancel()
		wg.Wait()
		if len(told.errors) != 0 || len(told.steps) < 20 {
			t.Errorf("%d steps, errors %v", len(told.steps), told.errors)
		}
		if done, tried := len(counted.written), len(counted.attempts); tried > done+done/5 {
			t.Errorf("%d swaps were tried for %d that succeeded", tried, done)
		}
		checkHistory(t, counted.written)
		checkOnTime(t, storedIn(t, store), keys.UseSig, policy.Sig.Period, 2*policy.Windows().SignKept, 30*time.Second) // the time of two looks
	})
}

// watchedTestStore is a testStore that can be watched.
type watchedTestStore struct {
	*testStore
	Watcher
}

// A snapshot may be two seconds old at most. It is loaded in time, whatever the watch does.
func TestWatchedShortSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore()
		policy := fastPolicy()
		policy.SnapshotAge = 2 * time.Second
		r := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t), Policy: policy}))(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx, nil) }()
		for range 1000 {
			time.Sleep(100 * time.Millisecond)
			if _, _, _, err := r.Published(); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		<-done
	})
}

// A watch that fails gives no hints, and Run reports it.
func TestWatchFails(t *testing.T) {
	errWatch := errors.New("no permission to watch")
	forever := make(chan struct{})
	for name, c := range map[string]struct {
		watch func(context.Context, func(bool)) error
		told  bool
		ends  time.Duration // how long Run takes to end
	}{
		"ends":        {func(context.Context, func(bool)) error { return errWatch }, true, 0},
		"is silent":   {func(ctx context.Context, _ func(bool)) error { <-ctx.Done(); return ctx.Err() }, false, 0},
		"never comes": {func(context.Context, func(bool)) error { <-forever; return nil }, false, swapGrace},
	} {
		t.Run(name, func(t *testing.T) {
			store := newWatchedStore()
			store.watch = c.watch
			synctest.Test(t, func(t *testing.T) {
				forever = make(chan struct{})
				a := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
				b := must(Open(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
				ctx, cancel := context.WithCancel(t.Context())
				var told reportLog
				done := make(chan error, 1)
				go func() { done <- b.Run(ctx, told.report) }()
				time.Sleep(10 * time.Minute)
				kid := activeID(a, keys.UseSig)
				if _, err := a.Revoke(ctx, Revocation{KeyID: kid}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(3 * runInterval / 2)
				if activeID(b, keys.UseSig) == kid {
					t.Error("the revoked key is active after 1.5 s")
				}
				cancel()
				start := time.Now()
				if err := <-done; err != context.Canceled || time.Since(start) != c.ends {
					t.Errorf("it ended with %v after %v", err, time.Since(start))
				}
				close(forever)
				for _, err := range told.errors {
					wantError(t, err, errWatch)
				}
				if n := len(told.errors); (n > 0) != c.told || n > 60 {
					t.Errorf("%d errors were told", n)
				}
			})
		})
	}
}

// A load fails after a hint. It is tried again within seconds, because the hint does not come
// again.
func TestWatchedLoadFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore()
		counted := newTestStore()
		counted.Store = store
		a := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
		b := must(Open(t.Context(), Config{Store: watchedTestStore{counted, store}, KEK: rawKey(t)}))(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx, nil) }()
		time.Sleep(time.Minute)
		for range 20 {
			time.Sleep(20 * time.Second)
			kid := activeID(a, keys.UseSig)
			counted.setDown(errDown)
			if _, err := a.Revoke(ctx, Revocation{KeyID: kid}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
			counted.setLoad(nil)
			time.Sleep(3 * runInterval / 2)
			if activeID(b, keys.UseSig) == kid {
				t.Error("the revoked key is active after 1.5 s")
			}
		}
		cancel()
		<-done
	})
}
