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

// hangingStore hangs on demand, each call until it is released, whatever its context says.
// With heeds it returns when its context is done.
type hangingStore struct {
	Store
	mu         sync.Mutex
	load, swap chan struct{} // what the next calls wait for; nil: they do not hang
	late       bool          // a call reads or writes after the wait, not before
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

// hangTest runs f with a ring over a store that hangs on demand, with a clock of its own.
// What still hangs at the end is released.
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
func (r *Ring) run(t *testing.T) (told *rotReports, stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	told = new(rotReports)
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx, told.report) }()
	return told, func() { cancel(); <-done }
}

func (l *rotReports) counts() (steps, errs int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.steps), len(l.errors)
}

// One Load of Run never answers, and the store works again right after: the ring signs, rotates
// and revokes, and Run has reported the Load.
func TestHungLoadHoldsNothing(t *testing.T) {
	hangTest(t, func(t *testing.T, store *hangingStore, r *Ring) {
		release := make(chan struct{})
		defer close(release)
		store.hang(release, nil)
		told, stop := r.run(t)
		defer stop()
		synctest.Wait()
		store.hang(nil, nil)
		time.Sleep(patience + 2*runInterval)
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

// Run reports a store that hangs for an hour again and again, also when nothing is due. The
// calls that never return stay few, and the ring works when the store does.
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
		if n := store.hung.Load(); n > maxCalls {
			t.Errorf("%d calls hang", n)
		}
		serves(t, r, false)
		if _, err := r.Reload(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Reload: %v", err)
		}
		store.hang(nil, nil)
		close(release)
		time.Sleep(patience)
		serves(t, r, true)
	})
}

// Each call of a hung store ends in time: with the context of its caller, or else with the
// bound of the ring.
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
				}{{time.Hour, patience, context.DeadlineExceeded}, {time.Second, time.Second, context.DeadlineExceeded}, {-1, 3 * time.Second, context.Canceled}} {
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
		time.Nanosecond: leastPatience, time.Minute: time.Minute / 8, time.Hour: patience, 30 * day: patience,
	} {
		if got := (&snapshot{policy: Policy{SnapshotAge: age}}).patience(); got != want {
			t.Errorf("snapshot age %v: %v, want %v", age, got, want)
		}
	}
}

// The answer of a Load that was given up refreshes the ring, if it is not older than the
// snapshot.
func TestLateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hangingStore{Store: NewMemStore()}
		cfg := Config{Store: store, KEK: rawKey(t)}
		r := must(Create(t.Context(), cfg))(t)
		other := must(Open(t.Context(), cfg))(t)
		// giveUp begins a Load, which reads generation n, and gives it up.
		giveUp := func(n uint64) (answer func()) {
			t.Helper()
			release := make(chan struct{})
			store.hang(release, nil)
			began := time.Now()
			_, err := r.Policy(t.Context())
			wantError(t, err, context.DeadlineExceeded)
			store.hang(nil, nil)
			return func() {
				t.Helper()
				close(release)
				synctest.Wait()
				if got := r.Checkpoint().Generation; got != n {
					t.Errorf("generation %d, want %d", got, n)
				}
				if r.snapshot.Load().loaded.Before(began) {
					t.Error("the snapshot is older than the Load")
				}
			}
		}
		late := giveUp(1)
		if _, err := r.Reload(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Reload: %v", err)
		}
		late()
		must(r.Reload(t.Context()))(t) // it answered after all

		rotWrite(t, other, 1)
		giveUp(2)() // newer than the snapshot

		late = giveUp(4) // reads generation 2, which is older by the time that it answers
		rotWrite(t, other, 2)
		must(r.Keys(t.Context()))(t)
		after := r.snapshot.Load()
		late()
		if r.snapshot.Load() != after {
			t.Error("a late answer replaced a newer one")
		}
		must(r.Reload(t.Context()))(t)
	})
}

// A late answer of the same generation does not make the snapshot older.
func TestLateAnswerOfTheSameGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hangingStore{Store: NewMemStore()}
		r := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
		release := make(chan struct{})
		store.hang(release, nil)
		_, err := r.Policy(t.Context())
		wantError(t, err, context.DeadlineExceeded)
		store.hang(nil, nil)
		time.Sleep(time.Hour)
		must(r.Policy(t.Context()))(t)
		close(release)
		synctest.Wait()
		if age := r.snapshot.Load().age(time.Now()); age != 0 {
			t.Errorf("the snapshot is %v old", age)
		}
	})
}

// An attacker sets the store back while a Load of the old ring is late: the late answer is
// dropped, and the next look refuses the old ring.
func TestLateAnswerIsNoRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hangingStore{Store: NewMemStore()}
		r := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
		old := blobOf(t, store)
		forked := storeWith(t, old)
		rotWrite(t, must(Open(t.Context(), Config{Store: forked, KEK: rawKey(t)}))(t), 1)
		release := make(chan struct{})
		_, version, _ := store.Store.Load(t.Context())
		must(store.Store.Swap(t.Context(), version, blobOf(t, forked)))(t)
		store.hang(release, nil)
		_, err := r.Policy(t.Context()) // reads the fork
		wantError(t, err, context.DeadlineExceeded)
		store.hang(nil, nil)
		put(t, store, old)
		rotWrite(t, r, 1)
		mine := r.Checkpoint()
		close(release)
		synctest.Wait()
		if got := r.Checkpoint(); got != mine {
			t.Errorf("the fork %v took the place of %v", got, mine)
		}
		put(t, store, old)
		_, err = r.Keys(t.Context())
		wantError(t, err, ErrRollback)
	})
}

// A change that waits for its store, here for a Swap, lets every reader pass.
func TestReadersPassAChange(t *testing.T) {
	hangTest(t, func(t *testing.T, store *hangingStore, r *Ring) {
		time.Sleep(31 * day) // a rotation is due
		rotMust(r.Reload(t.Context()))(t)
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

// A Swap that never answers has an unknown outcome. If it wrote, the next look finds it: the
// change is done.
func TestHungSwap(t *testing.T) {
	hangTest(t, func(t *testing.T, store *hangingStore, r *Ring) {
		release := make(chan struct{})
		defer close(release)
		revoked := activeID(r, keys.UseSig)
		store.hang(nil, release)
		start := time.Now()
		if _, err := r.Revoke(t.Context(), Revocation{KeyID: revoked}); err != nil {
			t.Errorf("written, and the answer is %v", err)
		}
		if took := time.Since(start); took > patience+swapGrace {
			t.Errorf("Revoke took %v", took)
		}
		if k := must(must(r.PrivateKeys(t.Context()))(t).SigningKey())(t); k.ID() == revoked {
			t.Error("the revoked key goes on signing")
		}
	})
}

// A Swap that writes after it was given up: the caller hears that the outcome is unknown, and
// the next call finds the key revoked.
func TestHungSwapWritesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hangingStore{Store: NewMemStore(), late: true}
		r := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
		v := Revocation{KeyID: activeID(r, keys.UseSig)}
		release := make(chan struct{})
		store.hang(nil, release)
		_, err := r.Revoke(t.Context(), v)
		wantError(t, err, ErrUnknownOutcome)
		store.hang(nil, nil)
		close(release)
		synctest.Wait()
		_, err = r.Revoke(t.Context(), v)
		wantError(t, err, ErrState)
		if got := r.Checkpoint().Generation; got != 2 {
			t.Errorf("generation %d, want 2", got)
		}
	})
}

// A caller who gives a Swap up hears soon that its outcome is unknown, and other changes go on.
func TestHungSwapEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hangingStore{Store: NewMemStore(), late: true}
		r := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
		release := make(chan struct{})
		defer close(release)
		store.hang(nil, release)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := r.Revoke(ctx, Revocation{KeyID: activeID(r, keys.UseSig)})
		wantError(t, err, ErrUnknownOutcome)
		if took := time.Since(start); took != time.Second+swapGrace {
			t.Errorf("Revoke took %v", took)
		}
		store.hang(nil, nil)
		must(r.Revoke(t.Context(), Revocation{All: true}))(t)
	})
}

// A write of unknown outcome that lands after it was looked for is not made twice.
func TestUnknownOutcomeLandsLate(t *testing.T) {
	store := newTestStore()
	r := newRing(t, store, newClock())
	var landed func()
	store.swap = func(_ context.Context, prev string, doc []byte) (bool, error) {
		if landed != nil {
			landed()
			return false, nil // a conflict
		}
		landed = func() { must(store.Store.Swap(t.Context(), prev, doc))(t) }
		return true, ErrUnknownOutcome
	}
	if _, err := r.Revoke(t.Context(), Revocation{All: true}); err != nil {
		t.Errorf("%v", err)
	}
	if got := r.Checkpoint().Generation; got != 2 {
		t.Errorf("generation %d, want 2", got)
	}
}

// hangingKEK and hangingMemory never answer.
type hangingKEK struct {
	KEK
	until chan struct{}
}

func (k hangingKEK) Wrap(context.Context, []byte) (WrappedKey, error) {
	<-k.until
	return WrappedKey{}, errDown
}

type hangingMemory struct {
	*memMemory
	until chan struct{}
}

func (m hangingMemory) Save(ctx context.Context, c Checkpoint) error {
	<-m.until
	return m.memMemory.Save(ctx, c)
}

// A KEK or a memory that hangs holds the changes of the ring no longer than a store does, and
// Run reports the memory.
func TestHungKEKAndMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := make(chan struct{})
		memory := new(memMemory)
		r := must(Create(t.Context(), Config{Store: NewMemStore(), KEK: rawKey(t), Memory: memory}))(t)
		wantError(t, r.Rewrap(t.Context(), hangingKEK{rawKey(t), until}), context.DeadlineExceeded)
		r.memory = hangingMemory{memory, until}
		must(r.Revoke(t.Context(), Revocation{All: true}))(t)
		told, stop := r.run(t)
		time.Sleep(time.Minute)
		if _, errs := told.counts(); errs == 0 {
			t.Error("Run reported nothing")
		}
		serves(t, r, true)
		close(until)
		time.Sleep(patience)
		stop()
		if memory.newest != r.Checkpoint() {
			t.Errorf("the memory has %v, want %v", memory.newest, r.Checkpoint())
		}
	})
}

// A panic of a store reaches the caller, who may recover from it.
func TestPanicOfAStore(t *testing.T) {
	store := newTestStore()
	r := newRing(t, store, newClock())
	store.swap = func(context.Context, string, []byte) (bool, error) { panic("a broken store") }
	defer func() {
		if recover() != "a broken store" {
			t.Error("it did not reach the caller")
		}
		store.swap = nil
		must(r.Revoke(t.Context(), Revocation{All: true}))(t)
	}()
	r.Revoke(t.Context(), Revocation{All: true})
}
