package keyring

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// A Swap that never answers has an unknown outcome. If it wrote, the next look finds the change,
// and it is done.
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
		if took := time.Since(start); took > maxPatience+swapGrace {
			t.Errorf("Revoke took %v", took)
		}
		if k := must(must(r.PrivateKeys(t.Context()))(t).SigningKey())(t); k.ID() == revoked {
			t.Error("the revoked key goes on signing")
		}
	})
}

// A Swap writes after its caller has given it up. The caller learns that the outcome is unknown,
// and the next call finds the key revoked.
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

// A caller gives a Swap up. It learns soon that the outcome is unknown, and other changes go on.
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

// A write of unknown outcome arrives after the ring has looked for it. It is not made twice.
func TestUnknownOutcomeLandsLate(t *testing.T) {
	store := newTestStore()
	r := newRing(t, store, newClock().now)
	var landed func()
	store.swap = func(_ context.Context, prev string, doc []byte) (bool, error) {
		if landed != nil {
			landed()
			return false, nil // the store answers with a conflict
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

func (k hangingKEK) Unwrap(context.Context, WrappedKey) ([]byte, error) {
	<-k.until
	return nil, errDown
}

type hangingMemory struct {
	*testMemory
	until chan struct{}
}

func (m hangingMemory) Save(ctx context.Context, c Checkpoint) error {
	<-m.until
	return m.testMemory.Save(ctx, c)
}

// A KEK or a memory that hangs delays the changes of the ring no longer than a store does. Run
// reports the memory.
func TestHungKEKAndMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := make(chan struct{})
		memory := new(testMemory)
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
		time.Sleep(maxPatience)
		stop()
		if memory.newest != r.Checkpoint() {
			t.Errorf("the memory has %v, want %v", memory.newest, r.Checkpoint())
		}
	})
}

// A panic of a store reaches the caller, which may recover.
func TestPanicOfAStore(t *testing.T) {
	store := newTestStore()
	r := newRing(t, store, newClock().now)
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
