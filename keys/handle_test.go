package keys

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"testing"
)

// A handle does the one algorithm of its key and no other that the key could do.
func TestHandlesDoOneAlgorithm(t *testing.T) {
	digest := make([]byte, 32)
	pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	good := map[Suite]crypto.SignerOpts{ES256: crypto.SHA256, EdDSA: crypto.Hash(0), RS256: crypto.SHA256, PS256: pss}
	bad := map[Suite][]crypto.SignerOpts{
		ES256: {nil, crypto.Hash(0), crypto.SHA512, pss},
		EdDSA: {nil, crypto.SHA512, pss},
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
	for _, o := range []crypto.DecrypterOpts{
		nil, &rsa.PKCS1v15DecryptOptions{}, &rsa.OAEPOptions{Hash: crypto.SHA1}, &rsa.OAEPOptions{Hash: crypto.SHA256, MGFHash: crypto.SHA1},
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
