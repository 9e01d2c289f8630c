package keyring

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A Load that was given up answers late. Its answer refreshes the ring if it is not older than the
// snapshot.
func TestLateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hangingStore{Store: NewMemStore()}
		cfg := Config{Store: store, KEK: rawKey(t)}
		r := must(Create(t.Context(), cfg))(t)
		other := must(Open(t.Context(), cfg))(t)
		// giveUp begins a Load that reads generation n, and gives it up.
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
		must(r.Reload(t.Context()))(t) // the Load has answered after all

		writeGenerations(t, other, 1)
		giveUp(2)() // this one is newer than the snapshot

		late = giveUp(4) // it reads generation 2, which is old when it answers
		writeGenerations(t, other, 2)
		must(r.Keys(t.Context()))(t)
		after := r.snapshot.Load()
		late()
		if r.snapshot.Load() != after {
			t.Error("a late answer replaced a newer one")
		}
		must(r.Reload(t.Context()))(t)
	})
}

// A late answer with the same generation does not make the snapshot older.
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

// An attacker sets the store back while a Load of the old ring is late. The late answer is dropped,
// and the next look refuses the old ring.
func TestLateAnswerIsNoRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hangingStore{Store: NewMemStore()}
		r := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
		old := blobOf(t, store)
		forked := storeWith(t, old)
		writeGenerations(t, must(Open(t.Context(), Config{Store: forked, KEK: rawKey(t)}))(t), 1)
		release := make(chan struct{})
		_, version, _ := store.Store.Load(t.Context())
		must(store.Store.Swap(t.Context(), version, blobOf(t, forked)))(t)
		store.hang(release, nil)
		_, err := r.Policy(t.Context()) // this reads the fork
		wantError(t, err, context.DeadlineExceeded)
		store.hang(nil, nil)
		put(t, store, old)
		writeGenerations(t, r, 1)
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
