package keyring

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/tombstone"
)

// ringSeeds returns documents to begin with: the document of the oldest golden ring without its RSA
// keys, whose checks take longer than all others, and a document with a former policy.
func ringSeeds(f *testing.F) []document {
	f.Helper()
	golden := *goldenVictim(f, "v1.ring").was
	golden.Keys = slices.DeleteFunc(slices.Clone(golden.Keys), func(r record) bool {
		suite, err := keys.ParseSuite(r.Suite)
		return err != nil || suite == keys.RS256 || suite == keys.PS256 || suite == keys.RSAOAEP256 || suite == keys.RSAOAEP
	})
	ring := newRing(f, NewMemStore(), newClock().now)
	if err := ring.UpdatePolicy(f.Context(), func(p *Policy) { p.TokenLifetime /= 2 }); err != nil {
		f.Fatal(err)
	}
	return []document{golden, *ring.snapshot.Load().document}
}

// privateParts returns the private members of the JWKs in a document, in the spellings in which an
// error could show them.
func privateParts(t testing.TB, d *document) []string {
	t.Helper()
	var parts []string
	for _, r := range d.Keys {
		var jwk map[string]any
		if len(r.JWK) == 0 || json.Unmarshal(r.JWK, &jwk) != nil {
			continue
		}
		for _, name := range []string{"d", "p", "q", "dp", "dq", "qi"} {
			if s, ok := jwk[name].(string); ok {
				raw := must(base64.RawURLEncoding.DecodeString(s))(t)
				parts = append(parts, s[:20], string(raw[:12]))
			}
		}
	}
	return parts
}

// FuzzRingDocument is FuzzOpenRing behind the encryption. The text is encrypted under the true key
// of the golden ring, beside its slots, which do not change. It is refused as damaged, or it is a
// ring that can be written again and reads back as itself.
func FuzzRingDocument(f *testing.F) {
	v := goldenVictim(f, "v1.ring")
	slots := must(parseBlob(v.doc))(f).Slots
	key := must(blob{Slots: slots}.ringKey(context.Background(), v.kek))(f)
	secrets := privateParts(f, v.was)
	for _, d := range ringSeeds(f) {
		secrets = append(secrets, privateParts(f, &d)...)
		text := withSlots(f, d, slots)
		f.Add(text)
		f.Add(bytes.Replace(text, []byte(`"state":"active"`), []byte(`"state":"retired"`), 1))
		f.Add(bytes.Replace(text, []byte(`"generation":`), []byte(`"generation":1844674407370955161`), 1))
		f.Add(bytes.ReplaceAll(text, []byte(`"1h0m0s"`), []byte(`"2562047h47m16.854775807s"`)))
	}
	if len(secrets) == 0 {
		f.Fatal("no private members to look for")
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c := newClock()
		r, err := openAt(t.Context(), Config{Store: frozen(sealedAs(t, ringHeader, slots, key, text)), KEK: v.kek}, c.now)
		if err != nil {
			checkRefusal(t, r, err, secrets)
			return
		}
		s := r.snapshot.Load()
		checkRing(t, s)
		again := must(openAt(t.Context(), Config{Store: storeWith(t, must(sealBlob(s.document.clone(), slots, key))(t)), KEK: v.kek}, c.now))(t)
		if !bytes.Equal(asJSON(t, again.snapshot.Load().document), asJSON(t, s.document)) {
			t.Fatal("another ring came back")
		}
		// The ring rotates or says why it cannot. The new ring can be read.
		c.advance(400 * 24 * time.Hour)
		if _, err := again.Rotate(t.Context()); err == nil {
			checkRing(t, must(again.load(t.Context()))(t))
		}
	})
}

func checkRefusal(t *testing.T, r *Ring, err error, secrets []string) {
	t.Helper()
	if r != nil || !errors.Is(err, ErrUnreadable) || len(err.Error()) > 1000 {
		t.Fatalf("%v", err)
	}
	for _, s := range secrets {
		if strings.Contains(err.Error(), s) {
			t.Fatalf("the error shows a private key: %v", err)
		}
	}
}

// checkRing checks the rules that hold for every ring.
func checkRing(t *testing.T, s *snapshot) {
	t.Helper()
	seen, active := make(map[string]bool), make(map[keys.Use]int)
	for _, r := range s.document.Keys {
		kid, head := "kid "+r.ID, "key "+tombstone.HeadOf(r.ID, r.Thumbprint)
		if seen[kid] || seen[head] {
			t.Fatalf("kid %q twice", r.ID)
		}
		seen[kid], seen[head] = true, true
		if r.State == Active {
			active[r.Use]++
		}
		if final := r.State == Destroyed || r.State == Revoked && r.Use == keys.UseSig; final && len(r.JWK) != 0 {
			t.Fatalf("%s, and its key is there", r.State)
		}
		k, opens := heldKey(s.set, r.ID)
		if opens && (r.Use != keys.UseEnc || r.State == Destroyed || k.Suite().Alg() != r.Suite) {
			t.Fatalf("a %s %s key opens", r.State, r.Suite)
		}
		if must(s.set.PublicKeys(t.Context(), ""))(t).HasVerificationKey(r.ID) && !r.isPublished() {
			t.Fatalf("a %s key verifies", r.State)
		}
	}
	if active[keys.UseSig] > 1 || active[keys.UseEnc] > 1 {
		t.Fatalf("%v active keys", active)
	}
	if err := s.policy.Validate(); err != nil {
		t.Fatal(err)
	}
}

// FuzzRingHeaders writes JWEs with another header and no other fault. A slot has one valid header,
// and so has the ring.
func FuzzRingHeaders(f *testing.F) {
	const slotHeader = `{"alg":"A256KW","enc":"A256CBC-HS512"}`
	for _, h := range []string{slotHeader, ringHeader} {
		f.Add([]byte(h))
		for _, other := range headers(h) {
			f.Add([]byte(other))
		}
	}
	v := goldenVictim(f, "v1.ring")
	good := must(parseBlob(v.doc))(f).Slots
	key := must(blob{Slots: good}.ringKey(context.Background(), v.kek))(f)
	text := withSlots(f, *documentOf(), good)
	f.Fuzz(func(t *testing.T, header []byte) {
		wrapped := wrapUnder(t, string(header), testKEK, key())
		if got, err := unwrapJWE(t, rawKey(t), wrapped); (err == nil) != (string(header) == slotHeader) || err != nil && (got != nil || err != ErrUnreadable) {
			t.Fatalf("a slot with the header %q: %v", header, err)
		}
		doc := sealedAs(t, string(header), good, key, text)
		if _, err := openAt(t.Context(), Config{Store: frozen(doc), KEK: v.kek}, newClock().now); (err == nil) != (string(header) == ringHeader) || err != nil && err.Error() != damagedText {
			t.Fatalf("a ring with the header %q: %v", header, err)
		}
	})
}
