package keys

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// canaries are byte strings that must appear nowhere, in any spelling.
type canaries []string

// add takes the first and the last 12 bytes of a secret in every spelling that
// fmt, json and slog have for bytes, and the whole of it as a number.
func (c *canaries) add(secret []byte) {
	*c = append(*c, new(big.Int).SetBytes(secret).String())
	for _, b := range [][]byte{secret[:12], secret[len(secret)-12:]} {
		decimal := strings.Trim(fmt.Sprint(b), "[]")
		goSyntax := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", b), "[]byte{"), "}")
		base64s := make([]string, 3) // by where in its three bytes the secret begins
		for i := range base64s {
			s := base64.StdEncoding.EncodeToString(b[i : i+9])
			base64s[i] = s
			*c = append(*c, strings.NewReplacer("+", "-", "/", "_").Replace(s))
		}
		*c = append(*c, base64s...)
		*c = append(*c, string(b), strings.Trim(fmt.Sprintf("%q", b), `"`), decimal, strings.ReplaceAll(decimal, " ", ","),
			hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)), fmt.Sprintf("% x", b), goSyntax)
	}
}

func (c *canaries) addKey(t *testing.T, k *Key) {
	t.Helper()
	o := must(strict.ParseObject(must(k.private())(t)))(t)
	for _, name := range []string{"d", "p", "q"} {
		if s, ok, _ := o.Text(name); ok {
			c.add(must(strict.DecodeBase64URL(s))(t))
		}
	}
}

func (c canaries) check(t *testing.T, what, out string) {
	t.Helper()
	for _, s := range c {
		if strings.Contains(out, s) {
			t.Errorf("%s holds a secret: %q", what, s)
			return
		}
	}
}

// wrapped holds a value where fmt may not call its methods.
type wrapped[T any] struct {
	value   T
	pointer *T
	slice   []T
	byName  map[string]T
	any     any
	nested  struct{ value []any }
}

// Exported is the same where it may.
type exported[T any] struct {
	Value   T
	Pointer *T
	Slice   []T
	ByName  map[string]T
	Any     any
}

func checkRedacted[T any](t *testing.T, c canaries, v T) {
	t.Helper()
	w := wrapped[T]{value: v, pointer: &v, slice: []T{v}, byName: map[string]T{"k": v}, any: v}
	w.nested.value = []any{v, &v}
	e := exported[T]{v, &v, []T{v}, w.byName, v}
	for _, value := range []any{v, &v, w, &w, e, &e, []any{v, &v, w, e}, map[string]any{"v": v, "w": w}, error(wrappedError[T]{v})} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "% x", "%d", "%q", "%#q", "%t", "%c", "%o", "%b", "%U", "%p", "%T", "%e"} {
			c.check(t, fmt.Sprintf("%s of %T", verb, value), fmt.Sprintf(verb, value))
		}
		c.check(t, "Sprint", fmt.Sprint(value))
		if text, err := json.Marshal(value); err == nil {
			c.check(t, fmt.Sprintf("JSON of %T", value), string(text))
		}
		var log bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
			slog.New(h).Info("message", "value", value, slog.Group("group", "value", value))
		}
		c.check(t, fmt.Sprintf("log of %T", value), log.String())
	}
}

type wrappedError[T any] struct{ value T }

func (e wrappedError[T]) Error() string {
	return fmt.Sprintf("three deep: %v", []any{&e.value, e.value})
}

// A test that cannot fail proves nothing: plain bytes must be found.
func TestCanariesSing(t *testing.T) {
	secret := must(hex.DecodeString("f0e1d2c3b4a5968778695a4b3c2d1e0fe09182736455463728190a0b1c2d3e4f"))(t)
	var c canaries
	c.add(secret)
	found := func(out string) bool {
		for _, s := range c {
			if strings.Contains(out, s) {
				return true
			}
		}
		return false
	}
	type holder struct{ secret []byte }
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q", "% x"} {
		if !found(fmt.Sprintf(verb, holder{secret})) {
			t.Errorf("%s is not found", verb)
		}
	}
	for name, out := range map[string]string{
		"JSON":      string(asJSON(t, secret)),
		"base64url": b64(append([]byte("a"), secret...)),
		"number":    fmt.Sprint(new(big.Int).SetBytes(secret)),
		"no":        "",
	} {
		if found(out) != (name != "no") {
			t.Errorf("%s: found %v", name, name == "no")
		}
	}
}

func TestSecretsAreRedacted(t *testing.T) {
	for _, suite := range []Suite{ES256, EdDSA, PS256, ECDHES, RSAOAEP256, ECDHESX25519} {
		k := generated(t, suite)
		var c canaries
		c.addKey(t, k)
		checkRedacted(t, c, k)
		checkRedacted(t, c, *k)
		checkRedacted(t, c, k.Signer())
		checkRedacted(t, c, k.KeyExchanger())
		checkRedacted(t, c, k.Decrypter())
		s := must(NewSet(k))(t)
		checkRedacted(t, c, s)
		checkRedacted(t, c, *s)
		checkRedacted(t, c, PrivateSource(s))
		for _, state := range []State{Staged, Retired} {
			if r, err := newRecord(k, state); suite.Use() == UseSig && state == Retired && err == nil {
				c.check(t, "a retired signing key", string(asJSON(t, r)))
			}
		}
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var c canaries
	c.add(ed.Seed())
	local := must(FromSigner("local", EdDSA, ed))(t)
	checkRedacted(t, c, local)
	checkRedacted(t, c, *local)
	checkRedacted(t, c, local.Signer())
}

func TestRingsAndKEKsAreRedacted(t *testing.T) {
	var c canaries
	raw, phrase := make([]byte, 32), []byte("a passphrase of many words")
	rand.Read(raw)
	c.add(raw)
	c.add(phrase)
	rawKEK, phraseKEK := must(RawKey(raw))(t), must(Passphrase(phrase))(t)
	ring := must(Create(t.Context(), MemStore(), rawKEK, RingConfig{}))(t)
	c.add(ring.snapshot.Load().ringKey())
	s := must(ring.Private(t.Context()))(t)
	for _, k := range s.byID {
		c.addKey(t, k)
	}
	checkRedacted(t, c, rawKEK)
	checkRedacted(t, c, phraseKEK)
	checkRedacted(t, c, ring)
	checkRedacted(t, c, PrivateSource(ring))
	checkRedacted(t, c, s)
	checkRedacted(t, c, *s.tooOld(0, nil))
	// A Ring must not be copied, but somebody will.
	for _, v := range []any{ring, rawKEK, phraseKEK} {
		checkRedacted(t, c, reflect.ValueOf(v).Elem().Interface())
	}
	checkRedacted(t, c, RingConfig{})
	phraseRing := &Ring{kek: phraseKEK, store: MemStore(), now: newClock().now}
	phraseRing.snapshot.Store(ring.snapshot.Load())
	checkRedacted(t, c, phraseRing)
}

// Where fmt may call methods, the output says that something is left out.
func TestRedactedText(t *testing.T) {
	k := generated(t, ES256)
	s := must(NewSet(k))(t)
	for _, v := range []any{k, *k, s, *s, newRing(t, MemStore(), newClock()), rawKey(t), must(Passphrase([]byte("phrase")))(t)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
			if got := fmt.Sprintf(verb, v); got != "[redacted]" {
				t.Errorf("%s of %T is %q", verb, v, got)
			}
		}
		if got := string(must(json.Marshal(v))(t)); got != `"[redacted]"` {
			t.Errorf("JSON of %T is %s", v, got)
		}
		if got := v.(slog.LogValuer).LogValue().String(); got != "[redacted]" {
			t.Errorf("%T is logged as %q", v, got)
		}
	}
}
