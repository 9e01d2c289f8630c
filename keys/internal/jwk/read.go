package jwk

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// PrivateKey is a private key of the standard library: it signs, or it agrees on keys.
type PrivateKey interface{ Public() crypto.PublicKey }

// JWK is one key as it was read, before an algorithm is chosen for it. From PEM only
// the key itself is known.
type JWK struct {
	KeyID, Use, Alg string
	Ops             []string // key_ops, RFC 7517 section 4.3

	Public  crypto.PublicKey
	Private PrivateKey // nil when the key is public
}

// The members of a JWK that make up the key (RFC 7518 section 6, RFC 8037
// section 2). All others never reach the parser of key material: certificates
// and URLs in a JWK are attack surface, and no caller needs them. The CRT
// parameters of RSA are computed anew.
var (
	publicMembers  = map[string][]string{"EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}, "RSA": {"n", "e"}}
	privateMembers = map[string][]string{"EC": {"d"}, "OKP": {"d"}, "RSA": {"d", "p", "q"}}
	secretMembers  = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}
)

// HasSecret reports whether a JWK holds private or symmetric key material.
func HasSecret(o strict.Object) bool {
	return slices.ContainsFunc(secretMembers, func(name string) bool { _, ok := o.Raw(name); return ok })
}

// Parse reads one key, private or public, from a JWK or from PEM.
func Parse(data []byte) (JWK, error) {
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		material, err := readPEM(data)
		if err != nil {
			return JWK{}, err
		}
		return newJWK(material), nil
	}
	o, err := strict.ParseObject(data)
	if err != nil {
		return JWK{}, fmt.Errorf("%w: neither PEM nor a JWK", ErrMalformed)
	}
	if _, ok := o.Raw("keys"); ok {
		return JWK{}, fmt.Errorf("%w: this is a JWK Set; give one JWK of it", ErrMalformed)
	}
	return FromObject(o)
}

func newJWK(material any) JWK {
	if p, ok := material.(PrivateKey); ok {
		return JWK{Public: p.Public(), Private: p}
	}
	return JWK{Public: material}
}

// FromObject reads a JWK.
func FromObject(o strict.Object) (JWK, error) {
	var kid, use, alg string
	for name, dst := range map[string]*string{"kid": &kid, "use": &use, "alg": &alg} {
		var err error
		if *dst, _, err = o.Text(name); err != nil {
			return JWK{}, fmt.Errorf("%w: %s must be a string", ErrMalformed, name)
		}
	}
	var ops []string
	_, _, err := o.Array("key_ops")
	if err == nil {
		ops, _, err = o.Strings("key_ops")
	}
	if err != nil {
		return JWK{}, fmt.Errorf("%w: key_ops must be an array of strings", ErrMalformed)
	}
	material, err := readMaterial(o)
	j := newJWK(material)
	j.KeyID, j.Use, j.Alg, j.Ops = kid, use, alg, ops
	return j, err
}

func readMaterial(o strict.Object) (any, error) {
	kty, _, err := o.Text("kty")
	if err != nil || kty == "" {
		return nil, fmt.Errorf("%w: a JWK needs kty", ErrMalformed)
	}
	if _, ok := publicMembers[kty]; !ok {
		return nil, fmt.Errorf("%w: key type %s", ErrUnsupported, Quote(kty))
	}
	if crv, _, _ := o.Text("crv"); kty == "EC" && crv != "P-256" || kty == "OKP" && crv != "Ed25519" && crv != crvX25519 {
		return nil, fmt.Errorf("%w: curve %s of key type %s", ErrUnsupported, Quote(crv), Quote(kty))
	}
	if _, ok := o.Raw("oth"); ok {
		return nil, fmt.Errorf("%w: RSA with more than two primes", ErrUnsupported)
	}
	names := publicMembers[kty]
	if _, private := o.Raw("d"); private {
		names = slices.Concat(names, privateMembers[kty])
	}
	reduced := map[string]string{"kty": kty}
	for _, name := range names {
		s, ok, err := o.Text(name)
		if err == nil && ok && name != "crv" {
			_, err = strict.DecodeBase64URL(s)
		}
		if err != nil || !ok {
			return nil, fmt.Errorf("%w: a %s key needs %s in base64url", ErrMalformed, kty, name)
		}
		reduced[name] = s
	}
	return decodeMaterial(reduced)
}

func decodeMaterial(members map[string]string) (any, error) {
	if members["crv"] == crvX25519 {
		return decodeX25519(members)
	}
	text, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	var k jose.JSONWebKey
	if err := k.UnmarshalJSON(text); err != nil {
		return nil, fmt.Errorf("%w: not a valid %s key", ErrMalformed, members["kty"])
	}
	switch p := k.Key.(type) {
	case *ecdsa.PrivateKey:
		// Without this check a private key could be filed under the public key of
		// another party.
		d, _ := strict.DecodeBase64URL(members["d"]) // readMaterial has decoded it once
		own, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d)
		if err != nil || !own.PublicKey.Equal(&p.PublicKey) {
			return nil, fmt.Errorf("%w: the private and the public half do not belong together", ErrMalformed)
		}
		return own, nil
	case *rsa.PrivateKey:
		p.Precompute()
	}
	return k.Key, nil
}
