package keys

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/strict"
)

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func readTestdata(t testing.TB, name string) []byte {
	t.Helper()
	return must(os.ReadFile(filepath.Join("../testdata", name)))(t)
}

// ownKey holds a key and its private JWK, which the Key itself does not reveal.
type ownKey struct {
	*Key
	jwk  []byte // the private JWK, with kid, use and alg
	priv jwk.PrivateKey
}

// oaepSuites are the suites of RSA-OAEP. Their keys are of one kind.
var oaepSuites = []Suite{RSAOAEP256, RSAOAEP}

func isOAEP(s Suite) bool { return slices.Contains(oaepSuites, s) }

// generated returns a key for suite. RSA keys are slow to make and come from a file.
func generated(t testing.TB, suite Suite) ownKey {
	t.Helper()
	if suite.kind() == jwk.RSA {
		return parsed(t, readTestdata(t, "keys/rsa.pem"), Hint{Suite: suite})
	}
	return parsed(t, must(jwk.Generate(suite.String()))(t), Hint{Suite: suite})
}

// parsed returns the private key in data, which is a JWK or PEM.
func parsed(t testing.TB, data []byte, hint Hint) ownKey {
	t.Helper()
	k := must(ParseKey(data, hint))(t)
	priv := must(jwk.Parse(data))(t).Private
	return ownKey{k, must(jwk.Marshal(priv, k.id, string(k.Use()), k.suite.Alg()))(t), priv}
}

// withID returns k under another kid.
func withID(t testing.TB, k ownKey, kid string) ownKey {
	t.Helper()
	text := must(jwk.Marshal(k.priv, kid, string(k.Use()), k.suite.Alg()))(t)
	return parsed(t, text, Hint{Suite: k.suite})
}

// publicJWK returns the public JWK of k.
func publicJWK(t testing.TB, k *Key) []byte {
	t.Helper()
	return must(jwk.Marshal(k.public, k.id, string(k.Use()), k.suite.Alg()))(t)
}

// with returns m with changed members. A nil value removes a member.
func with(m map[string]any, members map[string]any) map[string]any {
	m = maps.Clone(m)
	for name, v := range members {
		if v == nil {
			delete(m, name)
		} else {
			m[name] = v
		}
	}
	return m
}

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

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

func b64(b []byte) string { return strict.EncodeBase64URL(b) }

// message holds the parts of a JWE.
type message struct {
	header []byte // as JSON, with its braces
	parts  [4][]byte
}

// sealed seals a message to a key.
func sealed(t testing.TB, to *Key, c Content, plaintext string) message {
	t.Helper()
	s := must(to.NewSender(c))(t)
	m := message{header: append(s.AppendHeader([]byte("{")), '}')}
	m.parts = s.Seal(nil, m.aad(), []byte(plaintext))
	return m
}

// aad returns the header in base64url, as part 1 has it.
func (m message) aad() []byte { return strict.AppendBase64URL(nil, m.header) }

// clone returns a copy. Each part has memory of its own.
func (m message) clone() message {
	m.header = append([]byte(nil), m.header...)
	for i, p := range m.parts {
		m.parts[i] = append([]byte(nil), p...)
	}
	return m
}

// recipient reads the header as JSON and returns its recipient.
func (m message) recipient(t testing.TB, k *Key) (Recipient, error) {
	t.Helper()
	return m.recipientIn(t.Context(), t, k)
}

func (m message) recipientIn(ctx context.Context, t testing.TB, k *Key) (Recipient, error) {
	t.Helper()
	o, err := strict.ParseObject(m.header)
	if err != nil {
		return Recipient{}, err
	}
	h, err := ReadHeader(o)
	if err != nil {
		return Recipient{}, err
	}
	return k.NewRecipient(ctx, h, m.parts)
}

// open opens a copy, because Open decrypts in the memory of the parts.
func (m message) open(t testing.TB, k *Key) ([]byte, error) {
	t.Helper()
	m = m.clone()
	r, err := m.recipient(t, k)
	if err != nil {
		return nil, err
	}
	return r.Open(m.aad())
}

// with returns the message with changed members of its header. A nil value removes a member.
func (m message) with(t testing.TB, members map[string]any) message {
	t.Helper()
	m = m.clone()
	m.header = asJSON(t, with(asMap(t, m.header), members))
	return m
}

// tried returns the keys to try on a JWE that has this alg, no kid and no epk.
func (s *Set) tried(alg string) []*Key { return s.DecryptionKeys(Header{Alg: alg}) }

// heldKey returns the decryption key of s with this kid.
func heldKey(s *Set, kid string) (*Key, bool) {
	if fit := s.DecryptionKeys(Header{KeyID: []byte(kid)}); len(fit) == 1 {
		return fit[0], true
	}
	return nil, false
}
