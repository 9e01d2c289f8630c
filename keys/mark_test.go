package keys

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestMarkText(t *testing.T) {
	for _, m := range []Mark{{1, "abc"}, {1<<64 - 1, "A-_9"}, {7, "a:b"}} {
		if got := rotMust(ParseMark(m.String()))(t); got != m {
			t.Errorf("%q is read as %+v", m.String(), got)
		}
	}
	for _, s := range []string{"", ":", "1", "1:", ":abc", "x:abc", "-1:abc", "+1:abc", " 1:abc", "18446744073709551616:abc", "1.0:abc", "0x1:abc"} {
		_, err := ParseMark(s)
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestMarkSeen(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	r := rotRing(t, store, c.now)
	other := rotOpen(t, store, c.now)
	if m := r.Seen(); m != rotStored(t, store).mark() || m.Generation != 1 {
		t.Errorf("created: %+v", m)
	}
	c.add(30 * day)
	rotTick(t, r)
	if m := r.Seen(); m != rotStored(t, store).mark() || m.Generation != 3 {
		t.Errorf("rotated: %+v", m)
	}
	if m := other.Seen(); m.Generation != 1 {
		t.Errorf("before it looked: %+v", m)
	}
	rotMust(other.Keys(t.Context()))(t)
	if other.Seen() != r.Seen() {
		t.Errorf("after it looked: %+v", other.Seen())
	}
}

// rotSince opens the ring as somebody who remembers a mark.
func rotSince(t testing.TB, s Store, seen Mark, now func() time.Time) error {
	t.Helper()
	_, err := openSince(t.Context(), s, rotKEK(t, 1), seen, now)
	return err
}

// rotWrite makes n generations.
func rotWrite(t testing.TB, r *Ring, n int) {
	t.Helper()
	for range n {
		if err := r.SetPolicy(t.Context(), func(*Policy) {}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMarkRestored(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	r := rotRing(t, store, c.now)
	rotWrite(t, r, 3)
	seen := r.Seen()
	active := rotStored(t, store).activeID(UseSig)

	store.restore(t, store.written[2]) // one generation back
	_, err := r.Rotate(t.Context())
	rotWantError(t, err, ErrRollback)
	_, err = r.Keys(t.Context())
	rotWantError(t, err, ErrRollback)
	rotWantError(t, r.SetPolicy(t.Context(), rotSmall), ErrRollback)
	rotWantError(t, rotSince(t, store, seen, c.now), ErrRollback)
	_, err = OpenSince(t.Context(), store, rotKEK(t, 1), seen)
	rotWantError(t, err, ErrRollback)
	if err := rotSince(t, store, Mark{}, c.now); err != nil {
		t.Errorf("somebody who has seen nothing: %v", err)
	}
	// The running ring serves on from what it has, until that is too old.
	c.add(time.Minute)
	set := rotMust(r.Private(t.Context()))(t)
	if k := rotMust(set.SigningKey())(t); k.ID() != active {
		t.Errorf("it signs with %s", k.ID())
	}
	if r.Seen() != seen {
		t.Errorf("it has seen %+v", r.Seen())
	}
	c.add(time.Hour)
	_, err = rotMust(r.Private(t.Context()))(t).SigningKey()
	rotWantError(t, err, ErrStale)

	store.restore(t, store.written[3]) // and the right one again
	rotMust(r.Keys(t.Context()))(t)
	if err := rotSince(t, store, seen, c.now); err != nil {
		t.Error(err)
	}
	if _, err := OpenSince(t.Context(), store, rotKEK(t, 1), seen); err != nil {
		t.Error(err)
	}
}

// A copy from before, with other generations written on it: the same number as what
// was seen, higher ones, and finally more than a ring remembers.
func TestMarkForked(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	r := rotRing(t, store, c.now)
	rotWrite(t, r, 4)
	seen := r.Seen()
	if seen.Generation != 5 {
		t.Fatalf("seen %+v", seen)
	}
	store.restore(t, store.written[1]) // generation 2
	fork := rotOpen(t, store, c.now)
	for generation := uint64(3); generation <= seen.Generation+historyLength+2; generation++ {
		rotWrite(t, fork, 1)
		if g := fork.Seen().Generation; g != generation {
			t.Fatalf("generation %d, want %d", g, generation)
		}
		if generation > seen.Generation+historyLength {
			continue
		}
		rotWantError(t, rotSince(t, store, seen, c.now), ErrRollback)
		_, err := r.Rotate(t.Context())
		rotWantError(t, err, ErrRollback)
	}
	if err := rotSince(t, store, seen, c.now); err != nil {
		t.Errorf("more than %d generations later: %v", historyLength, err)
	}
	if _, err := r.Rotate(t.Context()); err != nil {
		t.Errorf("more than %d generations later: %v", historyLength, err)
	}
}

// Who was away for long still finds what was seen in the history, or is far behind:
// a ring that only went forward is never refused.
func TestMarkGoesForward(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	r := rotRing(t, store, c.now)
	away := rotOpen(t, store, c.now)
	seen := r.Seen()
	for n := range historyLength + 10 {
		rotWrite(t, r, 1)
		if err := rotSince(t, store, seen, c.now); err != nil {
			t.Fatalf("%d generations later: %v", n+1, err)
		}
		if h := rotStored(t, store).History; len(h) > historyLength {
			t.Fatalf("%d marks are kept", len(h))
		}
	}
	rotMust(away.Rotate(t.Context()))(t)
	if away.Seen() != r.Seen() {
		t.Errorf("seen %+v", away.Seen())
	}
}

// What was revoked stays refused when an older ring is put back.
func TestMarkRevokedStaysRevoked(t *testing.T) {
	r, c, store := rotAllStates(t)
	target := rotStored(t, store).find(UseSig, Active)
	other := rotOpen(t, store, c.now)
	rotMust(r.Revoke(t.Context(), Revocation{KeyID: target.ID}))(t)
	seen := r.Seen()
	rotMust(other.Keys(t.Context()))(t)

	last := len(store.written) - 1
	store.restore(t, store.written[last-1])
	fork := rotOpen(t, store, c.now) // it has seen nothing, and rotates past
	rotMust(fork.RotateNow(t.Context(), Force{Use: UseSig, InsecureSkipWindow: true}))(t)
	rotTick(t, fork)
	rotWantError(t, rotSince(t, store, seen, c.now), ErrRollback)
	c.add(time.Minute)
	for _, running := range []*Ring{r, other} {
		public := rotMust(running.Public(t.Context(), ""))(t)
		if _, ok := public.VerificationKey(target.ID); ok {
			t.Error("the revoked key verifies again")
		}
		_, err := running.Public(t.Context(), target.ID)
		rotWantError(t, err, ErrRollback)
		rotWantError(t, running.Import(t.Context(), rotMust(target.key())(t), Retired), ErrRollback)
	}

	store.restore(t, store.written[last])
	for _, s := range []State{Staged, Retired} {
		rotWantError(t, r.Import(t.Context(), rotMust(target.key())(t), s), ErrDuplicate)
	}
	if !slices.ContainsFunc(rotMust(r.Keys(t.Context()))(t), func(k KeyInfo) bool { return k.ID == target.ID && k.State == Revoked }) {
		t.Error("the revocation is gone")
	}
}
