package keyring

import (
	"slices"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

func TestCheckpointSeen(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	other := openRing(t, store, c.now)
	if m := r.Checkpoint(); m != storedIn(t, store).checkpoint() || m.Generation != 1 {
		t.Errorf("created: %+v", m)
	}
	passPeriod(t, c, r, 30*day)
	doDueSteps(t, r)
	if m := r.Checkpoint(); m != storedIn(t, store).checkpoint() || m.Generation != 3+looksPerPeriod {
		t.Errorf("rotated: %+v", m)
	}
	if m := other.Checkpoint(); m.Generation != 1 {
		t.Errorf("before it looked: %+v", m)
	}
	must(other.Keys(t.Context()))(t)
	if other.Checkpoint() != r.Checkpoint() {
		t.Errorf("after it looked: %+v", other.Checkpoint())
	}
}

// openHavingSeen opens the ring like a process that remembers the checkpoint seen.
func openHavingSeen(t testing.TB, s Store, seen Checkpoint, now func() time.Time) error {
	t.Helper()
	_, err := openSince(t.Context(), Config{Store: s, KEK: rawKey(t)}, sightings{here: seen}, now)
	return err
}

// writeGenerations makes n generations.
func writeGenerations(t testing.TB, r *Ring, n int) {
	t.Helper()
	for range n {
		if err := r.UpdatePolicy(t.Context(), func(*Policy) {}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCheckpointRestored(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	writeGenerations(t, r, 3)
	seen := r.Checkpoint()
	active := storedIn(t, store).activeID(keys.UseSig)

	store.restore(t, store.written[2]) // one generation back
	_, err := r.Rotate(t.Context())
	wantError(t, err, ErrRollback)
	_, err = r.Keys(t.Context())
	wantError(t, err, ErrRollback)
	wantError(t, r.UpdatePolicy(t.Context(), shrinkWindows), ErrRollback)
	wantError(t, openHavingSeen(t, store, seen, c.now), ErrRollback)
	_, err = Open(t.Context(), Config{Store: store, KEK: rawKey(t), Memory: &testMemory{newest: seen}})
	wantError(t, err, ErrRollback)
	if err := openHavingSeen(t, store, Checkpoint{}, c.now); err != nil {
		t.Errorf("a process that has seen nothing: %v", err)
	}
	// The running ring serves its snapshot until that is too old.
	c.advance(time.Minute)
	set := must(r.PrivateKeys(t.Context()))(t)
	if k := must(set.SigningKey())(t); k.ID() != active {
		t.Errorf("it signs with %s", k.ID())
	}
	if r.Checkpoint() != seen {
		t.Errorf("it has seen %+v", r.Checkpoint())
	}
	c.advance(time.Hour)
	_, err = must(r.PrivateKeys(t.Context()))(t).SigningKey()
	wantError(t, err, keys.ErrStale)

	store.restore(t, store.written[3]) // the right ring again
	must(r.Keys(t.Context()))(t)
	if err := openHavingSeen(t, store, seen, c.now); err != nil {
		t.Error(err)
	}
	if _, err := Open(t.Context(), Config{Store: store, KEK: rawKey(t), Memory: &testMemory{newest: seen}}); err != nil {
		t.Error(err)
	}
}

// An attacker restores an old copy and writes other generations on top of it: first the number that
// was seen, then higher numbers, and finally more generations than a ring remembers.
func TestCheckpointForked(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	writeGenerations(t, r, 4)
	seen := r.Checkpoint()
	if seen.Generation != 5 {
		t.Fatalf("seen %+v", seen)
	}
	store.restore(t, store.written[1]) // generation 2
	fork := openRing(t, store, c.now)
	for generation := uint64(3); generation <= seen.Generation+historyLength+2; generation++ {
		writeGenerations(t, fork, 1)
		if g := fork.Checkpoint().Generation; g != generation {
			t.Fatalf("generation %d, want %d", g, generation)
		}
		if generation > seen.Generation+historyLength {
			continue
		}
		wantError(t, openHavingSeen(t, store, seen, c.now), ErrRollback)
		_, err := r.Rotate(t.Context())
		wantError(t, err, ErrRollback)
	}
	if err := openHavingSeen(t, store, seen, c.now); err != nil {
		t.Errorf("more than %d generations later: %v", historyLength, err)
	}
	if _, err := r.Rotate(t.Context()); err != nil {
		t.Errorf("more than %d generations later: %v", historyLength, err)
	}
}

// A process was away for long. It finds its checkpoint in the history, or is too far behind for
// that. A ring that only moved forward is never refused.
func TestCheckpointGoesForward(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	away := openRing(t, store, c.now)
	seen := r.Checkpoint()
	for n := range historyLength + 10 {
		writeGenerations(t, r, 1)
		if err := openHavingSeen(t, store, seen, c.now); err != nil {
			t.Fatalf("%d generations later: %v", n+1, err)
		}
		if h := storedIn(t, store).History; len(h) > historyLength {
			t.Fatalf("%d checkpoints are kept", len(h))
		}
	}
	must(away.Rotate(t.Context()))(t)
	if away.Checkpoint() != r.Checkpoint() {
		t.Errorf("seen %+v", away.Checkpoint())
	}
}

// An older ring is restored. A revoked key stays refused.
func TestCheckpointRevokedStaysRevoked(t *testing.T) {
	r, c, store := ringOfAllStates(t)
	target := storedIn(t, store).find(keys.UseSig, Active)
	other := openRing(t, store, c.now)
	must(r.Revoke(t.Context(), Revocation{KeyID: target.ID}))(t)
	seen := r.Checkpoint()
	must(other.Keys(t.Context()))(t)

	last := len(store.written) - 1
	store.restore(t, store.written[last-1])
	fork := openRing(t, store, c.now) // it has seen nothing, and rotates further than the first ring
	must(fork.RotateNowInsecurely(t.Context(), keys.UseSig))(t)
	doDueSteps(t, fork)
	wantError(t, openHavingSeen(t, store, seen, c.now), ErrRollback)
	c.advance(time.Minute)
	for _, running := range []*Ring{r, other} {
		public := must(running.PublicKeys(t.Context(), ""))(t)
		if public.HasVerificationKey(target.ID) {
			t.Error("the revoked key verifies again")
		}
		_, err := running.PublicKeys(t.Context(), target.ID)
		wantError(t, err, ErrRollback)
		wantError(t, running.importOwn(t.Context(), recordKey(t, target), Retired), ErrRollback)
	}

	store.restore(t, store.written[last])
	for _, s := range []State{Staged, Retired} {
		wantError(t, r.importOwn(t.Context(), recordKey(t, target), s), keys.ErrDuplicate)
	}
	if !slices.ContainsFunc(must(r.Keys(t.Context()))(t), func(k KeyInfo) bool { return k.ID == target.ID && k.State == Revoked }) {
		t.Error("the revocation is gone")
	}
}

// A ring of version 1 gets an identity with its first change. After a checkpoint of version 2 a
// ring of version 1 is a rollback, and so is a ring of another identity, whatever its generation
// is.
func TestCheckpointIdentity(t *testing.T) {
	v := goldenVictim(t, "v1.ring")
	store, c := storeWith(t, v.doc), newClock()
	open := func(seen Checkpoint) (*Ring, error) {
		return openSince(t.Context(), Config{Store: store, KEK: v.kek}, sightings{here: seen}, c.now)
	}
	r := must(open(Checkpoint{}))(t)
	before := r.Checkpoint()
	if before.Ring != "" || r.snapshot.Load().document.Version != 1 {
		t.Fatalf("version 1 is at %+v", before)
	}
	writeGenerations(t, r, 1)
	after := r.Checkpoint()
	if after.Ring == "" || r.snapshot.Load().document.Version != documentVersion {
		t.Fatalf("version 2 is at %+v", after)
	}
	writeGenerations(t, r, 1)
	if next := r.Checkpoint(); next.Ring != after.Ring {
		t.Errorf("the identity %s became %s", after.Ring, next.Ring)
	}
	for _, seen := range []Checkpoint{before, after, r.Checkpoint()} {
		if _, err := open(seen); err != nil {
			t.Errorf("%v was seen: %v", seen, err)
		}
	}
	other := after
	other.Ring = newRing(t, NewMemStore(), c.now).Checkpoint().Ring
	if other.Ring == after.Ring {
		t.Error("two rings have one identity")
	}
	_, err := open(other)
	wantError(t, err, ErrRollback)
	other.Generation = 0
	_, err = open(other)
	wantError(t, err, ErrRollback)

	put(t, store, v.doc)
	_, err = open(after)
	wantError(t, err, ErrRollback)
	_, err = r.Keys(t.Context())
	wantError(t, err, ErrRollback)
	if _, err := open(before); err != nil {
		t.Errorf("version 1 again, where nothing else was seen: %v", err)
	}
}
