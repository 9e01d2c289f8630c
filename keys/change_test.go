package keys

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestCreate(t *testing.T) {
	for name, c := range map[string]struct {
		uses             []Use
		signs, encrypted bool
	}{
		"both": {nil, true, true}, "empty": {[]Use{}, true, true}, "sig": {[]Use{UseSig}, true, false},
		"enc": {[]Use{UseEnc}, false, true}, "enc and sig": {[]Use{UseEnc, UseSig}, true, true},
	} {
		store := MemStore()
		ring := must(Create(t.Context(), store, rawKey(t), RingConfig{Uses: c.uses}))(t)
		for _, r := range []*Ring{ring, must(Open(t.Context(), store, rawKey(t)))(t)} {
			s := must(r.Private(t.Context()))(t)
			_, err := s.SigningKey()
			_, ok := s.DecryptionKey(activeID(r, UseEnc))
			if (err == nil) != c.signs || ok != c.encrypted {
				t.Errorf("%s: signs %v, opens %v", name, err == nil, ok)
			}
			checkPublished(t, must(json.Marshal(must(r.Public(t.Context(), ""))(t)))(t), false)
		}
		before := blobOf(t, store)
		again, err := Create(t.Context(), store, rawKey(t), RingConfig{})
		if wantError(t, err, ErrExists); again != nil || string(blobOf(t, store)) != string(before) {
			t.Errorf("%s: replaced", name)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	for name, cfg := range map[string]RingConfig{
		"use twice": {Uses: []Use{UseSig, UseSig}}, "no such use": {Uses: []Use{"tls"}}, "empty use": {Uses: []Use{""}},
		"policy": {Policy: Policy{Leeway: 1}},
	} {
		store := MemStore()
		_, err := Create(t.Context(), store, rawKey(t), cfg)
		if wantError(t, err, ErrPolicy); t.Failed() {
			t.Fatal(name)
		}
		_, _, err = store.Load(t.Context())
		wantError(t, err, ErrNoRing)
	}
	down := newTestStore()
	down.setDown(errDown)
	_, err := Create(t.Context(), down, rawKey(t), RingConfig{})
	wantError(t, err, errDown)
	_, _, err = down.Store.Load(t.Context())
	wantError(t, err, ErrNoRing)
	// The ring of somebody else is not replaced either, also when it is damaged.
	_, err = Create(t.Context(), storeWith(t, []byte("damaged")), rawKey(t), RingConfig{})
	wantError(t, err, ErrExists)
	_, err = Create(t.Context(), MemStore(), brokenKEK{rawKey(t)}, RingConfig{})
	wantError(t, err, errDown)
}

type brokenKEK struct{ KEK }

func (brokenKEK) wrap([]byte) (string, error) { return "", errDown }

// What a store answers to the Swap of a Create, and whether it wrote all the
// same.
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
		ring, err := Create(t.Context(), store, rawKey(t), RingConfig{})
		if (ring != nil) != (c.want == nil) || !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A ring that is written but cannot be opened again.
	failing := newTestStore()
	failing.swap = func(context.Context, string, []byte) (bool, error) {
		failing.setDown(errDown)
		return false, nil
	}
	if ring, err := Create(t.Context(), failing, rawKey(t), RingConfig{}); ring != nil || !errors.Is(err, errDown) {
		t.Errorf("written, then down: %v", err)
	}
	// Somebody else's ring that is there after an unknown outcome is not ours.
	store, other := newTestStore(), MemStore()
	newRing(t, other, newClock())
	store.swap = func(ctx context.Context, prev string, _ []byte) (bool, error) {
		must(store.Store.Swap(ctx, prev, blobOf(t, other)))(t)
		return true, ErrUnknownOutcome
	}
	ring, err := Create(t.Context(), store, rawKey(t), RingConfig{})
	if ring != nil || !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("another ring: %v", err)
	}
}

func TestImport(t *testing.T) {
	for _, suite := range []Suite{ES256, EdDSA, PS256, ECDHES, RSAOAEP256, ECDHESX25519, ECDHESA256KWX25519} {
		for _, state := range []State{Staged, Active, Retired} {
			store := MemStore()
			other := map[Use]Use{UseSig: UseEnc, UseEnc: UseSig}[suite.Use()]
			ring := must(Create(t.Context(), store, rawKey(t), RingConfig{Uses: []Use{other}}))(t)
			k := generated(t, suite)
			if err := ring.Import(t.Context(), k, state); err != nil {
				t.Errorf("%v as %s: %v", suite, state, err)
				continue
			}
			again := must(Open(t.Context(), store, rawKey(t)))(t)
			infos := must(again.Keys(t.Context()))(t)
			if got := infos[len(infos)-1]; got.ID != k.ID() || got.State != state || got.Suite != suite || got.Activated.IsZero() == (state == Active) {
				t.Errorf("%v as %s: %+v", suite, state, got)
			}
			s := must(again.Private(t.Context()))(t)
			if suite.Use() == UseEnc {
				if held, ok := s.DecryptionKey(k.ID()); !ok || !held.HasPrivate() {
					t.Errorf("%v as %s does not open", suite, state)
				}
			} else if _, ok := must(s.Public(t.Context(), ""))(t).VerificationKey(k.ID()); !ok {
				t.Errorf("%v as %s does not verify", suite, state)
			}
		}
	}
}

// Only a new ring takes an active key: of an older one other processes may hold
// snapshots that lack it.
func TestImportActive(t *testing.T) {
	create := func() *Ring {
		return must(Create(t.Context(), MemStore(), rawKey(t), RingConfig{Uses: []Use{UseEnc}}))(t)
	}
	ring, active := create(), generated(t, ES256)
	if err := ring.Import(t.Context(), active, Active); err != nil {
		t.Fatal(err)
	}
	if k := must(must(ring.Private(t.Context()))(t).SigningKey())(t); k.ID() != active.ID() {
		t.Error("another key signs")
	}
	ring = create()
	if err := errors.Join(ring.SetPolicy(t.Context(), func(*Policy) {})); err != nil {
		t.Fatal(err)
	}
	if err := ring.Import(t.Context(), active, Active); !errors.Is(err, ErrState) {
		t.Errorf("into an old ring: %v", err)
	}
	if err := ring.ImportInsecurely(t.Context(), active); err != nil {
		t.Error(err)
	}
}

func TestImportRefuses(t *testing.T) {
	store := MemStore()
	ring := newRing(t, store, newClock())
	infos := must(ring.Keys(t.Context()))(t)
	sig, enc := generated(t, ES256), generated(t, ECDHES)
	if err := ring.Import(t.Context(), sig, Retired); err != nil {
		t.Fatal(err)
	}
	before := blobOf(t, store)
	for name, c := range map[string]struct {
		k     *Key
		state State
		want  error
	}{
		"active signing key":     {generated(t, EdDSA), Active, ErrState},
		"active encryption key":  {enc, Active, ErrState},
		"destroyed":              {enc, Destroyed, ErrState},
		"revoked":                {enc, Revoked, ErrState},
		"no state":               {enc, "", ErrState},
		"unknown state":          {enc, "idle", ErrState},
		"public, staged":         {generated(t, ES256).withoutPrivate(), Staged, ErrNoKey},
		"public enc, retired":    {enc.withoutPrivate(), Retired, ErrNoKey},
		"held already":           {sig, Staged, ErrDuplicate},
		"held already, public":   {sig.withoutPrivate(), Retired, ErrDuplicate},
		"held under another kid": {withID(t, sig, "other"), Staged, ErrDuplicate},
		"kid taken":              {withID(t, enc, infos[0].ID), Staged, ErrDuplicate},
	} {
		err := ring.Import(t.Context(), c.k, c.state)
		if wantError(t, err, c.want); t.Failed() {
			t.Fatal(name)
		}
	}
	if string(blobOf(t, store)) != string(before) {
		t.Error("something was written")
	}
}

// The private half of a retired signing key is nowhere in the ring.
func TestRetiredSigningKeyIsErased(t *testing.T) {
	for _, suite := range []Suite{ES256, EdDSA, RS256} {
		store := MemStore()
		ring := newRing(t, store, newClock())
		k := generated(t, suite)
		if err := ring.Import(t.Context(), k, Retired); err != nil {
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
		secret := asMap(t, must(k.private())(t))["d"].(string)
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

// A store that answers strangely once, and what becomes of an import then.
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
		ring := newRing(t, store, newClock())
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
			if err := ring.Import(t.Context(), generated(t, ES256), Staged); !errors.Is(err, c.want) || errors.Is(err, ErrUnreadable) {
				t.Errorf("%s: %v", name, err)
			}
		})
		if infos := must(openRing(t, store, newClock()).Keys(t.Context()))(t); loads != c.loads || len(infos) != first+c.new {
			t.Errorf("%s: %d loads, %d keys after %d", name, loads, len(infos), first)
		}
	}
}

// Of two who import at once both succeed, and neither loses what the other did.
func TestImportAfterConflict(t *testing.T) {
	store := newTestStore()
	ring := newRing(t, store, newClock())
	theirs, ours := generated(t, ES256), generated(t, EdDSA)
	store.swap = func(context.Context, string, []byte) (bool, error) {
		store.swap = nil
		if err := openRing(t, store, newClock()).Import(t.Context(), theirs, Staged); err != nil {
			t.Error(err)
		}
		return false, nil
	}
	if err := ring.Import(t.Context(), ours, Staged); err != nil {
		t.Fatal(err)
	}
	p := must(ring.Public(t.Context(), ""))(t)
	for _, k := range []*Key{theirs, ours} {
		if _, ok := p.VerificationKey(k.ID()); !ok {
			t.Errorf("%v is lost", k.Suite())
		}
	}
	if d := ring.snapshot.Load().document; d.Generation != 3 || len(d.History) != 2 {
		t.Errorf("generation %d after three writes, history of %d", d.Generation, len(d.History))
	}
	// The same key from both is refused to the second.
	k := generated(t, ECDHES)
	store.swap = func(context.Context, string, []byte) (bool, error) {
		store.swap = nil
		if err := openRing(t, store, newClock()).Import(t.Context(), k, Staged); err != nil {
			t.Error(err)
		}
		return false, nil
	}
	wantError(t, ring.Import(t.Context(), k, Staged), ErrDuplicate)
}

// Nobody can say what happened: that is what the caller gets to know.
func TestUnknownOutcomeAndDown(t *testing.T) {
	store := newTestStore()
	ring := newRing(t, store, newClock())
	store.swap = func(context.Context, string, []byte) (bool, error) {
		store.setDown(errDown)
		return true, ErrUnknownOutcome
	}
	wantError(t, ring.Import(t.Context(), generated(t, ES256), Staged), ErrUnknownOutcome)
	// What was written is written, whether or not it can be read again.
	store.setDown(nil)
	store.swap = func(ctx context.Context, prev string, doc []byte) (bool, error) {
		must(store.Store.Swap(ctx, prev, doc))(t)
		store.setDown(errDown)
		return true, nil
	}
	if err := ring.Import(t.Context(), generated(t, ES256), Staged); err != nil {
		t.Error(err)
	}
}

func TestChangesAreLogged(t *testing.T) {
	store := MemStore()
	ring := newRing(t, store, newClock())
	k := generated(t, ES256)
	if err := ring.Import(t.Context(), k, Staged); err != nil {
		t.Fatal(err)
	}
	log := ring.snapshot.Load().document.Log
	if len(log) != 2 || log[0].What != "create" || log[1].What != "import as staged" || log[1].KeyID != k.ID() || log[1].Generation != 2 ||
		log[1].By == "" || !log[1].Time.Equal(newClock().now()) {
		t.Errorf("%+v", log)
	}
	r := ring.snapshot.Load().document.Keys[keyCount(ring)-1]
	if r.Windows != newPolicyDocument(DefaultPolicy()).windowDocument {
		t.Errorf("a key that does not remember its windows: %+v", r.Windows)
	}
}

// What was changed here is in force here at once, also when the store cannot be read
// just then.
func TestChangeIsAdoptedWithoutLoading(t *testing.T) {
	store := newTestStore()
	ring := newRing(t, store, newClock())
	active := activeID(ring, UseSig)
	store.swap = func(ctx context.Context, prev string, doc []byte) (bool, error) {
		store.setDown(errDown) // right after this write
		return false, nil
	}
	if _, err := ring.Revoke(t.Context(), Revocation{KeyID: active}); err != nil {
		t.Fatal(err)
	}
	if k := must(must(ring.Private(t.Context()))(t).SigningKey())(t); k.ID() == active {
		t.Error("the revoked key goes on signing")
	}
	// A change that is refused is no damaged ring.
	store.setDown(nil)
	store.swap = nil
	k := generated(t, ES256)
	if err := errors.Join(ring.Import(t.Context(), k, Staged)); err != nil {
		t.Fatal(err)
	}
	if err := ring.Import(t.Context(), k, Staged); !errors.Is(err, ErrDuplicate) || errors.Is(err, ErrUnreadable) {
		t.Errorf("%v", err)
	}
}
