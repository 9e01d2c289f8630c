package keytest_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

// activeSuites returns the suites of the active keys of a ring.
func activeSuites(t *testing.T, r *keyring.Ring) (suites []keys.Suite) {
	t.Helper()
	infos, err := r.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range infos {
		if k.State == keyring.Active {
			suites = append(suites, k.Suite)
		}
	}
	slices.Sort(suites)
	return suites
}

func TestNewRing(t *testing.T) {
	for _, c := range []struct{ given, want []keys.Suite }{
		{nil, []keys.Suite{keys.ES256, keys.ECDHES}},
		{[]keys.Suite{keys.EdDSA}, []keys.Suite{keys.EdDSA}},
		{[]keys.Suite{keys.ECDHESX25519}, []keys.Suite{keys.ECDHESX25519}},
		{[]keys.Suite{keys.ECDHESA256KW, keys.EdDSA}, []keys.Suite{keys.EdDSA, keys.ECDHESA256KW}},
	} {
		ring := keytest.NewRing(c.given...)
		if got := activeSuites(t, ring); !slices.Equal(got, c.want) {
			t.Errorf("NewRing(%v) has the suites %v, want %v", c.given, got, c.want)
		}
		if _, err := ring.RotateNowInsecurely(t.Context(), c.want[0].Use()); err != nil {
			t.Errorf("NewRing(%v) does not rotate: %v", c.given, err)
		}
	}
	a, err := keytest.NewRing().PublicKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := keytest.NewRing().PublicKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if a.Keys()[0].ID() == b.Keys()[0].ID() {
		t.Error("two rings have the same key")
	}
}

func TestNewSet(t *testing.T) {
	public := keytest.NewRing(keys.ES256)
	published, err := public.PublicKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	foreign := published.Keys()[0]
	first, second := keytest.NewKey(keys.ES256), keytest.NewKey(keys.EdDSA)
	current, older := keytest.NewKey(keys.ECDHES), keytest.NewKey(keys.ECDHES)
	set := keytest.NewSet(foreign, first, second, current, older)

	if k, err := set.SigningKey(); err != nil || k != first {
		t.Errorf("signs with %v (%v), want the first private key", k, err)
	}
	for _, k := range []*keys.Key{current, older} {
		if got, ok := heldKey(set, k.ID()); !ok || got != k {
			t.Errorf("key %s does not decrypt", k.ID())
		}
	}
	others, err := set.PublicKeys(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []*keys.Key{foreign, first, second} {
		if !others.HasVerificationKey(k.ID()) {
			t.Errorf("key %s does not verify", k.ID())
		}
	}
	if k, err := others.EncryptionKey(); err != nil || k.ID() != current.ID() || len(others.ForUse(keys.UseEnc).Keys()) != 1 {
		t.Errorf("others encrypt to %v (%v), want the first encryption key alone", k, err)
	}

	cfg := keytest.SetConfig(first, current)
	cfg.Erased = []string{"lost"}
	changed, err := keys.NewSet(cfg)
	if err != nil || !changed.WasErased("lost") {
		t.Errorf("a changed SetConfig: %v", err)
	}
}

func TestPanics(t *testing.T) {
	key := keytest.NewKey(keys.ES256)
	for name, f := range map[string]func(){
		"two suites of one use": func() { keytest.NewRing(keys.ES256, keys.EdDSA) },
		"no such suite":         func() { keytest.NewKey(0) },
		"ring of no suite":      func() { keytest.NewRing(0) },
		"a key twice":           func() { keytest.NewSet(key, key) },
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "keytest: ") {
					t.Errorf("%s: panic %q, want one of keytest", name, text)
				}
			}()
			f()
		}()
	}
}

// heldKey returns the decryption key of s with this kid.
func heldKey(s *keys.Set, kid string) (*keys.Key, bool) {
	if fit := s.DecryptionKeys(keys.Header{KeyID: []byte(kid)}); len(fit) == 1 {
		return fit[0], true
	}
	return nil, false
}
