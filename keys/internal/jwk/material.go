package jwk

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// The members of a JWK that make up the key (RFC 7518 section 6, RFC 8037 section 2), beside kty.
// go-jose, which parses every key but those on X25519, gets kty and these members only: certificates
// and URLs in a JWK are attack surface, and no caller needs them. The CRT parameters of RSA (dp, dq, qi) are
// ignored and computed anew.
var (
	publicMembers  = map[string][]string{"EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}, "RSA": {"n", "e"}}
	privateMembers = map[string][]string{"EC": {"d"}, "OKP": {"d"}, "RSA": {"d", "p", "q"}}
)

func (m members) material() (JWK, error) {
	kty, _, err := m.Text("kty")
	if err != nil || kty == "" {
		return JWK{}, fmt.Errorf("%w: a JWK needs kty", ErrMalformed)
	}
	if _, ok := publicMembers[kty]; !ok {
		return JWK{}, fmt.Errorf("%w: key type %s", ErrUnsupported, Quote(kty))
	}
	if crv, _, _ := m.Text("crv"); kty == "EC" && crv != "P-256" || kty == "OKP" && crv != "Ed25519" && crv != crvX25519 {
		return JWK{}, fmt.Errorf("%w: curve %s of key type %s", ErrUnsupported, Quote(crv), Quote(kty))
	}
	if m.has("oth") {
		return JWK{}, errPrimes
	}
	names := publicMembers[kty]
	if m.has("d") {
		names = slices.Concat(names, privateMembers[kty])
	}
	reduced := map[string]string{"kty": kty}
	for _, name := range names {
		if reduced[name], err = m.number(kty, name); err != nil {
			return JWK{}, err
		}
	}
	key, err := decodeMaterial(reduced)
	return newJWK(key), err
}

// number returns the text of a member of the key material. It refuses a text that is not canonical
// base64url, except in crv.
func (m members) number(kty, name string) (string, error) {
	s, ok, err := m.Text(name)
	switch {
	case err == nil && ok && name == "crv":
		return s, nil
	case err == nil && !ok && kty == "RSA" && (name == "p" || name == "q"):
		return "", fmt.Errorf("%w: a private RSA key without its primes p and q: write them too, since sealjwt computes with them", ErrMalformed)
	case err != nil || !ok:
		return "", fmt.Errorf("%w: a %s key needs %s in base64url", ErrMalformed, kty, name)
	}
	if _, err := strict.DecodeBase64URL(s); err == nil {
		return s, nil
	}
	reason := ""
	switch {
	case strings.HasSuffix(s, "="):
		reason = ", and this one has padding (=), which base64url in a JWK has not (RFC 7515 section 2)"
	case strings.ContainsAny(s, "+/"):
		reason = ", and this one is Base64 with + and /"
	}
	return "", fmt.Errorf("%w: a %s key needs %s in base64url%s", ErrMalformed, kty, name, reason)
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
		return nil, decodeFault(members)
	}
	switch p := k.Key.(type) {
	case *ecdsa.PrivateKey:
		// Without this check a JWK could give a private key the public key of another party.
		d, _ := strict.DecodeBase64URL(members["d"]) // no error: number has checked d
		own, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d)
		if err != nil || !own.PublicKey.Equal(&p.PublicKey) {
			return nil, errHalves
		}
		return own, nil
	case *rsa.PrivateKey:
		p.Precompute()
	}
	return k.Key, nil
}

// decodeFault returns the reason why go-jose failed to read a key: an RSA key is out of bounds,
// or the key is damaged.
func decodeFault(members map[string]string) error {
	if members["kty"] == "RSA" {
		n, _ := strict.DecodeBase64URL(members["n"]) // no error: number has checked n and e
		e, _ := strict.DecodeBase64URL(members["e"])
		if err := checkRSABounds(new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)); len(n) > 0 && len(e) > 0 && err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: not a valid %s key", ErrMalformed, members["kty"])
}
