package keyring

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// loseAnswers makes every Swap return ErrUnknownOutcome. The store writes the document if written
// returns true.
func loseAnswers(s *testStore, written func() bool) {
	s.setSwap(func(ctx context.Context, prev string, doc []byte) (bool, error) {
		if written() {
			if _, err := s.put(ctx, prev, doc); err != nil {
				return true, err
			}
		}
		return true, fmt.Errorf("%w: no answer", ErrUnknownOutcome)
	})
}

func TestRotateUnknownOutcome(t *testing.T) {
	for _, tt := range []struct {
		name    string
		written func() func() bool
	}{
		{"written", func() func() bool { return func() bool { return true } }},
		{"every second time", func() func() bool {
			n := 0
			return func() bool { n++; return n%2 == 0 }
		}},
		{"by chance", func() func() bool {
			random := rand.New(rand.NewPCG(1, 2))
			return func() bool { return random.IntN(3) == 0 }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, store := newClock(), newTestStore()
			r := newRing(t, store, c.now)
			loseAnswers(store, tt.written())
			done := 0
			for range 100 * 4 {
				c.advance(6 * time.Hour)
				done += len(doDueSteps(t, r))
			}
			checkHistory(t, store.written)
			if want := len(store.written) - 1; done != want || done != 4*4+10 {
				t.Errorf("%d steps told, %d written, want 26", done, want)
			}
		})
	}
}

// The write happened, and other processes changed the ring before we could look.
func TestRotateUnknownOutcomeThenAnother(t *testing.T) {
	c, store := newClock(), newTestStore()
	a := newRing(t, store, c.now)
	b := openRing(t, store, c.now)
	passPeriod(t, c, a, 30*day)
	store.once(func(ctx context.Context, prev string, doc []byte) (bool, error) {
		must(store.put(ctx, prev, doc))(t)
		doDueSteps(t, b)
		return true, ErrUnknownOutcome
	})
	if s := must(a.Rotate(t.Context()))(t); s.Action != Activate {
		t.Errorf("did %+v", s)
	}
	checkHistory(t, store.written)
	if len(store.written) != 3+looksPerPeriod {
		t.Errorf("%d generations", len(store.written))
	}
}

// The outcome stays unknown. The error says so, and the next try finds out.
func TestRotateUnknownOutcomeAndStoreDown(t *testing.T) {
	for _, written := range []bool{true, false} {
		c, store := newClock(), newTestStore()
		r := newRing(t, store, c.now)
		passPeriod(t, c, r, 30*day)
		store.once(func(ctx context.Context, prev string, doc []byte) (bool, error) {
			if written {
				must(store.put(ctx, prev, doc))(t)
			}
			store.setDown(errDown)
			return true, ErrUnknownOutcome
		})
		_, err := r.Rotate(t.Context())
		wantError(t, err, ErrUnknownOutcome)
		store.setLoad(nil)
		want := 2 // activate, stage
		if written {
			want = 1
		}
		if steps := doDueSteps(t, r); len(steps) != want {
			t.Errorf("written %t: then %+v", written, steps)
		}
		checkHistory(t, store.written)
		if len(store.written) != 3+looksPerPeriod {
			t.Errorf("%d generations", len(store.written))
		}
	}
}

// A write of unknown outcome comes late, after the next try has failed. The error says that the
// outcome is unknown, except if the store can no longer take the late write.
func TestRevokeLateWrite(t *testing.T) {
	for _, tt := range []struct {
		name    string
		first   error // of the first Swap, which writes nothing yet
		another bool  // another process writes before the next try
		load    bool  // the Load of the next try fails, else its Swap
		unknown bool
	}{
		{"no Load", ErrUnknownOutcome, false, true, true},
		{"no Swap", ErrUnknownOutcome, false, false, true},
		{"no Load after another write", ErrUnknownOutcome, true, true, true},
		{"no Swap after another write", ErrUnknownOutcome, true, false, false},
		{"no Load after a conflict", ErrConflict, true, true, false},
		{"no Swap after a conflict", ErrConflict, true, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := newTestStore()
			r := newRing(t, store, newClock().now)
			other := openRing(t, store.Store, r.now)
			kid := activeID(r, keys.UseSig)
			var late func() error
			store.once(func(_ context.Context, prev string, doc []byte) (bool, error) {
				late = func() error { _, err := store.put(t.Context(), prev, doc); return err }
				loads := 0 // the Load of settle comes first, except after a conflict
				if tt.first == ErrConflict {
					loads++
				}
				store.setLoad(func() error {
					if loads++; loads < 2 {
						return nil
					}
					if tt.another && loads == 2 {
						writeGenerations(t, other, 1)
					}
					if tt.load {
						return errDown
					}
					return nil
				})
				store.setSwap(func(context.Context, string, []byte) (bool, error) { return true, errDown })
				return true, tt.first
			})
			_, err := r.Revoke(t.Context(), Revocation{KeyID: kid})
			wantError(t, err, errDown)
			if errors.Is(err, ErrUnknownOutcome) != tt.unknown || strings.Contains(err.Error(), "NOT REVOKED") == tt.unknown {
				t.Errorf("Revoke: %v", err)
			}
			store.setLoad(nil)
			store.setSwap(nil)
			if err := late(); (err == nil) == tt.another {
				t.Fatalf("the late write: %v", err)
			}
			if k := storedIn(t, store).byID(kid); (k.State == Revoked) == tt.another {
				t.Errorf("after the late write the key is %s", k.State)
			}
		})
	}
}

func TestRotateStoreFails(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	passPeriod(t, c, r, 30*day)
	store.setSwap(func(context.Context, string, []byte) (bool, error) { return true, errDown })
	s, err := r.Rotate(t.Context())
	wantError(t, err, errDown)
	if s != (Step{}) || store.generations() != 1+looksPerPeriod {
		t.Errorf("did %+v", s)
	}
	store.setDown(errDown)
	_, err = r.Rotate(t.Context())
	wantError(t, err, errDown)
	_, _, err = r.NextStep(t.Context())
	wantError(t, err, errDown)
	_, err = r.Log(t.Context())
	wantError(t, err, errDown)
	store.setLoad(nil)
	store.setSwap(nil)
	if steps := doDueSteps(t, r); len(steps) != 2 {
		t.Errorf("afterwards %+v", steps)
	}
}

// The first write of a ring can have an unknown outcome too.
func TestRotateCreateUnknownOutcome(t *testing.T) {
	for _, written := range []bool{true, false} {
		c, store := newClock(), newTestStore()
		loseAnswers(store, func() bool { return written })
		_, err := createAt(t.Context(), Config{Store: store, KEK: rawKey(t)}, c.now)
		if written != (err == nil) || !written && !errors.Is(err, ErrUnknownOutcome) {
			t.Errorf("written %t: %v", written, err)
		}
	}
	c, store := newClock(), newTestStore()
	store.once(func(context.Context, string, []byte) (bool, error) {
		newRing(t, store, c.now) // another process makes the ring
		return false, nil
	})
	_, err := createAt(t.Context(), Config{Store: store, KEK: rawKey(t)}, c.now)
	wantError(t, err, ErrExists)
	_, err = createAt(t.Context(), Config{Store: store, KEK: rawKey(t)}, c.now)
	wantError(t, err, ErrExists)
}
