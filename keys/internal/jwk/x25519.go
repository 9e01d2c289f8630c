package jwk

import (
	"bytes"
	"crypto/ecdh"
	"fmt"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// This file reads and writes the JWKs of keys on X25519 (RFC 7748) for ECDH-ES (RFC 8037), since
// go-jose does not.

const (
	crvX25519  = "X25519"
	x25519Size = 32 // bytes of a public and of a private key
)

// x25519JWK is a JWK of type OKP, RFC 8037 section 2, with its members in the order in which
// go-jose writes other JWKs.
type x25519JWK struct {
	Use string       `json:"use,omitempty"`
	Kty string       `json:"kty"`
	Kid string       `json:"kid,omitempty"`
	Crv string       `json:"crv"`
	Alg string       `json:"alg,omitempty"`
	X   encodedBytes `json:"x"`
	D   encodedBytes `json:"d,omitempty"`
}

// encodedBytes are bytes that are written to JSON in base64url without padding.
type encodedBytes []byte

func (b encodedBytes) MarshalText() ([]byte, error) { return []byte(encode(b)), nil }

// decodeX25519 makes a key of the members of a JWK whose values are canonical base64url. It
// does not refuse points of low order; checkX25519 does.
func decodeX25519(members map[string]string) (any, error) {
	if err := ECDHESX25519.CheckMode(); err != nil {
		return nil, err
	}
	x, err := strict.DecodeBase64URL(members["x"])
	if err != nil || len(x) != x25519Size {
		return nil, fmt.Errorf("%w: x of an %s key has %d bytes", ErrMalformed, crvX25519, x25519Size)
	}
	text, private := members["d"]
	if !private {
		return ecdh.X25519().NewPublicKey(x)
	}
	d, err := strict.DecodeBase64URL(text)
	defer clear(d)
	if err != nil || len(d) != x25519Size {
		return nil, fmt.Errorf("%w: d of an %s key has %d bytes", ErrMalformed, crvX25519, x25519Size)
	}
	own, err := ecdh.X25519().NewPrivateKey(d)
	// Without this check a JWK could give a private key the public key of another party.
	if err != nil || !bytes.Equal(own.PublicKey().Bytes(), x) {
		return nil, fmt.Errorf("%w: the private and the public half do not belong together", ErrMalformed)
	}
	return own, nil
}

// CheckPoint refuses a sender's public key of low order, with which every agreement has the
// same result. P-256 has no such points.
func CheckPoint(p *ecdh.PublicKey) error {
	if p.Curve() != ecdh.X25519() {
		return nil
	}
	return checkOrder(p)
}

// checkX25519 refuses a point of low order, because every attacker then knows the shared
// secret, and a second spelling of a point, which would give one key two thumbprints.
func checkX25519(p *ecdh.PublicKey) error {
	if !isCanonical(p.Bytes()) {
		return fmt.Errorf("%w: an %s point that is not below the prime of the field", ErrMalformed, crvX25519)
	}
	return checkOrder(p)
}

func checkOrder(p *ecdh.PublicKey) error {
	// Any private key finds the points of low order. X25519 makes each private key a multiple of
	// 8, which is a multiple of the orders of these points, and never a multiple of the order of
	// another point. So the shared secret is zero for points of low order only (RFC 7748 sections
	// 5 and 6.1).
	probe, err := ecdh.X25519().NewPrivateKey(make([]byte, x25519Size))
	if err == nil {
		_, err = probe.ECDH(p)
	}
	if err != nil {
		return fmt.Errorf("%w: an %s point of low order", ErrWeakKey, crvX25519)
	}
	return nil
}

// isCanonical reports whether a u-coordinate, little-endian, is below 2^255 - 19. RFC 7748
// section 5 also accepts larger values, but no key generation makes them.
func isCanonical(u []byte) bool {
	if top := u[x25519Size-1]; top != 0x7f {
		return top < 0x7f
	}
	for _, b := range u[1 : x25519Size-1] {
		if b != 0xff {
			return true
		}
	}
	return u[0] < 0xed
}
