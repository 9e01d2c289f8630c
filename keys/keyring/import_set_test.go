package keyring

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// setOf returns the JWK Set of these keys.
func setOf(t testing.TB, ks ...ownKey) []byte {
	t.Helper()
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	for _, k := range ks {
		set.Keys = append(set.Keys, k.jwk)
	}
	return asJSON(t, set)
}

// One change of the ring imports all keys of a JWK Set.
func TestImportSet(t *testing.T) {
	for _, state := range []State{Staged, Active, Retired} {
		store := NewMemStore()
		ring := newRing(t, store, newClock().now)
		before := must(ring.Keys(t.Context()))(t)
		sig, enc, more := generated(t, keys.EdDSA), generated(t, keys.ECDHES), generated(t, keys.ES256)
		set, want := setOf(t, sig, enc, more), []string{sig.ID(), enc.ID(), more.ID()}
		add := ring.Import
		if state == Active {
			set, want = setOf(t, sig, enc), want[:2]
			generation := ring.Checkpoint().Generation
			kids, err := ring.ImportInsecurely(t.Context(), append([]byte("\ufeff"), set...), keys.Hint{})
			if err != nil || !slices.Equal(kids, want) || ring.Checkpoint().Generation != generation+1 {
				t.Errorf("as active: %v, %v", kids, err)
			}
		} else if kids, err := add(t.Context(), set, keys.Hint{}, state); err != nil || !slices.Equal(kids, want) {
			t.Errorf("as %s: %v, %v", state, kids, err)
		}
		infos := must(openRing(t, store, newClock().now).Keys(t.Context()))(t)[len(before):]
		for i, info := range infos {
			if info.ID != want[i] || info.State != state {
				t.Errorf("as %s: %+v", state, info)
			}
		}
		if len(infos) != len(want) {
			t.Errorf("as %s: %d keys", state, len(infos))
		}
	}
}

// If one key of a set cannot be imported, none is. The error names that key.
func TestImportSetRefuses(t *testing.T) {
	store := NewMemStore()
	ring := newRing(t, store, newClock().now)
	held, a, b, enc := generated(t, keys.ES256), generated(t, keys.ES256), generated(t, keys.EdDSA), generated(t, keys.ECDHES)
	if err := ring.importOwn(t.Context(), held, Retired); err != nil {
		t.Fatal(err)
	}
	before := blobOf(t, store)
	text := func(members ...string) []byte { return []byte(`{"keys":[` + strings.Join(members, ",") + `]}`) }
	secp := `{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA","d":"AA"}`
	for name, c := range map[string]struct {
		data  []byte
		hint  keys.Hint
		state State
		want  error
		says  string
	}{
		"no keys":             {text(), keys.Hint{}, Staged, keys.ErrMalformed, "without keys"},
		"keys is no array":    {[]byte(`{"keys":{}}`), keys.Hint{}, Staged, keys.ErrMalformed, "without keys"},
		"not an object":       {text(string(a.jwk), "7"), keys.Hint{}, Staged, keys.ErrMalformed, "key 1"},
		"null":                {text("null", string(a.jwk)), keys.Hint{}, Staged, keys.ErrMalformed, "key 0"},
		"not supported":       {text(string(a.jwk), string(b.jwk), secp), keys.Hint{}, Staged, keys.ErrUnsupported, "key 2"},
		"a set in a set":      {text(string(a.jwk), string(setOf(t, b))), keys.Hint{}, Staged, keys.ErrMalformed, "key 1"},
		"of another use":      {setOf(t, a, enc), keys.Hint{Use: keys.UseSig}, Staged, keys.ErrUnsupported, "key 1"},
		"public":              {setOf(t, a, b.withoutPrivate(t)), keys.Hint{}, Staged, keys.ErrNoKey, "key 1"},
		"held":                {setOf(t, a, held), keys.Hint{}, Staged, keys.ErrDuplicate, ""},
		"twice":               {setOf(t, a, b, a), keys.Hint{}, Staged, keys.ErrDuplicate, ""},
		"one kid, two keys":   {setOf(t, a, withID(t, b, a.ID())), keys.Hint{}, Staged, keys.ErrDuplicate, ""},
		"active, old ring":    {setOf(t, a, enc), keys.Hint{}, Active, ErrState, ""},
		"two active, one use": {setOf(t, a, b), keys.Hint{}, Active, ErrState, "key 1"},
	} {
		kids, err := ring.Import(t.Context(), c.data, c.hint, c.state)
		if wantError(t, err, c.want); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v, want %q", name, kids, err, c.says)
		}
	}
	_, err := ring.ImportInsecurely(t.Context(), setOf(t, a, b), keys.Hint{})
	wantError(t, err, ErrState)
	if string(blobOf(t, store)) != string(before) {
		t.Error("something was written")
	}
	var many []ownKey
	for i := range maxHeld {
		many = append(many, withID(t, generated(t, keys.ES256), fmt.Sprint("k", i)))
	}
	_, err = ring.Import(t.Context(), setOf(t, many...), keys.Hint{}, Retired)
	if wantError(t, err, ErrState); string(blobOf(t, store)) != string(before) {
		t.Error("a set that is too large was written in part")
	}
}
