package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/strict"
)

func TestGenerate(t *testing.T) {
	for _, suite := range allSuites {
		if suite.kind() == kindRSA && (suite != RSAOAEP256 || testing.Short()) {
			continue // one is enough: they take a second each
		}
		k := must(Generate(suite))(t)
		if k.Suite() != suite || k.Use() != suite.Use() || !k.HasPrivate() {
			t.Errorf("%v: suite %v, use %v, private %v", suite, k.Suite(), k.Use(), k.HasPrivate())
		}
		checkGeneratedID(t, k)
		checkHandles(t, k)
		if p, ok := k.Public().(*rsa.PublicKey); ok && p.N.BitLen() != 3072 {
			t.Errorf("%v: %d bits", suite, p.N.BitLen())
		}
	}
}

// Of two thumbprints in 64 one starts with a character that no kid starts with.
func TestGeneratedIDs(t *testing.T) {
	seen := make(map[string]bool)
	for range 500 {
		k := must(Generate(EdDSA))(t)
		checkGeneratedID(t, k)
		if seen[k.ID()] {
			t.Fatalf("kid %s twice", k.ID())
		}
		seen[k.ID()] = true
	}
}

func checkGeneratedID(t *testing.T, k *Key) {
	t.Helper()
	if want := k.Thumbprint()[:16]; k.ID() != want || strings.ContainsAny(want[:1], "-_") {
		t.Errorf("kid %s of thumbprint %s", k.ID(), k.Thumbprint())
	}
}

// A key from elsewhere that has no kid gets one in the same way, except that its
// thumbprint cannot be drawn again.
func TestDerivedID(t *testing.T) {
	for {
		_, priv, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		k := must(newPrivateKey("", EdDSA, priv))(t)
		if first := k.Thumbprint()[0]; first != '-' && first != '_' {
			continue
		}
		want := strings.TrimLeft(k.Thumbprint(), "-_")[:16]
		if k.ID() != want {
			t.Errorf("kid %s of thumbprint %s, want %s", k.ID(), k.Thumbprint(), want)
		}
		return
	}
}

func checkHandles(t *testing.T, k *Key) {
	t.Helper()
	isRSA, isEnc := k.Suite().kind() == kindRSA, k.Use() == UseEnc
	if (k.Signer() != nil) == isEnc || (k.KeyExchanger() != nil) != (isEnc && !isRSA) || (k.Decrypter() != nil) != (isEnc && isRSA) {
		t.Errorf("%v: signer %v, exchanger %v, decrypter %v", k.Suite(), k.Signer() != nil, k.KeyExchanger() != nil, k.Decrypter() != nil)
	}
	for _, handle := range []any{k.Signer(), k.KeyExchanger(), k.Decrypter()} {
		switch handle.(type) {
		case *ecdsa.PrivateKey, *ecdh.PrivateKey, *rsa.PrivateKey, ed25519.PrivateKey, *ed25519.PrivateKey:
			t.Errorf("%v: the handle is the key: %T", k.Suite(), handle)
		case interface{ Unwrap() any }, interface{ Bytes() ([]byte, error) }, interface{ Bytes() []byte }, interface{ Seed() []byte }:
			t.Errorf("%v: %T gives out the key", k.Suite(), handle)
		}
	}
	if s := k.Signer(); s != nil {
		checkSigner(t, k)
		if _, ok := s.(crypto.Decrypter); ok {
			t.Errorf("%v: a signing key decrypts", k.Suite())
		}
	}
	if d := k.Decrypter(); d != nil {
		checkDecrypter(t, k)
		if _, ok := d.(crypto.Signer); ok {
			t.Errorf("%v: a decryption key signs", k.Suite())
		}
	}
	if x := k.KeyExchanger(); x != nil {
		peer := must(x.Curve().GenerateKey(rand.Reader))(t)
		z, err := x.ECDH(peer.PublicKey())
		if want := must(peer.ECDH(k.Public().(*ecdh.PublicKey)))(t); err != nil || !bytes.Equal(z, want) {
			t.Errorf("%v: %v, or another shared secret", k.Suite(), err)
		}
	}
}

func checkSigner(t *testing.T, k *Key) {
	t.Helper()
	message := []byte("message")
	digest := sha256.Sum256(message)
	var err error
	switch pub := k.Signer().Public().(type) {
	case *ecdsa.PublicKey:
		sig := must(k.Signer().Sign(rand.Reader, digest[:], crypto.SHA256))(t)
		if !ecdsa.VerifyASN1(k.Public().(*ecdsa.PublicKey), digest[:], sig) || !pub.Equal(k.Public()) {
			err = fmt.Errorf("not its signature")
		}
	case ed25519.PublicKey:
		sig := must(k.Signer().Sign(rand.Reader, message, crypto.Hash(0)))(t)
		if !ed25519.Verify(k.Public().(ed25519.PublicKey), message, sig) || !pub.Equal(k.Public()) {
			err = fmt.Errorf("not its signature")
		}
	case *rsa.PublicKey:
		if k.Suite() == PS256 {
			o := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
			sig := must(k.Signer().Sign(rand.Reader, digest[:], o))(t)
			err = rsa.VerifyPSS(k.Public().(*rsa.PublicKey), crypto.SHA256, digest[:], sig, o)
			break
		}
		sig := must(k.Signer().Sign(rand.Reader, digest[:], crypto.SHA256))(t)
		err = rsa.VerifyPKCS1v15(k.Public().(*rsa.PublicKey), crypto.SHA256, digest[:], sig)
	}
	if err != nil {
		t.Errorf("%v: %v", k.Suite(), err)
	}
}

func checkDecrypter(t *testing.T, k *Key) {
	t.Helper()
	ciphertext := must(rsa.EncryptOAEP(sha256.New(), rand.Reader, k.Public().(*rsa.PublicKey), []byte("cek"), nil))(t)
	got, err := k.Decrypter().Decrypt(nil, ciphertext, &rsa.OAEPOptions{Hash: crypto.SHA256})
	if err != nil || string(got) != "cek" || !k.Decrypter().Public().(*rsa.PublicKey).Equal(k.Public()) {
		t.Errorf("%v: %q, %v", k.Suite(), got, err)
	}
}

// RFC 7638 section 3.1 and RFC 8037 appendix A.3.
func TestThumbprints(t *testing.T) {
	for _, c := range []struct{ jwk, thumbprint, kid string }{
		{
			`{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`,
			"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "2011-04-29",
		},
		{
			`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
			"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "kPrK_qmxVWaYVA9w",
		},
		{ // Bob of RFC 8037 appendix A.6; the RFC has no thumbprint on this curve, and openssl dgst -sha256 gave it
			`{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}`,
			"giQqigT_IKcuzHl0FVJ3k5ts3_TWNAxvsC08UZsfcM8", "giQqigT_IKcuzHl0",
		},
	} {
		k := must(ParseKey([]byte(c.jwk), As{}))(t)
		if k.Thumbprint() != c.thumbprint || k.ID() != c.kid {
			t.Errorf("thumbprint %s, kid %s", k.Thumbprint(), k.ID())
		}
	}
}

func TestPublicTypes(t *testing.T) {
	for _, suite := range allSuites {
		k := generated(t, suite)
		ok := false
		switch suite.kind() {
		case kindP256:
			if _, ok = k.Public().(*ecdsa.PublicKey); suite.Use() == UseEnc {
				_, ok = k.Public().(*ecdh.PublicKey)
			}
		case kindEd25519:
			_, ok = k.Public().(ed25519.PublicKey)
		case kindRSA:
			_, ok = k.Public().(*rsa.PublicKey)
		case kindX25519:
			var p *ecdh.PublicKey
			p, ok = k.Public().(*ecdh.PublicKey)
			ok = ok && p.Curve() == ecdh.X25519()
		}
		if !ok {
			t.Errorf("%v: %T", suite, k.Public())
		}
		if p := k.withoutPrivate(); p.HasPrivate() || p.private != nil || p.ID() != k.ID() || p.Thumbprint() != k.Thumbprint() || p.Suite() != suite {
			t.Errorf("%v: not the public half", suite)
		}
	}
}

// remoteSigner stands for a key in a KMS: it signs and has nothing to give away.
type remoteSigner struct{ crypto.Signer }

func (s remoteSigner) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	return s.Signer.Sign(r, digest, o)
}

func TestFromSigner(t *testing.T) {
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for suite, s := range map[Suite]crypto.Signer{ES256: ec, EdDSA: ed} {
		k := must(FromSigner("kms/keys/7", suite, remoteSigner{s}))(t)
		if k.ID() != "kms/keys/7" || !k.HasPrivate() || k.private != nil {
			t.Errorf("%v: kid %q", suite, k.ID())
		}
		checkHandles(t, k)
		// Also a local key given in this way cannot be asserted out again.
		checkHandles(t, must(FromSigner("local", suite, s))(t))

		set := must(NewSet(k))(t)
		if got := must(set.SigningKey())(t); got != k {
			t.Errorf("%v: the set signs with another key", suite)
		}
		for _, state := range []State{Staged, Active} {
			ring := must(Create(t.Context(), MemStore(), rawKey(t), RingConfig{Uses: []Use{UseEnc}}))(t)
			wantError(t, ring.Import(t.Context(), k, state), ErrUnsupported)
		}
	}
}

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
		"other suite":      {"k", EdDSA, &ec.PublicKey, ErrUnsupported},
		"other curve":      {"k", ES256, &p384.PublicKey, ErrUnsupported},
		"no public key":    {"k", ES256, nil, ErrUnsupported},
		"value":            {"k", ES256, ec.PublicKey, ErrUnsupported},
		"short RSA":        {"k", PS256, &weak.PublicKey, ErrWeakKey},
		"low order":        {"k", EdDSA, ed25519.PublicKey(make([]byte, 32)), ErrWeakKey},
		"short Ed25519":    {"k", EdDSA, ed25519.PublicKey(make([]byte, 31)), ErrWeakKey},
		"kid":              {"k\n", ES256, &ec.PublicKey, ErrMalformed},
	} {
		k, err := FromSigner(c.kid, c.suite, publicOnly{c.pub})
		if k != nil {
			t.Errorf("%s: accepted", name)
		}
		if wantError(t, err, c.want); t.Failed() {
			t.Fatal(name)
		}
	}
}

// go-jose must read every JWK that leaves the package, except for X25519, and no
// public one may hold anything private.
func TestPublicJWK(t *testing.T) {
	for _, suite := range allSuites {
		k := generated(t, suite)
		text := must(k.publicJWK().MarshalJSON())(t)
		var j jose.JSONWebKey
		if err := j.UnmarshalJSON(text); suite.kind() == kindX25519 {
			x := b64(k.Public().(*ecdh.PublicKey).Bytes())
			if want := `{"use":"enc","kty":"OKP","kid":"` + k.ID() + `","crv":"X25519","alg":"` + suite.Alg() + `","x":"` + x + `"}`; string(text) != want {
				t.Errorf("%v: %s, want %s", suite, text, want)
			}
		} else if err != nil || !j.IsPublic() || j.KeyID != k.ID() || j.Use != string(k.Use()) || j.Algorithm != suite.Alg() {
			t.Errorf("%v: %v, %s", suite, err, text)
		}
		if hasSecret(must(strict.ParseObject(text))(t)) {
			t.Errorf("%v: a private member in %s", suite, text)
		}
	}
}
