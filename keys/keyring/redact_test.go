package keyring

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/canary"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// addKey adds the secrets of a private JWK.
func addKey(t *testing.T, c *canary.Canaries, text []byte) {
	t.Helper()
	o := must(strict.ParseObject(text))(t)
	for _, name := range []string{"d", "p", "q"} {
		if s, ok, _ := o.Text(name); ok {
			c.Add(must(strict.DecodeBase64URL(s))(t))
		}
	}
}

func TestRingsAndKEKsAreRedacted(t *testing.T) {
	var c canary.Canaries
	raw, phrase := make([]byte, 32), []byte("a passphrase of many words")
	rand.Read(raw)
	c.Add(raw)
	c.Add(phrase)
	rawKEK, phraseKEK := must(NewKEK(raw))(t), must(PassphraseKEK(phrase))(t)
	cfg := Config{Store: NewMemStore(), KEK: rawKEK}
	ring := must(Create(t.Context(), cfg))(t)
	c.Add(ring.snapshot.Load().ringKey())
	for _, r := range ring.snapshot.Load().document.Keys {
		addKey(t, &c, r.JWK)
	}
	s := must(ring.PrivateKeys(t.Context()))(t)
	canary.CheckRedacted(t, c, rawKEK)
	canary.CheckRedacted(t, c, phraseKEK)
	canary.CheckRedacted(t, c, ring)
	canary.CheckRedacted(t, c, keys.PrivateSource(ring))
	canary.CheckRedacted(t, c, s)
	canary.CheckRedacted(t, c, *must(ring.snapshot.Load().tooOld(time.Hour, nil))(t))
	// A caller must not copy a Ring, but some will.
	for _, v := range []any{ring, rawKEK, phraseKEK} {
		canary.CheckRedacted(t, c, reflect.ValueOf(v).Elem().Interface())
	}
	cfg.Store = nil // a MemStore holds the encrypted document, like a file
	canary.CheckRedacted(t, c, cfg)
	phraseRing := &Ring{kek: phraseKEK, store: NewMemStore(), now: newClock().now}
	phraseRing.snapshot.Store(ring.snapshot.Load())
	canary.CheckRedacted(t, c, phraseRing)
}

// The record of a retired signing key has no private key.
func TestRetiredRecordHoldsNoSecret(t *testing.T) {
	for _, suite := range []keys.Suite{keys.ES256, keys.EdDSA, keys.PS256} {
		k := generated(t, suite)
		var c canary.Canaries
		addKey(t, &c, k.jwk)
		c.Check(t, "a retired signing key", string(asJSON(t, must(newRecord(k.jwk, k.hint(), Retired))(t))))
	}
}

// If fmt may call methods, the output says that a value is left out.
func TestRedactedText(t *testing.T) {
	for _, v := range []any{newRing(t, NewMemStore(), newClock().now), rawKey(t), must(PassphraseKEK([]byte("phrase")))(t)} {
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
