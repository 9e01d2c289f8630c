package keyring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/tombstone"
	"github.com/sealjwt/sealjwt/keys/internal/window"
)

// rotClock is a clock that stands still until it is moved.
type rotClock struct {
	mu sync.Mutex
	t  time.Time
}

func rotNewClock() *rotClock { return &rotClock{t: rotBase} }

func (c *rotClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *rotClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// off is another clock that differs from c.
func (c *rotClock) off(d time.Duration) func() time.Time {
	return func() time.Time { return c.now().Add(d) }
}

// rotStore is a store that keeps every generation and fails when told to.
type rotStore struct {
	Store
	mu       sync.Mutex
	load     func() error                                                     // its error instead of a Load
	swap     func(ctx context.Context, prev string, doc []byte) (bool, error) // instead of a Swap, when true
	written  [][]byte
	attempts [][]byte
}

func rotNewStore() *rotStore { return &rotStore{Store: NewMemStore()} }

func (s *rotStore) Load(ctx context.Context) ([]byte, string, error) {
	s.mu.Lock()
	load := s.load
	s.mu.Unlock()
	if load != nil {
		if err := load(); err != nil {
			return nil, "", err
		}
	}
	return s.Store.Load(ctx)
}

func (s *rotStore) Swap(ctx context.Context, prev string, doc []byte) (string, error) {
	s.mu.Lock()
	swap := s.swap
	s.attempts = append(s.attempts, bytes.Clone(doc))
	s.mu.Unlock()
	if swap != nil {
		if done, err := swap(ctx, prev, doc); done {
			return "", err
		}
	}
	return s.put(ctx, prev, doc)
}

// put is a Swap that never fails on purpose.
func (s *rotStore) put(ctx context.Context, prev string, doc []byte) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	version, err := s.Store.Swap(ctx, prev, doc)
	if err == nil {
		s.written = append(s.written, bytes.Clone(doc))
	}
	return version, err
}

// once lets swap stand in for the next Swap only.
func (s *rotStore) once(swap func(ctx context.Context, prev string, doc []byte) (bool, error)) {
	s.setSwap(func(ctx context.Context, prev string, doc []byte) (bool, error) {
		s.setSwap(nil)
		return swap(ctx, prev, doc)
	})
}

func (s *rotStore) setSwap(swap func(ctx context.Context, prev string, doc []byte) (bool, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.swap = swap
}

func (s *rotStore) setLoad(load func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load = load
}

func (s *rotStore) generations() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.written)
}

// restore puts back what the store once held.
func (s *rotStore) restore(t testing.TB, doc []byte) {
	t.Helper()
	_, version, err := s.Store.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rotMust(s.Store.Swap(t.Context(), version, doc))(t)
}

var errRotDown = errors.New("the store is down")

func rotDown() error { return errRotDown }

func rotMust[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func rotWantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func rotKEK(t testing.TB, b byte) KEK {
	t.Helper()
	return rotMust(NewKEK(bytes.Repeat([]byte{b}, rawKeySize)))(t)
}

func rotRing(t testing.TB, s Store, now func() time.Time) *Ring {
	t.Helper()
	return rotMust(createAt(t.Context(), Config{Store: s, KEK: rotKEK(t, 1)}, now))(t)
}

func rotOpen(t testing.TB, s Store, now func() time.Time) *Ring {
	t.Helper()
	return rotMust(openAt(t.Context(), Config{Store: s, KEK: rotKEK(t, 1)}, now))(t)
}

// rotDecrypt reads a ring at rest, as somebody with the KEK could.
func rotDecrypt(t testing.TB, data []byte) *document {
	t.Helper()
	b := rotMust(parseBlob(data))(t)
	return rotMust(b.open(rotMust(b.ringKey(t.Context(), rotKEK(t, 1)))(t)))(t)
}

func rotStored(t testing.TB, s Store) *document {
	t.Helper()
	data, _, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rotDecrypt(t, data)
}

// rotEdit changes what is stored behind everybody's back, in a generation of its own.
func rotEdit(t testing.TB, s Store, edit func(*document)) {
	t.Helper()
	data, version, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := rotMust(parseBlob(data))(t)
	key := rotMust(b.ringKey(t.Context(), rotKEK(t, 1)))(t)
	d := rotMust(b.open(key))(t)
	edit(d)
	d.stamp(d.checkpoint(), rotBase)
	rotMust(s.Swap(t.Context(), version, rotMust(sealBlob(d, b.Slots, key))(t)))(t)
}

func rotHasPrivate(t testing.TB, r record) bool {
	t.Helper()
	if len(r.JWK) == 0 {
		return false
	}
	var members map[string]any
	if err := json.Unmarshal(r.JWK, &members); err != nil {
		t.Fatal(err)
	}
	return members["d"] != nil
}

// rotTable is the state table: what a ring holds of a key, and shows.
var rotTable = map[keys.Use]map[State]struct{ private, published bool }{
	keys.UseSig: {Staged: {true, true}, Active: {true, true}, Retired: {false, true}, Destroyed: {}, Revoked: {}},
	keys.UseEnc: {Staged: {true, false}, Active: {true, true}, Retired: {true, false}, Destroyed: {}}, // Revoked: either
}

// rotFollows are the states that may follow each other.
var rotFollows = map[State][]State{
	"":        {Staged},
	Staged:    {Staged, Active, Revoked},
	Active:    {Active, Retired, Revoked},
	Retired:   {Retired, Destroyed, Revoked},
	Destroyed: {Destroyed, Revoked},
	Revoked:   {Revoked},
}

// rotCheck checks what must hold in every generation. It returns how many keys
// there are in each state of each use.
func rotCheck(t testing.TB, d *document) map[keys.Use]map[State]int {
	t.Helper()
	counts := map[keys.Use]map[State]int{keys.UseSig: {}, keys.UseEnc: {}}
	cfg, err := d.setConfig()
	if err != nil {
		t.Fatalf("generation %d: %v", d.Generation, err)
	}
	set, err := keys.NewSet(cfg)
	if err != nil {
		t.Fatalf("generation %d: %v", d.Generation, err)
	}
	public := rotMust(set.PublicKeys(t.Context(), ""))(t)
	published := make(map[string]bool)
	for _, k := range public.Keys() {
		published[k.ID()] = true
		if k.HasPrivate() {
			t.Errorf("generation %d publishes a private half", d.Generation)
		}
	}
	seen := make(map[string]bool)
	for _, r := range d.Keys {
		counts[r.Use][r.State]++
		kid, head := "kid "+r.ID, "key "+tombstone.HeadOf(r.ID, r.Thumbprint)
		if seen[kid] || seen[head] {
			t.Errorf("generation %d: %s twice", d.Generation, r.ID)
		}
		seen[kid], seen[head] = true, true
		want := rotTable[r.Use][r.State]
		if r.Use == keys.UseEnc && r.State == Revoked {
			want.private = len(r.JWK) != 0
		}
		if rotHasPrivate(t, r) != want.private || published[r.ID] != want.published {
			t.Errorf("generation %d: %s %s key: private %t, published %t", d.Generation, r.State, r.Use, rotHasPrivate(t, r), published[r.ID])
		}
		if len(r.JWK) == 0 && (r.Windows != window.Figures{} || !r.Due.IsZero()) {
			t.Errorf("generation %d: the tombstone of %s keeps more than it has to", d.Generation, r.ID)
		}
		if _, opens := heldKey(set, r.ID); opens != (r.Use == keys.UseEnc && want.private) {
			t.Errorf("generation %d: %s %s key opens: %t", d.Generation, r.State, r.Use, opens)
		}
		if signs, err := set.SigningKey(); err == nil && (signs.ID() == r.ID) != (r.Use == keys.UseSig && r.State == Active) {
			t.Errorf("generation %d: the wrong key signs", d.Generation)
		}
	}
	for u, c := range counts {
		if c[Active] != 1 {
			t.Errorf("generation %d: %d active keys for %s", d.Generation, c[Active], u)
		}
	}
	return counts
}

// rotHistory checks every generation that was ever written, and that each follows
// from the one before.
func rotHistory(t testing.TB, written [][]byte) {
	t.Helper()
	var before *document
	for _, data := range written {
		d := rotDecrypt(t, data)
		rotCheck(t, d)
		if before != nil {
			if d.Generation != before.Generation+1 || !d.contains(before.checkpoint()) {
				t.Errorf("generation %d follows %d", d.Generation, before.Generation)
			}
			for _, old := range before.Keys {
				now := d.byID(old.ID)
				if now == nil {
					t.Errorf("generation %d forgot %s", d.Generation, old.ID)
				} else if !slices.Contains(rotFollows[old.State], now.State) {
					t.Errorf("generation %d: %s went from %s to %s", d.Generation, old.ID, old.State, now.State)
				}
			}
		}
		before = d
	}
}

// rotTick does all that is due.
func rotTick(t testing.TB, r *Ring) []Step {
	t.Helper()
	var steps []Step
	for {
		s := rotMust(r.Rotate(t.Context()))(t)
		if s.Action == Nothing {
			return steps
		}
		if steps = append(steps, s); len(steps) > 50 {
			t.Fatalf("it does not end: %+v", steps)
		}
	}
}

// rotLooks is how often rotPass records a look in a new ring when a period of the signing key
// passes.
const rotLooks = 3

// rotPass lets time pass, with a look a window before its end: what the first looks have to
// find is recorded, so that the end of a period is acted on at its time.
func rotPass(t testing.TB, c *rotClock, r *Ring, d time.Duration) {
	t.Helper()
	c.add(d - rotI1)
	for _, s := range rotTick(t, r) {
		if s.Action != MarkDue {
			t.Fatalf("did %+v, want looks only", s)
		}
	}
	c.add(rotI1)
}

func TestRotateYear(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	r := rotRing(t, store, c.now)
	done := make(map[Action]int)
	checked := 0
	for range 365 * 24 {
		c.add(time.Hour)
		steps := rotTick(t, r)
		for _, s := range steps {
			done[s.Action]++
			if s.KeyID == "" || !s.At.Equal(c.now()) {
				t.Errorf("done: %+v", s)
			}
		}
		if n := store.generations(); n != checked {
			checked = n
			for u, counts := range rotCheck(t, rotStored(t, store)) {
				if counts[Staged] != 1 {
					t.Errorf("%d staged keys for %s", counts[Staged], u)
				}
			}
		}
	}
	rotHistory(t, store.written)
	// 12 periods of signing keys and 4 of decryption keys, each with its end.
	// Each of the three waits of a key has its first look; two keys of each use, the active one
	// and its successor, are between theirs.
	want := map[Action]int{Activate: 16, Stage: 16, MarkDue: 3*16 + 2, Destroy: 16}
	if fmt.Sprint(done) != fmt.Sprint(want) {
		t.Errorf("steps %v, want %v", done, want)
	}
	if n, want := len(store.written), 1+6*16+2; n != want {
		t.Errorf("%d generations, want %d: a look must not write", n, want)
	}

	// The steps stand in the log, and a second look at the same time does nothing.
	log := rotMust(r.Log(t.Context()))(t)
	logged := make(map[string]int)
	for _, e := range log {
		logged[e.What]++
		if e.What != "create" && e.KeyID == "" {
			t.Errorf("logged without a kid: %+v", e)
		}
	}
	if logged["activate"] != 16 || logged["retire"] != 16 || logged["stage"] != 16 || logged["destroy"] != 16 {
		t.Errorf("log %v", logged)
	}
	step, due, err := r.NextStep(t.Context())
	if err != nil || due {
		t.Fatalf("next %+v, due %t, %v", step, due, err)
	}
	for range 3 {
		if s := rotMust(r.Rotate(t.Context()))(t); s != (Step{Action: Nothing, At: step.At}) {
			t.Errorf("nothing is due: %+v, next at %v", s, step.At)
		}
	}
	if n := len(store.written); n != 99 {
		t.Errorf("%d generations after looks", n)
	}
	c.add(step.At.Sub(c.now()) - 1)
	if s := rotMust(r.Rotate(t.Context()))(t); s.Action != Nothing {
		t.Errorf("a nanosecond early: %+v", s)
	}
	c.add(1)
	if s := rotMust(r.Rotate(t.Context()))(t); s.Action != step.Action || s.KeyID != step.KeyID {
		t.Errorf("did %+v, want %+v", s, step)
	}
}

// Every key tells what comes next for it.
func TestRotateKeysTellTheirNextStep(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	r := rotRing(t, store, c.now)
	for _, k := range rotMust(r.Keys(t.Context()))(t) {
		period := 30 * day
		if k.Use == keys.UseEnc {
			period = 90 * day
		}
		want := Activate
		if k.State == Active {
			want = Retire
		}
		if k.Next != want || !k.NextAt.Equal(rotAt(period)) {
			t.Errorf("%s %s key: %s at %v", k.State, k.Use, k.Next, k.NextAt)
		}
	}
}

// rotInterrupt lets the store hold still between the load and the swap of one
// change, while meanwhile happens.
func rotInterrupt(s *rotStore, meanwhile func()) {
	s.once(func(context.Context, string, []byte) (bool, error) {
		meanwhile()
		return false, nil
	})
}

func TestRotateConflict(t *testing.T) {
	for _, tt := range []struct{ won, then Action }{{Activate, Stage}, {Stage, Nothing}} {
		c, store := rotNewClock(), rotNewStore()
		a := rotRing(t, store, c.now)
		b := rotOpen(t, store, c.now)
		rotPass(t, c, a, 30*day)
		if tt.won == Stage {
			rotMust(a.Rotate(t.Context()))(t)
		}
		var won Step
		rotInterrupt(store, func() { won = rotMust(b.Rotate(t.Context()))(t) })
		// The loser decides again: what is due after the winner's step.
		lost := rotMust(a.Rotate(t.Context()))(t)
		if won.Action != tt.won || lost.Action != tt.then {
			t.Errorf("the winner did %s, the loser %s", won.Action, lost.Action)
		}
		rotHistory(t, store.written)
		counts := rotCheck(t, rotStored(t, store))
		if len(store.written) != 3+rotLooks || counts[keys.UseSig][Staged] != 1 || counts[keys.UseSig][Retired] != 1 {
			t.Errorf("%d generations, keys %v", len(store.written), counts)
		}
	}
}

// Making a key takes time: the one that was made for a try that lost is used for
// the next.
func TestRotateConflictKeepsTheFreshKey(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	a := rotRing(t, store, c.now)
	b := rotOpen(t, store, c.now)
	rotPass(t, c, a, 30*day)
	rotMust(a.Rotate(t.Context()))(t)
	store.attempts = nil
	rotInterrupt(store, func() {
		if err := b.AddKEK(t.Context(), rotKEK(t, 2)); err != nil {
			t.Error(err)
		}
	})
	s := rotMust(a.Rotate(t.Context()))(t)
	if s.Action != Stage || len(store.attempts) != 3 {
		t.Fatalf("%+v after %d attempts", s, len(store.attempts))
	}
	first := rotDecrypt(t, store.attempts[0])
	if first.byID(s.KeyID) == nil {
		t.Error("another key than at the first try")
	}
	rotCheck(t, rotStored(t, store))

	// Unless the policy wants another one by now.
	c.add(day)
	rotTick(t, a)
	rotMust(a.RotateNowInsecurely(t.Context(), keys.UseSig))(t)
	rotInterrupt(store, func() {
		if err := b.UpdatePolicy(t.Context(), func(p *Policy) { p.Sig.Suites = []keys.Suite{keys.EdDSA} }); err != nil {
			t.Error(err)
		}
	})
	s = rotMust(a.Rotate(t.Context()))(t)
	if d := rotStored(t, store); s.Action != Stage || d.byID(s.KeyID).Suite != "EdDSA" {
		t.Errorf("%+v", s)
	}
	rotHistory(t, store.written)
}

// rotAmbiguous answers every Swap with an unknown outcome; whether it happened is
// for written to say.
func rotAmbiguous(s *rotStore, written func() bool) {
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
			c, store := rotNewClock(), rotNewStore()
			r := rotRing(t, store, c.now)
			rotAmbiguous(store, tt.written())
			done := 0
			for range 100 * 4 {
				c.add(6 * time.Hour)
				done += len(rotTick(t, r))
			}
			rotHistory(t, store.written)
			if want := len(store.written) - 1; done != want || done != 4*4+10 {
				t.Errorf("%d steps told, %d written, want 26", done, want)
			}
		})
	}
}

// The write happened, and others went on from it before we could look.
func TestRotateUnknownOutcomeThenAnother(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	a := rotRing(t, store, c.now)
	b := rotOpen(t, store, c.now)
	rotPass(t, c, a, 30*day)
	store.once(func(ctx context.Context, prev string, doc []byte) (bool, error) {
		rotMust(store.put(ctx, prev, doc))(t)
		rotTick(t, b)
		return true, ErrUnknownOutcome
	})
	if s := rotMust(a.Rotate(t.Context()))(t); s.Action != Activate {
		t.Errorf("did %+v", s)
	}
	rotHistory(t, store.written)
	if len(store.written) != 3+rotLooks {
		t.Errorf("%d generations", len(store.written))
	}
}

// Nobody can tell: the error says so, and the next try finds out.
func TestRotateUnknownOutcomeAndStoreDown(t *testing.T) {
	for _, written := range []bool{true, false} {
		c, store := rotNewClock(), rotNewStore()
		r := rotRing(t, store, c.now)
		rotPass(t, c, r, 30*day)
		store.once(func(ctx context.Context, prev string, doc []byte) (bool, error) {
			if written {
				rotMust(store.put(ctx, prev, doc))(t)
			}
			store.setLoad(rotDown)
			return true, ErrUnknownOutcome
		})
		_, err := r.Rotate(t.Context())
		rotWantError(t, err, ErrUnknownOutcome)
		store.setLoad(nil)
		want := 2 // activate, stage
		if written {
			want = 1
		}
		if steps := rotTick(t, r); len(steps) != want {
			t.Errorf("written %t: then %+v", written, steps)
		}
		rotHistory(t, store.written)
		if len(store.written) != 3+rotLooks {
			t.Errorf("%d generations", len(store.written))
		}
	}
}

func TestRotateStoreFails(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	r := rotRing(t, store, c.now)
	rotPass(t, c, r, 30*day)
	store.setSwap(func(context.Context, string, []byte) (bool, error) { return true, errRotDown })
	s, err := r.Rotate(t.Context())
	rotWantError(t, err, errRotDown)
	if s != (Step{}) || store.generations() != 1+rotLooks {
		t.Errorf("did %+v", s)
	}
	store.setLoad(rotDown)
	_, err = r.Rotate(t.Context())
	rotWantError(t, err, errRotDown)
	_, _, err = r.NextStep(t.Context())
	rotWantError(t, err, errRotDown)
	_, err = r.Log(t.Context())
	rotWantError(t, err, errRotDown)
	store.setLoad(nil)
	store.setSwap(nil)
	if steps := rotTick(t, r); len(steps) != 2 {
		t.Errorf("afterwards %+v", steps)
	}
}

func TestRotateNow(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	r := rotRing(t, store, c.now)
	for _, tt := range []struct {
		use    keys.Use
		window time.Duration
	}{{keys.UseSig, rotI1}, {keys.UseEnc, rotI3}} {
		start := c.now()
		if tt.use == keys.UseEnc { // staged with the ring, at rotBase, long ago by now
			rotMust(r.RotateNow(t.Context(), keys.UseEnc))(t)
			rotTick(t, r)
			start = c.now()
		}
		staged := rotStored(t, store).find(tt.use, Staged)
		_, err := r.RotateNow(t.Context(), tt.use)
		rotWantError(t, err, ErrWindow)
		var w *WindowError
		if !errors.As(err, &w) || w.KeyID != staged.ID || !w.Until.Equal(start.Add(tt.window)) {
			t.Fatalf("%v, want until %v", err, start.Add(tt.window))
		}
		if !strings.Contains(err.Error(), w.Until.UTC().Format(time.RFC3339)) || errors.Is(err, ErrState) {
			t.Errorf("text %q", err)
		}
		before := store.generations()
		c.add(tt.window - 1)
		_, err = r.RotateNow(t.Context(), tt.use)
		rotWantError(t, err, ErrWindow)
		if store.generations() != before {
			t.Error("a refusal changed the ring")
		}
		c.add(1)
		active := rotStored(t, store).activeID(tt.use)
		s := rotMust(r.RotateNow(t.Context(), tt.use))(t)
		if want := (Step{Action: Activate, Use: tt.use, KeyID: w.KeyID, Retires: active, At: c.now()}); s != want {
			t.Errorf("did %+v, want %+v", s, want)
		}
		if store.generations() != before+1 {
			t.Error("not one write")
		}
		rotTick(t, r)
	}
	rotHistory(t, store.written)
}

// A successor that is missing is staged first, and then its window is not over.
func TestRotateNowStages(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	r := rotRing(t, store, c.now)
	rotEdit(t, store, func(d *document) {
		d.Keys = slices.DeleteFunc(d.Keys, func(r record) bool { return r.State == Staged })
	})
	active := rotStored(t, store).activeID(keys.UseSig)
	_, err := r.RotateNow(t.Context(), keys.UseSig)
	rotWantError(t, err, ErrWindow)
	d := rotStored(t, store)
	if d.find(keys.UseSig, Staged) == nil || d.find(keys.UseEnc, Staged) != nil || d.activeID(keys.UseSig) != active {
		t.Error("only a successor was to be staged")
	}
	s := rotMust(r.RotateNowInsecurely(t.Context(), keys.UseSig))(t)
	if s.Action != Activate || s.Retires != active {
		t.Errorf("did %+v", s)
	}
	s = rotMust(r.RotateNowInsecurely(t.Context(), keys.UseEnc))(t)
	if s.Action != Activate || s.Use != keys.UseEnc {
		t.Errorf("did %+v", s)
	}
	rotHistory(t, store.written[1:])
}

func TestRotateNowAbsentUse(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	r := rotMust(createAt(t.Context(), Config{Store: store, KEK: rotKEK(t, 1), Uses: []keys.Use{keys.UseSig}}, c.now))(t)
	for _, u := range []keys.Use{keys.UseEnc, "", "both"} {
		_, err := r.RotateNowInsecurely(t.Context(), u)
		rotWantError(t, err, keys.ErrNoKey)
	}
	if store.generations() != 1 {
		t.Error("the ring changed")
	}
}

// Who finds that somebody else has just ended the period does not end another.
func TestRotateNowBesideAnother(t *testing.T) {
	for _, withStage := range []bool{false, true} {
		c, store := rotNewClock(), rotNewStore()
		a := rotRing(t, store, c.now)
		b := rotOpen(t, store, c.now)
		rotInterrupt(store, func() {
			rotMust(b.RotateNowInsecurely(t.Context(), keys.UseSig))(t)
			if withStage {
				rotTick(t, b)
			}
		})
		if s := rotMust(a.RotateNowInsecurely(t.Context(), keys.UseSig))(t); s.Action != Nothing {
			t.Errorf("did %+v", s)
		}
		if counts := rotCheck(t, rotStored(t, store)); counts[keys.UseSig][Retired] != 1 {
			t.Errorf("keys %v", counts)
		}
	}
}

func TestRotateNowConcurrently(t *testing.T) {
	for range 20 {
		c, store := rotNewClock(), rotNewStore()
		first := rotRing(t, store, c.now)
		c.add(2 * day)
		var wg sync.WaitGroup
		for _, r := range []*Ring{first, rotOpen(t, store, c.now)} {
			wg.Go(func() {
				if _, err := r.RotateNow(t.Context(), keys.UseSig); err != nil && !errors.Is(err, ErrWindow) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		rotHistory(t, store.written)
		if counts := rotCheck(t, rotStored(t, store)); counts[keys.UseSig][Retired] < 1 || counts[keys.UseSig][Retired] > 2 {
			t.Errorf("keys %v", counts)
		}
	}
}

// Many rotators over one store: each step is done and told once.
func TestRotateConcurrently(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	rings := []*Ring{rotRing(t, store, c.now)}
	for range 5 {
		rings = append(rings, rotOpen(t, store, c.now))
	}
	var (
		mu   sync.Mutex
		told = make(map[string]int)
	)
	for range 100 {
		c.add(3 * day)
		var wg sync.WaitGroup
		for i := range 2 * len(rings) { // two for each
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
		if _, due := rotStored(t, store).next(c.now()); due {
			t.Fatal("everybody saw nothing, and something is due")
		}
	}
	for what, n := range told {
		if n != 1 {
			t.Errorf("%s was done %d times", what, n)
		}
	}
	rotHistory(t, store.written)
	if len(told) != len(store.written)-1 || len(told) < 4*12 {
		t.Errorf("%d steps told, %d written", len(told), len(store.written)-1)
	}
}

// One rotator whose clock is a day ahead destroys nothing early while another one
// looks too.
func TestRotateClockAhead(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	good := rotRing(t, store, c.now)
	bad := rotOpen(t, store, c.off(day))
	rotPass(t, c, good, 30*day)
	rotTick(t, good)
	retired := rotStored(t, store).find(keys.UseSig, Retired)
	marked, cleared := 0, 0
	for range 100 {
		c.add(2 * time.Minute)
		for _, r := range []*Ring{bad, good} {
			for _, s := range rotTick(t, r) {
				switch s.Action {
				case MarkDue:
					marked++
				case ClearDue:
					cleared++
				case Destroy, Activate:
					if s.KeyID == retired.ID && c.now().Before(retired.Retired.Add(rotI2)) {
						t.Fatalf("%+v, %v after retirement", s, c.now().Sub(retired.Retired))
					}
				}
			}
		}
	}
	if marked == 0 || cleared == 0 {
		t.Errorf("%d marks, %d cleared", marked, cleared)
	}
}

// One jump, and then the right time again: the mark that the jump left is cleared
// and the key lives its window.
func TestRotateClockJump(t *testing.T) {
	for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
		var jump time.Duration
		c, store := rotNewClock(), rotNewStore()
		r := rotRing(t, store, func() time.Time { return c.now().Add(jump) })
		c.add(2 * day)
		rotMust(r.RotateNow(t.Context(), u))(t)
		rotTick(t, r)
		id := rotStored(t, store).find(u, Retired).ID
		end := c.now().Add(map[keys.Use]time.Duration{keys.UseSig: rotI2, keys.UseEnc: rotI4}[u])

		jump = 27 * time.Hour
		looks := rotTick(t, r) // at the new successor too, and at the enc key that is still staged
		if len(looks) == 0 || !slices.ContainsFunc(looks, func(s Step) bool { return s.KeyID == id }) || slices.ContainsFunc(looks, func(s Step) bool { return s.Action != MarkDue }) {
			t.Fatalf("while ahead: %+v", looks)
		}
		c.add(30 * time.Minute)
		if steps := rotTick(t, r); len(steps) != 0 {
			t.Fatalf("half an hour later: %+v", steps)
		}
		jump = 0
		if steps := rotTick(t, r); len(steps) != len(looks) || slices.ContainsFunc(steps, func(s Step) bool { return s.Action != ClearDue }) {
			t.Fatalf("back again: %+v", steps)
		}
		var due, destroyed time.Time
		for range 4 * 24 * 60 {
			c.add(time.Minute)
			for _, s := range rotTick(t, r) {
				switch {
				case s.KeyID == id && s.Action == MarkDue:
					due = c.now()
				case s.KeyID == id && s.Action == Destroy:
					destroyed = c.now()
				}
			}
			if !destroyed.IsZero() {
				break
			}
		}
		window := map[keys.Use]time.Duration{keys.UseSig: rotI2, keys.UseEnc: rotI4}[u]
		if !due.Equal(end) || !destroyed.Equal(end.Add(window)) {
			t.Errorf("%s: due %v and destroyed %v, want %v and %v later", u, due, destroyed, end, window)
		}
		rotHistory(t, store.written)
	}
}

// A clock that was set back reactivates nothing, and destroys nothing before a whole window
// has passed in truth.
func TestRotateClockBehind(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	r := rotRing(t, store, c.now)
	for range 40 {
		c.add(day)
		rotTick(t, r)
	}
	rotMust(r.RotateNowInsecurely(t.Context(), keys.UseSig))(t)
	late, retired := rotOpen(t, store, c.off(-day)), c.now()
	for range 24 * 60 {
		for _, s := range rotTick(t, late) {
			destroys := s.Action == Destroy && s.Use == keys.UseSig && c.now().Sub(retired) >= rotI2
			if s.Action != Stage && s.Action != MarkDue && !destroys {
				t.Errorf("a day behind it did %+v", s)
			}
		}
		c.add(time.Minute)
	}
	rotHistory(t, store.written)
}

// Whatever clocks say within the skew, and whoever looks when: no key is destroyed
// before its window is over, in true time.
func TestRotateClockSkew(t *testing.T) {
	policy := Policy{}.withDefaults()
	kept := map[keys.Use]time.Duration{keys.UseSig: rotI2, keys.UseEnc: rotI4}
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 3))
		skewed := func(t time.Time) time.Time {
			return t.Add(time.Duration(random.Int64N(int64(2*policy.ClockSkew)+1)) - policy.ClockSkew)
		}
		d := rotDocument(
			rotRecord("sig", keys.UseSig, Retired, func(r *record) { r.Retired, r.JWK = skewed(rotBase), json.RawMessage("{}") }),
			rotRecord("enc", keys.UseEnc, Retired, func(r *record) { r.Retired, r.JWK = skewed(rotBase), json.RawMessage("{}") }),
			rotRecord("rev", keys.UseEnc, Revoked, func(r *record) { r.Ended, r.JWK = skewed(rotBase), json.RawMessage("{}") }),
		)
		now := rotBase
		for now.Before(rotAt(4 * day)) {
			// Mostly close to where something happens.
			if s, ok := d.next(now); !ok && s.At.Sub(now) > 3*time.Minute {
				now = s.At.Add(-3 * time.Minute)
			}
			now = now.Add(time.Duration(random.Int64N(int64(time.Minute))))
			clock := skewed(now)
			s, due := d.next(clock)
			if !due {
				if s.Action == Nothing {
					break
				}
				continue
			}
			if s.Action == Destroy && now.Before(rotAt(kept[s.Use])) {
				t.Fatalf("seed %d: %s destroyed %v after its retirement", seed, s.KeyID, now.Sub(rotBase))
			}
			if err := d.apply(s, record{}, clock); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range d.Keys {
			if len(r.JWK) != 0 {
				t.Fatalf("seed %d: %s was never destroyed", seed, r.ID)
			}
		}
	}
}

// Some look after one use only: it is as if the ring had no keys for the other.
func TestRotateOneUse(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	r := rotRing(t, store, c.now)
	c.add(90*day - rotI3)
	for _, want := range []Action{MarkDue, MarkDue, Nothing} {
		if s := rotMust(r.Rotate(t.Context(), keys.UseEnc))(t); s.Action != want || want != Nothing && s.Use != keys.UseEnc {
			t.Errorf("did %+v, want %s", s, want)
		}
	}
	c.add(rotI3)
	for _, want := range []Action{Activate, Stage, Nothing} {
		if s := rotMust(r.Rotate(t.Context(), keys.UseEnc))(t); s.Action != want || want != Nothing && s.Use != keys.UseEnc {
			t.Errorf("did %+v, want %s", s, want)
		}
	}
	step, due, err := r.NextStep(t.Context(), keys.UseEnc)
	if want := c.now().Add(rotI3); err != nil || due || step.Action != MarkDue || !step.At.Equal(want) {
		t.Errorf("next %+v, due %t, %v", step, due, err)
	}
	step, due, err = r.NextStep(t.Context(), keys.UseSig, keys.UseEnc)
	if err != nil || !due || step.Action != MarkDue || step.Use != keys.UseSig {
		t.Errorf("next %+v, due %t, %v", step, due, err)
	}
	if s := rotMust(r.Rotate(t.Context(), "none"))(t); s != (Step{Action: Nothing}) {
		t.Errorf("did %+v", s)
	}
}

// A use that is added later waits for its window like any successor.
func TestRotateAddedUse(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	r := rotMust(createAt(t.Context(), Config{Store: store, KEK: rotKEK(t, 1), Uses: []keys.Use{keys.UseSig}}, c.now))(t)
	k := generated(t, keys.ECDHES)
	for _, s := range []State{Destroyed, Revoked, "", "other"} {
		rotWantError(t, r.importOwn(t.Context(), k, s), ErrState)
	}
	rotWantError(t, r.importOwn(t.Context(), generated(t, keys.ES256), Active), ErrState)
	if err := r.importOwn(t.Context(), k, Staged); err != nil {
		t.Fatal(err)
	}
	_, err := r.RotateNow(t.Context(), keys.UseEnc)
	rotWantError(t, err, ErrWindow)
	c.add(rotI3 - 1)
	if steps := rotTick(t, r); len(steps) != 0 {
		t.Errorf("a nanosecond early: %+v", steps)
	}
	c.add(1)
	if steps := rotTick(t, r); len(steps) != 1 || steps[0].Action != MarkDue || steps[0].KeyID != k.ID() {
		t.Errorf("did %+v", steps)
	}
	c.add(rotI3)
	steps := rotTick(t, r)
	if len(steps) != 2 || steps[0].KeyID != k.ID() || steps[0].Retires != "" || steps[1].Action != Stage {
		t.Errorf("did %+v", steps)
	}
	rotCheck(t, rotStored(t, store))

	// A key from another system takes over at once, if its owner insists.
	old := rotStored(t, store).activeID(keys.UseSig)
	foreign := generated(t, keys.EdDSA)
	if err := r.importOwnInsecurely(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	d := rotStored(t, store)
	rotCheck(t, d)
	if d.activeID(keys.UseSig) != foreign.ID() || d.byID(old).State != Retired {
		t.Error("it did not take over")
	}
}

// What cannot be retired is not replaced: its private half would stay.
func TestRotateNeedsTheOldKey(t *testing.T) {
	d := rotDocument(rotRecord("a", keys.UseSig, Active, func(r *record) { r.Suite = "none" }))
	if err := d.byID("a").retire(rotBase); err == nil {
		t.Error("it was retired")
	}
	d.Policy.Sig.Suite = "none"
	_, err := d.freshKey(keys.UseSig, record{})
	rotWantError(t, err, ErrPolicy)
	if d.activeID(keys.UseEnc) != "" {
		t.Error("there is no decryption key")
	}
}

func TestRotateWindowErrorRoundsUp(t *testing.T) {
	for _, tt := range []struct {
		until time.Duration
		want  string
	}{{0, "12:00:00Z"}, {1, "12:00:01Z"}, {time.Second - 1, "12:00:01Z"}, {time.Second, "12:00:01Z"}} {
		if text := (&WindowError{"k", rotAt(tt.until)}).Error(); !strings.Contains(text, tt.want) {
			t.Errorf("%v: %s", tt.until, text)
		}
	}
}

// The first write of a ring can have an unknown outcome too.
func TestRotateCreateUnknownOutcome(t *testing.T) {
	for _, written := range []bool{true, false} {
		c, store := rotNewClock(), rotNewStore()
		rotAmbiguous(store, func() bool { return written })
		_, err := createAt(t.Context(), Config{Store: store, KEK: rotKEK(t, 1)}, c.now)
		if written != (err == nil) || !written && !errors.Is(err, ErrUnknownOutcome) {
			t.Errorf("written %t: %v", written, err)
		}
	}
	c, store := rotNewClock(), rotNewStore()
	store.once(func(context.Context, string, []byte) (bool, error) {
		rotRing(t, store, c.now) // somebody else
		return false, nil
	})
	_, err := createAt(t.Context(), Config{Store: store, KEK: rotKEK(t, 1)}, c.now)
	rotWantError(t, err, ErrExists)
	_, err = createAt(t.Context(), Config{Store: store, KEK: rotKEK(t, 1)}, c.now)
	rotWantError(t, err, ErrExists)
}

// A clock that is a day behind says that a key retired a day before it did. Its tokens
// live all the same.
func TestRotateClockBehindRetires(t *testing.T) {
	for _, u := range []keys.Use{keys.UseSig, keys.UseEnc} {
		var behind time.Duration
		c, store := rotNewClock(), rotNewStore()
		late := rotRing(t, store, func() time.Time { return c.now().Add(-behind) })
		good := rotOpen(t, store, c.now)
		c.add(40 * day)
		rotTick(t, good)
		c.add(2 * day)
		rotTick(t, good)
		behind = day
		s := rotMust(late.RotateNowInsecurely(t.Context(), u))(t)
		retired := c.now()
		for range 4 * 24 * 6 {
			c.add(10 * time.Minute)
			rotTick(t, good)
			k := rotStored(t, store).byID(s.Retires)
			if kept := map[keys.Use]time.Duration{keys.UseSig: rotI2, keys.UseEnc: rotI4}[u]; len(k.JWK) == 0 && c.now().Sub(retired) < kept {
				t.Fatalf("the %s key was destroyed %v after it retired", u, c.now().Sub(retired))
			}
		}
		if k := rotStored(t, store).byID(s.Retires); k.State != Destroyed {
			t.Errorf("%s: %s in the end", u, k.State)
		}
	}
}

// Two processes whose clocks disagree by a day do not fill the history and the log with
// each other's looks.
func TestRotateMarksDoNotFlap(t *testing.T) {
	c, store := rotNewClock(), rotNewStore()
	good := rotRing(t, store, c.now)
	ahead := rotOpen(t, store, func() time.Time { return c.now().Add(day) })
	c.add(2 * day)
	rotMust(good.RotateNow(t.Context(), keys.UseSig))(t)
	rotTick(t, good)
	before := store.generations()
	for range 600 {
		c.add(time.Second)
		rotTick(t, ahead)
		rotTick(t, good)
	}
	if n := store.generations() - before; n > 8 {
		t.Errorf("%d generations in ten minutes", n)
	}
	for _, e := range rotStored(t, store).Log {
		if e.What == string(MarkDue) || e.What == string(ClearDue) {
			t.Errorf("the log has %s", e.What)
		}
	}
}

// A host in another decade does all that it finds due, once. Nothing of it does harm: what
// signs is what a verifier with a cached set knows, no private half is gone, and the hosts
// whose clocks are right go on in time.
func TestRotateClockInAnotherDecade(t *testing.T) {
	for _, off := range []time.Duration{10 * 365 * day, -10 * 365 * day} {
		c, store := rotNewClock(), rotNewStore()
		good := rotRing(t, store, c.now)
		rotMust(good.RotateNowInsecurely(t.Context(), keys.UseSig))(t)
		cached := rotMust(good.PublicKeys(t.Context(), ""))(t)
		rotTick(t, good)
		before := rotStored(t, store)
		rotTick(t, rotOpen(t, store, c.off(off)))

		after := rotStored(t, store)
		if kid := after.activeID(keys.UseSig); !cached.HasVerificationKey(kid) {
			t.Errorf("off by %v: %s signs, which no verifier has", off, kid)
		}
		for _, k := range before.Keys {
			if now := after.byID(k.ID); rotHasPrivate(t, k) != rotHasPrivate(t, *now) || now.State != k.State {
				t.Errorf("off by %v: the %s %s key is %s", off, k.State, k.Use, now.State)
			}
		}
		if kid := after.find(keys.UseSig, Staged).ID; off > 0 && !slices.ContainsFunc(rotMust(good.Keys(t.Context()))(t), func(k KeyInfo) bool { return k.ID == kid && !k.WrongDate.IsZero() }) {
			t.Errorf("off by %v: the record of the look at %s is not reported", off, kid)
		}
		for range 31 * 24 {
			c.add(time.Hour)
			rotTick(t, good)
		}
		if d := rotStored(t, store); d.activeID(keys.UseSig) == after.activeID(keys.UseSig) {
			t.Errorf("off by %v: the signing key of a month ago is active", off)
		}
		rotMust(good.RotateNow(t.Context(), keys.UseEnc))(t)
		rotHistory(t, store.written)
	}
}
