package keyring

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

func TestRotateNow(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	for _, tt := range []struct {
		use    keys.Use
		window time.Duration
	}{{keys.UseSig, signAhead}, {keys.UseEnc, encAhead}} {
		start := c.now()
		if tt.use == keys.UseEnc { // it was staged with the ring at testStart, long ago
			must(r.RotateNow(t.Context(), keys.UseEnc))(t)
			doDueSteps(t, r)
			start = c.now()
		}
		staged := storedIn(t, store).find(tt.use, Staged)
		_, err := r.RotateNow(t.Context(), tt.use)
		wantError(t, err, ErrWindow)
		var w *WindowError
		if !errors.As(err, &w) || w.KeyID != staged.ID || !w.Until.Equal(start.Add(tt.window)) {
			t.Fatalf("%v, want until %v", err, start.Add(tt.window))
		}
		if !strings.Contains(err.Error(), w.Until.UTC().Format(time.RFC3339)) || errors.Is(err, ErrState) {
			t.Errorf("text %q", err)
		}
		before := store.generations()
		c.advance(tt.window - 1)
		_, err = r.RotateNow(t.Context(), tt.use)
		wantError(t, err, ErrWindow)
		if store.generations() != before {
			t.Error("a refusal changed the ring")
		}
		c.advance(1)
		active := storedIn(t, store).activeID(tt.use)
		s := must(r.RotateNow(t.Context(), tt.use))(t)
		if want := (Step{Action: Activate, Use: tt.use, KeyID: w.KeyID, Retires: active, At: c.now()}); s != want {
			t.Errorf("did %+v, want %+v", s, want)
		}
		if store.generations() != before+1 {
			t.Error("not one write")
		}
		doDueSteps(t, r)
	}
	checkHistory(t, store.written)
}

// If there is no successor, one is staged first. Then its window is not over.
func TestRotateNowStages(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	editStored(t, store, func(d *document) {
		d.Keys = slices.DeleteFunc(d.Keys, func(r record) bool { return r.State == Staged })
	})
	active := storedIn(t, store).activeID(keys.UseSig)
	_, err := r.RotateNow(t.Context(), keys.UseSig)
	wantError(t, err, ErrWindow)
	d := storedIn(t, store)
	if d.find(keys.UseSig, Staged) == nil || d.find(keys.UseEnc, Staged) != nil || d.activeID(keys.UseSig) != active {
		t.Error("only a successor was to be staged")
	}
	s := must(r.RotateNowInsecurely(t.Context(), keys.UseSig))(t)
	if s.Action != Activate || s.Retires != active {
		t.Errorf("did %+v", s)
	}
	s = must(r.RotateNowInsecurely(t.Context(), keys.UseEnc))(t)
	if s.Action != Activate || s.Use != keys.UseEnc {
		t.Errorf("did %+v", s)
	}
	checkHistory(t, store.written[1:])
}

func TestRotateNowAbsentUse(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := must(createAt(t.Context(), Config{Store: store, KEK: rawKey(t), Uses: []keys.Use{keys.UseSig}}, c.now))(t)
	for _, u := range []keys.Use{keys.UseEnc, "", "both"} {
		_, err := r.RotateNowInsecurely(t.Context(), u)
		wantError(t, err, keys.ErrNoKey)
	}
	if store.generations() != 1 {
		t.Error("the ring changed")
	}
}

// A process finds that another one has just ended the period. It does not end a second one.
func TestRotateNowBesideAnother(t *testing.T) {
	for _, withStage := range []bool{false, true} {
		c, store := newClock(), newTestStore()
		a := newRing(t, store, c.now)
		b := openRing(t, store, c.now)
		interruptSwap(store, func() {
			must(b.RotateNowInsecurely(t.Context(), keys.UseSig))(t)
			if withStage {
				doDueSteps(t, b)
			}
		})
		if s := must(a.RotateNowInsecurely(t.Context(), keys.UseSig))(t); s.Action != Nothing {
			t.Errorf("did %+v", s)
		}
		if counts := checkGeneration(t, storedIn(t, store)); counts[keys.UseSig][Retired] != 1 {
			t.Errorf("keys %v", counts)
		}
	}
}

func TestRotateNowConcurrently(t *testing.T) {
	for range 20 {
		c, store := newClock(), newTestStore()
		first := newRing(t, store, c.now)
		c.advance(2 * day)
		var wg sync.WaitGroup
		for _, r := range []*Ring{first, openRing(t, store, c.now)} {
			wg.Go(func() {
				if _, err := r.RotateNow(t.Context(), keys.UseSig); err != nil && !errors.Is(err, ErrWindow) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		checkHistory(t, store.written)
		if counts := checkGeneration(t, storedIn(t, store)); counts[keys.UseSig][Retired] < 1 || counts[keys.UseSig][Retired] > 2 {
			t.Errorf("keys %v", counts)
		}
	}
}
