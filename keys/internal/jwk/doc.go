// Package jwk reads and writes key material: JSON Web Keys (RFC 7517, RFC 7518
// section 6, RFC 8037 section 2) and PEM. It refuses weak keys and draws new ones.
//
// Every private key that is read from JWK or PEM, or drawn for a ring, is made in this package, and
// this package writes it for the ring. Other packages only use the key that it returns.
package jwk

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"strconv"
)

// The faults of key material. Package keys documents and exports these errors.
var (
	ErrUnsupported = errors.New("keys: not supported")
	ErrMalformed   = errors.New("keys: malformed")
	ErrWeakKey     = errors.New("keys: weak key")
)

// Kind is the sort of key material that an algorithm takes.
type Kind uint8

// The kinds. The zero Kind is none of them.
const (
	P256 Kind = iota + 1
	Ed25519
	RSA
	X25519
)

// String returns the name of the kind, for people.
func (k Kind) String() string {
	if k > X25519 {
		k = 0
	}
	return [...]string{"unknown", "P-256", "Ed25519", "RSA", "X25519"}[k]
}

// KindOf returns the kind of a public key. ok is false for a key of any other type or curve,
// and for nil or a nil pointer, which a crypto.Signer of the caller may return.
func KindOf(pub crypto.PublicKey) (k Kind, ok bool) {
	switch p := pub.(type) {
	case *ecdsa.PublicKey:
		return P256, p != nil && p.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return Ed25519, true
	case *rsa.PublicKey:
		return RSA, p != nil && p.N != nil
	case *ecdh.PublicKey:
		return X25519, p != nil && p.Curve() == ecdh.X25519()
	}
	return 0, false
}

// Algorithm is one algorithm that a key can be for.
type Algorithm struct {
	Name string // for people and for the ring's document; it tells the curve
	Alg  string // the JOSE name, in tokens and JWKs
	Use  string // sig or enc
	Kind Kind
}

// The algorithms that are offered. JOSE has one name for ECDH-ES on any curve, so Name
// differs from Alg where the curve is not P-256 (RFC 8037 section 3.2).
var (
	ES256      = Algorithm{"ES256", "ES256", "sig", P256}
	EdDSA      = Algorithm{"EdDSA", "EdDSA", "sig", Ed25519}
	RS256      = Algorithm{"RS256", "RS256", "sig", RSA}
	PS256      = Algorithm{"PS256", "PS256", "sig", RSA}
	ECDHES     = Algorithm{"ECDH-ES", "ECDH-ES", "enc", P256}
	ECDHESKW   = Algorithm{"ECDH-ES+A256KW", "ECDH-ES+A256KW", "enc", P256}
	RSAOAEP256 = Algorithm{"RSA-OAEP-256", "RSA-OAEP-256", "enc", RSA}
	RSAOAEP    = Algorithm{"RSA-OAEP", "RSA-OAEP", "enc", RSA}

	ECDHESX25519   = Algorithm{"ECDH-ES/X25519", "ECDH-ES", "enc", X25519}
	ECDHESKWX25519 = Algorithm{"ECDH-ES+A256KW/X25519", "ECDH-ES+A256KW", "enc", X25519}
)

// Quote returns a name from outside in quotes, printable and short: a kid or an algorithm can hold
// terminal escapes, line feeds or a megabyte.
func Quote(s string) string {
	const limit = 64
	if len(s) > limit {
		return strconv.QuoteToASCII(s[:limit]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
