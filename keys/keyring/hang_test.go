package keyring

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// hangingStore hangs on demand. Each call hangs until it is released, whatever its context says.
// With heeds set a call returns when its context is done.
type hangingStore struct {
	Store
	mu         sync.Mutex
	load, swap chan struct{} // the next calls wait for these; nil: they do not hang
	late       bool          // a call reads or writes after the wait, and not before
	heeds      bool

	hung atomic.Int32 // calls that wait now
}

func (s *hangingStore) hang(load, swap chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load, s.swap = load, swap
}

func (s *hangingStore) wait(ctx context.Context, until chan struct{}) error {
	if until == nil {
		return nil
	}
	s.hung.Add(1)
	defer s.hung.Add(-1)
	if !s.heeds {
		<-until
		return nil
	}
	select {
	case <-until:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *hangingStore) Load(ctx context.Context) ([]byte, string, error) {
	s.mu.Lock()
	until := s.load
	s.mu.Unlock()
	doc, version, err := s.Store.Load(context.WithoutCancel(ctx))
	if err := s.wait(ctx, until); err != nil {
		return nil, "", err
	}
	return doc, version, err
}

func (s *hangingStore) Swap(ctx context.Context, prev string, doc []byte) (string, error) {
	s.mu.Lock()
	until, late := s.swap, s.late
	s.mu.Unlock()
	if late {
		if err := s.wait(ctx, until); err != nil {
			return "", err
		}
		return s.Store.Swap(context.WithoutCancel(ctx), prev, doc)
	}
	version, err := s.Store.Swap(ctx, prev, doc)
	if err := s.wait(ctx, until); err != nil {
		return "", errors.Join(err, ErrUnknownOutcome)
	}
	return version, err
}

// hangTest runs f with a ring over a store that hangs on demand, on a clock of its own. At the end
// it releases the calls that still hang.
func hangTest(t *testing.T, f func(*testing.T, *hangingStore, *Ring)) {
	t.Helper()
	for name, heeds := range map[string]bool{"it heeds its context": true, "it ignores its context": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &hangingStore{Store: NewMemStore(), heeds: heeds}
				f(t, store, must(Create(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t))
			})
		})
	}
}

// run runs r until the test calls stop, and counts what Run reports.
func (r *Ring) run(t *testing.T) (told *reportLog, stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	told = new(reportLog)
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx, told.report) }()
	return told, func() { cancel(); <-done }
}

func (l *reportLog) counts() (steps, errs int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.steps), len(l.errors)
}

// One Load of Run never answers, and the store works again right after it. The ring signs, rotates
// and revokes. Run has reported the Load.
func TestHungLoadHoldsNothing(t *testing.T) {
	hangTest(t, func(t *testing.T, store *hangingStore, r *Ring) {
		release := make(chan struct{})
		defer close(release)
		store.hang(release, nil)
		told, stop := r.run(t)
		defer stop()
		synctest.Wait()
		store.hang(nil, nil)
		time.Sleep(maxPatience + 2*runInterval)
		if _, errs := told.counts(); errs != 1 {
			t.Errorf("Run reported %d errors, want 1", errs)
		} else if err := told.errors[0]; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run reported %v", err)
		}
		time.Sleep(day)
		serves(t, r, true)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if _, err := r.Revoke(ctx, Revocation{KeyID: activeID(r, keys.UseSig)}); err != nil {
			t.Errorf("Revoke: %v", err)
		}
	})
}

// A store hangs for an hour. Run reports it again and again, even if no step is due. Few calls hang
// at a time. The ring works as soon as the store does.
func TestHungStoreIsReported(t *testing.T) {
	hangTest(t, func(t *testing.T, store *hangingStore, r *Ring) {
		release := make(chan struct{})
		store.hang(release, nil)
		told, stop := r.run(t)
		defer stop()
		time.Sleep(time.Hour + time.Minute)
		if steps, errs := told.counts(); steps != 0 || errs < 300 {
			t.Errorf("Run reported %d steps and %d errors in an hour", steps, errs)
		}
		if n := store.hung.Load(); int(n) > cap(r.calls) {
			t.Errorf("%d calls hang", n)
		}
		serves(t, r, false)
		if _, err := r.Reload(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Reload: %v", err)
		}
		store.hang(nil, nil)
		close(release)
		time.Sleep(maxPatience)
		serves(t, r, true)
	})
}

// Each call of a store that hangs ends with the context of its caller, or else with the bound of
// the ring.
func TestHungLoadEnds(t *testing.T) {
	for name, call := range map[string]func(context.Context, *Ring) error{
		"Policy":   func(ctx context.Context, r *Ring) error { _, err := r.Policy(ctx); return err },
		"NextStep": func(ctx context.Context, r *Ring) error { _, _, err := r.NextStep(ctx); return err },
		"Rotate":   func(ctx context.Context, r *Ring) error { _, err := r.Rotate(ctx); return err },
		"Revoke":   func(ctx context.Context, r *Ring) error { _, err := r.Revoke(ctx, Revocation{All: true}); return err },
		"Open": func(ctx context.Context, r *Ring) error {
			_, err := Open(ctx, Config{Store: r.store, KEK: r.kek})
			return err
		},
		"Create": func(ctx context.Context, r *Ring) error {
			_, err := Create(ctx, Config{Store: r.store, KEK: r.kek})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			hangTest(t, func(t *testing.T, store *hangingStore, r *Ring) {
				release := make(chan struct{})
				defer close(release)
				store.hang(release, nil)
				for _, c := range []struct {
					mine, want time.Duration
					err        error
				}{{time.Hour, maxPatience, context.DeadlineExceeded}, {time.Second, time.Second, context.DeadlineExceeded}, {-1, 3 * time.Second, context.Canceled}} {
					ctx, cancel := context.WithTimeout(t.Context(), c.mine)
					if c.mine < 0 {
						ctx, cancel = context.WithCancel(t.Context())
						time.AfterFunc(c.want, cancel)
					}
					start := time.Now()
					if err := call(ctx, r); !errors.Is(err, c.err) {
						t.Errorf("%v", err)
					}
					if took := time.Since(start); took != c.want {
						t.Errorf("a caller with %v waited %v, want %v", c.mine, took, c.want)
					}
					cancel()
				}
			})
		})
	}
}

// A short SnapshotAge leaves less time for a look.
func TestPatience(t *testing.T) {
	for age, want := range map[time.Duration]time.Duration{
		time.Nanosecond: leastPatience, time.Minute: time.Minute / 8, time.Hour: maxPatience, 30 * day: maxPatience,
	} {
		if got := (&snapshot{policy: Policy{SnapshotAge: age}}).patience(); got != want {
			t.Errorf("snapshot age %v: %v, want %v", age, got, want)
		}
	}
}

// A change waits for its store, here for a Swap. No reader waits for it.
func TestReadersPassAChange(t *testing.T) {
	hangTest(t, func(t *testing.T, store *hangingStore, r *Ring) {
		time.Sleep(31 * day) // a rotation is due
		must(r.Reload(t.Context()))(t)
		time.Sleep(reloadCooldown)
		release := make(chan struct{})
		store.hang(nil, release)
		_, stop := r.run(t)
		defer stop()
		defer close(release)
		synctest.Wait()
		if store.hung.Load() != 1 {
			t.Fatal("no Swap hangs")
		}
		for range 100 {
			start := time.Now()
			_, err := r.PublicKeys(t.Context(), "unknown")
			_, reloaded := r.Reload(t.Context())
			_, private := r.PrivateKeys(t.Context())
			_, _, _, published := r.Published()
			if err := errors.Join(err, reloaded, private, published); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took != 0 {
				t.Fatalf("a reader waited %v", took)
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
}
