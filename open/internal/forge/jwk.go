package forge

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
)

// JWK is a JWK of go-jose that may also hold a key on X25519 (RFC 8037 section 2). go-jose cannot
// read or write such a key. Its Key is an *ecdh.PrivateKey or an *ecdh.PublicKey.
type JWK struct{ jose.JSONWebKey }

// okp has the members of a JWK on X25519.
type okp struct {
	Use string `json:"use,omitempty"`
	Kty string `json:"kty"`
	Kid string `json:"kid,omitempty"`
	Crv string `json:"crv"`
	Alg string `json:"alg,omitempty"`
	X   string `json:"x"`
	D   string `json:"d,omitempty"`
}

// MarshalJSON returns the JWK. If Key is a private key, the JWK has the private key.
func (k JWK) MarshalJSON() ([]byte, error) {
	o := okp{k.Use, "OKP", k.KeyID, "X25519", k.Algorithm, "", ""}
	switch half := k.Key.(type) {
	case *ecdh.PublicKey:
		o.X = Encode(half.Bytes())
	case *ecdh.PrivateKey:
		o.X, o.D = Encode(half.PublicKey().Bytes()), Encode(half.Bytes())
	default:
		return k.JSONWebKey.MarshalJSON()
	}
	return json.Marshal(o)
}

// ReadJWK reads a JWK. A JWK on X25519 must be private.
func ReadJWK(data []byte) (JWK, error) {
	var k JWK
	var o okp
	if err := json.Unmarshal(data, &o); err != nil || o.Kty != "OKP" || o.Crv != "X25519" {
		return k, k.JSONWebKey.UnmarshalJSON(data)
	}
	d, err := base64.RawURLEncoding.DecodeString(o.D)
	if err != nil {
		return k, err
	}
	private, err := ecdh.X25519().NewPrivateKey(d)
	if err != nil {
		return k, err
	}
	return JWK{jose.JSONWebKey{Key: private, KeyID: o.Kid, Use: o.Use, Algorithm: o.Alg}}, nil
}
