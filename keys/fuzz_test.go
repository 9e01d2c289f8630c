package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// seedKeys adds every key of the test data.
func seedKeys(f *testing.F, add func(data []byte)) {
	f.Helper()
	files := must(filepath.Glob("../testdata/keys/*"))(f)
	if len(files) == 0 {
		f.Fatal("no test data")
	}
	for _, name := range files {
		add(must(os.ReadFile(name))(f))
	}
	for _, suite := range allSuites {
		add(generated(f, suite).jwk)
		add(publicJWK(f, generated(f, suite).Key))
	}
	add([]byte(aliceEphemeral))
}

// ParseKey refuses a text with one of the documented errors, or returns a key whose published form
// reads back as the same key.
func FuzzParseKey(f *testing.F) {
	seedKeys(f, func(data []byte) {
		for _, as := range []Hint{{}, {Use: UseSig}, {Suite: RSAOAEP256}, {Suite: RSAOAEP}, {Suite: ECDHESA256KWX25519}} {
			f.Add(data, string(as.Use), uint8(as.Suite))
		}
	})
	f.Fuzz(func(t *testing.T, data []byte, use string, suite uint8) {
		k, err := ParseKey(data, Hint{Use(use), Suite(suite)})
		checkMemory(t, len(data), func() { ParseKey(data, Hint{Use(use), Suite(suite)}) })
		if err != nil {
			if k != nil || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrWeakKey) {
				t.Fatalf("%v, %v", k, err)
			}
			return
		}
		if jwk.CheckKeyID(k.ID()) != nil || !k.Suite().valid() || use != "" && k.Use() != Use(use) || suite != 0 && k.Suite() != Suite(suite) {
			t.Fatalf("kid %q, suite %v", k.ID(), k.Suite())
		}
		again := must(ParseKey(publicJWK(t, k), Hint{}))(t)
		if again.ID() != k.ID() || again.Thumbprint() != k.Thumbprint() || again.Suite() != k.Suite() || again.HasPrivate() {
			t.Fatal("another key came back")
		}
		checkSpelling(t, data, k)
	})
}

// checkSpelling checks an accepted JWK: its base64url is canonical, and go-jose reads the same key.
// Some libraries let the numbers of an RSA key begin with zero bytes (RFC 7518 section 6.3.1.1),
// which gives no second thumbprint.
func checkSpelling(t *testing.T, data []byte, k *Key) {
	t.Helper()
	if jwk.IsPEM(data) {
		return
	}
	o := must(strict.ParseObject(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))(t)
	kty, _, _ := o.Text("kty")
	members := map[string]string{"kty": kty}
	members["crv"], _, _ = o.Text("crv")
	for _, name := range materialMembers(kty, k.HasPrivate()) {
		text, _, err := o.Text(name)
		members[name] = text
		if b, lax := base64.RawURLEncoding.DecodeString(text); err != nil || lax != nil || base64.RawURLEncoding.EncodeToString(b) != text {
			t.Fatalf("%s is spelled %q", name, text)
		}
	}
	if members["crv"] == "X25519" {
		checkX25519Spelling(t, members, k)
		return
	}
	// go-jose reads only these members, because it refuses some of those that we ignore.
	var theirs jose.JSONWebKey
	if err := theirs.UnmarshalJSON(asJSON(t, members)); err != nil {
		t.Fatalf("go-jose refuses it: %v", err)
	}
	if sum := must(theirs.Thumbprint(crypto.SHA256))(t); base64.RawURLEncoding.EncodeToString(sum) != k.Thumbprint() || theirs.IsPublic() == k.HasPrivate() {
		t.Fatal("go-jose reads another key")
	}
}

// checkX25519Spelling does the same with crypto/ecdh, because go-jose does not know the curve.
func checkX25519Spelling(t *testing.T, members map[string]string, k *Key) {
	t.Helper()
	x, want := members["x"], k.Public().(*ecdh.PublicKey)
	if b64(want.Bytes()) != x {
		t.Fatal("another key")
	}
	if k.HasPrivate() {
		d := must(base64.RawURLEncoding.DecodeString(members["d"]))(t)
		if !must(ecdh.X25519().NewPrivateKey(d))(t).PublicKey().Equal(want) {
			t.Fatal("the halves do not belong together")
		}
	}
	sum := sha256.Sum256([]byte(`{"crv":"X25519","kty":"OKP","x":"` + x + `"}`))
	if b64(sum[:]) != k.Thumbprint() {
		t.Fatal("another thumbprint")
	}
}

// checkMemory checks that f, which reads size bytes, allocates in proportion to size. The
// measurement is slow, so only a few short texts are measured. Their length selects them, so that a
// failure can be repeated.
func checkMemory(t *testing.T, size int, f func()) {
	t.Helper()
	if size < 4<<10 && size%16 != 0 {
		return
	}
	limit := uint64(16*size + 64<<10)
	for try := 0; ; try++ { // other goroutines allocate too
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used <= limit {
			return
		} else if try == 5 {
			t.Fatalf("%d bytes take %d bytes of memory, and %d are allowed", size, used, limit)
		}
	}
}

// ParsePublicSet refuses a text, or returns a set. The printed set reads back as itself and holds
// nothing private.
func FuzzParsePublicSet(f *testing.F) {
	var members []json.RawMessage
	seedKeys(f, func(data []byte) {
		if json.Valid(data) {
			members = append(members, data)
			f.Add([]byte(`{"keys":[` + string(data) + `]}`))
		}
		f.Add(data)
	})
	for _, value := range emptyValues {
		f.Add(jwks(f, public(f, ES256, map[string]any{"kid": json.RawMessage(value), "d": json.RawMessage(value), "key_ops": json.RawMessage(value)})))
	}
	twin := public(f, ES256, map[string]any{"kid": "a"})
	f.Add(jwks(f, twin, twin, with(twin, map[string]any{"use": nil, "alg": nil}), public(f, RS256, map[string]any{"kid": "a"}), public(f, PS256, map[string]any{"kid": "a"})))
	f.Add(asJSON(f, map[string]any{"keys": members}))
	f.Add(jwks(f, public(f, ES256, map[string]any{"kid": "a"}), public(f, ECDHES, map[string]any{"kid": "a"}), bareJWK(f, jwk.RSA, false)))
	f.Add([]byte(`{"keys":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePublicSet(data)
		// Each member may be a key, and takes 2 KiB before it is refused.
		var set struct{ Keys []json.RawMessage }
		if json.Unmarshal(data, &set) != nil {
			set.Keys = nil
		}
		checkMemory(t, len(data)+128*len(set.Keys), func() { ParsePublicSet(data) })
		if err != nil {
			if p != nil || !isPromised(err, ErrMalformed, ErrPrivateKey, ErrUnsupported, ErrWeakKey) {
				t.Fatal(err)
			}
			return
		}
		text := must(json.Marshal(p))(t)
		again := must(ParsePublicSet(text))(t)
		if len(again.Skipped()) != 0 || len(again.Keys()) != len(p.Keys()) || !bytes.Equal(text, must(json.Marshal(again))(t)) {
			t.Fatalf("%s came back as another set", text)
		}
		checkLookups(t, "fuzzed", again)
		checkPublished(t, text, true)
		// go-jose refuses a whole set that has one key on X25519.
		var ours struct{ Keys []json.RawMessage }
		if err := json.Unmarshal(text, &ours); err != nil {
			t.Fatal(err)
		}
		ours.Keys = slices.DeleteFunc(ours.Keys, func(k json.RawMessage) bool { return bytes.Contains(k, []byte(`"crv":"X25519"`)) })
		var theirs jose.JSONWebKeySet
		if err := json.Unmarshal(asJSON(t, map[string]any{"keys": ours.Keys}), &theirs); err != nil {
			t.Fatalf("go-jose refuses %s: %v", text, err)
		}
		for _, k := range p.Keys() {
			if k.Suite().kind() == jwk.X25519 {
				continue
			}
			// Several keys may have this kid, or none. A key without use stands twice among ours.
			if !slices.ContainsFunc(theirs.Keys, func(j jose.JSONWebKey) bool { return isSame(t, j, k) }) {
				t.Fatalf("go-jose does not find %q for %v in %s", k.ID(), k.Suite(), text)
			}
		}
		for _, k := range p.Keys() {
			if k.HasPrivate() {
				t.Fatal("a private half")
			}
		}
	})
}

func isPromised(err error, promised ...error) bool {
	return slices.ContainsFunc(promised, func(want error) bool { return errors.Is(err, want) })
}

// isSame reports whether a JWK that go-jose has read is the key k.
func isSame(t *testing.T, j jose.JSONWebKey, k *Key) bool {
	t.Helper()
	sum := b64(must(j.Thumbprint(crypto.SHA256))(t))
	return j.Valid() && j.IsPublic() && j.KeyID == k.ID() && sum == k.Thumbprint() && (j.Algorithm == "" || j.Algorithm == k.Suite().Alg())
}
