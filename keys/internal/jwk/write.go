package jwk

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// Marshal writes a JWK of a key, public or private. The JWK of a private key must only be
// written into the document of a ring, which is then encrypted. An empty kid, use or alg is
// left out. go-jose writes the JWK, except for X25519, which it does not know.
func Marshal(key any, kid, use, alg string) ([]byte, error) {
	switch k := key.(type) {
	case *ecdh.PublicKey:
		if k.Curve() == ecdh.X25519() {
			return json.Marshal(x25519JWK{Use: use, Kty: "OKP", Kid: kid, Crv: crvX25519, Alg: alg, X: k.Bytes()})
		}
		p, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), k.Bytes())
		if err != nil {
			return nil, fmt.Errorf("%w: not a point of P-256", ErrMalformed)
		}
		key = p
	case *ecdh.PrivateKey:
		d := k.Bytes()
		defer clear(d)
		return json.Marshal(x25519JWK{Use: use, Kty: "OKP", Kid: kid, Crv: crvX25519, Alg: alg, X: k.PublicKey().Bytes(), D: d})
	}
	return jose.JSONWebKey{Key: key, KeyID: kid, Use: use, Algorithm: alg}.MarshalJSON()
}

// thumbprint returns the SHA-256 JWK thumbprint of a public key in base64url, RFC 7638
// section 3. For OKP the members are crv, kty and x (RFC 8037 section 2).
func thumbprint(pub crypto.PublicKey) (string, error) {
	p, ok := pub.(*ecdh.PublicKey)
	if !ok {
		sum, err := (&jose.JSONWebKey{Key: pub}).Thumbprint(crypto.SHA256)
		return encode(sum), err
	}
	// RFC 7638 demands the members in lexicographic order, without white space.
	text, err := json.Marshal(struct {
		Crv string       `json:"crv"`
		Kty string       `json:"kty"`
		X   encodedBytes `json:"x"`
	}{crvX25519, "OKP", p.Bytes()})
	sum := sha256.Sum256(text)
	return encode(sum[:]), err
}
