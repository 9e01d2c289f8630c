package jwk

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/go-jose/go-jose/v4"
)

const (
	minRSABits     = 2048
	maxRSABits     = 4096 // tokens for a longer key take so long to verify that they deny service
	minRSAExponent = 65537
	maxRSAExponent = 1<<31 - 1 // crypto/rsa does not encrypt with a larger exponent
)

// checkStrength refuses public keys that are weak, that are not a point of their curve, or that
// cost too much to use.
func checkStrength(pub crypto.PublicKey) error {
	switch p := pub.(type) {
	case *rsa.PublicKey:
		return checkRSA(p)
	case *ecdsa.PublicKey:
		//lint:ignore SA1019 a caller's signer may leave X and Y nil, and then ECDH panics
		if p.X == nil || p.Y == nil {
			return fmt.Errorf("%w: a public key without coordinates", ErrMalformed)
		}
		if _, err := p.ECDH(); err != nil {
			return fmt.Errorf("%w: not a point of P-256", ErrMalformed)
		}
	case ed25519.PublicKey:
		// go-jose knows the points of low order, under which an attacker can sign.
		if _, err := json.Marshal(jose.JSONWebKey{Key: p}); err != nil {
			return fmt.Errorf("%w: not a usable Ed25519 point", ErrWeakKey)
		}
	case *ecdh.PublicKey:
		return checkX25519(p)
	}
	return nil
}

func checkRSA(p *rsa.PublicKey) error {
	if err := checkRSABounds(p.N, big.NewInt(int64(p.E))); err != nil {
		return err
	}
	if p.N.Bit(0) == 0 {
		return fmt.Errorf("%w: even RSA modulus", ErrWeakKey)
	}
	if hasROCAFingerprint(p.N) {
		return fmt.Errorf("%w: RSA key from a broken generator (ROCA, CVE-2017-15361)", ErrWeakKey)
	}
	return nil
}

// checkRSABounds takes numbers of any size, so that it also explains keys that crypto/x509 and
// go-jose refuse.
func checkRSABounds(n, e *big.Int) error {
	if bits := n.BitLen(); bits < minRSABits || bits > maxRSABits {
		return fmt.Errorf("%w: RSA key of %d bits; use %d to %d", ErrWeakKey, bits, minRSABits, maxRSABits)
	}
	if !e.IsInt64() || e.Int64() < minRSAExponent || e.Int64() > maxRSAExponent || e.Bit(0) == 0 {
		return fmt.Errorf("%w: RSA exponent must be odd, at least %d and at most %d", ErrWeakKey, minRSAExponent, maxRSAExponent)
	}
	return nil
}

// rocaPrimes are the primes by which hasROCAFingerprint recognises a modulus n of the broken
// Infineon generator: n is a power of 65537 modulo each of them (Nemec et al., "The Return of
// Coppersmith's Attack", CCS 2017). A sound modulus has this property by chance with
// probability below 2^-27.
var rocaPrimes = [...]int64{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
	101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
}

func hasROCAFingerprint(n *big.Int) bool {
	for _, p := range rocaPrimes {
		residue := new(big.Int).Mod(n, big.NewInt(p)).Int64()
		if !isPowerOfGenerator(residue, p) {
			return false
		}
	}
	return true
}

func isPowerOfGenerator(residue, p int64) bool {
	const generator = 65537
	for x, i := int64(1), int64(0); i < p; x, i = x*generator%p, i+1 {
		if x == residue {
			return true
		}
	}
	return false
}
