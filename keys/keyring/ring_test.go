package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/sealjwt/sealjwt/keys"
)

var errDown = errors.New("the store is down")

// loadsIn returns the number of loads that f causes.
func loadsIn(s *testStore, f func()) int {
	before := s.loads
	f()
	return s.loads - before
}

// serves checks which calls a ring answers with its snapshot.
func serves(t *testing.T, r *Ring, fresh bool) {
	t.Helper()
	s := must(r.PrivateKeys(t.Context()))(t)
	_, signErr := s.SigningKey()
	_, setErr := s.PublicKeys(t.Context(), "")
	_, publicErr := r.PublicKeys(t.Context(), "")
	for what, err := range map[string]error{"sign": signErr, "publish": setErr, "publish itself": publicErr} {
		if fresh && err != nil || !fresh && !errors.Is(err, keys.ErrStale) {
			t.Errorf("%s: %v, want it fresh: %v", what, err, fresh)
		}
	}
	if _, ok := heldKey(s, activeID(r, keys.UseEnc)); !ok {
		t.Error("it does not decrypt")
	}
}

func TestOpenEmptyStore(t *testing.T) {
	_, err := Open(t.Context(), Config{Store: NewMemStore(), KEK: rawKey(t)})
	wantError(t, err, ErrNoRing)
	down := newTestStore()
	down.setDown(errDown)
	_, err = Open(t.Context(), Config{Store: down, KEK: rawKey(t)})
	wantError(t, err, errDown)
}

func TestSnapshotServesAMinute(t *testing.T) {
	c, store := newClock(), newTestStore()
	newRing(t, store, c.now)
	ring := openRing(t, store, c.now)
	use := func() { serves(t, ring, true) }
	read := ring.snapshot.Load().document
	for range 3 {
		c.advance(time.Minute - 1)
		if n := loadsIn(store, use); n != 0 {
			t.Errorf("%d loads before the minute is over", n)
		}
		c.advance(1)
		if n := loadsIn(store, use); n != 1 {
			t.Errorf("%d loads after a minute", n)
		}
		if ring.snapshot.Load().document != read {
			t.Error("what has the same version is read again")
		}
	}
}

// Another process imports a key. The ring has it after a minute, or at once for an unknown kid.
func TestChangeElsewhereIsSeen(t *testing.T) {
	for name, see := range map[string]func(r *Ring, c *clock, kid string) (*keys.PublicSet, error){
		"a minute later": func(r *Ring, c *clock, kid string) (*keys.PublicSet, error) {
			c.advance(time.Minute)
			return r.PublicKeys(t.Context(), "")
		},
		"for its kid": func(r *Ring, c *clock, kid string) (*keys.PublicSet, error) {
			c.advance(reloadCooldown)
			return r.PublicKeys(t.Context(), kid)
		},
		"by Reload": func(r *Ring, c *clock, kid string) (*keys.PublicSet, error) {
			c.advance(reloadCooldown)
			return must(r.Reload(t.Context()))(t).PublicKeys(t.Context(), "")
		},
		"by Keys": func(r *Ring, c *clock, kid string) (*keys.PublicSet, error) {
			must(r.Keys(t.Context()))(t)
			return r.PublicKeys(t.Context(), "")
		},
		"by Policy": func(r *Ring, c *clock, kid string) (*keys.PublicSet, error) {
			must(r.Policy(t.Context()))(t)
			return r.PublicKeys(t.Context(), "")
		},
	} {
		c, store := newClock(), newTestStore()
		here, there := newRing(t, store, c.now), openRing(t, store, c.now)
		k := generated(t, keys.ES256)
		if err := there.importOwn(t.Context(), k, Staged); err != nil {
			t.Fatal(err)
		}
		if must(here.PublicKeys(t.Context(), ""))(t).HasVerificationKey(k.ID()) {
			t.Errorf("%s: the snapshot changed by itself", name)
		}
		p, err := see(here, c, k.ID())
		if err != nil {
			t.Fatal(err)
		}
		if !p.HasVerificationKey(k.ID()) {
			t.Errorf("%s: it is not seen", name)
		}
		if !must(there.PublicKeys(t.Context(), ""))(t).HasVerificationKey(k.ID()) {
			t.Errorf("%s: the importer does not see it", name)
		}
	}
}

// Clients choose the kids of tokens. They must not choose how often the ring loads.
func TestReloadCooldown(t *testing.T) {
	c, store := newClock(), newTestStore()
	ring := newRing(t, store, c.now)
	unknown := func() {
		for range 10 {
			if must(ring.PublicKeys(t.Context(), "unknown"))(t).HasVerificationKey("unknown") {
				t.Error("found")
			}
			must(ring.Reload(t.Context()))(t)
		}
	}
	if n := loadsIn(store, unknown); n != 0 {
		t.Errorf("%d loads right after opening", n)
	}
	for range 3 {
		c.advance(reloadCooldown)
		if n := loadsIn(store, unknown); n != 1 {
			t.Errorf("%d loads after the cooldown", n)
		}
	}
	known := must(must(ring.PrivateKeys(t.Context()))(t).SigningKey())(t).ID()
	c.advance(reloadCooldown)
	if n := loadsIn(store, func() { must(ring.PublicKeys(t.Context(), known))(t) }); n != 0 {
		t.Errorf("%d loads for a known kid", n)
	}
	// A store that is down is not asked for every token either.
	store.setDown(errDown)
	c.advance(2 * time.Minute)
	if n := loadsIn(store, func() {
		for range 10 {
			serves(t, ring, true)
		}
	}); n != 1 {
		t.Errorf("%d loads of a store that is down", n)
	}
}

func TestStoreDown(t *testing.T) {
	c, store := newClock(), newTestStore()
	ring := newRing(t, store, c.now)
	store.setDown(errDown)
	for range 60 {
		c.advance(time.Minute)
		serves(t, ring, true)
	}
	c.advance(1)
	serves(t, ring, false)
	if _, err := ring.PublicKeys(t.Context(), "unknown"); !errors.Is(err, keys.ErrStale) {
		t.Error(err)
	}
	// A call that needs the present state of the ring returns an error.
	_, err := ring.Keys(t.Context())
	wantError(t, err, errDown)
	_, err = ring.Policy(t.Context())
	wantError(t, err, errDown)
	wantError(t, ring.importOwn(t.Context(), generated(t, keys.ES256), Staged), errDown)
	c.advance(24 * time.Hour)
	serves(t, ring, false)

	store.setDown(nil)
	c.advance(reloadCooldown)
	serves(t, ring, true)
}

func TestCancelledContext(t *testing.T) {
	c, store := newClock(), newTestStore()
	ring := newRing(t, store, c.now)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, ring.importOwn(ctx, generated(t, keys.ES256), Staged), context.Canceled)
	c.advance(time.Minute)
	if s, err := ring.PrivateKeys(ctx); err != nil {
		t.Error(err)
	} else if _, err := s.SigningKey(); err != nil {
		t.Error(err)
	}
	_, err := Create(ctx, Config{Store: NewMemStore(), KEK: rawKey(t)})
	wantError(t, err, context.Canceled)
}

// A store comes back with a damaged document. It counts as down.
func TestStoreDamagedMeanwhile(t *testing.T) {
	c, store := newClock(), newTestStore()
	ring := newRing(t, store, c.now)
	good := blobOf(t, store)
	put(t, store, append(good[:len(good):len(good)], ' '))
	c.advance(time.Minute)
	serves(t, ring, true)
	_, err := ring.Keys(t.Context())
	wantError(t, err, ErrUnreadable)
	c.advance(time.Hour)
	serves(t, ring, false)
	put(t, store, good)
	c.advance(reloadCooldown)
	serves(t, ring, true)
}

func TestRollback(t *testing.T) {
	c, store := newClock(), newTestStore()
	ring := newRing(t, store, c.now)
	old := blobOf(t, store)
	k := generated(t, keys.ES256)
	if err := ring.importOwn(t.Context(), k, Staged); err != nil {
		t.Fatal(err)
	}
	now := blobOf(t, store)
	forked := storeWith(t, old)
	if err := openRing(t, forked, c.now).importOwn(t.Context(), generated(t, keys.EdDSA), Staged); err != nil {
		t.Fatal(err)
	}
	fork := blobOf(t, forked)
	if err := openRing(t, forked, c.now).importOwn(t.Context(), generated(t, keys.EdDSA), Staged); err != nil {
		t.Fatal(err)
	}
	other := NewMemStore()
	newRing(t, other, c.now)
	for name, doc := range map[string][]byte{
		"older": old, "fork of the same generation": fork, "fork of a later one": blobOf(t, forked), "another ring": blobOf(t, other),
	} {
		put(t, store, doc)
		_, err := ring.Keys(t.Context())
		if wantError(t, err, ErrRollback); t.Failed() {
			t.Fatal(name)
		}
		wantError(t, ring.importOwn(t.Context(), generated(t, keys.ES256), Staged), ErrRollback)
		c.advance(time.Minute)
		if !must(ring.PublicKeys(t.Context(), ""))(t).HasVerificationKey(k.ID()) {
			t.Errorf("%s: the snapshot is gone", name)
		}
		put(t, store, now)
		must(ring.Keys(t.Context()))(t)
	}
	// A process that has not seen the newer ring cannot notice.
	openRing(t, storeWith(t, old), c.now)
}

// The history knows 64 generations. For older ones the number decides.
func TestSucceeds(t *testing.T) {
	d := &document{}
	var marks []Checkpoint
	for range 200 {
		previous := d.checkpoint()
		if previous.Generation == 0 {
			previous = Checkpoint{}
		}
		d = d.clone()
		d.stamp(previous, time.Time{}, logEntry{what: "test"})
		marks = append(marks, d.checkpoint())
	}
	if d.Generation != 200 || len(d.History) != historyLength || len(d.Log) != 200 {
		t.Fatalf("generation %d, history of %d, log of %d", d.Generation, len(d.History), len(d.Log))
	}
	for i, m := range marks {
		if !d.succeeds(m) {
			t.Errorf("generation %d is not taken for an ancestor", i+1)
		}
		forged := Checkpoint{Generation: m.Generation, Nonce: "forged"}
		if known := m.Generation >= 200-historyLength; d.succeeds(forged) == known {
			t.Errorf("a fork at generation %d: %v", m.Generation, !known)
		}
	}
	if d.succeeds(Checkpoint{Generation: 201, Nonce: "later"}) || d.contains(Checkpoint{Generation: 1000}) {
		t.Error("a later generation is taken for an ancestor")
	}
	for range 100 {
		d.stamp(d.checkpoint(), time.Time{}, logEntry{what: "test"})
	}
	if len(d.Log) != logLength || d.Log[len(d.Log)-1].Generation != 300 {
		t.Errorf("log of %d", len(d.Log))
	}
	if clone := d.clone(); !reflect.DeepEqual(clone, d) {
		t.Error("a clone differs")
	} else if clone.stamp(d.checkpoint(), time.Time{}, logEntry{what: "test"}); d.Generation != 300 || slices.Contains(d.History, clone.checkpoint()) {
		t.Error("a clone shares with its original")
	}
}

// shiftMonotonic moves the monotonic clock of at against its wall clock. time.Now shows such a time
// after an operator set the wall clock or the machine slept.
func shiftMonotonic(t testing.TB, at time.Time, d time.Duration) time.Time {
	t.Helper()
	field, ok := reflect.TypeFor[time.Time]().FieldByName("ext")
	if !ok || field.Type.Kind() != reflect.Int64 {
		t.Skip("time.Time is built in another way now")
	}
	shifted := at
	*(*int64)(unsafe.Add(unsafe.Pointer(&shifted), field.Offset)) += int64(d)
	if shifted.Sub(at) != d || !shifted.Round(0).Equal(at.Round(0)) {
		t.Skip("time.Time is built in another way now")
	}
	return shifted
}

// The clock of the machine is set back or forward, or stands still while the machine sleeps. The
// larger of the two ages counts for a snapshot.
func TestClockJumps(t *testing.T) {
	loaded := time.Now()
	s := &snapshot{loaded: loaded}
	for name, c := range map[string]struct {
		wall, monotonic, want time.Duration
	}{
		"both":                   {time.Hour, time.Hour, time.Hour},
		"wall clock set back":    {-24 * time.Hour, time.Hour, time.Hour},
		"wall clock set forward": {24 * time.Hour, time.Hour, 24 * time.Hour},
		"machine slept":          {8 * time.Hour, time.Minute, 8 * time.Hour},
	} {
		now := shiftMonotonic(t, loaded.Add(c.wall), c.monotonic-c.wall)
		if got := s.age(now); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}

	for name, wall := range map[string]time.Duration{"set back": -24 * time.Hour, "set forward": 24 * time.Hour} {
		store := newTestStore()
		c := &clock{t: loaded}
		ring := newRing(t, store, c.now)
		store.setDown(errDown)
		c.t = shiftMonotonic(t, loaded.Add(wall), 2*time.Hour-wall)
		serves(t, ring, false)
		store.setDown(nil)
		c.advance(reloadCooldown)
		if n := loadsIn(store, func() { serves(t, ring, true) }); n != 1 {
			t.Errorf("%s: %d loads", name, n)
		}
	}
}

func TestKeyInfo(t *testing.T) {
	c := newClock()
	ring := newRing(t, NewMemStore(), c.now)
	first := keyCount(ring)
	c.advance(time.Hour)
	staged, retired := generated(t, keys.ECDHES), generated(t, keys.ES256)
	if err := errors.Join(ring.importOwn(t.Context(), staged, Staged), ring.importOwn(t.Context(), retired, Retired)); err != nil {
		t.Fatal(err)
	}
	infos := must(ring.Keys(t.Context()))(t)
	if len(infos) != first+2 {
		t.Fatalf("%d keys", len(infos))
	}
	start, later := newClock().now(), newClock().now().Add(time.Hour)
	for use, suite := range map[keys.Use]keys.Suite{keys.UseSig: keys.ES256, keys.UseEnc: keys.ECDHES} {
		got := infos[slices.IndexFunc(infos, func(i KeyInfo) bool { return i.ID == activeID(ring, use) })]
		want := KeyInfo{
			ID: got.ID, Thumbprint: got.Thumbprint, Use: use, Suite: suite, State: Active, HasPrivate: true, Created: start, Activated: start,
			Next: Retire, NextAt: start.Add(Policy{}.withDefaults().forUse(use).Period),
		}
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	for i, want := range []KeyInfo{
		{ID: staged.ID(), Thumbprint: staged.Thumbprint(), Use: keys.UseEnc, Suite: keys.ECDHES, State: Staged, HasPrivate: true, Created: later},
		{ID: retired.ID(), Thumbprint: retired.Thumbprint(), Use: keys.UseSig, Suite: keys.ES256, State: Retired, Created: later, Retired: later,
			Next: MarkDue, NextAt: later.Add(Policy{}.withDefaults().Windows().SignKept)},
	} {
		if got := infos[first+i]; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	text := string(must(json.Marshal(infos[first+1]))(t))
	if want := `{"kid":"` + retired.ID() + `","use":"sig","alg":"ES256","state":"retired","private":false,"thumbprint":"` + retired.Thumbprint() +
		`","created":"2026-03-01T13:00:00Z","retired":"2026-03-01T13:00:00Z","next":"mark-due","next_at":"2026-03-01T15:03:00Z"}`; text != want {
		t.Errorf("JSON %s", text)
	}
}

// A request that was given up says nothing about the store, and must not keep others from loading.
// Otherwise an attacker who hangs up could age the snapshot of a healthy store.
func TestCancelledLoadDoesNotCount(t *testing.T) {
	c := newClock()
	ring := newRing(t, NewMemStore(), c.now)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		c.advance(reloadCooldown)
		ring.PrivateKeys(gone)
		if _, err := must(ring.PrivateKeys(t.Context()))(t).SigningKey(); err != nil {
			t.Fatal(err)
		}
		if age := ring.snapshot.Load().age(c.now()); age > reloadAfter {
			t.Fatalf("the snapshot is %v old", age)
		}
	}
}

// A caller waits behind a store that hangs no longer than its own context.
func TestWaitEndsWithTheContext(t *testing.T) {
	ring := newRing(t, NewMemStore(), newClock().now)
	if err := ring.changing.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ring.Policy(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := ring.importOwn(ctx, generated(t, keys.ES256), Staged); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	ring.Reload(ctx) // this returns
}

// A caller that is refused learns why the ring could not be reloaded.
func TestReasonOfStaleness(t *testing.T) {
	c, store := newClock(), newTestStore()
	ring := newRing(t, store, c.now)
	down := errors.New("disk on fire")
	store.setDown(down)
	c.advance(time.Hour + time.Minute)
	_, err := must(ring.PrivateKeys(t.Context()))(t).SigningKey()
	if !errors.Is(err, keys.ErrStale) || !errors.Is(err, down) {
		t.Errorf("%v", err)
	}
	if _, err := ring.Reload(t.Context()); !errors.Is(err, down) {
		t.Errorf("%v", err)
	}
	store.setDown(nil)
	c.advance(reloadCooldown)
	if _, err := ring.Reload(t.Context()); err != nil {
		t.Errorf("%v", err)
	}
}
