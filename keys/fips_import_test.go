package keys_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// enforced skips the test unless the process runs with GODEBUG=fips140=only. Then every algorithm
// that FIPS 140-3 does not approve is an error or a panic.
func enforced(t *testing.T) {
	t.Helper()
	if !fips140.Enforced() {
		t.Skip("GODEBUG=fips140=only is not set")
	}
	// This proves that the mode is on: most implementations of JWE decrypt in this way.
	block, err := aes.NewCipher(make([]byte, 32))
	fipsNo(t, err)
	if _, err := cipher.NewGCM(block); err == nil {
		t.Fatal("GCM with nonces of the caller's choice works in this mode")
	}
}

// fipsNo ends the test on an error.
func fipsNo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Keys of other tools are read in the mode as they are without it, and the same keys are refused.
// X25519 keys are refused because the mode does not allow them.
func TestFIPSImport(t *testing.T) {
	enforced(t)
	for file, c := range map[string]struct {
		as   keys.Hint
		want error
	}{
		"ed25519.pem": {keys.Hint{Suite: keys.EdDSA}, nil}, "ed25519-public.pem": {keys.Hint{Suite: keys.EdDSA}, nil},
		"p256.pem": {keys.Hint{Suite: keys.ES256}, nil}, "p256-pkcs8.pem": {keys.Hint{Suite: keys.ECDHES}, nil}, "p256-public.pem": {keys.Hint{Suite: keys.ECDHESA256KW}, nil},
		"rsa.pem": {keys.Hint{Suite: keys.RS256}, nil}, "rsa-pkcs1.pem": {keys.Hint{Suite: keys.PS256}, nil},
		"rsa-public.pem": {keys.Hint{Suite: keys.RSAOAEP256}, nil}, "rsa-public-pkcs1.pem": {keys.Hint{Suite: keys.RS256}, nil},
		"rsa-1024-public.pem": {keys.Hint{Suite: keys.RS256}, keys.ErrWeakKey}, "rsa-e3-public.pem": {keys.Hint{Suite: keys.RS256}, keys.ErrWeakKey},
		"rsa-4104-public.pem": {keys.Hint{Suite: keys.RS256}, keys.ErrWeakKey}, "rsa-roca.jwk": {keys.Hint{}, keys.ErrWeakKey},
		"rsa-3primes.pem": {keys.Hint{Suite: keys.RS256}, keys.ErrUnsupported}, "p384.pem": {keys.Hint{Use: keys.UseSig}, keys.ErrUnsupported},
		"x25519.pem": {keys.Hint{}, keys.ErrUnsupported}, "x25519-public.pem": {keys.Hint{}, keys.ErrUnsupported}, "x25519.jwk": {keys.Hint{}, keys.ErrUnsupported},
	} {
		data, err := os.ReadFile(filepath.Join("../testdata/keys", file))
		fipsNo(t, err)
		if k, err := keys.ParseKey(data, c.as); !errors.Is(err, c.want) || (k == nil) != (c.want != nil) {
			t.Errorf("%s: %v, want %v", file, err, c.want)
		}
	}
	// RFC 7638 section 3.1: the thumbprint of a JWK.
	k, err := keys.ParseKey([]byte(`{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`), keys.Hint{})
	if err != nil || k.Thumbprint() != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("thumbprint: %v", err)
	}
}

// X25519 does not work. A caller that asks for such a key learns what to use instead. A JWK Set
// with such a key is read without it.
func TestFIPSX25519(t *testing.T) {
	enforced(t)
	var jwk []byte
	fips140.WithoutEnforcement(func() {
		k, err := keys.GenerateKey(keys.ECDHESX25519)
		fipsNo(t, err)
		public, err := keytest.NewSet(k).PublicKeys(t.Context(), "")
		fipsNo(t, err)
		jwk, err = public.MarshalJSON()
		fipsNo(t, err)
	})
	_, generated := keys.GenerateKey(keys.ECDHESA256KWX25519)
	kek, err := keyring.NewKEK(make([]byte, 32))
	fipsNo(t, err)
	_, created := keyring.Create(t.Context(), keyring.Config{
		Store: keyring.NewMemStore(), KEK: kek, Policy: keyring.Policy{Enc: keyring.UsePolicy{Suites: []keys.Suite{keys.ECDHESX25519}}},
	})
	read, err := keys.ParsePublicSet(jwk)
	fipsNo(t, err)
	if len(read.Keys()) != 0 || len(read.Skipped()) != 1 {
		t.Fatalf("a set of one such key is read as %d keys", len(read.Keys()))
	}
	for what, err := range map[string]error{"generate": generated, "create": created, "read": read.Skipped()[0].Reason} {
		if !errors.Is(err, keys.ErrUnsupported) || !strings.Contains(err.Error(), "fips140=only") || !strings.Contains(err.Error(), "P-256") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// RSA-OAEP does not work, because its hash is SHA-1. The mode refuses an RSA key if a JWK, a PEM
// file with a hint, a ring or a decrypter gives it this suite. It also refuses to seal or open with
// a key that was made outside of the mode. Each text says what to use instead.
func TestFIPSOAEP(t *testing.T) {
	enforced(t)
	private, err := os.ReadFile("../testdata/keys/rsa.pem")
	fipsNo(t, err)
	var made *keys.Key
	var jwk []byte
	var h keys.Header
	var parts [4][]byte
	fips140.WithoutEnforcement(func() {
		made, err = keys.ParseKey(private, keys.Hint{Suite: keys.RSAOAEP})
		fipsNo(t, err)
		public, err := keytest.NewSet(made).PublicKeys(t.Context(), "")
		fipsNo(t, err)
		jwk, err = public.MarshalJSON()
		fipsNo(t, err)
		sender, err := made.NewSender(keys.A256GCM)
		fipsNo(t, err)
		parts = sender.Seal(nil, []byte("aad"), []byte("plaintext"))
		members, err := strict.ParseObject(append(sender.AppendHeader([]byte("{")), '}'))
		fipsNo(t, err)
		h, err = keys.ReadHeader(members)
		fipsNo(t, err)
	})
	_, generated := keys.GenerateKey(keys.RSAOAEP)
	_, parsed := keys.ParseKey(private, keys.Hint{Suite: keys.RSAOAEP})
	block, _ := pem.Decode(private)
	decrypter, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	fipsNo(t, err)
	_, elsewhere := keys.FromDecrypter("k", keys.RSAOAEP, decrypter.(*rsa.PrivateKey))
	_, sends := made.NewSender(keys.A256GCM)
	_, receives := made.NewRecipient(t.Context(), h, parts)
	kek, err := keyring.NewKEK(make([]byte, 32))
	fipsNo(t, err)
	_, created := keyring.Create(t.Context(), keyring.Config{
		Store: keyring.NewMemStore(), KEK: kek, Policy: keyring.Policy{Enc: keyring.UsePolicy{Suites: []keys.Suite{keys.RSAOAEP}}},
	})
	read, err := keys.ParsePublicSet(jwk)
	fipsNo(t, err)
	if len(read.Keys()) != 0 || len(read.Skipped()) != 1 {
		t.Fatalf("a set of one such key is read as %d keys", len(read.Keys()))
	}
	open, err := keys.ParsePublicSet(bytes.Replace(jwk, []byte(`"alg":"RSA-OAEP",`), nil, 1))
	fipsNo(t, err)
	_, chosen := open.EncryptionKey(keys.RSAOAEP)
	if k, err := open.EncryptionKey(keys.RSAOAEP, keys.RSAOAEP256); err != nil || k.Suite() != keys.RSAOAEP256 {
		t.Errorf("the next suite: %v", err)
	}
	for what, err := range map[string]error{
		"choose": chosen, "generate": generated, "parse": parsed, "decrypter": elsewhere, "seal": sends, "open": receives, "create": created, "read": read.Skipped()[0].Reason,
	} {
		if !errors.Is(err, keys.ErrUnsupported) || !strings.Contains(err.Error(), "fips140=only does not allow SHA-1") || !strings.Contains(err.Error(), "use RSA-OAEP-256") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Some sound RSA keys do not work, because the mode refuses them. They can be read, so that a ring
// with such a key still opens. Their use fails with an error, and not with a panic.
func TestFIPSRefused(t *testing.T) {
	enforced(t)
	for name, primes := range map[string][2]int{"odd length": {1025, 1024}, "primes of different lengths": {1100, 948}} {
		var der []byte
		fips140.WithoutEnforcement(func() { der = fipsRSA(t, primes) })
		text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der})
		k, err := keys.ParseKey(text, keys.Hint{Suite: keys.RS256})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		sign := func() error {
			_, err := k.Sign(t.Context(), []byte("message"))
			return err
		}
		if sign() == nil {
			t.Errorf("%s: it signs", name)
		}
		fips140.WithoutEnforcement(func() {
			if err := sign(); err != nil {
				t.Errorf("%s: nor does it sign elsewhere: %v", name, err)
			}
		})
	}
}

// fipsRSA returns a key of two primes of these lengths, in PKCS #1. The mode makes no such key, but
// a user may import one.
func fipsRSA(t *testing.T, lengths [2]int) []byte {
	t.Helper()
	for {
		p, err := rand.Prime(rand.Reader, lengths[0])
		fipsNo(t, err)
		q, err := rand.Prime(rand.Reader, lengths[1])
		fipsNo(t, err)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, big.NewInt(1)), new(big.Int).Sub(q, big.NewInt(1)))
		k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, Primes: []*big.Int{p, q}}
		if k.D = new(big.Int).ModInverse(big.NewInt(65537), phi); k.D != nil {
			k.Precompute()
			return x509.MarshalPKCS1PrivateKey(k)
		}
	}
}
