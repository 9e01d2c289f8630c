package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/strict"
)

func TestGenerateKey(t *testing.T) {
	for _, suite := range allSuites {
		if suite.kind() == jwk.RSA && (suite != RSAOAEP256 || testing.Short()) {
			continue // one is enough, because each takes a second
		}
		k := must(GenerateKey(suite))(t)
		if k.Suite() != suite || k.Use() != suite.Use() || !k.HasPrivate() {
			t.Errorf("%v: suite %v, use %v, private %v", suite, k.Suite(), k.Use(), k.HasPrivate())
		}
		checkGeneratedID(t, k)
		checkKey(t, k)
		if p, ok := k.Public().(*rsa.PublicKey); ok && p.N.BitLen() != 3072 {
			t.Errorf("%v: %d bits", suite, p.N.BitLen())
		}
	}
}

// No kid begins with - or _, as one thumbprint in 32 does.
func TestGeneratedIDs(t *testing.T) {
	seen := make(map[string]bool)
	for range 500 {
		k := must(GenerateKey(EdDSA))(t)
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

// A foreign key without a kid gets one in the same way, except that its thumbprint cannot be drawn
// again.
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

// checkKey uses a private key for the work of its suite, and the standard library for the other
// side.
func checkKey(t *testing.T, k *Key) {
	t.Helper()
	if isEnc, isRSA := k.Use() == UseEnc, k.suite.kind() == jwk.RSA; (k.sign != nil) == isEnc ||
		(k.exchange != nil) != (isEnc && !isRSA) || (k.decrypt != nil) != (isEnc && isRSA) {
		t.Errorf("%v: it signs %v, agrees %v, decrypts %v", k.suite, k.sign != nil, k.exchange != nil, k.decrypt != nil)
	}
	if k.Use() == UseSig {
		checkSignature(t, k)
		return
	}
	if got, err := sealed(t, k.withoutPrivate(), A256GCM, "plaintext").open(t, k); err != nil || string(got) != "plaintext" {
		t.Errorf("%v: %q, %v", k.suite, got, err)
	}
	if public, ok := k.Public().(*ecdh.PublicKey); ok {
		peer := must(public.Curve().GenerateKey(rand.Reader))(t)
		z, err := k.exchange(t.Context(), peer.PublicKey())
		if want := must(peer.ECDH(public))(t); err != nil || !bytes.Equal(z, want) {
			t.Errorf("%v: %v, or another shared secret", k.suite, err)
		}
	}
}

func checkSignature(t *testing.T, k *Key) {
	t.Helper()
	message := []byte("message")
	digest := sha256.Sum256(message)
	sig := must(k.Sign(t.Context(), message))(t)
	ok := false
	switch pub := k.Public().(type) {
	case *ecdsa.PublicKey:
		r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
		ok = len(sig) == 64 && ecdsa.Verify(pub, digest[:], r, s)
	case ed25519.PublicKey:
		ok = ed25519.Verify(pub, message, sig)
	case *rsa.PublicKey:
		if k.suite == PS256 {
			o := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
			ok = rsa.VerifyPSS(pub, crypto.SHA256, digest[:], sig, o) == nil
		} else {
			ok = rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest[:], sig) == nil
		}
	}
	if !ok || !k.Verify(message, sig) || k.Verify([]byte("another"), sig) {
		t.Errorf("%v: not its signature, or not verified as such", k.suite)
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
		{ // Bob of RFC 8037 appendix A.6; openssl dgst -sha256 gave the thumbprint, because the RFC has none on this curve
			`{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}`,
			"giQqigT_IKcuzHl0FVJ3k5ts3_TWNAxvsC08UZsfcM8", "giQqigT_IKcuzHl0",
		},
	} {
		k := must(ParseKey([]byte(c.jwk), Hint{}))(t)
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
		case jwk.P256:
			if _, ok = k.Public().(*ecdsa.PublicKey); suite.Use() == UseEnc {
				_, ok = k.Public().(*ecdh.PublicKey)
			}
		case jwk.Ed25519:
			_, ok = k.Public().(ed25519.PublicKey)
		case jwk.RSA:
			_, ok = k.Public().(*rsa.PublicKey)
		case jwk.X25519:
			var p *ecdh.PublicKey
			p, ok = k.Public().(*ecdh.PublicKey)
			ok = ok && p.Curve() == ecdh.X25519()
		}
		if !ok {
			t.Errorf("%v: %T", suite, k.Public())
		}
		if p := k.withoutPrivate(); p.HasPrivate() || p.sign != nil || p.exchange != nil || p.decrypt != nil || p.ID() != k.ID() || p.Thumbprint() != k.Thumbprint() || p.Suite() != suite {
			t.Errorf("%v: not the public half", suite)
		}
	}
}

// go-jose reads every JWK that the package writes, except for X25519. A public JWK holds nothing
// private.
func TestPublicJWK(t *testing.T) {
	for _, suite := range allSuites {
		k := generated(t, suite)
		text := publicJWK(t, k.Key)
		var j jose.JSONWebKey
		if err := j.UnmarshalJSON(text); suite.kind() == jwk.X25519 {
			x := b64(k.Public().(*ecdh.PublicKey).Bytes())
			if want := `{"use":"enc","kty":"OKP","kid":"` + k.ID() + `","crv":"X25519","alg":"` + suite.Alg() + `","x":"` + x + `"}`; string(text) != want {
				t.Errorf("%v: %s, want %s", suite, text, want)
			}
		} else if err != nil || !j.IsPublic() || j.KeyID != k.ID() || j.Use != string(k.Use()) || j.Algorithm != suite.Alg() {
			t.Errorf("%v: %v, %s", suite, err, text)
		}
		if jwk.HasSecret(must(strict.ParseObject(text))(t)) {
			t.Errorf("%v: a private member in %s", suite, text)
		}
	}
}
