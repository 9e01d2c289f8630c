package open_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
)

// canaryBytes are 32 bytes that stand nowhere else, the same in every run.
func canaryBytes(label string) []byte {
	sum := sha256.Sum256([]byte("canary " + label))
	return sum[:]
}

// canaryKeys are private keys whose secret numbers are known to f.
type canaryKeys struct {
	es256, eddsa, ps256         *testKey
	ecdhES, ecdhESA256KW, rsaES *testKey
}

func newCanaryKeys(t testing.TB, f finder) canaryKeys {
	t.Helper()
	p256 := func(suite keys.Suite) *testKey {
		d := canaryBytes(suite.Alg())
		f.addNumber(d)
		return newTestKey(suite, "kid-of-canary-"+suite.Alg(), must(ecdsa.ParseRawPrivateKey(elliptic.P256(), d)))
	}
	seed := canaryBytes("EdDSA")
	f.addNumber(seed)
	hashed := must(os.ReadFile("../testdata/keys/rsa.pem"))
	block, _ := pem.Decode(hashed)
	rsaKey := must(x509.ParsePKCS8PrivateKey(block.Bytes)).(*rsa.PrivateKey)
	p := rsaKey.Precomputed
	for _, secret := range append([][]byte{rsaKey.D.Bytes(), p.Dp.Bytes(), p.Dq.Bytes(), p.Qinv.Bytes()}, rsaKey.Primes[0].Bytes(), rsaKey.Primes[1].Bytes()) {
		f.addNumber(secret)
	}
	return canaryKeys{
		es256: p256(keys.ES256), ecdhES: p256(keys.ECDHES), ecdhESA256KW: p256(keys.ECDHESA256KW),
		eddsa: newTestKey(keys.EdDSA, "kid-of-canary-EdDSA", ed25519.NewKeyFromSeed(seed)),
		ps256: newTestKey(keys.PS256, "kid-of-canary-PS256", rsaKey),
		rsaES: newTestKey(keys.RSAOAEP256, "kid-of-canary-RSA", rsaKey),
	}
}

func (c canaryKeys) all() []*testKey {
	return []*testKey{c.es256, c.eddsa, c.ps256, c.ecdhES, c.ecdhESA256KW, c.rsaES}
}

// keySamples are samples of the types of package keys and of the stores.
func keySamples(t testing.TB, f finder, c canaryKeys) (samples []sample) {
	t.Helper()
	add := func(s ...sample) { samples = append(samples, s...) }
	for _, k := range c.all() {
		alg := k.suite.Alg()
		add(sampleOf(alg, k.key), sampleOf(alg, *k.key), sampleOf[crypto.PublicKey](alg+" public", k.key.Public()))
		if s := k.key.Signer(); s != nil {
			add(sampleOf[crypto.Signer](alg, s), sampleOf[any](alg, s))
			elsewhere := must(keys.FromSigner("elsewhere", k.suite, k.private))
			add(sampleOf(alg+" elsewhere", elsewhere), sampleOf[crypto.Signer](alg+" elsewhere", elsewhere.Signer()))
		}
		if x := k.key.KeyExchanger(); x != nil {
			add(sampleOf[ecdh.KeyExchanger](alg, x), sampleOf[any](alg, x))
		}
		if d := k.key.Decrypter(); d != nil {
			add(sampleOf[crypto.Decrypter](alg, d), sampleOf[any](alg, d))
		}
	}
	set := must(keys.NewSet(c.es256.key, c.eddsa.key, c.ecdhES.key, c.ecdhESA256KW.key, c.rsaES.key))
	public := must(set.Public(t.Context(), ""))
	add(sampleOf("", set), sampleOf("value", *set), sampleOf[keys.PrivateSource]("a set", set), sampleOf[keys.PublicSource]("a set", set),
		sampleOf("", public), sampleOf("value", *public), sampleOf[keys.PublicSource]("a public set", public))
	add(kekSamples(t, f, c)...)
	return append(samples, smallKeySamples()...)
}

// kekSamples are those of KEKs, rings that hold the keys, and their stores.
func kekSamples(t testing.TB, f finder, c canaryKeys) (samples []sample) {
	t.Helper()
	ctx := t.Context()
	raw, file, phrase := canaryBytes("KEK"), canaryBytes("key file"), []byte("a canary sings the cassowary to sleep")
	for _, secret := range [][]byte{raw, file, phrase} {
		f.addBytes(secret)
	}
	path := filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	memory, onDisk := keys.MemStore(), filestore.New(filepath.Join(t.TempDir(), "ring"))
	rings := []struct {
		name  string
		kek   keys.KEK
		store keys.Store
	}{
		{"raw", must(keys.RawKey(raw)), memory},
		{"file", must(keys.KeyFile(path)), onDisk},
		{"passphrase", must(keys.Passphrase(phrase)), keys.MemStore()},
	}
	for _, r := range rings {
		ring := must(keys.Create(ctx, r.store, r.kek, keys.RingConfig{}))
		for _, k := range c.all()[:5] { // one RSA key is enough: a ring takes a key for one use
			if err := ring.Import(ctx, k.key, keys.Staged); err != nil {
				t.Fatal(err)
			}
		}
		set := must(ring.Private(ctx))
		samples = append(samples, sampleOf(r.name, r.kek), sampleOf[any](r.name+" KEK", r.kek), sampleOf(r.name, ring), sampleOf("of a ring, "+r.name, set),
			sampleOf(r.name, r.store), sampleOf[any](r.name+" store", r.store), sampleOf("of a ring", must(ring.Public(ctx, ""))),
			sampleOf[keys.PrivateSource]("a ring", ring), sampleOf[keys.PublicSource]("a ring", ring), sampleOf[keys.Reloader]("a ring", ring),
			sampleOf("", ring.Seen()), sampleOf("", must(ring.Policy(ctx))))
		if doc, _, err := r.store.Load(ctx); err != nil || f.find(string(doc)) != "" {
			t.Errorf("%s: the document at rest holds a secret, or %v", r.name, err)
		}
		samples = append(samples, sampleOf("", must(ring.Keys(ctx))), sampleOf("", must(ring.Log(ctx))))
	}
	return append(samples, sampleOf("", onDisk))
}

// smallKeySamples have no room for a secret, and are here so that a field that is
// added is looked at.
func smallKeySamples() []sample {
	policy := keys.DefaultPolicy()
	return []sample{
		sampleOf("", keys.Stage), sampleOf("", keys.A256GCM), sampleOf("", keys.ES256), sampleOf("", keys.UseSig), sampleOf("", keys.Active),
		sampleOf("", keys.As{Use: keys.UseSig, Suite: keys.ES256}), sampleOf("", keys.Force{Use: keys.UseEnc}),
		sampleOf("", policy.Sig), sampleOf("", policy.Windows()), sampleOf("", keys.RingConfig{Policy: policy}),
		sampleOf("", keys.Revocation{KeyID: "kid", Reason: "superseded"}), sampleOf("", keys.Step{Action: keys.Stage, KeyID: "kid"}),
		sampleOf("", &keys.WindowError{KeyID: "kid", Until: time.Unix(0, 0)}),
		sampleOf("", keys.Skipped{Index: 1, KeyID: "kid", Reason: fmt.Errorf("%w: RSA", keys.ErrWeakKey)}),
	}
}
