package forge

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // for the hash of RSA-OAEP
	"crypto/sha256"
	"encoding/json"
	"hash"
	"math/big"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// Key is a private key, its kid, and the algorithm that it is for.
type Key struct {
	Alg, Kid string
	Private  PrivateKey
}

// PrivateKey is an *ecdsa.PrivateKey on P-256, an ed25519.PrivateKey, an *rsa.PrivateKey, or
// an *ecdh.PrivateKey on X25519.
type PrivateKey interface{ Public() crypto.PublicKey }

// Generate makes a new key of the type of example. An RSA key has 2048 bits.
func Generate(example PrivateKey) PrivateKey {
	switch example.(type) {
	case *ecdsa.PrivateKey:
		return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	case ed25519.PrivateKey:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return must(private, err)
	case *ecdh.PrivateKey:
		return must(ecdh.X25519().GenerateKey(rand.Reader))
	}
	return must(rsa.GenerateKey(rand.Reader, 2048))
}

// Stranger makes a new key with the algorithm and the kid of k.
func (k *Key) Stranger() *Key { return &Key{k.Alg, k.Kid, Generate(k.Private)} }

// Public returns the public key.
func (k *Key) Public() crypto.PublicKey { return k.Private.Public() }

// JWK returns the JWK of half, which is k.Private or the public key.
func (k *Key) JWK(half any) JWK {
	use := "enc"
	if slices.Contains([]string{"ES256", "EdDSA", "RS256", "PS256"}, k.Alg) {
		use = "sig"
	}
	return JWK{jose.JSONWebKey{Key: half, KeyID: k.Kid, Use: use, Algorithm: k.Alg}}
}

// PublicJWK returns the text of the public JWK.
func (k *Key) PublicJWK() string { return string(must(json.Marshal(k.JWK(k.Public())))) }

// Point returns the public key of a key for ECDH. It panics for other keys.
func (k *Key) Point() *ecdh.PublicKey {
	switch pub := k.Public().(type) {
	case *ecdh.PublicKey:
		return pub
	case *ecdsa.PublicKey:
		return must(pub.ECDH())
	}
	panic("forge: no key for ECDH")
}

// OAEPHash returns the hash of RSAES-OAEP and its MGF1, RFC 7518 section 4.3.
func (k *Key) OAEPHash() crypto.Hash { return OAEPHashes[k.Alg] }

// OAEPHashes has the hash of each algorithm with RSAES-OAEP.
var OAEPHashes = map[string]crypto.Hash{"RSA-OAEP-256": crypto.SHA256, "RSA-OAEP": crypto.SHA1}

// EncryptOAEP encrypts a content encryption key with RSAES-OAEP.
func (k *Key) EncryptOAEP(hash crypto.Hash, cek []byte, label string) []byte {
	return must(rsa.EncryptOAEP(hash.New(), rand.Reader, k.Public().(*rsa.PublicKey), cek, []byte(label)))
}

// Sign signs input with the algorithm of the key, RFC 7518 section 3 and RFC 8037 section 3.1.
func (k *Key) Sign(input []byte) []byte {
	digest := sha256.Sum256(input)
	switch private := k.Private.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(private, input)
	case *ecdsa.PrivateKey:
		return SignECDSA(private, digest[:])
	case *rsa.PrivateKey:
		if k.Alg == "PS256" {
			return SignPSS(private, digest[:], rsa.PSSSaltLengthEqualsHash)
		}
		return must(rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:]))
	}
	panic("forge: no such key")
}

// SignECDSA signs a digest and returns R || S.
func SignECDSA(k *ecdsa.PrivateKey, digest []byte) []byte {
	r, s, err := ecdsa.Sign(rand.Reader, k, digest)
	return Pair(must(r, err), s)
}

// Pair returns R || S, RFC 7518 section 3.4.
func Pair(r, s *big.Int) []byte {
	return slices.Concat(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32)))
}

// SignPSS signs a SHA-256 digest with a salt of this length.
func SignPSS(k *rsa.PrivateKey, digest []byte, salt int) []byte {
	return must(rsa.SignPSS(rand.Reader, k, crypto.SHA256, digest, &rsa.PSSOptions{SaltLength: salt}))
}

// MAC returns a function that computes the HMAC of its input with a shared secret.
func MAC(hash func() hash.Hash, secret []byte) func(input []byte) []byte {
	return func(input []byte) []byte {
		m := hmac.New(hash, secret)
		m.Write(input)
		return m.Sum(nil)
	}
}
