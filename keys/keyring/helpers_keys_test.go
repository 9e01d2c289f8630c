package keyring

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// ownKey holds a key and its private JWK, which the Key itself does not reveal.
type ownKey struct {
	*keys.Key
	jwk []byte
}

// generated returns a key for suite. RSA keys are slow to make and come from a file.
func generated(t testing.TB, suite keys.Suite) ownKey {
	t.Helper()
	if strings.HasPrefix(suite.Alg(), "R") || strings.HasPrefix(suite.Alg(), "P") {
		return parsed(t, readTestdata(t, "keys/rsa.pem"), keys.Hint{Suite: suite})
	}
	return parsed(t, must(jwk.Generate(suite.String()))(t), keys.Hint{Suite: suite})
}

// parsed returns the key in data, a JWK or PEM.
func parsed(t testing.TB, data []byte, hint keys.Hint) ownKey {
	t.Helper()
	k := must(keys.ParseKey(data, hint))(t)
	material := any(k.Public())
	if j := must(jwk.Parse(data))(t); j.Private != nil {
		material = j.Private
	}
	return ownKey{k, must(jwk.Marshal(material, k.ID(), string(k.Use()), k.Suite().Alg()))(t)}
}

// withID returns k under another kid.
func withID(t testing.TB, k ownKey, kid string) ownKey {
	t.Helper()
	j := must(jwk.Parse(k.jwk))(t)
	return parsed(t, must(jwk.Marshal(j.Private, kid, string(k.Use()), k.Suite().Alg()))(t), keys.Hint{Suite: k.Suite()})
}

// withoutPrivate returns k without its private key.
func (k ownKey) withoutPrivate(t testing.TB) ownKey {
	t.Helper()
	return parsed(t, must(publicJWK(k.Key))(t), keys.Hint{Suite: k.Suite()})
}

// recordKey returns the key of a record.
func recordKey(t testing.TB, r *record) ownKey {
	t.Helper()
	return parsed(t, r.JWK, keys.Hint{Suite: must(r.key())(t).Suite()})
}

// testMemory is a Memory that fails when a test says so.
type testMemory struct {
	mu      sync.Mutex
	newest  Checkpoint
	rings   []Checkpoint // of rings at other places
	saves   int
	err     error // error of Load
	saveErr error // error of Save
}

func (m *testMemory) Load(context.Context) (Checkpoint, []Checkpoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.newest, m.rings, m.err
}

// failSaves makes Save return err from now on.
func (m *testMemory) failSaves(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saveErr = err
}

func (m *testMemory) Save(_ context.Context, newest Checkpoint) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.saveErr == nil {
		m.newest = newest
		m.saves++
	}
	return m.saveErr
}

func (k ownKey) hint() keys.Hint { return keys.Hint{Suite: k.Suite()} }

// importOwn imports a key from its bytes.
func (r *Ring) importOwn(ctx context.Context, k ownKey, state State) error {
	_, err := r.Import(ctx, k.jwk, k.hint(), state)
	return err
}

func (r *Ring) importOwnInsecurely(ctx context.Context, k ownKey) error {
	_, err := r.ImportInsecurely(ctx, k.jwk, k.hint())
	return err
}

// wrapJWE returns a function that wraps ringKey with kek and returns the JWE.
func wrapJWE(kek KEK, ringKey []byte) func(testing.TB) string {
	return func(t testing.TB) string {
		t.Helper()
		return must(kek.Wrap(t.Context(), ringKey))(t).JWE
	}
}

func unwrapJWE(t testing.TB, kek KEK, jwe string) ([]byte, error) {
	return kek.Unwrap(t.Context(), WrappedKey{JWE: jwe})
}

func b64(b []byte) string { return strict.EncodeBase64URL(b) }

func asJSON(t testing.TB, v any) []byte {
	t.Helper()
	return must(json.Marshal(v))(t)
}

func asMap(t testing.TB, text []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// checkPublished fails for a JWK Set that has a private member, or a member without kid,
// use and alg.
func checkPublished(t *testing.T, text []byte) {
	t.Helper()
	items, ok, err := must(strict.ParseObject(text))(t).Array("keys")
	if !ok || err != nil {
		t.Fatalf("no JWK Set: %s", text)
	}
	for _, item := range items {
		o := must(strict.ParseObject(item))(t)
		for _, name := range []string{"kid", "use", "alg"} {
			if s, _, _ := o.Text(name); s == "" {
				t.Errorf("no %s in %s", name, item)
			}
		}
		for name := range o.All() {
			if !strings.Contains(" kty kid use alg crv x y n e ", " "+name+" ") {
				t.Errorf("member %s in %s", name, item)
			}
		}
	}
}

// encrypted encrypts with a content encryption of RFC 7518 section 5. The key may have any length
// that the algorithm accepts.
func encrypted(t testing.TB, c keys.Content, cek, aad, plaintext []byte) (iv, ciphertext, tag []byte) {
	t.Helper()
	tagSize := 16
	var mode cipher.AEAD
	if strings.HasSuffix(c.String(), "GCM") {
		mode = must(cipher.NewGCM(must(aes.NewCipher(cek))(t)))(t)
	} else {
		mode = must(josecipher.NewCBCHMAC(slices.Clone(cek), aes.NewCipher))(t)
		tagSize = len(cek) / 2
	}
	iv = make([]byte, mode.NonceSize())
	rand.Read(iv)
	out := mode.Seal(nil, iv, plaintext, aad)
	return iv, out[:len(out)-tagSize], out[len(out)-tagSize:]
}

// keySize returns the length in bytes of the key of a content encryption.
func keySize(c keys.Content) int {
	return map[keys.Content]int{keys.A256GCM: 32, keys.A128GCM: 16, keys.A256CBCHS512: 64, keys.A128CBCHS256: 32}[c]
}

// remoteKEK is a KEK that keeps the wrapped key beside the JWE.
type remoteKEK struct {
	KEK
	wrapped string
}

func (remoteKEK) ID() string { return "remote" }

func (k remoteKEK) Wrap(ctx context.Context, ringKey []byte) (WrappedKey, error) {
	w, err := k.KEK.Wrap(ctx, ringKey)
	w.Wrapped = k.wrapped
	return w, err
}

func (k remoteKEK) Unwrap(ctx context.Context, w WrappedKey) ([]byte, error) {
	if w.Wrapped != k.wrapped {
		return nil, ErrUnreadable
	}
	return k.KEK.Unwrap(ctx, WrappedKey{JWE: w.JWE})
}

// heldKey returns the decryption key of s with this kid.
func heldKey(s *keys.Set, kid string) (*keys.Key, bool) {
	if fit := s.DecryptionKeys(keys.Header{KeyID: []byte(kid)}); len(fit) == 1 {
		return fit[0], true
	}
	return nil, false
}
