package keys_test

import (
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
)

// The first private signing key of a test's set signs, every signing key verifies, every
// private encryption key decrypts, and the first encryption key is published.
func TestKeytestSet(t *testing.T) {
	sig, ed, enc, enc2 := keytest.NewKey(keys.ES256), keytest.NewKey(keys.EdDSA), keytest.NewKey(keys.ECDHES), keytest.NewKey(keys.ECDHESX25519)
	other, err := keytest.NewSet(keytest.NewKey(keys.ES256)).PublicKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	public := other.Keys()[0]
	set := keytest.NewSet(public, sig, ed, enc, enc2)
	if k, err := set.SigningKey(); err != nil || k != sig {
		t.Errorf("another key signs: %v", err)
	}
	for _, k := range []*keys.Key{enc, enc2} {
		if got, ok := set.DecryptionKey(k.ID()); !ok || got != k {
			t.Errorf("%v does not open", k.Suite())
		}
	}
	p, err := set.PublicKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []*keys.Key{public, sig, ed} {
		if _, err := p.VerificationKey(k.ID(), k.Suite().Alg()); err != nil {
			t.Error(err)
		}
	}
	if k, err := p.EncryptionKey(); err != nil || k.ID() != enc.ID() || len(p.Keys()) != 4 {
		t.Errorf("publishes another than the first encryption key: %v", err)
	}
}

// The ring of a test has the uses and the suites that it was asked for.
func TestKeytestRing(t *testing.T) {
	for _, suites := range [][]keys.Suite{{}, {keys.EdDSA}, {keys.ECDHESX25519}, {keys.EdDSA, keys.ECDHESA256KW}} {
		want := append([]keys.Suite(nil), suites...)
		if len(want) == 0 {
			want = []keys.Suite{keys.ES256, keys.ECDHES}
		}
		set, err := keytest.NewRing(suites...).PrivateKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if k, err := set.SigningKey(); (err == nil) != (want[0].Use() == keys.UseSig) || err == nil && k.Suite() != want[0] {
			t.Errorf("%v: signs with %v, %v", suites, k, err)
		}
		last := want[len(want)-1]
		if k, ok := set.OnlyDecryptionKey(last.Alg()); ok != (last.Use() == keys.UseEnc) || ok && k.Suite() != last {
			t.Errorf("%v: opens %v", suites, ok)
		}
	}
}
