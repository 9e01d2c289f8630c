package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// rotSpy is a KEK that counts its calls.
type rotSpy struct {
	KEK
	wraps, unwraps int
	fail           error
}

func (s *rotSpy) Wrap(ctx context.Context, ringKey []byte) (WrappedKey, error) {
	s.wraps++
	if s.fail != nil {
		return WrappedKey{}, s.fail
	}
	return s.KEK.Wrap(ctx, ringKey)
}

func (s *rotSpy) Unwrap(ctx context.Context, w WrappedKey) ([]byte, error) {
	s.unwraps++
	return s.KEK.Unwrap(ctx, w)
}

func rotSlots(t testing.TB, s Store) []slot {
	t.Helper()
	data, _, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return must(parseBlob(data))(t).Slots
}

// rotOpens reports whether a KEK opens the stored ring.
func rotOpens(t testing.TB, s Store, kek KEK, now func() time.Time) bool {
	t.Helper()
	_, err := openAt(t.Context(), Config{Store: s, KEK: kek}, now)
	if err != nil && !errors.Is(err, ErrUnreadable) {
		t.Fatal(err)
	}
	return err == nil
}

func TestAddKEK(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := rotRing(t, store, c.now)
	if err := r.AddKEK(t.Context(), rotKEK(t, 2)); err != nil {
		t.Fatal(err)
	}
	before := rotStored(t, store)
	for b := range byte(4) {
		if got, want := rotOpens(t, store, rotKEK(t, b), c.now), b == 1 || b == 2; got != want {
			t.Errorf("KEK %d opens: %t", b, got)
		}
	}
	ids := must(r.KEKs(t.Context()))(t)
	if want := []string{rotKEK(t, 1).ID(), rotKEK(t, 2).ID()}; !slices.Equal(ids, want) {
		t.Errorf("KEKs %q, want %q", ids, want)
	}
	log := before.Log[len(before.Log)-1]
	if log.What != "add KEK "+rotKEK(t, 2).ID() {
		t.Errorf("logged %+v", log)
	}
	spy := &rotSpy{KEK: rotKEK(t, 3), fail: ErrKEK}
	wantError(t, r.AddKEK(t.Context(), spy), ErrKEK)
	wantError(t, r.Rewrap(t.Context(), rotKEK(t, 1), spy), ErrKEK)
	if len(rotSlots(t, store)) != 2 {
		t.Error("a KEK that failed got a slot")
	}
	store.setLoad(rotDown)
	_, err := r.KEKs(t.Context())
	wantError(t, err, errDown)
}

func TestAddKEKFull(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := rotRing(t, store, c.now)
	for b := byte(2); b <= 8; b++ {
		if err := r.AddKEK(t.Context(), rotKEK(t, b)); err != nil {
			t.Fatal(err)
		}
	}
	n := store.generations()
	wantError(t, r.AddKEK(t.Context(), rotKEK(t, 9)), ErrState)
	if store.generations() != n {
		t.Error("the ring changed")
	}
	wantError(t, r.AddKEK(t.Context(), rotKEK(t, 3)), ErrState) // the ring has that KEK
	for b := byte(1); b <= 9; b++ {
		if got := rotOpens(t, store, rotKEK(t, b), c.now); got != (b != 9) {
			t.Errorf("KEK %d opens: %t", b, got)
		}
	}
}

// A writer that knows one KEK copies the other slots unread.
func TestAddKEKCopiesSlots(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := rotRing(t, store, c.now)
	spy := &rotSpy{KEK: rotKEK(t, 2)}
	if err := r.AddKEK(t.Context(), spy); err != nil {
		t.Fatal(err)
	}
	if err := r.AddKEK(t.Context(), rotKEK(t, 3)); err != nil {
		t.Fatal(err)
	}
	// It also copies a slot of an unknown kind.
	data, version, err := store.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := must(parseBlob(data))(t)
	key := must(b.ringKey(t.Context(), rotKEK(t, 1)))(t)
	slots := append(b.Slots, slot{KEK: "of another kind", JWE: "and opaque"})
	must(store.Swap(t.Context(), version, must(sealBlob(must(b.open(key))(t), slots, key))(t)))(t)
	writer := rotOpen(t, store, c.now)
	for range 10 {
		c.advance(30 * day)
		rotTick(t, writer)
	}
	if err := writer.UpdatePolicy(t.Context(), rotSmall); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(rotSlots(t, store), slots) {
		t.Error("the slots changed")
	}
	// AddKEK reads its slot back, so it unwraps once.
	if spy.wraps != 1 || spy.unwraps != 1 {
		t.Errorf("the other's KEK wrapped %d times and unwrapped %d times", spy.wraps, spy.unwraps)
	}
	if !rotOpens(t, store, rotKEK(t, 2), c.now) || !rotOpens(t, store, rotKEK(t, 3), c.now) {
		t.Error("another KEK does not open the ring any more")
	}
}

// A passphrase is replaced: one is dropped, and the ring gets a new ring key. The old file and the
// old passphrase must not open the new file. This also holds for a process that has only the
// dropped one.
func TestPassphraseIsReplacedByRewrap(t *testing.T) {
	c, store := newClock(), newTestStore()
	first := must(PassphraseKEK([]byte("correct horse")))(t)
	second := must(PassphraseKEK([]byte("battery staple")))(t)
	r := must(createAt(t.Context(), Config{Store: store, KEK: first, Uses: []keys.Use{keys.UseSig}}, c.now))(t)
	oldKey := r.snapshot.Load().ringKey
	wantError(t, r.AddKEK(t.Context(), second), ErrState)
	if err := r.Rewrap(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if ids := must(r.KEKs(t.Context()))(t); !slices.Equal(ids, []string{passphraseID}) {
		t.Errorf("KEKs %q", ids)
	}
	if rotOpens(t, store, first, c.now) {
		t.Error("the old passphrase still opens the ring")
	}
	if must(parseBlob(blobOf(t, store)))(t).ringOpens(oldKey) {
		t.Error("the old ring key still opens the ring")
	}
	c.advance(30 * day)
	if steps := rotTick(t, r); len(steps) != 2 {
		t.Errorf("afterwards it did %+v", steps)
	}
}

func (b blob) ringOpens(key secretBytes) bool {
	_, err := b.open(key)
	return err == nil
}

func TestRewrap(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := rotRing(t, store, c.now)
	if err := r.AddKEK(t.Context(), rotKEK(t, 2)); err != nil {
		t.Fatal(err)
	}
	kept := rotOpen(t, store, c.now)
	dropped := must(openAt(t.Context(), Config{Store: store, KEK: rotKEK(t, 2)}, c.now))(t)
	before := rotStored(t, store)
	oldKey := r.snapshot.Load().ringKey

	if err := r.Rewrap(t.Context(), rotKEK(t, 3), rotKEK(t, 1)); err != nil {
		t.Fatal(err)
	}
	after := rotStored(t, store)
	if after.Generation != before.Generation+1 || rotJSON(t, after.Keys) != rotJSON(t, before.Keys) {
		t.Error("more than the wrapping changed")
	}
	for b := range byte(5) {
		if got, want := rotOpens(t, store, rotKEK(t, b), c.now), b == 1 || b == 3; got != want {
			t.Errorf("KEK %d opens: %t", b, got)
		}
	}
	data, _, _ := store.Load(t.Context())
	if _, err := must(parseBlob(data))(t).open(oldKey); !errors.Is(err, ErrUnreadable) {
		t.Errorf("the old ring key opens the new ring: %v", err)
	}

	// A process whose KEK stayed reads and writes as before.
	rotPass(t, c, kept, 30*day)
	if steps := rotTick(t, kept); len(steps) != 2 {
		t.Errorf("with a kept KEK it did %+v", steps)
	}
	rotTick(t, r)

	// A process with the dropped KEK sees no change, and serves until its snapshot is too old.
	_, err := dropped.Rotate(t.Context())
	wantError(t, err, ErrUnreadable)
}

func TestRewrapDropped(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := rotRing(t, store, c.now)
	if err := r.AddKEK(t.Context(), rotKEK(t, 2)); err != nil {
		t.Fatal(err)
	}
	dropped := must(openAt(t.Context(), Config{Store: store, KEK: rotKEK(t, 2)}, c.now))(t)
	if err := r.Rewrap(t.Context(), rotKEK(t, 1)); err != nil {
		t.Fatal(err)
	}
	opens := rotStored(t, store).activeID(keys.UseEnc)
	for _, tt := range []struct {
		step  time.Duration
		stale bool
	}{{time.Minute, false}, {59 * time.Minute, false}, {1, true}, {day, true}} {
		c.advance(tt.step)
		_, err := dropped.Reload(t.Context())
		wantError(t, err, ErrUnreadable)
		set := must(dropped.PrivateKeys(t.Context()))(t)
		_, err = set.SigningKey()
		_, errPublic := dropped.PublicKeys(t.Context(), "")
		if errors.Is(err, keys.ErrStale) != tt.stale || errors.Is(errPublic, keys.ErrStale) != tt.stale {
			t.Errorf("%v later: signs %v, publishes %v", c.now().Sub(rotBase), err, errPublic)
		}
		if _, ok := heldKey(set, opens); !ok {
			t.Error("it does not open any more")
		}
		_, err = dropped.Keys(t.Context())
		wantError(t, err, ErrUnreadable)
	}
}

func TestRewrapRefuses(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := rotRing(t, store, c.now)
	var nine []KEK
	for b := range byte(9) {
		nine = append(nine, rotKEK(t, b+1))
	}
	wantError(t, r.Rewrap(t.Context()), ErrState)
	wantError(t, r.Rewrap(t.Context(), nine...), ErrState)
	wantError(t, r.Rewrap(t.Context(), rotKEK(t, 1), rotKEK(t, 2), rotKEK(t, 1)), keys.ErrDuplicate)
	if store.generations() != 1 {
		t.Error("the ring changed")
	}
	if err := r.Rewrap(t.Context(), nine[1:]...); err != nil {
		t.Errorf("eight: %v", err)
	}
	if ids := must(r.KEKs(t.Context()))(t); len(ids) != 8 {
		t.Errorf("KEKs %q", ids)
	}
}

// The outcome of the write is settled even if only the new KEK opens the ring.
func TestRewrapUnknownOutcome(t *testing.T) {
	for _, written := range []bool{true, false} {
		t.Run(fmt.Sprint("written=", written), func(t *testing.T) {
			c, store := newClock(), newTestStore()
			r := rotRing(t, store, c.now)
			store.once(func(ctx context.Context, prev string, doc []byte) (bool, error) {
				if written {
					must(store.put(ctx, prev, doc))(t)
				}
				return true, ErrUnknownOutcome
			})
			if err := r.Rewrap(t.Context(), rotKEK(t, 2)); err != nil {
				t.Fatal(err)
			}
			if store.generations() != 2 || rotOpens(t, store, rotKEK(t, 1), c.now) || !rotOpens(t, store, rotKEK(t, 2), c.now) {
				t.Errorf("%d generations", store.generations())
			}
			rotPass(t, c, r, 30*day)
			if steps := rotTick(t, r); len(steps) != 2 {
				t.Errorf("afterwards it did %+v", steps)
			}
		})
	}
}

// Our write did not happen. Another one did, and none of our KEKs opens its ring.
func TestRewrapUnknownOutcomeAndDropped(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := rotRing(t, store, c.now)
	other := rotOpen(t, store, c.now)
	store.once(func(context.Context, string, []byte) (bool, error) {
		if err := other.Rewrap(t.Context(), rotKEK(t, 3)); err != nil {
			t.Error(err)
		}
		return true, ErrUnknownOutcome
	})
	wantError(t, r.Rewrap(t.Context(), rotKEK(t, 2)), ErrUnknownOutcome)
	if err := other.Rewrap(t.Context(), rotKEK(t, 1)); err != nil {
		t.Fatal(err)
	}
	rotPass(t, c, r, 30*day)
	if steps := rotTick(t, r); len(steps) != 2 {
		t.Errorf("readable again, it did %+v", steps)
	}
}
