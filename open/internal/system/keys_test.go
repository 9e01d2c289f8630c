package system_test

import (
	"context"
	"crypto"
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
	"slices"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/keys/ringmove"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open/internal/forge"
)

// canaryBytes returns 32 bytes that occur nowhere else. They are the same in every run.
func canaryBytes(label string) []byte {
	sum := sha256.Sum256([]byte("canary " + label))
	return sum[:]
}

// canaryKeys are private keys. The finder knows their secret numbers.
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
	hashed := must(os.ReadFile("../../../testdata/keys/rsa.pem"))
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

// keySamples returns samples of the types of package keys and of the stores.
func keySamples(t testing.TB, f finder, c canaryKeys) (samples []sample) {
	t.Helper()
	add := func(s ...sample) { samples = append(samples, s...) }
	for _, k := range c.all() {
		alg := k.Suite.Alg()
		elsewhere := keyElsewhere(k)
		add(sampleOf(alg, k.Held), sampleOf(alg, *k.Held), sampleOf[crypto.PublicKey](alg+" public", k.Held.Public()))
		add(sampleOf(alg+" elsewhere", elsewhere), sampleOf(alg+" elsewhere", *elsewhere))
		if k.Held.Use() == keys.UseEnc {
			add(messageSamples(t, f, k.Held, k.Signer())...)
		}
	}
	cfg := keytest.SetConfig(c.es256.Held, c.eddsa.Held, c.ecdhES.Held, c.ecdhESA256KW.Held, c.rsaES.Held)
	cfg.Stale = keys.ErrStale
	add(sampleOf("", cfg), sampleOf("stale", must(keys.NewSet(cfg))))
	set := keytest.NewSet(c.es256.Held, c.eddsa.Held, c.ecdhES.Held, c.ecdhESA256KW.Held, c.rsaES.Held)
	public := must(set.PublicKeys(t.Context(), ""))
	add(sampleOf("", set), sampleOf("value", *set), sampleOf[keys.PrivateSource]("a set", set), sampleOf[keys.PublicSource]("a set", set),
		sampleOf("", public), sampleOf("value", *public), sampleOf[keys.PublicSource]("a public set", public))
	add(kekSamples(t, f, c)...)
	return append(samples, smallKeySamples()...)
}

// keyElsewhere returns the key as one that the library does not hold.
func keyElsewhere(k *testKey) *keys.Key {
	switch k.Suite {
	case keys.ECDHES, keys.ECDHESA256KW:
		return must(keys.FromKeyExchanger("elsewhere", k.Suite, must(k.Signer().(*ecdsa.PrivateKey).ECDH())))
	case keys.RSAOAEP256, keys.RSAOAEP:
		return must(keys.FromDecrypter("elsewhere", k.Suite, k.Signer().(*rsa.PrivateKey)))
	}
	return must(keys.FromSigner("elsewhere", k.Suite, k.Signer()))
}

// messageSamples returns samples of the types that encrypt and decrypt one message. Their secret is
// the content encryption key, which the test learns through an RSA key.
func messageSamples(t testing.TB, f finder, k *keys.Key, private crypto.Signer) (samples []sample) {
	t.Helper()
	for _, content := range []keys.Content{keys.A256GCM, keys.A256CBCHS512} {
		label := fmt.Sprintf("%v of %s, %v", k.Suite(), k.ID(), content)
		sender := must(k.NewSender(content))
		header := must(keys.ReadHeader(must(strict.ParseObject(append(sender.AppendHeader([]byte("{")), '}')))))
		parts := sender.Seal(nil, []byte("aad"), canaryBytes("plaintext"))
		if rsaKey, ok := private.(*rsa.PrivateKey); ok {
			f.addBytes(must(rsa.DecryptOAEP(forge.OAEPHashes[k.Suite().Alg()].New(), nil, rsaKey, parts[0], nil)))
		}
		recipient := must(k.NewRecipient(t.Context(), header, parts))
		samples = append(samples, sampleOf(label, sender), sampleOf(label, recipient))
		if content == keys.A256GCM {
			samples = append(samples, sampleOf(label, header))
		}
	}
	return samples
}

// kekSamples returns samples of KEKs, of rings that hold the keys, and of their stores.
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
	memory, onDisk := keyring.NewMemStore(), filestore.New(filepath.Join(t.TempDir(), "ring"))
	rings := []struct {
		name  string
		kek   keyring.KEK
		store keyring.Store
	}{
		{"raw", must(keyring.NewKEK(raw)), memory},
		{"file", must(keyring.KEKFile(path)), onDisk},
		{"passphrase", must(keyring.PassphraseKEK(phrase)), keyring.NewMemStore()},
	}
	for _, r := range rings {
		ring := must(keyring.Create(ctx, keyring.Config{Store: r.store, KEK: r.kek}))
		for _, k := range c.all()[:5] { // one RSA key is enough, because a ring imports a key for one use
			if err := k.ImportInto(ctx, ring, keyring.Staged); err != nil {
				t.Fatal(err)
			}
		}
		ringKey := slices.Concat(canaryBytes("ring key"), canaryBytes("ring key, second half"))
		f.addBytes(ringKey)
		samples = append(samples, sampleOf(r.name, must(r.kek.Wrap(ctx, ringKey))))
		set := must(ring.PrivateKeys(ctx))
		samples = append(samples, sampleOf(r.name, r.kek), sampleOf[any](r.name+" KEK", r.kek), sampleOf(r.name, ring), sampleOf("of a ring, "+r.name, set),
			sampleOf(r.name, r.store), sampleOf[any](r.name+" store", r.store), sampleOf("of a ring", must(ring.PublicKeys(ctx, ""))),
			sampleOf[keys.PrivateSource]("a ring", ring), sampleOf[keys.PublicSource]("a ring", ring),
			sampleOf("", ring.Checkpoint()), sampleOf("", must(ring.Policy(ctx))))
		if doc, _, err := r.store.Load(ctx); err != nil || f.find(string(doc)) != "" {
			t.Errorf("%s: the document at rest holds a secret, or %v", r.name, err)
		}
		samples = append(samples, sampleOf("", must(ring.Keys(ctx))), sampleOf("", must(ring.Log(ctx))))
	}
	return append(samples, sampleOf[keyring.Watcher]("a store", watchedStore{memory}), sampleOf("a place", ringmove.Place{Name: "ring", Store: memory}), sampleOf("", onDisk), sampleOf("", filestore.NewMemory("ring", filepath.Join(t.TempDir(), "kek.seen"))))
}

// smallKeySamples returns samples of types without room for a secret. They are here so that a later
// field is searched too.
func smallKeySamples() []sample {
	policy := keyring.Policy{TokenLifetime: time.Hour, Sig: keyring.UsePolicy{Suites: []keys.Suite{keys.ES256}, Period: time.Hour}}
	return []sample{
		sampleOf("", keyring.Stage), sampleOf("", keys.A256GCM), sampleOf("", keys.ES256), sampleOf("", keys.UseSig), sampleOf("", keyring.Active),
		sampleOf("", keys.Hint{Use: keys.UseSig, Suite: keys.ES256}), sampleOf[keyring.Memory]("", seen{Generation: 1}),
		sampleOf("", policy.Sig), sampleOf("", policy.Windows()), sampleOf("", keyring.Config{Policy: policy}),
		sampleOf("", keyring.Revocation{KeyID: "kid", Reason: "superseded"}), sampleOf("", keyring.Step{Action: keyring.Stage, KeyID: "kid"}),
		sampleOf("", &keyring.WindowError{KeyID: "kid", Until: time.Unix(0, 0)}),
		sampleOf("", &ringmove.Error{To: "postgres:idp", From: "ring"}),
		sampleOf("", keys.SkippedKey{Index: 1, KeyID: "kid", Reason: fmt.Errorf("%w: RSA", keys.ErrWeakKey)}),
	}
}

// watchedStore is a store that tells when its document may have changed.
type watchedStore struct{ keyring.Store }

func (watchedStore) Watch(ctx context.Context, _ func(changed bool)) error {
	<-ctx.Done()
	return ctx.Err()
}
