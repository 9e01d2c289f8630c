package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

func TestCreate(t *testing.T) {
	for name, c := range map[string]struct {
		uses             []keys.Use
		signs, encrypted bool
	}{
		"both": {nil, true, true}, "empty": {[]keys.Use{}, true, true}, "sig": {[]keys.Use{keys.UseSig}, true, false},
		"enc": {[]keys.Use{keys.UseEnc}, false, true}, "enc and sig": {[]keys.Use{keys.UseEnc, keys.UseSig}, true, true},
	} {
		store := NewMemStore()
		ring := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t), Uses: c.uses}))(t)
		for _, r := range []*Ring{ring, must(Open(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)} {
			s := must(r.PrivateKeys(t.Context()))(t)
			_, err := s.SigningKey()
			_, ok := heldKey(s, activeID(r, keys.UseEnc))
			if (err == nil) != c.signs || ok != c.encrypted {
				t.Errorf("%s: signs %v, opens %v", name, err == nil, ok)
			}
			checkPublished(t, must(json.Marshal(must(r.PublicKeys(t.Context(), ""))(t)))(t))
		}
		before := blobOf(t, store)
		again, err := Create(t.Context(), Config{Store: store, KEK: rawKey(t)})
		if wantError(t, err, ErrExists); again != nil || string(blobOf(t, store)) != string(before) {
			t.Errorf("%s: replaced", name)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	for name, cfg := range map[string]Config{
		"use twice": {Uses: []keys.Use{keys.UseSig, keys.UseSig}}, "no such use": {Uses: []keys.Use{"tls"}}, "empty use": {Uses: []keys.Use{""}},
		"policy": {Policy: Policy{Leeway: 1}},
	} {
		store := NewMemStore()
		cfg.Store, cfg.KEK = store, rawKey(t)
		_, err := Create(t.Context(), cfg)
		if wantError(t, err, ErrPolicy); t.Failed() {
			t.Fatal(name)
		}
		_, _, err = store.Load(t.Context())
		wantError(t, err, ErrNoRing)
	}
	down := newTestStore()
	down.setDown(errDown)
	_, err := Create(t.Context(), Config{Store: down, KEK: rawKey(t)})
	wantError(t, err, errDown)
	_, _, err = down.Store.Load(t.Context())
	wantError(t, err, ErrNoRing)
	// Create does not replace another party's ring, even if that ring is damaged.
	_, err = Create(t.Context(), Config{Store: storeWith(t, []byte("damaged")), KEK: rawKey(t)})
	wantError(t, err, ErrExists)
	_, err = Create(t.Context(), Config{Store: NewMemStore(), KEK: brokenKEK{rawKey(t)}})
	wantError(t, err, errDown)
}

type brokenKEK struct{ KEK }

func (brokenKEK) Wrap(context.Context, []byte) (WrappedKey, error) { return WrappedKey{}, errDown }

// A store answers the Swap of a Create in several ways, and may have written all the same.
func TestCreateAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		writes bool
		answer error
		want   error
	}{
		"lost race":            {false, ErrConflict, ErrExists},
		"failed":               {false, errDown, errDown},
		"unknown, written":     {true, ErrUnknownOutcome, nil},
		"unknown, not written": {false, ErrUnknownOutcome, ErrUnknownOutcome},
	} {
		store := newTestStore()
		store.swap = func(ctx context.Context, prev string, doc []byte) (bool, error) {
			if c.writes {
				must(store.Store.Swap(ctx, prev, doc))(t)
			}
			return true, c.answer
		}
		ring, err := Create(t.Context(), Config{Store: store, KEK: rawKey(t)})
		if (ring != nil) != (c.want == nil) || !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A ring is written but cannot be opened again.
	failing := newTestStore()
	failing.swap = func(context.Context, string, []byte) (bool, error) {
		failing.setDown(errDown)
		return false, nil
	}
	if ring, err := Create(t.Context(), Config{Store: failing, KEK: rawKey(t)}); ring != nil || !errors.Is(err, errDown) {
		t.Errorf("written, then down: %v", err)
	}
	// After an unknown outcome another process's ring is there. It is not ours.
	store, other := newTestStore(), NewMemStore()
	newRing(t, other, newClock().now)
	store.swap = func(ctx context.Context, prev string, _ []byte) (bool, error) {
		must(store.Store.Swap(ctx, prev, blobOf(t, other)))(t)
		return true, ErrUnknownOutcome
	}
	ring, err := Create(t.Context(), Config{Store: store, KEK: rawKey(t)})
	if ring != nil || !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("another ring: %v", err)
	}
}

func TestImport(t *testing.T) {
	for _, suite := range []keys.Suite{keys.ES256, keys.EdDSA, keys.PS256, keys.ECDHES, keys.RSAOAEP256, keys.RSAOAEP, keys.ECDHESX25519, keys.ECDHESA256KWX25519} {
		for _, state := range []State{Staged, Active, Retired} {
			store := NewMemStore()
			other := map[keys.Use]keys.Use{keys.UseSig: keys.UseEnc, keys.UseEnc: keys.UseSig}[suite.Use()]
			ring := must(Create(t.Context(), Config{Store: store, KEK: rawKey(t), Uses: []keys.Use{other}}))(t)
			k := generated(t, suite)
			if err := ring.importOwn(t.Context(), k, state); err != nil {
				t.Errorf("%v as %s: %v", suite, state, err)
				continue
			}
			again := must(Open(t.Context(), Config{Store: store, KEK: rawKey(t)}))(t)
			infos := must(again.Keys(t.Context()))(t)
			if got := infos[len(infos)-1]; got.ID != k.ID() || got.State != state || got.Suite != suite || got.Activated.IsZero() == (state == Active) {
				t.Errorf("%v as %s: %+v", suite, state, got)
			}
			s := must(again.PrivateKeys(t.Context()))(t)
			if suite.Use() == keys.UseEnc {
				if held, ok := heldKey(s, k.ID()); !ok || !held.HasPrivate() {
					t.Errorf("%v as %s does not open", suite, state)
				}
			} else if !must(s.PublicKeys(t.Context(), ""))(t).HasVerificationKey(k.ID()) {
				t.Errorf("%v as %s does not verify", suite, state)
			}
		}
	}
}

// Only a new ring accepts an active key: other processes may hold snapshots of an older ring
// without that key.
func TestImportActive(t *testing.T) {
	create := func() *Ring {
		return must(Create(t.Context(), Config{Store: NewMemStore(), KEK: rawKey(t), Uses: []keys.Use{keys.UseEnc}}))(t)
	}
	ring, active := create(), generated(t, keys.ES256)
	if err := ring.importOwn(t.Context(), active, Active); err != nil {
		t.Fatal(err)
	}
	if k := must(must(ring.PrivateKeys(t.Context()))(t).SigningKey())(t); k.ID() != active.ID() {
		t.Error("another key signs")
	}
	ring = create()
	if err := errors.Join(ring.UpdatePolicy(t.Context(), func(*Policy) {})); err != nil {
		t.Fatal(err)
	}
	if err := ring.importOwn(t.Context(), active, Active); !errors.Is(err, ErrState) {
		t.Errorf("into an old ring: %v", err)
	}
	if err := ring.importOwnInsecurely(t.Context(), active); err != nil {
		t.Error(err)
	}
}

func TestImportRefuses(t *testing.T) {
	store := NewMemStore()
	ring := newRing(t, store, newClock().now)
	infos := must(ring.Keys(t.Context()))(t)
	sig, enc := generated(t, keys.ES256), generated(t, keys.ECDHES)
	if err := ring.importOwn(t.Context(), sig, Retired); err != nil {
		t.Fatal(err)
	}
	before := blobOf(t, store)
	for name, c := range map[string]struct {
		k     ownKey
		state State
		want  error
	}{
		"active signing key":     {generated(t, keys.EdDSA), Active, ErrState},
		"active encryption key":  {enc, Active, ErrState},
		"destroyed":              {enc, Destroyed, ErrState},
		"revoked":                {enc, Revoked, ErrState},
		"no state":               {enc, "", ErrState},
		"unknown state":          {enc, "idle", ErrState},
		"public, staged":         {generated(t, keys.ES256).withoutPrivate(t), Staged, keys.ErrNoKey},
		"public enc, retired":    {enc.withoutPrivate(t), Retired, keys.ErrNoKey},
		"held already":           {sig, Staged, keys.ErrDuplicate},
		"held already, public":   {sig.withoutPrivate(t), Retired, keys.ErrDuplicate},
		"held under another kid": {withID(t, sig, "other"), Staged, keys.ErrDuplicate},
		"kid taken":              {withID(t, enc, infos[0].ID), Staged, keys.ErrDuplicate},
	} {
		err := ring.importOwn(t.Context(), c.k, c.state)
		if wantError(t, err, c.want); t.Failed() {
			t.Fatal(name)
		}
	}
	if string(blobOf(t, store)) != string(before) {
		t.Error("something was written")
	}
}

// The private key of a retired signing key is nowhere in the ring.
func TestRetiredSigningKeyIsErased(t *testing.T) {
	for _, suite := range []keys.Suite{keys.ES256, keys.EdDSA, keys.RS256} {
		store := NewMemStore()
		ring := newRing(t, store, newClock().now)
		k := generated(t, suite)
		if err := ring.importOwn(t.Context(), k, Retired); err != nil {
			t.Fatal(err)
		}
		d := decryptWithGoJose(t, blobOf(t, store))
		var records []struct {
			KID string
			JWK map[string]any
		}
		if err := json.Unmarshal(d["keys"], &records); err != nil || records[len(records)-1].KID != k.ID() {
			t.Fatalf("%v: %v, %s", suite, err, d["keys"])
		}
		for name := range records[len(records)-1].JWK {
			if strings.Contains(" d p q dp dq qi ", " "+name+" ") {
				t.Errorf("%v: member %s is kept", suite, name)
			}
		}
		secret := asMap(t, k.jwk)["d"].(string)
		for name, raw := range d {
			if strings.Contains(string(raw), secret) {
				t.Errorf("%v: the private half is in %s", suite, name)
			}
		}
		if strings.Count(string(d["keys"]), `"d":"`) != len(records)-1 {
			t.Errorf("%v: not all the others have their private halves", suite)
		}
	}
}

// A store gives one unusual answer. The row says what happens to the import.
func TestImportAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		writes     bool
		answer     error
		want       error
		loads, new int
	}{
		"conflict":             {false, ErrConflict, nil, 2, 1},
		"failed":               {false, errDown, errDown, 1, 0},
		"unknown, written":     {true, ErrUnknownOutcome, nil, 2, 1},
		"unknown, not written": {false, ErrUnknownOutcome, nil, 3, 1},
	} {
		store := newTestStore()
		ring := newRing(t, store, newClock().now)
		times, first := 0, keyCount(ring)
		store.swap = func(ctx context.Context, prev string, doc []byte) (bool, error) {
			if times++; times > 1 {
				return false, nil
			}
			if c.writes {
				must(store.Store.Swap(ctx, prev, doc))(t)
			}
			return true, c.answer
		}
		loads := loadsIn(store, func() {
			if err := ring.importOwn(t.Context(), generated(t, keys.ES256), Staged); !errors.Is(err, c.want) || errors.Is(err, ErrUnreadable) {
				t.Errorf("%s: %v", name, err)
			}
		})
		if infos := must(openRing(t, store, newClock().now).Keys(t.Context()))(t); loads != c.loads || len(infos) != first+c.new {
			t.Errorf("%s: %d loads, %d keys after %d", name, loads, len(infos), first)
		}
	}
}

// Two processes import at once. Both succeed, and neither loses the other's change.
func TestImportAfterConflict(t *testing.T) {
	store := newTestStore()
	ring := newRing(t, store, newClock().now)
	theirs, ours := generated(t, keys.ES256), generated(t, keys.EdDSA)
	store.swap = func(context.Context, string, []byte) (bool, error) {
		store.swap = nil
		if err := openRing(t, store, newClock().now).importOwn(t.Context(), theirs, Staged); err != nil {
			t.Error(err)
		}
		return false, nil
	}
	if err := ring.importOwn(t.Context(), ours, Staged); err != nil {
		t.Fatal(err)
	}
	p := must(ring.PublicKeys(t.Context(), ""))(t)
	for _, k := range []ownKey{theirs, ours} {
		if !p.HasVerificationKey(k.ID()) {
			t.Errorf("%v is lost", k.Suite())
		}
	}
	if d := ring.snapshot.Load().document; d.Generation != 3 || len(d.History) != 2 {
		t.Errorf("generation %d after three writes, history of %d", d.Generation, len(d.History))
	}
	// If both import the same key, the second one is refused.
	k := generated(t, keys.ECDHES)
	store.swap = func(context.Context, string, []byte) (bool, error) {
		store.swap = nil
		if err := openRing(t, store, newClock().now).importOwn(t.Context(), k, Staged); err != nil {
			t.Error(err)
		}
		return false, nil
	}
	wantError(t, ring.importOwn(t.Context(), k, Staged), keys.ErrDuplicate)
}

// The outcome of a write cannot be known. The error says so.
func TestUnknownOutcomeAndDown(t *testing.T) {
	store := newTestStore()
	ring := newRing(t, store, newClock().now)
	store.swap = func(context.Context, string, []byte) (bool, error) {
		store.setDown(errDown)
		return true, ErrUnknownOutcome
	}
	wantError(t, ring.importOwn(t.Context(), generated(t, keys.ES256), Staged), ErrUnknownOutcome)
	// A written change is done, whether or not the ring can be read again.
	store.setDown(nil)
	store.swap = func(ctx context.Context, prev string, doc []byte) (bool, error) {
		must(store.Store.Swap(ctx, prev, doc))(t)
		store.setDown(errDown)
		return true, nil
	}
	if err := ring.importOwn(t.Context(), generated(t, keys.ES256), Staged); err != nil {
		t.Error(err)
	}
}

func TestChangesAreLogged(t *testing.T) {
	store := NewMemStore()
	ring := newRing(t, store, newClock().now)
	k := generated(t, keys.ES256)
	if err := ring.importOwn(t.Context(), k, Staged); err != nil {
		t.Fatal(err)
	}
	log := ring.snapshot.Load().document.Log
	if len(log) != 2 || log[0].What != "create" || log[1].What != "import as staged" || log[1].KeyID != k.ID() || log[1].Generation != 2 ||
		log[1].By == "" || !log[1].Time.Equal(newClock().now()) {
		t.Errorf("%+v", log)
	}
	r := ring.snapshot.Load().document.Keys[keyCount(ring)-1]
	if r.Windows != newPolicyDocument(Policy{}.withDefaults()).Figures {
		t.Errorf("a key that does not remember its windows: %+v", r.Windows)
	}
}

// A change of this process counts at once, even if the store cannot be read just then.
func TestChangeIsAdoptedWithoutLoading(t *testing.T) {
	store := newTestStore()
	ring := newRing(t, store, newClock().now)
	active := activeID(ring, keys.UseSig)
	store.swap = func(ctx context.Context, prev string, doc []byte) (bool, error) {
		store.setDown(errDown) // right after this write
		return false, nil
	}
	if _, err := ring.Revoke(t.Context(), Revocation{KeyID: active}); err != nil {
		t.Fatal(err)
	}
	if k := must(must(ring.PrivateKeys(t.Context()))(t).SigningKey())(t); k.ID() == active {
		t.Error("the revoked key goes on signing")
	}
	// An error about a refused change does not say that the ring is damaged.
	store.setDown(nil)
	store.swap = nil
	k := generated(t, keys.ES256)
	if err := errors.Join(ring.importOwn(t.Context(), k, Staged)); err != nil {
		t.Fatal(err)
	}
	if err := ring.importOwn(t.Context(), k, Staged); !errors.Is(err, keys.ErrDuplicate) || errors.Is(err, ErrUnreadable) {
		t.Errorf("%v", err)
	}
}
