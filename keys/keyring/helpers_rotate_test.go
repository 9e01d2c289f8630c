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

func rotDown() error { return errDown }

func rotKEK(t testing.TB, b byte) KEK {
	t.Helper()
	return must(NewKEK(bytes.Repeat([]byte{b}, rawKeySize)))(t)
}

func rotRing(t testing.TB, s Store, now func() time.Time) *Ring {
	t.Helper()
	return must(createAt(t.Context(), Config{Store: s, KEK: rotKEK(t, 1)}, now))(t)
}

func rotOpen(t testing.TB, s Store, now func() time.Time) *Ring {
	t.Helper()
	return must(openAt(t.Context(), Config{Store: s, KEK: rotKEK(t, 1)}, now))(t)
}

// rotDecrypt reads a stored ring, like a holder of the KEK.
func rotDecrypt(t testing.TB, data []byte) *document {
	t.Helper()
	b := must(parseBlob(data))(t)
	return must(b.open(must(b.ringKey(t.Context(), rotKEK(t, 1)))(t)))(t)
}

func rotStored(t testing.TB, s Store) *document {
	t.Helper()
	data, _, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rotDecrypt(t, data)
}

// rotEdit changes the stored ring without the Ring, in a generation of its own.
func rotEdit(t testing.TB, s Store, edit func(*document)) {
	t.Helper()
	data, version, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := must(parseBlob(data))(t)
	key := must(b.ringKey(t.Context(), rotKEK(t, 1)))(t)
	d := must(b.open(key))(t)
	edit(d)
	d.stamp(d.checkpoint(), rotBase)
	must(s.Swap(t.Context(), version, must(sealBlob(d, b.Slots, key))(t)))(t)
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

// rotTable is the state table: whether a ring holds the private key, and publishes the public one.
var rotTable = map[keys.Use]map[State]struct{ private, published bool }{
	keys.UseSig: {Staged: {true, true}, Active: {true, true}, Retired: {false, true}, Destroyed: {}, Revoked: {}},
	keys.UseEnc: {Staged: {true, false}, Active: {true, true}, Retired: {true, false}, Destroyed: {}}, // Revoked: both are possible
}

// rotFollows maps each state to those that may follow it.
var rotFollows = map[State][]State{
	"":        {Staged},
	Staged:    {Staged, Active, Revoked},
	Active:    {Active, Retired, Revoked},
	Retired:   {Retired, Destroyed, Revoked},
	Destroyed: {Destroyed, Revoked},
	Revoked:   {Revoked},
}

// rotCheck checks the rules that hold in every generation. It returns the number of keys for each
// use and state.
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

// rotHistory checks every generation that was written, and that each may follow the one before it.
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

// rotTick does all steps that are due.
func rotTick(t testing.TB, r *Ring) []Step {
	t.Helper()
	var steps []Step
	for {
		s := must(r.Rotate(t.Context()))(t)
		if s.Action == Nothing {
			return steps
		}
		if steps = append(steps, s); len(steps) > 50 {
			t.Fatalf("it does not end: %+v", steps)
		}
	}
}

// rotLooks is the number of looks that rotPass records in a new ring during a period of the signing
// key.
const rotLooks = 3

// rotPass lets time pass, with a look one window before the end. That look records what the first
// looks must find, so that the step at the end of a period comes on time.
func rotPass(t testing.TB, c *clock, r *Ring, d time.Duration) {
	t.Helper()
	c.advance(d - rotI1)
	for _, s := range rotTick(t, r) {
		if s.Action != MarkDue {
			t.Fatalf("did %+v, want looks only", s)
		}
	}
	c.advance(rotI1)
}
