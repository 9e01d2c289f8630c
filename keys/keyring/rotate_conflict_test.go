package keyring

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// interruptSwap calls meanwhile before the next Swap, as if another process acted between the Load
// and the Swap of a change.
func interruptSwap(s *testStore, meanwhile func()) {
	s.once(func(context.Context, string, []byte) (bool, error) {
		meanwhile()
		return false, nil
	})
}

func TestRotateConflict(t *testing.T) {
	for _, tt := range []struct{ won, then Action }{{Activate, Stage}, {Stage, Nothing}} {
		c, store := newClock(), newTestStore()
		a := newRing(t, store, c.now)
		b := openRing(t, store, c.now)
		passPeriod(t, c, a, 30*day)
		if tt.won == Stage {
			must(a.Rotate(t.Context()))(t)
		}
		var won Step
		interruptSwap(store, func() { won = must(b.Rotate(t.Context()))(t) })
		// The process that lost decides again, about the ring after the other's step.
		lost := must(a.Rotate(t.Context()))(t)
		if won.Action != tt.won || lost.Action != tt.then {
			t.Errorf("the winner did %s, the loser %s", won.Action, lost.Action)
		}
		checkHistory(t, store.written)
		counts := checkGeneration(t, storedIn(t, store))
		if len(store.written) != 3+looksPerPeriod || counts[keys.UseSig][Staged] != 1 || counts[keys.UseSig][Retired] != 1 {
			t.Errorf("%d generations, keys %v", len(store.written), counts)
		}
	}
}

// Making a key takes time, so the key of a lost try is used for the next one.
func TestRotateConflictKeepsTheFreshKey(t *testing.T) {
	c, store := newClock(), newTestStore()
	a := newRing(t, store, c.now)
	b := openRing(t, store, c.now)
	passPeriod(t, c, a, 30*day)
	must(a.Rotate(t.Context()))(t)
	store.attempts = nil
	interruptSwap(store, func() {
		if err := b.AddKEK(t.Context(), kekNumbered(t, 2)); err != nil {
			t.Error(err)
		}
	})
	s := must(a.Rotate(t.Context()))(t)
	if s.Action != Stage || len(store.attempts) != 3 {
		t.Fatalf("%+v after %d attempts", s, len(store.attempts))
	}
	first := documentIn(t, store.attempts[0])
	if first.byID(s.KeyID) == nil {
		t.Error("another key than at the first try")
	}
	checkGeneration(t, storedIn(t, store))

	// The policy may ask for another suite by then.
	c.advance(day)
	doDueSteps(t, a)
	must(a.RotateNowInsecurely(t.Context(), keys.UseSig))(t)
	interruptSwap(store, func() {
		if err := b.UpdatePolicy(t.Context(), func(p *Policy) { p.Sig.Suites = []keys.Suite{keys.EdDSA} }); err != nil {
			t.Error(err)
		}
	})
	s = must(a.Rotate(t.Context()))(t)
	if d := storedIn(t, store); s.Action != Stage || d.byID(s.KeyID).Suite != "EdDSA" {
		t.Errorf("%+v", s)
	}
	checkHistory(t, store.written)
}

// Many rotators share a store. Each step is done once, and one rotator reports it.
func TestRotateConcurrently(t *testing.T) {
	c, store := newClock(), newTestStore()
	rings := []*Ring{newRing(t, store, c.now)}
	for range 5 {
		rings = append(rings, openRing(t, store, c.now))
	}
	var (
		mu   sync.Mutex
		told = make(map[string]int)
	)
	for range 100 {
		c.advance(3 * day)
		var wg sync.WaitGroup
		for i := range 2 * len(rings) { // two for each ring
			r := rings[i%len(rings)]
			wg.Go(func() {
				for range 100 {
					s, err := r.Rotate(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					if s.Action == Nothing {
						return
					}
					mu.Lock()
					told[string(s.Action)+" "+s.KeyID+" "+s.At.String()]++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if _, due := storedIn(t, store).next(c.now()); due {
			t.Fatal("all looked and saw nothing, and something is due")
		}
	}
	for what, n := range told {
		if n != 1 {
			t.Errorf("%s was done %d times", what, n)
		}
	}
	checkHistory(t, store.written)
	if len(told) != len(store.written)-1 || len(told) < 4*12 {
		t.Errorf("%d steps told, %d written", len(told), len(store.written)-1)
	}
}

// The clocks of two processes differ by a day. They do not fill the history and the log with each
// other's looks.
func TestRotateMarksDoNotFlap(t *testing.T) {
	c, store := newClock(), newTestStore()
	good := newRing(t, store, c.now)
	ahead := openRing(t, store, func() time.Time { return c.now().Add(day) })
	c.advance(2 * day)
	must(good.RotateNow(t.Context(), keys.UseSig))(t)
	doDueSteps(t, good)
	before := store.generations()
	for range 600 {
		c.advance(time.Second)
		doDueSteps(t, ahead)
		doDueSteps(t, good)
	}
	if n := store.generations() - before; n > 8 {
		t.Errorf("%d generations in ten minutes", n)
	}
	for _, e := range storedIn(t, store).Log {
		if e.What == string(MarkDue) || e.What == string(ClearDue) {
			t.Errorf("the log has %s", e.What)
		}
	}
}
