package keys

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"testing"
)

// A handle does the one algorithm of its key and no other that the key could do.
func TestHandlesDoOneAlgorithm(t *testing.T) {
	digest := make([]byte, 32)
	pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	good := map[Suite]crypto.SignerOpts{ES256: crypto.SHA256, EdDSA: crypto.Hash(0), RS256: crypto.SHA256, PS256: pss}
	bad := map[Suite][]crypto.SignerOpts{
		ES256: {nil, crypto.Hash(0), crypto.SHA512, pss},
		EdDSA: {nil, crypto.SHA512, pss, &ed25519.Options{Context: "other"}},
		RS256: {nil, crypto.Hash(0), crypto.SHA512, pss},
		PS256: {nil, crypto.SHA256, &rsa.PSSOptions{SaltLength: 0, Hash: crypto.SHA256}, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}},
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for suite, options := range good {
		k := handleKey(t, suite, rsaKey)
		if _, err := k.Signer().Sign(rand.Reader, digest, options); err != nil {
			t.Errorf("%v: %v", suite, err)
		}
		for _, o := range bad[suite] {
			if _, err := k.Signer().Sign(rand.Reader, digest, o); !errors.Is(err, ErrUnsupported) {
				t.Errorf("%v signs with %#v: %v", suite, o, err)
			}
		}
	}
	k := handleKey(t, RSAOAEP256, rsaKey)
	//lint:ignore SA1019 that it is dangerous is why it is here
	pkcs1v15 := &rsa.PKCS1v15DecryptOptions{}
	for _, o := range []crypto.DecrypterOpts{
		nil, pkcs1v15, &rsa.OAEPOptions{Hash: crypto.SHA1}, &rsa.OAEPOptions{Hash: crypto.SHA256, MGFHash: crypto.SHA1},
	} {
		if _, err := k.Decrypter().Decrypt(rand.Reader, make([]byte, 256), o); !errors.Is(err, ErrUnsupported) {
			t.Errorf("decrypts with %#v: %v", o, err)
		}
	}
}

func handleKey(t *testing.T, s Suite, rsaKey *rsa.PrivateKey) *Key {
	t.Helper()
	var k *Key
	var err error
	if s.kind() == kindRSA {
		k, err = newPrivateKey("", s, rsaKey)
	} else {
		k, err = Generate(s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestNilArguments(t *testing.T) {
	if _, err := FromSigner("kid", ES256, nil); !errors.Is(err, ErrUnsupported) {
		t.Errorf("nil signer: %v", err)
	}
	if _, err := Create(t.Context(), MemStore(), nil, RingConfig{}); !errors.Is(err, ErrKEK) {
		t.Errorf("nil KEK: %v", err)
	}
	ring := newRing(t, MemStore(), newClock())
	if err := errors.Join(ring.Import(t.Context(), nil, Staged), ring.ImportInsecurely(t.Context(), nil)); !errors.Is(err, ErrNoKey) {
		t.Errorf("nil key: %v", err)
	}
}

// A token without a kid can only have been sealed to a key that was published.
func TestOnlyDecryptionKeyLeavesOutStaged(t *testing.T) {
	ring := newRing(t, MemStore(), newClock())
	k, ok := must(ring.Private(t.Context()))(t).OnlyDecryptionKey("ECDH-ES")
	if !ok || k.ID() != activeID(ring, UseEnc) {
		t.Errorf("%v, %t", k, ok)
	}
}

// A secret in the place of a public key set is called a secret, whatever its form.
func TestParsePublicSetTellsSecrets(t *testing.T) {
	k := generated(t, ES256)
	private := must(k.private())(t)
	for name, data := range map[string][]byte{
		"a private JWK": private,
		"a PEM key":     []byte("-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n"),
		"an EC PEM key": []byte("-----BEGIN EC PRIVATE KEY-----\nMC4=\n-----END EC PRIVATE KEY-----\n"),
	} {
		if _, err := ParsePublicSet(data); !errors.Is(err, ErrPrivateKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHugeExponentIsWeak(t *testing.T) {
	n := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 2047), big.NewInt(1234567))
	if err := checkRSA(&rsa.PublicKey{N: n, E: 1<<31 + 1}); !errors.Is(err, ErrWeakKey) {
		t.Errorf("%v", err)
	}
}
