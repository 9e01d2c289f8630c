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

// countingKEK counts the calls of a KEK. If fail is set, Wrap returns it.
type countingKEK struct {
	KEK
	wraps, unwraps int
	fail           error
}

func (s *countingKEK) Wrap(ctx context.Context, ringKey []byte) (WrappedKey, error) {
	s.wraps++
	if s.fail != nil {
		return WrappedKey{}, s.fail
	}
	return s.KEK.Wrap(ctx, ringKey)
}

func (s *countingKEK) Unwrap(ctx context.Context, w WrappedKey) ([]byte, error) {
	s.unwraps++
	return s.KEK.Unwrap(ctx, w)
}

// slotsIn returns the slots of the ring that s holds.
func slotsIn(t testing.TB, s Store) []slot {
	t.Helper()
	return must(parseBlob(blobOf(t, s)))(t).Slots
}

// opensWith reports whether kek opens the ring that s holds.
func opensWith(t testing.TB, s Store, kek KEK, now func() time.Time) bool {
	t.Helper()
	_, err := openAt(t.Context(), Config{Store: s, KEK: kek}, now)
	if err != nil && !errors.Is(err, ErrUnreadable) {
		t.Fatal(err)
	}
	return err == nil
}

func TestAddKEK(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	if err := r.AddKEK(t.Context(), kekNumbered(t, 2)); err != nil {
		t.Fatal(err)
	}
	before := storedIn(t, store)
	for b := range byte(4) {
		if got, want := opensWith(t, store, kekNumbered(t, b), c.now), b == 1 || b == 2; got != want {
			t.Errorf("KEK %d opens: %t", b, got)
		}
	}
	ids := must(r.KEKs(t.Context()))(t)
	if want := []string{kekNumbered(t, 1).ID(), kekNumbered(t, 2).ID()}; !slices.Equal(ids, want) {
		t.Errorf("KEKs %q, want %q", ids, want)
	}
	log := before.Log[len(before.Log)-1]
	if log.What != "add KEK "+kekNumbered(t, 2).ID() {
		t.Errorf("logged %+v", log)
	}
	spy := &countingKEK{KEK: kekNumbered(t, 3), fail: ErrKEK}
	wantError(t, r.AddKEK(t.Context(), spy), ErrKEK)
	wantError(t, r.Rewrap(t.Context(), kekNumbered(t, 1), spy), ErrKEK)
	if len(slotsIn(t, store)) != 2 {
		t.Error("a KEK that failed got a slot")
	}
	store.setDown(errDown)
	_, err := r.KEKs(t.Context())
	wantError(t, err, errDown)
}

func TestAddKEKFull(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	for b := byte(2); b <= 8; b++ {
		if err := r.AddKEK(t.Context(), kekNumbered(t, b)); err != nil {
			t.Fatal(err)
		}
	}
	n := store.generations()
	wantError(t, r.AddKEK(t.Context(), kekNumbered(t, 9)), ErrState)
	if store.generations() != n {
		t.Error("the ring changed")
	}
	wantError(t, r.AddKEK(t.Context(), kekNumbered(t, 3)), ErrState) // the ring has that KEK
	for b := byte(1); b <= 9; b++ {
		if got := opensWith(t, store, kekNumbered(t, b), c.now); got != (b != 9) {
			t.Errorf("KEK %d opens: %t", b, got)
		}
	}
}

// A writer that knows one KEK copies the other slots unread.
func TestAddKEKCopiesSlots(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	spy := &countingKEK{KEK: kekNumbered(t, 2)}
	if err := r.AddKEK(t.Context(), spy); err != nil {
		t.Fatal(err)
	}
	if err := r.AddKEK(t.Context(), kekNumbered(t, 3)); err != nil {
		t.Fatal(err)
	}
	// It also copies a slot of an unknown kind.
	data, version, err := store.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := must(parseBlob(data))(t)
	key := must(b.ringKey(t.Context(), kekNumbered(t, 1)))(t)
	slots := append(b.Slots, slot{KEK: "of another kind", JWE: "and opaque"})
	must(store.Swap(t.Context(), version, must(sealBlob(must(b.open(key))(t), slots, key))(t)))(t)
	writer := openRing(t, store, c.now)
	for range 10 {
		c.advance(30 * day)
		doDueSteps(t, writer)
	}
	if err := writer.UpdatePolicy(t.Context(), shrinkWindows); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(slotsIn(t, store), slots) {
		t.Error("the slots changed")
	}
	// AddKEK reads its slot back, so it unwraps once.
	if spy.wraps != 1 || spy.unwraps != 1 {
		t.Errorf("the other's KEK wrapped %d times and unwrapped %d times", spy.wraps, spy.unwraps)
	}
	if !opensWith(t, store, kekNumbered(t, 2), c.now) || !opensWith(t, store, kekNumbered(t, 3), c.now) {
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
	if opensWith(t, store, first, c.now) {
		t.Error("the old passphrase still opens the ring")
	}
	if must(parseBlob(blobOf(t, store)))(t).ringOpens(oldKey) {
		t.Error("the old ring key still opens the ring")
	}
	c.advance(30 * day)
	if steps := doDueSteps(t, r); len(steps) != 2 {
		t.Errorf("afterwards it did %+v", steps)
	}
}

func (b blob) ringOpens(key secretBytes) bool {
	_, err := b.open(key)
	return err == nil
}

func TestRewrap(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	if err := r.AddKEK(t.Context(), kekNumbered(t, 2)); err != nil {
		t.Fatal(err)
	}
	kept := openRing(t, store, c.now)
	dropped := must(openAt(t.Context(), Config{Store: store, KEK: kekNumbered(t, 2)}, c.now))(t)
	before := storedIn(t, store)
	oldKey := r.snapshot.Load().ringKey

	if err := r.Rewrap(t.Context(), kekNumbered(t, 3), kekNumbered(t, 1)); err != nil {
		t.Fatal(err)
	}
	after := storedIn(t, store)
	if after.Generation != before.Generation+1 || string(asJSON(t, after.Keys)) != string(asJSON(t, before.Keys)) {
		t.Error("more than the wrapping changed")
	}
	for b := range byte(5) {
		if got, want := opensWith(t, store, kekNumbered(t, b), c.now), b == 1 || b == 3; got != want {
			t.Errorf("KEK %d opens: %t", b, got)
		}
	}
	data, _, _ := store.Load(t.Context())
	if _, err := must(parseBlob(data))(t).open(oldKey); !errors.Is(err, ErrUnreadable) {
		t.Errorf("the old ring key opens the new ring: %v", err)
	}

	// A process whose KEK stayed reads and writes as before.
	passPeriod(t, c, kept, 30*day)
	if steps := doDueSteps(t, kept); len(steps) != 2 {
		t.Errorf("with a kept KEK it did %+v", steps)
	}
	doDueSteps(t, r)

	// A process with the dropped KEK sees no change, and serves until its snapshot is too old.
	_, err := dropped.Rotate(t.Context())
	wantError(t, err, ErrUnreadable)
}

func TestRewrapDropped(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	if err := r.AddKEK(t.Context(), kekNumbered(t, 2)); err != nil {
		t.Fatal(err)
	}
	dropped := must(openAt(t.Context(), Config{Store: store, KEK: kekNumbered(t, 2)}, c.now))(t)
	if err := r.Rewrap(t.Context(), kekNumbered(t, 1)); err != nil {
		t.Fatal(err)
	}
	opens := storedIn(t, store).activeID(keys.UseEnc)
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
			t.Errorf("%v later: signs %v, publishes %v", c.now().Sub(testStart), err, errPublic)
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
	r := newRing(t, store, c.now)
	var nine []KEK
	for b := range byte(9) {
		nine = append(nine, kekNumbered(t, b+1))
	}
	wantError(t, r.Rewrap(t.Context()), ErrState)
	wantError(t, r.Rewrap(t.Context(), nine...), ErrState)
	wantError(t, r.Rewrap(t.Context(), kekNumbered(t, 1), kekNumbered(t, 2), kekNumbered(t, 1)), keys.ErrDuplicate)
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
			r := newRing(t, store, c.now)
			store.once(func(ctx context.Context, prev string, doc []byte) (bool, error) {
				if written {
					must(store.put(ctx, prev, doc))(t)
				}
				return true, ErrUnknownOutcome
			})
			if err := r.Rewrap(t.Context(), kekNumbered(t, 2)); err != nil {
				t.Fatal(err)
			}
			if store.generations() != 2 || opensWith(t, store, kekNumbered(t, 1), c.now) || !opensWith(t, store, kekNumbered(t, 2), c.now) {
				t.Errorf("%d generations", store.generations())
			}
			passPeriod(t, c, r, 30*day)
			if steps := doDueSteps(t, r); len(steps) != 2 {
				t.Errorf("afterwards it did %+v", steps)
			}
		})
	}
}

// Our write did not happen. Another one did, and none of our KEKs opens its ring.
func TestRewrapUnknownOutcomeAndDropped(t *testing.T) {
	c, store := newClock(), newTestStore()
	r := newRing(t, store, c.now)
	other := openRing(t, store, c.now)
	store.once(func(context.Context, string, []byte) (bool, error) {
		if err := other.Rewrap(t.Context(), kekNumbered(t, 3)); err != nil {
			t.Error(err)
		}
		return true, ErrUnknownOutcome
	})
	wantError(t, r.Rewrap(t.Context(), kekNumbered(t, 2)), ErrUnknownOutcome)
	if err := other.Rewrap(t.Context(), kekNumbered(t, 1)); err != nil {
		t.Fatal(err)
	}
	passPeriod(t, c, r, 30*day)
	if steps := doDueSteps(t, r); len(steps) != 2 {
		t.Errorf("readable again, it did %+v", steps)
	}
}
