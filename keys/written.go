package keys

import (
	"crypto"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
)

// writtenJWK is a JWK on its way out: into a JWK Set, or with its private half into
// the ring's document. go-jose writes it, except for X25519, which it does not know.
type writtenJWK struct {
	key any // public or private
	kid string
	use Use
	alg string
}

// MarshalJSON writes the JWK. A private one goes into a ring's document only.
func (w writtenJWK) MarshalJSON() ([]byte, error) {
	switch k := w.key.(type) {
	case *ecdh.PublicKey:
		return json.Marshal(x25519JWK{Use: w.use, Kty: "OKP", Kid: w.kid, Crv: crvX25519, Alg: w.alg, X: k.Bytes()})
	case *ecdh.PrivateKey:
		d := k.Bytes()
		defer clear(d)
		return json.Marshal(x25519JWK{Use: w.use, Kty: "OKP", Kid: w.kid, Crv: crvX25519, Alg: w.alg, X: k.PublicKey().Bytes(), D: d})
	}
	return jose.JSONWebKey{Key: w.key, KeyID: w.kid, Use: string(w.use), Algorithm: w.alg}.MarshalJSON()
}

// thumbprint is the SHA-256 JWK thumbprint of a public key, RFC 7638 section 3. For
// OKP the members are crv, kty and x (RFC 8037 section 2).
func thumbprint(pub crypto.PublicKey) ([]byte, error) {
	p, ok := pub.(*ecdh.PublicKey)
	if !ok {
		return (&jose.JSONWebKey{Key: pub}).Thumbprint(crypto.SHA256)
	}
	// The members in lexicographic order, without white space.
	text, err := json.Marshal(struct {
		Crv string       `json:"crv"`
		Kty string       `json:"kty"`
		X   encodedBytes `json:"x"`
	}{crvX25519, "OKP", p.Bytes()})
	sum := sha256.Sum256(text)
	return sum[:], err
}
