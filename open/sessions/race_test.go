package sessions

import (
	"errors"
	"sync"
	"testing"
)

// A refresh reads a session, and then the session ends. The refresh does not write it back.
func TestRefreshAgainstEnd(t *testing.T) {
	store := &hooked{Store: NewMemStore()}
	r := registryOf(t, testConfig(t, store), newClock())
	s, token := login(t, r, "ada")
	store.beforeUpdate = func() {
		store.beforeUpdate = nil
		if err := r.End(t.Context(), "ada", s.ID); err != nil {
			t.Error(err)
		}
	}
	wantRefresh(t, r, token, ErrEnded)
	wantRefresh(t, r, token, ErrEnded)
	if len(ends(t, store)) != 1 {
		t.Error("the session has no entry")
	}
}

// Another refresh comes between the read and the write. Both clients get the same answer.
func TestRefreshTwice(t *testing.T) {
	store := &hooked{Store: NewMemStore()}
	r := registryOf(t, testConfig(t, store), newClock())
	_, token := login(t, r, "ada")
	var other string
	store.beforeUpdate = func() {
		store.beforeUpdate = nil
		_, other = refreshed(t, r, token)
	}
	s, next := refreshed(t, r, token)
	if next != other || !s.Repeated {
		t.Errorf("the tokens are equal: %v; Repeated %v", next == other, s.Repeated)
	}
	refreshed(t, r, next)
}

// The write is made and its answer is lost.
func TestRefreshUnknownOutcome(t *testing.T) {
	store := &hooked{Store: NewMemStore()}
	r := registryOf(t, testConfig(t, store), newClock())
	_, token := login(t, r, "ada")
	store.afterUpdate = func(err error) error { return errors.Join(err, ErrUnknownOutcome) }
	wantRefresh(t, r, token, ErrUnknownOutcome)
	store.afterUpdate = nil
	if s, _ := refreshed(t, r, token); !s.Repeated {
		t.Error("it was written, and not repeated")
	}
}

// A session ends while it moves to a new key.
func TestEndAgainstMove(t *testing.T) {
	for _, all := range []bool{true, false} {
		store, c := &hooked{Store: NewMemStore()}, newClock()
		cfg := testConfig(t, store)
		r := registryOf(t, cfg, c)
		mover := registryOf(t, cfg, c)
		s, token := login(t, r, "ada")
		if err := r.RotateKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		var once sync.Once
		store.end = func(Which) (int, error, bool) {
			once.Do(func() { _, token = refreshed(t, mover, token) })
			return 0, nil, false
		}
		var err error
		if all {
			_, err = r.EndAll(t.Context(), "ada")
		} else {
			err = r.End(t.Context(), "ada", s.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		wantRefresh(t, mover, token, ErrEnded)
		if len(ends(t, store)) != 1 {
			t.Error("the session has no entry")
		}
	}
}

// The key changes while the sessions are listed.
func TestEndAgainstRotation(t *testing.T) {
	store, c := &hooked{Store: NewMemStore()}, newClock()
	cfg := testConfig(t, store)
	r, mover := registryOf(t, cfg, c), registryOf(t, cfg, c)
	_, token := login(t, r, "ada")
	var once sync.Once
	hook := func() {
		once.Do(func() {
			store.afterList = nil
			if err := mover.RotateKey(t.Context()); err != nil {
				t.Error(err)
			}
			_, token = refreshed(t, mover, token)
		})
	}
	store.afterList = hook
	if n := must(r.EndAll(t.Context(), "ada"))(t); n != 1 {
		t.Errorf("%d ended", n)
	}
	wantRefresh(t, mover, token, ErrEnded)
}
