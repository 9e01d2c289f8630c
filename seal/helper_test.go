package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

const (
	issuerID = "https://id.example.com"
	audience = "https://api.example.com"
)

// clock is the time at which the tests seal.
var clock = time.Unix(1767225600, 999_000_000)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newSet(suite keys.Suite) *keys.Set { return keytest.NewSet(newKey(suite)) }

// parties holds an issuer and a recipient, each with the keys of one suite.
type parties struct{ issuer, recipient *keys.Set }

func newParties(signing, management keys.Suite) parties {
	return parties{newSet(signing), newSet(management)}
}

// defaults makes parties once, because most tests do not depend on the keys.
var defaults = sync.OnceValue(func() parties { return newParties(keys.ES256, keys.ECDHES) })

func (p parties) config() anySeal {
	return anySeal{SelectiveConfig: seal.SelectiveConfig{
		Issuer:     issuerID,
		Signing:    p.issuer,
		Recipients: []seal.SelectiveRecipient{{Audience: audience, Keys: p.recipient}},
	}}
}

func newSealer(t testing.TB, cfg anySeal) *seal.Sealer {
	t.Helper()
	s, err := newAny(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.SetNow(func() time.Time { return clock })
	return s
}

func (p parties) seal(t testing.TB, c seal.Claims) string {
	t.Helper()
	token, err := newSealer(t, p.config()).Seal(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (p parties) open(t testing.TB, token string, bend ...func(c *anyOpen)) *open.Token {
	t.Helper()
	cfg := anyOpen{SelectiveConfig: open.SelectiveConfig{Audience: audience, Trust: []open.Issuer{{ID: issuerID, Keys: p.issuer}}, Decryption: p.recipient}}
	for _, b := range bend {
		b(&cfg)
	}
	tok, err := must(newAnyOpener(cfg)).OpenAt(t.Context(), token, clock)
	if err != nil {
		t.Fatal("sealed here, and refused:", err)
	}
	return tok
}

// payload returns the signed text of the claims.
func (p parties) payload(t testing.TB, token string) string {
	t.Helper()
	var raw json.RawMessage
	if err := p.open(t, token).Claims(&raw); err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// custom returns the part of the payload that the caller gave.
func (p parties) custom(t testing.TB, c seal.Claims) string {
	t.Helper()
	c.ID = "the-id"
	payload := p.payload(t, p.seal(t, c))
	_, after, found := strings.Cut(payload, `"jti":"the-id"`)
	if !found {
		t.Fatalf("no jti in %s", payload)
	}
	return after
}

func decode(part string) []byte { return must(base64.RawURLEncoding.DecodeString(part)) }

// claimsFile returns the subject and the custom claims of a file.
func claimsFile(t testing.TB, path string) (subject string, custom map[string]json.RawMessage) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&custom); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(custom["sub"], &subject); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"iss", "sub", "aud"} {
		delete(custom, name)
	}
	return subject, custom
}

func claimsFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../testdata/claims/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no claims files (%v)", err)
	}
	return files
}

// jwesOf returns the JWEs of a selective token.
func jwesOf(token string) []string {
	var payload struct{ Sealed []string }
	if err := json.Unmarshal(decode(strings.Split(token, ".")[1]), &payload); err != nil {
		panic(err)
	}
	return payload.Sealed
}

// heldKey returns the decryption key of s with this kid.
func heldKey(s *keys.Set, kid string) (*keys.Key, bool) {
	if fit := s.DecryptionKeys(keys.Header{KeyID: []byte(kid)}); len(fit) == 1 {
		return fit[0], true
	}
	return nil, false
}
