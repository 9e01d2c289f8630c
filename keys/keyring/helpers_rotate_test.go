package keyring

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/tombstone"
	"github.com/sealjwt/sealjwt/keys/internal/window"
)

// kekNumbered returns KEK number n. Number 1 is the KEK of the rings that newRing makes.
func kekNumbered(t testing.TB, n byte) KEK {
	t.Helper()
	if n == 1 {
		return rawKey(t)
	}
	return must(NewKEK(bytes.Repeat([]byte{n}, rawKeySize)))(t)
}

// documentIn decrypts a stored ring with its KEK.
func documentIn(t testing.TB, data []byte) *document {
	t.Helper()
	b := must(parseBlob(data))(t)
	return must(b.open(must(b.ringKey(t.Context(), rawKey(t)))(t)))(t)
}

// storedIn decrypts the ring that s holds.
func storedIn(t testing.TB, s Store) *document {
	t.Helper()
	return documentIn(t, blobOf(t, s))
}

// editStored writes a generation with an edit to s. No Ring makes the edit.
func editStored(t testing.TB, s Store, edit func(*document)) {
	t.Helper()
	data, version, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := must(parseBlob(data))(t)
	key := must(b.ringKey(t.Context(), rawKey(t)))(t)
	d := must(b.open(key))(t)
	edit(d)
	d.stamp(d.checkpoint(), testStart)
	must(s.Swap(t.Context(), version, must(sealBlob(d, b.Slots, key))(t)))(t)
}

// holdsPrivate reports whether a record has a private key.
func holdsPrivate(t testing.TB, r record) bool {
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

// stateTable tells for each use and state whether a ring holds the private key and publishes the
// public key.
var stateTable = map[keys.Use]map[State]struct{ private, published bool }{
	keys.UseSig: {Staged: {true, true}, Active: {true, true}, Retired: {false, true}, Destroyed: {}, Revoked: {}},
	keys.UseEnc: {Staged: {true, false}, Active: {true, true}, Retired: {true, false}, Destroyed: {}}, // Revoked: both are possible
}

// mayFollow maps a key's state to the states that the key may have in the next generation.
var mayFollow = map[State][]State{
	"":        {Staged},
	Staged:    {Staged, Active, Revoked},
	Active:    {Active, Retired, Revoked},
	Retired:   {Retired, Destroyed, Revoked},
	Destroyed: {Destroyed, Revoked},
	Revoked:   {Revoked},
}

// checkGeneration checks the rules that hold in every generation. It returns the number of keys for
// each use and state.
func checkGeneration(t testing.TB, d *document) map[keys.Use]map[State]int {
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
	public := must(set.PublicKeys(t.Context(), ""))(t)
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
		want := stateTable[r.Use][r.State]
		if r.Use == keys.UseEnc && r.State == Revoked {
			want.private = len(r.JWK) != 0
		}
		if holdsPrivate(t, r) != want.private || published[r.ID] != want.published {
			t.Errorf("generation %d: %s %s key: private %t, published %t", d.Generation, r.State, r.Use, holdsPrivate(t, r), published[r.ID])
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

// checkHistory checks each generation in written, and that it may follow the generation before it.
func checkHistory(t testing.TB, written [][]byte) {
	t.Helper()
	var before *document
	for _, data := range written {
		d := documentIn(t, data)
		checkGeneration(t, d)
		if before != nil {
			if d.Generation != before.Generation+1 || !d.contains(before.checkpoint()) {
				t.Errorf("generation %d follows %d", d.Generation, before.Generation)
			}
			for _, old := range before.Keys {
				now := d.byID(old.ID)
				if now == nil {
					t.Errorf("generation %d forgot %s", d.Generation, old.ID)
				} else if !slices.Contains(mayFollow[old.State], now.State) {
					t.Errorf("generation %d: %s went from %s to %s", d.Generation, old.ID, old.State, now.State)
				}
			}
		}
		before = d
	}
}

// doDueSteps rotates r until no step is due, and returns the steps that it did.
func doDueSteps(t testing.TB, r *Ring) []Step {
	t.Helper()
	var steps []Step
	for {
		s := must(r.Rotate(t.Context()))(t)
		if s.Action == Nothing {
			return steps
		}
		if steps = append(steps, s); len(steps) > 50 {
			t.Fatalf("the steps do not end: %+v", steps)
		}
	}
}

// looksPerPeriod is the number of looks that passPeriod records in a new ring during the first period
// of the signing key. Each look writes a generation.
const looksPerPeriod = 3

// passPeriod moves the clock by d, the period of the signing key. One window before the end r looks
// at its keys. This look records the waits that are over, so that r can act at the end of the period.
func passPeriod(t testing.TB, c *clock, r *Ring, d time.Duration) {
	t.Helper()
	c.advance(d - signAhead)
	for _, s := range doDueSteps(t, r) {
		if s.Action != MarkDue {
			t.Fatalf("did %+v, want looks only", s)
		}
	}
	c.advance(signAhead)
}
