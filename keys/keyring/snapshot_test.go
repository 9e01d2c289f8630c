package keyring

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// The published set comes from the snapshot alone, and an old snapshot returns an error.
func TestPublished(t *testing.T) {
	store, c := newTestStore(), newClock()
	ring := newRing(t, store, c.now)
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
		set, maxAge, due, err := ring.Published()
		if errors.Is(err, keys.ErrStale) != tt.stale || (set == nil) != tt.stale {
			t.Errorf("after %v: %v, %v", tt.age, set, err)
		}
		if due != tt.due || maxAge != 5*time.Minute {
			t.Errorf("after %v: due %v, max-age %v", tt.age, due, maxAge)
		}
	}
	if store.loads != loads {
		t.Error("the store was asked")
	}
	ring.PublicKeys(t.Context(), "")
	if _, _, _, err := ring.Published(); !errors.Is(err, down) {
		t.Errorf("%v does not say why the ring was not reloaded", err)
	}
	store.setDown(nil)
	c.advance(time.Minute)
	want := must(ring.PublicKeys(t.Context(), ""))(t)
	if set, _, due, err := ring.Published(); err != nil || set != want || due {
		t.Errorf("after a reload: %v, %v, due %v", set, err, due)
	}
}

// The policy changes while the ring runs. It counts from the next reload.
func TestPublishedMaxAge(t *testing.T) {
	store, c := newTestStore(), newClock()
	ring, other := newRing(t, store, c.now), openRing(t, store, c.now)
	if err := other.UpdatePolicy(t.Context(), func(p *Policy) { p.MaxAge = time.Minute }); err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	must(ring.PublicKeys(t.Context(), ""))(t)
	if _, maxAge, _, _ := ring.Published(); maxAge != time.Minute {
		t.Errorf("max-age %v", maxAge)
	}
}
