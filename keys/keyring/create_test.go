package keyring

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

func TestOpenOrCreate(t *testing.T) {
	c, store := newClock(), newTestStore()
	cfg := Config{Store: store, KEK: rawKey(t), Uses: []keys.Use{keys.UseEnc}}
	made := must(openOrCreateAt(t.Context(), cfg, c.now))(t)
	before := blobOf(t, store)
	opened := must(openOrCreateAt(t.Context(), cfg, c.now))(t)
	if !bytes.Equal(before, blobOf(t, store)) {
		t.Error("opening a ring changed it")
	}
	if kid := activeID(made, keys.UseEnc); kid == "" || kid != activeID(opened, keys.UseEnc) || activeID(opened, keys.UseSig) != "" {
		t.Errorf("created with key %q, opened with %q", kid, activeID(opened, keys.UseEnc))
	}
}

// Goroutines stand for the processes of a service that start at once.
func TestOpenOrCreateTogether(t *testing.T) {
	for range 20 {
		store, kek := NewMemStore(), rawKey(t)
		var mu sync.Mutex
		var wg sync.WaitGroup
		kids := map[string]int{}
		for range 4 {
			wg.Go(func() {
				r, err := OpenOrCreate(t.Context(), Config{Store: store, KEK: kek})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				kids[activeID(r, keys.UseSig)]++
			})
		}
		wg.Wait()
		if len(kids) != 1 {
			t.Fatalf("the rings sign with %v, want one key", kids)
		}
	}
}

// Each case has the actions of other processes and of the store just before our first ring is
// written.
func TestOpenOrCreateInterleaved(t *testing.T) {
	down := errors.New("the store is down")
	for name, c := range map[string]struct {
		atSwap func(t *testing.T, s *testStore, other Config, doc []byte) (done bool, err error)
		want   error // nil: the ring in the store opens
	}{
		"another process creates": {func(t *testing.T, _ *testStore, other Config, _ []byte) (bool, error) {
			must(OpenOrCreate(t.Context(), other))(t)
			return false, nil
		}, nil},
		"another process creates and rotates": {func(t *testing.T, _ *testStore, other Config, _ []byte) (bool, error) {
			r := must(OpenOrCreate(t.Context(), other))(t)
			must(r.RotateNowInsecurely(t.Context(), keys.UseSig))(t)
			return false, nil
		}, nil},
		"another process creates, and the outcome of our write is unknown": {func(t *testing.T, _ *testStore, other Config, _ []byte) (bool, error) {
			must(OpenOrCreate(t.Context(), other))(t)
			return true, ErrUnknownOutcome
		}, nil},
		"another process creates with another KEK": {func(t *testing.T, _ *testStore, other Config, _ []byte) (bool, error) {
			other.KEK = must(NewKEK(bytes.Repeat([]byte("k"), 32)))(t)
			must(OpenOrCreate(t.Context(), other))(t)
			return false, nil
		}, ErrUnreadable},
		"another process creates, and the store goes down": {func(t *testing.T, s *testStore, other Config, _ []byte) (bool, error) {
			must(OpenOrCreate(t.Context(), other))(t)
			s.setDown(down)
			return false, nil
		}, down},
		"another process creates and removes": {func(*testing.T, *testStore, Config, []byte) (bool, error) {
			return true, ErrConflict
		}, ErrNoRing},
		"our write happened, and its outcome is unknown": {func(t *testing.T, s *testStore, _ Config, doc []byte) (bool, error) {
			must(s.Store.Swap(t.Context(), "", doc))(t)
			return true, ErrUnknownOutcome
		}, nil},
		"our write did not happen, and its outcome is unknown": {func(*testing.T, *testStore, Config, []byte) (bool, error) {
			return true, ErrUnknownOutcome
		}, ErrUnknownOutcome},
		"the outcome is unknown, and the store goes down": {func(_ *testing.T, s *testStore, _ Config, _ []byte) (bool, error) {
			s.setDown(down)
			return true, ErrUnknownOutcome
		}, ErrUnknownOutcome},
		"the write fails": {func(*testing.T, *testStore, Config, []byte) (bool, error) { return true, down }, down},
	} {
		for kind, memory := range map[string]Memory{"without memory": nil, "shared memory": new(testMemory)} {
			t.Run(name+", "+kind, func(t *testing.T) {
				store := newTestStore()
				other := Config{Store: store.Store, KEK: rawKey(t), Memory: memory}
				store.swap = func(_ context.Context, _ string, doc []byte) (bool, error) {
					return c.atSwap(t, store, other, doc)
				}
				r, err := OpenOrCreate(t.Context(), Config{Store: store, KEK: rawKey(t), Memory: memory})
				if c.want != nil {
					if r != nil {
						t.Error("a ring beside an error")
					}
					wantError(t, err, c.want)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if want := must(Open(t.Context(), other))(t); r.Checkpoint() != want.Checkpoint() {
					t.Errorf("generation %v, want %v of the ring in the store", r.Checkpoint(), want.Checkpoint())
				}
			})
		}
	}
}

// Another process creates the ring after our look at the memory, and before our look at
// the store.
func TestOpenOrCreateSharedMemory(t *testing.T) {
	memory, store := new(testMemory), newTestStore()
	other := Config{Store: store.Store, KEK: rawKey(t), Memory: memory}
	asked := false
	cfg := Config{Store: store, KEK: rawKey(t), Memory: hookMemory{memory, func() {
		if !asked {
			asked = true
			must(OpenOrCreate(t.Context(), other))(t)
		}
	}}}
	r := must(OpenOrCreate(t.Context(), cfg))(t)
	if r.Checkpoint() != memory.newest {
		t.Errorf("generation %v, want %v", r.Checkpoint(), memory.newest)
	}
}

// hookMemory calls a function after each Load.
type hookMemory struct {
	*testMemory
	loaded func()
}

func (m hookMemory) Load(ctx context.Context) (Checkpoint, []Checkpoint, error) {
	here, rings, err := m.testMemory.Load(ctx)
	m.loaded()
	return here, rings, err
}

// A ring that cannot be read is not replaced.
func TestOpenOrCreateReplacesNothing(t *testing.T) {
	down := errors.New("the store is down")
	for name, c := range map[string]struct {
		fault func(*testStore)
		want  error
	}{
		"damaged":    {func(s *testStore) { put(t, s, []byte("{}")) }, ErrUnreadable},
		"store down": {func(s *testStore) { s.setDown(down) }, down},
	} {
		store := newTestStore()
		cfg := Config{Store: store, KEK: rawKey(t)}
		must(OpenOrCreate(t.Context(), cfg))(t)
		c.fault(store)
		store.swap = func(context.Context, string, []byte) (bool, error) {
			t.Errorf("%s: a ring is written", name)
			return true, down
		}
		_, err := OpenOrCreate(t.Context(), cfg)
		wantError(t, err, c.want)
	}
}

// A store has lost a ring that the memory has seen, like a volume that is not mounted. That is not
// a first start.
func TestVanishedRingIsNotMadeAnew(t *testing.T) {
	memory := &testMemory{newest: Checkpoint{7, "nonce", "identity"}}
	cfg := Config{Store: NewMemStore(), KEK: rawKey(t), Memory: memory}
	for name, open := range map[string]func(context.Context, Config) (*Ring, error){"Open": Open, "OpenOrCreate": OpenOrCreate, "Create": Create} {
		_, err := open(t.Context(), cfg)
		wantError(t, err, ErrRollback)
		wantError(t, err, ErrNoRing)
		if want := "at generation 7: is the volume mounted?"; !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		if _, _, err := cfg.Store.Load(t.Context()); !errors.Is(err, ErrNoRing) {
			t.Errorf("%s: Load: %v, want an empty store", name, err)
		}
	}
	memory.newest = Checkpoint{} // the operator gives the ring up
	made := must(OpenOrCreate(t.Context(), cfg))(t)
	if memory.newest != made.Checkpoint() {
		t.Errorf("the memory has %v, want %v", memory.newest, made.Checkpoint())
	}
}

// A running process does not take an emptied store for a first start either.
func TestVanishedRingUnderARunningProcess(t *testing.T) {
	store := newTestStore()
	r := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
	store.Store = NewMemStore()
	_, err := r.Rotate(t.Context())
	wantError(t, err, ErrRollback)
	wantError(t, err, ErrNoRing)
}
