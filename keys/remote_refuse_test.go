package keys

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"testing"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
)

// publicOnly has a public key and signs nothing.
type publicOnly struct{ pub crypto.PublicKey }

func (p publicOnly) Public() crypto.PublicKey { return p.pub }
func (publicOnly) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, io.ErrUnexpectedEOF
}

func TestFromSignerRefuses(t *testing.T) {
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))(t)
	weak := must(rsa.GenerateKey(rand.Reader, 1024))(t)
	for name, c := range map[string]struct {
		kid   string
		suite Suite
		pub   crypto.PublicKey
		want  error
	}{
		"encryption suite": {"k", ECDHES, &ec.PublicKey, ErrUnsupported},
		"no suite":         {"k", 0, &ec.PublicKey, ErrUnsupported},
		"no such suite":    {"k", 99, &ec.PublicKey, ErrUnsupported},
		"other suite":      {"k", EdDSA, &ec.PublicKey, ErrUnsupported},
		"other curve":      {"k", ES256, &p384.PublicKey, ErrUnsupported},
		"no public key":    {"k", ES256, nil, ErrUnsupported},
		"nil public key":   {"k", ES256, (*ecdsa.PublicKey)(nil), ErrUnsupported},
		"nil RSA key":      {"k", RS256, (*rsa.PublicKey)(nil), ErrUnsupported},
		"zero public key":  {"k", ES256, new(ecdsa.PublicKey), ErrUnsupported},
		"no coordinates":   {"k", ES256, &ecdsa.PublicKey{Curve: elliptic.P256()}, ErrMalformed},
		"zero RSA key":     {"k", RS256, new(rsa.PublicKey), ErrUnsupported},
		"value":            {"k", ES256, ec.PublicKey, ErrUnsupported},
		"short RSA":        {"k", PS256, &weak.PublicKey, ErrWeakKey},
		"low order":        {"k", EdDSA, ed25519.PublicKey(make([]byte, 32)), ErrWeakKey},
		"short Ed25519":    {"k", EdDSA, ed25519.PublicKey(make([]byte, 31)), ErrWeakKey},
		"kid":              {"k\n", ES256, &ec.PublicKey, ErrMalformed},
		"its own error":    {"k", ES256, &ec.PublicKey, io.ErrUnexpectedEOF},
	} {
		k, err := FromSigner(c.kid, c.suite, publicOnly{c.pub})
		if k != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, k != nil, err, c.want)
		}
	}
}

func TestFromKeyExchangerRefuses(t *testing.T) {
	p256, x25519 := generated(t, ECDHES), generated(t, ECDHESX25519)
	p384 := must(ecdh.P384().GenerateKey(rand.Reader))(t)
	low := must(ecdh.X25519().NewPublicKey(make([]byte, 32)))(t)
	for name, c := range map[string]struct {
		kid   string
		suite Suite
		pub   crypto.PublicKey
		want  error
	}{
		"signing suite":   {"k", ES256, keyOf(t, p256).pub, ErrUnsupported},
		"RSA":             {"k", RSAOAEP256, keyOf(t, p256).pub, ErrUnsupported},
		"no suite":        {"k", 0, keyOf(t, p256).pub, ErrUnsupported},
		"no such suite":   {"k", 99, keyOf(t, p256).pub, ErrUnsupported},
		"suite modulo":    {"k", ECDHES + Suite(len(suites)), keyOf(t, p256).pub, ErrUnsupported},
		"P-256 as X25519": {"k", ECDHESX25519, keyOf(t, p256).pub, ErrUnsupported},
		"X25519 as P-256": {"k", ECDHESA256KW, keyOf(t, x25519).pub, ErrUnsupported},
		"P-384":           {"k", ECDHES, p384.PublicKey(), ErrUnsupported},
		"no public key":   {"k", ECDHES, nil, ErrMalformed},
		"zero public key": {"k", ECDHES, new(ecdh.PublicKey), ErrUnsupported},
		"low order":       {"k", ECDHESX25519, low, ErrWeakKey},
		"kid":             {"\x00", ECDHES, keyOf(t, p256).pub, ErrMalformed},
		"its own error":   {"k", ECDHES, keyOf(t, p256).pub, io.ErrUnexpectedEOF},
		"an outage":       {"k", ECDHES, keyOf(t, p256).pub, ErrUnavailable},
	} {
		fails := func(*ecdh.PublicKey) ([]byte, error) { return nil, io.ErrUnexpectedEOF }
		k, err := FromKeyExchanger(c.kid, c.suite, remoteExchanger{&remote{pub: c.pub, ecdh: fails}})
		if k != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, k != nil, err, c.want)
		}
	}
}

func TestFromDecrypterRefuses(t *testing.T) {
	good := generated(t, RSAOAEP256)
	weak := must(rsa.GenerateKey(rand.Reader, 1024))(t)
	for name, c := range map[string]struct {
		kid   string
		suite Suite
		pub   crypto.PublicKey
		want  error
	}{
		"signing suite":   {"k", RS256, keyOf(t, good).pub, ErrUnsupported},
		"ECDH-ES":         {"k", ECDHES, keyOf(t, good).pub, ErrUnsupported},
		"PS256":           {"k", PS256, keyOf(t, good).pub, ErrUnsupported},
		"OAEP on P-256":   {"k", RSAOAEP, generated(t, ES256).Public(), ErrUnsupported},
		"no suite":        {"k", 0, keyOf(t, good).pub, ErrUnsupported},
		"no such suite":   {"k", 99, keyOf(t, good).pub, ErrUnsupported},
		"suite modulo":    {"k", RSAOAEP256 + Suite(len(suites)), keyOf(t, good).pub, ErrUnsupported},
		"no public key":   {"k", RSAOAEP256, nil, ErrUnsupported},
		"nil public key":  {"k", RSAOAEP256, (*rsa.PublicKey)(nil), ErrUnsupported},
		"zero public key": {"k", RSAOAEP256, new(rsa.PublicKey), ErrUnsupported},
		"P-256":           {"k", RSAOAEP256, generated(t, ES256).Public(), ErrUnsupported},
		"short":           {"k", RSAOAEP256, &weak.PublicKey, ErrWeakKey},
		"kid":             {"k\n", RSAOAEP256, keyOf(t, good).pub, ErrMalformed},
		"its own error":   {"k", RSAOAEP256, keyOf(t, good).pub, io.ErrUnexpectedEOF},
	} {
		fails := func([]byte, crypto.DecrypterOpts) ([]byte, error) { return nil, io.ErrUnexpectedEOF }
		k, err := FromDecrypter(c.kid, c.suite, &remote{pub: c.pub, decrypt: fails})
		if k != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, k != nil, err, c.want)
		}
	}
}

// A constructor refuses a nil handle, so that not the first request has to fail.
func TestFromNil(t *testing.T) {
	for name, f := range map[string]func() (*Key, error){
		"nil signer":          func() (*Key, error) { return FromSigner("k", ES256, nil) },
		"typed nil signer":    func() (*Key, error) { return FromSigner("k", ES256, (*ecdsa.PrivateKey)(nil)) },
		"nil exchanger":       func() (*Key, error) { return FromKeyExchanger("k", ECDHES, nil) },
		"typed nil exchanger": func() (*Key, error) { return FromKeyExchanger("k", ECDHES, (*ecdh.PrivateKey)(nil)) },
		"nil decrypter":       func() (*Key, error) { return FromDecrypter("k", RSAOAEP256, nil) },
		"typed nil decrypter": func() (*Key, error) { return FromDecrypter("k", RSAOAEP256, (*rsa.PrivateKey)(nil)) },
	} {
		if k, err := f(); k != nil || !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v, %v", name, k != nil, err)
		}
	}
	// The Public method of this handle panics.
	if k, err := FromSigner("k", EdDSA, ed25519.PrivateKey(nil)); k != nil || !errors.Is(err, ErrUnavailable) {
		t.Errorf("a nil slice: %v, %v", k != nil, err)
	}
}

// If a handle works with another private key than its public key says, the constructor refuses it.
func TestFromRemoteWithAnotherKey(t *testing.T) {
	for _, suite := range allSuites {
		if suite.kind() == jwk.RSA {
			continue // it takes a second to make another RSA key
		}
		r := keyOf(t, generated(t, suite))
		r.pub = keyOf(t, generated(t, suite)).pub
		if k, err := fromRemote("k", suite, r); k != nil || !errors.Is(err, ErrMalformed) {
			t.Errorf("%v: %v, %v", suite, k != nil, err)
		}
	}
	good := generated(t, RSAOAEP256).priv.(*rsa.PrivateKey)
	wrong := func(data []byte) func([]byte, crypto.DecrypterOpts) ([]byte, error) {
		return func([]byte, crypto.DecrypterOpts) ([]byte, error) { return data, nil }
	}
	for _, suite := range oaepSuites {
		for _, data := range [][]byte{nil, {}, make([]byte, 32), make([]byte, 16)} {
			if k, err := FromDecrypter("k", suite, &remote{pub: good.Public(), decrypt: wrong(data)}); k != nil || !errors.Is(err, ErrMalformed) {
				t.Errorf("%v, a decrypter that gives %d bytes: %v, %v", suite, len(data), k != nil, err)
			}
		}
	}
	// Some KMS use SHA-256 for every OAEP, and some use SHA-1.
	for asked, hash := range map[Suite]crypto.Hash{RSAOAEP256: crypto.SHA1, RSAOAEP: crypto.SHA256} {
		decrypt := func(encrypted []byte, _ crypto.DecrypterOpts) ([]byte, error) {
			return good.Decrypt(nil, encrypted, &rsa.OAEPOptions{Hash: hash})
		}
		if k, err := FromDecrypter("k", asked, &remote{pub: good.Public(), decrypt: decrypt}); k != nil || err == nil {
			t.Errorf("%v from a decrypter with %v: %v", asked, hash, err)
		}
	}
	sign := func([]byte, crypto.SignerOpts) ([]byte, error) { return make([]byte, 256), nil }
	for _, suite := range []Suite{RS256, PS256} {
		if k, err := FromSigner("k", suite, &remote{pub: good.Public(), sign: sign}); k != nil || !errors.Is(err, ErrMalformed) {
			t.Errorf("%v: %v, %v", suite, k != nil, err)
		}
	}
	// The signer is asked for RS256 and answers with PSS: the signature is sound, and of another
	// algorithm.
	pss := func(digest []byte, _ crypto.SignerOpts) ([]byte, error) {
		return good.Sign(rand.Reader, digest, pssSignature{}.options())
	}
	if k, err := FromSigner("k", RS256, &remote{pub: good.Public(), sign: pss}); k != nil || !errors.Is(err, ErrMalformed) {
		t.Errorf("PSS for RS256: %v, %v", k != nil, err)
	}
}
