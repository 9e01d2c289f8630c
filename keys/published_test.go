package keys

import (
	"context"
	"errors"
	"testing"
	"time"
)

// What is published comes of the snapshot alone, and says itself when it is too old.
func TestPublished(t *testing.T) {
	store, c := newTestStore(), newClock()
	ring := newRing(t, store, c)
	down := errors.New("down")
	store.setDown(down)
	loads := store.loads
	for _, tt := range []struct {
		age        time.Duration
		due, stale bool
	}{
		{0, false, false},
		{time.Minute - 1, false, false},
		{time.Minute, true, false},
		{time.Hour, true, false},
		{time.Hour + 1, true, true},
	} {
		c.advance(tt.age - c.now().Sub(newClock().now()))
		p, err := ring.Published()
		if errors.Is(err, ErrStale) != tt.stale || (p.Set == nil) != tt.stale {
			t.Errorf("after %v: %v, %v", tt.age, p.Set, err)
		}
		if p.Due != tt.due || p.MaxAge != 5*time.Minute {
			t.Errorf("after %v: due %v, max-age %v", tt.age, p.Due, p.MaxAge)
		}
	}
	if store.loads != loads {
		t.Error("the store was asked")
	}
	ring.Public(t.Context(), "")
	if _, err := ring.Published(); !errors.Is(err, down) {
		t.Errorf("%v does not say why the ring was not reloaded", err)
	}
	store.setDown(nil)
	c.advance(time.Minute)
	want := must(ring.Public(t.Context(), ""))(t)
	if p, err := ring.Published(); err != nil || p.Set != want || p.Due {
		t.Errorf("after a reload: %v, %v, due %v", p.Set, err, p.Due)
	}
}

// A policy that changes while the ring runs counts with the next reload.
func TestPublishedMaxAge(t *testing.T) {
	store, c := newTestStore(), newClock()
	ring, other := newRing(t, store, c), openRing(t, store, c)
	if err := other.SetPolicy(t.Context(), func(p *Policy) { p.MaxAge = time.Minute }); err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	must(ring.Public(t.Context(), ""))(t)
	if p, _ := ring.Published(); p.MaxAge != time.Minute {
		t.Errorf("max-age %v", p.MaxAge)
	}
}
