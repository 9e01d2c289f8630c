package keyring

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// If the policy of a ring says X25519, the ring makes, keeps and publishes such keys.
func TestX25519Ring(t *testing.T) {
	for _, suite := range []keys.Suite{keys.ECDHESX25519, keys.ECDHESA256KWX25519} {
		store, c := newTestStore(), newClock()
		cfg := Config{Store: store, KEK: rawKey(t), Policy: Policy{Enc: UsePolicy{Suites: []keys.Suite{suite}}}}
		ring := must(createAt(t.Context(), cfg, c.now))(t)
		first := activeID(ring, keys.UseEnc)
		again := openRing(t, store, c.now)
		if p := must(again.Policy(t.Context()))(t); len(p.Enc.Suites) != 1 || p.Enc.Suites[0] != suite {
			t.Errorf("the policy says %v", p.Enc.Suites)
		}
		must(again.RotateNowInsecurely(t.Context(), keys.UseEnc))(t)
		c.advance(time.Minute)
		set := must(openRing(t, store, c.now).PrivateKeys(t.Context()))(t)
		for _, kid := range []string{first, activeID(again, keys.UseEnc)} {
			if k, ok := heldKey(set, kid); !ok || k.Suite() != suite || !k.HasPrivate() {
				t.Errorf("%v: key %s is lost", suite, kid)
			}
		}
		for _, info := range must(again.Keys(t.Context()))(t) {
			if info.Use == keys.UseEnc && info.Suite != suite {
				t.Errorf("%v is listed as %v", suite, info.Suite)
			}
		}
		text := string(asJSON(t, must(again.PublicKeys(t.Context(), ""))(t)))
		if !strings.Contains(text, `"kty":"OKP"`) || !strings.Contains(text, `"alg":"`+suite.Alg()+`"`) || strings.Contains(text, "/X25519") {
			t.Errorf("it publishes %s", text)
		}
		read := must(keys.ParsePublicSet([]byte(text)))(t)
		if k := must(read.EncryptionKey())(t); k.ID() != activeID(again, keys.UseEnc) || k.Suite() != suite || len(read.Skipped()) != 0 {
			t.Errorf("%v is read as %v", suite, k.Suite())
		}
	}
}

// For a token without a kid the active key is tried first, then the key before it, then the staged
// key, which may be active by now in a ring that was not reloaded, and then older ones.
func TestOrderOfDecryptionKeys(t *testing.T) {
	c := newClock()
	ring := newRing(t, NewMemStore(), c.now)
	active := []string{activeID(ring, keys.UseEnc)}
	check := func(what string, want ...string) {
		t.Helper()
		var got []string
		for _, k := range must(ring.PrivateKeys(t.Context()))(t).DecryptionKeys(keys.Header{Alg: "ECDH-ES"}) {
			got = append(got, k.ID())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	staged := func() string { return ring.snapshot.Load().document.find(keys.UseEnc, Staged).ID }
	check("a new ring", active[0], staged())
	for range 2 {
		must(ring.RotateNowInsecurely(t.Context(), keys.UseEnc))(t)
		active = append([]string{activeID(ring, keys.UseEnc)}, active...)
	}
	check("after rotations", active...)
	must(ring.Revoke(t.Context(), Revocation{KeyID: active[0], Reason: "test"}))(t)
	check("after a revocation", activeID(ring, keys.UseEnc), active[0], staged(), active[1], active[2])
}
